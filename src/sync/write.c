/* write.c — the way of a save, from the text that was written to the requests it becomes.
 *
 *   parse → whose? → allowed? → what changed? → the server's current record → carry the change onto it → journal → requests → verdict
 *
 * Saves of one record queue behind each other (queue.c); saves of different records don't wait for each other. What a save's asks wait for is its
 * verdict; an ask that times out leaves, the save goes on. Before a save waits for anything it is in the journal: a crash loses nothing,
 * it is run again at the next start, and since what is sent is the difference to the server's current record, running it twice changes
 * nothing twice.
 */
#include "sync/from_conf.h"
#include "sync/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_AGAIN (SECOND / 5) /* while a removal of the record is on its way */

/* ------------------------------------------------------------------ may it be */

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
        save_merge(s);
    else
        save_difference(s);
}

/* ------------------------------------------------------------------ whose */

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
