/* removal.c — people leave and come back: deferred removals, the guard, moves into the bin and out of it.
 *
 *   rm: noted (ledger; shown in the bin, or hidden where there is none) → grace → request → verdict
 *                 └ taken back: the name was created again or moved out of the bin, nothing is sent
 *   mv: noted → request → verdict, which the rename waits for
 *
 * guard.c counts them when they are asked. One that is held waits for an operator's word, over restarts too.
 */
#include "sync/save.h"
#include "sync/hook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_AGAIN  (SECOND / 5)
#define STALE_AFTER 3600 /* seconds: a removal found older than this at start is not sent */
#define PAUSE_MOST  10   /* graces: no longer does a removal wait for a pause of those that follow it */

struct removal {
    uint64_t ino, home;
    struct tenant *tenant;
    const struct lms_collection *c;
    char *name, *key; /* key: the vendor's, by which it is found should the cache be lost; "" or NULL: none */
    enum lms_op op;
    struct caller caller;
    int64_t asked_at;
    char uid[33];           /* lms_change.uid: of this removal, whichever try it is */
    bool was_sent;          /* replayed: a request may have left in an earlier run */
    bool sent, held, aside; /* aside: an editor's rename hid the record; nothing will be sent */
    bool moving;            /* mv: hidden from nobody, and never in a grace */
    bool asked;             /* its request is out: no verdict yet */
    bool back;              /* moved out of the bin meanwhile: the way back follows */
    bool dry;               /* a deletion that wasn't sent: hidden until the unmount */
    bool looking;           /* the list is read to see how it stands: shown, for a sweep leaves alone what is hidden */
    bool unread;            /* its answer can't be read */
    int64_t since_ms;       /* when it was first to be sent; 0: not yet */
    struct net_timer *timer;
    struct err why;           /* while the record is looked up before the refusal is told */
    struct http_request copy; /* of what was sent, for why and the audit */
    char *manager;            /* what the deactivation takes */
    struct waiters waiters;
    struct waiters moves; /* out of the bin, asked while it was too late to take it back: they follow its verdict */
    int64_t noted_ms;
    UT_hash_handle hh;
};

static struct removal *removal_find(struct tenant *t, uint64_t ino)
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

static void told(struct removal *r)
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
static void removal_end(struct removal *r, int code, const struct err *e)
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
        told(r);
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

static int removal_note(struct removal *r, struct err *e)
{
    if (r->tenant->engine->conf->dry_run)
        return 0;
    json_t *o = json_pack("{s:I,s:s,s:i,s:I,s:I,s:I,s:s,s:b,s:b,s:b,s:s?,s:s,s:s?}", "home", (json_int_t)r->home, "name",
                          r->name, "op", (int)r->op, "at", (json_int_t)r->asked_at, "uid", (json_int_t)r->caller.uid,
                          "pid", (json_int_t)r->caller.pid, "command", r->caller.command, "sent", r->sent, "held",
                          r->held, "back", r->back, "manager", r->manager, "removal", r->uid, "key", r->key);
    char *s = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!s)
        return err_set(e, -ENOMEM, "out of memory");
    int res = ledger_put(r->tenant->engine->store, LEDGER_REMOVALS, r->ino, s, strlen(s), e);
    free(s);
    return res;
}

static void refused(struct removal *r, int code, const struct err *e)
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

/* ------------------------------------------------------------------ the way back: the manager that a deactivation cleared */

/* What a deactivation took is found by the record's number, or, when the cache was begun anew, by its key. */
struct kept {
    const struct removal *r;
    uint64_t at;
    json_t *put; /* the document that gives it back */
};

static void kept_note(const struct removal *r)
{
    struct err e;
    json_t *o =
        json_pack("{s:I,s:s?,s:{s:s}}", "home", (json_int_t)r->home, "key", r->key, "put", "manager_id", r->manager);
    char *s = o ? json_dumps(o, JSON_COMPACT) : NULL;
    if (s)
        ledger_put(r->tenant->engine->store, LEDGER_KEPT, r->ino, s, strlen(s), &e);
    free(s);
    json_decref(o);
}

