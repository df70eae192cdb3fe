/* command.c — what the control socket asks for. */
#include "sync/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An ask made for a command; the command is done when it is. */
struct inner {
    struct ask ask, *outer;
    struct engine *engine;
};

static void command_end(struct engine *g, struct ask *a, int code, const struct err *e)
{
    if (code) {
        json_decref(a->answer);
        a->answer = json_pack("{s:b,s:s,s:s}", "ok", 0, "errno", err_name(code), "error",
                              e && e->text[0] ? e->text : strerror(-code));
    } else if (!a->answer) {
        a->answer = json_pack("{s:b}", "ok", 1);
    } else {
        json_object_set_new(a->answer, "ok", json_true());
    }
    ask_end(g, a, code, e);
}

static void inner_done(struct ask *inner, int code)
{
    struct inner *i = (struct inner *)inner;
    struct err e = ask_err(inner);
    ask_release(inner);
    command_end(i->engine, i->outer, code, &e);
    free(i);
}

static struct inner *inner_new(struct engine *g, struct ask *outer, enum ask_kind kind, uint64_t ino)
{
    struct inner *i = calloc(1, sizeof *i);
    if (!i)
        return NULL;
    i->engine = g;
    i->outer = outer;
    i->ask = (struct ask){
        .kind = kind, .ino = ino, .people = true, .done = inner_done, .timeout_ms = 0, .caller = outer->caller};
    return i;
}

static void run_flow(struct engine *g, struct ask *a, struct tenant *t, enum ask_kind kind, uint64_t ino)
{
    struct inner *i = inner_new(g, a, kind, ino);
    struct err e;
    if (!i) {
        command_end(g, a, err_set(&e, -ENOMEM, "out of memory"), &e);
        return;
    }
    const struct conf_tenant *c = t->info.conf;
    i->ask.timeout_ms = (kind == ASK_REFRESH ? c->list_timeout
                         : kind == ASK_JOB   ? c->job_timeout
                                             : c->op_timeout) *
                        SECOND;
    if (kind == ASK_REFRESH)
        list_ask(t, &i->ask);
    else
        fetch_ask_detail(t, &i->ask);
}

/* The end of whatever is under way for a record: its removal or move, its job, its saves. */
static void wait_for(struct engine *g, struct ask *a, struct tenant *t, uint64_t home, const char *name, uint64_t ino)
{
    struct inner *i = inner_new(g, a, ASK_JOB, ino);
    struct err e;
    if (!i) {
        command_end(g, a, err_set(&e, -ENOMEM, "out of memory"), &e);
        return;
    }
    i->ask.timeout_ms = t->info.conf->job_timeout * SECOND;
    if (save_wait(t, home, name, ino, &i->ask))
        return;
    if (ino && ino_kind(ino) == INO_JOB) {
        watch_ask(t, &i->ask);
        return;
    }
    if (ino && (removal_wait(t, ino, &i->ask) || watch_record(t, ino, &i->ask)))
        return;
    free(i);
    command_end(g, a, 0, NULL);
}

/* ------------------------------------------------------------------ what can't be read */

#define ADOPT_MOST 1000 /* ids in one request */

static int adopt_one(struct tenant *t, const struct lms_collection *c, uint64_t home, const char *id, struct err *e)
{
    char name[256];
    struct lms_record r = {.key = (char *)id, .ext = (char *)(c->ext_prefix ? id : NULL)};
    int code = *id ? canonical_name(c, &r, name) : -EINVAL;
    return code ? err_set(e, code, "that can't be an id") : accepted_adopt(t, home, name, id, r.ext, e);
}

/* Names become known, nothing is sent. One commit for them all; those that can't be are listed with their reason. */
static void adopt(struct engine *g, struct ask *a, struct tenant *t, uint64_t home, const json_t *ids)
{
    const struct lms_collection *c = engine_collection(g, home);
    struct err e = {0};
    int r = 0, adopted = 0, known = 0;
    json_t *refused = json_array(), *id;
    size_t i;
    if (!c || c->kind != LMS_WRITE_ONLY || ino_kind(home) != INO_DIR)
        r = err_set(&e, -EPERM,
                    "only names of what the LMS takes and never tells can be adopted, in their own directory");
    else if (!json_is_array(ids) || json_array_size(ids) > ADOPT_MOST)
        r = err_set(&e, -EINVAL, "adopt needs at most %d ids", ADOPT_MOST);
    if (r == 0)
        r = ledger_begin(g->store, &e);
    if (r) {
        json_decref(refused);
        command_end(g, a, r, &e);
        return;
    }
    json_array_foreach(ids, i, id)
    {
        struct err why = {0};
        int one = adopt_one(t, c, home, json_is_string(id) ? json_string_value(id) : "", &why);
        adopted += one == 0;
        known += one == 1;
        if (one < 0)
            json_array_append_new(refused, json_pack("{s:O,s:s}", "id", id, "reason", why.text));
    }
    r = ledger_commit(g->store, &e);
    a->answer = json_pack("{s:i,s:i,s:o}", "adopted", adopted, "known already", known, "refused", refused);
    command_end(g, a, r, &e);
}

