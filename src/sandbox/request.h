/* One request as it came and the reply that is being written for it. Nothing here knows a vendor. */
#ifndef SANDBOX_REQUEST_H
#define SANDBOX_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

#define REQUEST_MAX_SEGMENTS 10
#define REQUEST_MAX_QUERY    16
#define REQUEST_MAX_BODY     (16U << 20)

struct MHD_Connection;

struct query_pair {
    char *key, *value;
};

/* A field of a form; `file` is NULL unless it was sent with a file name. `data` is NUL-terminated too. */
struct form_part {
    char *name, *file, *type;
    struct buf data;
};

struct request {
    char *target; /* path and query as on the wire */
    char method[16];
    char *segments[REQUEST_MAX_SEGMENTS]; /* percent-decoded */
    unsigned segment_count;
    struct query_pair query[REQUEST_MAX_QUERY];
    unsigned query_count;
    bool bad_target; /* a broken percent escape, too many parts, or a repeated query key */
    struct buf body;
    bool too_large;
    double arrived; /* wall clock */
    struct MHD_Connection *connection;
    const char *captured[3]; /* what the route's :names stand for */
    json_t *json;            /* the parsed body, once a route asked for it */
    struct form_part *parts;
    unsigned part_count;
    uint32_t actor; /* index of the acting HowNow user */
};

struct request *sb_request_new(const char *target);
void sb_request_free(struct request *rq);

/* NULL when absent. */
const char *sb_request_header(const struct request *rq, const char *name);
const char *sb_request_query(const struct request *rq, const char *key);

/* True when the Content-Type is `type`, whatever its parameters. */
bool sb_request_has_type(const struct request *rq, const char *type);

/* Parse the body; false when it isn't what its name says. Results hang on the request. */
bool sb_request_parse_json(struct request *rq);
bool sb_request_parse_form(struct request *rq);
bool sb_request_parse_multipart(struct request *rq);

const struct form_part *sb_request_part(const struct request *rq, const char *name);

struct reply {
    int status; /* 0: close the connection without an answer */
    struct buf body;
    const char *type; /* NULL: application/json */
    char *own_type;
    json_t *headers; /* object of strings, or NULL */
    unsigned delay_ms;
};

void sb_reply_release(struct reply *rp);
void sb_reply_header(struct reply *rp, const char *name, const char *value);

/* Replaces whatever body there is by the dump of `value`, which is consumed. */
void sb_reply_json(struct reply *rp, int status, json_t *value);
void sb_reply_text(struct reply *rp, int status, const char *json_text);

#endif
