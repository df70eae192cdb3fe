/* write.c — the way of a save, from the text that was written to the LMS's verdict.
 *
 *   parse → whose? → allowed? → what changed? → the server's current record → carry the change onto it → journal → requests → verdict
 *
 * Saves of one record queue behind each other; saves of different records don't wait for each other. What a save's asks wait for is its
 * verdict; an ask that times out leaves, the save goes on. From the journal entry on, a crash loses nothing: the save is run again at the
 * next start, and since what is sent is the difference to the server's current record, running it twice changes nothing twice.
 */
#include "sync/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRESH 5 /* seconds for which a fetched detail counts as the server's current record */

struct save {
    char *what; /* "home/name" */
    struct tenant *tenant;
    const struct lms_collection *c;
    uint64_t home;
    char *name, *parent_key;
    char *text;
    size_t len;
    struct caller caller;
    struct waiters waiters;
    struct save *behind; /* the next save of the same record */
    uint64_t seq;        /* journal; 0 = not yet */
    bool replayed, was_sent;
    int64_t started_ms;

    uint64_t ino; /* 0: a create */
    struct known now;
    json_t *saved, *options, *base, *delta, *merged, *changed, *shown;
    char *ext;                           /* the external id that the name gives */
    char seen[3][DOC_VERSION_LEN + 1];   /* versions that were shown before this save */
    struct lms_save what_to_send;
    struct lms_plan plan;
    size_t step;
    struct lms_verdict last;
    UT_hash_handle hh;
};

static void save_begin(struct save *s);

/* ------------------------------------------------------------------ life */

static void save_drop_work(struct save *s)
{
    known_release(&s->now);
    json_decref(s->saved);
    json_decref(s->options);
    json_decref(s->base);
    json_decref(s->delta);
    json_decref(s->merged);
    json_decref(s->changed);
    json_decref(s->shown);
    free(s->ext);
    lms_plan_release(&s->plan);
    lms_verdict_release(&s->last);
}

static void save_release(struct save *s)
{
    save_drop_work(s);
    if (s->text)
        explicit_bzero(s->text, s->len);
    free(s->text);
    free(s->name);
    free(s->what);
    free(s->parent_key);
    free(s);
}

static void journal_forget(struct save *s)
{
    struct err e;
    if (s->seq)
        ledger_delete(s->tenant->engine->store, LEDGER_SAVES, s->seq, &e);
}

/* The save is over for those who wait. The next one of the same record begins. */
static void save_end(struct save *s, int code, const struct err *e)
{
    struct tenant *t = s->tenant;
    struct save *next = s->behind;
    t->engine->busy--;
    for (struct ask *a = s->waiters.first; a; a = a->next)
        a->answer_ino = s->ino;
    HASH_DEL(t->saves, s);
    if (next) {
        HASH_ADD_KEYPTR(hh, t->saves, next->what, strlen(next->what), next);
        t->engine->busy++;
    }
    waiters_end(t->engine, &s->waiters, code, e);
    save_release(s);
    if (next)
        save_begin(next);
}

static void set_mark(struct save *s, enum store_state state, const char *job, const char *error)
{
    struct store_mark m = {.state = state};
    if (!s->ino)
        return;
    snprintf(m.job, sizeof m.job, "%s", job ? job : "");
    snprintf(m.error, sizeof m.error, "%s", error ? error : "");
    record_mark(s->tenant->engine, s->ino, state == STORE_CLEAN ? NULL : &m);
}

/* Refused: the document is kept with the reason, the record stays as the server has it. */
static void refuse(struct save *s, int code, const struct err *e)
{
    if (code == -ESHUTDOWN) { /* no verdict: the journal has it, the next start goes on */
        save_end(s, code, e);
        return;
    }
    const struct http_request *req = s->plan.n && s->step < s->plan.n ? &s->plan.steps[s->step] : NULL;
    struct reason why = {.code = code, .text = e->text, .method = req ? http_method_name(req->method) : NULL, .path = req ? req->path : NULL};
    reject(s->tenant, s->c, s->home, s->name, s->text, s->len, &why);
    journal_forget(s);
    if (s->ino) {
        set_mark(s, STORE_FAILED, NULL, e->text);
        hook_inode(s->tenant->engine, s->ino);
    }
    save_end(s, code, e);
}

