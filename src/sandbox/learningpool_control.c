/* The control endpoints of the Learning Pool half: what is there, what others do, how requests go on, which keys are good. */
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "fields.h"
#include "learningpool.h"
#include "learningpool_queue.h"

/* ---- what is there ---- */

void lp_users_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    json_t *list = json_array(), *user;
    const char *id;

    (void)rq;
    json_object_foreach(sb->pool->users, id, user)
    {
        (void)user;
        json_array_append_new(list, json_string(id));
    }
    sb_reply_json(rp, 200, json_pack("{s:I, s:o}", "count", (json_int_t)json_array_size(list), "users", list));
}

static void answer(struct reply *rp, const json_t *thing, const char *none)
{
    if (thing)
        sb_reply_json(rp, 200, json_deep_copy(thing));
    else
        sb_control_error(rp, 404, none);
}

void lp_user_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    answer(rp, lp_user(sb->pool, rq->captured[0]), "no such user");
}

void lp_levels_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    answer(rp, lp_framework(sb->pool, rq->captured[0], rq->captured[1]), "no such framework");
}

void lp_jobs_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    json_t *list = json_array(), *entry;

    (void)rq;
    for (struct pool_job *job = sb->pool->jobs->all; job; job = job->hh.next) {
        entry = lp_job_json(job);
        json_object_update_new(entry, json_pack("{s:s, s:s, s:b, s:f, s:O}", "requestId", job->id, "record",
                                                job->record, "create", (int)job->create, "submitted", job->submitted,
                                                "request", job->body));
        json_array_append_new(list, entry);
    }
    sb_reply_json(rp, 200, json_pack("{s:I, s:o}", "count", (json_int_t)json_array_size(list), "jobs", list));
}

/* ---- what others do ---- */

void lp_people_control(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *op = sb_field_string(rq->json, "op"), *id = sb_field_string(rq->json, "id");
    const json_t *set = json_object_get(rq->json, "set");
    json_t *user;

    if (!id)
        id = sb_field_string(set, "userId");
    if (!op || !id || (set && !json_is_object(set))) {
        sb_control_error(rp, 400, "expected {\"op\", \"id\", \"set\": {…}}");
        return;
    }
    if (strcmp(op, "add") == 0 && set)
        lp_user_put(sb->pool, id, set);
    user = lp_user(sb->pool, id);
    if (user && strcmp(op, "update") == 0)
        lp_merge(json_object_get(user, "record"), set);
    else if (user && strcmp(op, "delete") == 0)
        json_object_set_new(user, "status", json_string("DELETED"));
    else if (strcmp(op, "add") != 0 && user) {
        sb_control_error(rp, 400, "op is add, update or delete");
        return;
    }
    answer(rp, user, "no such user");
}

/* ---- how requests go on ---- */

static bool take_setting(struct pool_jobs *j, const char *key, const json_t *value)
{
    if (strcmp(key, "seconds") == 0 && json_is_number(value)) {
        j->seconds = json_number_value(value);
    } else if (strcmp(key, "hold") == 0 && json_is_boolean(value)) {
        j->hold = json_is_true(value);
    } else if (strcmp(key, "retries") == 0 && json_is_integer(value)) {
        j->retries = (unsigned)json_integer_value(value);
    } else if (strcmp(key, "retry_next") == 0 && json_is_integer(value)) {
        j->retry_next = (unsigned)json_integer_value(value);
    } else if (strcmp(key, "fail_next") == 0 && (json_is_string(value) || json_is_null(value))) {
        free(j->fail_next);
        j->fail_next = json_is_string(value) ? sb_strdup(json_string_value(value)) : NULL;
    } else {
        return false;
    }
    return true;
}

void lp_jobs_control(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct pool_jobs *j = sb->pool->jobs;
    const char *key;
    json_t *value;

    json_object_foreach(rq->json, key, value)
    {
        if (!take_setting(j, key, value)) {
            sb_reply_json(rp, 400, json_pack("{s:s+}", "error", "unknown or mistyped key: ", key));
            return;
        }
    }
    lp_jobs_advance(sb);
    sb_reply_json(rp, 200,
                  json_pack("{s:f, s:b, s:i, s:i, s:s?}", "seconds", j->seconds, "hold", (int)j->hold, "retries",
                            (int)j->retries, "retry_next", (int)j->retry_next, "fail_next", j->fail_next));
}

/* ---- keys ---- */

static void rotate(char **slot, const char *value)
{
    if (!value)
        return;
    free(*slot);
    *slot = sb_strdup(value);
}

/* From here on only the new ones are good. */
void lp_keys_control(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    rotate(&sb->pool->api_key, sb_field_string(rq->json, "api_key"));
    rotate(&sb->pool->tenant_id, sb_field_string(rq->json, "tenant_id"));
    sb_reply_text(rp, 200, "{}");
}
