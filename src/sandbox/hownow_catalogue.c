/* HowNow: the catalogue of job roles (fixed) and skills (which can be added to). */
#include "hownow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fields.h"
#include "when.h"

#define SKILLS     120
#define SKILL_TEXT 800 /* 191 characters of up to four bytes */

struct skill {
    int64_t id, created;
    char name[SKILL_TEXT], ext[256]; /* ext "" is null */
    int rating;                      /* -1 is null */
    unsigned users, roles;
};

struct catalogue {
    struct skill *skills;
    uint32_t skill_count, skill_room;
    unsigned role_order[PEOPLE_ROLES]; /* by name */
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

static const char *const skill_areas[] = {"Python",   "Spreadsheet",  "Negotiation", "First aid",
                                          "Forklift", "Welding",      "Customer",    "Contract",
                                          "Données",  "Food hygiene", "C++",         "Excel"};
static const char *const skill_kinds[] = {"basics",          "practice", "planning", "review", "for leads",
                                          "troubleshooting", "law",      "coaching", "audit",  "reporting"};

static int64_t role_id(int32_t role)
{
    return 9001 + 3 * (int64_t)role;
}

static void role_ext(int32_t role, char out[32])
{
    if (role % 5 == 4)
        out[0] = '\0';
    else
        snprintf(out, 32, "JR-%03d", role % 1000);
}

static int64_t born(unsigned n)
{
    return (int64_t)sb_days_of(2019, 9, 20) * 86400 + (int64_t)n * 86400 * 17 + n * 3571 % 86400;
}

static int by_role_name(const void *a, const void *b)
{
    return strcasecmp(role_names[*(const unsigned *)a], role_names[*(const unsigned *)b]);
}

static struct skill *skill_add(struct catalogue *c, const char *name, const char *ext)
{
    struct skill *s;

    if (c->skill_count == c->skill_room) {
        c->skill_room = c->skill_room ? c->skill_room * 2 : 128;
        c->skills = sb_realloc(c->skills, c->skill_room * sizeof(*c->skills));
    }
    s = &c->skills[c->skill_count];
    memset(s, 0, sizeof(*s));
    s->id = 360 + 11 * (int64_t)c->skill_count++;
    s->rating = -1;
    snprintf(s->name, sizeof(s->name), "%s", name);
    snprintf(s->ext, sizeof(s->ext), "%s", ext ? ext : "");
    return s;
}

struct catalogue *hn_catalogue_new(void)
{
    struct catalogue *c = sb_alloc(sizeof(*c));

