/* The AVIA part: a WordPress site's people and learning groups, and what its files know of each other. */
#ifndef SANDBOX_AVIA_H
#define SANDBOX_AVIA_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "request.h"
#include "sandbox.h"

struct avia_user {
    UT_hash_handle hh, hh_ssn; /* by_id stays in the order of the ids */
    unsigned id;
    char *ssn;
    json_t *doc; /* email, username, first_name, last_name, name, locale, role and fields, the ssn not among them */
    bool suspended, password_set;
};

struct avia_group {
    UT_hash_handle hh;
    unsigned id;
    char *title;
    json_t *users, *admins; /* ssn → true */
    json_t *social;         /* NULL, or {"status", "users", "admins"} */
};

/* How the lists look: neither is documented, so a client has to take them as they come. */
enum avia_rows {
    AVIA_ROWS_WHOLE,
    AVIA_ROWS_BRIEF /* no fields, no names */,
    AVIA_ROWS_STATELESS /* not whether suspended */
};

struct avia {
    unsigned last_id;
    struct avia_user *by_id, *by_ssn;
    struct avia_group *groups;
    enum avia_rows rows;
    char envelope[16]; /* "": the array itself; else the member that it stands in */
};

/* ---- avia.c: the store, what every answer shares ---- */

struct avia *av_new(uint64_t seed, unsigned count);
void av_free(struct avia *a);

struct avia_user *av_by_ssn(struct avia *a, const char *ssn);
struct avia_user *av_by_id(struct avia *a, unsigned id);
struct avia_user *av_user_add(struct avia *a, const char *ssn); /* with an empty record */
void av_user_remove(struct avia *a, struct avia_user *u);
/* Somebody else who has this e-mail address or username; NULL: nobody. An empty text is nobody's. */
struct avia_user *av_holder(struct avia *a, const char *key, const char *text, const struct avia_user *but);

/* What an update makes of somebody: each documented member that `from` lacks becomes empty. `from` holds them at its top. */
void av_user_replace(struct avia_user *u, const json_t *from);
json_t *av_user_json(const struct avia_user *u); /* whole, as a row */

struct avia_group *av_group_by_id(struct avia *a, unsigned id);
struct avia_group *av_group_add(struct avia *a, const char *title);
json_t *av_group_json(struct avia *a, const struct avia_group *g);

/* WordPress's form: {"code", "message", "data": {"status"}}. */
void av_error(struct reply *rp, int status, const char *code, const char *message);
void av_list(const struct avia *a, struct reply *rp, json_t *rows); /* rows is consumed */

/* ---- avia_users.c, avia_groups.c, avia_control.c ---- */

void av_user_list(struct sandbox *sb, struct request *rq, struct reply *rp);
void av_user_create(struct sandbox *sb, struct request *rq, struct reply *rp);
void av_user_update(struct sandbox *sb, struct request *rq, struct reply *rp);
void av_user_role(struct sandbox *sb, struct request *rq, struct reply *rp);
void av_user_find(struct sandbox *sb, struct request *rq, struct reply *rp);
void av_user_delete(struct sandbox *sb, struct request *rq, struct reply *rp);
void av_user_suspend(struct sandbox *sb, struct request *rq, struct reply *rp);

void av_group_list(struct sandbox *sb, struct request *rq, struct reply *rp);
void av_group_get(struct sandbox *sb, struct request *rq, struct reply *rp);
void av_group_create(struct sandbox *sb, struct request *rq, struct reply *rp);
void av_group_enroll(struct sandbox *sb, struct request *rq, struct reply *rp);

void av_users_state(struct sandbox *sb, struct request *rq, struct reply *rp);
void av_user_state(struct sandbox *sb, struct request *rq, struct reply *rp);
void av_groups_state(struct sandbox *sb, struct request *rq, struct reply *rp);
void av_people_control(struct sandbox *sb, struct request *rq, struct reply *rp);
void av_shape_control(struct sandbox *sb, struct request *rq, struct reply *rp);

#endif
