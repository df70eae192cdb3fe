/* internal.h — what the flows share. Everything here belongs to the engine thread unless a line says otherwise. */
#ifndef SYNC_INTERNAL_H
#define SYNC_INTERNAL_H

#include "lmsfs/doc.h"
#include "lmsfs/engine.h"
#include "lmsfs/net.h"
#include "sync/crawl.h"
#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

#define SECOND 1000 /* milliseconds */

/* ------------------------------------------------------------------ waiting asks */

/* Asks that wait for the same thing. An ask is in at most one list, or in none while its own flow holds it. */
struct waiters {
    struct ask *first;
};

void waiters_add(struct engine *g, struct waiters *w, struct ask *a);
void waiters_end(struct engine *g, struct waiters *w, int code, const struct err *e); /* all are done with it */
void waiters_leave(struct ask *a);                                                    /* it waits for something else */
void ask_end(struct engine *g, struct ask *a, int code,
             const struct err *e); /* leaves its list, timer stopped, done called */
/* A flow that holds the ask (no list) can't be interrupted and times out by itself. */

/* ------------------------------------------------------------------ tenants */

struct session; /* session.c: token, sending */
struct send;
struct sweep;  /* sweep.h */
struct search; /* search.c */
struct search_note;
struct file_read; /* file.c */
struct fetch;     /* fetch.c */
struct fetch_all;
struct save;      /* save.h */
struct removal;   /* removal.h */
struct watch;     /* watch.c */
struct own;       /* own.c */
struct touched;   /* touched.c */
struct successor; /* successor.c */

/* guard.c: removals asked in removal_window; kept in the ledger. */
struct guard {
    int64_t *at;
    size_t n;
    bool tripped;
};

struct tenant {
    struct tenant_info info;
    struct engine *engine;
    struct lms_account account;
    struct net_host *host;
    struct session *session;
    struct sweep *sweeps;                      /* by directory */
    struct fetch *fetches;                     /* by what is asked */
    struct fetch_all *fetch_alls;              /* by directory */
    struct file_read *file_reads;              /* by record and attribute */
    struct search *searches;                   /* by collection and text */
    struct search_note *search_notes;          /* the same: why they failed */
    struct save *saves;                        /* by home + name: the one under way, the others queue behind it */
    struct removal *removals;                  /* by record */
    struct watch *watches;                     /* by job */
    struct own *own;                           /* by record */
    struct touched *touched;                   /* by record */
    struct successor *successors;              /* by record */
    struct absent *absents;                    /* by what was asked: known not to be */
    struct refresh_note *refreshed;            /* by directory: when a refresh was last tried */
    struct crawl *crawl_opens, *crawl_parents; /* taken by any thread */
    atomic_bool tight;                         /* the budget has no more than the people's share left */
    atomic_bool unreachable;                   /* the last request had no answer */
    struct net_timer *room_timer;
    struct guard guard;
    int64_t removal_asked_ms; /* the last one: those in their grace wait for a pause */
    void *trickle;            /* trickle.c */
    struct metrics *metrics;  /* metrics.c; NULL: nothing was sent yet */
};

struct fd_watch {
    int fd;
    short events;
    void (*ready)(void *ctx, int fd, short revents);
    void *ctx;
};

struct engine {
    const struct conf *conf;
    struct conf *reread; /* whose credentials are used, when they were read again; else NULL */
    struct store *store;
    struct net *net;
    struct tenant *tenants;
    size_t tenants_n;
    struct engine_hooks hooks[8];
    size_t hooks_n;

    pthread_t thread;
    atomic_ullong last_id;

    /* the queue: the only thing other threads write */
    pthread_mutex_t lock;
    struct item *ring;
    size_t ring_head, ring_n;
    bool closed;   /* takes no more */
    bool replayed; /* the ledger's marks are set */
    pthread_cond_t replay_over;

    pthread_mutex_t secrets_lock; /* secret.c */
    struct secret *secrets;

