/* hownow_roles.c — saves of job roles. A new one is sent whole. An old one's PUT takes a description and what to do with the
 * skills, not the skills: add_skills and remove_skills. No way is documented to give a skill that the role has another rating,
 * so such a skill is taken off by one request and put on by the next.
 */
#include "lms/hownow.h"
#include "lms/build.h"
#include "lms/doc_value.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <string.h>

#define SKILLS_MAX 30

/* ------------------------------------------------------------------ checks */

static int check_skill(const json_t *element, size_t i, struct err *e)
{
    const char *id = json_string_value(json_object_get(element, "skill_id"));
    const json_t *rating = json_object_get(element, "target_rating");

    if (!id || !hownow_is_stem(id))
        return err_set(e, -EINVAL, "skills[%zu].skill_id must be \"ID-…\" or \"EXT-…\"", i);
    if (!json_is_integer(rating) || json_integer_value(rating) < 1 || json_integer_value(rating) > 5)
        return err_set(e, -EINVAL, "skills.%.80s: target_rating must be a whole number from 1 to 5", id);
    if (json_object_size(element) != 2)
        return err_set(e, -EINVAL, "skills.%.80s holds more than skill_id and target_rating", id);
    return 0;
}

static int check_skills(const json_t *skills, struct err *e)
{
    int rc = 0;
    if (json_array_size(skills) > SKILLS_MAX)
        return err_set(e, -EINVAL, "skills holds %zu; at most %d are allowed", json_array_size(skills), SKILLS_MAX);
    for (size_t i = 0; !rc && i < json_array_size(skills); i++)
        rc = check_skill(json_array_get(skills, i), i, e);
    return rc;
}

/* ------------------------------------------------------------------ creating */

static int create(const struct lms_save *s, struct lms_plan *out, struct err *e)
{
    static const char *const members[] = {"name", "description", "skills"};
    int rc = check_skills(doc_value(s->merged, "skills"), e);

    if (!rc && !doc_value(s->merged, "name"))
        rc = err_set(e, -EINVAL, "name is missing; a new job role needs it");
    json_t *body = rc ? NULL : json_object();
    for (size_t i = 0; body && !rc && i < sizeof members / sizeof *members; i++) {
        json_t *value = doc_value(s->merged, members[i]);
        rc = value && json_object_set(body, members[i], value) ? -ENOMEM : 0;
    }
    if (!rc)
        rc = body ? hownow_put_ext(s, body, e) : -ENOMEM;
    if (!rc)
        return build_step_body(out, "the job role", HTTP_POST, "/external/v1/job_roles", NULL, body);
    json_decref(body);
    return rc;
}

/* ------------------------------------------------------------------ changing */

struct change {
    json_t *gone, *other,
        *added; /* what the role has and shall not; has with another rating; has not. skill_ids and elements */
};

static json_t *find(const json_t *skills, const char *id)
{
    for (size_t i = 0; i < json_array_size(skills); i++) {
        const char *known = json_string_value(json_object_get(json_array_get(skills, i), "skill_id"));
        if (known && id && !strcmp(known, id))
            return json_array_get(skills, i);
    }
    return NULL;
}

