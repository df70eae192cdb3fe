/* mount.c — the session: made, served by a fixed number of workers, ended. */
#include "files.h"
#include "mountpoint.h"
#include "ops.h"
#include "park.h"
#include "search.h"
#include "tree.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WORKERS_MOST  4 /* by default, and one for each processor up to it: more are woken for nothing */
#define MAX_SCRATCH   (64ull * 1024 * 1024)
#define DRAIN_MS      2000 /* that the notifiers have at the end, before the connection is cut */
#define BELOW_CEILING 2000 /* ms that every wait stays below the kernel's limit of a request */

void reply_code(fuse_req_t req, int code)
{
    fuse_reply_err(req, code == -ESHUTDOWN ? EIO : -code);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
    (void)userdata;
    /* Whether names come with their attributes is not left to the kernel: ops_dir.c knows more. */
    conn->want &= ~(unsigned)(FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
                              FUSE_CAP_SPLICE_MOVE | FUSE_CAP_WRITEBACK_CACHE);
    conn->want |= conn->capable & (FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_READDIRPLUS |
                                   FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_ASYNC_READ | FUSE_CAP_PARALLEL_DIROPS);
    conn->max_write = MAX_WRITE;
    conn->max_background = 64;
    conn->congestion_threshold = 48;
}

const struct fuse_lowlevel_ops mount_ops = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .readlink = op_readlink,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .unlink = op_unlink,
    .rmdir = op_rmdir,
    .symlink = op_symlink,
    .rename = op_rename,
    .link = op_link,
    .open = op_open,
    .read = op_read,
    .write = op_write,
    .flush = op_flush,
    .release = op_release,
    .fsync = op_fsync,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .releasedir = op_releasedir,
    .fsyncdir = op_fsyncdir,
    .statfs = op_statfs,
    .setxattr = op_setxattr,
    .getxattr = op_getxattr,
    .listxattr = op_listxattr,
    .removexattr = op_removexattr,
    .create = op_create,
    .poll = op_poll,
};

/* ------------------------------------------------------------------ what the engine tells */

/* Singletons belong to their tenant, and stand in its folders. */
static void each_folder(struct mount *m, uint64_t tenant, const char *name)
{
    const struct tenant_info *t = ino_kind(tenant) == INO_TENANT ? tree_tenant(m, tenant) : NULL;
    uint64_t folder;
    for (unsigned i = 0; t && tree_folder(t, i, &folder); i++) {
        if (name)
            notifier_entry(m->entries, folder, name);
        else
            notifier_inode(m->inodes, folder);
    }
}

/* Directories of parents have an entry for each record of the collection that changed. */
static void each_parents_dir(struct mount *m, uint64_t dir, void (*tell)(struct mount *, uint64_t, const char *),
                             const char *name)
{
    const struct lms_collection *c = tree_collection(m, dir);
    const struct tenant_info *t = tree_tenant(m, dir);
    if (!tree_is_record_dir(dir) || !c || ino_rec(dir))
        return;
    for (unsigned i = 0; i < t->provider->collections_n; i++) {
        const char *parent = t->provider->collections[i].parent;
        if (parent && strcmp(parent, c->name) == 0)
            tell(m, ino_make(INO_PARENTS, t->number, i, 0), name);
    }
}

static void tell_inode(struct mount *m, uint64_t ino, const char *name)
{
    (void)name;
    notifier_inode(m->inodes, ino);
}

static void tell_entry(struct mount *m, uint64_t dir, const char *name)
{
    char stem[256];
    size_t len = strlen(name);
    if (len <= 5 || len >= sizeof stem)
        return;
    snprintf(stem, sizeof stem, "%.*s", (int)(len - 5), name);
    notifier_entry(m->entries, dir, stem);
}

