/* demo_stage.c — sets the demo's stage, runs its commands, clears everything away. */
#include "demo_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "lmsfs/net.h"
#include "mounts.h"
#include "print.h"
#include "spawn.h"

#define SANDBOX_WITHIN_MS 15000
#define COMMAND_WITHIN_MS 60000

extern char **environ;

/* ---- setting ---- */

static int path_below(const struct stage *s, const char *name, char path[PATH_MAX], struct err *e)
{
    int n = snprintf(path, PATH_MAX, "%s/%s", s->dir, name);
    return n < PATH_MAX ? 0 : err_set(e, -ENAMETOOLONG, "%s is too deep a folder", s->dir);
}

static int make_folder(struct stage *s, const char *mountpoint, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    char dir[PATH_MAX];
    snprintf(dir, sizeof dir, "%s/lmsfs-demo.XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return err_set(e, -errno, "can't make the folder %s: %s", dir, strerror(errno));
    memcpy(s->dir, dir, sizeof dir);
    if (!mountpoint) {
        int rc = path_below(s, "lms", s->mountpoint, e);
        if (!rc && mkdir(s->mountpoint, 0700) < 0)
            rc = err_set(e, -errno, "can't make %s: %s", s->mountpoint, strerror(errno));
        return rc;
    }
    struct mounts known;
    const struct mounted *at;
    const char *rest;
    int rc = mounts_read(&known, e);
    if (rc)
        return rc;
    rc = mounts_resolve(&known, mountpoint, s->mountpoint, &at, &rest, e);
    if (!rc && at)
        rc = err_set(e, -EBUSY, "%s is in a mount already", mountpoint);
    mounts_release(&known);
    return rc;
}

/* The commands find this very lmsfs by its name, and speak the language that the demo expects. */
static int make_env(struct stage *s, struct err *e)
{
    size_t n = 0, kept = 0;
    const char *path = getenv("PATH");
    while (environ[n])
        n++;
    s->env = calloc(n + 3, sizeof *s->env);
    bool good = s->env;
    for (size_t i = 0; good && i < n; i++)
        if (strncmp(environ[i], "PATH=", 5) != 0 && strncmp(environ[i], "LC_ALL=", 7) != 0)
            good = (s->env[kept++] = strdup(environ[i]));
    good = good && (s->env[kept++] = strdup("LC_ALL=C.UTF-8"));
    good = good && asprintf(&s->env[kept], "PATH=%.*s:%s", (int)(strrchr(s->self, '/') - s->self), s->self,
                            path ? path : "/usr/bin:/bin") > 0;
    return good ? 0 : err_set(e, -ENOMEM, "out of memory");
}

static void pause_ms(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&t, NULL);
}

static int read_port(const char *path)
{
    int port = 0;
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%5d\n", &port) != 1)
        port = 0;
    fclose(f);
    return port;
}

static int start_sandbox(struct stage *s, unsigned people, struct err *e)
{
    char program[PATH_MAX], port_file[PATH_MAX], log[PATH_MAX], users[16];
    int rc = spawn_find("lmsfs-sandbox", program, sizeof program, e);
    if (!rc)
        rc = path_below(s, "port", port_file, e);
    if (!rc)
        rc = path_below(s, "sandbox.log", log, e);
    if (rc)
        return rc;
    snprintf(users, sizeof users, "%u", people);
    char *argv[] = {program, "--port",        "0",   "--port-file",       port_file, "--users",
                    users,   "--job-seconds", "1.5", "--die-with-parent", NULL};
    int fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    struct spawn how = {.argv = argv, .input = -1, .output = fd, .own_group = true};
    rc = spawn_start(&how, &s->sandbox, e);
    if (fd >= 0)
        close(fd);
    int port = 0;
    int64_t deadline = monotonic_ms() + SANDBOX_WITHIN_MS;
    while (!rc && !(port = read_port(port_file))) {
        if (waitpid(s->sandbox, NULL, WNOHANG) == s->sandbox) {
            s->sandbox = 0;
            rc = err_set(e, -EIO, "the sandbox ended at once");
        } else if (monotonic_ms() > deadline) {
            rc = err_set(e, -ETIMEDOUT, "the sandbox isn't ready after %d s", SANDBOX_WITHIN_MS / 1000);
        }
        pause_ms(20);
    }
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", port);
    return rc;
}

