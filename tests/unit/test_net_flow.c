/* Many calls: their order, their budget, their retries, and how they end when somebody ends them. */
#include "test_net_server.h"

#include "net/budget.h"
#include "net/budget_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct net_options listing = {.class = NET_LISTING, .timeout_ms = 20000};

static struct net_options within(enum net_class class, int timeout_ms)
{
    return (struct net_options){.class = class, .timeout_ms = timeout_ms, .retry = true};
}

static void free_bodies(struct end *ends, int n)
{
    for (int i = 0; i < n; i++)
        free(ends[i].body);
}

/* ---- retries ---- */

static void test_an_idempotent_request_is_sent_again_after_a_503(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    static const char *const paths[] = {"/first/502", "/first/503", "/first/504", "/drop-once"};
    struct end ends[4];
    for (int i = 0; i < 4; i++)
        start(h, request(HTTP_PUT, paths[i]), &people_retry, &ends[i]);
    for (int i = 0; i < 4; i++) {
        poll_until(n, &ends[i].runs, 1);
        assert_int_equal(ends[i].code, 0);
        assert_int_equal(ends[i].status, 200);
        assert_int_equal(ends[i].attempts, 2);
    }
    assert_true(seen_at(4).at - seen_at(0).at >= 500);
    struct net_stats s;
    net_host_stats(h, &s);
    assert_int_equal(s.requests, 8);
    assert_int_equal(s.retries, 4);
    assert_int_equal(s.failures, 1); /* the dropped one */
    assert_int_equal(s.throttled, 0);
    free_bodies(ends, 4);
    net_free(n);
}

static void test_what_is_not_idempotent_is_never_sent_again_after_a_503(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    struct end end;
    run(n, h, request_with_body(HTTP_POST, "/first/503", "{}"), &people_retry, &end);
    assert_int_equal(end.code, 0);
    assert_int_equal(end.status, 503);
    assert_string_equal(end.body, "not yet");
    assert_int_equal(end.attempts, 1);
    assert_int_equal(seen_count(NULL), 1);
    free(end.body);
    net_free(n);
}

static void test_without_leave_nothing_is_sent_again(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    static const char *const paths[] = {"/first/503", "/first/429", "/drop-once"};
    struct end ends[3];
    for (int i = 0; i < 3; i++) {
        run(n, h, request(HTTP_GET, paths[i]), &people, &ends[i]);
        assert_int_equal(ends[i].attempts, 1);
    }
    assert_int_equal(ends[0].status, 503);
    assert_int_equal(ends[1].status, 429);
    assert_int_equal(ends[2].code, -EHOSTUNREACH);
    assert_int_equal(seen_count(NULL), 3);
    free_bodies(ends, 3);
    net_free(n);
}

static void test_the_last_reply_is_the_end_when_there_is_no_time_for_another(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    struct net_options soon = within(NET_PEOPLE, 400); /* less than the first delay */
    struct end end;
    run(n, h, request(HTTP_GET, "/status/503"), &soon, &end);
    assert_int_equal(end.code, 0);
    assert_int_equal(end.status, 503);
    free(end.body);
    soon.timeout_ms = 3000;
    run(n, h, request(HTTP_POST, "/throttle/60"), &soon, &end);
    assert_int_equal(end.code, 0);
    assert_int_equal(end.status, 429);
    assert_int_equal(end.retry_after, 60);
    assert_int_equal(end.attempts, 1);
    free(end.body);
    net_free(n);
}

static void test_a_lost_second_attempt_takes_the_first_reply_back(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    struct net_options soon = within(NET_PEOPLE, 2500);
    struct end end;
    start(h, request(HTTP_POST, "/gate-after-429"), &soon, &end);
    poll_until(n, &end.runs, 1);
    assert_int_equal(end.status, 0);
    assert_int_equal(end.code, -ETIMEDOUT);
    assert_true(end.sent); /* nobody knows whether the second attempt was accepted */
    assert_int_equal(end.attempts, 2);
    net_free(n);
}

