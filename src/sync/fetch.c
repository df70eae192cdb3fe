/* fetch.c — one record asked for by name: details, names not known, singletons. However many ask, one request is made. */
#include "sync/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ABSENT_MAX 4096 /* names remembered not to be; beyond, all are forgotten */

struct fetch_waiter {
    fetch_done *done;
    void *ctx;
    struct fetch_waiter *next;
};

struct fetch {
    char *what; /* "home/stem" */
    struct tenant *tenant;
    const struct lms_collection *c;
    uint64_t home;
    char *stem, *parent_key;
    bool row;          /* the reply says what a list's row does */
    struct send *send; /* while it is under way */
    struct fetch_waiter *first;
    struct waiters waiters; /* asks: they leave by themselves when interrupted */
    UT_hash_handle hh;
};

struct absent {
    char *what;
    int64_t at_ms;
    UT_hash_handle hh;
};

static char *what_of(uint64_t home, const char *stem)
{
    char *s = NULL;
    return asprintf(&s, "%llx/%s", (unsigned long long)home, stem ? stem : "") < 0 ? NULL : s;
}

/* ------------------------------------------------------------------ known not to be */

static void absent_clear(struct tenant *t)
{
    struct absent *a, *next;
    HASH_ITER(hh, t->absents, a, next)
    {
        HASH_DEL(t->absents, a);
        free(a->what);
        free(a);
    }
}

static void absent_note(struct tenant *t, const char *what)
{
    struct absent *a = NULL;
    HASH_FIND_STR(t->absents, what, a);
    if (!a) {
        if (HASH_COUNT(t->absents) >= ABSENT_MAX)
            absent_clear(t);
        a = calloc(1, sizeof *a);
        if (!a || !(a->what = strdup(what))) {
            free(a);
            return;
        }
        HASH_ADD_KEYPTR(hh, t->absents, a->what, strlen(a->what), a);
    }
    a->at_ms = now_ms();
}

static bool absent_known(struct tenant *t, uint64_t home, const char *stem)
{
    char *what = what_of(home, stem);
    struct absent *a = NULL;
    if (what)
        HASH_FIND_STR(t->absents, what, a);
    free(what);
    return a && now_ms() - a->at_ms < t->info.conf->record_ttl * (int64_t)SECOND;
}

void absent_forget(struct tenant *t, uint64_t home, const char *stem)
{
    char *what = what_of(home, stem);
    struct absent *a = NULL;
    if (what)
        HASH_FIND_STR(t->absents, what, a);
    if (a) {
        HASH_DEL(t->absents, a);
        free(a->what);
        free(a);
    }
    free(what);
}

/* ------------------------------------------------------------------ the request */

static void fetch_finish(struct fetch *f, int code, uint64_t ino, const struct err *e)
{
    struct tenant *t = f->tenant;
    HASH_DEL(t->fetches, f);
    for (struct fetch_waiter *w = f->first, *next; w; w = next) {
        next = w->next;
        w->done(w->ctx, code, ino, e);
        free(w);
    }
    waiters_end(t->engine, &f->waiters, code, e);
    free(f->what);
    free(f->stem);
    free(f->parent_key);
    free(f);
}

static uint64_t ino_by_stem(struct tenant *t, uint64_t home, const char *stem)
{
    char name[300];
    uint64_t ino = 0;
    struct store_read *v = store_read_begin(t->engine->store);
    if (!v)
        return 0;
    const char *dash = strchr(stem, '-');
    if (!strncmp(stem, "ID-", 3) && store_by_key(v, home, stem + 3, &ino) == 0) {
        store_read_end(v);
        return ino;
    }
    if (dash) {
        char prefix[16];
        snprintf(prefix, sizeof prefix, "%.*s", (int)(dash - stem + 1), stem);
        if (doc_stem_to_name(prefix, dash + 1, name, sizeof name) || store_lookup(v, home, name, &ino))
            ino = 0;
    }
    store_read_end(v);
    return ino_is_alias(ino) ? ino_as(ino, INO_RECORD) : ino;
}

/* The LMS says that there is no such record. The bin keeps whom the API no longer shows; a create under way is not there yet. */
static void forget_absent(struct tenant *t, uint64_t ino)
{
    struct store_record rec;
    struct store_mark mark;
    struct err e;
    struct store_read *v = ino ? store_read_begin(t->engine->store) : NULL;
    if (!v)
        return;
    bool forget = store_get(v, ino, &rec) == 0 && (rec.flags & STORE_ACTIVE) &&
                  !(store_mark(v, ino, &mark) == 0 && mark.state == STORE_PENDING);
    store_read_end(v);
    if (forget)
        record_forget(t, ino, &e);
}

