/* tree.h — names ↔ numbers of what stands still: tenants, collections, bins, jobs; and what a name may be. Pure, any thread. */
#ifndef FS_TREE_H
#define FS_TREE_H

#include "face.h"

const struct tenant_info *tree_tenant(const struct mount *m,
                                      uint64_t ino); /* NULL: the root and its like, or not configured */
/* Of INO_DIR, INO_BIN, INO_PARENTS, records, aliases; NULL otherwise, or when there is none such. */
const struct lms_collection *tree_collection(const struct mount *m, uint64_t ino);

bool tree_is_dir(uint64_t ino);
bool tree_is_record_dir(uint64_t ino);                 /* INO_DIR and INO_BIN: where records and scratch stand */
bool tree_exists(const struct mount *m, uint64_t ino); /* a directory, or a file of .lmsfs, that this tree has */
uint64_t tree_parent(const struct mount *m, uint64_t ino);

/* Where records of this directory belong: of a bin its INO_DIR, of a tenant's folder the tenant, else the directory itself. */
uint64_t tree_home(uint64_t dir);
/* A tenant's i-th folder of singletons. false: there are no more. */
bool tree_folder(const struct tenant_info *t, unsigned i, uint64_t *ino);
/* INO_PARENTS → the home of the parents; 0: none. */
uint64_t tree_home_of_parents(const struct mount *m, uint64_t parents);
bool tree_holds_words(const struct mount *m, uint64_t home); /* its records are the names of directories */
/* The directory in INO_PARENTS that belongs to a parent's record, and the other way round. */
uint64_t tree_dir_of_parent(uint64_t parents, uint64_t parent_record);
uint64_t tree_record_of_parent(const struct mount *m, uint64_t dir_or_alias);

/* The i-th thing that stands still in a directory (also where records follow it). false: there are no more. *ino is 0 for a singleton,
 * whose number only the store knows. */
struct tree_entry {
    char name[256];
    uint64_t ino;
    bool dir;
    unsigned collection; /* of a singleton */
};
bool tree_nth(const struct mount *m, uint64_t dir, unsigned i, struct tree_entry *out);
int tree_find(const struct mount *m, uint64_t dir, const char *name, struct tree_entry *out); /* -ENOENT; knows .lmsfs too */

/* The control directory. What is a directory comes first, files from CONTROL_STATUS on. */
enum control {
    CONTROL_NONE,
    CONTROL_REJECTED, /* rejected */
    CONTROL_CASE,     /* rejected/<n> */
    CONTROL_STATUS,
    CONTROL_AUDIT,
    CONTROL_PENDING,
    CONTROL_METRICS,
    CONTROL_DOCUMENT, /* rejected/<n>/document.json */
    CONTROL_REASON,
};
enum control tree_control(uint64_t ino);
uint64_t tree_rejected(uint64_t ino); /* the n of a case and its files; 0: it is none of those */
uint64_t tree_rejected_ino(uint64_t n, enum control what);

enum name_kind {
    NAME_SCRATCH, /* nobody's */
    NAME_EXT,     /* EXT-….json */
    NAME_ID,      /* ID-….json */
    NAME_EMAIL,   /* EMAIL-….json */
    NAME_SECRET,  /* SSN-….json: a collection's secret_prefix */
    NAME_NEW,     /* new.json, new-….json */
    NAME_PLAIN,   /* <key>.json, where records have plain names; a word's */
    NAME_REFUSED, /* a plain .json name that is no record's: it would look saved and never be */
};
enum name_kind name_kind(const char *name); /* where records have no plain names */
enum name_kind name_kind_in(const struct mount *m, uint64_t dir, const char *name);
static inline bool name_is_record(enum name_kind k)
{
    return k == NAME_EXT || k == NAME_ID || k == NAME_EMAIL || k == NAME_SECRET || k == NAME_NEW || k == NAME_PLAIN;
}

/* What the collection lets be done. */
bool may_update(const struct lms_collection *c);
bool may_create(const struct lms_collection *c, enum name_kind kind);

#endif
