/* urls.c — the signed URLs of a reply, found wherever they stand. */
#include "lms/build.h"
#include "lms/reply.h"
#include "lms/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Adds what is below `value`; `at` is where that stands. */
static int collect(const json_t *value, const char *at, json_t *into)
{
    const char *key;
    json_t *member;
    char *below = NULL;
    int rc = 0;
    if (reply_is_signed(value))
        return json_array_append_new(into, json_pack("{s:s, s:O}", "name", at, "url", value)) ? -ENOMEM : 0;
    json_object_foreach((json_t *)value, key, member)
    {
        if (rc || asprintf(&below, "%s%s%s", at, *at ? "." : "", key) < 0)
            return rc ? rc : -ENOMEM;
        rc = collect(member, below, into);
        free(below);
    }
    for (size_t i = 0; !rc && i < json_array_size(value); i++) {
        if (asprintf(&below, "%s[%zu]", at, i) < 0)
            return -ENOMEM;
        rc = collect(json_array_get(value, i), below, into);
        free(below);
    }
    return rc;
}

static bool has_key(const json_t *object, const char *key)
{
    static const char *const members[] = {"objectId", "hownow_id", "id"};
    char number[24];
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const json_t *id = json_object_get(object, members[i]);
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        if (json_is_string(id) ? !strcmp(json_string_value(id), key) : json_is_integer(id) && !strcmp(number, key))
            return true;
    }
    return false;
}

/* The outermost object that has this id. Borrowed. */
static const json_t *find(const json_t *value, const char *key)
{
    const char *name;
    json_t *member;
    const json_t *found = json_is_object(value) && has_key(value, key) ? value : NULL;
    json_object_foreach((json_t *)value, name, member)
    {
        found = found ? found : find(member, key);
    }
    for (size_t i = 0; !found && i < json_array_size(value); i++)
        found = find(json_array_get(value, i), key);
    return found;
}

int lms_signed_urls(const struct http_reply *r, const char *key, json_t **out, struct err *e)
{
    json_t *reply;
    *out = NULL;
    int rc = reply_object(r, &reply, e);
    if (rc)
        return rc;
    const json_t *data = json_object_get(reply, "data"), *from = key                    ? find(reply, key)
                                                                 : json_is_object(data) ? data
                                                                                        : reply;
    *out = json_array();
    rc = !from ? err_set(e, -ENOENT, "the reply has no record %.80s", key) : *out ? collect(from, "", *out) : -ENOMEM;
    if (!rc && !json_array_size(*out))
        rc = err_set(e, -ENODATA, "it has no signed URL");
    json_decref(reply);
    if (rc) {
        json_decref(*out);
        *out = NULL;
    }
    return build_told(rc, e);
}
