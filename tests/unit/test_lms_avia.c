/* AVIA: requests and replies, the vendor's examples with invented people in them. */
#include "test_lms_support.h"

static const struct lms_provider *avia(void)
{
    return lms_provider("avia");
}

static const struct lms_collection *find(const char *name)
{
    return lms_collection(avia(), name);
}

static struct lms_page page_of(const char *collection, struct http_reply r)
{
    struct lms_page page;
    struct err e = {0};
    assert_ok(avia()->list_reply(find(collection), NULL, &r, &page, &e), e);
    http_reply_release(&r);
    return page;
}

/* The first row of users_page.json, finished. */
static struct lms_page someone(json_t **doc)
{
    struct lms_page page = page_of("users", reply_data(200, "avia/users_page.json"));
    assert_int_equal(doc_finish(find("users"), page.rows[0].doc, true), 0);
    *doc = page.rows[0].doc;
    return page;
}

static struct try_save edit(const char *collection, const char *key, json_t *doc, const char *change)
{
    json_t *saved = json_of(change);
    struct try_save t = try_save(avia(), collection, NULL, key, doc, doc, saved);
    json_decref(saved);
    return t;
}

/* ------------------------------------------------------------------ credentials and lists */

static void test_every_request_carries_the_bearer_token(void **state)
{
    struct lms_account a = {.access_token = "leyndarmal"};
    struct http_request r = {0};
    struct err e;
    (void)state;
    assert_null(avia()->token_request);
    assert_int_equal(avia()->authorize(&a, NULL, &r), 0);
    assert_string_equal(r.headers[0].name, "Authorization");
    assert_string_equal(r.headers[0].value, "Bearer leyndarmal");
    http_request_release(&r);
    assert_ok(avia()->check_request(&a, &r, &e), e);
    assert_request(&r, HTTP_GET, "/wp-json/avia/hr/v1/user?page=1&per_page=1&role=all");
    http_request_release(&r);
}

static void test_people_come_in_pages_and_groups_in_one_piece(void **state)
{
    struct http_request r;
    struct err e;
    (void)state;
    assert_ok(avia()->list_request(find("users"), NULL, 3, &r, &e), e);
    assert_request(&r, HTTP_GET, "/wp-json/avia/hr/v1/user?page=3&per_page=100&role=all");
    http_request_release(&r);
    assert_ok(avia()->list_request(find("groups"), NULL, 1, &r, &e), e);
    assert_request(&r, HTTP_GET, "/wp-json/avia/hr/v1/groups");
    http_request_release(&r);
    struct lms_page p = page_of("groups", reply_of(200, "[{\"ID\":1,\"title\":\"A\"},{\"ID\":2,\"title\":\"B\"}]"));
    assert_int_equal(p.total, 2);
    lms_page_release(&p);
}

static void test_a_row_is_read(void **state)
{
    (void)state;
    json_t *doc;
    struct lms_page p = someone(&doc);
    assert_int_equal(p.total, -1); /* none is given */
    assert_int_equal(p.rows_n, 2);
    assert_string_equal(p.rows[0].key, "693");
    assert_string_equal(p.rows[0].email, "jdoe@example.com");
    assert_true(p.rows[0].active && !p.rows[0].state_unsaid);
    json_object_del(json_object_get(doc, "_readonly"), "version");
    assert_json(
        json_incref(doc),
        "{'ssn':'123-45-6789','email':'jdoe@example.com','username':'jdoe','first_name':'John','last_name':'Doe',"
        "'name':'John Doe','locale':'is_IS','role':'user','fields':{'department':'Sales',"
        "'job_title':'Sales Associate','id':'693','detail_id':'6931','manager_name':'Jane Smith',"
        "'manager_ids':['789','012'],'work_email':'jdoe@work.example','phone':'555-555-5555',"
        "'employment_status':'full_time','employment_status_name':'Full Time','address':'123 Main St',"
        "'postal_code':'12345','city':'Anytown'},"
        "'_readonly':{'ID':693,'status':'unsuspended','registered':'2024-05-01','complete':true}}");
    assert_string_equal(p.rows[1].key, "694");
    assert_false(p.rows[1].active);
    lms_page_release(&p);
}

