/* Tables of what each vendor's collection knows: method, path, query keys and the kind of body. */
#ifndef SANDBOX_ROUTES_H
#define SANDBOX_ROUTES_H

#include "request.h"
#include "sandbox.h"

enum body_kind {
    BODY_NONE,          /* anything but an empty body is refused */
    BODY_JSON,          /* a JSON object, Content-Type application/json */
    BODY_JSON_OPTIONAL, /* that, or nothing */
    BODY_FORM,          /* urlencoded */
    BODY_MULTIPART,
    BODY_ANY, /* not looked at */
};

/* A path is segments with ":name" for a captured one. The first route that fits answers. */
struct route {
    const char *method, *path;
    const char *query[10]; /* the keys that may occur */
    enum body_kind body;
    void (*handle)(struct sandbox *sb, struct request *rq, struct reply *rp);
};

struct vendor {
    const struct route *routes; /* ends with a NULL method */
    /* Says who may go on: false when it has written a refusal. */
    bool (*admit)(struct sandbox *sb, struct request *rq, struct reply *rp);
    /* Writes an error in the vendor's form; `what` is the culprit for a 400 or NULL. */
    void (*refuse)(struct reply *rp, int status, const char *what);
};

/* True when some route of the table has this path, whatever the method. */
bool sb_routes_know(const struct vendor *v, const struct request *rq);

/* Finds the route, admits, checks and calls its handler, or refuses. */
void sb_routes_answer(const struct vendor *v, struct sandbox *sb, struct request *rq, struct reply *rp);

extern const struct vendor hownow_sandbox, hownow_token_sandbox, synap_sandbox, synap_files_sandbox,
    learningpool_sandbox, thrive_sandbox, avia_sandbox, control_sandbox;

#endif
