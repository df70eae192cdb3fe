/* HowNow: saves, and changes of state. */
#include "test_lms_support.h"

static const struct lms_provider *hownow(void)
{
    return lms_provider("hownow");
}

static const struct lms_collection *users(void)
{
    return lms_collection(hownow(), "users");
}

/* Saves `edit` (members replace, "-" removes) of the user whose detail is in tests/data. */
static struct try_save edit(const char *members)
{
    struct lms_record r = get_record(hownow(), "users", "ID-65728", "hownow/user_detail.json");
    json_t *saved = json_deep_copy(r.doc), *changes = json_of(members), *value;
    const char *key;
    json_object_foreach(changes, key, value)
    {
        if (json_is_string(value) && !strcmp(json_string_value(value), "-"))
            json_object_del(saved, key);
        else
            json_object_set(saved, key, value);
    }
    struct try_save t = try_save(hownow(), "users", NULL, "65728", r.doc, r.doc, saved);
    json_decref(changes);
    json_decref(saved);
    lms_record_release(&r);
    return t;
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

static void edit_sends(const char *members, const char *body, int line)
{
    struct try_save t = edit(members);
    if (t.rc || t.plan.n != 1)
        fail_msg("line %d: %s \"%s\", %zu requests", line, err_name(t.rc), t.e.text, t.plan.n);
    assert_request(&t.plan.steps[0], HTTP_POST, "/external/v1/users/upsert");
    assert_string_equal(t.plan.labels[0], "the user");
    assert_true(t.plan.steps[0].idempotent);
    assert_json_at(body_of(&t.plan.steps[0]), json_of(body), __FILE__, line);
    try_release(&t);
}

#define REQUIRED "'external_user_id':'lnd_1234','name':'Noor Lindqvist','email':'noor@example.org','user_type':'Admin'"
#define FIELDS                                                                                                     \
    "'custom_fields':[{'field_name':'FAIS_Accreditation','value':'No'},{'field_name':'Employee_Identity_Number','" \
    "value':''},"                                                                                                  \
    "{'field_name':'department','value':'Engineering'}]"

static void test_saving_what_is_there_sends_nothing(void **state)
{
    (void)state;
    struct try_save t = edit("{}");
    assert_ok(t.rc, t.e);
    assert_int_equal(json_object_size(t.delta), 0);
    assert_int_equal(t.plan.n, 0);
    try_release(&t);
}

static void test_one_upsert_has_the_required_the_changed_and_all_custom_fields(void **state)
{
    (void)state;
    edit_sends("{'user_type':'Manager'}",
               "{'external_user_id':'lnd_1234','name':'Noor "
               "Lindqvist','email':'noor@example.org','user_type':'Manager'," FIELDS "}",
               __LINE__);
    edit_sends("{'start_date':'2022-08-09','phone':'+44 1'}",
               "{" REQUIRED ",'start_date':'2022-08-09'," FIELDS ",'phone':'+44 1'}", __LINE__);
    edit_sends("{'manager_id':'EXT-boss'}", "{" REQUIRED ",'manager_id':'EXT-boss'," FIELDS "}", __LINE__);
    edit_sends("{'job_role':{'id':'EXT-role_1234','name':'Application Developer'}}",
               "{" REQUIRED ",'job_role':{'id':'EXT-role_1234','name':'Application Developer'}," FIELDS "}", __LINE__);
}

static void test_an_edit_that_starts_from_a_list_row_keeps_the_custom_fields(void **state)
{
    (void)state;
    struct lms_record detail = get_record(hownow(), "users", "ID-65728", "hownow/user_detail.json");
    struct http_reply reply = reply_data(200, "hownow/user_row.json");
    struct lms_page p;
    struct err e;
    assert_ok(hownow()->list_reply(users(), NULL, &reply, &p, &e), e);
    json_t *row = p.rows[0].doc;
    assert_int_equal(doc_finish(users(), row, false), 0);
    json_t *saved = json_deep_copy(row);
    json_object_set_new(saved, "user_type", json_string("Manager"));

    struct try_save t = try_save(hownow(), "users", NULL, "65728", row, detail.doc, saved);
    assert_ok(t.rc, t.e);
    assert_json(body_of(&t.plan.steps[0]), "{'external_user_id':'lnd_1234','name':'Noor "
                                           "Lindqvist','email':'noor@example.org','user_type':'Manager'," FIELDS "}");
    try_release(&t);

    /* And where nobody fetched the detail, nothing is sent at all. */
    t = try_save(hownow(), "users", NULL, "65728", row, row, saved);
    assert_int_equal(t.rc, -EAGAIN);
    assert_contains(t.e.text, "wipe the custom fields");
    try_release(&t);
    json_decref(saved);
    lms_page_release(&p);
    http_reply_release(&reply);
    lms_record_release(&detail);
}

static void test_custom_fields_replace_what_is_there(void **state)
{
    (void)state;
    edit_sends("{'custom_fields':[{'field_name':'department','value':'Sales'},{'field_name':'FAIS_Accreditation','"
               "value':'No'}]}",
               "{" REQUIRED ",'custom_fields':[{'field_name':'FAIS_Accreditation','value':'No'},{'field_name':'"
               "department','value':'Sales'}]}",
               __LINE__);
    edit_sends("{'custom_fields':'-'}", "{" REQUIRED ",'custom_fields':[]}", __LINE__);
    edit_sends("{'custom_fields':[]}", "{" REQUIRED ",'custom_fields':[]}", __LINE__);
    assert_refused("{'custom_fields':[{'field_name':'department'}]}",
                   "custom_fields.department: value must be a string");
    assert_refused("{'custom_fields':[{'field_name':'department','value':5}]}", "value must be a string");
    assert_refused("{'custom_fields':[{'field_name':'department','value':'a','values':'a'}]}",
                   "more than field_name and value");
    assert_refused("{'custom_fields':[{'field_name':7,'value':'a'}]}", "field_name");
}

static void test_custom_field_values_that_are_no_strings_stand_in_nobodys_way(void **state)
{
    (void)state;
    json_t *doc =
        json_of("{" REQUIRED ",'custom_fields':[{'field_name':'a','value':null},{'field_name':'b','value':['x']}],"
                "'_readonly':{'id':5,'complete':true}}");
    json_t *saved = json_deep_copy(doc);
    json_object_set_new(saved, "name", json_string("New"));
    struct try_save t = try_save(hownow(), "users", NULL, "5", doc, doc, saved);
    assert_ok(t.rc, t.e);
    assert_json(json_incref(json_object_get(t.merged, "custom_fields")),
                "[{'field_name':'a','value':null},{'field_name':'b','value':['x']}]");
    json_t *body = body_of(&t.plan.steps[0]);
    assert_json(json_incref(json_object_get(body, "custom_fields")),
                "[{'field_name':'a','value':''},{'field_name':'b','value':['x']}]");
    json_decref(body);
    try_release(&t);
    json_decref(doc);
    json_decref(saved);
}

static void test_what_hownow_cannot_clear_is_refused(void **state)
{
    (void)state;
    assert_refused("{'manager_id':'-'}", "manager_id can't be cleared");
    assert_refused("{'start_date':null}", "start_date can't be cleared");
    assert_refused("{'job_role':'-'}", "job_role can't be cleared");
    json_t *base = json_of("{'manager_id':'ID-5'}"), *merged = json_of("{" REQUIRED ",'manager_id':null}"),
           *changed = json_of("['manager_id']");
    struct lms_save s = {.key = "5", .base = base, .merged = merged, .changed = changed};
    struct lms_plan plan;
    struct err e;
    assert_int_equal(hownow()->save(users(), &s, &plan, &e), -EINVAL);
    assert_string_equal(e.text, "HowNow documents no way to clear manager_id");
    json_decref(base);
    json_decref(merged);
    json_decref(changed);
}

static void test_an_external_id_can_be_given_once_and_never_changed(void **state)
{
    (void)state;
    assert_refused("{'external_user_id':'other'}", "another person");
    assert_refused("{'external_user_id':null}", "external_user_id");

    json_t *doc = json_of("{'external_user_id':null,'name':'N','email':'n@example.org','user_type':'Admin','_readonly':"
                          "{'id':5,'complete':true}}");
    json_t *saved = json_deep_copy(doc);
    json_object_set_new(saved, "name", json_string("New"));
    struct try_save t = try_save(hownow(), "users", NULL, "5", doc, doc, saved);
    assert_int_equal(t.rc, -EINVAL);
    assert_contains(t.e.text, "external_user_id is missing: HowNow's upsert is keyed by it");
    try_release(&t);
    json_object_set_new(saved, "external_user_id", json_string("new-1"));
    t = try_save(hownow(), "users", NULL, "5", doc, doc, saved);
    assert_ok(t.rc, t.e);
    assert_json(body_of(&t.plan.steps[0]),
                "{'external_user_id':'new-1','name':'New','email':'n@example.org','user_type':'Admin'}");
    try_release(&t);
    json_decref(doc);
    json_decref(saved);
}

static void test_a_job_role_has_an_id_and_a_name(void **state)
{
    (void)state;
    assert_refused("{'job_role':{}}", "job_role needs an id or a name");
    assert_refused("{'job_role':{'id':'5'}}", "job_role.id");
    assert_refused("{'job_role':{'id':5}}", "job_role.id");
    assert_refused("{'job_role':{'name':5}}", "job_role.name");
    assert_refused("{'job_role':{'title':'x'}}", "job_role.title is unknown");
}

/* ------------------------------------------------------------------ creates */

static void creates(const char *file)
{
    json_t *saved = json_data(file);
    struct try_save t = try_save(hownow(), "users", NULL, NULL, NULL, NULL, saved);
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 1);
    json_t *body = body_of(&t.plan.steps[0]);
    assert_true(doc_equal(body, saved));
    json_decref(body);
    json_decref(saved);
    try_release(&t);
}

