/* Synap: reading, and deleting. The replies are the vendor's examples with invented people in them. */
#include "test_lms_support.h"

static const struct lms_provider *synap(void)
{
    return lms_provider("synap");
}

static const struct lms_collection *find(const char *name)
{
    return lms_collection(synap(), name);
}

static void test_every_request_carries_three_headers_and_there_is_no_login(void **state)
{
    struct lms_account a = {.org_id = "org", .org_secret = "geheim", .api_key = "key"};
    struct http_request r = {0};
    (void)state;
    assert_null(synap()->token_request);
    assert_null(synap()->job_request);
    assert_int_equal(synap()->authorize(&a, NULL, &r), 0);
    assert_int_equal(r.headers_n, 3);
    static const char *const want[][2] = {{"X-Syn-Org-Secret", "geheim"}, {"X-Syn-Org-Id", "org"}, {"X-Api-Key", "key"}};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(r.headers[i].name, want[i][0]);
        assert_string_equal(r.headers[i].value, want[i][1]);
    }
    http_request_release(&r);
    struct err e;
    assert_ok(synap()->check_request(&a, &r, &e), e);
    assert_request(&r, HTTP_GET, "/status");
    http_request_release(&r);
}

static void test_a_user_is_searched_by_id_or_address_and_by_nothing_else(void **state)
{
    struct http_request r;
    struct err e;
    (void)state;
    assert_ok(synap()->get_request(find("users"), NULL, "ID-userID12345", &r, &e), e);
    assert_request(&r, HTTP_GET, "/users?id=userID12345");
    http_request_release(&r);
    assert_ok(synap()->get_request(find("users"), NULL, "EMAIL-le&na@example.org", &r, &e), e);
    assert_request(&r, HTTP_GET, "/users?email=le%26na%40example.org");
    http_request_release(&r);
    assert_int_equal(synap()->get_request(find("users"), NULL, "EXT-007", &r, &e), -ENOTSUP);
    assert_int_equal(synap()->get_request(find("learning-records"), "U", "ID-5", &r, &e), -ENOTSUP);
    assert_int_equal(synap()->get_request(find("users"), NULL, "ID-..", &r, &e), -ENOENT);
    assert_int_equal(synap()->list_request(find("users"), NULL, 1, &r, &e), -ENOTSUP);
}

static void test_a_user_is_read(void **state)
{
    (void)state;
    struct lms_record r = get_record(synap(), "users", "EMAIL-Lena@example.org", "synap/user.json");
    assert_string_equal(r.key, "userID12345");
    assert_null(r.ext); /* the API can't be asked by it */
    assert_string_equal(r.email, "lena@example.org");
    assert_true(r.active && !r.is_row);
    assert_int_equal(r.mtime, 1620980527);
    json_object_del(json_object_get(r.doc, "_readonly"), "version");
    assert_json(json_incref(r.doc), "{'email':'lena@example.org','name':'Lena Sørby','externalId':'007','attr':{},"
                                    "'userGroups':[{'objectId':'UserGroupID456','name':'All "
                                    "Users'},{'objectId':'UserGroupID123','name':'Students'}],"
                                    "'_readonly':{'objectId':'userID12345','createdAt':'2020-09-24T09:19:02.545Z',"
                                    "'updatedAt':'2021-05-14T08:22:07.025Z','complete':true}}");
    lms_record_release(&r);
}

static int get(const char *collection, const char *stem, const char *body, struct lms_record *out, struct err *e)
{
    struct http_reply r = reply_of(200, body);
    *e = (struct err){0};
    int rc = synap()->get_reply(find(collection), NULL, stem, &r, out, e);
    http_reply_release(&r);
    return rc;
}

static void test_wrong_users_and_wrong_types_are_named(void **state)
{
    static const struct {
        const char *body, *reason;
    } cases[] = {
        {"{\"user\":{\"objectId\":\"B\",\"email\":\"b@example.org\"}}", "reply is about ID-B"},
        {"{\"user\":{\"objectId\":7}}", "objectId"},
        {"{\"user\":{\"objectId\":\"\"}}", "objectId"},
        {"{\"user\":{\"objectId\":\"..\"}}", "objectId"},
        {"{\"user\":{\"objectId\":\"a\\u0000b\"}}", "objectId"},
        {"{\"user\":{\"email\":\"x\"}}", "objectId"},
        {"{\"user\":[]}", "\"user\""},
        {"{}", "\"user\""},
        {"", "empty"},
        {"{\"user\":{\"objectId\":\"A\",\"email\":5}}", "\"email\""},
        {"{\"user\":{\"objectId\":\"A\",\"attr\":[]}}", "id A: \"attr\""},
        {"{\"user\":{\"objectId\":\"A\",\"userGroups\":{}}}", "\"userGroups\""},
        {"{\"user\":{\"objectId\":\"A\",\"name\":\"\\ud800\"}}", "Unicode"},
    };
    struct lms_record r;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rc = get("users", "ID-A", cases[i].body, &r, &e);
        if (rc != -EPROTO || !strstr(e.text, cases[i].reason))
            fail_msg("%s: %s \"%s\"", cases[i].body, err_name(rc), e.text);
        assert_null(r.doc);
    }
    assert_int_equal(get("users", "EMAIL-a@example.org", "{\"user\":{\"objectId\":\"A\"}}", &r, &e), -EPROTO);
}

