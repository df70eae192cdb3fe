/* What a person changed, and how it meets what the server has by now. */
#include "test_lms_support.h"

#define HOWNOW lms_collection(lms_provider("hownow"), "users")
#define SYNAP  lms_collection(lms_provider("synap"), "users")

static const char detail[] =
    "{'external_user_id':'e','name':'N','email':'n@example.org','user_type':'Admin','manager_id':'ID-5',"
    "'start_date':null,'job_role':null,'custom_fields':[{'field_name':'a','value':'1'},"
    "{'field_name':'b','value':'2'}],'_readonly':{'id':1,'manager':{'id':5,'name':'M'},'complete':true,"
    "'version':'0123456789abcdef'}}";
static const char row[] =
    "{'external_user_id':'e','name':'N','email':'n@example.org','user_type':'Admin','manager_id':'ID-5',"
    "'start_date':null,'job_role':null,'_readonly':{'id':1,'manager':{'id':5,'name':'M'},'complete':false,"
    "'version':'fedcba9876543210'}}";

/* `edit` over the document: its members replace, "-" removes. Returns a new document. */
static json_t *edited(const char *text, const char *edit)
{
    json_t *doc = json_of(text), *changes = json_of(edit), *value;
    const char *key;
    json_object_foreach(changes, key, value)
    {
        if (json_is_string(value) && !strcmp(json_string_value(value), "-"))
            json_object_del(doc, key);
        else
            json_object_set(doc, key, value);
    }
    json_decref(changes);
    return doc;
}

static int diff(const struct lms_collection *c, const char *base, json_t *saved, json_t **delta, struct err *e)
{
    json_t *b = base ? json_of(base) : NULL;
    *e = (struct err){0};
    int rc = doc_diff(c, b, saved, delta, e);
    json_decref(b);
    json_decref(saved);
    return rc;
}

static void delta_is(const struct lms_collection *c, const char *base, json_t *saved, const char *want, int line)
{
    json_t *delta;
    struct err e;
    if (diff(c, base, saved, &delta, &e))
        fail_msg("line %d: %s", line, e.text);
    assert_json_at(delta, json_of(want), __FILE__, line);
}

static void diff_refused(const struct lms_collection *c, const char *base, json_t *saved, const char *reason, int line)
{
    json_t *delta;
    struct err e;
    int rc = diff(c, base, saved, &delta, &e);
    assert_null(delta);
    if (rc != -EINVAL || !strstr(e.text, reason))
        fail_msg("line %d: %s \"%s\", not \"%s\"", line, err_name(rc), e.text, reason);
}

#define assert_delta(base, edit, want)     delta_is(HOWNOW, base, edited(base, edit), want, __LINE__)
#define assert_refused(base, edit, reason) diff_refused(HOWNOW, base, edited(base, edit), reason, __LINE__)

struct applied {
    json_t *merged, *changed;
    struct err e;
    int rc;
};

/* Steals saved. */
static struct applied apply(const struct lms_collection *c, const char *base, const char *current, json_t *saved)
{
    struct applied a = {0};
    json_t *b = base ? json_of(base) : NULL, *now = current ? json_of(current) : NULL, *delta = NULL;
    a.rc = doc_diff(c, b, saved, &delta, &a.e);
    if (!a.rc)
        a.rc = doc_apply(c, b, now, delta, &a.merged, &a.changed, &a.e);
    json_decref(b);
    json_decref(now);
    json_decref(delta);
    json_decref(saved);
    return a;
}

static void release(struct applied *a)
{
    json_decref(a->merged);
    json_decref(a->changed);
}

/* ------------------------------------------------------------------ diff */