static void test_the_vendors_examples_are_what_a_new_file_sends(void **state)
{
    (void)state;
    creates("hownow/upsert_request.json");
    creates("hownow/upsert_smallest_request.json");
}

static void test_the_files_name_gives_the_external_id(void **state)
{
    json_t *merged =
        json_of("{'name':'N','email':'n@example.org','user_type':'admin','manager_id':null,'custom_fields':null}");
    json_t *changed = json_of("['name','email','user_type','manager_id','custom_fields']");
    struct lms_save s = {.ext = "e-1", .merged = merged, .changed = changed};
    struct lms_plan plan;
    struct err e;
    (void)state;
    assert_ok(hownow()->save(users(), &s, &plan, &e), e);
    assert_json(body_of(&plan.steps[0]),
                "{'external_user_id':'e-1','name':'N','email':'n@example.org','user_type':'admin'}");
    lms_plan_release(&plan);
    json_object_set_new(merged, "external_user_id", json_string("e-2"));
    assert_int_equal(hownow()->save(users(), &s, &plan, &e), -EINVAL);
    assert_contains(e.text, "e-2, but the file's name says e-1");
    json_object_del(merged, "email");
    s.ext = NULL;
    assert_int_equal(hownow()->save(users(), &s, &plan, &e), -EINVAL);
    assert_contains(e.text, "email is missing");
    json_decref(changed);
    json_decref(merged);
}

