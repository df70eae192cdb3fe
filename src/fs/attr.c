/* attr.c — what stat says. */
#include "attr.h"
#include "files.h"
#include "ops.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t now_s(void)
{
    return time(NULL);
}

int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static struct timespec time_of(int64_t ns)
{
    int64_t s = ns / 1000000000, rest = ns % 1000000000;
    if (rest < 0) {
        s--;
        rest += 1000000000;
    }
    return (struct timespec){.tv_sec = s, .tv_nsec = rest};
}

static void fill(const struct mount *m, struct stat *st, uint64_t ino, mode_t mode, int64_t mtime_ns, off_t size)
{
    *st = (struct stat){
        .st_ino = ino,
        .st_mode = mode,
        .st_nlink = S_ISDIR(mode) ? 2 : 1,
        .st_uid = m->options.uid,
        .st_gid = m->options.gid,
        .st_size = size,
        .st_blksize = 4096,
        .st_blocks = (size + 511) / 512,
    };
    st->st_mtim = st->st_ctim = st->st_atim = time_of(mtime_ns);
}

/* ------------------------------------------------------------------ the store's */

int sight_of(struct store_read *r, uint64_t record, struct store_record *rec, struct sight *s)
{
    int code = store_get(r, record, rec);
    if (code)
        return code;
    *s = (struct sight){.active = rec->flags & STORE_ACTIVE, .complete = rec->flags & STORE_COMPLETE};
    struct store_mark mark;
    if (store_any_mark(r) && store_mark(r, record, &mark) == 0) {
        s->hidden = mark.hidden;
        s->leaving = mark.leaving;
        s->pending = mark.state == STORE_PENDING;
    }
    return 0;
}

int alias_target(struct mount *m, struct store_read *r, uint64_t alias, char *buf, size_t size)
{
    const struct lms_collection *c = tree_collection(m, alias);
    bool of_parent = c && lms_has_parents(c) && ino_kind(alias) != INO_ALIAS_NEW;
    struct store_record rec;
    int code = -ENOENT;
    if (of_parent && store_get(r, tree_record_of_parent(m, alias), &rec) == 0) {
        size_t len = strlen(rec.name);
        len = len > 5 ? len - 5 : len;
        snprintf(buf, size, "%.*s", (int)len, rec.name);
        return 0;
    }
    code = store_get(r, ino_as(alias, INO_RECORD), &rec);
    if (code == 0)
        snprintf(buf, size, "%s", rec.name);
    return code;
}

static int attr_record(struct mount *m, struct store_read *r, uint64_t ino, struct stat *st, double *timeout)
{
    struct store_record rec;
    int code = store_get(r, ino, &rec);
    if (code)
        return code;
    fill(m, st, numbers_shown(m->numbers, ino), S_IFREG | m->options.file_mode, rec.mtime_ns, (off_t)rec.size);
    notifier_attr(m->inodes, st->st_ino, rec.size, rec.mtime_ns);
    if (rec.detail_at > st->st_ctim.tv_sec) /* its bytes changed then, though the record didn't: for tar and git */
        st->st_ctim = (struct timespec){.tv_sec = rec.detail_at};
    off_t size;
    int64_t mtime_ns;
    if (draft_stat(m->drafts, ino, &size, &mtime_ns) == 0) {
        fill(m, st, st->st_ino, st->st_mode, mtime_ns, size);
        *timeout = 0;
    }
    return 0;
}

static int attr_alias(struct mount *m, struct store_read *r, uint64_t ino, struct stat *st)
{
    char target[256];
    int code = alias_target(m, r, ino, target, sizeof target);
    if (code == 0)
        fill(m, st, ino, S_IFLNK | 0777, m->began_ns, (off_t)strlen(target));
    return code;
}

int job_newest(struct store_read *r, uint64_t last, char *buf, size_t size)
{
    uint64_t jobs = ino_make(INO_JOBS, ino_tenant(last), 0, 0), after = 0, ino;
    const char *name;
    int code = -ENOENT;
    while (store_dir_next(r, jobs, after, &ino, &name) == 0) {
        snprintf(buf, size, "%s", name);
        after = ino_rec(ino);
        code = 0;
    }
    return code;
}

static int attr_job_last(struct mount *m, struct store_read *r, uint64_t ino, struct stat *st, double *timeout)
{
    char name[256];
    int code = job_newest(r, ino, name, sizeof name);
    if (code == 0)
        fill(m, st, ino, S_IFLNK | 0777, m->began_ns, (off_t)strlen(name));
    *timeout = 0;
    return code;
}

/* Of a record that a search found: where it stands now. */
static int attr_found(struct mount *m, struct store_read *r, uint64_t ino, struct stat *st, double *timeout)
{
    char target[4096];
    int code = search_target(m, r, ino, target, sizeof target);
    if (code == 0)
        fill(m, st, ino, S_IFLNK | 0777, m->began_ns, (off_t)strlen(target));
    *timeout = 0;
    return code;
}

static int attr_file(struct mount *m, struct store_read *r, uint64_t ino, struct stat *st, double *timeout)
{
    off_t size = file_size(m, r, ino);
    mode_t mode = ino_part(ino) == FILE_PASSWORD ? m->options.file_mode & 0400 : m->options.file_mode;
    *timeout = 0; /* who has it open still asks, when it was read and its name is gone */
    fill(m, st, ino, S_IFREG | mode, m->began_ns, size);
    return 0;
}

