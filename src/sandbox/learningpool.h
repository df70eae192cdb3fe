/* What the files of the Learning Pool half know of each other. Handlers have the signature of struct route. */
#ifndef SANDBOX_LEARNINGPOOL_H
#define SANDBOX_LEARNINGPOOL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "rate.h"
#include "request.h"
#include "sandbox.h"

/* What the LXP holds. Users: userId → {"status", "record", "assignments": {id → {"status", "record"}}}; frameworks:
 * "organisation" and "position" → framework id → level id → record. */
struct pool {
    json_t *users, *frameworks;
    struct pool_jobs *jobs;
    struct rate rate;
    char *api_key, *tenant_id;
};

/* ---- learningpool.c: the store ---- */

struct pool *lp_new(const struct settings *settings);
void lp_free(struct pool *p);

/* Borrowed; NULL when there is none. */
json_t *lp_user(const struct pool *p, const char *id);
json_t *lp_framework(const struct pool *p, const char *kind, const char *id); /* kind: "organisation" or "position" */

/* An active user with a copy of `record`. */
void lp_user_put(struct pool *p, const char *id, const json_t *record);
/* The id of a user who has this value in `field`, whatever its case; NULL when there is none. */
const char *lp_user_with(const struct pool *p, const char *field, const char *value);
/* What is missing in `into` comes from `from`, what is there is replaced; customFields differ by their id. */
void lp_merge(json_t *into, const json_t *from);

/* "text" or "date" of a custom field that is defined; NULL when there is none of that name. */
const char *lp_custom_type(const char *field);

/* ---- learningpool_routes.c ---- */

void lp_error(struct reply *rp, int status, const char *message);

/* ---- learningpool_take.c: what is checked at once ---- */

void lp_user_create(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_user_update(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_user_status(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_assignment_create(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_assignment_update(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_assignment_status(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_organisation_create(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_organisation_update(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_position_create(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_position_update(struct sandbox *sb, struct request *rq, struct reply *rp);

/* ---- learningpool_jobs.c ---- */

/* What a job carries out. parent: the user of an assignment, the framework of a level; kind: of a level. */
struct pool_task {
    enum pool_thing { POOL_USER, POOL_ASSIGNMENT, POOL_LEVEL } thing;
    bool create;
    const char *kind, *parent, *id; /* kind is a literal */
    json_t *body;
};

struct pool_jobs *lp_jobs_new(double seconds);
void lp_jobs_free(struct pool_jobs *j);
const char *lp_jobs_submit(struct pool_jobs *j, const struct pool_task *task); /* the request's id; copies everything */
void lp_jobs_advance(struct sandbox *sb);                                      /* carries out what is due */
void lp_progress(struct sandbox *sb, struct request *rq, struct reply *rp);

/* ---- learningpool_apply.c: what is found out later ---- */

enum pool_outcome { POOL_DONE, POOL_INVALID, POOL_MISSING };

/* Carries a task out. Else *error (the caller's to free) is the LXP's own message: of what is wrong, or of what isn't
 * there yet and may still come. */
enum pool_outcome lp_apply(struct pool *p, const struct pool_task *task, char **error);

/* ---- learningpool_control.c ---- */

void lp_users_state(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_user_state(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_levels_state(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_jobs_state(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_jobs_control(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_keys_control(struct sandbox *sb, struct request *rq, struct reply *rp);
void lp_people_control(struct sandbox *sb, struct request *rq, struct reply *rp);

#endif
