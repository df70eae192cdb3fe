/* hownow.c — HowNow: collections, login, reading, jobs. Source: the vendor's "HowNow External API" collection. */
#include "lms/hownow.h"
#include "lms/build.h"
#include "lms/reply.h"
#include "lms/text.h"
#include "lms/vendors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PAGE    100  /* the API's largest */
#define SOURCES 1000 /* the sources come in one piece; more than this is no list of sources */

/* "Devise email format", the API says: Devise's own email_regexp. */
#define EMAIL "^[^@[:space:]]+@[^@[:space:]]+$"

static const char *const user_types[] = {"Admin", "Manager", "ReadOnly", "Contributor", NULL};

static const struct lms_field user_fields[] = {
    {.name = "external_user_id", .type = LMS_STRING, .flags = LMS_REQUIRED | LMS_IS_EXT, .pattern = "^[a-zA-Z0-9_-]+$"},
    {.name = "name", .type = LMS_STRING, .flags = LMS_REQUIRED, .max_len = 75},
    {.name = "email", .type = LMS_STRING, .flags = LMS_REQUIRED | LMS_IS_EMAIL, .pattern = EMAIL},
    {.name = "user_type", .type = LMS_STRING, .flags = LMS_REQUIRED | LMS_NOCASE, .oneof = user_types},
    {.name = "manager_id", .type = LMS_STRING, .pattern = "^(ID-[0-9]+|EXT-.+)$"},
    {.name = "start_date", .type = LMS_DATE, .flags = LMS_NO_FUTURE},
    {.name = "job_role", .type = LMS_OBJECT},
    {.name = "custom_fields", .type = LMS_ARRAY, .flags = LMS_WHOLE, .keyed_by = "field_name"},
    {.name = "avatar_url",
     .type = LMS_STRING,
     .flags = LMS_AS_WRITTEN,
     .pattern = "^[hH][tT][tT][pP][sS]?://[^[:space:]/]+[^[:space:]]*$"},
    {.name = "dob", .type = LMS_STRING, .flags = LMS_AS_WRITTEN},
    {.name = "phone", .type = LMS_STRING, .flags = LMS_AS_WRITTEN},
    {.name = "address", .type = LMS_STRING, .flags = LMS_AS_WRITTEN},
    {.name = "country", .type = LMS_STRING, .flags = LMS_AS_WRITTEN},
    {0},
};

static const struct lms_field skill_fields[] = {
    {.name = "name", .type = LMS_STRING, .flags = LMS_REQUIRED, .max_len = 191},
    {.name = "external_id", .type = LMS_STRING, .flags = LMS_IS_EXT},
    {0},
};

/* Name and external_id can be given once: the API's PUT takes description and skills only. */
static const struct lms_field role_fields[] = {
    {.name = "name", .type = LMS_STRING, .flags = LMS_REQUIRED | LMS_FIXED, .max_len = 100},
    {.name = "description", .type = LMS_STRING, .max_len = 250},
    {.name = "external_id", .type = LMS_STRING, .flags = LMS_IS_EXT | LMS_FIXED},
    {.name = "skills", .type = LMS_ARRAY, .keyed_by = "skill_id"},
    {0},
};

/* Non-delta: "all fields are overwritten". Who and what it is of stands in the path, and may stand in the document too. */
static const struct lms_field learning_fields[] = {
    {.name = "external_user_id", .type = LMS_STRING},
    {.name = "external_content_id", .type = LMS_STRING},
    {.name = "provider", .type = LMS_STRING, .flags = LMS_REQUIRED},
    {.name = "completion_percentage", .type = LMS_INTEGER, .flags = LMS_REQUIRED},
    {.name = "enrollment_date", .type = LMS_DATE, .flags = LMS_REQUIRED},
    {.name = "completion_date", .type = LMS_DATE, .flags = LMS_CLEARABLE},
    {.name = "time_spent", .type = LMS_INTEGER, .flags = LMS_CLEARABLE},
    {0},
};

/* A review is told apart by skill and reviewer; without a reviewer it is the user's own. */
static const struct lms_field review_fields[] = {
    {.name = "skills", .type = LMS_ARRAY, .keyed_by = "skill_id by one reviewer", .key_of = hownow_review_key},
    {0},
};

