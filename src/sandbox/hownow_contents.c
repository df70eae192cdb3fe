/* HowNow: contents of five sources, who made them, who owns them, and to whom they were assigned.
 *
 * The tenant's own contents ("course") are those that its people have authored: number 1000 + 16 * index + k is the k-th of the
 * person `index`, whoever owns it now. The other sources are a formula. */
#include "hownow_contents.h"

#include <stdio.h>
#include <stdlib.h>

#include "seed.h"

const struct content_source content_sources[SOURCES] = {
    {"course", "HowNow", 0, 0, 0, NULL},
    {"hownow_plus", "HowNow+", 181000, 7, 25, NULL},
    {"udemy_course", "Udemy", 140001, 3, 230, "Udemy for Business"},
    {"linkedin_course", "LinkedIn Learning", 500000, 1, 0, "LinkedIn Learning"},
    {"feed_articles", "RSS Feeds", 63000, 11, 7, "Invented Gazette"}};

const char *const content_types[TYPES] = {"course", "nugget", "pathway", "live_class", "webinar", "event", "scorm"};
const char *const content_type_labels[TYPES] = {"Course",  "Nugget", "Pathway", "Live Class",
                                                "Webinar", "Event",  "SCORM"};

static const char *const subjects[] = {"Fire safety",   "Onboarding",   "Données personnelles", "GDPR",
                                       "First \"aid\"", "Spreadsheets", "データ分析",           "Negotiation & trade",
                                       "Welding",       "Food hygiene", "Line management"};

struct contents *hn_contents_new(void)
{
    return sb_alloc(sizeof(struct contents));
}

void hn_contents_free(struct contents *c)
{
    if (!c)
        return;
    free(c->ids);
    free(c->moved);
    free(c);
}

/* ---- who owns what ---- */

unsigned content_authored_by(const struct sandbox *sb, uint32_t index)
{
    struct user u;

    if (index >= people_seeded(sb->people))
        return 0;
    seed_user(sb->settings.seed, index, &u);
    return u.authored;
}

uint32_t content_owner_of(const struct contents *c, uint32_t author)
{
    for (uint32_t i = 0; i < c->moved_count; i++)
        if (c->moved[i].author == author)
            return c->moved[i].owner;
    return author;
}

void hn_contents_hand_over(struct contents *c, uint32_t from, uint32_t to)
{
    bool own = content_owner_of(c, from) == from;

    for (uint32_t i = 0; i < c->moved_count; i++)
        if (c->moved[i].owner == from)
            c->moved[i].owner = to;
    if (!own)
        return;
    if (c->moved_count == c->moved_room) {
        c->moved_room = c->moved_room ? c->moved_room * 2 : 16;
        c->moved = sb_realloc(c->moved, c->moved_room * sizeof(*c->moved));
    }
    c->moved[c->moved_count++] = (struct moved){from, to};
}

const struct contents *contents_built(const struct sandbox *sb)
{
    struct contents *c = hn_catalogue_contents(sb->catalogue);
    uint32_t people = people_seeded(sb->people);

    if (c->built)
        return c;
    people = people < AUTHORS ? people : AUTHORS;
    c->ids = sb_alloc(((size_t)people * OF_PERSON + 1) * sizeof(*c->ids));
    for (uint32_t i = 0; i < people; i++)
        for (unsigned k = 0; k < content_authored_by(sb, i); k++)
            c->ids[c->count++] = FIRST + OF_PERSON * i + k;
    c->built = true;
    return c;
}

uint32_t content_author_of(uint32_t id)
{
    return (id - FIRST) / OF_PERSON;
}

uint32_t contents_count(const struct sandbox *sb, unsigned source)
{
    return source ? content_sources[source].count : contents_built(sb)->count;
}

uint32_t contents_nth(const struct sandbox *sb, unsigned source, uint32_t n)
{
    return source ? content_sources[source].first + content_sources[source].step * n : contents_built(sb)->ids[n];
}

bool content_exists(const struct sandbox *sb, unsigned source, uint32_t id)
{
    if (!source)
        return id >= FIRST && (id - FIRST) % OF_PERSON < content_authored_by(sb, content_author_of(id));
    return content_sources[source].count && id >= content_sources[source].first &&
           (id - content_sources[source].first) % content_sources[source].step == 0 &&
           (id - content_sources[source].first) / content_sources[source].step < content_sources[source].count;
}

/* ---- what was assigned ---- */

uint32_t contents_assigned(const struct sandbox *sb, uint32_t index)
{
    uint32_t wanted = index % 23 == 3 ? 130 : (uint32_t)(seed_mix(sb->settings.seed, index, 300) % 6);

    return wanted < contents_built(sb)->count ? wanted : contents_built(sb)->count;
}

uint32_t contents_assigned_id(const struct sandbox *sb, uint32_t index, uint32_t k)
{
    const struct contents *c = contents_built(sb);

    return c->ids[(seed_mix(sb->settings.seed, index, 301) + k) % c->count];
}

/* An Admin sees everything, others what they own or were assigned; what comes from elsewhere everybody. */
bool content_visible(const struct sandbox *sb, const struct request *rq, unsigned source, uint32_t id)
{
    if (source || hn_actor_is_admin(sb, rq) || content_owner_of(contents_built(sb), content_author_of(id)) == rq->actor)
        return true;
    for (uint32_t k = 0; k < contents_assigned(sb, rq->actor); k++)
        if (contents_assigned_id(sb, rq->actor, k) == id)
            return true;
    return false;
}

/* ---- what it says of itself ---- */

void content_title(unsigned source, uint32_t id, char out[128])
{
    snprintf(out, 128, "%s, %s %u", subjects[id % (sizeof(subjects) / sizeof(*subjects))],
             source ? content_sources[source].label : content_type_labels[id % TYPES], id);
}

int64_t content_created_at(uint32_t id)
{
    return hn_born(0) + (int64_t)id * 977;
}
