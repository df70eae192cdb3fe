/* HowNow: the catalogue of skills, which can be added to. */
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
    struct roles *roles;
    struct contents *contents;
};

static const char *const skill_areas[] = {"Python",   "Spreadsheet",  "Negotiation", "First aid",
                                          "Forklift", "Welding",      "Customer",    "Contract",
                                          "Données",  "Food hygiene", "C++",         "Excel"};
static const char *const skill_kinds[] = {"basics",          "practice", "planning", "review", "for leads",
                                          "troubleshooting", "law",      "coaching", "audit",  "reporting"};

int64_t hn_born(unsigned n)
{
    return (int64_t)sb_days_of(2019, 9, 20) * 86400 + (int64_t)n * 86400 * 17 + n * 3571 % 86400;
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
        s->created = hn_born(i * 37 % SKILLS);
        s->rating = i % 11 ? (int)(i * 7 % 5) + 1 : -1;
        s->users = i * 131 % 700;
        s->roles = i * 17 % 40;
    }
    c->roles = hn_roles_new();
    c->contents = hn_contents_new();
    return c;
}

void hn_catalogue_free(struct catalogue *c)
{
    if (!c)
        return;
    hn_roles_free(c->roles);
    hn_contents_free(c->contents);
    free(c->skills);
    free(c);
}

struct roles *hn_catalogue_roles(const struct catalogue *c)
{
    return c->roles;
}

struct contents *hn_catalogue_contents(const struct catalogue *c)
{
    return c->contents;
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

int32_t hn_skill_find(const struct catalogue *c, const char *reference)
{
    int64_t id;

    for (uint32_t i = 0; i < c->skill_count; i++) {
        const struct skill *s = &c->skills[i];

        if (hn_reference_id(reference, &id)
                ? s->id == id
                : strncmp(reference, "EXT-", 4) == 0 && *s->ext && strcmp(reference + 4, s->ext) == 0)
            return (int32_t)i;
    }
    return -1;
}

void hn_skill_name(const struct catalogue *c, int32_t skill, struct buf *out)
{
    const struct skill *s = &c->skills[skill];

    sb_printf(out, "\"id\":%lld,\"external_id\":", (long long)s->id);
    sb_json_or_null(out, s->ext);
    sb_str(out, ",\"name\":");
    sb_json(out, s->name);
}

void hn_skill_mapped(struct catalogue *c, int32_t skill, bool more)
{
    c->skills[skill].roles += more ? 1 : c->skills[skill].roles ? -1 : 0;
}

void hn_skill_get(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    int32_t skill = hn_skill_find(sb->catalogue, rq->captured[0]);

    if (skill < 0) {
        hn_error(rp, 404, "Skill not found");
        return;
    }
    rp->status = 200;
    sb_str(&rp->body, "{\"data\":");
    print_skill(&rp->body, &sb->catalogue->skills[skill]);
    sb_str(&rp->body, "}");
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
