/* The ledger: what only we know. */
#include "test_store_help.h"

static void must_ledger_put(struct store *s, enum ledger_table t, uint64_t key, const char *value)
{
    struct err e;
    if (ledger_put(s, t, key, value, strlen(value), &e))
        fail_msg("ledger_put: %s", e.text);
}

static void ledger_says(struct store *s, enum ledger_table t, uint64_t key, const char *wanted)
{
    void *value;
    size_t len;
    int rc = ledger_get(s, t, key, &value, &len);
    if (!wanted) {
        assert_int_equal(rc, -ENOENT);
        assert_null(value);
        return;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(value, wanted, len);
    free(value);
}

static void test_what_is_put_is_there_and_what_is_deleted_is_not(void **state)
{
    struct err e;
    struct store *s = must_open(*state);
    must_ledger_put(s, LEDGER_SAVES, 1, "one");
    must_ledger_put(s, LEDGER_SAVES, 1, "uno");
    must_ledger_put(s, LEDGER_SAVES, 2, "");
    must_ledger_put(s, LEDGER_KEPT, 1, "other table");
    ledger_says(s, LEDGER_SAVES, 1, "uno");
    ledger_says(s, LEDGER_SAVES, 2, "");
    ledger_says(s, LEDGER_KEPT, 1, "other table");
    ledger_says(s, LEDGER_KEPT, 2, NULL);
    assert_int_equal(ledger_delete(s, LEDGER_SAVES, 1, &e), 0);
    assert_int_equal(ledger_delete(s, LEDGER_SAVES, 1, &e), 0); /* a missing one */
    ledger_says(s, LEDGER_SAVES, 1, NULL);
    store_close(s);
    s = must_open(*state);
    ledger_says(s, LEDGER_SAVES, 2, "");
    store_close(s);
}

static void puts_and_dies(const struct place *p)
{
    struct err e;
    struct store *s = must_open(p);
    must_ledger_put(s, LEDGER_SAVES, 7, "durable");
    assert_int_equal(ledger_begin(s, &e), 0);
    must_ledger_put(s, LEDGER_SAVES, 8, "not yet");
}

static void test_what_was_put_survives_a_kill_and_what_was_not_committed_does_not(void **state)
{
    and_is_killed(*state, puts_and_dies);
    struct store *s = must_open(*state);
    ledger_says(s, LEDGER_SAVES, 7, "durable");
    ledger_says(s, LEDGER_SAVES, 8, NULL);
    store_close(s);
}

static void test_several_changes_are_one_or_none(void **state)
{
    struct err e;
    struct store *s = must_open(*state);
    assert_int_equal(ledger_commit(s, &e), -EINVAL);
    must_ledger_put(s, LEDGER_REMOVALS, 5, "was");
    assert_int_equal(ledger_begin(s, &e), 0);
    assert_int_equal(ledger_begin(s, &e), -EBUSY);
    must_ledger_put(s, LEDGER_REMOVALS, 6, "is");
    assert_int_equal(ledger_delete(s, LEDGER_REMOVALS, 5, &e), 0);
    ledger_says(s, LEDGER_REMOVALS, 6, "is"); /* its own changes are seen */
    ledger_says(s, LEDGER_REMOVALS, 5, NULL);
    ledger_abort(s);
    ledger_abort(s); /* harmless */
    ledger_says(s, LEDGER_REMOVALS, 6, NULL);
    ledger_says(s, LEDGER_REMOVALS, 5, "was");
    assert_int_equal(ledger_begin(s, &e), 0);
    must_ledger_put(s, LEDGER_REMOVALS, 6, "is");
    assert_int_equal(ledger_delete(s, LEDGER_REMOVALS, 5, &e), 0);
    assert_int_equal(ledger_commit(s, &e), 0);
    store_close(s);
    s = must_open(*state);
    ledger_says(s, LEDGER_REMOVALS, 6, "is");
    ledger_says(s, LEDGER_REMOVALS, 5, NULL);
    store_close(s);
}

static void test_a_key_is_given_once(void **state)
{
    struct err e;
    uint64_t key;
    struct store *s = must_open(*state);
    assert_int_equal(ledger_next_key(s, LEDGER_SAVES, &key), 0);
    assert_int_equal(key, 1);
    assert_int_equal(ledger_next_key(s, LEDGER_SAVES, &key), 0);
    assert_int_equal(key, 2); /* though nothing was put under the first */
    must_ledger_put(s, LEDGER_SAVES, 40, "x");
    assert_int_equal(ledger_delete(s, LEDGER_SAVES, 40, &e), 0);
    assert_int_equal(ledger_next_key(s, LEDGER_SAVES, &key), 0);
    assert_int_equal(key, 41);
    assert_int_equal(ledger_next_key(s, LEDGER_REJECTED, &key), 0);
    assert_int_equal(key, 1);
    store_close(s);
    s = must_open(*state);
    assert_int_equal(ledger_next_key(s, LEDGER_SAVES, &key), 0);
    assert_int_equal(key, 41);
    store_close(s);
}

struct walk {
    struct store *s;
    uint64_t seen[16];
    unsigned n;
};

static int collect(void *ctx, uint64_t key, const void *value, size_t len)
{
    struct walk *w = ctx;
    struct err e;
    assert_int_equal(len, 1);
    assert_int_equal(*(const char *)value, 'v');
    w->seen[w->n++] = key;
    assert_int_equal(ledger_delete(w->s, LEDGER_JOBS, key, &e), 0); /* itself */
    if (key == 2) {
        assert_int_equal(ledger_delete(w->s, LEDGER_JOBS, 300, &e), 0); /* one that is to come */
        must_ledger_put(w->s, LEDGER_JOBS, 70000, "v");
        must_ledger_put(w->s, LEDGER_JOBS, 1, "v"); /* one that was passed */
    }
    return key == UINT64_MAX ? 42 : 0;
}

static void test_a_walk_goes_in_order_and_bears_changes(void **state)
{
    static const uint64_t keys[] = {UINT64_MAX, 300, 2, 0, 65536, 255};
    struct store *s = must_open(*state);
    struct walk w = {.s = s};
    assert_int_equal(ledger_each(s, LEDGER_JOBS, collect, &w), 0);
    assert_int_equal(w.n, 0);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        must_ledger_put(s, LEDGER_JOBS, keys[i], "v");
    assert_int_equal(ledger_each(s, LEDGER_JOBS, collect, &w), 42);
    const uint64_t wanted[] = {0, 2, 255, 65536, 70000, UINT64_MAX};
    assert_int_equal(w.n, 6);
    assert_memory_equal(w.seen, wanted, sizeof wanted);
    store_close(s);
}

static void test_a_tenant_keeps_its_number(void **state)
{
    struct err e;
    unsigned a, b, again;
    char identity[64];
    struct store *s = must_open(*state);
    assert_int_equal(store_tenant_number(s,
                                         "hownow\x1f"
                                         "EXT-admin",
                                         &a, &e),
                     0);
    assert_int_equal(store_tenant_number(s,
                                         "hownow\x1f"
                                         "EXT-other",
                                         &b, &e),
                     0);
    assert_true(a != b);
    store_close(s);
    remove_tree(in(*state, "cache"));
    s = must_open(*state);
    assert_int_equal(store_tenant_number(s,
                                         "hownow\x1f"
                                         "EXT-admin",
                                         &again, &e),
                     0);
    assert_int_equal(a, again);
    for (int i = 2; i < 256; i++) {
        snprintf(identity, sizeof identity, "tenant-%d", i);
        assert_int_equal(store_tenant_number(s, identity, &again, &e), 0);
        assert_int_equal(again, i);
    }
    assert_int_equal(store_tenant_number(s, "one too many", &again, &e), -ENOSPC);
    assert_true(e.text[0]);
    assert_int_equal(store_tenant_number(s,
                                         "hownow\x1f"
                                         "EXT-other",
                                         &again, &e),
                     0);
    assert_int_equal(again, b);
    assert_int_equal(store_tenant_number(s, "", &again, &e), -EINVAL);
    store_close(s);
}

static void test_mounts_are_counted_across_restarts(void **state)
{
    struct err e;
    uint64_t n;
    for (uint64_t i = 1; i <= 4; i++) {
        struct store *s = must_open(*state);
        assert_int_equal(store_mount_count(s, &n, &e), 0);
        assert_int_equal(n, i);
        store_close(s);
    }
}

static void test_records_can_be_put_between_ledger_begin_and_commit(void **state)
{
    struct err e;
    struct store *s = must_open(*state);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(ledger_begin(s, &e), 0);
        struct store_write *w = must_begin(s);
        for (int i = 0; i < 4000; i++) {
            char key[32], name[48];
            snprintf(key, sizeof key, "%d-%d", round, i);
            snprintf(name, sizeof name, "ID-%s.json", key);
            struct store_put p = person(key, name, "{}\n");
            must_put(w, &p);
        }
        must_commit(w);
        ledger_abort(s); /* takes no number back */
    }
    must_agree(s);
    assert_int_equal(listing(s, USERS).entries, 12000);
    store_close(s);
}

