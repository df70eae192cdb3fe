/* daemon.h — the life of a mount's process: detached or in the foreground, from readiness to its end. */
#ifndef CLI_DAEMON_H
#define CLI_DAEMON_H

#include "lmsfs/conf.h"
#include "lmsfs/err.h"
#include "lmsfs/mount.h"
#include <stdbool.h>
#include <sys/types.h>

/* What this process may not do once it holds secrets: leave a core dump, be read by others. Before conf_load. */
void daemon_harden(void);

/* How the daemon tells who started it what became of it. fd < 0: in the foreground, straight to stderr. */
struct report {
    int fd;
};

/* Forks. In the parent *child is the pid; what the child reports is then to be heard by daemon_hear. In the child, which
 * leads a session of its own, *child is 0 and `r` reports. Nothing that a fork would tear may be open: no store, no thread. */
int daemon_detach(struct report *r, pid_t *child, struct err *e);
/* Prints the child's warnings until it is ready (0) or failed (its error). Bounded. */
int daemon_hear(struct report *r, pid_t child, struct err *e);

/* Mounts and serves until it is told to end, by a signal or by an unmount. `conf` stays the caller's. 0, or -errno with
 * `e` set; what was reported as ready never fails. -EALREADY: a daemon serves that cache folder already. */
int daemon_serve(const struct conf *conf, const struct mount_options *o, struct report *r, struct err *e);

/* A line in the log of the cache folder; false in the foreground, where there is none. Main thread. */
bool log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define PID_FILE     "lmsfs.pid"
#define LOG_FILE     "lmsfs.log"
#define LOG_FILE_OLD "lmsfs.log.1"

#endif
