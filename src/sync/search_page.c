/* search_page.c — the pages of a search: how many there are, and their rows written through. */
#include "sync/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_A_WRITE 100
#define FOUND_MOST   16000000ull

/* ------------------------------------------------------------------ what is there of it */

int search_resize(struct search *s, uint32_t n)
{
    if (n > s->room) {
        uint64_t *recs = realloc(s->recs, ((size_t)n * s->c->page_size + 1) * sizeof *recs);
        if (recs)
            s->recs = recs;
        struct leaf *leaves = recs ? realloc(s->leaves, n * sizeof *leaves) : NULL;
        if (!leaves)
            return -ENOMEM;
        memset(leaves + s->room, 0, (n - s->room) * sizeof *leaves);
        s->leaves = leaves;
        s->room = n;
    }
    s->pages = n;
    return 0;
}

/* The ids in the API's order, and behind them the same ones sorted. NULL: no memory. */
struct found *search_gather(const struct search *s)
{
    size_t n = 0;
    for (uint32_t i = 0; i < s->pages; i++)
        n += s->leaves[i].n;
    struct found *f = calloc(1, sizeof *f + 2 * n * sizeof f->recs[0]);
    if (!f)
        return NULL;
    atomic_init(&f->refs, 1);
    f->at_ms = now_ms();
    f->at = wall_now();
    f->home = s->home;
    for (uint32_t i = 0; i < s->pages; i++) {
        if (s->leaves[i].n)
            memcpy(f->recs + f->n, s->recs + (size_t)i * s->c->page_size, s->leaves[i].n * sizeof f->recs[0]);
        f->n += s->leaves[i].n;
    }
    if (n) {
        memcpy(f->recs + n, f->recs, n * sizeof f->recs[0]);
        qsort(f->recs + n, n, sizeof f->recs[0], search_id_cmp);
    }
    return f;
}

size_t search_different(const struct found *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        n += i == 0 || f->recs[f->n + i] != f->recs[f->n + i - 1];
    return n;
}

/* ------------------------------------------------------------------ rows */

uint64_t search_parents(const struct search *s)
{
    const struct lms_provider *p = s->tenant->info.provider;
    const struct lms_collection *pc = s->c->parent ? lms_collection(p, s->c->parent) : NULL;
    return pc ? ino_make(INO_DIR, s->tenant->info.number, (unsigned)lms_collection_index(p, pc), 0) : 0;
}

uint64_t search_dir(const struct search *s, uint64_t parent)
{
    return ino_make(INO_DIR, s->tenant->info.number, (unsigned)lms_collection_index(s->tenant->info.provider, s->c),
                    ino_rec(parent));
}

/* Where a row stands; the first one says it for all. */
static int home_of_row(struct search *s, struct store_read *v, const struct lms_record *r, struct err *e)
{
    uint64_t parent = 0, home = s->home;
    if (!s->c->parent)
        home = search_dir(s, 0);
    else if (!s->parent_key && (!r->parent || store_by_key(v, search_parents(s), r->parent, &parent)))
        return err_set(e, -EPROTO, "ID-%.80s stands in %s %.80s, which nobody knows", r->key, s->c->parent,
                       r->parent ? r->parent : "(none)");
    else if (!s->parent_key)
        home = search_dir(s, parent);
    if (s->home && s->home != home)
        return err_set(e, -EPROTO, "ID-%.80s stands in another directory than the row before it", r->key);
    s->home = home;
    return 0;
}

static int rows_commit(struct search *s, struct lms_page *p, size_t from, size_t to, uint64_t *recs, struct err *e)
{
    struct store_write *w;
    int r = write_begin(s->tenant->engine, &w, e);
    if (r)
        return r;
    for (size_t i = from; i < to && r == 0; i++) {
        uint64_t ino = 0;
        if ((r = home_of_row(s, store_write_view(w), &p->rows[i], e)))
            break;
        struct record_put put = {.home = s->home, .source = RECORD_ROW};
        r = record_put(s->tenant, w, &put, &p->rows[i], &ino, e);
        recs[i] = ino_rec(ino);
    }
    return write_end(s->tenant->engine, w, r, e);
}

