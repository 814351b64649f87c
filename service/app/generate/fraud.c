/*
 * Planted frauds: how each scenario unfolds and what its payments look like. Each scenario leaves
 * traces that a rule or model can find (bursts, new devices, countries, distances, amounts) and
 * none that only a generator would leave. See stream.h; one owner.
 */
#include "app/generate/stream_int.h"
#include "base/assert.h"

static const int64_t NS_PER_S = 1000000000;

typedef struct scenario {
    const char *name;
    uint8_t share; /* percent */
    uint8_t fewest, most;
    uint16_t first_min_s, first_max_s; /* after the genuine payment */
    uint16_t gap_min_s, gap_max_s;     /* between the payments */
    uint32_t declined_ppm;
} scenario;

/* Times as reports on card fraud describe them: testers are quick, cash-out takes hours. */
static const uint16_t TIMES[FD_N_SCENARIOS][4] = {
    [FD_SCENARIO_CARD_TESTING] = {60, 1800, 4, 20},
    [FD_SCENARIO_ACCOUNT_TAKEOVER] = {600, 7200, 120, 900},
    [FD_SCENARIO_HIGH_RISK_MCC] = {300, 5400, 60, 600},
    [FD_SCENARIO_IMPOSSIBLE_TRAVEL] = {480, 2700, 300, 1200},
    [FD_SCENARIO_STOLEN_CARD] = {300, 3600, 600, 3600},
};
static const uint32_t DECLINED_PPM[FD_N_SCENARIOS] = {
    [FD_SCENARIO_CARD_TESTING] = 550000,  [FD_SCENARIO_ACCOUNT_TAKEOVER] = 150000,
    [FD_SCENARIO_HIGH_RISK_MCC] = 200000, [FD_SCENARIO_IMPOSSIBLE_TRAVEL] = 150000,
    [FD_SCENARIO_STOLEN_CARD] = 250000,
};

static scenario scenario_of(fd_scenario id)
{
    static const struct {
        const char *name;
        uint8_t share, fewest, most;
    } TABLE[] = {
#define X(name, text, share, fewest, most) {text, share, fewest, most},
        FD_SCENARIOS(X)
#undef X
    };
    FD_ASSERT(id < FD_N_SCENARIOS);
    const uint16_t *t = TIMES[id];
    return (scenario){
        TABLE[id].name, TABLE[id].share, TABLE[id].fewest, TABLE[id].most, t[0], t[1], t[2],
        t[3],           DECLINED_PPM[id]};
}

const char *fd_scenario_name(fd_scenario s)
{
    return s == FD_SCENARIO_NONE ? "" : scenario_of(s).name;
}

uint32_t fd_fraud_mean_milli(void)
{
    uint32_t sum = 0, shares = 0;
    for (fd_scenario i = 0; i < FD_N_SCENARIOS; i++) {
        scenario s = scenario_of(i);
        sum += s.share * (s.fewest + s.most) * 500u;
        shares += s.share;
    }
    FD_ASSERT(shares == 100);
    return sum / 100;
}

/* A clone travels only where the genuine card was just present; else the card is stolen data. */
static fd_scenario pick_scenario(fd_rng *rng, const fd_payment *genuine)
{
    uint32_t r = fd_rng_below(rng, 100);
    fd_scenario id = 0;
    for (scenario s = scenario_of(id); r >= s.share; s = scenario_of(++id))
        r -= s.share;
    bool present = genuine->channel == FD_CHANNEL_POS || genuine->channel == FD_CHANNEL_ATM;
    return id == FD_SCENARIO_IMPOSSIBLE_TRAVEL && !present ? FD_SCENARIO_STOLEN_CARD : id;
}

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

void fd_fraud_begin(fd_stream *s, fd_rng *rng, const fd_customer *c, uint32_t card,
                    const fd_payment *genuine, int64_t time_ns)
{
    const fd_world *w = fd_stream_world(s);
    fd_scenario id = pick_scenario(rng, genuine);
    scenario how = scenario_of(id);
    uint32_t n = (uint32_t)fd_rng_range(rng, how.fewest, how.most);
    fd_plant plant = {.attacker = fd_rng_next(rng),
                      .customer = c->id,
                      .card = (uint8_t)card,
                      .city = far_city(w, rng, c->home),
                      .scenario = (uint8_t)id};
    int64_t at = time_ns + fd_rng_range(rng, how.first_min_s, how.first_max_s) * NS_PER_S;
    if (!fd_stream_has_room(s, n))
        return;
    for (uint32_t i = 0; i < n; i++) {
        plant.time_ns = at + fd_rng_below(rng, 1000) * (NS_PER_S / 1000);
        plant.random = fd_rng_next(rng);
        plant.step = (uint8_t)i;
        if (id == FD_SCENARIO_CARD_TESTING) {
            fd_customer victim = fd_world_customer(w, fd_rng_below(rng, w->customers));
            plant.customer = victim.id;
            plant.card = (uint8_t)fd_rng_below(rng, victim.n_cards);
        }
        fd_plants_push(s, plant);
        at += fd_rng_range(rng, how.gap_min_s, how.gap_max_s) * NS_PER_S;
    }
}

/* ---- what each kind of fraudulent payment looks like ---- */

typedef struct scene {
    const fd_world *w;
    const fd_plant *plant;
    fd_customer victim;
    fd_rng rng;      /* this payment's */
    fd_rng attacker; /* the same for all payments of a fraud */
    fd_merchant shop;
    int64_t cents;
} scene;

