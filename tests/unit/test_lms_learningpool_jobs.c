/* Learning Pool: what an accepted save's reply says, and how its request goes on. */
#include "test_lms_support.h"

static const struct lms_provider *pool(void)
{
    return lms_provider("learningpool");
}

static const struct lms_collection *find(const char *name)
{
    return lms_collection(pool(), name);
}

static int saved(const char *collection, const struct lms_save *s, struct http_reply r, struct lms_verdict *v,
                 struct err *e)
{
    *e = (struct err){0};
    int rc = pool()->saved(find(collection), s, 0, &r, v, e);
    http_reply_release(&r);
    return rc;
}

/* ------------------------------------------------------------------ acceptance */

static void accepts(const char *collection, const char *file, const char *job, int line)
{
    struct lms_verdict v;
    struct err e;
    json_t *merged = json_object();
    struct lms_save s = {.key = "EMP204", .merged = merged};
    if (saved(collection, &s, reply_data(200, file), &v, &e))
        fail_msg("line %d: %s", line, e.text);
    assert_string_equal(v.job_id, job);
    assert_null(v.record.doc); /* the reply shows nothing of it */
    assert_null(v.key);
    lms_verdict_release(&v);
    json_decref(merged);
}

static void test_an_accepted_save_gives_its_request(void **state)
{
    (void)state;
    accepts("users", "learningpool/user_created.json", "228225e3-caeb-49b6-8177-b2f0594866e2", __LINE__);
    accepts("users", "learningpool/user_updated.json", "df17beae-b123-4b74-80c7-b7dc756d5cff", __LINE__);
    accepts("job-assignments", "learningpool/assignment_created.json", "60b716e9-a4ac-43e6-968a-fbf686052c1a", __LINE__);
    accepts("organisation-levels", "learningpool/organisation_created.json", "4e998788-8290-4a60-8ba1-4db767dff283",
            __LINE__);
    accepts("organisation-levels", "learningpool/organisation_updated.json", "47e19402-a20b-44e8-818e-843478dd31ad",
            __LINE__);
    accepts("position-levels", "learningpool/position_created.json", "6ed2dd89-49c5-4989-8f8f-45bdd0cd5bd9", __LINE__);
    accepts("position-levels", "learningpool/position_updated.json", "0c085aeb-708e-440c-b668-c35a8e4dc98c", __LINE__);
}

static void test_a_create_gets_its_key_from_its_name(void **state)
{
    struct lms_verdict v;
    struct err e;
    json_t *merged = json_of("{'userId':'EMP4711'}");
    struct lms_save s = {.ext = "EMP4711", .merged = merged};
    (void)state;
    assert_ok(saved("users", &s, reply_data(200, "learningpool/user_created.json"), &v, &e), e);
    assert_string_equal(v.key, "EMP4711");
    lms_verdict_release(&v);
    s = (struct lms_save){.parent_key = "OF1", .name = "LDS", .merged = merged};
    assert_ok(saved("organisation-levels", &s, reply_data(200, "learningpool/organisation_created.json"), &v, &e), e);
    assert_string_equal(v.key, "LDS");
    lms_verdict_release(&v);
    json_decref(merged);
}

/* The collection's example of a 400 has the body of an acceptance: the status decides. */
static void test_a_400_is_a_refusal_whatever_its_body_says(void **state)
{
    struct lms_verdict v;
    struct err e;
    struct lms_save s = {.key = "J1"};
    (void)state;
    assert_int_equal(saved("job-assignments", &s, reply_data(400, "learningpool/assignment_bad_request.json"), &v, &e),
                     -EINVAL);
    assert_null(v.job_id);
}

static void test_replies_that_are_not_the_apis_are_named(void **state)
{
    static const struct {
        const char *body, *reason;
    } cases[] = {
        {"", "empty"},
        {"<html>", "HTML"},
        {"{}", "no requestId"},
        {"{\"message\":\"User successfully submitted for processing\"}", "no requestId"},
        {"{\"requestId\":7}", "\"requestId\""},
        {"{\"requestId\":\"\"}", "can't be one"},
        {"{\"requestId\":\"..\"}", "can't be one"},
        {"{\"requestId\":\"a b\"}", "can't be one"},
        {"{\"requestId\":\"a\\nb\"}", "can't be one"},
    };
    struct lms_verdict v;
    struct lms_save s = {.key = "EMP204"};
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rc = saved("users", &s, reply_of(200, cases[i].body), &v, &e);
        if (rc != -EPROTO || !strstr(e.text, cases[i].reason))
            fail_msg("%s: %s \"%s\"", cases[i].body, err_name(rc), e.text);
        assert_null(v.job_id);
    }
}