    struct ask_index *waiting; /* by id: asks that an interrupt can end */
    struct fd_watch *fds;
    size_t fds_n;
    int64_t stop_at_ms;
    struct held_hook *held; /* hooks of the write under way */
    size_t held_n, held_room;
    struct { /* audit.c */
        int fd;
        off_t size;
        uint64_t lost; /* lines that could not be written since the last that could */
        int error;     /* of the last line; 0 or -errno */
    } audit;
    struct parser *parser; /* parse.c; NULL until a page comes */
    pthread_t syncer;      /* bulk.c */
    atomic_ullong told;    /* hooks that were called */
    pthread_mutex_t fresh_lock;
    struct fresh *fresh; /* by directory: fresh.c */
    unsigned busy;       /* saves, moves and removals whose requests are out */
    unsigned bulk_n;     /* sweeps that write in bulk */
    bool started, stopping, writing;
    bool syncing; /* bulk.c's thread runs */
};

int64_t now_ms(void);   /* monotonic */
int64_t wall_now(void); /* Unix seconds */
int64_t wall_now_ns(void);
void today_utc(char out[11]);
void iso_time(int64_t unix_s, char out[24]);
int uid_new(char out[33]); /* 128 random bits in hex; 0 or -errno */

struct tenant *tenant_of(struct engine *g, uint64_t ino); /* NULL: not configured */
/* The kernel must not ask again before what it will read is committed: between write_begin and write_end hooks are held back. */
void hook_inode(struct engine *g, uint64_t ino);
void hook_entry(struct engine *g, uint64_t dir, const char *name);
int write_begin(struct engine *g, struct store_write **w, struct err *e);
int write_end(struct engine *g, struct store_write *w, int result,
              struct err *e); /* commits when result is 0; else aborts. Returns the end */

/* ------------------------------------------------------------------ session.c */

int session_new(struct tenant *t);
void session_free(struct tenant *t);
void session_renew(struct tenant *t); /* the account has other credentials now */
/* Sends with credentials: logs in first where that is needed, once again after a 401 on a token that worked before. Takes over *req.
 * `done` runs exactly once, later. */
void tenant_send(struct tenant *t, struct http_request *req, enum net_class class, int timeout_ms, bool retry,
                 net_done *done, void *ctx);
/* The same; while the request is under way *handle names it, for tenant_promote. `handle` must live until `done`. */
void tenant_send_kept(struct tenant *t, struct http_request *req, enum net_class class, int timeout_ms, bool retry,
                      net_done *done, void *ctx, struct send **handle);
void tenant_promote(struct send *s, enum net_class class); /* somebody waits for it now; NULL is fine */
/* 0 for a 2xx reply, else -errno with a sentence that has the vendor's words. */
int result_error(struct tenant *t, const struct net_result *r, struct err *e);

/* ------------------------------------------------------------------ record.c */

uint64_t dir_of_record(uint64_t ino, bool active, uint64_t home); /* the directory it stands in */
/* Key of the parent that `home` belongs to; malloc'ed; NULL where the collection has no parent. */
char *parent_key_of(struct engine *g, uint64_t home);
uint64_t parent_ino(struct engine *g, uint64_t home); /* the record whose directory `home` is; 0: it is none of a parent's */
char *parent_of(struct engine *g, uint64_t home, char **ext); /* the same; *ext (may be NULL): its external id, or NULL */
/* Where the parents of a collection's directories are records: another collection's home, or of words its own, with no record id. 0: it
 * has none. */
uint64_t home_of_parents(struct tenant *t, const struct lms_collection *c);
bool is_words_home(const struct lms_collection *c, uint64_t home);
/* A file's name as get_request takes it: "EXT-…", "ID-…"; of plain names "ID-<key>". */
int stem_of_name(const struct lms_collection *c, const char *name, char *stem, size_t size);
const struct lms_collection *collection_of(struct tenant *t, uint64_t ino_or_home, struct err *e);
uint64_t record_by_name(struct engine *g, uint64_t home, const char *name); /* the record that a name means now; 0: none */
int canonical_name(const struct lms_collection *c, const struct lms_record *r, char name[256]);

