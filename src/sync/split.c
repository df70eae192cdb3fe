/* split.c — a save that the API takes in parts, each with a job of its own that can fail alone. The part is a save; the rest is another,
 * which is in the journal from the commit on that accepts the part, and goes before all that wait for the same record.
 */
#include "sync/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* doc, said to be whole: what it lacks was removed. */
static json_t *whole(const struct save *s, const json_t *doc)
{
    json_t *copy = json_deep_copy(doc), *readonly = json_deep_copy(json_object_get(s->now.doc, "_readonly"));
    if (copy && !json_object_set_new(copy, "_readonly", readonly ? readonly : json_object()))
        return copy;
    json_decref(copy);
    return NULL;
}

/* Takes over `from`, whatever comes of it. */
static struct save *rest_of(struct save *s, json_t *from)
{
    json_t *to = whole(s, s->merged);
    char *text = to ? json_dumps(to, JSON_COMPACT) : NULL;
    struct save *rest = text ? save_new(s->tenant, s->home, s->name, text, strlen(text)) : NULL;
    json_decref(to);
    if (!rest) {
        free(text);
        json_decref(from);
        return NULL;
    }
    rest->kept_base = from;
    rest->caller = s->caller;
    rest->removes = s->removes;
    return rest;
}

int save_split(struct save *s, struct err *e)
{
    json_t *from = whole(s, s->plan.reached), *base = whole(s, s->now.doc), *delta = NULL;
    int r = from && base ? doc_diff(s->c, base, from, &delta, e) : err_set(e, -ENOMEM, "out of memory");
    json_decref(base);
    if (r) {
        json_decref(from);
        return r;
    }
    s->rest = rest_of(s, from);
    if (!s->rest) {
        json_decref(delta);
        return err_set(e, -ENOMEM, "out of memory");
    }
    json_decref(s->delta);
    json_decref(s->merged);
    s->delta = delta;
    s->merged = json_incref(s->plan.reached);
    s->what_to_send.merged = s->merged;
    s->removes = false;
    return 0;
}

/* ------------------------------------------------------------------ settle = completed: all jobs, and the first failure's words */

struct parts {
    struct tenant *tenant;
    struct waiters waiters; /* none before the last part was accepted */
    unsigned left;          /* jobs that aren't over */
    bool whole;             /* no more parts follow */
    int code;
    struct err why;
};

struct part {
    struct parts *all;
    struct ask ask;
};

static void parts_over(struct parts *p)
{
    if (p->left || !p->whole)
        return;
    waiters_end(p->tenant->engine, &p->waiters, p->code, &p->why);
    free(p);
}

static void part_over(struct ask *a, int code)
{
    struct part *one = (struct part *)((char *)a - offsetof(struct part, ask));
    struct parts *all = one->all;
    if (code && !all->code) {
        all->code = code;
        all->why = ask_err(a);
    }
    ask_release(a);
    free(one);
    all->left--;
    parts_over(all);
}

void save_wait_part(struct save *s, uint64_t job)
{
    struct part *one = calloc(1, sizeof *one);
    if (!s->parts && (s->parts = calloc(1, sizeof *s->parts)))
        s->parts->tenant = s->tenant;
    if (!one || !s->parts) {
        free(one);
        return;
    }
    one->all = s->parts;
    one->ask = (struct ask){.ino = job, .people = true, .caller = s->caller, .done = part_over};
    s->parts->left++;
    watch_when_over(s->tenant, job, &one->ask);
}

void save_wait_parts(struct save *s)
{
    struct parts *all = s->parts;
    if (!all)
        return;
    s->parts = NULL;
    while (s->waiters.first) {
        struct ask *a = s->waiters.first;
        waiters_leave(a);
        a->answer_ino = s->ino;
        waiters_add(s->tenant->engine, &all->waiters, a);
    }
    all->whole = true;
    parts_over(all);
}

void save_leave_parts(struct save *s)
{
    struct parts *all = s->parts;
    s->parts = NULL;
    if (!all)
        return;
    all->whole = true;
    parts_over(all);
}

/* ------------------------------------------------------------------ the rest */

void save_hand_over(struct save *s)
{
    struct save *rest = s->rest;
    if (!rest)
        return;
    s->rest = NULL;
    rest->parts = s->parts;
    s->parts = NULL;
    rest->behind = s->behind;
    s->behind = rest;
    while (s->waiters.first) {
        struct ask *a = s->waiters.first;
        waiters_leave(a);
        waiters_add(s->tenant->engine, &rest->waiters, a);
    }
}

void save_unsplit(struct save *s)
{
    if (!s->rest)
        return;
    s->removes = s->rest->removes;
    save_release(s->rest);
    s->rest = NULL;
}
