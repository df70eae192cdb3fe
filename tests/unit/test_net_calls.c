/* One call at a time: what goes out, what comes back, and what is said when nothing does. */
#include "test_net_server.h"

#include <microhttpd.h>
#include <netdb.h>
#include <semaphore.h>

/* ---- a name server that doesn't answer ---- */

static sem_t name_server;      /* posted: it answers */
static sem_t name_server_left; /* a lookup ended */

typedef int getaddrinfo_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* In the place of libc's, for libcurl too. */
int getaddrinfo(const char *restrict name, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict out)
{
    (void)service, (void)hints, (void)out;
    if (name && strcmp(name, "slow.example.com") == 0) {
        sem_wait(&name_server);
        sem_post(&name_server_left);
    }
    return EAI_NONAME;
}

/* ---- what goes out ---- */

static char *line_of(const struct end *end, const char *name)
{
    static char line[512];
    char *at = strcasestr(end->body, name);
    if (!at)
        return NULL;
    snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\r\n"), at);
    return line;
}

static void test_a_request_goes_out_as_it_was_built(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    struct end end;
    struct http_request r = request_with_body(HTTP_POST, "/echo/a%20b?x=1&y=%2F../", "{\"a\":1}");
    http_request_header(&r, "Authorization", "Bearer t0ken");
    http_request_header(&r, "X-Empty", "");
    run(n, h, r, &people, &end);
    assert_int_equal(end.code, 0);
    assert_int_equal(end.status, 200);
    assert_true(end.sent);
    assert_int_equal(end.attempts, 1);
    assert_int_equal(end.retry_after, -1);
    assert_int_equal(end.len, strlen(end.body));
    assert_string_equal(line_of(&end, "POST"), "POST /echo/a%20b?x=1&y=%2F../ HTTP/1.1");
    assert_string_equal(line_of(&end, "accept:"), "Accept: application/json");
    assert_string_equal(line_of(&end, "accept-encoding:"), "Accept-Encoding: gzip");
    assert_true(strncmp(line_of(&end, "user-agent:"), "User-Agent: lmsfs/", 18) == 0);
    assert_string_equal(line_of(&end, "content-type:"), "Content-Type: application/json");
    assert_string_equal(line_of(&end, "content-length:"), "Content-Length: 7");
    assert_string_equal(line_of(&end, "authorization:"), "Authorization: Bearer t0ken");
    assert_string_equal(line_of(&end, "x-empty:"), "X-Empty:");
    assert_null(line_of(&end, "expect:"));
    assert_string_equal(end.body + end.len - 7, "{\"a\":1}");
    free(end.body);
    net_free(n);
}

static void test_every_method_goes_out_with_and_without_a_body(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    for (int method = HTTP_GET; method <= HTTP_DELETE; method++) {
        struct end end;
        char first[64];
        snprintf(first, sizeof first, "%s /echo HTTP/1.1", http_method_name((enum http_method)method));
        run(n, h, request((enum http_method)method, "/echo"), &people, &end);
        assert_int_equal(end.status, 200);
        assert_string_equal(line_of(&end, first), first);
        assert_null(line_of(&end, "content-type:"));
        assert_null(line_of(&end, "expect:"));
        if (method == HTTP_GET || method == HTTP_DELETE)
            assert_null(line_of(&end, "content-length:"));
        else
            assert_string_equal(line_of(&end, "content-length:"), "Content-Length: 0");
        free(end.body);

        char body[3000];
        memset(body, 'b', sizeof body);
        body[sizeof body - 1] = '\0';
        run(n, h, request_with_body((enum http_method)method, "/echo", body), &people, &end);
        assert_string_equal(line_of(&end, first), first);
        assert_string_equal(line_of(&end, "content-length:"), "Content-Length: 2999");
        assert_string_equal(strstr(end.body, "\r\n\r\n") + 4, body);
        assert_null(line_of(&end, "expect:"));
        free(end.body);
    }
    net_free(n);
}

