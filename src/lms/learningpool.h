/* learningpool.h — what Learning Pool's files share. Internal to lms/learningpool*.c. */
#ifndef LMS_LEARNINGPOOL_H
#define LMS_LEARNINGPOOL_H

#include "lmsfs/lms.h"

bool lp_is(const struct lms_collection *c, const char *name);

/* The request that gives a user or a job assignment (parent_key: its user) a status: "ACTIVE" or "DELETED". */
int lp_status_request(const struct lms_collection *c, const char *parent_key, const char *key, const char *status,
                      struct http_request *out);

/* learningpool_save.c */
int lp_save(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e);
int lp_saved(const struct lms_collection *c, const struct lms_save *s, size_t step, const struct http_reply *r,
             struct lms_verdict *out, struct err *e);
bool lp_says_exists(const struct lms_collection *c, const struct lms_save *s, const struct http_reply *r,
                    const struct lms_job *job);

#endif
