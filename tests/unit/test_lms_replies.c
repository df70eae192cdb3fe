/* Replies that aren't what the API documents: named, survived, and never taken for less than they are. */
#include "test_lms_support.h"

static int list_n(const char *provider, const char *collection, const char *body, size_t len, struct lms_page *p,
                  struct err *e)
{
    const struct lms_provider *v = lms_provider(provider);
    struct http_reply r = {.status = 200, .body = calloc(1, len + 1), .len = len};
    memcpy(r.body, body, len);
    *e = (struct err){0};
    int rc = v->list_reply(lms_collection(v, collection), "parent", &r, p, e);
    http_reply_release(&r);
    return rc;
}

static int list(const char *body, struct lms_page *p, struct err *e)
{
    return list_n("hownow", "users", body, strlen(body), p, e);
}

static void broken(const char *body, const char *reason, int line)
{
    struct lms_page p;
    struct err e;
    int rc = list(body, &p, &e);
    if (rc != -EPROTO || !strstr(e.text, reason))
        fail_msg("line %d: %s gave %s \"%s\", not \"%s\"", line, body, err_name(rc), e.text, reason);
    assert_null(p.rows);
    assert_int_equal(p.rows_n, 0);
}
#define assert_broken(body, reason) broken(body, reason, __LINE__)

static void test_a_page_that_is_no_page_fails_in_one_sentence(void **state)
{
    (void)state;
    assert_broken("", "empty");
    assert_broken(" \n", "empty");
    assert_broken("<html><body>502</body></html>", "HTML");
    assert_broken("[]", "not a JSON object");
    assert_broken("{}", "no array \"data\"");
    assert_broken("{\"data\":null}", "no array \"data\"");
    assert_broken("{\"data\":{}}", "no array \"data\"");
    assert_broken("{\"data\":[5]}", "row 1 of users: it is not an object");
    assert_broken("{\"data\":[{\"id\":1},{\"id\":\"../../etc\"}]}", "row 2 of users: \"id\"");
    assert_broken("{\"data\":[{\"id\":1}],\"meta\":[]}", "meta");
    assert_broken("{\"data\":[{\"id\":1}],\"meta\":{\"total_count\":\"2\"}}", "total_count");
    assert_broken("{\"data\":[{\"id\":1}],\"meta\":{\"total_count\":-2}}", "total_count");
    assert_broken("{\"data\":[{\"id\":1}]", "not JSON");
    assert_broken("{\"data\":[{\"id\":1}]}x", "not JSON");
    assert_broken("{\"data\":[{\"id\":1},]}", "not JSON");
    assert_broken("{\"data\":[{\"id\":1} {\"id\":2}]}", "not JSON");
    assert_broken("{\"data\":[{\"id\":1}],\"data\":[]}", "duplicate");
    assert_broken("{\"data\":[{\"id\":1}],\"meta\":{\"x\":\"\xff\"}}", "not JSON");
    assert_broken("{\"data\":[{\"id\":1,\"name\":tru}]}", "not JSON");
}

static void test_a_refusal_is_not_a_page(void **state)
{
    const struct lms_provider *v = lms_provider("hownow");
    struct http_reply r = reply_of(401, "{\"error_message\":\"Not authorized\"}");
    struct lms_page p;
    struct err e;
    (void)state;
    assert_int_equal(v->list_reply(&v->collections[0], NULL, &r, &p, &e), -EACCES);
    assert_string_equal(e.text, "Not authorized");
    http_reply_release(&r);
}

static void test_an_id_twice_on_a_page_is_named(void **state)
{
    (void)state;
    assert_broken("{\"data\":[{\"id\":17},{\"id\":2},{\"id\":17}]}", "the id 17 twice");
}

static char *page_of(size_t n, const char *meta)
{
    char *body = malloc(n * 32 + 100), *p = body + sprintf(body, "{\"data\":[");
    for (size_t i = 1; i <= n; i++)
        p += sprintf(p, "%s{\"id\":%zu}", i > 1 ? "," : "", i);
    sprintf(p, "]%s}", meta);
    return body;
}

static void test_a_page_has_no_more_rows_than_were_asked_for(void **state)
{
    struct lms_page p;
    struct err e;
    (void)state;
    char *body = page_of(100, ",\"meta\":{\"total_count\":100}");
    assert_ok(list(body, &p, &e), e);
    assert_int_equal(p.rows_n, 100);
    assert_int_equal(p.total, 100);
    lms_page_release(&p);
    free(body);
    body = page_of(101, "");
    assert_broken(body, "101 rows");
    free(body);
}

static void test_an_empty_page_is_a_page(void **state)
{
    struct lms_page p;
    struct err e;
    (void)state;
    assert_ok(list("{\"data\":[]}", &p, &e), e);
    assert_int_equal(p.rows_n, 0);
    assert_int_equal(p.total, -1);
    lms_page_release(&p);
}

/* ------------------------------------------------------------------ rows that can't be represented */

