/* removal.c — one removal, or one move into the bin or out of it: what others see of it, what the ledger has of it, how it ends.
 *
 *   rm: noted (ledger; shown in the bin, or hidden where there is none) → grace → request → verdict
 *                 └ taken back: the name was created again or moved out of the bin, nothing is sent
 *   mv: noted → request → verdict, which the rename waits for
 *
 * Each step has its file: removal.h names them.
 */
#include "sync/removal.h"
#include "sync/hook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct removal *removal_find(struct tenant *t, uint64_t ino)
{
    struct removal *r = NULL;
    HASH_FIND(hh, t->removals, &ino, sizeof ino, r);
    return r;
}

void removal_sight(struct tenant *t, uint64_t ino, struct store_mark *m)
{
    const struct removal *r = removal_find(t, ino);
    m->hidden = r && !r->moving && !r->looking;
    m->leaving = m->hidden && !r->aside && r->op == LMS_OP_DEACTIVATE;
}

struct removal *removal_new(struct tenant *t, const struct known *k, enum lms_op op, const struct caller *who,
                            struct err *e)
{
    struct removal *r = calloc(1, sizeof *r);
    if (!r || uid_new(r->uid) || !(r->name = strdup(k->name))) {
        free(r);
        err_set(e, -ENOMEM, "out of memory");
        return NULL;
    }
    r->key = k->key ? strdup(k->key) : NULL;
    r->ino = k->ino;
    r->home = k->home;
    r->tenant = t;
    r->c = engine_collection(t->engine, k->ino);
    r->op = op;
    r->caller = *who;
    r->asked_at = wall_now();
    r->noted_ms = now_ms();
    HASH_ADD(hh, t->removals, ino, sizeof r->ino, r);
    return r;
}

void removal_told(struct removal *r)
{
    struct engine *g = r->tenant->engine;
    uint64_t bin = dir_of_record(r->ino, false, r->home);
    hook_entry(g, r->home, r->name);
    hook_inode(g, r->home);
    hook_entry(g, bin, r->name);
    hook_inode(g, bin);
}

static void removal_release_parts(struct removal *r)
{
    http_request_release(&r->copy);
    free(r->name);
    free(r->key);
    free(r->manager);
}

static void move_over(struct ask *a, int code)
{
    (void)code; /* why and rejected/ have it */
    ask_release(a);
    free(a);
}

/* Moved out of the bin while it was too late to take it back, and whoever moved it is out of time: what was begun goes on. */
static void back_unasked(const struct removal *r)
{
    struct ask *a = calloc(1, sizeof *a);
    if (!a)
        return;
    *a = (struct ask){.kind = ASK_MOVE, .ino = r->ino, .caller = r->caller, .done = move_over};
    move_ask(r->tenant, a);
}

/* It is over: the ledger forgets it, those who wait are told. The record shows again unless it went. */
void removal_end(struct removal *r, int code, const struct err *e)
{
    struct tenant *t = r->tenant;
    struct err ignored;
    HASH_DEL(t->removals, r);
    if (t->engine->net)
        net_timer_stop(r->timer);
    if (r->sent && !r->aside)
        t->engine->busy--;
    if (code != -ESHUTDOWN) {
        if (!r->aside && !t->engine->conf->dry_run)
            ledger_delete(t->engine->store, LEDGER_REMOVALS, r->ino, &ignored);
        record_mark_again(t->engine, r->ino);
        removal_told(r);
    }
    waiters_end(t->engine, &r->waiters, code, e);
    if (code == -ESHUTDOWN)
        waiters_end(t->engine, &r->moves, code, e);
    struct removal gone = *r; /* for those who want it back */
    if (gone.moves.first)
        gone.moves.first->link = &gone.moves.first;
    free(r);
    if (gone.back && code == 0 && !gone.moves.first)
        back_unasked(&gone);
    while (gone.moves.first) {
        struct ask *a = gone.moves.first;
        gone.moves.first = a->next;
        if (a->next)
            a->next->link = &gone.moves.first;
        a->next = NULL;
        a->link = NULL;
        move_ask(t, a);
    }
    removal_release_parts(&gone);
}

