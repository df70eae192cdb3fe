/* The control endpoints, /_sandbox/…: what tests use to look inside and to change things behind the client's back. */
#include "control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avia.h"
#include "churn.h"
#include "faults.h"
#include "hownow.h"
#include "learningpool.h"
#include "reqlog.h"
#include "routes.h"
#include "synap.h"
#include "thrive.h"

void sb_control_error(struct reply *rp, int status, const char *message)
{
    sb_reply_json(rp, status, json_pack("{s:s}", "error", message));
}

static void refuse(struct reply *rp, int status, const char *what)
{
    sb_control_error(rp, status,
                     what            ? what
                     : status == 404 ? "no such control endpoint"
                     : status == 405 ? "no such method here"
                                     : "can't read that");
}

static bool admit(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    (void)sb;
    (void)rq;
    (void)rp;
    return true;
}

static void answer_empty(struct reply *rp)
{
    sb_reply_text(rp, 200, "{}");
}

static bool number_query(const struct request *rq, const char *key, uint64_t otherwise, uint64_t *value)
{
    const char *text = sb_request_query(rq, key);

    *value = otherwise;
    if (!text)
        return true;
    *value = strtoull(text, NULL, 10);
    return *text && !text[strspn(text, "0123456789")];
}

static void requests_get(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    uint64_t since, limit;

    if (!number_query(rq, "since", 0, &since) || !number_query(rq, "limit", UINT64_MAX, &limit)) {
        sb_control_error(rp, 400, "since and limit are numbers");
        return;
    }
    rp->status = 200;
    reqlog_print(sb->reqlog, &rp->body, sb_request_query(rq, "path"), sb_request_query(rq, "method"), since, limit);
}

static void requests_clear(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    (void)rq;
    reqlog_clear(sb->reqlog);
    answer_empty(rp);
}

static void faults_get(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    (void)rq;
    sb_reply_json(rp, 200, json_pack("{s:o}", "faults", sb_faults_list(sb->faults)));
}

static void faults_post(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *wrong = sb_faults_add(sb->faults, rq->json);

    if (wrong)
        sb_control_error(rp, 400, wrong);
    else
        answer_empty(rp);
}

static void faults_delete(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    (void)rq;
    sb_faults_clear(sb->faults);
    answer_empty(rp);
}

/* Any Content-Type will do: curl -d is how people call these. */
static bool json_body(struct request *rq, struct reply *rp)
{
    if (sb_request_parse_json(rq) && json_is_object(rq->json))
        return true;
    sb_control_error(rp, 400, "the body must be a JSON object");
    return false;
}

#define WITH_JSON(name, handler)                                               \
    static void name(struct sandbox *sb, struct request *rq, struct reply *rp) \
    {                                                                          \
        if (json_body(rq, rp))                                                 \
            handler(sb, rq, rp);                                               \
    }

/* Other credentials are the right ones from now on; "revoke": true ends HowNow's tokens too. */
static void keys_post(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct settings *s = &sb->settings;
    const struct {
        const char *name, **slot;
    } slots[] = {{"client_secret", &s->client_secret},
                 {"org_secret", &s->org_secret},
                 {"api_key", &s->api_key},
                 {"thrive_secret", &s->thrive_secret},
                 {"avia_token", &s->avia_token}};

    for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
        json_t *value = json_object_get(rq->json, slots[i].name);

        if (!json_is_string(value))
            continue;
        json_object_set(sb->keys, slots[i].name, value);
        *slots[i].slot = json_string_value(value);
    }
    if (json_is_true(json_object_get(rq->json, "revoke")))
        hn_access_revoke(sb->access);
    answer_empty(rp);
}

WITH_JSON(keys_post_json, keys_post)
WITH_JSON(faults_post_json, faults_post)
WITH_JSON(jobs_post_json, hn_jobs_control)
WITH_JSON(hownow_post_json, sb_control_hownow_change)
WITH_JSON(churn_post_json, churn_begin)
WITH_JSON(synap_post_json, sb_control_synap_change)
WITH_JSON(pool_jobs_json, lp_jobs_control)
WITH_JSON(pool_keys_json, lp_keys_control)
WITH_JSON(pool_users_json, lp_people_control)
WITH_JSON(thrive_post_json, th_control_change)
WITH_JSON(avia_users_json, av_people_control)
WITH_JSON(avia_shape_json, av_shape_control)

