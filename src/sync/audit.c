/* audit.c — one JSON line for every request that changes something. */
#include "sync/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROTATE (16 << 20) /* bytes; one older file is kept */

int audit_open(struct engine *g, struct err *e)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/audit.jsonl", g->conf->cache_dir);
    g->audit_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return g->audit_fd < 0 ? err_set(e, -errno, "%s: %s", path, strerror(errno)) : 0;
}

void audit_close(struct engine *g)
{
    if (g->audit_fd > 0)
        close(g->audit_fd);
    g->audit_fd = -1;
}

static void rotate(struct engine *g)
{
    char path[4096], old[4100];
    struct err e;
    off_t size = lseek(g->audit_fd, 0, SEEK_END);
    if (size < ROTATE)
        return;
    snprintf(path, sizeof path, "%s/audit.jsonl", g->conf->cache_dir);
    snprintf(old, sizeof old, "%s.1", path);
    if (rename(path, old) == 0) {
        audit_close(g);
        audit_open(g, &e);
    }
}

static void command_name(pid_t pid, char *out, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? read(fd, out, size - 1) : 0;
    if (fd >= 0)
        close(fd);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

void audit(struct tenant *t, const struct caller *who, uint64_t home, const char *name, const struct audit_line *l)
{
    struct engine *g = t->engine;
    char at[24], comm[64] = "", path[400];
    if (g->audit_fd < 0)
        return;
    iso_time(wall_now(), at);
    if (who)
        command_name(who->pid, comm, sizeof comm);
    const struct lms_collection *c = engine_collection(g, home);
    snprintf(path, sizeof path, "%s/%s/%s", t->info.conf->name, c ? c->name : "", name ? name : "");
    json_t *o = json_pack("{s:s,s:I,s:I,s:s?,s:s?,s:s,s:s?,s:O?,s:s,s:s?,s:I}", "time", at, "uid",
                          (json_int_t)(who ? who->uid : 0), "pid", (json_int_t)(who ? who->pid : 0), "command",
                          *comm ? comm : NULL, "path", path, "method", l->method, "url", l->url, "fields", l->fields,
                          "verdict", l->code ? err_name(l->code) : "ok", "job", l->job, "ms", (json_int_t)l->ms);
    char *s = o ? json_dumps(o, JSON_COMPACT) : NULL;
    if (s) {
        size_t n = strlen(s);
        s[n] = '\n'; /* the terminator's place: the line goes out in one write */
        ssize_t done = write(g->audit_fd, s, n + 1);
        (void)done; /* a full disk must not stop the work */
    }
    free(s);
    json_decref(o);
    rotate(g);
}