static void test_a_429_pauses_the_whole_host(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0), *other = new_host(n, 0);
    struct end throttled, person, list, elsewhere;
    start(h, request(HTTP_POST, "/throttle/1"), &people_retry, &throttled);
    struct net_stats s;
    int64_t give_up = monotonic_ms() + GIVE_UP_MS;
    do {
        assert_int_equal(net_poll(n, NULL, 0, 100), 0);
        assert_true(monotonic_ms() < give_up);
        net_host_stats(h, &s);
    } while (s.throttled == 0);
    assert_int_equal(s.queued, 1);
    start(h, request(HTTP_GET, "/ok"), &people, &person);
    start(h, request(HTTP_GET, "/ok"), &listing, &list);
    run(n, other, request(HTTP_GET, "/elsewhere"), &people, &elsewhere); /* another tenant is not concerned */
    assert_int_equal(person.runs + list.runs + throttled.runs, 0);
    poll_until(n, &person.runs, 1);
    poll_until(n, &list.runs, 1);
    poll_until(n, &throttled.runs, 1);
    assert_int_equal(throttled.status, 200);
    assert_int_equal(throttled.attempts, 2);
    for (int i = 1; i < seen_count(NULL); i++)
        if (strcmp(seen_at(i).line, "GET /elsewhere") != 0)
            assert_true(seen_at(i).at - seen_at(0).at >= 1000);
    free(throttled.body);
    free(person.body);
    free(list.body);
    free(elsewhere.body);
    net_free(n);
}

static void test_an_unreachable_server_is_tried_until_there_is_no_time_left(void **state)
{
    (void)state;
    int port, fd = listen_anywhere(&port);
    close(fd);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    struct net *n = new_net();
    struct net_host *h = new_host_at(n, url, 1, NULL); /* what was never sent costs no budget */
    struct net_options soon = within(NET_PEOPLE, 1500);
    struct end end;
    run(n, h, request(HTTP_POST, "/"), &soon, &end);
    assert_int_equal(end.code, -EHOSTUNREACH);
    assert_false(end.sent);
    assert_int_equal(end.attempts, 2);
    struct net_stats s;
    net_host_stats(h, &s);
    assert_int_equal(s.used, 0);
    assert_false(s.reachable);
    assert_int_equal(s.last_reply, 0);
    net_free(n);
}

/* ---- the budget ---- */

static void test_past_the_rate_a_call_ends_at_its_deadline_unsent(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 2);
    struct net_options soon = within(NET_PEOPLE, 200);
    struct end ends[5];
    int64_t begin = monotonic_ms();
    for (int i = 0; i < 5; i++)
        start(h, request(HTTP_GET, "/ok"), &soon, &ends[i]);
    for (int i = 0; i < 5; i++)
        poll_until(n, &ends[i].runs, 1);
    assert_in_range(monotonic_ms() - begin, 200, 5000);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(ends[i].status, i < 2 ? 200 : 0);
        assert_int_equal(ends[i].sent, i < 2);
        assert_int_equal(ends[i].code, i < 2 ? 0 : -ETIMEDOUT);
    }
    assert_string_equal(ends[4].text,
                        "acme: the request's turn did not come in time (rate_per_minute, or too many at once)");
    assert_int_equal(seen_count(NULL), 2);
    struct net_stats s;
    net_host_stats(h, &s);
    assert_int_equal(s.used, 2);
    assert_int_equal(s.limit, 2);
    assert_int_equal(s.queued, 0);
    assert_int_equal(s.active, 0);
    assert_true(s.reachable);
    assert_true(s.last_reply > 0);
    free_bodies(ends, 5);
    net_free(n);
}

static void test_a_retry_costs_budget_like_any_request(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 1);
    struct net_options soon = within(NET_PEOPLE, 1500);
    struct end end;
    run(n, h, request(HTTP_GET, "/first/503"), &soon, &end);
    assert_int_equal(end.code, 0);
    assert_int_equal(end.status, 503); /* there was no budget for the second */
    assert_int_equal(end.attempts, 1);
    assert_int_equal(seen_count(NULL), 1);
    free(end.body);
    net_free(n);
}

