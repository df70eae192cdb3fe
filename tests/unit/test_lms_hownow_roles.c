/* HowNow: job roles as documents, and their saves. */
#include "test_lms_support.h"

static const struct lms_provider *hownow(void)
{
    return lms_provider("hownow");
}

static const struct lms_collection *roles(void)
{
    return lms_collection(hownow(), "job-roles");
}

/* ------------------------------------------------------------------ reading */

static void test_skills_are_shown_as_they_are_written(void **state)
{
    (void)state;
    struct lms_record r = get_record(hownow(), "job-roles", "EXT-JR-001", "hownow/job_role_detail.json");
    json_t *readonly = json_object_get(r.doc, "_readonly"), *reply = json_data("hownow/job_role_detail.json");
    assert_json(json_incref(json_object_get(r.doc, "skills")),
                "[{'skill_id':'ID-5548','target_rating':4},{'skill_id':'ID-42','target_rating':1}]");
    assert_json(json_incref(json_object_get(r.doc, "name")), "'A - Test Job Role'");
    assert_json(json_incref(json_object_get(r.doc, "description")), "null");
    assert_json(json_incref(json_object_get(r.doc, "external_id")), "'JR-001'");
    assert_json_is(json_incref(json_object_get(readonly, "skills")),
                   json_incref(json_object_get(json_object_get(reply, "data"), "skills"))); /* nothing dropped */
    assert_int_equal(json_integer_value(json_object_get(readonly, "id")), 9243);
    assert_string_equal(r.ext, "JR-001");
    assert_int_equal(r.mtime, 1770278906);
    json_decref(reply);
    lms_record_release(&r);
}

static void test_a_list_row_has_no_skills(void **state)
{
    struct http_reply reply = reply_data(200, "hownow/job_roles_page.json");
    struct lms_page p;
    struct err e;
    (void)state;
    assert_ok(hownow()->list_reply(roles(), NULL, &reply, &p, &e), e);
    assert_int_equal(p.total, 3969);
    assert_int_equal(p.rows_n, 3);
    assert_string_equal(p.rows[0].ext, "JR-001");
    assert_null(p.rows[1].ext);
    assert_json(
        json_incref(p.rows[1].doc),
        "{'external_id':null,'name':'aaa','description':null,'_readonly':{'id':10665,'users_count':2,'skills_count':12,"
        "'groups_count':10,'created_at':'2023-04-11T09:29:41Z','updated_at':'2026-02-05T08:08:26Z'}}");
    lms_page_release(&p);
    http_reply_release(&reply);
}

static void test_skills_that_are_none_are_named(void **state)
{
    static const struct {
        const char *members, *reason;
    } cases[] = {
        {"\"skills\":5", "\"skills\""},
        {"\"skills\":[7]", "skills[0]"},
        {"\"skills\":[{\"id\":1,\"target_rating\":2},{\"id\":0,\"target_rating\":2}]", "skills[1]"},
        {"\"skills\":[{\"id\":\"1\",\"target_rating\":2}]", "skills[0]"},
        {"\"skills\":[{\"id\":1,\"target_rating\":\"2\"}]", "skills[0]"},
        {"\"skills\":[{\"id\":1}]", "skills[0]"},
        {"\"name\":5", "\"name\""},
        {"\"description\":[]", "\"description\""},
        {"\"external_id\":5", "\"external_id\""},
    };
    char body[200];
    struct lms_record r;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(body, sizeof body, "{\"data\":{\"id\":5,%s}}", cases[i].members);
        struct http_reply reply = reply_of(200, body);
        int rc = hownow()->get_reply(roles(), NULL, "ID-5", &reply, &r, &e);
        if (rc != -EPROTO || !strstr(e.text, cases[i].reason))
            fail_msg("%s: %s \"%s\"", cases[i].members, err_name(rc), e.text);
        http_reply_release(&reply);
    }
    struct http_reply reply = reply_of(200, "{\"data\":{\"id\":5,\"skills\":null}}");
    assert_ok(hownow()->get_reply(roles(), NULL, "ID-5", &reply, &r, &e), e);
    assert_json(json_incref(json_object_get(r.doc, "skills")), "null");
    lms_record_release(&r);
    http_reply_release(&reply);
}

/* ------------------------------------------------------------------ creating */

