/* mounts.h — which lmsfs mount a path belongs to, without touching any mount.
 *
 * A hung or dead mount must not hang the tool that is to mend it. So nothing here calls stat(2) or anything else below an
 * lmsfs mount point: paths are resolved component by component, against /proc/self/mountinfo, and no further than that.
 */
#ifndef CLI_MOUNTS_H
#define CLI_MOUNTS_H

#include "lmsfs/err.h"
#include <limits.h>
#include <stddef.h>

struct mounted {
    char mountpoint[PATH_MAX];
    char cache_dir[PATH_MAX];
};

struct mounts {
    struct mounted *list; /* in the order they were mounted: of two on one mount point, the later is what one sees */
    size_t n;
};

int mounts_read(struct mounts *m, struct err *e);                         /* needs mounts_release on success */
int mounts_parse(struct mounts *m, const char *mountinfo, struct err *e); /* the text of a mountinfo; same ownership */
void mounts_release(struct mounts *m);
/* What is mounted at exactly this physical path, or NULL. Borrowed. */
const struct mounted *mounts_at(const struct mounts *m, const char *mountpoint);

/* Makes `path` absolute and free of symlinks, `.` and `..`, as far as an lmsfs mount point: what follows that is only
 * tidied as text. Components that don't exist are kept. *at: the mount that the path is in, NULL if none; *rest: the part
 * below the mount point, without a leading slash (points into physical). -ELOOP, -ENAMETOOLONG, -ENOENT without a cwd. */
int mounts_resolve(const struct mounts *m, const char *path, char physical[PATH_MAX], const struct mounted **at,
                   const char **rest, struct err *e);

#endif
