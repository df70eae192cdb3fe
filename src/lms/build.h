/* build.h — requests, made of what the vendors' files know. Internal to lms/. */
#ifndef LMS_BUILD_H
#define LMS_BUILD_H

#include "lmsfs/lms.h"

/* A request to a path made of `fmt`, in which each {} stands for one more `const char *`, percent-encoded:
 *     build_request(out, HTTP_GET, "/users/{}", key)
 * GET, PUT and DELETE are marked idempotent (RFC 9110 §9.2.2). -EINVAL for an argument that is empty, "." or "..", which as a
 * path segment would name something else; *out is zeroed by every failure. */
int build_request(struct http_request *out, enum http_method method, const char *fmt, ...);
/* The body as compact JSON. Takes over `body` (NULL is -ENOMEM). */
int build_body(struct http_request *r, json_t *body);

/* One more step of a plan, with its label; zeroed, owned by the plan. NULL when memory ran out. */
struct http_request *build_step(struct lms_plan *p, const char *label);
/* The same with its request and its body, which it takes over; `key` stands for the path's {}, NULL where it has none. */
int build_step_body(struct lms_plan *p, const char *label, enum http_method method, const char *path, const char *key,
                    json_t *body);

/* Is `name` among the changed fields of a save? */
bool build_changed(const struct lms_save *s, const char *name);

/* A copy of the save's `_options`, for build_default to fill up. New reference; NULL: no memory. */
json_t *build_options(const struct lms_save *s);
/* Sets the option in `to` to the configuration's, if there is one and `to` says nothing of it, not even null. 0 or -ENOMEM. */
int build_default(json_t *to, const struct lms_save *s, const char *name);

/* "ID-5" and prefix "ID-" → "5"; NULL where the stem has another prefix or nothing after it. */
const char *stem_after(const char *stem, const char *prefix);
bool is_decimal(const char *s); /* a positive whole number of at most 19 digits */

/* Says "out of memory" where rc is -ENOMEM, so that the helpers needn't. Returns rc. */
int build_told(int rc, struct err *e);

#endif
