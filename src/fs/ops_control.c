/* ops_control.c — .lmsfs: what the daemon says about itself, made when it is looked at.
 *
 *     status.json pending.json             the engine's answers
 *     metrics                              the engine's counts and this mount's
 *     audit.jsonl                          the cache folder's, as long as it was when it was opened
 *     rejected/<n>/document.json           what was to be saved, masked
 *     rejected/<n>/reason.json             … and why it wasn't
 *
 * A size can't be known before, so they are read with direct_io, of what their open got. What was refused doesn't change any more: there the
 * lookup asks too, and tells the exact size, for rsync, tar and git. A read-only mount has no opens (ops_open.c): there a lookup makes
 * every text, and reads go through the page cache.
 */
#include "attr.h"
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ASK_TIMEOUT_S 10

struct said { /* one file's text, of one open or, on a read-only mount, of the last lookup */
    uint64_t ino;
    char *text; /* NULL: it is in fd */
    size_t len;
    int fd;
    atomic_uint held; /* by its handle, and by each read: the reader may close as soon as it has its answer */
};

static void said_free(struct said *s)
{
    if (!s || atomic_fetch_sub(&s->held, 1) > 1)
        return;
    if (s->fd >= 0)
        close(s->fd);
    free(s->text);
    free(s);
}

static struct said *said_new(uint64_t ino)
{
    struct said *s = calloc(1, sizeof *s);
    if (s)
        *s = (struct said){.ino = ino, .fd = -1, .held = 1};
    return s;
}

/* ------------------------------------------------------------------ what is asked for */

static int command_for(uint64_t ino, char *out, size_t size)
{
    if (ino == INO_STATUS)
        return snprintf(out, size, "{\"cmd\":\"status\"}");
    if (ino == INO_PENDING)
        return snprintf(out, size, "{\"cmd\":\"pending\"}");
    if (ino == INO_METRICS)
        return snprintf(out, size, "{\"cmd\":\"metrics\"}");
    if (tree_rejected(ino))
        return snprintf(out, size, "{\"cmd\":\"rejected\",\"n\":%llu}", (unsigned long long)tree_rejected(ino));
    return snprintf(out, size, "{\"cmd\":\"rejected\"}");
}

static void ask(fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi, void (*then)(struct parked *, int))
{
    char command[80];
    struct parked *p = park_new(mount_of(req), req, ASK_COMMAND, 0, then);
    if (!p)
        return;
    p->ino = ino;
    if (fi)
        p->fi = *fi;
    command_for(ino, command, sizeof command);
    p->ask.text = strdup(command);
    p->ask.text_len = strlen(command);
    p->ask.timeout_ms = park_timeout(p->m, ASK_TIMEOUT_S);
    if (p->ask.text)
        park(p, PARK_INTERRUPTIBLE);
    else
        then(p, -ENOMEM);
}

/* What a file shows of the answer. Borrowed; NULL: there is nothing. */
static json_t *part_of(json_t *answer, uint64_t ino)
{
    json_t *one = json_object_get(answer, "rejected");
    switch (tree_control(ino)) {
    case CONTROL_PENDING:
        return json_object_get(answer, "pending");
    case CONTROL_DOCUMENT:
        return json_object_get(one, "document");
    case CONTROL_REASON:
        json_object_del(one, "document");
        json_object_del(one, "home");
        return one;
    default:
        return answer;
    }
}

static char *metrics_of(const struct parked *p)
{
    const char *engine = json_string_value(json_object_get(p->ask.answer, "metrics"));
    char *counts = counts_text(&p->m->counts), *text = NULL;
    if (engine && counts && asprintf(&text, "%s%s", engine, counts) < 0)
        text = NULL;
    free(counts);
    return text;
}

/* A document that was no JSON can't be masked, so it wasn't kept: it is empty. */
static char *text_of(const struct parked *p)
{
    char *text = NULL;
    if (p->ino == INO_METRICS)
        return metrics_of(p);
    json_t *part = part_of(p->ask.answer, p->ino);
    if (!part)
        return strdup("");
    char *dumped = json_dumps(part, JSON_INDENT(2) | JSON_ENCODE_ANY);
    if (dumped && asprintf(&text, "%s\n", dumped) < 0)
        text = NULL;
    free(dumped);
    return text;
}

