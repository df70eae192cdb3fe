/* ops_dir.c — listings. opendir holds no lock of the kernel's, so that is where one waits; readdir never does. */
#include "attr.h"
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Cookies, the places in a directory to go on from: what stands still, then records by their ids (of a directory of parents first the active
 * ones, then the others), then scratch by serial. So a listing stays right while records come and go. */
#define COOKIE_RECORDS (1ull << 12)
#define COOKIE_BIN     (1ull << 47)
#define COOKIE_SCRATCH (1ull << 48)

/* ------------------------------------------------------------------ opendir */

struct asked { /* a refresh behind a reader, once per list_ttl */
    uint64_t dir;
    int64_t at;
    UT_hash_handle hh;
};

void asked_free(struct mount *m)
{
    struct asked *a, *next;
    HASH_ITER(hh, m->asked, a, next)
    {
        HASH_DEL(m->asked, a);
        free(a);
    }
}

static bool refresh_due(struct mount *m, uint64_t dir, int ttl)
{
    int64_t now = now_s();
    struct asked *a = NULL;
    pthread_mutex_lock(&m->asked_lock);
    HASH_FIND(hh, m->asked, &dir, sizeof dir, a);
    bool due = !a || now - a->at >= ttl || now < a->at;
    if (!a && (a = calloc(1, sizeof *a))) {
        a->dir = dir;
        HASH_ADD(hh, m->asked, dir, sizeof a->dir, a);
    }
    if (due && a)
        a->at = now;
    pthread_mutex_unlock(&m->asked_lock);
    return due;
}

/* Who reads a directory gets attributes with the names when he will ask for them anyway, and then no request is made for each; for who
 * won't, a kernel inode a name would be waste. One who walks trees will: fts, in find, du, grep -r and tar, opens with O_NOFOLLOW, and
 * reads all names before the first stat. Of others the first names' attributes come along, and the next ones' if a name without was
 * looked up since. */
#define DIR_WALKED 1 /* fi->fh of a directory; above it, how many lookups there had been when it was opened */

static atomic_uint_fast32_t *looked_at(struct mount *m, uint64_t dir)
{
    return &m->looked[place_of(dir, LOOKED_KEPT)];
}

void dir_looked(struct mount *m, uint64_t dir)
{
    atomic_fetch_add_explicit(looked_at(m, dir), 1, memory_order_relaxed);
}

static uint64_t looked_so_far(struct mount *m, uint64_t dir)
{
    return (uint64_t)(uint32_t)atomic_load_explicit(looked_at(m, dir), memory_order_relaxed) << 1;
}

static bool wants_attributes(struct mount *m, uint64_t dir, off_t off, const struct fuse_file_info *fi)
{
    return off == 0 || (fi->fh & DIR_WALKED) || (fi->fh & ~(uint64_t)DIR_WALKED) != looked_so_far(m, dir);
}

static void dir_opened(fuse_req_t req, uint64_t dir, struct fuse_file_info *fi)
{
    fi->fh = looked_so_far(mount_of(req), dir) | (fi->flags & O_NOFOLLOW ? DIR_WALKED : 0);
    fi->cache_readdir = 1;
    fi->keep_cache = 1;
    fuse_reply_open(req, fi);
}

static void listing_came(struct parked *p, int result)
{
    if (result)
        reply_code(p->req, result);
    else
        dir_opened(p->req, p->dir, &p->fi);
    park_free(p);
}

static void refreshed(struct parked *p, int result)
{
    (void)result; /* the engine keeps what went wrong, and says so in the directory's state */
    park_free(p);
}

/* The home whose sweep makes this directory's entries; 0: it needs none. */
static uint64_t swept_home(struct mount *m, uint64_t dir)
{
    uint64_t home = 0;
    if (tree_is_record_dir(dir))
        home = tree_home(dir);
    else if (ino_kind(dir) == INO_PARENTS)
        home = tree_home_of_parents(m, dir);
    const struct lms_collection *c = home ? tree_collection(m, home) : NULL;
    return c && c->kind == LMS_LISTED ? home : 0;
}

