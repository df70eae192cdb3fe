/* Synap and HowNow: what they only take, and what Synap tells by its id only. The requests are the vendors' own examples. */
#include "test_lms_support.h"

static struct lms_plan plan_of(const char *vendor, const char *collection, struct lms_save *s, const char *doc, int want)
{
    const struct lms_provider *p = lms_provider(vendor);
    struct lms_plan plan = {0};
    struct err e = {0};
    s->merged = json_of(doc);
    s->changed = json_array();
    int rc = p->save(lms_collection(p, collection), s, &plan, &e);
    if (rc != want)
        fail_msg("%s: %s \"%s\"", doc, err_name(rc), e.text);
    json_decref(s->merged);
    json_decref(s->changed);
    return plan;
}

static void test_a_study_item_is_its_path(void **state)
{
    struct lms_save s = {.parent_key = "ines@example.org", .name = "123Test123"};
    (void)state;
    struct lms_plan plan = plan_of("synap", "study-items", &s, "{'subPortalId':'123abc'}", 0);
    assert_int_equal(plan.n, 1);
    assert_request(&plan.steps[0], HTTP_POST, "/study-item/add");
    assert_false(plan.steps[0].idempotent);
    assert_json(body_of(&plan.steps[0]),
                "{'userEmail':'ines@example.org','testId':'123Test123','subPortalId':'123abc'}");
    lms_plan_release(&plan);
    plan = plan_of("synap", "study-items", &s, "{'testId':'another'}", -EINVAL);
    assert_int_equal(plan.n, 0);
    s.parent_key = "no address";
    plan = plan_of("synap", "study-items", &s, "{}", -EINVAL);
    assert_int_equal(plan.n, 0);
}

static void test_removing_it_names_the_same_portal(void **state)
{
    const struct lms_provider *p = lms_provider("synap");
    json_t *doc = json_of("{'subPortalId':'123abc'}");
    struct lms_change ch = {.op = LMS_OP_DELETE, .parent_key = "ines@example.org", .key = "123Test123", .doc = doc};
    struct http_request r;
    struct err e = {0};
    (void)state;
    assert_ok(p->change_request(lms_collection(p, "study-items"), &ch, &r, &e), e);
    assert_request(&r, HTTP_POST, "/study-item/remove");
    assert_json(body_of(&r), "{'userEmail':'ines@example.org','testId':'123Test123','subPortalId':'123abc'}");
    http_request_release(&r);
    assert_int_equal(p->change_request(lms_collection(p, "invitations"), &ch, &r, &e), -EPERM);
    json_decref(doc);
}

static void test_an_invitation_and_its_reply(void **state)
{
    const struct lms_provider *p = lms_provider("synap");
    struct lms_save s = {.parent_key = "ines@example.org", .name = "wB6WkTeDNz"};
    struct http_reply good = reply_of(200, "{\"message\":\"An invite has been sent to ines@example.org\",\"user\":"
                                           "{\"isNew\":true,\"name\":\"Ines Invented\"}}"),
                      html = reply_of(200, "<html>"), gone = reply_of(404, "{\"message\":\"Object Not Found\"}");
    struct lms_verdict v;
    struct err e = {0};
    (void)state;
    struct lms_plan plan =
        plan_of("synap", "invitations", &s, "{'name':'Ines Invented','personalMessage':'It is great to have you'}", 0);
    assert_request(&plan.steps[0], HTTP_POST, "/users/invite");
    assert_json(body_of(&plan.steps[0]), "{'userEmail':'ines@example.org','userGroupId':'wB6WkTeDNz','name':'Ines "
                                         "Invented','personalMessage':'It is great to have you'}");
    lms_plan_release(&plan);
    assert_ok(p->saved(lms_collection(p, "invitations"), &s, 0, &good, &v, &e), e);
    assert_null(v.job_id);
    lms_verdict_release(&v);
    assert_int_equal(p->saved(lms_collection(p, "invitations"), &s, 0, &html, &v, &e), -EPROTO);
    assert_int_equal(p->saved(lms_collection(p, "invitations"), &s, 0, &gone, &v, &e), -ENOENT);
    assert_contains(e.text, "Object Not Found");
    http_reply_release(&good);
    http_reply_release(&html);
    http_reply_release(&gone);
}

