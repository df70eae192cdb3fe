/* AVIA: learning groups, and the social groups that may be made beside them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avia.h"
#include "buf.h"
#include "fields.h"

static struct avia_group *find(struct sandbox *sb, const char *text)
{
    return *text && !text[strspn(text, "0123456789")] ? av_group_by_id(sb->avia, (unsigned)strtoul(text, NULL, 10))
                                                      : NULL;
}

static void not_found(struct reply *rp)
{
    av_error(rp, 404, "group_not_found", "No group was found with this ID.");
}

void av_group_list(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *search = sb_request_query(rq, "search");
    json_t *rows = json_array();

    for (const struct avia_group *g = sb->avia->groups; g; g = g->hh.next)
        if (!search || strcasestr(g->title, search))
            json_array_append_new(rows, json_pack("{s:I, s:s, s:I}", "ID", (json_int_t)g->id, "title", g->title,
                                                  "total_users", (json_int_t)json_object_size(g->users)));
    av_list(sb->avia, rp, rows);
}

void av_group_get(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const struct avia_group *g = find(sb, rq->captured[0]);

    if (g)
        sb_reply_json(rp, 200, av_group_json(sb->avia, g));
    else
        not_found(rp);
}

/* False when the 400 is written: a list of ssns, each somebody's. */
static bool are_people(struct sandbox *sb, struct reply *rp, const json_t *list, const char *key)
{
    char text[160];

    if (list && !json_is_array(list)) {
        snprintf(text, sizeof(text), "Invalid parameter(s): %s", key);
        av_error(rp, 400, "rest_invalid_param", text);
        return false;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *ssn = json_string_value(json_array_get(list, i));

        if (ssn && av_by_ssn(sb->avia, ssn))
            continue;
        snprintf(text, sizeof(text), "No user was found with the SSN %.80s.", ssn ? ssn : "given");
        av_error(rp, 400, "ssn_not_found", text);
        return false;
    }
    return true;
}

static void add_people(json_t *to, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        json_object_set_new(to, json_string_value(json_array_get(list, i)), json_true());
}

static void follow(struct avia_group *g)
{
    json_object_set_new(g->social, "users", json_deep_copy(g->users));
    json_object_set_new(g->social, "admins", json_deep_copy(g->admins));
}

void av_group_create(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const json_t *users = json_object_get(rq->json, "group_users"), *admins = json_object_get(rq->json, "group_admins");
    const char *title = sb_field_string(rq->json, "title"), *status = sb_field_string(rq->json, "social_group_status");
    struct avia_group *g;

    if (!title || !*title) {
        av_error(rp, 400, "rest_missing_callback_param", "Missing parameter(s): title");
        return;
    }
    if (!are_people(sb, rp, users, "group_users") || !are_people(sb, rp, admins, "group_admins"))
        return;
    g = av_group_add(sb->avia, title);
    add_people(g->users, users);
    add_people(g->admins, admins);
    if (json_is_true(json_object_get(rq->json, "social_group_create"))) {
        g->social = json_pack("{s:s}", "status", status ? status : "public");
        follow(g);
    }
    sb_reply_json(rp, 201, json_pack("{s:I, s:s}", "ID", (json_int_t)g->id, "message", "Group created."));
}

void av_group_enroll(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const json_t *users = json_object_get(rq->json, "group_users"), *admins = json_object_get(rq->json, "group_admins");
    struct avia_group *g =
        av_group_by_id(sb->avia, (unsigned)json_integer_value(json_object_get(rq->json, "group_id")));

    if (!g) {
        not_found(rp);
        return;
    }
    if (!are_people(sb, rp, users, "group_users") || !are_people(sb, rp, admins, "group_admins"))
        return;
    add_people(g->users, users);
    add_people(g->admins, admins);
    if (g->social && json_is_true(json_object_get(rq->json, "update_social_group")))
        follow(g);
    sb_reply_json(rp, 200, json_pack("{s:I, s:s}", "ID", (json_int_t)g->id, "message", "Users enrolled."));
}
