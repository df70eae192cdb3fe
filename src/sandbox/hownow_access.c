/* Who may ask HowNow, and how often: tokens, the sliding rate limit, the acting user. */
#include "hownow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <uthash.h>

#include "rate.h"
#include "when.h"

struct token {
    UT_hash_handle hh;
    double expires;
    char text[72];
};

struct access {
    struct token *tokens;
    struct rate rate;
};

struct access *hn_access_new(void)
{
    return sb_alloc(sizeof(struct access));
}

void hn_access_revoke(struct access *a)
{
    struct token *t = NULL, *next = NULL;

    HASH_ITER(hh, a->tokens, t, next)
    {
        HASH_DEL(a->tokens, t);
        free(t);
    }
}

void hn_access_free(struct access *a)
{
    if (!a)
        return;
    hn_access_revoke(a);
    sb_rate_release(&a->rate);
    free(a);
}

/* ---- the rate limit: one API key, so one window ---- */

static bool within_rate(struct sandbox *sb, struct reply *rp)
{
    unsigned wait;
    char seconds[32];

    if (sb_rate_take(&sb->access->rate, sb->settings.rate, &wait))
        return true;
    snprintf(seconds, sizeof(seconds), "%u", wait);
    hn_error(rp, 429, "Reached maximum rate limit");
    sb_reply_header(rp, "Retry-After", seconds);
    return false;
}

bool hn_admit_token(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    (void)rq;
    return within_rate(sb, rp);
}

/* ---- tokens ---- */

static void forget_expired(struct access *a, double now)
{
    struct token *t = NULL, *next = NULL;

    HASH_ITER(hh, a->tokens, t, next)
    {
        if (t->expires > now)
            continue;
        HASH_DEL(a->tokens, t);
        free(t);
    }
}

static const struct token *token_new(struct access *a, unsigned seconds)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct token *t = sb_alloc(sizeof(*t));
    unsigned char bytes[43] = {0};
    double now = sb_mono();
    size_t len;

    forget_expired(a, now);
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        abort();
    len = (size_t)snprintf(t->text, sizeof(t->text), "eyJhbGciOiJIUzI1NiJ9.");
    for (size_t i = 0; i < sizeof(bytes); i++)
        t->text[len++] = alphabet[bytes[i] % 64];
    t->expires = now + seconds;
    HASH_ADD_STR(a->tokens, text, t);
    return t;
}

void hn_token(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const struct form_part *grant = sb_request_part(rq, "grant_type");
    const struct form_part *id = sb_request_part(rq, "client_id");
    const struct form_part *secret = sb_request_part(rq, "client_secret");
    unsigned known = 3 + (sb_request_part(rq, "scope") != NULL);
    unsigned seconds = sb->settings.token_seconds;

    if (!grant || !id || !secret || rq->part_count != known || !id->data.len || !secret->data.len ||
        strcmp(grant->data.data, "client_credentials") != 0) {
        sb_reply_text(rp, 400, "{\"error\":\"invalid_request\"}");
        return;
    }
    if (strcmp(id->data.data, sb->settings.client_id) != 0 || strcmp(secret->data.data, sb->settings.client_secret) != 0) {
        sb_reply_text(rp, 401, "{\"error\":\"invalid_client\"}");
        return;
    }
    sb_reply_json(rp, 200,
                  json_pack("{s:s, s:i, s:s}", "access_token", token_new(sb->access, seconds)->text, "expires_in",
                            (int)seconds, "token_type", "Bearer"));
}

static bool has_token(struct access *a, const struct request *rq)
{
    const char *given = sb_request_header(rq, "Authorization");
    struct token *t = NULL;

    if (!given || strncasecmp(given, "Bearer ", 7) != 0)
        return false;
    HASH_FIND_STR(a->tokens, given + 7, t);
    return t && t->expires > sb_mono();
}

/* What the API documents of contents has another word for it. */
static const char *unauthorized(const struct request *rq)
{
    static const char *const paths[] = {"contents", "lesson", "languages"};

    for (size_t i = 0; rq->segment_count > 2 && i < sizeof(paths) / sizeof(*paths); i++)
        if (strcmp(rq->segments[2], paths[i]) == 0)
            return "Unauthorized";
    return "Not authorized";
}

bool hn_admit(struct sandbox *sb, struct request *rq, struct reply *rp)
{
    const char *user = sb_request_header(rq, "X-User-Id");

    if (!has_token(sb->access, rq)) {
        hn_error(rp, 401, unauthorized(rq));
        return false;
    }
    if (!within_rate(sb, rp))
        return false;
    rq->actor = user ? hn_resolve(sb, user, true) : 0;
    if (rq->actor == PEOPLE_NOBODY || (user && !people_is_active(sb->people, rq->actor))) {
        hn_error(rp, 401, unauthorized(rq));
        return false;
    }
    return true;
}
