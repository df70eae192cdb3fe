/* How the store's own numbers and bytes lie on disk, by literals: what an older lmsfs wrote has to be read as the same thing.
 *
 * Where one of these fails, the change takes a new schema or revision (src/store/store_internal.h says which); only then are the literals here
 * changed. test_lms_order.c has what comes from the vendors' tables. */
#include "test_store_help.h"

static void test_the_schemas_that_the_literals_below_belong_to(void **state)
{
    (void)state;
    assert_int_equal(CACHE_SCHEMA, 1);
    assert_int_equal(LEDGER_SCHEMA, 1);
    assert_int_equal(LEDGER_REVISION, 1);
}

/* ---- tables ---- */

static MDB_env *opened(const char *path)
{
    MDB_env *env;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 32), 0);
    assert_int_equal(mdb_env_open(env, path, MDB_RDONLY, 0600), 0);
    return env;
}

/* The tables by name, in the order of the names, and no other. */
static void tables_are(const char *path, const char *const *names, size_t n)
{
    MDB_env *env = opened(path);
    MDB_txn *txn;
    MDB_dbi main_table;
    MDB_cursor *at;
    MDB_val key, value;
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &main_table), 0);
    assert_int_equal(mdb_cursor_open(txn, main_table, &at), 0);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(mdb_cursor_get(at, &key, &value, MDB_NEXT), 0);
        assert_int_equal(key.mv_size, strlen(names[i]));
        assert_memory_equal(key.mv_data, names[i], key.mv_size);
    }
    assert_int_equal(mdb_cursor_get(at, &key, &value, MDB_NEXT), MDB_NOTFOUND);
    mdb_cursor_close(at);
    mdb_txn_abort(txn);
    mdb_env_close(env);
}

/* A table that got another name is an empty one, and what was in it is lost. */
static void test_the_tables_have_these_names(void **state)
{
    static const char *const cache[] = {"ages",     "aliases", "bodies", "dirs",  "heads",  "keys",
                                        "listings", "marks",   "meta",   "names", "sweeps", "versions"};
    static const char *const ledger[] = {"accepted", "guard",    "jobs",  "kept",       "meta",   "own",
                                         "rejected", "removals", "saves", "successors", "tenants"};
    store_close(must_open(*state));
    tables_are(in(*state, "cache"), cache, sizeof cache / sizeof *cache);
    tables_are(in(*state, "ledger"), ledger, sizeof ledger / sizeof *ledger);
}

/* What stands in this table under this key of 8 bytes, the highest first. */
static void holds(MDB_txn *txn, const char *table, uint64_t key, const char *expected)
{
    MDB_dbi dbi;
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(key >> (56 - 8 * i));
    MDB_val k = {sizeof bytes, bytes}, v;
    assert_int_equal(mdb_dbi_open(txn, table, 0, &dbi), 0);
    assert_int_equal(mdb_get(txn, dbi, &k, &v), 0);
    assert_int_equal(v.mv_size, strlen(expected));
    assert_memory_equal(v.mv_data, expected, v.mv_size);
}

static void test_each_entry_of_the_ledger_goes_into_its_table(void **state)
{
    static const struct {
        enum ledger_table table;
        const char *name;
    } tables[] = {
        {LEDGER_SAVES, "saves"}, {LEDGER_REMOVALS, "removals"},
        {LEDGER_JOBS, "jobs"},   {LEDGER_REJECTED, "rejected"},
        {LEDGER_KEPT, "kept"},   {LEDGER_OWN, "own"},
        {LEDGER_GUARD, "guard"}, {LEDGER_SUCCESSORS, "successors"},
    };
    const size_t n = sizeof tables / sizeof *tables;
    struct err e;
    struct store *s = must_open(*state);
    assert_int_equal(LEDGER_TABLES, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(
            ledger_put(s, tables[i].table, 0x5a1ad23456789abcull, tables[i].name, strlen(tables[i].name), &e), 0);
    store_close(s);
    MDB_env *env = opened(in(*state, "ledger"));
    MDB_txn *txn;
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    for (size_t i = 0; i < n; i++)
        holds(txn, tables[i].name, 0x5a1ad23456789abcull, tables[i].name);
    mdb_txn_abort(txn);
    mdb_env_close(env);
}

/* "name\x1fact_as" → a number, the tenant's in every inode number. */
static void test_a_tenant_s_number_stands_under_its_identity(void **state)
{
    static const char identity[] = "hownow\x1f"
                                   "EXT-admin";
    struct err e;
    unsigned number;
    struct store *s = must_open(*state);
    assert_int_equal(store_tenant_number(s, "other\x1f", &number, &e), 0);
    assert_int_equal(number, 0);
    assert_int_equal(store_tenant_number(s, identity, &number, &e), 0);
    assert_int_equal(number, 1);
    store_close(s);
    MDB_env *env = opened(in(*state, "ledger"));
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_val k = {sizeof identity - 1, (void *)identity}, v;
    assert_int_equal(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "tenants", 0, &dbi), 0);
    assert_int_equal(mdb_get(txn, dbi, &k, &v), 0);
    assert_int_equal(v.mv_size, 8);
    assert_memory_equal(v.mv_data, "\1\0\0\0\0\0\0\0", 8);
    mdb_txn_abort(txn);
    mdb_env_close(env);
}

