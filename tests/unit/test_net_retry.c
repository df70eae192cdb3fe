/* When a request is sent again, the heap of timers, and the clock's helpers: all that net/ decides without a network. */
#include "base/clock.h"
#include "base/loopback.h"
#include "net/retry.h"
#include "net/timer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_only_what_is_safe_is_sent_again(void **state)
{
    (void)state;
    static const struct {
        int status;
        bool sent, idempotent, hopeless, safe;
    } cases[] = {
        {0, false, false, false, true},                                   /* nothing was sent */
        {0, false, true, false, true},    {0, true, false, false, false}, /* a lost reply */
        {0, true, true, false, true},     {0, false, true, true, false},  /* a bad certificate stays bad */
        {0, true, true, true, false},     {429, true, false, false, true},  {429, true, true, false, true},
        {502, true, false, false, false}, {502, true, true, false, true},   {503, true, false, false, false},
        {503, true, true, false, true},   {504, true, false, false, false}, {504, true, true, false, true},
        {500, true, true, false, false},  {501, true, true, false, false},  {505, true, true, false, false},
        {408, true, true, false, false},  {400, true, true, false, false},  {404, true, true, false, false},
        {200, true, true, false, false},  {302, true, true, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct attempt a = {.number = 1,
                            .status = cases[i].status,
                            .retry_after = -1,
                            .sent = cases[i].sent,
                            .hopeless = cases[i].hopeless,
                            .idempotent = cases[i].idempotent};
        assert_int_equal(retry_is_safe(&a), cases[i].safe);
    }
}

static void test_the_delay_doubles_from_half_a_second_to_half_a_minute(void **state)
{
    (void)state;
    for (unsigned number = 1; number < 100; number++) {
        int64_t least = INT64_MAX, most = 0, base = number < 7 ? RETRY_FIRST_MS << (number - 1) : RETRY_MOST_MS * 2 / 3;
        if (base > RETRY_MOST_MS * 2 / 3)
            base = RETRY_MOST_MS * 2 / 3;
        for (uint32_t random = 0; random < 100000; random += 7) {
            struct attempt a = {.number = number, .retry_after = -1};
            int64_t d = retry_delay_ms(&a, random);
            least = d < least ? d : least;
            most = d > most ? d : most;
        }
        assert_int_equal(least, base);
        assert_in_range(most, base + base / 2 - 10, RETRY_MOST_MS);
    }
}

static void test_retry_after_is_obeyed(void **state)
{
    (void)state;
    for (uint32_t random = 0; random < 5000; random++) {
        struct attempt a = {.number = 1, .status = 429, .retry_after = 7};
        assert_in_range(retry_delay_ms(&a, random), 7000, 7000 + RETRY_FIRST_MS);
        a.retry_after = 0;
        assert_in_range(retry_delay_ms(&a, random), RETRY_FIRST_MS, RETRY_FIRST_MS * 2);
        a.retry_after = 86400;
        assert_in_range(retry_delay_ms(&a, random), 86400000, 86400000 + RETRY_FIRST_MS);
    }
}

static void test_retry_after_has_two_forms(void **state)
{
    (void)state;
    const int64_t now = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
    assert_int_equal(retry_after_parse("0", now), 0);
    assert_int_equal(retry_after_parse(" 120 ", now), 120);
    assert_int_equal(retry_after_parse("86401", now), 86400);
    assert_int_equal(retry_after_parse("99999999999999999999999999", now), 86400);
    assert_int_equal(retry_after_parse("Sun, 06 Nov 1994 08:49:47 GMT", now), 10);
    assert_int_equal(retry_after_parse("Sunday, 06-Nov-94 08:49:38 GMT", now), 1);
    assert_int_equal(retry_after_parse("Sun Nov  6 08:50:37 1994", now), 60);
    assert_int_equal(retry_after_parse("Sun, 06 Nov 1994 08:49:30 GMT", now), 0);
    assert_int_equal(retry_after_parse("Fri, 31 Dec 2099 23:59:59 GMT", now), 86400);
    assert_int_equal(retry_after_parse("", now), -1);
    assert_int_equal(retry_after_parse("-5", now), -1);
    assert_int_equal(retry_after_parse("5 minutes", now), -1);
    assert_int_equal(retry_after_parse("soon", now), -1);
}

/* ---- timers ---- */

static int64_t fired_due;
static int fired_n;

static void on_fire(void *ctx)
{
    struct timer *t = ctx;
    assert_true(t->due >= fired_due);
    fired_due = t->due;
    fired_n++;
}

static void test_timers_fire_in_their_order_whatever_was_stopped_between(void **state)
{
    (void)state;
    enum { N = 2000 };
    static struct timer t[N];
    struct timers ts = {0};
    srand(1);
    for (int i = 0; i < N; i++) {
        t[i] = (struct timer){.fire = on_fire, .ctx = &t[i]};
        assert_int_equal(timers_reserve(&ts), 0);
        timer_start(&ts, &t[i], rand() % 1000);
    }
    int running = N;
    for (int i = 0; i < N; i += 3, running--)
        timer_stop(&ts, &t[i]);
    for (int i = 1; i < N; i += 3)
        timer_start(&ts, &t[i], rand() % 1000); /* moved */
    timer_stop(&ts, &t[0]);                     /* stopped already */
    fired_due = fired_n = 0;
    assert_int_equal(timers_wait(&ts, -5), ts.heap[1]->due + 5);
    timers_run(&ts, 500);
    assert_in_range(fired_n, 1, running - 1);
    assert_true(timers_wait(&ts, 500) > 0);
    timers_run(&ts, 1000);
    assert_int_equal(fired_n, running);
    assert_int_equal(timers_wait(&ts, 1000), -1);
    for (int i = 0; i < N; i++)
        timers_unreserve(&ts);
    timers_release(&ts);
}

static struct timers *again_in;
static void on_again(void *ctx)
{
    fired_n++;
    timer_start(again_in, ctx, 0);
}

static void test_a_timer_that_starts_itself_anew_does_not_hold_the_loop(void **state)
{
    (void)state;
    struct timers ts = {0};
    struct timer t = {.fire = on_again, .ctx = &t};
    again_in = &ts;
    fired_n = 0;
    assert_int_equal(timers_reserve(&ts), 0);
    timer_start(&ts, &t, 0);
    timers_run(&ts, 10);
    assert_int_equal(fired_n, 1);
    assert_int_equal(timers_wait(&ts, 10), 0);
    timers_release(&ts);
    assert_int_equal(t.place, 0);
}

/* ---- base ---- */

static void test_times_print_and_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t s;
    } times[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2024-07-15T08:30:00Z", 1721032200},
        {"2024-07-15T08:30:00.123Z", 1721032200},
        {"2024-07-15 08:30:00", 1721032200},
        {"2024-07-15t10:30:00+02:00", 1721032200},
        {"2024-07-15T03:00:00-0530", 1721032200},
        {"2024-02-29", 1709164800},
        {"1969-12-31T23:59:59Z", -1},
    };
    char buf[ISO_TIME_SIZE];
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t s = 12345;
        assert_int_equal(iso_time_parse(times[i].text, &s), 0);
        assert_int_equal(s, times[i].s);
    }
    assert_string_equal(iso_time_print(1721032200, buf), "2024-07-15T08:30:00Z");
    assert_string_equal(iso_date_print(1721032200, buf), "2024-07-15");
    static const char *const bad[] = {"",
                                      "2024",
                                      "2024-7-15",
                                      "2024-13-01",
                                      "2023-02-29",
                                      "1900-02-29",
                                      "2024-07-15T",
                                      "2024-07-15T24:00:00Z",
                                      "2024-07-15x",
                                      "2024-07-15T08:30",
                                      "2024-07-15T08:30:00.Z",
                                      "2024-07-15T08:30:00+1",
                                      "2024-07-15T08:30:00Zx",
                                      " 2024-07-15"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t s;
        assert_int_equal(iso_time_parse(bad[i], &s), -EINVAL);
    }
}

static void test_only_this_machine_is_loopback(void **state)
{
    (void)state;
    static const char *const yes[] = {"localhost", "LocalHost", "127.0.0.1", "127.255.255.255", "::1", "[::1]"};
    static const char *const no[] = {"",
                                     "localhost.",
                                     "localhost.example.com",
                                     "127.0.0.1.example.com",
                                     "128.0.0.1",
                                     "10.0.0.1",
                                     "0.0.0.0",
                                     "[::]",
                                     "[::ffff:127.0.0.1]",
                                     "127.1",
                                     "x.localhost"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(is_loopback_host(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(is_loopback_host(no[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_is_safe_is_sent_again),
        cmocka_unit_test(test_the_delay_doubles_from_half_a_second_to_half_a_minute),
        cmocka_unit_test(test_retry_after_is_obeyed),
        cmocka_unit_test(test_retry_after_has_two_forms),
        cmocka_unit_test(test_timers_fire_in_their_order_whatever_was_stopped_between),
        cmocka_unit_test(test_a_timer_that_starts_itself_anew_does_not_hold_the_loop),
        cmocka_unit_test(test_times_print_and_parse),
        cmocka_unit_test(test_only_this_machine_is_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
