/* rows.c — one row that can't be represented must not spoil a page.
 *
 * jansson reads all or nothing. So when it refuses a page, the rows are cut apart lexically and each is read by itself.
 */
#include "lms/reply.h"
#include "lms/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct span {
    const char *s, *end;
};

static const char *skip_blank(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

/* p stands on the quote; NULL where the string doesn't end. */
static const char *skip_string(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '\\')
            p++;
        else if (*p == '"')
            return p + 1;
    }
    return NULL;
}

static const char *skip_brackets(const char *p, const char *end)
{
    size_t depth = 0;
    while (p && p < end) {
        char c = *p;
        if (c == '"') {
            p = skip_string(p, end);
            continue;
        }
        p++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && !--depth)
            return p;
    }
    return NULL;
}

/* Past one value, whatever it holds; NULL where there is none. */
static const char *skip_value(const char *p, const char *end)
{
    if (p >= end)
        return NULL;
    if (*p == '"')
        return skip_string(p, end);
    if (*p == '{' || *p == '[')
        return skip_brackets(p, end);
    const char *from = p;
    while (p < end && !strchr(",]} \t\r\n", *p))
        p++;
    return p > from ? p : NULL;
}

/* The value of an object's member, by its name as it is spelled in the text. */
static bool find_member(struct span object, const char *name, struct span *value)
{
    const char *p = skip_blank(object.s, object.end), *end = object.end;
    if (p >= end || *p != '{')
        return false;
    for (p = skip_blank(p + 1, end); p < end && *p == '"'; p = skip_blank(p + 1, end)) {
        struct span key = {p + 1, skip_string(p, end)};
        if (!key.end)
            return false;
        p = skip_blank(key.end--, end);
        if (p >= end || *p != ':')
            return false;
        value->s = skip_blank(p + 1, end);
        value->end = skip_value(value->s, end);
        if (!value->end)
            return false;
        if ((size_t)(key.end - key.s) == strlen(name) && !memcmp(key.s, name, strlen(name)))
            return true;
        p = skip_blank(value->end, end);
        if (p >= end || *p != ',')
            return false;
    }
    return false;
}

/* " (id 42)", if the row's text says so; control characters blanked. */
static void row_name(struct span row, const struct reply_shape *shape, char *buf, size_t size)
{
    struct span id, inner = row;
    buf[0] = '\0';
    if (shape->wrapper && !find_member(row, shape->wrapper, &inner))
        return;
    if (!find_member(inner, shape->id, &id) || id.end - id.s > 80)
        return;
    snprintf(buf, size, " (%s %.*s)", shape->id, (int)(id.end - id.s), id.s);
    for (char *p = buf; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
            *p = '?';
}

/* Is the text JSON by its grammar, only that we have no value for it? */
static bool is_unrepresentable(const json_error_t *why)
{
    switch (json_error_code(why)) {
    case json_error_numeric_overflow:
    case json_error_null_byte_in_key:
    case json_error_duplicate_key:
    case json_error_invalid_utf8:
    case json_error_stack_overflow:
        return true;
    default:
        return why->line < 0 || !strncmp(why->text, "invalid Unicode", 15);
    }
}

/* The row's key as the vendor's reader would take it: a plain number or a plain string; NULL for anything that would need reading. */
static char *row_key(struct span row, const struct reply_shape *shape)
{
    struct span id, inner = row;
    if (shape->wrapper && !find_member(row, shape->wrapper, &inner))
        return NULL;
    if (!find_member(inner, shape->id, &id))
        return NULL;
    if (*id.s == '"' && id.end - id.s > 2) {
        id.s++;
        id.end--;
    }
    for (const char *p = id.s; p < id.end; p++)
        if ((unsigned char)*p <= 0x20 || strchr("\\\"{[", *p))
            return NULL;
    return strndup(id.s, (size_t)(id.end - id.s));
}

static int add_spoiled(struct span row, const struct reply_shape *shape, struct reply_rows *out)
{
    char **grown = reallocarray(out->spoiled_keys, out->spoiled + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    out->spoiled_keys = grown;
    grown[out->spoiled++] = row_key(row, shape);
    return 0;
}

static int read_row(struct span row, size_t index, const struct reply_shape *shape, struct reply_rows *out, struct err *e)
{
    json_error_t why;
    json_t *value;
    char name[128];

    if (*row.s != '{')
        return err_set(e, -EPROTO, "row %zu of the reply's \"%s\" is not a JSON object", index + 1, shape->list);
    int rc = text_parse(row.s, (size_t)(row.end - row.s), TEXT_DEPTH, &value, &why);
    if (rc != -EINVAL)
        return rc || json_array_append_new(out->rows, value) ? -ENOMEM : 0;
    row_name(row, shape, name, sizeof name);
    char *quote = strstr(why.text, " near '");
    if (quote)
        *quote = '\0';
    if (!is_unrepresentable(&why))
        return err_set(e, -EPROTO, "row %zu%s of the reply's \"%s\" is not JSON: %s", index + 1, name, shape->list,
                       why.text);
    if (!out->spoiled)
        err_set(&out->spoiled_by, -EPROTO, "row %zu%s can't be represented: %s", index + 1, name, why.text);
    return add_spoiled(row, shape, out);
}

static int read_rows(struct span list, const struct reply_shape *shape, struct reply_rows *out, struct err *e)
{
    const char *p = skip_blank(list.s + 1, list.end);
    for (size_t i = 0; p < list.end && *p != ']'; i++) {
        struct span row = {p, skip_value(p, list.end)};
        if (!row.end)
            return err_set(e, -EPROTO, "the reply's \"%s\" breaks off in row %zu", shape->list, i + 1);
        int rc = read_row(row, i, shape, out, e);
        if (rc)
            return rc;
        p = skip_blank(row.end, list.end);
        bool comma = p < list.end && *p == ',';
        if (comma)
            p = skip_blank(p + 1, list.end);
        if (p >= list.end || comma == (*p == ']'))
            return err_set(e, -EPROTO, "the reply's \"%s\" is not JSON after row %zu", shape->list, i + 1);
    }
    return 0;
}

int rows_rescue(const struct http_reply *r, const struct reply_shape *shape, struct reply_rows *out, struct err *e)
{
    struct span list, body = {r->body, r->body + r->len};
    struct text frame = {0};
    json_error_t why;

    if (!find_member(body, shape->list, &list) || *list.s != '[')
        return -EPROTO; /* the caller has said what is wrong */
    text_addn(&frame, body.s, (size_t)(list.s - body.s));
    text_add(&frame, "[]");
    text_addn(&frame, list.end, (size_t)(body.end - list.end));
    int rc = frame.failed ? -ENOMEM : text_parse(frame.s, frame.len, TEXT_DEPTH, &out->reply, &why);
    text_release(&frame);
    if (rc)
        return rc == -EINVAL ? -EPROTO : rc;
    out->rows = json_object_get(out->reply, shape->list);
    rc = read_rows(list, shape, out, e);
    return !rc && !out->spoiled ? -EPROTO : rc; /* no row was to blame: the caller's reason stands */
}