static void test_refusals_come_in_the_gateways_words(void **state)
{
    struct lms_verdict v;
    struct lms_save s = {.key = "EMP204"};
    struct err e;
    (void)state;
    assert_int_equal(saved("users", &s, reply_data(403, "learningpool/forbidden.json"), &v, &e), -EACCES);
    assert_string_equal(e.text, "Forbidden");
    assert_int_equal(saved("users", &s,
                           reply_of(403, "{\"Message\":\"User is not authorized to access this resource with an "
                                         "explicit deny\"}"),
                           &v, &e),
                     -EACCES);
    assert_contains(e.text, "explicit deny");
    assert_int_equal(saved("users", &s, reply_of(429, "{\"message\":\"Too Many Requests\"}"), &v, &e), -EAGAIN);
}

/* ------------------------------------------------------------------ jobs */

/* Trap: whoever could change the reply's "status" would be sent the credentials. */
static void test_trap_the_status_url_of_a_reply_is_never_used(void **state)
{
    struct lms_verdict v;
    struct http_request r;
    struct lms_save s = {.key = "EMP204"};
    struct err e;
    (void)state;
    assert_ok(saved("users", &s,
                    reply_of(200, "{\"message\":\"ok\",\"requestId\":\"5e98\",\"status\":\"https://evil.example/x\"}"),
                    &v, &e),
              e);
    assert_ok(pool()->job_request(v.job_id, &r, &e), e);
    assert_request(&r, HTTP_GET, "/progress-status/5e98"); /* below the configured base; r.url is NULL */
    http_request_release(&r);
    lms_verdict_release(&v);
    assert_ok(pool()->job_request("../users?x=1", &r, &e), e);
    assert_request(&r, HTTP_GET, "/progress-status/..%2Fusers%3Fx%3D1");
    http_request_release(&r);
    assert_int_equal(pool()->job_request("..", &r, &e), -EINVAL);
}

static struct lms_job job_of(const char *file)
{
    struct lms_job j;
    struct err e = {0};
    struct http_reply r = reply_data(200, file);
    assert_ok(pool()->job_reply(&r, &j, &e), e);
    http_reply_release(&r);
    return j;
}

static void test_four_status_codes_and_the_echoed_model(void **state)
{
    static const struct {
        const char *file;
        enum lms_job_status status;
        const char *errors;
    } cases[] = {
        {"learningpool/progress_running.json", LMS_JOB_IN_PROGRESS, NULL},
        {"learningpool/progress_complete.json", LMS_JOB_COMPLETED, NULL},
        {"learningpool/progress_error.json", LMS_JOB_FAILED,
         "The given data was invalid : {\"username\":[\"The username has already been taken.\"]}"},
        {"learningpool/progress_retry.json", LMS_JOB_IN_PROGRESS,
         "Reties remaining : 2. Current Error:  No query results for model [App\\Models\\Position]."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lms_job j = job_of(cases[i].file);
        assert_int_equal(j.status, cases[i].status);
        if (cases[i].errors)
            assert_string_equal(j.errors, cases[i].errors);
        else
            assert_null(j.errors);
        assert_string_equal(json_string_value(json_object_get(json_object_get(j.vendor, "model"), "firstName")),
                            "Maeve");
        lms_job_release(&j);
    }
}

/* Trap: the other system's sso_id is the userId; its words stay as they came. */
static void test_trap_sso_id_is_explained(void **state)
{
    (void)state;
    struct lms_job j = job_of("learningpool/progress_exists.json");
    assert_string_equal(j.errors, "The given data was invalid : {\"sso_id\":[\"The sso id has already been taken.\"]} "
                                  "(sso_id is the userId)");
    lms_job_release(&j);
}

/* Words that a NUL would cut short are shown as JSON has them: a refusal is never without its reason. */
static void test_words_behind_a_nul_are_not_lost(void **state)
{
    (void)state;
    struct lms_job j;
    struct err e = {0};
    struct http_reply r = reply_of(200, "{\"statusCode\":3,\"errors\":\"\\u0000 no such line\"}");
    assert_ok(pool()->job_reply(&r, &j, &e), e);
    assert_string_equal(j.errors, "\"\\u0000 no such line\"");
    lms_job_release(&j);
    http_reply_release(&r);
}

static void test_job_replies_that_are_not_the_apis_are_named(void **state)
{
    static const struct {
        const char *body, *reason;
    } cases[] = {
        {"{}", "statusCode"},
        {"{\"statusCode\":\"2\"}", "whole number"},
        {"{\"statusCode\":2.0}", "whole number"},
        {"{\"statusCode\":0}", "statusCode 0"},
        {"{\"statusCode\":5}", "statusCode 5"},
        {"{\"statusCode\":-9223372036854775808}", "statusCode -9223372036854775808"},
        {"[]", "not a JSON object"},
        {"", "empty"},
    };
    struct lms_job j;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e = {0};
        struct http_reply r = reply_of(200, cases[i].body);
        int rc = pool()->job_reply(&r, &j, &e);
        if (rc != -EPROTO || !strstr(e.text, cases[i].reason))
            fail_msg("%s: %s \"%s\"", cases[i].body, err_name(rc), e.text);
        assert_null(j.vendor);
        http_reply_release(&r);
    }
}

