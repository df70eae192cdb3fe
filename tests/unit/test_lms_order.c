/* What of the vendors' tables stands in caches and ledgers: numbers that an older lmsfs wrote and a later one has to read as the same thing.
 *
 * Where one of these fails: put the new one at the end instead. If that can't be, the change takes a new CACHE_SCHEMA and LEDGER_SCHEMA
 * (src/store/store_internal.h) and the carrying over of what there is, see docs/upgrades.md; only then are the literals here changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lmsfs/ino.h"
#include "lmsfs/lms.h"
#include <stdio.h>
#include <string.h>

#define COLLECTIONS_MAX 64 /* the bits for an index in an inode number */

/* "users", "contents < sources" (below a record of another), "<word>" (below a word), "(metadata/)" (a document in a folder). What kind it is says what
 * kinds of inode numbers and what tables hold it. */
static void describe(const struct lms_collection *c, char out[160])
{
    static const char *const kinds[] = {
        [LMS_LISTED] = "listed", [LMS_KNOWN] = "known", [LMS_WRITE_ONLY] = "written", [LMS_SINGLETON] = "document"};
    snprintf(out, 160, "%s%s%s%s%s%s: %s", c->name, c->parent ? " < " : "", c->parent ? c->parent : "",
             c->parent_is_word ? " < a word" : "", c->folder ? " in " : "", c->folder ? c->folder : "", kinds[c->kind]);
}

/* The index is in inode numbers: those of records, directories and jobs in the cache (its keys), and of homes, records and jobs in the ledger; the
 * names of the ledger's table "accepted" begin with "<tenant>/<index>/". An index that means another collection gives every save under way, every
 * refused one and what write-only collections took to the wrong one. */
static void pinned(const char *vendor, const char *const *expected, size_t n)
{
    const struct lms_provider *p = lms_provider(vendor);
    assert_non_null(p);
    assert_int_equal(p->collections_n, n); /* a new one is told here too, at the end */
    assert_true(n <= COLLECTIONS_MAX);
    for (size_t i = 0; i < n; i++) {
        char is[160];
        describe(&p->collections[i], is);
        assert_string_equal(is, expected[i]);
        assert_int_equal(lms_collection_index(p, &p->collections[i]), (int)i);
    }
}

#define PINNED(vendor, list) pinned(vendor, list, sizeof(list) / sizeof *(list))

static void test_the_order_of_hownow_s_collections(void **state)
{
    static const char *const order[] = {
        "users: listed",
        "job-roles: listed",
        "groups: listed",
        "skills: listed",
        "group-members < groups: listed",
        "assigned-contents < users: listed",
        "authored-contents < users: listed",
        "content-sources in metadata: document",
        "content-types in metadata: document",
        "languages in metadata: document",
        "lessons: known",
        "sources: listed",
        "contents < sources: listed",
        "learning-records < users: written",
        "user-skills: written",
    };
    (void)state;
    PINNED("hownow", order);
}

static void test_the_order_of_synap_s_collections(void **state)
{
    static const char *const order[] = {
        "users: known",
        "learning-records < users: listed",
        "status: document",
        "user-attributes: document",
        "assignments: known",
        "attempts: known",
        "study-items < a word: written",
        "invitations < a word: written",
    };
    (void)state;
    PINNED("synap", order);
}

static void test_the_order_of_learning_pool_s_collections(void **state)
{
    static const char *const order[] = {
        "users: written",
        "job-assignments < users: written",
        "organisation-levels < a word: written",
        "position-levels < a word: written",
    };
    (void)state;
    PINNED("learningpool", order);
}

static void test_the_order_of_avia_s_and_thrive_s_collections(void **state)
{
    static const char *const avia[] = {"users: listed", "groups: listed"}, *const thrive[] = {"users: listed"};
    (void)state;
    PINNED("avia", avia);
    PINNED("thrive", thrive);
}

/* "op" of the ledger's table "removals". A removal that waits for the network is read again by the next start: a deactivation that was read as a
 * deletion would delete a person for good. */
static void test_a_removal_s_number_says_what_it_asks_for(void **state)
{
    (void)state;
    assert_int_equal(LMS_OP_DEACTIVATE, 0);
    assert_int_equal(LMS_OP_REACTIVATE, 1);
    assert_int_equal(LMS_OP_DELETE, 2);
}

/* "status" of the ledger's table "jobs": whether a job is still to be watched, and how it ended. */
static void test_a_job_s_number_says_how_it_went(void **state)
{
    (void)state;
    assert_int_equal(LMS_JOB_IN_PROGRESS, 0);
    assert_int_equal(LMS_JOB_COMPLETED, 1);
    assert_int_equal(LMS_JOB_WARNINGS, 2);
    assert_int_equal(LMS_JOB_FAILED, 3);
}

/* The kinds whose numbers are keys and values of the cache and the ledger. The others live as long as a mount, and are pinned with them so that
 * none of their numbers is given twice. */
static void test_the_kinds_of_inode_numbers(void **state)
{
    static const int kinds[16] = {INO_FIXED,    INO_TENANT,      INO_DIR,       INO_BIN, INO_JOBS,     INO_RECORD,
                                  INO_ALIAS_ID, INO_ALIAS_EMAIL, INO_ALIAS_NEW, INO_JOB, INO_JOB_LAST, INO_SCRATCH,
                                  INO_SHADOW,   INO_PARENTS,     INO_SEARCH,    INO_FILE};
    (void)state;
    for (int i = 0; i < 16; i++)
        assert_int_equal(kinds[i], i);
}

/* Where kind, tenant, collection and record id stand in the 64 bits. */
static void test_the_bits_of_an_inode_number(void **state)
{
    (void)state;
    assert_true(ino_make(INO_RECORD, 0xa1, 0x2b, 0x123456789abcull) == 0x5a1ad23456789abcull);
    assert_true(ino_make(INO_DIR, 3, 7, 0) == 0x2031c00000000000ull);
    assert_int_equal(ino_kind(0x5a1ad23456789abcull), INO_RECORD);
    assert_int_equal(ino_tenant(0x5a1ad23456789abcull), 0xa1);
    assert_int_equal(ino_coll(0x5a1ad23456789abcull), 0x2b);
    assert_true(ino_rec(0x5a1ad23456789abcull) == 0x123456789abcull);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_order_of_hownow_s_collections),
        cmocka_unit_test(test_the_order_of_synap_s_collections),
        cmocka_unit_test(test_the_order_of_learning_pool_s_collections),
        cmocka_unit_test(test_the_order_of_avia_s_and_thrive_s_collections),
        cmocka_unit_test(test_a_removal_s_number_says_what_it_asks_for),
        cmocka_unit_test(test_a_job_s_number_says_how_it_went),
        cmocka_unit_test(test_the_kinds_of_inode_numbers),
        cmocka_unit_test(test_the_bits_of_an_inode_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