static void fail(struct save *s, int code, const char *text)
{
    struct err e;
    err_set(&e, code, "%s", text);
    refuse(s, code, &e);
}

/* ------------------------------------------------------------------ journal */

static int journal_write(struct save *s, const char *phase, const char *job, struct err *e)
{
    struct store *st = s->tenant->engine->store;
    if (!s->seq) {
        int r = ledger_next_key(st, LEDGER_SAVES, &s->seq);
        if (r)
            return err_set(e, r, "the journal can't be written");
    }
    json_t *o = json_pack("{s:I,s:I,s:s,s:s#,s:I,s:I,s:s,s:s?,s:b,s:I}", "tenant", (json_int_t)s->tenant->info.number, "home",
                          (json_int_t)s->home, "name", s->name, "text", s->text, (int)s->len, "uid", (json_int_t)s->caller.uid, "pid",
                          (json_int_t)s->caller.pid, "phase", phase, "job", job, "created", s->now.doc == NULL, "ino", (json_int_t)s->ino);
    if (o && s->now.doc)
        json_object_set(o, "before", s->now.doc);
    char *v = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!v)
        return err_set(e, -ENOMEM, "out of memory");
    int r = ledger_put(st, LEDGER_SAVES, s->seq, v, strlen(v), e);
    explicit_bzero(v, strlen(v));
    free(v);
    return r;
}

/* ------------------------------------------------------------------ accepted */

static const char *field_with(const struct lms_collection *c, unsigned flag, const json_t *doc)
{
    for (const struct lms_field *f = c->fields; f && f->name; f++)
        if (f->flags & flag)
            return json_string_value(json_object_get(doc, f->name));
    return NULL;
}

/* What is shown from now on: the record as it was asked to be. */
static int show(struct save *s, struct err *e)
{
    struct tenant *t = s->tenant;
    const char *ext = s->c->ext_prefix ? field_with(s->c, LMS_IS_EXT, s->merged) : NULL, *email = field_with(s->c, LMS_IS_EMAIL, s->merged);
    struct lms_record rec = {.active = true};
    bool known = s->now.doc != NULL;
    rec.key = known && *s->now.key ? s->now.key : s->last.key;
    rec.ext = (char *)(ext ? ext : (known && *s->now.ext ? s->now.ext : NULL));
    rec.email = (char *)email;
    rec.doc = doc_project(s->c, s->now.doc, s->merged);
    if (!rec.doc)
        return err_set(e, -ENOMEM, "out of memory");
    struct record_put p = {.home = s->home, .ino = s->ino, .source = RECORD_SAVED, .even_if_pending = true};
    int r = record_put_now(t, &p, &rec, &s->ino, e);
    json_decref(rec.doc);
    if (r == 0 && !known && !strncmp(s->name, "new", 3)) {
        struct store_write *w;
        if (write_begin(t->engine, &w, e) == 0)
            write_end(t->engine, w, store_set_alias(w, s->home, s->name, ino_as(s->ino, INO_ALIAS_NEW), e), e);
    }
    return r;
}

static void created_fetched(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct save *s = ctx;
    (void)code;
    (void)ino;
    (void)e; /* what is shown is true without it; a later read has the rest */
    journal_forget(s);
    save_end(s, 0, NULL);
}

static void wait_for_job(struct save *s, uint64_t job_ino)
{
    while (s->waiters.first) {
        struct ask *a = s->waiters.first;
        *a->link = a->next;
        if (a->next)
            a->next->link = a->link;
        a->link = NULL;
        a->answer_ino = s->ino;
        watch_when_over(s->tenant, job_ino, a);
    }
}

/* The journal's entry and the job's, in one commit. A crash before it finds the entry as it was sent, and runs the save again. */
static int accept_durably(struct save *s, uint64_t *job_ino, struct err *e)
{
    struct store *st = s->tenant->engine->store;
    const char *job = s->last.job_id;
    int r = ledger_begin(st, e);
    if (r)
        return r;
    r = journal_write(s, "accepted", job, e);
    if (r == 0)
        r = watch_job(s->tenant, job, s->ino, s->name, s->seq, job_ino, e);
    if (r) {
        ledger_abort(st);
        return r;
    }
    return ledger_commit(st, e);
}