static void test_lists_are_read_under_every_envelope(void **state)
{
    static const char *const bodies[] = {"[{\"ID\":5}]", " \n[{\"id\":5}]", "{\"users\":[{\"ID\":\"5\"}]}",
                                         "{\"data\":[{\"id\":\"5\"}],\"total\":1}"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct lms_page p = page_of("users", reply_of(200, bodies[i]));
        assert_int_equal(p.rows_n, 1);
        assert_string_equal(p.rows[0].key, "5");
        assert_true(p.rows[0].state_unsaid); /* a row without a status leaves what is known */
        lms_page_release(&p);
    }
}

static void test_bad_lists_are_named(void **state)
{
    static const char *const bodies[] = {"",
                                         "<html>502</html>",
                                         "{}",
                                         "{\"users\":5}",
                                         "[5]",
                                         "[{\"ID\":0}]",
                                         "[{\"ID\":\"../etc\"}]",
                                         "[{\"ID\":5},{\"ID\":5}]",
                                         "[{\"ID\":5}"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct http_reply r = reply_of(200, bodies[i]);
        struct lms_page p;
        struct err e = {0};
        assert_int_equal(avia()->list_reply(find("users"), NULL, &r, &p, &e), -EPROTO);
        assert_true(e.text[0]);
        http_reply_release(&r);
    }
}

static void test_a_row_that_cannot_be_represented_spoils_itself_only(void **state)
{
    (void)state;
    struct lms_page p = page_of("users", reply_of(200, "[{\"ID\":5,\"name\":\"\\ud800\"},{\"ID\":6}]"));
    assert_int_equal(p.rows_n, 1);
    assert_int_equal(p.spoiled, 1);
    assert_string_equal(p.spoiled_keys[0], "5");
    lms_page_release(&p);
}

/* ------------------------------------------------------------------ A3: by ssn */

static int get(const char *collection, const char *stem, struct http_reply r, struct lms_record *out, struct err *e)
{
    *e = (struct err){0};
    int rc = avia()->get_reply(find(collection), NULL, stem, &r, out, e);
    http_reply_release(&r);
    return rc;
}

static void test_a_search_by_ssn_gives_the_id_and_shows_no_ssn(void **state)
{
    struct http_request q;
    struct lms_record r;
    struct err e = {0};
    (void)state;
    assert_ok(avia()->get_request(find("users"), NULL, "SSN-123-45-6789", &q, &e), e);
    assert_request(&q, HTTP_GET, "/wp-json/avia/hr/v1/user/ssn/123-45-6789");
    assert_string_equal(http_shown(&q), "/wp-json/avia/hr/v1/user/ssn/***");
    http_request_release(&q);
    assert_int_equal(avia()->get_request(find("users"), NULL, "ID-5", &q, &e), -ENOTSUP);
    assert_int_equal(avia()->get_request(find("users"), NULL, "SSN-..", &q, &e), -ENOENT);
    assert_null(strstr(e.text, ".."));
    assert_ok(get("users", "SSN-123-45-6789", reply_data(200, "avia/user_found.json"), &r, &e), e);
    assert_string_equal(r.key, "693");
    assert_true(r.partial && r.state_unsaid);
    lms_record_release(&r);
    assert_int_equal(get("users", "SSN-1", reply_data(200, "avia/ssn_not_found.json"), &r, &e), -ENOENT);
    assert_int_equal(get("users", "SSN-1", reply_data(200, "avia/user_found.json"), &r, &e), -EPROTO);
    assert_null(strstr(e.text, "6789"));
    assert_int_equal(get("users", "SSN-1", reply_of(200, "{\"code\":\"user_found\"}"), &r, &e), -EPROTO);
}

/* ------------------------------------------------------------------ A1: create */

static void test_the_vendors_create_is_made(void **state)
{
    (void)state;
    json_t *want = json_data("avia/user_create_request.json"), *doc = json_deep_copy(want);
    json_object_set(doc, "ssn", json_object_get(json_object_get(doc, "fields"), "ssn"));
    json_object_del(json_object_get(doc, "fields"), "ssn");
    struct try_save t = try_save(avia(), "users", NULL, NULL, NULL, NULL, doc);
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 1);
    assert_request(&t.plan.steps[0], HTTP_POST, "/wp-json/avia/hr/v1/user");
    assert_false(t.plan.steps[0].idempotent);
    json_t *body = body_of(&t.plan.steps[0]);
    assert_true(doc_equal(body, want));
    json_decref(body);

    struct lms_save s = {.merged = t.merged, .changed = t.changed};
    struct http_reply r = reply_data(201, "avia/user_created.json");
    struct lms_verdict v;
    assert_ok(avia()->saved(find("users"), &s, 0, &r, &v, &t.e), t.e);
    assert_string_equal(v.key, "693");
    assert_null(json_object_get(v.taken, "user_pass"));
    lms_verdict_release(&v);
    http_reply_release(&r);
    try_release(&t);
    json_decref(doc);
    json_decref(want);
}

