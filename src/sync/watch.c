/* watch.c — asynchronous jobs: one poller a job, shared by all who wait for it; jobs/<id>.json shows how it stands.
 *
 * The ledger keeps each job until job_retention has passed since its end; its document in the cache is made from that.
 */
#include "sync/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POLL_FIRST SECOND
#define POLL_MAX   (30 * SECOND)
#define PAD        4096 /* a job document's size never changes: git sizes by lstat and would store a torn one */
#define LOST_AFTER 5    /* 404s in a row */
#define UNREADABLE_FOR \
    (3600 * SECOND) /* a job whose status the LMS refuses to tell, or tells in no form we know, so long, is lost too */
#define LEFT_OVER_FOR \
    120 /* seconds for which a job nobody waits for is polled with what budget is left over, then with a sweep's share */

struct watch {
    uint64_t ino; /* of jobs/<id>.json */
    struct tenant *tenant;
    char *id, *record_name;
    uint64_t record, save_seq;
    int64_t submitted, resolved;
    struct lms_job state;
    struct net_timer *timer;
    int64_t delay;
    bool flying;
    struct send *send;
    unsigned lost;
    int64_t unreadable_ms;  /* since when; 0: it was read */
    struct waiters waiters; /* opens: 0 when it is over */
    struct waiters savers;  /* saves under settle = completed: the job's verdict */
    UT_hash_handle hh;
};

static void poll_later(struct watch *w);

static uint64_t jobs_dir(struct tenant *t)
{
    return ino_make(INO_JOBS, t->info.number, 0, 0);
}

static void watch_release(struct watch *w)
{
    free(w->id);
    free(w->record_name);
    lms_job_release(&w->state);
    free(w);
}

/* ------------------------------------------------------------------ what is kept and shown */

static json_t *times(json_t *o, const char *key, int64_t at)
{
    char s[24];
    iso_time(at, s);
    json_object_set_new(o, key, at ? json_string(s) : json_null());
    return o;
}

static json_t *job_document(const struct watch *w)
{
    const struct lms_collection *c = engine_collection(w->tenant->engine, w->record);
    char path[400];
    snprintf(path, sizeof path, "%s/%s", c ? c->name : "", w->record_name ? w->record_name : "");
    json_t *o = json_object();
    json_object_set_new(o, "id", json_string(w->id));
    json_object_set_new(o, "record", json_string(path));
    times(o, "submitted", w->submitted);
    json_object_set_new(o, "status", json_string(lms_job_status_name(w->state.status)));
    json_object_set_new(o, "errors", w->state.errors ? json_string(w->state.errors) : json_null());
    times(o, "resolved", w->resolved);
    json_object_set(o, "vendor", w->state.vendor ? w->state.vendor : json_null());
    return o;
}

static int padded(const json_t *doc, char **out, size_t *len)
{
    char *text;
    size_t n;
    int r = doc_print(doc, &text, &n);
    if (r)
        return r;
    size_t full = (n + PAD - 1) / PAD * PAD;
    char *grown = realloc(text, full + 1);
    if (!grown) {
        free(text);
        return -ENOMEM;
    }
    memset(grown + n - 1, ' ', full - n + 1); /* over the last newline, which then ends the padding */
    grown[full - 1] = '\n';
    *out = grown;
    *len = full;
    return 0;
}

static int show_job(struct watch *w, struct err *e)
{
    struct engine *g = w->tenant->engine;
    char name[256], *body = NULL;
    size_t len;
    json_t *doc = job_document(w);
    struct store_write *wr;
    int r = doc_stem_to_name("", w->id, name, sizeof name);
    if (r == 0)
        r = padded(doc, &body, &len);
    json_decref(doc);
    if (r)
        return err_set(e, r, "the job's document can't be made");
    if ((r = write_begin(g, &wr, e)) == 0) {
        struct store_put p = {.ino = w->ino,
                              .kind = INO_JOB,
                              .home = jobs_dir(w->tenant),
                              .key = w->id,
                              .name = name,
                              .active = true,
                              .complete = true,
                              .mtime_ns = (w->resolved ? w->resolved : w->submitted) * 1000000000ll,
                              .row_at = wall_now(),
                              .body = body,
                              .body_len = len};
        struct store_change ch = {0};
        r = store_put(wr, &p, false, &ch, e);
        if (r == 0) {
            struct store_mark m = {.state = STORE_PENDING};
            w->ino = ch.ino;
            r = store_set_mark(wr, w->ino, w->state.status == LMS_JOB_IN_PROGRESS ? &m : NULL, e);
            if (ch.created) {
                hook_inode(g, jobs_dir(w->tenant));
                hook_inode(g, ino_make(INO_JOB_LAST, w->tenant->info.number, 0, 0));
                hook_entry(g, jobs_dir(w->tenant), "last.json");
            } else if (ch.body_changed) {
                hook_inode(g, w->ino);
            }
        }
        r = write_end(g, wr, r, e);
    }
    free(body);
    return r;
}

