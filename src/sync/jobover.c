/* jobover.c — how a save's job ended, some time after its verdict. A job that failed: the document goes to rejected/ and the server's
 * version comes back. One with warnings, or a create: the record is read anew. */
#include "sync/save.h"
#include "sync/hook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static json_t *entry_get(struct tenant *t, uint64_t seq)
{
    void *value;
    size_t len;
    if (ledger_get(t->engine->store, LEDGER_SAVES, seq, &value, &len))
        return NULL;
    json_t *o = json_loadb(value, len, JSON_ALLOW_NUL, NULL);
    explicit_bzero(value, len);
    free(value);
    return o;
}

/* ------------------------------------------------------------------ read anew, then forgotten */

struct after {
    struct tenant *tenant;
    uint64_t seq;
};

static void fetched(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct after *a = ctx;
    struct err ignored;
    (void)ino;
    (void)e;
    if (code != -ESHUTDOWN)
        ledger_delete(a->tenant->engine->store, LEDGER_SAVES, a->seq, &ignored);
    free(a);
}

static void read_anew(struct tenant *t, uint64_t seq, uint64_t home, const char *name, uint64_t ino)
{
    struct err e;
    char stem[1024];
    struct after *a = ino ? malloc(sizeof *a) : NULL;
    if (!a) {
        ledger_delete(t->engine->store, LEDGER_SAVES, seq, &e);
        return;
    }
    *a = (struct after){t, seq};
    const struct lms_collection *c = engine_collection(t->engine, home);
    if (c && stem_of_name(c, name, stem, sizeof stem) == 0)
        absent_forget(t, home, stem);
    fetch_by_ino(t, ino, NET_LISTING, 60 * SECOND, fetched, a);
}

/* ------------------------------------------------------------------ failed */

static bool is_written_only(struct tenant *t, uint64_t home)
{
    const struct lms_collection *c = engine_collection(t->engine, home);
    return c && c->kind == LMS_WRITE_ONLY;
}

void save_restore(struct tenant *t, json_t *o, uint64_t ino)
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
    const struct lms_collection *c = engine_collection(t->engine, k.home);
    struct lms_record rec = {.key = k.key,
                             .ext = *k.ext ? k.ext : NULL,
                             .email = (char *)(c ? field_with(c, LMS_IS_EMAIL, before) : NULL),
                             .active = k.flags & STORE_ACTIVE,
                             .doc = before};
    struct record_put p = {.home = k.home, .ino = ino, .source = RECORD_SAVED, .even_if_pending = true, .exact = true};
    uint64_t same;
    record_put_now(t, &p, &rec, &same, &e);
    known_release(&k);
}

void save_bring_back(struct tenant *t, uint64_t seq, json_t *o)
{
    uint64_t home = (uint64_t)json_integer_value(json_object_get(o, "home"));
    const char *name = json_string_value(json_object_get(o, "name")),
               *words = json_string_value(json_object_get(o, "words"));
    uint64_t ino = record_by_name(t->engine, home, name);
    struct store_mark m = {.state = STORE_FAILED};
    struct known k;
    struct err e;
    if (is_written_only(t, home)) { /* the ledger has been told; what it says is shown */
        if (ino)
            own_forget(t, ino);
        accepted_show(t, home, name, words, &ino, &e);
        ledger_delete(t->engine->store, LEDGER_SAVES, seq, &e);
        return;
    }
    if (ino) {
        snprintf(m.error, sizeof m.error, "%s", words ? words : "");
        save_restore(t, o, ino);
        own_forget(t, ino);
        if (known_get(t->engine, ino, &k) == 0)
            record_mark(t->engine, ino, &m);
        else
            ino = 0;
        known_release(&k);
    }
    read_anew(t, seq, home, name, ino);
}

/* Refused and out of the journal's way in one commit: a crash in between must not refuse it twice. */
static void note_failed(struct tenant *t, uint64_t seq, json_t *o, const char *words)
{
    struct store *st = t->engine->store;
    uint64_t home = (uint64_t)json_integer_value(json_object_get(o, "home"));
    size_t len = 0;
    char *text = journal_text(t->engine, seq, o, &len);
    const json_t *request = json_object_get(o, "request");
    struct reason why = {.code = -EINVAL,
                         .text = words,
                         .method = json_string_value(json_object_get(request, "method")),
                         .path = json_string_value(json_object_get(request, "path")),
                         .job = json_string_value(json_object_get(o, "job"))};
    struct err e;
    bool one = ledger_begin(st, &e) == 0;
    if (is_written_only(t, home))
        accepted_settle(t, home, json_string_value(json_object_get(o, "name")), seq, true, &e);
    reject(t, engine_collection(t->engine, home), home, json_string_value(json_object_get(o, "name")), text, len, &why);
    if (text)
        explicit_bzero(text, len);
    free(text);
    json_object_set_new(o, "phase", json_string("failed"));
    json_object_set_new(o, "words", json_string(words));
    json_object_del(o, "sealed");
    json_object_set_new(o, "text", json_string("")); /* rejected/ has it, masked; secrets leave the journal */
    char *v = json_dumps(o, JSON_COMPACT);
    if (v)
        ledger_put(st, LEDGER_SAVES, seq, v, strlen(v), &e);
    free(v);
    if (one)
        ledger_commit(st, &e);
    test_hook("job-failed");
}

