/* spawn.c — posix_spawn, and where our programs are. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int describe(const struct spawn *s, posix_spawn_file_actions_t *files, posix_spawnattr_t *attr)
{
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    sigset_t none, all;
    sigemptyset(&none);
    sigemptyset(&all);
    sigaddset(&all, SIGPIPE);
    sigaddset(&all, SIGINT);
    sigaddset(&all, SIGTERM);
    sigaddset(&all, SIGHUP);
    int rc = posix_spawnattr_setsigmask(attr, &none);
    if (!rc)
        rc = posix_spawnattr_setsigdefault(attr, &all);
    if (!rc && s->own_group) {
        flags |= POSIX_SPAWN_SETPGROUP;
        rc = posix_spawnattr_setpgroup(attr, 0);
    }
    if (!rc)
        rc = posix_spawnattr_setflags(attr, flags);
    if (!rc && s->cwd)
        rc = posix_spawn_file_actions_addchdir_np(files, s->cwd);
    if (!rc && s->input < 0)
        rc = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);
    else if (!rc && s->input > 0)
        rc = posix_spawn_file_actions_adddup2(files, s->input, 0);
    if (!rc && s->output >= 0)
        rc = posix_spawn_file_actions_adddup2(files, s->output, 1);
    if (!rc && s->output >= 0)
        rc = posix_spawn_file_actions_adddup2(files, s->output, 2);
    return rc;
}

int spawn_start(const struct spawn *s, pid_t *pid, struct err *e)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&files);
    if (rc)
        return err_set(e, -rc, "can't start %s: %s", s->argv[0], strerror(rc));
    rc = posix_spawnattr_init(&attr);
    if (rc)
        goto out_files;
    rc = describe(s, &files, &attr);
    if (!rc)
        rc = posix_spawnp(pid, s->argv[0], &files, &attr, s->argv, s->env ? s->env : environ);
    posix_spawnattr_destroy(&attr);
out_files:
    posix_spawn_file_actions_destroy(&files);
    if (rc)
        return err_set(e, -rc, "can't start %s: %s", s->argv[0], strerror(rc));
    return 0;
}

int spawn_capture(struct spawn *s, char *text, size_t size, int *status, struct err *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(e, -errno, "can't make a pipe: %s", strerror(errno));
    pid_t pid = -1;
    s->output = ends[1];
    int rc = spawn_start(s, &pid, e);
    close(ends[1]);
    size_t n = 0;
    while (!rc) {
        char spill[512];
        bool full = n + 1 >= size;
        ssize_t got = full ? read(ends[0], spill, sizeof spill) : read(ends[0], text + n, size - 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        if (!full)
            n += (size_t)got;
    }
    text[n] = '\0';
    close(ends[0]);
    while (!rc && waitpid(pid, status, 0) < 0)
        if (errno != EINTR)
            rc = err_set(e, -errno, "lost %s: %s", s->argv[0], strerror(errno));
    return rc;
}

int spawn_self(char *path, size_t size, struct err *e)
{
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    if (n < 0)
        return err_set(e, -errno, "can't tell where lmsfs itself is: %s", strerror(errno));
    path[n] = '\0';
    return 0;
}

static bool runnable(const char *path)
{
    return access(path, X_OK) == 0;
}

int spawn_find(const char *program, char *path, size_t size, struct err *e)
{
    static const char *const below[] = {"", "../libexec/", "../libexec/lmsfs/"};
    char self[4096];
    int rc = spawn_self(self, sizeof self, e);
    if (rc)
        return rc;
    int folder = (int)(strrchr(self, '/') - self);
    for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
        int n = snprintf(path, size, "%.*s/%s%s", folder, self, below[i], program);
        if (n > 0 && (size_t)n < size && runnable(path))
            return 0;
    }
    const char *dirs = getenv("PATH");
    for (const char *p = dirs ? dirs : ""; *p; p += strspn(p, ":")) {
        int len = (int)strcspn(p, ":");
        int n = snprintf(path, size, "%.*s/%s", len, p, program);
        if (n > 0 && (size_t)n < size && runnable(path))
            return 0;
        p += len;
    }
    return err_set(e, -ENOENT, "%s is neither in %.*s nor in PATH", program, folder, self);
}
