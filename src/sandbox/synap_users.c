/* Synap: people and their user groups. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "seed.h"
#include "synap.h"
#include "when.h"

static void set_stamp(json_t *object, const char *key, int64_t ms)
{
    char stamp[32];

    sb_stamp_ms_print(ms, stamp);
    json_object_set_new(object, key, json_string(stamp));
}

static json_t *groups_json(const struct synap_user *u)
{
    json_t *list = json_array();

    for (unsigned g = 0; g < SYNAP_GROUPS; g++)
        if (u->groups >> g & 1)
            json_array_append_new(list, json_pack("{s:s, s:s}", "objectId", sy_group_id(g), "name", sy_group_name(g)));
    return list;
}

json_t *sy_user_json(const struct synap_user *u, bool whole)
{
    json_t *user = json_pack("{s:s, s:s, s:s, s:s?}", "objectId", u->id, "email", u->email, "name", u->name,
                             "externalId", u->ext[0] ? u->ext : NULL);

    set_stamp(user, "createdAt", u->created_ms);
    set_stamp(user, "updatedAt", u->updated_ms);
    if (whole) {
        json_object_set(user, "attr", u->attr);
        json_object_set_new(user, "userGroups", groups_json(u));
    }
    return user;
}

static void answer_user(struct reply *rp, json_t *user)
{
    json_t *reply = json_pack("{s:o}", "user", user);

    set_stamp(reply, "timestamp", sy_now_ms());
    sb_reply_json(rp, 200, reply);
}

/* ---- checks; each writes the 400 itself and says false ---- */

static bool fields_fine(struct reply *rp, const json_t *object, const struct field *table)
{
    static const char *const kinds[] = {"a string", "a boolean", "an object", "an array", "present"};
    const char *which = "";
    enum field_type type = FIELD_ANY;
    char text[256];

    switch (sb_fields_check(object, table, &which, &type)) {
    case FIELD_FINE:
        return true;
    case FIELD_UNKNOWN:
        snprintf(text, sizeof(text), "%.200s is not a valid attribute", which);
        break;
    default:
        snprintf(text, sizeof(text), "%.200s must be %s", which, kinds[type]);
    }
    sy_error(rp, 400, text);
    return false;
}

static bool attr_fine(struct reply *rp, const json_t *attr)
{
    const char *key, *wrong;
    char room[256];
    json_t *value;

    json_object_foreach((json_t *)attr, key, value)
    {
        wrong = sy_attr_wrong(key, value, room);
        if (wrong) {
            sy_error(rp, 400, wrong);
            return false;
        }
    }
    return true;
}

static bool password_fine(struct reply *rp, const char *password)
{
    bool upper = false, digit = false;

    for (const char *c = password; *c; c++) {
        upper = upper || isupper((unsigned char)*c);
        digit = digit || isdigit((unsigned char)*c);
    }
    if (strlen(password) >= 8 && upper && digit)
        return true;
    sy_error(rp, 400, "password must be at least 8 characters long and include 1 upper case letter and 1 number");
    return false;
}

static bool text_fine(struct reply *rp, const char *name, const char *text, size_t room)
{
    char message[128];

    if (!text || (*text && strlen(text) < room))
        return true;
    snprintf(message, sizeof(message), "%s must be a string of 1 to %zu bytes", name, room - 1);
    sy_error(rp, 400, message);
    return false;
}

static bool email_fine(struct reply *rp, const char *email)
{
    const char *at = strchr(email, '@');

    if (at && at > email && at[1] && !strchr(at + 1, '@') && !email[strcspn(email, " \t\r\n")] && strlen(email) < 256)
        return true;
    sy_error(rp, 400, "email must be an email");
    return false;
}

/* ---- POST /users ---- */

static const struct field create_fields[] = {{"user", FIELD_OBJECT, true}, {"actions", FIELD_OBJECT, false}, {0}};