static void test_a_multipart_body_holds_every_field(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    static const enum http_method methods[] = {HTTP_POST, HTTP_PATCH};
    for (size_t i = 0; i < 2; i++) {
        struct end end;
        struct http_request r = request(methods[i], "/echo");
        r.content_type = "application/json"; /* ignored */
        http_request_part(&r, "userId", "U12");
        http_request_part(&r, "attr[note]", "two\r\nlines");
        run(n, h, r, &people, &end);
        assert_int_equal(end.status, 200);
        const char *type = line_of(&end, "content-type:");
        assert_true(strncmp(type, "Content-Type: multipart/form-data; boundary=", 44) == 0);
        assert_non_null(strstr(end.body, "name=\"userId\"\r\n\r\nU12\r\n--"));
        assert_non_null(strstr(end.body, "name=\"attr[note]\"\r\n\r\ntwo\r\nlines\r\n--"));
        assert_true(strncmp(end.body, http_method_name(methods[i]), strlen(http_method_name(methods[i]))) == 0);
        assert_null(strstr(end.body, "Content-Type: application/json"));
        free(end.body);
    }
    net_free(n);
}

static void refused(struct net *n, struct net_host *h, struct http_request r, const char *text)
{
    struct end end;
    run(n, h, r, &people_retry, &end);
    assert_int_equal(end.code, -EINVAL);
    assert_false(end.sent);
    assert_int_equal(end.attempts, 0);
    assert_string_equal(end.text, text);
}

static void test_what_would_break_out_of_its_request_is_never_sent(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    static const char *const values[] = {"a\r\nX-Evil: 1", "a\n", "\r", "a\001", "\x7f"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct http_request r = request(HTTP_GET, "/ok");
        http_request_header(&r, "X-User-Id", values[i]);
        refused(n, h, r, "acme: the header X-User-Id holds a control character");
    }
    static const char *const names[] = {"", "X Y", "X:", "X\r\nY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct http_request r = request(HTTP_GET, "/ok");
        http_request_header(&r, names[i], "1");
        refused(n, h, r, "acme: a header's name is no token");
    }
    static const char *const paths[] = {"",        "ok",   "@evil.example.com/", ".evil.example.com/", "1/ok", "/a b",
                                        "/a\r\nb", "/ok#x"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        refused(n, h, request(HTTP_GET, paths[i]), "acme: the request's path does not start with '/' or is not encoded");
    static const char *const urls[] = {"http://lms.example.com/", "ftp://127.0.0.1/", "file:///etc/passwd", "x"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct http_request r = request(HTTP_GET, "/ok");
        r.url = strdup(urls[i]);
        refused(n, h, r, "acme: the URL is neither https nor plain http to this machine");
    }
    assert_int_equal(connection_count(), 0);
    net_free(n);
}

static void test_an_absolute_url_is_used_instead(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host_at(n, "http://127.0.0.1:1/api", 0, NULL);
    struct end end;
    struct http_request r = request(HTTP_GET, "/nowhere");
    char url[64];
    snprintf(url, sizeof url, "http://localhost:%d/echo/events?x", server.port);
    r.url = strdup(url);
    run(n, h, r, &people, &end);
    assert_int_equal(end.status, 200);
    assert_true(strncmp(end.body, "GET /echo/events?x HTTP/1.1\r\n", 29) == 0);
    free(end.body);
    net_free(n);
}

static void test_a_host_is_https_or_this_machine(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct err e = {0};
    struct net_host_options o = {.name = "acme", .base_url = "http://lms.example.com"};
    assert_null(net_host_new(n, &o, &e));
    assert_int_equal(e.code, -EINVAL);
    assert_string_equal(e.text, "acme: the URL is neither https nor plain http to this machine");
    o.base_url = "https://lms.example.com";
    o.rate_per_minute = 6001;
    assert_null(net_host_new(n, &o, &e));
    assert_int_equal(e.code, -EINVAL);
    net_free(n);
}

static void test_no_proxy_stands_between_us_and_this_machine(void **state)
{
    (void)state;
    static const char *const names[] = {"http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < 4; i++)
        setenv(names[i], "http://127.0.0.1:1", 1);
    struct net *n = new_net();
    struct end end;
    run(n, new_host(n, 0), request(HTTP_GET, "/ok"), &people, &end);
    for (size_t i = 0; i < 4; i++)
        unsetenv(names[i]);
    assert_int_equal(end.status, 200);
    free(end.body);
    net_free(n);
}

static void test_calls_in_a_row_share_a_connection(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    for (int i = 0; i < 20; i++) {
        struct end end;
        run(n, h, request_with_body(i % 2 ? HTTP_POST : HTTP_PUT, "/ok", "{}"), &people, &end);
        assert_int_equal(end.status, 200);
        free(end.body);
    }
    assert_int_equal(connection_count(), 1);
    net_free(n);
}

/* ---- what comes back ---- */

static void test_any_status_is_a_reply(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    static const int statuses[] = {200, 201, 204, 304, 400, 401, 404, 409, 422, 500, 503, 599};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct end end;
        char path[32];
        snprintf(path, sizeof path, "/status/%d", statuses[i]);
        run(n, h, request(HTTP_GET, path), &people, &end);
        assert_int_equal(end.code, 0);
        assert_int_equal(end.status, statuses[i]);
        assert_non_null(end.body);
        assert_string_equal(end.text, "");
        free(end.body);
        if (statuses[i] == 204 || statuses[i] == 304) { /* our server's body after these is one that HTTP forbids */
            net_free(n);
            n = new_net();
            h = new_host(n, 0);
        }
    }
    net_free(n);
}

static void test_a_redirect_is_not_followed(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct end end;
    run(n, new_host(n, 0), request(HTTP_GET, "/redirect"), &people_retry, &end);
    assert_int_equal(end.status, 302);
    assert_string_equal(end.body, "");
    assert_int_equal(seen_count(NULL), 1);
    free(end.body);
    net_free(n);
}

static void test_a_reply_is_never_longer_than_allowed(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0); /* at most 100000 bytes */
    static const char *const fits[] = {"/big/0", "/big/100000", "/chunked/100000"};
    static const char *const over[] = {"/big/100001", "/chunked/100001", "/big/900000", "/gzip"};
    struct end end;
    for (size_t i = 0; i < sizeof fits / sizeof *fits; i++) {
        run(n, h, request(HTTP_GET, fits[i]), &people_retry, &end);
        assert_int_equal(end.code, 0);
        assert_int_equal(end.len, atoi(strrchr(fits[i], '/') + 1));
        free(end.body);
    }
    for (size_t i = 0; i < sizeof over / sizeof *over; i++) {
        run(n, h, request(HTTP_GET, over[i]), &people_retry, &end);
        assert_int_equal(end.code, -EFBIG);
        assert_int_equal(end.status, 0);
        assert_null(end.body);
        assert_true(end.sent);
        assert_int_equal(end.attempts, 1); /* it would be as long again */
        assert_string_equal(end.text, "acme: the reply is longer than 100000 bytes (max_response)");
    }
    net_free(n);
}

