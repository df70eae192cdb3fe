/* parse.h — pages of a list read beside the engine: making sense of one takes as long as storing it, and a big first listing has thousands. */
#ifndef SYNC_PARSE_H
#define SYNC_PARSE_H

#include "sync/internal.h"

struct parse {
    /* filled by who asks; all but the reply stays valid until `done` */
    const struct lms_provider *provider;
    const struct lms_collection *c;
    const char *parent_key; /* or NULL */
    struct http_reply reply;
    void (*done)(struct parse *p); /* the engine's thread; the parse is its own again */

    /* the answer */
    int result;           /* of list_reply; -ESHUTDOWN: the engine ends, nothing was read */
    struct lms_page page; /* the owner's to release where result is 0 */
    struct err err;

    struct parse *next; /* parse.c's */
};

/* Engine thread. `done` is called later, never from within; or at once where there is no thread to be had. */
void parse_page(struct engine *g, struct parse *p);
void parse_deliver(struct engine *g); /* calls `done` of those that are read */
void parse_stop(struct engine *g);    /* all that are left end with -ESHUTDOWN; none is taken after it */

#endif