enum record_source { RECORD_ROW, RECORD_DETAIL, RECORD_SAVED /* projected from an accepted save */ };
struct record_put {
    uint64_t home, ino; /* ino 0: find by key or name */
    enum record_source source;
    bool even_if_pending; /* a sweep leaves pending records alone */
    bool quiet_new;       /* a first sweep: new records need no notification each */
    int64_t asked_ms; /* now_ms() when what was answered was asked; what we changed since is left alone. 0: it isn't an answer */
    bool exact; /* the document is whole: what was written and isn't in it goes */
};
/* The first string of the document in a field with this flag; NULL: none. Borrowed. */
const char *field_with(const struct lms_collection *c, unsigned flag, const json_t *doc);
/* Writes one record as the reply shows it and tells the kernel. *ino gets its number. */
int record_put(struct tenant *t, struct store_write *w, const struct record_put *p, struct lms_record *r, uint64_t *ino,
               struct err *e);
int record_put_now(struct tenant *t, const struct record_put *p, struct lms_record *r, uint64_t *ino, struct err *e);
int record_forget(struct tenant *t, uint64_t ino, struct err *e); /* it is no more: removed, told */
int record_forget_in(struct tenant *t, struct store_write *w, uint64_t ino,
                     struct err *e); /* the same, one of many in a write */
int record_set_active(struct tenant *t, uint64_t ino, bool active, struct err *e);
/* m NULL: clean. Whether it is hidden is the removals' to say (removal_sight), whatever m has. */
int record_mark(struct engine *g, uint64_t ino, const struct store_mark *m);
void record_mark_again(struct engine *g, uint64_t ino); /* what others say of it has changed: a removal, a successor */
/* A copy of what is known; strings malloc'ed; release with known_release. -ENOENT. */
struct known {
    uint64_t ino, home;
    unsigned flags;
    int64_t row_at, detail_at;
    char *key, *ext, *email, *name;
    json_t *doc;
};
int known_get(struct engine *g, uint64_t ino, struct known *k);
void known_release(struct known *k);

/* ------------------------------------------------------------------ flows */

typedef void fetch_done(void *ctx, int code, uint64_t ino, const struct err *e);

void list_ask(struct tenant *t, struct ask *a);
/* Starts the second reading of a listing that was read once only, in the background; false: there is none. */
bool list_read_twice(struct tenant *t);
/* Reads the list though it is known; done's ino is 0. false: no memory. */
bool list_read_again(struct tenant *t, uint64_t dir, const struct caller *who, fetch_done *done, void *ctx);
void list_free(struct tenant *t);
void list_forget_fresh(struct engine *g); /* the engine is freed */
bool list_is_sweeping(struct tenant *t, uint64_t dir);
void search_ask(struct tenant *t, struct ask *a);
json_t *search_why(struct tenant *t, const char *collection, const char *text); /* of the last one; new reference */
void search_free(struct tenant *t);
void file_read_ask(struct tenant *t, struct ask *a);
void file_write_ask(struct tenant *t, struct ask *a);

/* The signed URLs of a record as they are now: an array of {name, url}, borrowed. */
typedef void url_done(void *ctx, int code, const json_t *urls, const struct err *e);
void url_ask(struct tenant *t, uint64_t home, const char *name, uint64_t ino, url_done *done, void *ctx);

void secret_keep(struct engine *g, uint64_t ino, const char *text); /* a generated password of a record */
void secrets_free(struct engine *g);

void list_status(struct tenant *t, uint64_t dir, json_t *into);

bool bulk_enter(struct engine *g); /* true: to be left again */
void bulk_leave(struct engine *g);
void bulk_free(struct engine *g);

