/* ino.h — inode numbers: (kind, tenant, collection, record id) in 64 bits, so that nothing has to be remembered about them.
 *
 *   63     60 59       52 51          46 45                       0
 *   [ kind  ] [ tenant  ] [ collection ] [ record id              ]
 *
 * tenant: the ledger's number of it. collection: its index in the vendor's table (tables are append-only for that reason).
 * record id: leased from the ledger, never reused. Scratch and shadow numbers carry the mount count instead, so that no handle of an
 * earlier mount finds a new file.
 */
#ifndef LMSFS_INO_H
#define LMSFS_INO_H

#include <stdbool.h>
#include <stdint.h>

enum ino_kind {
    INO_FIXED = 0, /* 1 = the root, 2 = .lmsfs, 3… = its files */
    INO_TENANT = 1, /* /<tenant>; with a record id a folder in it, of singletons: the index of its first collection, and 1 */
    INO_DIR = 2,         /* a collection's directory; record id = the parent's in per-parent collections, else 0 */
    INO_BIN = 3,         /* deactivated-<collection> */
    INO_JOBS = 4,        /* jobs */
    INO_RECORD = 5,      /* a record's file, in its directory or in the bin; singletons too */
    INO_ALIAS_ID = 6,    /* symlinks to record `rec`: the ID- name … */
    INO_ALIAS_EMAIL = 7, /* … the EMAIL- name */
    INO_ALIAS_NEW = 8,   /* … the new*.json name that created it (this mount only) */
    INO_JOB = 9,         /* jobs/<id>.json */
    INO_JOB_LAST = 10,   /* jobs/last.json */
    INO_SCRATCH = 11,
    INO_SHADOW = 12,  /* another number of a record, after the kernel carried its own away with a backup's name */
    INO_PARENTS = 13, /* the directory of parents of a per-parent collection: learning-records/ */
    INO_SEARCH = 14,  /* search/ and what is below it; the two upper bits of the record id say what */
    INO_FILE = 15,    /* files that belong to a record; the same */
};

#define INO_ROOT    1ull
#define INO_CONTROL 2ull
#define INO_STATUS  3ull
/* The control directory's other files; what is refused has numbers of its own behind them: a directory and two files each. */
#define INO_AUDIT    4ull
#define INO_PENDING  5ull
#define INO_REJECTED 6ull
#define INO_METRICS  7ull

#define INO_REC_BITS 46
#define INO_REC_MASK ((1ull << INO_REC_BITS) - 1)

static inline uint64_t ino_make(enum ino_kind kind, unsigned tenant, unsigned coll, uint64_t rec)
{
    return (uint64_t)kind << 60 | (uint64_t)(tenant & 255) << 52 | (uint64_t)(coll & 63) << 46 | (rec & INO_REC_MASK);
}
static inline enum ino_kind ino_kind(uint64_t ino)
{
    return (enum ino_kind)(ino >> 60);
}
static inline unsigned ino_tenant(uint64_t ino)
{
    return ino >> 52 & 255;
}
static inline unsigned ino_coll(uint64_t ino)
{
    return ino >> 46 & 63;
}
static inline uint64_t ino_rec(uint64_t ino)
{
    return ino & INO_REC_MASK;
}
/* The same record under another kind. */
static inline uint64_t ino_as(uint64_t ino, enum ino_kind kind)
{
    return ino_make(kind, ino_tenant(ino), ino_coll(ino), ino_rec(ino));
}
/* Of INO_SEARCH and INO_FILE: what of it a number is, and the rest of its record id. */
#define INO_PART_BITS 44
static inline uint64_t ino_make_part(enum ino_kind kind, unsigned tenant, unsigned coll, unsigned part, uint64_t id)
{
    return ino_make(kind, tenant, coll, (uint64_t)(part & 3) << INO_PART_BITS | (id & ((1ull << INO_PART_BITS) - 1)));
}
static inline unsigned ino_part(uint64_t ino)
{
    return (unsigned)(ino_rec(ino) >> INO_PART_BITS);
}
static inline uint64_t ino_part_id(uint64_t ino)
{
    return ino & ((1ull << INO_PART_BITS) - 1);
}
static inline bool ino_is_alias(uint64_t ino)
{
    return ino_kind(ino) >= INO_ALIAS_ID && ino_kind(ino) <= INO_ALIAS_NEW;
}

#endif
