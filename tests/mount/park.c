/* park.c — many processes' worth of waiting: N threads, each opening a file that makes it wait.
 *
 *   park N FILE…       thread i opens FILE[i % files], reads it to its end, closes it
 *
 * Prints "parked" once every thread is about to open, "done K" when all are through (K opens succeeded).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_int ready, good;
static char **files;
static int files_n;

static void *reader(void *arg)
{
    char buf[4096];
    int i = (int)(long)arg;
    atomic_fetch_add(&ready, 1);
    int fd = open(files[i % files_n], O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    while (read(fd, buf, sizeof buf) > 0)
        ;
    close(fd);
    atomic_fetch_add(&good, 1);
    return NULL;
}

int main(int argc, char **argv)
{
    int n = argc > 2 ? atoi(argv[1]) : 0;
    pthread_t *threads = n > 0 ? calloc((size_t)n, sizeof *threads) : NULL;
    pthread_attr_t attr;
    if (!threads)
        return 2;
    files = argv + 2;
    files_n = argc - 2;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 65536);
    for (long i = 0; i < n; i++)
        if (pthread_create(&threads[i], &attr, reader, (void *)i))
            return 3;
    while (atomic_load(&ready) < n)
        sched_yield();
    puts("parked");
    fflush(stdout);
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    printf("done %d\n", atomic_load(&good));
    free(threads);
    return atomic_load(&good) == n ? 0 : 1;
}
