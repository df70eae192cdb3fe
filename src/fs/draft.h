/* draft.h — what somebody is writing: the text of a document from its first change until its verdict.
 *
 * A draft belongs to the inode, not to the handle, and goes by a record's true number or, for a record's name that isn't a record yet, by
 * its scratch number. It is kept while it has a text or a writer. Each change counts its `seq` up; a seq is settled once.
 *
 *     no text ──write, truncate──▶ dirty ──draft_settle──▶ asking ──verdict 0──▶ no text, unless it was changed meanwhile: dirty
 *                                    ▲                        │
 *                                    └──── UNASKED ───────────┴── refused ──▶ no text (a new one: kept), and the same verdict again for
 *                                                                             who settles it before the next change
 *
 * This file keeps the state and asks nobody. Any thread; texts are wiped before they are freed.
 */
#ifndef FS_DRAFT_H
#define FS_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct drafts;

struct settle { /* one who waits for a verdict; embedded in what waits */
    struct settle *next;
    uint64_t seq;
};

struct drafts *drafts_new(size_t max); /* of one text */
void drafts_free(struct drafts *d);

/* A handle that may write, and who opened it: that is who saves. fresh: a record's name without a record. -ENOMEM. */
int draft_open(struct drafts *d, uint64_t ino, bool fresh, uid_t uid, pid_t pid);
bool draft_has_writer(struct drafts *d, uint64_t ino);

/* Changes. base: what the file holds when the draft begins (borrowed). 0, -EFBIG, -ENOMEM; -ESTALE when nobody has it open to write (any
 * more): its number means something else now, resolve it anew. */
int draft_write(struct drafts *d, uint64_t ino, const void *base, size_t base_len, const void *data, size_t len,
                off_t at);
int draft_truncate(struct drafts *d, uint64_t ino, const void *base, size_t base_len, off_t size);

/* -ENOENT where there is no text: the store has it. */
ssize_t draft_read(struct drafts *d, uint64_t ino, void *buf, size_t size, off_t at);
int draft_stat(struct drafts *d, uint64_t ino, off_t *size, int64_t *mtime_ns);
bool draft_is_clean(struct drafts *d, uint64_t ino); /* there is nothing to settle, nor was it refused */
struct draft_text {                                  /* what is to be asked */
    char *text;                                      /* a copy with a NUL behind it, for the caller to wipe and free */
    size_t len;
    uint64_t seq;
    uid_t uid;
    pid_t pid;
};
enum { DRAFT_CLEAN = 0, DRAFT_ASK = 1, DRAFT_WAIT = 2 };
/* Settle what is there. CLEAN: nothing to do. WAIT: somebody asks already, `w` is kept until that verdict. ASK: the caller asks with *out
 * and must come back with draft_verdict(out->seq). -errno: the verdict that this very text had before; -ENOMEM. w NULL: nobody waits. */
int draft_settle(struct drafts *d, uint64_t ino, struct settle *w, struct draft_text *out);
/* A handle that might write is gone. ASK as above when it was the last and something is unsettled. CLEAN otherwise. */
int draft_close(struct drafts *d, uint64_t ino, struct draft_text *out);

enum draft_end {
    DRAFT_SETTLED, /* the record shows it now */
    DRAFT_REFUSED, /* the verdict was no: the server's version shows again */
    DRAFT_KEPT,    /* never asked (not a document yet): stays while it has a writer, else it is dropped */
};
/* became: the number of the record that a fresh one is now, or 0. *same: those who get this verdict too; *newer: those who wait for what was
 * written after it and have to settle again. */
void draft_verdict(struct drafts *d, uint64_t ino, uint64_t seq, enum draft_end end, int code, uint64_t became,
                   struct settle **same, struct settle **newer);
/* The scratch file `from` became the record `to`, and so many of its handles may write. */
int draft_adopt(struct drafts *d, uint64_t to, unsigned writers);
/* Its name was unlinked: nothing of it is to be sent. */
void draft_abandon(struct drafts *d, uint64_t ino);

#endif
