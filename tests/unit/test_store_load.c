/* Under load: a full map, many readers, many records. */
#include "test_store_help.h"

#include <pthread.h>
#include <stdatomic.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static void numbered(struct store_put *p, char text[static 64], int i)
{
    snprintf(text, 32, "%d", i);
    snprintf(text + 32, 32, "ID-%d.json", i);
    p->key = text;
    p->name = text + 32;
}

/* ------------------------------------------------------------------ a full map */

/* Puts as many as go; how many were committed. */
static int fill(struct store *s, int from, const char *body, size_t len, struct err *e)
{
    for (int i = from;; i++) {
        char text[64];
        struct store_put p = person("", "x.json", "");
        numbered(&p, text, i);
        p.body = body;
        p.body_len = len;
        struct store_write *w = must_begin(s);
        int rc = store_put(w, &p, false, NULL, e);
        if (rc == 0)
            rc = store_write_commit(w, e);
        else
            store_write_abort(w);
        if (rc) {
            assert_int_equal(rc, -ENOSPC);
            return i;
        }
        assert_true(i < from + 100000);
    }
}

static void full_map(const struct place *p, size_t body_len)
{
    struct store *s;
    struct err e;
    struct store_limits limits = {.cache_bytes = 4 << 20, .ledger_bytes = 1 << 20, .readers = 16, .walk_ms = 1000};
    char *body = malloc(body_len);
    memset(body, 'b', body_len);
    assert_int_equal(store_open_sized(p->dir, &limits, &s, &e), 0);
    int from = 0;
    for (int round = 0; round < 5; round++) {
        int n = fill(s, from, body, body_len, &e);
        print_message("full with %d records more of %zu bytes\n", n - from, body_len);
        assert_true(n - from > 20);
        assert_non_null(strstr(e.text, "full"));
        assert_int_equal(listing(s, USERS).entries, n - from);
        must_agree(s);
        struct store_write *w = must_begin(s); /* an interrupted change is no change */
        struct store_put put = person("half", "ID-half.json", "");
        put.body = body;
        put.body_len = body_len;
        assert_int_equal(store_put(w, &put, false, NULL, &e), -ENOSPC);
        assert_int_equal(store_remove(w, lookup(s, USERS, "ID-0.json"), &e), -ENOSPC); /* the whole write is spoilt */
        assert_int_equal(store_write_commit(w, &e), -ENOSPC);
        assert_int_equal(lookup(s, USERS, "ID-half.json"), 0);
        for (int i = from; i < n; i++) { /* a full one can be emptied, in small writes and large ones */
            char text[64];
            struct store_put was = {0};
            w = must_begin(s);
            for (int many = round % 2 ? 20 : 1; many > 0 && i < n; many--, i++) {
                numbered(&was, text, i);
                uint64_t ino;
                assert_int_equal(store_lookup(store_write_view(w), USERS, was.name, &ino), 0);
                if (store_remove(w, ino, &e))
                    fail_msg("store_remove: %s", e.text);
            }
            i--;
            must_commit(w);
        }
        assert_int_equal(listing(s, USERS).entries, 0);
        from = n;
    }
    store_close(s);
    free(body);
}

static void test_a_full_map_is_an_error_and_can_be_emptied(void **state)
{
    full_map(*state, 900);
}

static void test_a_map_full_of_large_documents_can_be_emptied(void **state)
{
    full_map(*state, 20000);
}

static void test_a_full_disk_is_an_error_and_nothing_is_half_written(void **state)
{
    const struct place *p = *state;
    struct store *s = must_open(p);
    struct err e;
    char body[900];
    memset(body, 'b', sizeof body);
    struct store_put put = person("1", "ID-1.json", "{}\n");
    put_alone(s, &put);
    struct rlimit was, small = {400 << 10, RLIM_INFINITY};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small.rlim_max = was.rlim_max;
    signal(SIGXFSZ, SIG_IGN); /* then writing fails, as on a disk that is full */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = 0, n = 0;
    for (; rc == 0 && n < 2000; n++) {
        char text[64];
        numbered(&put, text, n + 10);
        put.body = body;
        put.body_len = sizeof body;
        struct store_write *w = must_begin(s);
        must_put(w, &put);
        rc = store_write_commit(w, &e);
    }
    assert_true(rc == -ENOSPC || rc == -EFBIG || rc == -EIO);
    assert_true(e.text[0]);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    must_agree(s);
    assert_int_equal(listing(s, USERS).entries, n);
    put = person("2", "ID-2.json", "{}\n");
    put_alone(s, &put);
    must_agree(s);
    store_close(s);
}

/* ------------------------------------------------------------------ readers */

