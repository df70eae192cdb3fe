/* The cache folder: who may open it, what a crash leaves, what damage does, and that numbers are given once. */
#include "test_store_help.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>

/* ------------------------------------------------------------------ helpers */

static int open_fails(const struct place *p, struct err *e)
{
    struct store *s;
    int rc = store_open(p->dir, &s, e);
    assert_null(s);
    assert_int_equal(e->code, rc);
    assert_true(e->text[0]);
    return rc;
}

static struct store *open_with_warning(const struct place *p)
{
    struct err e;
    struct store *s;
    if (store_open(p->dir, &s, &e))
        fail_msg("store_open: %s", e.text);
    assert_int_equal(e.code, 0);
    assert_non_null(strstr(e.text, "cache.bad-"));
    return s;
}

static unsigned count_bad(const struct place *p)
{
    unsigned n = 0;
    DIR *d = opendir(p->dir);
    assert_non_null(d);
    for (struct dirent *at; (at = readdir(d));)
        n += strncmp(at->d_name, "cache.bad-", 10) == 0;
    closedir(d);
    return n;
}

static off_t size_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void put_people(struct store *s, int from, int to)
{
    struct store_write *w = must_begin(s);
    for (int i = from; i < to; i++) {
        char key[16], name[32], body[1200];
        snprintf(key, sizeof key, "%d", i);
        snprintf(name, sizeof name, "ID-%d.json", i);
        snprintf(body, sizeof body, "{\"n\": %d, \"x\": \"%01000d\"}\n", i, i);
        struct store_put p = person(key, name, body);
        p.mtime_ns = 1000 + i;
        must_put(w, &p);
    }
    must_commit(w);
}

static void leave_open_with_1000_people(const struct place *p)
{
    struct store *s = must_open(p);
    for (int i = 0; i < 1000; i += 100)
        put_people(s, i, i + 100);
}

static void scribble(const char *path, off_t from)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    unsigned char page[4096];
    off_t size = size_of(path);
    uint64_t noise = 88172645463325252ull;
    for (off_t at = from; at + (off_t)sizeof page <= size; at += (off_t)sizeof page) {
        for (size_t i = 0; i < sizeof page; i++) {
            noise = noise * 6364136223846793005ull + 1442695040888963407ull;
            page[i] = (unsigned char)(noise >> 33);
        }
        assert_int_equal(pwrite(fd, page, sizeof page, at), sizeof page);
    }
    close(fd);
}

/* ------------------------------------------------------------------ who may open it */

