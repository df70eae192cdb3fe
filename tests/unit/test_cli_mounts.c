/* Which mount a path belongs to, without touching a mount. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/mounts.h"

static const char table[] =
    "22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
    "40 22 0:36 / /mnt/lms rw,nosuid,nodev shared:30 master:2 - fuse.lmsfs lmsfs:/var/cache/lmsfs rw,user_id=0\n"
    "41 22 0:37 / /mnt/with\\040blank\\134 rw - fuse.lmsfs lmsfs:/var/cache/a\\040b rw\n"
    "42 22 0:38 / /mnt/other rw - fuse.sshfs lmsfs:/not/ours rw\n"
    "43 22 0:39 / /mnt/lms rw - fuse.lmsfs lmsfs:/var/cache/later rw\n"
    "44 22 0:40 / /mnt/short rw - fuse.lmsfs\n"
    "45 22 0:41 / /mnt/none rw - fuse.lmsfs none rw\n"
    "46 22";

static struct mounts parsed(void)
{
    struct mounts m;
    struct err e;
    assert_int_equal(mounts_parse(&m, table, &e), 0);
    return m;
}

static void test_only_our_mounts_are_taken(void **state)
{
    (void)state;
    struct mounts m = parsed();
    assert_int_equal(m.n, 3);
    assert_null(mounts_at(&m, "/mnt/other"));
    assert_null(mounts_at(&m, "/mnt"));
    mounts_release(&m);
}

static void test_escapes_of_mountinfo_are_undone(void **state)
{
    (void)state;
    struct mounts m = parsed();
    const struct mounted *at = mounts_at(&m, "/mnt/with blank\\");
    assert_non_null(at);
    assert_string_equal(at->cache_dir, "/var/cache/a b");
    mounts_release(&m);
}

static void test_of_two_mounts_on_one_point_the_later_counts(void **state)
{
    (void)state;
    struct mounts m = parsed();
    assert_string_equal(mounts_at(&m, "/mnt/lms")->cache_dir, "/var/cache/later");
    mounts_release(&m);
}

/* ---- paths ---- */

static void resolves_to(const struct mounts *m, const char *path, const char *physical, const char *rest)
{
    char found[PATH_MAX];
    const struct mounted *at;
    const char *below;
    struct err e;
    assert_int_equal(mounts_resolve(m, path, found, &at, &below, &e), 0);
    assert_string_equal(found, physical);
    if (rest) {
        assert_non_null(at);
        assert_string_equal(below, rest);
    } else {
        assert_null(at);
    }
}

static void test_a_path_in_a_mount_is_tidied_as_text(void **state)
{
    (void)state;
    struct mounts m = parsed();
    resolves_to(&m, "/mnt/lms", "/mnt/lms", "");
    resolves_to(&m, "/mnt//lms/", "/mnt/lms", "");
    resolves_to(&m, "/mnt/lms/hownow/./users//EXT-1.json", "/mnt/lms/hownow/users/EXT-1.json", "hownow/users/EXT-1.json");
    resolves_to(&m, "/mnt/lms/hownow/../synap", "/mnt/lms/synap", "synap");
    mounts_release(&m);
}

static void test_dots_lead_out_of_a_mount_again(void **state)
{
    (void)state;
    struct mounts m = parsed();
    resolves_to(&m, "/mnt/lms/..", "/mnt", NULL);
    resolves_to(&m, "/mnt/lms/hownow/../../lms/x", "/mnt/lms/x", "x");
    resolves_to(&m, "/../..", "/", NULL);
    resolves_to(&m, "/mnt/lmsfs", "/mnt/lmsfs", NULL);
    mounts_release(&m);
}

static void test_links_to_a_mount_are_followed(void **state)
{
    (void)state;
    struct mounts m = parsed();
    char dir[] = "/tmp/lmsfs-test.XXXXXX", link[64], path[96], loop[64];
    assert_non_null(mkdtemp(dir));
    snprintf(link, sizeof link, "%s/link", dir);
    snprintf(loop, sizeof loop, "%s/loop", dir);
    assert_int_equal(symlink("/mnt/lms/hownow", link), 0);
    assert_int_equal(symlink("loop", loop), 0);
    snprintf(path, sizeof path, "%s/users", link);
    resolves_to(&m, path, "/mnt/lms/hownow/users", "hownow/users");

    char found[PATH_MAX];
    const struct mounted *at;
    const char *below;
    struct err e = {0};
    assert_int_equal(mounts_resolve(&m, loop, found, &at, &below, &e), -ELOOP);
    assert_non_null(strstr(e.text, "loop"));
    unlink(link);
    unlink(loop);
    rmdir(dir);
    mounts_release(&m);
}

static void test_a_relative_path_starts_here(void **state)
{
    (void)state;
    struct mounts m = parsed();
    char here[PATH_MAX], expected[PATH_MAX + 8];
    assert_non_null(getcwd(here, sizeof here));
    snprintf(expected, sizeof expected, "%s/x", here);
    resolves_to(&m, "./x", expected, NULL);
    mounts_release(&m);
}

static void test_a_path_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct mounts m = parsed();
    static char path[2 * PATH_MAX];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    char found[PATH_MAX];
    const struct mounted *at;
    const char *below;
    struct err e;
    assert_int_equal(mounts_resolve(&m, path, found, &at, &below, &e), -ENAMETOOLONG);
    mounts_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_our_mounts_are_taken),
        cmocka_unit_test(test_escapes_of_mountinfo_are_undone),
        cmocka_unit_test(test_of_two_mounts_on_one_point_the_later_counts),
        cmocka_unit_test(test_a_path_in_a_mount_is_tidied_as_text),
        cmocka_unit_test(test_dots_lead_out_of_a_mount_again),
        cmocka_unit_test(test_links_to_a_mount_are_followed),
        cmocka_unit_test(test_a_relative_path_starts_here),
        cmocka_unit_test(test_a_path_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
