/* list.c — who asks for a listing gets the one that is known, or the end of a sweep; what is old is refreshed behind it. */
#include "sync/sweep.h"

#include <errno.h>
#include <stdlib.h>

#define RETRY_AFTER 30 /* seconds after a failed refresh */
/* Seconds that our clock may be ahead of the LMS's: changes are asked for from so much earlier on. */
#define CLOCKS_DIFFER 300
#define WHOLE_EVERY   86400 /* where only changes are asked for: how often the whole is, all the same */

struct refresh_note *list_note(struct tenant *t, uint64_t dir)
{
    struct refresh_note *n = NULL;
    HASH_FIND(hh, t->refreshed, &dir, sizeof dir, n);
    if (!n && (n = calloc(1, sizeof *n))) {
        n->dir = dir;
        HASH_ADD(hh, t->refreshed, dir, sizeof n->dir, n);
    }
    return n;
}

/* From when on changes will do for a refresh; 0: everything is asked for. */
static int64_t changes_since(struct tenant *t, uint64_t dir, int64_t complete_at)
{
    struct refresh_note *n = list_note(t, dir);
    if (!t->info.provider->changed_request || !complete_at || !n)
        return 0;
    if (!n->whole_at) /* before a restart, and nobody knows how long before */
        return 0;
    int64_t last = n->began_at > complete_at ? n->began_at : complete_at;
    return wall_now() - n->whole_at < WHOLE_EVERY ? last - CLOCKS_DIFFER : 0;
}

static bool refresh_is_due(struct tenant *t, uint64_t dir, int64_t complete_at)
{
    int64_t now = wall_now();
    struct refresh_note *n = list_note(t, dir);
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
        bool due = refresh_is_due(t, dir, l.complete_at);
        ask_end(g, a, 0, NULL);
        if (due && s)
            sweep_hurry(s);
        else if (due && (s = sweep_start(t, dir, c, false, &e))) {
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
    sweep_hurry(s);
}

bool list_read_twice(struct tenant *t)
{
    struct refresh_note *n = NULL, *next = NULL;
    struct sweep *s = NULL;
    struct err e;
    if (t->sweeps)
        return false;
    HASH_ITER(hh, t->refreshed, n, next)
    {
        const struct lms_collection *c = n->read_once ? collection_of(t, n->dir, &e) : NULL;
        int64_t pause = t->info.conf->list_ttl > RETRY_AFTER ? t->info.conf->list_ttl : RETRY_AFTER;
        if (!c || (n->failed_at && wall_now() - n->failed_at < pause) || !(s = sweep_start(t, n->dir, c, false, &e)))
            continue;
        s->background = true;
        sweep_next(s);
        return true;
    }
    return false;
}

struct again {
    fetch_done *done;
    void *ctx;
    struct ask ask;
};

static void read_again(struct ask *a, int code)
{
    struct again g = *(struct again *)((char *)a - offsetof(struct again, ask));
    struct err e = ask_err(a);
    ask_release(a);
    free((char *)a - offsetof(struct again, ask));
    g.done(g.ctx, code, 0, &e);
}

bool list_read_again(struct tenant *t, uint64_t dir, const struct caller *who, fetch_done *done, void *ctx)
{
    struct again *g = calloc(1, sizeof *g);
    if (!g)
        return false;
    *g = (struct again){.done = done, .ctx = ctx};
    g->ask = (struct ask){.kind = ASK_REFRESH, .ino = dir, .people = true, .caller = *who, .done = read_again};
    list_ask(t, &g->ask);
    return true;
}

/* Without a total nobody knows how many are to come. */
static json_t *sweep_progress(const struct sweep *s)
{
    uint64_t rows = 0, pages = 0;
    for (uint32_t i = 0; i < s->st.pages; i++) {
        rows += s->pages[i].done ? s->pages[i].n : 0;
        pages += s->pages[i].done;
    }
    json_t *o = json_pack("{s:I,s:I,s:I,s:I}", "pages", (json_int_t)s->st.pages, "done", (json_int_t)pages, "listed",
                          (json_int_t)rows, "seconds",
                          (json_int_t)estimate_s(s->tenant, s->st.pages - pages,
                                                 pages > s->resumed ? pages - s->resumed : 0, now_ms() - s->pace_ms));
    if (s->st.total != UINT64_MAX)
        json_object_set_new(o, "total", json_integer((json_int_t)s->st.total));
    return o;
}

void list_status(struct tenant *t, uint64_t dir, json_t *into)
{
    struct sweep *s = NULL;
    HASH_FIND(hh, t->sweeps, &dir, sizeof dir, s);
    if (s && !s->verify)
        json_object_set_new(into, "progress", sweep_progress(s));
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