static void test_a_create_without_what_it_needs_is_refused(void **state)
{
    (void)state;
    struct try_save t =
        edit("users", NULL, NULL,
             "{'ssn':'1234567890','email':'a@example.org','username':'a','first_name':'A','last_name':'B',"
             "'name':'A B','fields':{'department':'Sales'}}");
    assert_int_equal(t.rc, -EINVAL);
    assert_contains(t.e.text, "fields.job_title");
    try_release(&t);
    t = edit("users", NULL, NULL, "{'email':'a@example.org'}");
    assert_int_equal(t.rc, -EINVAL);
    assert_contains(t.e.text, "ssn is missing");
    try_release(&t);
}

static void test_a_create_whose_reply_gives_no_id_is_no_success(void **state)
{
    static const char *const bodies[] = {"", "{}", "{\"message\":\"ok\"}", "<html>"};
    (void)state;
    json_t *doc = json_of("{'ssn':'1','fields':{}}");
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct lms_save s = {.merged = doc};
        struct http_reply r = reply_of(201, bodies[i]);
        struct lms_verdict v;
        struct err e = {0};
        assert_int_equal(avia()->saved(find("users"), &s, 0, &r, &v, &e), -EPROTO);
        http_reply_release(&r);
    }
    json_decref(doc);
}

/* ------------------------------------------------------------------ A4, A6: update */

static void test_an_update_sends_the_whole_record(void **state)
{
    (void)state;
    json_t *doc, *want = json_data("avia/user_update_request.json"), *partial = json_deep_copy(want);
    struct lms_page p = someone(&doc);
    json_object_set(doc, "ssn", json_object_get(want, "ssn"));
    struct try_save t = try_save(avia(), "users", NULL, "693", doc, doc, partial);
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 1);
    assert_request(&t.plan.steps[0], HTTP_PUT, "/wp-json/avia/hr/v1/user/update");
    assert_true(t.plan.steps[0].idempotent);
    json_t *body = body_of(&t.plan.steps[0]);
    assert_true(doc_equal(body, want)); /* no role, and the ssn at the top */
    json_decref(body);
    try_release(&t);
    json_decref(partial);

    t = edit("users", "693", doc, "{'fields':{'city':'Vik','shoe_size':'44'}}");
    assert_ok(t.rc, t.e);
    body = body_of(&t.plan.steps[0]);
    assert_int_equal(json_object_size(body), 8);
    assert_int_equal(json_object_size(json_object_get(body, "fields")), 14);
    assert_string_equal(json_string_value(json_object_get(json_object_get(body, "fields"), "job_title")),
                        "Sales Associate");
    json_decref(body);
    try_release(&t);
    json_decref(want);
    lms_page_release(&p);
}

static void test_what_is_not_known_is_not_emptied(void **state)
{
    (void)state;
    struct lms_page p = page_of(
        "users",
        reply_of(200, "[{\"ID\":5,\"ssn\":\"1234567890\",\"email\":\"a@example.org\",\"fields\":{\"city\":\"Vik\"}}]"));
    json_t *doc = p.rows[0].doc;
    struct try_save t = edit("users", "5", doc, "{'first_name':'Ana'}");
    assert_int_equal(t.rc, -EAGAIN);
    assert_contains(t.e.text, "username");
    try_release(&t);
    t = edit("users", "5", doc, "{'role':'admin'}"); /* the role is known to be what is sent */
    assert_ok(t.rc, t.e);
    try_release(&t);
    json_t *whole = json_data("avia/user_update_request.json");
    json_object_del(whole, "ssn");
    t = try_save(avia(), "users", NULL, "5", doc, doc, whole);
    assert_ok(t.rc, t.e); /* a document with every documented key needs no base */
    assert_int_equal(t.plan.n, 1);
    try_release(&t);
    json_object_del(json_object_get(whole, "fields"), "postal_code");
    t = try_save(avia(), "users", NULL, "5", doc, doc, whole);
    assert_int_equal(t.rc, -EAGAIN);
    assert_contains(t.e.text, "fields.postal_code");
    try_release(&t);
    json_decref(whole);
    lms_page_release(&p);
}

