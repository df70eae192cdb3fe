/* record.c — from what a reply says about a record to what is known of it: name, bytes, indexes, and the kernel told. */
#include "sync/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t dir_of_record(uint64_t ino, bool active, uint64_t home)
{
    return active ? home : ino_make(INO_BIN, ino_tenant(ino), ino_coll(ino), 0);
}

const struct lms_collection *collection_of(struct tenant *t, uint64_t ino_or_home, struct err *e)
{
    const struct lms_collection *c = engine_collection(t->engine, ino_or_home);
    if (!c)
        err_set(e, -ENOENT, "no such collection");
    return c;
}

bool is_words_home(const struct lms_collection *c, uint64_t home)
{
    return c && c->parent_is_word && ino_kind(home) == INO_DIR && !ino_rec(home);
}

uint64_t home_of_parents(struct tenant *t, const struct lms_collection *c)
{
    const struct lms_collection *pc = c->parent_is_word ? c
                                      : c->parent       ? lms_collection(t->info.provider, c->parent)
                                                        : NULL;
    int index = pc ? lms_collection_index(t->info.provider, pc) : -1;
    return index < 0 ? 0 : ino_make(INO_DIR, t->info.number, (unsigned)index, 0);
}

uint64_t parent_ino(struct engine *g, uint64_t home)
{
    const struct lms_collection *c = engine_collection(g, home);
    struct tenant *t = c && lms_has_parents(c) && ino_rec(home) ? tenant_of(g, home) : NULL;
    uint64_t parents = t ? home_of_parents(t, c) : 0;
    return parents ? ino_make(INO_RECORD, ino_tenant(parents), ino_coll(parents), ino_rec(home)) : 0;
}

char *parent_of(struct engine *g, uint64_t home, char **ext)
{
    uint64_t ino = parent_ino(g, home);
    if (ext)
        *ext = NULL;
    if (!ino)
        return NULL;
    struct store_read *r = store_read_begin(g->store);
    struct store_record rec;
    bool found = r && store_get(r, ino, &rec) == 0;
    char *key = found && rec.key[0] ? strdup(rec.key) : NULL;
    if (key && ext && rec.ext[0])
        *ext = strdup(rec.ext);
    if (r)
        store_read_end(r);
    return key;
}

uint64_t record_by_name(struct engine *g, uint64_t home, const char *name)
{
    uint64_t ino = 0;
    struct store_read *v = store_read_begin(g->store);
    if (!v)
        return 0;
    if (store_lookup(v, home, name, &ino))
        ino = 0;
    store_read_end(v);
    return ino_is_alias(ino) ? ino_as(ino, INO_RECORD) : ino;
}

char *parent_key_of(struct engine *g, uint64_t home)
{
    return parent_of(g, home, NULL);
}

int canonical_name(const struct lms_collection *c, const struct lms_record *r, char name[256])
{
    if (c->ext_prefix && r->ext && *r->ext)
        return doc_stem_to_name(c->ext_prefix, r->ext, name, 256);
    return doc_stem_to_name(c->plain_names ? "" : "ID-", r->key ? r->key : "", name, 256);
}

int stem_of_name(const struct lms_collection *c, const char *name, char *stem, size_t size)
{
    if (!c->plain_names)
        return doc_name_to_stem(name, stem, size);
    int r = size > 3 ? doc_name_to_key(name, stem + 3, size - 3) : -ENAMETOOLONG;
    if (r == 0)
        memcpy(stem, "ID-", 3);
    return r;
}

const char *field_with(const struct lms_collection *c, unsigned flag, const json_t *doc)
{
    for (const struct lms_field *f = c->fields; f && f->name; f++)
        if (f->flags & flag)
            return json_string_value(json_object_get(doc, f->name));
    return NULL;
}

