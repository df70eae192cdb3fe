/* synap_save.c — a user's save: one edited document can need several requests.
 *
 *     name, password, externalId    PATCH /users/:id
 *     attr                          PUT /users/attributes
 *     userGroups                    POST /usergroup/add, /usergroup/remove, one for each group
 */
#include "lms/synap.h"
#include "lms/build.h"
#include "lms/doc_value.h"
#include "lms/reply.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ _options */

static int check_actions(const json_t *actions, struct err *e)
{
    const char *key;
    json_t *value;
    if (actions && !json_is_object(actions))
        return err_set(e, -EINVAL, "_options.actions must be an object");
    json_object_foreach((json_t *)actions, key, value)
    {
        bool group = !strcmp(key, "addToUserGroup");
        if (!group && strcmp(key, "setDefaultPassword") != 0 && strcmp(key, "disableWelcomeEmail") != 0)
            return err_set(e, -EINVAL, "_options.actions.%.80s is unknown", key);
        if (group ? !json_is_string(value) : !json_is_boolean(value))
            return err_set(e, -EINVAL, "_options.actions.%s must be %s", key,
                           group ? "a user group's id" : "true or false");
    }
    return 0;
}

/* What the document's `_options` say, and for the rest what the configuration does. New reference; NULL: no memory. */
static json_t *with_defaults(const struct lms_save *s)
{
    json_t *all = build_options(s), *actions = json_object_get(all, "actions");
    int bad = !all || build_default(all, s, "subPortalId");
    if (!bad && !s->key && (!actions || json_is_object(actions))) { /* with a new user only */
        bad = !actions && json_object_set_new(all, "actions", actions = json_object());
        bad = bad || build_default(actions, s, "addToUserGroup") || build_default(actions, s, "disableWelcomeEmail");
        if (!bad && !doc_value(s->merged, "password"))
            bad = build_default(actions, s, "setDefaultPassword");
    }
    if (!bad)
        return all;
    json_decref(all);
    return NULL;
}

static int check_save(const struct lms_save *s, struct err *e)
{
    const json_t *actions = doc_value(s->options, "actions"), *portal = doc_value(s->options, "subPortalId");
    const json_t *password = doc_value(s->merged, "password");

    if (portal && !json_is_string(portal))
        return err_set(e, -EINVAL, "_options.subPortalId must be a string");
    if (actions && s->key)
        return err_set(e, -EINVAL, "_options.actions only go with a new user");
    int rc = check_actions(actions, e);
    if (rc)
        return rc;
    if (password && json_is_true(json_object_get(actions, "setDefaultPassword")))
        return err_set(e, -EINVAL, "password must be left out where _options.actions.setDefaultPassword makes one");
    /* The pattern has seen to the rest of the API's rule. */
    if (password && json_string_length(password) < 8)
        return err_set(e, -EINVAL, "password must be at least 8 characters long, with an upper case letter and a digit");
    return 0;
}

/* ------------------------------------------------------------------ steps */

static int add_step(struct lms_plan *p, enum http_method method, const char *label, const char *fmt, const char *arg,
                    json_t *body, struct err *e)
{
    struct http_request *step = build_step(p, label);
    int rc = step ? build_request(step, method, fmt, arg) : -ENOMEM;
    if (rc) {
        json_decref(body);
        return rc == -EINVAL ? err_set(e, rc, "that can't be the id of a record") : rc;
    }
    /* PATCH here only sets values: the second time changes nothing. */
    step->idempotent = method == HTTP_PUT || method == HTTP_PATCH;
    return build_body(step, body);
}

static int patch_user(const struct lms_save *s, struct lms_plan *p, struct err *e)
{
    static const char *const names[] = {"name", "password", "externalId"};
    json_t *body = json_object();
    char label[64] = "";
    int rc = body ? 0 : -ENOMEM;

    for (size_t i = 0; !rc && i < sizeof names / sizeof *names; i++) {
        json_t *value = doc_value(s->merged, names[i]);
        if (!build_changed(s, names[i]))
            continue;
        if (!value)
            rc = err_set(e, -EINVAL, "Synap documents no way to clear %s", names[i]);
        else
            rc = json_object_set(body, names[i], value) ? -ENOMEM : 0;
        size_t n = strlen(label);
        snprintf(label + n, sizeof label - n, "%s%s", n ? ", " : "", names[i]);
    }
    if (!rc && json_object_size(body))
        return add_step(p, HTTP_PATCH, label, "/users/{}", s->key, body, e);
    json_decref(body);
    return rc;
}

/* The members of attr that differ; what isn't sent is kept. */
static int changed_attrs(const struct lms_save *s, json_t *out, struct err *e)
{
    json_t *now = doc_value(s->merged, "attr"), *before = doc_value(s->base, "attr"), *value;
    const char *name;
    int rc = 0;

    json_object_foreach(now, name, value)
    {
        if (!json_is_null(value) && !doc_equal(value, json_object_get(before, name)))
            rc |= json_object_set(out, name, value);
    }
    json_object_foreach(before, name, value)
    {
        if (!json_is_null(value) && !doc_value(now, name))
            return err_set(e, -EINVAL, "attr.%.80s can't be cleared: Synap documents no way to", name);
    }
    return rc ? -ENOMEM : 0;
}

