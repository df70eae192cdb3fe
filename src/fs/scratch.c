/* scratch.c — local names and their numbers. */
#include "scratch_table.h"
#include "numbers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

/* ------------------------------------------------------------------ beginning and end */

int scratch_folder_empty(int dirfd)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        int code = -errno;
        if (fd >= 0)
            close(fd);
        return code;
    }
    int code = 0;
    for (struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlinkat(dirfd, e->d_name, 0))
            code = -errno;
    closedir(d);
    return code;
}

/* A folder of an earlier mount is nobody's any more: a living one holds its lock. */
static void sweep_old(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        unlinkat(parent, name, 0);
        return;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && scratch_folder_empty(fd) == 0)
        unlinkat(parent, name, AT_REMOVEDIR);
    close(fd);
}

static int sweep_all(const char *parent)
{
    DIR *d = opendir(parent);
    if (!d)
        return -errno;
    for (struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            sweep_old(dirfd(d), e->d_name);
    closedir(d);
    return 0;
}

static int folder_make(struct scratch *s, const char *parent)
{
    if (mkdir(parent, 0700) && errno != EEXIST)
        return -errno;
    int code = sweep_all(parent);
    if (code)
        return code;
    if (asprintf(&s->path, "%s/%llu", parent, (unsigned long long)s->mount_count) < 0) {
        s->path = NULL;
        return -ENOMEM;
    }
    if (mkdir(s->path, 0700) && errno != EEXIST)
        return -errno;
    s->dirfd = open(s->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (s->dirfd < 0 || flock(s->dirfd, LOCK_EX | LOCK_NB))
        return -errno;
    return scratch_folder_empty(s->dirfd);
}

int scratch_new(const char *dir, uint64_t mount_count, size_t max, struct scratch **out, struct err *e)
{
    struct scratch *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, -ENOMEM, "out of memory");
    s->dirfd = -1;
    s->mount_count = mount_count;
    s->max = max;
    pthread_mutex_init(&s->lock, NULL);
    int code = folder_make(s, dir);
    if (code) {
        err_set(e, code, "can't make an empty folder in %s: %s", dir, strerror(-code));
        scratch_free(s);
        return code;
    }
    *out = s;
    return 0;
}

static void file_free(struct file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->target);
    free(f->place);
    free(f);
}

void scratch_free(struct scratch *s)
{
    if (!s)
        return;
    HASH_CLEAR(by_place, s->places);
    struct file *f, *fnext;
    HASH_ITER(by_ino, s->files, f, fnext)
    {
        HASH_DELETE(by_ino, s->files, f);
        file_free(f);
    }
    struct folder *d, *dnext;
    HASH_ITER(hh, s->folders, d, dnext)
    {
        HASH_DEL(s->folders, d);
        free(d);
    }
    if (s->dirfd >= 0 && s->path) {
        scratch_folder_empty(s->dirfd);
        rmdir(s->path);
        close(s->dirfd);
        char *slash = strrchr(s->path, '/');
        if (slash)
            *slash = '\0';
        rmdir(s->path); /* if no other mount has its folder there */
    }
    pthread_mutex_destroy(&s->lock);
    free(s->path);
    free(s);
}

/* ------------------------------------------------------------------ with the lock held */

static struct timespec wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t;
}

void scratch_touch(struct file *f)
{
    f->a.mtime = f->a.ctime = wall();
}

struct file *scratch_file(struct scratch *s, uint64_t ino)
{
    struct file *f = NULL;
    HASH_FIND(by_ino, s->files, &ino, sizeof ino, f);
    return f;
}

static void place_init(struct place *p, uint64_t dir, const char *name)
{
    p->dir = dir;
    snprintf(p->name, sizeof p->name, "%s", name);
}

static size_t place_len(const struct place *p)
{
    return offsetof(struct place, name) + strlen(p->name);
}

