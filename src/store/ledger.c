/* ledger.c — what only we know. Every commit is durable: no flags are given to LMDB here.
 *
 * The ledger's own table "meta": schema, revision, written-by (the last lmsfs that opened it), identity (a random number; the cache has it
 * too, so that neither is used with another's record ids), next-id (the first record id not leased yet), mounts, next-<table> (the highest key ever put, plus 1).
 */
#include "store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_BLOCK 4096u
#define ID_FIRST 4096u /* low numbers stay free: readdir's cookies have "." and ".." there */

static bool ours_sound(const MDB_val *k, const MDB_val *v)
{
    (void)v;
    return k->mv_size == 8;
}

static const struct table_shape ledger_shapes[L_ALL] = {
    [L_META] = {"meta", 0, NULL},
    [L_FIRST + LEDGER_SAVES] = {"saves", 0, ours_sound},
    [L_FIRST + LEDGER_REMOVALS] = {"removals", 0, ours_sound},
    [L_FIRST + LEDGER_JOBS] = {"jobs", 0, ours_sound},
    [L_FIRST + LEDGER_REJECTED] = {"rejected", 0, ours_sound},
    [L_FIRST + LEDGER_KEPT] = {"kept", 0, ours_sound},
    [L_FIRST + LEDGER_OWN] = {"own", 1, ours_sound},
    [L_FIRST + LEDGER_GUARD] = {"guard", 1, ours_sound},
    [L_FIRST + LEDGER_SUCCESSORS] = {"successors", 1, ours_sound},
    [L_TENANTS] = {"tenants", 0, NULL},
    [L_NAMED] = {"accepted", 1, NULL},
};
static const char *const counters[LEDGER_TABLES] = {
    [LEDGER_SAVES] = "next-saves", [LEDGER_REMOVALS] = "next-removals",
    [LEDGER_JOBS] = "next-jobs",   [LEDGER_REJECTED] = "next-rejected",
    [LEDGER_KEPT] = "next-kept",   [LEDGER_OWN] = "next-own",
    [LEDGER_GUARD] = "next-guard", [LEDGER_SUCCESSORS] = "next-successors",
};

static const struct env_shape ledger_shape = {"ledger", LEDGER_SCHEMA, LEDGER_REVISION, 0, L_ALL, ledger_shapes};

/* ------------------------------------------------------------------ transactions */

int ledger_op_begin(struct store *s, struct ledger_op *op, struct err *e)
{
    *op = (struct ledger_op){.s = s, .txn = s->ledger_txn, .own = !s->ledger_txn};
    if (s->ledger_failed.code)
        return err_set(e, s->ledger_failed.code, "%s", s->ledger_failed.text);
    if (!op->own)
        return 0;
    room_look(s->dir);
    return env_begin(&s->ledger, &op->txn, e);
}

int ledger_op_end(struct ledger_op *op, int rc, bool ours, struct err *e)
{
    struct store *s = op->s;
    struct err local = {0};
    if (!e)
        e = &local;
    int code = ours ? rc : env_error(&s->ledger, rc, e);
    if (op->own) {
        if (code == 0)
            return env_commit(&s->ledger, op->txn, e);
        env_abort(&s->ledger, op->txn);
    } else if (code) {
        s->ledger_failed = *e; /* half a change: none of it may be committed */
        s->ledger_failed.code = code;
    }
    return code;
}

int ledger_reading(struct store *s, MDB_txn **txn, bool *own)
{
    *txn = s->ledger_txn;
    *own = !s->ledger_txn;
    return *own ? mdb_txn_begin(s->ledger.mdb, NULL, MDB_RDONLY, txn) : 0;
}

void ledger_reading_end(MDB_txn *txn, bool own)
{
    if (own)
        mdb_txn_abort(txn);
}

/* ------------------------------------------------------------------ numbers in meta */

static int meta_get(MDB_txn *txn, struct store *s, const char *name, uint64_t *out)
{
    MDB_val key = {strlen(name), (void *)name}, value;
    int rc = mdb_get(txn, s->ledger_tables[L_META], &key, &value);
    *out = 0;
    if (rc)
        return rc == MDB_NOTFOUND ? 0 : rc;
    return decode_number(&value, out) ? MDB_CORRUPTED : 0;
}

static int meta_put(MDB_txn *txn, struct store *s, const char *name, uint64_t number)
{
    MDB_val key = {strlen(name), (void *)name}, value = {sizeof number, &number};
    return mdb_put(txn, s->ledger_tables[L_META], &key, &value, 0);
}

