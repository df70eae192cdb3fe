/* The control endpoints for people: the whole inner state of one, and changes behind the client's back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "fields.h"
#include "hownow.h"
#include "synap.h"
#include "when.h"

/* ---- HowNow ---- */

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *stamp_or_null(int64_t seconds)
{
    char text[32];

    sb_stamp_print(seconds, text);
    return seconds ? json_string(text) : json_null();
}

/* What the API shows of this person and, beside it, what it never shows. */
static json_t *hownow_json(const struct sandbox *sb, const struct user *u)
{
    struct buf text = {0};
    json_t *state;

    hn_user_print(sb, &text, u, true);
    state = json_loadb(text.data, text.len, 0, NULL);
    sb_release(&text);
    json_object_set_new(state, "dob", text_or_null(u->dob));
    json_object_set_new(state, "phone", text_or_null(u->phone));
    json_object_set_new(state, "address", text_or_null(u->address));
    json_object_set_new(state, "country", text_or_null(u->country));
    json_object_set_new(state, "avatar_url", text_or_null(u->avatar_url));
    json_object_set_new(state, "deleted", json_boolean(u->deleted));
    json_object_set_new(state, "deleted_at", stamp_or_null(u->deactivated_at));
    json_object_set_new(state, "password_set", json_boolean(u->password_set));
    json_object_set_new(state, "authored_contents", json_integer(u->authored));
    json_object_set_new(state, "owned_groups", json_integer(hn_groups_owned_by(sb->groups, u->index)));
    json_object_set_new(state, "manager_id",
                        u->manager == PEOPLE_NOBODY ? json_null() : json_sprintf("ID-%u", u->manager + 1));
    return state;
}

void sb_control_hownow_totals(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    (void)rq;
    sb_reply_json(rp, 200,
                  json_pack("{s:I, s:I, s:I}", "active", (json_int_t)people_active(sb->people), "seeded",
                            (json_int_t)people_seeded(sb->people), "ever", (json_int_t)people_total(sb->people)));
}

void sb_control_hownow_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    uint32_t index = hn_resolve(sb, rq->captured[0], true);
    struct user u;
    int64_t id;

    if (index == PEOPLE_NOBODY && hn_reference_id(rq->captured[0], &id) && id > 0)
        index = (uint32_t)(id - 1); /* deleted ones can be looked at here */
    if (index == PEOPLE_NOBODY || !people_load(sb->people, index, &u))
        sb_control_error(rp, 404, "no such user");
    else
        sb_reply_json(rp, 200, hownow_json(sb, &u));
}

/* "status" can be set here and in no request: a person who has signed in is Active, one who hasn't is Invited. */
static bool set_field(struct sandbox *sb, struct user *u, const char *key, const json_t *value, struct buf *error)
{
    bool active = json_is_string(value) && strcmp(json_string_value(value), "Active") == 0;

    if (strcmp(key, "status") != 0)
        return hn_assign(sb, u, key, value, error);
    u->last_signed_at = u->last_active_at = active ? (int64_t)sb_wall() : 0;
    hn_set_active(u);
    return true;
}

/* Applies "set" to *u; false when the reply is an error. `owned` is the custom list that isn't the store's. */
static bool set_fields(struct sandbox *sb, struct reply *rp, struct user *u, const json_t *set, json_t **owned)
{
    struct buf error = {0};
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)set, key, value)
    {
        json_t *before = u->custom;
        bool ok = set_field(sb, u, key, value, &error);

        if (u->custom != before) {
            json_decref(*owned);
            *owned = u->custom;
        }
        if (!ok) {
            sb_control_error(rp, 400, error.data ? error.data : "bad value");
            sb_release(&error);
            return false;
        }
    }
    return true;
}

static bool add_person(struct sandbox *sb, struct reply *rp, const char *id, const json_t *set, struct user *u)
{
    json_t *owned;
    bool ok;

    hn_blank(u);
    owned = u->custom;
    if (id && strncmp(id, "EXT-", 4) == 0)
        snprintf(u->ext, sizeof(u->ext), "%s", id + 4);
    snprintf(u->name, sizeof(u->name), "Added Person %u", people_total(sb->people));
    snprintf(u->email, sizeof(u->email), "added.%u@example.org", people_total(sb->people));
    ok = set_fields(sb, rp, u, set, &owned);
    if (ok && ((*u->ext && people_by_ext(sb->people, u->ext) != PEOPLE_NOBODY) ||
               people_by_email(sb->people, u->email) != PEOPLE_NOBODY)) {
        sb_control_error(rp, 409, "that external id or e-mail is taken");
        ok = false;
    }
    if (ok)
        people_add(sb->people, u);
    json_decref(owned);
    return ok;
}

static bool change_person(struct sandbox *sb, struct reply *rp, const char *op, const json_t *set, struct user *u)
{
    json_t *owned = NULL;
    bool ok = set_fields(sb, rp, u, set, &owned);
    uint32_t holder = people_by_email(sb->people, u->email),
             same = *u->ext ? people_by_ext(sb->people, u->ext) : u->index;

    if (ok && ((holder != PEOPLE_NOBODY && holder != u->index) || (same != PEOPLE_NOBODY && same != u->index))) {
        sb_control_error(rp, 409, "that external id or e-mail is taken");
        ok = false;
    }
    if (ok && strcmp(op, "deactivate") == 0) {
        hn_set_deactivated(u);
    } else if (ok && strcmp(op, "reactivate") == 0) {
        hn_set_active(u);
    } else if (ok && strcmp(op, "delete") == 0) {
        u->deleted = true;
    } else if (ok && strcmp(op, "update") != 0) {
        sb_control_error(rp, 400, "op is add, update, deactivate, reactivate or delete");
        ok = false;
    }
    if (ok)
        people_store(sb->people, u);
    json_decref(owned);
    return ok;
}