static void test_the_role_is_a_request_of_its_own(void **state)
{
    (void)state;
    json_t *doc;
    struct lms_page p = someone(&doc);
    struct try_save t = edit("users", "693", doc, "{'role':'group_leader'}");
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 1);
    assert_request(&t.plan.steps[0], HTTP_PUT, "/wp-json/avia/hr/v1/user/update/role");
    assert_json(body_of(&t.plan.steps[0]), "{'role':'group_leader','ssn':'123-45-6789'}");
    try_release(&t);

    t = edit("users", "693", doc, "{'role':'admin','name':'J D'}");
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 2);
    assert_request(&t.plan.steps[1], HTTP_PUT, "/wp-json/avia/hr/v1/user/update/role");
    assert_string_equal(t.plan.labels[0], "the record");
    struct lms_save s = {.key = "693", .base = doc, .merged = t.merged, .changed = t.changed};
    struct http_reply r = reply_of(200, "");
    struct lms_verdict v;
    assert_ok(avia()->saved(find("users"), &s, 0, &r, &v, &t.e), t.e);
    assert_string_equal(json_string_value(json_object_get(v.taken, "role")), "user"); /* not yet */
    assert_string_equal(json_string_value(json_object_get(v.taken, "name")), "J D");
    lms_verdict_release(&v);
    assert_ok(avia()->saved(find("users"), &s, 1, &r, &v, &t.e), t.e);
    assert_string_equal(json_string_value(json_object_get(v.taken, "role")), "admin");
    lms_verdict_release(&v);
    http_reply_release(&r);
    try_release(&t);

    t = edit("users", "693", doc, "{'role':'subscriber'}");
    assert_int_equal(t.rc, -EINVAL);
    try_release(&t);
    lms_page_release(&p);
}

static void test_a_200_that_is_a_refusal_is_one(void **state)
{
    (void)state;
    json_t *doc = json_of("{'ssn':'1','fields':{}}");
    struct lms_save s = {.key = "5", .base = doc, .merged = doc};
    struct http_reply r = reply_data(200, "avia/ssn_not_found.json");
    struct lms_verdict v;
    struct err e = {0};
    assert_int_equal(avia()->saved(find("users"), &s, 0, &r, &v, &e), -ENOENT);
    assert_contains(e.text, "No user was found");
    http_reply_release(&r);
    json_decref(doc);
}

static void test_what_cannot_be_written_is_refused(void **state)
{
    static const char *const changes[] = {"{'ssn':'9'}",
                                          "{'fields':{'department':''}}",
                                          "{'fields':{'ssn':'123-45-6789'}}",
                                          "{'user_pass':'x'}",
                                          "{'name':null}",
                                          "{'ssn':'***'}",
                                          "{'shoe':'44'}"};
    (void)state;
    json_t *doc;
    struct lms_page p = someone(&doc);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct try_save t = edit("users", "693", doc, changes[i]);
        assert_int_equal(t.rc, -EINVAL);
        try_release(&t);
    }
    struct try_save t = try_save(avia(), "users", NULL, "693", doc, doc, doc);
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 0); /* what is shown can be saved unchanged */
    try_release(&t);
    lms_page_release(&p);
}

/* ------------------------------------------------------------------ A2, A5: leaving */

static void test_a_get_that_suspends_is_no_get(void **state)
{
    static const struct {
        enum lms_op op;
        enum http_method method;
        const char *path, *shown;
    } want[] = {
        {LMS_OP_DEACTIVATE, HTTP_GET, "/suspend/1234567890?action=suspend", "/suspend/***?action=suspend"},
        {LMS_OP_REACTIVATE, HTTP_GET, "/suspend/1234567890?action=unsuspend", "/suspend/***?action=unsuspend"},
        {LMS_OP_DELETE, HTTP_DELETE, "/user/delete/1234567890", "/user/delete/***"},
    };
    struct http_request r;
    struct err e = {0};
    char path[128];
    (void)state;
    json_t *doc = json_of("{'ssn':'1234567890'}"), *none = json_of("{}");
    for (size_t i = 0; i < 3; i++) {
        struct lms_change ch = {.op = want[i].op, .key = "5", .doc = doc};
        assert_ok(avia()->change_request(find("users"), &ch, &r, &e), e);
        snprintf(path, sizeof path, "/wp-json/avia/hr/v1%s", want[i].path);
        assert_request(&r, want[i].method, path);
        snprintf(path, sizeof path, "/wp-json/avia/hr/v1%s", want[i].shown);
        assert_string_equal(http_shown(&r), path);
        assert_int_equal(r.idempotent, want[i].op == LMS_OP_DELETE); /* never sent again blindly */
        http_request_release(&r);
        ch.doc = none;
        assert_int_equal(avia()->change_request(find("users"), &ch, &r, &e), -EINVAL);
        assert_int_equal(avia()->change_request(find("groups"), &ch, &r, &e), -EPERM);
    }
    json_decref(doc);
    json_decref(none);
}

