/* The world that payments happen in; see world.h. Pure functions of the seed. */
#include "app/generate/world.h"

#include <stdlib.h>

#include "base/assert.h"

/* clang-format off */
enum country_id {
    DE, FR, IT, ES, NL, BE, AT, PT, IE, GR, GB, CH, SE, PL, RO,
    US, CA, BR, SG, JP, AE, TR, TH, NG, IN
};
/* clang-format on */

/* Rates of some day: amounts are in the card's own currency and need to look right, no more. */
const fd_country FD_COUNTRIES[FD_N_COUNTRIES] = {
    [DE] = {"DE", "EUR", 100},  [FR] = {"FR", "EUR", 100},  [IT] = {"IT", "EUR", 100},
    [ES] = {"ES", "EUR", 100},  [NL] = {"NL", "EUR", 100},  [BE] = {"BE", "EUR", 100},
    [AT] = {"AT", "EUR", 100},  [PT] = {"PT", "EUR", 100},  [IE] = {"IE", "EUR", 100},
    [GR] = {"GR", "EUR", 100},  [GB] = {"GB", "GBP", 86},   [CH] = {"CH", "CHF", 95},
    [SE] = {"SE", "SEK", 1130}, [PL] = {"PL", "PLN", 430},  [RO] = {"RO", "RON", 500},
    [US] = {"US", "USD", 108},  [CA] = {"CA", "CAD", 148},  [BR] = {"BR", "BRL", 590},
    [SG] = {"SG", "SGD", 145},  [JP] = {"JP", "JPY", 160},  [AE] = {"AE", "AED", 397},
    [TR] = {"TR", "TRY", 3700}, [TH] = {"TH", "THB", 3800}, [NG] = {"NG", "NGN", 165000},
    [IN] = {"IN", "INR", 9100},
};

const fd_city FD_CITIES[FD_N_CITIES] = {
    {DE, 52520000, 13405000, 90, 60}, {DE, 53551000, 9994000, 50, 35},
    {DE, 48135000, 11582000, 50, 35}, {DE, 50938000, 6960000, 35, 25},
    {DE, 50111000, 8682000, 30, 25},  {FR, 48857000, 2352000, 110, 70},
    {FR, 45764000, 4836000, 30, 20},  {FR, 43297000, 5370000, 30, 20},
    {FR, 43605000, 1444000, 20, 12},  {IT, 41903000, 12496000, 60, 40},
    {IT, 45464000, 9190000, 50, 35},  {IT, 40852000, 14268000, 30, 18},
    {ES, 40417000, -3704000, 70, 45}, {ES, 41387000, 2169000, 45, 32},
    {ES, 39470000, -376000, 20, 14},  {NL, 52368000, 4904000, 40, 30},
    {NL, 51924000, 4478000, 20, 14},  {BE, 50850000, 4352000, 30, 22},
    {AT, 48208000, 16374000, 40, 26}, {PT, 38722000, -9139000, 25, 18},
    {IE, 53350000, -6260000, 20, 16}, {GR, 37984000, 23728000, 25, 18},
    {GB, 51507000, -128000, 40, 60},  {GB, 53481000, -2243000, 12, 12},
    {CH, 47377000, 8542000, 15, 16},  {SE, 59329000, 18069000, 12, 14},
    {PL, 52230000, 21012000, 18, 16}, {RO, 44427000, 26103000, 6, 8},
    {US, 40713000, -74006000, 4, 40}, {US, 34052000, -118244000, 2, 26},
    {US, 41878000, -87630000, 1, 14}, {US, 25762000, -80192000, 1, 14},
    {CA, 43653000, -79383000, 1, 14}, {BR, -23551000, -46633000, 1, 14},
    {SG, 1352000, 103820000, 1, 16},  {JP, 35676000, 139650000, 1, 20},
    {AE, 25205000, 55271000, 1, 14},  {TR, 41008000, 28978000, 2, 16},
    {TH, 13756000, 100502000, 1, 14}, {NG, 6524000, 3379000, 1, 8},
};

