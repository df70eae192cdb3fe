/* A limit of requests in any 60 seconds: a sliding window. */
#include "rate.h"

#include <stdlib.h>

#include "buf.h"
#include "when.h"

#define WINDOW 60.0

bool sb_rate_take(struct rate *r, unsigned limit, unsigned *wait)
{
    double now = sb_mono();

    if (!limit)
        return true;
    if (!r->times)
        r->times = sb_alloc(limit * sizeof(*r->times));
    while (r->used && r->times[r->head] <= now - WINDOW) {
        r->head = (r->head + 1) % limit;
        r->used--;
    }
    if (r->used < limit) {
        r->times[(r->head + r->used++) % limit] = now;
        return true;
    }
    *wait = (unsigned)(r->times[r->head] + WINDOW - now) + 1;
    return false;
}

void sb_rate_release(struct rate *r)
{
    free(r->times);
    *r = (struct rate){0};
}
