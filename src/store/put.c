/* put.c — a record and everything that points at it.
 *
 * What holds after every put and remove, for a record R with head H:
 *
 *   names (H.home, H.name)              = R, always
 *   names (H.home, H.id_alias)          = R as INO_ALIAS_ID, unless another record's own name or newer claim stands there
 *   names (H.home, H.email_alias)       = R as INO_ALIAS_EMAIL, with the same exception
 *   keys  (H.home, H.key)               = R, unless H is provisional
 *   dirs  (directory of H, record id)   = H.name; none for singletons
 *   bodies R                            has H.size bytes
 *   listings (directory of H)           counts R in entries, and in details when complete
 *
 * Who gets a name: a record's own name beats every alias; of two records the first keeps it and the later is called
 * "<stem>~<record id>.json". Of two aliases the one claimed last wins, so that an e-mail address that went from one person to another
 * leads to the other at once, in whichever order the two are put; a claim is a put in which the alias is new for its record, a put that
 * repeats it takes the name only when nobody has it.
 *
 * A put first looks and decides (struct work), and only then writes: what is refused has changed nothing. Pointers from a write
 * transaction are good until its next change, so what is needed later is copied before.
 */
#include "store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUT_PAGES      28 /* that a put's small values may take: a leaf and some branches of each table */
#define SCRATCH_KEPT   (64u << 10)
#define COLLISIONS_MAX 8

struct work {
    struct store_write *w;
    const struct store_put *p;
    struct store_change *out;
    struct err *e;
    bool exists, new_body;
    struct head was, now; /* strings in the texts below */
    MDB_val old_body, body;
    struct head_texts was_texts, now_texts;
};

/* Where a record is listed; 0 = nowhere. */
static uint64_t dir_of(const struct head *h)
{
    switch (ino_kind(h->rec.home)) {
    case INO_JOBS:
        return h->rec.home;
    case INO_DIR:
        return h->rec.flags & STORE_ACTIVE ? h->rec.home : ino_as(h->rec.home, INO_BIN);
    default:
        return 0;
    }
}

static const char *text_or_none(const char *s)
{
    return s ? s : "";
}

/* ------------------------------------------------------------------ looking */

static int put_check(const struct store_put *p, struct err *e)
{
    enum ino_kind home = ino_kind(p->home);
    if (!p->name || !name_valid(p->name))
        return err_set(e, -EINVAL, "a record needs a file name of 1 to %d bytes without '/'", NAME_LEN_MAX);
    if ((p->id_alias && *p->id_alias && !name_valid(p->id_alias)) ||
        (p->email_alias && *p->email_alias && !name_valid(p->email_alias)))
        return err_set(e, -EINVAL, "%s: an alias isn't a file name of 1 to %d bytes without '/'", p->name, NAME_LEN_MAX);
    if (strnlen(text_or_none(p->key), KEY_LEN_MAX + 1) > KEY_LEN_MAX)
        return err_set(e, -EINVAL, "%s: its id is longer than %d bytes", p->name, KEY_LEN_MAX);
    if (strnlen(text_or_none(p->ext), TEXT_LEN_MAX + 1) > TEXT_LEN_MAX ||
        strnlen(text_or_none(p->email), TEXT_LEN_MAX + 1) > TEXT_LEN_MAX)
        return err_set(e, -EINVAL, "%s: its external id or e-mail address is longer than %d bytes", p->name,
                       TEXT_LEN_MAX);
    if (p->kind == INO_JOB ? home != INO_JOBS : p->kind != INO_RECORD || (home != INO_DIR && home != INO_TENANT))
        return err_set(e, -EINVAL, "%s: no record of this kind belongs there", p->name);
    if (p->ino && (ino_kind(p->ino) != p->kind || ino_tenant(p->ino) != ino_tenant(p->home) || !ino_rec(p->ino) ||
                   (home != INO_TENANT && ino_coll(p->ino) != ino_coll(p->home))))
        return err_set(e, -EINVAL, "%s: its number belongs elsewhere", p->name);
    return 0;
}

/* A provisional record that stands under this name. */
static int find_provisional(struct store_write *w, const struct store_put *p, const char *name, uint64_t *ino)
{
    struct head h;
    if (!name || !*name)
        return -ENOENT;
    int rc = store_lookup(&w->view, p->home, name, ino);
    if (rc || ino_kind(*ino) != p->kind)
        return rc ? rc : -ENOENT;
    rc = head_get(&w->view, *ino, &h);
    return rc ? rc : h.rec.flags & STORE_PROVISIONAL ? 0 : -ENOENT;
}

