/* store.h — what is known: two LMDB environments below the cache folder.
 *
 *   cache/   what the LMS can tell again. NOMETASYNC; may be deleted by anyone while no daemon runs.
 *   ledger/  what only we know: journal, removals, jobs, refused saves, what write-only collections took, id leases. Every commit durable; never deleted by lmsfs.
 *
 * Threads: reading may happen on any thread, each with its own struct store_read, held only while an answer is put together (never
 * across a wait). Writing (store_write_*, ledger_*) belongs to the engine thread alone.
 * Everything read from disk is hostile: lengths are checked, a record that doesn't add up is -EIO, never a crash of ours.
 *
 * The cache's tables: heads (ino → struct), bodies (ino → bytes as served), names (home, name → ino), keys (home, vendor's key → ino),
 * dirs (directory, record id → file name), versions (ino, version → bytes of older versions), sweeps, marks (ino → pending, failed,
 * hidden; rebuilt from the ledger at each start), meta.
 * A `home` is the inode of the directory that a record belongs to: INO_DIR (also when it stands in the bin), INO_TENANT for singletons.
 */
#ifndef LMSFS_STORE_H
#define LMSFS_STORE_H

#include "lmsfs/err.h"
#include "lmsfs/ino.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

/* Opens or creates `dir` (0700, ours) with cache/ and ledger/ below it. One daemon at a time: an flock on dir/lock; -EBUSY otherwise, the
 * sentence naming the pid that holds it. A newer lmsfs's ledger, a short data file or a bad meta page is -EIO with a sentence that says what
 * to do. A cache that was left open by a crash (dir/cache/in-use exists at start) is first checked by walking it in a child process; when
 * that dies or finds damage the cache is renamed to cache.bad-<time> and begun anew, as is one of another schema, to cache.schema<n>-<time>;
 * then *e is set with code 0 and a sentence (a warning).
 * The map is 64 GiB sparse (cache) and 4 GiB (ledger), never grown. */
int store_open(const char *dir, struct store **out, struct err *e);
void store_close(struct store *s);

/* The ledger's number (0–255) of a tenant, by a string that names it and whose eyes we see with ("hownow\x1fEXT-admin"); given on first
 * use. Engine thread. */
int store_tenant_number(struct store *s, const char *identity, unsigned *number, struct err *e);
/* How often this ledger was mounted; counted by the call. */
int store_mount_count(struct store *s, uint64_t *count, struct err *e);

/* A first listing writes in bulk: between begin and end commits of the cache are not synced one by one, so that the same pages are not written
 * again and again. A kill in between loses nothing; a power cut may have torn the cache, which is then set aside at the next start, as one
 * damaged by a crash. begin and end: engine thread; end is quick once sync is through. sync: any thread, may take as long as the disk does. */
int store_bulk_begin(struct store *s, struct err *e); /* 0 too when it has begun already */
int store_bulk_sync(struct store *s);
int store_bulk_end(struct store *s, struct err *e);
uint64_t store_commits(struct store *s); /* of the cache, that wrote anything, ever. Any thread */

/* ------------------------------------------------------------------ reading (any thread) */

struct store_read;
struct store_read *store_read_begin(struct store *s); /* NULL: out of readers or memory */
void store_read_end(struct store_read *r);

enum { /* store_record.flags */
       STORE_ACTIVE = 1 << 0,
       STORE_COMPLETE = 1 << 1,    /* the detail is known */
       STORE_PROVISIONAL = 1 << 2, /* created here, not yet seen in an answer: key is "" */
};

struct store_record { /* strings and body point into the map: valid until store_read_end (or the end of the write) */
    uint64_t ino, home;
    unsigned flags;
    uint64_t size;                        /* of the body */
    int64_t mtime_ns;                     /* of the content */
    uint64_t row_hash;                    /* of the list row it came from; 0 = none */
    int64_t row_at, detail_at;            /* Unix seconds when last fetched; 0 = never */
    const char *key, *ext, *email, *name; /* never NULL; "" where there is none */
};

