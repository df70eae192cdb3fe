/* files.c — attributes' files: numbers and drafts. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#define FILES_MOST 4096

struct file {
    uint64_t ino, record;
    char *attr;
    int fd; /* -1: nobody writes it */
    unsigned writers;
    bool dirty, cut;   /* cut: something was too much, so this isn't all of it */
    UT_hash_handle hh; /* in the order of use */
};

struct files {
    pthread_mutex_t lock;
    char *dir;
    struct file *all;
};

struct files *files_new(const char *dir)
{
    struct files *f = calloc(1, sizeof *f);
    if (f && !(f->dir = strdup(dir))) {
        free(f);
        return NULL;
    }
    if (f)
        pthread_mutex_init(&f->lock, NULL);
    return f;
}

static void drop(struct files *f, struct file *x)
{
    HASH_DEL(f->all, x);
    if (x->fd >= 0)
        close(x->fd);
    free(x->attr);
    free(x);
}

void files_free(struct files *f)
{
    if (!f)
        return;
    while (f->all)
        drop(f, f->all);
    pthread_mutex_destroy(&f->lock);
    free(f->dir);
    free(f);
}

static struct file *find(struct files *f, uint64_t ino)
{
    struct file *x = NULL;
    HASH_FIND(hh, f->all, &ino, sizeof ino, x);
    return x;
}

static void used(struct files *f, struct file *x)
{
    HASH_DEL(f->all, x);
    HASH_ADD(hh, f->all, ino, sizeof x->ino, x);
}

/* The one that was used least lately and that nobody writes. */
static void make_room(struct files *f)
{
    struct file *x = f->all;
    while (x && HASH_COUNT(f->all) >= FILES_MOST) {
        struct file *next = x->hh.next;
        if (!x->writers)
            drop(f, x);
        x = next;
    }
}

static struct file *add(struct files *f, uint64_t ino, uint64_t record, const char *attr)
{
    struct file *x = calloc(1, sizeof *x);
    if (!x || !(x->attr = strdup(attr))) {
        free(x);
        return NULL;
    }
    x->ino = ino;
    x->record = record;
    x->fd = -1;
    make_room(f);
    HASH_ADD(hh, f->all, ino, sizeof x->ino, x);
    return x;
}

/* FNV-1a, 64 bits, folded to what a number has room for. */
static uint64_t hash(uint64_t record, const char *attr)
{
    uint64_t h = (0xcbf29ce484222325ull ^ ino_rec(record)) * 0x100000001b3ull;
    for (; *attr; attr++)
        h = (h ^ (unsigned char)*attr) * 0x100000001b3ull;
    return (h >> 20) ^ h;
}

uint64_t files_number(struct files *f, uint64_t record, const char *attr)
{
    struct file *x;
    uint64_t ino, id = hash(record, attr);
    pthread_mutex_lock(&f->lock);
    for (;; id++) { /* two of one hash take two numbers */
        ino = ino_make_part(INO_FILE, ino_tenant(record), ino_coll(record), FILE_ATTR, id);
        x = find(f, ino);
        if (!x || (x->record == record && !strcmp(x->attr, attr)))
            break;
    }
    if (x)
        used(f, x);
    else
        x = add(f, ino, record, attr);
    pthread_mutex_unlock(&f->lock);
    return x ? ino : 0;
}

int files_what(struct files *f, uint64_t ino, uint64_t *record, char attr[256])
{
    pthread_mutex_lock(&f->lock);
    struct file *x = find(f, ino);
    if (x) {
        *record = x->record;
        snprintf(attr, 256, "%s", x->attr);
        used(f, x);
    }
    pthread_mutex_unlock(&f->lock);
    return x ? 0 : -ESTALE;
}

/* ------------------------------------------------------------------ writing */

static int unnamed_file(const char *dir)
{
    char path[4096];
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    if (snprintf(path, sizeof path, "%s/file.XXXXXX", dir) >= (int)sizeof path)
        return -ENAMETOOLONG;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    unlink(path);
    return fd;
}

