/* wire.c — reads and writes of the FUSE device. */
#include "face.h"

#include <errno.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"

#define NOTIFY_INC_EPOCH 8 /* linux/fuse.h of 6.16 */

#define WATCH_NS 50000

/* Returns when there is a request, or after WATCH_NS. Whoever else wants this processor gets it. */
static void watch(struct wire *w, int fd)
{
    struct pollfd device = {.fd = fd, .events = POLLIN};
    if (!w->may_watch || atomic_flag_test_and_set(&w->watching))
        return;
    for (int64_t until = monotonic_ns() + WATCH_NS; poll(&device, 1, 0) == 0 && monotonic_ns() < until;)
        sched_yield();
    atomic_flag_clear(&w->watching);
}

static ssize_t wire_read(int fd, void *buf, size_t len, void *userdata)
{
    struct mount *m = userdata;
    watch(&m->wire, fd);
    ssize_t n = read(fd, buf, len);
    const struct fuse_in_header *in = buf;
    if (n >= (ssize_t)sizeof *in)
        count_op(&m->counts, in->opcode);
    if (n >= (ssize_t)(sizeof *in + sizeof(uint32_t) * 4) && in->opcode == FUSE_INIT) {
        const struct fuse_init_in *init = (const void *)(in + 1);
        m->wire.init = (init->flags & FUSE_PARALLEL_DIROPS) ? in->unique : 0;
    }
    return n;
}

static ssize_t wire_writev(int fd, struct iovec *iov, int count, void *userdata)
{
    struct mount *m = userdata;
    const struct fuse_out_header *out = iov[0].iov_base;
    uint64_t asked = atomic_load_explicit(&m->wire.init, memory_order_relaxed);
    if (asked && count >= 2 && out->unique == asked && out->error == 0 && iov[1].iov_len >= sizeof(uint32_t) * 4) {
        struct fuse_init_out *init = iov[1].iov_base;
        init->flags |= FUSE_PARALLEL_DIROPS;
        m->wire.init = 0;
    }
    return writev(fd, iov, count);
}

int wire_attach(struct fuse_session *se, struct wire *w)
{
    static const struct fuse_custom_io io = {.read = wire_read, .writev = wire_writev};
    w->may_watch = sysconf(_SC_NPROCESSORS_ONLN) > 1;
    return fuse_session_custom_io(se, &io, fuse_session_fd(se));
}

void wire_new_epoch(struct fuse_session *se)
{
    struct fuse_out_header out = {.len = sizeof out, .error = NOTIFY_INC_EPOCH};
    if (write(fuse_session_fd(se), &out, sizeof out) < 0)
        return; /* an older kernel: names are looked up again when their time is over */
}
