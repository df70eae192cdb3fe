/* avia.c — AVIA: collections, credentials, reading, leaving. Source: the vendor's "Avia HR API" collection.
 *
 * Three things are odd in it. Suspending is a GET, and the verdict is the body's `status`. There is no GET of a person: the list is all
 * that can be read, and a search by ssn that gives the id. The ssn, which the API names people by, is a secret: it stands in request
 * paths, so these have a form for people to see.
 */
#include "lms/avia.h"
#include "lms/build.h"
#include "lms/reply.h"
#include "lms/search.h"
#include "lms/text.h"
#include "lms/vendors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PAGE   100   /* the vendor's own example; no largest one is documented */
#define GROUPS 10000 /* the groups come in one piece; more than this is no list of groups */

static const char *const user_roles[] = {"user", "group_leader", "admin", "subscriber", NULL};

static const struct lms_field user_fields[] = {
    {.name = "ssn",
     .type = LMS_STRING,
     .flags = LMS_REQUIRED | LMS_FIXED | LMS_PRIVATE,
     .max_len = 64,
     .pattern = "^[0-9A-Za-z][0-9A-Za-z-]*$"},
    {.name = "email", .type = LMS_STRING, .flags = LMS_REQUIRED | LMS_IS_EMAIL, .pattern = "^[^@[:space:]]+@[^@[:space:]]+$"},
    {.name = "username", .type = LMS_STRING, .flags = LMS_REQUIRED},
    {.name = "first_name", .type = LMS_STRING, .flags = LMS_REQUIRED},
    {.name = "last_name", .type = LMS_STRING, .flags = LMS_REQUIRED},
    {.name = "name", .type = LMS_STRING, .flags = LMS_REQUIRED},
    {.name = "locale", .type = LMS_STRING, .flags = LMS_CLEARABLE},
    {.name = "role", .type = LMS_STRING, .oneof = user_roles},
    {.name = "fields", .type = LMS_OBJECT, .flags = LMS_REQUIRED | LMS_CLEARABLE, .keyed_by = ""},
    /* A create takes these, an update doesn't name them. */
    {.name = "user_login", .type = LMS_STRING, .flags = LMS_FIXED | LMS_AS_WRITTEN},
    {.name = "user_pass", .type = LMS_STRING, .flags = LMS_FIXED | LMS_SECRET},
    {0},
};

/* Members can be added, and that is all; what is asked beyond it is refused by avia_save with EPERM. */
static const struct lms_field group_fields[] = {
    {.name = "title", .type = LMS_STRING, .flags = LMS_REQUIRED},
    {.name = "group_users", .type = LMS_ARRAY, .flags = LMS_CLEARABLE | LMS_PRIVATE, .keyed_by = ""},
    {.name = "group_admins", .type = LMS_ARRAY, .flags = LMS_CLEARABLE | LMS_PRIVATE, .keyed_by = ""},
    {0},
};
static const char *const group_options[] = {"social_group_create", "social_group_status", "update_social_group", NULL};

/* Only ever added to at its end: an inode number holds the index. */
static const struct lms_collection collections[] = {
    {.name = "users",
     .kind = LMS_LISTED,
     .can = LMS_CREATE | LMS_UPDATE | LMS_DEACTIVATE | LMS_REACTIVATE | LMS_DELETE | LMS_SERVER_ID,
     .page_size = PAGE,
     .secret_prefix = "SSN-",
     .fields = user_fields},
    {.name = "groups",
     .kind = LMS_LISTED,
     .can = LMS_CREATE | LMS_UPDATE | LMS_GET | LMS_DETAIL | LMS_SERVER_ID,
     .page_size = GROUPS,
     .fields = group_fields,
     .options = group_options},
};

bool avia_is(const struct lms_collection *c, const char *name)
{
    return !strcmp(c->name, name);
}

/* ------------------------------------------------------------------ credentials */

