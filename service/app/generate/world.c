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
    [DE] = {"DE", "EUR", 100, 1000},   [FR] = {"FR", "EUR", 100, 1000},
    [IT] = {"IT", "EUR", 100, 1000},   [ES] = {"ES", "EUR", 100, 1000},
    [NL] = {"NL", "EUR", 100, 1000},   [BE] = {"BE", "EUR", 100, 1000},
    [AT] = {"AT", "EUR", 100, 1000},   [PT] = {"PT", "EUR", 100, 1000},
    [IE] = {"IE", "EUR", 100, 1000},   [GR] = {"GR", "EUR", 100, 1000},
    [GB] = {"GB", "GBP", 86, 1000},    [CH] = {"CH", "CHF", 95, 1000},
    [SE] = {"SE", "SEK", 1130, 10000}, [PL] = {"PL", "PLN", 430, 5000},
    [RO] = {"RO", "RON", 500, 5000},   [US] = {"US", "USD", 108, 2000},
    [CA] = {"CA", "CAD", 148, 2000},   [BR] = {"BR", "BRL", 590, 2000},
    [SG] = {"SG", "SGD", 145, 1000},   [JP] = {"JP", "JPY", 160, 1000},
    [AE] = {"AE", "AED", 397, 10000},  [TR] = {"TR", "TRY", 3700, 10000},
    [TH] = {"TH", "THB", 3800, 10000}, [NG] = {"NG", "NGN", 165000, 50000},
    [IN] = {"IN", "INR", 9100, 50000},
};

const fd_city FD_CITIES[FD_N_CITIES] = {
    {DE, 1, 52520000, 13405000, 90, 60},  {DE, 1, 53551000, 9994000, 50, 35},
    {DE, 1, 48135000, 11582000, 50, 35},  {DE, 1, 50938000, 6960000, 35, 25},
    {DE, 1, 50111000, 8682000, 30, 25},   {FR, 1, 48857000, 2352000, 110, 70},
    {FR, 1, 45764000, 4836000, 30, 20},   {FR, 1, 43297000, 5370000, 30, 20},
    {FR, 1, 43605000, 1444000, 20, 12},   {IT, 1, 41903000, 12496000, 60, 40},
    {IT, 1, 45464000, 9190000, 50, 35},   {IT, 1, 40852000, 14268000, 30, 18},
    {ES, 1, 40417000, -3704000, 70, 45},  {ES, 1, 41387000, 2169000, 45, 32},
    {ES, 1, 39470000, -376000, 20, 14},   {NL, 1, 52368000, 4904000, 40, 30},
    {NL, 1, 51924000, 4478000, 20, 14},   {BE, 1, 50850000, 4352000, 30, 22},
    {AT, 1, 48208000, 16374000, 40, 26},  {PT, 0, 38722000, -9139000, 25, 18},
    {IE, 0, 53350000, -6260000, 20, 16},  {GR, 2, 37984000, 23728000, 25, 18},
    {GB, 0, 51507000, -128000, 40, 60},   {GB, 0, 53481000, -2243000, 12, 12},
    {CH, 1, 47377000, 8542000, 15, 16},   {SE, 1, 59329000, 18069000, 12, 14},
    {PL, 1, 52230000, 21012000, 18, 16},  {RO, 2, 44427000, 26103000, 6, 8},
    {US, -5, 40713000, -74006000, 4, 40}, {US, -8, 34052000, -118244000, 2, 26},
    {US, -6, 41878000, -87630000, 1, 14}, {US, -5, 25762000, -80192000, 1, 14},
    {CA, -5, 43653000, -79383000, 1, 14}, {BR, -3, -23551000, -46633000, 1, 14},
    {SG, 8, 1352000, 103820000, 1, 16},   {JP, 9, 35676000, 139650000, 1, 20},
    {AE, 4, 25205000, 55271000, 1, 14},   {TR, 3, 41008000, 28978000, 2, 16},
    {TH, 7, 13756000, 100502000, 1, 14},  {NG, 1, 6524000, 3379000, 1, 8},
};

