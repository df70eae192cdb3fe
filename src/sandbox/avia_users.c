/* AVIA: people. An update empties what it isn't sent; a GET suspends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avia.h"
#include "buf.h"
#include "fields.h"

#define PAGE_MOST 100

static const char *const required[] = {"email", "username", "first_name", "last_name", "name", NULL};
static const char *const required_fields[] = {
    "ssn", "department", "job_title", "id", "detail_id", "employment_status", "employment_status_name", NULL};

static bool is_blank(const json_t *value)
{
    return !json_is_string(value) || !json_string_length(value);
}

static void not_found(struct reply *rp)
{
    av_error(rp, 404, "ssn_not_found", "No user was found with this SSN.");
}

/* ---- reading ---- */

static bool has_role(const struct avia_user *u, const char *role)
{
    const char *own = json_string_value(json_object_get(u->doc, "role"));

    return strcmp(role, "all") == 0 || strcmp(role, own) == 0 ||
           (strcmp(role, "user") == 0 && strcmp(own, "subscriber") == 0);
}

static json_t *row_of(const struct avia *a, const struct avia_user *u)
{
    json_t *row = av_user_json(u);

    if (a->rows == AVIA_ROWS_STATELESS)
        json_object_del(row, "status");
    if (a->rows == AVIA_ROWS_BRIEF) {
        json_t *brief = json_pack("{s:O, s:s, s:O, s:O, s:O}", "ID", json_object_get(row, "ID"), "ssn", u->ssn, "email",
                                  json_object_get(row, "email"), "role", json_object_get(row, "role"), "status",
                                  json_object_get(row, "status"));

        json_decref(row);
        row = brief;
    }
    return row;
}

static bool page_query(const struct request *rq, const char *key, unsigned otherwise, unsigned most, unsigned *value)
{
    const char *text = sb_request_query(rq, key);

    *value = text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
    return !text || (*text && !text[strspn(text, "0123456789")] && *value >= 1 && *value <= most);
}

void av_user_list(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *role = sb_request_query(rq, "role");
    json_t *rows = json_array();
    unsigned page, size, at = 0;

    if (!role)
        role = "all";
    if (!page_query(rq, "page", 1, 1000000, &page) || !page_query(rq, "per_page", 10, PAGE_MOST, &size) ||
        (strcmp(role, "all") != 0 && strcmp(role, "user") != 0 && strcmp(role, "group_leader") != 0 &&
         strcmp(role, "admin") != 0)) {
        av_error(rp, 400, "rest_invalid_param", "Invalid parameter(s): page, per_page or role");
        json_decref(rows);
        return;
    }
    for (const struct avia_user *u = sb->avia->by_id; u; u = u->hh.next) {
        if (!has_role(u, role))
            continue;
        if (at >= (page - 1) * size && at < page * size)
            json_array_append_new(rows, row_of(sb->avia, u));
        at++;
    }
    av_list(sb->avia, rp, rows);
}

void av_user_find(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const struct avia_user *u = av_by_ssn(sb->avia, rq->captured[0]);

    if (u)
        sb_reply_json(rp, 200,
                      json_pack("{s:s, s:s, s:{s:I, s:s}}", "code", "user_found", "message", "User found.", "data",
                                "ID", (json_int_t)u->id, "ssn", u->ssn));
    else
        not_found(rp);
}

/* ---- writing ---- */

/* False when the 400 is written. */
static bool is_free(struct sandbox *sb, struct reply *rp, const json_t *body, const struct avia_user *but)
{
    if (av_holder(sb->avia, "email", sb_field_string(body, "email"), but))
        av_error(rp, 400, "existing_user_email", "Sorry, that email address is already used!");
    else if (av_holder(sb->avia, "username", sb_field_string(body, "username"), but))
        av_error(rp, 400, "existing_user_login", "Sorry, that username already exists!");
    else
        return true;
    return false;
}