/* What the API takes and never gives back stays as it was last written. */
static void carry_as_written(const struct lms_collection *c, const json_t *old, json_t *fresh)
{
    json_t *ro = json_object_get(fresh, "_readonly"), *names = NULL;
    for (const struct lms_field *f = c->fields; f && f->name; f++) {
        json_t *v = json_object_get(old, f->name);
        if (!(f->flags & LMS_AS_WRITTEN) || (f->flags & LMS_SECRET) || !v || json_is_null(v))
            continue;
        if (json_object_get(fresh, f->name) && !json_is_null(json_object_get(fresh, f->name)))
            continue;
        json_object_set(fresh, f->name, v);
        if (!names)
            names = json_array();
        json_array_append_new(names, json_string(f->name));
    }
    if (names && ro)
        json_object_set(ro, "as_written", names);
    json_decref(names);
}

/* What names a person in the API's paths stays known though a reply leaves it out. */
static void carry_private(const struct lms_collection *c, const json_t *old, json_t *fresh)
{
    for (const struct lms_field *f = c->fields; c->secret_prefix && f && f->name; f++) {
        json_t *v = json_object_get(old, f->name);
        if ((f->flags & LMS_PRIVATE) && v && !json_object_get(fresh, f->name))
            json_object_set(fresh, f->name, v);
    }
}

static json_t *stored_doc(struct store_read *v, uint64_t ino)
{
    const void *body;
    size_t len;
    json_t *doc = NULL;
    struct err e;
    if (store_body(v, ino, &body, &len) == 0)
        doc_parse(body, len, SIZE_MAX, &doc, &e);
    return doc;
}

/* One person under two numbers: created here under a name before the server's id was known, and found by a sweep under that id. What was
 * made here goes; its mark and its name, if it has one of its own, are the other's from now on. */
static int merge_provisional(struct tenant *t, struct store_write *w, uint64_t made, uint64_t into,
                             const char *canonical, struct err *e)
{
    struct store_read *v = store_write_view(w);
    struct store_mark mark, other;
    struct store_record rec;
    char name[256];
    if (made == into || store_get(v, made, &rec) || !(rec.flags & STORE_PROVISIONAL))
        return 0;
    snprintf(name, sizeof name, "%s", rec.name);
    uint64_t home = rec.home, dir = dir_of_record(made, rec.flags & STORE_ACTIVE, home);
    bool marked = store_mark(v, made, &mark) == 0 && (store_mark(v, into, &other) != 0 || other.state != STORE_PENDING);
    int r = store_remove(w, made, e);
    if (r == 0 && marked)
        r = store_set_mark(w, into, &mark, e);
    if (r == 0 && strcmp(name, canonical) != 0)
        r = store_set_alias(w, home, name, ino_as(into, INO_ALIAS_NEW), e);
    own_forget(t, made);
    hook_entry(t->engine, dir, name);
    hook_inode(t->engine, dir);
    hook_inode(t->engine, made);
    return r;
}

/* The record's number and what is known of it; *ino 0: it is new. `name` may have been cut, then only the key finds it. */
static int find(struct tenant *t, struct store_write *w, const struct record_put *p, const char *key, const char *name,
                uint64_t *ino, struct store_record *old, struct err *e)
{
    struct store_read *v = store_write_view(w);
    struct store_record named;
    uint64_t by_key = 0, by_name = 0;
    int r = 0;
    if (*key && store_by_key(v, p->home, key, &by_key))
        by_key = 0;
    if (store_lookup(v, p->home, name, &by_name) || ino_is_alias(by_name) || store_get(v, by_name, &named) ||
        !(named.flags & STORE_PROVISIONAL))
        by_name = 0;
    if (by_key && p->ino)
        r = merge_provisional(t, w, p->ino, by_key, name, e);
    if (r == 0 && by_key && by_name && by_name != p->ino)
        r = merge_provisional(t, w, by_name, by_key, name, e);
    *ino = by_key ? by_key : p->ino ? p->ino : by_name;
    if (r == 0 && *ino && store_get(v, *ino, old))
        *old = (struct store_record){.ino = 0};
    return r;
}

