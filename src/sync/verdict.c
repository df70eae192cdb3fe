/* verdict.c — a save's requests, one after the other, and what comes of them.
 *
 *   answer → ledger (accepted, with its job) → cache (what is shown from now on) → those who wait
 *
 * The ledger comes first: a crash in between finds there what the cache has still to show. Before the answer is in the ledger a crash
 * runs the save again.
 */
#include "sync/save.h"
#include "sync/hook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FEW_PAGES 5 /* so many of a list are read before a save that sends the whole record */

static void send_step(struct save *s);

/* ------------------------------------------------------------------ accepted */

static bool is_written_only(const struct save *s)
{
    return s->c->kind == LMS_WRITE_ONLY;
}

/* What is shown from now on: the record as it was asked to be. */
static int show(struct save *s, struct err *e)
{
    struct tenant *t = s->tenant;
    if (is_written_only(s) && !t->engine->conf->dry_run) {
        int r = accepted_show(t, s->home, s->name, NULL, &s->ino, e);
        test_hook("after-cache");
        return r;
    }
    const char *ext = s->c->ext_prefix ? field_with(s->c, LMS_IS_EXT, s->merged) : NULL,
               *email = field_with(s->c, LMS_IS_EMAIL, s->merged);
    struct lms_record rec = {.active = true};
    bool known = s->now.doc != NULL;
    rec.key = known && *s->now.key ? s->now.key : s->last.key;
    rec.ext = (char *)(ext ? ext : (known && *s->now.ext ? s->now.ext : NULL));
    rec.email = (char *)email;
    rec.doc = doc_project(s->c, s->now.doc, s->last.taken ? s->last.taken : s->merged);
    if (!rec.doc)
        return err_set(e, -ENOMEM, "out of memory");
    struct record_put p = {.home = s->home, .ino = s->ino, .source = RECORD_SAVED, .even_if_pending = true};
    int r = record_put_now(t, &p, &rec, &s->ino, e);
    json_decref(rec.doc);
    if (r == 0 && !known)
        save_alias(s);
    test_hook("after-cache");
    return r;
}

/* The journal's entry, the job's, and the change as a base of the next save, in one commit. */
static int accept_durably(struct save *s, struct watch *w, struct err *e)
{
    struct tenant *t = s->tenant;
    const char *seen[] = {s->seen[0], s->seen[1], s->seen[2]};
    struct accepted_save a = {.home = s->home,
                              .seq = s->seq,
                              .name = s->name,
                              .key = s->key,
                              .ext = s->ext,
                              .job = w ? s->last.job_id : NULL,
                              .merged = s->merged,
                              .delta = s->exists ? NULL : s->delta,
                              .removes = s->removes};
    int r = ledger_begin(t->engine->store, e);
    if (r)
        return r;
    if (is_written_only(s))
        r = accepted_save(t, &a, e);
    if (r == 0 && s->rest)
        r = journal_write(s->rest, "begun", NULL, e);
    if (r == 0 && w) {
        r = journal_write(s, "accepted", s->last.job_id, e);
        if (r == 0)
            r = watch_keep(w, e);
    } else if (r == 0) {
        journal_forget(s);
    }
    if (r == 0 && s->ino && s->delta)
        own_note(t, s->ino, seen, 3, s->delta);
    if (r == 0)
        return ledger_commit(t->engine->store, e);
    ledger_abort(t->engine->store);
    return r;
}

static void wait_for_job(struct save *s, uint64_t job_ino)
{
    while (s->waiters.first) {
        struct ask *a = s->waiters.first;
        waiters_leave(a);
        a->answer_ino = s->ino;
        watch_when_over(s->tenant, job_ino, a);
    }
}

