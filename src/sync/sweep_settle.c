/* sweep_settle.c — every page of a sweep is there: is the listing whole, and who went? */
#include "sync/sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PASSES         6 /* how often pages are read again before the sweep fails */
#define MISSING_ALWAYS 5 /* so few may always go: a tenth of a small directory is nothing */

/* ------------------------------------------------------------------ is it whole */

static void read_again(struct sweep *s)
{
    sweep_forget_kept(s);
    s->st.done = 0;
    for (uint32_t i = 0; i < s->st.pages; i++)
        s->pages[i].done = false;
}

/* The ids of a pass, for the next one to be held against. Takes `seen` over. */
static void keep_pass(struct sweep *s, uint64_t *seen, size_t n)
{
    free(s->before);
    s->before = seen;
    s->before_n = n;
}

static bool as_the_pass_before(const struct sweep *s, const uint64_t *seen, size_t n)
{
    return s->before && s->before_n == n && memcmp(s->before, seen, n * sizeof *seen) == 0;
}

/* May somebody have joined after this page was read? Times have whole seconds: within one, yes. */
static bool joined_since(const struct sweep *s, const struct page_state *p)
{
    return s->st.newest >= (p->read_at ? p->read_at : s->st.started_at + s->ahead);
}

/* Pages that were read before the latest change are to be read again; all of them where the ids don't add up. 0: the listing is whole.
 * A joiner whose coming a leaver hides is one of the ids, and the leaver too: where reading again finds the ids of the pass before, there
 * was no leaver. A list of one page is one answer. Takes `seen` over where it keeps it. */
static uint32_t to_read_again(struct sweep *s, uint64_t *seen, size_t n)
{
    uint32_t again = 0;
    bool same = s->st.pages == 1 || as_the_pass_before(s, seen, n);
    if (s->st.total == UINT64_MAX)
        return 0;
    for (uint32_t i = 0; i < s->st.pages; i++) {
        if (s->pages[i].total != s->st.total || (!same && joined_since(s, &s->pages[i]))) {
            s->pages[i].done = false;
            again++;
        }
    }
    if (again)
        keep_pass(s, seen, n);
    if (again || n == s->st.total)
        return again;
    read_again(s);
    return s->st.pages;
}

/* Without a total: is there a pass more to be read before this one counts? One that finds other ids than the one before is itself to be
 * confirmed by the next. */
static bool to_confirm(struct sweep *s, uint64_t *seen, size_t n)
{
    uint32_t pages = 1;
    if (s->confirming && s->st.pages == 1) /* it missed somebody, and was read again for that */
        return false;
    s->confirming = false;
    if (as_the_pass_before(s, seen, n)) {
        s->confirming = true; /* what both passes miss is missed twice */
        return false;
    }
    if (s->st.pages == 1)
        return false;
    while (pages < s->st.pages && s->pages[pages - 1].n == s->c->page_size)
        pages++;
    keep_pass(s, seen, n);
    sweep_resize(s, pages); /* never more than there are */
    read_again(s);
    return true;
}

static int changed_too_often(struct sweep *s, struct err *e)
{
    return err_set(e, -EAGAIN,
                   "%s/%s changed while it was read, %d times over; a listing is whole or it fails: try again",
                   s->tenant->info.conf->name, s->c->name, PASSES);
}

/* ------------------------------------------------------------------ who went */

/* Entries of the directory that the sweep did not see, pending and hidden ones aside. */
static int find_missing(struct sweep *s, const uint64_t *seen, size_t seen_n, size_t *known)
{
    struct store_read *v = store_read_begin(s->tenant->engine->store);
    if (!v)
        return -ENOMEM;
    uint64_t after = 0, ino;
    const char *name;
    size_t room = 0;
    *known = 0;
    while (store_dir_next(v, s->dir, after, &ino, &name) == 0) {
        after = ino_rec(ino);
        ++*known;
        struct store_record rec;
        struct store_mark mark;
        if (bsearch(&after, seen, seen_n, sizeof *seen, sweep_id_cmp) || store_get(v, ino, &rec))
            continue;
        if (store_mark(v, ino, &mark) == 0 && (mark.hidden || mark.state == STORE_PENDING))
            continue;
        if (s->confirming && bsearch(&after, s->before, s->before_n, sizeof *seen, sweep_id_cmp))
            continue; /* the pass before saw it: not missed twice */
        if (s->missing_n == room) {
            room = room ? room * 2 : 64;
            uint64_t *grown = realloc(s->missing, room * sizeof *grown);
            if (!grown) {
                store_read_end(v);
                return -ENOMEM;
            }
            s->missing = grown;
        }
        s->missing[s->missing_n++] = after;
    }
    store_read_end(v);
    return 0;
}