static void tell(struct engine *g, const struct store_put *p, const struct store_change *ch, bool was_active,
                 bool quiet_new)
{
    if (ch->created) {
        if (!quiet_new)
            hook_inode(g, dir_of_record(ch->ino, p->active, p->home));
        return;
    }
    if (ch->body_changed)
        hook_inode(g, ch->ino);
    if (ch->renamed)
        hook_entry(g, dir_of_record(ch->ino, was_active, p->home), ch->old_name);
    if (ch->moved) {
        hook_entry(g, dir_of_record(ch->ino, was_active, p->home), ch->renamed ? ch->old_name : p->name);
        hook_inode(g, dir_of_record(ch->ino, true, p->home));
        hook_inode(g, dir_of_record(ch->ino, false, p->home));
    } else if (ch->renamed) {
        hook_inode(g, dir_of_record(ch->ino, p->active, p->home));
    }
}

/* What one put works with. */
struct work {
    struct tenant *tenant;
    const struct lms_collection *c;
    const struct record_put *p;
    const struct lms_record *r;
    struct store_record old;
    char name[256], id_alias[256], email_alias[256];
    uint64_t found, row_hash;
    bool known, was_active, complete;
    json_t *doc;
};

static int work_name(struct work *k, struct err *e)
{
    if (ino_kind(k->p->home) != INO_TENANT) {
        int r = is_words_home(k->c, k->p->home) ? doc_stem_to_name("", k->r->key, k->name, sizeof k->name)
                                                : canonical_name(k->c, k->r, k->name);
        return r ? err_set(e, r, "an id of %s can't be a file name", k->tenant->info.conf->name) : 0;
    }
    k->c = lms_collection(k->tenant->info.provider, k->r->key); /* a singleton: its key is its file name without .json */
    snprintf(k->name, sizeof k->name, "%s.json", k->r->key);
    return k->c ? 0 : err_set(e, -ENOENT, "no such collection");
}

/* What a save under way shows stays until its job is over; what is hidden is left alone by sweeps. */
static bool left_alone(const struct work *k, struct store_read *v)
{
    struct store_mark mark;
    if (k->known && k->p->asked_ms && touched_since(k->tenant, k->found, k->p->asked_ms))
        return true;
    if (!k->known || k->p->even_if_pending || store_mark(v, k->found, &mark))
        return false;
    return mark.state == STORE_PENDING || (mark.hidden && k->p->source == RECORD_ROW);
}

/* Less than a row: all it says is laid over what is known, and is all there is where nothing was. */
static void work_partial(struct work *k, struct store_read *v)
{
    json_t *before = k->known ? stored_doc(v, k->found) : NULL, *both = before ? doc_overlay_row(before, k->doc) : NULL;
    json_decref(before);
    k->complete = both && (k->old.flags & STORE_COMPLETE);
    if (both) {
        json_decref(k->doc);
        k->doc = both;
    }
}

/* A list row: the row as it stands decides whether anything is new (1: nothing is); it is laid over a detail that is known. */
static int work_row(struct work *k, struct store_read *v)
{
    k->row_hash = doc_hash(k->doc);
    const char *key = k->r->key ? k->r->key : "";
    if (k->known && k->old.row_hash == k->row_hash && k->was_active == k->r->active && !strcmp(k->old.key, key))
        return 1;
    if (!k->known || !(k->old.flags & STORE_COMPLETE) || !(k->c->can & LMS_DETAIL))
        return 0;
    json_t *before = stored_doc(v, k->found), *both = before ? doc_overlay_row(before, k->doc) : NULL;
    json_decref(before);
    if (both) {
        json_decref(k->doc);
        k->doc = both;
        k->complete = true;
    }
    return 0;
}

static int work_finish(struct work *k, struct store_read *v, char **text, size_t *len)
{
    if (is_words_home(k->c, k->p->home)) /* a directory's name, and nothing else */
        return doc_print(k->doc, text, len);
    json_t *before = k->known && k->c->fields && !k->p->exact ? stored_doc(v, k->found) : NULL;
    if (before) {
        carry_as_written(k->c, before, k->doc);
        carry_private(k->c, before, k->doc);
    }
    json_decref(before);
    int r = doc_finish(k->c, k->doc, k->complete);
    return r ? r : doc_print(k->doc, text, len);
}

