/* endpoints.c — which endpoint of the vendor's documentation a request is for: what counts and times are kept by.
 *
 * A path holds people's ids, and a metric's label must hold none. So requests are named by the documentation's own lines, and what fits none
 * of them is "other". */
#include "lms/vendors.h"

#include <string.h>

/* Does the path, up to its query, fit the form? */
static bool fits(const char *form, const char *path)
{
    while (*form) {
        if (*form == ':') {
            size_t n = strcspn(path, "/?#");
            if (!n)
                return false;
            path += n;
            form += strcspn(form, "/");
        } else if (*form++ != *path++) {
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
    for (const char *const *e = p->endpoints; e && *e; e++)
        if (strncmp(*e, method, n) == 0 && (*e)[n] == ' ' && fits(*e + n + 1, path))
            return *e;
    return "other";
}