static void test_a_password_in_a_reply_is_shown_nowhere(void **state)
{
    struct lms_record r;
    struct err e;
    (void)state;
    assert_ok(get("users", "ID-A", "{\"user\":{\"objectId\":\"A\",\"password\":\"Generated-1\",\"new\":null}}", &r, &e),
              e);
    assert_json(json_incref(r.doc), "{'_readonly':{'objectId':'A','new':null}}");
    lms_record_release(&r);
}

static void test_status_and_attributes_are_documents_as_they_are(void **state)
{
    static const char *const cases[][3] = {{"status", "/status", "synap/status.json"},
                                           {"user-attributes", "/portal/user-attributes", "synap/user_attributes.json"}};
    struct http_request q;
    struct lms_record r;
    struct err e;
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(find(cases[i][0])->kind, LMS_SINGLETON);
        assert_ok(synap()->get_request(find(cases[i][0]), NULL, NULL, &q, &e), e);
        assert_request(&q, HTTP_GET, cases[i][1]);
        http_request_release(&q);
        struct http_reply reply = reply_data(200, cases[i][2]);
        assert_ok(synap()->get_reply(find(cases[i][0]), NULL, NULL, &reply, &r, &e), e);
        assert_int_equal(doc_finish(find(cases[i][0]), r.doc, true), 0);
        assert_json_is(json_incref(r.doc), json_data(cases[i][2]));
        assert_string_equal(r.key, cases[i][0]);
        lms_record_release(&r);
        http_reply_release(&reply);
    }
}

/* ------------------------------------------------------------------ learning records */

static void test_learning_records_are_listed_by_their_user(void **state)
{
    struct http_request q;
    struct lms_page p;
    struct err e;
    (void)state;
    assert_ok(synap()->list_request(find("learning-records"), "USER/123", 1, &q, &e), e);
    assert_request(&q, HTTP_GET, "/learning-records?userId=USER%2F123&limit=100&offset=0");
    http_request_release(&q);
    assert_ok(synap()->list_request(find("learning-records"), "USER123", 4, &q, &e), e);
    assert_request(&q, HTTP_GET, "/learning-records?userId=USER123&limit=100&offset=300");
    http_request_release(&q);
    assert_int_equal(synap()->list_request(find("learning-records"), NULL, 1, &q, &e), -EINVAL);

    struct http_reply r = reply_data(200, "synap/learning_page.json");
    assert_ok(synap()->list_reply(find("learning-records"), "USER123", &r, &p, &e), e);
    assert_int_equal(p.rows_n, 1);
    assert_int_equal(p.total, 1);
    assert_string_equal(p.rows[0].key, "ABCD1234");
    assert_json(json_incref(p.rows[0].doc),
                "{'name':'ABCD1234','achievedOn':'2023-11-20T15:48:05.300Z','visibleToStudent':true,"
                "'score':50,'attr':{},'_readonly':{'objectId':'ABCD1234'}}");
    assert_int_equal(doc_finish(find("learning-records"), p.rows[0].doc, true), 0);
    char *bytes = printed(p.rows[0].doc);
    assert_true(strstr(bytes, "\"score\"") < strstr(bytes, "\"visibleToStudent\""));
    free(bytes);
    lms_page_release(&p);
    http_reply_release(&r);
}

static void test_a_row_must_be_wrapped(void **state)
{
    struct lms_page p;
    struct err e;
    (void)state;
    struct http_reply r = reply_of(200, "{\"learningRecords\":[{\"objectId\":\"A\"}],\"meta\":{\"totalCount\":1}}");
    assert_int_equal(synap()->list_reply(find("learning-records"), "U", &r, &p, &e), -EPROTO);
    assert_contains(e.text, "learningRecord");
    http_reply_release(&r);
}