static void test_saving_what_was_shown_is_an_empty_delta(void **state)
{
    (void)state;
    assert_delta(detail, "{}", "{}");
    assert_delta(row, "{}", "{}");
    assert_delta(detail, "{'start_date':'-','job_role':'-'}", "{}"); /* null and absent are the same */
    assert_delta(detail, "{'custom_fields':[{'value':'2','field_name':'b'},{'field_name':'a','value':'1'}]}", "{}");
    delta_is(HOWNOW, detail, edited(detail, "{'dob':null}"), "{}", __LINE__);
}

static void test_only_what_the_person_changed_is_in_the_delta(void **state)
{
    (void)state;
    assert_delta(detail, "{'name':'New','phone':'1'}", "{'set':{'name':'New','phone':'1'}}");
    assert_delta(
        detail, "{'custom_fields':[{'field_name':'a','value':'1'},{'field_name':'b','value':'9'},{'field_name':'c','value':'3'}]}",
        "{'keyed':{'custom_fields':{'set':{'b':{'field_name':'b','value':'9'},'c':{'field_name':'c','value':'3'}}}}}");
    assert_delta(detail, "{'custom_fields':[{'field_name':'b','value':'2'}]}",
                 "{'keyed':{'custom_fields':{'remove':['a']}}}");
}

