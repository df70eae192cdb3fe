/* The engine without a mount: asks are done exactly once, whatever ends it; and what its flows keep between them. The server is a socket
 * that takes connections and never answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sync/internal.h"
#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char dir[64], conf_path[96];
    int server;
    struct conf conf;
    struct engine *g;
};

static int unlink_it(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

static int silent_server(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static void engine_open(struct place *p)
{
    struct err e = {0};
    if (engine_new(&p->conf, &p->g, &e))
        fail_msg("%s", e.text);
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    struct err e = {0};
    int port;
    p->server = silent_server(&port);
    snprintf(p->dir, sizeof p->dir, "/tmp/lmsfs-sync.XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->conf_path, sizeof p->conf_path, "%s/conf", p->dir);
    FILE *f = fopen(p->conf_path, "w");
    assert_non_null(f);
    fprintf(
        f,
        "[lmsfs]\ncache_dir = %s/cache\n\n[hownow]\nprovider = hownow\nbase_url = http://127.0.0.1:%d\nclient_id = a\n"
        "client_secret = b\nrate_per_minute = 0\nmax_removals = 3\n",
        p->dir, port);
    fclose(f);
    chmod(p->conf_path, 0600);
    if (conf_load(p->conf_path, &p->conf, &e))
        fail_msg("%s", e.text);
    engine_open(p);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    engine_free(p->g);
    conf_release(&p->conf);
    close(p->server);
    nftw(p->dir, unlink_it, 16, FTW_DEPTH | FTW_PHYS);
    free(p);
    return 0;
}

static uint64_t users(struct place *p)
{
    const struct tenant_info *t = engine_tenant(p->g, 0);
    int index = lms_collection_index(t->provider, lms_collection(t->provider, "users"));
    return ino_make(INO_DIR, t->number, (unsigned)index, 0);
}

/* ------------------------------------------------------------------ asks */

struct counted {
    struct ask ask;
    atomic_int times;
    atomic_int result;
};

static void counted_done(struct ask *a, int result)
{
    struct counted *c = (struct counted *)a;
    atomic_store(&c->result, result);
    atomic_fetch_add(&c->times, 1);
}

static struct counted *ask_of(struct place *p, enum ask_kind kind, uint64_t ino, const char *name, const char *text)
{
    struct counted *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->ask = (struct ask){.kind = kind, .ino = ino, .people = true, .done = counted_done, .timeout_ms = 60000};
    c->ask.name = name ? strdup(name) : NULL;
    c->ask.text = text ? strdup(text) : NULL;
    c->ask.text_len = text ? strlen(text) : 0;
    c->ask.id = engine_ask_id(p->g);
    return c;
}

static void asked_free(struct counted *c)
{
    ask_release(&c->ask);
    free(c);
}

static void pause_ms(int ms)
{
    usleep((useconds_t)ms * 1000);
}

#define DOCUMENT "{\"name\": \"A\", \"email\": \"a@example.org\", \"user_type\": \"ReadOnly\"}"

static void test_every_ask_is_done_once_when_the_engine_stops(void **state)
{
    struct place *p = *state;
    struct err e = {0};
    struct counted *all[24];
    size_t n = 0;
    assert_int_equal(engine_start(p->g, &e), 0);
    for (int i = 0; i < 3; i++) {
        all[n++] = ask_of(p, ASK_LISTING, users(p), NULL, NULL);
        all[n++] = ask_of(p, ASK_REFRESH, users(p), NULL, NULL);
        all[n++] = ask_of(p, ASK_NAME, users(p), "EXT-1.json", NULL);
        all[n++] = ask_of(p, ASK_SAVE, users(p), "EXT-2.json", DOCUMENT);
        all[n++] = ask_of(p, ASK_COMMAND, 0, NULL, "{\"cmd\": \"refresh\", \"path\": \"hownow/users\"}");
        all[n++] = ask_of(p, ASK_COMMAND, 0, NULL, "{\"cmd\": \"wait\", \"path\": \"hownow/users/EXT-2.json\"}");
    }
    for (size_t i = 0; i < n; i++)
        assert_int_equal(engine_ask(p->g, &all[i]->ask), 0);
    pause_ms(300);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(atomic_load(&all[i]->times), 0);
    engine_stop(p->g, 100);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(atomic_load(&all[i]->times), 1);
        assert_int_equal(atomic_load(&all[i]->result), -ESHUTDOWN);
        asked_free(all[i]);
    }
    struct counted *late = ask_of(p, ASK_LISTING, users(p), NULL, NULL);
    assert_int_equal(engine_ask(p->g, &late->ask), -ESHUTDOWN);
    asked_free(late);
}

