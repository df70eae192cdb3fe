/* Drafts: a text belongs to the inode, is settled once a change, and a verdict reaches everybody who waits for it. */
#include "fs/draft.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RECORD = 100, NEW = 200 };

static struct drafts *d;

static int setup(void **state)
{
    (void)state;
    d = drafts_new(64);
    return d ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    drafts_free(d);
    return 0;
}

static int put(uint64_t ino, const char *base, const char *text, off_t at)
{
    return draft_write(d, ino, base, strlen(base), text, strlen(text), at);
}

static void holds(uint64_t ino, const char *want)
{
    char buf[128];
    ssize_t n = draft_read(d, ino, buf, sizeof buf, 0);
    assert_int_equal(n, (ssize_t)strlen(want));
    assert_memory_equal(buf, want, strlen(want));
}

static uint64_t ask(uint64_t ino, const char *want)
{
    struct draft_text t;
    assert_int_equal(draft_settle(d, ino, NULL, &t), DRAFT_ASK);
    assert_string_equal(t.text, want);
    assert_int_equal(t.len, strlen(want));
    assert_int_equal(t.uid, 1);
    assert_int_equal(t.pid, 2);
    free(t.text);
    return t.seq;
}

static int settle_again(uint64_t ino, struct settle *w)
{
    struct draft_text t;
    return draft_settle(d, ino, w, &t);
}

static void verdict(uint64_t ino, uint64_t seq, enum draft_end end, int code)
{
    struct settle *same, *newer;
    draft_verdict(d, ino, seq, end, code, 0, &same, &newer);
    assert_null(same);
    assert_null(newer);
}

static void test_a_write_begins_with_what_the_file_holds(void **state)
{
    (void)state;
    assert_int_equal(draft_open(d, RECORD, false, 1, 2), 0);
    assert_int_equal(put(RECORD, "hello world", "J", 0), 0);
    holds(RECORD, "Jello world");
    assert_int_equal(put(RECORD, "ignored", "!", 11), 0);
    holds(RECORD, "Jello world!");
}

static void test_a_truncated_draft_begins_empty(void **state)
{
    (void)state;
    assert_int_equal(draft_open(d, RECORD, false, 1, 2), 0);
    assert_int_equal(draft_truncate(d, RECORD, "hello", 5, 0), 0);
    holds(RECORD, "");
    assert_int_equal(draft_truncate(d, RECORD, "hello", 5, 2), 0);
    off_t size;
    int64_t mtime;
    assert_int_equal(draft_stat(d, RECORD, &size, &mtime), 0);
    assert_int_equal(size, 2);
}

static void test_a_draft_has_a_limit(void **state)
{
    (void)state;
    assert_int_equal(draft_open(d, RECORD, false, 1, 2), 0);
    assert_int_equal(put(RECORD, "", "x", 64), -EFBIG);
    assert_int_equal(put(RECORD, "", "x", (off_t)1 << 60), -EFBIG);
    assert_int_equal(put(RECORD, "", "x", -1), -EFBIG);
    assert_int_equal(draft_truncate(d, RECORD, NULL, 0, 65), -EFBIG);
    assert_int_equal(put(RECORD, "", "x", 63), 0);
}

static void test_nobody_writes_without_a_handle(void **state)
{
    (void)state;
    assert_int_equal(put(RECORD, "", "x", 0), -ESTALE);
    assert_false(draft_has_writer(d, RECORD));
}

static void test_settling_without_a_change_does_nothing(void **state)
{
    (void)state;
    assert_int_equal(draft_open(d, RECORD, false, 1, 2), 0);
    assert_int_equal(settle_again(RECORD, NULL), DRAFT_CLEAN);
    put(RECORD, "", "one", 0);
    verdict(RECORD, ask(RECORD, "one"), DRAFT_SETTLED, 0);
    assert_int_equal(settle_again(RECORD, NULL), DRAFT_CLEAN);
    assert_int_equal(draft_read(d, RECORD, &(char){0}, 1, 0), -ENOENT);
}

