/* check.c — looking at an environment in a child process, before we open it ourselves.
 *
 * LMDB believes its pages: a file cut short is SIGBUS, scribbled pages are SIGSEGV or abort() in most runs. So a child looks first, and
 * when it dies that is the finding. It opens without LMDB's locks: the folder's lock keeps writers out.
 */
#include "store_internal.h"

#include "base/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WHOLE_WALK_S 600 /* the most that any walk may take, in seconds */

struct look {
    const struct env_shape *shape;
    MDB_env *mdb;
    MDB_txn *txn;
    MDB_dbi tables[ENV_TABLES_MAX];
    bool absent[ENV_TABLES_MAX]; /* tables that its revision doesn't have yet */
    uint64_t last_page;
    int64_t deadline;
    struct found found;
};

const char *check_words(enum check c)
{
    switch (c) {
    case CHECK_SOUND:
        return "sound";
    case CHECK_ABSENT:
        return "missing";
    case CHECK_SHORT:
        return "cut short";
    case CHECK_META:
        return "no LMDB file (its first pages are damaged)";
    case CHECK_FOREIGN:
        return "not lmsfs's";
    case CHECK_SCHEMA:
        return "of another schema";
    case CHECK_DAMAGED:
        return "damaged";
    case CHECK_FAILED:
        break;
    }
    return "not to be checked";
}

static bool late(const struct look *l)
{
    return monotonic_ms() >= l->deadline;
}

/* ------------------------------------------------------------------ the walk (in the child) */

/* LMDB's own table of free pages: a count and as many page numbers, all inside the file. */
static bool free_list_sound(struct look *l)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    int rc = mdb_cursor_open(l->txn, 0, &cursor);
    while (rc == 0 && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        size_t n, page;
        if (key.mv_size != sizeof n || value.mv_size < sizeof n)
            return false;
        memcpy(&n, value.mv_data, sizeof n);
        if (n > value.mv_size / sizeof n - 1)
            return false;
        for (size_t i = 1; i <= n; i++) {
            memcpy(&page, (const char *)value.mv_data + i * sizeof page, sizeof page);
            if (page < 2 || page > l->last_page)
                return false;
        }
    }
    return rc == MDB_NOTFOUND;
}

/* Is every page of it there? SIGBUS says no. */
static void touch(const MDB_val *v)
{
    const volatile unsigned char *p = v->mv_data;
    for (size_t at = 0; at < v->mv_size; at += 4096)
        (void)p[at];
    if (v->mv_size)
        (void)p[v->mv_size - 1];
}

static int key_order(const unsigned char *before, size_t before_len, const MDB_val *key)
{
    size_t n = before_len < key->mv_size ? before_len : key->mv_size;
    int order = memcmp(before, key->mv_data, n);
    return order ? order : (before_len > key->mv_size) - (before_len < key->mv_size);
}

/* Keys rise, as many as the table says, and each entry is one of ours. */
static bool table_sound(struct look *l, unsigned t)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    MDB_stat stat;
    unsigned char before[512];
    size_t before_len = 0;
    uint64_t n = 0;
    if (mdb_stat(l->txn, l->tables[t], &stat) || mdb_cursor_open(l->txn, l->tables[t], &cursor))
        return false;
    int rc;
    while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (key.mv_size == 0 || key.mv_size > 511 || (n > 0 && key_order(before, before_len, &key) >= 0))
            return false;
        memcpy(before, key.mv_data, key.mv_size);
        before_len = key.mv_size;
        touch(&value);
        if (l->shape->tables[t].sound && !l->shape->tables[t].sound(&key, &value))
            return false;
        if (++n % 256 == 0 && late(l))
            return true;
    }
    return rc == MDB_NOTFOUND && n == stat.ms_entries;
}

static enum check walk(struct look *l)
{
    if (!free_list_sound(l))
        return CHECK_DAMAGED;
    for (unsigned t = 0; t < l->shape->n && !late(l); t++)
        if (!l->absent[t] && !table_sound(l, t))
            return CHECK_DAMAGED;
    return CHECK_SOUND;
}

/* ------------------------------------------------------------------ the first pages (in the child) */

static enum check open_first(struct look *l, const char *path, size_t map_size, bool *cut)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat st;
    int fd;
    if (mdb_env_create(&l->mdb) || mdb_env_set_mapsize(l->mdb, map_size) || mdb_env_set_maxdbs(l->mdb, ENV_TABLES_MAX))
        return CHECK_FAILED;
    switch (mdb_env_open(l->mdb, path, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0600)) {
    case 0:
        break;
    case ENOMEM: /* for a map of our size, or of one that scribbled pages ask for? */
        return mmap(NULL, map_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED
                   ? CHECK_FAILED
                   : CHECK_META;
    case EACCES:
    case EMFILE:
    case ENFILE:
        return CHECK_FAILED;
    default:
        return CHECK_META;
    }
    if (mdb_env_info(l->mdb, &info) || mdb_env_stat(l->mdb, &stat) || mdb_env_get_fd(l->mdb, &fd) || fstat(fd, &st))
        return CHECK_META;
    l->last_page = info.me_last_pgno;
    if (info.me_last_pgno >= map_size / stat.ms_psize)
        return CHECK_META; /* no file of ours grows like that: the number is scribbled */
    *cut = (uint64_t)st.st_size < ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    return CHECK_SOUND;
}

