/* untold.c — a table by inode, mostly empty. */
#include "untold.h"
#include "park.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#define TEXTS_MAX (16u << 20) /* bytes */
#define LINGER_MS 500

struct version {
    bool known;
    char *text;
    size_t len;
    int64_t mtime_ns;
};

struct entry {
    uint64_t ino;
    bool held, queued, sending, lingers;
    bool newer;           /* the kernel was told another size than `has`: that of the store */
    bool read;            /* `has` was read while the invalidation was being sent */
    struct version has;   /* what the kernel has */
    struct version after; /* what it will have once what is queued is sent */
    struct parked *waiting;
    struct entry *held_next;
    int64_t sent_ms;           /* when the word that `has` is old was first sent; 0: not yet */
    struct entry *prev, *next; /* among those that linger */
    UT_hash_handle hh;
};

struct untold {
    struct entry *entries, *held, *lingering;
    size_t texts; /* bytes */
    struct parked *answers, **answers_end;
};

struct untold *untold_new(void)
{
    struct untold *u = calloc(1, sizeof *u);
    if (u)
        u->answers_end = &u->answers;
    return u;
}

static void version_drop(struct untold *u, struct version *v)
{
    if (v->text) {
        explicit_bzero(v->text, v->len);
        u->texts -= v->len;
        free(v->text);
    }
    *v = (struct version){.known = false};
}

static void version_set(struct untold *u, struct version *v, const void *text, size_t len, int64_t mtime_ns)
{
    version_drop(u, v);
    v->text = len <= TEXTS_MAX - u->texts ? malloc(len ? len : 1) : NULL;
    if (!v->text)
        return;
    if (len)
        memcpy(v->text, text, len);
    u->texts += len;
    v->len = len;
    v->mtime_ns = mtime_ns;
    v->known = true;
}

static bool is_version(const struct version *v, size_t size, int64_t mtime_ns)
{
    return v->known && v->len == size && v->mtime_ns == mtime_ns;
}

static struct entry *entry_find(const struct untold *u, uint64_t ino)
{
    struct entry *e;
    HASH_FIND(hh, u->entries, &ino, sizeof ino, e);
    return e;
}

static struct entry *entry_make(struct untold *u, uint64_t ino)
{
    struct entry *e = entry_find(u, ino);
    if (e || !(e = calloc(1, sizeof *e)))
        return e;
    e->ino = ino;
    HASH_ADD(hh, u->entries, ino, sizeof e->ino, e);
    return e;
}

static bool idle(const struct entry *e)
{
    return !e->held && !e->queued && !e->sending;
}

/* Something comes: it lingers no longer, if it did. */
static void entry_wake(struct untold *u, struct entry *e)
{
    if (e->lingers)
        DL_DELETE(u->lingering, e);
    e->lingers = false;
}

static void answer_waiting(struct untold *u, struct entry *e)
{
    if (!e->waiting)
        return;
    *u->answers_end = e->waiting;
    while (*u->answers_end)
        u->answers_end = &(*u->answers_end)->next;
    e->waiting = NULL;
}

static void entry_drop(struct untold *u, struct entry *e)
{
    entry_wake(u, e);
    HASH_DELETE(hh, u->entries, e);
    version_drop(u, &e->has);
    version_drop(u, &e->after);
    answer_waiting(u, e);
    free(e);
}

static void entry_look(struct untold *u, struct entry *e)
{
    if (idle(e))
        entry_drop(u, e);
}

/* Who was told the old size and is on his way to read. */
static void entry_linger(struct untold *u, struct entry *e, int64_t now_ms)
{
    if (!idle(e))
        return;
    if (!e->sent_ms)
        e->sent_ms = now_ms;
    if (!e->has.known || e->newer || now_ms - e->sent_ms >= LINGER_MS) {
        entry_drop(u, e);
        return;
    }
    e->lingers = true;
    DL_APPEND(u->lingering, e);
    answer_waiting(u, e);
}

void untold_expire(struct untold *u, int64_t now_ms)
{
    while (u->lingering && now_ms - u->lingering->sent_ms >= LINGER_MS)
        entry_drop(u, u->lingering);
}

