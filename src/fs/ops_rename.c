/* ops_rename.c — rename, the gesture with the most meanings:
 *
 *     scratch → scratch            a local matter
 *     scratch → a record's name    a save: what editors, rsync and os.replace do
 *     record  → scratch            an editor's backup: the record is set aside, nothing is sent
 *     record  → the bin and back   deactivate, reactivate: goes out at once, and its verdict is the answer
 *     anything else with records   EPERM
 */
#include "attr.h"
#include "ops.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

struct move {
    uint64_t dir, to_dir;
    const char *name, *to_name;
    bool replace; /* RENAME_NOREPLACE wasn't given */
};

static int named(struct mount *m, uint64_t dir, const char *name, uint64_t *ino, uint64_t *hidden)
{
    struct store_read *r = store_read_begin(m->store);
    int code = r ? record_named(m, r, dir, name, ino, hidden) : -EIO;
    if (r)
        store_read_end(r);
    return code;
}

/* ------------------------------------------------------------------ scratch → a record's name: a save */

static void save_answer(struct parked *p)
{
    reply_code(p->req, p->result);
    park_free(p);
}

static void renamed_save(struct parked *p, int result)
{
    struct mount *m = p->m;
    unsigned writers = 0;
    if (result == 0 && p->ask.answer_ino) {
        scratch_become(m->scratch, p->ino, p->ask.answer_ino, &writers);
        draft_adopt(m->drafts, p->ask.answer_ino, writers);
        notifier_inode(m->inodes, p->ino);
        notifier_inode(m->inodes, numbers_shown(m->numbers, p->ask.answer_ino));
        notifier_inode(m->inodes, p->dir);
        notifier_inode(m->inodes, p->to_dir);
    }
    p->result = result;
    p->answer = save_answer;
    notifier_answer(m->inodes, p);
}

static int may_save_as(struct mount *m, const struct move *v)
{
    const struct lms_collection *c = tree_collection(m, v->to_dir);
    enum name_kind kind = name_kind_in(m, v->to_dir, v->to_name);
    struct scratch_attr a;
    uint64_t ino, hidden = 0;
    if (ino_kind(v->to_dir) != INO_DIR)
        return -EPERM;
    if (scratch_find(m->scratch, v->to_dir, v->to_name, &a) == 0)
        return v->replace ? -EBUSY : -EEXIST; /* somebody is writing that name for the first time */
    int code = named(m, v->to_dir, v->to_name, &ino, &hidden);
    if (code == 0 && !v->replace)
        return -EEXIST;
    if (code == 0 && ino_is_alias(ino) && ino_kind(ino) != INO_ALIAS_NEW)
        return -EPERM;
    if (code && code != -ENOENT)
        return code;
    return (code == 0 || hidden ? may_update(c) : may_create(c, kind)) ? 0 : -EPERM;
}

static void save_as(fuse_req_t req, const struct scratch_attr *a, const struct move *v)
{
    struct mount *m = mount_of(req);
    char *text = NULL;
    size_t len = 0;
    int code = !S_ISREG(a->mode) ? -EPERM : may_save_as(m, v);
    if (code == 0)
        code = scratch_load(m->scratch, a->ino, max_document(m), &text, &len);
    if (code) {
        reply_code(req, code);
        return;
    }
    struct parked *p = park_new(m, req, ASK_SAVE, v->to_dir, renamed_save);
    if (!p || !park_names(p, v->to_name, NULL, NULL)) {
        explicit_bzero(text, len);
        free(text);
        return;
    }
    p->ask.text = text;
    p->ask.text_len = len;
    p->ino = a->ino;
    p->dir = v->dir;
    p->to_dir = v->to_dir;
    p->ask.timeout_ms = park_timeout(m, tree_tenant(m, v->to_dir)->conf->lock_wait);
    park(p, PARK_FIRM);
}

static void rename_scratch(fuse_req_t req, const struct scratch_attr *a, const struct move *v)
{
    struct mount *m = mount_of(req);
    enum name_kind kind = name_kind_in(m, v->to_dir, v->to_name);
    struct scratch_attr there;
    if (a->document)
        reply_code(req, -EBUSY);
    else if (kind == NAME_REFUSED)
        reply_code(req, -EINVAL);
    else if (name_is_record(kind))
        save_as(req, a, v);
    else if (scratch_find(m->scratch, v->to_dir, v->to_name, &there) == 0 && there.document)
        reply_code(req, -EBUSY);
    else
        reply_code(req, scratch_rename(m->scratch, v->dir, v->name, v->to_dir, v->to_name, v->replace));
}

/* ------------------------------------------------------------------ record → scratch: a backup */

static int backup_bytes(struct mount *m, const struct move *v, uint64_t record, uint64_t shown)
{
    struct scratch_make k = {
        .dir = v->to_dir, .name = v->to_name, .mode = m->options.file_mode, .uid = m->options.uid, .gid = m->options.gid};
    const void *data;
    size_t len;
    struct store_read *r = store_read_begin(m->store);
    int code = r ? store_body(r, record, &data, &len) : -EIO;
    if (code == 0)
        code = scratch_backup(m->scratch, shown, &k, data, len);
    if (r)
        store_read_end(r);
    return code;
}

/* p->result: why the backup failed. */
static void shown_again(struct parked *p, int result)
{
    (void)result;
    reply_code(p->req, p->result);
    park_free(p);
}