/* Only ever added to at its end: an inode number holds the index. */
static const struct lms_collection collections[] = {
    {.name = "users",
     .kind = LMS_LISTED,
     .can = LMS_CREATE | LMS_UPDATE | LMS_DEACTIVATE | LMS_REACTIVATE | LMS_DELETE | LMS_GET | LMS_DETAIL | LMS_UPSERT |
            LMS_GET_BY_EMAIL,
     .page_size = PAGE,
     .ext_prefix = "EXT-",
     .fields = user_fields},
    {.name = "job-roles",
     .kind = LMS_LISTED,
     .can = LMS_CREATE | LMS_UPDATE | LMS_DELETE | LMS_GET | LMS_DETAIL | LMS_SERVER_ID,
     .page_size = PAGE,
     .ext_prefix = "EXT-",
     .fields = role_fields},
    {.name = "groups", .kind = LMS_LISTED, .can = LMS_GET | LMS_DETAIL, .page_size = PAGE},
    {.name = "skills",
     .kind = LMS_LISTED,
     .can = LMS_CREATE | LMS_GET | LMS_SERVER_ID,
     .page_size = PAGE,
     .ext_prefix = "EXT-",
     .fields = skill_fields},
    {.name = "group-members", .parent = "groups", .kind = LMS_LISTED, .page_size = PAGE},
    {.name = "assigned-contents", .parent = "users", .plain_names = true, .kind = LMS_LISTED, .page_size = PAGE},
    {.name = "authored-contents", .parent = "users", .plain_names = true, .kind = LMS_LISTED, .page_size = PAGE},
    {.name = "content-sources", .folder = "metadata", .kind = LMS_SINGLETON, .can = LMS_GET},
    {.name = "content-types", .folder = "metadata", .kind = LMS_SINGLETON, .can = LMS_GET},
    {.name = "languages", .folder = "metadata", .kind = LMS_SINGLETON, .can = LMS_GET},
    {.name = "lessons", .plain_names = true, .kind = LMS_KNOWN, .can = LMS_GET},
    {.name = "sources", .plain_names = true, .kind = LMS_LISTED, .page_size = SOURCES},
    {.name = "contents",
     .parent = "sources",
     .plain_names = true,
     .kind = LMS_LISTED,
     .can = LMS_GET | LMS_DETAIL,
     .page_size = PAGE},
    {.name = "learning-records",
     .parent = "users",
     .plain_names = true,
     .kind = LMS_WRITE_ONLY,
     .can = LMS_CREATE | LMS_UPDATE | LMS_UPSERT | LMS_FULL,
     .fields = learning_fields},
    {.name = "user-skills",
     .plain_names = true, /* EXT-… or ID-…, as paths have it: EXT-5 and ID-5 are two people */
     .kind = LMS_WRITE_ONLY,
     .can = LMS_CREATE | LMS_UPDATE | LMS_UPSERT | LMS_DELETE | LMS_EMPTIES,
     .fields = review_fields},
};

/* The path below /external/v1/, for the collections that have one of their own. */
static const struct {
    const char *collection, *path;
} paths[] = {{"users", "users"},
             {"job-roles", "job_roles"},
             {"groups", "groups"},
             {"skills", "skills"},
             {"content-sources", "contents/sources"},
             {"content-types", "contents/types"},
             {"languages", "languages"},
             {"sources", "contents/sources"}};

static const char *path_of(const struct lms_collection *c)
{
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (hownow_is(c, paths[i].collection))
            return paths[i].path;
    return NULL;
}

bool hownow_is(const struct lms_collection *c, const char *name)
{
    return !strcmp(c->name, name);
}

/* ------------------------------------------------------------------ login */

static int token_request(const struct lms_account *a, struct http_request *out, struct err *e)
{
    struct text body = {0};
    int rc = build_request(out, HTTP_POST, "/token");
    if (rc)
        return build_told(rc, e);
    if (!a->client_id || !a->client_secret) {
        http_request_release(out);
        return err_set(e, -EINVAL, "HowNow needs a client_id and a client_secret");
    }
    text_add(&body, "grant_type=client_credentials&client_id=");
    text_percent(&body, a->client_id);
    text_add(&body, "&client_secret=");
    text_percent(&body, a->client_secret);
    out->body = text_take(&body, &out->body_len);
    out->content_type = "application/x-www-form-urlencoded";
    out->idempotent = true; /* one token more does no harm */
    if (out->body)
        return 0;
    http_request_release(out);
    return build_told(-ENOMEM, e);
}

