/* thrive.c — Thrive: collections, credentials, reading. Sources: the vendor's event page (writing, one endpoint for four events) and its
 * public REST reference (reading).
 *
 * Reads and writes don't know the same fields: what REST v1 never gives back shows what was last written.
 */
#include "lms/thrive.h"
#include "lms/build.h"
#include "lms/reply.h"
#include "lms/text.h"
#include "lms/vendors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE 1000 /* the API's largest */

/* ISO 8601, as the examples have it; a plain day will do too. */
#define DATE "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2}))?$"

/* What is LMS_CLEARABLE is cleared by the REST API's PATCH, where null clears; an event has no way to. */
static const struct lms_field user_fields[] = {
    {.name = "ref", .type = LMS_STRING, .flags = LMS_REQUIRED | LMS_FIXED | LMS_IS_EXT},
    {.name = "email", .type = LMS_STRING, .flags = LMS_IS_EMAIL, .pattern = "^[^@[:space:]]+@[^@[:space:]]+$"},
    {.name = "firstName", .type = LMS_STRING, .flags = LMS_REQUIRED},
    {.name = "lastName", .type = LMS_STRING, .flags = LMS_REQUIRED},
    {.name = "jobTitle", .type = LMS_STRING, .flags = LMS_AS_WRITTEN | LMS_CLEARABLE},
    {.name = "managerRef", .type = LMS_STRING, .flags = LMS_AS_WRITTEN | LMS_CLEARABLE},
    {.name = "startDate", .type = LMS_STRING, .flags = LMS_AS_WRITTEN | LMS_CLEARABLE, .pattern = DATE},
    {.name = "endDate", .type = LMS_STRING, .flags = LMS_AS_WRITTEN | LMS_CLEARABLE, .pattern = DATE},
    {.name = "timeZone", .type = LMS_STRING, .flags = LMS_CLEARABLE},
    {.name = "languageCode", .type = LMS_STRING, .flags = LMS_CLEARABLE},
    {.name = "sso", .type = LMS_BOOLEAN, .flags = LMS_AS_WRITTEN},
    {.name = "domain", .type = LMS_STRING, .flags = LMS_AS_WRITTEN | LMS_CLEARABLE},
    {.name = THRIVE_CUSTOM, .type = LMS_OBJECT, .flags = LMS_CLEARABLE, .keyed_by = ""},
    {0},
};

static const struct lms_collection collections[] = {
    {.name = "users",
     .kind = LMS_LISTED,
     .can = LMS_CREATE | LMS_UPDATE | LMS_DEACTIVATE | LMS_REACTIVATE | LMS_DELETE | LMS_GET,
     .page_size = PAGE,
     .ext_prefix = "EXT-",
     .fields = user_fields,
     .open = THRIVE_CUSTOM},
};

/* ------------------------------------------------------------------ credentials */

static int authorize(const struct lms_account *a, const char *token, struct http_request *r)
{
    struct text pair = {0}, value = {0};
    int rc = -ENOMEM;
    (void)token;

    text_add(&pair, a->tenant_id ? a->tenant_id : "");
    text_addc(&pair, ':');
    text_add(&pair, a->secret ? a->secret : "");
    text_add(&value, "Basic ");
    text_base64(&value, pair.s, pair.len);
    text_addc(&value, '\0');
    if (!pair.failed && !value.failed)
        rc = http_request_header(r, "Authorization", value.s);
    text_release(&pair);
    text_release(&value);
    if (!rc && r->path && !strcmp(r->path, THRIVE_EVENTS) && !r->url && a->events_url)
        rc = (r->url = strdup(a->events_url)) ? 0 : -ENOMEM;
    return rc;
}

static int check_request(const struct lms_account *a, struct http_request *out, struct err *e)
{
    (void)a;
    return build_told(build_request(out, HTTP_GET, "/v1/users?page=1&perPage=1"), e);
}

/* ------------------------------------------------------------------ lists */

static const struct reply_shape users = {.list = "results", .id = "id"};

/* filter: "&status=active" or "", encoded. */
static int page_request(unsigned page, const char *filter, struct http_request *out, struct err *e)
{
    struct text path = {0};
    *out = (struct http_request){.method = HTTP_GET, .idempotent = true};
    text_addf(&path, "/v1/users?page=%u&perPage=%d%s", page ? page : 1, PAGE, filter);
    out->path = text_take(&path, NULL);
    return out->path ? 0 : err_set(e, -ENOMEM, "out of memory");
}

static int list_request(const struct lms_collection *c, const char *parent_key, unsigned page, struct http_request *out,
                        struct err *e)
{
    (void)c, (void)parent_key;
    return page_request(page, "", out, e);
}

static int changed_request(const struct lms_collection *c, int64_t since, unsigned page, struct http_request *out,
                           struct err *e)
{
    char filter[64];
    time_t t = since > 0 ? since : 0;
    struct tm tm;
    (void)c;
    if (!gmtime_r(&t, &tm) || !strftime(filter, sizeof filter, "&updatedSince=%Y-%m-%dT%H%%3A%M%%3A%S.000Z", &tm))
        return err_set(e, -EINVAL, "that is no time to ask for changes since");
    return page_request(page, filter, out, e);
}

