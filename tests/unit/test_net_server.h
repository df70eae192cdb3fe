/* test_net_server.h — an HTTP/1.1 server on loopback that misbehaves as its path says, and a client's loop that never sleeps.
 *
 * A thread per connection. Everything it got is in `seen`, in order of arrival. Paths ("/<verb>/<argument>", "/<verb>"):
 *   ok              200 "{}"
 *   echo            200 with the request's head and body
 *   status/N        N
 *   first/N         N, then 200 for the same path ever after
 *   throttle/S      429 with Retry-After: S, then 200
 *   drop            no reply, the connection is closed
 *   drop-once       the first time; then 200
 *   half            a reply that ends in its middle
 *   garbage         no HTTP
 *   gate            200 once gate_open was called
 *   big/N           N bytes with Content-Length
 *   chunked/N       N bytes without
 *   gzip            1 MiB of zeros as 1 KB
 *   redirect        302 to /ok
 *   not-again       200, and whatever comes next on this connection is read and dropped
 *   gate-after-429  429 with Retry-After: 1, then as gate
 *   retry-date      503 with Retry-After as the date in an hour
 *   dated           200 with a Date of half a day before
 */
#ifndef TEST_NET_SERVER_H
#define TEST_NET_SERVER_H

#include "base/clock.h"
#include "lmsfs/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SEEN_MOST        4096
#define CONNECTIONS_MOST 512
#define GIVE_UP_MS       30000

struct seen {
    char line[128]; /* "GET /ok" */
    int connection;
    int64_t at;
};

static struct {
    int listener, port;
    int arrived; /* eventfd: one for each request */
    pthread_t acceptor;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool gate, closing;
    int fds[CONNECTIONS_MOST], connections, open, most_open;
    struct seen seen[SEEN_MOST];
    int seen_n;
} server;

static void lock(void)
{
    pthread_mutex_lock(&server.lock);
}

static void unlock(void)
{
    pthread_mutex_unlock(&server.lock);
}

/* ---- the server's side ---- */

static bool put(int fd, const void *data, size_t len)
{
    for (size_t n = 0; n < len;) {
        ssize_t sent = send(fd, (const char *)data + n, len - n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        n += (size_t)sent;
    }
    return true;
}

static bool reply(int fd, int status, const char *headers, const void *body, size_t len)
{
    char head[512];
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n", status, len, headers);
    return put(fd, head, (size_t)n) && put(fd, body, len);
}

/* Head and body into buf; the head's length, 0 when the other side is gone or speaks no HTTP. */
static size_t read_request(int fd, char *buf, size_t size, size_t *body_len)
{
    size_t n = 0, head = 0, body = 0;
    for (;;) {
        ssize_t got = recv(fd, buf + n, size - n - 1, 0);
        if (got <= 0 || buf[0] < 'A' || buf[0] > 'Z')
            return 0;
        n += (size_t)got;
        buf[n] = '\0';
        char *end = strstr(buf, "\r\n\r\n");
        if (!end)
            continue;
        head = (size_t)(end - buf) + 4;
        char *length = strcasestr(buf, "\r\nContent-Length:");
        body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
        break;
    }
    while (n < head + body) {
        ssize_t got = recv(fd, buf + n, size - n - 1, 0);
        if (got <= 0)
            return 0;
        n += (size_t)got;
        buf[n] = '\0';
    }
    *body_len = body;
    return head;
}

/* Notes the request; how often the same one was there before. */
static int note(const char *request, int connection)
{
    int before = 0;
    lock();
    struct seen *s = &server.seen[server.seen_n < SEEN_MOST ? server.seen_n++ : SEEN_MOST - 1];
    size_t len = strcspn(request, " ") + 1;
    len += strcspn(request + len, " ");
    snprintf(s->line, sizeof s->line, "%.*s", (int)len, request);
    s->connection = connection;
    s->at = monotonic_ms();
    for (struct seen *t = server.seen; t < s; t++)
        before += strcmp(t->line, s->line) == 0;
    unlock();
    eventfd_write(server.arrived, 1);
    return before;
}

static bool wait_for_gate(void)
{
    lock();
    while (!server.gate && !server.closing)
        pthread_cond_wait(&server.changed, &server.lock);
    bool ok = server.gate;
    unlock();
    return ok;
}

static bool send_big(int fd, size_t n, bool chunked)
{
    char *body = malloc(n + 64), *p = body;
    if (chunked)
        p += sprintf(p, "%zx\r\n", n);
    memset(p, 'x', n);
    p += n;
    if (chunked)
        p += sprintf(p, "\r\n0\r\n\r\n");
    static const char head[] = "HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n";
    bool ok = chunked ? put(fd, head, sizeof head - 1) && put(fd, body, (size_t)(p - body)) : reply(fd, 200, "", body, n);
    free(body);
    return ok;
}

static bool send_gzip(int fd)
{
    static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0,    0,    0,    0,    2,    3, 0xed, 0xc1, 0x31,
                                         1,    0,    0, 0, 0xc2, 0xa0, 0xf5, 0x4f, 0x6d, 8, 0x5f, 0xa0};
    static const unsigned char tail[] = {0x3e, 0x03, 0x1c, 0xea, 0x38, 0xa7, 0x00, 0x00, 0x10, 0x00};
    unsigned char body[1051] = {0};
    memcpy(body, head, sizeof head);
    memcpy(body + sizeof body - sizeof tail, tail, sizeof tail);
    return reply(fd, 200, "Content-Encoding: gzip\r\n", body, sizeof body);
}

