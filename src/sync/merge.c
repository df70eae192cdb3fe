/* merge.c — what a save changes: its difference to the version that was shown, carried onto the server's current record. */
#include "sync/save.h"

#include <errno.h>
#include <string.h>

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

void save_merge(struct save *s)
{
    struct err e = {0};
    char other[256];
    bool create = s->now.doc == NULL;
    int r = create ? merge_create(s) : merge_update(s, &e);
    if (r == 0 && !create && json_array_size(s->changed) == 0 && !s->options && !s->removed && !s->removes) {
        nothing_to_send(s);
        return;
    }
    bool may_be_itself = create && s->replayed && s->was_sent; /* it is looked up, or the LMS says so */
    if (r == 0 && !may_be_itself && email_taken(s, other))
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

/* ------------------------------------------------------------------ what a create has made, or found */

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
        save_merge(s);
}

/* ------------------------------------------------------------------ the difference */

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
    save_merge(s);
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

void save_difference(struct save *s)
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
        save_merge(s);
    } else if (!s->seq && (r = journal_write(s, "begun", NULL, &e))) {
        save_refuse(s, r, &e);
    } else {
        fetch_by_ino(t, s->ino, NET_PEOPLE, t->info.conf->op_timeout * SECOND, on_current, s);
    }
}
