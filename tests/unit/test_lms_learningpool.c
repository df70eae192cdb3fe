/* Learning Pool: credentials, saves, changes of status. The requests and replies are the vendor's examples with invented people in
 * them. */
#include "test_lms_support.h"

static const struct lms_provider *pool(void)
{
    return lms_provider("learningpool");
}

static const struct lms_collection *find(const char *name)
{
    return lms_collection(pool(), name);
}

/* ------------------------------------------------------------------ credentials */

static void test_every_request_carries_key_and_tenant_and_there_is_no_login(void **state)
{
    struct lms_account a = {.api_key = "geheim", .tenant_id = "73c9ac34-bc35-4c17-b60f-8ec0b134a72b"};
    struct http_request r = {0};
    (void)state;
    assert_null(pool()->token_request);
    assert_int_equal(pool()->authorize(&a, NULL, &r), 0);
    assert_int_equal(r.headers_n, 2);
    assert_string_equal(r.headers[0].name, "x-api-key");
    assert_string_equal(r.headers[0].value, "geheim");
    assert_string_equal(r.headers[1].name, "x-tenant-id");
    assert_string_equal(r.headers[1].value, "73c9ac34-bc35-4c17-b60f-8ec0b134a72b");
    http_request_release(&r);
}

static int checked(int status, const char *body, struct err *e)
{
    struct http_reply r = reply_of(status, body);
    *e = (struct err){0};
    int rc = pool()->check_reply(&r, e);
    http_reply_release(&r);
    return rc;
}

static void test_credentials_are_good_when_the_request_that_never_was_is_not_found(void **state)
{
    struct http_request r;
    struct err e;
    (void)state;
    assert_ok(pool()->check_request(NULL, &r, &e), e);
    assert_request(&r, HTTP_GET, "/progress-status/00000000-0000-0000-0000-000000000000");
    http_request_release(&r);
    assert_int_equal(checked(404, "{\"message\":\"Not Found\"}", &e), 0);
    assert_int_equal(checked(400, "{\"message\":\"no such request\"}", &e), 0);
    assert_int_equal(checked(200, "{\"statusCode\":1}", &e), 0);
    assert_int_equal(checked(403, "{\"message\":\"Forbidden\"}", &e), -EACCES);
    assert_string_equal(e.text, "Forbidden");
    assert_int_equal(checked(404, "<html>no such page</html>", &e), -EPROTO);
    assert_int_equal(checked(502, "", &e), -EIO);
}

static void test_nothing_can_be_read(void **state)
{
    struct http_request r;
    struct err e;
    (void)state;
    for (size_t i = 0; i < pool()->collections_n; i++) {
        const struct lms_collection *c = &pool()->collections[i];
        assert_int_equal(c->kind, LMS_WRITE_ONLY);
        assert_false(c->can & LMS_GET);
        assert_int_equal(pool()->list_request(c, NULL, 1, &r, &e), -ENOTSUP);
        assert_int_equal(pool()->get_request(c, NULL, "EXT-EMP204", &r, &e), -ENOTSUP);
    }
}

/* ------------------------------------------------------------------ the vendor's examples */

/* All of a document as it would be saved for the first time. */
static struct try_save create(const char *collection, const char *parent, const char *name, const json_t *saved)
{
    struct try_save t = {0};
    const struct lms_collection *c = find(collection);
    t.rc = doc_check(c, saved, true, "2026-03-01", &t.e);
    t.merged = json_deep_copy(saved);
    t.changed = json_array();
    const char *key;
    json_t *value;
    json_object_foreach(t.merged, key, value)
    {
        json_array_append_new(t.changed, json_string(key));
    }
    struct lms_save s = {.parent_key = parent,
                         .ext = c->ext_prefix ? name : NULL,
                         .name = c->plain_names ? name : NULL,
                         .merged = t.merged,
                         .changed = t.changed};
    if (!t.rc)
        t.rc = pool()->save(c, &s, &t.plan, &t.e);
    return t;
}

static void assert_one_step(struct try_save *t, enum http_method method, const char *path, json_t *body, int line)
{
    if (t->rc || t->plan.n != 1)
        fail_msg("line %d: %s \"%s\", %zu requests", line, err_name(t->rc), t->e.text, t->plan.n);
    assert_request(&t->plan.steps[0], method, path);
    assert_true(t->plan.steps[0].idempotent);
    json_t *sent = body_of(&t->plan.steps[0]);
    if (!doc_equal(sent, body)) {
        char *a = printed(sent), *b = printed(body);
        fail_msg("line %d: %s is sent, not %s", line, a, b);
    }
    json_decref(sent);
    json_decref(body);
    try_release(t);
}