static void test_listing_and_trickle_leave_what_is_kept_for_people(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 10);
    struct net_options sweep = within(NET_LISTING, 600), trickle = within(NET_BACKGROUND, 300),
                       person = within(NET_PEOPLE, 300);
    struct end slow[10], fast[10], lists[10];
    for (int i = 0; i < 10; i++)
        start(h, request(HTTP_GET, "/trickle"), &trickle, &slow[i]);
    for (int i = 0; i < 10; i++)
        poll_until(n, &slow[i].runs, 1);
    assert_int_equal(seen_count("GET /trickle"), 5);
    for (int i = 0; i < 10; i++)
        start(h, request(HTTP_GET, "/list"), &sweep, &lists[i]);
    for (int i = 0; i < 10; i++)
        start(h, request(HTTP_GET, "/person"), &person, &fast[i]);
    for (int i = 0; i < 10; i++) {
        poll_until(n, &lists[i].runs, 1);
        poll_until(n, &fast[i].runs, 1);
    }
    assert_int_equal(seen_count("GET /person"), 5); /* though the lists came first */
    assert_int_equal(seen_count("GET /list"), 0);
    assert_int_equal(seen_count(NULL), 10);
    free_bodies(slow, 10);
    free_bodies(lists, 10);
    free_bodies(fast, 10);
    net_free(n);
}

#define TOGETHER_MS 100 /* less than the shortest delay before a second try */

static void test_trickle_waits_while_anybody_else_does(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    struct net_options trickle = within(NET_BACKGROUND, 20000);
    struct end person, slow;
    start(h, request(HTTP_GET, "/first/503"), &people_retry, &person);
    poll_until_arrived(n, 1);
    struct net_stats s;
    int64_t give_up = monotonic_ms() + GIVE_UP_MS;
    do {
        assert_int_equal(net_poll(n, NULL, 0, 100), 0);
        assert_true(monotonic_ms() < give_up);
        net_host_stats(h, &s);
    } while (s.queued == 0);
    start(h, request(HTTP_GET, "/trickle"), &trickle, &slow);
    poll_until(n, &person.runs, 1);
    poll_until(n, &slow.runs, 1);
    /* The person's second try waits for its delay, and the trickle with it; then both go at once, on a connection each, and either may
     * arrive first. */
    bool first = strcmp(seen_at(1).line, "GET /trickle") == 0;
    int64_t tried_again = seen_at(first ? 2 : 1).at, trickled = seen_at(first ? 1 : 2).at;
    assert_string_equal(seen_at(first ? 2 : 1).line, "GET /first/503");
    assert_string_equal(seen_at(first ? 1 : 2).line, "GET /trickle");
    assert_true(trickled >= tried_again - TOGETHER_MS);
    free(person.body);
    free(slow.body);
    net_free(n);
}

static void test_a_call_that_a_person_waits_for_moves_up(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 2); /* one of the two is for people */
    struct net_options sweep = within(NET_LISTING, 400);
    struct end first, second, third;
    run(n, h, request(HTTP_GET, "/first"), &sweep, &first);
    start(h, request(HTTP_GET, "/second"), &sweep, &second);
    struct net_call *c = start(h, request(HTTP_GET, "/third"), &sweep, &third);
    net_promote(c, NET_BACKGROUND); /* never down */
    net_promote(c, NET_PEOPLE);
    poll_until(n, &second.runs, 1);
    poll_until(n, &third.runs, 1);
    assert_int_equal(second.code, -ETIMEDOUT);
    assert_int_equal(third.status, 200);
    free(first.body);
    free(third.body);
    net_free(n);
}

/* ---- many at once ---- */

