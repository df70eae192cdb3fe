/* HowNow: groups. A group's seeded members are an arithmetic progression of indices, so membership costs a division. */
#include "hownow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "seed.h"
#include "when.h"

#define GROUPS      25
#define MEMBERS_MAX 2000

static const char *const names[GROUPS] = {
    "Engineering Team",  "New joiners",         "Mentors & mentees", "Zespół Kraków",
    "Fire wardens",      "Sales Academy",       "東京オフィス",      "Board readers",
    "Apprentices 2025",  "Customer care",       "Data guild",        "Équipe Lyon",
    "Leadership circle", "Compliance \"core\"", "Field engineers",   "Parents' network",
    "Night shift",       "Pilot group",         "Product",           "QA",
    "Retail north",      "Retail south",        "Safety first",      "Volunteers",
    "Zero members yet"};

static const char *const roles[] = {"Admin", "Manager", "Contributor", "ReadOnly"};

struct groups {
    uint64_t seed;
    uint32_t seeded;
    uint32_t owner[GROUPS]; /* PEOPLE_NOBODY: none */
};

static uint32_t stride(unsigned g)
{
    return 2 + g * g % 17;
}

static int64_t id_of(unsigned g)
{
    return 11001 + 7 * (int64_t)g;
}

static bool is_member(const struct groups *gs, unsigned g, uint32_t index)
{
    uint32_t start = g % 7;

    return g != GROUPS - 1 && index < gs->seeded && index >= start && (index - start) % stride(g) == 0 &&
           (index - start) / stride(g) < MEMBERS_MAX;
}

struct groups *hn_groups_new(uint64_t seed, uint32_t seeded)
{
    struct groups *gs = sb_alloc(sizeof(*gs));

    gs->seed = seed;
    gs->seeded = seeded;
    for (unsigned g = 0; g < GROUPS; g++) /* the seeded managers are 20, 40, …; see seed_manager */
        gs->owner[g] = g % 3 == 2 ? PEOPLE_NOBODY : g * PEOPLE_FANOUT < seeded ? g * PEOPLE_FANOUT : 0;
    return gs;
}

void hn_groups_free(struct groups *gs)
{
    free(gs);
}

unsigned hn_groups_of(const struct groups *gs, uint32_t index)
{
    unsigned count = 0;

    for (unsigned g = 0; g < GROUPS; g++)
        count += is_member(gs, g, index);
    return count;
}

unsigned hn_groups_owned_by(const struct groups *gs, uint32_t index)
{
    unsigned count = 0;

    for (unsigned g = 0; g < GROUPS; g++)
        count += gs->owner[g] == index;
    return count;
}

void hn_groups_hand_over(struct groups *gs, uint32_t from, uint32_t to)
{
    for (unsigned g = 0; g < GROUPS; g++)
        if (gs->owner[g] == from)
            gs->owner[g] = to;
}

static const char *role_in(const struct groups *gs, unsigned g, uint32_t index)
{
    unsigned slot = seed_mix(gs->seed, index, 100 + g) % 16;

    if (gs->owner[g] == index)
        return roles[0];
    return roles[slot == 0 ? 0 : slot <= 2 ? 1 : slot <= 4 ? 2 : 3];
}

/* The doc's rule: an Admin all groups, others those where they are more than ReadOnly. */
static bool visible(const struct sandbox *sb, const struct request *rq, unsigned g, bool admin)
{
    const struct groups *gs = sb->groups;

    return admin || gs->owner[g] == rq->actor ||
           (is_member(gs, g, rq->actor) && strcmp(role_in(gs, g, rq->actor), "ReadOnly") != 0);
}

/* The next active member at or behind `index`, or PEOPLE_NOBODY. */
static uint32_t next_member(const struct sandbox *sb, unsigned g, uint32_t index)
{
    for (; is_member(sb->groups, g, index); index += stride(g))
        if (people_is_active(sb->people, index))
            return index;
    return PEOPLE_NOBODY;
}

static uint32_t first_member(const struct sandbox *sb, unsigned g)
{
    return next_member(sb, g, g % 7);
}

static uint32_t member_count(const struct sandbox *sb, unsigned g)
{
    uint32_t count = 0;

    for (uint32_t i = first_member(sb, g); i != PEOPLE_NOBODY; i = next_member(sb, g, i + stride(g)))
        count++;
    return count;
}

/* ---- printing ---- */

static void print_owner(const struct sandbox *sb, struct buf *out, unsigned g)
{
    struct user u;

    sb_str(out, ",\"owner\":");
    if (sb->groups->owner[g] == PEOPLE_NOBODY || !people_load(sb->people, sb->groups->owner[g], &u) || u.deleted) {
        sb_str(out, "{}");
        return;
    }
    sb_printf(out, "{\"id\":%u,\"name\":", u.index + 1);
    sb_json(out, u.name);
    sb_str(out, ",\"email\":");
    sb_json(out, u.email);
    sb_printf(out, ",\"role\":\"%s\"}", people_type_name(u.type));
}

