/* metrics.c — what Prometheus scrapes, in its text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * Counts since the daemon's start, by the vendor's endpoints and never by anybody's id. Engine thread only. */
#include "sync/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct metric_count {
    const char *endpoint; /* a literal */
    int code;             /* HTTP status, or -errno where no reply was had */
    uint64_t n;
};

/* Upper bounds of what a request took, its turn in the budget's queue included. */
static const int64_t bounds_ms[] = {50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000};
#define BOUNDS (sizeof bounds_ms / sizeof bounds_ms[0])

struct metrics {
    struct metric_count *counts;
    size_t counts_n;
    uint64_t took[BOUNDS + 1]; /* by the bound that it kept; the last: none */
    uint64_t took_n, took_ms;
};

void metrics_free(struct tenant *t)
{
    if (t->metrics)
        free(t->metrics->counts);
    free(t->metrics);
    t->metrics = NULL;
}

static struct metric_count *count_of(struct metrics *m, const char *endpoint, int code)
{
    for (size_t i = 0; i < m->counts_n; i++)
        if (m->counts[i].endpoint == endpoint && m->counts[i].code == code)
            return &m->counts[i];
    struct metric_count *more = realloc(m->counts, (m->counts_n + 1) * sizeof *more);
    if (!more)
        return NULL;
    m->counts = more;
    more[m->counts_n] = (struct metric_count){.endpoint = endpoint, .code = code};
    return &more[m->counts_n++];
}

void metrics_note(struct tenant *t, const char *endpoint, const struct net_result *r)
{
    struct metrics *m = t->metrics;
    if (!m && !(m = t->metrics = calloc(1, sizeof *m)))
        return; /* a count less is better than a request less */
    struct metric_count *c = count_of(m, endpoint, r->err.code ? r->err.code : r->reply.status);
    size_t b = 0;
    while (b < BOUNDS && r->elapsed_ms > bounds_ms[b])
        b++;
    m->took[b]++;
    m->took_n++;
    m->took_ms += r->elapsed_ms > 0 ? (uint64_t)r->elapsed_ms : 0;
    if (c)
        c->n++;
}

/* ------------------------------------------------------------------ writing */

