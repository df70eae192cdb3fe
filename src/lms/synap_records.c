/* synap_records.c — the API's objects as documents. Fields have the same names read and written. */
#include "lms/synap.h"
#include "lms/doc_value.h"
#include "lms/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool synap_is_file(const json_t *value)
{
    return json_is_object(value);
}

static bool has_type(const struct lms_field *f, const json_t *value)
{
    switch (f->type) {
    case LMS_STRING:
        return json_is_string(value);
    case LMS_NUMBER:
        return json_is_number(value);
    case LMS_BOOLEAN:
        return json_is_boolean(value);
    case LMS_OBJECT:
        return json_is_object(value);
    case LMS_ARRAY:
        return json_is_array(value);
    default:
        return true;
    }
}

/* A file attribute's URL is signed and short-lived; any other attribute is the customer's own text and stays as it is. */
static int unsign_files(json_t *attr)
{
    const char *name;
    json_t *value;
    int rc = 0;
    json_object_foreach(attr, name, value)
    {
        if (!rc && synap_is_file(value))
            rc = reply_unsign(value);
    }
    return rc;
}

static int add_member(const struct lms_collection *c, json_t *doc, json_t *readonly, const char *name, json_t *value,
                      struct err *e)
{
    const struct lms_field *f = doc_field(c, name);
    if (!f)
        return reply_keep(readonly, name, value);
    if (f->flags & LMS_SECRET)
        return 0;
    if (!json_is_null(value) && !has_type(f, value))
        return err_set(e, -EPROTO, "\"%s\" has a type that the API doesn't document", name);
    return json_object_set(doc, name, value) ? -ENOMEM : 0;
}

static int build_doc(const struct lms_collection *c, json_t *api, struct lms_record *out, struct err *e)
{
    json_t *readonly = json_object(), *value;
    const char *name;
    int rc = (out->doc = json_object()) && readonly ? 0 : -ENOMEM;

    json_object_foreach(api, name, value)
    {
        if (!rc)
            rc = add_member(c, out->doc, readonly, name, value, e);
    }
    if (!rc)
        rc = reply_unsign(readonly);
    if (!rc)
        rc = unsign_files(json_object_get(out->doc, "attr"));
    if (!rc)
        return json_object_set_new(out->doc, "_readonly", readonly) ? -ENOMEM : 0;
    json_decref(readonly);
    return rc;
}

int synap_record(const struct lms_collection *c, json_t *api, struct lms_record *out, struct err *e)
{
    const char *email = NULL;
    int rc = reply_name(api, "objectId", &out->key, e);

    if (!rc && synap_is(c, "users"))
        rc = reply_text(api, "email", &email, e);
    if (!rc)
        out->email = reply_dup(email && *email ? email : NULL, &rc);
    out->active = true;
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