static int authorize(const struct lms_account *a, const char *token, struct http_request *r)
{
    struct text bearer = {0};
    (void)token;
    text_add(&bearer, "Bearer ");
    text_add(&bearer, a->access_token ? a->access_token : "");
    char *value = text_take(&bearer, NULL);
    int rc = value ? http_request_header(r, "Authorization", value) : -ENOMEM;
    if (value)
        explicit_bzero(value, strlen(value));
    free(value);
    return rc;
}

static int check_request(const struct lms_account *a, struct http_request *out, struct err *e)
{
    (void)a;
    return build_told(build_request(out, HTTP_GET, AVIA "/user?page=1&per_page=1&role=all"), e);
}

/* ------------------------------------------------------------------ lists */

static int list_users(unsigned page, const char *role, struct http_request *out, struct err *e)
{
    char number[16], size[16];
    snprintf(number, sizeof number, "%u", page);
    snprintf(size, sizeof size, "%d", PAGE);
    return build_told(build_request(out, HTTP_GET, AVIA "/user?page={}&per_page={}&role={}", number, size, role), e);
}

static int list_request(const struct lms_collection *c, const char *parent_key, unsigned page, struct http_request *out,
                        struct err *e)
{
    (void)parent_key;
    if (avia_is(c, "users"))
        return list_users(page, "all", out, e);
    return build_told(build_request(out, HTTP_GET, AVIA "/groups"), e);
}

/* Groups are found by their title, people by their role. */
static int search_request(const struct lms_collection *c, const char *text, unsigned page, struct http_request *out,
                          uint64_t *window, struct err *e)
{
    static const char *const roles[] = {"user", "group_leader", "admin", "all", NULL};
    static const struct search_filter by_title[] = {{.name = "search"}, {.name = "q", .param = "search"}, {0}},
                                      by_role[] = {{.name = "role", .words = roles}, {0}};
    bool groups = avia_is(c, "groups");
    const struct search_filter *filters = groups ? by_title : by_role;
    struct search_text t;

    *out = (struct http_request){0};
    *window = 0;
    int rc = search_read(text, filters, groups, &t, e);
    if (rc)
        return rc;
    const char *value = search_value(filters, &t, groups ? "search" : "role");
    if (groups && !value)
        value = search_value(filters, &t, "q");
    rc = !groups ? list_users(page, value, out, e) : build_request(out, HTTP_GET, AVIA "/groups?search={}", value);
    if (rc == -EINVAL)
        err_set(e, rc, "a search for nothing");
    search_release(&t);
    return build_told(rc, e);
}

/* Neither list is documented: the rows are the reply itself or stand in one of its members. */
static int rows_of(const struct lms_collection *c, const struct http_reply *r, struct reply_rows *rows,
                   struct reply_shape *shape, struct err *e)
{
    static const char *const members[] = {"users", "data", "groups"};
    struct http_reply wrapped = *r;
    struct text t = {0};
    size_t blank = 0;
    int rc = -EPROTO;

    while (r->body && blank < r->len && r->body[blank] && strchr(" \t\r\n", r->body[blank]))
        blank++;
    bool bare = r->body && blank < r->len && r->body[blank] == '[';
    if (bare) {
        text_add(&t, "{\"users\":");
        text_addn(&t, r->body, r->len);
        text_addc(&t, '}');
        wrapped.body = text_take(&t, &wrapped.len);
        if (!wrapped.body)
            return -ENOMEM;
    }
    for (size_t i = 0; rc == -EPROTO && i < (bare ? 1 : sizeof members / sizeof *members); i++) {
        struct err why = {0};
        *shape = (struct reply_shape){.list = members[i], .id = "ID"};
        rc = reply_rows(&wrapped, shape, c->page_size, rows, &why);
        if (rc && (i == 0 || rc != -EPROTO))
            *e = why;
    }
    if (bare)
        free(wrapped.body);
    return rc;
}

static int list_reply(const struct lms_collection *c, const char *parent_key, const struct http_reply *r,
                      struct lms_page *out, struct err *e)
{
    struct reply_rows rows;
    struct reply_shape shape;
    (void)parent_key;

