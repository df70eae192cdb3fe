/* HowNow: logging in and reading. The replies are the vendor's examples with invented people in them. */
#include "test_lms_support.h"

static const struct lms_provider *hownow(void)
{
    return lms_provider("hownow");
}

static const struct lms_collection *find(const char *name)
{
    return lms_collection(hownow(), name);
}

/* ------------------------------------------------------------------ login */

static void test_login_is_a_form_with_its_values_encoded(void **state)
{
    struct lms_account a = {.client_id = "id&1", .client_secret = "s=+ü %"};
    struct http_request r;
    struct err e = {0};
    (void)state;
    assert_ok(hownow()->token_request(&a, &r, &e), e);
    assert_request(&r, HTTP_POST, "/token");
    assert_string_equal(r.content_type, "application/x-www-form-urlencoded");
    assert_string_equal(r.body, "grant_type=client_credentials&client_id=id%261&client_secret=s%3D%2B%C3%BC%20%25");
    assert_int_equal(hownow()->authorize(&a, NULL, &r), 0);
    assert_int_equal(r.headers_n, 0);
    http_request_release(&r);
    assert_int_equal(hownow()->token_request(&(struct lms_account){.client_id = "x"}, &r, &e), -EINVAL);
}

static int read_token(int status, const char *body, struct lms_token *t, struct err *e)
{
    struct http_reply r = reply_of(status, body);
    *e = (struct err){0};
    int rc = hownow()->token_reply(&r, t, e);
    http_reply_release(&r);
    return rc;
}

static void test_a_login_reply_is_believed_only_when_it_is_one(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{\"access_token\":5,\"expires_in\":1}",
        "{\"access_token\":\"\",\"expires_in\":1}",
        "{\"access_token\":\"a\"}",
        "{\"access_token\":\"a\",\"expires_in\":0}",
        "{\"access_token\":\"a\",\"expires_in\":-1}",
        "{\"access_token\":\"a\",\"expires_in\":\"3600\"}",
        "{\"access_token\":\"a\\r\\nX-Evil: 1\",\"expires_in\":1}",
        "{\"access_token\":\"a b\",\"expires_in\":1}",
        "{\"access_token\":\"a\\u0000b\",\"expires_in\":1}",
        "{\"access_token\":\"\\u00fc\",\"expires_in\":1}",
        "{\"access_token\":\"a\",\"expires_in\":1,\"token_type\":\"mac\"}",
        "<html>",
        "",
        "[]",
    };
    struct lms_token t;
    struct err e;
    (void)state;
    size_t len;
    char *text = read_data("hownow/token.json", &len);
    assert_ok(read_token(200, text, &t, &e), e);
    assert_int_equal(t.expires_in, 3600);
    assert_string_equal(t.value, "eyJraWQiOiJleGFtcGxlIn0.eyJzdWIiOiJsbXNmcyJ9.c2lnbmF0dXJl");
    lms_token_release(&t);
    free(text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (read_token(200, bad[i], &t, &e) != -EPROTO || !e.text[0])
            fail_msg("%s is taken for a token", bad[i]);
        assert_null(t.value);
    }
    assert_int_equal(read_token(401, "{\"error\": \"invalid_client\"}", &t, &e), -EACCES);
    assert_string_equal(e.text, "invalid_client");
    assert_int_equal(read_token(400, "{\"error\": \"invalid_request\"}", &t, &e), -EINVAL);
}

static const char *header(const struct http_request *r, const char *name)
{
    for (size_t i = 0; i < r->headers_n; i++)
        if (!strcmp(r->headers[i].name, name))
            return r->headers[i].value;
    return NULL;
}

static void test_requests_carry_the_token_and_who_acts(void **state)
{
    struct lms_account a = {.act_as = "EMAIL-boss@example.org"};
    struct http_request r = {.path = strdup("/external/v1/users")};
    (void)state;
    assert_int_equal(hownow()->authorize(&a, "tok", &r), 0);
    assert_string_equal(header(&r, "Authorization"), "Bearer tok");
    assert_string_equal(header(&r, "X-User-Id"), "EMAIL-boss@example.org");
    http_request_release(&r);
    r.path = strdup("/external/v1/users");
    a.act_as = NULL;
    assert_int_equal(http_request_header(&r, "X-User-Id", "ID-5"), 0);
    assert_int_equal(hownow()->authorize(&a, "tok", &r), 0);
    assert_int_equal(r.headers_n, 2);
    assert_string_equal(header(&r, "X-User-Id"), "ID-5");
    http_request_release(&r);
}

