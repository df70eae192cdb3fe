/* ops.h — the kernel's requests, one function each (fuse_lowlevel.h has their contracts). They run on the workers, and none waits: each
 * answers from the store, or parks. */
#ifndef FS_OPS_H
#define FS_OPS_H

#include "park.h"

extern const struct fuse_lowlevel_ops mount_ops; /* mount.c */

/* ops_lookup.c */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_statfs(fuse_req_t req, fuse_ino_t ino);
/* What stands under a name of a record directory, as lookup sees it. 0 and *ino (a record or an alias), or -ENOENT; *hidden: a record of that
 * name is there and being removed or set aside. */
int record_named(struct mount *m, struct store_read *r, uint64_t dir, const char *name, uint64_t *ino, uint64_t *hidden);

/* ops_dir.c */
void dir_looked(struct mount *m, uint64_t dir); /* a name of it was looked up */
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void asked_free(struct mount *m);

/* ops_search.c: search/ and what is below it (INO_SEARCH). */
bool search_exists(const struct mount *m, uint64_t ino);
bool search_is_dir(uint64_t ino);
bool search_is_text(uint64_t ino);
uint64_t search_root(unsigned tenant);
uint64_t search_parent(uint64_t ino);
int search_target(struct mount *m, struct store_read *r, uint64_t link, char *buf, size_t size);
bool lookup_search(fuse_req_t req, uint64_t dir, const char *name); /* false: it is another's */
void opendir_search(fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi);
uint64_t search_nth(const struct fuse_file_info *fi, uint64_t dir, size_t i); /* a symlink's number; 0: there are no more */
int search_name(struct mount *m, struct store_read *r, uint64_t link, char name[256]); /* -ENOENT: the record went since */
void releasedir_search(const struct fuse_file_info *fi);

/* ops_file.c: INO_FILE. Those that return a bool: false, it is another's. */
bool file_is_dir(uint64_t ino);
bool file_exists(const struct mount *m, uint64_t ino);
uint64_t file_parent(const struct mount *m, uint64_t ino);
uint64_t file_named(struct mount *m, struct store_read *r, uint64_t dir, const char *name); /* beside a record; 0: none */
bool file_wants_listing(const struct mount *m, uint64_t dir, const char *name); /* ID-….files of a record not known yet */
off_t file_size(struct mount *m, struct store_read *r, uint64_t ino);
bool lookup_file(fuse_req_t req, uint64_t dir, const char *name);
void opendir_file(fuse_req_t req, const struct fuse_file_info *asked);
uint64_t file_nth(struct mount *m, struct store_read *r, uint64_t dir, size_t i, char name[256]);
void open_file(fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi);
bool create_file(fuse_req_t req, uint64_t dir, const char *name, const struct fuse_file_info *fi);
void read_file(fuse_req_t req, uint64_t ino, size_t size, off_t off, const struct fuse_file_info *fi);
void write_file(fuse_req_t req, uint64_t ino, const char *buf, size_t size, off_t off);
int resize_file(struct mount *m, uint64_t ino, off_t size);
void flush_file(fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi);
void release_file(struct mount *m, uint64_t ino, const struct fuse_file_info *fi);
bool unlink_file(fuse_req_t req, uint64_t dir, const char *name);
bool rename_file(fuse_req_t req, uint64_t dir, const char *name, uint64_t to_dir, const char *to_name, bool replace);

/* ops_open.c */
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
bool reader_is(fuse_req_t req, uint64_t record); /* whoever asks has lately opened that record to read it; a guess */
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
/* Registers the handle and replies; e NULL: open, else create. */
void open_document(fuse_req_t req, struct at at, uint64_t kernel_ino, const struct fuse_file_info *asked,
                   const struct fuse_entry_param *e);

/* ops_poll.c */
void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *handle);
uint64_t poll_number(struct mount *m); /* an open job's fi->fh */
void poll_closed(struct mount *m, uint64_t fh);
void pollers_free_all(struct mount *m); /* when the notifiers are gone */

/* ops_control.c */
void open_control(fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi);
void release_control(fuse_req_t req, const struct fuse_file_info *fi);
void read_control(fuse_req_t req, uint64_t ino, size_t size, off_t off, const struct fuse_file_info *fi);
bool lookup_control(fuse_req_t req, uint64_t dir, const char *name); /* false: it is another's */
off_t control_size(struct mount *m, uint64_t ino); /* of the text that its last lookup made; 0: there is none */
void control_free(struct mount *m);
void opendir_rejected(fuse_req_t req, const struct fuse_file_info *fi);
uint64_t rejected_nth(const struct fuse_file_info *fi, size_t i); /* of what opendir_rejected opened; 0: there are no more */
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* ops_write.c */
void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi);
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
/* A handle that might write a document is gone: what is unsettled is saved, with nobody waiting. */
void close_document(struct mount *m, struct at at, uint64_t kernel_ino);
/* Is this text a document (0), none yet (-EINVAL), or too much (-EFBIG)? */
int check_document(const struct mount *m, const char *text, size_t len);
size_t max_document(const struct mount *m);

/* ops_name.c, ops_rename.c */
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to_parent, const char *to_name,
               unsigned flags);

/* ops_xattr.c */
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

#endif
