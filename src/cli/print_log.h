/* print_log.h — lines of the audit log, for people and for programs. Whatever a line holds, nothing of it can steer a terminal. */
#ifndef CLI_PRINT_LOG_H
#define CLI_PRINT_LOG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct log_view {
    bool colour;
    bool asked; /* `user` is the name of `uid` */
    uid_t uid;
    char user[64];
};

/* One line for people: when (local time), verdict, who, which file, what of it, job, duration. */
void print_log(FILE *to, struct log_view *v, const char *text, size_t len);
/* As it stands, one JSON object a line; what is no such line is {"damaged": "<its beginning>", "bytes": n}. */
void print_log_json(FILE *to, const char *text, size_t len);

struct log_of {
    const char *path;       /* a file or directory, as lines have it; "": every line is wanted */
    char id_path[PATH_MAX]; /* found on the way: the ID- name that the record had before */
};
/* Is the line of this path, or of something below? Also one that came to that record under another name (new.json). Asked for a file's lines
 * from the newest on, it knows what was saved under the ID- name that the record had before. Lines of what was lost may be of any. */
bool log_is_of(struct log_of *of, const char *text, size_t len);

#endif
