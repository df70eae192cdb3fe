/* Learning Pool: a request is looked at, and taken to be carried out later. */
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "learningpool.h"
#include "when.h"

/* ---- checks; each writes the 400 itself and says false ---- */

static bool wrong(struct reply *rp, const char *name, const char *what)
{
    char text[256];

    snprintf(text, sizeof(text), "\"%.120s\" %.120s", name, what);
    lp_error(rp, 400, text);
    return false;
}

static bool fields_fine(struct reply *rp, const json_t *body, const struct field *table)
{
    static const char *const kinds[] = {"must be a string", "must be a boolean", "must be an object",
                                        "must be an array", "is required"};
    const char *which = "";
    enum field_type type = FIELD_ANY;

    switch (sb_fields_check(body, table, &which, &type)) {
    case FIELD_FINE:
        return true;
    case FIELD_UNKNOWN:
        return wrong(rp, which, "is not allowed");
    case FIELD_MISSING:
        return wrong(rp, which, "is required");
    default:
        return wrong(rp, which, kinds[type]);
    }
}

static bool may_be_empty(const char *key)
{
    return strcmp(key, "startDate") == 0 || strcmp(key, "endDate") == 0 || strcmp(key, "parentId") == 0;
}

/* "2017-10-06 14:51:38" */
static bool is_stamp(const char *text)
{
    char iso[32];
    int64_t ms;

    if (strlen(text) != 19 || text[10] != ' ')
        return false;
    snprintf(iso, sizeof(iso), "%.10sT%sZ", text, text + 11);
    return sb_stamp_ms_parse(iso, &ms);
}

static bool text_fine(struct reply *rp, const char *key, const char *text)
{
    const char *at = strchr(text, '@');

    if (!*text)
        return may_be_empty(key) || wrong(rp, key, "is not allowed to be empty");
    if (strcmp(key, "expiresAt") == 0 || strcmp(key, "startDate") == 0 || strcmp(key, "endDate") == 0)
        return is_stamp(text) || wrong(rp, key, "must be in YYYY-MM-DD HH:mm:ss format");
    if (strcmp(key, "email") == 0 && (!at || at == text || !at[1] || strchr(at + 1, '@') || text[strcspn(text, " \t")]))
        return wrong(rp, key, "must be a valid email");
    return true;
}

static bool custom_fine(struct reply *rp, const json_t *list)
{
    static const struct field fields[] = {{"id", FIELD_STRING, true}, {"value", FIELD_ANY, true}, {0}};
    json_t *element;
    size_t i;

    json_array_foreach(list, i, element)
    {
        if (!json_is_object(element))
            return wrong(rp, "customFields", "must contain objects");
        if (!fields_fine(rp, element, fields))
            return false;
        if (json_is_object(json_object_get(element, "value")) || json_is_array(json_object_get(element, "value")))
            return wrong(rp, "value", "must be a string");
    }
    return true;
}

static bool body_fine(struct reply *rp, const json_t *body, const struct field *table)
{
    const char *key;
    json_t *value;

    if (!fields_fine(rp, body, table))
        return false;
    if (!json_object_size(body))
        return wrong(rp, "value", "must have at least 1 key");
    json_object_foreach((json_t *)body, key, value)
    {
        if (json_is_string(value) && !text_fine(rp, key, json_string_value(value)))
            return false;
    }
    return custom_fine(rp, json_object_get(body, "customFields"));
}

/* ---- taking ---- */

/* The URL leads elsewhere, so that a client that follows it is found out. */
static void take(struct sandbox *sb, struct request *rq, struct reply *rp, const char *message,
                 const struct pool_task *task)
{
    const char *id = lp_jobs_submit(sb->pool->jobs, task), *host = sb_request_header(rq, "Host");

    sb_reply_json(rp, 200,
                  json_pack("{s:s, s:s, s:o}", "message", message, "requestId", id, "status",
                            json_sprintf("http://%s/elsewhere/progress-status/%s", host ? host : "localhost", id)));
}

static void take_user(struct sandbox *sb, struct request *rq, struct reply *rp, const char *id)
{
    const struct pool_task task = {
        .thing = POOL_USER, .create = !rq->captured[0], .id = id ? id : rq->captured[0], .body = rq->json};

    take(sb, rq, rp, "User successfully submitted for processing", &task);
}

#define USER_FIELDS                                                                         \
    {"customFields", FIELD_ARRAY, false}, {"country", FIELD_STRING, false},                 \
        {"leaderboardOptOut", FIELD_BOOLEAN, false}, {"viewProfile", FIELD_BOOLEAN, false}, \
        {"orgRef", FIELD_STRING, false}, {"disableManualLogin", FIELD_BOOLEAN, false},      \
        {"language", FIELD_STRING, false}, {"timezone", FIELD_STRING, false},               \
    {                                                                                       \
        "expiresAt", FIELD_STRING, false                                                    \
    }

void lp_user_create(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const struct field fields[] = {{"userId", FIELD_STRING, true},
                                          {"username", FIELD_STRING, true},
                                          {"firstName", FIELD_STRING, true},
                                          {"lastName", FIELD_STRING, true},
                                          {"email", FIELD_STRING, true},
                                          USER_FIELDS,
                                          {0}};

    if (body_fine(rp, rq->json, fields))
        take_user(sb, rq, rp, sb_field_string(rq->json, "userId"));
}