static void test_the_vendors_example_is_what_new_json_sends(void **state)
{
    (void)state;
    json_t *request = json_data("hownow/job_role_create_request.json");
    struct try_save t = try_save(hownow(), "job-roles", NULL, NULL, NULL, NULL, request);
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 1);
    assert_request(&t.plan.steps[0], HTTP_POST, "/external/v1/job_roles");
    assert_false(t.plan.steps[0].idempotent);
    json_t *body = body_of(&t.plan.steps[0]);
    assert_true(doc_equal(body, request));
    json_decref(body);
    try_release(&t);
    json_decref(request);

    struct lms_verdict v;
    struct err e;
    struct lms_save s = {0};
    struct http_reply r = reply_data(201, "hownow/job_role_created.json");
    assert_ok(hownow()->saved(roles(), &s, 0, &r, &v, &e), e);
    assert_string_equal(v.key, "10826");
    assert_string_equal(v.record.ext, "ext_sr_dev_001");
    assert_true(v.record_is_detail);
    assert_null(v.job_id);
    assert_json(json_incref(json_object_get(v.record.doc, "skills")),
                "[{'skill_id':'ID-5549','target_rating':5},{'skill_id':'ID-15882','target_rating':3}]");
    lms_verdict_release(&v);
    http_reply_release(&r);
}

static void create_refused(const char *doc, const char *reason, int line)
{
    json_t *saved = json_of(doc);
    struct try_save t = try_save(hownow(), "job-roles", NULL, NULL, NULL, NULL, saved);
    if (t.rc != -EINVAL || !strstr(t.e.text, reason))
        fail_msg("line %d: %s \"%s\", not \"%s\"", line, err_name(t.rc), t.e.text, reason);
    assert_int_equal(t.plan.n, 0);
    try_release(&t);
    json_decref(saved);
}
#define assert_no_create(doc, reason) create_refused(doc, reason, __LINE__)

static void test_what_cannot_be_created(void **state)
{
    (void)state;
    assert_no_create("{'description':'x'}", "name");
    assert_no_create("{'name':''}", "name");
    assert_no_create("{'name':'x','users_count':1}", "users_count");
    assert_no_create("{'name':'x','skills':[{'target_rating':1}]}", "skill_id");
    assert_no_create("{'name':'x','skills':[{'skill_id':'5','target_rating':1}]}", "skill_id must be");
    assert_no_create("{'name':'x','skills':[{'skill_id':'ID-5'}]}", "target_rating");
    assert_no_create("{'name':'x','skills':[{'skill_id':'ID-5','target_rating':0}]}", "from 1 to 5");
    assert_no_create("{'name':'x','skills':[{'skill_id':'ID-5','target_rating':6}]}", "from 1 to 5");
    assert_no_create("{'name':'x','skills':[{'skill_id':'ID-5','target_rating':2.5}]}", "from 1 to 5");
    assert_no_create("{'name':'x','skills':[{'skill_id':'ID-5','target_rating':2,'name':'y'}]}", "more than");
    assert_no_create(
        "{'name':'x','skills':[{'skill_id':'ID-5','target_rating':2},{'skill_id':'ID-5','target_rating':2}]}", "twice");
}

static json_t *skills_of(int n)
{
    json_t *list = json_array();
    for (int i = 1; i <= n; i++)
        json_array_append_new(list, json_pack("{s:o,s:i}", "skill_id", json_sprintf("ID-%d", i), "target_rating", 1));
    return list;
}

static void test_a_role_has_at_most_thirty_skills(void **state)
{
    (void)state;
    for (int n = 30; n <= 31; n++) {
        json_t *saved = json_pack("{s:s,s:o}", "name", "x", "skills", skills_of(n));
        struct try_save t = try_save(hownow(), "job-roles", NULL, NULL, NULL, NULL, saved);
        assert_int_equal(t.rc, n == 30 ? 0 : -EINVAL);
        try_release(&t);
        json_decref(saved);
    }
}

static void test_the_files_name_gives_the_external_id(void **state)
{
    json_t *merged = json_of("{'name':'N','description':null,'skills':null}"), *changed = json_of("['name']");
    struct lms_save s = {.ext = "r-1", .merged = merged, .changed = changed};
    struct lms_plan plan;
    struct err e;
    (void)state;
    assert_ok(hownow()->save(roles(), &s, &plan, &e), e);
    assert_json(body_of(&plan.steps[0]), "{'name':'N','external_id':'r-1'}");
    lms_plan_release(&plan);
    json_object_set_new(merged, "external_id", json_string("r-2"));
    assert_int_equal(hownow()->save(roles(), &s, &plan, &e), -EINVAL);
    assert_contains(e.text, "external_id differs from r-1");
    json_decref(changed);
    json_decref(merged);
}

