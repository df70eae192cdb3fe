/* test_sync_crawl.c — what tells a reader from a crawl. */
#include "sync/crawl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* after the four that it needs */
#include <cmocka.h>

static void test_no_sixty_seconds_hold_more_than_the_limit(void **state)
{
    (void)state;
    struct crawl *c = crawl_new(10);
    int64_t taken[2000];
    size_t n = 0;
    assert_non_null(c);
    for (int64_t now = 1; now < 600000; now += 777)
        if (crawl_take(c, now))
            taken[n++] = now;
    assert_true(n > 90); /* and most of what is allowed is given */
    for (size_t i = 0; i + 10 < n; i++)
        assert_true(taken[i + 10] - taken[i] >= 60000);
    crawl_free(c);
}

static void test_a_limit_of_nothing_gives_nothing(void **state)
{
    (void)state;
    struct crawl *c = crawl_new(0);
    assert_non_null(c);
    assert_false(crawl_take(c, 1));
    assert_false(crawl_take(c, 1000000));
    crawl_free(c);
}

static void test_a_refused_one_is_not_counted(void **state)
{
    (void)state;
    struct crawl *c = crawl_new(1);
    assert_true(crawl_take(c, 1));
    for (int64_t now = 2; now < 60001; now += 1000)
        assert_false(crawl_take(c, now));
    assert_true(crawl_take(c, 60001));
    crawl_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_sixty_seconds_hold_more_than_the_limit),
        cmocka_unit_test(test_a_limit_of_nothing_gives_nothing),
        cmocka_unit_test(test_a_refused_one_is_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
