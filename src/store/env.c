/* env.c — one LMDB environment.
 *
 * What holds here:
 *  - the file is never shorter than its last page says, except when we were killed right after a commit (env_settle mends that at the
 *    next opening): LMDB itself may leave out trailing pages that a transaction took and gave back, and a short file could not be told
 *    from a cut one;
 *  - after every commit that passed env_take, free and never used pages together are at least `reserve`, so that a transaction which
 *    only removes finds the pages that copy-on-write needs.
 */
#include "store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESERVE_PAGES_MAX 65536u /* 256 MiB */

/* ------------------------------------------------------------------ errors */

int env_code(int mdb_rc)
{
    switch (mdb_rc) {
    case 0:
        return 0;
    case MDB_NOTFOUND:
        return -ENOENT;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
        return -ENOSPC;
    case MDB_READERS_FULL:
        return -EAGAIN;
    case MDB_BAD_VALSIZE:
        return -EINVAL;
    }
    return mdb_rc > 0 ? -mdb_rc : -EIO;
}

int env_error(const struct env *v, int mdb_rc, struct err *e)
{
    switch (mdb_rc) {
    case 0:
        return 0;
    case MDB_MAP_FULL:
        return err_set(e, -ENOSPC, "the %s in %s is full; nothing was written", v->label, v->path);
    case MDB_TXN_FULL:
        return err_set(e, -ENOSPC, "too much at once for the %s in %s; nothing was written", v->label, v->path);
    case ENOSPC:
    case EDQUOT:
        return err_set(e, -ENOSPC, "the disk with the %s in %s is full; nothing was written", v->label, v->path);
    }
    return err_set(e, env_code(mdb_rc), "the %s in %s: %s", v->label, v->path, mdb_strerror(mdb_rc));
}

/* ------------------------------------------------------------------ opening */

/* After a commit or an opening: how far the file reaches, and that it does. */
static void env_settle(struct env *v)
{
    MDB_envinfo info;
    struct stat st;
    int fd;
    if (mdb_env_info(v->mdb, &info) || mdb_env_get_fd(v->mdb, &fd) || fstat(fd, &st))
        return;
    uint64_t bytes = ((uint64_t)info.me_last_pgno + 1) * v->page_size;
    /* Where this fails (a disk that is full even for an empty page) the next start walks instead of measuring. */
    if ((uint64_t)st.st_size < bytes && ftruncate(fd, (off_t)bytes))
        bytes = (uint64_t)st.st_size;
    if (bytes > atomic_load_explicit(&v->extent, memory_order_relaxed))
        atomic_store_explicit(&v->extent, bytes, memory_order_relaxed);
}

static int put_if_other(MDB_txn *txn, MDB_dbi meta, const char *name, const void *data, size_t len)
{
    MDB_val key = {strlen(name), (void *)name}, value;
    int rc = mdb_get(txn, meta, &key, &value);
    if (rc == 0 && value.mv_size == len && memcmp(value.mv_data, data, len) == 0)
        return 0;
    value = (MDB_val){len, (void *)data};
    return rc && rc != MDB_NOTFOUND ? rc : mdb_put(txn, meta, &key, &value, 0);
}

/* Which schema, which revision, who was here last. The schema was checked before; a revision never falls: what it promises to be there is. */
static int sign(MDB_txn *txn, MDB_dbi meta, const struct env_shape *shape)
{
    uint32_t revision = 0;
    MDB_val key = {8, "revision"}, value;
    if (mdb_get(txn, meta, &key, &value) || value.mv_size != sizeof revision)
        revision = shape->revision;
    else
        memcpy(&revision, value.mv_data, sizeof revision);
    if (revision < shape->revision)
        revision = shape->revision;
    int rc = put_if_other(txn, meta, "schema", &shape->schema, sizeof shape->schema);
    if (rc == 0)
        rc = put_if_other(txn, meta, "revision", &revision, sizeof revision);
    return rc ? rc : put_if_other(txn, meta, "written-by", LMSFS_VERSION, strlen(LMSFS_VERSION));
}

static int open_tables(struct env *v, const struct env_shape *shape, MDB_dbi tables[])
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(v->mdb, NULL, 0, &txn);
    if (rc)
        return rc;
    for (unsigned i = 0; i < shape->n; i++) {
        rc = mdb_dbi_open(txn, shape->tables[i].name, MDB_CREATE, &tables[i]);
        if (rc)
            goto out;
    }
    rc = sign(txn, tables[0], shape);
out:
    if (rc) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn);
}

/* Where LMDB put its map, which it doesn't tell. NULL where it isn't found. */
static const char *find_map(const char *path)
{
    char *data = path_join(path, "data.mdb"), *line = NULL;
    const char *found = NULL;
    size_t size = 0;
    FILE *f = data ? fopen("/proc/self/maps", "re") : NULL;
    while (f && !found && getline(&line, &size, f) > 0) {
        void *from;
        int file = 0;
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "%p-%*x %*s %*s %*s %*s %n", &from, &file) == 1 && file && strcmp(line + file, data) == 0)
            found = from;
    }
    if (f)
        fclose(f);
    free(line);
    free(data);
    return found;
}

