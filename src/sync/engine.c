/* engine.c — the engine thread: its queue, its loop, the end of it. */
#include "sync/internal.h"
#include "sync/hook.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define RING 65536 /* items that other threads may have handed over and the engine not yet taken */

struct item {
    enum { ITEM_ASK, ITEM_INTERRUPT, ITEM_RUN } type;
    union {
        struct ask *ask;
        uint64_t id;
        void (*fn)(void *ctx);
    };
    void *ctx;
};

struct ask_index {
    uint64_t id;
    struct ask *ask;
    UT_hash_handle hh;
};

/* ------------------------------------------------------------------ clocks */

int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

int64_t wall_now(void)
{
    return time(NULL) + test_clock_ahead();
}

int64_t wall_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

void today_utc(char out[11])
{
    time_t t = time(NULL);
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(out, 11, "%Y-%m-%d", &tm);
}

void iso_time(int64_t unix_s, char out[24])
{
    time_t t = unix_s;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &tm))
        out[0] = '\0';
}

int uid_new(char out[33])
{
    unsigned char bits[16];
    if (getrandom(bits, sizeof bits, 0) != (ssize_t)sizeof bits) /* so few come whole */
        return -EIO;
    for (size_t i = 0; i < sizeof bits; i++)
        snprintf(out + 2 * i, 3, "%02x", bits[i]);
    return 0;
}

/* ------------------------------------------------------------------ asks that wait */

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

/* Every ask that waits can be found: by an interrupt, and by the end of the engine. */
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

/* ------------------------------------------------------------------ the queue (any thread) */

static int enqueue(struct engine *g, struct item it)
{
    int r = 0;
    pthread_mutex_lock(&g->lock);
    if (g->closed)
        r = -ESHUTDOWN;
    else if (g->ring_n == RING)
        r = -EBUSY;
    else
        g->ring[(g->ring_head + g->ring_n++) % RING] = it;
    pthread_mutex_unlock(&g->lock);
    if (r == 0)
        net_wakeup(g->net);
    return r;
}

int engine_ask(struct engine *g, struct ask *a)
{
    return enqueue(g, (struct item){.type = ITEM_ASK, .ask = a});
}

uint64_t engine_ask_id(struct engine *g)
{
    return atomic_fetch_add(&g->last_id, 1) + 1;
}

void engine_interrupt(struct engine *g, uint64_t id)
{
    enqueue(g, (struct item){.type = ITEM_INTERRUPT, .id = id});
}

int engine_run(struct engine *g, void (*fn)(void *ctx), void *ctx)
{
    return enqueue(g, (struct item){.type = ITEM_RUN, .fn = fn, .ctx = ctx});
}

static bool dequeue(struct engine *g, struct item *it)
{
    pthread_mutex_lock(&g->lock);
    bool any = g->ring_n > 0;
    if (any) {
        *it = g->ring[g->ring_head];
        g->ring_head = (g->ring_head + 1) % RING;
        g->ring_n--;
    }
    pthread_mutex_unlock(&g->lock);
    return any;
}

/* ------------------------------------------------------------------ the loop */

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

static void dispatch(struct engine *g, struct ask *a)
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

/* A change that is under way is never abandoned for a signal. */
static bool is_interruptible(const struct ask *a)
{
    enum ask_kind kind = a->kind;
    return (kind == ASK_COMMAND && a->flag) || kind == ASK_LISTING || kind == ASK_SEARCH || kind == ASK_FILE_READ ||
           kind == ASK_NAME || kind == ASK_DETAIL || kind == ASK_JOB;
}

static void interrupt(struct engine *g, uint64_t id)
{
    struct ask_index *i = NULL;
    HASH_FIND(hh, g->waiting, &id, sizeof id, i);
    if (i && is_interruptible(i->ask)) {
        struct err e;
        err_set(&e, -EINTR, "interrupted");
        ask_end(g, i->ask, -EINTR, &e);
    }
}

static void drain(struct engine *g)
{
    struct item it;
    while (dequeue(g, &it)) {
        if (it.type == ITEM_ASK)
            dispatch(g, it.ask);
        else if (it.type == ITEM_INTERRUPT)
            interrupt(g, it.id);
        else
            it.fn(it.ctx);
    }
}