static int kept_match(void *ctx, uint64_t at, const void *value, size_t len)
{
    struct kept *k = ctx;
    json_t *o = json_loadb(value, len, 0, NULL);
    const char *key = json_string_value(json_object_get(o, "key"));
    bool same = at == k->r->ino || (k->r->key && *k->r->key && key && !strcmp(key, k->r->key) &&
                                    (uint64_t)json_integer_value(json_object_get(o, "home")) == k->r->home);
    if (same) {
        k->at = at;
        k->put = json_incref(json_object_get(o, "put"));
    }
    json_decref(o);
    return same;
}

static char *kept_find(const struct removal *r, uint64_t *at)
{
    struct kept k = {.r = r};
    ledger_each(r->tenant->engine->store, LEDGER_KEPT, kept_match, &k);
    char *text = k.put ? json_dumps(k.put, JSON_COMPACT) : NULL;
    json_decref(k.put);
    *at = k.at;
    return text;
}

struct back {
    struct removal *r;
    uint64_t kept;  /* where the ledger has it */
    struct ask ask; /* the save that puts the manager back */
};

static void manager_saved(struct ask *a, int code)
{
    struct back *b = (struct back *)((char *)a - offsetof(struct back, ask));
    struct removal *r = b->r;
    struct err e = ask_err(a), ignored;
    if (code == 0 && !r->tenant->engine->conf->dry_run)
        ledger_delete(r->tenant->engine->store, LEDGER_KEPT, b->kept, &ignored);
    else
        err_prefix(&e, "the person is active again, but the manager could not be put back");
    ask_release(a);
    free(b);
    if (code && code != -ESHUTDOWN) {
        struct reason why = {.code = code, .text = e.text};
        reject(r->tenant, r->c, r->home, r->name, NULL, 0, &why);
    }
    removal_end(r, code, &e);
}

/* A save of the removal's record: `text`, which the ask takes over. */
static void back_ask(struct back *b, struct removal *r, char *text, void (*done)(struct ask *a, int code))
{
    b->r = r;
    b->ask = (struct ask){.kind = ASK_SAVE,
                          .ino = r->home,
                          .name = strdup(r->name),
                          .text = text,
                          .text_len = strlen(text),
                          .people = true,
                          .timeout_ms = r->tenant->info.conf->op_timeout * 2 * SECOND,
                          .caller = r->caller,
                          .done = done};
}

static void put_manager_back(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct removal *r = ctx;
    uint64_t kept = 0;
    (void)ino;
    char *text = code ? NULL : kept_find(r, &kept);
    struct back *b = text ? calloc(1, sizeof *b) : NULL;
    if (!b) {
        free(text);
        removal_end(r, code == -ESHUTDOWN ? code : 0, e);
        return;
    }
    b->kept = kept;
    back_ask(b, r, text, manager_saved);
    save_ask(r->tenant, &b->ask);
}

/* ------------------------------------------------------------------ the request and its verdict */

/* Nobody but the ledger knows it. Where there is no bin the record is gone from sight, and a later save of it brings it back. */
static void written_only_done(struct removal *r)
{
    struct tenant *t = r->tenant;
    struct known k;
    struct err e = {0};
    bool bin = r->op != LMS_OP_DELETE && !lms_has_parents(r->c);
    record_mark(t->engine, r->ino, NULL);
    if (known_get(t->engine, r->ino, &k)) { /* the save that removed it has seen to it */
        removal_end(r, 0, NULL);
        return;
    }
    int code = r->op == LMS_OP_REACTIVATE ? accepted_activate(t, &k, &e) : accepted_remove(t, &k, bin, &e);
    if (code == 0 && r->op == LMS_OP_REACTIVATE)
        record_set_active(t, r->ino, true, &e);
    own_forget(t, r->ino);
    known_release(&k);
    removal_end(r, 0, NULL); /* the LMS did it: only our view of it may lag */
}

