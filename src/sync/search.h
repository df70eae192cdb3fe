/* search.h — one search of the LMS's own, while its pages are read: search.c has its life, search_page.c its pages. Engine thread. */
#ifndef SYNC_SEARCH_H
#define SYNC_SEARCH_H

#include "sync/internal.h"

#define NO_TOTAL UINT64_MAX

struct leaf {
    bool done;
    size_t n; /* rows, at recs + page * page_size */
};

struct search {
    char *what; /* "collection/text" */
    struct tenant *tenant;
    const struct lms_collection *c;
    const char *text;      /* in `what` */
    char parent_name[256]; /* file name of the parent that the text names, or "" */
    char *parent_key;      /* its key; else NULL */
    uint64_t home;         /* where what is found stands; 0: no row has told yet */
    uint64_t window, total;
    struct leaf *leaves;
    uint64_t *recs;
    uint32_t pages, room;
    unsigned flying, pass;
    bool failed, changed;
    bool in_next;     /* search_next is running: completions inside it only change counters */
    uint64_t *before; /* what the pass before found, without a total */
    size_t before_n;
    struct err error;
    struct waiters waiters;
    UT_hash_handle hh;
};

/* search.c */
int search_id_cmp(const void *a, const void *b);

/* search_page.c */
int search_resize(struct search *s, uint32_t n);                                                      /* -ENOMEM */
int search_take_page(struct search *s, uint32_t page, const struct http_reply *reply, struct err *e); /* from 0 */
struct found *search_gather(
    const struct search *s); /* the ids in the API's order, and behind them the same ones sorted; NULL: no memory */
size_t search_different(const struct found *f);               /* ids */
uint64_t search_parents(const struct search *s);              /* the directory of the parents; 0: it has none */
uint64_t search_dir(const struct search *s, uint64_t parent); /* what is found below this parent stands there */

#endif
