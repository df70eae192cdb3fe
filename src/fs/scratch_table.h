/* scratch_table.h — the table behind scratch.h: names and numbers in scratch.c, bytes in scratch_file.c. */
#ifndef FS_SCRATCH_TABLE_H
#define FS_SCRATCH_TABLE_H

#include "scratch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

struct place { /* a name in a directory */
    uint64_t dir;
    char name[256];
};

struct file {
    struct scratch_attr a;
    char *target;             /* of a symlink */
    uint64_t bytes;           /* <folder>/<bytes>; 0: none yet */
    int fd;                   /* while it is open or pinned, else -1 */
    unsigned opens, pins;     /* handles; calls that use fd without the lock */
    unsigned writers;         /* of opens */
    uint64_t known;           /* the kernel's references */
    bool carried;             /* its number was a record's: it stays known, or the number would mean the record again */
    struct place *place;      /* NULL: unlinked */
    struct file *prev, *next; /* in its directory, by serial */
    UT_hash_handle by_ino, by_place;
};

struct folder { /* a directory that has, or had, scratch files */
    uint64_t ino;
    struct file *first;
    unsigned documents;
    int64_t changed_ns;
    UT_hash_handle hh;
};

struct scratch {
    pthread_mutex_t lock;
    struct file *files, *places;
    struct folder *folders;
    int dirfd;
    char *path;
    size_t max;
    uint64_t mount_count, counter, serial;
    atomic_bool carried; /* any */
    int64_t last_ns;     /* directories' times only grow */
};

/* All with the lock held. */
struct file *scratch_file(struct scratch *s, uint64_t ino);
void scratch_drop_if_over(struct scratch *s,
                          struct file *f); /* frees it when neither a name nor a handle nor the kernel has it */
void scratch_touch(struct file *f);        /* mtime and ctime are now */
int scratch_folder_empty(int dirfd);

#endif