static const struct field user_fields[] = {
    {"email", FIELD_STRING, true},
    {"name", FIELD_STRING, true},
    {"password", FIELD_STRING, false},
    {"externalId", FIELD_STRING, false},
    {"subPortalId", FIELD_STRING, false},
    {"attr", FIELD_OBJECT, false},
    {0},
};

static const struct field action_fields[] = {
    {"addToUserGroup", FIELD_STRING, false},
    {"setDefaultPassword", FIELD_BOOLEAN, false},
    {"disableWelcomeEmail", FIELD_BOOLEAN, false},
    {0},
};

static bool create_fine(struct sandbox *sb, struct reply *rp, const json_t *user, const json_t *actions)
{
    const char *password = sb_field_string(user, "password"), *group = sb_field_string(actions, "addToUserGroup");
    bool generate = json_is_true(json_object_get(actions, "setDefaultPassword"));

    if (!fields_fine(rp, user, user_fields) || (actions && !fields_fine(rp, actions, action_fields)) ||
        !email_fine(rp, sb_field_string(user, "email")) || !text_fine(rp, "name", sb_field_string(user, "name"), 300) ||
        !text_fine(rp, "externalId", sb_field_string(user, "externalId"), 256) ||
        !text_fine(rp, "subPortalId", sb_field_string(user, "subPortalId"), 64) ||
        !attr_fine(rp, json_object_get(user, "attr")))
        return false;
    if (generate == (password != NULL)) {
        sy_error(rp, 400, generate ? "password must be omitted with setDefaultPassword" : "password must be a string");
        return false;
    }
    if (password && !password_fine(rp, password))
        return false;
    if (group && sy_group_find(group) < 0) {
        sy_error(rp, 404, "Object Not Found");
        return false;
    }
    if (sy_by_email(sb->synap, sb_field_string(user, "email"))) {
        sy_error(rp, 400, "Account already exists for this email address");
        return false;
    }
    return true;
}

void sy_user_create(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const json_t *user = json_object_get(rq->json, "user"), *actions = json_object_get(rq->json, "actions");
    const char *group = sb_field_string(actions, "addToUserGroup"), *ext = sb_field_string(user, "externalId");
    const char *portal = sb_field_string(user, "subPortalId");
    struct synap_user *u;
    json_t *reply;

    if (!fields_fine(rp, rq->json, create_fields) || !create_fine(sb, rp, user, actions))
        return;
    u = sy_user_add(sb->synap, sb_field_string(user, "email"), sb_field_string(user, "name"));
    snprintf(u->ext, sizeof(u->ext), "%s", ext ? ext : "");
    snprintf(u->sub_portal, sizeof(u->sub_portal), "%s", portal ? portal : "");
    u->password_set = true;
    json_object_update(u->attr, json_object_get(user, "attr"));
    if (group)
        u->groups |= 1U << sy_group_find(group);
    reply = sy_user_json(u, false);
    if (json_is_true(json_object_get(actions, "setDefaultPassword")))
        json_object_set_new(
            reply, "password",
            json_sprintf("Generated-%u", (unsigned)(seed_mix(sb->synap->seed, sb->synap->serial, 7) % 900000) + 100000));
    answer_user(rp, reply);
}

/* ---- changing and finding ---- */

void sy_user_attributes(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const struct field fields[] = {{"user", FIELD_OBJECT, true}, {"attr", FIELD_OBJECT, true}, {0}};
    static const struct field keys[] = {
        {"objectId", FIELD_STRING, false}, {"email", FIELD_STRING, false}, {"subPortal", FIELD_STRING, false}, {0}};
    const json_t *user = json_object_get(rq->json, "user"), *attr = json_object_get(rq->json, "attr");
    const char *id = sb_field_string(user, "objectId"), *email = sb_field_string(user, "email");
    struct synap_user *u;
    json_t *reply;

    if (!fields_fine(rp, rq->json, fields) || !fields_fine(rp, user, keys))
        return;
    if (!id && !email) {
        sy_error(rp, 400, "user must have an email or an objectId");
        return;
    }
    u = id ? sy_by_id(sb->synap, id) : sy_by_email(sb->synap, email);
    if (!u || (id && email && u != sy_by_email(sb->synap, email))) {
        sy_error(rp, 404, "Object Not Found");
        return;
    }
    if (!attr_fine(rp, attr))
        return;
    json_object_update(u->attr, (json_t *)attr);
    u->updated_ms = sy_now_ms();
    reply = json_pack("{s:{s:s, s:O}}", "user", "objectId", u->id, "attr", u->attr);
    set_stamp(json_object_get(reply, "user"), "updatedAt", u->updated_ms);
    sb_reply_json(rp, 200, reply);
}

