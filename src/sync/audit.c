/* audit.c — one JSON line for every request that changes something.
 *
 * A line is on the disk before the program that caused it is told the verdict; a crash tears at most the line that was being written, and the
 * next start cuts that off. A disk that is full loses lines and nothing else: how many is in the status, and in the first line that fits
 * again.
 */
#include "sync/internal.h"

#include "base/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void audit_path(struct engine *g, char path[4096])
{
    snprintf(path, 4096, "%s/audit.jsonl", g->conf->cache_dir);
}

/* ------------------------------------------------------------------ the file */

int audit_open(struct engine *g, struct err *e)
{
    char path[4096];
    struct stat st;
    audit_path(g, path);
    g->audit.fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (g->audit.fd < 0 || fstat(g->audit.fd, &st))
        return err_set(e, -errno, "%s: %s", path, strerror(errno));
    g->audit.size = lines_whole(g->audit.fd, st.st_size);
    if (g->audit.size < 0 || (g->audit.size < st.st_size && ftruncate(g->audit.fd, g->audit.size)))
        g->audit.size = st.st_size;
    return 0;
}

void audit_close(struct engine *g)
{
    if (g->audit.fd >= 0)
        close(g->audit.fd);
    g->audit.fd = -1;
}

/* One older file is kept. What can't be rotated goes on growing: better than to lose it. */
static void rotate(struct engine *g)
{
    char path[4096], old[4100];
    audit_path(g, path);
    snprintf(old, sizeof old, "%s.1", path);
    if (rename(path, old))
        return;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        (void)!rename(old, path);
        return;
    }
    close(g->audit.fd);
    g->audit.fd = fd;
    g->audit.size = 0;
}

/* A line or nothing: what fits by half is cut off again. */
static int append(struct engine *g, const char *line, size_t n)
{
    ssize_t done = write(g->audit.fd, line, n);
    int r = done == (ssize_t)n ? 0 : done < 0 ? -errno : -ENOSPC;
    if (r == 0 && fdatasync(g->audit.fd) && errno != EINVAL && errno != EROFS)
        r = -errno;
    if (r == 0)
        g->audit.size += done;
    else if (done > 0)
        (void)!ftruncate(g->audit.fd, g->audit.size);
    return r;
}

/* Takes over `o`. */
static void put(struct engine *g, json_t *o)
{
    char *s = o ? json_dumps(o, JSON_COMPACT) : NULL;
    size_t n = s ? strlen(s) : 0;
    json_decref(o);
    int r = s ? 0 : -ENOMEM;
    if (g->conf->audit_max && g->audit.size && g->audit.size + (off_t)n > (off_t)g->conf->audit_max)
        rotate(g);
    if (r == 0) {
        s[n] = '\n'; /* the terminator's place: the line goes out in one write */
        r = append(g, s, n + 1);
    }
    free(s);
    g->audit.error = r;
    g->audit.lost += r != 0;
}

static void put_lost(struct engine *g)
{
    char at[24];
    uint64_t lost = g->audit.lost;
    iso_time(wall_now(), at);
    put(g, json_pack("{s:s,s:I,s:s}", "time", at, "lost", (json_int_t)lost, "verdict", err_name(g->audit.error)));
    g->audit.lost = g->audit.error ? lost : 0;
}

json_t *audit_status(struct engine *g)
{
    json_t *o = json_pack("{s:I,s:I}", "bytes", (json_int_t)g->audit.size, "lost", (json_int_t)g->audit.lost);
    if (o && g->audit.error)
        json_object_set_new(o, "error", json_string(err_name(g->audit.error)));
    return o;
}

/* ------------------------------------------------------------------ a line */

/* The fields that change, with the values that were sent for them. */
static json_t *fields_of(const struct lms_collection *c, const struct audit_line *l)
{
    if (!l->fields || !l->values)
        return NULL;
    json_t *masked = doc_masked(c, l->values), *o = json_object(), *name;
    size_t i;
    json_array_foreach(l->fields, i, name)
    {
        const char *field = json_string_value(name);
        json_t *value = field ? json_object_get(masked, field) : NULL;
        if (field)
            json_object_set(o, field, value ? value : json_null());
    }
    json_decref(masked);
    return o;
}

void audit_caller(struct caller *who)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)who->pid);
    int fd = who->pid > 0 && !who->command[0] ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    ssize_t n = read(fd, who->command, sizeof who->command - 1);
    close(fd);
    who->command[n > 0 ? n : 0] = '\0';
    who->command[strcspn(who->command, "\n")] = '\0';
}

void caller_read(struct caller *who, const json_t *o)
{
    const char *command = json_string_value(json_object_get(o, "command"));
    *who = (struct caller){.uid = (uid_t)json_integer_value(json_object_get(o, "uid")),
                           .pid = (pid_t)json_integer_value(json_object_get(o, "pid"))};
    snprintf(who->command, sizeof who->command, "%s", command ? command : "");
}

void audit(struct tenant *t, const struct caller *who, uint64_t home, const char *name, const struct audit_line *l)
{
    struct engine *g = t->engine;
    const struct lms_collection *c = engine_collection(g, home);
    char at[24], path[PATH_TOLD];
    iso_time(wall_now(), at);
    path_tell(t, home, name, path);
    const char *record = l->record && strcmp(l->record, name) != 0 ? l->record : NULL;
    json_t *command = who->command[0] ? json_string(who->command) : NULL;
    json_t *o = json_pack("{s:s,s:I,s:I,s:o?,s:s?,s:s?,s:s,s:s?,s:o?,s:s,s:s?,s:I}", "time", at, "uid",
                          (json_int_t)who->uid, "pid", (json_int_t)who->pid, "command", command, "path", path, "record",
                          record, "method", l->method, "url", l->url, "fields", fields_of(c, l), "verdict",
                          l->request ? "dry run"
                          : l->code  ? err_name(l->code)
                                     : "ok",
                          "job", l->job, "ms", (json_int_t)l->ms);
    if (o && l->request)
        json_object_set(o, "request", l->request);
    if (g->audit.lost)
        put_lost(g);
    put(g, o);
}
