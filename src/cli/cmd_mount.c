/* cmd_mount.c — `lmsfs mount`, and how mount(8) and fstab call it. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon.h"
#include "join.h"
#include "mounts.h"

#define STARTING_MS      3000 /* that a daemon which has the lock may need until it has its socket */
#define STARTING_STEP_MS 100

struct mount_request {
    const char *conf, *mountpoint;
    char *options; /* what all -o gave, joined by commas; owned */
    bool foreground, fake;
};

static int add_options(struct mount_request *r, const char *more)
{
    char *joined;
    if (asprintf(&joined, "%s%s%s", r->options ? r->options : "", r->options ? "," : "", more) < 0)
        return -ENOMEM;
    free(r->options);
    r->options = joined;
    return 0;
}

/* A daemon of our own. -EALREADY: there is one. In the child that became it, *daemon is set. */
static int mount_alone(const struct mount_request *r, const struct conf *conf, const struct mount_options *o,
                       bool *daemon, struct err *e)
{
    struct report report = {.fd = -1};
    pid_t child = 0;
    if (!r->foreground) {
        int rc = daemon_detach(&report, &child, e);
        if (rc)
            return rc;
        if (child)
            return daemon_hear(&report, child, e);
        *daemon = true;
    }
    int rc = daemon_serve(conf, o, &report, e);
    if (*daemon)
        e->text[0] = '\0'; /* the parent has said it */
    return rc;
}

static int join(const struct mount_request *r, const struct conf *conf, const struct mount_options *o, struct err *e)
{
    int rc = join_ask(conf, o, e);
    return rc == 0 && r->foreground ? join_stay(conf, o->mountpoint, e) : rc;
}

/* By the daemon that serves the cache folder, or else by one of our own. Of two that start at once one has the folder's lock: the other waits for
 * its socket. */
static int mount_somehow(const struct mount_request *r, const struct conf *conf, const struct mount_options *o,
                         struct err *e)
{
    bool daemon = false;
    int rc = join(r, conf, o, e);
    for (int ms = 0; rc == -ECONNREFUSED && !daemon; ms += STARTING_STEP_MS) {
        rc = mount_alone(r, conf, o, &daemon, e);
        if (rc != -EALREADY || daemon || ms >= STARTING_MS)
            break;
        struct err before = *e;
        nanosleep(&(struct timespec){.tv_nsec = STARTING_STEP_MS * 1000000L}, NULL);
        rc = join(r, conf, o, e);
        if (rc == -ECONNREFUSED)
            *e = before;
    }
    return rc;
}

static int mount_with(const struct mount_request *r, struct conf *conf, struct err *e)
{
    struct mount_options o = {0};
    struct mounts known;
    const struct mounted *at;
    const char *rest;
    char mountpoint[PATH_MAX];
    int rc = mount_options_parse(&o, r->options ? r->options : "", e);
    if (!rc)
        rc = mounts_read(&known, e);
    if (rc)
        return rc;
    rc = mounts_resolve(&known, r->mountpoint, mountpoint, &at, &rest, e);
    mounts_release(&known);
    if (rc || r->fake)
        return rc;
    o.mountpoint = mountpoint;
    conf->dry_run = o.dry_run;
    o.max_document = conf->max_document;
    o.max_scratch = conf->max_scratch;
    return mount_somehow(r, conf, &o, e);
}

static int mount_run(struct mount_request *r)
{
    struct err e = {0};
    struct conf conf;
    daemon_harden();
    int rc = conf_load(r->conf, &conf, &e);
    if (!rc) {
        rc = mount_with(r, &conf, &e);
        conf_release(&conf);
    }
    free(r->options);
    if (!rc)
        return DONE;
    return e.text[0] ? complain(&e) : FAILED;
}

int cmd_mount(int argc, char **argv)
{
    struct mount_request r = {0};
    int option;
    while ((option = getopt(argc, argv, "fo:")) != -1) {
        if (option == 'f') {
            r.foreground = true;
        } else if (option != 'o' || add_options(&r, optarg)) {
            free(r.options);
            return misused("mount", "can't make sense of -%c", optopt);
        }
    }
    if (argc - optind != 2) {
        free(r.options);
        return misused("mount", "it takes a configuration and a mount point");
    }
    r.conf = argv[optind];
    r.mountpoint = argv[optind + 1];
    return mount_run(&r);
}

int cmd_mount_helper(int argc, char **argv)
{
    struct mount_request r = {0};
    int option;
    while ((option = getopt(argc, argv, "sfnvN:t:o:")) != -1) {
        if (option == '?' || (option == 'o' && add_options(&r, optarg))) {
            free(r.options);
            return misused("mount", "can't make sense of -%c", optopt);
        }
        if (option == 'f')
            r.fake = true; /* mount --fake: everything but the mount */
    }
    if (argc - optind != 2) {
        free(r.options);
        return misused("mount", "it takes a configuration and a mount point");
    }
    r.conf = argv[optind];
    r.mountpoint = argv[optind + 1];
    return mount_run(&r);
}