const fd_category FD_CATEGORY_TABLE[FD_N_CATEGORIES] = {
#define X(name, mcc, channel, weight, median, spread, subscriptions, price) \
    {mcc, FD_CHANNEL_##channel, weight, median, spread, subscriptions, FD_PRICE_##price},
    FD_CATEGORIES(X)
#undef X
};

/* Purposes keep hashes of the same number apart. */
enum purpose {
    P_CUSTOMER = 1,
    P_ACTIVITY,
    P_TRIP,
    P_MERCHANT,
    P_IP,
    P_DEVICE,
    P_DAY_TRIP,
    P_HABIT,
    P_GATEWAY,
    P_HOUSEHOLD,
};

static const int64_t HOUR_MS = 3600000;
static const int64_t DAY_MS = 86400000;

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

/* Each hour of the week, from Thursday as the epoch does: the mean over where customers live. */
static void add_up_hours(fd_world *w)
{
    for (uint32_t hour = 0; hour < FD_HOURS_OF_WEEK; hour++) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < FD_PICK_SLOTS; i++)
            sum += fd_world_busy_in(w->home_city[i], (FD_HOURS_OF_WEEK + hour) * HOUR_MS);
        w->busy[hour] = (uint32_t)(sum / FD_PICK_SLOTS);
    }
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
    add_up_hours(w);
    return w;
}

void fd_world_free(fd_world *w)
{
    free(w);
}