int ledger_identity(struct store *s, uint64_t *identity)
{
    MDB_txn *txn;
    bool own;
    int rc = ledger_reading(s, &txn, &own);
    if (rc)
        return env_code(rc);
    rc = meta_get(txn, s, "identity", identity);
    ledger_reading_end(txn, own);
    return rc ? env_code(rc) : *identity ? 0 : -EIO;
}

/* ------------------------------------------------------------------ opening */

static int fresh_identity(struct store *s, struct err *e)
{
    MDB_txn *txn;
    uint64_t identity = 0;
    while (identity == 0)
        if (getrandom(&identity, sizeof identity, 0) != sizeof identity)
            return err_set(e, -EIO, "no random numbers: %s", strerror(errno));
    int rc = env_begin(&s->ledger, &txn, e);
    if (rc)
        return rc;
    rc = meta_put(txn, s, "identity", identity);
    if (rc == 0)
        rc = meta_put(txn, s, "next-id", ID_FIRST);
    if (rc) {
        env_abort(&s->ledger, txn);
        return env_error(&s->ledger, rc, e);
    }
    return env_commit(&s->ledger, txn, e);
}

static void remove_half(const char *path)
{
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    for (size_t i = 0; i < 2; i++) {
        char *file = path_join(path, files[i]);
        if (file)
            unlink(file);
        free(file);
    }
    rmdir(path);
}

static int sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = fsync(fd) ? -errno : 0;
    close(fd);
    return rc;
}

/* A ledger is made under another name and then renamed: so one without its first commit can't be, and an empty file is damage. */
static int ledger_create(struct store *s, const struct store_limits *limits, const char *path, struct err *e)
{
    char *new = path_join(s->dir, "ledger.new");
    if (!new)
        return err_set(e, -ENOMEM, "out of memory");
    remove_half(new);
    int rc = folder_make(new, e);
    if (rc == 0)
        rc = env_open(&s->ledger, &ledger_shape, new, limits->ledger_bytes, 16, s->ledger_tables, e);
    if (rc == 0)
        rc = fresh_identity(s, e);
    env_close(&s->ledger);
    if (rc == 0) {
        rc = sync_folder(new);
        if (rc == 0 && rename(new, path))
            rc = -errno;
        if (rc == 0)
            rc = sync_folder(s->dir);
        if (rc)
            err_set(e, rc, "can't make the ledger %s: %s", path, strerror(-rc));
    }
    free(new);
    return rc;
}

static int ledger_refused(const char *path, enum check found, struct err *e)
{
    if (found == CHECK_FAILED)
        return err_set(e, -EIO, "the ledger %s could not be checked: out of memory or processes", path);
    return err_set(
        e, -EIO,
        "the ledger %s is %s; restore it from a backup, or rename it and lose the saves, removals and refused "
        "documents that it remembers",
        path, check_words(found));
}

/* A newer lmsfs's: to read it as ours would get saves and removals wrong. */
static int ledger_newer(const char *dir, const struct found *f, struct err *e)
{
    const char *by = *f->written_by ? f->written_by : "another version";
    return err_set(e, -EIO,
                   "the ledger in %s has schema %u, of lmsfs %s; this is lmsfs %s, which knows schema %u. Nothing was "
                   "touched. Start lmsfs %s on it again, or give this one a cache_dir of its own: the saves, removals "
                   "and refused documents in there wait until then",
                   dir, f->schema, by, LMSFS_VERSION, LEDGER_SCHEMA, *f->written_by ? by : "of that version");
}

static bool there(const char *path)
{
    return access(path, F_OK) == 0;
}

int ledger_open(struct store *s, const struct store_limits *limits, bool unclean, struct err *e)
{
    int rc = 0;
    char *path = path_join(s->dir, "ledger"), *data = path ? path_join(path, "data.mdb") : NULL;
    if (!data)
        rc = err_set(e, -ENOMEM, "out of memory");
    else if (!there(data) && (!there(path) || rmdir(path) == 0))
        rc = ledger_create(s, limits, path, e);
    if (rc == 0)
        rc = folder_make(path, e);
    if (rc == 0) {
        struct found f;
        enum check found = env_check(&ledger_shape, path, limits->ledger_bytes, unclean ? limits->walk_ms : 0, &f);
        if (found == CHECK_SCHEMA)
            rc = ledger_newer(s->dir, &f, e);
        else if (found != CHECK_SOUND)
            rc = ledger_refused(path, found, e);
    }
    if (rc == 0)
        rc = env_open(&s->ledger, &ledger_shape, path, limits->ledger_bytes, 16, s->ledger_tables, e);
    free(data);
    free(path);
    return rc;
}

/* ------------------------------------------------------------------ record ids, tenants, mounts */

