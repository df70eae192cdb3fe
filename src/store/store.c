/* store.c — opening and closing: the folder, the ledger, the cache.
 *
 *   how the cache was left │ what the look at it finds        │ what happens
 *   ───────────────────────┼──────────────────────────────────┼─────────────────────────────────────────────
 *   closed                 │ short, bad first pages, damaged  │ -EIO: somebody did that, somebody should know
 *   closed or not          │ somebody else's LMDB             │ -EIO
 *   closed or not          │ another schema                   │ cache → cache.schema<n>-<time>, begun anew, a warning
 *   not closed (marker)    │ anything else than sound         │ cache → cache.bad-<time>, begun anew, a warning
 *   closed or not          │ belongs to another ledger        │ the same: its record ids may be given again
 *   the ledger, always     │ anything else than sound         │ -EIO, untouched
 */
#include "store_internal.h"

#include "base/clock.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READERS 512

static const struct store_limits usual = {
    .cache_bytes = 64ull << 30,
    .ledger_bytes = 4ull << 30,
    .readers = READERS,
    .walk_ms = 5000,
};

/* ------------------------------------------------------------------ what sound entries look like */

static bool number_sound(const MDB_val *k, const MDB_val *v)
{
    return k->mv_size > 8 && v->mv_size == 8;
}

static bool listing_sound(const MDB_val *k, const MDB_val *v)
{
    return k->mv_size == 8 && v->mv_size == sizeof(struct listing_disk);
}

static bool mark_sound(const MDB_val *k, const MDB_val *v)
{
    struct store_mark m;
    return k->mv_size == 8 && mark_unpack(v, &m) == 0;
}

static bool sweep_sound(const MDB_val *k, const MDB_val *v)
{
    return k->mv_size == 8 ? v->mv_size == sizeof(struct sweep_disk) : k->mv_size == 12 && v->mv_size % 8 == 0;
}

static bool dir_sound(const MDB_val *k, const MDB_val *v)
{
    return k->mv_size == 16 && v->mv_size > 1 && ((const char *)v->mv_data)[v->mv_size - 1] == '\0';
}

static bool head_sound(const MDB_val *k, const MDB_val *v)
{
    struct head h;
    return k->mv_size == 8 && head_unpack(be64_get(k->mv_data), v, &h) == 0;
}

static bool body_sound(const MDB_val *k, const MDB_val *v)
{
    (void)v;
    return k->mv_size == 8;
}

static bool version_sound(const MDB_val *k, const MDB_val *v)
{
    return k->mv_size == 16 && v->mv_size >= 8;
}

static const struct table_shape cache_tables[TABLES] = {
    [T_META] = {"meta", 0, NULL},           [T_LISTINGS] = {"listings", 0, listing_sound},
    [T_MARKS] = {"marks", 0, mark_sound},   [T_SWEEPS] = {"sweeps", 0, sweep_sound},
    [T_ALIASES] = {"aliases", 0, NULL},     [T_DIRS] = {"dirs", 0, dir_sound},
    [T_NAMES] = {"names", 0, number_sound}, [T_KEYS] = {"keys", 0, number_sound},
    [T_HEADS] = {"heads", 0, head_sound},   [T_BODIES] = {"bodies", 0, body_sound},
    [T_AGES] = {"ages", 0, NULL},           [T_VERSIONS] = {"versions", 0, version_sound},
};
_Static_assert(TABLES <= ENV_TABLES_MAX, "room for every table");

static const struct env_shape cache_shape = {"cache", CACHE_SCHEMA, 0, MDB_NOMETASYNC, TABLES, cache_tables};

/* ------------------------------------------------------------------ the cache */

static int walk_time(const struct store_limits *limits, unsigned times)
{
    /* The more often in a row we died, the closer we look: whatever kills us may lie far behind. */
    return times == 0 ? 0 : limits->walk_ms << (times < 4 ? times - 1 : 3);
}

static int cache_begin_anew(const char *path, const char *word, const char *why, struct err *warning, struct err *e)
{
    char aside[PATH_MAX];
    int rc = set_aside(path, word, aside, sizeof aside, e);
    if (rc)
        return rc;
    err_set(warning, 0, "the cache was %s; it is kept as %s and begun anew: everything will be read from the LMS again",
            why, aside);
    return folder_make(path, e);
}