/* A number of "meta"; 0 where there is none. */
static int meta_number(struct look *l, const char *name, uint32_t *out)
{
    MDB_val key = {strlen(name), (void *)name}, value;
    *out = 0;
    int rc = mdb_get(l->txn, l->tables[0], &key, &value);
    if (rc == 0 && value_struct(&value, out, sizeof *out))
        *out = 0;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int meta_signature(struct look *l)
{
    MDB_val key = {10, "written-by"}, value;
    struct found *f = &l->found;
    int rc = meta_number(l, "schema", &f->schema);
    if (rc == 0)
        rc = meta_number(l, "revision", &f->revision);
    if (rc == 0 && mdb_get(l->txn, l->tables[0], &key, &value) == 0 && value.mv_size < sizeof f->written_by) {
        memcpy(f->written_by, value.mv_data, value.mv_size);
        for (char *c = f->written_by; *c; c++)
            if (*c < 0x21 || *c > 0x7e)
                *c = '?'; /* it goes into a sentence */
    }
    return rc;
}

/* Is it ours? Where a marker says that it was (`marked`), tables that can't be opened are damage; where none does, they are another's. */
static enum check open_tables(struct look *l, bool marked)
{
    const enum check not_ours = marked ? CHECK_DAMAGED : CHECK_FOREIGN;
    MDB_stat stat;
    MDB_dbi main_table;
    if (mdb_txn_begin(l->mdb, NULL, MDB_RDONLY, &l->txn))
        return CHECK_META;
    if (mdb_dbi_open(l->txn, NULL, 0, &main_table) || mdb_stat(l->txn, main_table, &stat))
        return CHECK_DAMAGED;
    for (unsigned t = 0; t < l->shape->n; t++) {
        int rc = mdb_dbi_open(l->txn, l->shape->tables[t].name, 0, &l->tables[t]);
        if (rc == MDB_NOTFOUND && t == 0)
            return stat.ms_entries ? not_ours : CHECK_ABSENT; /* killed before the first commit */
        if (rc == MDB_NOTFOUND && l->found.revision < l->shape->tables[t].since) {
            l->absent[t] = true; /* an older one's: made when it is opened */
            continue;
        }
        if (rc)
            return rc == MDB_INCOMPATIBLE ? not_ours : CHECK_DAMAGED;
        if (t > 0)
            continue;
        if (meta_signature(l))
            return CHECK_DAMAGED;
        if (l->found.schema == 0)
            return not_ours;
        if (l->found.schema != l->shape->schema)
            return CHECK_SCHEMA;
    }
    return CHECK_SOUND;
}

/* A file shorter than its last page says may be what a kill in a commit left: then nothing that is in use is missing, which only a walk
 * to the end can tell. */
static enum check look(struct look *l, const char *path, size_t map_size, int walk_ms)
{
    bool cut = false;
    enum check found = open_first(l, path, map_size, &cut);
    if (found != CHECK_SOUND)
        return found;
    if (cut && walk_ms == 0)
        return CHECK_SHORT;
    found = open_tables(l, walk_ms > 0);
    if (found != CHECK_SOUND || walk_ms == 0)
        return found;
    l->deadline = cut ? INT64_MAX : monotonic_ms() + walk_ms;
    return walk(l);
}

/* ------------------------------------------------------------------ the child */

static void child_prepare(pid_t parent)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM};
    struct rlimit none = {0, 0};
    sigset_t all;
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
        signal(deadly[i], SIG_DFL);
    sigemptyset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(CHECK_FAILED);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0)
        dup2(null, STDERR_FILENO); /* LMDB's last words */
    alarm(WHOLE_WALK_S);
}

/* The verdict comes through a pipe and not as an exit status: whoever started us may have SIGCHLD ignored. */
enum check env_check(const struct env_shape *shape, const char *path, size_t map_size, int walk_ms, struct found *out)
{
    int ends[2];
    *out = (struct found){.check = CHECK_FAILED};
    char *data = path_join(path, "data.mdb");
    if (!data)
        return CHECK_FAILED;
    int rc = access(data, F_OK) ? errno : 0;
    free(data);
    if (rc)
        return out->check = rc == ENOENT ? CHECK_ABSENT : CHECK_FAILED;
    if (pipe2(ends, O_CLOEXEC))
        return CHECK_FAILED;
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        child_prepare(parent);
        struct look l = {.shape = shape};
        l.found.check = look(&l, path, map_size, walk_ms);
        _exit(write(ends[1], &l.found, sizeof l.found) == sizeof l.found ? 0 : 1);
    }
    close(ends[1]);
    if (child > 0) {
        struct found told = {0};
        ssize_t n;
        do
            n = read(ends[0], &told, sizeof told);
        while (n < 0 && errno == EINTR);
        if (n == sizeof told)
            *out = told; /* less than a page: it comes whole */
        else if (n >= 0)
            out->check = CHECK_DAMAGED; /* it died over it */
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    return out->check;
}
