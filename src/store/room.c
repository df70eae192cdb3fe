/* room.c — room on the disk for what is under way, when somebody else has filled it.
 *
 * A file of the cache folder, "reserve", holds some megabytes. A write that finds little room left gives it up: saves go on for a while,
 * and what is known can be read in any case. The next start keeps it anew, where there is room.
 */
#include "store_internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define KEPT ((uint64_t)4 << 20)
#define LOW  ((uint64_t)1 << 20)

static uint64_t room_left(const char *path)
{
    struct statvfs st;
    return statvfs(path, &st) ? UINT64_MAX : (uint64_t)st.f_bavail * st.f_frsize;
}

void room_keep(const char *dir)
{
    char *path = path_join(dir, "reserve");
    int fd = path && room_left(dir) > 2 * KEPT ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    if (fd >= 0) {
        if (posix_fallocate(fd, 0, (off_t)KEPT))
            (void)!ftruncate(fd, 0);
        close(fd);
    }
    free(path);
}

void room_look(const char *dir)
{
    if (room_left(dir) >= LOW)
        return;
    char *path = path_join(dir, "reserve");
    if (path)
        unlink(path);
    free(path);
}
