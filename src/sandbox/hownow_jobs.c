/* HowNow: upserts are accepted at once and carried out when their job is due. */
#include "hownow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "seed.h"
#include "when.h"

enum job_status { JOB_RUNNING, JOB_COMPLETED, JOB_WARNED, JOB_FAILED };

static const char *const status_names[] = {"in_progress", "completed", "completed_with_warnings", "failed"};

struct job {
    UT_hash_handle hh;
    struct job *next; /* of those that run, the earliest due first */
    double due, submitted;
    enum job_status status;
    bool must_fail, must_warn;
    char *text; /* what `errors` says, or NULL */
    hn_job *apply;
    json_t *request;
    char id[40];
};

struct jobs {
    struct job *all; /* in the order of submission */
    struct job *running;
    uint64_t nonce, count;
    double seconds;
    bool hold;
    char *fail_next, *warn_next;
};

struct jobs *hn_jobs_new(double seconds)
{
    struct jobs *j = sb_alloc(sizeof(*j));

    j->seconds = seconds;
    j->nonce = (uint64_t)(sb_wall() * 1e6); /* no id is seen twice by a client that outlives a sandbox */
    return j;
}

void hn_jobs_free(struct jobs *j)
{
    struct job *job = NULL, *next = NULL;

    if (!j)
        return;
    HASH_ITER(hh, j->all, job, next)
    {
        HASH_DEL(j->all, job);
        json_decref(job->request);
        free(job->text);
        free(job);
    }
    free(j->fail_next);
    free(j->warn_next);
    free(j);
}

static void name_job(struct jobs *j, struct job *job)
{
    uint64_t a = seed_mix(j->nonce, j->count, 1), b = seed_mix(j->nonce, j->count, 2);

    j->count++;
    snprintf(job->id, sizeof(job->id), "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)(a >> 32), (unsigned)a & 0xffff,
             (unsigned)(a >> 16) & 0xfff, (unsigned)(b >> 52), (unsigned long long)(b & 0xffffffffffff));
}

const char *hn_jobs_submit(struct jobs *j, hn_job *apply, const json_t *request)
{
    struct job *job = sb_alloc(sizeof(*job));
    struct job **at = &j->running;

    name_job(j, job);
    job->submitted = sb_wall();
    job->due = sb_mono() + j->seconds;
    job->apply = apply;
    job->request = json_deep_copy(request);
    job->must_fail = j->fail_next != NULL;
    job->must_warn = !job->must_fail && j->warn_next;
    if (job->must_fail) {
        job->text = j->fail_next;
        j->fail_next = NULL;
    } else if (job->must_warn) {
        job->text = j->warn_next;
        j->warn_next = NULL;
    }
    HASH_ADD_STR(j->all, id, job);
    while (*at && (*at)->due <= job->due)
        at = &(*at)->next;
    job->next = *at;
    *at = job;
    return job->id;
}

static void carry_out(struct sandbox *sb, struct job *job)
{
    struct buf error = {0};

    if (job->must_fail) {
        job->status = JOB_FAILED;
    } else if (!job->apply(sb, job->request, &error)) {
        job->status = JOB_FAILED;
        free(job->text);
        job->text = sb_take(&error);
    } else {
        job->status = job->must_warn ? JOB_WARNED : JOB_COMPLETED;
    }
    sb_release(&error);
}

void hn_jobs_advance(struct sandbox *sb)
{
    struct jobs *j = sb->jobs;
    double now = sb_mono();

    while (j->running && !j->hold && j->running->due <= now) {
        struct job *job = j->running;

        j->running = job->next;
        job->next = NULL;
        carry_out(sb, job);
    }
}

void hn_job_status(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct job *job = NULL;

    HASH_FIND_STR(sb->jobs->all, rq->captured[0], job);
    if (!job) {
        hn_refuse(rp, 404, NULL);
        return;
    }
    sb_reply_json(rp, 200,
                  json_pack("{s:s, s:s?}", "status", status_names[job->status], "errors",
                            job->status == JOB_RUNNING ? NULL : job->text));
}

/* ---- the control endpoints ---- */

static void take_text(char **slot, const json_t *value)
{
    free(*slot);
    *slot = json_is_string(value) ? sb_strdup(json_string_value(value)) : NULL;
}

void hn_jobs_control(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct jobs *j = sb->jobs;
    const char *key;
    json_t *value;

    json_object_foreach(rq->json, key, value)
    {
        if (strcmp(key, "seconds") == 0 && json_is_number(value)) {
            j->seconds = json_number_value(value);
        } else if (strcmp(key, "fail_next") == 0 && (json_is_string(value) || json_is_null(value))) {
            take_text(&j->fail_next, value);
        } else if (strcmp(key, "warn_next") == 0 && (json_is_string(value) || json_is_null(value))) {
            take_text(&j->warn_next, value);
        } else if (strcmp(key, "hold") == 0 && json_is_boolean(value)) {
            j->hold = json_is_true(value);
        } else {
            sb_reply_json(rp, 400, json_pack("{s:s+}", "error", "unknown or mistyped key: ", key));
            return;
        }
    }
    hn_jobs_advance(sb);
    sb_reply_json(rp, 200,
                  json_pack("{s:f, s:b, s:s?, s:s?}", "seconds", j->seconds, "hold", j->hold, "fail_next", j->fail_next,
                            "warn_next", j->warn_next));
}

void hn_jobs_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    json_t *list = json_array();

    (void)rq;
    for (struct job *job = sb->jobs->all; job; job = job->hh.next)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s?, s:f, s:O}", "job_id", job->id, "status",
                                              status_names[job->status], "errors", job->text, "submitted",
                                              job->submitted, "request", job->request));
    sb_reply_json(rp, 200, json_pack("{s:I, s:o}", "count", (json_int_t)json_array_size(list), "jobs", list));
}
