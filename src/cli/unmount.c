/* unmount.c — taking a mount away: as root by the system call, else by fusermount3. */
#include "unmount.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spawn.h"

#define BUSY_TRIES 5 /* what has just closed its last file may not be gone yet */

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

int unmount_path(const char *mountpoint, struct err *e)
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
