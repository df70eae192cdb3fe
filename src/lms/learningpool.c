/* learningpool.c — Learning Pool: collections, credentials, changes of status, jobs. Source: the vendor's "LP Provisioning"
 * collection.
 *
 * The API only takes: nothing can be read but how a request goes on. What it takes, it carries out later; a change of status alone
 * tells nothing more. What it passes on goes to another system, whose words and names come back in a job's errors.
 */
#include "lms/learningpool.h"
#include "lms/build.h"
#include "lms/reply.h"
#include "lms/text.h"
#include "lms/vendors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EMAIL "^[^@[:space:]]+@[^@[:space:]]+$"

static const struct lms_field user_fields[] = {
    {.name = "userId", .type = LMS_STRING, .flags = LMS_REQUIRED | LMS_FIXED | LMS_IS_EXT},
    {.name = "username", .type = LMS_STRING, .flags = LMS_REQUIRED | LMS_FIXED}, /* no update takes one */
    {.name = "firstName", .type = LMS_STRING, .flags = LMS_REQUIRED},
    {.name = "lastName", .type = LMS_STRING, .flags = LMS_REQUIRED},
    {.name = "email", .type = LMS_STRING, .flags = LMS_REQUIRED | LMS_IS_EMAIL, .pattern = EMAIL},
    {.name = "customFields", .type = LMS_ARRAY, .keyed_by = "id"},
    {.name = "country", .type = LMS_STRING, .pattern = "^([A-Z]{3}|[0-9]{3})$"}, /* "the 3 digit ISO code", "BHR" */
    {.name = "leaderboardOptOut", .type = LMS_BOOLEAN},
    {.name = "viewProfile", .type = LMS_BOOLEAN},
    {.name = "orgRef", .type = LMS_STRING},
    {.name = "disableManualLogin", .type = LMS_BOOLEAN},
    {.name = "language", .type = LMS_STRING},
    {.name = "timezone", .type = LMS_STRING, .pattern = "^[A-Za-z]+([/_+-][A-Za-z0-9]+)*$"},
    {.name = "expiresAt", .type = LMS_STRING},
    {0},
};

/* The vendor's examples send empty dates: that is how one is cleared. */
static const struct lms_field assignment_fields[] = {
    {.name = "jobAssignmentId", .type = LMS_STRING, .flags = LMS_FIXED | LMS_IS_EXT},
    {.name = "jobAssignmentName", .type = LMS_STRING, .flags = LMS_REQUIRED},
    {.name = "managerId", .type = LMS_STRING},
    {.name = "managerJobAssignmentId", .type = LMS_STRING},
    {.name = "organisationFrameworkId", .type = LMS_STRING},
    {.name = "organisationLevelId", .type = LMS_STRING},
    {.name = "positionFrameworkId", .type = LMS_STRING},
    {.name = "positionLevelId", .type = LMS_STRING},
    {.name = "startDate", .type = LMS_STRING, .flags = LMS_CLEARABLE},
    {.name = "endDate", .type = LMS_STRING, .flags = LMS_CLEARABLE},
    {.name = "isOrganisationManager", .type = LMS_BOOLEAN},
    {0},
};

/* "If this is left empty, the new level will be added to the root": that is how parentId is cleared. */
static const struct lms_field organisation_fields[] = {
    {.name = "levelId", .type = LMS_STRING, .flags = LMS_FIXED | LMS_IS_EXT},
    {.name = "levelName", .type = LMS_STRING},
    {.name = "parentId", .type = LMS_STRING, .flags = LMS_CLEARABLE},
    {.name = "customFieldSetId", .type = LMS_STRING},
    {.name = "customFields", .type = LMS_ARRAY, .keyed_by = "id"},
    {0},
};

/* customFieldSetId stands in an example only. */
static const struct lms_field position_fields[] = {
    {.name = "levelId", .type = LMS_STRING, .flags = LMS_FIXED | LMS_IS_EXT},
    {.name = "levelName", .type = LMS_STRING},
    {.name = "parentId", .type = LMS_STRING, .flags = LMS_CLEARABLE},
    {.name = "customFieldSetId", .type = LMS_STRING},
    {0},
};

