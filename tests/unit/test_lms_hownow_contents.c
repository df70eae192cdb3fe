/* HowNow: contents, lessons, and the lists of sources, types and languages. */
#include "test_lms_support.h"

static const struct lms_provider *hownow(void)
{
    return lms_provider("hownow");
}

static const struct lms_collection *find(const char *name)
{
    return lms_collection(hownow(), name);
}

/* An inode number holds a collection's index: what was there stays where it was. */
static void test_collections_keep_their_places(void **state)
{
    static const char *const names[] = {"users",
                                        "job-roles",
                                        "groups",
                                        "skills",
                                        "group-members",
                                        "assigned-contents",
                                        "authored-contents",
                                        "content-sources",
                                        "content-types",
                                        "languages",
                                        "lessons",
                                        "sources",
                                        "contents"};
    (void)state;
    assert_true(hownow()->collections_n >= sizeof names / sizeof *names);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(lms_collection_index(hownow(), find(names[i])), i);
}

/* ------------------------------------------------------------------ lists */

static void test_lists_below_something_are_asked_for_by_its_id(void **state)
{
    static const struct {
        const char *collection, *parent, *path;
    } cases[] = {
        {"assigned-contents", "65728", "/external/v1/users/ID-65728/assigned_contents?page=3&per_page=100"},
        {"authored-contents", "65728", "/external/v1/users/ID-65728/authored_contents?page=3&per_page=100"},
        {"contents", "udemy_course",
         "/external/v1/contents/search?source=udemy_course&sort_by=created_at&sort_order=asc&page=3&per_page=100"},
        {"contents", "a&b=c/d",
         "/external/v1/contents/search?source=a%26b%3Dc%2Fd&sort_by=created_at&sort_order=asc&page=3&per_page=100"},
        {"sources", NULL, "/external/v1/contents/sources"},
    };
    struct http_request r;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(hownow()->list_request(find(cases[i].collection), cases[i].parent, 3, &r, &e), e);
        assert_request(&r, HTTP_GET, cases[i].path);
        assert_true(r.idempotent);
        http_request_release(&r);
    }
    assert_int_equal(hownow()->list_request(find("assigned-contents"), "../x", 1, &r, &e), -EINVAL);
    assert_int_equal(hownow()->list_request(find("authored-contents"), NULL, 1, &r, &e), -EINVAL);
    assert_int_equal(hownow()->list_request(find("contents"), NULL, 1, &r, &e), -EINVAL);
    assert_int_equal(hownow()->list_request(find("lessons"), NULL, 1, &r, &e), -ENOTSUP);
    assert_int_equal(hownow()->list_request(find("languages"), NULL, 1, &r, &e), -ENOTSUP);
}

static void test_contents_are_the_apis_objects_named_by_hownow_id(void **state)
{
    static const struct {
        const char *collection, *file, *key;
        int64_t total;
    } cases[] = {
        {"assigned-contents", "hownow/assigned_contents_page.json", "course_184340", 3451},
        {"authored-contents", "hownow/authored_contents_page.json", "course_181529", 4167},
        {"contents", "hownow/contents_page.json", "course_485", 4717},
        {"sources", "hownow/content_sources.json", "hownow_plus", 5},
    };
    struct lms_page p;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct lms_collection *c = find(cases[i].collection);
        struct http_reply r = reply_data(200, cases[i].file);
        json_t *reply = json_data(cases[i].file);
        assert_ok(hownow()->list_reply(c, "course", &r, &p, &e), e);
        assert_int_equal(p.total, cases[i].total);
        assert_int_equal(p.rows_n, json_array_size(json_object_get(reply, "data")));
        assert_string_equal(p.rows[1].key, cases[i].key);
        assert_true(i > 0 || p.rows[1].made_at == 1771584377); /* since when assigned */
        for (size_t k = 0; k < p.rows_n; k++) {
            assert_true(p.rows[k].active);
            assert_null(p.rows[k].ext);
            assert_null(p.rows[k].email);
            assert_int_equal(doc_finish(c, p.rows[k].doc, true), 0);
            assert_json_is(json_incref(p.rows[k].doc), json_incref(json_array_get(json_object_get(reply, "data"), k)));
        }
        lms_page_release(&p);
        json_decref(reply);
        http_reply_release(&r);
    }
}