/* One GET for all who ask for the same. stem NULL: a singleton (home = INO_TENANT, name gives the collection). */
void fetch_record(struct tenant *t, uint64_t home, const struct lms_collection *c, const char *stem,
                  enum net_class class, int timeout_ms, fetch_done *done, void *ctx);
void fetch_by_ino(struct tenant *t, uint64_t ino, enum net_class class, int timeout_ms, fetch_done *done, void *ctx);
void fetch_ask_name(struct tenant *t, struct ask *a);
void fetch_ask_detail(struct tenant *t, struct ask *a);
void fetch_free(struct tenant *t);
/* The details of all records of a directory; done when the last has come. Interruptible. */
void fetch_all_ask(struct tenant *t, uint64_t dir, struct ask *a);
void fetch_all_status(struct tenant *t, uint64_t dir, json_t *into);
void fetch_all_free(struct tenant *t);
/* Seconds that so many more requests of listings will take: by the budget, or where there is none by what `done` of them took. */
int64_t estimate_s(struct tenant *t, uint64_t left, uint64_t done, int64_t took_ms);
void absent_forget(struct tenant *t, uint64_t home, const char *stem);

void save_ask(struct tenant *t, struct ask *a);
void save_emptied(struct tenant *t, struct ask *a); /* the save by which a record is removed (LMS_EMPTIES) */
void save_resend(struct tenant *t, struct ask *a);  /* a write-only record as it is shown, whole */
void save_replay(struct tenant *t);
void save_free(struct tenant *t);
void save_list(struct tenant *t, json_t *into);
unsigned save_count(struct tenant *t);
/* Of that name, or of that record (0: not known) under any name. save_wait: false when there is none. */
bool save_wait(struct tenant *t, uint64_t home, const char *name, uint64_t ino, struct ask *a);
bool save_is_under_way(struct tenant *t, uint64_t home, const char *name, uint64_t ino);
/* watch.c tells it how a save's job ended; `job` may be NULL when lost. savers: who waits for that job's verdict, NULL: nobody; where the
 * save goes on they are taken along. */
void save_job_over(struct tenant *t, uint64_t seq, const struct lms_job *job, bool lost, struct waiters *savers);

/* accepted.c — what write-only collections took. Its state is the ledger's entry of (home, name): what is settled, and the saves whose
 * jobs still run, in their order; so a job that fails takes back what its save did, and nothing else. */
struct accepted_save {
    uint64_t home, seq;                 /* seq: the journal's, the same when its job ends */
    const char *name, *key, *ext, *job; /* job NULL: it is done */
    const json_t *merged, *delta;       /* delta NULL: a create, or one that replaced all there was */
    bool removes;                       /* LMS_EMPTIES: the record is gone with it */
};
int accepted_save(struct tenant *t, const struct accepted_save *s, struct err *e); /* the ledger only */
int accepted_settle(struct tenant *t, uint64_t home, const char *name, uint64_t seq, bool failed,
                    struct err *e); /* the ledger only */
int accepted_remove(struct tenant *t, const struct known *k, bool into_bin,
                    struct err *e); /* both: it was removed, or moved into the bin */
int accepted_activate(struct tenant *t, const struct known *k, struct err *e); /* the ledger: it is back from the bin */
int accepted_adopt(struct tenant *t, uint64_t home, const char *name, const char *key, const char *ext,
                   struct err *e); /* both; 1: it is known already */
int accepted_forget(struct tenant *t, uint64_t home, const char *name, struct err *e); /* both; -ENOENT */
/* The cache as the ledger has it, and how it is marked. *ino 0: nothing is shown. */
int accepted_show(struct tenant *t, uint64_t home, const char *name, const char *error, uint64_t *ino, struct err *e);
/* A record that was removed and can be brought back, as it was: 0, or -ENOENT. */
int accepted_removed(struct tenant *t, uint64_t home, const char *name, struct known *k);
void accepted_parent_came(struct tenant *t, struct store_write *w, uint64_t parent, const char *key);
void accepted_replay(struct tenant *t);
/* The directory of a word: made if need be, and listed from now on if `listed`. */
int word_make(struct tenant *t, uint64_t words_home, const char *file_name, bool listed, uint64_t *ino, struct err *e);