static int lease_block(struct store *s, struct err *e)
{
    MDB_txn *txn;
    uint64_t next;
    int rc = env_begin(&s->ledger, &txn, e);
    if (rc)
        return rc;
    rc = meta_get(txn, s, "next-id", &next);
    if (rc == 0 && (next < ID_FIRST || next > INO_REC_MASK - ID_BLOCK))
        rc = MDB_CORRUPTED;
    if (rc == 0)
        rc = meta_put(txn, s, "next-id", next + ID_BLOCK);
    if (rc) {
        env_abort(&s->ledger, txn);
        return env_error(&s->ledger, rc, e);
    }
    rc = env_commit(&s->ledger, txn, e);
    if (rc)
        return rc;
    if (s->id_end != next) /* the first block of this run, whatever an earlier one left */
        s->id_next = next;
    s->id_end = next + ID_BLOCK;
    return 0;
}

int ledger_lease(struct store *s, uint64_t *id, struct err *e)
{
    if (s->id_next == s->id_end) {
        if (s->ledger_txn) /* a lease must be durable before its first id is used, and that transaction isn't */
            return err_set(e, -EAGAIN, "more than %u new records between ledger_begin and ledger_commit", ID_BLOCK);
        int rc = lease_block(s, e);
        if (rc)
            return rc;
    }
    *id = s->id_next++;
    return 0;
}

bool ledger_gave(struct store *s, uint64_t id)
{
    MDB_txn *txn;
    bool own;
    uint64_t next = 0;
    if (ledger_reading(s, &txn, &own) == 0) {
        if (meta_get(txn, s, "next-id", &next))
            next = 0;
        ledger_reading_end(txn, own);
    }
    return id < next;
}

int store_tenant_number(struct store *s, const char *identity, unsigned *number, struct err *e)
{
    struct ledger_op op;
    MDB_stat stat;
    uint64_t known = 0;
    MDB_val key = {strlen(identity), (void *)identity}, value;
    if (key.mv_size == 0 || key.mv_size > 500)
        return err_set(e, -EINVAL, "a tenant's identity has 1 to 500 bytes, not %zu", key.mv_size);
    int rc = ledger_op_begin(s, &op, e);
    if (rc)
        return rc;
    MDB_dbi tenants = s->ledger_tables[L_TENANTS];
    rc = mdb_get(op.txn, tenants, &key, &value);
    if (rc == 0)
        rc = decode_number(&value, &known) || known > 255 ? MDB_CORRUPTED : 0;
    else if (rc == MDB_NOTFOUND && (rc = mdb_stat(op.txn, tenants, &stat)) == 0) {
        known = stat.ms_entries; /* none is ever dropped */
        if (known > 255)
            return ledger_op_end(&op, err_set(e, -ENOSPC, "%s has numbers for 256 tenants and no more", s->dir), true, e);
        value = (MDB_val){sizeof known, &known};
        rc = mdb_put(op.txn, tenants, &key, &value, 0);
    }
    rc = ledger_op_end(&op, rc, false, e);
    if (rc == 0)
        *number = (unsigned)known;
    return rc;
}

int store_mount_count(struct store *s, uint64_t *count, struct err *e)
{
    struct ledger_op op;
    int rc = ledger_op_begin(s, &op, e);
    if (rc)
        return rc;
    rc = meta_get(op.txn, s, "mounts", count);
    if (rc == 0)
        rc = meta_put(op.txn, s, "mounts", ++*count);
    return ledger_op_end(&op, rc, false, e);
}

/* ------------------------------------------------------------------ begin, commit, abort */

int ledger_begin(struct store *s, struct err *e)
{
    if (s->ledger_txn)
        return err_set(e, -EBUSY, "the ledger is being written already");
    room_look(s->dir);
    if (s->id_end - s->id_next < ID_BLOCK) { /* no block can be leased until ledger_commit */
        int rc = lease_block(s, e);
        if (rc)
            return rc;
    }
    s->ledger_failed.code = 0;
    return env_begin(&s->ledger, &s->ledger_txn, e);
}

int ledger_commit(struct store *s, struct err *e)
{
    if (!s->ledger_txn)
        return err_set(e, -EINVAL, "there is no ledger_begin to commit");
    if (s->ledger_failed.code) {
        int code = err_set(e, s->ledger_failed.code, "%s", s->ledger_failed.text);
        ledger_abort(s);
        return code;
    }
    MDB_txn *txn = s->ledger_txn;
    s->ledger_txn = NULL;
    return env_commit(&s->ledger, txn, e);
}

void ledger_abort(struct store *s)
{
    s->ledger_failed.code = 0;
    if (s->ledger_txn)
        env_abort(&s->ledger, s->ledger_txn);
    s->ledger_txn = NULL;
}

