/* store_internal.h — what the files of store/ share.
 *
 *   codec.c    how keys and values lie on disk        env.c      one LMDB environment: opening, room, errors
 *   folder.c   the folder, its lock, the marker       check.c    looking at an environment in a child process first
 *   store.c    opening and closing the two            ledger.c   the durable one; named.c its entries that have names
 *   read.c     answers                                write.c    transactions, marks, aliases
 *   put.c      a record with all its indexes          version.c  older bodies
 *   listing.c  directories' counts; sweeps            room.c     room for when the disk is full
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "codec.h"
#include <pthread.h>
#include <stdatomic.h>

/* What lies on disk has a schema, in "meta" of each environment, and the ledger a revision of it.
 *
 *   the cache    anything that another lmsfs would read wrongly (a table, an entry's form, how documents are printed): raise CACHE_SCHEMA.
 *                A cache of another schema, older or newer, is set aside and read from the LMS again.
 *   the ledger   a table more, or another key in an entry's JSON: raise LEDGER_REVISION, and say so in the table's `since`. The missing
 *                tables of an older revision are made at the start; an older lmsfs leaves alone what it doesn't know.
 *                What an older lmsfs would get wrong: raise LEDGER_SCHEMA, and carry the older one over in ledger_open. A newer schema is
 *                refused, and nothing in the folder is touched. */
#define CACHE_SCHEMA    1u
#define LEDGER_SCHEMA   1u
#define LEDGER_REVISION 1u /* 0: what was written before there were revisions */

#ifndef LMSFS_VERSION
#define LMSFS_VERSION "unknown"
#endif

/* ------------------------------------------------------------------ one environment (env.c) */

struct env {
    MDB_env *mdb;
    const char *label; /* "cache", "ledger" */
    char *path;
    unsigned page_size;
    uint64_t pages_max, reserve; /* of the map; the reserve is for removing, so that a full map can be emptied */
    const char *map;             /* NULL: unknown, then only lengths are checked */
    _Atomic uint64_t extent;     /* bytes of the file that committed pages may lie in */

    /* The write transaction under way; there is one at a time. */
    uint64_t base, used; /* pages in use when it began; pages that it may have taken since */
    uint64_t free_pages; /* among `base`, once counted */
    bool counted, writing;
};

#define ENV_TABLES_MAX 16
struct table_shape {
    const char *name;
    unsigned since;                                          /* the first revision that has it */
    bool (*sound)(const MDB_val *key, const MDB_val *value); /* NULL: anything is */
};
struct env_shape {
    const char *label;
    uint32_t schema, revision;
    unsigned flags; /* for mdb_env_open */
    unsigned n;
    const struct table_shape *tables; /* the first is "meta" */
};

int env_open(struct env *v, const struct env_shape *shape, const char *path, size_t map_size, unsigned readers,
             MDB_dbi tables[], struct err *e);
void env_warm(struct env *v, MDB_dbi table, unsigned pages); /* takes the memory that writes of so many pages need */
void env_close(struct env *v);
int env_error(const struct env *v, int mdb_rc, struct err *e); /* LMDB's or an errno → -errno and a sentence */
int env_code(int mdb_rc);
int env_begin(struct env *v, MDB_txn **txn, struct err *e);
int env_commit(struct env *v, MDB_txn *txn, struct err *e);
void env_abort(struct env *v, MDB_txn *txn);
/* May the transaction take this many pages more? -ENOSPC. Removing needn't ask. */
int env_take(struct env *v, uint64_t pages, struct err *e);
bool env_holds(struct env *v, const MDB_val *value); /* a value read lies inside the file */

/* ------------------------------------------------------------------ folder.c */

int folder_make(const char *path, struct err *e); /* 0700 and ours, or -EACCES */
int lock_take(const char *dir, int *fd, struct err *e);
void lock_release(int fd);
/* The marker: how often in a row the cache was opened and not closed; 0 = it was closed. */
unsigned marker_read(const char *cache);
int marker_write(const char *cache, unsigned times, struct err *e);
void marker_remove(const char *cache);
/* A second marker: there are commits that were not synced, by a system with this boot id. Killing us loses nothing of them, a power cut may. */
#define BOOT_ID_SIZE 64
enum unsynced { SYNCED, UNSYNCED_IN_MEMORY, UNSYNCED_AND_LOST /* the system was booted since */ };
enum unsynced unsynced_read(const char *cache);
int unsynced_write(const char *cache, struct err *e);
int unsynced_remove(const char *cache);
/* Renames it to CACHE.<why>-<time>; name gets the new one. */
int set_aside(const char *cache, const char *why, char *name, size_t size, struct err *e);
char *path_join(const char *a, const char *b); /* malloc'ed */

/* ------------------------------------------------------------------ room.c */

void room_keep(const char *dir); /* at the start: some room of the disk that `dir` is on */
void room_look(const char *dir); /* before a write: given up where it is needed */

/* ------------------------------------------------------------------ check.c */

enum check {
    CHECK_SOUND,
    CHECK_ABSENT,  /* no data file */
    CHECK_SHORT,   /* the data file is cut short */
    CHECK_META,    /* its first pages aren't LMDB's */
    CHECK_FOREIGN, /* not ours */
    CHECK_SCHEMA,  /* ours, of another schema */
    CHECK_DAMAGED, /* pages or records don't add up, or reading them killed the child */
    CHECK_FAILED,  /* couldn't be checked (no memory, no process) */
};
struct found { /* what a look found */
    enum check check;
    uint32_t schema, revision; /* that the environment has; 0 where it says none */
    char written_by[40];       /* the version of the lmsfs that wrote it last, "" = it says none */
};
/* walk_ms: 0 = only the first pages; else everything, at most that long. */
enum check env_check(const struct env_shape *shape, const char *path, size_t map_size, int walk_ms, struct found *out);
const char *check_words(enum check c);

