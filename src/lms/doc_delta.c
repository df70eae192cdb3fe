/* doc_delta.c — what a person changed, as a delta: {"set":{…}, "clear":[…], "keyed":{field:{"set":{…},"remove":[…]}}}. */
#include "lms/doc_value.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct diff {
    const json_t *base; /* NULL: nothing is known of what was shown */
    bool whole;         /* the saved document has `_readonly`: what it lacks was removed */
    json_t *set, *clear, *keyed;
};

/* ------------------------------------------------------------------ _readonly */

static int readonly_changed(const char *path, struct err *e)
{
    return err_set(e, -EINVAL, "%s was changed, and only the server decides it", path);
}

/* Names the member that differs as exactly as objects allow: "_readonly.manager.name". */
static int same_readonly(const char *path, const json_t *shown, const json_t *saved, struct err *e)
{
    const char *key;
    json_t *value;
    char member[256];
    bool top = !strcmp(path, "_readonly");

    if (!json_is_object(shown) || !json_is_object(saved))
        return doc_equal(shown, saved) ? 0 : readonly_changed(path, e);
    json_object_foreach((json_t *)saved, key, value)
    {
        snprintf(member, sizeof member, "%s.%s", path, key);
        int rc = top && doc_is_ours(key) ? 0 : same_readonly(member, json_object_get(shown, key), value, e);
        if (rc)
            return rc;
    }
    json_object_foreach((json_t *)shown, key, value)
    {
        snprintf(member, sizeof member, "%s.%s", path, key);
        if (!json_object_get(saved, key) && !(top && doc_is_ours(key)))
            return readonly_changed(member, e);
    }
    return 0;
}

/* ------------------------------------------------------------------ one field */

static int cannot_clear(const char *field, const char *member, struct err *e)
{
    return err_set(e, -EINVAL, "%s%s%.100s can't be cleared: the API documents no way to", field, member ? "." : "",
                   member ? member : "");
}

/* An element of an array may leave out what the server fills in (a group's name), unless the API replaces the array whole. */
static bool same_element(const struct lms_field *f, const json_t *known, const json_t *wanted)
{
    const char *key;
    json_t *value;
    if (f->type == LMS_OBJECT || (f->flags & LMS_WHOLE) || !known)
        return doc_equal(known, wanted);
    json_object_foreach((json_t *)wanted, key, value)
    {
        if (!doc_equal(json_object_get(known, key), value))
            return false;
    }
    return true;
}

static int put_keyed(struct diff *d, const struct lms_field *f, json_t *set, json_t *removed)
{
    json_t *entry = json_object();
    int rc = entry ? 0 : -1;
    if (json_object_size(set))
        rc |= json_object_set(entry, "set", set);
    if (json_array_size(removed))
        rc |= json_object_set(entry, "remove", removed);
    if (!rc && json_object_size(entry))
        rc = json_object_set(d->keyed, f->name, entry);
    json_decref(entry);
    return rc ? -ENOMEM : 0;
}

/* Members that a partial document gives as null, to be cleared; whether they are there at all, doc_apply sees. */
static int nulls_of(const json_t *object, json_t *removed)
{
    const char *key;
    json_t *value;
    int rc = 0;
    json_object_foreach((json_t *)object, key, value)
    {
        if (json_is_null(value))
            rc |= json_array_append_new(removed, json_string(key));
    }
    return rc;
}

/* A partial document says nothing of the keys that it doesn't name: an export of one custom field must not wipe the others. */
static bool keeps(const json_t *saved, const char *key)
{
    return json_is_object(saved) ? !json_object_get(saved, key) : json_array_size(saved) > 0;
}

/* known, wanted: key → element; saved: as it came, NULL where the whole field is gone. */
static int diff_keys(struct diff *d, const struct lms_field *f, json_t *known, json_t *wanted, const json_t *saved,
                     struct err *e)
{
    json_t *set = json_object(), *removed = json_array(), *element;
    const char *key;
    int rc = 0;

    json_object_foreach(wanted, key, element)
    {
        if (!same_element(f, json_object_get(known, key), element))
            rc |= json_object_set(set, key, element);
    }
    json_object_foreach(known, key, element)
    {
        if (json_object_get(wanted, key) || (!d->whole && keeps(saved, key)))
            continue;
        if (f->type == LMS_OBJECT && !(f->flags & LMS_CLEARABLE)) {
            rc = cannot_clear(f->name, key, e);
            break;
        }
        rc |= json_array_append_new(removed, json_string(key));
    }
    if (!d->base && f->type == LMS_OBJECT)
        rc |= nulls_of(saved, removed);
    if (rc != -EINVAL)
        rc = rc ? -ENOMEM : put_keyed(d, f, set, removed);
    json_decref(set);
    json_decref(removed);
    return rc;
}