/* ------------------------------------------------------------------ lists */

static void test_lists_are_asked_for_in_the_largest_pages(void **state)
{
    static const struct {
        const char *collection, *parent, *path;
    } cases[] = {
        {"users", NULL, "/external/v1/users?page=7&per_page=100"},
        {"job-roles", NULL, "/external/v1/job_roles?page=7&per_page=100"},
        {"groups", NULL, "/external/v1/groups?page=7&per_page=100"},
        {"skills", NULL, "/external/v1/skills?page=7&per_page=100"},
        {"group-members", "11008", "/external/v1/groups/11008/users?page=7&per_page=100"},
    };
    struct http_request r;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(hownow()->list_request(find(cases[i].collection), cases[i].parent, 7, &r, &e), e);
        assert_request(&r, HTTP_GET, cases[i].path);
        assert_true(r.idempotent);
        http_request_release(&r);
    }
    assert_int_equal(hownow()->list_request(find("group-members"), "../11008", 1, &r, &e), -EINVAL);
    assert_ok(hownow()->check_request(NULL, &r, &e), e);
    assert_request(&r, HTTP_GET, "/external/v1/users?page=1&per_page=1");
    http_request_release(&r);
}

static struct lms_page list(const char *collection, const char *file)
{
    struct lms_page p;
    struct err e;
    struct http_reply r = reply_data(200, file);
    assert_ok(hownow()->list_reply(find(collection), NULL, &r, &p, &e), e);
    http_reply_release(&r);
    assert_int_equal(p.spoiled, 0);
    return p;
}

static void test_a_page_of_users_is_read(void **state)
{
    (void)state;
    struct lms_page p = list("users", "hownow/users_page.json");
    assert_int_equal(p.rows_n, 2);
    assert_int_equal(p.total, 2261);
    const struct lms_record *r = &p.rows[1];
    assert_string_equal(r->key, "290778");
    assert_string_equal(r->ext, "accounts-2334");
    assert_string_equal(r->email, "tomas@example.org");
    assert_true(r->active);
    assert_int_equal(r->mtime, 0);
    assert_int_equal(r->made_at, 1761891113); /* 2025-10-31T06:11:53Z */
    assert_int_equal(doc_finish(find("users"), r->doc, false), 0);
    json_object_del(json_object_get(r->doc, "_readonly"), "version");
    assert_json(
        json_incref(r->doc),
        "{'external_user_id':'accounts-2334','name':'Tomás Brandt','email':'tomas@example.org','user_type':'Admin',"
        "'manager_id':'ID-55834','start_date':null,'job_role':{'name':'Acting CFO'},"
        "'_readonly':{'id':290778,'status':'Active','state':'enabled','created_at':'2025-10-31T06:11:53Z',"
        "'last_signed_at':'2025-12-02T09:45:58Z','last_active_at':'2025-12-22T09:27:55Z','job_role':'Acting CFO',"
        "'manager':{'id':55834,'name':'Marta Okonjo','image_details':{"
        "'url':'https://files.example.org/avatars/55834/thumbnail/"
        "avatar.png','uploaded':false,'backdrop_color_code':''}},"
        "'group_count':15,'image_details':{'url':'https://files.example.org/avatars/290778/thumbnail/avatar.png',"
        "'uploaded':false,'backdrop_color_code':'#ffce00'},'complete':false}}");
    assert_json(json_incref(json_object_get(p.rows[0].doc, "manager_id")), "null");
    assert_json(json_incref(json_object_get(p.rows[0].doc, "job_role")), "null");
    assert_null(json_object_get(r->doc, "custom_fields")); /* only the detail has them */
    lms_page_release(&p);
}

