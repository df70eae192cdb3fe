/* The control endpoints for AVIA: its whole inner state, and changes behind the client's back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "avia.h"
#include "buf.h"
#include "control.h"
#include "fields.h"

static struct avia_user *find(struct avia *a, const char *name)
{
    if (!name)
        return NULL;
    if (strncmp(name, "SSN-", 4) == 0)
        return av_by_ssn(a, name + 4);
    return av_by_id(a, (unsigned)strtoul(strncmp(name, "ID-", 3) == 0 ? name + 3 : name, NULL, 10));
}

static json_t *whole(const struct avia_user *u)
{
    json_t *state = av_user_json(u);

    json_object_set_new(state, "ssn", json_string(u->ssn));
    json_object_set_new(state, "suspended", json_boolean(u->suspended));
    json_object_set_new(state, "password_set", json_boolean(u->password_set));
    return state;
}

void av_users_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    json_t *list = json_array();

    (void)rq;
    for (const struct avia_user *u = sb->avia->by_id; u; u = u->hh.next)
        json_array_append_new(list, json_pack("{s:I, s:s, s:O, s:b}", "ID", (json_int_t)u->id, "ssn", u->ssn, "email",
                                              json_object_get(u->doc, "email"), "suspended", u->suspended));
    sb_reply_json(rp, 200, json_pack("{s:I, s:o}", "count", (json_int_t)json_array_size(list), "users", list));
}

void av_user_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const struct avia_user *u = find(sb->avia, rq->captured[0]);

    if (u)
        sb_reply_json(rp, 200, whole(u));
    else
        sb_control_error(rp, 404, "no such user");
}

void av_groups_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    json_t *list = json_array();

    (void)rq;
    for (const struct avia_group *g = sb->avia->groups; g; g = g->hh.next)
        json_array_append_new(list, av_group_json(sb->avia, g));
    sb_reply_json(rp, 200, json_pack("{s:o}", "groups", list));
}

/* Sets single members, which no request of the API can. */
static void set(struct avia_user *u, const json_t *members)
{
    json_t *fields = json_object_get(u->doc, "fields"), *value;
    const char *key;

    json_object_foreach((json_t *)members, key, value)
    {
        if (strcmp(key, "fields") == 0)
            json_object_update(fields, value);
        else if (json_object_get(u->doc, key) && json_is_string(value))
            json_object_set(u->doc, key, value);
    }
}

void av_people_control(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *op = sb_field_string(rq->json, "op"), *name = sb_field_string(rq->json, "id");
    const json_t *members = json_object_get(rq->json, "set");
    struct avia_user *u = find(sb->avia, name);

    if (!op) {
        sb_control_error(rp, 400, "op is add, update, suspend, unsuspend or delete");
        return;
    }
    if (strcmp(op, "add") == 0 && !u && name && strncmp(name, "SSN-", 4) == 0)
        u = av_user_add(sb->avia, name + 4);
    if (!u) {
        sb_control_error(rp, 404, "no such user; one is added as SSN-…");
        return;
    }
    set(u, members);
    if (strcmp(op, "suspend") == 0 || strcmp(op, "unsuspend") == 0)
        u->suspended = *op == 's';
    sb_reply_json(rp, 200, whole(u));
    if (strcmp(op, "delete") == 0)
        av_user_remove(sb->avia, u);
}

void av_shape_control(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const char *const rows[] = {"whole", "brief", "stateless"};
    const char *wanted = sb_field_string(rq->json, "rows"), *envelope = sb_field_string(rq->json, "envelope");

    for (unsigned i = 0; wanted && i < sizeof(rows) / sizeof(*rows); i++)
        if (strcmp(rows[i], wanted) == 0)
            sb->avia->rows = (enum avia_rows)i;
    if (envelope)
        snprintf(sb->avia->envelope, sizeof(sb->avia->envelope), "%s", envelope);
    sb_reply_json(rp, 200, json_pack("{s:s, s:s}", "rows", rows[sb->avia->rows], "envelope", sb->avia->envelope));
}
