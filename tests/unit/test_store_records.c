/* Records and everything that points at them. */
#include "test_store_help.h"

#include <time.h>

#define V(hex) "{\n  \"_readonly\": {\n    \"version\": \"" hex "\"\n  }\n}\n"
#define V1     "1111111111111111"
#define V2     "2222222222222222"
#define V3     "3333333333333333"

/* ------------------------------------------------------------------ putting and reading */

static void test_what_is_put_is_read_back(void **state)
{
    struct store *s = must_open(*state);
    struct store_put p = person("u-1", "EXT-1.json", "{}\n");
    p.ext = "1";
    p.email = "a@example.com";
    p.id_alias = "ID-u-1.json";
    p.email_alias = "EMAIL-a@example.com.json";
    p.complete = true;
    p.row_hash = 77;
    p.row_at = 5;
    p.detail_at = 6;
    struct store_change c = put_alone(s, &p);
    assert_true(c.created && c.any && !c.renamed && !c.moved && !c.body_changed);
    assert_int_equal(ino_kind(c.ino), INO_RECORD);
    assert_int_equal(ino_tenant(c.ino), 3);
    assert_int_equal(ino_coll(c.ino), 7);

    struct store_read *r = store_read_begin(s);
    struct store_record rec;
    const void *body;
    size_t len;
    uint64_t ino;
    assert_int_equal(store_get(r, c.ino, &rec), 0);
    assert_int_equal(rec.ino, c.ino);
    assert_int_equal(rec.home, USERS);
    assert_int_equal(rec.flags, STORE_ACTIVE | STORE_COMPLETE);
    assert_int_equal(rec.size, 3);
    assert_int_equal(rec.mtime_ns, 1700000000000000000);
    assert_int_equal(rec.row_hash, 77);
    assert_int_equal(rec.row_at, 5);
    assert_int_equal(rec.detail_at, 6);
    assert_string_equal(rec.key, "u-1");
    assert_string_equal(rec.ext, "1");
    assert_string_equal(rec.email, "a@example.com");
    assert_string_equal(rec.name, "EXT-1.json");
    assert_int_equal(store_body(r, c.ino, &body, &len), 0);
    assert_int_equal(len, 3);
    assert_memory_equal(body, "{}\n", 3);
    assert_int_equal(store_lookup(r, USERS, "EXT-1.json", &ino), 0);
    assert_int_equal(ino, c.ino);
    assert_int_equal(store_lookup(r, USERS, "ID-u-1.json", &ino), 0);
    assert_int_equal(ino, ino_as(c.ino, INO_ALIAS_ID));
    assert_int_equal(store_lookup(r, USERS, "EMAIL-a@example.com.json", &ino), 0);
    assert_int_equal(ino, ino_as(c.ino, INO_ALIAS_EMAIL));
    assert_int_equal(store_by_key(r, USERS, "u-1", &ino), 0);
    assert_int_equal(ino, c.ino);
    assert_int_equal(store_by_key(r, BIN, "u-1", &ino), -ENOENT);
    assert_int_equal(store_lookup(r, USERS, "EXT-2.json", &ino), -ENOENT);
    assert_int_equal(store_get(r, c.ino + 1, &rec), -ENOENT);
    assert_int_equal(store_body(r, c.ino + 1, &body, &len), -ENOENT);
    store_read_end(r);
    must_agree(s);
    store_close(s);
}

static void test_a_put_that_changes_nothing_writes_nothing(void **state)
{
    struct store *s = must_open(*state);
    struct store_put p = person("1", "ID-1.json", "{}\n");
    p.row_at = 100;
    put_alone(s, &p);
    int64_t changed = listing(s, USERS).changed_ns;
    p.row_at = 200;
    p.mtime_ns++;
    struct store_change c = put_alone(s, &p);
    assert_false(c.any || c.created || c.body_changed || c.renamed || c.moved);
    struct store_read *r = store_read_begin(s);
    struct store_record rec;
    assert_int_equal(store_get(r, c.ino, &rec), 0);
    assert_int_equal(rec.row_at, 100);
    assert_int_equal(rec.mtime_ns, 1700000000000000000);
    store_read_end(r);
    assert_int_equal(listing(s, USERS).changed_ns, changed);

    struct store_write *w = must_begin(s);
    assert_int_equal(store_put(w, &p, true, &c, NULL), 0);
    assert_true(c.any);
    p.row_at = 0; /* leaves it */
    assert_int_equal(store_put(w, &p, true, &c, NULL), 0);
    assert_false(c.any);
    assert_int_equal(store_get(store_write_view(w), c.ino, &rec), 0);
    assert_int_equal(rec.row_at, 200);
    must_commit(w);
    store_close(s);
}

