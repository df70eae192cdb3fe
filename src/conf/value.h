/* value.h — configuration values: text into numbers, words, URLs. The errors are sentences that go after "<key>: ". */
#ifndef LMSFS_CONF_VALUE_H
#define LMSFS_CONF_VALUE_H

#include "lmsfs/err.h"
#include <stddef.h>

struct key;

/* Stores `value` at obj + key->offset. 0 or -errno. */
typedef int value_parser(const struct key *k, void *obj, const char *value, struct err *e);

struct key {
    const char *name;
    value_parser *parse;
    size_t offset;            /* of what it is stored in */
    size_t min, max;          /* numbers */
    const char *const *words; /* words: NULL-terminated, in the order of their enum */
};

value_parser value_seconds; /* int */
value_parser value_number;  /* int */
value_parser value_size;    /* size_t, in bytes: 65536, 64K, 8M, 1G */
value_parser value_yesno;   /* bool */
value_parser value_word;    /* an enum: the word's index */
value_parser value_path;    /* char *: absolute, without slashes at the end */
value_parser value_base_url; /* char *: https, or http to loopback; no user, query or fragment; without slashes at the end */
value_parser value_secret;    /* char *: secret.h */
value_parser value_actor;     /* char *: EMAIL-…, EXT-… or ID-… */
value_parser value_successor; /* char *: manager, EXT-… or ID-… */
/* conf_options of conf.h: one more of them */
value_parser value_option_yesno, value_option_text;
struct conf_options;
void conf_options_release(struct conf_options *o);

value_parser value_names; /* char **, NULL-terminated: collection names with blanks between them */

#endif
