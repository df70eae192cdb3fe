/* hownow.h — what HowNow's files share. Internal to lms/hownow*.c. */
#ifndef LMS_HOWNOW_H
#define LMS_HOWNOW_H

#include "lmsfs/lms.h"

/* hownow_records.c: an object of the API as a record; a reply_record. Takes no reference to `api`, but shares its members. */
int hownow_record(const struct lms_collection *c, json_t *api, struct lms_record *out, struct err *e);
bool hownow_is(const struct lms_collection *c, const char *name);
bool hownow_is_contents(const struct lms_collection *c); /* its records are named by hownow_id */

/* hownow_save.c */
int hownow_save(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e);
int hownow_saved(const struct lms_collection *c, const struct lms_save *s, size_t step, const struct http_reply *r,
                 struct lms_verdict *out, struct err *e);
int hownow_change_request(const struct lms_collection *c, const struct lms_change *ch, struct http_request *out,
                          struct err *e);

/* What the savers share: external_id of a new record: the document's or the file name's, which must agree; nothing where neither says one. */
int hownow_put_ext(const struct lms_save *s, json_t *body, struct err *e);
bool hownow_is_stem(const char *s); /* "ID-<number>" or "EXT-<anything>" */

/* hownow_search.c */
int hownow_search_request(const struct lms_collection *c, const char *text, unsigned page, struct http_request *out,
                          uint64_t *window, struct err *e);
int hownow_search_parent(const struct lms_collection *c, const char *text, char stem[256]);

/* hownow_learning.c: learning records from elsewhere, which the API only takes */
int hownow_save_learning(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e);

/* hownow_reviews.c: user-skills, which the API only takes */
bool hownow_review_key(const json_t *element, char *out, size_t size);
int hownow_save_reviews(const struct lms_save *s, struct lms_plan *out, struct err *e);

/* hownow_roles.c */
int hownow_save_role(const struct lms_save *s, struct lms_plan *out, struct err *e);

#endif