static void ask_refresh(struct mount *m, uint64_t home)
{
    struct parked *p = park_new(m, NULL, ASK_LISTING, home, refreshed);
    if (!p)
        return;
    p->ask.people = false;
    park(p, PARK_FIRM);
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    uint64_t home = swept_home(m, ino);
    struct store_listing l = {0};
    if (!tree_exists(m, ino)) {
        reply_code(req, -ENOENT);
        return;
    }
    if (ino == INO_REJECTED) {
        opendir_rejected(req, fi);
        return;
    }
    if (ino_kind(ino) == INO_SEARCH) {
        opendir_search(req, ino, fi);
        return;
    }
    if (ino_kind(ino) == INO_FILE) {
        opendir_file(req, fi);
        return;
    }
    if (!home) {
        dir_opened(req, ino, fi);
        return;
    }
    struct store_read *r = store_read_begin(m->store);
    int code = r ? store_listing(r, home, &l) : -EIO;
    if (r)
        store_read_end(r);
    if (code) {
        reply_code(req, code);
        return;
    }
    const struct conf_tenant *conf = tree_tenant(m, ino)->conf;
    if (l.complete_at) {
        if (now_s() - engine_listed_at(m->engine, home, l.complete_at) > conf->list_ttl &&
            refresh_due(m, home, conf->list_ttl))
            ask_refresh(m, home);
        dir_opened(req, ino, fi);
        return;
    }
    struct parked *p = park_new(m, req, ASK_LISTING, home, listing_came);
    if (!p)
        return;
    p->fi = *fi;
    p->dir = ino;
    p->ask.timeout_ms = park_timeout(m, conf->list_timeout);
    park(p, PARK_INTERRUPTIBLE);
}

/* ------------------------------------------------------------------ readdir */

struct fill {
    fuse_req_t req;
    struct mount *m;
    struct store_read *r;
    uint64_t dir;
    const struct fuse_file_info *fi;
    char *buf;
    size_t size, used;
    bool plus;
    bool attributes; /* plus, and they are wanted */
    bool documents;  /* some of the directory's names are being written for the first time */
};

static bool fits(struct fill *f, size_t n)
{
    if (n > f->size - f->used)
        return false;
    f->used += n;
    return true;
}

static bool put_entry(struct fill *f, const char *name, const struct fuse_entry_param *e, off_t next)
{
    char *to = f->buf + f->used;
    size_t room = f->size - f->used;
    if (f->plus)
        return fits(f, fuse_add_direntry_plus(f->req, to, room, name, e, next));
    return fits(f, fuse_add_direntry(f->req, to, room, name, &e->attr, next));
}

/* A name of which only the type is known; the kernel will look it up. */
static bool put_bare(struct fill *f, const char *name, uint64_t ino, mode_t type, off_t next)
{
    struct fuse_entry_param e = {.attr = {.st_ino = ino, .st_mode = type}};
    return put_entry(f, name, &e, next);
}

static bool put_node(struct fill *f, const char *name, uint64_t ino, mode_t type, off_t next)
{
    struct fuse_entry_param e;
    if (f->attributes && entry_node(f->m, f->r, ino, &e) == 0)
        return put_entry(f, name, &e, next);
    return put_bare(f, name, numbers_shown(f->m->numbers, ino), type, next);
}

static bool put_scratch(struct fill *f, const struct scratch_attr *a)
{
    struct fuse_entry_param e;
    entry_scratch(f->m, a, &e);
    if (!put_entry(f, a->name, &e, (off_t)(COOKIE_SCRATCH + a->serial)))
        return false;
    if (f->plus)
        scratch_looked_up(f->m->scratch, a->ino);
    return true;
}

/* Each of the following goes on from `off` and returns false when the buffer is full. */

