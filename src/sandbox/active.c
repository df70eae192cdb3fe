/* Which user indices are active: a bitmap under a Fenwick tree of its words' counts. */
#include "active.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"

struct active {
    uint32_t words; /* a power of two, so that the descent in active_kth needs no bound checks */
    uint32_t count;
    uint64_t *bits;
    uint32_t *sums; /* Fenwick, 1-based: sums[i] covers the (i & -i) words that end at word i-1 */
};

static void sums_build(struct active *a)
{
    memset(a->sums, 0, (a->words + 1) * sizeof(*a->sums));
    for (uint32_t i = 1; i <= a->words; i++) {
        uint32_t parent = i + (i & -i);

        a->sums[i] += (uint32_t)__builtin_popcountll(a->bits[i - 1]);
        if (parent <= a->words)
            a->sums[parent] += a->sums[i];
    }
}

static void resize(struct active *a, uint32_t words)
{
    a->bits = sb_realloc(a->bits, words * sizeof(*a->bits));
    memset(a->bits + a->words, 0, (words - a->words) * sizeof(*a->bits));
    a->sums = sb_realloc(a->sums, (words + 1) * sizeof(*a->sums));
    a->words = words;
}

struct active *active_new(uint32_t count)
{
    struct active *a = sb_alloc(sizeof(*a));
    uint32_t words = 64;

    while ((uint64_t)words * 64 < count)
        words *= 2;
    resize(a, words);
    memset(a->bits, 0xff, count / 64 * 8);
    if (count % 64)
        a->bits[count / 64] = (UINT64_C(1) << count % 64) - 1;
    a->count = count;
    sums_build(a);
    return a;
}

void active_free(struct active *a)
{
    if (!a)
        return;
    free(a->bits);
    free(a->sums);
    free(a);
}

bool active_test(const struct active *a, uint32_t index)
{
    return index / 64 < a->words && (a->bits[index / 64] >> index % 64 & 1);
}

void active_set(struct active *a, uint32_t index, bool on)
{
    uint32_t words = a->words;

    if (active_test(a, index) == on)
        return;
    while (index / 64 >= words)
        words *= 2;
    if (words != a->words) {
        resize(a, words);
        sums_build(a);
    }
    a->bits[index / 64] ^= UINT64_C(1) << index % 64;
    a->count += on ? 1U : -1U;
    for (uint32_t i = index / 64 + 1; i <= a->words; i += i & -i)
        a->sums[i] += on ? 1U : -1U;
}

uint32_t active_count(const struct active *a)
{
    return a->count;
}

uint32_t active_kth(const struct active *a, uint32_t k)
{
    uint32_t word = 0;
    uint64_t bits;

    if (k >= a->count)
        return ACTIVE_NONE;
    for (uint32_t step = a->words / 2; step; step /= 2) {
        if (a->sums[word + step] <= k) {
            word += step;
            k -= a->sums[word];
        }
    }
    for (bits = a->bits[word]; k; k--)
        bits &= bits - 1;
    return word * 64 + (uint32_t)__builtin_ctzll(bits);
}

uint32_t active_next(const struct active *a, uint32_t from)
{
    uint32_t word = from / 64;
    uint64_t bits;

    if (word >= a->words)
        return ACTIVE_NONE;
    bits = a->bits[word] & (~UINT64_C(0) << from % 64);
    while (!bits) {
        if (++word == a->words)
            return ACTIVE_NONE;
        bits = a->bits[word];
    }
    return word * 64 + (uint32_t)__builtin_ctzll(bits);
}
