/* budget.c — never more requests than the tenant allows in any 60 seconds. */
#include "net/budget.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define HELD_MS (BUDGET_WINDOW_MS + BUDGET_MARGIN_MS)

static void queue_add(struct budget *b, int slot, int64_t until)
{
    b->queue[(b->head + b->counted) % b->limit] = (struct counted){until, slot};
    b->counted++;
}

static void slot_free(struct budget *b, int slot)
{
    b->stamps[slot] = (struct budget_stamp){0, 0};
    b->spare[b->spare_n++] = slot;
}

static void expire(struct budget *b, struct budget_now now)
{
    while (b->counted > 0 && b->queue[b->head].until <= now.mono) {
        slot_free(b, b->queue[b->head].slot);
        b->head = (b->head + 1) % b->limit;
        b->counted--;
    }
}

static int later_first(const void *a, const void *b)
{
    const struct budget_stamp *x = a, *y = b;
    return (x->done < y->done) - (x->done > y->done);
}

/* What a former process left: brought into the first slots, the newest `limit` of it, and counted until its minute is over. Older ones
 * beyond the limit (it was higher then) end before these do, so that leaving them out frees nothing too early. */
static void recover(struct budget *b, size_t slots_n, struct budget_now now)
{
    size_t n = 0;
    for (size_t i = 0; i < slots_n; i++) {
        struct budget_stamp s = b->stamps[i];
        b->stamps[i] = (struct budget_stamp){0, 0};
        if (s.sent == 0)
            continue;
        if (s.done == 0 || s.done > now.wall)
            s.done = now.wall;
        if (s.sent > s.done || s.sent < 0)
            s.sent = s.done;
        if (s.done > now.wall - HELD_MS)
            b->stamps[n++] = s;
    }
    qsort(b->stamps, n, sizeof *b->stamps, later_first);
    for (size_t i = (size_t)b->limit; i < n; i++)
        b->stamps[i] = (struct budget_stamp){0, 0};
    int kept = n < (size_t)b->limit ? (int)n : b->limit;
    for (int slot = kept - 1; slot >= 0; slot--)
        queue_add(b, slot, now.mono + HELD_MS - (now.wall - b->stamps[slot].done));
    for (int slot = b->limit - 1; slot >= kept; slot--)
        b->spare[b->spare_n++] = slot;
}

int budget_init(struct budget *b, int limit, struct budget_stamp *stamps, size_t slots_n, struct budget_now now)
{
    *b = (struct budget){.limit = limit, .stamps = stamps};
    if (limit == 0)
        return 0;
    b->spare = calloc((size_t)limit, sizeof *b->spare);
    b->queue = calloc((size_t)limit, sizeof *b->queue);
    if (!b->spare || !b->queue) {
        budget_release(b);
        return -ENOMEM;
    }
    recover(b, slots_n, now);
    return 0;
}

void budget_release(struct budget *b)
{
    free(b->spare);
    free(b->queue);
    *b = (struct budget){0};
}

int budget_share(const struct budget *b, enum net_class class)
{
    if (b->limit == 0)
        return INT_MAX;
    int kept = b->limit / 5 > 2 ? b->limit / 5 : 2;
    switch (class) {
    case NET_PEOPLE:
        break;
    case NET_LISTING:
        return b->limit - kept > 1 ? b->limit - kept : 1;
    case NET_BACKGROUND:
        return (b->limit + 1) / 2; /* one is taken while less than half are used */
    }
    return b->limit;
}

int budget_used(struct budget *b, struct budget_now now)
{
    expire(b, now);
    return b->in_flight + b->counted;
}

int budget_take(struct budget *b, enum net_class class, struct budget_now now)
{
    if (budget_used(b, now) >= budget_share(b, class))
        return -1;
    b->in_flight++;
    if (b->limit == 0)
        return 0;
    int slot = b->spare[--b->spare_n];
    b->stamps[slot] = (struct budget_stamp){now.wall > 0 ? now.wall : 1, 0};
    return slot;
}

void budget_done(struct budget *b, int slot, bool sent, struct budget_now now)
{
    b->in_flight--;
    if (b->limit == 0)
        return;
    expire(b, now);
    if (!sent) {
        slot_free(b, slot);
        return;
    }
    b->stamps[slot].done = now.wall > 0 ? now.wall : 1;
    queue_add(b, slot, now.mono + HELD_MS);
}

int64_t budget_wait(struct budget *b, enum net_class class, struct budget_now now)
{
    int too_many = budget_used(b, now) - budget_share(b, class) + 1;
    if (too_many <= 0)
        return 0;
    if (too_many > b->counted)
        return -1;
    return b->queue[(b->head + too_many - 1) % b->limit].until - now.mono;
}

int64_t budget_estimate(struct budget *b, enum net_class class, uint64_t n, struct budget_now now)
{
    int used = budget_used(b, now), share = budget_share(b, class);
    if (n == 0)
        return 0;
    /* A request has its slot when the one that is `share` before it has given its own back, and that is how time goes round. */
    int64_t rounds = (int64_t)((n - 1) / (uint64_t)share);
    int must_end = used + (int)((n - 1) % (uint64_t)share) + 1 - share;
    int64_t first = must_end <= 0            ? 0
                    : must_end <= b->counted ? b->queue[(b->head + must_end - 1) % b->limit].until - now.mono
                                             : HELD_MS;
    return (first > 0 ? first : 0) + rounds * HELD_MS;
}