static void inode_changing(void *ctx, uint64_t ino)
{
    struct mount *m = ctx;
    struct store_record rec;
    const void *text;
    size_t len;
    if (ino_kind(ino) != INO_RECORD && ino_kind(ino) != INO_JOB)
        return;
    struct store_read *r = store_read_begin(m->store);
    if (r && store_get(r, ino, &rec) == 0 && store_body(r, ino, &text, &len) == 0)
        notifier_hold(m->inodes, numbers_shown(m->numbers, ino), text, len, rec.mtime_ns);
    if (r)
        store_read_end(r);
}

static void write_over(void *ctx)
{
    const struct mount *m = ctx;
    notifier_unhold(m->inodes);
}

static void inode_changed(void *ctx, uint64_t ino)
{
    struct mount *m = ctx;
    notifier_inode(m->inodes, numbers_shown(m->numbers, ino));
    each_parents_dir(m, ino, tell_inode, NULL);
    each_folder(m, ino, NULL);
}

static void entry_changed(void *ctx, uint64_t dir, const char *name)
{
    struct mount *m = ctx;
    notifier_entry(m->entries, dir, name);
    each_parents_dir(m, dir, tell_entry, name);
    each_folder(m, dir, name);
}

/* ------------------------------------------------------------------ making */

static int add_option(char **opts, const char *name, const char *value)
{
    char *text = NULL;
    if (asprintf(&text, "%s%s", name, value) < 0)
        return -ENOMEM;
    int r = fuse_opt_add_opt_escaped(opts, text);
    free(text);
    return r ? -ENOMEM : 0;
}

static int session_args(const struct mount *m, struct fuse_args *args)
{
    char *opts = NULL;
    int r = add_option(&opts, "fsname=lmsfs:", m->cache_dir);
    r = r ? r : add_option(&opts, "subtype=lmsfs", "");
    r = r ? r : add_option(&opts, "default_permissions", "");
    r = r ? r : add_option(&opts, "nosuid", "");
    r = r ? r : add_option(&opts, "nodev", "");
    if (m->options.allow_other)
        r = r ? r : add_option(&opts, "allow_other", "");
    if (m->options.read_only)
        r = r ? r : add_option(&opts, "ro", "");
    if (m->options.debug)
        r = r ? r : add_option(&opts, "debug", "");
    if (r == 0 && (fuse_opt_add_arg(args, "lmsfs") || fuse_opt_add_arg(args, "-o") || fuse_opt_add_arg(args, opts)))
        r = -ENOMEM;
    free(opts);
    return r;
}

/* fs.fuse.max_request_timeout (Linux 6.15): one request that is later than that ends the whole mount. */
static int request_ceiling_ms(void)
{
    FILE *f = fopen("/proc/sys/fs/fuse/max_request_timeout", "re");
    char line[32] = "";
    if (!f)
        return 0;
    long s = fgets(line, sizeof line, f) ? strtol(line, NULL, 10) : 0;
    fclose(f);
    if (s <= 0 || s > INT_MAX / 1000)
        return 0;
    return s * 1000 > 2 * BELOW_CEILING ? (int)(s * 1000) - BELOW_CEILING : (int)(s * 500);
}

struct counting {
    struct store *store;
    uint64_t count;
    int result;
    struct err *e;
};

static void count_mount(void *ctx)
{
    struct counting *c = ctx;
    c->result = store_mount_count(c->store, &c->count, c->e);
}

static int make_parts(struct mount *m, struct err *e)
{
    struct counting counting = {.store = m->store, .e = e};
    char *dir = NULL;
    engine_call(m->engine, count_mount, &counting); /* the ledger is the engine's to write */
    if (counting.result)
        return counting.result;
    uint64_t count = counting.count;
    int code;
    if (asprintf(&dir, "%s/scratch", m->cache_dir) < 0)
        return err_set(e, -ENOMEM, "out of memory");
    code = scratch_new(dir, count, m->options.max_scratch ? m->options.max_scratch : MAX_SCRATCH, &m->scratch, e);
    free(dir);
    if (code)
        return code;
    m->drafts = drafts_new(max_document(m));
    m->numbers = numbers_new(count);
    m->searches = searches_new();
    m->files = files_new(m->cache_dir);
    m->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!m->drafts || !m->numbers || !m->searches || !m->files || m->ended_fd < 0)
        return err_set(e, -ENOMEM, "out of memory");
    return 0;
}

