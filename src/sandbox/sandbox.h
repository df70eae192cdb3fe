/* The whole sandbox: its settings and its parts. Every handler runs on the server's one thread, so nothing is locked. */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct settings {
    unsigned port;
    const char *port_file;
    unsigned users, synap_users, thrive_users;
    uint64_t seed;
    unsigned latency_ms;
    double job_seconds;
    unsigned rate; /* HowNow requests in any 60 s, 0 = no limit */
    unsigned token_seconds;
    unsigned seat_limit; /* 0 = none */
    const char *client_id, *client_secret;
    const char *org_id, *org_secret, *api_key;
    unsigned pool_users, pool_rate; /* Learning Pool; pool_rate as rate */
    const char *pool_key, *pool_tenant;
    const char *thrive_tenant, *thrive_secret;
    unsigned avia_users;
    const char *avia_token;
    bool die_with_parent;
};

struct sandbox {
    struct settings settings;
    struct people *people;
    struct catalogue *catalogue;
    struct groups *groups;
    struct access *access;
    struct jobs *jobs;
    struct engagement *engagement;
    struct reviews *reviews;
    struct synap *synap;
    struct pool *pool;
    struct thrive *thrive;
    json_t *keys; /* credentials that were rotated: the settings point into it */
    struct avia *avia;
    struct faults *faults;
    struct reqlog *reqlog;
    struct churn *churn; /* NULL: nothing happens by itself */
};

struct request;
struct reply;

struct sandbox *sandbox_new(const struct settings *settings);
void sandbox_free(struct sandbox *sb);

/* Answers one request: faults, routing, the handler, the log. */
void sandbox_answer(struct sandbox *sb, struct request *rq, struct reply *rp);

#endif
