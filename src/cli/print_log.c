/* print_log.c — what was changed, a line each. */
#include "print_log.h"

#include <jansson.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "print.h"

#define RED    "31"
#define YELLOW "33"

#define FIELDS_SHOWN 6
#define DAMAGE_SHOWN 60 /* bytes of a line that can't be read */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text && *text ? text : NULL;
}

/* NULL: that is no entry. */
static json_t *entry_of(const char *text, size_t len)
{
    json_t *entry = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
    if (json_is_object(entry))
        return entry;
    json_decref(entry);
    return NULL;
}

/* ---- words ---- */

static void pad(FILE *to, int used, int width)
{
    fprintf(to, "%*s", used < width ? width - used + 2 : 2, "");
}

/* Text in a column; returns the columns that it takes. */
static int cell(FILE *to, const char *text)
{
    int n = 0;
    print_text(to, text);
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void print_time(FILE *to, const json_t *entry)
{
    const char *iso = text_of(entry, "time");
    char when[32];
    int64_t at;
    struct tm local;
    time_t t;
    if (iso && iso_time_parse(iso, &at) == 0 && (t = (time_t)at, localtime_r(&t, &local)) &&
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &local))
        iso = when;
    pad(to, cell(to, iso ? iso : "?"), 19);
}

static const char *user_of(struct log_view *v, uid_t uid)
{
    if (v->asked && v->uid == uid)
        return v->user;
    const struct passwd *p = getpwuid(uid);
    if (p)
        snprintf(v->user, sizeof v->user, "%s", p->pw_name);
    else
        snprintf(v->user, sizeof v->user, "%lld", (long long)uid);
    v->uid = uid;
    v->asked = true;
    return v->user;
}

static void print_who(FILE *to, struct log_view *v, const json_t *entry)
{
    const json_t *uid = json_object_get(entry, "uid");
    const char *command = text_of(entry, "command");
    int n = cell(to, json_is_integer(uid) ? user_of(v, (uid_t)json_integer_value(uid)) : "?");
    if (command) {
        fputs(" (", to);
        n += cell(to, command) + 3;
        fputc(')', to);
    }
    pad(to, n, 14);
}

/* The file that was asked for, and whose it is where that has another name. */
static void print_path(FILE *to, const json_t *entry)
{
    const char *path = text_of(entry, "path"), *record = text_of(entry, "record");
    int n = cell(to, path ? path : "?");
    if (record) {
        fputs(" (", to);
        n += cell(to, record) + 3;
        fputc(')', to);
    }
    pad(to, n, 32);
}

static void print_verdict(FILE *to, const struct log_view *v, const json_t *entry)
{
    const char *verdict = text_of(entry, "verdict");
    const char *colour = !verdict                          ? RED
                         : strcmp(verdict, "ok") == 0      ? NULL
                         : strcmp(verdict, "dry run") == 0 ? YELLOW
                                                           : RED;
    if (v->colour && colour)
        fprintf(to, "\033[%sm", colour);
    int n = cell(to, verdict ? verdict : "?");
    if (v->colour && colour)
        fputs("\033[0m", to);
    pad(to, n, 9);
}

/* The method and the fields that were changed; where there are none, the request says what was done. */
static void print_what(FILE *to, const json_t *entry)
{
    const char *method = text_of(entry, "method"), *url = text_of(entry, "url"), *field;
    json_t *fields = json_object_get(entry, "fields"), *value;
    size_t n = 0, all = json_object_size(fields);
    bool request = method && strcmp(method, "-") != 0; /* else something that took none */
    if (request)
        print_text(to, method);
    if (!all && url) {
        fputs(request ? " " : "", to);
        print_text(to, url);
    }
    json_object_foreach(fields, field, value)
    {
        if (n++ == FIELDS_SHOWN)
            break;
        fputs(n > 1 ? ", " : request ? " " : "", to);
        print_text(to, field);
    }
    if (all > FIELDS_SHOWN)
        fprintf(to, " and %zu more", all - FIELDS_SHOWN);
}