static void accepted_job(struct save *s)
{
    struct tenant *t = s->tenant;
    struct err e = {0};
    struct watch *w = watch_prepare(t, s->last.job_id, s->ino ? s->ino : s->home, s->name, s->seq, &e);
    int noted = w ? accept_durably(s, w, &e) : e.code; /* if not, the entry is as it was sent: the next start sees to it */
    uint64_t job_ino = w ? watch_begin(w) : 0;
    test_hook("before-cache");
    if (show(s, &e) == 0) {
        if (!is_written_only(s))
            save_mark(s, w ? STORE_PENDING : STORE_CLEAN, s->last.job_id, NULL);
        watch_of_save(t, s->seq, s->last.job_id, s->ino);
        hook_inode(t->engine, s->ino);
    }
    if (noted == 0 && t->info.conf->settle == SETTLE_COMPLETED) {
        if (s->rest || s->parts)
            save_wait_part(s, job_ino);
        else
            wait_for_job(s, job_ino);
    }
    save_end(s, 0, NULL);
}

static void created_fetched(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct save *s = ctx;
    (void)code;
    (void)ino;
    (void)e; /* what is shown is true without it; a later read has the rest */
    save_end(s, 0, NULL);
}

static void accepted(struct save *s)
{
    struct tenant *t = s->tenant;
    struct err e = {0};
    bool created = s->now.doc == NULL;
    test_hook("after-answer");
    if (s->last.job_id) {
        accepted_job(s);
        return;
    }
    if (is_written_only(s)) /* only the ledger knows it: what is shown is made of that */
        accept_durably(s, NULL, &e);
    test_hook("before-cache");
    int r = show(s, &e); /* if that fails the LMS has it all the same; only our view could not be written */
    if (r == 0) {
        touched_note(t, s->ino);
        if (!is_written_only(s))
            save_mark(s, STORE_CLEAN, NULL, NULL);
        hook_inode(t->engine, s->ino);
    }
    if (!is_written_only(s))
        accept_durably(s, NULL, &e);
    if (r == 0 && created && (s->c->can & LMS_GET) &&
        s->last.key) /* the rest of it before the verdict: close leaves the final form */
        fetch_by_ino(t, s->ino, NET_PEOPLE, t->info.conf->op_timeout * SECOND, created_fetched, s);
    else
        save_end(s, 0, NULL);
}

/* ------------------------------------------------------------------ a create whose answer was lost */

/* An object that was sent with some of its members has the others too when it is read. */
static bool holds(const json_t *have, json_t *want)
{
    const char *name;
    json_t *value;
    if (!json_is_object(want) || !json_is_object(have))
        return doc_equal(want, have);
    json_object_foreach(want, name, value)
    {
        if (!json_is_null(value) && !doc_equal(value, json_object_get(have, name)))
            return false;
    }
    return true;
}

/* The create carried these: a record that differs in them is somebody else's. */
static bool is_ours(const struct save *s, const struct known *k)
{
    for (const struct lms_field *f = s->c->fields; f && f->name; f++) {
        json_t *want = json_object_get(s->merged, f->name), *have = json_object_get(k->doc, f->name);
        bool told =
            have || (k->flags & STORE_COMPLETE); /* a search by a secret says no more than that somebody is there */
        if ((f->flags & LMS_REQUIRED) && !(f->flags & LMS_SECRET) && want && told && !holds(have, want))
            return false;
    }
    return true;
}

static void found_after_all(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct save *s = ctx;
    struct known k = {0};
    if (code == 0 && known_get(s->tenant->engine, ino, &k) == 0) {
        bool ours = is_ours(s, &k);
        known_release(&k);
        if (ours) {
            s->ino = ino;
            save_go_on(s);
        } else {
            save_fail(s, -EEXIST, "the answer to the create was lost, and what is there under it is somebody else's");
        }
    } else if (code == -ENOENT && s->step == 0 && s->replayed) {
        s->was_sent = false;
        send_step(s);
    } else if (code == -ENOENT) {
        save_fail(s, -EIO, "the answer to the create was lost; looked up, the record isn't there: save it again");
    } else {
        struct err full = *e;
        err_prefix(&full, "the answer to the create was lost, and looking it up failed");
        save_refuse(s, code ? code : -EIO, &full);
    }
}