const fd_category FD_CATEGORY_TABLE[FD_N_CATEGORIES] = {
#define X(name, mcc, channel, weight, median, spread, recurring) \
    {mcc, FD_CHANNEL_##channel, weight, median, spread, recurring},
    FD_CATEGORIES(X)
#undef X
};

/* Purposes keep hashes of the same number apart. */
enum purpose { P_CUSTOMER = 1, P_ACTIVITY, P_TRIP, P_MERCHANT, P_IP, P_DEVICE };

static uint64_t draw(const fd_world *w, enum purpose p, uint64_t a, uint64_t b)
{
    return fd_mix2(w->seed + (uint64_t)p * 0x632be59bd9b4e019u, fd_mix2(a, b));
}

/* Fills slots in proportion to weights, by largest cumulative share. */
static void fill_slots(uint8_t slots[FD_PICK_SLOTS], const uint16_t *weights, uint32_t n)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += weights[i];
    FD_ASSERT(total > 0 && n <= UINT8_MAX);
    uint32_t sum = 0, slot = 0;
    for (uint32_t i = 0; i < n; i++) {
        sum += weights[i];
        uint32_t end = (uint32_t)((uint64_t)sum * FD_PICK_SLOTS / total);
        while (slot < end)
            slots[slot++] = (uint8_t)i;
    }
    FD_ASSERT(slot == FD_PICK_SLOTS);
}

/* About one shop of all kinds per hundred customers and city weight, at least one of each kind. */
static void number_merchants(fd_world *w)
{
    uint32_t n = 0;
    uint64_t scale = w->customers < 1000 ? 1000 : w->customers > 1000000 ? 1000000 : w->customers;
    for (uint32_t kind = 0; kind < FD_N_CATEGORIES; kind++) {
        const fd_category *c = &FD_CATEGORY_TABLE[kind];
        bool web = c->channel == FD_CHANNEL_ECOM || c->channel == FD_CHANNEL_MOTO;
        for (uint32_t city = 0; !web && city < FD_N_CITIES; city++) {
            w->shops[city][kind] = n;
            w->n_shops[city][kind] = 1 + (uint32_t)(scale * FD_CITIES[city].merchants * c->weight /
                                                    40000000);
            n += w->n_shops[city][kind];
        }
        if (web) {
            w->web_shops[kind] = n;
            w->n_web_shops[kind] = 20 + (uint32_t)(scale * c->weight / 4000);
            n += w->n_web_shops[kind];
        }
    }
    w->n_merchants = n;
}

fd_world *fd_world_new(uint64_t seed, uint32_t customers)
{
    FD_ASSERT(customers > 0);
    fd_world *w = calloc(1, sizeof *w);
    FD_ALLOCATED(w);
    w->seed = fd_mix(seed);
    w->customers = customers;
    uint16_t weights[FD_N_CITIES];
    for (uint32_t i = 0; i < FD_N_CITIES; i++)
        weights[i] = FD_CITIES[i].customers;
    fill_slots(w->home_city, weights, FD_N_CITIES);
    for (uint32_t i = 0; i < FD_N_CITIES; i++)
        weights[i] = FD_CITIES[i].merchants;
    fill_slots(w->any_city, weights, FD_N_CITIES);
    for (uint32_t i = 0; i < FD_N_CATEGORIES; i++)
        weights[i] = FD_CATEGORY_TABLE[i].weight;
    fill_slots(w->category, weights, FD_N_CATEGORIES);
    number_merchants(w);
    return w;
}

void fd_world_free(fd_world *w)
{
    free(w);
}

fd_customer fd_world_customer(const fd_world *w, uint32_t id)
{
    FD_ASSERT(id < w->customers);
    uint64_t h = draw(w, P_CUSTOMER, id, 0);
    uint32_t cards = (uint32_t)(h >> 12) % 100, devices = (uint32_t)(h >> 24) % 100;
    uint32_t taste = (uint32_t)(h >> 36) % 100;
    return (fd_customer){
        .id = id,
        .home = w->home_city[h % FD_PICK_SLOTS],
        .n_cards = (uint8_t)(cards < 60   ? 1
                             : cards < 90 ? 2
                                          : 3),
        .n_devices = (uint8_t)(devices < 55   ? 1
                               : devices < 88 ? 2
                                              : 3),
        .web_taste = (uint8_t)(taste < 25   ? 0
                               : taste < 75 ? 1
                                            : 2),
        .spend_q16 = fd_lognormal_q16(fd_mix(h), 450),
    };
}

uint32_t fd_world_activity(const fd_world *w, uint32_t id)
{
    int64_t a = fd_lognormal_q16(draw(w, P_ACTIVITY, id, 0), 700) * 240 / FD_Q16;
    return (uint32_t)(a < 1 ? 1 : a > 1024 ? 1024 : a);
}

uint8_t fd_world_whereabouts(const fd_world *w, const fd_customer *c, int64_t time_ms)
{
    int64_t day = time_ms / 86400000;
    uint64_t h = draw(w, P_TRIP, c->id, (uint64_t)(day / 7));
    if (h % 1000 >= 25)
        return c->home;
    int64_t first = (int64_t)(h >> 10) % 3, last = first + 1 + (int64_t)(h >> 14) % 4;
    int64_t of_week = day % 7;
    return of_week < first || of_week > last ? c->home : w->any_city[(h >> 20) % FD_PICK_SLOTS];
}

