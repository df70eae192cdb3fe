/* target.c — the daemon, or its cache folder, that a command is about. */
#include "target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon.h"
#include "lmsfs/conf.h"
#include "mounts.h"

static int take_mount(struct target *t, const struct mounted *m, const char *rest)
{
    snprintf(t->cache_dir, sizeof t->cache_dir, "%s", m->cache_dir);
    snprintf(t->mountpoint, sizeof t->mountpoint, "%s", m->mountpoint);
    snprintf(t->path, sizeof t->path, "%s", rest);
    return 0;
}

/* Two mounts of one daemon are one answer: the first speaks for it. NULL: there is none, or there are several daemons. */
static const struct mounted *only_daemon(const struct mounts *known)
{
    for (size_t i = 1; i < known->n; i++)
        if (strcmp(known->list[i].cache_dir, known->list[0].cache_dir) != 0)
            return NULL;
    return known->n ? &known->list[0] : NULL;
}

static int no_single_mount(const struct mounts *known, struct err *e)
{
    if (known->n == 0)
        return err_set(e, -ENOENT, "no lmsfs mount is here");
    char list[400] = "";
    for (size_t i = 0, n = 0; i < known->n && n < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", known->list[i].mountpoint);
    return err_set(e, -EINVAL, "which mount? Name one of %s", list);
}

/* Secrets come with it. */
static int take_conf(struct target *t, const char *path, struct err *e)
{
    struct conf conf;
    daemon_harden();
    int rc = conf_load(path, &conf, e);
    if (rc)
        return rc;
    snprintf(t->cache_dir, sizeof t->cache_dir, "%s", conf.cache_dir);
    conf_release(&conf);
    return 0;
}

int target_find(struct target *t, const char *path, bool or_conf, struct err *e)
{
    struct mounts known;
    const struct mounted *at;
    const char *rest;
    char physical[PATH_MAX];
    struct stat st;
    *t = (struct target){0};
    int rc = mounts_read(&known, e);
    if (rc)
        return rc;
    rc = mounts_resolve(&known, path ? path : ".", physical, &at, &rest, e);
    if (!rc && at)
        take_mount(t, at, path ? rest : "");
    else if (!path && only_daemon(&known))
        rc = take_mount(t, only_daemon(&known), "");
    else if (!path)
        rc = no_single_mount(&known, e);
    else if (!rc && or_conf && stat(physical, &st) == 0 && S_ISREG(st.st_mode))
        rc = take_conf(t, physical, e);
    else if (!rc)
        rc = err_set(e, -EINVAL, "%s is in no lmsfs mount", path);
    mounts_release(&known);
    return rc;
}
