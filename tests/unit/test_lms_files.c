/* Files of records and their signed URLs: the forms that carry them, and what a reply tells of them. */
#include "test_lms_support.h"

static const struct lms_provider *synap(void)
{
    return lms_provider("synap");
}

static void test_a_file_is_a_part_of_the_record_s_form(void **state)
{
    const struct lms_collection *c = lms_collection(synap(), "learning-records");
    struct http_request r, copy;
    struct err e = {0};
    (void)state;
    assert_ok(synap()->file_request(c, "USER123", "ABCD12345", "certificate", &r, &e), e);
    assert_request(&r, HTTP_PATCH, "/learning-records/ABCD12345");
    assert_int_equal(r.parts_n, 1);
    assert_string_equal(r.parts[0].name, "userId");
    assert_string_equal(r.parts[0].value, "USER123");
    assert_string_equal(r.file.part, "attr[certificate]");
    assert_string_equal(r.file.name, "certificate.pdf");
    assert_string_equal(r.file.type, "application/pdf");
    assert_true(r.idempotent);
    r.file.fd = 7;
    r.file.size = 10;
    assert_int_equal(http_request_copy(&r, &copy), 0);
    http_request_release(&r);
    assert_string_equal(copy.file.part, "attr[certificate]");
    assert_int_equal(copy.file.fd, 7);
    assert_int_equal(copy.file.size, 10);
    http_request_release(&copy);
}

static void test_a_name_that_a_form_can_t_carry_is_refused(void **state)
{
    static const char *const bad[] = {"", "a]b", "a[b", "a\"b", "a\r\nb", "a\\b"};
    const struct lms_collection *c = lms_collection(synap(), "learning-records");
    struct http_request r;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(synap()->file_request(c, "u", "r", bad[i], &r, &e), -EINVAL);
        assert_null(r.path);
    }
    assert_int_equal(synap()->file_request(c, "u", "..", "a", &r, &e), -EINVAL);
    assert_int_equal(synap()->file_request(lms_collection(synap(), "users"), "u", "r", "a", &r, &e), -EINVAL);
    assert_non_null(c->files);
    assert_int_equal(c->files->max, 10 * 1024 * 1024);
}

static json_t *urls_of(const char *body, const char *key, int *rc)
{
    struct http_reply r = reply_of(200, body);
    struct err e = {0};
    json_t *urls = NULL;
    *rc = lms_signed_urls(&r, key, &urls, &e);
    assert_true(*rc == 0 || (e.code == *rc && e.text[0] && !urls));
    http_reply_release(&r);
    return urls;
}

static void test_signed_urls_are_told_by_where_they_stand(void **state)
{
    int rc;
    json_t *urls =
        urls_of("{\"data\": {\"id\": 5, \"contents\": [{\"file_url\": \"https://f.example.org/a?X-Amz-Signature=1\"},"
                " {\"preview_url\": \"https://f.example.org/b?page=2\"}, {\"x\": {\"y\": "
                "\"https://f.example.org/c?sig=2\"}}]}}",
                NULL, &rc);
    (void)state;
    assert_int_equal(rc, 0);
    assert_json(urls, "[{'name': 'contents[0].file_url', 'url': 'https://f.example.org/a?X-Amz-Signature=1'},"
                      " {'name': 'contents[2].x.y', 'url': 'https://f.example.org/c?sig=2'}]");
    static const char list[] =
        "{\"learningRecords\": [{\"learningRecord\": {\"objectId\": \"A\", \"attr\": {\"p\": {\"url\": "
        "\"https://f.example.org/a?Signature=1\"}}}}, {\"learningRecord\": {\"objectId\": \"B\", \"attr\": "
        "{\"p\": {\"url\": \"https://f.example.org/b?Signature=2\"}}}}, {\"learningRecord\": {\"objectId\": \"C\"}}]}";
    urls = urls_of(list, "B", &rc);
    assert_int_equal(rc, 0);
    assert_json(urls, "[{'name': 'attr.p.url', 'url': 'https://f.example.org/b?Signature=2'}]");
    assert_null(urls_of(list, "D", &rc));
    assert_int_equal(rc, -ENOENT);
    assert_null(urls_of(list, "C", &rc));
    assert_int_equal(rc, -ENODATA);
    assert_null(urls_of("<html>", NULL, &rc));
    assert_int_equal(rc, -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_is_a_part_of_the_record_s_form),
        cmocka_unit_test(test_a_name_that_a_form_can_t_carry_is_refused),
        cmocka_unit_test(test_signed_urls_are_told_by_where_they_stand),
    };
    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
