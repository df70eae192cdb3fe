/* attr.h — attributes, and entries as replies have them. Any thread. */
#ifndef FS_ATTR_H
#define FS_ATTR_H

#include "tree.h"

/* Of a node of the tree or the store (a true number). timeout: how long the kernel may keep it. -ENOENT, -EIO. */
int attr_node(struct mount *m, struct store_read *r, uint64_t ino, struct stat *st, double *timeout);
/* Of a scratch file, or a document being written. */
void attr_scratch(struct mount *m, const struct scratch_attr *a, struct stat *st);
int attr_at(struct mount *m, struct store_read *r, struct at at, struct stat *st, double *timeout);

/* The same as an entry: with the number shown. */
int entry_node(struct mount *m, struct store_read *r, uint64_t ino, struct fuse_entry_param *e);
void entry_scratch(struct mount *m, const struct scratch_attr *a, struct fuse_entry_param *e);
/* Replies an entry of a scratch file and counts the kernel's reference. */
void reply_scratch_entry(struct mount *m, fuse_req_t req, const struct scratch_attr *a);

/* A record's name as a symlink's target: "EXT-1.json", or without ".json" where parents are directories. */
int alias_target(struct mount *m, struct store_read *r, uint64_t alias, char *buf, size_t size);

/* The name of the newest job, for INO_JOB_LAST. -ENOENT where there is none. */
int job_newest(struct store_read *r, uint64_t last, char *buf, size_t size);

/* What the store knows of a record or job: visible or not. */
struct sight {
    bool active, complete, hidden, pending;
    bool leaving; /* hidden, and in the bin already */
};
int sight_of(struct store_read *r, uint64_t record, struct store_record *rec, struct sight *s);

#endif