static int put_find(struct store_write *w, const struct store_put *p, uint64_t *ino, struct err *e)
{
    uint64_t by_key = 0;
    int rc = p->key && *p->key ? store_by_key(&w->view, p->home, p->key, &by_key) : -ENOENT;
    if (rc && rc != -ENOENT)
        return rc;
    if (p->ino && rc == 0 && by_key != p->ino)
        return err_set(e, -EEXIST, "%s: another record (%llu) has the id %s", p->name,
                       (unsigned long long)ino_rec(by_key), p->key);
    *ino = p->ino ? p->ino : by_key;
    if (*ino)
        return 0;
    rc = find_provisional(w, p, p->name, ino);
    if (rc == -ENOENT) /* the name that its id gives, before it had a better one */
        rc = find_provisional(w, p, p->id_alias, ino);
    if (rc == -ENOENT)
        *ino = 0;
    return rc == -ENOENT ? 0 : rc;
}

/* The record as it stands. */
static int put_load(struct work *k, uint64_t ino)
{
    struct key key;
    int rc = ino ? head_get(&k->w->view, ino, &k->was) : -ENOENT;
    k->exists = rc == 0;
    if (rc == -ENOENT && ino) /* a number from before the cache was deleted, which the ledger remembers */
        return ledger_gave(k->w->s, ino_rec(ino)) ? 0
                                                  : err_set(k->e, -EINVAL, "%s: its number was never given", k->p->name);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    head_keep(&k->was, &k->was_texts);
    if (k->was.rec.home != k->p->home)
        return err_set(k->e, -EINVAL, "%s: a record can't leave its collection", k->p->name);
    rc = table_get(&k->w->view, T_BODIES, key_numbers(&key, 1, ino), &k->old_body);
    if (rc == -ENOENT)
        k->old_body = (MDB_val){0, NULL}; /* damage that this put mends */
    return rc == -ENOENT ? 0 : rc;
}

static int new_number(struct work *k, uint64_t *ino)
{
    uint64_t rec, home = k->p->home;
    int rc = ledger_lease(k->w->s, &rec, k->e);
    if (rc == 0)
        *ino = ino_make(k->p->kind, ino_tenant(home), ino_kind(home) == INO_TENANT ? k->p->coll : ino_coll(home), rec);
    return rc;
}

/* The name wanted, or "<stem>~<record id>.json" where another record has that. */
static int choose_name(struct work *k, uint64_t ino, char name[static NAME_LEN_MAX + 1])
{
    const char *wanted = k->p->name, *dot = strrchr(wanted, '.');
    const char *suffix = dot && dot != wanted && strlen(dot) < 32 ? dot : "";
    size_t stem = strlen(wanted) - strlen(suffix);
    snprintf(name, NAME_LEN_MAX + 1, "%s", wanted);
    for (int tildes = 1; tildes <= COLLISIONS_MAX; tildes++) {
        uint64_t owner;
        char tail[NAME_LEN_MAX + 1];
        int rc = store_lookup(&k->w->view, k->p->home, name, &owner);
        if (rc == -ENOENT || (rc == 0 && (owner == ino || ino_is_alias(owner))))
            return 0;
        if (rc)
            return rc;
        int n = snprintf(tail, sizeof tail, "%.*s%llu%s", tildes, "~~~~~~~~", (unsigned long long)ino_rec(ino), suffix);
        size_t cut = stem;
        if (cut > NAME_LEN_MAX - (size_t)n)
            for (cut = NAME_LEN_MAX - (size_t)n; cut > 0 && (wanted[cut] & 0xc0) == 0x80;)
                cut--; /* not in the middle of a letter */
        memcpy(name, wanted, cut);
        memcpy(name + cut, tail, (size_t)n + 1);
    }
    return err_set(k->e, -EEXIST, "%s: every name for this record is another's", wanted);
}

