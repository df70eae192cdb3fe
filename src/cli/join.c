/* join.c — another mount on the engine of a daemon that runs. */
#include "join.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <fcntl.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "control.h"
#include "mounts.h"
#include "unmount.h"

#define MOUNTED_WITHIN_MS 60000
#define ENDED_WITHIN_MS   15000

/* ---- the request ---- */

/* Where one mounts, others see it: only there. "" where it can't be told. */
static void namespace_here(char *to, size_t size)
{
    ssize_t n = readlink("/proc/self/ns/mnt", to, size - 1);
    to[n > 0 ? n : 0] = '\0';
}

static json_t *settings_of(const struct conf *conf)
{
    json_t *all = json_object();
    for (size_t i = 0; i < conf->settings_n; i++) {
        char hash[20];
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)conf->settings[i].hash);
        json_object_set_new(all, conf->settings[i].name, json_string(hash));
    }
    json_object_set_new(all, "-o dry_run",
                        json_string(conf->dry_run ? "yes" : "no")); /* it is the engine's, not one mount's */
    return all;
}

static json_t *request_of(const struct conf *conf, const struct mount_options *o)
{
    char namespace[64];
    namespace_here(namespace, sizeof namespace);
    return json_pack("{s:s, s:s, s:s, s:o, s:b, s:b, s:b, s:I, s:I, s:i, s:i, s:i}", "cmd", "mount", "mountpoint",
                     o->mountpoint, "namespace", namespace, "settings", settings_of(conf), "read_only", o->read_only,
                     "allow_other", o->allow_other, "debug", o->debug, "uid", (json_int_t)o->uid, "gid",
                     (json_int_t)o->gid, "file_mode", (int)o->file_mode, "dir_mode", (int)o->dir_mode, "workers",
                     (int)o->workers);
}

/* ---- the daemon's side ---- */

static int same_settings(const struct conf *conf, const json_t *theirs, struct err *e)
{
    json_t *ours = settings_of(conf), *value, *other;
    const char *name, *differs = NULL;
    json_object_foreach(ours, name, value)
    {
        other = json_object_get(theirs, name);
        if (!differs && (!json_is_string(other) || strcmp(json_string_value(other), json_string_value(value)) != 0))
            differs = name;
    }
    json_object_foreach((json_t *)theirs, name, value)
    {
        if (!differs && !json_object_get(ours, name))
            differs = name;
    }
    int rc = differs
                 ? err_set(e, -EEXIST,
                           "the cache folder %s is served by process %d with another configuration: %.150s differs; "
                           "unmount its mounts first, or give this one a cache_dir of its own",
                           conf->cache_dir, (int)getpid(), differs)
                 : 0;
    json_decref(ours);
    return rc;
}

int join_read(const json_t *request, const struct conf *conf, struct mount_options *o, struct err *e)
{
    char here[64];
    json_int_t uid, gid;
    const char *mountpoint, *namespace;
    int read_only, allow_other, debug, file_mode, dir_mode, workers;
    json_t *settings;
    json_error_t what;
    if (json_unpack_ex((json_t *)request, &what, 0, "{s:s, s:s, s:o, s:b, s:b, s:b, s:I, s:I, s:i, s:i, s:i}",
                       "mountpoint", &mountpoint, "namespace", &namespace, "settings", &settings, "read_only",
                       &read_only, "allow_other", &allow_other, "debug", &debug, "uid", &uid, "gid", &gid, "file_mode",
                       &file_mode, "dir_mode", &dir_mode, "workers", &workers) ||
        mountpoint[0] != '/')
        return err_set(e, -EINVAL, "the daemon is of another version of lmsfs: unmount its mounts first");
    namespace_here(here, sizeof here);
    if (strcmp(here, namespace) != 0)
        return err_set(
            e, -EXDEV, "the daemon of %s (process %d) sees other mounts than you do: it could not mount where you see it",
            conf->cache_dir, (int)getpid());
    *o = (struct mount_options){.mountpoint = mountpoint,
                                .read_only = read_only,
                                .allow_other = allow_other,
                                .debug = debug,
                                .uid = (uid_t)uid,
                                .gid = (gid_t)gid,
                                .file_mode = (mode_t)file_mode & 0666,
                                .dir_mode = (mode_t)dir_mode & 0777,
                                .workers = workers > 0 ? (unsigned)workers : 0,
                                .max_document = conf->max_document,
                                .max_scratch = conf->max_scratch};
    return same_settings(conf, settings, e);
}