    *out = (struct lms_page){0};
    int rc = rows_of(c, r, &rows, &shape, e);
    if (rc)
        return build_told(rc, e);
    /* The groups have no pages: what came is all there is. */
    int64_t total = avia_is(c, "groups") ? (int64_t)(json_array_size(rows.rows) + rows.spoiled) : -1;
    return reply_page(c, &rows, &shape, total, avia_record, out, e);
}

/* ------------------------------------------------------------------ one record */

static int get_request(const struct lms_collection *c, const char *parent_key, const char *stem,
                       struct http_request *out, struct err *e)
{
    const char *id = stem_after(stem, "ID-"), *ssn = stem_after(stem, "SSN-");
    int rc = -ENOTSUP;
    (void)parent_key;

    if (avia_is(c, "groups") && id)
        rc = is_decimal(id) ? build_request(out, HTTP_GET, AVIA "/groups/{}", id) : -EINVAL;
    else if (avia_is(c, "users") && ssn)
        rc = build_request(out, HTTP_GET, AVIA "/user/ssn/{}", ssn);
    if (rc == 0 && ssn && !(out->shown = strdup(AVIA "/user/ssn/***"))) {
        http_request_release(out);
        rc = -ENOMEM;
    }
    if (rc == -EINVAL)
        return err_set(e, -ENOENT, "there is no such one of %s", c->name);
    if (rc == -ENOTSUP)
        return err_set(e, rc, "AVIA can't be asked for one of %s by that name", c->name);
    return build_told(rc, e);
}

/* What a reply says may stand at its top or, as WordPress has it, in `data`. */
static json_t *inner(json_t *reply, const char *member)
{
    json_t *value = json_object_get(reply, member);
    return json_is_object(value) ? value : reply;
}

/* The search by ssn says that there is somebody, and under which id; no more. */
static int found_by_ssn(const char *ssn, json_t *reply, struct lms_record *out, struct err *e)
{
    const char *code = json_string_value(json_object_get(reply, "code"));
    json_t *at = inner(inner(reply, "data"), "user");
    const char *said = json_string_value(json_object_get(at, "ssn"));

    if (!said)
        said = json_string_value(json_object_get(at, "SSN"));
    if (code && !strcmp(code, "ssn_not_found"))
        return err_set(e, -ENOENT, "nobody has this ssn");
    if (said && strcmp(said, ssn) != 0)
        return err_set(e, -EPROTO, "the reply is about somebody else's ssn");
    if (!(out->key = avia_id(at)))
        return err_set(e, -EPROTO, "the reply doesn't give the id of whom it found");
    out->active = out->partial = out->state_unsaid = true;
    out->doc = json_pack("{s:s, s:{s:s}}", "ssn", ssn, "_readonly", "ID", out->key);
    return out->doc ? 0 : -ENOMEM;
}

static int group_detail(const struct lms_collection *c, const char *id, json_t *reply, struct lms_record *out,
                        struct err *e)
{
    int rc = avia_record(c, inner(inner(reply, "data"), "group"), out, e);
    if (!rc && strcmp(out->key, id) != 0)
        return err_set(e, -EPROTO, "ID-%.80s was asked for and the reply is about ID-%.80s", id, out->key);
    return rc;
}

static int get_reply(const struct lms_collection *c, const char *parent_key, const char *stem,
                     const struct http_reply *r, struct lms_record *out, struct err *e)
{
    const char *id = stem_after(stem, "ID-"), *ssn = stem_after(stem, "SSN-");
    json_t *reply;
    (void)parent_key;

    *out = (struct lms_record){0};
    int rc = reply_object(r, &reply, e);
    if (rc)
        return rc;
    if (avia_is(c, "users") && ssn)
        rc = found_by_ssn(ssn, reply, out, e);
    else if (avia_is(c, "groups") && id)
        rc = group_detail(c, id, reply, out, e);
    else
        rc = err_set(e, -ENOTSUP, "AVIA can't be asked for one of %s by that name", c->name);
    json_decref(reply);
    if (rc)
        lms_record_release(out);
    return build_told(rc, e);
}

