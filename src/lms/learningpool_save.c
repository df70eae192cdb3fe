/* learningpool_save.c — saves: a POST for what is new, a PATCH of what changed for what is known.
 *
 * A create that is sent twice does no harm: the second fails later, because the id exists, and becomes an update of the same record.
 */
#include "lms/learningpool.h"
#include "lms/build.h"
#include "lms/doc_value.h"
#include "lms/reply.h"
#include "lms/text.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LAST_YEAR "2037" /* an expiry past it doesn't work, says the vendor's help centre */

/* Where a collection's records are made and changed; {} is the parent's key, then the record's. */
static const struct {
    const char *collection, *label, *create, *update;
} paths[] = {
    {"users", "the user", "/users", "/users/{}"},
    {"job-assignments", "the job assignment", "/users/{}/job-assignment", "/users/{}/job-assignment/{}"},
    {"organisation-levels", "the level", "/organisation-framework/{}/organisation-level",
     "/organisation-framework/{}/organisation-level/{}"},
    {"position-levels", "the level", "/position-framework/{}/position-level", "/position-framework/{}/position-level/{}"},
};

static size_t path_of(const struct lms_collection *c)
{
    size_t i = 0;
    while (!lp_is(c, paths[i].collection))
        i++;
    return i;
}

static const struct lms_field *id_field(const struct lms_collection *c)
{
    const struct lms_field *f = c->fields;
    while (!(f->flags & LMS_IS_EXT))
        f++;
    return f;
}

/* ------------------------------------------------------------------ checks */

static bool is_clock(const char *s)
{
    int h, m, sec, used = 0;
    return strlen(s) == 8 && strspn(s, "0123456789:") == 8 && s[2] == ':' && s[5] == ':' &&
           sscanf(s, "%2d:%2d:%2d%n", &h, &m, &sec, &used) == 3 && used == 8 && h < 24 && m < 60 && sec < 60;
}

/* "2017-10-06 14:51:38" */
static int check_time(const struct lms_field *f, const json_t *value, struct err *e)
{
    const char *s = json_string_value(value);
    size_t len = json_string_length(value);
    char day[11];

    if (!len && (f->flags & LMS_CLEARABLE))
        return 0;
    snprintf(day, sizeof day, "%s", s);
    if (strlen(s) != len || len != 19 || !doc_is_date(day) || s[10] != ' ' || !is_clock(s + 11))
        return err_set(e, -EINVAL, "%s must be a date and time as YYYY-MM-DD HH:MM:SS", f->name);
    if (!strcmp(f->name, "expiresAt") && strncmp(s, LAST_YEAR, 4) > 0)
        return err_set(e, -EINVAL, "expiresAt can't lie past the year " LAST_YEAR ": Learning Pool doesn't take it");
    return 0;
}

static int check_element(const struct lms_field *f, const char *id, const json_t *element, struct err *e)
{
    const json_t *value = json_object_get(element, "value");
    if (!json_is_string(value) && !json_is_number(value) && !json_is_boolean(value))
        return err_set(e, -EINVAL, "%s.%.80s: value must be a string, a number, true or false", f->name, id);
    if (json_object_size(element) != 2 || !json_is_string(json_object_get(element, "id")))
        return err_set(e, -EINVAL, "%s.%.80s must hold id, a string, and value, and nothing else", f->name, id);
    return 0;
}

/* Fields can be given another value; there is no way to take one away. */
static int check_custom_fields(const struct lms_save *s, const struct lms_field *f, const json_t *value, struct err *e)
{
    json_t *before = NULL, *now = NULL, *element;
    const char *id;
    int rc = doc_by_key(f, doc_value(s->base, f->name), &before);

    rc = rc == -EINVAL ? 0 : rc;
    if (!rc)
        rc = doc_by_key(f, value, &now);
    if (rc == -EINVAL)
        err_set(e, rc, "%s can't be told apart by their id", f->name);
    json_object_foreach(now, id, element)
    {
        if (!rc && !doc_equal(json_object_get(before, id), element))
            rc = check_element(f, id, element, e);
    }
    json_object_foreach(before, id, element)
    {
        if (!rc && !json_object_get(now, id))
            rc = err_set(e, -EINVAL, "%s.%.80s can't be removed: Learning Pool documents no way to", f->name, id);
    }
    json_decref(before);
    json_decref(now);
    return rc;
}

