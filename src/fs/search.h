/* search.h — search/<collection>/<text>/ as numbers, and what was last found there.
 *
 * A text's number is a hash of it, so it is the same after a remount; the table remembers the texts that were looked at lately and what
 * they found. The symlinks below need no memory: their number is their record's. Any thread; its lock is a leaf.
 */
#ifndef FS_SEARCH_H
#define FS_SEARCH_H

#include "lmsfs/engine.h"

enum search_part {              /* ino_part of INO_SEARCH */
                   SEARCH_DIR,  /* id 0: a collection's; of collection SEARCH_ROOT: search/ itself */
                   SEARCH_TEXT, /* id: hash of the text */
                   SEARCH_LINK, /* id: the record's */
};
#define SEARCH_ROOT 63

struct searches;

struct searches *searches_new(void); /* NULL: no memory */
void searches_free(struct searches *s);
/* The number of a text below a collection's directory (SEARCH_DIR). 0: no memory. */
uint64_t searches_number(struct searches *s, uint64_t dir, const char *text);
/* malloc'ed; NULL: it was forgotten, look it up again. */
char *searches_text(struct searches *s, uint64_t ino);
void searches_keep(struct searches *s, uint64_t ino, struct found *found); /* takes its own reference */
struct found *searches_found(struct searches *s, uint64_t ino);            /* a reference, or NULL */

#endif
