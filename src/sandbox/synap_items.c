/* Synap: tests in people's studies, invitations, and what can be read by its id only: assignments and attempts. */
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "synap.h"

#define FORTY 40 /* test_1 … test_40 exist, so do asg_1 … and att_1 … */

static bool numbered(const char *id, const char *prefix)
{
    size_t n = strlen(prefix);
    unsigned number = 0;
    char back[32];

    if (strncmp(id, prefix, n) != 0 || sscanf(id + n, "%u", &number) != 1 || number < 1 || number > FORTY)
        return false;
    snprintf(back, sizeof(back), "%s%u", prefix, number);
    return strcmp(back, id) == 0;
}

static bool body_fine(struct reply *rp, const json_t *body, const struct field *table)
{
    const char *which = "";
    enum field_type type;
    char text[256];
    enum field_fault fault = sb_fields_check(body, table, &which, &type);

    if (fault == FIELD_FINE)
        return true;
    snprintf(text, sizeof(text), fault == FIELD_UNKNOWN ? "%.200s is not allowed" : "%.200s must be a string", which);
    sy_error(rp, 400, text);
    return false;
}

static const struct field study_fields[] = {
    {"userEmail", FIELD_STRING, true}, {"testId", FIELD_STRING, true}, {"subPortalId", FIELD_STRING, false}, {0}};

static void change_study(struct sandbox *sb, struct request *rq, struct reply *rp, bool add)
{
    const char *email = sb_field_string(rq->json, "userEmail"), *test = sb_field_string(rq->json, "testId");
    struct synap_user *u;
    json_t *reply, *mine;

    if (!body_fine(rp, rq->json, study_fields))
        return;
    u = sy_by_email(sb->synap, email);
    mine = u ? json_object_get(sb->synap->studies, u->id) : NULL;
    if (!u || !numbered(test, "test_") || (!add && !json_object_get(mine, test))) {
        sy_error(rp, 404, "Object not found");
        return;
    }
    if (!mine)
        json_object_set_new(sb->synap->studies, u->id, mine = json_object());
    if (add)
        json_object_set_new(mine, test, json_deep_copy(rq->json));
    else
        json_object_del(mine, test);
    reply = json_pack("{s:o, s:{s:s, s:s, s:s}, s:{s:s, s:o}}", "message",
                      json_sprintf("Test %s has been %s %s study", test, add ? "added to" : "removed from", u->email),
                      "user", "objectId", u->id, "name", u->name, "email", u->email, "test", "objectId", test, "title",
                      json_sprintf("Invented %s", test));
    sy_meta(reply, NULL);
    sb_reply_json(rp, 200, reply);
}

void sy_study_add(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    change_study(sb, rq, rp, true);
}

void sy_study_remove(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    change_study(sb, rq, rp, false);
}

void sy_invite(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    static const struct field fields[] = {{"userEmail", FIELD_STRING, true},
                                          {"userGroupId", FIELD_STRING, true},
                                          {"name", FIELD_STRING, false},
                                          {"personalMessage", FIELD_STRING, false},
                                          {0}};
    const char *email = sb_field_string(rq->json, "userEmail"), *name = sb_field_string(rq->json, "name");
    struct synap_user *u;
    int group;

    if (!body_fine(rp, rq->json, fields))
        return;
    group = sy_group_find(sb_field_string(rq->json, "userGroupId"));
    if (group < 0) {
        sy_error(rp, 404, "Object Not Found");
        return;
    }
    u = sy_by_email(sb->synap, email);
    if (u)
        u->groups |= 1U << group;
    json_array_append(sb->synap->invitations, rq->json);
    sb_reply_json(rp, 200,
                  json_pack("{s:o, s:{s:b, s:s}}", "message",
                            u ? json_sprintf("%s has been added to user group: %s", u->name, sy_group_id((unsigned)group))
                              : json_sprintf("An invite has been sent to %s", email),
                            "user", "isNew", !u, "name",
                            u      ? u->name
                            : name ? name
                                   : ""));
}

/* Whose items they are: the first one's. */
static json_t *somebody(struct sandbox *sb)
{
    const struct synap_user *u = sb->synap->by_id;

    return u ? json_pack("{s:s, s:s, s:s}", "objectId", u->id, "name", u->name, "email", u->email) : json_null();
}

