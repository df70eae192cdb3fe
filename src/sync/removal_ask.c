/* removal_ask.c — who asks for a removal, a move into the bin or out of it: may it be, the guard, the grace, the operator's word.
 *
 * guard.c counts them when they are asked. One that is held waits for an operator's word, over restarts too.
 */
#include "sync/removal.h"
#include "sync/hook.h"

#include <errno.h>
#include <string.h>

#define PAUSE_MOST 10 /* graces: no longer does a removal wait for a pause of those that follow it */
#define ASIDE_FOR  (30 * SECOND)

/* ------------------------------------------------------------------ may it be */

static bool delete_allowed(const struct conf_tenant *conf, const struct lms_collection *c)
{
    for (char **p = conf->allow_delete; p && *p; p++)
        if (!strcmp(*p, c->name))
            return true;
    return false;
}

static int removal_op(struct tenant *t, const struct lms_collection *c, bool out_of_bin, enum lms_op *op, struct err *e)
{
    const struct conf_tenant *conf = t->info.conf;
    if (conf->unlink == UNLINK_DENY)
        return err_set(e, -EPERM, "unlink = deny: nothing of %s is removed", conf->name);
    if (!out_of_bin && (c->can & LMS_DEACTIVATE)) {
        *op = LMS_OP_DEACTIVATE;
        return 0;
    }
    if (!(c->can & LMS_DELETE))
        return err_set(e, -EPERM, "%s has no way to remove one of %s", t->info.provider->name, c->name);
    if (c->kind != LMS_WRITE_ONLY && !delete_allowed(conf, c)) /* what can only be written can be written again */
        return err_set(e, -EPERM, "removing it would delete it for good: only where allow_delete names %s", c->name);
    *op = LMS_OP_DELETE;
    return 0;
}

/* ------------------------------------------------------------------ an unlink that begins a save */

static const char nothing_removed[] = "unlink = rewrite removes nothing";

/* These unlink a file to write it anew at once. What mv and tar (--remove-files) unlink when they have read it they move away. */
static bool writes_anew(const struct ask *a)
{
    static const struct {
        const char *name;
        bool moves;
    } programs[] = {{"cp", false}, {"git", false}, {"install", false}, {"mv", true}, {"tar", true}};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (!strcmp(a->caller.command, programs[i].name))
            return !(programs[i].moves && a->was_read);
    return false;
}

/* Only of what can be saved. `op` is what is shown meanwhile, nothing is sent. */
static bool may_rewrite(const struct tenant *t, const struct lms_collection *c, const struct ask *a, enum lms_op *op)
{
    *op = c->can & LMS_DEACTIVATE ? LMS_OP_DEACTIVATE : LMS_OP_DELETE;
    return !a->flag && (c->can & (LMS_UPDATE | LMS_UPSERT)) && t->info.conf->removal_grace > 0;
}

/* What an unlink is: a removal, or where there can be none the beginning of a save, whoever does it or only those that are known to. */
static int unlink_op(struct tenant *t, const struct lms_collection *c, const struct ask *a, enum lms_op *op,
                     bool *rewrite, struct err *e)
{
    enum conf_unlink is = t->info.conf->unlink;
    int code = is == UNLINK_REWRITE ? err_set(e, -EPERM, nothing_removed) : removal_op(t, c, a->flag, op, e);
    *rewrite = code && (is == UNLINK_REWRITE || (is == UNLINK_DEACTIVATE && writes_anew(a))) && may_rewrite(t, c, a, op);
    return *rewrite ? 0 : code;
}

/* ------------------------------------------------------------------ the grace */

static void hold(struct removal *r)
{
    struct err ignored;
    r->held = true;
    removal_note(r, &ignored);
}

/* Milliseconds until nothing was removed for a grace: however slowly rm -rf goes, none is sent before the guard has seen them all. */
static int64_t until_pause(const struct removal *r)
{
    int64_t now = now_ms(), grace = r->tenant->info.conf->removal_grace * (int64_t)SECOND;
    if (r->aside || now - r->noted_ms >= PAUSE_MOST * grace)
        return 0;
    int64_t left = r->tenant->removal_asked_ms + grace - now;
    return r->tenant->removal_asked_ms && left > 0 ? left : 0;
}