/* ------------------------------------------------------------------ is it there already? */

static bool exists(const struct lms_save *s, int code, const char *errors)
{
    struct lms_job j;
    struct err e = {0};
    json_t *reply = json_pack("{s:i, s:s}", "statusCode", code, "errors", errors);
    char *text = json_dumps(reply, 0);
    struct http_reply r = reply_of(200, text);
    assert_ok(pool()->job_reply(&r, &j, &e), e);
    bool says = pool()->says_exists(find("users"), s, &r, &j);
    lms_job_release(&j);
    http_reply_release(&r);
    free(text);
    json_decref(reply);
    return says;
}

/* Trap: a create of a userId that exists fails later, and is an update then. */
static void test_trap_a_create_that_fails_because_the_same_id_exists_says_so(void **state)
{
    struct lms_save s = {.ext = "EMP204"};
    (void)state;
    assert_true(exists(&s, 3, "The given data was invalid : {\"sso_id\":[\"The sso id has already been taken.\"]}"));
    assert_true(exists(&s, 3, "Data invalid: {\"job_assignment_id\":\"The job assignment id already exists.\"} (1)"));
    assert_true(exists(&s, 3, "The given data was invalid : {\"level_id\":[\"The level id has already been taken.\"]}"));
}

/* Trap: username and e-mail are another person's. */
static void test_trap_a_username_or_email_that_is_taken_is_a_refusal(void **state)
{
    static const char *const refusals[] = {
        "The given data was invalid : {\"username\":[\"The username has already been taken.\"]}",
        "The given data was invalid : {\"email\":[\"The email has already been taken.\"]}",
        "The given data was invalid : {\"sso_id\":[\"The sso id has already been taken.\"],"
        "\"username\":[\"The username has already been taken.\"]}",
        "The given data was invalid : {\"email\":[\"The email has already been taken.\"],"
        "\"sso_id\":[\"The sso id has already been taken.\"]}",
        "The given data was invalid : {\"sso_id\":[\"The sso id format is invalid.\"]}",
        "The given data was invalid : {\"sso_id\":[]}",
        "The given data was invalid : {\"sso_id\":{}}",
        "The given data was invalid : {}",
        "The given data was invalid : {\"sso_id\":[\"The sso id has already been taken.\"]",
        "The sso_id has already been taken.",
        "",
    };
    struct lms_save s = {.ext = "EMP204"};
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (exists(&s, 3, refusals[i]))
            fail_msg("\"%s\" is no reason to change a record", refusals[i]);
}

static void test_only_a_create_that_failed_can_find_that_it_exists(void **state)
{
    static const char taken[] = "The given data was invalid : {\"sso_id\":[\"The sso id has already been taken.\"]}";
    struct lms_save s = {.ext = "EMP204"}, update = {.key = "EMP204"}, back = {.ext = "EMP204", .removed = true};
    (void)state;
    assert_false(exists(&s, 1, taken));
    assert_false(exists(&s, 4, taken));
    assert_false(exists(&update, 3, taken));
    assert_false(exists(&back, 3, taken));

    static const char body[] = "{\"message\":\"invalid: {\\\"userId\\\":[\\\"already taken\\\"]}\"}";
    static const int statuses[] = {400, 409, 422};
    for (size_t i = 0; i < 3; i++) {
        struct http_reply r = reply_of(statuses[i], body);
        assert_true(pool()->says_exists(find("users"), &s, &r, NULL));
        assert_false(pool()->says_exists(find("users"), &update, &r, NULL));
        http_reply_release(&r);
    }
    struct http_reply r = reply_of(403, body);
    assert_false(pool()->says_exists(find("users"), &s, &r, NULL));
    http_reply_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_accepted_save_gives_its_request),
        cmocka_unit_test(test_a_create_gets_its_key_from_its_name),
        cmocka_unit_test(test_a_400_is_a_refusal_whatever_its_body_says),
        cmocka_unit_test(test_replies_that_are_not_the_apis_are_named),
        cmocka_unit_test(test_refusals_come_in_the_gateways_words),
        cmocka_unit_test(test_trap_the_status_url_of_a_reply_is_never_used),
        cmocka_unit_test(test_four_status_codes_and_the_echoed_model),
        cmocka_unit_test(test_trap_sso_id_is_explained),
        cmocka_unit_test(test_words_behind_a_nul_are_not_lost),
        cmocka_unit_test(test_job_replies_that_are_not_the_apis_are_named),
        cmocka_unit_test(test_trap_a_create_that_fails_because_the_same_id_exists_says_so),
        cmocka_unit_test(test_trap_a_username_or_email_that_is_taken_is_a_refusal),
        cmocka_unit_test(test_only_a_create_that_failed_can_find_that_it_exists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
