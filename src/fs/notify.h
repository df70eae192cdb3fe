/* notify.h — telling the kernel what changed, from a thread that does nothing else.
 *
 * A notification may wait for a lock that a process holds while it waits for our answer. So it is never sent by who serves requests nor
 * by the engine: they push, which never waits, and a notifier sends in that order. An answer that must come after an invalidation is
 * pushed behind it.
 */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include "lmsfs/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuse_session;
struct notifier;
struct parked;

struct notifier *notifier_new(struct fuse_session *se,
                              const char *name); /* name: the thread's, ≤ 15 bytes. NULL: no memory */
int notifier_start(struct notifier *n, struct err *e);
/* Waits at most `ms` until everything pushed so far was sent. 0 or -ETIMEDOUT. */
int notifier_drain(struct notifier *n, int ms);
void notifier_free(struct notifier *n); /* sends what is left and joins; NULL is fine */

/* Any thread; never wait. Past a million notifications they are dropped and the kernel is told to look at every name again. */
void notifier_inode(struct notifier *n, uint64_t ino);
void notifier_entry(struct notifier *n, uint64_t dir, const char *name);
/* The inode's text is about to change in the store; until the invalidation that follows is sent, the kernel goes by this one. Then unhold, once
 * what is invalid has been pushed or nothing was changed after all. One thread at a time. */
void notifier_hold(struct notifier *n, uint64_t ino, const void *text, size_t len, int64_t mtime_ns);
void notifier_unhold(struct notifier *n);

/* Is an invalidation of it to come? Then what the kernel has of it is not to be kept. Once it is sent, it isn't. */
bool notifier_pending(struct notifier *n, uint64_t ino);
/* Calls p->answer(p), by the notifier, once the inode's invalidation is sent. false: none is to come. */
bool notifier_wait(struct notifier *n, uint64_t ino, struct parked *p);
/* An answer tells the kernel this size and time (of the text). */
void notifier_attr(struct notifier *n, uint64_t ino, size_t size, int64_t mtime_ns);
/* true: the text that goes with the size which the kernel has, a copy (the caller's; NULL: no memory). false: the store's does. opened: as
 * untold_text has it. */
bool notifier_text(struct notifier *n, uint64_t ino, const uint64_t *opened, char **copy, size_t *len);
/* Calls p->answer(p) once all that was pushed before has been sent. Never dropped. */
void notifier_answer(struct notifier *n, struct parked *p);

#endif
