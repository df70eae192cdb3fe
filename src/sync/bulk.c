/* bulk.c — first listings write without syncing each commit; when the last of them is through, what they wrote is synced.
 *
 *   bulk_enter ──> the store is in bulk ──> bulk_leave of the last ──> a thread syncs ──> back on the engine: ended, if none began meanwhile
 *
 * The engine waits for no disk that long: syncing some hundred megabytes takes seconds, and a thread that does nothing else takes them. What is
 * left for the engine at the end is what was written meanwhile.
 */
#include "sync/internal.h"

#include <errno.h>

static void bulk_synced(void *ctx)
{
    struct engine *g = ctx;
    struct err e;
    if (!g->syncing)
        return; /* the engine's end has joined it */
    pthread_join(g->syncer, NULL);
    g->syncing = false;
    if (g->bulk_n == 0)
        store_bulk_end(g->store, &e); /* where it fails the mark stays: the next start looks at it */
}

static void *syncer_main(void *ctx)
{
    struct engine *g = ctx;
    pthread_setname_np(pthread_self(), "lmsfs-sync");
    store_bulk_sync(g->store);
    while (engine_run(g, bulk_synced, g) == -EBUSY)
        sched_yield();
    return NULL;
}

bool bulk_enter(struct engine *g)
{
    struct err e;
    if (store_bulk_begin(g->store, &e))
        return false; /* then every commit is synced, which is slower and as good */
    g->bulk_n++;
    return true;
}

void bulk_leave(struct engine *g)
{
    if (--g->bulk_n || g->syncing || g->stopping)
        return;
    /* It takes no signals: the engine's thread takes none. */
    g->syncing = pthread_create(&g->syncer, NULL, syncer_main, g) == 0;
}

/* At the engine's end: closing the store syncs what is left. */
void bulk_free(struct engine *g)
{
    if (g->syncing)
        pthread_join(g->syncer, NULL);
    g->syncing = false;
}