static void accepted(struct save *s)
{
    struct tenant *t = s->tenant;
    struct err e = {0};
    const char *job = s->last.job_id;
    bool created = s->now.doc == NULL;
    int r = show(s, &e);
    if (r) { /* the LMS has it; only our view could not be written */
        if (!job)
            journal_forget(s);
        save_end(s, 0, NULL);
        return;
    }
    const char *seen[] = {s->seen[0], s->seen[1], s->seen[2]};
    own_note(t, s->ino, seen, 3, s->delta);
    if (job) {
        uint64_t job_ino = 0;
        set_mark(s, STORE_PENDING, job, NULL);
        r = accept_durably(s, &job_ino, &e);
        hook_inode(t->engine, s->ino);
        if (r == 0 && t->info.conf->settle == SETTLE_COMPLETED)
            wait_for_job(s, job_ino);
        save_end(s, 0, NULL);
        return;
    }
    set_mark(s, STORE_CLEAN, NULL, NULL);
    hook_inode(t->engine, s->ino);
    if (created && (s->c->can & LMS_GET) && s->last.key) { /* the rest of the new record, before the verdict: close leaves the final form */
        fetch_by_ino(t, s->ino, NET_PEOPLE, t->info.conf->op_timeout * SECOND, created_fetched, s);
        return;
    }
    journal_forget(s);
    save_end(s, 0, NULL);
}

/* ------------------------------------------------------------------ requests */

static void send_step(struct save *s);

static void line(struct save *s, int code, const char *job, int64_t ms)
{
    const struct http_request *q = &s->plan.steps[s->step];
    struct audit_line l = {.method = http_method_name(q->method), .url = q->path, .fields = s->changed, .code = code, .job = job, .ms = ms};
    audit(s->tenant, &s->caller, s->home, s->name, &l);
}

static void found_after_all(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct save *s = ctx;
    (void)e;
    if (code == 0 && ino) {
        s->ino = ino;
        journal_forget(s);
        save_end(s, 0, NULL);
    } else if (code == -ENOENT && s->step == 0 && s->replayed) {
        s->was_sent = false;
        send_step(s);
    } else {
        fail(s, code == -ENOENT ? -EIO : code, "the answer to the create was lost; looked up, the record isn't there: save it again");
    }
}

/* A create whose outcome is unknown is looked up, never blindly repeated. false: there is no way to look it up. */
static bool look_up(struct save *s)
{
    const char *email = field_with(s->c, LMS_IS_EMAIL, s->merged);
    char stem[1024];
    if (!(s->c->can & LMS_GET_BY_EMAIL) || !email)
        return false;
    snprintf(stem, sizeof stem, "EMAIL-%s", email);
    absent_forget(s->tenant, s->home, stem);
    fetch_record(s->tenant, s->home, s->c, stem, NET_PEOPLE, s->tenant->info.conf->op_timeout * SECOND, found_after_all, s);
    return true;
}

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

static void on_step(void *ctx, struct net_result *res)
{
    struct save *s = ctx;
    struct tenant *t = s->tenant;
    struct err e = {0};
    bool create = s->now.doc == NULL, safe = s->plan.steps[s->step].idempotent;
    int r = result_error(t, res, &e);
    if (r && res->err.code && res->sent && create && !safe && r != -ESHUTDOWN) {
        line(s, r, NULL, res->elapsed_ms);
        if (!look_up(s))
            fail(s, -EIO, "the answer to the create was lost: it may or may not have happened; refresh and look before saving it again");
        return;
    }
    if (r == 0) {
        struct lms_verdict v = {0};
        r = t->info.provider->saved(s->c, &s->what_to_send, s->step, &res->reply, &v, &e);
        if (r == 0) {
            if (!v.key && s->last.key) {
                v.key = s->last.key;
                s->last.key = NULL;
            }
            lms_verdict_release(&s->last);
            s->last = v;
        }
    }
    if (r != -ESHUTDOWN)
        line(s, r, s->last.job_id, res->elapsed_ms);
    if (r) {
        partly(s, &e);
        refuse(s, r, &e);
        return;
    }
    if (++s->step < s->plan.n)
        send_step(s);
    else
        accepted(s);
}

