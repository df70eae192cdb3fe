/* spawn.h — other programs, started without a shell and without what this process blocks or ignores. */
#ifndef CLI_SPAWN_H
#define CLI_SPAWN_H

#include "lmsfs/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct spawn {
    char *const *argv; /* argv[0] is looked for in PATH */
    char *const *env;  /* NULL: ours */
    const char *cwd;   /* NULL: ours */
    int input;         /* fd, or -1: /dev/null */
    int output;        /* fd for stdout and stderr, or -1: ours */
    bool own_group;    /* a process group of its own, so that all of it can be signalled */
};
/* 0 and *pid, which the caller waits for, or -errno with a sentence. */
int spawn_start(const struct spawn *s, pid_t *pid, struct err *e);
/* Runs it to its end; *status as from waitpid. What it prints goes to `text`, at most size-1 bytes of it. */
int spawn_capture(struct spawn *s, char *text, size_t size, int *status, struct err *e);

/* A program that is installed with ours: beside our own executable, in ../libexec, or in PATH. -ENOENT with a sentence. */
int spawn_find(const char *program, char *path, size_t size, struct err *e);
/* Our own executable. */
int spawn_self(char *path, size_t size, struct err *e);

#endif
