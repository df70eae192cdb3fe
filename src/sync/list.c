/* list.c — sweeps: a collection read page by page until the listing is known to be whole.
 *
 * Whole means: every page reported the same total, and the different ids are as many. Where the API gives no total, there are pages until
 * one comes back short, and a second pass has to find the same ids (a list of one page is one answer: it needs none). Pages shift while
 * they are read, so those that disagree are read again, a bounded number of times; then the sweep fails rather than lies. What a whole
 * sweep misses goes only when its own GET says so (or a second sweep, where there is no such GET), and not at all when more than a tenth
 * of what was known is missing.
 *
 *   first page → the other pages, PARALLEL at a time → settle: whole? → missing ones verified → done
 *        ↑__________________ pages that disagree ___|
 */
#include "sync/internal.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define PARALLEL       4
#define ROWS_A_WRITE   100
#define PASSES         6 /* how often pages are read again before the sweep fails */
#define PAGE_TIMEOUT   (60 * SECOND)
#define MISSING_ALWAYS 5  /* so few may always go: a tenth of a small directory is nothing */
#define BULK_PAGES     10 /* a first listing of fewer is written as everything else is */
#define RETRY_AFTER    30 /* seconds after a failed refresh */
/* Seconds that our clock may be ahead of the LMS's: changes are asked for from so much earlier on. */
#define CLOCKS_DIFFER 300
#define WHOLE_EVERY   86400       /* where only changes are asked for: how often the whole is, all the same */
#define RECORDS_MOST  16000000ull /* a collection that says it has more is not believed */
#define SPOILED       "the LMS's list has it in a form that can't be represented; what is shown is older: "

struct page_state {
    bool done, flying;
    uint64_t total;
    size_t n; /* rows, at seen_of(page) */
};

struct sweep {
    int64_t asked_ms; /* when the page that is being read was asked for */
    uint64_t dir;
    struct tenant *tenant;
    const struct lms_collection *c;
    char *parent_key;
    struct store_sweep st;
    struct page_state *pages; /* st.pages of them; at least 1 */
    size_t pages_room;
    uint64_t *seen; /* record ids: page_size of them for each of pages_room. One block: many small ones would keep the heap from shrinking */
    unsigned flying, pass;
    int64_t since; /* only what changed at or after this is asked for; 0: everything */
    int64_t began_ms;
    uint32_t resumed; /* pages that were there already */
    bool first;       /* never complete before: its pages are kept on disk, so that it resumes */
    bool untotalled;  /* the API gives no total: st.total stays UINT64_MAX, st.pages are those known so far */
    bool failed, confirming;
    bool verify;  /* whole and told; what it missed is being asked for */
    bool bulk;    /* its commits are not synced one by one */
    bool in_next; /* sweep_next is running: completions inside it only change counters */
    struct err error;
    struct err spoiled; /* why rows of known records could not be read, code 0: none */
    uint64_t *before;   /* confirming: the ids of the pass before, sorted */
    size_t before_n;
    uint64_t *missing; /* verified one by one */
    size_t missing_n, missing_at;
    unsigned verifying;
    struct waiters waiters;
    UT_hash_handle hh;
};

struct refresh_note {
    uint64_t dir;
    int64_t tried_at, failed_at;
    int64_t began_at;  /* when the last good one began; 0 = none that we saw */
    int64_t whole_at;  /* the last sweep that asked for everything; 0 = none that we saw */
    char error[512];   /* of the try at failed_at */
    char spoiled[512]; /* of the last whole one: what it could not read, "" = nothing */
    UT_hash_handle hh;
};

/* ------------------------------------------------------------------ when a listing was last seen to be whole */

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

static void fresh_note(struct engine *g, uint64_t dir, int64_t at)
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
static void fresh_keep(struct tenant *t)
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

static struct refresh_note *note_of(struct tenant *t, uint64_t dir)
{
    struct refresh_note *n = NULL;
    HASH_FIND(hh, t->refreshed, &dir, sizeof dir, n);
    if (!n && (n = calloc(1, sizeof *n))) {
        n->dir = dir;
        HASH_ADD(hh, t->refreshed, dir, sizeof n->dir, n);
    }
    return n;
}

