/* cmd_umount.c — `lmsfs umount`: unmounts, and comes back when a new mount would find everything free. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "control.h"
#include "mounts.h"
#include "unmount.h"

#define GONE_WITHIN_MS 15000
#define LOOK_EVERY_MS  20

/* Has the daemon other mounts, and is through with this one? */
static bool is_left(const struct mounted *at)
{
    struct control_client c;
    json_t *request = json_pack("{s:s}", "cmd", "mounts"), *reply = NULL, *name;
    bool left = false;
    size_t i;
    if (control_connect(at->cache_dir, &c, NULL) == 0) {
        left =
            control_ask(&c, request, GONE_WITHIN_MS, &reply, NULL) == 0 && json_is_true(json_object_get(reply, "ok"));
        control_close(&c);
    }
    const json_t *names = json_object_get(reply, "mounts");
    left = left && json_array_size(names) > 0;
    json_array_foreach(names, i, name)
    {
        left = left && strcmp(json_string_value(name), at->mountpoint) != 0;
    }
    json_decref(request);
    json_decref(reply);
    return left;
}

/* Until the daemon has ended with its last mount, or goes on without this one. */
static int wait_until_free(const struct mounted *at, int daemon)
{
    int64_t deadline = monotonic_ms() + GONE_WITHIN_MS;
    while (process_wait_gone(daemon, LOOK_EVERY_MS) < 0) {
        if (is_left(at))
            return 0;
        if (monotonic_ms() >= deadline)
            return -ETIMEDOUT;
    }
    return 0;
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
    rc = unmount_path(at->mountpoint, e);
    if (!rc && daemon >= 0 && wait_until_free(at, daemon) < 0)
        rc = err_set(e, -ETIMEDOUT, "%s is unmounted, but its daemon (pid %d) isn't done with it after %d s",
                     at->mountpoint, (int)c.daemon, GONE_WITHIN_MS / 1000);
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
