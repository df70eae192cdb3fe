/* accepted.c — write-only collections: what the LMS took, for nobody can ask it. The ledger's entry of a record, by vendor's keys:
 *
 *   {parent, key, ext, name, ino, home, active, removed, doc, log: [{seq, job, done, doc | delta, removes, revives}, …]}
 *
 *   doc   what is settled: fields only; null: nothing is
 *   log   saves in the order they were accepted. One that is done waits for those before it: only then can it be said what it changed.
 *         The first ones that are done go into doc; one whose job failed is dropped.
 *
 * What is shown is doc with all of the log laid over it. The cache's record is made of that, and again whenever the cache is begun anew:
 * a record below a word has its number again, one below a record comes back when its parent does.
 */
#include "sync/internal.h"
#include "sync/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WHOLE_MAX  480 /* bytes of an entry's name; longer ones are cut and end in a hash */
#define PARENT_MAX 400

/* ------------------------------------------------------------------ entries */

static uint64_t hash_of(const char *s)
{
    uint64_t h = 0xcbf29ce484222325ull;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3ull;
    return h;
}

/* "<tenant>/<collection>/<parent>/", percent-encoded as file names are: a '/' in a key can't end it. */
static int prefix_of(const struct tenant *t, unsigned coll, const char *parent, char out[512])
{
    char word[256] = "-";
    int r = parent ? doc_stem_to_name("", parent, word, sizeof word) : 0;
    if (r == 0 && snprintf(out, 512, "%u/%u/%s/", t->info.number, coll, word) > PARENT_MAX)
        r = -ENAMETOOLONG;
    return r;
}

static int entry_name(const struct tenant *t, uint64_t home, const char *parent, const char *name, char out[512])
{
    int r = prefix_of(t, ino_coll(home), parent, out);
    if (r)
        return r;
    size_t n = strlen(out), full = n + strlen(name);
    if (full <= WHOLE_MAX)
        snprintf(out + n, 512 - n, "%s", name);
    else
        snprintf(out + n, 512 - n, "%.*s~%016llx", (int)(WHOLE_MAX - n - 17), name, (unsigned long long)hash_of(name));
    return 0;
}

static json_t *entry_get(struct tenant *t, const char *at)
{
    void *value;
    size_t len;
    if (ledger_get_named(t->engine->store, at, &value, &len))
        return NULL;
    json_t *o = json_loadb(value, len, JSON_ALLOW_NUL, NULL);
    free(value);
    return o;
}

static int entry_put(struct tenant *t, const char *at, const json_t *o, struct err *e)
{
    char *v = json_dumps(o, JSON_COMPACT);
    int r = v ? ledger_put_named(t->engine->store, at, v, strlen(v), e) : err_set(e, -ENOMEM, "out of memory");
    free(v);
    return r;
}

/* The entry of (home, name), whether it is there or not: `at` gets its name. */
static int entry_find(struct tenant *t, uint64_t home, const char *name, char at[512], json_t **o, struct err *e)
{
    const struct lms_collection *c = engine_collection(t->engine, home);
    char *parent = parent_key_of(t->engine, home);
    *o = NULL;
    int r = c && lms_has_parents(c) && !parent ? -ENOENT : entry_name(t, home, parent, name, at);
    if (r == 0)
        *o = entry_get(t, at);
    free(parent);
    return r ? err_set(e, r, "nobody is known whose %s these are", c ? c->name : "records") : 0;
}

static int entry_new(struct tenant *t, uint64_t home, const char *name, const char *key, const char *ext, json_t **o)
{
    char *parent = parent_key_of(t->engine, home);
    *o = json_pack("{s:s?,s:s,s:s?,s:s,s:b,s:b,s:n,s:[]}", "parent", parent, "key", key, "ext", ext, "name", name,
                   "active", 1, "removed", 0, "doc", "log");
    free(parent);
    return *o ? 0 : -ENOMEM;
}

/* ------------------------------------------------------------------ what it comes to */