static int request_dup(const struct http_request *from, struct http_request *to)
{
    *to = (struct http_request){.method = from->method, .content_type = from->content_type, .idempotent = from->idempotent};
    for (size_t i = 0; i < from->headers_n; i++)
        if (http_request_header(to, from->headers[i].name, from->headers[i].value))
            return -ENOMEM;
    for (size_t i = 0; i < from->parts_n; i++)
        if (http_request_part(to, from->parts[i].name, from->parts[i].value))
            return -ENOMEM;
    to->path = strdup(from->path);
    if (from->body && (to->body = malloc(from->body_len + 1))) {
        memcpy(to->body, from->body, from->body_len);
        to->body[from->body_len] = '\0';
        to->body_len = from->body_len;
    }
    return to->path && (!from->body || to->body) ? 0 : -ENOMEM;
}

static void send_step(struct save *s)
{
    struct http_request req = {0};
    if (request_dup(&s->plan.steps[s->step], &req)) {
        http_request_release(&req);
        fail(s, -ENOMEM, "out of memory");
        return;
    }
    tenant_send(s->tenant, &req, NET_PEOPLE, s->tenant->info.conf->op_timeout * SECOND, true, on_step, s);
}

static void plan_and_send(struct save *s)
{
    struct err e = {0};
    int r = s->tenant->info.provider->save(s->c, &s->what_to_send, &s->plan, &e);
    if (r == 0 && s->plan.n == 0) {
        journal_forget(s);
        save_end(s, 0, NULL);
        return;
    }
    if (r == 0 && !(s->replayed && s->was_sent))
        r = journal_write(s, "sent", NULL, &e);
    if (r) {
        refuse(s, r, &e);
        return;
    }
    if (s->replayed && s->was_sent && s->now.doc == NULL && !s->plan.steps[0].idempotent) {
        if (!look_up(s))
            fail(s, -EIO, "lmsfs ended while this create was under way: it may or may not have happened; look before saving it again");
        return;
    }
    send_step(s);
}

/* ------------------------------------------------------------------ what changed */

/* An e-mail that another known person holds. */
static bool email_taken(struct save *s, char other[256])
{
    const char *email = field_with(s->c, LMS_IS_EMAIL, s->merged);
    char name[300];
    uint64_t ino;
    struct store_record rec;
    bool taken = false;
    if (!email || doc_stem_to_name("EMAIL-", email, name, sizeof name))
        return false;
    struct store_read *v = store_read_begin(s->tenant->engine->store);
    if (!v)
        return false;
    if (store_lookup(v, s->home, name, &ino) == 0 && ino_rec(ino) != ino_rec(s->ino) &&
        store_get(v, ino_as(ino, INO_RECORD), &rec) == 0) {
        snprintf(other, 256, "%s", rec.name);
        taken = true;
    }
    store_read_end(v);
    return taken;
}

static void merge(struct save *s)
{
    struct err e = {0};
    char other[256];
    bool create = s->now.doc == NULL;
    snprintf(s->seen[2], sizeof s->seen[2], "%s", create || !doc_version(s->now.doc) ? "" : doc_version(s->now.doc));
    if (create) {
        s->merged = json_deep_copy(s->saved);
        json_object_del(s->merged, "_readonly");
        s->changed = json_array();
        const char *key;
        json_t *value;
        json_object_foreach(s->merged, key, value) json_array_append_new(s->changed, json_string(key));
    } else {
        int r = doc_apply(s->c, s->base, s->now.doc, s->delta, &s->merged, &s->changed, &e);
        if (r) {
            refuse(s, r, &e);
            return;
        }
        if (json_array_size(s->changed) == 0) { /* the server has it already */
            journal_forget(s);
            set_mark(s, STORE_CLEAN, NULL, NULL);
            save_end(s, 0, NULL);
            return;
        }
    }
    if (email_taken(s, other)) {
        err_set(&e, -EEXIST, "email: %s holds this address already", other);
        refuse(s, -EEXIST, &e);
        return;
    }
    s->what_to_send = (struct lms_save){
        .parent_key = s->parent_key,
        .key = create || !*s->now.key ? NULL : s->now.key,
        .ext = create ? s->ext : (*s->now.ext ? s->now.ext : NULL),
        .base = create ? NULL : s->now.doc,
        .merged = s->merged,
        .changed = s->changed,
        .options = s->options,
    };
    plan_and_send(s);
}

