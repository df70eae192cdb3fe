/* ops_write.c — writing, and the verdict: a draft is settled by flush, fsync or its last release, and who waits hears what the LMS said. */
#include "attr.h"
#include "lmsfs/doc.h"
#include "ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DOCUMENT (1024 * 1024)

size_t max_document(const struct mount *m)
{
    return m->options.max_document ? m->options.max_document : MAX_DOCUMENT;
}

static int check(const struct mount *m, const char *text, size_t len, bool *blank)
{
    json_t *doc = NULL;
    struct err e = {0};
    int code = doc_parse(text, len, max_document(m), &doc, &e);
    json_decref(doc);
    *blank = code == -ENODATA;
    return code == 0 || code == -EFBIG || code == -ENOMEM ? code : -EINVAL;
}

int check_document(const struct mount *m, const char *text, size_t len)
{
    bool blank;
    return check(m, text, len, &blank);
}

/* ------------------------------------------------------------------ changes */

enum change { CHANGE_WRITE, CHANGE_TRUNCATE };

static int change_once(struct mount *m, struct at at, enum change what, const void *data, size_t len, off_t off)
{
    const void *base = NULL;
    size_t base_len = 0;
    struct store_read *r = at.what == AT_NODE ? store_read_begin(m->store) : NULL;
    int code = at.what != AT_NODE ? 0 : r ? store_body(r, at.ino, &base, &base_len) : -EIO;
    if (code == 0 && what == CHANGE_WRITE)
        code = draft_write(m->drafts, at.ino, base, base_len, data, len, off);
    else if (code == 0)
        code = draft_truncate(m->drafts, at.ino, base, base_len, off);
    if (r)
        store_read_end(r);
    return code;
}

/* The number may come to mean the record just now: then once more. */
static int change(struct mount *m, uint64_t kernel_ino, enum change what, const void *data, size_t len, off_t off)
{
    int code = change_once(m, resolve(m, kernel_ino), what, data, len, off);
    if (code == -ESTALE)
        code = change_once(m, resolve(m, kernel_ino), what, data, len, off);
    return code == -ESTALE ? -EBADF : code;
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    struct at at = resolve(m, ino);
    (void)fi;
    if (at.what == AT_SCRATCH) {
        ssize_t n = scratch_write(m->scratch, at.ino, buf, size, off);
        if (n < 0)
            reply_code(req, (int)n);
        else
            fuse_reply_write(req, (size_t)n);
        return;
    }
    if (ino_kind(at.ino) == INO_FILE) {
        write_file(req, at.ino, buf, size, off);
        return;
    }
    int code = change(m, ino, CHANGE_WRITE, buf, size, off);
    if (code)
        reply_code(req, code);
    else
        fuse_reply_write(req, size);
}

/* ------------------------------------------------------------------ setattr */

static int resize_document(struct mount *m, struct at at, uint64_t kernel_ino, off_t size)
{
    struct stat st;
    double timeout;
    if (at.what == AT_NODE && ino_kind(at.ino) == INO_FILE)
        return resize_file(m, at.ino, size);
    if (at.what == AT_NODE && ino_kind(at.ino) != INO_RECORD)
        return -EPERM;
    if (draft_has_writer(m->drafts, at.ino))
        return change(m, kernel_ino, CHANGE_TRUNCATE, NULL, 0, size);
    /* truncate(2) by path: there would be nobody to hear a verdict */
    struct store_read *r = store_read_begin(m->store);
    int code = r ? attr_at(m, r, at, &st, &timeout) : -EIO;
    if (r)
        store_read_end(r);
    return code ? code : st.st_size == size ? 0 : -EINVAL;
}

