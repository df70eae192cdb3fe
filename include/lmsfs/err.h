/* err.h — 0 or -errno, and a sentence for people beside it. */
#ifndef LMSFS_ERR_H
#define LMSFS_ERR_H

#include <stddef.h>

/* Filled by whoever fails, read by whoever talks to people. The text never holds a secret and never ends in a newline. */
struct err {
    int code;       /* -errno, 0 = no error */
    char text[512]; /* one sentence; empty when code is 0 */
};

/* Set `e` (may be NULL) and return `code`, so that failing is one line:  return err_set(e, -EINVAL, "…", …);
 * errno is left as it was. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#ifdef __clang_analyzer__ /* which doesn't see into another file: what it returns is `code` */
#define err_set(e, code, ...) ((err_set)((e), (code), __VA_ARGS__), (code))
#endif

/* Put "<prefix>: " before the text that is there. Returns e->code. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The errno's name ("EINVAL") for logs, JSON and audit lines; "E<number>" for one without a name here. */
const char *err_name(int code);

#endif
