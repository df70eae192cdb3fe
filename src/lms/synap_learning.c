/* synap_learning.c — learning records: multipart/form-data, a part a field, attributes as attr[name]. */
#include "lms/synap.h"
#include "lms/build.h"
#include "lms/doc_value.h"
#include "lms/text.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A part's value is text: numbers and booleans as JSON has them. */
static int add_part(struct http_request *r, const char *name, const json_t *value, struct err *e)
{
    struct text t = {0};
    if (json_is_string(value)) {
        if (strlen(json_string_value(value)) != json_string_length(value))
            return err_set(e, -EINVAL, "%.80s holds a NUL character, which a form can't", name);
        return http_request_part(r, name, json_string_value(value));
    }
    if (!json_is_number(value) && !json_is_boolean(value))
        return err_set(e, -EINVAL, "%.80s must be a string, a number, true or false", name);
    text_json(&t, value, false);
    char *s = text_take(&t, NULL);
    int rc = s ? http_request_part(r, name, s) : -ENOMEM;
    free(s);
    return rc;
}

/* The name becomes part of a header, between brackets and quotes. */
static bool is_part_name(const char *s)
{
    for (const char *p = s; *p; p++)
        if ((unsigned char)*p < 0x20 || strchr("[]\"\\\x7f", *p))
            return false;
    return *s;
}

static int add_attr(struct http_request *r, const char *name, const json_t *value, struct err *e)
{
    struct text part = {0};
    if (synap_is_file(value))
        return err_set(e, -EINVAL, "attr.%.80s is a file, and files can't be changed in the document", name);
    if (!is_part_name(name))
        return err_set(e, -EINVAL, "attr has a name that a form can't carry");
    text_add(&part, "attr[");
    text_add(&part, name);
    text_add(&part, "]");
    char *s = text_take(&part, NULL);
    int rc = s ? add_part(r, s, value, e) : -ENOMEM;
    free(s);
    return rc;
}

static int add_attrs(const struct lms_save *s, struct http_request *r, struct err *e)
{
    json_t *now = doc_value(s->merged, "attr"), *before = doc_value(s->base, "attr"), *value;
    const char *name;
    int rc = 0;

    json_object_foreach(before, name, value)
    {
        const json_t *there = doc_value(now, name);
        if (json_is_null(value) || doc_equal(value, there))
            continue;
        if (synap_is_file(value))
            return err_set(e, -EINVAL, "attr.%.80s is a file, and files can't be changed in the document", name);
        if (!there)
            return err_set(e, -EINVAL, "attr.%.80s can't be cleared: Synap documents no way to", name);
    }
    json_object_foreach(now, name, value)
    {
        if (!rc && !json_is_null(value) && !doc_equal(value, json_object_get(before, name)))
            rc = add_attr(r, name, value, e);
    }
    return rc;
}

static int add_fields(const struct lms_collection *c, const struct lms_save *s, struct http_request *r, struct err *e)
{
    int rc = 0;
    for (const struct lms_field *f = c->fields; !rc && f->name; f++) {
        const json_t *value = doc_value(s->merged, f->name);
        if (!build_changed(s, f->name))
            continue;
        if (!strcmp(f->name, "attr"))
            rc = add_attrs(s, r, e);
        else if (value)
            rc = add_part(r, f->name, value, e);
        else if (s->key)
            rc = err_set(e, -EINVAL, "%s can't be cleared: Synap documents no way to", f->name);
    }
    return rc;
}

int synap_save_learning(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e)
{
    if (s->key && !json_array_size(s->changed))
        return 0;
    if (!s->parent_key)
        return err_set(e, -EINVAL, "a learning record belongs to a user, and none is given");
    if (!s->key && !doc_value(s->merged, "name"))
        return err_set(e, -EINVAL, "name is missing; a new learning record needs it");
    struct http_request *step = build_step(out, "the learning record");
    if (!step)
        return -ENOMEM;
    int rc = s->key ? build_request(step, HTTP_PATCH, "/learning-records/{}", s->key)
                    : build_request(step, HTTP_POST, "/learning-records");
    if (rc)
        return rc == -EINVAL ? err_set(e, rc, "that can't be the id of a record") : rc;
    step->idempotent = s->key; /* a PATCH here only sets values */
    rc = http_request_part(step, "userId", s->parent_key);
    return rc ? rc : add_fields(c, s, step, e);
}

int synap_file_request(const struct lms_collection *c, const char *parent_key, const char *key, const char *name,
                       struct http_request *out, struct err *e)
{
    struct text part = {0}, file = {0};
    *out = (struct http_request){0};
    if (!c->files || !parent_key || !key)
        return err_set(e, -EINVAL, "%s have no files", c->name);
    if (!is_part_name(name))
        return err_set(e, -EINVAL, "attr has a name that a form can't carry");
    int rc = build_request(out, HTTP_PATCH, "/learning-records/{}", key);
    if (!rc)
        rc = http_request_part(out, "userId", parent_key);
    text_addf(&part, "attr[%s]", name);
    text_addf(&file, "%s%s", name, c->files->suffix);
    out->file = (struct http_file){
        .part = text_take(&part, NULL), .name = text_take(&file, NULL), .type = "application/pdf", .fd = -1};
    if (!rc && (!out->file.part || !out->file.name))
        rc = -ENOMEM;
    out->idempotent = true; /* it sets a value */
    if (rc)
        http_request_release(out);
    return build_told(rc, e);
}
