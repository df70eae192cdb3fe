/* removal_save.c — saves that belong to a removal: the manager that a deactivation cleared is put back, and a record is emptied where that is
 * how it is removed. */
#include "sync/removal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a deactivation took is found by the record's number, or, when the cache was begun anew, by its key. */
struct kept {
    const struct removal *r;
    uint64_t at;
    json_t *put; /* the document that gives it back */
};

void removal_keep_manager(const struct removal *r)
{
    struct err e;
    json_t *o =
        json_pack("{s:I,s:s?,s:{s:s}}", "home", (json_int_t)r->home, "key", r->key, "put", "manager_id", r->manager);
    char *s = o ? json_dumps(o, JSON_COMPACT) : NULL;
    if (s)
        ledger_put(r->tenant->engine->store, LEDGER_KEPT, r->ino, s, strlen(s), &e);
    free(s);
    json_decref(o);
}

static int kept_match(void *ctx, uint64_t at, const void *value, size_t len)
{
    struct kept *k = ctx;
    json_t *o = json_loadb(value, len, 0, NULL);
    const char *key = json_string_value(json_object_get(o, "key"));
    bool same = at == k->r->ino || (k->r->key && *k->r->key && key && !strcmp(key, k->r->key) &&
                                    (uint64_t)json_integer_value(json_object_get(o, "home")) == k->r->home);
    if (same) {
        k->at = at;
        k->put = json_incref(json_object_get(o, "put"));
    }
    json_decref(o);
    return same;
}

static char *kept_find(const struct removal *r, uint64_t *at)
{
    struct kept k = {.r = r};
    ledger_each(r->tenant->engine->store, LEDGER_KEPT, kept_match, &k);
    char *text = k.put ? json_dumps(k.put, JSON_COMPACT) : NULL;
    json_decref(k.put);
    *at = k.at;
    return text;
}

struct back {
    struct removal *r;
    uint64_t kept;  /* where the ledger has it */
    struct ask ask; /* the save that puts the manager back */
};

/* A save of the removal's record: `text`, which the ask takes over. */
static void back_ask(struct back *b, struct removal *r, char *text, void (*done)(struct ask *a, int code))
{
    b->r = r;
    b->ask = (struct ask){.kind = ASK_SAVE,
                          .ino = r->home,
                          .name = strdup(r->name),
                          .text = text,
                          .text_len = strlen(text),
                          .people = true,
                          .timeout_ms = r->tenant->info.conf->op_timeout * 2 * SECOND,
                          .caller = r->caller,
                          .done = done};
}

static void manager_saved(struct ask *a, int code)
{
    struct back *b = (struct back *)((char *)a - offsetof(struct back, ask));
    struct removal *r = b->r;
    struct err e = ask_err(a), ignored;
    if (code == 0 && !r->tenant->engine->conf->dry_run)
        ledger_delete(r->tenant->engine->store, LEDGER_KEPT, b->kept, &ignored);
    else
        err_prefix(&e, "the person is active again, but the manager could not be put back");
    ask_release(a);
    free(b);
    if (code && code != -ESHUTDOWN) {
        struct reason why = {.code = code, .text = e.text};
        reject(r->tenant, r->c, r->home, r->name, NULL, 0, &why);
    }
    removal_end(r, code, &e);
}

void removal_put_manager_back(void *ctx, int code, uint64_t ino, const struct err *e)
{
    struct removal *r = ctx;
    uint64_t kept = 0;
    (void)ino;
    char *text = code ? NULL : kept_find(r, &kept);
    struct back *b = text ? calloc(1, sizeof *b) : NULL;
    if (!b) {
        free(text);
        removal_end(r, code == -ESHUTDOWN ? code : 0, e);
        return;
    }
    b->kept = kept;
    back_ask(b, r, text, manager_saved);
    save_ask(r->tenant, &b->ask);
}

/* A record whose removal is a save of it with nothing in it: what that takes, requests and jobs, is a save's matter. */
static void emptied(struct ask *a, int code)
{
    struct back *b = (struct back *)((char *)a - offsetof(struct back, ask));
    struct removal *r = b->r;
    struct err e = ask_err(a);
    ask_release(a);
    free(b);
    if (code == 0 && r->tenant->engine->conf->dry_run)
        removal_stay_hidden(r);
    else
        removal_end(r, code, &e); /* what was refused is kept as a save's */
}

static char *emptied_text(const struct lms_collection *c)
{
    json_t *o = json_object();
    for (const struct lms_field *f = c->fields; f && f->name; f++)
        if (f->type == LMS_ARRAY)
            json_object_set_new(o, f->name, json_array());
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

void removal_by_save(struct removal *r)
{
    struct back *b = calloc(1, sizeof *b);
    char *text = emptied_text(r->c);
    struct err e = {0};
    int code = removal_note(r, &e);
    if (!b || !text || code) {
        free(b);
        free(text);
        removal_refuse(r, code ? code : -ENOMEM, code ? &e : (err_set(&e, -ENOMEM, "out of memory"), &e));
        return;
    }
    back_ask(b, r, text, emptied);
    save_emptied(r->tenant, &b->ask);
}
