/* What the files of the HowNow half know of each other. Handlers have the signature of struct route. */
#ifndef SANDBOX_HOWNOW_H
#define SANDBOX_HOWNOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "people.h"
#include "request.h"
#include "sandbox.h"

/* ---- hownow.c: forms that every endpoint shares ---- */

struct page {
    uint32_t number, size; /* number from 1 */
};

void hn_error(struct reply *rp, int status, const char *message); /* {"error_message": …} */
void hn_errors(struct reply *rp, const char *text);               /* 422 {"errors": …} */
void hn_refuse(struct reply *rp, int status, const char *what);

/* Reads page and per_page (over 100 is 100); false when a 400 has been written. */
bool hn_page(const struct request *rq, struct reply *rp, struct page *page);
uint32_t hn_page_start(const struct page *page);
void hn_meta(struct buf *out, const struct page *page, uint32_t total); /* ],"meta":{…}} */

/* "ID-5" or "EXT-x", and "EMAIL-…" if allowed: an index or PEOPLE_NOBODY. */
uint32_t hn_resolve(const struct sandbox *sb, const char *text, bool mail_too);
bool hn_is_reference(const char *text);              /* has the form of ID-n or EXT-x */
bool hn_reference_id(const char *text, int64_t *id); /* "ID-n" with 0 <= n < 2^31 */

bool hn_actor_is_admin(const struct sandbox *sb, const struct request *rq);
/* The actor is an Admin, or `index` is in the actor's hierarchy. */
bool hn_actor_may(const struct sandbox *sb, const struct request *rq, uint32_t index);

/* ---- hownow_access.c: tokens, the rate limit, the acting user ---- */

struct access *hn_access_new(void);
void hn_access_revoke(struct access *a); /* every token */
void hn_access_free(struct access *a);
bool hn_admit(struct sandbox *sb, struct request *rq, struct reply *rp);
bool hn_admit_token(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_token(struct sandbox *sb, struct request *rq, struct reply *rp);

/* ---- hownow_users.c: reading ---- */

void hn_users_list(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_user_get(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_user_print(const struct sandbox *sb, struct buf *out, const struct user *u, bool detail);
const char *hn_role_name(const struct sandbox *sb, const struct user *u); /* "" for none */

/* ---- hownow_upsert.c: writing ---- */

void hn_upsert(struct sandbox *sb, struct request *rq, struct reply *rp);

/* Carries out an accepted upsert; false with the job's error text appended. */
bool hn_upsert_apply(struct sandbox *sb, const json_t *body, struct buf *error);

/* Sets one field of *u from its JSON, null clearing it. u->custom becomes a new reference when it changes. */
bool hn_assign(struct sandbox *sb, struct user *u, const char *key, const json_t *value, struct buf *error);

/* An empty person as a create begins: invited, nobody's report. */
void hn_blank(struct user *u);

/* ---- hownow_leave.c ---- */

void hn_deactivate(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_reactivate(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_delete(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_set_active(struct user *u);
void hn_set_deactivated(struct user *u);

/* ---- hownow_jobs.c ---- */

struct jobs *hn_jobs_new(double seconds);
void hn_jobs_free(struct jobs *j);
typedef bool hn_job(struct sandbox *sb, const json_t *request,
                    struct buf *error); /* false with the job's error text appended */
const char *hn_jobs_submit(struct jobs *j, hn_job *apply, const json_t *request); /* the job's id */
void hn_jobs_advance(struct sandbox *sb);                                         /* carries out what is due */
void hn_job_status(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_jobs_control(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_jobs_state(struct sandbox *sb, struct request *rq, struct reply *rp);

/* ---- hownow_catalogue.c: skills ---- */

int64_t hn_born(unsigned n); /* when the n-th thing of the tenant was made */
struct catalogue *hn_catalogue_new(void);
void hn_catalogue_free(struct catalogue *c);
struct roles *hn_catalogue_roles(const struct catalogue *c);
struct contents *hn_catalogue_contents(const struct catalogue *c);
int32_t hn_skill_find(const struct catalogue *c, const char *reference);       /* -1 when there is none */
void hn_skill_name(const struct catalogue *c, int32_t skill, struct buf *out); /* "id":…,"external_id":…,"name":… */
void hn_skill_mapped(struct catalogue *c, int32_t skill, bool more); /* a job role has it, or has it no more */
void hn_skills_list(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_skill_get(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_skill_create(struct sandbox *sb, struct request *rq, struct reply *rp);

/* ---- hownow_roles.c: job roles ---- */

struct roles *hn_roles_new(void);
void hn_roles_free(struct roles *r);
const char *hn_catalogue_role_name(const struct catalogue *c, int32_t role);      /* "" for one that is gone */
int32_t hn_catalogue_role_find(const struct catalogue *c, const char *reference); /* -1 when there is none */
void hn_roles_list(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_role_get(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_role_create(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_role_update(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_role_delete(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_role_state(struct sandbox *sb, struct request *rq, struct reply *rp);

/* ---- hownow_contents.c: contents, lessons, and the lists of sources, types and languages ---- */

struct contents *hn_contents_new(void);
void hn_contents_free(struct contents *c);
void hn_contents_hand_over(struct contents *c, uint32_t from, uint32_t to);
void hn_assigned_contents(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_authored_contents(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_contents_search(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_content_get(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_content_details(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_lesson_details(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_content_sources(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_content_types(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_languages(struct sandbox *sb, struct request *rq, struct reply *rp);

/* ---- hownow_engagement.c: learning records from elsewhere ---- */

struct engagement *hn_engagement_new(void);
void hn_engagement_free(struct engagement *e);
void hn_engagement_upsert(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_engagement_state(struct sandbox *sb, struct request *rq, struct reply *rp);

/* ---- hownow_reviews.c: reviews of people's skills ---- */

struct reviews *hn_reviews_new(void);
void hn_reviews_free(struct reviews *r);
void hn_reviews_add(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_reviews_remove(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_reviews_state(struct sandbox *sb, struct request *rq, struct reply *rp);

/* ---- hownow_groups.c ---- */

struct groups *hn_groups_new(uint64_t seed, uint32_t seeded);
void hn_groups_free(struct groups *g);
unsigned hn_groups_of(const struct groups *g, uint32_t index);       /* how many this person is in */
unsigned hn_groups_owned_by(const struct groups *g, uint32_t index); /* how many are this person's */
void hn_groups_hand_over(struct groups *g, uint32_t from, uint32_t to);
void hn_groups_list(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_group_get(struct sandbox *sb, struct request *rq, struct reply *rp);
void hn_group_users(struct sandbox *sb, struct request *rq, struct reply *rp);

#endif
