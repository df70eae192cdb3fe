/* hownow_records.c — the API's objects as documents. A user as read and as written are two different things:
 *
 *     read                               written, and so the document
 *     joined_organisation_on             start_date
 *     manager {id, name, …}              manager_id "ID-<id>"
 *     job_role "Architect"               job_role {"name": "Architect"}
 *     custom_fields [{name, values}]     custom_fields [{field_name, value}]
 *
 * and so is a job role:
 *
 *     skills [{id, target_rating, …}]    skills [{skill_id "ID-<id>", target_rating}]
 *
 * What isn't written stands in `_readonly`, nothing dropped.
 */
#include "lms/hownow.h"
#include "lms/doc_value.h"
#include "lms/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct form {
    json_t *doc, *readonly;
};

static int put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value) ? -ENOMEM : 0;
}

static int plain_string(struct form *f, const char *name, json_t *value, struct err *e)
{
    if (!json_is_string(value) && !json_is_null(value))
        return err_set(e, -EPROTO, "\"%s\" is neither a string nor null", name);
    return json_object_set(f->doc, name, value) ? -ENOMEM : 0;
}

static int manager(struct form *f, const char *name, json_t *value, struct err *e)
{
    char *id, *stem;
    int rc = reply_keep(f->readonly, name, value);
    if (rc)
        return rc;
    if (json_is_null(value) || (json_is_object(value) && !json_object_size(value)))
        return put(f->doc, "manager_id", json_null());
    if (!json_is_object(value))
        return err_set(e, -EPROTO, "\"manager\" is neither an object nor null");
    rc = reply_id(value, "id", &id, e);
    if (rc)
        return rc == -EPROTO ? err_prefix(e, "\"manager\"") : rc;
    if (asprintf(&stem, "ID-%s", id) < 0)
        stem = NULL;
    rc = stem ? put(f->doc, "manager_id", json_string(stem)) : -ENOMEM;
    free(id);
    free(stem);
    return rc;
}

static int start_date(struct form *f, const char *name, json_t *value, struct err *e)
{
    const char *s = json_string_value(value);
    if (json_is_null(value) || (s && strlen(s) == 10 && json_string_length(value) == 10))
        return json_object_set(f->doc, "start_date", value) ? -ENOMEM : 0;
    if (!s || strlen(s) < 10)
        return err_set(e, -EPROTO, "\"%s\" is neither a date nor null", name);
    /* A date with a time: the document has the date, and `_readonly` what came. */
    int rc = put(f->doc, "start_date", json_stringn(s, 10));
    return rc ? rc : reply_keep(f->readonly, name, value);
}

static int job_role(struct form *f, const char *name, json_t *value, struct err *e)
{
    int rc = reply_keep(f->readonly, name, value);
    if (rc)
        return rc;
    if (json_is_null(value))
        return put(f->doc, "job_role", json_null());
    if (json_is_object(value))
        return put(f->doc, "job_role", json_deep_copy(value));
    if (!json_is_string(value))
        return err_set(e, -EPROTO, "\"job_role\" is neither a string nor null");
    json_t *copy = json_stringn(json_string_value(value), json_string_length(value));
    return put(f->doc, "job_role", json_pack("{s:o}", "name", copy));
}

/* *lossless: the element says no more than a name and a value. */
static json_t *custom_field(json_t *element, bool *lossless)
{
    json_t *name = json_object_get(element, "name"), *value = json_object_get(element, "values");
    if (!json_is_string(name) || !value)
        return NULL;
    *lossless &= json_object_size(element) == 2;
    return json_pack("{s:O, s:O}", "field_name", name, "value", value);
}

static int custom_fields(struct form *f, const char *name, json_t *value, struct err *e)
{
    bool lossless = true;
    if (json_is_null(value))
        return put(f->doc, name, json_null());
    if (!json_is_array(value))
        return err_set(e, -EPROTO, "\"custom_fields\" is neither an array nor null");
    json_t *fields = json_array();
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *field = custom_field(json_array_get(value, i), &lossless);
        if (!field) {
            json_decref(fields);
            return err_set(e, -EPROTO, "custom_fields[%zu] is not an object with a name and values", i);
        }
        if (json_array_append_new(fields, field)) {
            json_decref(fields);
            return -ENOMEM;
        }
    }
    int rc = put(f->doc, name, fields);
    return rc || lossless ? rc : put(f->readonly, name, json_deep_copy(value));
}

static const struct {
    const char *name;
    int (*form)(struct form *f, const char *name, json_t *value, struct err *e);
} user_members[] = {
    {"external_user_id", plain_string},
    {"name", plain_string},
    {"email", plain_string},
    {"user_type", plain_string},
    {"manager", manager},
    {"joined_organisation_on", start_date},
    {"job_role", job_role},
    {"custom_fields", custom_fields},
};

static int user_member(struct form *f, const char *name, json_t *value, struct err *e)
{
    for (size_t i = 0; i < sizeof user_members / sizeof *user_members; i++)
        if (!strcmp(user_members[i].name, name))
            return user_members[i].form(f, name, value, e);
    return reply_keep(f->readonly, name, value);
}

static int skill_member(struct form *f, const char *name, json_t *value, struct err *e)
{
    if (!strcmp(name, "name") || !strcmp(name, "external_id"))
        return plain_string(f, name, value, e);
    return reply_keep(f->readonly, name, value);
}