/* Has the record moved on, in a field that the saved version shows? */
static bool moved_on(const struct save *s, const json_t *base)
{
    for (const struct lms_field *f = s->c->fields; f && f->name; f++) {
        json_t *was = json_object_get(base, f->name), *is = json_object_get(s->now.doc, f->name);
        if (was && !doc_equal(was, is ? is : json_null()) && !(json_is_null(was) && !is))
            return true;
    }
    return false;
}

/* The version that was shown, with our own accepted saves since. -ESTALE where it is no longer kept. */
static int find_base(struct save *s, struct err *e)
{
    struct engine *g = s->tenant->engine;
    const char *version = doc_version(s->saved);
    const char *now = doc_version(s->now.doc);
    json_t *shown = NULL;
    snprintf(s->seen[1], sizeof s->seen[1], "%s", now ? now : "");
    if (!version || (now && !strcmp(version, now))) {
        s->base = json_incref(s->now.doc);
        return 0;
    }
    snprintf(s->seen[0], sizeof s->seen[0], "%s", version);
    struct store_read *v = store_read_begin(g->store);
    const void *bytes;
    size_t len;
    if (v && store_version(v, s->ino, version, &bytes, &len) == 0)
        doc_parse(bytes, len, SIZE_MAX, &shown, e);
    if (v)
        store_read_end(v);
    if (!shown)
        return err_set(e, -ESTALE, "_readonly.version %.16s is not kept any more: read the file anew, or delete `_readonly` to save all fields as they stand",
                       version);
    s->base = own_rebase(s->tenant, s->c, s->ino, version, shown);
    json_decref(shown);
    return 0;
}

static void on_current(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct save *s = ctx;
    (void)ino;
    if (code) {
        refuse(s, code, e);
        return;
    }
    known_release(&s->now);
    if (known_get(s->tenant->engine, s->ino, &s->now)) { /* cannot be: the fetch just wrote it */
        fail(s, -ENOENT, "the record is no more");
        return;
    }
    merge(s);
}

static bool is_pending(const struct save *s)
{
    struct store_mark mark;
    struct store_read *v = store_read_begin(s->tenant->engine->store);
    bool pending = v && store_mark(v, s->ino, &mark) == 0 && mark.state == STORE_PENDING;
    if (v)
        store_read_end(v);
    return pending;
}

static void difference(struct save *s)
{
    struct tenant *t = s->tenant;
    struct err e = {0};
    int r = find_base(s, &e);
    if (r == 0)
        r = doc_diff(s->c, s->base, s->saved, &s->delta, &e);
    if (r) {
        refuse(s, r, &e);
        return;
    }
    bool orphan = (s->now.flags & STORE_PROVISIONAL) && !is_pending(s); /* created here, and never seen since: only the LMS can tell */
    if (json_object_size(s->delta) == 0 && !s->options && !orphan) {
        if (json_object_get(s->saved, "_readonly") && moved_on(s, s->base)) {
            fail(s, -ESTALE, "this is an older version, unchanged, and the record has moved on since: delete `_readonly` to restore it");
            return;
        }
        journal_forget(s);
        save_end(s, 0, NULL);
        return;
    }
    bool pending = is_pending(s);
    bool fresh = (s->now.flags & STORE_COMPLETE) && wall_now() - s->now.detail_at <= FRESH;
    if (pending || fresh || !(s->c->can & LMS_GET)) /* pending: what is shown is what the server will have */
        merge(s);
    else
        fetch_by_ino(t, s->ino, NET_PEOPLE, t->info.conf->op_timeout * SECOND, on_current, s);
}

/* ------------------------------------------------------------------ whose, and may it be */

/* "EXT-9.json" can't hold another id; a create by such a name takes the id from it. */
static int check_name(struct save *s, struct err *e)
{
    const char *id_field = NULL;
    for (const struct lms_field *f = s->c->fields; f && f->name; f++)
        if (f->flags & LMS_IS_EXT)
            id_field = f->name;
    if (!id_field || !s->ext || !s->c->ext_prefix)
        return 0;
    json_t *in = json_object_get(s->saved, id_field);
    if (in && json_is_string(in) && strcmp(json_string_value(in), s->ext))
        return err_set(e, -EINVAL, "%s: the document holds \"%.64s\", the file's name says \"%.64s\": saving it would rename a person", id_field,
                       json_string_value(in), s->ext);
    if (!in && !s->now.doc)
        json_object_set_new(s->saved, id_field, json_string(s->ext));
    return 0;
}

