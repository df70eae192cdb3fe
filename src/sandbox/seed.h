/* The generator: what the untouched user number `index` looks like, as a pure function of (seed, index). */
#ifndef SANDBOX_SEED_H
#define SANDBOX_SEED_H

#include "people.h"

/* A well-mixed number for (seed, index, salt). */
uint64_t seed_mix(uint64_t seed, uint64_t index, uint64_t salt);

void seed_user(uint64_t seed, uint32_t index, struct user *u);
json_t *seed_custom(uint64_t seed, uint32_t index);
uint32_t seed_manager(uint64_t seed, uint32_t index);
int32_t seed_role(uint64_t seed, uint32_t index);

void seed_name(uint64_t seed, uint32_t index, char out[320]);
void seed_email(uint64_t seed, uint32_t index, char out[264]);
void seed_ext(uint32_t index, char out[208]); /* "" for the one in fifty that has none */

/* The inverse: the index that the text would be of, or PEOPLE_NOBODY. The caller compares the whole text. */
uint32_t seed_index_of_ext(const char *ext);
uint32_t seed_index_of_email(const char *email);

/* Names and mail prefixes come in this many combinations, and user `index` has combination seed_pair(). */
unsigned seed_pair_count(void);
unsigned seed_pair(uint64_t seed, uint32_t index);
void seed_pair_name(unsigned pair, char out[320]);
void seed_pair_slug(unsigned pair, char out[264]); /* "amy.okafor." */
bool seed_name_is_special(uint32_t index);         /* the name is more than its combination */

/* The custom fields that are defined in the tenant. */
bool seed_custom_defined(const char *field_name);

#endif
