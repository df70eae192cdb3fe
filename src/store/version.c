/* version.c — older bodies, by the version that they bear: what a save carries its changes on from. */
#include "store_internal.h"

#include "base/clock.h"
#include <errno.h>
#include <string.h>

/* A value is when it was kept, then the bytes. */
#define KEPT_SIZE 8
#define DAMAGED   "a damaged version"

static int64_t kept_at(const MDB_val *v)
{
    return (int64_t)be64_get(v->mv_data);
}

int store_version(struct store_read *r, uint64_t ino, const char *version, const void **data, size_t *len)
{
    struct key k;
    struct head h;
    MDB_val value;
    uint64_t wanted;
    if (!version_parse(version, &wanted))
        return -ENOENT;
    int rc = head_get(r, ino, &h);
    if (rc)
        return rc;
    if (h.rec.flags & HEAD_VERSIONED && h.version == wanted)
        return store_body(r, ino, data, len);
    rc = table_get(r, T_VERSIONS, key_numbers(&k, 2, ino, wanted), &value);
    if (rc)
        return rc;
    if (value.mv_size < KEPT_SIZE)
        return -EIO;
    *data = (const char *)value.mv_data + KEPT_SIZE;
    *len = value.mv_size - KEPT_SIZE;
    return 0;
}

static int version_drop(struct store_write *w, uint64_t ino, uint64_t version, const MDB_val *value, struct err *e)
{
    struct key k;
    if (value->mv_size < KEPT_SIZE)
        return write_spoil(w, -EIO, DAMAGED, e);
    uint64_t kept = (uint64_t)kept_at(value);
    int rc = table_del(w, T_AGES, key_numbers(&k, 3, kept, ino, version), e);
    return rc ? rc : table_del(w, T_VERSIONS, key_numbers(&k, 2, ino, version), e);
}

int version_keep(struct store_write *w, const struct head *was, const MDB_val *body, struct err *e)
{
    struct key k;
    MDB_val old;
    void *to;
    uint64_t ino = was->rec.ino, now = (uint64_t)wall_s();
    int rc = table_get(&w->view, T_VERSIONS, key_numbers(&k, 2, ino, was->version), &old);
    if (rc == 0)
        rc = version_drop(w, ino, was->version, &old, e); /* it was there before: its time begins anew */
    else if (rc == -ENOENT)
        rc = 0;
    else
        write_spoil(w, rc, DAMAGED, e);
    if (rc == 0)
        rc = table_reserve(w, T_VERSIONS, key_numbers(&k, 2, ino, was->version), KEPT_SIZE + body->mv_size, &to, e);
    if (rc)
        return rc;
    be64_put(to, now);
    memcpy((char *)to + KEPT_SIZE, body->mv_data, body->mv_size);
    return table_put(w, T_AGES, key_numbers(&k, 3, now, ino, was->version), (MDB_val){0, (void *)""}, e);
}

int versions_drop(struct store_write *w, uint64_t ino, struct err *e)
{
    struct key prefix;
    MDB_val key, value;
    int rc;
    while ((rc = table_first(&w->view, T_VERSIONS, key_numbers(&prefix, 1, ino), &key, &value)) == 0) {
        if (key.mv_size != 16)
            return write_spoil(w, -EIO, DAMAGED, e);
        rc = version_drop(w, ino, be64_get((const char *)key.mv_data + 8), &value, e);
        if (rc)
            return rc;
    }
    return rc == -ENOENT ? 0 : write_spoil(w, rc, DAMAGED, e);
}

int store_prune_versions(struct store_write *w, int64_t older_than_s, unsigned at_most, struct err *e)
{
    struct key k;
    MDB_val key, value, all = {0, NULL};
    int rc = write_usable(w, e);
    for (unsigned n = 0; rc == 0 && n < at_most; n++) {
        rc = table_first(&w->view, T_AGES, all, &key, &value);
        if (rc)
            return rc == -ENOENT ? 0 : write_spoil(w, rc, DAMAGED, e);
        if (key.mv_size != 24)
            return write_spoil(w, -EIO, DAMAGED, e);
        const char *at = key.mv_data;
        uint64_t kept = be64_get(at), ino = be64_get(at + 8), version = be64_get(at + 16);
        if ((int64_t)kept >= older_than_s)
            return 0;
        rc = table_del(w, T_AGES, key_numbers(&k, 3, kept, ino, version), e);
        if (rc == 0 && table_get(&w->view, T_VERSIONS, key_numbers(&k, 2, ino, version), &value) == 0 &&
            value.mv_size >= KEPT_SIZE && kept_at(&value) == (int64_t)kept)
            rc = table_del(w, T_VERSIONS, key_numbers(&k, 2, ino, version), e);
    }
    return rc;
}