static void test_read_only_documents_are_the_apis_objects(void **state)
{
    static const struct {
        const char *collection, *file;
        size_t rows;
        int64_t total, mtime;
    } cases[] = {
        {"groups", "hownow/groups_page.json", 3, 563, 1770978046},
        {"group-members", "hownow/group_users_page.json", 3, 63, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *reply = json_data(cases[i].file), *rows = json_object_get(reply, "data");
        struct lms_page p = list(cases[i].collection, cases[i].file);
        assert_int_equal(p.rows_n, cases[i].rows);
        assert_int_equal(p.total, cases[i].total);
        assert_int_equal(p.rows[0].mtime, cases[i].mtime);
        for (size_t j = 0; j < p.rows_n; j++) {
            assert_true(p.rows[j].active);
            assert_int_equal(doc_finish(find(cases[i].collection), p.rows[j].doc, true), 0);
            assert_json_is(json_incref(p.rows[j].doc), json_incref(json_array_get(rows, j)));
        }
        lms_page_release(&p);
        json_decref(reply);
    }
    struct lms_page p = list("group-members", "hownow/group_users_page.json");
    assert_string_equal(p.rows[0].email, "ravi@example.org");
    assert_string_equal(p.rows[0].key, "56196");
    assert_int_equal(p.rows[0].made_at, 1648047575); /* since when a member */
    lms_page_release(&p);
}

static void test_a_skill_can_be_created_so_it_has_writable_fields(void **state)
{
    (void)state;
    struct lms_page p = list("skills", "hownow/skills_page.json");
    assert_int_equal(p.total, 41169);
    assert_json(json_incref(p.rows[2].doc),
                "{'name':'.HTACCESS','external_id':null,'_readonly':{'id':360,'average_rating':2,'users_count':40,"
                "'job_roles_count':4,'created_at':'2025-08-11T06:20:41Z','updated_at':'2025-08-11T06:20:41Z'}}");
    assert_int_equal(p.rows[2].mtime, 1754893241);
    lms_page_release(&p);
}

/* ------------------------------------------------------------------ one record */

static void test_a_record_is_asked_for_by_id_and_external_id(void **state)
{
    static const struct {
        const char *collection, *stem, *path;
    } cases[] = {
        {"users", "ID-65728", "/external/v1/users/ID-65728"},
        {"users", "EXT-lnd_1234", "/external/v1/users/EXT-lnd_1234"},
        {"users", "EXT-../../etc", "/external/v1/users/EXT-..%2F..%2Fetc"},
        {"users", "EXT-a?b=c#d", "/external/v1/users/EXT-a%3Fb%3Dc%23d"},
        {"users", "EMAIL-noor+1@example.org", "/external/v1/users?page=1&per_page=100&q=noor%2B1%40example.org"},
        {"job-roles", "ID-9243", "/external/v1/job_roles/ID-9243"},
        {"job-roles", "EXT-JR-001", "/external/v1/job_roles/EXT-JR-001"},
        {"groups", "ID-11008", "/external/v1/groups/11008"},
        {"skills", "ID-360", "/external/v1/skills/ID-360"},
        {"skills", "EXT-SKL-ML-001", "/external/v1/skills/EXT-SKL-ML-001"},
    };
    static const struct {
        const char *collection, *stem;
        int rc;
    } refused[] = {
        {"groups", "EXT-a", -ENOTSUP},
        {"groups", "EMAIL-a@example.org", -ENOTSUP},
        {"group-members", "ID-5", -ENOTSUP},
        {"users", "SSN-1", -ENOTSUP},
        {"users", "EXT-", -ENOTSUP},
        {"users", "ID-..", -ENOENT},
        {"users", "ID-0", -ENOENT},
        {"users", "ID-5/deactivate", -ENOENT},
        {"groups", "ID-99999999999999999999", -ENOENT},
    };
    struct http_request r;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(hownow()->get_request(find(cases[i].collection), NULL, cases[i].stem, &r, &e), e);
        assert_request(&r, HTTP_GET, cases[i].path);
        http_request_release(&r);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(hownow()->get_request(find(refused[i].collection), NULL, refused[i].stem, &r, &e),
                         refused[i].rc);
}

static void test_only_the_detail_has_custom_fields_under_the_names_they_are_written_with(void **state)
{
    (void)state;
    struct lms_record r = get_record(hownow(), "users", "ID-65728", "hownow/user_detail.json");
    assert_json(
        json_incref(json_object_get(r.doc, "custom_fields")),
        "[{'field_name':'FAIS_Accreditation','value':'No'},{'field_name':'Employee_Identity_Number','value':''},"
        "{'field_name':'department','value':'Engineering'}]");
    assert_json(json_incref(json_object_get(r.doc, "start_date")), "'2022-08-08'");
    assert_null(json_object_get(json_object_get(r.doc, "_readonly"), "joined_organisation_on"));
    assert_false(r.is_row);
    assert_true(doc_complete(r.doc));
    lms_record_release(&r);
}

static void test_a_detail_over_its_row_differs_only_by_what_the_row_lacks(void **state)
{
    (void)state;
    struct lms_record r = get_record(hownow(), "users", "ID-65728", "hownow/user_detail.json");
    struct lms_page p = list("users", "hownow/user_row.json");
    json_t *over = doc_overlay_row(r.doc, p.rows[0].doc);
    assert_int_equal(doc_finish(find("users"), over, true), 0);
    assert_json_is(over, json_incref(r.doc));
    lms_page_release(&p);
    lms_record_release(&r);
}

static int get(const char *collection, const char *stem, const char *body, struct lms_record *out, struct err *e)
{
    struct http_reply r = reply_of(200, body);
    *e = (struct err){0};
    int rc = hownow()->get_reply(find(collection), NULL, stem, &r, out, e);
    http_reply_release(&r);
    return rc;
}

static void test_another_persons_record_is_never_taken_for_the_one_asked_for(void **state)
{
    struct lms_record r;
    struct err e;
    (void)state;
    const char *body = "{\"data\":{\"id\":5,\"external_user_id\":\"abc\",\"email\":\"a@example.org\"}}";
    assert_int_equal(get("users", "ID-6", body, &r, &e), -EPROTO);
    assert_contains(e.text, "ID-6 was asked for and the reply is about ID-5, EXT-abc");
    assert_int_equal(get("users", "EXT-ABC", body, &r, &e), -EPROTO);
    assert_int_equal(get("users", "ID-05", body, &r, &e), -EPROTO);
    assert_ok(get("users", "EXT-abc", body, &r, &e), e);
    lms_record_release(&r);
    assert_int_equal(get("users", "ID-5", "{\"data\":[]}", &r, &e), -EPROTO);
    assert_int_equal(get("users", "ID-5", "{\"user\":{}}", &r, &e), -EPROTO);
}

static void test_an_address_resolves_only_by_an_exact_match(void **state)
{
    struct lms_record r;
    struct err e;
    (void)state;
    const char *found =
        "{\"data\":[{\"id\":4,\"email\":\"xnoor@example.org\"},{\"id\":5,\"email\":\"Noor@example.org\"}],"
        "\"meta\":{\"total_count\":2}}";
    assert_ok(get("users", "EMAIL-noor@example.org", found, &r, &e), e);
    assert_string_equal(r.key, "5");
    assert_true(r.is_row);
    lms_record_release(&r);
    assert_int_equal(get("users", "EMAIL-oor@example.org", found, &r, &e), -ENOENT);
    assert_int_equal(get("users", "EMAIL-no@example.org", "{\"data\":[],\"meta\":{\"total_count\":0}}", &r, &e), -ENOENT);
    /* Not among these, but there are more: nobody knows. */
    assert_int_equal(get("users", "EMAIL-no@example.org", "{\"data\":[],\"meta\":{\"total_count\":300}}", &r, &e),
                     -EPROTO);
    const char *two = "{\"data\":[{\"id\":4,\"email\":\"a@example.org\"},{\"id\":5,\"email\":\"A@example.org\"}]}";
    assert_int_equal(get("users", "EMAIL-a@example.org", two, &r, &e), -EPROTO);
    assert_contains(e.text, "ID-4 and ID-5");
}

static void test_whoever_the_api_calls_inactive_belongs_into_the_bin(void **state)
{
    static const struct {
        const char *members;
        bool active;
    } cases[] = {
        {"\"status\":\"Active\",\"state\":\"enabled\"", true},
        {"\"status\":\"Invited\",\"deleted_at\":null", true},
        {"\"status\":\"Deactivated\"", false},
        {"\"status\":\"INACTIVE\"", false},
        {"\"status\":\"suspended\"", false},
        {"\"status\":\"Deleted\"", false},
        {"\"status\":\"Active\",\"state\":\"Disabled\"", false},
        {"\"deleted_at\":\"2026-01-01T00:00:00Z\"", false},
        {"\"status\":null,\"state\":5", true},
    };
    char body[200];
    struct lms_record r;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(body, sizeof body, "{\"data\":{\"id\":5,%s}}", cases[i].members);
        assert_ok(get("users", "ID-5", body, &r, &e), e);
        if (r.active != cases[i].active)
            fail_msg("%s", cases[i].members);
        lms_record_release(&r);
    }
}

