/* Documents as bytes: read strictly, printed in one way only. */
#include "test_lms_support.h"

static int parse(const char *text, json_t **out, struct err *e)
{
    *e = (struct err){0};
    return doc_parse(text, strlen(text), 1 << 20, out, e);
}

static void assert_refused(const char *text, int code, const char *reason)
{
    json_t *doc;
    struct err e;
    assert_int_equal(parse(text, &doc, &e), code);
    assert_null(doc);
    assert_int_equal(e.code, code);
    assert_contains(e.text, reason);
}

static void assert_round_trip(const char *text, const char *want)
{
    json_t *doc;
    struct err e;
    assert_ok(parse(text, &doc, &e), e);
    char *bytes = printed(doc);
    assert_string_equal(bytes, want);
    json_decref(doc);
    free(bytes);
}

static void test_a_document_prints_one_member_a_line(void **state)
{
    (void)state;
    assert_round_trip("{\"b\":[1,{\"c\":null}],\"a\":{},\"d\":[],\"t\":true,\"f\":false}",
                      "{\n  \"b\": [\n    1,\n    {\n      \"c\": null\n    }\n  ],\n  \"a\": {},\n  \"d\": [],\n"
                      "  \"t\": true,\n  \"f\": false\n}\n");
}

static void test_numbers_print_as_they_came(void **state)
{
    static const char *const numbers[] = {"71.1",
                                          "55.43",
                                          "0.1",
                                          "1.0",
                                          "-0.0",
                                          "1e+100",
                                          "5e-324",
                                          "1.7976931348623157e+308",
                                          "9007199254740993",
                                          "-9223372036854775808",
                                          "9223372036854775807",
                                          "0.30000000000000004",
                                          "123456.789",
                                          "2.2250738585072014e-308",
                                          "0",
                                          "100.5",
                                          "1e-07"};
    char text[64], want[64];
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(text, sizeof text, "[%s]", numbers[i]);
        snprintf(want, sizeof want, "[\n  %s\n]\n", numbers[i]);
        assert_round_trip(text, want);
    }
    assert_round_trip("[71.10, 1e2, 1E5]", "[\n  71.1,\n  100.0,\n  100000.0\n]\n");
}

static void test_text_stays_utf8_and_only_what_must_is_escaped(void **state)
{
    (void)state;
    assert_round_trip("[\"S\\u00f8rby \\ud83d\\ude00 \\/ \\\" \\\\ \\n\\t\\r\\b\\f \\u0001 \\u007f\"]",
                      "[\n  \"Sørby 😀 / \\\" \\\\ \\n\\t\\r\\b\\f \\u0001 \\u007f\"\n]\n");
}

static void test_a_nul_in_a_string_is_kept(void **state)
{
    (void)state;
    assert_round_trip("[\"a\\u0000b\"]", "[\n  \"a\\u0000b\"\n]\n");
}

static void test_an_empty_or_blank_document_is_never_a_document(void **state)
{
    (void)state;
    assert_refused("", -ENODATA, "empty");
    assert_refused(" \n\t\r\n", -ENODATA, "empty");
}

static void test_invalid_json_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_refused("{\n  \"a\": 1\n  \"b\": 2\n}", -EINVAL, "line 3");
    assert_refused("{\"a\":1} x", -EINVAL, "line 1");
    assert_refused("{\"a\":1,\"a\":2}", -EINVAL, "duplicate");
    assert_refused("[\"\xff\"]", -EINVAL, "line 1");
    assert_refused("[\"\\ud800\"]", -EINVAL, "Unicode");
    assert_refused("[18446744073709551616]", -EINVAL, "integer");
    assert_refused("{\"a\":NaN}", -EINVAL, "invalid JSON");
    assert_refused("42", -EINVAL, "invalid JSON");
    assert_refused("{\"a\":1", -EINVAL, "invalid JSON");
}

static void test_a_refusal_quotes_nothing_of_the_document(void **state)
{
    json_t *doc;
    struct err e;
    (void)state;
    assert_int_equal(parse("{\"password\": \"Geheim77\" \"x\": 1}", &doc, &e), -EINVAL);
    assert_null(strstr(e.text, "Geheim77"));
    assert_int_equal(parse("{\"password\": \"Geheim77\n", &doc, &e), -EINVAL);
    assert_null(strstr(e.text, "Geheim77"));
}

