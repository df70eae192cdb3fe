/* seal.h — secrets in the journal. A database's file keeps what was deleted until its pages are used again, so a document that may hold a
 * password lies there sealed: with a random pad of its own length, which is a file that goes when the entry does. Engine thread. */
#ifndef SYNC_SEAL_H
#define SYNC_SEAL_H

#include "sync/internal.h"

bool seal_is_needed(const struct lms_collection *c);
/* The text as hex digits under the pad of `seq`, made durable first. NULL with *e set. */
char *seal(struct engine *g, uint64_t seq, const char *text, size_t len, struct err *e);
/* The reverse; malloc'ed, NUL-terminated. NULL: the pad is gone, or is another's. */
char *unseal(struct engine *g, uint64_t seq, const char *hex, size_t *len);
void seal_drop(struct engine *g, uint64_t seq);
void seal_sweep(struct engine *g); /* pads whose entry is gone: a crash came between */

#endif
