/* secret.c — passwords that an LMS generated: told once, held in memory only. Put by the engine's thread, taken by any. */
#include "sync/internal.h"

#include <stdlib.h>
#include <string.h>

struct secret {
    uint64_t ino; /* of the record */
    char *text;
    UT_hash_handle hh;
};

static void secret_drop(struct engine *g, struct secret *s)
{
    HASH_DEL(g->secrets, s);
    if (s->text)
        explicit_bzero(s->text, strlen(s->text));
    free(s->text);
    free(s);
}

void secret_keep(struct engine *g, uint64_t ino, const char *text)
{
    struct secret *s = NULL;
    pthread_mutex_lock(&g->secrets_lock);
    HASH_FIND(hh, g->secrets, &ino, sizeof ino, s);
    if (s)
        secret_drop(g, s);
    s = calloc(1, sizeof *s);
    if (s && (s->text = strdup(text))) {
        s->ino = ino;
        HASH_ADD(hh, g->secrets, ino, sizeof s->ino, s);
    } else {
        free(s);
    }
    pthread_mutex_unlock(&g->secrets_lock);
}

size_t engine_secret_len(struct engine *g, uint64_t ino)
{
    struct secret *s = NULL;
    pthread_mutex_lock(&g->secrets_lock);
    HASH_FIND(hh, g->secrets, &ino, sizeof ino, s);
    size_t len = s ? strlen(s->text) : 0;
    pthread_mutex_unlock(&g->secrets_lock);
    return len;
}

char *engine_secret_take(struct engine *g, uint64_t ino)
{
    struct secret *s = NULL;
    pthread_mutex_lock(&g->secrets_lock);
    HASH_FIND(hh, g->secrets, &ino, sizeof ino, s);
    char *text = s ? s->text : NULL;
    if (s) {
        s->text = NULL;
        secret_drop(g, s);
    }
    pthread_mutex_unlock(&g->secrets_lock);
    return text;
}

void secrets_free(struct engine *g)
{
    while (g->secrets)
        secret_drop(g, g->secrets);
}
