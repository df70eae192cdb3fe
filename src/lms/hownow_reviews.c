/* hownow_reviews.c — reviews of a user's skills, which the API only takes: POST adds and changes, DELETE removes. "Endorsed skills can only
 * be removed by the original endorser. Self-added skills can only be removed by the user themselves": who removes is said in X-User-Id,
 * so each reviewer's removals are a request of their own. Each request has its job, so each is a save of its own.
 *
 * The vendor's tables and examples call a skill skill_id here and external_skill_id there, with EXT- or without: either is taken, and
 * skill_id with its prefix is sent.
 */
#include "lms/hownow.h"
#include "lms/build.h"
#include "lms/doc_value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ID_LEN 520

/* ------------------------------------------------------------------ one review */

static const char *text_of(const json_t *element, const char *name)
{
    const char *s = json_string_value(json_object_get(element, name));
    return s && *s ? s : NULL;
}

/* "ID-5" and "EXT-x" as they are, "x" as "EXT-x"; false where it is too long, or holds what a header can't. */
static bool put_id(const char *id, char out[ID_LEN])
{
    for (const char *at = id; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return false;
    int n = snprintf(out, ID_LEN, "%s%s", hownow_is_stem(id) ? "" : "EXT-", id);
    return n > 0 && n < ID_LEN;
}

static bool skill_of(const json_t *element, char out[ID_LEN])
{
    const char *id = text_of(element, "skill_id");
    if (!id)
        id = text_of(element, "external_skill_id");
    return id && put_id(id, out);
}

/* "" for the user's own. */
static bool reviewer_of(const json_t *element, char out[ID_LEN])
{
    const char *id = text_of(element, "reviewer_id");
    out[0] = '\0';
    return !id || put_id(id, out);
}

bool hownow_review_key(const json_t *element, char *out, size_t size)
{
    char skill[ID_LEN], reviewer[ID_LEN];
    if (!skill_of(element, skill) || !reviewer_of(element, reviewer))
        return false;
    int n = snprintf(out, size, "%s%s%s", skill, *reviewer ? " by " : "", reviewer);
    return n > 0 && (size_t)n < size;
}

static int check_review(const json_t *element, const char *user, size_t i, struct err *e)
{
    static const char *const names[] = {"skill_id", "external_skill_id", "reviewer_id"};
    const json_t *level = json_object_get(element, "proficiency_level");
    const char *a = text_of(element, "skill_id"), *b = text_of(element, "external_skill_id"), *key;
    char first[ID_LEN], second[ID_LEN];
    json_t *value;

    if (!json_is_integer(level) || json_integer_value(level) < 1 || json_integer_value(level) > 5)
        return err_set(e, -EINVAL, "skills[%zu].proficiency_level must be a whole number from 1 to 5", i);
    json_object_foreach((json_t *)element, key, value)
    {
        size_t n = 0;
        while (n < 3 && strcmp(key, names[n]) != 0)
            n++;
        if (n == 3 && strcmp(key, "proficiency_level") != 0)
            return err_set(e, -EINVAL, "skills[%zu].%.80s is unknown to a review", i, key);
        if (n < 3 && !json_is_string(value) && !json_is_null(value))
            return err_set(e, -EINVAL, "skills[%zu].%s must be a string", i, key);
    }
    if (a && b && (!put_id(a, first) || !put_id(b, second) || strcmp(first, second) != 0))
        return err_set(e, -EINVAL, "skills[%zu]: skill_id and external_skill_id name two skills", i);
    /* Two ways to say one review: taking one out would take the other with it. */
    if (reviewer_of(element, first) && strcmp(first, user) == 0)
        return err_set(e, -EINVAL, "skills[%zu].reviewer_id is the user: leave it out of a user's own review", i);
    return 0;
}

/* As it is sent; a removal has no level. */
static int add_review(json_t *skills, const json_t *element, bool level)
{
    char skill[ID_LEN], reviewer[ID_LEN];
    if (!skill_of(element, skill) || !reviewer_of(element, reviewer))
        return -EINVAL;
    json_t *o = json_pack("{s:s}", "skill_id", skill);
    int rc = !o;
    if (!rc && level)
        rc = json_object_set(o, "proficiency_level", json_object_get(element, "proficiency_level"));
    if (!rc && *reviewer)
        rc = json_object_set_new(o, "reviewer_id", json_string(reviewer));
    return rc | json_array_append_new(skills, o) ? -ENOMEM : 0;
}

/* ------------------------------------------------------------------ the save */

struct reviews {
    json_t *before, *now; /* by key */
    json_t *send;         /* this part's, as they are sent */
    json_t *reached;      /* reviews as this part leaves them */
    bool more;
};

static const char *actor_of(const json_t *element, const char *user, char buf[ID_LEN])
{
    reviewer_of(element, buf);
    return *buf ? buf : user;
}

static bool same_level(const json_t *a, const json_t *b)
{
    return a && json_equal(json_object_get(a, "proficiency_level"), json_object_get(b, "proficiency_level"));
}

static int put_added(struct reviews *r)
{
    const char *key;
    json_t *element;
    int rc = 0;
    json_object_foreach(r->now, key, element)
    {
        if (!same_level(json_object_get(r->before, key), element))
            rc = rc ? rc : add_review(r->send, element, true);
        rc = rc ? rc : json_array_append(r->reached, element) ? -ENOMEM : 0;
    }
    json_object_foreach(r->before, key, element)
    {
        if (json_object_get(r->now, key))
            continue;
        r->more = true;
        rc = rc ? rc : json_array_append(r->reached, element) ? -ENOMEM : 0;
    }
    return rc;
}

/* All that the first of them may remove. */
static int put_removed(struct reviews *r, const char *user, char actor[ID_LEN])
{
    const char *key;
    char buf[ID_LEN];
    json_t *element;
    int rc = json_array_clear(r->reached) ? -ENOMEM : 0;
    r->more = false;
    actor[0] = '\0';
    json_object_foreach(r->before, key, element)
    {
        const char *by = actor_of(element, user, buf);
        bool gone = !json_object_get(r->now, key);
        if (gone && !*actor)
            snprintf(actor, ID_LEN, "%s", by);
        if (gone && !strcmp(by, actor)) {
            rc = rc ? rc : add_review(r->send, element, false);
            continue;
        }
        r->more |= gone;
        json_t *kept = gone ? element : json_object_get(r->now, key);
        rc = rc ? rc : json_array_append(r->reached, kept) ? -ENOMEM : 0;
    }
    return rc;
}

static int plan(struct reviews *r, const char *user, struct lms_plan *out)
{
    char actor[ID_LEN];
    int rc = put_added(r);
    bool adds = json_array_size(r->send), removes = false;
    if (!rc && !adds) {
        rc = put_removed(r, user, actor);
        removes = json_array_size(r->send);
    }
    if (rc || (!adds && !removes))
        return rc;
    rc = build_step_body(out, adds ? "the reviews" : "the removed reviews", adds ? HTTP_POST : HTTP_DELETE,
                         "/external/v1/users/{}/skills", user, json_pack("{s:O}", "skills", r->send));
    if (!rc && removes)
        rc = http_request_header(&out->steps[0], "X-User-Id", actor);
    if (!rc && adds)
        out->steps[0].idempotent = true; /* keyed by skill and reviewer */
    if (!rc && r->more)
        rc = (out->reached = json_pack("{s:O}", "skills", r->reached)) ? 0 : -ENOMEM;
    return rc;
}

int hownow_save_reviews(const struct lms_save *s, struct lms_plan *out, struct err *e)
{
    static const struct lms_field by_key = {
        .name = "skills", .type = LMS_ARRAY, .keyed_by = "skill_id", .key_of = hownow_review_key};
    json_t *skills = doc_value(s->merged, "skills");
    const char *user = s->name ? s->name : s->key;
    char checked[ID_LEN];
    struct reviews r = {.send = json_array(), .reached = json_array()};
    int rc = r.send && r.reached ? 0 : -ENOMEM;

    if (!rc && (!user || !hownow_is_stem(user) || !put_id(user, checked)))
        rc = err_set(e, -EINVAL, "the file must be named EXT-<external id>.json or ID-<number>.json: a user's");
    for (size_t i = 0; !rc && i < json_array_size(skills); i++)
        rc = check_review(json_array_get(skills, i), user, i, e);
    if (!rc)
        rc = doc_by_key(&by_key, doc_value(s->base, "skills"), &r.before);
    if (!rc)
        rc = doc_by_key(&by_key, skills, &r.now);
    if (rc == -EINVAL && !*e->text)
        err_set(e, rc, "skills holds a review twice");
    if (!rc)
        rc = plan(&r, user, out);
    json_decref(r.before);
    json_decref(r.now);
    json_decref(r.send);
    json_decref(r.reached);
    return rc;
}