static bool is_time(const struct lms_field *f)
{
    return !strcmp(f->name, "expiresAt") || !strcmp(f->name, "startDate") || !strcmp(f->name, "endDate");
}

static int check_value(const struct lms_save *s, const struct lms_field *f, const json_t *value, struct err *e)
{
    if (f->type == LMS_ARRAY)
        return check_custom_fields(s, f, value, e);
    return value && is_time(f) ? check_time(f, value, e) : 0;
}

/* ------------------------------------------------------------------ the body */

/* The record's id: as it is known, as the name gives it, as the document has it; they must agree. */
static int find_id(const struct lms_collection *c, const struct lms_save *s, const char **id, struct err *e)
{
    const char *field = id_field(c)->name;
    const json_t *value = doc_value(s->merged, field);
    const char *text = json_string_value(value), *name = s->key ? s->key : s->ext ? s->ext : s->name;

    *id = name ? name : text;
    if (!*id || !**id || (text && strlen(text) != json_string_length(value)))
        return err_set(e, -EINVAL, "%s is missing, and Learning Pool needs it", field);
    if (text && strcmp(text, *id) != 0)
        return err_set(e, -EINVAL, "%s is %.80s, but the file's name says %.80s", field, text, *id);
    return 0;
}

static int add_field(const struct lms_save *s, const struct lms_field *f, bool create, json_t *body, struct err *e)
{
    json_t *value = doc_value(s->merged, f->name);
    bool changed = build_changed(s, f->name);

    if (!create && (!changed || (f->flags & LMS_FIXED)))
        return 0;
    int rc = check_value(s, f, value, e);
    if (rc)
        return rc;
    if (value)
        return json_object_set(body, f->name, value) ? -ENOMEM : 0;
    if (create)
        return f->flags & LMS_REQUIRED ? err_set(e, -EINVAL, "%s is missing; a new record needs it", f->name) : 0;
    if (f->flags & LMS_CLEARABLE)
        return json_object_set_new(body, f->name, json_string("")) ? -ENOMEM : 0;
    return err_set(e, -EINVAL, "%s can't be cleared: Learning Pool documents no way to", f->name);
}

static int make_body(const struct lms_collection *c, const struct lms_save *s, const char *id, bool create,
                     json_t **out, struct err *e)
{
    json_t *body = *out = json_object();
    int rc = body ? 0 : -ENOMEM;

    for (const struct lms_field *f = c->fields; !rc && f->name; f++) {
        if (!(f->flags & LMS_IS_EXT))
            rc = add_field(s, f, create, body, e);
        else if (create)
            rc = json_object_set_new(body, f->name, json_string(id)) ? -ENOMEM : 0;
    }
    if (!rc)
        return 0;
    json_decref(body);
    *out = NULL;
    return rc;
}

/* ------------------------------------------------------------------ steps */

static int not_an_id(int rc, struct err *e)
{
    return rc == -EINVAL ? err_set(e, rc, "that can't be the id of a record") : rc;
}

static int add_activation(const struct lms_collection *c, const struct lms_save *s, const char *id, struct lms_plan *p,
                          struct err *e)
{
    struct http_request *step = build_step(p, "the status");
    return step ? not_an_id(lp_status_request(c, s->parent_key, id, "ACTIVE", step), e) : -ENOMEM;
}

static int add_body(const struct lms_collection *c, const struct lms_save *s, const char *id, bool create, json_t *body,
                    struct lms_plan *p, struct err *e)
{
    size_t at = path_of(c);
    const char *args[2] = {s->parent_key, id};
    struct http_request *step = build_step(p, paths[at].label);
    if (lp_is(c, "users"))
        args[0] = id;
    int rc = step ? build_request(step, create ? HTTP_POST : HTTP_PATCH, create ? paths[at].create : paths[at].update,
                                  args[0], args[1])
                  : -ENOMEM;
    if (rc) {
        json_decref(body);
        return not_an_id(rc, e);
    }
    step->idempotent = true; /* a PATCH only sets values; of a second POST see above */
    return build_body(step, body);
}

