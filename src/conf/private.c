/* private.c — files that hold secrets. */
#include "conf/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void private_free(char *text, size_t len)
{
    if (text)
        explicit_bzero(text, len);
    free(text);
}

char *private_string_free(char *s)
{
    if (s)
        private_free(s, strlen(s));
    return NULL;
}

static int check_owner_and_mode(const char *path, const struct stat *st, mode_t forbidden, struct err *e)
{
    if (!S_ISREG(st->st_mode))
        return err_set(e, -EINVAL, "%s: not a regular file", path);
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return err_set(e, -EACCES, "%s: belongs to user %u, who is neither root nor the one that runs lmsfs", path,
                       (unsigned)st->st_uid);
    if (st->st_mode & forbidden)
        return err_set(e, -EACCES, "%s: others can get at it (mode %04o): chmod 600 %s", path,
                       (unsigned)(st->st_mode & 07777), path);
    return 0;
}

/* One byte more than `max` is asked for, so that a file that grew since fstat is noticed too. */
static int read_all(int fd, const char *path, size_t max, char **out, size_t *len, struct err *e)
{
    char *text = malloc(max + 2);
    if (!text)
        return err_set(e, -ENOMEM, "%s: out of memory", path);
    size_t n = 0;
    int rc = 0;
    while (n <= max) {
        ssize_t got = read(fd, text + n, max + 1 - n);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR) {
            rc = err_set(e, -errno, "%s: %s", path, strerror(errno));
            goto fail;
        }
        if (got > 0)
            n += (size_t)got;
    }
    if (n > max) {
        rc = err_set(e, -EFBIG, "%s: longer than %zu bytes", path, max);
        goto fail;
    }
    text[n] = '\0';
    *out = text;
    *len = n;
    return 0;
fail:
    private_free(text, n);
    return rc;
}

int private_read(const char *path, mode_t forbidden, size_t max, char **out, size_t *len, struct err *e)
{
    /* O_NONBLOCK: a FIFO in the file's place must not hang the start. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_set(e, -errno, "%s: %s", path, strerror(errno));
    struct stat st;
    int rc = fstat(fd, &st) < 0 ? err_set(e, -errno, "%s: %s", path, strerror(errno)) : 0;
    if (rc == 0)
        rc = check_owner_and_mode(path, &st, forbidden, e);
    if (rc == 0)
        rc = read_all(fd, path, max, out, len, e);
    close(fd);
    return rc;
}
