/* doc_apply.c — a delta carried onto the server's current document. */
#include "lms/doc_value.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <string.h>

struct apply {
    const json_t *base;    /* NULL: no check for conflicts */
    const json_t *current; /* NULL: the record is new */
    json_t *merged;
    bool write_only;
};

static int stale(const char *field, const char *key, struct err *e)
{
    return err_set(e, -ESTALE, "%s%s%.100s was changed on the server since it was shown", field, key ? "." : "",
                   key ? key : "");
}

/* Objects that the API takes in more words than it gives back (a job role's id): equal in every member that both name. */
static bool agree(const struct lms_field *f, const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    if (doc_same(f, a, b))
        return true;
    if (f->type != LMS_OBJECT || f->keyed_by || !json_is_object(a) || !json_is_object(b))
        return false;
    json_object_foreach((json_t *)a, key, value)
    {
        json_t *other = json_object_get(b, key);
        if (other && !doc_equal(value, other))
            return false;
    }
    return true;
}

/* Could the base have shown the field at all? A list row lacks what only the detail has, and what is never given back is
 * there only if we wrote it. */
static bool was_shown(const struct apply *a, const struct lms_field *f)
{
    if (!a->base || !a->current)
        return false;
    if ((f->flags & (LMS_SECRET | LMS_AS_WRITTEN)) && !doc_value(a->current, f->name))
        return false;
    return doc_complete(a->base) || json_object_get(a->base, f->name);
}

static bool conflict(const struct apply *a, const struct lms_field *f, const json_t *wanted)
{
    const json_t *now = doc_value(a->current, f->name);
    return was_shown(a, f) && !agree(f, doc_value(a->base, f->name), now) && !doc_same(f, now, wanted);
}

/* What can't change can still be told once of a record of which nobody can say what it holds. */
static bool is_fixed(const struct apply *a, const struct lms_field *f, const json_t *now)
{
    return a->current && (f->flags & LMS_FIXED) && (now || !a->write_only);
}

static int apply_set(struct apply *a, const struct lms_field *f, json_t *wanted, struct err *e)
{
    json_t *now = doc_value(a->current, f->name);
    if (conflict(a, f, wanted))
        return stale(f->name, NULL, e);
    if (a->current && doc_same(f, now, wanted)) /* merged has it already, in the server's order */
        return 0;
    if (is_fixed(a, f, now))
        return err_set(e, -EINVAL, "%s can't change once the record exists", f->name);
    return json_object_set_new(a->merged, f->name, json_deep_copy(wanted)) ? -ENOMEM : 0;
}

static int apply_clear(struct apply *a, const struct lms_field *f, struct err *e)
{
    json_t *now = doc_value(a->current, f->name);
    if (!now || ((f->keyed_by || (f->flags & LMS_WHOLE)) && !json_object_size(now) && !json_array_size(now)))
        return 0;
    bool list = f->type == LMS_ARRAY && (f->keyed_by || (f->flags & LMS_WHOLE));
    if ((!list && !(f->flags & LMS_CLEARABLE)) || (f->flags & (LMS_REQUIRED | LMS_FIXED)))
        return err_set(e, -EINVAL, "%s can't be cleared: the API documents no way to", f->name);
    if (conflict(a, f, NULL))
        return stale(f->name, NULL, e);
    return json_object_set_new(a->merged, f->name, list ? json_array() : json_null()) ? -ENOMEM : 0;
}

/* ------------------------------------------------------------------ by key */

static json_t *by_key(const struct lms_field *f, const json_t *doc)
{
    json_t *map = NULL;
    doc_by_key(f, doc_value(doc, f->name), &map);
    return map;
}

static bool removes(const json_t *removed, const char *key)
{
    for (size_t i = 0; i < json_array_size(removed); i++) {
        const char *name = json_string_value(json_array_get(removed, i));
        if (name && !strcmp(name, key))
            return true;
    }
    return false;
}

