/* engine.h — what net.c (waiting) and call.c (calls) share. Everything here belongs to the engine thread.
 *
 * A call is in exactly one list, by its state:
 *   queued   host->queue[class], ordered by `order`: waits for its class's share of the budget
 *   waiting  host->waiting: backs off; its timer puts it back into the queue, at the place it had
 *   active   host->active: on the wire; holds a slot of the budget and a transfer
 *   done     net->done: its completion is due; nothing of it changes any more
 * Its one timer runs for the deadline, but in `waiting`, which always ends before the deadline.
 */
#ifndef LMSFS_NET_ENGINE_H
#define LMSFS_NET_ENGINE_H

#include "lmsfs/net.h"
#include "net/budget.h"
#include "net/budget_file.h"
#include "net/timer.h"
#include "net/transfer.h"

#include <sys/queue.h>

TAILQ_HEAD(call_list, net_call);

enum call_state { CALL_QUEUED, CALL_WAITING, CALL_ACTIVE, CALL_DONE };

struct net_call {
    TAILQ_ENTRY(net_call) link;
    struct net_host *host;
    enum call_state state;
    uint64_t order; /* of net_send */
    struct http_request request;
    struct net_options options;
    int64_t started, deadline;
    struct timer timer;
    struct transfer *transfer; /* active */
    int slot;                  /* active */
    unsigned attempts;
    struct ending last; /* of the attempts so far, the one that tells most; sent: of any of them */
    net_done *done;
    void *ctx;
};

struct net_host {
    SLIST_ENTRY(net_host) link;
    struct net *net;
    char *name, *base_url;
    size_t max_response;
    struct call_list queue[NET_BACKGROUND + 1], waiting, active;
    int queued_n, active_n; /* queued_n counts `waiting` too */
    struct budget budget;
    struct budget_file file;
    struct budget_stamp *stamps; /* where there is no file */
    int64_t paused_until;        /* monotonic: after a 429 nobody sends */
    struct timer pump;           /* when a slot gets free or the pause ends */
    struct net_stats stats;
};

struct net_timer {
    LIST_ENTRY(net_timer) link;
    struct net *net;
    struct timer timer;
    void (*fire)(void *ctx);
    void *ctx;
};

struct net {
    CURLM *multi;
    struct timers timers;
    SLIST_HEAD(host_list, net_host) hosts;
    LIST_HEAD(timer_list, net_timer) flow_timers;
    struct call_list done;
    uint64_t order;
    uint32_t random;
    bool inside;  /* a completion or timer runs: net_poll must not */
    bool closing; /* net_free: what is sent now ends at once */
    struct curl_waitfd *fds;
    size_t fds_room;
};

/* call.c */
void host_pump(struct net_host *h); /* sends what may be sent now, and sets the timer for what may not yet */
void host_shut_down(struct net_host *h);
void call_transfer_ended(struct net_call *c, CURLcode result);
void calls_complete(struct net *n); /* runs the completions that are due now, not those that they cause */

#endif
