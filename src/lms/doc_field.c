/* doc_field.c — the fields of a collection, by name. */
#include "lms/doc_value.h"

#include "base/guess.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct lms_field *doc_field(const struct lms_collection *c, const char *name)
{
    for (const struct lms_field *f = c->fields; f && f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

/* Letters and digits alone, in lower case: first_name, firstName and Firstname are one word. */
static void fold(const char *name, char out[GUESS_LONGEST + 1])
{
    size_t n = 0;
    for (; *name && n < GUESS_LONGEST; name++)
        if (isalnum((unsigned char)*name))
            out[n++] = (char)tolower((unsigned char)*name);
    out[n] = '\0';
}

/* One slip of the finger in a word that is no mere abbreviation. */
static bool is_near(const char *a, const char *b)
{
    return guess_distance(a, b) <= (strlen(a) > 2);
}

#define NO_FIELD "%.80s is not a field of %s that can be written"

int doc_no_field(const struct lms_collection *c, const char *name, struct err *e)
{
    char wanted[GUESS_LONGEST + 1], has[GUESS_LONGEST + 1], all[300] = "";
    size_t n = 0;
    fold(name, wanted);
    for (const struct lms_field *f = c->fields; f && f->name; f++) {
        fold(f->name, has);
        if (is_near(wanted, has))
            return err_set(e, -EINVAL, NO_FIELD "; did you mean %s?", name, c->name, f->name);
        if (n < sizeof all)
            n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", n ? ", " : "", f->name);
    }
    if (!n)
        return err_set(e, -EINVAL, NO_FIELD, name, c->name);
    return err_set(e, -EINVAL, NO_FIELD "; these are: %s%s", name, c->name, all, n < sizeof all ? "" : "…");
}