/* ------------------------------------------------------------------ entries */

int ledger_put(struct store *s, enum ledger_table t, uint64_t key, const void *value, size_t len, struct err *e)
{
    struct ledger_op op;
    struct key k;
    uint64_t next;
    int rc = ledger_op_begin(s, &op, e);
    if (rc)
        return rc;
    rc = env_take(&s->ledger, 12 + (len + s->ledger.page_size) / s->ledger.page_size, e);
    if (rc)
        return ledger_op_end(&op, rc, true, e);
    MDB_val mk = key_numbers(&k, 1, key), mv = {len, (void *)value};
    rc = mdb_put(op.txn, s->ledger_tables[L_FIRST + t], &mk, &mv, 0);
    if (rc == 0)
        rc = meta_get(op.txn, s, counters[t], &next);
    if (rc == 0 && key >= next && key != UINT64_MAX)
        rc = meta_put(op.txn, s, counters[t], key + 1);
    return ledger_op_end(&op, rc, false, e);
}

int ledger_delete(struct store *s, enum ledger_table t, uint64_t key, struct err *e)
{
    struct ledger_op op;
    struct key k;
    int rc = ledger_op_begin(s, &op, e);
    if (rc)
        return rc;
    MDB_val mk = key_numbers(&k, 1, key);
    rc = mdb_del(op.txn, s->ledger_tables[L_FIRST + t], &mk, NULL);
    return ledger_op_end(&op, rc == MDB_NOTFOUND ? 0 : rc, false, e);
}

int ledger_copy_out(const MDB_val *v, void **value, size_t *len)
{
    *value = malloc(v->mv_size + 1); /* a NUL behind it does no harm and spares text its own copy */
    if (!*value)
        return ENOMEM;
    memcpy(*value, v->mv_data, v->mv_size);
    ((char *)*value)[v->mv_size] = '\0';
    *len = v->mv_size;
    return 0;
}

int ledger_get(struct store *s, enum ledger_table t, uint64_t key, void **value, size_t *len)
{
    MDB_txn *txn;
    bool own;
    struct key k;
    MDB_val mk = key_numbers(&k, 1, key), mv;
    *value = NULL;
    *len = 0;
    int rc = ledger_reading(s, &txn, &own);
    if (rc)
        return env_code(rc);
    rc = mdb_get(txn, s->ledger_tables[L_FIRST + t], &mk, &mv);
    if (rc == 0)
        rc = own && !env_holds(&s->ledger, &mv) ? MDB_CORRUPTED : ledger_copy_out(&mv, value, len);
    ledger_reading_end(txn, own);
    return env_code(rc);
}

int ledger_next_key(struct store *s, enum ledger_table t, uint64_t *key)
{
    MDB_txn *txn;
    bool own;
    uint64_t next;
    int rc = ledger_reading(s, &txn, &own);
    if (rc)
        return env_code(rc);
    rc = meta_get(txn, s, counters[t], &next);
    ledger_reading_end(txn, own);
    if (rc)
        return env_code(rc);
    if (next < 1)
        next = 1;
    if (next < s->given[t])
        next = s->given[t]; /* given by this call and not put yet */
    s->given[t] = next + 1;
    *key = next;
    return 0;
}

/* A copy of the first entry at or behind `from`. */
static int entry_at(struct store *s, enum ledger_table t, uint64_t from, uint64_t *key, void **value, size_t *len)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    bool own;
    struct key k;
    MDB_val mk = key_numbers(&k, 1, from), mv;
    int rc = ledger_reading(s, &txn, &own);
    if (rc)
        return rc;
    rc = mdb_cursor_open(txn, s->ledger_tables[L_FIRST + t], &cursor);
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, &mk, &mv, MDB_SET_RANGE);
        if (rc == 0 && (mk.mv_size != 8 || (own && !env_holds(&s->ledger, &mv))))
            rc = MDB_CORRUPTED;
        if (rc == 0) {
            *key = be64_get(mk.mv_data);
            rc = ledger_copy_out(&mv, value, len);
        }
        mdb_cursor_close(cursor);
    }
    ledger_reading_end(txn, own);
    return rc;
}

int ledger_each(struct store *s, enum ledger_table t,
                int (*each)(void *ctx, uint64_t key, const void *value, size_t len), void *ctx)
{
    for (uint64_t from = 0, key;;) {
        void *value;
        size_t len;
        int rc = entry_at(s, t, from, &key, &value, &len);
        if (rc)
            return rc == MDB_NOTFOUND ? 0 : env_code(rc);
        rc = each(ctx, key, value, len);
        free(value);
        if (rc || key == UINT64_MAX)
            return rc;
        from = key + 1;
    }
}