static void print_duration(FILE *to, const json_t *ms)
{
    char age[32];
    long long n = json_integer_value(ms);
    if (n > 0 && n < 1000)
        fprintf(to, "  %lld ms", n);
    else if (n > 0 && n < 10000)
        fprintf(to, "  %lld.%lld s", n / 1000, n % 1000 / 100);
    else if (n > 0)
        fprintf(to, "  %s", print_age(n / 1000, age));
}

/* ---- a line ---- */

static void print_printable(FILE *to, const char *text, size_t len)
{
    for (size_t i = 0; i < len && i < DAMAGE_SHOWN; i++)
        fputc(text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?', to);
}

static void print_damaged(FILE *to, const struct log_view *v, const char *text, size_t len)
{
    fprintf(to, "%sa damaged line of %zu bytes:%s ", v->colour ? "\033[" RED "m" : "", len, v->colour ? "\033[0m" : "");
    print_printable(to, text, len);
    fputc('\n', to);
}

static void print_lost(FILE *to, const json_t *entry)
{
    char count[32];
    fprintf(to, "lines that could not be written before this one: %s\n",
            print_count(json_integer_value(json_object_get(entry, "lost")), count));
}

void print_log(FILE *to, struct log_view *v, const char *text, size_t len)
{
    json_t *entry = entry_of(text, len);
    if (!entry) {
        print_damaged(to, v, text, len);
        return;
    }
    print_time(to, entry);
    print_verdict(to, v, entry);
    if (json_object_get(entry, "lost")) {
        print_lost(to, entry);
        json_decref(entry);
        return;
    }
    const char *job = text_of(entry, "job");
    print_who(to, v, entry);
    print_path(to, entry);
    print_what(to, entry);
    fputs(job ? "  job " : "", to);
    print_text(to, job ? job : "");
    print_duration(to, json_object_get(entry, "ms"));
    fputc('\n', to);
    json_decref(entry);
}

/* What JSON may hold and a terminal obeys is escaped: the same object all the same. */
void print_log_json(FILE *to, const char *text, size_t len)
{
    json_t *entry = entry_of(text, len);
    json_decref(entry);
    if (!entry) {
        fputs("{\"damaged\":\"", to);
        for (size_t i = 0; i < len && i < DAMAGE_SHOWN; i++)
            fputc(text[i] >= 0x20 && text[i] < 0x7f && text[i] != '"' && text[i] != '\\' ? text[i] : '?', to);
        fprintf(to, "\",\"bytes\":%zu}\n", len);
        return;
    }
    unsigned code;
    for (size_t i = 0, n; i < len; i += n ? n : 1) {
        n = print_obeyed(text + i, len - i, &code);
        if (n && code >= 0x20)
            fprintf(to, "\\u%04x", code);
        else
            fputc(n ? ' ' : text[i], to); /* the others stand outside of strings alone */
    }
    fputc('\n', to);
}

/* ---- whose it is ---- */

static bool is_below(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    return strncmp(path, dir, len) == 0 && (!path[len] || path[len] == '/');
}

/* "hownow/users/new.json" and "EXT-1.json": is it "hownow/users/EXT-1.json"? */
static bool is_beside(const char *path, const char *other, const char *name)
{
    const char *slash = strrchr(other, '/');
    size_t len = slash ? (size_t)(slash - other) + 1 : 0;
    return strncmp(path, other, len) == 0 && strcmp(path + len, name) == 0;
}

bool log_is_of(struct log_of *of, const char *text, size_t len)
{
    if (!*of->path)
        return true;
    json_t *entry = entry_of(text, len);
    const char *path = text_of(entry, "path"), *record = text_of(entry, "record");
    bool named = path && record && is_beside(of->path, path, record); /* under another name, and it became this one */
    bool is = json_object_get(entry, "lost") || named ||
              (path && (is_below(path, of->path) || strcmp(path, of->id_path) == 0 ||
                        (record && is_beside(of->id_path, path, record))));
    const char *name = named ? strrchr(path, '/') : NULL;
    if (name && strncmp(name, "/ID-", 4) == 0)
        snprintf(of->id_path, sizeof of->id_path, "%s", path);
    json_decref(entry);
    return is;
}
