/* tenant.c — sections of the configuration file: which keys there are, what they may be, and what they are when left out. */
#include "conf/tenant.h"

#include "base/guess.h"
#include "conf/private.h"
#include "conf/provider.h"
#include "conf/value.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR 3600
#define DAY  (24 * HOUR)
#define YEAR (366 * DAY)
#define K    ((size_t)1 << 10)
#define M    ((size_t)1 << 20)
#define G    ((size_t)1 << 30)

#define AT(member) offsetof(struct conf_tenant, member)
#define SECONDS(member, min, max)                          \
    {                                                      \
#member, value_seconds, AT(member), min, max, NULL \
    }
#define NUMBER(member, min, max)                          \
    {                                                     \
#member, value_number, AT(member), min, max, NULL \
    }

static const struct key tenant_keys[] = {
    NUMBER(rate_per_minute, 0, 6000),
    SECONDS(list_ttl, 0, YEAR),
    SECONDS(record_ttl, 0, YEAR),
    SECONDS(list_timeout, 1, DAY),
    SECONDS(op_timeout, 1, HOUR),
    SECONDS(lock_wait, 1, 60),
    SECONDS(job_timeout, 1, DAY),
    SECONDS(removal_grace, 0, HOUR),
    SECONDS(removal_window, 1, YEAR),
    SECONDS(base_ttl, 0, YEAR),
    SECONDS(job_retention, 0, YEAR),
    NUMBER(crawl_limit, 0, 6000),
    NUMBER(max_removals, 0, 1000000),
    {"trickle", value_yesno, AT(trickle), 0, 0, NULL},
    {"detail", value_word, AT(detail), 0, 0, (const char *const[]){"auto", "require", "never", NULL}},
    {"unlink", value_word, AT(unlink), 0, 0, (const char *const[]){"deactivate", "deny", "rewrite", NULL}},
    {"settle", value_word, AT(settle), 0, 0, (const char *const[]){"accepted", "completed", NULL}},
    {"allow_delete", value_names, AT(allow_delete), 0, 0, NULL},
    {"successor", value_successor, AT(successor), 0, 0, NULL},
    {"max_response", value_size, AT(max_response), 64 * K, G, NULL},
    {"base_url", value_base_url, AT(base_url), 0, 0, NULL},
    {0},
};

static const struct key general_keys[] = {
    {"cache_dir", value_path, offsetof(struct conf, cache_dir), 0, 0, NULL},
    {"max_document", value_size, offsetof(struct conf, max_document), 4 * K, 64 * M, NULL},
    {"max_scratch", value_size, offsetof(struct conf, max_scratch), 64 * K, 64 * G, NULL},
    {"audit_max", value_size, offsetof(struct conf, audit_max), 4 * K, 64 * G, NULL},
    {0},
};

/* Dealt with one by one, by the functions below. */
static const char *const own_keys[] = {"provider", "region", "plan", NULL};

/* Where an error is. */
struct where {
    const char *file;
    const struct section *section;
    struct err *e;
};

/* Puts "lmsfs.conf:12: [hownow] key: " before the sentence that is there. */
static int blame(const struct where *w, int line, const char *key, int rc)
{
    err_prefix(w->e, "%s:%d: [%.64s] %s", w->file, line, w->section->name, key_in_message(key));
    return rc;
}

/* ---- what an unknown key may have meant ---- */

struct guess {
    const char *name;
    size_t distance;
};

static void guess_better(struct guess *g, const char *wrong, const char *name)
{
    size_t d = guess_distance(wrong, name);
    if (d > 0 && d < g->distance) /* 0: the key exists, but not here */
        *g = (struct guess){name, d};
}

static void guess_keys(struct guess *g, const char *wrong, const struct key *keys)
{
    for (; keys && keys->name; keys++)
        guess_better(g, wrong, keys->name);
}

static int unknown_key(const struct where *w, const struct entry *entry, const struct conf_provider *p,
                       const struct key *keys)
{
    struct guess g = {NULL, 4};
    guess_keys(&g, entry->key, keys);
    if (p) {
        guess_keys(&g, entry->key, p->credentials);
        guess_keys(&g, entry->key, p->extras);
        for (size_t i = 0; own_keys[i]; i++)
            guess_better(&g, entry->key, own_keys[i]);
    }
    /* Half of a short name changed is no typing error any more. */
    int rc = g.name && g.distance * 2 < strlen(g.name)
                 ? err_set(w->e, -EINVAL, "unknown key (did you mean %s?)", g.name)
                 : err_set(w->e, -EINVAL, p ? "unknown key for provider %s" : "unknown key", p ? p->name : "");
    return blame(w, entry->line, entry->key, rc);
}