static void test_the_time_changes_with_the_content_only(void **state)
{
    struct store *s = must_open(*state);
    struct store_put p = person("1", "ID-1.json", "{}\n");
    uint64_t ino = put_alone(s, &p).ino;
    p.mtime_ns = 42;
    p.complete = true;
    struct store_change c = put_alone(s, &p);
    assert_true(c.any && !c.body_changed);
    p.body = "{ }\n";
    p.body_len = 4;
    struct store_read *r = store_read_begin(s);
    struct store_record rec;
    assert_int_equal(store_get(r, ino, &rec), 0);
    assert_int_equal(rec.mtime_ns, 1700000000000000000);
    store_read_end(r);
    c = put_alone(s, &p);
    assert_true(c.body_changed && c.ino == ino);
    r = store_read_begin(s);
    assert_int_equal(store_get(r, ino, &rec), 0);
    assert_int_equal(rec.mtime_ns, 42);
    store_read_end(r);
    store_close(s);
}

static void test_a_put_without_a_body_keeps_the_one_there(void **state)
{
    struct store *s = must_open(*state);
    struct store_put p = person("1", "ID-1.json", V(V1));
    uint64_t ino = put_alone(s, &p).ino;
    p.body = NULL;
    p.body_len = 0;
    p.active = false;
    struct store_change c = put_alone(s, &p);
    assert_true(c.moved && !c.body_changed && c.ino == ino);
    struct store_read *r = store_read_begin(s);
    const void *body;
    size_t len;
    assert_int_equal(store_version(r, ino, V1, &body, &len), 0);
    assert_int_equal(len, strlen(V(V1)));
    store_read_end(r);
    must_agree(s);
    store_close(s);
}

/* ------------------------------------------------------------------ names */

static void test_a_first_external_id_renames_and_leaves_an_alias(void **state)
{
    struct store *s = must_open(*state);
    struct store_put p = person("5", "ID-5.json", "{}\n");
    uint64_t ino = put_alone(s, &p).ino;
    int64_t changed = listing(s, USERS).changed_ns;
    p.name = "EXT-x.json";
    p.ext = "x";
    p.id_alias = "ID-5.json";
    struct store_change c = put_alone(s, &p);
    assert_int_equal(c.ino, ino);
    assert_true(c.renamed && c.any && !c.moved && !c.created);
    assert_string_equal(c.old_name, "ID-5.json");
    assert_int_equal(lookup(s, USERS, "EXT-x.json"), ino);
    assert_int_equal(lookup(s, USERS, "ID-5.json"), ino_as(ino, INO_ALIAS_ID));
    assert_true(listing(s, USERS).changed_ns > changed);
    assert_int_equal(listing(s, USERS).entries, 1);
    must_agree(s);
    p.name = "ID-5.json"; /* and back */
    p.ext = p.id_alias = NULL;
    c = put_alone(s, &p);
    assert_true(c.renamed);
    assert_int_equal(lookup(s, USERS, "ID-5.json"), ino);
    assert_int_equal(lookup(s, USERS, "EXT-x.json"), 0);
    must_agree(s);
    store_close(s);
}

static void test_of_two_records_that_claim_a_name_both_are_seen(void **state)
{
    struct store *s = must_open(*state);
    struct store_put a = person("1", "EXT-x.json", "{\"a\":1}\n"), b = person("2", "EXT-x.json", "{\"b\":2}\n");
    uint64_t first = put_alone(s, &a).ino, second = put_alone(s, &b).ino;
    char name[64];
    snprintf(name, sizeof name, "EXT-x~%llu.json", (unsigned long long)ino_rec(second));
    assert_true(first != second);
    assert_int_equal(lookup(s, USERS, "EXT-x.json"), first);
    assert_int_equal(lookup(s, USERS, name), second);
    assert_int_equal(listing(s, USERS).entries, 2);
    assert_false(put_alone(s, &a).any);
    assert_false(put_alone(s, &b).any);
    must_agree(s);
    remove_alone(s, first); /* then the name is free, and the next put takes it */
    struct store_change c = put_alone(s, &b);
    assert_true(c.renamed);
    assert_string_equal(c.old_name, name);
    assert_int_equal(lookup(s, USERS, "EXT-x.json"), second);
    must_agree(s);
    store_close(s);
}

static void test_a_name_of_255_bytes_can_be_claimed_twice(void **state)
{
    struct store *s = must_open(*state);
    char name[256];
    memset(name, 'n', 250);
    snprintf(name + 250, 6, ".json");
    struct store_put a = person("1", name, "{}\n"), b = person("2", name, "{}\n");
    put_alone(s, &a);
    uint64_t ino = put_alone(s, &b).ino;
    struct store_read *r = store_read_begin(s);
    struct store_record rec;
    assert_int_equal(store_get(r, ino, &rec), 0);
    assert_int_equal(strlen(rec.name), 255);
    assert_non_null(strchr(rec.name, '~'));
    store_read_end(r);
    must_agree(s);
    store_close(s);
}