static void forget(struct engine *g, struct ask *a, struct tenant *t, uint64_t home, const char *name, uint64_t ino)
{
    const struct lms_collection *c = engine_collection(g, home);
    struct err e = {0};
    int r;
    if (!c || (c->kind != LMS_WRITE_ONLY && c->kind != LMS_KNOWN) || !*name)
        r = err_set(&e, -EPERM, "what the LMS lists can't be forgotten");
    else if (save_is_under_way(t, home, name, ino) || (ino && removal_is_out(t, ino)))
        r = err_set(&e, -EBUSY, "a save or removal of it is under way: lmsfs wait tells its end");
    else if (c->kind == LMS_WRITE_ONLY)
        r = accepted_forget(t, home, name, &e);
    else
        r = ino ? record_forget(t, ino, &e) : err_set(&e, -ENOENT, "nothing is known by that name");
    command_end(g, a, r, &e);
}

static void resend(struct engine *g, struct ask *a, struct tenant *t, uint64_t home, const char *name)
{
    const struct lms_collection *c = engine_collection(g, home);
    struct err e = {0};
    struct inner *i = c && c->kind == LMS_WRITE_ONLY && *name ? inner_new(g, a, ASK_SAVE, home) : NULL;
    if (!i) {
        command_end(g, a, err_set(&e, -EPERM, "only what the LMS takes and never tells is sent again as it is shown"),
                    &e);
        return;
    }
    i->ask.name = strdup(name);
    i->ask.timeout_ms = t->info.conf->op_timeout * 2 * SECOND;
    save_resend(t, &i->ask);
}

json_t *pending_list(struct engine *g)
{
    json_t *all = json_array();
    for (size_t i = 0; i < g->tenants_n; i++) {
        save_list(&g->tenants[i], all);
        removal_list(&g->tenants[i], all);
    }
    dry_list(g, all);
    return all;
}

struct url_answer {
    struct engine *engine;
    struct ask *ask;
    char file[256]; /* the path was one of a record's files: only that one's URL */
};

/* "…/ID-5.files/certificate.pdf" → "certificate"; "" for any other path. */
static void file_of_path(const char *path, char out[256])
{
    const char *name = strrchr(path, '/'), *dot = strrchr(path, '.');
    out[0] = '\0';
    if (name && dot > name && name - path > 6 && !strncmp(name - 6, ".files", 6))
        snprintf(out, 256, "%.*s", (int)(dot - name - 1), name + 1);
}

static json_t *only_file(const json_t *urls, const char *file)
{
    json_t *some = json_array(), *one;
    char name[300];
    size_t i;
    snprintf(name, sizeof name, ".%s.url", file);
    json_array_foreach((json_t *)urls, i, one)
    {
        const char *full = json_string_value(json_object_get(one, "name"));
        size_t len = full ? strlen(full) : 0, n = strlen(name);
        if (len > n && !strcmp(full + len - n, name))
            json_array_append(some, one);
    }
    return some;
}

static void url_told(void *ctx, int code, const json_t *urls, const struct err *e)
{
    struct url_answer u = *(struct url_answer *)ctx;
    free(ctx);
    struct err gone;
    json_t *told = code == 0 && u.file[0] ? only_file(urls, u.file) : json_incref((json_t *)urls);
    if (code == 0 && !json_array_size(told)) {
        code = err_set(&gone, -ENOENT, "the record has no file %.200s", u.file);
        e = &gone;
    }
    if (code == 0)
        u.ask->answer = json_pack("{s:O}", "urls", told);
    json_decref(told);
    command_end(u.engine, u.ask, code, e);
}

static void url_of(struct engine *g, struct ask *a, struct tenant *t, const char *path, uint64_t home, const char *name,
                   uint64_t ino)
{
    struct url_answer *u = calloc(1, sizeof *u);
    struct err e;
    if (!u) {
        command_end(g, a, err_set(&e, -ENOMEM, "out of memory"), &e);
        return;
    }
    *u = (struct url_answer){.engine = g, .ask = a};
    file_of_path(path, u->file);
    url_ask(t, home, name, ino, url_told, u);
}

