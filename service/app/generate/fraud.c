/*
 * Planted frauds: when they begin, how they unfold, whose cards they use. What their payments look
 * like is in scenes.c. See stream.h; one owner.
 */
#include "app/generate/stream_int.h"
#include "base/assert.h"

static const int64_t NS_PER_S = 1000000000;

typedef struct plot {
    uint16_t first_min_s, first_max_s; /* after the genuine payment */
    uint16_t gap_min_s, gap_max_s;     /* between the payments */
    uint32_t declined_ppm;
} plot;

/* Times as reports on card fraud describe them: programs are quick, cash-out takes hours, whoever
 * stays under a limit takes days. */
static const plot PLOTS[FD_N_PATTERNS] = {
    [FD_PATTERN_CARD_TESTING] = {60, 1800, 4, 20, 550000},
    [FD_PATTERN_VELOCITY] = {300, 5400, 15, 90, 300000},
    [FD_PATTERN_STOLEN_CARD] = {300, 3600, 180, 2100, 250000},
    [FD_PATTERN_ACCOUNT_TAKEOVER] = {600, 7200, 120, 900, 150000},
    [FD_PATTERN_DEVICE_CYCLING] = {300, 7200, 60, 500, 350000},
    [FD_PATTERN_BIN_ATTACK] = {60, 3600, 1, 6, 820000},
    [FD_PATTERN_IMPOSSIBLE_TRAVEL] = {480, 2700, 300, 1200, 150000},
    [FD_PATTERN_BUST_OUT] = {3600, 43200, 600, 7200, 80000},
    [FD_PATTERN_STRUCTURING] = {3600, 43200, 5400, 32400, 30000},
};

static const struct {
    const char *name;
    uint8_t share, fewest, most;
} TABLE[FD_N_PATTERNS] = {
#define X(name, text, share, fewest, most) {text, share, fewest, most},
    FD_PATTERNS(X)
#undef X
};

const char *fd_pattern_name(fd_pattern p)
{
    return p == FD_PATTERN_NONE ? "" : TABLE[p].name;
}

uint32_t fd_fraud_mean_milli(fd_pattern pattern)
{
    return (TABLE[pattern].fewest + TABLE[pattern].most) * 500u;
}

void fd_fraud_usual(uint32_t total_ppm, uint32_t out[FD_N_PATTERNS])
{
    uint32_t shares = 0;
    for (fd_pattern i = 0; i < FD_N_PATTERNS; i++) {
        shares += TABLE[i].share;
        out[i] = (uint32_t)((uint64_t)total_ppm * TABLE[i].share / 100);
    }
    FD_ASSERT(shares == 100);
}

/* Who empties the own credit line is refused more and more. */
bool fd_fraud_declined(const fd_plant *plant, fd_rng *rng)
{
    uint32_t ppm = PLOTS[plant->pattern].declined_ppm;
    if (plant->pattern == FD_PATTERN_BUST_OUT && plant->step * 3 > plant->steps * 2)
        ppm = 450000;
    return fd_rng_chance(rng, ppm);
}

/* ---- places ---- */

static int32_t distance(int32_t a, int32_t b)
{
    return a > b ? a - b : b - a;
}

/* Another country, and at least 15 degrees away (over 1000 km) from the victim's home. */
static uint8_t far_city(const fd_world *w, fd_rng *rng, uint8_t home)
{
    enum { TRIES = 200, FAR_MICRO = 15000000, FALLBACK = 28 };
    for (int i = 0; i < TRIES; i++) {
        uint8_t city = w->any_city[fd_rng_below(rng, FD_PICK_SLOTS)];
        const fd_city *a = &FD_CITIES[city], *b = &FD_CITIES[home];
        if (a->country != b->country &&
            distance(a->lat_micro, b->lat_micro) + distance(a->lon_micro, b->lon_micro) > FAR_MICRO)
            return city;
    }
    return FALLBACK;
}

/* Whoever sells cards sells proxies beside them: some attacks come from the victim's own country.
 */
static uint8_t city_of(const fd_world *w, fd_rng *rng, fd_pattern pattern, const fd_customer *c)
{
    static const uint32_t NEAR_PPM[FD_N_PATTERNS] = {
        [FD_PATTERN_VELOCITY] = 500000,         [FD_PATTERN_STOLEN_CARD] = 400000,
        [FD_PATTERN_ACCOUNT_TAKEOVER] = 350000, [FD_PATTERN_DEVICE_CYCLING] = 500000,
        [FD_PATTERN_BIN_ATTACK] = 200000,       [FD_PATTERN_BUST_OUT] = 1000000,
        [FD_PATTERN_STRUCTURING] = 1000000,
    };
    uint8_t far = far_city(w, rng, c->home);
    return fd_rng_chance(rng, NEAR_PPM[pattern]) ? c->home : far;
}

