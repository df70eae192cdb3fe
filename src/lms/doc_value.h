/* doc_value.h — small questions about a document's values, for the doc_*.c files and the vendors. Internal to lms/. */
#ifndef LMS_DOC_VALUE_H
#define LMS_DOC_VALUE_H

#include "lmsfs/lms.h"

#define DOC_KEY_LEN 1100  /* room for an element's key; strings of one member aren't copied and may be longer */
#define DOC_MASK    "***" /* what doc_masked puts in a secret's place */

/* NULL where the collection has no such field. */
const struct lms_field *doc_field(const struct lms_collection *c, const char *name);
/* -EINVAL, with the field that was meant, where one is near, or all that there are. */
int doc_no_field(const struct lms_collection *c, const char *name, struct err *e);
/* A member's value; NULL for an absent one and for null, which are the same everywhere in documents. Borrowed. */
json_t *doc_value(const json_t *doc, const char *name);
bool doc_is_date(const char *s); /* YYYY-MM-DD, a day that there is */
/* Members of `_readonly` that are lmsfs's own and no part of the record. */
bool doc_is_ours(const char *readonly_member);

/* Fields that differ member by member: arrays of objects with a key, and objects with keyed_by "".
 * *out (new reference): an object key → element. -EINVAL where the elements can't be told apart (no key, a key twice). */
int doc_by_key(const struct lms_field *f, const json_t *value, json_t **out);
/* The key of one element of a keyed array, in buf (decimal for integers); NULL where it has none. */
const char *doc_element_key(const struct lms_field *f, const json_t *element, char buf[DOC_KEY_LEN]);
/* Equal as values of this field: keyed arrays without regard to order, null and absent (NULL) the same. */
bool doc_same(const struct lms_field *f, const json_t *a, const json_t *b);

#endif