static struct file *find_place(struct scratch *s, uint64_t dir, const char *name)
{
    struct place p;
    struct file *f = NULL;
    if (!s->places || strlen(name) >= sizeof p.name)
        return NULL;
    place_init(&p, dir, name);
    HASH_FIND(by_place, s->places, &p, place_len(&p), f);
    return f;
}

static struct folder *folder_of(struct scratch *s, uint64_t dir, bool make)
{
    struct folder *d = NULL;
    HASH_FIND(hh, s->folders, &dir, sizeof dir, d);
    if (d || !make)
        return d;
    d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->ino = dir;
    HASH_ADD(hh, s->folders, ino, sizeof d->ino, d);
    return d;
}

static void folder_changed(struct scratch *s, struct folder *d)
{
    struct timespec t = wall();
    int64_t ns = t.tv_sec * 1000000000ll + t.tv_nsec;
    s->last_ns = ns > s->last_ns ? ns : s->last_ns + 1;
    d->changed_ns = s->last_ns;
}

/* Gives it a name. -ENOMEM leaves it as it was. */
static int place_add(struct scratch *s, struct file *f, uint64_t dir, const char *name)
{
    struct place *p = malloc(sizeof *p);
    struct folder *d = folder_of(s, dir, true);
    if (!p || !d) {
        free(p);
        return -ENOMEM;
    }
    place_init(p, dir, name);
    f->place = p;
    f->a.dir = dir;
    f->a.serial = ++s->serial;
    f->a.nlink = 1;
    f->a.ctime = wall();
    snprintf(f->a.name, sizeof f->a.name, "%s", name);
    HASH_ADD_KEYPTR(by_place, s->places, p, place_len(p), f);
    DL_APPEND(d->first, f);
    d->documents += f->a.document;
    folder_changed(s, d);
    return 0;
}

static void place_remove(struct scratch *s, struct file *f)
{
    if (!f->place)
        return;
    struct folder *d = folder_of(s, f->place->dir, false);
    HASH_DELETE(by_place, s->places, f);
    DL_DELETE(d->first, f);
    d->documents -= f->a.document;
    folder_changed(s, d);
    free(f->place);
    f->place = NULL;
    f->a.name[0] = '\0';
    f->a.nlink = 0;
    f->a.ctime = wall();
}

static void bytes_remove(struct scratch *s, struct file *f)
{
    char name[24];
    if (!f->bytes)
        return;
    snprintf(name, sizeof name, "%llu", (unsigned long long)f->bytes);
    unlinkat(s->dirfd, name, 0);
    f->bytes = 0;
}

void scratch_drop_if_over(struct scratch *s, struct file *f)
{
    if (f->place || f->opens || f->pins)
        return;
    if (f->fd >= 0) {
        close(f->fd);
        f->fd = -1;
    }
    bytes_remove(s, f);
    f->a.size = f->a.record ? 0 : f->a.size;
    if (f->known || f->carried)
        return;
    HASH_DELETE(by_ino, s->files, f);
    file_free(f);
}

static struct file *file_new(struct scratch *s, const struct scratch_make *k, mode_t type, uint64_t ino)
{
    struct file *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->fd = -1;
    f->a.ino = ino;
    f->a.mode = type | (k->mode & 07777);
    f->a.uid = k->uid;
    f->a.gid = k->gid;
    f->a.atime = wall();
    scratch_touch(f);
    HASH_ADD(by_ino, s->files, a.ino, sizeof f->a.ino, f);
    return f;
}

static int make(struct scratch *s, const struct scratch_make *k, mode_t type, bool document, char *target,
                struct scratch_attr *out)
{
    int code = 0;
    struct file *f = NULL;
    if (strlen(k->name) > 255)
        return -ENAMETOOLONG;
    pthread_mutex_lock(&s->lock);
    uint64_t ino = number_of_mount(INO_SCRATCH, s->mount_count, s->counter + 1);
    if (find_place(s, k->dir, k->name))
        code = -EEXIST;
    else if (!ino)
        code = -ENOSPC;
    else if (!(f = file_new(s, k, type, ino)))
        code = -ENOMEM;
    if (code == 0) {
        s->counter++;
        f->a.document = document;
        code = place_add(s, f, k->dir, k->name);
        if (code == 0 && target) {
            f->a.size = (off_t)strlen(target);
            f->target = target;
        }
        *out = f->a;
        scratch_drop_if_over(s, f);
    }
    pthread_mutex_unlock(&s->lock);
    return code;
}

