/* successor.c — who takes over what a leaver owned, where a file's user.lms.successor names somebody. Else the configuration does. */
#include "sync/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct successor {
    uint64_t ino;
    char *who;
    UT_hash_handle hh;
};

static struct successor *find(struct tenant *t, uint64_t ino)
{
    struct successor *s = NULL;
    HASH_FIND(hh, t->successors, &ino, sizeof ino, s);
    return s;
}

const char *successor_get(struct tenant *t, uint64_t ino)
{
    struct successor *s = find(t, ino);
    return s ? s->who : NULL;
}

void successor_sight(struct tenant *t, uint64_t ino, struct store_mark *m)
{
    const char *who = successor_get(t, ino);
    snprintf(m->successor, sizeof m->successor, "%s", who ? who : "");
}

static int put(struct tenant *t, uint64_t ino, const char *who)
{
    struct successor *s = find(t, ino);
    char *copy = strdup(who);
    if (!copy || (!s && !(s = calloc(1, sizeof *s)))) {
        free(copy);
        return -ENOMEM;
    }
    if (!s->who) {
        s->ino = ino;
        HASH_ADD(hh, t->successors, ino, sizeof s->ino, s);
    }
    free(s->who);
    s->who = copy;
    return 0;
}

static void drop(struct tenant *t, struct successor *s)
{
    HASH_DEL(t->successors, s);
    free(s->who);
    free(s);
}

void successor_forget(struct tenant *t, uint64_t ino)
{
    struct successor *s = find(t, ino);
    struct err e;
    if (!s)
        return;
    ledger_delete(t->engine->store, LEDGER_SUCCESSORS, ino, &e);
    drop(t, s);
    record_mark_again(t->engine, ino);
}

static bool is_somebody(const char *who)
{
    struct store_mark m;
    size_t id = strncmp(who, "ID-", 3) == 0 ? 3 : strncmp(who, "EXT-", 4) == 0 ? 4 : 0;
    if (strlen(who) >= sizeof m.successor)
        return false;
    for (const char *p = who; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            return false;
    return strcmp(who, "manager") == 0 || (id && who[id]);
}

/* text NULL: whom the configuration names, from now on. */
void successor_ask(struct tenant *t, struct ask *a)
{
    struct err e = {0};
    const struct lms_collection *c = collection_of(t, a->ino, &e);
    int r = c ? 0 : -ENOENT;
    if (r == 0 && !(c->can & LMS_DEACTIVATE))
        r = err_set(&e, -EOPNOTSUPP, "nobody takes over what one of %s owned", c->name);
    else if (r == 0 && a->text && !is_somebody(a->text))
        r = err_set(&e, -EINVAL, "the successor must be ID-…, EXT-… or manager");
    else if (r == 0 && !a->text && !find(t, a->ino))
        r = err_set(&e, -ENODATA, "no successor is named there");
    if (r == 0 && a->text)
        r = ledger_put(t->engine->store, LEDGER_SUCCESSORS, a->ino, a->text, strlen(a->text), &e);
    if (r == 0 && a->text)
        r = put(t, a->ino, a->text);
    else if (r == 0)
        successor_forget(t, a->ino);
    if (r == 0)
        record_mark_again(t->engine, a->ino);
    ask_end(t->engine, a, r, &e);
}

static int load_one(void *ctx, uint64_t ino, const void *value, size_t len)
{
    struct tenant *t = ctx;
    char who[sizeof((struct store_mark *)0)->successor];
    if (tenant_of(t->engine, ino) != t || !engine_collection(t->engine, ino) || len >= sizeof who)
        return 0;
    memcpy(who, value, len);
    who[len] = '\0';
    if (put(t, ino, who) == 0)
        record_mark_again(t->engine, ino);
    return 0;
}

void successor_load(struct tenant *t)
{
    ledger_each(t->engine->store, LEDGER_SUCCESSORS, load_one, t);
}

void successor_free(struct tenant *t)
{
    struct successor *s = NULL, *next = NULL;
    HASH_ITER(hh, t->successors, s, next)
    {
        drop(t, s);
    }
}
