/* lms.h — what to say to a learning-management system and how to read its answers.
 *
 * Pure: no I/O, no clock, no global state; every function may be called from any thread. A vendor is one file: a const table of
 * collections with their fields, and the functions of struct lms_provider. Failing functions return -errno and fill `e`; what they
 * return in `out` is owned by the caller and released by the matching *_release.
 */
#ifndef LMSFS_LMS_H
#define LMSFS_LMS_H

#include "lmsfs/err.h"
#include "lmsfs/http.h"
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* ------------------------------------------------------------------ collections */

enum lms_kind {
    LMS_LISTED,     /* the API lists it: a directory that is complete or an error */
    LMS_KNOWN,      /* the API has a GET and no list: the directory shows what is known */
    LMS_WRITE_ONLY, /* the API only takes it: the directory shows what was accepted, which the ledger keeps */
    LMS_SINGLETON,  /* one document: a file <name>.json in the tenant's directory */
};

enum { /* lms_collection.can */
       LMS_CREATE = 1 << 0,
       LMS_UPDATE = 1 << 1,
       LMS_DEACTIVATE = 1 << 2,
       LMS_REACTIVATE = 1 << 3,
       LMS_DELETE = 1 << 4,       /* for good */
       LMS_GET = 1 << 5,          /* a record can be asked for by key (and by ext where `ext_names`) */
       LMS_GET_BY_EMAIL = 1 << 6, /* … and by e-mail address */
       LMS_DETAIL = 1 << 7,       /* the GET says more than a list row does */
       LMS_UPSERT = 1 << 8,       /* one request creates or updates; repeating it is safe */
       LMS_SERVER_ID = 1 << 9,    /* a create gets its id from the server (new.json); without: the name gives the id */
       LMS_FULL =
           1 << 10, /* LMS_WRITE_ONLY: each save carries the whole record and replaces what was there. Without: what `changed`
                              names, for the rest stays */
       LMS_EMPTIES =
           1 << 11, /* LMS_WRITE_ONLY: removing a record is a save of it with nothing in its arrays. Without: change_request */
};

enum lms_type {
    LMS_STRING,
    LMS_INTEGER,
    LMS_NUMBER,
    LMS_BOOLEAN,
    LMS_DATE /* YYYY-MM-DD */,
    LMS_OBJECT,
    LMS_ARRAY,
    LMS_ANY
};

enum {                          /* lms_field.flags */
       LMS_REQUIRED = 1 << 0,   /* in every create; can't be cleared */
       LMS_FIXED = 1 << 1,      /* can't change once the record exists */
       LMS_CLEARABLE = 1 << 2,  /* the API documents how to clear it */
       LMS_AS_WRITTEN = 1 << 3, /* taken and never given back: shows what was last written */
       LMS_SECRET = 1 << 4,     /* never shown, kept or logged */
       LMS_IS_EXT = 1 << 5,     /* this field is the external id */
       LMS_IS_EMAIL = 1 << 6,   /* unique e-mail address */
       LMS_WHOLE = 1 << 7, /* array that the API replaces whole: sent whole with every update of the record, if known */
       LMS_NO_FUTURE = 1 << 8, /* a date that can't lie in the future (UTC) */
       LMS_NOCASE = 1 << 9,    /* the words of `oneof` match without regard to case */
       LMS_PRIVATE =
           1 << 10, /* shown in the document and nowhere else: masked in rejected/, in reasons and logs; of an array each
                                  element. The first one of a collection with secret_prefix is what that names records by */
};

struct lms_field {
    const char *name;
    enum lms_type type;
    unsigned flags;
    unsigned max_len;         /* characters (code points) of a string; 0 = no limit */
    const char *const *oneof; /* NULL-terminated words; NULL = any */
    const char *pattern;      /* POSIX extended regular expression, anchored by the author; NULL = any */
    const char *keyed_by;     /* arrays of objects that are told apart by this member: differ by key; NULL = as a whole.
                                 An LMS_OBJECT with "" here is open: its members differ one by one, and none can be cleared
                                 without LMS_CLEARABLE. An LMS_ARRAY with "" is a set of strings */
    bool (*key_of)(const json_t *element, char *out,
                   size_t size); /* of a keyed array whose elements no one member tells apart: the
                                 key, as text; false: it has none. `keyed_by` is then only what people are told. NULL as a rule */
};

struct lms_files {      /* members of a record's field that are files: objects with a url (signed) and a size */
    const char *field;  /* "attr" */
    const char *suffix; /* ".pdf" */
    const char *magic;  /* what each begins with; at most 15 bytes */
    size_t max;         /* bytes of one */
};