static void print_group(const struct sandbox *sb, struct buf *out, unsigned g)
{
    int64_t created = (int64_t)sb_days_of(2023, 1, 3 + g) * 86400 + g * 977;
    char stamp[32];

    sb_printf(out, "{\"id\":%lld,\"team_name\":", (long long)id_of(g));
    sb_json(out, names[g]);
    sb_stamp_ms_print(created * 1000, stamp);
    sb_printf(out, ",\"created_at\":\"%s\"", stamp);
    sb_stamp_ms_print((created + g % 5 * 8640000) * 1000, stamp);
    sb_printf(out, ",\"updated_at\":\"%s\",\"user_count\":%u", stamp, member_count(sb, g));
    print_owner(sb, out, g);
}

void hn_groups_list(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *search = sb_request_query(rq, "search");
    bool admin = hn_actor_is_admin(sb, rq);
    uint32_t total = 0, printed = 0;
    struct page page;

    if (!hn_page(rq, rp, &page))
        return;
    rp->status = 200;
    sb_str(&rp->body, "{\"data\":[");
    for (unsigned g = 0; g < GROUPS; g++) {
        if ((search && !strcasestr(names[g], search)) || !visible(sb, rq, g, admin))
            continue;
        if (total++ < hn_page_start(&page) || printed == page.size)
            continue;
        sb_str(&rp->body, printed++ ? "," : "");
        print_group(sb, &rp->body, g);
        sb_printf(&rp->body, ",\"channels_count\":%u}", g % 3);
    }
    hn_meta(&rp->body, &page, total);
}

/* The group in the path, a plain integer; -1 when a refusal has been written. */
static int find_group(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *text = rq->captured[0];
    int found = -1;

    if (!text[strspn(text, "0123456789")] && strlen(text) < 10)
        for (unsigned g = 0; g < GROUPS; g++)
            if (id_of(g) == strtol(text, NULL, 10))
                found = (int)g;
    if (found < 0)
        hn_refuse(rp, 404, NULL);
    else if (!visible(sb, rq, (unsigned)found, hn_actor_is_admin(sb, rq))) {
        hn_refuse(rp, 401, NULL);
        found = -1;
    }
    return found;
}

void hn_group_get(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    int g = find_group(sb, rq, rp);

    if (g < 0)
        return;
    rp->status = 200;
    sb_str(&rp->body, "{\"data\":");
    print_group(sb, &rp->body, (unsigned)g);
    sb_str(&rp->body, ",\"channels\":[");
    for (int i = 0; i < g % 3; i++)
        sb_printf(&rp->body, "%s{\"channel_id\":%d,\"name\":\"Channel %d-%d\",\"description\":%s}", i ? "," : "",
                  35000 + g * 3 + i, g, i, i ? "\"\"" : "null");
    sb_str(&rp->body, "]}}");
}

static void print_member(const struct sandbox *sb, struct buf *out, unsigned g, uint32_t index)
{
    char stamp[32];
    struct user u;

    people_load(sb->people, index, &u);
    sb_printf(out, "{\"id\":%u,\"name\":", index + 1);
    sb_json(out, u.name);
    sb_str(out, ",\"email\":");
    sb_json(out, u.email);
    sb_stamp_print(u.created_at + 86400 * (int64_t)(1 + g), stamp);
    sb_printf(out, ",\"role\":\"%s\",\"group_joining_date\":\"%s\"}", role_in(sb->groups, g, index), stamp);
}

static bool is_role(const char *role)
{
    for (int i = 0; i < 4; i++)
        if (strcasecmp(role, roles[i]) == 0)
            return true;
    return false;
}

void hn_group_users(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *role = sb_request_query(rq, "role");
    uint32_t total = 0, printed = 0;
    struct page page;
    int g;

    if (!hn_page(rq, rp, &page))
        return;
    if (role && *role && !is_role(role)) {
        hn_refuse(rp, 400, NULL);
        return;
    }
    g = find_group(sb, rq, rp);
    if (g < 0)
        return;
    rp->status = 200;
    sb_str(&rp->body, "{\"data\":[");
    for (uint32_t i = first_member(sb, (unsigned)g); i != PEOPLE_NOBODY;
         i = next_member(sb, (unsigned)g, i + stride((unsigned)g))) {
        if (role && *role && strcasecmp(role, role_in(sb->groups, (unsigned)g, i)) != 0)
            continue;
        if (total++ < hn_page_start(&page) || printed == page.size)
            continue;
        sb_str(&rp->body, printed++ ? "," : "");
        print_member(sb, &rp->body, (unsigned)g, i);
    }
    hn_meta(&rp->body, &page, total);
}