/* Without its backup the record may not stay hidden: it shows again, and then the answer goes. Takes over the request. */
static void take_aside_back(struct mount *m, fuse_req_t req, uint64_t record, int code)
{
    struct parked *p = park_new(m, req, ASK_RESTORE, record, shown_again);
    if (!p)
        return;
    p->result = code;
    p->ask.timeout_ms = park_timeout(m, tree_tenant(m, record)->conf->lock_wait);
    park(p, PARK_FIRM);
}

/* p->dir: where; p->name → p->to_name. The record is hidden now: what the kernel's inode was becomes the backup. */
static void set_aside(struct parked *p, int result)
{
    struct mount *m = p->m;
    struct move v = {.dir = p->dir, .to_dir = p->dir, .name = p->name, .to_name = p->to_name, .replace = true};
    uint64_t shown = numbers_shown(m->numbers, p->ino);
    int code = result ? result : numbers_carry(m->numbers, p->ino);
    if (code == 0)
        code = backup_bytes(m, &v, p->ino, shown);
    if (code && result == 0)
        take_aside_back(m, p->req, p->ino, code);
    else
        reply_code(p->req, code);
    park_free(p);
}

static void back_up(fuse_req_t req, uint64_t record, const struct move *v)
{
    struct mount *m = mount_of(req);
    enum name_kind kind = name_kind_in(m, v->to_dir, v->to_name);
    struct scratch_attr there;
    bool taken = scratch_find(m->scratch, v->to_dir, v->to_name, &there) == 0;
    int code = 0;
    if (kind == NAME_REFUSED)
        code = -EINVAL;
    else if (v->dir != v->to_dir || ino_kind(v->dir) != INO_DIR || !may_update(tree_collection(m, v->dir)))
        code = -EPERM;
    else if (taken && !v->replace)
        code = -EEXIST;
    else if ((taken && there.document) || draft_has_writer(m->drafts, record))
        code = -EBUSY;
    if (code) {
        reply_code(req, code);
        return;
    }
    struct parked *p = park_new(m, req, ASK_SET_ASIDE, record, set_aside);
    if (!p || !park_names(p, NULL, v->name, v->to_name))
        return;
    p->dir = v->dir;
    p->ask.timeout_ms = park_timeout(m, tree_tenant(m, v->dir)->conf->lock_wait);
    park(p, PARK_FIRM);
}

/* ------------------------------------------------------------------ record → the bin, and back */

static void moved(struct parked *p, int result)
{
    notifier_inode(p->m->inodes, p->dir);
    notifier_inode(p->m->inodes, p->to_dir);
    p->result = result;
    p->answer = save_answer;
    notifier_answer(p->m->inodes, p);
}

static void move_record(fuse_req_t req, uint64_t record, const struct move *v)
{
    struct mount *m = mount_of(req);
    const struct lms_collection *c = tree_collection(m, v->dir);
    bool into = ino_kind(v->to_dir) == INO_BIN;
    uint64_t ino, hidden;
    struct scratch_attr a;
    int code = 0;
    if (v->dir == v->to_dir || tree_home(v->dir) != tree_home(v->to_dir) || strcmp(v->name, v->to_name) != 0)
        code = -EPERM;
    else if (!(c->can & (into ? LMS_DEACTIVATE : LMS_REACTIVATE)))
        code = -EPERM;
    else if (named(m, v->to_dir, v->to_name, &ino, &hidden) == 0 ||
             scratch_find(m->scratch, v->to_dir, v->to_name, &a) == 0)
        code = -EEXIST;
    if (code) {
        reply_code(req, code);
        return;
    }
    struct parked *p = park_new(m, req, ASK_MOVE, record, moved);
    if (!p)
        return;
    p->ask.flag = into;
    p->dir = v->dir;
    p->to_dir = v->to_dir;
    p->ask.timeout_ms = park_timeout(m, tree_tenant(m, v->dir)->conf->lock_wait);
    park(p, PARK_FIRM);
}

static void rename_record(fuse_req_t req, const struct move *v)
{
    struct mount *m = mount_of(req);
    uint64_t ino, hidden;
    enum name_kind kind = name_kind_in(m, v->to_dir, v->to_name);
    int code = named(m, v->dir, v->name, &ino, &hidden);
    if (code)
        reply_code(req, code);
    else if (ino_is_alias(ino))
        reply_code(req, -EPERM);
    else if (name_is_record(kind))
        move_record(req, ino, v);
    else
        back_up(req, ino, v);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to_parent, const char *to_name,
               unsigned flags)
{
    struct mount *m = mount_of(req);
    struct move v = {parent, to_parent, name, to_name, !(flags & RENAME_NOREPLACE)};
    struct scratch_attr a;
    if (flags & ~(unsigned)RENAME_NOREPLACE)
        reply_code(req, -EINVAL);
    else if (rename_file(req, parent, name, to_parent, to_name, v.replace))
        return;
    else if (!tree_is_record_dir(parent) || !tree_is_record_dir(to_parent) || !tree_collection(m, parent) ||
             !tree_collection(m, to_parent))
        reply_code(req, -EPERM);
    else if (strlen(to_name) > 255)
        reply_code(req, -ENAMETOOLONG);
    else if (scratch_find(m->scratch, parent, name, &a) == 0)
        rename_scratch(req, &a, &v);
    else
        rename_record(req, &v);
}
