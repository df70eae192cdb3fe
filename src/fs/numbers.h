/* numbers.h — records whose number the kernel carried away.
 *
 * After rename(X, X~) the kernel's inode of X stands under X~. If X came back under the same number, the backup and the record would be
 * one file to the kernel. So the number goes with the backup (scratch.h) and the record is shown under a fresh one, a *shadow*, until the
 * unmount. Only records that were carried away are in this table. Any thread.
 */
#ifndef FS_NUMBERS_H
#define FS_NUMBERS_H

#include "lmsfs/ino.h"

struct numbers;

struct numbers *numbers_new(uint64_t mount_count); /* NULL: no memory */
void numbers_free(struct numbers *n);

uint64_t numbers_shown(struct numbers *n, uint64_t record);  /* what the kernel is to know this record by */
uint64_t numbers_record(struct numbers *n, uint64_t shadow); /* the record shown under it; 0: none (any more) */
/* The record's shown number belongs to somebody else from now on; it gets a fresh one. 0, -ENOMEM, -ENOSPC. */
int numbers_carry(struct numbers *n, uint64_t record);

/* A number of `kind` that no other mount of this cache ever gave: 26 bits of the mount count, 34 of a counter. 0: used up. */
uint64_t number_of_mount(enum ino_kind kind, uint64_t mount_count, uint64_t counter);

#endif