/* "hownow/search/users/jane": a search has no place in the store, so it is told apart first. */
static bool why_search(struct engine *g, struct ask *a, const char *path)
{
    char copy[4096], *save = NULL, *words[4];
    size_t n = 0;
    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
        return false;
    for (char *w = strtok_r(copy, "/", &save); w && n < 4; w = strtok_r(NULL, "/", &save))
        words[n++] = w;
    struct tenant *t = NULL;
    for (size_t i = 0; n == 4 && i < g->tenants_n; i++)
        if (!strcmp(g->tenants[i].info.conf->name, words[0]))
            t = &g->tenants[i];
    if (!t || strcmp(words[1], "search") != 0 || strtok_r(NULL, "/", &save))
        return false;
    a->answer = search_why(t, words[2], words[3]);
    json_object_set_new(a->answer, "path", json_string(path));
    command_end(g, a, 0, NULL);
    return true;
}

static void with_path(struct engine *g, struct ask *a, const char *cmd, const char *path, const json_t *q)
{
    struct err e = {0};
    uint64_t home, ino;
    char name[256];
    if (path && !strcmp(cmd, "why") && why_search(g, a, path))
        return;
    int r = path ? path_resolve(g, path, &home, name, &ino, &e) : err_set(&e, -EINVAL, "%s needs a path", cmd);
    struct tenant *t = r ? NULL : tenant_of(g, home);
    if (r) {
        command_end(g, a, r, &e);
    } else if (!strcmp(cmd, "why")) {
        a->answer = why_answer(g, home, ino, name);
        json_object_set_new(a->answer, "path", json_string(path));
        command_end(g, a, 0, NULL);
    } else if (!strcmp(cmd, "refresh")) {
        if (*name)
            run_flow(g, a, t, ASK_DETAIL, ino);
        else
            run_flow(g, a, t, ASK_REFRESH, home);
    } else if (!strcmp(cmd, "url") && *name) {
        url_of(g, a, t, path, home, name, ino);
    } else if (!strcmp(cmd, "adopt") && !*name) {
        adopt(g, a, t, home, json_object_get(q, "ids"));
    } else if (!strcmp(cmd, "forget")) {
        forget(g, a, t, home, name, ino);
    } else if (!strcmp(cmd, "resend")) {
        resend(g, a, t, home, name);
    } else if (!strcmp(cmd, "fetch") && ino) {
        run_flow(g, a, t, ASK_DETAIL, ino);
    } else if (!strcmp(cmd, "fetch") && !*name) {
        fetch_all_ask(t, home, a);
    } else if (!strcmp(cmd, "wait") && *name) {
        wait_for(g, a, t, home, name, ino);
    } else {
        command_end(g, a, err_set(&e, -ENOENT, "%.200s: no record by that name is known", path), &e);
    }
}

/* ------------------------------------------------------------------ retry N: what was refused, once more */

struct retry {
    struct ask ask, *outer;
    struct engine *engine;
    uint64_t n, home;
    char *name; /* as in rejected/ */
};

/* Accepted, or refused once more under a number of its own: the old one has had its day. */
static void retry_done(struct ask *inner, int code)
{
    struct retry *r = (struct retry *)inner;
    struct err e = ask_err(inner);
    ask_release(inner);
    if (code == 0 || why_latest(r->engine, r->home, r->name) > r->n)
        why_drop(r->engine, r->n);
    command_end(r->engine, r->outer, code, &e);
    free(r->name);
    free(r);
}

static struct retry *retry_new(struct engine *g, struct ask *outer, uint64_t n, uint64_t home, const char *name)
{
    struct retry *r = calloc(1, sizeof *r);
    char *mine = strdup(name), *asks = strdup(name);
    if (!r || !mine || !asks) {
        free(r);
        free(mine);
        free(asks);
        return NULL;
    }
    *r = (struct retry){.outer = outer, .engine = g, .n = n, .home = home, .name = mine};
    r->ask = (struct ask){.name = asks, .people = true, .caller = outer->caller, .done = retry_done};
    return r;
}

/* What is kept of a refused document has no private values; the record does. */
static void put_private(struct retry *r, struct tenant *t, json_t *document)
{
    struct known k;
    const struct lms_collection *c = engine_collection(t->engine, r->home);
    uint64_t ino = record_by_name(t->engine, r->home, r->name);
    if (!c || !ino || known_get(t->engine, ino, &k))
        return;
    (void)doc_unmask(c, document, k.doc); /* without memory the mask stays, and the save is refused for it */
    known_release(&k);
}

static void retry_save(struct retry *r, struct tenant *t, json_t *document)
{
    struct ask *a = &r->ask;
    struct err e = {0};
    a->kind = ASK_SAVE;
    a->ino = r->home;
    put_private(r, t, document);
    a->text = document ? json_dumps(document, JSON_COMPACT) : NULL;
    a->text_len = a->text ? strlen(a->text) : 0;
    a->timeout_ms = t->info.conf->op_timeout * 2 * SECOND;
    if (a->text)
        save_ask(t, a);
    else
        ask_end(t->engine, a,
                err_set(&e, -EINVAL, "its document was no JSON and wasn't kept: there is nothing to send"), &e);
}

