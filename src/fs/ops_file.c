/* ops_file.c — files that belong to a record and are none of its documents. They are found by name and never listed beside it, so that no grep
 * -r reads them:
 *
 *     ID-….password               a generated password, there until it was read
 *     ID-….files/                 lists the attributes that have a file; scratch stands there too, for rsync's temporary names
 *     ID-….files/<attribute>.pdf  read from a fresh signed URL at each open, sent by close, fsync or a rename onto the name
 */
#include "attr.h"
#include "files.h"
#include "lmsfs/doc.h"
#include "ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct handle {
    char *text; /* of a password */
    int fd;     /* of a file that is read; -1: none */
    bool writer;
};

static struct handle *handle_of(const struct fuse_file_info *fi)
{
    return (struct handle *)(uintptr_t)fi->fh;
}

static uint64_t record_of(uint64_t file)
{
    return ino_make(INO_RECORD, ino_tenant(file), ino_coll(file), ino_part_id(file));
}

static const struct lms_collection *collection_at(const struct mount *m, uint64_t file)
{
    return tree_collection(m, record_of(file));
}

bool file_is_dir(uint64_t ino)
{
    return ino_kind(ino) == INO_FILE && ino_part(ino) == FILE_DIR;
}

bool file_exists(const struct mount *m, uint64_t ino)
{
    const struct lms_collection *c = collection_at(m, ino);
    return c && (ino_part(ino) != FILE_DIR || c->files);
}

/* Where ID-….files stands. */
uint64_t file_parent(const struct mount *m, uint64_t ino)
{
    struct store_record rec;
    struct store_read *r = store_read_begin(m->store);
    uint64_t home = r && store_get(r, record_of(ino), &rec) == 0 ? rec.home : INO_ROOT;
    if (r)
        store_read_end(r);
    return home;
}

/* ------------------------------------------------------------------ what a record has */

/* The document's object of files (new reference), or NULL. */
static json_t *files_of(struct mount *m, struct store_read *r, uint64_t record)
{
    const struct lms_collection *c = tree_collection(m, record);
    const void *body;
    size_t len;
    json_t *doc = NULL;
    struct err e;
    if (!c || !c->files || store_body(r, record, &body, &len) || doc_parse(body, len, SIZE_MAX, &doc, &e))
        return NULL;
    json_t *all = json_incref(json_object_get(doc, c->files->field));
    json_decref(doc);
    return all;
}

/* Bytes of an attribute's file; -1: it is none. */
static off_t size_of(const json_t *value)
{
    const json_t *size = json_object_get(value, "size");
    return json_is_object(value) && json_is_integer(size) ? (off_t)json_integer_value(size)
           : json_is_object(value)                        ? 0
                                                          : -1;
}

static bool attr_of_name(const struct lms_files *files, const char *name, char attr[256])
{
    size_t len = strlen(name), n = strlen(files->suffix);
    if (name[0] == '.' || len <= n || len - n > 200 || strcmp(name + len - n, files->suffix) != 0)
        return false;
    snprintf(attr, 256, "%.*s", (int)(len - n), name);
    return true;
}

static uint64_t sibling(struct store_read *r, uint64_t dir, const char *name, const char *suffix)
{
    size_t len = strlen(name), n = strlen(suffix);
    char document[256];
    uint64_t ino;
    if (len <= n || strcmp(name + len - n, suffix) != 0 || !tree_is_record_dir(dir) ||
        (size_t)snprintf(document, sizeof document, "%.*s.json", (int)(len - n), name) >= sizeof document ||
        store_lookup(r, tree_home(dir), document, &ino))
        return 0;
    return ino_is_alias(ino) ? ino_as(ino, INO_RECORD) : ino;
}

