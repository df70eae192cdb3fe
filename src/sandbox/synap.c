/* Synap: the store of invented people, user groups, attributes and learning records. */
#include "synap.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "seed.h"
#include "when.h"

static const struct {
    const char *id, *name;
} groups[SYNAP_GROUPS] = {
    {"uGAll00001", "All Users"},       {"uGStu00002", "Students"},        {"wB6TestXDN", "Physics Students"},
    {"A6BcDEFHI7", "Premium Members"}, {"uGNur00005", "Nurses 2025"},     {"uGJap00006", "日本語クラス"},
    {"uGQuo00007", "The \"B\" group"}, {"uGEmp00008", "Nobody here yet"},
};

static const struct {
    const char *id, *label, *type;
    bool required;
} attributes[] = {
    {"customAttribute", "Custom Attribute", "text", false},
    {"location", "Location", "text", false},
    {"foo", "Foo", "boolean", false},
    {"bar", "Bar", "number", false},
    {"custom-attribute", "Another Attribute", "text", false},
    {"registration", "Registration n°", "text", false},
};

#define ATTRIBUTES (sizeof(attributes) / sizeof(*attributes))

const char *sy_group_id(unsigned group)
{
    return groups[group].id;
}

const char *sy_group_name(unsigned group)
{
    return groups[group].name;
}

int sy_group_find(const char *id)
{
    for (int i = 0; i < SYNAP_GROUPS; i++)
        if (strcmp(groups[i].id, id) == 0)
            return i;
    return -1;
}

json_t *sy_attr_definitions(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < ATTRIBUTES; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:s}", "id", attributes[i].id, "label", attributes[i].label,
                                              "required", attributes[i].required, "type", attributes[i].type));
    return list;
}

const char *sy_attr_wrong(const char *name, const json_t *value, char room[256])
{
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        const char *type = attributes[i].type;
        bool fits = *type == 't'   ? json_is_string(value)
                    : *type == 'b' ? json_is_boolean(value)
                                   : json_is_number(value);

        if (strcmp(attributes[i].id, name) != 0)
            continue;
        if (fits)
            return NULL;
        snprintf(room, 256, "%.200s must be a %s", name, *type == 't' ? "string" : type);
        return room;
    }
    snprintf(room, 256, "%.200s is not a valid attribute", name);
    return room;
}

/* ---- people ---- */

static void name_object(struct synap *s, unsigned length, char out[24])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t r = seed_mix(s->seed, s->serial++, 200);

    for (unsigned i = 0; i < length; i++) {
        out[i] = alphabet[r % 62];
        r /= 62;
    }
    out[length] = '\0';
}

struct synap_user *sy_by_id(struct synap *s, const char *id)
{
    struct synap_user *u = NULL;

    HASH_FIND_STR(s->by_id, id, u);
    return u;
}

struct synap_user *sy_by_email(struct synap *s, const char *email)
{
    struct synap_user *u = NULL;
    char key[264];

    sb_lower(email, key, sizeof(key));
    HASH_FIND(hh_email, s->by_email, key, strlen(key), u);
    return u;
}

struct synap_user *sy_user_add(struct synap *s, const char *email, const char *name)
{
    struct synap_user *u = sb_alloc(sizeof(*u));

    do
        name_object(s, 10, u->id);
    while (sy_by_id(s, u->id));
    sb_lower(email, u->email, sizeof(u->email));
    snprintf(u->name, sizeof(u->name), "%s", name);
    u->created_ms = u->updated_ms = (int64_t)(sb_wall() * 1000);
    u->attr = json_object();
    u->groups = 1;
    HASH_ADD_STR(s->by_id, id, u);
    HASH_ADD(hh_email, s->by_email, email, strlen(u->email), u);
    return u;
}

void sy_user_remove(struct synap *s, struct synap_user *u)
{
    while (u->records)
        sy_record_remove(s, u->records);
    HASH_DEL(s->by_id, u);
    HASH_DELETE(hh_email, s->by_email, u);
    json_decref(u->attr);
    free(u);
}

void sy_user_rename(struct synap *s, struct synap_user *u, const char *email)
{
    HASH_DELETE(hh_email, s->by_email, u);
    sb_lower(email, u->email, sizeof(u->email));
    HASH_ADD(hh_email, s->by_email, email, strlen(u->email), u);
}

/* ---- learning records ---- */

struct synap_record *sy_record_by_id(struct synap *s, const char *id)
{
    struct synap_record *r = NULL;

