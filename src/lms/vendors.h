/* vendors.h — one line a vendor. Internal to lms/. */
#ifndef LMS_VENDORS_H
#define LMS_VENDORS_H

#include "lmsfs/lms.h"

extern const struct lms_provider hownow_provider, synap_provider, learningpool_provider, thrive_provider, avia_provider;

#endif
