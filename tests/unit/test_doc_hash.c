/* One number for a document: what makes another, and what doesn't. */
#include "lmsfs/doc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint64_t hash(const char *text)
{
    json_t *doc = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(doc);
    uint64_t h = doc_hash(doc);
    json_decref(doc);
    return h;
}

static void test_the_same_text_has_the_same_hash(void **state)
{
    (void)state;
    const char *text = "{\"a\": [1, 2.5, \"x\", null, true], \"b\": {\"c\": \"y\\u0000z\"}}";
    assert_true(hash(text) == hash(text));
    assert_true(hash("{\"a\":1}") == hash("{ \"a\" : 1 }"));
    assert_true(hash("{}") != 0);
}

static void test_every_difference_gives_another(void **state)
{
    (void)state;
    static const char *const all[] = {
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "0",
        "0.0",
        "\"\"",
        "\"0\"",
        "[[]]",
        "[[], []]",
        "[{}]",
        "{\"a\": 1}",
        "{\"a\": 1.0}",
        "{\"a\": \"1\"}",
        "{\"a\": [1]}",
        "{\"a\": null}",
        "{\"b\": 1}",
        "{\"a\": 1, \"b\": 2}",
        "{\"b\": 2, \"a\": 1}",
        "[1, 2]",
        "[2, 1]",
        "[[1], 2]",
        "[[1, 2]]",
        "[12]",
        "[\"a\", \"bc\"]",
        "[\"ab\", \"c\"]",
        "[\"abc\"]",
        "\"a\\u0000\"",
        "\"a\"",
        "[null]",
        "[null, null]",
        "-1",
        "1",
        "1e300",
        "-0.0",
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (size_t k = 0; k < i; k++)
            if (hash(all[i]) == hash(all[k]))
                fail_msg("%s and %s have one hash", all[i], all[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_text_has_the_same_hash),
        cmocka_unit_test(test_every_difference_gives_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
