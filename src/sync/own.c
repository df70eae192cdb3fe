/* own.c — what we ourselves had accepted, so that an editor may go on saving from the version it first read.
 *
 * An editor reads version V, saves A (accepted), then saves B from the same buffer: its text still names V. Seen against V alone the
 * second save would undo or fight the first. So each accepted save is noted with the versions it was made from, and a later save that names
 * one of those has the accepted changes carried onto its base first. In memory: after a restart such a save is a conflict (ESTALE).
 */
#include "sync/internal.h"

#include <stdlib.h>
#include <string.h>

#define OWN_MAX 16      /* saves remembered for one record */
#define OWN_RECORDS 2048 /* records remembered; beyond, all are forgotten */
#define OWN_SEEN 4

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

json_t *own_rebase(struct tenant *t, const struct lms_collection *c, uint64_t ino, const char *version, json_t *base)
{
    struct own *o = NULL;
    size_t i = 0;
    json_t *doc = json_incref(base);
    HASH_FIND(hh, t->own, &ino, sizeof ino, o);
    if (!o || !version)
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

static void own_release(struct own *o)
{
    for (size_t i = 0; i < o->n; i++)
        json_decref(o->saves[i].delta);
    free(o);
}

void own_note(struct tenant *t, uint64_t ino, const char *const *seen, size_t seen_n, json_t *delta)
{
    struct own *o = NULL;
    HASH_FIND(hh, t->own, &ino, sizeof ino, o);
    if (!o) {
        if (HASH_COUNT(t->own) >= OWN_RECORDS)
            own_free(t);
        if (!(o = calloc(1, sizeof *o)))
            return;
        o->ino = ino;
        HASH_ADD(hh, t->own, ino, sizeof o->ino, o);
    }
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
    s->delta = json_incref(delta);
}

void own_forget(struct tenant *t, uint64_t ino)
{
    struct own *o = NULL;
    HASH_FIND(hh, t->own, &ino, sizeof ino, o);
    if (o) {
        HASH_DEL(t->own, o);
        own_release(o);
    }
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