static void poll_once(struct engine *g)
{
    struct pollfd fds[80];
    size_t n = g->fds_n < 80 ? g->fds_n : 80;
    for (size_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = g->fds[i].fd, .events = g->fds[i].events};
    net_poll(g->net, fds, n, g->stopping ? 50 : -1);
    for (size_t i = 0; i < n; i++) {
        if (!fds[i].revents)
            continue;
        for (size_t j = 0; j < g->fds_n; j++) { /* it may have gone since */
            if (g->fds[j].fd == fds[i].fd) {
                g->fds[j].ready(g->fds[j].ctx, fds[i].fd, fds[i].revents);
                break;
            }
        }
    }
}

static void end_all_waiting(struct engine *g)
{
    struct err e;
    err_set(&e, -ESHUTDOWN, "lmsfs is being unmounted");
    while (g->waiting)
        ask_end(g, g->waiting->ask, -ESHUTDOWN, &e);
}

static void *engine_main(void *ctx)
{
    struct engine *g = ctx;
    pthread_setname_np(pthread_self(), "lmsfs-engine");
    dry_undo(g);
    for (size_t i = 0; i < g->tenants_n; i++) {
        struct tenant *t = &g->tenants[i];
        accepted_replay(t);
        watch_replay(t);
        save_replay(t);
        successor_load(t);
        removal_replay(t);
        trickle_start(t);
    }
    pthread_mutex_lock(&g->lock);
    g->replayed = true;
    pthread_cond_signal(&g->replay_over);
    pthread_mutex_unlock(&g->lock);
    do {
        drain(g);
        if (g->stopping && (g->busy == 0 || now_ms() >= g->stop_at_ms))
            break;
        poll_once(g);
    } while (true);
    for (size_t i = 0; i < g->tenants_n; i++)
        trickle_stop(&g->tenants[i]);
    end_all_waiting(g);
    bulk_free(g);
    struct net *n = g->net;
    g->net = NULL; /* tenant_send answers -ESHUTDOWN from here on */
    net_free(n);
    for (size_t i = 0; i < g->tenants_n; i++) {
        struct tenant *t = &g->tenants[i];
        watch_end_waiting(t);
        save_free(t);
        removal_free(t);
        watch_free(t);
        list_free(t);
        search_free(t);
        fetch_free(t);
        fetch_all_free(t);
        own_free(t);
        touched_free(t);
        successor_free(t);
        trickle_free(t);
        session_free(t);
    }
    drain(g); /* closed: what came in before is answered */
    end_all_waiting(g);
    return NULL;
}

/* ------------------------------------------------------------------ start and end */

int engine_start(struct engine *g, struct err *e)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int r = pthread_create(&g->thread, NULL, engine_main, g);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r)
        return err_set(e, -r, "can't start the engine's thread: %s", strerror(r));
    g->started = true;
    pthread_mutex_lock(&g->lock);
    while (!g->replayed) /* what is pending and hidden must be so before anybody looks */
        pthread_cond_wait(&g->replay_over, &g->lock);
    pthread_mutex_unlock(&g->lock);
    return 0;
}

static void begin_stop(void *ctx)
{
    struct engine *g = ctx;
    g->stopping = true;
}

void engine_stop(struct engine *g, int grace_ms)
{
    if (!g->started)
        return;
    g->stop_at_ms = now_ms() + grace_ms;
    while (engine_run(g, begin_stop, g) == -EBUSY)
        sched_yield(); /* the queue drains: the engine never waits for us */
    pthread_mutex_lock(&g->lock);
    g->closed = true;
    pthread_mutex_unlock(&g->lock);
    pthread_join(g->thread, NULL);
    g->started = false;
}

static struct lms_account account_of(const struct conf_tenant *c)
{
    return (struct lms_account){
        .client_id = c->client_id,
        .client_secret = c->client_secret,
        .org_id = c->org_id,
        .org_secret = c->org_secret,
        .api_key = c->api_key,
        .tenant_id = c->tenant_id,
        .secret = c->secret,
        .access_token = c->access_token,
    };
}

struct renewal {
    struct engine *engine;
    struct conf *fresh;
};

/* Everything of the conf before goes, so even what is the same is taken from the fresh one. A tenant that isn't there any more keeps what
 * the mount began with. */
