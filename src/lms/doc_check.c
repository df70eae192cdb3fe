/* doc_check.c — the API's published constraints, before the wire. */
#include "lms/doc_value.h"
#include "lms/text.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static size_t code_points(const char *s, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)s[i] & 0xc0) != 0x80;
    return n;
}

/* The number that n digits make; -1 where one of them is none. */
static int number(const char *s, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        value = value * 10 + (s[i] - '0');
    }
    return value;
}

bool doc_is_date(const char *s)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (strlen(s) != 10 || s[4] != '-' || s[7] != '-')
        return false;
    int year = number(s, 4), month = number(s + 5, 2), day = number(s + 8, 2);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1 || month < 1 || month > 12)
        return false;
    return day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

static int check_date(const struct lms_field *f, const char *s, const char *today, struct err *e)
{
    if (!doc_is_date(s))
        return err_set(e, -EINVAL, "%s must be a date as YYYY-MM-DD", f->name);
    if ((f->flags & LMS_NO_FUTURE) && today && strcmp(s, today) > 0)
        return err_set(e, -EINVAL, "%s can't lie in the future (today is %s, UTC)", f->name, today);
    return 0;
}

static int check_word(const struct lms_field *f, const char *s, struct err *e)
{
    char words[256] = "";
    size_t n = 0;
    for (size_t i = 0; f->oneof[i]; i++) {
        if (!(f->flags & LMS_NOCASE ? strcasecmp(f->oneof[i], s) : strcmp(f->oneof[i], s)))
            return 0;
        int more = snprintf(words + n, sizeof words - n, "%s%s", i ? ", " : "", f->oneof[i]);
        if (more < 0 || (size_t)more >= sizeof words - n)
            break;
        n += (size_t)more;
    }
    return err_set(e, -EINVAL, "%s must be one of: %s", f->name, words);
}

static int check_pattern(const struct lms_field *f, const char *s, struct err *e)
{
    regex_t re;
    if (regcomp(&re, f->pattern, REG_EXTENDED | REG_NOSUB))
        return err_set(e, -ENOMEM, "%s: its pattern can't be compiled", f->name);
    int miss = regexec(&re, s, 0, NULL, 0);
    regfree(&re);
    if (miss)
        return err_set(e, -EINVAL, "%s isn't of the form that the API takes (%s)", f->name, f->pattern);
    return 0;
}

static int masked(const struct lms_field *f, struct err *e)
{
    return err_set(e, -EINVAL, "%s is the mask that lmsfs shows in its place, not a value", f->name);
}

static int check_string(const struct lms_field *f, const json_t *value, const char *today, struct err *e)
{
    const char *s = json_string_value(value);
    size_t len = json_string_length(value);

    if (!len && (f->flags & LMS_REQUIRED))
        return err_set(e, -EINVAL, "%s can't be empty", f->name);
    if (f->max_len && code_points(s, len) > f->max_len)
        return err_set(e, -EINVAL, "%s has %zu characters; at most %u are allowed", f->name, code_points(s, len),
                       f->max_len);
    if ((f->pattern || f->oneof || f->type == LMS_DATE) && strlen(s) != len)
        return err_set(e, -EINVAL, "%s holds a NUL character", f->name);
    if ((f->flags & (LMS_SECRET | LMS_PRIVATE)) && !strcmp(s, DOC_MASK))
        return masked(f, e);
    if (f->type == LMS_DATE)
        return check_date(f, s, today, e);
    if (f->oneof)
        return check_word(f, s, e);
    return f->pattern ? check_pattern(f, s, e) : 0;
}

static int check_keyed_array(const struct lms_field *f, const json_t *value, struct err *e)
{
    json_t *seen = NULL;
    char buf[DOC_KEY_LEN];
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *element = json_array_get(value, i);
        if (*f->keyed_by ? !json_is_object(element) : !json_is_string(element))
            return err_set(e, -EINVAL, "%s[%zu] must be %s", f->name, i, *f->keyed_by ? "an object" : "a string");
        if (!doc_element_key(f, element, buf))
            return err_set(e, -EINVAL, "%s[%zu] has no %s", f->name, i, *f->keyed_by ? f->keyed_by : "text");
        if ((f->flags & LMS_PRIVATE) && json_is_string(element) && !strcmp(json_string_value(element), DOC_MASK))
            return masked(f, e);
    }
    int rc = doc_by_key(f, value, &seen);
    json_decref(seen);
    return rc == -EINVAL ? err_set(e, rc, "%s holds %s twice", f->name, *f->keyed_by ? f->keyed_by : "the same") : rc;
}

