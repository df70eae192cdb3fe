/* search.c — from a directory's name below search/ to filters and their values. */
#include "lms/search.h"
#include "lms/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* n bytes with their %XX read. What can't stand in a request's text is refused. */
static int decode(const char *s, size_t n, struct text *to, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '%') {
            int high = i + 2 < n ? hex(s[i + 1]) : -1, low = i + 2 < n ? hex(s[i + 2]) : -1;
            if (high < 0 || low < 0)
                return err_set(e, -EINVAL, "%% is followed by two hexadecimal digits; a %% itself is written %%25");
            c = (unsigned char)(high << 4 | low);
            i += 2;
        }
        if (c < 0x20 || c == 0x7f)
            return err_set(e, -EINVAL, "a search can't hold control characters");
        text_addc(to, (char)c);
    }
    return 0;
}

static bool is_utf8(const char *s)
{
    json_t *value = json_string(s); /* it checks */
    json_decref(value);
    return value != NULL;
}

/* ------------------------------------------------------------------ one filter */

static int filter_named(const struct search_filter *filters, const char *name, size_t len)
{
    for (int i = 0; filters[i].name; i++)
        if (strlen(filters[i].name) == len && !strncmp(filters[i].name, name, len))
            return i;
    return -1;
}

static void add_names(struct text *t, const struct search_filter *filters)
{
    for (size_t i = 0; filters[i].name; i++)
        text_addf(t, "%s%s", i ? ", " : "", filters[i].name);
}

static int unknown_filter(const struct search_filter *filters, const char *name, size_t len, struct err *e)
{
    struct text t = {0};
    add_names(&t, filters);
    char *names = text_take(&t, NULL);
    err_set(e, -EINVAL, "there is no filter %.*s; there are: %.200s", len > 40 ? 40 : (int)len, name, names ? names : "");
    free(names);
    return -EINVAL;
}

static bool is_word(const char *const *words, const char *s, size_t len)
{
    for (; *words; words++)
        if (strlen(*words) == len && !strncmp(*words, s, len))
            return true;
    return false;
}

static int check_words(const struct search_filter *f, const char *value, struct err *e)
{
    struct text t = {0};
    size_t len;
    for (const char *p = value;; p += len + 1) {
        len = f->many ? strcspn(p, ",") : strlen(p);
        if (!f->words || is_word(f->words, p, len)) {
            if (!p[len])
                return 0;
            continue;
        }
        for (size_t i = 0; f->words[i]; i++)
            text_addf(&t, "%s%s", i ? ", " : "", f->words[i]);
        char *words = text_take(&t, NULL);
        err_set(e, -EINVAL, "%s can't be %.*s; it is one of: %.200s", f->name, len > 40 ? 40 : (int)len, p,
                words ? words : "");
        free(words);
        return -EINVAL;
    }
}

static bool same_param(const struct search_filter *a, const struct search_filter *b)
{
    return !strcmp(a->param ? a->param : a->name, b->param ? b->param : b->name);
}

static int take(const struct search_filter *filters, int i, struct text *value, struct search_text *out, struct err *e)
{
    char *s = text_take(value, NULL);
    if (!s)
        return err_set(e, -ENOMEM, "out of memory");
    int rc = 0;
    if (!*s)
        rc = err_set(e, -EINVAL, "%s has no value", filters[i].name);
    else if (!is_utf8(s))
        rc = err_set(e, -EINVAL, "%s is not UTF-8", filters[i].name);
    for (int k = 0; !rc && filters[k].name; k++)
        if (out->values[k] && same_param(&filters[k], &filters[i]))
            rc = err_set(e, -EINVAL, "%s is given twice", filters[i].name);
    if (!rc)
        rc = check_words(&filters[i], s, e);
    if (rc)
        free(s);
    else
        out->values[i] = s;
    return rc;
}

/* ------------------------------------------------------------------ the text */

/* "name=value", and the parts after it that have no "=" of their own. *s moves past them. */
static int read_filter(const char **s, const struct search_filter *filters, struct search_text *out, struct err *e)
{
    size_t name = strcspn(*s, "=,");
    if ((*s)[name] != '=')
        return err_set(e, -EINVAL, "%.40s is no filter: it has no \"=\"", *s);
    int i = filter_named(filters, *s, name);
    if (i < 0)
        return unknown_filter(filters, *s, name, e);
    const char *from = *s + name + 1, *end = from + strcspn(from, ",");
    while (*end && end[1 + strcspn(end + 1, "=,")] != '=')
        end += 1 + strcspn(end + 1, ",");
    struct text value = {0};
    int rc = decode(from, (size_t)(end - from), &value, e);
    if (rc) {
        text_release(&value);
        return rc;
    }
    *s = *end ? end + 1 : end;
    return take(filters, i, &value, out, e);
}

static int read_plain(const char *text, const struct search_filter *filters, bool plain, struct search_text *out,
                      struct err *e)
{
    struct text value = {0};
    if (!plain) {
        add_names(&value, filters);
        char *names = text_take(&value, NULL);
        err_set(e, -EINVAL, "a search here is filters, name=value with commas between them; there are: %.200s",
                names ? names : "");
        free(names);
        return -EINVAL;
    }
    int rc = decode(text, strlen(text), &value, e);
    if (!rc)
        return take(filters, 0, &value, out, e);
    text_release(&value);
    return rc;
}

int search_read(const char *text, const struct search_filter *filters, bool plain, struct search_text *out, struct err *e)
{
    int rc = 0;
    *out = (struct search_text){0};
    if (!strchr(text, '='))
        rc = read_plain(text, filters, plain, out, e);
    else
        for (const char *s = text; !rc && *s;)
            rc = read_filter(&s, filters, out, e);
    if (rc)
        search_release(out);
    return rc;
}

void search_add(struct text *path, const struct search_filter *filters, const struct search_text *s)
{
    for (size_t i = 0; filters[i].name; i++) {
        if (!s->values[i] || filters[i].is_parent)
            continue;
        text_addf(path, "&%s=", filters[i].param ? filters[i].param : filters[i].name);
        text_percent(path, s->values[i]);
    }
}

const char *search_value(const struct search_filter *filters, const struct search_text *s, const char *name)
{
    int i = filter_named(filters, name, strlen(name));
    return i < 0 ? NULL : s->values[i];
}

void search_release(struct search_text *s)
{
    for (size_t i = 0; i < SEARCH_FILTERS; i++)
        free(s->values[i]);
    *s = (struct search_text){0};
}
