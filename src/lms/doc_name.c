/* doc_name.c — an id as a file name, and back. */
#include "lms/text.h"
#include "lmsfs/doc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES   255 /* NAME_MAX */
#define SUFFIX       ".json"
#define SUFFIX_LEN   5
#define CUT_LEN      17  /* "~" and 16 hex digits */
#define CUT_SHORTEST 250 /* a cut falls on a character, so a cut name may miss up to 3 bytes of NAME_BYTES */

static bool must_encode(unsigned char c, bool leads)
{
    return c < 0x20 || c == 0x7f || c == '/' || c == '%' || (leads && c == '.');
}

/* Does a stem look as if stem_to_name had cut it? An id that happens to look so is cut as well, so this is never in doubt. */
static bool looks_cut(const char *stem, size_t len)
{
    if (len + SUFFIX_LEN < CUT_SHORTEST || stem[len - CUT_LEN] != '~')
        return false;
    for (const char *p = stem + len - CUT_LEN + 1; p < stem + len; p++)
        if (!memchr("0123456789abcdef", *p, 16))
            return false;
    return true;
}

/* The longest start of s[0..len) that is at most `max` bytes and splits neither a UTF-8 character nor a %XX. At most
 * 3 bytes are given up, or 2 of a %XX: CUT_SHORTEST counts on it. */
static size_t cut_at(const char *s, size_t max)
{
    size_t n = max;
    while (max - n < 3 && ((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    if (n >= 1 && s[n - 1] == '%')
        return n - 1;
    if (n >= 2 && s[n - 2] == '%')
        return n - 2;
    return n;
}

static void encode(struct text *t, const char *prefix, const char *id)
{
    static const char hex[] = "0123456789ABCDEF";
    text_add(t, prefix);
    for (const char *p = id; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (must_encode(c, p == id && !*prefix))
            text_addn(t, (char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
        else
            text_addc(t, *p);
    }
}

/* "EXT-<long>" → "EXT-<lon>~0123456789abcdef", made of the whole stem as it was before encoding. */
static void shorten(struct text *t, const char *prefix, const char *id)
{
    struct text whole = {0};
    text_add(&whole, prefix);
    text_add(&whole, id);
    uint64_t hash = text_hash(whole.s, whole.len);
    t->failed |= whole.failed;
    text_release(&whole);
    if (t->failed)
        return;
    t->len = cut_at(t->s, NAME_BYTES - SUFFIX_LEN - CUT_LEN);
    text_addf(t, "~%016" PRIx64, hash);
}

int doc_stem_to_name(const char *prefix, const char *id, char *name, size_t size)
{
    struct text t = {0};
    if (!*id)
        return -EINVAL;
    encode(&t, prefix, id);
    if (!t.failed && (t.len + SUFFIX_LEN > NAME_BYTES || looks_cut(t.s, t.len)))
        shorten(&t, prefix, id);
    text_add(&t, SUFFIX);
    size_t len;
    char *made = text_take(&t, &len);
    if (!made)
        return -ENOMEM;
    int rc = len < size ? 0 : -ENAMETOOLONG;
    if (!rc)
        memcpy(name, made, len + 1);
    free(made);
    return rc;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Only what encode() writes is taken: a byte that needn't be encoded has no second spelling, so a record has one name. */
static int decode(const char *s, size_t len, bool plain, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_digit(s[i + 1]) : -1, low = i + 2 < len ? hex_digit(s[i + 2]) : -1;
            if (high < 0 || low < 0)
                return -EINVAL;
            c = (unsigned char)(high << 4 | low);
            if (!c || !must_encode(c, plain && i == 0))
                return -EINVAL;
            i += 2;
        } else if (must_encode(c, plain && i == 0)) {
            return -EINVAL;
        }
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return 0;
}

static int to_stem(const char *name, bool plain, char *stem, size_t size)
{
    size_t len = strlen(name);
    if (len <= SUFFIX_LEN || len > NAME_BYTES || strcmp(name + len - SUFFIX_LEN, SUFFIX) != 0)
        return -EINVAL;
    len -= SUFFIX_LEN;
    size_t prefix = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if ((!plain && (!prefix || name[prefix] != '-' || prefix + 1 >= len)) || looks_cut(name, len))
        return -EINVAL;
    char decoded[NAME_BYTES + 1];
    int rc = decode(name, len, plain, decoded);
    if (rc)
        return rc;
    size_t n = strlen(decoded);
    if (n >= size)
        return -ENAMETOOLONG;
    memcpy(stem, decoded, n + 1);
    return 0;
}

int doc_name_to_stem(const char *name, char *stem, size_t size)
{
    return to_stem(name, false, stem, size);
}

int doc_name_to_key(const char *name, char *key, size_t size)
{
    return to_stem(name, true, key, size);
}
