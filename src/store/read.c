/* read.c — answers: snapshots from a pool, and what is in them.
 *
 * A reader is a read-only transaction that is reset, not ended, when it is given back: its slot in LMDB's table of readers stays its own,
 * and taking it again costs no lock but the pool's.
 */
#include "store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ the pool */

static void reader_free(struct store_read *r)
{
    if (r->dirs)
        mdb_cursor_close(r->dirs);
    if (r->txn)
        mdb_txn_abort(r->txn);
    free(r->page);
    free(r);
}

void pool_drain(struct store *s)
{
    while (s->pool) {
        struct store_read *r = s->pool;
        s->pool = r->next;
        reader_free(r);
    }
}

struct store_read *store_read_begin(struct store *s)
{
    pthread_mutex_lock(&s->pool_lock);
    struct store_read *r = s->pool;
    if (r)
        s->pool = r->next;
    pthread_mutex_unlock(&s->pool_lock);
    int rc;
    if (r) {
        rc = mdb_txn_renew(r->txn);
    } else {
        r = calloc(1, sizeof *r);
        if (!r)
            return NULL;
        r->s = s;
        rc = mdb_txn_begin(s->cache.mdb, NULL, MDB_RDONLY, &r->txn);
    }
    if (rc) {
        reader_free(r);
        return NULL;
    }
    r->bound = r->placed = false;
    return r;
}

void store_read_end(struct store_read *r)
{
    if (!r)
        return;
    struct store *s = r->s;
    free(r->page);
    r->page = NULL;
    mdb_txn_reset(r->txn);
    pthread_mutex_lock(&s->pool_lock);
    r->next = s->pool;
    s->pool = r;
    pthread_mutex_unlock(&s->pool_lock);
}

/* ------------------------------------------------------------------ tables */

int table_get(struct store_read *r, enum table t, MDB_val key, MDB_val *out)
{
    int rc = mdb_get(r->txn, r->s->tables[t], &key, out);
    if (rc)
        return env_code(rc);
    /* What a write transaction has changed lies in its own memory, not in the map. */
    return r->writing || env_holds(&r->s->cache, out) ? 0 : -EIO;
}

int table_first(struct store_read *r, enum table t, MDB_val prefix, MDB_val *key, MDB_val *value)
{
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(r->txn, r->s->tables[t], &cursor);
    if (rc)
        return env_code(rc);
    *key = prefix;
    rc = mdb_cursor_get(cursor, key, value, prefix.mv_size ? MDB_SET_RANGE : MDB_FIRST);
    mdb_cursor_close(cursor);
    if (rc)
        return env_code(rc);
    if (!prefix.mv_size)
        return 0;
    return key->mv_size < prefix.mv_size || memcmp(key->mv_data, prefix.mv_data, prefix.mv_size) != 0 ? -ENOENT : 0;
}

static int number_get(struct store_read *r, enum table t, MDB_val key, uint64_t *out)
{
    MDB_val value;
    int rc = table_get(r, t, key, &value);
    return rc ? rc : decode_number(&value, out);
}

/* ------------------------------------------------------------------ records */

int head_get(struct store_read *r, uint64_t ino, struct head *out)
{
    struct key k;
    MDB_val value;
    int rc = table_get(r, T_HEADS, key_numbers(&k, 1, ino), &value);
    return rc ? rc : head_unpack(ino, &value, out);
}

int store_get(struct store_read *r, uint64_t ino, struct store_record *out)
{
    struct head h;
    int rc = head_get(r, ino, &h);
    if (rc)
        return rc;
    *out = h.rec;
    out->flags &= ~HEAD_VERSIONED;
    return 0;
}

int store_body(struct store_read *r, uint64_t ino, const void **data, size_t *len)
{
    struct head h;
    struct key k;
    MDB_val value;
    int rc = head_get(r, ino, &h);
    if (rc)
        return rc;
    rc = table_get(r, T_BODIES, key_numbers(&k, 1, ino), &value);
    if (rc || value.mv_size != h.rec.size)
        return -EIO;
    *data = value.mv_data;
    *len = value.mv_size;
    return 0;
}

int store_lookup(struct store_read *r, uint64_t home, const char *name, uint64_t *ino)
{
    struct key k;
    if (!name_valid(name))
        return -ENOENT;
    return number_get(r, T_NAMES, key_text(&k, home, name), ino);
}

