/* cli.h — the commands. Each gets its own name in argv[0] and returns the exit status. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "lmsfs/err.h"

enum { DONE = 0, FAILED = 1, MISUSED = 2 };

int cmd_mount(int argc, char **argv);
int cmd_mount_helper(int argc, char **argv); /* as mount(8) calls mount.lmsfs: CONFIG MOUNTPOINT [-sfnv] [-o OPTIONS] */
int cmd_umount(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_ask(int argc, char **argv); /* status, why, refresh, … : what the daemon is asked */
int cmd_log(int argc, char **argv);
int cmd_sandbox(int argc, char **argv);
int cmd_demo(int argc, char **argv);

/* "lmsfs: <text>" on stderr; FAILED. */
int complain(const struct err *e);
/* "lmsfs <command>: <text>; see `lmsfs help <command>`" on stderr; MISUSED. */
int misused(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
