/* named.c — the ledger's entries that go by a name: what write-only collections took. */
#include "store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED_MAX 500 /* LMDB's keys end at 511 bytes */

static int name_check(const char *name, struct err *e)
{
    size_t len = strlen(name);
    return len >= 1 && len <= NAMED_MAX
               ? 0
               : err_set(e, -EINVAL, "an entry's name has 1 to %d bytes, not %zu", NAMED_MAX, len);
}

static MDB_val named(const char *name)
{
    return (MDB_val){strlen(name), (void *)name};
}

int ledger_put_named(struct store *s, const char *name, const void *value, size_t len, struct err *e)
{
    struct ledger_op op;
    int rc = name_check(name, e);
    if (rc == 0)
        rc = ledger_op_begin(s, &op, e);
    if (rc)
        return rc;
    rc = env_take(&s->ledger, 12 + (len + s->ledger.page_size) / s->ledger.page_size, e);
    if (rc)
        return ledger_op_end(&op, rc, true, e);
    MDB_val key = named(name), v = {len, (void *)value};
    return ledger_op_end(&op, mdb_put(op.txn, s->ledger_tables[L_NAMED], &key, &v, 0), false, e);
}

int ledger_delete_named(struct store *s, const char *name, struct err *e)
{
    struct ledger_op op;
    int rc = name_check(name, e);
    if (rc == 0)
        rc = ledger_op_begin(s, &op, e);
    if (rc)
        return rc;
    MDB_val key = named(name);
    rc = mdb_del(op.txn, s->ledger_tables[L_NAMED], &key, NULL);
    return ledger_op_end(&op, rc == MDB_NOTFOUND ? 0 : rc, false, e);
}

int ledger_get_named(struct store *s, const char *name, void **value, size_t *len)
{
    MDB_txn *txn;
    bool own;
    MDB_val key = named(name), v;
    *value = NULL;
    *len = 0;
    if (name_check(name, NULL))
        return -ENOENT;
    int rc = ledger_reading(s, &txn, &own);
    if (rc)
        return env_code(rc);
    rc = mdb_get(txn, s->ledger_tables[L_NAMED], &key, &v);
    if (rc == 0)
        rc = own && !env_holds(&s->ledger, &v) ? MDB_CORRUPTED : ledger_copy_out(&v, value, len);
    ledger_reading_end(txn, own);
    return env_code(rc);
}

/* A copy of the first entry behind `after`, or at it; `name` has room for NAMED_MAX bytes and a NUL. */
static int named_at(struct store *s, const char *prefix, const char *after, bool at, char *name, void **value, size_t *len)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    bool own;
    MDB_val key = named(after), v;
    int rc = ledger_reading(s, &txn, &own);
    if (rc)
        return rc;
    rc = mdb_cursor_open(txn, s->ledger_tables[L_NAMED], &cursor);
    if (rc == 0) {
        rc = mdb_cursor_get(cursor, &key, &v, key.mv_size ? MDB_SET_RANGE : MDB_FIRST);
        if (rc == 0 && !at && key.mv_size == strlen(after) && !memcmp(key.mv_data, after, key.mv_size))
            rc = mdb_cursor_get(cursor, &key, &v, MDB_NEXT);
        if (rc == 0 && (key.mv_size > NAMED_MAX || (own && (!env_holds(&s->ledger, &v) || !env_holds(&s->ledger, &key)))))
            rc = MDB_CORRUPTED;
        if (rc == 0 && (key.mv_size < strlen(prefix) || memcmp(key.mv_data, prefix, strlen(prefix)) != 0))
            rc = MDB_NOTFOUND;
        if (rc == 0) {
            memcpy(name, key.mv_data, key.mv_size);
            name[key.mv_size] = '\0';
            rc = ledger_copy_out(&v, value, len);
        }
        mdb_cursor_close(cursor);
    }
    ledger_reading_end(txn, own);
    return rc;
}

int ledger_each_named(struct store *s, const char *prefix,
                      int (*each)(void *ctx, const char *name, const void *value, size_t len), void *ctx)
{
    char at[NAMED_MAX + 1], name[NAMED_MAX + 1];
    if (strlen(prefix) > NAMED_MAX)
        return -EINVAL;
    snprintf(at, sizeof at, "%s", prefix);
    for (bool first = true;; first = false) {
        void *value;
        size_t len;
        int rc = named_at(s, prefix, at, first, name, &value, &len);
        if (rc)
            return rc == MDB_NOTFOUND ? 0 : env_code(rc);
        rc = each(ctx, name, value, len);
        free(value);
        if (rc)
            return rc;
        memcpy(at, name, sizeof at);
    }
}
