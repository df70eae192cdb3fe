/* What people read of the daemon's answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/print.h"

/* What a printer writes for a JSON text; freed by the caller. */
static char *printed(void (*print)(FILE *to, const json_t *answer), const char *json)
{
    char *text = NULL;
    size_t len = 0;
    json_t *answer = json_loads(json, 0, NULL);
    assert_non_null(answer);
    FILE *to = open_memstream(&text, &len);
    assert_non_null(to);
    print(to, answer);
    fclose(to);
    json_decref(answer);
    return text;
}

static void print_status_of_a_mount(FILE *to, const json_t *status)
{
    print_status(to, "/mnt/lms", status);
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in: %s", part, text);
}

static void test_counts_have_commas(void **state)
{
    (void)state;
    char buf[32];
    assert_string_equal(print_count(0, buf), "0");
    assert_string_equal(print_count(999, buf), "999");
    assert_string_equal(print_count(2261, buf), "2,261");
    assert_string_equal(print_count(1234567, buf), "1,234,567");
    assert_string_equal(print_count(-100, buf), "-100");
    assert_string_equal(print_count(-1000, buf), "-1,000");
}

static void test_ages_are_for_people(void **state)
{
    (void)state;
    char buf[32];
    assert_string_equal(print_age(-5, buf), "0 s");
    assert_string_equal(print_age(119, buf), "119 s");
    assert_string_equal(print_age(300, buf), "5 min");
    assert_string_equal(print_age(7200, buf), "2 h");
    assert_string_equal(print_age(400000, buf), "4 days");
}

static void test_text_from_outside_cannot_steer_the_terminal(void **state)
{
    (void)state;
    char *text =
        printed(print_answer,
                "{\"ok\":true,\"path\":\"a\\u001b[2Jb\",\"state\":\"failed\",\"reason\":\"x\\u009b1my\\u007f\\r\\n\","
                "\"vendor\":\"\\u001b]0;title\\u0007\"}");
    for (const char *p = text; *p; p++)
        assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
    has(text, "a?[2Jb: failed\n");
    has(text, "x?1my???\n");
    free(text);
}

static void test_a_refusal_is_told_with_its_request(void **state)
{
    (void)state;
    char *text = printed(print_answer,
                         "{\"ok\":true,\"path\":\"hownow/users/EXT-1.json\",\"state\":\"failed\",\"errno\":\"EINVAL\","
                         "\"reason\":\"Name is too long\",\"request\":{\"method\":\"POST\",\"path\":\"/upsert\"},"
                         "\"at\":\"2024-07-15T08:30:00Z\",\"job\":null}");
    has(text, "hownow/users/EXT-1.json: failed (EINVAL)\n");
    has(text, "  Name is too long\n");
    has(text, "  request: POST /upsert\n");
    has(text, "  at 2024-07-15T08:30:00Z, ");
    assert_null(strstr(text, "job"));
    free(text);
}

static void test_members_without_a_place_are_printed_too(void **state)
{
    (void)state;
    char *text = printed(print_answer, "{\"ok\":true,\"held\":3,\"note\":\"new\",\"odd\":{\"a\":1}}");
    has(text, "held: 3\n");
    has(text, "note: new\n");
    has(text, "odd: {\"a\": 1}\n");
    free(text);
}

static void test_lists_are_a_line_each(void **state)
{
    (void)state;
    char *text = printed(print_answer,
                         "{\"ok\":true,\"rejected\":[{\"n\":3,\"path\":\"h/users/EXT-1.json\",\"errno\":\"EINVAL\","
                         "\"reason\":\"no\",\"uid\":0},{\"n\":4,\"path\":\"h/users/EXT-2.json\"}]}");
    assert_string_equal(text, "3\th/users/EXT-1.json  EINVAL: no  uid: 0\n4\th/users/EXT-2.json\n");
    free(text);
    text = printed(print_answer, "{\"ok\":true,\"pending\":[]}");
    assert_string_equal(text, "nothing is pending\n");
    free(text);
}

static void test_status_shows_tenants_and_collections(void **state)
{
    (void)state;
    char *text = printed(
        print_status_of_a_mount,
        "{\"ok\":true,\"version\":\"9\",\"tenants\":[{\"name\":\"hr\",\"provider\":\"hownow\",\"reachable\":false,"
        "\"last_reply\":\"2024-07-15T08:30:00Z\",\"requests\":12345,\"failures\":2,\"budget\":{\"used\":7,\"limit\":50}"
        ","
        "\"queued\":0,\"token\":\"valid\",\"pending\":1,\"rejected\":2,\"jobs\":3,\"guard_tripped\":true,\"mood\":"
        "\"new\","
        "\"collections\":[{\"name\":\"users\",\"listing\":\"sweeping\",\"entries\":2261,\"details\":0,"
        "\"progress\":{\"pages\":23,\"done\":4},\"later\":true}]},{\"name\":\"synap\",\"last_reply\":null}]}");
    has(text, "/mnt/lms\n");
    has(text, "hr (hownow): NOT REACHABLE, last reply ");
    has(text, "12,345 requests, 2 failed; 7 of 50 in the last minute; token valid\n");
    has(text, "saves: 1 pending, 2 rejected; 3 jobs\n");
    has(text, "GUARD: ");
    has(text, "  mood: new\n");
    has(text, "2,261  sweeping, page 4 of 23, later: yes\n");
    has(text, "synap: not asked yet\n");
    has(text, "version: 9\n");
    free(text);
}

static void test_an_answer_that_is_all_wrong_is_survived(void **state)
{
    (void)state;
    free(printed(print_answer, "{\"path\":1,\"state\":[],\"request\":3,\"at\":{},\"reason\":null,\"errno\":7}"));
    free(printed(print_status_of_a_mount, "{\"tenants\":[1,{\"name\":3,\"collections\":[[],{\"progress\":1}]},null]}"));
    free(printed(print_status_of_a_mount, "{\"tenants\":7}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_have_commas),
        cmocka_unit_test(test_ages_are_for_people),
        cmocka_unit_test(test_text_from_outside_cannot_steer_the_terminal),
        cmocka_unit_test(test_a_refusal_is_told_with_its_request),
        cmocka_unit_test(test_members_without_a_place_are_printed_too),
        cmocka_unit_test(test_lists_are_a_line_each),
        cmocka_unit_test(test_status_shows_tenants_and_collections),
        cmocka_unit_test(test_an_answer_that_is_all_wrong_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