static void renew(void *ctx)
{
    struct renewal *r = ctx;
    struct engine *g = r->engine;
    for (size_t i = 0; i < g->tenants_n; i++) {
        struct tenant *t = &g->tenants[i];
        const struct conf_tenant *began = t->info.conf, *c = conf_tenant(r->fresh, began->name);
        if (!c || strcmp(c->provider, began->provider) != 0)
            c = began;
        const struct conf_tenant *was = g->reread ? conf_tenant(g->reread, began->name) : began;
        bool same = was && conf_same_credentials(was, c);
        t->account = account_of(c);
        t->account.act_as = began->act_as;
        t->account.events_url = began->events_url;
        if (!same)
            session_renew(t);
    }
    if (g->reread)
        conf_release(g->reread);
    free(g->reread);
    g->reread = r->fresh;
    free(r);
}

int engine_credentials(struct engine *g, struct conf *fresh, const struct conf **where)
{
    struct renewal *r = malloc(sizeof *r);
    struct conf *kept = malloc(sizeof *kept);
    int rc = -ENOMEM;
    if (r && kept) {
        *r = (struct renewal){g, kept};
        *kept = *fresh;
        rc = engine_run(g, renew, r);
    }
    if (rc) {
        free(r);
        free(kept);
    } else {
        *fresh = (struct conf){0};
        *where = kept;
    }
    return rc;
}

static int tenant_init(struct engine *g, struct tenant *t, const struct conf_tenant *c, struct err *e)
{
    char identity[512];
    t->engine = g;
    t->info.conf = c;
    t->crawl_opens = crawl_new(c->crawl_limit);
    t->crawl_parents = crawl_new(c->crawl_limit);
    if (!t->crawl_opens || !t->crawl_parents)
        return err_set(e, -ENOMEM, "out of memory");
    t->info.provider = lms_provider(c->provider);
    if (!t->info.provider)
        return err_set(e, -EINVAL, "[%s] provider %s is not in this program", c->name, c->provider);
    snprintf(identity, sizeof identity, "%s\x1f%s", c->name, c->act_as ? c->act_as : "");
    int r = store_tenant_number(g->store, identity, &t->info.number, e);
    if (r)
        return r;
    t->account = account_of(c);
    t->account.act_as = c->act_as;
    t->account.events_url = c->events_url;
    char budget[4096];
    snprintf(budget, sizeof budget, "%s/budget.%s", g->conf->cache_dir, c->name);
    struct net_host_options o = {
        .name = c->name,
        .base_url = c->base_url,
        .rate_per_minute = c->rate_per_minute,
        .max_response = c->max_response,
        .budget_file = c->rate_per_minute ? budget : NULL,
    };
    t->host = net_host_new(g->net, &o, e);
    if (!t->host)
        return e->code ? e->code : -ENOMEM;
    return session_new(t);
}

int engine_new(const struct conf *conf, struct engine **out, struct err *e)
{
    struct err warning = {0};
    struct engine *g = calloc(1, sizeof *g);
    if (!g)
        return err_set(e, -ENOMEM, "out of memory");
    g->conf = conf;
    g->audit.fd = -1;
    pthread_mutex_init(&g->lock, NULL);
    pthread_mutex_init(&g->fresh_lock, NULL);
    pthread_cond_init(&g->replay_over, NULL);
    pthread_mutex_init(&g->secrets_lock, NULL);
    int r = -ENOMEM;
    g->ring = calloc(RING, sizeof *g->ring);
    g->tenants = calloc(conf->tenants_n, sizeof *g->tenants);
    if (!g->ring || !g->tenants)
        goto fail;
    r = store_open(conf->cache_dir, &g->store, &warning);
    if (r) {
        *e = warning;
        goto fail;
    }
    g->net = net_new(e);
    r = g->net ? 0 : (e->code ? e->code : -ENOMEM);
    if (r)
        goto fail;
    if ((r = audit_open(g, e)))
        goto fail;
    for (; g->tenants_n < conf->tenants_n; g->tenants_n++)
        if ((r = tenant_init(g, &g->tenants[g->tenants_n], &conf->tenants[g->tenants_n], e)))
            goto fail;
    struct store_write *w;
    if ((r = store_write_begin(g->store, &w, e)))
        goto fail;
    r = store_clear_marks(w, e); /* the flows set them again from the ledger */
    if (r) {
        store_write_abort(w);
        goto fail;
    }
    if ((r = store_write_commit(w, e)))
        goto fail;
    if (warning.text[0])
        *e = warning;
    e->code = 0;
    *out = g;
    return 0;
fail:
    engine_free(g);
    return r;
}

