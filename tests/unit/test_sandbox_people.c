/* The sandbox's people: the generator is a function of (seed, index), and the active index finds pages in any weather. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "sandbox/active.h"
#include "sandbox/people.h"
#include "sandbox/seed.h"

#define SEED 7

static void test_the_same_seed_gives_the_same_person(void **state)
{
    struct people *a = people_new(SEED, 500), *b = people_new(SEED, 900), *c = people_new(SEED + 1, 500);
    unsigned differing = 0;
    struct user x, y, z;

    (void)state;
    for (uint32_t i = 0; i < 500; i++) {
        assert_true(people_load(a, i, &x) && people_load(b, i, &y) && people_load(c, i, &z));
        assert_string_equal(x.name, y.name);
        assert_string_equal(x.email, y.email);
        assert_int_equal(x.manager, y.manager);
        assert_int_equal(x.type, y.type);
        differing += strcmp(x.name, z.name) != 0;
    }
    assert_true(differing > 400);
    people_free(a);
    people_free(b);
    people_free(c);
}

static void test_every_person_is_found_by_every_name(void **state)
{
    struct people *p = people_new(SEED, 20000);
    unsigned without = 0;
    struct user u;

    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        people_load(p, i, &u);
        assert_int_equal(people_by_email(p, u.email), i);
        assert_int_equal(people_by_id(p, (int64_t)i + 1), i);
        if (u.ext[0])
            assert_int_equal(people_by_ext(p, u.ext), i);
        else
            without++;
    }
    assert_in_range(without, 300, 500);
    people_free(p);
}

static void test_names_that_nobody_has_find_nobody(void **state)
{
    static const char *const exts[] = {"", "e-", "e-000200", "e-5", "e-0000005", "x-000005", "E-000005"};
    struct people *p = people_new(SEED, 200);
    struct user u;

    (void)state;
    for (size_t i = 0; i < sizeof(exts) / sizeof(*exts); i++)
        assert_int_equal(people_by_ext(p, exts[i]), PEOPLE_NOBODY);
    people_load(p, 9, &u);
    u.email[0] ^= 1;
    assert_int_equal(people_by_email(p, u.email), PEOPLE_NOBODY);
    assert_int_equal(people_by_email(p, ""), PEOPLE_NOBODY);
    assert_int_equal(people_by_id(p, 0), PEOPLE_NOBODY);
    assert_int_equal(people_by_id(p, 201), PEOPLE_NOBODY);
    people_free(p);
}

static void test_managers_form_a_tree_under_the_owner(void **state)
{
    struct people *p = people_new(SEED, 10000);
    unsigned headless = 0;

    (void)state;
    for (uint32_t i = 1; i < 10000; i++) {
        uint32_t boss = people_manager(p, i);

        if (boss == PEOPLE_NOBODY) {
            headless++;
            continue;
        }
        assert_true(boss < i);
        assert_true(people_reports_to(p, i, 0));
    }
    assert_in_range(headless, 100, 600);
    assert_int_equal(people_manager(p, 0), PEOPLE_NOBODY);
    people_free(p);
}

static void test_the_first_person_is_an_active_admin(void **state)
{
    struct people *p = people_new(SEED, 1);
    struct user u;

    (void)state;
    assert_true(people_load(p, 0, &u));
    assert_int_equal(u.type, TYPE_ADMIN);
    assert_int_equal(u.status, STATUS_ACTIVE);
    assert_false(people_load(p, 1, &u));
    people_free(p);
}

static void test_a_changed_person_goes_by_the_new_names_only(void **state)
{
    struct people *p = people_new(SEED, 100);
    char old_email[264];
    struct user u;

    (void)state;
    people_load(p, 30, &u);
    strcpy(old_email, u.email);
    strcpy(u.email, "Someone.Else@example.com");
    strcpy(u.ext, "other");
    people_store(p, &u);
    assert_int_equal(people_by_ext(p, "other"), 30);
    assert_int_equal(people_by_ext(p, "e-000030"), PEOPLE_NOBODY);
    assert_int_equal(people_by_email(p, "someone.else@EXAMPLE.com"), 30);
    assert_int_equal(people_by_email(p, old_email), PEOPLE_NOBODY);
    people_free(p);
}

static void test_a_deleted_persons_names_are_free_again(void **state)
{
    struct people *p = people_new(SEED, 100);
    struct user u, n;
    json_t *none = json_array();

    (void)state;
    people_load(p, 30, &u);
    u.deleted = true;
    people_store(p, &u);
    assert_int_equal(people_by_id(p, 31), PEOPLE_NOBODY);
    assert_int_equal(people_by_ext(p, "e-000030"), PEOPLE_NOBODY);
    n = u;
    n.deleted = false;
    n.custom = none;
    assert_int_equal(people_add(p, &n), 100);
    json_decref(none);
    assert_int_equal(people_by_ext(p, "e-000030"), 100);
    assert_int_equal(people_by_email(p, u.email), 100);
    assert_int_equal(people_active(p), 100);
    assert_int_equal(people_kth_active(p, 30), 31);
    assert_int_equal(people_kth_active(p, 99), 100);
    people_free(p);
}

static void test_a_deactivated_person_keeps_names_and_leaves_the_list(void **state)
{
    struct people *p = people_new(SEED, 100);
    struct user u;

    (void)state;
    people_load(p, 30, &u);
    u.status = STATUS_DEACTIVATED;
    people_store(p, &u);
    assert_int_equal(people_by_ext(p, "e-000030"), 30);
    assert_false(people_is_active(p, 30));
    assert_int_equal(people_active(p), 99);
    u.status = STATUS_ACTIVE;
    people_store(p, &u);
    assert_int_equal(people_kth_active(p, 30), 30);
    people_free(p);
}

static void test_role_counts_follow_the_people(void **state)
{
    struct people *p = people_new(SEED, 3000);
    unsigned counted[PEOPLE_ROLES] = {0};
    struct user u;
    int32_t role;

    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        people_load(p, i, &u);
        if (u.role >= 0)
            counted[u.role]++;
    }
    for (role = 0; role < PEOPLE_ROLES; role++)
        assert_int_equal(people_with_role(p, role), counted[role]);
    people_load(p, 5, &u);
    u.role = 3;
    people_store(p, &u);
    role = (int32_t)people_with_role(p, 3);
    u.status = STATUS_DEACTIVATED;
    people_store(p, &u);
    assert_int_equal(people_with_role(p, 3), role - 1);
    people_free(p);
}

/* Every shortcut of the search against looking at everybody. */
static void test_search_finds_what_a_full_scan_finds(void **state)
{
    static const char *const queries[] = {"okafor",    "a",   "@",          "org",  "le.",        "17",
                                          "\"Sunny\"", "O'D", "zzzz",       "田中", "amy okafor", ".123@example",
                                          "23@ex",     "..",  "example.com"};
    struct people *p = people_new(SEED, 3000);
    struct user u;

    (void)state;
    people_load(p, 44, &u);
    strcpy(u.name, "Amy Okafor 田中");
    people_store(p, &u);
    for (size_t q = 0; q < sizeof(queries) / sizeof(*queries); q++) {
        uint32_t *found, count = people_search(p, queries[q], PEOPLE_NOBODY, &found), at = 0;

        for (uint32_t i = 0; i < 3000; i++) {
            people_load(p, i, &u);
            if (!strcasestr(u.name, queries[q]) && !strcasestr(u.email, queries[q]))
                continue;
            assert_true(at < count);
            assert_int_equal(found[at++], i);
        }
        assert_int_equal(at, count);
        free(found);
    }
    people_free(p);
}