/* ------------------------------------------------------------------ over */

static const char *failure_words(const struct lms_job *job, bool lost)
{
    return lost ? "the LMS no longer knows this job: its end is unknown" : job->errors ? job->errors : "the job failed";
}

static bool is_latest(struct tenant *t, uint64_t ino, const char *job)
{
    struct store_mark mark = {0};
    struct store_read *v = ino ? store_read_begin(t->engine->store) : NULL;
    bool ours = v && store_mark(v, ino, &mark) == 0 && job && !strcmp(mark.job, job); /* no later save took its place */
    if (v)
        store_read_end(v);
    return ours;
}

/* The create failed, for the same id is there: it goes on as an update, and who waits for its job waits for that one's. */
static bool goes_on(struct tenant *t, uint64_t seq, const json_t *o, const struct lms_job *job, struct waiters *savers)
{
    const struct lms_provider *p = t->info.provider;
    if (!p->says_exists || !json_is_true(json_object_get(o, "created")) || json_is_true(json_object_get(o, "exists")))
        return false;
    struct save *s = journal_save(t, seq, o);
    json_t *doc = NULL;
    struct err e;
    if (!s || doc_parse(s->text, s->len, SIZE_MAX, &doc, &e)) {
        if (s)
            save_release(s);
        return false;
    }
    char stem[1024], *ext = NULL;
    const char *prefix = s->c->ext_prefix;
    if (stem_of_name(s->c, s->name, stem, sizeof stem) == 0 && prefix && !strncmp(stem, prefix, strlen(prefix)))
        ext = stem + strlen(prefix);
    struct lms_save as_sent = {.parent_key = s->parent_key,
                               .parent_ext = s->parent_ext,
                               .ext = ext,
                               .name = s->c->plain_names ? stem + 3 : NULL,
                               .uid = s->uid,
                               .now = s->saved_at,
                               .merged = doc};
    bool exists = p->says_exists(s->c, &as_sent, NULL, job);
    json_decref(doc);
    if (!exists) {
        save_release(s);
        return false;
    }
    s->exists = true;
    s->replayed = false;
    while (savers && savers->first) {
        struct ask *a = savers->first;
        waiters_leave(a);
        waiters_add(t->engine, &s->waiters, a);
    }
    save_enqueue(s);
    return true;
}

static void written_job_over(struct tenant *t, uint64_t seq, json_t *o, const struct lms_job *job, bool lost)
{
    uint64_t home = (uint64_t)json_integer_value(json_object_get(o, "home")), ino;
    const char *name = json_string_value(json_object_get(o, "name"));
    bool warned = job && job->status == LMS_JOB_WARNINGS;
    struct err e;
    if (lost || job->status == LMS_JOB_FAILED) {
        note_failed(t, seq, o, failure_words(job, lost));
        save_bring_back(t, seq, o);
        return;
    }
    bool one = ledger_begin(t->engine->store, &e) == 0;
    accepted_settle(t, home, name, seq, false, &e);
    ledger_delete(t->engine->store, LEDGER_SAVES, seq, &e);
    if (one)
        ledger_commit(t->engine->store, &e);
    accepted_show(t, home, name, warned ? job->errors : NULL, &ino, &e);
    if (ino)
        hook_inode(t->engine, ino);
}

void save_job_over(struct tenant *t, uint64_t seq, const struct lms_job *job, bool lost, struct waiters *savers)
{
    struct err e;
    json_t *o = entry_get(t, seq);
    const char *name = json_string_value(json_object_get(o, "name")),
               *id = json_string_value(json_object_get(o, "job"));
    uint64_t home = (uint64_t)json_integer_value(json_object_get(o, "home"));
    if (!name) {
        json_decref(o);
        return;
    }
    if (!lost && job->status == LMS_JOB_FAILED && goes_on(t, seq, o, job, savers)) {
        json_decref(o);
        return;
    }
    if (is_written_only(t, home)) {
        written_job_over(t, seq, o, job, lost);
        json_decref(o);
        return;
    }
    uint64_t ino = record_by_name(t->engine, home, name);
    if (ino)
        touched_note(t, ino);
    bool ours = is_latest(t, ino, id), warned = !lost && job->status == LMS_JOB_WARNINGS;
    if (lost || job->status == LMS_JOB_FAILED) {
        note_failed(t, seq, o, failure_words(job, lost));
        if (ours)
            save_bring_back(t, seq, o);
        else
            ledger_delete(t->engine->store, LEDGER_SAVES, seq, &e);
        if (ino)
            own_forget(t, ino); /* no base for what follows */
    } else if (ours) {
        struct store_mark m = {.state = STORE_CLEAN};
        snprintf(m.error, sizeof m.error, "%s", warned && job->errors ? job->errors : "");
        record_mark(t->engine, ino, m.error[0] ? &m : NULL);
        bool anew = warned || json_is_true(json_object_get(o, "created"));
        read_anew(t, seq, home, name, anew ? ino : 0);
    } else {
        ledger_delete(t->engine->store, LEDGER_SAVES, seq, &e);
    }
    if (ino)
        hook_inode(t->engine, ino);
    json_decref(o);
}
