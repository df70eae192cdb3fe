/* private.h — files that hold secrets: read only when nobody else can. */
#ifndef LMSFS_CONF_PRIVATE_H
#define LMSFS_CONF_PRIVATE_H

#include "lmsfs/err.h"
#include <stddef.h>
#include <sys/types.h>

/* Reads a regular file that belongs to us or to root and has none of the mode bits `forbidden`. *out is NUL-terminated and given back
 * with private_free. -EACCES with the remedy, -EINVAL (no regular file), -EFBIG (over max), or what open and read say. */
int private_read(const char *path, mode_t forbidden, size_t max, char **out, size_t *len, struct err *e);
void private_free(char *text, size_t len); /* wipes; NULL is fine */

char *private_string_free(char *s); /* wipes and frees a string; returns NULL */

#endif
