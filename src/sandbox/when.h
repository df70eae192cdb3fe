/* Clocks and the three spellings of time that the two vendors use. */
#ifndef SANDBOX_WHEN_H
#define SANDBOX_WHEN_H

#include <stdbool.h>
#include <stdint.h>

double sb_wall(void); /* seconds since 1970 */
double sb_mono(void); /* seconds, never jumps */

/* Days since 1970-01-01 of a civil date, and back as "YYYY-MM-DD". */
int32_t sb_days_of(int year, unsigned month, unsigned day);
void sb_date_print(int32_t days, char out[16]);

/* Strict "YYYY-MM-DD" of a day that exists; false otherwise. */
bool sb_date_parse(const char *text, int32_t *days);

/* "2025-10-31T06:11:53Z", HowNow's form. */
void sb_stamp_print(int64_t unix_seconds, char out[32]);

/* "2020-11-14T21:16:20.754Z", Synap's form, and a strict parser of it (the fraction may be absent). */
void sb_stamp_ms_print(int64_t unix_ms, char out[32]);
bool sb_stamp_ms_parse(const char *text, int64_t *unix_ms);

#endif