static int keep_job(struct watch *w, struct err *e)
{
    json_t *o = json_pack("{s:s,s:I,s:s?,s:I,s:I,s:I,s:i,s:s?,s:O?}", "id", w->id, "record", (json_int_t)w->record,
                          "name", w->record_name, "seq", (json_int_t)w->save_seq, "submitted", (json_int_t)w->submitted,
                          "resolved", (json_int_t)w->resolved, "status", (int)w->state.status, "errors",
                          w->state.errors, "vendor", w->state.vendor);
    char *s = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!s)
        return err_set(e, -ENOMEM, "out of memory");
    int r = ledger_put(w->tenant->engine->store, LEDGER_JOBS, w->ino, s, strlen(s), e);
    free(s);
    return r;
}

/* ------------------------------------------------------------------ polling */

static void watch_over(struct watch *w, bool lost)
{
    struct tenant *t = w->tenant;
    struct err e = {0};
    if (lost) {
        w->state.status = LMS_JOB_FAILED;
        free(w->state.errors);
        w->state.errors = strdup("the LMS no longer knows this job: its end is unknown");
    }
    w->resolved = wall_now();
    keep_job(w, &e);
    if (w->save_seq)
        save_job_over(t, w->save_seq, &w->state, lost, &w->savers);
    show_job(w, &e);
    HASH_DEL(t->watches, w);
    waiters_end(t->engine, &w->waiters, 0, NULL);
    if (w->state.status == LMS_JOB_FAILED)
        err_set(&e, -EINVAL, "%s", w->state.errors ? w->state.errors : "the job failed");
    waiters_end(t->engine, &w->savers, w->state.status == LMS_JOB_FAILED ? -EINVAL : 0, &e);
    watch_release(w);
}

/* The LMS answered, and not with the job's status: is it to be given up? */
static bool is_lost(struct watch *w, int code)
{
    bool answered = code && code != -EHOSTUNREACH && code != -ETIMEDOUT && code != -EAGAIN && code != -EIO;
    w->lost = code == -ENOENT ? w->lost + 1 : 0;
    if (!answered)
        w->unreadable_ms = code ? w->unreadable_ms : 0;
    else if (!w->unreadable_ms)
        w->unreadable_ms = now_ms();
    return w->lost >= LOST_AFTER || (answered && now_ms() - w->unreadable_ms > UNREADABLE_FOR);
}

static void on_status(void *ctx, struct net_result *res)
{
    struct watch *w = ctx;
    struct err e = {0};
    struct lms_job j = {0};
    w->flying = false;
    int r = result_error(w->tenant, res, &e);
    if (r == -ESHUTDOWN)
        return; /* the ledger has it: the next start goes on */
    if (r == 0)
        r = w->tenant->info.provider->job_reply(&res->reply, &j, &e);
    bool moved = r == 0 && !json_equal(w->state.vendor, j.vendor);
    if (r == 0) {
        lms_job_release(&w->state);
        w->state = j;
    }
    if (is_lost(w, r))
        watch_over(w, true);
    else if (r == 0 && j.status != LMS_JOB_IN_PROGRESS)
        watch_over(w, false);
    else {
        if (moved) /* it is tried again, say, and why: who looks without waiting is to see that */
            show_job(w, &e);
        poll_later(w);
    }
}

static enum net_class poll_class(const struct watch *w)
{
    if (w->waiters.first || w->savers.first)
        return NET_PEOPLE;
    return wall_now() - w->submitted > LEFT_OVER_FOR ? NET_LISTING : NET_BACKGROUND;
}

static void poll_now(void *ctx)
{
    struct watch *w = ctx;
    struct tenant *t = w->tenant;
    struct http_request req = {0};
    struct err e = {0};
    w->timer = NULL;
    if (t->info.provider->job_request(w->id, &req, &e)) {
        http_request_release(&req);
        watch_over(w, true);
        return;
    }
    w->flying = true;
    tenant_send_kept(t, &req, poll_class(w), t->info.conf->op_timeout * SECOND, true, on_status, w, &w->send);
}

static void poll_later(struct watch *w)
{
    if (!w->tenant->engine->net)
        return;
    w->timer = net_timer_start(w->tenant->engine->net, w->delay, poll_now, w);
    w->delay = w->delay * 3 / 2 < POLL_MAX ? w->delay * 3 / 2 : POLL_MAX;
}