static int saved(const char *collection, const char *key, int status, const char *body, struct lms_verdict *v,
                 struct err *e)
{
    struct lms_save s = {.key = key};
    struct http_reply r = reply_of(status, body);
    *e = (struct err){0};
    int rc = hownow()->saved(lms_collection(hownow(), collection), &s, 0, &r, v, e);
    http_reply_release(&r);
    return rc;
}

static void test_acceptance_is_a_job(void **state)
{
    struct lms_verdict v;
    struct err e;
    (void)state;
    assert_ok(saved("users", "5", 201, "{\"job_id\":\"job_abc_123\",\"message\":\"Request is accepted\"}", &v, &e), e);
    assert_string_equal(v.job_id, "job_abc_123");
    assert_null(v.record.doc);
    lms_verdict_release(&v);
    static const char *const bad[] = {"{\"job_id\":\"\"}",
                                      "{\"job_id\":null}",
                                      "{\"job_id\":5}",
                                      "{\"message\":\"ok\"}",
                                      "{}",
                                      "[]",
                                      "",
                                      "<html>",
                                      "{\"job_id\":\"a\\nb\"}",
                                      "{\"job_id\":\"..\"}",
                                      "{\"data\":{\"id\":0}}",
                                      "{\"data\":{\"id\":6}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (saved("users", "5", 201, bad[i], &v, &e) != -EPROTO || !e.text[0])
            fail_msg("%s is taken for an acceptance", bad[i]);
    assert_ok(saved("users", "5", 200, "{\"data\":{\"id\":5,\"name\":\"N\"}}", &v, &e), e);
    assert_null(v.job_id);
    assert_string_equal(v.key, "5");
    assert_true(v.record_is_detail);
    lms_verdict_release(&v);
    assert_int_equal(saved("users", "5", 400, "{\"error_message\": \"Invalid Parameters\"}", &v, &e), -EINVAL);
    assert_string_equal(e.text, "Invalid Parameters");
}

/* ------------------------------------------------------------------ skills, and what is read-only */

static void test_a_skill_can_be_created_and_no_more(void **state)
{
    (void)state;
    json_t *request = json_data("hownow/skill_create_request.json");
    struct try_save t = try_save(hownow(), "skills", NULL, NULL, NULL, NULL, request);
    assert_ok(t.rc, t.e);
    assert_request(&t.plan.steps[0], HTTP_POST, "/external/v1/skills");
    assert_false(t.plan.steps[0].idempotent);
    assert_json_is(body_of(&t.plan.steps[0]), request);
    try_release(&t);

    struct lms_verdict v;
    struct err e;
    struct lms_save s = {0};
    struct http_reply r = reply_data(201, "hownow/skill_created.json");
    assert_ok(hownow()->saved(lms_collection(hownow(), "skills"), &s, 0, &r, &v, &e), e);
    assert_string_equal(v.key, "125");
    assert_string_equal(v.record.ext, "SKL-ML-001");
    assert_true(v.record_is_detail);
    lms_verdict_release(&v);
    http_reply_release(&r);

    struct lms_record skill = get_record(hownow(), "skills", "ID-360", "hownow/skill_detail.json");
    json_t *changed = json_deep_copy(skill.doc);
    json_object_set_new(changed, "name", json_string("x"));
    t = try_save(hownow(), "skills", NULL, "360", skill.doc, skill.doc, changed);
    assert_int_equal(t.rc, -EPERM);
    try_release(&t);
    json_decref(changed);
    lms_record_release(&skill);
}

static void test_read_only_collections_take_no_save(void **state)
{
    json_t *merged = json_of("{}");
    struct lms_save s = {.merged = merged};
    struct lms_plan plan;
    struct err e;
    (void)state;
    assert_int_equal(hownow()->save(lms_collection(hownow(), "groups"), &s, &plan, &e), -EPERM);
    json_decref(merged);
}

/* ------------------------------------------------------------------ changes of state */

static int change(enum lms_op op, const char *key, const char *successor, struct http_request *r, struct err *e)
{
    return hownow()->change_request(users(), &(struct lms_change){.key = key, .op = op, .successor = successor}, r, e);
}

static void test_a_removal_names_its_successor_under_both_names(void **state)
{
    struct http_request r;
    struct err e;
    (void)state;
    assert_ok(change(LMS_OP_DEACTIVATE, "456", "EXT-user_123", &r, &e), e);
    assert_request(&r, HTTP_PUT, "/external/v1/users/ID-456/deactivate");
    assert_json(body_of(&r), "{'assigned_user_id':'EXT-user_123','assigned_external_user_id':'EXT-user_123'}");
    assert_false(r.idempotent); /* the second time is an error */
    http_request_release(&r);
    assert_ok(change(LMS_OP_DEACTIVATE, "456", NULL, &r, &e), e);
    assert_json(body_of(&r), "{}");
    http_request_release(&r);
    assert_ok(change(LMS_OP_REACTIVATE, "456", "EXT-user_123", &r, &e), e);
    assert_request(&r, HTTP_PUT, "/external/v1/users/ID-456/reactivate");
    assert_null(r.body);
    assert_false(r.idempotent);
    http_request_release(&r);
    assert_ok(change(LMS_OP_DELETE, "456", "ID-123", &r, &e), e);
    assert_request(&r, HTTP_DELETE, "/external/v1/users/ID-456/delete");
    assert_json(body_of(&r), "{'assigned_user_id':'ID-123','assigned_external_user_id':'ID-123'}");
    http_request_release(&r);
}

static void test_a_successor_is_somebody_else(void **state)
{
    struct http_request r;
    struct err e;
    (void)state;
    assert_int_equal(change(LMS_OP_DEACTIVATE, "456", "ID-456", &r, &e), -EINVAL);
    assert_int_equal(change(LMS_OP_DEACTIVATE, "456", "456", &r, &e), -EINVAL);
    assert_int_equal(change(LMS_OP_DEACTIVATE, "456", "EXT-", &r, &e), -EINVAL);
    assert_int_equal(change(LMS_OP_DEACTIVATE, "../5", NULL, &r, &e), -EINVAL);
    assert_int_equal(hownow()->change_request(lms_collection(hownow(), "groups"),
                                              &(struct lms_change){.key = "5", .op = LMS_OP_DELETE}, &r, &e),
                     -EPERM);
    assert_null(r.path);
}

static void test_refusals_come_in_the_vendors_words(void **state)
{
    static const struct {
        int status, rc;
        const char *file, *words;
    } cases[] = {
        {401, -EACCES, "hownow/not_authorized.json", "Not authorized"},
        {404, -ENOENT, "hownow/not_found.json", "Not found"},
        {422, -EINVAL, "hownow/successor_read_only.json", "Assigned User cannot be a 'Read Only' user"},
        {422, -EINVAL, "hownow/skill_duplicate.json", "Name has already been taken"},
        {400, -EINVAL, "hownow/skill_missing_name.json", "Missing required parameter: name"},
        {404, -ENOENT, "hownow/skill_not_found.json", "Skill not found"},
        {403, -EACCES, "hownow/skill_not_admin.json",
         "You are not authorized to perform this action. Only admin users can create skills."},
    };
    char words[200];
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
        cmocka_unit_test(test_saving_what_is_there_sends_nothing),
        cmocka_unit_test(test_one_upsert_has_the_required_the_changed_and_all_custom_fields),
        cmocka_unit_test(test_an_edit_that_starts_from_a_list_row_keeps_the_custom_fields),
        cmocka_unit_test(test_custom_fields_replace_what_is_there),
        cmocka_unit_test(test_custom_field_values_that_are_no_strings_stand_in_nobodys_way),
        cmocka_unit_test(test_what_hownow_cannot_clear_is_refused),
        cmocka_unit_test(test_an_external_id_can_be_given_once_and_never_changed),
        cmocka_unit_test(test_a_job_role_has_an_id_and_a_name),
        cmocka_unit_test(test_the_vendors_examples_are_what_a_new_file_sends),
        cmocka_unit_test(test_the_files_name_gives_the_external_id),
        cmocka_unit_test(test_acceptance_is_a_job),
        cmocka_unit_test(test_a_skill_can_be_created_and_no_more),
        cmocka_unit_test(test_read_only_collections_take_no_save),
        cmocka_unit_test(test_a_removal_names_its_successor_under_both_names),
        cmocka_unit_test(test_a_successor_is_somebody_else),
        cmocka_unit_test(test_refusals_come_in_the_vendors_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
