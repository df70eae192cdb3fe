/* target.h — which daemon a command is about: by a path in a mount, by a configuration, or the only one there is. */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "lmsfs/err.h"
#include <limits.h>
#include <stdbool.h>

struct target {
    char cache_dir[PATH_MAX];
    char mountpoint[PATH_MAX]; /* "" when it was found by its configuration */
    char path[PATH_MAX];       /* below the mount point, without a leading slash; "" for the mount itself */
};

/* path NULL: the mount that one stands in, or the only daemon's. or_conf: a file outside all mounts is read as a configuration.
 * No mount is touched, so that a hung one hangs nobody. 0, or -errno with a sentence. */
int target_find(struct target *t, const char *path, bool or_conf, struct err *e);

#endif
