/* crawl.c — so many in any minute, counted by whoever asks: what tells a reader from a crawl. */
#include "sync/crawl.h"

#include <pthread.h>
#include <stdlib.h>

#define MINUTE_MS 60000

struct crawl {
    pthread_mutex_t lock;
    size_t limit, next;
    int64_t taken_at[]; /* a ring of the last `limit` times, monotonic milliseconds; 0 = never */
};

struct crawl *crawl_new(int limit)
{
    size_t n = limit > 0 ? (size_t)limit : 0;
    struct crawl *c = calloc(1, sizeof *c + n * sizeof c->taken_at[0]);
    if (!c)
        return NULL;
    pthread_mutex_init(&c->lock, NULL);
    c->limit = n;
    return c;
}

void crawl_free(struct crawl *c)
{
    if (!c)
        return;
    pthread_mutex_destroy(&c->lock);
    free(c);
}

bool crawl_take(struct crawl *c, int64_t now)
{
    bool room = false;
    pthread_mutex_lock(&c->lock);
    if (c->limit && (c->taken_at[c->next] == 0 || now - c->taken_at[c->next] >= MINUTE_MS)) {
        c->taken_at[c->next] = now > 0 ? now : 1;
        c->next = (c->next + 1) % c->limit;
        room = true;
    }
    pthread_mutex_unlock(&c->lock);
    return room;
}