static void test_a_folder_is_made_for_us_alone(void **state)
{
    const struct place *p = *state;
    struct stat st;
    store_close(must_open(p));
    const char *made[] = {"", "cache", "ledger"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(stat(in(p, made[i]), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(st.st_uid, geteuid());
    }
    const char *files[] = {"lock", "cache/data.mdb", "ledger/data.mdb"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(stat(in(p, files[i]), &st), 0);
        assert_int_equal(st.st_mode & 077, 0);
    }
    assert_int_equal(access(in(p, "ledger.new"), F_OK), -1);
}

static void test_a_folder_that_others_can_enter_is_refused(void **state)
{
    const struct place *p = *state;
    struct err e;
    assert_int_equal(mkdir(p->dir, 0700), 0);
    assert_int_equal(chmod(p->dir, 0750), 0);
    assert_int_equal(open_fails(p, &e), -EACCES);
    assert_non_null(strstr(e.text, "chmod 700"));
    assert_int_equal(chmod(p->dir, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(p->dir, 65534, 65534), 0);
        assert_int_equal(open_fails(p, &e), -EACCES);
        assert_non_null(strstr(e.text, "65534"));
        assert_int_equal(chown(p->dir, 0, 0), 0);
    }
    store_close(must_open(p));
}

static void test_a_file_in_its_place_is_refused(void **state)
{
    const struct place *p = *state;
    struct err e;
    int fd = open(p->dir, O_CREAT | O_WRONLY, 0600);
    close(fd);
    assert_int_equal(open_fails(p, &e), -ENOTDIR);
    assert_int_equal(unlink(p->dir), 0);
}

static void test_a_second_opener_is_told_who_holds_it(void **state)
{
    const struct place *p = *state;
    struct err e;
    char pid[32];
    struct store *s = must_open(p);
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_int_equal(open_fails(p, &e), -EBUSY);
    assert_non_null(strstr(e.text, pid));
    put_people(s, 0, 10); /* the first goes on */
    store_close(s);
    s = must_open(p);
    assert_true(lookup(s, USERS, "ID-9.json") != 0);
    store_close(s);
}

/* ------------------------------------------------------------------ coming back */

static void test_a_restart_keeps_numbers_times_and_order(void **state)
{
    const struct place *p = *state;
    struct store *s = must_open(p);
    put_people(s, 0, 200);
    uint64_t inos[200];
    for (int i = 0; i < 200; i++) {
        char name[32];
        snprintf(name, sizeof name, "ID-%d.json", i);
        inos[i] = lookup(s, USERS, name);
        assert_true(inos[i] != 0);
    }
    struct store_listing before = listing(s, USERS);
    store_close(s);
    assert_int_equal(access(in(p, "cache/in-use"), F_OK), -1);
    s = must_open(p);
    assert_int_equal(access(in(p, "cache/in-use"), F_OK), 0);
    struct store_read *r = store_read_begin(s);
    uint64_t after = 0, ino;
    const char *name;
    for (int i = 0; i < 200; i++) {
        struct store_record rec;
        assert_int_equal(store_dir_next(r, USERS, after, &ino, &name), 0);
        assert_int_equal(ino, inos[i]);
        assert_int_equal(store_get(r, ino, &rec), 0);
        assert_int_equal(rec.mtime_ns, 1000 + i);
        after = ino_rec(ino);
    }
    store_read_end(r);
    struct store_listing now = listing(s, USERS);
    assert_memory_equal(&before, &now, sizeof now);
    must_agree(s);
    store_close(s);
}

static void test_a_killed_daemon_keeps_its_cache(void **state)
{
    const struct place *p = *state;
    uint64_t ino = 0;
    for (int times = 1; times <= 3; times++) {
        and_is_killed(p, leave_open_with_1000_people);
        assert_int_equal(marker_read(in(p, "cache")), (unsigned)times);
    }
    struct store *s = must_open(p); /* no warning */
    ino = lookup(s, USERS, "ID-999.json");
    assert_true(ino != 0);
    assert_int_equal(listing(s, USERS).entries, 1000);
    must_agree(s);
    store_close(s);
    assert_int_equal(marker_read(in(p, "cache")), 0);
    assert_int_equal(count_bad(p), 0);
    s = must_open(p);
    assert_int_equal(lookup(s, USERS, "ID-999.json"), ino);
    store_close(s);
}

static void killed_in_a_write(const struct place *p)
{
    struct store *s = must_open(p);
    put_people(s, 0, 100);
    struct store_write *w = must_begin(s);
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "EXT-%d.json", i);
        struct store_put put = person(NULL, name, "{}\n");
        must_put(w, &put);
    }
}

static void test_a_write_that_was_killed_never_was(void **state)
{
    const struct place *p = *state;
    and_is_killed(p, killed_in_a_write);
    struct store *s = must_open(p);
    assert_int_equal(listing(s, USERS).entries, 100);
    must_agree(s);
    store_close(s);
}

/* ------------------------------------------------------------------ numbers are given once */

static uint64_t highest;

static void gives_ids(const struct place *p)
{
    struct store *s = must_open(p);
    put_people(s, 0, 300);
}

