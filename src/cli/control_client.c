/* control_client.c — how a command speaks to the daemon. */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

int control_address(const char *cache_dir, struct sockaddr_un *a, int *dir, struct err *e)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    *dir = -1;
    int n = snprintf(a->sun_path, sizeof a->sun_path, "%s/%s", cache_dir, CONTROL_SOCKET);
    if (n > 0 && (size_t)n < sizeof a->sun_path)
        return 0;
    *dir = open(cache_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*dir < 0)
        return err_set(e, -errno, "%s: %s", cache_dir, strerror(errno));
    snprintf(a->sun_path, sizeof a->sun_path, "/proc/self/fd/%d/%s", *dir, CONTROL_SOCKET);
    return 0;
}

int control_connect(const char *cache_dir, struct control_client *c, struct err *e)
{
    struct sockaddr_un a;
    int dir;
    int rc = control_address(cache_dir, &a, &dir, e);
    if (rc)
        return rc;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0) {
        rc = err_set(e, -errno, "can't make a socket: %s", strerror(errno));
        goto out;
    }
    if (connect(c->fd, (struct sockaddr *)&a, sizeof a) < 0) {
        rc = errno == ENOENT ? -ECONNREFUSED : -errno;
        if (rc == -ECONNREFUSED)
            err_set(e, rc, "no daemon serves the cache folder %s", cache_dir);
        else
            err_set(e, rc, "can't reach the daemon of %s: %s", cache_dir, strerror(-rc));
        close(c->fd);
        c->fd = -1;
        goto out;
    }
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    c->daemon = getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? peer.pid : 0;
    snprintf(c->cache_dir, sizeof c->cache_dir, "%s", cache_dir);
out:
    if (dir >= 0)
        close(dir);
    return rc;
}

void control_close(struct control_client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

/* 0 when fd is ready for `events`, else -ETIMEDOUT. */
static int wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline < 0 ? -1 : deadline - monotonic_ms();
        if (deadline >= 0 && left <= 0)
            return -ETIMEDOUT;
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, (int)left);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return -errno;
    }
}

static int gone(struct err *e)
{
    return err_set(e, -EPIPE, "the daemon ended before it answered");
}

int control_send(struct control_client *c, const json_t *request, struct err *e)
{
    char *line = json_dumps(request, JSON_COMPACT);
    if (!line)
        return err_set(e, -ENOMEM, "out of memory");
    size_t len = strlen(line), sent = 0;
    line[len] = '\n'; /* in the place of the NUL */
    int64_t deadline = monotonic_ms() + 10000;
    int rc = len < CONTROL_LINE_MAX ? 0 : err_set(e, -EFBIG, "the request is too long");
    while (!rc && sent < len + 1) {
        ssize_t n = send(c->fd, line + sent, len + 1 - sent, MSG_NOSIGNAL);
        if (n > 0)
            sent += (size_t)n;
        else if (errno == EAGAIN && wait_for(c->fd, POLLOUT, deadline) < 0)
            rc = err_set(e, -ETIMEDOUT, "the daemon doesn't take a request");
        else if (errno != EAGAIN && errno != EINTR)
            rc = gone(e);
    }
    free(line);
    return rc;
}

int control_wait(struct control_client *c, int timeout_ms)
{
    return wait_for(c->fd, POLLIN, monotonic_ms() + timeout_ms);
}

int control_receive(struct control_client *c, int timeout_ms, json_t **reply, struct err *e)
{
    int64_t deadline = timeout_ms < 0 ? -1 : monotonic_ms() + timeout_ms;
    size_t size = 16384, n = 0;
    char *line = malloc(size);
    if (!line)
        return err_set(e, -ENOMEM, "out of memory");
    int rc = 0;
    while (!rc) {
        if (n == size) {
            char *bigger = size < CONTROL_REPLY_MAX ? realloc(line, size *= 2) : NULL;
            if (!bigger) {
                rc = err_set(e, -EFBIG, "the daemon's answer is too long");
                break;
            }
            line = bigger;
        }
        if (wait_for(c->fd, POLLIN, deadline) < 0) {
            rc = err_set(e, -ETIMEDOUT, "no answer from the daemon (pid %d) within %d s", (int)c->daemon,
                         timeout_ms / 1000);
            break;
        }
        ssize_t got = recv(c->fd, line + n, size - n, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got <= 0) {
            rc = gone(e);
            break;
        }
        n += (size_t)got;
        if (line[n - 1] != '\n')
            continue;
        *reply = json_loadb(line, n, JSON_ALLOW_NUL, NULL);
        if (!json_is_object(*reply)) {
            json_decref(*reply);
            rc = err_set(e, -EPROTO, "the daemon's answer can't be read");
        }
        break;
    }
    free(line);
    return rc;
}

int control_ask(struct control_client *c, const json_t *request, int timeout_ms, json_t **reply, struct err *e)
{
    int rc = control_send(c, request, e);
    return rc ? rc : control_receive(c, timeout_ms, reply, e);
}

int process_wait_gone(int pidfd, int timeout_ms)
{
    return wait_for(pidfd, POLLIN, monotonic_ms() + timeout_ms);
}
