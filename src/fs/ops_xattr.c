/* ops_xattr.c — user.lms.*: what there is to say about a record or a listing that no stat has room for. */
#include "attr.h"
#include "ops.h"
#include "park.h"
#include "search.h"

#include "lmsfs/doc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PREFIX "user.lms."
#define VALUE  512

static void iso(int64_t s, char out[VALUE])
{
    time_t t = (time_t)s;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(out, VALUE, "%Y-%m-%dT%H:%M:%SZ", &tm))
        out[0] = '\0';
}

/* Each fills `out`; left empty, there is no such attribute. */
struct about {
    struct mount *m;
    struct store_read *r;
    uint64_t ino;
    struct store_record rec; /* of a record or job */
    struct store_mark mark;
};

static void x_id(const struct about *x, char *out)
{
    snprintf(out, VALUE, "%s", x->rec.key);
}

static void x_state(const struct about *x, char *out)
{
    static const char *const names[] = {[STORE_CLEAN] = "clean", [STORE_PENDING] = "pending", [STORE_FAILED] = "failed"};
    bool stale = x->mark.state == STORE_CLEAN && engine_unreachable(x->m->engine, ino_tenant(x->ino));
    snprintf(out, VALUE, "%s", stale ? "stale" : names[x->mark.state]);
}

static void x_fetched(const struct about *x, char *out)
{
    int64_t at = x->rec.detail_at > x->rec.row_at ? x->rec.detail_at : x->rec.row_at;
    if (at)
        iso(at, out);
}

static void x_job(const struct about *x, char *out)
{
    snprintf(out, VALUE, "%s", x->mark.job);
}

static void x_error(const struct about *x, char *out)
{
    snprintf(out, VALUE, "%s", x->mark.error);
}

static void x_detail(const struct about *x, char *out)
{
    snprintf(out, VALUE, "%s", x->rec.flags & STORE_COMPLETE ? "complete" : "row");
}

static void x_successor(const struct about *x, char *out)
{
    snprintf(out, VALUE, "%s", x->mark.successor);
}

static uint64_t listed(const struct about *x)
{
    return ino_kind(x->ino) == INO_PARENTS ? tree_home_of_parents(x->m, x->ino) : tree_home(x->ino);
}

/* Whole as act_as sees it, who is no administrator, or isn't among those seen. */
static bool is_scoped(const struct about *x)
{
    const struct tenant_info *t = engine_tenant_numbered(x->m->engine, ino_tenant(x->ino));
    const struct lms_collection *users = t ? lms_collection(t->provider, "users") : NULL;
    const char *dash = t && t->conf->act_as ? strchr(t->conf->act_as, '-') : NULL;
    char name[256], prefix[16];
    const void *body;
    size_t len;
    uint64_t ino;
    json_t *actor = NULL;
    struct err e;
    if (!users || !dash || !t->provider->sees_all)
        return false;
    uint64_t home = ino_make(INO_DIR, t->number, (unsigned)lms_collection_index(t->provider, users), 0);
    snprintf(prefix, sizeof prefix, "%.*s", (int)(dash + 1 - t->conf->act_as), t->conf->act_as);
    bool all = doc_stem_to_name(prefix, dash + 1, name, sizeof name) == 0 && store_lookup(x->r, home, name, &ino) == 0 &&
               store_body(x->r, ino_is_alias(ino) ? ino_as(ino, INO_RECORD) : ino, &body, &len) == 0 &&
               doc_parse(body, len, SIZE_MAX, &actor, &e) == 0 && t->provider->sees_all(actor);
    json_decref(actor);
    return !all;
}

static void x_listing(const struct about *x, char *out)
{
    const struct lms_collection *c = tree_collection(x->m, listed(x));
    struct store_listing l = {0};
    char at[VALUE];
    store_listing(x->r, listed(x), &l);
    if (search_is_text(x->ino)) {
        struct found *f = searches_found(x->m->searches, x->ino);
        if (f)
            iso(f->at, at);
        snprintf(out, VALUE, f ? "complete %.32s" : "never", at);
        found_release(f);
        return;
    }
    if (!c || c->kind != LMS_LISTED) {
        snprintf(out, VALUE, "known-only");
    } else if (!l.complete_at) {
        snprintf(out, VALUE, "never");
    } else {
        iso(engine_listed_at(x->m->engine, listed(x), l.complete_at), at);
        snprintf(out, VALUE, "%s %.32s", is_scoped(x) ? "scoped" : "complete", at);
    }
}

