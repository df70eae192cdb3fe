/* Learning Pool: a task reaches the LXP, which has its own rules, its own names for things and its own words. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fields.h"
#include "learningpool.h"
#include "when.h"

#define LAST_YEAR 2037

/* The first thing that isn't there, else everything that is wrong: field → [sentence]. */
struct findings {
    const char *missing; /* a model's name */
    json_t *wrong;
};

static void missing(struct findings *f, const char *model)
{
    if (!f->missing)
        f->missing = model;
}

static void wrong(struct findings *f, const char *field, const char *text)
{
    if (!f->wrong)
        f->wrong = json_object();
    json_object_set_new(f->wrong, field, json_pack("[s]", text));
}

/* ---- users ---- */

static void check_taken(const struct pool *p, struct findings *f, const struct pool_task *t, const char *field,
                        const char *text)
{
    const char *value = sb_field_string(t->body, field);
    const char *holder = value ? lp_user_with(p, field, value) : NULL;

    if (holder && strcmp(holder, t->id) != 0)
        wrong(f, field, text);
}

static bool is_zone(const char *text)
{
    static const char *const regions[] = {"Africa/",   "America/", "Antarctica/", "Arctic/", "Asia/",
                                          "Atlantic/", "Europe/",  "Australia/",  "Indian/", "Pacific/"};

    for (size_t i = 0; i < sizeof(regions) / sizeof(*regions); i++)
        if (strncmp(text, regions[i], strlen(regions[i])) == 0 && text[strlen(regions[i])])
            return true;
    return strcmp(text, "UTC") == 0;
}

static bool is_country(const char *text)
{
    return strlen(text) == 3 && isupper((unsigned char)text[0]) && isupper((unsigned char)text[1]) &&
           isupper((unsigned char)text[2]);
}

static void check_custom(struct findings *f, const json_t *list)
{
    json_t *element;
    size_t i;
    char text[256];

    json_array_foreach(list, i, element)
    {
        const char *id = sb_field_string(element, "id"), *value = sb_field_string(element, "value");
        const char *type = lp_custom_type(id);
        int64_t ms;

        if (!type)
            snprintf(text, sizeof(text), "The custom field %.120s does not exist.", id);
        else if (strcmp(type, "date") == 0 && (!value || !sb_stamp_ms_parse(value, &ms)))
            snprintf(text, sizeof(text), "The custom field %.120s is not a valid ISO 8601 date.", id);
        else
            continue;
        wrong(f, "custom_fields", text);
    }
}

static void check_user(const struct pool *p, struct findings *f, const struct pool_task *t)
{
    const json_t *known = lp_user(p, t->id);
    const char *status = sb_field_string(known, "status"), *zone = sb_field_string(t->body, "timezone");
    const char *country = sb_field_string(t->body, "country"), *expires = sb_field_string(t->body, "expiresAt");

    if (t->create && known)
        wrong(f, "sso_id", "The sso id has already been taken.");
    if (!t->create && (!known || strcmp(status, "ACTIVE") != 0))
        missing(f, "User");
    check_taken(p, f, t, "username", "The username has already been taken.");
    check_taken(p, f, t, "email", "The email has already been taken.");
    if (zone && !is_zone(zone))
        wrong(f, "timezone", "The timezone must be a valid zone.");
    if (country && !is_country(country))
        wrong(f, "country", "The selected country is invalid.");
    if (expires && strtol(expires, NULL, 10) > LAST_YEAR)
        wrong(f, "expires_at", "The expires at is not a valid date.");
    check_custom(f, json_object_get(t->body, "customFields"));
}

/* ---- job assignments ---- */

static bool is_active(const json_t *thing)
{
    return thing && strcmp(sb_field_string(thing, "status"), "ACTIVE") == 0;
}

/* The assignment must name both, the framework and the level, of what it names at all. */
static void check_level(const struct pool *p, struct findings *f, const json_t *record, const char *kind,
                        const char *framework_key, const char *level_key, const char *model)
{
    const char *framework = sb_field_string(record, framework_key), *level = sb_field_string(record, level_key);
    const json_t *levels = framework ? lp_framework(p, kind, framework) : NULL;

    if ((framework && !levels) || (level && !json_object_get(levels, level)))
        missing(f, model);
}

