/* The control socket, both ends, with an engine that is only a poll loop: the real one isn't linked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/control.h"

/* ---- the engine ---- */

#define WATCHES 80

struct engine {
    struct {
        int fd;
        short events;
        void (*ready)(void *ctx, int fd, short revents);
        void *ctx;
    } watches[WATCHES];
    size_t watches_n;
    struct ask *asks[WATCHES]; /* open ones, answered by the test */
    size_t asks_n;
    uint64_t last_id, interrupted;
    int refuse; /* what engine_ask says */
};

int engine_watch_fd(struct engine *g, int fd, short events, void (*ready)(void *ctx, int fd, short revents), void *ctx)
{
    assert_true(g->watches_n < WATCHES);
    g->watches[g->watches_n].fd = fd;
    g->watches[g->watches_n].events = events;
    g->watches[g->watches_n].ready = ready;
    g->watches[g->watches_n++].ctx = ctx;
    return 0;
}

void engine_unwatch_fd(struct engine *g, int fd)
{
    for (size_t i = 0; i < g->watches_n; i++) {
        if (g->watches[i].fd == fd) {
            g->watches[i] = g->watches[--g->watches_n];
            return;
        }
    }
    fail_msg("unwatched a descriptor that isn't watched");
}

int engine_run(struct engine *g, void (*fn)(void *ctx), void *ctx)
{
    (void)g;
    fn(ctx);
    return 0;
}

void engine_call(struct engine *g, void (*fn)(void *ctx), void *ctx)
{
    (void)g;
    fn(ctx);
}

int engine_ask(struct engine *g, struct ask *a)
{
    if (g->refuse)
        return g->refuse;
    g->asks[g->asks_n++] = a;
    return 0;
}

uint64_t engine_ask_id(struct engine *g)
{
    return ++g->last_id;
}

void engine_interrupt(struct engine *g, uint64_t id)
{
    g->interrupted = id;
}

struct err ask_err(const struct ask *a)
{
    return a->why ? *a->why : (struct err){0};
}

void ask_release(struct ask *a)
{
    free(a->why);
    free(a->name);
    free(a->text);
    json_decref(a->answer);
}

/* Everything that is ready is served, until nothing is. */
static void turn(struct engine *g)
{
    for (int rounds = 0; rounds < 1000; rounds++) {
        struct pollfd p[WATCHES];
        size_t n = g->watches_n;
        for (size_t i = 0; i < n; i++)
            p[i] = (struct pollfd){.fd = g->watches[i].fd, .events = g->watches[i].events};
        if (poll(p, n, 0) <= 0)
            return;
        for (size_t i = 0; i < n; i++) {
            for (size_t k = 0; p[i].revents && k < g->watches_n; k++) {
                if (g->watches[k].fd == p[i].fd) {
                    g->watches[k].ready(g->watches[k].ctx, p[i].fd, p[i].revents);
                    break;
                }
            }
        }
    }
    fail_msg("the server spins");
}

static void answer(struct engine *g, json_t *with, int result, const char *sentence)
{
    assert_true(g->asks_n > 0);
    struct ask *a = g->asks[0];
    memmove(g->asks, g->asks + 1, --g->asks_n * sizeof *g->asks);
    a->answer = with;
    if (result && (a->why = calloc(1, sizeof *a->why)))
        err_set(a->why, result, "%s", sentence);
    a->done(a, result);
}

/* ---- a server and its clients ---- */

struct world {
    struct engine engine;
    struct control_server *server;
    char dir[300];
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct err e;
    snprintf(w->dir, sizeof w->dir, "/tmp/lmsfs-test.XXXXXX");
    if (!w || !mkdtemp(w->dir) || control_server_new(&w->engine, w->dir, &w->server, &e) ||
        control_server_start(w->server, &e))
        return -1;
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    control_server_stop(w->server);
    while (w->engine.asks_n)
        answer(&w->engine, NULL, -ESHUTDOWN, "over");
    control_server_free(w->server);
    int left = rmdir(w->dir); /* fails if the socket is still there */
    free(w);
    return left;
}

static struct control_client client(struct world *w)
{
    struct control_client c;
    struct err e = {0};
    assert_int_equal(control_connect(w->dir, &c, &e), 0);
    return c;
}

