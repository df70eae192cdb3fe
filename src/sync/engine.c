/* engine.c — the engine and its thread: made, started, its loop, stopped, freed. */
#include "sync/engine_internal.h"
#include "sync/parse.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------ the loop */

static void drain(struct engine *g)
{
    struct item it;
    while (inbox_take(g, &it)) {
        if (it.type == ITEM_ASK)
            ask_dispatch(g, it.ask);
        else if (it.type == ITEM_INTERRUPT)
            ask_interrupt(g, it.id);
        else
            it.fn(it.ctx);
    }
}

static void poll_once(struct engine *g)
{
    struct pollfd fds[80];
    size_t n = g->fds_n < 80 ? g->fds_n : 80;
    for (size_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = g->fds[i].fd, .events = g->fds[i].events};
    net_poll(g->net, fds, n, g->stopping ? 50 : -1);
    for (size_t i = 0; i < n; i++) {
        if (!fds[i].revents)
            continue;
        for (size_t j = 0; j < g->fds_n; j++) { /* it may have gone since */
            if (g->fds[j].fd == fds[i].fd) {
                g->fds[j].ready(g->fds[j].ctx, fds[i].fd, fds[i].revents);
                break;
            }
        }
    }
}

int engine_watch_fd(struct engine *g, int fd, short events, void (*ready)(void *ctx, int fd, short revents), void *ctx)
{
    struct fd_watch w = {fd, events, ready, ctx};
    for (size_t i = 0; i < g->fds_n; i++) {
        if (g->fds[i].fd == fd) {
            g->fds[i] = w;
            return 0;
        }
    }
    struct fd_watch *grown = realloc(g->fds, (g->fds_n + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    g->fds = grown;
    g->fds[g->fds_n++] = w;
    return 0;
}

void engine_unwatch_fd(struct engine *g, int fd)
{
    for (size_t i = 0; i < g->fds_n; i++) {
        if (g->fds[i].fd == fd) {
            g->fds[i] = g->fds[--g->fds_n];
            return;
        }
    }
}

static void *engine_main(void *ctx)
{
    struct engine *g = ctx;
    pthread_setname_np(pthread_self(), "lmsfs-engine");
    dry_undo(g);
    for (size_t i = 0; i < g->tenants_n; i++) {
        struct tenant *t = &g->tenants[i];
        accepted_replay(t);
        watch_replay(t);
        save_replay(t);
        successor_load(t);
        removal_replay(t);
        trickle_start(t);
    }
    pthread_mutex_lock(&g->lock);
    g->replayed = true;
    pthread_cond_signal(&g->replay_over);
    pthread_mutex_unlock(&g->lock);
    do {
        drain(g);
        parse_deliver(g);
        if (g->stopping && (g->busy == 0 || now_ms() >= g->stop_at_ms))
            break;
        poll_once(g);
    } while (true);
    for (size_t i = 0; i < g->tenants_n; i++)
        trickle_stop(&g->tenants[i]);
    parse_stop(g);
    ask_end_all(g);
    bulk_free(g);
    struct net *n = g->net;
    g->net = NULL; /* tenant_send answers -ESHUTDOWN from here on */
    net_free(n);
    for (size_t i = 0; i < g->tenants_n; i++) {
        struct tenant *t = &g->tenants[i];
        watch_end_waiting(t);
        save_free(t);
        removal_free(t);
        watch_free(t);
        list_free(t);
        search_free(t);
        fetch_free(t);
        fetch_all_free(t);
        own_free(t);
        touched_free(t);
        successor_free(t);
        trickle_free(t);
        session_free(t);
    }
    drain(g); /* closed: what came in before is answered */
    ask_end_all(g);
    return NULL;
}

/* ------------------------------------------------------------------ start and end */

int engine_start(struct engine *g, struct err *e)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int r = pthread_create(&g->thread, NULL, engine_main, g);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r)
        return err_set(e, -r, "can't start the engine's thread: %s", strerror(r));
    g->started = true;
    pthread_mutex_lock(&g->lock);
    while (!g->replayed) /* what is pending and hidden must be so before anybody looks */
        pthread_cond_wait(&g->replay_over, &g->lock);
    pthread_mutex_unlock(&g->lock);
    return 0;
}

