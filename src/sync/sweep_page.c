/* sweep_page.c — the pages of a sweep: asked for, and taken into the store as they come. */
#include "sync/parse.h"
#include "sync/sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BACKGROUND_TIMEOUT (600 * SECOND) /* a page waits for its turn as long as others want the budget */
#define BULK_PAGES         10             /* a first listing of fewer is written as everything else is */
#define SPOILED            "the LMS's list has it in a form that can't be represented; what is shown is older: "

/* ------------------------------------------------------------------ its rows */

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
    uint64_t *recs = sweep_rows(s, page); /* a page read again is written over: it is not done until it is whole */
    size_t n = p->rows_n + p->spoiled, from = 0;
    int r = n <= s->c->page_size ? 0 : err_set(e, -EPROTO, "a page of %zu rows, more than were asked for", n);
    if (r == 0 && p->spoiled)
        r = spoiled_commit(s, p, recs + p->rows_n, e);
    while (r == 0 && (from < p->rows_n || (from == 0 && s->first))) {
        size_t to = from + SWEEP_ROWS_A_WRITE < p->rows_n ? from + SWEEP_ROWS_A_WRITE : p->rows_n;
        r = rows_commit(s, page, p, from, to, recs, e);
        if (to == p->rows_n)
            break;
        from = to;
    }
    if (r == 0)
        s->pages[page].n = n;
    return r;
}

/* ------------------------------------------------------------------ its total */

/* A server that doesn't heed the page's number gives full pages for ever. Looked at when the pages double, so that it costs little. */
static int check_growth(struct sweep *s, struct err *e)
{
    size_t n = 0, rows = 0;
    if ((uint64_t)s->st.pages * s->c->page_size > SWEEP_RECORDS_MOST)
        return err_set(e, -EPROTO, "the list has no end after %u pages", s->st.pages);
    if (s->st.pages & (s->st.pages - 1))
        return 0;
    uint64_t *seen = sweep_seen(s, &n);
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
        if (r == 0 && sweep_resize(s, s->st.pages + 1))
            r = err_set(e, -ENOMEM, "out of memory");
    }
    return r;
}

#define CLOCKS_DIFFER 300 /* seconds; a row that is newer than its page by more has a time that is not to be believed */

/* When the page was read, and when the newest row so far was made. */
static void note_times(struct sweep *s, uint32_t page, const struct lms_page *p, int64_t made_at)
{
    int64_t asked = wall_now() - (now_ms() - s->asked_ms + 999) / 1000, read_at = made_at ? made_at : asked;
    s->ahead = read_at - wall_now();
    s->pages[page].read_at = read_at;
    for (size_t i = 0; i < p->rows_n; i++)
        if (p->rows[i].made_at > s->st.newest && p->rows[i].made_at <= read_at + CLOCKS_DIFFER)
            s->st.newest = p->rows[i].made_at;
}

static int page_take(struct sweep *s, uint32_t page, struct lms_page *p, int64_t made_at, struct err *e)
{
    int r = 0;
    if (p->total > (int64_t)SWEEP_RECORDS_MOST)
        r = err_set(e, -EPROTO, "the page says that there are %lld records", (long long)p->total);
    else if (p->total < 0 && s->st.total != UINT64_MAX)
        r = err_set(e, -EPROTO, "the page gives no total, and others did");
    if (r == 0 && p->total < 0)
        r = page_take_untotalled(s, page, p, e);
    if (r || p->total < 0)
        return r;
    if ((uint64_t)p->total != s->st.total || !s->st.pages) {
        if (s->st.total != UINT64_MAX)
            sweep_forget_kept(s);
        s->st.total = (uint64_t)p->total;
        r = sweep_resize(s, sweep_pages_for(s, s->st.total));
    }
    if (r == 0 && s->resumed == 0) {
        s->pace_ms = now_ms();
        s->resumed = 1;
    }
    if (r == 0 && s->first && !s->bulk && s->st.pages >= BULK_PAGES)
        s->bulk = bulk_enter(s->tenant->engine);
    if (r == 0 && page < s->st.pages) {
        s->pages[page].total = s->st.total;
        note_times(s, page, p, made_at);
        r = page_commit(s, page, p, e);
        s->pages[page].done = r == 0;
    }
    return r;
}

