/* crawl.h — at most `crawl_limit` in any 60 seconds. Any thread; never waits for more than the lock of another count. */
#ifndef SYNC_CRAWL_H
#define SYNC_CRAWL_H

#include <stdbool.h>
#include <stdint.h>

struct crawl;

struct crawl *crawl_new(int limit); /* NULL: out of memory */
void crawl_free(struct crawl *c);   /* NULL is fine */
/* Counts one more if there is room for it in the minute that ends at `now` (monotonic milliseconds); false if not, and then it isn't
 * counted. */
bool crawl_take(struct crawl *c, int64_t now);

#endif