struct lms_collection {
    const char *name;   /* directory name, or for a singleton the file's name without ".json" */
    const char *parent; /* name of the collection whose records are the directories here ("users"); NULL as a rule */
    const char *folder; /* of a singleton: the directory of the tenant that it stands in ("metadata"); NULL: the tenant's own */
    enum lms_kind kind;
    unsigned can;
    unsigned page_size; /* rows of a full list page; 0 where it isn't listed */
    bool parent_is_word; /* the directories are words that the API doesn't list (a framework, an e-mail address): each valid name is
                            one, its parent_key is the word itself; `parent` is NULL then */
    bool plain_names;       /* records are <key>.json, without the ID- */
    const char *ext_prefix; /* "EXT-" where records are named by external id when they have one; else NULL */
    const char *secret_prefix; /* "SSN-": one more name that get_request takes and that is a symlink, never listed and, being a
                                  secret, never logged; NULL as a rule */
    const struct lms_field *fields; /* the writable fields, in the order shown; ends with a NULL name; NULL: read-only */
    const struct lms_files *files;  /* NULL: its records have none */
    const char *open; /* name of an open object among the fields that takes in the keys of a saved document that are no
                                       fields (the customer's own); NULL: those are refused */
    const char *const *options; /* keys that `_options` may hold; NULL-terminated; NULL: none */
};

/* ------------------------------------------------------------------ records */

struct lms_record {
    char *key; /* the server's own id, as it stands in request paths; never NULL and never empty in what a reply gives */
    char *ext;   /* external id, where the collection has ext_prefix and the record has one; else NULL */
    char *email; /* for the EMAIL- alias and for telling people apart; NULL if none */
    bool active; /* false: belongs into deactivated-<collection>/ */
    bool is_row; /* get_reply: no more than a list row though asked for by name (a search by e-mail); false as a rule */
    bool gone;   /* deleted for good, though a list still has it: it counts there and is not shown; false as a rule */
    bool partial; /* get_reply: less than that: laid over what is known, and no more than itself where nothing is */
    bool state_unsaid; /* the reply doesn't say whether it is active: what is known of that stays */
    char *parent;      /* in what a search finds of a per-parent collection: its parent's key; else NULL */
    int64_t mtime;     /* the API's own update time, Unix seconds; 0 = none given */
    int64_t made_at;   /* when the API says it was made, Unix seconds; 0 = it doesn't */
    json_t *doc; /* the document: writable fields and `_readonly` (without version and complete, which doc_finish adds) */
};
void lms_record_release(struct lms_record *r);
/* Does a collection consist of directories, one for each parent or word? */
static inline bool lms_has_parents(const struct lms_collection *c)
{
    return c->parent || c->parent_is_word;
}

struct lms_page {
    struct lms_record *rows;
    size_t rows_n;
    int64_t total;         /* of the whole collection, as this page reports it; -1 where the API gives none */
    size_t spoiled;        /* rows that can't be represented (left out of `rows`) */
    struct err spoiled_by; /* why, for the first of them; names its id where it has one */
    char **spoiled_keys;   /* of each of them: its key, or NULL where the row's text doesn't give it */
};
void lms_page_release(struct lms_page *p);

/* ------------------------------------------------------------------ saves */

/* What one save asks for. All borrowed. */
struct lms_save {
    const char *parent_key; /* per-parent collections: the parent's key; else NULL */
    const char *parent_ext; /* the parent's external id, if it has one; else NULL */
    const char *key;        /* NULL: create */
    const char *ext;        /* external id the name gives, or NULL */
    const char *name;       /* plain_names: the key that the file's name gives; else NULL */
    bool removed;           /* LMS_WRITE_ONLY: it was removed before, and this save brings it back */
    const char *uid; /* unique to this save and the same in each of its tries, restarts included: 32 hex digits */
    int64_t now;     /* Unix seconds when it was saved; the same in each of its tries */
    json_t *base; /* the server's current document (NULL on a create; of an LMS_WRITE_ONLY record that is there and of which
                        nothing is known: {}) */
    json_t *merged;  /* the current document with the change carried onto it; no `_readonly`, no `_options` */
    json_t *changed; /* array of the names of top-level fields that differ between base and merged */
    json_t *options; /* `_options`, or NULL */
    const json_t *defaults; /* what the tenant's configuration has for options that aren't given, by the vendor's names; or NULL */
};

struct lms_plan { /* requests in the order to send; the next goes out when the one before was accepted */
    struct http_request *steps;
    char **labels; /* what each step carries, for people: "name", "attr", "the user" */
    size_t n;
    json_t *reached; /* LMS_WRITE_ONLY: the document as these steps leave it, where another save must follow for the rest, so that
                        each has a job of its own and can fail alone; NULL: merged, as a rule */
};
void lms_plan_release(struct lms_plan *p);