static json_t *bare(const struct lms_collection *c, const json_t *doc)
{
    json_t *copy = json_deep_copy(doc);
    json_object_del(copy, "_readonly");
    json_object_del(copy, "_options");
    for (const struct lms_field *f = c->fields; f && f->name; f++)
        if (f->flags & LMS_SECRET)
            json_object_del(copy, f->name);
    return copy;
}

/* doc (taken, may be NULL) with one save laid over it. */
static json_t *laid_over(const struct lms_collection *c, json_t *doc, const json_t *item)
{
    json_t *whole = json_object_get(item, "doc"), *delta = json_object_get(item, "delta"), *merged = NULL,
           *changed = NULL;
    struct err e;
    if (json_is_object(whole)) {
        json_decref(doc);
        return json_deep_copy(whole);
    }
    json_t *from = doc ? doc : json_object();
    if (doc_apply(c, NULL, from, delta, &merged, &changed, &e))
        return from;
    json_decref(changed);
    json_decref(from);
    return merged;
}

/* What it comes to, all of the log laid over it, whether it was removed in the end or not; NULL: nothing. */
static json_t *comes_to(const struct lms_collection *c, const json_t *o, bool *gone)
{
    json_t *settled = json_object_get(o, "doc"), *item;
    json_t *doc = json_is_object(settled) ? json_deep_copy(settled) : NULL;
    bool removed = json_is_true(json_object_get(o, "removed"));
    size_t i;
    json_array_foreach(json_object_get(o, "log"), i, item)
    {
        doc = laid_over(c, doc, item);
        removed = json_is_true(json_object_get(item, "removes"));
    }
    *gone = removed;
    return doc;
}

/* What is to be shown: fields only; NULL: nothing. */
static json_t *shown(const struct lms_collection *c, const json_t *o)
{
    bool gone;
    json_t *doc = comes_to(c, o, &gone);
    if (!gone)
        return doc;
    json_decref(doc);
    return NULL;
}

/* The first ones that are done are settled. */
static void fold(const struct lms_collection *c, json_t *o)
{
    json_t *log = json_object_get(o, "log"), *item;
    while ((item = json_array_get(log, 0)) && json_is_true(json_object_get(item, "done"))) {
        json_t *settled = json_object_get(o, "doc");
        json_object_set_new(o, "doc", laid_over(c, json_is_object(settled) ? json_deep_copy(settled) : NULL, item));
        json_object_set_new(o, "removed", json_boolean(json_is_true(json_object_get(item, "removes"))));
        json_array_remove(log, 0);
    }
}

static json_t *item_of(const json_t *o, uint64_t seq, size_t *at)
{
    json_t *item;
    size_t i;
    json_array_foreach(json_object_get(o, "log"), i, item)
    {
        *at = i;
        if ((uint64_t)json_integer_value(json_object_get(item, "seq")) == seq)
            return item;
    }
    return NULL;
}

/* ------------------------------------------------------------------ saves and their jobs: the ledger */

static int add(json_t *o, const struct lms_collection *c, const struct accepted_save *s)
{
    size_t at;
    json_t *item = item_of(o, s->seq, &at);
    if (item) /* it was a create, and is an update now: what it carries is the same */
        return json_object_set_new(item, "job", s->job ? json_string(s->job) : json_null()) |
               json_object_set_new(item, "done", json_boolean(!s->job));
    item = json_pack("{s:I,s:s?,s:b,s:b}", "seq", (json_int_t)s->seq, "job", s->job, "done", !s->job, "removes",
                     s->removes);
    if (!item)
        return -1;
    int r = s->delta && !(c->can & LMS_FULL) ? json_object_set_new(item, "delta", own_without_secrets(c, s->delta))
                                             : json_object_set_new(item, "doc", bare(c, s->merged));
    return r | json_array_append_new(json_object_get(o, "log"), item);
}

