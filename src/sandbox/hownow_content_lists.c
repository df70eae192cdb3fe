/* HowNow: lists of contents: what people were assigned and have authored, what a search finds, and the lists of what there is to choose. */
#include "hownow_contents.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "seed.h"
#include "when.h"

#define WINDOW 10000

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

    content_title(source, id, name);
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
    int64_t when = content_created_at(id) + 86400 * (int64_t)(1 + index % 300);
    char name[128], stamp[32];

    content_title(0, id, name);
    sb_printf(out, "{\"id\":%u,\"hownow_id\":\"course_%u\",\"title\":", id, id);
    sb_json(out, name);
    sb_printf(out, ",\"content_type\":\"%s\"", content_type_labels[id % TYPES]);
    content_print_author(sb, out, content_owner_of(contents_built(sb), content_author_of(id)));
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
    for (uint32_t k = 0; k < contents_assigned(sb, index); k++)
        if (listing_next(&l, 0, contents_assigned_id(sb, index, k)))
            print_assigned(sb, l.out, index, contents_assigned_id(sb, index, k));
    hn_meta(l.out, &l.page, l.total);
}

static void print_authored(const struct sandbox *sb, struct buf *out, uint32_t index, uint32_t id)
{
    char name[128], stamp[32];

    content_title(0, id, name);
    sb_printf(out, "{\"id\":%u,\"hownow_id\":\"course_%u\",\"title\":", id, id);
    sb_json(out, name);
    sb_printf(out, ",\"content_type\":\"%s\",\"status\":\"%s\"", content_type_labels[id % TYPES],
              id % 6 ? "Published" : "Draft");
    content_print_stamp(out, "published_date", content_created_at(id) + 600);
    content_print_stamp(out, "last_published", content_created_at(id) + 600 + id % 5 * 86400);
    sb_stamp_print(content_created_at(id) + 86400 * 9, stamp);
    sb_printf(out, ",\"engagement_count\":%u,\"version\":\"%s\"", id % 40, stamp);
    content_print_author(sb, out, index);
    sb_str(out, ",\"metadata\":null}");
}

static void list_range(const struct sandbox *sb, struct listing *l, uint32_t index, uint32_t author)
{
    for (unsigned k = 0; k < content_authored_by(sb, author); k++)
        if (listing_next(l, 0, FIRST + OF_PERSON * author + k))
            print_authored(sb, l->out, index, FIRST + OF_PERSON * author + k);
}

void hn_authored_contents(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const struct contents *c = contents_built(sb);
    uint32_t index = find_person(sb, rq, rp);
    struct listing l;

    if (index == PEOPLE_NOBODY || !listing_begin(&l, rq, rp))
        return;
    if (content_owner_of(c, index) == index)
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
        if (!strcmp(name, content_sources[i].id))
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
            known = !strcmp(out, content_types[i]);
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

    return (!type || !*type || source || in_csv(type, content_types[id % TYPES])) &&
           (!language || !*language || in_csv(language, id % 4 ? "en" : "fr")) &&
           (!premium || !strcmp(premium, boolean(id % 10 == 9)));
}

static void print_meta(const struct sandbox *sb, const struct listing *l, unsigned source)
{
    hn_meta(l->out, &l->page, l->total);
    sb_truncate(l->out, l->out->len - 2);
    sb_str(l->out, ",\"other_sources_summary\":{");
    for (unsigned i = 0, printed = 0; i < SOURCES; i++)
        if (i != source && contents_count(sb, i))
            sb_printf(l->out, "%s\"%s\":%u", printed++ ? "," : "", content_sources[i].id, contents_count(sb, i));
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
    for (uint32_t n = 0, count = contents_count(sb, source); n < count; n++) { /* numbers grow with time */
        uint32_t id = contents_nth(sb, source, order && !strcmp(order, "asc") ? n : count - 1 - n);

        if (!content_visible(sb, rq, source, id) || !found(rq, source, id) || !listing_next(&l, source, id))
            continue;
        content_print(sb, l.out, source, id, false);
        sb_str(l.out, "}");
    }
    print_meta(sb, &l, source);
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
        list_add(rp, i == 0, content_sources[i].id, content_sources[i].label);
    sb_str(&rp->body, "]}");
}

void hn_content_types(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    (void)sb;
    (void)rq;
    list_begin(rp);
    for (size_t i = 0; i < TYPES; i++)
        list_add(rp, i == 0, content_types[i], content_type_labels[i]);
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