/* It goes into a header: nothing but what RFC 6750's b64token and a little more may stand there. */
static bool is_token(const char *s)
{
    size_t n = 0;
    for (; s[n]; n++)
        if (s[n] <= 0x20 || s[n] >= 0x7f)
            return false;
    return n > 0;
}

static int token_reply(const struct http_reply *r, struct lms_token *out, struct err *e)
{
    json_t *reply;
    const char *token = NULL, *type = NULL;
    int64_t seconds = 0;

    *out = (struct lms_token){0};
    int rc = reply_object(r, &reply, e);
    if (rc)
        return rc;
    const json_t *value = json_object_get(reply, "access_token");
    rc = reply_text(reply, "access_token", &token, e);
    if (!rc && (!token || !is_token(token)))
        rc = err_set(e, -EPROTO, "the login reply has no usable access_token%s",
                     value ? " (characters that no token has)" : "");
    if (!rc)
        rc = reply_count(reply, "expires_in", &seconds, e);
    if (!rc && seconds < 1)
        rc = err_set(e, -EPROTO, "the login reply has no expires_in of at least 1 second");
    if (!rc)
        rc = reply_text(reply, "token_type", &type, e);
    if (!rc && type && strcasecmp(type, "Bearer") != 0)
        rc = err_set(e, -EPROTO, "the login reply's token is not a bearer token");
    if (!rc) {
        out->value = reply_dup(token, &rc);
        out->expires_in = seconds;
    }
    json_decref(reply);
    return build_told(rc, e);
}

static int authorize(const struct lms_account *a, const char *token, struct http_request *r)
{
    if (r->path && !strcmp(r->path, "/token"))
        return 0;
    struct text bearer = {0};
    text_add(&bearer, "Bearer ");
    text_add(&bearer, token ? token : "");
    char *value = text_take(&bearer, NULL);
    int rc = value ? http_request_header(r, "Authorization", value) : -ENOMEM;
    if (value)
        explicit_bzero(value, strlen(value));
    free(value);
    /* A request that acts for somebody in particular has its own. */
    for (size_t i = 0; i < r->headers_n; i++)
        if (!strcasecmp(r->headers[i].name, "X-User-Id"))
            return rc;
    return !rc && a->act_as ? http_request_header(r, "X-User-Id", a->act_as) : rc;
}

static int check_request(const struct lms_account *a, struct http_request *out, struct err *e)
{
    (void)a;
    return build_told(build_request(out, HTTP_GET, "/external/v1/users?page=1&per_page=1"), e);
}

/* ------------------------------------------------------------------ lists */

static const struct reply_shape data = {.list = "data", .id = "id"}, contents = {.list = "data", .id = "hownow_id"};

static const struct reply_shape *shape_of(const struct lms_collection *c)
{
    return hownow_is_contents(c) ? &contents : &data;
}

/* The lists that belong to something: its id, the page, the page's size. The search's own order is by relevance, which any
 * reader may change; by age, what is new comes last and nothing shifts while the pages are read. */
static const struct {
    const char *collection, *path;
    bool by_number;
} lists[] = {
    {"group-members", "/external/v1/groups/{}/users?page={}&per_page={}", true},
    {"assigned-contents", "/external/v1/users/ID-{}/assigned_contents?page={}&per_page={}", true},
    {"authored-contents", "/external/v1/users/ID-{}/authored_contents?page={}&per_page={}", true},
    {"contents", "/external/v1/contents/search?source={}&sort_by=created_at&sort_order=asc&page={}&per_page={}", false},
};

static int list_request(const struct lms_collection *c, const char *parent_key, unsigned page, struct http_request *out,
                        struct err *e)
{
    char number[16], size[16];
    const char *path = path_of(c);

