/* doc_field.c — the fields of a collection, by name. */
#include "lms/doc_value.h"

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
static void fold(const char *name, char out[64])
{
    size_t n = 0;
    for (; *name && n < 63; name++)
        if (isalnum((unsigned char)*name))
            out[n++] = (char)tolower((unsigned char)*name);
    out[n] = '\0';
}

/* One letter more, less, other, or two that changed places. */
static bool one_slip(const char *a, const char *b)
{
    size_t same = 0, la = strlen(a), lb = strlen(b);
    while (a[same] && a[same] == b[same])
        same++;
    a += same, b += same, la -= same, lb -= same;
    if (la && lb &&
        (strcmp(a + 1, b + 1) == 0 || (la > 1 && lb > 1 && a[0] == b[1] && a[1] == b[0] && !strcmp(a + 2, b + 2))))
        return true;
    return (la && strcmp(a + 1, b) == 0) || (lb && strcmp(a, b + 1) == 0);
}

int doc_no_field(const struct lms_collection *c, const char *name, struct err *e)
{
    char wanted[64], has[64], all[300] = "";
    size_t n = 0;
    fold(name, wanted);
    for (const struct lms_field *f = c->fields; f && f->name; f++) {
        fold(f->name, has);
        if (strcmp(wanted, has) == 0 || (strlen(wanted) > 2 && one_slip(wanted, has)))
            return err_set(e, -EINVAL, "%.80s is not a field of %s that can be written; did you mean %s?", name,
                           c->name, f->name);
        if (n < sizeof all)
            n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", n ? ", " : "", f->name);
    }
    if (!n)
        return err_set(e, -EINVAL, "%.80s is not a field of %s that can be written", name, c->name);
    return err_set(e, -EINVAL, "%.80s is not a field of %s that can be written; these are: %s%s", name, c->name, all,
                   n < sizeof all ? "" : "…");
}
