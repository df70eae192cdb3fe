/* AVIA: the store of invented people and groups, the table of endpoints, and the forms that all of them share. */
#include "avia.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "routes.h"
#include "seed.h"

static const char *const texts[] = {"email", "username", "first_name", "last_name", "name", "locale", NULL};
static const char *const members[] = {"department",
                                      "job_title",
                                      "id",
                                      "detail_id",
                                      "manager_name",
                                      "manager_ids",
                                      "work_email",
                                      "phone",
                                      "employment_status",
                                      "employment_status_name",
                                      "address",
                                      "postal_code",
                                      "city",
                                      NULL};

/* ---- people ---- */

struct avia_user *av_by_ssn(struct avia *a, const char *ssn)
{
    struct avia_user *u = NULL;

    HASH_FIND(hh_ssn, a->by_ssn, ssn, strlen(ssn), u);
    return u;
}

struct avia_user *av_by_id(struct avia *a, unsigned id)
{
    struct avia_user *u = NULL;

    HASH_FIND(hh, a->by_id, &id, sizeof(id), u);
    return u;
}

struct avia_user *av_user_add(struct avia *a, const char *ssn)
{
    struct avia_user *u = sb_alloc(sizeof(*u));

    u->id = ++a->last_id;
    u->ssn = sb_strdup(ssn);
    u->doc = json_object();
    HASH_ADD(hh, a->by_id, id, sizeof(u->id), u);
    HASH_ADD_KEYPTR(hh_ssn, a->by_ssn, u->ssn, strlen(u->ssn), u);
    json_object_set_new(u->doc, "role", json_string("user"));
    av_user_replace(u, NULL);
    return u;
}

static void user_free(struct avia_user *u)
{
    json_decref(u->doc);
    free(u->ssn);
    free(u);
}

void av_user_remove(struct avia *a, struct avia_user *u)
{
    for (struct avia_group *g = a->groups; g; g = g->hh.next) {
        json_object_del(g->users, u->ssn);
        json_object_del(g->admins, u->ssn);
    }
    HASH_DELETE(hh, a->by_id, u);
    HASH_DELETE(hh_ssn, a->by_ssn, u);
    user_free(u);
}

struct avia_user *av_holder(struct avia *a, const char *key, const char *text, const struct avia_user *but)
{
    if (!text || !*text)
        return NULL;
    for (struct avia_user *u = a->by_id; u; u = u->hh.next)
        if (u != but && strcasecmp(json_string_value(json_object_get(u->doc, key)), text) == 0)
            return u;
    return NULL;
}

static json_t *text_of(const json_t *from, const char *key)
{
    json_t *value = json_object_get(from, key);

    return json_is_string(value) ? json_incref(value) : json_string("");
}

void av_user_replace(struct avia_user *u, const json_t *from)
{
    const json_t *given = json_object_get(from, "fields");
    json_t *fields = json_object(), *value;
    const char *key;

    for (unsigned i = 0; texts[i]; i++)
        json_object_set_new(u->doc, texts[i], text_of(from, texts[i]));
    for (unsigned i = 0; members[i]; i++) {
        value = json_object_get(given, members[i]);
        if (value && !json_is_null(value))
            json_object_set(fields, members[i], value);
        else
            json_object_set_new(fields, members[i],
                                strcmp(members[i], "manager_ids") == 0 ? json_pack("[s]", "") : json_string(""));
    }
    json_object_foreach((json_t *)given, key, value)
    {
        if (strcmp(key, "ssn") != 0 && !json_object_get(fields, key))
            json_object_set(fields, key, value);
    }
    json_object_set_new(u->doc, "fields", fields);
}

json_t *av_user_json(const struct avia_user *u)
{
    json_t *row = json_pack("{s:I}", "ID", (json_int_t)u->id), *fields;

    json_object_update(row, u->doc);
    fields = json_deep_copy(json_object_get(u->doc, "fields"));
    json_object_set_new(fields, "ssn", json_string(u->ssn));
    json_object_set_new(row, "fields", fields);
    json_object_set_new(row, "status", json_string(u->suspended ? "suspended" : "unsuspended"));
    return row;
}

/* ---- groups ---- */

struct avia_group *av_group_by_id(struct avia *a, unsigned id)
{
    struct avia_group *g = NULL;

    HASH_FIND(hh, a->groups, &id, sizeof(id), g);
    return g;
}

struct avia_group *av_group_add(struct avia *a, const char *title)
{
    struct avia_group *g = sb_alloc(sizeof(*g));

    g->id = ++a->last_id;
    g->title = sb_strdup(title);
    g->users = json_object();
    g->admins = json_object();
    HASH_ADD(hh, a->groups, id, sizeof(g->id), g);
    return g;
}

static void group_free(struct avia_group *g)
{
    json_decref(g->users);
    json_decref(g->admins);
    json_decref(g->social);
    free(g->title);
    free(g);
}

static json_t *people_of(struct avia *a, const json_t *ssns)
{
    json_t *list = json_array(), *unused;
    const char *ssn;

    json_object_foreach((json_t *)ssns, ssn, unused)
    {
        const struct avia_user *u = av_by_ssn(a, ssn);

        json_array_append_new(list, json_pack("{s:I, s:s, s:O}", "ID", (json_int_t)u->id, "ssn", ssn, "name",
                                              json_object_get(u->doc, "name")));
    }
    return list;
}

json_t *av_group_json(struct avia *a, const struct avia_group *g)
{
    return json_pack("{s:I, s:s, s:I, s:o, s:o, s:O?}", "ID", (json_int_t)g->id, "title", g->title, "total_users",
                     (json_int_t)json_object_size(g->users), "users", people_of(a, g->users), "managers",
                     people_of(a, g->admins), "social_group", g->social);
}

