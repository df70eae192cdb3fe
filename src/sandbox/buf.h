/* A growing byte buffer and the few JSON pieces that replies are written with. */
#ifndef SANDBOX_BUF_H
#define SANDBOX_BUF_H

#include <stddef.h>

/* Zero-initialised is empty. `data` is always NUL-terminated once something was added.
 * Out of memory aborts: a test server has nothing better to do. */
struct buf {
    char *data;
    size_t len, cap;
};

void sb_add(struct buf *b, const char *bytes, size_t len);
void sb_str(struct buf *b, const char *s);
void sb_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A JSON string with its quotes; NULL writes null. `s` must be UTF-8. */
void sb_json(struct buf *b, const char *s);

/* As sb_json, and the empty string writes null too. */
void sb_json_or_null(struct buf *b, const char *s);

/* Drops everything after the first `len` bytes. */
void sb_truncate(struct buf *b, size_t len);

/* The bytes, to be freed by the caller; the buffer is empty afterwards. Never NULL. */
char *sb_take(struct buf *b);

void sb_release(struct buf *b);

/* Copies `text` with its ASCII letters in lower case, cut to `room` bytes. */
void sb_lower(const char *text, char *out, size_t room);

/* How many characters (not bytes) a UTF-8 text has. */
size_t sb_characters(const char *utf8);

/* malloc, strdup and realloc that abort instead of returning NULL. */
void *sb_alloc(size_t size);
void *sb_realloc(void *p, size_t size);
char *sb_strdup(const char *s);

#endif