/* Own copies of what the caller gave: it may point into the pages that change now. The body and the one it replaces lie side by side. */
static int copy_bodies(struct work *k)
{
    struct store_write *w = k->w;
    size_t new = k->p->body ? k->p->body_len : 0;
    size_t old = k->was.rec.flags & HEAD_VERSIONED ? k->old_body.mv_size : 0, size = new + old;
    if (size > w->scratch_size || !w->scratch) {
        void *more = realloc(w->scratch, size + 1);
        if (!more)
            return err_set(k->e, -ENOMEM, "out of memory");
        w->scratch = more;
        w->scratch_size = size;
    }
    if (new)
        memcpy(w->scratch, k->p->body, new);
    k->body = (MDB_val){new, w->scratch};
    if (old)
        memcpy((char *)w->scratch + new, k->old_body.mv_data, old);
    k->old_body = (MDB_val){old, (char *)w->scratch + new};
    return 0;
}

static bool same_body(const struct work *k)
{
    const struct store_put *p = k->p;
    return k->exists && k->old_body.mv_data && k->old_body.mv_size == k->was.rec.size &&
           (!p->body || (p->body_len == k->old_body.mv_size && memcmp(p->body, k->old_body.mv_data, p->body_len) == 0));
}

/* The record as it is to be. */
static int put_decide(struct work *k, uint64_t ino)
{
    const struct store_put *p = k->p;
    char name[NAME_LEN_MAX + 1];
    int rc = ino ? 0 : new_number(k, &ino);
    if (rc == 0)
        rc = choose_name(k, ino, name);
    if (rc)
        return rc;
    struct head *h = &k->now;
    *h = k->was;
    h->rec.ino = ino;
    h->rec.home = p->home;
    h->rec.key = text_or_none(p->key);
    h->rec.ext = text_or_none(p->ext);
    h->rec.email = text_or_none(p->email);
    h->rec.name = name;
    h->id_alias = text_or_none(p->id_alias);
    h->email_alias = text_or_none(p->email_alias);
    h->rec.flags = (p->active ? STORE_ACTIVE : 0) | (p->complete ? STORE_COMPLETE : 0) |
                   (*h->rec.key ? 0 : STORE_PROVISIONAL) | (k->was.rec.flags & HEAD_VERSIONED);
    h->rec.row_hash = p->row_hash;
    h->rec.row_at = p->row_at ? p->row_at : k->was.rec.row_at;
    h->rec.detail_at = p->detail_at ? p->detail_at : k->was.rec.detail_at;
    k->new_body = !same_body(k);
    if (k->new_body) {
        rc = copy_bodies(k);
        h->rec.size = p->body ? p->body_len : 0;
        h->rec.mtime_ns = p->mtime_ns;
        h->rec.flags &= ~HEAD_VERSIONED;
        if (rc == 0 && version_find(k->body.mv_data, k->body.mv_size, &h->version))
            h->rec.flags |= HEAD_VERSIONED;
        else
            h->version = 0;
    }
    head_keep(h, &k->now_texts); /* the name too: it lies on this stack */
    return rc;
}

static bool head_differs(const struct head *a, const struct head *b)
{
    return a->rec.flags != b->rec.flags || a->rec.row_hash != b->rec.row_hash || strcmp(a->rec.key, b->rec.key) != 0 ||
           strcmp(a->rec.ext, b->rec.ext) != 0 || strcmp(a->rec.email, b->rec.email) != 0 ||
           strcmp(a->rec.name, b->rec.name) != 0 || strcmp(a->id_alias, b->id_alias) != 0 ||
           strcmp(a->email_alias, b->email_alias) != 0;
}

/* ------------------------------------------------------------------ writing */

/* Drop a name or key of ours, unless it has become another's. */
static int unpoint(struct store_write *w, enum table t, uint64_t home, const char *text, uint64_t whose, struct err *e)
{
    struct key k;
    MDB_val value, key = key_text(&k, home, text);
    uint64_t owner;
    if (!*text)
        return 0;
    int rc = table_get(&w->view, t, key, &value);
    if (rc || decode_number(&value, &owner) || owner != whose)
        return rc == -EIO ? write_spoil(w, rc, "a damaged name", e) : 0;
    return table_del(w, t, key, e);
}

static int point(struct store_write *w, enum table t, uint64_t home, const char *text, uint64_t whose, struct err *e)
{
    struct key k;
    MDB_val value, key = key_text(&k, home, text);
    uint64_t owner;
    if (table_get(&w->view, t, key, &value) == 0 && decode_number(&value, &owner) == 0 && owner == whose)
        return 0;
    return table_put(w, t, key, (MDB_val){sizeof whose, &whose}, e);
}

