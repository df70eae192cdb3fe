/* print_status.c — how the tenants stand: a table for tired people, and below it only what they should know of. */
#include "print.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define RED    "31"
#define YELLOW "33"

enum { TENANT, REACHABLE, PEOPLE, LISTED, DETAILS, BUDGET, PENDING, REJECTED, JOBS, COLUMNS };

static const struct column {
    const char *title;
    bool right; /* a number */
} columns[COLUMNS] = {
    {"TENANT", false}, {"REACHABLE", false}, {"PEOPLE", true},   {"LISTED", false}, {"DETAILS", true},
    {"BUDGET", false}, {"PENDING", true},    {"REJECTED", true}, {"JOBS", true},
};

struct row {
    char cell[COLUMNS][64];
    const char *colour[COLUMNS]; /* NULL: none */
};

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static long long number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *name_of(const json_t *object)
{
    const char *name = text_of(object, "name");
    return name ? name : "?";
}

static void paint(FILE *to, const struct status_view *view, const char *colour)
{
    if (view->colour && colour)
        fprintf(to, "\033[%sm", colour);
}

static void unpaint(FILE *to, const struct status_view *view, const char *colour)
{
    if (view->colour && colour)
        fputs("\033[0m", to);
}

/* ---- the table ---- */

/* The characters that a terminal shows for UTF-8 text, taken as one column each. */
static int width_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void put(struct row *row, int column, const char *text)
{
    snprintf(row->cell[column], sizeof row->cell[column], "%s", text);
}

static void put_number(struct row *row, int column, long long n, const char *colour)
{
    char count[32];
    put(row, column, print_count(n, count));
    row->colour[column] = n ? colour : NULL;
}

/* The collection of people, which every vendor has; else the first. */
static const json_t *people_of(const json_t *tenant)
{
    const json_t *all = json_object_get(tenant, "collections"), *c;
    size_t i;
    json_array_foreach(all, i, c)
    {
        if (strcmp(name_of(c), "users") == 0)
            return c;
    }
    return json_array_get(all, 0);
}

static void put_listed(struct row *row, const json_t *people)
{
    const char *listing = text_of(people, "listing"), *at = text_of(people, "at");
    const json_t *progress = json_object_get(people, "progress");
    int64_t when;
    char age[32], text[64];
    if (json_is_object(progress) && number_of(progress, "pages") > 0) {
        int n =
            snprintf(text, sizeof text, "page %lld of %lld", number_of(progress, "done"), number_of(progress, "pages"));
        if (number_of(progress, "seconds") > 0)
            snprintf(text + n, sizeof text - (size_t)n, ", %s", print_age(number_of(progress, "seconds"), age));
    } else if (json_is_object(progress))
        snprintf(text, sizeof text, "page %lld", number_of(progress, "done"));
    else if (at && iso_time_parse(at, &when) == 0)
        snprintf(text, sizeof text, "%s ago", print_age(wall_s() - when, age));
    else if (listing && strcmp(listing, "known-only") == 0)
        snprintf(text, sizeof text, "as known");
    else
        snprintf(text, sizeof text, "%s", listing ? listing : "?");
    put(row, LISTED, text);
}

static void put_budget(struct row *row, const json_t *budget)
{
    long long limit = number_of(budget, "limit"), used = number_of(budget, "used");
    char text[64];
    if (limit <= 0) {
        put(row, BUDGET, "no limit");
        return;
    }
    snprintf(text, sizeof text, "%lld of %lld left", used < limit ? limit - used : 0, limit);
    put(row, BUDGET, text);
    row->colour[BUDGET] = used >= limit ? YELLOW : NULL;
}

static bool is_reachable(const json_t *t)
{
    return !json_is_false(json_object_get(t, "reachable"));
}

static void row_of(struct row *row, const json_t *t)
{
    const json_t *people = people_of(t);
    *row = (struct row){0};
    put(row, TENANT, name_of(t));
    put(row, REACHABLE, !is_reachable(t) ? "NO" : text_of(t, "last_reply") ? "yes" : "not asked");
    row->colour[REACHABLE] = is_reachable(t) ? NULL : RED;
    put_number(row, PEOPLE, number_of(people, "entries"), NULL);
    put_listed(row, people);
    put_number(row, DETAILS, number_of(people, "details"), NULL);
    put_budget(row, json_object_get(t, "budget"));
    put_number(row, PENDING, number_of(t, "pending"), YELLOW);
    put_number(row, REJECTED, number_of(t, "rejected"), RED);
    put_number(row, JOBS, number_of(t, "jobs"), NULL);
}