static void test_an_attempt_is_as_it_came_without_its_signature(void **state)
{
    const struct lms_provider *p = lms_provider("synap");
    struct http_reply r = reply_of(200,
                                   "{\"attempt\":{\"objectId\":\"ID12345678\",\"totalQuestions\":4,\"certificate\":{"
                                   "\"url\":\"https://files.example.com/c?Expires=1&Signature=abc\"}}}"),
                      other = reply_of(200, "{\"assignment\":7}");
    struct lms_record rec;
    struct err e = {0};
    (void)state;
    assert_ok(p->get_reply(lms_collection(p, "attempts"), NULL, "ID-ID12345678", &r, &rec, &e), e);
    assert_string_equal(rec.key, "ID12345678");
    assert_json(json_incref(rec.doc), "{'objectId':'ID12345678','totalQuestions':4,'certificate':{'url':"
                                      "'https://files.example.com/c'}}");
    lms_record_release(&rec);
    assert_int_equal(p->get_reply(lms_collection(p, "attempts"), NULL, "ID-another", &r, &rec, &e), -EPROTO);
    assert_int_equal(p->get_reply(lms_collection(p, "assignments"), NULL, "ID-1", &other, &rec, &e), -EPROTO);
    http_reply_release(&r);
    http_reply_release(&other);
}

static void test_a_learning_record_is_sent_whole(void **state)
{
    struct lms_save s = {.parent_key = "7", .parent_ext = "user_1", .name = "course_1", .key = "course_1"};
    (void)state;
    struct lms_plan plan =
        plan_of("hownow", "learning-records", &s,
                "{'provider':'Civil Service "
                "Learning','completion_percentage':20,'enrollment_date':'2025-06-15','time_spent':100}",
                0);
    assert_request(&plan.steps[0], HTTP_POST, "/external/v1/contents/engagement/upsert");
    assert_true(plan.steps[0].idempotent);
    assert_json(
        body_of(&plan.steps[0]),
        "{'external_user_id':'user_1','external_content_id':'course_1','provider':'Civil Service "
        "Learning','completion_percentage':20,'enrollment_date':'2025-06-15','completion_date':null,'time_spent':100}");
    lms_plan_release(&plan);
    plan = plan_of("hownow", "learning-records", &s, "{'completion_percentage':20}", -EINVAL);
    s.parent_ext = NULL; /* a person without an external id */
    plan = plan_of("hownow", "learning-records", &s, "{}", -EINVAL);
    assert_int_equal(plan.n, 0);
}

static const char *header_of(const struct http_request *r, const char *name)
{
    for (size_t i = 0; i < r->headers_n; i++)
        if (!strcmp(r->headers[i].name, name))
            return r->headers[i].value;
    return "";
}

static struct lms_plan reviews_plan(const char *before, const char *after, int want)
{
    struct lms_save s = {.name = "EXT-user_1", .key = "EXT-user_1", .base = json_of(before)};
    struct lms_plan plan = plan_of("hownow", "user-skills", &s, after, want);
    json_decref(s.base);
    return plan;
}

static void test_reviews_added_are_posted(void **state)
{
    (void)state;
    struct lms_plan plan = reviews_plan("{'skills':[{'skill_id':'EXT-a','proficiency_level':1}]}",
                                        "{'skills':[{'skill_id':'EXT-a','proficiency_level':1},{'external_skill_id':'a'"
                                        ",'proficiency_level':2,'reviewer_id':"
                                        "'EXT-b'},{'skill_id':'ID-5','proficiency_level':3,'reviewer_id':null}]}",
                                        0);
    assert_int_equal(plan.n, 1);
    assert_request(&plan.steps[0], HTTP_POST, "/external/v1/users/EXT-user_1/skills");
    assert_true(plan.steps[0].idempotent);
    assert_null(plan.reached);
    assert_string_equal(header_of(&plan.steps[0], "X-User-Id"), "");
    assert_json(body_of(&plan.steps[0]),
                "{'skills':[{'skill_id':'EXT-a','proficiency_level':2,'reviewer_id':'EXT-b'},{'skill_id':'ID-5',"
                "'proficiency_level':3}]}");
    lms_plan_release(&plan);
}

