/* provider.c — what each vendor's section needs. */
#include "conf/provider.h"

#include "lmsfs/conf.h"

#include <string.h>

#define SECRET(member)                                                          \
    {                                                                           \
#member, value_secret, offsetof(struct conf_tenant, member), 0, 0, NULL \
    }
#define OPTION(name, parse)                                            \
    {                                                                  \
        name, parse, offsetof(struct conf_tenant, options), 0, 0, NULL \
    }
#define END \
    {       \
        0   \
    }

/* Base URLs and plans are those of the vendors' published API collections. Synap, AVIA and Thrive publish no limit, Learning Pool's is
 * each customer's own: one request a second is a guess that no service should mind. */
const struct conf_provider conf_providers[] = {
    {
        .name = "hownow",
        .regions = (const struct region[]){{"uk", "https://api-london.hownow.app"},
                                           {"eu", "https://api.hownow.app"},
                                           {"uat", "https://api-london.hownow.tech"},
                                           END},
        .plans = (const struct rate_plan[]){{"essential", 50}, {"pro", 100}, END},
        .default_rate = 50,
        .credentials = (const struct key[]){SECRET(client_id), SECRET(client_secret), END},
        .extras = (const struct key[]){{"act_as", value_actor, offsetof(struct conf_tenant, act_as), 0, 0, NULL}, END},
    },
    {
        .name = "synap",
        .regions =
            (const struct region[]){{"eu", "https://api-org.synap.ac"}, {"us", "https://use1-api-org.synap.ac"}, END},
        .default_region = "eu",
        .default_rate = 60,
        .credentials = (const struct key[]){SECRET(org_id), SECRET(org_secret), SECRET(api_key), END},
        .extras = (const struct key[]){OPTION("addToUserGroup", value_option_text),
                                       OPTION("setDefaultPassword", value_option_yesno),
                                       OPTION("disableWelcomeEmail", value_option_yesno),
                                       OPTION("subPortalId", value_option_text), END},
    },
    {
        .name = "learningpool",
        .regions = (const struct region[]){{"eu", "https://api.learningpool.com/api"}, END},
        .default_region = "eu",
        .default_rate = 60,
        .credentials = (const struct key[]){SECRET(tenant_id), SECRET(api_key), END},
    },
    {
        .name = "thrive",
        .regions = (const struct region[]){{"eu", "https://public.api.learn.link/rest"}, END},
        .default_region = "eu",
        .default_events = "https://user.api.learn.link/webhooks",
        .default_rate = 60,
        .credentials = (const struct key[]){SECRET(tenant_id), SECRET(secret), END},
        .extras =
            (const struct key[]){{"events_url", value_base_url, offsetof(struct conf_tenant, events_url), 0, 0, NULL}, END},
    },
    {
        .name = "avia",
        .default_rate = 60,
        .credentials = (const struct key[]){SECRET(access_token), END},
        .extras = (const struct key[]){OPTION("social_group_create", value_option_yesno),
                                       OPTION("social_group_status", value_option_text),
                                       OPTION("update_social_group", value_option_yesno), END},
    },
    END,
};

const struct conf_provider *conf_provider_find(const char *name)
{
    for (const struct conf_provider *p = conf_providers; p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}
