/* HowNow: the upsert. What the parameter table forbids is refused at once; what only the data can tell fails the job. */
#include "hownow.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fields.h"
#include "seed.h"
#include "when.h"

static const struct field body_fields[] = {
    {"external_user_id", FIELD_STRING, true},
    {"name", FIELD_STRING, true},
    {"email", FIELD_STRING, true},
    {"user_type", FIELD_STRING, true},
    {"manager_id", FIELD_STRING, false},
    {"start_date", FIELD_STRING, false},
    {"avatar_url", FIELD_STRING, false},
    {"dob", FIELD_STRING, false},
    {"phone", FIELD_STRING, false},
    {"address", FIELD_STRING, false},
    {"country", FIELD_STRING, false},
    {"job_role", FIELD_OBJECT, false},
    {"custom_fields", FIELD_ARRAY, false},
    {0},
};

static const struct field role_fields[] = {{"id", FIELD_STRING, false}, {"name", FIELD_STRING, false}, {0}};

static const struct field custom_fields[] = {{"field_name", FIELD_STRING, true}, {"value", FIELD_STRING, true}, {0}};

/* ---- what the parameter table says ---- */

static bool is_external_id(const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '-')
            return false;
    return len > 0 && len < 200;
}

/* Devise: /\A[^@\s]+@[^@\s]+\z/ */
static bool is_email(const char *text)
{
    const char *at = strchr(text, '@');

    if (!at || at == text || !at[1] || strchr(at + 1, '@') || strlen(text) > 255)
        return false;
    return !text[strcspn(text, " \t\r\n\f\v")];
}

static bool is_url(const char *text)
{
    size_t scheme = strncasecmp(text, "http://", 7) == 0 ? 7 : strncasecmp(text, "https://", 8) == 0 ? 8 : 0;

    return scheme && text[scheme] && text[scheme] != '/' && strlen(text) < 512 && !text[strcspn(text, " \t\r\n\"<>")];
}

static bool is_past_date(const char *text)
{
    int32_t days;

    return sb_date_parse(text, &days) && days <= (int32_t)(sb_wall() / 86400);
}

static bool absent_or(const json_t *body, const char *key, bool (*holds)(const char *text))
{
    const char *text = sb_field_string(body, key);

    return !text || holds(text);
}

static bool fits(const json_t *body, const char *key, size_t room)
{
    const char *text = sb_field_string(body, key);

    return !text || strlen(text) < room;
}

static bool nested_valid(const json_t *body)
{
    const json_t *role = json_object_get(body, "job_role");
    const char *which;
    enum field_type type;
    json_t *item;
    size_t i;

    if (role && (sb_fields_check(role, role_fields, &which, &type) != FIELD_FINE || !fits(role, "name", 200) ||
                 !absent_or(role, "id", hn_is_reference)))
        return false;
    json_array_foreach(json_object_get(body, "custom_fields"), i, item)
    {
        if (!json_is_object(item) || sb_fields_check(item, custom_fields, &which, &type) != FIELD_FINE)
            return false;
    }
    return true;
}

static bool body_valid(const json_t *body)
{
    const char *which, *name;
    enum field_type type;
    enum user_type user_type;

    if (sb_fields_check(body, body_fields, &which, &type) != FIELD_FINE)
        return false;
    name = sb_field_string(body, "name");
    if (!*name || sb_characters(name) > 75 || !is_external_id(sb_field_string(body, "external_user_id")) ||
        !is_email(sb_field_string(body, "email")) || !people_type_parse(sb_field_string(body, "user_type"), &user_type))
        return false;
    if (!absent_or(body, "manager_id", hn_is_reference) || !absent_or(body, "start_date", is_past_date) ||
        !absent_or(body, "avatar_url", is_url) || !absent_or(body, "dob", is_past_date))
        return false;
    return fits(body, "phone", 64) && fits(body, "address", 512) && fits(body, "country", 128) && nested_valid(body);
}

void hn_upsert(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    if (!hn_actor_is_admin(sb, rq)) {
        hn_refuse(rp, 401, NULL);
    } else if (!body_valid(rq->json)) {
        hn_refuse(rp, 400, NULL);
    } else {
        sb_reply_json(rp, 201,
                      json_pack("{s:s, s:s}", "job_id", hn_jobs_submit(sb->jobs, hn_upsert_apply, rq->json), "message",
                                "Request is accepted"));
    }
}

/* ---- one field ---- */

static bool assign_manager(struct sandbox *sb, struct user *u, const char *text, struct buf *error)
{
    uint32_t boss = text ? hn_resolve(sb, text, false) : PEOPLE_NOBODY;

    if (text && boss == PEOPLE_NOBODY)
        sb_printf(error, "Manager not found with id: %s", text);
    else if (text && !people_is_active(sb->people, boss))
        sb_printf(error, "Manager is not active: %s", text);
    else if (text && boss == u->index)
        sb_str(error, "User cannot be their own manager");
    else
        u->manager = boss;
    return error->len == 0;
}

