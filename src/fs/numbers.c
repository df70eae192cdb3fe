/* numbers.c — record ↔ shadow. */
#include "numbers.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <uthash.h>

#define COUNTER_BITS 34
#define MOUNT_BITS   26

struct carried {
    uint64_t record, shadow;
    UT_hash_handle by_record, by_shadow;
};

struct numbers {
    pthread_mutex_t lock;
    struct carried *records, *shadows;
    uint64_t mount_count, counter;
    atomic_bool any; /* most mounts never carry one */
};

uint64_t number_of_mount(enum ino_kind kind, uint64_t mount_count, uint64_t counter)
{
    if (counter >> COUNTER_BITS)
        return 0;
    return (uint64_t)kind << 60 | (mount_count & ((1ull << MOUNT_BITS) - 1)) << COUNTER_BITS | counter;
}

struct numbers *numbers_new(uint64_t mount_count)
{
    struct numbers *n = calloc(1, sizeof *n);
    if (n) {
        pthread_mutex_init(&n->lock, NULL);
        n->mount_count = mount_count;
    }
    return n;
}

void numbers_free(struct numbers *n)
{
    if (!n)
        return;
    HASH_CLEAR(by_shadow, n->shadows);
    struct carried *c, *next;
    HASH_ITER(by_record, n->records, c, next)
    {
        HASH_DELETE(by_record, n->records, c);
        free(c);
    }
    pthread_mutex_destroy(&n->lock);
    free(n);
}

uint64_t numbers_shown(struct numbers *n, uint64_t record)
{
    if (ino_kind(record) != INO_RECORD || !atomic_load(&n->any))
        return record;
    struct carried *c;
    pthread_mutex_lock(&n->lock);
    HASH_FIND(by_record, n->records, &record, sizeof record, c);
    uint64_t shown = c ? c->shadow : record;
    pthread_mutex_unlock(&n->lock);
    return shown;
}

uint64_t numbers_record(struct numbers *n, uint64_t shadow)
{
    struct carried *c;
    pthread_mutex_lock(&n->lock);
    HASH_FIND(by_shadow, n->shadows, &shadow, sizeof shadow, c);
    uint64_t record = c ? c->record : 0;
    pthread_mutex_unlock(&n->lock);
    return record;
}

int numbers_carry(struct numbers *n, uint64_t record)
{
    int code = 0;
    struct carried *c;
    pthread_mutex_lock(&n->lock);
    uint64_t shadow = number_of_mount(INO_SHADOW, n->mount_count, n->counter + 1);
    HASH_FIND(by_record, n->records, &record, sizeof record, c);
    if (!shadow) {
        code = -ENOSPC;
        goto out;
    }
    if (c) {
        HASH_DELETE(by_shadow, n->shadows, c);
    } else {
        c = calloc(1, sizeof *c);
        if (!c) {
            code = -ENOMEM;
            goto out;
        }
        c->record = record;
        HASH_ADD(by_record, n->records, record, sizeof c->record, c);
    }
    n->counter++;
    c->shadow = shadow;
    HASH_ADD(by_shadow, n->shadows, shadow, sizeof c->shadow, c);
    atomic_store(&n->any, true);
out:
    pthread_mutex_unlock(&n->lock);
    return code;
}
