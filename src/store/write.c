/* write.c — changes of the cache: the transaction, and the small ones. The engine thread alone. */
#include "store_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ the transaction */

int store_write_begin(struct store *s, struct store_write **out, struct err *e)
{
    struct store_write *w = calloc(1, sizeof *w);
    *out = NULL;
    if (!w)
        return err_set(e, -ENOMEM, "out of memory");
    room_look(s->dir);
    int rc = env_begin(&s->cache, &w->view.txn, e);
    if (rc) {
        free(w);
        return rc;
    }
    w->s = w->view.s = s;
    w->view.writing = true;
    *out = w;
    return 0;
}

static void write_free(struct store_write *w)
{
    free(w->view.page);
    free(w->scratch);
    free(w);
}

int store_write_commit(struct store_write *w, struct err *e)
{
    int rc = write_usable(w, e);
    if (rc) {
        store_write_abort(w);
        return rc;
    }
    rc = env_commit(&w->s->cache, w->view.txn, e);
    write_free(w);
    return rc;
}

void store_write_abort(struct store_write *w)
{
    if (!w)
        return;
    env_abort(&w->s->cache, w->view.txn);
    write_free(w);
}

struct store_read *store_write_view(struct store_write *w)
{
    return &w->view;
}

int write_usable(const struct store_write *w, struct err *e)
{
    return w->failed.code ? err_set(e, w->failed.code, "%s", w->failed.text) : 0;
}

static int spoil(struct store_write *w, int code, const struct err *why, struct err *e)
{
    if (code && e)
        *e = *why;
    if (code && !w->failed.code)
        w->failed = *why;
    return code;
}

int write_spoil(struct store_write *w, int code, const char *what, struct err *e)
{
    struct err why;
    err_set(&why, code, "the cache in %s: %s", w->s->cache.path, what);
    return spoil(w, code, &why, e);
}

static int spoil_mdb(struct store_write *w, int mdb_rc, struct err *e)
{
    struct err why;
    return mdb_rc ? spoil(w, env_error(&w->s->cache, mdb_rc, &why), &why, e) : 0;
}

int write_take(struct store_write *w, uint64_t pages, struct err *e)
{
    struct err why;
    return spoil(w, env_take(&w->s->cache, pages, &why), &why, e);
}

/* ------------------------------------------------------------------ one value */

int table_put(struct store_write *w, enum table t, MDB_val key, MDB_val value, struct err *e)
{
    return spoil_mdb(w, mdb_put(w->view.txn, w->s->tables[t], &key, &value, 0), e);
}

int table_reserve(struct store_write *w, enum table t, MDB_val key, size_t size, void **to, struct err *e)
{
    MDB_val value = {size, NULL};
    int rc = spoil_mdb(w, mdb_put(w->view.txn, w->s->tables[t], &key, &value, MDB_RESERVE), e);
    *to = value.mv_data;
    return rc;
}

int table_del(struct store_write *w, enum table t, MDB_val key, struct err *e)
{
    int rc = mdb_del(w->view.txn, w->s->tables[t], &key, NULL);
    return spoil_mdb(w, rc == MDB_NOTFOUND ? 0 : rc, e);
}

uint64_t table_pages(const struct store_write *w, size_t bytes)
{
    return 1 + (bytes + 16) / w->s->cache.page_size;
}

/* ------------------------------------------------------------------ marks */

int store_set_mark(struct store_write *w, uint64_t ino, const struct store_mark *m, struct err *e)
{
    struct key k;
    MDB_val was;
    unsigned char packed[MARK_SIZE_MAX];
    int rc = write_usable(w, e);
    if (rc)
        return rc;
    MDB_val key = key_numbers(&k, 1, ino);
    if (!m)
        return table_del(w, T_MARKS, key, e);
    MDB_val value = {mark_pack(m, packed), packed};
    if (table_get(&w->view, T_MARKS, key, &was) == 0 && was.mv_size == value.mv_size &&
        memcmp(was.mv_data, packed, value.mv_size) == 0)
        return 0;
    return table_put(w, T_MARKS, key, value, e);
}