int accepted_save(struct tenant *t, const struct accepted_save *s, struct err *e)
{
    const struct lms_collection *c = engine_collection(t->engine, s->home);
    char at[512];
    json_t *o;
    int r = entry_find(t, s->home, s->name, at, &o, e);
    if (r)
        return r;
    if (!o && entry_new(t, s->home, s->name, s->key, s->ext, &o))
        return err_set(e, -ENOMEM, "out of memory");
    r = add(o, c, s) ? err_set(e, -ENOMEM, "out of memory") : 0;
    if (r == 0) {
        fold(c, o);
        r = entry_put(t, at, o, e);
    }
    json_decref(o);
    return r;
}

int accepted_settle(struct tenant *t, uint64_t home, const char *name, uint64_t seq, bool failed, struct err *e)
{
    const struct lms_collection *c = engine_collection(t->engine, home);
    char at[512];
    size_t i;
    json_t *o;
    int r = entry_find(t, home, name, at, &o, e);
    json_t *item = o ? item_of(o, seq, &i) : NULL;
    if (item) {
        if (failed)
            json_array_remove(json_object_get(o, "log"), i);
        else
            json_object_set_new(item, "done", json_true());
        fold(c, o);
        bool empty = !json_is_object(json_object_get(o, "doc")) && !json_array_size(json_object_get(o, "log"));
        r = empty ? ledger_delete_named(t->engine->store, at, e) : entry_put(t, at, o, e);
    }
    json_decref(o);
    return r;
}

/* ------------------------------------------------------------------ the cache */

/* The number that the record had before the cache was begun anew, where it still may have it. */
static uint64_t old_number(const json_t *o, uint64_t home)
{
    uint64_t ino = (uint64_t)json_integer_value(json_object_get(o, "ino"));
    return ino_kind(ino) == INO_RECORD && ino_tenant(ino) == ino_tenant(home) && ino_coll(ino) == ino_coll(home) ? ino
                                                                                                                 : 0;
}

static int put_record(struct tenant *t, struct store_write *w, uint64_t home, const json_t *o, json_t *doc,
                      uint64_t *ino, struct err *e)
{
    const struct lms_collection *c = engine_collection(t->engine, home);
    json_t *whole = doc_project(c, NULL, doc);
    if (!whole)
        return err_set(e, -ENOMEM, "out of memory");
    struct lms_record rec = {.key = (char *)json_string_value(json_object_get(o, "key")),
                             .ext = (char *)json_string_value(json_object_get(o, "ext")),
                             .email = (char *)field_with(c, LMS_IS_EMAIL, doc),
                             .active = !json_is_false(json_object_get(o, "active")),
                             .doc = whole};
    struct record_put p = {.home = home, .source = RECORD_SAVED, .even_if_pending = true};
    if (!rec.key || store_by_key(store_write_view(w), home, rec.key, &p.ino))
        p.ino = old_number(o, home);
    int r = rec.key ? record_put(t, w, &p, &rec, ino, e) : err_set(e, -EIO, "an entry of the ledger names no record");
    json_decref(whole);
    return r;
}

static void mark_of(const json_t *o, const char *error, struct store_mark *m)
{
    json_t *item;
    size_t i;
    *m = (struct store_mark){.state = error ? STORE_FAILED : STORE_CLEAN};
    snprintf(m->error, sizeof m->error, "%s", error ? error : "");
    json_array_foreach(json_object_get(o, "log"), i, item)
    {
        const char *job = json_string_value(json_object_get(item, "job"));
        if (json_is_true(json_object_get(item, "done")))
            continue;
        m->state = STORE_PENDING;
        snprintf(m->job, sizeof m->job, "%s", job ? job : "");
        m->error[0] = '\0';
    }
}

/* A word's directory is listed once it holds something. */
static void list_word(struct tenant *t, uint64_t home)
{
    uint64_t word = ino_as(home, INO_RECORD);
    struct store_record rec;
    struct err e;
    struct store_read *v = store_read_begin(t->engine->store);
    bool listed = !v || store_get(v, word, &rec) || (rec.flags & STORE_ACTIVE);
    if (v)
        store_read_end(v);
    if (listed)
        return;
    record_set_active(t, word, true, &e);
    hook_inode(t->engine, ino_make(INO_PARENTS, ino_tenant(home), ino_coll(home), 0));
}

