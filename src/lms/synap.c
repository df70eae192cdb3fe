/* synap.c — Synap: collections, credentials, reading, deleting. Source: the vendor's "Synap API" collection.
 *
 * The collection's names mislead: "/learning-records/:userId" GET takes ?userId=, and PATCH and DELETE take the record's id.
 */
#include "lms/synap.h"
#include "lms/build.h"
#include "lms/reply.h"
#include "lms/vendors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PAGE 100 /* none is documented */

static const struct lms_field user_fields[] = {
    {.name = "email",
     .type = LMS_STRING,
     .flags = LMS_REQUIRED | LMS_FIXED | LMS_IS_EMAIL,
     .pattern = "^[^@[:space:]]+@[^@[:space:]]+$"},
    {.name = "name", .type = LMS_STRING, .flags = LMS_REQUIRED},
    {.name = "externalId", .type = LMS_STRING},
    {.name = "attr", .type = LMS_OBJECT, .keyed_by = ""},
    {.name = "userGroups", .type = LMS_ARRAY, .keyed_by = "objectId"},
    {.name = "password", .type = LMS_STRING, .flags = LMS_SECRET, .pattern = "[A-Z].*[0-9]|[0-9].*[A-Z]"},
    {0},
};
static const char *const user_options[] = {"actions", "subPortalId", NULL};

static const struct lms_field learning_fields[] = {
    {.name = "name", .type = LMS_STRING, .flags = LMS_REQUIRED},
    {.name = "achievedOn", .type = LMS_STRING},
    {.name = "score", .type = LMS_NUMBER},
    {.name = "visibleToStudent", .type = LMS_BOOLEAN},
    {.name = "attr", .type = LMS_OBJECT, .keyed_by = ""},
    {0},
};

static const struct lms_field study_fields[] = {
    {.name = "userEmail", .type = LMS_STRING},
    {.name = "testId", .type = LMS_STRING},
    {.name = "subPortalId", .type = LMS_STRING, .flags = LMS_FIXED},
    {0},
};

static const struct lms_field invitation_fields[] = {
    {.name = "userEmail", .type = LMS_STRING},
    {.name = "userGroupId", .type = LMS_STRING},
    {.name = "name", .type = LMS_STRING},
    {.name = "personalMessage", .type = LMS_STRING},
    {0},
};

static const struct lms_files pdfs = {.field = "attr", .suffix = ".pdf", .magic = "%PDF-", .max = 10 << 20};

static const struct lms_collection collections[] = {
    {.name = "users",
     .kind = LMS_KNOWN,
     .can = LMS_CREATE | LMS_UPDATE | LMS_DELETE | LMS_GET | LMS_GET_BY_EMAIL | LMS_SERVER_ID,
     .fields = user_fields,
     .options = user_options},
    {.name = "learning-records",
     .parent = "users",
     .kind = LMS_LISTED,
     .can = LMS_CREATE | LMS_UPDATE | LMS_DELETE | LMS_SERVER_ID,
     .page_size = PAGE,
     .files = &pdfs,
     .fields = learning_fields},
    {.name = "status", .kind = LMS_SINGLETON, .can = LMS_GET},
    {.name = "user-attributes", .kind = LMS_SINGLETON, .can = LMS_GET},
    {.name = "assignments", .kind = LMS_KNOWN, .can = LMS_GET, .plain_names = true},
    {.name = "attempts", .kind = LMS_KNOWN, .can = LMS_GET, .plain_names = true},
    {.name = "study-items",
     .parent_is_word = true,
     .plain_names = true,
     .kind = LMS_WRITE_ONLY,
     .can = LMS_CREATE | LMS_UPDATE | LMS_DELETE,
     .fields = study_fields},
    {.name = "invitations",
     .parent_is_word = true,
     .plain_names = true,
     .kind = LMS_WRITE_ONLY,
     .can = LMS_CREATE,
     .fields = invitation_fields},
};

bool synap_is(const struct lms_collection *c, const char *name)
{
    return !strcmp(c->name, name);
}

/* ------------------------------------------------------------------ credentials */