int store_clear_marks(struct store_write *w, struct err *e)
{
    int rc = write_usable(w, e);
    if (rc || !store_any_mark(&w->view))
        return rc;
    return spoil_mdb(w, mdb_drop(w->view.txn, w->s->tables[T_MARKS], 0), e);
}

/* ------------------------------------------------------------------ the new*.json names */

static MDB_val alias_key(struct key *k, uint64_t alias, uint64_t home, const char *name)
{
    size_t len = strlen(name); /* name_valid, so at most 255 */
    key_numbers(k, 2, alias, home);
    memcpy(k->bytes + 16, name, len);
    k->len = 16 + len;
    return (MDB_val){k->len, k->bytes};
}

int store_set_alias(struct store_write *w, uint64_t home, const char *name, uint64_t ino, struct err *e)
{
    struct key by_name, by_alias;
    struct head h;
    uint64_t now, alias = ino ? ino_as(ino, INO_ALIAS_NEW) : 0;
    int rc = write_usable(w, e);
    if (rc)
        return rc;
    if (!name_valid(name))
        return err_set(e, -EINVAL, "an alias needs a file name of 1 to %d bytes", NAME_LEN_MAX);
    if (ino && head_get(&w->view, ino_as(ino, INO_RECORD), &h))
        return err_set(e, -ENOENT, "there is no record for the name %s", name);
    MDB_val key = key_text(&by_name, home, name);
    rc = store_lookup(&w->view, home, name, &now);
    if (rc == 0 && now == alias)
        return 0;
    if (rc == 0 && !ino_is_alias(now))
        return ino ? err_set(e, -EEXIST, "%s is a record's own name", name) : 0;
    if (rc == 0 && ino_kind(now) != INO_ALIAS_NEW && !ino)
        return 0; /* not ours to drop */
    if (rc == 0 && ino_kind(now) == INO_ALIAS_NEW)
        rc = table_del(w, T_ALIASES, alias_key(&by_alias, now, home, name), e);
    else if (rc == -ENOENT)
        rc = 0;
    else if (rc < 0)
        return write_spoil(w, rc, "a damaged name", e);
    if (rc || !ino)
        return rc ? rc : table_del(w, T_NAMES, key, e);
    rc = write_take(w, 12, e);
    if (rc == 0)
        rc = table_put(w, T_ALIASES, alias_key(&by_alias, alias, home, name), (MDB_val){0, (void *)""}, e);
    return rc ? rc : table_put(w, T_NAMES, key, (MDB_val){sizeof alias, &alias}, e);
}

int aliases_drop(struct store_write *w, uint64_t ino, struct err *e)
{
    struct key prefix, k, name_key;
    uint64_t now;
    MDB_val key, value, all = {0, NULL};
    MDB_val wanted = ino ? key_numbers(&prefix, 1, ino_as(ino, INO_ALIAS_NEW)) : all;
    int rc;
    while ((rc = table_first(&w->view, T_ALIASES, wanted, &key, &value)) == 0) {
        if (key.mv_size <= 16 || key.mv_size > 16 + NAME_LEN_MAX)
            return write_spoil(w, -EIO, "a damaged alias", e);
        memcpy(k.bytes, key.mv_data, k.len = key.mv_size); /* alias, home, name: its end is the name's key */
        memcpy(name_key.bytes, k.bytes + 8, name_key.len = k.len - 8);
        MDB_val by_name = {name_key.len, name_key.bytes};
        if (table_get(&w->view, T_NAMES, by_name, &value) == 0 && decode_number(&value, &now) == 0 &&
            now == be64_get(k.bytes) && (rc = table_del(w, T_NAMES, by_name, e)))
            return rc;
        rc = table_del(w, T_ALIASES, (MDB_val){k.len, k.bytes}, e);
        if (rc)
            return rc;
    }
    return rc == -ENOENT ? 0 : write_spoil(w, rc, "a damaged alias", e);
}
