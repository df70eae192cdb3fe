/* fetch_all.c — `lmsfs fetch DIR`: the details of all of a directory's records, as fast as the budget's share for listings allows.
 *
 * It goes by record ids, a few at a time, and needs no list of what is to do: what has its detail meanwhile is passed over. When nobody waits
 * for it any more (the command was interrupted) it stops; asked again, it goes on where it was, for what came stays.
 */
#include "sync/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PARALLEL    4
#define LOOKS       2000 /* records looked at before others have their turn */
#define ONE_TIMEOUT (600 * SECOND)
#define FAILED_MOST 10 /* in a row: then it isn't this record or that */

struct fetch_all {
    uint64_t dir, after;
    struct tenant *tenant;
    struct ask listing; /* it must be whole first */
    uint64_t total, done, failed;
    unsigned flying, failed_in_a_row;
    bool listed, looked_at_all, stop, in_next;
    int64_t began_ms;
    struct err error; /* the first */
    struct net_timer *timer;
    struct waiters waiters;
    UT_hash_handle hh;
};

static void fetch_all_next(struct fetch_all *f);

static void fetch_all_end(struct fetch_all *f, int code, const struct err *e)
{
    struct engine *g = f->tenant->engine;
    HASH_DEL(f->tenant->fetch_alls, f);
    if (g->net)
        net_timer_stop(f->timer);
    while (f->waiters.first) {
        struct ask *a = f->waiters.first;
        if (code == 0)
            a->answer = json_pack("{s:b,s:I}", "ok", 1, "fetched", (json_int_t)f->done);
        ask_end(g, a, code, e);
    }
    free(f);
}

/* The next record whose detail isn't known; 0: none in LOOKS of them, or none at all (looked_at_all). */
static uint64_t next_row(struct fetch_all *f)
{
    struct store_read *v = store_read_begin(f->tenant->engine->store);
    uint64_t ino, found = 0;
    const char *name;
    unsigned looked = 0;
    while (v && !found && looked++ < LOOKS) {
        struct store_record rec;
        if (store_dir_next(v, f->dir, f->after, &ino, &name)) {
            f->looked_at_all = true;
            break;
        }
        f->after = ino_rec(ino);
        if (store_get(v, ino, &rec) == 0 && !(rec.flags & (STORE_COMPLETE | STORE_PROVISIONAL)))
            found = ino;
    }
    if (v)
        store_read_end(v);
    else
        f->stop = true;
    return found;
}

static void fetched(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct fetch_all *f = ctx;
    (void)ino;
    f->flying--;
    f->done++;
    if (code == 0 || code == -ENOENT) { /* gone meanwhile */
        f->failed_in_a_row = 0;
    } else {
        if (!f->failed++)
            f->error = *e;
        f->stop |= ++f->failed_in_a_row >= FAILED_MOST || code == -ESHUTDOWN;
    }
    fetch_all_next(f);
}

static void go_on(void *ctx)
{
    struct fetch_all *f = ctx;
    f->timer = NULL;
    fetch_all_next(f);
}

/* Keeps PARALLEL of them under way. Nothing may touch f after it. */
static void fetch_all_next(struct fetch_all *f)
{
    struct err e = {0};
    if (f->in_next || !f->listed)
        return;
    f->in_next = true;
    while (!f->stop && !f->timer && !f->looked_at_all && f->flying < PARALLEL && f->waiters.first) {
        uint64_t ino = next_row(f);
        if (ino) {
            f->flying++;
            fetch_by_ino(f->tenant, ino, NET_LISTING, ONE_TIMEOUT, fetched, f);
        } else if (!f->looked_at_all && !f->stop) {
            f->timer = net_timer_start(f->tenant->engine->net, 0, go_on, f);
            f->stop |= !f->timer;
        }
    }
    f->in_next = false;
    if (f->flying || (f->timer && f->waiters.first && !f->stop))
        return;
    if (f->failed)
        err_set(&e, f->error.code, "%llu of %llu could not be fetched: %.300s", (unsigned long long)f->failed,
                (unsigned long long)f->total, f->error.text);
    fetch_all_end(f, e.code, &e);
}

static void listed(struct ask *a, int code)
{
    struct fetch_all *f = (struct fetch_all *)((char *)a - offsetof(struct fetch_all, listing));
    struct err e = ask_err(a);
    ask_release(a);
    if (code) {
        fetch_all_end(f, code, &e);
        return;
    }
    struct store_listing l = {0};
    struct store_read *v = store_read_begin(f->tenant->engine->store);
    if (v) {
        store_listing(v, f->dir, &l);
        store_read_end(v);
    }
    f->total = l.entries > l.details ? l.entries - l.details : 0;
    f->began_ms = now_ms();
    f->listed = true;
    fetch_all_next(f);
}

void fetch_all_ask(struct tenant *t, uint64_t dir, struct ask *a)
{
    struct err e = {0};
    const struct lms_collection *c = collection_of(t, dir, &e);
    struct fetch_all *f = NULL;
    if (!c || ino_kind(dir) != INO_DIR || !(c->can & LMS_DETAIL) || !(c->can & LMS_GET)) {
        if (c)
            err_set(&e, -ENOTSUP, "%s: nothing more can be fetched of its records", c->name);
        ask_end(t->engine, a, e.code, &e);
        return;
    }
    a->flag = true; /* hanging up takes it back */
    HASH_FIND(hh, t->fetch_alls, &dir, sizeof dir, f);
    if (f) {
        waiters_add(t->engine, &f->waiters, a);
        return;
    }
    f = calloc(1, sizeof *f);
    if (!f) {
        ask_end(t->engine, a, err_set(&e, -ENOMEM, "out of memory"), &e);
        return;
    }
    f->dir = dir;
    f->tenant = t;
    f->listing = (struct ask){.kind = ASK_LISTING,
                              .ino = dir,
                              .people = true,
                              .timeout_ms = t->info.conf->list_timeout * SECOND,
                              .caller = a->caller,
                              .done = listed};
    HASH_ADD(hh, t->fetch_alls, dir, sizeof f->dir, f);
    waiters_add(t->engine, &f->waiters, a);
    list_ask(t, &f->listing);
}

void fetch_all_status(struct tenant *t, uint64_t dir, json_t *into)
{
    struct fetch_all *f = NULL;
    HASH_FIND(hh, t->fetch_alls, &dir, sizeof dir, f);
    if (!f || !f->listed)
        return;
    uint64_t left = f->total > f->done ? f->total - f->done : 0;
    int64_t took = now_ms() - f->began_ms;
    json_object_set_new(into, "fetching",
                        json_pack("{s:I,s:I,s:I}", "total", (json_int_t)f->total, "done", (json_int_t)f->done,
                                  "seconds", (json_int_t)estimate_s(t, left, f->done, took)));
}

/* At the engine's end: nobody waits any more, and nothing is under way. */
void fetch_all_free(struct tenant *t)
{
    struct fetch_all *f, *next;
    HASH_ITER(hh, t->fetch_alls, f, next)
    {
        HASH_DEL(t->fetch_alls, f);
        free(f);
    }
}
