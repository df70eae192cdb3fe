/* What was asked, in order: a bounded ring that tests read to see what a client really sent. */
#ifndef SANDBOX_REQLOG_H
#define SANDBOX_REQLOG_H

#include <stdint.h>

struct reqlog;
struct request;
struct reply;
struct buf;

struct reqlog *reqlog_new(void);
void reqlog_free(struct reqlog *log);
void reqlog_clear(struct reqlog *log);

/* Secrets in the body are masked here and never kept. */
void reqlog_add(struct reqlog *log, struct request *rq, const struct reply *rp);

/* Writes {"count", "total", "requests": […]} of the entries that match; path is a substring, method whole, NULL = any;
 * only entries after `since`; at most `limit` of them are printed (the first ones), all of them counted. */
void reqlog_print(const struct reqlog *log, struct buf *out, const char *path, const char *method, uint64_t since,
                  uint64_t limit);

#endif
