/* ops_name.c — names that come and go. They hold their directory's lock in the kernel, so what they wait for is bounded by lock_wait. */
#include "attr.h"
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool writes(int flags)
{
    return (flags & O_ACCMODE) != O_RDONLY;
}

/* Is there something of that name, and is it a record that is being removed or was set aside? */
static int what_is_there(struct mount *m, uint64_t dir, const char *name, uint64_t *hidden)
{
    uint64_t ino;
    struct store_read *r = store_read_begin(m->store);
    int code = r ? record_named(m, r, dir, name, &ino, hidden) : -EIO;
    if (r)
        store_read_end(r);
    return code == 0 ? -EEXIST : code == -ENOENT ? 0 : code;
}

static struct scratch_make making(fuse_req_t req, uint64_t dir, const char *name, mode_t mode)
{
    const struct fuse_ctx *who = fuse_req_ctx(req);
    return (struct scratch_make){.dir = dir, .name = name, .mode = mode & 07777, .uid = who->uid, .gid = who->gid};
}

/* ------------------------------------------------------------------ create, mknod */

/* fi NULL: mknod. */
static void make_document(fuse_req_t req, uint64_t dir, const char *name, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    struct scratch_make k = making(req, dir, name, m->options.file_mode);
    struct scratch_attr a;
    struct fuse_entry_param e;
    k.uid = m->options.uid;
    k.gid = m->options.gid;
    int code = scratch_create(m->scratch, &k, true, &a);
    if (code) {
        reply_code(req, code);
        return;
    }
    if (!fi) {
        reply_scratch_entry(m, req, &a);
        return;
    }
    entry_scratch(m, &a, &e);
    scratch_looked_up(m->scratch, a.ino);
    open_document(req, (struct at){AT_DOCUMENT, a.ino}, a.ino, fi, &e);
}

static void make_scratch(fuse_req_t req, uint64_t dir, const char *name, mode_t mode, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    struct scratch_make k = making(req, dir, name, mode);
    struct scratch_attr a;
    struct fuse_entry_param e;
    int code = scratch_create(m->scratch, &k, false, &a);
    if (code) {
        reply_code(req, code);
        return;
    }
    if (!fi) {
        reply_scratch_entry(m, req, &a);
        return;
    }
    struct fuse_file_info f = *fi;
    bool write = writes(f.flags);
    scratch_looked_up(m->scratch, a.ino);
    code = scratch_open(m->scratch, a.ino, write, false);
    if (code) {
        scratch_unlink(m->scratch, dir, name);
        scratch_forget(m->scratch, a.ino, 1);
        reply_code(req, code);
        return;
    }
    entry_scratch(m, &a, &e);
    f.fh = FH_SCRATCH | (write ? FH_WRITER : 0);
    f.keep_cache = 1;
    if (fuse_reply_create(req, &e, &f) == -ENOENT) {
        scratch_close(m->scratch, a.ino, write);
        scratch_forget(m->scratch, a.ino, 1);
    }
}

/* p->fi.fh: 1 for mknod. */
static void restored(struct parked *p, int result)
{
    if (result == 0 || result == -ENOENT)
        make_document(p->req, p->dir, p->name, p->mode ? NULL : &p->fi);
    else
        reply_code(p->req, result);
    park_free(p);
}

/* The name of a record that is being removed, or that an editor set aside: it is taken back, and shadowed by what is written now. */
static void take_back(fuse_req_t req, uint64_t hidden, uint64_t dir, const char *name, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    struct parked *p = park_new(m, req, ASK_RESTORE, hidden, restored);
    if (!p || !park_names(p, NULL, name, NULL))
        return;
    p->dir = dir;
    p->mode = !fi;
    if (fi)
        p->fi = *fi;
    p->ask.timeout_ms = park_timeout(m, tree_tenant(m, dir)->conf->lock_wait);
    park(p, PARK_FIRM);
}

static void make_file(fuse_req_t req, uint64_t dir, const char *name, mode_t mode, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    const struct lms_collection *c = tree_collection(m, dir);
    enum name_kind kind = name_kind_in(m, dir, name);
    uint64_t hidden = 0;
    int code = 0;
    if (create_file(req, dir, name, fi))
        return;
    if (file_is_dir(dir) && file_exists(m, dir)) {
        make_scratch(req, dir, name, mode, fi);
        return;
    }
    if (!tree_is_record_dir(dir) || !c)
        code = -EPERM;
    else if (strlen(name) > 255)
        code = -ENAMETOOLONG;
    else if (kind == NAME_REFUSED)
        code = -EINVAL;
    else if (name_is_record(kind) && (code = what_is_there(m, dir, name, &hidden)) == 0 &&
             (ino_kind(dir) == INO_BIN || !(hidden ? may_update(c) : may_create(c, kind))))
        code = -EPERM;
    if (code)
        reply_code(req, code);
    else if (hidden)
        take_back(req, hidden, dir, name, fi);
    else if (name_is_record(kind))
        make_document(req, dir, name, fi);
    else
        make_scratch(req, dir, name, mode, fi);
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
    make_file(req, parent, name, mode, fi);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
    (void)rdev;
    if (S_ISREG(mode))
        make_file(req, parent, name, mode, NULL);
    else
        reply_code(req, -EPERM);
}

