/* timer.c — a heap of deadlines: heap[1] is the next one, the children of i are 2i and 2i + 1. */
#include "net/timer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

void timers_release(struct timers *ts)
{
    for (size_t i = 1; i <= ts->n; i++)
        ts->heap[i]->place = 0;
    free(ts->heap);
    *ts = (struct timers){0};
}

int timers_reserve(struct timers *ts)
{
    if (ts->reserved + 1 >= ts->room) {
        size_t room = ts->room ? ts->room * 2 : 64;
        struct timer **heap = reallocarray(ts->heap, room, sizeof *heap);
        if (!heap)
            return -ENOMEM;
        ts->heap = heap;
        ts->room = room;
    }
    ts->reserved++;
    return 0;
}

void timers_unreserve(struct timers *ts)
{
    ts->reserved--;
}

static bool sooner(const struct timer *a, const struct timer *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void put(struct timers *ts, size_t place, struct timer *t)
{
    ts->heap[place] = t;
    t->place = place;
}

/* Moves t, which may stand anywhere, from `place` to where it belongs. */
static void settle(struct timers *ts, size_t place, struct timer *t)
{
    for (; place > 1 && sooner(t, ts->heap[place / 2]); place /= 2)
        put(ts, place, ts->heap[place / 2]);
    for (size_t child; (child = place * 2) <= ts->n; place = child) {
        if (child < ts->n && sooner(ts->heap[child + 1], ts->heap[child]))
            child++;
        if (!sooner(ts->heap[child], t))
            break;
        put(ts, place, ts->heap[child]);
    }
    put(ts, place, t);
}

void timer_start(struct timers *ts, struct timer *t, int64_t due)
{
    timer_stop(ts, t);
    t->due = due;
    t->order = ts->started++;
    ts->n++;
    settle(ts, ts->n, t);
}

void timer_stop(struct timers *ts, struct timer *t)
{
    size_t place = t->place;
    if (place == 0)
        return;
    t->place = 0;
    struct timer *last = ts->heap[ts->n--];
    if (last != t)
        settle(ts, place, last);
}

int64_t timers_wait(const struct timers *ts, int64_t now)
{
    if (ts->n == 0)
        return -1;
    return ts->heap[1]->due > now ? ts->heap[1]->due - now : 0;
}

void timers_run(struct timers *ts, int64_t now)
{
    const uint64_t before = ts->started;
    while (ts->n > 0 && ts->heap[1]->due <= now && ts->heap[1]->order < before) {
        struct timer *t = ts->heap[1];
        timer_stop(ts, t);
        t->fire(t->ctx);
    }
}