    HASH_FIND_STR(s->records, id, r);
    return r;
}

struct synap_record *sy_record_add(struct synap *s, struct synap_user *u, const char *name)
{
    struct synap_record *r = sb_alloc(sizeof(*r));
    struct synap_record **at = &u->records;

    do
        name_object(s, 10, r->id);
    while (sy_record_by_id(s, r->id));
    r->user = u;
    r->name = sb_strdup(name);
    r->achieved_ms = SYNAP_NO_DATE;
    r->score = NAN;
    r->visible = true;
    r->attr = json_object();
    HASH_ADD_STR(s->records, id, r);
    while (*at)
        at = &(*at)->next;
    *at = r;
    return r;
}

void sy_record_remove(struct synap *s, struct synap_record *r)
{
    struct synap_record **at = &r->user->records;

    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    HASH_DEL(s->records, r);
    for (struct synap_file *f = r->files, *following; f; f = following) {
        following = f->next;
        free(f->name);
        sb_release(&f->data);
        free(f);
    }
    json_decref(r->attr);
    free(r->name);
    free(r);
}

/* ---- the seed ---- */

static void seed_records(struct synap *s, struct synap_user *u, uint64_t r)
{
    static const char *const names[] = {"Manual handling", "Fire safety", "Éthique et conformité",
                                        "Data protection", "Induction",   "Level 2 \"bronze\"",
                                        "応急手当"};
    static const double scores[] = {71.1, 55.43, 50, 100, 0, 99.99, 82.5};
    unsigned count = (unsigned)(r % 6);

    for (unsigned i = 0; i < count; i++) {
        struct synap_record *record = sy_record_add(s, u, names[(r >> 4) % 7]);

        record->score = i == 3 ? NAN : scores[((r >> 9) + i) % 7];
        record->achieved_ms = u->created_ms + (int64_t)((r >> 12) % 4000) * 86399 * (i + 1);
        record->visible = (r >> 20 & 3) != 0;
        if (i == 1)
            json_object_set_new(record->attr, "certificate",
                                json_pack("{s:s, s:s, s:s, s:i}", "filePath", "../file/certificate.pdf", "fileName",
                                          "certificate.pdf", "mimeType", "application/pdf", "size", 55312));
        if (i == 2)
            json_object_set_new(record->attr, "assessor", json_string("Zoë Lefèvre"));
        r = seed_mix(s->seed, r, 203);
    }
}

static void seed_person(struct synap *s, uint32_t index)
{
    static const char *const places[] = {"Leeds", "Kraków", "Nairobi", "大阪"};
    uint64_t r = seed_mix(s->seed, index, 201);
    char email[264], name[320];
    struct synap_user *u;

    seed_name(s->seed, index, name);
    seed_email(s->seed, index, email);
    u = sy_user_add(s, email, name);
    u->created_ms = ((int64_t)sb_days_of(2020, 11, 14) + (int64_t)(r % 1500)) * 86400000 + (int64_t)((r >> 8) % 86400000);
    u->updated_ms = u->created_ms + (int64_t)((r >> 20) % 90) * 86400123;
    u->groups = 1 | ((unsigned)(r >> 30) & 0x7e);
    u->password_set = true;
    if (index % 5 != 4)
        seed_ext(index, u->ext);
    if (r & 1)
        json_object_set_new(u->attr, "location", json_string(places[(r >> 40) % 4]));
    if (r & 2)
        json_object_set_new(u->attr, "foo", json_boolean(r & 4));
    if (r & 8)
        json_object_set_new(u->attr, "bar", r & 16 ? json_real(71.1) : json_integer((json_int_t)(r >> 44) % 500));
    if (r & 32)
        json_object_set_new(u->attr, "customAttribute", json_string("Premium Member"));
    seed_records(s, u, seed_mix(s->seed, index, 202));
}

struct synap *sy_new(uint64_t seed, uint32_t count)
{
    struct synap *s = sb_alloc(sizeof(*s));

    s->seed = seed;
    s->studies = json_object();
    s->invitations = json_array();
    for (uint32_t i = 0; i < count; i++)
        seed_person(s, i);
    return s;
}

void sy_free(struct synap *s)
{
    struct synap_user *u = NULL, *next = NULL;

    if (!s)
        return;
    HASH_ITER(hh, s->by_id, u, next)
    {
        sy_user_remove(s, u);
    }
    json_decref(s->studies);
    json_decref(s->invitations);
    free(s);
}
