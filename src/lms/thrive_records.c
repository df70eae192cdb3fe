/* thrive_records.c — Thrive's users as documents. Fields have the same names read and written.
 *
 * v1 says `status`: a suspended user is "inactive"; "expired" is an invitation that ran out, and no leaver. v2 and the answers to events
 * say `active`, a boolean.
 */
#include "lms/thrive.h"
#include "lms/doc_value.h"
#include "lms/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool has_type(const struct lms_field *f, const json_t *value)
{
    return f->type == LMS_STRING    ? json_is_string(value)
           : f->type == LMS_BOOLEAN ? json_is_boolean(value)
                                    : json_is_object(value);
}

static int build_doc(const struct lms_collection *c, json_t *api, struct lms_record *out, struct err *e)
{
    json_t *readonly = json_object(), *value;
    const char *name;
    int rc = (out->doc = json_object()) && readonly ? 0 : -ENOMEM;

    json_object_foreach(api, name, value)
    {
        const struct lms_field *f = doc_field(c, name);
        if (rc)
            break;
        if (!f)
            rc = reply_keep(readonly, name, value);
        else if (!json_is_null(value) && !has_type(f, value))
            rc = err_set(e, -EPROTO, "\"%s\" has a type that the API doesn't document", name);
        else
            rc = json_object_set(out->doc, name, value) ? -ENOMEM : 0;
    }
    if (!rc)
        rc = reply_unsign(readonly);
    if (!rc)
        return json_object_set_new(out->doc, "_readonly", readonly) ? -ENOMEM : 0;
    json_decref(readonly);
    return rc;
}

static int read_active(const json_t *api, bool *active, struct err *e)
{
    const json_t *word = json_object_get(api, "active");
    const char *status;
    int rc = reply_text(api, "status", &status, e);
    if (!rc && !status && word && !json_is_boolean(word) && !json_is_null(word))
        rc = err_set(e, -EPROTO, "\"active\" is neither true nor false");
    *active = status ? strcmp(status, "inactive") != 0 : !json_is_false(word);
    return rc;
}

int thrive_record(const struct lms_collection *c, json_t *api, struct lms_record *out, struct err *e)
{
    const char *ref = NULL, *email = NULL;
    int rc = reply_name(api, "id", &out->key, e);

    if (!rc)
        rc = reply_text(api, "ref", &ref, e);
    if (!rc)
        rc = reply_text(api, "email", &email, e);
    if (!rc)
        rc = read_active(api, &out->active, e);
    if (!rc)
        out->ext = reply_dup(ref && *ref ? ref : NULL, &rc);
    if (!rc)
        out->email = reply_dup(email && *email ? email : NULL, &rc);
    out->gone = json_is_true(json_object_get(api, "deleted"));
    out->mtime = reply_time(json_object_get(api, "updatedAt"));
    out->made_at = reply_time(json_object_get(api, "createdAt"));
    if (!rc)
        rc = build_doc(c, api, out, e);
    if (rc == -EPROTO && out->key)
        err_prefix(e, "id %.80s", out->key);
    if (rc)
        lms_record_release(out);
    return rc;
}
