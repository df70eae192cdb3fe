/* doc_form.c — what a document looks like: order, version, a row over a detail, what is shown and what is hidden. */
#include "lms/doc_value.h"
#include "lms/text.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What must not stand in a file, in the cache or in any copy, though no field is called so. */
static bool is_secret_word(const char *key)
{
    static const char *const words[] = {"password", "passwd", "passphrase", "pwd",
                                        "secret",   "token",  "api_key",    "apikey"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(key, words[i]))
            return true;
    return false;
}

json_t *doc_value(const json_t *doc, const char *name)
{
    json_t *value = json_object_get(doc, name);
    return json_is_null(value) ? NULL : value;
}

bool doc_is_ours(const char *readonly_member)
{
    return !strcmp(readonly_member, "version") || !strcmp(readonly_member, "complete") ||
           !strcmp(readonly_member, "as_written");
}

const char *doc_version(const json_t *doc)
{
    return json_string_value(json_object_get(json_object_get(doc, "_readonly"), "version"));
}

bool doc_complete(const json_t *doc)
{
    return !json_is_false(json_object_get(json_object_get(doc, "_readonly"), "complete"));
}

/* Is `doc` in the order that put_in_order makes? It nearly always is, for that is how replies are read. */
static bool in_order(const struct lms_collection *c, const json_t *doc)
{
    const struct lms_field *next = c->fields;
    const char *key;
    json_t *value;
    bool rest = false, last = false;

    json_object_foreach((json_t *)doc, key, value)
    {
        (void)value;
        if (last)
            return false;
        if (!strcmp(key, "_readonly")) {
            last = true;
        } else if (!doc_field(c, key)) {
            rest = true;
        } else {
            if (rest)
                return false;
            while (next->name && strcmp(next->name, key) != 0)
                next++;
            if (!next->name)
                return false;
        }
    }
    return true;
}

static int put_in_order(const struct lms_collection *c, json_t *doc)
{
    const char *key;
    json_t *value, *sorted = json_object();
    int rc = sorted ? 0 : -1;

    for (const struct lms_field *f = c->fields; f->name; f++)
        if ((value = json_object_get(doc, f->name)))
            rc |= json_object_set(sorted, f->name, value);
    json_object_foreach(doc, key, value)
    {
        if (!doc_field(c, key) && strcmp(key, "_readonly") != 0)
            rc |= json_object_set(sorted, key, value);
    }
    if ((value = json_object_get(doc, "_readonly")))
        rc |= json_object_set(sorted, "_readonly", value);
    if (!rc)
        rc = json_object_clear(doc) | json_object_update(doc, sorted);
    json_decref(sorted);
    return rc ? -ENOMEM : 0;
}

/* Our own members of `_readonly` stand at its end, in this order, whichever way the document came about. */
static int put_last(json_t *object, const char *name, json_t *value)
{
    json_object_del(object, name);
    return value ? json_object_set_new(object, name, value) : 0;
}

int doc_finish(const struct lms_collection *c, json_t *doc, bool complete)
{
    if (!c->fields)
        return 0;
    json_t *readonly = json_object_get(doc, "_readonly");
    if (!readonly) {
        readonly = json_object();
        if (json_object_set_new(doc, "_readonly", readonly))
            return -ENOMEM;
    }
    if (!in_order(c, doc) && put_in_order(c, doc))
        return -ENOMEM;

    json_object_del(readonly, "version");
    if (put_last(readonly, "as_written", json_incref(json_object_get(readonly, "as_written"))) ||
        put_last(readonly, "complete", json_boolean(complete)))
        return -ENOMEM;

    char *bytes, version[DOC_VERSION_LEN + 1];
    size_t len;
    if (doc_print(doc, &bytes, &len))
        return -ENOMEM;
    snprintf(version, sizeof version, "%016" PRIx64, text_hash(bytes, len));
    free(bytes);
    return json_object_set_new(readonly, "version", json_string(version)) ? -ENOMEM : 0;
}

int doc_gather(const struct lms_collection *c, json_t *doc, struct err *e)
{
    json_t *value, *open = doc_value(doc, c->open ? c->open : ""), *found;
    const char *key;
    int rc = 0;
    if (!c->open || !json_is_object(doc) || (open && !json_is_object(open)))
        return 0;
    found = json_object();
    json_object_foreach(doc, key, value)
    {
        if (*key == '_' || doc_field(c, key))
            continue;
        if (is_secret_word(key))
            rc = err_set(
                e, -EINVAL,
                "%.80s is no field of %s, and is not taken for a custom one: everybody who reads the file would see it",
                key, c->name);
        else if (json_object_get(open, key))
            rc = err_set(e, -EINVAL, "%.80s stands at the top and in %s too: one of them goes", key, c->open);
        else if (!rc && json_object_set(found, key, value))
            rc = -ENOMEM;
    }
    json_object_foreach(found, key, value)
    {
        json_object_del(doc, key);
    }
    if (!rc && json_object_size(found))
        rc = (open ? json_object_update(open, found) : json_object_set(doc, c->open, found)) ? -ENOMEM : 0;
    json_decref(found);
    return rc;
}

