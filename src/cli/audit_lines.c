/* audit_lines.c — the audit log's lines, from their end and as they come. */
#include "audit_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/lines.h"

#define BLOCK     4096
#define LINE_MOST ((size_t)16 << 20)
#define TRIES     5 /* two files that belong together, while they are rotated */

static int no_memory(struct err *e)
{
    return err_set(e, -ENOMEM, "out of memory");
}

/* ---- a file ---- */

/* *fd -1 and 0: there is none. */
static int open_file(const char *path, int *fd, struct stat *st, struct err *e)
{
    *st = (struct stat){0};
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0 && errno == ENOENT)
        return 0;
    int rc = *fd < 0 || fstat(*fd, st) ? err_set(e, -errno, "%s: %s", path, strerror(errno)) : 0;
    if (!rc && !S_ISREG(st->st_mode))
        rc = err_set(e, -EINVAL, "%s is no plain file", path);
    if (rc && *fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    return rc;
}

static ssize_t read_at(int fd, char *to, size_t len, off_t at)
{
    ssize_t n;
    do {
        n = pread(fd, to, len, at);
    } while (n < 0 && errno == EINTR);
    return n;
}

/* Where the line begins that ends at `end`; 0 at the file's beginning, and where it can't be read. */
static off_t line_before(int fd, off_t end)
{
    off_t at = lines_whole(fd, end);
    return at > 0 ? at : 0;
}

/* Where the line that begins at `from` has its newline; -1: it has none yet. */
static off_t line_end(int fd, off_t from)
{
    char block[BLOCK];
    ssize_t n;
    while ((n = read_at(fd, block, sizeof block, from)) > 0) {
        const char *newline = memchr(block, '\n', (size_t)n);
        if (newline)
            return from + (newline - block);
        from += n;
    }
    return -1;
}

/* The text of a line into a->text. */
static int load(struct audit_lines *a, int fd, off_t from, off_t end, size_t *len, struct err *e)
{
    size_t most = (size_t)(end - from) < LINE_MOST ? (size_t)(end - from) : LINE_MOST;
    if (most > a->room) {
        char *bigger = realloc(a->text, most);
        if (!bigger)
            return no_memory(e);
        a->text = bigger;
        a->room = most;
    }
    *len = 0;
    while (*len < most) {
        ssize_t n = read_at(fd, a->text + *len, most - *len, from + (off_t)*len);
        if (n <= 0)
            return n < 0 ? err_set(e, -errno, "%s: %s", a->path, strerror(errno)) : 0;
        *len += (size_t)n;
    }
    return 0;
}

/* ---- the last ones ---- */

/* The newer first. They belong together when the one is still the newer after the other was opened. */
static int open_both(const struct audit_lines *a, int fds[2], off_t ends[2], struct err *e)
{
    char old[PATH_MAX + 2];
    struct stat newer, older, now;
    snprintf(old, sizeof old, "%s.1", a->path);
    for (int i = 0;; i++) {
        fds[1] = -1;
        int rc = open_file(a->path, &fds[0], &newer, e);
        if (!rc)
            rc = open_file(old, &fds[1], &older, e);
        bool same = !rc && (stat(a->path, &now) ? fds[0] < 0 : fds[0] >= 0 && now.st_ino == newer.st_ino);
        if (same || (!rc && i == TRIES - 1)) {
            ends[0] = newer.st_size;
            ends[1] = older.st_size;
            return 0;
        }
        for (int k = 0; k < 2; k++) {
            if (fds[k] >= 0)
                close(fds[k]);
            fds[k] = -1;
        }
        if (rc)
            return rc;
    }
}

struct found { /* a line that is wanted */
    int fd;
    off_t from, end;
};

struct findings {
    struct found *list; /* newest first */
    size_t n, room, most;
};

static int keep(struct findings *f, struct found one, struct err *e)
{
    if (f->n == f->room) {
        size_t room = f->room ? 2 * f->room : 64;
        struct found *bigger = realloc(f->list, room * sizeof *bigger);
        if (!bigger)
            return no_memory(e);
        f->list = bigger;
        f->room = room;
    }
    f->list[f->n++] = one;
    return 0;
}

