/* net.c — waiting: for the network, for timers, for others' file descriptors. */
#include "net/engine.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define MAX_RESPONSE_DEFAULT ((size_t)8 << 20)
#define WAIT_MOST_MS         3600000

/* OpenSSL writes without MSG_NOSIGNAL: a server that hangs up would kill the program. */
static void ignore_sigpipe(void)
{
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

struct net *net_new(struct err *e)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        err_set(e, -EIO, "libcurl can't be initialized");
        return NULL;
    }
    struct net *n = calloc(1, sizeof *n);
    if (!n) {
        err_set(e, -ENOMEM, "out of memory");
        goto fail;
    }
    TAILQ_INIT(&n->done);
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS)) {
        err_set(e, -ENOTSUP, "this libcurl would block in name resolution (no AsynchDNS)");
        goto fail;
    }
    n->multi = curl_multi_init();
    if (!n->multi) {
        err_set(e, -ENOMEM, "out of memory");
        goto fail;
    }
    if (getrandom(&n->random, sizeof n->random, GRND_NONBLOCK) < 0 || n->random == 0)
        n->random = (uint32_t)wall_ms() | 1;
    ignore_sigpipe();
    return n;
fail:
    free(n);
    curl_global_cleanup();
    return NULL;
}

/* ---- hosts ---- */

static void host_free(struct net_host *h)
{
    timer_stop(&h->net->timers, &h->pump);
    timers_unreserve(&h->net->timers);
    budget_release(&h->budget);
    budget_file_close(&h->file);
    free(h->stamps);
    free(h->name);
    free(h->base_url);
    free(h);
}

static void on_pump(void *arg)
{
    host_pump(arg);
}

static int host_budget(struct net_host *h, int limit, const char *path, struct err *e)
{
    struct budget_stamp *stamps = NULL;
    size_t slots_n = BUDGET_SLOTS;
    if (limit > 0 && path) {
        int rc = budget_file_open(&h->file, path, e);
        if (rc < 0)
            return rc;
        stamps = budget_file_stamps(&h->file);
    } else if (limit > 0) {
        slots_n = (size_t)limit;
        stamps = h->stamps = calloc(slots_n, sizeof *h->stamps);
        if (!stamps)
            return err_set(e, -ENOMEM, "out of memory");
    }
    struct budget_now now = {monotonic_ms(), wall_ms()};
    int rc = budget_init(&h->budget, limit, stamps, slots_n, now);
    return rc < 0 ? err_set(e, rc, "out of memory") : 0;
}