/* A record of which the ledger has another number, or none yet: it gets the one that the cache has. */
static void note_number(struct tenant *t, const char *at, json_t *o, uint64_t home, uint64_t ino)
{
    struct err e;
    if (!ino || ((uint64_t)json_integer_value(json_object_get(o, "ino")) == ino &&
                 (uint64_t)json_integer_value(json_object_get(o, "home")) == home))
        return;
    json_object_set_new(o, "ino", json_integer((json_int_t)ino));
    json_object_set_new(o, "home", json_integer((json_int_t)home));
    entry_put(t, at, o, &e);
}

static int show_in(struct tenant *t, struct store_write *w, uint64_t home, const json_t *o, json_t *doc,
                   const char *error, uint64_t *ino, struct err *e)
{
    struct store_mark m;
    int r = put_record(t, w, home, o, doc, ino, e);
    mark_of(o, error, &m);
    removal_sight(t, *ino, &m);
    successor_sight(t, *ino, &m);
    if (r == 0)
        r = store_set_mark(w, *ino, m.state == STORE_CLEAN && !m.error[0] && !m.hidden && !m.successor[0] ? NULL : &m, e);
    return r;
}

int accepted_show(struct tenant *t, uint64_t home, const char *name, const char *error, uint64_t *ino, struct err *e)
{
    const struct lms_collection *c = engine_collection(t->engine, home);
    char at[512];
    json_t *o, *doc;
    struct store_write *w;
    *ino = 0;
    int r = entry_find(t, home, name, at, &o, e);
    if (r)
        return r;
    doc = o ? shown(c, o) : NULL;
    if (doc) {
        if (c->parent_is_word)
            list_word(t, home);
        if ((r = write_begin(t->engine, &w, e)) == 0)
            r = write_end(t->engine, w, show_in(t, w, home, o, doc, error, ino, e), e);
        if (r == 0)
            note_number(t, at, o, home, *ino);
    } else {
        uint64_t there = record_by_name(t->engine, home, name);
        if (there)
            r = record_forget(t, there, e);
    }
    json_decref(doc);
    json_decref(o);
    return r;
}

/* ------------------------------------------------------------------ removed, adopted, forgotten */

static json_t *gone(void)
{
    return json_pack("{s:i,s:n,s:b,s:b,s:{}}", "seq", 0, "job", "done", 1, "removes", 1, "delta");
}

int accepted_remove(struct tenant *t, const struct known *k, bool into_bin, struct err *e)
{
    const struct lms_collection *c = engine_collection(t->engine, k->home);
    char at[512];
    json_t *o;
    int r = entry_find(t, k->home, k->name, at, &o, e);
    if (r == 0 && !o)
        r = entry_new(t, k->home, k->name, k->key, *k->ext ? k->ext : NULL, &o);
    if (r == 0 && !json_is_object(json_object_get(o, "doc")) && !json_array_size(json_object_get(o, "log")))
        r = json_object_set_new(o, "doc", bare(c, k->doc));
    if (r == 0)
        r = into_bin ? json_object_set_new(o, "active", json_false())
                     : json_array_append_new(json_object_get(o, "log"), gone());
    if (r == 0) {
        fold(c, o);
        r = entry_put(t, at, o, e);
    }
    json_decref(o);
    if (r == 0)
        r = into_bin ? record_set_active(t, k->ino, false, e) : record_forget(t, k->ino, e);
    return r;
}

int accepted_activate(struct tenant *t, const struct known *k, struct err *e)
{
    char at[512];
    json_t *o;
    int r = entry_find(t, k->home, k->name, at, &o, e);
    if (r == 0 && o) {
        json_object_set_new(o, "active", json_true());
        r = entry_put(t, at, o, e);
    }
    json_decref(o);
    return r;
}