/* ------------------------------------------------------------------ changing */

/* Saves the role of tests/data with these members instead of its own. */
static struct try_save edit(const char *members)
{
    struct lms_record r = get_record(hownow(), "job-roles", "ID-9243", "hownow/job_role_detail.json");
    json_t *saved = json_deep_copy(r.doc), *changes = json_of(members);
    json_object_update(saved, changes);
    struct try_save t = try_save(hownow(), "job-roles", NULL, "9243", r.doc, r.doc, saved);
    json_decref(changes);
    json_decref(saved);
    lms_record_release(&r);
    return t;
}

static void edit_sends(const char *members, const char *first, const char *second, int line)
{
    struct try_save t = edit(members);
    if (t.rc || t.plan.n != (second ? 2 : 1))
        fail_msg("line %d: %s \"%s\", %zu requests", line, err_name(t.rc), t.e.text, t.plan.n);
    for (size_t i = 0; i < t.plan.n; i++) {
        assert_request(&t.plan.steps[i], HTTP_PUT, "/external/v1/job_roles/ID-9243");
        assert_json_at(body_of(&t.plan.steps[i]), json_of(i ? second : first), __FILE__, line);
    }
    try_release(&t);
}

static void edit_refused(const char *members, const char *reason, int line)
{
    struct try_save t = edit(members);
    if (t.rc != -EINVAL || !strstr(t.e.text, reason))
        fail_msg("line %d: %s \"%s\", not \"%s\"", line, err_name(t.rc), t.e.text, reason);
    assert_int_equal(t.plan.n, 0);
    try_release(&t);
}
#define assert_refused(members, reason) edit_refused(members, reason, __LINE__)

static void test_saving_what_is_there_sends_nothing(void **state)
{
    (void)state;
    struct try_save t = edit("{}");
    assert_ok(t.rc, t.e);
    assert_int_equal(json_object_size(t.delta), 0);
    assert_int_equal(t.plan.n, 0);
    try_release(&t);
}

static void test_an_update_says_what_to_add_and_what_to_remove(void **state)
{
    (void)state;
    edit_sends("{'description':'Updated description'}", "{'description':'Updated description'}", NULL, __LINE__);
    edit_sends(
        "{'description':'Updated description','skills':[{'skill_id':'ID-42','target_rating':1},{'skill_id':'ID-5556','"
        "target_rating':4}]}",
        "{'description':'Updated description','add_skills':[{'skill_id':'ID-5556','target_rating':4}],'remove_skills':"
        "['ID-5548']}",
        NULL, __LINE__);
    edit_sends("{'skills':[]}", "{'remove_skills':['ID-5548','ID-42']}", NULL, __LINE__);
    edit_sends("{'skills':null}", "{'remove_skills':['ID-5548','ID-42']}", NULL, __LINE__);
    edit_sends("{'skills':[{'skill_id':'ID-42','target_rating':1},{'skill_id':'EXT-s','target_rating':4},{'skill_id':'"
               "ID-5548',"
               "'target_rating':4}]}",
               "{'add_skills':[{'skill_id':'EXT-s','target_rating':4}]}", NULL, __LINE__);
}

static void test_another_rating_takes_off_and_puts_on(void **state)
{
    (void)state;
    edit_sends("{'skills':[{'skill_id':'ID-5548','target_rating':5},{'skill_id':'ID-42','target_rating':1}]}",
               "{'remove_skills':['ID-5548']}", "{'add_skills':[{'skill_id':'ID-5548','target_rating':5}]}", __LINE__);
    /* What can be refused goes first, so that a refusal takes nothing off. */
    edit_sends(
        "{'description':'x','skills':[{'skill_id':'ID-5548','target_rating':5},{'skill_id':'ID-7','target_rating':1}]}",
        "{'description':'x','add_skills':[{'skill_id':'ID-7','target_rating':1}],'remove_skills':['ID-42','ID-5548']}",
        "{'add_skills':[{'skill_id':'ID-5548','target_rating':5}]}", __LINE__);
}

