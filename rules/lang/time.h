/* Calendar arithmetic shared by the conversions and the date functions. Pure, any thread. */
#ifndef FD_LANG_TIME_H
#define FD_LANG_TIME_H

#include "lang/value.h"

typedef struct fd_cel_civil {
    int64_t year;
    int month, day;  /* from 1 */
    int weekday;     /* 0 = Sunday */
    int day_of_year; /* from 0 */
    int hour, minute, second;
} fd_cel_civil;

int64_t fd_cel_days_from_civil(int64_t year, int month, int day);
fd_cel_civil fd_cel_civil_of(int64_t seconds);

/* A TIMESTAMP or DURATION, or a TIME_RANGE error outside CEL's ranges. */
fd_cel_value fd_cel_make_timestamp(int64_t seconds, int32_t nanos);
fd_cel_value fd_cel_make_duration(__int128 nanos);

/* RFC 3339 with an offset, up to nanoseconds; CONVERSION or TIME_RANGE errors. */
fd_cel_value fd_cel_parse_timestamp(fd_str text);

/* A name of the IANA database, or a fixed offset like "+02:00". */
bool fd_cel_zone_supported(fd_str zone);

#endif
