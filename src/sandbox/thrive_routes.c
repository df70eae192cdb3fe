/* Thrive: HTTP Basic, its errors, and its REST API: v1 to read, v2 to write. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "fields.h"
#include "routes.h"
#include "thrive.h"
#include "when.h"

static const char *reason(int status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 413:
        return "Payload Too Large";
    default:
        return "Unprocessable Entity";
    }
}

void th_error(struct reply *rp, int status, json_t *message)
{
    sb_reply_json(rp, status,
                  json_pack("{s:i, s:s, s:o}", "status", status, "error", reason(status), "message", message));
}

static void refuse(struct reply *rp, int status, const char *what)
{
    th_error(rp, status, json_string(what ? what : reason(status)));
}

/* ---- HTTP Basic, RFC 7617 ---- */

static void base64(const char *text, struct buf *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i += 3) {
        unsigned a = (unsigned char)text[i], b = i + 1 < len ? (unsigned char)text[i + 1] : 0;
        unsigned c = i + 2 < len ? (unsigned char)text[i + 2] : 0, bits = a << 16 | b << 8 | c;

        sb_printf(out, "%c%c%c%c", digits[bits >> 18], digits[bits >> 12 & 63],
                  i + 1 < len ? digits[bits >> 6 & 63] : '=', i + 2 < len ? digits[bits & 63] : '=');
    }
}

static bool admit(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *given = sb_request_header(rq, "Authorization");
    struct buf pair = {0}, wanted = {0};
    bool good;

    sb_printf(&pair, "%s:%s", sb->settings.thrive_tenant, sb->settings.thrive_secret);
    sb_str(&wanted, "Basic ");
    base64(pair.data, &wanted);
    good = given && strcmp(given, wanted.data) == 0;
    sb_release(&pair);
    sb_release(&wanted);
    if (!good)
        th_error(rp, 401, json_string("You must be authorized to process this request"));
    return good;
}

/* ---- v1 ---- */

static bool number(const struct request *rq, const char *key, unsigned long otherwise, unsigned long most,
                   unsigned long *value)
{
    const char *text = sb_request_query(rq, key);

    *value = otherwise;
    if (!text)
        return true;
    *value = strtoul(text, NULL, 10);
    return *text && !text[strspn(text, "0123456789")] && *value >= 1 && *value <= most;
}

static bool status_fits(const struct thrive_user *u, const char *status)
{
    return !status || strcmp(u->status, status) == 0;
}

/* A deleted one is in no list but that of what changed. */
static bool fits(const struct thrive_user *u, const char *status, int64_t since)
{
    return status_fits(u, status) && u->updated_ms >= since && (!u->deleted || since != INT64_MIN);
}

static void list_users(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *status = sb_request_query(rq, "status"), *text = sb_request_query(rq, "updatedSince");
    unsigned long page, size, total = 0;
    int64_t since = INT64_MIN;
    json_t *results;

    if (!number(rq, "page", 1, 1000000, &page) || !number(rq, "perPage", 100, 1000, &size)) {
        th_error(rp, 400, json_string("page must be at least 1 and perPage from 1 to 1000"));
        return;
    }
    if (text && !sb_stamp_ms_parse(text, &since)) {
        th_error(rp, 400, json_pack("{s:s}", "updatedSince", "must be an ISO 8601 date"));
        return;
    }
    if (status && strcmp(status, "active") != 0 && strcmp(status, "inactive") != 0 && strcmp(status, "expired") != 0 &&
        strcmp(status, "new") != 0) {
        th_error(rp, 400, json_pack("{s:s}", "status", "must be active, inactive, expired or new"));
        return;
    }
    results = json_array();
    for (const struct thrive_user *u = sb->thrive->by_id; u; u = u->hh.next) {
        if (!fits(u, status, since))
            continue;
        if (total >= (page - 1) * size && total < page * size)
            json_array_append_new(results, th_v1_json(u));
        total++;
    }
    sb_reply_json(rp, 200,
                  json_pack("{s:o, s:{s:I, s:I, s:I, s:I}}", "results", results, "pagination", "totalResults",
                            (json_int_t)total, "totalPages", (json_int_t)((total + size - 1) / size), "page",
                            (json_int_t)page, "perPage", (json_int_t)size));
}

