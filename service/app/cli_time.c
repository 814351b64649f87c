/* Clocks, times and signals of the subcommands; see cli.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "app/cli.h"
#include "base/assert.h"

static const int64_t NS_PER_S = 1000000000;

static volatile sig_atomic_t stop_signal;

/* A second signal ends the process the hard way: the first may be waiting for a server. */
static void on_signal(int number)
{
    if (stop_signal != 0)
        signal(number, SIG_DFL);
    stop_signal = number;
}

void fd_cli_catch_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal};
    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int fd_cli_stop_signal(void)
{
    return stop_signal;
}

int64_t fd_cli_wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t fd_cli_random(void)
{
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        bits = (uint64_t)fd_cli_mono_ns() ^ ((uint64_t)getpid() << 40);
    return bits;
}

int64_t fd_cli_mono_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

struct timespec fd_cli_in_ms(int ms)
{
    int64_t ns = fd_cli_mono_ns() + ms * INT64_C(1000000);
    return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

void fd_cli_sleep_until(int64_t mono_ns)
{
    struct timespec t = {mono_ns / NS_PER_S, mono_ns % NS_PER_S};
    while (stop_signal == 0 && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

/* Up to nine digits; false when there are fewer than `n`. */
static bool digits(const char **p, int n, int *out)
{
    int v = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return false;
        v = v * 10 + (**p - '0');
    }
    *out = v;
    return true;
}

static bool literal(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar, counted in years from March. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool parse_clock(const char **p, int64_t *ms)
{
    int h, m, s = 0, zone_h = 0, zone_m = 0;
    if (!digits(p, 2, &h) || !literal(p, ':') || !digits(p, 2, &m) || h > 23 || m > 59)
        return false;
    if (literal(p, ':') && (!digits(p, 2, &s) || s > 59))
        return false;
    int64_t fraction_ms = 0;
    if (literal(p, '.')) {
        int64_t weight = 100;
        if (**p < '0' || **p > '9')
            return false;
        for (; **p >= '0' && **p <= '9'; (*p)++, weight /= 10)
            fraction_ms += weight * (**p - '0');
    }
    int64_t t = ((h * 60 + m) * 60 + s) * 1000LL + fraction_ms;
    if (**p == '+' || **p == '-') {
        int sign = *(*p)++ == '-' ? 1 : -1;
        if (!digits(p, 2, &zone_h) || !literal(p, ':') || !digits(p, 2, &zone_m))
            return false;
        t += sign * (zone_h * 60 + zone_m) * 60000LL;
    } else if (!literal(p, 'Z')) {
        return false;
    }
    *ms += t;
    return true;
}

bool fd_cli_parse_time(const char *text, int64_t *ms)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *p = text;
    int year, month, day;
    if (!digits(&p, 4, &year) || !literal(&p, '-') || !digits(&p, 2, &month) || !literal(&p, '-') ||
        !digits(&p, 2, &day) || year < 1 || month < 1 || month > 12)
        return false;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day < 1 || day > DAYS[month - 1] + (leap && month == 2))
        return false;
    *ms = days_of(year, month, day) * 86400000;
    if (*p == '\0')
        return true;
    return literal(&p, 'T') && parse_clock(&p, ms) && *p == '\0';
}
