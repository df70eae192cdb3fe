/* print.h — the daemon's answers for people. Text from outside is never sent to a terminal as it came. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/* Control characters, which could steer the terminal, become '?'. */
void print_text(FILE *to, const char *text);
/* 2261 as "2,261". Returns buf. */
char *print_count(long long n, char buf[static 32]);
/* How long ago, for people: "3 s", "5 min", "2 h", "4 days". Returns buf. */
char *print_age(long long seconds, char buf[static 32]);

void print_status(FILE *to, const char *mountpoint, const json_t *status);
/* Any other answer: what is known of it in the order people want, then whatever else there is. */
/* The URL alone where there is one, so that curl "$(lmsfs url …)" works; else a line each, its name before it. */
void print_urls(FILE *to, const json_t *urls);
void print_answer(FILE *to, const json_t *answer);

#endif
