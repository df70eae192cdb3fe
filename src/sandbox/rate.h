/* A limit of requests in any 60 seconds. */
#ifndef SANDBOX_RATE_H
#define SANDBOX_RATE_H

#include <stdbool.h>

/* Zero-initialised is a limit that nothing was asked of yet. */
struct rate {
    double *times; /* of the last admitted requests: a ring of the limit's length */
    unsigned head, used;
};

/* True when one more fits under `limit` (0: there is none; the same in each call) and is counted. Else *wait is how many
 * whole seconds until one would. */
bool sb_rate_take(struct rate *r, unsigned limit, unsigned *wait);
void sb_rate_release(struct rate *r);

#endif