/* Somebody waits now: the next look is soon, whatever the backoff has come to. */
static void poll_soon(struct watch *w)
{
    w->delay = POLL_FIRST;
    tenant_promote(w->send, NET_PEOPLE);
    if (w->flying || !w->timer || (w->waiters.first && w->waiters.first->next))
        return;
    net_timer_stop(w->timer);
    w->timer = net_timer_start(w->tenant->engine->net, POLL_FIRST / 4, poll_now, w);
}

/* ------------------------------------------------------------------ asks */

static struct watch *watch_new(struct tenant *t, const char *job_id, uint64_t record, const char *record_name,
                               uint64_t save_seq)
{
    struct watch *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    *w = (struct watch){.tenant = t, .record = record, .save_seq = save_seq, .submitted = wall_now(), .delay = POLL_FIRST};
    w->id = strdup(job_id);
    w->record_name = record_name ? strdup(record_name) : NULL;
    if (!w->id) {
        watch_release(w);
        return NULL;
    }
    return w;
}

struct watch *watch_prepare(struct tenant *t, const char *job_id, uint64_t record, const char *record_name,
                            uint64_t save_seq, struct err *e)
{
    struct watch *w = watch_new(t, job_id, record, record_name, save_seq);
    if (!w)
        err_set(e, -ENOMEM, "out of memory");
    if (w && show_job(w, e)) {
        watch_release(w);
        w = NULL;
    }
    return w;
}

int watch_keep(struct watch *w, struct err *e)
{
    return keep_job(w, e);
}

uint64_t watch_begin(struct watch *w)
{
    HASH_ADD(hh, w->tenant->watches, ino, sizeof w->ino, w);
    poll_later(w);
    return w->ino;
}

static struct watch *watch_find(struct tenant *t, uint64_t ino)
{
    struct watch *w = NULL;
    HASH_FIND(hh, t->watches, &ino, sizeof ino, w);
    return w;
}

void watch_ask(struct tenant *t, struct ask *a)
{
    struct watch *w = watch_find(t, a->ino);
    if (!w) {
        ask_end(t->engine, a, 0, NULL);
        return;
    }
    waiters_add(t->engine, &w->waiters, a);
    poll_soon(w);
}

void watch_when_over(struct tenant *t, uint64_t job_ino, struct ask *a)
{
    struct watch *w = watch_find(t, job_ino);
    if (!w) {
        ask_end(t->engine, a, 0, NULL);
        return;
    }
    waiters_add(t->engine, &w->savers, a);
    poll_soon(w);
}

struct over_of { /* the job of a save, among those that are over */
    struct tenant *tenant;
    uint64_t save_seq;
    const char *job; /* its id: a create that became an update has had two */
    bool found;
};

static int over_of_save(void *ctx, uint64_t ino, const void *value, size_t len)
{
    struct over_of *f = ctx;
    (void)ino;
    json_t *o = json_loadb(value, len, JSON_ALLOW_NUL, NULL);
    int status = (int)json_integer_value(json_object_get(o, "status"));
    const char *id = json_string_value(json_object_get(o, "id"));
    if ((uint64_t)json_integer_value(json_object_get(o, "seq")) == f->save_seq && id && !strcmp(id, f->job) &&
        json_integer_value(json_object_get(o, "resolved"))) {
        struct lms_job job = {.status = (enum lms_job_status)status,
                              .errors = (char *)json_string_value(json_object_get(o, "errors")),
                              .vendor = json_object_get(o, "vendor")};
        f->found = true;
        save_job_over(f->tenant, f->save_seq, &job, false, NULL);
    }
    json_decref(o);
    return f->found;
}

bool watch_of_save(struct tenant *t, uint64_t save_seq, const char *job, uint64_t record)
{
    for (struct watch *w = t->watches; w; w = w->hh.next) {
        if (w->save_seq == save_seq && !strcmp(w->id, job)) {
            if (record)
                w->record = record;
            return true;
        }
    }
    struct over_of f = {.tenant = t, .save_seq = save_seq, .job = job};
    ledger_each(t->engine->store, LEDGER_JOBS, over_of_save, &f);
    return f.found;
}

bool watch_has_record(struct tenant *t, uint64_t record)
{
    for (struct watch *w = t->watches; w; w = w->hh.next)
        if (w->record == record)
            return true;
    return false;
}

bool watch_record(struct tenant *t, uint64_t record, struct ask *a)
{
    for (struct watch *w = t->watches; w; w = w->hh.next) {
        if (w->record == record) {
            waiters_add(t->engine, &w->savers, a);
            poll_soon(w);
            return true;
        }
    }
    return false;
}

unsigned watch_count(struct tenant *t)
{
    return HASH_COUNT(t->watches);
}

/* ------------------------------------------------------------------ restart */

