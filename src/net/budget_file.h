/* budget_file.h — slots of a budget that outlive the process: a mapped file, so that kill -9 forgets nothing. */
#ifndef LMSFS_NET_BUDGET_FILE_H
#define LMSFS_NET_BUDGET_FILE_H

#include "lmsfs/err.h"
#include "net/budget.h"

struct budget_file {
    struct budget_file_layout *map;
    int fd; /* holds the lock: one process a file */
};

/* Opens or makes it; a file that isn't ours by size, magic and version is begun anew. The stamps are to be distrusted: budget_init does.
 * -EBUSY when another process (or host) has it, or what open, fallocate and mmap say. */
int budget_file_open(struct budget_file *f, const char *path, struct err *e);
void budget_file_close(struct budget_file *f); /* a zeroed one is fine */

struct budget_stamp *budget_file_stamps(struct budget_file *f); /* BUDGET_SLOTS of them */

#endif