static void test_gzip_is_unpacked(void **state)
{
    (void)state;
    struct net *n = new_net();
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", server.port);
    struct net_host_options o = {.name = "acme", .base_url = url}; /* max_response 0: 8 MiB */
    struct end end;
    run(n, net_host_new(n, &o, NULL), request(HTTP_GET, "/gzip"), &people, &end);
    assert_int_equal(end.status, 200);
    assert_int_equal(end.len, 1 << 20);
    free(end.body);
    net_free(n);
}

static void test_retry_after_reaches_the_caller(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    struct end end;
    run(n, h, request(HTTP_GET, "/retry-date"), &people, &end);
    assert_int_equal(end.status, 503);
    assert_in_range(end.retry_after, 3590, 3600);
    free(end.body);
    run(n, h, request(HTTP_GET, "/throttle/7"), &people, &end);
    assert_int_equal(end.status, 429);
    assert_int_equal(end.retry_after, 7);
    free(end.body);
    net_free(n);
}

/* By the server's clock, whatever ours says; the second that its Date leaves out counts as gone. */
static void test_when_a_reply_was_made(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    struct end end;
    time_t before = time(NULL);
    run(n, h, request(HTTP_GET, "/dated"), &people, &end);
    assert_int_equal(end.status, 200);
    assert_true(end.made_at >= before - 43200 - 2 - (time(NULL) - before));
    assert_true(end.made_at < time(NULL) - 43200);
    free(end.body);
    run(n, h, request(HTTP_GET, "/status/204"), &people, &end);
    assert_int_equal(end.made_at, 0);
    free(end.body);
    net_free(n);
}

/* ---- when nothing comes ---- */

static void test_a_refused_connection_sent_nothing(void **state)
{
    (void)state;
    int port, fd = listen_anywhere(&port);
    close(fd);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    struct net *n = new_net();
    struct end end;
    struct http_request r = request(HTTP_GET, "/");
    http_request_header(&r, "Authorization", "Bearer t0ken");
    run(n, new_host_at(n, url, 0, NULL), r, &people, &end);
    assert_int_equal(end.code, -EHOSTUNREACH);
    assert_int_equal(end.status, 0);
    assert_false(end.sent);
    assert_true(strncmp(end.text, "acme: no connection: ", 21) == 0);
    assert_null(strstr(end.text, "t0ken"));
    net_free(n);
}

