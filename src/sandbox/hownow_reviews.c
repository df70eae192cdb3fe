/* HowNow: reviews of people's skills. A job adds or removes; nothing in the API reads them back; the control endpoint does. */
#include "hownow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"

struct reviews {
    json_t *people; /* index of the user → "<skill's index> <reviewer's index>" → level; one's own have oneself as the reviewer */
};

struct reviews *hn_reviews_new(void)
{
    struct reviews *r = sb_alloc(sizeof(*r));

    r->people = json_object();
    return r;
}

void hn_reviews_free(struct reviews *r)
{
    if (!r)
        return;
    json_decref(r->people);
    free(r);
}

/* ---- what the parameter tables say ---- */

static const struct field review_fields[] = {
    {"skill_id", FIELD_STRING, false},
    {"external_skill_id", FIELD_STRING, false},
    {"proficiency_level", FIELD_ANY, false},
    {"reviewer_id", FIELD_STRING, false},
    {0},
};

static const char *skill_text(const json_t *review)
{
    const char *id = sb_field_string(review, "skill_id");

    return id ? id : sb_field_string(review, "external_skill_id");
}

static bool review_valid(const json_t *review, bool removes)
{
    const json_t *level = json_object_get(review, "proficiency_level");
    const char *which, *skill;
    enum field_type type;

    if (sb_fields_check(review, review_fields, &which, &type) != FIELD_FINE)
        return false;
    skill = skill_text(review);
    return skill && *skill &&
           (removes ? !level
                    : json_is_integer(level) && json_integer_value(level) >= 1 && json_integer_value(level) <= 5);
}

static bool body_valid(const json_t *body, bool removes)
{
    static const struct field fields[] = {{"skills", FIELD_ARRAY, true}, {0}};
    const json_t *list = json_object_get(body, "skills");
    const char *which;
    enum field_type type;

    if (sb_fields_check(body, fields, &which, &type) != FIELD_FINE || !json_array_size(list))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!review_valid(json_array_get(list, i), removes))
            return false;
    return true;
}

/* ---- the job ---- */

/* Without a prefix it is the external id. */
static int32_t find_skill(const struct sandbox *sb, const char *id)
{
    char whole[300];

    snprintf(whole, sizeof(whole), "%s%s", hn_is_reference(id) ? "" : "EXT-", id);
    return hn_skill_find(sb->catalogue, whole);
}

static uint32_t find_person(const struct sandbox *sb, const char *id)
{
    return hn_is_reference(id) ? hn_resolve(sb, id, false) : people_by_ext(sb->people, id);
}

static bool may_review(const struct sandbox *sb, uint32_t reviewer, uint32_t user)
{
    struct user u;

    if (reviewer == user)
        return true;
    return people_load(sb->people, reviewer, &u) && (u.type == TYPE_ADMIN || u.type == TYPE_MANAGER || u.authored);
}

struct change {
    uint32_t user, actor;
    bool removes;
};

/* The place of one review, or a reason why it can't be. */
static bool place(const struct sandbox *sb, const struct change *c, const json_t *review, char key[32], struct buf *error)
{
    const char *by = sb_field_string(review, "reviewer_id");
    int32_t skill = find_skill(sb, skill_text(review));
    uint32_t reviewer = by && *by ? find_person(sb, by) : c->user;

    if (skill < 0)
        sb_printf(error, "Skill not found: %s", skill_text(review));
    else if (reviewer == PEOPLE_NOBODY)
        sb_printf(error, "Reviewer not found: %s", by);
    else if (!c->removes && !may_review(sb, reviewer, c->user))
        sb_str(error, "Reviewer must be admin, author, or manager");
    else if (c->removes && c->actor != reviewer)
        sb_str(error, reviewer == c->user ? "Self-added skills can only be removed by the user themselves"
                                          : "Endorsed skills can only be removed by the original endorser");
    snprintf(key, 32, "%d %u", (int)skill, (unsigned)reviewer);
    return error->len == 0;
}

static bool apply(struct sandbox *sb, const json_t *request, struct buf *error)
{
    struct change c = {(uint32_t)json_integer_value(json_object_get(request, "user")),
                       (uint32_t)json_integer_value(json_object_get(request, "actor")),
                       json_is_true(json_object_get(request, "removes"))};
    const json_t *list = json_object_get(request, "skills");
    char person[16], key[32];
    json_t *reviews, *next;

    snprintf(person, sizeof(person), "%u", (unsigned)c.user);
    reviews = json_object_get(sb->reviews->people, person);
    next = reviews ? json_copy(reviews) : json_object();
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *review = json_array_get(list, i);

        if (!place(sb, &c, review, key, error))
            break;
        if (c.removes)
            json_object_del(next, key);
        else
            json_object_set(next, key, json_object_get(review, "proficiency_level"));
    }
    if (error->len == 0)
        json_object_set(sb->reviews->people, person, next);
    json_decref(next);
    return error->len == 0;
}

static void take(struct sandbox *sb, struct request *rq, struct reply *rp, bool removes)
{
    uint32_t user = find_person(sb, rq->captured[0]);
    json_t *job;

    if (user == PEOPLE_NOBODY) {
        hn_refuse(rp, 404, NULL);
        return;
    }
    if (user != rq->actor && !removes && !hn_actor_may(sb, rq, user)) {
        hn_refuse(rp, 401, NULL);
        return;
    }
    if (!body_valid(rq->json, removes)) {
        hn_refuse(rp, 400, NULL);
        return;
    }
    job = json_pack("{s:I, s:I, s:b, s:O}", "user", (json_int_t)user, "actor", (json_int_t)rq->actor, "removes",
                    removes, "skills", json_object_get(rq->json, "skills"));
    sb_reply_json(
        rp, 201,
        json_pack("{s:s, s:s}", "job_id", hn_jobs_submit(sb->jobs, apply, job), "message", "Request is accepted"));
    json_decref(job);
}

void hn_reviews_add(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    take(sb, rq, rp, false);
}

void hn_reviews_remove(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    take(sb, rq, rp, true);
}

/* ---- the control endpoint: {"reviews": [{"skill": {…}, "reviewer": "…", "level": …}, …]} ---- */

void hn_reviews_state(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    uint32_t user = find_person(sb, rq->captured[0]);
    json_t *list = json_array(), *level;
    const char *key;
    char person[16];

    hn_jobs_advance(sb);
    snprintf(person, sizeof(person), "%u", (unsigned)user);
    json_object_foreach(json_object_get(sb->reviews->people, person), key, level)
    {
        struct buf text = {0};
        struct user by = {0};
        char *end;
        int32_t skill = (int32_t)strtol(key, &end, 10);

        people_load(sb->people, (uint32_t)strtoul(end, NULL, 10), &by);
        sb_str(&text, "{");
        hn_skill_name(sb->catalogue, skill, &text);
        sb_str(&text, "}");
        json_array_append_new(list, json_pack("{s:o, s:s, s:O}", "skill", json_loads(text.data, 0, NULL), "reviewer",
                                              by.ext, "level", level));
        sb_release(&text);
    }
    sb_reply_json(rp, 200, json_pack("{s:o}", "reviews", list));
}