static int make_session(struct mount *m, struct err *e)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    int code = session_args(m, &args);
    m->session = code ? NULL : fuse_session_new(&args, &mount_ops, sizeof mount_ops, m);
    fuse_opt_free_args(&args);
    if (!m->session)
        return err_set(e, -ENOMEM, "libfuse can't make a session");
    m->inodes = notifier_new(m->session, "lmsfs-inodes");
    m->entries = notifier_new(m->session, "lmsfs-entries");
    if (!m->inodes || !m->entries)
        return err_set(e, -ENOMEM, "out of memory");
    if (fuse_session_mount(m->session, m->mountpoint)) {
        if (access("/dev/fuse", F_OK))
            return err_set(e, -ENODEV, "there is no /dev/fuse: is the fuse module loaded?");
        return err_set(e, -EACCES, "can't mount on %s (fusermount3's reason is above, or in the log)", m->mountpoint);
    }
    m->mounted = true;
    m->connection = mountpoint_connection(m->mountpoint);
    code = wire_attach(m->session, &m->wire);
    return code ? err_set(e, code, "libfuse doesn't take our device functions: %s", strerror(-code)) : 0;
}

/* The path as mountinfo has it; a dead mount can't be resolved itself, and is taken as given. */
static char *real_path(const char *path)
{
    char *real = realpath(path, NULL);
    return real ? real : strdup(path);
}

int mount_new(struct engine *g, const char *cache_dir, const struct mount_options *o, struct mount **out, struct err *e)
{
    struct mount *m = calloc(1, sizeof *m);
    if (!m)
        return err_set(e, -ENOMEM, "out of memory");
    m->engine = g;
    m->store = engine_store(g);
    m->options = *o;
    m->ended_fd = -1;
    m->connection = -1;
    m->began_ns = now_ns();
    m->ceiling_ms = request_ceiling_ms();
    pthread_mutex_init(&m->early_lock, NULL);
    pthread_mutex_init(&m->parked_lock, NULL);
    pthread_mutex_init(&m->asked_lock, NULL);
    pthread_mutex_init(&m->pollers_lock, NULL);
    pthread_mutex_init(&m->said_lock, NULL);
    m->mountpoint = real_path(o->mountpoint);
    m->cache_dir = strdup(cache_dir);
    m->options.mountpoint = m->mountpoint;
    int code = m->mountpoint && m->cache_dir ? mountpoint_check(m->mountpoint, e) : err_set(e, -ENOMEM, "out of memory");
    code = code ? code : make_parts(m, e);
    code = code ? code : make_session(m, e);
    if (code == 0) {
        const struct engine_hooks hooks = {.inode_changing = inode_changing,
                                           .inode_changed = inode_changed,
                                           .entry_changed = entry_changed,
                                           .write_over = write_over,
                                           .ctx = m};
        code = engine_add_hooks(g, &hooks);
        m->hooked = code == 0;
        if (code)
            err_set(e, code, "this daemon has as many mounts as it may have");
    }
    if (code) {
        mount_free(m);
        return code;
    }
    *out = m;
    return 0;
}

/* ------------------------------------------------------------------ serving */

struct seat {
    struct mount *m;
    struct fuse_buf *buf;
};

