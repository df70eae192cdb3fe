/* Failures to order: what goes wrong with which requests, and how often. */
#ifndef SANDBOX_FAULTS_H
#define SANDBOX_FAULTS_H

#include <jansson.h>

struct faults;
struct request;
struct reply;

enum fault_stage {
    FAULT_NONE,
    FAULT_INSTEAD, /* the reply is there already: the handler must not run */
    FAULT_AFTER,   /* run the handler, then call sb_fault_spoil */
};

struct faults *sb_faults_new(void);
void sb_faults_free(struct faults *f);

/* Adds one from its JSON; NULL, or a sentence about what is wrong with it. */
const char *sb_faults_add(struct faults *f, const json_t *spec);
json_t *sb_faults_list(const struct faults *f);
void sb_faults_clear(struct faults *f);

/* Uses up one count of the first fault that matches. *which is only good for sb_fault_spoil right after. */
enum fault_stage sb_faults_take(struct faults *f, const struct request *rq, struct reply *rp, const json_t **which);
void sb_fault_spoil(const json_t *which, struct reply *rp);

#endif
