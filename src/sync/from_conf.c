/* from_conf.c — see from_conf.h. */
#include "sync/from_conf.h"

#include <errno.h>

struct lms_account account_of_conf(const struct conf_tenant *conf)
{
    return (struct lms_account){
        .client_id = conf->client_id,
        .client_secret = conf->client_secret,
        .org_id = conf->org_id,
        .org_secret = conf->org_secret,
        .api_key = conf->api_key,
        .tenant_id = conf->tenant_id,
        .secret = conf->secret,
        .access_token = conf->access_token,
        .act_as = conf->act_as,
        .events_url = conf->events_url,
    };
}

json_t *options_of_conf(const struct conf_tenant *conf, int *code)
{
    const struct conf_options *o = &conf->options;
    json_t *all = o->n ? json_object() : NULL;
    int bad = o->n && !all;
    for (size_t i = 0; i < o->n && !bad; i++)
        bad = json_object_set_new(all, o->at[i].name,
                                  o->at[i].text ? json_string(o->at[i].text) : json_boolean(o->at[i].yes));
    *code = bad ? -ENOMEM : 0;
    if (bad) {
        json_decref(all);
        return NULL;
    }
    return all;
}
