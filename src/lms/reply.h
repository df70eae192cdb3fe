/* reply.h — reading what a server answered, trusting none of it. Internal to lms/.
 *
 * Whatever isn't as the API documents it is -EPROTO with a sentence that names it.
 */
#ifndef LMS_REPLY_H
#define LMS_REPLY_H

#include "lmsfs/lms.h"

/* A 2xx? Else lms_status_errno and the vendor's words. */
int reply_ok(const struct http_reply *r, struct err *e);
/* The body of a 2xx as a JSON object; *out is a new reference. */
int reply_object(const struct http_reply *r, json_t **out, struct err *e);

/* The rows of a list reply: an array in the member `list`, each row an object, or one within an object's member `wrapper`. */
struct reply_shape {
    const char *list, *wrapper, *id; /* id: the member that names a row, for messages; wrapper may be NULL */
};
struct reply_rows {
    json_t *reply; /* the whole of it; the unreadable rows are not there */
    json_t *rows;  /* borrowed from reply: its array */
    size_t spoiled;
    struct err spoiled_by;
    char **spoiled_keys; /* `spoiled` of them, NULL where a row doesn't say */
};
/* A row that JSON's grammar allows and we can't represent (a lone surrogate, an integer past 64 bits, a doubled member) is
 * counted and left out; anything else that is wrong is -EPROTO. More rows than max: -EPROTO. */
int reply_rows(const struct http_reply *r, const struct reply_shape *shape, unsigned max, struct reply_rows *out,
               struct err *e);
void reply_rows_release(struct reply_rows *rows);

/* rows.c: reply_object, but with the rows that can't be represented taken out of the list. */
int rows_rescue(const struct http_reply *r, const struct reply_shape *shape, struct reply_rows *out, struct err *e);

/* The page that the rows make: each goes through `record`; a key that comes twice is -EPROTO. Takes `rows` over. */
typedef int reply_record(const struct lms_collection *c, json_t *row, struct lms_record *out, struct err *e);
int reply_page(const struct lms_collection *c, struct reply_rows *rows, const struct reply_shape *shape, int64_t total,
               reply_record *record, struct lms_page *out, struct err *e);

/* Members. Optional ones are NULL (or the value given) when absent or null. */
int reply_text(const json_t *object, const char *name, const char **out, struct err *e); /* a string without NUL, or NULL */
int reply_id(const json_t *object, const char *name, char **out, struct err *e); /* a positive integer, in decimal */
int reply_name(const json_t *object, const char *name, char **out, struct err *e); /* a string that can be a path segment */
int reply_count(const json_t *object, const char *name, int64_t *out, struct err *e); /* not negative; -1 when absent */
/* A job's id; NULL when absent. It becomes a file's name and a path segment, so no blank or control character may be in it. */
int reply_job(const json_t *reply, const char *name, char **out, struct err *e);
/* "2024-07-17T07:15:09.000Z", also with an offset → Unix seconds; 0 for anything else. */
int64_t reply_time(const json_t *value);
char *reply_dup(const char *s, int *rc); /* strdup; NULL stays NULL; *rc = -ENOMEM when memory ran out */

/* Signed, short-lived URLs lose their query, for the same record must always give the same bytes. Goes through everything
 * below `value`. */
int reply_unsign(json_t *value);
bool reply_is_signed(const json_t *value); /* a string that reply_unsign would shorten */

/* `_readonly` takes a member of the reply; one that is named like lmsfs's own is renamed "reply.<name>". Borrows value. */
int reply_keep(json_t *readonly, const char *name, json_t *value);

#endif
