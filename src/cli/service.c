/* service.c — the mounts of one engine.
 *
 * `lmsfs mount` of a cache folder that is served already sends an order over the control socket; the engine's thread hands it to the main
 * thread, which mounts, for mounting waits. One mount is unmounted while the others go on: it leaves, which means that nothing new is taken,
 * and that what it asked the engine for comes back before it is freed.
 */
#include "service.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "daemon.h"
#include "join.h"

#define LEAVING_MS 50 /* between looks at a mount that leaves */

/* ---- one mount ---- */

static int mount_add(struct service *s, const struct mount_options *o, struct err *e)
{
    if (s->mounts_n == SERVICE_MOUNTS)
        return err_set(e, -ENOSPC, "the daemon has %d mounts, as many as it may have", SERVICE_MOUNTS);
    struct service_mount *m = &s->mounts[s->mounts_n];
    *m = (struct service_mount){.mountpoint = strdup(o->mountpoint)};
    int rc = m->mountpoint ? mount_new(s->engine, s->conf->cache_dir, o, &m->mount, e)
                           : err_set(e, -ENOMEM, "out of memory");
    if (rc)
        free(m->mountpoint);
    else
        s->mounts_n++;
    return rc;
}

static void mount_drop(struct service *s, size_t i)
{
    mount_free(s->mounts[i].mount);
    free(s->mounts[i].mountpoint);
    s->mounts[i] = s->mounts[--s->mounts_n];
}

static size_t living(const struct service *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->mounts_n; i++)
        n += !s->mounts[i].leaving;
    return n;
}

static void drop_those_that_left(struct service *s)
{
    for (size_t i = s->mounts_n; i-- > 0;) {
        if (!s->mounts[i].leaving || !mount_left(s->mounts[i].mount))
            continue;
        log_line("ended %s", s->mounts[i].mountpoint);
        mount_drop(s, i);
    }
}

/* ---- orders ---- */

static int order_mount(struct service *s, const json_t *request, struct err *e)
{
    struct mount_options o = {0};
    int rc = join_read(request, s->conf, &o, e);
    if (!rc)
        rc = mount_add(s, &o, e);
    if (rc)
        return rc;
    struct service_mount *m = &s->mounts[s->mounts_n - 1];
    rc = mount_start(m->mount, e);
    m->leaving = rc != 0;
    if (!rc)
        log_line("mounted %s on %s too%s", s->conf->path, m->mountpoint, o.read_only ? ", read-only" : "");
    return rc;
}

static json_t *mount_names(const struct service *s)
{
    json_t *names = json_array();
    for (size_t i = 0; i < s->mounts_n; i++)
        json_array_append_new(names, json_string(s->mounts[i].mountpoint));
    return names;
}

static void take_orders(struct service *s)
{
    struct control_order *order;
    while ((order = control_server_order(s->control))) {
        struct err e = {0};
        const char *cmd = json_string_value(json_object_get(control_order_request(order), "cmd"));
        int rc = cmd && strcmp(cmd, "mount") == 0 ? order_mount(s, control_order_request(order), &e) : 0;
        json_t *answer =
            rc ? json_pack("{s:b, s:i, s:s, s:s}", "ok", 0, "code", rc, "errno", err_name(rc), "error", e.text)
               : json_pack("{s:b, s:o}", "ok", 1, "mounts", mount_names(s));
        control_order_answer(order, answer);
    }
}

/* ---- its life ---- */

int service_start(struct service *s, const struct conf *conf, const struct mount_options *o, struct err *warning,
                  struct err *e)
{
    s->conf = conf;
    int rc = engine_new(conf, &s->engine, warning);
    if (rc) {
        *e = *warning;
        *warning = (struct err){0};
        return rc == -EBUSY ? -EALREADY : rc;
    }
    rc = mount_add(s, o, e);
    if (!rc)
        rc = control_server_new(s->engine, conf->cache_dir, &s->control, e);
    if (!rc)
        rc = engine_start(s->engine, e);
    s->started = rc == 0;
    if (!rc)
        rc = control_server_start(s->control, e);
    if (!rc)
        rc = mount_start(s->mounts[0].mount, e);
    return rc;
}

