/* url.c — fresh signed URLs: a record is asked for anew and its URLs are told with the query that signs them. They live for seconds, so they
 * are never kept, never logged, and no two asks share one.
 *
 * Where the API has no GET of one record its list is read until the record comes.
 */
#include "sync/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct url {
    struct tenant *tenant;
    const struct lms_collection *c;
    char *key, *parent_key;
    unsigned page; /* of the list; 0: a GET */
    url_done *done;
    void *ctx;
};

static void url_end(struct url *u, int code, json_t *urls, const struct err *e)
{
    u->done(u->ctx, code, urls, e);
    json_decref(urls);
    free(u->key);
    free(u->parent_key);
    free(u);
}

static void ask_page(struct url *u);

static bool is_last(const struct url *u, const struct http_reply *reply, struct err *e)
{
    struct lms_page p = {0};
    int r = u->tenant->info.provider->list_reply(u->c, u->parent_key, reply, &p, e);
    size_t rows = p.rows_n + p.spoiled;
    bool last = r || rows < u->c->page_size || (p.total >= 0 && (uint64_t)u->page * u->c->page_size >= (uint64_t)p.total);
    lms_page_release(&p);
    return last;
}

static void on_reply(void *ctx, struct net_result *res)
{
    struct url *u = ctx;
    struct err e = {0};
    json_t *urls = NULL;
    int r = result_error(u->tenant, res, &e);
    if (r == 0)
        r = lms_signed_urls(&res->reply, u->page ? u->key : NULL, &urls, &e);
    if (r == -ENOENT && u->page && !is_last(u, &res->reply, &e)) {
        u->page++;
        ask_page(u);
        return;
    }
    url_end(u, r, urls, &e);
}

static void send_it(struct url *u, int r, struct http_request *req, struct err *e)
{
    if (r == 0) {
        tenant_send(u->tenant, req, NET_PEOPLE, u->tenant->info.conf->op_timeout * SECOND, true, on_reply, u);
        return;
    }
    http_request_release(req);
    if (!e->code)
        err_set(e, r, "%s can't be asked for one of its records", u->c->name);
    url_end(u, r, NULL, e);
}

static void ask_page(struct url *u)
{
    struct http_request req = {0};
    struct err e = {0};
    int r = u->tenant->info.provider->list_request(u->c, u->parent_key, u->page, &req, &e);
    send_it(u, r, &req, &e);
}

/* "ID-5" of a record that is known, else as its file's name says. */
static int stem_of(struct tenant *t, const struct lms_collection *c, const char *name, uint64_t ino, char stem[1024],
                   char **key, struct err *e)
{
    struct known k;
    *key = NULL;
    if (ino && known_get(t->engine, ino, &k) == 0) {
        if (*k.key)
            *key = strdup(k.key);
        known_release(&k);
    }
    int r = *key ? (snprintf(stem, 1024, "ID-%s", *key) < 1024 ? 0 : -ENAMETOOLONG) : stem_of_name(c, name, stem, 1024);
    return r ? err_set(e, -ENOENT, "%.200s is no record's name", name) : 0;
}

void url_ask(struct tenant *t, uint64_t home, const char *name, uint64_t ino, url_done *done, void *ctx)
{
    char stem[1024];
    struct err e = {0};
    struct http_request req = {0};
    struct url *u = calloc(1, sizeof *u);
    if (!u) {
        err_set(&e, -ENOMEM, "out of memory");
        done(ctx, -ENOMEM, NULL, &e);
        return;
    }
    *u = (struct url){.tenant = t, .c = collection_of(t, home, &e), .done = done, .ctx = ctx};
    int r = u->c ? stem_of(t, u->c, name, ino, stem, &u->key, &e) : -ENOENT;
    u->parent_key = r ? NULL : parent_key_of(t->engine, home);
    if (r == 0 && u->c->kind == LMS_WRITE_ONLY)
        r = err_set(&e, -ENOTSUP, "%s can't be read, so there is no URL to ask for", u->c->name);
    if (r) {
        url_end(u, r, NULL, &e);
    } else if (u->c->can & LMS_GET) {
        r = t->info.provider->get_request(u->c, u->parent_key, stem, &req, &e);
        send_it(u, r, &req, &e);
    } else if (u->key && u->c->kind == LMS_LISTED) {
        u->page = 1;
        ask_page(u);
    } else {
        err_set(&e, -ENOENT, "%.200s isn't known", name);
        url_end(u, -ENOENT, NULL, &e);
    }
}
