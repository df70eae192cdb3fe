/* Ten thousand random changes, against a model that a reader can check by eye: arrays, searched from end to end. */
#include "test_store_help.h"

#include <inttypes.h>

#define RECORDS 60
#define NAMES   400
#define HOMES   3
#define CHANGES 10000

static const uint64_t homes[HOMES] = {
    (uint64_t)INO_DIR << 60 | 1ull << 52 | 2ull << 46,      /* a collection */
    (uint64_t)INO_DIR << 60 | 1ull << 52 | 4ull << 46 | 17, /* one of a parent's */
    (uint64_t)INO_JOBS << 60 | 1ull << 52,
};

struct record {
    bool live, active, complete;
    uint64_t ino, row_hash;
    unsigned home;
    char key[32], wanted[64], name[64], id_alias[64], email_alias[64], body[200];
    int64_t mtime;
};
struct name {
    bool live;
    unsigned home;
    char name[64];
    uint64_t ino;
};
struct model {
    struct record records[RECORDS];
    struct name names[NAMES];
};

/* ------------------------------------------------------------------ chance */

static uint64_t seed;

static unsigned chance(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 20) % below;
}

/* ------------------------------------------------------------------ the model */

static struct name *name_find(struct model *m, unsigned home, const char *name)
{
    for (size_t i = 0; i < NAMES; i++)
        if (m->names[i].live && m->names[i].home == home && strcmp(m->names[i].name, name) == 0)
            return &m->names[i];
    return NULL;
}

static void name_set(struct model *m, unsigned home, const char *name, uint64_t ino)
{
    struct name *n = name_find(m, home, name);
    for (size_t i = 0; !n && i < NAMES; i++)
        if (!m->names[i].live)
            n = &m->names[i];
    assert_non_null(n);
    *n = (struct name){.live = true, .home = home, .ino = ino};
    snprintf(n->name, sizeof n->name, "%s", name);
}

static void name_drop(struct model *m, unsigned home, const char *name, uint64_t ino)
{
    struct name *n = *name ? name_find(m, home, name) : NULL;
    if (n && n->ino == ino)
        n->live = false;
}

static struct record *by_ino(struct model *m, uint64_t ino)
{
    for (size_t i = 0; i < RECORDS; i++)
        if (m->records[i].live && m->records[i].ino == ino)
            return &m->records[i];
    return NULL;
}

static struct record *by_key(struct model *m, unsigned home, const char *key)
{
    for (size_t i = 0; i < RECORDS; i++)
        if (m->records[i].live && *key && m->records[i].home == home && strcmp(m->records[i].key, key) == 0)
            return &m->records[i];
    return NULL;
}

static struct record *provisional(struct model *m, unsigned home, const char *name)
{
    struct name *n = *name ? name_find(m, home, name) : NULL;
    struct record *r = n ? by_ino(m, n->ino) : NULL;
    return r && !*r->key ? r : NULL;
}

static struct record *target(struct model *m, const struct record *p)
{
    struct record *r = by_key(m, p->home, p->key);
    if (!r)
        r = provisional(m, p->home, p->wanted);
    return r ? r : provisional(m, p->home, p->id_alias);
}

static void claim(struct model *m, const struct record *r, const char *alias, enum ino_kind kind, bool fresh)
{
    struct name *n = *alias ? name_find(m, r->home, alias) : NULL;
    if (*alias && (!n || (n->ino != ino_as(r->ino, kind) && ino_is_alias(n->ino) && fresh)))
        name_set(m, r->home, alias, ino_as(r->ino, kind));
}