static json_t *user_doc(const char *members)
{
    char body[1024];
    struct lms_record r;
    struct err e;
    snprintf(body, sizeof body, "{\"data\":{\"id\":5,%s}}", members);
    assert_ok(get("users", "ID-5", body, &r, &e), e);
    json_t *doc = json_incref(r.doc);
    lms_record_release(&r);
    return doc;
}

static void test_nothing_of_a_reply_is_dropped(void **state)
{
    (void)state;
    assert_json(
        user_doc("\"version\":7,\"complete\":\"yes\",\"brand_new\":[1.50],\"_readonly\":1,\"start_date\":\"x\""),
        "{'_readonly':{'id':5,'reply.version':7,'reply.complete':'yes','brand_new':[1.5],'_readonly':1,'start_date':'x'"
        "}}");
    assert_json(user_doc("\"joined_organisation_on\":\"2022-08-08T10:00:00Z\""),
                "{'start_date':'2022-08-08','_readonly':{'id':5,'joined_organisation_on':'2022-08-08T10:00:00Z'}}");
    assert_json(user_doc("\"custom_fields\":[{\"name\":\"a\",\"values\":[\"x\",\"y\"],\"id\":3}],\"manager\":{}"),
                "{'custom_fields':[{'field_name':'a','value':['x','y']}],'manager_id':null,"
                "'_readonly':{'id':5,'custom_fields':[{'name':'a','values':['x','y'],'id':3}],'manager':{}}}");
}

