/* Learning Pool: what was taken is carried out when it is due; what isn't there yet is waited for a few times. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "learningpool.h"
#include "learningpool_queue.h"
#include "seed.h"
#include "when.h"

#define RETRIES 2

static const char *const names[] = {"", "In Progress", "Complete", "In Error", "Retrying"};

struct pool_jobs *lp_jobs_new(double seconds)
{
    struct pool_jobs *j = sb_alloc(sizeof(*j));

    j->seconds = seconds;
    j->retries = RETRIES;
    j->nonce = (uint64_t)(sb_wall() * 1e6); /* no id is seen twice by a client that outlives a sandbox */
    return j;
}

void lp_jobs_free(struct pool_jobs *j)
{
    struct pool_job *job = NULL, *next = NULL;

    if (!j)
        return;
    HASH_ITER(hh, j->all, job, next)
    {
        HASH_DEL(j->all, job);
        json_decref(job->body);
        free(job->parent);
        free(job->record);
        free(job->errors);
        free(job->must_fail);
        free(job);
    }
    free(j->fail_next);
    free(j);
}

static void name_job(struct pool_jobs *j, struct pool_job *job)
{
    uint64_t a = seed_mix(j->nonce, j->count, 11), b = seed_mix(j->nonce, j->count, 12);

    j->count++;
    snprintf(job->id, sizeof(job->id), "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)(a >> 32), (unsigned)a & 0xffff,
             (unsigned)(a >> 16) & 0xfff, (unsigned)(b >> 52), (unsigned long long)(b & 0xffffffffffff));
}

/* Behind all that are due at the same time: what came first is carried out first. */
static void queue(struct pool_jobs *j, struct pool_job *job)
{
    struct pool_job **at = &j->running;

    job->due = sb_mono() + j->seconds;
    while (*at && (*at)->due <= job->due)
        at = &(*at)->next;
    job->next = *at;
    *at = job;
}

const char *lp_jobs_submit(struct pool_jobs *j, const struct pool_task *task)
{
    struct pool_job *job = sb_alloc(sizeof(*job));

    name_job(j, job);
    job->submitted = sb_wall();
    job->code = POOL_RUNNING;
    job->thing = task->thing;
    job->create = task->create;
    job->kind = task->kind;
    job->parent = task->parent ? sb_strdup(task->parent) : NULL;
    job->record = sb_strdup(task->id);
    job->body = json_deep_copy(task->body);
    job->left = j->retries;
    job->stumbles = j->retry_next;
    j->retry_next = 0;
    job->must_fail = j->fail_next;
    j->fail_next = NULL;
    HASH_ADD_STR(j->all, id, job);
    queue(j, job);
    return job->id;
}

static void retry(struct pool_jobs *j, struct pool_job *job, unsigned left, const char *error)
{
    struct buf text = {0};

    sb_printf(&text, "Reties remaining : %u. Current Error:  %s", left, error);
    free(job->errors);
    job->errors = sb_take(&text);
    job->code = POOL_RETRYING;
    queue(j, job);
}

static void carry_out(struct sandbox *sb, struct pool_job *job)
{
    const struct pool_task task = {.thing = job->thing,
                                   .create = job->create,
                                   .kind = job->kind,
                                   .parent = job->parent,
                                   .id = job->record,
                                   .body = job->body};
    char *error = NULL;
    enum pool_outcome outcome;

    if (job->stumbles) {
        job->stumbles--;
        retry(sb->pool->jobs, job, job->stumbles + 1, "cURL error 28: Operation timed out.");
        return;
    }
    outcome = job->must_fail ? POOL_INVALID : lp_apply(sb->pool, &task, &error);
    if (job->must_fail)
        error = sb_strdup(job->must_fail);
    if (outcome == POOL_MISSING && job->left) {
        retry(sb->pool->jobs, job, job->left--, error);
        free(error);
        return;
    }
    free(job->errors);
    job->errors = error;
    job->code = outcome == POOL_DONE ? POOL_COMPLETE : POOL_FAILED;
}

void lp_jobs_advance(struct sandbox *sb)
{
    struct pool_jobs *j = sb->pool->jobs;
    double now = sb_mono();

    while (j->running && !j->hold && j->running->due <= now) {
        struct pool_job *job = j->running;

        j->running = job->next;
        job->next = NULL;
        carry_out(sb, job);
    }
}

json_t *lp_job_json(const struct pool_job *job)
{
    return json_pack("{s:i, s:s, s:s}", "statusCode", (int)job->code, "status", names[job->code], "errors",
                     job->errors ? job->errors : "");
}

/* The model is the request as it was taken, and the id that its path said. */
void lp_progress(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const char *const ids[] = {"userId", "jobAssignmentId", "levelId"};
    struct pool_job *job = NULL;
    json_t *reply, *model;

    HASH_FIND_STR(sb->pool->jobs->all, rq->captured[0], job);
    if (!job) {
        lp_error(rp, 404, "Request not found");
        return;
    }
    reply = lp_job_json(job);
    model = json_deep_copy(job->body);
    json_object_set_new(model, ids[job->thing], json_string(job->record));
    json_object_set_new(reply, "model", model);
    sb_reply_json(rp, 200, reply);
}