void engine_free(struct engine *g)
{
    if (!g)
        return;
    if (g->net) { /* never started */
        struct net *n = g->net;
        g->net = NULL;
        net_free(n);
        for (size_t i = 0; i < g->tenants_n; i++)
            session_free(&g->tenants[i]);
    }
    for (size_t i = 0; i < g->tenants_n; i++) {
        guard_free(&g->tenants[i]);
        metrics_free(&g->tenants[i]);
    }
    for (size_t i = 0; g->tenants && i < g->conf->tenants_n; i++) {
        crawl_free(g->tenants[i].crawl_opens);
        crawl_free(g->tenants[i].crawl_parents);
    }
    audit_close(g);
    if (g->store)
        store_close(g->store);
    pthread_cond_destroy(&g->replay_over);
    list_forget_fresh(g);
    pthread_mutex_destroy(&g->fresh_lock);
    secrets_free(g);
    pthread_mutex_destroy(&g->secrets_lock);
    pthread_mutex_destroy(&g->lock);
    free(g->ring);
    if (g->reread)
        conf_release(g->reread);
    free(g->reread);
    free(g->tenants);
    free(g->fds);
    free(g->held);
    free(g);
}

/* ------------------------------------------------------------------ small things that faces ask */

struct store *engine_store(struct engine *g)
{
    return g->store;
}

size_t engine_tenants(const struct engine *g)
{
    return g->tenants_n;
}

const struct tenant_info *engine_tenant(const struct engine *g, size_t i)
{
    return i < g->tenants_n ? &g->tenants[i].info : NULL;
}

const struct tenant_info *engine_tenant_numbered(const struct engine *g, unsigned number)
{
    for (size_t i = 0; i < g->tenants_n; i++)
        if (g->tenants[i].info.number == number)
            return &g->tenants[i].info;
    return NULL;
}

struct tenant *tenant_of(struct engine *g, uint64_t ino)
{
    if (ino_kind(ino) == INO_FIXED)
        return NULL;
    for (size_t i = 0; i < g->tenants_n; i++)
        if (g->tenants[i].info.number == ino_tenant(ino))
            return &g->tenants[i];
    return NULL;
}

const struct lms_collection *engine_collection(const struct engine *g, uint64_t ino)
{
    const struct tenant_info *t = ino_kind(ino) == INO_FIXED ? NULL : engine_tenant_numbered(g, ino_tenant(ino));
    switch (ino_kind(ino)) {
    case INO_DIR:
    case INO_BIN:
    case INO_RECORD:
    case INO_PARENTS:
    case INO_ALIAS_ID:
    case INO_ALIAS_EMAIL:
    case INO_ALIAS_NEW:
        return t && ino_coll(ino) < t->provider->collections_n ? &t->provider->collections[ino_coll(ino)] : NULL;
    default:
        return NULL;
    }
}

bool engine_may_fetch_for_reader(struct engine *g, unsigned tenant)
{
    for (size_t i = 0; i < g->tenants_n; i++) {
        struct tenant *t = &g->tenants[i];
        if (t->info.number != tenant)
            continue;
        return !atomic_load(&t->tight) && crawl_take(t->crawl_opens, now_ms());
    }
    return false;
}

bool engine_unreachable(struct engine *g, unsigned tenant)
{
    for (size_t i = 0; i < g->tenants_n; i++)
        if (g->tenants[i].info.number == tenant)
            return atomic_load(&g->tenants[i].unreachable);
    return false;
}

struct call {
    void (*fn)(void *ctx);
    void *ctx;
    bool over;
    pthread_mutex_t lock;
    pthread_cond_t done;
};

static void call_run(void *ctx)
{
    struct call *c = ctx;
    c->fn(c->ctx);
    pthread_mutex_lock(&c->lock);
    c->over = true;
    pthread_cond_signal(&c->done);
    pthread_mutex_unlock(&c->lock);
}

void engine_call(struct engine *g, void (*fn)(void *ctx), void *ctx)
{
    struct call c = {.fn = fn, .ctx = ctx};
    int r;
    if (!g->started) {
        fn(ctx);
        return;
    }
    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.done, NULL);
    while ((r = engine_run(g, call_run, &c)) == -EBUSY)
        sched_yield(); /* the queue drains: the engine never waits for us */
    pthread_mutex_lock(&c.lock);
    while (r == 0 && !c.over)
        pthread_cond_wait(&c.done, &c.lock);
    pthread_mutex_unlock(&c.lock);
    pthread_cond_destroy(&c.done);
    pthread_mutex_destroy(&c.lock);
}