/* ---- asking ---- */

static int refusal(const json_t *reply, struct err *e)
{
    const char *name = json_string_value(json_object_get(reply, "errno"));
    const char *text = json_string_value(json_object_get(reply, "error"));
    if (json_is_true(json_object_get(reply, "ok")))
        return 0;
    json_int_t code = json_integer_value(json_object_get(reply, "code"));
    int rc = name && strcmp(name, "ESHUTDOWN") == 0 ? -ESHUTDOWN : code < 0 && code > -4096 ? (int)code : -EIO;
    return err_set(e, rc, "%s", text ? text : "the daemon says no");
}

int join_ask(const struct conf *conf, const struct mount_options *o, struct err *e)
{
    struct control_client c;
    json_t *reply = NULL;
    int rc = control_connect(conf->cache_dir, &c, e);
    if (rc)
        return rc;
    int daemon = c.daemon > 0 ? pidfd_open(c.daemon, 0) : -1;
    json_t *request = request_of(conf, o);
    rc = request ? control_ask(&c, request, MOUNTED_WITHIN_MS, &reply, e)
                 : err_set(e, -EINVAL, "the path of the mount point isn't UTF-8");
    json_decref(request);
    control_close(&c);
    if (!rc)
        rc = refusal(reply, e);
    json_decref(reply);
    if ((rc == -ESHUTDOWN || rc == -EPIPE) && (daemon < 0 || process_wait_gone(daemon, ENDED_WITHIN_MS) == 0))
        rc = -ECONNREFUSED; /* it was ending; now there is none */
    if (daemon >= 0)
        close(daemon);
    return rc;
}

/* ---- staying ---- */

static int is_mounted(const char *mountpoint)
{
    struct mounts known;
    if (mounts_read(&known, NULL))
        return 1;
    int there = mounts_at(&known, mountpoint) != NULL;
    mounts_release(&known);
    return there;
}

static int stay(const char *mountpoint, int daemon, int signals, struct err *e)
{
    int table = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    int rc = 0;
    while (is_mounted(mountpoint)) {
        struct pollfd p[] = {
            {.fd = signals, .events = POLLIN}, {.fd = daemon, .events = POLLIN}, {.fd = table, .events = POLLPRI}};
        struct signalfd_siginfo got;
        if (poll(p, 3, 1000) < 0 && errno != EINTR)
            break;
        if (p[1].revents) {
            rc = err_set(e, -EPIPE, "the daemon that served %s has ended", mountpoint);
            break;
        }
        if (read(signals, &got, sizeof got) == (ssize_t)sizeof got && (rc = unmount_path(mountpoint, e)))
            break;
    }
    if (table >= 0)
        close(table);
    return rc;
}

int join_stay(const struct conf *conf, const char *mountpoint, struct err *e)
{
    struct control_client c;
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGHUP);
    int rc = control_connect(conf->cache_dir, &c, e);
    if (rc)
        return rc;
    int daemon = pidfd_open(c.daemon, 0);
    control_close(&c);
    int signals = sigprocmask(SIG_BLOCK, &ours, NULL) ? -1 : signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    if (daemon < 0 || signals < 0) {
        rc = err_set(e, -errno, "can't wait for the end of %s: %s", mountpoint, strerror(errno));
    } else {
        sd_notifyf(0, "READY=1\nSTATUS=%s is mounted by process %d", mountpoint, (int)c.daemon);
        rc = stay(mountpoint, daemon, signals, e);
    }
    if (daemon >= 0)
        close(daemon);
    if (signals >= 0)
        close(signals);
    return rc;
}
