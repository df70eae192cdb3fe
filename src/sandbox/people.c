/* The invented people of the HowNow tenant: seeded until changed, then kept. */
#include "people.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uthash.h>

#include "active.h"
#include "buf.h"
#include "seed.h"

/* A name that a kept user goes by; the seeded ones are computed. */
struct alias {
    UT_hash_handle hh;
    uint32_t index;
    char key[];
};

struct people {
    uint64_t seed;
    uint32_t seeded, total, room;
    struct user **kept; /* by index, NULL where the user is as seeded */
    struct active *active;
    struct alias *by_ext, *by_email;
    uint32_t with_role[PEOPLE_MOST];
    uint32_t turn; /* people_reorder */
    bool around;
};

static const char *const type_names[] = {"Admin", "Manager", "Contributor", "ReadOnly"};
static const char *const status_names[] = {"Active", "Invited", "Deactivated"};

const char *people_type_name(enum user_type type)
{
    return type_names[type];
}

const char *people_status_name(enum user_status status)
{
    return status_names[status];
}

bool people_type_parse(const char *text, enum user_type *type)
{
    for (unsigned i = 0; i < 4; i++) {
        if (strcasecmp(text, type_names[i]) == 0) {
            *type = (enum user_type)i;
            return true;
        }
    }
    return false;
}

/* ---- aliases ---- */

static uint32_t alias_find(struct alias *const *table, const char *key)
{
    struct alias *a = NULL;

    HASH_FIND_STR(*table, key, a);
    return a ? a->index : PEOPLE_NOBODY;
}

static void alias_drop(struct alias **table, const char *key, uint32_t index)
{
    struct alias *a = NULL;

    HASH_FIND_STR(*table, key, a);
    if (!a || a->index != index)
        return;
    HASH_DEL(*table, a);
    free(a);
}

static void alias_set(struct alias **table, const char *key, uint32_t index)
{
    size_t len = strlen(key);
    struct alias *a;

    if (!len || alias_find(table, key) != PEOPLE_NOBODY)
        return;
    a = sb_alloc(sizeof(*a) + len + 1);
    memcpy(a->key, key, len + 1);
    a->index = index;
    HASH_ADD_KEYPTR(hh, *table, a->key, len, a);
}

static void aliases_free(struct alias **table)
{
    struct alias *a = NULL, *next = NULL;

    HASH_ITER(hh, *table, a, next)
    {
        HASH_DEL(*table, a);
        free(a);
    }
}

/* ---- life ---- */

static void room_for(struct people *p, uint32_t total)
{
    uint32_t room = p->room ? p->room : 1024;

    while (room < total)
        room *= 2;
    if (room == p->room)
        return;
    p->kept = sb_realloc(p->kept, room * sizeof(struct user *));
    memset(p->kept + p->room, 0, (room - p->room) * sizeof(struct user *));
    p->room = room;
}

struct people *people_new(uint64_t seed, uint32_t count)
{
    struct people *p = sb_alloc(sizeof(*p));

    p->seed = seed;
    p->seeded = p->total = count;
    p->room = count + 1024;
    p->kept = sb_alloc(p->room * sizeof(struct user *));
    p->active = active_new(count);
    for (uint32_t i = 0; i < count; i++) {
        int32_t role = seed_role(seed, i);

        if (role >= 0)
            p->with_role[role]++;
    }
    return p;
}

void people_free(struct people *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->total; i++) {
        if (p->kept[i]) {
            json_decref(p->kept[i]->custom);
            free(p->kept[i]);
        }
    }
    aliases_free(&p->by_ext);
    aliases_free(&p->by_email);
    active_free(p->active);
    free(p->kept);
    free(p);
}

uint32_t people_total(const struct people *p)
{
    return p->total;
}

uint32_t people_seeded(const struct people *p)
{
    return p->seeded;
}

uint32_t people_active(const struct people *p)
{
    return active_count(p->active);
}

bool people_is_active(const struct people *p, uint32_t index)
{
    return active_test(p->active, index);
}

uint32_t people_kth_active(const struct people *p, uint32_t k)
{
    return active_kth(p->active, k);
}

void people_reorder(struct people *p, uint32_t turn, bool around)
{
    p->turn = turn;
    p->around = around;
}

uint32_t people_kth_listed(const struct people *p, uint32_t k)
{
    uint32_t n = people_active(p);

    if (k >= n)
        return PEOPLE_NOBODY;
    k = (uint32_t)(((uint64_t)k + p->turn) % n);
    return people_kth_active(p, p->around ? n - 1 - k : k);
}

uint32_t people_with_role(const struct people *p, int32_t role)
{
    return role >= 0 && role < PEOPLE_MOST ? p->with_role[role] : 0;
}

/* ---- one person ---- */

bool people_load(const struct people *p, uint32_t index, struct user *u)
{
    if (index >= p->total)
        return false;
    if (p->kept[index])
        *u = *p->kept[index];
    else
        seed_user(p->seed, index, u);
    return true;
}

json_t *people_custom(const struct people *p, const struct user *u)
{
    return u->custom ? json_incref(u->custom) : seed_custom(p->seed, u->index);
}

static void unlist(struct people *p, const struct user *old)
{
    char email[264] = "";

    sb_lower(old->email, email, sizeof(email));
    alias_drop(&p->by_ext, old->ext, old->index);
    alias_drop(&p->by_email, email, old->index);
    if (old->role >= 0 && people_is_active(p, old->index))
        p->with_role[old->role]--;
}