/* ------------------------------------------------------------------ mkdir, symlink, link, rmdir */

/* A parent's directory is there as soon as the parent is known: making it finds it, or finds that there is no such parent. */
static void parent_asked(struct parked *p, int result)
{
    reply_code(p->req, result == 0 ? -EEXIST : result);
    park_free(p);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct mount *m = mount_of(req);
    (void)mode;
    char file[256];
    enum name_kind kind;
    uint64_t home = ino_kind(parent) == INO_PARENTS ? tree_home_of_parents(m, parent) : 0, ino;
    if (!home || (size_t)snprintf(file, sizeof file, "%s.json", name) >= sizeof file ||
        !name_is_record(kind = name_kind_in(m, home, file)) || kind == NAME_NEW) {
        reply_code(req, -EPERM);
        return;
    }
    struct store_read *r = store_read_begin(m->store);
    int code = r ? store_lookup(r, home, file, &ino) : -EIO;
    if (r)
        store_read_end(r);
    if (code != -ENOENT) {
        reply_code(req, code == 0 ? -EEXIST : code);
        return;
    }
    struct parked *p = park_new(m, req, ASK_NAME, home, parent_asked);
    if (!p || !park_names(p, file, NULL, NULL))
        return;
    p->ask.timeout_ms = park_timeout(m, tree_tenant(m, parent)->conf->lock_wait);
    park(p, PARK_INTERRUPTIBLE);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    struct mount *m = mount_of(req);
    struct scratch_make k = making(req, parent, name, 0777);
    struct scratch_attr a;
    int code = !tree_is_record_dir(parent) || !tree_collection(m, parent) ? -EPERM
               : name_kind_in(m, parent, name) != NAME_SCRATCH            ? -EINVAL
                                                                          : scratch_symlink(m->scratch, &k, target, &a);
    if (code)
        reply_code(req, code);
    else
        reply_scratch_entry(m, req, &a);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
    (void)ino;
    (void)parent;
    (void)name;
    reply_code(req, -EPERM);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    (void)parent;
    (void)name;
    reply_code(req, -EPERM);
}

/* ------------------------------------------------------------------ unlink */

static void removed(struct parked *p, int result)
{
    reply_code(p->req, result);
    park_free(p);
}

static void remove_record(fuse_req_t req, uint64_t dir, uint64_t record)
{
    struct mount *m = mount_of(req);
    const struct lms_collection *c = tree_collection(m, dir);
    const struct conf_tenant *conf = tree_tenant(m, dir)->conf;
    bool in_bin = ino_kind(dir) == INO_BIN;
    unsigned needs =
        in_bin ? LMS_DELETE : LMS_DEACTIVATE | LMS_DELETE | LMS_UPDATE | LMS_UPSERT; /* or to be written anew */
    if (!(c->can & needs) || (!in_bin && conf->unlink == UNLINK_DENY)) {
        reply_code(req, -EPERM);
        return;
    }
    struct parked *p = park_new(m, req, ASK_REMOVE, record, removed);
    if (!p)
        return;
    p->ask.flag = in_bin;
    p->ask.was_read = reader_is(req, record);
    p->ask.timeout_ms = park_timeout(m, conf->lock_wait);
    park(p, PARK_FIRM);
}

/* Engine thread: only it writes the store. */
static void drop_alias(void *ctx)
{
    struct parked *p = ctx;
    struct store_write *w;
    int code = store_write_begin(p->m->store, &w, NULL);
    if (code == 0) {
        code = store_set_alias(w, tree_home(p->dir), p->name, 0, NULL);
        if (code)
            store_write_abort(w);
        else
            code = store_write_commit(w, NULL);
    }
    removed(p, code);
}

static void remove_alias(fuse_req_t req, uint64_t dir, const char *name)
{
    struct mount *m = mount_of(req);
    struct parked *p = park_new(m, req, ASK_COMMAND, 0, removed);
    if (!p || !park_names(p, NULL, name, NULL))
        return;
    p->dir = dir;
    int code = engine_run(m->engine, drop_alias, p);
    if (code)
        removed(p, code == -EBUSY ? -EAGAIN : code);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct mount *m = mount_of(req);
    struct scratch_attr a;
    uint64_t ino, hidden;
    if (unlink_file(req, parent, name))
        return;
    if (!tree_is_record_dir(parent) || !tree_collection(m, parent)) {
        reply_code(req, -EPERM);
        return;
    }
    if (scratch_find(m->scratch, parent, name, &a) == 0) {
        if (a.document)
            draft_abandon(m->drafts, a.ino);
        reply_code(req, scratch_unlink(m->scratch, parent, name));
        return;
    }
    struct store_read *r = store_read_begin(m->store);
    int code = r ? record_named(m, r, parent, name, &ino, &hidden) : -EIO;
    if (r)
        store_read_end(r);
    if (code)
        reply_code(req, code);
    else if (ino_kind(ino) == INO_ALIAS_NEW)
        remove_alias(req, parent, name);
    else if (ino_is_alias(ino))
        reply_code(req, -EPERM);
    else
        remove_record(req, parent, ino);
}
