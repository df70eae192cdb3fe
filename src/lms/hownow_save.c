/* hownow_save.c — saves and changes of state.
 *
 * A user is saved by one upsert that is keyed by external_user_id: the four required fields, what changed, and custom_fields
 * whole, for "custom fields completely replace existing data".
 */
#include "lms/hownow.h"
#include "lms/build.h"
#include "lms/doc_value.h"
#include "lms/reply.h"
#include "lmsfs/doc.h"

#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ checks */

bool hownow_is_stem(const char *s)
{
    const char *id = stem_after(s, "ID-");
    return id ? is_decimal(id) : stem_after(s, "EXT-") != NULL;
}

static int check_job_role(const json_t *role, struct err *e)
{
    const char *key;
    json_t *value;
    if (!json_object_size(role))
        return err_set(e, -EINVAL, "job_role needs an id or a name");
    json_object_foreach((json_t *)role, key, value)
    {
        const char *s = json_string_value(value);
        if (!strcmp(key, "id") ? !s || !hownow_is_stem(s) : !strcmp(key, "name") && !s)
            return err_set(e, -EINVAL, "job_role.%s must be %s", key,
                           !strcmp(key, "id") ? "\"ID-…\" or \"EXT-…\"" : "a string");
        if (strcmp(key, "id") != 0 && strcmp(key, "name") != 0)
            return err_set(e, -EINVAL, "job_role.%.80s is unknown: a job role has id and name", key);
    }
    return 0;
}

/* Elements that are as the API gave them need no check: it may give a value that isn't a string. */
static int check_custom_fields(const struct lms_save *s, const struct lms_field *f, const json_t *fields, struct err *e)
{
    json_t *known = NULL;
    char buf[DOC_KEY_LEN];
    int rc = doc_by_key(f, doc_value(s->base, f->name), &known);

    rc = rc == -EINVAL ? 0 : rc;
    for (size_t i = 0; !rc && i < json_array_size(fields); i++) {
        const json_t *element = json_array_get(fields, i);
        const char *key = doc_element_key(f, element, buf);
        if (!key || !json_is_string(json_object_get(element, f->keyed_by)))
            rc = err_set(e, -EINVAL, "custom_fields[%zu] has no field_name", i);
        else if (doc_equal(json_object_get(known, key), element))
            continue;
        else if (!json_is_string(json_object_get(element, "value")))
            rc = err_set(e, -EINVAL, "custom_fields.%.80s: value must be a string", key);
        else if (json_object_size(element) != 2)
            rc = err_set(e, -EINVAL, "custom_fields.%.80s holds more than field_name and value", key);
    }
    json_decref(known);
    return rc;
}

static int check_value(const struct lms_save *s, const struct lms_field *f, const json_t *value, struct err *e)
{
    bool list = f->type == LMS_ARRAY && (f->flags & LMS_WHOLE);
    if (!value)
        return s->key && !list ? err_set(e, -EINVAL, "HowNow documents no way to clear %s", f->name) : 0;
    if (!strcmp(f->name, "job_role"))
        return check_job_role(value, e);
    return list ? check_custom_fields(s, f, value, e) : 0;
}

/* ------------------------------------------------------------------ users */

/* The id that the upsert is keyed by: the document's, else the name's. Another than the record has would be another person. */
static int find_ext(const struct lms_save *s, const char **ext, struct err *e)
{
    const char *had = json_string_value(doc_value(s->base, "external_user_id"));
    *ext = json_string_value(doc_value(s->merged, "external_user_id"));
    if (!*ext || !**ext)
        *ext = s->ext;
    if (!*ext || !**ext)
        return err_set(e, -EINVAL, "external_user_id is missing: HowNow's upsert is keyed by it, so give this user one");
    if (had && *had && strcmp(had, *ext) != 0)
        return err_set(e, -EINVAL,
                       "external_user_id can't change from %.80s to %.80s: HowNow would create another person", had,
                       *ext);
    if (s->ext && strcmp(s->ext, *ext) != 0)
        return err_set(e, -EINVAL, "external_user_id is %.80s, but the file's name says %.80s", *ext, s->ext);
    return 0;
}

