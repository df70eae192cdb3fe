/* daemon.c — what every mount's process does around the engine: harden, detach, report, wait, end. */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "service.h"

#define READY_WITHIN_MS 120000 /* a big cache that crashed its daemon is walked first */
#define STOP_GRACE_MS   10000  /* for saves whose requests are out */
#define STOP_AT_MOST_S  60     /* then the end is a crash's, which the journal is made for */
#define LOG_KEEP        (4L * 1024 * 1024)

/* ---- the process ---- */

void daemon_harden(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    umask(077);
}

/* The engine's and the workers' memory goes back to the system after a big listing, instead of staying in arenas. */
static void tame_malloc(void)
{
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 256 * 1024);
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

/* Before the first thread, so that all have the mask and the signals come to the descriptor alone. */
static int take_signals(struct err *e)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    int fd = sigprocmask(SIG_BLOCK, &ours, NULL) < 0 ? -1 : signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd >= 0 ? fd : err_set(e, -errno, "can't take signals: %s", strerror(errno));
}

static bool logging; /* a mount in the foreground has its reader at the terminal */

bool log_line(const char *fmt, ...)
{
    if (!logging)
        return false;
    char at[ISO_TIME_SIZE], text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fprintf(stderr, "%s lmsfs[%d]: %s\n", iso_time_print(wall_s(), at), (int)getpid(), text);
    return true;
}

/* From here on what is printed goes to the log in the cache folder. */
static int log_open(const char *cache_dir, struct err *e)
{
    char path[4200], old[4200];
    snprintf(path, sizeof path, "%s/%s", cache_dir, LOG_FILE);
    snprintf(old, sizeof old, "%s/%s", cache_dir, LOG_FILE_OLD);
    struct stat st;
    if (stat(path, &st) == 0 && st.st_size > LOG_KEEP)
        rename(path, old);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int rc = 0;
    if (fd < 0 || null < 0 || dup2(null, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        rc = err_set(e, -errno, "can't write the log %s: %s", path, strerror(errno));
    if (fd > 2)
        close(fd);
    if (null > 2)
        close(null);
    return rc;
}

static int pid_file_write(const char *cache_dir, struct err *e)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", cache_dir, PID_FILE);
    unlink(path); /* a crash's: we hold the store's lock */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
        int rc = err_set(e, -errno, "can't write %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return rc;
    }
    close(fd);
    return 0;
}

static void pid_file_remove(const char *cache_dir)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", cache_dir, PID_FILE);
    unlink(path);
}

/* ---- the report: "W<text>\n" a warning, "E<code> <text>\n" the failure, "R\n" ready ---- */

static void report_warning(const struct report *r, const char *text)
{
    if (r->fd < 0)
        fprintf(stderr, "lmsfs: %s\n", text);
    else
        (void)!dprintf(r->fd, "W%s\n", text);
}

/* The last thing reported. */
static void report_end(struct report *r, int rc, const struct err *e)
{
    if (r->fd < 0)
        return; /* in the foreground the caller complains */
    (void)!(rc ? dprintf(r->fd, "E%d %s\n", rc, e->text) : dprintf(r->fd, "R\n"));
    close(r->fd);
    r->fd = -1;
}

/* What the shell or a make left open here would be held open as long as the mount lasts, and its reader would wait. */
static void drop_descriptors(struct report *r)
{
    if (r->fd != 3 && dup3(r->fd, 3, O_CLOEXEC) == 3)
        r->fd = 3;
    if (r->fd == 3)
        close_range(4, ~0U, 0);
}

int daemon_detach(struct report *r, pid_t *child, struct err *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(e, -errno, "can't make a pipe: %s", strerror(errno));
    *child = fork();
    if (*child < 0) {
        int rc = err_set(e, -errno, "can't start a process: %s", strerror(errno));
        close(ends[0]);
        close(ends[1]);
        return rc;
    }
    r->fd = ends[*child ? 0 : 1];
    close(ends[*child ? 1 : 0]);
    if (*child == 0) {
        setsid();
        (void)!chdir("/");
        drop_descriptors(r);
    }
    return 0;
}

/* 1: ready, < 0: failed, 0: go on. */
static int hear_line(const char *line, struct err *e)
{
    char *text;
    switch (line[0]) {
    case 'R':
        return 1;
    case 'E': {
        long code = strtol(line + 1, &text, 10);
        return err_set(e, code < 0 ? (int)code : -EIO, "%s", *text ? text + 1 : "it failed");
    }
    case 'W':
        fprintf(stderr, "lmsfs: %s\n", line + 1);
    }
    return 0;
}

int daemon_hear(struct report *r, pid_t child, struct err *e)
{
    int64_t deadline = monotonic_ms() + READY_WITHIN_MS;
    char text[4096];
    size_t n = 0;
    int heard = 0;
    while (!heard) {
        int64_t left = deadline - monotonic_ms();
        struct pollfd p = {.fd = r->fd, .events = POLLIN};
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0) {
            kill(child, SIGTERM);
            heard = err_set(e, -ETIMEDOUT, "the daemon (pid %d) wasn't ready within %d s", (int)child,
                            READY_WITHIN_MS / 1000);
            break;
        }
        ssize_t got = read(r->fd, text + n, sizeof text - 1 - n);
        if (got <= 0) {
            heard = err_set(e, -EIO, "the daemon (pid %d) ended before it was ready", (int)child);
            break;
        }
        n += (size_t)got;
        text[n] = '\0';
        char *line = text, *end;
        while (!heard && (end = strchr(line, '\n'))) {
            *end = '\0';
            heard = hear_line(line, e);
            line = end + 1;
        }
        n = strlen(line);
        memmove(text, line, n);
        if (n + 1 == sizeof text)
            n = 0;
    }
    close(r->fd);
    return heard < 0 ? heard : 0;
}

/* ---- serving ---- */

static int start(struct service *s, const struct conf *conf, const struct mount_options *o, const struct report *r,
                 struct err *warning, struct err *e)
{
    int rc = service_start(s, conf, o, warning, e);
    if (warning->text[0])
        report_warning(r, warning->text);
    if (!rc && r->fd >= 0)
        rc = log_open(conf->cache_dir, e);
    return rc ? rc : pid_file_write(conf->cache_dir, e);
}

static void end(struct service *s)
{
    alarm(STOP_AT_MOST_S);
    service_end(s, STOP_GRACE_MS);
    alarm(0);
}

int daemon_serve(const struct conf *conf, const struct mount_options *o, struct report *r, struct err *e)
{
    struct service s = {0};
    struct err warning = {0};
    tame_malloc();
    int signals = take_signals(e);
    int rc = signals < 0 ? signals : start(&s, conf, o, r, &warning, e);
    if (rc) {
        end(&s);
        report_end(r, rc, e);
    } else {
        logging = r->fd >= 0;
        report_end(r, 0, NULL);
        sd_notifyf(0, "READY=1\nSTATUS=%s is mounted", o->mountpoint);
        log_line("mounted %s on %s", conf->path, o->mountpoint);
        if (warning.text[0])
            log_line("%s", warning.text);
        const char *why = service_wait(&s, signals);
        sd_notify(0, "STOPPING=1");
        log_line("ending: %s", why);
        end(&s);
        pid_file_remove(conf->cache_dir);
        log_line("ended");
    }
    if (signals >= 0)
        close(signals);
    return rc;
}
