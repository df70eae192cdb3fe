/* wire.h — the device's reads and writes, so that INIT can say what libfuse 3.14 forgets to.
 *
 * FUSE_PARALLEL_DIROPS is never sent by 3.14.0 (libfuse pull request 861), and without it one lookup that waits puts every other lookup
 * and readdir of its directory into D state.
 */
#ifndef FS_WIRE_H
#define FS_WIRE_H

#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>

struct wire {
    uint64_t init; /* the INIT request's number, until it is answered */
    bool offered;  /* the kernel knows the flag */
};
/* After fuse_session_mount. The session's userdata is a struct mount, whose wire is used. 0 or -errno. */
int wire_attach(struct fuse_session *se);

/* Have the kernel look at every name again (Linux 6.16; ignored before). For when single notifications were lost. */
void wire_new_epoch(struct fuse_session *se);

#endif
