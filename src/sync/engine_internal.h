/* engine_internal.h — what the parts of the engine itself have between them: inbox.c, ask.c, tenants.c and the loop in engine.c. */
#ifndef SYNC_ENGINE_INTERNAL_H
#define SYNC_ENGINE_INTERNAL_H

#include "sync/internal.h"

struct item {
    enum { ITEM_ASK, ITEM_INTERRUPT, ITEM_RUN } type;
    union {
        struct ask *ask;
        uint64_t id;
        void (*fn)(void *ctx);
    };
    void *ctx;
};

/* inbox.c */
int inbox_open(struct engine *g);                   /* -ENOMEM */
bool inbox_take(struct engine *g, struct item *it); /* the engine's thread; false: nothing is there */

/* ask.c; the engine's thread */
void ask_dispatch(struct engine *g, struct ask *a); /* to the flow that its kind says */
void ask_interrupt(struct engine *g, uint64_t id);  /* -EINTR for it, if a signal may end it */
void ask_end_all(struct engine *g);                 /* -ESHUTDOWN for all that wait */

/* tenants.c */
int tenant_init(struct engine *g, struct tenant *t, const struct conf_tenant *c, struct err *e);

#endif