    snprintf(number, sizeof number, "%u", page);
    snprintf(size, sizeof size, "%d", PAGE);
    if (hownow_is(c, "sources"))
        return build_told(build_request(out, HTTP_GET, "/external/v1/contents/sources"), e);
    if (c->kind != LMS_LISTED)
        return err_set(e, -ENOTSUP, "HowNow has no list of %s", c->name);
    if (path)
        return build_told(build_request(out, HTTP_GET, "/external/v1/{}?page={}&per_page={}", path, number, size), e);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (!hownow_is(c, lists[i].collection))
            continue;
        if (!parent_key || (lists[i].by_number && !is_decimal(parent_key)))
            break;
        return build_told(build_request(out, HTTP_GET, lists[i].path, parent_key, number, size), e);
    }
    return err_set(e, -EINVAL, "%s are listed by the id of what they belong to", c->name);
}

static int read_total(const json_t *reply, int64_t *total, struct err *e)
{
    const json_t *meta = json_object_get(reply, "meta");
    *total = -1;
    if (!meta || json_is_null(meta))
        return 0;
    if (!json_is_object(meta))
        return err_set(e, -EPROTO, "the reply's \"meta\" is not an object");
    int rc = reply_count(meta, "total_count", total, e);
    return rc ? err_prefix(e, "the reply's \"meta\"") : 0;
}

static int list_reply(const struct lms_collection *c, const char *parent_key, const struct http_reply *r,
                      struct lms_page *out, struct err *e)
{
    struct reply_rows rows;
    int64_t total;
    (void)parent_key;

    *out = (struct lms_page){0};
    int rc = reply_rows(r, shape_of(c), c->page_size, &rows, e);
    if (rc)
        return rc;
    rc = read_total(rows.reply, &total, e);
    if (hownow_is(c, "sources")) /* no pages: what came is all there is */
        total = (int64_t)(json_array_size(rows.rows) + rows.spoiled);
    if (rc) {
        reply_rows_release(&rows);
        return rc;
    }
    return reply_page(c, &rows, shape_of(c), total, hownow_record, out, e);
}

/* ------------------------------------------------------------------ one record */

static int not_supported(const struct lms_collection *c, const char *stem, struct err *e)
{
    return err_set(e, -ENOTSUP, "HowNow can't be asked for %s by %.80s", c->name, stem ? stem : "no name");
}

/* "{source}_{numeric id}", the API says; a content of another source is not in this directory. */
static int get_content(const struct lms_collection *c, const char *source, const char *id, const char *path,
                       struct http_request *out, struct err *e)
{
    size_t n = source ? strlen(source) : 0;
    if (!id || !n)
        return not_supported(c, id, e);
    if (strncmp(id, source, n) != 0 || id[n] != '_' || !is_decimal(id + n + 1))
        return err_set(e, -ENOENT, "a content of %.80s is named %.80s_ and a number; there is no %.80s", source, source,
                       id);
    return build_told(build_request(out, HTTP_GET, path, id), e);
}

/* A content that is named and whose source wasn't listed: what the search would say of it. */
static int find_request(const struct lms_collection *c, const char *source, const char *stem, struct http_request *out,
                        struct err *e)
{
    if (!hownow_is(c, "contents"))
        return -ENOTSUP;
    return get_content(c, source, stem_after(stem, "ID-"), "/external/v1/contents/{}", out, e);
}

static int get_singleton(const char *path, struct http_request *out)
{
    const char *slash = strchr(path, '/');
    return slash ? build_request(out, HTTP_GET, "/external/v1/contents/{}", slash + 1)
                 : build_request(out, HTTP_GET, "/external/v1/{}", path);
}

static int get_request(const struct lms_collection *c, const char *parent_key, const char *stem,
                       struct http_request *out, struct err *e)
{
    const char *id = stem_after(stem, "ID-"), *email = stem_after(stem, "EMAIL-"), *path = path_of(c);
    int rc = -ENOTSUP;

