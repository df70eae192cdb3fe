/* folder.c — the cache folder: who may look into it, who holds it, and how it was left. */
#include "store_internal.h"

#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

char *path_join(const char *a, const char *b)
{
    char *path;
    return asprintf(&path, "%s/%s", a, b) < 0 ? NULL : path;
}

/* ------------------------------------------------------------------ the folder */

static int make_parents(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    int rc = 0;
    for (char *p = copy + 1; *p && rc == 0; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(copy, 0700) && errno != EEXIST && errno != EROFS && errno != EACCES)
            rc = -errno;
        *p = '/';
    }
    free(copy);
    return rc;
}

int folder_make(const char *path, struct err *e)
{
    struct stat st;
    int rc = *path ? make_parents(path) : -EINVAL;
    if (rc == 0 && mkdir(path, 0700) && errno != EEXIST)
        rc = -errno;
    if (rc == 0 && stat(path, &st))
        rc = -errno;
    if (rc)
        return err_set(e, rc, "can't make the folder %s: %s", path, strerror(-rc));
    if (!S_ISDIR(st.st_mode))
        return err_set(e, -ENOTDIR, "%s is not a folder", path);
    if (st.st_uid != geteuid())
        return err_set(e, -EACCES, "%s belongs to user %u, not to user %u who runs this", path, (unsigned)st.st_uid,
                       (unsigned)geteuid());
    if (st.st_mode & 077)
        return err_set(e, -EACCES, "%s can be entered by others (mode %04o); it holds people's data: chmod 700 it",
                       path, (unsigned)(st.st_mode & 07777));
    return 0;
}

/* ------------------------------------------------------------------ the lock */

static long pid_in(int fd)
{
    char text[32];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    return strtol(text, NULL, 10);
}

/* Killed, but not gone: its first thread is dead while others still hold what it had open. */
static bool is_ending(long pid)
{
    char path[40], state = 'Z';
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = pid > 0 ? fopen(path, "re") : NULL;
    if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
        state = 'Z';
    if (f)
        fclose(f);
    return pid > 0 && state == 'Z';
}

#define ENDING_MS 3000

/* flock, with patience for a holder that was killed just now. */
static int lock_wait(int lock)
{
    for (int ms = 0;; ms += 20) {
        if (flock(lock, LOCK_EX | LOCK_NB) == 0)
            return 0;
        int why = errno;
        if (why != EWOULDBLOCK || ms >= ENDING_MS || !is_ending(pid_in(lock))) {
            errno = why;
            return -1;
        }
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000000}, NULL);
    }
}

int lock_take(const char *dir, int *fd, struct err *e)
{
    int rc = 0;
    char *path = path_join(dir, "lock");
    int lock = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    if (lock < 0) {
        rc = err_set(e, -errno, "can't open the lock file in %s: %s", dir, strerror(errno));
    } else if (lock_wait(lock)) {
        int why = errno;
        long pid = pid_in(lock);
        if (why != EWOULDBLOCK)
            rc = err_set(e, -why, "can't lock %s: %s", path, strerror(why));
        else if (pid > 0)
            rc = err_set(e, -EBUSY, "%s is in use by the lmsfs with process id %ld", dir, pid);
        else
            rc = err_set(e, -EBUSY, "%s is in use by another lmsfs", dir);
    } else {
        char text[32];
        int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
        if (ftruncate(lock, 0) || pwrite(lock, text, (size_t)n, 0) != n)
            rc = err_set(e, -EIO, "can't write to %s: %s", path, strerror(errno));
    }
    free(path);
    if (rc && lock >= 0)
        close(lock);
    else
        *fd = lock;
    return rc;
}

void lock_release(int fd)
{
    if (fd < 0)
        return;
    if (ftruncate(fd, 0)) {
        /* then it names a process that is gone; the lock itself counts */
    }
    close(fd);
}

/* ------------------------------------------------------------------ the marker */

#define MARKER "in-use"

unsigned marker_read(const char *cache)
{
    char *path = path_join(cache, MARKER);
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    free(path);
    if (fd < 0)
        return 0;
    long times = pid_in(fd); /* a number and a newline, too */
    close(fd);
    return times < 1 ? 1 : times > 100 ? 100 : (unsigned)times;
}

/* On the disk when it returns. */
static int small_file_write(const char *cache, const char *name, const char *text, struct err *e)
{
    ssize_t n = (ssize_t)strlen(text);
    char *path = path_join(cache, name);
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    int dir = open(cache, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = 0;
    if (fd < 0 || dir < 0 || pwrite(fd, text, (size_t)n, 0) != n || ftruncate(fd, n) || fsync(fd) || fsync(dir))
        rc = err_set(e, errno ? -errno : -EIO, "can't mark %s as in use: %s", cache, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    free(path);
    return rc;
}

int marker_write(const char *cache, unsigned times, struct err *e)
{
    char text[32];
    snprintf(text, sizeof text, "%u\n", times);
    return small_file_write(cache, MARKER, text, e);
}

void marker_remove(const char *cache)
{
    char *path = path_join(cache, MARKER);
    if (path)
        unlink(path);
    free(path);
}

/* ------------------------------------------------------------------ written and not yet on the disk */

#define UNSYNCED "unsynced"

static void boot_id(char id[static BOOT_ID_SIZE])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, id, BOOT_ID_SIZE - 1);
    id[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

enum unsynced unsynced_read(const char *cache)
{
    char now[BOOT_ID_SIZE], then[BOOT_ID_SIZE];
    char *path = path_join(cache, UNSYNCED);
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    free(path);
    if (fd < 0)
        return SYNCED;
    ssize_t n = read(fd, then, sizeof then - 1);
    close(fd);
    then[n > 0 ? n : 0] = '\0';
    boot_id(now);
    return *now && strcmp(now, then) == 0 ? UNSYNCED_IN_MEMORY : UNSYNCED_AND_LOST;
}

int unsynced_write(const char *cache, struct err *e)
{
    char id[BOOT_ID_SIZE];
    boot_id(id);
    return small_file_write(cache, UNSYNCED, id, e);
}

int unsynced_remove(const char *cache)
{
    char *path = path_join(cache, UNSYNCED);
    int rc = path ? unlink(path) && errno != ENOENT ? -errno : 0 : -ENOMEM;
    free(path);
    return rc;
}

/* ------------------------------------------------------------------ setting aside */

int set_aside(const char *cache, const char *why, char *name, size_t size, struct err *e)
{
    char when[ISO_TIME_SIZE];
    iso_time_print(wall_s(), when);
    for (unsigned i = 0; i < 1000; i++) {
        int n = i == 0 ? snprintf(name, size, "%s.%s-%s", cache, why, when)
                       : snprintf(name, size, "%s.%s-%s-%u", cache, why, when, i);
        if (n < 0 || (size_t)n >= size)
            return err_set(e, -ENAMETOOLONG, "the path of %s is too long", cache);
        if (renameat2(AT_FDCWD, cache, AT_FDCWD, name, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno != EEXIST && errno != EINVAL)
            break;
        if (errno == EINVAL && access(name, F_OK) != 0 && rename(cache, name) == 0)
            return 0; /* a file system that doesn't know NOREPLACE */
    }
    return err_set(e, -errno, "the cache %s can't be set aside: %s", cache, strerror(errno));
}