static void test_a_number_is_never_given_twice_even_without_the_cache(void **state)
{
    const struct place *p = *state;
    for (int times = 0; times < 6; times++) {
        if (times % 3 == 2)
            and_is_killed(p, gives_ids);
        struct store *s = must_open(p);
        if (times % 3 == 2) {
            for (int i = 0; i < 300; i++) {
                char name[32];
                snprintf(name, sizeof name, "ID-%d.json", i);
                uint64_t rec = ino_rec(lookup(s, USERS, name));
                highest = rec > highest ? rec : highest;
            }
        }
        char key[16], name[32];
        for (int i = 0; i < 5000; i += 250) { /* more than one block */
            struct store_write *w = must_begin(s);
            for (int j = i; j < i + 250; j++) {
                snprintf(key, sizeof key, "k%d-%d", times, j);
                snprintf(name, sizeof name, "ID-%s.json", key);
                struct store_put put = person(key, name, "{}\n");
                uint64_t rec = ino_rec(must_put(w, &put).ino);
                assert_true(rec > highest);
                highest = rec;
            }
            if (i % 1000 == 0)
                store_write_abort(w); /* its numbers are gone, too */
            else
                must_commit(w);
        }
        store_close(s);
        if (times % 2)
            remove_tree(in(p, "cache"));
    }
    highest = 0;
}

static void test_a_number_from_before_the_cache_was_deleted_comes_back(void **state)
{
    const struct place *p = *state;
    struct store *s = must_open(p);
    struct store_put put = {.kind = INO_JOB, .home = JOBS, .key = "j", .name = "j.json", .active = true, BODY("{}\n")};
    uint64_t ino = put_alone(s, &put).ino;
    store_close(s);
    remove_tree(in(p, "cache"));
    s = must_open(p);
    put.ino = ino;
    struct store_change c = put_alone(s, &put);
    assert_true(c.created);
    assert_int_equal(c.ino, ino);
    must_agree(s);
    store_close(s);
}

static void test_a_cache_of_another_ledger_is_set_aside(void **state)
{
    const struct place *p = *state;
    struct store *s = must_open(p);
    put_people(s, 0, 10);
    store_close(s);
    remove_tree(in(p, "ledger"));
    s = open_with_warning(p);
    assert_int_equal(listing(s, USERS).entries, 0);
    store_close(s);
    assert_int_equal(count_bad(p), 1);
    store_close(must_open(p));
}

/* ------------------------------------------------------------------ damage */

static void test_a_cache_cut_short_is_a_clear_error(void **state)
{
    const struct place *p = *state;
    struct err e;
    struct store *s = must_open(p);
    put_people(s, 0, 1000);
    store_close(s);
    off_t whole = size_of(in(p, "cache/data.mdb"));
    off_t cuts[] = {whole - 4096, whole / 2, 3 * 4096, 2 * 4096, 4096, 100, 0};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        assert_int_equal(truncate(in(p, "cache/data.mdb"), cuts[i]), 0);
        assert_int_equal(open_fails(p, &e), -EIO);
        assert_non_null(strstr(e.text, "/cache"));
        assert_non_null(strstr(e.text, "remove that folder"));
        assert_int_equal(size_of(in(p, "cache/data.mdb")), cuts[i]); /* looked at, not touched */
    }
    remove_tree(in(p, "cache")); /* what the sentence says */
    store_close(must_open(p));
}

static void test_a_cache_cut_short_by_a_crash_is_set_aside(void **state)
{
    const struct place *p = *state;
    and_is_killed(p, leave_open_with_1000_people);
    off_t whole = size_of(in(p, "cache/data.mdb"));
    assert_int_equal(truncate(in(p, "cache/data.mdb"), whole / 2), 0);
    struct store *s = open_with_warning(p);
    assert_int_equal(listing(s, USERS).entries, 0);
    put_people(s, 0, 10);
    must_agree(s);
    store_close(s);
    assert_int_equal(count_bad(p), 1);
    store_close(must_open(p));
}

static void test_pages_scribbled_over_in_a_crash_are_set_aside(void **state)
{
    const struct place *p = *state;
    for (unsigned i = 0; i < 6; i++) {
        and_is_killed(p, leave_open_with_1000_people);
        scribble(in(p, "cache/data.mdb"), (off_t)(i * i * i + (i != 0)) * 4096);
        struct store *s = open_with_warning(p);
        assert_int_equal(listing(s, USERS).entries, 0);
        store_close(s);
        assert_int_equal(count_bad(p), i + 1);
    }
}