static int authorize(const struct lms_account *a, const char *token, struct http_request *r)
{
    (void)token;
    int rc = http_request_header(r, "X-Syn-Org-Secret", a->org_secret ? a->org_secret : "");
    if (!rc)
        rc = http_request_header(r, "X-Syn-Org-Id", a->org_id ? a->org_id : "");
    return rc ? rc : http_request_header(r, "X-Api-Key", a->api_key ? a->api_key : "");
}

static int check_request(const struct lms_account *a, struct http_request *out, struct err *e)
{
    (void)a;
    return build_told(build_request(out, HTTP_GET, "/status"), e);
}

/* ------------------------------------------------------------------ lists */

static const struct reply_shape learning = {.list = "learningRecords", .wrapper = "learningRecord", .id = "objectId"};

static int list_request(const struct lms_collection *c, const char *parent_key, unsigned page, struct http_request *out,
                        struct err *e)
{
    char limit[16], offset[24];
    if (!synap_is(c, "learning-records"))
        return err_set(e, -ENOTSUP, "Synap has no list of %s", c->name);
    snprintf(limit, sizeof limit, "%d", PAGE);
    snprintf(offset, sizeof offset, "%llu", (unsigned long long)(page ? page - 1 : 0) * PAGE);
    int rc = build_request(out, HTTP_GET, "/learning-records?userId={}&limit={}&offset={}", parent_key, limit, offset);
    return rc == -EINVAL ? err_set(e, rc, "learning records are listed by their user's id") : build_told(rc, e);
}

static int list_reply(const struct lms_collection *c, const char *parent_key, const struct http_reply *r,
                      struct lms_page *out, struct err *e)
{
    struct reply_rows rows;
    int64_t total;
    (void)parent_key;

    *out = (struct lms_page){0};
    if (!synap_is(c, "learning-records"))
        return err_set(e, -ENOTSUP, "Synap has no list of %s", c->name);
    int rc = reply_rows(r, &learning, c->page_size, &rows, e);
    if (rc)
        return rc;
    rc = reply_count(json_object_get(rows.reply, "meta"), "totalCount", &total, e);
    if (rc) {
        reply_rows_release(&rows);
        return rc;
    }
    return reply_page(c, &rows, &learning, total, synap_record, out, e);
}

/* ------------------------------------------------------------------ one record */

static int get_request(const struct lms_collection *c, const char *parent_key, const char *stem,
                       struct http_request *out, struct err *e)
{
    const char *id = stem_after(stem, "ID-"), *email = stem_after(stem, "EMAIL-");
    int rc = -ENOTSUP;
    (void)parent_key;

    if (synap_is(c, "status"))
        rc = build_request(out, HTTP_GET, "/status");
    else if (synap_is(c, "user-attributes"))
        rc = build_request(out, HTTP_GET, "/portal/user-attributes");
    else if (synap_is(c, "assignments") && id)
        rc = build_request(out, HTTP_GET, "/assignment/{}", id);
    else if (synap_is(c, "attempts") && id)
        rc = build_request(out, HTTP_GET, "/attempt/{}", id);
    else if (synap_is(c, "users") && id)
        rc = build_request(out, HTTP_GET, "/users?id={}", id);
    else if (synap_is(c, "users") && email)
        rc = build_request(out, HTTP_GET, "/users?email={}", email);
    if (rc == -EINVAL)
        return err_set(e, -ENOENT, "there is no %.80s", stem);
    if (rc == -ENOTSUP)
        return err_set(e, rc, "Synap can't be asked for %s by %.80s", c->name, stem ? stem : "no name");
    return build_told(rc, e);
}

static int check_identity(const char *stem, const struct lms_record *r, struct err *e)
{
    const char *id = stem_after(stem, "ID-"), *email = stem_after(stem, "EMAIL-");
    if (id ? !strcmp(id, r->key) : email && r->email && !strcasecmp(email, r->email))
        return 0;
    return err_set(e, -EPROTO, "%.80s was asked for and the reply is about ID-%.80s", stem ? stem : "nobody", r->key);
}

