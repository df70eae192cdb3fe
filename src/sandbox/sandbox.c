/* The sandbox as a whole: its parts, and the way of one request through them. */
#include "sandbox.h"

#include <stdlib.h>
#include <string.h>

#include "avia.h"
#include "buf.h"
#include "churn.h"
#include "faults.h"
#include "hownow.h"
#include "learningpool.h"
#include "people.h"
#include "reqlog.h"
#include "routes.h"
#include "synap.h"
#include "thrive.h"

struct sandbox *sandbox_new(const struct settings *settings)
{
    struct sandbox *sb = sb_alloc(sizeof(*sb));

    sb->settings = *settings;
    sb->people = people_new(settings->seed, settings->users);
    sb->catalogue = hn_catalogue_new();
    sb->groups = hn_groups_new(settings->seed, settings->users);
    sb->access = hn_access_new();
    sb->jobs = hn_jobs_new(settings->job_seconds);
    sb->engagement = hn_engagement_new();
    sb->reviews = hn_reviews_new();
    sb->synap = sy_new(settings->seed, settings->synap_users);
    sb->pool = lp_new(settings);
    sb->thrive = th_new(settings->seed, settings->thrive_users);
    sb->keys = json_object();
    sb->avia = av_new(settings->seed, settings->avia_users);
    sb->faults = sb_faults_new();
    sb->reqlog = reqlog_new();
    return sb;
}

void sandbox_free(struct sandbox *sb)
{
    if (!sb)
        return;
    reqlog_free(sb->reqlog);
    churn_free(sb->churn);
    sb_faults_free(sb->faults);
    json_decref(sb->keys);
    lp_free(sb->pool);
    th_free(sb->thrive);
    av_free(sb->avia);
    sy_free(sb->synap);
    hn_reviews_free(sb->reviews);
    hn_engagement_free(sb->engagement);
    hn_jobs_free(sb->jobs);
    hn_access_free(sb->access);
    hn_groups_free(sb->groups);
    hn_catalogue_free(sb->catalogue);
    people_free(sb->people);
    free(sb);
}

static bool begins_with(const struct request *rq, const char *segment)
{
    return rq->segment_count && strcmp(rq->segments[0], segment) == 0;
}

static const struct vendor *vendor_of(const struct request *rq)
{
    if (begins_with(rq, "_sandbox"))
        return &control_sandbox;
    if (begins_with(rq, "external"))
        return &hownow_sandbox;
    if (begins_with(rq, "token"))
        return &hownow_token_sandbox;
    if (begins_with(rq, "api"))
        return &learningpool_sandbox;
    if (begins_with(rq, "rest") || begins_with(rq, "webhooks"))
        return &thrive_sandbox;
    if (begins_with(rq, "files"))
        return &synap_files_sandbox;
    if (begins_with(rq, "wp-json"))
        return &avia_sandbox;
    return &synap_sandbox;
}

void sandbox_answer(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const struct vendor *vendor = vendor_of(rq);
    const json_t *fault = NULL;
    enum fault_stage stage;

    hn_jobs_advance(sb);
    lp_jobs_advance(sb);
    if (vendor == &control_sandbox) {
        sb_routes_answer(vendor, sb, rq, rp);
        return;
    }
    rp->delay_ms = sb->settings.latency_ms;
    stage = sb_faults_take(sb->faults, rq, rp, &fault);
    if (stage != FAULT_INSTEAD)
        sb_routes_answer(vendor, sb, rq, rp);
    if (stage == FAULT_AFTER)
        sb_fault_spoil(fault, rp);
    reqlog_add(sb->reqlog, rq, rp);
}