static bool is_secret(const struct lms_collection *c, const char *stem)
{
    return c->secret_prefix && stem && !strncmp(stem, c->secret_prefix, strlen(c->secret_prefix));
}

static void on_record(void *ctx, struct net_result *res)
{
    struct fetch *f = ctx;
    struct tenant *t = f->tenant;
    struct lms_record rec = {0};
    struct err e = {0};
    uint64_t ino = 0;
    int r = result_error(t, res, &e);
    if (r == 0)
        r = t->info.provider->get_reply(f->c, f->parent_key, f->stem, &res->reply, &rec, &e);
    if (r == 0) {
        if (!f->stem) {
            free(rec.key);
            rec.key = strdup(f->c->name);
        }
        struct record_put p = {.home = f->home,
                               .source = f->row || rec.is_row || rec.partial ? RECORD_ROW : RECORD_DETAIL,
                               .asked_ms = now_ms() - res->elapsed_ms};
        r = rec.key ? record_put_now(t, &p, &rec, &ino, &e) : -ENOMEM;
    } else if (r == -ENOENT && f->stem) {
        absent_note(t, f->what);
        ino = ino_by_stem(t, f->home, f->stem);
        forget_absent(t, ino);
        ino = 0;
    }
    lms_record_release(&rec);
    if (r && is_secret(f->c, f->stem)) { /* the LMS may have repeated it */
        json_t *asked = json_pack("[s]", strchr(f->stem, '-') + 1);
        doc_mask_values(asked, e.text);
        json_decref(asked);
    }
    fetch_finish(f, r, ino, &e);
}

static int ask_for(struct fetch *f, struct http_request *req, struct err *e)
{
    const struct lms_provider *p = f->tenant->info.provider;
    if (f->stem && p->find_request && !ino_by_stem(f->tenant, f->home, f->stem)) {
        int r = p->find_request(f->c, f->parent_key, f->stem, req, e);
        f->row = r == 0;
        if (r != -ENOTSUP)
            return r;
    }
    return p->get_request(f->c, f->parent_key, f->stem, req, e);
}

