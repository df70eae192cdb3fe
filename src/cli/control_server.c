/* control_server.c — the daemon's end of the control socket.
 *
 * The listening socket and its clients live on the engine thread; main makes and frees the server while that thread
 * doesn't run. A client is freed when it has hung up and no ask of its is under way: an ask always comes back once.
 */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct client {
    LIST_ENTRY(client) link;
    struct control_server *server;
    int fd;        /* -1: hung up, an ask is still under way */
    short watched; /* events it is watched for; -1: not watched */
    bool closing;  /* goes once its output is out */
    struct ucred peer;
    uint64_t ask_id; /* 0: none under way */
    size_t in_n, out_n, out_sent;
    char *out;
    char in[CONTROL_LINE_MAX];
};

struct control_order { /* made and answered on the engine's thread, carried out by the main thread */
    STAILQ_ENTRY(control_order) link;
    struct client *client;
    json_t *request, *answer;
};

struct control_server {
    struct engine *engine;
    pthread_mutex_t orders_lock;
    STAILQ_HEAD(order_list, control_order) orders;
    int orders_fd;
    char *cache_dir;
    int fd;
    bool watched, stopping;
    unsigned clients_n;
    LIST_HEAD(client_list, client) clients;
};

struct command { /* an ask and whose it is */
    struct ask ask;
    struct client *client;
};

static void client_ready(void *ctx, int fd, short revents);
static void listener_ready(void *ctx, int fd, short revents);

/* ---- a client's life ---- */

static void client_unwatch(struct client *c)
{
    if (c->watched >= 0)
        engine_unwatch_fd(c->server->engine, c->fd);
    c->watched = -1;
}

static void client_free(struct client *c)
{
    LIST_REMOVE(c, link);
    c->server->clients_n--;
    free(c->out);
    free(c);
}

static void client_hang_up(struct client *c)
{
    struct control_server *s = c->server;
    client_unwatch(c);
    close(c->fd);
    c->fd = -1;
    if (!s->watched && !s->stopping && engine_watch_fd(s->engine, s->fd, POLLIN, listener_ready, s) == 0)
        s->watched = true; /* it was unwatched for the crowd */
    if (c->ask_id)
        engine_interrupt(s->engine, c->ask_id);
    else
        client_free(c);
}

/* Watches for what it waits for: room for output, or input while no ask is under way. Hanging up is always seen. */
static void client_watch(struct client *c)
{
    short events = c->out_sent < c->out_n ? POLLOUT : c->ask_id ? 0 : POLLIN;
    if (events == c->watched)
        return;
    client_unwatch(c);
    if (engine_watch_fd(c->server->engine, c->fd, events, client_ready, c) == 0)
        c->watched = events;
    else
        client_hang_up(c);
}

/* ---- output ---- */

/* false: the client is gone. */
static bool client_flush(struct client *c)
{
    while (c->out_sent < c->out_n) {
        ssize_t n = send(c->fd, c->out + c->out_sent, c->out_n - c->out_sent, MSG_NOSIGNAL);
        if (n > 0) {
            c->out_sent += (size_t)n;
        } else if (errno == EAGAIN) {
            return true;
        } else if (errno != EINTR) {
            client_hang_up(c);
            return false;
        }
    }
    free(c->out);
    c->out = NULL;
    c->out_n = c->out_sent = 0;
    if (c->closing) {
        client_hang_up(c);
        return false;
    }
    return true;
}

static bool client_answer(struct client *c, const json_t *answer)
{
    char *line = json_dumps(answer, JSON_COMPACT);
    if (!line) {
        client_hang_up(c);
        return false;
    }
    free(c->out); /* empty: one request at a time */
    c->out = line;
    c->out_n = strlen(line) + 1;
    c->out_sent = 0;
    line[c->out_n - 1] = '\n';
    return client_flush(c);
}

static bool client_refuse(struct client *c, int code, const char *text)
{
    json_t *answer = json_pack("{s:b, s:s, s:s}", "ok", 0, "errno", err_name(code), "error", text);
    bool alive = client_answer(c, answer);
    json_decref(answer);
    return alive;
}

/* ---- commands ---- */

static void client_serve(struct client *c);

static void command_done(struct ask *a, int result)
{
    struct command *q = (struct command *)a;
    struct client *c = q->client;
    struct err e = ask_err(a);
    c->ask_id = 0;
    if (c->fd < 0) {
        client_free(c);
    } else {
        if (!a->answer)
            a->answer = json_object();
        if (!json_object_get(a->answer, "ok"))
            json_object_set_new(a->answer, "ok", json_boolean(result == 0));
        if (result && !json_object_get(a->answer, "errno"))
            json_object_set_new(a->answer, "errno", json_string(err_name(result)));
        if (result && !json_object_get(a->answer, "error"))
            json_object_set_new(a->answer, "error", json_string(e.text[0] ? e.text : strerror(-result)));
        if (client_answer(c, a->answer))
            client_serve(c);
    }
    ask_release(a);
    free(q);
}

