/* avia_records.c — AVIA's people and groups as documents. Neither is documented as it is read, so little is taken for granted: a member
 * that isn't there is not known, which avia_save.c needs to know.
 */
#include "lms/avia.h"
#include "lms/build.h"
#include "lms/reply.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct avia_member avia_members[] = {
    {"department", true, false},
    {"job_title", true, false},
    {"id", true, false},
    {"detail_id", true, false},
    {"manager_name", false, false},
    {"manager_ids", false, true},
    {"work_email", false, false},
    {"phone", false, false},
    {"employment_status", true, false},
    {"employment_status_name", true, false},
    {"address", false, false},
    {"postal_code", false, false},
    {"city", false, false},
    {0},
};

char *avia_id(const json_t *object)
{
    const json_t *id = json_object_get(object, "ID");
    char digits[24];
    if (!id)
        id = json_object_get(object, "id");
    if (json_is_integer(id) && json_integer_value(id) > 0)
        snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    else if (json_is_string(id) && is_decimal(json_string_value(id)) &&
             strlen(json_string_value(id)) == json_string_length(id))
        snprintf(digits, sizeof digits, "%s", json_string_value(id));
    else
        return NULL;
    return strdup(digits);
}

/* As a string, whichever way it came; new reference, NULL for what can't be one. */
static json_t *ssn_of(const json_t *value)
{
    if (json_is_integer(value) && json_integer_value(value) > 0)
        return json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    bool usable = json_is_string(value) && json_string_length(value) &&
                  strlen(json_string_value(value)) == json_string_length(value);
    return usable ? json_string(json_string_value(value)) : NULL;
}

/* ------------------------------------------------------------------ people */

/* `fields` in the documented order; the ssn in it is lifted out. PHP writes an empty object as []. */
static json_t *fields_of(json_t *given)
{
    json_t *out = json_object(), *value;
    const char *key;
    int rc = out ? 0 : -1;
    for (const struct avia_member *m = avia_members; m->name; m++)
        if ((value = json_object_get(given, m->name)))
            rc |= json_object_set(out, m->name, value);
    json_object_foreach(given, key, value)
    {
        if (strcmp(key, "ssn") != 0 && !json_object_get(out, key))
            rc |= json_object_set(out, key, value);
    }
    if (!rc)
        return out;
    json_decref(out);
    return NULL;
}

/* Suspended or not, by whichever member says so; a reply that has none leaves what is known. */
static void read_state(const json_t *api, struct lms_record *out)
{
    const json_t *suspended = json_object_get(api, "suspended");
    const char *status = json_string_value(json_object_get(api, "status"));
    out->active = true;
    if (json_is_boolean(suspended))
        out->active = json_is_false(suspended);
    else if (json_is_integer(suspended))
        out->active = !json_integer_value(suspended);
    else if (status && !strcasecmp(status, "suspended"))
        out->active = false;
    else if (!status || (strcasecmp(status, "unsuspended") != 0 && strcasecmp(status, "active") != 0))
        out->state_unsaid = true;
}

static int user_member(const struct lms_collection *c, json_t *doc, json_t *readonly, const char *name, json_t *value)
{
    if (!strcmp(name, "ssn"))
        return 0; /* read_user sees to it */
    if (!strcmp(name, "fields")) {
        bool none = json_is_array(value) && !json_array_size(value);
        if (json_is_object(value) || none)
            return json_object_set_new(doc, name, fields_of(none ? NULL : value)) ? -ENOMEM : 0;
        return reply_keep(readonly, name, value);
    }
    for (const struct lms_field *f = c->fields; f->name; f++)
        if (!strcmp(f->name, name) && !(f->flags & (LMS_SECRET | LMS_AS_WRITTEN)))
            return json_object_set(json_is_string(value) || json_is_null(value) ? doc : readonly, name, value) ? -ENOMEM
                                                                                                               : 0;
    return !strcmp(name, "user_pass") ? 0 : reply_keep(readonly, name, value);
}

