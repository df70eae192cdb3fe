/* journal.c — saves that are not settled, in the ledger, and what is done with them after a crash.
 *
 *   begun     it waits for the network, and nothing that changes anything was sent
 *   sent      its requests may have left; what the LMS made of them isn't known
 *   accepted  its job is watched; "after" is what is shown meanwhile
 *   failed    its job failed and the document is in rejected/; the server's version is still to come back
 *
 * "save" and "at" name this save to the LMS, the same in each of its tries. "base" is the version that was shown with our own saves carried onto it: from it the same difference is made again. "before" is the
 * server's record as it was. "request" is the one that began the job. A document that may hold secrets is "sealed" and no "text".
 */
#include "sync/save.h"
#include "sync/hook.h"
#include "sync/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void journal_forget(struct save *s)
{
    struct err e;
    if (s->seq)
        ledger_delete(s->tenant->engine->store, LEDGER_SAVES, s->seq, &e);
}

static int put_text(struct save *s, json_t *o, struct err *e)
{
    if (!seal_is_needed(s->c))
        return json_object_set_new(o, "text", json_stringn(s->text, s->len))
                   ? err_set(e, -EINVAL, "the document can't be kept in the journal: it is not UTF-8")
                   : 0;
    char *hex = seal(s->tenant->engine, s->seq, s->text, s->len, e);
    int r = hex ? json_object_set_new(o, "sealed", json_string(hex)) : e->code;
    free(hex);
    return r ? err_set(e, r == -1 ? -ENOMEM : r, "out of memory") : 0;
}

static json_t *request_shown(const struct http_request *req)
{
    return json_pack("{s:s,s:s}", "method", http_method_name(req->method), "path", http_shown(req));
}

static json_t *entry(struct save *s, const char *phase, const char *job)
{
    json_t *o =
        json_pack("{s:I,s:I,s:s,s:I,s:I,s:s,s:s,s:s?,s:b,s:I,s:s,s:I}", "tenant", (json_int_t)s->tenant->info.number,
                  "home", (json_int_t)s->home, "name", s->name, "uid", (json_int_t)s->caller.uid, "pid",
                  (json_int_t)s->caller.pid, "command", s->caller.command, "phase", phase, "job", job, "created",
                  s->now.doc == NULL, "ino", (json_int_t)s->ino, "save", s->uid, "at", (json_int_t)s->saved_at);
    if (!o)
        return NULL;
    json_object_set_new(o, "exists", json_boolean(s->exists));
    json_object_set_new(o, "removes", json_boolean(s->removes));
    if (job && s->plan.n) /* what `why` names, should the job fail */
        json_object_set_new(o, "request", request_shown(&s->plan.steps[s->plan.n - 1]));
    if (s->now.doc)
        json_object_set(o, "before", s->now.doc);
    json_t *base = s->base ? s->base : s->kept_base;
    if (base)
        json_object_set(o, "base", base);
    if (!strcmp(phase, "accepted") && s->c->kind != LMS_WRITE_ONLY) /* of those the ledger knows it */
        json_object_set_new(o, "after", doc_project(s->c, s->now.doc, s->merged));
    return o;
}

int journal_write(struct save *s, const char *phase, const char *job, struct err *e)
{
    struct store *st = s->tenant->engine->store;
    if (s->tenant->engine->conf->dry_run) /* nothing of it may be sent, not even by a later start */
        return 0;
    test_hook("before-journal");
    if (!s->seq && ledger_next_key(st, LEDGER_SAVES, &s->seq))
        return err_set(e, -EIO, "the journal can't be written");
    json_t *o = entry(s, phase, job);
    if (!o)
        return err_set(e, -ENOMEM, "out of memory");
    int r = put_text(s, o, e);
    char *v = r ? NULL : json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (!v)
        return r ? r : err_set(e, -ENOMEM, "out of memory");
    r = ledger_put(st, LEDGER_SAVES, s->seq, v, strlen(v), e);
    explicit_bzero(v, strlen(v));
    free(v);
    if (r == 0)
        test_hook(!strcmp(phase, "sent") ? "after-journal" : phase);
    return r;
}

/* ------------------------------------------------------------------ the next start */

/* What the save made of the record is shown again, should the crash have come before the cache had it. */
static void show_again(struct tenant *t, json_t *o, uint64_t home, const char *name, const char *job)
{
    const struct lms_collection *c = engine_collection(t->engine, home);
    json_t *after = json_object_get(o, "after");
    struct store_mark m = {.state = STORE_PENDING};
    struct err e = {0};
    struct known k = {0};
    uint64_t ino = record_by_name(t->engine, home, name);
    if (c->kind == LMS_WRITE_ONLY) {
        accepted_show(t, home, name, NULL, &ino, &e);
        return;
    }
    bool known = ino && known_get(t->engine, ino, &k) == 0;
    if (json_is_object(after)) {
        const char *ext = c->ext_prefix ? field_with(c, LMS_IS_EXT, after) : NULL;
        struct lms_record rec = {.key = known && *k.key ? k.key : NULL,
                                 .ext = (char *)(ext               ? ext
                                                 : known && *k.ext ? k.ext
                                                                   : NULL),
                                 .email = (char *)field_with(c, LMS_IS_EMAIL, after),
                                 .active = true,
                                 .doc = after};
        struct record_put p = {.home = home, .ino = known ? ino : 0, .source = RECORD_SAVED, .even_if_pending = true};
        if (known || rec.ext)
            record_put_now(t, &p, &rec, &ino, &e);
    }
    known_release(&k);
    snprintf(m.job, sizeof m.job, "%s", job ? job : "");
    if (ino)
        record_mark(t->engine, ino, &m);
}