static bool answer_retry_date(int fd)
{
    char header[128];
    time_t then = time(NULL) + 3600;
    struct tm tm;
    strftime(header, sizeof header, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&then, &tm));
    return reply(fd, 503, header, "", 0);
}

static bool answer_dated(int fd)
{
    char header[128];
    time_t then = time(NULL) - 43200;
    struct tm tm;
    strftime(header, sizeof header, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&then, &tm));
    return reply(fd, 200, header, "", 0);
}

/* False: the connection ends here. */
static bool answer(int fd, const char *request, size_t head, size_t body, int before)
{
    const char *verb = strchr(request, ' ') + 2, *slash = verb + strcspn(verb, "/? ");
    size_t len = (size_t)(slash - verb);
    int n = *slash == '/' ? atoi(slash + 1) : 0;
    char header[64];
#define IS(word) (len == sizeof word - 1 && memcmp(verb, word, len) == 0)
    if (IS("echo"))
        return reply(fd, 200, "", request, head + body);
    if (IS("dated"))
        return answer_dated(fd);
    if (IS("status"))
        return reply(fd, n, "", "why", 3);
    if (IS("first") && before == 0)
        return reply(fd, n, "", "not yet", 7);
    if (IS("throttle") && before == 0) {
        snprintf(header, sizeof header, "Retry-After: %d\r\n", n);
        return reply(fd, 429, header, "slow down", 9);
    }
    if (IS("gate-after-429"))
        return before == 0 ? reply(fd, 429, "Retry-After: 1\r\n", "", 0) : wait_for_gate() && false;
    if (IS("drop") || (IS("drop-once") && before == 0))
        return false;
    if (IS("half"))
        return put(fd, "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nhalf", 43) && false;
    if (IS("garbage"))
        return put(fd, "220 mail.example.com ESMTP\r\n\r\n", 30) && false;
    if (IS("gate") && !wait_for_gate())
        return false;
    if (IS("big") || IS("chunked"))
        return send_big(fd, (size_t)n, *verb == 'c');
    if (IS("gzip"))
        return send_gzip(fd);
    if (IS("redirect"))
        return reply(fd, 302, "Location: /ok\r\n", "", 0);
    if (IS("retry-date"))
        return answer_retry_date(fd);
#undef IS
    return reply(fd, 200, "Content-Type: application/json\r\n", "{}", 2);
}

static void *serve(void *arg)
{
    int connection = (int)(intptr_t)arg;
    enum { SIZE = 1 << 20 };
    char *buf = malloc(SIZE);
    lock();
    int fd = server.fds[connection];
    unlock();
    size_t head, body;
    bool not_again = false;
    while ((head = read_request(fd, buf, SIZE, &body)) > 0) {
        int before = note(buf, connection);
        if (not_again || !answer(fd, buf, head, body, before))
            break;
        not_again = strstr(buf, " /not-again") != NULL;
    }
    free(buf);
    lock();
    close(fd);
    server.fds[connection] = -1;
    server.open--;
    pthread_cond_broadcast(&server.changed);
    unlock();
    return NULL;
}

static void *accept_all(void *arg)
{
    (void)arg;
    int fd;
    while ((fd = accept(server.listener, NULL, NULL)) >= 0) {
        lock();
        pthread_t thread;
        pthread_attr_t detached;
        pthread_attr_init(&detached);
        pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
        int connection = server.connections;
        if (server.closing || connection == CONNECTIONS_MOST ||
            (server.fds[connection] = fd, pthread_create(&thread, &detached, serve, (void *)(intptr_t)connection)) != 0) {
            close(fd);
        } else {
            server.connections++;
            if (++server.open > server.most_open)
                server.most_open = server.open;
        }
        pthread_attr_destroy(&detached);
        unlock();
    }
    return NULL;
}

static int listen_anywhere(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 256) < 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) < 0)
        return -1;
    *port = ntohs(a.sin_port);
    return fd;
}

/* cmocka setup and teardown: a server for each test. */
static int server_start(void **state)
{
    (void)state;
    memset(&server, 0, sizeof server);
    pthread_mutex_init(&server.lock, NULL);
    pthread_cond_init(&server.changed, NULL);
    server.listener = listen_anywhere(&server.port);
    server.arrived = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
    if (server.listener < 0 || server.arrived < 0)
        return -1;
    return pthread_create(&server.acceptor, NULL, accept_all, NULL);
}

