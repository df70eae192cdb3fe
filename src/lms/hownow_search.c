/* hownow_search.c — HowNow's searches: the queries and filters of its lists. */
#include "lms/hownow.h"
#include "lms/build.h"
#include "lms/search.h"
#include "lms/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 10000 /* "page * per_page cannot exceed this if search query is passed" */

static const char *const yes_no[] = {"true", "false", NULL}, *const orders[] = {"asc", "desc", NULL},
                         *const roles[] = {"admin", "manager", "contributor", "readonly", NULL},
                         *const by_name[] = {"name", "created_at", NULL},
                         *const by_relevance[] = {"relevance", "last_published", "created_at", NULL},
                         *const types[] = {"course",  "nugget", "pathway", "live_class",
                                           "webinar", "event",  "scorm",   NULL};

static const struct search_filter by_query[] = {{.name = "q"}, {0}},
                                  of_groups[] = {{.name = "search"}, {.name = "q", .param = "search"}, {0}},
                                  of_skills[] = {{.name = "q"},
                                                 {.name = "sort_by", .words = by_name},
                                                 {.name = "sort_order", .words = orders},
                                                 {0}},
                                  of_contents[] = {{.name = "q"},
                                                   {.name = "search", .param = "q"},
                                                   {.name = "source"},
                                                   {.name = "type", .words = types, .many = true},
                                                   {.name = "language", .many = true},
                                                   {.name = "is_premium", .words = yes_no},
                                                   {.name = "sort_by", .words = by_relevance},
                                                   {.name = "sort_order", .words = orders},
                                                   {0}},
                                  of_person[] = {{.name = "q"}, {.name = "user", .is_parent = true}, {0}},
                                  of_members[] = {
                                      {.name = "role", .words = roles}, {.name = "group", .is_parent = true}, {0}};

/* path: {} stands for the parent that the text names. */
static const struct searching {
    const char *collection, *path;
    const struct search_filter *filters;
    const char *parent; /* the filter that names it; NULL: none */
} searchings[] = {
    {"users", "/external/v1/users?page={}&per_page={}", by_query, NULL},
    {"job-roles", "/external/v1/job_roles?page={}&per_page={}", by_query, NULL},
    {"groups", "/external/v1/groups?page={}&per_page={}", of_groups, NULL},
    {"skills", "/external/v1/skills?page={}&per_page={}", of_skills, NULL},
    {"contents", "/external/v1/contents/search?page={}&per_page={}", of_contents, NULL},
    {"assigned-contents", "/external/v1/users/{}/assigned_contents?page={}&per_page={}", of_person, "user"},
    {"authored-contents", "/external/v1/users/{}/authored_contents?page={}&per_page={}", of_person, "user"},
    {"group-members", "/external/v1/groups/{}/users?page={}&per_page={}", of_members, "group"},
};

static const struct searching *searching_of(const struct lms_collection *c)
{
    for (size_t i = 0; i < sizeof searchings / sizeof *searchings; i++)
        if (hownow_is(c, searchings[i].collection))
            return &searchings[i];
    return NULL;
}

/* Groups go by their number alone in a path, users by ID- or EXT-. */
static int check_parent(const struct searching *s, const char *stem, struct err *e)
{
    const char *id = stem_after(stem, "ID-");
    bool group = !strcmp(s->parent, "group");
    if (!stem)
        return err_set(e, -EINVAL, "whose? A search of %s names it: %s=ID-5%s,…", s->collection, s->parent,
                       group ? "" : " or user=EXT-1");
    if ((id && is_decimal(id)) || (!group && stem_after(stem, "EXT-")))
        return 0;
    return err_set(e, -EINVAL, "%s is named as ID-5%s, not %.80s", s->parent, group ? "" : " or EXT-1", stem);
}

static int read_search(const struct searching *s, const char *text, struct search_text *out, struct err *e)
{
    int rc = search_read(text, s->filters, !s->parent, out, e);
    if (!rc && s->parent && (rc = check_parent(s, search_value(s->filters, out, s->parent), e)))
        search_release(out);
    return rc;
}

static bool is_all(const char *q)
{
    return !strcmp(q, "*");
}

/* "Empty or * lists all content": that is no query, and has no window. */
static uint64_t window_of(const struct searching *s, const struct search_text *t)
{
    const char *q = search_value(s->filters, t, "q"), *alias = search_value(s->filters, t, "search");
    return s->filters == of_contents && ((q && !is_all(q)) || (alias && !is_all(alias))) ? WINDOW : 0;
}

int hownow_search_request(const struct lms_collection *c, const char *text, unsigned page, struct http_request *out,
                          uint64_t *window, struct err *e)
{
    const struct searching *s = searching_of(c);
    struct search_text t;
    struct text path = {0};
    char number[16], size[16];

    *out = (struct http_request){0};
    *window = 0;
    if (!s)
        return err_set(e, -ENOTSUP, "HowNow can't search %s", c->name);
    int rc = read_search(s, text, &t, e);
    if (rc)
        return rc;
    snprintf(number, sizeof number, "%u", page);
    snprintf(size, sizeof size, "%u", c->page_size);
    const char *parent = s->parent ? search_value(s->filters, &t, s->parent) : NULL;
    if (parent)
        rc = build_request(out, HTTP_GET, s->path, !strcmp(s->parent, "group") ? stem_after(parent, "ID-") : parent,
                           number, size);
    else
        rc = build_request(out, HTTP_GET, s->path, number, size);
    if (!rc) {
        *window = window_of(s, &t);
        text_add(&path, out->path);
        search_add(&path, s->filters, &t);
        free(out->path);
        rc = (out->path = text_take(&path, NULL)) ? 0 : -ENOMEM;
    }
    search_release(&t);
    return build_told(rc, e);
}

int hownow_search_parent(const struct lms_collection *c, const char *text, char stem[256])
{
    const struct searching *s = searching_of(c);
    struct search_text t;
    struct err e;
    if (!s || !s->parent || read_search(s, text, &t, &e))
        return -ENOENT;
    snprintf(stem, 256, "%s", search_value(s->filters, &t, s->parent));
    search_release(&t);
    return 0;
}