static void replay_accepted(struct tenant *t, uint64_t seq, json_t *o, uint64_t home, const char *name)
{
    const char *job = json_string_value(json_object_get(o, "job"));
    struct err e = {0};
    show_again(t, o, home, name, job);
    uint64_t ino = record_by_name(t->engine, home, name);
    if (job && watch_of_save(t, seq, job, ino))
        return;
    struct watch *w = job ? watch_prepare(t, job, ino ? ino : home, name, seq, &e) : NULL;
    if (!w) { /* no job, and none can be watched */
        save_job_over(t, seq, NULL, true, NULL);
        return;
    }
    watch_keep(w, &e); /* its watch was lost with a damaged ledger, or was never written */
    watch_begin(w);
}

char *journal_text(struct engine *g, uint64_t seq, const json_t *o, size_t *len)
{
    json_t *text = json_object_get(o, "text");
    const char *sealed = json_string_value(json_object_get(o, "sealed"));
    if (sealed)
        return unseal(g, seq, sealed, len);
    char *copy = json_is_string(text) ? malloc(json_string_length(text) + 1) : NULL;
    if (copy)
        memcpy(copy, json_string_value(text), json_string_length(text) + 1);
    *len = json_string_length(text);
    return copy;
}

/* Its pad is gone: nobody can send it any more, and it mustn't go in silence. */
static void lost_text(struct tenant *t, uint64_t seq, uint64_t home, const char *name)
{
    struct reason why = {.code = -EIO, .text = "the document of this save can't be read in the journal: save it again"};
    struct err e;
    reject(t, engine_collection(t->engine, home), home, name, NULL, 0, &why);
    ledger_delete(t->engine->store, LEDGER_SAVES, seq, &e);
}

struct save *journal_save(struct tenant *t, uint64_t seq, const json_t *o)
{
    uint64_t home = (uint64_t)json_integer_value(json_object_get(o, "home"));
    const char *name = json_string_value(json_object_get(o, "name")),
               *id = json_string_value(json_object_get(o, "save"));
    json_t *base = json_object_get(o, "base");
    size_t len;
    char *text = journal_text(t->engine, seq, o, &len);
    struct save *s = text ? save_new(t, home, name, text, len) : NULL;
    if (!s) {
        free(text);
        return NULL;
    }
    s->seq = seq;
    s->replayed = true;
    s->kept_base = json_is_object(base) ? json_incref(base) : NULL;
    caller_read(&s->caller, o);
    s->exists = json_is_true(json_object_get(o, "exists"));
    s->removes = json_is_true(json_object_get(o, "removes"));
    if (id && strlen(id) == sizeof s->uid - 1) { /* an older lmsfs noted none */
        snprintf(s->uid, sizeof s->uid, "%s", id);
        s->saved_at = json_integer_value(json_object_get(o, "at"));
    }
    return s;
}

static void replay_save(struct tenant *t, uint64_t seq, json_t *o, uint64_t home, const char *name)
{
    struct save *s = journal_save(t, seq, o);
    if (!s) {
        lost_text(t, seq, home, name);
        return;
    }
    s->was_sent = !strcmp(json_string_value(json_object_get(o, "phase")), "sent");
    save_enqueue(s);
}

static int replay_one(void *ctx, uint64_t seq, const void *value, size_t len)
{
    struct tenant *t = ctx;
    json_t *o = json_loadb(value, len, JSON_ALLOW_NUL, NULL);
    const char *phase = json_string_value(json_object_get(o, "phase")),
               *name = json_string_value(json_object_get(o, "name"));
    uint64_t home = (uint64_t)json_integer_value(json_object_get(o, "home"));
    if (phase && name && tenant_of(t->engine, home) == t && engine_collection(t->engine, home)) {
        if (!strcmp(phase, "accepted"))
            replay_accepted(t, seq, o, home, name);
        else if (!strcmp(phase, "failed"))
            save_bring_back(t, seq, o);
        else if (strcmp(phase, "dry") != 0 && !t->engine->conf->dry_run)
            replay_save(t, seq, o, home, name);
    }
    json_decref(o);
    return 0;
}

void save_replay(struct tenant *t)
{
    seal_sweep(t->engine);
    ledger_each(t->engine->store, LEDGER_SAVES, replay_one, t);
}
