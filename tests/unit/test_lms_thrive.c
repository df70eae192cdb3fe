/* Thrive: reading from v1, writing by events. The bodies are the vendor's examples with invented people in them. */
#include "test_lms_support.h"

#define UID "0123456789abcdef0123456789abcdef"
#define NOW 1583792306 /* 2020-03-09T22:18:26Z */
#define ID  "5f8a1c0e9b1e8a0012ab34cd"

static const struct lms_provider *thrive(void)
{
    return lms_provider("thrive");
}

static const struct lms_collection *users(void)
{
    return lms_collection(thrive(), "users");
}

static void test_basic_credentials_and_events_go_to_their_own_url(void **state)
{
    struct lms_account a = {
        .tenant_id = "eu-west-2_AbcdEfghI", .secret = "geheim", .events_url = "https://events.example.com/webhooks"};
    struct http_request r = {.path = strdup("/webhooks")};
    struct err e;
    (void)state;
    assert_null(thrive()->token_request);
    assert_int_equal(thrive()->authorize(&a, NULL, &r), 0);
    assert_int_equal(r.headers_n, 1);
    assert_string_equal(r.headers[0].name, "Authorization");
    assert_string_equal(r.headers[0].value, "Basic ZXUtd2VzdC0yX0FiY2RFZmdoSTpnZWhlaW0=");
    assert_string_equal(r.url, a.events_url);
    http_request_release(&r);
    assert_ok(thrive()->check_request(&a, &r, &e), e);
    assert_int_equal(thrive()->authorize(&a, NULL, &r), 0);
    assert_request(&r, HTTP_GET, "/v1/users?page=1&perPage=1");
    http_request_release(&r);
}

static void test_base64_pads_as_rfc_4648_says(void **state)
{
    static const char *const pairs[][3] = {
        {"", "", "Basic Og=="}, {"f", "", "Basic Zjo="}, {"f", "o", "Basic Zjpv"}, {"\xff\xfe", "\xfb", "Basic //46+w=="}};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct lms_account a = {.tenant_id = pairs[i][0], .secret = pairs[i][1]};
        struct http_request r = {0};
        assert_int_equal(thrive()->authorize(&a, NULL, &r), 0);
        assert_string_equal(r.headers[0].value, pairs[i][2]);
        http_request_release(&r);
    }
}

static void asked(int rc, struct http_request *r, const struct err *e, const char *path)
{
    assert_ok(rc, *e);
    assert_request(r, HTTP_GET, path);
    http_request_release(r);
}

static void test_lists_changes_searches_and_names_are_asked_for(void **state)
{
    struct http_request r;
    struct err e = {0};
    uint64_t window = 9;
    const struct lms_provider *p = thrive();
    (void)state;
    asked(p->list_request(users(), NULL, 3, &r, &e), &r, &e, "/v1/users?page=3&perPage=1000");
    asked(p->changed_request(users(), NOW, 1, &r, &e), &r, &e,
          "/v1/users?page=1&perPage=1000&updatedSince=2020-03-09T22%3A18%3A26.000Z");
    asked(p->search_request(users(), "status=inactive", 2, &r, &window, &e), &r, &e,
          "/v1/users?page=2&perPage=1000&status=inactive");
    assert_int_equal(window, 0);
    asked(p->search_request(users(), "new,updatedSince=2026-01-01T00:00:00Z", 1, &r, &window, &e), &r, &e,
          "/v1/users?page=1&perPage=1000&status=new&updatedSince=2026-01-01T00%3A00%3A00Z");
    assert_int_equal(p->search_request(users(), "status=angry", 1, &r, &window, &e), -EINVAL);
    assert_contains(e.text, "status=angry");
    assert_int_equal(p->search_request(users(), "", 1, &r, &window, &e), -EINVAL);
    asked(p->get_request(users(), NULL, "ID-" ID, &r, &e), &r, &e, "/v1/user/" ID);
    asked(p->get_request(users(), NULL, "EXT-A/7", &r, &e), &r, &e, "/v1/users/ref/A%2F7");
    assert_int_equal(p->get_request(users(), NULL, "EMAIL-a@example.org", &r, &e), -ENOTSUP);
    assert_int_equal(p->get_request(users(), NULL, "EXT-..", &r, &e), -ENOENT);
}

