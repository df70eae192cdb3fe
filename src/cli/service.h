/* service.h — an engine with its control socket and its mounts: made, added to, ended. The main thread's. */
#ifndef CLI_SERVICE_H
#define CLI_SERVICE_H

#include "control.h"
#include "lmsfs/conf.h"
#include "lmsfs/err.h"
#include "lmsfs/mount.h"
#include <stdbool.h>

#define SERVICE_MOUNTS 8

struct service_mount {
    struct mount *mount;
    char *mountpoint;
    bool leaving; /* unmounted; what it still has under way is waited for */
};

struct service {
    const struct conf *conf;
    const struct conf *reread; /* after SIGHUP: whose credentials are used; the engine's. NULL: conf's */
    struct engine *engine;
    struct control_server *control;
    struct service_mount mounts[SERVICE_MOUNTS];
    size_t mounts_n;
    bool started;
};

/* The engine, its first mount and the control socket. A warning comes back in *warning. -EALREADY: a daemon serves that cache folder. */
int service_start(struct service *s, const struct conf *conf, const struct mount_options *o, struct err *warning,
                  struct err *e);
/* Serves until a signal comes (a descriptor of signalfd(2)) or the last mount is unmounted; says which. */
const char *service_wait(struct service *s, int signals);
/* Ends what there is of it; after a failed start too. */
void service_end(struct service *s, int grace_ms);

#endif
