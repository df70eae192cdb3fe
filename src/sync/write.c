/* write.c — the way of a save, from the text that was written to the requests it becomes.
 *
 *   parse → whose? → allowed? → what changed? → the server's current record → carry the change onto it → journal → requests → verdict
 *
 * Saves of one record queue behind each other (queue.c); saves of different records don't wait for each other. What a save's asks wait for is its
 * verdict; an ask that times out leaves, the save goes on. Before a save waits for anything it is in the journal: a crash loses nothing,
 * it is run again at the next start, and since what is sent is the difference to the server's current record, running it twice changes
 * nothing twice.
 */
#include "sync/options.h"
#include "sync/save.h"
#include "sync/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_AGAIN        (SECOND / 5) /* while a removal of the record is on its way */
#define UNREACHABLE_FIRST (5 * SECOND)
#define UNREACHABLE_TRIES 30 /* of a save from before a restart: some hours */

/* ------------------------------------------------------------------ life */

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

const char *field_with(const struct lms_collection *c, unsigned flag, const json_t *doc)
{
    for (const struct lms_field *f = c->fields; f && f->name; f++)
        if (f->flags & flag)
            return json_string_value(json_object_get(doc, f->name));
    return NULL;
}

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

/* The server has it as it was saved already. */
static void nothing_to_send(struct save *s)
{
    journal_forget(s);
    if (!save_is_pending(s))
        save_mark(s, STORE_CLEAN, NULL, NULL);
    save_end(s, 0, NULL);
}

static int merge_create(struct save *s)
{
    const char *key;
    json_t *value;
    s->merged = json_deep_copy(s->saved);
    s->changed = json_array();
    if (!s->merged || !s->changed)
        return -ENOMEM;
    json_object_del(s->merged, "_readonly");
    json_object_foreach(s->merged, key, value)
    {
        json_array_append_new(s->changed, json_string(key));
    }
    return 0;
}

static int merge_update(struct save *s, struct err *e)
{
    const char *version = doc_version(s->now.doc);
    snprintf(s->seen[2], sizeof s->seen[2], "%s", version ? version : "");
    int r = doc_apply(s->c, s->base, s->now.doc, s->delta, &s->merged, &s->changed, e);
    /* Created here, and its job still runs: all that there is of it is what we sent. */
    if (r == 0 && (s->now.flags & STORE_PROVISIONAL) && save_is_pending(s))
        json_object_set_new(json_object_get(s->now.doc, "_readonly"), "complete", json_true());
    return r;
}

static void merge(struct save *s)
{
    struct err e = {0};
    char other[256];
    bool create = s->now.doc == NULL;
    int r = create ? merge_create(s) : merge_update(s, &e);
    if (r == 0 && !create && json_array_size(s->changed) == 0 && !s->options && !s->removed && !s->removes) {
        nothing_to_send(s);
        return;
    }
    if (r == 0 && email_taken(s, other))
        r = err_set(&e, -EEXIST, "email: %s holds this address already", other);
    if (r) {
        save_refuse(s, r, &e);
        return;
    }
    s->what_to_send = (struct lms_save){
        .parent_key = s->parent_key,
        .parent_ext = s->parent_ext,
        .key = create || !*s->now.key ? NULL : s->now.key,
        .ext = create ? s->ext : (*s->now.ext ? s->now.ext : NULL),
        .name = s->c->plain_names ? s->key : NULL,
        .removed = s->removed,
        .uid = s->uid,
        .now = s->saved_at,
        .base = create ? NULL : s->now.doc,
        .merged = s->merged,
        .changed = s->changed,
        .options = s->options,
        .defaults = s->option_defaults,
    };
    save_send(s);
}