int lp_save(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e)
{
    bool create = !s->key && !s->removed;
    const char *id;
    json_t *body = NULL;

    *out = (struct lms_plan){0};
    int rc = find_id(c, s, &id, e);
    if (!rc && !lp_is(c, "users") && !s->parent_key)
        rc = err_set(e, -EINVAL, "%s belong to something, and it isn't given", c->name);
    if (!rc)
        rc = make_body(c, s, id, create, &body, e);
    if (!rc && s->removed)
        rc = add_activation(c, s, id, out, e); /* what is DELETED can't be found to be changed */
    if (!rc && json_object_size(body))
        rc = add_body(c, s, id, create, json_incref(body), out, e);
    json_decref(body);
    if (rc)
        lms_plan_release(out);
    return build_told(rc, e);
}

/* ------------------------------------------------------------------ what the replies say */

int lp_saved(const struct lms_collection *c, const struct lms_save *s, size_t step, const struct http_reply *r,
             struct lms_verdict *out, struct err *e)
{
    json_t *reply;
    const char *id;

    *out = (struct lms_verdict){0};
    int rc = reply_ok(r, e);
    if (rc || (s->removed && step == 0)) /* a change of status has no requestId, and may have no body at all */
        return rc;
    rc = reply_object(r, &reply, e);
    if (rc)
        return rc;
    rc = reply_job(reply, "requestId", &out->job_id, e);
    if (!rc && !out->job_id)
        rc = err_set(e, -EPROTO, "the save was accepted, but the reply has no requestId: how it ends can't be known");
    if (!rc && !s->key && !find_id(c, s, &id, e))
        out->key = reply_dup(id, &rc);
    json_decref(reply);
    if (rc)
        lms_verdict_release(out);
    return build_told(rc, e);
}

/* ------------------------------------------------------------------ is it there already? */

/* The other systems' names for a record's id, as they stand before "already" in their messages. */
static bool names_id(const char *key)
{
    static const char *const names[] = {"sso_id",  "userId",   "user_id",     "jobAssignmentId", "job_assignment_id",
                                        "levelId", "level_id", "external_id", "externalId"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcasecmp(names[i], key))
            return true;
    return false;
}

static bool is_taken(const json_t *messages)
{
    const char *s = json_string_value(json_is_array(messages) ? json_array_get(messages, 0) : messages);
    return s && strcasestr(s, "already");
}

/* "The given data was invalid : {"sso_id":["The sso id has already been taken."]}": the id, and nothing but the id. A username or an
 * e-mail address that is taken belongs to somebody else. */
static bool only_id_taken(const char *errors)
{
    const char *brace = errors ? strchr(errors, '{') : NULL, *key;
    json_t *fields = brace ? json_loads(brace, JSON_DISABLE_EOF_CHECK, NULL) : NULL, *messages;
    bool only = json_object_size(fields) > 0;

    json_object_foreach(fields, key, messages)
    {
        only = only && names_id(key) && is_taken(messages);
    }
    json_decref(fields);
    return only;
}

bool lp_says_exists(const struct lms_collection *c, const struct lms_save *s, const struct http_reply *r,
                    const struct lms_job *job)
{
    (void)c;
    if (s->key || s->removed)
        return false; /* it was no create */
    if (job)
        return job->status == LMS_JOB_FAILED &&
               only_id_taken(json_string_value(json_object_get(job->vendor, "errors")));
    if (r->status != 400 && r->status != 409 && r->status != 422)
        return false;
    json_t *reply = r->body ? json_loadb(r->body, r->len, 0, NULL) : NULL;
    bool exists = only_id_taken(json_string_value(json_object_get(reply, "message")));
    json_decref(reply);
    return exists;
}
