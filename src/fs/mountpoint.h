/* mountpoint.h — may we mount here, and what is mounted there? From /proc/self/mountinfo, so that no mount is touched needlessly. */
#ifndef FS_MOUNTPOINT_H
#define FS_MOUNTPOINT_H

#include "lmsfs/err.h"

/* 0, or -errno with a sentence: missing, not a directory, not empty, in use. A dead lmsfs mount there is taken away first. */
int mountpoint_check(const char *path, struct err *e);
/* The number of the connection in /sys/fs/fuse/connections, or -1. */
long mountpoint_connection(const char *path);
/* Ends the connection: whoever waits for an answer gets ECONNABORTED. */
void connection_abort(long connection);

#endif