/* When the content changed. A detail that completes what the list had is no change of the record: vim looks at the time before the open
 * that brings the detail, and would warn of a file that changed. */
static int64_t work_mtime(const struct work *k)
{
    bool completes = k->known && k->p->source == RECORD_DETAIL && !(k->old.flags & STORE_COMPLETE);
    if (k->r->mtime > 0)
        return k->r->mtime * 1000000000ll;
    return completes ? k->old.mtime_ns : wall_now_ns();
}

static struct store_put work_put(struct work *k, const char *text, size_t len)
{
    const struct lms_record *r = k->r;
    int64_t now = wall_now();
    struct store_put put = {
        .ino = k->found,
        .kind = INO_RECORD,
        .home = k->p->home,
        .coll = (unsigned)lms_collection_index(k->tenant->info.provider, k->c),
        .key = r->key,
        .ext = r->ext,
        .email = r->email,
        .name = k->name,
        .active = r->active,
        .complete = k->complete,
        .mtime_ns = work_mtime(k),
        .row_hash = k->row_hash ? k->row_hash : (k->known ? k->old.row_hash : 0),
        .row_at = k->p->source == RECORD_ROW ? now : 0,
        .detail_at = k->p->source == RECORD_DETAIL ? now : 0,
        .body = text,
        .body_len = len,
    };
    if (ino_kind(k->p->home) == INO_TENANT || is_words_home(k->c, k->p->home))
        return put;
    bool other_names = !k->c->plain_names && k->c->kind != LMS_WRITE_ONLY; /* else the key is the name already */
    if (other_names && r->key && *r->key && !doc_stem_to_name("ID-", r->key, k->id_alias, sizeof k->id_alias) &&
        strcmp(k->id_alias, k->name) != 0)
        put.id_alias = k->id_alias;
    const char *secret = k->c->secret_prefix ? field_with(k->c, LMS_PRIVATE, k->doc) : NULL;
    if (!put.id_alias && secret && *secret &&
        !doc_stem_to_name(k->c->secret_prefix, secret, k->id_alias, sizeof k->id_alias))
        put.id_alias = k->id_alias; /* named by ID- itself, so there is room for it */
    if (r->email && *r->email && !doc_stem_to_name("EMAIL-", r->email, k->email_alias, sizeof k->email_alias))
        put.email_alias = k->email_alias;
    return put;
}

int record_put(struct tenant *t, struct store_write *w, const struct record_put *p, struct lms_record *r, uint64_t *ino,
               struct err *e)
{
    struct store_read *v = store_write_view(w);
    struct work k = {.tenant = t, .c = engine_collection(t->engine, p->home), .p = p, .r = r};
    struct store_change ch = {0};
    char *text = NULL;
    size_t len = 0;
    int res = work_name(&k, e);
    if (res == 0)
        res = find(t, w, p, r->key ? r->key : "", k.name, &k.found, &k.old, e);
    if (res)
        return res;
    k.known = k.found && k.old.ino;
    k.was_active = k.known && (k.old.flags & STORE_ACTIVE);
    k.complete = p->source == RECORD_DETAIL || !(k.c->can & LMS_DETAIL) ||
                 (p->source == RECORD_SAVED && k.known && (k.old.flags & STORE_COMPLETE));
    if (left_alone(&k, v)) {
        *ino = k.found;
        return 0;
    }
    k.doc = json_incref(r->doc);
    if (r->state_unsaid && k.known)
        r->active = k.was_active;
    if (r->partial)
        work_partial(&k, v);
    else if (p->source == RECORD_ROW)
        res = work_row(&k, v);
    if (res == 0 && (res = work_finish(&k, v, &text, &len)) == 0) {
        struct store_put put = work_put(&k, text, len);
        res = store_put(w, &put, p->source == RECORD_DETAIL, &ch, e);
        if (res == 0)
            tell(t->engine, &put, &ch, k.was_active, p->quiet_new);
        if (res == 0 && ch.created)
            accepted_parent_came(t, w, ch.ino, put.key);
    }
    *ino = res == 0 ? ch.ino : k.found;
    if (res == -ENOMEM && e && !e->code)
        err_set(e, res, "out of memory");
    free(text);
    json_decref(k.doc);
    return res > 0 ? 0 : res;
}

