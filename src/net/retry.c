/* retry.c — whether to send a request again, and when. */
#include "net/retry.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_AFTER_MOST (24 * 3600)

bool retry_is_safe(const struct attempt *a)
{
    if (a->hopeless)
        return false;
    if (a->status == 429 || !a->sent)
        return true;
    bool passing = a->status == 0 || (a->status >= 502 && a->status <= 504);
    return passing && a->idempotent;
}

int64_t retry_delay_ms(const struct attempt *a, uint32_t random)
{
    int64_t delay = RETRY_FIRST_MS;
    for (unsigned i = 1; i < a->number && delay < RETRY_MOST_MS; i++)
        delay *= 2;
    /* Up to half as much again; near the end the spread lies below the bound, or all would come at it. */
    if (delay > RETRY_MOST_MS * 2 / 3)
        delay = RETRY_MOST_MS * 2 / 3;
    delay += (int64_t)(random % (uint32_t)(delay / 2 + 1));
    int64_t asked = (int64_t)a->retry_after * 1000;
    if (asked > 0 && asked > delay)
        delay = asked + random % RETRY_FIRST_MS;
    return delay;
}

int retry_after_parse(const char *value, int64_t now)
{
    int64_t seconds;
    value += strspn(value, " \t");
    size_t digits = strspn(value, "0123456789");
    if (digits > 0) {
        if (value[digits + strspn(value + digits, " \t")] != '\0')
            return -1;
        seconds = digits < 10 ? strtoll(value, NULL, 10) : RETRY_AFTER_MOST;
    } else {
        time_t date = curl_getdate(value, NULL);
        if (date == -1)
            return -1;
        seconds = date > now ? date - now : 0;
    }
    return seconds < RETRY_AFTER_MOST ? (int)seconds : RETRY_AFTER_MOST;
}