static int list_reply(const struct lms_collection *c, const char *parent_key, const struct http_reply *r,
                      struct lms_page *out, struct err *e)
{
    struct reply_rows rows;
    int64_t total;
    (void)parent_key;

    *out = (struct lms_page){0};
    int rc = reply_rows(r, &users, c->page_size, &rows, e);
    if (rc)
        return rc;
    rc = reply_count(json_object_get(rows.reply, "pagination"), "totalResults", &total, e);
    if (rc) {
        reply_rows_release(&rows);
        return rc;
    }
    return reply_page(c, &rows, &users, total, thrive_record, out, e);
}

/* ------------------------------------------------------------------ search: the list's own filters */

static const char *const statuses[] = {"active", "inactive", "expired", "new", NULL};

static int add_filter(struct text *filter, const char *word, struct err *e)
{
    const char *since = !strncmp(word, "updatedSince=", 13) ? word + 13 : NULL;
    const char *status = !strncmp(word, "status=", 7) ? word + 7 : word;
    if (since && *since) {
        text_add(filter, "&updatedSince=");
        text_percent(filter, since);
        return 0;
    }
    for (size_t i = 0; statuses[i]; i++) {
        if (strcmp(statuses[i], status) != 0)
            continue;
        text_add(filter, "&status=");
        text_add(filter, status);
        return 0;
    }
    return err_set(
        e, -EINVAL,
        "Thrive finds users by status=active, inactive, expired or new, and by updatedSince=TIME; not by %.80s", word);
}

static int search_request(const struct lms_collection *c, const char *text, unsigned page, struct http_request *out,
                          uint64_t *window, struct err *e)
{
    struct text filter = {0};
    char *words = strdup(text), *rest = words;
    int rc = words ? 0 : err_set(e, -ENOMEM, "out of memory");
    (void)c;

    *out = (struct http_request){0};
    *window = 0;
    for (char *word; !rc && (word = strsep(&rest, ","));)
        rc = add_filter(&filter, word, e);
    free(words);
    char *all = rc ? NULL : text_take(&filter, NULL);
    text_release(&filter);
    if (!rc)
        rc = all ? page_request(page, all, out, e) : err_set(e, -ENOMEM, "out of memory");
    free(all);
    return rc;
}

/* ------------------------------------------------------------------ one record */

static int get_request(const struct lms_collection *c, const char *parent_key, const char *stem,
                       struct http_request *out, struct err *e)
{
    const char *id = stem_after(stem, "ID-"), *ref = stem_after(stem, "EXT-");
    (void)parent_key;
    if (!id && !ref)
        return err_set(e, -ENOTSUP, "Thrive can't be asked for %s by %.80s", c->name, stem ? stem : "no name");
    int rc = build_request(out, HTTP_GET, id ? "/v1/user/{}" : "/v1/users/ref/{}", id ? id : ref);
    return rc == -EINVAL ? err_set(e, -ENOENT, "there is no %.80s", stem) : build_told(rc, e);
}

static int check_identity(const char *stem, const struct lms_record *r, struct err *e)
{
    const char *id = stem_after(stem, "ID-"), *ref = stem_after(stem, "EXT-");
    if (id ? !strcmp(id, r->key) : ref && r->ext && !strcmp(ref, r->ext))
        return 0;
    return err_set(e, -EPROTO, "%.80s was asked for and the reply is about ID-%.80s", stem ? stem : "nobody", r->key);
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
    rc = thrive_record(c, reply, out, e);
    if (!rc && out->gone)
        rc = err_set(e, -ENOENT, "%.80s was deleted", stem);
    if (!rc)
        rc = check_identity(stem, out, e);
    json_decref(reply);
    if (rc)
        lms_record_release(out);
    return build_told(rc, e);
}

/* See lms_endpoint. */
static const char *const endpoints[] = {
    "POST /webhooks",
    "GET /v1/users",
    "GET /v1/users/ref/:ref",
    "GET /v1/user/:id",
    "POST /v2/users",
    "PATCH /v2/users/ref/:ref",
    "DELETE /v2/users/ref/:ref",
    "PATCH /v2/users/ref/:ref/suspend",
    NULL,
};

const struct lms_provider thrive_provider = {
    .name = "thrive",
    .endpoints = endpoints,
    .collections = collections,
    .collections_n = sizeof collections / sizeof *collections,
    .authorize = authorize,
    .check_request = check_request,
    .list_request = list_request,
    .list_reply = list_reply,
    .changed_request = changed_request,
    .search_request = search_request,
    .get_request = get_request,
    .get_reply = get_reply,
    .save = thrive_save,
    .saved = thrive_saved,
    .says_exists = thrive_says_exists,
    .change_request = thrive_change_request,
};
