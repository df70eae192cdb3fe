/* unmount.h — taking a mount away. */
#ifndef CLI_UNMOUNT_H
#define CLI_UNMOUNT_H

#include "lmsfs/err.h"

/* 0 or -errno with a sentence; -EBUSY: a program is in it. What has just closed its last file is waited for, half a second at most. */
int unmount_path(const char *mountpoint, struct err *e);

#endif
