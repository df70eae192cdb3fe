/* Synap: saves. One edited document can need several requests. */
#include "test_lms_support.h"

static const struct lms_provider *synap(void)
{
    return lms_provider("synap");
}

static const struct lms_collection *find(const char *name)
{
    return lms_collection(synap(), name);
}

/* Saves the example user with `members` replaced ("-" removes). */
static struct try_save edit(const char *members)
{
    struct lms_record r = get_record(synap(), "users", "ID-userID12345", "synap/user.json");
    json_object_set_new(r.doc, "attr", json_of("{'customAttribute':'Basic','foo':true}"));
    json_t *saved = json_deep_copy(r.doc), *changes = json_of(members), *value;
    const char *key;
    json_object_foreach(changes, key, value)
    {
        if (json_is_string(value) && !strcmp(json_string_value(value), "-"))
            json_object_del(saved, key);
        else
            json_object_set(saved, key, value);
    }
    struct try_save t = try_save(synap(), "users", NULL, "userID12345", r.doc, r.doc, saved);
    json_decref(changes);
    json_decref(saved);
    lms_record_release(&r);
    return t;
}

static void refused(const char *members, const char *reason, int line)
{
    struct try_save t = edit(members);
    if (t.rc != -EINVAL || !strstr(t.e.text, reason))
        fail_msg("line %d: %s \"%s\", not \"%s\"", line, err_name(t.rc), t.e.text, reason);
    assert_int_equal(t.plan.n, 0);
    try_release(&t);
}
#define assert_refused(members, reason) refused(members, reason, __LINE__)

static void step_is(const struct try_save *t, size_t i, enum http_method method, const char *path, const char *label,
                    json_t *body)
{
    assert_true(i < t->plan.n);
    assert_request(&t->plan.steps[i], method, path);
    assert_string_equal(t->plan.labels[i], label);
    assert_json_is(body_of(&t->plan.steps[i]), body);
    assert_int_equal(t->plan.steps[i].idempotent, method != HTTP_POST);
}

static void test_saving_what_is_there_sends_nothing(void **state)
{
    (void)state;
    struct try_save t = edit("{}");
    assert_ok(t.rc, t.e);
    assert_int_equal(json_object_size(t.delta), 0);
    assert_int_equal(t.plan.n, 0);
    try_release(&t);
    t = edit("{'userGroups':[{'objectId':'UserGroupID123'},{'objectId':'UserGroupID456'}]}");
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 0);
    try_release(&t);
}

static void test_name_password_and_external_id_go_by_patch(void **state)
{
    (void)state;
    json_t *request = json_data("synap/user_patch_request.json");
    char *members = json_dumps(request, 0);
    struct try_save t = edit(members);
    free(members);
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 1);
    step_is(&t, 0, HTTP_PATCH, "/users/userID12345", "name, password, externalId", request);
    try_release(&t);
    t = edit("{'name':'new name'}");
    step_is(&t, 0, HTTP_PATCH, "/users/userID12345", "name", json_of("{'name':'new name'}"));
    try_release(&t);
}

static void test_attributes_go_by_put_and_only_the_changed_ones(void **state)
{
    (void)state;
    struct try_save t = edit("{'attr':{'customAttribute':'Premium Member','foo':true,'location':'Leeds'}}");
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 1);
    step_is(&t, 0, HTTP_PUT, "/users/attributes", "attr", json_data("synap/attributes_request.json"));
    try_release(&t);
    assert_refused("{'attr':{'foo':true}}", "attr.customAttribute can't be cleared");
    assert_refused("{'attr':'-'}", "can't be cleared");
    assert_refused("{'externalId':'-'}", "externalId can't be cleared");
    assert_refused("{'email':'new@example.org'}", "email can't change");
}

