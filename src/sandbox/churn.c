/* People who come, go, change and change places while their pages are read. */
#include "churn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "fields.h"
#include "hownow.h"
#include "seed.h"

enum kind { JOIN, LEAVE, CHANGE, REORDER, TURNOVER, RETURN, KINDS };
static const char *const kind_names[KINDS] = {"join", "leave", "change", "reorder", "turnover", "return"};

struct churn {
    uint64_t seed, drawn;
    json_int_t events, chance, keep;
    enum kind kinds[KINDS];
    unsigned kinds_n;
    json_t *left, *joined, *changed;
    json_int_t reordered;
};

void churn_free(struct churn *c)
{
    if (!c)
        return;
    json_decref(c->left);
    json_decref(c->joined);
    json_decref(c->changed);
    free(c);
}

static uint64_t draw(struct churn *c, uint64_t below)
{
    return below ? seed_mix(c->seed, c->drawn++, 0x636875726e) % below : 0;
}

/* The file name that a mount gives. */
static void note(json_t *list, const struct user *u)
{
    json_array_append_new(list, *u->ext ? json_sprintf("EXT-%s.json", u->ext) : json_sprintf("ID-%u.json", u->index + 1));
}

static bool draw_person(struct sandbox *sb, uint32_t from, struct user *u)
{
    uint32_t n = people_active(sb->people), index;

    if (n <= from)
        return false;
    index = people_kth_active(sb->people, from + (uint32_t)draw(sb->churn, n - from));
    return index >= from && people_load(sb->people, index, u);
}

static void join(struct sandbox *sb)
{
    struct user u;

    hn_blank(&u);
    snprintf(u.ext, sizeof(u.ext), "j-%06u", people_total(sb->people));
    snprintf(u.name, sizeof(u.name), "Joined Person %u", people_total(sb->people));
    snprintf(u.email, sizeof(u.email), "joined.%u@example.org", people_total(sb->people));
    people_add(sb->people, &u);
    note(sb->churn->joined, &u);
    json_decref(u.custom);
}

static void leave(struct sandbox *sb)
{
    struct user u;

    if (!draw_person(sb, (uint32_t)sb->churn->keep, &u))
        return;
    hn_set_deactivated(&u);
    people_store(sb->people, &u);
    note(sb->churn->left, &u);
}

/* Somebody who left is back, and has the date of old. */
static void come_back(struct sandbox *sb)
{
    uint32_t n = people_total(sb->people), from = (uint32_t)draw(sb->churn, n);
    struct user u;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t index = (from + i) % n;
        if (people_is_active(sb->people, index) || !people_load(sb->people, index, &u) || u.deleted)
            continue;
        hn_set_active(&u);
        people_store(sb->people, &u);
        note(sb->churn->joined, &u);
        return;
    }
}

static void change(struct sandbox *sb)
{
    struct user u;

    if (!draw_person(sb, 0, &u))
        return;
    snprintf(u.name, sizeof(u.name), "Changed Person %u", (unsigned)draw(sb->churn, 1000000));
    people_store(sb->people, &u);
    note(sb->churn->changed, &u);
}

void churn_before_page(struct sandbox *sb)
{
    struct churn *c = sb->churn;

    if (!c || c->events <= 0 || draw(c, 100) >= (uint64_t)c->chance)
        return;
    c->events--;
    switch (c->kinds[draw(c, c->kinds_n)]) {
    case JOIN:
        join(sb);
        break;
    case LEAVE:
        leave(sb);
        break;
    case CHANGE:
        change(sb);
        break;
    case TURNOVER: /* one for one: the total is as it was */
        leave(sb);
        join(sb);
        break;
    case RETURN:
        come_back(sb);
        leave(sb);
        break;
    default:
        people_reorder(sb->people, (uint32_t)draw(c, 1000000), draw(c, 2));
        c->reordered++;
        break;
    }
}

static bool wants(const json_t *kinds, const char *name)
{
    size_t i;
    json_t *kind;

    json_array_foreach((json_t *)kinds, i, kind)
    {
        if (json_is_string(kind) && strcmp(json_string_value(kind), name) == 0)
            return true;
    }
    return !kinds;
}

static json_int_t number(const json_t *from, const char *key, json_int_t otherwise)
{
    const json_t *n = json_object_get(from, key);

    return json_is_integer(n) && json_integer_value(n) >= 0 ? json_integer_value(n) : otherwise;
}

void churn_begin(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct churn *c = sb_alloc(sizeof(*c));

    c->seed = (uint64_t)number(rq->json, "seed", 1);
    c->events = number(rq->json, "events", 10);
    c->chance = number(rq->json, "chance", 50);
    c->keep = number(rq->json, "keep", 0);
    for (enum kind k = JOIN; k < KINDS; k++)
        if (wants(json_object_get(rq->json, "kinds"), kind_names[k]))
            c->kinds[c->kinds_n++] = k;
    c->left = json_array();
    c->joined = json_array();
    c->changed = json_array();
    if (!c->kinds_n) {
        churn_free(c);
        sb_control_error(rp, 400, "kinds are join, leave, change, reorder, turnover, return");
        return;
    }
    churn_free(sb->churn);
    sb->churn = c;
    churn_told(sb, rq, rp);
}

void churn_told(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const struct churn *c = sb->churn;

    (void)rq;
    if (!c)
        sb_control_error(rp, 404, "nothing was begun");
    else
        sb_reply_json(rp, 200,
                      json_pack("{s:O, s:O, s:O, s:I, s:I}", "left", c->left, "joined", c->joined, "changed",
                                c->changed, "reordered", c->reordered, "remaining", c->events));
}
