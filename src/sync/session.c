/* session.c — a tenant's login, and sending with it.
 *
 * A token is asked for when the first request needs it and before it runs out. A 401 on a token that worked before means that it was
 * withdrawn: one new login, one more try. A 401 on a fresh token means no access: it is passed on, and no login follows. A login that
 * is refused is not tried again for a while, longer each time: what needs it meanwhile is told so at once. New credentials (SIGHUP) end
 * all that.
 */
#include "sync/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REFUSED_FIRST SECOND
#define REFUSED_MOST  (300 * SECOND)
#define FUTILE_FOR    (60 * SECOND) /* after a login that did not help: a 401 is taken at its word */

struct send {
    struct tenant *tenant;
    struct http_request request; /* without credentials: what is sent is a copy with them */
    enum net_class class;
    int64_t deadline_ms;
    bool retry, again;
    unsigned token_number; /* of the token it went out with */
    unsigned renewals;     /* … and of the credentials */
    struct send **handle;  /* who may promote it; cleared at its end */
    struct net_call *call; /* on its way; NULL while it waits for a login */
    net_done *done;
    void *ctx;
    struct send *next;
};

struct session {
    char *token;
    unsigned number;    /* counts tokens */
    int64_t expires_ms; /* monotonic */
    bool proved;        /* some request with this token was not a 401 */
    unsigned renewals;  /* counts what session_renew was told */
    bool logging_in;
    bool outdated;                             /* the login under way has the credentials before */
    int64_t refused_wait_ms, refused_until_ms; /* no login before that; 0: none was refused */
    char refused[400];
    struct net_call *login;
    enum net_class login_class;
    const char *login_endpoint; /* for the metrics */
    int64_t futile_ms;          /* when a 401 was last answered to a token that a 401 had made us get; 0 = never */
    struct send *queue, **tail; /* wait for the login */
};

int session_new(struct tenant *t)
{
    t->session = calloc(1, sizeof *t->session);
    if (!t->session)
        return -ENOMEM;
    t->session->tail = &t->session->queue;
    return 0;
}

static void token_drop(struct session *s)
{
    if (s->token)
        explicit_bzero(s->token, strlen(s->token));
    free(s->token);
    s->token = NULL;
    s->proved = false;
}

void session_free(struct tenant *t)
{
    if (!t->session)
        return;
    token_drop(t->session);
    free(t->session);
    t->session = NULL;
}

void session_renew(struct tenant *t)
{
    struct session *s = t->session;
    token_drop(s);
    s->renewals++;
    s->futile_ms = s->refused_until_ms = s->refused_wait_ms = 0;
    s->outdated = s->logging_in;
}

static void send_finish(struct send *s, struct net_result *r)
{
    if (s->handle)
        *s->handle = NULL;
    s->done(s->ctx, r);
    http_request_release(&s->request);
    free(s);
}

static void send_fail(struct send *s, int code, const char *text)
{
    struct net_result r = {.reply = {.retry_after = -1}};
    err_set(&r.err, code, "%s", text);
    send_finish(s, &r);
}

static void send_now(struct send *s);
static void login_for(struct tenant *t, enum net_class class);

static void send_enqueue(struct send *s)
{
    struct session *ss = s->tenant->session;
    *ss->tail = s;
    ss->tail = &s->next;
    s->next = NULL;
}

static struct send *queue_take(struct session *ss)
{
    struct send *q = ss->queue;
    ss->queue = NULL;
    ss->tail = &ss->queue;
    return q;
}

/* Readers who would do with the list's row may ask for details while there is more left than the share kept for people. Their opens are
 * counted on other threads, so what they look at is kept here, and looked at again until there is room. */
static void room_look(void *ctx)
{
    struct tenant *t = ctx;
    struct net_stats st;
    net_host_stats(t->host, &st);
    int kept = st.limit / 5 > 2 ? st.limit / 5 : 2;
    bool tight = st.limit && st.used + st.queued >= st.limit - kept;
    atomic_store(&t->tight, tight);
    t->room_timer = tight ? net_timer_start(t->engine->net, SECOND, room_look, t) : NULL;
}

