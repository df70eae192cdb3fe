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
    p->ask.fd = -1;
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

/* ------------------------------------------------------------------ those that the engine has */

static void parked_add(struct parked *p)
{
    struct mount *m = p->m;
    pthread_mutex_lock(&m->parked_lock);
    p->next = m->parked;
    if (p->next)
        p->next->link = &p->next;
    m->parked = p;
    p->link = &m->parked;
    m->parked_n++;
    m->parked_ever++;
    pthread_mutex_unlock(&m->parked_lock);
}

/* It is counted until its `then` is through: what that parks anew must not look like the first of a mount that has none. */
static void parked_back(struct parked *p, int result)
{
    struct mount *m = p->m;
    pthread_mutex_lock(&m->parked_lock);
    *p->link = p->next;
    if (p->next)
        p->next->link = p->link;
    pthread_mutex_unlock(&m->parked_lock);
    p->then(p, result);
    pthread_mutex_lock(&m->parked_lock);
    m->parked_n--;
    pthread_mutex_unlock(&m->parked_lock);
}

void parked_interrupt(struct mount *m)
{
    pthread_mutex_lock(&m->parked_lock);
    for (const struct parked *p = m->parked; p; p = p->next)
        engine_interrupt(m->engine, p->ask.id);
    pthread_mutex_unlock(&m->parked_lock);
}

size_t parked_count(struct mount *m, uint64_t *ever)
{
    pthread_mutex_lock(&m->parked_lock);
    size_t n = m->parked_n;
    *ever = m->parked_ever;
    pthread_mutex_unlock(&m->parked_lock);
    return n;
}

static void ask_done(struct ask *a, int result)
{
    parked_back((struct parked *)((char *)a - offsetof(struct parked, ask)), result);
}

static void refuse(struct parked *p, int code)
{
    p->unasked = true;
    parked_back(p, code == -EBUSY ? -EAGAIN : code);
}

/* ------------------------------------------------------------------ parking */

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
    p->ask.id = engine_ask_id(m->engine);
    parked_add(p);
    if (how == PARK_FIRM || !p->req) {
        int code = engine_ask(m->engine, &p->ask);
        if (code)
            refuse(p, code);
        return;
    }
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
