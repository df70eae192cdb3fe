/* synap.h — what Synap's files share. Internal to lms/synap*.c. */
#ifndef LMS_SYNAP_H
#define LMS_SYNAP_H

#include "lmsfs/lms.h"

bool synap_is(const struct lms_collection *c, const char *name);

/* synap_records.c: a reply_record. */
int synap_record(const struct lms_collection *c, json_t *api, struct lms_record *out, struct err *e);
/* A value of a learning record's attr that is a file: {url, filePath, fileName, mimeType, size}. */
bool synap_is_file(const json_t *value);

/* synap_save.c */
int synap_save(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e);
int synap_saved(const struct lms_collection *c, const struct lms_save *s, size_t step, const struct http_reply *r,
                struct lms_verdict *out, struct err *e);

/* synap_written.c: study items and invitations, which the API only takes */
int synap_save_written(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e);
int synap_remove_written(const struct lms_collection *c, const struct lms_change *ch, struct http_request *out,
                         struct err *e);

/* synap_learning.c: learning records, which are multipart forms. */
int synap_save_learning(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e);

int synap_file_request(const struct lms_collection *c, const char *parent_key, const char *key, const char *name,
                       struct http_request *out, struct err *e);

#endif
