/* cmd_umount.c — `lmsfs umount`: unmounts, and comes back when a new mount would find everything free. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "mounts.h"
#include "spawn.h"

#define GONE_WITHIN_MS 15000
#define BUSY_TRIES     5 /* what has just closed its last file may not be gone yet */

/* The rule of who may unmount what is fusermount3's. */
static int unmount_as_user(const char *mountpoint, struct err *e)
{
    char text[512];
    int status = 0;
    char *argv[] = {"fusermount3", "-u", (char *)mountpoint, NULL};
    struct spawn s = {.argv = argv, .input = -1};
    int rc = spawn_capture(&s, text, sizeof text, &status, e);
    if (rc)
        return rc;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    text[strcspn(text, "\n")] = '\0';
    if (strstr(text, "busy"))
        return err_set(e, -EBUSY, "busy");
    return err_set(e, -EPERM, "%s", text[0] ? text : "fusermount3 failed");
}

static int unmount(const char *mountpoint, struct err *e)
{
    int rc = -EBUSY;
    for (int i = 0; i < BUSY_TRIES && rc == -EBUSY; i++) {
        struct timespec pause = {0, i ? 100 * 1000 * 1000 : 0};
        nanosleep(&pause, NULL);
        if (geteuid() != 0)
            rc = unmount_as_user(mountpoint, e);
        else if (umount2(mountpoint, UMOUNT_NOFOLLOW) == 0)
            rc = 0;
        else
            rc = err_set(e, -errno, "can't unmount %s: %s", mountpoint, strerror(errno));
    }
    if (rc == -EBUSY)
        err_set(e, rc, "%s is in use: a program works there, or has a file of it open", mountpoint);
    return rc;
}

static int umount_path(const struct mounts *known, const char *path, struct err *e)
{
    char physical[PATH_MAX];
    const struct mounted *at;
    const char *rest;
    int rc = mounts_resolve(known, path, physical, &at, &rest, e);
    if (rc)
        return rc;
    if (!at)
        return err_set(e, -EINVAL, "%s is not an lmsfs mount", path);
    if (*rest)
        return err_set(e, -EINVAL, "%s is not a mount point; the mount is %s", path, at->mountpoint);

    /* Who serves it is asked first: afterwards there may be nobody to ask. A dead mount has no daemon. */
    struct control_client c;
    int daemon = -1;
    if (control_connect(at->cache_dir, &c, NULL) == 0) {
        daemon = c.daemon > 0 ? pidfd_open(c.daemon, 0) : -1;
        control_close(&c);
    }
    rc = unmount(at->mountpoint, e);
    if (!rc && daemon >= 0 && process_wait_gone(daemon, GONE_WITHIN_MS) < 0)
        rc = err_set(e, -ETIMEDOUT, "%s is unmounted, but its daemon (pid %d) hasn't ended after %d s", at->mountpoint,
                     (int)c.daemon, GONE_WITHIN_MS / 1000);
    if (daemon >= 0)
        close(daemon);
    return rc;
}

int cmd_umount(int argc, char **argv)
{
    if (getopt(argc, argv, "") != -1)
        return misused("umount", "can't make sense of -%c", optopt);
    if (argc - optind != 1)
        return misused("umount", "it takes a mount point");
    struct err e = {0};
    struct mounts known;
    int rc = mounts_read(&known, &e);
    if (!rc) {
        rc = umount_path(&known, argv[optind], &e);
        mounts_release(&known);
    }
    return rc ? complain(&e) : DONE;
}
