/* touched.c — when we ourselves last changed a record, so that an answer that was asked for before that isn't taken for news.
 *
 * A page of a sweep can be on its way for seconds. Its row of a person whose save was accepted and settled meanwhile is the person as it
 * was: shown, it would stand there until the next sweep.
 */
#include "sync/internal.h"

#include <stdlib.h>

#define KEPT_FOR (600 * SECOND) /* no request is under way for longer */
#define KEPT     4096           /* beyond, what is older than that goes */

struct touched {
    uint64_t ino;
    int64_t at_ms;
    UT_hash_handle hh;
};

static void prune(struct tenant *t, int64_t before_ms)
{
    struct touched *one = NULL, *next = NULL;
    HASH_ITER(hh, t->touched, one, next)
    {
        if (one->at_ms >= before_ms)
            continue;
        HASH_DEL(t->touched, one);
        free(one);
    }
}

void touched_note(struct tenant *t, uint64_t ino)
{
    struct touched *one = NULL;
    HASH_FIND(hh, t->touched, &ino, sizeof ino, one);
    if (!one) {
        if (HASH_COUNT(t->touched) && HASH_COUNT(t->touched) % KEPT == 0)
            prune(t, now_ms() - KEPT_FOR);
        if (!(one = calloc(1, sizeof *one)))
            return;
        one->ino = ino;
        HASH_ADD(hh, t->touched, ino, sizeof one->ino, one);
    }
    one->at_ms = now_ms();
}

bool touched_since(struct tenant *t, uint64_t ino, int64_t asked_ms)
{
    struct touched *one = NULL;
    HASH_FIND(hh, t->touched, &ino, sizeof ino, one);
    return one && one->at_ms > asked_ms;
}

void touched_free(struct tenant *t)
{
    prune(t, INT64_MAX);
}
