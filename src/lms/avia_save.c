/* avia_save.c — AVIA's saves.
 *
 *     a new user         POST /user, with the ssn inside `fields`
 *     anything but role  PUT /user/update, with the ssn at the top: it empties what it isn't sent, so the whole record goes, always
 *     role               PUT /user/update/role
 *     a new group        POST /groups
 *     members added      POST /groups/enroll; there is nothing to remove one with, nor to change a title
 */
#include "lms/avia.h"
#include "lms/build.h"
#include "lms/doc_value.h"
#include "lms/reply.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the PUT takes beside the ssn and `fields`, in the vendor's order. */
static const char *const texts[] = {"email", "username", "first_name", "last_name", "name", "locale"};
#define TEXTS (sizeof texts / sizeof *texts)

/* ------------------------------------------------------------------ the whole record */

/* A record as the API has it once it is sent whole: what was not given is empty. [""] is the vendor's own empty list. */
static json_t *whole_fields(const json_t *given)
{
    json_t *out = json_object(), *value;
    const char *key;
    int rc = out ? 0 : -1;
    for (const struct avia_member *m = avia_members; m->name; m++) {
        value = doc_value(given, m->name);
        rc |= value ? json_object_set(out, m->name, value)
                    : json_object_set_new(out, m->name, m->list ? json_pack("[s]", "") : json_string(""));
    }
    json_object_foreach((json_t *)given, key, value)
    {
        if (!json_is_null(value) && !json_object_get(out, key))
            rc |= json_object_set(out, key, value);
    }
    if (!rc)
        return out;
    json_decref(out);
    return NULL;
}

/* `merged` as it is once it was sent: what the file shows. */
static json_t *whole_user(const json_t *merged)
{
    json_t *out = json_deep_copy(merged);
    int rc = out ? 0 : -1;
    for (size_t i = 0; i < TEXTS; i++)
        if (!doc_value(out, texts[i]))
            rc |= json_object_set_new(out, texts[i], json_string(""));
    rc |= json_object_set_new(out, "fields", whole_fields(doc_value(merged, "fields")));
    json_object_del(out, "user_pass");
    if (!rc)
        return out;
    json_decref(out);
    return NULL;
}

static int copy_texts(json_t *body, const json_t *whole)
{
    int rc = 0;
    for (size_t i = 0; i < TEXTS; i++)
        rc |= json_object_set(body, texts[i], json_object_get(whole, texts[i]));
    return rc ? -ENOMEM : 0;
}

/* ------------------------------------------------------------------ people */

static int check_ssn_place(const struct lms_save *s, struct err *e)
{
    if (!json_object_get(doc_value(s->merged, "fields"), "ssn"))
        return 0;
    return err_set(e, -EINVAL, "fields.ssn: the ssn stands at the top of the document");
}

static int create_user(const struct lms_save *s, struct lms_plan *p, struct err *e)
{
    static const char *const more[] = {"user_login", "user_pass", "role"};
    const json_t *fields = doc_value(s->merged, "fields");
    for (const struct avia_member *m = avia_members; m->name; m++) {
        const json_t *value = doc_value(fields, m->name);
        if (m->required && (!value || (json_is_string(value) && !json_string_length(value))))
            return err_set(e, -EINVAL, "fields.%s is missing; a new user needs it", m->name);
    }
    json_t *whole = whole_user(s->merged), *body = json_object();
    int rc = whole && body ? copy_texts(body, whole) : -ENOMEM;
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        json_t *value = doc_value(s->merged, more[i]);
        if (value && json_object_set(body, more[i], value))
            rc = -ENOMEM;
    }
    json_t *sent = json_pack("{s:O?}", "ssn", doc_value(s->merged, "ssn"));
    if (!sent || json_object_update(sent, json_object_get(whole, "fields")) || json_object_set(body, "fields", sent))
        rc = -ENOMEM;
    json_decref(sent);
    json_decref(whole);
    if (!rc)
        return build_step_body(p, "the user", HTTP_POST, AVIA "/user", NULL, body);
    json_decref(body);
    return rc;
}

