/*
 * Timestamps and durations: arithmetic within CEL's ranges, parts of a date in UTC, at a fixed
 * offset or in a zone of the program's own database. Proleptic Gregorian calendar, no leap
 * seconds. Pure functions; see function.h.
 */
#include "lang/time.h"

#include "base/assert.h"
#include "lang/function.h"
#include "lang/zone.h"

enum { NANOS = 1000000000, DAY = 86400 };

static const int64_t timestamp_min = -62135596800; /* 0001-01-01T00:00:00Z */
static const int64_t timestamp_max = 253402300799; /* 9999-12-31T23:59:59Z */
static const int64_t duration_max = 9223372036;    /* seconds: int64 nanoseconds, as in Go */

static __int128 nanos_of(const fd_cel_value *v)
{
    return (__int128)v->v.i * NANOS + fd_cel_nanos(v);
}

fd_cel_value fd_cel_make_timestamp(int64_t seconds, int32_t nanos)
{
    FD_ASSERT(nanos >= 0 && nanos < NANOS);
    if (seconds < timestamp_min || seconds > timestamp_max)
        return fd_cel_error_text(FD_CEL_E_TIME_RANGE, "timestamp out of range");
    return fd_cel_time(FD_CEL_TIMESTAMP, seconds, nanos);
}

static fd_cel_value timestamp_of(__int128 nanos)
{
    __int128 seconds = nanos / NANOS;
    int32_t rest = (int32_t)(nanos % NANOS);
    if (rest < 0) {
        seconds--;
        rest += NANOS;
    }
    if (seconds < timestamp_min || seconds > timestamp_max)
        return fd_cel_error_text(FD_CEL_E_TIME_RANGE, "timestamp out of range");
    return fd_cel_make_timestamp((int64_t)seconds, rest);
}

fd_cel_value fd_cel_make_duration(__int128 nanos)
{
    if (nanos > INT64_MAX || nanos < INT64_MIN)
        return fd_cel_error_text(FD_CEL_E_TIME_RANGE, "duration out of range");
    int64_t seconds = (int64_t)(nanos / NANOS);
    FD_ASSERT(seconds <= duration_max && seconds >= -duration_max);
    return fd_cel_time(FD_CEL_DURATION, seconds, (int32_t)(nanos % NANOS));
}

FD_CEL_FN(add_time_duration)
{
    (void)arena;
    return timestamp_of(nanos_of(&args[0]) + nanos_of(&args[1]));
}

FD_CEL_FN(add_duration_time)
{
    (void)arena;
    return timestamp_of(nanos_of(&args[0]) + nanos_of(&args[1]));
}

FD_CEL_FN(add_durations)
{
    (void)arena;
    return fd_cel_make_duration(nanos_of(&args[0]) + nanos_of(&args[1]));
}

FD_CEL_FN(sub_times)
{
    (void)arena;
    return fd_cel_make_duration(nanos_of(&args[0]) - nanos_of(&args[1]));
}

FD_CEL_FN(sub_time_duration)
{
    (void)arena;
    return timestamp_of(nanos_of(&args[0]) - nanos_of(&args[1]));
}

FD_CEL_FN(sub_durations)
{
    (void)arena;
    return fd_cel_make_duration(nanos_of(&args[0]) - nanos_of(&args[1]));
}

FD_CEL_FN(neg_duration)
{
    (void)arena;
    return fd_cel_make_duration(-nanos_of(&args[0]));
}