int record_put_now(struct tenant *t, const struct record_put *p, struct lms_record *r, uint64_t *ino, struct err *e)
{
    struct store_write *w;
    int res = write_begin(t->engine, &w, e);
    return res ? res : write_end(t->engine, w, record_put(t, w, p, r, ino, e), e);
}

int record_forget_in(struct tenant *t, struct store_write *w, uint64_t ino, struct err *e)
{
    struct store_record rec;
    char name[256];
    if (store_get(store_write_view(w), ino, &rec))
        return 0;
    snprintf(name, sizeof name, "%s", rec.name);
    uint64_t dir = dir_of_record(ino, rec.flags & STORE_ACTIVE, rec.home);
    int r = store_remove(w, ino, e);
    if (r)
        return r;
    hook_entry(t->engine, dir, name);
    hook_inode(t->engine, dir);
    hook_inode(t->engine, ino);
    own_forget(t, ino);
    return 0;
}

int record_forget(struct tenant *t, uint64_t ino, struct err *e)
{
    struct store_write *w;
    int r = write_begin(t->engine, &w, e);
    return r ? r : write_end(t->engine, w, record_forget_in(t, w, ino, e), e);
}

int record_set_active(struct tenant *t, uint64_t ino, bool active, struct err *e)
{
    struct known k;
    int res = known_get(t->engine, ino, &k);
    if (res)
        return res;
    struct lms_record r = {
        .key = k.key, .ext = *k.ext ? k.ext : NULL, .email = *k.email ? k.email : NULL, .active = active, .doc = k.doc};
    struct record_put p = {.home = k.home, .ino = ino, .source = RECORD_SAVED, .even_if_pending = true};
    uint64_t same;
    res = record_put_now(t, &p, &r, &same, e);
    known_release(&k);
    return res;
}

int record_mark(struct engine *g, uint64_t ino, const struct store_mark *m)
{
    struct store_write *w;
    struct err e = {0};
    struct tenant *t = tenant_of(g, ino);
    struct store_mark mark = m ? *m : (struct store_mark){0};
    if (t) {
        removal_sight(t, ino, &mark);
        successor_sight(t, ino, &mark);
    }
    bool any = m || mark.hidden || mark.successor[0];
    int res = write_begin(g, &w, &e);
    return res ? res : write_end(g, w, store_set_mark(w, ino, any ? &mark : NULL, &e), &e);
}

void record_mark_again(struct engine *g, uint64_t ino)
{
    struct store_mark m = {0};
    struct store_read *v = store_read_begin(g->store);
    bool marked = v && store_mark(v, ino, &m) == 0 && (m.state != STORE_CLEAN || m.error[0]);
    if (v)
        store_read_end(v);
    record_mark(g, ino, marked ? &m : NULL);
}

int known_get(struct engine *g, uint64_t ino, struct known *k)
{
    *k = (struct known){0};
    struct store_read *r = store_read_begin(g->store);
    if (!r)
        return -ENOMEM;
    struct store_record rec;
    int res = store_get(r, ino, &rec);
    if (res == 0) {
        *k = (struct known){
            .ino = ino,
            .home = rec.home,
            .flags = rec.flags,
            .row_at = rec.row_at,
            .detail_at = rec.detail_at,
            .key = strdup(rec.key),
            .ext = strdup(rec.ext),
            .email = strdup(rec.email),
            .name = strdup(rec.name),
            .doc = stored_doc(r, ino),
        };
        if (!k->key || !k->ext || !k->email || !k->name || !k->doc) {
            known_release(k);
            res = -EIO;
        }
    }
    store_read_end(r);
    return res;
}

void known_release(struct known *k)
{
    free(k->key);
    free(k->ext);
    free(k->email);
    free(k->name);
    json_decref(k->doc);
    *k = (struct known){0};
}