/* ------------------------------------------------------------------ its request */

#define PARSE_BESIDE 16384 /* bytes; a smaller page is read sooner than another thread has it */

struct page_call {
    struct sweep *sweep;
    uint32_t page; /* from 0 */
    unsigned slot; /* in the sweep's `out` */
    struct send *send;
    int64_t asked_ms, made_at;
    struct parse parse; /* its page and result */
};

/* The page is read, or there is none: then why is in its parse's err. Frees the call. */
static void page_came(struct page_call *call)
{
    struct sweep *s = call->sweep;
    struct err e = call->parse.err;
    int r = call->parse.result;
    s->flying--;
    s->out[call->slot] = NULL;
    if (call->page < s->pages_room)
        s->pages[call->page].flying = false;
    s->asked_ms = call->asked_ms;
    if (r == 0 && !s->failed)
        r = page_take(s, call->page, &call->parse.page, call->made_at, &e);
    if (r && !s->failed) {
        err_prefix(&e, "%s/%s page %u", s->tenant->info.conf->name, s->c->name, call->page + 1);
        s->failed = true;
        s->error = e;
    }
    lms_page_release(&call->parse.page);
    free(call);
    sweep_next(s);
}

static void parsed(struct parse *p)
{
    page_came((struct page_call *)((char *)p - offsetof(struct page_call, parse)));
}

static void on_page(void *ctx, struct net_result *res)
{
    struct page_call *call = ctx;
    struct sweep *s = call->sweep;
    struct parse *p = &call->parse;
    call->asked_ms = now_ms() - res->elapsed_ms;
    call->made_at = res->reply.made_at;
    *p = (struct parse){.provider = s->tenant->info.provider, .c = s->c, .parent_key = s->parent_key, .done = parsed};
    p->result = result_error(s->tenant, res, &p->err);
    if (p->result == 0 && res->reply.len >= PARSE_BESIDE) {
        p->reply = res->reply;
        res->reply.body = NULL;
        parse_page(s->tenant->engine, p);
        return;
    }
    if (p->result == 0)
        p->result = p->provider->list_reply(s->c, s->parent_key, &res->reply, &p->page, &p->err);
    page_came(call);
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
    *call = (struct page_call){.sweep = s, .page = page};
    while (s->out[call->slot]) /* there is one: fewer than SWEEP_PARALLEL fly */
        call->slot++;
    s->out[call->slot] = call;
    s->pages[page].flying = true;
    s->flying++;
    int64_t timeout = s->tenant->info.conf->list_timeout * SECOND,
            least = s->background ? BACKGROUND_TIMEOUT : SWEEP_PAGE_TIMEOUT;
    tenant_send_kept(s->tenant, &req, s->background ? NET_BACKGROUND : NET_LISTING, timeout > least ? timeout : least,
                     true, on_page, call, &call->send);
}

void sweep_hurry(struct sweep *s)
{
    if (!s->background)
        return;
    s->background = false;
    for (unsigned i = 0; i < SWEEP_PARALLEL; i++)
        if (s->out[i])
            tenant_promote(s->out[i]->send, NET_LISTING);
}

void sweep_ask_pages(struct sweep *s)
{
    uint32_t limit =
        s->st.total == UINT64_MAX && !s->untotalled ? 1 : s->st.pages; /* the first page tells how many there are */
    for (uint32_t i = 0; i < limit && s->flying < SWEEP_PARALLEL && !s->failed; i++)
        if (!s->pages[i].done && !s->pages[i].flying)
            page_ask(s, i);
}
