/* file.c — files that a record's attributes are: sent as a part of a form, had from a fresh signed URL. Their bytes go from a descriptor to the
 * wire and from the wire to a descriptor, and are never held whole in memory.
 *
 *   read:   the record's signed URL, fresh → GET without credentials into an unnamed file → a descriptor for each who asked for the same
 *   write:  checks → the form with the file in it → the record as the reply shows it → the verdict
 */
#include "sync/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_TIMEOUT (120 * SECOND) /* of one transfer, at least: 10 MB on a slow line */

struct file_read {
    char *what; /* "ino/attribute" */
    struct tenant *tenant;
    const struct lms_files *files;
    char *attr;
    int fd;
    struct waiters waiters;
    UT_hash_handle hh;
};

static int timeout_of(const struct tenant *t)
{
    int ms = t->info.conf->op_timeout * SECOND;
    return ms > FILE_TIMEOUT ? ms : FILE_TIMEOUT;
}

/* ------------------------------------------------------------------ reading */

static int unnamed_file(const struct engine *g)
{
    int fd = open(g->conf->cache_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return fd < 0 ? -errno : fd;
    char path[4096];
    if (snprintf(path, sizeof path, "%s/file.XXXXXX", g->conf->cache_dir) >= (int)sizeof path)
        return -ENAMETOOLONG;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    unlink(path);
    return fd;
}

static void read_end(struct file_read *f, int code, const struct err *e)
{
    HASH_DEL(f->tenant->file_reads, f);
    for (struct ask *a = f->waiters.first; a && code == 0; a = a->next)
        a->fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
    waiters_end(f->tenant->engine, &f->waiters, code, e);
    if (f->fd >= 0)
        close(f->fd);
    free(f->what);
    free(f->attr);
    free(f);
}

static void on_bytes(void *ctx, struct net_result *res)
{
    struct file_read *f = ctx;
    struct err e = {0};
    int r = result_error(f->tenant, res, &e);
    if (r)
        err_prefix(&e, "%s: the file %s", f->tenant->info.conf->name, f->attr);
    read_end(f, r == -EPROTO ? -EIO : r, &e);
}

static const char *url_of(const struct file_read *f, const json_t *urls)
{
    char name[512];
    size_t i;
    json_t *one;
    snprintf(name, sizeof name, "%s.%s.url", f->files->field, f->attr);
    json_array_foreach((json_t *)urls, i, one)
    {
        if (!strcmp(json_string_value(json_object_get(one, "name")), name))
            return json_string_value(json_object_get(one, "url"));
    }
    return NULL;
}

static void on_urls(void *ctx, int code, const json_t *urls, const struct err *e)
{
    struct file_read *f = ctx;
    struct err why = *e;
    const char *url = code ? NULL : url_of(f, urls);
    if (code == 0 && !url)
        code = err_set(&why, -ENOENT, "%s is not there any more", f->attr);
    if (code == 0 && (f->fd = unnamed_file(f->tenant->engine)) < 0)
        code = err_set(&why, f->fd, "no temporary file can be made in the cache folder: %s", strerror(-f->fd));
    if (code) {
        read_end(f, code == -ENODATA ? -ENOENT : code, &why);
        return;
    }
    struct http_request req = {.method = HTTP_GET,
                               .path = strdup("/"),
                               .shown = strdup("the file's signed URL"),
                               .url = strdup(url),
                               .idempotent = true,
                               .bare = true,
                               .to_file = true,
                               .into = f->fd,
                               .into_max = f->files->max};
    if (!req.path || !req.shown || !req.url) {
        http_request_release(&req);
        read_end(f, err_set(&why, -ENOMEM, "out of memory"), &why);
        return;
    }
    tenant_send(f->tenant, &req, NET_PEOPLE, timeout_of(f->tenant), true, on_bytes, f);
}

static struct file_read *read_begin(struct tenant *t, struct ask *a, const struct lms_files *files, char *what)
{
    struct file_read *f = calloc(1, sizeof *f);
    if (!f || !(f->attr = strdup(a->name))) {
        free(f);
        free(what);
        return NULL;
    }
    f->what = what;
    f->tenant = t;
    f->files = files;
    f->fd = -1;
    HASH_ADD_KEYPTR(hh, t->file_reads, f->what, strlen(f->what), f);
    return f;
}

void file_read_ask(struct tenant *t, struct ask *a)
{
    struct engine *g = t->engine;
    struct err e = {0};
    struct known k = {0};
    struct file_read *f = NULL;
    char *what = NULL;
    const struct lms_collection *c = collection_of(t, a->ino, &e);
    int r = !c || !c->files ? err_set(&e, -ENOENT, "no files there") : known_get(g, a->ino, &k);
    if (r == 0 && asprintf(&what, "%llx/%s", (unsigned long long)a->ino, a->name) < 0)
        r = err_set(&e, -ENOMEM, "out of memory");
    if (r == 0)
        HASH_FIND_STR(t->file_reads, what, f);
    bool begin = r == 0 && !f;
    if (begin && !(f = read_begin(t, a, c->files, what)))
        r = err_set(&e, -ENOMEM, "out of memory");
    else if (r == 0 && !begin)
        free(what);
    if (r) {
        ask_end(g, a, r, &e);
    } else {
        waiters_add(g, &f->waiters, a);
        if (begin)
            url_ask(t, k.home, k.name, a->ino, on_urls, f);
    }
    known_release(&k);
}

/* ------------------------------------------------------------------ writing */

struct file_write {
    struct tenant *tenant;
    const struct lms_collection *c;
    struct known known;
    char *parent_key, *attr;
    struct caller caller;
    int fd;
    size_t size;
    char method[8], *path;
    struct waiters waiters;
};

static void write_end_with(struct file_write *f, int code, const struct err *e)
{
    struct engine *g = f->tenant->engine;
    struct store_mark old = {0}, failed = {.state = STORE_FAILED};
    struct store_read *v = store_read_begin(g->store);
    bool marked = v && store_mark(v, f->known.ino, &old) == 0;
    if (v)
        store_read_end(v);
    if (code && code != -ESHUTDOWN && old.state != STORE_PENDING) {
        snprintf(failed.error, sizeof failed.error, "%s: %.400s", f->attr, e->text);
        record_mark(g, f->known.ino, &failed);
    } else if (code == 0 && marked && old.state == STORE_FAILED) {
        record_mark(g, f->known.ino, NULL);
    }
    g->busy--;
    waiters_end(g, &f->waiters, code, e);
    close(f->fd);
    known_release(&f->known);
    free(f->parent_key);
    free(f->attr);
    free(f->path);
    free(f);
}

/* What the API refuses is refused here, before the wire. */
static int check_file(const struct lms_files *files, const char *attr, int fd, size_t *size, struct err *e)
{
    struct stat st;
    char magic[16] = "";
    size_t n = strlen(files->magic);
    if (fstat(fd, &st))
        return err_set(e, -EIO, "the file can't be looked at: %s", strerror(errno));
    *size = (size_t)st.st_size;
    if (*size > files->max)
        return err_set(e, -EFBIG, "%s is larger than the %zu bytes that a file may have", attr, files->max);
    if (pread(fd, magic, n, 0) != (ssize_t)n || memcmp(magic, files->magic, n) != 0)
        return err_set(e, -EINVAL, "%s is no %s file: it doesn't begin with %s", attr, files->suffix + 1, files->magic);
    return 0;
}

static void audit_write(struct file_write *f, int code, int64_t ms)
{
    json_t *fields = json_pack("[s]", f->c->files->field);
    json_t *values = json_pack("{s:{s:{s:I}}}", f->c->files->field, f->attr, "size", (json_int_t)f->size);
    struct audit_line l = {
        .method = f->method, .url = f->path, .fields = fields, .values = values, .code = code, .ms = ms};
    audit(f->tenant, &f->caller, f->known.home, f->known.name, &l);
    json_decref(fields);
    json_decref(values);
}

static int take_reply(struct file_write *f, const struct http_reply *reply, struct err *e)
{
    struct lms_save s = {.parent_key = f->parent_key, .key = f->known.key, .base = f->known.doc, .merged = f->known.doc};
    struct lms_verdict v = {0};
    uint64_t ino;
    int r = f->tenant->info.provider->saved(f->c, &s, 0, reply, &v, e);
    if (r == 0 && v.record.doc) {
        struct record_put p = {.home = f->known.home, .ino = f->known.ino, .source = RECORD_DETAIL};
        r = record_put_now(f->tenant, &p, &v.record, &ino, e);
    }
    lms_verdict_release(&v);
    return r;
}

static void on_written(void *ctx, struct net_result *res)
{
    struct file_write *f = ctx;
    struct err e = {0};
    int r = result_error(f->tenant, res, &e);
    if (r == 0)
        r = take_reply(f, &res->reply, &e);
    if (r == -EPROTO || r == -ECANCELED)
        r = -EIO;
    if (r != -ESHUTDOWN)
        audit_write(f, r, res->elapsed_ms);
    write_end_with(f, r, &e);
}

static int build(struct file_write *f, struct http_request *req, struct err *e)
{
    const struct lms_provider *p = f->tenant->info.provider;
    size_t size = 0;
    if (!*f->known.key)
        return err_set(e, -EAGAIN, "the record has no id yet");
    if (f->c->parent && !(f->parent_key = parent_key_of(f->tenant->engine, f->known.home)))
        return err_set(e, -ENOENT, "whose record it is isn't known");
    int r = check_file(f->c->files, f->attr, f->fd, &size, e);
    if (r == 0)
        r = p->file_request(f->c, f->parent_key, f->known.key, f->attr, req, e);
    if (r)
        return r;
    req->file.fd = f->fd;
    req->file.size = f->size = size;
    snprintf(f->method, sizeof f->method, "%s", http_method_name(req->method));
    f->path = strdup(http_shown(req));
    return f->path ? 0 : err_set(e, -ENOMEM, "out of memory");
}

void file_write_ask(struct tenant *t, struct ask *a)
{
    struct err e = {0};
    struct http_request req = {0};
    struct file_write *f = calloc(1, sizeof *f);
    const struct lms_collection *c = collection_of(t, a->ino, &e);
    int r = !f ? -ENOMEM : !c || !c->files ? -EPERM : known_get(t->engine, a->ino, &f->known);
    if (r == 0 && (!(f->attr = strdup(a->name)) || (f->fd = fcntl(a->fd, F_DUPFD_CLOEXEC, 0)) < 0))
        r = -ENOMEM;
    if (r) {
        err_set(&e, r, "the file can't be sent: %s", strerror(-r));
        if (f) {
            known_release(&f->known);
            free(f->attr);
            free(f);
        }
        ask_end(t->engine, a, r, &e);
        return;
    }
    f->tenant = t;
    f->c = c;
    f->caller = a->caller;
    t->engine->busy++;
    waiters_add(t->engine, &f->waiters, a);
    r = build(f, &req, &e);
    if (r) {
        http_request_release(&req);
        write_end_with(f, r, &e);
        return;
    }
    tenant_send(t, &req, NET_PEOPLE, timeout_of(t), true, on_written, f);
}