/* A create whose outcome is unknown is looked up, never blindly repeated. false: there is no way to look it up. */
static bool look_up(struct save *s)
{
    const char *email = field_with(s->c, LMS_IS_EMAIL, s->merged);
    const char *secret = s->c->secret_prefix ? field_with(s->c, LMS_PRIVATE, s->merged) : NULL;
    char stem[1024];
    if (secret)
        snprintf(stem, sizeof stem, "%s%s", s->c->secret_prefix, secret);
    else if ((s->c->can & LMS_GET_BY_EMAIL) && email)
        snprintf(stem, sizeof stem, "EMAIL-%s", email);
    else
        return false;
    absent_forget(s->tenant, s->home, stem);
    fetch_record(s->tenant, s->home, s->c, stem, NET_PEOPLE, s->tenant->info.conf->op_timeout * SECOND, found_after_all,
                 s);
    return true;
}

/* ------------------------------------------------------------------ refused half-way */

static void partly(struct save *s, struct err *e)
{
    char through[256] = "";
    for (size_t i = 0; i < s->step; i++) {
        size_t n = strlen(through);
        snprintf(through + n, sizeof through - n, "%s%s", i ? ", " : "", s->plan.labels[i]);
    }
    if (s->step)
        err_prefix(e, "%s went through, %s not", through, s->plan.labels[s->step]);
}

static void server_version_here(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct save *s = ctx;
    struct err why = s->why;
    (void)e;
    if (code == 0 && !s->ino) { /* created after all, only not with all of it: the name means that person from now on */
        s->ino = ino;
        save_alias(s);
    }
    save_refuse(s, code == -ESHUTDOWN ? code : why.code, &why);
}

/* After a refusal the file shows the server's version: where the server may have taken a part, that is read first. */
static void refuse_step(struct save *s, int code, const struct err *e, bool unknown)
{
    struct tenant *t = s->tenant;
    int ms = t->info.conf->op_timeout * SECOND;
    char stem[1024];
    struct err ignored = {0};
    bool moved = (s->step > 0 || unknown) && code != -ESHUTDOWN && (s->c->can & LMS_GET);
    s->why = *e;
    s->why.code = code;
    if (moved && s->ino && !unknown) {
        fetch_by_ino(t, s->ino, NET_PEOPLE, ms, server_version_here, s);
    } else if (moved && !s->ino && s->last.key && snprintf(stem, sizeof stem, "ID-%s", s->last.key) < (int)sizeof stem) {
        fetch_record(t, s->home, s->c, stem, NET_PEOPLE, ms, server_version_here, s);
    } else {
        if (s->step > 0 && s->last.taken && !unknown && code != -ESHUTDOWN) /* nobody can be asked; this much is sure */
            show(s, &ignored);
        save_refuse(s, code, e);
    }
}

/* ------------------------------------------------------------------ requests */

/* What the program that saves is told: replies that aren't the API's are EIO to it, and a tenant that gives no turn is out of time. */
static int verdict_code(int code)
{
    switch (code) {
    case -EPROTO:
    case -EFBIG:
    case -ECANCELED:
        return -EIO;
    case -EAGAIN:
        return -ETIMEDOUT;
    default:
        return code;
    }
}

/* The name of the record that it is about, saved under whatever name; "": nobody knows it yet. */
static void record_of(const struct save *s, char name[256])
{
    const struct lms_record r = {.ext = s->id ? s->id : s->now.ext, .key = s->last.key ? s->last.key : s->now.key};
    bool known = (s->c->ext_prefix && r.ext && *r.ext) || (r.key && *r.key);
    if (!known || canonical_name(s->c, &r, name))
        name[0] = '\0';
}

static void line(struct save *s, int code, const char *job, int64_t ms)
{
    const struct http_request *q = &s->plan.steps[s->step];
    char record[256];
    record_of(s, record);
    struct audit_line l = {.method = http_method_name(q->method),
                           .url = http_shown(q),
                           .fields = s->changed,
                           .values = s->merged,
                           .code = code,
                           .record = record[0] ? record : NULL,
                           .job = job,
                           .ms = ms};
    audit(s->tenant, &s->caller, s->home, s->name, &l);
}