static void test_two_hundred_calls_share_eight_connections(void **state)
{
    (void)state;
    enum { N = 200 };
    static struct end ends[N];
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    for (int i = 0; i < N; i++)
        start(h, request(HTTP_GET, i % 2 ? "/ok" : "/big/5000"), i % 3 ? &listing : &people, &ends[i]);
    for (int i = 0; i < N; i++)
        poll_until(n, &ends[i].runs, 1);
    for (int i = 0; i < N; i++) {
        assert_int_equal(ends[i].runs, 1);
        assert_int_equal(ends[i].status, 200);
        assert_int_equal(ends[i].len, i % 2 ? 2 : 5000);
    }
    assert_int_equal(seen_count(NULL), N);
    assert_in_range(connection_count(), 1, 8);
    free_bodies(ends, N);
    net_free(n);
}

static void test_slow_pages_leave_a_connection_for_people(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0);
    struct end pages[20], person;
    for (int i = 0; i < 20; i++)
        start(h, request(HTTP_GET, "/gate"), &listing, &pages[i]);
    poll_until_arrived(n, 6);
    run(n, h, request(HTTP_GET, "/ok"), &people, &person);
    assert_int_equal(person.status, 200);
    assert_int_equal(seen_count("GET /gate"), 6);
    gate_open();
    for (int i = 0; i < 20; i++)
        poll_until(n, &pages[i].runs, 1);
    assert_int_equal(seen_count("GET /gate"), 20);
    free(person.body);
    free_bodies(pages, 20);
    net_free(n);
}

/* ---- cancel and shutdown ---- */

static void test_a_cancelled_call_ends_once_and_from_the_loop(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 1);
    struct end active, queued, ended;
    struct net_call *a = start(h, request(HTTP_GET, "/gate"), &people, &active);
    struct net_call *q = start(h, request(HTTP_GET, "/ok"), &people, &queued);
    poll_until_arrived(n, 1);
    net_cancel(a);
    net_cancel(a); /* twice is once */
    net_cancel(q);
    assert_int_equal(active.runs + queued.runs, 0);
    poll_until(n, &active.runs, 1);
    poll_until(n, &queued.runs, 1);
    assert_int_equal(active.code, -ECANCELED);
    assert_true(active.sent);
    assert_int_equal(queued.code, -ECANCELED);
    assert_false(queued.sent);

    struct http_request bad = request(HTTP_GET, "bad");
    struct net_call *c = start(h, bad, &people, &ended);
    net_cancel(c); /* too late: it has its end already */
    poll_until(n, &ended.runs, 1);
    assert_int_equal(ended.code, -EINVAL);

    struct net_stats s;
    net_host_stats(h, &s);
    assert_int_equal(s.active + s.queued, 0);
    assert_int_equal(s.used, 1); /* the server may have seen it */
    net_free(n);
}

struct chain {
    struct net_host *host;
    int runs, code;
};

static void on_chain(void *ctx, struct net_result *r)
{
    struct chain *chain = ctx;
    chain->code = r->err.code;
    if (chain->runs++ == 0) {
        struct http_request again = request(HTTP_GET, "/ok");
        net_send(chain->host, &again, &people, on_chain, chain);
    }
}