/* ---- tenants ---- */

static const struct key *key_find(const struct key *keys, const char *name)
{
    for (; keys && keys->name; keys++)
        if (strcmp(keys->name, name) == 0)
            return keys;
    return NULL;
}

static bool is_own_key(const char *name)
{
    for (size_t i = 0; own_keys[i]; i++)
        if (strcmp(own_keys[i], name) == 0)
            return true;
    return false;
}

static int check_name(const char *file, const struct section *s, struct err *e)
{
    size_t len = strspn(s->name, "abcdefghijklmnopqrstuvwxyz0123456789._-");
    if (len > 0 && len <= 64 && !s->name[len] && isalnum((unsigned char)*s->name))
        return 0;
    return err_set(e, -EINVAL,
                   "%s:%d: [%.64s] a tenant's name has 1 to 64 of a-z 0-9 . _ - and starts with a letter or a digit",
                   file, s->line, s->name);
}

/* NULL: -EINVAL. */
static const struct conf_provider *read_provider(const struct where *w)
{
    const struct entry *entry = section_entry(w->section, "provider");
    const struct conf_provider *found = entry ? conf_provider_find(entry->value) : NULL;
    if (found)
        return found;
    char known[128] = "";
    for (const struct conf_provider *p = conf_providers; p->name; p++) {
        size_t at = strlen(known);
        snprintf(known + at, sizeof known - at, "%s%s", at ? ", " : "", p->name);
    }
    if (entry)
        err_set(w->e, -EINVAL, "unknown provider '%.48s' (known: %s)", entry->value, known);
    else
        err_set(w->e, -EINVAL, "is missing (known: %s)", known);
    blame(w, entry ? entry->line : w->section->line, "provider", -EINVAL);
    return NULL;
}

static void regions_text(const struct conf_provider *p, char *buf, size_t size)
{
    *buf = '\0';
    for (const struct region *r = p->regions; r && r->name; r++) {
        size_t at = strlen(buf);
        snprintf(buf + at, size - at, "%s%s", at ? ", " : "", r->name);
    }
}

/* region or base_url, never both. base_url itself was read with the other keys. */
static int read_region(const struct where *w, const struct conf_provider *p, struct conf_tenant *t)
{
    const struct entry *entry = section_entry(w->section, "region");
    char all[128];
    regions_text(p, all, sizeof all);
    if (entry && !p->regions)
        return unknown_key(w, entry, p, tenant_keys);
    if (entry && t->base_url)
        return blame(w, entry->line, "region", err_set(w->e, -EINVAL, "can't stand beside base_url: one of them goes"));
    if (t->base_url)
        return 0;
    const char *name = entry ? entry->value : p->default_region;
    if (!name && p->regions)
        return blame(w, w->section->line, "region", err_set(w->e, -EINVAL, "is missing (%s), and so is base_url", all));
    if (!name)
        return blame(w, w->section->line, "base_url", err_set(w->e, -EINVAL, "is missing"));
    for (const struct region *r = p->regions; r->name; r++)
        if (strcmp(r->name, name) == 0) {
            t->base_url = strdup(r->base_url);
            return t->base_url ? 0 : err_set(w->e, -ENOMEM, "out of memory");
        }
    int rc = err_set(w->e, -EINVAL, "unknown region '%.48s' (%s has: %s)", name, p->name, all);
    return blame(w, entry ? entry->line : w->section->line, "region", rc);
}

/* Reads and events go to two hosts of one installation: to read from one and write to another would be a mistake nobody wants. */
static int read_events(const struct where *w, const struct conf_provider *p, struct conf_tenant *t)
{
    const struct entry *base = section_entry(w->section, "base_url"), *events = section_entry(w->section, "events_url");
    if (!p->default_events || (base && events))
        return 0;
    if (base || events)
        return blame(w, (base ? base : events)->line, base ? "base_url" : "events_url",
                     err_set(w->e, -EINVAL, "needs %s beside it: they belong to one installation",
                             base ? "events_url" : "base_url"));
    t->events_url = strdup(p->default_events);
    return t->events_url ? 0 : err_set(w->e, -ENOMEM, "out of memory");
}