/* -ENOTSUP: not by key, but as a whole. */
static int diff_keyed(struct diff *d, const struct lms_field *f, const json_t *shown, const json_t *saved, struct err *e)
{
    json_t *known = NULL, *wanted = NULL;
    int rc = doc_by_key(f, shown, &known);
    if (!rc)
        rc = doc_by_key(f, saved, &wanted);
    rc = rc == -EINVAL ? -ENOTSUP : rc ? rc : diff_keys(d, f, known, wanted, saved, e);
    json_decref(known);
    json_decref(wanted);
    return rc;
}

static int put_set(struct diff *d, const struct lms_field *f, json_t *value)
{
    return json_object_set(d->set, f->name, value) ? -ENOMEM : 0;
}

static int put_clear(struct diff *d, const struct lms_field *f)
{
    return json_array_append_new(d->clear, json_string(f->name)) ? -ENOMEM : 0;
}

static int diff_removed(struct diff *d, const struct lms_field *f, json_t *shown, struct err *e)
{
    if (f->keyed_by) {
        int rc = diff_keyed(d, f, shown, NULL, e);
        if (rc != -ENOTSUP)
            return rc;
    }
    bool clearable = (f->flags & (LMS_CLEARABLE | LMS_WHOLE)) && !(f->flags & (LMS_REQUIRED | LMS_FIXED));
    return clearable ? put_clear(d, f) : cannot_clear(f->name, NULL, e);
}

static int diff_field(struct diff *d, const struct lms_collection *c, const struct lms_field *f, const json_t *saved,
                      struct err *e)
{
    json_t *before = doc_value(d->base, f->name), *after = doc_value(saved, f->name);

    if (!after) {
        bool asked = json_object_get(saved, f->name) || d->whole;
        if (!asked || (d->base && !before))
            return 0;
        if (!d->base) /* what is there now decides: doc_apply */
            return d->whole ? 0 : put_clear(d, f);
        return diff_removed(d, f, before, e);
    }
    if (before && doc_same(f, before, after))
        return 0;
    if (d->base && (f->flags & LMS_FIXED) && (before || c->kind != LMS_WRITE_ONLY))
        return err_set(e, -EINVAL, "%s can't change once the record exists", f->name);
    bool empty = json_is_array(after) && !json_array_size(after);
    if (f->keyed_by && empty && !d->base && !d->whole)
        return put_clear(d, f);
    if (f->keyed_by) {
        int rc = diff_keyed(d, f, before, after, e);
        if (rc != -ENOTSUP)
            return rc;
    }
    return put_set(d, f, after);
}

/* ------------------------------------------------------------------ the document */

static int known_members(const struct lms_collection *c, const json_t *saved, struct err *e)
{
    const char *key;
    json_t *value;
    if (!json_is_object(saved))
        return err_set(e, -EINVAL, "the document must be a JSON object");
    json_object_foreach((json_t *)saved, key, value)
    {
        bool ours = !strcmp(key, "_readonly") || !strcmp(key, "_options");
        if (ours && !json_is_object(value))
            return err_set(e, -EINVAL, "%s must be an object", key);
        if (!ours && !doc_field(c, key))
            return doc_no_field(c, key, e);
    }
    return 0;
}

static int build_delta(struct diff *d, json_t **delta)
{
    int rc = (*delta = json_object()) ? 0 : -1;
    if (json_object_size(d->set))
        rc |= json_object_set(*delta, "set", d->set);
    if (json_array_size(d->clear))
        rc |= json_object_set(*delta, "clear", d->clear);
    if (json_object_size(d->keyed))
        rc |= json_object_set(*delta, "keyed", d->keyed);
    return rc ? -ENOMEM : 0;
}

int doc_diff(const struct lms_collection *c, const json_t *base, const json_t *saved, json_t **delta, struct err *e)
{
    struct diff d = {.base = base, .set = json_object(), .clear = json_array(), .keyed = json_object()};
    json_t *found = NULL, *readonly = json_object_get(saved, "_readonly");

    *delta = NULL;
    d.whole = readonly;
    int rc = d.set && d.clear && d.keyed ? known_members(c, saved, e) : -ENOMEM;
    if (!rc && base && readonly)
        rc = same_readonly("_readonly", json_object_get(base, "_readonly"), readonly, e);
    for (const struct lms_field *f = c->fields; !rc && f && f->name; f++)
        rc = diff_field(&d, c, f, saved, e);
    if (!rc)
        rc = build_delta(&d, &found);
    if (!rc) {
        *delta = json_deep_copy(found); /* nothing shared with what the caller goes on changing */
        rc = *delta ? 0 : -ENOMEM;
    }
    json_decref(found);
    json_decref(d.set);
    json_decref(d.clear);
    json_decref(d.keyed);
    return rc == -ENOMEM ? err_set(e, rc, "out of memory") : rc;
}