/* What the record holds as it is shown, later saves of it included, is all sent: nobody can say which of it is news there. */
static int merge_exists(struct save *s)
{
    const struct lms_field *f;
    s->merged = json_deep_copy(s->now.doc ? s->now.doc : s->saved);
    s->changed = json_array();
    s->blank = json_object();
    if (!s->merged || !s->changed || !s->blank)
        return -ENOMEM;
    json_object_del(s->merged, "_readonly");
    json_object_del(s->merged, "_options");
    for (f = s->c->fields; f && f->name; f++) {
        json_t *secret = f->flags & LMS_SECRET ? json_object_get(s->saved, f->name) : NULL;
        if (secret)
            json_object_set(s->merged, f->name, secret);
        if (json_object_get(s->merged, f->name))
            json_array_append_new(s->changed, json_string(f->name));
    }
    return 0;
}

void save_as_update(struct save *s)
{
    lms_plan_release(&s->plan);
    lms_verdict_release(&s->last);
    json_decref(s->merged);
    json_decref(s->changed);
    json_decref(s->blank);
    s->plan = (struct lms_plan){0};
    s->last = (struct lms_verdict){0};
    s->merged = s->changed = s->blank = NULL;
    s->step = 0;
    s->exists = true;
    s->was_sent = false;
    if (!s->key || merge_exists(s)) {
        save_fail(s, s->key ? -ENOMEM : -EEXIST, s->key ? "out of memory" : "a record of this id is there already");
        return;
    }
    s->what_to_send = (struct lms_save){
        .parent_key = s->parent_key,
        .parent_ext = s->parent_ext,
        .key = s->key,
        .ext = s->ext,
        .name = s->c->plain_names ? s->key : NULL,
        .uid = s->uid,
        .now = s->saved_at,
        .base = s->blank,
        .merged = s->merged,
        .changed = s->changed,
        .options = s->options,
        .defaults = s->option_defaults,
    };
    save_send(s);
}

/* A create that went through though its answer was lost: what it did not carry follows, as a change of what is there. */
void save_go_on(struct save *s)
{
    struct err e = {0};
    lms_plan_release(&s->plan);
    lms_verdict_release(&s->last);
    json_decref(s->merged);
    json_decref(s->changed);
    json_decref(s->options); /* they went with the create */
    s->merged = s->changed = s->options = NULL;
    s->plan = (struct lms_plan){0};
    s->last = (struct lms_verdict){0};
    s->step = 0;
    s->was_sent = false;
    save_alias(s);
    known_release(&s->now);
    int r = known_get(s->tenant->engine, s->ino, &s->now);
    if (r == 0) {
        json_object_del(s->saved, "_readonly");
        for (const struct lms_field *f = s->c->fields; f->name; f++) /* can go with a create only, and did */
            if ((f->flags & LMS_FIXED) && !json_object_get(s->now.doc, f->name))
                json_object_del(s->saved, f->name);
        r = doc_diff(s->c, s->now.doc, s->saved, &s->delta, &e);
    }
    if (r)
        save_refuse(s, r, &e);
    else
        merge(s);
}

/* The version that was shown, with our own accepted saves since. -ESTALE where it is no longer kept. */
static int find_base(struct save *s, struct err *e)
{
    struct engine *g = s->tenant->engine;
    const char *version = doc_version(s->saved);
    const char *now = doc_version(s->now.doc);
    json_t *shown = NULL;
    if (s->kept_base) { /* from before a restart: the same base makes the same difference */
        s->base = json_incref(s->kept_base);
        return 0;
    }
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
        return err_set(
            e,
            -ESTALE, "_readonly.version %.16s is not kept any more: read the file anew, or delete `_readonly` to save all fields as they stand",
            version);
    s->base = own_rebase(s->tenant, s->c, s->ino, version, shown);
    json_decref(shown);
    return 0;
}

void save_merge_again(struct save *s)
{
    json_decref(s->merged);
    json_decref(s->changed);
    s->merged = s->changed = NULL;
    known_release(&s->now);
    if (known_get(s->tenant->engine, s->ino, &s->now)) { /* cannot be: the fetch just wrote it */
        save_fail(s, -ENOENT, "the record is no more");
        return;
    }
    merge(s);
}