static void test_an_edit_from_a_list_row_never_speaks_of_custom_fields(void **state)
{
    (void)state;
    assert_delta(row, "{'user_type':'Manager'}", "{'set':{'user_type':'Manager'}}");
    struct applied a = apply(HOWNOW, row, detail, edited(row, "{'user_type':'Manager'}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(json_object_get(a.merged, "custom_fields")),
                "[{'field_name':'a','value':'1'},{'field_name':'b','value':'2'}]");
    assert_json(json_incref(a.changed), "['user_type']");
    assert_null(json_object_get(a.merged, "_readonly"));
    release(&a);
}

static void test_custom_fields_added_to_a_row_take_nothing_away(void **state)
{
    (void)state;
    assert_delta(row, "{'custom_fields':[{'field_name':'c','value':'3'}]}",
                 "{'keyed':{'custom_fields':{'set':{'c':{'field_name':'c','value':'3'}}}}}");
    struct applied a = apply(HOWNOW, row, detail, edited(row, "{'custom_fields':[{'field_name':'c','value':'3'}]}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(json_object_get(a.merged, "custom_fields")),
                "[{'field_name':'a','value':'1'},{'field_name':'b','value':'2'},{'field_name':'c','value':'3'}]");
    release(&a);
    /* The row said nothing of "a", so there is nothing that it could have changed since. */
    a = apply(HOWNOW, row, detail, edited(row, "{'custom_fields':[{'field_name':'a','value':'9'}]}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(json_object_get(a.merged, "custom_fields")),
                "[{'field_name':'a','value':'9'},{'field_name':'b','value':'2'}]");
    release(&a);
}

static void test_removing_all_custom_fields_is_an_explicit_empty_list(void **state)
{
    (void)state;
    assert_delta(detail, "{'custom_fields':'-'}", "{'keyed':{'custom_fields':{'remove':['a','b']}}}");
    assert_delta(detail, "{'custom_fields':null}", "{'keyed':{'custom_fields':{'remove':['a','b']}}}");
    struct applied a = apply(HOWNOW, detail, detail, edited(detail, "{'custom_fields':'-'}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(json_object_get(a.merged, "custom_fields")), "[]");
    assert_json(json_incref(a.changed), "['custom_fields']");
    release(&a);
}

static void test_a_change_inside_readonly_is_refused_and_named(void **state)
{
    (void)state;
    assert_refused(detail, "{'_readonly':{'id':2,'manager':{'id':5,'name':'M'}}}", "_readonly.id was changed");
    assert_refused(detail, "{'_readonly':{'id':1,'manager':{'id':5,'name':'Z'}}}", "_readonly.manager.name was changed");
    assert_refused(detail, "{'_readonly':{'id':1}}", "_readonly.manager was changed");
    assert_refused(detail, "{'_readonly':{'id':1,'manager':{'id':5,'name':'M'},'new':1}}", "_readonly.new was changed");
    assert_refused(detail, "{'_readonly':{}}", "_readonly.id was changed");
    assert_refused(detail, "{'_readonly':1}", "_readonly must be an object");
    assert_delta(
        detail, "{'_readonly':{'id':1.0,'manager':{'name':'M','id':5},'version':'x','complete':false,'as_written':[]}}",
        "{}");
}

static void test_a_removed_field_that_cannot_be_cleared_is_refused(void **state)
{
    (void)state;
    assert_refused(detail, "{'manager_id':'-'}", "manager_id can't be cleared");
    assert_refused(detail, "{'manager_id':null}", "manager_id can't be cleared");
    assert_refused(detail, "{'name':'-'}", "name can't be cleared");
    diff_refused(SYNAP, "{'email':'a@example.org','attr':{'x':1},'_readonly':{}}",
                 json_of("{'email':'a@example.org','attr':{},'_readonly':{}}"), "attr.x can't be cleared", __LINE__);
    diff_refused(SYNAP, "{'email':'a@example.org','attr':{'x':1},'_readonly':{}}",
                 json_of("{'email':'a@example.org','attr':{'x':null},'_readonly':{}}"), "attr.x can't be cleared",
                 __LINE__);
    diff_refused(SYNAP, "{'email':'a@example.org','attr':{'x':1},'_readonly':{}}",
                 json_of("{'email':'a@example.org','_readonly':{}}"), "attr.x can't be cleared", __LINE__);
}

static void test_a_fixed_field_cannot_change(void **state)
{
    (void)state;
    diff_refused(SYNAP, "{'email':'a@example.org','_readonly':{}}", json_of("{'email':'b@example.org','_readonly':{}}"),
                 "email can't change", __LINE__);
    struct applied a = apply(SYNAP, NULL, "{'email':'a@example.org'}", json_of("{'email':'b@example.org'}"));
    assert_int_equal(a.rc, -EINVAL);
    a = apply(SYNAP, NULL, "{'email':'a@example.org'}", json_of("{'email':'a@example.org','name':'N'}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(a.changed), "['name']");
    release(&a);
}

static void test_an_unknown_key_never_passes_in_silence(void **state)
{
    (void)state;
    assert_refused(detail, "{'nmae':'N'}", "nmae");
}

/* ------------------------------------------------------------------ partial documents */

static void test_an_absent_field_of_a_partial_document_keeps_what_is_there(void **state)
{
    (void)state;
    struct applied a =
        apply(HOWNOW, NULL, detail, json_of("{'external_user_id':'e','name':'New','email':'n@example.org'}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(a.changed), "['name']");
    assert_json(json_incref(json_object_get(a.merged, "custom_fields")),
                "[{'field_name':'a','value':'1'},{'field_name':'b','value':'2'}]");
    assert_string_equal(json_string_value(json_object_get(a.merged, "manager_id")), "ID-5");
    release(&a);
}

static void test_null_in_a_partial_document_clears_or_is_refused_or_says_nothing_new(void **state)
{
    (void)state;
    struct applied a = apply(HOWNOW, NULL, detail, json_of("{'start_date':null,'job_role':null}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(a.changed), "[]");
    release(&a);
    a = apply(HOWNOW, NULL, detail, json_of("{'manager_id':null}"));
    assert_int_equal(a.rc, -EINVAL);
    assert_contains(a.e.text, "manager_id can't be cleared");
    a = apply(HOWNOW, NULL, detail, json_of("{'custom_fields':null}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(json_object_get(a.merged, "custom_fields")), "[]");
    release(&a);
    a = apply(SYNAP, NULL, "{'attr':{'x':1}}", json_of("{'attr':{'x':null}}"));
    assert_int_equal(a.rc, -EINVAL);
    assert_contains(a.e.text, "attr.x");
    a = apply(SYNAP, NULL, "{'attr':{'x':1}}", json_of("{'attr':{'y':null}}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(a.changed), "[]");
    release(&a);
}

static void test_yesterdays_document_without_readonly_restores_yesterday(void **state)
{
    const char *today =
        "{'external_user_id':'e','name':'Other','email':'n@example.org','user_type':'Admin','manager_id':'ID-7',"
        "'start_date':null,'job_role':null,'custom_fields':[{'field_name':'b','value':'9'},"
        "{'field_name':'a','value':'7'}],'_readonly':{'id':1,'complete':true}}";
    (void)state;
    struct applied a = apply(HOWNOW, NULL, today, edited(detail, "{'_readonly':'-'}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(a.changed), "['name','manager_id','custom_fields']");
    assert_json(json_incref(a.merged),
                "{'external_user_id':'e','name':'N','email':'n@example.org','user_type':'Admin','manager_id':'ID-5','"
                "start_date':null,"
                "'job_role':null,'custom_fields':[{'field_name':'b','value':'2'},{'field_name':'a','value':'1'}]}");
    release(&a);
}

static void test_an_export_of_one_custom_field_never_wipes_the_others(void **state)
{
    static const char *const bases[] = {NULL, detail}; /* the current document may serve as the base */
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct applied a = apply(HOWNOW, bases[i], detail, json_of("{'custom_fields':[{'field_name':'b','value':'9'}]}"));
        assert_ok(a.rc, a.e);
        assert_json(json_incref(json_object_get(a.merged, "custom_fields")),
                    "[{'field_name':'a','value':'1'},{'field_name':'b','value':'9'}]");
        release(&a);
        a = apply(HOWNOW, bases[i], detail, json_of("{'custom_fields':[{'field_name':'b','value':'2'}]}"));
        assert_ok(a.rc, a.e);
        assert_json(json_incref(a.changed), "[]");
        release(&a);
        a = apply(HOWNOW, bases[i], detail, json_of("{'custom_fields':[]}"));
        assert_ok(a.rc, a.e);
        assert_json(json_incref(json_object_get(a.merged, "custom_fields")), "[]");
        release(&a);
        a = apply(SYNAP, NULL, "{'userGroups':[{'objectId':'g','name':'All'}]}",
                  json_of("{'userGroups':[{'objectId':'h'}]}"));
        assert_ok(a.rc, a.e);
        assert_json(json_incref(json_object_get(a.merged, "userGroups")),
                    "[{'objectId':'g','name':'All'},{'objectId':'h'}]");
        release(&a);
    }
}

static void test_an_open_object_of_a_partial_document_goes_member_by_member(void **state)
{
    (void)state;
    struct applied a = apply(SYNAP, NULL, "{'email':'a@example.org','attr':{'x':1,'y':2}}", json_of("{'attr':{'y':3}}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(a.merged), "{'email':'a@example.org','attr':{'x':1,'y':3}}");
    assert_json(json_incref(a.changed), "['attr']");
    release(&a);
    /* The same where the current document serves as the base. */
    const char *base = "{'email':'a@example.org','attr':{'x':1,'y':2},'_readonly':{}}";
    delta_is(SYNAP, base, json_of("{'attr':{'y':3}}"), "{'keyed':{'attr':{'set':{'y':3}}}}", __LINE__);
    delta_is(SYNAP, base, json_of("{'attr':{'z':null}}"), "{}", __LINE__);
    diff_refused(SYNAP, base, json_of("{'attr':{'x':null}}"), "attr.x can't be cleared", __LINE__);
    diff_refused(SYNAP, base, json_of("{'attr':null}"), "attr.x can't be cleared", __LINE__);
    delta_is(HOWNOW, detail, json_of("{'start_date':null,'name':'N'}"), "{}", __LINE__);
    diff_refused(HOWNOW, detail, json_of("{'manager_id':null}"), "manager_id can't be cleared", __LINE__);
}

/* ------------------------------------------------------------------ apply */

static void test_a_change_meets_another_persons_change_of_another_field(void **state)
{
    (void)state;
    json_t *now = edited(
        detail,
        "{'name':'Theirs','custom_fields':[{'field_name':'b','value':'theirs'},{'field_name':'a','value':'1'}]}");
    char *current = json_dumps(now, 0);
    struct applied a = apply(HOWNOW, detail, current,
                             edited(detail, "{'user_type':'Manager','custom_fields':[{'field_name':'a','value':'mine'},"
                                            "{'field_name':'b','value':'2'}]}"));
    assert_ok(a.rc, a.e);
    assert_string_equal(json_string_value(json_object_get(a.merged, "name")), "Theirs");
    assert_json(json_incref(json_object_get(a.merged, "custom_fields")),
                "[{'field_name':'b','value':'theirs'},{'field_name':'a','value':'mine'}]");
    assert_json(json_incref(a.changed), "['user_type','custom_fields']");
    release(&a);
    json_decref(now);
    free(current);
}

static void conflict(const struct lms_collection *c, const char *base, const char *current, json_t *saved,
                     const char *field, int line)
{
    struct applied a = apply(c, base, current, saved);
    if (a.rc != -ESTALE || !strstr(a.e.text, field))
        fail_msg("line %d: %s \"%s\"", line, err_name(a.rc), a.e.text);
}

static void test_the_same_field_changed_by_both_is_stale_and_named(void **state)
{
    (void)state;
    json_t *now = edited(detail, "{'name':'Theirs','custom_fields':[{'field_name':'a','value':'theirs'}]}");
    char *current = json_dumps(now, 0);
    conflict(HOWNOW, detail, current, edited(detail, "{'name':'Mine'}"), "name was changed", __LINE__);
    conflict(HOWNOW, detail, current,
             edited(detail, "{'custom_fields':[{'field_name':'a','value':'mine'},{'field_name':'b','value':'2'}]}"),
             "custom_fields.a was changed", __LINE__);
    conflict(HOWNOW, detail, current, edited(detail, "{'custom_fields':[{'field_name':'b','value':'2'}]}"),
             "custom_fields.a", __LINE__);
    conflict(HOWNOW, detail, current,
             edited(detail, "{'custom_fields':[{'field_name':'a','value':'1'},{'field_name':'b','value':'9'}]}"),
             "custom_fields.b", __LINE__);
    conflict(SYNAP, "{'attr':{'x':1},'_readonly':{}}", "{'attr':{'x':2},'_readonly':{}}",
             json_of("{'attr':{'x':3},'_readonly':{}}"), "attr.x", __LINE__);
    json_decref(now);
    free(current);
}

static void test_a_conflict_that_ends_where_it_was_meant_to_is_none(void **state)
{
    (void)state;
    json_t *now = edited(detail, "{'name':'Same','custom_fields':[{'field_name':'a','value':'same'}]}");
    char *current = json_dumps(now, 0);
    struct applied a = apply(HOWNOW, detail, current,
                             edited(detail, "{'name':'Same','custom_fields':[{'field_name':'a','value':'same'}]}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(a.changed), "[]");
    release(&a);
    json_decref(now);
    free(current);
}

static void test_fields_that_are_never_given_back_count_whenever_they_are_set(void **state)
{
    (void)state;
    const char *with = "{'name':'N','phone':'1','_readonly':{'id':1,'as_written':['phone'],'complete':true}}";
    struct applied a = apply(HOWNOW, with, with, json_of("{'name':'N','phone':'2','_readonly':{'id':1}}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(a.changed), "['phone']");
    release(&a);
    /* The server's own document never has it: no conflict. */
    a = apply(HOWNOW, with, "{'name':'N','_readonly':{'id':1,'complete':true}}",
              json_of("{'name':'N','phone':'2','_readonly':{'id':1}}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(a.changed), "['phone']");
    release(&a);
    a = apply(SYNAP, "{'name':'N','_readonly':{}}", "{'name':'N','_readonly':{}}",
              json_of("{'name':'N','password':'Password123','_readonly':{}}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(a.changed), "['password']");
    release(&a);
}

static void test_a_create_is_what_was_saved(void **state)
{
    (void)state;
    struct applied a = apply(SYNAP, NULL, NULL,
                             json_of("{'email':'a@example.org','name':'N','externalId':null,'attr':{'x':1,'y':null},"
                                     "'userGroups':[{'objectId':'g'}],'_options':{'subPortalId':'p'}}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(a.merged),
                "{'email':'a@example.org','name':'N','attr':{'x':1},'userGroups':[{'objectId':'g'}]}");
    assert_json(json_incref(a.changed), "['email','name','attr','userGroups']");
    release(&a);
}

static void test_a_group_is_the_same_with_or_without_the_name_that_the_server_gives_it(void **state)
{
    const char *base = "{'userGroups':[{'objectId':'g','name':'All'}],'_readonly':{}}";
    (void)state;
    delta_is(SYNAP, base, json_of("{'userGroups':[{'objectId':'g'}],'_readonly':{}}"), "{}", __LINE__);
    struct applied a =
        apply(SYNAP, base, "{'userGroups':[{'objectId':'g','name':'All'},{'objectId':'h','name':'New'}],'_readonly':{}}",
              json_of("{'userGroups':[{'objectId':'g'},{'objectId':'h'}],'_readonly':{}}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(a.changed), "[]");
    release(&a);
}

static void moved_is(const char *shown, const char *now, const char *want, int line)
{
    json_t *a = json_of(shown), *b = json_of(now);
    const char *field = doc_moved_on(SYNAP, a, b);
    if (!field != !want || (want && strcmp(field, want) != 0))
        fail_msg("line %d: moved on in %s", line, field ? field : "nothing");
    json_decref(a);
    json_decref(b);
}

static void test_what_the_server_adds_to_a_group_we_wrote_is_no_move(void **state)
{
    const char *ours = "{'name':'N','userGroups':[{'objectId':'g'}],'_readonly':{}}";
    const char *theirs = "{'name':'N','userGroups':[{'objectId':'g','name':'All'}],'_readonly':{}}";
    (void)state;
    moved_is(ours, theirs, NULL, __LINE__);
    moved_is(ours, "{'name':'N','userGroups':[{'objectId':'h','name':'All'}]}", "userGroups", __LINE__);
    moved_is(ours, "{'name':'N','userGroups':[{'objectId':'g'},{'objectId':'h'}]}", "userGroups", __LINE__);
    moved_is(ours, "{'name':'N'}", "userGroups", __LINE__);
    moved_is(ours, "{'name':'M','userGroups':[{'objectId':'g'}]}", "name", __LINE__);
    moved_is("{'name':null,'attr':{'x':1}}", "{'attr':{'x':1},'email':'a@example.org'}", NULL, __LINE__);
    moved_is("{'attr':{'x':1}}", "{'attr':{'x':2}}", "attr", __LINE__);
    struct applied a = apply(SYNAP, ours, theirs, json_of("{'name':'N','userGroups':[],'_readonly':{}}"));
    assert_ok(a.rc, a.e);
    assert_json(json_incref(json_object_get(a.merged, "userGroups")), "[]");
    release(&a);
    a = apply(SYNAP, theirs, "{'name':'N','userGroups':[{'objectId':'g','name':'Renamed'}],'_readonly':{}}",
              json_of("{'name':'N','userGroups':[],'_readonly':{}}"));
    assert_int_equal(a.rc, -ESTALE);
}

static void test_a_job_role_that_the_api_shortens_is_no_conflict(void **state)
{
    (void)state;
    struct applied a =
        apply(HOWNOW, "{'job_role':{'id':'EXT-r','name':'Dev'},'_readonly':{}}",
              "{'job_role':{'name':'Dev'},'_readonly':{}}", json_of("{'job_role':{'name':'Lead'},'_readonly':{}}"));
    assert_ok(a.rc, a.e);
    release(&a);
    conflict(HOWNOW, "{'job_role':{'id':'EXT-r','name':'Dev'},'_readonly':{}}",
             "{'job_role':{'name':'Ops'},'_readonly':{}}", json_of("{'job_role':{'name':'Lead'},'_readonly':{}}"),
             "job_role", __LINE__);
}

static void test_fields_that_cannot_be_told_apart_are_taken_as_a_whole(void **state)
{
    const char *base =
        "{'custom_fields':[{'field_name':'a','value':'1'},{'field_name':'a','value':'2'}],'_readonly':{}}";
    (void)state;
    delta_is(HOWNOW, base, json_of(base), "{}", __LINE__);
    delta_is(HOWNOW, base, json_of("{'custom_fields':[{'field_name':'a','value':'1'}],'_readonly':{}}"),
             "{'set':{'custom_fields':[{'field_name':'a','value':'1'}]}}", __LINE__);
}

static void test_a_broken_delta_is_refused(void **state)
{
    static const char *const deltas[] = {"{'set':{'nope':1}}", "{'clear':[1]}", "{'keyed':{'name':{'set':{}}}}",
                                         "{'keyed':{'nope':{}}}"};
    json_t *merged, *changed, *current = json_of(detail);
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof deltas / sizeof *deltas; i++) {
        json_t *delta = json_of(deltas[i]);
        assert_int_equal(doc_apply(HOWNOW, NULL, current, delta, &merged, &changed, &e), -EINVAL);
        json_decref(delta);
    }
    json_decref(current);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_saving_what_was_shown_is_an_empty_delta),
        cmocka_unit_test(test_only_what_the_person_changed_is_in_the_delta),
        cmocka_unit_test(test_an_edit_from_a_list_row_never_speaks_of_custom_fields),
        cmocka_unit_test(test_custom_fields_added_to_a_row_take_nothing_away),
        cmocka_unit_test(test_removing_all_custom_fields_is_an_explicit_empty_list),
        cmocka_unit_test(test_a_change_inside_readonly_is_refused_and_named),
        cmocka_unit_test(test_a_removed_field_that_cannot_be_cleared_is_refused),
        cmocka_unit_test(test_a_fixed_field_cannot_change),
        cmocka_unit_test(test_an_unknown_key_never_passes_in_silence),
        cmocka_unit_test(test_an_absent_field_of_a_partial_document_keeps_what_is_there),
        cmocka_unit_test(test_null_in_a_partial_document_clears_or_is_refused_or_says_nothing_new),
        cmocka_unit_test(test_yesterdays_document_without_readonly_restores_yesterday),
        cmocka_unit_test(test_an_export_of_one_custom_field_never_wipes_the_others),
        cmocka_unit_test(test_an_open_object_of_a_partial_document_goes_member_by_member),
        cmocka_unit_test(test_a_change_meets_another_persons_change_of_another_field),
        cmocka_unit_test(test_the_same_field_changed_by_both_is_stale_and_named),
        cmocka_unit_test(test_a_conflict_that_ends_where_it_was_meant_to_is_none),
        cmocka_unit_test(test_fields_that_are_never_given_back_count_whenever_they_are_set),
        cmocka_unit_test(test_a_create_is_what_was_saved),
        cmocka_unit_test(test_a_group_is_the_same_with_or_without_the_name_that_the_server_gives_it),
        cmocka_unit_test(test_what_the_server_adds_to_a_group_we_wrote_is_no_move),
        cmocka_unit_test(test_a_job_role_that_the_api_shortens_is_no_conflict),
        cmocka_unit_test(test_fields_that_cannot_be_told_apart_are_taken_as_a_whole),
        cmocka_unit_test(test_a_broken_delta_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
