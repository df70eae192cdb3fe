/* join.h — another mount on the engine of a daemon that runs: how it is asked for, and how that daemon reads it. */
#ifndef CLI_JOIN_H
#define CLI_JOIN_H

#include "lmsfs/conf.h"
#include "lmsfs/err.h"
#include "lmsfs/mount.h"
#include <jansson.h>

/* Asks the daemon of conf->cache_dir. 0: it is mounted. -ECONNREFUSED: no daemon serves that folder (one that was ending is waited for).
 * -EEXIST: it runs with another configuration; the sentence names a key that differs. Else what the mount failed with. */
int join_ask(const struct conf *conf, const struct mount_options *o, struct err *e);
/* For a mount in the foreground: stays until it is unmounted (0) or the daemon ends (-EPIPE). On SIGTERM, SIGINT or SIGHUP it unmounts. */
int join_stay(const struct conf *conf, const char *mountpoint, struct err *e);

/* The daemon's side: what was asked for, once it was found to be of the same configuration. o->mountpoint points into the request. */
int join_read(const json_t *request, const struct conf *conf, struct mount_options *o, struct err *e);

#endif