static void answer_v1(struct reply *rp, const struct thrive_user *u)
{
    if (u && !u->deleted)
        sb_reply_json(rp, 200, th_v1_json(u));
    else
        th_error(rp, 404, json_string("The resource cannot be found or does not exist"));
}

static void user_by_ref(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    answer_v1(rp, th_by_ref(sb->thrive, rq->captured[0]));
}

static void user_by_id(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    answer_v1(rp, th_by_id(sb->thrive, rq->captured[0]));
}

/* ---- v2 ---- */

static struct thrive_user *known(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct thrive_user *u = th_by_ref(sb->thrive, rq->captured[0]);

    if (u && !u->deleted)
        return u;
    th_error(rp, 404, json_string("The resource cannot be found or does not exist"));
    return NULL;
}

static bool set_fine(struct sandbox *sb, struct reply *rp, const json_t *set, const struct thrive_user *who)
{
    const char *email = sb_field_string(set, "email"), *wrong;
    const struct thrive_user *holder = email ? th_by_email(sb->thrive, email) : NULL;
    char room[256];

    wrong = th_wrong(set, true, room);
    if (wrong)
        th_error(rp, 422, json_string(wrong));
    else if (holder && holder != who)
        th_error(rp, 409, json_pack("{s:s}", "email", "is in use by another user"));
    return !wrong && (!holder || holder == who);
}

static void create(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *ref = sb_field_string(rq->json, "ref");
    struct thrive_user *u;

    if (!ref || !*ref || !sb_field_string(rq->json, "firstName") || !sb_field_string(rq->json, "lastName")) {
        th_error(rp, 400, json_string("ref, firstName and lastName are required"));
    } else if (th_by_ref(sb->thrive, ref)) {
        th_error(rp, 409, json_pack("{s:s}", "ref", "belongs to a user already"));
    } else if (set_fine(sb, rp, rq->json, NULL)) {
        u = th_user_add(sb->thrive, ref);
        th_assign(u, rq->json);
        sb_reply_json(rp, 201, th_v2_json(u));
    }
}

static void patch(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct thrive_user *u = known(sb, rq, rp);

    if (!u || !set_fine(sb, rp, rq->json, u))
        return;
    if (json_object_get(rq->json, "ref")) {
        th_error(rp, 400, json_pack("{s:s}", "ref", "can't be changed"));
        return;
    }
    th_assign(u, rq->json);
    sb_reply_json(rp, 200, th_v2_json(u));
}

static void suspend(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct thrive_user *u = known(sb, rq, rp);

    if (!u || (rq->json && !set_fine(sb, rp, rq->json, u)))
        return;
    if (rq->json)
        th_assign(u, rq->json);
    u->status = "inactive";
    th_touch(u);
    sb_reply_json(rp, 200, th_v2_json(u));
}

static void delete_user(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct thrive_user *u = known(sb, rq, rp);

    if (!u)
        return;
    th_delete(sb->thrive, u);
    rp->status = 204;
}

static const struct route routes[] = {
    {"POST", "/webhooks", {0}, BODY_JSON, th_event},
    {"GET", "/rest/v1/users", {"page", "perPage", "updatedSince", "status"}, BODY_NONE, list_users},
    {"GET", "/rest/v1/users/ref/:ref", {0}, BODY_NONE, user_by_ref},
    {"GET", "/rest/v1/user/:id", {0}, BODY_NONE, user_by_id},
    {"POST", "/rest/v2/users", {0}, BODY_JSON, create},
    {"PATCH", "/rest/v2/users/ref/:ref", {0}, BODY_JSON, patch},
    {"PATCH", "/rest/v2/users/ref/:ref/suspend", {0}, BODY_JSON_OPTIONAL, suspend},
    {"DELETE", "/rest/v2/users/ref/:ref", {0}, BODY_NONE, delete_user},
    {0},
};

const struct vendor thrive_sandbox = {routes, admit, refuse};
