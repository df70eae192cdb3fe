/* save.c — a save: how it begins to be, what is shown of its record meanwhile, how it ends. save.h says who moves it in between. */
#include "sync/save.h"
#include "sync/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UNREACHABLE_FIRST (5 * SECOND)
#define UNREACHABLE_TRIES 30 /* of a save from before a restart: some hours */

struct save *save_new(struct tenant *t, uint64_t home, const char *name, char *text, size_t len)
{
    struct save *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct save){
        .tenant = t, .home = home, .text = text, .len = len, .name = strdup(name), .c = engine_collection(t->engine, home)};
    s->saved_at = wall_now();
    s->parent_key = parent_of(t->engine, home, &s->parent_ext);
    if (uid_new(s->uid) || !s->name || asprintf(&s->what, "%llx/%s", (unsigned long long)home, name) < 0) {
        free(s->name);
        free(s->parent_key);
        free(s->parent_ext);
        free(s);
        return NULL;
    }
    return s;
}

void save_drop_work(struct save *s)
{
    save_unsplit(s);
    known_release(&s->now);
    json_decref(s->saved);
    json_decref(s->options);
    json_decref(s->option_defaults);
    json_decref(s->base);
    json_decref(s->delta);
    json_decref(s->merged);
    json_decref(s->changed);
    json_decref(s->blank);
    free(s->ext);
    free(s->key);
    lms_plan_release(&s->plan);
    lms_verdict_release(&s->last);
    s->saved = s->options = s->option_defaults = s->base = s->delta = s->merged = s->changed = s->blank = NULL;
    s->ext = s->key = NULL;
    s->removed = false;
    s->plan = (struct lms_plan){0};
    s->last = (struct lms_verdict){0};
    s->step = 0;
}

void save_release(struct save *s)
{
    save_drop_work(s);
    save_leave_parts(s);
    if (s->text)
        explicit_bzero(s->text, s->len);
    free(s->text);
    if (s->secret)
        explicit_bzero(s->secret, strlen(s->secret));
    free(s->secret);
    free(s->name);
    free(s->what);
    free(s->id);
    free(s->parent_key);
    free(s->parent_ext);
    json_decref(s->kept_base);
    free(s);
}

/* ------------------------------------------------------------------ what is shown meanwhile */

bool save_is_pending(const struct save *s)
{
    struct store_mark mark;
    struct store_read *v = store_read_begin(s->tenant->engine->store);
    bool pending = v && store_mark(v, s->ino, &mark) == 0 && mark.state == STORE_PENDING;
    if (v)
        store_read_end(v);
    return pending;
}

void save_mark(struct save *s, enum store_state state, const char *job, const char *error)
{
    struct store_mark m = {.state = state};
    if (!s->ino)
        return;
    snprintf(m.job, sizeof m.job, "%s", job ? job : "");
    snprintf(m.error, sizeof m.error, "%s", error ? error : "");
    record_mark(s->tenant->engine, s->ino, state == STORE_CLEAN ? NULL : &m);
}

/* new.json is the created record's name until the unmount: the second save from the same editor updates. */
void save_alias(struct save *s)
{
    struct store_write *w;
    struct err e;
    if (s->ino && !strncmp(s->name, "new", 3) && write_begin(s->tenant->engine, &w, &e) == 0)
        write_end(s->tenant->engine, w, store_set_alias(w, s->home, s->name, ino_as(s->ino, INO_ALIAS_NEW), &e), &e);
}

/* ------------------------------------------------------------------ the end */

void save_end(struct save *s, int code, const struct err *e)
{
    struct tenant *t = s->tenant;
    if (code == 0) {
        save_hand_over(s);
        save_wait_parts(s);
    }
    struct save *next = save_leave(s);
    if (s->secret && s->ino) /* also when a later step was refused: the LMS has told it, and tells it once */
        secret_keep(t->engine, s->ino, s->secret);
    for (struct ask *a = s->waiters.first; a; a = a->next)
        a->answer_ino = s->ino;
    waiters_end(t->engine, &s->waiters, code, e);
    if (s->seq && code != -ESHUTDOWN && !s->last.job_id && seal_is_needed(s->c))
        seal_drop(t->engine, s->seq); /* the journal has forgotten it */
    save_release(s);
    if (next)
        save_begin(next);
}

