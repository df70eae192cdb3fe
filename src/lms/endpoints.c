/* endpoints.c — which endpoint of the vendor's documentation a request is for: what counts and times are kept by.
 *
 * A path holds people's ids, and a metric's label must hold none. So requests are named by the documentation's own lines, and what fits none
 * of them is "other". */
#include "lms/vendors.h"

#include <string.h>

/* METHOD, space, path below the base URL; ":x" stands for one segment. The first line that fits is meant. */
static const char *const hownow[] = {
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

static const char *const synap[] = {
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

static const char *const learningpool[] = {
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

static const char *const avia[] = {
    "GET /wp-json/avia/hr/v1/user",          "POST /wp-json/avia/hr/v1/user",
    "PUT /wp-json/avia/hr/v1/user/update",   "PUT /wp-json/avia/hr/v1/user/update/role",
    "GET /wp-json/avia/hr/v1/user/ssn/:ssn", "DELETE /wp-json/avia/hr/v1/user/delete/:ssn",
    "GET /wp-json/avia/hr/v1/suspend/:ssn",  "GET /wp-json/avia/hr/v1/groups",
    "POST /wp-json/avia/hr/v1/groups",       "POST /wp-json/avia/hr/v1/groups/enroll",
    "GET /wp-json/avia/hr/v1/groups/:id",    NULL,
};

static const char *const thrive[] = {
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

static const struct {
    const char *vendor;
    const char *const *endpoints;
} vendors[] = {
    {"hownow", hownow}, {"synap", synap}, {"learningpool", learningpool}, {"avia", avia}, {"thrive", thrive},
};

/* Does the path, up to its query, fit the template? */
static bool fits(const char *template, const char *path)
{
    while (*template) {
        if (*template == ':') {
            size_t n = strcspn(path, "/?#");
            if (!n)
                return false;
            path += n;
            template += strcspn(template, "/");
        } else if (*template ++ != *path++) {
            return false;
        }
    }
    return !*path || *path == '?' || *path == '#';
}

/* An absolute URL's path. */
static const char *path_of(const struct http_request *r)
{
    const char *host = r->url ? strstr(r->url, "://") : NULL;
    const char *path = host ? strchr(host + 3, '/') : r->path;
    return path ? path : "/";
}

const char *lms_endpoint(const struct lms_provider *p, const struct http_request *r)
{
    const char *method = http_method_name(r->method), *path = path_of(r);
    size_t n = strlen(method);
    for (size_t v = 0; v < sizeof vendors / sizeof vendors[0]; v++) {
        if (strcmp(vendors[v].vendor, p->name) != 0)
            continue;
        for (const char *const *e = vendors[v].endpoints; *e; e++)
            if (strncmp(*e, method, n) == 0 && (*e)[n] == ' ' && fits(*e + n + 1, path))
                return *e;
    }
    return "other";
}
