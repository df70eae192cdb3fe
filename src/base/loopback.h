/* loopback.h — hosts that never leave this machine: the only ones that plain http is spoken to. */
#ifndef LMSFS_BASE_LOOPBACK_H
#define LMSFS_BASE_LOOPBACK_H

#include <stdbool.h>

/* A host as curl's URL API gives it: "localhost", 127.0.0.0/8, "[::1]" or "::1". Other names are not, whatever they resolve to. */
bool is_loopback_host(const char *host);

#endif
