/* draft.c — texts on their way to be documents. */
#include "draft.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

struct draft {
    uint64_t ino;
    bool fresh;
    unsigned writers;
    uid_t uid; /* who opened it last */
    pid_t pid;
    char *text; /* NULL: the store has it; not NULL, though empty, once begun */
    size_t len, size;
    int64_t mtime_ns;
    uint64_t seq;     /* of the last change */
    uint64_t settled; /* of the last change that was accepted, or that is to be forgotten */
    uint64_t asking;  /* 0: nobody asks */
    uint64_t refused; /* this one had the verdict refusal */
    int refusal;
    struct settle *waiting;
    UT_hash_handle hh;
};

struct drafts {
    pthread_mutex_t lock;
    struct draft *all;
    atomic_uint n; /* most reads find none and take no lock */
    size_t max;
};

struct drafts *drafts_new(size_t max)
{
    struct drafts *d = calloc(1, sizeof *d);
    if (d) {
        pthread_mutex_init(&d->lock, NULL);
        d->max = max;
    }
    return d;
}

/* ------------------------------------------------------------------ with the lock held */

static struct draft *find(struct drafts *d, uint64_t ino)
{
    struct draft *f = NULL;
    HASH_FIND(hh, d->all, &ino, sizeof ino, f);
    return f;
}

static void drop_text(struct draft *f)
{
    if (f->text)
        explicit_bzero(f->text, f->size);
    free(f->text);
    f->text = NULL;
    f->len = f->size = 0;
    f->settled = f->seq;
}

static void drop_if_over(struct drafts *d, struct draft *f)
{
    if (f->writers || f->asking || f->waiting)
        return;
    drop_text(f);
    HASH_DEL(d->all, f);
    atomic_fetch_sub(&d->n, 1);
    free(f);
}

static struct draft *get(struct drafts *d, uint64_t ino)
{
    struct draft *f = find(d, ino);
    if (f)
        return f;
    f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->ino = ino;
    HASH_ADD(hh, d->all, ino, sizeof f->ino, f);
    atomic_fetch_add(&d->n, 1);
    return f;
}

static int reserve(struct drafts *d, struct draft *f, size_t need)
{
    if (need > d->max)
        return -EFBIG;
    if (f->text && need <= f->size)
        return 0;
    size_t size = f->size * 2 > need ? f->size * 2 : need;
    size = size < 4096 ? 4096 : size;
    if (size > d->max)
        size = d->max > need ? d->max : need ? need : 1;
    char *bigger = malloc(size);
    if (!bigger)
        return -ENOMEM;
    if (f->text) {
        memcpy(bigger, f->text, f->len);
        explicit_bzero(f->text, f->size);
        free(f->text);
    }
    f->text = bigger;
    f->size = size;
    return 0;
}

static int begin(struct drafts *d, struct draft *f, const void *base, size_t base_len)
{
    if (f->text)
        return 0;
    int code = reserve(d, f, base_len);
    if (code == 0 && base_len)
        memcpy(f->text, base, base_len);
    if (code == 0)
        f->len = base_len;
    return code;
}

static int resize(struct drafts *d, struct draft *f, size_t len)
{
    int code = reserve(d, f, len);
    if (code == 0 && len > f->len)
        memset(f->text + f->len, 0, len - f->len);
    if (code == 0)
        f->len = len;
    return code;
}

static void changed(struct draft *f)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    f->mtime_ns = t.tv_sec * 1000000000ll + t.tv_nsec;
    f->seq++;
}

/* ------------------------------------------------------------------ handles and changes */

void drafts_free(struct drafts *d)
{
    if (!d)
        return;
    struct draft *f = NULL, *next = NULL;
    HASH_ITER(hh, d->all, f, next)
    {
        drop_text(f);
        HASH_DEL(d->all, f);
        free(f);
    }
    pthread_mutex_destroy(&d->lock);
    free(d);
}