static void creates(const char *collection, const char *parent, const char *name, const char *file, const char *path,
                    int line)
{
    json_t *doc = json_data(file);
    struct try_save t = create(collection, parent, name, doc);
    assert_one_step(&t, HTTP_POST, path, doc, line);
}

/* The vendor's update of a record of which nothing else is known. */
static void updates(const char *collection, const char *parent, const char *key, const char *file, const char *path,
                    int line)
{
    json_t *doc = json_data(file), *known = json_object();
    struct try_save t = try_save(pool(), collection, parent, key, known, known, doc);
    json_decref(known);
    assert_one_step(&t, HTTP_PATCH, path, doc, line);
}

static void test_creates_are_the_vendors_examples(void **state)
{
    (void)state;
    creates("users", NULL, "EMP4711", "learningpool/user_create_request.json", "/users", __LINE__);
    creates("job-assignments", "EMP1", "J123", "learningpool/assignment_create_request.json",
            "/users/EMP1/job-assignment", __LINE__);
    creates("organisation-levels", "OF1", "EGY1", "learningpool/organisation_create_request.json",
            "/organisation-framework/OF1/organisation-level", __LINE__);
    creates("position-levels", "test 1", "ENG", "learningpool/position_create_request.json",
            "/position-framework/test%201/position-level", __LINE__);
}

static void test_updates_are_the_vendors_examples(void **state)
{
    (void)state;
    updates("users", NULL, "EMP/204", "learningpool/user_update_request.json", "/users/EMP%2F204", __LINE__);
    updates("job-assignments", "EMP1", "J123", "learningpool/assignment_update_request.json",
            "/users/EMP1/job-assignment/J123", __LINE__);
    updates("organisation-levels", "OF1", "EGY1", "learningpool/organisation_update_request.json",
            "/organisation-framework/OF1/organisation-level/EGY1", __LINE__);
    updates("position-levels", "test1", "ENG", "learningpool/position_update_request.json",
            "/position-framework/test1/position-level/ENG", __LINE__);
}

static void test_ids_that_the_path_says_need_not_stand_in_the_document(void **state)
{
    (void)state;
    json_t *doc = json_of("{'jobAssignmentName':'cook'}");
    struct try_save t = create("job-assignments", "EMP1", "J9", doc);
    json_decref(doc);
    assert_one_step(&t, HTTP_POST, "/users/EMP1/job-assignment",
                    json_of("{'jobAssignmentId':'J9','jobAssignmentName':'cook'}"), __LINE__);
    doc = json_of("{'levelName':'Leeds'}");
    t = create("organisation-levels", "OF1", "LDS", doc);
    json_decref(doc);
    assert_one_step(&t, HTTP_POST, "/organisation-framework/OF1/organisation-level",
                    json_of("{'levelId':'LDS','levelName':'Leeds'}"), __LINE__);
}

/* ------------------------------------------------------------------ edits */

#define USER                                                                                                  \
    "{'userId':'EMP204','username':'ada.fenn','firstName':'Ada','lastName':'Fenn','email':'ada@example.org'," \
    "'customFields':[{'id':'city','value':'derry'},{'id':'hired','value':'2021-03-31T15:22:08Z'}],'country':'BHR'}"
#define ASSIGNMENT "{'jobAssignmentName':'cook','managerId':'EMP1','startDate':'2024-01-02 08:00:00'}"
#define LEVEL      "{'levelId':'LDS','levelName':'Leeds','parentId':'UK'}"

/* Saves `edit` (members replace, "-" removes) of `was`, which is shown as lmsfs shows it. */
static struct try_save edit_of(const char *collection, const char *parent, const char *key, const char *was,
                               const char *members)
{
    const struct lms_collection *c = find(collection);
    json_t *base = json_of(was), *changes = json_of(members), *value;
    const char *name;
    assert_int_equal(doc_finish(c, base, true), 0);
    json_t *saved = json_deep_copy(base);
    json_object_foreach(changes, name, value)
    {
        if (json_is_string(value) && !strcmp(json_string_value(value), "-"))
            json_object_del(saved, name);
        else
            json_object_set(saved, name, value);
    }
    struct try_save t = try_save(pool(), collection, parent, key, base, base, saved);
    json_decref(changes);
    json_decref(saved);
    json_decref(base);
    return t;
}

