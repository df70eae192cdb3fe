/* What the tests of documents and vendors share: replies out of tests/data, requests and JSON to compare. */
#ifndef TEST_LMS_SUPPORT_H
#define TEST_LMS_SUPPORT_H

#include "lmsfs/doc.h"
#include "lmsfs/lms.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline char *read_data(const char *name, size_t *len)
{
    char path[512];
    snprintf(path, sizeof path, "tests/data/%s", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s can't be read", path);
    char *text = calloc(1, 65536);
    *len = fread(text, 1, 65535, f);
    fclose(f);
    return text;
}

static inline struct http_reply reply_of(int status, const char *body)
{
    return (struct http_reply){.status = status, .body = strdup(body), .len = strlen(body), .retry_after = -1};
}

static inline struct http_reply reply_data(int status, const char *name)
{
    struct http_reply r = {.status = status, .retry_after = -1};
    r.body = read_data(name, &r.len);
    return r;
}

/* JSON with ' for ", so that tests can be read. */
static inline json_t *json_of(const char *text)
{
    char *copy = strdup(text);
    json_error_t why;
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    json_t *value = json_loads(copy, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &why);
    if (!value)
        fail_msg("%s in %s", why.text, copy);
    free(copy);
    return value;
}

static inline json_t *json_data(const char *name)
{
    size_t len;
    char *text = read_data(name, &len);
    json_t *value = json_loadb(text, len, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    free(text);
    return value;
}

static inline char *printed(const json_t *value)
{
    char *text;
    size_t len;
    assert_int_equal(doc_print(value, &text, &len), 0);
    assert_int_equal(strlen(text), len);
    return text;
}

/* Steals `got`. */
static inline void assert_json_at(json_t *got, json_t *want, const char *file, int line)
{
    char *a = got ? printed(got) : strdup("nothing"), *b = printed(want);
    _assert_string_equal(a, b, file, line);
    free(a);
    free(b);
    json_decref(got);
    json_decref(want);
}
#define assert_json(got, text)    assert_json_at(got, json_of(text), __FILE__, __LINE__)
#define assert_json_is(got, want) assert_json_at(got, want, __FILE__, __LINE__)
#define assert_contains(text, part)                          \
    do {                                                     \
        if (!strstr(text, part))                             \
            fail_msg("\"%s\" is not in \"%s\"", part, text); \
    } while (0)
#define assert_ok(rc, e)                                 \
    do {                                                 \
        int rc_ = (rc);                                  \
        if (rc_)                                         \
            fail_msg("%s: %s", err_name(rc_), (e).text); \
    } while (0)

static inline json_t *body_of(const struct http_request *r)
{
    json_t *body = r->body ? json_loadb(r->body, r->body_len, JSON_DECODE_ANY, NULL) : NULL;
    assert_true(!r->body || !strcmp(r->content_type, "application/json"));
    return body;
}

static inline void assert_request(const struct http_request *r, enum http_method method, const char *path)
{
    assert_string_equal(http_method_name(r->method), http_method_name(method));
    assert_string_equal(r->path, path);
    assert_null(r->url);
}

/* One record through list or get, as the flows would take it. */
static inline struct lms_record get_record(const struct lms_provider *p, const char *collection, const char *stem,
                                           const char *file)
{
    struct lms_record record;
    struct err e = {0};
    const struct lms_collection *c = lms_collection(p, collection);
    struct http_reply r = reply_data(200, file);
    assert_ok(p->get_reply(c, NULL, stem, &r, &record, &e), e);
    http_reply_release(&r);
    assert_int_equal(doc_finish(c, record.doc, true), 0);
    return record;
}

/* A save as the flows do it: diff against the base, onto the current document, as requests. */
struct try_save {
    json_t *delta, *merged, *changed;
    struct lms_plan plan;
    struct err e;
    int rc;
};

static inline struct try_save try_save(const struct lms_provider *p, const char *collection, const char *parent,
                                       const char *key, const json_t *base, json_t *current, const json_t *saved)
{
    struct try_save t = {0};
    const struct lms_collection *c = lms_collection(p, collection);
    json_t *options = json_object_get(saved, "_options");
    t.rc = key ? doc_check_edit(c, current, saved, "2026-03-01", &t.e) : doc_check(c, saved, true, "2026-03-01", &t.e);
    if (!t.rc)
        t.rc = doc_diff(c, base, saved, &t.delta, &t.e);
    if (!t.rc)
        t.rc = doc_apply(c, base, current, t.delta, &t.merged, &t.changed, &t.e);
    if (!t.rc) {
        struct lms_save s = {
            .parent_key = parent, .key = key, .base = current, .merged = t.merged, .changed = t.changed, .options = options};
        t.rc = p->save(c, &s, &t.plan, &t.e);
    }
    return t;
}

static inline void try_release(struct try_save *t)
{
    json_decref(t->delta);
    json_decref(t->merged);
    json_decref(t->changed);
    lms_plan_release(&t->plan);
}

#endif