/* A skill that the role has goes by "ID-5", whatever name the document has for it: `shown` (the reply's rows) knows its EXT-. */
static json_t *same_name(const json_t *shown, const json_t *element)
{
    const char *id = json_string_value(json_object_get(element, "skill_id")), *ext = stem_after(id, "EXT-");
    json_t *copy = json_copy((json_t *)element);

    for (size_t i = 0; ext && i < json_array_size(shown); i++) {
        const json_t *row = json_array_get(shown, i);
        const char *known = json_string_value(json_object_get(row, "external_id"));
        if (known && !strcmp(known, ext))
            json_object_set_new(
                copy, "skill_id",
                json_sprintf("ID-%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(row, "id"))));
    }
    return copy;
}

static int same_names(const struct lms_save *s, json_t *wanted, struct err *e)
{
    const json_t *shown = json_object_get(json_object_get(s->base, "_readonly"), "skills"),
                 *merged = doc_value(s->merged, "skills"), *had = doc_value(s->base, "skills");
    for (size_t i = 0; i < json_array_size(merged); i++) {
        const json_t *element = json_array_get(merged, i);
        const char *id = json_string_value(json_object_get(element, "skill_id"));
        json_t *named = find(had, id) ? json_incref((json_t *)element) : same_name(shown, element);
        const char *name = json_string_value(json_object_get(named, "skill_id"));
        int rc = find(wanted, name) ? err_set(e, -EINVAL, "skills holds %.80s twice (as %.80s)", name, id) : 0;
        rc = json_array_append_new(wanted, named) && !rc ? -ENOMEM : rc;
        if (rc)
            return rc;
    }
    return 0;
}

static int compare(const struct lms_save *s, const json_t *wanted, struct change *c, struct err *e)
{
    const json_t *had = doc_value(s->base, "skills");
    int rc = 0;

    for (size_t i = 0; !rc && i < json_array_size(wanted); i++) {
        json_t *element = json_array_get(wanted, i);
        const json_t *before = find(had, json_string_value(json_object_get(element, "skill_id")));
        if (before && doc_equal(before, element))
            continue;
        rc = check_skill(element, i, e);
        if (!rc && json_array_append(before ? c->other : c->added, element))
            rc = -ENOMEM;
    }
    for (size_t i = 0; !rc && i < json_array_size(had); i++) {
        json_t *id = json_object_get(json_array_get(had, i), "skill_id");
        if (!find(wanted, json_string_value(id)) && json_array_append(c->gone, id))
            rc = -ENOMEM;
    }
    if (!rc && json_array_size(c->added) && json_array_size(wanted) > SKILLS_MAX)
        rc = err_set(e, -EINVAL, "skills holds %zu; at most %d are allowed", json_array_size(wanted), SKILLS_MAX);
    return rc;
}

/* The first request has all that can be refused; the second puts on again what the first took off to give it another rating. */
static int send_change(const struct lms_save *s, struct change *c, struct lms_plan *out, struct err *e)
{
    static const char path[] = "/external/v1/job_roles/ID-{}";
    json_t *description = build_changed(s, "description") ? doc_value(s->merged, "description") : NULL, *body;
    int rc = 0;

    if (build_changed(s, "description") && !description)
        return err_set(e, -EINVAL, "HowNow documents no way to clear description");
    for (size_t i = 0; i < json_array_size(c->other); i++)
        rc |= json_array_append(c->gone, json_object_get(json_array_get(c->other, i), "skill_id"));
    if (rc || !(body = json_object()))
        return -ENOMEM;
    if (description)
        rc |= json_object_set(body, "description", description);
    if (json_array_size(c->added))
        rc |= json_object_set(body, "add_skills", c->added);
    if (json_array_size(c->gone))
        rc |= json_object_set(body, "remove_skills", c->gone);
    if (rc || !json_object_size(body)) {
        json_decref(body);
        return rc ? -ENOMEM : 0;
    }
    rc = build_step_body(out, "the job role", HTTP_PUT, path, s->key, body);
    if (!rc && json_array_size(c->other))
        rc = build_step_body(out, "the skills' new ratings", HTTP_PUT, path, s->key,
                             json_pack("{s:O}", "add_skills", c->other));
    return rc;
}

static int change(const struct lms_save *s, struct lms_plan *out, struct err *e)
{
    struct change c = {json_array(), json_array(), json_array()};
    json_t *wanted = json_array();
    int rc = c.gone && c.other && c.added && wanted ? 0 : -ENOMEM;

    if (build_changed(s, "name") || build_changed(s, "external_id"))
        rc = err_set(e, -EINVAL, "a job role's name and external_id can't change");
    else if (build_changed(s, "skills") && s->base && !doc_complete(s->base))
        rc = err_set(e, -EAGAIN, "only the list's row of this job role is known, and it lacks the skills");
    else if (!rc && build_changed(s, "skills"))
        rc = same_names(s, wanted, e);
    if (!rc && build_changed(s, "skills"))
        rc = compare(s, wanted, &c, e);
    if (!rc)
        rc = send_change(s, &c, out, e);
    json_decref(c.gone);
    json_decref(c.other);
    json_decref(c.added);
    json_decref(wanted);
    return rc;
}

int hownow_save_role(const struct lms_save *s, struct lms_plan *out, struct err *e)
{
    return s->key ? change(s, out, e) : create(s, out, e);
}