static int take_reply(struct save *s, const struct net_result *res, struct err *e)
{
    struct lms_verdict v = {0};
    int r = s->tenant->info.provider->saved(s->c, &s->what_to_send, s->step, &res->reply, &v, e);
    if (r)
        return r;
    if (!v.key && s->last.key) {
        v.key = s->last.key;
        s->last.key = NULL;
    }
    if (v.secret && !s->secret) {
        s->secret = v.secret;
        v.secret = NULL;
    }
    lms_verdict_release(&s->last);
    s->last = v;
    return 0;
}

/* A create that may be repeated though nobody can look it up: a second one of the same id is refused as such. */
static bool finds_out(const struct save *s)
{
    return is_written_only(s) && s->tenant->info.provider->says_exists;
}

static void on_step(void *ctx, struct net_result *res)
{
    struct save *s = ctx;
    struct err e = {0};
    const struct lms_provider *p = s->tenant->info.provider;
    bool create = s->now.doc == NULL && !s->exists, safe = s->plan.steps[s->step].idempotent;
    int r = result_error(s->tenant, res, &e);
    bool took = r == 0, gone = res->err.code == -ESHUTDOWN;
    if (r == 0)
        r = take_reply(s, res, &e);
    r = verdict_code(r);
    e.code = r;
    if (!gone)
        line(s, r, s->last.job_id, res->elapsed_ms);
    /* No answer, or one that can't be read: the LMS may have done it. */
    bool unknown = r && !gone && ((res->err.code && res->sent) || took);
    if (r == 0 && ++s->step < s->plan.n) {
        send_step(s);
    } else if (r == 0) {
        accepted(s);
    } else if (create && s->step == 0 && !res->err.code && !took && p->says_exists &&
               p->says_exists(s->c, &s->what_to_send, &res->reply, NULL)) {
        save_as_update(s);
    } else if (unknown && create && !s->again && s->step == 0 && finds_out(s)) {
        s->again = true; /* were it there by now, the second one would say so, and become an update */
        send_step(s);
    } else if (unknown && create && !safe && s->step == 0) {
        if (!look_up(s))
            save_fail(
                s,
                -EIO, "the answer to the create was lost: it may or may not have happened; refresh and look before saving it again");
    } else {
        partly(s, &e);
        refuse_step(s, r, &e, unknown);
    }
}

/* ------------------------------------------------------------------ a dry run */

/* The plan, masked, and a line of the audit log for each of its steps. */
static json_t *dry_requests(struct save *s)
{
    json_t *all = json_array();
    char record[256];
    record_of(s, record);
    for (size_t i = 0; i < s->plan.n; i++) {
        const struct http_request *q = &s->plan.steps[i];
        json_t *request = dry_request(s->c, q);
        struct audit_line l = {.method = http_method_name(q->method),
                               .record = record[0] ? record : NULL,
                               .url = http_shown(q),
                               .fields = s->changed,
                               .values = s->merged,
                               .request = request};
        audit(s->tenant, &s->caller, s->home, s->name, &l);
        json_array_append_new(all, request);
    }
    return all;
}

/* A server's id for what no server has. */
static char *dry_key(uint64_t seq)
{
    char *key = NULL;
    return asprintf(&key, "dry-run-%llu", (unsigned long long)seq) < 0 ? NULL : key;
}

/* Nothing is sent: the file shows what the LMS would have made of it. */
static void dry_accepted(struct save *s)
{
    struct tenant *t = s->tenant;
    const char *seen[] = {s->seen[0], s->seen[1], s->seen[2]};
    bool created = s->now.doc == NULL;
    struct err e = {0};
    uint64_t seq = 0;
    json_t *requests = dry_requests(s);
    struct dry d = {.home = s->home,
                    .ino = s->ino,
                    .name = s->name,
                    .what = "save",
                    .created = created,
                    .before = s->now.doc,
                    .requests = requests};
    int r = dry_keep(t, &d, &seq, &e);
    if (r == 0 && created)
        s->last.key = s->key ? strdup(s->key) : dry_key(seq);
    if (r == 0 && !s->removes) /* what it removes is hidden by its removal */
        r = show(s, &e);
    d.ino = s->ino;
    if (r == 0 && created)
        r = dry_keep(t, &d, &seq, &e);
    json_decref(requests);
    if (r) {
        save_refuse(s, r, &e);
        return;
    }
    if (s->delta)
        own_note(t, s->ino, seen, 3, s->delta);
    save_mark(s, STORE_PENDING, NULL, NULL);
    hook_inode(t->engine, s->ino);
    save_end(s, 0, NULL);
}

