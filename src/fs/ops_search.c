/* ops_search.c — search/<collection>/<text>/: symlinks to what the LMS's own search finds. Nothing below search/ is listed; a text becomes
 * a directory by being named, and asks when it is opened. */
#include "attr.h"
#include "ops.h"
#include "search.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct lms_collection *collection_at(const struct mount *m, uint64_t ino)
{
    const struct tenant_info *t = tree_tenant(m, ino);
    return t && ino_coll(ino) < t->provider->collections_n ? &t->provider->collections[ino_coll(ino)] : NULL;
}

/* What the vendor says to a text: 0, -EINVAL, or -ENOTSUP where the collection can't be searched. Pure. */
static int vendor_says(const struct mount *m, uint64_t dir, const char *text)
{
    const struct tenant_info *t = tree_tenant(m, dir);
    const struct lms_collection *c = collection_at(m, dir);
    struct http_request probe = {0};
    struct err e;
    uint64_t window;
    if (!c || !t->provider->search_request)
        return -ENOTSUP;
    int code = t->provider->search_request(c, text, 1, &probe, &window, &e);
    http_request_release(&probe);
    return code;
}

bool search_exists(const struct mount *m, uint64_t ino)
{
    const struct tenant_info *t = tree_tenant(m, ino);
    if (!t || !t->provider->search_request)
        return false;
    return ino_coll(ino) == SEARCH_ROOT || collection_at(m, ino);
}

bool search_is_dir(uint64_t ino)
{
    return ino_kind(ino) == INO_SEARCH && ino_part(ino) != SEARCH_LINK;
}

bool search_is_text(uint64_t ino)
{
    return ino_kind(ino) == INO_SEARCH && ino_part(ino) == SEARCH_TEXT;
}

uint64_t search_root(unsigned tenant)
{
    return ino_make_part(INO_SEARCH, tenant, SEARCH_ROOT, SEARCH_DIR, 0);
}

uint64_t search_parent(uint64_t ino)
{
    if (ino_part(ino) == SEARCH_TEXT)
        return ino_make_part(INO_SEARCH, ino_tenant(ino), ino_coll(ino), SEARCH_DIR, 0);
    return ino_coll(ino) == SEARCH_ROOT ? ino_make(INO_TENANT, ino_tenant(ino), 0, 0) : search_root(ino_tenant(ino));
}

/* ------------------------------------------------------------------ symlinks */

static uint64_t record_of(uint64_t link)
{
    return ino_make(INO_RECORD, ino_tenant(link), ino_coll(link), ino_part_id(link));
}

static uint64_t link_to(uint64_t dir, uint64_t record_id)
{
    return ino_make_part(INO_SEARCH, ino_tenant(dir), ino_coll(dir), SEARCH_LINK, record_id);
}

int search_target(struct mount *m, struct store_read *r, uint64_t link, char *buf, size_t size)
{
    const struct lms_collection *c = collection_at(m, link);
    struct store_record rec, parent;
    char stem[256] = "";
    int code = c && ino_part(link) == SEARCH_LINK ? store_get(r, record_of(link), &rec) : -EINVAL;
    if (code)
        return code;
    if (c->parent && store_get(r, tree_record_of_parent(m, rec.home), &parent) == 0)
        snprintf(stem, sizeof stem, "%.*s/", (int)strlen(parent.name) - 5, parent.name);
    snprintf(buf, size, "../../../%s%s/%s%s", rec.flags & STORE_ACTIVE ? "" : "deactivated-", c->name, stem, rec.name);
    return 0;
}

/* ------------------------------------------------------------------ lookup */

struct lookup {
    fuse_req_t req;
    struct mount *m;
    uint64_t dir;
    const char *name;
};

static void reply_entry(const struct lookup *l, uint64_t ino)
{
    struct fuse_entry_param e;
    struct store_read *r = store_read_begin(l->m->store);
    int code = r ? entry_node(l->m, r, ino, &e) : -EIO;
    if (r)
        store_read_end(r);
    if (code)
        reply_code(l->req, code);
    else
        fuse_reply_entry(l->req, &e);
}

static void lookup_collection(const struct lookup *l)
{
    const struct lms_provider *p = tree_tenant(l->m, l->dir)->provider;
    const struct lms_collection *c = lms_collection(p, l->name);
    int i = c ? lms_collection_index(p, c) : -1;
    uint64_t dir = i < 0 ? 0 : ino_make_part(INO_SEARCH, ino_tenant(l->dir), (unsigned)i, SEARCH_DIR, 0);
    if (!dir || vendor_says(l->m, dir, "x") == -ENOTSUP)
        reply_code(l->req, -ENOENT);
    else
        reply_entry(l, dir);
}

static void lookup_text(const struct lookup *l)
{
    int code = vendor_says(l->m, l->dir, l->name);
    uint64_t ino = code ? 0 : searches_number(l->m->searches, l->dir, l->name);
    if (code || !ino)
        reply_code(l->req, code == -ENOTSUP ? -ENOENT : code ? code : -ENOMEM);
    else
        reply_entry(l, ino);
}