    if (!(c->can & LMS_GET))
        return not_supported(c, stem, e);
    if (hownow_is(c, "contents"))
        return get_content(c, parent_key, id, "/external/v1/contents/{}/details", out, e);
    if (id && !is_decimal(id))
        return err_set(e, -ENOENT, "HowNow's ids are positive whole numbers; there is no %.80s", stem);
    if (c->kind == LMS_SINGLETON)
        return stem ? not_supported(c, stem, e) : build_told(get_singleton(path, out), e);
    if (hownow_is(c, "lessons"))
        return id ? build_told(build_request(out, HTTP_GET, "/external/v1/lesson/{}/details", id), e)
                  : not_supported(c, stem, e);
    if (email && (c->can & LMS_GET_BY_EMAIL)) /* there is no GET by address, only the list's search */
        rc = build_request(out, HTTP_GET, "/external/v1/users?page=1&per_page=100&q={}", email);
    else if (id && hownow_is(c, "groups")) /* the only ones without the ID- in their path */
        rc = build_request(out, HTTP_GET, "/external/v1/groups/{}", id);
    else if (id || (c->ext_prefix && stem_after(stem, "EXT-")))
        rc = build_request(out, HTTP_GET, "/external/v1/{}/{}", path, stem);
    return rc == -ENOTSUP ? not_supported(c, stem, e) : build_told(rc, e);
}

/* The search finds names and parts of addresses too: only somebody with exactly this address is meant. */
static int find_by_email(const struct lms_collection *c, const char *email, const struct http_reply *r,
                         struct lms_record *out, struct err *e)
{
    struct lms_page page;
    struct lms_record *found = NULL;
    int rc = list_reply(c, NULL, r, &page, e);

    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < page.rows_n; i++) {
        if (!page.rows[i].email || strcasecmp(page.rows[i].email, email) != 0)
            continue;
        if (found)
            rc = err_set(e, -EPROTO, "two people have the address %.200s: ID-%s and ID-%s", email, found->key,
                         page.rows[i].key);
        found = &page.rows[i];
    }
    bool more = page.spoiled || page.total > (int64_t)page.rows_n || (page.total < 0 && page.rows_n == c->page_size);
    if (!rc && !found && more)
        rc = err_set(e, -EPROTO,
                     "nobody with the address %.200s is among the %zu that the search gave, and there are more", email,
                     page.rows_n);
    if (!rc && !found)
        rc = err_set(e, -ENOENT, "nobody has the address %.200s", email);
    if (!rc && found) {
        *out = *found;
        out->is_row = true;
        *found = (struct lms_record){0};
    }
    lms_page_release(&page);
    return rc;
}

static int check_identity(const char *stem, const struct lms_record *r, struct err *e)
{
    const char *id = stem_after(stem, "ID-"), *ext = stem_after(stem, "EXT-");
    if (id ? !strcmp(id, r->key) : ext && r->ext && !strcmp(ext, r->ext))
        return 0;
    return err_set(e, -EPROTO, "%.80s was asked for and the reply is about ID-%s%s%.80s", stem, r->key,
                   r->ext ? ", EXT-" : "", r->ext ? r->ext : "");
}

/* Sources, types, languages: {"data": [{"id": …, "label": …}, …]}, as it came. */
static int singleton(const struct lms_collection *c, json_t *reply, struct lms_record *out, struct err *e)
{
    const json_t *rows = json_object_get(reply, "data");
    int rc = json_is_array(rows) ? 0 : err_set(e, -EPROTO, "the reply has no array \"data\"");
    for (size_t i = 0; !rc && i < json_array_size(rows); i++)
        if (!json_is_string(json_object_get(json_array_get(rows, i), "id")))
            rc = err_set(e, -EPROTO, "row %zu of %s has no \"id\"", i + 1, c->name);
    if (rc)
        return rc;
    out->key = reply_dup(c->name, &rc);
    out->doc = json_incref(reply);
    out->active = true;
    return rc;
}

static int get_reply(const struct lms_collection *c, const char *parent_key, const char *stem,
                     const struct http_reply *r, struct lms_record *out, struct err *e)
{
    json_t *reply;
    (void)parent_key;

    *out = (struct lms_record){0};
    if (stem_after(stem, "EMAIL-"))
        return find_by_email(c, stem_after(stem, "EMAIL-"), r, out, e);
    int rc = reply_object(r, &reply, e);
    if (rc)
        return rc;
    json_t *api = json_object_get(reply, "data");
    if (c->kind == LMS_SINGLETON)
        rc = singleton(c, reply, out, e);
    else if (!json_is_object(api))
        rc = err_set(e, -EPROTO, "the reply has no object \"data\"");
    else
        rc = hownow_record(c, api, out, e);
    if (!rc && c->kind != LMS_SINGLETON)
        rc = check_identity(stem, out, e);
    json_decref(reply);
    if (rc)
        lms_record_release(out);
    return build_told(rc, e);
}