static void test_an_update_carries_what_changed_and_nothing_else(void **state)
{
    (void)state;
    struct try_save t = edit_of("users", NULL, "EMP204", USER, "{'lastName':'Fenwick'}");
    assert_one_step(&t, HTTP_PATCH, "/users/EMP204", json_of("{'lastName':'Fenwick'}"), __LINE__);
    t = edit_of("job-assignments", "EMP204", "J1", ASSIGNMENT, "{'managerId':'EMP2'}");
    assert_one_step(&t, HTTP_PATCH, "/users/EMP204/job-assignment/J1", json_of("{'managerId':'EMP2'}"), __LINE__);
    t = edit_of("users", NULL, "EMP204", USER, "{}");
    assert_int_equal(t.rc, 0);
    assert_int_equal(t.plan.n, 0);
    try_release(&t);
}

/* The API doesn't say whether it keeps the fields that aren't sent: so all that are known go. */
static void test_a_changed_custom_field_goes_with_the_others(void **state)
{
    (void)state;
    struct try_save t = edit_of("users", NULL, "EMP204", USER,
                                "{'customFields':[{'id':'city','value':'leeds'},"
                                "{'id':'hired','value':'2021-03-31T15:22:08Z'}]}");
    assert_one_step(&t, HTTP_PATCH, "/users/EMP204",
                    json_of("{'customFields':[{'id':'city','value':'leeds'},"
                            "{'id':'hired','value':'2021-03-31T15:22:08Z'}]}"),
                    __LINE__);
}

/* Trap: the vendor's examples clear with an empty text, and only these. */
static void test_what_can_be_cleared_is_sent_empty(void **state)
{
    (void)state;
    struct try_save t = edit_of("job-assignments", "EMP204", "J1", ASSIGNMENT, "{'startDate':'-'}");
    assert_one_step(&t, HTTP_PATCH, "/users/EMP204/job-assignment/J1", json_of("{'startDate':''}"), __LINE__);
    t = edit_of("organisation-levels", "OF1", "LDS", LEVEL, "{'parentId':'-'}");
    assert_one_step(&t, HTTP_PATCH, "/organisation-framework/OF1/organisation-level/LDS", json_of("{'parentId':''}"),
                    __LINE__);
}

static void refused(struct try_save t, const char *reason, int line)
{
    if (t.rc != -EINVAL || !strstr(t.e.text, reason))
        fail_msg("line %d: %s \"%s\", not \"%s\"", line, err_name(t.rc), t.e.text, reason);
    assert_int_equal(t.plan.n, 0);
    try_release(&t);
}

