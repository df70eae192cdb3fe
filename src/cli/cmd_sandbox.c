/* cmd_sandbox.c — `lmsfs sandbox`: becomes lmsfs-sandbox. */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "spawn.h"

int cmd_sandbox(int argc, char **argv)
{
    char path[4096];
    struct err e = {0};
    (void)argc;
    if (spawn_find("lmsfs-sandbox", path, sizeof path, &e))
        return complain(&e);
    argv[0] = path;
    execv(path, argv);
    err_set(&e, -errno, "can't start %s: %s", path, strerror(errno));
    return complain(&e);
}