static int said_of_answer(const struct parked *p, int result, struct said **out)
{
    char *text = result == 0 ? text_of(p) : NULL;
    struct said *s = text ? said_new(p->ino) : NULL;
    if (!s) {
        free(text);
        return result ? result : -ENOMEM;
    }
    s->text = text;
    s->len = strlen(text);
    *out = s;
    return 0;
}

/* The audit log as it stands: what is appended later is another open's. */
static int said_of_audit(const struct mount *m, struct said **out)
{
    char *path = NULL;
    struct stat st = {0};
    struct said *s = said_new(INO_AUDIT);
    if (!s || asprintf(&path, "%s/audit.jsonl", m->cache_dir) < 0) {
        said_free(s);
        return -ENOMEM;
    }
    s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int code = s->fd < 0 || fstat(s->fd, &st) ? -errno : 0;
    free(path);
    if (code) {
        said_free(s);
        return code;
    }
    s->len = (size_t)st.st_size;
    *out = s;
    return 0;
}

static void reply_said(fuse_req_t req, const struct said *s, size_t size, off_t off)
{
    size_t left = s && off >= 0 && (uint64_t)off < s->len ? s->len - (size_t)off : 0;
    size = size < left ? size : left;
    if (!size || s->text) {
        fuse_reply_buf(req, size ? s->text + off : NULL, size);
        return;
    }
    struct fuse_bufvec v = FUSE_BUFVEC_INIT(size);
    v.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
    v.buf[0].fd = s->fd;
    v.buf[0].pos = off;
    fuse_reply_data(req, &v, 0);
}

/* ------------------------------------------------------------------ with opens */

static void reply_opened(fuse_req_t req, const struct fuse_file_info *asked, struct said *s)
{
    struct fuse_file_info fi = *asked;
    fi.direct_io = 1;
    fi.noflush = 1;
    fi.fh = (uint64_t)(uintptr_t)s;
    if (fuse_reply_open(req, &fi) == -ENOENT)
        said_free(s);
}

static void opened(struct parked *p, int result)
{
    struct said *s = NULL;
    int code = said_of_answer(p, result, &s);
    if (code)
        reply_code(p->req, code);
    else
        reply_opened(p->req, &p->fi, s);
    park_free(p);
}

void open_control(fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi)
{
    struct said *s = NULL;
    int code = (fi->flags & O_ACCMODE) != O_RDONLY ? -EPERM : ino == INO_AUDIT ? said_of_audit(mount_of(req), &s) : 0;
    if (code)
        reply_code(req, code);
    else if (s)
        reply_opened(req, fi, s);
    else
        ask(req, ino, fi, opened);
}

void release_control(fuse_req_t req, const struct fuse_file_info *fi)
{
    said_free((struct said *)(uintptr_t)fi->fh);
    reply_code(req, 0);
}

/* ------------------------------------------------------------------ without */

/* With the lock held. */
static struct said **kept_of(struct mount *m, uint64_t ino)
{
    for (size_t i = 0; i < CONTROL_KEPT; i++)
        if (m->said[i] && m->said[i]->ino == ino)
            return &m->said[i];
    return NULL;
}

static void keep(struct mount *m, struct said *s)
{
    pthread_mutex_lock(&m->said_lock);
    struct said **at = kept_of(m, s->ino);
    if (!at)
        at = &m->said[m->said_next++ % CONTROL_KEPT];
    said_free(*at);
    *at = s;
    pthread_mutex_unlock(&m->said_lock);
}

off_t control_size(struct mount *m, uint64_t ino)
{
    pthread_mutex_lock(&m->said_lock);
    struct said **at = kept_of(m, ino);
    off_t size = at ? (off_t)(*at)->len : 0;
    pthread_mutex_unlock(&m->said_lock);
    return size;
}

void control_free(struct mount *m)
{
    for (size_t i = 0; i < CONTROL_KEPT; i++)
        said_free(m->said[i]);
}

