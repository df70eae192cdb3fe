/* told.c — who is told of a change, and when: once the write that made it is committed. */
#include "sync/internal.h"
#include "sync/hook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct hooks_change {
    struct engine *engine;
    const struct engine_hooks *add;
    const void *drop;
    int result;
};

static void hooks_add(void *ctx)
{
    struct hooks_change *k = ctx;
    struct engine *g = k->engine;
    if (g->hooks_n == sizeof g->hooks / sizeof g->hooks[0])
        k->result = -ENOSPC;
    else
        g->hooks[g->hooks_n++] = *k->add;
}

static void hooks_drop(void *ctx)
{
    struct hooks_change *k = ctx;
    struct engine *g = k->engine;
    size_t kept = 0;
    for (size_t i = 0; i < g->hooks_n; i++)
        if (g->hooks[i].ctx != k->drop)
            g->hooks[kept++] = g->hooks[i];
    g->hooks_n = kept;
}

int engine_add_hooks(struct engine *g, const struct engine_hooks *h)
{
    struct hooks_change k = {.engine = g, .add = h};
    engine_call(g, hooks_add, &k);
    return k.result;
}

void engine_drop_hooks(struct engine *g, const void *ctx)
{
    struct hooks_change k = {.engine = g, .drop = ctx};
    engine_call(g, hooks_drop, &k);
}

/* ------------------------------------------------------------------ held back while a write goes on */

struct held_hook {
    uint64_t ino;
    char *name; /* NULL: the inode; else an entry of that directory */
};

static void hook_now(struct engine *g, uint64_t ino, const char *name)
{
    atomic_fetch_add(&g->told, 1);
    for (size_t i = 0; i < g->hooks_n; i++) {
        if (name)
            g->hooks[i].entry_changed(g->hooks[i].ctx, ino, name);
        else
            g->hooks[i].inode_changed(g->hooks[i].ctx, ino);
    }
}

static void hook(struct engine *g, uint64_t ino, const char *name)
{
    if (!g->writing) {
        hook_now(g, ino, name);
        return;
    }
    if (g->held_n && !name && !g->held[g->held_n - 1].name && g->held[g->held_n - 1].ino == ino)
        return; /* a directory, once more */
    if (g->held_n == g->held_room) {
        size_t room = g->held_room ? g->held_room * 2 : 64;
        struct held_hook *grown = realloc(g->held, room * sizeof *grown);
        if (!grown) {
            hook_now(g, ino, name);
            return;
        }
        g->held = grown;
        g->held_room = room;
    }
    g->held[g->held_n++] = (struct held_hook){ino, name ? strdup(name) : NULL};
    for (size_t i = 0; i < g->hooks_n && !name; i++)
        g->hooks[i].inode_changing(g->hooks[i].ctx, ino);
}

void hook_inode(struct engine *g, uint64_t ino)
{
    hook(g, ino, NULL);
}

void hook_entry(struct engine *g, uint64_t dir, const char *name)
{
    hook(g, dir, name);
}

int write_begin(struct engine *g, struct store_write **w, struct err *e)
{
    int r = store_write_begin(g->store, w, e);
    g->writing = r == 0;
    return r;
}

int write_end(struct engine *g, struct store_write *w, int result, struct err *e)
{
    if (result)
        store_write_abort(w);
    else
        result = store_write_commit(w, e);
    g->writing = false;
    test_slow("committed");
    for (size_t i = 0; i < g->held_n; i++) {
        if (result == 0)
            hook_now(g, g->held[i].ino, g->held[i].name);
        free(g->held[i].name);
    }
    g->held_n = 0;
    for (size_t i = 0; i < g->hooks_n; i++)
        g->hooks[i].write_over(g->hooks[i].ctx);
    return result;
}
