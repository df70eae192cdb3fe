/* ops_open.c — open and read. An open may wait (it holds no lock of the kernel's); a read finds everything there. */
#include "attr.h"
#include "ops.h"
#include "untold.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static bool writes(int flags)
{
    return (flags & O_ACCMODE) != O_RDONLY;
}

/* ------------------------------------------------------------------ answers */

static void opened(fuse_req_t req, uint64_t kernel_ino, const struct fuse_file_info *asked,
                   const struct store_record *known);

static void opened_told(struct parked *p)
{
    opened(p->req, p->ino, &p->fi, NULL);
    park_free(p);
}

/* Whoever opens what has just changed gets the new text, and its size: the kernel forgets the old one first. */
static bool opened_later(fuse_req_t req, uint64_t kernel_ino, const struct fuse_file_info *asked)
{
    struct mount *m = mount_of(req);
    if (!notifier_pending(m->inodes, kernel_ino))
        return false;
    struct parked *p = park_new(m, req, ASK_DETAIL, kernel_ino, NULL);
    if (!p)
        return true;
    p->fi = *asked;
    p->answer = opened_told;
    if (notifier_wait(m->inodes, kernel_ino, p))
        return true;
    park_free(p);
    return false;
}

/* known: the record as it was just read, or NULL. */
static uint64_t handle_of(struct mount *m, uint64_t kernel_ino, const struct store_record *known)
{
    struct store_record rec;
    if (ino_kind(kernel_ino) == INO_JOB)
        return poll_number(m);
    if (known)
        return TEXT_TOKEN(known->mtime_ns);
    struct store_read *r = store_read_begin(m->store);
    uint64_t token = r && store_get(r, resolve(m, kernel_ino).ino, &rec) == 0 ? TEXT_TOKEN(rec.mtime_ns) : 0;
    if (r)
        store_read_end(r);
    return token;
}

static void opened(fuse_req_t req, uint64_t kernel_ino, const struct fuse_file_info *asked,
                   const struct store_record *known)
{
    struct fuse_file_info fi = *asked;
    if (opened_later(req, kernel_ino, asked))
        return;
    fi.fh = handle_of(mount_of(req), kernel_ino, known);
    fi.keep_cache = 1;
    fi.noflush = 1;
    fuse_reply_open(req, &fi);
}

void open_document(fuse_req_t req, struct at at, uint64_t kernel_ino, const struct fuse_file_info *asked,
                   const struct fuse_entry_param *e)
{
    struct mount *m = mount_of(req);
    struct fuse_file_info fi = *asked;
    fi.keep_cache = !notifier_pending(m->inodes, kernel_ino);
    fi.fh = writes(fi.flags) ? FH_WRITER : 0;
    fi.noflush = !fi.fh;
    const struct fuse_ctx *who = fuse_req_ctx(req);
    int code = fi.fh ? draft_open(m->drafts, at.ino, at.what == AT_DOCUMENT, who->uid, who->pid) : 0;
    if (code == 0 && fi.fh && (fi.flags & O_TRUNC) && (code = draft_truncate(m->drafts, at.ino, NULL, 0, 0)))
        close_document(m, at, kernel_ino);
    if (code) {
        reply_code(req, code);
        return;
    }
    code = e ? fuse_reply_create(req, e, &fi) : fuse_reply_open(req, &fi);
    if (code == -ENOENT && fi.fh) /* interrupted: there will be no release */
        close_document(m, at, kernel_ino);
}

static void open_scratch(fuse_req_t req, uint64_t ino, const struct fuse_file_info *asked)
{
    struct mount *m = mount_of(req);
    struct fuse_file_info fi = *asked;
    bool write = writes(fi.flags);
    int code = scratch_open(m->scratch, ino, write, fi.flags & O_TRUNC);
    if (code) {
        reply_code(req, code);
        return;
    }
    fi.fh = FH_SCRATCH | (write ? FH_WRITER : 0);
    fi.keep_cache = 1;
    if (fuse_reply_open(req, &fi) == -ENOENT)
        scratch_close(m->scratch, ino, write);
}