static void test_signed_urls_lose_their_query_and_others_keep_it(void **state)
{
    (void)state;
    assert_json(
        user_doc("\"image_details\":{\"url\":\"https://s3.example.org/a.png?X-Amz-Algorithm=A&X-Amz-Signature=1\","
                 "\"b\":[\"https://x.example.org/?v=1&Expires=2&Signature=3&Key-Pair-Id=4\"],"
                 "\"c\":\"https://x.example.org/a?size=2&signature_style=3\",\"d\":\"see ?Signature=1\"}"),
        "{'_readonly':{'id':5,'image_details':{'url':'https://s3.example.org/a.png','b':['https://x.example.org/'],"
        "'c':'https://x.example.org/a?size=2&signature_style=3','d':'see ?Signature=1'}}}");
    /* A custom field is the customer's own text and must go back as it came. */
    assert_json(user_doc("\"custom_fields\":[{\"name\":\"a\",\"values\":\"https://x.example.org/?sig=1\"}]"),
                "{'custom_fields':[{'field_name':'a','value':'https://x.example.org/?sig=1'}],'_readonly':{'id':5}}");
}

static void test_wrong_types_are_named(void **state)
{
    static const struct {
        const char *members, *reason;
    } cases[] = {
        {"\"id\":0", "\"id\""},
        {"\"id\":-5", "\"id\""},
        {"\"id\":\"5\"", "\"id\""},
        {"\"id\":5.0", "\"id\""},
        {"\"id\":null", "\"id\""},
        {"\"name\":\"x\"", "\"id\""},
        {"\"id\":5,\"name\":5", "id 5: \"name\""},
        {"\"id\":5,\"email\":[]", "\"email\""},
        {"\"id\":5,\"external_user_id\":7", "\"external_user_id\""},
        {"\"id\":5,\"manager\":7", "\"manager\""},
        {"\"id\":5,\"manager\":{\"name\":\"x\"}", "\"manager\": \"id\""},
        {"\"id\":5,\"manager\":{\"id\":\"../x\"}", "\"manager\""},
        {"\"id\":5,\"job_role\":7", "\"job_role\""},
        {"\"id\":5,\"joined_organisation_on\":7", "joined_organisation_on"},
        {"\"id\":5,\"custom_fields\":{}", "custom_fields"},
        {"\"id\":5,\"custom_fields\":[\"a\"]", "custom_fields[0]"},
        {"\"id\":5,\"custom_fields\":[{\"name\":\"a\"}]", "custom_fields[0]"},
    };
    char body[200];
    struct lms_record r;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(body, sizeof body, "{\"data\":{%s}}", cases[i].members);
        int rc = get("users", "ID-5", body, &r, &e);
        if (rc != -EPROTO || !strstr(e.text, cases[i].reason))
            fail_msg("%s: %s \"%s\"", cases[i].members, err_name(rc), e.text);
        assert_null(r.key);
    }
}

static void test_odd_external_ids_leave_the_record_its_number(void **state)
{
    struct lms_record r;
    struct err e;
    (void)state;
    assert_ok(get("users", "ID-5", "{\"data\":{\"id\":5,\"external_user_id\":\"\"}}", &r, &e), e);
    assert_null(r.ext);
    lms_record_release(&r);
    assert_ok(
        get("users", "ID-5", "{\"data\":{\"id\":5,\"external_user_id\":\"a\\u0000b\",\"email\":\"\\u0000\"}}", &r, &e),
        e);
    assert_null(r.ext);
    assert_null(r.email);
    assert_json(json_incref(json_object_get(r.doc, "external_user_id")), "'a\\u0000b'");
    lms_record_release(&r);
    assert_ok(get("users", "ID-5", "{\"data\":{\"id\":5,\"external_user_id\":\"../../etc\"}}", &r, &e), e);
    char name[256];
    assert_int_equal(doc_stem_to_name("EXT-", r.ext, name, sizeof name), 0);
    assert_string_equal(name, "EXT-..%2F..%2Fetc.json");
    lms_record_release(&r);
}