/* ---- victims ---- */

static void any_victim(const fd_world *w, fd_rng *rng, fd_plant *plant)
{
    fd_customer victim = fd_world_customer(w, fd_rng_below(rng, w->customers));
    plant->customer = victim.id;
    plant->card = (uint8_t)fd_rng_below(rng, victim.n_cards);
}

/* Numbers tried out around one that is known: those that exist are cards of one issuer and
 * product. In a small world the same come again. */
static void neighbour(const fd_world *w, fd_rng *rng, uint32_t bin, fd_plant *plant)
{
    enum { TRIES = 400 };
    for (int i = 0; i < TRIES; i++) {
        fd_customer c = fd_world_customer(w, fd_rng_below(rng, w->customers));
        if (plant->card < c.n_cards && fd_world_bin(&c, plant->card) == bin) {
            plant->customer = c.id;
            return;
        }
    }
}

/* A stolen login opens all cards that are stored with it. */
static void other_card(const fd_world *w, fd_rng *rng, fd_plant *plant)
{
    fd_customer c = fd_world_customer(w, plant->customer);
    if (fd_rng_chance(rng, 300000))
        plant->card = (uint8_t)fd_rng_below(rng, c.n_cards);
}

static void next_victim(const fd_world *w, fd_rng *rng, uint32_t bin, fd_plant *plant)
{
    switch (plant->pattern) {
    case FD_PATTERN_CARD_TESTING:
        any_victim(w, rng, plant);
        break;
    case FD_PATTERN_BIN_ATTACK:
        neighbour(w, rng, bin, plant);
        break;
    case FD_PATTERN_ACCOUNT_TAKEOVER:
    case FD_PATTERN_STRUCTURING:
        other_card(w, rng, plant);
        break;
    default:
        break;
    }
}

/* A clone travels where the genuine card was just present. Limits of a thousand are those of
 * currencies that are worth about a euro. */
static bool is_occasion(fd_pattern pattern, const fd_occasion *at)
{
    enum { LIMIT_LEAST = 80, LIMIT_MOST = 110 };
    fd_channel channel = at->payment->channel;
    if (pattern == FD_PATTERN_IMPOSSIBLE_TRAVEL)
        return channel == FD_CHANNEL_POS || channel == FD_CHANNEL_ATM;
    int32_t rate = FD_COUNTRIES[FD_CITIES[at->customer->home].country].minor_per_euro;
    return pattern != FD_PATTERN_STRUCTURING || (rate >= LIMIT_LEAST && rate <= LIMIT_MOST);
}

bool fd_fraud_begin(fd_stream *s, fd_rng *rng, fd_pattern pattern, uint64_t case_no,
                    const fd_occasion *at)
{
    const fd_world *w = fd_stream_world(s);
    const fd_customer *c = at->customer;
    const plot *how = &PLOTS[pattern];
    uint32_t n = (uint32_t)fd_rng_range(rng, TABLE[pattern].fewest, TABLE[pattern].most);
    if (!is_occasion(pattern, at) || !fd_stream_has_room(s, n))
        return false;
    fd_plant plant = {.actor = fd_rng_next(rng),
                      .case_no = case_no,
                      .customer = c->id,
                      .card = (uint8_t)at->card,
                      .city = city_of(w, rng, pattern, c),
                      .steps = (uint8_t)n,
                      .pattern = (uint8_t)pattern};
    uint32_t bin = fd_world_bin(c, at->card);
    int64_t time_ns = at->time_ns +
                      fd_rng_range(rng, how->first_min_s, how->first_max_s) * NS_PER_S;
    for (uint32_t i = 0; i < n; i++) {
        plant.time_ns = time_ns + fd_rng_below(rng, 1000) * (NS_PER_S / 1000);
        plant.random = fd_rng_next(rng);
        plant.step = (uint8_t)i;
        next_victim(w, rng, bin, &plant);
        fd_plants_push(s, plant);
        time_ns += fd_rng_range(rng, how->gap_min_s, how->gap_max_s) * NS_PER_S;
    }
    return true;
}