static bool is_order(const json_t *request)
{
    const char *cmd = json_string_value(json_object_get(request, "cmd"));
    return cmd && (strcmp(cmd, "mount") == 0 || strcmp(cmd, "mounts") == 0);
}

/* Takes the request over. The client is kept, as with an ask, until its answer comes. */
static bool client_order(struct client *c, json_t *request)
{
    struct control_server *s = c->server;
    struct control_order *o = calloc(1, sizeof *o);
    const uint64_t one = 1;
    if (!o) {
        json_decref(request);
        return client_refuse(c, -ENOMEM, "out of memory");
    }
    *o = (struct control_order){.client = c, .request = request};
    c->ask_id = engine_ask_id(s->engine);
    pthread_mutex_lock(&s->orders_lock);
    STAILQ_INSERT_TAIL(&s->orders, o, link);
    pthread_mutex_unlock(&s->orders_lock);
    (void)!write(s->orders_fd, &one, sizeof one);
    return true;
}

/* One request line, which it takes over. false: the client is gone. */
static bool client_command(struct client *c, char *line, size_t len)
{
    json_t *request = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    bool understood = json_is_string(json_object_get(request, "cmd"));
    if (is_order(request) && !c->server->stopping) {
        free(line);
        return client_order(c, request);
    }
    json_decref(request);
    struct command *q = understood && !c->server->stopping ? calloc(1, sizeof *q) : NULL;
    if (!q) {
        free(line);
        return !understood           ? client_refuse(c, -EINVAL, "that is no request")
               : c->server->stopping ? client_refuse(c, -ESHUTDOWN, "the mount is ending")
                                     : client_refuse(c, -ENOMEM, "out of memory");
    }
    q->client = c;
    q->ask = (struct ask){.kind = ASK_COMMAND,
                          .text = line,
                          .text_len = len,
                          .people = true,
                          .caller = {.uid = c->peer.uid, .pid = c->peer.pid},
                          .done = command_done};
    c->ask_id = q->ask.id = engine_ask_id(c->server->engine);
    int rc = engine_ask(c->server->engine, &q->ask);
    if (rc == 0)
        return true;
    c->ask_id = 0;
    ask_release(&q->ask);
    free(q);
    return client_refuse(c, rc, rc == -EBUSY ? "the daemon has too much to do; try again" : "the mount is ending");
}

/* The next line of the input, malloc'ed; NULL: none is complete, or no memory. */
static char *client_line(struct client *c, size_t *len)
{
    char *end = memchr(c->in, '\n', c->in_n);
    char *line = end ? strndup(c->in, (size_t)(end - c->in)) : NULL;
    if (!line)
        return NULL;
    *len = strlen(line);
    c->in_n -= (size_t)(end + 1 - c->in);
    memmove(c->in, end + 1, c->in_n);
    return line;
}

/* Takes the lines that are there, one request after the other, and goes on watching. */
static void client_serve(struct client *c)
{
    char *line;
    size_t len;
    while (!c->ask_id && c->out_sent == c->out_n && (line = client_line(c, &len)))
        if (!client_command(c, line, len))
            return;
    if (!c->ask_id && c->in_n == sizeof c->in) {
        c->closing = true;
        c->in_n = 0;
        if (!client_refuse(c, -EFBIG, "the request is too long"))
            return;
    }
    client_watch(c);
}

static void client_ready(void *ctx, int fd, short revents)
{
    struct client *c = ctx;
    (void)fd;
    if (revents & POLLOUT) {
        if (client_flush(c))
            client_serve(c);
        return;
    }
    if (!(revents & POLLIN) || c->ask_id) {
        if (revents & (POLLHUP | POLLERR | POLLNVAL))
            client_hang_up(c);
        return;
    }
    ssize_t n = recv(c->fd, c->in + c->in_n, sizeof c->in - c->in_n, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_hang_up(c);
        return;
    }
    c->in_n += (size_t)n;
    client_serve(c);
}