static void test_groups_are_joined_and_left_by_their_object_id(void **state)
{
    (void)state;
    struct try_save t =
        edit("{'userGroups':[{'objectId':'UserGroupID456','name':'All Users'},{'objectId':'wB6TestXDN'}],"
             "'_options':{'subPortalId':'hjgk1pr890'}}");
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 2);
    step_is(&t, 0, HTTP_POST, "/usergroup/add", "userGroups: add wB6TestXDN", json_data("synap/usergroup_request.json"));
    step_is(&t, 1, HTTP_POST, "/usergroup/remove", "userGroups: remove UserGroupID123",
            json_of("{'userEmail':'lena@example.org','userGroupId':'UserGroupID123','subPortalId':'hjgk1pr890'}"));
    try_release(&t);
    t = edit("{'userGroups':'-'}");
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 2);
    try_release(&t);
    assert_refused("{'userGroups':[{'objectId':'UserGroupID456','name':'Renamed'},{'objectId':'UserGroupID123'}]}",
                   "userGroups.UserGroupID456: name can't be written");
    assert_refused("{'userGroups':[{'name':'x'}]}", "objectId");
}

static void test_one_document_can_need_several_requests_in_order(void **state)
{
    (void)state;
    struct try_save t = edit("{'name':'N','attr':{'customAttribute':'Basic','foo':false},'userGroups':[]}");
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 4);
    step_is(&t, 0, HTTP_PATCH, "/users/userID12345", "name", json_of("{'name':'N'}"));
    step_is(&t, 1, HTTP_PUT, "/users/attributes", "attr",
            json_of("{'user':{'objectId':'userID12345'},'attr':{'foo':false}}"));
    assert_request(&t.plan.steps[2], HTTP_POST, "/usergroup/remove");
    assert_request(&t.plan.steps[3], HTTP_POST, "/usergroup/remove");
    try_release(&t);
}

static void test_options_are_checked(void **state)
{
    (void)state;
    assert_refused("{'name':'N','_options':{'actions':{}}}", "only go with a new user");
    assert_refused("{'name':'N','_options':{'subPortalId':5}}", "subPortalId");
    assert_refused("{'password':'Passw0r'}", "8 characters");
    static const char *const bad[] = {"{'actions':[]}", "{'actions':{'x':true}}", "{'actions':{'addToUserGroup':5}}",
                                      "{'actions':{'setDefaultPassword':'yes'}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *doc = json_of("{'email':'a@example.org','name':'N'}");
        json_object_set_new(doc, "_options", json_of(bad[i]));
        struct try_save t = try_save(synap(), "users", NULL, NULL, NULL, NULL, doc);
        assert_int_equal(t.rc, -EINVAL);
        assert_contains(t.e.text, "_options");
        try_release(&t);
        json_decref(doc);
    }
}

/* ------------------------------------------------------------------ creates */

/* The vendor's request, as the document that asks for it. */
static json_t *document_of(const char *file)
{
    json_t *request = json_data(file), *doc = json_deep_copy(json_object_get(request, "user")), *options = json_object();
    json_object_set(options, "actions", json_object_get(request, "actions"));
    if (json_object_get(doc, "subPortalId"))
        json_object_set(options, "subPortalId", json_object_get(doc, "subPortalId"));
    json_object_del(doc, "subPortalId");
    json_object_set_new(doc, "_options", options);
    json_decref(request);
    return doc;
}

static void test_the_vendors_examples_are_what_a_new_file_sends(void **state)
{
    static const char *const files[] = {"synap/user_create_request.json",
                                        "synap/user_create_default_password_request.json"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        json_t *doc = document_of(files[i]), *request = json_data(files[i]);
        struct try_save t = try_save(synap(), "users", NULL, NULL, NULL, NULL, doc);
        assert_ok(t.rc, t.e);
        assert_int_equal(t.plan.n, 1);
        assert_request(&t.plan.steps[0], HTTP_POST, "/users");
        assert_false(t.plan.steps[0].idempotent); /* never blindly repeated */
        json_t *body = body_of(&t.plan.steps[0]);
        assert_true(doc_equal(body, request));
        json_decref(body);
        json_decref(request);
        json_decref(doc);
        try_release(&t);
    }
}

