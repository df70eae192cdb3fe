/* park.h — a request that waits for the engine, holding nothing but its fuse_req_t.
 *
 *     struct parked *p = park_new(m, req, ASK_NAME, home, then);
 *     …  p->ask.name, what `then` needs …
 *     park(p, PARK_INTERRUPTIBLE);            p is gone from here on
 *
 * `then` runs once, on the engine's thread, or at once on the caller's when the engine takes no more (p->unasked). It replies and frees p,
 * or pushes p to the inode notifier with `answer` set, or asks anew with park_again().
 */
#ifndef FS_PARK_H
#define FS_PARK_H

#include "face.h"

struct parked {
    struct ask ask;
    struct mount *m;
    fuse_req_t req; /* NULL: nobody waits */
    void (*then)(struct parked *p, int result);
    void (*answer)(struct parked *p); /* by the notifier */
    int result;                       /* for `answer` */
    bool unasked;                     /* the engine didn't take it */
    struct parked *next, **link;      /* among the mount's that the engine has */
    struct settle settle;             /* its place among those that wait for a draft's verdict */

    /* of the request; what is used depends on it. Names are malloc'ed and freed with it */
    uint64_t ino, dir, to_dir;
    char *name, *to_name;
    struct fuse_file_info fi;
    mode_t mode;
    uint64_t seq;
};

/* NULL: the request was answered with ENOMEM. req may be NULL. */
struct parked *park_new(struct mount *m, fuse_req_t req, enum ask_kind kind, uint64_t ino,
                        void (*then)(struct parked *p, int result));
/* Copies; NULL is left NULL. false: no memory, then the request was answered and p freed. */
bool park_names(struct parked *p, const char *ask_name, const char *name, const char *to_name);
void park_free(struct parked *p);

enum park_how {
    PARK_FIRM,         /* goes on whatever signal comes: something is being changed */
    PARK_INTERRUPTIBLE /* ends with -EINTR */
};
void park(struct parked *p, enum park_how how);

/* While a mount ends and the engine goes on: whoever waits for what can be waited for no longer is interrupted. Any thread. */
void parked_interrupt(struct mount *m);
/* How many asks the engine has of this mount; *ever: how many it ever had. */
size_t parked_count(struct mount *m, uint64_t *ever);

/* Milliseconds for ask->timeout_ms of so many seconds, kept below what the kernel allows a request. 0 s: the tenant's own. */
int park_timeout(const struct mount *m, int seconds);

#endif