static void check(struct save *s)
{
    struct err e = {0};
    char today[11];
    bool create = s->now.doc == NULL;
    today_utc(today);
    int r = 0;
    if (create && !(s->c->can & LMS_CREATE))
        r = err_set(&e, -EPERM, "%s has no way to create one of %s", s->tenant->info.provider->name, s->c->name);
    else if (!create && !(s->c->can & LMS_UPDATE))
        r = err_set(&e, -EPERM, "%s has no way to change one of %s", s->tenant->info.provider->name, s->c->name);
    else if (!create && !(s->now.flags & STORE_ACTIVE))
        r = err_set(&e, -EPERM, "this person is deactivated: move the file back into %s first", s->c->name);
    if (r == 0)
        r = check_name(s, &e);
    if (r == 0) {
        json_t *options = json_object_get(s->saved, "_options");
        r = create ? doc_check(s->c, s->saved, true, today, &e) : doc_check_edit(s->c, s->now.doc, s->saved, today, &e);
        s->options = r == 0 ? json_incref(options) : NULL;
        json_object_del(s->saved, "_options");
    }
    if (r)
        refuse(s, r, &e);
    else if (create)
        merge(s);
    else
        difference(s);
}

/* Which record the name means now. Fills ino and now; ino 0: none. */
static void locate(struct save *s)
{
    uint64_t ino = 0;
    struct store_read *v = store_read_begin(s->tenant->engine->store);
    if (v) {
        if (store_lookup(v, s->home, s->name, &ino))
            ino = 0;
        store_read_end(v);
    }
    if (ino_is_alias(ino))
        ino = ino_as(ino, INO_RECORD);
    known_release(&s->now);
    s->ino = ino && known_get(s->tenant->engine, ino, &s->now) == 0 ? ino : 0;
}

static void on_looked_up(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct save *s = ctx;
    (void)ino;
    if (code && code != -ENOENT) {
        refuse(s, code, e);
        return;
    }
    locate(s);
    check(s);
}

static void save_begin(struct save *s)
{
    struct tenant *t = s->tenant;
    struct err e = {0};
    char stem[1024];
    s->started_ms = now_ms();
    int r = doc_parse(s->text, s->len, t->engine->conf->max_document, &s->saved, &e);
    if (r == 0 && !json_is_object(s->saved))
        r = err_set(&e, -EINVAL, "the document is not a JSON object");
    if (r) {
        refuse(s, r == -ENODATA ? -EINVAL : r, &e);
        return;
    }
    locate(s);
    bool named = doc_name_to_stem(s->name, stem, sizeof stem) == 0;
    if (named && s->c->ext_prefix && !strncmp(stem, s->c->ext_prefix, strlen(s->c->ext_prefix)))
        s->ext = strdup(stem + strlen(s->c->ext_prefix));
    if (s->ino && !s->ext && s->now.ext && *s->now.ext)
        s->ext = strdup(s->now.ext);
    if (!s->ino && named && (s->c->can & LMS_GET)) { /* nobody known by that name: the LMS may know one */
        fetch_record(t, s->home, s->c, stem, NET_PEOPLE, t->info.conf->op_timeout * SECOND, on_looked_up, s);
        return;
    }
    check(s);
}

/* ------------------------------------------------------------------ asks, replay */

static struct save *save_new(struct tenant *t, uint64_t home, const char *name, char *text, size_t len)
{
    struct save *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct save){.tenant = t, .home = home, .text = text, .len = len, .name = strdup(name), .c = engine_collection(t->engine, home)};
    s->parent_key = parent_key_of(t->engine, home);
    if (!s->name || asprintf(&s->what, "%llx/%s", (unsigned long long)home, name) < 0) {
        free(s->name);
        free(s->parent_key);
        free(s);
        return NULL;
    }
    return s;
}