/* The first thing of the record that nobody knows: neither what is shown nor what was saved says what it is. */
static const char *unknown(const struct lms_save *s, char room[80])
{
    const json_t *now = json_object_get(s->merged, "fields"), *before = json_object_get(s->base, "fields");
    for (size_t i = 0; i < TEXTS; i++)
        if (!json_object_get(s->merged, texts[i]) && !json_object_get(s->base, texts[i]))
            return texts[i];
    for (const struct avia_member *m = avia_members; m->name; m++) {
        if (json_object_get(now, m->name) || json_object_get(before, m->name))
            continue;
        snprintf(room, 80, "fields.%s", m->name);
        return room;
    }
    return NULL;
}

static bool is_empty(const json_t *value)
{
    return !value || json_is_null(value) || (json_is_string(value) && !json_string_length(value));
}

/* What a create can't do without can't be emptied; what the API holds empty all the same doesn't stand in the way. */
static int check_emptied(const struct lms_save *s, struct err *e)
{
    const json_t *now = doc_value(s->merged, "fields"), *before = doc_value(s->base, "fields");
    for (const struct avia_member *m = avia_members; m->name; m++)
        if (m->required && is_empty(json_object_get(now, m->name)) && !is_empty(json_object_get(before, m->name)))
            return err_set(e, -EINVAL, "fields.%s can't be empty", m->name);
    return 0;
}

static int put_user(const struct lms_save *s, struct lms_plan *p, struct err *e)
{
    char room[80];
    const char *missing = unknown(s, room);
    if (missing)
        return err_set(e, -EAGAIN,
                       "AVIA empties what an update doesn't send, and %s is not known of this user: give every field",
                       missing);
    int rc = check_emptied(s, e);
    if (rc)
        return rc;
    json_t *whole = whole_user(s->merged), *body = json_pack("{s:O}", "ssn", doc_value(s->merged, "ssn"));
    rc = whole && body ? copy_texts(body, whole) : -ENOMEM;
    if (!rc && json_object_set(body, "fields", json_object_get(whole, "fields")))
        rc = -ENOMEM;
    json_decref(whole);
    if (!rc)
        return build_step_body(p, "the record", HTTP_PUT, AVIA "/user/update", NULL, body);
    json_decref(body);
    return rc;
}

static int put_role(const struct lms_save *s, struct lms_plan *p, struct err *e)
{
    const char *role = json_string_value(doc_value(s->merged, "role"));
    if (!role || !strcmp(role, "subscriber")) /* a create's word; the update documents three */
        return err_set(e, -EINVAL, "role must be one of: user, group_leader, admin");
    return build_step_body(p, "role", HTTP_PUT, AVIA "/user/update/role", NULL,
                           json_pack("{s:s, s:O}", "role", role, "ssn", doc_value(s->merged, "ssn")));
}

static bool record_changed(const struct lms_save *s)
{
    bool changed = build_changed(s, "fields");
    for (size_t i = 0; i < TEXTS; i++)
        changed = changed || build_changed(s, texts[i]);
    return changed;
}

static int update_user(const struct lms_save *s, struct lms_plan *p, struct err *e)
{
    bool record = record_changed(s), role = build_changed(s, "role");
    if (!record && !role)
        return 0;
    if (is_empty(json_object_get(s->merged, "ssn")))
        return err_set(e, -EINVAL, "AVIA names people by their ssn, and none is known of this one");
    int rc = record ? put_user(s, p, e) : 0;
    return rc || !role ? rc : put_role(s, p, e);
}

/* ------------------------------------------------------------------ groups */

static const struct group_option {
    const char *name;
    bool create, word;
} group_options[] = {
    {"social_group_create", true, false}, {"social_group_status", true, true}, {"update_social_group", false, false}};

