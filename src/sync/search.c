/* search.c — what the LMS's own search finds: its pages read until they are whole, each row written through, so that what is found can be
 * opened. Nothing is removed here: a search says who matches and never who is gone.
 *
 *   parents listed, where rows stand in theirs → first page → the others → whole? → the answer, to all who asked for the same
 *
 * Whole means what it means for a listing (sweep.h): every page reported one total and the different ids are as many, else all is read
 * again, a few times; without a total a second pass must give the same.
 */
#include "sync/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PARALLEL     4
#define PASSES       4
#define PAGE_TIMEOUT (60 * SECOND)
#define NOTES_MOST   64

/* Why a search failed last, for `why`. */
struct search_note {
    char *what;
    struct err error;
    UT_hash_handle hh;
};

/* ------------------------------------------------------------------ what was found: any thread */

struct found *found_keep(struct found *f)
{
    if (f)
        atomic_fetch_add(&f->refs, 1);
    return f;
}

void found_release(struct found *f)
{
    if (f && atomic_fetch_sub(&f->refs, 1) == 1)
        free(f);
}

int search_id_cmp(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

bool found_has(const struct found *f, uint64_t record_id)
{
    return f->n && bsearch(&record_id, f->recs + f->n, f->n, sizeof *f->recs, search_id_cmp);
}

/* ------------------------------------------------------------------ the end of one */

static void note(struct search *s, const struct err *e)
{
    struct tenant *t = s->tenant;
    struct search_note *n = NULL;
    HASH_FIND_STR(t->search_notes, s->what, n);
    if (!n) {
        if (HASH_COUNT(t->search_notes) >= NOTES_MOST) {
            n = t->search_notes; /* the oldest */
            HASH_DEL(t->search_notes, n);
            free(n->what);
            free(n);
        }
        n = calloc(1, sizeof *n);
        if (!n || !(n->what = strdup(s->what))) {
            free(n);
            return;
        }
        HASH_ADD_KEYPTR(hh, t->search_notes, n->what, strlen(n->what), n);
    }
    n->error = e ? *e : (struct err){0};
}

static void search_discard(struct search *s)
{
    free(s->what);
    free(s->parent_key);
    free(s->leaves);
    free(s->recs);
    free(s->before);
    free(s);
}

static void search_fail(struct search *s, struct err *e)
{
    HASH_DEL(s->tenant->searches, s);
    if (e->code != -ESHUTDOWN && e->code != -EINTR)
        note(s, e);
    waiters_end(s->tenant->engine, &s->waiters, e->code, e);
    search_discard(s);
}

static void search_done(struct search *s, struct found *f)
{
    HASH_DEL(s->tenant->searches, s);
    note(s, NULL);
    while (s->waiters.first) {
        struct ask *a = s->waiters.first;
        a->found = found_keep(f);
        ask_end(s->tenant->engine, a, 0, NULL);
    }
    search_discard(s);
}

/* ------------------------------------------------------------------ pages */

static void read_again(struct search *s)
{
    memset(s->leaves, 0, s->room * sizeof *s->leaves);
    s->pages = 1;
    s->total = NO_TOTAL;
    s->changed = false;
    s->pass++;
}

/* Every page is there: the answer, or once more from the start. false: once more. */
static bool settle(struct search *s)
{
    struct err e = {0};
    struct found *f = search_gather(s);
    bool whole = f && !s->changed && search_different(f) == f->n && (s->total == NO_TOTAL || f->n == s->total);
    bool confirmed =
        whole && (s->total != NO_TOTAL || f->n < s->c->page_size ||
                  (s->before && s->before_n == f->n && !memcmp(s->before, f->recs, f->n * sizeof f->recs[0])));
    if (!f) {
        err_set(&e, -ENOMEM, "out of memory");
    } else if (confirmed) {
        search_done(s, f);
        found_release(f);
        return true;
    } else if (s->pass + 1 >= PASSES) {
        err_set(&e, -EAGAIN, "%s/search/%s changed while it was read, %d times over: try again",
                s->tenant->info.conf->name, s->what, PASSES);
    }
    if (!f || e.code) {
        found_release(f);
        search_fail(s, &e);
        return true;
    }
    free(s->before);
    s->before_n = f->n;
    s->before = malloc((f->n + 1) * sizeof *s->before);
    if (s->before && f->n)
        memcpy(s->before, f->recs, f->n * sizeof *s->before);
    found_release(f);
    read_again(s);
    return false;
}

/* ------------------------------------------------------------------ asking */

static void search_next(struct search *s);

struct page_call {
    struct search *search;
    uint32_t page;
};

static void on_page(void *ctx, struct net_result *res)
{
    struct page_call call = *(struct page_call *)ctx;
    struct search *s = call.search;
    struct err e = {0};
    free(ctx);
    s->flying--;
    if (!s->failed) {
        int r = result_error(s->tenant, res, &e);
        if (r == 0)
            r = search_take_page(s, call.page, &res->reply, &e);
        if (r) {
            err_prefix(&e, "%s/search/%s page %u", s->tenant->info.conf->name, s->what, call.page + 1);
            s->failed = true;
            s->error = e;
            s->error.code = r;
        }
    }
    search_next(s);
}

static void page_ask(struct search *s, uint32_t page)
{
    struct http_request req = {0};
    struct page_call *call = malloc(sizeof *call);
    uint64_t window = 0;
    int r = call ? s->tenant->info.provider->search_request(s->c, s->text, page + 1, &req, &window, &s->error)
                 : err_set(&s->error, -ENOMEM, "out of memory");
    if (r) {
        free(call);
        http_request_release(&req);
        s->failed = true;
        return;
    }
    *call = (struct page_call){s, page};
    s->window = window;
    s->leaves[page] = (struct leaf){.done = true}; /* it is out */
    s->flying++;
    tenant_send(s->tenant, &req, page ? NET_LISTING : NET_PEOPLE, PAGE_TIMEOUT, true, on_page, call);
}

/* Asks for what is missing, or ends. Nothing may touch `s` after it. */
static void search_next(struct search *s)
{
    if (s->in_next)
        return;
    s->in_next = true;
    if (!s->waiters.first && !s->failed) { /* nobody waits any more */
        s->failed = true;
        err_set(&s->error, -EINTR, "interrupted");
    }
    for (;;) {
        uint32_t limit = s->total == NO_TOTAL && s->flying ? 0 : s->pages;
        for (uint32_t i = 0; i < limit && s->flying < PARALLEL && !s->failed; i++)
            if (!s->leaves[i].done)
                page_ask(s, i);
        if (s->flying) {
            s->in_next = false;
            return;
        }
        if (s->failed) {
            search_fail(s, &s->error);
            return;
        }
        if (settle(s))
            return;
    }
}

/* ------------------------------------------------------------------ beginning one */

/* What is found stands in its parents' directories: those must be known first. */
struct parents_ask {
    struct ask ask;
    struct search *search;
};

/* The directory and key of the parent that the text names. */
static int find_parent(struct search *s, struct err *e)
{
    uint64_t ino = 0;
    struct store_read *v = store_read_begin(s->tenant->engine->store);
    if (!v)
        return err_set(e, -EIO, "the cache can't be read");
    int r = store_lookup(v, search_parents(s), s->parent_name, &ino);
    store_read_end(v);
    if (r)
        return err_set(e, -ENOENT, "%.80s is not in %s", s->parent_name, s->c->parent);
    s->home = search_dir(s, ino);
    s->parent_key = parent_key_of(s->tenant->engine, s->home);
    return s->parent_key ? 0 : err_set(e, -ENOENT, "%.80s has no id yet", s->parent_name);
}

static void parents_known(struct ask *a, int code)
{
    struct search *s = ((struct parents_ask *)a)->search;
    struct err e = ask_err(a);
    if (code == 0 && s->parent_name[0])
        code = find_parent(s, &e);
    if (code) {
        s->failed = true;
        s->error = e;
        s->error.code = code;
    }
    ask_release(a);
    free(a);
    search_next(s);
}

static void know_parents(struct search *s)
{
    const struct conf_tenant *conf = s->tenant->info.conf;
    struct parents_ask *p = calloc(1, sizeof *p);
    bool one = s->parent_name[0];
    if (!p || (one && !(p->ask.name = strdup(s->parent_name)))) {
        free(p);
        s->failed = true;
        err_set(&s->error, -ENOMEM, "out of memory");
        search_next(s);
        return;
    }
    p->search = s;
    p->ask.kind = one ? ASK_NAME : ASK_LISTING;
    p->ask.ino = search_parents(s);
    p->ask.people = true;
    p->ask.timeout_ms = (one ? conf->op_timeout : conf->list_timeout) * SECOND;
    p->ask.done = parents_known;
    if (one)
        fetch_ask_name(s->tenant, &p->ask);
    else
        list_ask(s->tenant, &p->ask);
}

/* The file name of the parent that the text names; "" where the rows say theirs. */
static int name_parent(struct search *s, struct err *e)
{
    const struct lms_provider *p = s->tenant->info.provider;
    char stem[256], prefix[16];
    if (!p->search_parent || p->search_parent(s->c, s->text, stem))
        return 0;
    const char *dash = strchr(stem, '-');
    snprintf(prefix, sizeof prefix, "%.*s", dash ? (int)(dash - stem) + 1 : 0, stem);
    if (!dash || doc_stem_to_name(prefix, dash + 1, s->parent_name, sizeof s->parent_name))
        return err_set(e, -ENOENT, "%.80s can't be in %s", stem, s->c->parent);
    return 0;
}

static struct search *search_begin(struct tenant *t, const struct lms_collection *c, const char *text, struct err *e)
{
    const struct lms_provider *p = t->info.provider;
    struct http_request probe = {0};
    uint64_t window;
    int r = p->search_request ? p->search_request(c, text, 1, &probe, &window, e) : -ENOTSUP;
    http_request_release(&probe);
    if (r) {
        if (!e->code)
            err_set(e, r, "%s can't be searched", c->name);
        return NULL;
    }
    struct search *s = calloc(1, sizeof *s);
    if (!s || asprintf(&s->what, "%s/%s", c->name, text) < 0) {
        free(s);
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    s->tenant = t;
    s->c = c;
    s->text = s->what + strlen(c->name) + 1;
    s->total = NO_TOTAL;
    r = search_resize(s, 1) ? err_set(e, -ENOMEM, "out of memory") : 0;
    if (r == 0)
        r = name_parent(s, e);
    if (r == 0 && !crawl_take(t->crawl_parents, now_ms()))
        r = err_set(e, -EAGAIN, "more than crawl_limit searches and directories asked for in a minute");
    if (r == 0)
        return s;
    search_discard(s);
    return NULL;
}

void search_ask(struct tenant *t, struct ask *a)
{
    struct engine *g = t->engine;
    struct search *s = NULL;
    struct err e = {0};
    const struct lms_collection *c =
        ino_coll(a->ino) < t->info.provider->collections_n ? &t->info.provider->collections[ino_coll(a->ino)] : NULL;
    char *what = NULL;
    if (!c || asprintf(&what, "%s/%s", c->name, a->name) < 0) {
        ask_end(g, a, err_set(&e, -ENOENT, "no such collection"), &e);
        return;
    }
    HASH_FIND_STR(t->searches, what, s);
    free(what);
    if (s) {
        waiters_add(g, &s->waiters, a);
        return;
    }
    s = search_begin(t, c, a->name, &e);
    if (!s) {
        ask_end(g, a, e.code, &e);
        return;
    }
    HASH_ADD_KEYPTR(hh, t->searches, s->what, strlen(s->what), s);
    waiters_add(g, &s->waiters, a);
    if (c->parent && (!s->parent_name[0] || find_parent(s, &e)))
        know_parents(s);
    else
        search_next(s);
}

json_t *search_why(struct tenant *t, const char *collection, const char *text)
{
    const struct lms_provider *p = t->info.provider;
    const struct lms_collection *c = lms_collection(p, collection);
    struct http_request probe = {0};
    struct search_note *n = NULL;
    struct err e = {0};
    uint64_t window;
    char *what = NULL;
    int r = c && p->search_request ? p->search_request(c, text, 1, &probe, &window, &e) : -ENOTSUP;
    http_request_release(&probe);
    if (r == -ENOTSUP)
        err_set(&e, -ENOENT, "%.80s can't be searched", collection);
    if (r == 0 && asprintf(&what, "%s/%s", collection, text) >= 0) {
        HASH_FIND_STR(t->search_notes, what, n);
        free(what);
        if (n)
            e = n->error;
    }
    json_t *o = json_pack("{s:s}", "state", e.code ? "failed" : "clean");
    if (e.code)
        json_object_set_new(o, "errno", json_string(err_name(e.code)));
    json_t *reason = json_string(e.code ? e.text : "nothing was refused");
    json_object_set_new(o, "reason", reason ? reason : json_string("(not UTF-8)"));
    return o;
}

void search_free(struct tenant *t)
{
    struct search *s, *next_s;
    HASH_ITER(hh, t->searches, s, next_s)
    {
        HASH_DEL(t->searches, s);
        search_discard(s);
    }
    struct search_note *n, *next_n;
    HASH_ITER(hh, t->search_notes, n, next_n)
    {
        HASH_DEL(t->search_notes, n);
        free(n->what);
        free(n);
    }
}
