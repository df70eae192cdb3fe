/* The sliding window, by a clock of our own: what the server may see, whatever the latencies. */
#include "net/budget.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const int64_t wall_start = 1700000000000;

static struct budget_now at(int64_t ms)
{
    return (struct budget_now){ms, wall_start + ms};
}

static struct budget new_budget(int limit, struct budget_stamp *stamps, size_t n, int64_t now)
{
    struct budget b;
    assert_int_equal(budget_init(&b, limit, stamps, n, at(now)), 0);
    return b;
}

static uint32_t seed;
static uint32_t rnd(uint32_t below)
{
    seed = seed * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)seed * below) >> 32);
}

/* ---- what the server sees ---- */

struct request {
    int64_t starts, ends;
    int slot;
    bool unsent;
};

static int by_time(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The most that fall into any 60 s. */
static int most_in_a_minute(int64_t *seen, size_t n)
{
    int most = 0;
    qsort(seen, n, sizeof *seen, by_time);
    for (size_t first = 0, last = 0; last < n; last++) {
        while (seen[last] - seen[first] > BUDGET_WINDOW_MS)
            first++;
        if ((int)(last - first) + 1 > most)
            most = (int)(last - first) + 1;
    }
    return most;
}

enum { MOST = 20000 };

/* The server sees a request at any instant until `end`. */
static void see(const struct request *r, int64_t end, int64_t *seen, size_t *n)
{
    if (!r->unsent)
        seen[(*n)++] = r->starts + rnd((uint32_t)(end - r->starts) + 1);
}

/* Random arrivals of all classes, latencies up to half a minute, some requests that never leave; the server sees each at any instant
 * between its start and its end. With `crashes` the process dies now and then and a new one finds the stamps. Returns the most it saw. */
static int simulate(int limit, int64_t duration, uint32_t latency, bool crashes, size_t *total)
{
    static struct request open[MOST];
    static int64_t seen[MOST];
    size_t open_n = 0, seen_n = 0;
    struct budget_stamp *stamps = calloc((size_t)limit, sizeof *stamps);
    struct budget b = new_budget(limit, stamps, (size_t)limit, 0);
    for (int64_t now = 0; now < duration && seen_n < MOST; now += rnd(400)) {
        if (crashes && rnd(300) == 0) { /* whatever was in flight has arrived by now */
            while (open_n > 0 && seen_n < MOST)
                see(&open[--open_n], now, seen, &seen_n);
            open_n = 0;
            budget_release(&b);
            b = new_budget(limit, stamps, (size_t)limit, now);
        }
        for (size_t i = 0; i < open_n;)
            if (open[i].ends <= now && seen_n < MOST) {
                see(&open[i], open[i].ends, seen, &seen_n);
                budget_done(&b, open[i].slot, !open[i].unsent, at(now));
                open[i] = open[--open_n];
            } else {
                i++;
            }
        for (uint32_t burst = rnd(4) == 0 ? rnd(20) : rnd(2); burst > 0; burst--) {
            enum net_class class = (enum net_class)rnd(3);
            int used = budget_used(&b, at(now)), slot = budget_take(&b, class, at(now));
            assert_int_equal(slot >= 0, used < budget_share(&b, class));
            if (slot < 0)
                continue;
            uint32_t takes = 1 + rnd(latency);
            open[open_n++] = (struct request){now, now + takes, slot, rnd(10) == 0};
        }
        assert_true(budget_used(&b, at(now)) <= limit);
    }
    budget_release(&b);
    free(stamps);
    *total += seen_n;
    return most_in_a_minute(seen, seen_n);
}

static void test_the_server_never_sees_more_than_the_limit_in_any_60_seconds(void **state)
{
    (void)state;
    static const int limits[] = {1, 2, 3, 5, 10, 50, 100, 600};
    size_t total = 0;
    for (seed = 1; seed < 200; seed++) {
        uint32_t keep = seed;
        for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
            assert_true(simulate(limits[i], 600000, i % 2 ? 30000 : 500, false, &total) <= limits[i]);
        seed = keep;
    }
    assert_true(total > 100000);
}

static void test_a_crash_forgets_no_request(void **state)
{
    (void)state;
    static const int limits[] = {1, 3, 50, 100};
    size_t total = 0;
    for (seed = 1; seed < 200; seed++) {
        uint32_t keep = seed;
        for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
            assert_true(simulate(limits[i], 600000, 5000, true, &total) <= limits[i]);
        seed = keep;
    }
    assert_true(total > 50000);
}

static void test_the_whole_limit_is_used(void **state)
{
    (void)state;
    struct budget_stamp stamps[50] = {{0}};
    struct budget b = new_budget(50, stamps, 50, 0);
    int sent = 0;
    for (int64_t now = 0; now < 600000; now += 10) {
        int slot = budget_take(&b, NET_PEOPLE, at(now));
        if (slot < 0)
            continue;
        budget_done(&b, slot, true, at(now + 5));
        sent++;
    }
    assert_in_range(sent, 10 * 50 - 1, 10 * 50);
    budget_release(&b);
}

static void test_a_slot_is_held_until_a_minute_after_the_reply(void **state)
{
    (void)state;
    struct budget_stamp stamps[1] = {{0}};
    struct budget b = new_budget(1, stamps, 1, 0);
    int slot = budget_take(&b, NET_PEOPLE, at(0));
    assert_int_equal(slot, 0);
    assert_int_equal(budget_take(&b, NET_PEOPLE, at(59999)), -1);
    assert_int_equal(budget_wait(&b, NET_PEOPLE, at(1000)), -1); /* nobody knows when the reply comes */
    budget_done(&b, slot, true, at(30000));
    int64_t free_at = 30000 + BUDGET_WINDOW_MS + BUDGET_MARGIN_MS;
    assert_int_equal(budget_wait(&b, NET_PEOPLE, at(30000)), free_at - 30000);
    assert_int_equal(budget_take(&b, NET_PEOPLE, at(free_at - 1)), -1);
    assert_int_equal(budget_wait(&b, NET_PEOPLE, at(free_at)), 0);
    assert_int_equal(budget_take(&b, NET_PEOPLE, at(free_at)), 0);
    budget_release(&b);
}

static void test_what_was_never_sent_costs_nothing(void **state)
{
    (void)state;
    struct budget_stamp stamps[2] = {{0}};
    struct budget b = new_budget(2, stamps, 2, 0);
    for (int i = 0; i < 100; i++) {
        int slot = budget_take(&b, NET_PEOPLE, at(i));
        assert_true(slot >= 0);
        budget_done(&b, slot, false, at(i));
    }
    assert_int_equal(budget_used(&b, at(100)), 0);
    assert_int_equal(stamps[0].sent | stamps[1].sent, 0);
    budget_release(&b);
}

/* ---- the classes ---- */

static int takes(struct budget *b, enum net_class class)
{
    int n = 0;
    while (budget_take(b, class, at(0)) >= 0)
        n++;
    return n;
}

static void test_the_share_kept_for_people_is_never_used_by_others(void **state)
{
    (void)state;
    static const struct {
        int limit, background, listing;
    } shares[] = {{1, 1, 1}, {2, 1, 1}, {3, 2, 1}, {4, 2, 2}, {5, 3, 3}, {10, 5, 8}, {50, 25, 40}, {100, 50, 80}};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        struct budget_stamp stamps[100] = {{0}};
        int limit = shares[i].limit;
        struct budget b = new_budget(limit, stamps, 100, 0);
        assert_int_equal(takes(&b, NET_BACKGROUND), shares[i].background);
        int listing = shares[i].listing - shares[i].background;
        assert_int_equal(takes(&b, NET_LISTING), listing > 0 ? listing : 0);
        assert_int_equal(takes(&b, NET_BACKGROUND), 0);
        assert_int_equal(budget_used(&b, at(0)) + takes(&b, NET_PEOPLE), limit);
        assert_int_equal(takes(&b, NET_PEOPLE), 0);
        budget_release(&b);
    }
}