enum store_state { STORE_CLEAN, STORE_PENDING, STORE_FAILED };
struct store_mark {
    enum store_state state;
    bool hidden;         /* being removed, or set aside by an editor's rename */
    bool leaving;        /* hidden, for it is to go into the bin: it stands there already */
    char job[128];       /* id, "" = none */
    char error[512];     /* sentence, "" = none */
    char successor[160]; /* who takes over what a leaver owned, "" = whom the configuration names */
};

/* 0, -ENOENT or -EIO. */
int store_get(struct store_read *r, uint64_t ino, struct store_record *out);
int store_body(struct store_read *r, uint64_t ino, const void **data, size_t *len);
int store_lookup(struct store_read *r, uint64_t home, const char *name, uint64_t *ino); /* a record's or an alias's number */
int store_by_key(struct store_read *r, uint64_t home, const char *key, uint64_t *ino);
int store_mark(struct store_read *r, uint64_t ino, struct store_mark *out); /* -ENOENT: clean */
bool store_any_mark(struct store_read *r);
/* An older version's bytes (16 hex digits); the current one's too, if it bears that version. */
int store_version(struct store_read *r, uint64_t ino, const char *version, const void **data, size_t *len);

/* The first entry of `dir` (INO_DIR, INO_BIN, INO_JOBS) whose record id is greater than `after`. 0, or -ENOENT at the end. */
int store_dir_next(struct store_read *r, uint64_t dir, uint64_t after, uint64_t *ino, const char **name);
/* The next record of `bin` (INO_BIN) that stands there only because it is leaving, as store_dir_next. */
int store_leaving_next(struct store_read *r, uint64_t bin, uint64_t after, uint64_t *ino, const char **name);
uint64_t store_dir_count(struct store_read *r, uint64_t dir); /* O(entries) is fine */

struct store_listing {
    int64_t complete_at; /* Unix seconds of the last complete sweep; 0 = never */
    int64_t changed_ns;  /* when an entry last came or went (the directory's mtime) */
    uint64_t entries;    /* of dir */
    uint64_t total;      /* as the API last reported it */
    uint64_t details;    /* entries with their detail */
};
int store_listing(struct store_read *r, uint64_t dir,
                  struct store_listing *out); /* zeroes for a directory never heard of; always 0 or -EIO */

/* ------------------------------------------------------------------ writing the cache (engine thread) */

struct store_write;
int store_write_begin(struct store *s, struct store_write **out, struct err *e);
int store_write_commit(struct store_write *w,
                       struct err *e); /* frees w; -ENOSPC for a full map or disk, then nothing was written */
void store_write_abort(struct store_write *w);
struct store_read *store_write_view(
    struct store_write *w); /* reads what this write sees; owned by w, not to be ended. What it points at
                                                               is good until the next change in w; store_put and others may be given it */

struct store_put {
    uint64_t ino;       /* 0: find by key, else by name if that record is provisional, else a new one */
    enum ino_kind kind; /* INO_RECORD or INO_JOB (jobs live in home = INO_JOBS) */
    uint64_t home;
    unsigned coll; /* collection index for a new number below an INO_TENANT home (singletons); elsewhere the home has it */
    const char *key, *ext, *email; /* NULL = none; key NULL or "" = provisional */
    const char *name;              /* canonical file name */
    const char *id_alias; /* its other name by an id, a symlink: "ID-….json", or where the name is that already one by a secret; NULL = none */
    const char *email_alias; /* "EMAIL-….json"; NULL = none */
    bool active, complete;
    int64_t mtime_ns; /* used when the body differs from what is there, or the record is new */
    uint64_t row_hash;
    int64_t row_at, detail_at; /* 0 = leave what is there */
    const void *body;          /* NULL: leave what is there (a new record: empty) */
    size_t body_len;
};
struct store_change { /* what a put did, for the kernel's caches */
    uint64_t ino;
    bool created, body_changed /* of a record that was there */, moved /* into or out of the bin */, renamed,
        any;            /* any: something was written */
    char old_name[256]; /* when renamed */
};
/* Keeps every index true. Writes nothing where nothing differs (row_at and detail_at alone are not a difference worth a write unless
 * touch is set). An old body that is replaced is kept as a version for base_ttl. Two records claiming one name: the later gets
 * "<stem>~<record id>.json", so that both are seen. */