static void room_seen(struct tenant *t)
{
    if (t->engine->net && !t->room_timer)
        room_look(t);
}

/* Was it the token that a 401 is about? A path that answers 401 to every token must not cost a login each time it is asked. */
static bool worth_a_login(const struct session *ss, const struct send *s, bool current)
{
    if (s->again)
        return false;
    if (!current)
        return true; /* another request has renewed it already */
    return ss->proved && (!ss->futile_ms || now_ms() - ss->futile_ms > FUTILE_FOR);
}

/* For what is shown meanwhile: user.lms.state says `stale`. */
static void reach_seen(struct tenant *t, const struct net_result *r)
{
    if (r->err.code == -EHOSTUNREACH || (r->err.code == -ETIMEDOUT && r->sent))
        atomic_store(&t->unreachable, true);
    else if (r->reply.status)
        atomic_store(&t->unreachable, false);
}

static void on_sent(void *ctx, struct net_result *r)
{
    struct send *s = ctx;
    struct tenant *t = s->tenant;
    struct session *ss = t->session;
    bool renewed = s->renewals != ss->renewals;
    bool current = ss->token && s->token_number == ss->number,
         refused = r->err.code == 0 && r->reply.status == 401 && !s->request.bare;
    s->call = NULL;
    reach_seen(t, r);
    room_seen(t);
    metrics_note(t, lms_endpoint(t->info.provider, &s->request), r);
    if (refused && t->info.provider->token_request && t->engine->net && worth_a_login(ss, s, current)) {
        if (current)
            token_drop(ss);
        s->again = true;
        send_now(s);
        return;
    }
    if (refused && renewed && !s->again && t->engine->net) { /* it was about credentials that are no longer used */
        s->again = true;
        send_now(s);
        return;
    }
    if (refused && s->again)
        ss->futile_ms = now_ms();
    else if (!refused && r->err.code == 0 && current)
        ss->proved = true;
    send_finish(s, r);
}

static void send_now(struct send *s)
{
    struct tenant *t = s->tenant;
    struct session *ss = t->session;
    if (!t->engine->net) {
        send_fail(s, -ESHUTDOWN, "lmsfs is being unmounted");
        return;
    }
    if (t->info.provider->token_request && !s->request.bare && (!ss->token || now_ms() > ss->expires_ms)) {
        if (!ss->logging_in && now_ms() < ss->refused_until_ms) {
            send_fail(s, -EACCES, ss->refused);
            return;
        }
        send_enqueue(s);
        login_for(t, s->class);
        return;
    }
    struct http_request with = {0};
    int r = http_request_copy(&s->request, &with);
    if (r == 0 && !s->request.bare)
        r = t->info.provider->authorize(&t->account, ss->token, &with);
    if (r) {
        http_request_release(&with);
        send_fail(s, r, "out of memory");
        return;
    }
    s->token_number = ss->number;
    s->renewals = ss->renewals;
    int64_t left = s->deadline_ms - now_ms();
    struct net_options o = {.class = s->class, .timeout_ms = left > 1 ? (int)left : 1, .retry = s->retry};
    s->call = net_send(t->host, &with, &o, on_sent, s);
    if (s->call)
        room_seen(t);
    else
        send_fail(s, -ENOMEM, "out of memory");
}

static void refused_login(struct session *ss, const struct err *e)
{
    int64_t wait = ss->refused_wait_ms ? ss->refused_wait_ms * 2 : REFUSED_FIRST;
    ss->refused_wait_ms = wait < REFUSED_MOST ? wait : REFUSED_MOST;
    ss->refused_until_ms = now_ms() + ss->refused_wait_ms;
    snprintf(ss->refused, sizeof ss->refused, "login refused: %.300s (not tried again for %d s)", e->text,
             (int)(ss->refused_wait_ms / SECOND));
}

static void login(struct tenant *t, enum net_class class);