static struct try_save edit_of(const char *file, const char *key, const char *members)
{
    char stem[32];
    snprintf(stem, sizeof stem, "ID-%s", key);
    struct lms_record r = get_record(hownow(), "job-roles", stem, file);
    json_t *saved = json_deep_copy(r.doc), *changes = json_of(members);
    json_object_update(saved, changes);
    struct try_save t = try_save(hownow(), "job-roles", NULL, key, r.doc, r.doc, saved);
    json_decref(changes);
    json_decref(saved);
    lms_record_release(&r);
    return t;
}

static void test_a_skill_may_be_named_by_its_external_id(void **state)
{
    (void)state;
    /* ID-15882 is EXT-skill-001: the same skill, whatever it is called. */
    struct try_save t = edit_of("hownow/job_role_created.json", "10826",
                                "{'skills':[{'skill_id':'ID-5549','target_rating':5},{'skill_id':'EXT-skill-001','"
                                "target_rating':3}]}");
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 0);
    try_release(&t);
    t = edit_of("hownow/job_role_created.json", "10826",
                "{'skills':[{'skill_id':'ID-5549','target_rating':5},{'skill_id':'EXT-skill-001','target_rating':1}]}");
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 2);
    assert_json(body_of(&t.plan.steps[0]), "{'remove_skills':['ID-15882']}");
    assert_json(body_of(&t.plan.steps[1]), "{'add_skills':[{'skill_id':'ID-15882','target_rating':1}]}");
    try_release(&t);
    t = edit_of(
        "hownow/job_role_created.json", "10826",
        "{'skills':[{'skill_id':'ID-15882','target_rating':3},{'skill_id':'EXT-skill-001','target_rating':1}]}");
    assert_int_equal(t.rc, -EINVAL);
    assert_contains(t.e.text, "twice");
    try_release(&t);
}

static void test_what_an_update_cannot_do(void **state)
{
    (void)state;
    assert_refused("{'name':'B'}", "name can't change");
    assert_refused("{'external_id':'JR-002'}", "external_id can't change");
    assert_refused("{'external_id':null}", "external_id can't be cleared");
    assert_refused("{'skills':[{'skill_id':'ID-42','target_rating':9}]}", "from 1 to 5");
    assert_refused("{'skills':[{'skill_id':'42','target_rating':1}]}", "skill_id must be");
    json_t *base = json_of("{'name':'A','description':'x','skills':[],'_readonly':{'id':5,'complete':true}}"),
           *merged = json_of("{'name':'A','description':null,'skills':[]}"), *changed = json_of("['description']");
    struct lms_save s = {.key = "5", .base = base, .merged = merged, .changed = changed};
    struct lms_plan plan;
    struct err e;
    assert_int_equal(hownow()->save(roles(), &s, &plan, &e), -EINVAL);
    assert_string_equal(e.text, "HowNow documents no way to clear description");
    json_array_clear(changed);
    json_array_append_new(changed, json_string("name"));
    assert_int_equal(hownow()->save(roles(), &s, &plan, &e), -EINVAL);
    json_decref(base);
    json_decref(merged);
    json_decref(changed);
}

static void test_an_edit_of_skills_needs_the_detail(void **state)
{
    (void)state;
    json_t *base = json_of("{'name':'A','description':null,'_readonly':{'id':5,'complete':false}}"),
           *merged = json_of("{'name':'A','description':null,'skills':[{'skill_id':'ID-1','target_rating':1}]}"),
           *changed = json_of("['skills']");
    struct lms_save s = {.key = "5", .base = base, .merged = merged, .changed = changed};
    struct lms_plan plan;
    struct err e;
    assert_int_equal(hownow()->save(roles(), &s, &plan, &e), -EAGAIN);
    json_decref(base);
    json_decref(merged);
    json_decref(changed);
}

static void test_more_than_thirty_may_get_fewer_and_not_more(void **state)
{
    (void)state;
    json_t *base =
        json_pack("{s:s,s:o,s:{s:i,s:b}}", "name", "A", "skills", skills_of(35), "_readonly", "id", 5, "complete", 1);
    json_t *saved = json_deep_copy(base);
    json_array_remove(json_object_get(saved, "skills"), 0);
    struct try_save t = try_save(hownow(), "job-roles", NULL, "5", base, base, saved);
    assert_ok(t.rc, t.e);
    assert_json(body_of(&t.plan.steps[0]), "{'remove_skills':['ID-1']}");
    try_release(&t);
    json_array_append_new(json_object_get(saved, "skills"), json_of("{'skill_id':'ID-99','target_rating':1}"));
    t = try_save(hownow(), "job-roles", NULL, "5", base, base, saved);
    assert_int_equal(t.rc, -EINVAL);
    assert_contains(t.e.text, "at most 30");
    try_release(&t);
    json_decref(saved);
    json_decref(base);
}

