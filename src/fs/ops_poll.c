/* ops_poll.c — poll, select and epoll on a job that isn't over: readable when it is.
 *
 * Only a descriptor opened with O_NONBLOCK gets here with its job under way (any other open waited). The kernel hands over a poll handle
 * for each file that somebody polls; the last one is kept until the job is over or the file is closed. One ask a job waits for them all.
 */
#include "attr.h"
#include "ops.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <utlist.h>

#define READABLE (POLLIN | POLLRDNORM)
#define ANYTHING (READABLE | POLLOUT | POLLWRNORM)

struct poller { /* an open file that is polled */
    uint64_t job, fh;
    struct fuse_pollhandle *handle;
    struct poller *prev, *next;
};

uint64_t poll_number(struct mount *m)
{
    return (uint64_t)(atomic_fetch_add(&m->polled_n, 1) + 1) << 8; /* above the FH_ bits */
}

/* Those of a job, or of one file, off the list. */
static struct poller *pollers_take(struct mount *m, uint64_t job, uint64_t fh)
{
    struct poller *taken = NULL, *p, *next;
    pthread_mutex_lock(&m->pollers_lock);
    DL_FOREACH_SAFE(m->pollers, p, next)
    {
        /* cppcheck takes utlist's loops for a use before the first. */
        if (fh ? p->fh != fh : p->job != job) /* cppcheck-suppress uninitvar */
            continue;
        DL_DELETE(m->pollers, p);
        DL_APPEND(taken, p);
    }
    pthread_mutex_unlock(&m->pollers_lock);
    return taken;
}

static void pollers_free(struct poller *list)
{
    struct poller *p, *next;
    DL_FOREACH_SAFE(list, p, next)
    {
        fuse_pollhandle_destroy(p->handle);
        free(p); /* cppcheck-suppress uninitvar */
    }
}

/* Takes over the handle. *first: nobody waits for that job yet. false: no memory. */
static bool poller_add(struct mount *m, uint64_t job, uint64_t fh, struct fuse_pollhandle *handle, bool *first)
{
    struct poller *p, *mine = NULL;
    struct poller *fresh = calloc(1, sizeof *fresh);
    *first = true;
    pthread_mutex_lock(&m->pollers_lock);
    DL_FOREACH(m->pollers, p)
    {
        if (p->job == job) /* cppcheck-suppress uninitvar */
            *first = false;
        if (p->fh == fh)
            mine = p;
    }
    if (mine) {
        fuse_pollhandle_destroy(mine->handle);
        mine->handle = handle;
    } else if (fresh) {
        *fresh = (struct poller){.job = job, .fh = fh, .handle = handle};
        DL_APPEND(m->pollers, fresh);
    }
    pthread_mutex_unlock(&m->pollers_lock);
    if (mine)
        free(fresh);
    else if (!fresh)
        fuse_pollhandle_destroy(handle);
    return mine || fresh;
}

void poll_closed(struct mount *m, uint64_t fh)
{
    pollers_free(pollers_take(m, 0, fh));
}

void pollers_free_all(struct mount *m)
{
    pollers_free(m->pollers);
}

/* By the notifier, behind the job's invalidation. */
static void wake(struct parked *p)
{
    struct poller *list = pollers_take(p->m, p->ino, 0), *w;
    DL_FOREACH(list, w)
    {
        fuse_lowlevel_notify_poll(w->handle);
    }
    pollers_free(list);
    park_free(p);
}

/* Over, or out of time: who polls looks again, and waits anew if need be. */
static void job_asked(struct parked *p, int result)
{
    (void)result;
    p->answer = wake;
    notifier_inode(p->m->inodes, p->ino);
    notifier_answer(p->m->inodes, p);
}

static void wait_for_job(struct mount *m, uint64_t job)
{
    struct parked *p = park_new(m, NULL, ASK_JOB, job, job_asked);
    if (!p)
        return;
    p->ask.timeout_ms = park_timeout(m, tree_tenant(m, job)->conf->job_timeout);
    park(p, PARK_FIRM);
}

static bool job_pending(struct mount *m, uint64_t ino)
{
    struct store_record rec;
    struct sight s = {0};
    struct store_read *r = store_read_begin(m->store);
    bool pending = r && sight_of(r, ino, &rec, &s) == 0 && s.pending;
    if (r)
        store_read_end(r);
    return pending;
}

void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *handle)
{
    struct mount *m = mount_of(req);
    bool first = false;
    if (ino_kind(ino) != INO_JOB || !job_pending(m, ino)) {
        if (handle)
            fuse_pollhandle_destroy(handle);
        fuse_reply_poll(req, ino_kind(ino) == INO_JOB ? READABLE : ANYTHING);
        return;
    }
    if (handle && !poller_add(m, ino, fi->fh, handle, &first)) {
        reply_code(req, -ENOMEM);
        return;
    }
    fuse_reply_poll(req, 0);
    if (handle && first)
        wait_for_job(m, ino);
}