static void test_a_files_signed_url_loses_its_query(void **state)
{
    struct lms_page p;
    struct err e;
    (void)state;
    struct http_reply r =
        reply_of(200, "{\"learningRecords\":[{\"learningRecord\":{\"objectId\":\"A\",\"score\":55.43,\"attr\":{"
                      "\"pdf\":{\"url\":\"https://f.example.org/a.pdf?X-Amz-Signature=1\",\"size\":5},"
                      "\"link\":\"https://f.example.org/?sig=mine\"}}}]}");
    assert_ok(synap()->list_reply(find("learning-records"), "U", &r, &p, &e), e);
    assert_int_equal(p.total, -1);
    assert_json(json_incref(p.rows[0].doc),
                "{'score':55.43,'attr':{'pdf':{'url':'https://f.example.org/a.pdf','size':5},"
                "'link':'https://f.example.org/?sig=mine'},'_readonly':{'objectId':'A'}}");
    char *bytes = printed(p.rows[0].doc);
    assert_contains(bytes, "\"score\": 55.43,");
    free(bytes);
    lms_page_release(&p);
    http_reply_release(&r);
}

/* ------------------------------------------------------------------ deleting */

static void test_synap_can_delete_and_neither_deactivate_nor_reactivate(void **state)
{
    struct http_request r;
    struct err e;
    (void)state;
    assert_ok(
        synap()->change_request(find("users"), &(struct lms_change){.key = "ABC12DEF34", .op = LMS_OP_DELETE}, &r, &e),
        e);
    assert_request(&r, HTTP_DELETE, "/users/ABC12DEF34");
    assert_null(r.body);
    http_request_release(&r);
    assert_ok(synap()->change_request(find("learning-records"),
                                      &(struct lms_change){.parent_key = "U", .key = "a/b", .op = LMS_OP_DELETE}, &r, &e),
              e);
    assert_request(&r, HTTP_DELETE, "/learning-records/a%2Fb");
    http_request_release(&r);
    assert_int_equal(
        synap()->change_request(find("users"), &(struct lms_change){.key = "A", .op = LMS_OP_DEACTIVATE}, &r, &e),
        -EPERM);
    assert_int_equal(
        synap()->change_request(find("users"), &(struct lms_change){.key = "A", .op = LMS_OP_REACTIVATE}, &r, &e),
        -EPERM);
    assert_int_equal(
        synap()->change_request(find("status"), &(struct lms_change){.key = "status", .op = LMS_OP_DELETE}, &r, &e),
        -EPERM);
    assert_int_equal(
        synap()->change_request(find("users"), &(struct lms_change){.key = "..", .op = LMS_OP_DELETE}, &r, &e), -EINVAL);
    assert_int_equal(
        synap()->change_request(find("users"), &(struct lms_change){.key = "", .op = LMS_OP_DELETE}, &r, &e), -EINVAL);
}

static void test_refusals_come_in_the_vendors_words(void **state)
{
    static const struct {
        int status, rc;
        const char *file, *words;
    } cases[] = {
        {401, -EACCES, "synap/unauthorised.json", "Unauthorised Request"},
        {404, -ENOENT, "synap/not_found.json", "Object Not Found"},
        {400, -EINVAL, "synap/name_not_a_string.json", "name must be a string"},
        {400, -EINVAL, "synap/attribute_invalid.json", "Invalid Attribute is not a valid attribute"},
        {400, -EINVAL, "synap/learning_invalid_type.json",
         "[ { \"code\": \"invalid_type\", \"expected\": \"string\", \"received\": \"number\", \"path\": [ \"name\" ], "
         "\"message\": \"Expected string, received number\" } ]"},
    };
    char words[300];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_reply r = reply_data(cases[i].status, cases[i].file);
        lms_error_text(&r, words, sizeof words);
        assert_string_equal(words, cases[i].words);
        assert_int_equal(lms_status_errno(r.status), cases[i].rc);
        http_reply_release(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_request_carries_three_headers_and_there_is_no_login),
        cmocka_unit_test(test_a_user_is_searched_by_id_or_address_and_by_nothing_else),
        cmocka_unit_test(test_a_user_is_read),
        cmocka_unit_test(test_wrong_users_and_wrong_types_are_named),
        cmocka_unit_test(test_a_password_in_a_reply_is_shown_nowhere),
        cmocka_unit_test(test_status_and_attributes_are_documents_as_they_are),
        cmocka_unit_test(test_learning_records_are_listed_by_their_user),
        cmocka_unit_test(test_a_row_must_be_wrapped),
        cmocka_unit_test(test_a_files_signed_url_loses_its_query),
        cmocka_unit_test(test_synap_can_delete_and_neither_deactivate_nor_reactivate),
        cmocka_unit_test(test_refusals_come_in_the_vendors_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