static void test_a_name_that_does_not_exist_sent_nothing(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct end end;
    run(n, new_host_at(n, "https://no.example.com", 0, NULL), request(HTTP_GET, "/"), &people, &end);
    assert_int_equal(end.code, -EHOSTUNREACH);
    assert_false(end.sent);
    assert_string_equal(end.text, "acme: no connection: Could not resolve host: no.example.com");
    net_free(n);
}

static void test_a_name_server_that_does_not_answer_holds_nobody(void **state)
{
    (void)state;
    sem_init(&name_server, 0, 0);
    sem_init(&name_server_left, 0, 0);
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0), *slow = new_host_at(n, "https://slow.example.com", 0, NULL);
    const struct net_options soon = {.class = NET_PEOPLE, .timeout_ms = 300, .retry = true};
    struct end late, cancelled, open, end;
    int64_t begin = monotonic_ms();
    start(slow, request(HTTP_GET, "/"), &soon, &late);
    struct net_call *c = start(slow, request(HTTP_GET, "/"), &people, &cancelled);
    start(slow, request(HTTP_GET, "/"), &people, &open);
    run(n, h, request(HTTP_GET, "/ok"), &people, &end); /* others get on meanwhile */
    assert_int_equal(end.status, 200);
    assert_int_equal(late.runs, 0);
    free(end.body);
    net_cancel(c);
    poll_until(n, &cancelled.runs, 1);
    poll_until(n, &late.runs, 1);
    assert_int_equal(late.code, -ETIMEDOUT);
    assert_false(late.sent);
    assert_string_equal(late.text, "acme: no connection within 300 ms");
    net_free(n);
    assert_int_equal(open.code, -ESHUTDOWN);
    assert_false(open.sent);
    assert_true(monotonic_ms() - begin < 10000);
    for (int i = 0; i < 3; i++)
        sem_post(&name_server);
    for (int i = 0; i < 3; i++)
        sem_wait(&name_server_left);
}

static void test_a_server_without_TLS_gets_no_request(void **state)
{
    (void)state;
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%d", server.port);
    struct net *n = new_net();
    struct end end;
    run(n, new_host_at(n, url, 0, NULL), request(HTTP_POST, "/"), &people, &end);
    assert_int_equal(end.code, -EHOSTUNREACH);
    assert_false(end.sent);
    assert_int_equal(seen_count(NULL), 0);
    net_free(n);
}

static enum MHD_Result https_served(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                                    const char *version, const char *data, size_t *data_len, void **own)
{
    (void)c, (void)url, (void)method, (void)version, (void)data, (void)data_len, (void)own;
    __atomic_store_n((int *)cls, 1, __ATOMIC_SEQ_CST);
    return MHD_NO;
}

static char *command_output(const char *command)
{
    static char buf[2][8192];
    static int which;
    char *out = buf[which++ % 2];
    FILE *f = popen(command, "re");
    assert_non_null(f);
    out[fread(out, 1, sizeof buf[0] - 1, f)] = '\0';
    pclose(f);
    return out;
}

static void test_a_certificate_nobody_vouches_for_gets_no_request(void **state)
{
    (void)state;
    char dir[] = "/tmp/lmsfs-tls-XXXXXX", command[512];
    assert_non_null(mkdtemp(dir));
    snprintf(command, sizeof command,
             "cd %s && openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c -days 1 -subj /CN=localhost "
             "-addext subjectAltName=IP:127.0.0.1 2>/dev/null; cat k",
             dir);
    const char *key = command_output(command);
    snprintf(command, sizeof command, "cd %s && cat c; rm -rf %s", dir, dir);
    const char *cert = command_output(command);
    if (!strstr(key, "PRIVATE KEY") || !strstr(cert, "CERTIFICATE"))
        skip();
    int served = 0;
    int port, fd = listen_anywhere(&port);
    struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL, NULL, https_served,
                                            &served, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_KEY, key,
                                            MHD_OPTION_HTTPS_MEM_CERT, cert, MHD_OPTION_END);
    assert_non_null(d);
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%d", port);
    struct net *n = new_net();
    struct end end;
    run(n, new_host_at(n, url, 0, NULL), request(HTTP_GET, "/"), &people_retry, &end);
    MHD_stop_daemon(d);
    assert_int_equal(end.code, -EHOSTUNREACH);
    assert_false(end.sent);
    assert_int_equal(end.attempts, 1); /* it would be no better the next time */
    assert_non_null(strstr(end.text, "certificate"));
    assert_int_equal(served, 0);
    net_free(n);
}