static void test_a_records_own_name_beats_an_alias(void **state)
{
    struct store *s = must_open(*state);
    struct store_put a = person("1", "EXT-a.json", "{}\n"), b = person("2", "EMAIL-b.json", "{}\n");
    a.email_alias = "EMAIL-b.json";
    uint64_t ia = put_alone(s, &a).ino;
    assert_int_equal(lookup(s, USERS, "EMAIL-b.json"), ino_as(ia, INO_ALIAS_EMAIL));
    uint64_t ib = put_alone(s, &b).ino;
    assert_int_equal(lookup(s, USERS, "EMAIL-b.json"), ib);
    assert_false(put_alone(s, &a).any);
    must_agree(s);
    remove_alone(s, ib); /* freed: the next put of the other takes it back */
    assert_int_equal(lookup(s, USERS, "EMAIL-b.json"), 0);
    assert_true(put_alone(s, &a).any);
    assert_int_equal(lookup(s, USERS, "EMAIL-b.json"), ino_as(ia, INO_ALIAS_EMAIL));
    must_agree(s);
    store_close(s);
}

static void test_an_address_that_changes_hands_leads_to_its_new_owner(void **state)
{
    struct store *s = must_open(*state);
    struct store_put a = person("1", "ID-1.json", "{}\n"), b = person("2", "ID-2.json", "{}\n");
    a.email_alias = "EMAIL-x.json";
    b.email_alias = "EMAIL-y.json";
    uint64_t ia = put_alone(s, &a).ino, ib = put_alone(s, &b).ino;
    b.email_alias = "EMAIL-x.json"; /* the sweep meets the new owner first */
    put_alone(s, &b);
    assert_int_equal(lookup(s, USERS, "EMAIL-x.json"), ino_as(ib, INO_ALIAS_EMAIL));
    assert_int_equal(lookup(s, USERS, "EMAIL-y.json"), 0);
    assert_false(put_alone(s, &a).any); /* two that insist don't take it from each other for ever */
    assert_false(put_alone(s, &b).any);
    a.email_alias = "EMAIL-z.json";
    put_alone(s, &a);
    assert_int_equal(lookup(s, USERS, "EMAIL-x.json"), ino_as(ib, INO_ALIAS_EMAIL));
    assert_int_equal(lookup(s, USERS, "EMAIL-z.json"), ino_as(ia, INO_ALIAS_EMAIL));
    must_agree(s);
    store_close(s);
}

static void test_a_name_that_no_folder_can_hold_is_refused(void **state)
{
    struct store *s = must_open(*state);
    struct store_write *w = must_begin(s);
    char longer[300];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const char *bad[] = {"", ".", "..", "a/b", longer};
    struct err e;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct store_put p = person("1", bad[i], "{}\n");
        assert_int_equal(store_put(w, &p, false, NULL, &e), -EINVAL);
        assert_int_equal(e.code, -EINVAL);
        assert_true(e.text[0]);
        p = person("1", "ID-1.json", "{}\n");
        p.email_alias = bad[i];
        assert_int_equal(store_put(w, &p, false, NULL, &e), i == 0 ? 0 : -EINVAL); /* "" is none */
    }
    struct store_put p = person("1", "ID-1.json", "{}\n");
    p.key = "2";
    p.ino = ino_make(INO_RECORD, 9, 7, 5000);
    assert_int_equal(store_put(w, &p, false, NULL, &e), -EINVAL);
    p.ino = ino_make(INO_RECORD, 3, 7, 1ull << 40); /* a number that nobody was given */
    assert_int_equal(store_put(w, &p, false, NULL, &e), -EINVAL);
    must_commit(w); /* refusing has spoilt nothing */
    store_close(s);
}

/* ------------------------------------------------------------------ keys */

static void test_a_record_created_here_is_found_by_name_when_its_id_arrives(void **state)
{
    struct store *s = must_open(*state);
    struct store_put p = person(NULL, "EXT-9.json", "{}\n");
    uint64_t ino = put_alone(s, &p).ino;
    struct store_read *r = store_read_begin(s);
    struct store_record rec;
    assert_int_equal(store_get(r, ino, &rec), 0);
    assert_true(rec.flags & STORE_PROVISIONAL);
    assert_string_equal(rec.key, "");
    store_read_end(r);
    p.key = "k9";
    struct store_change c = put_alone(s, &p);
    assert_int_equal(c.ino, ino);
    assert_false(c.created);
    r = store_read_begin(s);
    assert_int_equal(store_get(r, ino, &rec), 0);
    assert_false(rec.flags & STORE_PROVISIONAL);
    uint64_t found;
    assert_int_equal(store_by_key(r, USERS, "k9", &found), 0);
    assert_int_equal(found, ino);
    store_read_end(r);
    must_agree(s);
    p.key = "other"; /* now it is known: another key with this name is another record */
    assert_true(put_alone(s, &p).created);
    must_agree(s);
    store_close(s);
}

static void test_a_key_that_changes_moves_and_one_that_is_anothers_is_refused(void **state)
{
    struct store *s = must_open(*state);
    struct store_put a = person("1", "ID-1.json", "{}\n"), b = person("2", "ID-2.json", "{}\n");
    uint64_t ia = put_alone(s, &a).ino;
    put_alone(s, &b);
    a.ino = ia;
    a.key = "1b";
    put_alone(s, &a);
    struct store_read *r = store_read_begin(s);
    uint64_t found;
    assert_int_equal(store_by_key(r, USERS, "1", &found), -ENOENT);
    assert_int_equal(store_by_key(r, USERS, "1b", &found), 0);
    store_read_end(r);
    a.key = "2";
    struct err e;
    struct store_write *w = must_begin(s);
    assert_int_equal(store_put(w, &a, false, NULL, &e), -EEXIST);
    must_commit(w);
    must_agree(s);
    store_close(s);
}