int draft_open(struct drafts *d, uint64_t ino, bool fresh, uid_t uid, pid_t pid)
{
    pthread_mutex_lock(&d->lock);
    struct draft *f = get(d, ino);
    if (f) {
        f->writers++;
        f->fresh |= fresh;
        f->uid = uid;
        f->pid = pid;
    }
    pthread_mutex_unlock(&d->lock);
    return f ? 0 : -ENOMEM;
}

int draft_adopt(struct drafts *d, uint64_t to, unsigned writers)
{
    if (!writers)
        return 0;
    pthread_mutex_lock(&d->lock);
    struct draft *f = get(d, to);
    if (f)
        f->writers += writers;
    pthread_mutex_unlock(&d->lock);
    return f ? 0 : -ENOMEM;
}

bool draft_has_writer(struct drafts *d, uint64_t ino)
{
    if (!atomic_load(&d->n))
        return false;
    pthread_mutex_lock(&d->lock);
    struct draft *f = find(d, ino);
    bool has = f && f->writers;
    pthread_mutex_unlock(&d->lock);
    return has;
}

int draft_write(struct drafts *d, uint64_t ino, const void *base, size_t base_len, const void *data, size_t len, off_t at)
{
    if (at < 0 || (uint64_t)at > d->max || len > d->max - (size_t)at)
        return -EFBIG;
    pthread_mutex_lock(&d->lock);
    struct draft *f = find(d, ino);
    int code = f && f->writers ? begin(d, f, base, base_len) : -ESTALE;
    size_t end = (size_t)at + len;
    if (code == 0 && end > f->len)
        code = resize(d, f, end);
    if (code == 0) {
        memcpy(f->text + at, data, len);
        changed(f);
    }
    pthread_mutex_unlock(&d->lock);
    return code;
}

int draft_truncate(struct drafts *d, uint64_t ino, const void *base, size_t base_len, off_t size)
{
    if (size < 0 || (uint64_t)size > d->max)
        return -EFBIG;
    pthread_mutex_lock(&d->lock);
    struct draft *f = find(d, ino);
    int code = f && f->writers ? begin(d, f, base, size == 0 ? 0 : base_len) : -ESTALE;
    if (code == 0)
        code = resize(d, f, (size_t)size);
    if (code == 0)
        changed(f);
    pthread_mutex_unlock(&d->lock);
    return code;
}

ssize_t draft_read(struct drafts *d, uint64_t ino, void *buf, size_t size, off_t at)
{
    if (!atomic_load(&d->n))
        return -ENOENT;
    ssize_t n = -ENOENT;
    pthread_mutex_lock(&d->lock);
    struct draft *f = find(d, ino);
    if (f && f->text) {
        size_t left = at >= 0 && (uint64_t)at < f->len ? f->len - (size_t)at : 0;
        n = (ssize_t)(size < left ? size : left);
        if (n)
            memcpy(buf, f->text + at, (size_t)n);
    }
    pthread_mutex_unlock(&d->lock);
    return n;
}

bool draft_is_clean(struct drafts *d, uint64_t ino)
{
    if (!atomic_load(&d->n))
        return true;
    pthread_mutex_lock(&d->lock);
    struct draft *f = find(d, ino);
    bool clean = !f || (!f->text && (!f->refused || f->refused != f->seq));
    pthread_mutex_unlock(&d->lock);
    return clean;
}

int draft_stat(struct drafts *d, uint64_t ino, off_t *size, int64_t *mtime_ns)
{
    if (!atomic_load(&d->n))
        return -ENOENT;
    pthread_mutex_lock(&d->lock);
    struct draft *f = find(d, ino);
    int code = f && f->text ? 0 : -ENOENT;
    if (code == 0) {
        *size = (off_t)f->len;
        *mtime_ns = f->mtime_ns;
    }
    pthread_mutex_unlock(&d->lock);
    return code;
}

/* ------------------------------------------------------------------ settling */

static int start_asking(struct draft *f, struct draft_text *out)
{
    char *copy = malloc(f->len + 1);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, f->text, f->len);
    copy[f->len] = '\0';
    f->asking = f->seq;
    *out = (struct draft_text){.text = copy, .len = f->len, .seq = f->seq, .uid = f->uid, .pid = f->pid};
    return DRAFT_ASK;
}

