/* ops_status.c — .lmsfs/status.json, made when it is looked at.
 *
 * Its size can't be known before, so it is read with direct_io, of the text that its open got. A read-only mount has no opens (ops_open.c):
 * there a lookup makes the text, and its exact size with it, and reads go through the page cache.
 */
#include "attr.h"
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_TIMEOUT_S 10

static char *text_of(const struct parked *p, int result)
{
    return result == 0 && p->ask.answer ? json_dumps(p->ask.answer, JSON_INDENT(2) | JSON_ENCODE_ANY) : NULL;
}

static void ask_status(fuse_req_t req, const struct fuse_file_info *fi, void (*then)(struct parked *, int))
{
    static const char command[] = "{\"cmd\":\"status\"}";
    struct parked *p = park_new(mount_of(req), req, ASK_COMMAND, 0, then);
    if (!p)
        return;
    if (fi)
        p->fi = *fi;
    p->ask.text = strdup(command);
    p->ask.text_len = strlen(command);
    p->ask.timeout_ms = park_timeout(p->m, STATUS_TIMEOUT_S);
    if (p->ask.text)
        park(p, PARK_INTERRUPTIBLE);
    else
        then(p, -ENOMEM);
}

/* ------------------------------------------------------------------ with opens */

static void opened(struct parked *p, int result)
{
    char *text = text_of(p, result);
    struct fuse_file_info fi = p->fi;
    fi.direct_io = 1;
    fi.noflush = 1;
    fi.fh = (uint64_t)(uintptr_t)text;
    if (!text)
        reply_code(p->req, result ? result : -EIO);
    else if (fuse_reply_open(p->req, &fi) == -ENOENT)
        free(text);
    park_free(p);
}

void open_status(fuse_req_t req, const struct fuse_file_info *fi)
{
    if ((fi->flags & O_ACCMODE) != O_RDONLY)
        reply_code(req, -EPERM);
    else
        ask_status(req, fi, opened);
}

void release_status(fuse_req_t req, const struct fuse_file_info *fi)
{
    free((char *)(uintptr_t)fi->fh);
    reply_code(req, 0);
}

/* ------------------------------------------------------------------ without */

static void looked_up(struct parked *p, int result)
{
    struct mount *m = p->m;
    char *text = text_of(p, result);
    struct fuse_entry_param e;
    struct store_read *r = text ? store_read_begin(m->store) : NULL;
    int code = !text ? (result ? result : -EIO) : r ? entry_node(m, r, INO_STATUS, &e) : -EIO;
    if (r)
        store_read_end(r);
    if (code) {
        free(text);
        reply_code(p->req, code);
    } else {
        e.attr.st_size = (off_t)strlen(text);
        e.entry_timeout = 0;
        e.attr_timeout = 1; /* its fstat and reads are of this text */
        pthread_mutex_lock(&m->status_lock);
        free(m->status);
        m->status = text;
        pthread_mutex_unlock(&m->status_lock);
        fuse_reply_entry(p->req, &e);
    }
    park_free(p);
}

bool lookup_status(fuse_req_t req, uint64_t dir, const char *name)
{
    if (!mount_of(req)->options.read_only || dir != INO_CONTROL || strcmp(name, "status.json") != 0)
        return false;
    ask_status(req, NULL, looked_up);
    return true;
}

off_t status_size(struct mount *m)
{
    pthread_mutex_lock(&m->status_lock);
    off_t size = m->status ? (off_t)strlen(m->status) : 0;
    pthread_mutex_unlock(&m->status_lock);
    return size;
}

static void reply_part(fuse_req_t req, const char *text, size_t size, off_t off)
{
    size_t len = text ? strlen(text) : 0;
    size_t left = off >= 0 && (uint64_t)off < len ? len - (size_t)off : 0;
    fuse_reply_buf(req, left ? text + off : NULL, size < left ? size : left);
}

void read_status(fuse_req_t req, size_t size, off_t off, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    if (!m->options.read_only) {
        reply_part(req, (const char *)(uintptr_t)fi->fh, size, off);
        return;
    }
    pthread_mutex_lock(&m->status_lock);
    reply_part(req, m->status, size, off);
    pthread_mutex_unlock(&m->status_lock);
}
