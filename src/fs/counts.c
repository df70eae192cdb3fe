/* counts.c — how often the kernel asked, and how often the answer was not known here: the mount's part of the metrics. */
#include "counts.h"

#include <linux/fuse.h>
#include <stdlib.h>

static const char *const names[COUNTED_OPS] = {
    [FUSE_LOOKUP] = "lookup",     [FUSE_GETATTR] = "getattr",
    [FUSE_SETATTR] = "setattr",   [FUSE_READLINK] = "readlink",
    [FUSE_SYMLINK] = "symlink",   [FUSE_MKNOD] = "mknod",
    [FUSE_MKDIR] = "mkdir",       [FUSE_UNLINK] = "unlink",
    [FUSE_RMDIR] = "rmdir",       [FUSE_RENAME] = "rename",
    [FUSE_RENAME2] = "rename",    [FUSE_LINK] = "link",
    [FUSE_OPEN] = "open",         [FUSE_READ] = "read",
    [FUSE_WRITE] = "write",       [FUSE_STATFS] = "statfs",
    [FUSE_RELEASE] = "release",   [FUSE_FSYNC] = "fsync",
    [FUSE_FLUSH] = "flush",       [FUSE_OPENDIR] = "opendir",
    [FUSE_READDIR] = "readdir",   [FUSE_CREATE] = "create",
    [FUSE_POLL] = "poll",         [FUSE_READDIRPLUS] = "readdirplus",
    [FUSE_GETXATTR] = "getxattr", [FUSE_LISTXATTR] = "listxattr",
    [FUSE_SETXATTR] = "setxattr", [FUSE_RELEASEDIR] = "releasedir",
};

void count_op(struct counts *c, uint32_t opcode)
{
    if (opcode < COUNTED_OPS)
        atomic_fetch_add_explicit(&c->ops[opcode == FUSE_RENAME2 ? FUSE_RENAME : opcode], 1, memory_order_relaxed);
}

void count_miss(struct counts *c, enum ask_kind kind)
{
    if (kind == ASK_LISTING || kind == ASK_NAME || kind == ASK_DETAIL)
        atomic_fetch_add_explicit(&c->misses, 1, memory_order_relaxed);
}

static unsigned long long of(struct counts *c, uint32_t opcode)
{
    return atomic_load_explicit(&c->ops[opcode], memory_order_relaxed);
}

char *counts_text(struct counts *c)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return NULL;
    unsigned long long misses = atomic_load_explicit(&c->misses, memory_order_relaxed);
    unsigned long long asked = of(c, FUSE_LOOKUP) + of(c, FUSE_OPEN) + of(c, FUSE_OPENDIR);
    fputs("# HELP lmsfs_fuse_operations_total What the kernel asked this mount; what it had cached it did not ask.\n"
          "# TYPE lmsfs_fuse_operations_total counter\n",
          f);
    for (uint32_t i = 0; i < COUNTED_OPS; i++)
        if (names[i] && of(c, i))
            fprintf(f, "lmsfs_fuse_operations_total{op=\"%s\"} %llu\n", names[i], of(c, i));
    fprintf(f,
            "# HELP lmsfs_cache_hits_total Lookups, opens and opendirs that were answered from what is known.\n"
            "# TYPE lmsfs_cache_hits_total counter\n"
            "lmsfs_cache_hits_total %llu\n"
            "# HELP lmsfs_cache_misses_total … that had to wait for the LMS.\n"
            "# TYPE lmsfs_cache_misses_total counter\n"
            "lmsfs_cache_misses_total %llu\n",
            asked > misses ? asked - misses : 0, misses);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}
