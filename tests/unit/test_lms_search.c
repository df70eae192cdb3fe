/* The text of a search: a directory's name as filters, and HowNow's requests of it. */
#include "lms/search.h"
#include "lms/text.h"
#include "test_lms_support.h"

static const char *const kinds[] = {"course", "scorm", NULL};
static const struct search_filter filters[] = {{.name = "q"},
                                               {.name = "search", .param = "q"},
                                               {.name = "source"},
                                               {.name = "type", .words = kinds, .many = true},
                                               {.name = "sort", .words = kinds},
                                               {0}};

static char *query_of(const char *text, bool plain, struct err *e)
{
    struct search_text s;
    struct text path = {0};
    *e = (struct err){0};
    if (search_read(text, filters, plain, &s, e))
        return NULL;
    search_add(&path, filters, &s);
    search_release(&s);
    return text_take(&path, NULL);
}

static void test_a_name_is_read_as_filters(void **state)
{
    static const char *const good[][2] = {
        {"jane", "&q=jane"},
        {"jane doe, north", "&q=jane%20doe%2C%20north"},
        {"50%25", "&q=50%25"},
        {"a%3Db%2Cc%2Fd", "&q=a%3Db%2Cc%2Fd"},
        {"%2Ehidden", "&q=.hidden"},
        {"q=board,source=course", "&q=board&source=course"},
        {"source=course,q=board", "&q=board&source=course"},
        {"type=course,scorm,q=a", "&q=a&type=course%2Cscorm"},
        {"type=course%2Cscorm", "&type=course%2Cscorm"},
        {"q=a,b", "&q=a%2Cb"},
        {"q=a%3Db", "&q=a%3Db"},
        {"search=x", "&q=x"},
        {"q=\xc3\xbc", "&q=%C3%BC"},
    };
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char *query = query_of(good[i][0], true, &e);
        if (!query)
            fail_msg("%s: %s", good[i][0], e.text);
        assert_string_equal(query, good[i][1]);
        free(query);
    }
}

static void test_what_is_no_search_is_refused_with_its_reason(void **state)
{
    static const char *const bad[][2] = {
        {"colour=red", "there is no filter colour; there are: q, search, source, type, sort"},
        {"q=", "q has no value"},
        {"=x", "there is no filter ; there are"},
        {"q=a,=b", "there is no filter ;"},
        {",q=a", "it has no \"=\""},
        {"q=a,q=b", "q is given twice"},
        {"q=a,search=b", "search is given twice"},
        {"type=film", "type can't be film; it is one of: course, scorm"},
        {"type=course,film", "type can't be film"},
        {"type=course,,scorm", "type can't be ; it is"},
        {"sort=course,scorm", "sort can't be course,scorm"},
        {"q=%", "two hexadecimal digits"},
        {"q=%4", "two hexadecimal digits"},
        {"q=%zz", "two hexadecimal digits"},
        {"q=%00", "control characters"},
        {"q=a%0ab", "control characters"},
        {"q=%ff", "q is not UTF-8"},
        {"100%", "two hexadecimal digits"},
    };
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *query = query_of(bad[i][0], true, &e);
        if (query)
            fail_msg("%s is taken for %s", bad[i][0], query);
        assert_int_equal(e.code, -EINVAL);
        assert_contains(e.text, bad[i][1]);
    }
    assert_null(query_of("jane", false, &e));
    assert_contains(e.text, "there are: q, search, source, type, sort");
}

/* ------------------------------------------------------------------ HowNow's */

static int ask(const char *collection, const char *text, unsigned page, char path[512], uint64_t *window, struct err *e)
{
    const struct lms_provider *p = lms_provider("hownow");
    struct http_request r;
    *e = (struct err){0};
    int rc = p->search_request(lms_collection(p, collection), text, page, &r, window, e);
    if (!rc)
        snprintf(path, 512, "%s", r.path);
    http_request_release(&r);
    return rc;
}

