/* http.h — a request and its reply as plain data. lms/ builds requests, net/ sends them; neither knows the other. */
#ifndef LMSFS_HTTP_H
#define LMSFS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE };

struct http_header {
    char *name, *value;
};

/* A field of a multipart body whose bytes come from a file. */
struct http_file {
    char *part, *name; /* part NULL: there is none */
    const char *type;  /* a literal */
    int fd;            /* borrowed: open until the request is over, read with pread */
    size_t size;       /* exactly so many bytes are sent */
};

/* All strings are owned by the request and freed by http_request_release. A zeroed struct is an empty request. */
struct http_request {
    enum http_method method;
    char *path;  /* below the tenant's base URL, encoded, with its query: "/external/v1/users?page=1&per_page=100" */
    char *shown; /* the path for people, secrets in it masked; NULL: path as it is */
    char *url;   /* an absolute URL that is used instead of base URL + path; NULL as a rule */
    char *body;  /* NULL: no body, or a multipart one (parts) */
    size_t body_len;
    const char *content_type; /* a literal; NULL when there is no body. Ignored for multipart: net/ makes the boundary */
    struct http_header *headers;
    size_t headers_n;
    struct http_header *parts; /* fields of a multipart/form-data body, when parts_n > 0 */
    size_t parts_n;
    struct http_file file; /* one more field of a multipart body */
    bool bare;             /* without the tenant's credentials: a signed URL of somebody else's server */
    bool to_file;          /* the body of a 2xx goes to `into` (borrowed, as file.fd) and not into the reply */
    int into;
    size_t into_max; /* bytes; more is -EFBIG */
    bool idempotent; /* may be sent again though its outcome is unknown (RFC 9110 §9.2.2, or the API says so) */
};

struct http_reply {
    int status; /* 0: no reply was had */
    char *body; /* owned; NUL-terminated for convenience, may hold NULs; never NULL once status is set */
    size_t len;
    int retry_after; /* seconds, from Retry-After; -1 when absent */
    int64_t made_at; /* by the server's clock it was not made before this: its Date less what the exchange took; Unix seconds, 0: no Date */
};

const char *http_method_name(enum http_method m);
/* The path as people may see it: never NULL. Borrowed. */
const char *http_shown(const struct http_request *r);
/* 0 or -ENOMEM; name and value are copied. */
int http_request_header(struct http_request *r, const char *name, const char *value);
int http_request_part(struct http_request *r, const char *name, const char *value);
/* *to becomes a request of its own, the same in everything. 0, or -ENOMEM and *to is empty. */
int http_request_copy(const struct http_request *from, struct http_request *to);
/* Wipes bodies and header values (they may hold secrets) before it frees them; leaves *r zeroed. */
void http_request_release(struct http_request *r);
void http_reply_release(struct http_reply *r);

#endif
