/* dry.c — `-o dry_run`: everything is checked, the requests are written down, none is sent, and what they would make of the LMS is shown.
 *
 * What is shown that the LMS doesn't have stands in the journal as "dry", with what was shown before; the next start takes it back, newest
 * first, whatever kind of mount it is. Until then sweeps leave those records alone, for they are pending.
 */
#include "sync/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ a request, masked */

static bool is_secret(const struct lms_collection *c, const char *name)
{
    for (const struct lms_field *f = c ? c->fields : NULL; f && f->name; f++)
        if ((f->flags & LMS_SECRET) && !strcmp(f->name, name))
            return true;
    return !strcmp(name, "password") || !strcmp(name, "ssn");
}

static void mask(const struct lms_collection *c, json_t *value)
{
    const char *key;
    json_t *member;
    void *next;
    json_object_foreach_safe(value, next, key, member)
    {
        if (is_secret(c, key) && !json_is_null(member))
            json_object_set_new(value, key, json_string("***"));
        else
            mask(c, member);
    }
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
        mask(c, json_array_get(value, i));
}

static json_t *body_of(const struct lms_collection *c, const struct http_request *q)
{
    json_t *body = q->body ? json_loadb(q->body, q->body_len, JSON_ALLOW_NUL, NULL) : NULL;
    if (!body && !q->parts_n)
        return q->body ? json_pack("{s:I}", "bytes", (json_int_t)q->body_len) : NULL;
    if (!body)
        body = json_object();
    for (size_t i = 0; i < q->parts_n; i++) {
        json_t *text = json_string(q->parts[i].value);
        json_object_set_new(body, q->parts[i].name, text ? text : json_string("(bytes)"));
    }
    mask(c, body);
    return body;
}

json_t *dry_request(const struct lms_collection *c, const struct http_request *q)
{
    return json_pack("{s:s,s:s,s:o*}", "method", http_method_name(q->method), "path", http_shown(q), "body",
                     body_of(c, q));
}

/* ------------------------------------------------------------------ the journal */

int dry_keep(struct tenant *t, const struct dry *d, uint64_t *seq, struct err *e)
{
    struct store *st = t->engine->store;
    char at[24];
    if (!*seq && ledger_next_key(st, LEDGER_SAVES, seq))
        return err_set(e, -EIO, "the journal can't be written");
    iso_time(wall_now(), at);
    json_t *o = json_pack("{s:s,s:I,s:I,s:s,s:s,s:b,s:s,s:O}", "phase", "dry", "home", (json_int_t)d->home, "ino",
                          (json_int_t)d->ino, "name", d->name, "what", d->what, "created", d->created, "at", at,
                          "requests", d->requests);
    if (o && d->before)
        json_object_set(o, "before", d->before);
    char *v = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    int r = v ? ledger_put(st, LEDGER_SAVES, *seq, v, strlen(v), e) : err_set(e, -ENOMEM, "out of memory");
    free(v);
    return r;
}

static json_t *dry_entry(const void *value, size_t len)
{
    json_t *o = json_loadb(value, len, JSON_ALLOW_NUL, NULL);
    const char *phase = json_string_value(json_object_get(o, "phase"));
    if (phase && !strcmp(phase, "dry"))
        return o;
    json_decref(o);
    return NULL;
}

static uint64_t number(const json_t *o, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(o, key));
}

struct dry_listing {
    struct engine *engine;
    json_t *into;
};

static int list_one(void *ctx, uint64_t seq, const void *value, size_t len)
{
    struct dry_listing *l = ctx;
    json_t *o = dry_entry(value, len);
    struct tenant *t = o ? tenant_of(l->engine, number(o, "home")) : NULL;
    (void)seq;
    if (t)
        json_array_append_new(l->into, json_pack("{s:s,s:O,s:O,s:O,s:s,s:O}", "tenant", t->info.conf->name, "name",
                                                 json_object_get(o, "name"), "what", json_object_get(o, "what"), "at",
                                                 json_object_get(o, "at"), "phase", "dry run", "requests",
                                                 json_object_get(o, "requests")));
    json_decref(o);
    return 0;
}

void dry_list(struct engine *g, json_t *into)
{
    struct dry_listing l = {g, into};
    ledger_each(g->store, LEDGER_SAVES, list_one, &l);
}

/* ------------------------------------------------------------------ taken back */

static int collect(void *ctx, uint64_t seq, const void *value, size_t len)
{
    json_t *all = ctx, *o = dry_entry(value, len);
    if (o) {
        json_object_set_new(o, "seq", json_integer((json_int_t)seq));
        json_array_append_new(all, o);
    }
    return 0;
}

static void undo(struct tenant *t, json_t *o)
{
    const char *what = json_string_value(json_object_get(o, "what"));
    uint64_t ino = number(o, "ino");
    struct err e;
    if (!what || !ino)
        return;
    if (!strcmp(what, "deactivate") || !strcmp(what, "reactivate"))
        record_set_active(t, ino, what[0] == 'd', &e);
    else if (!strcmp(what, "save"))
        save_restore(t, o, ino);
    record_mark(t->engine, ino, NULL);
}

void dry_undo(struct engine *g)
{
    json_t *all = json_array();
    struct err e;
    ledger_each(g->store, LEDGER_SAVES, collect, all);
    for (size_t i = json_array_size(all); i-- > 0;) {
        json_t *o = json_array_get(all, i);
        struct tenant *t = tenant_of(g, number(o, "home"));
        if (!t) /* not of this configuration: a later start sees to it */
            continue;
        undo(t, o);
        ledger_delete(g->store, LEDGER_SAVES, number(o, "seq"), &e);
    }
    json_decref(all);
}
