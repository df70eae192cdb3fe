/* sweep.c — a sweep from its beginning to its end, over restarts too; sweep.h says how it goes. */
#include "sync/sweep.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

uint64_t *sweep_rows(const struct sweep *s, uint32_t page)
{
    return s->seen + (size_t)page * s->c->page_size;
}

int sweep_resize(struct sweep *s, uint32_t n)
{
    if (n < 1)
        n = 1;
    for (size_t i = n; i < s->st.pages && i < s->pages_room; i++)
        s->pages[i] = (struct page_state){0};
    if (n > s->pages_room) {
        uint64_t *seen = realloc(s->seen, (size_t)n * s->c->page_size * sizeof *seen);
        if (seen)
            s->seen = seen;
        struct page_state *grown = seen ? realloc(s->pages, n * sizeof *grown) : NULL;
        if (!grown)
            return -ENOMEM;
        memset(grown + s->pages_room, 0, (n - s->pages_room) * sizeof *grown);
        s->pages = grown;
        s->pages_room = n;
    }
    s->st.pages = n;
    return 0;
}

uint32_t sweep_pages_for(const struct sweep *s, uint64_t total)
{
    uint64_t n = total ? (total + s->c->page_size - 1) / s->c->page_size : 1;
    return (uint32_t)n; /* total is at most SWEEP_RECORDS_MOST */
}

int sweep_id_cmp(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* All ids seen, sorted, without doubles. */
uint64_t *sweep_seen(const struct sweep *s, size_t *n)
{
    size_t all = 0, k = 0;
    for (uint32_t i = 0; i < s->st.pages; i++)
        all += s->pages[i].n;
    uint64_t *v = malloc((all + 1) * sizeof *v);
    if (!v)
        return NULL;
    for (uint32_t i = 0; i < s->st.pages; i++) {
        if (s->pages[i].n)
            memcpy(v + k, sweep_rows(s, i), s->pages[i].n * sizeof *v);
        k += s->pages[i].n;
    }
    qsort(v, all, sizeof *v, sweep_id_cmp);
    *n = 0;
    for (size_t i = 0; i < all; i++)
        if (i == 0 || v[i] != v[i - 1])
            v[(*n)++] = v[i];
    return v;
}

/* What is kept of a sweep for the next start must not be older than what this one goes by. */
void sweep_forget_kept(struct sweep *s)
{
    struct store_write *w;
    struct err e;
    if (s->first && write_begin(s->tenant->engine, &w, &e) == 0)
        write_end(s->tenant->engine, w, store_sweep_forget(w, s->dir, &e), &e);
}

/* ------------------------------------------------------------------ beginning one */

/* Goes on where an interrupted one was. Pages read long ago would be mixed with today's: a leaver and a joiner between them make the
 * same total, and hide somebody. */
static void sweep_resume(struct sweep *s)
{
    struct store_read *v = store_read_begin(s->tenant->engine->store);
    struct store_sweep st;
    if (!v)
        return;
    bool kept = store_sweep_load(v, s->dir, &st) == 0, untotalled = kept && st.total == UINT64_MAX && st.done;
    bool believed = kept && (untotalled ? (uint64_t)st.pages * s->c->page_size <= SWEEP_RECORDS_MOST + s->c->page_size
                                        : st.total <= SWEEP_RECORDS_MOST && st.pages == sweep_pages_for(s, st.total));
    if (believed && st.pages && wall_now() - st.started_at < s->tenant->info.conf->list_ttl &&
        sweep_resize(s, st.pages) == 0) {
        s->st = st;
        s->st.done = 0;
        s->untotalled = untotalled;
        for (uint32_t i = 0; i < st.pages; i++) {
            const uint64_t *recs;
            size_t n;
            if (store_sweep_page(v, s->dir, i, &recs, &n) || n > s->c->page_size)
                continue;
            memcpy(sweep_rows(s, i), recs, n * sizeof *recs);
            s->pages[i].n = n;
            s->pages[i].total = st.total;
            s->pages[i].done = true;
            s->st.done++;
        }
        if (untotalled && s->pages[st.pages - 1].done && s->pages[st.pages - 1].n == s->c->page_size &&
            sweep_resize(s, st.pages + 1)) { /* the next page was not noted yet */
            s->st.pages = 1;
            s->pages[0].done = false;
        }
        kept = false;
    }
    store_read_end(v);
    if (kept)
        sweep_forget_kept(s);
}

struct sweep *sweep_start(struct tenant *t, uint64_t dir, const struct lms_collection *c, bool first, struct err *e)
{
    struct sweep *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    *s = (struct sweep){.dir = dir, .tenant = t, .c = c, .first = first};
    s->st = (struct store_sweep){.started_at = wall_now(), .total = UINT64_MAX};
    if (c->parent && !(s->parent_key = parent_key_of(t->engine, dir))) {
        err_set(e, -ENOENT, "nobody known by that name");
        free(s);
        return NULL;
    }
    if (sweep_resize(s, 1)) {
        err_set(e, -ENOMEM, "out of memory");
        sweep_free(s);
        return NULL;
    }
    if (first)
        sweep_resume(s);
    s->pace_ms = now_ms();
    s->resumed = s->st.done;
    HASH_ADD(hh, t->sweeps, dir, sizeof s->dir, s);
    struct refresh_note *n = list_note(t, dir);
    if (n)
        n->tried_at = wall_now();
    return s;
}

/* ------------------------------------------------------------------ moving it on */

void sweep_free(struct sweep *s)
{
    free(s->seen);
    free(s->pages);
    free(s->before);
    free(s->missing);
    free(s->parent_key);
    free(s);
}

void sweep_end(struct sweep *s, int code, const struct err *e)
{
    struct tenant *t = s->tenant;
    HASH_DEL(t->sweeps, s);
    if (s->bulk)
        bulk_leave(t->engine);
    struct refresh_note *n = list_note(t, s->dir);
    if (n) {
        n->failed_at = code ? wall_now() : 0;
        snprintf(n->error, sizeof n->error, "%s", code ? e->text : "");
        if (code == 0)
            snprintf(n->spoiled, sizeof n->spoiled, "%s", s->spoiled.text);
    }
    waiters_end(t->engine, &s->waiters, code, e);
    sweep_free(s);
    malloc_trim(0); /* a sweep of a large tenant leaves many freed pages between what stays */
}

void sweep_next(struct sweep *s)
{
    if (s->in_next)
        return;
    s->in_next = true;
    if (s->verify)
        sweep_verify(s);
    else if (!s->failed)
        sweep_ask_pages(s);
    s->in_next = false;
    if (s->flying || s->verifying)
        return;
    if (s->failed)
        sweep_end(s, s->error.code, &s->error);
    else if (s->verify)
        sweep_end(s, 0, NULL);
    else
        sweep_settle(s);
}