/* ------------------------------------------------------------------ directories */

static void test_a_deactivated_record_moves_to_the_bin_and_back(void **state)
{
    struct store *s = must_open(*state);
    struct store_put p = person("1", "ID-1.json", "{}\n");
    p.complete = true;
    uint64_t ino = put_alone(s, &p).ino;
    assert_int_equal(listing(s, USERS).details, 1);
    p.active = false;
    struct store_change c = put_alone(s, &p);
    assert_true(c.moved && c.ino == ino && !c.renamed);
    assert_int_equal(listing(s, USERS).entries, 0);
    assert_int_equal(listing(s, USERS).details, 0);
    assert_int_equal(listing(s, BIN).entries, 1);
    assert_int_equal(listing(s, BIN).details, 1);
    must_agree(s);
    p.active = true;
    p.complete = false;
    assert_true(put_alone(s, &p).moved);
    assert_int_equal(listing(s, BIN).entries, 0);
    assert_int_equal(listing(s, USERS).entries, 1);
    assert_int_equal(listing(s, USERS).details, 0);
    must_agree(s);
    store_close(s);
}

static void test_a_directorys_time_only_rises_when_entries_come_and_go(void **state)
{
    struct store *s = must_open(*state);
    int64_t before = listing(s, USERS).changed_ns;
    struct store_write *w = must_begin(s);
    char key[16], name[32];
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof key, "%d", i);
        snprintf(name, sizeof name, "ID-%d.json", i);
        struct store_put p = person(key, name, "{}\n");
        uint64_t ino = must_put(w, &p).ino;
        struct store_listing l;
        assert_int_equal(store_listing(store_write_view(w), USERS, &l), 0);
        assert_true(l.changed_ns > before);
        before = l.changed_ns;
        if (i % 3 == 0) {
            assert_int_equal(store_remove(w, ino, NULL), 0);
            assert_int_equal(store_listing(store_write_view(w), USERS, &l), 0);
            assert_true(l.changed_ns > before);
            before = l.changed_ns;
        }
    }
    must_commit(w);
    must_agree(s);
    store_close(s);
}

static void test_a_listing_goes_on_behind_a_number_whatever_came_and_went(void **state)
{
    struct store *s = must_open(*state);
    uint64_t inos[50], ino, after = 0;
    char key[16], name[32];
    const char *seen;
    for (int i = 0; i < 50; i++) {
        snprintf(key, sizeof key, "%d", i);
        snprintf(name, sizeof name, "ID-%d.json", i);
        struct store_put p = person(key, name, "{}\n");
        inos[i] = put_alone(s, &p).ino;
    }
    struct store_read *r = store_read_begin(s);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(store_dir_next(r, USERS, after, &ino, &seen), 0);
        assert_int_equal(ino, inos[i]);
        after = ino_rec(ino);
    }
    assert_int_equal(store_dir_next(r, USERS, ino_rec(inos[4]), &ino, &seen), 0); /* back */
    assert_int_equal(ino, inos[5]);
    assert_int_equal(store_dir_next(r, BIN, ino_rec(inos[5]), &ino, &seen), -ENOENT); /* another directory */
    assert_int_equal(store_dir_next(r, USERS, ino_rec(inos[5]), &ino, &seen), 0);
    assert_int_equal(ino, inos[6]);
    assert_int_equal(store_dir_next(r, USERS, UINT64_MAX, &ino, &seen), -ENOENT);
    store_read_end(r);
    remove_alone(s, inos[19]); /* the one that the cookie names */
    remove_alone(s, inos[20]);
    r = store_read_begin(s);
    for (int i = 21; i < 50; i++) {
        assert_int_equal(store_dir_next(r, USERS, after, &ino, &seen), 0);
        assert_int_equal(ino, inos[i]);
        after = ino_rec(ino);
    }
    assert_int_equal(store_dir_next(r, USERS, after, &ino, &seen), -ENOENT);
    assert_int_equal(store_dir_next(r, USERS, after, &ino, &seen), -ENOENT);
    assert_int_equal(store_dir_count(r, USERS), 48);
    store_read_end(r);
    store_close(s);
}

