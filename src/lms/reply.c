/* reply.c — reading what a server answered, trusting none of it. */
#include "lms/reply.h"
#include "lms/doc_value.h"
#include "lms/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

int reply_ok(const struct http_reply *r, struct err *e)
{
    char words[256];
    int rc = lms_status_errno(r->status);
    if (!rc)
        return 0;
    lms_error_text(r, words, sizeof words);
    return err_set(e, rc, "%s", words);
}

static int not_json(const struct http_reply *r, const json_error_t *why, struct err *e)
{
    size_t i = 0;
    while (i < r->len && r->body[i] && strchr(" \t\r\n", r->body[i]))
        i++;
    if (i == r->len)
        return err_set(e, -EPROTO, "the reply's body is empty");
    if (r->body[i] == '<')
        return err_set(e, -EPROTO, "the reply is HTML or XML, not the API's JSON");
    char text[JSON_ERROR_TEXT_LENGTH];
    snprintf(text, sizeof text, "%s", why->text);
    char *quote = strstr(text, " near '"); /* it may be somebody's data */
    if (quote)
        *quote = '\0';
    if (why->line < 0)
        return err_set(e, -EPROTO, "the reply is not JSON that can be read: %s", text);
    return err_set(e, -EPROTO, "the reply is not JSON: line %d, column %d: %s", why->line, why->column, text);
}

int reply_object(const struct http_reply *r, json_t **out, struct err *e)
{
    json_error_t why = {0};
    int rc = reply_ok(r, e);

    *out = NULL;
    if (rc)
        return rc;
    if (!r->body)
        return err_set(e, -EPROTO, "the reply's body is empty");
    rc = text_parse(r->body, r->len, TEXT_DEPTH, out, &why);
    if (rc)
        return rc == -ENOMEM ? err_set(e, rc, "out of memory") : not_json(r, &why, e);
    if (json_is_object(*out))
        return 0;
    json_decref(*out);
    *out = NULL;
    return err_set(e, -EPROTO, "the reply is not a JSON object");
}

/* ------------------------------------------------------------------ lists */

int reply_rows(const struct http_reply *r, const struct reply_shape *shape, unsigned max, struct reply_rows *out,
               struct err *e)
{
    *out = (struct reply_rows){0};
    int rc = reply_object(r, &out->reply, e);
    if (!rc) {
        out->rows = json_object_get(out->reply, shape->list);
        if (!json_is_array(out->rows))
            rc = err_set(e, -EPROTO, "the reply has no array \"%s\"", shape->list);
    } else if (rc == -EPROTO && r->body && r->len) {
        rc = rows_rescue(r, shape, out, e);
    }
    if (!rc && json_array_size(out->rows) + out->spoiled > max)
        rc = err_set(e, -EPROTO, "the page has %zu rows, more than the %u that were asked for",
                     json_array_size(out->rows) + out->spoiled, max);
    if (rc)
        reply_rows_release(out);
    return rc;
}

void reply_rows_release(struct reply_rows *rows)
{
    json_decref(rows->reply);
    for (size_t i = 0; rows->spoiled_keys && i < rows->spoiled; i++)
        free(rows->spoiled_keys[i]);
    free(rows->spoiled_keys);
    *rows = (struct reply_rows){0};
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const struct lms_record *const *)a)->key, (*(const struct lms_record *const *)b)->key);
}

static int check_doubles(const struct lms_page *p, struct err *e)
{
    if (p->rows_n < 2)
        return 0;
    const struct lms_record **sorted = malloc(p->rows_n * sizeof(struct lms_record *));
    int rc = sorted ? 0 : -ENOMEM;
    for (size_t i = 0; !rc && i < p->rows_n; i++)
        sorted[i] = &p->rows[i];
    if (!rc)
        qsort(sorted, p->rows_n, sizeof *sorted, by_key);
    for (size_t i = 1; !rc && i < p->rows_n; i++)
        if (!by_key(&sorted[i - 1], &sorted[i]))
            rc = err_set(e, -EPROTO, "the page has the id %.200s twice", sorted[i]->key);
    free(sorted);
    return rc;
}

static int read_record(const struct lms_collection *c, json_t *row, const struct reply_shape *shape,
                       reply_record *record, struct lms_record *out, struct err *e)
{
    if (shape->wrapper)
        row = json_object_get(row, shape->wrapper);
    if (!json_is_object(row))
        return err_set(e, -EPROTO, "it is not an object%s%s", shape->wrapper ? " in a member " : "",
                       shape->wrapper ? shape->wrapper : "");
    return record(c, row, out, e);
}

int reply_page(const struct lms_collection *c, struct reply_rows *rows, const struct reply_shape *shape, int64_t total,
               reply_record *record, struct lms_page *out, struct err *e)
{
    size_t n = json_array_size(rows->rows);
    int rc = 0;

    *out = (struct lms_page){
        .total = total, .spoiled = rows->spoiled, .spoiled_by = rows->spoiled_by, .spoiled_keys = rows->spoiled_keys};
    rows->spoiled_keys = NULL;
    if (n && !(out->rows = calloc(n, sizeof *out->rows)))
        rc = -ENOMEM;
    for (size_t i = 0; !rc && i < n; i++) {
        rc = read_record(c, json_array_get(rows->rows, i), shape, record, &out->rows[i], e);
        if (rc)
            err_prefix(e, "row %zu of %s", i + 1, c->name);
        else
            out->rows_n++;
    }
    if (!rc)
        rc = check_doubles(out, e);
    reply_rows_release(rows);
    if (rc)
        lms_page_release(out);
    return rc == -ENOMEM ? err_set(e, rc, "out of memory") : rc;
}