static json_t *role_skill(const json_t *element)
{
    const json_t *id = json_object_get(element, "id");
    json_t *rating = json_object_get(element, "target_rating");
    if (!json_is_integer(id) || json_integer_value(id) <= 0 || !(json_is_integer(rating) || json_is_null(rating)))
        return NULL;
    return json_pack("{s:o, s:O}", "skill_id", json_sprintf("ID-%" JSON_INTEGER_FORMAT, json_integer_value(id)),
                     "target_rating", rating);
}

static int role_skills(struct form *f, const char *name, json_t *value, struct err *e)
{
    int rc = reply_keep(f->readonly, name, value);
    if (rc)
        return rc;
    if (json_is_null(value))
        return put(f->doc, name, json_null());
    if (!json_is_array(value))
        return err_set(e, -EPROTO, "\"skills\" is neither an array nor null");
    json_t *skills = json_array();
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *skill = role_skill(json_array_get(value, i));
        if (!skill) {
            json_decref(skills);
            return err_set(e, -EPROTO, "skills[%zu] is not an object with an id and a target_rating", i);
        }
        if (json_array_append_new(skills, skill)) {
            json_decref(skills);
            return -ENOMEM;
        }
    }
    return put(f->doc, name, skills);
}

static int role_member(struct form *f, const char *name, json_t *value, struct err *e)
{
    if (!strcmp(name, "skills"))
        return role_skills(f, name, value, e);
    if (!strcmp(name, "name") || !strcmp(name, "description") || !strcmp(name, "external_id"))
        return plain_string(f, name, value, e);
    return reply_keep(f->readonly, name, value);
}

/* The document of a collection that can be written. */
static int writable(const struct lms_collection *c, json_t *api, struct lms_record *out, struct err *e)
{
    struct form f = {json_object(), json_object()};
    const char *name;
    json_t *value;
    bool user = hownow_is(c, "users"), role = hownow_is(c, "job-roles");
    int rc = f.doc && f.readonly ? 0 : -ENOMEM;

    out->doc = f.doc;
    json_object_foreach(api, name, value)
    {
        if (!rc)
            rc = user   ? user_member(&f, name, value, e)
                 : role ? role_member(&f, name, value, e)
                        : skill_member(&f, name, value, e);
    }
    if (!rc)
        rc = reply_unsign(f.readonly);
    if (rc) {
        json_decref(f.readonly);
        return rc;
    }
    return put(f.doc, "_readonly", f.readonly);
}

/* ------------------------------------------------------------------ records */

static bool is_active(const json_t *api)
{
    static const char *const gone[] = {"deactivated", "inactive", "suspended", "deleted"};
    const char *status = json_string_value(json_object_get(api, "status"));
    const char *state = json_string_value(json_object_get(api, "state"));

    if (doc_value(api, "deleted_at") || (state && !strcasecmp(state, "disabled")))
        return false;
    for (size_t i = 0; status && i < sizeof gone / sizeof *gone; i++)
        if (!strcasecmp(status, gone[i]))
            return false;
    return true;
}

bool hownow_is_contents(const struct lms_collection *c)
{
    return hownow_is(c, "contents") || hownow_is(c, "assigned-contents") || hownow_is(c, "authored-contents");
}

static int read_key(const struct lms_collection *c, const json_t *api, char **key, struct err *e)
{
    if (hownow_is_contents(c))
        return reply_name(api, "hownow_id", key, e);
    return hownow_is(c, "sources") ? reply_name(api, "id", key, e) : reply_id(api, "id", key, e);
}

/* Since when it stands in its list: a member's, or an assignment's, is not when the person or the content was made. */
static int64_t joined_at(const json_t *api)
{
    static const char *const keys[] = {"group_joining_date", "assigned_at", "created_at"};
    int64_t at = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && !at; i++)
        at = reply_time(json_object_get(api, keys[i]));
    return at;
}

int hownow_record(const struct lms_collection *c, json_t *api, struct lms_record *out, struct err *e)
{
    const char *ext = NULL, *email = NULL;
    bool user = hownow_is(c, "users");
    int rc = read_key(c, api, &out->key, e);

    if (!rc && c->ext_prefix)
        rc = reply_text(api, user ? "external_user_id" : "external_id", &ext, e);
    if (!rc && (user || hownow_is(c, "group-members")))
        rc = reply_text(api, "email", &email, e);
    if (!rc)
        out->ext = reply_dup(ext && *ext ? ext : NULL, &rc);
    if (!rc)
        out->email = reply_dup(email && *email ? email : NULL, &rc);
    if (!rc && hownow_is(c, "contents")) { /* what a search finds stands in its source's directory */
        const char *source;
        rc = reply_text(api, "source", &source, e);
        if (!rc)
            out->parent = reply_dup(source, &rc);
    }
    out->active = !user || is_active(api);
    out->mtime = reply_time(json_object_get(api, "updated_at"));
    out->made_at = joined_at(api);
    if (rc) {
        /* told already */
    } else if (c->fields) {
        rc = writable(c, api, out, e);
    } else {
        out->doc = json_incref(api);
        rc = reply_unsign(api);
    }
    if (rc == -EPROTO && out->key)
        err_prefix(e, "id %s", out->key);
    if (rc)
        lms_record_release(out);
    return rc;
}
