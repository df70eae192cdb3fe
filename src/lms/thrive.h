/* thrive.h — what Thrive's files share. Internal to lms/thrive*.c. */
#ifndef LMS_THRIVE_H
#define LMS_THRIVE_H

#include "lmsfs/lms.h"

/* The path of an event: authorize() puts the configured events_url in its place, for events go to a host of their own. */
#define THRIVE_EVENTS "/webhooks"
#define THRIVE_CUSTOM \
    "additionalFields" /* the customer's own fields, as reads give them; an event has them beside the others */

/* thrive_records.c: a user as v1 (`status`) or v2 and events (`active`) give it; a reply_record. */
int thrive_record(const struct lms_collection *c, json_t *api, struct lms_record *out, struct err *e);

/* thrive_save.c */
int thrive_save(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e);
int thrive_saved(const struct lms_collection *c, const struct lms_save *s, size_t step, const struct http_reply *r,
                 struct lms_verdict *out, struct err *e);
bool thrive_says_exists(const struct lms_collection *c, const struct lms_save *s, const struct http_reply *r,
                        const struct lms_job *job);
int thrive_change_request(const struct lms_collection *c, const struct lms_change *ch, struct http_request *out,
                          struct err *e);

#endif
