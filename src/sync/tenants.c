/* tenants.c — the tenants of an engine: made from the conf, found by what a number says, given fresh credentials. */
#include "sync/engine_internal.h"
#include "sync/from_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tenant_init(struct engine *g, struct tenant *t, const struct conf_tenant *c, struct err *e)
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
    t->account = account_of_conf(c);
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

/* ------------------------------------------------------------------ found */

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

/* ------------------------------------------------------------------ credentials, read again */

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
        t->account = account_of_conf(c);
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