static int verdict(enum lms_op op, struct http_reply r, struct err *e)
{
    struct lms_change ch = {.op = op};
    *e = (struct err){0};
    int rc = avia()->change_reply(find("users"), &ch, &r, e);
    http_reply_release(&r);
    return rc;
}

static void test_the_verdict_is_the_bodys_status(void **state)
{
    struct err e;
    (void)state;
    assert_ok(verdict(LMS_OP_DEACTIVATE, reply_data(201, "avia/suspended.json"), &e), e);
    assert_int_equal(verdict(LMS_OP_REACTIVATE, reply_data(201, "avia/suspended.json"), &e), -EIO);
    assert_contains(e.text, "\"suspended\"");
    assert_int_equal(verdict(LMS_OP_DEACTIVATE, reply_of(201, "{}"), &e), -EPROTO);
    assert_int_equal(verdict(LMS_OP_DEACTIVATE, reply_of(201, "<html>"), &e), -EPROTO);
    assert_ok(verdict(LMS_OP_DELETE, reply_of(200, ""), &e), e);
}

/* ------------------------------------------------------------------ A7–A10: groups */

static void test_a_group_is_read(void **state)
{
    (void)state;
    struct lms_record r = get_record(avia(), "groups", "ID-470543", "avia/group.json");
    json_object_del(json_object_get(r.doc, "_readonly"), "version");
    assert_json(
        json_incref(r.doc),
        "{'title':'Test Group','group_users':['34523434234234234','1313123213123123'],'group_admins':['1234567890'],"
        "'_readonly':{'ID':470543,'total_users':2,'users':[{'ID':5,'name':'Ana User'},{'ID':6,'name':'Bo User'}],"
        "'managers':[{'ID':7,'name':'Cy Lead'}],'complete':true}}");
    lms_record_release(&r);
    struct err e;
    assert_int_equal(get("groups", "ID-5", reply_data(200, "avia/group.json"), &r, &e), -EPROTO);
}

static void test_the_vendors_group_is_created(void **state)
{
    (void)state;
    struct try_save t =
        edit("groups", NULL, NULL,
             "{'title':'Test HRAF Group','group_users':['34523434234234234','1313123213123123'],"
             "'group_admins':['1234567890'],'_options':{'social_group_create':true,'social_group_status':'public'}}");
    assert_ok(t.rc, t.e);
    assert_request(&t.plan.steps[0], HTTP_POST, "/wp-json/avia/hr/v1/groups");
    json_t *body = body_of(&t.plan.steps[0]), *want = json_data("avia/group_create_request.json");
    assert_true(doc_equal(body, want));
    json_decref(body);
    json_decref(want);
    try_release(&t);
}

static void test_members_are_added_and_nothing_else(void **state)
{
    (void)state;
    json_t *base = json_of("{'title':'T','group_users':['1111111111'],'group_admins':[],'_readonly':{'ID':472660}}");
    struct try_save t =
        edit("groups", "472660", base,
             "{'group_users':['43943900324','1313123213123123'],"
             "'group_admins':['1234567890','1231231231231231'],'_options':{'update_social_group':true}}");
    assert_ok(t.rc, t.e);
    assert_int_equal(t.plan.n, 1);
    assert_request(&t.plan.steps[0], HTTP_POST, "/wp-json/avia/hr/v1/groups/enroll");
    json_t *body = body_of(&t.plan.steps[0]), *want = json_data("avia/enroll_request.json");
    assert_true(doc_equal(body, want)); /* a partial document's members are added to those there are */
    json_decref(body);
    json_decref(want);
    try_release(&t);

    static const struct {
        const char *saved;
        int rc;
    } refused[] = {
        {"{'title':'T','group_users':[],'group_admins':[],'_readonly':{'ID':472660}}", -EPERM},
        {"{'group_users':[]}", -EPERM},
        {"{'title':'Other'}", -EPERM},
        {"{'group_users':[5]}", -EINVAL},
        {"{'group_users':['***']}", -EINVAL},
        {"{'group_users':['2'],'_options':{'social_group_create':true}}", -EINVAL},
        {"{'group_users':['2'],'_options':{'update_social_group':'yes'}}", -EINVAL},
        {"{'group_users':['2'],'_options':{'unheard_of':1}}", -EINVAL},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        t = edit("groups", "472660", base, refused[i].saved);
        assert_int_equal(t.rc, refused[i].rc);
        try_release(&t);
    }
    json_decref(base);
}

