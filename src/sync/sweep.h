/* sweep.h — sweeps: a collection read page by page until the listing is known to be whole. Engine thread.
 *
 * Whole means: every page reported the same total, and the different ids are as many. Where the API gives no total, there are pages until
 * one comes back short, and a second pass has to find the same ids (a list of one page is one answer: it needs none). Pages shift while
 * they are read, so those that disagree are read again, a bounded number of times; then the sweep fails rather than lies. So are pages
 * that were read before the newest row was made: one who joins while another leaves, both between the same two pages, leaves the totals
 * as they were, and whoever moved over the edge between them was on neither. What a whole
 * sweep misses goes only when its own GET says so (or a second sweep, where there is no such GET), and not at all when more than a tenth
 * of what was known is missing.
 *
 *   first page → the other pages, SWEEP_PARALLEL at a time → settle: whole? → missing ones verified → done
 *        ↑__________________ pages that disagree ___|
 *
 * sweep.c moves it through these; sweep_page.c asks for pages and takes them in, sweep_settle.c says whether they are whole and what went;
 * list.c answers those who ask for a listing; fresh.c knows when each was last seen to be whole.
 */
#ifndef SYNC_SWEEP_H
#define SYNC_SWEEP_H

#include "sync/internal.h"

#define SWEEP_PARALLEL     4 /* requests of one sweep that are out at once */
#define SWEEP_ROWS_A_WRITE 100
#define SWEEP_PAGE_TIMEOUT (60 * SECOND)
#define SWEEP_RECORDS_MOST 16000000ull /* a collection that says it has more is not believed */

struct page_state {
    bool done, flying;
    uint64_t total;
    int64_t read_at; /* not before this, by the server's clock, Unix seconds; 0: by a process before this one */
    size_t n;        /* rows, at sweep_rows(page) */
};

struct sweep {
    int64_t asked_ms; /* when the page that is being read was asked for */
    int64_t ahead;    /* the server's clock less ours, seconds, at least */
    uint64_t dir;
    struct tenant *tenant;
    const struct lms_collection *c;
    char *parent_key;
    struct store_sweep st;
    struct page_state *pages; /* st.pages of them; at least 1 */
    size_t pages_room;
    uint64_t *seen; /* record ids: page_size of them for each of pages_room. One block: many small ones would keep the heap from shrinking */
    unsigned flying, pass;
    int64_t since;    /* only what changed at or after this is asked for; 0: everything */
    int64_t pace_ms;  /* the pace is measured since then: the first page comes alone, and perhaps after a login */
    uint32_t resumed; /* pages that were there by then */
    bool first;       /* never complete before: its pages are kept on disk, so that it resumes */
    bool background;  /* nobody asked for it: only what nobody else wants of the budget, until sweep_hurry */
    bool untotalled;  /* the API gives no total: st.total stays UINT64_MAX, st.pages are those known so far */
    bool failed, confirming;
    bool verify;  /* whole and told; what it missed is being asked for */
    bool bulk;    /* its commits are not synced one by one */
    bool in_next; /* sweep_next is running: completions inside it only change counters */
    struct err error;
    struct err spoiled; /* why rows of known records could not be read, code 0: none */
    uint64_t *before;   /* the ids of the pass before, sorted; NULL: none that matters */
    size_t before_n;
    uint64_t *missing; /* verified one by one */
    size_t missing_n, missing_at;
    unsigned verifying;
    struct page_call *out[SWEEP_PARALLEL]; /* pages that are out; NULL: none */
    struct waiters waiters;
    UT_hash_handle hh;
};

struct refresh_note {
    uint64_t dir;
    int64_t tried_at, failed_at;
    int64_t began_at;  /* when the last good one began; 0 = none that we saw */
    int64_t whole_at;  /* the last sweep that asked for everything; 0 = none that we saw */
    bool read_once;    /* in a first listing of several pages, and not since */
    char error[512];   /* of the try at failed_at */
    char spoiled[512]; /* of the last whole one: what it could not read, "" = nothing */
    UT_hash_handle hh;
};

/* list.c */
struct refresh_note *list_note(struct tenant *t, uint64_t dir); /* made if there is none; NULL: no memory */

/* sweep.c */
struct sweep *sweep_start(struct tenant *t, uint64_t dir, const struct lms_collection *c, bool first,
                          struct err *e); /* resumed, if it is the first; sweep_next() moves it. NULL: why is in e */
void sweep_next(struct sweep *s); /* asks for pages, settles it, verifies, ends it. Nothing may touch `s` after it */
void sweep_end(struct sweep *s, int code, const struct err *e); /* frees it; e: where code is not 0 */
void sweep_free(struct sweep *s);
uint64_t *sweep_rows(const struct sweep *s, uint32_t page); /* room for a page's ids, until sweep_resize() */
int sweep_resize(struct sweep *s, uint32_t n);              /* pages, at least 1; -ENOMEM */
uint32_t sweep_pages_for(const struct sweep *s, uint64_t total);
uint64_t *sweep_seen(const struct sweep *s, size_t *n); /* sorted by sweep_id_cmp; malloc'ed, NULL: no memory */
int sweep_id_cmp(const void *a, const void *b);
void sweep_forget_kept(struct sweep *s); /* the next start begins anew */

/* sweep_page.c */
void sweep_ask_pages(struct sweep *s);
void sweep_hurry(struct sweep *s); /* somebody wants it now: it is in the background no more */

/* sweep_settle.c */
void sweep_settle(struct sweep *s);
void sweep_verify(struct sweep *s); /* a few of those that it missed, by each one's own GET */

/* fresh.c */
void fresh_note(struct engine *g, uint64_t dir, int64_t at);
void fresh_keep(struct tenant *t); /* in the store, at the end */

#endif
