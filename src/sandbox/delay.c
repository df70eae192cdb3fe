/* Wakes things up later: one thread and a heap of deadlines, however many wait. */
#include "delay.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "buf.h"
#include "when.h"

struct entry {
    double due;
    void *item;
};

struct delay {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool stopping;
    void (*wake)(void *item);
    struct entry *heap; /* the earliest first */
    size_t count, room;
};

static void heap_push(struct delay *d, struct entry e)
{
    size_t i = d->count++;

    if (d->count > d->room) {
        d->room = d->room ? d->room * 2 : 64;
        d->heap = sb_realloc(d->heap, d->room * sizeof(*d->heap));
    }
    while (i && d->heap[(i - 1) / 2].due > e.due) {
        d->heap[i] = d->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    d->heap[i] = e;
}

static struct entry heap_pop(struct delay *d)
{
    struct entry top = d->heap[0], last = d->heap[--d->count];
    size_t i = 0, child;

    while ((child = 2 * i + 1) < d->count) {
        if (child + 1 < d->count && d->heap[child + 1].due < d->heap[child].due)
            child++;
        if (d->heap[child].due >= last.due)
            break;
        d->heap[i] = d->heap[child];
        i = child;
    }
    d->heap[i] = last;
    return top;
}

static void wait_until(struct delay *d, double due)
{
    struct timespec t = {.tv_sec = (time_t)due};

    t.tv_nsec = (long)((due - (double)t.tv_sec) * 1e9);
    pthread_cond_timedwait(&d->changed, &d->lock, &t);
}

static void *run(void *context)
{
    struct delay *d = context;

    pthread_mutex_lock(&d->lock);
    while (!d->stopping || d->count) {
        if (!d->count) {
            pthread_cond_wait(&d->changed, &d->lock);
        } else if (!d->stopping && d->heap[0].due > sb_mono()) {
            wait_until(d, d->heap[0].due);
        } else {
            struct entry e = heap_pop(d);

            pthread_mutex_unlock(&d->lock);
            d->wake(e.item);
            pthread_mutex_lock(&d->lock);
        }
    }
    pthread_mutex_unlock(&d->lock);
    return NULL;
}

struct delay *sb_delay_new(void (*wake)(void *item))
{
    struct delay *d = sb_alloc(sizeof(*d));
    pthread_condattr_t attr;

    d->wake = wake;
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&d->thread, NULL, run, d) != 0) {
        free(d);
        return NULL;
    }
    return d;
}

void sb_delay_add(struct delay *d, void *item, unsigned milliseconds)
{
    bool late;

    pthread_mutex_lock(&d->lock);
    late = d->stopping;
    if (!late)
        heap_push(d, (struct entry){.due = sb_mono() + milliseconds / 1000.0, .item = item});
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
    if (late)
        d->wake(item);
}

void sb_delay_stop(struct delay *d)
{
    pthread_mutex_lock(&d->lock);
    d->stopping = true;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
}

void sb_delay_free(struct delay *d)
{
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->lock);
    free(d->heap);
    free(d);
}
