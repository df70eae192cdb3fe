/* synap_written.c — what Synap only takes: tests in a person's study, invitations. Who and what it is of is in the path:
 *
 *     study-items/<e-mail>/<testId>.json            POST /study-item/add, /study-item/remove
 *     invitations/<e-mail>/<userGroupId>.json       POST /users/invite
 */
#include "lms/synap.h"
#include "lms/build.h"
#include "lms/doc_value.h"

#include <errno.h>
#include <string.h>

/* The path says it; a document that says it too must agree. */
static int put_id(const json_t *doc, json_t *body, const char *name, const char *from_path, struct err *e)
{
    json_t *said = doc_value(doc, name);
    const char *text = json_string_value(said);
    if (said && (!text || strcmp(text, from_path) != 0))
        return err_set(e, -EINVAL, "%s is \"%.80s\", but the path says \"%.80s\"", name, text ? text : "no string",
                       from_path);
    return json_object_set_new(body, name, json_string(from_path)) ? -ENOMEM : 0;
}

static int body_of(const struct lms_collection *c, const char *email, const char *id, const json_t *doc, json_t *body,
                   struct err *e)
{
    const char *at = email ? strchr(email, '@') : NULL;
    if (!at || at == email || !at[1])
        return err_set(e, -EINVAL, "the directory must be an e-mail address, not %.80s", email ? email : "nothing");
    if (!id)
        return err_set(e, -EINVAL, "the file's name must be an id");
    int rc = put_id(doc, body, "userEmail", email, e);
    if (!rc)
        rc = put_id(doc, body, synap_is(c, "study-items") ? "testId" : "userGroupId", id, e);
    for (const struct lms_field *f = c->fields; !rc && f->name; f++) {
        json_t *value = doc_value(doc, f->name);
        if (value && !json_object_get(body, f->name))
            rc = json_object_set(body, f->name, value) ? -ENOMEM : 0;
    }
    return rc;
}

static int post(struct http_request *r, const char *path, json_t *body)
{
    int rc = build_request(r, HTTP_POST, path);
    if (!rc)
        return build_body(r, body);
    json_decref(body);
    return rc;
}

int synap_save_written(const struct lms_collection *c, const struct lms_save *s, struct lms_plan *out, struct err *e)
{
    bool study = synap_is(c, "study-items");
    json_t *body = json_object();
    int rc = body ? body_of(c, s->parent_key, s->name ? s->name : s->key, s->merged, body, e) : -ENOMEM;
    struct http_request *step = rc ? NULL : build_step(out, study ? "the test" : "the invitation");
    if (!step) {
        json_decref(body);
        return rc ? rc : -ENOMEM;
    }
    return post(step, study ? "/study-item/add" : "/users/invite", body);
}

int synap_remove_written(const struct lms_collection *c, const struct lms_change *ch, struct http_request *out,
                         struct err *e)
{
    json_t *body = json_object();
    int rc = body ? body_of(c, ch->parent_key, ch->key, ch->doc, body, e) : -ENOMEM;
    if (rc) {
        json_decref(body);
        return rc;
    }
    return post(out, "/study-item/remove", body);
}