/* A section each of the five: the sandbox's credentials, and %s where its address goes. */
static const char *const tenants[] = {
    "[hownow]\nprovider = hownow\nbase_url = %s\nclient_id = sandbox\nclient_secret = sandbox-secret\nremoval_grace = "
    "1\n",
    "[synap]\nprovider = synap\nbase_url = %s\norg_id = sandbox-org\norg_secret = sandbox-org-secret\napi_key = "
    "sandbox-key\n",
    "[learningpool]\nprovider = learningpool\nbase_url = %s/api\ntenant_id = 73c9ac34-0000-4c17-b60f-8ec0b134a72b\n"
    "api_key = sandbox-pool-key\n",
    "[avia]\nprovider = avia\nbase_url = %s\naccess_token = sandbox-avia-token\n",
    "[thrive]\nprovider = thrive\nbase_url = %1$s/rest\nevents_url = %1$s/webhooks\ntenant_id = sandbox-tenant\n"
    "secret = sandbox-thrive-secret\n",
};

static int write_conf(const struct stage *s, struct err *e)
{
    char path[PATH_MAX];
    int rc = path_below(s, "demo.conf", path, e);
    if (rc)
        return rc;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && dprintf(fd, "[lmsfs]\ncache_dir = %s/cache\n", s->dir) > 0;
    for (size_t i = 0; good && i < sizeof tenants / sizeof tenants[0]; i++)
        good = dprintf(fd, "\n") > 0 && dprintf(fd, tenants[i], s->url) > 0 && dprintf(fd, "rate_per_minute = 600\n") > 0;
    if (!good)
        rc = err_set(e, -errno, "can't write %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return rc;
}

int stage_set(struct stage *s, const char *mountpoint, unsigned people, struct err *e)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGHUP);
    sigprocmask(SIG_BLOCK, &ours, NULL);
    s->signals = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    s->interactive = isatty(0) && isatty(1) && !getenv("CI");
    int rc = s->signals < 0 ? err_set(e, -errno, "can't take signals: %s", strerror(errno)) : 0;
    if (!rc)
        rc = spawn_self(s->self, sizeof s->self, e);
    if (!rc)
        rc = make_env(s, e);
    if (!rc)
        rc = make_folder(s, mountpoint, e);
    if (!rc)
        rc = start_sandbox(s, people, e);
    return rc ? rc : write_conf(s, e);
}

/* ---- playing ---- */

static bool signalled(const struct stage *s)
{
    struct signalfd_siginfo got;
    return read(s->signals, &got, sizeof got) == (ssize_t)sizeof got;
}

static int interrupted(struct err *e)
{
    return err_set(e, -EINTR, "interrupted");
}

/* Prints what comes and keeps it, until the end of the output. */
static int follow(struct stage *s, int fd, pid_t group, struct err *e)
{
    int64_t deadline = monotonic_ms() + COMMAND_WITHIN_MS;
    size_t n = 0;
    int rc = 0;
    for (;;) {
        struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = s->signals, .events = rc ? 0 : POLLIN}};
        int64_t left = deadline - monotonic_ms();
        int ready = left > 0 ? poll(p, 2, (int)left) : 0;
        if (!rc && (ready == 0 || signalled(s))) {
            rc = ready ? interrupted(e) : err_set(e, -ETIMEDOUT, "it didn't end within %d s", COMMAND_WITHIN_MS / 1000);
            kill(-group, SIGKILL);
            deadline = monotonic_ms() + 5000;
            continue;
        }
        if (rc && ready == 0)
            break; /* something holds the pipe that can't be killed: a process in a hung mount */
        if (!(p[0].revents & (POLLIN | POLLHUP)))
            continue;
        char text[4096];
        ssize_t got = read(fd, text, sizeof text - 1);
        if (got <= 0)
            break;
        fwrite(text, 1, (size_t)got, stdout);
        fflush(stdout);
        size_t room = sizeof s->output - 1 - n, take = (size_t)got < room ? (size_t)got : room;
        memcpy(s->output + n, text, take);
        n += take;
    }
    s->output[n] = '\0';
    return rc;
}

static int judge(const struct stage *s, int status, enum outcome expected, const char *text, struct err *e)
{
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (good != (expected == SUCCEEDS) || !WIFEXITED(status))
        return err_set(e, -EIO, "that should have %s", expected == SUCCEEDS ? "succeeded" : "been refused");
    if (text && !strstr(s->output, text))
        return err_set(e, -EIO, "\"%s\" should have been in what it printed", text);
    return 0;
}