static void begin_stop(void *ctx)
{
    struct engine *g = ctx;
    g->stopping = true;
}

void engine_stop(struct engine *g, int grace_ms)
{
    if (!g->started)
        return;
    g->stop_at_ms = now_ms() + grace_ms;
    while (engine_run(g, begin_stop, g) == -EBUSY)
        sched_yield(); /* the queue drains: the engine never waits for us */
    pthread_mutex_lock(&g->lock);
    g->closed = true;
    pthread_mutex_unlock(&g->lock);
    pthread_join(g->thread, NULL);
    g->started = false;
}

int engine_new(const struct conf *conf, struct engine **out, struct err *e)
{
    struct err warning = {0};
    struct engine *g = calloc(1, sizeof *g);
    if (!g)
        return err_set(e, -ENOMEM, "out of memory");
    g->conf = conf;
    g->audit.fd = -1;
    pthread_mutex_init(&g->lock, NULL);
    pthread_mutex_init(&g->fresh_lock, NULL);
    pthread_cond_init(&g->replay_over, NULL);
    pthread_mutex_init(&g->secrets_lock, NULL);
    int r = -ENOMEM;
    g->tenants = calloc(conf->tenants_n, sizeof *g->tenants);
    if (inbox_open(g) || !g->tenants)
        goto fail;
    r = store_open(conf->cache_dir, &g->store, &warning);
    if (r) {
        *e = warning;
        goto fail;
    }
    g->net = net_new(e);
    r = g->net ? 0 : (e->code ? e->code : -ENOMEM);
    if (r)
        goto fail;
    if ((r = audit_open(g, e)))
        goto fail;
    for (; g->tenants_n < conf->tenants_n; g->tenants_n++)
        if ((r = tenant_init(g, &g->tenants[g->tenants_n], &conf->tenants[g->tenants_n], e)))
            goto fail;
    struct store_write *w;
    if ((r = store_write_begin(g->store, &w, e)))
        goto fail;
    r = store_clear_marks(w, e); /* the flows set them again from the ledger */
    if (r) {
        store_write_abort(w);
        goto fail;
    }
    if ((r = store_write_commit(w, e)))
        goto fail;
    if (warning.text[0])
        *e = warning;
    e->code = 0;
    *out = g;
    return 0;
fail:
    engine_free(g);
    return r;
}

void engine_free(struct engine *g)
{
    if (!g)
        return;
    if (g->net) { /* never started */
        struct net *n = g->net;
        g->net = NULL;
        net_free(n);
        for (size_t i = 0; i < g->tenants_n; i++)
            session_free(&g->tenants[i]);
    }
    for (size_t i = 0; i < g->tenants_n; i++) {
        guard_free(&g->tenants[i]);
        metrics_free(&g->tenants[i]);
    }
    for (size_t i = 0; g->tenants && i < g->conf->tenants_n; i++) {
        crawl_free(g->tenants[i].crawl_opens);
        crawl_free(g->tenants[i].crawl_parents);
    }
    audit_close(g);
    if (g->store)
        store_close(g->store);
    pthread_cond_destroy(&g->replay_over);
    list_forget_fresh(g);
    pthread_mutex_destroy(&g->fresh_lock);
    secrets_free(g);
    pthread_mutex_destroy(&g->secrets_lock);
    pthread_mutex_destroy(&g->lock);
    free(g->ring);
    if (g->reread)
        conf_release(g->reread);
    free(g->reread);
    free(g->tenants);
    free(g->fds);
    free(g->held);
    free(g);
}

struct store *engine_store(struct engine *g)
{
    return g->store;
}