static void x_details(const struct about *x, char *out)
{
    struct store_listing l = {0};
    store_listing(x->r, tree_is_record_dir(x->ino) ? x->ino : listed(x), &l);
    snprintf(out, VALUE, "%llu of %llu", (unsigned long long)l.details, (unsigned long long)l.entries);
}

struct attribute {
    const char *name;
    void (*get)(const struct about *x, char *out);
};

static const struct attribute of_record[] = {
    {"id", x_id},       {"state", x_state},   {"fetched", x_fetched},     {"job", x_job},
    {"error", x_error}, {"detail", x_detail}, {"successor", x_successor}, {NULL, NULL},
};
static const struct attribute of_listing[] = {{"listing", x_listing}, {"detail", x_details}, {NULL, NULL}};
static const struct attribute of_search[] = {{"listing", x_listing}, {NULL, NULL}};
static const struct attribute of_nothing[] = {{NULL, NULL}};

static int about(struct mount *m, struct store_read *r, struct at at, struct about *x, const struct attribute **list)
{
    *x = (struct about){.m = m, .r = r, .ino = at.ino};
    *list = of_nothing;
    if (at.what != AT_NODE)
        return 0;
    if (ino_kind(at.ino) == INO_RECORD || ino_kind(at.ino) == INO_JOB) {
        *list = of_record;
        if (store_mark(r, at.ino, &x->mark))
            x->mark = (struct store_mark){0};
        return store_get(r, at.ino, &x->rec);
    }
    if (tree_is_record_dir(at.ino) || ino_kind(at.ino) == INO_PARENTS)
        *list = of_listing;
    else if (search_is_text(at.ino))
        *list = of_search;
    return 0;
}

static void reply_value(fuse_req_t req, const char *value, size_t len, size_t size)
{
    if (size == 0)
        fuse_reply_xattr(req, len);
    else if (len > size)
        reply_code(req, -ERANGE);
    else
        fuse_reply_buf(req, value, len);
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    struct mount *m = mount_of(req);
    struct about x;
    const struct attribute *list;
    char value[VALUE] = "";
    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0) {
        reply_code(req, -EOPNOTSUPP); /* ACLs, capabilities, SELinux: asked for at every turn, so no look at the store */
        return;
    }
    struct store_read *r = store_read_begin(m->store);
    int code = r ? about(m, r, resolve(m, ino), &x, &list) : -EIO;
    for (; code == 0 && list->name; list++)
        if (strcmp(list->name, name + strlen(PREFIX)) == 0)
            list->get(&x, value);
    if (r)
        store_read_end(r);
    if (code == 0 && !value[0])
        code = -ENODATA;
    if (code)
        reply_code(req, code);
    else
        reply_value(req, value, strlen(value), size);
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    struct mount *m = mount_of(req);
    struct about x;
    const struct attribute *list;
    char names[512];
    size_t len = 0;
    struct store_read *r = store_read_begin(m->store);
    int code = r ? about(m, r, resolve(m, ino), &x, &list) : -EIO;
    for (; code == 0 && list->name; list++) {
        char value[VALUE] = "";
        list->get(&x, value);
        if (value[0])
            len += (size_t)snprintf(names + len, sizeof names - len, PREFIX "%s", list->name) + 1;
    }
    if (r)
        store_read_end(r);
    if (code)
        reply_code(req, code);
    else
        reply_value(req, names, len, size);
}

/* ------------------------------------------------------------------ the one that can be set */

static void successor_set(struct parked *p, int result)
{
    reply_code(p->req, result);
    park_free(p);
}

/* value NULL: it goes. */
static void set_successor(fuse_req_t req, uint64_t ino, const char *name, const char *value, size_t size)
{
    struct mount *m = mount_of(req);
    struct at at = resolve(m, ino);
    if (strcmp(name, PREFIX "successor") != 0 || at.what != AT_NODE || ino_kind(at.ino) != INO_RECORD) {
        reply_code(req, -EOPNOTSUPP);
        return;
    }
    struct parked *p = park_new(m, req, ASK_SUCCESSOR, at.ino, successor_set);
    if (!p)
        return;
    if (value && !(p->ask.text = strndup(value, size))) {
        reply_code(req, -ENOMEM);
        park_free(p);
        return;
    }
    p->ask.text_len = value ? strlen(p->ask.text) : 0;
    p->ask.timeout_ms = park_timeout(m, tree_tenant(m, at.ino)->conf->lock_wait);
    park(p, PARK_FIRM);
}

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
    (void)flags;
    set_successor(req, ino, name, value, size);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
    set_successor(req, ino, name, NULL, 0);
}
