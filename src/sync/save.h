/* save.h — a save under way. save.c has how it begins to be and how it ends, write.c whose it is and whether it may be, merge.c what it
 * changes, verdict.c brings it from the plan to the LMS's verdict; journal.c keeps it over crashes; jobover.c is told how its job ended.
 * Engine thread. */
#ifndef SYNC_SAVE_H
#define SYNC_SAVE_H

#include "sync/internal.h"

struct save {
    char *what; /* "home/name" */
    struct tenant *tenant;
    const struct lms_collection *c;
    uint64_t home;
    char *name, *parent_key, *parent_ext;
    bool again;    /* the answer to its create was lost, and it was sent once more */
    bool exists;   /* its create found the same id there: it goes on as an update */
    bool removed;  /* it brings back what was removed */
    bool removes;  /* LMS_EMPTIES: it is how a record is removed */
    json_t *blank; /* exists: what is known of the record, {} */
    char *text;
    size_t len;
    struct caller caller;
    struct waiters waiters;
    struct save *behind; /* the next save of the same record */
    struct save *rest;   /* this one is a part: what is to follow it, before all others */
    struct parts *parts; /* settle = completed: the jobs of the parts so far */
    char *id;            /* the external id that the record has or is to have */
    uint64_t seq;        /* journal; 0 = not yet */
    char uid[33];        /* lms_save.uid: of this save, whichever try it is */
    int64_t saved_at;    /* Unix seconds; the same in each try */
    bool replayed, was_sent;
    bool reread;             /* its list was read again for it */
    unsigned tries;          /* of a replayed one, while the LMS can't be reached */
    struct net_timer *timer; /* until it is tried (again) */

    uint64_t ino; /* 0: a create */
    struct known now;
    json_t *saved, *options, *option_defaults, *base, *delta, *merged, *changed;
    json_t *kept_base;                 /* replayed: the base as the journal has it */
    char *ext;                         /* the external id that the name gives */
    char *key;                         /* the key that the name gives: of plain names, and of all write-only ones */
    char seen[3][DOC_VERSION_LEN + 1]; /* versions that were shown before this save */
    struct lms_save what_to_send;
    struct lms_plan plan;
    size_t step;
    struct lms_verdict last;
    char *secret;   /* a generated password, until the record's number is known */
    struct err why; /* while something is looked up before the refusal is told */
    UT_hash_handle hh;
};

/* save.c */
struct save *save_new(struct tenant *t, uint64_t home, const char *name, char *text,
                      size_t len);   /* takes text; NULL: not taken */
void save_drop_work(struct save *s); /* what it has found out so far */
void save_release(struct save *s);
void save_end(struct save *s, int code,
              const struct err *e); /* over for those who wait; the next of the same record begins */
void save_refuse(struct save *s, int code, const struct err *told);
void save_fail(struct save *s, int code, const char *text);
bool save_is_pending(const struct save *s);
void save_mark(struct save *s, enum store_state state, const char *job, const char *error);
void save_alias(struct save *s);

/* write.c */
void save_begin(struct save *s); /* its turn has come */
void save_again(void *ctx);      /* the same, by its timer */

/* merge.c: each goes on to the plan, or ends the save */
void save_merge(struct save *s);       /* the whole of a create, or s->delta onto s->now */
void save_difference(struct save *s);  /* of an update, to the version that was shown; then save_merge() */
void save_merge_again(struct save *s); /* what is known of s->ino was read anew */
void save_go_on(struct save *s);       /* what it created is there: the rest of it as an update of s->ino */
void save_as_update(struct save *s);   /* what it creates is there already: the same once more, as an update */

/* queue.c: saves of one record, under whatever name, one after the other */
void save_enqueue(struct save *s);
struct save *save_leave(struct save *s); /* it is over; the next of the line, which is to begin. NULL: there is none */
bool save_waits_for_other(struct save *s); /* the record is being saved under another name: s begins again when that is over */

/* split.c: a save whose plan reaches only a part. Sets s->rest, and makes s a save of that part. 0, -errno. */
int save_split(struct save *s, struct err *e);
void save_hand_over(struct save *s); /* the part went through: its rest is the next in line, and has those who wait */
void save_unsplit(struct save *s);   /* the part is given up or tried anew: the rest with it */
void save_wait_part(struct save *s, uint64_t job); /* settle = completed: those who wait will wait for that job too */
void save_wait_parts(struct save *s); /* no more parts: those who wait do so until each job is over. No parts: nothing happens */
void save_leave_parts(struct save *s); /* it ends without those who wait */

/* verdict.c */
void save_send(struct save *s); /* the plan */

/* journal.c */
int journal_write(struct save *s, const char *phase, const char *job, struct err *e);
void journal_forget(struct save *s);
/* The document of an entry; malloc'ed. NULL: it can't be had any more. */
char *journal_text(struct engine *g, uint64_t seq, const json_t *o, size_t *len);

/* The save of an entry, as if it had just been read; NULL: it can't be had any more. */
struct save *journal_save(struct tenant *t, uint64_t seq, const json_t *o);

/* jobover.c: a job that failed: what was refused is kept already; the server's version comes back. `o` is the journal's entry. */
void save_restore(struct tenant *t, json_t *o, uint64_t ino); /* "before" is shown again; what was "created" goes */
void save_bring_back(struct tenant *t, uint64_t seq, json_t *o);

#endif