struct lms_verdict {          /* what an accepted step's reply says */
    char *job_id;             /* asynchronous acceptance; NULL when it is done already */
    char *key;                /* the new record's id, if the reply has it */
    struct lms_record record; /* the record as the reply shows it; record.doc NULL when it shows none */
    bool record_is_detail;    /* that record is as complete as a GET's */
    char *secret;             /* a generated password (readable once, held in memory only); NULL as a rule */
    json_t *taken; /* the document as the LMS has it after this step, where that isn't `merged`: what wasn't given became empty, or
                      a later step carries a part. Without `_readonly`. NULL: merged, once all steps are through */
};
void lms_verdict_release(struct lms_verdict *v);

enum lms_op { LMS_OP_DEACTIVATE, LMS_OP_REACTIVATE, LMS_OP_DELETE };

/* What a removal or its taking back asks for. All borrowed. */
struct lms_change {
    enum lms_op op;
    const char *parent_key, *parent_ext; /* as in lms_save */
    const char *key;
    const char *ext;       /* NULL: none */
    const char *successor; /* "ID-…" / "EXT-…" or NULL */
    const json_t *doc;     /* the record as it is known; NULL: not known */
    const char *uid;       /* as in lms_save */
    int64_t now;
};

enum lms_job_status { LMS_JOB_IN_PROGRESS, LMS_JOB_COMPLETED, LMS_JOB_WARNINGS, LMS_JOB_FAILED };

struct lms_job {
    enum lms_job_status status;
    char *errors;   /* the vendor's words, or NULL */
    json_t *vendor; /* the whole reply */
};
void lms_job_release(struct lms_job *j);
const char *lms_job_status_name(enum lms_job_status s); /* "in_progress", "completed", "completed_with_warnings", "failed" */

/* ------------------------------------------------------------------ providers */

/* What requests need of the configuration; strings borrowed, NULL where the provider has no use for them. */
struct lms_account {
    const char *client_id, *client_secret, *org_id, *org_secret, *api_key, *tenant_id, *access_token, *secret, *act_as;
    const char *events_url;
};

struct lms_token {
    char *value;        /* bearer token; wiped by lms_token_release */
    int64_t expires_in; /* seconds from the reply */
};
void lms_token_release(struct lms_token *t);

struct lms_provider {
    const char *name; /* as in the configuration */
    /* The documentation's endpoints, for lms_endpoint: METHOD, space, path below the base URL, where ":x" stands for one segment; the first
     * that fits is meant. Ends with NULL. */
    const char *const *endpoints;
    const struct lms_collection *collections;
    size_t collections_n;

    /* Login. NULL where credentials go with each request. */
    int (*token_request)(const struct lms_account *a, struct http_request *out, struct err *e);
    int (*token_reply)(const struct http_reply *r, struct lms_token *out, struct err *e);
    /* Adds the credentials to a request (token NULL where there is no login). */
    int (*authorize)(const struct lms_account *a, const char *token, struct http_request *r);

    /* The cheapest request that proves that credentials are good. */
    int (*check_request)(const struct lms_account *a, struct http_request *out, struct err *e);

    /* What the reply to that proves: 0 where the credentials are good, else -errno. NULL: a 2xx, and nothing else. */
    int (*check_reply)(const struct http_reply *r, struct err *e);

    /* Does somebody with this record (users' document of whom act_as names) see everybody, or only a hierarchy? NULL where nobody is
     * acted for. */
    bool (*sees_all)(const json_t *actor);

    /* Lists: `page` counts from 1. parent_key is NULL without a parent. */
    int (*list_request)(const struct lms_collection *c, const char *parent_key, unsigned page, struct http_request *out,
                        struct err *e);
    int (*list_reply)(const struct lms_collection *c, const char *parent_key, const struct http_reply *r,
                      struct lms_page *out, struct err *e);

    /* What changed at or after `since` (Unix seconds), as pages of a list that list_reply reads; removed ones are among them, as inactive.
     * NULL where the API can't be asked so. */
    int (*changed_request)(const struct lms_collection *c, int64_t since, unsigned page, struct http_request *out,
                           struct err *e);

    /* What the LMS's own search finds for `text`, a directory's name below search/<collection>/: pages that list_reply reads (with
     * parent_key NULL; rows of a per-parent collection say their parent), in the API's order. -ENOTSUP where the collection has no
     * search, -EINVAL with the reason for a text that it doesn't take. *window: past so many rows the API stops (0: it doesn't). NULL
     * where the vendor has no search at all. */
    int (*search_request)(const struct lms_collection *c, const char *text, unsigned page, struct http_request *out,
                          uint64_t *window, struct err *e);
    /* The parent whose records `text` searches among, as a stem ("EXT-1", "ID-5"): its key is list_reply's parent_key then. -ENOENT: none
     * is named, the rows say theirs. Its text is one that search_request takes. NULL where no search names one. */
    int (*search_parent)(const struct lms_collection *c, const char *text, char stem[256]);