static void spoils(const char *row, const char *reason, int line)
{
    char body[70000];
    struct lms_page p;
    struct err e;
    int n = snprintf(body, sizeof body,
                     "{\"data\": [{\"id\":1,\"name\":\"]}\\\"\"} , %s,\n{\"id\":3}], \"meta\":{\"total_count\":3}}", row);
    if (list_n("hownow", "users", body, (size_t)n, &p, &e))
        fail_msg("line %d: %s", line, e.text);
    assert_int_equal(p.rows_n, 2);
    assert_string_equal(p.rows[0].key, "1");
    assert_json(json_incref(json_object_get(p.rows[0].doc, "name")), "']}\\''");
    assert_string_equal(p.rows[1].key, "3");
    assert_int_equal(p.total, 3);
    assert_int_equal(p.spoiled, 1);
    assert_int_equal(p.spoiled_by.code, -EPROTO);
    if (!strstr(p.spoiled_by.text, reason))
        fail_msg("line %d: %s", line, p.spoiled_by.text);
    lms_page_release(&p);
}
#define assert_spoils(row, reason) spoils(row, reason, __LINE__)

static void test_one_row_that_cannot_be_represented_does_not_spoil_the_page(void **state)
{
    (void)state;
    assert_spoils("{\"id\":2,\"name\":\"\\ud800\"}", "row 2 (id 2) can't be represented: invalid Unicode");
    assert_spoils("{\"id\":2,\"n\":18446744073709551616}", "(id 2) can't be represented: too big");
    assert_spoils("{\"id\":2,\"n\":1e999}", "(id 2)");
    assert_spoils("{\"id\":2,\"name\":\"a\",\"name\":\"b\"}", "duplicate");
    assert_spoils("{\"a\\u0000b\":1,\"id\":2}", "(id 2)");
    assert_spoils("{\"id\":2,\"name\":\"\xc3\x28\"}", "(id 2)");
    assert_spoils("{\"name\":\"\\udc00\"}", "row 2 can't be represented");
    assert_spoils("{\"id\":18446744073709551616}", "(id 18446744073709551616)");
    assert_spoils("{\"id\":\"\xff\",\"name\":\"\\ud800\"}", "row 2 (id \"?\")");
}

static void test_a_row_nested_without_end_spoils_only_itself(void **state)
{
    char row[60010] = "{\"id\":2,\"x\":";
    size_t n = strlen(row);
    (void)state;
    memset(row + n, '[', 20000);
    memset(row + n + 20000, ']', 20000);
    row[n + 40000] = '}';
    assert_spoils(row, "nested deeper");
}

static void test_all_spoiled_rows_are_counted_and_the_first_is_named(void **state)
{
    struct lms_page p;
    struct err e;
    (void)state;
    assert_ok(
        list("{\"data\":[{\"id\":7,\"n\":\"\\ud800\"},{\"id\":8,\"n\":\"\\ud800\"}],\"meta\":{\"total_count\":2}}", &p,
             &e),
        e);
    assert_int_equal(p.rows_n, 0);
    assert_int_equal(p.spoiled, 2);
    assert_contains(p.spoiled_by.text, "(id 7)");
    lms_page_release(&p);
}

static void test_what_is_no_json_at_all_is_no_spoiled_row(void **state)
{
    (void)state;
    assert_broken("{\"data\":[{\"id\":1 \"n\":2},{\"id\":2,\"n\":\"\\ud800\"}]}",
                  "row 1 (id 1) of the reply's \"data\" is not JSON");
    assert_broken("{\"data\":[{\"id\":2,\"n\":\"\\ud800\"},]}", "not JSON");
    assert_broken("{\"data\":[{\"id\":2,\"n\":\"\\ud800\"}", "not JSON");
    assert_broken("{\"data\":[{\"id\":2,\"n\":\"\\ud800\"}],\"meta\":{\"x\":\"\\ud800\"}}", "not JSON");
    assert_broken("{\"data\":[\"\\ud800\"]}", "not a JSON object");
    assert_broken("{\"data\":[{\"id\":2,\"n\":\"\\ud800\"},5]}", "not a JSON object");
}

static void test_synaps_wrapped_rows_are_rescued_too(void **state)
{
    struct lms_page p;
    struct err e;
    (void)state;
    const char *body = "{\"learningRecords\":[{\"learningRecord\":{\"objectId\":\"bad\",\"name\":\"\\ud800\"}},"
                       "{\"learningRecord\":{\"objectId\":\"good\",\"name\":\"n\"}}],\"meta\":{\"totalCount\":2}}";
    assert_ok(list_n("synap", "learning-records", body, strlen(body), &p, &e), e);
    assert_int_equal(p.rows_n, 1);
    assert_string_equal(p.rows[0].key, "good");
    assert_contains(p.spoiled_by.text, "(objectId \"bad\")");
    lms_page_release(&p);
}