#define GROUP_OPTIONS (sizeof group_options / sizeof *group_options)

/* What the document's `_options` say, and for the rest what the configuration does. New reference; NULL: no memory. */
static json_t *with_defaults(const struct lms_save *s)
{
    json_t *all = build_options(s);
    int bad = !all;
    for (const struct group_option *o = group_options; o < group_options + GROUP_OPTIONS && !bad; o++)
        bad = o->create == !s->key && build_default(all, s, o->name);
    if (!bad)
        return all;
    json_decref(all);
    return NULL;
}

static int check_options(const struct lms_save *s, struct err *e)
{
    for (const struct group_option *o = group_options; o < group_options + GROUP_OPTIONS; o++) {
        const json_t *value = doc_value(s->options, o->name);
        if (!value)
            continue;
        if (o->word ? !json_string_length(value) : !json_is_boolean(value))
            return err_set(e, -EINVAL, "_options.%s must be %s", o->name,
                           o->word ? "a word, such as \"public\"" : "true or false");
        if (o->create == (s->key != NULL))
            return err_set(e, -EINVAL, "_options.%s goes with %s only", o->name,
                           o->create ? "a new group" : "members that are added");
    }
    return 0;
}

static bool has_member(const json_t *list, const char *ssn)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (one && !strcmp(one, ssn))
            return true;
    }
    return false;
}

static int check_members(const json_t *list, const char *field, struct err *e)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (is_empty(json_array_get(list, i)) || !json_is_string(json_array_get(list, i)))
            return err_set(e, -EINVAL, "%s[%zu] must be somebody's ssn, a string", field, i);
    return 0;
}

/* Those of `now` that were not there; -EPERM where one who was is gone. */
static int added(const struct lms_save *s, const char *field, json_t **out, struct err *e)
{
    const json_t *now = doc_value(s->merged, field), *before = doc_value(s->base, field);
    int rc = check_members(now, field, e);
    for (size_t i = 0; !rc && i < json_array_size(before); i++) {
        const char *one = json_string_value(json_array_get(before, i));
        if (one && !has_member(now, one))
            rc = err_set(e, -EPERM, "%s: AVIA has no way to take a member out of a group", field);
    }
    *out = json_array();
    if (!rc && !*out)
        rc = -ENOMEM;
    for (size_t i = 0; !rc && i < json_array_size(now); i++) {
        json_t *one = json_array_get(now, i);
        if (!has_member(before, json_string_value(one)) && json_array_append(*out, one))
            rc = -ENOMEM;
    }
    return rc;
}

static int put_options(json_t *body, const struct lms_save *s)
{
    const char *name;
    json_t *value;
    int rc = 0;
    json_object_foreach(s->options, name, value)
    {
        rc |= json_is_null(value) ? 0 : json_object_set(body, name, value);
    }
    return rc ? -ENOMEM : 0;
}

static int group_step(const struct lms_save *s, struct lms_plan *p, const char *label, const char *path, json_t *body,
                      json_t *users, json_t *admins)
{
    int rc = body ? json_object_set(body, "group_users", users) | json_object_set(body, "group_admins", admins) : -1;
    if (!rc)
        rc = put_options(body, s);
    if (!rc)
        return build_step_body(p, label, HTTP_POST, path, NULL, body);
    json_decref(body);
    return rc;
}

static int plan_group(const struct lms_save *s, struct lms_plan *p, struct err *e)
{
    json_t *users = NULL, *admins = NULL;
    int rc = check_options(s, e);
    if (!rc && s->key && build_changed(s, "title"))
        rc = err_set(e, -EPERM, "title: AVIA has no way to change a group's title");
    if (!rc)
        rc = added(s, "group_users", &users, e);
    if (!rc)
        rc = added(s, "group_admins", &admins, e);
    if (!rc && !s->key) {
        json_t *body = json_pack("{s:O?}", "title", doc_value(s->merged, "title"));
        rc = group_step(s, p, "the group", AVIA "/groups", body, users, admins);
    } else if (!rc && (json_array_size(users) || json_array_size(admins))) {
        json_t *body = json_pack("{s:I}", "group_id", (json_int_t)strtoll(s->key, NULL, 10));
        rc = group_step(s, p, "members", AVIA "/groups/enroll", body, users, admins);
    }
    json_decref(users);
    json_decref(admins);
    return rc;
}