static void on_current(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct save *s = ctx;
    (void)ino;
    if (code)
        save_refuse(s, code, e);
    else
        save_merge_again(s);
}

/* What is known will do as the server's current record: its detail is young, or our own save of it is under way. */
static bool is_current(const struct save *s)
{
    if (!(s->c->can & LMS_GET))
        return true;
    if (s->replayed) /* what is shown may be what the save itself had made of it */
        return false;
    return save_is_pending(s) ||
           ((s->now.flags & STORE_COMPLETE) && wall_now() - s->now.detail_at < s->tenant->info.conf->record_ttl);
}

static void difference(struct save *s)
{
    struct tenant *t = s->tenant;
    struct err e = {0};
    int r = find_base(s, &e);
    if (r == 0)
        r = doc_diff(s->c, s->base, s->saved, &s->delta, &e);
    bool orphan = (s->now.flags & STORE_PROVISIONAL) &&
                  !save_is_pending(s); /* created here, never seen since: only the LMS can tell */
    bool nothing = r == 0 && json_object_size(s->delta) == 0 && !s->options && !orphan && !s->removed && !s->removes;
    const char *moved =
        nothing && json_object_get(s->saved, "_readonly") ? doc_moved_on(s->c, s->base, s->now.doc) : NULL;
    if (moved)
        r = err_set(
            &e,
            -ESTALE, "this is an older version, unchanged, and the record has moved on since in %s: delete `_readonly` to restore it",
            moved);
    if (r) {
        save_refuse(s, r, &e);
    } else if (nothing) {
        journal_forget(s);
        save_end(s, 0, NULL);
    } else if (is_current(s)) {
        merge(s);
    } else if (!s->seq && (r = journal_write(s, "begun", NULL, &e))) {
        save_refuse(s, r, &e);
    } else {
        fetch_by_ino(t, s->ino, NET_PEOPLE, t->info.conf->op_timeout * SECOND, on_current, s);
    }
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
    if (json_is_string(in) && strcmp(json_string_value(in), s->ext) != 0)
        return err_set(
            e, -EINVAL,
            "%s: the document holds \"%.64s\", the file's name says \"%.64s\": saving it would rename a person",
            id_field, json_string_value(in), s->ext);
    if (!in && !s->now.doc)
        json_object_set_new(s->saved, id_field, json_string(s->ext));
    return 0;
}

static int check_allowed(struct save *s, struct err *e)
{
    const char *vendor = s->tenant->info.provider->name;
    bool create = s->now.doc == NULL;
    if (create && !(s->c->can & LMS_CREATE))
        return err_set(e, -EPERM, "%s has no way to create one of %s", vendor, s->c->name);
    if (!create && !(s->c->can & LMS_UPDATE))
        return err_set(e, -EPERM, "%s has no way to change one of %s", vendor, s->c->name);
    if (!create && !(s->now.flags & STORE_ACTIVE))
        return err_set(e, -EPERM, "this person is deactivated: move the file back into %s first", s->c->name);
    if (lms_has_parents(s->c) && !s->parent_key)
        return err_set(e, -ENOENT, "nobody is known whose %s these are", s->c->name);
    return 0;
}

static void check(struct save *s)
{
    struct err e = {0};
    char today[11];
    bool create = s->now.doc == NULL;
    today_utc(today);
    int r = check_allowed(s, &e);
    if (r == 0)
        r = check_name(s, &e);
    if (r == 0 && !s->option_defaults)
        s->option_defaults = options_of_conf(s->tenant->info.conf, &r);
    if (r == 0) {
        json_t *options = json_object_get(s->saved, "_options");
        r = create ? doc_check(s->c, s->saved, true, today, &e) : doc_check_edit(s->c, s->now.doc, s->saved, today, &e);
        s->options = r == 0 ? json_incref(options) : NULL;
        json_object_del(s->saved, "_options");
    }
    if (r)
        save_refuse(s, r, &e);
    else if (s->exists)
        save_as_update(s);
    else if (create)
        merge(s);
    else
        difference(s);
}