static int drop_names(struct store_write *w, const struct head *was, const struct head *now, struct err *e)
{
    uint64_t ino = was->rec.ino, home = was->rec.home;
    int rc = 0;
    if (!now || strcmp(was->rec.name, now->rec.name) != 0)
        rc = unpoint(w, T_NAMES, home, was->rec.name, ino, e);
    if (rc == 0 && (!now || strcmp(was->id_alias, now->id_alias) != 0))
        rc = unpoint(w, T_NAMES, home, was->id_alias, ino_as(ino, INO_ALIAS_ID), e);
    if (rc == 0 && (!now || strcmp(was->email_alias, now->email_alias) != 0))
        rc = unpoint(w, T_NAMES, home, was->email_alias, ino_as(ino, INO_ALIAS_EMAIL), e);
    if (rc == 0 && (!now || strcmp(was->rec.key, now->rec.key) != 0))
        rc = unpoint(w, T_KEYS, home, was->rec.key, ino, e);
    return rc;
}

/* Give an alias its name, where it may have it. */
static int claim(struct work *k, const char *alias, enum ino_kind kind, bool fresh)
{
    uint64_t owner, whose = ino_as(k->now.rec.ino, kind);
    if (!*alias)
        return 0;
    int rc = store_lookup(&k->w->view, k->now.rec.home, alias, &owner);
    if (rc == -EIO)
        return write_spoil(k->w, rc, "a damaged name", k->e);
    if (rc == 0 && (owner == whose || !ino_is_alias(owner) || !fresh))
        return 0;
    k->out->any = true;
    rc = write_take(k->w, 6, k->e);
    return rc ? rc : point(k->w, T_NAMES, k->now.rec.home, alias, whose, k->e);
}

static int write_aliases(struct work *k)
{
    bool fresh_id = !k->exists || strcmp(k->was.id_alias, k->now.id_alias) != 0;
    bool fresh_email = !k->exists || strcmp(k->was.email_alias, k->now.email_alias) != 0;
    int rc = claim(k, k->now.id_alias, INO_ALIAS_ID, fresh_id);
    return rc ? rc : claim(k, k->now.email_alias, INO_ALIAS_EMAIL, fresh_email);
}

static int write_names(struct work *k)
{
    const struct store_record *now = &k->now.rec;
    int rc = k->exists ? drop_names(k->w, &k->was, &k->now, k->e) : 0;
    if (rc == 0)
        rc = point(k->w, T_NAMES, now->home, now->name, now->ino, k->e);
    if (rc == 0 && *now->key)
        rc = point(k->w, T_KEYS, now->home, now->key, now->ino, k->e);
    return rc;
}

static int write_dirs(struct work *k)
{
    struct key key;
    const struct store_record *was = &k->was.rec, *now = &k->now.rec;
    uint64_t from = k->exists ? dir_of(&k->was) : 0, to = dir_of(&k->now), rec = ino_rec(now->ino);
    int was_detail = k->exists && was->flags & STORE_COMPLETE, is_detail = now->flags & STORE_COMPLETE ? 1 : 0, rc = 0;
    if (from == to) {
        bool renamed = k->exists && strcmp(was->name, now->name) != 0;
        if (!to)
            return 0;
        if (renamed)
            rc = table_put(k->w, T_DIRS, key_numbers(&key, 2, to, rec),
                           (MDB_val){strlen(now->name) + 1, (void *)now->name}, k->e);
        return rc ? rc : listing_shift(k->w, to, 0, is_detail - was_detail, renamed, k->e);
    }
    if (from) {
        rc = table_del(k->w, T_DIRS, key_numbers(&key, 2, from, rec), k->e);
        if (rc == 0)
            rc = listing_shift(k->w, from, -1, -was_detail, true, k->e);
    }
    if (rc == 0)
        rc = table_put(k->w, T_DIRS, key_numbers(&key, 2, to, rec), (MDB_val){strlen(now->name) + 1, (void *)now->name},
                       k->e);
    return rc ? rc : listing_shift(k->w, to, 1, is_detail, true, k->e);
}

static int write_body(struct work *k)
{
    struct key key;
    int rc = 0;
    bool same_version = k->now.rec.flags & HEAD_VERSIONED && k->now.version == k->was.version;
    if (k->exists && k->was.rec.flags & HEAD_VERSIONED && !same_version)
        rc = version_keep(k->w, &k->was, &k->old_body, k->e);
    return rc ? rc : table_put(k->w, T_BODIES, key_numbers(&key, 1, k->now.rec.ino), k->body, k->e);
}

