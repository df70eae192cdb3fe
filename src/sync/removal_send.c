/* removal_send.c — the request of a removal: when its turn comes, and what it says. A dry run writes it down instead. */
#include "sync/removal.h"
#include "sync/hook.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_AGAIN (SECOND / 5)

static char *successor_of(struct removal *r, const struct known *k)
{
    const char *s = successor_get(r->tenant, r->ino);
    if (!s)
        s = r->tenant->info.conf->successor;
    if (s && !strcmp(s, "manager"))
        s = json_string_value(json_object_get(k->doc, "manager_id"));
    return s ? strdup(s) : NULL;
}

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

int removal_request(struct removal *r, const struct known *k, struct http_request *req, struct err *e)
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
        removal_put_manager_back(r, 0, r->ino, NULL);
    } else if (r->op == LMS_OP_DEACTIVATE) {
        removal_end(r, 0, NULL);
    } else {
        removal_stay_hidden(r);
    }
}

void removal_send(struct removal *r)
{
    struct tenant *t = r->tenant;
    struct known k;
    struct err e = {0};
    struct http_request req = {0};
    if (wait_for_save(r))
        return;
    int code = known_get(t->engine, r->ino, &k);
    if (code) {
        removal_refuse(r, code, (err_set(&e, code, "nothing was sent: the record is not known any more"), &e));
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
        removal_refuse(r, code, &e);
        return;
    }
    r->copy.method = req.method;
    r->copy.idempotent = req.idempotent;
    free(r->copy.path);
    r->copy.path = strdup(http_shown(&req));
    r->asked = true;
    test_hook("removal-noted");
    tenant_send(t, &req, NET_PEOPLE, t->info.conf->op_timeout * SECOND, true, removal_answered, r);
}