/* ---- SIGHUP: credentials are read again ---- */

/* In the log, or where there is none (systemd's -f) on the error output. */
static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
    char text[700];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!log_line("%s", text))
        fprintf(stderr, "lmsfs: %s\n", text);
}

/* Says of each tenant whether its credentials are others now, and whether the file says more that only the next mount takes up. */
static void compare(const struct conf *was, const struct conf *is)
{
    unsigned changed = 0;
    for (size_t i = 0; i < was->tenants_n; i++) {
        const struct conf_tenant *a = &was->tenants[i], *b = conf_tenant(is, a->name);
        if (!b || strcmp(a->provider, b->provider) != 0) {
            say("SIGHUP: [%s] is not in %s any more: it goes on with the credentials of the start", a->name, is->path);
            continue;
        }
        if (!conf_same_credentials(a, b)) {
            changed++;
            say("SIGHUP: [%s] has other credentials now", a->name);
        }
        if (!conf_same_place(a, b))
            say("SIGHUP: [%s] differs in more than its credentials: that is taken up by the next mount", a->name);
    }
    if (!changed)
        say("SIGHUP: %s was read again: no credentials have changed", is->path);
}

static void reload(struct service *s)
{
    struct conf fresh;
    struct err e = {0};
    int rc = conf_load(s->conf->file, &fresh, &e);
    if (rc) {
        say("SIGHUP: the credentials stay as they were: %s", e.text);
        return;
    }
    const struct conf *using = s->reread ? s->reread : s->conf;
    compare(using, &fresh);
    rc = engine_credentials(s->engine, &fresh, &s->reread);
    if (rc) {
        say("SIGHUP: the credentials stay as they were: %s", strerror(-rc));
        conf_release(&fresh);
    }
}

/* Those that the kernel ended leave. */
static void see_the_unmounted(struct service *s, const struct pollfd *p)
{
    for (size_t i = 0; i < s->mounts_n; i++) {
        if (!p[i].revents || s->mounts[i].leaving)
            continue;
        log_line("ending %s: unmounted", s->mounts[i].mountpoint);
        s->mounts[i].leaving = true;
    }
}

const char *service_wait(struct service *s, int signals)
{
    for (;;) {
        struct pollfd p[SERVICE_MOUNTS + 2];
        size_t n = s->mounts_n;
        for (size_t i = 0; i < n; i++)
            p[i] =
                (struct pollfd){.fd = s->mounts[i].leaving ? -1 : mount_ended_fd(s->mounts[i].mount), .events = POLLIN};
        p[n] = (struct pollfd){.fd = signals, .events = POLLIN};
        p[n + 1] = (struct pollfd){.fd = control_server_orders_fd(s->control), .events = POLLIN};
        if (poll(p, n + 2, living(s) < n ? LEAVING_MS : -1) < 0 && errno != EINTR)
            return "poll failed";
        struct signalfd_siginfo got;
        if (read(signals, &got, sizeof got) == (ssize_t)sizeof got) {
            /* A terminal that goes takes a mount in its foreground with it; a daemon has none. */
            if (got.ssi_signo == SIGHUP && !isatty(0))
                reload(s);
            else
                return strsignal((int)got.ssi_signo);
        }
        see_the_unmounted(s, p);
        if (!living(s))
            return "unmounted";
        drop_those_that_left(s);
        if (p[n + 1].revents)
            take_orders(s);
    }
}

void service_end(struct service *s, int grace_ms)
{
    for (size_t i = 0; i < s->mounts_n; i++)
        mount_quiesce(s->mounts[i].mount);
    control_server_stop(s->control);
    if (s->started)
        engine_stop(s->engine, grace_ms);
    while (s->mounts_n)
        mount_drop(s, s->mounts_n - 1);
    control_server_free(s->control);
    if (s->engine)
        engine_free(s->engine);
}
