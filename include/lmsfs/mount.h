/* mount.h — one mount of an engine: a FUSE session, its workers and its notifiers. */
#ifndef LMSFS_MOUNT_H
#define LMSFS_MOUNT_H

#include "lmsfs/engine.h"

struct mount;

struct mount_options {
    const char *mountpoint; /* absolute */
    bool read_only, allow_other;
    uid_t uid; /* owner shown; default: who mounts */
    gid_t gid;
    mode_t file_mode, dir_mode; /* default 0600, 0700 */
    bool debug;
    bool dry_run;                     /* whoever makes the engine sets conf.dry_run */
    unsigned workers;                 /* threads that answer the kernel; 0 = 3 */
    size_t max_document, max_scratch; /* bytes, from the conf; 0 = 1 MiB, 64 MiB */
};

/* Sets owner and modes to their defaults, then parses "-o a,b=c" (ro, rw, allow_other, uid=, gid=, file_mode=, dir_mode=, debug, dry_run, workers=, and what mount(8) and fstab pass along and
 * means nothing here: _netdev, nofail, noauto, user, x-…, nosuid, nodev, noexec, default_permissions). -EINVAL naming an unknown one. */
int mount_options_parse(struct mount_options *o, const char *text, struct err *e);

/* Mounts. Adds its hooks to the engine, which may run already: then its mounts share what is known and the budget. -ENOENT / -ENOTDIR / -EBUSY / -EACCES… with a sentence: a
 * missing mount point, one in use (a non-empty directory or a mount already there), a dead lmsfs mount there is unmounted first. The
 * mount's source in /proc/self/mountinfo is "lmsfs:<cache_dir>", its type fuse.lmsfs. */
int mount_new(struct engine *g, const char *cache_dir, const struct mount_options *o, struct mount **out, struct err *e);
/* Starts the workers and notifiers. Returns at once. */
int mount_start(struct mount *m, struct err *e);
/* Readable when the kernel ended the session (umount): a file descriptor to poll; owned by m. */
int mount_ended_fd(struct mount *m);
/* The end of one mount while the engine goes on. Takes no more requests, hears no more of the engine, interrupts who waits. True once nothing
 * of it is under way any more: then mount_free may come. False: call it again a little later. Main thread. */
bool mount_left(struct mount *m);
/* The end of all: first no more requests are taken (mount_quiesce), then the engine is stopped (which answers every parked request), then unmounted. */
void mount_quiesce(struct mount *m);
void mount_free(struct mount *m); /* unmounts if it still is, joins all threads, removes scratch; NULL is fine */

#endif