fd_customer fd_world_customer(const fd_world *w, uint32_t id)
{
    FD_ASSERT(id < w->customers);
    enum { HOUSEHOLDS_PERCENT = 18 };
    uint64_t h = draw(w, P_CUSTOMER, id, 0);
    bool household = (id ^ 1) < w->customers &&
                     draw(w, P_HOUSEHOLD, id / 2, 0) % 100 < HOUSEHOLDS_PERCENT;
    uint64_t house = household ? draw(w, P_HOUSEHOLD, id / 2, 1) : h;
    uint32_t cards = (uint32_t)(h >> 12) % 100, devices = (uint32_t)(h >> 24) % 100;
    uint32_t taste = (uint32_t)(h >> 36) % 100;
    return (fd_customer){
        .id = id,
        .household = household,
        .home = w->home_city[house % FD_PICK_SLOTS],
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

int64_t fd_world_day_in(uint8_t city, int64_t time_ms)
{
    FD_ASSERT(city < FD_N_CITIES);
    int64_t local = time_ms + FD_CITIES[city].utc_hours * HOUR_MS;
    return local / DAY_MS - (local % DAY_MS < 0);
}

static int32_t apart(int32_t a, int32_t b)
{
    return a > b ? a - b : b - a;
}

static bool in_reach(const fd_city *a, const fd_city *b)
{
    enum { FAR_MICRO = 8000000 };
    return a->country == b->country &&
           apart(a->lat_micro, b->lat_micro) + apart(a->lon_micro, b->lon_micro) < FAR_MICRO;
}

static uint8_t day_trip(const fd_world *w, const fd_customer *c, int64_t day)
{
    enum { LOOKS = 8 };
    uint64_t h = draw(w, P_DAY_TRIP, c->id, (uint64_t)day);
    if (h % 1000 >= 40)
        return c->home;
    for (int i = 0; i < LOOKS; i++) {
        h = fd_mix(h);
        uint8_t city = w->any_city[h % FD_PICK_SLOTS];
        if (in_reach(&FD_CITIES[city], &FD_CITIES[c->home]))
            return city;
    }
    return c->home;
}

uint8_t fd_world_whereabouts(const fd_world *w, const fd_customer *c, int64_t time_ms)
{
    enum { MORNING_H = 4, WEEK = 7 };
    int64_t day = fd_world_day_in(c->home, time_ms - MORNING_H * HOUR_MS) + WEEK; /* not negative */
    uint64_t h = draw(w, P_TRIP, c->id, (uint64_t)(day / WEEK));
    if (h % 1000 >= 25)
        return day_trip(w, c, day);
    int64_t first = (int64_t)(h >> 10) % 2, last = first + 2 + (int64_t)(h >> 14) % 4;
    int64_t of_week = day % WEEK;
    if (of_week < first || of_week > last)
        return c->home;
    bool travels = of_week == first || of_week == last;
    return travels ? FD_ON_THE_WAY : w->any_city[(h >> 20) % FD_PICK_SLOTS];
}

uint64_t fd_world_habit(const fd_world *w, const fd_customer *c, fd_category_id kind, uint32_t k)
{
    return draw(w, P_HABIT, c->id, (uint64_t)kind << 32 | k);
}

uint64_t fd_world_gateway(const fd_world *w, const fd_customer *c, uint8_t city, int64_t time_ms)
{
    enum { CUSTOMERS_EACH = 40, WEIGHTS = 1000 }; /* the sum of FD_CITIES' weights, about */
    uint64_t n = 2 + (uint64_t)w->customers * FD_CITIES[city].customers / WEIGHTS / CUSTOMERS_EACH;
    uint64_t mine = draw(w, P_GATEWAY, c->id, (uint64_t)fd_world_day_in(city, time_ms));
    return draw(w, P_GATEWAY, UINT32_MAX + (uint64_t)city, mine % n);
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

uint32_t fd_world_busy_in(uint8_t city, int64_t time_ms)
{
    static const uint16_t HOURS[24] = {180,  110,  80,   70,   90,   190,  420,  800,
                                       1120, 1240, 1300, 1450, 1720, 1600, 1400, 1380,
                                       1500, 1780, 1900, 1720, 1350, 980,  620,  350};
    /* From Thursday, the first day of the epoch. */
    static const uint16_t DAYS[7] = {1000, 1160, 1200, 880, 920, 950, 960};
    int64_t day = fd_world_day_in(city, time_ms);
    int64_t hour = (time_ms + FD_CITIES[city].utc_hours * HOUR_MS - day * DAY_MS) / HOUR_MS;
    uint32_t mean = 973; /* of HOURS; that of DAYS is 1010 */
    uint64_t busy = (uint64_t)HOURS[hour] * DAYS[(day + 7) % 7] * 1024 / (mean * 1010);
    FD_ASSERT(busy <= FD_BUSY_MAX);
    return (uint32_t)busy;
}

uint32_t fd_world_busy(const fd_world *w, int64_t time_ms)
{
    return w->busy[time_ms / HOUR_MS % FD_HOURS_OF_WEEK];
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

uint64_t fd_world_own_device(const fd_world *w, const fd_customer *c, uint32_t k, int64_t time_ms)
{
    enum { LIFE_DAYS = 500 };
    FD_ASSERT(k < c->n_devices);
    uint64_t first = draw(w, P_DEVICE, c->id, k);
    uint64_t age = (uint64_t)(time_ms / DAY_MS) + first % LIFE_DAYS;
    return fd_mix2(first, age / LIFE_DAYS);
}

uint64_t fd_world_shared_device(const fd_world *w, const fd_customer *c)
{
    return draw(w, P_HOUSEHOLD, c->id / 2, 2);
}

uint64_t fd_world_home_address(const fd_world *w, const fd_customer *c)
{
    return c->household ? draw(w, P_HOUSEHOLD, c->id / 2, 3) : draw(w, P_IP, c->id, 0);
}

/* A bank has one eight-digit BIN per card product; each country has five banks. The leading 9 is
 * for national use: no such card is in circulation internationally. */
uint32_t fd_world_bin(const fd_customer *c, uint32_t card)
{
    uint32_t country = FD_CITIES[c->home].country;
    uint32_t bank = (uint32_t)(fd_mix2(c->id, card) % 5);
    return 90000000 + (10 + country) * 100000 + bank * 10000 + card * 100 + 10 + bank * 7;
}

void fd_world_card(fd_text *id, fd_text *bin, const fd_customer *c, uint32_t card)
{
    FD_ASSERT(card < c->n_cards);
    fd_text_printf(id, "C%07u-%u", c->id, card + 1);
    fd_text_printf(bin, "%u", fd_world_bin(c, card));
}