static void not_rewritten(struct removal *r)
{
    const struct conf_tenant *conf = r->tenant->info.conf;
    struct audit_line l = {.method = "-", .url = "not written again, nothing removed", .code = -EPERM};
    struct err e = {0};
    enum lms_op op;
    audit(r->tenant, &r->caller, r->home, r->name, &l);
    if (conf->unlink == UNLINK_REWRITE)
        err_set(&e, -EPERM, nothing_removed);
    else if (removal_op(r->tenant, r->c, false, &op, &e) == 0) /* SIGHUP brought an allow_delete meanwhile */
        err_set(&e, -EPERM, "what was unlinked to be written removes nothing");
    err_prefix(&e, "not written again within %d s", conf->removal_grace);
    removal_refuse(r, -EPERM, &e);
}

void removal_grace_over(void *ctx)
{
    struct removal *r = ctx;
    int64_t more = until_pause(r);
    r->timer = more ? net_timer_start(r->tenant->engine->net, more, removal_grace_over, r) : NULL;
    if (r->timer)
        return;
    if (r->aside)
        removal_end(r, 0, NULL);
    else if (r->rewrite)
        not_rewritten(r);
    else if (r->tenant->guard.tripped)
        hold(r);
    else
        removal_send(r);
}

/* ------------------------------------------------------------------ asks */

/* One more removal; the one that trips the guard is audited. */
static int count(struct tenant *t, const struct ask *a, const struct known *k, int64_t now, struct err *e)
{
    bool before = t->guard.tripped;
    int code = guard_count(t, now, e);
    if (code == -EDQUOT && !before) {
        struct audit_line l = {.method = "-", .url = "removal guard tripped", .code = code};
        audit(t, &a->caller, k->home, k->name, &l);
    }
    return code;
}

/* Whom it is about: 0, or -ENOENT. */
static int whom(struct tenant *t, const struct ask *a, const struct lms_collection **c, struct known *k, struct err *e)
{
    *c = collection_of(t, a->ino, e);
    int code = *c ? known_get(t->engine, a->ino, k) : -ENOENT;
    return code ? err_set(e, code, "no such record") : 0;
}

void removal_ask(struct tenant *t, struct ask *a)
{
    struct err e = {0};
    struct known k = {0};
    enum lms_op op = LMS_OP_DEACTIVATE;
    bool rewrite = false;
    struct removal *r = NULL;
    const struct lms_collection *c;
    int code = whom(t, a, &c, &k, &e);
    if (code == 0)
        code = unlink_op(t, c, a, &op, &rewrite, &e);
    if (code == 0 && (r = removal_find(t, a->ino)) && !r->aside)
        code = err_set(&e, -EBUSY, "it is being removed or moved already");
    if (code == 0 && (k.flags & STORE_PROVISIONAL))
        code = err_set(&e, -EBUSY, "its creation is still under way");
    int64_t now = wall_now();
    if (code == 0 && !rewrite)
        code = count(t, a, &k, now, &e);
    if (code == 0 && r)
        removal_end(r, 0, NULL);
    r = code == 0 ? removal_new(t, &k, op, &a->caller, &e) : NULL;
    known_release(&k);
    if (r) {
        r->asked_at = now; /* as the guard counted it, for to be uncounted */
        r->rewrite = rewrite;
        test_hook("before-removal");
    }
    if (r && (code = removal_note(r, &e))) {
        if (!rewrite)
            guard_uncount(t, now);
        removal_end(r, code, &e);
        r = NULL;
    }
    if (!r) {
        ask_end(t->engine, a, code ? code : -ENOMEM, &e);
        return;
    }
    t->removal_asked_ms = now_ms();
    record_mark_again(t->engine, r->ino);
    hook_inode(t->engine, r->home);
    hook_inode(t->engine, dir_of_record(r->ino, false, r->home));
    if (t->info.conf->removal_grace == 0) {
        waiters_add(t->engine, &r->waiters, a);
        removal_send(r);
        return;
    }
    r->timer = net_timer_start(t->engine->net, t->info.conf->removal_grace * (int64_t)SECOND, removal_grace_over, r);
    ask_end(t->engine, a, 0, NULL);
}

