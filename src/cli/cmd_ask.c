/* cmd_ask.c — status, why, refresh, fetch, wait, pending, rejected, retry, drop, release: what the daemon is asked. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "control.h"
#include "print.h"
#include "target.h"

#define AT_ONCE_MS 10000 /* what the daemon answers from memory */
#define BAR        20    /* columns of a progress bar */
#define NO_BOUND   (-1)  /* what it bounds itself, by the configuration's timeouts */

static const struct asking {
    const char *name;
    enum { PATH_OPTIONAL, PATH_NEEDED, NUMBER /* or none, and a path that says which mount */ } takes;
    int timeout_ms;
} askings[] = {
    {"status", PATH_OPTIONAL, AT_ONCE_MS},  {"why", PATH_NEEDED, AT_ONCE_MS},        {"refresh", PATH_NEEDED, NO_BOUND},
    {"fetch", PATH_NEEDED, NO_BOUND},       {"url", PATH_NEEDED, NO_BOUND},          {"wait", PATH_NEEDED, NO_BOUND},
    {"pending", PATH_OPTIONAL, AT_ONCE_MS}, {"rejected", PATH_OPTIONAL, AT_ONCE_MS}, {"retry", NUMBER, NO_BOUND},
    {"drop", NUMBER, AT_ONCE_MS},           {"release", PATH_OPTIONAL, AT_ONCE_MS},  {"adopt", PATH_NEEDED, NO_BOUND},
    {"resend", PATH_NEEDED, NO_BOUND},      {"forget", PATH_NEEDED, AT_ONCE_MS},
};

struct manner { /* of showing an answer */
    bool json, verbose, watch;
};

/* ---- asking ---- */

/* ids: NULL where the command takes none. */
static json_t *request_new(const struct asking *what, const struct target *t, long long n, json_t *ids)
{
    json_t *request = json_pack("{s:s}", "cmd", what->name);
    if (ids)
        json_object_set(request, "ids", ids);
    if (what->takes == PATH_NEEDED || t->path[0])
        json_object_set_new(request, "path", json_string(t->path));
    if (n >= 0)
        json_object_set_new(request, "n", json_integer(n));
    return request;
}

static int ask_status(const struct target *t, json_t **status)
{
    struct control_client c;
    int rc = control_connect(t->cache_dir, &c, NULL);
    if (rc)
        return rc;
    json_t *request = json_pack("{s:s}", "cmd", "status");
    rc = control_ask(&c, request, 1000, status, NULL);
    json_decref(request);
    control_close(&c);
    return rc;
}

/* tenant/users: listed [########------------] 1,200 of 3,000, about 2 min more */
static void show_line(const char *tenant, const char *collection, const char *what, const char *member,
                      const json_t *progress)
{
    char age[32], so_far[32], all[32], bar[BAR + 1];
    long long seconds = json_integer_value(json_object_get(progress, "seconds")),
              done = json_integer_value(json_object_get(progress, member)),
              total = json_integer_value(json_object_get(progress, "total"));
    for (int i = 0; i < BAR; i++)
        bar[i] = total > 0 && done * BAR > i * total ? '#' : '-';
    bar[BAR] = '\0';
    fprintf(stderr, "\r%s/%s: %s [%s] %s of %s", tenant, collection, what, bar, print_count(done, so_far),
            print_count(total, all));
    if (seconds > 0)
        fprintf(stderr, ", about %s more", print_age(seconds, age));
    fputs("\033[K", stderr);
}

/* Is this the first component of that path? */
static bool is_first_of(const char *path, const char *name)
{
    size_t len = name ? strlen(name) : 0;
    return len && strncmp(path, name, len) == 0 && (!path[len] || path[len] == '/');
}

