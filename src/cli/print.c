/* print.c — JSON for people. */
#include "print.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

/* ---- words and numbers ---- */

bool print_colours(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(1) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

size_t print_obeyed(const char *text, size_t len, unsigned *code)
{
    const unsigned char *p = (const unsigned char *)text;
    *code = len ? *p : 0x20;
    if (*code < 0x20 || *code == 0x7f)
        return 1;
    *code = len > 1 && *p == 0xc2 ? p[1] : 0; /* U+0080…U+009F */
    if (*code >= 0x80 && *code < 0xa0)
        return 2;
    *code = len > 2 && *p == 0xe2 && (p[1] == 0x80 || p[1] == 0x81) ? 0x2000 + (p[1] & 1) * 64u + (p[2] & 0x3f) : 0;
    return (*code >= 0x2028 && *code <= 0x202e) || (*code >= 0x2066 && *code <= 0x2069) ? 3 : 0;
}

void print_text(FILE *to, const char *text)
{
    unsigned code;
    for (size_t i = 0, len = strlen(text), n; i < len; i += n ? n : 1) {
        n = print_obeyed(text + i, len - i, &code);
        fputc(n ? '?' : text[i], to);
    }
}

char *print_count(long long n, char buf[static 32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", n), out = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && digits[i - 1] != '-' && (len - i) % 3 == 0)
            buf[out++] = ',';
        buf[out++] = digits[i];
    }
    buf[out] = '\0';
    return buf;
}

char *print_age(long long s, char buf[static 32])
{
    if (s < 0)
        s = 0;
    if (s < 120)
        snprintf(buf, 32, "%lld s", s);
    else if (s < 2 * 3600)
        snprintf(buf, 32, "%lld min", s / 60);
    else if (s < 48 * 3600)
        snprintf(buf, 32, "%lld h", s / 3600);
    else
        snprintf(buf, 32, "%lld days", s / 86400);
    return buf;
}

void print_ago(FILE *to, const char *iso)
{
    int64_t at;
    char age[32];
    if (iso_time_parse(iso, &at) == 0)
        fprintf(to, "%s ago", print_age(wall_s() - at, age));
    else
        print_text(to, iso);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static long long number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void print_value(FILE *to, const json_t *value)
{
    if (json_is_string(value)) {
        print_text(to, json_string_value(value));
    } else if (json_is_boolean(value)) {
        fputs(json_is_true(value) ? "yes" : "no", to);
    } else {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        print_text(to, text ? text : "?");
        free(text);
    }
}

static bool named(const char *key, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(key, *names) == 0)
            return true;
    return false;
}

void print_others(FILE *to, const json_t *object, const char *const *known, const char *before, const char *after)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        if (named(key, known) || json_is_null(value))
            continue;
        fputs(before, to);
        print_text(to, key);
        fputs(": ", to);
        print_value(to, value);
        fputs(after, to);
    }
}

/* ---- other answers ---- */

static void print_list_item(FILE *to, const json_t *item)
{
    static const char *const known[] = {"n",     "tenant", "path",   "name",  "what", "phase",
                                        "state", "errno",  "reason", "error", "at",   NULL};
    static const char *const words[] = {"tenant", "path", "name", "what", "phase", "state", "errno", NULL};
    if (!json_is_object(item)) {
        print_value(to, item);
        fputc('\n', to);
        return;
    }
    if (json_object_get(item, "n"))
        fprintf(to, "%lld\t", number_of(item, "n"));
    bool first = true;
    for (const char *const *w = words; *w; w++) {
        const char *text = text_of(item, *w);
        if (!text || !*text)
            continue;
        fputs(first ? "" : "  ", to);
        print_text(to, text);
        first = false;
    }
    const char *reason = text_of(item, "reason"), *at = text_of(item, "at");
    if (!reason)
        reason = text_of(item, "error");
    if (reason && *reason) {
        fputs(": ", to);
        print_text(to, reason);
    }
    if (at) {
        fputs(" (", to);
        print_ago(to, at);
        fputc(')', to);
    }
    print_others(to, item, known, "  ", "");
    fputc('\n', to);
}

static void print_request(FILE *to, const json_t *request)
{
    const char *method = text_of(request, "method"), *path = text_of(request, "path");
    if (!method || !path)
        return;
    fputs("  request: ", to);
    print_text(to, method);
    fputc(' ', to);
    print_text(to, path);
    fputc('\n', to);
}

/* What became of a file: one line of state, then why. */
static void print_verdict(FILE *to, const json_t *answer)
{
    const char *path = text_of(answer, "path"), *state = text_of(answer, "state"), *code = text_of(answer, "errno");
    const char *reason = text_of(answer, "reason"), *at = text_of(answer, "at");
    bool refused = code && strcmp(code, "OK") != 0;
    print_text(to, path ? path : "");
    fputs(path && state ? ": " : "", to);
    print_text(to, state ? state : "");
    if (refused) {
        fputs(state && strcmp(state, "failed") == 0 ? " (" : ", and the last save was refused (", to);
        print_text(to, code);
        fputc(')', to);
    }
    fputc('\n', to);
    if (reason && *reason) {
        fputs("  ", to);
        print_text(to, reason);
        fputc('\n', to);
    }
    print_request(to, json_object_get(answer, "request"));
    if (at) {
        fputs("  at ", to);
        print_text(to, at);
        fputs(", ", to);
        print_ago(to, at);
        fputc('\n', to);
    }
    if (number_of(answer, "n"))
        fprintf(to, "  what was refused is kept: number %lld of `lmsfs rejected`\n", number_of(answer, "n"));
}

static void print_list(FILE *to, const char *name, const json_t *list)
{
    const json_t *item;
    size_t i;
    if (json_array_size(list) == 0) {
        fputs("nothing is ", to);
        print_text(to, name);
        fputc('\n', to);
    }
    json_array_foreach(list, i, item)
    {
        print_list_item(to, item);
    }
}

void print_answer(FILE *to, const json_t *answer)
{
    static const char *const known[] = {"ok", "path", "state", "errno", "reason", "error", "request", "at", "n", NULL};
    bool verdict = text_of(answer, "path") || text_of(answer, "state");
    const char *key;
    json_t *value;
    if (verdict)
        print_verdict(to, answer);
    json_object_foreach((json_t *)answer, key, value)
    {
        if (named(key, known) || json_is_null(value))
            continue;
        if (json_is_array(value)) {
            print_list(to, key, value);
            continue;
        }
        fputs(verdict ? "  " : "", to);
        print_text(to, key);
        fputs(": ", to);
        print_value(to, value);
        fputc('\n', to);
    }
}

void print_urls(FILE *to, const json_t *urls)
{
    size_t n = json_array_size(urls);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(urls, i);
        if (n > 1) {
            print_text(to, text_of(one, "name"));
            fputc('\t', to);
        }
        print_text(to, text_of(one, "url"));
        fputc('\n', to);
    }
}