static void test_a_nul_byte_in_the_text_is_refused(void **state)
{
    json_t *doc;
    struct err e;
    (void)state;
    assert_int_equal(doc_parse("{}\0", 3, 100, &doc, &e), -EINVAL);
    assert_int_equal(doc_parse("\0", 1, 100, &doc, &e), -EINVAL);
}

static void test_a_document_over_its_size_is_refused(void **state)
{
    json_t *doc;
    struct err e;
    (void)state;
    assert_int_equal(doc_parse("{\"a\":1}", 7, 6, &doc, &e), -EFBIG);
    assert_int_equal(doc_parse("{\"a\":1}", 7, 7, &doc, &e), 0);
    json_decref(doc);
}

static char *nested(size_t depth, const char *inner)
{
    char *text = malloc(2 * depth + strlen(inner) + 1);
    memset(text, '[', depth);
    memcpy(text + depth, inner, strlen(inner));
    memset(text + depth + strlen(inner), ']', depth);
    text[2 * depth + strlen(inner)] = '\0';
    return text;
}

static void test_nesting_is_bounded_at_64_levels(void **state)
{
    (void)state;
    json_t *doc;
    struct err e;
    char *text = nested(64, "\"[[[[\\\"[[[\"");
    assert_ok(parse(text, &doc, &e), e);
    json_decref(doc);
    free(text);
    text = nested(65, "");
    assert_refused(text, -EINVAL, "deeper than 64");
    free(text);
    text = nested(200000, "");
    assert_refused(text, -EINVAL, "deeper than 64");
    free(text);
}

static void test_numbers_are_equal_as_numbers(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"1", "1.0", true},
        {"71.10", "71.1", true},
        {"9007199254740993", "9007199254740992.0", false},
        {"9223372036854775807", "9223372036854775807.0", false},
        {"1", "true", false},
        {"0", "-0.0", true},
        {"{'a':1,'b':[1]}", "{'b':[1.0],'a':1.0}", true},
        {"[1,2]", "[2,1]", false},
        {"{'a':1}", "{'a':1,'b':null}", false},
        {"'a\\u0000b'", "'a\\u0000c'", false},
        {"null", "null", true},
        {"1e300", "1", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *a = json_of(cases[i].a), *b = json_of(cases[i].b);
        if (doc_equal(a, b) != cases[i].equal || doc_equal(b, a) != cases[i].equal)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
        json_decref(a);
        json_decref(b);
    }
}

/* ------------------------------------------------------------------ doc_form.c */

static const struct lms_collection *users(void)
{
    return lms_collection(lms_provider("hownow"), "users");
}

static void test_members_stand_in_the_tables_order_and_readonly_last(void **state)
{
    (void)state;
    json_t *doc = json_of("{'_readonly':{'id':1},'zebra':1,'name':'N','external_user_id':'e'}");
    assert_int_equal(doc_finish(users(), doc, false), 0);
    assert_false(doc_complete(doc));
    json_object_del(json_object_get(doc, "_readonly"), "version");
    assert_json(doc, "{'external_user_id':'e','name':'N','zebra':1,'_readonly':{'id':1,'complete':false}}");
}

static void test_the_version_never_changes_while_the_record_does_not(void **state)
{
    (void)state;
    json_t *a = json_of("{'name':'N','_readonly':{'id':1,'status':'Active'}}");
    json_t *b = json_of("{'_readonly':{'version':'old','complete':false,'id':1,'status':'Active'},'name':'N'}");
    assert_int_equal(doc_finish(users(), a, true), 0);
    assert_int_equal(doc_finish(users(), b, true), 0);
    assert_int_equal(strlen(doc_version(a)), DOC_VERSION_LEN);
    assert_string_equal(doc_version(a), doc_version(b));
    assert_int_equal(doc_finish(users(), a, true), 0);
    assert_string_equal(doc_version(a), doc_version(b));
    /* These bytes are on disks and in people's editors: this number may never change. */
    assert_string_equal(doc_version(a), "0ef2baaba1ca1ee0");
    char *pa = printed(a), *pb = printed(b);
    assert_string_equal(pa, pb);
    assert_int_equal(doc_finish(users(), a, false), 0);
    assert_string_not_equal(doc_version(a), doc_version(b));
    free(pa);
    free(pb);
    json_decref(a);
    json_decref(b);
}