static void test_a_user_is_read(void **state)
{
    (void)state;
    struct lms_record r = get_record(thrive(), "users", "EXT-UID30084022", "thrive/user.json");
    assert_string_equal(r.key, ID);
    assert_string_equal(r.ext, "UID30084022");
    assert_string_equal(r.email, "oda.brandt@example.org");
    assert_true(r.active && !r.gone);
    assert_int_equal(r.mtime, 1721200509);
    assert_int_equal(r.made_at, 1583792306);
    json_object_del(json_object_get(r.doc, "_readonly"), "version");
    assert_json(json_incref(r.doc),
                "{'ref':'UID30084022','email':'oda.brandt@example.org','firstName':'Oda','lastName':'Brandt',"
                "'timeZone':'Europe/London','languageCode':'en-gb','additionalFields':{'costCentre':'CC-042'},"
                "'_readonly':{'id':'" ID
                "','role':'learner','status':'active','positions':['Director'],'deleted':false,"
                "'lastLogin':'2024-07-17T07:15:09.000Z','createdAt':'2020-03-09T22:18:26.625Z',"
                "'updatedAt':'2024-07-17T07:15:09.000Z','complete':true}}");
    lms_record_release(&r);
}

static void test_status_words_and_the_boolean_say_who_is_suspended(void **state)
{
    struct lms_page p;
    struct err e = {0};
    struct http_reply r = reply_data(200, "thrive/users_page.json");
    static const bool active[] = {true, false, true, true, false};
    (void)state;
    assert_ok(thrive()->list_reply(users(), NULL, &r, &p, &e), e);
    assert_int_equal(p.total, 2005);
    assert_int_equal(p.rows_n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(p.rows[i].active, active[i]);
    assert_null(p.rows[2].ext);
    assert_null(p.rows[2].email);
    assert_true(p.rows[4].gone && !p.rows[1].gone);
    lms_page_release(&p);
    http_reply_release(&r);
    struct lms_record v2 = get_record(thrive(), "users", "ID-" ID, "thrive/event_reply.json");
    assert_false(v2.active);
    lms_record_release(&v2);
}

static void assert_refused(const char *body, const char *words)
{
    struct lms_record out;
    struct err e = {0};
    struct http_reply r = reply_of(200, body);
    int rc = thrive()->get_reply(users(), NULL, "ID-7", &r, &out, &e);
    if (!rc)
        lms_record_release(&out);
    assert_true(rc < 0);
    assert_contains(e.text, words);
    http_reply_release(&r);
}

static void test_what_is_no_user_is_named(void **state)
{
    (void)state;
    assert_refused("{\"id\": 7}", "\"id\" is not a string");
    assert_refused("{\"id\": \"7\", \"ref\": 5}", "\"ref\" is not a string");
    assert_refused("{\"id\": \"7\", \"status\": 1}", "\"status\" is not a string");
    assert_refused("{\"id\": \"7\", \"active\": \"yes\"}", "id 7: \"active\"");
    assert_refused("{\"id\": \"7\", \"additionalFields\": []}", "id 7: \"additionalFields\"");
    assert_refused("{\"id\": \"8\"}", "ID-7 was asked for and the reply is about ID-8");
    assert_refused("{\"id\": \"7\", \"deleted\": true}", "deleted");
}

static void test_an_error_is_told_in_thrives_words(void **state)
{
    char words[256];
    struct http_reply r = reply_data(400, "thrive/bad_request.json");
    (void)state;
    lms_error_text(&r, words, sizeof words);
    assert_string_equal(words, "The request is invalid");
    http_reply_release(&r);
    r = reply_data(422, "thrive/unprocessable.json");
    lms_error_text(&r, words, sizeof words);
    assert_string_equal(words, "email: must be an email; content: user: ref is required");
    http_reply_release(&r);
}

/* ------------------------------------------------------------------ writing */

static struct try_save save(const char *key, json_t *current, json_t *saved)
{
    struct try_save t = {0};
    t.rc = doc_gather(users(), saved, &t.e);
    if (!t.rc)
        t.rc = key ? doc_check_edit(users(), current, saved, "2026-03-01", &t.e)
                   : doc_check(users(), saved, true, "2026-03-01", &t.e);
    if (!t.rc)
        t.rc = doc_diff(users(), current, saved, &t.delta, &t.e);
    if (!t.rc)
        t.rc = doc_apply(users(), current, current, t.delta, &t.merged, &t.changed, &t.e);
    if (!t.rc) {
        struct lms_save s = {.key = key,
                             .ext = "UID30084022",
                             .uid = UID,
                             .now = NOW,
                             .base = current,
                             .merged = t.merged,
                             .changed = t.changed};
        t.rc = thrive()->save(users(), &s, &t.plan, &t.e);
    }
    json_decref(saved);
    return t;
}

static void test_a_new_user_is_the_example_of_user_joined(void **state)
{
    json_t *want = json_data("thrive/joined_request.json");
    (void)state;
    struct try_save t = save(NULL, NULL, json_deep_copy(json_object_get(json_object_get(want, "content"), "user")));
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 1);
    assert_request(&t.plan.steps[0], HTTP_POST, "/webhooks");
    assert_true(t.plan.steps[0].idempotent);
    assert_json_is(body_of(&t.plan.steps[0]), want);
    try_release(&t);
}