/* A save from before a restart has nobody who could be told: while the LMS can't be reached it is kept and tried again. */
static bool try_later(struct save *s, int code)
{
    struct engine *g = s->tenant->engine;
    if (!s->replayed || s->waiters.first || s->behind || s->tries >= UNREACHABLE_TRIES || !g->net ||
        (code != -EHOSTUNREACH && code != -ETIMEDOUT))
        return false;
    int64_t delay = UNREACHABLE_FIRST << (s->tries < 7 ? s->tries : 7);
    s->timer = net_timer_start(g->net, delay, save_again, s);
    if (!s->timer)
        return false;
    s->tries++;
    s->was_sent = s->was_sent || s->plan.n;
    save_drop_work(s);
    g->busy--; /* a shutdown needn't wait for it */
    return true;
}

/* Refused: the document is kept with the reason, the record stays as the server has it. */
void save_refuse(struct save *s, int code, const struct err *told)
{
    struct err masked = *told, *e = &masked; /* the LMS's words may repeat what the document holds */
    doc_mask_text(s->c, s->saved, masked.text);
    doc_mask_text(s->c, s->now.doc, masked.text);
    struct store *st = s->tenant->engine->store;
    struct err ignored;
    if (code == -ESHUTDOWN) { /* no verdict: the journal has it, the next start goes on */
        save_end(s, code, e);
        return;
    }
    if (try_later(s, code))
        return;
    const struct http_request *req = s->plan.n && s->step < s->plan.n ? &s->plan.steps[s->step] : NULL;
    struct reason why = {.code = code,
                         .text = e->text,
                         .method = req ? http_method_name(req->method) : NULL,
                         .path = req ? http_shown(req) : NULL,
                         .shown = code == -ESTALE ? s->base : NULL,
                         .server = code == -ESTALE ? s->now.doc : NULL};
    bool one = ledger_begin(st, &ignored) == 0;
    reject(s->tenant, s->c, s->home, s->name, s->text, s->len, &why);
    journal_forget(s);
    if (one)
        ledger_commit(st, &ignored);
    if (s->ino) {
        if (!save_is_pending(s)) /* an earlier save's job is still what the record waits for */
            save_mark(s, STORE_FAILED, NULL, e->text);
        hook_inode(s->tenant->engine, s->ino);
    }
    save_end(s, code, e);
}

void save_fail(struct save *s, int code, const char *text)
{
    struct err e;
    err_set(&e, code, "%s", text);
    save_refuse(s, code, &e);
}

/* ------------------------------------------------------------------ asks */

static void begin_asked(struct tenant *t, struct ask *a, bool removes)
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
    s->removes = removes;
    waiters_add(t->engine, &s->waiters, a);
    save_enqueue(s);
}

void save_ask(struct tenant *t, struct ask *a)
{
    begin_asked(t, a, false);
}

void save_resend(struct tenant *t, struct ask *a)
{
    struct known k;
    struct err e = {0};
    uint64_t ino = record_by_name(t->engine, a->ino, a->name);
    const struct lms_collection *c = engine_collection(t->engine, a->ino);
    int r = c && ino ? known_get(t->engine, ino, &k) : -ENOENT;
    if (r) {
        ask_end(t->engine, a, err_set(&e, r, "nothing is known by that name"), &e);
        return;
    }
    json_object_del(k.doc, "_readonly");
    char *text = json_dumps(k.doc, JSON_COMPACT);
    known_release(&k);
    struct save *s = text ? save_new(t, a->ino, a->name, text, strlen(text)) : NULL;
    if (!s) {
        free(text);
        ask_end(t->engine, a, err_set(&e, -ENOMEM, "out of memory"), &e);
        return;
    }
    s->caller = a->caller;
    s->exists = true; /* all that is shown, as an update of what is there */
    waiters_add(t->engine, &s->waiters, a);
    save_enqueue(s);
}

void save_emptied(struct tenant *t, struct ask *a)
{
    begin_asked(t, a, true);
}
