/* removal_replay.c — the removals that the ledger has at start go on where they stood when the daemon ended. */
#include "sync/removal.h"

#include <errno.h>
#include <string.h>

#define STALE_AFTER 3600 /* seconds: a removal found older than this at start is not sent */

static bool may_send_again(struct removal *r)
{
    struct http_request req = {0};
    struct known k;
    struct err e;
    bool may = known_get(r->tenant->engine, r->ino, &k) == 0 && removal_request(r, &k, &req, &e) == 0 && req.idempotent;
    known_release(&k);
    http_request_release(&req);
    return may;
}

static void replay_known(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct removal *r = ctx;
    struct err lost;
    (void)ino;
    if (code == -ESHUTDOWN)
        removal_end(r, code, e);
    else if (removal_is_done(r, code))
        removal_done(r);
    else if ((r->c->can & LMS_GET) || may_send_again(r)) /* its own GET says that it did not happen */
        removal_send(r);
    else
        removal_refuse(
            r, -EIO,
            (err_set(
                 &lost, -EIO,
                 code ? "lmsfs ended while it was under way, and it may or may not have happened: look, and ask again"
                      : "lmsfs ended while it was under way, and the LMS shows that it has not happened: ask again"),
             &lost));
}

/* Was it done before the crash, of a record that only the ledger knows? */
static bool is_gone(const struct removal *r)
{
    struct known k;
    if (accepted_removed(r->tenant, r->home, r->name, &k))
        return false;
    known_release(&k);
    return true;
}

/* Where it stood when the daemon ended, it goes on. */
static void replay_go_on(struct removal *r)
{
    struct tenant *t = r->tenant;
    struct err e = {0};
    int64_t age = wall_now() - r->asked_at, grace = t->info.conf->removal_grace;
    if (r->was_sent) {
        r->sent = r->asked = true;
        t->engine->busy++;
        record_mark_again(t->engine, r->ino);
        if (!removal_find_out(r, 60 * SECOND, replay_known))
            replay_known(r, -ENOTSUP, r->ino, &e);
    } else if (age > STALE_AFTER && !r->held) {
        removal_refuse(r, -ECANCELED, (err_set(&e, -ECANCELED, "found more than an hour old at start; not sent"), &e));
    } else {
        record_mark_again(t->engine, r->ino);
        if (!r->held)
            r->timer = net_timer_start(t->engine->net, age < grace ? (grace - age) * SECOND : 0, removal_grace_over, r);
    }
}

/* The cache was begun anew, and the record has another number now. */
static void replay_found(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct removal *r = ctx;
    struct tenant *t = r->tenant;
    struct err why = *e, ignored;
    if (code == -ESHUTDOWN) {
        removal_end(r, code, e);
    } else if (code || removal_find(t, ino)) {
        err_prefix(&why, "the cache was begun anew, and the record can't be found again: ask again");
        removal_refuse(r, code ? code : -EBUSY, &why);
    } else {
        HASH_DEL(t->removals, r);
        ledger_delete(t->engine->store, LEDGER_REMOVALS, r->ino, &ignored);
        r->ino = ino;
        HASH_ADD(hh, t->removals, ino, sizeof r->ino, r);
        removal_note(r, &ignored);
        removal_told(r);
        replay_go_on(r);
    }
}

static void replay_removal(struct removal *r)
{
    struct tenant *t = r->tenant;
    char stem[1024];
    struct err e = {0};
    struct known k;
    int code = known_get(t->engine, r->ino, &k);
    known_release(&k);
    bool ask = code && r->key && *r->key && !r->c->parent && (r->c->can & LMS_GET) &&
               snprintf(stem, sizeof stem, "ID-%s", r->key) < (int)sizeof stem;
    if (r->c->kind == LMS_WRITE_ONLY && ((code && is_gone(r)) || (r->was_sent && (r->c->can & LMS_EMPTIES)))) {
        t->engine->busy++; /* removal_end counts it down */
        r->sent = true;
        removal_end(r, 0, NULL);
    } else if (code == 0) {
        replay_go_on(r);
    } else if (ask) {
        fetch_record(t, r->home, r->c, stem, NET_PEOPLE, 60 * SECOND, replay_found, r);
    } else {
        removal_refuse(
            r, code, (err_set(&e, code, "the cache was begun anew, and the record isn't known any more: ask again"), &e));
    }
}

static int replay_one(void *ctx, uint64_t ino, const void *value, size_t len)
{
    struct tenant *t = ctx;
    if (tenant_of(t->engine, ino) != t || !engine_collection(t->engine, ino))
        return 0;
    json_t *o = json_loadb(value, len, 0, NULL);
    const char *name = json_string_value(json_object_get(o, "name")),
               *manager = json_string_value(json_object_get(o, "manager"));
    struct known k = {.ino = ino,
                      .home = (uint64_t)json_integer_value(json_object_get(o, "home")),
                      .name = (char *)name,
                      .key = (char *)json_string_value(json_object_get(o, "key"))};
    struct caller who = {0};
    caller_read(&who, o);
    int op = (int)json_integer_value(json_object_get(o, "op"));
    struct err e = {0};
    struct removal *r = name && op >= 0 && op <= LMS_OP_DELETE ? removal_new(t, &k, (enum lms_op)op, &who, &e) : NULL;
    if (r) {
        r->asked_at = json_integer_value(json_object_get(o, "at"));
        r->manager = manager ? strdup(manager) : NULL;
        r->moving = op == LMS_OP_REACTIVATE;
        r->back = json_is_true(json_object_get(o, "back"));
        const char *uid = json_string_value(json_object_get(o, "removal"));
        if (uid && strlen(uid) == sizeof r->uid - 1) /* an older lmsfs noted none */
            snprintf(r->uid, sizeof r->uid, "%s", uid);
        r->was_sent = json_is_true(json_object_get(o, "sent"));
        r->rewrite = json_is_true(json_object_get(o, "rewrite")) ||
                     (t->info.conf->unlink == UNLINK_REWRITE && !r->was_sent); /* it removes nothing from now on */
        r->held = !r->rewrite && json_is_true(json_object_get(o, "held"));
        replay_removal(r);
    }
    json_decref(o);
    return 0;
}

void removal_replay(struct tenant *t)
{
    guard_load(t);
    if (t->engine->conf->dry_run) /* they wait for a mount that sends */
        return;
    ledger_each(t->engine->store, LEDGER_REMOVALS, replay_one, t);
}
