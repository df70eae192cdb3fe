/* thrive_save.c — writing: events, and for what an event can't say, clearing, one request of the REST API.
 *
 *     a new user, one who comes back     user_joined
 *     changed fields                     user_updated
 *     a field cleared                    PATCH /v2/users/ref/:ref with null (there, what is left out is kept)
 *     leaves, is deleted                 user_suspended, user_deleted
 *
 * An event's id must be unique, and the same however often the event is sent: it is made of the save's own uid and the event's type, for a
 * save that is taken up after a crash may find that its user_joined went through and that the rest is a user_updated.
 */
#include "lms/thrive.h"
#include "lms/build.h"
#include "lms/doc_value.h"
#include "lms/reply.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ------------------------------------------------------------------ events */

static int time_text(int64_t now, const char *form, char *buf, size_t size)
{
    time_t t = now;
    struct tm tm;
    return gmtime_r(&t, &tm) && strftime(buf, size, form, &tm) ? 0 : -EINVAL;
}

/* Takes over `user`, NULL included. */
static int event(struct http_request *r, const char *type, const char *uid, int64_t now, json_t *user)
{
    char at[32], id[96];
    int rc = user ? time_text(now, "%Y-%m-%dT%H:%M:%S.000Z", at, sizeof at) : -ENOMEM;
    if (!rc)
        rc = uid ? build_request(r, HTTP_POST, THRIVE_EVENTS) : -EINVAL;
    if (rc) {
        json_decref(user);
        return rc;
    }
    r->idempotent = true; /* by its id */
    snprintf(id, sizeof id, "%.64s-%s", uid, type + strlen("user_"));
    return build_body(r, json_pack("{s:s, s:s, s:s, s:{s:o}}", "id", id, "timestamp", at, "eventType", type, "content",
                                   "user", user));
}

/* ------------------------------------------------------------------ saves */

/* The customer's own fields stand beside the others in an event; null ones are not there. */
static int add_custom(const struct lms_collection *c, const struct lms_save *s, json_t *user, struct err *e)
{
    json_t *now = doc_value(s->merged, THRIVE_CUSTOM), *before = doc_value(s->base, THRIVE_CUSTOM), *value;
    const char *name;
    json_object_foreach(now, name, value)
    {
        if (json_is_null(value) || doc_equal(value, json_object_get(before, name)))
            continue;
        if (doc_field(c, name) || !*name)
            return err_set(e, -EINVAL, "%s.%.80s is no custom field: that is the name of a field of its own",
                           THRIVE_CUSTOM, name);
        if (json_object_set(user, name, value))
            return -ENOMEM;
    }
    return 0;
}

/* What the event carries: the ref, and of the other fields those that changed to a value. */
static json_t *changed_user(const struct lms_collection *c, const struct lms_save *s, const char *ref, int *rc,
                            struct err *e)
{
    json_t *user = json_pack("{s:s}", "ref", ref), *value;
    *rc = user ? 0 : -ENOMEM;
    for (const struct lms_field *f = c->fields; !*rc && f->name; f++) {
        if ((f->flags & LMS_IS_EXT) || !build_changed(s, f->name))
            continue;
        if (!strcmp(f->name, THRIVE_CUSTOM))
            *rc = add_custom(c, s, user, e);
        else if ((value = doc_value(s->merged, f->name)))
            *rc = json_object_set(user, f->name, value) ? -ENOMEM : 0;
    }
    if (!*rc)
        return user;
    json_decref(user);
    return NULL;
}

/* The fields that go, as nulls; {} where none does. */
static json_t *cleared_user(const struct lms_collection *c, const struct lms_save *s)
{
    json_t *user = json_object(), *custom = json_object(), *value;
    json_t *now = doc_value(s->merged, THRIVE_CUSTOM), *before = doc_value(s->base, THRIVE_CUSTOM);
    const char *name;
    int rc = user && custom ? 0 : -1;

    for (const struct lms_field *f = c->fields; f->name; f++)
        if (strcmp(f->name, THRIVE_CUSTOM) != 0 && build_changed(s, f->name) && !doc_value(s->merged, f->name))
            rc |= json_object_set_new(user, f->name, json_null());
    json_object_foreach(before, name, value)
    {
        if (!json_is_null(value) && !doc_value(now, name))
            rc |= json_object_set_new(custom, name, json_null());
    }
    if (json_object_size(custom))
        rc |= json_object_set(user, THRIVE_CUSTOM, custom);
    json_decref(custom);
    if (!rc)
        return user;
    json_decref(user);
    return NULL;
}

static int add_event(struct lms_plan *p, const struct lms_save *s, const char *type, json_t *user)
{
    struct http_request *step = build_step(p, s->key ? "the changed fields" : "the user");
    if (step)
        return event(step, type, s->uid, s->now, user);
    json_decref(user);
    return -ENOMEM;
}

static int add_clearing(struct lms_plan *p, const char *ref, json_t *user)
{
    struct http_request *step = build_step(p, "the cleared fields");
    int rc = step ? build_request(step, HTTP_PATCH, "/v2/users/ref/{}", ref) : -ENOMEM;
    if (rc) {
        json_decref(user);
        return rc;
    }
    step->idempotent = true; /* it only sets values */
    return build_body(step, user);
}

