/* The API's published constraints, before the wire. */
#include "test_lms_support.h"

static const struct lms_collection *find(const char *provider, const char *collection)
{
    return lms_collection(lms_provider(provider), collection);
}

static void refused(const struct lms_collection *c, bool create, const char *text, const char *reason, int line)
{
    struct err e = {0};
    json_t *doc = json_of(text);
    int rc = doc_check(c, doc, create, "2026-03-01", &e);
    json_decref(doc);
    if (rc != -EINVAL || !strstr(e.text, reason))
        fail_msg("line %d: %s gave %s \"%s\", not \"%s\"", line, text, err_name(rc), e.text, reason);
}

static void accepted(const struct lms_collection *c, bool create, const char *text, int line)
{
    struct err e = {0};
    json_t *doc = json_of(text);
    int rc = doc_check(c, doc, create, "2026-03-01", &e);
    json_decref(doc);
    if (rc)
        fail_msg("line %d: %s was refused: %s", line, text, e.text);
}

#define USERS                  find("hownow", "users")
#define assert_refused(t, why) refused(USERS, false, t, why, __LINE__)
#define assert_accepted(t)     accepted(USERS, false, t, __LINE__)

static void test_the_vendors_own_requests_pass(void **state)
{
    static const char *const files[] = {"hownow/upsert_request.json", "hownow/upsert_smallest_request.json"};
    struct err e = {0};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        json_t *doc = json_data(files[i]);
        assert_ok(doc_check(USERS, doc, true, "2026-03-01", &e), e);
        json_decref(doc);
    }
    json_t *skill = json_data("hownow/skill_create_request.json");
    assert_ok(doc_check(find("hownow", "skills"), skill, true, NULL, &e), e);
    json_decref(skill);
    json_t *request = json_data("synap/user_create_request.json"), *user = json_object_get(request, "user");
    json_object_del(user, "subPortalId");
    assert_ok(doc_check(find("synap", "users"), user, true, NULL, &e), e);
    json_decref(request);
}

static void test_an_unknown_key_is_refused_and_named(void **state)
{
    (void)state;
    assert_refused("{'nmae':'X'}", "nmae is not a field of users that can be written; did you mean name?");
    assert_refused("{'userType':'Admin'}", "did you mean user_type?");
    assert_refused("{'emai':'x@example.org'}", "did you mean email?");
    assert_refused("{'salary':'1'}", "salary is not a field of users that can be written; these are: ");
    assert_refused("{'joined_organisation_on':'2022-08-08'}", "joined_organisation_on");
    assert_refused("{'_options':{'actions':{}}}", "_options.actions");
    assert_refused("{'_options':1}", "_options");
    assert_refused("{'_readonly':[]}", "_readonly");
    assert_refused("['name']", "object");
    accepted(find("synap", "users"), false, "{'_options':{'actions':{},'subPortalId':'x'},'_readonly':{}}", __LINE__);
    refused(find("synap", "users"), false, "{'_options':{'action':{}}}", "_options.action is unknown", __LINE__);
    refused(find("hownow", "groups"), false, "{}", "read-only", __LINE__);
}

static void test_a_new_record_needs_what_the_api_requires(void **state)
{
    (void)state;
    refused(USERS, true, "{'name':'X','email':'x@example.org','user_type':'Admin'}", "external_user_id is missing",
            __LINE__);
    refused(USERS, true, "{'external_user_id':'x','name':null,'email':'x@example.org','user_type':'Admin'}", "name",
            __LINE__);
    assert_accepted("{'name':'only a part of it'}");
    assert_refused("{'name':''}", "name can't be empty");
    assert_refused("{'email':null}", "email can't be empty");
}

static void test_lengths_count_characters_not_bytes(void **state)
{
    char text[256], name[160] = "";
    size_t n = 0;
    (void)state;
    for (int i = 0; i < 75; i++, n += 2)
        memcpy(name + n, "é", 3);
    snprintf(text, sizeof text, "{'name':'%s'}", name);
    assert_accepted(text);
    snprintf(text, sizeof text, "{'name':'%sx'}", name);
    assert_refused(text, "name has 76 characters; at most 75");
}

static void test_words_match_without_regard_to_case(void **state)
{
    (void)state;
    assert_accepted("{'user_type':'READONLY'}");
    assert_accepted("{'user_type':'contributor'}");
    assert_refused("{'user_type':'Owner'}", "one of: Admin, Manager, ReadOnly, Contributor");
    assert_refused("{'user_type':'Admin\\u0000'}", "NUL");
}

static void test_patterns_hold_the_whole_text(void **state)
{
    (void)state;
    assert_accepted("{'external_user_id':'a-Z_9'}");
    assert_refused("{'external_user_id':'a b'}", "external_user_id");
    assert_refused("{'external_user_id':'a\\n'}", "external_user_id");
    assert_refused("{'external_user_id':'../../etc'}", "external_user_id");
    assert_refused("{'external_user_id':'é'}", "external_user_id");
    assert_refused("{'email':'nobody'}", "email");
    assert_refused("{'email':'a@b@example.org'}", "email");
    assert_refused("{'email':'a @example.org'}", "email");
    assert_accepted("{'manager_id':'ID-5'}");
    assert_accepted("{'manager_id':'EXT-manager_456'}");
    assert_refused("{'manager_id':'EMAIL-a@example.org'}", "manager_id");
    assert_refused("{'manager_id':'5'}", "manager_id");
    assert_accepted("{'avatar_url':'HTTPS://files.example.org/a.png'}");
    assert_refused("{'avatar_url':'ftp://files.example.org/a.png'}", "avatar_url");
    assert_refused("{'avatar_url':'https://'}", "avatar_url");
}