/* Rows that can't be represented are found all the same where their records are known, as they were last seen. */
static int spoiled_add(struct search *s, const struct lms_page *p, uint64_t *recs, struct err *e)
{
    struct store_read *v = store_read_begin(s->tenant->engine->store);
    int r = v ? 0 : -EIO;
    for (size_t i = 0; i < p->spoiled && r == 0; i++) {
        uint64_t ino, home = s->c->parent ? s->home : search_dir(s, 0);
        if (!p->spoiled_keys[i] || !home || store_by_key(v, home, p->spoiled_keys[i], &ino))
            r = err_set(e, -EPROTO, "%.300s", p->spoiled_by.text);
        else
            recs[i] = ino_rec(ino);
        s->home = home;
    }
    if (v)
        store_read_end(v);
    return r;
}

static int page_store(struct search *s, uint32_t page, struct lms_page *p, struct err *e)
{
    uint64_t *recs = s->recs + (size_t)page * s->c->page_size;
    size_t n = p->rows_n + p->spoiled;
    int r = n <= s->c->page_size ? 0 : err_set(e, -EPROTO, "a page of %zu rows, more than were asked for", n);
    for (size_t i = 0; i < p->rows_n && r == 0; i += ROWS_A_WRITE)
        r = rows_commit(s, p, i, i + ROWS_A_WRITE < p->rows_n ? i + ROWS_A_WRITE : p->rows_n, recs, e);
    if (r == 0 && p->spoiled)
        r = spoiled_add(s, p, recs + p->rows_n, e);
    s->leaves[page] = (struct leaf){.done = r == 0, .n = r ? 0 : n};
    return r;
}

/* ------------------------------------------------------------------ how many there are */

static int too_many(const struct search *s, struct err *e)
{
    return err_set(e, -EFBIG, "%s finds more than the %llu that its search shows: narrow %s",
                   s->tenant->info.conf->name, (unsigned long long)s->window, s->text);
}

static bool repeats(const struct search *s, uint32_t page)
{
    const uint64_t *recs = s->recs + (size_t)page * s->c->page_size;
    size_t n = s->leaves[page].n;
    return page && n && s->leaves[page - 1].n == n && !memcmp(recs - s->c->page_size, recs, n * sizeof *recs);
}

/* A server that doesn't heed the page's number gives full pages for ever. Looked at when the pages double, so that it costs little. */
static int check_growth(const struct search *s, struct err *e)
{
    if (s->pages & (s->pages - 1))
        return 0;
    struct found *f = search_gather(s);
    bool grows = f && search_different(f) * 2 > f->n;
    int r = grows ? 0 : err_set(e, f ? -EPROTO : -ENOMEM, f ? "its pages repeat themselves" : "out of memory");
    found_release(f);
    return r;
}

/* How many pages there are: by the total, or one more as long as they come full. */
static int page_count(struct search *s, uint32_t page, const struct lms_page *p, struct err *e)
{
    uint64_t total = (uint64_t)p->total, size = s->c->page_size;
    if (p->total < 0 && s->total == NO_TOTAL) {
        if (repeats(s, page))
            return err_set(e, -EPROTO, "page %u is page %u over again", page + 1, page);
        if (s->leaves[page].n < size || page + 1 < s->pages)
            return 0;
        if (s->window && (page + 1) * size >= s->window)
            return too_many(s, e);
        if ((page + 1) * size >= FOUND_MOST)
            return err_set(e, -EPROTO, "it never ends");
        int r = check_growth(s, e);
        return r ? r : search_resize(s, page + 2);
    }
    if (p->total < 0 || total > FOUND_MOST)
        return err_set(e, -EPROTO, p->total < 0 ? "the page gives no total" : "the page's total can't be");
    if (s->window && total > s->window)
        return too_many(s, e);
    s->changed |= s->total != NO_TOTAL && s->total != total;
    if (s->total != NO_TOTAL)
        return 0;
    s->total = total;
    return search_resize(s, total ? (uint32_t)((total + size - 1) / size) : 1);
}

int search_take_page(struct search *s, uint32_t page, const struct http_reply *reply, struct err *e)
{
    struct lms_page p = {0};
    int r = s->tenant->info.provider->list_reply(s->c, s->parent_key, reply, &p, e);
    if (r)
        return r;
    if (page < s->pages && (r = page_store(s, page, &p, e)) == 0)
        r = page_count(s, page, &p, e);
    lms_page_release(&p);
    return r;
}