static void test_jobs_and_singletons_have_their_places(void **state)
{
    struct store *s = must_open(*state);
    struct store_put job = {.kind = INO_JOB, .home = JOBS, .key = "6f", .name = "6f.json", .active = true, BODY("{}\n")};
    struct store_put one = {.kind = INO_RECORD,
                            .home = ino_make(INO_TENANT, 3, 0, 0),
                            .coll = 9,
                            .key = "me",
                            .name = "me.json",
                            .active = true,
                            BODY("{}\n")};
    uint64_t ij = put_alone(s, &job).ino, io = put_alone(s, &one).ino, ino;
    const char *name;
    assert_int_equal(ino_kind(ij), INO_JOB);
    assert_int_equal(ino_coll(io), 9);
    struct store_read *r = store_read_begin(s);
    assert_int_equal(store_dir_next(r, JOBS, 0, &ino, &name), 0);
    assert_int_equal(ino, ij);
    assert_string_equal(name, "6f.json");
    assert_int_equal(store_lookup(r, one.home, "me.json", &ino), 0);
    assert_int_equal(ino, io);
    store_read_end(r);
    must_agree(s);
    struct store_write *w = must_begin(s);
    job.kind = INO_RECORD; /* a record has no place among jobs */
    assert_int_equal(store_put(w, &job, false, NULL, NULL), -EINVAL);
    store_write_abort(w);
    store_close(s);
}

/* ------------------------------------------------------------------ removing, marks, aliases */

static void test_a_removed_record_leaves_nothing_behind(void **state)
{
    struct store *s = must_open(*state);
    struct err e;
    struct store_put p = person("1", "EXT-1.json", V(V1));
    p.id_alias = "ID-1.json";
    p.email_alias = "EMAIL-1.json";
    uint64_t ino = put_alone(s, &p).ino;
    p.body = V(V2);
    struct store_write *w = must_begin(s);
    must_put(w, &p);
    struct store_mark m = {.state = STORE_FAILED, .error = "no"};
    assert_int_equal(store_set_mark(w, ino, &m, &e), 0);
    assert_int_equal(store_set_alias(w, USERS, "new.json", ino, &e), 0);
    assert_int_equal(store_set_alias(w, USERS, "new-2.json", ino_as(ino, INO_ALIAS_NEW), &e), 0);
    must_commit(w);
    assert_int_equal(lookup(s, USERS, "new.json"), ino_as(ino, INO_ALIAS_NEW));
    must_agree(s);
    remove_alone(s, ino);
    struct store_read *r = store_read_begin(s);
    for (enum table t = T_MARKS; t < TABLES; t++)
        assert_int_equal(entries_in(r, t), 0);
    assert_false(store_any_mark(r));
    store_read_end(r);
    w = must_begin(s);
    assert_int_equal(store_remove(w, ino, &e), -ENOENT);
    store_write_abort(w);
    store_close(s);
}

static void test_a_new_name_lives_until_the_unmount(void **state)
{
    struct store *s = must_open(*state);
    struct err e;
    struct store_put p = person("1", "ID-1.json", "{}\n"), q = person("2", "ID-2.json", "{}\n");
    uint64_t ino = put_alone(s, &p).ino, other = put_alone(s, &q).ino;
    struct store_write *w = must_begin(s);
    assert_int_equal(store_set_alias(w, USERS, "new.json", ino, &e), 0);
    assert_int_equal(store_set_alias(w, USERS, "new.json", other, &e), 0); /* the next one created by that name */
    assert_int_equal(store_set_alias(w, USERS, "new-a.json", ino, &e), 0);
    assert_int_equal(store_set_alias(w, USERS, "new-a.json", 0, &e), 0);
    assert_int_equal(store_set_alias(w, USERS, "new-b.json", 0, &e), 0); /* a missing one */
    assert_int_equal(store_set_alias(w, USERS, "ID-1.json", other, &e), -EEXIST);
    assert_int_equal(store_set_alias(w, USERS, "ID-1.json", 0, &e), 0); /* leaves what isn't such a name */
    assert_int_equal(store_set_alias(w, USERS, "new-c.json", ino + 1000, &e), -ENOENT);
    must_commit(w);
    assert_int_equal(lookup(s, USERS, "new.json"), ino_as(other, INO_ALIAS_NEW));
    assert_int_equal(lookup(s, USERS, "new-a.json"), 0);
    assert_int_equal(lookup(s, USERS, "ID-1.json"), ino);
    must_agree(s);
    store_close(s);
    s = must_open(*state);
    assert_int_equal(lookup(s, USERS, "new.json"), 0);
    assert_int_equal(lookup(s, USERS, "ID-1.json"), ino);
    must_agree(s);
    store_close(s);
}

static void test_marks_come_and_go(void **state)
{
    struct store *s = must_open(*state);
    struct store_mark m = {.state = STORE_PENDING, .hidden = true, .job = "6f", .error = ""}, got;
    struct store_write *w = must_begin(s);
    struct store_read *v = store_write_view(w);
    assert_false(store_any_mark(v));
    assert_int_equal(store_set_mark(w, 5, &m, NULL), 0);
    memset(m.error, 'e', sizeof m.error - 1);
    m.state = STORE_FAILED;
    assert_int_equal(store_set_mark(w, 6, &m, NULL), 0);
    assert_true(store_any_mark(v));
    assert_int_equal(store_mark(v, 5, &got), 0);
    assert_int_equal(got.state, STORE_PENDING);
    assert_true(got.hidden);
    assert_string_equal(got.job, "6f");
    assert_string_equal(got.error, "");
    assert_int_equal(store_mark(v, 6, &got), 0);
    assert_string_equal(got.error, m.error);
    assert_int_equal(store_set_mark(w, 5, NULL, NULL), 0);
    assert_int_equal(store_set_mark(w, 7, NULL, NULL), 0);
    assert_int_equal(store_mark(v, 5, &got), -ENOENT);
    assert_int_equal(store_clear_marks(w, NULL), 0);
    assert_false(store_any_mark(v));
    must_commit(w);
    store_close(s);
}