void lp_user_update(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const struct field fields[] = {{"firstName", FIELD_STRING, false},
                                          {"lastName", FIELD_STRING, false},
                                          {"email", FIELD_STRING, false},
                                          USER_FIELDS,
                                          {0}};

    if (body_fine(rp, rq->json, fields))
        take_user(sb, rq, rp, NULL);
}

#define ASSIGNMENT_FIELDS                                                                               \
    {"managerId", FIELD_STRING, false}, {"managerJobAssignmentId", FIELD_STRING, false},                \
        {"organisationFrameworkId", FIELD_STRING, false}, {"organisationLevelId", FIELD_STRING, false}, \
        {"positionFrameworkId", FIELD_STRING, false}, {"positionLevelId", FIELD_STRING, false},         \
        {"startDate", FIELD_STRING, false}, {"endDate", FIELD_STRING, false},                           \
    {                                                                                                   \
        "isOrganisationManager", FIELD_BOOLEAN, false                                                   \
    }

static void take_assignment(struct sandbox *sb, struct request *rq, struct reply *rp, const char *id)
{
    const struct pool_task task = {.thing = POOL_ASSIGNMENT,
                                   .create = !rq->captured[1],
                                   .parent = rq->captured[0],
                                   .id = id ? id : rq->captured[1],
                                   .body = rq->json};

    take(sb, rq, rp, "Job Assignment successfully submitted for processing", &task);
}

void lp_assignment_create(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const struct field fields[] = {
        {"jobAssignmentId", FIELD_STRING, true}, {"jobAssignmentName", FIELD_STRING, true}, ASSIGNMENT_FIELDS, {0}};

    if (body_fine(rp, rq->json, fields))
        take_assignment(sb, rq, rp, sb_field_string(rq->json, "jobAssignmentId"));
}

void lp_assignment_update(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const struct field fields[] = {{"jobAssignmentName", FIELD_STRING, false}, ASSIGNMENT_FIELDS, {0}};

    if (body_fine(rp, rq->json, fields))
        take_assignment(sb, rq, rp, NULL);
}

static void take_level(struct sandbox *sb, struct request *rq, struct reply *rp, const char *kind, const char *message)
{
    const char *id = sb_field_string(rq->json, "levelId");
    const struct pool_task task = {.thing = POOL_LEVEL,
                                   .create = !rq->captured[1],
                                   .kind = kind,
                                   .parent = rq->captured[0],
                                   .id = rq->captured[1] ? rq->captured[1] : id,
                                   .body = rq->json};

    take(sb, rq, rp, message, &task);
}

#define LEVEL_FIELDS                                                       \
    {"parentId", FIELD_STRING, false}, {"levelName", FIELD_STRING, false}, \
    {                                                                      \
        "customFieldSetId", FIELD_STRING, false                            \
    }

void lp_organisation_create(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const struct field fields[] = {
        {"levelId", FIELD_STRING, true}, LEVEL_FIELDS, {"customFields", FIELD_ARRAY, false}, {0}};

    if (body_fine(rp, rq->json, fields))
        take_level(sb, rq, rp, "organisation", "Organisation Level successfully submitted for processing");
}

void lp_organisation_update(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const struct field fields[] = {LEVEL_FIELDS, {"customFields", FIELD_ARRAY, false}, {0}};

    if (body_fine(rp, rq->json, fields))
        take_level(sb, rq, rp, "organisation", "Organisation Level sucessfully submitted for processing");
}

void lp_position_create(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const struct field fields[] = {{"levelId", FIELD_STRING, true}, LEVEL_FIELDS, {0}};

    if (body_fine(rp, rq->json, fields))
        take_level(sb, rq, rp, "position", "Position Level successfully submitted for processing");
}

void lp_position_update(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const struct field fields[] = {LEVEL_FIELDS, {0}};

    if (body_fine(rp, rq->json, fields))
        take_level(sb, rq, rp, "position", "Position Level successfully submitted for processing");
}

/* ---- a status is carried out at once, and says nothing of whom it met ---- */

static bool status_of(struct reply *rp, const json_t *body, const char **status)
{
    static const struct field fields[] = {{"status", FIELD_STRING, true}, {0}};

    if (!fields_fine(rp, body, fields))
        return false;
    *status = sb_field_string(body, "status");
    return strcmp(*status, "ACTIVE") == 0 || strcmp(*status, "DELETED") == 0 ||
           wrong(rp, "status", "must be one of [DELETED, ACTIVE]");
}

void lp_user_status(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *status;

    if (!status_of(rp, rq->json, &status))
        return;
    json_object_set_new(lp_user(sb->pool, rq->captured[0]), "status", json_string(status));
    sb_reply_json(rp, 200, json_pack("{s:s}", "message", "User status sucessfully submitted for processing"));
}

void lp_assignment_status(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    json_t *assignments = json_object_get(lp_user(sb->pool, rq->captured[0]), "assignments");
    const char *status;

    if (!status_of(rp, rq->json, &status))
        return;
    json_object_set_new(json_object_get(assignments, rq->captured[1]), "status", json_string(status));
    rp->status = 200;
}
