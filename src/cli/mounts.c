/* mounts.c — /proc/self/mountinfo, and paths resolved against it. */
#include "mounts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TYPE      "fuse.lmsfs"
#define SOURCE    "lmsfs:"
#define LINKS_MAX 40 /* as the kernel follows */

/* ---- the table ---- */

/* proc(5): blank, tab, newline and backslash are written as \ooo. */
static int unescape(const char *from, size_t len, char *to, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = from[i];
        if (c == '\\' && i + 3 < len && from[i + 1] >= '0' && from[i + 1] <= '3') {
            c = (char)((from[i + 1] - '0') << 6 | (from[i + 2] - '0') << 3 | (from[i + 3] - '0'));
            i += 3;
        }
        if (n + 1 >= size)
            return -ENAMETOOLONG;
        to[n++] = c;
    }
    to[n] = '\0';
    return 0;
}

struct word {
    const char *at;
    size_t len;
};

static struct word next_word(const char **line)
{
    const char *p = *line + strspn(*line, " ");
    struct word w = {p, strcspn(p, " \n")};
    *line = p + w.len;
    return w;
}

static bool word_is(struct word w, const char *text)
{
    return w.len == strlen(text) && memcmp(w.at, text, w.len) == 0;
}

/* "36 35 98:0 /root /mountpoint options [tag[:value]]… - type source options": true when the line is a mount of ours. */
static bool parse_line(const char *line, struct mounted *out)
{
    struct word mountpoint = {0}, w = {0};
    for (int i = 0; i < 5; i++)
        mountpoint = next_word(&line);
    do {
        w = next_word(&line);
    } while (w.len && !word_is(w, "-"));
    struct word type = next_word(&line), source = next_word(&line);
    if (!word_is(type, TYPE) || source.len < strlen(SOURCE) || strncmp(source.at, SOURCE, strlen(SOURCE)) != 0)
        return false;
    return unescape(mountpoint.at, mountpoint.len, out->mountpoint, sizeof out->mountpoint) == 0 &&
           unescape(source.at + strlen(SOURCE), source.len - strlen(SOURCE), out->cache_dir, sizeof out->cache_dir) == 0;
}

int mounts_parse(struct mounts *m, const char *mountinfo, struct err *e)
{
    *m = (struct mounts){0};
    for (const char *line = mountinfo; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        struct mounted found;
        if (!parse_line(line, &found))
            continue;
        struct mounted *bigger = realloc(m->list, (m->n + 1) * sizeof *bigger);
        if (!bigger) {
            mounts_release(m);
            return err_set(e, -ENOMEM, "out of memory");
        }
        m->list = bigger;
        m->list[m->n++] = found;
    }
    return 0;
}

int mounts_read(struct mounts *m, struct err *e)
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    if (!f)
        return err_set(e, -errno, "can't read /proc/self/mountinfo: %s", strerror(errno));
    char *text = NULL;
    size_t size = 0;
    errno = 0;
    ssize_t n = getdelim(&text, &size, '\0', f); /* text without a NUL: all of it */
    int rc = n < 0 ? err_set(e, errno ? -errno : -EIO, "can't read /proc/self/mountinfo") : mounts_parse(m, text, e);
    free(text);
    fclose(f);
    return rc;
}

void mounts_release(struct mounts *m)
{
    free(m->list);
    *m = (struct mounts){0};
}

const struct mounted *mounts_at(const struct mounts *m, const char *mountpoint)
{
    for (size_t i = m->n; i-- > 0;)
        if (strcmp(m->list[i].mountpoint, mountpoint) == 0)
            return &m->list[i];
    return NULL;
}

/* ---- paths ---- */

static void drop_last(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
}

static int append(char *path, const char *name, size_t len)
{
    size_t n = strlen(path);
    if (n + 1 + len >= PATH_MAX)
        return -ENAMETOOLONG;
    path[n] = '/';
    memcpy(path + n + 1, name, len);
    path[n + 1 + len] = '\0';
    return 0;
}

/* What is still to be walked, with a link's target put before it. */
static int splice(char *todo, const char *target, const char *rest)
{
    char joined[PATH_MAX];
    int n = snprintf(joined, sizeof joined, "%s/%s", target, rest);
    if (n < 0 || (size_t)n >= sizeof joined)
        return -ENAMETOOLONG;
    memcpy(todo, joined, (size_t)n + 1);
    return 0;
}

static int walk(const struct mounts *m, char *todo, char *done, const struct mounted **at)
{
    int links = 0;
    char *p = todo;
    *at = NULL;
    size_t floor = 0; /* length of the mount point once inside one: `..` goes no further up as text alone */
    for (;;) {
        p += strspn(p, "/");
        size_t len = strcspn(p, "/");
        if (len == 0)
            return 0;
        const char *name = p;
        p += len;
        if (len == 1 && name[0] == '.')
            continue;
        if (len == 2 && name[0] == '.' && name[1] == '.') {
            drop_last(done);
            if (*at && strlen(done) < floor)
                *at = NULL;
            continue;
        }
        int rc = append(done, name, len);
        if (rc)
            return rc;
        if (*at)
            continue;
        *at = mounts_at(m, done);
        if (*at) {
            floor = strlen(done);
            continue;
        }
        char target[PATH_MAX];
        ssize_t n = readlink(done, target, sizeof target - 1);
        if (n < 0)
            continue; /* no link, or nothing there: whoever uses the path will say so */
        if (++links > LINKS_MAX)
            return -ELOOP;
        target[n] = '\0';
        if (target[0] == '/')
            done[0] = '\0';
        else
            drop_last(done);
        rc = splice(todo, target, p);
        if (rc)
            return rc;
        p = todo;
    }
}

int mounts_resolve(const struct mounts *m, const char *path, char physical[PATH_MAX], const struct mounted **at,
                   const char **rest, struct err *e)
{
    char todo[PATH_MAX] = "";
    /* The kernel gives the cwd from its own tables, so this is safe inside a hung mount too. */
    if (path[0] != '/' && (!getcwd(todo, sizeof todo) || todo[0] != '/'))
        return err_set(e, -ENOENT, "the current directory isn't there any more");
    int rc = splice(todo, todo, path);
    physical[0] = '\0';
    if (!rc)
        rc = walk(m, todo, physical, at);
    if (rc)
        return err_set(e, rc, "%s: %s", path, strerror(-rc));
    *rest = "";
    if (*at) {
        *rest = physical + strlen((*at)->mountpoint);
        *rest += **rest == '/';
    }
    if (!physical[0])
        memcpy(physical, "/", 2);
    return 0;
}