static int put_attributes(const struct lms_save *s, struct lms_plan *p, struct err *e)
{
    json_t *attr = json_object();
    int rc = attr ? changed_attrs(s, attr, e) : -ENOMEM;
    if (rc || !json_object_size(attr)) {
        json_decref(attr);
        return rc;
    }
    json_t *body = json_pack("{s:{s:s}, s:o}", "user", "objectId", s->key, "attr", attr);
    return add_step(p, HTTP_PUT, "attr", "/users/attributes", NULL, body, e);
}

static int group_step(const struct lms_save *s, struct lms_plan *p, const char *verb, const char *group, struct err *e)
{
    json_t *email = doc_value(s->merged, "email"), *portal = doc_value(s->options, "subPortalId");
    char label[160];
    if (!json_is_string(email))
        return err_set(e, -EINVAL, "userGroups can't change: Synap asks for the user's e-mail, and there is none");
    json_t *body = json_pack("{s:O, s:s}", "userEmail", email, "userGroupId", group);
    if (portal && json_object_set(body, "subPortalId", portal)) {
        json_decref(body);
        return -ENOMEM;
    }
    snprintf(label, sizeof label, "userGroups: %s %.100s", verb, group);
    return add_step(p, HTTP_POST, label, !strcmp(verb, "add") ? "/usergroup/add" : "/usergroup/remove", NULL, body, e);
}

/* A group is named by its objectId; its name and whatever else the server says of it can only be repeated. */
static int check_group(const char *group, const json_t *known, const json_t *wanted, struct err *e)
{
    const char *member;
    json_t *value;
    json_object_foreach((json_t *)wanted, member, value)
    {
        bool named = !strcmp(member, "objectId") || !strcmp(member, "name");
        if (known ? !doc_equal(value, json_object_get(known, member)) : !named)
            return err_set(e, -EINVAL, "userGroups.%.80s: %.80s can't be written; a group is named by its objectId",
                           group, member);
    }
    return 0;
}

/* `already`: a group that the create itself adds; NULL as a rule. */
static int change_groups(const struct lms_collection *c, const struct lms_save *s, const char *already,
                         struct lms_plan *p, struct err *e)
{
    const struct lms_field *f = doc_field(c, "userGroups");
    json_t *before = NULL, *now = NULL, *element;
    const char *group;
    int rc = doc_by_key(f, doc_value(s->base, f->name), &before);

    if (!rc)
        rc = doc_by_key(f, doc_value(s->merged, f->name), &now);
    if (rc == -EINVAL)
        err_set(e, rc, "userGroups can't be told apart by their objectId");
    json_object_foreach(now, group, element)
    {
        const json_t *known = json_object_get(before, group);
        if (!rc)
            rc = check_group(group, known, element, e);
        if (!rc && !known && (!already || strcmp(group, already) != 0))
            rc = group_step(s, p, "add", group, e);
    }
    json_object_foreach(before, group, element)
    {
        if (!rc && !json_object_get(now, group))
            rc = group_step(s, p, "remove", group, e);
    }
    json_decref(before);
    json_decref(now);
    return rc;
}

/* ------------------------------------------------------------------ users */

/* The first group goes with the create, unless the options name one already. */
static json_t *create_actions(const struct lms_save *s)
{
    json_t *given = doc_value(s->options, "actions");
    json_t *actions = given ? json_deep_copy(given) : json_object();
    json_t *group = json_object_get(json_array_get(doc_value(s->merged, "userGroups"), 0), "objectId");
    if (group && !json_object_get(actions, "addToUserGroup") && json_object_set(actions, "addToUserGroup", group)) {
        json_decref(actions);
        return NULL;
    }
    return actions;
}

static json_t *create_user_body(const struct lms_collection *c, const struct lms_save *s, const json_t *actions)
{
    const struct lms_field *f = doc_field(c, "attr"); /* by key: without the members that are null */
    static const char *const names[] = {"email", "name", "password", "externalId"};
    json_t *user = json_object(), *attr = NULL, *portal = doc_value(s->options, "subPortalId");
    int rc = user ? 0 : -1;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *value = doc_value(s->merged, names[i]);
        if (value)
            rc |= json_object_set(user, names[i], value);
    }
    rc |= doc_by_key(f, doc_value(s->merged, f->name), &attr);
    if (json_object_size(attr))
        rc |= json_object_set(user, f->name, attr);
    json_decref(attr);
    if (portal)
        rc |= json_object_set(user, "subPortalId", portal);
    json_t *body = json_object();
    rc |= json_object_set_new(body, "user", user);
    if (json_object_size(actions))
        rc |= json_object_set_new(body, "actions", json_deep_copy(actions));
    if (!rc)
        return body;
    json_decref(body);
    return NULL;
}

