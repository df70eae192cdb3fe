/* hook.c — see hook.h. */
#include "sync/hook.h"

#ifdef LMSFS_TEST_HOOKS
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void test_hook(const char *where)
{
    const char *path = getenv("LMSFS_DIE_FILE");
    char word[64] = "";
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    ssize_t n = read(fd, word, sizeof word - 1);
    close(fd);
    word[n > 0 ? n : 0] = '\0';
    word[strcspn(word, "\n")] = '\0';
    if (strcmp(word, where) != 0)
        return;
    unlink(path);
    kill(getpid(), SIGKILL);
}

void test_slow(const char *where)
{
    const char *path = getenv("LMSFS_SLOW_FILE");
    FILE *f = path ? fopen(path, "re") : NULL;
    char word[64];
    long ms;
    while (f && fscanf(f, "%63s %ld", word, &ms) == 2) {
        const struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
        if (strcmp(word, where) == 0)
            nanosleep(&wait, NULL);
    }
    if (f)
        fclose(f);
}

static int64_t ahead;

static void clock_read(void)
{
    const char *path = getenv("LMSFS_CLOCK_FILE");
    char text[32] = "";
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    ahead = strtoll(text, NULL, 10);
}

int64_t test_clock_ahead(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, clock_read);
    return ahead;
}
#endif
