/* doc_hash.c — one number for a document, without printing it. */
#include "lmsfs/doc.h"

#include <string.h>

/* FNV-1a, 64 bits. */
static uint64_t add(uint64_t h, const void *data, size_t n)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3ull;
    return h;
}

/* Each text with its length, so that ("a", "bc") and ("ab", "c") differ. */
static uint64_t add_text(uint64_t h, const char *s, size_t n)
{
    return add(add(h, &n, sizeof n), s, n);
}

static uint64_t add_value(uint64_t h, const json_t *v)
{
    int type = json_typeof(v);
    const char *key;
    json_t *member;
    size_t i;
    h = add(h, &type, sizeof type);
    switch (json_typeof(v)) {
    case JSON_STRING:
        return add_text(h, json_string_value(v), json_string_length(v));
    case JSON_INTEGER: {
        json_int_t n = json_integer_value(v);
        return add(h, &n, sizeof n);
    }
    case JSON_REAL: {
        double n = json_real_value(v);
        return add(h, &n, sizeof n);
    }
    case JSON_ARRAY:
        json_array_foreach(v, i, member)
        {
            h = add_value(h, member);
        }
        break;
    case JSON_OBJECT:
        json_object_foreach((json_t *)v, key, member)
        {
            h = add_value(add_text(h, key, strlen(key)), member);
        }
        break;
    default:
        break;
    }
    i = 0; /* an end: [[1], 2] and [[1, 2]] differ */
    return add(h, &i, sizeof i);
}

uint64_t doc_hash(const json_t *doc)
{
    uint64_t h = add_value(0xcbf29ce484222325ull, doc);
    return h ? h : 1;
}