static void test_a_read_only_document_is_left_as_it_is(void **state)
{
    (void)state;
    json_t *doc = json_of("{'z':1,'a':2}");
    assert_int_equal(doc_finish(lms_collection(lms_provider("hownow"), "groups"), doc, true), 0);
    assert_null(doc_version(doc));
    assert_true(doc_complete(doc));
    assert_json(doc, "{'z':1,'a':2}");
}

static void test_a_newer_row_over_a_detail_keeps_what_only_the_detail_has(void **state)
{
    (void)state;
    json_t *known = json_of(
        "{'name':'Old','phone':'1','custom_fields':[{'field_name':'d','value':'x'}],"
        "'_readonly':{'id':1,'status':'Active','deep':1,'as_written':['phone'],'complete':true,'version':'v'}}");
    json_t *row = json_of("{'name':'New','_readonly':{'id':1,'status':'Invited','complete':false,'version':'w'}}");
    json_t *doc = doc_overlay_row(known, row);
    assert_json(
        doc, "{'name':'New','phone':'1','custom_fields':[{'field_name':'d','value':'x'}],"
             "'_readonly':{'id':1,'status':'Invited','deep':1,'as_written':['phone'],'complete':true,'version':'v'}}");
    json_decref(known);
    json_decref(row);
}

static void test_what_is_shown_after_a_save_names_what_was_only_written(void **state)
{
    (void)state;
    json_t *current = json_of("{'name':'Old','_readonly':{'id':1,'complete':true,'version':'v'}}");
    json_t *merged = json_of("{'phone':'1','name':'New'}");
    json_t *doc = doc_project(users(), current, merged);
    json_object_del(json_object_get(doc, "_readonly"), "version");
    assert_json(doc, "{'name':'New','phone':'1','_readonly':{'id':1,'as_written':['phone'],'complete':true}}");
    json_decref(current);

    doc = doc_project(users(), NULL, merged);
    json_object_del(json_object_get(doc, "_readonly"), "version");
    assert_json(doc, "{'name':'New','phone':'1','_readonly':{'as_written':['phone'],'complete':false}}");
    json_decref(merged);
}

static void test_a_secret_is_neither_shown_nor_kept(void **state)
{
    const struct lms_collection *c = lms_collection(lms_provider("synap"), "users");
    (void)state;
    json_t *merged = json_of("{'email':'a@example.org','password':'Geheim77'}");
    json_t *shown = doc_project(c, NULL, merged), *masked = doc_masked(c, merged);
    assert_null(json_object_get(shown, "password"));
    assert_json(masked, "{'email':'a@example.org','password':'***'}");
    json_decref(shown);
    json_decref(merged);
    merged = json_of("{'password':12345}");
    assert_json(doc_masked(c, merged), "{'password':'***'}");
    json_decref(merged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_document_prints_one_member_a_line),
        cmocka_unit_test(test_numbers_print_as_they_came),
        cmocka_unit_test(test_text_stays_utf8_and_only_what_must_is_escaped),
        cmocka_unit_test(test_a_nul_in_a_string_is_kept),
        cmocka_unit_test(test_an_empty_or_blank_document_is_never_a_document),
        cmocka_unit_test(test_invalid_json_is_refused_with_its_line),
        cmocka_unit_test(test_a_refusal_quotes_nothing_of_the_document),
        cmocka_unit_test(test_a_nul_byte_in_the_text_is_refused),
        cmocka_unit_test(test_a_document_over_its_size_is_refused),
        cmocka_unit_test(test_nesting_is_bounded_at_64_levels),
        cmocka_unit_test(test_numbers_are_equal_as_numbers),
        cmocka_unit_test(test_members_stand_in_the_tables_order_and_readonly_last),
        cmocka_unit_test(test_the_version_never_changes_while_the_record_does_not),
        cmocka_unit_test(test_a_read_only_document_is_left_as_it_is),
        cmocka_unit_test(test_a_newer_row_over_a_detail_keeps_what_only_the_detail_has),
        cmocka_unit_test(test_what_is_shown_after_a_save_names_what_was_only_written),
        cmocka_unit_test(test_a_secret_is_neither_shown_nor_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
