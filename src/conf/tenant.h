/* tenant.h — a section of the configuration file as a tenant. */
#ifndef LMSFS_CONF_TENANT_H
#define LMSFS_CONF_TENANT_H

#include "conf/sections.h"
#include "lmsfs/conf.h"

#define GENERAL_SECTION "lmsfs" /* the one section that is no tenant */

/* `file` is for the messages. *out needs tenant_release only on success. */
int tenant_read(const char *file, const struct section *s, struct conf_tenant *out, struct err *e);
void tenant_release(struct conf_tenant *t); /* wipes the credentials */

/* The [lmsfs] section's keys into *c. */
int general_read(const char *file, const struct section *s, struct conf *c, struct err *e);

#endif
