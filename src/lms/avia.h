/* avia.h — what avia.c, avia_records.c and avia_save.c share. Internal to lms/. */
#ifndef LMS_AVIA_H
#define LMS_AVIA_H

#include "lmsfs/lms.h"

#define AVIA "/wp-json/avia/hr/v1"

/* The members of `fields` that the vendor documents, in its order, without the ssn, which stands at the top of a document. */
struct avia_member {
    const char *name;
    bool required; /* in a create */
    bool list;     /* an array, and no string */
};
extern const struct avia_member avia_members[]; /* ends with a NULL name */

bool avia_is(const struct lms_collection *c, const char *name);

/* The API's object as a record: `api` is a row of a list or what a GET of a group says. A reply_record. */
int avia_record(const struct lms_collection *c, json_t *api, struct lms_record *out, struct err *e);
/* "ID" or "id" of an object, as an integer or in digits; malloc'ed. NULL: it has neither (or no memory). */
char *avia_id(const json_t *object);

/* avia_save.c */
int avia_save(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e);
int avia_saved(const struct lms_collection *c, const struct lms_save *s, size_t step, const struct http_reply *r,
               struct lms_verdict *out, struct err *e);

#endif