void untold_free(struct untold *u)
{
    if (!u)
        return;
    while (u->entries)
        entry_drop(u, u->entries);
    free(u);
}

size_t untold_count(const struct untold *u)
{
    return HASH_COUNT(u->entries);
}

/* ------------------------------------------------------------------ what happens to it */

void untold_hold(struct untold *u, uint64_t ino, const void *text, size_t len, int64_t mtime_ns)
{
    struct entry *e = entry_make(u, ino);
    if (!e)
        return;
    if (e->held)
        return; /* the kernel is not told in between */
    entry_wake(u, e);
    bool coming = !idle(e);
    e->held = true;
    e->held_next = u->held;
    u->held = e;
    if (coming) /* once it is sent the kernel asks, and may do so before the commit */
        version_set(u, &e->after, text, len, mtime_ns);
    if (!coming || e->newer) {
        version_set(u, &e->has, text, len, mtime_ns);
        e->newer = false;
        e->sent_ms = 0;
    }
}

bool untold_queue(struct untold *u, uint64_t ino, bool *lost)
{
    struct entry *e = entry_make(u, ino);
    *lost = !e;
    if (!e || e->queued)
        return false;
    entry_wake(u, e);
    e->queued = true;
    return true;
}

void untold_unqueue(struct untold *u, uint64_t ino)
{
    struct entry *e = entry_find(u, ino);
    if (!e)
        return;
    e->queued = false;
    entry_look(u, e);
}

void untold_take(struct untold *u, uint64_t ino)
{
    struct entry *e = entry_find(u, ino);
    if (!e)
        return;
    e->queued = false;
    e->sending = true;
    e->read = false;
}

static void take_after(struct untold *u, struct entry *e)
{
    version_drop(u, &e->has);
    e->has = e->after;
    e->after = (struct version){.known = false};
    e->sent_ms = 0;
}

bool untold_sent(struct untold *u, uint64_t ino, int64_t now_ms)
{
    struct entry *e = entry_find(u, ino);
    if (!e)
        return false;
    e->sending = false;
    if (e->read)
        return true;
    if (e->newer) { /* told while it was being sent: the kernel has that, or nothing */
        version_drop(u, &e->after);
    } else if (e->after.known) {
        take_after(u, e);
    }
    entry_linger(u, e, now_ms);
    return false;
}

void untold_unhold(struct untold *u)
{
    struct entry *next;
    for (struct entry *e = u->held; e; e = next) {
        next = e->held_next;
        e->held = false;
        entry_look(u, e);
    }
    u->held = NULL;
}

struct parked *untold_answers(struct untold *u)
{
    struct parked *first = u->answers;
    u->answers = NULL;
    u->answers_end = &u->answers;
    return first;
}

/* ------------------------------------------------------------------ who asks */

bool untold_has(const struct untold *u, uint64_t ino)
{
    const struct entry *e = entry_find(u, ino);
    return e && !idle(e);
}

bool untold_wait(struct untold *u, uint64_t ino, struct parked *p)
{
    struct entry *e = entry_find(u, ino);
    if (!e || idle(e))
        return false;
    p->next = e->waiting;
    e->waiting = p;
    return true;
}

void untold_attr(struct untold *u, uint64_t ino, size_t size, int64_t mtime_ns)
{
    struct entry *e = entry_find(u, ino);
    if (!e || !e->has.known)
        return;
    if (is_version(&e->after, size, mtime_ns)) { /* asked after the word of one change, before the commit of the next */
        take_after(u, e);
        e->newer = false;
    } else {
        e->newer = !is_version(&e->has, size, mtime_ns);
    }
    if (e->newer)
        entry_look(u, e);
}

const char *untold_text(struct untold *u, uint64_t ino, const uint64_t *opened, size_t *len, bool *again)
{
    struct entry *e = entry_find(u, ino);
    *again = false;
    if (!e || !e->has.known || e->newer || (idle(e) && opened && *opened != TEXT_TOKEN(e->has.mtime_ns)))
        return NULL;
    *again = idle(e);
    e->read |= e->sending;
    *len = e->has.len;
    return e->has.text;
}
