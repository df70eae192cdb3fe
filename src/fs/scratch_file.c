/* scratch_file.c — the bytes of scratch files. Disk I/O happens without the lock, on a descriptor that is pinned meanwhile. */
#include "scratch_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* With the lock held: have f->fd. */
static int have_fd(struct scratch *s, struct file *f)
{
    char name[24];
    if (f->fd >= 0)
        return 0;
    if (!S_ISREG(f->a.mode) || f->a.document)
        return -EINVAL;
    uint64_t bytes = f->bytes ? f->bytes : ++s->counter;
    snprintf(name, sizeof name, "%llu", (unsigned long long)bytes);
    int fd = openat(s->dirfd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | (f->bytes ? 0 : O_CREAT | O_EXCL), 0600);
    if (fd < 0)
        return -errno;
    f->fd = fd;
    f->bytes = bytes;
    return 0;
}

static void close_if_idle(struct scratch *s, struct file *f)
{
    if (f->opens || f->pins)
        return;
    if (f->fd >= 0) {
        close(f->fd);
        f->fd = -1;
    }
    scratch_drop_if_over(s, f);
}

static int pin(struct scratch *s, uint64_t ino, struct file **out, int *fd)
{
    pthread_mutex_lock(&s->lock);
    struct file *f = scratch_file(s, ino);
    int code = f ? have_fd(s, f) : -ENOENT;
    if (code == 0) {
        f->pins++;
        *out = f;
        *fd = f->fd;
    }
    pthread_mutex_unlock(&s->lock);
    return code;
}

/* size < 0: unchanged; else the file is at least (grow) or exactly that long now. */
static void unpin(struct scratch *s, struct file *f, off_t size, bool grow)
{
    pthread_mutex_lock(&s->lock);
    f->pins--;
    if (size >= 0) {
        if (!grow || size > f->a.size)
            f->a.size = size;
        scratch_touch(f);
    }
    close_if_idle(s, f);
    pthread_mutex_unlock(&s->lock);
}

int scratch_truncate(struct scratch *s, uint64_t ino, off_t size)
{
    struct file *f;
    int fd;
    if (size < 0 || (uint64_t)size > s->max)
        return -EFBIG;
    int code = pin(s, ino, &f, &fd);
    if (code)
        return code;
    if (ftruncate(fd, size))
        code = -errno;
    unpin(s, f, code ? -1 : size, false);
    return code;
}

int scratch_open(struct scratch *s, uint64_t ino, bool write, bool truncate)
{
    pthread_mutex_lock(&s->lock);
    struct file *f = scratch_file(s, ino);
    int code = f ? have_fd(s, f) : -ENOENT;
    if (code == 0) {
        f->opens++;
        f->writers += write;
    }
    pthread_mutex_unlock(&s->lock);
    if (code == 0 && truncate && (code = scratch_truncate(s, ino, 0)))
        scratch_close(s, ino, write);
    return code;
}

void scratch_close(struct scratch *s, uint64_t ino, bool write)
{
    pthread_mutex_lock(&s->lock);
    struct file *f = scratch_file(s, ino);
    if (f && f->opens) {
        f->opens--;
        f->writers -= write && f->writers;
        close_if_idle(s, f);
    }
    pthread_mutex_unlock(&s->lock);
}

ssize_t scratch_read(struct scratch *s, uint64_t ino, void *buf, size_t size, off_t at)
{
    struct file *f;
    int fd;
    int code = pin(s, ino, &f, &fd);
    if (code)
        return code;
    ssize_t n = pread(fd, buf, size, at);
    if (n < 0)
        n = -errno;
    unpin(s, f, -1, false);
    return n;
}

ssize_t scratch_write(struct scratch *s, uint64_t ino, const void *data, size_t size, off_t at)
{
    struct file *f;
    int fd;
    if (at < 0 || (uint64_t)at > s->max || size > s->max - (uint64_t)at)
        return -EFBIG;
    int code = pin(s, ino, &f, &fd);
    if (code)
        return code;
    ssize_t n = pwrite(fd, data, size, at);
    if (n < 0)
        n = -errno;
    unpin(s, f, n > 0 ? at + n : -1, true);
    return n;
}

int scratch_load(struct scratch *s, uint64_t ino, size_t max, char **text, size_t *len)
{
    struct scratch_attr a;
    int code = scratch_get(s, ino, &a);
    if (code)
        return code;
    if ((uint64_t)a.size > max)
        return -EFBIG;
    size_t size = (size_t)a.size, done = 0;
    char *buf = malloc(size + 1);
    if (!buf)
        return -ENOMEM;
    while (done < size) {
        ssize_t n = scratch_read(s, ino, buf + done, size - done, (off_t)done);
        if (n <= 0) {
            code = (int)n;
            break;
        }
        done += (size_t)n;
    }
    if (code) {
        explicit_bzero(buf, done);
        free(buf);
        return code;
    }
    buf[done] = '\0';
    *text = buf;
    *len = done;
    return 0;
}