static void test_bad_first_pages_are_a_clear_error(void **state)
{
    const struct place *p = *state;
    struct err e;
    struct store *s = must_open(p);
    put_people(s, 0, 10);
    store_close(s);
    scribble(in(p, "cache/data.mdb"), 0);
    assert_int_equal(open_fails(p, &e), -EIO);
    assert_int_equal(count_bad(p), 0);
}

/* A byte here and there in the first pages: an error, or it is one that doesn't matter. Never a crash. */
static void test_no_first_page_can_crash_us(void **state)
{
    const struct place *p = *state;
    struct store *s = must_open(p);
    put_people(s, 0, 10);
    store_close(s);
    unsigned char pages[8192];
    int fd = open(in(p, "cache/data.mdb"), O_RDWR);
    assert_int_equal(pread(fd, pages, sizeof pages, 0), sizeof pages);
    for (size_t at = 0; at < 160; at += 3) {
        unsigned char bad[8192];
        memcpy(bad, pages, sizeof bad);
        bad[at] ^= 0xff;
        bad[4096 + at] ^= 0xff;
        assert_int_equal(pwrite(fd, bad, sizeof bad, 0), sizeof bad);
        enum check found = CHECK_SOUND;
        struct found f;
        static const struct table_shape meta[] = {{"meta", 0, NULL}};
        const struct env_shape shape = {"cache", CACHE_SCHEMA, 0, 0, 1, meta};
        found = env_check(&shape, in(p, "cache"), 1u << 30, 1000, &f);
        assert_true(found <= CHECK_DAMAGED);
    }
    close(fd);
}

static void free_pages_at_the_end(const struct place *p)
{
    struct store *s = must_open(p);
    struct store_put big = person("big", "ID-big.json", "");
    char *body = calloc(1, 400 * 4096);
    for (int i = 0; i < 40; i++)
        put_people(s, 0, 100), put_people(s, 100, 110 + i); /* free pages for the small changes that follow */
    big.body = body;
    big.body_len = 400 * 4096;
    uint64_t ino = put_alone(s, &big).ino;
    remove_alone(s, ino);
    put_people(s, 200, 201);
    put_people(s, 201, 202);
}

static void test_a_file_that_lacks_only_free_pages_is_whole(void **state)
{
    const struct place *p = *state;
    and_is_killed(p, free_pages_at_the_end);
    off_t whole = size_of(in(p, "cache/data.mdb"));
    assert_int_equal(truncate(in(p, "cache/data.mdb"), whole - 40 * 4096), 0);
    struct store *s = must_open(p); /* as a kill in the middle of a commit may leave it */
    assert_true(lookup(s, USERS, "ID-201.json") != 0);
    assert_int_equal(size_of(in(p, "cache/data.mdb")), whole);
    must_agree(s);
    store_close(s);
    assert_int_equal(count_bad(p), 0);
}