static void save_enqueue(struct save *s)
{
    struct save *first = NULL;
    struct tenant *t = s->tenant;
    HASH_FIND_STR(t->saves, s->what, first);
    if (first) {
        while (first->behind)
            first = first->behind;
        first->behind = s;
        return;
    }
    HASH_ADD_KEYPTR(hh, t->saves, s->what, strlen(s->what), s);
    t->engine->busy++;
    save_begin(s);
}

void save_ask(struct tenant *t, struct ask *a)
{
    struct err e = {0};
    const struct lms_collection *c = collection_of(t, a->ino, &e);
    struct save *s = NULL;
    if (c && !c->fields)
        err_set(&e, -EPERM, "%s has no way to write %s", t->info.provider->name, c->name);
    else if (c && !(s = save_new(t, a->ino, a->name, a->text, a->text_len)))
        err_set(&e, -ENOMEM, "out of memory");
    if (!s) {
        ask_end(t->engine, a, e.code, &e);
        return;
    }
    a->text = NULL; /* the save's now */
    a->text_len = 0;
    s->caller = a->caller;
    waiters_add(t->engine, &s->waiters, a);
    save_enqueue(s);
}

unsigned save_count(struct tenant *t)
{
    unsigned n = 0;
    for (struct save *s = t->saves; s; s = s->hh.next)
        for (struct save *b = s; b; b = b->behind)
            n++;
    return n;
}

void save_list(struct tenant *t, json_t *into)
{
    for (struct save *s = t->saves; s; s = s->hh.next)
        for (struct save *b = s; b; b = b->behind)
            json_array_append_new(into, json_pack("{s:s,s:s,s:s,s:s}", "tenant", t->info.conf->name, "name", b->name, "what", "save", "phase",
                                                  b->plan.n ? "sent" : "waiting"));
}

bool save_wait(struct tenant *t, uint64_t home, const char *name, struct ask *a)
{
    char *what = NULL;
    struct save *s = NULL;
    if (asprintf(&what, "%llx/%s", (unsigned long long)home, name) < 0)
        return false;
    HASH_FIND_STR(t->saves, what, s);
    free(what);
    if (s)
        waiters_add(t->engine, &s->waiters, a);
    return s != NULL;
}

struct replay {
    struct tenant *tenant;
};

static int replay_one(void *ctx, uint64_t seq, const void *value, size_t len)
{
    struct tenant *t = ((struct replay *)ctx)->tenant;
    json_t *o = json_loadb(value, len, JSON_ALLOW_NUL, NULL);
    const char *phase = json_string_value(json_object_get(o, "phase")), *name = json_string_value(json_object_get(o, "name"));
    json_t *text = json_object_get(o, "text");
    uint64_t home = (uint64_t)json_integer_value(json_object_get(o, "home"));
    if (!o || !phase || !name || !json_is_string(text) || tenant_of(t->engine, home) != t || !engine_collection(t->engine, home))
        goto out;
    if (!strcmp(phase, "accepted")) { /* its job is watched on: the mark says so again */
        struct store_mark m = {.state = STORE_PENDING};
        const char *job = json_string_value(json_object_get(o, "job"));
        snprintf(m.job, sizeof m.job, "%s", job ? job : "");
        record_mark(t->engine, (uint64_t)json_integer_value(json_object_get(o, "ino")), &m);
        goto out;
    }
    char *copy = malloc(json_string_length(text) + 1);
    if (copy)
        memcpy(copy, json_string_value(text), json_string_length(text) + 1);
    struct save *s = copy ? save_new(t, home, name, copy, json_string_length(text)) : NULL;
    if (!s) {
        free(copy);
        goto out;
    }
    s->seq = seq;
    s->replayed = true;
    s->was_sent = !strcmp(phase, "sent");
    s->caller.uid = (uid_t)json_integer_value(json_object_get(o, "uid"));
    save_enqueue(s);
out:
    json_decref(o);
    return 0;
}

void save_replay(struct tenant *t)
{
    struct replay r = {t};
    ledger_each(t->engine->store, LEDGER_SAVES, replay_one, &r);
}

void save_free(struct tenant *t)
{
    struct save *s, *next;
    struct err e;
    err_set(&e, -ESHUTDOWN, "lmsfs is being unmounted");
    HASH_ITER(hh, t->saves, s, next)
    {
        HASH_DEL(t->saves, s);
        while (s) {
            struct save *behind = s->behind;
            waiters_end(t->engine, &s->waiters, -ESHUTDOWN, &e);
            save_release(s);
            s = behind;
        }
    }
}