static int add_field(const struct lms_save *s, const struct lms_field *f, json_t *body, struct err *e)
{
    json_t *value = doc_value(s->merged, f->name);
    bool changed = build_changed(s, f->name), whole = (f->flags & LMS_WHOLE) && json_array_size(value);
    if (!changed && !whole && !(f->flags & LMS_REQUIRED))
        return 0;
    if (f->flags & LMS_REQUIRED && !(json_is_string(value) && json_string_length(value)))
        return err_set(e, -EINVAL, "%s is missing, and HowNow's upsert needs it", f->name);
    int rc = changed ? check_value(s, f, value, e) : 0;
    if (rc)
        return rc;
    if (value)
        return json_object_set(body, f->name, value) ? -ENOMEM : 0;
    return s->key ? (json_object_set_new(body, f->name, json_array()) ? -ENOMEM : 0) : 0;
}

/* A value that the API gave as null is sent as the empty text that it means: the API takes only strings. */
static int send_nulls_as_text(json_t *body)
{
    json_t *fields = json_object_get(body, "custom_fields");
    json_t *copy = json_deep_copy(fields);
    for (size_t i = 0; i < json_array_size(copy); i++) {
        json_t *element = json_array_get(copy, i);
        if (json_is_null(json_object_get(element, "value")) && json_object_set_new(element, "value", json_string("")))
            return -ENOMEM;
    }
    return !fields ? 0 : json_object_set_new(body, "custom_fields", copy) ? -ENOMEM : 0;
}

static int user_body(const struct lms_collection *c, const struct lms_save *s, json_t *body, struct err *e)
{
    const char *ext;
    int rc = find_ext(s, &ext, e);
    if (!rc)
        rc = json_object_set_new(body, "external_user_id", json_string(ext)) ? -ENOMEM : 0;
    for (const struct lms_field *f = c->fields; !rc && f->name; f++)
        if (!(f->flags & LMS_IS_EXT))
            rc = add_field(s, f, body, e);
    return rc ? rc : send_nulls_as_text(body);
}

static int save_user(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e)
{
    /* A list row has no custom_fields: an upsert made of it would wipe them. */
    if (s->base && !doc_complete(s->base))
        return err_set(e, -EAGAIN,
                       "only the list's row of this user is known, and saving it would wipe the custom fields");
    json_t *body = json_object();
    int rc = body ? user_body(c, s, body, e) : -ENOMEM;
    if (rc) {
        json_decref(body);
        return rc;
    }
    struct http_request *step = build_step(out, "the user");
    if (!step) {
        json_decref(body);
        return -ENOMEM;
    }
    rc = build_request(step, HTTP_POST, "/external/v1/users/upsert");
    step->idempotent = true; /* keyed by external_user_id */
    if (!rc)
        return build_body(step, body);
    json_decref(body);
    return rc;
}

/* ------------------------------------------------------------------ skills */

int hownow_put_ext(const struct lms_save *s, json_t *body, struct err *e)
{
    json_t *ext = doc_value(s->merged, "external_id");
    const char *text = json_string_value(ext);
    if (ext && s->ext && strcmp(text ? text : "", s->ext) != 0)
        return err_set(e, -EINVAL, "external_id differs from %.80s, which the file's name says", s->ext);
    if (!ext && !s->ext)
        return 0;
    return json_object_set_new(body, "external_id", ext ? json_incref(ext) : json_string(s->ext)) ? -ENOMEM : 0;
}

static int save_skill(const struct lms_save *s, struct lms_plan *out, struct err *e)
{
    json_t *name = doc_value(s->merged, "name");
    if (s->key)
        return err_set(e, -EPERM, "HowNow has no way to change a skill");
    if (!name)
        return err_set(e, -EINVAL, "name is missing; a new skill needs it");
    json_t *body = json_pack("{s:O}", "name", name);
    int rc = body ? hownow_put_ext(s, body, e) : -ENOMEM;
    if (!rc)
        return build_step_body(out, "the skill", HTTP_POST, "/external/v1/skills", NULL, body);
    json_decref(body);
    return rc;
}

/* ------------------------------------------------------------------ the provider's functions */