static void test_asks_that_come_in_with_the_stop_are_done_once(void **state)
{
    struct place *p = *state;
    struct err e = {0};
    enum { N = 500 };
    struct counted *all[N];
    assert_int_equal(engine_start(p->g, &e), 0);
    for (size_t i = 0; i < N; i++) {
        all[i] =
            ask_of(p, i % 2 ? ASK_LISTING : ASK_SAVE, users(p), i % 2 ? NULL : "EXT-2.json", i % 2 ? NULL : DOCUMENT);
        assert_int_equal(engine_ask(p->g, &all[i]->ask), 0);
    }
    engine_stop(p->g, 0);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(atomic_load(&all[i]->times), 1);
        asked_free(all[i]);
    }
}

static void test_a_signal_ends_a_listing_and_never_a_save(void **state)
{
    struct place *p = *state;
    struct err e = {0};
    assert_int_equal(engine_start(p->g, &e), 0);
    struct counted *listing = ask_of(p, ASK_LISTING, users(p), NULL, NULL);
    struct counted *save = ask_of(p, ASK_SAVE, users(p), "EXT-2.json", DOCUMENT);
    engine_ask(p->g, &listing->ask);
    engine_ask(p->g, &save->ask);
    engine_interrupt(p->g, listing->ask.id);
    engine_interrupt(p->g, save->ask.id);
    pause_ms(300);
    assert_int_equal(atomic_load(&listing->result), -EINTR);
    assert_int_equal(atomic_load(&listing->times), 1);
    assert_int_equal(atomic_load(&save->times), 0);
    engine_stop(p->g, 0);
    assert_int_equal(atomic_load(&save->times), 1);
    asked_free(listing);
    asked_free(save);
}

static void test_an_ask_times_out_by_itself(void **state)
{
    struct place *p = *state;
    struct err e = {0};
    assert_int_equal(engine_start(p->g, &e), 0);
    struct counted *c = ask_of(p, ASK_LISTING, users(p), NULL, NULL);
    c->ask.timeout_ms = 50;
    engine_ask(p->g, &c->ask);
    for (int i = 0; i < 100 && !atomic_load(&c->times); i++)
        pause_ms(20);
    assert_int_equal(atomic_load(&c->result), -ETIMEDOUT);
    engine_stop(p->g, 0);
    assert_int_equal(atomic_load(&c->times), 1);
    asked_free(c);
}

static int count_one(void *ctx, uint64_t key, const void *value, size_t len)
{
    (void)key, (void)value, (void)len;
    ++*(int *)ctx;
    return 0;
}

static void test_a_save_that_a_stop_cuts_off_stays_in_the_journal(void **state)
{
    struct place *p = *state;
    struct err e = {0};
    int n = 0;
    assert_int_equal(engine_start(p->g, &e), 0);
    struct counted *c = ask_of(p, ASK_SAVE, users(p), "EXT-2.json", DOCUMENT);
    engine_ask(p->g, &c->ask);
    pause_ms(200);
    engine_stop(p->g, 0);
    assert_int_equal(ledger_each(engine_store(p->g), LEDGER_SAVES, count_one, &n), 0);
    assert_int_equal(n, 1);
    n = 0;
    ledger_each(engine_store(p->g), LEDGER_REJECTED, count_one, &n);
    assert_int_equal(n, 0);
    asked_free(c);
}

/* ------------------------------------------------------------------ records */

static uint64_t put(struct place *p, uint64_t ino, const char *key, const char *ext, enum record_source source)
{
    struct tenant *t = &p->g->tenants[0];
    struct err e = {0};
    uint64_t got = 0;
    struct lms_record r = {.key = (char *)key, .ext = (char *)ext, .active = true};
    r.doc = json_pack("{s:s,s:s,s:{}}", "name", "A", "external_user_id", ext, "_readonly");
    struct record_put how = {.home = users(p), .ino = ino, .source = source, .even_if_pending = source == RECORD_SAVED};
    if (record_put_now(t, &how, &r, &got, &e))
        fail_msg("%s", e.text);
    json_decref(r.doc);
    return got;
}

static uint64_t look(struct place *p, const char *name)
{
    uint64_t ino = 0;
    struct store_read *v = store_read_begin(engine_store(p->g));
    assert_non_null(v);
    if (store_lookup(v, users(p), name, &ino))
        ino = 0;
    store_read_end(v);
    return ino_is_alias(ino) ? ino_as(ino, INO_RECORD) : ino;
}

static uint64_t entries(struct place *p)
{
    struct store_read *v = store_read_begin(engine_store(p->g));
    assert_non_null(v);
    uint64_t n = store_dir_count(v, users(p));
    store_read_end(v);
    return n;
}