static void test_a_new_users_groups_are_joined(void **state)
{
    (void)state;
    json_t *doc = json_of("{'email':'a@example.org','name':'N','userGroups':[{'objectId':'g1'},{'objectId':'g2'}],"
                          "'attr':{'x':null},'externalId':null}");
    struct try_save t = try_save(synap(), "users", NULL, NULL, NULL, NULL, doc);
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 2);
    assert_json(body_of(&t.plan.steps[0]),
                "{'user':{'email':'a@example.org','name':'N'},'actions':{'addToUserGroup':'g1'}}");
    assert_json(body_of(&t.plan.steps[1]), "{'userEmail':'a@example.org','userGroupId':'g2'}");
    try_release(&t);
    json_object_set_new(doc, "_options", json_of("{'actions':{'addToUserGroup':'g2'}}"));
    t = try_save(synap(), "users", NULL, NULL, NULL, NULL, doc);
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 2);
    assert_json(body_of(&t.plan.steps[1]), "{'userEmail':'a@example.org','userGroupId':'g1'}");
    try_release(&t);
    json_decref(doc);
    doc = json_of("{'email':'a@example.org','name':'N','password':'Password123','_options':{'actions':{'"
                  "setDefaultPassword':true}}}");
    t = try_save(synap(), "users", NULL, NULL, NULL, NULL, doc);
    assert_int_equal(t.rc, -EINVAL);
    assert_contains(t.e.text, "password must be left out");
    try_release(&t);
    json_decref(doc);
}

static int saved(const char *collection, const char *key, const char *options, size_t step, int status,
                 const char *file, const char *body, struct lms_verdict *v, struct err *e)
{
    json_t *o = options ? json_of(options) : NULL;
    struct lms_save s = {.key = key, .options = o, .parent_key = "USER123"};
    struct http_reply r = file ? reply_data(status, file) : reply_of(status, body);
    *e = (struct err){0};
    int rc = synap()->saved(find(collection), &s, step, &r, v, e);
    http_reply_release(&r);
    json_decref(o);
    return rc;
}

static void test_a_generated_password_is_told_once_and_never_in_the_record(void **state)
{
    struct lms_verdict v;
    struct err e;
    (void)state;
    assert_ok(saved("users", NULL, "{'actions':{'setDefaultPassword':true}}", 0, 200,
                    "synap/user_created_default_password.json", NULL, &v, &e),
              e);
    assert_string_equal(v.key, "ABCDEFGH12");
    assert_string_equal(v.secret, "Generated-1");
    assert_false(v.record_is_detail);
    char *bytes = printed(v.record.doc);
    assert_null(strstr(bytes, "Generated-1"));
    free(bytes);
    lms_verdict_release(&v);
    assert_ok(saved("users", NULL, NULL, 0, 200, "synap/user_created.json", NULL, &v, &e), e);
    assert_null(v.secret);
    assert_string_equal(v.record.email, "jo@example.org");
    lms_verdict_release(&v);
}

