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

char *parent_key_of(struct engine *g, uint64_t home)
{
    const struct lms_collection *c = engine_collection(g, home);
    if (!c || !c->parent)
        return NULL;
    struct tenant *t = tenant_of(g, home);
    const struct lms_collection *pc = lms_collection(t->info.provider, c->parent);
    int index = pc ? lms_collection_index(t->info.provider, pc) : -1;
    if (index < 0)
        return NULL;
    uint64_t parent = ino_make(INO_RECORD, ino_tenant(home), (unsigned)index, ino_rec(home));
    struct store_read *r = store_read_begin(g->store);
    struct store_record rec;
    char *key = r && store_get(r, parent, &rec) == 0 && rec.key[0] ? strdup(rec.key) : NULL;
    if (r)
        store_read_end(r);
    return key;
}

int canonical_name(const struct lms_collection *c, const struct lms_record *r, char name[256])
{
    if (c->ext_prefix && r->ext && *r->ext)
        return doc_stem_to_name(c->ext_prefix, r->ext, name, 256);
    return doc_stem_to_name("ID-", r->key ? r->key : "", name, 256);
}

/* FNV-1a, 64 bits; 0 is kept for "none". */
static uint64_t hash_bytes(const char *s, size_t n)
{
    uint64_t h = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * 0x100000001b3ull;
    return h ? h : 1;
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

/* Finds the record's number and what is known of it. false: it is new. `name` may have been cut, then only the key finds it. */
static bool find(struct store_read *v, const struct record_put *p, const char *key, const char *name, uint64_t *ino, struct store_record *old)
{
    *ino = p->ino;
    if (*ino == 0 && store_by_key(v, p->home, key, ino) != 0) {
        if (store_lookup(v, p->home, name, ino) != 0 || ino_is_alias(*ino) || store_get(v, *ino, old) != 0 ||
            !(old->flags & STORE_PROVISIONAL))
            *ino = 0;
    }
    return *ino && store_get(v, *ino, old) == 0;
}

static void tell(struct engine *g, const struct store_put *p, const struct store_change *ch, bool was_active, bool quiet_new)
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

int record_put(struct tenant *t, struct store_write *w, const struct record_put *p, struct lms_record *r, uint64_t *ino, struct err *e)
{
    struct engine *g = t->engine;
    const struct lms_collection *c = engine_collection(g, p->home);
    struct store_read *v = store_write_view(w);
    struct store_record old = {0};
    char name[256], id_alias[256], email_alias[256], *text = NULL, *row_text = NULL;
    size_t len = 0;
    uint64_t row_hash = 0, found;
    int64_t now = wall_now();
    json_t *doc = json_incref(r->doc);
    int res;

    if (ino_kind(p->home) == INO_TENANT) { /* a singleton: the caller's key is its file name without .json */
        const struct lms_collection *s = lms_collection(t->info.provider, r->key);
        snprintf(name, sizeof name, "%s.json", r->key);
        c = s;
    } else if ((res = canonical_name(c, r, name))) {
        err_set(e, res, "an id of %s can't be a file name", t->info.conf->name);
        goto out;
    }
    bool known = find(v, p, r->key ? r->key : "", name, &found, &old);
    bool was_active = known && (old.flags & STORE_ACTIVE);
    bool complete = p->source == RECORD_DETAIL || !(c->can & LMS_DETAIL);
    if (p->source == RECORD_SAVED)
        complete = known ? (old.flags & STORE_COMPLETE) != 0 : false;
    struct store_mark mark;
    if (known && !p->even_if_pending && store_mark(v, found, &mark) == 0 && (mark.state == STORE_PENDING || mark.hidden)) {
        *ino = found;
        res = 0;
        goto out;
    }

    if (p->source == RECORD_ROW) { /* the row as it stands decides whether anything is new */
        json_t *row = json_deep_copy(doc);
        size_t row_len = 0;
        res = row ? doc_print(row, &row_text, &row_len) : -ENOMEM;
        json_decref(row);
        if (res)
            goto out;
        row_hash = hash_bytes(row_text, row_len);
        if (known && old.row_hash == row_hash && was_active == r->active && !strcmp(old.key, r->key ? r->key : "")) {
            *ino = found;
            goto out;
        }
        if (known && (old.flags & STORE_COMPLETE) && (c->can & LMS_DETAIL)) {
            json_t *before = stored_doc(v, found), *both = before ? doc_overlay_row(before, doc) : NULL;
            json_decref(before);
            if (both) {
                json_decref(doc);
                doc = both;
                complete = true;
            }
        }
    }
    if (known && c->fields) {
        json_t *before = stored_doc(v, found);
        if (before)
            carry_as_written(c, before, doc);
        json_decref(before);
    }
    if ((res = doc_finish(c, doc, complete)) || (res = doc_print(doc, &text, &len)))
        goto out;

    struct store_put put = {
        .ino = found,
        .kind = INO_RECORD,
        .home = p->home,
        .coll = (unsigned)lms_collection_index(t->info.provider, c),
        .key = r->key,
        .ext = r->ext,
        .email = r->email,
        .name = name,
        .active = r->active,
        .complete = complete,
        .mtime_ns = r->mtime > 0 ? r->mtime * 1000000000ll : wall_now_ns(),
        .row_hash = row_hash ? row_hash : (known ? old.row_hash : 0),
        .row_at = p->source == RECORD_ROW ? now : 0,
        .detail_at = p->source == RECORD_DETAIL ? now : 0,
        .body = text,
        .body_len = len,
    };
    if (ino_kind(p->home) != INO_TENANT) {
        if (r->key && *r->key && doc_stem_to_name("ID-", r->key, id_alias, sizeof id_alias) == 0 && strcmp(id_alias, name))
            put.id_alias = id_alias;
        if (r->email && *r->email && doc_stem_to_name("EMAIL-", r->email, email_alias, sizeof email_alias) == 0)
            put.email_alias = email_alias;
    }
    struct store_change ch = {0};
    res = store_put(w, &put, p->source == RECORD_DETAIL, &ch, e);
    if (res)
        goto out;
    *ino = ch.ino;
    tell(g, &put, &ch, was_active, p->quiet_new);
out:
    if (res == -ENOMEM && e && !e->code)
        err_set(e, res, "out of memory");
    free(row_text);
    free(text);
    json_decref(doc);
    return res;
}

int record_put_now(struct tenant *t, const struct record_put *p, struct lms_record *r, uint64_t *ino, struct err *e)
{
    struct store_write *w;
    int res = write_begin(t->engine, &w, e);
    return res ? res : write_end(t->engine, w, record_put(t, w, p, r, ino, e), e);
}

int record_forget(struct tenant *t, uint64_t ino, struct err *e)
{
    struct known k;
    if (known_get(t->engine, ino, &k))
        return 0;
    struct store_write *w;
    int res = write_begin(t->engine, &w, e);
    if (res == 0)
        res = write_end(t->engine, w, store_remove(w, ino, e), e);
    if (res == 0) {
        uint64_t dir = dir_of_record(ino, k.flags & STORE_ACTIVE, k.home);
        hook_entry(t->engine, dir, k.name);
        hook_inode(t->engine, dir);
        hook_inode(t->engine, ino);
    }
    own_forget(t, ino);
    known_release(&k);
    return res;
}

int record_set_active(struct tenant *t, uint64_t ino, bool active, struct err *e)
{
    struct known k;
    int res = known_get(t->engine, ino, &k);
    if (res)
        return res;
    struct lms_record r = {.key = k.key, .ext = *k.ext ? k.ext : NULL, .email = *k.email ? k.email : NULL, .active = active, .doc = k.doc};
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
    int res = write_begin(g, &w, &e);
    return res ? res : write_end(g, w, store_set_mark(w, ino, m, &e), &e);
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