void sb_control_hownow_change(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *op = sb_field_string(rq->json, "op"), *id = sb_field_string(rq->json, "id");
    const json_t *set = json_object_get(rq->json, "set");
    struct user u;
    uint32_t index = id ? hn_resolve(sb, id, true) : PEOPLE_NOBODY;
    bool ok;

    if (!op || (set && !json_is_object(set))) {
        sb_control_error(rp, 400, "expected {\"op\", \"id\", \"set\": {…}}");
        return;
    }
    if (strcmp(op, "add") == 0) {
        ok = add_person(sb, rp, id, set, &u);
    } else if (index == PEOPLE_NOBODY || !people_load(sb->people, index, &u)) {
        sb_control_error(rp, 404, "no such user");
        return;
    } else {
        ok = change_person(sb, rp, op, set, &u);
    }
    if (ok && people_load(sb->people, u.index, &u))
        sb_reply_json(rp, 200, hownow_json(sb, &u));
}

/* ---- Synap ---- */

static struct synap_user *synap_find(struct sandbox *sb, const char *id)
{
    if (!id)
        return NULL;
    if (strncmp(id, "EMAIL-", 6) == 0)
        return sy_by_email(sb->synap, id + 6);
    return sy_by_id(sb->synap, strncmp(id, "ID-", 3) == 0 ? id + 3 : id);
}

static json_t *synap_json(const struct synap_user *u)
{
    json_t *state = sy_user_json(u, true), *records = json_array();

    for (const struct synap_record *r = u->records; r; r = r->next)
        json_array_append_new(records, sy_record_json(r, NULL));
    json_object_set_new(state, "password_set", json_boolean(u->password_set));
    json_object_set_new(state, "subPortalId", text_or_null(u->sub_portal));
    json_object_set_new(state, "learningRecords", records);
    return state;
}

void sb_control_synap_list(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    json_t *list = json_array(), *groups = json_array();

    (void)rq;
    for (const struct synap_user *u = sb->synap->by_id; u; u = u->hh.next)
        json_array_append_new(list, json_pack("{s:s, s:s}", "objectId", u->id, "email", u->email));
    for (unsigned g = 0; g < SYNAP_GROUPS; g++)
        json_array_append_new(groups, json_pack("{s:s, s:s}", "objectId", sy_group_id(g), "name", sy_group_name(g)));
    sb_reply_json(
        rp, 200,
        json_pack("{s:I, s:o, s:o}", "count", (json_int_t)json_array_size(list), "users", list, "userGroups", groups));
}

void sb_control_synap_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const struct synap_user *u = synap_find(sb, rq->captured[0]);

    if (u)
        sb_reply_json(rp, 200, synap_json(u));
    else
        sb_control_error(rp, 404, "no such user");
}

static bool synap_set(struct sandbox *sb, struct synap_user *u, const json_t *set)
{
    const char *name = sb_field_string(set, "name"), *email = sb_field_string(set, "email");
    const json_t *ext = json_object_get(set, "externalId"), *attr = json_object_get(set, "attr");
    const struct synap_user *holder = email ? sy_by_email(sb->synap, email) : NULL;

    if (holder && holder != u)
        return false;
    if (name)
        snprintf(u->name, sizeof(u->name), "%s", name);
    if (email)
        sy_user_rename(sb->synap, u, email);
    if (ext)
        snprintf(u->ext, sizeof(u->ext), "%s", json_is_string(ext) ? json_string_value(ext) : "");
    if (json_is_object(attr))
        json_object_update(u->attr, (json_t *)attr);
    u->updated_ms = sy_now_ms();
    return true;
}

void sb_control_synap_change(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *op = sb_field_string(rq->json, "op");
    const json_t *set = json_object_get(rq->json, "set");
    const char *email = sb_field_string(set, "email"), *name = sb_field_string(set, "name");
    struct synap_user *u = synap_find(sb, sb_field_string(rq->json, "id"));

    if (!op || (strcmp(op, "add") != 0 && strcmp(op, "update") != 0 && strcmp(op, "delete") != 0)) {
        sb_control_error(rp, 400, "op is add, update or delete");
        return;
    }
    if (strcmp(op, "add") == 0) {
        if (!email || sy_by_email(sb->synap, email)) {
            sb_control_error(rp, 409, "add needs set.email, and one that nobody has");
            return;
        }
        u = sy_user_add(sb->synap, email, name ? name : "Added Person");
    }
    if (!u) {
        sb_control_error(rp, 404, "no such user");
        return;
    }
    if (strcmp(op, "delete") == 0) {
        sb_reply_json(rp, 200, synap_json(u));
        sy_user_remove(sb->synap, u);
    } else if (!synap_set(sb, u, set)) {
        sb_control_error(rp, 409, "that e-mail is taken");
    } else {
        sb_reply_json(rp, 200, synap_json(u));
    }
}
