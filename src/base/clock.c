/* clock.c — what time it is, and how times are written. */
#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>

static int64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t monotonic_ms(void)
{
    return monotonic_ns() / 1000000;
}

int64_t wall_ms(void)
{
    return clock_ns(CLOCK_REALTIME) / 1000000;
}

int64_t wall_s(void)
{
    return time(NULL);
}

/* gmtime_r fails only where the year doesn't fit an int. */
static struct tm broken_down(int64_t s)
{
    struct tm tm = {.tm_mday = 1, .tm_year = 70};
    time_t t = s;
    gmtime_r(&t, &tm);
    return tm;
}

char *iso_time_print(int64_t s, char buf[static ISO_TIME_SIZE])
{
    struct tm tm = broken_down(s);
    strftime(buf, ISO_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return buf;
}

char *iso_date_print(int64_t s, char buf[static ISO_DATE_SIZE])
{
    struct tm tm = broken_down(s);
    strftime(buf, ISO_DATE_SIZE, "%Y-%m-%d", &tm);
    return buf;
}

/* Exactly n digits, which *p moves past; -1 if there is anything else. */
static int digits(const char **p, int n)
{
    int value = 0;
    for (int i = 0; i < n; i++, ++*p) {
        if (**p < '0' || **p > '9')
            return -1;
        value = value * 10 + (**p - '0');
    }
    return value;
}

static bool skip(const char **p, char c)
{
    if (**p != c)
        return false;
    ++*p;
    return true;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* "Z", "+01:00", "-0530" or nothing: seconds east of Greenwich. */
static int zone_parse(const char **p, int *offset)
{
    *offset = 0;
    if (**p == '\0' || skip(p, 'Z') || skip(p, 'z'))
        return 0;
    bool west = **p == '-';
    if (!skip(p, '+') && !skip(p, '-'))
        return -EINVAL;
    int hours = digits(p, 2);
    skip(p, ':');
    int minutes = digits(p, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return -EINVAL;
    *offset = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
    return 0;
}

int iso_time_parse(const char *text, int64_t *out)
{
    const char *p = text;
    struct tm tm = {0};
    int year = digits(&p, 4);
    if (year < 0 || !skip(&p, '-'))
        return -EINVAL;
    int month = digits(&p, 2);
    if (month < 1 || month > 12 || !skip(&p, '-'))
        return -EINVAL;
    int day = digits(&p, 2);
    if (day < 1 || day > days_of(year, month))
        return -EINVAL;
    int offset = 0;
    if (skip(&p, 'T') || skip(&p, 't') || skip(&p, ' ')) {
        tm.tm_hour = digits(&p, 2);
        if (tm.tm_hour < 0 || tm.tm_hour > 23 || !skip(&p, ':'))
            return -EINVAL;
        tm.tm_min = digits(&p, 2);
        if (tm.tm_min < 0 || tm.tm_min > 59 || !skip(&p, ':'))
            return -EINVAL;
        tm.tm_sec = digits(&p, 2); /* 60: a leap second, which Unix time gives to the next minute */
        if (tm.tm_sec < 0 || tm.tm_sec > 60)
            return -EINVAL;
        if (skip(&p, '.')) {
            if (digits(&p, 1) < 0)
                return -EINVAL;
            while (digits(&p, 1) >= 0)
                ;
        }
        if (zone_parse(&p, &offset) < 0)
            return -EINVAL;
    }
    if (*p)
        return -EINVAL;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = day;
    *out = (int64_t)timegm(&tm) - offset;
    return 0;
}