static void test_a_shutdown_ends_every_call_exactly_once(void **state)
{
    (void)state;
    enum { N = 40 };
    struct end active[N], waiting, queued[N], ended;
    struct net *n = new_net();
    struct net_host *h = new_host(n, 0), *limited = new_host(n, 1);
    start(h, request(HTTP_GET, "/first/503"), &people_retry, &waiting);
    poll_until_arrived(n, 1);
    struct net_stats s;
    int64_t give_up = monotonic_ms() + GIVE_UP_MS;
    do { /* until it backs off */
        assert_int_equal(net_poll(n, NULL, 0, 100), 0);
        assert_true(monotonic_ms() < give_up);
        net_host_stats(h, &s);
    } while (s.queued == 0);
    for (int i = 0; i < N; i++)
        start(h, request(HTTP_GET, "/gate"), i % 2 ? &people : &listing, &active[i]);
    for (int i = 0; i < N; i++)
        start(limited, request(HTTP_GET, "/gate"), &people, &queued[i]);
    poll_until_arrived(n, 9);
    start(h, request(HTTP_GET, "bad"), &people, &ended);
    struct chain chain = {.host = h};
    struct http_request r = request(HTTP_GET, "/gate");
    net_send(h, &r, &people, on_chain, &chain);
    net_free(n);

    int sent = 0;
    for (int i = 0; i < N; i++) {
        assert_int_equal(active[i].runs, 1);
        assert_int_equal(active[i].code, -ESHUTDOWN);
        assert_int_equal(queued[i].runs, 1);
        assert_int_equal(queued[i].code, -ESHUTDOWN);
        assert_int_equal(queued[i].sent, i == 0);
        sent += active[i].sent;
    }
    assert_int_equal(sent, 8);
    assert_int_equal(waiting.runs, 1);
    assert_int_equal(waiting.code, -ESHUTDOWN);
    assert_true(waiting.sent);
    assert_int_equal(waiting.status, 0);
    assert_int_equal(ended.runs, 1);
    assert_int_equal(ended.code, -EINVAL);
    assert_int_equal(chain.runs, 2); /* what a completion sends then ends too */
    assert_int_equal(chain.code, -ESHUTDOWN);
    net_free(NULL);
}

/* ---- the loop ---- */

static struct net *loop;
static int loop_code;

static void on_poll_inside(void *ctx, struct net_result *r)
{
    (void)r;
    loop_code = net_poll(loop, NULL, 0, 0);
    ++*(int *)ctx;
}

static void test_the_loop_is_not_entered_from_a_completion(void **state)
{
    (void)state;
    int runs = 0;
    loop = new_net();
    struct http_request r = request(HTTP_GET, "/ok");
    assert_non_null(net_send(new_host(loop, 0), &r, &people, on_poll_inside, &runs));
    poll_until(loop, &runs, 1);
    assert_int_equal(loop_code, -EBUSY);
    net_free(loop);
}

struct ticks {
    struct net *net;
    int order[4], n;
    struct net_timer *stopped;
};

static void on_tick(void *ctx)
{
    struct ticks *t = ctx;
    t->order[t->n] = t->n;
    t->n++;
}

static void on_tick_that_starts_and_stops(void *ctx)
{
    struct ticks *t = ctx;
    on_tick(t);
    net_timer_stop(t->stopped);
    net_timer_start(t->net, 0, on_tick, t);
}

static void test_timers_fire_when_due_and_not_when_stopped(void **state)
{
    (void)state;
    struct net *n = new_net();
    struct ticks t = {.net = n};
    int64_t begin = monotonic_ms();
    t.stopped = net_timer_start(n, 60, on_tick, &t);
    net_timer_start(n, 50, on_tick_that_starts_and_stops, &t);
    net_timer_start(n, -5, on_tick, &t);
    net_timer_start(n, 3600000, on_tick, &t); /* goes with net_free */
    poll_until(n, &t.n, 3);
    assert_in_range(monotonic_ms() - begin, 50, 5000);
    net_timer_stop(NULL);
    net_free(n);
    assert_int_equal(t.n, 3);
}

static void *wake(void *arg)
{
    net_wakeup(arg);
    return NULL;
}

static void test_a_wakeup_ends_the_wait(void **state)
{
    (void)state;
    struct net *n = new_net();
    for (int i = 0; i < 50; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, wake, n), 0);
        assert_int_equal(net_poll(n, NULL, 0, -1), 0);
        pthread_join(thread, NULL);
    }
    net_free(n);
}