/* ------------------------------------------------------------------ members */

int reply_text(const json_t *object, const char *name, const char **out, struct err *e)
{
    const json_t *value = json_object_get(object, name);
    *out = NULL;
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_string(value))
        return err_set(e, -EPROTO, "\"%s\" is not a string", name);
    if (strlen(json_string_value(value)) == json_string_length(value))
        *out = json_string_value(value);
    return 0;
}

int reply_id(const json_t *object, const char *name, char **out, struct err *e)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value) || json_integer_value(value) <= 0)
        return err_set(e, -EPROTO, "\"%s\" is not a positive whole number", name);
    if (asprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value)) < 0) {
        *out = NULL;
        return -ENOMEM;
    }
    return 0;
}

int reply_name(const json_t *object, const char *name, char **out, struct err *e)
{
    const char *s = json_string_value(json_object_get(object, name));
    if (!s || !*s)
        return err_set(e, -EPROTO, "\"%s\" is not a string that names a record", name);
    if (strlen(s) != json_string_length(json_object_get(object, name)) || !strcmp(s, ".") || !strcmp(s, ".."))
        return err_set(e, -EPROTO, "\"%s\" can't be the id of a record", name);
    return (*out = strdup(s)) ? 0 : -ENOMEM;
}

int reply_count(const json_t *object, const char *name, int64_t *out, struct err *e)
{
    const json_t *value = json_object_get(object, name);
    *out = -1;
    if (!value || json_is_null(value))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return err_set(e, -EPROTO, "\"%s\" is not a whole number from 0", name);
    *out = json_integer_value(value);
    return 0;
}

char *reply_dup(const char *s, int *rc)
{
    char *copy = s ? strdup(s) : NULL;
    if (s && !copy)
        *rc = -ENOMEM;
    return copy;
}

int reply_job(const json_t *reply, const char *name, char **out, struct err *e)
{
    const char *id;
    int rc = reply_text(reply, name, &id, e);

    *out = NULL;
    if (rc || !json_object_get(reply, name))
        return rc;
    size_t n = id ? strlen(id) : 0;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)id[i] <= 0x20 || id[i] == 0x7f)
            n = 0;
    if (!n || n > 200 || !strcmp(id, ".") || !strcmp(id, ".."))
        return err_set(e, -EPROTO, "the save was accepted with a %s that can't be one", name);
    *out = reply_dup(id, &rc);
    return rc;
}

int64_t reply_time(const json_t *value)
{
    const char *s = json_string_value(value);
    struct tm tm = {0};
    char zone = 0, colon = 0;
    int used = 0, hours, minutes;

    if (!s || sscanf(s, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
                     &tm.tm_sec, &used) != 6)
        return 0;
    if (tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour < 0 ||
        tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60)
        return 0;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    int64_t t = timegm(&tm);
    s += used;
    if (*s == '.')
        s += 1 + strspn(s + 1, "0123456789");
    if (!strcmp(s, "Z"))
        return t;
    if (sscanf(s, "%c%2d%c%2d%n", &zone, &hours, &colon, &minutes, &used) != 4 || s[used] || colon != ':' ||
        (zone != '+' && zone != '-') || hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return 0;
    return t - (zone == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
}

/* ------------------------------------------------------------------ signed URLs */

static bool signs(const char *name, size_t len)
{
    static const char *const starts[] = {"X-Amz-", "X-Goog-", "X-Oss-"};
    static const char *const names[] = {"Signature",      "Expires",        "sig",
                                        "AWSAccessKeyId", "GoogleAccessId", "Key-Pair-Id"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (len > strlen(starts[i]) && !strncasecmp(name, starts[i], strlen(starts[i])))
            return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (len == strlen(names[i]) && !strncasecmp(name, names[i], len))
            return true;
    return false;
}

/* How much of a URL stays: all of it, or what stands before a query that signs it. */
static size_t unsigned_part(const char *url)
{
    const char *query = strchr(url, '?');
    if (!query || (strncasecmp(url, "https://", 8) != 0 && strncasecmp(url, "http://", 7) != 0))
        return strlen(url);
    for (const char *p = query; *p; p += strcspn(p, "&")) {
        p++;
        if (signs(p, strcspn(p, "=&")))
            return (size_t)(query - url);
    }
    return strlen(url);
}

bool reply_is_signed(const json_t *value)
{
    const char *s = json_string_value(value);
    return s && strlen(s) == json_string_length(value) && unsigned_part(s) < strlen(s);
}

int reply_unsign(json_t *value)
{
    const char *key;
    json_t *member;
    int rc = 0;

    if (json_is_string(value)) {
        const char *s = json_string_value(value);
        size_t n = strlen(s) == json_string_length(value) ? unsigned_part(s) : json_string_length(value);
        if (n == json_string_length(value))
            return 0;
        char *kept = strndup(s, n);
        rc = kept && !json_string_set(value, kept) ? 0 : -ENOMEM;
        free(kept);
    }
    json_object_foreach(value, key, member)
    {
        rc = rc ? rc : reply_unsign(member);
    }
    for (size_t i = 0; !rc && i < json_array_size(value); i++)
        rc = reply_unsign(json_array_get(value, i));
    return rc;
}

int reply_keep(json_t *readonly, const char *name, json_t *value)
{
    char renamed[32];
    if (doc_is_ours(name)) {
        snprintf(renamed, sizeof renamed, "reply.%s", name);
        name = renamed;
    }
    return json_object_set(readonly, name, value) ? -ENOMEM : 0;
}
