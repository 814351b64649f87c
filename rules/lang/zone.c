/*
 * The reader of zones/zones.bin, the IANA time zone database as fraudd carries it: it is linked
 * into the program, since the same event must get the same decision on every machine and in every
 * replay. zones/make_zones.py writes it and names its source; numbers are big-endian.
 *
 *   head: release, 8 bytes; u16 names; 2 bytes free
 *   names, in order: u32 where the text is (NUL ends it), u32 where the zone is
 *   zone: i32 first offset; u8 rule or not; u8 offsets; u16 changes;
 *     with a rule: i32 standard, i32 daylight, start and end as u8 month, week, weekday, 0, i32
 * time i32 offsets; changes: 5 bytes each, seconds + 2^39; then u8 each, which offset begins
 *
 * From the last change on the rule holds, where there is one. Pure functions, any thread.
 */
#include "lang/zone.h"

#include "base/assert.h"
#include "lang/time.h"

__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        "fd_zone_data:\n"
        ".incbin \"" FD_ZONE_FILE "\"\n"
        ".popsection\n");
extern const unsigned char fd_zone_data[] __attribute__((visibility("hidden")));

enum {
    HEAD_BYTES = 12,
    NAME_BYTES = 8,
    ZONE_BYTES = 8,
    RULE_BYTES = 24,
    TIME_BYTES = 5,
    DAY = 86400
};

static uint32_t u32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int32_t i32(const unsigned char *p)
{
    return (int32_t)u32(p);
}

const char *fd_zone_version(void)
{
    return (const char *)fd_zone_data;
}

bool fd_zone_find(fd_str name, fd_zone *out)
{
    uint32_t low = 0, high = (uint32_t)fd_zone_data[8] << 8 | fd_zone_data[9];
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const unsigned char *entry = fd_zone_data + HEAD_BYTES + NAME_BYTES * middle;
        int c = fd_str_cmp(name, fd_str_from((const char *)fd_zone_data + u32(entry)));
        if (c == 0) {
            out->at = fd_zone_data + u32(entry + 4);
            return true;
        }
        if (c < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

/* The moment of "the week-th weekday of the month" in a year, by the zone's own clock. */
static int64_t edge(const unsigned char *p, int64_t year)
{
    int month = p[0], week = p[1], weekday = p[2];
    int64_t first = fd_cel_days_from_civil(year, month, 1);
    int64_t next = month == 12 ? fd_cel_days_from_civil(year + 1, 1, 1)
                               : fd_cel_days_from_civil(year, month + 1, 1);
    int first_weekday = fd_cel_civil_of(first * DAY).weekday;
    int64_t day = first + (weekday - first_weekday + 7) % 7 + 7 * (week - 1);
    while (day >= next)
        day -= 7;
    return day * DAY + i32(p + 4);
}

static int32_t by_rule(const unsigned char *rule, int64_t seconds)
{
    int32_t standard = i32(rule), daylight = i32(rule + 4);
    int64_t year = fd_cel_civil_of(seconds + standard).year;
    int64_t start = edge(rule + 8, year) - standard;
    int64_t end = edge(rule + 16, year) - daylight;
    bool summer = start < end ? seconds >= start && seconds < end
                              : !(seconds >= end && seconds < start);
    return summer ? daylight : standard;
}

static int64_t change_at(const unsigned char *times, uint32_t i)
{
    const unsigned char *p = times + (size_t)TIME_BYTES * i;
    return ((int64_t)p[0] << 32 | u32(p + 1)) - (INT64_C(1) << 39);
}

int32_t fd_zone_offset(const fd_zone *zone, int64_t seconds)
{
    const unsigned char *p = zone->at;
    bool has_rule = p[4] != 0;
    uint32_t n_offsets = p[5], n = (uint32_t)p[6] << 8 | p[7];
    const unsigned char *rule = p + ZONE_BYTES;
    const unsigned char *offsets = rule + (has_rule ? RULE_BYTES : 0);
    const unsigned char *times = offsets + (size_t)4 * n_offsets;
    const unsigned char *which = times + (size_t)TIME_BYTES * n;
    uint32_t low = 0, high = n; /* the changes up to the moment */
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (change_at(times, middle) <= seconds)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == n && has_rule)
        return by_rule(rule, seconds);
    if (low == 0)
        return i32(p);
    FD_ASSERT(which[low - 1] < n_offsets);
    return i32(offsets + (size_t)4 * which[low - 1]);
}