static void test_a_reader_sees_one_moment_while_everything_changes(void **state)
{
    struct store *s = must_open(*state);
    struct store_put p = person("1", "EXT-1.json", "{\"old\": 1}\n"), q = person("2", "ID-2.json", "{}\n");
    uint64_t ino = put_alone(s, &p).ino, other = put_alone(s, &q).ino, found;
    struct store_read *then = store_read_begin(s);
    struct store_record rec;
    const void *body;
    size_t len;
    assert_int_equal(store_get(then, ino, &rec), 0);
    assert_int_equal(store_body(then, ino, &body, &len), 0);
    p.name = "EXT-2.json";
    p.body = "{\"new\": 2}\n";
    p.active = false;
    put_alone(s, &p);
    remove_alone(s, other);
    for (int i = 0; i < 200; i++) { /* enough for pages to be used again, if they were free */
        char text[64];
        numbered(&q, text, 1000 + i);
        put_alone(s, &q);
    }
    assert_string_equal(rec.name, "EXT-1.json");
    assert_memory_equal(body, "{\"old\": 1}\n", len);
    assert_int_equal(store_lookup(then, USERS, "EXT-1.json", &found), 0);
    assert_int_equal(store_lookup(then, USERS, "EXT-2.json", &found), -ENOENT);
    assert_int_equal(store_dir_count(then, USERS), 2);
    assert_int_equal(store_get(then, other, &rec), 0);
    indexes_check(then);
    struct store_read *now = store_read_begin(s);
    assert_int_equal(store_lookup(now, USERS, "EXT-2.json", &found), 0);
    assert_int_equal(store_dir_count(now, USERS), 200);
    assert_int_equal(store_dir_count(now, BIN), 1);
    store_read_end(now);
    store_read_end(then);
    store_close(s);
}

static void test_readers_that_run_out_are_told_and_come_back(void **state)
{
    struct store *s = must_open(*state);
    struct store_read *r[600];
    unsigned n = 0;
    while (n < 600 && (r[n] = store_read_begin(s)))
        n++;
    assert_int_equal(n, 512);
    store_read_end(r[--n]);
    assert_non_null(r[n] = store_read_begin(s));
    n++;
    while (n > 0)
        store_read_end(r[--n]);
    for (n = 0; n < 512; n++)
        assert_non_null(r[n] = store_read_begin(s));
    while (n > 0)
        store_read_end(r[--n]);
    struct store_put p = person("1", "ID-1.json", "{}\n");
    put_alone(s, &p);
    store_close(s);
}

struct crowd {
    struct store *s;
    atomic_bool done;
    atomic_uint looks;
    atomic_uint wrong;
};

/* Every record's body says its name; whatever the moment, what is read agrees with itself. */
static void *reader_main(void *ctx)
{
    struct crowd *c = ctx;
    while (!atomic_load(&c->done)) {
        struct store_read *r = store_read_begin(c->s);
        uint64_t ino, count = 0;
        const char *name;
        bool wrong = !r;
        for (uint64_t after = 0; r && store_dir_next(r, USERS, after, &ino, &name) == 0; after = ino_rec(ino), count++) {
            struct store_record rec;
            const void *body;
            size_t len;
            uint64_t found = 0;
            wrong |= store_get(r, ino, &rec) || strcmp(rec.name, name) != 0 || store_body(r, ino, &body, &len) ||
                     store_lookup(r, USERS, name, &found) || found != ino || len < strlen(name) ||
                     memcmp(body, name, strlen(name)) != 0;
        }
        wrong |= r && count != store_dir_count(r, USERS);
        store_read_end(r);
        atomic_fetch_add(&c->looks, 1);
        if (wrong)
            atomic_fetch_add(&c->wrong, 1);
    }
    return NULL;
}

static void test_many_threads_read_while_one_writes(void **state)
{
    struct crowd c = {.s = must_open(*state)};
    pthread_t threads[6];
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader_main, &c), 0);
    for (int n = 0; n < 400 || (atomic_load(&c.looks) < 100 && n < 100000); n++) {
        struct store_write *w = must_begin(c.s);
        for (int i = 0; i < 5; i++) {
            char key[16], name[64], body[1600];
            int which = (n * 5 + i) % 70;
            snprintf(key, sizeof key, "%d", which);
            snprintf(name, sizeof name, "EXT-%d-%d.json", which, n % 3);
            snprintf(body, sizeof body, "%s %*d", name, (n * 37) % 1400, n);
            struct store_put p = person(key, name, body);
            p.active = n % 5 != 0;
            must_put(w, &p);
        }
        must_commit(w);
    }
    atomic_store(&c.done, true);
    for (int i = 0; i < 6; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&c.wrong), 0);
    assert_true(atomic_load(&c.looks) > 0);
    must_agree(c.s);
    store_close(c.s);
}

