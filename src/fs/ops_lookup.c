/* ops_lookup.c — from a name to an inode, and what an inode is. */
#include "attr.h"
#include "ops.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

/* A name that the store doesn't know and the LMS may. */
struct wanted {
    uint64_t home;
    char name[256];
    bool listing; /* it is the listing that would tell */
};

enum { ASK_FIRST = 1 }; /* beside 0 and -errno */

int record_named(struct mount *m, struct store_read *r, uint64_t dir, const char *name, uint64_t *ino, uint64_t *hidden)
{
    struct store_record rec;
    struct sight s;
    uint64_t found;
    (void)m;
    *hidden = 0;
    int code = store_lookup(r, tree_home(dir), name, &found);
    if (code)
        return code;
    uint64_t record = ino_is_alias(found) ? ino_as(found, INO_RECORD) : found;
    code = sight_of(r, record, &rec, &s);
    if (code)
        return code;
    bool bin = ino_kind(dir) == INO_BIN;
    if (s.leaving ? bin : !s.hidden && s.active != bin) {
        *ino = found;
        return 0;
    }
    if (s.hidden && s.active != bin)
        *hidden = record;
    return -ENOENT;
}

/* ------------------------------------------------------------------ misses */

static bool could_ask(const struct lms_collection *c, enum name_kind kind)
{
    switch (kind) {
    case NAME_EXT:
        return c->ext_prefix && (c->can & LMS_GET);
    case NAME_ID:
    case NAME_PLAIN:
        return (c->can & LMS_GET) != 0;
    case NAME_EMAIL:
        return (c->can & LMS_GET_BY_EMAIL) != 0;
    case NAME_SECRET:
        return c->secret_prefix != NULL;
    default:
        return false;
    }
}

/* May the LMS know what we don't? A complete list of everybody knows better: a name that it hasn't costs no request. */
static bool worth_asking(struct mount *m, struct store_read *r, uint64_t dir, const char *name)
{
    const struct lms_collection *c = tree_collection(m, dir);
    enum name_kind kind = name_kind_in(m, dir, name);
    struct store_listing l;
    if (tree_holds_words(m, dir))
        return kind == NAME_PLAIN;
    if (!c || c->kind == LMS_WRITE_ONLY || !name_is_record(kind) || kind == NAME_NEW)
        return false;
    if (c->kind == LMS_LISTED && ino_kind(dir) == INO_DIR)
        return store_listing(r, dir, &l) == 0 && l.complete_at == 0;
    return could_ask(c, kind);
}

static int want(struct wanted *w, uint64_t home, const char *name)
{
    w->home = home;
    if ((size_t)snprintf(w->name, sizeof w->name, "%s", name) >= sizeof w->name)
        return -ENAMETOOLONG;
    return ASK_FIRST;
}

/* ------------------------------------------------------------------ each kind of directory */

static int look_in_records(struct mount *m, struct store_read *r, uint64_t dir, const char *name, struct wanted *w,
                           struct fuse_entry_param *e)
{
    uint64_t ino, hidden, other, file = file_named(m, r, dir, name);
    if (file)
        return entry_node(m, r, file, e);
    struct store_listing l;
    if (file_wants_listing(m, dir, name) && store_listing(r, dir, &l) == 0 && l.complete_at == 0) {
        w->listing = true;
        return want(w, dir, name);
    }
    int code = record_named(m, r, dir, name, &ino, &hidden);
    if (code == 0)
        return entry_node(m, r, ino, e);
    if (code != -ENOENT || hidden || store_lookup(r, tree_home(dir), name, &other) == 0)
        return code; /* not there, and we know why */
    return worth_asking(m, r, dir, name) ? want(w, tree_home(dir), name) : -ENOENT;
}

/* A parent's name is its record's file name without ".json". */
static int look_for_parent(struct mount *m, struct store_read *r, uint64_t parents, const char *stem, struct wanted *w,
                           struct fuse_entry_param *e)
{
    uint64_t home = tree_home_of_parents(m, parents), ino;
    char name[256];
    if (!home || (size_t)snprintf(name, sizeof name, "%s.json", stem) >= sizeof name)
        return -ENOENT;
    int code = store_lookup(r, home, name, &ino);
    if (code == 0 && ino_kind(ino) == INO_ALIAS_NEW)
        return -ENOENT;
    if (code == 0)
        return entry_node(m, r,
                          ino_is_alias(ino)
                              ? ino_make(ino_kind(ino), ino_tenant(parents), ino_coll(parents), ino_rec(ino))
                              : tree_dir_of_parent(parents, ino),
                          e);
    if (code == -ENOENT && worth_asking(m, r, home, name))
        return want(w, home, name);
    return code;
}

static int look_in_tenant(struct mount *m, struct store_read *r, uint64_t dir, const char *name, struct wanted *w,
                          struct fuse_entry_param *e)
{
    struct tree_entry t;
    uint64_t ino;
    int code = tree_find(m, dir, name, &t);
    if (code)
        return code;
    if (t.ino)
        return entry_node(m, r, t.ino, e);
    code = store_lookup(r, tree_home(dir), name, &ino);
    if (code == 0)
        return entry_node(m, r, ino, e);
    return code == -ENOENT ? want(w, tree_home(dir), name) : code;
}

