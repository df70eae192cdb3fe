/* call.c — a call's way: queue, wire, retry, completion. engine.h has the states. */
#include "net/engine.h"

#include "base/clock.h"
#include "net/retry.h"

#include <errno.h>
#include <stdlib.h>

/* Calls on the wire per host, so connections too. The last ones are for people: a page that the server takes a minute for must not
 * keep somebody waiting who wants one record. */
static const int parallel[] = {[NET_PEOPLE] = 8, [NET_LISTING] = 6, [NET_BACKGROUND] = 2};

#define PAUSE_MOST_MS 3600000 /* then one request asks again: a Retry-After of days may well be a mistake */

static struct budget_now budget_clock(void)
{
    return (struct budget_now){monotonic_ms(), wall_ms()};
}

static uint32_t random_next(struct net *n) /* xorshift32: for spreading, not for secrets */
{
    n->random ^= n->random << 13;
    n->random ^= n->random >> 17;
    n->random ^= n->random << 5;
    return n->random;
}

/* ---- states ---- */

static struct call_list *list_of(struct net_call *c)
{
    switch (c->state) {
    case CALL_QUEUED:
        return &c->host->queue[c->options.class];
    case CALL_WAITING:
        return &c->host->waiting;
    case CALL_ACTIVE:
        return &c->host->active;
    case CALL_DONE:
        break;
    }
    return &c->host->net->done;
}

static void call_leave(struct net_call *c)
{
    TAILQ_REMOVE(list_of(c), c, link);
    if (c->state == CALL_QUEUED || c->state == CALL_WAITING)
        c->host->queued_n--;
    else if (c->state == CALL_ACTIVE)
        c->host->active_n--;
}

static void call_enter(struct net_call *c, enum call_state state)
{
    c->state = state;
    struct call_list *list = list_of(c);
    struct net_call *after = TAILQ_LAST(list, call_list);
    if (state == CALL_QUEUED) /* by age; nearly always it is the youngest */
        while (after && after->order > c->order)
            after = TAILQ_PREV(after, call_list, link);
    if (after)
        TAILQ_INSERT_AFTER(list, after, c, link);
    else
        TAILQ_INSERT_HEAD(list, c, link);
    if (state == CALL_QUEUED || state == CALL_WAITING)
        c->host->queued_n++;
    else if (state == CALL_ACTIVE)
        c->host->active_n++;
}

static void call_move(struct net_call *c, enum call_state state)
{
    call_leave(c);
    call_enter(c, state);
}

static void call_end(struct net_call *c)
{
    timer_stop(&c->host->net->timers, &c->timer);
    call_move(c, CALL_DONE);
}

/* Ends it without a reply; what earlier attempts had is dropped. */
static void call_fail(struct net_call *c, int code, const char *sentence)
{
    http_reply_release(&c->last.reply);
    err_set(&c->last.err, code, "%s: %s", c->host->name, sentence);
    call_end(c);
}

/* ---- attempts ---- */

/* A reply stands until another attempt may have reached the server: then only that one's end tells what became of the request. */
static void call_learn(struct net_call *c, struct ending *e)
{
    bool sent = c->last.sent || e->sent;
    if (c->last.reply.status && !e->sent) {
        http_reply_release(&e->reply);
    } else {
        http_reply_release(&c->last.reply);
        c->last = *e;
    }
    c->last.sent = sent;
}

static void count_ending(struct net_host *h, const struct ending *e)
{
    if (e->err.code)
        h->stats.failures++;
    if (e->reply.status == 429)
        h->stats.throttled++;
    h->stats.reachable = e->err.code != -EHOSTUNREACH && e->err.code != -ETIMEDOUT;
    if (e->reply.status)
        h->stats.last_reply = wall_s();
}

/* Takes the transfer off the wire; the budget counts it from now if the server may have seen it. */
static void call_take_off(struct net_call *c, CURLcode result, struct ending *e)
{
    transfer_end(c->transfer, result, e);
    c->transfer = NULL;
    budget_done(&c->host->budget, c->slot, e->sent, budget_clock());
}

static void host_pause(struct net_host *h, int64_t until)
{
    if (h->paused_until < until)
        h->paused_until = until;
}

static void call_attempt_over(struct net_call *c, struct ending *e)
{
    struct net_host *h = c->host;
    const struct attempt a = {
        .number = c->attempts,
        .status = e->reply.status,
        .retry_after = e->reply.retry_after,
        .sent = e->sent,
        .hopeless = e->hopeless,
        .idempotent = c->request.idempotent,
    };
    int64_t now = monotonic_ms(), delay = retry_delay_ms(&a, random_next(h->net));
    count_ending(h, e);
    if (a.status == 429)
        host_pause(h, now + (delay < PAUSE_MOST_MS ? delay : PAUSE_MOST_MS));
    call_learn(c, e);
    if (c->options.retry && retry_is_safe(&a) && delay < c->deadline - now) {
        call_move(c, CALL_WAITING);
        timer_start(&h->net->timers, &c->timer, now + delay);
    } else {
        call_end(c);
    }
}

void call_transfer_ended(struct net_call *c, CURLcode result)
{
    struct ending e;
    call_take_off(c, result, &e);
    if (e.err.code)
        err_prefix(&e.err, "%s", c->host->name);
    call_attempt_over(c, &e);
}

static void call_start(struct net_call *c, int slot)
{
    struct net_host *h = c->host;
    struct err e = {0};
    int rc = transfer_start(&c->transfer, h->net->multi, &c->request, h->base_url, h->max_response, c, &e);
    if (rc < 0) {
        budget_done(&h->budget, slot, false, budget_clock());
        call_fail(c, rc, e.text);
        return;
    }
    c->slot = slot;
    h->stats.requests++;
    if (c->attempts++ > 0)
        h->stats.retries++;
    call_move(c, CALL_ACTIVE);
}

