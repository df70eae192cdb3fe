/* Wakes things up later: one thread and a heap of deadlines, however many wait. */
#ifndef SANDBOX_DELAY_H
#define SANDBOX_DELAY_H

struct delay;

/* `wake` is called on the delay's own thread, once for each sb_delay_add. */
struct delay *sb_delay_new(void (*wake)(void *item));

/* From any thread. */
void sb_delay_add(struct delay *d, void *item, unsigned milliseconds);

/* Wakes everything that still waits, at once, and ends the thread; a later sb_delay_add wakes at once, on the caller's. */
void sb_delay_stop(struct delay *d);

/* After sb_delay_stop. */
void sb_delay_free(struct delay *d);

#endif