static int look_in_jobs(struct mount *m, struct store_read *r, uint64_t dir, const char *name, struct fuse_entry_param *e)
{
    uint64_t ino = ino_make(INO_JOB_LAST, ino_tenant(dir), 0, 0);
    int code = strcmp(name, "last.json") == 0 ? 0 : store_lookup(r, dir, name, &ino);
    return code ? code : entry_node(m, r, ino, e);
}

static int look(struct mount *m, struct store_read *r, uint64_t dir, const char *name, struct wanted *w,
                struct fuse_entry_param *e)
{
    struct tree_entry t;
    if (strcmp(name, ".") == 0) /* a file handle is opened: by its number, of a file too */
        return entry_node(m, r, dir, e);
    if (!tree_exists(m, dir))
        return -ENOENT;
    if (strcmp(name, "..") == 0)
        return entry_node(m, r, tree_parent(m, dir), e);
    switch (ino_kind(dir)) {
    case INO_DIR:
    case INO_BIN:
        return look_in_records(m, r, dir, name, w, e);
    case INO_PARENTS:
        return look_for_parent(m, r, dir, name, w, e);
    case INO_TENANT:
        return look_in_tenant(m, r, dir, name, w, e);
    case INO_JOBS:
        return look_in_jobs(m, r, dir, name, e);
    default:
        return tree_find(m, dir, name, &t) ? -ENOENT : entry_node(m, r, t.ino, e);
    }
}

/* ------------------------------------------------------------------ lookup */

static void name_asked(struct parked *p, int result);

static void lookup(struct mount *m, fuse_req_t req, uint64_t dir, const char *name, bool asked)
{
    struct scratch_attr a;
    struct fuse_entry_param e;
    struct wanted w = {0};
    if (tree_is_record_dir(dir) && scratch_find(m->scratch, dir, name, &a) == 0) {
        reply_scratch_entry(m, req, &a);
        return;
    }
    struct store_read *r = store_read_begin(m->store);
    int code = r ? look(m, r, dir, name, &w, &e) : -EIO;
    if (r)
        store_read_end(r);
    if (code == 0) {
        fuse_reply_entry(req, &e);
        return;
    }
    if (code != ASK_FIRST || asked) {
        reply_code(req, code == ASK_FIRST ? -ENOENT : code);
        return;
    }
    struct parked *p = park_new(m, req, w.listing ? ASK_LISTING : ASK_NAME, w.home, name_asked);
    if (!p || !park_names(p, w.name, name, NULL))
        return;
    p->dir = dir;
    p->ask.timeout_ms = park_timeout(m, tree_tenant(m, dir)->conf->lock_wait);
    park(p, PARK_INTERRUPTIBLE);
}

static void name_asked(struct parked *p, int result)
{
    if (result == 0)
        lookup(p->m, p->req, p->dir, p->name, true);
    else
        reply_code(p->req, result);
    park_free(p);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    dir_looked(mount_of(req), parent);
    if (!lookup_control(req, parent, name) && !lookup_search(req, parent, name) && !lookup_file(req, parent, name))
        lookup(mount_of(req), req, parent, name, false);
}

/* Numbers need no memory; only scratch files are there as long as the kernel knows them. */
static void forget(struct mount *m, uint64_t ino, uint64_t n)
{
    if (ino_kind(ino) == INO_SCRATCH)
        scratch_forget(m->scratch, ino, n);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
    forget(mount_of(req), ino, n);
    fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++)
        forget(mount_of(req), forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(req);
}

/* ------------------------------------------------------------------ what it is */

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)fi;
    struct mount *m = mount_of(req);
    struct stat st;
    double timeout;
    struct store_read *r = store_read_begin(m->store);
    int code = r ? attr_at(m, r, resolve(m, ino), &st, &timeout) : -EIO;
    if (r)
        store_read_end(r);
    if (code) {
        reply_code(req, code);
        return;
    }
    st.st_ino = ino;
    fuse_reply_attr(req, &st, timeout);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
    struct mount *m = mount_of(req);
    char target[4096];
    int code = -EINVAL;
    if (ino_kind(ino) == INO_SCRATCH) {
        code = scratch_readlink(m->scratch, ino, target, sizeof target);
    } else if (ino_is_alias(ino) || ino_kind(ino) == INO_JOB_LAST || ino_kind(ino) == INO_SEARCH) {
        struct store_read *r = store_read_begin(m->store);
        code = !r                            ? -EIO
               : ino_is_alias(ino)           ? alias_target(m, r, ino, target, sizeof target)
               : ino_kind(ino) == INO_SEARCH ? search_target(m, r, ino, target, sizeof target)
                                             : job_newest(r, ino, target, sizeof target);
        if (r)
            store_read_end(r);
    }
    if (code)
        reply_code(req, code);
    else
        fuse_reply_readlink(req, target);
}

/* Room enough for any tool that looks before it writes: what an LMS holds isn't known, and scratch has its own bound. */
void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    (void)ino;
    struct statvfs v = {
        .f_bsize = 4096,
        .f_frsize = 4096,
        .f_blocks = 1ull << 28, /* 1 TiB */
        .f_bfree = 1ull << 27,
        .f_bavail = 1ull << 27,
        .f_files = 1ull << 30,
        .f_ffree = 1ull << 29,
        .f_favail = 1ull << 29,
        .f_namemax = 255,
    };
    fuse_reply_statfs(req, &v);
}
