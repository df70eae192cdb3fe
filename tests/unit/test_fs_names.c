/* Numbers that were carried away, what a name means, and mount options. */
#include "fs/numbers.h"
#include "fs/tree.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_a_record_is_shown_as_itself_until_it_was_carried(void **state)
{
    (void)state;
    struct numbers *n = numbers_new(3);
    uint64_t record = ino_make(INO_RECORD, 1, 2, 3), other = ino_make(INO_RECORD, 1, 2, 4);
    assert_int_equal(numbers_shown(n, record), record);
    assert_int_equal(numbers_carry(n, record), 0);
    uint64_t first = numbers_shown(n, record);
    assert_int_equal(ino_kind(first), INO_SHADOW);
    assert_int_equal(numbers_record(n, first), record);
    assert_int_equal(numbers_shown(n, other), other);
    assert_int_equal(numbers_carry(n, record), 0);
    uint64_t second = numbers_shown(n, record);
    assert_true(second != first);
    assert_int_equal(numbers_record(n, first), 0); /* that one is a backup's now */
    assert_int_equal(numbers_record(n, second), record);
    numbers_free(n);
}

static void test_numbers_of_two_mounts_differ(void **state)
{
    (void)state;
    assert_true(number_of_mount(INO_SHADOW, 1, 1) != number_of_mount(INO_SHADOW, 2, 1));
    assert_int_equal(ino_kind(number_of_mount(INO_SCRATCH, (1 << 26) - 1, (1ull << 34) - 1)), INO_SCRATCH);
    assert_int_equal(number_of_mount(INO_SCRATCH, 1, 1ull << 34), 0);
}

static void test_what_a_name_is(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum name_kind kind;
    } names[] = {
        {"EXT-1.json", NAME_EXT},
        {"EXT-a b%2Fc.json", NAME_EXT},
        {"ID-7.json", NAME_ID},
        {"EMAIL-a@b.org.json", NAME_EMAIL},
        {"new.json", NAME_NEW},
        {"new-joiner.json", NAME_NEW},
        {"new-.json", NAME_REFUSED},
        {"EXT-.json", NAME_REFUSED},
        {"EXT-a%zz.json", NAME_REFUSED},
        {"jane.json", NAME_REFUSED},
        {"ext-1.json", NAME_REFUSED},
        {"EXT-1.json~", NAME_SCRATCH},
        {".EXT-1.json.swp", NAME_SCRATCH},
        {".EXT-1.json.aX3b", NAME_SCRATCH},
        {".jane.json", NAME_SCRATCH},
        {"#EXT-1.json#", NAME_SCRATCH},
        {"4913", NAME_SCRATCH},
        {"sedAbCdEf", NAME_SCRATCH},
        {".json", NAME_SCRATCH},
        {"EXT-1.JSON", NAME_SCRATCH},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (name_kind(names[i].name) != names[i].kind)
            fail_msg("%s is taken for kind %d", names[i].name, (int)name_kind(names[i].name));
}

static void test_a_cut_name_is_a_records(void **state)
{
    (void)state;
    char name[256];
    memset(name, 'x', sizeof name);
    memcpy(name, "EXT-", 4);
    memcpy(name + 255 - 22, "~0123456789abcdef.json", 23);
    assert_int_equal(strlen(name), 255);
    assert_int_equal(name_kind(name), NAME_EXT);
}

static void test_what_may_be_created(void **state)
{
    (void)state;
    static const struct lms_field fields[] = {{.name = "a"}, {0}};
    const struct lms_collection users = {
        .can = LMS_UPSERT | LMS_CREATE | LMS_UPDATE, .ext_prefix = "EXT-", .fields = fields};
    const struct lms_collection by_server = {.can = LMS_CREATE | LMS_SERVER_ID, .fields = fields};
    const struct lms_collection by_name = {.can = LMS_CREATE, .fields = fields};
    const struct lms_collection read_only = {.can = LMS_GET};
    assert_true(may_create(&users, NAME_EXT));
    assert_true(may_create(&users, NAME_NEW));
    assert_false(may_create(&users, NAME_ID));
    assert_false(may_create(&users, NAME_EMAIL));
    assert_true(may_create(&by_server, NAME_NEW));
    assert_false(may_create(&by_server, NAME_ID));
    assert_false(may_create(&by_server, NAME_EXT));
    assert_true(may_create(&by_name, NAME_ID));
    assert_false(may_create(&by_name, NAME_NEW));
    assert_false(may_create(&read_only, NAME_ID));
    assert_true(may_update(&users));
    assert_false(may_update(&by_name));
    assert_false(may_update(&read_only));
}

static void test_options(void **state)
{
    (void)state;
    struct mount_options o = {0};
    struct err e = {0};
    assert_int_equal(mount_options_parse(&o, "", &e), 0);
    assert_int_equal(o.file_mode, 0600);
    assert_int_equal(o.dir_mode, 0700);
    assert_int_equal(o.uid, geteuid());
    assert_false(o.read_only);
    assert_int_equal(
        mount_options_parse(&o,
                            "ro,allow_other,uid=7,gid=8,file_mode=0640,dir_mode=750,workers=5,debug,_netdev,"
                            "nofail,x-systemd.automount,nosuid,,noauto",
                            &e),
        0);
    assert_true(o.read_only && o.allow_other && o.debug);
    assert_int_equal(o.uid, 7);
    assert_int_equal(o.gid, 8);
    assert_int_equal(o.file_mode, 0640);
    assert_int_equal(o.dir_mode, 0750);
    assert_int_equal(o.workers, 5);
}

static void test_bad_options_are_named(void **state)
{
    (void)state;
    static const char *const bad[] = {"bogus",          "uid",         "uid=", "uid=-1",    "uid=x",
                                      "uid=4294967295", "file_mode=9", "ro=1", "workers=0", "workers=99"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct mount_options o = {0};
        struct err e = {0};
        char word[32];
        assert_int_equal(mount_options_parse(&o, bad[i], &e), -EINVAL);
        size_t len = strcspn(bad[i], "=");
        memcpy(word, bad[i], len);
        word[len] = '\0';
        assert_non_null(strstr(e.text, word));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_is_shown_as_itself_until_it_was_carried),
        cmocka_unit_test(test_numbers_of_two_mounts_differ),
        cmocka_unit_test(test_what_a_name_is),
        cmocka_unit_test(test_a_cut_name_is_a_records),
        cmocka_unit_test(test_what_may_be_created),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_bad_options_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