int store_put(struct store_write *w, const struct store_put *p, bool touch, struct store_change *out, struct err *e);
int store_remove(struct store_write *w, uint64_t ino, struct err *e); /* with its aliases, names, versions, mark */
/* mark NULL: clean. */
int store_set_mark(struct store_write *w, uint64_t ino, const struct store_mark *m, struct err *e);
int store_clear_marks(struct store_write *w, struct err *e);
int store_set_alias(struct store_write *w, uint64_t home, const char *name, uint64_t ino,
                    struct err *e); /* ino 0: drop it */
/* Drops versions kept before older_than_s (Unix seconds), oldest first, at_most so many. */
int store_prune_versions(struct store_write *w, int64_t older_than_s, unsigned at_most, struct err *e);

/* Sweeps: what of a listing has come so far, so that an interrupted one goes on at its page. */
struct store_sweep {
    int64_t newest; /* when the newest of its rows was made, by the server's clock, Unix seconds; 0: none says */
    int64_t started_at;
    uint64_t total; /* what every page so far reported; UINT64_MAX = none came yet */
    uint32_t pages; /* how many there are; 0 = not known yet */
    uint32_t done;  /* how many came */
};
int store_sweep_load(struct store_read *r, uint64_t dir, struct store_sweep *out); /* -ENOENT: none under way */
int store_sweep_page(struct store_read *r, uint64_t dir, uint32_t page, const uint64_t **recs,
                     size_t *n); /* record ids; -ENOENT. recs is
                                                                                     good until the next store_sweep_page of r */
int store_sweep_save(struct store_write *w, uint64_t dir, const struct store_sweep *s, struct err *e);
int store_sweep_save_page(struct store_write *w, uint64_t dir, uint32_t page, const uint64_t *recs, size_t n,
                          struct err *e);
int store_sweep_forget(struct store_write *w, uint64_t dir, struct err *e);
int store_set_listing(struct store_write *w, uint64_t dir, int64_t complete_at, uint64_t total, struct err *e);

/* ------------------------------------------------------------------ the ledger (engine thread) */

enum ledger_table {
    LEDGER_SAVES,      /* seq → save not settled yet (JSON of sync/) */
    LEDGER_REMOVALS,   /* record ino → removal, reactivation or deletion not settled yet */
    LEDGER_JOBS,       /* job ino → job */
    LEDGER_REJECTED,   /* n → refused save with its reason */
    LEDGER_KEPT,       /* record ino → what a deactivation took (manager) */
    LEDGER_OWN,        /* record ino → our accepted saves of the last base_ttl (JSON of sync/) */
    LEDGER_GUARD,      /* tenant's number → when removals were asked */
    LEDGER_SUCCESSORS, /* record ino → who takes over what that person owns */
    LEDGER_TABLES,
};
/* Each call is one durable commit; several go between ledger_begin and ledger_commit as one. value is any bytes. */
int ledger_begin(struct store *s, struct err *e);
int ledger_commit(struct store *s, struct err *e);
void ledger_abort(struct store *s);
int ledger_put(struct store *s, enum ledger_table t, uint64_t key, const void *value, size_t len, struct err *e);
int ledger_delete(struct store *s, enum ledger_table t, uint64_t key, struct err *e);          /* a missing key is 0 */
int ledger_get(struct store *s, enum ledger_table t, uint64_t key, void **value, size_t *len); /* malloc'ed; -ENOENT */
int ledger_next_key(struct store *s, enum ledger_table t, uint64_t *key); /* the highest ever given + 1 */
/* Walk in key order; each gets a copy that lives during the call and may itself change the ledger. A non-zero return stops and is
 * returned. */
int ledger_each(struct store *s, enum ledger_table t,
                int (*each)(void *ctx, uint64_t key, const void *value, size_t len), void *ctx);

/* What write-only collections took, by a name of 1 to 500 bytes: no number of ours outlives the cache, and nobody else remembers it. As
 * above in everything else. */
int ledger_put_named(struct store *s, const char *name, const void *value, size_t len, struct err *e);
int ledger_delete_named(struct store *s, const char *name, struct err *e);
int ledger_get_named(struct store *s, const char *name, void **value, size_t *len);
int ledger_each_named(struct store *s, const char *prefix,
                      int (*each)(void *ctx, const char *name, const void *value, size_t len), void *ctx);

#endif
