/* HowNow: contents of five sources, lessons, and what people were assigned and have authored.
 *
 * The tenant's own contents ("course") are those that its people have authored: number 1000 + 16 * index + k is the k-th of the
 * person `index`, whoever owns it now. The other sources are a formula. */
#include "hownow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "seed.h"
#include "when.h"

#define AUTHORS   2000 /* whose contents the catalogue shows */
#define OF_PERSON 16
#define FIRST     1000
#define OF_COURSE 8 /* lessons have numbers 8 * content + k */
#define WINDOW    10000
#define PLUS      1 /* of sources: up to this one they are HowNow's own */
#define FEED      4

struct moved {
    uint32_t author, owner;
};

struct contents {
    uint32_t *ids, count; /* of "course", ascending */
    bool built;
    struct moved *moved;
    uint32_t moved_count, moved_room;
    unsigned signatures;
};

static const struct {
    const char *id, *label;
    uint32_t first, step, count;
    const char *provider;
} sources[] = {{"course", "HowNow", 0, 0, 0, NULL},
               {"hownow_plus", "HowNow+", 181000, 7, 25, NULL},
               {"udemy_course", "Udemy", 140001, 3, 230, "Udemy for Business"},
               {"linkedin_course", "LinkedIn Learning", 500000, 1, 0, "LinkedIn Learning"},
               {"feed_articles", "RSS Feeds", 63000, 11, 7, "Invented Gazette"}};
#define SOURCES (sizeof(sources) / sizeof(*sources))

static const char *const types[] = {"course", "nugget", "pathway", "live_class", "webinar", "event", "scorm"};
static const char *const type_labels[] = {"Course", "Nugget", "Pathway", "Live Class", "Webinar", "Event", "SCORM"};
#define TYPES (sizeof(types) / sizeof(*types))

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

static unsigned authored_by(const struct sandbox *sb, uint32_t index)
{
    struct user u;

    if (index >= people_seeded(sb->people))
        return 0;
    seed_user(sb->settings.seed, index, &u);
    return u.authored;
}

static uint32_t owner_of(const struct contents *c, uint32_t author)
{
    for (uint32_t i = 0; i < c->moved_count; i++)
        if (c->moved[i].author == author)
            return c->moved[i].owner;
    return author;
}