static void test_only_what_changed_is_in_user_updated_and_custom_fields_stand_beside_the_others(void **state)
{
    struct lms_record r = get_record(thrive(), "users", "ID-" ID, "thrive/user.json");
    (void)state;
    struct try_save t = save(ID, r.doc, json_of("{'lastName':'Brandt-Roe','team':'Red'}"));
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 1);
    assert_json(body_of(&t.plan.steps[0]),
                "{'id':'" UID "-updated','timestamp':'2020-03-09T22:18:26.000Z','eventType':'user_updated',"
                "'content':{'user':{'ref':'UID30084022','lastName':'Brandt-Roe','team':'Red'}}}");
    try_release(&t);
    t = save(ID, r.doc, json_deep_copy(r.doc));
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 0);
    try_release(&t);
    t = save(ID, r.doc, json_of("{'costCentre':'CC-1','additionalFields':{'costCentre':'CC-2'}}"));
    assert_int_equal(t.rc, -EINVAL);
    assert_contains(t.e.text, "costCentre stands at the top and in additionalFields too");
    try_release(&t);
    t = save(ID, r.doc, json_of("{'additionalFields':{'email':'x@example.org'}}"));
    assert_int_equal(t.rc, -EINVAL);
    assert_contains(t.e.text, "additionalFields.email");
    try_release(&t);
    lms_record_release(&r);
}

static void test_what_is_cleared_goes_by_patch_after_the_event(void **state)
{
    struct lms_record r = get_record(thrive(), "users", "ID-" ID, "thrive/user.json");
    (void)state;
    struct try_save t =
        save(ID, r.doc, json_of("{'firstName':'Ode','timeZone':null,'additionalFields':{'costCentre':null}}"));
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 2);
    assert_request(&t.plan.steps[0], HTTP_POST, "/webhooks");
    assert_request(&t.plan.steps[1], HTTP_PATCH, "/v2/users/ref/UID30084022");
    assert_json(body_of(&t.plan.steps[1]), "{'timeZone':null,'additionalFields':{'costCentre':null}}");
    assert_string_equal(t.plan.labels[1], "the cleared fields");
    try_release(&t);
    t = save(ID, r.doc, json_of("{'email':null}"));
    assert_int_equal(t.rc, -EINVAL);
    assert_contains(t.e.text, "email can't be cleared");
    try_release(&t);
    lms_record_release(&r);
}

static void test_the_verdict_must_be_about_who_was_saved(void **state)
{
    struct lms_verdict v;
    struct err e = {0};
    struct lms_save s = {.ext = "UID30084022"};
    struct http_reply r = reply_data(200, "thrive/event_reply.json");
    (void)state;
    assert_ok(thrive()->saved(users(), &s, 0, &r, &v, &e), e);
    assert_string_equal(v.key, ID);
    assert_null(v.job_id);
    lms_verdict_release(&v);
    s.ext = "UID2";
    assert_int_equal(thrive()->saved(users(), &s, 0, &r, &v, &e), -EPROTO);
    assert_contains(e.text, "EXT-UID2 was saved");
    http_reply_release(&r);
    r = reply_of(204, "");
    assert_ok(thrive()->saved(users(), &s, 0, &r, &v, &e), e);
    assert_null(v.key);
    http_reply_release(&r);
}