static void test_what_was_written_while_it_was_asked_stays(void **state)
{
    (void)state;
    assert_int_equal(draft_open(d, RECORD, false, 1, 2), 0);
    put(RECORD, "", "one", 0);
    uint64_t seq = ask(RECORD, "one");
    put(RECORD, "", "two", 0);
    verdict(RECORD, seq, DRAFT_SETTLED, 0);
    holds(RECORD, "two");
    verdict(RECORD, ask(RECORD, "two"), DRAFT_SETTLED, 0);
}

static void test_who_waits_for_the_same_text_gets_its_verdict(void **state)
{
    (void)state;
    struct settle a, b, *same, *newer;
    assert_int_equal(draft_open(d, RECORD, false, 1, 2), 0);
    put(RECORD, "", "one", 0);
    uint64_t seq = ask(RECORD, "one");
    assert_int_equal(settle_again(RECORD, &a), DRAFT_WAIT);
    put(RECORD, "", "two", 0);
    assert_int_equal(settle_again(RECORD, &b), DRAFT_WAIT);
    draft_verdict(d, RECORD, seq, DRAFT_SETTLED, 0, 0, &same, &newer);
    assert_ptr_equal(same, &a);
    assert_null(same->next);
    assert_ptr_equal(newer, &b);
    assert_null(newer->next);
}

static void test_a_refused_record_shows_the_servers_version(void **state)
{
    (void)state;
    assert_int_equal(draft_open(d, RECORD, false, 1, 2), 0);
    put(RECORD, "", "one", 0);
    verdict(RECORD, ask(RECORD, "one"), DRAFT_REFUSED, -EINVAL);
    assert_int_equal(draft_read(d, RECORD, &(char){0}, 1, 0), -ENOENT);
}

/* emacs takes EINVAL of fsync for a file system that has none: its close has to hear the same. */
static void test_a_refusal_is_told_again_until_the_next_change(void **state)
{
    (void)state;
    struct draft_text t;
    assert_int_equal(draft_open(d, RECORD, false, 1, 2), 0);
    assert_true(draft_is_clean(d, RECORD));
    put(RECORD, "", "one", 0);
    assert_false(draft_is_clean(d, RECORD));
    verdict(RECORD, ask(RECORD, "one"), DRAFT_REFUSED, -EINVAL);
    assert_false(draft_is_clean(d, RECORD));
    assert_int_equal(settle_again(RECORD, NULL), -EINVAL);
    put(RECORD, "", "two", 0);
    verdict(RECORD, ask(RECORD, "two"), DRAFT_SETTLED, 0);
    assert_int_equal(settle_again(RECORD, NULL), DRAFT_CLEAN);
    put(RECORD, "", "six", 0);
    verdict(RECORD, ask(RECORD, "six"), DRAFT_REFUSED, -EINVAL);
    assert_int_equal(draft_close(d, RECORD, &t), DRAFT_CLEAN);
    assert_true(draft_is_clean(d, RECORD));
    assert_int_equal(settle_again(RECORD, NULL), DRAFT_CLEAN);
}

static void test_a_refused_new_record_is_not_asked_again(void **state)
{
    (void)state;
    assert_int_equal(draft_open(d, NEW, true, 1, 2), 0);
    put(NEW, "", "one", 0);
    verdict(NEW, ask(NEW, "one"), DRAFT_REFUSED, -EEXIST);
    assert_int_equal(settle_again(NEW, NULL), -EEXIST);
    holds(NEW, "one");
    put(NEW, "", "two", 0);
    ask(NEW, "two");
}

