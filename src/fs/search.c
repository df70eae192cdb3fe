/* search.c — the texts that were looked at lately. */
#include "search.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define TEXTS_MOST 1024
#define FOUND_MOST 16 /* texts whose findings are kept */

struct text {
    uint64_t ino;
    char *text;
    struct found *found;
    UT_hash_handle hh; /* in the order of use, the latest last */
};

struct searches {
    pthread_mutex_t lock;
    struct text *texts;
    size_t found_n;
};

struct searches *searches_new(void)
{
    struct searches *s = calloc(1, sizeof *s);
    if (s)
        pthread_mutex_init(&s->lock, NULL);
    return s;
}

static void drop_found(struct searches *s, struct text *t)
{
    s->found_n -= t->found != NULL;
    found_release(t->found);
    t->found = NULL;
}

static void drop(struct searches *s, struct text *t)
{
    HASH_DEL(s->texts, t);
    drop_found(s, t);
    free(t->text);
    free(t);
}

void searches_free(struct searches *s)
{
    if (!s)
        return;
    while (s->texts)
        drop(s, s->texts);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* FNV-1a, 64 bits, folded to what a number has room for. */
static uint64_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325ull;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3ull;
    return (h >> 20) ^ h;
}

static struct text *find(struct searches *s, uint64_t ino)
{
    struct text *t = NULL;
    HASH_FIND(hh, s->texts, &ino, sizeof ino, t);
    if (t) { /* used last */
        HASH_DEL(s->texts, t);
        HASH_ADD(hh, s->texts, ino, sizeof t->ino, t);
    }
    return t;
}

static struct text *add(struct searches *s, uint64_t ino, const char *text)
{
    struct text *t = calloc(1, sizeof *t);
    if (!t || !(t->text = strdup(text))) {
        free(t);
        return NULL;
    }
    t->ino = ino;
    if (HASH_COUNT(s->texts) >= TEXTS_MOST)
        drop(s, s->texts);
    HASH_ADD(hh, s->texts, ino, sizeof t->ino, t);
    return t;
}

uint64_t searches_number(struct searches *s, uint64_t dir, const char *text)
{
    uint64_t ino, id = hash(text);
    struct text *t;
    pthread_mutex_lock(&s->lock);
    for (;; id++) { /* two texts of one hash take two numbers */
        ino = ino_make_part(INO_SEARCH, ino_tenant(dir), ino_coll(dir), SEARCH_TEXT, id);
        t = find(s, ino);
        if (!t || strcmp(t->text, text) == 0)
            break;
    }
    if (!t)
        t = add(s, ino, text);
    pthread_mutex_unlock(&s->lock);
    return t ? ino : 0;
}

char *searches_text(struct searches *s, uint64_t ino)
{
    pthread_mutex_lock(&s->lock);
    struct text *t = find(s, ino);
    char *text = t ? strdup(t->text) : NULL;
    pthread_mutex_unlock(&s->lock);
    return text;
}

void searches_keep(struct searches *s, uint64_t ino, struct found *found)
{
    pthread_mutex_lock(&s->lock);
    struct text *t = find(s, ino);
    if (t) {
        drop_found(s, t);
        t->found = found_keep(found);
        s->found_n += found != NULL;
    }
    for (struct text *old = s->texts; s->found_n > FOUND_MOST; old = old->hh.next)
        drop_found(s, old);
    pthread_mutex_unlock(&s->lock);
}

struct found *searches_found(struct searches *s, uint64_t ino)
{
    pthread_mutex_lock(&s->lock);
    struct text *t = find(s, ino);
    struct found *f = t ? found_keep(t->found) : NULL;
    pthread_mutex_unlock(&s->lock);
    return f;
}