/* base with what we ourselves had accepted since it was shown carried onto it (new reference), or base itself. */
json_t *own_rebase(struct tenant *t, const struct lms_collection *c, uint64_t ino, const char *version, json_t *base);
void own_note(struct tenant *t, uint64_t ino, const char *const *seen, size_t seen_n, json_t *delta);
json_t *own_without_secrets(const struct lms_collection *c, const json_t *delta); /* a copy */
void own_forget(struct tenant *t, uint64_t ino);
void own_prune(struct tenant *t); /* what is older than base_ttl */
void own_free(struct tenant *t);

void successor_ask(struct tenant *t, struct ask *a);       /* ASK_SUCCESSOR */
const char *successor_get(struct tenant *t, uint64_t ino); /* NULL: the configuration's */
void successor_sight(struct tenant *t, uint64_t ino, struct store_mark *m);
void successor_forget(struct tenant *t, uint64_t ino);
void successor_load(struct tenant *t);
void successor_free(struct tenant *t);

void touched_note(struct tenant *t, uint64_t ino); /* a change of ours was settled */
bool touched_since(struct tenant *t, uint64_t ino, int64_t asked_ms);
void touched_free(struct tenant *t);

/* removal*.c; what they have between them is in removal.h */
void removal_ask(struct tenant *t, struct ask *a);                        /* ASK_REMOVE */
void restore_ask(struct tenant *t, struct ask *a);                        /* ASK_RESTORE */
void move_ask(struct tenant *t, struct ask *a);                           /* ASK_MOVE */
void aside_ask(struct tenant *t, struct ask *a);                          /* ASK_SET_ASIDE */
void removal_sight(struct tenant *t, uint64_t ino, struct store_mark *m); /* sets hidden and leaving */
bool removal_is_out(struct tenant *t, uint64_t ino);                      /* its request is under way, no verdict yet */
bool removal_take_back(struct tenant *t, uint64_t ino); /* true: one was waiting in its grace and is gone */
unsigned removal_release(struct tenant *t,
                         bool send); /* the guard is reset; those held are sent, or all not sent taken back */
void removal_list(struct tenant *t, json_t *into);
bool removal_wait(struct tenant *t, uint64_t ino, struct ask *a);
void removal_replay(struct tenant *t);
void removal_free(struct tenant *t);

void guard_load(struct tenant *t);
int guard_count(struct tenant *t, int64_t at,
                struct err *e);                   /* one more removal, asked at `at`. -EDQUOT: it is one too many */
void guard_uncount(struct tenant *t, int64_t at); /* it was taken back */
void guard_reset(struct tenant *t);
void guard_free(struct tenant *t);

/* dry.c — a mount that sends nothing. What it shows instead is in the journal, and taken back at the next start. */
struct dry {
    uint64_t home, ino;      /* ino 0: not known yet */
    const char *name, *what; /* "save", "deactivate", "reactivate", "delete" */
    bool created;
    json_t *before;   /* the document that was shown; NULL where there was none */
    json_t *requests; /* of dry_request */
};
json_t *dry_request(const struct lms_collection *c, const struct http_request *q); /* as it would be sent, masked */
int dry_keep(struct tenant *t, const struct dry *d, uint64_t *seq, struct err *e); /* *seq 0: a new entry */
void dry_list(struct engine *g, json_t *into);
void dry_undo(struct engine *g);

/* A job was accepted. Three steps, for a change of the ledger may lie within one of the cache and never the other way round:
 * jobs/<id>.json is made (NULL: it could not be), the ledger knows of it, it is polled. save_seq 0: no save's. */
struct watch *watch_prepare(struct tenant *t, const char *job_id, uint64_t record, const char *record_name,
                            uint64_t save_seq, struct err *e);