static int save_group(const struct lms_save *asked, struct lms_plan *p, struct err *e)
{
    struct lms_save s = *asked;
    s.options = with_defaults(asked);
    int rc = s.options ? plan_group(&s, p, e) : -ENOMEM;
    json_decref(s.options);
    return rc;
}

int avia_save(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e)
{
    *out = (struct lms_plan){0};
    int rc = avia_is(c, "groups") ? save_group(s, out, e) : check_ssn_place(s, e);
    if (!rc && avia_is(c, "users"))
        rc = s->key ? update_user(s, out, e) : create_user(s, out, e);
    if (rc)
        lms_plan_release(out);
    return build_told(rc, e);
}

/* ------------------------------------------------------------------ what the replies say */

/* WordPress may say 200 and then {code, message, data:{status: 400}}. */
static int hidden_refusal(const struct http_reply *r, const json_t *reply, struct err *e)
{
    const json_t *status = json_object_get(json_object_get(reply, "data"), "status");
    if (!json_object_get(reply, "code") || !json_is_integer(status) || json_integer_value(status) < 400 ||
        json_integer_value(status) > 599)
        return 0;
    char words[256];
    lms_error_text(r, words, sizeof words);
    return err_set(e, lms_status_errno((int)json_integer_value(status)), "%s", words);
}

/* Which id the record got that a create made. */
static char *created_id(const json_t *reply)
{
    static const char *const members[] = {"data", "user", "group"};
    char *id = avia_id(reply);
    const json_t *group_id = json_object_get(reply, "group_id");
    for (size_t i = 0; !id && i < sizeof members / sizeof *members; i++)
        id = avia_id(json_object_get(reply, members[i]));
    if (!id && json_is_integer(group_id) && json_integer_value(group_id) > 0 &&
        asprintf(&id, "%" JSON_INTEGER_FORMAT, json_integer_value(group_id)) < 0)
        id = NULL;
    return id;
}

/* The user as it is after this step: the PUT leaves the role as it was. */
static json_t *taken_user(const struct lms_save *s, size_t step)
{
    json_t *doc = whole_user(s->merged), *role = json_object_get(s->base, "role");
    bool role_follows = s->key && step == 0 && record_changed(s) && build_changed(s, "role");
    int rc = doc ? 0 : -1;
    if (role_follows && role)
        rc |= json_object_set(doc, "role", role);
    else if (role_follows)
        json_object_del(doc, "role");
    if (!rc)
        return doc;
    json_decref(doc);
    return NULL;
}

int avia_saved(const struct lms_collection *c, const struct lms_save *s, size_t step, const struct http_reply *r,
               struct lms_verdict *out, struct err *e)
{
    json_t *reply = NULL;
    struct err unread = {0};

    *out = (struct lms_verdict){0};
    int rc = reply_ok(r, e);
    if (rc)
        return rc;
    int readable = reply_object(r, &reply, &unread); /* what an update answers isn't documented */
    if (!readable)
        rc = hidden_refusal(r, reply, e);
    if (!rc && !s->key) {
        if (readable)
            rc = err_set(e, readable, "%s", unread.text);
        else if (!(out->key = created_id(reply)))
            rc = err_set(e, -EPROTO, "it was accepted, but the reply doesn't give the id");
    }
    if (!rc && avia_is(c, "users") && s->merged && !(out->taken = taken_user(s, step)))
        rc = -ENOMEM;
    json_decref(reply);
    if (rc)
        lms_verdict_release(out);
    return build_told(rc, e);
}
