/* print.h — the daemon's answers for people. Text from outside is never sent to a terminal as it came. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Should standard output have colours? On a terminal that knows them, and not where NO_COLOR is set. */
bool print_colours(void);
/* Control characters, which could steer the terminal, become '?'; so do those that turn the order of what follows around. */
void print_text(FILE *to, const char *text);
/* Bytes of such a character at the beginning of `text`, and which it is; 0: it is none. */
size_t print_obeyed(const char *text, size_t len, unsigned *code);
/* 2261 as "2,261". Returns buf. */
char *print_count(long long n, char buf[static 32]);
/* How long ago, for people: "3 s", "5 min", "2 h", "4 days". Returns buf. */
char *print_age(long long seconds, char buf[static 32]);

/* "3 s ago" of an ISO 8601 time, or the text itself where it is no time. */
void print_ago(FILE *to, const char *iso);
/* The members of an object that the printer has no place of its own for: what a newer daemon says reaches people too.
 * known ends in NULL; before and after stand around each. */
void print_others(FILE *to, const json_t *object, const char *const *known, const char *before, const char *after);

struct status_view {
    const char *mountpoint; /* NULL: not known */
    const char *tenant;     /* the only one whose collections are shown; NULL: all of them */
    bool verbose;           /* collections and traffic too */
    bool colour;
};
/* The state of a daemon: a table with a line a tenant, below it what somebody should know of. NULL view: the table, plain. */
void print_status(FILE *to, const struct status_view *view, const json_t *status);
/* Any other answer: what is known of it in the order people want, then whatever else there is. */
void print_answer(FILE *to, const json_t *answer);
/* The URL alone where there is one, so that curl "$(lmsfs url …)" works; else a line each, its name before it. */
void print_urls(FILE *to, const json_t *urls);

#endif