static int read_user(const struct lms_collection *c, json_t *api, json_t *readonly, struct lms_record *out)
{
    json_t *value;
    const char *name;
    int rc = 0;
    json_object_foreach(api, name, value)
    {
        if (!rc)
            rc = user_member(c, out->doc, readonly, name, value);
    }
    json_t *ssn = ssn_of(json_object_get(api, "ssn"));
    if (!ssn)
        ssn = ssn_of(json_object_get(json_object_get(api, "fields"), "ssn"));
    if (!rc && ssn)
        rc = json_object_set(out->doc, "ssn", ssn) ? -ENOMEM : 0;
    json_decref(ssn);
    const json_t *email = json_object_get(out->doc, "email");
    if (!rc && json_string_length(email) && strlen(json_string_value(email)) == json_string_length(email))
        out->email = reply_dup(json_string_value(email), &rc);
    read_state(api, out);
    return rc;
}

/* ------------------------------------------------------------------ groups */

/* Members as ssns, or NULL where one of them doesn't give its own. People's other data stay in `_readonly`. */
static json_t *ssns_of(const json_t *members)
{
    json_t *out = json_array(), *seen = json_object();
    int rc = out && seen && json_is_array(members) ? 0 : -1;
    for (size_t i = 0; !rc && i < json_array_size(members); i++) {
        json_t *one = json_array_get(members, i), *ssn = ssn_of(json_is_object(one) ? json_object_get(one, "ssn") : one);
        if (!ssn)
            ssn = ssn_of(json_object_get(json_object_get(one, "fields"), "ssn"));
        rc = ssn ? 0 : -1;
        if (!rc && !json_object_get(seen, json_string_value(ssn)))
            rc = json_array_append(out, ssn) | json_object_set_new(seen, json_string_value(ssn), json_true());
        json_decref(ssn);
    }
    json_decref(seen);
    if (!rc)
        return out;
    json_decref(out);
    return NULL;
}

static json_t *without_ssns(const json_t *members)
{
    json_t *copy = json_deep_copy(members);
    for (size_t i = 0; i < json_array_size(copy); i++) {
        json_t *one = json_array_get(copy, i);
        json_object_del(one, "ssn");
        json_object_del(json_object_get(one, "fields"), "ssn");
    }
    return copy;
}

static int group_members(struct lms_record *out, json_t *readonly, const char *field, const char *name, json_t *value)
{
    json_t *ssns = json_is_array(value) ? ssns_of(value) : NULL;
    if (!ssns)
        return reply_keep(readonly, name, value);
    bool plain = true;
    for (size_t i = 0; i < json_array_size(value); i++)
        plain = plain && !json_is_object(json_array_get(value, i));
    if (json_object_set_new(out->doc, field, ssns))
        return -ENOMEM;
    json_t *rest = plain ? NULL : without_ssns(value);
    int rc = plain ? 0 : rest ? reply_keep(readonly, name, rest) : -ENOMEM;
    json_decref(rest);
    return rc;
}

static int read_group(json_t *api, json_t *readonly, struct lms_record *out)
{
    static const char *const users[] = {"group_users", "users"};
    static const char *const admins[] = {"group_admins", "managers", "admins", "leaders"};
    json_t *value;
    const char *name;
    int rc = 0;
    out->active = true;
    json_object_foreach(api, name, value)
    {
        const char *field = NULL;
        for (size_t i = 0; i < sizeof users / sizeof *users; i++)
            field = !strcmp(name, users[i]) ? "group_users" : field;
        for (size_t i = 0; i < sizeof admins / sizeof *admins; i++)
            field = !strcmp(name, admins[i]) ? "group_admins" : field;
        if (rc)
            break;
        if (field && !json_object_get(out->doc, field))
            rc = group_members(out, readonly, field, name, value);
        else if (!strcmp(name, "title") && json_is_string(value))
            rc = json_object_set(out->doc, name, value) ? -ENOMEM : 0;
        else
            rc = reply_keep(readonly, name, value);
    }
    return rc;
}

int avia_record(const struct lms_collection *c, json_t *api, struct lms_record *out, struct err *e)
{
    json_t *readonly = json_object();
    int rc = 0;
    *out = (struct lms_record){.key = avia_id(api), .doc = json_object()};
    if (!out->key)
        rc = err_set(e, -EPROTO, "it has no \"ID\" that is a positive whole number");
    else if (!readonly || !out->doc)
        rc = -ENOMEM;
    if (!rc)
        rc = avia_is(c, "users") ? read_user(c, api, readonly, out) : read_group(api, readonly, out);
    if (!rc)
        rc = reply_unsign(readonly);
    if (!rc)
        rc = json_object_set(out->doc, "_readonly", readonly) ? -ENOMEM : 0;
    json_decref(readonly);
    if (rc)
        lms_record_release(out);
    return rc;
}
