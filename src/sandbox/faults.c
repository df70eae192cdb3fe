/* Failures to order: what goes wrong with which requests, and how often. */
#include "faults.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "request.h"

/* A fault stays the JSON it came as, with "hits" and "left" (-1 = for ever) kept beside it. */
struct faults {
    json_t *list;
};

static const struct {
    const char *key;
    json_type type;
} spec_keys[] = {
    {"path", JSON_STRING},
    {"count", JSON_INTEGER},
    {"status", JSON_INTEGER},
    {"content_type", JSON_STRING},
    {"headers", JSON_OBJECT},
    {"drop", JSON_TRUE},
    {"drop_after_effect", JSON_TRUE},
    {"delay_ms", JSON_INTEGER},
    {"malformed", JSON_TRUE},
    {"body_latin1", JSON_STRING},
};

struct faults *sb_faults_new(void)
{
    struct faults *f = sb_alloc(sizeof(*f));

    f->list = json_array();
    return f;
}

void sb_faults_free(struct faults *f)
{
    if (!f)
        return;
    json_decref(f->list);
    free(f);
}

static const char *check_key(const char *key, const json_t *value)
{
    if (strcmp(key, "body") == 0)
        return NULL;
    for (size_t i = 0; i < sizeof(spec_keys) / sizeof(*spec_keys); i++) {
        if (strcmp(spec_keys[i].key, key) != 0)
            continue;
        if (spec_keys[i].type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == spec_keys[i].type)
            return NULL;
        return "a fault's key has a value of the wrong type";
    }
    return "a fault has an unknown key";
}

const char *sb_faults_add(struct faults *f, const json_t *spec)
{
    const char *key, *wrong, *name;
    json_t *value, *text, *fault;
    json_int_t status = json_integer_value(json_object_get(spec, "status"));
    json_int_t count = json_integer_value(json_object_get(spec, "count"));

    json_object_foreach((json_t *)spec, key, value)
    {
        wrong = check_key(key, value);
        if (wrong)
            return wrong;
    }
    if (!json_object_get(spec, "path"))
        return "a fault needs a path such as \"GET /external/v1/users*\"";
    if (json_object_get(spec, "status") && (status < 200 || status > 599))
        return "a fault's status must be 200 to 599";
    json_object_foreach(json_object_get(spec, "headers"), name, text)
    {
        if (!json_is_string(text))
            return "a fault's headers must be strings";
    }
    fault = json_deep_copy(spec);
    json_object_set_new(fault, "hits", json_integer(0));
    json_object_set_new(fault, "left", json_integer(!json_object_get(spec, "count") ? 1 : count > 0 ? count : -1));
    json_array_append_new(f->list, fault);
    return NULL;
}

json_t *sb_faults_list(const struct faults *f)
{
    return json_deep_copy(f->list);
}

void sb_faults_clear(struct faults *f)
{
    json_array_clear(f->list);
}

static bool matches(const json_t *fault, const struct request *rq)
{
    struct buf line = {0};
    bool match;

    if (json_integer_value(json_object_get(fault, "left")) == 0)
        return false;
    sb_printf(&line, "%s %s", rq->method, rq->target);
    match = fnmatch(json_string_value(json_object_get(fault, "path")), line.data, 0) == 0;
    sb_release(&line);
    return match;
}

static void use_up(json_t *fault)
{
    json_int_t left = json_integer_value(json_object_get(fault, "left"));
    json_int_t hits = json_integer_value(json_object_get(fault, "hits"));

    json_object_set_new(fault, "hits", json_integer(hits + 1));
    if (left > 0)
        json_object_set_new(fault, "left", json_integer(left - 1));
}

/* The body of a made-up error when the fault has none: the vendor's own form. */
static void default_body(const struct request *rq, struct reply *rp, int status)
{
    bool hownow =
        rq->segment_count && (strcmp(rq->segments[0], "external") == 0 || strcmp(rq->segments[0], "token") == 0);
    const char *text = status == 429 ? "Reached maximum rate limit" : "Something went wrong";

    sb_reply_json(rp, status, json_pack("{s:s}", hownow ? "error_message" : "message", text));
}

/* Each character below U+0100 as one byte: what is no UTF-8 can be ordered in JSON too. */
static void bytes_body(struct reply *rp, int status, const char *text)
{
    rp->status = status;
    sb_release(&rp->body);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        char byte = (char)*c;
        if ((*c == 0xc2 || *c == 0xc3) && c[1]) {
            byte = (char)((*c & 3) << 6 | (c[1] & 0x3f));
            c++;
        }
        sb_add(&rp->body, &byte, 1);
    }
}

static void fill_reply(const json_t *fault, const struct request *rq, struct reply *rp)
{
    int status = (int)json_integer_value(json_object_get(fault, "status"));
    json_t *body = json_object_get(fault, "body");
    const char *type = json_string_value(json_object_get(fault, "content_type"));
    const char *name;
    json_t *value;

    if (json_object_get(fault, "body_latin1"))
        bytes_body(rp, status, json_string_value(json_object_get(fault, "body_latin1")));
    else if (!body)
        default_body(rq, rp, status);
    else if (json_is_string(body))
        sb_reply_text(rp, status, json_string_value(body));
    else
        sb_reply_json(rp, status, json_incref(body));
    if (type)
        rp->type = rp->own_type = sb_strdup(type);
    json_object_foreach(json_object_get(fault, "headers"), name, value)
    {
        sb_reply_header(rp, name, json_string_value(value));
    }
}

enum fault_stage sb_faults_take(struct faults *f, const struct request *rq, struct reply *rp, const json_t **which)
{
    json_t *fault;
    size_t i;

    json_array_foreach(f->list, i, fault)
    {
        if (!matches(fault, rq))
            continue;
        use_up(fault);
        *which = fault;
        rp->delay_ms += (unsigned)json_integer_value(json_object_get(fault, "delay_ms"));
        if (json_is_true(json_object_get(fault, "drop"))) {
            rp->status = 0;
            return FAULT_INSTEAD;
        }
        if (!json_object_get(fault, "status"))
            return FAULT_AFTER;
        fill_reply(fault, rq, rp);
        if (json_is_true(json_object_get(fault, "malformed")))
            sb_fault_spoil(fault, rp);
        return FAULT_INSTEAD;
    }
    return FAULT_NONE;
}

void sb_fault_spoil(const json_t *which, struct reply *rp)
{
    if (json_is_true(json_object_get(which, "drop_after_effect")))
        rp->status = 0;
    if (json_is_true(json_object_get(which, "malformed")))
        sb_truncate(&rp->body, rp->body.len / 2);
}
