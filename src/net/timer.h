/* timer.h — a heap of deadlines. Pure: the time is passed in. One thread. */
#ifndef LMSFS_NET_TIMER_H
#define LMSFS_NET_TIMER_H

#include <stddef.h>
#include <stdint.h>

typedef void timer_fire(void *ctx);

/* Lives inside of what it wakes; zeroed it is stopped. */
struct timer {
    int64_t due;
    uint64_t order; /* of starting: timers of the same millisecond fire in that order */
    size_t place;   /* in the heap, from 1; 0: stopped */
    timer_fire *fire;
    void *ctx;
};

struct timers {
    struct timer **heap;
    size_t n, room, reserved;
    uint64_t started;
};

void timers_release(struct timers *ts); /* the timers in it just never fire */

/* Room for one timer more. -ENOMEM. A timer that was reserved for can be started at any time without failing: reserve once for each
 * timer that exists, unreserve when it is gone. */
int timers_reserve(struct timers *ts);
void timers_unreserve(struct timers *ts);

void timer_start(struct timers *ts, struct timer *t, int64_t due); /* moves one that was started already */
void timer_stop(struct timers *ts, struct timer *t);               /* a stopped one is fine */

/* Milliseconds from `now` to the next one; 0 when it is due, -1 when there is none. */
int64_t timers_wait(const struct timers *ts, int64_t now);
/* Fires what is due at `now`; not what these start anew, so that it ends. */
void timers_run(struct timers *ts, int64_t now);

#endif