/* Only ever added to at its end: an inode number holds the index. */
static const struct lms_collection collections[] = {
    {.name = "users",
     .kind = LMS_WRITE_ONLY,
     .can = LMS_CREATE | LMS_UPDATE | LMS_DEACTIVATE | LMS_REACTIVATE,
     .ext_prefix = "EXT-",
     .fields = user_fields},
    {.name = "job-assignments",
     .parent = "users",
     .plain_names = true,
     .kind = LMS_WRITE_ONLY,
     .can = LMS_CREATE | LMS_UPDATE | LMS_DEACTIVATE | LMS_REACTIVATE,
     .fields = assignment_fields},
    {.name = "organisation-levels",
     .parent_is_word = true,
     .plain_names = true,
     .kind = LMS_WRITE_ONLY,
     .can = LMS_CREATE | LMS_UPDATE,
     .fields = organisation_fields},
    {.name = "position-levels",
     .parent_is_word = true,
     .plain_names = true,
     .kind = LMS_WRITE_ONLY,
     .can = LMS_CREATE | LMS_UPDATE,
     .fields = position_fields},
};

bool lp_is(const struct lms_collection *c, const char *name)
{
    return !strcmp(c->name, name);
}

/* ------------------------------------------------------------------ credentials */

static int authorize(const struct lms_account *a, const char *token, struct http_request *r)
{
    (void)token;
    int rc = http_request_header(r, "x-api-key", a->api_key ? a->api_key : "");
    return rc ? rc : http_request_header(r, "x-tenant-id", a->tenant_id ? a->tenant_id : "");
}

/* The only question that the API answers is about a request: one that never was. */
static int check_request(const struct lms_account *a, struct http_request *out, struct err *e)
{
    (void)a;
    return build_told(build_request(out, HTTP_GET, "/progress-status/00000000-0000-0000-0000-000000000000"), e);
}

/* Nobody without good credentials gets as far as to hear that there is no such request. */
static int check_reply(const struct http_reply *r, struct err *e)
{
    bool unknown = r->status == 400 || r->status == 404;
    struct http_reply as_found = {.status = 200, .body = r->body, .len = r->len};
    json_t *reply;
    int rc = reply_object(unknown ? &as_found : r, &reply, e);
    if (!rc)
        json_decref(reply);
    return rc;
}

/* ------------------------------------------------------------------ reading: there is none */

static int list_request(const struct lms_collection *c, const char *parent_key, unsigned page, struct http_request *out,
                        struct err *e)
{
    (void)parent_key;
    (void)page;
    (void)out;
    return err_set(e, -ENOTSUP, "Learning Pool has no list of %s", c->name);
}

static int get_request(const struct lms_collection *c, const char *parent_key, const char *stem,
                       struct http_request *out, struct err *e)
{
    (void)parent_key;
    (void)stem;
    (void)out;
    return err_set(e, -ENOTSUP, "Learning Pool can't be asked for %s: it only takes them", c->name);
}

/* ------------------------------------------------------------------ status */

int lp_status_request(const struct lms_collection *c, const char *parent_key, const char *key, const char *status,
                      struct http_request *out)
{
    int rc = lp_is(c, "users") ? build_request(out, HTTP_PATCH, "/users/{}/status", key)
                               : build_request(out, HTTP_PATCH, "/users/{}/job-assignment/{}/status", parent_key, key);
    if (rc)
        return rc;
    out->idempotent = true;
    rc = build_body(out, json_pack("{s:s}", "status", status));
    if (rc)
        http_request_release(out);
    return rc;
}

