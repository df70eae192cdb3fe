/* why.c — why a save ended as it did: the last verdict about a name, and the refused saves in the ledger. */
#include "sync/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void put_string(json_t *o, const char *key, const char *value)
{
    json_t *s = value ? json_string(value) : NULL;
    json_object_set_new(o, key, s ? s : json_null());
}

static json_t *reason_json(struct tenant *t, uint64_t home, const char *name, const struct reason *why)
{
    char at[24];
    iso_time(wall_now(), at);
    json_t *o = json_object();
    put_string(o, "tenant", t->info.conf->name);
    json_object_set_new(o, "home", json_integer((json_int_t)home));
    put_string(o, "name", name);
    put_string(o, "errno", err_name(why->code));
    put_string(o, "reason", why->text);
    if (why->method) {
        json_t *req = json_object();
        put_string(req, "method", why->method);
        put_string(req, "path", why->path);
        json_object_set_new(o, "request", req);
    }
    if (why->job && *why->job)
        put_string(o, "job", why->job);
    if (why->what)
        put_string(o, "what", why->what);
    put_string(o, "at", at);
    json_object_set_new(o, "at_s", json_integer(wall_now()));
    return o;
}

void reject(struct tenant *t, const struct lms_collection *c, uint64_t home, const char *name, const char *text,
            size_t len, const struct reason *why)
{
    struct store *st = t->engine->store;
    struct err e;
    uint64_t n;
    json_t *o = reason_json(t, home, name, why), *doc = NULL;
    if (text && doc_parse(text, len, SIZE_MAX, &doc, &e) == 0 && json_is_object(doc)) {
        json_object_set_new(o, "document", doc_masked(c, doc));
    } else if (text) {
        json_object_set_new(o, "text_bytes",
                            json_integer((json_int_t)len)); /* not JSON: it can't be masked, so it isn't kept */
    }
    json_decref(doc);
    if (why->shown)
        json_object_set_new(o, "shown", doc_masked(c, why->shown));
    if (why->server)
        json_object_set_new(o, "server", doc_masked(c, why->server));
    char *s = json_dumps(o, JSON_COMPACT);
    if (s && ledger_next_key(st, LEDGER_REJECTED, &n) == 0)
        ledger_put(st, LEDGER_REJECTED, n, s, strlen(s), &e);
    free(s);
    json_decref(o);
}

/* ------------------------------------------------------------------ asking */

struct find {
    uint64_t home;
    const char *name, *canonical; /* either will do */
    const char *tenant;
    json_t *last, *all;
    unsigned n;
    uint64_t last_key;
};

static int each_rejected(void *ctx, uint64_t key, const void *value, size_t len)
{
    struct find *f = ctx;
    json_t *o = json_loadb(value, len, JSON_ALLOW_NUL, NULL);
    if (!o)
        return 0;
    json_object_set_new(o, "n", json_integer((json_int_t)key));
    const char *name = json_string_value(json_object_get(o, "name")),
               *tenant = json_string_value(json_object_get(o, "tenant"));
    if (f->tenant && tenant && !strcmp(tenant, f->tenant))
        f->n++;
    bool named = name && ((f->name && !strcmp(name, f->name)) || (f->canonical && !strcmp(name, f->canonical)));
    if (named && (uint64_t)json_integer_value(json_object_get(o, "home")) == f->home) {
        json_decref(f->last);
        f->last = json_incref(o);
        f->last_key = key;
    }
    if (f->all) {
        json_t *copy = json_deep_copy(o);
        json_object_del(copy, "document");
        json_object_del(copy, "shown");
        json_object_del(copy, "server");
        json_object_del(copy, "home");
        json_object_del(copy, "at_s");
        json_array_append_new(f->all, copy);
    }
    json_decref(o);
    return 0;
}