static void test_a_conflict_about_the_ref_is_the_same_person_and_one_about_the_address_another(void **state)
{
    static const struct {
        int status;
        const char *body;
        bool same;
    } cases[] = {
        {409, "{\"message\":{\"ref\":\"belongs to an active user already\"}}", true},
        {409, "{\"message\":{\"email\":\"is in use by another user's ref\"}}", false},
        {409, "{\"message\":\"conflict\"}", false},
        {422, "{\"message\":\"ref\"}", false},
    };
    struct lms_save s = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_reply r = reply_of(cases[i].status, cases[i].body);
        assert_int_equal(thrive()->says_exists(users(), &s, &r, NULL), cases[i].same);
        http_reply_release(&r);
    }
}

static void change(enum lms_op op, const char *doc, const char *want)
{
    json_t *d = json_of(doc);
    struct lms_change ch = {.op = op, .key = ID, .ext = "UID30084022", .doc = d, .uid = UID, .now = NOW};
    struct http_request r;
    struct err e = {0};
    assert_ok(thrive()->change_request(users(), &ch, &r, &e), e);
    assert_request(&r, HTTP_POST, "/webhooks");
    assert_true(r.idempotent);
    json_t *body = body_of(&r);
    json_t *user = json_incref(json_object_get(json_object_get(body, "content"), "user"));
    json_object_set(user, "type", json_object_get(body, "eventType"));
    json_object_set(user, "event", json_object_get(body, "id"));
    json_decref(body);
    assert_json(user, want);
    http_request_release(&r);
    json_decref(d);
}

static void test_leaving_coming_back_and_going_for_good_are_events(void **state)
{
    struct http_request r;
    struct err e = {0};
    struct lms_change nobody = {.op = LMS_OP_DEACTIVATE, .key = ID, .uid = UID, .now = NOW};
    (void)state;
    change(LMS_OP_DEACTIVATE, "{'firstName':'Oda'}",
           "{'ref':'UID30084022','endDate':'2020-03-09T00:00:00.000Z','type':'user_suspended','event':'" UID
           "-suspended'}");
    change(LMS_OP_DEACTIVATE, "{'endDate':'2020-04-30'}",
           "{'ref':'UID30084022','endDate':'2020-04-30','type':'user_suspended','event':'" UID "-suspended'}");
    change(LMS_OP_REACTIVATE, "{'email':'o@example.org','firstName':'Oda','lastName':'Brandt','endDate':'2020-04-30'}",
           "{'ref':'UID30084022','email':'o@example.org','firstName':'Oda','lastName':'Brandt','type':'user_joined',"
           "'event':'" UID "-joined'}");
    change(LMS_OP_DELETE, "{'firstName':'Oda'}", "{'ref':'UID30084022','type':'user_deleted','event':'" UID "-deleted'}");
    assert_int_equal(thrive()->change_request(users(), &nobody, &r, &e), -EINVAL);
    assert_contains(e.text, "no ref");
}

static void test_what_the_server_gives_after_all_is_not_called_as_written(void **state)
{
    struct lms_record r = get_record(thrive(), "users", "ID-" ID, "thrive/event_reply.json");
    (void)state;
    json_t *merged = json_deep_copy(r.doc);
    json_object_del(merged, "_readonly");
    json_object_set_new(merged, "domain", json_string("north"));
    json_t *shown = doc_project(users(), r.doc, merged);
    assert_json(json_incref(json_object_get(json_object_get(shown, "_readonly"), "as_written")), "['domain']");
    json_decref(shown);
    json_decref(merged);
    lms_record_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_basic_credentials_and_events_go_to_their_own_url),
        cmocka_unit_test(test_base64_pads_as_rfc_4648_says),
        cmocka_unit_test(test_lists_changes_searches_and_names_are_asked_for),
        cmocka_unit_test(test_a_user_is_read),
        cmocka_unit_test(test_status_words_and_the_boolean_say_who_is_suspended),
        cmocka_unit_test(test_what_is_no_user_is_named),
        cmocka_unit_test(test_an_error_is_told_in_thrives_words),
        cmocka_unit_test(test_a_new_user_is_the_example_of_user_joined),
        cmocka_unit_test(test_only_what_changed_is_in_user_updated_and_custom_fields_stand_beside_the_others),
        cmocka_unit_test(test_what_is_cleared_goes_by_patch_after_the_event),
        cmocka_unit_test(test_the_verdict_must_be_about_who_was_saved),
        cmocka_unit_test(test_a_conflict_about_the_ref_is_the_same_person_and_one_about_the_address_another),
        cmocka_unit_test(test_leaving_coming_back_and_going_for_good_are_events),
        cmocka_unit_test(test_what_the_server_gives_after_all_is_not_called_as_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