static int create_user(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *p, struct err *e)
{
    if (!doc_value(s->merged, "email") || !doc_value(s->merged, "name"))
        return err_set(e, -EINVAL, "a new user needs email and name");
    json_t *actions = create_actions(s);
    if (!actions)
        return -ENOMEM;
    int rc = add_step(p, HTTP_POST, "the user", "/users", NULL, create_user_body(c, s, actions), e);
    if (!rc)
        rc = change_groups(c, s, json_string_value(json_object_get(actions, "addToUserGroup")), p, e);
    json_decref(actions);
    return rc;
}

static int update_user(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *p, struct err *e)
{
    if (build_changed(s, "email"))
        return err_set(e, -EINVAL, "email can't change: Synap has no way to");
    int rc = patch_user(s, p, e);
    if (!rc && build_changed(s, "attr"))
        rc = put_attributes(s, p, e);
    if (!rc && build_changed(s, "userGroups"))
        rc = change_groups(c, s, NULL, p, e);
    return rc;
}

static int save_user(const struct lms_collection *c, const struct lms_save *asked, struct lms_plan *p, struct err *e)
{
    struct lms_save s = *asked;
    s.options = with_defaults(asked);
    int rc = s.options ? check_save(&s, e) : -ENOMEM;
    if (!rc)
        rc = s.key ? update_user(c, &s, p, e) : create_user(c, &s, p, e);
    json_decref(s.options);
    return rc;
}

int synap_save(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e)
{
    *out = (struct lms_plan){0};
    int rc;
    if (c->kind == LMS_WRITE_ONLY) {
        rc = synap_save_written(c, s, out, e);
    } else if (synap_is(c, "learning-records")) {
        rc = synap_save_learning(c, s, out, e);
    } else if (synap_is(c, "users")) {
        rc = save_user(c, s, out, e);
    } else {
        rc = err_set(e, -EPERM, "Synap's %s is read-only", c->name);
    }
    if (rc)
        lms_plan_release(out);
    return build_told(rc, e);
}

/* ------------------------------------------------------------------ what the replies say */

static bool is_blank(const struct http_reply *r)
{
    for (size_t i = 0; r->body && i < r->len; i++)
        if (!strchr(" \t\r\n", r->body[i]) || !r->body[i])
            return false;
    return true;
}

/* The record that the reply shows must be the one that was saved. */
static int take_record(const struct lms_collection *c, const struct lms_save *s, json_t *api, struct lms_verdict *out,
                       struct err *e)
{
    int rc =
        json_is_object(api) ? 0 : err_set(e, -EPROTO, "the save was accepted, but the reply doesn't show the record");
    if (!rc)
        rc = synap_record(c, api, &out->record, e);
    if (!rc && s->key && strcmp(s->key, out->record.key) != 0)
        rc = err_set(e, -EPROTO, "ID-%.80s was saved and the reply is about ID-%.80s", s->key, out->record.key);
    if (!rc)
        out->key = reply_dup(out->record.key, &rc);
    return rc;
}

static bool makes_password(const struct lms_save *s)
{
    json_t *options = with_defaults(s);
    bool makes = json_is_true(json_object_get(doc_value(options, "actions"), "setDefaultPassword"));
    json_decref(options);
    return makes;
}

static int created_user(const struct lms_collection *c, const struct lms_save *s, json_t *api, struct lms_verdict *out,
                        struct err *e)
{
    const char *password = NULL;
    int rc = take_record(c, s, api, out, e);
    if (rc || !makes_password(s))
        return rc;
    rc = reply_text(api, "password", &password, e);
    if (!rc)
        out->secret = reply_dup(password, &rc);
    return rc;
}

/* Later steps show parts of the user; all that can be learnt is whether they are about the right one. */
static int check_user(const struct lms_save *s, const json_t *api, struct err *e)
{
    const char *id = json_string_value(json_object_get(api, "objectId"));
    if (s->key && id && strcmp(id, s->key) != 0)
        return err_set(e, -EPROTO, "ID-%.80s was saved and the reply is about ID-%.80s", s->key, id);
    return 0;
}

int synap_saved(const struct lms_collection *c, const struct lms_save *s, size_t step, const struct http_reply *r,
                struct lms_verdict *out, struct err *e)
{
    json_t *reply;
    bool learning = synap_is(c, "learning-records"), create = !s->key && !step;

    *out = (struct lms_verdict){0};
    int rc = reply_ok(r, e);
    if (rc || (!create && is_blank(r))) /* PATCH answers 204 */
        return rc;
    rc = reply_object(r, &reply, e);
    if (rc)
        return rc;
    if (c->kind == LMS_WRITE_ONLY) {
        rc = 0; /* it says that it is done, and nothing that isn't known */
    } else if (learning) {
        rc = take_record(c, s, json_object_get(reply, "learningRecord"), out, e);
        out->record_is_detail = !rc;
    } else if (create) {
        rc = created_user(c, s, json_object_get(reply, "user"), out, e);
    } else {
        rc = check_user(s, json_object_get(reply, "user"), e);
    }
    json_decref(reply);
    if (rc)
        lms_verdict_release(out);
    return build_told(rc, e);
}
