/* Thrive: the store of invented people, and what one of them may hold. */
#include "thrive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "seed.h"
#include "when.h"

/* The fields of an event's user; those that v1 doesn't give back are marked. */
static const struct {
    const char *name;
    bool hidden, required;
} fields[] = {
    {"ref", false, true},       {"email", false, true},         {"firstName", false, true}, {"lastName", false, true},
    {"jobTitle", true, false},  {"managerRef", true, false},    {"startDate", true, false}, {"endDate", true, false},
    {"timeZone", false, false}, {"languageCode", false, false}, {"sso", true, false},       {"domain", true, false},
};

#define FIELDS (sizeof(fields) / sizeof(*fields))

static const char *const custom_fields[] = {"costCentre", "region", "team"};

bool th_is_custom(const char *name)
{
    for (size_t i = 0; i < sizeof(custom_fields) / sizeof(*custom_fields); i++)
        if (strcmp(custom_fields[i], name) == 0)
            return true;
    return false;
}

static int field_index(const char *name)
{
    for (size_t i = 0; i < FIELDS; i++)
        if (strcmp(fields[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* ---- what may be written ---- */

static bool is_date(const char *text)
{
    int32_t days;
    int64_t ms;

    return sb_date_parse(text, &days) || sb_stamp_ms_parse(text, &ms);
}

static const char *wrong_text(const char *name, const char *text, char room[256])
{
    static const char *const languages[] = {"en-gb", "de", "fr", "ja", NULL};
    const char *at = strchr(text, '@');

    if (strcmp(name, "email") == 0 && (!at || at == text || !at[1])) {
        snprintf(room, 256, "email must be an email");
        return room;
    }
    if (strlen(name) > 4 && strcmp(name + strlen(name) - 4, "Date") == 0 && !is_date(text)) {
        snprintf(room, 256, "%s must be an ISO 8601 date", name);
        return room;
    }
    if (strcmp(name, "languageCode") != 0)
        return NULL;
    for (size_t i = 0; languages[i]; i++)
        if (strcasecmp(languages[i], text) == 0)
            return NULL;
    snprintf(room, 256, "languageCode %.40s is not one that this tenant has requested", text);
    return room;
}

static const char *wrong_custom(const char *name, const json_t *value, bool clears, char room[256])
{
    if (!th_is_custom(name))
        snprintf(room, 256, "%.200s is not a configured custom field", name);
    else if (!json_is_string(value) && !(clears && json_is_null(value)))
        snprintf(room, 256, "%.200s must be a string", name);
    else
        return NULL;
    return room;
}

const char *th_wrong(const json_t *set, bool clears, char room[256])
{
    const char *name, *wrong = NULL, *inner;
    json_t *value, *one;

    json_object_foreach((json_t *)set, name, value)
    {
        int i = field_index(name);

        if (wrong)
            break;
        if (i < 0 && strcmp(name, "additionalFields") == 0 && json_is_object(value)) {
            json_object_foreach(value, inner, one)
            {
                if (!wrong)
                    wrong = wrong_custom(inner, one, clears, room);
            }
        } else if (i < 0) {
            wrong = wrong_custom(name, value, clears, room);
        } else if (json_is_null(value) && clears && !fields[i].required) {
            continue;
        } else if (strcmp(name, "sso") == 0 ? !json_is_boolean(value) : !json_is_string(value)) {
            snprintf(room, 256, "%s must be a %s", name, strcmp(name, "sso") == 0 ? "boolean" : "string");
            wrong = room;
        } else if (json_is_string(value)) {
            wrong = wrong_text(name, json_string_value(value), room);
        }
    }
    return wrong;
}

void th_assign(struct thrive_user *u, const json_t *set)
{
    json_t *custom = json_object_get(u->fields, "additionalFields"), *value, *inner, *target;
    const char *name, *key;

    json_object_foreach((json_t *)set, name, value)
    {
        if (strcmp(name, "additionalFields") == 0) {
            json_object_foreach(value, key, inner)
            {
                if (json_is_null(inner))
                    json_object_del(custom, key);
                else
                    json_object_set(custom, key, inner);
            }
            continue;
        }
        target = th_is_custom(name) ? custom : u->fields;
        if (json_is_null(value))
            json_object_del(target, name);
        else
            json_object_set(target, name, value);
    }
    th_touch(u);
}

/* ---- people ---- */

struct thrive_user *th_by_id(struct thrive *t, const char *id)
{
    struct thrive_user *u = NULL;

    HASH_FIND_STR(t->by_id, id, u);
    return u;
}

struct thrive_user *th_by_ref(struct thrive *t, const char *ref)
{
    struct thrive_user *u = NULL;

    HASH_FIND(hh_ref, t->by_ref, ref, strlen(ref), u);
    return u;
}

struct thrive_user *th_by_email(struct thrive *t, const char *email)
{
    for (struct thrive_user *u = t->by_id; u; u = u->hh.next) {
        const char *has = json_string_value(json_object_get(u->fields, "email"));

        if (!u->deleted && has && strcasecmp(has, email) == 0)
            return u;
    }
    return NULL;
}

void th_touch(struct thrive_user *u)
{
    u->updated_ms = (int64_t)(sb_wall() * 1000);
}

struct thrive_user *th_user_add(struct thrive *t, const char *ref)
{
    struct thrive_user *u = sb_alloc(sizeof(*u));
    uint64_t serial = t->serial++;

    snprintf(u->id, sizeof(u->id), "%08x%016llx", (unsigned)serial + 1,
             (unsigned long long)seed_mix(t->seed, serial, 300));
    snprintf(u->ref, sizeof(u->ref), "%s", ref);
    u->fields = json_pack("{s:s, s:{}}", "ref", ref, "additionalFields");
    u->status = "new";
    u->created_ms = u->updated_ms = (int64_t)(sb_wall() * 1000);
    HASH_ADD_STR(t->by_id, id, u);
    HASH_ADD(hh_ref, t->by_ref, ref, strlen(u->ref), u);
    return u;
}

void th_delete(struct thrive *t, struct thrive_user *u)
{
    HASH_DELETE(hh_ref, t->by_ref, u);
    snprintf(u->ref, sizeof(u->ref), "deleted-%s", u->id);
    HASH_ADD(hh_ref, t->by_ref, ref, strlen(u->ref), u);
    json_decref(u->fields);
    u->fields = json_pack("{s:s, s:s, s:s, s:{}}", "ref", u->ref, "firstName", "Deleted", "lastName", "User",
                          "additionalFields");
    u->deleted = true;
    u->status = "inactive";
    th_touch(u);
}

static void stamp(json_t *object, const char *name, int64_t ms)
{
    char text[32];

    sb_stamp_ms_print(ms, text);
    json_object_set_new(object, name, json_string(text));
}

static json_t *shown(const struct thrive_user *u, bool all)
{
    json_t *user = json_pack("{s:s}", "id", u->id), *value;

    for (size_t i = 0; i < FIELDS; i++) {
        if (fields[i].hidden && !all)
            continue;
        value = json_object_get(u->fields, fields[i].name);
        if (value)
            json_object_set(user, fields[i].name, value);
        else
            json_object_set_new(user, fields[i].name, json_null());
    }
    json_object_set_new(user, "additionalFields", json_deep_copy(json_object_get(u->fields, "additionalFields")));
    stamp(user, "createdAt", u->created_ms);
    stamp(user, "updatedAt", u->updated_ms);
    return user;
}

json_t *th_v1_json(const struct thrive_user *u)
{
    json_t *user = shown(u, false), *title = json_object_get(u->fields, "jobTitle"), *positions = json_array();

    if (title)
        json_array_append(positions, title);
    json_object_set_new(user, "positions", positions);
    json_object_set_new(user, "status", json_string(u->status));
    json_object_set_new(user, "deleted", json_boolean(u->deleted));
    json_object_set_new(user, "role", json_string("learner"));
    return user;
}

json_t *th_v2_json(const struct thrive_user *u)
{
    json_t *user = shown(u, true);

    json_object_set_new(user, "active", json_boolean(strcmp(u->status, "inactive") != 0));
    return user;
}

/* ---- the seed ---- */

/* Of every twenty people one is suspended, one has an invitation that ran out, two have never signed in. */
static void seed_person(struct thrive *t, uint32_t index)
{
    static const char *const titles[] = {"Director", "Nurse", "Ingénieure", "Warehouse \"A\" lead", "教師"};
    uint64_t r = seed_mix(t->seed, index, 301);
    unsigned kind = index % 20;
    char email[264], name[320], ref[32];
    char *space;
    struct thrive_user *u;

    snprintf(ref, sizeof(ref), "T%06u", index);
    u = th_user_add(t, ref);
    seed_name(t->seed, index, name);
    seed_email(t->seed, index, email);
    space = strchr(name, ' ');
    if (space)
        *space = '\0';
    json_object_set_new(u->fields, "email", json_string(email));
    json_object_set_new(u->fields, "firstName", json_string(name));
    json_object_set_new(u->fields, "lastName", json_string(space && space[1] ? space + 1 : "Only-One-Name"));
    json_object_set_new(u->fields, "jobTitle", json_string(titles[r % 5]));
    json_object_set_new(u->fields, "timeZone", json_string("Europe/London"));
    json_object_set_new(u->fields, "languageCode", json_string(r & 64 ? "en-gb" : "fr"));
    json_object_set_new(u->fields, "startDate", json_string("2021-08-19T18:00:00.000Z"));
    if (index)
        json_object_set_new(u->fields, "managerRef", json_sprintf("T%06u", index / 10));
    json_object_set_new(json_object_get(u->fields, "additionalFields"), "costCentre",
                        json_sprintf("CC-%03u", (unsigned)(r >> 8) % 40));
    u->status = kind == 19 ? "inactive" : kind == 18 ? "expired" : kind >= 16 ? "new" : "active";
    u->created_ms = ((int64_t)sb_days_of(2021, 8, 1) + (int64_t)(r >> 20 & 0x1ff)) * 86400000;
    u->updated_ms = u->created_ms + (int64_t)(r >> 30 & 0xff) * 86400000 + 123;
}

struct thrive *th_new(uint64_t seed, uint32_t count)
{
    struct thrive *t = sb_alloc(sizeof(*t));

    t->seed = seed;
    for (uint32_t i = 0; i < count; i++)
        seed_person(t, i);
    return t;
}

void th_free(struct thrive *t)
{
    struct thrive_user *u = NULL, *next_u = NULL;
    struct thrive_event *e = NULL, *next_e = NULL;

    if (!t)
        return;
    HASH_ITER(hh, t->by_id, u, next_u)
    {
        HASH_DEL(t->by_id, u);
        HASH_DELETE(hh_ref, t->by_ref, u);
        json_decref(u->fields);
        free(u);
    }
    HASH_ITER(hh, t->events, e, next_e)
    {
        HASH_DEL(t->events, e);
        free(e->id);
        free(e);
    }
    free(t);
}