unsigned why_rejected_count(struct tenant *t)
{
    struct find f = {.tenant = t->info.conf->name};
    ledger_each(t->engine->store, LEDGER_REJECTED, each_rejected, &f);
    return f.n;
}

json_t *why_rejected_list(struct engine *g)
{
    struct find f = {.all = json_array()};
    ledger_each(g->store, LEDGER_REJECTED, each_rejected, &f);
    return f.all;
}

uint64_t why_latest(struct engine *g, uint64_t home, const char *name)
{
    struct find f = {.home = home, .name = name};
    ledger_each(g->store, LEDGER_REJECTED, each_rejected, &f);
    json_decref(f.last);
    return f.last_key;
}

json_t *why_rejected_one(struct engine *g, uint64_t n)
{
    void *value;
    size_t len;
    if (ledger_get(g->store, LEDGER_REJECTED, n, &value, &len))
        return NULL;
    json_t *o = json_loadb(value, len, JSON_ALLOW_NUL, NULL);
    free(value);
    if (o)
        json_object_set_new(o, "n", json_integer((json_int_t)n));
    return o;
}

int why_drop(struct engine *g, uint64_t n)
{
    struct err e;
    void *value;
    size_t len;
    if (ledger_get(g->store, LEDGER_REJECTED, n, &value, &len))
        return -ENOENT;
    free(value);
    return ledger_delete(g->store, LEDGER_REJECTED, n, &e);
}

/* A save that was accepted after it makes a refusal history. */
static bool is_history(struct engine *g, uint64_t ino, const json_t *refusal)
{
    void *value;
    size_t len;
    if (!ino || ledger_get(g->store, LEDGER_OWN, ino, &value, &len))
        return false;
    json_t *own = json_loadb(value, len, JSON_ALLOW_NUL, NULL), *at = json_object_get(refusal, "at_s");
    free(value);
    bool later = at && json_integer_value(json_object_get(own, "at")) > json_integer_value(at);
    json_decref(own);
    return later;
}

/* The refusal that counts, or what the mark says. */
static void put_reason(json_t *o, const json_t *refusal, const struct store_mark *mark)
{
    static const char *const keep[] = {"n", "errno", "reason", "request", "job", "at"};
    if (!refusal) {
        put_string(o, "reason", mark->error[0] ? mark->error : "nothing was refused");
        return;
    }
    for (size_t i = 0; i < sizeof keep / sizeof keep[0]; i++) {
        json_t *v = json_object_get(refusal, keep[i]);
        if (v)
            json_object_set(o, keep[i], v);
    }
}

json_t *why_answer(struct engine *g, uint64_t home, uint64_t ino, const char *name)
{
    static const char *const states[] = {"clean", "pending", "failed"};
    json_t *o = json_object();
    struct store_mark mark = {0};
    struct store_record rec;
    char canonical[256] = "";
    struct store_read *v = ino ? store_read_begin(g->store) : NULL;
    bool marked = v && store_mark(v, ino, &mark) == 0;
    if (v && store_get(v, ino, &rec) == 0)
        snprintf(canonical, sizeof canonical, "%s", rec.name);
    if (v)
        store_read_end(v);
    put_string(o, "state", states[marked ? mark.state : STORE_CLEAN]);
    if (marked && mark.hidden)
        json_object_set_new(o, "hidden", json_true());
    struct tenant *t = tenant_of(g, home);
    if (t && t->guard.tripped)
        put_string(o, "guard",
                   "more was removed at once than max_removals allows: removals are refused and those not yet sent are "
                   "held, until `lmsfs release` or `lmsfs drop`");
    struct find f = {.home = home, .name = name, .canonical = canonical};
    ledger_each(g->store, LEDGER_REJECTED, each_rejected, &f);
    put_reason(o, f.last && !is_history(g, ino, f.last) ? f.last : NULL, &mark);
    json_decref(f.last);
    if (marked && mark.job[0])
        put_string(o, "job", mark.job);
    return o;
}