/* What is on its way below t->path, as one line on the terminal. */
static void show_progress(const struct target *t)
{
    json_t *status = NULL, *tenant, *c;
    size_t i, k;
    if (ask_status(t, &status))
        return;
    json_array_foreach(json_object_get(status, "tenants"), i, tenant)
    {
        const char *name = json_string_value(json_object_get(tenant, "name"));
        if (!is_first_of(t->path, name))
            continue;
        const char *below = t->path + strcspn(t->path, "/");
        below += *below == '/';
        json_array_foreach(json_object_get(tenant, "collections"), k, c)
        {
            const char *collection = json_string_value(json_object_get(c, "name"));
            const json_t *listing = json_object_get(c, "progress"), *fetching = json_object_get(c, "fetching");
            if (!collection || (*below && !is_first_of(below, collection)))
                continue;
            if (fetching)
                show_line(name, collection, "fetched", "done", fetching);
            else if (json_object_get(listing, "total"))
                show_line(name, collection, "listed", "listed", listing);
        }
    }
    json_decref(status);
}

static int ask_once(const struct asking *what, const struct target *t, long long n, json_t *ids, json_t **reply,
                    struct err *e)
{
    struct control_client c;
    int rc = control_connect(t->cache_dir, &c, e);
    if (rc)
        return rc;
    json_t *request = request_new(what, t, n, ids);
    rc = request ? control_send(&c, request, e) : err_set(e, -EINVAL, "the path isn't UTF-8");
    json_decref(request);
    if (!rc && what->timeout_ms == NO_BOUND && isatty(2)) {
        bool shown = false;
        while (control_wait(&c, 1000) == -ETIMEDOUT) {
            show_progress(t);
            shown = true;
        }
        fputs(shown ? "\r\033[K" : "", stderr);
    }
    if (!rc)
        rc = control_receive(&c, what->timeout_ms, reply, e);
    control_close(&c);
    return rc;
}

/* With a path, the collections too: of all tenants at the mount point, of one below it. */
static void show_status(const struct target *t, const json_t *reply, bool verbose)
{
    char tenant[NAME_MAX + 1];
    snprintf(tenant, sizeof tenant, "%.*s", (int)strcspn(t->path, "/"), t->path);
    struct status_view view = {.mountpoint = t->mountpoint[0] ? t->mountpoint : NULL,
                               .tenant = tenant[0] ? tenant : NULL,
                               .verbose = verbose,
                               .colour = print_colours()};
    print_status(stdout, &view, reply);
}

static int show(const struct asking *what, const struct target *t, const json_t *reply, struct manner how)
{
    bool good = json_is_true(json_object_get(reply, "ok"));
    if (how.json) {
        json_dumpf(reply, stdout, isatty(1) ? JSON_INDENT(2) : JSON_COMPACT);
        putchar('\n');
    } else if (!good) {
        struct err e = {0};
        const char *text = json_string_value(json_object_get(reply, "error"));
        const char *code = json_string_value(json_object_get(reply, "errno"));
        err_set(&e, -EIO, "%s%s%s%s", text ? text : "the daemon says no", code ? " (" : "", code ? code : "",
                code ? ")" : "");
        return complain(&e);
    } else if (strcmp(what->name, "url") == 0) {
        print_urls(stdout, json_object_get(reply, "urls"));
    } else if (strcmp(what->name, "status") == 0) {
        show_status(t, reply, how.verbose);
    } else {
        print_answer(stdout, reply);
    }
    fflush(stdout);
    return good ? DONE : FAILED;
}

static int ask_and_show(const struct asking *what, const struct target *t, long long n, struct manner how)
{
    struct err e = {0};
    json_t *reply = NULL;
    if (ask_once(what, t, n, NULL, &reply, &e))
        return complain(&e);
    fputs(how.watch && !how.json && isatty(1) ? "\033[H\033[2J" : "", stdout);
    int status = show(what, t, reply, how);
    json_decref(reply);
    return status;
}

/* ---- adopt: ids on stdin, one a line ---- */

#define ADOPT_IDS   200
#define ADOPT_BYTES (32 * 1024)

