/* inbox.c — what other threads hand to the engine: asks, interrupts, functions to run. */
#include "sync/engine_internal.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#define RING 65536 /* items that other threads may have handed over and the engine not yet taken */

int inbox_open(struct engine *g)
{
    g->ring = calloc(RING, sizeof *g->ring);
    return g->ring ? 0 : -ENOMEM;
}

static int enqueue(struct engine *g, struct item it)
{
    int r = 0;
    pthread_mutex_lock(&g->lock);
    if (g->closed)
        r = -ESHUTDOWN;
    else if (g->ring_n == RING)
        r = -EBUSY;
    else
        g->ring[(g->ring_head + g->ring_n++) % RING] = it;
    pthread_mutex_unlock(&g->lock);
    if (r == 0)
        net_wakeup(g->net);
    return r;
}

bool inbox_take(struct engine *g, struct item *it)
{
    pthread_mutex_lock(&g->lock);
    bool any = g->ring_n > 0;
    if (any) {
        *it = g->ring[g->ring_head];
        g->ring_head = (g->ring_head + 1) % RING;
        g->ring_n--;
    }
    pthread_mutex_unlock(&g->lock);
    return any;
}

int engine_ask(struct engine *g, struct ask *a)
{
    return enqueue(g, (struct item){.type = ITEM_ASK, .ask = a});
}

uint64_t engine_ask_id(struct engine *g)
{
    return atomic_fetch_add(&g->last_id, 1) + 1;
}

void engine_interrupt(struct engine *g, uint64_t id)
{
    enqueue(g, (struct item){.type = ITEM_INTERRUPT, .id = id});
}

int engine_run(struct engine *g, void (*fn)(void *ctx), void *ctx)
{
    return enqueue(g, (struct item){.type = ITEM_RUN, .fn = fn, .ctx = ctx});
}

struct call {
    void (*fn)(void *ctx);
    void *ctx;
    bool over;
    pthread_mutex_t lock;
    pthread_cond_t done;
};

static void call_run(void *ctx)
{
    struct call *c = ctx;
    c->fn(c->ctx);
    pthread_mutex_lock(&c->lock);
    c->over = true;
    pthread_cond_signal(&c->done);
    pthread_mutex_unlock(&c->lock);
}

void engine_call(struct engine *g, void (*fn)(void *ctx), void *ctx)
{
    struct call c = {.fn = fn, .ctx = ctx};
    int r;
    if (!g->started) {
        fn(ctx);
        return;
    }
    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.done, NULL);
    while ((r = engine_run(g, call_run, &c)) == -EBUSY)
        sched_yield(); /* the queue drains: the engine never waits for us */
    pthread_mutex_lock(&c.lock);
    while (r == 0 && !c.over)
        pthread_cond_wait(&c.done, &c.lock);
    pthread_mutex_unlock(&c.lock);
    pthread_cond_destroy(&c.done);
    pthread_mutex_destroy(&c.lock);
}
