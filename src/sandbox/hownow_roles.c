/* HowNow: job roles, which can be made, changed and deleted. */
#include "hownow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "control.h"
#include "fields.h"
#include "when.h"

#define SKILLS_MAX 30

struct mapped {
    int32_t skill;
    int rating;
    bool ai;
    int64_t assigned;
};

struct role {
    bool gone;
    int64_t created, updated;
    int groups;
    unsigned skill_count;
    struct mapped skills[SKILLS_MAX];
    char name[404], ext[256], description[1004]; /* ext and description "" are null */
};

struct roles {
    struct role *list; /* a person's role is an index here, so a deleted one keeps its place */
    uint32_t count, room;
};

static const char *const role_names[PEOPLE_ROLES] = {"Application Developer",
                                                     "Academic Advisor",
                                                     "Acting CFO",
                                                     "Account Executive",
                                                     "Area Manager",
                                                     "Backend Engineer",
                                                     "Business Analyst",
                                                     "Buyer",
                                                     "Care Coordinator",
                                                     "Chargé de clientèle",
                                                     "Claims Handler",
                                                     "Content Designer",
                                                     "Customer Success Manager",
                                                     "Data Engineer",
                                                     "Data Protection Officer",
                                                     "Delivery Driver",
                                                     "Electrician",
                                                     "Estates Manager",
                                                     "Finance Business Partner",
                                                     "Fire Safety Officer",
                                                     "Graduate Trainee",
                                                     "HR Advisor",
                                                     "IT Support (2nd line)",
                                                     "Kundenberater",
                                                     "Learning Designer",
                                                     "Line Cook",
                                                     "Maintenance Engineer",
                                                     "Nurse Practitioner",
                                                     "Office Manager",
                                                     "Paralegal",
                                                     "Product Manager",
                                                     "QA / Test Analyst",
                                                     "Recruiter",
                                                     "Safety Engineer",
                                                     "Site Reliability Engineer",
                                                     "Store Manager",
                                                     "Team \"Lead\"",
                                                     "Underwriter",
                                                     "Warehouse Operative",
                                                     "開発者"};

static int64_t role_id(uint32_t role)
{
    return 9001 + 3 * (int64_t)role;
}

static struct role *role_add(struct roles *rs, const char *name, const char *ext, const char *description)
{
    struct role *r;

    if (rs->count == rs->room) {
        rs->room = rs->room ? rs->room * 2 : 64;
        rs->list = sb_realloc(rs->list, rs->room * sizeof(*rs->list));
    }
    r = &rs->list[rs->count++];
    memset(r, 0, sizeof(*r));
    snprintf(r->name, sizeof(r->name), "%s", name);
    snprintf(r->ext, sizeof(r->ext), "%s", ext ? ext : "");
    snprintf(r->description, sizeof(r->description), "%s", description ? description : "");
    return r;
}

static void role_map(struct role *r, int32_t skill, int rating, bool ai, int64_t assigned)
{
    r->skills[r->skill_count++] = (struct mapped){skill, rating, ai, assigned};
}

struct roles *hn_roles_new(void)
{
    struct roles *rs = sb_alloc(sizeof(*rs));

    for (unsigned i = 0; i < PEOPLE_ROLES; i++) {
        char ext[32];
        struct role *r;

        snprintf(ext, sizeof(ext), "JR-%03u", i);
        r = role_add(rs, role_names[i], i % 5 == 4 ? NULL : ext,
                     i % 3 == 0 ? "What this role does.\nIn two lines." : NULL);
        r->created = hn_born(i);
        r->updated = hn_born(i) + i % 4 * 8000000;
        r->groups = (int)(i % 6);
        for (unsigned k = 0; k < i % 10; k++)
            role_map(r, (int32_t)((i * 11 + k * 7) % 120), (int)(k % 5) + 1, k % 4 == 3, hn_born(i + k * 9));
    }
    return rs;
}