uint64_t file_named(struct mount *m, struct store_read *r, uint64_t dir, const char *name)
{
    uint64_t record = m->options.read_only ? 0 : sibling(r, dir, name, ".password");
    enum file_part part = FILE_PASSWORD;
    if (record && !engine_secret_len(m->engine, record))
        record = 0;
    const struct lms_collection *c = tree_collection(m, dir);
    if (!record && c && c->files && !m->options.read_only) {
        record = sibling(r, dir, name, ".files");
        part = FILE_DIR;
    }
    return record ? ino_make_part(INO_FILE, ino_tenant(record), ino_coll(record), part, ino_rec(record)) : 0;
}

bool file_wants_listing(const struct mount *m, uint64_t dir, const char *name)
{
    const struct lms_collection *c = tree_collection(m, dir);
    size_t len = strlen(name);
    return c && c->files && c->kind == LMS_LISTED && ino_kind(dir) == INO_DIR && len > 6 &&
           !strcmp(name + len - 6, ".files");
}

off_t file_size(struct mount *m, struct store_read *r, uint64_t ino)
{
    uint64_t record;
    char attr[256];
    off_t size = 0;
    if (ino_part(ino) == FILE_PASSWORD) {
        size_t len = engine_secret_len(m->engine, record_of(ino));
        return len ? (off_t)len + 1 : 0;
    }
    if (files_size(m->files, ino, &size) || files_what(m->files, ino, &record, attr))
        return size;
    json_t *all = files_of(m, r, record);
    size = size_of(json_object_get(all, attr));
    json_decref(all);
    return size > 0 ? size : 0;
}

/* ------------------------------------------------------------------ names below ID-….files/ */

static uint64_t attr_named(struct mount *m, uint64_t dir, const char *name)
{
    char attr[256];
    off_t size;
    uint64_t ino = 0;
    if (!attr_of_name(collection_at(m, dir)->files, name, attr))
        return 0;
    struct store_read *r = store_read_begin(m->store);
    json_t *all = r ? files_of(m, r, record_of(dir)) : NULL;
    bool there = size_of(json_object_get(all, attr)) >= 0;
    json_decref(all);
    if (r)
        store_read_end(r);
    ino = files_number(m->files, record_of(dir), attr);
    return ino && (there || files_size(m->files, ino, &size)) ? ino : 0;
}

static void reply_attr(fuse_req_t req, uint64_t ino)
{
    struct mount *m = mount_of(req);
    struct fuse_entry_param e;
    struct store_read *r = store_read_begin(m->store);
    int code = r ? entry_node(m, r, ino, &e) : -EIO;
    if (r)
        store_read_end(r);
    if (code)
        reply_code(req, code);
    else
        fuse_reply_entry(req, &e);
}