static int set_scratch(struct mount *m, uint64_t ino, const struct stat *attr, int to_set)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct scratch_set set = {
        .mode = to_set & FUSE_SET_ATTR_MODE ? &attr->st_mode : NULL,
        .uid = to_set & FUSE_SET_ATTR_UID ? &attr->st_uid : NULL,
        .gid = to_set & FUSE_SET_ATTR_GID ? &attr->st_gid : NULL,
        .atime = to_set & FUSE_SET_ATTR_ATIME_NOW ? &now
                 : to_set & FUSE_SET_ATTR_ATIME   ? &attr->st_atim
                                                  : NULL,
        .mtime = to_set & FUSE_SET_ATTR_MTIME_NOW ? &now
                 : to_set & FUSE_SET_ATTR_MTIME   ? &attr->st_mtim
                                                  : NULL,
    };
    return scratch_setattr(m->scratch, ino, &set);
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    struct at at = resolve(m, ino);
    int code = 0;
    if (to_set & FUSE_SET_ATTR_SIZE)
        code = at.what == AT_SCRATCH ? scratch_truncate(m->scratch, at.ino, attr->st_size)
                                     : resize_document(m, at, ino, attr->st_size);
    if (code == 0 && at.what != AT_NODE)
        code = set_scratch(m, at.ino, attr, to_set);
    /* owner, modes and times of everything else come from the mount and the LMS: accepted, so that tools go on, and left as they are */
    if (code)
        reply_code(req, code);
    else
        op_getattr(req, ino, fi);
}

/* ------------------------------------------------------------------ settling */

static void settle(struct parked *p);

/* What the kernel has of it may be as it was written: that goes first. */
static void verdict_answer(struct parked *p)
{
    if (p->req)
        reply_code(p->req, p->result);
    park_free(p);
}

static void answer_verdict(struct parked *p, int result)
{
    p->result = result;
    p->answer = verdict_answer;
    notifier_answer(p->m->inodes, p);
}

/* A document that isn't one: its name goes when nobody writes it any more. */
static void drop_document(struct mount *m, uint64_t ino)
{
    struct scratch_attr a;
    if (ino_kind(ino) != INO_SCRATCH || draft_has_writer(m->drafts, ino))
        return;
    if (scratch_get(m->scratch, ino, &a) || !a.document || a.record || !a.name[0])
        return;
    scratch_unlink(m->scratch, a.dir, a.name);
    notifier_inode(m->inodes, a.dir);
    notifier_entry(m->entries, a.dir, a.name);
}

static struct parked *of_settle(struct settle *w)
{
    return (struct parked *)((char *)w - offsetof(struct parked, settle));
}

static void finish(struct parked *p, enum draft_end end, int result)
{
    struct mount *m = p->m;
    uint64_t became = 0;
    unsigned writers;
    if (end == DRAFT_SETTLED && ino_kind(p->ino) == INO_SCRATCH && p->ask.answer_ino) {
        became = p->ask.answer_ino;
        scratch_become(m->scratch, p->ino, became, &writers);
        notifier_inode(m->inodes, numbers_shown(m->numbers, became));
        notifier_entry(m->entries, p->to_dir, p->name);
        notifier_inode(m->inodes, p->to_dir);
    }
    struct settle *same, *newer;
    draft_verdict(m->drafts, p->ino, p->seq, end, result, became, &same, &newer);
    if (!became)
        drop_document(m, p->ino);
    notifier_inode(m->inodes, p->dir);
    while (same) {
        struct parked *w = of_settle(same);
        same = same->next;
        answer_verdict(w, result);
    }
    while (newer) {
        struct parked *w = of_settle(newer);
        newer = newer->next;
        if (became)
            w->ino = became;
        settle(w);
    }
    answer_verdict(p, result);
}

static void saved(struct parked *p, int result)
{
    finish(p, result == 0 ? DRAFT_SETTLED : p->unasked ? DRAFT_KEPT : DRAFT_REFUSED, result);
}

/* Where a document is saved: home and canonical name; p->to_dir, p->name: where it stands. */
static int address(struct parked *p)
{
    struct mount *m = p->m;
    struct scratch_attr a;
    struct store_record rec;
    if (ino_kind(p->ino) == INO_SCRATCH) {
        int code = scratch_get(m->scratch, p->ino, &a);
        if (code || !a.name[0])
            return -ENOENT;
        p->to_dir = a.dir;
        p->ask.ino = tree_home(a.dir);
        p->ask.name = strdup(a.name);
        p->name = strdup(a.name);
        return p->ask.name && p->name ? 0 : -ENOMEM;
    }
    struct store_read *r = store_read_begin(m->store);
    int code = r ? store_get(r, p->ino, &rec) : -EIO;
    if (code == 0) {
        p->ask.ino = rec.home;
        p->ask.name = strdup(rec.name);
        code = p->ask.name ? 0 : -ENOMEM;
    }
    if (r)
        store_read_end(r);
    return code;
}