static bool assign_role(struct sandbox *sb, struct user *u, const json_t *value, struct buf *error)
{
    const char *id = sb_field_string(value, "id");
    const char *name = json_is_string(value) ? json_string_value(value) : sb_field_string(value, "name");
    int32_t role = id ? hn_catalogue_role_find(sb->catalogue, id) : -1;

    if (id && role < 0) {
        sb_printf(error, "Job role not found with id: %s", id);
        return false;
    }
    if (!id && !name && json_is_object(value))
        return true;
    u->role = role;
    snprintf(u->role_name, sizeof(u->role_name), "%s", role < 0 && name ? name : "");
    return true;
}

/* Takes the written form {"field_name","value"} and, for the control endpoint, the read one. The whole list is new. */
static bool assign_custom(struct user *u, const json_t *value, struct buf *error)
{
    json_t *list = json_array(), *item;
    size_t i;

    json_array_foreach(value, i, item)
    {
        const char *name = sb_field_string(item, "field_name");
        const char *text = sb_field_string(item, "value");

        name = name ? name : sb_field_string(item, "name");
        text = text ? text : sb_field_string(item, "values");
        if (!name || !seed_custom_defined(name)) {
            sb_printf(error, "Custom field not found: %s", name ? name : "");
            json_decref(list);
            return false;
        }
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "values", text ? text : ""));
    }
    u->custom = list;
    return true;
}

static bool assign_text(struct user *u, const char *key, const char *text)
{
    const struct {
        const char *key;
        char *slot;
        size_t room;
    } slots[] = {
        {"name", u->name, sizeof(u->name)},
        {"email", u->email, sizeof(u->email)},
        {"external_user_id", u->ext, sizeof(u->ext)},
        {"avatar_url", u->avatar_url, sizeof(u->avatar_url)},
        {"dob", u->dob, sizeof(u->dob)},
        {"phone", u->phone, sizeof(u->phone)},
        {"address", u->address, sizeof(u->address)},
        {"country", u->country, sizeof(u->country)},
    };

    for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
        if (strcmp(slots[i].key, key) == 0) {
            snprintf(slots[i].slot, slots[i].room, "%s", text ? text : "");
            return true;
        }
    }
    return false;
}

bool hn_assign(struct sandbox *sb, struct user *u, const char *key, const json_t *value, struct buf *error)
{
    const char *text = json_string_value(value);

    if (strcmp(key, "manager_id") == 0)
        return assign_manager(sb, u, text, error);
    if (strcmp(key, "job_role") == 0)
        return assign_role(sb, u, value, error);
    if (strcmp(key, "custom_fields") == 0)
        return assign_custom(u, value, error);
    if (strcmp(key, "user_type") == 0 && text && people_type_parse(text, &u->type))
        return true;
    if (strcmp(key, "start_date") == 0 || strcmp(key, "joined_organisation_on") == 0) {
        if (!text || !sb_date_parse(text, &u->joined))
            u->joined = PEOPLE_NO_DATE;
        return true;
    }
    if (assign_text(u, key, text))
        return true;
    sb_printf(error, "Unknown field: %s", key);
    return false;
}

/* ---- the job ---- */

void hn_blank(struct user *u)
{
    memset(u, 0, sizeof(*u));
    u->index = u->manager = PEOPLE_NOBODY;
    u->joined = PEOPLE_NO_DATE;
    u->role = -1;
    u->type = TYPE_READONLY;
    u->status = STATUS_INVITED;
    u->created_at = (int64_t)sb_wall();
    u->custom = json_array();
}

/* Whom the upsert means: by external id, else the holder of the e-mail that has no external id yet, else nobody. */
static bool find_target(struct sandbox *sb, const json_t *body, struct user *u, struct buf *error)
{
    uint32_t index = people_by_ext(sb->people, sb_field_string(body, "external_user_id"));
    uint32_t holder = people_by_email(sb->people, sb_field_string(body, "email"));

    u->index = PEOPLE_NOBODY;
    if (index == PEOPLE_NOBODY && holder != PEOPLE_NOBODY) {
        people_load(sb->people, holder, u);
        if (!u->ext[0])
            index = holder;
    }
    if (holder != PEOPLE_NOBODY && holder != index) {
        sb_str(error, "Email has already been taken");
        return false;
    }
    if (index == PEOPLE_NOBODY)
        return true;
    people_load(sb->people, index, u);
    if (u->status == STATUS_DEACTIVATED)
        sb_printf(error, "User is deactivated with external_user_id: %s", u->ext);
    return error->len == 0;
}

bool hn_upsert_apply(struct sandbox *sb, const json_t *body, struct buf *error)
{
    struct user u;
    json_t *before, *value;
    const char *key;
    bool ok = find_target(sb, body, &u, error);

    if (!ok)
        return false;
    if (u.index == PEOPLE_NOBODY) {
        if (sb->settings.seat_limit && people_active(sb->people) >= sb->settings.seat_limit) {
            sb_str(error, "Seat limit has been reached");
            return false;
        }
        hn_blank(&u);
        before = NULL; /* its empty list is ours to drop */
    } else {
        before = u.custom;
    }
    json_object_foreach((json_t *)body, key, value)
    {
        json_t *list = u.custom;

        ok = ok && hn_assign(sb, &u, key, value, error);
        if (list != u.custom && list != before)
            json_decref(list);
    }
    if (ok && u.index == PEOPLE_NOBODY)
        people_add(sb->people, &u);
    else if (ok)
        people_store(sb->people, &u);
    if (u.custom != before)
        json_decref(u.custom);
    return ok;
}