static void test_rows_without_a_usable_name_fail_the_page(void **state)
{
    static const struct {
        const char *collection, *row;
    } cases[] = {
        {"assigned-contents", "{\"id\":5}"},
        {"assigned-contents", "{\"id\":5,\"hownow_id\":7}"},
        {"authored-contents", "{\"id\":5,\"hownow_id\":\"\"}"},
        {"contents", "{\"id\":5,\"hownow_id\":\"..\"}"},
        {"contents", "{\"hownow_id\":\"a\"},{\"hownow_id\":\"a\"}"},
        {"sources", "{\"id\":5}"},
        {"sources", "\"course\""},
    };
    char body[200];
    struct lms_page p;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(body, sizeof body, "{\"data\":[%s],\"meta\":{\"total_count\":1}}", cases[i].row);
        struct http_reply r = reply_of(200, body);
        if (hownow()->list_reply(find(cases[i].collection), "5", &r, &p, &e) != -EPROTO || !e.text[0])
            fail_msg("%s: %s is taken for a page", cases[i].collection, body);
        http_reply_release(&r);
    }
}

/* ------------------------------------------------------------------ one of them */

static void test_a_content_is_asked_for_with_its_details(void **state)
{
    struct http_request r;
    struct lms_record record;
    struct err e;
    (void)state;
    assert_ok(hownow()->get_request(find("contents"), "course", "ID-course_474", &r, &e), e);
    assert_request(&r, HTTP_GET, "/external/v1/contents/course_474/details");
    http_request_release(&r);
    assert_ok(hownow()->get_request(find("contents"), "learning_library_course_34", "ID-learning_library_course_34_7",
                                    &r, &e),
              e);
    assert_request(&r, HTTP_GET, "/external/v1/contents/learning_library_course_34_7/details");
    http_request_release(&r);
    static const char *const nobody[] = {"ID-udemy_course_5", "ID-course_",          "ID-course_x",
                                         "ID-course",         "ID-course_5/details", "ID-course_0"};
    for (size_t i = 0; i < sizeof nobody / sizeof *nobody; i++)
        assert_int_equal(hownow()->get_request(find("contents"), "course", nobody[i], &r, &e), -ENOENT);
    assert_int_equal(hownow()->get_request(find("contents"), "course", "EXT-course_5", &r, &e), -ENOTSUP);
    assert_int_equal(hownow()->get_request(find("contents"), NULL, "ID-course_5", &r, &e), -ENOTSUP);
    assert_int_equal(hownow()->get_request(find("assigned-contents"), "5", "ID-course_5", &r, &e), -ENOTSUP);

    struct http_reply reply = reply_data(200, "hownow/content_details.json");
    assert_ok(hownow()->get_reply(find("contents"), "course", "ID-course_474", &reply, &record, &e), e);
    assert_string_equal(record.key, "course_474");
    assert_int_equal(json_array_size(json_object_get(record.doc, "sections")), 2);
    lms_record_release(&record);
    assert_int_equal(hownow()->get_reply(find("contents"), "course", "ID-course_475", &reply, &record, &e), -EPROTO);
    http_reply_release(&reply);
    reply = reply_data(200, "hownow/content_third_party.json");
    assert_ok(hownow()->get_reply(find("contents"), "udemy_course", "ID-udemy_course_140136", &reply, &record, &e), e);
    lms_record_release(&record);
    http_reply_release(&reply);
}

static void test_a_lesson_loses_what_signs_its_addresses(void **state)
{
    struct http_request r;
    struct lms_record record;
    struct err e;
    (void)state;
    assert_ok(hownow()->get_request(find("lessons"), NULL, "ID-185031", &r, &e), e);
    assert_request(&r, HTTP_GET, "/external/v1/lesson/185031/details");
    http_request_release(&r);
    assert_int_equal(hownow()->get_request(find("lessons"), NULL, "ID-x", &r, &e), -ENOENT);
    assert_int_equal(hownow()->get_request(find("lessons"), NULL, "EXT-5", &r, &e), -ENOTSUP);
    struct http_reply reply = reply_data(200, "hownow/lesson_files.json");
    assert_ok(hownow()->get_reply(find("lessons"), NULL, "ID-185031", &reply, &record, &e), e);
    assert_string_equal(record.key, "185031");
    assert_json(
        json_incref(json_object_get(record.doc, "contents")),
        "[{'id':177636,'type':'file','order':1,'preview_url':'/file_urls/original/missing.png','file_url':"
        "'https://files.example.org/course_lesson_content_images/images/000/001/901/original/Example_20_MB_File.txt'},"
        "{'id':177638,'type':'upload_video','order':3,'preview_url':"
        "'https://video.example.org/deliveries/5eb2a6111f96ef394ba62a1058525681.bin'},"
        "{'id':177318,'type':'video','order':4,'preview_url':'https://video.example.org/watch?v=EzTxYQmU8OE'}]");
    lms_record_release(&record);
    assert_int_equal(hownow()->get_reply(find("lessons"), NULL, "ID-185032", &reply, &record, &e), -EPROTO);
    http_reply_release(&reply);
}

