/* Clocks and the three spellings of time that the two vendors use. */
#include "when.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static double clock_now(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double sb_wall(void)
{
    return clock_now(CLOCK_REALTIME);
}

double sb_mono(void)
{
    return clock_now(CLOCK_MONOTONIC);
}

/* Howard Hinnant's days_from_civil: eras of 400 years, the year starting in March. */
int32_t sb_days_of(int year, unsigned month, unsigned day)
{
    int y = year - (month <= 2);
    int era = (y >= 0 ? y : y - 399) / 400;
    unsigned yoe = (unsigned)(y - era * 400);
    unsigned doy = (153 * (month + (month > 2 ? -3U : 9U)) + 2) / 5 + day - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * 146097 + (int32_t)doe - 719468;
}

static void civil_of(int32_t days, int *year, unsigned *month, unsigned *day)
{
    int32_t z = days + 719468;
    int32_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;

    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (int)yoe + era * 400 + (*month <= 2);
}

void sb_date_print(int32_t days, char out[16])
{
    int year;
    unsigned month, day;

    civil_of(days, &year, &month, &day);
    snprintf(out, 16, "%04d-%02u-%02u", year % 10000, month % 100, day % 100);
}

static bool digits(const char *text, int count, unsigned *value)
{
    *value = 0;
    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        *value = *value * 10 + (unsigned)(text[i] - '0');
    }
    return true;
}

static bool date_prefix(const char *text, int32_t *days)
{
    unsigned year, month, day;
    char back[16];

    if (!digits(text, 4, &year) || text[4] != '-' || !digits(text + 5, 2, &month) || text[7] != '-' ||
        !digits(text + 8, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    *days = sb_days_of((int)year, month, day);
    sb_date_print(*days, back);
    return strncmp(back, text, 10) == 0;
}

bool sb_date_parse(const char *text, int32_t *days)
{
    return strlen(text) == 10 && date_prefix(text, days);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

void sb_stamp_print(int64_t unix_seconds, char out[32])
{
    int64_t days = floor_div(unix_seconds, 86400);
    unsigned rest = (unsigned)(unix_seconds - days * 86400);
    char date[16];

    sb_date_print((int32_t)days, date);
    snprintf(out, 32, "%.10sT%02u:%02u:%02uZ", date, rest / 3600, rest / 60 % 60, rest % 60);
}

void sb_stamp_ms_print(int64_t unix_ms, char out[32])
{
    int64_t seconds = floor_div(unix_ms, 1000);
    char whole[32];

    sb_stamp_print(seconds, whole);
    snprintf(out, 32, "%.19s.%03uZ", whole, (unsigned)(unix_ms - seconds * 1000) % 1000);
}

bool sb_stamp_ms_parse(const char *text, int64_t *unix_ms)
{
    int32_t days;
    unsigned h, m, s, ms = 0;
    const char *tail;

    if (strlen(text) < 20 || !date_prefix(text, &days) || text[10] != 'T')
        return false;
    if (!digits(text + 11, 2, &h) || text[13] != ':' || !digits(text + 14, 2, &m) || text[16] != ':' ||
        !digits(text + 17, 2, &s) || h > 23 || m > 59 || s > 59)
        return false;
    tail = text + 19;
    if (*tail == '.') {
        if (!digits(tail + 1, 3, &ms))
            return false;
        tail += 4;
    }
    if (strcmp(tail, "Z") != 0)
        return false;
    *unix_ms = ((int64_t)days * 86400 + h * 3600 + m * 60 + s) * 1000 + ms;
    return true;
}
