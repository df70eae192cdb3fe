/* doc_equal.c — when two values are the same. */
#include "lms/doc_value.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* An integer and a real: the same number only if neither loses anything in the other's type. */
static bool equal_mixed(json_int_t i, double r)
{
    const double limit = 9223372036854775808.0; /* 2^63 */
    return r >= -limit && r < limit && (double)i == r && (json_int_t)r == i;
}

static bool equal_objects(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach((json_t *)a, key, value)
    {
        if (!doc_equal(value, json_object_get(b, key)))
            return false;
    }
    return true;
}

static bool equal_arrays(const json_t *a, const json_t *b)
{
    size_t n = json_array_size(a);
    if (n != json_array_size(b))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!doc_equal(json_array_get(a, i), json_array_get(b, i)))
            return false;
    return true;
}

bool doc_equal(const json_t *a, const json_t *b)
{
    if (!a || !b)
        return a == b;
    if (json_is_integer(a) && json_is_real(b))
        return equal_mixed(json_integer_value(a), json_real_value(b));
    if (json_is_real(a) && json_is_integer(b))
        return equal_mixed(json_integer_value(b), json_real_value(a));
    if (json_typeof(a) != json_typeof(b))
        return false;
    if (json_is_object(a))
        return equal_objects(a, b);
    if (json_is_array(a))
        return equal_arrays(a, b);
    return json_equal(a, b);
}

const char *doc_element_key(const struct lms_field *f, const json_t *element, char buf[DOC_KEY_LEN])
{
    if (f->key_of)
        return f->key_of(element, buf, DOC_KEY_LEN) ? buf : NULL;
    const json_t *key = *f->keyed_by ? json_object_get(element, f->keyed_by) : element; /* "": a set of strings */
    if (json_is_integer(key)) {
        snprintf(buf, DOC_KEY_LEN, "%" JSON_INTEGER_FORMAT, json_integer_value(key));
        return buf;
    }
    const char *s = json_string_value(key);
    return s && *s && strlen(s) == json_string_length(key) ? s : NULL;
}

static int members_by_key(const json_t *value, json_t *out)
{
    const char *key;
    json_t *member;
    if (value && !json_is_object(value))
        return -EINVAL;
    json_object_foreach((json_t *)value, key, member)
    {
        if (!json_is_null(member) && json_object_set(out, key, member))
            return -ENOMEM;
    }
    return 0;
}

static int elements_by_key(const struct lms_field *f, const json_t *value, json_t *out)
{
    if (value && !json_is_array(value))
        return -EINVAL;
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *element = json_array_get(value, i);
        char buf[DOC_KEY_LEN];
        const char *key = doc_element_key(f, element, buf);
        if (!key || json_object_get(out, key))
            return -EINVAL;
        if (json_object_set(out, key, element))
            return -ENOMEM;
    }
    return 0;
}

int doc_by_key(const struct lms_field *f, const json_t *value, json_t **out)
{
    if (json_is_null(value))
        value = NULL;
    *out = json_object();
    if (!*out)
        return -ENOMEM;
    int rc = f->type == LMS_OBJECT ? members_by_key(value, *out) : elements_by_key(f, value, *out);
    if (rc) {
        json_decref(*out);
        *out = NULL;
    }
    return rc;
}

bool doc_same(const struct lms_field *f, const json_t *a, const json_t *b)
{
    a = json_is_null(a) ? NULL : a;
    b = json_is_null(b) ? NULL : b;
    if (!f->keyed_by || !a || !b)
        return doc_equal(a, b);
    json_t *ka = NULL, *kb = NULL;
    bool keyed = !doc_by_key(f, a, &ka) && !doc_by_key(f, b, &kb);
    bool same = keyed ? doc_equal(ka, kb) : doc_equal(a, b);
    json_decref(ka);
    json_decref(kb);
    return same;
}
