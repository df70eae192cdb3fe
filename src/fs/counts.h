/* counts.h — a mount's counters. Any thread. */
#ifndef FS_COUNTS_H
#define FS_COUNTS_H

#include "lmsfs/engine.h"
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#define COUNTED_OPS 64 /* FUSE's opcodes, linux/fuse.h */

struct counts {
    atomic_ullong ops[COUNTED_OPS];
    atomic_ullong misses;
};
void count_op(struct counts *c, uint32_t opcode);
void count_miss(struct counts *c, enum ask_kind kind);
char *counts_text(struct counts *c); /* Prometheus text, malloc'ed; NULL: out of memory */

#endif