/* ------------------------------------------------------------------ jobs */

static void job_over(struct parked *p)
{
    if (p->result == 0)
        opened(p->req, p->ino, &p->fi, NULL);
    else
        reply_code(p->req, p->result);
    park_free(p);
}

/* The kernel may have the job's bytes as they were: what is invalid goes first. */
static void job_asked(struct parked *p, int result)
{
    p->result = result;
    p->answer = job_over;
    notifier_inode(p->m->inodes, p->ino);
    notifier_answer(p->m->inodes, p);
}

static void open_job(fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    struct store_record rec;
    struct sight s = {0};
    struct store_read *r = store_read_begin(m->store);
    int code = r ? sight_of(r, ino, &rec, &s) : -EIO;
    if (r)
        store_read_end(r);
    if (code == 0 && writes(fi->flags))
        code = -EPERM;
    if (code) {
        reply_code(req, code);
        return;
    }
    if (!s.pending || (fi->flags & O_NONBLOCK)) {
        opened(req, ino, fi, NULL);
        return;
    }
    struct parked *p = park_new(m, req, ASK_JOB, ino, job_asked);
    if (!p)
        return;
    p->fi = *fi;
    p->ask.timeout_ms = park_timeout(m, tree_tenant(m, ino)->conf->job_timeout);
    park(p, PARK_INTERRUPTIBLE);
}

/* ------------------------------------------------------------------ records */

enum need {
    NEED_NOTHING, /* what is known will do */
    NEED_FETCH,   /* newer or more would be better */
    NEED_DETAIL,  /* and it must have its detail */
};

/* What reading this record asks for. */
static enum need need_to_read(const struct conf_tenant *conf, const struct lms_collection *c,
                              const struct store_record *rec, const struct sight *s)
{
    int64_t at = rec->detail_at > rec->row_at ? rec->detail_at : rec->row_at;
    bool young = now_s() - at < conf->record_ttl;
    if (s->pending || (rec->flags & STORE_PROVISIONAL) || c->kind == LMS_WRITE_ONLY)
        return NEED_NOTHING;
    if (c->kind == LMS_SINGLETON || (c->kind == LMS_KNOWN && !(c->can & LMS_DETAIL)))
        return young || !(c->kind == LMS_SINGLETON || (c->can & LMS_GET)) ? NEED_NOTHING : NEED_FETCH;
    if (!(c->can & LMS_DETAIL) || conf->detail == DETAIL_NEVER)
        return NEED_NOTHING;
    if (s->complete && now_s() - rec->detail_at < conf->record_ttl)
        return NEED_NOTHING;
    return conf->detail == DETAIL_REQUIRE && !s->complete ? NEED_DETAIL : NEED_FETCH;
}

static void detail_answer(struct parked *p)
{
    if (p->result == 0)
        opened(p->req, p->dir, &p->fi, NULL);
    else
        reply_code(p->req, p->result);
    park_free(p);
}

/* p->seq: an enum need. A reader gets what is known where the detail can't be had. */
static void detail_came(struct parked *p, int result)
{
    if (result && result != -EINTR)
        result = p->seq == NEED_DETAIL ? -EAGAIN : 0;
    p->result = result;
    p->answer = detail_answer;
    notifier_answer(p->m->inodes, p);
}

static void park_detail(fuse_req_t req, uint64_t record, uint64_t kernel_ino, const struct fuse_file_info *fi,
                        enum need need, void (*then)(struct parked *, int))
{
    struct mount *m = mount_of(req);
    struct parked *p = park_new(m, req, ASK_DETAIL, record, then);
    if (!p)
        return;
    p->fi = *fi;
    p->seq = need;
    p->dir = kernel_ino;
    p->ask.timeout_ms = park_timeout(m, tree_tenant(m, record)->conf->op_timeout);
    park(p, PARK_INTERRUPTIBLE);
}