/* ------------------------------------------------------------------ jobs */

static void test_jobs_are_polled_by_their_id(void **state)
{
    static const struct {
        const char *file;
        enum lms_job_status status;
        const char *errors;
    } cases[] = {
        {"hownow/job_completed.json", LMS_JOB_COMPLETED, NULL},
        {"hownow/job_in_progress.json", LMS_JOB_IN_PROGRESS, NULL},
        {"hownow/job_failed.json", LMS_JOB_FAILED, "User not found with external_user_id: user_999"},
    };
    struct http_request q;
    struct lms_job j;
    struct err e;
    (void)state;
    assert_ok(hownow()->job_request("job_abc_123", &q, &e), e);
    assert_request(&q, HTTP_GET, "/external/v1/jobs/job_abc_123/status");
    http_request_release(&q);
    assert_int_equal(hownow()->job_request("..", &q, &e), -EINVAL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_reply r = reply_data(200, cases[i].file);
        assert_ok(hownow()->job_reply(&r, &j, &e), e);
        assert_int_equal(j.status, cases[i].status);
        if (cases[i].errors)
            assert_string_equal(j.errors, cases[i].errors);
        else
            assert_null(j.errors);
        assert_json_is(json_incref(j.vendor), json_data(cases[i].file));
        lms_job_release(&j);
        http_reply_release(&r);
    }
}

static void test_a_jobs_reply_is_believed_only_as_documented(void **state)
{
    struct lms_job j;
    struct err e;
    (void)state;
    struct http_reply r = reply_of(200, "{\"status\":\"done\",\"errors\":null}");
    assert_int_equal(hownow()->job_reply(&r, &j, &e), -EPROTO);
    assert_contains(e.text, "done");
    assert_null(j.vendor);
    http_reply_release(&r);
    r = reply_of(200, "{\"errors\":null}");
    assert_int_equal(hownow()->job_reply(&r, &j, &e), -EPROTO);
    http_reply_release(&r);
    r = reply_of(200, "{\"status\":\"completed_with_warnings\",\"errors\":[{\"row\":1.10}]}");
    assert_ok(hownow()->job_reply(&r, &j, &e), e);
    assert_int_equal(j.status, LMS_JOB_WARNINGS);
    assert_string_equal(j.errors, "[{\"row\":1.1}]");
    lms_job_release(&j);
    http_reply_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_login_is_a_form_with_its_values_encoded),
        cmocka_unit_test(test_a_login_reply_is_believed_only_when_it_is_one),
        cmocka_unit_test(test_requests_carry_the_token_and_who_acts),
        cmocka_unit_test(test_lists_are_asked_for_in_the_largest_pages),
        cmocka_unit_test(test_a_page_of_users_is_read),
        cmocka_unit_test(test_read_only_documents_are_the_apis_objects),
        cmocka_unit_test(test_a_skill_can_be_created_so_it_has_writable_fields),
        cmocka_unit_test(test_a_record_is_asked_for_by_id_and_external_id),
        cmocka_unit_test(test_only_the_detail_has_custom_fields_under_the_names_they_are_written_with),
        cmocka_unit_test(test_a_detail_over_its_row_differs_only_by_what_the_row_lacks),
        cmocka_unit_test(test_another_persons_record_is_never_taken_for_the_one_asked_for),
        cmocka_unit_test(test_an_address_resolves_only_by_an_exact_match),
        cmocka_unit_test(test_whoever_the_api_calls_inactive_belongs_into_the_bin),
        cmocka_unit_test(test_nothing_of_a_reply_is_dropped),
        cmocka_unit_test(test_signed_urls_lose_their_query_and_others_keep_it),
        cmocka_unit_test(test_wrong_types_are_named),
        cmocka_unit_test(test_odd_external_ids_leave_the_record_its_number),
        cmocka_unit_test(test_jobs_are_polled_by_their_id),
        cmocka_unit_test(test_a_jobs_reply_is_believed_only_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