struct net_host *net_host_new(struct net *n, const struct net_host_options *o, struct err *e)
{
    if (transfer_check_url(o->base_url, e) < 0) {
        err_prefix(e, "%s", o->name);
        return NULL;
    }
    if (o->rate_per_minute < 0 || o->rate_per_minute > BUDGET_SLOTS) {
        err_set(e, -EINVAL, "%s: a rate of %d a minute is not from 0 to %d", o->name, o->rate_per_minute, BUDGET_SLOTS);
        return NULL;
    }
    struct net_host *h = calloc(1, sizeof *h);
    if (!h || timers_reserve(&n->timers) < 0) {
        free(h);
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    h->net = n;
    h->name = strdup(o->name);
    h->base_url = strdup(o->base_url);
    h->max_response = o->max_response ? o->max_response : MAX_RESPONSE_DEFAULT;
    h->pump = (struct timer){.fire = on_pump, .ctx = h};
    h->stats.reachable = true;
    for (int class = NET_PEOPLE; class <= NET_BACKGROUND; class ++)
        TAILQ_INIT(&h->queue[class]);
    TAILQ_INIT(&h->waiting);
    TAILQ_INIT(&h->active);
    int rc = h->name && h->base_url ? 0 : err_set(e, -ENOMEM, "out of memory");
    if (rc == 0)
        rc = host_budget(h, o->rate_per_minute, o->budget_file, e);
    if (rc < 0) {
        err_prefix(e, "%s", o->name);
        host_free(h);
        return NULL;
    }
    SLIST_INSERT_HEAD(&n->hosts, h, link);
    return h;
}

void net_host_stats(struct net_host *h, struct net_stats *s)
{
    struct budget_now now = {monotonic_ms(), wall_ms()};
    *s = h->stats;
    s->used = budget_used(&h->budget, now);
    s->limit = h->budget.limit;
    s->queued = h->queued_n;
    s->active = h->active_n;
}

int64_t net_host_estimate(struct net_host *h, enum net_class class, uint64_t n)
{
    struct budget_now now = {monotonic_ms(), wall_ms()};
    return h->budget.limit ? budget_estimate(&h->budget, class, n, now) : -1;
}

/* ---- timers of the flows ---- */

static void flow_timer_free(struct net_timer *t)
{
    timer_stop(&t->net->timers, &t->timer);
    timers_unreserve(&t->net->timers);
    LIST_REMOVE(t, link);
    free(t);
}

static void on_flow_timer(void *arg)
{
    struct net_timer *t = arg;
    void (*fire)(void *) = t->fire;
    void *ctx = t->ctx;
    flow_timer_free(t);
    fire(ctx);
}

struct net_timer *net_timer_start(struct net *n, int64_t delay_ms, void (*fire)(void *ctx), void *ctx)
{
    struct net_timer *t = calloc(1, sizeof *t);
    if (!t || timers_reserve(&n->timers) < 0) {
        free(t);
        return NULL;
    }
    t->net = n;
    t->fire = fire;
    t->ctx = ctx;
    t->timer = (struct timer){.fire = on_flow_timer, .ctx = t};
    LIST_INSERT_HEAD(&n->flow_timers, t, link);
    timer_start(&n->timers, &t->timer, monotonic_ms() + (delay_ms > 0 ? delay_ms : 0));
    return t;
}

void net_timer_stop(struct net_timer *t)
{
    if (t)
        flow_timer_free(t);
}

/* ---- the loop ---- */

void net_wakeup(struct net *n)
{
    curl_multi_wakeup(n->multi);
}

/* curl hides POLLERR and POLLHUP of extra descriptors, and poll(2) can't be told not to report them: so they are looked at once more. */
static int wait_for(struct net *n, struct pollfd *fds, size_t fds_n, int timeout_ms)
{
    unsigned used = 0;
    if (fds_n > n->fds_room) {
        struct curl_waitfd *more = reallocarray(n->fds, fds_n, sizeof *more);
        if (!more)
            return -ENOMEM;
        n->fds = more;
        n->fds_room = fds_n;
    }
    for (size_t i = 0; i < fds_n; i++) {
        short events = (short)((fds[i].events & POLLIN ? CURL_WAIT_POLLIN : 0) |
                               (fds[i].events & POLLPRI ? CURL_WAIT_POLLPRI : 0) |
                               (fds[i].events & POLLOUT ? CURL_WAIT_POLLOUT : 0));
        fds[i].revents = 0;
        if (fds[i].fd >= 0)
            n->fds[used++] = (struct curl_waitfd){fds[i].fd, events, 0};
    }
    CURLMcode rc = curl_multi_poll(n->multi, n->fds, used, timeout_ms, NULL);
    if (rc != CURLM_OK)
        return rc == CURLM_OUT_OF_MEMORY ? -ENOMEM : -EIO;
    if (used > 0 && poll(fds, fds_n, 0) < 0 && errno != EINTR)
        return -errno;
    return 0;
}

static int wait_ms(const struct net *n, int timeout_ms)
{
    if (!TAILQ_EMPTY(&n->done))
        return 0;
    int64_t wait = timers_wait(&n->timers, monotonic_ms());
    if (wait < 0 || wait > WAIT_MOST_MS)
        wait = WAIT_MOST_MS;
    return timeout_ms >= 0 && timeout_ms < wait ? timeout_ms : (int)wait;
}

static void transfers_reap(struct net *n)
{
    CURLMsg *m;
    int left;
    while ((m = curl_multi_info_read(n->multi, &left)))
        if (m->msg == CURLMSG_DONE) {
            CURLcode result = m->data.result; /* m is gone with the handle */
            call_transfer_ended(transfer_owner(m->easy_handle), result);
        }
}

int net_poll(struct net *n, struct pollfd *fds, size_t fds_n, int timeout_ms)
{
    struct net_host *h;
    if (n->inside)
        return -EBUSY;
    for (h = SLIST_FIRST(&n->hosts); h; h = SLIST_NEXT(h, link))
        host_pump(h);
    int rc = wait_for(n, fds, fds_n, wait_ms(n, timeout_ms));
    if (rc < 0)
        return rc;
    int running;
    if (curl_multi_perform(n->multi, &running) != CURLM_OK)
        return -EIO;
    n->inside = true;
    transfers_reap(n);
    timers_run(&n->timers, monotonic_ms());
    calls_complete(n);
    n->inside = false;
    return 0;
}

void net_free(struct net *n)
{
    if (!n)
        return;
    struct net_host *h;
    n->closing = n->inside = true;
    for (h = SLIST_FIRST(&n->hosts); h; h = SLIST_NEXT(h, link))
        host_shut_down(h);
    while (!TAILQ_EMPTY(&n->done))
        calls_complete(n);
    while (!LIST_EMPTY(&n->flow_timers))
        flow_timer_free(LIST_FIRST(&n->flow_timers));
    while ((h = SLIST_FIRST(&n->hosts))) {
        SLIST_REMOVE_HEAD(&n->hosts, link);
        host_free(h);
    }
    timers_release(&n->timers);
    curl_multi_cleanup(n->multi);
    free(n->fds);
    free(n);
    curl_global_cleanup();
}
