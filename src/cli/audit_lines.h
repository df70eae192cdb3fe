/* audit_lines.h — the audit log's lines, out of the cache folder: audit.jsonl and the older audit.jsonl.1.
 *
 * The daemon appends to the one, and at its bound renames it over the other, while this reads; it needs no daemon. A last line without its end
 * is being written, or a crash tore it: it isn't there yet. */
#ifndef CLI_AUDIT_LINES_H
#define CLI_AUDIT_LINES_H

#include "lmsfs/err.h"
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct audit_lines {
    char path[PATH_MAX]; /* of audit.jsonl */
    int fd;              /* what is read on; -1: there is none so far */
    off_t at;            /* as far as it was read: the beginning of a line */
    char *text;          /* the line that was read last */
    size_t room;
};

/* Whoever takes the lines. `text` has no newline and no NUL at its end, and is valid in the call only; of a line of more than 16 MiB it is the
 * beginning. false, of `wanted`: not this one. */
struct audit_taker {
    bool (*wanted)(void *ctx, const char *text, size_t len);
    void (*take)(void *ctx, const char *text, size_t len);
    void *ctx;
};

/* 0, or -errno with a sentence. Ends with audit_lines_close, also after a failure. */
int audit_lines_open(struct audit_lines *a, const char *cache_dir, struct err *e);
/* The last n lines that are wanted, oldest first, over both files. Then audit_lines_more goes on from there. */
int audit_lines_last(struct audit_lines *a, size_t n, const struct audit_taker *t, struct err *e);
/* The lines that came since, over a rotation too. */
int audit_lines_more(struct audit_lines *a, const struct audit_taker *t, struct err *e);
void audit_lines_close(struct audit_lines *a);

#endif
