/* build.c — requests, made of what the vendors' files know. */
#include "lms/build.h"
#include "lms/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int build_request(struct http_request *out, enum http_method method, const char *fmt, ...)
{
    struct text path = {0};
    int rc = 0;
    va_list ap;

    *out = (struct http_request){0};
    va_start(ap, fmt);
    for (const char *at; (at = strstr(fmt, "{}")); fmt = at + 2) {
        const char *arg = va_arg(ap, const char *);
        if (!arg || !*arg || !strcmp(arg, ".") || !strcmp(arg, ".."))
            rc = -EINVAL;
        text_addn(&path, fmt, (size_t)(at - fmt));
        text_percent(&path, arg ? arg : "");
    }
    va_end(ap);
    text_add(&path, fmt);
    if (rc) {
        text_release(&path);
        return rc;
    }
    out->method = method;
    out->idempotent = method == HTTP_GET || method == HTTP_PUT || method == HTTP_DELETE;
    out->path = text_take(&path, NULL);
    return out->path ? 0 : -ENOMEM;
}

int build_body(struct http_request *r, json_t *body)
{
    struct text t = {0};
    if (!body)
        return -ENOMEM;
    text_json(&t, body, false);
    json_decref(body);
    r->body = text_take(&t, &r->body_len);
    r->content_type = "application/json";
    return r->body ? 0 : -ENOMEM;
}

struct http_request *build_step(struct lms_plan *p, const char *label)
{
    struct http_request *steps = realloc(p->steps, (p->n + 1) * sizeof *steps);
    if (!steps)
        return NULL;
    p->steps = steps;
    char **labels = realloc(p->labels, (p->n + 1) * sizeof *labels);
    if (!labels)
        return NULL;
    p->labels = labels;
    if (!(labels[p->n] = strdup(label)))
        return NULL;
    steps[p->n] = (struct http_request){0};
    return &steps[p->n++];
}

int build_step_body(struct lms_plan *p, const char *label, enum http_method method, const char *path, const char *key,
                    json_t *body)
{
    struct http_request *step = build_step(p, label);
    int rc = !step ? -ENOMEM : key ? build_request(step, method, path, key) : build_request(step, method, path);
    if (!rc)
        return build_body(step, body);
    json_decref(body);
    return rc;
}

json_t *build_options(const struct lms_save *s)
{
    return s->options ? json_deep_copy(s->options) : json_object();
}

int build_default(json_t *to, const struct lms_save *s, const char *name)
{
    json_t *value = json_object_get(s->defaults, name);
    return value && !json_object_get(to, name) && json_object_set(to, name, value) ? -ENOMEM : 0;
}

bool build_changed(const struct lms_save *s, const char *name)
{
    for (size_t i = 0; i < json_array_size(s->changed); i++) {
        const char *field = json_string_value(json_array_get(s->changed, i));
        if (field && !strcmp(field, name))
            return true;
    }
    return false;
}

const char *stem_after(const char *stem, const char *prefix)
{
    size_t n = strlen(prefix);
    return stem && !strncmp(stem, prefix, n) && stem[n] ? stem + n : NULL;
}

int build_told(int rc, struct err *e)
{
    return rc == -ENOMEM ? err_set(e, rc, "out of memory") : rc;
}

bool is_decimal(const char *s)
{
    size_t n = strspn(s, "0123456789");
    return n && !s[n] && n <= 19 && *s != '0';
}