/* ---- the seed ---- */

static void seed_person(struct avia *a, uint64_t seed, uint32_t index)
{
    static const char *const departments[] = {"Sales", "Þjónusta", "Warehouse", "Ráðgjöf"};
    static const char *const titles[] = {"Sales Associate", "Deildarstjóri", "Driver", "Consultant"};
    uint64_t r = seed_mix(seed, index, 400);
    char name[320], email[264], ssn[16], *rest;
    struct avia_user *u;
    json_t *from;

    snprintf(ssn, sizeof(ssn), "%010u", 1010000000U + index * 30011U);
    seed_name(seed, index, name);
    seed_email(seed, index, email);
    rest = strchr(name, ' ');
    u = av_user_add(a, ssn);
    u->password_set = true;
    from = json_pack(
        "{s:s, s:s, s:o, s:s, s:s, s:s, s:{s:s, s:s, s:o, s:o, s:s, s:[s], s:s, s:s, s:s, s:s, s:s, s:s, s:s}}",
        "email", email, "username", email, "first_name",
        json_stringn(name, rest ? (size_t)(rest - name) : strlen(name)), "last_name", rest ? rest + 1 : "", "name",
        name, "locale", r & 1 ? "is_IS" : "en_GB", "fields", "department", departments[r >> 4 & 3], "job_title",
        titles[r >> 6 & 3], "id", json_sprintf("%u", 600 + index), "detail_id", json_sprintf("%u1", 600 + index),
        "manager_name", index ? "Unnur Aðalsteins" : "", "manager_ids", index ? "600" : "", "work_email", "", "phone",
        r & 8 ? "555-0100" : "", "employment_status", "full_time", "employment_status_name", "Í starfi", "address",
        "Test Street 1", "postal_code", "105", "city", r & 2 ? "Reykjavík" : "");
    av_user_replace(u, from);
    json_decref(from);
    if (index % 10 == 0)
        json_object_set_new(u->doc, "role", json_string(index ? "group_leader" : "admin"));
}

struct avia *av_new(uint64_t seed, unsigned count)
{
    static const char *const titles[] = {"Nýliðar", "Fire safety", "Sales team"};
    struct avia *a = sb_alloc(sizeof(*a));

    for (uint32_t i = 0; i < count; i++)
        seed_person(a, seed, i);
    for (unsigned i = 0; i < 3; i++) {
        struct avia_group *g = av_group_add(a, titles[i]);

        for (const struct avia_user *u = a->by_id; u; u = u->hh.next)
            if (u->id % 5 == i)
                json_object_set_new(g->users, u->ssn, json_true());
        if (a->by_id)
            json_object_set_new(g->admins, a->by_id->ssn, json_true());
    }
    return a;
}

void av_free(struct avia *a)
{
    struct avia_user *u = NULL, *next = NULL;
    struct avia_group *g = NULL, *next_group = NULL;

    if (!a)
        return;
    HASH_CLEAR(hh_ssn, a->by_ssn);
    HASH_ITER(hh, a->by_id, u, next)
    {
        HASH_DELETE(hh, a->by_id, u);
        user_free(u);
    }
    HASH_ITER(hh, a->groups, g, next_group)
    {
        HASH_DEL(a->groups, g);
        group_free(g);
    }
    free(a);
}

/* ---- what every answer shares ---- */

void av_error(struct reply *rp, int status, const char *code, const char *message)
{
    sb_reply_json(rp, status,
                  json_pack("{s:s, s:s, s:{s:i}}", "code", code, "message", message, "data", "status", status));
}

void av_list(const struct avia *a, struct reply *rp, json_t *rows)
{
    sb_reply_json(rp, 200, *a->envelope ? json_pack("{s:o}", a->envelope, rows) : rows);
}

static void refuse(struct reply *rp, int status, const char *what)
{
    if (status == 404 || status == 405)
        av_error(rp, 404, "rest_no_route", "No route was found matching the URL and request method.");
    else
        av_error(rp, status, status == 413 ? "rest_upload_file_too_big" : "rest_invalid_param",
                 what ? what : "Invalid parameter(s)");
}

static bool admit(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *given = sb_request_header(rq, "Authorization");

    if (given && strncmp(given, "Bearer ", 7) == 0 && strcmp(given + 7, sb->settings.avia_token) == 0)
        return true;
    av_error(rp, 401, "rest_forbidden", "Sorry, you are not allowed to do that.");
    return false;
}

#define ROOT "/wp-json/avia/hr/v1"

static const struct route routes[] = {
    {"GET", ROOT "/user", {"page", "per_page", "role"}, BODY_NONE, av_user_list},
    {"POST", ROOT "/user", {0}, BODY_JSON, av_user_create},
    {"PUT", ROOT "/user/update", {0}, BODY_JSON, av_user_update},
    {"PUT", ROOT "/user/update/role", {0}, BODY_JSON, av_user_role},
    {"GET", ROOT "/user/ssn/:ssn", {0}, BODY_NONE, av_user_find},
    {"DELETE", ROOT "/user/delete/:ssn", {0}, BODY_NONE, av_user_delete},
    {"GET", ROOT "/suspend/:ssn", {"action"}, BODY_NONE, av_user_suspend},
    {"GET", ROOT "/groups", {"search"}, BODY_NONE, av_group_list},
    {"POST", ROOT "/groups", {0}, BODY_JSON, av_group_create},
    {"POST", ROOT "/groups/enroll", {0}, BODY_JSON, av_group_enroll},
    {"GET", ROOT "/groups/:group", {0}, BODY_NONE, av_group_get},
    {0},
};

const struct vendor avia_sandbox = {routes, admit, refuse};
