/* hook.h — where suites kill the daemon, or slow it down. Compiled in only with -DLMSFS_TEST_HOOKS: the program that people run has none. */
#ifndef SYNC_HOOK_H
#define SYNC_HOOK_H

#include <stdint.h>

#ifdef LMSFS_TEST_HOOKS
/* Dies at once if the file that the environment's LMSFS_DIE_FILE names holds this word; the file goes first, so that it happens once. */
void test_hook(const char *where);
/* Seconds by which the clock of the flows is ahead: what the file has that the environment's LMSFS_CLOCK_FILE names, read at the first call. */
int64_t test_clock_ahead(void);
/* Waits as many milliseconds as the file says that the environment's LMSFS_SLOW_FILE names: a line each, "where milliseconds". */
void test_slow(const char *where);
#else
static inline void test_slow(const char *where)
{
    (void)where;
}
static inline int64_t test_clock_ahead(void)
{
    return 0;
}
static inline void test_hook(const char *where)
{
    (void)where;
}
#endif

#endif
