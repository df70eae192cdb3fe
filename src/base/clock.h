/* clock.h — what time it is, and how times are written. Any thread. */
#ifndef LMSFS_BASE_CLOCK_H
#define LMSFS_BASE_CLOCK_H

#include <stdint.h>

int64_t monotonic_ms(void); /* never goes back; for deadlines and delays */
int64_t monotonic_ns(void);
int64_t wall_ms(void); /* Unix time; may jump */
int64_t wall_s(void);

#define ISO_TIME_SIZE 32 /* bytes that hold any printed time with its NUL */
#define ISO_DATE_SIZE 24

/* Unix seconds as "2024-07-15T08:30:00Z". Both return buf. */
char *iso_time_print(int64_t s, char buf[static ISO_TIME_SIZE]);
char *iso_date_print(int64_t s, char buf[static ISO_DATE_SIZE]); /* "2024-07-15", UTC */

/* The reverse, as RFC 3339 has it, and what the vendors send besides: "2024-07-15", 'T' or a blank between date and time, fractions
 * (dropped), "Z", "+01:00", "+0100" or no zone (then UTC). *out in Unix seconds. -EINVAL for anything else, impossible dates included. */
int iso_time_parse(const char *text, int64_t *out);

#endif
