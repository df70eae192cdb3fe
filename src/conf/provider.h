/* provider.h — what each vendor's section needs. The one place that says which providers this program knows. */
#ifndef LMSFS_CONF_PROVIDER_H
#define LMSFS_CONF_PROVIDER_H

#include "conf/value.h"

struct region {
    const char *name, *base_url;
};

struct rate_plan {
    const char *name;
    int rate_per_minute;
};

struct conf_provider {
    const char *name;
    const struct region *regions; /* ends with a NULL name; NULL: there is only base_url */
    const char *default_region;   /* NULL: region or base_url must be given */
    const char *default_events; /* where events go, when neither base_url nor events_url is given; NULL: it has none */
    const struct rate_plan *plans; /* ends with a NULL name; NULL: none are sold */
    int default_rate;              /* requests a minute, where neither plan nor rate_per_minute is given */
    const struct key *credentials; /* all of them are needed; ends with a NULL name */
    const struct key *extras;      /* may be left out; ends with a NULL name; NULL: none */
};

extern const struct conf_provider conf_providers[]; /* ends with a NULL name */

const struct conf_provider *conf_provider_find(const char *name); /* NULL: not known */

#endif
