/* Lines of the audit log as people and programs see them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "cli/print_log.h"

static char *shown(const char *line, bool json)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    struct log_view view = {0};
    if (json)
        print_log_json(to, line, strlen(line));
    else
        print_log(to, &view, line, strlen(line));
    fclose(to);
    return text;
}

static void assert_shown(const char *line, const char *want)
{
    char *text = shown(line, false);
    assert_string_equal(text, want);
    free(text);
}

static void test_a_line_says_when_what_became_who_where_and_what(void **state)
{
    (void)state;
    assert_shown("{\"time\":\"2026-01-02T03:04:05Z\",\"uid\":0,\"pid\":7,\"command\":\"vim\",\"path\":\"hownow/users/"
                 "EXT-1.json\","
                 "\"method\":\"POST\",\"url\":\"/"
                 "u\",\"fields\":{\"name\":\"Ada\",\"email\":\"a@example.org\"},\"verdict\":\"ok\","
                 "\"job\":\"j1\",\"ms\":1234}",
                 "2026-01-02 03:04:05  ok         root (vim)      hownow/users/EXT-1.json           POST name, email  "
                 "job j1  1.2 s\n");
}

static void test_without_fields_the_request_says_what_was_done(void **state)
{
    (void)state;
    assert_shown(
        "{\"time\":\"2026-01-02T03:04:05Z\",\"uid\":4000000000,\"path\":\"h/users/EXT-1.json\",\"method\":\"PUT\","
        "\"url\":\"/users/ID-1/deactivate\",\"fields\":null,\"verdict\":\"EDQUOT\",\"ms\":0}",
        "2026-01-02 03:04:05  EDQUOT     4000000000      h/users/EXT-1.json                PUT "
        "/users/ID-1/deactivate\n");
}

static void test_many_fields_are_counted(void **state)
{
    (void)state;
    char *text = shown("{\"path\":\"p\",\"method\":\"PUT\",\"fields\":{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,"
                       "\"g\":1,\"h\":1}}",
                       false);
    assert_non_null(strstr(text, "PUT a, b, c, d, e, f and 2 more"));
    free(text);
}

static void test_what_was_lost_is_told(void **state)
{
    (void)state;
    assert_shown("{\"time\":\"2026-01-02T03:04:05Z\",\"lost\":1200,\"verdict\":\"ENOSPC\"}",
                 "2026-01-02 03:04:05  ENOSPC     lines that could not be written before this one: 1,200\n");
}

/* Whatever stands in it: of control characters, those of C1 included, none reaches the terminal. */
static void test_nothing_steers_a_terminal(void **state)
{
    static const char *const lines[] = {
        "no JSON \033[2J\007",
        "{\"time\":\"\\u001b[2J\",\"uid\":\"x\",\"command\":\"\\u009b2J\",\"path\":7,\"fields\":{\"\\u001b[A\":1},"
        "\"verdict\":\"\\u0007\"}",
        "{\"path\":\"\xc2\x9b"
        "2J\",\"job\":\"\x7f\"}",
        "{\"path\":\"\xe2\x80\xaetxt.sj\xe2\x81\xa6\xe2\x80\xa8\"}",
        "[]",
        "{}",
        "",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        for (int json = 0; json < 2; json++) {
            char *text = shown(lines[i], json);
            for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
                assert_true(*p == '\n' ? !p[1] : *p >= 0x20 && *p != 0x7f);
                assert_false(*p == 0xc2 && p[1] < 0xa0);
                assert_false(*p == 0xe2);
            }
            free(text);
        }
    }
}

static bool of(const char *line, const char *path)
{
    struct log_of of = {.path = path};
    return log_is_of(&of, line, strlen(line));
}

static void test_a_path_has_itself_and_what_is_below(void **state)
{
    static const char line[] = "{\"path\":\"hownow/users/EXT-1.json\"}";
    (void)state;
    assert_true(of(line, ""));
    assert_true(of(line, "hownow"));
    assert_true(of(line, "hownow/users"));
    assert_true(of(line, "hownow/users/EXT-1.json"));
    assert_false(of(line, "hownow/user"));
    assert_false(of(line, "hown"));
    assert_false(of(line, "hownow/users/EXT-1.json/x"));
    assert_false(of("{\"path\":7}", "hownow"));
    assert_false(of("damaged", "hownow"));
    assert_true(of("{\"lost\":3}", "hownow")); /* may have been of any */
}

static void test_a_file_has_what_was_saved_for_it_under_other_names(void **state)
{
    static const char made[] = "{\"path\":\"hownow/users/new.json\",\"record\":\"ID-5.json\"}",
                      under_id[] = "{\"path\":\"hownow/users/ID-5.json\"}",
                      named[] = "{\"path\":\"hownow/users/ID-5.json\",\"record\":\"EXT-1.json\"}",
                      other[] = "{\"path\":\"hownow/users/new.json\",\"record\":\"EXT-2.json\"}",
                      elsewhere[] = "{\"path\":\"synap/users/new.json\",\"record\":\"EXT-1.json\"}";
    struct log_of wanted = {.path = "hownow/users/EXT-1.json"};
    (void)state;
    assert_false(log_is_of(&wanted, under_id, strlen(under_id))); /* nothing says so yet */
    assert_false(log_is_of(&wanted, other, strlen(other)));
    assert_false(log_is_of(&wanted, elsewhere, strlen(elsewhere)));
    assert_true(log_is_of(&wanted, named, strlen(named)));
    assert_true(log_is_of(&wanted, under_id, strlen(under_id)));
    assert_true(log_is_of(&wanted, made, strlen(made)));
    assert_false(log_is_of(&wanted, other, strlen(other)));
    assert_true(of(made, "hownow/users/ID-5.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_says_when_what_became_who_where_and_what),
        cmocka_unit_test(test_without_fields_the_request_says_what_was_done),
        cmocka_unit_test(test_many_fields_are_counted),
        cmocka_unit_test(test_what_was_lost_is_told),
        cmocka_unit_test(test_nothing_steers_a_terminal),
        cmocka_unit_test(test_a_path_has_itself_and_what_is_below),
        cmocka_unit_test(test_a_file_has_what_was_saved_for_it_under_other_names),
    };
    setenv("TZ", "UTC", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