static void job_remove(struct tenant *t, uint64_t ino)
{
    struct store_write *w;
    struct err e;
    if (write_begin(t->engine, &w, &e) == 0) {
        int r = store_remove(w, ino, &e);
        write_end(t->engine, w, r == -ENOENT ? 0 : r, &e);
    }
    hook_inode(t->engine, jobs_dir(t));
}

static bool is_old(const struct tenant *t, const json_t *o)
{
    int64_t resolved = json_integer_value(json_object_get(o, "resolved"));
    return resolved && wall_now() - resolved > t->info.conf->job_retention;
}

static struct watch *watch_read(struct tenant *t, const json_t *o)
{
    const char *id = json_string_value(json_object_get(o, "id")),
               *errors = json_string_value(json_object_get(o, "errors"));
    int status = (int)json_integer_value(json_object_get(o, "status"));
    json_t *vendor = json_object_get(o, "vendor");
    struct watch *w = id ? watch_new(t, id, (uint64_t)json_integer_value(json_object_get(o, "record")),
                                     json_string_value(json_object_get(o, "name")),
                                     (uint64_t)json_integer_value(json_object_get(o, "seq")))
                         : NULL;
    if (!w)
        return NULL;
    w->submitted = json_integer_value(json_object_get(o, "submitted"));
    w->resolved = json_integer_value(json_object_get(o, "resolved"));
    w->state.status = status >= 0 && status <= LMS_JOB_FAILED ? (enum lms_job_status)status : LMS_JOB_FAILED;
    w->state.errors = errors ? strdup(errors) : NULL;
    w->state.vendor = json_is_object(vendor) ? json_incref(vendor) : NULL;
    return w;
}

static int replay_one(void *ctx, uint64_t ino, const void *value, size_t len)
{
    struct tenant *t = ctx;
    struct err e = {0};
    if (tenant_of(t->engine, ino) != t)
        return 0;
    json_t *o = json_loadb(value, len, JSON_ALLOW_NUL, NULL);
    struct watch *w = is_old(t, o) ? NULL : watch_read(t, o);
    if (w) {
        show_job(w, &e);
        if (w->ino && w->ino != ino) { /* the cache was begun anew: another number */
            keep_job(w, &e);
            ledger_delete(t->engine->store, LEDGER_JOBS, ino, &e);
        }
        if (w->resolved || w->state.status != LMS_JOB_IN_PROGRESS || !w->ino) {
            watch_release(w);
        } else {
            HASH_ADD(hh, t->watches, ino, sizeof w->ino, w);
            poll_later(w);
        }
    }
    json_decref(o);
    return 0;
}

static int prune_one(void *ctx, uint64_t ino, const void *value, size_t len)
{
    struct tenant *t = ctx;
    struct err e;
    json_t *o = tenant_of(t->engine, ino) == t ? json_loadb(value, len, JSON_ALLOW_NUL, NULL) : NULL;
    if (o && is_old(t, o)) {
        ledger_delete(t->engine->store, LEDGER_JOBS, ino, &e);
        job_remove(t, ino);
    }
    json_decref(o);
    return 0;
}

void watch_prune(struct tenant *t)
{
    ledger_each(t->engine->store, LEDGER_JOBS, prune_one, t);
}

/* Documents of jobs that the ledger doesn't know: a crash came between the cache's commit and the ledger's. */
static void drop_strays(struct tenant *t)
{
    for (uint64_t after = 0, ino = 0;;) {
        struct store_read *v = store_read_begin(t->engine->store);
        const char *name;
        void *value;
        size_t len;
        int r = v ? store_dir_next(v, jobs_dir(t), after, &ino, &name) : -ENOMEM;
        if (v)
            store_read_end(v);
        if (r)
            return;
        after = ino_rec(ino);
        if (ledger_get(t->engine->store, LEDGER_JOBS, ino, &value, &len) == 0)
            free(value);
        else
            job_remove(t, ino);
    }
}

void watch_replay(struct tenant *t)
{
    if (!t->info.provider->job_request)
        return;
    watch_prune(t);
    ledger_each(t->engine->store, LEDGER_JOBS, replay_one, t);
    drop_strays(t);
}

void watch_end_waiting(struct tenant *t)
{
    struct err e;
    err_set(&e, -ESHUTDOWN, "lmsfs is being unmounted");
    for (struct watch *w = t->watches; w; w = w->hh.next)
        waiters_end(t->engine, &w->savers, -ESHUTDOWN, &e);
}

void watch_free(struct tenant *t)
{
    struct watch *w, *next;
    HASH_ITER(hh, t->watches, w, next)
    {
        HASH_DEL(t->watches, w);
        watch_release(w);
    }
}