static int server_stop(void **state)
{
    (void)state;
    lock();
    server.closing = true;
    pthread_cond_broadcast(&server.changed);
    for (int i = 0; i < server.connections; i++)
        if (server.fds[i] >= 0)
            shutdown(server.fds[i], SHUT_RDWR);
    unlock();
    shutdown(server.listener, SHUT_RDWR);
    pthread_join(server.acceptor, NULL);
    close(server.listener);
    lock();
    while (server.open > 0)
        pthread_cond_wait(&server.changed, &server.lock);
    unlock();
    close(server.arrived);
    return 0;
}

static inline void gate_open(void)
{
    lock();
    server.gate = true;
    pthread_cond_broadcast(&server.changed);
    unlock();
}

/* How many requests of that line ("GET /ok") arrived; NULL: of any. */
static inline int seen_count(const char *line)
{
    int n = 0;
    lock();
    for (int i = 0; i < server.seen_n; i++)
        n += !line || strcmp(server.seen[i].line, line) == 0;
    unlock();
    return n;
}

/* The i-th request. */
static inline struct seen seen_at(int i)
{
    lock();
    struct seen s = server.seen[i];
    unlock();
    return s;
}

static inline int connection_count(void)
{
    lock();
    int n = server.connections;
    unlock();
    return n;
}

/* ---- the client's side ---- */

/* What became of a call. */
struct end {
    int runs; /* of the completion */
    int code, status, retry_after;
    int64_t made_at;
    bool sent;
    unsigned attempts;
    char *body;
    size_t len;
    char text[512];
};

static void on_end(void *ctx, struct net_result *r)
{
    struct end *end = ctx;
    end->runs++;
    end->code = r->err.code;
    end->status = r->reply.status;
    end->retry_after = r->reply.retry_after;
    end->made_at = r->reply.made_at;
    end->sent = r->sent;
    end->attempts = r->attempts;
    end->len = r->reply.len;
    end->body = r->reply.body; /* stolen */
    r->reply.body = NULL;
    memcpy(end->text, r->err.text, sizeof end->text);
}

static struct net *new_net(void)
{
    struct err e = {0};
    struct net *n = net_new(&e);
    assert_string_equal(e.text, "");
    assert_non_null(n);
    return n;
}

static struct net_host *new_host_at(struct net *n, const char *url, int rate, const char *budget_file)
{
    struct net_host_options o = {
        .name = "acme", .base_url = url, .rate_per_minute = rate, .max_response = 100000, .budget_file = budget_file};
    struct err e = {0};
    struct net_host *h = net_host_new(n, &o, &e);
    assert_string_equal(e.text, "");
    assert_non_null(h);
    return h;
}

static struct net_host *new_host(struct net *n, int rate)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", server.port);
    return new_host_at(n, url, rate, NULL);
}

static inline struct http_request request(enum http_method method, const char *path)
{
    bool safe = method == HTTP_GET || method == HTTP_PUT || method == HTTP_DELETE;
    return (struct http_request){.method = method, .path = strdup(path), .idempotent = safe};
}

static inline struct http_request request_with_body(enum http_method method, const char *path, const char *body)
{
    struct http_request r = request(method, path);
    r.body = strdup(body);
    r.body_len = strlen(body);
    r.content_type = "application/json";
    return r;
}

static const struct net_options people = {.class = NET_PEOPLE, .timeout_ms = 20000};
static const struct net_options people_retry = {.class = NET_PEOPLE, .timeout_ms = 20000, .retry = true};

static inline struct net_call *start(struct net_host *h, struct http_request r, const struct net_options *o,
                                     struct end *end)
{
    *end = (struct end){0};
    struct net_call *c = net_send(h, &r, o, on_end, end);
    assert_non_null(c);
    assert_null(r.path);
    assert_int_equal(end->runs, 0); /* never from inside net_send */
    return c;
}

/* Polls until *counter reaches n. */
static inline void poll_until(struct net *n, const int *counter, int target)
{
    int64_t give_up = monotonic_ms() + GIVE_UP_MS;
    while (*counter < target) {
        assert_int_equal(net_poll(n, NULL, 0, 1000), 0);
        assert_true(monotonic_ms() < give_up);
    }
    assert_int_equal(*counter, target);
}

/* Polls until so many requests more have arrived at the server. */
static inline void poll_until_arrived(struct net *n, int requests)
{
    int64_t give_up = monotonic_ms() + GIVE_UP_MS;
    while (requests > 0) {
        struct pollfd fd = {.fd = server.arrived, .events = POLLIN};
        assert_int_equal(net_poll(n, &fd, 1, 1000), 0);
        assert_true(monotonic_ms() < give_up);
        eventfd_t one;
        if (fd.revents && eventfd_read(server.arrived, &one) == 0)
            requests--;
    }
}

/* Sends it and polls to its end. */
static inline void run(struct net *n, struct net_host *h, struct http_request r, const struct net_options *o,
                       struct end *end)
{
    start(h, r, o, end);
    poll_until(n, &end->runs, 1);
}

#endif