static bool fill_still(struct fill *f, uint64_t off)
{
    struct tree_entry t;
    if (off < 1 && !put_bare(f, ".", f->dir, S_IFDIR, 1))
        return false;
    if (off < 2 && !put_bare(f, "..", tree_parent(f->m, f->dir), S_IFDIR, 2))
        return false;
    for (unsigned i = off > 2 ? (unsigned)off - 2 : 0; tree_nth(f->m, f->dir, i, &t); i++) {
        uint64_t ino = t.ino;
        mode_t type = t.dir ? S_IFDIR : S_IFREG;
        if (tree_control(ino)) { /* its attributes come with its text */
            if (!put_bare(f, t.name, ino, type, i + 3))
                return false;
        } else if (!ino && store_lookup(f->r, tree_home(f->dir), t.name, &ino)) {
            if (!put_bare(f, t.name, ino_make(INO_RECORD, ino_tenant(f->dir), t.collection, INO_REC_MASK), type, i + 3))
                return false;
        } else if (!put_node(f, t.name, ino, type, i + 3)) {
            return false;
        }
    }
    return true;
}

static bool shown_here(struct fill *f, uint64_t record, const char *name)
{
    struct store_mark mark;
    struct scratch_attr a;
    if (store_any_mark(f->r) && store_mark(f->r, record, &mark) == 0 && mark.hidden)
        return mark.leaving && ino_kind(f->dir) == INO_BIN;
    return !f->documents || scratch_find(f->m->scratch, f->dir, name, &a) != 0;
}

/* Who is leaving stands in the bin, though the store has them where they were until the LMS has said so. */
static int next_record(struct fill *f, uint64_t after, uint64_t *ino, const char **name)
{
    uint64_t leaver;
    const char *called;
    int code = store_dir_next(f->r, f->dir, after, ino, name);
    if (ino_kind(f->dir) != INO_BIN || !store_any_mark(f->r) ||
        store_leaving_next(f->r, f->dir, after, &leaver, &called) || (code == 0 && *ino < leaver))
        return code;
    *ino = leaver;
    *name = called;
    return 0;
}

static bool fill_records(struct fill *f, uint64_t off)
{
    uint64_t after = off > COOKIE_RECORDS ? off - COOKIE_RECORDS : 0, ino;
    const char *name;
    while (next_record(f, after, &ino, &name) == 0) {
        after = ino_rec(ino);
        if (shown_here(f, ino, name) && !put_node(f, name, ino, S_IFREG, (off_t)(COOKIE_RECORDS + after)))
            return false;
    }
    return true;
}

static bool fill_jobs(struct fill *f, uint64_t off)
{
    uint64_t last = ino_make(INO_JOB_LAST, ino_tenant(f->dir), 0, 0);
    char newest[256];
    if (off < 3 && job_newest(f->r, last, newest, sizeof newest) == 0 && !put_node(f, "last.json", last, S_IFLNK, 3))
        return false;
    return fill_records(f, off);
}

/* Parents: a directory for each record known, whether active or not. base: what its cookies begin from. */
static bool fill_parents(struct fill *f, uint64_t from, uint64_t off, uint64_t base)
{
    uint64_t after = off > base ? off - base : 0, ino;
    const char *name;
    while (store_dir_next(f->r, from, after, &ino, &name) == 0) {
        char stem[256];
        size_t len = strlen(name) > 5 ? strlen(name) - 5 : 0;
        after = ino_rec(ino);
        if (!len || len >= sizeof stem)
            continue;
        memcpy(stem, name, len);
        stem[len] = '\0';
        if (!put_node(f, stem, tree_dir_of_parent(f->dir, ino), S_IFDIR, (off_t)(base + after)))
            return false;
    }
    return true;
}

