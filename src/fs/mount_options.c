/* mount_options.c — "-o a,b=c". */
#include "lmsfs/mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct option {
    const char *name;
    int (*set)(struct mount_options *o, const char *value); /* NULL: means nothing here */
    bool takes_value;
};

static int number(const char *text, int base, unsigned long max, unsigned long *out)
{
    char *end;
    errno = 0;
    if (!*text || strspn(text, base == 8 ? "01234567" : "0123456789") != strlen(text))
        return -EINVAL;
    *out = strtoul(text, &end, base);
    return errno || *end || *out > max ? -EINVAL : 0;
}

static int set_ro(struct mount_options *o, const char *v)
{
    (void)v;
    o->read_only = true;
    return 0;
}

static int set_rw(struct mount_options *o, const char *v)
{
    (void)v;
    o->read_only = false;
    return 0;
}

static int set_allow_other(struct mount_options *o, const char *v)
{
    (void)v;
    o->allow_other = true;
    return 0;
}

static int set_dry_run(struct mount_options *o, const char *v)
{
    (void)v;
    o->dry_run = true;
    return 0;
}

static int set_debug(struct mount_options *o, const char *v)
{
    (void)v;
    o->debug = true;
    return 0;
}

static int set_uid(struct mount_options *o, const char *v)
{
    unsigned long n;
    int code = number(v, 10, 0xfffffffe, &n);
    if (code == 0)
        o->uid = (uid_t)n;
    return code;
}

static int set_gid(struct mount_options *o, const char *v)
{
    unsigned long n;
    int code = number(v, 10, 0xfffffffe, &n);
    if (code == 0)
        o->gid = (gid_t)n;
    return code;
}

static int set_file_mode(struct mount_options *o, const char *v)
{
    unsigned long n;
    int code = number(v, 8, 0666, &n);
    if (code == 0)
        o->file_mode = (mode_t)n & 0666;
    return code;
}

static int set_dir_mode(struct mount_options *o, const char *v)
{
    unsigned long n;
    int code = number(v, 8, 0777, &n);
    if (code == 0)
        o->dir_mode = (mode_t)n;
    return code;
}

static int set_workers(struct mount_options *o, const char *v)
{
    unsigned long n;
    int code = number(v, 10, 16, &n);
    if (code == 0 && n == 0)
        code = -EINVAL;
    if (code == 0)
        o->workers = (unsigned)n;
    return code;
}

static const struct option options[] = {
    {"ro", set_ro, false},
    {"rw", set_rw, false},
    {"allow_other", set_allow_other, false},
    {"debug", set_debug, false},
    {"dry_run", set_dry_run, false},
    {"uid", set_uid, true},
    {"gid", set_gid, true},
    {"file_mode", set_file_mode, true},
    {"dir_mode", set_dir_mode, true},
    {"workers", set_workers, true},
    /* mount(8), fstab and systemd pass these along */
    {"_netdev", NULL, false},
    {"nofail", NULL, false},
    {"auto", NULL, false},
    {"noauto", NULL, false},
    {"user", NULL, false},
    {"users", NULL, false},
    {"nouser", NULL, false},
    {"owner", NULL, false},
    {"group", NULL, false},
    {"defaults", NULL, false},
    {"suid", NULL, false},
    {"nosuid", NULL, false},
    {"dev", NULL, false},
    {"nodev", NULL, false},
    {"exec", NULL, false},
    {"noexec", NULL, false},
    {"atime", NULL, false},
    {"noatime", NULL, false},
    {"nodiratime", NULL, false},
    {"relatime", NULL, false},
    {"default_permissions", NULL, false},
};

static int apply(struct mount_options *o, char *word, struct err *e)
{
    char *value = strchr(word, '=');
    if (strncmp(word, "x-", 2) == 0 || strncmp(word, "comment=", 8) == 0)
        return 0;
    if (value)
        *value++ = '\0';
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const struct option *k = &options[i];
        if (strcmp(k->name, word) != 0)
            continue;
        if (k->takes_value && !value)
            return err_set(e, -EINVAL, "mount option %s needs a value: %s=…", word, word);
        if (!k->takes_value && value)
            return err_set(e, -EINVAL, "mount option %s takes no value", word);
        if (k->set && k->set(o, value))
            return err_set(e, -EINVAL, "mount option %s=%s: not a value for it", word, value ? value : "");
        return 0;
    }
    return err_set(e, -EINVAL, "unknown mount option %s", word);
}

int mount_options_parse(struct mount_options *o, const char *text, struct err *e)
{
    o->uid = geteuid();
    o->gid = getegid();
    o->file_mode = 0600;
    o->dir_mode = 0700;
    char *copy = strdup(text), *rest = copy, *word;
    int code = copy ? 0 : err_set(e, -ENOMEM, "out of memory");
    while (code == 0 && (word = strsep(&rest, ",")))
        if (*word)
            code = apply(o, word, e);
    free(copy);
    return code;
}