int watch_keep(struct watch *w, struct err *e);
uint64_t watch_begin(struct watch *w); /* the job's number; w belongs to the watches from now on */
void watch_ask(struct tenant *t, struct ask *a);
void watch_when_over(struct tenant *t, uint64_t job_ino, struct ask *a); /* settle = completed */
/* Is the job of that save watched (its record is this one, from now on), or known to be over? Then that is told again. */
bool watch_of_save(struct tenant *t, uint64_t save_seq, const char *job, uint64_t record);
void watch_prune(struct tenant *t);                       /* jobs that were over job_retention ago */
bool watch_has_record(struct tenant *t, uint64_t record); /* a job of it is under way */
bool watch_record(struct tenant *t, uint64_t record,
                  struct ask *a); /* done with the verdict of its job; false: none under way */
unsigned watch_count(struct tenant *t);
void watch_replay(struct tenant *t);
void watch_end_waiting(struct tenant *t); /* the engine stops: the flows that wait for a job */
void watch_free(struct tenant *t);

/* why.c — the last verdict about a record and the refused saves */
struct reason {
    int code;                  /* -errno */
    const char *text;          /* sentence */
    const char *method, *path; /* of the request that was refused; NULL: nothing was sent */
    const char *job;
    const json_t *shown, *server; /* a conflict's other two versions: what was shown, what the LMS has now; may be NULL */
    const char *what;             /* "save" when NULL; "deactivate", "reactivate", "delete": for retry */
};
/* Keeps the refused document (masked) with its reason; text NULL: none. */
void reject(struct tenant *t, const struct lms_collection *c, uint64_t home, const char *name, const char *text,
            size_t len, const struct reason *why);
json_t *why_answer(struct engine *g, uint64_t home, uint64_t ino, const char *name);
unsigned why_rejected_count(struct tenant *t);
json_t *why_rejected_list(struct engine *g);
json_t *why_rejected_one(struct engine *g, uint64_t n); /* whole, with its document; NULL: there is none */
uint64_t why_latest(struct engine *g, uint64_t home, const char *name); /* the newest refusal of that name; 0: none */
int why_drop(struct engine *g, uint64_t n);

struct audit_line {
    const char *method, *url; /* path below the base URL */
    json_t *fields;           /* names of the fields that change; borrowed, may be NULL */
    json_t *values;           /* the document that they are of; borrowed, may be NULL */
    json_t *request;          /* dry run: what would have been sent, masked; borrowed */
    int code;                 /* 0 or -errno */
    const char *record;       /* the file name of whom it is about; NULL: the one that was asked for */
    const char *job;
    int64_t ms;
};
void audit(struct tenant *t, const struct caller *who, uint64_t home, const char *name, const struct audit_line *l);
void caller_read(struct caller *who, const json_t *o); /* "uid", "pid" and "command", as the ledger has them */
void audit_caller(struct caller *who);                 /* fills in the command's name, while its process still is */
json_t *audit_status(struct engine *g);
int audit_open(struct engine *g, struct err *e);
void audit_close(struct engine *g);

void trickle_start(struct tenant *t);
void trickle_stop(struct tenant *t);
void trickle_free(struct tenant *t);

/* A request's end, for the counts. */
void metrics_note(struct tenant *t, const char *endpoint, const struct net_result *r); /* endpoint: lms_endpoint() */
char *metrics_text(struct engine *g); /* malloc'ed; NULL: out of memory */
void metrics_free(struct tenant *t);

void command_ask(struct engine *g, struct ask *a);
/* "hownow/users/EXT-1.json" → home and name, and the record's number if it is known. */
int path_resolve(struct engine *g, const char *path, uint64_t *home, char name[256], uint64_t *ino, struct err *e);
#define PATH_TOLD 1024
/* The way back: "synap/learning-records/ID-U1/ID-R2.json", the parent where it is known. name: NULL for none. */
void path_tell(struct tenant *t, uint64_t home, const char *name, char path[PATH_TOLD]);
json_t *pending_list(struct engine *g);

#endif