static void on_login(void *ctx, struct net_result *r)
{
    struct tenant *t = ctx;
    struct session *ss = t->session;
    struct err e = {0};
    ss->logging_in = false;
    ss->login = NULL;
    reach_seen(t, r);
    metrics_note(t, ss->login_endpoint, r);
    if (ss->outdated && t->engine->net) { /* whatever it says: those who wait want one with the new credentials */
        ss->outdated = false;
        login(t, ss->login_class);
        return;
    }
    int code = result_error(t, r, &e);
    if (code == 0) {
        struct lms_token token = {0};
        code = t->info.provider->token_reply(&r->reply, &token, &e);
        if (code == 0) {
            token_drop(ss);
            ss->token = token.value;
            token.value = NULL;
            ss->number++;
            ss->refused_wait_ms = ss->refused_until_ms = 0;
            int64_t life = token.expires_in > 120 ? token.expires_in - 60 : token.expires_in / 2;
            ss->expires_ms = now_ms() + life * SECOND;
        }
        lms_token_release(&token);
    } else if (code == -EINVAL || code == -EACCES) {
        code = -EACCES; /* RFC 6749 §5.2 answers wrong credentials with 400 or 401 */
        refused_login(ss, &e);
    }
    struct send *q = queue_take(ss);
    while (q) {
        struct send *next = q->next;
        if (code == 0) {
            send_now(q);
        } else {
            char text[600];
            snprintf(text, sizeof text, "login refused: %s", e.text);
            send_fail(q, code, text);
        }
        q = next;
    }
}

static void login(struct tenant *t, enum net_class class)
{
    struct http_request req = {0};
    struct err e = {0};
    int r = t->info.provider->token_request(&t->account, &req, &e);
    struct net_options o = {.class = class, .timeout_ms = t->info.conf->op_timeout * SECOND, .retry = true};
    t->session->logging_in = true;
    t->session->login_class = class;
    t->session->login_endpoint = lms_endpoint(t->info.provider, &req);
    if (r == 0 && (t->session->login = net_send(t->host, &req, &o, on_login, t)))
        return;
    http_request_release(&req);
    t->session->logging_in = false;
    for (struct send *q = queue_take(t->session), *next; q; q = next) {
        next = q->next;
        send_fail(q, r ? r : -ENOMEM, e.text[0] ? e.text : "out of memory");
    }
}

/* A login that the trickle began must not keep a person waiting for background budget. */
static void login_for(struct tenant *t, enum net_class class)
{
    struct session *ss = t->session;
    if (!ss->logging_in) {
        login(t, class);
    } else if (ss->login && class < ss->login_class) {
        ss->login_class = class;
        net_promote(ss->login, class);
    }
}

void tenant_promote(struct send *s, enum net_class class)
{
    if (!s || class >= s->class)
        return;
    s->class = class;
    if (s->call)
        net_promote(s->call, class);
    else
        login_for(s->tenant, class);
}

void tenant_send(struct tenant *t, struct http_request *req, enum net_class class, int timeout_ms, bool retry,
                 net_done *done, void *ctx)
{
    tenant_send_kept(t, req, class, timeout_ms, retry, done, ctx, NULL);
}

void tenant_send_kept(struct tenant *t, struct http_request *req, enum net_class class, int timeout_ms, bool retry,
                      net_done *done, void *ctx, struct send **handle)
{
    struct send *s = calloc(1, sizeof *s);
    if (!s) {
        struct net_result r = {.reply = {.retry_after = -1}};
        err_set(&r.err, -ENOMEM, "out of memory");
        http_request_release(req);
        done(ctx, &r);
        return;
    }
    *s = (struct send){.tenant = t,
                       .request = *req,
                       .class = class,
                       .deadline_ms = now_ms() + timeout_ms,
                       .retry = retry,
                       .done = done,
                       .ctx = ctx};
    *req = (struct http_request){0};
    s->handle = handle;
    if (handle)
        *handle = s;
    send_now(s);
}

int result_error(struct tenant *t, const struct net_result *r, struct err *e)
{
    if (r->err.code) {
        *e = r->err;
        return r->err.code;
    }
    int code = lms_status_errno(r->reply.status);
    if (code) {
        char words[400];
        lms_error_text(&r->reply, words, sizeof words);
        err_set(e, code, "%s answered %d: %s", t->info.conf->name, r->reply.status, words);
    }
    return code;
}
