/* Thrive: POST /webhooks, the one endpoint of four events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "thrive.h"
#include "when.h"

static bool refuse(struct reply *rp, int status, const char *text)
{
    th_error(rp, status, json_string(text));
    return false;
}

/* The message is an object where a property is to blame. */
static bool refuse_property(struct reply *rp, int status, const char *name, const char *text)
{
    th_error(rp, status, json_pack("{s:s}", name, text));
    return false;
}

static bool envelope_fine(struct reply *rp, const json_t *event)
{
    static const struct field envelope[] = {{"id", FIELD_STRING, true},
                                            {"timestamp", FIELD_STRING, true},
                                            {"eventType", FIELD_STRING, true},
                                            {"content", FIELD_OBJECT, true},
                                            {0}};
    static const struct field content[] = {{"user", FIELD_OBJECT, true}, {0}};
    const char *which = "";
    enum field_type type;
    int64_t ms;

    if (sb_fields_check(event, envelope, &which, &type) != FIELD_FINE ||
        sb_fields_check(json_object_get(event, "content"), content, &which, &type) != FIELD_FINE)
        return refuse_property(rp, 400, which, "is missing, not known, or of the wrong type");
    if (!*sb_field_string(event, "id") || strlen(sb_field_string(event, "id")) > 200)
        return refuse_property(rp, 400, "id", "must be 1 to 200 characters");
    if (!sb_stamp_ms_parse(sb_field_string(event, "timestamp"), &ms))
        return refuse_property(rp, 400, "timestamp", "must be an ISO 8601 date");
    return true;
}

/* Only these may stand in a suspension or a deletion. */
static bool leaver_fine(struct reply *rp, const json_t *user, bool with_date)
{
    static const struct field suspended[] = {{"ref", FIELD_STRING, true}, {"endDate", FIELD_STRING, false}, {0}};
    static const struct field deleted[] = {{"ref", FIELD_STRING, true}, {0}};
    const char *which = "";
    enum field_type type;

    if (sb_fields_check(user, with_date ? suspended : deleted, &which, &type) == FIELD_FINE)
        return true;
    return refuse_property(rp, 400, which, "is missing, not known, or of the wrong type");
}

static bool properties_fine(struct thrive *t, struct reply *rp, const json_t *user, const struct thrive_user *who)
{
    const char *email = sb_field_string(user, "email"), *wrong;
    const struct thrive_user *holder = email ? th_by_email(t, email) : NULL;
    char room[256];

    wrong = th_wrong(user, false, room);
    if (wrong)
        return refuse(rp, 422, wrong);
    if (holder && holder != who)
        return refuse_property(rp, 409, "email", "is in use by another user");
    return true;
}

static bool joined(struct thrive *t, struct reply *rp, const json_t *user, struct thrive_user **who)
{
    static const char *const required[] = {"email", "firstName", "lastName"};

    for (size_t i = 0; i < 3 && !*who; i++)
        if (!sb_field_string(user, required[i]))
            return refuse_property(rp, 400, required[i], "is required");
    if (*who && strcmp((*who)->status, "inactive") != 0)
        return refuse_property(rp, 409, "ref", "belongs to an active user already");
    if (!properties_fine(t, rp, user, *who))
        return false;
    if (!*who) {
        *who = th_user_add(t, sb_field_string(user, "ref"));
    } else {
        (*who)->status = "active";
        json_object_del((*who)->fields, "endDate");
    }
    th_assign(*who, user);
    return true;
}

static bool carry_out(struct thrive *t, struct reply *rp, const char *type, const json_t *user, struct thrive_user **who)
{
    if (strcmp(type, "user_joined") == 0)
        return joined(t, rp, user, who);
    if (!*who)
        return refuse(rp, 404, "The resource cannot be found or does not exist");
    if (strcmp(type, "user_updated") == 0) {
        if (!properties_fine(t, rp, user, *who))
            return false;
        th_assign(*who, user);
    } else if (strcmp(type, "user_suspended") == 0) {
        if (!leaver_fine(rp, user, true) || !properties_fine(t, rp, user, *who))
            return false;
        th_assign(*who, user);
        (*who)->status = "inactive";
    } else if (strcmp(type, "user_deleted") == 0) {
        if (!leaver_fine(rp, user, false))
            return false;
        th_delete(t, *who);
    } else {
        return refuse_property(rp, 400, "eventType", "must be user_joined, user_updated, user_suspended or user_deleted");
    }
    return true;
}

static void keep(struct thrive *t, const char *id, const char *type, const char *ref)
{
    struct thrive_event *e = sb_alloc(sizeof(*e));

    e->id = sb_strdup(id);
    snprintf(e->type, sizeof(e->type), "%s", type);
    snprintf(e->ref, sizeof(e->ref), "%s", ref);
    e->times = 1;
    HASH_ADD_KEYPTR(hh, t->events, e->id, strlen(e->id), e);
}

void th_event(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct thrive *t = sb->thrive;
    const json_t *user = json_object_get(json_object_get(rq->json, "content"), "user");
    const char *id = sb_field_string(rq->json, "id"), *ref = sb_field_string(user, "ref");
    const char *type = sb_field_string(rq->json, "eventType");
    struct thrive_event *seen = NULL;
    struct thrive_user *who;

    if (!envelope_fine(rp, rq->json))
        return;
    if (!ref || !*ref || strlen(ref) > 255) {
        refuse_property(rp, 400, "ref", "is required, 1 to 255 characters");
        return;
    }
    HASH_FIND_STR(t->events, id, seen);
    who = th_by_ref(t, ref);
    if (seen && (strcmp(seen->type, type) != 0 || strcmp(seen->ref, ref) != 0)) {
        refuse_property(rp, 409, "id", "was another event's");
        return;
    }
    if (seen)
        seen->times++; /* the answer to the first was lost: no second effect */
    else if (carry_out(t, rp, type, user, &who))
        keep(t, id, type, ref);
    else
        return;
    sb_reply_json(rp, 200, who ? th_v2_json(who) : json_pack("{s:s, s:b}", "ref", ref, "active", 0));
}
