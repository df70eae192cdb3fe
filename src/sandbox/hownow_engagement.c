/* HowNow: learning records of contents that live elsewhere. Each upsert carries the whole record: what it leaves out is emptied. Nothing
 * in the API reads them back; the control endpoint does. */
#include "hownow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "when.h"

#define CONTENTS 500 /* course_1 to course_500 are the contents that exist */

struct engagement {
    json_t *people; /* external user id → external content id → the record as it was last sent */
};

struct engagement *hn_engagement_new(void)
{
    struct engagement *e = sb_alloc(sizeof(*e));

    e->people = json_object();
    return e;
}

void hn_engagement_free(struct engagement *e)
{
    if (!e)
        return;
    json_decref(e->people);
    free(e);
}

/* ---- what the parameter table says ---- */

static const struct field body_fields[] = {
    {"external_user_id", FIELD_STRING, true}, {"external_content_id", FIELD_STRING, true},
    {"provider", FIELD_STRING, true},         {"completion_percentage", FIELD_ANY, true},
    {"enrollment_date", FIELD_STRING, true},  {"completion_date", FIELD_ANY, false},
    {"time_spent", FIELD_ANY, false},         {0},
};

static bool is_date(const json_t *value)
{
    int32_t days;

    return json_is_string(value) && sb_date_parse(json_string_value(value), &days);
}

static bool is_between(const json_t *value, json_int_t low, json_int_t high)
{
    return json_is_integer(value) && json_integer_value(value) >= low && json_integer_value(value) <= high;
}

static bool body_valid(const json_t *body)
{
    const json_t *completed = json_object_get(body, "completion_date"), *spent = json_object_get(body, "time_spent");
    const char *which;
    enum field_type type;

    return sb_fields_check(body, body_fields, &which, &type) == FIELD_FINE && *sb_field_string(body, "provider") &&
           is_between(json_object_get(body, "completion_percentage"), 0, 100) &&
           is_date(json_object_get(body, "enrollment_date")) &&
           (!completed || json_is_null(completed) || is_date(completed)) && (!spent || is_between(spent, 0, INT32_MAX));
}

/* ---- the job ---- */

static bool content_exists(const char *id)
{
    char *end;
    unsigned long n;

    if (strncmp(id, "course_", 7) != 0 || id[7] < '1' || id[7] > '9')
        return false;
    n = strtoul(id + 7, &end, 10);
    return !*end && n <= CONTENTS;
}

static bool apply(struct sandbox *sb, const json_t *body, struct buf *error)
{
    const char *user = sb_field_string(body, "external_user_id"),
               *content = sb_field_string(body, "external_content_id");
    json_t *records = json_object_get(sb->engagement->people, user);

    if (people_by_ext(sb->people, user) == PEOPLE_NOBODY) {
        sb_printf(error, "User not found with external_user_id: %s", user);
    } else if (!content_exists(content)) {
        sb_printf(error, "Content not found with external_content_id: %s", content);
    } else {
        if (!records)
            json_object_set_new(sb->engagement->people, user, records = json_object());
        json_object_set_new(records, content, json_deep_copy(body));
    }
    return error->len == 0;
}

void hn_engagement_upsert(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    if (!hn_actor_is_admin(sb, rq))
        hn_refuse(rp, 401, NULL);
    else if (!body_valid(rq->json))
        hn_refuse(rp, 400, NULL);
    else
        sb_reply_json(rp, 201,
                      json_pack("{s:s, s:s}", "job_id", hn_jobs_submit(sb->jobs, apply, rq->json), "message",
                                "Request is accepted"));
}

void hn_engagement_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    json_t *records = json_object_get(sb->engagement->people, rq->captured[0]);

    hn_jobs_advance(sb);
    sb_reply_json(rp, 200, json_pack("{s:o}", "records", records ? json_incref(records) : json_object()));
}