static void test_each_steps_reply_is_read(void **state)
{
    struct lms_verdict v;
    struct err e;
    (void)state;
    assert_ok(saved("users", "userID12345", NULL, 0, 204, NULL, "", &v, &e), e); /* no body */
    assert_null(v.record.doc);
    lms_verdict_release(&v);
    assert_ok(saved("users", "userID12345", NULL, 1, 200, "synap/attributes_reply.json", NULL, &v, &e), e);
    assert_null(v.record.doc); /* it shows only a part */
    lms_verdict_release(&v);
    assert_ok(saved("users", "userID12345", NULL, 2, 200, "synap/usergroup_added.json", NULL, &v, &e), e);
    assert_ok(saved("users", "userID12345", NULL, 3, 200, "synap/usergroup_removed.json", NULL, &v, &e), e);
    assert_int_equal(saved("users", "other", NULL, 1, 200, "synap/attributes_reply.json", NULL, &v, &e), -EPROTO);
    assert_contains(e.text, "ID-other was saved and the reply is about ID-userID12345");
    assert_int_equal(saved("users", "u", NULL, 0, 400, "synap/attribute_invalid.json", NULL, &v, &e), -EINVAL);
    assert_string_equal(e.text, "Invalid Attribute is not a valid attribute");
    static const char *const bad[] = {"", "{}", "{\"user\":{}}", "{\"user\":{\"objectId\":\"\"}}", "<html>"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(saved("users", NULL, NULL, 0, 200, NULL, bad[i], &v, &e), -EPROTO);
}

/* ------------------------------------------------------------------ learning records */

static const char *part(const struct http_request *r, const char *name)
{
    for (size_t i = 0; i < r->parts_n; i++)
        if (!strcmp(r->parts[i].name, name))
            return r->parts[i].value;
    return NULL;
}

static void test_a_learning_record_is_a_form(void **state)
{
    (void)state;
    json_t *doc = json_of(
        "{'name':'Example record name','achievedOn':'2023-11-20T15:48:05.300Z','score':71.10,'visibleToStudent':true,"
        "'attr':{'Level':'Gold','points':5,'passed':false}}");
    struct try_save t = try_save(synap(), "learning-records", "USER123", NULL, NULL, NULL, doc);
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 1);
    struct http_request *r = &t.plan.steps[0];
    assert_request(r, HTTP_POST, "/learning-records");
    assert_false(r->idempotent);
    assert_null(r->body);
    static const char *const want[][2] = {
        {"userId", "USER123"}, {"name", "Example record name"}, {"achievedOn", "2023-11-20T15:48:05.300Z"},
        {"score", "71.1"},     {"visibleToStudent", "true"},    {"attr[Level]", "Gold"},
        {"attr[points]", "5"}, {"attr[passed]", "false"}};
    assert_int_equal(r->parts_n, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(r->parts[i].name, want[i][0]);
        assert_string_equal(r->parts[i].value, want[i][1]);
    }
    try_release(&t);
    json_object_del(doc, "name");
    t = try_save(synap(), "learning-records", "USER123", NULL, NULL, NULL, doc);
    assert_int_equal(t.rc, -EINVAL);
    assert_contains(t.e.text, "name");
    try_release(&t);
    json_decref(doc);
}

static struct lms_record learning(void)
{
    struct lms_verdict v;
    struct err e;
    assert_ok(saved("learning-records", "ABCD12345", NULL, 0, 200, "synap/learning_updated.json", NULL, &v, &e), e);
    struct lms_record r = v.record;
    assert_true(v.record_is_detail);
    assert_string_equal(v.key, "ABCD12345");
    v.record = (struct lms_record){0};
    lms_verdict_release(&v);
    assert_int_equal(doc_finish(find("learning-records"), r.doc, true), 0);
    return r;
}

static struct try_save edit_learning(const char *member, json_t *value)
{
    struct lms_record r = learning();
    json_t *saved_doc = json_deep_copy(r.doc);
    if (value)
        json_object_set_new(saved_doc, member, value);
    else if (member)
        json_object_del(saved_doc, member);
    struct try_save t = try_save(synap(), "learning-records", "USER123", "ABCD12345", r.doc, r.doc, saved_doc);
    json_decref(saved_doc);
    lms_record_release(&r);
    return t;
}

static void test_an_edited_learning_record_sends_what_changed(void **state)
{
    (void)state;
    struct try_save t = edit_learning(NULL, NULL);
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 0);
    try_release(&t);
    t = edit_learning("score", json_real(60));
    assert_ok(t.rc, t.e);
    assert_request(&t.plan.steps[0], HTTP_PATCH, "/learning-records/ABCD12345");
    assert_int_equal(t.plan.steps[0].parts_n, 2);
    assert_string_equal(part(&t.plan.steps[0], "userId"), "USER123");
    assert_string_equal(part(&t.plan.steps[0], "score"), "60.0");
    try_release(&t);
    t = edit_learning("score", NULL);
    assert_int_equal(t.rc, -EINVAL);
    assert_contains(t.e.text, "score can't be cleared");
    try_release(&t);
}