static void test_a_full_ledger_is_an_error_and_can_be_emptied(void **state)
{
    const struct place *p = *state;
    struct store *s;
    struct err e = {0};
    struct store_limits limits = {.cache_bytes = 4 << 20, .ledger_bytes = 1 << 20, .readers = 16, .walk_ms = 1000};
    char value[3000];
    memset(value, 'v', sizeof value);
    assert_int_equal(store_open_sized(p->dir, &limits, &s, &e), 0);
    uint64_t n = 0;
    int rc;
    while ((rc = ledger_put(s, LEDGER_SAVES, n, value, sizeof value, &e)) == 0)
        assert_true(++n < 1000);
    assert_int_equal(rc, -ENOSPC);
    assert_non_null(strstr(e.text, "full"));
    assert_int_equal(ledger_begin(s, &e), 0);
    assert_int_equal(ledger_delete(s, LEDGER_SAVES, 0, &e), 0);
    assert_int_equal(ledger_put(s, LEDGER_SAVES, n, value, sizeof value, &e), -ENOSPC);
    assert_int_equal(ledger_commit(s, &e), -ENOSPC); /* half of it is not what was asked */
    for (uint64_t i = 0; i < n; i++) {
        void *got;
        size_t len;
        assert_int_equal(ledger_get(s, LEDGER_SAVES, i, &got, &len), 0);
        free(got);
    }
    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(ledger_delete(s, LEDGER_SAVES, i, &e), 0);
    for (uint64_t i = 0; i < n / 2; i++)
        assert_int_equal(ledger_put(s, LEDGER_SAVES, i, value, sizeof value, &e), 0);
    store_close(s);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, place_make, place_drop)
    const struct CMUnitTest tests[] = {
        T(test_what_is_put_is_there_and_what_is_deleted_is_not),
        T(test_what_was_put_survives_a_kill_and_what_was_not_committed_does_not),
        T(test_several_changes_are_one_or_none),
        T(test_a_key_is_given_once),
        T(test_a_walk_goes_in_order_and_bears_changes),
        T(test_a_tenant_keeps_its_number),
        T(test_mounts_are_counted_across_restarts),
        T(test_records_can_be_put_between_ledger_begin_and_commit),
        T(test_a_full_ledger_is_an_error_and_can_be_emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
