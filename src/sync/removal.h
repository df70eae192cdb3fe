/* removal.h — a removal under way. removal.c has what it is and how it ends, removal_ask.c who asks for it and its grace, removal_send.c its
 * request, removal_verdict.c the answer, removal_save.c the saves that it takes, removal_replay.c its life over restarts. Engine thread. */
#ifndef SYNC_REMOVAL_H
#define SYNC_REMOVAL_H

#include "sync/internal.h"

struct removal {
    uint64_t ino, home;
    struct tenant *tenant;
    const struct lms_collection *c;
    char *name, *key; /* key: the vendor's, by which it is found should the cache be lost; "" or NULL: none */
    enum lms_op op;
    struct caller caller;
    int64_t asked_at;
    char uid[33];           /* lms_change.uid: of this removal, whichever try it is */
    bool was_sent;          /* replayed: a request may have left in an earlier run */
    bool sent, held, aside; /* aside: an editor's rename hid the record; nothing will be sent */
    bool rewrite;           /* the beginning of a save: not counted, and never sent */
    bool moving;            /* mv: hidden from nobody, and never in a grace */
    bool asked;             /* its request is out: no verdict yet */
    bool back;              /* moved out of the bin meanwhile: the way back follows */
    bool dry;               /* a deletion that wasn't sent: hidden until the unmount */
    bool looking;           /* the list is read to see how it stands: shown, for a sweep leaves alone what is hidden */
    bool unread;            /* its answer can't be read */
    int64_t since_ms;       /* when it was first to be sent; 0: not yet */
    struct net_timer *timer;
    struct err why;           /* while the record is looked up before the refusal is told */
    struct http_request copy; /* of what was sent, for why and the audit */
    char *manager;            /* what the deactivation takes */
    struct waiters waiters;
    struct waiters moves; /* out of the bin, asked while it was too late to take it back: they follow its verdict */
    int64_t noted_ms;
    UT_hash_handle hh;
};

/* removal.c */
struct removal *removal_find(struct tenant *t, uint64_t ino);
struct removal *removal_new(struct tenant *t, const struct known *k, enum lms_op op, const struct caller *who,
                            struct err *e);         /* among the tenant's; NULL: -ENOMEM is in e */
int removal_note(struct removal *r, struct err *e); /* the ledger has it as it stands now */
void removal_told(struct removal *r);               /* the kernel looks at its name again */
void removal_stay_hidden(struct removal *r); /* a dry run's deletion: over for those who wait, hidden until the unmount */
void removal_end(struct removal *r, int code, const struct err *e); /* frees it; e may be NULL */
void removal_refuse(struct removal *r, int code,
                    const struct err *e); /* the record stays, why is kept in rejected/; frees it */

/* removal_ask.c */
void removal_grace_over(void *ctx); /* a timer's: ctx is the removal */

/* removal_send.c */
void removal_send(struct removal *r); /* now, or when a save of the record is over */
int removal_request(struct removal *r, const struct known *k, struct http_request *req,
                    struct err *e); /* req: the caller's to release */

/* removal_verdict.c */
void removal_answered(void *ctx, struct net_result *res); /* ctx is the removal */
void removal_done(struct removal *r);                     /* the LMS did it; frees it, now or later */
bool removal_is_done(const struct removal *r, int code); /* by what its own GET, which ended with code, has just said */
bool removal_find_out(struct removal *r, int timeout_ms,
                      fetch_done *done); /* how the record stands; false: no way to know, done isn't called */

/* removal_save.c */
void removal_by_save(struct removal *r);            /* LMS_EMPTIES: sent as a save with nothing in it */
void removal_keep_manager(const struct removal *r); /* in the ledger, for the way back */
void removal_put_manager_back(void *ctx, int code, uint64_t ino,
                              const struct err *e); /* a fetch_done of a reactivation; ctx is the removal, which it ends */

#endif
