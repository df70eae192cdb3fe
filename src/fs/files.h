/* files.h — the files of records' attributes as numbers, and what is being written into them.
 *
 * A number is a hash of the record and the attribute; the table remembers what it stands for, as long as the kernel may ask. What is written
 * stands in an unnamed file in the cache folder, from the first open to write until the last one is closed. Any thread; its lock is a leaf.
 */
#ifndef FS_FILES_H
#define FS_FILES_H

#include "lmsfs/ino.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum file_part {                /* ino_part of INO_FILE */
                 FILE_PASSWORD, /* id: the record's */
                 FILE_DIR,      /* the same */
                 FILE_ATTR,     /* id: a hash of the record and the attribute */
};

struct files;

struct files *files_new(const char *dir); /* where the bytes go; NULL: no memory */
void files_free(struct files *f);
uint64_t files_number(struct files *f, uint64_t record, const char *attr); /* 0: no memory */
/* 0 or -ESTALE: it was forgotten, look it up again. */
int files_what(struct files *f, uint64_t ino, uint64_t *record, char attr[256]);

/* Writing. from: what it holds in the beginning (copied), or -1. 0 or -errno. */
int files_open(struct files *f, uint64_t ino, int from);
void files_close(struct files *f, uint64_t ino);
ssize_t files_write(struct files *f, uint64_t ino, const void *data, size_t n, off_t at, size_t max);
int files_truncate(struct files *f, uint64_t ino, off_t size, size_t max);
bool files_size(struct files *f, uint64_t ino, off_t *size); /* false: nobody writes it */
int files_dup(struct files *f, uint64_t ino);                /* a descriptor of what is being written, or -errno */
/* Something to be sent? 1: *fd is a descriptor of it. 0: no; what is settled isn't again, until it changes. -EFBIG: a write went past `max`,
 * so that what is here is a part. */
int files_settle(struct files *f, uint64_t ino, int *fd);

#endif