static void test_descriptors_of_others_are_watched_with_all_their_events(void **state)
{
    (void)state;
    struct net *n = new_net();
    int ends[2], readable[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(readable), 0);
    assert_int_equal(write(readable[1], "x", 1), 1);
    struct pollfd fds[] = {
        {.fd = readable[0], .events = POLLIN},
        {.fd = -1, .events = POLLIN, .revents = POLLIN},
        {.fd = ends[0], .events = POLLIN},
        {.fd = ends[1], .events = POLLOUT},
    };
    assert_int_equal(net_poll(n, fds, 4, -1), 0);
    assert_int_equal(fds[0].revents, POLLIN);
    assert_int_equal(fds[1].revents, 0);
    assert_int_equal(fds[2].revents, 0);
    assert_int_equal(fds[3].revents, POLLOUT);
    close(ends[1]);
    assert_int_equal(net_poll(n, fds + 1, 2, -1), 0);
    assert_int_equal(fds[2].revents, POLLHUP); /* curl alone would hide it, and the loop would spin */
    close(ends[0]);
    close(readable[0]);
    close(readable[1]);
    int64_t begin = monotonic_ms();
    assert_int_equal(net_poll(n, NULL, 0, 20), 0);
    assert_true(monotonic_ms() - begin >= 19);
    net_free(n);
}

/* ---- what outlives the process ---- */

static char budget_path[64];

static int flow_start(void **state)
{
    snprintf(budget_path, sizeof budget_path, "/tmp/lmsfs-budget-%d", (int)getpid());
    unlink(budget_path);
    return server_start(state);
}

static int flow_stop(void **state)
{
    unlink(budget_path);
    return server_stop(state);
}

static struct net_host *limited_host(struct net *n, int rate)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", server.port);
    return new_host_at(n, url, rate, budget_path);
}