static void print_row(FILE *to, const struct status_view *view, const struct row *row, const int *widths)
{
    for (int i = 0; i < COLUMNS; i++) {
        int pad = widths[i] - width_of(row->cell[i]);
        if (columns[i].right)
            fprintf(to, "%*s", pad, "");
        paint(to, view, row->colour[i]);
        print_text(to, row->cell[i]);
        unpaint(to, view, row->colour[i]);
        if (i + 1 < COLUMNS)
            fprintf(to, "%*s", columns[i].right ? 2 : pad + 2, "");
    }
    fputc('\n', to);
}

static void print_table(FILE *to, const struct status_view *view, const json_t *tenants)
{
    size_t n = json_array_size(tenants) + 1;
    struct row *rows = calloc(n, sizeof *rows);
    int widths[COLUMNS] = {0};
    if (!rows || n == 1) {
        fputs(rows ? "no tenants\n" : "no memory for the table\n", to);
        free(rows);
        return;
    }
    for (int i = 0; i < COLUMNS; i++)
        put(&rows[0], i, columns[i].title);
    for (size_t r = 1; r < n; r++)
        row_of(&rows[r], json_array_get(tenants, r - 1));
    for (size_t r = 0; r < n; r++)
        for (int i = 0; i < COLUMNS; i++)
            if (width_of(rows[r].cell[i]) > widths[i])
                widths[i] = width_of(rows[r].cell[i]);
    for (size_t r = 0; r < n; r++)
        print_row(to, view, &rows[r], widths);
    free(rows);
}

/* ---- below the table ---- */

/* "hownow: " or "hownow/users: ", painted as a warning. */
static void warn_of(FILE *to, const struct status_view *view, const json_t *t, const json_t *collection)
{
    paint(to, view, YELLOW);
    print_text(to, name_of(t));
    if (collection) {
        fputc('/', to);
        print_text(to, name_of(collection));
    }
    unpaint(to, view, YELLOW);
    fputs(": ", to);
}

/* How far `lmsfs fetch` of a directory is. */
static void print_fetching(FILE *to, const json_t *c)
{
    const json_t *f = json_object_get(c, "fetching");
    char done[32], total[32], age[32];
    fprintf(to, "details fetched %s of %s, about %s more", print_count(number_of(f, "done"), done),
            print_count(number_of(f, "total"), total), print_age(number_of(f, "seconds"), age));
}

static void warn_of_collection(FILE *to, const struct status_view *view, const json_t *t, const json_t *c)
{
    const char *error = text_of(c, "error"), *at = text_of(c, "at");
    if (json_is_object(json_object_get(c, "fetching"))) {
        warn_of(to, view, t, c);
        print_fetching(to, c);
        fputc('\n', to);
    }
    if (!error)
        return;
    warn_of(to, view, t, c);
    if (at) {
        fputs("what is shown was listed ", to);
        print_ago(to, at);
        fputs(": ", to);
    }
    print_text(to, error);
    fputc('\n', to);
}

