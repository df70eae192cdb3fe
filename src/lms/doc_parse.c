/* doc_parse.c — JSON from outside: a person's file, a vendor's reply. */
#include "lms/text.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PARSE_DEPTH 64

/* How deep brackets nest, before jansson recurses into them. Brackets in strings don't count; whether they match is jansson's
 * to say. */
static unsigned nesting(const char *s, size_t len)
{
    unsigned depth = 0, deepest = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > deepest)
                deepest = depth;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return deepest;
}

int text_parse(const char *s, size_t len, unsigned max_depth, json_t **out, json_error_t *why)
{
    *out = NULL;
    if (nesting(s, len) > max_depth) {
        *why = (json_error_t){.line = -1, .column = -1};
        snprintf(why->text, sizeof why->text, "nested deeper than %u levels", max_depth);
        return -EINVAL;
    }
    *out = json_loadb(s, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, why);
    if (*out)
        return 0;
    return why->text[0] ? -EINVAL : -ENOMEM; /* jansson says nothing when memory runs out */
}

/* jansson quotes the text near the mistake, and that may be a password; only the name of a doubled member is worth it. */
static void without_quote(json_error_t *why)
{
    char *near = strstr(why->text, " near '");
    if (near && json_error_code(why) != json_error_duplicate_key)
        *near = '\0';
}

int doc_parse(const char *text, size_t len, size_t max, json_t **out, struct err *e)
{
    json_error_t why;

    *out = NULL;
    if (len > max)
        return err_set(e, -EFBIG, "the document has %zu bytes; at most %zu are taken", len, max);
    size_t blank = 0;
    while (blank < len && strchr(" \t\r\n", text[blank]) && text[blank])
        blank++;
    if (blank == len)
        return err_set(e, -ENODATA, "the document is empty");
    int rc = text_parse(text, len, PARSE_DEPTH, out, &why);
    if (rc != -EINVAL)
        return rc ? err_set(e, rc, "out of memory") : 0;
    if (why.line < 0)
        return err_set(e, -EINVAL, "invalid JSON: %s", why.text);
    without_quote(&why);
    return err_set(e, -EINVAL, "invalid JSON in line %d, column %d: %s", why.line, why.column, why.text);
}
