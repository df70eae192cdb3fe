/* The Synap half: its store of people and learning records, and what its files know of each other. */
#ifndef SANDBOX_SYNAP_H
#define SANDBOX_SYNAP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "buf.h"
#include "request.h"
#include "sandbox.h"

#define SYNAP_GROUPS  8
#define SYNAP_NO_DATE INT64_MIN

struct synap_file { /* the bytes of an attribute that is a file */
    char *name;
    struct buf data;
    struct synap_file *next;
};

struct synap_record {
    UT_hash_handle hh;
    struct synap_user *user;
    struct synap_record *next; /* of the same person, the oldest first */
    char id[24];
    char *name;
    int64_t achieved_ms; /* or SYNAP_NO_DATE */
    double score;        /* NAN: null */
    bool visible;
    struct synap_file *files;
    json_t *attr; /* a file is an object without its url, which is signed anew at every reading */
};

struct synap_user {
    UT_hash_handle hh, hh_email;
    char id[24];
    char email[264], name[320], ext[264], sub_portal[72]; /* "" is null */
    bool password_set;
    unsigned groups; /* a bit for each */
    int64_t created_ms, updated_ms;
    json_t *attr;
    struct synap_record *records;
};

struct synap {
    uint64_t seed, serial;
    struct synap_user *by_id, *by_email; /* the e-mail in lower case is kept as the key */
    struct synap_record *records;
    json_t *studies;     /* user id → test id → the request that added it */
    json_t *invitations; /* the requests, in their order */
};

/* ---- synap.c: the store ---- */

struct synap *sy_new(uint64_t seed, uint32_t count);
void sy_free(struct synap *s);

struct synap_user *sy_by_id(struct synap *s, const char *id);
struct synap_user *sy_by_email(struct synap *s, const char *email);
struct synap_user *sy_user_add(struct synap *s, const char *email, const char *name);
void sy_user_remove(struct synap *s, struct synap_user *u);
void sy_user_rename(struct synap *s, struct synap_user *u, const char *email);

struct synap_record *sy_record_by_id(struct synap *s, const char *id);
struct synap_record *sy_record_add(struct synap *s, struct synap_user *u, const char *name);
void sy_record_remove(struct synap *s, struct synap_record *r);

const char *sy_group_id(unsigned group);
const char *sy_group_name(unsigned group);
int sy_group_find(const char *id); /* -1 when there is none */

/* NULL when `value` may stand in attribute `name`, else what the 400 says (into `room`). */
const char *sy_attr_wrong(const char *name, const json_t *value, char room[256]);
json_t *sy_attr_definitions(void);

/* ---- synap_routes.c ---- */

void sy_error(struct reply *rp, int status, const char *message);
int64_t sy_now_ms(void);
void sy_meta(json_t *reply, json_t *meta); /* adds "meta" with the timestamp; meta (or NULL) is consumed */

/* ---- synap_users.c ---- */

json_t *sy_user_json(const struct synap_user *u, bool whole); /* whole: with attr and userGroups */
void sy_user_create(struct sandbox *sb, struct request *rq, struct reply *rp);
void sy_user_attributes(struct sandbox *sb, struct request *rq, struct reply *rp);
void sy_user_patch(struct sandbox *sb, struct request *rq, struct reply *rp);
void sy_user_find(struct sandbox *sb, struct request *rq, struct reply *rp);
void sy_user_delete(struct sandbox *sb, struct request *rq, struct reply *rp);
void sy_group_add(struct sandbox *sb, struct request *rq, struct reply *rp);
void sy_group_remove(struct sandbox *sb, struct request *rq, struct reply *rp);

/* ---- synap_items.c ---- */

void sy_study_add(struct sandbox *sb, struct request *rq, struct reply *rp);
void sy_study_remove(struct sandbox *sb, struct request *rq, struct reply *rp);
void sy_invite(struct sandbox *sb, struct request *rq, struct reply *rp);
void sy_assignment(struct sandbox *sb, struct request *rq, struct reply *rp);
void sy_attempt(struct sandbox *sb, struct request *rq, struct reply *rp);
void sy_study_state(struct sandbox *sb, struct request *rq, struct reply *rp);

/* ---- synap_records.c ---- */

/* host: where the files' URLs lead, "127.0.0.1:8080"; NULL: nowhere */
json_t *sy_record_json(const struct synap_record *r, const char *host);
void sy_file(struct sandbox *sb, struct request *rq, struct reply *rp); /* a signed URL: without credentials */
void sy_record_create(struct sandbox *sb, struct request *rq, struct reply *rp);
void sy_record_patch(struct sandbox *sb, struct request *rq, struct reply *rp);
void sy_record_delete(struct sandbox *sb, struct request *rq, struct reply *rp);
void sy_records_list(struct sandbox *sb, struct request *rq, struct reply *rp);

#endif