void hn_roles_free(struct roles *rs)
{
    if (!rs)
        return;
    free(rs->list);
    free(rs);
}

const char *hn_catalogue_role_name(const struct catalogue *c, int32_t role)
{
    const struct roles *rs = hn_catalogue_roles(c);

    return role >= 0 && (uint32_t)role < rs->count && !rs->list[role].gone ? rs->list[role].name : "";
}

int32_t hn_catalogue_role_find(const struct catalogue *c, const char *reference)
{
    const struct roles *rs = hn_catalogue_roles(c);
    int64_t id;

    for (uint32_t i = 0; i < rs->count; i++) {
        const struct role *r = &rs->list[i];

        if (!r->gone && (hn_reference_id(reference, &id)
                             ? role_id(i) == id
                             : strncmp(reference, "EXT-", 4) == 0 && *r->ext && !strcmp(reference + 4, r->ext)))
            return (int32_t)i;
    }
    return -1;
}

/* ---- reading ---- */

static void print_role(const struct sandbox *sb, struct buf *out, uint32_t role)
{
    const struct role *r = &hn_catalogue_roles(sb->catalogue)->list[role];
    char created[32], updated[32];

    sb_stamp_print(r->created, created);
    sb_stamp_print(r->updated, updated);
    sb_printf(out, "{\"id\":%lld,\"external_id\":", (long long)role_id(role));
    sb_json_or_null(out, r->ext);
    sb_str(out, ",\"name\":");
    sb_json(out, r->name);
    sb_str(out, ",\"description\":");
    sb_json_or_null(out, r->description);
    sb_printf(out, ",\"users_count\":%u,\"skills_count\":%u,\"groups_count\":%d",
              people_with_role(sb->people, (int32_t)role), r->skill_count, r->groups);
    sb_printf(out, ",\"created_at\":\"%s\",\"updated_at\":\"%s\"", created, updated);
}

static void print_detail(const struct sandbox *sb, struct buf *out, uint32_t role)
{
    const struct role *r = &hn_catalogue_roles(sb->catalogue)->list[role];
    char stamp[32];

    sb_str(out, "{\"data\":");
    print_role(sb, out, role);
    sb_str(out, ",\"skills\":[");
    for (unsigned i = 0; i < r->skill_count; i++) {
        const struct mapped *m = &r->skills[i];

        sb_str(out, i ? ",{" : "{");
        hn_skill_name(sb->catalogue, m->skill, out);
        sb_stamp_print(m->assigned, stamp);
        sb_printf(out, ",\"target_rating\":%d,\"ai_generated\":%s,\"assigned_at\":\"%s\"}", m->rating,
                  m->ai ? "true" : "false", stamp);
    }
    sb_str(out, "]}}");
}

static const struct role *sorted_list; /* what by_name compares; there is one thread */

static int by_name(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = strcasecmp(sorted_list[x].name, sorted_list[y].name);

    return order ? order : (x > y) - (x < y);
}

void hn_roles_list(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const struct roles *rs = hn_catalogue_roles(sb->catalogue);
    const char *q = sb_request_query(rq, "q");
    uint32_t total = 0, start, *list;
    struct page page;

    if (!hn_page(rq, rp, &page))
        return;
    list = sb_alloc(rs->count * sizeof(*list));
    for (uint32_t i = 0; i < rs->count; i++)
        if (!rs->list[i].gone && (!q || strcasestr(rs->list[i].name, q)))
            list[total++] = i;
    sorted_list = rs->list;
    qsort(list, total, sizeof(*list), by_name);
    rp->status = 200;
    sb_str(&rp->body, "{\"data\":[");
    start = hn_page_start(&page);
    for (uint32_t i = start; i < total && i - start < page.size; i++) {
        sb_str(&rp->body, i > start ? "," : "");
        print_role(sb, &rp->body, list[i]);
        sb_str(&rp->body, "}");
    }
    hn_meta(&rp->body, &page, total);
    free(list);
}