/* plan or rate_per_minute, never both. rate_per_minute itself was read with the other keys. */
static int read_plan(const struct where *w, const struct conf_provider *p, struct conf_tenant *t)
{
    const struct entry *entry = section_entry(w->section, "plan");
    bool rate = section_entry(w->section, "rate_per_minute") != NULL;
    if (!entry) {
        if (!rate)
            t->rate_per_minute = p->default_rate;
        return 0;
    }
    if (!p->plans)
        return unknown_key(w, entry, p, tenant_keys);
    if (rate)
        return blame(w, entry->line, "plan",
                     err_set(w->e, -EINVAL, "can't stand beside rate_per_minute: one of them goes"));
    char all[128] = "";
    for (const struct rate_plan *r = p->plans; r->name; r++) {
        if (strcmp(r->name, entry->value) == 0) {
            t->rate_per_minute = r->rate_per_minute;
            return 0;
        }
        size_t at = strlen(all);
        snprintf(all + at, sizeof all - at, "%s%s", at ? ", " : "", r->name);
    }
    int rc = err_set(w->e, -EINVAL, "unknown plan '%.48s' (%s has: %s)", entry->value, p->name, all);
    return blame(w, entry->line, "plan", rc);
}

static int read_keys(const struct where *w, const struct conf_provider *p, struct conf_tenant *t)
{
    for (size_t i = 0; i < w->section->n; i++) {
        const struct entry *entry = &w->section->entries[i];
        if (is_own_key(entry->key))
            continue;
        const struct key *k = key_find(tenant_keys, entry->key);
        if (!k)
            k = key_find(p->credentials, entry->key);
        if (!k)
            k = key_find(p->extras, entry->key);
        if (!k)
            return unknown_key(w, entry, p, tenant_keys);
        int rc = k->parse(k, t, entry->value, w->e);
        if (rc < 0)
            return blame(w, entry->line, entry->key, rc);
    }
    for (const struct key *k = p->credentials; k->name; k++)
        if (!section_entry(w->section, k->name)) {
            int rc = err_set(w->e, -EINVAL, "is missing: provider %s needs it", p->name);
            return blame(w, w->section->line, k->name, rc);
        }
    return 0;
}

static const struct conf_tenant defaults = {
    .list_ttl = 900,
    .record_ttl = 300,
    .list_timeout = 300,
    .op_timeout = 30,
    .lock_wait = 5,
    .job_timeout = 300,
    .removal_grace = 3,
    .removal_window = HOUR,
    .base_ttl = 7 * DAY,
    .job_retention = 7 * DAY,
    .crawl_limit = 10,
    .max_removals = 10,
    .trickle = true,
    .detail = DETAIL_AUTO,
    .unlink = UNLINK_DEACTIVATE,
    .settle = SETTLE_ACCEPTED,
    .max_response = 8 * M,
};

int tenant_read(const char *file, const struct section *s, struct conf_tenant *out, struct err *e)
{
    const struct where w = {file, s, e};
    int rc = check_name(file, s, e);
    if (rc < 0)
        return rc;
    const struct conf_provider *p = read_provider(&w);
    if (!p)
        return -EINVAL;
    struct conf_tenant t = defaults;
    rc = read_keys(&w, p, &t);
    if (rc == 0)
        rc = read_region(&w, p, &t);
    if (rc == 0)
        rc = read_events(&w, p, &t);
    if (rc == 0)
        rc = read_plan(&w, p, &t);
    if (rc == 0) {
        t.line = s->line;
        t.name = strdup(s->name);
        t.provider = strdup(p->name);
        if (!t.name || !t.provider)
            rc = err_set(e, -ENOMEM, "out of memory");
    }
    if (rc < 0) {
        tenant_release(&t);
        return rc;
    }
    *out = t;
    return 0;
}

void tenant_release(struct conf_tenant *t)
{
    char **secrets[] = {&t->client_id, &t->client_secret, &t->org_id,       &t->org_secret,
                        &t->api_key,   &t->tenant_id,     &t->access_token, &t->secret};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        private_string_free(*secrets[i]);
    for (char **p = t->allow_delete; p && *p; p++)
        free(*p);
    free(t->allow_delete);
    conf_options_release(&t->options);
    free(t->name);
    free(t->provider);
    free(t->base_url);
    free(t->events_url);
    free(t->act_as);
    free(t->successor);
    *t = (struct conf_tenant){0};
}

int general_read(const char *file, const struct section *s, struct conf *c, struct err *e)
{
    const struct where w = {file, s, e};
    for (size_t i = 0; i < s->n; i++) {
        const struct entry *entry = &s->entries[i];
        const struct key *k = key_find(general_keys, entry->key);
        if (!k)
            return unknown_key(&w, entry, NULL, general_keys);
        int rc = k->parse(k, c, entry->value, e);
        if (rc < 0)
            return blame(&w, entry->line, entry->key, rc);
    }
    return 0;
}
