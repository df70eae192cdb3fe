/* Synap: the table of its endpoints, its three secret headers and the forms they share. */
#include <string.h>

#include "routes.h"
#include "synap.h"
#include "when.h"

int64_t sy_now_ms(void)
{
    return (int64_t)(sb_wall() * 1000);
}

void sy_error(struct reply *rp, int status, const char *message)
{
    sb_reply_json(rp, status, json_pack("{s:s}", "message", message));
}

void sy_meta(json_t *reply, json_t *meta)
{
    char stamp[32];

    sb_stamp_ms_print(sy_now_ms(), stamp);
    if (!meta)
        meta = json_object();
    json_object_set_new(meta, "timestamp", json_string(stamp));
    json_object_set_new(reply, "meta", meta);
}

static void refuse(struct reply *rp, int status, const char *what)
{
    sy_error(rp, status,
             what            ? what
             : status == 404 ? "Not Found"
             : status == 405 ? "Method Not Allowed"
             : status == 413 ? "Payload Too Large"
                             : "Bad Request");
}

static bool is(const struct request *rq, const char *header, const char *secret)
{
    const char *given = sb_request_header(rq, header);

    return given && strcmp(given, secret) == 0;
}

static bool admit(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    if (is(rq, "X-Syn-Org-Secret", sb->settings.org_secret) && is(rq, "X-Syn-Org-Id", sb->settings.org_id) &&
        is(rq, "X-Api-Key", sb->settings.api_key))
        return true;
    sy_error(rp, 401, "Unauthorised Request");
    return false;
}

static void status(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    char stamp[32];

    (void)sb;
    (void)rq;
    sb_stamp_ms_print(sy_now_ms(), stamp);
    sb_reply_json(rp, 200, json_pack("{s:s, s:s}", "status", "healthy", "timestamp", stamp));
}

static void user_attributes(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    (void)sb;
    (void)rq;
    sb_reply_json(rp, 200, json_pack("{s:o}", "user-attributes", sy_attr_definitions()));
}

static const struct route routes[] = {
    {"GET", "/status", {0}, BODY_NONE, status},
    {"GET", "/portal/user-attributes", {0}, BODY_NONE, user_attributes},
    {"GET", "/users", {"id", "email"}, BODY_NONE, sy_user_find},
    {"POST", "/users", {0}, BODY_JSON, sy_user_create},
    {"PUT", "/users/attributes", {0}, BODY_JSON, sy_user_attributes},
    {"PATCH", "/users/:user", {0}, BODY_JSON, sy_user_patch},
    {"DELETE", "/users/:user", {0}, BODY_NONE, sy_user_delete},
    {"POST", "/users/invite", {0}, BODY_JSON, sy_invite},
    {"POST", "/study-item/add", {0}, BODY_JSON, sy_study_add},
    {"POST", "/study-item/remove", {0}, BODY_JSON, sy_study_remove},
    {"GET", "/assignment/:assignment", {0}, BODY_NONE, sy_assignment},
    {"GET", "/attempt/:attempt", {0}, BODY_NONE, sy_attempt},
    {"POST", "/usergroup/add", {0}, BODY_JSON, sy_group_add},
    {"POST", "/usergroup/remove", {0}, BODY_JSON, sy_group_remove},
    {"GET", "/learning-records", {"userId", "limit", "offset"}, BODY_NONE, sy_records_list},
    {"POST", "/learning-records", {0}, BODY_MULTIPART, sy_record_create},
    {"PATCH", "/learning-records/:record", {0}, BODY_MULTIPART, sy_record_patch},
    {"DELETE", "/learning-records/:record", {0}, BODY_NONE, sy_record_delete},
    {0},
};

static bool admit_anybody(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    (void)sb;
    (void)rq;
    (void)rp;
    return true;
}

static const struct route file_routes[] = {
    {"GET", "/files/:record/:name", {"Expires", "Signature"}, BODY_NONE, sy_file},
    {0},
};

const struct vendor synap_files_sandbox = {file_routes, admit_anybody, refuse};
const struct vendor synap_sandbox = {routes, admit, refuse};