/* `r` becomes `p`; it is a new one where it isn't live. */
static void model_put(struct model *m, struct record *r, const struct record *p, uint64_t ino)
{
    struct record was = *r;
    bool fresh_id = !was.live || strcmp(was.id_alias, p->id_alias) != 0;
    bool fresh_email = !was.live || strcmp(was.email_alias, p->email_alias) != 0;
    *r = *p;
    r->live = true;
    r->ino = ino;
    r->mtime = was.live && strcmp(was.body, p->body) == 0 ? was.mtime : p->mtime;
    struct name *n = name_find(m, p->home, p->wanted);
    if (n && n->ino != ino && !ino_is_alias(n->ino)) {
        const char *dot = strrchr(p->wanted, '.');
        snprintf(r->name, sizeof r->name, "%.*s~%" PRIu64 "%s", (int)(dot - p->wanted), p->wanted, ino_rec(ino), dot);
    } else {
        snprintf(r->name, sizeof r->name, "%s", p->wanted);
    }
    if (was.live && strcmp(was.name, r->name) != 0)
        name_drop(m, r->home, was.name, ino);
    if (was.live && fresh_id)
        name_drop(m, r->home, was.id_alias, ino_as(ino, INO_ALIAS_ID));
    if (was.live && fresh_email)
        name_drop(m, r->home, was.email_alias, ino_as(ino, INO_ALIAS_EMAIL));
    name_set(m, r->home, r->name, ino);
    claim(m, r, r->id_alias, INO_ALIAS_ID, fresh_id);
    claim(m, r, r->email_alias, INO_ALIAS_EMAIL, fresh_email);
}

static void model_remove(struct model *m, struct record *r)
{
    name_drop(m, r->home, r->name, r->ino);
    name_drop(m, r->home, r->id_alias, ino_as(r->ino, INO_ALIAS_ID));
    name_drop(m, r->home, r->email_alias, ino_as(r->ino, INO_ALIAS_EMAIL));
    for (size_t i = 0; i < NAMES; i++)
        if (m->names[i].live && m->names[i].ino == ino_as(r->ino, INO_ALIAS_NEW))
            m->names[i].live = false;
    r->live = false;
}

/* ------------------------------------------------------------------ changes */

static void random_record(struct record *p)
{
    unsigned n = chance(40);
    *p = (struct record){
        .home = chance(HOMES),
        .active = chance(4) > 0,
        .complete = chance(2),
        .row_hash = chance(3),
        .mtime = 1 + chance(1000000),
    };
    if (chance(6))
        snprintf(p->key, sizeof p->key, "%u", n);
    bool ext = chance(2);
    snprintf(p->wanted, sizeof p->wanted, ext ? "EXT-%u.json" : "ID-%u.json", ext ? chance(30) : n);
    if (ext && *p->key)
        snprintf(p->id_alias, sizeof p->id_alias, "ID-%u.json", n);
    if (chance(2))
        snprintf(p->email_alias, sizeof p->email_alias, "EMAIL-%u.json", chance(25));
    unsigned version = chance(5);
    if (version)
        snprintf(p->body, sizeof p->body, "{\"n\": %u, \"version\": \"00000000000000%02x\"}\n", chance(3), version);
    else
        snprintf(p->body, sizeof p->body, "%.*s\n", (int)chance(150),
                 "x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x "
                 "x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x ");
}

static void change_put(struct model *m, struct store_write *w)
{
    struct record p;
    random_record(&p);
    struct record *r = target(m, &p);
    bool is_new = !r;
    for (size_t i = 0; !r && i < RECORDS; i++)
        if (!m->records[i].live)
            r = &m->records[i];
    if (!r)
        return; /* the model is full */
    if (is_new)
        *r = (struct record){0};
    struct record was = *r;
    struct store_put put = {
        .ino = !is_new && chance(2) ? r->ino : 0,
        .kind = ino_kind(homes[p.home]) == INO_JOBS ? INO_JOB : INO_RECORD,
        .home = homes[p.home],
        .key = p.key,
        .name = p.wanted,
        .id_alias = p.id_alias,
        .email_alias = *p.email_alias ? p.email_alias : NULL,
        .active = p.active,
        .complete = p.complete,
        .mtime_ns = p.mtime,
        .row_hash = p.row_hash,
        .body = p.body,
        .body_len = strlen(p.body),
    };
    struct store_change c = must_put(w, &put);
    assert_int_equal(c.created, is_new);
    if (!is_new)
        assert_int_equal(c.ino, r->ino);
    model_put(m, r, &p, c.ino);
    if (!is_new) {
        assert_int_equal(c.renamed, strcmp(was.name, r->name) != 0);
        assert_int_equal(c.moved, was.active != r->active && ino_kind(homes[p.home]) == INO_DIR);
        assert_int_equal(c.body_changed, strcmp(was.body, r->body) != 0);
        if (c.renamed)
            assert_string_equal(c.old_name, was.name);
    }
}