static void open_to_read(fuse_req_t req, uint64_t ino, uint64_t kernel_ino, const struct fuse_file_info *fi,
                         enum need need, const struct store_record *rec)
{
    struct mount *m = mount_of(req);
    const struct lms_collection *c = tree_collection(m, ino);
    bool may = need != NEED_NOTHING && !(fi->flags & O_NONBLOCK) &&
               (c->kind == LMS_SINGLETON || engine_may_fetch_for_reader(m->engine, ino_tenant(ino)));
    if (may)
        park_detail(req, ino, kernel_ino, fi, need, detail_came);
    else if (need == NEED_DETAIL)
        reply_code(req, -EAGAIN);
    else
        opened(req, kernel_ino, fi, rec);
}

static void detail_answer_writer(struct parked *p)
{
    if (p->result == 0)
        open_document(p->req, (struct at){AT_NODE, p->ino}, p->dir, &p->fi, NULL);
    else
        reply_code(p->req, p->result);
    park_free(p);
}

static void detail_came_to_write(struct parked *p, int result)
{
    p->result = result;
    p->answer = detail_answer_writer;
    notifier_answer(p->m->inodes, p);
}

static void open_to_write(fuse_req_t req, uint64_t ino, uint64_t kernel_ino, const struct fuse_file_info *fi,
                          const struct store_record *rec, const struct sight *s)
{
    const struct lms_collection *c = tree_collection(mount_of(req), ino);
    if (!may_update(c) || s->leaving) /* in the bin nobody is changed */
        reply_code(req, -EPERM);
    else if (s->complete || s->pending || !(c->can & LMS_DETAIL) || (rec->flags & STORE_PROVISIONAL) ||
             (fi->flags & O_NONBLOCK)) /* tar --overwrite asks so, and a save has the detail fetched anyway */
        open_document(req, (struct at){AT_NODE, ino}, kernel_ino, fi, NULL);
    else
        park_detail(req, ino, kernel_ino, fi, NEED_DETAIL, detail_came_to_write);
}

/* Processes come from the kernel as threads: a program of one thread is known again. Numbers of processes come again too: what is older than
 * two minutes is forgotten. */
static uint64_t reader_key(fuse_req_t req, uint64_t record)
{
    return record ^ (uint64_t)fuse_req_ctx(req)->pid << 40;
}

static uint64_t reader_at(uint64_t key, int64_t minute)
{
    return key ^ (uint64_t)minute * 0x9e3779b97f4a7c15u;
}

static _Atomic uint64_t *reader_place(struct mount *m, uint64_t key)
{
    return &m->readers[place_of(key, READERS_KEPT)];
}

bool reader_is(fuse_req_t req, uint64_t record)
{
    uint64_t key = reader_key(req, record),
             found = atomic_load_explicit(reader_place(mount_of(req), key), memory_order_relaxed);
    int64_t minute = monotonic_ms() / 60000;
    return found == reader_at(key, minute) || found == reader_at(key, minute - 1);
}

static void reader_note(fuse_req_t req, uint64_t record)
{
    uint64_t key = reader_key(req, record);
    atomic_store_explicit(reader_place(mount_of(req), key), reader_at(key, monotonic_ms() / 60000), memory_order_relaxed);
}

static void open_record(fuse_req_t req, uint64_t ino, uint64_t kernel_ino, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    const struct lms_collection *c = tree_collection(m, ino);
    struct store_record rec;
    struct sight s = {0};
    enum need need = NEED_NOTHING;
    struct store_read *r = store_read_begin(m->store);
    int code = !c ? -ENOENT : r ? sight_of(r, ino, &rec, &s) : -EIO;
    if (code == 0)
        need = need_to_read(tree_tenant(m, ino)->conf, c, &rec, &s);
    if (r)
        store_read_end(r);
    if (code)
        reply_code(req, code);
    else if (writes(fi->flags))
        open_to_write(req, ino, kernel_ino, fi, &rec, &s);
    else {
        reader_note(req, ino);
        open_to_read(req, ino, kernel_ino, fi, need, &rec);
    }
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct at at = resolve(mount_of(req), ino);
    if (mount_of(req)->options.read_only) /* nothing may wait there, so the kernel needn't ask: it never does again */
        reply_code(req, -ENOSYS);
    else if (at.what == AT_SCRATCH)
        open_scratch(req, at.ino, fi);
    else if (at.what == AT_DOCUMENT)
        open_document(req, at, ino, fi, NULL);
    else if (tree_control(at.ino) > CONTROL_CASE)
        open_control(req, at.ino, fi);
    else if (ino_kind(at.ino) == INO_FILE)
        open_file(req, at.ino, fi);
    else if (ino_kind(at.ino) == INO_JOB)
        open_job(req, at.ino, fi);
    else if (ino_kind(at.ino) == INO_RECORD)
        open_record(req, at.ino, ino, fi);
    else
        reply_code(req, -ENOENT);
}

