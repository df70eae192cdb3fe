/* transfer.h — one attempt at a request: a curl easy handle, what comes back, and what became of it. Engine thread. */
#ifndef LMSFS_NET_TRANSFER_H
#define LMSFS_NET_TRANSFER_H

#include "lmsfs/err.h"
#include "lmsfs/http.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

struct transfer;

/* Can it be sent at all? -EINVAL with the reason: a header with a line break, a path that would lead to another host, plain http to a
 * host that isn't loopback. Never repeats a value. */
int transfer_check(const struct http_request *r, struct err *e);
/* The same for a URL alone. */
int transfer_check_url(const char *url, struct err *e);

/* Starts it. r is borrowed until transfer_end. `owner` is what transfer_owner gives back. -ENOMEM, -EIO. */
int transfer_start(struct transfer **out, CURLM *multi, const struct http_request *r, const char *base_url,
                   size_t max_response, void *owner, struct err *e);
void *transfer_owner(CURL *easy);

struct ending {
    struct http_reply reply; /* status 0: none was had; owned by the caller */
    struct err err;          /* code 0: a reply was had */
    bool sent;               /* it may have reached the server */
    bool hopeless;           /* the same request would fail the same way */
};

/* Takes it out of the multi handle and says how it ended. result: curl's; for an attempt that is cut short, any error. Frees it. */
void transfer_end(struct transfer *t, CURLcode result, struct ending *out);

#endif
