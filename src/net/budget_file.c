/* budget_file.c — slots of a budget that outlive the process. */
#include "net/budget_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Belongs to this machine, so that its byte order will do. */
struct budget_file_layout {
    char magic[8];
    uint32_t version, slots;
    struct budget_stamp stamps[BUDGET_SLOTS];
};

static const struct budget_file_layout fresh = {.magic = "lmsfsbgt", .version = 1, .slots = BUDGET_SLOTS};

static bool is_ours(const struct budget_file_layout *map)
{
    return memcmp(map, &fresh, offsetof(struct budget_file_layout, stamps)) == 0;
}

/* Takes the lock and makes the size right. The blocks are allocated: a write to a mapped hole on a full disk would be a SIGBUS. */
static int claim(int fd)
{
    struct stat st;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (st.st_size != (off_t)sizeof fresh && ftruncate(fd, 0) < 0)
        return -errno;
    return -posix_fallocate(fd, 0, sizeof fresh);
}

int budget_file_open(struct budget_file *f, const char *path, struct err *e)
{
    *f = (struct budget_file){0};
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    int rc = fd < 0 ? -errno : claim(fd);
    void *map = MAP_FAILED;
    if (rc == 0) {
        map = mmap(NULL, sizeof fresh, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        rc = map == MAP_FAILED ? -errno : 0;
    }
    if (rc < 0) {
        if (fd >= 0)
            close(fd);
        return err_set(e, rc, "%s: %s", path, rc == -EBUSY ? "in use by another lmsfs" : strerror(-rc));
    }
    *f = (struct budget_file){map, fd};
    if (!is_ours(f->map))
        memcpy(f->map, &fresh, sizeof fresh);
    return 0;
}

void budget_file_close(struct budget_file *f)
{
    if (!f->map)
        return;
    munmap(f->map, sizeof *f->map);
    close(f->fd);
    *f = (struct budget_file){0};
}

struct budget_stamp *budget_file_stamps(struct budget_file *f)
{
    return f->map->stamps;
}
