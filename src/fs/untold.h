/* untold.h — inodes of which the kernel has something old: their record has changed, or is being changed, and the invalidation isn't sent.
 *
 * The kernel reads at most as many bytes as the size that it was last told. If it got the new bytes with the old size, a program would see
 * half a document; so until it is told, a read gets the text that belongs to that size, and an open waits.
 *
 *     hold        before the commit: what is there now is what the kernel has
 *     queue       after it: an invalidation waits to be sent
 *     take, sent  around the sending; then it lingers for half a second, for who was told the size before and reads after it
 *     unhold      all that was held has been queued or was aborted
 *
 * Not thread-safe: the notifier's lock guards it.
 */
#ifndef FS_UNTOLD_H
#define FS_UNTOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct untold;
struct parked;

/* What a reader's file handle says of the text that was there when it was opened. */
#define TEXT_TOKEN(mtime_ns) ((uint64_t)(mtime_ns) << 2)

struct untold *untold_new(void); /* NULL: no memory */
void untold_free(struct untold *u);
size_t untold_count(const struct untold *u);

/* Copies `text`; past 16 MiB of texts or without memory the inode is held without one. */
void untold_hold(struct untold *u, uint64_t ino, const void *text, size_t len, int64_t mtime_ns);
/* false: one waits already, or there is no memory (*lost). */
bool untold_queue(struct untold *u, uint64_t ino, bool *lost);
void untold_unqueue(struct untold *u, uint64_t ino); /* it could not be pushed after all */
void untold_take(struct untold *u, uint64_t ino);
/* true: a read got the old text meanwhile, which the kernel may have kept: queue it again. */
bool untold_sent(struct untold *u, uint64_t ino, int64_t now_ms);
void untold_unhold(struct untold *u);
/* Those whose wait is over, a list by p->next; NULL: none. */
struct parked *untold_answers(struct untold *u);

bool untold_has(const struct untold *u, uint64_t ino);
/* p waits until it is told. false: it has nothing to wait for. */
bool untold_wait(struct untold *u, uint64_t ino, struct parked *p);
/* The kernel is being told a size and a time of the inode, by an answer. */
void untold_attr(struct untold *u, uint64_t ino, size_t size, int64_t mtime_ns);
/* The text that goes with the size the kernel has; valid until the next call. NULL: the store's. opened: the reader's
 * TEXT_TOKEN (NULL: nobody knows). *again: the kernel may keep it, queue its invalidation once more. */
const char *untold_text(struct untold *u, uint64_t ino, const uint64_t *opened, size_t *len, bool *again);
void untold_expire(struct untold *u, int64_t now_ms); /* those that have lingered long enough */

#endif
