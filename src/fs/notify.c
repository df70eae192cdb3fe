/* notify.c — a queue and the thread that empties it. */
#include "base/clock.h"
#include "park.h"
#include "sync/hook.h"
#include "untold.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ITEMS_MAX 1000000
#define IDLE_SIZE 4096 /* of an empty ring that is kept */

struct item {
    uint64_t ino;
    char *name;            /* an entry of ino; NULL: ino itself */
    struct parked *parked; /* or an answer */
};

struct notifier {
    struct fuse_session *session;
    const char *name;
    pthread_t thread;
    bool started;

    pthread_mutex_t lock;
    pthread_cond_t more, idle;
    struct item *ring;
    size_t head, n, size;
    struct untold *untold;
    atomic_size_t untold_n; /* nothing: then who reads needn't take the lock */
    bool busy, closing, lost;
};

struct notifier *notifier_new(struct fuse_session *se, const char *name)
{
    struct notifier *n = calloc(1, sizeof *n);
    struct untold *untold = n ? untold_new() : NULL;
    if (!untold) {
        free(n);
        return NULL;
    }
    n->untold = untold;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->more, NULL);
    pthread_cond_init(&n->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
    n->session = se;
    n->name = name;
    return n;
}

/* ------------------------------------------------------------------ pushing */

static bool grow(struct notifier *n)
{
    size_t size = n->size ? n->size * 2 : 256;
    struct item *bigger = malloc(size * sizeof *bigger);
    if (!bigger)
        return false;
    for (size_t i = 0; i < n->n; i++)
        bigger[i] = n->ring[(n->head + i) % n->size];
    free(n->ring);
    n->ring = bigger;
    n->size = size;
    n->head = 0;
    return true;
}

/* With the lock held. false: it did not go in. */
static bool push(struct notifier *n, struct item it)
{
    if (n->n == n->size && !grow(n))
        return false;
    n->ring[(n->head + n->n++) % n->size] = it;
    pthread_cond_signal(&n->more);
    return true;
}

/* With the lock held, after each change of the table: who waited is answered behind what is queued. */
static void untold_changed(struct notifier *n)
{
    untold_expire(n->untold, monotonic_ms());
    atomic_store(&n->untold_n, untold_count(n->untold));
    struct parked *next;
    for (struct parked *p = untold_answers(n->untold); p; p = next) {
        next = p->next;
        if (!push(n, (struct item){.parked = p}))
            p->answer(p);
    }
}

static void queue_inode(struct notifier *n, uint64_t ino)
{
    bool lost;
    if (untold_queue(n->untold, ino, &lost) && (n->n >= ITEMS_MAX || !push(n, (struct item){.ino = ino}))) {
        untold_unqueue(n->untold, ino);
        lost = true;
    }
    n->lost |= lost;
    untold_changed(n);
}

void notifier_inode(struct notifier *n, uint64_t ino)
{
    pthread_mutex_lock(&n->lock);
    queue_inode(n, ino);
    pthread_mutex_unlock(&n->lock);
}

void notifier_hold(struct notifier *n, uint64_t ino, const void *text, size_t len, int64_t mtime_ns)
{
    pthread_mutex_lock(&n->lock);
    untold_hold(n->untold, ino, text, len, mtime_ns);
    untold_changed(n);
    pthread_mutex_unlock(&n->lock);
}

void notifier_unhold(struct notifier *n)
{
    if (!atomic_load(&n->untold_n))
        return;
    pthread_mutex_lock(&n->lock);
    untold_unhold(n->untold);
    untold_changed(n);
    pthread_mutex_unlock(&n->lock);
}

/* ------------------------------------------------------------------ who asks meanwhile */

bool notifier_pending(struct notifier *n, uint64_t ino)
{
    if (!atomic_load(&n->untold_n))
        return false;
    pthread_mutex_lock(&n->lock);
    bool pending = untold_has(n->untold, ino) || n->lost;
    pthread_mutex_unlock(&n->lock);
    return pending;
}

bool notifier_wait(struct notifier *n, uint64_t ino, struct parked *p)
{
    pthread_mutex_lock(&n->lock);
    bool waits = !n->closing && untold_wait(n->untold, ino, p);
    pthread_mutex_unlock(&n->lock);
    return waits;
}

void notifier_attr(struct notifier *n, uint64_t ino, size_t size, int64_t mtime_ns)
{
    if (!atomic_load(&n->untold_n))
        return;
    pthread_mutex_lock(&n->lock);
    untold_attr(n->untold, ino, size, mtime_ns);
    untold_changed(n);
    pthread_mutex_unlock(&n->lock);
}

