/* guard.c — at most max_removals in removal_window, counted when they are asked.
 *
 * The one over it trips the guard: it and all that follow are refused, and those in their grace are held, until an operator says what
 * is meant. A restart is no way round it: the ledger keeps the count.
 */
#include "sync/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int guard_keep(struct tenant *t, struct err *e)
{
    if (t->engine->conf->dry_run) /* counted for this mount alone */
        return 0;
    json_t *at = json_array(), *o = json_pack("{s:o,s:b}", "at", at, "tripped", t->guard.tripped);
    for (size_t i = 0; o && i < t->guard.n; i++)
        json_array_append_new(at, json_integer(t->guard.at[i]));
    char *s = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!s)
        return err_set(e, -ENOMEM, "out of memory");
    int r = ledger_put(t->engine->store, LEDGER_GUARD, t->info.number, s, strlen(s), e);
    free(s);
    return r;
}

static int guard_add(struct tenant *t, int64_t at)
{
    int64_t *grown = realloc(t->guard.at, (t->guard.n + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    t->guard.at = grown;
    t->guard.at[t->guard.n++] = at;
    return 0;
}

static void guard_expire(struct tenant *t)
{
    int64_t now = wall_now();
    size_t kept = 0;
    for (size_t i = 0; i < t->guard.n; i++)
        if (now - t->guard.at[i] < t->info.conf->removal_window)
            t->guard.at[kept++] = t->guard.at[i];
    t->guard.n = kept;
}

void guard_load(struct tenant *t)
{
    void *value;
    size_t len, i;
    json_t *at;
    if (ledger_get(t->engine->store, LEDGER_GUARD, t->info.number, &value, &len))
        return;
    json_t *o = json_loadb(value, len, 0, NULL);
    free(value);
    json_array_foreach(json_object_get(o, "at"), i, at)
    {
        guard_add(t, json_integer_value(at));
    }
    t->guard.tripped = json_is_true(json_object_get(o, "tripped"));
    json_decref(o);
    guard_expire(t);
}

int guard_count(struct tenant *t, int64_t at, struct err *e)
{
    const struct conf_tenant *conf = t->info.conf;
    guard_expire(t);
    if (t->guard.tripped || t->guard.n >= (size_t)conf->max_removals) {
        struct err ignored;
        bool first = !t->guard.tripped;
        t->guard.tripped = true;
        if (first)
            guard_keep(t, &ignored);
        return err_set(
            e, -EDQUOT,
            "more than %d removals in %d s: this one is refused and those not yet sent are held; `lmsfs release` sends "
            "them, `lmsfs drop` takes them back",
            conf->max_removals, conf->removal_window);
    }
    if (guard_add(t, at))
        return err_set(e, -ENOMEM, "out of memory");
    int r = guard_keep(t, e);
    if (r)
        t->guard.n--;
    return r;
}

void guard_uncount(struct tenant *t, int64_t at)
{
    struct err ignored;
    for (size_t i = 0; i < t->guard.n; i++) {
        if (t->guard.at[i] == at) {
            t->guard.at[i] = t->guard.at[--t->guard.n];
            guard_keep(t, &ignored);
            return;
        }
    }
}

void guard_reset(struct tenant *t)
{
    struct err ignored;
    t->guard.tripped = false;
    t->guard.n = 0;
    guard_keep(t, &ignored);
}

void guard_free(struct tenant *t)
{
    free(t->guard.at);
    t->guard = (struct guard){0};
}
