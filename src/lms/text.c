/* text.c — a growing text. */
#include "lms/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool text_grow(struct text *t, size_t more)
{
    if (t->failed)
        return false;
    if (more < t->cap - t->len)
        return true;
    size_t cap = t->cap ? t->cap : 256;
    while (cap - t->len <= more)
        cap *= 2;
    char *s = malloc(cap);
    if (!s) {
        t->failed = true;
        return false;
    }
    if (t->s) {
        memcpy(s, t->s, t->len);
        explicit_bzero(t->s, t->len);
        free(t->s);
    }
    t->s = s;
    t->cap = cap;
    return true;
}

void text_addn(struct text *t, const char *s, size_t n)
{
    if (!n || !text_grow(t, n))
        return;
    memcpy(t->s + t->len, s, n);
    t->len += n;
}

void text_add(struct text *t, const char *s)
{
    text_addn(t, s, strlen(s));
}

void text_addc(struct text *t, char c)
{
    if (text_grow(t, 1))
        t->s[t->len++] = c;
}

void text_addf(struct text *t, const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&s, fmt, ap);
    va_end(ap);
    if (n < 0) {
        t->failed = true;
        return;
    }
    text_addn(t, s, (size_t)n);
    free(s);
}

void text_percent(struct text *t, const char *s)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char hex[] = "0123456789ABCDEF";

    for (; *s; s++) {
        size_t n = strspn(s, plain);
        text_addn(t, s, n);
        s += n;
        if (!*s)
            return;
        unsigned char c = (unsigned char)*s;
        text_addn(t, (char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
    }
}

void text_base64(struct text *t, const char *s, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)s;

    for (; n; n -= n < 3 ? n : 3, p += 3) {
        unsigned bits = (unsigned)p[0] << 16 | (n > 1 ? (unsigned)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);
        text_addc(t, digits[bits >> 18]);
        text_addc(t, digits[bits >> 12 & 63]);
        text_addc(t, n > 1 ? digits[bits >> 6 & 63] : '=');
        text_addc(t, n > 2 ? digits[bits & 63] : '=');
    }
}

char *text_take(struct text *t, size_t *len)
{
    if (!text_grow(t, 1)) {
        text_release(t);
        return NULL;
    }
    char *s = t->s;
    s[t->len] = '\0';
    if (len)
        *len = t->len;
    *t = (struct text){0};
    return s;
}

void text_release(struct text *t)
{
    if (t->s)
        explicit_bzero(t->s, t->len);
    free(t->s);
    *t = (struct text){0};
}

uint64_t text_hash(const void *data, size_t len)
{
    const unsigned char *p = data;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}