static void change_remove(struct model *m, struct store_write *w)
{
    struct err e;
    struct record *r = &m->records[chance(RECORDS)];
    if (!r->live)
        return;
    assert_int_equal(store_remove(w, r->ino, &e), 0);
    model_remove(m, r);
}

static void change_alias(struct model *m, struct store_write *w)
{
    struct record *r = &m->records[chance(RECORDS)];
    char name[32];
    if (!r->live || ino_kind(r->ino) != INO_RECORD)
        return;
    snprintf(name, sizeof name, "new-%u.json", chance(5));
    bool drop = chance(3) == 0;
    assert_int_equal(store_set_alias(w, homes[r->home], name, drop ? 0 : r->ino, NULL), 0);
    struct name *n = name_find(m, r->home, name);
    if (!drop)
        name_set(m, r->home, name, ino_as(r->ino, INO_ALIAS_NEW));
    else if (n)
        n->live = false;
}

static void forget_new_names(struct model *m)
{
    for (size_t i = 0; i < NAMES; i++)
        if (ino_kind(m->names[i].ino) == INO_ALIAS_NEW)
            m->names[i].live = false;
}

/* ------------------------------------------------------------------ comparing */

static void record_compare(struct store_read *v, const struct record *r)
{
    struct store_record got;
    const void *body;
    size_t len;
    uint64_t ino;
    assert_int_equal(store_get(v, r->ino, &got), 0);
    assert_int_equal(got.home, homes[r->home]);
    assert_string_equal(got.key, r->key);
    assert_string_equal(got.name, r->name);
    assert_int_equal(got.mtime_ns, r->mtime);
    assert_int_equal(got.row_hash, r->row_hash);
    assert_int_equal(got.flags, (r->active ? STORE_ACTIVE : 0) | (r->complete ? STORE_COMPLETE : 0) |
                                    (*r->key ? 0 : STORE_PROVISIONAL));
    assert_int_equal(store_body(v, r->ino, &body, &len), 0);
    assert_int_equal(len, strlen(r->body));
    assert_memory_equal(body, r->body, len);
    if (*r->key) {
        assert_int_equal(store_by_key(v, homes[r->home], r->key, &ino), 0);
        assert_int_equal(ino, r->ino);
    }
}

static void compare(struct model *m, struct store_read *v)
{
    uint64_t live = 0, names = 0;
    for (size_t i = 0; i < RECORDS; i++)
        if (m->records[i].live) {
            record_compare(v, &m->records[i]);
            live++;
        }
    for (size_t i = 0; i < NAMES; i++)
        if (m->names[i].live) {
            uint64_t ino;
            assert_int_equal(store_lookup(v, homes[m->names[i].home], m->names[i].name, &ino), 0);
            assert_int_equal(ino, m->names[i].ino);
            names++;
        }
    assert_int_equal(entries_in(v, T_HEADS), live);
    assert_int_equal(entries_in(v, T_NAMES), names);
    indexes_check(v);
}

static void test_ten_thousand_random_changes_leave_every_index_true(void **state)
{
    const char *given = getenv("SEED");
    seed = given ? strtoull(given, NULL, 0) : 0x9e3779b97f4a7c15;
    if (!seed)
        seed = 1;
    print_message("seed 0x%" PRIx64 "\n", seed);
    struct model *m = calloc(1, sizeof *m), *before = malloc(sizeof *before);
    assert_true(m && before);
    struct store *s = must_open(*state);
    for (unsigned n = 0; n < CHANGES;) {
        struct store_write *w = must_begin(s);
        *before = *m;
        for (unsigned some = 1 + chance(40); some > 0; some--, n++) {
            unsigned what = chance(20);
            if (what < 15)
                change_put(m, w);
            else if (what < 18)
                change_remove(m, w);
            else
                change_alias(m, w);
        }
        if (chance(10) == 0)
            compare(m, store_write_view(w));
        if (chance(8) == 0) {
            store_write_abort(w);
            *m = *before;
        } else {
            must_commit(w);
        }
        if (chance(50) == 0) {
            store_close(s);
            s = must_open(*state);
            forget_new_names(m);
        }
        struct store_read *r = store_read_begin(s);
        compare(m, r);
        store_read_end(r);
    }
    store_close(s);
    free(m);
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ten_thousand_random_changes_leave_every_index_true, place_make, place_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