/* ------------------------------------------------------------------ names */

int scratch_create(struct scratch *s, const struct scratch_make *k, bool document, struct scratch_attr *out)
{
    return make(s, k, S_IFREG, document, NULL, out);
}

int scratch_symlink(struct scratch *s, const struct scratch_make *k, const char *target, struct scratch_attr *out)
{
    char *copy = strdup(target);
    int code = copy ? make(s, k, S_IFLNK, false, copy, out) : -ENOMEM;
    if (code)
        free(copy);
    return code;
}

static void unlink_file(struct scratch *s, struct file *f)
{
    place_remove(s, f);
    scratch_drop_if_over(s, f);
}

/* As if it had never been made: the number means the record again. */
static void take_backup_back(struct scratch *s, uint64_t ino)
{
    pthread_mutex_lock(&s->lock);
    struct file *f = scratch_file(s, ino);
    if (f) {
        f->carried = false;
        unlink_file(s, f);
    }
    pthread_mutex_unlock(&s->lock);
}

static int place_backup(struct scratch *s, uint64_t ino, const struct scratch_make *k)
{
    int code = 0;
    pthread_mutex_lock(&s->lock);
    struct file *there = find_place(s, k->dir, k->name), *f = scratch_file(s, ino);
    if (there && there != f)
        unlink_file(s, there);
    if (f) /* can't be: the number was a record's until now */
        code = -EEXIST;
    else if (!(f = file_new(s, k, S_IFREG, ino)))
        code = -ENOMEM;
    else if ((code = place_add(s, f, k->dir, k->name)))
        scratch_drop_if_over(s, f);
    else {
        f->carried = true;
        atomic_store(&s->carried, true);
    }
    pthread_mutex_unlock(&s->lock);
    return code;
}

int scratch_backup(struct scratch *s, uint64_t ino, const struct scratch_make *k, const void *data, size_t len)
{
    if (len > s->max)
        return -EFBIG;
    int code = place_backup(s, ino, k);
    if (code)
        return code;
    for (size_t done = 0; code == 0 && done < len;) {
        ssize_t n = scratch_write(s, ino, (const char *)data + done, len - done, (off_t)done);
        if (n <= 0)
            code = n ? (int)n : -EIO;
        else
            done += (size_t)n;
    }
    if (code)
        take_backup_back(s, ino);
    return code;
}

int scratch_find(struct scratch *s, uint64_t dir, const char *name, struct scratch_attr *out)
{
    pthread_mutex_lock(&s->lock);
    struct file *f = find_place(s, dir, name);
    if (f)
        *out = f->a;
    pthread_mutex_unlock(&s->lock);
    return f ? 0 : -ENOENT;
}

int scratch_unlink(struct scratch *s, uint64_t dir, const char *name)
{
    pthread_mutex_lock(&s->lock);
    struct file *f = find_place(s, dir, name);
    if (f)
        unlink_file(s, f);
    pthread_mutex_unlock(&s->lock);
    return f ? 0 : -ENOENT;
}

int scratch_rename(struct scratch *s, uint64_t dir, const char *name, uint64_t to_dir, const char *to_name, bool replace)
{
    int code = 0;
    if (strlen(to_name) > 255)
        return -ENAMETOOLONG;
    pthread_mutex_lock(&s->lock);
    struct file *f = find_place(s, dir, name), *there = find_place(s, to_dir, to_name);
    if (!f)
        code = -ENOENT;
    else if (there && !replace)
        code = -EEXIST;
    else if (there != f) {
        struct file probe = *f; /* the name first, so that a failure changes nothing */
        place_remove(s, f);
        if (there)
            unlink_file(s, there);
        code = place_add(s, f, to_dir, to_name);
        if (code)
            place_add(s, f, dir, probe.a.name);
    }
    pthread_mutex_unlock(&s->lock);
    return code;
}