/* A process that sends two requests, has one reply, and is killed. Forks before this process has any thread of its own but the server's. */
static void client_killed_with_a_request_in_flight(void)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct net *n = new_net();
        struct net_host *h = limited_host(n, 3);
        struct end end, open;
        run(n, h, request(HTTP_GET, "/ok"), &people, &end);
        start(h, request(HTTP_GET, "/gate"), &people, &open);
        poll_until_arrived(n, 2);
        if (write(ready[1], "x", 1) == 1)
            for (;;)
                net_poll(n, NULL, 0, -1);
        _exit(1);
    }
    char c;
    assert_int_equal(read(ready[0], &c, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
}

static void test_a_killed_process_forgets_no_request(void **state)
{
    (void)state;
    client_killed_with_a_request_in_flight();
    struct net *n = new_net();
    struct net_host *h = limited_host(n, 3);
    struct net_stats s;
    net_host_stats(h, &s);
    assert_int_equal(s.used, 2);
    struct net_options soon = within(NET_PEOPLE, 200);
    struct end third, fourth;
    run(n, h, request(HTTP_GET, "/ok"), &soon, &third);
    run(n, h, request(HTTP_GET, "/ok"), &soon, &fourth);
    assert_int_equal(third.status, 200);
    assert_int_equal(fourth.code, -ETIMEDOUT);
    assert_false(fourth.sent);
    free(third.body);
    net_free(n);

    n = new_net(); /* nor does one that ends in peace; a lower rate counts them too */
    h = limited_host(n, 2);
    net_host_stats(h, &s);
    assert_int_equal(s.used, 2);
    net_free(n);
}

static void test_a_budget_file_has_one_user(void **state)
{
    (void)state;
    struct net *n = new_net();
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d", server.port);
    struct net_host_options o = {.name = "acme", .base_url = url, .rate_per_minute = 3, .budget_file = budget_path};
    struct err e = {0};
    assert_non_null(net_host_new(n, &o, &e));
    assert_null(net_host_new(n, &o, &e));
    assert_int_equal(e.code, -EBUSY);
    char text[200];
    snprintf(text, sizeof text, "acme: %s: in use by another lmsfs", budget_path);
    assert_string_equal(e.text, text);
    struct stat st;
    assert_int_equal(stat(budget_path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    net_free(n);
}

static void test_a_budget_file_that_is_not_ours_is_begun_anew(void **state)
{
    (void)state;
    struct net *n = new_net();
    limited_host(n, 3);
    net_free(n);
    struct stat whole;
    assert_int_equal(stat(budget_path, &whole), 0);
    for (int kind = 0; kind < 4; kind++) {
        int fd = open(budget_path, O_RDWR);
        assert_true(fd >= 0);
        if (kind == 0)
            assert_int_equal(ftruncate(fd, 0), 0);
        else if (kind == 1)
            assert_int_equal(ftruncate(fd, whole.st_size - 1), 0);
        else if (kind == 2)
            assert_int_equal(ftruncate(fd, whole.st_size * 3), 0);
        else
            assert_int_equal(pwrite(fd, "ELF", 3, 0), 3);
        close(fd);
        n = new_net();
        struct net_host *h = limited_host(n, 3);
        struct net_stats s;
        struct end end;
        net_host_stats(h, &s);
        assert_int_equal(s.used, 0);
        run(n, h, request(HTTP_GET, "/ok"), &people, &end);
        free(end.body);
        net_free(n);
        struct stat st;
        assert_int_equal(stat(budget_path, &st), 0);
        assert_int_equal(st.st_size, whole.st_size);
    }
    n = new_net();
    struct net_stats s;
    net_host_stats(limited_host(n, 3), &s);
    assert_int_equal(s.used, 1);
    net_free(n);
}

static void test_a_budget_file_is_a_file(void **state)
{
    (void)state;
    struct budget_file f;
    struct err e = {0};
    assert_int_equal(budget_file_open(&f, "/tmp", &e), -EISDIR);
    assert_int_equal(mkfifo(budget_path, 0600), 0);
    assert_int_equal(budget_file_open(&f, budget_path, &e), -EINVAL);
    unlink(budget_path);
    assert_int_equal(symlink("/tmp/lmsfs-nowhere", budget_path), 0);
    assert_int_equal(budget_file_open(&f, budget_path, &e), -ELOOP);
    assert_int_equal(budget_file_open(&f, "/nowhere/budget", &e), -ENOENT);
    assert_string_equal(e.text, "/nowhere/budget: No such file or directory");
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, flow_start, flow_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_an_idempotent_request_is_sent_again_after_a_503),
        WITH_SERVER(test_what_is_not_idempotent_is_never_sent_again_after_a_503),
        WITH_SERVER(test_without_leave_nothing_is_sent_again),
        WITH_SERVER(test_the_last_reply_is_the_end_when_there_is_no_time_for_another),
        WITH_SERVER(test_a_lost_second_attempt_takes_the_first_reply_back),
        WITH_SERVER(test_a_429_pauses_the_whole_host),
        WITH_SERVER(test_an_unreachable_server_is_tried_until_there_is_no_time_left),
        WITH_SERVER(test_past_the_rate_a_call_ends_at_its_deadline_unsent),
        WITH_SERVER(test_a_retry_costs_budget_like_any_request),
        WITH_SERVER(test_listing_and_trickle_leave_what_is_kept_for_people),
        WITH_SERVER(test_trickle_waits_while_anybody_else_does),
        WITH_SERVER(test_a_call_that_a_person_waits_for_moves_up),
        WITH_SERVER(test_two_hundred_calls_share_eight_connections),
        WITH_SERVER(test_slow_pages_leave_a_connection_for_people),
        WITH_SERVER(test_a_cancelled_call_ends_once_and_from_the_loop),
        WITH_SERVER(test_a_shutdown_ends_every_call_exactly_once),
        WITH_SERVER(test_the_loop_is_not_entered_from_a_completion),
        WITH_SERVER(test_timers_fire_when_due_and_not_when_stopped),
        WITH_SERVER(test_a_wakeup_ends_the_wait),
        WITH_SERVER(test_descriptors_of_others_are_watched_with_all_their_events),
        WITH_SERVER(test_a_killed_process_forgets_no_request),
        WITH_SERVER(test_a_budget_file_has_one_user),
        WITH_SERVER(test_a_budget_file_that_is_not_ours_is_begun_anew),
        WITH_SERVER(test_a_budget_file_is_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
