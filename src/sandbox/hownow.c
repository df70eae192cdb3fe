/* HowNow: the table of its endpoints and the forms they share. */
#include "hownow.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "routes.h"

static const struct route routes[] = {
    {"GET", "/external/v1/users", {"page", "per_page", "q"}, BODY_NONE, hn_users_list},
    {"POST", "/external/v1/users/upsert", {0}, BODY_JSON, hn_upsert},
    {"GET", "/external/v1/users/:user", {0}, BODY_NONE, hn_user_get},
    {"PUT", "/external/v1/users/:user/deactivate", {0}, BODY_JSON_OPTIONAL, hn_deactivate},
    {"PUT", "/external/v1/users/:user/reactivate", {0}, BODY_JSON_OPTIONAL, hn_reactivate},
    {"DELETE", "/external/v1/users/:user/delete", {0}, BODY_JSON_OPTIONAL, hn_delete},
    {"POST", "/external/v1/users/:user/skills", {0}, BODY_JSON, hn_reviews_add},
    {"DELETE", "/external/v1/users/:user/skills", {0}, BODY_JSON, hn_reviews_remove},
    {"GET", "/external/v1/job_roles", {"page", "per_page", "q"}, BODY_NONE, hn_roles_list},
    {"POST", "/external/v1/job_roles", {0}, BODY_JSON, hn_role_create},
    {"GET", "/external/v1/job_roles/:role", {0}, BODY_NONE, hn_role_get},
    {"PUT", "/external/v1/job_roles/:role", {0}, BODY_JSON, hn_role_update},
    {"DELETE", "/external/v1/job_roles/:role", {0}, BODY_NONE, hn_role_delete},
    {"GET", "/external/v1/groups", {"page", "per_page", "search"}, BODY_NONE, hn_groups_list},
    {"GET", "/external/v1/groups/:group", {0}, BODY_NONE, hn_group_get},
    {"GET", "/external/v1/groups/:group/users", {"page", "per_page", "role"}, BODY_NONE, hn_group_users},
    {"GET", "/external/v1/skills", {"page", "per_page", "q", "sort_by", "sort_order"}, BODY_NONE, hn_skills_list},
    {"GET", "/external/v1/skills/:skill", {0}, BODY_NONE, hn_skill_get},
    {"POST", "/external/v1/skills", {0}, BODY_JSON, hn_skill_create},
    {"GET", "/external/v1/users/:user/assigned_contents", {"page", "per_page", "q"}, BODY_NONE, hn_assigned_contents},
    {"GET", "/external/v1/users/:user/authored_contents", {"page", "per_page", "q"}, BODY_NONE, hn_authored_contents},
    {"POST", "/external/v1/contents/engagement/upsert", {0}, BODY_JSON, hn_engagement_upsert},
    {"GET",
     "/external/v1/contents/search",
     {"q", "search", "source", "type", "language", "is_premium", "sort_by", "sort_order", "page", "per_page"},
     BODY_NONE,
     hn_contents_search},
    {"GET", "/external/v1/contents/sources", {0}, BODY_NONE, hn_content_sources},
    {"GET", "/external/v1/contents/types", {0}, BODY_NONE, hn_content_types},
    {"GET", "/external/v1/contents/:content", {0}, BODY_NONE, hn_content_get},
    {"GET", "/external/v1/contents/:content/details", {0}, BODY_NONE, hn_content_details},
    {"GET", "/external/v1/lesson/:lesson/details", {0}, BODY_NONE, hn_lesson_details},
    {"GET", "/external/v1/languages", {0}, BODY_NONE, hn_languages},
    {"GET", "/external/v1/jobs/:job/status", {0}, BODY_NONE, hn_job_status},
    {0},
};

static const struct route token_routes[] = {
    {"POST", "/token", {0}, BODY_FORM, hn_token},
    {0},
};

void hn_error(struct reply *rp, int status, const char *message)
{
    sb_reply_json(rp, status, json_pack("{s:s}", "error_message", message));
}

void hn_errors(struct reply *rp, const char *text)
{
    sb_reply_json(rp, 422, json_pack("{s:s}", "errors", text));
}

void hn_refuse(struct reply *rp, int status, const char *what)
{
    (void)what; /* HowNow doesn't say which parameter it was */
    hn_error(rp, status,
             status == 400   ? "Invalid Parameters"
             : status == 401 ? "Not authorized"
             : status == 404 ? "Not found"
             : status == 405 ? "Method not allowed"
                             : "Payload too large");
}

static void refuse_token(struct reply *rp, int status, const char *what)
{
    (void)what;
    sb_reply_text(rp, status, "{\"error\":\"invalid_request\"}");
}

const struct vendor hownow_sandbox = {routes, hn_admit, hn_refuse};
const struct vendor hownow_token_sandbox = {token_routes, hn_admit_token, refuse_token};

/* ---- pages ---- */

static bool positive(const char *text, uint32_t *value)
{
    unsigned long n;

    if (!text)
        return true;
    if (!isdigit((unsigned char)*text) || strlen(text) > 9 || text[strspn(text, "0123456789")])
        return false;
    n = strtoul(text, NULL, 10);
    *value = (uint32_t)n;
    return n > 0;
}

bool hn_page(const struct request *rq, struct reply *rp, struct page *page)
{
    page->number = 1;
    page->size = 20;
    if (!positive(sb_request_query(rq, "page"), &page->number) ||
        !positive(sb_request_query(rq, "per_page"), &page->size)) {
        hn_refuse(rp, 400, NULL);
        return false;
    }
    if (page->size > 100)
        page->size = 100;
    return true;
}

uint32_t hn_page_start(const struct page *page)
{
    uint64_t start = (uint64_t)(page->number - 1) * page->size;

    return start < UINT32_MAX ? (uint32_t)start : UINT32_MAX;
}

void hn_meta(struct buf *out, const struct page *page, uint32_t total)
{
    sb_printf(out, "],\"meta\":{\"page\":%u,\"per_page\":%u,\"total_pages\":%u,\"total_count\":%u,\"filters\":{}}}",
              page->number, page->size, total / page->size + (total % page->size != 0), total);
}

/* ---- naming people ---- */

bool hn_reference_id(const char *text, int64_t *id)
{
    size_t digits;

    if (strncmp(text, "ID-", 3) != 0)
        return false;
    digits = strspn(text + 3, "0123456789");
    if (digits == 0 || digits > 10 || text[3 + digits])
        return false;
    *id = strtoll(text + 3, NULL, 10);
    return *id <= INT32_MAX;
}

bool hn_is_reference(const char *text)
{
    int64_t id;

    return hn_reference_id(text, &id) || (strncmp(text, "EXT-", 4) == 0 && text[4]);
}

uint32_t hn_resolve(const struct sandbox *sb, const char *text, bool mail_too)
{
    int64_t id;

    if (hn_reference_id(text, &id))
        return people_by_id(sb->people, id);
    if (strncmp(text, "EXT-", 4) == 0)
        return people_by_ext(sb->people, text + 4);
    if (mail_too && strncmp(text, "EMAIL-", 6) == 0)
        return people_by_email(sb->people, text + 6);
    return PEOPLE_NOBODY;
}

bool hn_actor_is_admin(const struct sandbox *sb, const struct request *rq)
{
    struct user u;

    return people_load(sb->people, rq->actor, &u) && u.type == TYPE_ADMIN;
}

bool hn_actor_may(const struct sandbox *sb, const struct request *rq, uint32_t index)
{
    return hn_actor_is_admin(sb, rq) || people_reports_to(sb->people, index, rq->actor);
}
