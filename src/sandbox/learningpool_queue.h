/* The requests that Learning Pool has taken: learningpool_jobs.c carries them out, learningpool_control.c shows them. */
#ifndef SANDBOX_LEARNINGPOOL_QUEUE_H
#define SANDBOX_LEARNINGPOOL_QUEUE_H

#include <uthash.h>

#include "learningpool.h"

enum pool_code { POOL_RUNNING = 1, POOL_COMPLETE, POOL_FAILED, POOL_RETRYING }; /* the API's statusCode */

struct pool_job {
    UT_hash_handle hh;
    struct pool_job *next; /* of those that run, the earliest due first */
    double due, submitted;
    enum pool_code code;
    enum pool_thing thing;
    bool create;
    const char *kind;
    char *parent, *record;
    json_t *body;
    char *errors;      /* NULL: none */
    char *must_fail;   /* what it will say; NULL: it may succeed */
    unsigned left;     /* tries that it has for what isn't there yet */
    unsigned stumbles; /* times that it is to be tried in vain first */
    char id[40];
};

struct pool_jobs {
    struct pool_job *all; /* in the order of submission */
    struct pool_job *running;
    uint64_t nonce, count;
    double seconds;
    bool hold;
    unsigned retries, retry_next;
    char *fail_next;
};

json_t *lp_job_json(const struct pool_job *job); /* statusCode, status, errors */

#endif
