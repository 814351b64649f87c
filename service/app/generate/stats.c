/* Numbers about a generated stream; see stats.h. */
#include "app/generate/stats.h"

#include "base/assert.h"

void fd_gen_stats_add(fd_gen_stats *s, const fd_payment *p, fd_pattern pattern)
{
    FD_ASSERT(pattern <= FD_PATTERN_NONE && p->amount_minor > 0);
    if (s->n++ == 0)
        s->first_ms = p->event_time;
    s->last_ms = p->event_time;
    s->declined += p->status == FD_STATUS_DECLINED;
    s->recurring += p->is_recurring;
    s->cross_border += memcmp(p->card_country.p, p->merchant_country.p, 2) != 0;
    s->by_channel[p->channel]++;
    s->by_pattern[pattern]++;
    s->by_hour[p->event_time / 3600000 % 24]++;
    if (memcmp(p->currency.p, "EUR", 3) == 0) {
        int octave = 63 - __builtin_clzll((uint64_t)p->amount_minor);
        s->by_octave[octave < FD_STATS_OCTAVES ? octave : FD_STATS_OCTAVES - 1]++;
        s->euros++;
        s->euro_minor += p->amount_minor;
    }
}

static void share(fd_strbuf *out, const char *name, uint64_t part, uint64_t whole)
{
    uint64_t milli = whole == 0 ? 0 : part * 100000 / whole;
    fd_strbuf_printf(out, "%%   %-24s %10llu  %3llu.%03llu %%\n", name, (unsigned long long)part,
                     (unsigned long long)(milli / 1000), (unsigned long long)(milli % 1000));
}

/* The octave that holds the amount which `percent` of all are not above. */
static int octave_of(const fd_gen_stats *s, unsigned percent)
{
    uint64_t sum = 0;
    for (int i = 0; i < FD_STATS_OCTAVES; i++) {
        sum += s->by_octave[i];
        if (sum * 100 >= s->euros * percent)
            return i;
    }
    return FD_STATS_OCTAVES - 1;
}

static void amounts(const fd_gen_stats *s, fd_strbuf *out)
{
    static const unsigned PERCENTS[] = {10, 50, 90, 99};
    if (s->euros == 0)
        return;
    long long mean = s->euro_minor / (int64_t)s->euros;
    fd_strbuf_printf(out, "%% euro amounts: mean %lld.%02lld", mean / 100, mean % 100);
    for (size_t i = 0; i < sizeof PERCENTS / sizeof PERCENTS[0]; i++) {
        long long below = 2LL << octave_of(s, PERCENTS[i]);
        fd_strbuf_printf(out, ", %u %% below %lld.%02lld", PERCENTS[i], below / 100, below % 100);
    }
    fd_strbuf_putc(out, '\n');
}

void fd_gen_stats_print(const fd_gen_stats *s, fd_strbuf *out)
{
    static const char *const CHANNELS[] = {
#define X(name, text) text,
        FD_CHANNELS(X)
#undef X
    };
    fd_strbuf_printf(out, "%% payments %llu over %lld.%02lld days\n", (unsigned long long)s->n,
                     (long long)((s->last_ms - s->first_ms) / 86400000),
                     (long long)((s->last_ms - s->first_ms) % 86400000 / 864000));
    for (size_t i = 0; i < FD_N_CHANNELS; i++)
        share(out, CHANNELS[i], s->by_channel[i], s->n);
    share(out, "declined", s->declined, s->n);
    share(out, "recurring", s->recurring, s->n);
    share(out, "cross-border", s->cross_border, s->n);
    share(out, "fraud", s->n - s->by_pattern[FD_PATTERN_NONE], s->n);
    for (fd_pattern i = 0; i < FD_N_PATTERNS; i++)
        share(out, fd_pattern_name(i), s->by_pattern[i], s->n);
    amounts(s, out);
    fd_strbuf_puts(out, "% by hour (UTC):");
    for (int i = 0; i < 24; i++)
        fd_strbuf_printf(out, " %llu", (unsigned long long)s->by_hour[i]);
    fd_strbuf_putc(out, '\n');
}
