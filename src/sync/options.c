/* options.c — see options.h. */
#include "sync/options.h"

#include <errno.h>

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
