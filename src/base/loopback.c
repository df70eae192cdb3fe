/* loopback.c — hosts that never leave this machine. */
#include "base/loopback.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

bool is_loopback_host(const char *host)
{
    struct in_addr v4;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 || strcmp(host, "[::1]") == 0;
}
