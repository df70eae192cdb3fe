/* scratch.h — files that are nobody's record: editors' swap files, backups, temporary names, locks.
 *
 * They are local, never sent and gone at the unmount. Bytes stand in <cache>/scratch/<mount count>/<n> (0600); names, modes, times
 * and symlinks in memory. Semantics are those of any local file system, without hard links; an unlinked file lives while it is open.
 *
 * A *document* is an entry of this table too: a record's name while its first text is being written. It has no bytes here (draft.h has
 * them); when it is saved it *becomes* the record: its name goes, and its number means the record from then on.
 *
 * Any thread. 0 or -errno; no call waits for anything but the local disk.
 */
#ifndef FS_SCRATCH_H
#define FS_SCRATCH_H

#include "lmsfs/err.h"
#include "lmsfs/ino.h"
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

struct scratch;

struct scratch_attr {
    uint64_t ino, dir, serial; /* serial: place in its directory */
    mode_t mode;               /* with type */
    uid_t uid;
    gid_t gid;
    off_t size; /* of a document: 0 */
    struct timespec atime, mtime, ctime;
    unsigned nlink; /* 0: unlinked */
    bool document;
    uint64_t record; /* what it became; 0: nothing */
    char name[256];  /* "" once unlinked */
};

/* The mount's folder is made in dir, and those of mounts that are over are removed. max: bytes of one file. */
int scratch_new(const char *dir, uint64_t mount_count, size_t max, struct scratch **out, struct err *e);
void scratch_free(struct scratch *s); /* with the folder; NULL is fine */

/* Names. */
struct scratch_make {
    uint64_t dir;
    const char *name;
    mode_t mode; /* permissions; the type is the function's */
    uid_t uid;
    gid_t gid;
};
int scratch_create(struct scratch *s, const struct scratch_make *k, bool document, struct scratch_attr *out);
int scratch_symlink(struct scratch *s, const struct scratch_make *k, const char *target, struct scratch_attr *out);
/* A backup: these bytes under `ino`, a number that the kernel carried here. Replaces a file of that name. A failure leaves
 * nothing of it. */
int scratch_backup(struct scratch *s, uint64_t ino, const struct scratch_make *k, const void *data, size_t len);
int scratch_find(struct scratch *s, uint64_t dir, const char *name, struct scratch_attr *out);
int scratch_unlink(struct scratch *s, uint64_t dir, const char *name);
int scratch_rename(struct scratch *s, uint64_t dir, const char *name, uint64_t to_dir, const char *to_name, bool replace);
/* The first entry of dir whose serial is greater. -ENOENT at the end. */
int scratch_next(struct scratch *s, uint64_t dir, uint64_t after, struct scratch_attr *out);
bool scratch_has_documents(struct scratch *s, uint64_t dir);
int64_t scratch_changed_ns(struct scratch *s, uint64_t dir); /* when a name last came or went; 0: never */

/* Numbers. */
int scratch_get(struct scratch *s, uint64_t ino, struct scratch_attr *out);
bool scratch_has_carried(const struct scratch *s); /* is any number here one that was a record's? */
int scratch_readlink(struct scratch *s, uint64_t ino, char *buf, size_t size);
/* Its name goes; *writers: the open handles that may write. */
int scratch_become(struct scratch *s, uint64_t ino, uint64_t record, unsigned *writers);
/* The kernel's references: entries that it was given, less what it forgot. */
void scratch_looked_up(struct scratch *s, uint64_t ino);
void scratch_forget(struct scratch *s, uint64_t ino, uint64_t n);

/* Bytes. */
int scratch_open(struct scratch *s, uint64_t ino, bool write, bool truncate);
void scratch_close(struct scratch *s, uint64_t ino, bool write);
ssize_t scratch_read(struct scratch *s, uint64_t ino, void *buf, size_t size, off_t at);
ssize_t scratch_write(struct scratch *s, uint64_t ino, const void *data, size_t size, off_t at);
int scratch_truncate(struct scratch *s, uint64_t ino, off_t size);
int scratch_load(struct scratch *s, uint64_t ino, size_t max, char **text, size_t *len); /* NUL behind; -EFBIG */

struct scratch_set { /* what is to change; NULL: leave it */
    const mode_t *mode;
    const uid_t *uid;
    const gid_t *gid;
    const struct timespec *atime, *mtime;
};
int scratch_setattr(struct scratch *s, uint64_t ino, const struct scratch_set *set);

#endif