/* ------------------------------------------------------------------ versions */

static void test_older_versions_are_kept_and_pruned_by_age(void **state)
{
    struct store *s = must_open(*state);
    struct err e;
    const void *data;
    size_t len;
    struct store_put p = person("1", "ID-1.json", V(V1));
    uint64_t ino = put_alone(s, &p).ino;
    const char *bodies[] = {V(V2), "no version in here\n", V(V3), V(V1), V(V2)};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        p.body = bodies[i];
        p.body_len = strlen(bodies[i]);
        assert_true(put_alone(s, &p).body_changed);
        must_agree(s);
    }
    struct store_read *r = store_read_begin(s);
    assert_int_equal(store_version(r, ino, V1, &data, &len), 0);
    assert_memory_equal(data, V(V1), len);
    assert_int_equal(store_version(r, ino, V2, &data, &len), 0); /* the current one */
    assert_memory_equal(data, V(V2), len);
    assert_int_equal(store_version(r, ino, V3, &data, &len), 0);
    assert_int_equal(store_version(r, ino, "4444444444444444", &data, &len), -ENOENT);
    assert_int_equal(store_version(r, ino, "333333333333333", &data, &len), -ENOENT);
    assert_int_equal(store_version(r, ino, "not hex in here!", &data, &len), -ENOENT);
    assert_int_equal(store_version(r, ino + 1, V1, &data, &len), -ENOENT);
    assert_int_equal(entries_in(r, T_VERSIONS), 3);
    store_read_end(r);

    struct store_write *w = must_begin(s);
    assert_int_equal(store_prune_versions(w, time(NULL) - 3600, 100, &e), 0); /* none is that old */
    assert_int_equal(entries_in(store_write_view(w), T_VERSIONS), 3);
    assert_int_equal(store_prune_versions(w, time(NULL) + 1, 2, &e), 0);
    assert_int_equal(entries_in(store_write_view(w), T_VERSIONS), 1);
    assert_int_equal(store_prune_versions(w, time(NULL) + 1, 100, &e), 0);
    assert_int_equal(entries_in(store_write_view(w), T_VERSIONS), 0);
    must_commit(w);
    must_agree(s);
    r = store_read_begin(s);
    assert_int_equal(store_version(r, ino, V2, &data, &len), 0);
    assert_int_equal(store_version(r, ino, V1, &data, &len), -ENOENT);
    store_read_end(r);
    store_close(s);
}

/* As if this version had been kept at that time. */
static void set_age(struct store *s, uint64_t ino, uint64_t version, uint64_t kept)
{
    struct store_write *w = must_begin(s);
    struct key k;
    MDB_val value;
    unsigned char bytes[512];
    assert_int_equal(table_get(store_write_view(w), T_VERSIONS, key_numbers(&k, 2, ino, version), &value), 0);
    assert_true(value.mv_size <= sizeof bytes);
    size_t size = value.mv_size;
    memcpy(bytes, value.mv_data, size);
    assert_int_equal(table_del(w, T_AGES, key_numbers(&k, 3, be64_get(bytes), ino, version), NULL), 0);
    be64_put(bytes, kept);
    assert_int_equal(table_put(w, T_AGES, key_numbers(&k, 3, kept, ino, version), (MDB_val){0, (void *)""}, NULL), 0);
    assert_int_equal(table_put(w, T_VERSIONS, key_numbers(&k, 2, ino, version), (MDB_val){size, bytes}, NULL), 0);
    must_commit(w);
}

static void prune(struct store *s, int64_t older_than)
{
    struct store_write *w = must_begin(s);
    assert_int_equal(store_prune_versions(w, older_than, 100, NULL), 0);
    must_commit(w);
}

static void test_a_version_that_comes_back_and_goes_again_begins_a_new_life(void **state)
{
    struct store *s = must_open(*state);
    const void *data;
    size_t len;
    struct store_put p = person("1", "ID-1.json", V(V1));
    uint64_t ino = put_alone(s, &p).ino;
    p.body = V(V2);
    put_alone(s, &p);
    set_age(s, ino, 0x1111111111111111, 1000);
    p.body = V(V1);
    put_alone(s, &p);
    set_age(s, ino, 0x2222222222222222, 500);
    p.body = V(V3);
    put_alone(s, &p); /* the first version is kept again, now */
    must_agree(s);
    prune(s, 500);
    struct store_read *r = store_read_begin(s);
    assert_int_equal(store_version(r, ino, V2, &data, &len), 0);
    store_read_end(r);
    prune(s, 2000);
    r = store_read_begin(s);
    assert_int_equal(store_version(r, ino, V1, &data, &len), 0);
    assert_int_equal(store_version(r, ino, V2, &data, &len), -ENOENT);
    store_read_end(r);
    must_agree(s);
    store_close(s);
}