static void test_the_wait_of_a_class_ends_when_its_share_has_room(void **state)
{
    (void)state;
    struct budget_stamp stamps[10] = {{0}};
    struct budget b = new_budget(10, stamps, 10, 0);
    for (int i = 0; i < 10; i++) /* one a second */
        budget_done(&b, budget_take(&b, NET_PEOPLE, at(i * 1000)), true, at(i * 1000));
    const int64_t now = 10000, held = BUDGET_WINDOW_MS + BUDGET_MARGIN_MS;
    assert_int_equal(budget_wait(&b, NET_PEOPLE, at(now)), 0 + held - now);        /* the first of them */
    assert_int_equal(budget_wait(&b, NET_LISTING, at(now)), 2000 + held - now);    /* 7 left */
    assert_int_equal(budget_wait(&b, NET_BACKGROUND, at(now)), 5000 + held - now); /* 4 left */
    budget_release(&b);
}

static void test_without_a_limit_everything_goes_at_once(void **state)
{
    (void)state;
    struct budget b = new_budget(0, NULL, 0, 0);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(budget_take(&b, NET_BACKGROUND, at(0)), 0);
    assert_int_equal(budget_share(&b, NET_LISTING), INT_MAX);
    assert_int_equal(budget_used(&b, at(0)), 100000);
    budget_done(&b, 0, true, at(0));
    assert_int_equal(budget_used(&b, at(0)), 99999);
    budget_release(&b);
}