struct hooks_change {
    struct engine *engine;
    const struct engine_hooks *add;
    const void *drop;
    int result;
};

static void hooks_add(void *ctx)
{
    struct hooks_change *k = ctx;
    struct engine *g = k->engine;
    if (g->hooks_n == sizeof g->hooks / sizeof g->hooks[0])
        k->result = -ENOSPC;
    else
        g->hooks[g->hooks_n++] = *k->add;
}

static void hooks_drop(void *ctx)
{
    struct hooks_change *k = ctx;
    struct engine *g = k->engine;
    size_t kept = 0;
    for (size_t i = 0; i < g->hooks_n; i++)
        if (g->hooks[i].ctx != k->drop)
            g->hooks[kept++] = g->hooks[i];
    g->hooks_n = kept;
}

int engine_add_hooks(struct engine *g, const struct engine_hooks *h)
{
    struct hooks_change k = {.engine = g, .add = h};
    engine_call(g, hooks_add, &k);
    return k.result;
}

void engine_drop_hooks(struct engine *g, const void *ctx)
{
    struct hooks_change k = {.engine = g, .drop = ctx};
    engine_call(g, hooks_drop, &k);
}

struct held_hook {
    uint64_t ino;
    char *name; /* NULL: the inode; else an entry of that directory */
};

static void hook_now(struct engine *g, uint64_t ino, const char *name)
{
    atomic_fetch_add(&g->told, 1);
    for (size_t i = 0; i < g->hooks_n; i++) {
        if (name)
            g->hooks[i].entry_changed(g->hooks[i].ctx, ino, name);
        else
            g->hooks[i].inode_changed(g->hooks[i].ctx, ino);
    }
}

static void hook(struct engine *g, uint64_t ino, const char *name)
{
    if (!g->writing) {
        hook_now(g, ino, name);
        return;
    }
    if (g->held_n && !name && !g->held[g->held_n - 1].name && g->held[g->held_n - 1].ino == ino)
        return; /* a directory, once more */
    if (g->held_n == g->held_room) {
        size_t room = g->held_room ? g->held_room * 2 : 64;
        struct held_hook *grown = realloc(g->held, room * sizeof *grown);
        if (!grown) {
            hook_now(g, ino, name);
            return;
        }
        g->held = grown;
        g->held_room = room;
    }
    g->held[g->held_n++] = (struct held_hook){ino, name ? strdup(name) : NULL};
    for (size_t i = 0; i < g->hooks_n && !name; i++)
        g->hooks[i].inode_changing(g->hooks[i].ctx, ino);
}

void hook_inode(struct engine *g, uint64_t ino)
{
    hook(g, ino, NULL);
}

void hook_entry(struct engine *g, uint64_t dir, const char *name)
{
    hook(g, dir, name);
}

int write_begin(struct engine *g, struct store_write **w, struct err *e)
{
    int r = store_write_begin(g->store, w, e);
    g->writing = r == 0;
    return r;
}

int write_end(struct engine *g, struct store_write *w, int result, struct err *e)
{
    if (result)
        store_write_abort(w);
    else
        result = store_write_commit(w, e);
    g->writing = false;
    test_slow("committed");
    for (size_t i = 0; i < g->held_n; i++) {
        if (result == 0)
            hook_now(g, g->held[i].ino, g->held[i].name);
        free(g->held[i].name);
    }
    g->held_n = 0;
    for (size_t i = 0; i < g->hooks_n; i++)
        g->hooks[i].write_over(g->hooks[i].ctx);
    return result;
}

int engine_watch_fd(struct engine *g, int fd, short events, void (*ready)(void *ctx, int fd, short revents), void *ctx)
{
    struct fd_watch w = {fd, events, ready, ctx};
    for (size_t i = 0; i < g->fds_n; i++) {
        if (g->fds[i].fd == fd) {
            g->fds[i] = w;
            return 0;
        }
    }
    struct fd_watch *grown = realloc(g->fds, (g->fds_n + 1) * sizeof *grown);
    if (!grown)
        return -ENOMEM;
    g->fds = grown;
    g->fds[g->fds_n++] = w;
    return 0;
}

void engine_unwatch_fd(struct engine *g, int fd)
{
    for (size_t i = 0; i < g->fds_n; i++) {
        if (g->fds[i].fd == fd) {
            g->fds[i] = g->fds[--g->fds_n];
            return;
        }
    }
}
