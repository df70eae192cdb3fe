/* A growing byte buffer and the few JSON pieces that replies are written with. */
#include "buf.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *sb_realloc(void *p, size_t size)
{
    void *q = realloc(p, size ? size : 1);

    if (!q)
        abort();
    return q;
}

void *sb_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);

    if (!p)
        abort();
    return p;
}

char *sb_strdup(const char *s)
{
    char *copy = strdup(s);

    if (!copy)
        abort();
    return copy;
}

static void reserve(struct buf *b, size_t extra)
{
    size_t need = b->len + extra + 1;

    if (need <= b->cap)
        return;
    b->cap = need < 256 ? 256 : need + need / 2;
    b->data = sb_realloc(b->data, b->cap);
}

void sb_add(struct buf *b, const char *bytes, size_t len)
{
    reserve(b, len);
    if (len)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void sb_str(struct buf *b, const char *s)
{
    sb_add(b, s, strlen(s));
}

void sb_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    int need;

    va_start(args, format);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): wrong when several files are checked at once
    need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (need <= 0)
        return;
    reserve(b, (size_t)need);
    va_start(args, format);
    vsnprintf(b->data + b->len, (size_t)need + 1, format, args);
    va_end(args);
    b->len += (size_t)need;
}

void sb_json(struct buf *b, const char *s)
{
    const char *plain = s;

    if (!s) {
        sb_add(b, "null", 4);
        return;
    }
    sb_add(b, "\"", 1);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        sb_add(b, plain, (size_t)(s - plain));
        plain = s + 1;
        if (c == '"' || c == '\\')
            sb_printf(b, "\\%c", c);
        else if (c == '\n')
            sb_add(b, "\\n", 2);
        else
            sb_printf(b, "\\u%04x", c);
    }
    sb_add(b, plain, (size_t)(s - plain));
    sb_add(b, "\"", 1);
}

void sb_json_or_null(struct buf *b, const char *s)
{
    sb_json(b, s && *s ? s : NULL);
}

void sb_truncate(struct buf *b, size_t len)
{
    if (len >= b->len)
        return;
    b->len = len;
    b->data[len] = '\0';
}

char *sb_take(struct buf *b)
{
    char *data = b->data ? b->data : sb_strdup("");

    memset(b, 0, sizeof(*b));
    return data;
}

void sb_release(struct buf *b)
{
    free(b->data);
    memset(b, 0, sizeof(*b));
}

void sb_lower(const char *text, char *out, size_t room)
{
    size_t i;

    for (i = 0; i + 1 < room && text[i]; i++)
        out[i] = (char)tolower((unsigned char)text[i]);
    out[i] = '\0';
}

size_t sb_characters(const char *utf8)
{
    size_t count = 0;

    for (; *utf8; utf8++)
        count += ((unsigned char)*utf8 & 0xc0) != 0x80;
    return count;
}