/* The newest of what makes a directory's entries, so that a cached listing is never taken for a newer one. */
static int64_t dir_mtime(struct mount *m, struct store_read *r, uint64_t ino)
{
    int64_t ns = m->began_ns;
    struct store_listing l;
    uint64_t listed = ino_kind(ino) == INO_PARENTS ? tree_home_of_parents(m, ino) : ino;
    if (ino_kind(ino) == INO_FIXED || ino_kind(ino) == INO_TENANT || ino_kind(ino) == INO_SEARCH ||
        ino_kind(ino) == INO_FILE)
        return ns;
    if (store_listing(r, listed, &l) == 0 && l.changed_ns)
        ns = l.changed_ns;
    int64_t scratch = tree_is_record_dir(ino) ? scratch_changed_ns(m->scratch, ino) : 0;
    return scratch > ns ? scratch : ns;
}

int attr_node(struct mount *m, struct store_read *r, uint64_t ino, struct stat *st, double *timeout)
{
    *timeout = CONSTANT;
    switch (ino_kind(ino)) {
    case INO_RECORD:
    case INO_JOB:
        return attr_record(m, r, ino, st, timeout);
    case INO_ALIAS_ID:
    case INO_ALIAS_EMAIL:
    case INO_ALIAS_NEW:
        return attr_alias(m, r, ino, st);
    case INO_JOB_LAST:
        return attr_job_last(m, r, ino, st, timeout);
    case INO_FILE:
        if (file_is_dir(ino))
            break;
        return attr_file(m, r, ino, st, timeout);
    case INO_SEARCH:
        if (!search_is_dir(ino))
            return attr_found(m, r, ino, st, timeout);
        break;
    default:
        break;
    }
    if (!tree_exists(m, ino))
        return -ENOENT;
    if (tree_is_dir(ino)) {
        fill(m, st, ino, S_IFDIR | m->options.dir_mode, dir_mtime(m, r, ino), 0);
    } else {
        bool still = tree_control(ino) >= CONTROL_DOCUMENT;
        fill(m, st, ino, S_IFREG | 0400, still ? m->began_ns : now_ns(),
             still || m->options.read_only ? control_size(m, ino) : 0);
        *timeout = 0;
    }
    return 0;
}

/* ------------------------------------------------------------------ scratch and all */

void attr_scratch(struct mount *m, const struct scratch_attr *a, struct stat *st)
{
    off_t size = a->size;
    int64_t mtime_ns;
    bool drafted = a->document && draft_stat(m->drafts, a->ino, &size, &mtime_ns) == 0;
    *st = (struct stat){
        .st_ino = a->ino,
        .st_mode = a->mode,
        .st_nlink = a->nlink,
        .st_uid = a->uid,
        .st_gid = a->gid,
        .st_size = size,
        .st_blksize = 4096,
        .st_blocks = (size + 511) / 512,
        .st_atim = a->atime,
        .st_mtim = drafted ? time_of(mtime_ns) : a->mtime,
        .st_ctim = a->ctime,
    };
}

int attr_at(struct mount *m, struct store_read *r, struct at at, struct stat *st, double *timeout)
{
    if (at.what == AT_NODE)
        return attr_node(m, r, at.ino, st, timeout);
    struct scratch_attr a;
    int code = scratch_get(m->scratch, at.ino, &a);
    if (code == 0)
        attr_scratch(m, &a, st);
    *timeout = 0;
    return code;
}

int entry_node(struct mount *m, struct store_read *r, uint64_t ino, struct fuse_entry_param *e)
{
    *e = (struct fuse_entry_param){.entry_timeout = CONSTANT};
    int code = attr_node(m, r, ino, &e->attr, &e->attr_timeout);
    e->ino = e->attr.st_ino;
    enum control control = tree_control(ino);
    if (ino_kind(ino) == INO_FILE || search_is_text(ino) || (ino_kind(ino) == INO_SEARCH && !search_is_dir(ino)))
        e->entry_timeout = 0;
    if (ino_kind(ino) == INO_JOB_LAST || ino_kind(ino) == INO_ALIAS_NEW || control >= CONTROL_CASE)
        e->entry_timeout = 0;
    return code;
}

void entry_scratch(struct mount *m, const struct scratch_attr *a, struct fuse_entry_param *e)
{
    *e = (struct fuse_entry_param){.ino = a->ino};
    attr_scratch(m, a, &e->attr);
}

void reply_scratch_entry(struct mount *m, fuse_req_t req, const struct scratch_attr *a)
{
    struct fuse_entry_param e;
    uint64_t ino = a->ino;
    entry_scratch(m, a, &e);
    scratch_looked_up(m->scratch, ino);
    if (fuse_reply_entry(req, &e))
        scratch_forget(m->scratch, ino, 1);
}

struct at resolve(struct mount *m, uint64_t ino)
{
    enum ino_kind k = ino_kind(ino);
    struct scratch_attr a;
    bool may_be_scratch = k == INO_SCRATCH || ((k == INO_RECORD || k == INO_SHADOW) && scratch_has_carried(m->scratch));
    if (may_be_scratch && scratch_get(m->scratch, ino, &a) == 0) {
        if (a.record)
            return (struct at){AT_NODE, a.record};
        return (struct at){a.document ? AT_DOCUMENT : AT_SCRATCH, ino};
    }
    if (k == INO_SCRATCH)
        return (struct at){AT_SCRATCH, ino}; /* gone: -ENOENT comes from the table */
    return (struct at){AT_NODE, k == INO_SHADOW ? numbers_record(m->numbers, ino) : ino};
}
