/* Numbers with units; see quantity.h. Any thread. */
#include "base/quantity.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct unit {
    const char *name;
    int64_t factor;
} unit;

static const unit durations[] = {
    {"us", 1},         {"ms", 1000},       {"s", 1000000}, {"m", 60000000},
    {"h", 3600000000}, {"d", 86400000000}, {NULL, 0},
};

static const unit sizes[] = {
    {"", 1},
    {"B", 1},
    {"KiB", 1LL << 10},
    {"MiB", 1LL << 20},
    {"GiB", 1LL << 30},
    {"TiB", 1LL << 40},
    {"kB", 1000},
    {"KB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {NULL, 0},
};

/* Digits, perhaps with a fraction; *rest is what follows. False when there is no such number. */
static bool leading_number(const char *text, double *out, const char **rest)
{
    const char *p = text;
    while (isdigit((unsigned char)*p))
        p++;
    if (p == text)
        return false;
    if (*p == '.') {
        const char *fraction = ++p;
        while (isdigit((unsigned char)*p))
            p++;
        if (p == fraction)
            return false;
    }
    *out = strtod(text, NULL);
    *rest = p;
    return true;
}

static const char *with_unit(const char *text, const unit *units, int64_t *out, const char *why)
{
    double number;
    const char *rest;
    if (!leading_number(text, &number, &rest))
        return why;
    while (*rest == ' ')
        rest++;
    if (*rest == '\0' && number == 0) {
        *out = 0;
        return NULL;
    }
    for (const unit *u = units; u->name != NULL; u++) {
        if (strcmp(rest, u->name) != 0)
            continue;
        double value = number * (double)u->factor;
        if (value > 9e15)
            return "is too large";
        if (value != (double)(int64_t)value)
            return "is finer than can be kept";
        *out = (int64_t)value;
        return NULL;
    }
    return why;
}

const char *fd_parse_duration(const char *text, int64_t *us)
{
    return with_unit(text, durations, us,
                     "is not a duration: write a number and us, ms, s, m, h or d, as in 250ms");
}

const char *fd_parse_bytes(const char *text, int64_t *out)
{
    return with_unit(text, sizes, out,
                     "is not a size: write a number and B, KiB, MiB or GiB, as in 64MiB");
}

const char *fd_parse_percent(const char *text, double *fraction)
{
    double number;
    const char *rest;
    if (!leading_number(text, &number, &rest) || strcmp(rest, "%") != 0)
        return "is not a percentage: write a number and %, as in 5%";
    *fraction = number / 100;
    return NULL;
}
