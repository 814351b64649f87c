/*
 * Where a reader begins: "beginning", "end", 17, -5, @1767225600000, @2026-01-01T00:00:00Z, @-1h.
 *
 * Pure: the present time is an argument. Any thread.
 */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "kafka/client_int.h"

static const int64_t ms_per_s = 1000;

/* Digits only, no sign, no overflow; *end is behind them. */
static bool number(const char *p, const char **end, int64_t *out)
{
    int64_t v = 0;
    const char *begin = p;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (v > (INT64_MAX - (*p - '0')) / 10)
            return false;
        v = v * 10 + (*p - '0');
    }
    *end = p;
    *out = v;
    return p > begin;
}

static int64_t unit_ms(const char *unit)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                 {"h", 3600000}, {"d", 86400000}, {"w", 604800000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(units[i].name, unit) == 0)
            return units[i].ms;
    }
    return 0;
}

/* "1h": now - 1 h. */
static bool ago(const char *p, int64_t now_ms, int64_t *out)
{
    int64_t n, ms;
    const char *unit;
    if (!number(p, &unit, &n) || (ms = unit_ms(unit)) == 0 || n > INT64_MAX / ms)
        return false;
    *out = now_ms - n * ms;
    if (*out < 0)
        *out = 0;
    return true;
}

/* 2026-01-31, 2026-01-31T10:00:00, with fraction, with Z or +hh:mm; without a zone it is UTC. */
static bool calendar(const char *p, int64_t *out)
{
    struct tm tm = {0};
    const char *rest = strptime(p, "%Y-%m-%d", &tm);
    if (rest == NULL)
        return false;
    int64_t fraction_ms = 0, zone_ms = 0;
    if (*rest == 'T' || *rest == ' ') {
        rest = strptime(rest + 1, "%H:%M:%S", &tm);
        if (rest == NULL)
            return false;
        if (*rest == '.') {
            int64_t scale = 100;
            for (rest++; isdigit((unsigned char)*rest); rest++, scale /= 10)
                fraction_ms += (*rest - '0') * scale;
        }
        if (*rest == 'Z') {
            rest++;
        } else if (*rest == '+' || *rest == '-') {
            int sign = *rest == '+' ? 1 : -1;
            int64_t h, m;
            if (!number(rest + 1, &rest, &h) || *rest != ':' || !number(rest + 1, &rest, &m) ||
                h > 23 || m > 59)
                return false;
            zone_ms = sign * (h * 60 + m) * 60 * ms_per_s;
        }
    }
    *out = (int64_t)timegm(&tm) * ms_per_s + fraction_ms - zone_ms;
    return *rest == '\0' && *out >= 0;
}

static bool at_time(const char *p, int64_t now_ms, int64_t *out)
{
    const char *end;
    if (*p == '-')
        return ago(p + 1, now_ms, out);
    if (number(p, &end, out) && *end == '\0')
        return true;
    return calendar(p, out);
}

fd_class fd_kafka_from_parse(const char *text, int64_t now_ms, fd_kafka_from *out, fd_err *err)
{
    const char *end;
    *out = (fd_kafka_from){.kind = FD_KAFKA_FROM_BEGINNING};
    if (text == NULL || *text == '\0' || strcmp(text, "beginning") == 0 ||
        strcmp(text, "earliest") == 0)
        return FD_OK;
    out->kind = FD_KAFKA_FROM_END;
    if (strcmp(text, "end") == 0 || strcmp(text, "latest") == 0)
        return FD_OK;
    out->kind = FD_KAFKA_FROM_TIME;
    if (text[0] == '@' && at_time(text + 1, now_ms, &out->value))
        return FD_OK;
    if (text[0] == '-' && text[1] == '@' && ago(text + 2, now_ms, &out->value))
        return FD_OK;
    out->kind = text[0] == '-' ? FD_KAFKA_FROM_TAIL : FD_KAFKA_FROM_OFFSET;
    if (number(text + (text[0] == '-'), &end, &out->value) && *end == '\0')
        return FD_OK;
    return fd_fail(err, FD_FATAL, FD_EXIT_USAGE,
                   "cannot read the position '%s': beginning, end, an offset, -N (the last N), "
                   "@MS, @2026-01-31T10:00:00Z or @-1h (ms s m h d w)",
                   text);
}