int store_by_key(struct store_read *r, uint64_t home, const char *key, uint64_t *ino)
{
    struct key k;
    size_t len = strnlen(key, KEY_LEN_MAX + 1);
    if (len == 0 || len > KEY_LEN_MAX)
        return -ENOENT;
    return number_get(r, T_KEYS, key_text(&k, home, key), ino);
}

int store_mark(struct store_read *r, uint64_t ino, struct store_mark *out)
{
    struct key k;
    MDB_val value;
    int rc = table_get(r, T_MARKS, key_numbers(&k, 1, ino), &value);
    return rc ? rc : mark_unpack(&value, out);
}

bool store_any_mark(struct store_read *r)
{
    MDB_stat stat;
    return mdb_stat(r->txn, r->s->tables[T_MARKS], &stat) == 0 && stat.ms_entries > 0;
}

/* ------------------------------------------------------------------ directories */

/* The cursor of this snapshot, opened or taken over from the reader's last one. */
static int dirs_cursor(struct store_read *r)
{
    int rc = 0;
    if (!r->dirs)
        rc = mdb_cursor_open(r->txn, r->s->tables[T_DIRS], &r->dirs);
    else if (!r->bound)
        rc = mdb_cursor_renew(r->txn, r->dirs);
    r->bound = rc == 0;
    return rc;
}

static int dir_step(struct store_read *r, uint64_t dir, uint64_t after, MDB_val *key, MDB_val *value)
{
    struct key k;
    int rc = dirs_cursor(r);
    if (rc)
        return rc;
    if (r->placed && r->at_dir == dir && r->at_rec == after)
        return mdb_cursor_get(r->dirs, key, value, MDB_NEXT);
    *key = key_numbers(&k, 2, dir, after + 1);
    return mdb_cursor_get(r->dirs, key, value, MDB_SET_RANGE);
}

int store_dir_next(struct store_read *r, uint64_t dir, uint64_t after, uint64_t *ino, const char **name)
{
    MDB_val key, value;
    if (after >= INO_REC_MASK)
        return -ENOENT;
    int rc = dir_step(r, dir, after, &key, &value);
    r->placed = false;
    if (r->writing && r->dirs) { /* a cursor must not outlive the changes that a write makes between two calls */
        mdb_cursor_close(r->dirs);
        r->dirs = NULL;
    }
    if (rc)
        return env_code(rc);
    if (key.mv_size != 16 || (!r->writing && !env_holds(&r->s->cache, &value)))
        return -EIO;
    if (be64_get(key.mv_data) != dir)
        return -ENOENT;
    uint64_t rec = be64_get((const char *)key.mv_data + 8);
    const char *text = value.mv_data;
    if (value.mv_size < 2 || text[value.mv_size - 1] != '\0')
        return -EIO;
    *ino = ino_make(ino_kind(dir) == INO_JOBS ? INO_JOB : INO_RECORD, ino_tenant(dir), ino_coll(dir), rec);
    *name = text;
    r->at_dir = dir;
    r->at_rec = rec;
    r->placed = !r->writing;
    return 0;
}

/* Marks are few but for saves under way, and a bin is seldom listed: each step looks for its place anew. */
int store_leaving_next(struct store_read *r, uint64_t bin, uint64_t after, uint64_t *ino, const char **name)
{
    struct key k;
    MDB_val key = key_numbers(&k, 1, ino_make(INO_RECORD, ino_tenant(bin), ino_coll(bin), after)), value;
    MDB_cursor *cursor;
    struct store_mark mark;
    struct store_record rec;
    int rc = env_code(mdb_cursor_open(r->txn, r->s->tables[T_MARKS], &cursor));
    if (rc)
        return rc;
    for (rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE); rc == 0;
         rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        uint64_t at = key.mv_size == 8 ? be64_get(key.mv_data) : 0;
        if (at != ino_make(INO_RECORD, ino_tenant(bin), ino_coll(bin), ino_rec(at))) {
            rc = MDB_NOTFOUND;
            break;
        }
        if (ino_rec(at) > after && mark_unpack(&value, &mark) == 0 && mark.leaving && store_get(r, at, &rec) == 0 &&
            rec.flags & STORE_ACTIVE) {
            *ino = at;
            *name = rec.name;
            break;
        }
    }
    mdb_cursor_close(cursor);
    return env_code(rc);
}

uint64_t store_dir_count(struct store_read *r, uint64_t dir)
{
    struct store_listing l;
    return store_listing(r, dir, &l) ? 0 : l.entries;
}
