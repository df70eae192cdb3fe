/* wire.h — the device's reads and writes: INIT says what libfuse 3.14 forgets to, and a worker stays awake for the request that follows.
 *
 * FUSE_PARALLEL_DIROPS is never sent by 3.14.0 (libfuse pull request 861), and without it one lookup that waits puts every other lookup
 * and readdir of its directory into D state.
 *
 * To wake a worker on a sleeping processor takes longer than most answers do. A program that reads files asks again at once, so for a
 * moment after each request one worker watches the device instead of sleeping in a read of it.
 */
#ifndef FS_WIRE_H
#define FS_WIRE_H

#include <fuse_lowlevel.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct wire {
    _Atomic uint64_t init; /* the INIT request's number, until it is answered; 0: the kernel doesn't know the flag */
    bool may_watch;        /* there is a second processor for those who ask */
    atomic_flag watching;  /* a worker does */
};
/* After fuse_session_mount. The session's userdata is a struct mount, whose wire is `w`. 0 or -errno. */
int wire_attach(struct fuse_session *se, struct wire *w);

/* Have the kernel look at every name again (Linux 6.16; ignored before). For when single notifications were lost. */
void wire_new_epoch(struct fuse_session *se);

#endif