static void test_what_was_created_here_and_found_by_a_sweep_is_one_record(void **state)
{
    struct place *p = *state;
    uint64_t made = put(p, 0, NULL, "a 1", RECORD_SAVED); /* the server spells the external id otherwise */
    uint64_t found = put(p, 0, "77", "A-1", RECORD_ROW);
    assert_int_not_equal(made, found);
    struct store_mark m = {.state = STORE_PENDING, .job = "j-1"}, is;
    assert_int_equal(record_mark(p->g, made, &m), 0);
    uint64_t one = put(p, made, "77", "A-1", RECORD_SAVED);
    assert_int_equal(one, found);
    assert_int_equal(entries(p), 1);
    assert_int_equal(look(p, "EXT-A-1.json"), found);
    assert_int_equal(look(p, "EXT-a 1.json"), found);
    struct store_read *v = store_read_begin(engine_store(p->g));
    assert_int_equal(store_mark(v, found, &is), 0);
    assert_string_equal(is.job, "j-1");
    assert_int_equal(store_mark(v, made, &is), -ENOENT);
    store_read_end(v);
}

static void test_a_person_who_was_there_by_another_name_takes_the_provisional_ones_place(void **state)
{
    struct place *p = *state;
    uint64_t known = put(p, 0, "77", "old", RECORD_ROW);
    put(p, 0, NULL, "new", RECORD_SAVED);
    assert_int_equal(entries(p), 2);
    assert_int_equal(put(p, 0, "77", "new", RECORD_ROW), known);
    assert_int_equal(entries(p), 1);
    assert_int_equal(look(p, "EXT-new.json"), known);
}

static void test_a_sweep_leaves_what_is_being_saved_alone(void **state)
{
    struct place *p = *state;
    struct store_mark m = {.state = STORE_PENDING};
    uint64_t ino = put(p, 0, "77", "x", RECORD_ROW);
    record_mark(p->g, ino, &m);
    assert_int_equal(put(p, 0, "77", "y", RECORD_ROW), ino);
    assert_int_equal(look(p, "EXT-x.json"), ino);
    assert_int_equal(look(p, "EXT-y.json"), 0);
}

/* ------------------------------------------------------------------ what outlives a restart */

static void reopen(struct place *p)
{
    engine_free(p->g);
    engine_open(p);
}

static void test_the_guard_counts_over_a_restart(void **state)
{
    struct place *p = *state;
    struct err e;
    int64_t now = wall_now();
    assert_int_equal(guard_count(&p->g->tenants[0], now, &e), 0);
    assert_int_equal(guard_count(&p->g->tenants[0], now, &e), 0);
    reopen(p);
    guard_load(&p->g->tenants[0]);
    assert_int_equal(guard_count(&p->g->tenants[0], now, &e), 0);
    guard_uncount(&p->g->tenants[0], now);
    assert_int_equal(guard_count(&p->g->tenants[0], now, &e), 0);
    assert_int_equal(guard_count(&p->g->tenants[0], now, &e), -EDQUOT);
    reopen(p);
    guard_load(&p->g->tenants[0]);
    assert_true(p->g->tenants[0].guard.tripped);
    guard_reset(&p->g->tenants[0]);
    assert_int_equal(guard_count(&p->g->tenants[0], now, &e), 0);
}

static void test_our_own_saves_are_part_of_the_base_over_a_restart(void **state)
{
    struct place *p = *state;
    struct tenant *t = &p->g->tenants[0];
    uint64_t ino = put(p, 0, "77", "x", RECORD_ROW);
    const struct lms_collection *c = engine_collection(p->g, ino);
    const char *seen[] = {"0123456789abcdef", NULL, NULL};
    json_t *delta = json_pack("{s:{s:s}}", "set", "name", "B"),
           *base = json_pack("{s:s,s:s}", "name", "A", "external_user_id", "x");
    own_note(t, ino, seen, 3, delta);
    own_free(t);
    reopen(p);
    t = &p->g->tenants[0];
    json_t *now = own_rebase(t, c, ino, "0123456789abcdef", base);
    assert_string_equal(json_string_value(json_object_get(now, "name")), "B");
    json_decref(now);
    now = own_rebase(t, c, ino, "fedcba9876543210", base); /* a version that was never shown before a save of ours */
    assert_string_equal(json_string_value(json_object_get(now, "name")), "A");
    json_decref(now);
    own_forget(t, ino);
    own_free(t);
    now = own_rebase(t, c, ino, "0123456789abcdef", base);
    assert_string_equal(json_string_value(json_object_get(now, "name")), "A");
    json_decref(now);
    json_decref(delta);
    json_decref(base);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_every_ask_is_done_once_when_the_engine_stops),
        TEST(test_asks_that_come_in_with_the_stop_are_done_once),
        TEST(test_a_signal_ends_a_listing_and_never_a_save),
        TEST(test_an_ask_times_out_by_itself),
        TEST(test_a_save_that_a_stop_cuts_off_stays_in_the_journal),
        TEST(test_what_was_created_here_and_found_by_a_sweep_is_one_record),
        TEST(test_a_person_who_was_there_by_another_name_takes_the_provisional_ones_place),
        TEST(test_a_sweep_leaves_what_is_being_saved_alone),
        TEST(test_the_guard_counts_over_a_restart),
        TEST(test_our_own_saves_are_part_of_the_base_over_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