/* Does the server hold this element as it is wanted? An element that the server completed counts. */
static bool holds(const struct lms_field *f, const json_t *now, const json_t *wanted)
{
    const char *key;
    json_t *value;
    if (doc_equal(now, wanted))
        return true;
    if (f->type != LMS_ARRAY || (f->flags & LMS_WHOLE) || !now || !wanted)
        return false;
    json_object_foreach((json_t *)wanted, key, value)
    {
        if (!doc_equal(json_object_get(now, key), value))
            return false;
    }
    return true;
}

/* Is the element as it was shown? Shown may be what we wrote ourselves, and the server completes that (a group's name). */
static bool unmoved(const struct lms_field *f, const json_t *shown, const json_t *now)
{
    return doc_equal(shown, now) || (shown && holds(f, now, shown));
}

static int check_keys(const struct apply *a, const struct lms_field *f, const json_t *set, const json_t *removed,
                      struct err *e)
{
    const json_t *object = f->type == LMS_OBJECT && !(f->flags & LMS_CLEARABLE) ? doc_value(a->current, f->name) : NULL;
    for (size_t i = 0; i < json_array_size(removed); i++) {
        const char *name = json_string_value(json_array_get(removed, i));
        if (doc_value(object, name))
            return err_set(e, -EINVAL, "%s.%.100s can't be cleared: the API documents no way to", f->name, name);
    }
    if (!was_shown(a, f))
        return 0;
    json_t *before = by_key(f, a->base), *now = by_key(f, a->current), *wanted;
    const char *key;
    int rc = 0;

    if (!before || !now) { /* the server has a key twice: then the whole must not have changed */
        rc = doc_same(f, doc_value(a->base, f->name), doc_value(a->current, f->name)) ? 0 : stale(f->name, NULL, e);
    } else {
        json_object_foreach((json_t *)set, key, wanted)
        {
            const json_t *there = json_object_get(now, key);
            if (!rc && !unmoved(f, json_object_get(before, key), there) && !holds(f, there, wanted))
                rc = stale(f->name, key, e);
        }
        for (size_t i = 0; !rc && i < json_array_size(removed); i++) {
            key = json_string_value(json_array_get(removed, i));
            const json_t *there = json_object_get(now, key);
            if (there && !unmoved(f, json_object_get(before, key), there))
                rc = stale(f->name, key, e);
        }
    }
    json_decref(before);
    json_decref(now);
    return rc;
}

static json_t *merge_members(const json_t *now, const json_t *set, const json_t *removed)
{
    json_t *out = json_is_object(now) ? json_deep_copy(now) : json_object(), *value;
    const char *key;
    int rc = out ? 0 : -1;
    json_object_foreach((json_t *)set, key, value)
    {
        rc |= json_object_set_new(out, key, json_deep_copy(value));
    }
    for (size_t i = 0; i < json_array_size(removed); i++)
        json_object_del(out, json_string_value(json_array_get(removed, i)));
    if (!rc)
        return out;
    json_decref(out);
    return NULL;
}

/* The server's order stays; what is new comes after. */
static json_t *merge_elements(const struct lms_field *f, const json_t *now, const json_t *set, const json_t *removed)
{
    json_t *out = json_array(), *left = set ? json_deep_copy(set) : json_object(), *value;
    const char *key;
    char buf[DOC_KEY_LEN];
    int rc = out && left ? 0 : -1;

    for (size_t i = 0; i < json_array_size(now); i++) {
        const json_t *element = json_array_get(now, i);
        key = doc_element_key(f, element, buf);
        if (key && removes(removed, key))
            continue;
        const json_t *wanted = key ? json_object_get(left, key) : NULL;
        rc |= json_array_append_new(out, json_deep_copy(wanted && !holds(f, element, wanted) ? wanted : element));
        if (wanted)
            json_object_del(left, key);
    }
    json_object_foreach(left, key, value)
    {
        rc |= json_array_append_new(out, json_deep_copy(value));
    }
    json_decref(left);
    if (!rc)
        return out;
    json_decref(out);
    return NULL;
}

