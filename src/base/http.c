/* http.c — requests and replies as data: building and releasing them. */
#include "lmsfs/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *http_method_name(enum http_method m)
{
    static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    return names[m];
}

const char *http_shown(const struct http_request *r)
{
    return r->shown ? r->shown : r->path ? r->path : r->url ? r->url : "";
}

static void free_wiped(char *s, size_t len)
{
    if (s)
        explicit_bzero(s, len);
    free(s);
}

/* Both lists are arrays of two strings; they grow by one, for a request has a handful. */
static int pair_add(struct http_header **list, size_t *n, const char *name, const char *value)
{
    struct http_header *grown = realloc(*list, (*n + 1) * sizeof **list);
    if (!grown)
        return -ENOMEM;
    *list = grown;
    grown[*n] = (struct http_header){strdup(name), strdup(value)};
    if (!grown[*n].name || !grown[*n].value) {
        free(grown[*n].name);
        free(grown[*n].value);
        return -ENOMEM;
    }
    ++*n;
    return 0;
}

int http_request_header(struct http_request *r, const char *name, const char *value)
{
    return pair_add(&r->headers, &r->headers_n, name, value);
}

int http_request_part(struct http_request *r, const char *name, const char *value)
{
    return pair_add(&r->parts, &r->parts_n, name, value);
}

static void pairs_release(struct http_header *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(list[i].name);
        free_wiped(list[i].value, strlen(list[i].value));
    }
    free(list);
}

void http_request_release(struct http_request *r)
{
    free(r->path);
    free(r->shown);
    free(r->url);
    free_wiped(r->body, r->body_len);
    pairs_release(r->headers, r->headers_n);
    pairs_release(r->parts, r->parts_n);
    free(r->file.part);
    free(r->file.name);
    *r = (struct http_request){0};
}

void http_reply_release(struct http_reply *r)
{
    free_wiped(r->body, r->len);
    *r = (struct http_reply){.retry_after = -1};
}

static int pairs_copy(struct http_request *to, const struct http_header *list, size_t n,
                      int add(struct http_request *, const char *, const char *))
{
    for (size_t i = 0; i < n; i++) {
        int r = add(to, list[i].name, list[i].value);
        if (r)
            return r;
    }
    return 0;
}

int http_request_copy(const struct http_request *from, struct http_request *to)
{
    *to = (struct http_request){.method = from->method,
                                .content_type = from->content_type,
                                .idempotent = from->idempotent,
                                .file = from->file,
                                .bare = from->bare,
                                .to_file = from->to_file,
                                .into = from->into,
                                .into_max = from->into_max};
    to->file.part = from->file.part ? strdup(from->file.part) : NULL;
    to->file.name = from->file.name ? strdup(from->file.name) : NULL;
    int r = pairs_copy(to, from->headers, from->headers_n, http_request_header);
    if (!r)
        r = pairs_copy(to, from->parts, from->parts_n, http_request_part);
    to->path = from->path ? strdup(from->path) : NULL;
    to->shown = from->shown ? strdup(from->shown) : NULL;
    to->url = from->url ? strdup(from->url) : NULL;
    if (from->body) {
        to->body = malloc(from->body_len + 1);
        if (to->body) {
            memcpy(to->body, from->body, from->body_len);
            to->body[from->body_len] = '\0';
            to->body_len = from->body_len;
        }
    }
    if (r || (from->path && !to->path) || (from->shown && !to->shown) || (from->url && !to->url) ||
        (from->body && !to->body) || (from->file.part && (!to->file.part || !to->file.name))) {
        http_request_release(to);
        return -ENOMEM;
    }
    return 0;
}