/* A removal goes out at once, as `mv` into the bin and out of it does: somebody waits for the verdict. */
static void retry_removal(struct retry *r, struct tenant *t, const char *what)
{
    struct ask *a = &r->ask;
    struct err e = {0};
    a->ino = record_by_name(t->engine, r->home, r->name);
    a->timeout_ms = t->info.conf->op_timeout * 2 * SECOND;
    a->flag = strcmp(what, "reactivate") != 0;
    if (!a->ino)
        ask_end(t->engine, a, err_set(&e, -ENOENT, "%.200s: no record by that name is known any more", r->name), &e);
    else if (!strcmp(what, "delete"))
        removal_ask(t, a);
    else
        move_ask(t, a);
}

static void retry(struct engine *g, struct ask *a, uint64_t n)
{
    struct err e = {0};
    json_t *o = why_rejected_one(g, n);
    const char *name = json_string_value(json_object_get(o, "name")),
               *what = json_string_value(json_object_get(o, "what"));
    uint64_t home = (uint64_t)json_integer_value(json_object_get(o, "home"));
    struct tenant *t = name ? tenant_of(g, home) : NULL;
    struct retry *r = t ? retry_new(g, a, n, home, name) : NULL;
    if (!t)
        command_end(g, a, err_set(&e, -ENOENT, "there is no refused save of that number"), &e);
    else if (!r)
        command_end(g, a, err_set(&e, -ENOMEM, "out of memory"), &e);
    else if (what)
        retry_removal(r, t, what);
    else
        retry_save(r, t, json_object_get(o, "document"));
    json_decref(o);
}

static void release(struct engine *g, struct ask *a, bool send)
{
    unsigned n = 0;
    for (size_t i = 0; i < g->tenants_n; i++)
        n += removal_release(&g->tenants[i], send);
    a->answer = json_pack("{s:i}", send ? "released" : "taken_back", (int)n);
    command_end(g, a, 0, NULL);
}

void command_ask(struct engine *g, struct ask *a)
{
    struct err e = {0};
    json_t *q = json_loadb(a->text ? a->text : "", a->text_len, JSON_REJECT_DUPLICATES, NULL);
    const char *cmd = json_string_value(json_object_get(q, "cmd")),
               *path = json_string_value(json_object_get(q, "path"));
    json_t *n = json_object_get(q, "n");
    if (!cmd) {
        command_end(g, a, err_set(&e, -EINVAL, "not a command"), &e);
    } else if (!strcmp(cmd, "status")) {
        a->answer = engine_status(g);
        command_end(g, a, 0, NULL);
    } else if (!strcmp(cmd, "metrics")) {
        char *text = metrics_text(g);
        a->answer = text ? json_pack("{s:s}", "metrics", text) : NULL;
        free(text);
        command_end(g, a, a->answer ? 0 : err_set(&e, -ENOMEM, "out of memory"), &e);
    } else if (!strcmp(cmd, "pending")) {
        a->answer = json_pack("{s:o}", "pending", pending_list(g));
        command_end(g, a, 0, NULL);
    } else if (!strcmp(cmd, "rejected") && n) {
        json_t *one = why_rejected_one(g, (uint64_t)json_integer_value(n));
        a->answer = one ? json_pack("{s:o}", "rejected", one) : NULL;
        command_end(g, a, one ? 0 : err_set(&e, -ENOENT, "there is no refused save of that number"), &e);
    } else if (!strcmp(cmd, "rejected")) {
        a->answer = json_pack("{s:o}", "rejected", why_rejected_list(g));
        command_end(g, a, 0, NULL);
    } else if (!strcmp(cmd, "release")) {
        release(g, a, true);
    } else if (!strcmp(cmd, "retry")) {
        if (json_is_integer(n))
            retry(g, a, (uint64_t)json_integer_value(n));
        else
            command_end(g, a, err_set(&e, -EINVAL, "retry needs the number of a refused save"), &e);
    } else if (!strcmp(cmd, "drop") && !n) {
        release(g, a, false);
    } else if (!strcmp(cmd, "drop")) {
        int r = why_drop(g, (uint64_t)json_integer_value(n));
        command_end(g, a, r, r ? (err_set(&e, r, "there is no refused save of that number"), &e) : NULL);
    } else if (!strcmp(cmd, "adopt") || !strcmp(cmd, "forget") || !strcmp(cmd, "resend") || !strcmp(cmd, "why") ||
               !strcmp(cmd, "refresh") || !strcmp(cmd, "fetch") || !strcmp(cmd, "wait") || !strcmp(cmd, "url")) {
        with_path(g, a, cmd, path, q);
    } else {
        command_end(g, a, err_set(&e, -EINVAL, "%.40s: no such command", cmd), &e);
    }
    json_decref(q);
}