bool lookup_file(fuse_req_t req, uint64_t dir, const char *name)
{
    struct mount *m = mount_of(req);
    struct scratch_attr a;
    if (!file_is_dir(dir) || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    uint64_t ino = file_exists(m, dir) ? attr_named(m, dir, name) : 0;
    if (ino)
        reply_attr(req, ino);
    else if (scratch_find(m->scratch, dir, name, &a) == 0)
        reply_scratch_entry(m, req, &a);
    else
        reply_code(req, -ENOENT);
    return true;
}

void opendir_file(fuse_req_t req, const struct fuse_file_info *asked)
{
    struct fuse_file_info fi = *asked;
    fi.fh = 0;
    fi.cache_readdir = 0;
    fi.keep_cache = 0;
    fuse_reply_open(req, &fi);
}

/* The i-th attribute that has a file. 0: there are no more. */
uint64_t file_nth(struct mount *m, struct store_read *r, uint64_t dir, size_t i, char name[256])
{
    const struct lms_collection *c = collection_at(m, dir);
    json_t *all = files_of(m, r, record_of(dir)), *value;
    const char *attr;
    uint64_t ino = 0;
    json_object_foreach(all, attr, value)
    {
        if (size_of(value) < 0 || strchr(attr, '/') || attr[0] == '.' || !*attr || strlen(attr) > 200)
            continue;
        if (i-- == 0) {
            snprintf(name, 256, "%s%s", attr, c->files->suffix);
            ino = files_number(m->files, record_of(dir), attr);
            break;
        }
    }
    json_decref(all);
    return ino;
}

/* ------------------------------------------------------------------ opening */

static void reply_handle(fuse_req_t req, const struct fuse_file_info *asked, const struct handle *h,
                         const struct fuse_entry_param *e)
{
    struct fuse_file_info fi = *asked;
    struct handle *copy = malloc(sizeof *copy);
    if (!copy) {
        reply_code(req, -ENOMEM);
        return;
    }
    *copy = *h;
    fi.fh = (uint64_t)(uintptr_t)copy;
    fi.direct_io = 1; /* its bytes stand in our file, or must not stay anywhere */
    fi.noflush = !h->writer;
    fi.keep_cache = 0;
    if (e)
        fuse_reply_create(req, e, &fi);
    else
        fuse_reply_open(req, &fi);
}

static void open_password(fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi)
{
    struct handle h = {.fd = -1};
    if ((fi->flags & O_ACCMODE) != O_RDONLY) {
        reply_code(req, -EPERM);
        return;
    }
    h.text = engine_secret_take(mount_of(req)->engine, record_of(ino)); /* there is no second time */
    if (h.text)
        reply_handle(req, fi, &h, NULL);
    else
        reply_code(req, -ENOENT);
}

/* p->fi.flags say what it is for; the copy is made on the notifier's thread, for the engine waits for no disk. */
static void bytes_answer(struct parked *p)
{
    struct mount *m = p->m;
    struct handle h = {.fd = p->ask.fd, .writer = (p->fi.flags & O_ACCMODE) != O_RDONLY};
    int code = p->result;
    if (code == 0 && h.writer) {
        code = files_open(m->files, p->ino, p->ask.fd);
        h.fd = -1;
    } else if (code == 0) {
        p->ask.fd = -1;
    }
    if (code)
        reply_code(p->req, code);
    else
        reply_handle(p->req, &p->fi, &h, NULL);
    park_free(p);
}

static void bytes_came(struct parked *p, int result)
{
    p->result = result ? result : p->ask.fd < 0 ? -EMFILE : 0;
    p->answer = bytes_answer;
    notifier_answer(p->m->inodes, p);
}

/* Each open of a reader costs requests: a crawl gets none. */
static void ask_bytes(fuse_req_t req, uint64_t ino, uint64_t record, const char *attr, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    if ((fi->flags & O_NONBLOCK) || !engine_may_fetch_for_reader(m->engine, ino_tenant(ino))) {
        reply_code(req, -EAGAIN);
        return;
    }
    struct parked *p = park_new(m, req, ASK_FILE_READ, record, bytes_came);
    if (!p || !park_names(p, attr, NULL, NULL))
        return;
    p->fi = *fi;
    p->ino = ino;
    park(p, PARK_INTERRUPTIBLE);
}

static void open_attr(fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    struct handle h = {.fd = -1, .writer = (fi->flags & O_ACCMODE) != O_RDONLY};
    const struct lms_collection *c = collection_at(m, ino);
    uint64_t record;
    char attr[256];
    off_t size;
    int code = files_what(m->files, ino, &record, attr);
    bool drafted = files_size(m->files, ino, &size);
    if (code) {
        reply_code(req, code);
    } else if (!h.writer && drafted) {
        h.fd = files_dup(m->files, ino);
        reply_handle(req, fi, &h, NULL);
    } else if (h.writer && (drafted || (fi->flags & O_TRUNC))) {
        code = files_open(m->files, ino, -1);
        if (code == 0 && (fi->flags & O_TRUNC))
            code = files_truncate(m->files, ino, 0, c->files->max);
        if (code)
            reply_code(req, code);
        else
            reply_handle(req, fi, &h, NULL);
    } else {
        ask_bytes(req, ino, record, attr, fi);
    }
}

void open_file(fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi)
{
    if (ino_part(ino) == FILE_PASSWORD)
        open_password(req, ino, fi);
    else
        open_attr(req, ino, fi);
}

bool create_file(fuse_req_t req, uint64_t dir, const char *name, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    struct handle h = {.fd = -1, .writer = true};
    struct fuse_entry_param e;
    char attr[256];
    if (!file_is_dir(dir) || !file_exists(m, dir) || !attr_of_name(collection_at(m, dir)->files, name, attr))
        return false;
    uint64_t ino = files_number(m->files, record_of(dir), attr);
    int code = !fi ? -EPERM : ino ? files_open(m->files, ino, -1) : -ENOMEM;
    struct store_read *r = code ? NULL : store_read_begin(m->store);
    if (code == 0)
        code = r ? entry_node(m, r, ino, &e) : -EIO;
    if (r)
        store_read_end(r);
    if (code)
        reply_code(req, code);
    else
        reply_handle(req, fi, &h, &e);
    return true;
}

/* ------------------------------------------------------------------ bytes */

static void read_text(fuse_req_t req, const char *text, size_t size, off_t off)
{
    char line[1024];
    int len = snprintf(line, sizeof line, "%.*s\n", (int)sizeof line - 2, text);
    size_t left = off >= 0 && off < len ? (size_t)(len - off) : 0;
    fuse_reply_buf(req, left ? line + off : NULL, size < left ? size : left);
    explicit_bzero(line, sizeof line);
}

void read_file(fuse_req_t req, uint64_t ino, size_t size, off_t off, const struct fuse_file_info *fi)
{
    const struct handle *h = handle_of(fi);
    if (h->text) {
        read_text(req, h->text, size, off);
        return;
    }
    bool ours = h->fd < 0; /* from the reply on the handle may go */
    int fd = ours ? files_dup(mount_of(req)->files, ino) : h->fd;
    char *buf = malloc(size ? size : 1);
    ssize_t n = fd < 0 ? fd : !buf ? -ENOMEM : pread(fd, buf, size, off);
    if (fd >= 0 && buf && n < 0)
        n = -errno;
    if (fd >= 0 && ours)
        close(fd);
    if (n < 0)
        reply_code(req, (int)n);
    else
        fuse_reply_buf(req, buf, (size_t)n);
    free(buf);
}

void write_file(fuse_req_t req, uint64_t ino, const char *buf, size_t size, off_t off)
{
    struct mount *m = mount_of(req);
    ssize_t n = files_write(m->files, ino, buf, size, off, collection_at(m, ino)->files->max);
    if (n < 0)
        reply_code(req, (int)n);
    else
        fuse_reply_write(req, (size_t)n);
}

int resize_file(struct mount *m, uint64_t ino, off_t size)
{
    const struct lms_collection *c = collection_at(m, ino);
    if (ino_part(ino) != FILE_ATTR || !c)
        return -EPERM;
    int code = files_truncate(m->files, ino, size, c->files->max);
    return code == -ENOENT ? -EINVAL : code; /* truncate(2) by path: there would be nobody to hear a verdict */
}

/* ------------------------------------------------------------------ the verdict */

static void verdict_answer(struct parked *p)
{
    reply_code(p->req, p->result);
    park_free(p);
}

static void sent(struct parked *p, int result)
{
    if (result == 0 && p->name)
        scratch_unlink(p->m->scratch, p->dir, p->name); /* it has become the attribute */
    notifier_inode(p->m->inodes, p->ino);
    p->result = result;
    p->answer = verdict_answer;
    notifier_answer(p->m->inodes, p);
}

/* Takes the descriptor over. scratch: the name that a rename gives up, or NULL. */
static void send_attr(fuse_req_t req, uint64_t ino, int fd, uint64_t dir, const char *scratch)
{
    struct mount *m = mount_of(req);
    uint64_t record;
    char attr[256];
    int code = files_what(m->files, ino, &record, attr);
    struct parked *p = code ? NULL : park_new(m, req, ASK_FILE_WRITE, record, sent);
    if (!p) {
        close(fd);
        if (code)
            reply_code(req, code);
        return;
    }
    p->ask.fd = fd;
    if (!park_names(p, attr, scratch, NULL))
        return;
    p->ino = ino;
    p->dir = dir;
    park(p, PARK_FIRM);
}

void flush_file(fuse_req_t req, uint64_t ino, const struct fuse_file_info *fi)
{
    struct mount *m = mount_of(req);
    const struct handle *h = handle_of(fi);
    off_t size;
    int fd, code = 0;
    if (!h->writer || ino_part(ino) != FILE_ATTR)
        reply_code(req, 0);
    else if (files_size(m->files, ino, &size) && size == 0)
        reply_code(req, -EINVAL); /* nothing yet: a shell's > closes a duplicate first */
    else if ((code = files_settle(m->files, ino, &fd)) == 1)
        send_attr(req, ino, fd, 0, NULL);
    else
        reply_code(req, code);
}

void release_file(struct mount *m, uint64_t ino, const struct fuse_file_info *fi)
{
    struct handle *h = handle_of(fi);
    if (h->text)
        explicit_bzero(h->text, strlen(h->text));
    free(h->text);
    if (h->fd >= 0)
        close(h->fd);
    if (h->writer)
        files_close(m->files, ino);
    free(h);
}

/* ------------------------------------------------------------------ names that go and come */

bool unlink_file(fuse_req_t req, uint64_t dir, const char *name)
{
    struct mount *m = mount_of(req);
    struct scratch_attr a;
    if (!file_is_dir(dir))
        return false;
    if (scratch_find(m->scratch, dir, name, &a) == 0)
        reply_code(req, scratch_unlink(m->scratch, dir, name));
    else
        reply_code(req, file_exists(m, dir) && attr_named(m, dir, name) ? -EPERM : -ENOENT); /* the API can't clear one */
    return true;
}

static int copy_scratch(struct mount *m, const struct scratch_attr *a, uint64_t ino, size_t max)
{
    char *buf = malloc(MAX_WRITE);
    int code = !buf ? -ENOMEM : (uint64_t)a->size > max ? -EFBIG : files_open(m->files, ino, -1);
    if (code) {
        free(buf);
        return code;
    }
    code = files_truncate(m->files, ino, 0, max);
    for (off_t at = 0; code == 0 && at < a->size;) {
        ssize_t n = scratch_read(m->scratch, a->ino, buf, MAX_WRITE, at);
        if (n > 0)
            n = files_write(m->files, ino, buf, (size_t)n, at, max);
        code = n > 0 ? 0 : n < 0 ? (int)n : -EIO;
        at += n;
    }
    free(buf);
    if (code)
        files_close(m->files, ino);
    return code;
}

static void save_scratch(fuse_req_t req, const struct scratch_attr *a, uint64_t dir, const char *name, const char *attr)
{
    struct mount *m = mount_of(req);
    uint64_t ino = files_number(m->files, record_of(dir), attr);
    int fd = -1, code = ino ? copy_scratch(m, a, ino, collection_at(m, dir)->files->max) : -ENOMEM;
    bool open = code == 0;
    if (open)
        code = files_settle(m->files, ino, &fd);
    bool ask = code == 1;
    if (open)
        files_close(m->files, ino); /* what is sent has its own descriptor */
    if (ask)
        send_attr(req, ino, fd, dir, name);
    else
        reply_code(req, code ? code : -EINVAL);
}

bool rename_file(fuse_req_t req, uint64_t dir, const char *name, uint64_t to_dir, const char *to_name, bool replace)
{
    struct mount *m = mount_of(req);
    struct scratch_attr a;
    char attr[256];
    if (!file_is_dir(dir) && !file_is_dir(to_dir))
        return false;
    if (dir != to_dir || !file_exists(m, dir) || scratch_find(m->scratch, dir, name, &a))
        reply_code(req, -EPERM);
    else if (!attr_of_name(collection_at(m, dir)->files, to_name, attr))
        reply_code(req, scratch_rename(m->scratch, dir, name, to_dir, to_name, replace));
    else if (!S_ISREG(a.mode))
        reply_code(req, -EPERM);
    else if (!replace && attr_named(m, dir, to_name))
        reply_code(req, -EEXIST);
    else
        save_scratch(req, &a, dir, name, attr);
    return true;
}