static void test_dates_are_real_and_not_in_the_future(void **state)
{
    (void)state;
    assert_accepted("{'start_date':'2024-02-29'}");
    assert_accepted("{'start_date':'2026-03-01'}");
    assert_refused("{'start_date':'2026-03-02'}", "future");
    assert_refused("{'start_date':'2023-02-29'}", "YYYY-MM-DD");
    assert_refused("{'start_date':'2023-13-01'}", "YYYY-MM-DD");
    assert_refused("{'start_date':'2023-1-1'}", "YYYY-MM-DD");
    assert_refused("{'start_date':'01/02/2023'}", "YYYY-MM-DD");
    assert_refused("{'start_date':20230101}", "start_date must be a date");
}

static void test_types_are_those_of_the_table(void **state)
{
    const struct lms_collection *learning = find("synap", "learning-records");
    (void)state;
    assert_refused("{'name':5}", "name must be a string");
    assert_refused("{'custom_fields':{}}", "custom_fields must be an array");
    assert_refused("{'job_role':'Architect'}", "job_role must be an object");
    accepted(learning, true, "{'name':'n','score':55.43,'visibleToStudent':false,'attr':{'x':1}}", __LINE__);
    refused(learning, false, "{'score':'50'}", "score must be a number", __LINE__);
    refused(learning, false, "{'visibleToStudent':'true'}", "visibleToStudent must be true or false", __LINE__);
}

static void test_keyed_elements_have_a_key_once(void **state)
{
    (void)state;
    assert_refused("{'custom_fields':['a']}", "custom_fields[0] must be an object");
    assert_refused("{'custom_fields':[{'value':'x'}]}", "custom_fields[0] has no field_name");
    assert_refused("{'custom_fields':[{'field_name':'a\\u0000','value':'x'}]}", "custom_fields[0] has no field_name");
    assert_refused("{'custom_fields':[{'field_name':'a','value':'x'},{'field_name':'a','value':'y'}]}", "twice");
}

static void test_null_stands_for_nothing_and_is_judged_later(void **state)
{
    (void)state;
    assert_accepted("{'manager_id':null,'start_date':null,'job_role':null,'custom_fields':null}");
}

static void test_the_mask_is_never_taken_for_a_password(void **state)
{
    (void)state;
    const struct lms_collection *c = find("synap", "users");
    refused(c, false, "{'password':'***'}", "mask", __LINE__);
    refused(c, false, "{'password':'lowercase1'}", "password", __LINE__);
    refused(c, false, "{'password':'NoDigits'}", "password", __LINE__);
    accepted(c, false, "{'password':'Password123'}", __LINE__);
    accepted(c, false, "{'password':'1abcdefG'}", __LINE__);
}

static void test_a_document_that_could_not_be_read_again_is_refused(void **state)
{
    json_t *doc = json_object(), *inner = json_object();
    struct err e = {0};
    (void)state;
    for (int i = 0; i < 60; i++)
        inner = json_pack("{s:o}", "x", inner);
    json_object_set_new(doc, "attr", inner);
    assert_int_equal(doc_check(find("synap", "users"), doc, false, NULL, &e), -EINVAL);
    assert_contains(e.text, "deeper");
    json_decref(doc);
}

static void test_what_the_api_itself_shows_does_not_stand_in_the_way_of_an_edit(void **state)
{
    struct err e = {0};
    (void)state;
    json_t *base =
        json_of("{'external_user_id':'old style.id','name':'N','user_type':'SuperAdmin','start_date':'2030-01-01'}");
    json_t *saved = json_deep_copy(base);
    json_object_set_new(saved, "name", json_string("New"));
    assert_int_equal(doc_check(USERS, saved, false, "2026-03-01", &e), -EINVAL);
    assert_ok(doc_check_edit(USERS, base, saved, "2026-03-01", &e), e);
    json_object_set_new(saved, "start_date", json_string("2030-01-02"));
    assert_int_equal(doc_check_edit(USERS, base, saved, "2026-03-01", &e), -EINVAL);
    assert_contains(e.text, "start_date");
    json_decref(base);
    json_decref(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_vendors_own_requests_pass),
        cmocka_unit_test(test_an_unknown_key_is_refused_and_named),
        cmocka_unit_test(test_a_new_record_needs_what_the_api_requires),
        cmocka_unit_test(test_lengths_count_characters_not_bytes),
        cmocka_unit_test(test_words_match_without_regard_to_case),
        cmocka_unit_test(test_patterns_hold_the_whole_text),
        cmocka_unit_test(test_dates_are_real_and_not_in_the_future),
        cmocka_unit_test(test_types_are_those_of_the_table),
        cmocka_unit_test(test_keyed_elements_have_a_key_once),
        cmocka_unit_test(test_null_stands_for_nothing_and_is_judged_later),
        cmocka_unit_test(test_the_mask_is_never_taken_for_a_password),
        cmocka_unit_test(test_a_document_that_could_not_be_read_again_is_refused),
        cmocka_unit_test(test_what_the_api_itself_shows_does_not_stand_in_the_way_of_an_edit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