static void done_with(struct removal *r)
{
    struct tenant *t = r->tenant;
    struct err e = {0};
    test_hook("removal-answered");
    touched_note(t, r->ino);
    r->asked = false;
    if (r->op != LMS_OP_DEACTIVATE)
        successor_forget(t, r->ino);
    if (r->c->kind == LMS_WRITE_ONLY) {
        written_only_done(r);
        return;
    }
    if (r->op == LMS_OP_DELETE) {
        record_forget(t, r->ino, &e);
        removal_end(r, 0, NULL);
        return;
    }
    if (r->op == LMS_OP_DEACTIVATE) {
        if (r->manager)
            kept_note(r);
        own_forget(t, r->ino);
        record_set_active(t, r->ino, false, &e);
        record_mark(t->engine, r->ino, NULL);
        removal_end(r, 0, NULL);
        return;
    }
    record_mark(t->engine, r->ino, NULL);
    record_set_active(t, r->ino, true, &e);
    fetch_by_ino(t, r->ino, NET_PEOPLE, t->info.conf->op_timeout * SECOND, put_manager_back, r);
}

/* Is the record as it was to be? By what its own GET has just said. */
static bool is_done(const struct removal *r, int code)
{
    struct known k;
    if (code == -ENOENT)
        return r->op != LMS_OP_REACTIVATE;
    if (code || r->op == LMS_OP_DELETE || known_get(r->tenant->engine, r->ino, &k))
        return false;
    bool active = k.flags & STORE_ACTIVE;
    known_release(&k);
    return active == (r->op == LMS_OP_REACTIVATE);
}

/* The answer was lost: the LMS is asked how the record stands, for to send it again might be refused though the first was done. */
static void looked_up(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct removal *r = ctx;
    struct err why = r->why;
    (void)ino;
    if (code == -ESHUTDOWN)
        removal_end(r, code, e);
    else if (is_done(r, code))
        done_with(r);
    else
        refused(r, why.code, &why);
}

/* ------------------------------------------------------------------ how it stands, when an answer was lost */

struct look {
    struct removal *r;
    fetch_done *done;
    struct ask ask; /* the list is read again */
};

static void list_was_read(struct ask *a, int code)
{
    struct look *l = (struct look *)((char *)a - offsetof(struct look, ask));
    struct removal *r = l->r;
    fetch_done *done = l->done;
    struct err e = ask_err(a);
    ask_release(a);
    free(l);
    done(r, code, r->ino, &e);
}

/* The record's own GET says it, or the list where there is no such GET. false: neither can. */
static bool find_out(struct removal *r, int timeout_ms, fetch_done *done)
{
    struct tenant *t = r->tenant;
    struct look *l = NULL;
    if (r->c->can & LMS_GET) {
        fetch_by_ino(t, r->ino, NET_PEOPLE, timeout_ms, done, r);
        return true;
    }
    if (r->c->kind != LMS_LISTED || r->c->parent || !(l = calloc(1, sizeof *l)))
        return false;
    l->r = r;
    l->done = done;
    l->ask =
        (struct ask){.kind = ASK_REFRESH, .ino = r->home, .people = true, .caller = r->caller, .done = list_was_read};
    r->looking = true;
    record_mark_again(t->engine, r->ino);
    list_ask(t, &l->ask);
    return true;
}

/* Did the request leave us not knowing what became of it? Where it can't be sent again, a failure on their side is no answer either. */
static bool is_unknown(const struct removal *r, const struct net_result *res, int code)
{
    if (!code || res->err.code)
        return code && res->sent;
    return !r->copy.idempotent && (res->reply.status >= 500 || (res->reply.status < 300 && code == -EIO && r->unread));
}

/* Some APIs say 2xx and give the verdict in the body. */
static int change_verdict(const struct removal *r, const struct http_reply *reply, struct err *e)
{
    const struct lms_provider *p = r->tenant->info.provider;
    struct lms_change change = {.op = r->op};
    return p->change_reply ? p->change_reply(r->c, &change, reply, e) : 0;
}

/* The LMS's words may repeat what the record holds. */
static void mask(const struct removal *r, struct err *e)
{
    struct known k;
    if (e->code && known_get(r->tenant->engine, r->ino, &k) == 0) {
        doc_mask_text(r->c, k.doc, e->text);
        known_release(&k);
    }
}