bool notifier_text(struct notifier *n, uint64_t ino, const uint64_t *opened, char **copy, size_t *len)
{
    bool again = false;
    *copy = NULL;
    if (!atomic_load(&n->untold_n))
        return false;
    pthread_mutex_lock(&n->lock);
    const char *text = untold_text(n->untold, ino, opened, len, &again);
    if (text && (*copy = malloc(*len ? *len : 1)) && *len)
        memcpy(*copy, text, *len);
    if (again)
        queue_inode(n, ino);
    untold_changed(n);
    pthread_mutex_unlock(&n->lock);
    return text;
}

void notifier_entry(struct notifier *n, uint64_t dir, const char *name)
{
    char *copy = strdup(name);
    pthread_mutex_lock(&n->lock);
    if (!copy || n->n >= ITEMS_MAX || !push(n, (struct item){.ino = dir, .name = copy})) {
        n->lost = true;
        free(copy);
    }
    pthread_mutex_unlock(&n->lock);
}

void notifier_answer(struct notifier *n, struct parked *p)
{
    pthread_mutex_lock(&n->lock);
    bool queued = !n->closing && push(n, (struct item){.parked = p});
    pthread_mutex_unlock(&n->lock);
    if (!queued)
        p->answer(p); /* better too early than never */
}

/* ------------------------------------------------------------------ sending */

static void send_item(struct notifier *n, struct item *it)
{
    if (!it->parked)
        test_slow("notify");
    if (it->parked)
        it->parked->answer(it->parked);
    else if (it->name)
        fuse_lowlevel_notify_inval_entry(n->session, it->ino, it->name, strlen(it->name));
    else
        fuse_lowlevel_notify_inval_inode(n->session, it->ino, 0, 0);
    free(it->name);
}

/* With the lock held and nothing queued: a storm's memory goes with it. */
static void shrink(struct notifier *n)
{
    if (n->size <= IDLE_SIZE)
        return;
    free(n->ring);
    n->ring = NULL;
    n->size = n->head = 0;
}

static void *notifier_main(void *ctx)
{
    struct notifier *n = ctx;
    pthread_setname_np(pthread_self(), n->name);
    pthread_mutex_lock(&n->lock);
    for (;;) {
        while (!n->n && !n->lost && !n->closing) {
            n->busy = false;
            shrink(n);
            pthread_cond_broadcast(&n->idle);
            pthread_cond_wait(&n->more, &n->lock);
        }
        if (!n->n && !n->lost)
            break;
        n->busy = true;
        bool lost = n->lost;
        struct item it = {0};
        if (n->n) {
            it = n->ring[n->head];
            n->head = (n->head + 1) % n->size;
            n->n--;
            if (!it.name && !it.parked)
                untold_take(n->untold, it.ino);
        }
        bool tells = it.ino && !it.name;
        n->lost = false;
        pthread_mutex_unlock(&n->lock);
        if (lost)
            wire_new_epoch(n->session);
        if (it.ino || it.parked)
            send_item(n, &it);
        pthread_mutex_lock(&n->lock);
        if (tells && untold_sent(n->untold, it.ino, monotonic_ms()))
            queue_inode(n, it.ino);
        untold_changed(n);
    }
    n->busy = false;
    pthread_cond_broadcast(&n->idle);
    pthread_mutex_unlock(&n->lock);
    return NULL;
}

/* ------------------------------------------------------------------ beginning and end */

int notifier_start(struct notifier *n, struct err *e)
{
    int r = pthread_create(&n->thread, NULL, notifier_main, n);
    if (r)
        return err_set(e, -r, "can't start a thread: %s", strerror(r));
    n->started = true;
    return 0;
}

int notifier_drain(struct notifier *n, int ms)
{
    if (!n || !n->started)
        return 0;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000l;
    if (until.tv_nsec >= 1000000000l) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000l;
    }
    int r = 0;
    pthread_mutex_lock(&n->lock);
    while ((n->n || n->busy) && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&n->idle, &n->lock, &until);
    r = n->n || n->busy ? -ETIMEDOUT : 0;
    pthread_mutex_unlock(&n->lock);
    return r;
}

void notifier_free(struct notifier *n)
{
    if (!n)
        return;
    pthread_mutex_lock(&n->lock);
    n->closing = true;
    pthread_cond_signal(&n->more);
    pthread_mutex_unlock(&n->lock);
    if (n->started)
        pthread_join(n->thread, NULL);
    untold_unhold(n->untold);
    untold_changed(n);
    for (; n->n; n->n--, n->head = (n->head + 1) % n->size) { /* never started */
        if (n->ring[n->head].parked)
            n->ring[n->head].parked->answer(n->ring[n->head].parked);
        free(n->ring[n->head].name);
    }
    untold_free(n->untold);
    free(n->ring);
    pthread_cond_destroy(&n->more);
    pthread_cond_destroy(&n->idle);
    pthread_mutex_destroy(&n->lock);
    free(n);
}
