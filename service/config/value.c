/*
 * From text to typed values: whole numbers, addresses, times, choices. The parsers are pure and say
 * what is wrong as the end of a sentence ("is not a whole number"). Any thread.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/quantity.h"
#include "config/config_int.h"

const char *fd_cvalue_int(const char *text, int64_t *out)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return "is not a whole number";
    errno = 0;
    *out = strtoll(text, NULL, 10);
    return errno == ERANGE ? "is too large" : NULL;
}

static const char *listen_parts(const char *text, fd_str *host, const char **port)
{
    const char *why = "is not an address: write host:port, [IPv6]:port, :port or off";
    const char *colon;
    if (text[0] == '[') {
        const char *close = strchr(text, ']');
        if (close == NULL || close == text + 1 || close[1] != ':')
            return why;
        *host = (fd_str){text + 1, (uint32_t)(close - text - 1)};
        colon = close + 1;
    } else {
        colon = strchr(text, ':');
        if (colon == NULL)
            return why;
        if (strchr(colon + 1, ':') != NULL)
            return "is not an address: an IPv6 address stands in brackets, as in [::1]:9464";
        *host = (fd_str){text, (uint32_t)(colon - text)};
    }
    *port = colon + 1;
    return NULL;
}

const char *fd_cvalue_listen(const char *text, fd_arena *arena, fd_listen *out)
{
    if (strcmp(text, "off") == 0) {
        *out = (fd_listen){.on = false, .host = "", .port = 0};
        return NULL;
    }
    fd_str host = {0};
    const char *port = NULL;
    const char *why = listen_parts(text, &host, &port);
    if (why != NULL)
        return why;
    int64_t number;
    if (fd_cvalue_int(port, &number) != NULL || number < 0 || number > 65535)
        return "has no port between 0 and 65535 after the colon";
    *out = (fd_listen){.on = true,
                       .host = host.n == 0 ? "::" : fd_arena_str(arena, host).p,
                       .port = (uint16_t)number};
    return NULL;
}

/* Howard Hinnant's way to count days since 1970-01-01 in the proleptic Gregorian calendar. */
static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static bool digits_at(const char *text, size_t at, size_t n, int *out)
{
    *out = 0;
    for (size_t i = at; i < at + n; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        *out = *out * 10 + (text[i] - '0');
    }
    return true;
}

static int days_in_month(int y, int m)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return m == 2 && leap ? 29 : days[m - 1];
}

/* YYYY-MM-DDTHH:MM:SSZ, the time may be left out. */
static bool iso_time(const char *text, int64_t *ms)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
    size_t n = strlen(text);
    if (n != 10 && n != 20)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (shape[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != shape[i])
            return false;
    }
    int year, month, day, hour = 0, minute = 0, second = 0;
    bool ok = digits_at(text, 0, 4, &year) && digits_at(text, 5, 2, &month) &&
              digits_at(text, 8, 2, &day);
    if (n == 20)
        ok = ok && digits_at(text, 11, 2, &hour) && digits_at(text, 14, 2, &minute) &&
             digits_at(text, 17, 2, &second);
    if (!ok || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour > 23 || minute > 59 || second > 59)
        return false;
    *ms = ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60000 + second * 1000;
    return *ms >= 0;
}

const char *fd_cvalue_start(const char *text, fd_start *out)
{
    *out = (fd_start){0};
    if (strcmp(text, "earliest") == 0) {
        out->kind = FD_START_EARLIEST;
        return NULL;
    }
    if (strcmp(text, "latest") == 0) {
        out->kind = FD_START_LATEST;
        return NULL;
    }
    out->kind = FD_START_TIME;
    if (iso_time(text, &out->time_ms))
        return NULL;
    return "is neither earliest, latest nor a time in UTC since 1970, as in 2026-01-31T00:00:00Z";
}

static bool store_choice(fd_loader *l, const fd_ckey *k, void *member, const char *text,
                         const fd_place *at)
{
    size_t n = 0;
    for (; k->choices[n] != NULL; n++) {
        if (strcmp(text, k->choices[n]) != 0)
            continue;
        unsigned value = (unsigned)n;
        memcpy(member, &value, sizeof value);
        return true;
    }
    fd_strbuf all = {0};
    for (size_t i = 0; i < n; i++)
        fd_strbuf_printf(&all, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", k->choices[i]);
    char hint[160];
    const char *near = fd_did_you_mean(text, k->choices, n);
    snprintf(hint, sizeof hint, "did you mean %s?", near == NULL ? "" : near);
    fd_cdiag(l, FD_ERROR, at, false, near == NULL ? NULL : hint, "%s: \"%s\" is not one of %s",
             k->name, text, all.p);
    fd_strbuf_free(&all);
    return false;
}

static const char *parse_number(const fd_ckey *k, const char *text, double *number, void *member)
{
    int64_t value = 0;
    const char *why = NULL;
    switch (k->type) {
    case FD_C_INT:
        why = fd_cvalue_int(text, &value);
        break;
    case FD_C_DURATION:
        why = fd_parse_duration(text, &value);
        break;
    case FD_C_BYTES:
        why = fd_parse_bytes(text, &value);
        break;
    case FD_C_PERCENT:
        why = fd_parse_percent(text, number);
        if (why == NULL && member != NULL)
            memcpy(member, number, sizeof *number);
        return why;
    default:
        FD_UNREACHABLE();
    }
    *number = (double)value;
    if (why == NULL && member != NULL)
        memcpy(member, &value, sizeof value);
    return why;
}

/* Texts are shown, the caller keeps secrets out: no secret has a type other than string. */
static bool bad(fd_loader *l, const fd_ckey *k, const char *text, const fd_place *at,
                const char *why)
{
    fd_cdiag(l, FD_ERROR, at, false, NULL, "%s: \"%s\" %s", k->name, text, why);
    return false;
}

static bool store_number(fd_loader *l, const fd_ckey *k, void *member, const char *text,
                         const fd_place *at)
{
    double number, bound;
    const char *why = parse_number(k, text, &number, member);
    if (why != NULL)
        return bad(l, k, text, at, why);
    bool low = k->min != NULL && parse_number(k, k->min, &bound, NULL) == NULL && number < bound;
    bool high = k->max != NULL && parse_number(k, k->max, &bound, NULL) == NULL && number > bound;
    if (!low && !high)
        return true;
    fd_cdiag(l, FD_ERROR, at, false, NULL, "%s: %s is out of range, it must be %s to %s", k->name,
             text, k->min, k->max);
    return false;
}

bool fd_cvalue_store(fd_loader *l, const fd_ckey *k, void *base, const char *text,
                     const fd_place *at)
{
    char *member = (char *)base + k->offset;
    const char *why = NULL;
    switch (k->type) {
    case FD_C_STRING:
    case FD_C_PATH: {
        const char *kept = fd_arena_cstr(l->own->arena, text);
        memcpy(member, &kept, sizeof kept);
        return true;
    }
    case FD_C_ENUM:
        return store_choice(l, k, member, text, at);
    case FD_C_LISTEN: {
        fd_listen value = {0};
        why = fd_cvalue_listen(text, l->own->arena, &value);
        memcpy(member, &value, sizeof value);
        return why == NULL || bad(l, k, text, at, why);
    }
    case FD_C_START: {
        fd_start value;
        why = fd_cvalue_start(text, &value);
        memcpy(member, &value, sizeof value);
        return why == NULL || bad(l, k, text, at, why);
    }
    default:
        return store_number(l, k, member, text, at);
    }
}
