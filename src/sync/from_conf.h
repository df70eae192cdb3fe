/* from_conf.h — what a vendor's functions are told of a tenant's section. */
#ifndef SYNC_FROM_CONF_H
#define SYNC_FROM_CONF_H

#include "lmsfs/conf.h"
#include "lmsfs/lms.h"

/* Borrows the conf's strings. */
struct lms_account account_of_conf(const struct conf_tenant *conf);

/* `_options` where a document doesn't say. New reference; NULL: there are none, or there is no memory (*code -ENOMEM). */
json_t *options_of_conf(const struct conf_tenant *conf, int *code);

#endif