    /* One record by stem: "ID-<key>", "EXT-<ext>", "EMAIL-<address>", secret_prefix and its value, or with plain_names "ID-<key>" too
     * (percent-decoded); NULL for a singleton. -ENOTSUP where the API
     * can't be asked that way. A 404 never reaches get_reply. For get_reply a record whose identity isn't `stem`'s is -EPROTO;
     * for a search by e-mail that finds nobody get_reply returns -ENOENT. */
    int (*get_request)(const struct lms_collection *c, const char *parent_key, const char *stem,
                       struct http_request *out, struct err *e);
    int (*get_reply)(const struct lms_collection *c, const char *parent_key, const char *stem,
                     const struct http_reply *r, struct lms_record *out, struct err *e);
    /* The same for a record of which nothing is known yet, where the API has a request that says what a list's row does and no more; get_reply
     * reads it. -ENOTSUP where this collection has none, and NULL where no collection does: then it is get_request's. */
    int (*find_request)(const struct lms_collection *c, const char *parent_key, const char *stem,
                        struct http_request *out, struct err *e);

    /* A save as requests; -EINVAL with field and reason where the API can't do it; -EAGAIN where base is a list row only and sending
     * it would lose what the detail has: fetch that first. */
    int (*save)(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e);
    int (*saved)(const struct lms_collection *c, const struct lms_save *s, size_t step, const struct http_reply *r,
                 struct lms_verdict *out, struct err *e);

    /* Sends a file as the member `name` of c->files->field. out->file is filled but for fd and size. The reply is one that `saved` reads.
     * -EINVAL for a name that can't be. NULL where no collection has files. */
    int (*file_request)(const struct lms_collection *c, const char *parent_key, const char *key, const char *name,
                        struct http_request *out, struct err *e);

    /* A create was refused, or its job failed, because a record with the very same id is there (and not because another person has its
     * username or e-mail address): the save is then an update of that one. job NULL: by the reply. NULL where that can't be. */
    bool (*says_exists)(const struct lms_collection *c, const struct lms_save *s, const struct http_reply *r,
                        const struct lms_job *job);

    /* Deactivate, reactivate, delete for good. -EPERM where the API has no such operation. */
    int (*change_request)(const struct lms_collection *c, const struct lms_change *ch, struct http_request *out,
                          struct err *e);
    /* The verdict that a 2xx reply's body gives: 0 or -errno with the vendor's words. NULL: a 2xx says it all. */
    int (*change_reply)(const struct lms_collection *c, const struct lms_change *ch, const struct http_reply *r,
                        struct err *e);

    /* Jobs; NULL where the vendor has none. */
    int (*job_request)(const char *job_id, struct http_request *out, struct err *e);
    int (*job_reply)(const struct http_reply *r, struct lms_job *out, struct err *e);
};

/* By the configuration's name; NULL if there is none such. */
const struct lms_provider *lms_provider(const char *name);
const struct lms_collection *lms_collection(const struct lms_provider *p, const char *name);
int lms_collection_index(const struct lms_provider *p, const struct lms_collection *c);

/* The documentation's line that a request is for, as "GET /users/:id", or "other": a literal, with nothing of a person in it. */
const char *lms_endpoint(const struct lms_provider *p, const struct http_request *r);

/* The signed URLs in a 2xx reply, with their queries: an array of {"name": "contents[0].file_url", "url": "https://…"} in the reply's order
 * (new reference). key: only those of the object whose id it is ("id", "objectId" or "hownow_id"), -ENOENT when it isn't there; NULL: all.
 * -ENODATA: there are none. */
int lms_signed_urls(const struct http_reply *r, const char *key, json_t **out, struct err *e);

/* The vendor's words out of an error body ("error_message", "errors" as string or array, "message" as string or object, "error"), at
 * most size-1 bytes, control characters blanked; for a body that isn't such JSON: "HTTP 502 with a body that is not the API's
 * (text/html?)". Never empty. */
void lms_error_text(const struct http_reply *r, char *buf, size_t size);

/* 0 for 2xx; else the errno that DESIGN's table gives the status: 400 422 → -EINVAL, 401 403 → -EACCES, 404 → -ENOENT, 409 → -EEXIST,
 * 429 → -EAGAIN, 0 (no reply) → -EHOSTUNREACH, the rest → -EIO. */
int lms_status_errno(int status);

#endif
