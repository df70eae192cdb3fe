/* Scratch: a local file system's names and bytes, for what is nobody's record. */
#include "fs/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { DIR_A = 10, DIR_B = 20, MAX = 1 << 20 };

static char folder[64];
static struct scratch *s;

static int files_on_disk(void)
{
    int n = 0;
    char mine[80];
    snprintf(mine, sizeof mine, "%s/7", folder);
    DIR *dir = opendir(mine);
    for (struct dirent *e; dir && (e = readdir(dir));)
        n += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

static int setup(void **state)
{
    struct err e;
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/test_fs_scratch.%d", (int)getpid());
    return scratch_new(folder, 7, MAX, &s, &e);
}

static int teardown(void **state)
{
    (void)state;
    scratch_free(s);
    return access(folder, F_OK) == 0 ? -1 : 0;
}

static uint64_t make(uint64_t dir, const char *name)
{
    struct scratch_attr a;
    const struct scratch_make k = {.dir = dir, .name = name, .mode = 0640, .uid = 1, .gid = 2};
    assert_int_equal(scratch_create(s, &k, false, &a), 0);
    scratch_looked_up(s, a.ino);
    return a.ino;
}

static void holds(uint64_t ino, const char *want)
{
    char buf[64];
    assert_int_equal(scratch_read(s, ino, buf, sizeof buf, 0), (ssize_t)strlen(want));
    assert_memory_equal(buf, want, strlen(want));
}

static bool is_there(uint64_t dir, const char *name)
{
    struct scratch_attr a;
    return scratch_find(s, dir, name, &a) == 0;
}

static void test_a_number_is_of_this_mount(void **state)
{
    (void)state;
    uint64_t a = make(DIR_A, "a"), b = make(DIR_A, "b");
    assert_int_equal(ino_kind(a), INO_SCRATCH);
    assert_true(a != b);
    assert_int_equal(a >> 34 & ((1 << 26) - 1), 7);
}

static void test_bytes_are_kept_and_bounded(void **state)
{
    (void)state;
    struct scratch_attr a;
    uint64_t ino = make(DIR_A, "a");
    assert_int_equal(scratch_write(s, ino, "hello", 5, 0), 5);
    assert_int_equal(scratch_write(s, ino, "!", 1, 7), 1);
    assert_int_equal(scratch_get(s, ino, &a), 0);
    assert_int_equal(a.size, 8);
    assert_int_equal(scratch_truncate(s, ino, 4), 0);
    holds(ino, "hell");
    assert_int_equal(scratch_write(s, ino, "x", 1, MAX), -EFBIG);
    assert_int_equal(scratch_truncate(s, ino, MAX + 1), -EFBIG);
    assert_int_equal(scratch_write(s, ino, "x", 1, MAX - 1), 1);
}

static void test_names_are_a_directorys_own(void **state)
{
    (void)state;
    struct scratch_attr a;
    const struct scratch_make k = {.dir = DIR_A, .name = "a"};
    make(DIR_A, "a");
    make(DIR_B, "a");
    assert_int_equal(scratch_create(s, &k, false, &a), -EEXIST);
    assert_int_equal(scratch_unlink(s, DIR_A, "a"), 0);
    assert_int_equal(scratch_unlink(s, DIR_A, "a"), -ENOENT);
    assert_true(is_there(DIR_B, "a"));
}

static void test_an_unlinked_file_lives_while_it_is_open(void **state)
{
    (void)state;
    struct scratch_attr a;
    uint64_t ino = make(DIR_A, "a");
    assert_int_equal(scratch_open(s, ino, true, false), 0);
    scratch_write(s, ino, "hello", 5, 0);
    assert_int_equal(scratch_unlink(s, DIR_A, "a"), 0);
    holds(ino, "hello");
    assert_int_equal(scratch_get(s, ino, &a), 0);
    assert_int_equal(a.nlink, 0);
    assert_int_equal(files_on_disk(), 1);
    scratch_close(s, ino, true);
    assert_int_equal(files_on_disk(), 0);
    scratch_forget(s, ino, 1);
    assert_int_equal(scratch_get(s, ino, &a), -ENOENT);
}

static void test_rename_replaces(void **state)
{
    (void)state;
    uint64_t a = make(DIR_A, "a"), b = make(DIR_A, "b");
    scratch_write(s, a, "A", 1, 0);
    scratch_write(s, b, "B", 1, 0);
    assert_int_equal(scratch_rename(s, DIR_A, "a", DIR_A, "b", false), -EEXIST);
    assert_int_equal(scratch_rename(s, DIR_A, "a", DIR_A, "b", true), 0);
    assert_false(is_there(DIR_A, "a"));
    struct scratch_attr found;
    assert_int_equal(scratch_find(s, DIR_A, "b", &found), 0);
    assert_int_equal(found.ino, a);
    assert_int_equal(files_on_disk(), 1);
    assert_int_equal(scratch_rename(s, DIR_A, "b", DIR_B, "c", true), 0);
    assert_true(is_there(DIR_B, "c"));
    assert_int_equal(scratch_rename(s, DIR_A, "b", DIR_B, "d", true), -ENOENT);
}

static void test_a_listing_goes_on_where_it_was(void **state)
{
    (void)state;
    struct scratch_attr a = {0};
    make(DIR_A, "a");
    make(DIR_A, "b");
    make(DIR_A, "c");
    assert_int_equal(scratch_next(s, DIR_A, 0, &a), 0);
    assert_string_equal(a.name, "a");
    scratch_unlink(s, DIR_A, "b");
    assert_int_equal(scratch_next(s, DIR_A, a.serial, &a), 0);
    assert_string_equal(a.name, "c");
    assert_int_equal(scratch_next(s, DIR_A, a.serial, &a), -ENOENT);
}

static void test_a_directorys_time_grows_with_each_change(void **state)
{
    (void)state;
    assert_int_equal(scratch_changed_ns(s, DIR_A), 0);
    make(DIR_A, "a");
    int64_t one = scratch_changed_ns(s, DIR_A);
    scratch_unlink(s, DIR_A, "a");
    assert_true(scratch_changed_ns(s, DIR_A) > one);
}

static void test_a_symlink_is_scratch(void **state)
{
    (void)state;
    char target[64];
    struct scratch_attr a;
    const struct scratch_make k = {.dir = DIR_A, .name = ".#x", .mode = 0777};
    assert_int_equal(scratch_symlink(s, &k, "me@host.1:2", &a), 0);
    assert_int_equal(scratch_get(s, a.ino, &a), 0);
    assert_int_equal(a.size, 11);
    assert_true(S_ISLNK(a.mode));
    assert_int_equal(scratch_readlink(s, a.ino, target, sizeof target), 0);
    assert_string_equal(target, "me@host.1:2");
    assert_int_equal(scratch_open(s, a.ino, false, false), -EINVAL);
}

static void test_a_backup_keeps_the_number_that_the_kernel_carried(void **state)
{
    (void)state;
    struct scratch_attr a;
    uint64_t record = ino_make(INO_RECORD, 1, 2, 3);
    const struct scratch_make k = {.dir = DIR_A, .name = "X~", .mode = 0600};
    assert_false(scratch_has_carried(s));
    make(DIR_A, "X~");
    assert_int_equal(scratch_backup(s, record, &k, "body", 4), 0);
    assert_true(scratch_has_carried(s));
    assert_int_equal(scratch_find(s, DIR_A, "X~", &a), 0);
    assert_int_equal(a.ino, record);
    holds(record, "body");
    /* its number never means the record again */
    assert_int_equal(scratch_unlink(s, DIR_A, "X~"), 0);
    assert_int_equal(scratch_get(s, record, &a), 0);
    assert_int_equal(files_on_disk(), 0);
}

static void test_what_became_a_record_has_no_name_any_more(void **state)
{
    (void)state;
    struct scratch_attr a;
    unsigned writers = 9;
    uint64_t ino = make(DIR_A, "tmp");
    assert_int_equal(scratch_open(s, ino, true, false), 0);
    assert_int_equal(scratch_open(s, ino, false, false), 0);
    assert_int_equal(scratch_become(s, ino, 4711, &writers), 0);
    assert_int_equal(writers, 1);
    assert_false(is_there(DIR_A, "tmp"));
    assert_int_equal(scratch_get(s, ino, &a), 0);
    assert_int_equal(a.record, 4711);
    scratch_close(s, ino, true);
    scratch_close(s, ino, false);
    scratch_forget(s, ino, 1);
    assert_int_equal(scratch_get(s, ino, &a), -ENOENT);
}

static void test_documents_are_counted(void **state)
{
    (void)state;
    struct scratch_attr a;
    const struct scratch_make k = {.dir = DIR_A, .name = "EXT-1.json", .mode = 0600};
    assert_false(scratch_has_documents(s, DIR_A));
    assert_int_equal(scratch_create(s, &k, true, &a), 0);
    assert_true(scratch_has_documents(s, DIR_A));
    assert_int_equal(scratch_open(s, a.ino, true, false), -EINVAL);
    scratch_unlink(s, DIR_A, "EXT-1.json");
    assert_false(scratch_has_documents(s, DIR_A));
}

static void test_load_gives_the_text(void **state)
{
    (void)state;
    char *text;
    size_t len;
    uint64_t ino = make(DIR_A, "a");
    assert_int_equal(scratch_load(s, ino, 10, &text, &len), 0);
    assert_string_equal(text, "");
    free(text);
    scratch_write(s, ino, "hello", 5, 0);
    assert_int_equal(scratch_load(s, ino, 4, &text, &len), -EFBIG);
    assert_int_equal(scratch_load(s, ino, 5, &text, &len), 0);
    assert_string_equal(text, "hello");
    free(text);
}

static void test_folders_of_dead_mounts_are_removed(void **state)
{
    (void)state;
    struct err e;
    struct scratch *again;
    char dead[80], file[90];
    snprintf(dead, sizeof dead, "%s/6", folder);
    snprintf(file, sizeof file, "%s/1", dead);
    assert_int_equal(mkdir(dead, 0700), 0);
    assert_int_equal(close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    scratch_write(s, make(DIR_A, "a"), "x", 1, 0);
    assert_int_equal(scratch_new(folder, 8, MAX, &again, &e), 0);
    assert_int_equal(access(dead, F_OK), -1);
    assert_int_equal(files_on_disk(), 1); /* a living mount's stays */
    scratch_free(again);
    assert_int_equal(files_on_disk(), 1);
}

static void test_a_backup_that_fails_leaves_nothing(void **state)
{
    (void)state;
    struct scratch_make k = {.dir = DIR_A, .name = "a~", .mode = 0600};
    struct scratch_attr a;
    char mine[80];
    uint64_t record = ino_make(INO_RECORD, 1, 1, 5);
    snprintf(mine, sizeof mine, "%s/7", folder);
    assert_int_equal(rmdir(mine), 0);
    assert_int_equal(scratch_backup(s, record, &k, "x", 1), -ENOENT);
    assert_int_equal(scratch_find(s, DIR_A, "a~", &a), -ENOENT);
    assert_int_equal(scratch_get(s, record, &a), -ENOENT);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_number_is_of_this_mount),
        TEST(test_bytes_are_kept_and_bounded),
        TEST(test_names_are_a_directorys_own),
        TEST(test_an_unlinked_file_lives_while_it_is_open),
        TEST(test_rename_replaces),
        TEST(test_a_listing_goes_on_where_it_was),
        TEST(test_a_directorys_time_grows_with_each_change),
        TEST(test_a_symlink_is_scratch),
        TEST(test_a_backup_keeps_the_number_that_the_kernel_carried),
        TEST(test_what_became_a_record_has_no_name_any_more),
        TEST(test_documents_are_counted),
        TEST(test_load_gives_the_text),
        TEST(test_folders_of_dead_mounts_are_removed),
        TEST(test_a_backup_that_fails_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