static void head(FILE *f, const char *name, const char *type, const char *help)
{
    fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline are escaped. */
static void label(FILE *f, const char *key, const char *value)
{
    fprintf(f, "%s=\"", key);
    for (; *value; value++) {
        if (*value == '\n')
            fputs("\\n", f);
        else if (*value == '"' || *value == '\\')
            fprintf(f, "\\%c", *value);
        else
            fputc(*value, f);
    }
    fputc('"', f);
}

static void tenant_open(FILE *f, const char *name, const struct tenant *t)
{
    fprintf(f, "%s{", name);
    label(f, "tenant", t->info.conf->name);
}

static void put_requests(FILE *f, const struct engine *g)
{
    head(f, "lmsfs_requests_total", "counter",
         "Requests by the vendor's endpoint and HTTP status or errno; repeats count once.");
    for (size_t i = 0; i < g->tenants_n; i++) {
        const struct metrics *m = g->tenants[i].metrics;
        for (size_t k = 0; m && k < m->counts_n; k++) {
            char code[32];
            const struct metric_count *c = &m->counts[k];
            snprintf(code, sizeof code, "%d", c->code);
            tenant_open(f, "lmsfs_requests_total", &g->tenants[i]);
            fputc(',', f);
            label(f, "endpoint", c->endpoint);
            fputc(',', f);
            label(f, "code", c->code < 0 ? err_name(c->code) : code);
            fprintf(f, "} %llu\n", (unsigned long long)c->n);
        }
    }
}

static void put_times(FILE *f, const struct engine *g)
{
    static const char name[] = "lmsfs_request_duration_seconds";
    head(f, name, "histogram", "From asking to the reply, the wait for the budget and repeats included.");
    for (size_t i = 0; i < g->tenants_n; i++) {
        const struct metrics *m = g->tenants[i].metrics;
        uint64_t below = 0;
        for (size_t b = 0; m && b <= BOUNDS; b++) {
            char le[32] = "+Inf";
            if (b < BOUNDS)
                snprintf(le, sizeof le, "%g", (double)bounds_ms[b] / 1000);
            below += m->took[b];
            tenant_open(f, "lmsfs_request_duration_seconds_bucket", &g->tenants[i]);
            fputc(',', f);
            label(f, "le", le);
            fprintf(f, "} %llu\n", (unsigned long long)below);
        }
        if (!m)
            continue;
        tenant_open(f, "lmsfs_request_duration_seconds_sum", &g->tenants[i]);
        fprintf(f, "} %g\n", (double)m->took_ms / 1000);
        tenant_open(f, "lmsfs_request_duration_seconds_count", &g->tenants[i]);
        fprintf(f, "} %llu\n", (unsigned long long)m->took_n);
    }
}

enum state { /* of one tenant, in the order written */
             REACHABLE,
             BUDGET_USED,
             BUDGET_LIMIT,
             QUEUED,
             ACTIVE,
             RETRIES,
             THROTTLED,
             PENDING,
             REJECTED,
             JOBS,
             GUARD_TRIPPED,
             STATES
};

static void look(struct tenant *t, long long at[STATES])
{
    struct net_stats net;
    json_t *removals = json_array();
    removal_list(t, removals);
    net_host_stats(t->host, &net);
    at[REACHABLE] = net.reachable;
    at[BUDGET_USED] = net.used;
    at[BUDGET_LIMIT] = net.limit;
    at[QUEUED] = net.queued;
    at[ACTIVE] = net.active;
    at[RETRIES] = (long long)net.retries;
    at[THROTTLED] = (long long)net.throttled;
    at[PENDING] = (long long)save_count(t) + (long long)json_array_size(removals);
    at[REJECTED] = why_rejected_count(t);
    at[JOBS] = watch_count(t);
    at[GUARD_TRIPPED] = t->guard.tripped;
    json_decref(removals);
}

static void put_state(FILE *f, struct engine *g)
{
    static const struct {
        const char *name, *type, *help;
    } kinds[STATES] = {
        [REACHABLE] = {"lmsfs_reachable", "gauge", "Whether the last request had a reply."},
        [BUDGET_USED] = {"lmsfs_budget_used", "gauge", "Requests in the running 60 seconds."},
        [BUDGET_LIMIT] = {"lmsfs_budget_limit", "gauge", "Requests that the plan allows in 60 seconds; 0: no limit."},
        [QUEUED] = {"lmsfs_requests_queued", "gauge", "Requests that wait for the budget."},
        [ACTIVE] = {"lmsfs_requests_active", "gauge", "Requests on their way."},
        [RETRIES] = {"lmsfs_retries_total", "counter", "Requests sent again."},
        [THROTTLED] = {"lmsfs_throttled_total", "counter", "Replies 429."},
        [PENDING] = {"lmsfs_pending", "gauge", "Saves and removals without a verdict."},
        [REJECTED] = {"lmsfs_rejected", "gauge", "Refused saves and removals that are kept."},
        [JOBS] = {"lmsfs_jobs", "gauge", "Jobs under way."},
        [GUARD_TRIPPED] = {"lmsfs_guard_tripped", "gauge", "Whether too many removals are held."},
    };
    long long(*at)[STATES] = calloc(g->tenants_n + 1, sizeof *at);
    if (!at)
        return;
    for (size_t i = 0; i < g->tenants_n; i++)
        look(&g->tenants[i], at[i]);
    for (size_t k = 0; k < STATES; k++) {
        head(f, kinds[k].name, kinds[k].type, kinds[k].help);
        for (size_t i = 0; i < g->tenants_n; i++) {
            tenant_open(f, kinds[k].name, &g->tenants[i]);
            fprintf(f, "} %lld\n", at[i][k]);
        }
    }
    free(at);
}

enum listing_value { LISTING_ENTRIES, LISTING_DETAILS, LISTING_AGE };

/* One line a collection that is kept as a whole; those that belong to parents have as many directories as parents. */
static void put_listing_kind(FILE *f, struct engine *g, struct store_read *v, const char *name, enum listing_value which)
{
    for (size_t i = 0; i < g->tenants_n; i++) {
        const struct tenant_info *info = &g->tenants[i].info;
        for (unsigned k = 0; k < info->provider->collections_n; k++) {
            const struct lms_collection *c = &info->provider->collections[k];
            struct store_listing l = {0};
            if (c->kind == LMS_SINGLETON || c->parent || store_listing(v, ino_make(INO_DIR, info->number, k, 0), &l))
                continue;
            if (which == LISTING_AGE && !l.complete_at)
                continue; /* never listed has no age */
            tenant_open(f, name, &g->tenants[i]);
            fputc(',', f);
            label(f, "collection", c->name);
            fprintf(f, "} %lld\n",
                    which == LISTING_ENTRIES   ? (long long)l.entries
                    : which == LISTING_DETAILS ? (long long)l.details
                                               : (long long)(wall_now() - l.complete_at));
        }
    }
}

static void put_listings(FILE *f, struct engine *g)
{
    struct store_read *v = store_read_begin(g->store);
    if (!v)
        return;
    head(f, "lmsfs_listing_entries", "gauge", "Records that are known.");
    put_listing_kind(f, g, v, "lmsfs_listing_entries", LISTING_ENTRIES);
    head(f, "lmsfs_listing_details", "gauge", "… of which the detail is known too.");
    put_listing_kind(f, g, v, "lmsfs_listing_details", LISTING_DETAILS);
    head(f, "lmsfs_listing_age_seconds", "gauge", "Since the listing was last complete.");
    put_listing_kind(f, g, v, "lmsfs_listing_age_seconds", LISTING_AGE);
    store_read_end(v);
}

char *metrics_text(struct engine *g)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return NULL;
    head(f, "lmsfs_build_info", "gauge", "The version that runs.");
    fputs("lmsfs_build_info{version=\"" LMSFS_VERSION "\"} 1\n", f);
    put_requests(f, g);
    put_times(f, g);
    put_state(f, g);
    put_listings(f, g);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}