static struct fetch *fetch_begin(struct tenant *t, uint64_t home, const struct lms_collection *c, const char *stem,
                                 struct http_request *req, struct err *e)
{
    struct fetch *f = calloc(1, sizeof *f);
    if (!f) {
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    *f = (struct fetch){.tenant = t,
                        .c = c,
                        .home = home,
                        .what = what_of(home, stem ? stem : c->name),
                        .stem = stem ? strdup(stem) : NULL};
    f->parent_key = parent_key_of(t->engine, home);
    int r = !f->what || (stem && !f->stem) ? err_set(e, -ENOMEM, "out of memory") : 0;
    if (r == 0)
        r = ask_for(f, req, e);
    if (r) {
        if (!e->code)
            err_set(e, r, "%s can't be asked for one of its records", c->name);
        free(f->what);
        free(f->stem);
        free(f->parent_key);
        free(f);
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, t->fetches, f->what, strlen(f->what), f);
    return f;
}

/* Joins the fetch of the same record, or begins one. Exactly one of `a` and `w` is given. */
static void fetch_join(struct tenant *t, uint64_t home, const struct lms_collection *c, const char *stem,
                       enum net_class class, int timeout_ms, struct ask *a, struct fetch_waiter *w)
{
    struct fetch *f = NULL;
    struct err e = {0};
    struct http_request req = {0};
    bool begin = false;
    char *what = what_of(home, stem ? stem : c->name);
    if (what)
        HASH_FIND_STR(t->fetches, what, f);
    free(what);
    if (!f) {
        f = fetch_begin(t, home, c, stem, &req, &e);
        begin = true;
    }
    if (!f) {
        http_request_release(&req);
        if (a) {
            ask_end(t->engine, a, e.code, &e);
        } else {
            w->done(w->ctx, e.code, 0, &e);
            free(w);
        }
        return;
    }
    if (a) {
        waiters_add(t->engine, &f->waiters, a);
    } else {
        w->next = f->first;
        f->first = w;
    }
    if (begin)
        tenant_send_kept(t, &req, class, timeout_ms, true, on_record, f, &f->send);
    else
        tenant_promote(f->send, class);
}

void fetch_record(struct tenant *t, uint64_t home, const struct lms_collection *c, const char *stem,
                  enum net_class class, int timeout_ms, fetch_done *done, void *ctx)
{
    struct fetch_waiter *w = malloc(sizeof *w);
    if (!w) {
        struct err e;
        done(ctx, err_set(&e, -ENOMEM, "out of memory"), 0, &e);
        return;
    }
    *w = (struct fetch_waiter){done, ctx, NULL};
    fetch_join(t, home, c, stem, class, timeout_ms, NULL, w);
}

/* How a known record is asked for: by the server's id, else by the name it was created under. */
static int stem_of(const struct lms_collection *c, const struct known *k, char stem[1024])
{
    if (*k->key)
        return snprintf(stem, 1024, "ID-%s", k->key) < 1024 ? 0 : -ENAMETOOLONG;
    if (c->ext_prefix && *k->ext)
        return snprintf(stem, 1024, "%s%s", c->ext_prefix, k->ext) < 1024 ? 0 : -ENAMETOOLONG;
    return -ENOENT;
}

static int target_of(struct tenant *t, uint64_t ino, uint64_t *home, const struct lms_collection **c, char stem[1024],
                     struct err *e)
{
    struct known k;
    if (known_get(t->engine, ino, &k))
        return err_set(e, -ENOENT, "no such record");
    *home = k.home;
    *c = collection_of(t, ino, e);
    int r = *c ? 0 : -ENOENT;
    stem[0] = '\0';
    if (r == 0 && ino_kind(k.home) != INO_TENANT) {
        r = (*c)->can & LMS_GET ? stem_of(*c, &k, stem) : -ENOTSUP;
        if (r)
            err_set(e, r, "%s can't be asked for one of its records", (*c)->name);
    }
    known_release(&k);
    return r;
}

void fetch_by_ino(struct tenant *t, uint64_t ino, enum net_class class, int timeout_ms, fetch_done *done, void *ctx)
{
    char stem[1024];
    struct err e = {0};
    uint64_t home;
    const struct lms_collection *c;
    int r = target_of(t, ino, &home, &c, stem, &e);
    if (r)
        done(ctx, r, 0, &e);
    else
        fetch_record(t, home, c, *stem ? stem : NULL, class, timeout_ms, done, ctx);
}

/* ------------------------------------------------------------------ asks */

static bool may_ask_for(const struct lms_collection *c, const char *stem)
{
    return (c->can & (LMS_GET | LMS_GET_BY_EMAIL)) || is_secret(c, stem);
}

void fetch_ask_name(struct tenant *t, struct ask *a)
{
    struct err e = {0};
    char stem[1024];
    const struct lms_collection *c;
    if (ino_kind(a->ino) == INO_TENANT) {
        snprintf(stem, sizeof stem, "%.*s", (int)strcspn(a->name, "."), a->name);
        c = lms_collection(t->info.provider, stem);
        if (!c || c->kind != LMS_SINGLETON) {
            ask_end(t->engine, a, err_set(&e, -ENOENT, "no such file"), &e);
            return;
        }
        fetch_join(t, a->ino, c, NULL, NET_PEOPLE, a->timeout_ms, a, NULL);
        return;
    }
    c = collection_of(t, a->ino, &e);
    if (c && is_words_home(c, a->ino)) { /* any that can be one is one */
        uint64_t ino;
        int r = word_make(t, a->ino, a->name, false, &ino, &e);
        ask_end(t->engine, a, r, &e);
        return;
    }
    if (!c || stem_of_name(c, a->name, stem, sizeof stem) || !may_ask_for(c, stem) ||
        (!strncmp(stem, "EMAIL-", 6) && !(c->can & LMS_GET_BY_EMAIL)) ||
        (!strncmp(stem, "EXT-", 4) && !c->ext_prefix) || absent_known(t, a->ino, stem)) {
        ask_end(t->engine, a, err_set(&e, -ENOENT, "no such record"), &e);
        return;
    }
    fetch_join(t, a->ino, c, stem, NET_PEOPLE, a->timeout_ms, a, NULL);
}

void fetch_ask_detail(struct tenant *t, struct ask *a)
{
    struct err e = {0};
    char stem[1024];
    uint64_t home;
    const struct lms_collection *c;
    struct store_mark mark = {0};
    struct store_read *v = store_read_begin(t->engine->store);
    bool pending = v && store_mark(v, a->ino, &mark) == 0 && mark.state == STORE_PENDING;
    if (v)
        store_read_end(v);
    if (pending) { /* what is shown is what was saved, until its job is over */
        ask_end(t->engine, a, 0, NULL);
        return;
    }
    int r = target_of(t, a->ino, &home, &c, stem, &e);
    if (r)
        ask_end(t->engine, a, r == -ENOTSUP ? 0 : r, &e);
    else
        fetch_join(t, home, c, *stem ? stem : NULL, a->people ? NET_PEOPLE : NET_LISTING, a->timeout_ms, a, NULL);
}

void fetch_free(struct tenant *t)
{
    absent_clear(t);
}