static int apply_keyed(struct apply *a, const struct lms_field *f, const json_t *entry, struct err *e)
{
    const json_t *set = json_object_get(entry, "set"), *removed = json_object_get(entry, "remove");
    const json_t *now = doc_value(a->current, f->name);
    int rc = check_keys(a, f, set, removed, e);
    if (rc)
        return rc;
    if (!now && !json_object_size(set)) /* nothing there that could be removed */
        return 0;
    json_t *value = f->type == LMS_OBJECT ? merge_members(now, set, removed) : merge_elements(f, now, set, removed);
    return json_object_set_new(a->merged, f->name, value) ? -ENOMEM : 0;
}

static bool unmoved_field(const struct lms_field *f, const json_t *shown, const json_t *now)
{
    json_t *before = NULL, *after = NULL, *element;
    const char *key;
    if (!f->keyed_by || doc_same(f, shown, now))
        return agree(f, shown, now);
    bool same = doc_by_key(f, shown, &before) == 0 && doc_by_key(f, now, &after) == 0 &&
                json_object_size(before) == json_object_size(after);
    json_object_foreach(before, key, element)
    {
        same = same && unmoved(f, element, json_object_get(after, key));
    }
    json_decref(before);
    json_decref(after);
    return same;
}

const char *doc_moved_on(const struct lms_collection *c, const json_t *shown, const json_t *now)
{
    for (const struct lms_field *f = c->fields; f && f->name; f++)
        if (json_object_get(shown, f->name) && !unmoved_field(f, json_object_get(shown, f->name), doc_value(now, f->name)))
            return f->name;
    return NULL;
}

/* ------------------------------------------------------------------ the document */

static int apply_delta(struct apply *a, const struct lms_collection *c, const json_t *delta, struct err *e)
{
    const json_t *clear = json_object_get(delta, "clear");
    const struct lms_field *f;
    const char *name;
    json_t *value;
    int rc = 0;

    json_object_foreach(json_object_get(delta, "set"), name, value)
    {
        if (!rc)
            rc = (f = doc_field(c, name)) ? apply_set(a, f, value, e) : doc_no_field(c, name, e);
    }
    for (size_t i = 0; !rc && i < json_array_size(clear); i++) {
        name = json_string_value(json_array_get(clear, i));
        rc = (f = doc_field(c, name ? name : "")) ? apply_clear(a, f, e) : doc_no_field(c, name ? name : "?", e);
    }
    json_object_foreach(json_object_get(delta, "keyed"), name, value)
    {
        if (!rc)
            rc = (f = doc_field(c, name)) && f->keyed_by ? apply_keyed(a, f, value, e) : doc_no_field(c, name, e);
    }
    return rc;
}

static int list_changed(const struct apply *a, const struct lms_collection *c, const json_t *delta, json_t *changed)
{
    const json_t *set = json_object_get(delta, "set");
    for (const struct lms_field *f = c->fields; f && f->name; f++) {
        bool unseen = (f->flags & (LMS_AS_WRITTEN | LMS_SECRET)) && json_object_get(set, f->name);
        bool differs = !doc_same(f, doc_value(a->current, f->name), doc_value(a->merged, f->name));
        if ((unseen || differs) && json_array_append_new(changed, json_string(f->name)))
            return -ENOMEM;
    }
    return 0;
}

int doc_apply(const struct lms_collection *c, const json_t *base, const json_t *current, const json_t *delta,
              json_t **merged, json_t **changed, struct err *e)
{
    struct apply a = {.base = base,
                      .current = current,
                      .merged = current ? json_deep_copy(current) : json_object(),
                      .write_only = c->kind == LMS_WRITE_ONLY};
    json_t *names = json_array();

    *merged = *changed = NULL;
    json_object_del(a.merged, "_readonly");
    json_object_del(a.merged, "_options");
    int rc = a.merged && names ? apply_delta(&a, c, delta, e) : -ENOMEM;
    if (!rc)
        rc = list_changed(&a, c, delta, names);
    if (rc) {
        json_decref(a.merged);
        json_decref(names);
        return rc == -ENOMEM ? err_set(e, rc, "out of memory") : rc;
    }
    *merged = a.merged;
    *changed = names;
    return 0;
}