/* ------------------------------------------------------------------ A12: search */

static void search_is(const char *collection, const char *text, const char *path)
{
    struct http_request r;
    struct err e = {0};
    uint64_t window = 7;
    assert_ok(avia()->search_request(find(collection), text, 2, &r, &window, &e), e);
    assert_request(&r, HTTP_GET, path);
    assert_int_equal(window, 0);
    http_request_release(&r);
}

static void test_searches(void **state)
{
    struct http_request r;
    struct err e = {0};
    uint64_t window;
    (void)state;
    search_is("groups", "fire & safety", "/wp-json/avia/hr/v1/groups?search=fire%20%26%20safety");
    search_is("groups", "search=fire", "/wp-json/avia/hr/v1/groups?search=fire");
    search_is("users", "role=admin", "/wp-json/avia/hr/v1/user?page=2&per_page=100&role=admin");
    assert_int_equal(avia()->search_request(find("users"), "jane", 1, &r, &window, &e), -EINVAL);
    assert_contains(e.text, "role");
    assert_int_equal(avia()->search_request(find("users"), "role=boss", 1, &r, &window, &e), -EINVAL);
}

/* ------------------------------------------------------------------ private */

static void test_the_ssn_is_masked_where_it_leaves(void **state)
{
    char text[] = "SSN 1234567890 and 1234567890 are taken, 12 is not";
    (void)state;
    json_t *user = json_of("{'ssn':'1234567890','name':'A'}"),
           *group = json_of("{'title':'T','group_users':['1','2']}");
    assert_json(doc_masked(find("users"), user), "{'ssn':'***','name':'A'}");
    json_t *masked = json_of("{'ssn':'***','name':'B'}"), *other = json_of("{'ssn':'7777777777','name':'B'}");
    assert_int_equal(doc_unmask(find("users"), masked, user), 0);
    assert_json(masked, "{'ssn':'1234567890','name':'B'}");
    assert_int_equal(doc_unmask(find("users"), other, user), 0);
    assert_json(other, "{'ssn':'7777777777','name':'B'}");
    assert_json(doc_masked(find("groups"), group), "{'title':'T','group_users':['***','***']}");
    doc_mask_text(find("users"), user, text);
    assert_string_equal(text, "SSN *** and *** are taken, 12 is not");
    json_decref(user);
    json_decref(group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_request_carries_the_bearer_token),
        cmocka_unit_test(test_people_come_in_pages_and_groups_in_one_piece),
        cmocka_unit_test(test_a_row_is_read),
        cmocka_unit_test(test_lists_are_read_under_every_envelope),
        cmocka_unit_test(test_bad_lists_are_named),
        cmocka_unit_test(test_a_row_that_cannot_be_represented_spoils_itself_only),
        cmocka_unit_test(test_a_search_by_ssn_gives_the_id_and_shows_no_ssn),
        cmocka_unit_test(test_the_vendors_create_is_made),
        cmocka_unit_test(test_a_create_without_what_it_needs_is_refused),
        cmocka_unit_test(test_a_create_whose_reply_gives_no_id_is_no_success),
        cmocka_unit_test(test_an_update_sends_the_whole_record),
        cmocka_unit_test(test_what_is_not_known_is_not_emptied),
        cmocka_unit_test(test_the_role_is_a_request_of_its_own),
        cmocka_unit_test(test_a_200_that_is_a_refusal_is_one),
        cmocka_unit_test(test_what_cannot_be_written_is_refused),
        cmocka_unit_test(test_a_get_that_suspends_is_no_get),
        cmocka_unit_test(test_the_verdict_is_the_bodys_status),
        cmocka_unit_test(test_a_group_is_read),
        cmocka_unit_test(test_the_vendors_group_is_created),
        cmocka_unit_test(test_members_are_added_and_nothing_else),
        cmocka_unit_test(test_searches),
        cmocka_unit_test(test_the_ssn_is_masked_where_it_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
