/* engine.h — the flows, as the faces (the kernel's and the shell's) see them.
 *
 * One thread, the engine, owns the network, the timers, the budgets and every LMDB write. Faces answer from the store what is known and
 * hand the rest over as an `ask`: engine_ask never waits, and ask->done runs on the engine thread exactly once, also on shutdown. What
 * changes meanwhile is told through the hooks, always before the asks that caused it are done.
 */
#ifndef LMSFS_ENGINE_H
#define LMSFS_ENGINE_H

#include "lmsfs/conf.h"
#include "lmsfs/err.h"
#include "lmsfs/ino.h"
#include "lmsfs/lms.h"
#include "lmsfs/store.h"
#include <jansson.h>
#include <stdatomic.h>
#include <sys/types.h>

struct engine;

/* ------------------------------------------------------------------ what never changes while it runs: any thread */

struct tenant_info {
    const struct conf_tenant *conf;
    const struct lms_provider *provider;
    unsigned number; /* in inode numbers */
};

/* Opens the store of conf->cache_dir and builds the tenants; no thread yet. `conf` must outlive the engine. A warning (damaged cache set
 * aside) comes back as 0 with e->text set. */
int engine_new(const struct conf *conf, struct engine **out, struct err *e);
int engine_start(struct engine *g, struct err *e); /* the thread; replays the journal */
/* Waits at most `grace_ms` for saves whose requests are out, then completes every open ask with -ESHUTDOWN and ends the thread. */
void engine_stop(struct engine *g, int grace_ms);
void engine_free(struct engine *g);

struct store *engine_store(struct engine *g);
size_t engine_tenants(const struct engine *g);
const struct tenant_info *engine_tenant(const struct engine *g, size_t i);
const struct tenant_info *engine_tenant_numbered(const struct engine *g, unsigned number); /* NULL: not configured */
const struct lms_collection *engine_collection(const struct engine *g,
                                               uint64_t ino); /* of a dir's or record's number; or NULL */

/* Called on the engine thread; must not wait. */
struct engine_hooks {
    void (*inode_changing)(void *ctx,
                           uint64_t ino); /* its content will be another once this write is committed; the store has the old one */
    void (*inode_changed)(void *ctx, uint64_t ino); /* content or attributes; of a directory: its listing */
    void (*entry_changed)(void *ctx, uint64_t dir, const char *name); /* the name means something else now, or nothing */
    void (*write_over)(void *ctx); /* committed, then all that changed was told; or not */
    void *ctx;
};
/* Both as engine_call: not from the engine's thread, a worker or a notifier. -ENOSPC: too many. Once dropped, ctx is called no more. */
int engine_add_hooks(struct engine *g, const struct engine_hooks *h);
void engine_drop_hooks(struct engine *g, const void *ctx);

/* ------------------------------------------------------------------ asks */

struct caller { /* who asked, for the journal and the audit log */
    uid_t uid;
    pid_t pid;
    char command[16]; /* its name; "": the engine looks it up */
};

enum ask_kind {
    ASK_LISTING, /* ino = a directory (INO_DIR, INO_TENANT never): done when its listing is complete. Interruptible */
    ASK_REFRESH, /* ino = a directory: sweep it anew, done when that is through */
    ASK_NAME,    /* ino = home, name = a file name not known: does the LMS know it? done 0: look again. Interruptible */
    ASK_DETAIL,  /* ino = a record (or singleton): have its detail. Interruptible */
    ASK_JOB,     /* ino = a job: done when it is over. Interruptible */
    ASK_SAVE,    /* ino = home, name = file name, text = document: the whole way of a save; its verdict */
    ASK_REMOVE,  /* ino = record, flag = out of the bin (for good); deferred by removal_grace: done when it is noted */
    ASK_RESTORE, /* ino = record: take a removal that is still in its grace back, or un-hide */
    ASK_MOVE,    /* ino = record, flag = into the bin; else out of it: done with the LMS's verdict */
    ASK_SET_ASIDE, /* ino = record: an editor renamed it to a backup's name; hidden until saved anew or 30 s pass */
    ASK_SUCCESSOR, /* ino = record, text = who takes over what that person owned; NULL: whom the configuration names */
    ASK_SEARCH,    /* ino = any number of the collection, name = the search's text: `found`. Interruptible */
    ASK_FILE_READ, /* ino = a record, name = one of its attributes: fd, a descriptor of the file's bytes. Interruptible */
    ASK_FILE_WRITE, /* the same, fd = a descriptor of the bytes: sent; the verdict */
    ASK_COMMAND, /* text = a JSON command of the control socket; answer = its JSON. The engine sets flag: interruptible */
};

