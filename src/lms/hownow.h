/* hownow.h — what HowNow's files share. Internal to lms/hownow*.c. */
#ifndef LMS_HOWNOW_H
#define LMS_HOWNOW_H

#include "lmsfs/lms.h"

/* hownow_records.c: an object of the API as a record; a reply_record. Takes no reference to `api`, but shares its members. */
int hownow_record(const struct lms_collection *c, json_t *api, struct lms_record *out, struct err *e);
bool hownow_is(const struct lms_collection *c, const char *name);

/* hownow_save.c */
int hownow_save(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e);
int hownow_saved(const struct lms_collection *c, const struct lms_save *s, size_t step, const struct http_reply *r,
                 struct lms_verdict *out, struct err *e);
int hownow_change_state(const struct lms_collection *c, const char *parent_key, const char *key, enum lms_op op,
                        const char *successor, struct http_request *out, struct err *e);

#endif
