/* fresh.c — when each listing was last seen to be whole. Kept in memory while nothing else about it changed: a write each time would be one for nothing. */
#include "sync/sweep.h"

#include <stdlib.h>

struct fresh {
    uint64_t dir;
    int64_t at;
    UT_hash_handle hh;
};

int64_t engine_listed_at(struct engine *g, uint64_t dir, int64_t stored)
{
    struct fresh *f = NULL;
    pthread_mutex_lock(&g->fresh_lock);
    HASH_FIND(hh, g->fresh, &dir, sizeof dir, f);
    int64_t at = f && stored && f->at > stored ? f->at : stored;
    pthread_mutex_unlock(&g->fresh_lock);
    return at;
}

void fresh_note(struct engine *g, uint64_t dir, int64_t at)
{
    struct fresh *f = NULL;
    pthread_mutex_lock(&g->fresh_lock);
    HASH_FIND(hh, g->fresh, &dir, sizeof dir, f);
    if (!f && (f = calloc(1, sizeof *f))) {
        f->dir = dir;
        HASH_ADD(hh, g->fresh, dir, sizeof f->dir, f);
    }
    if (f)
        f->at = at;
    pthread_mutex_unlock(&g->fresh_lock);
}

void list_forget_fresh(struct engine *g)
{
    struct fresh *f, *next;
    HASH_ITER(hh, g->fresh, f, next)
    {
        HASH_DEL(g->fresh, f);
        free(f);
    }
}

/* In one write at the end, so that the next start doesn't list anew what was listed just now. */
void fresh_keep(struct tenant *t)
{
    struct engine *g = t->engine;
    struct fresh *f = NULL, *next = NULL;
    struct store_write *w;
    struct err e;
    if (!g->fresh || write_begin(g, &w, &e))
        return;
    int r = 0;
    HASH_ITER(hh, g->fresh, f, next)
    {
        struct store_listing l;
        if (r == 0 && ino_tenant(f->dir) == t->info.number && store_listing(store_write_view(w), f->dir, &l) == 0 &&
            l.complete_at && l.complete_at < f->at)
            r = store_set_listing(w, f->dir, f->at, l.total, &e);
    }
    write_end(g, w, r, &e);
}
