/* HowNow: reading people, one or a page of them. */
#include "hownow.h"

#include <stdlib.h>

#include "churn.h"
#include "when.h"

static void print_stamp(struct buf *out, const char *key, int64_t seconds)
{
    char text[32];

    if (!seconds) {
        sb_printf(out, ",\"%s\":null", key);
        return;
    }
    sb_stamp_print(seconds, text);
    sb_printf(out, ",\"%s\":\"%s\"", key, text);
}

static void print_image(struct buf *out, const struct user *u)
{
    static const char *const colours[] = {"#ffce00", "#b14021", "#2f6f4f", "#34508b"};

    sb_str(out, "\"image_details\":{\"url\":");
    if (u->avatar_url[0]) {
        sb_json(out, u->avatar_url);
        sb_str(out, ",\"uploaded\":true,\"backdrop_color_code\":\"\"}");
    } else {
        sb_printf(out,
                  "\"https://avatars.example.com/master/%u/original.png\",\"uploaded\":false,"
                  "\"backdrop_color_code\":\"%s\"}",
                  u->index % 12, colours[u->index % 4]);
    }
}

static void print_manager(const struct sandbox *sb, struct buf *out, uint32_t index)
{
    struct user boss;

    sb_str(out, ",\"manager\":");
    if (index == PEOPLE_NOBODY || !people_load(sb->people, index, &boss) || boss.deleted) {
        sb_str(out, "null");
        return;
    }
    sb_printf(out, "{\"id\":%u,\"name\":", index + 1);
    sb_json(out, boss.name);
    sb_str(out, ",");
    print_image(out, &boss);
    sb_str(out, "}");
}

const char *hn_role_name(const struct sandbox *sb, const struct user *u)
{
    return u->role >= 0 ? hn_catalogue_role_name(sb->catalogue, u->role) : u->role_name;
}

static void print_custom(const struct sandbox *sb, struct buf *out, const struct user *u)
{
    json_t *fields = people_custom(sb->people, u);
    char *text = json_dumps(fields, JSON_COMPACT);

    sb_str(out, ",\"custom_fields\":");
    sb_str(out, text ? text : "[]");
    free(text);
    json_decref(fields);
}

void hn_user_print(const struct sandbox *sb, struct buf *out, const struct user *u, bool detail)
{
    char date[16];

    sb_printf(out, "{\"id\":%u,\"name\":", u->index + 1);
    sb_json(out, u->name);
    sb_str(out, ",\"external_user_id\":");
    sb_json_or_null(out, u->ext);
    sb_str(out, ",\"email\":");
    sb_json(out, u->email);
    sb_printf(out, ",\"status\":\"%s\",\"state\":\"%s\",\"user_type\":\"%s\"", people_status_name(u->status),
              u->status == STATUS_DEACTIVATED ? "disabled" : "enabled", people_type_name(u->type));
    print_stamp(out, "created_at", u->created_at);
    if (u->joined == PEOPLE_NO_DATE) {
        sb_str(out, ",\"joined_organisation_on\":null");
    } else {
        sb_date_print(u->joined, date);
        sb_printf(out, ",\"joined_organisation_on\":\"%s\"", date);
    }
    print_stamp(out, "last_signed_at", u->last_signed_at);
    print_stamp(out, "last_active_at", u->last_active_at);
    sb_str(out, ",\"job_role\":");
    sb_json_or_null(out, hn_role_name(sb, u));
    print_manager(sb, out, u->manager);
    sb_printf(out, ",\"group_count\":%u,", hn_groups_of(sb->groups, u->index));
    print_image(out, u);
    if (detail)
        print_custom(sb, out, u);
    sb_str(out, "}");
}

static void print_row(const struct sandbox *sb, struct buf *out, uint32_t index, bool first)
{
    struct user u;

    if (!first)
        sb_str(out, ",");
    people_load(sb->people, index, &u);
    hn_user_print(sb, out, &u, false);
}

/* Everybody: the page is found in the tree of active people, whatever its number. */
static void print_all(const struct sandbox *sb, struct buf *out, const struct page *page)
{
    uint32_t start = hn_page_start(page), total = people_active(sb->people);

    for (uint32_t k = start; k < total && k - start < page->size; k++)
        print_row(sb, out, people_kth_listed(sb->people, k), k == start);
    hn_meta(out, page, total);
}

static void print_some(const struct sandbox *sb, struct buf *out, const struct page *page, const char *q, uint32_t boss)
{
    uint32_t *found, start = hn_page_start(page);
    uint32_t total = people_search(sb->people, q, boss, &found);

    for (uint32_t k = start; k < total && k - start < page->size; k++)
        print_row(sb, out, found[k], k == start);
    hn_meta(out, page, total);
    free(found);
}

void hn_users_list(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *q = sb_request_query(rq, "q");
    bool admin = hn_actor_is_admin(sb, rq);
    struct page page;

    if (!hn_page(rq, rp, &page))
        return;
    churn_before_page(sb);
    rp->status = 200;
    sb_str(&rp->body, "{\"data\":[");
    if (admin && (!q || !*q))
        print_all(sb, &rp->body, &page);
    else
        print_some(sb, &rp->body, &page, q && *q ? q : NULL, admin ? PEOPLE_NOBODY : rq->actor);
}

void hn_user_get(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    uint32_t index = hn_resolve(sb, rq->captured[0], false);
    struct user u;

    if (index == PEOPLE_NOBODY || !people_load(sb->people, index, &u)) {
        hn_refuse(rp, 404, NULL);
        return;
    }
    if (!hn_actor_may(sb, rq, index)) {
        hn_refuse(rp, 401, NULL);
        return;
    }
    rp->status = 200;
    sb_str(&rp->body, "{\"data\":");
    hn_user_print(sb, &rp->body, &u, true);
    sb_str(&rp->body, "}");
}
