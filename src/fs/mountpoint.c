/* mountpoint.c — before and after a mount. */
#include "mountpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROBE_MS 3000

extern char **environ;

struct mounted {
    unsigned minor;
    char type[64];
};

/* proc(5): blanks and backslashes are written \ooo. In place. */
static void unescape(char *s)
{
    char *to = s;
    for (; *s; s++) {
        if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
            *to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
            s += 3;
        } else {
            *to++ = *s;
        }
    }
    *to = '\0';
}

/* "36 35 0:44 / /mnt/lms rw,nosuid - fuse.lmsfs lmsfs:/var/cache/lmsfs rw": is it a mount at `path`? */
static bool read_line(char *line, const char *path, struct mounted *out)
{
    char *rest = line, *word = NULL, *dev = NULL;
    for (int i = 0; i < 5; i++) {
        word = strsep(&rest, " ");
        if (i == 2)
            dev = word;
    }
    if (!rest || !word || !dev)
        return false;
    unescape(word);
    if (strcmp(word, path) != 0)
        return false;
    const char *type = strstr(rest, " - "), *colon = strchr(dev, ':');
    snprintf(out->type, sizeof out->type, "%.*s", type ? (int)strcspn(type + 3, " ") : 0, type ? type + 3 : "");
    out->minor = colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
    return true;
}

/* What one sees at `path`: the last mount there. */
static bool find_mount(const char *path, struct mounted *out)
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    while (f && getline(&line, &size, f) > 0)
        found |= read_line(line, path, out);
    free(line);
    if (f)
        fclose(f);
    return found;
}

/* Is there nobody to answer for it? stat may be answered from the kernel's cache; statfs asks, and a hung daemon would never answer, so a
 * child asks for us. */
static bool is_dead(const char *path)
{
    struct statvfs v;
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(statvfs(path, &v) && errno == ENOTCONN);
    for (int ms = 0; child > 0 && ms < PROBE_MS; ms += 10) {
        if (waitpid(child, &status, WNOHANG) == child)
            return WIFEXITED(status) && WEXITSTATUS(status) == 1;
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000000}, NULL);
    }
    if (child > 0)
        kill(child, SIGKILL);
    return false;
}

static int unmount_dead(const char *path)
{
    char *const argv[] = {"fusermount3", "-u", "-z", "--", (char *)path, NULL};
    pid_t pid;
    int status = 0, code = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (code)
        return -code;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EBUSY;
}

static int check_empty(const char *path, struct err *e)
{
    DIR *d = opendir(path);
    if (!d)
        return err_set(e, -errno, "can't read the mount point %s: %s", path, strerror(errno));
    int n = 0;
    for (struct dirent *entry; (entry = readdir(d));)
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(d);
    return n ? err_set(e, -EBUSY, "the mount point %s is not an empty directory", path) : 0;
}

int mountpoint_check(const char *path, struct err *e)
{
    struct mounted there;
    struct stat st;
    for (int tries = 0; find_mount(path, &there); tries++) {
        bool ours = strcmp(there.type, "fuse.lmsfs") == 0;
        if (!ours || !is_dead(path))
            return err_set(e, -EBUSY, "something is mounted on %s already (%s)", path, there.type);
        if (tries == 8 || unmount_dead(path))
            return err_set(e, -EBUSY, "a dead lmsfs mount on %s can't be taken away; try: fusermount3 -uz %s", path,
                           path);
    }
    if (stat(path, &st)) {
        if (errno == ENOENT)
            return err_set(e, -ENOENT, "the mount point %s does not exist; make it first: mkdir -p %s", path, path);
        return err_set(e, -errno, "can't use the mount point %s: %s", path, strerror(errno));
    }
    if (!S_ISDIR(st.st_mode))
        return err_set(e, -ENOTDIR, "the mount point %s is not a directory", path);
    return check_empty(path, e);
}

long mountpoint_connection(const char *path)
{
    struct mounted there;
    return find_mount(path, &there) ? (long)there.minor : -1;
}

void connection_abort(long connection)
{
    char path[64];
    if (connection < 0)
        return;
    snprintf(path, sizeof path, "/sys/fs/fuse/connections/%ld/abort", connection);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* fusectl isn't mounted: unmounting has to do */
    (void)!write(fd, "1", 1);
    close(fd);
}
