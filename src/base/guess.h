/* guess.h — what somebody may have meant who wrote a name wrong. Any thread. */
#ifndef LMSFS_BASE_GUESS_H
#define LMSFS_BASE_GUESS_H

#include <stddef.h>

#define GUESS_LONGEST 63 /* bytes of a name that is compared */

/* Steps (insert, drop, change, swap neighbours) from a to b; GUESS_LONGEST where one of them is longer than that. */
size_t guess_distance(const char *a, const char *b);

#endif