/* ------------------------------------------------------------------ the job's end */

struct after {
    struct tenant *tenant;
    uint64_t seq, ino;
};

static void after_job_fetched(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct after *a = ctx;
    struct err ignored;
    (void)code;
    (void)ino;
    (void)e;
    if (code != -ESHUTDOWN)
        ledger_delete(a->tenant->engine->store, LEDGER_SAVES, a->seq, &ignored);
    free(a);
}

static void restore_before(struct tenant *t, json_t *o, uint64_t ino)
{
    struct err e = {0};
    struct known k;
    json_t *before = json_object_get(o, "before");
    if (json_is_true(json_object_get(o, "created")) || !before) {
        record_forget(t, ino, &e);
        return;
    }
    if (known_get(t->engine, ino, &k))
        return;
    struct lms_record rec = {.key = k.key, .ext = *k.ext ? k.ext : NULL, .email = NULL, .active = k.flags & STORE_ACTIVE, .doc = before};
    const struct lms_collection *c = engine_collection(t->engine, k.home);
    rec.email = (char *)(c ? field_with(c, LMS_IS_EMAIL, before) : NULL);
    struct record_put p = {.home = k.home, .ino = ino, .source = RECORD_SAVED, .even_if_pending = true};
    uint64_t same;
    record_put_now(t, &p, &rec, &same, &e);
    known_release(&k);
}

void save_job_over(struct tenant *t, uint64_t seq, const struct lms_job *job, bool lost)
{
    struct engine *g = t->engine;
    void *value;
    size_t len;
    if (ledger_get(g->store, LEDGER_SAVES, seq, &value, &len))
        return;
    json_t *o = json_loadb(value, len, JSON_ALLOW_NUL, NULL);
    free(value);
    uint64_t ino = (uint64_t)json_integer_value(json_object_get(o, "ino")), home = (uint64_t)json_integer_value(json_object_get(o, "home"));
    const char *name = json_string_value(json_object_get(o, "name")), *job_id = json_string_value(json_object_get(o, "job"));
    const char *text = json_string_value(json_object_get(o, "text"));
    struct store_mark mark = {0};
    struct store_read *v = store_read_begin(g->store);
    bool ours = v && store_mark(v, ino, &mark) == 0 && job_id && !strcmp(mark.job, job_id); /* no later save took its place */
    if (v)
        store_read_end(v);
    bool failed = lost || job->status == LMS_JOB_FAILED;
    struct err e;
    if (failed) {
        const char *words = lost ? "the LMS no longer knows this job: its end is unknown" : (job->errors ? job->errors : "the job failed");
        struct reason why = {.code = -EINVAL, .text = words, .job = job_id};
        reject(t, engine_collection(g, home), home, name ? name : "", text, text ? strlen(text) : 0, &why);
        if (ours) {
            struct store_mark m = {.state = STORE_FAILED};
            snprintf(m.error, sizeof m.error, "%s", words);
            restore_before(t, o, ino);
            record_mark(g, ino, &m);
        }
        own_forget(t, ino);
    } else if (ours) {
        struct store_mark m = {.state = STORE_CLEAN};
        snprintf(m.error, sizeof m.error, "%s", job->status == LMS_JOB_WARNINGS && job->errors ? job->errors : "");
        record_mark(g, ino, m.error[0] ? &m : NULL);
    }
    hook_inode(g, ino);
    bool refetch = ours && (failed || job->status == LMS_JOB_WARNINGS || json_is_true(json_object_get(o, "created")));
    struct known k;
    struct after *a = NULL;
    if (refetch && known_get(g, ino, &k) == 0) {
        known_release(&k);
        a = malloc(sizeof *a);
    }
    if (a) {
        *a = (struct after){t, seq, ino};
        char stem[1024];
        if (name && doc_name_to_stem(name, stem, sizeof stem) == 0)
            absent_forget(t, home, stem);
        fetch_by_ino(t, ino, NET_LISTING, 60 * SECOND, after_job_fetched, a);
    } else {
        ledger_delete(g->store, LEDGER_SAVES, seq, &e);
    }
    json_decref(o);
}