static void test_a_hierarchy_follows_moved_managers(void **state)
{
    struct people *p = people_new(SEED, 1000);
    uint32_t *found, before, after;
    struct user u;

    (void)state;
    before = people_search(p, NULL, 20, &found);
    assert_int_equal(found[0], 20);
    free(found);
    people_load(p, 400, &u); /* leads 400..799 and comes to report to 20 */
    u.manager = 20;
    people_store(p, &u);
    after = people_search(p, NULL, 20, &found);
    free(found);
    assert_in_range(after - before, 300, 400);
    people_free(p);
}

static void test_active_index_agrees_with_a_plain_array(void **state)
{
    enum { ROOM = 9000, START = 5000 };
    struct active *a = active_new(START);
    bool *plain = calloc(ROOM, sizeof(*plain));
    uint32_t count = START;

    (void)state;
    memset(plain, 1, START);
    srandom(1);
    for (int round = 0; round < 20; round++) {
        uint32_t k = 0;

        for (int i = 0; i < 400; i++) {
            uint32_t at = (uint32_t)random() % ROOM;
            bool on = random() % 3 != 0;

            count += (uint32_t)on - (uint32_t)plain[at];
            plain[at] = on;
            active_set(a, at, on);
        }
        assert_int_equal(active_count(a), count);
        for (uint32_t i = 0; i < ROOM; i++) {
            assert_int_equal(active_test(a, i), plain[i]);
            if (plain[i])
                assert_int_equal(active_kth(a, k++), i);
        }
        assert_int_equal(active_kth(a, k), ACTIVE_NONE);
    }
    for (uint32_t i = active_next(a, 0), k = 0; k < count; i = active_next(a, i + 1))
        assert_int_equal(i, active_kth(a, k++));
    assert_int_equal(active_next(a, ROOM), ACTIVE_NONE);
    free(plain);
    active_free(a);
}

static void test_an_empty_active_index_has_nobody(void **state)
{
    struct active *a = active_new(0);

    (void)state;
    assert_int_equal(active_count(a), 0);
    assert_int_equal(active_kth(a, 0), ACTIVE_NONE);
    assert_int_equal(active_next(a, 0), ACTIVE_NONE);
    active_set(a, 1000000, true);
    assert_int_equal(active_kth(a, 0), 1000000);
    active_free(a);
}

static void test_custom_fields_are_two_to_eight_defined_ones(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        json_t *fields = seed_custom(SEED, i), *field;
        size_t at;

        assert_in_range(json_array_size(fields), 2, 8);
        json_array_foreach(fields, at, field)
        {
            assert_true(seed_custom_defined(json_string_value(json_object_get(field, "name"))));
            assert_true(json_is_string(json_object_get(field, "values")));
        }
        json_decref(fields);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_seed_gives_the_same_person),
        cmocka_unit_test(test_every_person_is_found_by_every_name),
        cmocka_unit_test(test_names_that_nobody_has_find_nobody),
        cmocka_unit_test(test_managers_form_a_tree_under_the_owner),
        cmocka_unit_test(test_the_first_person_is_an_active_admin),
        cmocka_unit_test(test_a_changed_person_goes_by_the_new_names_only),
        cmocka_unit_test(test_a_deleted_persons_names_are_free_again),
        cmocka_unit_test(test_a_deactivated_person_keeps_names_and_leaves_the_list),
        cmocka_unit_test(test_role_counts_follow_the_people),
        cmocka_unit_test(test_search_finds_what_a_full_scan_finds),
        cmocka_unit_test(test_a_hierarchy_follows_moved_managers),
        cmocka_unit_test(test_active_index_agrees_with_a_plain_array),
        cmocka_unit_test(test_an_empty_active_index_has_nobody),
        cmocka_unit_test(test_custom_fields_are_two_to_eight_defined_ones),
    };

    return cmocka_run_group_tests_name("sandbox people", tests, NULL, NULL);
}