/* ------------------------------------------------------------------ many records */

static long anon_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "RssAnon: %ld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void put_hundred(struct store *s, int from)
{
    struct store_write *w = must_begin(s);
    for (int i = from; i < from + 100; i++) {
        char ext[32], key[32], name[48], id_alias[48], email[48], email_alias[64], body[1200];
        snprintf(key, sizeof key, "%08x", (unsigned)i * 2654435761u);
        snprintf(ext, sizeof ext, "%d", i);
        snprintf(name, sizeof name, "EXT-%d.json", i);
        snprintf(id_alias, sizeof id_alias, "ID-%s.json", key);
        snprintf(email, sizeof email, "person.%d@example.com", i);
        snprintf(email_alias, sizeof email_alias, "EMAIL-%s.json", email);
        snprintf(body, sizeof body, "{%0900d,\n  \"_readonly\": {\n    \"version\": \"%016x\"\n  }\n}\n", i, i);
        struct store_put p = person(key, name, body);
        p.ext = ext;
        p.email = email;
        p.id_alias = id_alias;
        p.email_alias = email_alias;
        p.row_hash = (uint64_t)i + 1;
        must_put(w, &p);
    }
    must_commit(w);
}

static void time_reads(struct store *s, int records)
{
    struct store_read *r = store_read_begin(s);
    struct store_record rec;
    const char *name;
    const void *body;
    size_t len;
    uint64_t ino, after = 0, seen = 0;
    double t = now_us();
    for (; store_dir_next(r, USERS, after, &ino, &name) == 0; after = ino_rec(ino))
        seen++;
    double dir = (now_us() - t) / records;
    assert_int_equal(seen, records);
    char wanted[48];
    double get = 0, bytes = 0, look = 0;
    for (int i = 0; i < records; i += 7) {
        int n = (int)((unsigned)i * 7919u % (unsigned)records);
        snprintf(wanted, sizeof wanted, "EXT-%d.json", n);
        double a = now_us();
        assert_int_equal(store_lookup(r, USERS, wanted, &ino), 0);
        double b = now_us();
        assert_int_equal(store_get(r, ino, &rec), 0);
        double c = now_us();
        assert_int_equal(store_body(r, ino, &body, &len), 0);
        double d = now_us();
        look += b - a, get += c - b, bytes += d - c;
    }
    store_read_end(r);
    t = now_us();
    for (int i = 0; i < 10000; i++)
        store_read_end(store_read_begin(s));
    double begin = (now_us() - t) / 10000;
    double n = (records + 6) / 7;
    print_message("us each: dir_next %.2f, lookup %.2f, get %.2f, body %.2f, begin+end %.2f\n", dir, look / n, get / n,
                  bytes / n, begin);
    if (!SANITIZED)
        assert_true(dir < 20 && look / n < 50 && get / n < 50 && bytes / n < 50);
}

static void test_memory_stays_flat_however_many_records_there_are(void **state)
{
    const int records = SANITIZED ? 10000 : 100000;
    struct store *s = must_open(*state);
    for (int i = 0; i < 1000; i += 100)
        put_hundred(s, i);
    long before = anon_kib();
    double t = now_us();
    for (int i = 1000; i < records; i += 100)
        put_hundred(s, i);
    print_message("us a put, commits of 100 included: %.1f\n", (now_us() - t) / (records - 1000));
    t = now_us();
    for (int i = 0; i < records; i += 100)
        put_hundred(s, i);
    print_message("us a put that changes nothing: %.1f\n", (now_us() - t) / records);
    time_reads(s, records);
    long grown = anon_kib() - before;
    print_message("RssAnon %ld KiB, grown by %ld KiB\n", anon_kib(), grown);
    if (!SANITIZED)
        assert_true(grown < 16 << 10);
    must_agree(s);
    store_close(s);
    t = now_us();
    s = must_open(*state);
    print_message("us to open: %.0f\n", now_us() - t);
    assert_int_equal(listing(s, USERS).entries, records);
    store_close(s);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, place_make, place_drop)
    const struct CMUnitTest tests[] = {
        T(test_a_full_map_is_an_error_and_can_be_emptied),
        T(test_a_map_full_of_large_documents_can_be_emptied),
        T(test_a_full_disk_is_an_error_and_nothing_is_half_written),
        T(test_a_reader_sees_one_moment_while_everything_changes),
        T(test_readers_that_run_out_are_told_and_come_back),
        T(test_many_threads_read_while_one_writes),
        T(test_memory_stays_flat_however_many_records_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