static void rewrite_meta(const struct place *p, const char *which, const char *name, const void *data, size_t len)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi meta;
    MDB_val key = {strlen(name), (void *)name}, value = {len, (void *)data};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
    assert_int_equal(mdb_env_open(env, in(p, which), 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &meta), 0);
    int rc = data ? mdb_put(txn, meta, &key, &value, 0) : mdb_del(txn, meta, &key, NULL);
    assert_int_equal(rc, 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void drop_table(const struct place *p, const char *which, const char *name)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi table;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
    assert_int_equal(mdb_env_open(env, in(p, which), 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, name, 0, &table), 0);
    assert_int_equal(mdb_drop(txn, table, 1), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void rewrite_schema(const struct place *p, const char *which, uint32_t schema)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi meta;
    MDB_val key = {6, "schema"}, value = {sizeof schema, &schema};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
    assert_int_equal(mdb_env_open(env, in(p, which), 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, schema ? "meta" : "whatever", MDB_CREATE, &meta), 0);
    assert_int_equal(mdb_put(txn, meta, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void leave_open(const struct place *p)
{
    must_open(p);
}

static unsigned count_named(const struct place *p, const char *prefix)
{
    unsigned n = 0;
    DIR *d = opendir(p->dir);
    assert_non_null(d);
    for (struct dirent *at; (at = readdir(d));)
        n += strncmp(at->d_name, prefix, strlen(prefix)) == 0;
    closedir(d);
    return n;
}

static void must_begin_anew(const struct place *p, const char *aside)
{
    struct err e = {0};
    struct store *s;
    assert_int_equal(store_open(p->dir, &s, &e), 0);
    assert_int_equal(e.code, 0);
    assert_non_null(strstr(e.text, "schema 2"));
    assert_non_null(strstr(e.text, aside));
    assert_int_equal(lookup(s, USERS, "ID-1.json"), 0);
    put_people(s, 1, 2);
    store_close(s);
}

static void test_a_cache_of_another_schema_is_set_aside(void **state)
{
    const struct place *p = *state;
    struct store *s = must_open(p);
    put_people(s, 1, 2);
    store_close(s);
    rewrite_schema(p, "cache", CACHE_SCHEMA + 1);
    must_begin_anew(p, "cache.schema2-");
    s = must_open(p); /* said once */
    assert_true(lookup(s, USERS, "ID-1.json") != 0);
    store_close(s);
    and_is_killed(p, leave_open);
    rewrite_schema(p, "cache", CACHE_SCHEMA + 1);
    must_begin_anew(p, "cache.schema2-"); /* after a crash, too */
    assert_int_equal(count_named(p, "cache.schema2-"), 2);
    assert_int_equal(count_bad(p), 0);
}

static void test_a_newer_ledger_is_refused_and_left_alone(void **state)
{
    const struct place *p = *state;
    struct err e;
    struct store *s = must_open(p);
    put_people(s, 1, 2);
    store_close(s);
    rewrite_meta(p, "ledger", "written-by", "7.0.1", 5);
    rewrite_schema(p, "ledger", LEDGER_SCHEMA + 1);
    for (int crashed = 0; crashed < 2; crashed++) {
        assert_int_equal(open_fails(p, &e), -EIO);
        const char *const words[] = {p->dir,     "schema 2", "lmsfs 7.0.1", "lmsfs " LMSFS_VERSION,
                                     "schema 1", "cache_dir"};
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (!strstr(e.text, words[i]))
                fail_msg("'%s' isn't in: %s", words[i], e.text);
        if (!crashed) {
            rewrite_schema(p, "ledger", LEDGER_SCHEMA);
            and_is_killed(p, leave_open);
            rewrite_meta(p, "ledger", "written-by", "7.0.1", 5);
            rewrite_schema(p, "ledger", LEDGER_SCHEMA + 1);
        }
    }
    rewrite_schema(p, "ledger", LEDGER_SCHEMA);
    s = must_open(p);
    assert_true(lookup(s, USERS, "ID-1.json") != 0);
    store_close(s);
    assert_int_equal(count_named(p, "cache."), 0);
}

static void test_an_older_ledger_gets_its_missing_tables(void **state)
{
    const struct place *p = *state;
    static const char *const later[] = {"own", "guard", "successors", "accepted"};
    struct err e;
    void *value;
    size_t len;
    struct store *s = must_open(p);
    assert_int_equal(ledger_put(s, LEDGER_REJECTED, 3, "refused", 7, &e), 0);
    store_close(s);
    for (size_t i = 0; i < 4; i++)
        drop_table(p, "ledger", later[i]);
    assert_int_equal(open_fails(p, &e), -EIO); /* its revision says that they are there: damage */
    assert_non_null(strstr(e.text, "damaged"));
    rewrite_meta(p, "ledger", "revision", NULL, 0);
    rewrite_meta(p, "ledger", "written-by", NULL, 0);
    for (int i = 0; i < 2; i++) {
        s = must_open(p);
        assert_int_equal(ledger_get(s, LEDGER_REJECTED, 3, &value, &len), 0);
        assert_int_equal(len, 7);
        free(value);
        if (i == 0) {
            assert_int_equal(ledger_put(s, LEDGER_SUCCESSORS, 8, "x", 1, &e), 0);
            assert_int_equal(ledger_put_named(s, "a", "x", 1, &e), 0);
        }
        assert_int_equal(ledger_get(s, LEDGER_SUCCESSORS, 8, &value, &len), 0);
        free(value);
        store_close(s);
    }
    drop_table(p, "ledger", "guard");
    assert_int_equal(open_fails(p, &e), -EIO); /* and from now on they have to be there */
}

/* A program of the same schema that knows less: what it doesn't know stays, and so does the revision that vouches for it. */
static void test_a_ledger_of_a_later_revision_is_used_as_it_is(void **state)
{
    const struct place *p = *state;
    struct err e;
    uint32_t revision = LEDGER_REVISION + 5, then = 0;
    store_close(must_open(p));
    rewrite_meta(p, "ledger", "revision", &revision, sizeof revision);
    struct store *s = must_open(p);
    MDB_txn *txn;
    MDB_val key = {8, "revision"}, value;
    assert_int_equal(ledger_put(s, LEDGER_SAVES, 1, "x", 1, &e), 0);
    assert_int_equal(mdb_txn_begin(s->ledger.mdb, NULL, MDB_RDONLY, &txn), 0);
    assert_int_equal(mdb_get(txn, s->ledger_tables[L_META], &key, &value), 0);
    memcpy(&then, value.mv_data, sizeof then);
    assert_int_equal(then, revision);
    mdb_txn_abort(txn);
    store_close(s);
}

static void test_somebody_elses_database_is_refused_and_left_alone(void **state)
{
    const struct place *p = *state;
    struct err e;
    assert_int_equal(mkdir(p->dir, 0700), 0);
    assert_int_equal(mkdir(in(p, "cache"), 0700), 0);
    rewrite_schema(p, "cache", 0);
    assert_int_equal(open_fails(p, &e), -EIO);
    remove_tree(in(p, "cache"));
    store_close(must_open(p));
}

static void test_a_damaged_ledger_is_an_error_and_untouched(void **state)
{
    const struct place *p = *state;
    struct err e;
    struct store *s = must_open(p);
    for (uint64_t i = 0; i < 50; i++)
        assert_int_equal(ledger_put(s, LEDGER_SAVES, i, p, sizeof *p, &e), 0);
    store_close(s);
    off_t whole = size_of(in(p, "ledger/data.mdb"));
    off_t cuts[] = {whole - 4096, 4096, 0};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(truncate(in(p, "ledger/data.mdb"), cuts[i]), 0);
        assert_int_equal(open_fails(p, &e), -EIO);
        assert_non_null(strstr(e.text, "ledger"));
        assert_int_equal(size_of(in(p, "ledger/data.mdb")), cuts[i]);
    }
    assert_int_equal(unlink(in(p, "ledger/data.mdb")), 0);
    assert_int_equal(open_fails(p, &e), -EIO);
}

static void test_the_walk_of_a_big_cache_has_an_end(void **state)
{
    const struct place *p = *state;
    struct store *s;
    struct err e;
    struct store_limits limits = {.cache_bytes = 64ull << 30, .ledger_bytes = 4ull << 30, .readers = 64, .walk_ms = 1};
    for (int times = 0; times < 2; times++) {
        and_is_killed(p, leave_open_with_1000_people);
        assert_int_equal(store_open_sized(p->dir, &limits, &s, &e), 0);
        assert_int_equal(listing(s, USERS).entries, 1000);
        store_close(s);
    }
}

static void killed_in_bulk(const struct place *p)
{
    struct store *s = must_open(p);
    struct err e;
    assert_int_equal(store_bulk_begin(s, &e), 0);
    assert_int_equal(store_bulk_begin(s, &e), 0);
    for (int i = 0; i < 1000; i += 100)
        put_people(s, i, i + 100);
}

static int mark_size(const struct place *p, char path[600])
{
    struct stat st;
    snprintf(path, 600, "%s/cache/unsynced", p->dir);
    return stat(path, &st) ? -1 : (int)st.st_size;
}

static void test_a_kill_in_bulk_loses_nothing(void **state)
{
    const struct place *p = *state;
    char path[600];
    and_is_killed(p, killed_in_bulk);
    assert_true(mark_size(p, path) > 30);
    struct store *s = must_open(p);
    assert_int_equal(listing(s, USERS).entries, 1000);
    must_agree(s);
    assert_int_equal(mark_size(p, path), -1); /* synced by the opening */
    store_close(s);
    assert_int_equal(count_bad(p), 0);
}

static void test_bulk_ends_by_itself_or_with_the_store(void **state)
{
    const struct place *p = *state;
    struct err e;
    char path[600];
    for (int by_itself = 0; by_itself < 2; by_itself++) {
        struct store *s = must_open(p);
        assert_int_equal(store_bulk_begin(s, &e), 0);
        put_people(s, 0, 100);
        assert_int_equal(store_bulk_sync(s), 0);
        assert_true(mark_size(p, path) > 30);
        if (by_itself)
            assert_int_equal(store_bulk_end(s, &e), 0);
        if (by_itself)
            assert_int_equal(mark_size(p, path), -1);
        store_close(s);
        assert_int_equal(mark_size(p, path), -1);
    }
}

static void test_a_power_cut_in_bulk_sets_the_cache_aside(void **state)
{
    const struct place *p = *state;
    char path[600];
    and_is_killed(p, killed_in_bulk);
    assert_true(mark_size(p, path) > 30);
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, "another-boot", 12), 12);
    close(fd);
    struct store *s = open_with_warning(p);
    assert_int_equal(listing(s, USERS).entries, 0);
    store_close(s);
    assert_int_equal(count_bad(p), 1);
}

static void test_what_changes_nothing_commits_nothing(void **state)
{
    const struct place *p = *state;
    struct store *s = must_open(p);
    put_people(s, 0, 100);
    uint64_t commits = store_commits(s);
    put_people(s, 0, 100);
    assert_int_equal(store_commits(s), commits);
    put_people(s, 100, 101);
    assert_int_equal(store_commits(s), commits + 1);
    store_close(s);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, place_make, place_drop)
    const struct CMUnitTest tests[] = {
        T(test_a_folder_is_made_for_us_alone),
        T(test_a_folder_that_others_can_enter_is_refused),
        T(test_a_file_in_its_place_is_refused),
        T(test_a_second_opener_is_told_who_holds_it),
        T(test_a_restart_keeps_numbers_times_and_order),
        T(test_a_killed_daemon_keeps_its_cache),
        T(test_a_write_that_was_killed_never_was),
        T(test_a_number_is_never_given_twice_even_without_the_cache),
        T(test_a_number_from_before_the_cache_was_deleted_comes_back),
        T(test_a_cache_of_another_ledger_is_set_aside),
        T(test_a_cache_cut_short_is_a_clear_error),
        T(test_a_cache_cut_short_by_a_crash_is_set_aside),
        T(test_pages_scribbled_over_in_a_crash_are_set_aside),
        T(test_bad_first_pages_are_a_clear_error),
        T(test_no_first_page_can_crash_us),
        T(test_a_file_that_lacks_only_free_pages_is_whole),
        T(test_a_cache_of_another_schema_is_set_aside),
        T(test_a_newer_ledger_is_refused_and_left_alone),
        T(test_an_older_ledger_gets_its_missing_tables),
        T(test_a_ledger_of_a_later_revision_is_used_as_it_is),
        T(test_somebody_elses_database_is_refused_and_left_alone),
        T(test_a_damaged_ledger_is_an_error_and_untouched),
        T(test_a_kill_in_bulk_loses_nothing),
        T(test_bulk_ends_by_itself_or_with_the_store),
        T(test_a_power_cut_in_bulk_sets_the_cache_aside),
        T(test_what_changes_nothing_commits_nothing),
        T(test_the_walk_of_a_big_cache_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