static void test_what_is_no_document_yet_stays_while_it_is_open(void **state)
{
    (void)state;
    struct draft_text t;
    assert_int_equal(draft_open(d, RECORD, false, 1, 2), 0);
    draft_truncate(d, RECORD, "base", 4, 0);
    verdict(RECORD, ask(RECORD, ""), DRAFT_KEPT, -EINVAL);
    holds(RECORD, "");
    put(RECORD, "base", "{", 0);
    assert_int_equal(draft_close(d, RECORD, &t), DRAFT_ASK);
    assert_string_equal(t.text, "{");
    free(t.text);
    verdict(RECORD, t.seq, DRAFT_KEPT, -EINVAL);
    assert_int_equal(draft_read(d, RECORD, &(char){0}, 1, 0), -ENOENT);
}

static void test_only_the_last_close_settles(void **state)
{
    (void)state;
    struct draft_text t;
    assert_int_equal(draft_open(d, RECORD, false, 1, 2), 0);
    assert_int_equal(draft_open(d, RECORD, false, 1, 2), 0);
    put(RECORD, "", "one", 0);
    assert_int_equal(draft_close(d, RECORD, &t), DRAFT_CLEAN);
    assert_int_equal(draft_close(d, RECORD, &t), DRAFT_ASK);
    free(t.text);
    verdict(RECORD, t.seq, DRAFT_SETTLED, 0);
    assert_false(draft_has_writer(d, RECORD));
}

static void test_a_new_record_takes_its_writers_along(void **state)
{
    (void)state;
    struct settle *same, *newer;
    assert_int_equal(draft_open(d, NEW, true, 1, 2), 0);
    put(NEW, "", "one", 0);
    uint64_t seq = ask(NEW, "one");
    draft_verdict(d, NEW, seq, DRAFT_SETTLED, 0, RECORD, &same, &newer);
    assert_int_equal(put(NEW, "", "late", 0), -ESTALE);
    assert_int_equal(put(RECORD, "one", "late", 0), 0);
    holds(RECORD, "late");
}

static void test_a_new_record_joins_the_draft_that_is_there(void **state)
{
    (void)state;
    struct settle *same, *newer;
    assert_int_equal(draft_open(d, RECORD, false, 1, 2), 0);
    put(RECORD, "", "theirs", 0);
    assert_int_equal(draft_open(d, NEW, true, 1, 2), 0);
    put(NEW, "", "one", 0);
    uint64_t seq = ask(NEW, "one");
    draft_verdict(d, NEW, seq, DRAFT_SETTLED, 0, RECORD, &same, &newer);
    holds(RECORD, "theirs");
    struct draft_text t;
    assert_int_equal(draft_close(d, RECORD, &t), DRAFT_CLEAN);
    assert_int_equal(draft_close(d, RECORD, &t), DRAFT_ASK);
    free(t.text);
    verdict(RECORD, t.seq, DRAFT_SETTLED, 0);
}

static void test_an_abandoned_name_is_never_asked(void **state)
{
    (void)state;
    struct draft_text t;
    assert_int_equal(draft_open(d, NEW, true, 1, 2), 0);
    put(NEW, "", "one", 0);
    draft_abandon(d, NEW);
    assert_int_equal(draft_close(d, NEW, &t), DRAFT_CLEAN);
    assert_false(draft_has_writer(d, NEW));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_write_begins_with_what_the_file_holds),
        TEST(test_a_truncated_draft_begins_empty),
        TEST(test_a_draft_has_a_limit),
        TEST(test_nobody_writes_without_a_handle),
        TEST(test_settling_without_a_change_does_nothing),
        TEST(test_what_was_written_while_it_was_asked_stays),
        TEST(test_who_waits_for_the_same_text_gets_its_verdict),
        TEST(test_a_refused_record_shows_the_servers_version),
        TEST(test_a_refusal_is_told_again_until_the_next_change),
        TEST(test_a_refused_new_record_is_not_asked_again),
        TEST(test_what_is_no_document_yet_stays_while_it_is_open),
        TEST(test_only_the_last_close_settles),
        TEST(test_a_new_record_takes_its_writers_along),
        TEST(test_a_new_record_joins_the_draft_that_is_there),
        TEST(test_an_abandoned_name_is_never_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
