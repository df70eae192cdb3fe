/* queue.c — saves of one record go one after the other, under whatever name each came.
 *
 * A line is a head, found by its name, and what stands behind it. Which record a name means can change while its save waits or runs: a
 * create gets a number, two names turn out to be one person. So whoever comes to the head of a line looks at the other heads before
 * anything is sent, and joins, with all who stand behind, the line of the one that is at the same record.
 */
#include "sync/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In the journal, for it waits. A head that waits for a better hour begins at once: somebody is there now. */
static void join(struct save *head, struct save *s)
{
    struct err ignored;
    struct net_timer *retry = head->tries ? head->timer : NULL;
    struct save *last = head;
    while (last->behind)
        last = last->behind;
    last->behind = s;
    if (!s->seq)
        journal_write(s, "begun", NULL, &ignored);
    if (retry) {
        net_timer_stop(retry);
        save_again(head);
    }
}

static void lead(struct save *s)
{
    struct tenant *t = s->tenant;
    HASH_ADD_KEYPTR(hh, t->saves, s->what, strlen(s->what), s);
    t->engine->busy++;
}

void save_enqueue(struct save *s)
{
    struct save *head = NULL;
    HASH_FIND_STR(s->tenant->saves, s->what, head);
    if (head) {
        join(head, s);
        return;
    }
    lead(s);
    save_begin(s);
}

struct save *save_leave(struct save *s)
{
    struct save *next = s->behind;
    s->tenant->engine->busy--;
    HASH_DEL(s->tenant->saves, s);
    if (next)
        lead(next);
    return next;
}

static bool same_record(const struct save *a, const struct save *b)
{
    return a->home == b->home && ((a->ino && a->ino == b->ino) || (a->id && b->id && !strcmp(a->id, b->id)));
}

bool save_waits_for_other(struct save *s)
{
    struct tenant *t = s->tenant;
    const char *id = s->ext ? s->ext : field_with(s->c, LMS_IS_EXT, s->saved);
    free(s->id);
    s->id = id ? strdup(id) : NULL;
    for (struct save *other = t->saves; other; other = other->hh.next) {
        if (other == s || !same_record(other, s))
            continue;
        HASH_DEL(t->saves, s);
        t->engine->busy--;
        save_drop_work(s);
        join(other, s);
        return true;
    }
    return false;
}

/* ------------------------------------------------------------------ who is in line */

static struct save *find(struct tenant *t, uint64_t home, const char *name, uint64_t ino)
{
    for (struct save *head = t->saves; head; head = head->hh.next)
        for (struct save *s = head; s; s = s->behind)
            if (s->home == home && (!strcmp(s->name, name) || (ino && s->ino == ino)))
                return s;
    return NULL;
}

bool save_is_under_way(struct tenant *t, uint64_t home, const char *name, uint64_t ino)
{
    return find(t, home, name, ino) != NULL;
}

bool save_wait(struct tenant *t, uint64_t home, const char *name, uint64_t ino, struct ask *a)
{
    struct save *s = find(t, home, name, ino);
    if (s)
        waiters_add(t->engine, &s->waiters, a);
    return s != NULL;
}

unsigned save_count(struct tenant *t)
{
    unsigned n = 0;
    for (struct save *s = t->saves; s; s = s->hh.next)
        for (struct save *b = s; b; b = b->behind)
            n++;
    return n;
}

void save_list(struct tenant *t, json_t *into)
{
    for (struct save *s = t->saves; s; s = s->hh.next)
        for (struct save *b = s; b; b = b->behind)
            json_array_append_new(into, json_pack("{s:s,s:s,s:s,s:s}", "tenant", t->info.conf->name, "name", b->name,
                                                  "what", "save", "phase", b->plan.n ? "sent" : "waiting"));
}

void save_free(struct tenant *t)
{
    struct save *s, *next;
    struct err e;
    err_set(&e, -ESHUTDOWN, "lmsfs is being unmounted");
    HASH_ITER(hh, t->saves, s, next)
    {
        HASH_DEL(t->saves, s);
        while (s) {
            struct save *behind = s->behind;
            waiters_end(t->engine, &s->waiters, -ESHUTDOWN, &e);
            save_release(s);
            s = behind;
        }
    }
}