static void say(struct world *w, struct control_client *c, const char *text)
{
    assert_int_equal(send(c->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    turn(&w->engine);
}

static json_t *heard(struct world *w, struct control_client *c)
{
    json_t *reply = NULL;
    struct err e = {0};
    turn(&w->engine);
    assert_int_equal(control_receive(c, 2000, &reply, &e), 0);
    return reply;
}

static void hears_error(struct world *w, struct control_client *c, const char *code)
{
    json_t *reply = heard(w, c);
    assert_true(json_is_false(json_object_get(reply, "ok")));
    assert_string_equal(json_string_value(json_object_get(reply, "errno")), code);
    assert_true(strlen(json_string_value(json_object_get(reply, "error"))) > 0);
    json_decref(reply);
}

static void test_a_request_reaches_the_engine_and_its_answer_comes_back(void **state)
{
    struct world *w = *state;
    struct control_client c = client(w);
    assert_int_equal(c.daemon, getpid());
    say(w, &c, "{\"cmd\":\"why\",\"path\":\"a/b\"}\n");
    assert_int_equal(w->engine.asks_n, 1);
    const struct ask *a = w->engine.asks[0];
    assert_int_equal(a->kind, ASK_COMMAND);
    assert_string_equal(a->text, "{\"cmd\":\"why\",\"path\":\"a/b\"}");
    assert_int_equal(a->text_len, strlen(a->text));
    assert_int_equal(a->caller.uid, geteuid());
    assert_int_equal(a->caller.pid, getpid());
    answer(&w->engine, json_pack("{s:s}", "state", "clean"), 0, NULL);
    json_t *reply = heard(w, &c);
    assert_true(json_is_true(json_object_get(reply, "ok")));
    assert_string_equal(json_string_value(json_object_get(reply, "state")), "clean");
    json_decref(reply);
    control_close(&c);
    turn(&w->engine);
    assert_int_equal(w->engine.watches_n, 1); /* the listener */
}

static void test_an_order_is_the_main_threads_and_its_answer_comes_back(void **state)
{
    struct world *w = *state;
    struct control_client c = client(w);
    assert_null(control_server_order(w->server));
    say(w, &c, "{\"cmd\":\"mount\",\"mountpoint\":\"/x\"}\n");
    assert_int_equal(w->engine.asks_n, 0);
    struct pollfd p = {.fd = control_server_orders_fd(w->server), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 1);
    struct control_order *o = control_server_order(w->server);
    assert_non_null(o);
    assert_string_equal(json_string_value(json_object_get(control_order_request(o), "mountpoint")), "/x");
    control_order_answer(o, json_pack("{s:b}", "ok", 1));
    json_t *reply = heard(w, &c);
    assert_true(json_is_true(json_object_get(reply, "ok")));
    json_decref(reply);
    control_close(&c);
    turn(&w->engine);
    assert_int_equal(w->engine.watches_n, 1);
}

static void test_who_hung_up_before_his_order_was_done_is_forgotten_with_it(void **state)
{
    struct world *w = *state;
    struct control_client c = client(w), d = client(w);
    say(w, &c, "{\"cmd\":\"mounts\"}\n");
    say(w, &d, "{\"cmd\":\"mounts\"}\n"); /* nobody takes it: it goes with the server */
    control_close(&c);
    turn(&w->engine);
    control_order_answer(control_server_order(w->server), json_object());
    control_close(&d);
    turn(&w->engine);
    assert_int_equal(w->engine.watches_n, 1);
}

static void test_a_failure_comes_with_errno_and_sentence(void **state)
{
    struct world *w = *state;
    struct control_client c = client(w);
    say(w, &c, "{\"cmd\":\"why\"}\n");
    answer(&w->engine, NULL, -ENOENT, "no such file");
    json_t *reply = heard(w, &c);
    assert_true(json_is_false(json_object_get(reply, "ok")));
    assert_string_equal(json_string_value(json_object_get(reply, "errno")), "ENOENT");
    assert_string_equal(json_string_value(json_object_get(reply, "error")), "no such file");
    json_decref(reply);
    control_close(&c);
}

static void test_requests_of_one_client_go_one_after_the_other(void **state)
{
    struct world *w = *state;
    struct control_client c = client(w);
    say(w, &c, "{\"cmd\":\"1\"}\n{\"cmd\":\"2\"}\n{\"cmd\"");
    assert_int_equal(w->engine.asks_n, 1);
    answer(&w->engine, NULL, 0, NULL);
    json_decref(heard(w, &c));
    assert_int_equal(w->engine.asks_n, 1);
    assert_string_equal(w->engine.asks[0]->text, "{\"cmd\":\"2\"}");
    answer(&w->engine, NULL, 0, NULL);
    json_decref(heard(w, &c));
    say(w, &c, ":\"3\"}\n");
    assert_string_equal(w->engine.asks[0]->text, "{\"cmd\":\"3\"}");
    control_close(&c);
}

static void test_nonsense_is_refused_and_the_client_may_go_on(void **state)
{
    struct world *w = *state;
    static const char *const nonsense[] = {
        "\n", "hello\n", "[]\n", "{}\n", "{\"cmd\":3}\n", "{\"cmd\":\"a\",\"cmd\":\"b\"}\n", "\xff\xfe\n"};
    struct control_client c = client(w);
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        say(w, &c, nonsense[i]);
        hears_error(w, &c, "EINVAL");
    }
    assert_int_equal(w->engine.asks_n, 0);
    say(w, &c, "{\"cmd\":\"status\"}\n");
    assert_int_equal(w->engine.asks_n, 1);
    control_close(&c);
}

static void test_a_line_that_never_ends_is_refused(void **state)
{
    struct world *w = *state;
    struct control_client c = client(w);
    char block[8192];
    memset(block, 'a', sizeof block);
    for (int i = 0; i < CONTROL_LINE_MAX / (int)sizeof block; i++) {
        assert_int_equal(send(c.fd, block, sizeof block, MSG_NOSIGNAL), (ssize_t)sizeof block);
        turn(&w->engine);
    }
    hears_error(w, &c, "EFBIG");
    char byte;
    assert_int_equal(recv(c.fd, &byte, 1, 0), 0); /* and hung up on */
    control_close(&c);
}

static void test_a_big_answer_arrives_whole(void **state)
{
    struct world *w = *state;
    struct control_client c = client(w);
    size_t size = 4 * 1024 * 1024;
    char *text = malloc(size + 1);
    memset(text, 'x', size);
    text[size] = '\0';
    say(w, &c, "{\"cmd\":\"rejected\"}\n");
    answer(&w->engine, json_pack("{s:s}", "text", text), 0, NULL);
    /* The socket holds less than that: the server waits for room, and the client reads meanwhile. */
    size_t n = 0;
    char got[65536];
    while (n < size) {
        turn(&w->engine);
        ssize_t r = recv(c.fd, got, sizeof got, 0);
        assert_true(r > 0);
        n += (size_t)r;
        if (got[r - 1] == '\n')
            break;
    }
    assert_true(n > size);
    free(text);
    say(w, &c, "{\"cmd\":\"status\"}\n");
    assert_int_equal(w->engine.asks_n, 1);
    control_close(&c);
}

static void test_hanging_up_takes_the_request_back(void **state)
{
    struct world *w = *state;
    struct control_client c = client(w);
    say(w, &c, "{\"cmd\":\"wait\",\"path\":\"a\"}\n");
    uint64_t id = w->engine.asks[0]->id;
    control_close(&c);
    turn(&w->engine);
    assert_int_equal(w->engine.interrupted, id);
    assert_int_equal(w->engine.watches_n, 1);
    answer(&w->engine, NULL, -EINTR, "interrupted"); /* to nobody */
}

static void test_half_a_hang_up_is_none(void **state)
{
    struct world *w = *state;
    struct control_client c = client(w);
    say(w, &c, "{\"cmd\":\"status\"}\n");
    shutdown(c.fd, SHUT_WR);
    turn(&w->engine);
    assert_int_equal(w->engine.interrupted, 0);
    answer(&w->engine, NULL, 0, NULL);
    json_decref(heard(w, &c));
    control_close(&c);
}

static void test_a_full_engine_is_told(void **state)
{
    struct world *w = *state;
    struct control_client c = client(w);
    w->engine.refuse = -EBUSY;
    say(w, &c, "{\"cmd\":\"status\"}\n");
    hears_error(w, &c, "EBUSY");
    control_close(&c);
}

static void test_the_crowd_waits_and_is_served(void **state)
{
    struct world *w = *state;
    struct control_client crowd[CONTROL_CLIENTS_MAX + 4];
    size_t n = sizeof crowd / sizeof crowd[0];
    for (size_t i = 0; i < n; i++) {
        crowd[i] = client(w);
        turn(&w->engine);
    }
    assert_int_equal(w->engine.watches_n, CONTROL_CLIENTS_MAX); /* no listener */
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        control_close(&crowd[i]);
    turn(&w->engine);
    for (size_t i = CONTROL_CLIENTS_MAX; i < n; i++) {
        say(w, &crowd[i], "{\"cmd\":\"status\"}\n");
        assert_int_equal(w->engine.asks_n, 1);
        answer(&w->engine, NULL, 0, NULL);
        json_decref(heard(w, &crowd[i]));
        control_close(&crowd[i]);
    }
}

static void test_the_socket_is_ours_alone(void **state)
{
    struct world *w = *state;
    char path[400];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", w->dir, CONTROL_SOCKET);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_after_stop_requests_are_refused_and_open_ones_answered(void **state)
{
    struct world *w = *state;
    struct control_client a = client(w), b = client(w);
    say(w, &a, "{\"cmd\":\"wait\"}\n");
    say(w, &b, "");
    control_server_stop(w->server);
    say(w, &b, "{\"cmd\":\"status\"}\n");
    hears_error(w, &b, "ESHUTDOWN");
    answer(&w->engine, NULL, -ESHUTDOWN, "lmsfs is being unmounted");
    hears_error(w, &a, "ESHUTDOWN");
    control_close(&a);
    control_close(&b);
}

static void test_without_a_daemon_the_client_says_so(void **state)
{
    (void)state;
    struct control_client c;
    struct err e = {0};
    assert_int_equal(control_connect("/nonexistent/cache", &c, &e), -ECONNREFUSED);
    assert_non_null(strstr(e.text, "/nonexistent/cache"));
}

static void test_a_long_cache_folder_and_a_stale_socket_are_no_obstacle(void **state)
{
    (void)state;
    struct world w = {0};
    struct err e = {0};
    char name[201];
    memset(name, 'd', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    char top[] = "/tmp/lmsfs-test.XXXXXX";
    assert_non_null(mkdtemp(top));
    snprintf(w.dir, sizeof w.dir, "%s/%s", top, name);
    assert_int_equal(mkdir(w.dir, 0700), 0);
    struct sockaddr_un stale;
    int dir, fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(control_address(w.dir, &stale, &dir, &e), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&stale, sizeof stale), 0);
    close(fd);
    close(dir);

    assert_int_equal(control_server_new(&w.engine, w.dir, &w.server, &e), 0);
    assert_int_equal(control_server_start(w.server, &e), 0);
    struct control_client c = client(&w);
    say(&w, &c, "{\"cmd\":\"status\"}\n");
    answer(&w.engine, NULL, 0, NULL);
    json_decref(heard(&w, &c));
    control_close(&c);
    control_server_stop(w.server);
    control_server_free(w.server);
    assert_int_equal(rmdir(w.dir), 0);
    rmdir(top);
}

#define with_server(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_server(test_a_request_reaches_the_engine_and_its_answer_comes_back),
        with_server(test_an_order_is_the_main_threads_and_its_answer_comes_back),
        with_server(test_who_hung_up_before_his_order_was_done_is_forgotten_with_it),
        with_server(test_a_failure_comes_with_errno_and_sentence),
        with_server(test_requests_of_one_client_go_one_after_the_other),
        with_server(test_nonsense_is_refused_and_the_client_may_go_on),
        with_server(test_a_line_that_never_ends_is_refused),
        with_server(test_a_big_answer_arrives_whole),
        with_server(test_hanging_up_takes_the_request_back),
        with_server(test_half_a_hang_up_is_none),
        with_server(test_a_full_engine_is_told),
        with_server(test_the_crowd_waits_and_is_served),
        with_server(test_the_socket_is_ours_alone),
        with_server(test_after_stop_requests_are_refused_and_open_ones_answered),
        cmocka_unit_test(test_without_a_daemon_the_client_says_so),
        cmocka_unit_test(test_a_long_cache_folder_and_a_stale_socket_are_no_obstacle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