static int write_head(struct work *k)
{
    struct key key;
    void *to;
    int rc = table_reserve(k->w, T_HEADS, key_numbers(&key, 1, k->now.rec.ino), head_size(&k->now), &to, k->e);
    if (rc == 0)
        head_pack(&k->now, to);
    return rc;
}

static void note_change(struct work *k)
{
    struct store_change *c = k->out;
    c->ino = k->now.rec.ino;
    c->created = !k->exists;
    c->body_changed = k->exists && k->new_body;
    c->moved = k->exists && dir_of(&k->was) != dir_of(&k->now);
    c->renamed = k->exists && strcmp(k->was.rec.name, k->now.rec.name) != 0;
    if (c->renamed)
        snprintf(c->old_name, sizeof c->old_name, "%s", k->was.rec.name);
}

static int put_write(struct work *k, bool touch)
{
    bool differs = !k->exists || k->new_body || head_differs(&k->was, &k->now);
    bool touched = k->exists && (k->was.rec.row_at != k->now.rec.row_at || k->was.rec.detail_at != k->now.rec.detail_at);
    int rc = 0;
    if (differs) {
        uint64_t bodies = k->new_body ? table_pages(k->w, k->body.mv_size) + table_pages(k->w, k->old_body.mv_size) : 0;
        rc = write_take(k->w, PUT_PAGES + bodies, k->e);
        if (rc == 0 && k->new_body)
            rc = write_body(k);
        if (rc == 0)
            rc = write_names(k);
        if (rc == 0)
            rc = write_dirs(k);
    }
    if (rc == 0 && (differs || (touch && touched))) {
        k->out->any = true;
        rc = write_head(k);
    }
    return rc ? rc : write_aliases(k);
}

int store_put(struct store_write *w, const struct store_put *p, bool touch, struct store_change *out, struct err *e)
{
    struct err why = {0};
    struct store_change unwanted = {0};
    struct work k;
    uint64_t ino = 0;
    k.w = w;
    k.p = p;
    k.out = out ? out : &unwanted;
    k.e = &why;
    k.was = k.now = (struct head){0};
    k.body = k.old_body = (MDB_val){0};
    *k.out = (struct store_change){0};
    int rc = write_usable(w, &why);
    if (rc == 0)
        rc = put_check(p, &why);
    if (rc == 0)
        rc = put_find(w, p, &ino, &why);
    if (rc == 0)
        rc = put_load(&k, ino);
    if (rc == 0)
        rc = put_decide(&k, ino);
    if (rc == 0)
        rc = put_write(&k, touch);
    if (w->scratch_size > SCRATCH_KEPT) {
        free(w->scratch);
        w->scratch = NULL;
        w->scratch_size = 0;
    }
    if (rc == 0)
        note_change(&k);
    else if (!why.code)
        err_set(&why, rc, "%s: the cache in %s has a damaged record", p->name, w->s->cache.path);
    if (rc && e)
        *e = why;
    return rc;
}

/* ------------------------------------------------------------------ removing */

static int drop_entry(struct store_write *w, const struct head *was, struct err *e)
{
    struct key key;
    uint64_t dir = dir_of(was);
    if (!dir)
        return 0;
    int rc = table_del(w, T_DIRS, key_numbers(&key, 2, dir, ino_rec(was->rec.ino)), e);
    return rc ? rc : listing_shift(w, dir, -1, was->rec.flags & STORE_COMPLETE ? -1 : 0, true, e);
}

int store_remove(struct store_write *w, uint64_t ino, struct err *e)
{
    static const enum table own[] = {T_MARKS, T_BODIES, T_HEADS};
    struct head was;
    struct head_texts texts;
    struct key key;
    int rc = write_usable(w, e);
    if (rc)
        return rc;
    rc = head_get(&w->view, ino, &was);
    if (rc)
        return err_set(e, rc, rc == -ENOENT ? "there is no such record" : "the cache in %s has a damaged record",
                       w->s->cache.path);
    head_keep(&was, &texts);
    rc = drop_names(w, &was, NULL, e);
    if (rc == 0)
        rc = drop_entry(w, &was, e);
    if (rc == 0)
        rc = aliases_drop(w, ino, e);
    if (rc == 0)
        rc = versions_drop(w, ino, e);
    for (size_t i = 0; rc == 0 && i < sizeof own / sizeof own[0]; i++)
        rc = table_del(w, own[i], key_numbers(&key, 1, ino), e);
    return rc;
}