static const struct route routes[] = {
    {"GET", "/_sandbox/requests", {"path", "method", "since", "limit"}, BODY_NONE, requests_get},
    {"DELETE", "/_sandbox/requests", {0}, BODY_NONE, requests_clear},
    {"GET", "/_sandbox/faults", {0}, BODY_NONE, faults_get},
    {"POST", "/_sandbox/faults", {0}, BODY_ANY, faults_post_json},
    {"DELETE", "/_sandbox/faults", {0}, BODY_NONE, faults_delete},
    {"POST", "/_sandbox/keys", {0}, BODY_ANY, keys_post_json},
    {"POST", "/_sandbox/jobs", {0}, BODY_ANY, jobs_post_json},
    {"GET", "/_sandbox/state/hownow/jobs", {0}, BODY_NONE, hn_jobs_state},
    {"GET", "/_sandbox/state/hownow/job-roles/:role", {0}, BODY_NONE, hn_role_state},
    {"GET", "/_sandbox/state/hownow/learning-records/:user", {0}, BODY_NONE, hn_engagement_state},
    {"GET", "/_sandbox/state/hownow/user-skills/:user", {0}, BODY_NONE, hn_reviews_state},
    {"GET", "/_sandbox/state/hownow/users", {0}, BODY_NONE, sb_control_hownow_totals},
    {"GET", "/_sandbox/state/hownow/users/:user", {0}, BODY_NONE, sb_control_hownow_state},
    {"GET", "/_sandbox/state/synap/study/:email", {0}, BODY_NONE, sy_study_state},
    {"GET", "/_sandbox/state/synap/users", {0}, BODY_NONE, sb_control_synap_list},
    {"GET", "/_sandbox/state/synap/users/:user", {0}, BODY_NONE, sb_control_synap_state},
    {"POST", "/_sandbox/hownow/users", {0}, BODY_ANY, hownow_post_json},
    {"POST", "/_sandbox/hownow/churn", {0}, BODY_ANY, churn_post_json},
    {"GET", "/_sandbox/hownow/churn", {0}, BODY_NONE, churn_told},
    {"POST", "/_sandbox/synap/users", {0}, BODY_ANY, synap_post_json},
    {"GET", "/_sandbox/state/learningpool/users", {0}, BODY_NONE, lp_users_state},
    {"GET", "/_sandbox/state/learningpool/users/:user", {0}, BODY_NONE, lp_user_state},
    {"GET", "/_sandbox/state/learningpool/levels/:kind/:framework", {0}, BODY_NONE, lp_levels_state},
    {"GET", "/_sandbox/state/learningpool/jobs", {0}, BODY_NONE, lp_jobs_state},
    {"POST", "/_sandbox/learningpool/users", {0}, BODY_ANY, pool_users_json},
    {"POST", "/_sandbox/learningpool/jobs", {0}, BODY_ANY, pool_jobs_json},
    {"POST", "/_sandbox/learningpool/keys", {0}, BODY_ANY, pool_keys_json},
    {"GET", "/_sandbox/state/thrive/users", {0}, BODY_NONE, th_control_list},
    {"GET", "/_sandbox/state/thrive/users/:user", {0}, BODY_NONE, th_control_state},
    {"GET", "/_sandbox/state/thrive/events", {0}, BODY_NONE, th_control_events},
    {"POST", "/_sandbox/thrive/users", {0}, BODY_ANY, thrive_post_json},
    {"GET", "/_sandbox/state/avia/users", {0}, BODY_NONE, av_users_state},
    {"GET", "/_sandbox/state/avia/users/:user", {0}, BODY_NONE, av_user_state},
    {"GET", "/_sandbox/state/avia/groups", {0}, BODY_NONE, av_groups_state},
    {"POST", "/_sandbox/avia/users", {0}, BODY_ANY, avia_users_json},
    {"POST", "/_sandbox/avia/shape", {0}, BODY_ANY, avia_shape_json},
    {0},
};

const struct vendor control_sandbox = {routes, admit, refuse};