static void check_assignment(const struct pool *p, struct findings *f, const struct pool_task *t)
{
    const json_t *user = lp_user(p, t->parent), *known = json_object_get(json_object_get(user, "assignments"), t->id);
    json_t *record = json_deep_copy(json_object_get(known, "record"));
    const char *manager = sb_field_string(t->body, "managerId");

    if (!record)
        record = json_object();
    lp_merge(record, t->body);
    if (!is_active(user) || (manager && !lp_user(p, manager)))
        missing(f, "User");
    if (t->create && known)
        wrong(f, "job_assignment_id", "The job assignment id has already been taken.");
    if (!t->create && !is_active(known))
        missing(f, "JobAssignment");
    check_level(p, f, record, "organisation", "organisationFrameworkId", "organisationLevelId", "Organisation");
    check_level(p, f, record, "position", "positionFrameworkId", "positionLevelId", "Position");
    json_decref(record);
}

/* ---- levels ---- */

static void check_hierarchy(const struct pool *p, struct findings *f, const struct pool_task *t)
{
    bool position = strcmp(t->kind, "position") == 0;
    const json_t *levels = lp_framework(p, t->kind, t->parent), *known = json_object_get(levels, t->id);
    const char *parent = sb_field_string(t->body, "parentId");

    if (!levels)
        missing(f, position ? "PositionFramework" : "OrganisationFramework");
    else if ((parent && *parent && !json_object_get(levels, parent)) || (!t->create && !known))
        missing(f, position ? "Position" : "Organisation");
    if (t->create && known)
        wrong(f, "level_id", "The level id has already been taken.");
    if (parent && strcmp(parent, t->id) == 0)
        wrong(f, "parent_id", "The parent id is invalid.");
    check_custom(f, json_object_get(t->body, "customFields"));
}

/* ---- carrying out ---- */

static void store(struct pool *p, const struct pool_task *t)
{
    json_t *place, *record;

    if (t->thing == POOL_USER && t->create) {
        lp_user_put(p, t->id, t->body);
        return;
    }
    if (t->thing == POOL_USER) {
        lp_merge(json_object_get(lp_user(p, t->id), "record"), t->body);
        return;
    }
    place = t->thing == POOL_LEVEL ? lp_framework(p, t->kind, t->parent)
                                   : json_object_get(lp_user(p, t->parent), "assignments");
    if (t->create && t->thing == POOL_LEVEL)
        json_object_set_new(place, t->id, json_object());
    else if (t->create)
        json_object_set_new(place, t->id, json_pack("{s:s, s:{}}", "status", "ACTIVE", "record"));
    record = json_object_get(place, t->id);
    lp_merge(t->thing == POOL_LEVEL ? record : json_object_get(record, "record"), t->body);
}

static char *wrong_text(const struct findings *f)
{
    struct buf text = {0};
    char *list = json_dumps(f->wrong, JSON_COMPACT | JSON_ENSURE_ASCII);

    sb_printf(&text, "The given data was invalid : %s", list);
    free(list);
    return sb_take(&text);
}

enum pool_outcome lp_apply(struct pool *p, const struct pool_task *task, char **error)
{
    struct findings f = {0};
    struct buf text = {0};
    enum pool_outcome outcome = POOL_DONE;

    *error = NULL;
    if (task->thing == POOL_USER)
        check_user(p, &f, task);
    else if (task->thing == POOL_ASSIGNMENT)
        check_assignment(p, &f, task);
    else
        check_hierarchy(p, &f, task);
    if (f.missing) {
        sb_printf(&text, "No query results for model [App\\Models\\%s].", f.missing);
        *error = sb_take(&text);
        outcome = POOL_MISSING;
    } else if (f.wrong) {
        *error = wrong_text(&f);
        outcome = POOL_INVALID;
    } else {
        store(p, task);
    }
    json_decref(f.wrong);
    return outcome;
}
