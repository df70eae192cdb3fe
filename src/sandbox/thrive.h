/* The Thrive part: its store of people and of the events it was sent, and what its files know of each other. */
#ifndef SANDBOX_THRIVE_H
#define SANDBOX_THRIVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "request.h"
#include "sandbox.h"

struct thrive_user {
    UT_hash_handle hh, hh_ref;
    char id[25];
    char ref[264];
    json_t *fields; /* what can be written, "additionalFields" among it; what is cleared isn't there */
    const char *status;
    bool deleted;
    int64_t created_ms, updated_ms;
};

struct thrive_event {
    UT_hash_handle hh;
    char *id;
    char type[24], ref[264];
    unsigned times; /* it was sent; only the first took effect */
};

struct thrive {
    uint64_t seed, serial;
    struct thrive_user *by_id, *by_ref; /* in the order of their creation */
    struct thrive_event *events;
};

/* ---- thrive.c: the store ---- */

struct thrive *th_new(uint64_t seed, uint32_t count);
void th_free(struct thrive *t);

struct thrive_user *th_by_id(struct thrive *t, const char *id);
struct thrive_user *th_by_ref(struct thrive *t, const char *ref);
struct thrive_user *th_by_email(struct thrive *t, const char *email); /* of those that aren't deleted */
struct thrive_user *th_user_add(struct thrive *t, const char *ref);   /* status "new" */
void th_touch(struct thrive_user *u);

/* NULL, or why the properties of `set` can't be a user's (into `room`); null clears where `clears`. */
const char *th_wrong(const json_t *set, bool clears, char room[256]);
/* Lays the properties over the user's; additionalFields one by one. */
void th_assign(struct thrive_user *u, const json_t *set);
bool th_is_custom(const char *name);
/* Obfuscates: the person is gone, the training history stays. */
void th_delete(struct thrive *t, struct thrive_user *u);

json_t *th_v1_json(const struct thrive_user *u); /* status, a string; without what v1 never shows */
json_t *th_v2_json(const struct thrive_user *u); /* active, a boolean */

/* ---- thrive_routes.c ---- */

/* {"status", "error", "message"}; message is consumed. */
void th_error(struct reply *rp, int status, json_t *message);

/* ---- thrive_events.c ---- */

void th_event(struct sandbox *sb, struct request *rq, struct reply *rp);

/* ---- thrive_control.c ---- */

void th_control_list(struct sandbox *sb, struct request *rq, struct reply *rp);
void th_control_state(struct sandbox *sb, struct request *rq, struct reply *rp);
void th_control_events(struct sandbox *sb, struct request *rq, struct reply *rp);
void th_control_change(struct sandbox *sb, struct request *rq, struct reply *rp);

#endif