void hn_contents_hand_over(struct contents *c, uint32_t from, uint32_t to)
{
    bool own = owner_of(c, from) == from;

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

static const struct contents *built(const struct sandbox *sb)
{
    struct contents *c = hn_catalogue_contents(sb->catalogue);
    uint32_t people = people_seeded(sb->people);

    if (c->built)
        return c;
    people = people < AUTHORS ? people : AUTHORS;
    c->ids = sb_alloc(((size_t)people * OF_PERSON + 1) * sizeof(*c->ids));
    for (uint32_t i = 0; i < people; i++)
        for (unsigned k = 0; k < authored_by(sb, i); k++)
            c->ids[c->count++] = FIRST + OF_PERSON * i + k;
    c->built = true;
    return c;
}

static uint32_t author_of(uint32_t id)
{
    return (id - FIRST) / OF_PERSON;
}

static uint32_t count_of(const struct sandbox *sb, unsigned source)
{
    return source ? sources[source].count : built(sb)->count;
}

static uint32_t nth(const struct sandbox *sb, unsigned source, uint32_t n)
{
    return source ? sources[source].first + sources[source].step * n : built(sb)->ids[n];
}

static bool exists(const struct sandbox *sb, unsigned source, uint32_t id)
{
    if (!source)
        return id >= FIRST && (id - FIRST) % OF_PERSON < authored_by(sb, author_of(id));
    return sources[source].count && id >= sources[source].first &&
           (id - sources[source].first) % sources[source].step == 0 &&
           (id - sources[source].first) / sources[source].step < sources[source].count;
}

/* ---- what was assigned ---- */

static uint32_t assigned_count(const struct sandbox *sb, uint32_t index)
{
    uint32_t wanted = index % 23 == 3 ? 130 : (uint32_t)(seed_mix(sb->settings.seed, index, 300) % 6);

    return wanted < built(sb)->count ? wanted : built(sb)->count;
}

static uint32_t assigned_id(const struct sandbox *sb, uint32_t index, uint32_t k)
{
    const struct contents *c = built(sb);

    return c->ids[(seed_mix(sb->settings.seed, index, 301) + k) % c->count];
}

/* An Admin sees everything, others what they own or were assigned; what comes from elsewhere everybody. */
static bool visible(const struct sandbox *sb, const struct request *rq, unsigned source, uint32_t id)
{
    if (source || hn_actor_is_admin(sb, rq) || owner_of(built(sb), author_of(id)) == rq->actor)
        return true;
    for (uint32_t k = 0; k < assigned_count(sb, rq->actor); k++)
        if (assigned_id(sb, rq->actor, k) == id)
            return true;
    return false;
}

/* ---- printing ---- */

static void title(unsigned source, uint32_t id, char out[128])
{
    snprintf(out, 128, "%s, %s %u", subjects[id % (sizeof(subjects) / sizeof(*subjects))],
             source ? sources[source].label : type_labels[id % TYPES], id);
}

static int64_t created_at(uint32_t id)
{
    return hn_born(0) + (int64_t)id * 977;
}

static void print_stamp(struct buf *out, const char *key, int64_t seconds)
{
    char stamp[32];

    sb_stamp_ms_print(seconds * 1000, stamp);
    sb_printf(out, ",\"%s\":\"%s\"", key, stamp);
}

static void print_person(const struct sandbox *sb, struct buf *out, uint32_t index)
{
    struct user u;

    if (!people_load(sb->people, index, &u) || u.deleted) {
        sb_str(out, ",\"author\":null");
        return;
    }
    sb_printf(out, ",\"author\":{\"id\":%u,\"name\":", index + 1);
    sb_json(out, u.name);
    sb_str(out, ",\"email\":");
    sb_json(out, u.email);
    sb_printf(out, ",\"role\":\"%s\"}", people_type_name(u.type));
}

static const char *boolean(bool yes)
{
    return yes ? "true" : "false";
}

/* As a list has it, without its closing brace. What is asked for alone has "language" in the place of "languages", and no is_mandatory. */
static void print_content(const struct sandbox *sb, struct buf *out, unsigned source, uint32_t id, bool alone)
{
    const char *type = source == FEED ? "feed_article" : source ? "course" : types[id % TYPES];
    char name[128];

    title(source, id, name);
    sb_printf(out, "{\"id\":%u,\"source\":\"%s\",\"hownow_id\":\"%s_%u\",\"content_type\":\"%s\",\"name\":", id,
              sources[source].id, sources[source].id, id, type);
    sb_json(out, name);
    sb_printf(
        out,
        ",\"thumbnail\":\"https://files.example.org/thumbnails/%u.png?%u\",\"is_hownow_plus\":%s,\"is_pathway\":%s,"
        "\"duration\":%s,\"%s\"%s%s\"%s,\"is_premium\":%s,\"is_scorm\":%s,\"visibility_level\":\"everywhere\"",
        id, id * 31, boolean(source == PLUS), boolean(!strcmp(type, "pathway")), id % 3 ? "null" : "\"30m\"",
        alone ? "language" : "languages", alone ? ":\"" : ":[\"", id % 4 ? "en" : "fr", alone ? "" : "]",
        boolean(id % 10 == 9), boolean(!strcmp(type, "scorm")));
    print_stamp(out, "published_date", created_at(id) + 600);
    print_stamp(out, "last_published", created_at(id) + 600 + id % 5 * 86400);
    print_stamp(out, "created_at", created_at(id));
    sb_printf(out, ",\"url\":\"/courses/%u?preview=true\"", id);
    if (source <= PLUS) {
        print_person(sb, out, owner_of(built(sb), author_of(id)));
        sb_printf(out, ",\"metadata\":null%s", alone ? "" : ",\"is_mandatory\":false");
    } else {
        sb_printf(out, ",\"author\":{\"name\":\"%s\"},\"metadata\":{\"provider_name\":\"%s\"}",
                  sources[source].provider, sources[source].provider);
    }
}

/* The details of what others made have other keys than their rows. */
static void print_foreign(struct buf *out, unsigned source, uint32_t id)
{
    bool article = source == FEED;
    char name[128];

    title(source, id, name);
    sb_printf(out, "{\"id\":%u,\"source\":\"%s\",\"hownow_id\":\"%s_%u\",\"content_type\":\"%s\",\"name\":", id,
              sources[source].id, sources[source].id, id, article ? "feed_article" : "course");
    sb_json(out, name);
    sb_printf(
        out,
        "%s,\"is_hownow_plus\":false,\"is_pathway\":false,\"is_scorm\":false,\"is_premium\":%s,\"visibility_level\":%s,"
        "\"language_code\":\"%s\",\"duration\":%s",
        article ? ",\"subtitle\":\"An invented article\",\"description\":\"An invented article, at length\"" : "",
        boolean(id % 10 == 9), article ? "null" : "false", id % 4 ? "en" : "fr", id % 3 ? "null" : "\"30m\"");
    print_stamp(out, article ? "published_date" : "published_at", created_at(id) + 600);
    print_stamp(out, "created_at", created_at(id));
    print_stamp(out, "last_published", created_at(id) + 600 + id % 5 * 86400);
    sb_printf(
        out,
        ",\"thumbnail\":\"https://files.example.org/thumbnails/%u.png?%u\",\"url\":\"https://learn.example.org/%u\","
        "\"author\":{\"name\":\"%s\",\"image_details\":{\"url\":\"https://files.example.org/publishers/%u.png\","
        "\"uploaded\":false,\"backdrop_color_code\":null}},\"metadata\":{\"%s\":\"%s\"}",
        id, id * 31, id, sources[source].provider, source, article ? "publisher" : "provider_name",
        sources[source].provider);
}

static unsigned lessons_of(uint32_t id)
{
    return id % TYPES == 2 ? 0 : id % TYPES == 0 ? 6 : 1; /* a pathway has steps, a course two sections of three */
}

static void print_sections(struct buf *out, uint32_t id)
{
    unsigned count = lessons_of(id);

    for (unsigned k = 0; k < count; k++) {
        if (k % 3 == 0)
            sb_printf(out, "%s{\"id\":%u,\"name\":\"Section %u\",\"order\":%u,\"lessons\":[", k ? "]}," : "",
                      id * 2 + k / 3, k / 3 + 1, k / 3);
        sb_printf(out, "%s{\"id\":%u,\"name\":\"Lesson %u & more\"}", k % 3 ? "," : "", id * OF_COURSE + k, k + 1);
    }
    sb_str(out, count ? "]}" : "");
}

static void print_schedule(struct buf *out, uint32_t id)
{
    sb_printf(out, "{\"id\":%u", id * 3);
    print_stamp(out, "start_time", created_at(id) + 86400 * 30);
    print_stamp(out, "end_time", created_at(id) + 86400 * 30 + 1800);
    sb_str(out, ",\"bookable\":true,\"has_expired\":false,\"reason\":null}");
}

static void print_details(const struct sandbox *sb, struct buf *out, unsigned source, uint32_t id)
{
    unsigned type = id % TYPES;

    if (source > PLUS) {
        print_foreign(out, source, id);
        return;
    }
    print_content(sb, out, source, id, false);
    if (!source && type == 2) {
        sb_printf(
            out,
            ",\"type\":\"Pathway\",\"sections\":[{\"id\":%u,\"name\":\"First step\",\"description\":null,\"steps\":{"
            "\"id\":%u,\"order\":1,\"item_type\":\"Course\",\"item_id\":%u,\"name\":\"First "
            "step\",\"description\":\"\","
            "\"author\":null,\"published_at\":null,\"duration\":null,\"type\":\"Content\"}}]",
            id * 2, id * 2 + 1, id);
    } else {
        sb_printf(out, ",\"type\":\"%s\",\"sections\":[", source ? "course" : types[type]);
        print_sections(out, id);
        sb_str(out, "]");
    }
    if (!source && (type == 3 || type == 4 || type == 5)) {
        sb_str(out, ",\"schedules\":[");
        print_schedule(out, id);
        sb_str(out, "],\"is_recurring\":false,\"is_daily\":false");
    }
    if (!source && type == 5)
        sb_str(out, ",\"address\":\"1 Invented Street\",\"additional_directions\":\"\"");
}

/* ---- a person's contents ---- */

/* The person in the path; PEOPLE_NOBODY when a refusal has been written. */
static uint32_t find_person(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    uint32_t index = hn_resolve(sb, rq->captured[0], false);

    if (index != PEOPLE_NOBODY && hn_actor_may(sb, rq, index))
        return index;
    hn_refuse(rp, index == PEOPLE_NOBODY ? 404 : 401, NULL);
    return PEOPLE_NOBODY;
}

struct listing {
    struct buf *out;
    struct page page;
    const char *q;
    uint32_t total, printed;
};

static bool listing_begin(struct listing *l, struct request *rq, struct reply *rp)
{
    *l = (struct listing){.out = &rp->body, .q = sb_request_query(rq, "q")};
    if (!hn_page(rq, rp, &l->page))
        return false;
    rp->status = 200;
    sb_str(l->out, "{\"data\":[");
    return true;
}

/* Counts one more; true when it stands on the page and is to be printed. */
static bool listing_next(struct listing *l, unsigned source, uint32_t id)
{
    char name[128];

    title(source, id, name);
    if (l->q && *l->q && strcmp(l->q, "*") != 0 && !strcasestr(name, l->q))
        return false;
    if (l->total++ < hn_page_start(&l->page) || l->printed == l->page.size)
        return false;
    sb_str(l->out, l->printed++ ? "," : "");
    return true;
}

static void print_assigned(const struct sandbox *sb, struct buf *out, uint32_t index, uint32_t id)
{
    static const char *const status[] = {"Not Started", "In Progress", "Completed"};
    uint64_t mix = seed_mix(sb->settings.seed, index, id);
    unsigned at = (unsigned)(mix % 3);
    bool late = at != 2 && (mix >> 8) % 4 == 0; /* a deadline that passed years ago */
    int64_t when = created_at(id) + 86400 * (int64_t)(1 + index % 300);
    char name[128], stamp[32];

    title(0, id, name);
    sb_printf(out, "{\"id\":%u,\"hownow_id\":\"course_%u\",\"title\":", id, id);
    sb_json(out, name);
    sb_printf(out, ",\"content_type\":\"%s\"", type_labels[id % TYPES]);
    print_person(sb, out, owner_of(built(sb), author_of(id)));
    sb_stamp_print(when, stamp);
    sb_printf(out, ",\"assigned_at\":\"%s\",\"status\":\"%s\",\"progress\":%d,\"renewal_due_date\":null", stamp,
              status[at],
              at == 0   ? 0
              : at == 1 ? 40
                        : 100);
    sb_stamp_print(when + 30 * 86400, stamp);
    if (late)
        sb_printf(out, ",\"deadline_date\":\"%s\"", stamp);
    else
        sb_str(out, ",\"deadline_date\":null");
    sb_stamp_print(when + 86400, stamp);
    if (at == 2)
        sb_printf(out, ",\"completed_at\":\"%s\"", stamp);
    else
        sb_str(out, ",\"completed_at\":null");
    sb_printf(out,
              ",\"is_overdue\":%s,\"metadata\":{\"assigned_via\":\"nugget\",\"source\":\"course\",\"language\":\"en\","
              "\"visibility_level\":\"everywhere\"}}",
              late ? "true" : "false");
}

void hn_assigned_contents(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    uint32_t index = find_person(sb, rq, rp);
    struct listing l;

    if (index == PEOPLE_NOBODY || !listing_begin(&l, rq, rp))
        return;
    for (uint32_t k = 0; k < assigned_count(sb, index); k++)
        if (listing_next(&l, 0, assigned_id(sb, index, k)))
            print_assigned(sb, l.out, index, assigned_id(sb, index, k));
    hn_meta(l.out, &l.page, l.total);
}

static void print_authored(const struct sandbox *sb, struct buf *out, uint32_t index, uint32_t id)
{
    char name[128], stamp[32];

    title(0, id, name);
    sb_printf(out, "{\"id\":%u,\"hownow_id\":\"course_%u\",\"title\":", id, id);
    sb_json(out, name);
    sb_printf(out, ",\"content_type\":\"%s\",\"status\":\"%s\"", type_labels[id % TYPES], id % 6 ? "Published" : "Draft");
    print_stamp(out, "published_date", created_at(id) + 600);
    print_stamp(out, "last_published", created_at(id) + 600 + id % 5 * 86400);
    sb_stamp_print(created_at(id) + 86400 * 9, stamp);
    sb_printf(out, ",\"engagement_count\":%u,\"version\":\"%s\"", id % 40, stamp);
    print_person(sb, out, index);
    sb_str(out, ",\"metadata\":null}");
}

static void list_range(const struct sandbox *sb, struct listing *l, uint32_t index, uint32_t author)
{
    for (unsigned k = 0; k < authored_by(sb, author); k++)
        if (listing_next(l, 0, FIRST + OF_PERSON * author + k))
            print_authored(sb, l->out, index, FIRST + OF_PERSON * author + k);
}

void hn_authored_contents(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const struct contents *c = built(sb);
    uint32_t index = find_person(sb, rq, rp);
    struct listing l;

    if (index == PEOPLE_NOBODY || !listing_begin(&l, rq, rp))
        return;
    if (owner_of(c, index) == index)
        list_range(sb, &l, index, index);
    for (uint32_t i = 0; i < c->moved_count; i++)
        if (c->moved[i].owner == index && c->moved[i].author != index)
            list_range(sb, &l, index, c->moved[i].author);
    hn_meta(l.out, &l.page, l.total);
}

/* ---- the search ---- */

static int source_named(const char *name)
{
    static const char *const aliases[][2] = {{"hownow", "course"},       {"how_now", "course"},
                                             {"hownow+", "hownow_plus"}, {"hnp", "hownow_plus"},
                                             {"rss", "feed_articles"},   {"feed_article", "feed_articles"}};

    if (!name || !*name)
        return 0;
    for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
        if (!strcmp(name, aliases[i][0]))
            name = aliases[i][1];
    for (size_t i = 0; i < SOURCES; i++)
        if (!strcmp(name, sources[i].id))
            return (int)i;
    return -1;
}

/* Is the word in the list with commas? */
static bool in_csv(const char *csv, const char *word)
{
    size_t len = strlen(word);

    for (const char *p = csv; *p; p += strcspn(p, ","), p += *p == ',')
        if (strcspn(p, ",") == len && !strncmp(p, word, len))
            return true;
    return false;
}

/* What of `type` isn't a type, or NULL. */
static const char *wrong_type(const char *csv, char out[64])
{
    for (const char *p = csv; p && *p; p += strcspn(p, ","), p += *p == ',') {
        bool known = false;

        snprintf(out, 64, "%.*s", (int)strcspn(p, ","), p);
        for (size_t i = 0; i < TYPES && !known; i++)
            known = !strcmp(out, types[i]);
        if (!known)
            return out;
    }
    return NULL;
}

static bool one_of(const char *text, const char *const *words)
{
    for (; text && *words; words++)
        if (!strcmp(text, *words))
            return true;
    return !text;
}

/* False when a 400 has been written. */
static bool check_search(const struct request *rq, struct reply *rp, const struct page *page, const char *q)
{
    static const char *const sorts[] = {"relevance", "last_published", "created_at", NULL},
                             *const orders[] = {"asc", "desc", NULL}, *const yes_no[] = {"true", "false", NULL};
    char type[64], text[256];
    const char *wrong = wrong_type(sb_request_query(rq, "type"), type);

    if (wrong) {
        snprintf(text, sizeof(text),
                 "Invalid type(s): %s. Valid types are: course, event, live_class, nugget, pathway, scorm, webinar",
                 wrong);
        hn_error(rp, 400, text);
        return false;
    }
    if (one_of(sb_request_query(rq, "sort_by"), sorts) && one_of(sb_request_query(rq, "sort_order"), orders) &&
        one_of(sb_request_query(rq, "is_premium"), yes_no) && source_named(sb_request_query(rq, "source")) >= 0 &&
        !(q && (uint64_t)page->number * page->size > WINDOW))
        return true;
    hn_refuse(rp, 400, NULL);
    return false;
}

static bool found(const struct request *rq, unsigned source, uint32_t id)
{
    const char *type = sb_request_query(rq, "type"), *language = sb_request_query(rq, "language"),
               *premium = sb_request_query(rq, "is_premium");

    return (!type || !*type || source || in_csv(type, types[id % TYPES])) &&
           (!language || !*language || in_csv(language, id % 4 ? "en" : "fr")) &&
           (!premium || !strcmp(premium, boolean(id % 10 == 9)));
}

static void print_meta(const struct sandbox *sb, const struct listing *l, unsigned source)
{
    hn_meta(l->out, &l->page, l->total);
    sb_truncate(l->out, l->out->len - 2);
    sb_str(l->out, ",\"other_sources_summary\":{");
    for (unsigned i = 0, printed = 0; i < SOURCES; i++)
        if (i != source && count_of(sb, i))
            sb_printf(l->out, "%s\"%s\":%u", printed++ ? "," : "", sources[i].id, count_of(sb, i));
    sb_str(l->out, "}}}");
}

void hn_contents_search(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *q = sb_request_query(rq, "q"), *order = sb_request_query(rq, "sort_order");
    struct listing l;
    unsigned source;

    q = q ? q : sb_request_query(rq, "search");
    q = q && *q && strcmp(q, "*") != 0 ? q : NULL;
    if (!hn_page(rq, rp, &l.page) || !check_search(rq, rp, &l.page, q))
        return;
    source = (unsigned)source_named(sb_request_query(rq, "source"));
    listing_begin(&l, rq, rp);
    l.q = q;
    for (uint32_t n = 0, count = count_of(sb, source); n < count; n++) { /* numbers grow with time */
        uint32_t id = nth(sb, source, order && !strcmp(order, "asc") ? n : count - 1 - n);

        if (!visible(sb, rq, source, id) || !found(rq, source, id) || !listing_next(&l, source, id))
            continue;
        print_content(sb, l.out, source, id, false);
        sb_str(l.out, "}");
    }
    print_meta(sb, &l, source);
}

/* ---- one content, one lesson ---- */

static bool number(const char *text, uint32_t *id)
{
    if (!*text || strlen(text) > 9 || text[strspn(text, "0123456789")])
        return false;
    *id = (uint32_t)strtoul(text, NULL, 10);
    return true;
}

/* "{source}_{number}" in the path; false when a refusal has been written. */
static bool find_content(struct sandbox *sb, struct request *rq, struct reply *rp, unsigned *source, uint32_t *id)
{
    const char *name = rq->captured[0], *dash = strrchr(name, '_');

    if (!dash || !number(dash + 1, id)) {
        hn_refuse(rp, 400, NULL);
        return false;
    }
    for (*source = 0; *source < SOURCES; (*source)++)
        if (strlen(sources[*source].id) == (size_t)(dash - name) &&
            !strncmp(name, sources[*source].id, (size_t)(dash - name)))
            break;
    if (*source == SOURCES || !exists(sb, *source, *id)) {
        hn_error(rp, 404, "Not Found");
        return false;
    }
    if (!visible(sb, rq, *source, *id)) {
        hn_error(rp, 401, "Unauthorized");
        return false;
    }
    return true;
}

void hn_content_get(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    unsigned source;
    uint32_t id;

    if (!find_content(sb, rq, rp, &source, &id))
        return;
    rp->status = 200;
    sb_str(&rp->body, "{\"data\":");
    print_content(sb, &rp->body, source, id, true);
    sb_str(&rp->body, "}}");
}

void hn_content_details(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    unsigned source;
    uint32_t id;

    if (!find_content(sb, rq, rp, &source, &id))
        return;
    rp->status = 200;
    sb_str(&rp->body, "{\"data\":");
    print_details(sb, &rp->body, source, id);
    sb_str(&rp->body, "}}");
}

/* Good for 90 seconds, and another one each time. */
static void print_signed(struct sandbox *sb, struct buf *out, const char *key, uint32_t id)
{
    struct contents *c = hn_catalogue_contents(sb->catalogue);

    sb_printf(
        out,
        ",\"%s\":\"https://files.example.org/lessons/%u/original.bin?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=%lld"
        "&X-Amz-Expires=90&X-Amz-SignedHeaders=host&X-Amz-Signature=%08x\"",
        key, id, (long long)sb_wall(), ++c->signatures * 2654435761U);
}

static void print_block(struct sandbox *sb, struct buf *out, uint32_t lesson)
{
    sb_printf(out, "{\"id\":%u,\"order\":1,\"type\":", lesson * 2);
    switch (lesson % OF_COURSE) {
    case 0:
        sb_str(out, "\"file\",\"file_name\":\"handbook.pdf\",\"preview_url\":\"/file_urls/original/missing.png\"");
        print_signed(sb, out, "file_url", lesson);
        break;
    case 1:
        sb_str(out, "\"video\",\"preview_url\":\"https://video.example.org/watch?v=EzTxYQmU8OE\"");
        break;
    case 2:
        sb_str(out, "\"upload_video\"");
        print_signed(sb, out, "preview_url", lesson);
        break;
    case 3:
        sb_str(out, "\"live_class\",\"schedules\":[");
        print_schedule(out, lesson);
        sb_str(out, "],\"recurring\":\"week\",\"is_daily\":true");
        break;
    case 4:
        sb_str(out,
               "\"assessment\",\"assessment_questions\":[{\"id\":471,\"question\":\"Which exit?\",\"question_type\":"
               "\"MCQ\",\"is_multiple_answer\":false,\"order\":1,\"max_marks\":1,\"choice_options\":[]}],"
               "\"assessment_settings\":{\"retake_assessment\":false,\"passing_grade\":0,\"is_timer_set\":false}");
        break;
    default:
        sb_str(out, "\"text\"");
    }
    sb_str(out, "}");
}

void hn_lesson_details(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    uint32_t lesson = 0;
    bool known = number(rq->captured[0], &lesson) &&
                 (exists(sb, 0, lesson / OF_COURSE) || exists(sb, PLUS, lesson / OF_COURSE)) &&
                 lesson % OF_COURSE < lessons_of(lesson / OF_COURSE);

    if (!known || !visible(sb, rq, 0, lesson / OF_COURSE)) {
        hn_error(rp, known ? 401 : 404, known ? "Unauthorized" : "Not Found");
        return;
    }
    rp->status = 200;
    sb_printf(&rp->body,
              "{\"data\":{\"id\":%u,\"source\":\"lesson\",\"name\":\"Lesson %u & more\",\"lesson_type\":\"%s\","
              "\"duration\":0,\"contents\":[",
              lesson, lesson % OF_COURSE + 1, lesson % OF_COURSE == 4 ? "Assessment" : "Lesson");
    print_block(sb, &rp->body, lesson);
    sb_str(&rp->body, "]}}");
}

/* ---- the small lists ---- */

static void list_begin(struct reply *rp)
{
    rp->status = 200;
    sb_str(&rp->body, "{\"data\":[");
}

static void list_add(struct reply *rp, bool first, const char *id, const char *label)
{
    sb_printf(&rp->body, "%s{\"id\":\"%s\",\"label\":\"%s\"}", first ? "" : ",", id, label);
}

void hn_content_sources(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    (void)sb;
    (void)rq;
    list_begin(rp);
    for (size_t i = 0; i < SOURCES; i++)
        list_add(rp, i == 0, sources[i].id, sources[i].label);
    sb_str(&rp->body, "]}");
}

void hn_content_types(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    (void)sb;
    (void)rq;
    list_begin(rp);
    for (size_t i = 0; i < TYPES; i++)
        list_add(rp, i == 0, types[i], type_labels[i]);
    sb_str(&rp->body, "]}");
}

void hn_languages(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const char *const languages[][2] = {
        {"en", "English"}, {"fr", "French"}, {"de", "German"}, {"pt", "Portuguese"}, {"es", "Spanish"}};

    (void)sb;
    (void)rq;
    list_begin(rp);
    for (size_t i = 0; i < sizeof(languages) / sizeof(*languages); i++)
        list_add(rp, i == 0, languages[i][0], languages[i][1]);
    sb_str(&rp->body, "]}");
}
