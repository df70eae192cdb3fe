/* doc_print.c — the one way in which JSON is written here.
 *
 * Not json_dumps: that prints reals with 17 digits, so that 71.1 came back as 71.099999999999994.
 */
#include "lms/text.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_escaped(struct text *t, unsigned char c)
{
    static const char names[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = c ? strchr(names, c) : NULL;
    if (at)
        text_addn(t, (char[]){'\\', letters[at - names]}, 2);
    else
        text_addf(t, "\\u%04x", c);
}

static void print_string(struct text *t, const char *s, size_t len)
{
    size_t from = 0;
    text_addc(t, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        text_addn(t, s + from, i - from);
        print_escaped(t, c);
        from = i + 1;
    }
    text_addn(t, s + from, len - from);
    text_addc(t, '"');
}

/* 15 digits always survive the way through a double, so they are tried first; only numbers near zero, which have fewer than
 * that, need the search from 1. */
static void print_real(struct text *t, double v)
{
    char s[40];
    for (int digits = fabs(v) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        snprintf(s, sizeof s, "%.*g", digits, v);
        if (strtod(s, NULL) == v)
            break;
    }
    char *comma = strchr(s, ','); /* a locale may have put it there */
    if (comma)
        *comma = '.';
    text_add(t, s);
    if (!strpbrk(s, ".e"))
        text_add(t, ".0");
}

static void print_line(struct text *t, bool pretty, unsigned level)
{
    static const char blanks[] = "                                ";
    if (!pretty)
        return;
    text_addc(t, '\n');
    for (size_t n = (size_t)level * 2; n;) {
        size_t part = n < sizeof blanks - 1 ? n : sizeof blanks - 1;
        text_addn(t, blanks, part);
        n -= part;
    }
}

static void print_value(struct text *t, const json_t *value, bool pretty, unsigned level);

static void print_object(struct text *t, const json_t *object, bool pretty, unsigned level)
{
    const char *key;
    json_t *value;
    bool first = true;

    text_addc(t, '{');
    json_object_foreach((json_t *)object, key, value)
    {
        if (!first)
            text_addc(t, ',');
        first = false;
        print_line(t, pretty, level + 1);
        print_string(t, key, strlen(key));
        text_addn(t, ": ", pretty ? 2 : 1);
        print_value(t, value, pretty, level + 1);
    }
    if (!first)
        print_line(t, pretty, level);
    text_addc(t, '}');
}

static void print_array(struct text *t, const json_t *array, bool pretty, unsigned level)
{
    size_t n = json_array_size(array);
    text_addc(t, '[');
    for (size_t i = 0; i < n; i++) {
        if (i)
            text_addc(t, ',');
        print_line(t, pretty, level + 1);
        print_value(t, json_array_get(array, i), pretty, level + 1);
    }
    if (n)
        print_line(t, pretty, level);
    text_addc(t, ']');
}

static void print_value(struct text *t, const json_t *value, bool pretty, unsigned level)
{
    char number[24];
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        print_object(t, value, pretty, level);
        break;
    case JSON_ARRAY:
        print_array(t, value, pretty, level);
        break;
    case JSON_STRING:
        print_string(t, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        text_add(t, number);
        break;
    case JSON_REAL:
        print_real(t, json_real_value(value));
        break;
    case JSON_TRUE:
        text_add(t, "true");
        break;
    case JSON_FALSE:
        text_add(t, "false");
        break;
    case JSON_NULL:
        text_add(t, "null");
        break;
    }
}

void text_json(struct text *t, const json_t *value, bool pretty)
{
    print_value(t, value, pretty, 0);
    if (pretty)
        text_addc(t, '\n');
}

int doc_print(const json_t *doc, char **out, size_t *len)
{
    struct text t = {0};
    text_json(&t, doc, true);
    *out = text_take(&t, len);
    return *out ? 0 : -ENOMEM;
}