/* What a search found. Never changes; counted, any thread. */
struct found {
    _Atomic unsigned refs;
    int64_t at_ms, at; /* when: monotonic; Unix seconds */
    uint64_t home;     /* where all of it stands; 0: nothing was found */
    size_t n;
    uint64_t recs[]; /* n record ids in the API's order, and behind them the same ones sorted */
};
struct found *found_keep(struct found *f); /* f; NULL is fine */
void found_release(struct found *f);
bool found_has(const struct found *f, uint64_t record_id);

struct ask {
    /* filled by who asks */
    enum ask_kind kind;
    uint64_t ino;
    char *name; /* malloc'ed, freed with the ask; NULL where not used */
    char *text; /* malloc'ed (wiped and freed with the ask) */
    size_t text_len;
    bool flag;
    bool people;    /* somebody waits: the people's share may be used */
    bool was_read;  /* ASK_REMOVE: the same process has just opened it to read */
    int timeout_ms; /* 0: the tenant's own for this kind */
    struct caller caller;
    void (*done)(struct ask *a, int result); /* engine thread; frees the ask (ask_free) or what contains it */

    /* answers */
    struct err *why; /* the sentence of a failure, see ask_err; on the heap, for ten thousand may wait and few fail */
    uint64_t answer_ino; /* ASK_SAVE: the record's number */
    json_t *answer;      /* ASK_COMMAND: owned by the ask */
    int fd;              /* ASK_FILE_READ, ASK_FILE_WRITE: closed with the ask; -1 elsewhere and by default */
    struct found *found; /* ASK_SEARCH: owned by the ask; take it by setting NULL */

    /* the engine's own */
    uint64_t id;
    void *flow; /* what it waits in */
    struct ask *next, **link;
    void *timer;
    int64_t deadline_ms;
    bool ended;
};
/* 0, or -EBUSY when the queue is full, -ESHUTDOWN after engine_stop began: then `done` is not called and the ask stays the caller's. */
int engine_ask(struct engine *g, struct ask *a);
/* A number for ask->id, to be set before engine_ask where the ask may be interrupted. Any thread. */
uint64_t engine_ask_id(struct engine *g);
/* The ask's waiter got a signal: an interruptible ask is done with -EINTR, every other one goes on. Any thread, any time; an id that is
 * over is ignored. */
void engine_interrupt(struct engine *g, uint64_t id);
struct err ask_err(const struct ask *a); /* of a failure; empty where there is nothing to say */
void ask_release(struct ask *a);         /* frees what the ask owns, not the struct */

/* When a listing was last known to be whole, given what the store says (store_listing.complete_at): a refresh that finds nothing changed
 * writes nothing. Any thread. */
int64_t engine_listed_at(struct engine *g, uint64_t dir, int64_t stored);

/* A password that the LMS generated for a record of ours: its length (0: none), and the password itself, which can be had once (malloc'ed,
 * for the caller to wipe; NULL: none). Held in memory only. Any thread. */
size_t engine_secret_len(struct engine *g, uint64_t ino);
char *engine_secret_take(struct engine *g, uint64_t ino);

/* May this open fetch a detail for one reader (auto), or is it a crawl? Counts the open. Any thread. */
bool engine_may_fetch_for_reader(struct engine *g, unsigned tenant);

/* Had the tenant's last request no answer? What is shown of it is what was known before. Any thread. */
bool engine_unreachable(struct engine *g, unsigned tenant);

/* ------------------------------------------------------------------ engine thread, and how to get there */

/* For the control socket: have `ready` called when fd is readable/writable. events as for poll(2). */
int engine_watch_fd(struct engine *g, int fd, short events, void (*ready)(void *ctx, int fd, short revents), void *ctx);
void engine_unwatch_fd(struct engine *g, int fd);
/* Runs fn on the engine thread as soon as it can. Any thread. -EBUSY, -ESHUTDOWN. */
int engine_run(struct engine *g, void (*fn)(void *ctx), void *ctx);
/* Runs fn on the engine thread and waits for it; where that thread doesn't run (yet, or any more), right here. For the main thread alone. */
void engine_call(struct engine *g, void (*fn)(void *ctx), void *ctx);
/* The credentials of `fresh` are used from now on, for the tenants that it has too and that are of the same provider; nothing else of it
 * is. Takes *fresh over (left zeroed) on 0, and says where it is: *where lives until the next call's credentials are in use.
 * -EBUSY, -ESHUTDOWN, -ENOMEM. One thread at a time; they are in use once the engine gets to it. */
int engine_credentials(struct engine *g, struct conf *fresh, const struct conf **where);
/* The status of every tenant as JSON (new reference). Engine thread. */
json_t *engine_status(struct engine *g);

#endif