void hn_role_get(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    int32_t role = hn_catalogue_role_find(sb->catalogue, rq->captured[0]);

    if (role < 0) {
        hn_error(rp, 404, "Job role not found");
        return;
    }
    rp->status = 200;
    print_detail(sb, &rp->body, (uint32_t)role);
}

void hn_role_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    int32_t role = hn_catalogue_role_find(sb->catalogue, rq->captured[0]);

    if (role < 0) {
        sb_control_error(rp, 404, "no such job role");
        return;
    }
    rp->status = 200;
    print_detail(sb, &rp->body, (uint32_t)role);
}

/* ---- writing ---- */

static bool may_write(const struct sandbox *sb, const struct request *rq, struct reply *rp)
{
    if (hn_actor_is_admin(sb, rq))
        return true;
    hn_error(rp, 403, "You are not authorized to perform this action");
    return false;
}

static void refuse_role(struct reply *rp, const char *why)
{
    sb_reply_json(rp, 422, json_pack("{s:[s]}", "errors", why));
}

static bool has_skill(const struct mapped *list, unsigned count, int32_t skill, unsigned *at)
{
    for (*at = 0; *at < count; (*at)++)
        if (list[*at].skill == skill)
            return true;
    return false;
}

/* Adds what an array of {skill_id, target_rating} says to the role; false when a refusal has been written. */
static bool add_skills(const struct catalogue *c, struct reply *rp, struct role *r, const json_t *skills)
{
    for (size_t i = 0; i < json_array_size(skills); i++) {
        const json_t *element = json_array_get(skills, i), *rating = json_object_get(element, "target_rating");
        const char *id = sb_field_string(element, "skill_id");
        json_int_t n = json_integer_value(rating);
        unsigned at;
        int32_t skill;

        if (!id || !hn_is_reference(id) || !json_is_integer(rating) || n < 1 || n > 5 || json_object_size(element) != 2) {
            hn_refuse(rp, 400, "skills");
            return false;
        }
        skill = hn_skill_find(c, id);
        if (skill < 0 || has_skill(r->skills, r->skill_count, skill, &at)) {
            refuse_role(rp, skill < 0 ? "Skill not found" : "Skill has already been added");
            return false;
        }
        if (r->skill_count == SKILLS_MAX) {
            refuse_role(rp, "Skills cannot be more than 30");
            return false;
        }
        role_map(r, skill, (int)n, false, (int64_t)sb_wall());
    }
    return true;
}

/* Takes the named skills off; one that isn't mapped is passed over, one that doesn't exist is refused. */
static bool remove_skills(const struct catalogue *c, struct reply *rp, struct role *r, const json_t *ids)
{
    for (size_t i = 0; i < json_array_size(ids); i++) {
        const char *id = json_string_value(json_array_get(ids, i));
        unsigned at;
        int32_t skill;

        if (!id || !hn_is_reference(id)) {
            hn_refuse(rp, 400, "remove_skills");
            return false;
        }
        skill = hn_skill_find(c, id);
        if (skill < 0) {
            refuse_role(rp, "Skill not found");
            return false;
        }
        if (has_skill(r->skills, r->skill_count, skill, &at))
            memmove(&r->skills[at], &r->skills[at + 1], (--r->skill_count - at) * sizeof(*r->skills));
    }
    return true;
}

static void count_skills(struct catalogue *c, const struct role *r, bool more)
{
    for (unsigned i = 0; i < r->skill_count; i++)
        hn_skill_mapped(c, r->skills[i].skill, more);
}

/* NULL, or what the 422 says. */
static const char *clash(const struct roles *rs, const char *name, const char *ext, const char *description)
{
    if (sb_characters(name) > 100)
        return "Name is too long (maximum is 100 characters)";
    if (description && sb_characters(description) > 250)
        return "Description is too long (maximum is 250 characters)";
    if (rs->count == PEOPLE_MOST)
        return "Job role limit has been reached";
    for (uint32_t i = 0; i < rs->count; i++) {
        if (!rs->list[i].gone && strcasecmp(rs->list[i].name, name) == 0)
            return "Name has already been taken";
        if (!rs->list[i].gone && ext && *ext && strcmp(rs->list[i].ext, ext) == 0)
            return "External has already been taken";
    }
    return NULL;
}