/* ------------------------------------------------------------------ read */

/* What open refuses elsewhere. */
static bool lacks_required_detail(struct mount *m, struct store_read *r, uint64_t ino)
{
    const struct lms_collection *c = tree_collection(m, ino);
    struct store_record rec;
    struct sight s;
    return c && sight_of(r, ino, &rec, &s) == 0 && need_to_read(tree_tenant(m, ino)->conf, c, &rec, &s) == NEED_DETAIL;
}

static void reply_part(fuse_req_t req, const char *text, size_t len, size_t size, off_t off)
{
    size_t left = off >= 0 && (uint64_t)off < len ? len - (size_t)off : 0;
    fuse_reply_buf(req, left ? text + off : NULL, size < left ? size : left);
}

/* Until the kernel knows that a text has changed it goes by the old size, which must not cut the new text. */
static bool read_untold(fuse_req_t req, uint64_t kernel_ino, size_t size, off_t off, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    uint64_t opened =
        fi && ino_kind(kernel_ino) != INO_JOB ? fi->fh : 0; /* of a job that is over nobody reads how it was */
    char *text;
    size_t len;
    if (!notifier_text(m->inodes, kernel_ino, m->options.read_only ? NULL : &opened, &text, &len))
        return false;
    if (text)
        reply_part(req, text, len, size, off);
    else
        reply_code(req, -ENOMEM);
    free(text);
    return true;
}

static void read_stored(fuse_req_t req, uint64_t ino, size_t size, off_t off)
{
    struct mount *m = mount_of(req);
    struct store_read *r = store_read_begin(m->store);
    const void *data = NULL;
    size_t len = 0;
    int code = r ? store_body(r, ino, &data, &len) : -EIO;
    if (code == 0 && m->options.read_only && lacks_required_detail(m, r, ino))
        code = -EAGAIN;
    if (code)
        reply_code(req, code);
    else
        reply_part(req, data, len, size, off);
    if (r)
        store_read_end(r);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    struct at at = resolve(m, ino);
    if (at.what == AT_NODE && tree_control(at.ino) > CONTROL_CASE) {
        read_control(req, at.ino, size, off, fi);
        return;
    }
    if (ino_kind(at.ino) == INO_FILE) {
        read_file(req, at.ino, size, off, fi);
        return;
    }
    off_t drafted;
    int64_t mtime_ns;
    if (at.what == AT_NODE && draft_stat(m->drafts, at.ino, &drafted, &mtime_ns)) {
        if ((fi && (fi->fh & FH_WRITER)) || !read_untold(req, ino, size, off, fi))
            read_stored(req, at.ino, size, off);
        return;
    }
    char *buf = malloc(size ? size : 1);
    if (!buf) {
        reply_code(req, -ENOMEM);
        return;
    }
    ssize_t n = at.what == AT_SCRATCH ? scratch_read(m->scratch, at.ino, buf, size, off)
                                      : draft_read(m->drafts, at.ino, buf, size, off);
    if (n >= 0)
        fuse_reply_buf(req, buf, (size_t)n);
    else if (at.what == AT_NODE && n == -ENOENT)
        read_stored(req, at.ino, size, off); /* settled just now */
    else if (at.what == AT_DOCUMENT)
        fuse_reply_buf(req, NULL, 0);
    else
        reply_code(req, (int)n);
    explicit_bzero(buf, n > 0 ? (size_t)n : 0);
    free(buf);
}