json_t *doc_overlay_row(const json_t *known, const json_t *row)
{
    const char *key;
    json_t *value, *doc = json_deep_copy(known);
    int rc = doc ? 0 : -1;

    json_object_foreach((json_t *)row, key, value)
    {
        if (strcmp(key, "_readonly") != 0)
            rc |= json_object_set_new(doc, key, json_deep_copy(value));
    }
    json_t *readonly = json_object_get(doc, "_readonly");
    json_object_foreach(json_object_get(row, "_readonly"), key, value)
    {
        if (!readonly)
            rc |= json_object_set_new(doc, "_readonly", readonly = json_object());
        if (!doc_is_ours(key))
            rc |= json_object_set_new(readonly, key, json_deep_copy(value));
    }
    if (!rc)
        return doc;
    json_decref(doc);
    return NULL;
}

static bool was_written(const json_t *current, const char *name)
{
    json_t *names = json_object_get(json_object_get(current, "_readonly"), "as_written");
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *s = json_string_value(json_array_get(names, i));
        if (s && !strcmp(s, name))
            return true;
    }
    return false;
}

/* The as_written fields that the document holds, as a new array; NULL when there are none (or no memory: *rc). One that the server gave
 * after all, and that is as it was, is none. */
static json_t *as_written(const struct lms_collection *c, const json_t *current, const json_t *doc, int *rc)
{
    json_t *names = NULL;
    for (const struct lms_field *f = c->fields; f && f->name; f++) {
        json_t *value = doc_value(doc, f->name), *before = doc_value(current, f->name);
        if (!(f->flags & LMS_AS_WRITTEN) || !value)
            continue;
        if (before && doc_same(f, before, value) && !was_written(current, f->name))
            continue;
        if (!names)
            names = json_array();
        *rc |= json_array_append_new(names, json_string(f->name));
    }
    return names;
}

json_t *doc_project(const struct lms_collection *c, const json_t *current, const json_t *merged)
{
    json_t *doc = json_deep_copy(merged), *known = json_object_get(current, "_readonly");
    json_t *readonly = known ? json_deep_copy(known) : json_object();
    int rc = doc && readonly ? 0 : -1;

    json_object_del(doc, "_options");
    for (const struct lms_field *f = c->fields; f && f->name; f++)
        if (f->flags & LMS_SECRET)
            json_object_del(doc, f->name);
    rc |= put_last(readonly, "as_written", as_written(c, current, doc, &rc));
    rc |= json_object_set_new(doc, "_readonly", readonly);
    /* A record that was just made: the server has more to say about it. */
    if (!rc && !doc_finish(c, doc, current && doc_complete(current)))
        return doc;
    json_decref(doc);
    return NULL;
}

static json_t *mask_of(const json_t *value)
{
    if (!json_is_array(value))
        return json_string(DOC_MASK);
    json_t *masks = json_array();
    for (size_t i = 0; i < json_array_size(value); i++)
        json_array_append_new(masks, json_string(DOC_MASK));
    return masks;
}

json_t *doc_masked(const struct lms_collection *c, const json_t *doc)
{
    json_t *copy = json_deep_copy(doc), *member;
    const char *key;
    json_object_foreach(copy, key, member)
    {
        if (is_secret_word(key) && !doc_field(c, key) && json_object_set_new(copy, key, json_string(DOC_MASK))) {
            json_decref(copy);
            return NULL;
        }
    }
    for (const struct lms_field *f = c->fields; f && f->name; f++) {
        json_t *value = doc_value(copy, f->name);
        if (!(f->flags & (LMS_SECRET | LMS_PRIVATE)) || !value)
            continue;
        if (json_object_set_new(copy, f->name, mask_of(f->flags & LMS_PRIVATE ? value : NULL))) {
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

int doc_unmask(const struct lms_collection *c, json_t *doc, const json_t *current)
{
    for (const struct lms_field *f = c->fields; f && f->name; f++) {
        const char *value = json_string_value(json_object_get(doc, f->name));
        json_t *known = doc_value(current, f->name);
        if ((f->flags & LMS_PRIVATE) && value && !strcmp(value, DOC_MASK) && known && json_object_set(doc, f->name, known))
            return -ENOMEM;
    }
    return 0;
}

/* Every place where `secret` stands in `text`. Shorter ones than this would hide half a sentence. */
#define MASK_SHORTEST 4

static void hide_in(char *text, const char *secret)
{
    size_t len = secret ? strlen(secret) : 0, mask = strlen(DOC_MASK);
    if (len < MASK_SHORTEST)
        return;
    for (char *at = text; (at = strstr(at, secret)); at += mask) {
        memcpy(at, DOC_MASK, mask);
        memmove(at + mask, at + len, strlen(at + len) + 1);
    }
}

void doc_mask_values(const json_t *value, char *text)
{
    hide_in(text, json_string_value(value));
    for (size_t i = 0; i < json_array_size(value); i++)
        hide_in(text, json_string_value(json_array_get(value, i)));
}

void doc_mask_text(const struct lms_collection *c, const json_t *doc, char *text)
{
    for (const struct lms_field *f = c->fields; f && f->name; f++)
        if (f->flags & (LMS_SECRET | LMS_PRIVATE))
            doc_mask_values(json_object_get(doc, f->name), text);
}