static void test_a_lost_connection_may_have_sent_it(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct end end;
    run(n, new_host(n, 0), request_with_body(HTTP_POST, "/drop", "{}"), &people_retry, &end);
    assert_int_equal(end.code, -EHOSTUNREACH);
    assert_true(end.sent);
    assert_int_equal(end.attempts, 1);
    assert_true(strncmp(end.text, "acme: the connection was lost before a reply: ", 46) == 0);
    assert_int_equal(seen_count("POST /drop"), 1);
    net_free(n);
}

static void test_a_connection_that_died_while_idle_never_sends_twice(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    struct end end;
    run(n, h, request(HTTP_GET, "/not-again"), &people, &end);
    assert_int_equal(end.status, 200);
    free(end.body);
    run(n, h, request_with_body(HTTP_POST, "/ok", "{}"), &people_retry, &end); /* on the same connection, which drops it */
    assert_int_equal(end.code, -EHOSTUNREACH);
    assert_true(end.sent);
    assert_int_equal(seen_count("POST /ok"), 1);
    assert_int_equal(seen_at(1).connection, seen_at(0).connection);

    run(n, h, request(HTTP_GET, "/not-again"), &people, &end);
    free(end.body);
    run(n, h, request(HTTP_GET, "/ok"), &people_retry, &end); /* what is safe is sent again, and counted */
    assert_int_equal(end.status, 200);
    assert_int_equal(end.attempts, 2);
    assert_int_equal(seen_count("GET /ok"), 2);
    free(end.body);
    net_free(n);
}

static void test_half_a_reply_is_none(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    struct end end;
    run(n, h, request(HTTP_GET, "/half"), &people, &end);
    assert_int_equal(end.code, -EPROTO);
    assert_int_equal(end.status, 0);
    assert_null(end.body);
    assert_true(end.sent);
    run(n, h, request(HTTP_GET, "/garbage"), &people_retry, &end);
    assert_int_equal(end.code, -EPROTO);
    assert_int_equal(end.status, 0);
    assert_true(end.sent);
    assert_int_equal(end.attempts, 1);
    net_free(n);
}

static void test_a_server_that_never_answers_is_left_at_the_deadline(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    const struct net_options soon = {.class = NET_PEOPLE, .timeout_ms = 200, .retry = true};
    struct end end;
    int64_t begin = monotonic_ms();
    run(n, h, request(HTTP_GET, "/gate"), &soon, &end);
    assert_in_range(monotonic_ms() - begin, 200, 5000);
    assert_int_equal(end.code, -ETIMEDOUT);
    assert_true(end.sent);
    assert_string_equal(end.text, "acme: no reply within 200 ms");
    net_free(n);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, server_start, server_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_a_request_goes_out_as_it_was_built),
        WITH_SERVER(test_every_method_goes_out_with_and_without_a_body),
        WITH_SERVER(test_a_multipart_body_holds_every_field),
        WITH_SERVER(test_what_would_break_out_of_its_request_is_never_sent),
        WITH_SERVER(test_an_absolute_url_is_used_instead),
        WITH_SERVER(test_a_host_is_https_or_this_machine),
        WITH_SERVER(test_no_proxy_stands_between_us_and_this_machine),
        WITH_SERVER(test_calls_in_a_row_share_a_connection),
        WITH_SERVER(test_any_status_is_a_reply),
        WITH_SERVER(test_a_redirect_is_not_followed),
        WITH_SERVER(test_a_reply_is_never_longer_than_allowed),
        WITH_SERVER(test_gzip_is_unpacked),
        WITH_SERVER(test_retry_after_reaches_the_caller),
        WITH_SERVER(test_when_a_reply_was_made),
        WITH_SERVER(test_a_refused_connection_sent_nothing),
        WITH_SERVER(test_a_name_that_does_not_exist_sent_nothing),
        WITH_SERVER(test_a_name_server_that_does_not_answer_holds_nobody),
        WITH_SERVER(test_a_server_without_TLS_gets_no_request),
        WITH_SERVER(test_a_certificate_nobody_vouches_for_gets_no_request),
        WITH_SERVER(test_a_lost_connection_may_have_sent_it),
        WITH_SERVER(test_a_connection_that_died_while_idle_never_sends_twice),
        WITH_SERVER(test_half_a_reply_is_none),
        WITH_SERVER(test_a_server_that_never_answers_is_left_at_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
