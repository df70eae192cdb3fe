/* text.h — a growing text, and what lms/ writes with it: JSON, percent-encoding, a hash. Internal to lms/. */
#ifndef LMS_TEXT_H
#define LMS_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed struct is an empty text. Running out of memory is remembered in `failed` and told by text_take, so that callers
 * check once. What is outgrown is wiped: request bodies hold passwords. */
struct text {
    char *s;
    size_t len, cap;
    bool failed;
};

void text_addn(struct text *t, const char *s, size_t n);
void text_add(struct text *t, const char *s);
void text_addc(struct text *t, char c);
void text_addf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Everything but RFC 3986's unreserved characters as %XX: right for a path segment, a query value and a form value. */
void text_percent(struct text *t, const char *s);
void text_base64(struct text *t, const char *s, size_t n); /* RFC 4648 §4, padded */
/* The text, NUL-terminated and malloc'ed; NULL when memory ran out. *t is empty afterwards. */
char *text_take(struct text *t, size_t *len);
void text_release(struct text *t);

/* doc_print.c: canonical JSON. pretty: as doc_print; else without any blank. */
void text_json(struct text *t, const json_t *value, bool pretty);

/* doc_parse.c: doc_parse with another bound on nesting, and jansson's reason. No size limit. -EINVAL,
 * -ENOMEM. */
int text_parse(const char *s, size_t len, unsigned max_depth, json_t **out, json_error_t *why);

/* FNV-1a, 64 bits (draft-eastlake-fnv). Versions and cut names are made of it, so it must stay what it is. */
uint64_t text_hash(const void *data, size_t len);

/* Replies and checked documents are held to fewer levels than doc_parse allows, for a delta or a `_readonly` wraps them
 * into a few more and must still be readable when it comes back from disk. */
#define TEXT_DEPTH 48

#endif
