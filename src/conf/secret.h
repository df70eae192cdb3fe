/* secret.h — where a credential's text comes from. */
#ifndef LMSFS_CONF_SECRET_H
#define LMSFS_CONF_SECRET_H

#include "lmsfs/err.h"

#define SECRET_MAX (64u << 10) /* bytes */

/* The text that a configuration value stands for:
 *   file:/abs/path   the file's content; no access for group and others
 *   env:NAME         an environment variable
 *   credential:NAME  a file of $CREDENTIALS_DIRECTORY (systemd.exec(5), LoadCredential=), which systemd may show to our group
 *   anything else    itself
 * Ends of line at the end are cut; what is left must be 1 to SECRET_MAX bytes without control characters. *out is given back with
 * private_string_free. The errors name the place and never the text. */
int secret_resolve(const char *value, char **out, struct err *e);

#endif
