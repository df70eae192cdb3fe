/* budget.h — never more requests than the tenant allows in any 60 seconds, as the server counts them. Pure: the time is passed in.
 *
 * What the server sees of a request happens somewhere between our first byte and its reply. So a slot is taken before sending and given
 * back 60 s and a margin after the reply: whichever instants the server counts by, requests that it sees within one minute held their
 * slots all together at one moment, and there are no more slots than the limit.
 *
 * Time is monotonic for the window; slots carry wall-clock stamps besides, which outlive the process where they lie in a mapped file.
 *
 *   free      sent == 0
 *   in flight sent != 0, done == 0, counted in `in_flight`
 *   counted   sent != 0, done != 0, in the queue until its time has passed
 */
#ifndef LMSFS_NET_BUDGET_H
#define LMSFS_NET_BUDGET_H

#include "lmsfs/net.h"

#include <stddef.h>
#include <stdint.h>

#define BUDGET_WINDOW_MS 60000
#define BUDGET_MARGIN_MS 250
#define BUDGET_SLOTS     6000 /* the greatest limit */

struct budget_stamp {
    int64_t sent, done; /* wall clock, ms */
};

struct budget_now {
    int64_t mono, wall; /* ms */
};

struct budget {
    int limit;                   /* requests in any 60 s; 0 = no limit */
    struct budget_stamp *stamps; /* borrowed, `limit` or more of them */
    int in_flight;
    int *spare; /* stack of free slots */
    int spare_n;
    struct counted {
        int64_t until; /* monotonic */
        int slot;
    } * queue; /* ring of counted slots, the first to end first */
    int head, counted;
};

/* stamps: room for `limit` slots at least (slots_n says how many there are), as a former process may have left them: anything in there
 * that is not a time of the last minute is dropped, times to come are taken for now, and requests that were in flight count as had now.
 * limit 0: stamps may be NULL. -ENOMEM. */
int budget_init(struct budget *b, int limit, struct budget_stamp *stamps, size_t slots_n, struct budget_now now);
void budget_release(struct budget *b);

/* Slots a class may fill: people all, listing what isn't kept for people, background less than half. INT_MAX without a limit. */
int budget_share(const struct budget *b, enum net_class class);

/* A slot for a request that is about to be sent, or -1: not now. */
int budget_take(struct budget *b, enum net_class class, struct budget_now now);
/* The request ended. sent: the server may have seen it; if not, its slot is free at once. */
void budget_done(struct budget *b, int slot, bool sent, struct budget_now now);

/* Milliseconds until the class gets a slot if nothing else happens; 0: now; -1: not before a request in flight has ended. */
int64_t budget_wait(struct budget *b, enum net_class class, struct budget_now now);
/* Milliseconds until the n-th more request of the class has its slot, if nothing else happens and replies come at once. Needs a limit. */
int64_t budget_estimate(struct budget *b, enum net_class class, uint64_t n, struct budget_now now);
int budget_used(struct budget *b, struct budget_now now);

#endif
