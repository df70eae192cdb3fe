/* cmd_check.c — `lmsfs check`: is the configuration right, are the tenants there, are the credentials good?
 *
 * Without a daemon, and with at most three requests a tenant: a login where the provider has one, the provider's own cheap
 * question, and the first page of the first collection that it lists. All tenants at once, each within CHECK_MS.
 */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "control.h"
#include "daemon.h"
#include "lmsfs/conf.h"
#include "lmsfs/doc.h"
#include "lmsfs/lms.h"
#include "lmsfs/net.h"
#include "print.h"
#include "sync/from_conf.h"

#define CHECK_MS 9000 /* all of it is to be over in ten seconds */

enum stage { LOGIN, QUESTION, LISTING, OVER };

struct probe {
    const struct conf_tenant *conf;
    const struct lms_provider *provider;
    const struct lms_collection *listed; /* NULL: it lists nothing */
    struct lms_account account;
    struct lms_token token;
    struct net_host *host;
    enum stage stage;
    int64_t deadline_ms;
    long long total; /* -1: not listed */
    bool at_least;   /* the API gives no total */
    struct err err;
};

/* ---- a tenant's questions ---- */

static void ask_next(struct probe *p, enum stage stage);

static const char *secrets_of(const struct conf_tenant *c)
{
    return c->client_id      ? "client_id and client_secret"
           : c->org_id       ? "org_id, org_secret and api_key"
           : c->access_token ? "access_token"
           : c->api_key      ? "tenant_id and api_key"
                             : "tenant_id and secret";
}

static int refusal(struct probe *p, const struct http_reply *r, int code)
{
    char words[256];
    lms_error_text(r, words, sizeof words);
    if (p->stage == LISTING)
        return err_set(&p->err, code, "credentials good, but %s can't be listed: %s (HTTP %d)%s", p->listed->name,
                       words, r->status, p->conf->act_as && code == -EACCES ? "; check act_as" : "");
    if (code == -EACCES || (p->stage == LOGIN && code == -EINVAL))
        return err_set(&p->err, code, "credentials refused: %s (HTTP %d); check %s", words, r->status,
                       secrets_of(p->conf));
    return err_set(&p->err, code, "reachable, but it answers: %s (HTTP %d); is base_url right?", words, r->status);
}

/* What the reply to the provider's question proves. */
static int status_of(struct probe *p, const struct http_reply *r)
{
    struct err ignored;
    return p->stage == QUESTION && p->provider->check_reply ? p->provider->check_reply(r, &ignored)
                                                            : lms_status_errno(r->status);
}

/* A proxy's page is no answer of the API's, whatever its status. */
static int is_json(struct probe *p, const struct http_reply *r)
{
    json_t *value;
    struct err ignored;
    if (doc_parse(r->body ? r->body : "", r->len, SIZE_MAX, &value, &ignored) == 0) {
        json_decref(value);
        return 0;
    }
    return err_set(
        &p->err, -EPROTO, "something answers, but it isn't the API: %s; is base_url right, is a proxy in between?",
        r->body && r->len && r->body[strspn(r->body, " \t\r\n")] == '<' ? "it sends HTML" : "it sends no JSON");
}

static int read_listing(struct probe *p, const struct http_reply *r)
{
    struct lms_page page = {0};
    int rc = is_json(p, r);
    if (!rc && (rc = p->provider->list_reply(p->listed, NULL, r, &page, &p->err)))
        err_prefix(&p->err, "credentials good, but the list of %s can't be read", p->listed->name);
    if (rc)
        return rc;
    p->total = page.total >= 0 ? page.total : (long long)page.rows_n;
    p->at_least = page.total < 0 && page.rows_n >= p->listed->page_size;
    lms_page_release(&page);
    return 0;
}

/* net/ names the tenant in its sentences, and so does the line that they end in. */
static const char *without_name(const struct probe *p, const char *text)
{
    size_t len = strlen(p->conf->name);
    return strncmp(text, p->conf->name, len) == 0 && strncmp(text + len, ": ", 2) == 0 ? text + len + 2 : text;
}

static void answered(void *ctx, struct net_result *r)
{
    struct probe *p = ctx;
    int code = r->err.code ? 0 : status_of(p, &r->reply);
    if (r->err.code == -ETIMEDOUT)
        err_set(&p->err, r->err.code, "no answer within %d s; %s", CHECK_MS / 1000, without_name(p, r->err.text));
    else if (r->err.code)
        err_set(&p->err, r->err.code, "not reachable: %s; check base_url and the network", without_name(p, r->err.text));
    else if (code)
        refusal(p, &r->reply, code);
    else if (p->stage == LOGIN)
        p->provider->token_reply(&r->reply, &p->token, &p->err);
    else if (p->stage == LISTING)
        read_listing(p, &r->reply);
    else if (p->stage == QUESTION && !p->provider->check_reply)
        is_json(p, &r->reply);
    if (p->err.code)
        p->stage = OVER;
    else
        ask_next(p, p->stage + 1);
}

static void ask_next(struct probe *p, enum stage stage)
{
    struct http_request r = {0};
    int rc = 0;
    if (stage == LISTING && !p->listed)
        stage = OVER;
    p->stage = stage;
    if (stage == OVER)
        return;
    if (stage == LOGIN)
        rc = p->provider->token_request(&p->account, &r, &p->err);
    else if (stage == QUESTION)
        rc = p->provider->check_request(&p->account, &r, &p->err);
    else
        rc = p->provider->list_request(p->listed, NULL, 1, &r, &p->err);
    if (!rc && stage != LOGIN)
        rc = p->provider->authorize(&p->account, p->token.value, &r);
    int64_t left = p->deadline_ms - monotonic_ms();
    struct net_options o = {.class = NET_PEOPLE, .timeout_ms = left > 1 ? (int)left : 1, .retry = true};
    if (rc)
        http_request_release(&r);
    else if (!net_send(p->host, &r, &o, answered, p))
        rc = -ENOMEM;
    if (rc) {
        p->stage = OVER;
        if (!p->err.code)
            err_set(&p->err, rc, "the request can't be made: %s", strerror(-rc));
    }
}

