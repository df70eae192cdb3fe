/* Which user indices are active: a bitmap under a Fenwick tree of its words' counts, so that the
 * k-th active user is found in O(log n) however many came and went. */
#ifndef SANDBOX_ACTIVE_H
#define SANDBOX_ACTIVE_H

#include <stdbool.h>
#include <stdint.h>

#define ACTIVE_NONE UINT32_MAX

struct active;

/* Indices 0..count-1 start active, all later ones inactive. */
struct active *active_new(uint32_t count);
void active_free(struct active *a);

void active_set(struct active *a, uint32_t index, bool on);
bool active_test(const struct active *a, uint32_t index);
uint32_t active_count(const struct active *a);

/* The index of the active user that has `k` active ones before it, or ACTIVE_NONE. */
uint32_t active_kth(const struct active *a, uint32_t k);

/* The first active index >= `from`, or ACTIVE_NONE. */
uint32_t active_next(const struct active *a, uint32_t from);

#endif
