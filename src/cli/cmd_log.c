/* cmd_log.c — `lmsfs log`: what was changed, by whom, and what the LMS said.
 *
 * It reads the cache folder itself, so that it needs no daemon and costs a running one nothing. Following, the daemon's end is the end.
 */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "audit_lines.h"
#include "control.h"
#include "mounts.h"
#include "print.h"
#include "print_log.h"
#include "target.h"

#define LAST    20  /* without -n */
#define POLL_MS 500 /* where the kernel doesn't say when something is written */

struct log {
    struct target target;
    struct audit_lines lines;
    struct log_view view;
    struct log_of of;
    bool json, follow;
    size_t last, shown;
};

/* ---- lines ---- */

static bool wanted(void *ctx, const char *text, size_t len)
{
    struct log *l = ctx;
    return log_is_of(&l->of, text, len);
}

static void take(void *ctx, const char *text, size_t len)
{
    struct log *l = ctx;
    if (l->json)
        print_log_json(stdout, text, len);
    else
        print_log(stdout, &l->view, text, len);
    l->shown++;
}

/* A reader that has gone is no failure; a full disk is. */
static int flushed(struct err *e)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return errno == EPIPE ? -EPIPE : err_set(e, -errno, "can't write: %s", strerror(errno));
}

/* ---- following ---- */

enum { WRITTEN, READER, DAEMON, MOUNTS, WATCHED };

/* Is the mount gone that was asked for, while the daemon serves others? Without others the daemon's own end is waited for: until then it may
 * have something to write. */
static bool is_left(const struct target *t)
{
    struct mounts known;
    bool others = false, here = false;
    if (!t->mountpoint[0] || mounts_read(&known, NULL))
        return false;
    for (size_t i = 0; i < known.n; i++) {
        bool same = strcmp(known.list[i].cache_dir, t->cache_dir) == 0;
        here = here || (same && strcmp(known.list[i].mountpoint, t->mountpoint) == 0);
        others = others || same;
    }
    mounts_release(&known);
    return !here && others;
}

static int daemon_of(const struct target *t, struct err *e)
{
    struct control_client c;
    int rc = control_connect(t->cache_dir, &c, e);
    if (rc)
        return rc;
    int fd = c.daemon > 0 ? pidfd_open(c.daemon, 0) : -1;
    control_close(&c);
    return fd >= 0 ? fd : err_set(e, -ECONNREFUSED, "no daemon serves the cache folder %s", t->cache_dir);
}

static void forget_events(int fd)
{
    char events[4096];
    while (read(fd, events, sizeof events) > 0)
        ;
}

/* Until the daemon or the mount ends (0), or nobody reads any more (-EPIPE). */
static int follow(struct log *l, struct pollfd p[WATCHED], const struct audit_taker *taker, struct err *e)
{
    for (;;) {
        /* What is looked at first is the end, what is read then is everything up to it. */
        bool over = (p[DAEMON].revents & POLLIN) || is_left(&l->target);
        int rc = audit_lines_more(&l->lines, taker, e);
        rc = rc ? rc : flushed(e);
        if (rc || over)
            return rc;
        for (int i = 0; i < WATCHED; i++)
            p[i].revents = 0;
        if (poll(p, WATCHED, p[WRITTEN].fd >= 0 ? -1 : POLL_MS) < 0 && errno != EINTR)
            return err_set(e, -errno, "can't wait: %s", strerror(errno));
        if (p[READER].revents & (POLLERR | POLLHUP | POLLNVAL))
            return -EPIPE;
        if (p[WRITTEN].revents)
            forget_events(p[WRITTEN].fd);
    }
}

/* ---- the command ---- */

static int watch_folder(const char *cache_dir)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd >= 0 && inotify_add_watch(fd, cache_dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int show(struct log *l, struct err *e)
{
    const struct audit_taker taker = {wanted, take, l};
    struct pollfd p[WATCHED] = {
        [WRITTEN] = {-1, POLLIN, 0}, [READER] = {1, 0, 0}, [DAEMON] = {-1, POLLIN, 0}, [MOUNTS] = {-1, POLLPRI, 0}};
    int rc = audit_lines_open(&l->lines, l->target.cache_dir, e), no_daemon = 0;
    if (!rc && l->follow) { /* before anything is read, so that nothing is missed */
        FILE *mounts = l->target.mountpoint[0] ? fopen("/proc/self/mountinfo", "re") : NULL;
        p[WRITTEN].fd = watch_folder(l->target.cache_dir);
        p[MOUNTS].fd = mounts ? dup(fileno(mounts)) : -1;
        p[DAEMON].fd = no_daemon = daemon_of(&l->target, e);
        if (mounts)
            fclose(mounts);
    }
    rc = rc ? rc : audit_lines_last(&l->lines, l->last, &taker, e);
    if (!rc && !l->shown && !l->json && !l->follow && l->last)
        puts("nothing was changed");
    rc = rc ? rc : flushed(e);
    if (!rc && l->follow)
        rc = no_daemon < 0 ? no_daemon : follow(l, p, &taker, e);
    for (int i = 0; i < WATCHED; i++)
        if (i != READER && p[i].fd >= 0)
            close(p[i].fd);
    audit_lines_close(&l->lines);
    return rc;
}

static bool count_parse(const char *text, size_t *n)
{
    char *end;
    errno = 0;
    unsigned long long all = strtoull(text, &end, 10);
    *n = all < SIZE_MAX ? (size_t)all : SIZE_MAX;
    if (strcmp(text, "all") == 0) {
        *n = SIZE_MAX;
        return true;
    }
    return text[0] >= '0' && text[0] <= '9' && !*end && !errno;
}

/* "hownow/deactivated-users/x" is written down as "hownow/users/x": a record's home is its collection. */
static void without_bin(char *path)
{
    static const char bin[] = "/deactivated-";
    char *at = strchr(path, '/');
    if (at && strncmp(at, bin, sizeof bin - 1) == 0)
        memmove(at + 1, at + sizeof bin - 1, strlen(at + sizeof bin - 1) + 1);
}

int cmd_log(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {"follow", no_argument, NULL, 'f'}, {0}};
    struct log l = {.last = LAST};
    struct err e = {0};
    int option;
    while ((option = getopt_long(argc, argv, "fn:", options, NULL)) != -1) {
        l.json = l.json || option == 'j';
        l.follow = l.follow || option == 'f';
        if (option == 'n' && !count_parse(optarg, &l.last))
            return misused("log", "-n takes a number, or all");
        if (option == '?')
            return misused("log", "can't make sense of %s", argv[optind - 1]);
    }
    if (argc - optind > 1)
        return misused("log", "it takes one path at most");
    if (target_find(&l.target, optind < argc ? argv[optind] : NULL, true, &e))
        return complain(&e);
    l.view.colour = print_colours();
    without_bin(l.target.path);
    l.of.path = l.target.path;
    int rc = show(&l, &e);
    return rc == 0 || rc == -EPIPE ? DONE : complain(&e);
}