static void test_file_attributes_are_shown_and_not_changed(void **state)
{
    (void)state;
    struct lms_record r = learning();
    json_t *file = json_object_get(json_object_get(r.doc, "attr"), "fileAttributeName");
    assert_string_equal(json_string_value(json_object_get(file, "url")), "https://files.example.org/Synap.pdf");
    json_t *attr = json_deep_copy(json_object_get(r.doc, "attr"));
    json_object_set_new(attr, "Level", json_string("Gold"));
    struct try_save t = edit_learning("attr", json_incref(attr));
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.steps[0].parts_n, 2);
    assert_string_equal(part(&t.plan.steps[0], "attr[Level]"), "Gold");
    try_release(&t);

    json_object_set_new(json_object_get(attr, "fileAttributeName"), "fileName", json_string("x.pdf"));
    t = edit_learning("attr", json_incref(attr));
    assert_int_equal(t.rc, -EINVAL);
    assert_contains(t.e.text, "attr.fileAttributeName is a file");
    try_release(&t);
    json_object_set_new(attr, "fileAttributeName", json_string("x.pdf"));
    t = edit_learning("attr", json_incref(attr));
    assert_contains(t.e.text, "attr.fileAttributeName is a file");
    try_release(&t);
    json_decref(attr);
    lms_record_release(&r);
}

static void test_what_a_form_cannot_carry_is_refused(void **state)
{
    static const char *const bad[] = {"{'name':'a\\u0000b'}",
                                      "{'name':'n','attr':{'a]b':1}}",
                                      "{'name':'n','attr':{'a\\r\\nX: 1':1}}",
                                      "{'name':'n','attr':{'':1}}",
                                      "{'name':'n','attr':{'x':[1]}}",
                                      "{'name':'n','attr':{'x':{'url':'u'}}}",
                                      "{'name':'n','attr':{'x':'a\\u0000'}}"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *doc = json_of(bad[i]);
        struct try_save t = try_save(synap(), "learning-records", "USER123", NULL, NULL, NULL, doc);
        if (t.rc != -EINVAL || !t.e.text[0])
            fail_msg("%s", bad[i]);
        try_release(&t);
        json_decref(doc);
    }
}

static void test_a_learning_records_reply_shows_it(void **state)
{
    struct lms_verdict v;
    struct err e;
    (void)state;
    assert_ok(saved("learning-records", NULL, NULL, 0, 200, "synap/learning_created.json", NULL, &v, &e), e);
    assert_string_equal(v.key, "4LpDxV3YxwH");
    lms_verdict_release(&v);
    assert_int_equal(saved("learning-records", "other", NULL, 0, 200, "synap/learning_created.json", NULL, &v, &e),
                     -EPROTO);
    assert_int_equal(saved("learning-records", NULL, NULL, 0, 200, NULL, "{}", &v, &e), -EPROTO);
    assert_ok(saved("learning-records", "other", NULL, 0, 204, NULL, "", &v, &e), e);
    lms_verdict_release(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_saving_what_is_there_sends_nothing),
        cmocka_unit_test(test_name_password_and_external_id_go_by_patch),
        cmocka_unit_test(test_attributes_go_by_put_and_only_the_changed_ones),
        cmocka_unit_test(test_groups_are_joined_and_left_by_their_object_id),
        cmocka_unit_test(test_one_document_can_need_several_requests_in_order),
        cmocka_unit_test(test_options_are_checked),
        cmocka_unit_test(test_the_vendors_examples_are_what_a_new_file_sends),
        cmocka_unit_test(test_a_new_users_groups_are_joined),
        cmocka_unit_test(test_a_generated_password_is_told_once_and_never_in_the_record),
        cmocka_unit_test(test_each_steps_reply_is_read),
        cmocka_unit_test(test_a_learning_record_is_a_form),
        cmocka_unit_test(test_an_edited_learning_record_sends_what_changed),
        cmocka_unit_test(test_file_attributes_are_shown_and_not_changed),
        cmocka_unit_test(test_what_a_form_cannot_carry_is_refused),
        cmocka_unit_test(test_a_learning_records_reply_shows_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