/* Many cards, one device, one shop, hardly any money: do these numbers work? */
static void card_testing(scene *s, fd_payment *p)
{
    s->shop = fd_world_web_shop(s->w, FD_CATEGORY_DIGITAL_GOODS, fd_rng_next(&s->attacker));
    s->cents = fd_rng_range(&s->rng, 50, 300);
    fd_payment_set_shop(p, &s->shop);
    p->entry_mode = FD_ENTRY_MANUAL;
    fd_world_device(&p->device_id, s->plant->attacker);
    fd_payment_set_address(p, s->plant->city, s->plant->attacker);
}

/* The customer's own account from a foreign device: stored card, growing amounts. */
static void account_takeover(scene *s, fd_payment *p)
{
    static const fd_category_id KINDS[] = {FD_CATEGORY_ELECTRONICS, FD_CATEGORY_GIFT_CARDS,
                                           FD_CATEGORY_ONLINE_SHOP};
    fd_category_id kind = KINDS[fd_rng_below(&s->rng, 3)];
    s->shop = fd_world_web_shop(s->w, kind, fd_rng_next(&s->rng));
    s->cents = fd_rng_range(&s->rng, 6000, 25000) * (2 + s->plant->step) / 2;
    fd_payment_set_shop(p, &s->shop);
    p->entry_mode = FD_ENTRY_STORED;
    fd_world_device(&p->device_id, s->plant->attacker);
    fd_payment_set_address(p, s->plant->city, s->plant->attacker);
}

/* Money out of the card by transfer, coins or bets; half of the time from the usual device. */
static void high_risk_mcc(scene *s, fd_payment *p)
{
    static const fd_category_id KINDS[] = {FD_CATEGORY_CRYPTO, FD_CATEGORY_MONEY_TRANSFER,
                                           FD_CATEGORY_GAMBLING};
    fd_category_id kind = KINDS[fd_rng_below(&s->attacker, 3)];
    s->shop = fd_world_web_shop(s->w, kind, fd_rng_next(&s->rng));
    s->cents = fd_rng_range(&s->rng, 30000, 250000);
    fd_payment_set_shop(p, &s->shop);
    p->entry_mode = FD_ENTRY_MANUAL;
    bool usual = fd_rng_chance(&s->attacker, 500000);
    uint64_t seed = s->plant->attacker;
    fd_world_device(&p->device_id, usual ? fd_world_own_device(s->w, &s->victim, 0) : seed);
    bool near = fd_rng_chance(&s->attacker, 500000);
    fd_payment_set_address(p, near ? s->victim.home : s->plant->city, seed);
}

/* A copy of the magnetic stripe in a far country, minutes after the genuine card at home. */
static void impossible_travel(scene *s, fd_payment *p)
{
    static const fd_category_id KINDS[] = {FD_CATEGORY_CLOTHES, FD_CATEGORY_FUEL, FD_CATEGORY_CASH,
                                           FD_CATEGORY_GROCERY};
    fd_category_id kind = KINDS[fd_rng_below(&s->rng, 4)];
    s->shop = fd_world_shop(s->w, s->plant->city, kind, fd_rng_next(&s->rng));
    s->cents = fd_rng_range(&s->rng, 6000, 45000);
    fd_payment_set_shop(p, &s->shop);
    p->entry_mode = FD_ENTRY_SWIPE;
}

/* The typed-in number at foreign web shops, from where the thief is. */
static void stolen_card(scene *s, fd_payment *p)
{
    static const fd_category_id KINDS[] = {FD_CATEGORY_ONLINE_SHOP, FD_CATEGORY_ELECTRONICS,
                                           FD_CATEGORY_AIRLINE, FD_CATEGORY_TRAVEL_AGENCY};
    enum { TRIES = 20 };
    fd_category_id kind = KINDS[fd_rng_below(&s->rng, 4)];
    uint8_t home = FD_CITIES[s->victim.home].country;
    for (int i = 0; i < TRIES; i++) {
        s->shop = fd_world_web_shop(s->w, kind, fd_rng_next(&s->rng));
        if (s->shop.country != home)
            break;
    }
    s->cents = fd_rng_range(&s->rng, 5000, 40000);
    fd_payment_set_shop(p, &s->shop);
    p->entry_mode = FD_ENTRY_MANUAL;
    fd_world_device(&p->device_id, s->plant->attacker);
    fd_payment_set_address(p, s->plant->city, s->plant->attacker);
}

void fd_fraud_write(const fd_world *w, const fd_plant *plant, fd_payment *out)
{
    static void (*const WRITERS[FD_N_SCENARIOS])(scene *, fd_payment *) = {
        [FD_SCENARIO_CARD_TESTING] = card_testing,
        [FD_SCENARIO_ACCOUNT_TAKEOVER] = account_takeover,
        [FD_SCENARIO_HIGH_RISK_MCC] = high_risk_mcc,
        [FD_SCENARIO_IMPOSSIBLE_TRAVEL] = impossible_travel,
        [FD_SCENARIO_STOLEN_CARD] = stolen_card,
    };
    FD_ASSERT(plant->scenario < FD_N_SCENARIOS);
    scene s = {.w = w,
               .plant = plant,
               .victim = fd_world_customer(w, plant->customer),
               .rng = fd_rng_from(plant->random),
               .attacker = fd_rng_from(plant->attacker)};
    fd_payment_set_card(out, &s.victim, plant->card);
    WRITERS[plant->scenario](&s, out);
    fd_payment_set_amount(out, &s.victim, &s.shop, s.cents);
    bool declined = fd_rng_chance(&s.rng, scenario_of(plant->scenario).declined_ppm);
    out->status = declined ? FD_STATUS_DECLINED : FD_STATUS_APPROVED;
}