static bool has_type(enum lms_type type, const json_t *value)
{
    switch (type) {
    case LMS_STRING:
    case LMS_DATE:
        return json_is_string(value);
    case LMS_INTEGER:
        return json_is_integer(value);
    case LMS_NUMBER:
        return json_is_number(value);
    case LMS_BOOLEAN:
        return json_is_boolean(value);
    case LMS_OBJECT:
        return json_is_object(value);
    case LMS_ARRAY:
        return json_is_array(value);
    case LMS_ANY:
        return true;
    }
    return false;
}

static int check_field(const struct lms_field *f, const json_t *value, const char *today, struct err *e)
{
    static const char *const names[] = {
        [LMS_STRING] = "a string", [LMS_INTEGER] = "a whole number",
        [LMS_NUMBER] = "a number", [LMS_BOOLEAN] = "true or false",
        [LMS_DATE] = "a date",     [LMS_OBJECT] = "an object",
        [LMS_ARRAY] = "an array",  [LMS_ANY] = "anything",
    };
    if (json_is_null(value)) /* clears; whether that can be is seen once it is known what is there */
        return f->flags & LMS_REQUIRED ? err_set(e, -EINVAL, "%s can't be empty", f->name) : 0;
    if (!has_type(f->type, value))
        return err_set(e, -EINVAL, "%s must be %s", f->name, names[f->type]);
    if (json_is_string(value))
        return check_string(f, value, today, e);
    if (f->type == LMS_ARRAY && f->keyed_by)
        return check_keyed_array(f, value, e);
    return 0;
}

static int check_options(const struct lms_collection *c, const json_t *options, struct err *e)
{
    const char *key;
    json_t *value;
    if (!json_is_object(options))
        return err_set(e, -EINVAL, "_options must be an object");
    json_object_foreach((json_t *)options, key, value)
    {
        size_t i = 0;
        (void)value;
        while (c->options && c->options[i] && strcmp(c->options[i], key) != 0)
            i++;
        if (!c->options || !c->options[i])
            return err_set(e, -EINVAL, "_options.%.80s is unknown: %s take no such option", key, c->name);
    }
    return 0;
}

static unsigned depth_of(const json_t *value)
{
    unsigned deepest = 0, d;
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)value, key, member)
    {
        if ((d = depth_of(member)) > deepest)
            deepest = d;
    }
    for (size_t i = 0; i < json_array_size(value); i++)
        if ((d = depth_of(json_array_get(value, i))) > deepest)
            deepest = d;
    return json_is_object(value) || json_is_array(value) ? deepest + 1 : 0;
}

static int check_required(const struct lms_collection *c, const json_t *doc, struct err *e)
{
    for (const struct lms_field *f = c->fields; f->name; f++)
        if ((f->flags & LMS_REQUIRED) && !doc_value(doc, f->name))
            return err_set(e, -EINVAL, "%s is missing; a new record needs it", f->name);
    return 0;
}

/* base: values that are the same there need no check; NULL checks everything. */
static int check(const struct lms_collection *c, const json_t *base, const json_t *doc, bool create, const char *today,
                 struct err *e)
{
    const char *key;
    json_t *value;
    int rc;

    if (!json_is_object(doc))
        return err_set(e, -EINVAL, "the document must be a JSON object");
    if (!c->fields)
        return err_set(e, -EINVAL, "%s are read-only", c->name);
    if (depth_of(doc) > TEXT_DEPTH)
        return err_set(e, -EINVAL, "the document is nested deeper than %d levels", TEXT_DEPTH);
    json_object_foreach((json_t *)doc, key, value)
    {
        const struct lms_field *f = doc_field(c, key);
        if (f && base && doc_same(f, json_object_get(base, key), value))
            rc = 0;
        else if (f)
            rc = check_field(f, value, today, e);
        else if (!strcmp(key, "_options"))
            rc = check_options(c, value, e);
        else if (!strcmp(key, "_readonly"))
            rc = json_is_object(value) ? 0 : err_set(e, -EINVAL, "_readonly must be an object");
        else
            rc = doc_no_field(c, key, e);
        if (rc)
            return rc;
    }
    return create ? check_required(c, doc, e) : 0;
}

int doc_check(const struct lms_collection *c, const json_t *doc, bool create, const char *today, struct err *e)
{
    return check(c, NULL, doc, create, today, e);
}

int doc_check_edit(const struct lms_collection *c, const json_t *base, const json_t *doc, const char *today,
                   struct err *e)
{
    return check(c, base, doc, false, today, e);
}
