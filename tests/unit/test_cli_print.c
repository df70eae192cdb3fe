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
    print_status(to, &(struct status_view){.mountpoint = "/mnt/lms"}, status);
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

#define TENANTS                                                                                                       \
    "{\"ok\":true,\"version\":\"9\",\"dry_run\":true,\"commits\":7,\"invalidations\":8,\"audit\":{\"bytes\":9,"       \
    "\"lost\":2,"                                                                                                     \
    "\"error\":\"ENOSPC\"},\"tenants\":[{\"name\":\"hr\",\"provider\":\"hownow\",\"reachable\":false,\"last_reply\":" \
    "\"2024-07-15T08:30:00Z\",\"requests\":12345,\"failures\":2,\"budget\":{\"used\":7,\"limit\":50},\"queued\":3,"   \
    "\"token\":\"valid\",\"pending\":1,\"rejected\":2,\"jobs\":3,\"guard_tripped\":true,\"mood\":\"new\","            \
    "\"collections\":["                                                                                               \
    "{\"name\":\"skills\",\"listing\":\"complete\",\"at\":\"2024-07-15T08:30:00Z\",\"entries\":5,\"error\":"          \
    "\"no\\u001b[2J\"},"                                                                                              \
    "{\"name\":\"users\",\"listing\":\"sweeping\",\"entries\":2261,\"details\":1204,"                                 \
    "\"progress\":{\"pages\":23,\"done\":4},\"later\":true}]},{\"name\":\"a-longer-name\",\"last_reply\":null,"       \
    "\"collections\":[{\"name\":\"users\",\"listing\":\"known-only\",\"entries\":4,\"fetching\":{\"total\":1200,"     \
    "\"done\":30,\"seconds\":300}}]}]}"

static void test_status_is_a_table_with_a_line_a_tenant(void **state)
{
    (void)state;
    char *text = printed(print_status_of_a_mount, TENANTS);
    has(text, "/mnt/lms\n"
              "TENANT         REACHABLE  PEOPLE  LISTED        DETAILS  BUDGET         PENDING  REJECTED  JOBS\n"
              "hr             NO          2,261  page 4 of 23    1,204  43 of 50 left        1         2     3\n"
              "a-longer-name  not asked       4  as known            0  no limit             0         0     0\n");
    assert_null(strstr(text, "\033"));
    assert_null(strstr(text, "12,345 requests"));
    free(text);
}

static void test_below_the_table_stands_what_needs_somebody(void **state)
{
    (void)state;
    char *text = printed(print_status_of_a_mount, TENANTS);
    has(text, "\nhr: not reachable, last reply ");
    has(text, "\nhr: GUARD: ");
    has(text, "\nhr: requests that wait for the budget: 3\n");
    has(text, "\nhr: what was refused is kept: `lmsfs rejected`\n");
    has(text, "\nhr: mood: new\n");
    has(text, "\nhr/skills: what is shown was listed ");
    has(text, " ago: no?[2J\n");
    has(text, "\na-longer-name/users: details fetched 30 of 1,200, about 5 min more\n");
    has(text, "\nDRY RUN: ");
    has(text, "\naudit.jsonl: lines that could not be written: 2, ENOSPC\n");
    has(text, "\nversion: 9\n");
    assert_null(strstr(text, "commits"));
    assert_null(strstr(text, "invalidations"));
    free(text);
    text = printed(print_status_of_a_mount,
                   "{\"ok\":true,\"audit\":{\"bytes\":9,\"lost\":0},\"tenants\":[{\"name\":\"hr\","
                   "\"reachable\":true,\"guard_tripped\":false,\"rejected\":0,\"queued\":0}]}");
    const char *row = strstr(text, "\nhr ");
    assert_non_null(row);
    if (strchr(row + 1, '\n')[1])
        fail_msg("where all is well, nothing stands below the table: %s", text);
    free(text);
}

static void print_status_in_full(FILE *to, const json_t *status)
{
    print_status(to, &(struct status_view){.tenant = "hr", .verbose = true}, status);
}

static void print_status_in_colour(FILE *to, const json_t *status)
{
    print_status(to, &(struct status_view){.colour = true}, status);
}

static void test_verbose_shows_traffic_and_collections(void **state)
{
    (void)state;
    char *text = printed(print_status_in_full, TENANTS);
    has(text, "\n\nhr (hownow): 12,345 requests, 2 failed, last reply ");
    has(text, ", token valid\n");
    has(text, "2,261  sweeping, page 4 of 23, 1,204 with detail, later: yes\n");
    assert_null(strstr(text, "a-longer-name: 0 requests"));
    free(text);
}

static void test_colours_leave_the_columns_where_they_are(void **state)
{
    (void)state;
    char *text = printed(print_status_in_colour, TENANTS);
    has(text, "hr             \033[31mNO\033[0m          2,261  page");
    has(text, "\033[33mDRY RUN\033[0m: ");
    free(text);
}

static void test_an_answer_that_is_all_wrong_is_survived(void **state)
{
    (void)state;
    free(printed(print_answer, "{\"path\":1,\"state\":[],\"request\":3,\"at\":{},\"reason\":null,\"errno\":7}"));
    free(printed(print_status_of_a_mount, "{\"tenants\":[1,{\"name\":3,\"collections\":[[],{\"progress\":1}]},null]}"));
    free(printed(print_status_of_a_mount, "{\"tenants\":7}"));
    free(printed(print_status_in_full, "{\"tenants\":[1,{\"name\":3,\"collections\":[[],{\"progress\":1}]},null]}"));
    free(printed(print_status_in_full, "{\"tenants\":[{\"collections\":7,\"budget\":[]}],\"audit\":3}"));
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
        cmocka_unit_test(test_status_is_a_table_with_a_line_a_tenant),
        cmocka_unit_test(test_below_the_table_stands_what_needs_somebody),
        cmocka_unit_test(test_verbose_shows_traffic_and_collections),
        cmocka_unit_test(test_colours_leave_the_columns_where_they_are),
        cmocka_unit_test(test_an_answer_that_is_all_wrong_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
