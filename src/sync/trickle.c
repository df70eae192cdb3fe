/* trickle.c — details fetched in the background, with budget that nobody else wants; and old versions thrown away.
 *
 * One record at a time, in the order of record ids, round and round: those whose detail isn't known. It begins once the listing is whole,
 * and first reads it a second time, if it had several pages.
 */
#include "sync/internal.h"

#include <errno.h>
#include <stdlib.h>

#define PAUSE       (5 * SECOND) /* between looks when there is nothing to do */
#define STEP        (SECOND / 5) /* between two details */
#define PRUNE_EVERY (600 * SECOND)

struct trickle {
    struct tenant *tenant;
    struct net_timer *timer;
    size_t coll;    /* index in the provider's table */
    uint64_t after; /* record id */
    int64_t pruned_ms;
};

static void tick(void *ctx);

static void again(struct trickle *k, int64_t delay)
{
    if (k->tenant->engine->net && !k->tenant->engine->stopping)
        k->timer = net_timer_start(k->tenant->engine->net, delay, tick, k);
}

static void fetched(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct trickle *k = ctx;
    (void)ino;
    (void)e;
    if (code != -ESHUTDOWN)
        again(k, code ? PAUSE : STEP);
}

/* The next record without its detail, of collections whose listing is whole; 0 at the end of a round. */
static uint64_t next_row(struct trickle *k)
{
    struct tenant *t = k->tenant;
    struct store_read *v = store_read_begin(t->engine->store);
    uint64_t found = 0;
    unsigned looked = 0;
    if (!v)
        return 0;
    for (; k->coll < t->info.provider->collections_n && !found && looked < 2000; k->coll++, k->after = 0) {
        const struct lms_collection *c = &t->info.provider->collections[k->coll];
        uint64_t dir = ino_make(INO_DIR, t->info.number, (unsigned)k->coll, 0), ino;
        struct store_listing l;
        const char *name;
        if (c->kind != LMS_LISTED || c->parent || !(c->can & LMS_DETAIL) || store_listing(v, dir, &l) ||
            !l.complete_at || l.details >= l.entries)
            continue;
        while (!found && looked++ < 2000 && store_dir_next(v, dir, k->after, &ino, &name) == 0) {
            struct store_record rec;
            k->after = ino_rec(ino);
            if (store_get(v, ino, &rec) == 0 && !(rec.flags & (STORE_COMPLETE | STORE_PROVISIONAL)))
                found = ino;
        }
        if (found || looked >= 2000)
            break;
    }
    if (!found && k->coll >= t->info.provider->collections_n) {
        k->coll = 0;
        k->after = 0;
    }
    store_read_end(v);
    return found;
}

static void prune(struct trickle *k)
{
    struct engine *g = k->tenant->engine;
    struct store_write *w;
    struct err e;
    k->pruned_ms = now_ms();
    if (write_begin(g, &w, &e) == 0)
        write_end(g, w, store_prune_versions(w, wall_now() - k->tenant->info.conf->base_ttl, 1000, &e), &e);
    own_prune(k->tenant);
    watch_prune(k->tenant);
}

static void tick(void *ctx)
{
    struct trickle *k = ctx;
    struct tenant *t = k->tenant;
    struct net_stats st;
    k->timer = NULL;
    if (now_ms() - k->pruned_ms >= PRUNE_EVERY)
        prune(k);
    net_host_stats(t->host, &st);
    bool room = st.queued == 0 && st.active == 0 && (st.limit == 0 || st.used < st.limit / 2);
    bool may = t->info.conf->trickle && room, listing = may && list_read_twice(t);
    uint64_t ino = may && !listing && t->info.conf->detail != DETAIL_NEVER ? next_row(k) : 0;
    if (ino)
        fetch_by_ino(t, ino, NET_BACKGROUND, 120 * SECOND, fetched, k);
    else
        again(k, PAUSE);
}

void trickle_start(struct tenant *t)
{
    struct trickle *k = calloc(1, sizeof *k);
    if (!k)
        return;
    k->tenant = t;
    k->pruned_ms = now_ms();
    t->trickle = k;
    again(k, PAUSE);
}

void trickle_stop(struct tenant *t)
{
    struct trickle *k = t->trickle;
    if (k && k->timer)
        net_timer_stop(k->timer);
    if (k)
        k->timer = NULL;
}

void trickle_free(struct tenant *t)
{
    free(t->trickle);
    t->trickle = NULL;
}
