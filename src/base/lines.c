/* lines.c — the last newline of a file, looked for from its end. */
#include "base/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 4096 /* bytes looked at in one go */

off_t lines_whole(int fd, off_t end)
{
    char block[BLOCK];
    while (end > 0) {
        off_t from = end > BLOCK ? end - BLOCK : 0;
        ssize_t n = pread(fd, block, (size_t)(end - from), from);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        const char *newline = memrchr(block, '\n', (size_t)n);
        if (newline)
            return from + (newline - block) + 1;
        end = from;
    }
    return 0;
}