/* ---- stamps of a former process ---- */

static void test_what_was_in_flight_at_a_crash_counts_from_the_start(void **state)
{
    (void)state;
    struct budget_stamp stamps[3] = {{0}, {wall_start - 500000, 0}, {0}};
    struct budget b = new_budget(3, stamps, 3, 0);
    assert_int_equal(budget_used(&b, at(0)), 1);
    assert_int_equal(budget_used(&b, at(BUDGET_WINDOW_MS + BUDGET_MARGIN_MS - 1)), 1);
    assert_int_equal(budget_used(&b, at(BUDGET_WINDOW_MS + BUDGET_MARGIN_MS)), 0);
    budget_release(&b);
}

static void test_a_stamp_to_come_is_taken_for_now(void **state)
{
    (void)state;
    struct budget_stamp stamps[2] = {{wall_start + 1, INT64_MAX}, {INT64_MAX, wall_start + 86400000}};
    struct budget b = new_budget(2, stamps, 2, 0);
    assert_int_equal(budget_used(&b, at(0)), 2);
    assert_int_equal(budget_used(&b, at(BUDGET_WINDOW_MS + BUDGET_MARGIN_MS)), 0);
    budget_release(&b);
}

static void test_a_lower_limit_counts_what_was_sent_under_the_higher_one(void **state)
{
    (void)state;
    struct budget_stamp stamps[100];
    for (int i = 0; i < 100; i++) /* a request every 100 ms, in no order */
        stamps[(i * 37) % 100] = (struct budget_stamp){wall_start - i * 100 - 5, wall_start - i * 100};
    struct budget b = new_budget(10, stamps, 100, 0);
    const int64_t held = BUDGET_WINDOW_MS + BUDGET_MARGIN_MS;
    assert_int_equal(budget_used(&b, at(0)), 10);
    assert_int_equal(budget_used(&b, at(held - 901)), 10); /* until the tenth newest is a minute old */
    assert_int_equal(budget_used(&b, at(held - 900)), 9);
    assert_int_equal(budget_used(&b, at(held)), 0);
    assert_int_equal(takes(&b, NET_PEOPLE), 10);
    budget_release(&b);
}