static int change_request(const struct lms_collection *c, const struct lms_change *ch, struct http_request *out,
                          struct err *e)
{
    *out = (struct http_request){0};
    /* Nobody inherits in Learning Pool, so a successor changes nothing. */
    if (!(c->can & LMS_DEACTIVATE))
        return err_set(e, -EPERM, "Learning Pool has no way to remove one of %s", c->name);
    if (ch->op == LMS_OP_DELETE)
        return err_set(e, -EPERM, "Learning Pool has no way to delete one of %s for good", c->name);
    int rc = lp_status_request(c, ch->parent_key, ch->key, ch->op == LMS_OP_DEACTIVATE ? "DELETED" : "ACTIVE", out);
    return rc == -EINVAL ? err_set(e, rc, "that can't be the id of a record") : build_told(rc, e);
}

/* ------------------------------------------------------------------ jobs */

/* The reply of an accepted request has a URL for this. It is never used: whoever could change it would be sent the credentials. */
static int job_request(const char *job_id, struct http_request *out, struct err *e)
{
    int rc = build_request(out, HTTP_GET, "/progress-status/{}", job_id);
    return rc == -EINVAL ? err_set(e, rc, "that can't be the id of a request") : build_told(rc, e);
}

/* The words as they came, and what sso_id means: the other system calls the userId so. */
static int job_errors(const json_t *reply, char **out)
{
    const json_t *errors = json_object_get(reply, "errors");
    struct text t = {0};

    *out = NULL;
    if (!errors || json_is_null(errors) || (json_is_string(errors) && !json_string_length(errors)))
        return 0;
    if (json_is_string(errors) && strlen(json_string_value(errors)) == json_string_length(errors))
        text_add(&t, json_string_value(errors));
    else
        text_json(&t, errors, false);
    *out = text_take(&t, NULL);
    if (*out && (strstr(*out, "sso_id") || strstr(*out, "sso id"))) {
        text_add(&t, *out);
        text_add(&t, " (sso_id is the userId)");
        free(*out);
        *out = text_take(&t, NULL);
    }
    return *out ? 0 : -ENOMEM;
}

static int job_reply(const struct http_reply *r, struct lms_job *out, struct err *e)
{
    static const enum lms_job_status meaning[] = {LMS_JOB_IN_PROGRESS, LMS_JOB_COMPLETED, LMS_JOB_FAILED,
                                                  LMS_JOB_IN_PROGRESS /* it is tried again */};
    *out = (struct lms_job){0};
    int rc = reply_object(r, &out->vendor, e);
    if (rc)
        return rc;
    const json_t *code = json_object_get(out->vendor, "statusCode");
    json_int_t n = json_integer_value(code);
    if (!json_is_integer(code))
        rc = err_set(e, -EPROTO, "the request's reply has no statusCode that is a whole number");
    else if (n < 1 || n > 4)
        rc = err_set(e, -EPROTO, "the request has the statusCode %lld, which Learning Pool doesn't document",
                     (long long)n);
    else
        out->status = meaning[n - 1];
    if (!rc)
        rc = job_errors(out->vendor, &out->errors);
    if (rc)
        lms_job_release(out);
    return build_told(rc, e);
}

/* See lms_endpoint. */
static const char *const endpoints[] = {
    "POST /users",
    "PATCH /users/:id",
    "PATCH /users/:id/status",
    "POST /users/:id/job-assignment",
    "PATCH /users/:id/job-assignment/:id",
    "PATCH /users/:id/job-assignment/:id/status",
    "POST /organisation-framework/:id/organisation-level",
    "PATCH /organisation-framework/:id/organisation-level/:id",
    "POST /position-framework/:id/position-level",
    "PATCH /position-framework/:id/position-level/:id",
    "GET /progress-status/:id",
    NULL,
};

const struct lms_provider learningpool_provider = {
    .name = "learningpool",
    .endpoints = endpoints,
    .collections = collections,
    .collections_n = sizeof collections / sizeof *collections,
    .authorize = authorize,
    .check_request = check_request,
    .check_reply = check_reply,
    .list_request = list_request,
    .get_request = get_request,
    .save = lp_save,
    .saved = lp_saved,
    .says_exists = lp_says_exists,
    .change_request = change_request,
    .job_request = job_request,
    .job_reply = job_reply,
};
