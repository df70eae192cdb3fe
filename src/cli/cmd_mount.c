/* cmd_mount.c — `lmsfs mount`, and how mount(8) and fstab call it. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "mounts.h"

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

static int mount_with(const struct mount_request *r, const struct conf *conf, struct err *e)
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
    o.max_document = conf->max_document;
    o.max_scratch = conf->max_scratch;

    struct report report = {.fd = -1};
    pid_t child = 0;
    if (!r->foreground) {
        rc = daemon_detach(&report, &child, e);
        if (rc)
            return rc;
        if (child)
            return daemon_hear(&report, child, e);
    }
    rc = daemon_serve(conf, &o, &report, e);
    if (!r->foreground)
        e->text[0] = '\0'; /* the parent has said it */
    return rc;
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
