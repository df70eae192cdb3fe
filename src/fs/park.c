/* park.c — from a request to an ask and back. */
#include "park.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An ask whose request can be interrupted already and which the engine doesn't have yet: engine_interrupt would not find it. */
struct early {
    uint64_t id;
    bool interrupted;
    struct early *next;
};

struct parked *park_new(struct mount *m, fuse_req_t req, enum ask_kind kind, uint64_t ino,
                        void (*then)(struct parked *p, int result))
{
    struct parked *p = calloc(1, sizeof *p);
    if (!p) {
        if (req)
            reply_code(req, -ENOMEM);
        return NULL;
    }
    p->m = m;
    p->req = req;
    p->then = then;
    p->ino = ino;
    p->ask.kind = kind;
    p->ask.ino = ino;
    p->ask.people = true;
    if (req) {
        const struct fuse_ctx *who = fuse_req_ctx(req);
        p->ask.caller = (struct caller){.uid = who->uid, .pid = who->pid};
    }
    return p;
}

static bool copy(char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return *to || !from;
}

bool park_names(struct parked *p, const char *ask_name, const char *name, const char *to_name)
{
    if (copy(&p->ask.name, ask_name) && copy(&p->name, name) && copy(&p->to_name, to_name))
        return true;
    if (p->req)
        reply_code(p->req, -ENOMEM);
    park_free(p);
    return false;
}

void park_free(struct parked *p)
{
    ask_release(&p->ask);
    free(p->name);
    free(p->to_name);
    free(p);
}

int park_timeout(const struct mount *m, int seconds)
{
    int ms = seconds > 0 && seconds < 2000000 ? seconds * 1000 : 0;
    if (m->ceiling_ms && (ms == 0 || ms > m->ceiling_ms))
        ms = m->ceiling_ms;
    return ms;
}

static void ask_done(struct ask *a, int result)
{
    struct parked *p = (struct parked *)((char *)a - offsetof(struct parked, ask));
    p->then(p, result);
}

static void refuse(struct parked *p, int code)
{
    p->unasked = true;
    p->then(p, code == -EBUSY ? -EAGAIN : code);
}

/* May run inside fuse_req_interrupt_func, or on another worker at any time, also after the request was answered. */
static void interrupted(fuse_req_t req, void *data)
{
    struct mount *m = mount_of(req);
    uint64_t id = (uint64_t)(uintptr_t)data;
    bool held = false;
    pthread_mutex_lock(&m->early_lock);
    for (struct early *e = m->early; e && !held; e = e->next)
        if (e->id == id)
            held = e->interrupted = true;
    pthread_mutex_unlock(&m->early_lock);
    if (!held)
        engine_interrupt(m->engine, id);
}

static void early_add(struct mount *m, struct early *e)
{
    pthread_mutex_lock(&m->early_lock);
    e->next = m->early;
    m->early = e;
    pthread_mutex_unlock(&m->early_lock);
}

static void early_remove(struct mount *m, struct early *e)
{
    struct early **at = &m->early;
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
}

void park(struct parked *p, enum park_how how)
{
    struct mount *m = p->m;
    p->ask.done = ask_done;
    count_miss(&m->counts, p->ask.kind);
    p->unasked = false;
    if (how == PARK_FIRM || !p->req) {
        int code = engine_ask(m->engine, &p->ask);
        if (code)
            refuse(p, code);
        return;
    }
    p->ask.id = engine_ask_id(m->engine);
    struct early e = {.id = p->ask.id};
    early_add(m, &e);
    fuse_req_interrupt_func(p->req, interrupted, (void *)(uintptr_t)p->ask.id);
    pthread_mutex_lock(&m->early_lock);
    int code = e.interrupted ? -EINTR : engine_ask(m->engine, &p->ask);
    early_remove(m, &e);
    pthread_mutex_unlock(&m->early_lock);
    if (code)
        refuse(p, code);
}