/* ------------------------------------------------------------------ errors */

static void text_is(int status, const char *body, const char *want)
{
    char words[128];
    struct http_reply r = reply_of(status, body);
    lms_error_text(&r, words, sizeof words);
    assert_string_equal(words, want);
    http_reply_release(&r);
}

static void test_the_vendors_words_are_found_wherever_they_stand(void **state)
{
    (void)state;
    text_is(400, "{\"errors\":[\"a\",\"b\"]}", "a; b");
    text_is(400, "{\"errors\":[{\"message\":\"a\"},{\"field\":\"x\"}]}", "message: a; field: x");
    text_is(400, "{\"message\":{\"email\":[\"is taken\",\"is odd\"]}}", "email: is taken; is odd");
    text_is(400, "{\"status\":400,\"error\":\"Bad Request\",\"message\":\"no such user\"}", "no such user");
    text_is(400, "{\"error\":\"Bad Request\"}", "Bad Request");
    text_is(400, "{\"message\":\"a\\n\\tb\\u0000c\\u001b[31m\"}", "a b");
    text_is(502, "<html>Bad gateway</html>", "HTTP 502 with a body that is not the API's (text/html?)");
    text_is(502, "", "HTTP 502 with an empty body");
    text_is(500, "{}", "HTTP 500 with a body that gives no reason");
    text_is(500, "{\"message\":\"\"}", "HTTP 500 with a body that gives no reason");
    text_is(500, "oops", "HTTP 500 with a body that is not the API's");
    text_is(500, "{\"message\":\"  \"}", "HTTP 500 with a body that gives no reason");
    struct http_reply none = {0};
    char words[64];
    lms_error_text(&none, words, sizeof words);
    assert_string_equal(words, "no reply was had");
}

static void test_long_words_are_cut_between_characters(void **state)
{
    char words[8];
    (void)state;
    static const struct {
        const char *body, *want;
    } cases[] = {
        {"{\"message\":\"1234567\"}", "1234567"}, {"{\"message\":\"12345678\"}", "1234567"},
        {"{\"message\":\"12345é\"}", "12345é"},   {"{\"message\":\"123456é\"}", "123456"},
        {"{\"message\":\"1234😀\"}", "1234"},      {"{\"message\":\"ééé\"}", "ééé"},
        {"{\"message\":\"éééé\"}", "ééé"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_reply r = reply_of(400, cases[i].body);
        lms_error_text(&r, words, sizeof words);
        assert_string_equal(words, cases[i].want);
        http_reply_release(&r);
    }
}

static void test_every_status_has_its_errno(void **state)
{
    static const int cases[][2] = {{200, 0},       {201, 0},       {204, 0},       {0, -EHOSTUNREACH}, {400, -EINVAL},
                                   {422, -EINVAL}, {401, -EACCES}, {403, -EACCES}, {404, -ENOENT},     {409, -EEXIST},
                                   {429, -EAGAIN}, {500, -EIO},    {302, -EIO},    {418, -EIO}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(lms_status_errno(cases[i][0]), cases[i][1]);
}

static void test_the_registry_knows_its_vendors(void **state)
{
    (void)state;
    const struct lms_provider *p = lms_provider("hownow");
    assert_string_equal(p->name, "hownow");
    assert_null(lms_provider("nobody"));
    assert_null(lms_collection(p, "nobody"));
    for (size_t i = 0; i < p->collections_n; i++) {
        assert_int_equal(lms_collection_index(p, lms_collection(p, p->collections[i].name)), i);
        assert_true(!p->collections[i].parent || lms_collection(p, p->collections[i].parent));
    }
    assert_int_equal(lms_collection_index(p, lms_collection(lms_provider("synap"), "users")), -1);
    assert_string_equal(lms_job_status_name(LMS_JOB_WARNINGS), "completed_with_warnings");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_page_that_is_no_page_fails_in_one_sentence),
        cmocka_unit_test(test_a_refusal_is_not_a_page),
        cmocka_unit_test(test_an_id_twice_on_a_page_is_named),
        cmocka_unit_test(test_a_page_has_no_more_rows_than_were_asked_for),
        cmocka_unit_test(test_an_empty_page_is_a_page),
        cmocka_unit_test(test_one_row_that_cannot_be_represented_does_not_spoil_the_page),
        cmocka_unit_test(test_a_row_nested_without_end_spoils_only_itself),
        cmocka_unit_test(test_all_spoiled_rows_are_counted_and_the_first_is_named),
        cmocka_unit_test(test_what_is_no_json_at_all_is_no_spoiled_row),
        cmocka_unit_test(test_synaps_wrapped_rows_are_rescued_too),
        cmocka_unit_test(test_the_vendors_words_are_found_wherever_they_stand),
        cmocka_unit_test(test_long_words_are_cut_between_characters),
        cmocka_unit_test(test_every_status_has_its_errno),
        cmocka_unit_test(test_the_registry_knows_its_vendors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