static bool is_complete(struct reply *rp, const json_t *body)
{
    const json_t *fields = json_object_get(body, "fields");
    const char *missing = NULL;
    char text[128];

    for (unsigned i = 0; required[i] && !missing; i++)
        if (is_blank(json_object_get(body, required[i])))
            missing = required[i];
    for (unsigned i = 0; required_fields[i] && !missing; i++)
        if (is_blank(json_object_get(fields, required_fields[i])))
            missing = required_fields[i];
    if (!missing)
        return true;
    snprintf(text, sizeof(text), "Missing parameter(s): %s", missing);
    av_error(rp, 400, "rest_missing_callback_param", text);
    return false;
}

static bool is_role(const char *role, bool on_create)
{
    return role && (strcmp(role, "user") == 0 || strcmp(role, "group_leader") == 0 || strcmp(role, "admin") == 0 ||
                    (on_create && strcmp(role, "subscriber") == 0));
}

void av_user_create(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *ssn = sb_field_string(json_object_get(rq->json, "fields"), "ssn");
    const char *role = sb_field_string(rq->json, "role");
    struct avia_user *u;

    if (json_object_get(rq->json, "ssn")) {
        av_error(rp, 400, "rest_invalid_param", "Invalid parameter(s): ssn (it belongs into fields)");
        return;
    }
    if (!is_complete(rp, rq->json) || !is_free(sb, rp, rq->json, NULL))
        return;
    if (av_by_ssn(sb->avia, ssn)) {
        av_error(rp, 400, "existing_user_ssn", "Sorry, that SSN is already used!");
        return;
    }
    if (role && !is_role(role, true)) {
        av_error(rp, 400, "rest_invalid_param", "Invalid parameter(s): role");
        return;
    }
    u = av_user_add(sb->avia, ssn);
    av_user_replace(u, rq->json);
    u->password_set = !is_blank(json_object_get(rq->json, "user_pass"));
    if (role)
        json_object_set_new(u->doc, "role", json_string(role));
    sb_reply_json(rp, 201, json_pack("{s:I, s:s}", "ID", (json_int_t)u->id, "message", "User created."));
}

/* The one that a body's top-level ssn names; NULL when a refusal is written. */
static struct avia_user *named(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *ssn = sb_field_string(rq->json, "ssn");
    struct avia_user *u = ssn ? av_by_ssn(sb->avia, ssn) : NULL;

    if (!ssn)
        av_error(rp, 400, "rest_missing_callback_param", "Missing parameter(s): ssn");
    else if (!u)
        not_found(rp);
    return u;
}

void av_user_update(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct avia_user *u = named(sb, rq, rp);

    if (!u || !is_free(sb, rp, rq->json, u))
        return;
    av_user_replace(u, rq->json);
    sb_reply_json(rp, 200, json_pack("{s:I, s:s}", "ID", (json_int_t)u->id, "message", "User updated."));
}

void av_user_role(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *role = sb_field_string(rq->json, "role");
    struct avia_user *u = named(sb, rq, rp);

    if (!u)
        return;
    if (!is_role(role, false)) {
        av_error(rp, 400, "rest_invalid_param", "Invalid parameter(s): role");
        return;
    }
    json_object_set_new(u->doc, "role", json_string(role));
    sb_reply_json(rp, 200, json_pack("{s:I, s:s}", "ID", (json_int_t)u->id, "message", "User role updated."));
}

void av_user_delete(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct avia_user *u = av_by_ssn(sb->avia, rq->captured[0]);

    if (!u) {
        not_found(rp);
        return;
    }
    sb_reply_json(rp, 200, json_pack("{s:I, s:s}", "ID", (json_int_t)u->id, "message", "User deleted."));
    av_user_remove(sb->avia, u);
}

void av_user_suspend(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *action = sb_request_query(rq, "action");
    struct avia_user *u = av_by_ssn(sb->avia, rq->captured[0]);
    bool suspend = action && strcmp(action, "suspend") == 0;

    if (!action || (!suspend && strcmp(action, "unsuspend") != 0)) {
        av_error(rp, 400, "rest_invalid_param", "Invalid parameter(s): action");
        return;
    }
    if (!u) {
        not_found(rp);
        return;
    }
    u->suspended = suspend;
    sb_reply_json(rp, 201, json_pack("{s:s}", "status", suspend ? "suspended" : "unsuspended"));
}