static void warn_of_tenant(FILE *to, const struct status_view *view, const json_t *t)
{
    static const char *const known[] = {"name",    "provider", "reachable",   "last_reply",    "requests", "failures",
                                        "retries", "active",   "budget",      "queued",        "pending",  "rejected",
                                        "jobs",    "token",    "collections", "guard_tripped", NULL};
    const char *last = text_of(t, "last_reply");
    const json_t *c;
    char count[32];
    size_t i;
    if (!is_reachable(t)) {
        warn_of(to, view, t, NULL);
        fputs(last ? "not reachable, last reply " : "not reachable, no reply so far", to);
        if (last)
            print_ago(to, last);
        fputs("; what is known can be read. `lmsfs check CONFIG` says more\n", to);
    }
    if (json_is_true(json_object_get(t, "guard_tripped"))) {
        warn_of(to, view, t, NULL);
        fputs("GUARD: too many removals; they are held until `lmsfs release` or `lmsfs drop`\n", to);
    }
    if (number_of(t, "queued")) {
        warn_of(to, view, t, NULL);
        fprintf(to, "requests that wait for the budget: %s\n", print_count(number_of(t, "queued"), count));
    }
    if (number_of(t, "rejected")) {
        warn_of(to, view, t, NULL);
        fprintf(to, "what was refused is kept: `lmsfs rejected`\n");
    }
    json_array_foreach(json_object_get(t, "collections"), i, c)
    {
        warn_of_collection(to, view, t, c);
    }
    char before[80];
    snprintf(before, sizeof before, "%.60s: ", name_of(t));
    for (char *p = before; *p; p++)
        *p = (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p;
    print_others(to, t, known, before, "\n");
}

static void warn_of_daemon(FILE *to, const struct status_view *view, const json_t *status)
{
    static const char *const known[] = {"ok", "tenants", "audit", "commits", "invalidations", "dry_run", NULL};
    const json_t *audit = json_object_get(status, "audit");
    const char *error = text_of(audit, "error");
    char count[32];
    if (json_is_true(json_object_get(status, "dry_run"))) {
        paint(to, view, YELLOW);
        fputs("DRY RUN", to);
        unpaint(to, view, YELLOW);
        fputs(": nothing is sent; `lmsfs pending` shows what would be\n", to);
    }
    if (error || number_of(audit, "lost")) {
        paint(to, view, RED);
        fputs("audit.jsonl", to);
        unpaint(to, view, RED);
        fprintf(to, ": lines that could not be written: %s", print_count(number_of(audit, "lost"), count));
        if (error) {
            fputs(", ", to);
            print_text(to, error);
        }
        fputc('\n', to);
    }
    print_others(to, status, known, "", "\n");
}

/* ---- collections ---- */

/* ", 3 waiting": nothing where there are none. */
static void print_some(FILE *to, const json_t *t, const char *key, const char *what)
{
    char count[32];
    if (number_of(t, key))
        fprintf(to, ", %s %s", print_count(number_of(t, key), count), what);
}

static void print_collection(FILE *to, const json_t *c)
{
    static const char *const known[] = {"name",     "listing", "at",       "entries", "details",
                                        "progress", "error",   "fetching", NULL};
    const char *listing = text_of(c, "listing"), *at = text_of(c, "at");
    const json_t *progress = json_object_get(c, "progress");
    char count[32];
    fputs("  ", to);
    print_text(to, name_of(c));
    fprintf(to, "%*s ", 22 - width_of(name_of(c)) > 0 ? 22 - width_of(name_of(c)) : 0, "");
    fprintf(to, "%8s  ", print_count(number_of(c, "entries"), count));
    print_text(to, listing ? listing : "?");
    if (at) {
        fputc(' ', to);
        print_ago(to, at);
    }
    if (json_is_object(progress)) {
        fprintf(to, ", page %lld", number_of(progress, "done"));
        if (number_of(progress, "pages") > 0)
            fprintf(to, " of %lld", number_of(progress, "pages"));
        if (number_of(progress, "seconds") > 0)
            fprintf(to, ", about %s more", print_age(number_of(progress, "seconds"), count));
    }
    if (number_of(c, "details") > 0)
        fprintf(to, ", %s with detail", print_count(number_of(c, "details"), count));
    if (json_is_object(json_object_get(c, "fetching"))) {
        fputs(", ", to);
        print_fetching(to, c);
    }
    print_others(to, c, known, ", ", "");
    fputc('\n', to);
}

static void print_tenant(FILE *to, const json_t *t)
{
    const char *provider = text_of(t, "provider"), *token = text_of(t, "token"), *last = text_of(t, "last_reply");
    const json_t *c;
    char count[32];
    size_t i;
    fputc('\n', to);
    print_text(to, name_of(t));
    if (provider && strcmp(provider, name_of(t)) != 0) {
        fputs(" (", to);
        print_text(to, provider);
        fputc(')', to);
    }
    fprintf(to, ": %s requests", print_count(number_of(t, "requests"), count));
    print_some(to, t, "failures", "failed");
    print_some(to, t, "retries", "repeated");
    print_some(to, t, "active", "under way");
    if (last) {
        fputs(", last reply ", to);
        print_ago(to, last);
    }
    if (token) {
        fputs(", token ", to);
        print_text(to, token);
    }
    fputc('\n', to);
    json_array_foreach(json_object_get(t, "collections"), i, c)
    {
        print_collection(to, c);
    }
}

void print_status(FILE *to, const struct status_view *view, const json_t *status)
{
    static const struct status_view plain;
    const json_t *tenants = json_object_get(status, "tenants"), *t;
    size_t i;
    if (!view)
        view = &plain;
    if (view->mountpoint) {
        print_text(to, view->mountpoint);
        fputc('\n', to);
    }
    print_table(to, view, tenants);
    json_array_foreach(tenants, i, t)
    {
        warn_of_tenant(to, view, t);
    }
    warn_of_daemon(to, view, status);
    json_array_foreach(tenants, i, t)
    {
        if (view->verbose && (!view->tenant || strcmp(view->tenant, name_of(t)) == 0))
            print_tenant(to, t);
    }
}