/* ------------------------------------------------------------------ jobs */

static int job_request(const char *job_id, struct http_request *out, struct err *e)
{
    int rc = build_request(out, HTTP_GET, "/external/v1/jobs/{}/status", job_id);
    return rc == -EINVAL ? err_set(e, rc, "that can't be the id of a job") : build_told(rc, e);
}

static int job_errors(const json_t *reply, char **out)
{
    const json_t *errors = json_object_get(reply, "errors");
    int rc = 0;
    struct text t = {0};

    *out = NULL;
    if (!errors || json_is_null(errors))
        return 0;
    if (json_is_string(errors))
        *out = reply_dup(json_string_value(errors), &rc);
    else {
        text_json(&t, errors, false);
        *out = text_take(&t, NULL);
    }
    return *out ? 0 : -ENOMEM;
}

static int job_reply(const struct http_reply *r, struct lms_job *out, struct err *e)
{
    json_t *reply;
    const char *status;

    *out = (struct lms_job){0};
    int rc = reply_object(r, &reply, e);
    if (rc)
        return rc;
    out->vendor = reply;
    rc = reply_text(reply, "status", &status, e);
    if (!rc && !status)
        rc = err_set(e, -EPROTO, "the job's reply has no status");
    if (!rc && status) {
        unsigned s = LMS_JOB_IN_PROGRESS;
        while (s <= LMS_JOB_FAILED && strcmp(status, lms_job_status_name(s)) != 0)
            s++;
        out->status = s;
        if (s > LMS_JOB_FAILED)
            rc = err_set(e, -EPROTO, "the job has the status %.80s, which HowNow doesn't document", status);
    }
    if (!rc)
        rc = job_errors(reply, &out->errors);
    if (rc)
        lms_job_release(out);
    return build_told(rc, e);
}

static bool sees_all(const json_t *actor)
{
    const char *type = json_string_value(json_object_get(actor, "user_type"));
    return type && !strcasecmp(type, "Admin");
}

/* See lms_endpoint. */
static const char *const endpoints[] = {
    "POST /token",
    "GET /external/v1/users",
    "GET /external/v1/users/:id",
    "GET /external/v1/users/:id/assigned_contents",
    "GET /external/v1/users/:id/authored_contents",
    "POST /external/v1/users/upsert",
    "PUT /external/v1/users/:id/deactivate",
    "PUT /external/v1/users/:id/reactivate",
    "DELETE /external/v1/users/:id/delete",
    "POST /external/v1/users/:id/skills",
    "DELETE /external/v1/users/:id/skills",
    "POST /external/v1/contents/engagement/upsert",
    "GET /external/v1/contents/search",
    "GET /external/v1/contents/sources",
    "GET /external/v1/contents/types",
    "GET /external/v1/contents/:id",
    "GET /external/v1/contents/:id/details",
    "GET /external/v1/lesson/:id/details",
    "GET /external/v1/languages",
    "GET /external/v1/job_roles",
    "GET /external/v1/job_roles/:id",
    "POST /external/v1/job_roles",
    "PUT /external/v1/job_roles/:id",
    "DELETE /external/v1/job_roles/:id",
    "GET /external/v1/groups",
    "GET /external/v1/groups/:id",
    "GET /external/v1/groups/:id/users",
    "GET /external/v1/skills",
    "GET /external/v1/skills/:id",
    "POST /external/v1/skills",
    "GET /external/v1/jobs/:id/status",
    NULL,
};

const struct lms_provider hownow_provider = {
    .name = "hownow",
    .endpoints = endpoints,
    .collections = collections,
    .collections_n = sizeof collections / sizeof *collections,
    .token_request = token_request,
    .token_reply = token_reply,
    .authorize = authorize,
    .check_request = check_request,
    .sees_all = sees_all,
    .list_request = list_request,
    .list_reply = list_reply,
    .search_request = hownow_search_request,
    .search_parent = hownow_search_parent,
    .get_request = get_request,
    .find_request = find_request,
    .get_reply = get_reply,
    .save = hownow_save,
    .saved = hownow_saved,
    .change_request = hownow_change_request,
    .job_request = job_request,
    .job_reply = job_reply,
};