static uint64_t link_named(const struct lookup *l, const struct found *f)
{
    uint64_t ino = 0;
    struct store_read *r = f->home ? store_read_begin(l->m->store) : NULL;
    if (!r || store_lookup(r, f->home, l->name, &ino) || ino_kind(ino) != INO_RECORD || !found_has(f, ino_rec(ino)))
        ino = 0;
    if (r)
        store_read_end(r);
    return ino ? link_to(l->dir, ino_rec(ino)) : 0;
}

static void reply_link(const struct lookup *l, const struct found *f)
{
    uint64_t ino = link_named(l, f);
    if (ino)
        reply_entry(l, ino);
    else
        reply_code(l->req, -ENOENT);
}

static struct parked *ask_for(fuse_req_t req, uint64_t ino, int seconds, void (*then)(struct parked *p, int result))
{
    struct mount *m = mount_of(req);
    char *text = searches_text(m->searches, ino);
    if (!text) {
        reply_code(req, -ESTALE); /* the kernel looks the name up again */
        return NULL;
    }
    struct parked *p = park_new(m, req, ASK_SEARCH, ino, then);
    if (!p) {
        free(text);
        return NULL;
    }
    p->ask.name = text;
    p->ask.timeout_ms = park_timeout(m, seconds);
    return p;
}

static void link_asked(struct parked *p, int result)
{
    struct lookup l = {p->req, p->m, p->ino, p->name};
    if (result) {
        reply_code(p->req, result);
    } else {
        searches_keep(p->m->searches, p->ino, p->ask.found);
        reply_link(&l, p->ask.found);
    }
    park_free(p);
}

static void lookup_link(const struct lookup *l)
{
    struct found *f = searches_found(l->m->searches, l->dir);
    const char *dot = strrchr(l->name, '.');
    if (f) {
        reply_link(l, f);
        found_release(f);
        return;
    }
    if (l->name[0] == '.' || !dot || strcmp(dot, ".json") != 0) { /* what a shell or an editor tries */
        reply_code(l->req, -ENOENT);
        return;
    }
    struct parked *p = ask_for(l->req, l->dir, tree_tenant(l->m, l->dir)->conf->lock_wait, link_asked);
    if (!p)
        return;
    if (!(p->name = strdup(l->name))) {
        reply_code(l->req, -ENOMEM);
        park_free(p);
        return;
    }
    park(p, PARK_INTERRUPTIBLE);
}

bool lookup_search(fuse_req_t req, uint64_t dir, const char *name)
{
    struct lookup l = {req, mount_of(req), dir, name};
    if (ino_kind(dir) != INO_SEARCH || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    if (!search_exists(l.m, dir))
        reply_code(req, -ENOENT);
    else if (ino_part(dir) == SEARCH_TEXT)
        lookup_link(&l);
    else if (ino_coll(dir) == SEARCH_ROOT)
        lookup_collection(&l);
    else
        lookup_text(&l);
    return true;
}

/* ------------------------------------------------------------------ the directory, as it was when it was opened */

static void reply_opened(fuse_req_t req, struct fuse_file_info *fi, struct found *f)
{
    fi->fh = (uint64_t)(uintptr_t)f;
    fi->cache_readdir = 0;
    fi->keep_cache = 0;
    if (fuse_reply_open(req, fi) == -ENOENT)
        found_release(f);
}

static void search_opened(struct parked *p, int result)
{
    struct found *f = p->ask.found;
    if (result) {
        reply_code(p->req, result);
    } else {
        p->ask.found = NULL;
        searches_keep(p->m->searches, p->ino, f);
        reply_opened(p->req, &p->fi, f);
    }
    park_free(p);
}

/* What was found within record_ttl is shown again; anything older is asked for anew. */
void opendir_search(fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    const struct conf_tenant *conf = tree_tenant(m, ino)->conf;
    struct fuse_file_info copy = *fi;
    if (ino_part(ino) != SEARCH_TEXT) {
        reply_opened(req, &copy, NULL);
        return;
    }
    struct found *f = searches_found(m->searches, ino);
    if (f && now_s() - f->at < conf->record_ttl && now_s() >= f->at) {
        reply_opened(req, &copy, f);
        return;
    }
    found_release(f);
    struct parked *p = ask_for(req, ino, conf->list_timeout, search_opened);
    if (!p)
        return;
    p->fi = copy;
    park(p, PARK_INTERRUPTIBLE);
}

uint64_t search_nth(const struct fuse_file_info *fi, uint64_t dir, size_t i)
{
    const struct found *f = (const struct found *)(uintptr_t)fi->fh;
    return f && i < f->n ? link_to(dir, f->recs[i]) : 0;
}

int search_name(struct mount *m, struct store_read *r, uint64_t link, char name[256])
{
    struct store_record rec;
    (void)m;
    int code = store_get(r, record_of(link), &rec);
    if (code == 0)
        snprintf(name, 256, "%s", rec.name);
    return code;
}

void releasedir_search(const struct fuse_file_info *fi)
{
    found_release((struct found *)(uintptr_t)fi->fh);
}