/* ---- all of them ---- */

/* The budget remembers the last minute in a file that one process holds. Where a daemon has it, the requests of a check
 * are few enough for the share that it leaves to people. */
static struct net_host *host_new(struct net *n, const struct conf *conf, const struct conf_tenant *c, struct err *e)
{
    char budget[4400];
    snprintf(budget, sizeof budget, "%s/budget.%s", conf->cache_dir, c->name);
    struct net_host_options o = {.name = c->name,
                                 .base_url = c->base_url,
                                 .rate_per_minute = c->rate_per_minute,
                                 .max_response = c->max_response,
                                 .budget_file = c->rate_per_minute ? budget : NULL};
    struct net_host *h = net_host_new(n, &o, NULL);
    if (h || !o.budget_file)
        return h ? h : net_host_new(n, &o, e);
    o.budget_file = NULL;
    return net_host_new(n, &o, e);
}

static void probe_start(struct probe *p, struct net *n, const struct conf *conf, const struct conf_tenant *c)
{
    *p = (struct probe){.conf = c, .provider = lms_provider(c->provider), .total = -1, .stage = OVER};
    p->deadline_ms = monotonic_ms() + CHECK_MS;
    p->account = account_of_conf(c);
    if (!p->provider) {
        err_set(&p->err, -EINVAL, "provider %s is not in this program", c->provider);
        return;
    }
    for (size_t i = p->provider->collections_n; i-- > 0;) {
        const struct lms_collection *k = &p->provider->collections[i];
        if (k->kind == LMS_LISTED && !k->parent)
            p->listed = k;
    }
    p->host = host_new(n, conf, c, &p->err);
    if (p->host)
        ask_next(p, p->provider->token_request ? LOGIN : QUESTION);
}

static void run(struct net *n, const struct probe *probes, size_t count)
{
    for (;;) {
        size_t open = 0;
        for (size_t i = 0; i < count; i++)
            open += probes[i].stage != OVER;
        if (!open)
            return;
        net_poll(n, NULL, 0, 1000);
    }
}

/* ---- printing ---- */

static void print_probe(const struct probe *p)
{
    char count[32];
    printf("%s: ", p->conf->name);
    if (p->err.code) {
        print_text(stdout, p->err.text);
    } else {
        fputs("reachable, credentials good", stdout);
        if (p->total >= 0)
            printf(", %s%s %s listed", p->at_least ? "at least " : "", print_count(p->total, count), p->listed->name);
        else
            fputs(", no list to be had: it shows who is known", stdout);
        if (p->conf->rate_per_minute)
            printf(", %s requests a minute", print_count(p->conf->rate_per_minute, count));
        else
            fputs(", no limit set", stdout);
    }
    putchar('\n');
}

static json_t *probe_json(const struct probe *p)
{
    json_t *o = json_pack("{s:s, s:s, s:b}", "name", p->conf->name, "provider", p->conf->provider, "ok", !p->err.code);
    if (p->err.code) {
        json_object_set_new(o, "errno", json_string(err_name(p->err.code)));
        json_object_set_new(o, "error", json_string(p->err.text));
    } else if (p->total >= 0) {
        json_object_set_new(o, "collection", json_string(p->listed->name));
        json_object_set_new(o, "listed", json_integer(p->total));
        json_object_set_new(o, "at_least", json_boolean(p->at_least));
    }
    json_object_set_new(o, "rate_per_minute", json_integer(p->conf->rate_per_minute));
    return o;
}

static int report(const struct probe *probes, size_t count, bool json)
{
    json_t *tenants = json_array();
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        good = good && !probes[i].err.code;
        if (json)
            json_array_append_new(tenants, probe_json(&probes[i]));
        else
            print_probe(&probes[i]);
    }
    if (json) {
        json_t *all = json_pack("{s:b, s:O}", "ok", good, "tenants", tenants);
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
    }
    json_decref(tenants);
    return good ? DONE : FAILED;
}

static int check(const struct conf *conf, bool json, struct err *e)
{
    struct probe *probes = calloc(conf->tenants_n, sizeof *probes);
    struct net *n = probes ? net_new(e) : NULL;
    int status = FAILED;
    if (n) {
        for (size_t i = 0; i < conf->tenants_n; i++)
            probe_start(&probes[i], n, conf, &conf->tenants[i]);
        run(n, probes, conf->tenants_n);
        net_free(n);
        status = report(probes, conf->tenants_n, json);
        for (size_t i = 0; i < conf->tenants_n; i++)
            lms_token_release(&probes[i].token);
    } else if (!probes) {
        err_set(e, -ENOMEM, "out of memory");
    }
    free(probes);
    return status;
}

int cmd_check(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    bool json = false;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 'j')
            return misused("check", "can't make sense of %s", argv[optind - 1]);
        json = true;
    }
    if (argc - optind != 1)
        return misused("check", "it takes a configuration");
    struct err e = {0};
    struct conf conf;
    daemon_harden();
    if (conf_load(argv[optind], &conf, &e))
        return complain(&e);
    int status = check(&conf, json, &e);
    conf_release(&conf);
    return e.code ? complain(&e) : status;
}