static void test_each_reviewers_removals_are_a_part(void **state)
{
    const char *all = "{'skills':[{'skill_id':'EXT-a','proficiency_level':1,'reviewer_id':'EXT-b'},{'skill_id':'EXT-a',"
                      "'proficiency_level':2},{'external_skill_id':'c','proficiency_level':3,'reviewer_id':'EXT-b'}]}";
    (void)state;
    struct lms_plan plan = reviews_plan(all, "{'skills':[]}", 0);
    assert_int_equal(plan.n, 1);
    assert_request(&plan.steps[0], HTTP_DELETE, "/external/v1/users/EXT-user_1/skills");
    assert_string_equal(header_of(&plan.steps[0], "X-User-Id"), "EXT-b");
    assert_json(body_of(&plan.steps[0]), "{'skills':[{'skill_id':'EXT-a','reviewer_id':'EXT-b'},{'skill_id':'EXT-c',"
                                         "'reviewer_id':'EXT-b'}]}");
    assert_json(json_incref(plan.reached), "{'skills':[{'skill_id':'EXT-a','proficiency_level':2}]}");
    lms_plan_release(&plan);
    plan = reviews_plan("{'skills':[{'skill_id':'EXT-a','proficiency_level':2}]}", "{}", 0);
    assert_string_equal(header_of(&plan.steps[0], "X-User-Id"), "EXT-user_1");
    assert_null(plan.reached);
    lms_plan_release(&plan);
    plan = reviews_plan(all, "{'skills':[{'skill_id':'EXT-d','proficiency_level':4}]}", 0);
    assert_request(&plan.steps[0], HTTP_POST, "/external/v1/users/EXT-user_1/skills");
    assert_int_equal(json_array_size(json_object_get(plan.reached, "skills")), 4);
    lms_plan_release(&plan);
}

static void test_what_is_no_review_is_refused(void **state)
{
    static const char *const bad[] = {
        "{'skills':[{'skill_id':'EXT-a'}]}",
        "{'skills':[{'skill_id':'EXT-a','proficiency_level':0}]}",
        "{'skills':[{'skill_id':'EXT-a','proficiency_level':6}]}",
        "{'skills':[{'skill_id':'EXT-a','proficiency_level':'3'}]}",
        "{'skills':[{'proficiency_level':3}]}",
        "{'skills':[{'skill_id':'EXT-a','external_skill_id':'b','proficiency_level':3}]}",
        "{'skills':[{'skill_id':'EXT-a','proficiency_level':3,'reviewer_id':7}]}",
        "{'skills':[{'skill_id':'EXT-a','proficiency_level':3,'level':3}]}",
        "{'skills':[{'skill_id':'EXT-a','proficiency_level':3,'reviewer_id':'x\\r\\ny: z'}]}",
        "{'skills':[{'skill_id':'EXT-a','proficiency_level':3},{'external_skill_id':'a','proficiency_level':4}]}",
        "{'skills':[{'skill_id':'EXT-a','proficiency_level':3,'reviewer_id':'EXT-user_1'}]}",
        "{'skills':[{'skill_id':'EXT-a','proficiency_level':3,'reviewer_id':'user_1'}]}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct lms_plan plan = reviews_plan("{}", bad[i], -EINVAL);
        assert_int_equal(plan.n, 0);
    }
    struct lms_plan same = reviews_plan("{'skills':[{'skill_id':'EXT-a','proficiency_level':2}]}",
                                        "{'skills':[{'external_skill_id':'a','proficiency_level':2}]}", 0);
    assert_int_equal(same.n, 0);
}

static void test_a_review_is_told_apart_by_skill_and_reviewer(void **state)
{
    const struct lms_collection *c = lms_collection(lms_provider("hownow"), "user-skills");
    json_t *base = json_of("{'skills':[{'skill_id':'EXT-a','proficiency_level':1},{'skill_id':'EXT-a',"
                           "'proficiency_level':2,'reviewer_id':'EXT-b'}],'_readonly':{}}"),
           *saved =
               json_of("{'skills':[{'external_skill_id':'a','proficiency_level':4,'reviewer_id':'b'}],'_readonly':{}}"),
           *delta, *merged, *changed;
    struct err e = {0};
    (void)state;
    assert_ok(doc_diff(c, base, saved, &delta, &e), e);
    assert_json(json_incref(delta), "{'keyed':{'skills':{'set':{'EXT-a by EXT-b':{'external_skill_id':'a',"
                                    "'proficiency_level':4,'reviewer_id':'b'}},'remove':['EXT-a']}}}");
    assert_ok(doc_apply(c, base, base, delta, &merged, &changed, &e), e);
    assert_json(json_incref(merged), "{'skills':[{'external_skill_id':'a','proficiency_level':4,'reviewer_id':'b'}]}");
    json_decref(base);
    json_decref(saved);
    json_decref(delta);
    json_decref(merged);
    json_decref(changed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_study_item_is_its_path),
        cmocka_unit_test(test_removing_it_names_the_same_portal),
        cmocka_unit_test(test_an_invitation_and_its_reply),
        cmocka_unit_test(test_an_attempt_is_as_it_came_without_its_signature),
        cmocka_unit_test(test_a_learning_record_is_sent_whole),
        cmocka_unit_test(test_reviews_added_are_posted),
        cmocka_unit_test(test_each_reviewers_removals_are_a_part),
        cmocka_unit_test(test_what_is_no_review_is_refused),
        cmocka_unit_test(test_a_review_is_told_apart_by_skill_and_reviewer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