/* One request's ids. false: there are no more. */
static bool read_ids(json_t *ids, struct err *e)
{
    char *line = NULL;
    size_t room = 0, bytes = 0;
    ssize_t len = 0;
    while (json_array_size(ids) < ADOPT_IDS && bytes < ADOPT_BYTES && (len = getline(&line, &room, stdin)) >= 0) {
        while (len && strchr("\r\n \t", line[len - 1]))
            len--;
        json_t *id = len ? json_stringn(line, (size_t)len) : NULL;
        if (len > 1024 || (len && !id)) {
            json_decref(id);
            err_set(e, -EINVAL, "a line that can't be an id: longer than 1024 bytes, or not UTF-8");
            break;
        }
        bytes += (size_t)len;
        if (id)
            json_array_append_new(ids, id);
    }
    free(line);
    return !e->code && len >= 0;
}

static void add_up(json_t *all, json_t *reply)
{
    const char *const counts[] = {"adopted", "known already"};
    for (size_t i = 0; i < 2; i++)
        json_object_set_new(all, counts[i],
                            json_integer(json_integer_value(json_object_get(all, counts[i])) +
                                         json_integer_value(json_object_get(reply, counts[i]))));
    json_array_extend(json_object_get(all, "refused"), json_object_get(reply, "refused"));
}

/* What was adopted before a request that fails stays adopted: doing it again does no harm. */
static int adopt(const struct asking *what, const struct target *t, struct manner how)
{
    json_t *all = json_pack("{s:b,s:i,s:i,s:[]}", "ok", 1, "adopted", 0, "known already", 0, "refused");
    struct err e = {0};
    for (bool more = true; more && !e.code;) {
        json_t *ids = json_array(), *reply = NULL;
        more = read_ids(ids, &e);
        if (!e.code && json_array_size(ids) && ask_once(what, t, -1, ids, &reply, &e) == 0) {
            if (json_is_true(json_object_get(reply, "ok")))
                add_up(all, reply);
            else
                err_set(&e, -EIO, "%s", json_string_value(json_object_get(reply, "error")));
        }
        json_decref(reply);
        json_decref(ids);
    }
    int status = e.code ? complain(&e) : show(what, t, all, how);
    if (json_array_size(json_object_get(all, "refused")))
        status = FAILED;
    json_decref(all);
    return status;
}

static const struct asking *asking_named(const char *name)
{
    for (size_t i = 0; i < sizeof askings / sizeof askings[0]; i++)
        if (strcmp(askings[i].name, name) == 0)
            return &askings[i];
    return NULL;
}

static bool number_parse(const char *text, long long *n)
{
    char *end;
    errno = 0;
    *n = strtoll(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && !*end && !errno;
}

int cmd_ask(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"watch", no_argument, NULL, 'w'}, {"verbose", no_argument, NULL, 'v'}, {0}};
    const struct asking *what = asking_named(argv[0]);
    struct manner how = {0};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        how.json = how.json || option == 'j';
        how.watch = how.watch || option == 'w';
        how.verbose = how.verbose || option == 'v';
        if (option == '?' || (option != 'j' && strcmp(what->name, "status") != 0))
            return misused(what->name, "can't make sense of %s", argv[optind - 1]);
    }
    char **rest = argv + optind;
    int rest_n = argc - optind;
    long long n = -1, number;
    if (what->takes == NUMBER && rest_n > 0 && number_parse(rest[0], &number)) {
        n = number;
        rest++;
        rest_n--;
    }
    if (n < 0 && strcmp(what->name, "retry") == 0)
        return misused(what->name, "it takes the number of a refused save, as `lmsfs rejected` has it");
    if (what->takes == PATH_NEEDED && rest_n != 1)
        return misused(what->name, "it takes a path in a mount");
    if (rest_n > 1)
        return misused(what->name, "it takes one path at most");

    struct err e = {0};
    struct target t;
    if (target_find(&t, rest_n ? rest[0] : NULL, strcmp(what->name, "status") == 0, &e))
        return complain(&e);
    if (what->takes == NUMBER)
        t.path[0] = '\0'; /* it only says which mount */
    if (strcmp(what->name, "adopt") == 0)
        return adopt(what, &t, how);
    how.verbose = how.verbose || (rest_n > 0 && t.mountpoint[0]);
    int status = ask_and_show(what, &t, n, how);
    while (how.watch && status == DONE) {
        struct timespec pause = {2, 0};
        nanosleep(&pause, NULL);
        status = ask_and_show(what, &t, n, how);
    }
    return status;
}
