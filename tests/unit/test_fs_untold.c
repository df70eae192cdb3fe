/* What the kernel has of a file while it isn't told yet. */
#include "fs/park.h"
#include "fs/untold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define INO 7

static int set_up(void **state)
{
    *state = untold_new();
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    untold_free(*state);
    return 0;
}

static void hold(struct untold *u, const char *text, int64_t version)
{
    untold_hold(u, INO, text, strlen(text), version);
}

static void queue(struct untold *u)
{
    bool lost;
    assert_true(untold_queue(u, INO, &lost));
    assert_false(lost);
    untold_unhold(u);
}

static void tell(struct untold *u, int64_t now_ms)
{
    untold_take(u, INO);
    assert_false(untold_sent(u, INO, now_ms));
}

static void shows(struct untold *u, const char *expected)
{
    size_t len = 0;
    bool again;
    const char *text = untold_text(u, INO, NULL, &len, &again);
    if (!expected) {
        assert_null(text);
        return;
    }
    assert_non_null(text);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(text, expected, len);
}

static void the_old_text_until_it_is_told(void **state)
{
    struct untold *u = *state;
    shows(u, NULL);
    hold(u, "one", 1);
    assert_true(untold_has(u, INO));
    shows(u, "one");
    queue(u);
    shows(u, "one");
    untold_take(u, INO);
    assert_true(untold_has(u, INO));
    assert_false(untold_sent(u, INO, 1000));
    assert_false(untold_has(u, INO));
}

static void who_asks_its_size_gets_the_text_of_that_size(void **state)
{
    struct untold *u = *state;
    hold(u, "one", 1);
    untold_attr(u, INO, 3, 1); /* before the commit */
    shows(u, "one");
    queue(u);
    untold_attr(u, INO, 4, 2);
    shows(u, NULL);
    hold(u, "four", 2); /* it changes once more, before the first word of it is out */
    shows(u, "four");
}

static void a_change_while_the_last_is_being_sent(void **state)
{
    struct untold *u = *state;
    hold(u, "one", 1);
    queue(u);
    untold_take(u, INO);
    untold_attr(u, INO, 4, 2);
    hold(u, "four", 2);
    assert_false(untold_sent(u, INO, 1000));
    assert_true(untold_has(u, INO));
    untold_attr(u, INO, 4, 2); /* asked after the word, before the commit */
    queue(u);
    shows(u, "four");
    untold_attr(u, INO, 5, 3);
    shows(u, NULL);
}

/* Between the kernel's hearing of the first change and our noting that it has, it asks, and is told of the second. */
static void what_it_is_told_in_between_holds(void **state)
{
    struct untold *u = *state;
    hold(u, "one", 1);
    queue(u);
    untold_take(u, INO);
    hold(u, "four", 2);
    queue(u);
    untold_attr(u, INO, 5, 3);
    assert_false(untold_sent(u, INO, 1000));
    shows(u, NULL);
    hold(u, "fives", 3);
    shows(u, "fives");
}

/* The kernel hears of the first change and asks before the second is committed. */
static void asked_between_two_changes(void **state)
{
    struct untold *u = *state;
    hold(u, "one", 1);
    queue(u);
    untold_take(u, INO);
    hold(u, "four", 2);
    shows(u, "one"); /* so that the word is sent once more */
    assert_true(untold_sent(u, INO, 1000));
    untold_attr(u, INO, 4, 2);
    queue(u); /* committed */
    shows(u, "four");
}

static void read_while_it_is_sent_is_sent_again(void **state)
{
    struct untold *u = *state;
    hold(u, "one", 1);
    queue(u);
    untold_take(u, INO);
    shows(u, "one");
    assert_true(untold_sent(u, INO, 1000));
    queue(u);
    tell(u, 1000);
}

static void it_lingers_for_who_had_opened_it(void **state)
{
    struct untold *u = *state;
    size_t len;
    bool again;
    const uint64_t before = TEXT_TOKEN(1), after = TEXT_TOKEN(2);
    hold(u, "one", 1);
    queue(u);
    tell(u, 1000);
    assert_null(untold_text(u, INO, &after, &len, &again));
    assert_non_null(untold_text(u, INO, &before, &len, &again));
    assert_true(again);
    untold_expire(u, 1400);
    assert_int_equal(untold_count(u), 1);
    untold_expire(u, 1500);
    assert_int_equal(untold_count(u), 0);
}

/* Reading it over and over sends the word again each time, and doesn't keep it. */
static void it_lingers_half_a_second_however_often_it_is_read(void **state)
{
    struct untold *u = *state;
    size_t len;
    bool again, lost;
    const uint64_t before = TEXT_TOKEN(1);
    hold(u, "one", 1);
    queue(u);
    for (int64_t now = 1000; now < 1500; now += 100) {
        tell(u, now);
        assert_non_null(untold_text(u, INO, &before, &len, &again));
        assert_true(again);
        assert_true(untold_queue(u, INO, &lost));
    }
    tell(u, 1500);
    assert_int_equal(untold_count(u), 0);
}

static void no_longer_once_the_new_size_is_known(void **state)
{
    struct untold *u = *state;
    hold(u, "one", 1);
    queue(u);
    tell(u, 1000);
    untold_attr(u, INO, 4, 2);
    assert_int_equal(untold_count(u), 0);
}

static void nothing_is_left_of_an_aborted_write(void **state)
{
    struct untold *u = *state;
    hold(u, "one", 1);
    untold_unhold(u);
    assert_int_equal(untold_count(u), 0);
}

static void who_waits_is_answered_once_it_is_sent(void **state)
{
    struct untold *u = *state;
    struct parked first = {0}, second = {0};
    assert_false(untold_wait(u, INO, &first));
    hold(u, "one", 1);
    assert_true(untold_wait(u, INO, &first));
    queue(u);
    assert_true(untold_wait(u, INO, &second));
    assert_null(untold_answers(u));
    untold_take(u, INO);
    assert_null(untold_answers(u));
    assert_false(untold_sent(u, INO, 1000));
    const struct parked *p = untold_answers(u);
    assert_ptr_equal(p, &second);
    assert_ptr_equal(p->next, &first);
    assert_null(first.next);
    assert_null(untold_answers(u));
}

static void one_queued_twice_waits_once(void **state)
{
    struct untold *u = *state;
    bool lost;
    assert_true(untold_queue(u, INO, &lost));
    assert_false(untold_queue(u, INO, &lost));
    assert_false(lost);
    untold_take(u, INO);
    assert_true(untold_queue(u, INO, &lost)); /* what came after the sending began is told too */
    assert_false(untold_sent(u, INO, 1000));
    assert_true(untold_has(u, INO));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_old_text_until_it_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_asks_its_size_gets_the_text_of_that_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_change_while_the_last_is_being_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_it_is_told_in_between_holds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(asked_between_two_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(read_while_it_is_sent_is_sent_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_lingers_for_who_had_opened_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_lingers_half_a_second_however_often_it_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_longer_once_the_new_size_is_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_left_of_an_aborted_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_waits_is_answered_once_it_is_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_queued_twice_waits_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
