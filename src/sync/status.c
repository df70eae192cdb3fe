/* status.c — how every tenant stands, as JSON. */
#include "sync/internal.h"

int64_t estimate_s(struct tenant *t, uint64_t left, uint64_t done, int64_t took_ms)
{
    int64_t ms = net_host_estimate(t->host, NET_LISTING, left);
    if (ms <= 0) /* no plan, or one that lets them all go now: what takes time is the LMS */
        ms = done ? (int64_t)(left * (uint64_t)took_ms / done) : 0;
    return (ms + 999) / 1000;
}

static json_t *collection_status(struct tenant *t, unsigned index)
{
    const struct lms_collection *c = &t->info.provider->collections[index];
    uint64_t dir = ino_make(INO_DIR, t->info.number, index, 0);
    struct store_listing l = {0};
    struct store_read *v = store_read_begin(t->engine->store);
    char at[24];
    if (v) {
        store_listing(v, dir, &l);
        store_read_end(v);
    }
    l.complete_at = engine_listed_at(t->engine, dir, l.complete_at);
    const char *listing = c->kind != LMS_LISTED      ? "known-only"
                          : list_is_sweeping(t, dir) ? "sweeping"
                          : l.complete_at            ? "complete"
                                                     : "never";
    json_t *o = json_pack("{s:s,s:s,s:I,s:I}", "name", c->name, "listing", listing, "entries", (json_int_t)l.entries,
                          "details", (json_int_t)l.details);
    iso_time(l.complete_at, at);
    json_object_set_new(o, "at", l.complete_at ? json_string(at) : json_null());
    list_status(t, dir, o);
    fetch_all_status(t, dir, o);
    return o;
}

static json_t *tenant_status(struct tenant *t)
{
    struct net_stats st;
    char at[24];
    net_host_stats(t->host, &st);
    json_t *colls = json_array();
    for (unsigned i = 0; i < t->info.provider->collections_n; i++)
        if (t->info.provider->collections[i].kind != LMS_SINGLETON && !t->info.provider->collections[i].parent)
            json_array_append_new(colls, collection_status(t, i));
    json_t *removals = json_array();
    removal_list(t, removals);
    iso_time(st.last_reply, at);
    json_t *o = json_pack("{s:s,s:s,s:b,s:s?,s:I,s:I,s:I,s:{s:i,s:i},s:i,s:i,s:b,s:I,s:I,s:I,s:o}", "name",
                          t->info.conf->name, "provider", t->info.provider->name, "reachable", st.reachable,
                          "last_reply", st.last_reply ? at : NULL, "requests", (json_int_t)st.requests, "failures",
                          (json_int_t)st.failures, "retries", (json_int_t)st.retries, "budget", "used", st.used,
                          "limit", st.limit, "queued", st.queued, "active", st.active, "guard_tripped", t->guard.tripped,
                          "pending", (json_int_t)save_count(t) + (json_int_t)json_array_size(removals), "rejected",
                          (json_int_t)why_rejected_count(t), "jobs", (json_int_t)watch_count(t), "collections", colls);
    json_decref(removals);
    return o;
}

json_t *engine_status(struct engine *g)
{
    json_t *tenants = json_array();
    for (size_t i = 0; i < g->tenants_n; i++)
        json_array_append_new(tenants, tenant_status(&g->tenants[i]));
    json_t *o = json_pack("{s:b,s:o,s:o,s:I,s:I}", "ok", 1, "tenants", tenants, "audit", audit_status(g), "commits",
                          (json_int_t)store_commits(g->store), "invalidations", (json_int_t)atomic_load(&g->told));
    if (o && g->conf->dry_run)
        json_object_set_new(o, "dry_run", json_true());
    return o;
}