static void test_garbage_in_the_stamps_does_no_harm(void **state)
{
    (void)state;
    for (seed = 1; seed < 2000; seed++) {
        struct budget_stamp stamps[64];
        uint32_t keep = seed;
        for (size_t i = 0; i < sizeof stamps; i++)
            ((unsigned char *)stamps)[i] = rnd(3) ? (unsigned char)rnd(256) : 0;
        int limit = 1 + (int)rnd(64);
        struct budget b = new_budget(limit, stamps, 64, 0);
        assert_true(budget_used(&b, at(0)) <= limit);
        assert_int_equal(budget_used(&b, at(BUDGET_WINDOW_MS + BUDGET_MARGIN_MS)), 0);
        for (int64_t now = 100000; now < 100100; now++) {
            int slot = budget_take(&b, NET_PEOPLE, at(now));
            if (slot >= 0)
                budget_done(&b, slot, true, at(now));
        }
        budget_release(&b);
        seed = keep;
    }
}

/* What is said at the start is what happens, whatever was used before. */
static void test_an_estimate_is_what_happens(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 400; n += 37) {
        for (int used = 0; used <= 50; used += 10) {
            struct budget_stamp stamps[50] = {0};
            struct budget b = new_budget(50, stamps, 50, 0);
            for (int i = 0; i < used; i++) { /* by people, a second apart; the last one is still in flight */
                int slot = budget_take(&b, NET_PEOPLE, at(i * 1000));
                assert_true(slot >= 0);
                if (i < used - 1)
                    budget_done(&b, slot, true, at(i * 1000));
            }
            int64_t now = used * 1000, said = budget_estimate(&b, NET_LISTING, n, at(now)), begun = now;
            if (used)
                budget_done(&b, used - 1, true, at(now));
            for (uint64_t left = n; left;) {
                int slot = budget_take(&b, NET_LISTING, at(now));
                if (slot >= 0) {
                    budget_done(&b, slot, true, at(now));
                    left--;
                } else {
                    now += 50;
                }
            }
            assert_in_range((now - begun) - said + 1000, 0, 2000);
            budget_release(&b);
        }
    }
}

static void test_a_jump_of_the_wall_clock_opens_no_second_window(void **state)
{
    (void)state;
    struct budget_stamp stamps[1] = {{0}};
    struct budget b = new_budget(1, stamps, 1, 0);
    struct budget_now later = {1000, wall_start + 86400000}, earlier = {2000, wall_start - 86400000};
    budget_done(&b, budget_take(&b, NET_PEOPLE, at(0)), true, at(0));
    assert_int_equal(budget_take(&b, NET_PEOPLE, later), -1);
    assert_int_equal(budget_take(&b, NET_PEOPLE, earlier), -1);
    budget_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_server_never_sees_more_than_the_limit_in_any_60_seconds),
        cmocka_unit_test(test_a_crash_forgets_no_request),
        cmocka_unit_test(test_the_whole_limit_is_used),
        cmocka_unit_test(test_a_slot_is_held_until_a_minute_after_the_reply),
        cmocka_unit_test(test_what_was_never_sent_costs_nothing),
        cmocka_unit_test(test_the_share_kept_for_people_is_never_used_by_others),
        cmocka_unit_test(test_the_wait_of_a_class_ends_when_its_share_has_room),
        cmocka_unit_test(test_without_a_limit_everything_goes_at_once),
        cmocka_unit_test(test_what_was_in_flight_at_a_crash_counts_from_the_start),
        cmocka_unit_test(test_a_stamp_to_come_is_taken_for_now),
        cmocka_unit_test(test_a_lower_limit_counts_what_was_sent_under_the_higher_one),
        cmocka_unit_test(test_garbage_in_the_stamps_does_no_harm),
        cmocka_unit_test(test_an_estimate_is_what_happens),
        cmocka_unit_test(test_a_jump_of_the_wall_clock_opens_no_second_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