static int save_user(const struct lms_collection *c, const struct lms_save *s, const char *ref, struct lms_plan *p,
                     struct err *e)
{
    int rc;
    bool create = !s->base;
    json_t *user = changed_user(c, s, ref, &rc, e);
    if (rc)
        return rc;
    if (create || json_object_size(user) > 1)
        rc = add_event(p, s, create ? "user_joined" : "user_updated", user);
    else
        json_decref(user);
    if (rc || create)
        return rc;
    json_t *cleared = cleared_user(c, s);
    if (cleared && json_object_size(cleared))
        return add_clearing(p, ref, cleared);
    json_decref(cleared);
    return cleared ? 0 : -ENOMEM;
}

int thrive_save(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e)
{
    const char *ref = json_string_value(doc_value(s->merged, "ref"));
    *out = (struct lms_plan){0};
    if (s->base && !json_array_size(s->changed))
        return 0;
    if (!ref || !*ref)
        ref = s->ext;
    if (!ref || !*ref)
        return err_set(e, -EINVAL, "ref is missing, and Thrive's events know people by nothing else");
    if (s->ext && strcmp(ref, s->ext) != 0)
        return err_set(e, -EINVAL, "ref is %.80s, but the file's name says %.80s", ref, s->ext);
    int rc = save_user(c, s, ref, out, e);
    if (rc)
        lms_plan_release(out);
    return rc == -EINVAL && !e->code ? err_set(e, rc, "that can't be the ref of a user") : build_told(rc, e);
}

/* ------------------------------------------------------------------ what the replies say */

static bool is_blank(const struct http_reply *r)
{
    size_t i = 0;
    while (r->body && i < r->len && r->body[i] && strchr(" \t\r\n", r->body[i]))
        i++;
    return !r->body || i == r->len;
}

/* The reply is a user resource. Whose it is must be right; the id may be missing: a later read has it. */
int thrive_saved(const struct lms_collection *c, const struct lms_save *s, size_t step, const struct http_reply *r,
                 struct lms_verdict *out, struct err *e)
{
    json_t *reply;
    const char *ref, *want = s->ext ? s->ext : json_string_value(doc_value(s->merged, "ref"));
    (void)step;

    *out = (struct lms_verdict){0};
    int rc = reply_ok(r, e);
    if (rc || is_blank(r))
        return rc;
    rc = reply_object(r, &reply, e);
    if (rc)
        return rc;
    rc = reply_text(reply, "ref", &ref, e);
    if (!rc && ref && want && strcmp(ref, want) != 0)
        rc = err_set(e, -EPROTO, "%s%.80s was saved and the reply is about %s%.80s", c->ext_prefix, want, c->ext_prefix,
                     ref);
    if (!rc && json_object_get(reply, "id"))
        rc = reply_name(reply, "id", &out->key, e);
    if (!rc && s->key && out->key && strcmp(s->key, out->key) != 0)
        rc = err_set(e, -EPROTO, "ID-%.80s was saved and the reply is about ID-%.80s", s->key, out->key);
    json_decref(reply);
    if (rc)
        lms_verdict_release(out);
    return build_told(rc, e);
}

/* 409 is about the ref, or about another person's e-mail address. */
bool thrive_says_exists(const struct lms_collection *c, const struct lms_save *s, const struct http_reply *r,
                        const struct lms_job *job)
{
    char words[256];
    (void)c, (void)s;
    if (job || !r || r->status != 409)
        return false;
    lms_error_text(r, words, sizeof words);
    return strcasestr(words, "ref") && !strcasestr(words, "email") && !strcasestr(words, "e-mail");
}

/* ------------------------------------------------------------------ leaving and coming back */

/* The leaving date: the document's, else the day on which it was asked. */
static int leaver(const struct lms_change *ch, json_t *user)
{
    char day[32];
    json_t *end = doc_value(ch->doc, "endDate");
    if (json_is_string(end))
        return json_object_set(user, "endDate", end) ? -ENOMEM : 0;
    int rc = time_text(ch->now, "%Y-%m-%dT00:00:00.000Z", day, sizeof day);
    return rc ? rc : json_object_set_new(user, "endDate", json_string(day)) ? -ENOMEM : 0;
}

/* user_joined takes a whole person; what it doesn't say of one who is known is kept. */
static int joiner(const struct lms_change *ch, json_t *user)
{
    static const char *const names[] = {"email", "firstName", "lastName"};
    int rc = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *value = doc_value(ch->doc, names[i]);
        if (value)
            rc |= json_object_set(user, names[i], value);
    }
    return rc ? -ENOMEM : 0;
}

int thrive_change_request(const struct lms_collection *c, const struct lms_change *ch, struct http_request *out,
                          struct err *e)
{
    static const char *const types[] = {"user_suspended", "user_joined", "user_deleted"};
    (void)c;

    *out = (struct http_request){0};
    if (!ch->ext || !*ch->ext)
        return err_set(e, -EINVAL, "this user has no ref, and Thrive's events know people by nothing else");
    json_t *user = json_pack("{s:s}", "ref", ch->ext);
    int rc = user ? 0 : -ENOMEM;
    if (!rc && ch->op == LMS_OP_DEACTIVATE)
        rc = leaver(ch, user);
    else if (!rc && ch->op == LMS_OP_REACTIVATE)
        rc = joiner(ch, user);
    if (rc)
        json_decref(user);
    else
        rc = event(out, types[ch->op], ch->uid, ch->now, user);
    if (rc)
        http_request_release(out);
    return rc == -EINVAL ? err_set(e, rc, "the event can't be made: it has no time or no id") : build_told(rc, e);
}