static void on_removed(void *ctx, struct net_result *res)
{
    struct removal *r = ctx;
    struct tenant *t = r->tenant;
    struct err e = {0};
    int code = result_error(t, res, &e);
    if (code == 0)
        code = change_verdict(r, &res->reply, &e);
    r->unread = code == -EPROTO;
    mask(r, &e);
    if (code != -ESHUTDOWN) {
        struct audit_line l = {
            .method = http_method_name(r->copy.method), .url = r->copy.path, .code = code, .ms = res->elapsed_ms};
        audit(t, &r->caller, r->home, r->name, &l);
    }
    if (code == -EAGAIN) /* the tenant gave no turn in time */
        code = -ETIMEDOUT;
    else if (code == -EPROTO || code == -EFBIG)
        code = -EIO;
    e.code = code;
    r->why = e;
    if (code == -ESHUTDOWN)
        removal_end(r, code, &e);
    else if (code == 0 || (code == -ENOENT && r->op == LMS_OP_DELETE))
        done_with(r);
    else if (!is_unknown(r, res, code) || !find_out(r, t->info.conf->op_timeout * SECOND, looked_up))
        refused(r, code, &e);
}

static char *successor_of(struct removal *r, const struct known *k)
{
    const char *s = successor_get(r->tenant, r->ino);
    if (!s)
        s = r->tenant->info.conf->successor;
    if (s && !strcmp(s, "manager"))
        s = json_string_value(json_object_get(k->doc, "manager_id"));
    return s ? strdup(s) : NULL;
}

static void removal_send(struct removal *r);

static void send_now(void *ctx)
{
    struct removal *r = ctx;
    r->timer = NULL;
    removal_send(r);
}

/* A save of the record, or its job, is under way: the LMS gets one after the other. true: it is looked at again. */
static bool wait_for_save(struct removal *r)
{
    struct tenant *t = r->tenant;
    bool saving = save_is_under_way(t, r->home, r->name, r->ino) || watch_has_record(t, r->ino);
    if (!r->since_ms)
        r->since_ms = now_ms();
    if (!saving || now_ms() - r->since_ms > t->info.conf->job_timeout * (int64_t)SECOND || !t->engine->net)
        return false;
    r->timer = net_timer_start(t->engine->net, LOOK_AGAIN, send_now, r);
    return r->timer != NULL;
}

static int removal_request(struct removal *r, const struct known *k, struct http_request *req, struct err *e)
{
    const char *manager = json_string_value(json_object_get(k->doc, "manager_id"));
    if (r->op == LMS_OP_DEACTIVATE && manager && !r->manager)
        r->manager = strdup(manager);
    char *parent_ext, *successor = successor_of(r, k), *parent = parent_of(r->tenant->engine, r->home, &parent_ext);
    struct lms_change change = {.op = r->op,
                                .parent_key = parent,
                                .parent_ext = parent_ext,
                                .key = k->key,
                                .ext = *k->ext ? k->ext : NULL,
                                .successor = r->op == LMS_OP_REACTIVATE ? NULL : successor,
                                .doc = k->doc,
                                .uid = r->uid,
                                .now = r->asked_at};
    int code = r->tenant->info.provider->change_request(r->c, &change, req, e);
    free(successor);
    free(parent);
    free(parent_ext);
    return code;
}

/* A dry run's deletion: over for those who wait, and hidden until the unmount. */
static void stay_hidden(struct removal *r)
{
    r->dry = true;
    r->sent = false;
    r->tenant->engine->busy--;
    waiters_end(r->tenant->engine, &r->waiters, 0, NULL);
}

/* A record whose removal is a save of it with nothing in it: what that takes, requests and jobs, is a save's matter. */
static void emptied(struct ask *a, int code)
{
    struct back *b = (struct back *)((char *)a - offsetof(struct back, ask));
    struct removal *r = b->r;
    struct err e = ask_err(a);
    ask_release(a);
    free(b);
    if (code == 0 && r->tenant->engine->conf->dry_run)
        stay_hidden(r);
    else
        removal_end(r, code, &e); /* what was refused is kept as a save's */
}

