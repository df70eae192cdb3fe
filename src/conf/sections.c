/* sections.c — an INI text as sections of keys.
 *
 * libinih splits keys, values and comments. It cuts over-long lines and section names silently, glues indented lines to the value above,
 * and doesn't tell its handler the line: so lines are handed to it one by one by line_next, which has dealt with all of that, and which
 * keeps the sections to itself.
 */
#include "conf/sections.h"

#include "conf/private.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct parse {
    const char *file;
    const char *next, *end; /* of the text still to be read */
    int line;               /* the one libinih is at, from 1 */
    int failed_line;        /* 0: nothing has failed */
    struct sections *out;
    struct err *e;
};

/* An array that grows by one element; NULL on failure, with *list as it was. */
static void *grown(void *list, size_t n, size_t size)
{
    return reallocarray(list, n + 1, size);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Puts the place before the sentence that is there, and ends the parsing. */
static int fail(struct parse *p, int rc)
{
    p->failed_line = p->line;
    err_prefix(p->e, "%s:%d", p->file, p->line);
    return rc;
}

static int section_start(struct parse *p, const char *name, size_t len)
{
    struct sections *s = p->out;
    for (size_t i = 0; i < s->n; i++)
        if (strlen(s->list[i].name) == len && memcmp(s->list[i].name, name, len) == 0)
            return fail(p, err_set(p->e, -EINVAL, "[%.64s] a second section of this name; the first is in line %d",
                                   s->list[i].name, s->list[i].line));
    struct section *list = grown(s->list, s->n, sizeof *list);
    if (list)
        s->list = list;
    char *copy = strndup(name, len);
    if (!list || !copy) {
        free(copy);
        return fail(p, err_set(p->e, -ENOMEM, "out of memory"));
    }
    s->list[s->n++] = (struct section){.name = copy, .line = p->line};
    return 0;
}

/* "[name]", then nothing but blanks or a comment. */
static int section_line(struct parse *p, const char *line, size_t len)
{
    const char *close = memchr(line, ']', len);
    if (!close)
        return fail(p, err_set(p->e, -EINVAL, "']' is missing after a section's name"));
    const char *rest = close + 1, *end = line + len;
    while (rest < end && is_blank(*rest))
        rest++;
    bool comment = rest < end && *rest == ';' && rest > close + 1;
    if (rest < end && !comment)
        return fail(p, err_set(p->e, -EINVAL, "there is text after a section's ']'"));
    return section_start(p, line + 1, (size_t)(close - line - 1));
}

/* The next line without blanks around it; false at the end of the text. */
static bool line_take(struct parse *p, const char **line, size_t *len)
{
    if (p->next == p->end)
        return false;
    const char *newline = memchr(p->next, '\n', (size_t)(p->end - p->next));
    const char *start = p->next, *end = newline ? newline : p->end;
    p->next = newline ? newline + 1 : p->end;
    p->line++;
    if (end > start && end[-1] == '\r')
        end--;
    while (start < end && is_blank(*start))
        start++;
    while (end > start && is_blank(end[-1]))
        end--;
    *line = start;
    *len = (size_t)(end - start);
    return true;
}

/* libinih's reader. What isn't a key's line reaches it as an empty one, so that it counts lines as we do. */
static char *line_next(char *buf, int size, void *arg)
{
    struct parse *p = arg;
    const char *line;
    size_t len;
    if (p->failed_line || !line_take(p, &line, &len))
        return NULL;
    for (size_t i = 0; i < len; i++)
        if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f) {
            fail(p, err_set(p->e, -EINVAL, "there is a control character in this line"));
            return NULL;
        }
    *buf = '\0';
    if (len == 0 || *line == ';' || *line == '#')
        return buf;
    if (*line == '[')
        return section_line(p, line, len) < 0 ? NULL : buf;
    if (len > (size_t)size - 2) {
        fail(p, err_set(p->e, -EINVAL,
                        "the line is longer than %d bytes; a long secret goes into a file: key = file:/path", size - 2));
        return NULL;
    }
    memcpy(buf, line, len);
    buf[len] = '\0';
    return buf;
}

static int entry_add(struct parse *p, const char *key, const char *value)
{
    if (p->out->n == 0)
        return fail(p, err_set(p->e, -EINVAL, "a key stands before the first [section]"));
    if (!*key)
        return fail(p, err_set(p->e, -EINVAL, "there is no key before the '='"));
    struct section *s = &p->out->list[p->out->n - 1];
    const struct entry *twin = section_entry(s, key);
    if (twin)
        return fail(p, err_set(p->e, -EINVAL, "[%.64s] %s: given a second time; the first is in line %d", s->name,
                               key_in_message(key), twin->line));
    if (!*value)
        return fail(p, err_set(p->e, -EINVAL, "[%.64s] %s: has no value", s->name, key_in_message(key)));
    struct entry *list = grown(s->entries, s->n, sizeof *list);
    if (list)
        s->entries = list;
    struct entry entry = {strdup(key), strdup(value), p->line};
    if (!list || !entry.key || !entry.value) {
        free(entry.key);
        private_string_free(entry.value);
        return fail(p, err_set(p->e, -ENOMEM, "out of memory"));
    }
    s->entries[s->n++] = entry;
    return 0;
}

/* libinih's handler: 1 is success. Its idea of the section is not used: it cuts long names. */
static int on_entry(void *arg, const char *section, const char *key, const char *value)
{
    (void)section;
    struct parse *p = arg;
    return p->failed_line == 0 && entry_add(p, key, value) == 0;
}

int sections_parse(const char *file, const char *text, size_t len, struct sections *out, struct err *e)
{
    static const char bom[] = "\xef\xbb\xbf";
    *out = (struct sections){0};
    struct parse p = {.file = file, .next = text, .end = text + len, .out = out, .e = e};
    if (len >= 3 && memcmp(text, bom, 3) == 0)
        p.next += 3;
    struct err local = {0};
    if (!e)
        p.e = &local;
    int rc = ini_parse_stream(line_next, &p, on_entry, &p);
    if (rc > 0 && rc != p.failed_line) { /* libinih's own: the line isn't "key = value" */
        p.line = rc;
        fail(&p, err_set(p.e, -EINVAL, "neither a [section] nor a \"key = value\""));
    } else if (rc < 0) {
        fail(&p, err_set(p.e, -ENOMEM, "out of memory"));
    }
    if (p.failed_line == 0)
        return 0;
    sections_release(out);
    return p.e->code;
}

void sections_release(struct sections *s)
{
    for (size_t i = 0; i < s->n; i++) {
        for (size_t k = 0; k < s->list[i].n; k++) {
            free(s->list[i].entries[k].key);
            private_string_free(s->list[i].entries[k].value);
        }
        free(s->list[i].entries);
        free(s->list[i].name);
    }
    free(s->list);
    *s = (struct sections){0};
}

const struct entry *section_entry(const struct section *s, const char *key)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->entries[i].key, key) == 0)
            return &s->entries[i];
    return NULL;
}

const char *key_in_message(const char *key)
{
    size_t len = 0;
    for (; len <= 32 && key[len]; len++) {
        bool inside = len > 0 && islower((unsigned char)key[len - 1]) && islower((unsigned char)key[len + 1]);
        if (!islower((unsigned char)key[len]) && key[len] != '_' && !(inside && isupper((unsigned char)key[len])))
            return "this key";
    }
    return len > 0 && len <= 32 ? key : "this key";
}
