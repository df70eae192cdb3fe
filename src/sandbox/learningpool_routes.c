/* Learning Pool: the table of its endpoints, and the gateway before them, whose refusals are Amazon's. */
#include <string.h>

#include "learningpool.h"
#include "routes.h"

void lp_error(struct reply *rp, int status, const char *message)
{
    sb_reply_json(rp, status, json_pack("{s:s}", "message", message));
}

/* The gateway takes what it has no route for as a request without its own kind of credentials. */
static void refuse(struct reply *rp, int status, const char *what)
{
    if (status == 404 || status == 405)
        lp_error(rp, 403, "Missing Authentication Token");
    else if (status == 413)
        lp_error(rp, 413, "Request Too Long");
    else
        lp_error(rp, status, what ? what : "Bad Request");
}

/* First the key, by the gateway; then key and tenant together, by the authorizer; then the plan that the key has. */
static bool admit(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *key = sb_request_header(rq, "x-api-key"), *tenant = sb_request_header(rq, "x-tenant-id");
    unsigned wait;

    if (!key || strcmp(key, sb->pool->api_key) != 0) {
        lp_error(rp, 403, "Forbidden");
        return false;
    }
    if (!tenant || !*tenant) {
        lp_error(rp, 401, "Unauthorized");
        return false;
    }
    if (strcmp(tenant, sb->pool->tenant_id) != 0) {
        sb_reply_json(
            rp, 403,
            json_pack("{s:s}", "Message", "User is not authorized to access this resource with an explicit deny"));
        return false;
    }
    if (!sb_rate_take(&sb->pool->rate, sb->settings.pool_rate, &wait)) {
        lp_error(rp, 429, "Too Many Requests");
        return false;
    }
    return true;
}

#define ORGANISATION "/api/organisation-framework/:framework/organisation-level"
#define POSITION     "/api/position-framework/:framework/position-level"

static const struct route routes[] = {
    {"POST", "/api/users", {0}, BODY_JSON, lp_user_create},
    {"PATCH", "/api/users/:user", {0}, BODY_JSON, lp_user_update},
    {"PATCH", "/api/users/:user/status", {0}, BODY_JSON, lp_user_status},
    {"POST", "/api/users/:user/job-assignment", {0}, BODY_JSON, lp_assignment_create},
    {"PATCH", "/api/users/:user/job-assignment/:assignment", {0}, BODY_JSON, lp_assignment_update},
    {"PATCH", "/api/users/:user/job-assignment/:assignment/status", {0}, BODY_JSON, lp_assignment_status},
    {"POST", ORGANISATION, {0}, BODY_JSON, lp_organisation_create},
    {"PATCH", ORGANISATION "/:level", {0}, BODY_JSON, lp_organisation_update},
    {"POST", POSITION, {0}, BODY_JSON, lp_position_create},
    {"PATCH", POSITION "/:level", {0}, BODY_JSON, lp_position_update},
    {"GET", "/api/progress-status/:request", {0}, BODY_NONE, lp_progress},
    {0},
};

const struct vendor learningpool_sandbox = {routes, admit, refuse};