/* Few shops are popular: the square of a uniform number leans to the low ones. */
static uint32_t popular(uint64_t random, uint32_t n)
{
    uint64_t u = random >> 32;
    return (uint32_t)((u * u >> 32) * n >> 32);
}

static fd_merchant merchant(const fd_world *w, uint32_t id, fd_category_id kind)
{
    uint64_t h = draw(w, P_MERCHANT, id, 0);
    return (fd_merchant){.id = id, .category = kind, .price_q16 = fd_lognormal_q16(h, 350)};
}

fd_merchant fd_world_shop(const fd_world *w, uint8_t city, fd_category_id kind, uint64_t random)
{
    FD_ASSERT(city < FD_N_CITIES && w->n_shops[city][kind] > 0);
    uint32_t id = w->shops[city][kind] + popular(random, w->n_shops[city][kind]);
    fd_merchant m = merchant(w, id, kind);
    uint64_t h = draw(w, P_MERCHANT, id, 1);
    m.country = FD_CITIES[city].country;
    m.lat_micro = FD_CITIES[city].lat_micro + (int32_t)(h % 90000) - 45000;
    m.lon_micro = FD_CITIES[city].lon_micro + (int32_t)(h / 90000 % 120000) - 60000;
    return m;
}

fd_merchant fd_world_web_shop(const fd_world *w, fd_category_id kind, uint64_t random)
{
    FD_ASSERT(w->n_web_shops[kind] > 0);
    uint32_t id = w->web_shops[kind] + popular(random, w->n_web_shops[kind]);
    fd_merchant m = merchant(w, id, kind);
    m.country = FD_CITIES[w->any_city[draw(w, P_MERCHANT, id, 2) % FD_PICK_SLOTS]].country;
    return m;
}

uint32_t fd_world_busy(int64_t time_ms)
{
    static const uint16_t HOURS[24] = {180,  110,  80,   70,   90,   190,  420,  800,
                                       1120, 1240, 1300, 1450, 1720, 1600, 1400, 1380,
                                       1500, 1780, 1900, 1720, 1350, 980,  620,  350};
    /* From Thursday, the first day of the epoch. */
    static const uint16_t DAYS[7] = {1000, 1160, 1200, 880, 920, 950, 960};
    int64_t hour = time_ms / 3600000;
    uint32_t mean = 973; /* of HOURS; that of DAYS is 1010 */
    return (uint32_t)((uint64_t)HOURS[hour % 24] * DAYS[hour / 24 % 7] * 1024 / (mean * 1010));
}

void fd_world_ip(fd_text *out, uint8_t country, uint64_t who)
{
    uint64_t h = fd_mix2(P_IP, fd_mix2(country, who));
    if (h % 100 < 15)
        fd_text_printf(out, "2001:db8:%x:%x::%x", 0x100u + country, (unsigned)(h >> 16 & 0xffff),
                       (unsigned)(h >> 32 & 0xffff));
    else
        fd_text_printf(out, "%u.%u.%u.%u", 240u + country % 15,
                       16u * (country / 15) + (unsigned)(h >> 16) % 16, (unsigned)(h >> 24 & 0xff),
                       1 + (unsigned)(h >> 32) % 254);
}

void fd_world_device(fd_text *out, uint64_t who)
{
    static const char HEX[] = "0123456789abcdef";
    uint64_t h = fd_mix2(P_DEVICE, who);
    out->n = 13;
    out->p[0] = 'd';
    for (int i = 1; i < 13; i++, h >>= 4)
        out->p[i] = HEX[h & 15];
}

uint64_t fd_world_own_device(const fd_world *w, const fd_customer *c, uint32_t k)
{
    FD_ASSERT(k < c->n_devices);
    return draw(w, P_DEVICE, c->id, k);
}

/* A bank has one eight-digit BIN per card product; each country has five banks. The leading 9 is
 * for national use: no such card is in circulation internationally. */
void fd_world_card(fd_text *id, fd_text *bin, const fd_customer *c, uint32_t card)
{
    FD_ASSERT(card < c->n_cards);
    uint32_t country = FD_CITIES[c->home].country;
    uint32_t bank = (uint32_t)(fd_mix2(c->id, card) % 5);
    fd_text_printf(id, "C%07u-%u", c->id, card + 1);
    fd_text_printf(bin, "9%02u%01u%02u%02u", 10 + country, bank, card, 10 + bank * 7);
}
