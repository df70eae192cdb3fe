/* sections.h — an INI text as sections of keys, each with its line. Says nothing about which of them mean anything. */
#ifndef LMSFS_CONF_SECTIONS_H
#define LMSFS_CONF_SECTIONS_H

#include "lmsfs/err.h"
#include <stddef.h>

struct entry {
    char *key, *value; /* the value may be a secret */
    int line;
};

struct section {
    char *name;
    int line;
    struct entry *entries; /* keys are unique */
    size_t n;
};

struct sections {
    struct section *list; /* names are unique */
    size_t n;
};

/* libinih's grammar without its leniency: "key = value" or "key: value", ';' after a blank starts a comment, as ';' and '#' do at the
 * start of a line. Refused, with file and line: keys outside of a section, a second section or key of the same name, an empty value,
 * control characters, anything after a section's ']', a line longer than libinih can hold. A BOM, CRLF and a missing end of line at the
 * end are fine; indentation means nothing. `file` is for the messages. Values never get into a message. */
int sections_parse(const char *file, const char *text, size_t len, struct sections *out, struct err *e);
void sections_release(struct sections *s); /* wipes the values */

/* How a message may call a key: its name, or "this key" where the name doesn't look like one — then it may be a piece of a secret. */
const char *key_in_message(const char *key);

/* NULL if there is none such. */
const struct entry *section_entry(const struct section *s, const char *key);

#endif