static char *emptied_text(const struct lms_collection *c)
{
    json_t *o = json_object();
    for (const struct lms_field *f = c->fields; f && f->name; f++)
        if (f->type == LMS_ARRAY)
            json_object_set_new(o, f->name, json_array());
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

static void removal_by_save(struct removal *r)
{
    struct back *b = calloc(1, sizeof *b);
    char *text = emptied_text(r->c);
    struct err e = {0};
    int code = removal_note(r, &e);
    if (!b || !text || code) {
        free(b);
        free(text);
        refused(r, code ? code : -ENOMEM, code ? &e : (err_set(&e, -ENOMEM, "out of memory"), &e));
        return;
    }
    back_ask(b, r, text, emptied);
    save_emptied(r->tenant, &b->ask);
}

/* Nothing is sent: what would be is written down, and the record stands where it would. */
static void removal_dry(struct removal *r, const struct http_request *req)
{
    static const char *const what[] = {"deactivate", "reactivate", "delete"};
    static const struct store_mark pending = {.state = STORE_PENDING};
    struct tenant *t = r->tenant;
    json_t *request = dry_request(r->c, req), *all = json_pack("[O]", request);
    struct dry d = {.home = r->home, .ino = r->ino, .name = r->name, .what = what[r->op], .requests = all};
    struct audit_line l = {.method = http_method_name(req->method), .url = http_shown(req), .request = request};
    struct err e = {0};
    uint64_t seq = 0;
    audit(t, &r->caller, r->home, r->name, &l);
    int code = dry_keep(t, &d, &seq, &e);
    if (code == 0 && r->op != LMS_OP_DELETE) {
        record_mark(t->engine, r->ino, &pending);
        code = record_set_active(t, r->ino, r->op == LMS_OP_REACTIVATE, &e);
    }
    json_decref(all);
    json_decref(request);
    if (code) {
        removal_end(r, code, &e);
    } else if (r->op == LMS_OP_REACTIVATE) {
        put_manager_back(r, 0, r->ino, NULL);
    } else if (r->op == LMS_OP_DEACTIVATE) {
        removal_end(r, 0, NULL);
    } else {
        stay_hidden(r);
    }
}

static void removal_send(struct removal *r)
{
    struct tenant *t = r->tenant;
    struct known k;
    struct err e = {0};
    struct http_request req = {0};
    if (wait_for_save(r))
        return;
    int code = known_get(t->engine, r->ino, &k);
    if (code) {
        refused(r, code, (err_set(&e, code, "nothing was sent: the record is not known any more"), &e));
        return;
    }
    if (!r->sent) {
        r->sent = true;
        t->engine->busy++;
    }
    r->held = false;
    if ((r->c->can & LMS_EMPTIES) && r->c->kind == LMS_WRITE_ONLY) {
        known_release(&k);
        removal_by_save(r);
        return;
    }
    code = removal_request(r, &k, &req, &e);
    known_release(&k);
    if (code == 0 && t->engine->conf->dry_run) {
        removal_dry(r, &req);
        http_request_release(&req);
        return;
    }
    if (code == 0)
        code = removal_note(r, &e);
    if (code) {
        http_request_release(&req);
        refused(r, code, &e);
        return;
    }
    r->copy.method = req.method;
    r->copy.idempotent = req.idempotent;
    free(r->copy.path);
    r->copy.path = strdup(http_shown(&req));
    r->asked = true;
    test_hook("removal-noted");
    tenant_send(t, &req, NET_PEOPLE, t->info.conf->op_timeout * SECOND, true, on_removed, r);
}

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

static void grace_over(void *ctx)
{
    struct removal *r = ctx;
    int64_t more = until_pause(r);
    r->timer = more ? net_timer_start(r->tenant->engine->net, more, grace_over, r) : NULL;
    if (r->timer)
        return;
    if (r->aside)
        removal_end(r, 0, NULL);
    else if (r->tenant->guard.tripped)
        hold(r);
    else
        removal_send(r);
}

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

static struct removal *removal_new(struct tenant *t, const struct known *k, enum lms_op op, const struct caller *who,
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

/* ------------------------------------------------------------------ asks */

void removal_ask(struct tenant *t, struct ask *a)
{
    struct err e = {0};
    struct known k = {0};
    enum lms_op op = LMS_OP_DEACTIVATE;
    struct removal *r = NULL;
    const struct lms_collection *c = collection_of(t, a->ino, &e);
    int code = c ? known_get(t->engine, a->ino, &k) : -ENOENT;
    if (code)
        err_set(&e, code, "no such record");
    if (code == 0)
        code = removal_op(t, c, a->flag, &op, &e);
    if (code == 0 && (r = removal_find(t, a->ino)) && !r->aside)
        code = err_set(&e, -EBUSY, "it is being removed or moved already");
    if (code == 0 && (k.flags & STORE_PROVISIONAL))
        code = err_set(&e, -EBUSY, "its creation is still under way");
    int64_t now = wall_now();
    if (code == 0)
        code = count(t, a, &k, now, &e);
    if (code == 0 && r)
        removal_end(r, 0, NULL);
    r = code == 0 ? removal_new(t, &k, op, &a->caller, &e) : NULL;
    known_release(&k);
    if (r)
        test_hook("before-removal");
    if (r && (code = removal_note(r, &e))) {
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
    r->timer = net_timer_start(t->engine->net, t->info.conf->removal_grace * (int64_t)SECOND, grace_over, r);
    ask_end(t->engine, a, 0, NULL);
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
        guard_uncount(t, r->asked_at);
        audit(t, &r->caller, r->home, r->name, &l);
    }
    removal_end(r, 0, NULL);
    return true;
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
    const struct lms_collection *c = collection_of(t, a->ino, &e);
    int code = c ? known_get(t->engine, a->ino, &k) : -ENOENT;
    if (code)
        err_set(&e, code, "no such record");
    else if (a->flag)
        code = removal_op(t, c, false, &op, &e);
    else if (!(c->can & LMS_REACTIVATE))
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
    if (code) {
        ask_end(t->engine, a, code, &e);
        return;
    }
    r->moving = true;
    waiters_add(t->engine, &r->waiters, a);
    removal_send(r);
}

#define ASIDE_FOR (30 * SECOND)

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
    if (code == 0) {
        r->aside = true;
        record_mark_again(t->engine, r->ino);
        r->timer = net_timer_start(t->engine->net, ASIDE_FOR, grace_over, r);
    }
    ask_end(t->engine, a, code, &e);
}

/* ------------------------------------------------------------------ the operator's word, replay, end */

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

void removal_list(struct tenant *t, json_t *into)
{
    static const char *const what[] = {"deactivate", "reactivate", "delete"};
    for (struct removal *r = t->removals; r; r = r->hh.next) {
        char at[24];
        iso_time(r->asked_at, at);
        if (!r->aside && !r->dry)
            json_array_append_new(into, json_pack("{s:s,s:s,s:s,s:s,s:s}", "tenant", t->info.conf->name, "name",
                                                  r->name, "what", what[r->op], "at", at, "phase",
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

static bool may_send_again(struct removal *r)
{
    struct http_request req = {0};
    struct known k;
    struct err e;
    bool may = known_get(r->tenant->engine, r->ino, &k) == 0 && removal_request(r, &k, &req, &e) == 0 && req.idempotent;
    known_release(&k);
    http_request_release(&req);
    return may;
}

static void replay_known(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct removal *r = ctx;
    struct err lost;
    (void)ino;
    if (code == -ESHUTDOWN)
        removal_end(r, code, e);
    else if (is_done(r, code))
        done_with(r);
    else if ((r->c->can & LMS_GET) || may_send_again(r)) /* its own GET says that it did not happen */
        removal_send(r);
    else
        refused(
            r, -EIO,
            (err_set(&lost, -EIO,
                     "lmsfs ended while it was under way, and it may or may not have happened: look, and ask again"),
             &lost));
}

/* Was it done before the crash, of a record that only the ledger knows? */
static bool is_gone(const struct removal *r)
{
    struct known k;
    if (accepted_removed(r->tenant, r->home, r->name, &k))
        return false;
    known_release(&k);
    return true;
}

/* Where it stood when the daemon ended, it goes on. */
static void replay_go_on(struct removal *r)
{
    struct tenant *t = r->tenant;
    struct err e = {0};
    int64_t age = wall_now() - r->asked_at, grace = t->info.conf->removal_grace;
    if (r->was_sent) {
        r->sent = r->asked = true;
        t->engine->busy++;
        record_mark_again(t->engine, r->ino);
        if (!find_out(r, 60 * SECOND, replay_known))
            replay_known(r, -ENOTSUP, r->ino, &e);
    } else if (age > STALE_AFTER && !r->held) {
        refused(r, -ECANCELED, (err_set(&e, -ECANCELED, "found more than an hour old at start; not sent"), &e));
    } else {
        record_mark_again(t->engine, r->ino);
        if (!r->held)
            r->timer = net_timer_start(t->engine->net, age < grace ? (grace - age) * SECOND : 0, grace_over, r);
    }
}

/* The cache was begun anew, and the record has another number now. */
static void replay_found(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct removal *r = ctx;
    struct tenant *t = r->tenant;
    struct err why = *e, ignored;
    if (code == -ESHUTDOWN) {
        removal_end(r, code, e);
    } else if (code || removal_find(t, ino)) {
        err_prefix(&why, "the cache was begun anew, and the record can't be found again: ask again");
        refused(r, code ? code : -EBUSY, &why);
    } else {
        HASH_DEL(t->removals, r);
        ledger_delete(t->engine->store, LEDGER_REMOVALS, r->ino, &ignored);
        r->ino = ino;
        HASH_ADD(hh, t->removals, ino, sizeof r->ino, r);
        removal_note(r, &ignored);
        told(r);
        replay_go_on(r);
    }
}

static void replay_removal(struct removal *r)
{
    struct tenant *t = r->tenant;
    char stem[1024];
    struct err e = {0};
    struct known k;
    int code = known_get(t->engine, r->ino, &k);
    known_release(&k);
    bool ask = code && r->key && *r->key && !r->c->parent && (r->c->can & LMS_GET) &&
               snprintf(stem, sizeof stem, "ID-%s", r->key) < (int)sizeof stem;
    if (r->c->kind == LMS_WRITE_ONLY && ((code && is_gone(r)) || (r->was_sent && (r->c->can & LMS_EMPTIES)))) {
        t->engine->busy++; /* removal_end counts it down */
        r->sent = true;
        removal_end(r, 0, NULL);
    } else if (code == 0) {
        replay_go_on(r);
    } else if (ask) {
        fetch_record(t, r->home, r->c, stem, NET_PEOPLE, 60 * SECOND, replay_found, r);
    } else {
        refused(r, code,
                (err_set(&e, code, "the cache was begun anew, and the record isn't known any more: ask again"), &e));
    }
}

static int replay_one(void *ctx, uint64_t ino, const void *value, size_t len)
{
    struct tenant *t = ctx;
    if (tenant_of(t->engine, ino) != t || !engine_collection(t->engine, ino))
        return 0;
    json_t *o = json_loadb(value, len, 0, NULL);
    const char *name = json_string_value(json_object_get(o, "name")),
               *manager = json_string_value(json_object_get(o, "manager"));
    struct known k = {.ino = ino,
                      .home = (uint64_t)json_integer_value(json_object_get(o, "home")),
                      .name = (char *)name,
                      .key = (char *)json_string_value(json_object_get(o, "key"))};
    struct caller who = {0};
    caller_read(&who, o);
    int op = (int)json_integer_value(json_object_get(o, "op"));
    struct err e = {0};
    struct removal *r = name && op >= 0 && op <= LMS_OP_DELETE ? removal_new(t, &k, (enum lms_op)op, &who, &e) : NULL;
    if (r) {
        r->asked_at = json_integer_value(json_object_get(o, "at"));
        r->manager = manager ? strdup(manager) : NULL;
        r->held = json_is_true(json_object_get(o, "held"));
        r->moving = op == LMS_OP_REACTIVATE;
        r->back = json_is_true(json_object_get(o, "back"));
        const char *uid = json_string_value(json_object_get(o, "removal"));
        if (uid && strlen(uid) == sizeof r->uid - 1) /* an older lmsfs noted none */
            snprintf(r->uid, sizeof r->uid, "%s", uid);
        r->was_sent = json_is_true(json_object_get(o, "sent"));
        replay_removal(r);
    }
    json_decref(o);
    return 0;
}

void removal_replay(struct tenant *t)
{
    guard_load(t);
    if (t->engine->conf->dry_run) /* they wait for a mount that sends */
        return;
    ledger_each(t->engine->store, LEDGER_REMOVALS, replay_one, t);
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