static void *worker(void *ctx)
{
    struct seat seat = *(struct seat *)ctx;
    struct fuse_session *se = seat.m->session;
    int ignored;
    free(ctx);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ignored);
    pthread_setname_np(pthread_self(), "lmsfs-fuse");
    while (!fuse_session_exited(se)) {
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &ignored);
        int n = fuse_session_receive_buf(se, seat.buf);
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &ignored);
        if (n == -EINTR || n == -EAGAIN)
            continue;
        if (n <= 0)
            break;
        fuse_session_process_buf(se, seat.buf);
    }
    const uint64_t one = 1;
    (void)!write(seat.m->ended_fd, &one, sizeof one);
    return NULL;
}

static int start_worker(struct mount *m, struct err *e)
{
    struct seat *seat = malloc(sizeof *seat);
    if (!seat)
        return err_set(e, -ENOMEM, "out of memory");
    *seat = (struct seat){m, &m->buffers[m->workers_n]};
    int r = pthread_create(&m->workers[m->workers_n], NULL, worker, seat);
    if (r) {
        free(seat);
        return err_set(e, -r, "can't start a thread: %s", strerror(r));
    }
    m->workers_n++;
    return 0;
}

int mount_start(struct mount *m, struct err *e)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = m->options.workers          ? m->options.workers
                 : processors < 2            ? 2
                 : processors < WORKERS_MOST ? (unsigned)processors
                                             : WORKERS_MOST;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = notifier_start(m->inodes, e);
    code = code ? code : notifier_start(m->entries, e);
    while (code == 0 && m->workers_n < n && m->workers_n < MAX_WORKERS)
        code = start_worker(m, e);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

int mount_ended_fd(struct mount *m)
{
    return m->ended_fd;
}

/* ------------------------------------------------------------------ ending */

void mount_quiesce(struct mount *m)
{
    for (unsigned i = 0; i < m->workers_n; i++)
        pthread_cancel(m->workers[i]);
    for (unsigned i = 0; i < m->workers_n; i++) {
        pthread_join(m->workers[i], NULL);
        free(m->buffers[i].mem);
        m->buffers[i].mem = NULL;
    }
    m->workers_n = 0;
}

/* The engine calls us no more once this is through. */
static void unhook(struct mount *m)
{
    if (m->hooked)
        engine_drop_hooks(m->engine, m);
    m->hooked = false;
}

bool mount_left(struct mount *m)
{
    uint64_t before, after;
    if (!m->leaving) {
        mount_quiesce(m);
        unhook(m);
        m->leaving = true;
    }
    if (parked_count(m, &before)) {
        parked_interrupt(m); /* again: the engine's queue may have been full */
        return false;
    }
    if (notifier_drain(m->inodes, 0) || notifier_drain(m->entries, 0))
        return false;
    return parked_count(m, &after) == 0 && after == before; /* an answer that a notifier gave may have asked anew */
}

void mount_free(struct mount *m)
{
    if (!m)
        return;
    mount_quiesce(m);
    unhook(m);
    /* A notification may wait for a lock whose holder waits for an answer that nobody gives any more: cutting the connection frees it. */
    bool stuck = notifier_drain(m->inodes, DRAIN_MS) != 0;
    stuck |= notifier_drain(m->entries, stuck ? 0 : DRAIN_MS) != 0;
    if (stuck && m->mounted)
        connection_abort(m->connection);
    notifier_free(m->inodes);
    notifier_free(m->entries);
    pollers_free_all(m);
    if (m->mounted)
        fuse_session_unmount(m->session);
    if (m->session)
        fuse_session_destroy(m->session);
    scratch_free(m->scratch);
    drafts_free(m->drafts);
    numbers_free(m->numbers);
    searches_free(m->searches);
    files_free(m->files);
    asked_free(m);
    if (m->ended_fd >= 0)
        close(m->ended_fd);
    pthread_mutex_destroy(&m->early_lock);
    pthread_mutex_destroy(&m->parked_lock);
    pthread_mutex_destroy(&m->asked_lock);
    pthread_mutex_destroy(&m->pollers_lock);
    pthread_mutex_destroy(&m->said_lock);
    control_free(m);
    free(m->mountpoint);
    free(m->cache_dir);
    free(m);
}