int scratch_next(struct scratch *s, uint64_t dir, uint64_t after, struct scratch_attr *out)
{
    int code = -ENOENT;
    pthread_mutex_lock(&s->lock);
    struct folder *d = folder_of(s, dir, false);
    for (struct file *f = d ? d->first : NULL; f && code; f = f->next) {
        if (f->a.serial <= after)
            continue;
        *out = f->a;
        code = 0;
    }
    pthread_mutex_unlock(&s->lock);
    return code;
}

bool scratch_has_documents(struct scratch *s, uint64_t dir)
{
    pthread_mutex_lock(&s->lock);
    struct folder *d = folder_of(s, dir, false);
    bool has = d && d->documents;
    pthread_mutex_unlock(&s->lock);
    return has;
}

int64_t scratch_changed_ns(struct scratch *s, uint64_t dir)
{
    pthread_mutex_lock(&s->lock);
    struct folder *d = folder_of(s, dir, false);
    int64_t ns = d ? d->changed_ns : 0;
    pthread_mutex_unlock(&s->lock);
    return ns;
}

/* ------------------------------------------------------------------ numbers */

int scratch_get(struct scratch *s, uint64_t ino, struct scratch_attr *out)
{
    pthread_mutex_lock(&s->lock);
    struct file *f = scratch_file(s, ino);
    if (f)
        *out = f->a;
    pthread_mutex_unlock(&s->lock);
    return f ? 0 : -ENOENT;
}

bool scratch_has_carried(const struct scratch *s)
{
    return atomic_load(&s->carried);
}

int scratch_readlink(struct scratch *s, uint64_t ino, char *buf, size_t size)
{
    int code = -ENOENT;
    pthread_mutex_lock(&s->lock);
    struct file *f = scratch_file(s, ino);
    if (f) {
        code = f->target ? 0 : -EINVAL;
        if (f->target)
            snprintf(buf, size, "%s", f->target);
    }
    pthread_mutex_unlock(&s->lock);
    return code;
}

int scratch_become(struct scratch *s, uint64_t ino, uint64_t record, unsigned *writers)
{
    pthread_mutex_lock(&s->lock);
    struct file *f = scratch_file(s, ino);
    if (f) {
        *writers = f->a.document ? 0 : f->writers;
        place_remove(s, f);
        f->a.record = record;
        scratch_drop_if_over(s, f);
    }
    pthread_mutex_unlock(&s->lock);
    return f ? 0 : -ENOENT;
}

void scratch_looked_up(struct scratch *s, uint64_t ino)
{
    pthread_mutex_lock(&s->lock);
    struct file *f = scratch_file(s, ino);
    if (f)
        f->known++;
    pthread_mutex_unlock(&s->lock);
}

void scratch_forget(struct scratch *s, uint64_t ino, uint64_t n)
{
    pthread_mutex_lock(&s->lock);
    struct file *f = scratch_file(s, ino);
    if (f) {
        f->known -= n < f->known ? n : f->known;
        scratch_drop_if_over(s, f);
    }
    pthread_mutex_unlock(&s->lock);
}

int scratch_setattr(struct scratch *s, uint64_t ino, const struct scratch_set *set)
{
    pthread_mutex_lock(&s->lock);
    struct file *f = scratch_file(s, ino);
    if (f) {
        if (set->mode)
            f->a.mode = (f->a.mode & S_IFMT) | (*set->mode & 07777);
        if (set->uid)
            f->a.uid = *set->uid;
        if (set->gid)
            f->a.gid = *set->gid;
        if (set->atime)
            f->a.atime = *set->atime;
        if (set->mtime)
            f->a.mtime = *set->mtime;
        f->a.ctime = wall();
    }
    pthread_mutex_unlock(&s->lock);
    return f ? 0 : -ENOENT;
}