static int singleton(const struct lms_collection *c, json_t *reply, struct lms_record *out)
{
    int rc = 0;
    out->key = reply_dup(c->name, &rc);
    out->doc = json_incref(reply);
    out->active = true;
    return rc;
}

/* Assignments and attempts: the API's object as it is, for nothing of it can be written. */
static int read_only(json_t *api, struct lms_record *out, struct err *e)
{
    if (!json_is_object(api))
        return err_set(e, -EPROTO, "the reply doesn't hold the record");
    int rc = reply_name(api, "objectId", &out->key, e);
    out->active = true;
    out->mtime = reply_time(json_object_get(api, "updatedAt"));
    out->made_at = reply_time(json_object_get(api, "createdAt"));
    out->doc = rc ? NULL : json_deep_copy(api);
    return rc ? rc : out->doc ? reply_unsign(out->doc) : -ENOMEM;
}

static int get_reply(const struct lms_collection *c, const char *parent_key, const char *stem,
                     const struct http_reply *r, struct lms_record *out, struct err *e)
{
    json_t *reply;
    (void)parent_key;

    *out = (struct lms_record){0};
    int rc = reply_object(r, &reply, e);
    if (rc)
        return rc;
    json_t *user = json_object_get(reply, "user");
    if (c->kind == LMS_SINGLETON)
        rc = singleton(c, reply, out);
    else if (synap_is(c, "assignments") || synap_is(c, "attempts"))
        rc = read_only(json_object_get(reply, synap_is(c, "attempts") ? "attempt" : "assignment"), out, e);
    else if (!synap_is(c, "users"))
        rc = err_set(e, -ENOTSUP, "Synap can't be asked for one of %s", c->name);
    else if (!json_is_object(user))
        rc = err_set(e, -EPROTO, "the reply has no object \"user\"");
    else
        rc = synap_record(c, user, out, e);
    if (!rc && c->kind != LMS_SINGLETON)
        rc = check_identity(stem, out, e);
    json_decref(reply);
    if (rc)
        lms_record_release(out);
    return build_told(rc, e);
}

/* ------------------------------------------------------------------ deleting */

static int change_request(const struct lms_collection *c, const struct lms_change *ch, struct http_request *out,
                          struct err *e)
{
    *out = (struct http_request){0};
    /* Nobody inherits in Synap: what a user made goes too. */
    if (ch->op != LMS_OP_DELETE)
        return err_set(e, -EPERM, "Synap has no way to %s one of %s",
                       ch->op == LMS_OP_DEACTIVATE ? "deactivate" : "reactivate", c->name);
    if (!(c->can & LMS_DELETE))
        return err_set(e, -EPERM, "Synap has no way to delete %s", c->name);
    if (synap_is(c, "study-items"))
        return build_told(synap_remove_written(c, ch, out, e), e);
    int rc = build_request(out, HTTP_DELETE, synap_is(c, "users") ? "/users/{}" : "/learning-records/{}", ch->key);
    return rc == -EINVAL ? err_set(e, rc, "that can't be the id of a record") : build_told(rc, e);
}

/* See lms_endpoint. */
static const char *const endpoints[] = {
    "GET /status",
    "GET /assignment/:id",
    "GET /attempt/:id",
    "GET /portal/user-attributes",
    "POST /study-item/add",
    "POST /study-item/remove",
    "GET /users",
    "POST /users",
    "PUT /users/attributes",
    "PATCH /users/:id",
    "POST /users/invite",
    "DELETE /users/:id",
    "POST /usergroup/add",
    "POST /usergroup/remove",
    "GET /learning-records",
    "POST /learning-records",
    "PATCH /learning-records/:id",
    "DELETE /learning-records/:id",
    NULL,
};

const struct lms_provider synap_provider = {
    .name = "synap",
    .endpoints = endpoints,
    .collections = collections,
    .collections_n = sizeof collections / sizeof *collections,
    .authorize = authorize,
    .check_request = check_request,
    .list_request = list_request,
    .list_reply = list_reply,
    .get_request = get_request,
    .get_reply = get_reply,
    .save = synap_save,
    .saved = synap_saved,
    .change_request = change_request,
    .file_request = synap_file_request,
};