/* Another lmsfs's: what is in it can be read from the LMS again, and nobody has to be asked. */
static int cache_of_schema(const char *path, const struct found *f, struct err *warning, struct err *e)
{
    char word[24], why[160];
    snprintf(word, sizeof word, "schema%u", f->schema);
    snprintf(why, sizeof why, "of schema %u%s%s, and this lmsfs %s has schema %u", f->schema,
             *f->written_by ? ", written by lmsfs " : "", f->written_by, LMSFS_VERSION, CACHE_SCHEMA);
    return cache_begin_anew(path, word, why, warning, e);
}

static int cache_refused(const char *path, enum check found, struct err *e)
{
    if (found == CHECK_FAILED)
        return err_set(e, -EIO, "the cache %s could not be checked: out of memory or processes", path);
    return err_set(
        e, -EIO, "the cache %s is %s; remove that folder to begin it anew: what is in it can be read from the LMS again",
        path, check_words(found));
}

/* Whose ledger gave the record ids in here: 0, or -EXDEV for another's. A new cache becomes ours. */
static int cache_owner(struct store *s, struct err *e)
{
    MDB_txn *txn;
    MDB_val key = {6, "ledger"}, value;
    uint64_t ours, theirs;
    int rc = ledger_identity(s, &ours);
    if (rc)
        return err_set(e, rc, "the ledger in %s has no identity; restore it from a backup", s->ledger.path);
    rc = env_begin(&s->cache, &txn, e);
    if (rc)
        return rc;
    rc = mdb_get(txn, s->tables[T_META], &key, &value);
    if (rc == 0 && decode_number(&value, &theirs) == 0 && theirs == ours) {
        env_abort(&s->cache, txn);
        return 0;
    }
    if (rc == 0) {
        env_abort(&s->cache, txn);
        return -EXDEV;
    }
    value = (MDB_val){sizeof ours, &ours};
    if (rc == MDB_NOTFOUND)
        rc = mdb_put(txn, s->tables[T_META], &key, &value, 0);
    if (rc) {
        env_abort(&s->cache, txn);
        return env_error(&s->cache, rc, e);
    }
    return env_commit(&s->cache, txn, e);
}

static int cache_open_once(struct store *s, const struct store_limits *limits, const char *path, unsigned times,
                           struct err *e)
{
    int rc = marker_write(path, times + 1, e);
    if (rc == 0)
        rc = env_open(&s->cache, &cache_shape, path, limits->cache_bytes, limits->readers, s->tables, e);
    return rc ? rc : cache_owner(s, e);
}

static int cache_open(struct store *s, const struct store_limits *limits, const char *path, struct err *warning,
                      struct err *e)
{
    int rc = folder_make(path, e);
    if (rc)
        return rc;
    unsigned times = marker_read(path);
    enum unsynced unsynced = unsynced_read(path);
    if (unsynced == UNSYNCED_AND_LOST) {
        rc = cache_begin_anew(path, "bad", "being filled when the machine went down", warning, e);
        if (rc)
            return rc;
        times = 0;
    }
    struct found f;
    enum check found = env_check(&cache_shape, path, limits->cache_bytes, walk_time(limits, times), &f);
    if (found == CHECK_SCHEMA) {
        rc = cache_of_schema(path, &f, warning, e);
        times = 0;
    } else if (found != CHECK_SOUND && found != CHECK_ABSENT) {
        if (times == 0 || found == CHECK_FOREIGN || found == CHECK_FAILED)
            return cache_refused(path, found, e);
        rc = cache_begin_anew(path, "bad", check_words(found), warning, e);
        times = 0;
    }
    if (rc == 0)
        rc = cache_open_once(s, limits, path, times, e);
    if (rc == -EXDEV) {
        env_close(&s->cache);
        rc = cache_begin_anew(path, "bad", "of another ledger", warning, e);
        if (rc == 0)
            rc = cache_open_once(s, limits, path, 0, e);
    }
    s->bulk = rc == 0 && unsynced == UNSYNCED_IN_MEMORY;
    return rc ? rc : store_bulk_end(s, e);
}