/* Days since 1970-01-01 of a civil date; years count from March so that leap days come last. */
int64_t fd_cel_days_from_civil(int64_t year, int month, int day)
{
    FD_ASSERT(month >= 1 && month <= 12);
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

fd_cel_civil fd_cel_civil_of(int64_t seconds)
{
    int64_t days = seconds / DAY;
    int64_t second = seconds % DAY;
    if (second < 0) {
        days--;
        second += DAY;
    }
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    fd_cel_civil c = {
        .month = (int)(mp < 10 ? mp + 3 : mp - 9),
        .day = (int)(doy - (153 * mp + 2) / 5 + 1),
        .hour = (int)(second / 3600),
        .minute = (int)(second / 60 % 60),
        .second = (int)(second % 60),
        .weekday = (int)(((days + 4) % 7 + 7) % 7),
    };
    c.year = yoe + era * 400 + (c.month <= 2);
    c.day_of_year = (int)(days - fd_cel_days_from_civil(c.year, 1, 1));
    return c;
}

static int two_digits(const char *p)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return -1;
    return (p[0] - '0') * 10 + p[1] - '0';
}

/* "+hh:mm", "-hh:mm", "hh:mm" in seconds; false for anything else. */
static bool fixed_offset(fd_str zone, int64_t *offset)
{
    bool negative = zone.n != 0 && zone.p[0] == '-';
    if (zone.n != 0 && (zone.p[0] == '-' || zone.p[0] == '+'))
        zone = (fd_str){zone.p + 1, zone.n - 1};
    if (zone.n != 5 || zone.p[2] != ':')
        return false;
    int hours = two_digits(zone.p);
    int minutes = two_digits(zone.p + 3);
    if (hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
        return false;
    *offset = (hours * 60 + minutes) * 60;
    if (negative)
        *offset = -*offset;
    return true;
}

/* What to add to a moment in UTC: for "", "Z", a fixed offset or a zone; false for others. */
static bool zone_offset(fd_str zone, int64_t seconds, int64_t *offset)
{
    fd_zone z;
    *offset = 0;
    if (zone.n == 0 || fd_str_eq_c(zone, "Z") || fixed_offset(zone, offset))
        return true;
    if (!fd_zone_find(zone, &z))
        return false;
    *offset = fd_zone_offset(&z, seconds);
    return true;
}

bool fd_cel_zone_supported(fd_str zone)
{
    int64_t offset;
    return zone_offset(zone, 0, &offset);
}

/* The second argument, when the overload has one, is a zone: args[1].kind tells. */
static bool civil(const fd_cel_value *args, fd_cel_civil *out)
{
    int64_t offset = 0;
    if (args[1].kind == FD_CEL_STRING && !zone_offset(fd_cel_text(&args[1]), args[0].v.i, &offset))
        return false;
    *out = fd_cel_civil_of(args[0].v.i + offset);
    return true;
}

#define PART(name, expression)                                                       \
    FD_CEL_FN(name)                                                                  \
    {                                                                                \
        (void)arena;                                                                 \
        fd_cel_civil c;                                                              \
        if (!civil(args, &c))                                                        \
            return fd_cel_error_text(FD_CEL_E_CONVERSION,                            \
                                     "not a time zone like Europe/Paris or +02:00"); \
        return fd_cel_int(expression);                                               \
    }

PART(get_full_year, c.year)
PART(get_month, c.month - 1)
PART(get_date, c.day)
PART(get_day_of_month, c.day - 1)
PART(get_day_of_week, c.weekday)
PART(get_day_of_year, c.day_of_year)
PART(get_hours, c.hour)
PART(get_minutes, c.minute)
PART(get_seconds, c.second)
PART(get_milliseconds, fd_cel_nanos(&args[0]) / 1000000)

FD_CEL_FN(duration_hours)
{
    (void)arena;
    return fd_cel_int(args[0].v.i / 3600);
}

FD_CEL_FN(duration_minutes)
{
    (void)arena;
    return fd_cel_int(args[0].v.i / 60);
}

FD_CEL_FN(duration_seconds)
{
    (void)arena;
    return fd_cel_int(args[0].v.i);
}

FD_CEL_FN(duration_milliseconds)
{
    (void)arena;
    return fd_cel_int(fd_cel_nanos(&args[0]) / 1000000);
}