/* ---- time ---- */

static void call_out_of_time(struct net_call *c)
{
    if (c->state == CALL_ACTIVE) {
        struct ending e;
        call_take_off(c, CURLE_OPERATION_TIMEDOUT, &e);
        err_set(&e.err, -ETIMEDOUT, "%s: no %s within %d ms", c->host->name, e.sent ? "reply" : "connection",
                c->options.timeout_ms);
        if (!e.sent && c->attempts > 1) {
            count_ending(c->host, &e);
            call_end(c); /* one that had just begun says nothing: those before it do */
            return;
        }
        call_attempt_over(c, &e);
    } else if (c->attempts > 0) {
        call_end(c); /* with what the attempts had */
    } else {
        call_fail(c, -ETIMEDOUT, "the request's turn did not come in time (rate_per_minute, or too many at once)");
    }
}

static void on_call_timer(void *arg)
{
    struct net_call *c = arg;
    if (c->state != CALL_WAITING) {
        call_out_of_time(c);
        return;
    }
    call_move(c, CALL_QUEUED);
    timer_start(&c->host->net->timers, &c->timer, c->deadline);
}

/* ---- queue ---- */

static bool others_wait(const struct net_host *h)
{
    const struct net_call *c;
    TAILQ_FOREACH(c, &h->waiting, link)
    if (c->options.class != NET_BACKGROUND)
        return true;
    return false;
}

/* Whose turn it is: the oldest call of the highest class; the trickle's only when nobody else waits for anything. */
static struct net_call *host_next(struct net_host *h)
{
    for (int class = NET_PEOPLE; class <= NET_BACKGROUND; class ++) {
        struct net_call *c = TAILQ_FIRST(&h->queue[class]);
        if (c)
            return class == NET_BACKGROUND && others_wait(h) ? NULL : c;
    }
    return NULL;
}

void host_pump(struct net_host *h)
{
    struct net_call *c;
    while ((c = host_next(h)) && h->active_n < parallel[c->options.class]) {
        struct budget_now now = budget_clock();
        int slot = h->paused_until > now.mono ? -1 : budget_take(&h->budget, c->options.class, now);
        if (slot < 0) {
            int64_t wait = h->paused_until > now.mono ? h->paused_until - now.mono
                                                      : budget_wait(&h->budget, c->options.class, now);
            if (wait >= 0)
                timer_start(&h->net->timers, &h->pump, now.mono + wait);
            return;
        }
        call_start(c, slot);
    }
}

/* ---- what the flows call ---- */

struct net_call *net_send(struct net_host *h, struct http_request *req, const struct net_options *o, net_done *done,
                          void *ctx)
{
    struct net *n = h->net;
    struct net_call *c = calloc(1, sizeof *c);
    if (!c || timers_reserve(&n->timers) < 0) {
        free(c);
        http_request_release(req);
        return NULL;
    }
    int64_t now = monotonic_ms();
    *c = (struct net_call){
        .host = h,
        .order = n->order++,
        .request = *req,
        .options = *o,
        .started = now,
        .deadline = now + o->timeout_ms,
        .timer = {.fire = on_call_timer, .ctx = c},
        .last.reply.retry_after = -1,
        .done = done,
        .ctx = ctx,
    };
    *req = (struct http_request){0};
    call_enter(c, CALL_QUEUED);
    timer_start(&n->timers, &c->timer, c->deadline);
    struct err e = {0};
    if (n->closing)
        call_fail(c, -ESHUTDOWN, "lmsfs is shutting down");
    else if (transfer_check(&c->request, &e) < 0)
        call_fail(c, e.code, e.text);
    return c;
}

static void call_abort(struct net_call *c, int code, const char *sentence)
{
    if (c->state == CALL_ACTIVE) {
        struct ending e;
        call_take_off(c, CURLE_ABORTED_BY_CALLBACK, &e);
        call_learn(c, &e);
    }
    call_fail(c, code, sentence);
}

void net_cancel(struct net_call *c)
{
    if (c->state != CALL_DONE)
        call_abort(c, -ECANCELED, "cancelled");
}

void net_promote(struct net_call *c, enum net_class class)
{
    if (class >= c->options.class || c->state == CALL_DONE)
        return;
    enum call_state state = c->state;
    call_leave(c);
    c->options.class = class;
    call_enter(c, state);
}

void host_shut_down(struct net_host *h)
{
    struct call_list *lists[] = {&h->active, &h->waiting, &h->queue[NET_PEOPLE], &h->queue[NET_LISTING],
                                 &h->queue[NET_BACKGROUND]};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        while (!TAILQ_EMPTY(lists[i]))
            call_abort(TAILQ_FIRST(lists[i]), -ESHUTDOWN, "lmsfs is shutting down");
}

static void call_complete(struct net_call *c)
{
    struct net *n = c->host->net;
    struct net_result r = {
        .reply = c->last.reply,
        .err = c->last.err,
        .sent = c->last.sent,
        .attempts = c->attempts,
        .elapsed_ms = monotonic_ms() - c->started,
    };
    call_leave(c);
    c->done(c->ctx, &r);
    http_reply_release(&r.reply);
    http_request_release(&c->request);
    timers_unreserve(&n->timers);
    free(c);
}

void calls_complete(struct net *n)
{
    struct net_call *last = TAILQ_LAST(&n->done, call_list), *c;
    bool more = last != NULL;
    while (more && (c = TAILQ_FIRST(&n->done))) {
        more = c != last;
        call_complete(c);
    }
}