int draft_settle(struct drafts *d, uint64_t ino, struct settle *w, struct draft_text *out)
{
    if (!atomic_load(&d->n))
        return DRAFT_CLEAN;
    int r;
    pthread_mutex_lock(&d->lock);
    struct draft *f = find(d, ino);
    if (f && f->refused && f->refused == f->seq) {
        r = f->refusal;
    } else if (!f || !f->text || f->settled == f->seq) {
        r = DRAFT_CLEAN;
    } else if (f->asking) {
        r = DRAFT_WAIT;
        if (w) {
            w->seq = f->seq;
            w->next = f->waiting;
            f->waiting = w;
        }
    } else {
        r = start_asking(f, out);
    }
    pthread_mutex_unlock(&d->lock);
    return r;
}

int draft_close(struct drafts *d, uint64_t ino, struct draft_text *out)
{
    int r = DRAFT_CLEAN;
    pthread_mutex_lock(&d->lock);
    struct draft *f = find(d, ino);
    if (f && f->writers && --f->writers == 0) {
        if (f->text && f->settled != f->seq && f->refused != f->seq && !f->asking)
            r = start_asking(f, out);
        drop_if_over(d, f);
    }
    pthread_mutex_unlock(&d->lock);
    return r < 0 ? DRAFT_CLEAN : r;
}

/* What waits is split into those whose text was just judged and those who wrote more. */
static void part_waiting(struct draft *f, uint64_t seq, struct settle **same, struct settle **newer)
{
    *same = *newer = NULL;
    while (f->waiting) {
        struct settle *w = f->waiting;
        f->waiting = w->next;
        struct settle **to = w->seq <= seq ? same : newer;
        w->next = *to;
        *to = w;
    }
}

/* With the lock held: `from` is the record `to` now, its text and writers with it. */
static struct draft *rename_draft(struct drafts *d, struct draft *from, uint64_t to)
{
    struct draft *known = find(d, to);
    HASH_DEL(d->all, from);
    if (!known) {
        from->ino = to;
        from->fresh = false;
        from->refused = 0;
        HASH_ADD(hh, d->all, ino, sizeof from->ino, from);
        return from;
    }
    known->writers += from->writers;
    known->uid = from->uid;
    known->pid = from->pid;
    if (!known->text && from->text) {
        known->text = from->text;
        known->len = from->len;
        known->size = from->size;
        known->mtime_ns = from->mtime_ns;
        known->seq++;
        from->text = NULL;
    }
    drop_text(from);
    atomic_fetch_sub(&d->n, 1);
    free(from);
    return known;
}

void draft_verdict(struct drafts *d, uint64_t ino, uint64_t seq, enum draft_end end, int code, uint64_t became,
                   struct settle **same, struct settle **newer)
{
    *same = *newer = NULL;
    pthread_mutex_lock(&d->lock);
    struct draft *f = find(d, ino);
    if (!f)
        goto out;
    f->asking = 0;
    part_waiting(f, seq, same, newer);
    bool more = f->seq != seq;
    if (end == DRAFT_SETTLED && f->settled < seq)
        f->settled = seq;
    if (end == DRAFT_REFUSED) { /* close says it again: emacs takes EINVAL of fsync for a file system that has none */
        f->refused = seq;
        f->refusal = code;
    }
    if ((end == DRAFT_SETTLED || (end == DRAFT_REFUSED && !f->fresh)) && !more)
        drop_text(f);
    if (became)
        f = rename_draft(d, f, became);
    drop_if_over(d, f);
out:
    pthread_mutex_unlock(&d->lock);
}

void draft_abandon(struct drafts *d, uint64_t ino)
{
    pthread_mutex_lock(&d->lock);
    struct draft *f = find(d, ino);
    if (f)
        f->settled = f->seq;
    pthread_mutex_unlock(&d->lock);
}