static void send_step(struct save *s)
{
    struct http_request req = {0};
    if (http_request_copy(&s->plan.steps[s->step], &req)) {
        http_request_release(&req);
        save_fail(s, -ENOMEM, "out of memory");
        return;
    }
    tenant_send(s->tenant, &req, NET_PEOPLE, s->tenant->info.conf->op_timeout * SECOND, true, on_step, s);
}

/* ------------------------------------------------------------------ a record of which the list is all there is to read */

static void on_list(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct save *s = ctx;
    struct err why = *e;
    (void)ino;
    if (code) {
        err_prefix(&why, "the whole record is sent, so the list is read first, and that failed");
        save_refuse(s, code, &why);
    } else {
        save_merge_again(s);
    }
}

/* Once for each save. false: it was read again already, or the record is asked for by itself. */
static bool read_list_again(struct save *s)
{
    struct err e = {0};
    if (s->reread || s->c->kind != LMS_LISTED || (s->c->can & LMS_GET))
        return false;
    s->reread = true;
    int r = s->seq ? 0 : journal_write(s, "begun", NULL, &e);
    if (r) {
        save_refuse(s, r, &e);
        return true;
    }
    return list_read_again(s->tenant, s->home, &s->caller, on_list, s);
}

/* An update that sends the whole record of what a list of few pages said, longer than record_ttl ago: others may have changed it since. */
static bool is_of_old_list(const struct save *s)
{
    const struct tenant *t = s->tenant;
    struct store_listing l = {0};
    if (!s->what_to_send.key || s->c->kind != LMS_LISTED || s->c->parent || (s->c->can & LMS_GET) || save_is_pending(s))
        return false;
    struct store_read *v = store_read_begin(t->engine->store);
    bool known = v && store_listing(v, s->home, &l) == 0 && l.complete_at && l.entries <= FEW_PAGES * s->c->page_size;
    if (v)
        store_read_end(v);
    return known && wall_now() - engine_listed_at(t->engine, s->home, l.complete_at) >= t->info.conf->record_ttl;
}

void save_send(struct save *s)
{
    struct err e = {0};
    if (is_of_old_list(s) && read_list_again(s))
        return;
    int r = s->tenant->info.provider->save(s->c, &s->what_to_send, &s->plan, &e);
    if (r == 0 && s->plan.n == 0 && is_written_only(s) &&
        !s->tenant->engine->conf->dry_run) { /* it is as it was to be, though nothing had to be said */
        accepted(s);
        return;
    }
    if (r == 0 && s->plan.n == 0) {
        journal_forget(s);
        save_end(s, 0, NULL);
        return;
    }
    if (r == -EAGAIN && read_list_again(s))
        return;
    if (r == -EAGAIN) /* the LMS has no more of it: the document has to say it all */
        e.code = r = -EINVAL;
    if (r == 0 && s->tenant->engine->conf->dry_run) {
        dry_accepted(s);
        return;
    }
    if (r == 0 && !(s->replayed && s->was_sent))
        r = journal_write(s, "sent", NULL, &e);
    if (r == 0 && s->plan.reached)
        r = save_split(s, &e);
    if (r) {
        e.code = r;
        save_refuse(s, r, &e);
        return;
    }
    if (s->replayed && s->was_sent && s->now.doc == NULL && !s->exists && !s->plan.steps[0].idempotent && !finds_out(s)) {
        if (!look_up(s))
            save_fail(
                s,
                -EIO, "lmsfs ended while this create was under way: it may or may not have happened; look before saving it again");
        return;
    }
    send_step(s);
}