static bool fill_scratch(struct fill *f, uint64_t off)
{
    struct scratch_attr a = {.serial = off > COOKIE_SCRATCH ? off - COOKIE_SCRATCH : 0};
    while (scratch_next(f->m->scratch, f->dir, a.serial, &a) == 0)
        if (!put_scratch(f, &a))
            return false;
    return true;
}

static void fill_rejected(struct fill *f, uint64_t off)
{
    uint64_t n;
    for (size_t i = off > 2 ? (size_t)off - 2 : 0; (n = rejected_nth(f->fi, i)); i++) {
        char name[24];
        snprintf(name, sizeof name, "%llu", (unsigned long long)n);
        if (!put_bare(f, name, tree_rejected_ino(n, CONTROL_CASE), S_IFDIR, (off_t)i + 3))
            return;
    }
}

/* What was found when the directory was opened, in the API's order; a record that went since is left out. */
static void fill_found(struct fill *f, uint64_t off)
{
    uint64_t link;
    char name[256];
    for (size_t i = off > 2 ? (size_t)off - 2 : 0; (link = search_nth(f->fi, f->dir, i)); i++)
        if (search_name(f->m, f->r, link, name) == 0 && !put_node(f, name, link, S_IFLNK, (off_t)i + 3))
            return;
}

static bool fill_files(struct fill *f, uint64_t off)
{
    uint64_t file;
    char name[256];
    for (size_t i = off > 2 ? (size_t)off - 2 : 0; (file = file_nth(f->m, f->r, f->dir, i, name)); i++)
        if (!put_node(f, name, file, S_IFREG, (off_t)i + 3))
            return false;
    return true;
}

static void fill_all(struct fill *f, uint64_t off)
{
    if (off < COOKIE_RECORDS && !fill_still(f, off))
        return;
    switch (ino_kind(f->dir)) {
    case INO_SEARCH:
        fill_found(f, off);
        return;
    case INO_FILE:
        if (off >= COOKIE_SCRATCH || fill_files(f, off))
            fill_scratch(f, off);
        return;
    case INO_DIR:
    case INO_BIN:
        f->documents = scratch_has_documents(f->m->scratch, f->dir);
        if (off >= COOKIE_SCRATCH || fill_records(f, off))
            fill_scratch(f, off);
        return;
    case INO_JOBS:
        fill_jobs(f, off);
        return;
    case INO_PARENTS: {
        uint64_t home = tree_home_of_parents(f->m, f->dir);
        bool all = (off >= COOKIE_BIN || fill_parents(f, home, off, COOKIE_RECORDS)) && !tree_holds_words(f->m, home);
        if (all) /* words that hold nothing aren't listed */
            fill_parents(f, ino_as(home, INO_BIN), off, COOKIE_BIN);
        return;
    }
    default:
        if (f->dir == INO_REJECTED)
            fill_rejected(f, off);
        return;
    }
}

static void read_directory(fuse_req_t req, uint64_t dir, size_t size, off_t off, const struct fuse_file_info *fi,
                           bool plus)
{
    struct mount *m = mount_of(req);
    bool own =
        dir == INO_REJECTED || ino_kind(dir) == INO_SEARCH || ino_kind(dir) == INO_FILE; /* their fi->fh is their own */
    struct fill f = {.req = req, .m = m, .dir = dir, .fi = fi, .size = size, .plus = plus};
    f.attributes = plus && (own || wants_attributes(m, dir, off, fi));
    f.buf = malloc(size ? size : 1);
    f.r = f.buf ? store_read_begin(m->store) : NULL;
    int code = !f.buf ? -ENOMEM : !f.r ? -EIO : tree_exists(m, dir) ? 0 : -ENOENT;
    if (code == 0)
        fill_all(&f, (uint64_t)off);
    if (f.r)
        store_read_end(f.r);
    if (code)
        reply_code(req, code);
    else
        fuse_reply_buf(req, f.buf, f.used);
    free(f.buf);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    read_directory(req, ino, size, off, fi, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    read_directory(req, ino, size, off, fi, true);
}
