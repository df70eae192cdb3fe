/* People who come, go, change and change places while their pages are read: seeded, and told afterwards. */
#ifndef SANDBOX_CHURN_H
#define SANDBOX_CHURN_H

#include "request.h"
#include "sandbox.h"

struct churn;

void churn_free(struct churn *c);

/* Before a page of the people's list is answered: maybe something happens. */
void churn_before_page(struct sandbox *sb);

/* POST /_sandbox/hownow/churn {"seed", "events": how many at most, "chance": percent a page, "keep": of the first so many nobody leaves,
 * "kinds": any of "join", "leave", "change", "reorder"; all when left out}. What was told of before is forgotten. */
void churn_begin(struct sandbox *sb, struct request *rq, struct reply *rp);

/* GET: {"left": names, "joined": names, "changed": names, "reordered": count, "remaining": events that are still to come}. */
void churn_told(struct sandbox *sb, struct request *rq, struct reply *rp);

#endif
