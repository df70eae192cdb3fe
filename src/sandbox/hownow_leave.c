/* HowNow: deactivating, reactivating and deleting people, with the successor of what they own. */
#include "hownow.h"

#include <string.h>

#include "fields.h"
#include "when.h"

static const struct field successor_fields[] = {
    {"assigned_user_id", FIELD_STRING, false},
    {"assigned_external_user_id", FIELD_STRING, false},
    {0},
};

static const struct field no_fields[] = {{0}};

void hn_set_active(struct user *u)
{
    u->status = u->last_signed_at ? STATUS_ACTIVE : STATUS_INVITED;
    u->deactivated_at = 0;
}

void hn_set_deactivated(struct user *u)
{
    u->status = STATUS_DEACTIVATED;
    u->manager = PEOPLE_NOBODY;
    u->deactivated_at = (int64_t)sb_wall();
}

/* The person in the path; false when a refusal has been written. */
static bool load_target(struct sandbox *sb, struct request *rq, struct reply *rp, struct user *u)
{
    uint32_t index;

    if (!hn_actor_is_admin(sb, rq)) {
        hn_refuse(rp, 401, NULL);
        return false;
    }
    index = hn_resolve(sb, rq->captured[0], false);
    if (index == PEOPLE_NOBODY || !people_load(sb->people, index, u)) {
        hn_refuse(rp, 404, NULL);
        return false;
    }
    return true;
}

/* Reads both spellings of the successor; NULL, or what the 422 says. *to stays PEOPLE_NOBODY when none was named. */
static const char *read_successor(const struct sandbox *sb, const json_t *body, const struct user *u, uint32_t *to)
{
    static const char *const keys[] = {"assigned_user_id", "assigned_external_user_id"};
    struct user successor;

    *to = PEOPLE_NOBODY;
    for (int i = 0; i < 2; i++) {
        const char *text = sb_field_string(body, keys[i]);
        uint32_t index = text ? hn_resolve(sb, text, false) : PEOPLE_NOBODY;

        if (text && (index == PEOPLE_NOBODY || (*to != PEOPLE_NOBODY && *to != index)))
            return "Assigned User not found";
        if (text)
            *to = index;
    }
    if (*to == PEOPLE_NOBODY)
        return NULL;
    people_load(sb->people, *to, &successor);
    if (*to == u->index)
        return "Assigned User cannot be the same user";
    if (successor.status == STATUS_DEACTIVATED)
        return "Assigned User must be active";
    return successor.type == TYPE_READONLY ? "Assigned User cannot be a 'Read Only' user" : NULL;
}

/* Checks the body and the successor, and moves what *u owns; false when a refusal has been written. */
static bool hand_over(struct sandbox *sb, struct request *rq, struct reply *rp, struct user *u)
{
    const char *which, *wrong;
    enum field_type type;
    struct user successor;
    uint32_t to;

    if (sb_fields_check(rq->json, successor_fields, &which, &type) != FIELD_FINE) {
        hn_refuse(rp, 400, NULL);
        return false;
    }
    wrong = read_successor(sb, rq->json, u, &to);
    if (!wrong && to == PEOPLE_NOBODY && (u->authored || hn_groups_owned_by(sb->groups, u->index)))
        wrong = "Assigned User is required: the user has active responsibilities";
    if (!wrong && u->index == 0)
        wrong = "The workspace owner cannot be removed";
    if (wrong) {
        hn_errors(rp, wrong);
        return false;
    }
    if (to != PEOPLE_NOBODY) {
        people_load(sb->people, to, &successor);
        successor.authored += u->authored;
        people_store(sb->people, &successor);
        hn_groups_hand_over(sb->groups, u->index, to);
        hn_contents_hand_over(hn_catalogue_contents(sb->catalogue), u->index, to);
        u->authored = 0;
    }
    return true;
}

void hn_deactivate(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct user u;

    if (!load_target(sb, rq, rp, &u))
        return;
    if (u.status == STATUS_DEACTIVATED) {
        hn_errors(rp, "User is already deactivated");
        return;
    }
    if (!hand_over(sb, rq, rp, &u))
        return;
    hn_set_deactivated(&u);
    people_store(sb->people, &u);
    sb_reply_text(rp, 200, "{\"message\":\"User deactivated successfully\"}");
}

void hn_reactivate(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *which;
    enum field_type type;
    struct user u;

    if (!load_target(sb, rq, rp, &u))
        return;
    if (sb_fields_check(rq->json, no_fields, &which, &type) != FIELD_FINE) {
        hn_refuse(rp, 400, NULL);
        return;
    }
    if (u.status != STATUS_DEACTIVATED) {
        hn_errors(rp, u.status == STATUS_INVITED ? "User is already invited" : "User is already active");
        return;
    }
    if (sb->settings.seat_limit && people_active(sb->people) >= sb->settings.seat_limit) {
        hn_errors(rp, "Seat limit has been reached");
        return;
    }
    hn_set_active(&u);
    people_store(sb->people, &u);
    sb_reply_text(rp, 200, "{\"message\":\"User reactivated successfully\"}");
}

void hn_delete(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct user u;

    if (!load_target(sb, rq, rp, &u) || !hand_over(sb, rq, rp, &u))
        return;
    u.deleted = true;
    people_store(sb->people, &u);
    sb_reply_text(rp, 200, "{\"message\":\"User deleted successfully\"}");
}
