/* own.c — what we ourselves had accepted, so that an editor may go on saving from the version it first read.
 *
 * An editor reads version V, saves A (accepted), then saves B from the same buffer: its text still names V. Seen against V alone the
 * second save would undo or fight the first. So each accepted save is noted with the versions it was made from, and a later save that names
 * one of those has the accepted changes carried onto its base first. The ledger keeps them for base_ttl, as the store keeps old versions:
 * an editor may stay open over a restart of the daemon.
 */
#include "sync/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OWN_MAX     16   /* saves remembered for one record */
#define OWN_RECORDS 2048 /* records held in memory; beyond, all are read from the ledger again */
#define OWN_SEEN    4

struct own_save {
    char seen[OWN_SEEN][DOC_VERSION_LEN + 1]; /* versions that were shown before it */
    json_t *delta;
};

struct own {
    uint64_t ino;
    struct own_save saves[OWN_MAX];
    size_t n;
    UT_hash_handle hh;
};

static bool was_seen(const struct own_save *s, const char *version)
{
    for (size_t i = 0; i < OWN_SEEN; i++)
        if (s->seen[i][0] && !strcmp(s->seen[i], version))
            return true;
    return false;
}

static void own_release(struct own *o)
{
    for (size_t i = 0; i < o->n; i++)
        json_decref(o->saves[i].delta);
    free(o);
}

/* ------------------------------------------------------------------ the ledger */

static void keep(struct tenant *t, const struct own *o)
{
    struct err e;
    if (t->engine->conf->dry_run) /* the LMS has none of it */
        return;
    json_t *saves = json_array(), *all = json_pack("{s:I,s:o}", "at", (json_int_t)wall_now(), "saves", saves);
    for (size_t i = 0; i < o->n; i++) {
        const struct own_save *s = &o->saves[i];
        json_array_append_new(saves, json_pack("{s:[s,s,s,s],s:O}", "seen", s->seen[0], s->seen[1], s->seen[2],
                                               s->seen[3], "delta", s->delta));
    }
    char *v = all ? json_dumps(all, JSON_COMPACT) : NULL;
    if (v)
        ledger_put(t->engine->store, LEDGER_OWN, o->ino, v, strlen(v), &e);
    free(v);
    json_decref(all);
}

static void read_saves(struct own *o, const json_t *saves)
{
    json_t *one;
    size_t i;
    json_array_foreach(saves, i, one)
    {
        json_t *delta = json_object_get(one, "delta"), *seen = json_object_get(one, "seen");
        if (o->n == OWN_MAX || !json_is_object(delta))
            return;
        struct own_save *s = &o->saves[o->n++];
        s->delta = json_incref(delta);
        for (size_t j = 0; j < OWN_SEEN; j++) {
            const char *version = json_string_value(json_array_get(seen, j));
            snprintf(s->seen[j], sizeof s->seen[j], "%s", version ? version : "");
        }
    }
}

static struct own *own_find(struct tenant *t, uint64_t ino, bool make)
{
    struct own *o = NULL;
    void *value = NULL;
    size_t len = 0;
    HASH_FIND(hh, t->own, &ino, sizeof ino, o);
    if (o)
        return o;
    bool kept = ledger_get(t->engine->store, LEDGER_OWN, ino, &value, &len) == 0;
    if (!kept && !make)
        return NULL;
    if (HASH_COUNT(t->own) >= OWN_RECORDS)
        own_free(t);
    if ((o = calloc(1, sizeof *o))) {
        json_t *all = kept ? json_loadb(value, len, JSON_ALLOW_NUL, NULL) : NULL;
        o->ino = ino;
        read_saves(o, json_object_get(all, "saves"));
        json_decref(all);
        HASH_ADD(hh, t->own, ino, sizeof o->ino, o);
    }
    free(value);
    return o;
}

static int drop_old(void *ctx, uint64_t ino, const void *value, size_t len)
{
    struct tenant *t = ctx;
    struct err e;
    if (tenant_of(t->engine, ino) != t)
        return 0;
    json_t *all = json_loadb(value, len, JSON_ALLOW_NUL, NULL);
    if (wall_now() - json_integer_value(json_object_get(all, "at")) > t->info.conf->base_ttl)
        ledger_delete(t->engine->store, LEDGER_OWN, ino, &e);
    json_decref(all);
    return 0;
}

void own_prune(struct tenant *t)
{
    ledger_each(t->engine->store, LEDGER_OWN, drop_old, t);
}

/* ------------------------------------------------------------------ what a base has become */

json_t *own_rebase(struct tenant *t, const struct lms_collection *c, uint64_t ino, const char *version, json_t *base)
{
    size_t i = 0;
    json_t *doc = json_incref(base);
    struct own *o = version ? own_find(t, ino, false) : NULL;
    if (!o)
        return doc;
    while (i < o->n && !was_seen(&o->saves[i], version))
        i++;
    for (; i < o->n; i++) {
        json_t *merged = NULL, *changed = NULL;
        struct err e;
        if (doc_apply(c, NULL, doc, o->saves[i].delta, &merged, &changed, &e))
            continue;
        json_t *ro = json_object_get(doc, "_readonly");
        if (ro)
            json_object_set(merged, "_readonly", ro);
        json_decref(changed);
        json_decref(doc);
        doc = merged;
    }
    return doc;
}

/* A secret is no part of a base: it is never shown, and must not lie in the ledger. Nor what is private: it is only ever added, and that an
 * older base doesn't have it makes no other difference. */
json_t *own_without_secrets(const struct lms_collection *c, const json_t *delta)
{
    json_t *copy = json_deep_copy(delta), *set = json_object_get(copy, "set"), *keyed = json_object_get(copy, "keyed");
    for (const struct lms_field *f = c ? c->fields : NULL; f && f->name; f++) {
        if (!(f->flags & (LMS_SECRET | LMS_PRIVATE)))
            continue;
        json_object_del(set, f->name);
        json_object_del(keyed, f->name);
    }
    return copy;
}

void own_note(struct tenant *t, uint64_t ino, const char *const *seen, size_t seen_n, json_t *delta)
{
    struct own *o = own_find(t, ino, true);
    if (!o)
        return;
    if (o->n == OWN_MAX) {
        json_decref(o->saves[0].delta);
        memmove(o->saves, o->saves + 1, (OWN_MAX - 1) * sizeof o->saves[0]);
        o->n--;
    }
    struct own_save *s = &o->saves[o->n++];
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < seen_n && i < OWN_SEEN; i++)
        if (seen[i])
            snprintf(s->seen[i], sizeof s->seen[i], "%s", seen[i]);
    s->delta = own_without_secrets(engine_collection(t->engine, ino), delta);
    keep(t, o);
}

void own_forget(struct tenant *t, uint64_t ino)
{
    struct err e;
    struct own *o = own_find(t, ino, false);
    if (!o)
        return;
    HASH_DEL(t->own, o);
    own_release(o);
    ledger_delete(t->engine->store, LEDGER_OWN, ino, &e);
}

void own_free(struct tenant *t)
{
    struct own *o, *next;
    HASH_ITER(hh, t->own, o, next)
    {
        HASH_DEL(t->own, o);
        own_release(o);
    }
}
