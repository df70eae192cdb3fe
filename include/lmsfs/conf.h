/* conf.h — the configuration file, read strictly. */
#ifndef LMSFS_CONF_H
#define LMSFS_CONF_H

#include "lmsfs/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_detail { DETAIL_AUTO, DETAIL_REQUIRE, DETAIL_NEVER };
enum conf_unlink {
    UNLINK_DEACTIVATE,
    UNLINK_DENY,
    UNLINK_REWRITE /* an unlink may only begin a save: what isn't written again within the grace returns */
};
enum conf_settle { SETTLE_ACCEPTED, SETTLE_COMPLETED };

/* What a save's `_options` are where the document doesn't say: keys of the vendor's section, by the vendor's names. */
struct conf_option {
    const char *name; /* static */
    char *text;       /* NULL: it is yes or no */
    bool yes;
};
struct conf_options {
    struct conf_option at[4];
    size_t n;
};

/* One section of the file. All strings are owned by the conf; those absent are NULL. */
struct conf_tenant {
    char *name;       /* the section's name and the directory's: [a-z0-9][a-z0-9._-]*, at most 64 */
    char *provider;   /* "hownow", "synap", … */
    char *base_url;   /* without a trailing slash; from `region` where that is given; https, or http to loopback */
    char *events_url; /* Thrive only */
    /* credentials, resolved (file:, env:, credential: were read); wiped by conf_release */
    char *client_id, *client_secret;         /* hownow */
    char *org_id, *org_secret, *api_key;     /* synap; api_key also learningpool */
    char *tenant_id, *access_token, *secret; /* learningpool, avia, thrive */
    char *act_as;                            /* hownow: EMAIL-…, EXT-… or ID-… */
    int rate_per_minute; /* requests in any 60 s, to 6000; 0 = no limit; left out: hownow 50, synap 60 */
    /* seconds */
    int list_ttl, record_ttl, list_timeout, op_timeout, lock_wait, job_timeout;
    int removal_grace, removal_window, base_ttl, job_retention;
    int crawl_limit;  /* per minute */
    int max_removals; /* per removal_window */
    bool trickle;
    enum conf_detail detail;
    enum conf_unlink unlink;
    enum conf_settle settle;
    char **allow_delete; /* collection names, NULL-terminated; NULL when none */
    struct conf_options options;
    char *successor;     /* "ID-…", "EXT-…", "manager" or NULL */
    size_t max_response; /* bytes */
    int line;            /* of the section's header, for messages */
};

/* What the file says, for comparing it with another: a key of a section and a hash of its value. */
struct conf_setting {
    char *name; /* "[hownow] rate_per_minute" */
    uint64_t hash;
};

struct conf {
    char *path;      /* as given */
    char *file;      /* absolute */
    char *cache_dir; /* absolute */
    size_t max_document, max_scratch;
    size_t audit_max; /* bytes of audit.jsonl before it is rotated */
    bool dry_run;     /* not of the file: the mount was asked with -o dry_run */
    struct conf_tenant *tenants;
    size_t tenants_n;              /* at least 1 */
    struct conf_setting *settings; /* every key that the file gives, in its order */
    size_t settings_n;
};

/* Reads `path`. 0, or -errno with a sentence naming file, line and key: unknown section keys and providers, bad values, duplicate
 * sections or keys, missing credentials of that provider, a file (or a file: secret) that others can read or that isn't ours or root's,
 * http:// to a host that isn't loopback. Never prints a secret's value. `out` needs conf_release only on success. */
int conf_load(const char *path, struct conf *out, struct err *e);
void conf_release(struct conf *c);
/* Of one tenant, read at two times: the same secrets? The same in what only a mount takes up (where, whose eyes, how often)? */
bool conf_same_credentials(const struct conf_tenant *a, const struct conf_tenant *b);
bool conf_same_place(const struct conf_tenant *a, const struct conf_tenant *b);
const struct conf_tenant *conf_tenant(const struct conf *c, const char *name);

#endif