/* Backwards from `end`, the end of a whole line. */
static int find_back(struct audit_lines *a, int fd, off_t end, const struct audit_taker *t, struct findings *f,
                     struct err *e)
{
    int rc = 0;
    while (!rc && end > 0 && f->n < f->most) {
        off_t from = line_before(fd, end - 1);
        size_t len;
        rc = load(a, fd, from, end - 1, &len, e);
        if (!rc && len && t->wanted(t->ctx, a->text, len))
            rc = keep(f, (struct found){fd, from, end - 1}, e);
        end = from;
    }
    return rc;
}

int audit_lines_last(struct audit_lines *a, size_t n, const struct audit_taker *t, struct err *e)
{
    int fds[2];
    off_t ends[2];
    struct findings f = {.most = n};
    int rc = open_both(a, fds, ends, e);
    for (int i = 0; !rc && i < 2; i++) {
        ends[i] = fds[i] >= 0 ? line_before(fds[i], ends[i]) : 0;
        rc = find_back(a, fds[i], ends[i], t, &f, e);
    }
    for (size_t i = f.n; !rc && i > 0; i--) {
        size_t len;
        rc = load(a, f.list[i - 1].fd, f.list[i - 1].from, f.list[i - 1].end, &len, e);
        if (!rc)
            t->take(t->ctx, a->text, len);
    }
    free(f.list);
    if (fds[1] >= 0)
        close(fds[1]);
    if (a->fd >= 0)
        close(a->fd);
    a->fd = fds[0];
    a->at = ends[0];
    return rc;
}

/* ---- the next ones ---- */

/* As far as whole lines go. */
static int read_on(struct audit_lines *a, const struct audit_taker *t, struct err *e)
{
    struct stat st;
    off_t end;
    int rc = 0;
    if (fstat(a->fd, &st) == 0 && st.st_size < a->at)
        a->at = 0; /* somebody emptied it */
    while (!rc && (end = line_end(a->fd, a->at)) >= 0) {
        size_t len;
        rc = load(a, a->fd, a->at, end, &len, e);
        if (!rc && len && t->wanted(t->ctx, a->text, len))
            t->take(t->ctx, a->text, len);
        a->at = end + 1;
    }
    return rc;
}

static void go_on_in(struct audit_lines *a, int fd)
{
    if (a->fd >= 0)
        close(a->fd);
    a->fd = fd;
    a->at = 0;
}

static bool is_of(int fd, const struct stat *st)
{
    struct stat mine;
    return fd >= 0 && fstat(fd, &mine) == 0 && mine.st_ino == st->st_ino && mine.st_dev == st->st_dev;
}

int audit_lines_more(struct audit_lines *a, const struct audit_taker *t, struct err *e)
{
    int fds[2];
    off_t ends[2];
    struct stat now;
    int rc = a->fd >= 0 ? read_on(a, t, e) : 0;
    bool same = stat(a->path, &now) ? true : is_of(a->fd, &now);
    if (rc || same)
        return rc;
    rc = open_both(a, fds, ends, e); /* it was rotated; what was read is the older now, or the one before that */
    if (rc)
        return rc;
    if (a->fd >= 0)
        rc = read_on(a, t, e); /* what was still written to it before */
    if (!rc && fds[1] >= 0 && !(fstat(fds[1], &now) == 0 && is_of(a->fd, &now))) {
        go_on_in(a, fds[1]);
        rc = read_on(a, t, e);
    } else if (fds[1] >= 0) {
        close(fds[1]);
    }
    if (fds[0] >= 0) {
        go_on_in(a, fds[0]);
        rc = rc ? rc : read_on(a, t, e);
    }
    return rc;
}

int audit_lines_open(struct audit_lines *a, const char *cache_dir, struct err *e)
{
    *a = (struct audit_lines){.fd = -1};
    if (snprintf(a->path, sizeof a->path, "%s/audit.jsonl", cache_dir) >= (int)sizeof a->path)
        return err_set(e, -ENAMETOOLONG, "the path of the cache folder is too long");
    return access(cache_dir, X_OK) ? err_set(e, -errno, "%s: %s", cache_dir, strerror(errno)) : 0;
}

void audit_lines_close(struct audit_lines *a)
{
    if (a->fd >= 0)
        close(a->fd);
    free(a->text);
    *a = (struct audit_lines){.fd = -1};
}
