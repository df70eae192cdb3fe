/* hownow_learning.c — learning records of contents that live elsewhere: one upsert, which is no delta. "Full payload is required for
 * every update, even when modifying a single field."
 */
#include "lms/hownow.h"
#include "lms/build.h"
#include "lms/doc_value.h"

#include <errno.h>
#include <string.h>

/* The path says it; a document that says it too must agree. */
static int put_id(const struct lms_save *s, json_t *body, const char *name, const char *from_path, struct err *e)
{
    json_t *said = doc_value(s->merged, name);
    const char *text = json_string_value(said);
    if (said && (!text || strcmp(text, from_path) != 0))
        return err_set(e, -EINVAL, "%s is \"%.80s\", but the path says \"%.80s\"", name, text ? text : "no string",
                       from_path);
    return json_object_set_new(body, name, json_string(from_path)) ? -ENOMEM : 0;
}

static int check_numbers(const struct lms_save *s, struct err *e)
{
    const json_t *done = doc_value(s->merged, "completion_percentage"), *spent = doc_value(s->merged, "time_spent");
    json_int_t percent = json_integer_value(done);
    if (done && (percent < 0 || percent > 100))
        return err_set(e, -EINVAL, "completion_percentage must be from 0 to 100");
    if (spent && json_integer_value(spent) < 0)
        return err_set(e, -EINVAL, "time_spent can't be negative: it counts seconds");
    return 0;
}

static int learning_body(const struct lms_collection *c, const struct lms_save *s, json_t *body, struct err *e)
{
    const char *content = s->name ? s->name : s->key;
    if (!s->parent_ext)
        return err_set(e, -EINVAL, "this user has no external id, and HowNow's learning records are kept by it");
    if (!content)
        return err_set(e, -EINVAL, "the file's name must be the content's external id");
    int rc = check_numbers(s, e);
    if (!rc)
        rc = put_id(s, body, "external_user_id", s->parent_ext, e);
    if (!rc)
        rc = put_id(s, body, "external_content_id", content, e);
    for (const struct lms_field *f = c->fields; !rc && f->name; f++) {
        json_t *value = doc_value(s->merged, f->name);
        if (json_object_get(body, f->name))
            continue;
        if (!value && (f->flags & LMS_REQUIRED))
            rc = err_set(e, -EINVAL, "%s is missing, and HowNow wants all of a learning record each time", f->name);
        else if (value)
            rc = json_object_set(body, f->name, value) ? -ENOMEM : 0;
        else if (!strcmp(f->name, "completion_date")) /* "use null if not yet completed" */
            rc = json_object_set_new(body, f->name, json_null()) ? -ENOMEM : 0;
    }
    return rc;
}

int hownow_save_learning(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e)
{
    json_t *body = json_object();
    int rc = body ? learning_body(c, s, body, e) : -ENOMEM;
    if (rc) {
        json_decref(body);
        return rc;
    }
    rc = build_step_body(out, "the learning record", HTTP_POST, "/external/v1/contents/engagement/upsert", NULL, body);
    if (!rc)
        out->steps[0].idempotent = true; /* keyed by user and content, and whole */
    return rc;
}