    for (unsigned i = 0; i < SKILLS; i++) {
        char name[64], ext[32];
        struct skill *s;

        snprintf(name, sizeof(name), "%s %s", skill_areas[i % 12], skill_kinds[i / 12]);
        snprintf(ext, sizeof(ext), "SKL-%03u", i);
        s = skill_add(c, name, i % 3 ? ext : NULL);
        s->created = born(i * 37 % SKILLS);
        s->rating = i % 11 ? (int)(i * 7 % 5) + 1 : -1;
        s->users = i * 131 % 700;
        s->roles = i * 17 % 40;
    }
    for (unsigned i = 0; i < PEOPLE_ROLES; i++)
        c->role_order[i] = i;
    qsort(c->role_order, PEOPLE_ROLES, sizeof(*c->role_order), by_role_name);
    return c;
}

void hn_catalogue_free(struct catalogue *c)
{
    if (!c)
        return;
    free(c->skills);
    free(c);
}

/* ---- job roles ---- */

const char *hn_catalogue_role_name(const struct catalogue *c, int32_t role)
{
    (void)c;
    return role >= 0 && role < PEOPLE_ROLES ? role_names[role] : "";
}

int32_t hn_catalogue_role_find(const struct catalogue *c, const char *reference)
{
    char ext[32];
    int64_t id;

    (void)c;
    for (int32_t role = 0; role < PEOPLE_ROLES; role++) {
        role_ext(role, ext);
        if (hn_reference_id(reference, &id) ? role_id(role) == id
                                            : strncmp(reference, "EXT-", 4) == 0 && *ext && !strcmp(reference + 4, ext))
            return role;
    }
    return -1;
}

static unsigned skills_of_role(int32_t role)
{
    return (unsigned)role % 10;
}

static void print_role(const struct sandbox *sb, struct buf *out, int32_t role)
{
    char ext[32], created[32], updated[32];

    role_ext(role, ext);
    sb_stamp_print(born((unsigned)role), created);
    sb_stamp_print(born((unsigned)role) + role % 4 * 8000000, updated);
    sb_printf(out, "{\"id\":%lld,\"external_id\":", (long long)role_id(role));
    sb_json_or_null(out, ext);
    sb_str(out, ",\"name\":");
    sb_json(out, role_names[role]);
    sb_str(out, ",\"description\":");
    sb_json(out, role % 3 == 0 ? "What this role does.\nIn two lines." : NULL);
    sb_printf(out, ",\"users_count\":%u,\"skills_count\":%u,\"groups_count\":%d", people_with_role(sb->people, role),
              skills_of_role(role), role % 6);
    sb_printf(out, ",\"created_at\":\"%s\",\"updated_at\":\"%s\"", created, updated);
}

void hn_roles_list(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *q = sb_request_query(rq, "q");
    uint32_t total = 0, printed = 0;
    struct page page;

    if (!hn_page(rq, rp, &page))
        return;
    rp->status = 200;
    sb_str(&rp->body, "{\"data\":[");
    for (unsigned i = 0; i < PEOPLE_ROLES; i++) {
        int32_t role = (int32_t)sb->catalogue->role_order[i];

        if (q && !strcasestr(role_names[role], q))
            continue;
        if (total++ < hn_page_start(&page) || printed == page.size)
            continue;
        sb_str(&rp->body, printed++ ? "," : "");
        print_role(sb, &rp->body, role);
        sb_str(&rp->body, "}");
    }
    hn_meta(&rp->body, &page, total);
}

void hn_role_get(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    int32_t role = hn_catalogue_role_find(sb->catalogue, rq->captured[0]);
    char stamp[32];

    if (role < 0) {
        hn_error(rp, 404, "Job role not found");
        return;
    }
    rp->status = 200;
    sb_str(&rp->body, "{\"data\":");
    print_role(sb, &rp->body, role);
    sb_str(&rp->body, ",\"skills\":[");
    for (unsigned i = 0; i < skills_of_role(role); i++) {
        const struct skill *s = &sb->catalogue->skills[((unsigned)role * 11 + i * 7) % SKILLS];

        sb_printf(&rp->body, "%s{\"id\":%lld,\"external_id\":", i ? "," : "", (long long)s->id);
        sb_json_or_null(&rp->body, s->ext);
        sb_str(&rp->body, ",\"name\":");
        sb_json(&rp->body, s->name);
        sb_stamp_print(born((unsigned)role + i * 9), stamp);
        sb_printf(&rp->body, ",\"target_rating\":%u,\"ai_generated\":%s,\"assigned_at\":\"%s\"}", i % 5 + 1,
                  i % 4 == 3 ? "true" : "false", stamp);
    }
    sb_str(&rp->body, "]}}");
}

/* ---- skills ---- */

static void print_skill(struct buf *out, const struct skill *s)
{
    char stamp[32];

    sb_stamp_print(s->created, stamp);
    sb_printf(out, "{\"id\":%lld,\"name\":", (long long)s->id);
    sb_json(out, s->name);
    sb_str(out, ",\"external_id\":");
    sb_json_or_null(out, s->ext);
    if (s->rating < 0)
        sb_str(out, ",\"average_rating\":null");
    else
        sb_printf(out, ",\"average_rating\":%d", s->rating);
    sb_printf(out, ",\"users_count\":%u,\"job_roles_count\":%u,\"created_at\":\"%s\",\"updated_at\":\"%s\"}", s->users,
              s->roles, stamp, stamp);
}

static int by_name(const void *a, const void *b)
{
    const struct skill *x = *(const struct skill *const *)a, *y = *(const struct skill *const *)b;
    int order = strcasecmp(x->name, y->name);

    return order ? order : (x->id > y->id) - (x->id < y->id);
}

static int by_created(const void *a, const void *b)
{
    const struct skill *x = *(const struct skill *const *)a, *y = *(const struct skill *const *)b;
    int order = (x->created > y->created) - (x->created < y->created);

    return order ? order : (x->id > y->id) - (x->id < y->id);
}

void hn_skills_list(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *q = sb_request_query(rq, "q"), *by = sb_request_query(rq, "sort_by"),
               *way = sb_request_query(rq, "sort_order");
    const struct catalogue *c = sb->catalogue;
    const struct skill **list;
    uint32_t total = 0, start;
    struct page page;

    if (!hn_page(rq, rp, &page))
        return;
    if ((by && strcmp(by, "name") != 0 && strcmp(by, "created_at") != 0) ||
        (way && strcmp(way, "asc") != 0 && strcmp(way, "desc") != 0)) {
        hn_refuse(rp, 400, NULL);
        return;
    }
    list = sb_alloc(c->skill_count * sizeof(*list));
    for (uint32_t i = 0; i < c->skill_count; i++)
        if (!q || strcasestr(c->skills[i].name, q))
            list[total++] = &c->skills[i];
    qsort(list, total, sizeof(*list), by && *by == 'c' ? by_created : by_name);
    rp->status = 200;
    sb_str(&rp->body, "{\"data\":[");
    start = hn_page_start(&page);
    for (uint32_t i = start; i < total && i - start < page.size; i++) {
        sb_str(&rp->body, i > start ? "," : "");
        print_skill(&rp->body, list[way && *way == 'd' ? total - 1 - i : i]);
    }
    hn_meta(&rp->body, &page, total);
    free(list);
}

void hn_skill_get(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const struct catalogue *c = sb->catalogue;
    const char *reference = rq->captured[0];
    int64_t id;

    for (uint32_t i = 0; i < c->skill_count; i++) {
        const struct skill *s = &c->skills[i];

        if (hn_reference_id(reference, &id)
                ? s->id != id
                : strncmp(reference, "EXT-", 4) != 0 || !*s->ext || strcmp(reference + 4, s->ext) != 0)
            continue;
        rp->status = 200;
        sb_str(&rp->body, "{\"data\":");
        print_skill(&rp->body, s);
        sb_str(&rp->body, "}");
        return;
    }
    hn_error(rp, 404, "Skill not found");
}

static void refuse_skill(struct reply *rp, const char *why)
{
    sb_reply_json(rp, 422, json_pack("{s:[s]}", "errors", why));
}

/* NULL, or what the 422 says. */
static const char *clash(const struct catalogue *c, const char *name, const char *ext)
{
    if (sb_characters(name) > 191)
        return "Name is too long (maximum is 191 characters)";
    for (uint32_t i = 0; i < c->skill_count; i++) {
        if (strcasecmp(c->skills[i].name, name) == 0)
            return "Name has already been taken";
        if (ext && *ext && strcmp(c->skills[i].ext, ext) == 0)
            return "External has already been taken";
    }
    return NULL;
}

void hn_skill_create(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const struct field fields[] = {{"name", FIELD_STRING, true}, {"external_id", FIELD_STRING, false}, {0}};
    const char *which, *wrong, *name = sb_field_string(rq->json, "name"), *ext = sb_field_string(rq->json, "external_id");
    enum field_type type;
    enum field_fault fault = sb_fields_check(rq->json, fields, &which, &type);
    struct skill *s;

    if (!hn_actor_is_admin(sb, rq)) {
        hn_error(rp, 403, "You are not authorized to perform this action. Only admin users can create skills.");
        return;
    }
    if (fault != FIELD_MISTYPED && (!name || !*name)) {
        hn_error(rp, 400, "Missing required parameter: name");
        return;
    }
    if (fault != FIELD_FINE || !name || (ext && strlen(ext) > 255)) {
        hn_refuse(rp, 400, which);
        return;
    }
    wrong = clash(sb->catalogue, name, ext);
    if (wrong) {
        refuse_skill(rp, wrong);
        return;
    }
    s = skill_add(sb->catalogue, name, ext);
    s->created = (int64_t)sb_wall();
    rp->status = 201;
    sb_str(&rp->body, "{\"data\":");
    print_skill(&rp->body, s);
    sb_str(&rp->body, "}");
}
