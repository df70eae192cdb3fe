/* search.h — the text of a search, as the name of a directory says it. Internal to lms/.
 *
 *     jane                                   the collection's query, where it has one
 *     q=board,source=course,type=scorm       filters by name; a part without "=" belongs to the value before it: type=course,scorm
 *
 * %XX stands for a byte: a comma, "=", "%", "/" or a leading dot in a value is written so.
 */
#ifndef LMS_SEARCH_H
#define LMS_SEARCH_H

#include "lmsfs/lms.h"

#define SEARCH_FILTERS 12 /* a collection's filters at most */

struct search_filter {
    const char *name;         /* before the "="; a table ends with NULL */
    const char *param;        /* the request's name for it; NULL: the same */
    const char *const *words; /* what it may be, NULL-terminated; NULL: anything */
    bool many;                /* several words with commas between them */
    bool is_parent;           /* names the directory's parent and goes into the path, not the query */
};

struct search_text {
    char *values[SEARCH_FILTERS]; /* by the filter's place in its table; NULL: not given */
};

/* Reads a directory's name. plain: a name without any "=" is the first filter's value. -EINVAL with a sentence that says what there is;
 * *out is empty then. */
int search_read(const char *text, const struct search_filter *filters, bool plain, struct search_text *out,
                struct err *e);
/* The filters that were given as "&name=value…", percent-encoded; `path` already has a query. */
struct text;
void search_add(struct text *path, const struct search_filter *filters, const struct search_text *s);
/* The value of a filter by its name; NULL: not given. Borrowed. */
const char *search_value(const struct search_filter *filters, const struct search_text *s, const char *name);
void search_release(struct search_text *s);

#endif
