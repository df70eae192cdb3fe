/* test_store_help.h — what the tests of store/ share: a folder of their own, short ways to put records, and the check that every index
 * tells the same story. */
#ifndef TEST_STORE_HELP_H
#define TEST_STORE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/store_internal.h"
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define USERS ino_make(INO_DIR, 3, 7, 0)
#define BIN   ino_make(INO_BIN, 3, 7, 0)
#define JOBS  ino_make(INO_JOBS, 3, 0, 0)

/* ------------------------------------------------------------------ the folder */

struct place {
    char parent[64];
    char dir[128]; /* the cache folder in it, not made yet */
};

static inline int unlink_it(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

static inline void remove_tree(const char *path)
{
    nftw(path, unlink_it, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int place_make(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    if (!p)
        return -1;
    snprintf(p->parent, sizeof p->parent, "/tmp/lmsfs-store-XXXXXX");
    if (!mkdtemp(p->parent))
        return -1;
    snprintf(p->dir, sizeof p->dir, "%s/cache-folder", p->parent);
    *state = p;
    return 0;
}

static inline int place_drop(void **state)
{
    struct place *p = *state;
    remove_tree(p->parent);
    free(p);
    return 0;
}

static inline const char *in(const struct place *p, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", p->dir, name);
    return path;
}

static inline struct store *must_open(const struct place *p)
{
    struct err e;
    struct store *s;
    if (store_open(p->dir, &s, &e))
        fail_msg("store_open: %s", e.text);
    assert_int_equal(e.code, 0);
    assert_string_equal(e.text, "");
    return s;
}

/* ------------------------------------------------------------------ writing */

static inline struct store_write *must_begin(struct store *s)
{
    struct err e;
    struct store_write *w;
    if (store_write_begin(s, &w, &e))
        fail_msg("store_write_begin: %s", e.text);
    return w;
}

static inline void must_commit(struct store_write *w)
{
    struct err e;
    if (store_write_commit(w, &e))
        fail_msg("store_write_commit: %s", e.text);
}

static inline struct store_change must_put(struct store_write *w, const struct store_put *p)
{
    struct err e;
    struct store_change c;
    if (store_put(w, p, false, &c, &e))
        fail_msg("store_put: %s", e.text);
    return c;
}

/* A put in a transaction of its own. */
static inline struct store_change put_alone(struct store *s, const struct store_put *p)
{
    struct store_write *w = must_begin(s);
    struct store_change c = must_put(w, p);
    must_commit(w);
    return c;
}

static inline void remove_alone(struct store *s, uint64_t ino)
{
    struct err e;
    struct store_write *w = must_begin(s);
    assert_int_equal(store_remove(w, ino, &e), 0);
    must_commit(w);
}

#define BODY(text) .body = (text), .body_len = sizeof(text) - 1

/* A person as a list row tells them. */
static inline struct store_put person(const char *key, const char *name, const char *body)
{
    return (struct store_put){
        .kind = INO_RECORD,
        .home = USERS,
        .key = key,
        .name = name,
        .active = true,
        .mtime_ns = 1700000000000000000,
        .body = body,
        .body_len = strlen(body),
    };
}

/* ------------------------------------------------------------------ reading */

static inline uint64_t lookup(struct store *s, uint64_t home, const char *name)
{
    uint64_t ino = 0;
    struct store_read *r = store_read_begin(s);
    assert_non_null(r);
    int rc = store_lookup(r, home, name, &ino);
    store_read_end(r);
    assert_true(rc == 0 || rc == -ENOENT);
    return rc ? 0 : ino;
}

static inline struct store_listing listing(struct store *s, uint64_t dir)
{
    struct store_listing l;
    struct store_read *r = store_read_begin(s);
    assert_int_equal(store_listing(r, dir, &l), 0);
    store_read_end(r);
    return l;
}

/* ------------------------------------------------------------------ every index tells the same story */

static inline uint64_t dir_of_record(const struct head *h)
{
    if (ino_kind(h->rec.home) == INO_JOBS)
        return h->rec.home;
    if (ino_kind(h->rec.home) != INO_DIR)
        return 0;
    return h->rec.flags & STORE_ACTIVE ? h->rec.home : ino_as(h->rec.home, INO_BIN);
}

static inline uint64_t number_at(struct store_read *r, enum table t, MDB_val key)
{
    MDB_val value;
    uint64_t n;
    return table_get(r, t, key, &value) || decode_number(&value, &n) ? 0 : n;
}

static inline uint64_t entries_in(struct store_read *r, enum table t)
{
    MDB_stat stat;
    assert_int_equal(mdb_stat(r->txn, r->s->tables[t], &stat), 0);
    return stat.ms_entries;
}

/* An alias of a record leads to it, unless another record's name or alias stands there. */
static inline unsigned alias_check(struct store_read *r, const struct head *h, const char *alias, enum ino_kind kind)
{
    struct key k;
    if (!*alias)
        return 0;
    uint64_t owner = number_at(r, T_NAMES, key_text(&k, h->rec.home, alias));
    if (owner == ino_as(h->rec.ino, kind))
        return 1;
    if (!owner) /* lost to somebody who is gone; the next put takes it back */
        return 0;
    assert_true(ino_is_alias(owner) || strcmp(alias, h->rec.name) == 0 || owner != h->rec.ino);
    return 0;
}

struct census {
    uint64_t names, keys, dirs;
};

static inline void head_check(struct store_read *r, const struct head *h, struct census *c)
{
    struct key k;
    MDB_val value;
    uint64_t ino = h->rec.ino, dir = dir_of_record(h);
    assert_int_equal(number_at(r, T_NAMES, key_text(&k, h->rec.home, h->rec.name)), ino);
    c->names++;
    assert_true(!(h->rec.flags & STORE_PROVISIONAL) == (*h->rec.key != '\0'));
    if (*h->rec.key) {
        assert_int_equal(number_at(r, T_KEYS, key_text(&k, h->rec.home, h->rec.key)), ino);
        c->keys++;
    }
    assert_int_equal(table_get(r, T_BODIES, key_numbers(&k, 1, ino), &value), 0);
    assert_int_equal(value.mv_size, h->rec.size);
    uint64_t version = 0;
    bool versioned = version_find(value.mv_data, value.mv_size, &version);
    assert_int_equal(versioned, !!(h->rec.flags & HEAD_VERSIONED));
    if (versioned)
        assert_int_equal(version, h->version);
    if (dir) {
        assert_int_equal(table_get(r, T_DIRS, key_numbers(&k, 2, dir, ino_rec(ino)), &value), 0);
        assert_string_equal(value.mv_data, h->rec.name);
        c->dirs++;
    }
    c->names += alias_check(r, h, h->id_alias, INO_ALIAS_ID);
    c->names += alias_check(r, h, h->email_alias, INO_ALIAS_EMAIL);
}

/* Each directory's counts are what its entries say. */
static inline void listings_check(struct store_read *r)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    assert_int_equal(mdb_cursor_open(r->txn, r->s->tables[T_LISTINGS], &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        struct listing_disk l;
        struct store_record rec;
        const char *name;
        uint64_t dir = be64_get(key.mv_data), entries = 0, details = 0, ino, before = 0;
        assert_int_equal(value_struct(&value, &l, sizeof l), 0);
        for (uint64_t after = 0; store_dir_next(r, dir, after, &ino, &name) == 0; after = ino_rec(ino)) {
            assert_true(ino_rec(ino) > before);
            before = ino_rec(ino);
            assert_int_equal(store_get(r, ino, &rec), 0);
            assert_string_equal(rec.name, name);
            entries++;
            details += !!(rec.flags & STORE_COMPLETE);
        }
        assert_int_equal(l.entries, entries);
        assert_int_equal(l.details, details);
    }
    mdb_cursor_close(cursor);
}

static inline void versions_check(struct store_read *r)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    struct key k;
    assert_int_equal(entries_in(r, T_AGES), entries_in(r, T_VERSIONS));
    assert_int_equal(mdb_cursor_open(r->txn, r->s->tables[T_VERSIONS], &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        struct head h;
        const char *at = key.mv_data;
        MDB_val age;
        uint64_t version = 0;
        assert_int_equal(head_get(r, be64_get(at), &h), 0);
        assert_int_equal(
            table_get(r, T_AGES, key_numbers(&k, 3, be64_get(value.mv_data), be64_get(at), be64_get(at + 8)), &age), 0);
        assert_true(version_find((const char *)value.mv_data + 8, value.mv_size - 8, &version));
        assert_int_equal(version, be64_get(at + 8));
    }
    mdb_cursor_close(cursor);
}

static inline void indexes_check(struct store_read *r)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    struct census c = {0, 0, 0};
    assert_int_equal(mdb_cursor_open(r->txn, r->s->tables[T_HEADS], &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        struct head h;
        assert_int_equal(head_unpack(be64_get(key.mv_data), &value, &h), 0);
        head_check(r, &h, &c);
    }
    mdb_cursor_close(cursor);
    assert_int_equal(mdb_cursor_open(r->txn, r->s->tables[T_NAMES], &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        uint64_t owner;
        assert_int_equal(decode_number(&value, &owner), 0);
        c.names += ino_kind(owner) == INO_ALIAS_NEW;
    }
    mdb_cursor_close(cursor);
    assert_int_equal(entries_in(r, T_NAMES), c.names); /* and not one that leads nowhere */
    assert_int_equal(entries_in(r, T_KEYS), c.keys);
    assert_int_equal(entries_in(r, T_DIRS), c.dirs);
    assert_int_equal(entries_in(r, T_BODIES), entries_in(r, T_HEADS));
    listings_check(r);
    versions_check(r);
}

static inline void must_agree(struct store *s)
{
    struct store_read *r = store_read_begin(s);
    assert_non_null(r);
    indexes_check(r);
    store_read_end(r);
}

/* ------------------------------------------------------------------ processes */

/* Runs it in a child process that is killed by SIGKILL as its last act. */
static inline void and_is_killed(const struct place *p, void (*what)(const struct place *))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        what(p);
        kill(getpid(), SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

#endif