static void test_what_can_not_be_is_refused_and_named(void **state)
{
    static const struct {
        const char *members, *reason;
    } cases[] = {
        {"{'userId':'EMP205'}", "userId can't change"},
        {"{'username':'ada.fenwick'}", "username can't change"},
        {"{'country':'-'}", "country can't be cleared"},
        {"{'country':'Bahrain'}", "country isn't of the form"},
        {"{'country':'bhr'}", "country isn't of the form"},
        {"{'email':'nobody'}", "email"},
        {"{'firstName':''}", "firstName can't be empty"},
        {"{'timezone':'Europe / London'}", "timezone"},
        {"{'viewProfile':'yes'}", "viewProfile must be true or false"},
        {"{'password':'x'}", "password is not a field"},
        {"{'customFields':[{'id':'city','value':'derry'}]}", "customFields.hired can't be removed"},
        {"{'customFields':'-'}", "customFields.city can't be removed"},
        {"{'customFields':[{'id':'city','value':'derry'},{'id':'hired','value':'x'},{'value':'y'}]}", "has no id"},
        {"{'customFields':[{'id':'city','value':['a']},{'id':'hired','value':'x'}]}", "customFields.city: value"},
        {"{'customFields':[{'id':'city','value':'a','more':1},{'id':'hired','value':'x'}]}", "and nothing else"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(edit_of("users", NULL, "EMP204", USER, cases[i].members), cases[i].reason, (int)i);
    refused(edit_of("job-assignments", "EMP204", "J1", ASSIGNMENT, "{'managerId':'-'}"), "managerId can't be cleared",
            __LINE__);
    refused(edit_of("job-assignments", "EMP204", "J1", ASSIGNMENT, "{'jobAssignmentId':'J2'}"), "jobAssignmentId",
            __LINE__);
    refused(edit_of("organisation-levels", "OF1", "LDS", LEVEL, "{'levelId':'YRK'}"), "levelId can't change", __LINE__);
    refused(edit_of("organisation-levels", "OF1", "LDS", LEVEL, "{'customFields':[{'id':'a'}]}"), "value must be",
            __LINE__);
    refused(edit_of("job-assignments", "EMP204", "..", ASSIGNMENT, "{'managerId':'EMP2'}"), "can't be the id", __LINE__);
}

/* Trap: dates are YYYY-MM-DD HH:MM:SS, and an expiry past 2037 doesn't work. */
static void test_trap_dates_have_one_form_and_an_expiry_ends_with_2037(void **state)
{
    static const char *const wrong[] = {"2027-01-31",           "2027-01-31T15:22:08Z", "2027-01-31 15:22",
                                        "2027-02-30 15:22:08",  "2027-01-31 24:00:00",  "2027-01-31 15:60:00",
                                        "2027-01-31 15:22:08 ", "31.01.2027 15:22:08",  "2027-01-31 1:22:08pm",
                                        "2027-01-31 +1:22:08",  "2027-01-31 15-22-08",  ""};
    char members[128];
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(members, sizeof members, "{'expiresAt':'%s'}", wrong[i]);
        refused(edit_of("users", NULL, "EMP204", USER, members), "YYYY-MM-DD HH:MM:SS", (int)i);
    }
    struct try_save t = edit_of("users", NULL, "EMP204", USER, "{'expiresAt':'2037-12-31 23:59:59'}");
    assert_one_step(&t, HTTP_PATCH, "/users/EMP204", json_of("{'expiresAt':'2037-12-31 23:59:59'}"), __LINE__);
    refused(edit_of("users", NULL, "EMP204", USER, "{'expiresAt':'2038-01-01 00:00:00'}"), "past the year 2037",
            __LINE__);
    t = edit_of("job-assignments", "EMP204", "J1", ASSIGNMENT, "{'endDate':'2040-01-01 00:00:00'}");
    assert_one_step(&t, HTTP_PATCH, "/users/EMP204/job-assignment/J1", json_of("{'endDate':'2040-01-01 00:00:00'}"),
                    __LINE__);
}

static void test_a_create_needs_what_the_api_needs_and_no_other_id(void **state)
{
    static const struct {
        const char *collection, *parent, *name, *doc, *reason;
    } cases[] = {
        {"users", NULL, "EMP1", "{'userId':'EMP1','firstName':'A','lastName':'B','email':'a@example.org'}", "username"},
        {"users", NULL, "EMP1",
         "{'userId':'EMP2','username':'ab','firstName':'A','lastName':'B','email':'a@example.org'}", "file's name"},
        {"users", NULL, "..",
         "{'userId':'..','username':'ab','firstName':'A','lastName':'B','email':'a@example.org','orgRef':5}", "orgRef"},
        {"job-assignments", "EMP1", "J1", "{'managerId':'EMP2'}", "jobAssignmentName is missing"},
        {"job-assignments", NULL, "J1", "{'jobAssignmentName':'cook'}", "belong to something"},
        {"job-assignments", "EMP1", "J1", "{'jobAssignmentName':'cook','jobAssignmentId':'J2'}", "file's name says J1"},
        {"job-assignments", "EMP1", "J1", "{'jobAssignmentName':'cook','startDate':'2024-01-02'}", "startDate must be"},
        {"position-levels", "PF1", "ENG", "{'levelName':'Engineer','levelId':'X'}", "file's name says ENG"},
        {"position-levels", "PF1", "ENG", "{'levelName':'Engineer','customFields':[]}", "customFields is not a field"},
        {"position-levels", "PF1", NULL, "{'levelName':'Engineer'}", "levelId is missing"},
        {"position-levels", "..", "ENG", "{'levelName':'Engineer'}", "can't be the id"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *doc = json_of(cases[i].doc);
        refused(create(cases[i].collection, cases[i].parent, cases[i].name, doc), cases[i].reason, (int)i);
        json_decref(doc);
    }
}

/* L6: what was removed is given its status back first, for what is DELETED can't be changed. */
static void test_saving_a_removed_one_makes_it_active_and_then_changes_it(void **state)
{
    struct lms_plan plan;
    struct err e = {0};
    json_t *merged = json_of("{'jobAssignmentName':'chef','managerId':'EMP1'}"), *base = json_of(ASSIGNMENT),
           *changed = json_of("['jobAssignmentName']");
    struct lms_save s = {.parent_key = "EMP204",
                         .key = "J1",
                         .name = "J1",
                         .removed = true,
                         .base = base,
                         .merged = merged,
                         .changed = changed};
    (void)state;
    assert_ok(pool()->save(find("job-assignments"), &s, &plan, &e), e);
    assert_int_equal(plan.n, 2);
    assert_request(&plan.steps[0], HTTP_PATCH, "/users/EMP204/job-assignment/J1/status");
    assert_json(body_of(&plan.steps[0]), "{'status':'ACTIVE'}");
    assert_request(&plan.steps[1], HTTP_PATCH, "/users/EMP204/job-assignment/J1");
    assert_json(body_of(&plan.steps[1]), "{'jobAssignmentName':'chef'}");
    lms_plan_release(&plan);
    json_array_clear(changed);
    assert_ok(pool()->save(find("job-assignments"), &s, &plan, &e), e);
    assert_int_equal(plan.n, 1); /* unchanged: the status alone */
    lms_plan_release(&plan);

    struct lms_verdict v;
    struct http_reply r = reply_of(200, "");
    assert_ok(pool()->saved(find("job-assignments"), &s, 0, &r, &v, &e), e);
    assert_null(v.job_id); /* trap: an empty reply, nothing to poll */
    lms_verdict_release(&v);
    assert_int_equal(pool()->saved(find("job-assignments"), &s, 1, &r, &v, &e), -EPROTO);
    http_reply_release(&r);
    json_decref(merged);
    json_decref(base);
    json_decref(changed);
}

/* ------------------------------------------------------------------ changes of status */

static void test_removals_and_their_taking_back_are_a_status(void **state)
{
    struct http_request r;
    struct err e = {0};
    struct lms_change ch = {.op = LMS_OP_DEACTIVATE, .key = "EMP204", .ext = "EMP204", .successor = "EXT-EMP1"};
    (void)state;
    assert_ok(pool()->change_request(find("users"), &ch, &r, &e), e);
    assert_request(&r, HTTP_PATCH, "/users/EMP204/status"); /* trap: the collection prints /{user-id}/status */
    assert_json_is(body_of(&r), json_data("learningpool/user_status_request.json"));
    assert_true(r.idempotent);
    http_request_release(&r);
    ch.op = LMS_OP_REACTIVATE;
    assert_ok(pool()->change_request(find("users"), &ch, &r, &e), e);
    assert_json(body_of(&r), "{'status':'ACTIVE'}");
    http_request_release(&r);
    ch = (struct lms_change){.op = LMS_OP_DEACTIVATE, .parent_key = "123", .key = "456"};
    assert_ok(pool()->change_request(find("job-assignments"), &ch, &r, &e), e);
    assert_request(&r, HTTP_PATCH, "/users/123/job-assignment/456/status");
    http_request_release(&r);
    ch.parent_key = NULL;
    assert_int_equal(pool()->change_request(find("job-assignments"), &ch, &r, &e), -EINVAL);
    ch = (struct lms_change){.op = LMS_OP_DELETE, .key = "EMP204"};
    assert_int_equal(pool()->change_request(find("users"), &ch, &r, &e), -EPERM);
    assert_contains(e.text, "for good");
    ch = (struct lms_change){.op = LMS_OP_DEACTIVATE, .parent_key = "OF1", .key = "LDS"};
    assert_int_equal(pool()->change_request(find("organisation-levels"), &ch, &r, &e), -EPERM);
    assert_contains(e.text, "no way to remove");
    assert_null(pool()->change_reply); /* a 2xx says it all: there is no requestId to ask by */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_request_carries_key_and_tenant_and_there_is_no_login),
        cmocka_unit_test(test_credentials_are_good_when_the_request_that_never_was_is_not_found),
        cmocka_unit_test(test_nothing_can_be_read),
        cmocka_unit_test(test_creates_are_the_vendors_examples),
        cmocka_unit_test(test_updates_are_the_vendors_examples),
        cmocka_unit_test(test_ids_that_the_path_says_need_not_stand_in_the_document),
        cmocka_unit_test(test_an_update_carries_what_changed_and_nothing_else),
        cmocka_unit_test(test_a_changed_custom_field_goes_with_the_others),
        cmocka_unit_test(test_what_can_be_cleared_is_sent_empty),
        cmocka_unit_test(test_what_can_not_be_is_refused_and_named),
        cmocka_unit_test(test_trap_dates_have_one_form_and_an_expiry_ends_with_2037),
        cmocka_unit_test(test_a_create_needs_what_the_api_needs_and_no_other_id),
        cmocka_unit_test(test_saving_a_removed_one_makes_it_active_and_then_changes_it),
        cmocka_unit_test(test_removals_and_their_taking_back_are_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
