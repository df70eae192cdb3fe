/* conf.c — the configuration file: read, checked as a whole, released. */
#include "lmsfs/conf.h"

#include "conf/private.h"
#include "conf/sections.h"
#include "conf/tenant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)128 << 10)

/* How messages call the file: as it was given, or by its last part where that would leave no room for the sentence. */
static const char *name_in_message(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && strlen(path) > 200 ? slash + 1 : path;
}

static const char default_cache_dir[] = "/var/cache/lmsfs";

/* FNV-1a, 64 bits. It compares, it hides nothing. */
static uint64_t hash_text(const char *s)
{
    uint64_t h = 0xcbf29ce484222325ull;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3ull;
    return h;
}

static int note_settings(struct conf *c, const struct section *s)
{
    struct conf_setting *more = realloc(c->settings, (c->settings_n + s->n + 1) * sizeof *more);
    if (!more)
        return -ENOMEM;
    c->settings = more;
    for (size_t i = 0; i < s->n; i++) {
        struct conf_setting *k = &c->settings[c->settings_n];
        if (asprintf(&k->name, "[%s] %s", s->name, s->entries[i].key) < 0)
            return -ENOMEM;
        k->hash = hash_text(s->entries[i].value);
        c->settings_n++;
    }
    return 0;
}

static int read_sections(const char *file, const struct sections *s, struct conf *c, struct err *e)
{
    c->tenants = calloc(s->n ? s->n : 1, sizeof *c->tenants);
    if (!c->tenants)
        return err_set(e, -ENOMEM, "%s: out of memory", file);
    for (size_t i = 0; i < s->n; i++) {
        const struct section *section = &s->list[i];
        bool general = strcmp(section->name, GENERAL_SECTION) == 0;
        int rc = general ? general_read(file, section, c, e) : tenant_read(file, section, &c->tenants[c->tenants_n], e);
        if (rc < 0)
            return rc;
        if (note_settings(c, section))
            return err_set(e, -ENOMEM, "%s: out of memory", file);
        if (!general)
            c->tenants_n++;
    }
    if (c->tenants_n == 0)
        return err_set(e, -EINVAL, "%s: there is no tenant in it: a section for each, like [hownow]", file);
    return 0;
}

int conf_load(const char *path, struct conf *out, struct err *e)
{
    char *text = NULL;
    size_t len = 0;
    struct sections sections = {0};
    struct conf c = {.max_document = (size_t)1 << 20, .max_scratch = (size_t)64 << 20, .audit_max = (size_t)16 << 20};
    int rc = private_read(path, 0077, FILE_MAX, &text, &len, e);
    if (rc == 0)
        rc = sections_parse(name_in_message(path), text, len, &sections, e);
    if (rc == 0)
        rc = read_sections(name_in_message(path), &sections, &c, e);
    if (rc == 0) {
        c.path = strdup(path);
        c.file = realpath(path, NULL);
        if (!c.cache_dir)
            c.cache_dir = strdup(default_cache_dir);
        if (!c.path || !c.file || !c.cache_dir)
            rc = err_set(e, -ENOMEM, "%s: out of memory", path);
    }
    sections_release(&sections);
    private_free(text, len);
    if (rc < 0)
        conf_release(&c);
    else
        *out = c;
    return rc;
}

void conf_release(struct conf *c)
{
    for (size_t i = 0; i < c->tenants_n; i++)
        tenant_release(&c->tenants[i]);
    free(c->tenants);
    for (size_t i = 0; i < c->settings_n; i++)
        free(c->settings[i].name);
    free(c->settings);
    free(c->path);
    free(c->file);
    free(c->cache_dir);
    *c = (struct conf){0};
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool conf_same_credentials(const struct conf_tenant *a, const struct conf_tenant *b)
{
    return same(a->client_id, b->client_id) && same(a->client_secret, b->client_secret) && same(a->org_id, b->org_id) &&
           same(a->org_secret, b->org_secret) && same(a->api_key, b->api_key) && same(a->tenant_id, b->tenant_id) &&
           same(a->access_token, b->access_token) && same(a->secret, b->secret);
}

bool conf_same_place(const struct conf_tenant *a, const struct conf_tenant *b)
{
    return same(a->provider, b->provider) && same(a->base_url, b->base_url) && same(a->events_url, b->events_url) &&
           same(a->act_as, b->act_as) && a->rate_per_minute == b->rate_per_minute;
}

const struct conf_tenant *conf_tenant(const struct conf *c, const char *name)
{
    for (size_t i = 0; i < c->tenants_n; i++)
        if (strcmp(c->tenants[i].name, name) == 0)
            return &c->tenants[i];
    return NULL;
}