int removal_note(struct removal *r, struct err *e)
{
    if (r->tenant->engine->conf->dry_run)
        return 0;
    json_t *o =
        json_pack("{s:I,s:s,s:i,s:I,s:I,s:I,s:s,s:b,s:b,s:b,s:b,s:s?,s:s,s:s?}", "home", (json_int_t)r->home, "name",
                  r->name, "op", (int)r->op, "at", (json_int_t)r->asked_at, "uid", (json_int_t)r->caller.uid, "pid",
                  (json_int_t)r->caller.pid, "command", r->caller.command, "sent", r->sent, "held", r->held, "rewrite",
                  r->rewrite, "back", r->back, "manager", r->manager, "removal", r->uid, "key", r->key);
    char *s = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!s)
        return err_set(e, -ENOMEM, "out of memory");
    int res = ledger_put(r->tenant->engine->store, LEDGER_REMOVALS, r->ino, s, strlen(s), e);
    free(s);
    return res;
}

void removal_refuse(struct removal *r, int code, const struct err *e)
{
    static const char *const what[] = {"deactivation", "reactivation", "deletion"};
    static const char *const retry[] = {"deactivate", "reactivate", "delete"};
    struct err full = *e;
    err_prefix(&full, "%s refused", what[r->op]);
    struct reason why = {.code = code, .text = full.text, .what = retry[r->op]};
    if (r->copy.path) {
        why.method = http_method_name(r->copy.method);
        why.path = r->copy.path;
    }
    reject(r->tenant, r->c, r->home, r->name, NULL, 0, &why);
    struct store_mark m = {.state = STORE_FAILED};
    struct known k;
    snprintf(m.error, sizeof m.error, "%s", full.text);
    if (known_get(r->tenant->engine, r->ino, &k) == 0)
        record_mark(r->tenant->engine, r->ino, &m);
    known_release(&k);
    removal_end(r, code, &full);
}

/* A dry run's deletion: over for those who wait, and hidden until the unmount. */
void removal_stay_hidden(struct removal *r)
{
    r->dry = true;
    r->sent = false;
    r->tenant->engine->busy--;
    waiters_end(r->tenant->engine, &r->waiters, 0, NULL);
}

bool removal_is_out(struct tenant *t, uint64_t ino)
{
    struct removal *r = removal_find(t, ino);
    return r && r->asked;
}

bool removal_take_back(struct tenant *t, uint64_t ino)
{
    struct removal *r = removal_find(t, ino);
    if (!r || r->sent || r->moving)
        return false;
    if (!r->aside) {
        struct audit_line l = {.method = "-", .url = "removal taken back"};
        if (!r->rewrite)
            guard_uncount(t, r->asked_at);
        audit(t, &r->caller, r->home, r->name, &l);
    }
    removal_end(r, 0, NULL);
    return true;
}

void removal_list(struct tenant *t, json_t *into)
{
    static const char *const what[] = {"deactivate", "reactivate", "delete"};
    for (struct removal *r = t->removals; r; r = r->hh.next) {
        char at[24];
        iso_time(r->asked_at, at);
        if (!r->aside && !r->dry)
            json_array_append_new(into, json_pack("{s:s,s:s,s:s,s:s,s:s}", "tenant", t->info.conf->name, "name", r->name,
                                                  "what", r->rewrite ? "rewrite" : what[r->op], "at", at, "phase",
                                                  r->held   ? "held"
                                                  : r->sent ? "sent"
                                                            : "grace"));
    }
}

/* Lets a command wait for the verdict of a removal or move; false: none is under way. */
bool removal_wait(struct tenant *t, uint64_t ino, struct ask *a)
{
    struct removal *r = removal_find(t, ino);
    if (!r || r->aside || r->dry)
        return false;
    waiters_add(t->engine, &r->waiters, a);
    return true;
}

void removal_free(struct tenant *t)
{
    struct removal *r, *next;
    HASH_ITER(hh, t->removals, r, next)
    {
        HASH_DEL(t->removals, r);
        removal_release_parts(r);
        free(r);
    }
}
