/* print_log.h — lines of the audit log, for people and for programs. Whatever a line holds, nothing of it can steer a terminal. */
#ifndef CLI_PRINT_LOG_H
#define CLI_PRINT_LOG_H

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

/* Is the line of this path, or of something below? Lines of what was lost may be of any. path "": every line is. */
bool log_is_of(const char *text, size_t len, const char *path);

#endif