static void test_hownow_searches_what_its_collection_documents(void **state)
{
    static const struct {
        const char *collection, *text, *path;
        uint64_t window;
    } good[] = {
        {"users", "jane", "/external/v1/users?page=3&per_page=100&q=jane", 0},
        {"users", "q=jane@example.org", "/external/v1/users?page=3&per_page=100&q=jane%40example.org", 0},
        {"job-roles", "archi", "/external/v1/job_roles?page=3&per_page=100&q=archi", 0},
        {"groups", "north", "/external/v1/groups?page=3&per_page=100&search=north", 0},
        {"groups", "q=north", "/external/v1/groups?page=3&per_page=100&search=north", 0},
        {"skills", "q=c,sort_by=created_at,sort_order=desc",
         "/external/v1/skills?page=3&per_page=100&q=c&sort_by=created_at&sort_order=desc", 0},
        {"contents", "board", "/external/v1/contents/search?page=3&per_page=100&q=board", 10000},
        {"contents", "q=board,source=course,type=scorm,language=en,is_premium=true,sort_by=created_at,sort_order=asc",
         "/external/v1/contents/search?page=3&per_page=100&q=board&source=course&type=scorm&language=en&is_premium=true"
         "&sort_by=created_at&sort_order=asc",
         10000},
        {"contents", "source=course,type=nugget,event",
         "/external/v1/contents/search?page=3&per_page=100&source=course&type=nugget%2Cevent", 0},
        {"contents", "q=*,source=ted_talk", "/external/v1/contents/search?page=3&per_page=100&q=%2A&source=ted_talk", 0},
        {"assigned-contents", "user=EXT-a/b,q=fire",
         "/external/v1/users/EXT-a%2Fb/assigned_contents?page=3&per_page=100&q=fire", 0},
        {"authored-contents", "user=ID-4", "/external/v1/users/ID-4/authored_contents?page=3&per_page=100", 0},
        {"group-members", "group=ID-11001,role=manager",
         "/external/v1/groups/11001/users?page=3&per_page=100&role=manager", 0},
    };
    char path[512];
    uint64_t window;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_ok(ask(good[i].collection, good[i].text, 3, path, &window, &e), e);
        assert_string_equal(path, good[i].path);
        assert_int_equal(window, good[i].window);
    }
    assert_int_equal(ask("lessons", "a", 1, path, &window, &e), -ENOTSUP);
    assert_int_equal(ask("sources", "a", 1, path, &window, &e), -ENOTSUP);
    static const char *const bad[][2] = {
        {"users", "role=x"},
        {"contents", "is_premium=yes"},
        {"contents", "page=2"},
        {"assigned-contents", "fire"},
        {"assigned-contents", "q=fire"},
        {"assigned-contents", "user=5"},
        {"group-members", "group=EXT-5"},
        {"group-members", "group=ID-x"},
        {"group-members", "role=admin"},
        {"group-members", "group=ID-5,role=boss"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ask(bad[i][0], bad[i][1], 1, path, &window, &e), -EINVAL);
        assert_true(e.text[0]);
    }
}

static void test_hownow_names_the_parent_that_a_search_is_about(void **state)
{
    const struct lms_provider *p = lms_provider("hownow");
    char stem[256];
    (void)state;
    assert_int_equal(p->search_parent(lms_collection(p, "assigned-contents"), "q=x,user=EXT-a", stem), 0);
    assert_string_equal(stem, "EXT-a");
    assert_int_equal(p->search_parent(lms_collection(p, "group-members"), "group=ID-5", stem), 0);
    assert_string_equal(stem, "ID-5");
    assert_int_equal(p->search_parent(lms_collection(p, "contents"), "q=x", stem), -ENOENT);
    assert_int_equal(p->search_parent(lms_collection(p, "users"), "x", stem), -ENOENT);
    struct lms_page page;
    struct err e = {0};
    struct http_reply r = reply_data(200, "hownow/contents_page.json");
    assert_ok(p->list_reply(lms_collection(p, "contents"), NULL, &r, &page, &e), e);
    assert_true(page.rows_n > 0);
    assert_string_equal(page.rows[0].parent, "course");
    lms_page_release(&page);
    http_reply_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_is_read_as_filters),
        cmocka_unit_test(test_what_is_no_search_is_refused_with_its_reason),
        cmocka_unit_test(test_hownow_searches_what_its_collection_documents),
        cmocka_unit_test(test_hownow_names_the_parent_that_a_search_is_about),
    };
    return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
