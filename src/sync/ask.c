/* ask.c — an ask: given to its flow, waiting in it, ended by it, by its time, or by a signal. */
#include "sync/engine_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ask_index {
    uint64_t id;
    struct ask *ask;
    UT_hash_handle hh;
};

/* ------------------------------------------------------------------ waiting */

static void ask_timed_out(void *ctx)
{
    struct ask *a = ctx;
    a->timer = NULL;
    struct err e;
    err_set(&e, -ETIMEDOUT, "no answer within %d s; what was begun goes on", a->timeout_ms / 1000);
    ask_end(a->flow, a, -ETIMEDOUT, &e);
}

void waiters_leave(struct ask *a)
{
    if (!a->link)
        return;
    *a->link = a->next;
    if (a->next)
        a->next->link = a->link;
    a->link = NULL;
    a->next = NULL;
}

/* Every ask that waits can be found: by an ask_interrupt, and by the end of the engine. */
static void index_ask(struct engine *g, struct ask *a)
{
    struct ask_index *i = NULL;
    if (!a->id)
        a->id = engine_ask_id(g);
    HASH_FIND(hh, g->waiting, &a->id, sizeof a->id, i);
    if (i || !(i = malloc(sizeof *i)))
        return;
    *i = (struct ask_index){.id = a->id, .ask = a};
    HASH_ADD(hh, g->waiting, id, sizeof i->id, i);
}

void waiters_add(struct engine *g, struct waiters *w, struct ask *a)
{
    a->flow = g;
    a->next = w->first;
    if (a->next)
        a->next->link = &a->next;
    w->first = a;
    a->link = &w->first;
    if (!a->timer && a->timeout_ms > 0 && g->net) {
        if (!a->deadline_ms)
            a->deadline_ms = now_ms() + a->timeout_ms;
        int64_t left = a->deadline_ms - now_ms();
        a->timer = net_timer_start(g->net, left > 0 ? left : 0, ask_timed_out, a);
    }
    index_ask(g, a);
}

void ask_end(struct engine *g, struct ask *a, int code, const struct err *e)
{
    if (a->ended)
        return;
    a->ended = true;
    waiters_leave(a);
    if (g->net) /* else the timers are gone, or go with net_free */
        net_timer_stop(a->timer);
    a->timer = NULL;
    struct ask_index *i = NULL;
    if (a->id)
        HASH_FIND(hh, g->waiting, &a->id, sizeof a->id, i);
    if (i) {
        HASH_DEL(g->waiting, i);
        free(i);
    }
    if (e && code && (a->why || (a->why = malloc(sizeof *a->why))))
        *a->why = *e;
    a->done(a, code);
}

void waiters_end(struct engine *g, struct waiters *w, int code, const struct err *e)
{
    while (w->first)
        ask_end(g, w->first, code, e);
}

struct err ask_err(const struct ask *a)
{
    return a->why ? *a->why : (struct err){0};
}

void ask_release(struct ask *a)
{
    free(a->why);
    a->why = NULL;
    if (a->text)
        explicit_bzero(a->text, a->text_len);
    free(a->text);
    free(a->name);
    json_decref(a->answer);
    if (a->fd > 0)
        close(a->fd);
    a->fd = -1;
    found_release(a->found);
    a->found = NULL;
    a->text = a->name = NULL;
    a->answer = NULL;
}

/* ------------------------------------------------------------------ to its flow */

static int default_timeout(const struct conf_tenant *c, enum ask_kind kind)
{
    switch (kind) {
    case ASK_LISTING:
    case ASK_REFRESH:
    case ASK_SEARCH:
    case ASK_FILE_READ:
    case ASK_FILE_WRITE: /* 10 MB on a slow line take their time */
        return c->list_timeout * SECOND;
    case ASK_JOB:
        return c->job_timeout * SECOND;
    case ASK_SAVE:
    case ASK_MOVE:
        return c->op_timeout * 2 * SECOND + (c->settle == SETTLE_COMPLETED ? c->job_timeout * SECOND : 0);
    default:
        return c->op_timeout * SECOND;
    }
}

void ask_dispatch(struct engine *g, struct ask *a)
{
    if (!g->net) { /* the flows are gone already */
        struct err e;
        err_set(&e, -ESHUTDOWN, "lmsfs is being unmounted");
        ask_end(g, a, -ESHUTDOWN, &e);
        return;
    }
    if (a->kind == ASK_COMMAND) {
        command_ask(g, a);
        return;
    }
    struct tenant *t = tenant_of(g, a->ino);
    if (!t) {
        struct err e;
        err_set(&e, -ENOENT, "no such tenant");
        ask_end(g, a, -ENOENT, &e);
        return;
    }
    if (a->kind == ASK_SAVE || a->kind == ASK_REMOVE || a->kind == ASK_MOVE || a->kind == ASK_FILE_WRITE)
        audit_caller(&a->caller);
    if (a->timeout_ms <= 0)
        a->timeout_ms = default_timeout(t->info.conf, a->kind);
    switch (a->kind) {
    case ASK_LISTING:
    case ASK_REFRESH:
        list_ask(t, a);
        break;
    case ASK_SEARCH:
        search_ask(t, a);
        break;
    case ASK_FILE_READ:
        file_read_ask(t, a);
        break;
    case ASK_FILE_WRITE:
        file_write_ask(t, a);
        break;
    case ASK_NAME:
        fetch_ask_name(t, a);
        break;
    case ASK_DETAIL:
        fetch_ask_detail(t, a);
        break;
    case ASK_JOB:
        watch_ask(t, a);
        break;
    case ASK_SAVE:
        save_ask(t, a);
        break;
    case ASK_REMOVE:
        removal_ask(t, a);
        break;
    case ASK_RESTORE:
        restore_ask(t, a);
        break;
    case ASK_MOVE:
        move_ask(t, a);
        break;
    case ASK_SET_ASIDE:
        aside_ask(t, a);
        break;
    case ASK_SUCCESSOR:
        successor_ask(t, a);
        break;
    case ASK_COMMAND:
        break;
    }
}

/* ------------------------------------------------------------------ ended before its time */

/* A change that is under way is never abandoned for a signal. */
static bool is_interruptible(const struct ask *a)
{
    enum ask_kind kind = a->kind;
    return (kind == ASK_COMMAND && a->flag) || kind == ASK_LISTING || kind == ASK_SEARCH || kind == ASK_FILE_READ ||
           kind == ASK_NAME || kind == ASK_DETAIL || kind == ASK_JOB;
}

void ask_interrupt(struct engine *g, uint64_t id)
{
    struct ask_index *i = NULL;
    HASH_FIND(hh, g->waiting, &id, sizeof id, i);
    if (i && is_interruptible(i->ask)) {
        struct err e;
        err_set(&e, -EINTR, "interrupted");
        ask_end(g, i->ask, -EINTR, &e);
    }
}

void ask_end_all(struct engine *g)
{
    struct err e;
    err_set(&e, -ESHUTDOWN, "lmsfs is being unmounted");
    while (g->waiting)
        ask_end(g, g->waiting->ask, -ESHUTDOWN, &e);
}
