/* A request's name in the metrics: the documentation's line, and nothing of a person. */
#include "test_lms_support.h"

static const char *named(const char *vendor, enum http_method m, const char *path)
{
    struct http_request r = {.method = m, .path = (char *)path};
    return lms_endpoint(lms_provider(vendor), &r);
}

static void test_a_request_is_named_by_its_endpoint(void **state)
{
    (void)state;
    assert_string_equal(named("hownow", HTTP_GET, "/external/v1/users?page=2&per_page=100"), "GET /external/v1/users");
    assert_string_equal(named("hownow", HTTP_GET, "/external/v1/users/EXT-jane.doe%40example.com"),
                        "GET /external/v1/users/:id");
    assert_string_equal(named("hownow", HTTP_PUT, "/external/v1/users/ID-7/deactivate"),
                        "PUT /external/v1/users/:id/deactivate");
    assert_string_equal(named("hownow", HTTP_POST, "/external/v1/users/upsert"), "POST /external/v1/users/upsert");
    assert_string_equal(named("hownow", HTTP_GET, "/external/v1/contents/sources"),
                        "GET /external/v1/contents/sources");
    assert_string_equal(named("hownow", HTTP_GET, "/external/v1/contents/c1"), "GET /external/v1/contents/:id");
    assert_string_equal(named("synap", HTTP_GET, "/users?email=jane%40example.com"), "GET /users");
    assert_string_equal(named("synap", HTTP_PATCH, "/users/U1"), "PATCH /users/:id");
    assert_string_equal(named("learningpool", HTTP_PATCH, "/users/jane/status"), "PATCH /users/:id/status");
    assert_string_equal(named("avia", HTTP_GET, "/wp-json/avia/hr/v1/suspend/123-45?action=suspend"),
                        "GET /wp-json/avia/hr/v1/suspend/:ssn");
    assert_string_equal(named("thrive", HTTP_GET, "/v1/users/ref/jane"), "GET /v1/users/ref/:ref");
}

static void test_what_is_documented_nowhere_names_nobody(void **state)
{
    (void)state;
    assert_string_equal(named("hownow", HTTP_GET, "/external/v1/people/jane"), "other");
    assert_string_equal(named("hownow", HTTP_DELETE, "/external/v1/users/jane"), "other");
    assert_string_equal(named("hownow", HTTP_GET, "/external/v1/users/"), "other");
    assert_string_equal(named("synap", HTTP_GET, "/users/jane/and/more"), "other");
}

static void test_an_absolute_url_is_named_by_its_path(void **state)
{
    (void)state;
    struct http_request r = {.method = HTTP_GET, .path = "/x", .url = "https://files.example.com/status?signature=s"};
    assert_string_equal(lms_endpoint(lms_provider("synap"), &r), "GET /status");
    r.url = "https://files.example.com";
    assert_string_equal(lms_endpoint(lms_provider("synap"), &r), "other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_named_by_its_endpoint),
        cmocka_unit_test(test_what_is_documented_nowhere_names_nobody),
        cmocka_unit_test(test_an_absolute_url_is_named_by_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