static void reply_node(struct mount *m, fuse_req_t req, uint64_t ino)
{
    struct fuse_entry_param e;
    struct store_read *r = store_read_begin(m->store);
    int code = r ? entry_node(m, r, ino, &e) : -EIO;
    if (r)
        store_read_end(r);
    if (code) {
        reply_code(req, code);
        return;
    }
    if (S_ISREG(e.attr.st_mode)) /* its fstat and reads are of this text */
        e.attr_timeout = m->options.read_only ? 1 : CONSTANT;
    fuse_reply_entry(req, &e);
}

static void looked_up(struct parked *p, int result)
{
    struct said *s = NULL;
    int code = said_of_answer(p, result, &s);
    if (code) {
        reply_code(p->req, code);
    } else {
        keep(p->m, s);
        reply_node(p->m, p->req, p->ino);
    }
    park_free(p);
}

static void case_looked_up(struct parked *p, int result)
{
    if (result)
        reply_code(p->req, result);
    else
        reply_node(p->m, p->req, p->ino);
    park_free(p);
}

static void lookup_case(fuse_req_t req, const char *name)
{
    char *end;
    uint64_t n = name[0] >= '1' && name[0] <= '9' ? strtoull(name, &end, 10) : 0;
    if (!n || *end || n >> 40)
        reply_code(req, -ENOENT);
    else
        ask(req, tree_rejected_ino(n, CONTROL_CASE), NULL, case_looked_up);
}

bool lookup_control(fuse_req_t req, uint64_t dir, const char *name)
{
    struct mount *m = mount_of(req);
    struct tree_entry t;
    struct said *s = NULL;
    if (dir == INO_REJECTED && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
        lookup_case(req, name);
        return true;
    }
    bool here = tree_control(dir) == CONTROL_CASE || (dir == INO_CONTROL && m->options.read_only);
    if (!here || tree_find(m, dir, name, &t) || t.dir)
        return false;
    int code = t.ino == INO_AUDIT ? said_of_audit(m, &s) : 0;
    if (code) {
        reply_code(req, code);
    } else if (s) {
        keep(m, s);
        reply_node(m, req, t.ino);
    } else {
        ask(req, t.ino, NULL, looked_up);
    }
    return true;
}

/* Is one reader's text replaced by another's lookup, the lock keeps it whole while it is copied. */
void read_control(fuse_req_t req, uint64_t ino, size_t size, off_t off, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    if (!m->options.read_only) {
        struct said *s = (struct said *)(uintptr_t)fi->fh;
        atomic_fetch_add(&s->held, 1);
        reply_said(req, s, size, off);
        said_free(s);
        return;
    }
    pthread_mutex_lock(&m->said_lock);
    struct said **at = kept_of(m, ino);
    reply_said(req, at ? *at : NULL, size, off);
    pthread_mutex_unlock(&m->said_lock);
}

/* ------------------------------------------------------------------ rejected/ */

static void rejected_opened(struct parked *p, int result)
{
    json_t *list = result == 0 ? json_incref(json_object_get(p->ask.answer, "rejected")) : NULL;
    struct fuse_file_info fi = p->fi;
    fi.fh = (uint64_t)(uintptr_t)list;
    if (!list)
        reply_code(p->req, result ? result : -EIO);
    else if (fuse_reply_open(p->req, &fi) == -ENOENT)
        json_decref(list);
    park_free(p);
}

void opendir_rejected(fuse_req_t req, const struct fuse_file_info *fi)
{
    ask(req, INO_REJECTED, fi, rejected_opened);
}

uint64_t rejected_nth(const struct fuse_file_info *fi, size_t i)
{
    return (uint64_t)json_integer_value(json_object_get(json_array_get((json_t *)(uintptr_t)fi->fh, i), "n"));
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    if (ino == INO_REJECTED)
        json_decref((json_t *)(uintptr_t)fi->fh);
    else if (ino_kind(ino) == INO_SEARCH)
        releasedir_search(fi);
    reply_code(req, 0);
}