void sy_user_patch(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const struct field fields[] = {
        {"name", FIELD_STRING, false}, {"password", FIELD_STRING, false}, {"externalId", FIELD_STRING, false}, {0}};
    const char *name = sb_field_string(rq->json, "name"), *password = sb_field_string(rq->json, "password");
    const char *ext = sb_field_string(rq->json, "externalId");
    struct synap_user *u = sy_by_id(sb->synap, rq->captured[0]);

    if (!fields_fine(rp, rq->json, fields) || !text_fine(rp, "name", name, 300) ||
        !text_fine(rp, "externalId", ext, 256) || (password && !password_fine(rp, password)))
        return;
    if (!u) {
        sy_error(rp, 404, "Object Not Found");
        return;
    }
    if (name)
        snprintf(u->name, sizeof(u->name), "%s", name);
    if (ext)
        snprintf(u->ext, sizeof(u->ext), "%s", ext);
    u->password_set = u->password_set || password;
    u->updated_ms = sy_now_ms();
    rp->status = 204;
}

void sy_user_find(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *id = sb_request_query(rq, "id"), *email = sb_request_query(rq, "email");
    const struct synap_user *u;

    if (!id == !email) {
        sy_error(rp, 400, "either id or email must be given");
        return;
    }
    u = id ? sy_by_id(sb->synap, id) : sy_by_email(sb->synap, email);
    if (u)
        answer_user(rp, sy_user_json(u, true));
    else
        sy_error(rp, 404, "Object Not Found");
}

void sy_user_delete(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct synap_user *u = sy_by_id(sb->synap, rq->captured[0]);

    if (!u) {
        sy_error(rp, 404, "Not Found");
        return;
    }
    answer_user(rp, sy_user_json(u, false));
    sy_user_remove(sb->synap, u);
}

/* ---- user groups ---- */

static void change_group(struct sandbox *sb, struct request *rq, struct reply *rp, bool add)
{
    static const struct field fields[] = {
        {"userEmail", FIELD_STRING, true}, {"userGroupId", FIELD_STRING, true}, {"subPortalId", FIELD_STRING, false}, {0}};
    const char *email = sb_field_string(rq->json, "userEmail"), *id = sb_field_string(rq->json, "userGroupId");
    struct synap_user *u;
    json_t *reply;
    int group;

    if (!fields_fine(rp, rq->json, fields))
        return;
    u = sy_by_email(sb->synap, email);
    group = sy_group_find(id);
    if (!u || group < 0) {
        sy_error(rp, 404, "Object not found");
        return;
    }
    u->groups = add ? u->groups | 1U << group : u->groups & ~(1U << group);
    u->updated_ms = sy_now_ms();
    reply = json_pack("{s:o, s:{s:s, s:s, s:s}, s:{s:s, s:s}}", "message",
                      json_sprintf("%s has been %s %s (%s)", u->email, add ? "added to" : "removed from",
                                   sy_group_name((unsigned)group), id),
                      "user", "objectId", u->id, "name", u->name, "email", u->email, "userGroup", "objectId", id,
                      "name", sy_group_name((unsigned)group));
    sy_meta(reply, NULL);
    sb_reply_json(rp, 200, reply);
}

void sy_group_add(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    change_group(sb, rq, rp, true);
}

void sy_group_remove(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    change_group(sb, rq, rp, false);
}