static void test_the_reply_to_an_update_is_the_whole_role(void **state)
{
    struct lms_verdict v;
    struct err e;
    struct lms_save s = {.key = "3991"};
    struct http_reply r = reply_data(200, "hownow/job_role_updated.json");
    (void)state;
    assert_ok(hownow()->saved(roles(), &s, 0, &r, &v, &e), e);
    assert_true(v.record_is_detail);
    assert_json(json_incref(json_object_get(v.record.doc, "description")), "'Updated description'");
    lms_verdict_release(&v);
    s.key = "3992";
    assert_int_equal(hownow()->saved(roles(), &s, 0, &r, &v, &e), -EPROTO);
    http_reply_release(&r);
}

static void test_refusals_are_in_the_vendors_words(void **state)
{
    static const struct {
        const char *file;
        int status, rc;
        const char *words;
    } cases[] = {
        {"hownow/job_role_missing_name.json", 400, -EINVAL, "Name is required"},
        {"hownow/job_role_not_admin.json", 403, -EACCES, "You are not authorized to perform this action"},
        {"hownow/job_role_not_found.json", 404, -ENOENT, "Job role not found"},
    };
    struct lms_verdict v;
    struct err e;
    struct lms_save s = {.key = "5"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_reply r = reply_data(cases[i].status, cases[i].file);
        assert_int_equal(hownow()->saved(roles(), &s, 0, &r, &v, &e), cases[i].rc);
        assert_string_equal(e.text, cases[i].words);
        http_reply_release(&r);
    }
}

/* ------------------------------------------------------------------ deleting */

static void test_a_role_is_deleted_and_never_deactivated(void **state)
{
    struct http_request r;
    struct err e;
    (void)state;
    assert_ok(hownow()->change_request(
                  roles(), &(struct lms_change){.key = "10826", .op = LMS_OP_DELETE, .successor = "ID-1"}, &r, &e),
              e);
    assert_request(&r, HTTP_DELETE, "/external/v1/job_roles/ID-10826");
    assert_null(r.body); /* nobody succeeds a job role */
    http_request_release(&r);
    assert_int_equal(
        hownow()->change_request(roles(), &(struct lms_change){.key = "10826", .op = LMS_OP_DEACTIVATE}, &r, &e), -EPERM);
    assert_int_equal(
        hownow()->change_request(roles(), &(struct lms_change){.key = "../users/ID-1", .op = LMS_OP_DELETE}, &r, &e),
        -EINVAL);
    assert_int_equal(hownow()->change_request(lms_collection(hownow(), "skills"),
                                              &(struct lms_change){.key = "5", .op = LMS_OP_DELETE}, &r, &e),
                     -EPERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_skills_are_shown_as_they_are_written),
        cmocka_unit_test(test_a_list_row_has_no_skills),
        cmocka_unit_test(test_skills_that_are_none_are_named),
        cmocka_unit_test(test_the_vendors_example_is_what_new_json_sends),
        cmocka_unit_test(test_what_cannot_be_created),
        cmocka_unit_test(test_a_role_has_at_most_thirty_skills),
        cmocka_unit_test(test_the_files_name_gives_the_external_id),
        cmocka_unit_test(test_saving_what_is_there_sends_nothing),
        cmocka_unit_test(test_an_update_says_what_to_add_and_what_to_remove),
        cmocka_unit_test(test_another_rating_takes_off_and_puts_on),
        cmocka_unit_test(test_a_skill_may_be_named_by_its_external_id),
        cmocka_unit_test(test_what_an_update_cannot_do),
        cmocka_unit_test(test_an_edit_of_skills_needs_the_detail),
        cmocka_unit_test(test_more_than_thirty_may_get_fewer_and_not_more),
        cmocka_unit_test(test_the_reply_to_an_update_is_the_whole_role),
        cmocka_unit_test(test_refusals_are_in_the_vendors_words),
        cmocka_unit_test(test_a_role_is_deleted_and_never_deactivated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