int hownow_save(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e)
{
    int rc;
    *out = (struct lms_plan){0};
    if (s->key && !json_array_size(s->changed) && c->kind != LMS_WRITE_ONLY)
        return 0;
    if (hownow_is(c, "users"))
        rc = save_user(c, s, out, e);
    else if (hownow_is(c, "skills"))
        rc = save_skill(s, out, e);
    else if (hownow_is(c, "learning-records"))
        rc = hownow_save_learning(c, s, out, e);
    else if (hownow_is(c, "user-skills"))
        rc = hownow_save_reviews(s, out, e);
    else if (hownow_is(c, "job-roles"))
        rc = hownow_save_role(s, out, e);
    else
        rc = err_set(e, -EPERM, "HowNow's %s are read-only", c->name);
    if (rc)
        lms_plan_release(out);
    return build_told(rc, e);
}

static int take_record(const struct lms_collection *c, const struct lms_save *s, json_t *api, struct lms_verdict *out,
                       struct err *e)
{
    int rc = hownow_record(c, api, &out->record, e);
    if (rc)
        return rc;
    if (s->key && strcmp(s->key, out->record.key) != 0)
        return err_set(e, -EPROTO, "ID-%s was saved and the reply is about ID-%s", s->key, out->record.key);
    out->record_is_detail = true;
    out->key = reply_dup(out->record.key, &rc);
    return rc;
}

int hownow_saved(const struct lms_collection *c, const struct lms_save *s, size_t step, const struct http_reply *r,
                 struct lms_verdict *out, struct err *e)
{
    json_t *reply;
    (void)step;

    *out = (struct lms_verdict){0};
    int rc = reply_object(r, &reply, e);
    if (rc)
        return rc;
    json_t *api = json_object_get(reply, "data");
    rc = reply_job(reply, "job_id", &out->job_id, e);
    if (!rc && json_is_object(api))
        rc = take_record(c, s, api, out, e);
    else if (!rc && !out->job_id)
        rc = err_set(e, -EPROTO, "the save was accepted, but the reply has neither a job_id nor the record");
    json_decref(reply);
    if (rc)
        lms_verdict_release(out);
    return build_told(rc, e);
}

static int add_successor(struct http_request *r, const char *key, const char *successor, struct err *e)
{
    const char *id = stem_after(successor, "ID-");
    if (successor && !hownow_is_stem(successor))
        return err_set(e, -EINVAL, "the successor must be \"ID-…\" or \"EXT-…\", not %.80s", successor);
    if (id && !strcmp(id, key))
        return err_set(e, -EINVAL, "a user can't be the successor of itself");
    if (!successor)
        return build_body(r, json_object());
    /* One name in the API's table, the other in its examples. */
    return build_body(r, json_pack("{s:s, s:s}", "assigned_user_id", successor, "assigned_external_user_id", successor));
}

int hownow_change_request(const struct lms_collection *c, const struct lms_change *ch, struct http_request *out,
                          struct err *e)
{
    static const char *const words[] = {"deactivate", "reactivate", "delete"};

    *out = (struct http_request){0};
    if (!hownow_is(c, "users") && !(hownow_is(c, "job-roles") && ch->op == LMS_OP_DELETE))
        return err_set(e, -EPERM, "HowNow has no way to %s one of %s", words[ch->op], c->name);
    if (!ch->key || !is_decimal(ch->key))
        return err_set(e, -EINVAL, "HowNow's ids are positive whole numbers");
    if (!hownow_is(c, "users"))
        return build_told(build_request(out, HTTP_DELETE, "/external/v1/job_roles/ID-{}", ch->key), e);
    int rc = build_request(out, ch->op == LMS_OP_DELETE ? HTTP_DELETE : HTTP_PUT, "/external/v1/users/ID-{}/{}",
                           ch->key, words[ch->op]);
    /* "User must exist and be currently active": a second deactivation fails, and so would look as if the first had. */
    out->idempotent = ch->op == LMS_OP_DELETE;
    if (!rc && ch->op != LMS_OP_REACTIVATE)
        rc = add_successor(out, ch->key, ch->successor, e);
    if (rc)
        http_request_release(out);
    return build_told(rc, e);
}
