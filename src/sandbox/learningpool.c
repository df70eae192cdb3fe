/* Learning Pool: what the systems behind it hold, and the people that others provisioned before us. */
#include "learningpool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fields.h"
#include "seed.h"

#define FIRST_ID 1001

static const struct {
    const char *name, *type;
} custom[] = {
    {"phone-number", "text"}, {"work-phone", "text"}, {"city", "text"},
    {"hired-on", "date"},     {"badge", "text"},      {"store-open-date", "date"},
};

const char *lp_custom_type(const char *field)
{
    for (size_t i = 0; i < sizeof(custom) / sizeof(*custom); i++)
        if (strcmp(custom[i].name, field) == 0)
            return custom[i].type;
    return NULL;
}

json_t *lp_user(const struct pool *p, const char *id)
{
    return json_object_get(p->users, id);
}

json_t *lp_framework(const struct pool *p, const char *kind, const char *id)
{
    return json_object_get(json_object_get(p->frameworks, kind), id);
}

void lp_user_put(struct pool *p, const char *id, const json_t *record)
{
    json_object_set_new(
        p->users, id, json_pack("{s:s, s:o, s:{}}", "status", "ACTIVE", "record", json_deep_copy(record), "assignments"));
}

const char *lp_user_with(const struct pool *p, const char *field, const char *value)
{
    const char *id, *has;
    json_t *user;

    json_object_foreach(p->users, id, user)
    {
        has = sb_field_string(json_object_get(user, "record"), field);
        if (has && strcasecmp(has, value) == 0)
            return id;
    }
    return NULL;
}

static void merge_custom(json_t *into, const json_t *from)
{
    json_t *had, *element, *other;
    size_t i, k;

    had = json_object_get(into, "customFields");
    json_array_foreach(from, i, element)
    {
        const char *id = sb_field_string(element, "id");

        json_array_foreach(had, k, other)
        {
            if (strcmp(sb_field_string(other, "id"), id) == 0)
                break;
        }
        if (k < json_array_size(had))
            json_array_set_new(had, k, json_deep_copy(element));
        else
            json_array_append_new(had, json_deep_copy(element));
    }
}

void lp_merge(json_t *into, const json_t *from)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)from, key, value)
    {
        if (strcmp(key, "customFields") == 0 && json_object_get(into, key))
            merge_custom(into, value);
        else
            json_object_set_new(into, key, json_deep_copy(value));
    }
}

/* ---- as it begins ---- */

static void seed_person(struct pool *p, uint64_t seed, uint32_t index)
{
    char name[320], email[264], id[32], username[264];
    char *blank;
    json_t *record;

    seed_name(seed, index, name);
    seed_email(seed, index, email);
    snprintf(id, sizeof(id), "EMP%u", FIRST_ID + index);
    snprintf(username, sizeof(username), "%.*s", (int)strcspn(email, "@"), email);
    blank = strchr(name, ' ');
    if (blank)
        *blank++ = '\0';
    record = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "userId", id, "username", username, "firstName", name,
                       "lastName", blank && *blank ? blank : name, "email", email, "language", "en_GB", "timezone",
                       "Europe/London");
    lp_user_put(p, id, record);
    json_decref(record);
}

struct pool *lp_new(const struct settings *settings)
{
    struct pool *p = sb_alloc(sizeof(*p));

    p->users = json_object();
    p->frameworks =
        json_pack("{s:{s:{s:{s:s, s:s}, s:{s:s, s:s, s:s}}, s:{}}, s:{s:{s:{s:s, s:s}}, s:{}}}", "organisation", "OF1",
                  "1", "levelId", "1", "levelName", "Everywhere", "104", "levelId", "104", "levelName", "Kitchens",
                  "parentId", "1", "OF2", "position", "PF1", "104", "levelId", "104", "levelName", "Staff", "test1");
    p->jobs = lp_jobs_new(settings->job_seconds);
    p->api_key = sb_strdup(settings->pool_key);
    p->tenant_id = sb_strdup(settings->pool_tenant);
    for (uint32_t i = 0; i < settings->pool_users; i++)
        seed_person(p, settings->seed, i);
    return p;
}

void lp_free(struct pool *p)
{
    if (!p)
        return;
    json_decref(p->users);
    json_decref(p->frameworks);
    lp_jobs_free(p->jobs);
    sb_rate_release(&p->rate);
    free(p->api_key);
    free(p->tenant_id);
    free(p);
}