/* ------------------------------------------------------------------ leaving and coming back */

static const struct {
    enum http_method method;
    const char *path, *shown, *status;
} changes[] = {
    [LMS_OP_DEACTIVATE] = {HTTP_GET, AVIA "/suspend/{}?action=suspend", AVIA "/suspend/***?action=suspend", "suspended"},
    [LMS_OP_REACTIVATE] = {HTTP_GET, AVIA "/suspend/{}?action=unsuspend", AVIA "/suspend/***?action=unsuspend",
                           "unsuspended"},
    [LMS_OP_DELETE] = {HTTP_DELETE, AVIA "/user/delete/{}", AVIA "/user/delete/***", NULL},
};

static int change_request(const struct lms_collection *c, const struct lms_change *ch, struct http_request *out,
                          struct err *e)
{
    const char *ssn = json_string_value(json_object_get(ch->doc, "ssn"));
    *out = (struct http_request){0};
    if (!avia_is(c, "users"))
        return err_set(e, -EPERM, "AVIA has no way to remove one of %s", c->name);
    if (!ssn || !*ssn)
        return err_set(e, -EINVAL, "AVIA names people by their ssn, and none is known of this one");
    int rc = build_request(out, changes[ch->op].method, changes[ch->op].path, ssn);
    if (rc)
        return rc == -EINVAL ? err_set(e, rc, "that can't be somebody's ssn") : build_told(rc, e);
    out->idempotent = ch->op == LMS_OP_DELETE; /* a GET that changes something is no GET */
    out->shown = strdup(changes[ch->op].shown);
    if (out->shown)
        return 0;
    http_request_release(out);
    return build_told(-ENOMEM, e);
}

static int change_reply(const struct lms_collection *c, const struct lms_change *ch, const struct http_reply *r,
                        struct err *e)
{
    json_t *reply;
    (void)c;
    if (!changes[ch->op].status)
        return reply_ok(r, e);
    int rc = reply_object(r, &reply, e);
    if (rc)
        return rc;
    const char *status = json_string_value(json_object_get(reply, "status"));
    if (!status)
        rc = err_set(e, -EPROTO, "the reply doesn't say whether the person is suspended");
    else if (strcasecmp(status, changes[ch->op].status) != 0)
        rc = err_set(e, -EIO, "AVIA answered that the person is \"%.40s\" and not %s", status, changes[ch->op].status);
    json_decref(reply);
    return rc;
}

/* See lms_endpoint. */
static const char *const endpoints[] = {
    "GET /wp-json/avia/hr/v1/user",          "POST /wp-json/avia/hr/v1/user",
    "PUT /wp-json/avia/hr/v1/user/update",   "PUT /wp-json/avia/hr/v1/user/update/role",
    "GET /wp-json/avia/hr/v1/user/ssn/:ssn", "DELETE /wp-json/avia/hr/v1/user/delete/:ssn",
    "GET /wp-json/avia/hr/v1/suspend/:ssn",  "GET /wp-json/avia/hr/v1/groups",
    "POST /wp-json/avia/hr/v1/groups",       "POST /wp-json/avia/hr/v1/groups/enroll",
    "GET /wp-json/avia/hr/v1/groups/:id",    NULL,
};

const struct lms_provider avia_provider = {
    .name = "avia",
    .endpoints = endpoints,
    .collections = collections,
    .collections_n = sizeof collections / sizeof *collections,
    .authorize = authorize,
    .check_request = check_request,
    .list_request = list_request,
    .list_reply = list_reply,
    .search_request = search_request,
    .get_request = get_request,
    .get_reply = get_reply,
    .save = avia_save,
    .saved = avia_saved,
    .change_request = change_request,
    .change_reply = change_reply,
};
