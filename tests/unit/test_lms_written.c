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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_study_item_is_its_path),
        cmocka_unit_test(test_removing_it_names_the_same_portal),
        cmocka_unit_test(test_an_invitation_and_its_reply),
        cmocka_unit_test(test_an_attempt_is_as_it_came_without_its_signature),
        cmocka_unit_test(test_a_learning_record_is_sent_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
