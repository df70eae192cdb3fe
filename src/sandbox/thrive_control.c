/* The control endpoints for Thrive: what is held of one person, which events came and how often, and changes behind the client's back. */
#include <string.h>

#include "control.h"
#include "fields.h"
#include "thrive.h"

static struct thrive_user *find(struct sandbox *sb, const char *name)
{
    if (!name)
        return NULL;
    return strncmp(name, "ID-", 3) == 0 ? th_by_id(sb->thrive, name + 3)
                                        : th_by_ref(sb->thrive, strncmp(name, "EXT-", 4) == 0 ? name + 4 : name);
}

static json_t *whole(const struct thrive_user *u)
{
    json_t *state = th_v2_json(u);

    json_object_set_new(state, "status", json_string(u->status));
    json_object_set_new(state, "deleted", json_boolean(u->deleted));
    return state;
}

void th_control_list(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    json_t *list = json_array();

    (void)rq;
    for (const struct thrive_user *u = sb->thrive->by_id; u; u = u->hh.next)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}", "id", u->id, "ref", u->ref, "status", u->status,
                                              "deleted", u->deleted));
    sb_reply_json(rp, 200, json_pack("{s:I, s:o}", "count", (json_int_t)json_array_size(list), "users", list));
}

void th_control_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const struct thrive_user *u = find(sb, rq->captured[0]);

    if (u)
        sb_reply_json(rp, 200, whole(u));
    else
        sb_control_error(rp, 404, "no such user");
}

void th_control_events(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    json_t *list = json_array();

    (void)rq;
    for (const struct thrive_event *e = sb->thrive->events; e; e = e->hh.next)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:i}", "id", e->id, "type", e->type, "ref", e->ref,
                                              "times", (int)e->times));
    sb_reply_json(rp, 200, json_pack("{s:o}", "events", list));
}

void th_control_change(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *op = sb_field_string(rq->json, "op"), *id = sb_field_string(rq->json, "id"), *wrong;
    json_t *set = json_object_get(rq->json, "set");
    struct thrive_user *u = find(sb, id);
    char room[256];

    wrong = set ? th_wrong(set, true, room) : NULL;
    if (!op || !id || (set && !json_is_object(set)) || wrong) {
        sb_control_error(rp, 400, wrong ? wrong : "expected {\"op\", \"id\", \"set\": {…}}");
        return;
    }
    if (!u && strcmp(op, "add") == 0)
        u = th_user_add(sb->thrive, strncmp(id, "EXT-", 4) == 0 ? id + 4 : id);
    if (!u) {
        sb_control_error(rp, 404, "no such user");
        return;
    }
    if (set)
        th_assign(u, set);
    if (strcmp(op, "deactivate") == 0)
        u->status = "inactive";
    else if (strcmp(op, "reactivate") == 0)
        u->status = "active";
    else if (strcmp(op, "delete") == 0)
        th_delete(sb->thrive, u);
    th_touch(u);
    sb_reply_json(rp, 200, whole(u));
}
