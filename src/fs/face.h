/* face.h — one mount, as the files of this folder share it.
 *
 * Three kinds of numbers meet here. The *true* number of a record is the store's. The *shown* number is the one that the kernel knows it
 * by: the same, until an editor's rename carried it away (numbers.h). A scratch file's number is its own, or a carried one. resolve()
 * goes from the kernel's number to what it means now; numbers_shown() goes the other way, and nothing else may.
 *
 * Locks: those of scratch, drafts, numbers, notifiers, the parking list, the refresh table and the pollers are leaves: none is held while another is
 * taken, none during a wait, except that the parking list's is held around engine_ask (which takes the engine's queue).
 */
#ifndef FS_FACE_H
#define FS_FACE_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "counts.h"
#include "draft.h"
#include "lmsfs/mount.h"
#include "notify.h"
#include "numbers.h"
#include "scratch.h"
#include "wire.h"
#include <pthread.h>
#include <stdatomic.h>

#define CONSTANT     86400.0 /* seconds that the kernel may keep what only changes with a notification */
#define MAX_WRITE    (128 * 1024)
#define MAX_WORKERS  16
#define READERS_KEPT 16384 /* a power of two */
#define LOOKED_KEPT  256   /* a power of two */
#define CONTROL_KEPT 16    /* texts of the control directory that lookups keep */

struct early;    /* park.c */
struct parked;   /* park.h */
struct asked;    /* ops_dir.c */
struct poller;   /* ops_poll.c */
struct said;     /* ops_control.c */
struct searches; /* search.c */
struct files;    /* files.c */

struct mount {
    struct engine *engine;
    struct store *store;
    struct mount_options options; /* strings: mountpoint below */
    char *mountpoint, *cache_dir;
    int64_t began_ns; /* time of directories that have none of their own */
    int ceiling_ms;   /* no ask may wait longer: the kernel's own limit of a request; 0 = none */

    struct fuse_session *session;
    struct wire wire;
    struct counts counts;
    bool mounted, hooked, leaving;
    long connection; /* in /sys/fs/fuse/connections */
    pthread_t workers[MAX_WORKERS];
    struct fuse_buf buffers[MAX_WORKERS]; /* each worker's; freed after it was joined */
    unsigned workers_n;                   /* started */
    int ended_fd;

    struct notifier *inodes, *entries;
    struct scratch *scratch;
    struct drafts *drafts;
    struct numbers *numbers;
    struct searches *searches;
    struct files *files;

    pthread_mutex_t said_lock; /* the control directory's last texts that a lookup made */
    struct said *said[CONTROL_KEPT];
    size_t said_next;

    pthread_mutex_t early_lock; /* asks on their way to the engine */
    struct early *early;
    pthread_mutex_t parked_lock; /* asks that the engine has */
    struct parked *parked;
    size_t parked_n;
    uint64_t parked_ever;
    pthread_mutex_t asked_lock; /* when a refresh of a directory was last asked for */
    struct asked *asked;
    _Atomic uint64_t readers[READERS_KEPT]; /* who opened which record to read, lately: reader_key, at its place */
    atomic_uint_fast32_t looked[LOOKED_KEPT]; /* lookups of names in a directory, at its place: those that share one count for all */
    pthread_mutex_t pollers_lock; /* open jobs that somebody polls */
    struct poller *pollers;
    atomic_uint_fast64_t polled_n;
};

/* What a kernel's number means now. */
enum what {
    AT_NODE,     /* the store's or the tree's: ino is a true number */
    AT_SCRATCH,  /* a local file or symlink: ino is its number */
    AT_DOCUMENT, /* a record's name that isn't a record yet: its draft goes by ino */
};
struct at {
    enum what what;
    uint64_t ino;
};
struct at resolve(struct mount *m, uint64_t kernel_ino);

/* One of so many places, a power of two. */
static inline size_t place_of(uint64_t key, size_t places)
{
    return key * 0x9e3779b97f4a7c15u >> 32 & (places - 1);
}

static inline struct mount *mount_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}
/* Replies an error, given as 0 or -errno: the one place where the sign flips. */
void reply_code(fuse_req_t req, int code);
int64_t now_s(void);
int64_t now_ns(void);

/* fi->fh of files: what has to be known when a handle goes, whatever became of its inode. A job's is a number of its own. */
enum { FH_WRITER = 1, FH_SCRATCH = 2 };

#endif
