/* retry.h — whether to send a request again, and when. Pure. */
#ifndef LMSFS_NET_RETRY_H
#define LMSFS_NET_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define RETRY_FIRST_MS 500
#define RETRY_MOST_MS  30000

/* How the last attempt ended. */
struct attempt {
    unsigned number; /* from 1 */
    int status;      /* 0: no reply */
    int retry_after; /* seconds; -1: the reply didn't say */
    bool sent;       /* it may have reached the server */
    bool hopeless;   /* no reply, and the next one would fare no better: a bad certificate, an over-long reply */
    bool idempotent; /* the request */
};

/* May it be sent again without a risk? Before anything was sent and after a 429 always; after 502, 503, 504 and a lost reply only an
 * idempotent request. */
bool retry_is_safe(const struct attempt *a);

/* Milliseconds to wait before the next attempt: doubling from RETRY_FIRST_MS to RETRY_MOST_MS, spread by `random` so that many clients
 * don't come back at once; not before Retry-After has passed. */
int64_t retry_delay_ms(const struct attempt *a, uint32_t random);

/* Retry-After (RFC 9110 §10.2.3): seconds or an HTTP date. Seconds from `now` (Unix), at most a day; -1 for anything else. */
int retry_after_parse(const char *value, int64_t now);

#endif