int env_open(struct env *v, const struct env_shape *shape, const char *path, size_t map_size, unsigned readers,
             MDB_dbi tables[], struct err *e)
{
    MDB_envinfo info;
    MDB_stat stat;
    int dead;
    v->label = shape->label;
    v->path = strdup(path);
    if (!v->path)
        return err_set(e, -ENOMEM, "out of memory");
    int rc = mdb_env_create(&v->mdb);
    if (rc)
        return env_error(v, rc, e);
    if ((rc = mdb_env_set_mapsize(v->mdb, map_size)) || (rc = mdb_env_set_maxdbs(v->mdb, ENV_TABLES_MAX)) ||
        (rc = mdb_env_set_maxreaders(v->mdb, readers)) ||
        (rc = mdb_env_open(v->mdb, path, shape->flags | MDB_NOTLS, 0600)) || (rc = mdb_reader_check(v->mdb, &dead)) ||
        (rc = open_tables(v, shape, tables)) || (rc = mdb_env_info(v->mdb, &info)) || (rc = mdb_env_stat(v->mdb, &stat))) {
        env_error(v, rc, e);
        env_close(v);
        return env_code(rc);
    }
    v->page_size = stat.ms_psize;
    v->pages_max = info.me_mapsize / stat.ms_psize;
    v->reserve = v->pages_max / 8 < RESERVE_PAGES_MAX ? v->pages_max / 8 : RESERVE_PAGES_MAX;
    v->map = find_map(path);
    env_settle(v);
    return 0;
}

void env_close(struct env *v)
{
    if (v->mdb) {
        mdb_env_sync(v->mdb, 1);
        mdb_env_close(v->mdb);
    }
    free(v->path);
    v->mdb = NULL;
    v->path = NULL;
}

/* ------------------------------------------------------------------ transactions */

int env_begin(struct env *v, MDB_txn **txn, struct err *e)
{
    MDB_envinfo info;
    if (v->writing)
        return err_set(e, -EBUSY, "the %s is being written already", v->label);
    int rc = mdb_txn_begin(v->mdb, NULL, 0, txn);
    if (rc)
        return env_error(v, rc, e);
    rc = mdb_env_info(v->mdb, &info);
    if (rc) {
        mdb_txn_abort(*txn);
        return env_error(v, rc, e);
    }
    v->base = info.me_last_pgno + 1;
    v->used = v->free_pages = 0;
    v->counted = false;
    v->writing = true;
    return 0;
}

int env_commit(struct env *v, MDB_txn *txn, struct err *e)
{
    v->writing = false;
    int rc = mdb_txn_commit(txn);
    if (rc)
        return env_error(v, rc, e);
    env_settle(v);
    return 0;
}

void env_abort(struct env *v, MDB_txn *txn)
{
    v->writing = false;
    mdb_txn_abort(txn);
}

/* ------------------------------------------------------------------ room */

/* Free pages of the last commit, from LMDB's own table of them: each value is a count and as many page numbers. A write transaction
 * may not look there, so a reader does. */
static int count_free(struct env *v, uint64_t *out)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    *out = 0;
    int rc = mdb_txn_begin(v->mdb, NULL, MDB_RDONLY, &txn);
    if (rc)
        return rc;
    rc = mdb_cursor_open(txn, 0, &cursor);
    if (rc == 0) {
        while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
            size_t n;
            if (value.mv_size < sizeof n)
                continue;
            memcpy(&n, value.mv_data, sizeof n);
            *out += n;
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int env_take(struct env *v, uint64_t pages, struct err *e)
{
    uint64_t wanted = v->used + pages + v->reserve;
    if (v->base + wanted > v->pages_max) {
        if (!v->counted) {
            int rc = count_free(v, &v->free_pages);
            if (rc)
                return env_error(v, rc, e);
            v->counted = true;
        }
        uint64_t never_used = v->pages_max > v->base ? v->pages_max - v->base : 0;
        if (never_used + v->free_pages < wanted)
            return env_error(v, MDB_MAP_FULL, e);
    }
    v->used += pages;
    return 0;
}

bool env_holds(struct env *v, const MDB_val *value)
{
    uint64_t from = v->map ? (uint64_t)((uintptr_t)value->mv_data - (uintptr_t)v->map) : 0;
    if (from + value->mv_size <= atomic_load_explicit(&v->extent, memory_order_relaxed))
        return true;
    if (value->mv_size > UINT32_MAX || from > UINT64_MAX / 2)
        return false;
    MDB_envinfo info; /* a commit that this snapshot sees may not have come to env_settle yet */
    return mdb_env_info(v->mdb, &info) == 0 && from + value->mv_size <= ((uint64_t)info.me_last_pgno + 1) * v->page_size;
}

/* LMDB keeps the pages that its largest write copied, for the next one, each a piece of the heap. Taken one by one as the trees grow, between
 * whatever else is allocated then, they keep the heap from ever shrinking; taken at once here, memory is as large at the first record as at the
 * millionth. Nothing is written: the transaction is aborted. */
void env_warm(struct env *v, MDB_dbi table, unsigned pages)
{
    MDB_txn *txn;
    char value[1900] = {0}; /* two of them fill a page */
    if (mdb_txn_begin(v->mdb, NULL, 0, &txn))
        return;
    for (uint32_t i = 0; i < pages * 2; i++) {
        unsigned char k[8] = {0xff,
                              0xff,
                              0xff,
                              0xff,
                              (unsigned char)(i >> 24),
                              (unsigned char)(i >> 16),
                              (unsigned char)(i >> 8),
                              (unsigned char)i};
        MDB_val key = {sizeof k, k}, data = {sizeof value, value};
        if (mdb_put(txn, table, &key, &data, MDB_APPEND))
            break;
    }
    mdb_txn_abort(txn);
}