static void list(struct people *p, const struct user *u)
{
    bool on = !u->deleted && u->status != STATUS_DEACTIVATED;
    char email[264] = "";

    active_set(p->active, u->index, on);
    if (u->role >= 0 && on)
        p->with_role[u->role]++;
    if (u->deleted)
        return;
    sb_lower(u->email, email, sizeof(email));
    alias_set(&p->by_ext, u->ext, u->index);
    alias_set(&p->by_email, email, u->index);
}

void people_store(struct people *p, const struct user *u)
{
    struct user old;
    json_t *before = p->kept[u->index] ? p->kept[u->index]->custom : NULL;

    if (people_load(p, u->index, &old))
        unlist(p, &old);
    if (!p->kept[u->index])
        p->kept[u->index] = sb_alloc(sizeof(*u));
    json_incref(u->custom);
    *p->kept[u->index] = *u;
    json_decref(before);
    list(p, u);
}

uint32_t people_add(struct people *p, struct user *u)
{
    u->index = p->total;
    room_for(p, p->total + 1);
    p->total++;
    p->kept[u->index] = sb_alloc(sizeof(*u));
    json_incref(u->custom);
    *p->kept[u->index] = *u;
    list(p, u);
    return u->index;
}

uint32_t people_by_id(const struct people *p, int64_t id)
{
    uint32_t index;

    if (id < 1 || id > (int64_t)p->total)
        return PEOPLE_NOBODY;
    index = (uint32_t)(id - 1);
    return p->kept[index] && p->kept[index]->deleted ? PEOPLE_NOBODY : index;
}

/* A guess of the generator's inverse holds when that user was never kept (a kept one has its alias). */
static bool still_seeded(const struct people *p, uint32_t index)
{
    return index < p->seeded && !p->kept[index];
}

uint32_t people_by_ext(const struct people *p, const char *ext)
{
    uint32_t index = alias_find(&p->by_ext, ext);
    char whole[208];

    if (index != PEOPLE_NOBODY)
        return index;
    index = seed_index_of_ext(ext);
    if (!still_seeded(p, index))
        return PEOPLE_NOBODY;
    seed_ext(index, whole);
    return strcmp(whole, ext) == 0 && *ext ? index : PEOPLE_NOBODY;
}

uint32_t people_by_email(const struct people *p, const char *email)
{
    char key[264] = "", whole[264] = "";
    uint32_t index;

    sb_lower(email, key, sizeof(key));
    index = alias_find(&p->by_email, key);
    if (index != PEOPLE_NOBODY)
        return index;
    index = seed_index_of_email(key);
    if (!still_seeded(p, index))
        return PEOPLE_NOBODY;
    seed_email(p->seed, index, whole);
    return strcmp(whole, key) == 0 ? index : PEOPLE_NOBODY;
}

uint32_t people_manager(const struct people *p, uint32_t index)
{
    if (index >= p->total)
        return PEOPLE_NOBODY;
    return p->kept[index] ? p->kept[index]->manager : seed_manager(p->seed, index);
}

bool people_reports_to(const struct people *p, uint32_t index, uint32_t boss)
{
    for (int depth = 0; depth < 64 && index != PEOPLE_NOBODY; depth++) {
        if (index == boss)
            return true;
        index = people_manager(p, index);
    }
    return false;
}

/* ---- search ---- */

/* Which name-and-slug combinations contain q, so that most of a million users cost one table look-up. */
static uint8_t *pairs_with(const char *q)
{
    uint8_t *hit = sb_alloc(seed_pair_count());
    char name[320], slug[264];

    for (unsigned i = 0; i < seed_pair_count(); i++) {
        seed_pair_name(i, name);
        seed_pair_slug(i, slug);
        hit[i] = strcasestr(name, q) || strcasestr(slug, q);
    }
    return hit;
}

/* True when q may match something that the combination alone doesn't show. */
static bool beyond_pairs(const char *q)
{
    return strpbrk(q, "0123456789@") || strcasestr("@example.org@example.com", q);
}

/* The only seeded user that q can mean when it holds ".123@", as a whole e-mail does; else PEOPLE_NOBODY. */
static uint32_t only_seeded(const char *q)
{
    const char *at = strchr(q, '@');

    while (at && at > q && isdigit((unsigned char)at[-1]))
        at--;
    return at && at > q && at[-1] == '.' ? seed_index_of_email(q) : PEOPLE_NOBODY;
}

static bool matches(const struct people *p, uint32_t index, const char *q, const uint8_t *hit, bool whole)
{
    const struct user *k = p->kept[index];
    char name[320], email[264];

    if (k)
        return strcasestr(k->name, q) || strcasestr(k->email, q);
    if (hit[seed_pair(p->seed, index)])
        return true;
    if (!whole && !seed_name_is_special(index))
        return false;
    seed_name(p->seed, index, name);
    seed_email(p->seed, index, email);
    return strcasestr(name, q) || strcasestr(email, q);
}

uint32_t people_search(const struct people *p, const char *q, uint32_t boss, uint32_t **found)
{
    uint8_t *hit = q ? pairs_with(q) : NULL;
    bool whole = q && beyond_pairs(q);
    uint32_t only = q ? only_seeded(q) : PEOPLE_NOBODY;
    uint32_t count = 0, room = 0;

    *found = NULL;
    for (uint32_t i = active_next(p->active, 0); i != ACTIVE_NONE; i = active_next(p->active, i + 1)) {
        if (only != PEOPLE_NOBODY && i != only && !p->kept[i])
            continue;
        if (q && !matches(p, i, q, hit, whole))
            continue;
        if (boss != PEOPLE_NOBODY && !people_reports_to(p, i, boss))
            continue;
        if (count == room) {
            room = room ? room * 2 : 64;
            *found = sb_realloc(*found, room * sizeof(**found));
        }
        (*found)[count++] = i;
    }
    free(hit);
    return count;
}