void restore_ask(struct tenant *t, struct ask *a)
{
    struct removal *r = removal_find(t, a->ino);
    struct err e = {0};
    if (r && r->sent) { /* too late to take back: whoever creates the name waits for the end of it */
        waiters_add(t->engine, &r->waiters, a);
        return;
    }
    removal_take_back(t, a->ino);
    ask_end(t->engine, a, 0, &e);
}

void move_ask(struct tenant *t, struct ask *a)
{
    struct err e = {0};
    struct known k = {0};
    enum lms_op op = LMS_OP_REACTIVATE;
    struct removal *r = NULL;
    const struct lms_collection *c;
    int code = whom(t, a, &c, &k, &e);
    if (code == 0 && a->flag)
        code = removal_op(t, c, false, &op, &e);
    else if (code == 0 && !(c->can & LMS_REACTIVATE))
        code = err_set(&e, -EPERM, "%s has no way to bring one of %s back", t->info.provider->name, c->name);
    if (code == 0 && op == LMS_OP_DELETE)
        code = err_set(&e, -EPERM, "%s has no deactivation", t->info.provider->name);
    if (code == 0 && (r = removal_find(t, a->ino)) && !removal_take_back(t, a->ino)) {
        if (!a->flag && !r->aside) { /* too late to take it back: it follows */
            r->back = true;
            removal_note(r, &e);
            waiters_add(t->engine, &r->moves, a);
            known_release(&k);
            return;
        }
        code = err_set(&e, -EBUSY, "it is being removed or moved already");
    }
    r = NULL;
    if (code == 0 && (k.flags & STORE_PROVISIONAL))
        code = err_set(&e, -EBUSY, "its creation is still under way");
    if (code == 0 && !!(k.flags & STORE_ACTIVE) != a->flag) { /* there already: a deletion from the bin was just taken back */
        known_release(&k);
        ask_end(t->engine, a, 0, NULL);
        return;
    }
    int64_t now = wall_now();
    if (code == 0 && a->flag)
        code = count(t, a, &k, now, &e);
    if (code == 0 && !(r = removal_new(t, &k, op, &a->caller, &e))) {
        code = e.code;
        guard_uncount(t, now);
    }
    known_release(&k);
    if (!r) {
        ask_end(t->engine, a, code, &e);
        return;
    }
    r->moving = true;
    waiters_add(t->engine, &r->waiters, a);
    removal_send(r);
}

void aside_ask(struct tenant *t, struct ask *a)
{
    struct err e = {0};
    struct known k = {0};
    struct removal *r = NULL;
    int code = known_get(t->engine, a->ino, &k);
    if (code)
        err_set(&e, code, "no such record");
    if (code == 0 && removal_find(t, a->ino))
        code = err_set(&e, -EBUSY, "it is being removed already");
    if (code == 0 && !(r = removal_new(t, &k, LMS_OP_DEACTIVATE, &a->caller, &e)))
        code = e.code;
    known_release(&k);
    if (r) {
        r->aside = true;
        record_mark_again(t->engine, r->ino);
        r->timer = net_timer_start(t->engine->net, ASIDE_FOR, removal_grace_over, r);
    }
    ask_end(t->engine, a, code, &e);
}

/* ------------------------------------------------------------------ the operator's word */

unsigned removal_release(struct tenant *t, bool send)
{
    struct removal *r = NULL, *next = NULL;
    unsigned n = 0;
    guard_reset(t);
    HASH_ITER(hh, t->removals, r, next)
    {
        if (r->sent || r->aside || r->dry || r->moving || (send && !r->held))
            continue;
        n++;
        r->held = false;
        if (send)
            removal_send(r);
        else
            removal_take_back(t, r->ino);
    }
    return n;
}