/* ------------------------------------------------------------------ bulk */

int store_bulk_begin(struct store *s, struct err *e)
{
    if (s->bulk)
        return 0;
    int rc = unsynced_write(s->cache.path, e);
    if (rc == 0)
        rc = env_error(&s->cache, mdb_env_set_flags(s->cache.mdb, MDB_NOSYNC, 1), e);
    s->bulk = rc == 0;
    return rc;
}

int store_bulk_sync(struct store *s)
{
    return env_code(mdb_env_sync(s->cache.mdb, 1));
}

int store_bulk_end(struct store *s, struct err *e)
{
    if (!s->bulk)
        return 0;
    int rc = mdb_env_set_flags(s->cache.mdb, MDB_NOSYNC, 0);
    if (rc == 0)
        rc = mdb_env_sync(s->cache.mdb, 1);
    if (rc)
        return env_error(&s->cache, rc, e);
    s->bulk = false;
    rc = unsynced_remove(s->cache.path);
    return rc ? err_set(e, rc, "can't unmark the cache in %s: %s", s->cache.path, strerror(-rc)) : 0;
}

uint64_t store_commits(struct store *s)
{
    MDB_envinfo info;
    return mdb_env_info(s->cache.mdb, &info) ? 0 : info.me_last_txnid;
}

/* The new*.json names were true until the unmount. */
static int forget_mounts_names(struct store *s, struct err *e)
{
    struct store_write *w;
    int rc = store_write_begin(s, &w, e);
    if (rc)
        return rc;
    rc = aliases_drop(w, 0, e);
    if (rc) {
        store_write_abort(w);
        return rc;
    }
    return store_write_commit(w, e);
}

/* ------------------------------------------------------------------ opening and closing */

/* A list page's hundred rows touch some ten pages each at most, when their names lie far apart. */
#define WARM_PAGES 512

static int open_all(struct store *s, const struct store_limits *limits, struct err *warning, struct err *e)
{
    int rc = lock_take(s->dir, &s->lock_fd, e);
    if (rc == 0)
        room_keep(s->dir);
    if (rc)
        return rc;
    char *path = path_join(s->dir, "cache");
    if (!path)
        return err_set(e, -ENOMEM, "out of memory");
    rc = ledger_open(s, limits, marker_read(path) > 0, e);
    if (rc == 0)
        rc = cache_open(s, limits, path, warning, e);
    if (rc == 0)
        rc = forget_mounts_names(s, e);
    if (rc == 0)
        env_warm(&s->cache, s->tables[T_MARKS], WARM_PAGES);
    free(path);
    return rc;
}

int store_open_sized(const char *dir, const struct store_limits *limits, struct store **out, struct err *e)
{
    struct err warning = {0};
    *out = NULL;
    if (e)
        *e = (struct err){0};
    int rc = folder_make(dir, e);
    if (rc)
        return rc;
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, -ENOMEM, "out of memory");
    s->lock_fd = -1;
    pthread_mutex_init(&s->pool_lock, NULL);
    s->dir = realpath(dir, NULL);
    rc = s->dir ? open_all(s, limits, &warning, e) : err_set(e, -errno, "%s: %s", dir, strerror(errno));
    if (rc) {
        store_close(s);
        return rc;
    }
    if (e)
        *e = warning;
    *out = s;
    return 0;
}

int store_open(const char *dir, struct store **out, struct err *e)
{
    return store_open_sized(dir, &usual, out, e);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    ledger_abort(s);
    pool_drain(s);
    bool opened = s->cache.mdb != NULL;
    env_close(&s->cache);
    env_close(&s->ledger);
    if (opened) {
        char *path = path_join(s->dir, "cache");
        if (path && (!s->bulk || unsynced_remove(path) == 0)) /* env_close has synced */
            marker_remove(path);
        free(path);
    }
    lock_release(s->lock_fd);
    pthread_mutex_destroy(&s->pool_lock);
    free(s->dir);
    free(s);
}