static void test_a_version_is_found_where_it_stands_last(void **state)
{
    (void)state;
    uint64_t v = 0;
    const char two[] = "{\"version\": \"00000000000000aa\", \"version\": \"00000000000000bb\"}";
    assert_true(version_find(two, sizeof two - 1, &v));
    assert_int_equal(v, 0xbb);
    const char broken[] = "{\"version\": \"00000000000000aa\", \"version\": \"00000000000000bB\"}";
    assert_true(version_find(broken, sizeof broken - 1, &v));
    assert_int_equal(v, 0xaa);
    assert_false(version_find("", 0, &v));
    assert_false(version_find("\"version\": \"00000000000000a", 27, &v));
    assert_false(version_find("\"version\": \"00000000000000aa", 28, &v));
    assert_true(version_find("\"version\": \"00000000000000aa\"", 29, &v));
}

/* ------------------------------------------------------------------ sweeps and listings */

static void test_an_interrupted_sweep_is_there_after_a_restart(void **state)
{
    struct store *s = must_open(*state);
    struct store_sweep sweep = {.newest = 4, .started_at = 99, .total = UINT64_MAX, .pages = 12, .done = 2}, got;
    uint64_t ids[300], other = ino_make(INO_DIR, 3, 8, 0);
    const uint64_t *recs;
    size_t n;
    for (size_t i = 0; i < 300; i++)
        ids[i] = 1000 + i * 3;
    struct store_write *w = must_begin(s);
    assert_int_equal(store_sweep_save(w, USERS, &sweep, NULL), 0);
    assert_int_equal(store_sweep_save_page(w, USERS, 0, ids, 300, NULL), 0);
    assert_int_equal(store_sweep_save_page(w, USERS, 700, ids, 3, NULL), 0);
    assert_int_equal(store_sweep_save_page(w, USERS, 2, ids, 0, NULL), 0);
    assert_int_equal(store_sweep_save(w, other, &sweep, NULL), 0);
    assert_int_equal(store_sweep_save_page(w, other, 0, ids, 1, NULL), 0);
    assert_int_equal(store_set_listing(w, USERS, 1234, 500, NULL), 0);
    must_commit(w);
    store_close(s);

    s = must_open(*state);
    struct store_read *r = store_read_begin(s);
    assert_int_equal(store_sweep_load(r, USERS, &got), 0);
    assert_memory_equal(&got, &sweep, sizeof got);
    assert_int_equal(store_sweep_page(r, USERS, 0, &recs, &n), 0);
    assert_int_equal(n, 300);
    assert_memory_equal(recs, ids, sizeof ids);
    assert_int_equal(store_sweep_page(r, USERS, 700, &recs, &n), 0);
    assert_int_equal(n, 3);
    assert_int_equal(recs[2], ids[2]);
    assert_int_equal(store_sweep_page(r, USERS, 2, &recs, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(store_sweep_page(r, USERS, 1, &recs, &n), -ENOENT);
    store_read_end(r);
    w = must_begin(s);
    assert_int_equal(store_sweep_forget(w, USERS, NULL), 0);
    assert_int_equal(store_sweep_load(store_write_view(w), USERS, &got), -ENOENT);
    assert_int_equal(store_sweep_page(store_write_view(w), USERS, 0, &recs, &n), -ENOENT);
    assert_int_equal(store_sweep_page(store_write_view(w), other, 0, &recs, &n), 0);
    must_commit(w);
    struct store_listing l = listing(s, USERS);
    assert_int_equal(l.complete_at, 1234);
    assert_int_equal(l.total, 500);
    assert_int_equal(l.entries, 0);
    l = listing(s, ino_make(INO_DIR, 200, 1, 0));
    assert_true(l.complete_at == 0 && l.changed_ns == 0 && l.total == 0);
    store_close(s);
}

/* ------------------------------------------------------------------ transactions */

static void test_an_aborted_write_never_was(void **state)
{
    struct store *s = must_open(*state);
    struct store_put p = person("1", "ID-1.json", "{}\n");
    struct store_write *w = must_begin(s), *second;
    uint64_t ino = must_put(w, &p).ino;
    struct err e;
    assert_int_equal(store_write_begin(s, &second, &e), -EBUSY);
    struct store_record rec;
    assert_int_equal(store_get(store_write_view(w), ino, &rec), 0);
    assert_int_equal(lookup(s, USERS, "ID-1.json"), 0); /* nobody else sees it */
    store_write_abort(w);
    assert_int_equal(lookup(s, USERS, "ID-1.json"), 0);
    assert_true(put_alone(s, &p).ino != ino);
    must_agree(s);
    store_close(s);
}

static void test_a_record_can_be_put_from_the_view_of_its_own_write(void **state)
{
    struct store *s = must_open(*state);
    struct store_put p = person("1", "EXT-1.json", V(V1));
    p.email = "a@example.com";
    p.email_alias = "EMAIL-a.json";
    p.id_alias = "ID-1.json";
    struct store_write *w = must_begin(s);
    uint64_t ino = must_put(w, &p).ino;
    for (int i = 0; i < 20; i++) {
        struct store_record rec;
        const void *body;
        size_t len;
        assert_int_equal(store_get(store_write_view(w), ino, &rec), 0);
        assert_int_equal(store_body(store_write_view(w), ino, &body, &len), 0);
        struct store_put again = {.ino = ino,
                                  .kind = INO_RECORD,
                                  .home = rec.home,
                                  .key = rec.key,
                                  .ext = rec.ext,
                                  .email = rec.email,
                                  .name = rec.name,
                                  .active = i % 2,
                                  .mtime_ns = i,
                                  .body = (const char *)body + (i == 7),
                                  .body_len = len - (i == 7)};
        must_put(w, &again);
    }
    indexes_check(store_write_view(w));
    struct store_record rec;
    assert_int_equal(store_get(store_write_view(w), ino, &rec), 0);
    assert_string_equal(rec.key, "1");
    assert_string_equal(rec.email, "a@example.com");
    assert_string_equal(rec.name, "EXT-1.json");
    must_commit(w);
    must_agree(s);
    store_close(s);
}

static void test_a_head_that_does_not_add_up_is_an_error_and_no_crash(void **state)
{
    struct store *s = must_open(*state);
    struct store_put p = person("1", "EXT-1.json", "{}\n");
    p.email = "someone@example.com";
    uint64_t ino = put_alone(s, &p).ino;
    struct store_read *r = store_read_begin(s);
    struct key k;
    MDB_val value;
    assert_int_equal(table_get(r, T_HEADS, key_numbers(&k, 1, ino), &value), 0);
    unsigned char good[512], bad[512];
    size_t size = value.mv_size;
    memcpy(good, value.mv_data, size);
    store_read_end(r);
    unsigned refused = 0;
    for (size_t at = 0; at < size * 4; at++) { /* each byte changed, each length cut */
        struct head h;
        memcpy(bad, good, size);
        size_t len = at < size ? at : size;
        bad[at % size] ^= (unsigned char)(at / size * 85 + 1);
        unsigned char *exact = malloc(len ? len : 1); /* so that ASan sees a step too far */
        memcpy(exact, at < size ? good : bad, len);
        refused += head_unpack(ino, &(MDB_val){len, exact}, &h) != 0;
        free(exact);
    }
    assert_true(refused >= size);
    struct store_write *w = must_begin(s);
    memcpy(bad, good, size);
    bad[size - 1] = 'x';
    assert_int_equal(table_put(w, T_HEADS, key_numbers(&k, 1, ino), (MDB_val){size, bad}, NULL), 0);
    must_commit(w);
    struct store_record rec;
    const void *body;
    size_t len;
    r = store_read_begin(s);
    assert_int_equal(store_get(r, ino, &rec), -EIO);
    assert_int_equal(store_body(r, ino, &body, &len), -EIO);
    store_read_end(r);
    struct err e;
    w = must_begin(s);
    assert_int_equal(store_put(w, &p, false, NULL, &e), -EIO);
    assert_true(e.text[0]);
    store_write_abort(w);
    store_close(s);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, place_make, place_drop)
    const struct CMUnitTest tests[] = {
        T(test_what_is_put_is_read_back),
        T(test_a_put_that_changes_nothing_writes_nothing),
        T(test_the_time_changes_with_the_content_only),
        T(test_a_put_without_a_body_keeps_the_one_there),
        T(test_a_first_external_id_renames_and_leaves_an_alias),
        T(test_of_two_records_that_claim_a_name_both_are_seen),
        T(test_a_name_of_255_bytes_can_be_claimed_twice),
        T(test_a_records_own_name_beats_an_alias),
        T(test_an_address_that_changes_hands_leads_to_its_new_owner),
        T(test_a_name_that_no_folder_can_hold_is_refused),
        T(test_a_record_created_here_is_found_by_name_when_its_id_arrives),
        T(test_a_key_that_changes_moves_and_one_that_is_anothers_is_refused),
        T(test_a_deactivated_record_moves_to_the_bin_and_back),
        T(test_a_directorys_time_only_rises_when_entries_come_and_go),
        T(test_a_listing_goes_on_behind_a_number_whatever_came_and_went),
        T(test_jobs_and_singletons_have_their_places),
        T(test_a_removed_record_leaves_nothing_behind),
        T(test_a_new_name_lives_until_the_unmount),
        T(test_marks_come_and_go),
        T(test_older_versions_are_kept_and_pruned_by_age),
        T(test_a_version_that_comes_back_and_goes_again_begins_a_new_life),
        T(test_a_version_is_found_where_it_stands_last),
        T(test_an_interrupted_sweep_is_there_after_a_restart),
        T(test_an_aborted_write_never_was),
        T(test_a_record_can_be_put_from_the_view_of_its_own_write),
        T(test_a_head_that_does_not_add_up_is_an_error_and_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
