/* Finds a request's route in a vendor's table and refuses what the table doesn't allow. */
#include "routes.h"

#include <string.h>

static bool path_fits(const char *path, struct request *rq)
{
    unsigned at = 0, captured = 0;

    while (*path == '/') {
        const char *name = ++path;
        size_t len = strcspn(name, "/");

        path += len;
        if (at == rq->segment_count)
            return false;
        if (*name == ':') {
            if (!*rq->segments[at])
                return false;
            rq->captured[captured++] = rq->segments[at];
        } else if (strlen(rq->segments[at]) != len || strncmp(rq->segments[at], name, len) != 0) {
            return false;
        }
        at++;
    }
    return at == rq->segment_count;
}

bool sb_routes_know(const struct vendor *v, const struct request *rq)
{
    for (const struct route *r = v->routes; r->method; r++)
        if (path_fits(r->path, (struct request *)rq))
            return true;
    return false;
}

static const struct route *find(const struct vendor *v, struct request *rq, struct buf *allowed)
{
    for (const struct route *r = v->routes; r->method; r++) {
        if (!path_fits(r->path, rq))
            continue;
        if (strcmp(r->method, rq->method) == 0)
            return r;
        sb_printf(allowed, "%s%s", allowed->len ? ", " : "", r->method);
    }
    return NULL;
}

static const char *unknown_query(const struct route *r, const struct request *rq)
{
    for (unsigned i = 0; i < rq->query_count; i++) {
        bool known = false;

        for (unsigned k = 0; k < sizeof(r->query) / sizeof(*r->query) && r->query[k] && !known; k++)
            known = strcmp(r->query[k], rq->query[i].key) == 0;
        if (!known)
            return rq->query[i].key;
    }
    return NULL;
}

/* NULL, or what is wrong with the body before anyone looks at its keys. */
static const char *wrong_body(const struct route *r, struct request *rq)
{
    switch (r->body) {
    case BODY_NONE:
        return rq->body.len ? "a body is not expected" : NULL;
    case BODY_JSON_OPTIONAL:
        if (!rq->body.len)
            return NULL;
        /* fall through */
    case BODY_JSON:
        if (!sb_request_has_type(rq, "application/json"))
            return "Content-Type must be application/json";
        return sb_request_parse_json(rq) && json_is_object(rq->json) ? NULL : "the body must be a JSON object";
    case BODY_FORM:
        if (!sb_request_has_type(rq, "application/x-www-form-urlencoded"))
            return "Content-Type must be application/x-www-form-urlencoded";
        return sb_request_parse_form(rq) ? NULL : "the body must be a form";
    case BODY_MULTIPART:
        if (!sb_request_has_type(rq, "multipart/form-data"))
            return "Content-Type must be multipart/form-data";
        return sb_request_parse_multipart(rq) ? NULL : "the body must be multipart/form-data";
    case BODY_ANY:
        break;
    }
    return NULL;
}

void sb_routes_answer(const struct vendor *v, struct sandbox *sb, struct request *rq, struct reply *rp)
{
    struct buf allowed = {0};
    const struct route *r = find(v, rq, &allowed);
    const char *wrong = NULL;

    if (!r) {
        v->refuse(rp, allowed.len ? 405 : 404, NULL);
        if (allowed.len)
            sb_reply_header(rp, "Allow", allowed.data);
        sb_release(&allowed);
        return;
    }
    sb_release(&allowed);
    if (!v->admit(sb, rq, rp))
        return;
    if (rq->too_large) {
        v->refuse(rp, 413, NULL);
        return;
    }
    wrong = rq->bad_target ? "the path or query can't be read" : unknown_query(r, rq);
    if (!wrong)
        wrong = wrong_body(r, rq);
    if (wrong)
        v->refuse(rp, 400, wrong);
    else
        r->handle(sb, rq, rp);
}
