/* main.c — the commands by name. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#ifndef LMSFS_VERSION
#define LMSFS_VERSION "unknown"
#endif

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage, *summary, *more;
} commands[] = {
    {"mount", cmd_mount, "[-f] [-o OPTIONS] CONFIG MOUNTPOINT", "mount the tenants of a configuration",
     "  -f   stay in the foreground\n"
     "  -o   comma-separated: ro, dry_run, allow_other, uid=, gid=, file_mode=,\n"
     "       dir_mode=, workers=, debug\n"
     "The log of a mount is lmsfs.log in its cache folder. In fstab:\n"
     "  /etc/lmsfs/lms.conf  /mnt/lms  fuse.lmsfs  noauto,_netdev  0  0\n"},
    {"umount", cmd_umount, "MOUNTPOINT", "unmount, and wait until its daemon has ended", ""},
    {"check", cmd_check, "[--json] CONFIG", "try a configuration: reachable, credentials good?",
     "Mounts nothing. At most three requests a tenant, at most 10 s.\n"},
    {"status", cmd_ask, "[--json] [--watch] [--verbose] [PATH|CONFIG]", "what a mount is doing",
     "A line a tenant, and below it what needs somebody. With a path or --verbose its\n"
     "collections too; --watch shows it anew every two seconds.\n"},
    {"why", cmd_ask, "[--json] PATH", "what became of the last save or removal of a file", ""},
    {"wait", cmd_ask, "[--json] PATH", "wait for the verdict on a file; fails if it was refused", ""},
    {"refresh", cmd_ask, "[--json] PATH", "list a directory anew, or read a file's record anew", ""},
    {"fetch", cmd_ask, "[--json] PATH", "read the whole of a record, not only the list's row", ""},
    {"url", cmd_ask, "[--json] PATH", "print a record's signed URLs, fresh from the LMS",
     "One URL is printed alone, several with their names before them. They live for\n"
     "seconds and are kept nowhere.\n"},
    {"pending", cmd_ask, "[--json] [PATH]", "saves and removals without a verdict yet", ""},
    {"rejected", cmd_ask, "[--json] [PATH]", "saves and removals that were refused, by number", ""},
    {"retry", cmd_ask, "[--json] N [PATH]", "send a refused one again; fails if it is refused again",
     "PATH only says which mount is meant.\n"},
    {"drop", cmd_ask, "[--json] [N] [PATH]", "forget a refused one, or the removals that the guard holds",
     "Without N: takes back the removals that the guard holds.\n"
     "PATH only says which mount is meant.\n"},
    {"release", cmd_ask, "[--json] [PATH]", "let the removals go that the guard holds", ""},
    {"adopt", cmd_ask, "[--json] DIR <IDS", "make names known of what can only be written; sends nothing",
     "Reads ids from standard input, one a line. From then on a save of such a name\n"
     "updates, and rm removes.\n"},
    {"resend", cmd_ask, "[--json] PATH", "send what a file shows once more, of what can only be written", ""},
    {"forget", cmd_ask, "[--json] PATH", "drop a name here; sends nothing",
     "Only what the LMS doesn't list: files that can only be written, and those that\n"
     "are known by name.\n"},
    {"log", cmd_log, "[--json] [-f] [-n N] [PATH|CONFIG]", "what was changed, by whom, and the LMS's verdict",
     "  -f, --follow   go on as entries come, until the unmount\n"
     "  -n N           the last N entries, or all (20)\n"
     "Newest last. With a path only those of that file or directory.\n"},
    {"sandbox", cmd_sandbox, "[OPTION]...", "an LMS on this machine, with invented people",
     "Runs lmsfs-sandbox; `lmsfs sandbox --help` lists its options.\n"},
    {"demo", cmd_demo, "[MOUNTPOINT]", "sandbox, mount and a guided tour",
     "Waits for Enter between the steps on a terminal; elsewhere it runs through.\n"},
};

static const struct command *command_named(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int complain(const struct err *e)
{
    fprintf(stderr, "lmsfs: %s\n", e->text[0] ? e->text : strerror(-e->code));
    return FAILED;
}

int misused(const char *command, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "lmsfs %s: ", command);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "; see `lmsfs help %s`\n", command);
    return MISUSED;
}

static int help_all(void)
{
    puts("lmsfs mounts learning-management systems as directories of JSON files.\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        printf("  lmsfs %-8s  %s\n", commands[i].name, commands[i].summary);
    puts("`lmsfs help COMMAND` tells more, `man lmsfs` the rest.\n"
         "Exit status: 0, 1 for a failure, 2 for misuse.");
    return DONE;
}

static int help_one(const char *name)
{
    const struct command *c = command_named(name);
    if (!c)
        return misused("help", "there is no command %s", name);
    const char *end = strchr(c->summary, '?') ? "" : ".";
    printf("usage: lmsfs %s %s\n%c%s%s\n%s", c->name, c->usage, c->summary[0] - 'a' + 'A', c->summary + 1, end, c->more);
    return DONE;
}

static int help(int argc, char **argv)
{
    if (argc > 2)
        return misused("help", "it takes one command at most");
    return argc > 1 && strcmp(argv[1], "help") != 0 ? help_one(argv[1]) : help_all();
}

int main(int argc, char **argv)
{
    opterr = 0; /* each command says in one line what it can't make sense of */
    const char *slash = strrchr(argv[0], '/'), *self = slash ? slash + 1 : argv[0];
    if (strncmp(self, "mount.", 6) == 0)
        return cmd_mount_helper(argc, argv);
    if (argc < 2) {
        fputs("lmsfs: what should be done? `lmsfs help` lists the commands\n", stderr);
        return MISUSED;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0)
        return help(argc - 1, argv + 1);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help_all();
    if (strcmp(name, "--version") == 0)
        return printf("lmsfs %s\n", LMSFS_VERSION) < 0 ? FAILED : DONE;
    const struct command *c = command_named(name);
    if (c && argc >= 3 && strcmp(argv[2], "--help") == 0 && c->run != cmd_sandbox)
        return help_one(name);
    if (c)
        return c->run(argc - 1, argv + 1);
    /* fstab's type fuse.lmsfs: CONFIG MOUNTPOINT -o … */
    if (argc >= 3 && (strchr(name, '/') || access(name, F_OK) == 0))
        return cmd_mount(argc, argv);
    fprintf(stderr, "lmsfs: there is no command %s; `lmsfs help` lists them\n", name);
    return MISUSED;
}