static void listener_ready(void *ctx, int fd, short revents)
{
    struct control_server *s = ctx;
    (void)revents;
    int connection = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0)
        return;
    struct ucred peer;
    socklen_t len = sizeof peer;
    struct client *c = NULL;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && (peer.uid == geteuid() || peer.uid == 0))
        c = calloc(1, sizeof *c);
    if (!c) {
        close(connection);
        return;
    }
    c->server = s;
    c->fd = connection;
    c->watched = -1;
    c->peer = peer;
    LIST_INSERT_HEAD(&s->clients, c, link);
    if (++s->clients_n >= CONTROL_CLIENTS_MAX) { /* the next ones wait in the backlog */
        engine_unwatch_fd(s->engine, s->fd);
        s->watched = false;
    }
    client_watch(c);
}

/* ---- orders: the main thread's side ---- */

int control_server_orders_fd(struct control_server *s)
{
    return s->orders_fd;
}

struct control_order *control_server_order(struct control_server *s)
{
    uint64_t any;
    (void)!read(s->orders_fd, &any, sizeof any);
    pthread_mutex_lock(&s->orders_lock);
    struct control_order *o = STAILQ_FIRST(&s->orders);
    if (o)
        STAILQ_REMOVE_HEAD(&s->orders, link);
    pthread_mutex_unlock(&s->orders_lock);
    return o;
}

const json_t *control_order_request(const struct control_order *o)
{
    return o->request;
}

static void order_free(struct control_order *o)
{
    json_decref(o->request);
    json_decref(o->answer);
    free(o);
}

static void order_answered(void *ctx)
{
    struct control_order *o = ctx;
    struct client *c = o->client;
    c->ask_id = 0;
    if (c->fd < 0)
        client_free(c);
    else if (client_answer(c, o->answer))
        client_serve(c);
    order_free(o);
}

void control_order_answer(struct control_order *o, json_t *answer)
{
    o->answer = answer ? answer : json_object();
    engine_call(o->client->server->engine, order_answered, o);
}

/* ---- the server ---- */

static int listen_at(struct control_server *s, struct err *e)
{
    struct sockaddr_un a;
    int dir;
    int rc = control_address(s->cache_dir, &a, &dir, e);
    if (rc)
        return rc;
    unlink(a.sun_path); /* a crash's: we hold the store's lock */
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t before = umask(0177);
    if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(s->fd, CONTROL_CLIENTS_MAX) < 0)
        rc = err_set(e, -errno, "can't listen at %s/%s: %s", s->cache_dir, CONTROL_SOCKET, strerror(errno));
    umask(before);
    if (dir >= 0)
        close(dir);
    return rc;
}

int control_server_new(struct engine *g, const char *cache_dir, struct control_server **out, struct err *e)
{
    struct control_server *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, -ENOMEM, "out of memory");
    s->engine = g;
    s->fd = -1;
    LIST_INIT(&s->clients);
    STAILQ_INIT(&s->orders);
    pthread_mutex_init(&s->orders_lock, NULL);
    s->orders_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->cache_dir = strdup(cache_dir);
    int rc = s->cache_dir && s->orders_fd >= 0 ? listen_at(s, e) : err_set(e, -ENOMEM, "out of memory");
    if (rc) {
        control_server_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

static void begin(void *ctx)
{
    struct control_server *s = ctx;
    if (!s->stopping)
        s->watched = engine_watch_fd(s->engine, s->fd, POLLIN, listener_ready, s) == 0;
}

static void end(void *ctx)
{
    struct control_server *s = ctx;
    if (s->watched)
        engine_unwatch_fd(s->engine, s->fd);
    s->watched = false;
    s->stopping = true;
}

int control_server_start(struct control_server *s, struct err *e)
{
    int rc = engine_run(s->engine, begin, s);
    return rc ? err_set(e, rc, "the control socket can't be served: %s", strerror(-rc)) : 0;
}

void control_server_stop(struct control_server *s)
{
    if (s)
        (void)engine_run(s->engine, end, s); /* where it is refused, the engine has stopped already */
}

void control_server_free(struct control_server *s)
{
    if (!s)
        return;
    struct client *c;
    struct control_order *o;
    while ((o = STAILQ_FIRST(&s->orders))) {
        STAILQ_REMOVE_HEAD(&s->orders, link);
        order_free(o);
    }
    if (s->orders_fd >= 0)
        close(s->orders_fd);
    pthread_mutex_destroy(&s->orders_lock);
    while ((c = LIST_FIRST(&s->clients))) {
        if (c->fd >= 0)
            close(c->fd);
        client_free(c);
    }
    if (s->fd >= 0) {
        struct sockaddr_un a;
        int dir;
        close(s->fd);
        if (control_address(s->cache_dir, &a, &dir, NULL) == 0)
            unlink(a.sun_path);
        if (dir >= 0)
            close(dir);
    }
    free(s->cache_dir);
    free(s);
}