void sy_assignment(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *id = rq->captured[0];
    json_t *reply;

    if (!numbered(id, "asg_")) {
        sy_error(rp, 404, "Not Found");
        return;
    }
    reply = json_pack(
        "{s:{s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:i, s:i, s:s, s:{s:o, s:o}, s:o, s:{s:s, s:s, s:s}, s:{s:s, s:s}, "
        "s:{s:s, s:s}}}",
        "assignment", "objectId", id, "createdAt", "2024-11-30T18:40:11.214Z", "updatedAt", "2024-12-02T23:51:55.667Z",
        "startDate", "2024-11-30T18:40:17.709Z", "endDate", "2024-12-30T18:40:17.709Z", "status", "In progress",
        "progress", 0.6, "totalItems", 10, "itemsComplete", 6, "name", "Node.js on docker", "assignmentUrl", "admin",
        json_sprintf("https://learn.example.org/portal-dashboard/user-assignment/%s", id), "student",
        json_sprintf("https://learn.example.org/assignment/%s", id), "user", somebody(sb), "portal", "objectId",
        "PoRtAl0001", "name", "Invented portal", "hostname", "learn.example.org", "usergroup", "objectId", "wB6TestXDN",
        "name", "Physics Students", "assignmentGroup", "objectId", "aSGr000001", "name", "Node.js on docker");
    sy_meta(reply, NULL);
    sb_reply_json(rp, 200, reply);
}

static json_t *breakdown(const char *id, const char *label, const char *type)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:f}", "objectId", id, "label", label, "type", type,
                     "numberOfQuestions", 4, "totalAnsweredCorrectly", 3, "totalAnsweredIncorrectly", 1,
                     "totalAnsweredPartiallyCorrect", 0, "maxPoints", 4, "points", 3, "score", 0.75);
}

static json_t *response(int number, int points)
{
    return json_pack(
        "{s:o, s:{s:o, s:s}, s:s, s:s, s:{s:i, s:i, s:n, s:i}, s:n, s:n, s:n, s:{s:s, s:s}, s:n, s:{s:s, s:s}, s:n}",
        "objectId", json_sprintf("rEsp00000%d", number), "question", "objectId", json_sprintf("qUes00000%d", number),
        "doi", "DOI0000001", "outcome", points ? "correct" : "incorrect", "type", "phrase:singleCorrect", "marks",
        "maxPoints", 1, "credit", points, "penalty", "points", points, "exam", "module", "subject", "topic", "objectId",
        "tAg0000002", "label", "Poems", "subtopic", "difficulty", "objectId", "tAg0000001", "label", "Easy", "skill");
}

void sy_attempt(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *id = rq->captured[0];
    long long now = sy_now_ms();

    if (!numbered(id, "att_")) {
        sy_error(rp, 404, "Not Found");
        return;
    }
    json_t *reply = json_pack(
        "{s:{s:s, s:s, s:s, s:i, s:b, s:s, s:s, s:i, s:i, s:i, s:i, s:{s:s, s:o}, s:[oo], s:{s:i, s:i, s:i, s:i}, s:o, "
        "s:{s:s}, s:[oo]}}",
        "attempt", "objectId", id, "createdAt", "2024-10-28T06:20:51.021Z", "updatedAt", "2024-10-28T06:49:43.598Z",
        "totalQuestions", 4, "isFinalised", 1, "timeStarted", "2024-10-28T06:20:51.021Z", "timeCompleted",
        "2024-10-28T06:49:43.598Z", "totalAnsweredCorrectly", 3, "totalAnsweredIncorrectly", 1,
        "totalAnsweredPartiallyCorrect", 0, "resitCount", 0, "certificate", "filePath", "/certificate.pdf", "url",
        json_sprintf("https://files.example.com/%s?Expires=%lld&Signature=%08llx", id, now / 1000 + 90, now & 0xffffffff),
        "tagScoreBreakdown", breakdown("tAg0000001", "Easy", "difficulty"), breakdown("tAg0000002", "Poems", "topic"),
        "marks", "maxPoints", 4, "credits", 3, "penalties", 0, "points", 3, "user", somebody(sb), "test", "objectId",
        "test_1", "responses", response(1, 1), response(2, 0));
    sy_meta(reply, NULL);
    sb_reply_json(rp, 200, reply);
}

void sy_study_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct synap_user *u = sy_by_email(sb->synap, rq->captured[0]);
    json_t *mine = u ? json_object_get(sb->synap->studies, u->id) : NULL;

    sb_reply_json(rp, 200,
                  json_pack("{s:o, s:O}", "study", mine ? json_incref(mine) : json_object(), "invitations",
                            sb->synap->invitations));
}