/* Which record the name means now. Fills ino and now; ino 0: none. */
static void locate(struct save *s)
{
    uint64_t ino = record_by_name(s->tenant->engine, s->home, s->name);
    known_release(&s->now);
    s->ino = ino && known_get(s->tenant->engine, ino, &s->now) == 0 ? ino : 0;
    s->removed = !s->ino && s->c->kind == LMS_WRITE_ONLY && !accepted_removed(s->tenant, s->home, s->name, &s->now);
}

/* What the name says of whom it is. */
static int read_name(struct save *s, char *stem, size_t size, bool *named)
{
    const char *prefix = s->c->ext_prefix;
    *named = stem_of_name(s->c, s->name, stem, size) == 0;
    if (*named && prefix && !strncmp(stem, prefix, strlen(prefix)))
        s->ext = strdup(stem + strlen(prefix));
    else if (s->now.ext && *s->now.ext)
        s->ext = strdup(s->now.ext);
    if (s->c->kind == LMS_WRITE_ONLY && s->now.key && *s->now.key)
        s->key = strdup(s->now.key);
    else if (*named && (s->c->plain_names || s->c->kind == LMS_WRITE_ONLY))
        s->key = strdup(s->ext ? s->ext : stem + 3); /* "ID-" */
    return *named && s->c->kind == LMS_WRITE_ONLY && !s->key ? -ENOMEM : 0;
}

static void on_looked_up(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct save *s = ctx;
    (void)ino;
    if (code && code != -ENOENT) {
        save_refuse(s, code, e);
        return;
    }
    locate(s);
    if (!save_waits_for_other(s))
        check(s);
}

void save_again(void *ctx)
{
    struct save *s = ctx;
    s->timer = NULL;
    if (s->tries)
        s->tenant->engine->busy++;
    save_begin(s);
}

/* Nobody is known by that name: the LMS may know one. */
static void look_for_name(struct save *s, const char *stem)
{
    struct tenant *t = s->tenant;
    struct err e = {0};
    int r = s->seq ? 0 : journal_write(s, "begun", NULL, &e);
    if (r)
        save_refuse(s, r, &e);
    else
        fetch_record(t, s->home, s->c, stem, NET_PEOPLE, t->info.conf->op_timeout * SECOND, on_looked_up, s);
}

void save_begin(struct save *s)
{
    struct tenant *t = s->tenant;
    struct err e = {0};
    char stem[1024];
    locate(s);
    if (s->ino && removal_is_out(t, s->ino)) { /* what the save is of is decided by its end */
        known_release(&s->now);
        s->timer = net_timer_start(t->engine->net, LOOK_AGAIN, save_again, s);
        if (s->timer) {
            t->engine->busy -= s->tries != 0; /* save_again() counts it */
            return;
        }
    }
    if (s->ino)
        removal_take_back(t, s->ino); /* renamed onto, or saved: it is to be there, whatever becomes of the document */
    int r = doc_parse(s->text, s->len, t->engine->conf->max_document, &s->saved, &e);
    if (r == 0 && !json_is_object(s->saved))
        r = err_set(&e, -EINVAL, "the document is not a JSON object");
    if (r == 0)
        r = doc_gather(s->c, s->saved, &e);
    if (r) {
        save_refuse(s, r == -ENODATA ? -EINVAL : r, &e);
        return;
    }
    bool named;
    if (read_name(s, stem, sizeof stem, &named)) {
        save_fail(s, -ENOMEM, "out of memory");
        return;
    }
    if (save_waits_for_other(s))
        return;
    if (!s->ino && named && (s->c->can & LMS_GET))
        look_for_name(s, stem);
    else
        check(s);
}

/* ------------------------------------------------------------------ asks */

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