void hn_role_create(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const struct field fields[] = {{"name", FIELD_STRING, true},
                                          {"description", FIELD_STRING, false},
                                          {"external_id", FIELD_STRING, false},
                                          {"skills", FIELD_ARRAY, false},
                                          {0}};
    const char *which, *wrong, *name = sb_field_string(rq->json, "name"),
                               *ext = sb_field_string(rq->json, "external_id"),
                               *description = sb_field_string(rq->json, "description");
    struct roles *rs = hn_catalogue_roles(sb->catalogue);
    enum field_type type;
    enum field_fault fault = sb_fields_check(rq->json, fields, &which, &type);
    struct role *r;

    if (!may_write(sb, rq, rp))
        return;
    if (fault != FIELD_MISTYPED && (!name || !*name)) {
        hn_error(rp, 400, "Name is required");
        return;
    }
    if (fault != FIELD_FINE || !name || (ext && strlen(ext) > 255)) {
        hn_refuse(rp, 400, which);
        return;
    }
    wrong = clash(rs, name, ext, description);
    if (wrong) {
        refuse_role(rp, wrong);
        return;
    }
    r = role_add(rs, name, ext, description);
    r->created = r->updated = (int64_t)sb_wall();
    if (!add_skills(sb->catalogue, rp, r, json_object_get(rq->json, "skills"))) {
        rs->count--;
        return;
    }
    count_skills(sb->catalogue, r, true);
    rp->status = 201;
    print_detail(sb, &rp->body, rs->count - 1);
}

/* The role in the path; -1 when a refusal has been written. */
static int32_t target(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    int32_t role;

    if (!may_write(sb, rq, rp))
        return -1;
    role = hn_catalogue_role_find(sb->catalogue, rq->captured[0]);
    if (role < 0)
        hn_error(rp, 404, "Job role not found");
    return role;
}

void hn_role_update(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const struct field fields[] = {{"description", FIELD_STRING, false},
                                          {"add_skills", FIELD_ARRAY, false},
                                          {"remove_skills", FIELD_ARRAY, false},
                                          {0}};
    const char *which, *description = sb_field_string(rq->json, "description");
    enum field_type type;
    int32_t role = target(sb, rq, rp);
    struct role *r, wanted;

    if (role < 0)
        return;
    if (sb_fields_check(rq->json, fields, &which, &type) != FIELD_FINE) {
        hn_refuse(rp, 400, which);
        return;
    }
    if (description && sb_characters(description) > 250) {
        refuse_role(rp, "Description is too long (maximum is 250 characters)");
        return;
    }
    r = &hn_catalogue_roles(sb->catalogue)->list[role];
    wanted = *r;
    if (!remove_skills(sb->catalogue, rp, &wanted, json_object_get(rq->json, "remove_skills")) ||
        !add_skills(sb->catalogue, rp, &wanted, json_object_get(rq->json, "add_skills")))
        return;
    if (description)
        snprintf(wanted.description, sizeof(wanted.description), "%s", description);
    wanted.updated = (int64_t)sb_wall();
    count_skills(sb->catalogue, r, false);
    count_skills(sb->catalogue, &wanted, true);
    *r = wanted;
    rp->status = 200;
    print_detail(sb, &rp->body, (uint32_t)role);
}

void hn_role_delete(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    int32_t role = target(sb, rq, rp);
    struct role *r;

    if (role < 0)
        return;
    r = &hn_catalogue_roles(sb->catalogue)->list[role];
    r->gone = true;
    count_skills(sb->catalogue, r, false);
    sb_reply_text(rp, 200, "{\"message\":\"Job role deleted successfully\"}");
}