static void test_the_small_lists_are_files_of_their_own(void **state)
{
    static const struct {
        const char *collection, *path, *file;
    } cases[] = {
        {"content-sources", "/external/v1/contents/sources", "hownow/content_sources.json"},
        {"content-types", "/external/v1/contents/types", "hownow/content_types.json"},
        {"languages", "/external/v1/languages", "hownow/languages.json"},
    };
    static const char *const bad[] = {"{}", "{\"data\":{}}", "{\"data\":[5]}", "{\"data\":[{\"label\":\"x\"}]}",
                                      "[]", "<html>"};
    struct http_request r;
    struct lms_record record;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct lms_collection *c = find(cases[i].collection);
        assert_int_equal(c->kind, LMS_SINGLETON);
        assert_string_equal(c->folder, "metadata");
        assert_ok(hownow()->get_request(c, NULL, NULL, &r, &e), e);
        assert_request(&r, HTTP_GET, cases[i].path);
        http_request_release(&r);
        assert_int_equal(hownow()->get_request(c, NULL, "ID-5", &r, &e), -ENOTSUP);
        struct http_reply reply = reply_data(200, cases[i].file);
        assert_ok(hownow()->get_reply(c, NULL, NULL, &reply, &record, &e), e);
        assert_string_equal(record.key, cases[i].collection);
        assert_json_is(json_incref(record.doc), json_data(cases[i].file));
        lms_record_release(&record);
        http_reply_release(&reply);
        for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
            reply = reply_of(200, bad[k]);
            if (hownow()->get_reply(c, NULL, NULL, &reply, &record, &e) != -EPROTO)
                fail_msg("%s is taken for %s", bad[k], cases[i].collection);
            http_reply_release(&reply);
        }
    }
}

static void test_refusals_are_in_the_vendors_words(void **state)
{
    struct lms_record record;
    struct err e;
    (void)state;
    struct http_reply r = reply_data(401, "hownow/content_unauthorized.json");
    assert_int_equal(hownow()->get_reply(find("contents"), "course", "ID-course_5", &r, &record, &e), -EACCES);
    assert_string_equal(e.text, "Unauthorized");
    http_reply_release(&r);
    r = reply_data(404, "hownow/content_not_found.json");
    assert_int_equal(hownow()->get_reply(find("lessons"), NULL, "ID-5", &r, &record, &e), -ENOENT);
    assert_string_equal(e.text, "Not Found");
    http_reply_release(&r);
}

static void test_nothing_of_it_can_be_written(void **state)
{
    static const char *const names[] = {"assigned-contents", "authored-contents", "contents",
                                        "lessons",           "sources",           "languages"};
    json_t *merged = json_of("{}");
    struct lms_save s = {.merged = merged};
    struct http_request r;
    struct lms_plan plan;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_null(find(names[i])->fields);
        assert_int_equal(hownow()->save(find(names[i]), &s, &plan, &e), -EPERM);
        assert_int_equal(
            hownow()->change_request(find(names[i]), &(struct lms_change){.key = "5", .op = LMS_OP_DELETE}, &r, &e),
            -EPERM);
    }
    json_decref(merged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collections_keep_their_places),
        cmocka_unit_test(test_lists_below_something_are_asked_for_by_its_id),
        cmocka_unit_test(test_contents_are_the_apis_objects_named_by_hownow_id),
        cmocka_unit_test(test_rows_without_a_usable_name_fail_the_page),
        cmocka_unit_test(test_a_content_is_asked_for_with_its_details),
        cmocka_unit_test(test_a_lesson_loses_what_signs_its_addresses),
        cmocka_unit_test(test_the_small_lists_are_files_of_their_own),
        cmocka_unit_test(test_refusals_are_in_the_vendors_words),
        cmocka_unit_test(test_nothing_of_it_can_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