/* ------------------------------------------------------------------ the store (store.c) */

enum table {
    T_META,
    T_LISTINGS, /* directory → listing_disk */
    T_MARKS,    /* ino → mark */
    T_SWEEPS,   /* directory → sweep_disk; directory, page → record ids */
    T_ALIASES,  /* alias ino, home, name → "": the new*.json names, for finding them by record */
    T_DIRS,     /* directory, record id → name with its NUL */
    T_NAMES,    /* home, name → ino */
    T_KEYS,     /* home, key → ino */
    T_HEADS,    /* ino → head */
    T_BODIES,   /* ino → bytes */
    T_AGES,     /* when kept, ino, version → "": versions in the order of their age */
    T_VERSIONS, /* ino, version → when kept, bytes */
    TABLES,
};

enum {
    L_META,
    L_FIRST,
    L_TENANTS = L_FIRST + LEDGER_TABLES,
    L_NAMED,
    L_ALL
}; /* enum ledger_table stands from L_FIRST on */

struct store {
    char *dir;
    int lock_fd;
    struct env cache, ledger;
    MDB_dbi tables[TABLES];
    MDB_dbi ledger_tables[L_ALL];

    uint64_t id_next, id_end; /* record ids leased and not given yet */
    MDB_txn *ledger_txn;      /* between ledger_begin and ledger_commit */
    struct err ledger_failed; /* what spoilt that */
    uint64_t given[LEDGER_TABLES];

    bool bulk; /* commits of the cache are not synced */
    pthread_mutex_t pool_lock;
    struct store_read *pool; /* reset readers, each with its slot */
};

struct store_limits {
    size_t cache_bytes, ledger_bytes;
    unsigned readers;
    int walk_ms;
};
/* As store_open, with other limits: a test's way to a full map. */
int store_open_sized(const char *dir, const struct store_limits *limits, struct store **out, struct err *e);

struct store_read {
    struct store *s;
    MDB_txn *txn;
    bool writing;       /* the view of a write transaction */
    MDB_cursor *dirs;   /* kept where it was, for the next entry */
    bool bound, placed; /* the cursor belongs to this transaction; it stands on at_dir, at_rec */
    uint64_t at_dir, at_rec;
    uint64_t *page; /* of store_sweep_page */
    struct store_read *next;
};
void pool_drain(struct store *s);

struct store_write {
    struct store *s;
    struct store_read view;
    struct err failed; /* code 0: none. A failure in mid-change spoils the whole write */
    void *scratch;
    size_t scratch_size;
};

int table_get(struct store_read *r, enum table t, MDB_val key, MDB_val *out); /* 0, -ENOENT, -EIO */
int head_get(struct store_read *r, uint64_t ino, struct head *out);

/* Writing one value or none; a failure spoils the write. */
int table_put(struct store_write *w, enum table t, MDB_val key, MDB_val value, struct err *e);
int table_reserve(struct store_write *w, enum table t, MDB_val key, size_t size, void **to, struct err *e);
int table_del(struct store_write *w, enum table t, MDB_val key, struct err *e); /* a missing key is 0 */
int write_usable(const struct store_write *w, struct err *e);
int write_spoil(struct store_write *w, int code, const char *what, struct err *e); /* "the cache in …: what"; returns code */
int write_take(struct store_write *w, uint64_t pages, struct err *e);              /* env_take, whose failure spoils */
/* The first entry whose key begins with this prefix. 0, -ENOENT, -EIO. */
int table_first(struct store_read *r, enum table t, MDB_val prefix, MDB_val *key, MDB_val *value);
uint64_t table_pages(const struct store_write *w, size_t bytes);      /* pages that a value of this size may take */
int aliases_drop(struct store_write *w, uint64_t ino, struct err *e); /* a record's new*.json names; 0: everybody's */

int version_keep(struct store_write *w, const struct head *was, const MDB_val *body, struct err *e);
int versions_drop(struct store_write *w, uint64_t ino, struct err *e);

/* A directory's counts move; `changed`: an entry came, went or got another name. */
int listing_shift(struct store_write *w, uint64_t dir, int entries, int details, bool changed, struct err *e);

int ledger_open(struct store *s, const struct store_limits *limits, bool unclean, struct err *e);
int ledger_lease(struct store *s, uint64_t *id, struct err *e); /* a record id never given before */
/* One call's transaction: its own, or the one between ledger_begin and ledger_commit. */
struct ledger_op {
    struct store *s;
    MDB_txn *txn;
    bool own;
};
int ledger_op_begin(struct store *s, struct ledger_op *op, struct err *e);
/* rc: LMDB's, or one of ours below zero that has its sentence already. */
int ledger_op_end(struct ledger_op *op, int rc, bool ours, struct err *e);
int ledger_reading(struct store *s, MDB_txn **txn, bool *own);
void ledger_reading_end(MDB_txn *txn, bool own);
int ledger_copy_out(const MDB_val *v, void **value, size_t *len); /* 0 or an errno */

bool ledger_gave(struct store *s, uint64_t id); /* was it ever leased? */
int ledger_identity(struct store *s, uint64_t *identity);

#endif
