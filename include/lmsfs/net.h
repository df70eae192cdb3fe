/* net.h — how requests are sent: one curl multi handle, a budget for each tenant, retries.
 *
 * Everything here belongs to the engine thread (the thread that calls net_poll), except net_wakeup. Completions run on the engine thread,
 * from net_poll or net_free, exactly once each, never from inside net_send. No function blocks but net_poll.
 */
#ifndef LMSFS_NET_H
#define LMSFS_NET_H

#include "lmsfs/err.h"
#include "lmsfs/http.h"
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

struct net;      /* the multi handle, the timers, the queues */
struct net_host; /* one tenant's base URL, budget and statistics */
struct net_call; /* a request on its way; freed after its completion ran */

enum net_class {
    NET_PEOPLE,     /* somebody waits for it: may use the whole budget */
    NET_LISTING,    /* sweeps, refreshes, unattended jobs: leaves the share kept for people */
    NET_BACKGROUND, /* trickle: only when nothing else waits and less than half of the budget is used */
};

/* What became of a call. err.code: 0 when a reply was had (whatever its status); -EHOSTUNREACH (name, connect, TLS refused), -ETIMEDOUT
 * (deadline passed, in the queue or on the wire), -EPROTO (broken reply), -EFBIG (over max_response), -ECANCELED (net_cancel), -ESHUTDOWN
 * (net_free), -EINVAL (can't be sent as it is: a control character in a header, a path that doesn't start with '/', plain http to another
 * machine), -ENOMEM. When several attempts were made, the last one that may have reached the server decides. `sent`: the request may
 * have reached the server — when false, it surely did not. */
struct net_result {
    struct http_reply reply; /* borrowed; valid during the completion. A completion may steal body by setting it NULL */
    struct err err;
    bool sent;
    unsigned attempts;
    int64_t elapsed_ms;
};
typedef void net_done(void *ctx, struct net_result *r);

struct net *net_new(struct err *e); /* SIGPIPE is ignored from then on */
/* Every open call completes with -ESHUTDOWN, and so does what completions send then; timers that run are dropped. NULL is fine. */
void net_free(struct net *n);

struct net_host_options {
    const char *name;     /* tenant, for messages */
    const char *base_url; /* no trailing slash */
    int rate_per_minute;  /* 0 = no limit; at most 6000 */
    size_t max_response;  /* bytes, after unpacking; 0 = 8 MiB */
    const char *budget_file; /* remembers the last minute across restarts and crashes (mmapped ring of send times); NULL: don't */
};
struct net_host *net_host_new(struct net *n, const struct net_host_options *o, struct err *e);
/* Hosts live until net_free. NULL: -EINVAL (base_url, rate), -EBUSY (budget_file is another's), what opening budget_file says, -ENOMEM. */

struct net_options {
    enum net_class class;
    int timeout_ms; /* for everything: queue, retries, wire */
    bool retry; /* resend what is safe: failure before anything was sent, 429 always; 502 503 504 and lost replies only when the
                       request is idempotent. Exponential with jitter from 0.5 s to 30 s, Retry-After obeyed, within timeout_ms */
};
/* Takes over *req (left zeroed), whatever happens. NULL only on -ENOMEM, then `done` is not called.
 * TLS is verified, redirects are not followed, only http/https; the Accept and User-Agent headers are set here; gzip is accepted. */
struct net_call *net_send(struct net_host *h, struct http_request *req, const struct net_options *o, net_done *done,
                          void *ctx);
/* The completion runs later, from net_poll, with -ECANCELED (unless it was already due with another end). */
void net_cancel(struct net_call *c);
/* A waiting call that a person now waits for moves up. */
void net_promote(struct net_call *c, enum net_class class);

/* Timers of the flows (engine thread). One shot; NULL on -ENOMEM. */
struct net_timer;
struct net_timer *net_timer_start(struct net *n, int64_t delay_ms, void (*fire)(void *ctx), void *ctx);
void net_timer_stop(struct net_timer *t); /* NULL is fine; not after it fired */

/* Waits for network, timers, net_wakeup or one of `fds` (revents are set), at most timeout_ms (-1: no bound); runs completions and due
 * timers. Returns 0 or -errno; -EBUSY from inside a completion or a timer. */
int net_poll(struct net *n, struct pollfd *fds, size_t fds_n, int timeout_ms);
void net_wakeup(struct net *n); /* any thread */

struct net_stats {
    uint64_t requests, failures, retries, throttled; /* since start */
    int used;                                        /* of the budget, in the running 60 s */
    int limit;                                       /* 0 = none */
    int queued, active;
    bool reachable;     /* the last call that ended had a reply */
    int64_t last_reply; /* Unix seconds; 0 = never */
};
void net_host_stats(struct net_host *h, struct net_stats *s);
/* Milliseconds until n more requests of the class may have gone out, if nobody else asks for anything; -1: the plan doesn't say. */
int64_t net_host_estimate(struct net_host *h, enum net_class class, uint64_t n);

#endif
