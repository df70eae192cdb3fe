/* demo_stage.h — what the demo plays on: a folder of its own, the sandbox, a mount, and commands that are really run. */
#ifndef CLI_DEMO_STAGE_H
#define CLI_DEMO_STAGE_H

#include "lmsfs/err.h"
#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define STAGE_OUTPUT 65536

struct stage {
    char self[PATH_MAX]; /* our executable */
    char dir[PATH_MAX];  /* the folder, removed at the end */
    char mountpoint[PATH_MAX];
    char url[64];  /* of the sandbox */
    char **env;    /* of the commands */
    pid_t sandbox; /* 0: not running */
    bool mounted;
    bool interactive;          /* somebody watches: wait for Enter */
    int signals;               /* SIGINT and SIGTERM come here */
    char output[STAGE_OUTPUT]; /* what the last command printed */
};

/* The folder, the sandbox with `people` people, and a configuration; mountpoint NULL: one in the folder. Ends with
 * stage_strike, also after a failure. */
int stage_set(struct stage *s, const char *mountpoint, unsigned people, struct err *e);
/* Unmounts, ends the sandbox, removes the folder. What can't be undone is said and makes it fail. */
int stage_strike(struct stage *s, struct err *e);

enum outcome { SUCCEEDS, FAILS };
/* Prints `$ command`, runs it with sh in the mount (before it is mounted: in the folder) and prints what it prints. An
 * error when it ends otherwise than expected, doesn't print `text` (NULL: anything), takes a minute, or a signal came. */
int stage_run(struct stage *s, const char *command, enum outcome expected, const char *text, struct err *e);
/* Waits for Enter where somebody watches. -EINTR for a signal. */
int stage_pause(struct stage *s, const char *prompt, struct err *e);
/* Asks the sandbox's control interface; *reply is a new reference. */
int stage_get(struct stage *s, const char *path, json_t **reply, struct err *e);

#endif
