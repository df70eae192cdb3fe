/* removal_verdict.c — what became of a removal: the LMS's answer, or, when that was lost, how the record stands. */
#include "sync/removal.h"
#include "sync/hook.h"

#include <errno.h>
#include <stdlib.h>

/* Nobody but the ledger knows it. Where there is no bin the record is gone from sight, and a later save of it brings it back. */
static void written_only_done(struct removal *r)
{
    struct tenant *t = r->tenant;
    struct known k;
    struct err e = {0};
    bool bin = r->op != LMS_OP_DELETE && !lms_has_parents(r->c);
    record_mark(t->engine, r->ino, NULL);
    if (known_get(t->engine, r->ino, &k)) { /* the save that removed it has seen to it */
        removal_end(r, 0, NULL);
        return;
    }
    int code = r->op == LMS_OP_REACTIVATE ? accepted_activate(t, &k, &e) : accepted_remove(t, &k, bin, &e);
    if (code == 0 && r->op == LMS_OP_REACTIVATE)
        record_set_active(t, r->ino, true, &e);
    own_forget(t, r->ino);
    known_release(&k);
    removal_end(r, 0, NULL); /* the LMS did it: only our view of it may lag */
}

void removal_done(struct removal *r)
{
    struct tenant *t = r->tenant;
    struct err e = {0};
    test_hook("removal-answered");
    touched_note(t, r->ino);
    r->asked = false;
    if (r->op != LMS_OP_DEACTIVATE)
        successor_forget(t, r->ino);
    if (r->c->kind == LMS_WRITE_ONLY) {
        written_only_done(r);
        return;
    }
    if (r->op == LMS_OP_DELETE) {
        record_forget(t, r->ino, &e);
        removal_end(r, 0, NULL);
        return;
    }
    if (r->op == LMS_OP_DEACTIVATE) {
        if (r->manager)
            removal_keep_manager(r);
        own_forget(t, r->ino);
        record_set_active(t, r->ino, false, &e);
        record_mark(t->engine, r->ino, NULL);
        removal_end(r, 0, NULL);
        return;
    }
    record_mark(t->engine, r->ino, NULL);
    record_set_active(t, r->ino, true, &e);
    fetch_by_ino(t, r->ino, NET_PEOPLE, t->info.conf->op_timeout * SECOND, removal_put_manager_back, r);
}

/* ------------------------------------------------------------------ how it stands, when an answer was lost */

/* Is the record as it was to be? By what its own GET has just said. */
bool removal_is_done(const struct removal *r, int code)
{
    struct known k;
    if (code == -ENOENT)
        return r->op != LMS_OP_REACTIVATE;
    if (code || r->op == LMS_OP_DELETE || known_get(r->tenant->engine, r->ino, &k))
        return false;
    bool active = k.flags & STORE_ACTIVE;
    known_release(&k);
    return active == (r->op == LMS_OP_REACTIVATE);
}

/* The answer was lost: the LMS is asked how the record stands, for to send it again might be refused though the first was done. */
static void looked_up(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct removal *r = ctx;
    struct err why = r->why;
    (void)ino;
    if (code == -ESHUTDOWN)
        removal_end(r, code, e);
    else if (removal_is_done(r, code))
        removal_done(r);
    else
        removal_refuse(r, why.code, &why);
}

/* The record's own GET says it, or the list where there is no such GET. false: neither can. */
bool removal_find_out(struct removal *r, int timeout_ms, fetch_done *done)
{
    struct tenant *t = r->tenant;
    if (r->c->can & LMS_GET) {
        fetch_by_ino(t, r->ino, NET_PEOPLE, timeout_ms, done, r);
        return true;
    }
    if (r->c->kind != LMS_LISTED || r->c->parent)
        return false;
    r->looking = true;
    record_mark_again(t->engine, r->ino);
    if (list_read_again(t, r->home, &r->caller, done, r))
        return true;
    r->looking = false;
    return false;
}

/* Did the request leave us not knowing what became of it? Where it can't be sent again, a failure on their side is no answer either. */
static bool is_unknown(const struct removal *r, const struct net_result *res, int code)
{
    if (!code || res->err.code)
        return code && res->sent;
    return !r->copy.idempotent && (res->reply.status >= 500 || (res->reply.status < 300 && code == -EIO && r->unread));
}

/* ------------------------------------------------------------------ the answer */

/* Some APIs say 2xx and give the verdict in the body. */
static int change_verdict(const struct removal *r, const struct http_reply *reply, struct err *e)
{
    const struct lms_provider *p = r->tenant->info.provider;
    struct lms_change change = {.op = r->op};
    return p->change_reply ? p->change_reply(r->c, &change, reply, e) : 0;
}

/* The LMS's words may repeat what the record holds. */
static void mask(const struct removal *r, struct err *e)
{
    struct known k;
    if (e->code && known_get(r->tenant->engine, r->ino, &k) == 0) {
        doc_mask_text(r->c, k.doc, e->text);
        known_release(&k);
    }
}

void removal_answered(void *ctx, struct net_result *res)
{
    struct removal *r = ctx;
    struct tenant *t = r->tenant;
    struct err e = {0};
    int code = result_error(t, res, &e);
    if (code == 0)
        code = change_verdict(r, &res->reply, &e);
    r->unread = code == -EPROTO;
    mask(r, &e);
    if (code != -ESHUTDOWN) {
        struct audit_line l = {
            .method = http_method_name(r->copy.method), .url = r->copy.path, .code = code, .ms = res->elapsed_ms};
        audit(t, &r->caller, r->home, r->name, &l);
    }
    if (code == -EAGAIN) /* the tenant gave no turn in time */
        code = -ETIMEDOUT;
    else if (code == -EPROTO || code == -EFBIG)
        code = -EIO;
    e.code = code;
    r->why = e;
    if (code == -ESHUTDOWN)
        removal_end(r, code, &e);
    else if (code == 0 || (code == -ENOENT && r->op == LMS_OP_DELETE))
        removal_done(r);
    else if (!is_unknown(r, res, code) || !removal_find_out(r, t->info.conf->op_timeout * SECOND, looked_up))
        removal_refuse(r, code, &e);
}