static int remove_missing(struct sweep *s, struct err *e)
{
    struct engine *g = s->tenant->engine;
    int r = 0;
    for (size_t from = 0; from < s->missing_n && r == 0; from += SWEEP_ROWS_A_WRITE) {
        struct store_write *w;
        size_t to = from + SWEEP_ROWS_A_WRITE < s->missing_n ? from + SWEEP_ROWS_A_WRITE : s->missing_n;
        if ((r = write_begin(g, &w, e)))
            break;
        for (size_t i = from; i < to && r == 0; i++)
            r = record_forget_in(s->tenant, w,
                                 ino_make(INO_RECORD, ino_tenant(s->dir), ino_coll(s->dir), s->missing[i]), e);
        r = write_end(g, w, r, e);
    }
    s->missing_at = s->missing_n;
    return r;
}

/* What a whole sweep missed. 1: a second one must confirm it, then `seen` is kept. Removes nothing when too many are missing. */
static int miss(struct sweep *s, uint64_t *seen, size_t n, struct err *e)
{
    size_t known = 0;
    if (s->since) /* what didn't change isn't there */
        return 0;
    int r = find_missing(s, seen, n, &known);
    if (r)
        return err_set(e, r, "out of memory");
    if (s->missing_n > MISSING_ALWAYS && s->missing_n * 10 > known)
        return err_set(e, -EAGAIN, "%s/%s: the listing lacks %zu of %zu that were known; held, nothing was removed",
                       s->tenant->info.conf->name, s->c->name, s->missing_n, known);
    if (!s->missing_n || (s->c->can & LMS_GET)) /* each one's own GET decides */
        return 0;
    if (s->confirming)
        return remove_missing(s, e);
    s->confirming = true;
    keep_pass(s, seen, n);
    s->missing_n = 0;
    read_again(s);
    return 1;
}

static void verified(void *ctx, int code, uint64_t ino, const struct err *e)
{
    (void)ino;
    (void)e;
    struct sweep *s = ctx;
    s->verifying--;
    if (code == -ESHUTDOWN)
        s->missing_at = s->missing_n;
    sweep_next(s);
}

/* One id that the sweep missed: its own GET decides (fetch_by_ino removes it on a 404 and moves it to the bin when it is inactive). */
void sweep_verify(struct sweep *s)
{
    while (s->verifying < SWEEP_PARALLEL && s->missing_at < s->missing_n) {
        uint64_t ino = ino_make(INO_RECORD, ino_tenant(s->dir), ino_coll(s->dir), s->missing[s->missing_at++]);
        s->verifying++;
        fetch_by_ino(s->tenant, ino, NET_LISTING, SWEEP_PAGE_TIMEOUT, verified, s);
    }
}

/* ------------------------------------------------------------------ the verdict */

static int commit_complete(struct sweep *s, struct err *e)
{
    struct engine *g = s->tenant->engine;
    struct store_read *v = store_read_begin(g->store);
    struct store_listing l = {0};
    if (v) {
        store_listing(v, s->dir, &l);
        store_read_end(v);
    }
    uint64_t total = s->since ? l.total : s->st.total == UINT64_MAX ? l.entries : s->st.total;
    /* Where changes are asked for next time, what counts is when this began: its pages may be as old. */
    int64_t at = s->tenant->info.provider->changed_request ? s->st.started_at : wall_now();
    if (!s->first && l.complete_at && l.total == total) {
        fresh_note(g, s->dir, at); /* nothing changed: nothing is written */
        return 0;
    }
    struct store_write *w;
    int r = write_begin(g, &w, e);
    if (r)
        return r;
    if (s->first)
        r = store_sweep_forget(w, s->dir, e);
    if (r == 0)
        r = store_set_listing(w, s->dir, at, total, e);
    if (s->first)
        hook_inode(g, s->dir);
    return write_end(g, w, r, e);
}

/* Every page is there. Is it whole, and what went? */
void sweep_settle(struct sweep *s)
{
    struct err e = {0};
    size_t n = 0;
    uint64_t *seen = sweep_seen(s, &n);
    int r = seen ? 0 : err_set(&e, -ENOMEM, "out of memory");
    bool again = r == 0 && (s->untotalled ? to_confirm(s, seen, n) : to_read_again(s, seen, n) > 0);
    if (again && ++s->pass >= PASSES)
        r = changed_too_often(s, &e);
    else if (r == 0 && !again)
        again = (r = miss(s, seen, n, &e)) == 1;
    if (seen != s->before)
        free(seen);
    if (again && r >= 0) {
        sweep_next(s);
        return;
    }
    if (r == 0)
        r = commit_complete(s, &e);
    if (r) {
        sweep_end(s, r, &e);
        return;
    }
    struct refresh_note *note = list_note(s->tenant, s->dir);
    if (note)
        note->began_at = s->st.started_at;
    if (note && !s->since) {
        note->whole_at = wall_now();
        note->read_once = s->first && s->st.pages > 1 && !s->untotalled;
    }
    s->verify = true;
    waiters_end(s->tenant->engine, &s->waiters, 0, NULL);
    sweep_next(s);
}