/* ------------------------------------------------------------------ pages */

static uint64_t *seen_of(const struct sweep *s, uint32_t page)
{
    return s->seen + (size_t)page * s->c->page_size;
}

static int pages_resize(struct sweep *s, uint32_t n)
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

static uint32_t pages_for(const struct sweep *s, uint64_t total)
{
    uint64_t n = total ? (total + s->c->page_size - 1) / s->c->page_size : 1;
    return (uint32_t)n; /* total is at most RECORDS_MOST */
}

static int rec_cmp(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* All ids seen, sorted, without doubles. */
static uint64_t *seen_sorted(const struct sweep *s, size_t *n)
{
    size_t all = 0, k = 0;
    for (uint32_t i = 0; i < s->st.pages; i++)
        all += s->pages[i].n;
    uint64_t *v = malloc((all + 1) * sizeof *v);
    if (!v)
        return NULL;
    for (uint32_t i = 0; i < s->st.pages; i++) {
        if (s->pages[i].n)
            memcpy(v + k, seen_of(s, i), s->pages[i].n * sizeof *v);
        k += s->pages[i].n;
    }
    qsort(v, all, sizeof *v, rec_cmp);
    *n = 0;
    for (size_t i = 0; i < all; i++)
        if (i == 0 || v[i] != v[i - 1])
            v[(*n)++] = v[i];
    return v;
}

/* ------------------------------------------------------------------ the end of a sweep */

static void sweep_free(struct sweep *s)
{
    free(s->seen);
    free(s->pages);
    free(s->before);
    free(s->missing);
    free(s->parent_key);
    free(s);
}

static void sweep_end(struct sweep *s, int code, const struct err *e)
{
    struct tenant *t = s->tenant;
    HASH_DEL(t->sweeps, s);
    if (s->bulk)
        bulk_leave(t->engine);
    struct refresh_note *n = note_of(t, s->dir);
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

static void sweep_next(struct sweep *s);

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
static void verify_some(struct sweep *s)
{
    while (s->verifying < PARALLEL && s->missing_at < s->missing_n) {
        uint64_t ino = ino_make(INO_RECORD, ino_tenant(s->dir), ino_coll(s->dir), s->missing[s->missing_at++]);
        s->verifying++;
        fetch_by_ino(s->tenant, ino, NET_LISTING, PAGE_TIMEOUT, verified, s);
    }
}

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
        if (bsearch(&after, seen, seen_n, sizeof *seen, rec_cmp) || store_get(v, ino, &rec))
            continue;
        if (store_mark(v, ino, &mark) == 0 && (mark.hidden || mark.state == STORE_PENDING))
            continue;
        if (s->before && bsearch(&after, s->before, s->before_n, sizeof *seen, rec_cmp))
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

/* What is kept of a sweep for the next start must not be older than what this one goes by. */
static void forget_kept(struct sweep *s)
{
    struct store_write *w;
    struct err e;
    if (s->first && write_begin(s->tenant->engine, &w, &e) == 0)
        write_end(s->tenant->engine, w, store_sweep_forget(w, s->dir, &e), &e);
}

static void read_again(struct sweep *s)
{
    forget_kept(s);
    s->st.done = 0;
    for (uint32_t i = 0; i < s->st.pages; i++)
        s->pages[i].done = false;
}

static int remove_missing(struct sweep *s, struct err *e)
{
    struct engine *g = s->tenant->engine;
    int r = 0;
    for (size_t from = 0; from < s->missing_n && r == 0; from += ROWS_A_WRITE) {
        struct store_write *w;
        size_t to = from + ROWS_A_WRITE < s->missing_n ? from + ROWS_A_WRITE : s->missing_n;
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

/* Pages that were read before the latest change are to be read again; all of them where the ids don't add up. 0: the listing is whole. */
static uint32_t to_read_again(struct sweep *s, size_t different)
{
    uint32_t again = 0;
    if (s->st.total == UINT64_MAX)
        return 0;
    for (uint32_t i = 0; i < s->st.pages; i++) {
        if (s->pages[i].total != s->st.total) {
            s->pages[i].done = false;
            again++;
        }
    }
    if (again || different == s->st.total)
        return again;
    read_again(s);
    return s->st.pages;
}

/* The ids of a pass, for the next one to be held against. Takes `seen` over. */
static void keep_pass(struct sweep *s, uint64_t *seen, size_t n)
{
    free(s->before);
    s->before = seen;
    s->before_n = n;
}

static int changed_too_often(struct sweep *s, struct err *e)
{
    return err_set(e, -EAGAIN,
                   "%s/%s changed while it was read, %d times over; a listing is whole or it fails: try again",
                   s->tenant->info.conf->name, s->c->name, PASSES);
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

/* Without a total: is there a pass more to be read before this one counts? One that finds other ids than the one before is itself to be
 * confirmed by the next. */
static bool to_confirm(struct sweep *s, uint64_t *seen, size_t n)
{
    uint32_t pages = 1;
    if (s->confirming && s->st.pages == 1) /* it missed somebody, and was read again for that */
        return false;
    s->confirming = false;
    bool same = s->before && s->before_n == n && memcmp(s->before, seen, n * sizeof *seen) == 0;
    if (same) {
        s->confirming = true; /* what both passes miss is missed twice */
        return false;
    }
    if (s->st.pages == 1)
        return false;
    while (pages < s->st.pages && s->pages[pages - 1].n == s->c->page_size)
        pages++;
    keep_pass(s, seen, n);
    pages_resize(s, pages); /* never more than there are */
    read_again(s);
    return true;
}

/* Every page is there. Is it whole, and what went? */
static void settle(struct sweep *s)
{
    struct err e = {0};
    size_t n = 0;
    uint64_t *seen = seen_sorted(s, &n);
    int r = seen ? 0 : err_set(&e, -ENOMEM, "out of memory");
    bool again = r == 0 && (s->untotalled ? to_confirm(s, seen, n) : to_read_again(s, n) > 0);
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
    struct refresh_note *note = note_of(s->tenant, s->dir);
    if (note)
        note->began_at = s->st.started_at;
    if (note && !s->since)
        note->whole_at = wall_now();
    s->verify = true;
    waiters_end(s->tenant->engine, &s->waiters, 0, NULL);
    sweep_next(s);
}

/* ------------------------------------------------------------------ pages come in */

struct page_call {
    struct sweep *sweep;
    uint32_t page; /* from 0 */
};

static uint32_t count_done(const struct sweep *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->st.pages; i++)
        n += s->pages[i].done;
    return n;
}

/* A row that could be read lifts what an earlier one that couldn't had left. */
static int readable_again(struct store_write *w, uint64_t ino, struct err *e)
{
    struct store_read *v = store_write_view(w);
    struct store_mark m;
    if (!store_any_mark(v) || store_mark(v, ino, &m) || m.state != STORE_CLEAN || m.hidden ||
        strncmp(m.error, SPOILED, strlen(SPOILED)) != 0)
        return 0;
    m.error[0] = '\0';
    return store_set_mark(w, ino, m.successor[0] ? &m : NULL, e);
}

/* Rows that can't be represented spoil their records, not the listing: a known one stays as it was last seen, and says so. One whose id
 * isn't known would be missing, and a listing never lies. */
static int spoiled_commit(struct sweep *s, const struct lms_page *p, uint64_t *recs, struct err *e)
{
    struct engine *g = s->tenant->engine;
    struct store_write *w;
    struct store_mark m = {.state = STORE_CLEAN}, old;
    int r = write_begin(g, &w, e);
    if (r)
        return r;
    snprintf(m.error, sizeof m.error, SPOILED "%.400s", p->spoiled_by.text);
    for (size_t i = 0; i < p->spoiled && r == 0; i++) {
        struct store_read *v = store_write_view(w);
        uint64_t ino = 0;
        if (!p->spoiled_keys[i] || store_by_key(v, s->dir, p->spoiled_keys[i], &ino)) {
            r = err_set(e, -EPROTO,
                        "%zu row%s can't be represented, and a person nobody knows yet would be missing: %.300s",
                        p->spoiled, p->spoiled == 1 ? "" : "s", p->spoiled_by.text);
            break;
        }
        recs[i] = ino_rec(ino);
        if (store_mark(v, ino, &old) == 0)
            continue;
        r = store_set_mark(w, ino, &m, e);
        hook_inode(g, ino);
    }
    s->spoiled = p->spoiled_by;
    return write_end(g, w, r, e);
}

/* That the page is there, in the write of its last rows. */
static int page_note(struct sweep *s, struct store_write *w, uint32_t page, const uint64_t *recs, size_t n, struct err *e)
{
    int r = store_sweep_save_page(w, s->dir, page, recs, n, e);
    s->st.done = count_done(s) + 1;
    return r ? r : store_sweep_save(w, s->dir, &s->st, e);
}

/* One that is deleted for good counts among the rows and is shown nowhere: its number is none that a record has. */
static int row_gone(struct sweep *s, struct store_write *w, const struct lms_record *r, uint64_t *rec, struct err *e)
{
    uint64_t ino = 0, h = 0xcbf29ce484222325ull;
    for (const char *p = r->key; *p; p++)
        h = (h ^ (unsigned char)*p) * 0x100000001b3ull;
    *rec = (h & (INO_REC_MASK >> 1)) | 1ull << (INO_REC_BITS - 1);
    if (store_by_key(store_write_view(w), s->dir, r->key, &ino))
        return 0;
    return record_forget_in(s->tenant, w, ino, e);
}

/* Rows from..to of a page, in one write. LMDB keeps the pages of the largest write it ever made, and a row touches some ten of them: small
 * writes keep the daemon's memory flat. */
static int rows_commit(struct sweep *s, uint32_t page, const struct lms_page *p, size_t from, size_t to, uint64_t *recs,
                       struct err *e)
{
    struct tenant *t = s->tenant;
    struct store_write *w;
    int r = write_begin(t->engine, &w, e);
    if (r)
        return r;
    for (size_t i = from; i < to && r == 0; i++) {
        struct record_put put = {.home = s->dir, .source = RECORD_ROW, .quiet_new = s->first, .asked_ms = s->asked_ms};
        uint64_t ino = 0;
        if (p->rows[i].gone) {
            r = row_gone(s, w, &p->rows[i], &recs[i], e);
            continue;
        }
        r = record_put(t, w, &put, &p->rows[i], &ino, e);
        recs[i] = ino_rec(ino);
        if (r == 0)
            r = readable_again(w, ino, e);
    }
    if (r == 0 && s->first && to == p->rows_n)
        r = page_note(s, w, page, recs, p->rows_n + p->spoiled, e);
    return write_end(t->engine, w, r, e);
}

/* Those spoiled come first: the page is noted with its last rows. */
static int page_commit(struct sweep *s, uint32_t page, struct lms_page *p, struct err *e)
{
    uint64_t *recs = seen_of(s, page); /* a page read again is written over: it is not done until it is whole */
    size_t n = p->rows_n + p->spoiled, from = 0;
    int r = n <= s->c->page_size ? 0 : err_set(e, -EPROTO, "a page of %zu rows, more than were asked for", n);
    if (r == 0 && p->spoiled)
        r = spoiled_commit(s, p, recs + p->rows_n, e);
    while (r == 0 && (from < p->rows_n || (from == 0 && s->first))) {
        size_t to = from + ROWS_A_WRITE < p->rows_n ? from + ROWS_A_WRITE : p->rows_n;
        r = rows_commit(s, page, p, from, to, recs, e);
        if (to == p->rows_n)
            break;
        from = to;
    }
    if (r == 0)
        s->pages[page].n = n;
    return r;
}

/* A server that doesn't heed the page's number gives full pages for ever. Looked at when the pages double, so that it costs little. */
static int check_growth(struct sweep *s, struct err *e)
{
    size_t n = 0, rows = 0;
    if ((uint64_t)s->st.pages * s->c->page_size > RECORDS_MOST)
        return err_set(e, -EPROTO, "the list has no end after %u pages", s->st.pages);
    if (s->st.pages & (s->st.pages - 1))
        return 0;
    uint64_t *seen = seen_sorted(s, &n);
    if (!seen)
        return err_set(e, -ENOMEM, "out of memory");
    free(seen);
    for (uint32_t i = 0; i < s->st.pages; i++)
        rows += s->pages[i].n;
    return n * 2 > rows
               ? 0
               : err_set(e, -EPROTO, "the list's pages repeat themselves: %zu rows are of %zu records", rows, n);
}

/* A page of a list without a total: a last one that is full is not the last. */
static int page_take_untotalled(struct sweep *s, uint32_t page, struct lms_page *p, struct err *e)
{
    s->untotalled = true;
    if (page >= s->st.pages)
        return 0;
    int r = page_commit(s, page, p, e);
    s->pages[page].done = r == 0;
    if (r == 0 && page + 1 == s->st.pages && s->pages[page].n == s->c->page_size) {
        r = check_growth(s, e);
        if (r == 0 && pages_resize(s, s->st.pages + 1))
            r = err_set(e, -ENOMEM, "out of memory");
    }
    return r;
}

static int page_take(struct sweep *s, uint32_t page, const struct http_reply *reply, struct err *e)
{
    struct lms_page p = {0};
    int r = s->tenant->info.provider->list_reply(s->c, s->parent_key, reply, &p, e);
    if (r)
        return r;
    if (p.total > (int64_t)RECORDS_MOST)
        r = err_set(e, -EPROTO, "the page says that there are %lld records", (long long)p.total);
    else if (p.total < 0 && s->st.total != UINT64_MAX)
        r = err_set(e, -EPROTO, "the page gives no total, and others did");
    if (r == 0 && p.total < 0)
        r = page_take_untotalled(s, page, &p, e);
    if (r || p.total < 0) {
        lms_page_release(&p);
        return r;
    }
    if ((uint64_t)p.total != s->st.total || !s->st.pages) {
        if (s->st.total != UINT64_MAX)
            forget_kept(s);
        s->st.total = (uint64_t)p.total;
        r = pages_resize(s, pages_for(s, s->st.total));
    }
    if (r == 0 && s->first && !s->bulk && s->st.pages >= BULK_PAGES)
        s->bulk = bulk_enter(s->tenant->engine);
    if (r == 0 && page < s->st.pages) {
        s->pages[page].total = s->st.total;
        r = page_commit(s, page, &p, e);
        s->pages[page].done = r == 0;
    }
    lms_page_release(&p);
    return r;
}

static void on_page(void *ctx, struct net_result *res)
{
    struct page_call *call = ctx;
    struct sweep *s = call->sweep;
    uint32_t page = call->page;
    struct err e = {0};
    free(call);
    s->flying--;
    if (page < s->pages_room)
        s->pages[page].flying = false;
    s->asked_ms = now_ms() - res->elapsed_ms;
    if (!s->failed) {
        int r = result_error(s->tenant, res, &e);
        if (r == 0)
            r = page_take(s, page, &res->reply, &e);
        if (r) {
            err_prefix(&e, "%s/%s page %u", s->tenant->info.conf->name, s->c->name, page + 1);
            s->failed = true;
            s->error = e;
        }
    }
    sweep_next(s);
}

static void page_ask(struct sweep *s, uint32_t page)
{
    struct http_request req = {0};
    struct err e = {0};
    const struct lms_provider *p = s->tenant->info.provider;
    int r = s->since ? p->changed_request(s->c, s->since, page + 1, &req, &e)
                     : p->list_request(s->c, s->parent_key, page + 1, &req, &e);
    struct page_call *call = r ? NULL : malloc(sizeof *call);
    if (!call) {
        http_request_release(&req);
        s->failed = true;
        if (!r)
            err_set(&e, -ENOMEM, "out of memory");
        s->error = e;
        return;
    }
    *call = (struct page_call){s, page};
    s->pages[page].flying = true;
    s->flying++;
    tenant_send(s->tenant, &req, NET_LISTING,
                PAGE_TIMEOUT > s->tenant->info.conf->list_timeout * SECOND ? PAGE_TIMEOUT
                                                                           : s->tenant->info.conf->list_timeout * SECOND,
                true, on_page, call);
}

static void ask_pages(struct sweep *s)
{
    uint32_t limit =
        s->st.total == UINT64_MAX && !s->untotalled ? 1 : s->st.pages; /* the first page tells how many there are */
    for (uint32_t i = 0; i < limit && s->flying < PARALLEL && !s->failed; i++)
        if (!s->pages[i].done && !s->pages[i].flying)
            page_ask(s, i);
}

/* Moves a sweep on: asks for pages, settles it, verifies, ends it. Nothing may touch `s` after it. */
static void sweep_next(struct sweep *s)
{
    if (s->in_next)
        return;
    s->in_next = true;
    if (s->verify)
        verify_some(s);
    else if (!s->failed)
        ask_pages(s);
    s->in_next = false;
    if (s->flying || s->verifying)
        return;
    if (s->failed)
        sweep_end(s, s->error.code, &s->error);
    else if (s->verify)
        sweep_end(s, 0, NULL);
    else
        settle(s);
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
    bool believed = kept && (untotalled ? (uint64_t)st.pages * s->c->page_size <= RECORDS_MOST + s->c->page_size
                                        : st.total <= RECORDS_MOST && st.pages == pages_for(s, st.total));
    if (believed && st.pages && wall_now() - st.started_at < s->tenant->info.conf->list_ttl &&
        pages_resize(s, st.pages) == 0) {
        s->st = st;
        s->st.done = 0;
        s->untotalled = untotalled;
        for (uint32_t i = 0; i < st.pages; i++) {
            const uint64_t *recs;
            size_t n;
            if (store_sweep_page(v, s->dir, i, &recs, &n) || n > s->c->page_size)
                continue;
            memcpy(seen_of(s, i), recs, n * sizeof *recs);
            s->pages[i].n = n;
            s->pages[i].total = st.total;
            s->pages[i].done = true;
            s->st.done++;
        }
        if (untotalled && s->pages[st.pages - 1].done && s->pages[st.pages - 1].n == s->c->page_size &&
            pages_resize(s, st.pages + 1)) { /* the next page was not noted yet */
            s->st.pages = 1;
            s->pages[0].done = false;
        }
        kept = false;
    }
    store_read_end(v);
    if (kept)
        forget_kept(s);
}

static struct sweep *sweep_start(struct tenant *t, uint64_t dir, const struct lms_collection *c, bool first,
                                 struct err *e)
{
    struct sweep *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    *s = (struct sweep){.dir = dir, .tenant = t, .c = c, .first = first};
    s->st = (struct store_sweep){.generation = 1, .started_at = wall_now(), .total = UINT64_MAX};
    if (c->parent && !(s->parent_key = parent_key_of(t->engine, dir))) {
        err_set(e, -ENOENT, "nobody known by that name");
        free(s);
        return NULL;
    }
    if (pages_resize(s, 1)) {
        err_set(e, -ENOMEM, "out of memory");
        sweep_free(s);
        return NULL;
    }
    if (first)
        sweep_resume(s);
    s->began_ms = now_ms();
    s->resumed = s->st.done;
    HASH_ADD(hh, t->sweeps, dir, sizeof s->dir, s);
    struct refresh_note *n = note_of(t, dir);
    if (n)
        n->tried_at = wall_now();
    return s;
}

/* From when on changes will do for a refresh; 0: everything is asked for. */
static int64_t changes_since(struct tenant *t, uint64_t dir, int64_t complete_at)
{
    struct refresh_note *n = note_of(t, dir);
    if (!t->info.provider->changed_request || !complete_at || !n)
        return 0;
    if (!n->whole_at) /* before a restart: as good as any time to count from */
        n->whole_at = wall_now();
    int64_t last = n->began_at > complete_at ? n->began_at : complete_at;
    return wall_now() - n->whole_at < WHOLE_EVERY ? last - CLOCKS_DIFFER : 0;
}

static bool refresh_is_due(struct tenant *t, uint64_t dir, int64_t complete_at)
{
    int64_t now = wall_now();
    struct refresh_note *n = note_of(t, dir);
    complete_at = engine_listed_at(t->engine, dir, complete_at);
    if (now - complete_at < t->info.conf->list_ttl)
        return false;
    return !n || !n->failed_at || now - n->failed_at >= RETRY_AFTER;
}

void list_ask(struct tenant *t, struct ask *a)
{
    struct engine *g = t->engine;
    struct err e = {0};
    uint64_t dir = ino_kind(a->ino) == INO_BIN ? ino_make(INO_DIR, ino_tenant(a->ino), ino_coll(a->ino), 0) : a->ino;
    const struct lms_collection *c = collection_of(t, dir, &e);
    if (!c || c->kind != LMS_LISTED || ino_kind(dir) != INO_DIR) {
        ask_end(g, a, c ? 0 : -ENOENT, &e);
        return;
    }
    struct store_listing l = {0};
    struct store_read *v = store_read_begin(g->store);
    if (v) {
        store_listing(v, dir, &l);
        store_read_end(v);
    }
    struct sweep *s = NULL;
    HASH_FIND(hh, t->sweeps, &dir, sizeof dir, s);
    if (a->kind == ASK_LISTING && l.complete_at) { /* known: served at once, refreshed behind it */
        bool due = !s && refresh_is_due(t, dir, l.complete_at);
        ask_end(g, a, 0, NULL);
        if (due && (s = sweep_start(t, dir, c, false, &e))) {
            s->since = changes_since(t, dir, engine_listed_at(g, dir, l.complete_at));
            sweep_next(s);
        }
        return;
    }
    if (!s) {
        if (c->parent && a->kind == ASK_LISTING &&
            !crawl_take(t->crawl_parents, now_ms())) { /* bounded like one over details */
            err_set(&e, -EAGAIN, "more than crawl_limit directories of %s asked for in a minute", c->name);
            ask_end(g, a, -EAGAIN, &e);
            return;
        }
        s = sweep_start(t, dir, c, l.complete_at == 0, &e);
        if (!s) {
            ask_end(g, a, e.code, &e);
            return;
        }
        waiters_add(g, &s->waiters, a);
        sweep_next(s);
        return;
    }
    waiters_add(g, &s->waiters, a);
}

void list_status(struct tenant *t, uint64_t dir, json_t *into)
{
    struct sweep *s = NULL;
    HASH_FIND(hh, t->sweeps, &dir, sizeof dir, s);
    if (s && !s->verify)
        json_object_set_new(into, "progress",
                            json_pack("{s:I,s:I,s:I}", "pages", (json_int_t)s->st.pages, "done", (json_int_t)s->st.done,
                                      "seconds",
                                      (json_int_t)estimate_s(t, s->st.pages - s->st.done, s->st.done - s->resumed,
                                                             now_ms() - s->began_ms)));
    struct refresh_note *n = NULL;
    HASH_FIND(hh, t->refreshed, &dir, sizeof dir, n);
    if (n && (n->failed_at || n->spoiled[0]))
        json_object_set_new(into, "error", json_string(n->failed_at ? n->error : n->spoiled));
}

bool list_is_sweeping(struct tenant *t, uint64_t dir)
{
    struct sweep *s = NULL;
    HASH_FIND(hh, t->sweeps, &dir, sizeof dir, s);
    return s && !s->verify;
}

void list_free(struct tenant *t)
{
    struct sweep *s, *next_s;
    fresh_keep(t);
    HASH_ITER(hh, t->sweeps, s, next_s)
    {
        HASH_DEL(t->sweeps, s);
        sweep_free(s);
    }
    struct refresh_note *n, *next_n;
    HASH_ITER(hh, t->refreshed, n, next_n)
    {
        HASH_DEL(t->refreshed, n);
        free(n);
    }
}