int accepted_adopt(struct tenant *t, uint64_t home, const char *name, const char *key, const char *ext, struct err *e)
{
    const struct lms_collection *c = engine_collection(t->engine, home);
    char at[512];
    json_t *o, *doc;
    uint64_t ino;
    int r = entry_find(t, home, name, at, &o, e);
    if (r)
        return r;
    doc = o ? shown(c, o) : NULL;
    bool known = doc != NULL;
    json_decref(doc);
    if (!known && !o && entry_new(t, home, name, key, ext, &o))
        r = err_set(e, -ENOMEM, "out of memory");
    if (r == 0 && !known) {
        json_object_set_new(o, "removed", json_false());
        if (!json_is_object(json_object_get(o, "doc")))
            json_object_set_new(o, "doc", json_object());
        r = entry_put(t, at, o, e);
    }
    json_decref(o);
    if (r == 0 && !known)
        r = accepted_show(t, home, name, NULL, &ino, e);
    return r ? r : known;
}

int accepted_forget(struct tenant *t, uint64_t home, const char *name, struct err *e)
{
    char at[512];
    json_t *o;
    int r = entry_find(t, home, name, at, &o, e);
    if (r)
        return r;
    if (!o)
        return err_set(e, -ENOENT, "nothing is known by that name");
    json_decref(o);
    r = ledger_delete_named(t->engine->store, at, e);
    uint64_t ino = record_by_name(t->engine, home, name);
    return r == 0 && ino ? record_forget(t, ino, e) : r;
}

int accepted_removed(struct tenant *t, uint64_t home, const char *name, struct known *k)
{
    const struct lms_collection *c = engine_collection(t->engine, home);
    char at[512];
    json_t *o;
    struct err e;
    if (entry_find(t, home, name, at, &o, &e) || !o)
        return -ENOENT;
    const char *key = json_string_value(json_object_get(o, "key")), *ext = json_string_value(json_object_get(o, "ext"));
    bool gone;
    json_t *doc = comes_to(c, o, &gone); /* the job of its removal may still run: what that leaves counts */
    bool removed = gone && key && doc;
    if (removed)
        *k = (struct known){.home = home,
                            .flags = STORE_ACTIVE | STORE_COMPLETE,
                            .key = strdup(key),
                            .ext = strdup(ext ? ext : ""),
                            .email = strdup(""),
                            .name = strdup(name),
                            .doc = doc_project(c, NULL, doc)};
    json_decref(doc);
    json_decref(o);
    if (removed && k->key && k->ext && k->email && k->name && k->doc && !doc_finish(c, k->doc, true))
        return 0;
    known_release(k);
    return -ENOENT;
}

/* ------------------------------------------------------------------ words */

static int word_put(struct tenant *t, struct store_write *w, uint64_t words, const char *word, uint64_t number,
                    bool listed, uint64_t *ino, struct err *e)
{
    struct store_record rec;
    struct store_read *v = store_write_view(w);
    bool there = store_by_key(v, words, word, ino) == 0 && store_get(v, *ino, &rec) == 0;
    if (there && (!listed || (rec.flags & STORE_ACTIVE)))
        return 0;
    json_t *empty = json_object();
    struct lms_record r = {.key = (char *)word, .active = listed, .doc = empty};
    struct record_put p = {
        .home = words, .ino = there ? *ino : number, .source = RECORD_SAVED, .even_if_pending = true, .quiet_new = !listed};
    int code = empty ? record_put(t, w, &p, &r, ino, e) : err_set(e, -ENOMEM, "out of memory");
    json_decref(empty);
    if (code == 0 && listed)
        hook_inode(t->engine, ino_make(INO_PARENTS, ino_tenant(words), ino_coll(words), 0));
    return code;
}

int word_make(struct tenant *t, uint64_t words, const char *file_name, bool listed, uint64_t *ino, struct err *e)
{
    char word[256];
    struct store_write *w;
    int r = doc_name_to_key(file_name, word, sizeof word);
    if (r)
        return err_set(e, -ENOENT, "that can't be the name of a directory here");
    r = write_begin(t->engine, &w, e);
    return r ? r : write_end(t->engine, w, word_put(t, w, words, word, 0, listed, ino, e), e);
}

/* ------------------------------------------------------------------ a cache that was begun anew */