static int copy(int from, int to)
{
    char buf[65536];
    off_t at = 0;
    for (ssize_t n; (n = pread(from, buf, sizeof buf, at)) != 0; at += n)
        if (n < 0 || pwrite(to, buf, (size_t)n, at) != n)
            return n < 0 ? -errno : -EIO;
    return 0;
}

int files_open(struct files *f, uint64_t ino, int from)
{
    int code = 0, fd = unnamed_file(f->dir);
    if (fd < 0)
        return fd;
    if (from >= 0)
        code = copy(from, fd);
    pthread_mutex_lock(&f->lock);
    struct file *x = code ? NULL : find(f, ino);
    if (code == 0 && !x)
        code = -ESTALE;
    if (code == 0) {
        x->writers++;
        if (x->fd < 0) {
            x->fd = fd;
            x->dirty = x->cut = false;
            fd = -1;
        }
    }
    pthread_mutex_unlock(&f->lock);
    if (fd >= 0)
        close(fd);
    return code;
}

void files_close(struct files *f, uint64_t ino)
{
    pthread_mutex_lock(&f->lock);
    struct file *x = find(f, ino);
    if (x && x->writers && --x->writers == 0 && x->fd >= 0) {
        close(x->fd);
        x->fd = -1;
        x->dirty = false;
    }
    pthread_mutex_unlock(&f->lock);
}

int files_dup(struct files *f, uint64_t ino)
{
    pthread_mutex_lock(&f->lock);
    struct file *x = find(f, ino);
    int fd = x && x->fd >= 0 ? fcntl(x->fd, F_DUPFD_CLOEXEC, 0) : -1;
    int code = fd < 0 ? (x && x->fd >= 0 ? -errno : -ENOENT) : fd;
    pthread_mutex_unlock(&f->lock);
    return code;
}

static void changed(struct files *f, uint64_t ino, bool cut)
{
    pthread_mutex_lock(&f->lock);
    struct file *x = find(f, ino);
    if (x) {
        x->dirty = true;
        x->cut = cut;
    }
    pthread_mutex_unlock(&f->lock);
}

static bool was_cut(struct files *f, uint64_t ino)
{
    pthread_mutex_lock(&f->lock);
    struct file *x = find(f, ino);
    bool cut = x && x->cut;
    pthread_mutex_unlock(&f->lock);
    return cut;
}

ssize_t files_write(struct files *f, uint64_t ino, const void *data, size_t n, off_t at, size_t max)
{
    if (at < 0 || (uint64_t)at > max || n > max - (uint64_t)at) {
        changed(f, ino, true);
        return -EFBIG;
    }
    int fd = files_dup(f, ino);
    if (fd < 0)
        return fd;
    ssize_t done = pwrite(fd, data, n, at);
    if (done < 0)
        done = -errno;
    close(fd);
    if (done > 0)
        changed(f, ino, was_cut(f, ino));
    return done;
}

int files_truncate(struct files *f, uint64_t ino, off_t size, size_t max)
{
    if (size < 0 || (uint64_t)size > max)
        return -EFBIG;
    int fd = files_dup(f, ino);
    if (fd < 0)
        return fd;
    int code = ftruncate(fd, size) ? -errno : 0;
    close(fd);
    if (code == 0)
        changed(f, ino, size > 0 && was_cut(f, ino)); /* emptied, it begins anew */
    return code;
}

bool files_size(struct files *f, uint64_t ino, off_t *size)
{
    struct stat st;
    int fd = files_dup(f, ino);
    if (fd < 0)
        return false;
    bool known = fstat(fd, &st) == 0;
    *size = st.st_size;
    close(fd);
    return known;
}

int files_settle(struct files *f, uint64_t ino, int *fd)
{
    pthread_mutex_lock(&f->lock);
    struct file *x = find(f, ino);
    bool ask = x && x->fd >= 0 && x->dirty && !x->cut;
    int code = x && x->cut ? -EFBIG : 0;
    *fd = ask ? fcntl(x->fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (*fd >= 0) {
        x->dirty = false;
        code = 1;
    } else if (ask) {
        code = -errno;
    }
    pthread_mutex_unlock(&f->lock);
    return code;
}
