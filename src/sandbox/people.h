/* The invented people of the HowNow tenant: a function of (seed, index) for the untouched ones, a stored copy for every
 * changed or created one. A million untouched people cost a bit and a pointer each. */
#ifndef SANDBOX_PEOPLE_H
#define SANDBOX_PEOPLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEOPLE_NOBODY  UINT32_MAX
#define PEOPLE_NO_DATE INT32_MIN
#define PEOPLE_ROLES   40   /* job roles that the tenant begins with */
#define PEOPLE_MOST    2000 /* … and that it can ever have */
#define PEOPLE_FANOUT  20   /* reports of a seeded manager */

enum user_type { TYPE_ADMIN, TYPE_MANAGER, TYPE_CONTRIBUTOR, TYPE_READONLY };
enum user_status { STATUS_ACTIVE, STATUS_INVITED, STATUS_DEACTIVATED };

/* Times are unix seconds, 0 = never. Strings are "" where the API says null. The numeric id is index + 1. */
struct user {
    uint32_t index;
    uint32_t manager;  /* index or PEOPLE_NOBODY */
    uint32_t authored; /* contents this person owns */
    int32_t joined;    /* days since 1970 or PEOPLE_NO_DATE */
    int32_t role;      /* index in the catalogue, or -1: then role_name */
    enum user_type type;
    enum user_status status;
    bool deleted;
    bool password_set;
    int64_t created_at, last_signed_at, last_active_at, deactivated_at;
    json_t *custom; /* [{"name","values"}]; NULL: as seeded. Borrowed from the store, see people_custom */
    char name[320], ext[208], email[264], role_name[208];
    char avatar_url[520], dob[16], phone[72], address[520], country[136];
};

struct people;

struct people *people_new(uint64_t seed, uint32_t count);
void people_free(struct people *p);

uint32_t people_total(const struct people *p);  /* indices ever used, deleted ones included */
uint32_t people_seeded(const struct people *p); /* how many the generator made */
uint32_t people_active(const struct people *p);
bool people_is_active(const struct people *p, uint32_t index);
uint32_t people_kth_active(const struct people *p, uint32_t k);

/* The place in the list isn't the index: people_reorder turns the list by `turn` places, and around. */
void people_reorder(struct people *p, uint32_t turn, bool around);
uint32_t people_kth_listed(const struct people *p, uint32_t k);

/* Fills *u; false when the index was never used. A deleted user loads with `deleted` set. */
bool people_load(const struct people *p, uint32_t index, struct user *u);

/* Keeps *u as user u->index and brings every lookup up to date. u->custom, when it isn't the stored one, is referenced. */
void people_store(struct people *p, const struct user *u);

/* A new user behind all others; returns its index. */
uint32_t people_add(struct people *p, struct user *u);

/* Lookups of users that aren't deleted (deactivated ones are found); e-mail regardless of case. */
uint32_t people_by_id(const struct people *p, int64_t id);
uint32_t people_by_ext(const struct people *p, const char *ext);
uint32_t people_by_email(const struct people *p, const char *email);

/* The manager's index without the price of people_load. */
uint32_t people_manager(const struct people *p, uint32_t index);

/* True when `index` is `boss` or reports to it at any depth. */
bool people_reports_to(const struct people *p, uint32_t index, uint32_t boss);

/* Indices of active users whose name or e-mail contains q (NULL: all) and who are in boss's hierarchy (PEOPLE_NOBODY:
 * all), ascending; *found is the caller's to free. */
uint32_t people_search(const struct people *p, const char *q, uint32_t boss, uint32_t **found);

/* A new reference to the user's custom fields in the form of the detail. */
json_t *people_custom(const struct people *p, const struct user *u);

/* How many active users have this job role. */
uint32_t people_with_role(const struct people *p, int32_t role);

const char *people_type_name(enum user_type type);
const char *people_status_name(enum user_status status);
bool people_type_parse(const char *text, enum user_type *type); /* any case */

#endif