static void reason_kept(struct parked *p, int result)
{
    (void)result;
    park_free(p);
}

/* Left behind as something that is no document. Whoever did finds the reason with `lmsfs why`: the engine refuses it and sends nothing. The
 * draft itself doesn't wait for that. Takes over the text. */
static void leave_reason(struct parked *draft, char *text, size_t len)
{
    struct parked *p = park_new(draft->m, NULL, ASK_SAVE, draft->ino, reason_kept);
    if (!p) {
        explicit_bzero(text, len);
        free(text);
        return;
    }
    p->ask.text = text;
    p->ask.text_len = len;
    p->ask.caller = draft->ask.caller;
    if (address(p))
        park_free(p);
    else
        park(p, PARK_FIRM);
}

/* Takes over the text. While somebody has it open, what isn't a document may become one. */
static void ask_save(struct parked *p, const struct draft_text *t)
{
    bool blank;
    int code = check(p->m, t->text, t->len, &blank);
    p->seq = t->seq;
    p->ask.caller = (struct caller){.uid = t->uid, .pid = t->pid};
    if (code == -EINVAL && !p->req && !blank) {
        leave_reason(p, t->text, t->len);
    } else {
        p->ask.text = t->text;
        p->ask.text_len = t->len;
    }
    if (code) {
        finish(p, DRAFT_KEPT, code);
        return;
    }
    code = address(p);
    if (code) {
        finish(p, DRAFT_REFUSED, code);
        return;
    }
    p->ask.timeout_ms = park_timeout(p->m, 0);
    park(p, PARK_FIRM);
}

static void settle(struct parked *p)
{
    struct draft_text t;
    int r = draft_settle(p->m->drafts, p->ino, &p->settle, &t);
    if (r == DRAFT_ASK)
        ask_save(p, &t);
    else if (r != DRAFT_WAIT)
        answer_verdict(p, r);
}

static void settle_request(fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    struct at at = resolve(m, ino);
    if (m->options.read_only) {
        reply_code(req, -ENOSYS); /* the kernel never asks again */
        return;
    }
    if (at.what == AT_NODE && ino_kind(at.ino) == INO_FILE) {
        flush_file(req, at.ino, fi);
        return;
    }
    if (at.what == AT_SCRATCH || !(fi->fh & FH_WRITER) || draft_is_clean(m->drafts, at.ino)) {
        reply_code(req, 0);
        return;
    }
    struct parked *p = park_new(m, req, ASK_SAVE, at.ino, saved);
    if (!p)
        return;
    p->dir = ino;
    settle(p);
}

void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    settle_request(req, ino, fi);
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
    (void)datasync;
    settle_request(req, ino, fi);
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
    (void)ino;
    (void)datasync;
    (void)fi;
    reply_code(req, 0);
}

/* ------------------------------------------------------------------ the last handle */

void close_document(struct mount *m, struct at at, uint64_t kernel_ino)
{
    struct draft_text t;
    if (draft_close(m->drafts, at.ino, &t) != DRAFT_ASK) {
        drop_document(m, at.ino);
        return;
    }
    struct parked *p = park_new(m, NULL, ASK_SAVE, at.ino, saved);
    if (!p) {
        struct settle *same, *newer;
        explicit_bzero(t.text, t.len);
        free(t.text);
        draft_verdict(m->drafts, at.ino, t.seq, DRAFT_KEPT, -ENOMEM, 0, &same, &newer);
        return;
    }
    p->dir = kernel_ino;
    ask_save(p, &t);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    struct at at = resolve(m, ino);
    if (at.what == AT_NODE && tree_control(at.ino) > CONTROL_CASE) {
        release_control(req, fi);
        return;
    }
    if (ino_kind(ino) == INO_FILE) {
        release_file(m, ino, fi);
        reply_code(req, 0);
        return;
    }
    if (ino_kind(ino) == INO_JOB) {
        poll_closed(m, fi->fh);
        reply_code(req, 0);
        return;
    }
    if (fi->fh & FH_SCRATCH)
        scratch_close(m->scratch, ino, fi->fh & FH_WRITER);
    if ((fi->fh & FH_WRITER) && at.what != AT_SCRATCH)
        close_document(m, at, ino);
    reply_code(req, 0);
}