int stage_run(struct stage *s, const char *command, enum outcome expected, const char *text, struct err *e)
{
    int ends[2], status = 0;
    pid_t pid = 0;
    if (s->interactive)
        printf("\n\033[1m$ %s\033[0m\n", command);
    else
        printf("\n$ %s\n", command);
    fflush(stdout);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(e, -errno, "can't make a pipe: %s", strerror(errno));
    char *argv[] = {"/bin/sh", "-c", (char *)command, NULL};
    struct spawn how = {.argv = argv,
                        .env = s->env,
                        .cwd = s->mounted ? s->mountpoint : s->dir,
                        .input = -1,
                        .output = ends[1],
                        .own_group = true};
    int rc = spawn_start(&how, &pid, e);
    close(ends[1]);
    if (!rc) {
        rc = follow(s, ends[0], pid, e);
        if (rc != -ETIMEDOUT)
            while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
    }
    close(ends[0]);
    return rc ? rc : judge(s, status, expected, text, e);
}

int stage_pause(struct stage *s, const char *prompt, struct err *e)
{
    if (!s->interactive)
        return signalled(s) ? interrupted(e) : 0;
    printf("\n%s ", prompt);
    fflush(stdout);
    for (;;) {
        struct pollfd p[] = {{.fd = 0, .events = POLLIN}, {.fd = s->signals, .events = POLLIN}};
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return err_set(e, -errno, "%s", strerror(errno));
        if (signalled(s))
            return interrupted(e);
        char typed[256];
        if (p[0].revents && read(0, typed, sizeof typed) <= 0)
            s->interactive = false; /* the terminal has gone: go on without */
        if (p[0].revents)
            return 0;
    }
}

struct got {
    json_t *json;
    struct err err;
    bool over;
};

static void on_reply(void *ctx, struct net_result *r)
{
    struct got *g = ctx;
    g->err = r->err;
    g->json = r->err.code ? NULL : json_loadb(r->reply.body, r->reply.len, 0, NULL);
    g->over = true;
}

int stage_get(struct stage *s, const char *path, json_t **reply, struct err *e)
{
    struct got g = {0};
    struct net_host_options o = {.name = "sandbox", .base_url = s->url, .max_response = 64 * 1024 * 1024};
    struct net_options how = {.class = NET_PEOPLE, .timeout_ms = 10000};
    struct http_request r = {.method = HTTP_GET, .path = strdup(path), .idempotent = true};
    struct net *n = net_new(e);
    struct net_host *h = n ? net_host_new(n, &o, e) : NULL;
    bool sent = h && net_send(h, &r, &how, on_reply, &g);
    while (sent && !g.over)
        net_poll(n, NULL, 0, 1000);
    if (!h)
        http_request_release(&r);
    net_free(n);
    *reply = g.json;
    if (g.json)
        return 0;
    return err_set(e, -EIO, "the sandbox doesn't answer %s: %s", path, g.err.text);
}

/* ---- clearing away ---- */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

static int unmount(struct stage *s, struct err *e)
{
    char text[1024] = "";
    int status = 0;
    char *umount[] = {s->self, "umount", s->mountpoint, NULL};
    char *detach[] = {"fusermount3", "-u", "-z", s->mountpoint, NULL};
    struct spawn how = {.argv = umount, .input = -1};
    printf("\n$ lmsfs umount %s\n", s->mountpoint);
    fflush(stdout);
    int rc = spawn_capture(&how, text, sizeof text, &status, e);
    while (!rc && status && s->interactive) {
        fputs(text, stdout);
        printf("%s", text);
        rc = stage_pause(s, "Leave it, then press Enter.", e);
        if (!rc)
            rc = spawn_capture(&how, text, sizeof text, &status, e);
    }
    if (!rc && !status)
        return 0;
    how.argv = detach; /* whatever holds it: nothing of the demo may stay */
    spawn_capture(&how, text, sizeof text, &status, NULL);
    return err_set(e, -EBUSY, "%s was in use and had to be detached", s->mountpoint);
}

int stage_strike(struct stage *s, struct err *e)
{
    int rc = 0;
    if (s->mounted)
        rc = unmount(s, e);
    if (s->sandbox > 0) {
        kill(s->sandbox, SIGTERM);
        int64_t deadline = monotonic_ms() + 5000;
        while (waitpid(s->sandbox, NULL, WNOHANG) == 0) {
            if (monotonic_ms() > deadline)
                kill(s->sandbox, SIGKILL);
            pause_ms(20);
        }
    }
    if (s->dir[0] && nftw(s->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0 && !rc)
        rc = err_set(e, -errno, "can't remove %s: %s", s->dir, strerror(errno));
    for (char **p = s->env; p && *p; p++)
        free(*p);
    free(s->env);
    if (s->signals >= 0)
        close(s->signals);
    return rc;
}