struct back { /* entries that come back into the cache */
    struct tenant *tenant;
    struct store_write *w;
    uint64_t home; /* 0: each has its own */
};

/* The directory of an entry; 0: its parent isn't known yet. */
static uint64_t home_of(struct tenant *t, struct store_write *w, unsigned coll, const json_t *o)
{
    const struct lms_collection *c = &t->info.provider->collections[coll];
    const char *parent = json_string_value(json_object_get(o, "parent"));
    uint64_t was = (uint64_t)json_integer_value(json_object_get(o, "home")), words = home_of_parents(t, c), ino = 0;
    struct err e;
    if (!lms_has_parents(c))
        return ino_make(INO_DIR, t->info.number, coll, 0);
    if (!parent || !words)
        return 0;
    if (c->parent_is_word && word_put(t, w, words, parent, ino_rec(was) ? ino_as(was, INO_RECORD) : 0, true, &ino, &e))
        return 0;
    if (!c->parent_is_word && store_by_key(store_write_view(w), words, parent, &ino))
        return 0;
    return ino_make(INO_DIR, t->info.number, coll, ino_rec(ino));
}

/* Does the cache show it already? A crash may have come between the ledger's commit and the cache's. */
static bool is_shown(struct store_write *w, uint64_t home, const json_t *o, const json_t *doc)
{
    const char *key = json_string_value(json_object_get(o, "key"));
    const void *body;
    size_t len;
    uint64_t ino;
    json_t *there = NULL;
    struct err e;
    if (!key || store_by_key(store_write_view(w), home, key, &ino) ||
        store_body(store_write_view(w), ino, &body, &len) || doc_parse(body, len, SIZE_MAX, &there, &e))
        return false;
    json_object_del(there, "_readonly");
    bool same = doc_equal(there, doc);
    json_decref(there);
    return same;
}

static int one_back(void *ctx, const char *at, const void *value, size_t len)
{
    struct back *b = ctx;
    struct tenant *t = b->tenant;
    unsigned number, coll;
    uint64_t ino = 0;
    struct err e = {0};
    if (sscanf(at, "%u/%u/", &number, &coll) != 2 || coll >= t->info.provider->collections_n)
        return 0;
    const struct lms_collection *c = &t->info.provider->collections[coll];
    json_t *o = c->kind == LMS_WRITE_ONLY ? json_loadb(value, len, JSON_ALLOW_NUL, NULL) : NULL,
           *doc = o ? shown(c, o) : NULL;
    uint64_t home = doc ? (b->home ? b->home : home_of(t, b->w, coll, o)) : 0;
    int r = 0;
    if (home && !is_shown(b->w, home, o, doc)) {
        r = show_in(t, b->w, home, o, doc, NULL, &ino, &e);
        if (r == 0)
            note_number(t, at, o, home, ino);
    }
    json_decref(doc);
    json_decref(o);
    return r;
}

void accepted_parent_came(struct tenant *t, struct store_write *w, uint64_t parent, const char *key)
{
    uint64_t home = ino_make(INO_DIR, ino_tenant(parent), ino_coll(parent), 0);
    char prefix[512];
    for (unsigned i = 0; key && i < t->info.provider->collections_n; i++) {
        const struct lms_collection *c = &t->info.provider->collections[i];
        if (c->kind != LMS_WRITE_ONLY || !c->parent || home_of_parents(t, c) != home || prefix_of(t, i, key, prefix))
            continue;
        struct back b = {t, w, ino_make(INO_DIR, ino_tenant(parent), i, ino_rec(parent))};
        ledger_each_named(t->engine->store, prefix, one_back, &b);
    }
}

void accepted_replay(struct tenant *t)
{
    char prefix[16];
    struct back b = {.tenant = t};
    struct err e = {0};
    snprintf(prefix, sizeof prefix, "%u/", t->info.number);
    if (write_begin(t->engine, &b.w, &e) == 0)
        write_end(t->engine, b.w, ledger_each_named(t->engine->store, prefix, one_back, &b), &e);
}