/* ---- values of the cache ---- */

static void bytes_are(const void *got, const char *hex)
{
    char text[1024] = "";
    for (size_t i = 0; i < strlen(hex) / 2; i++)
        snprintf(text + 2 * i, 3, "%02x", ((const unsigned char *)got)[i]);
    assert_string_equal(text, hex);
}

/* Bits of a head's flags. A record whose "active" bit were another would stand in the bin. */
static void test_the_flags_of_a_record(void **state)
{
    (void)state;
    assert_int_equal(STORE_ACTIVE, 1);
    assert_int_equal(STORE_COMPLETE, 2);
    assert_int_equal(STORE_PROVISIONAL, 4);
    assert_int_equal(HEAD_VERSIONED, 256);
}

static void test_the_bytes_of_a_record_s_head(void **state)
{
    const struct head h = {.rec = {.home = 0x0101,
                                   .size = 0x0202,
                                   .mtime_ns = 0x0303,
                                   .row_hash = 0x0404,
                                   .row_at = 0x0505,
                                   .detail_at = 0x0606,
                                   .flags = STORE_ACTIVE | HEAD_VERSIONED,
                                   .key = "k",
                                   .ext = "xx",
                                   .email = "m@e",
                                   .name = "n.js"},
                           .id_alias = "I",
                           .email_alias = "",
                           .version = 0x0707};
    unsigned char got[128];
    (void)state;
    assert_int_equal(head_size(&h), 72 + 2 + 3 + 4 + 5 + 2 + 1);
    head_pack(&h, got);
    bytes_are(got, "0101000000000000"
                   "0202000000000000"
                   "0303000000000000"
                   "0404000000000000"
                   "0505000000000000"
                   "0606000000000000"
                   "0707000000000000"
                   "01010000"
                   "0100"
                   "0200"
                   "0300"
                   "0400"
                   "0100"
                   "0000"
                   "6b00"
                   "787800"
                   "6d406500"
                   "6e2e6a7300"
                   "4900"
                   "00");
}

/* state: 0 clean, 1 pending, 2 failed; then 0 shown, 1 hidden, 2 leaving. */
static void test_the_bytes_of_a_record_s_mark(void **state)
{
    struct store_mark m = {.state = STORE_FAILED, .job = "j1", .error = "no", .successor = "ID-1"};
    unsigned char got[MARK_SIZE_MAX];
    (void)state;
    assert_int_equal(mark_pack(&m, got), 16);
    bytes_are(got, "02000200020004006a316e6f49442d31");
    m = (struct store_mark){.state = STORE_PENDING, .hidden = true};
    assert_int_equal(mark_pack(&m, got), 8);
    bytes_are(got, "0101000000000000");
    m = (struct store_mark){.state = STORE_CLEAN, .hidden = true, .leaving = true};
    assert_int_equal(mark_pack(&m, got), 8);
    bytes_are(got, "0002000000000000");
}

static void test_the_bytes_of_a_listing_and_a_sweep(void **state)
{
    const struct listing_disk l = {.complete_at = 1, .changed_ns = 2, .entries = 3, .total = 4, .details = 5};
    const struct sweep_disk s = {.newest = 1, .started_at = 2, .total = 3, .pages = 4, .done = 5};
    (void)state;
    assert_int_equal(sizeof l, 40);
    bytes_are(&l, "0100000000000000"
                  "0200000000000000"
                  "0300000000000000"
                  "0400000000000000"
                  "0500000000000000");
    assert_int_equal(sizeof s, 32);
    bytes_are(&s, "0100000000000000"
                  "0200000000000000"
                  "0300000000000000"
                  "04000000"
                  "05000000");
}

/* Big-endian numbers, so that a walk goes in their order; then the text. */
static void test_the_bytes_of_a_key(void **state)
{
    struct key k;
    (void)state;
    assert_int_equal(key_numbers(&k, 2, 0x0102030405060708ull, 9).mv_size, 16);
    bytes_are(k.bytes, "0102030405060708"
                       "0000000000000009");
    assert_int_equal(key_text(&k, 7, "a.json").mv_size, 14);
    bytes_are(k.bytes, "0000000000000007"
                       "612e6a736f6e");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, place_make, place_drop)
    const struct CMUnitTest tests[] = {
        T(test_the_schemas_that_the_literals_below_belong_to),
        T(test_the_tables_have_these_names),
        T(test_each_entry_of_the_ledger_goes_into_its_table),
        T(test_a_tenant_s_number_stands_under_its_identity),
        T(test_the_flags_of_a_record),
        T(test_the_bytes_of_a_record_s_head),
        T(test_the_bytes_of_a_record_s_mark),
        T(test_the_bytes_of_a_listing_and_a_sweep),
        T(test_the_bytes_of_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
