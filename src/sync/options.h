/* options.h — `_options` that the configuration sets. */
#ifndef SYNC_OPTIONS_H
#define SYNC_OPTIONS_H

#include "lmsfs/conf.h"
#include <jansson.h>

/* New reference; NULL: there are none, or there is no memory (*code -ENOMEM). */
json_t *options_of_conf(const struct conf_tenant *conf, int *code);

#endif
