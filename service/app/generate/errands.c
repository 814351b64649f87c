/*
 * Genuine payments that look like frauds: without them every burst would be an attack, and no rule
 * could be wrong. See stream.h; one owner.
 */
#include "app/generate/stream_int.h"
#include "base/assert.h"

static const int64_t NS_PER_S = 1000000000;
enum { PPM = 1000000, BUSINESSES = 40, SALARY_FACTOR = 3 };

static const struct {
    uint32_t ppm;
    uint8_t fewest, most;
    uint16_t least_s, most_s;
} TABLE[FD_N_ERRANDS] = {
#define X(name, ppm, fewest, most, least_s, most_s) {ppm, fewest, most, least_s, most_s},
    FD_ERRANDS(X)
#undef X
};

uint32_t fd_errand_ppm(void)
{
    uint32_t sum = 0;
    for (int i = 0; i < FD_N_ERRANDS; i++)
        sum += TABLE[i].ppm * (TABLE[i].fewest + TABLE[i].most) / 2;
    return sum;
}

/* Tours and removals are for after pay-day, the last days of a month (of 30 days, as this world
 * has them): three times as often then, and less in between. */
static uint32_t ppm_of(fd_errand e, const fd_occasion *at)
{
    enum { MONTH = 30, PAY_DAYS = 5 };
    if (e != FD_ERRAND_TOUR && e != FD_ERRAND_REMOVAL)
        return TABLE[e].ppm;
    bool pay_day = fd_world_day_in(at->customer->home, at->payment->event_time) % MONTH < PAY_DAYS;
    uint32_t usual = TABLE[e].ppm * MONTH / (MONTH + PAY_DAYS * (SALARY_FACTOR - 1));
    return pay_day ? usual * SALARY_FACTOR : usual;
}

/* Some customers are businesses: what they do, others do not. */
static bool may(const fd_world *w, fd_errand e, const fd_occasion *at)
{
    const fd_customer *c = at->customer;
    if (e == FD_ERRAND_TOUR)
        return at->payment->channel == FD_CHANNEL_POS;
    if (e == FD_ERRAND_SALE)
        return w->customers > 1;
    return e != FD_ERRAND_PLAYER || c->web_taste > 0;
}

void fd_errand_begin(fd_stream *s, fd_rng *rng, const fd_occasion *at)
{
    const fd_world *w = fd_stream_world(s);
    uint32_t r = fd_rng_below(rng, PPM);
    for (fd_errand e = 0; e < FD_N_ERRANDS; e++) {
        uint32_t ppm = ppm_of(e, at);
        if (r >= ppm) {
            r -= ppm;
            continue;
        }
        uint32_t n = (uint32_t)fd_rng_range(rng, TABLE[e].fewest, TABLE[e].most);
        if (!may(w, e, at) || !fd_stream_has_room(s, n))
            return;
        fd_plant plant = {.actor = fd_rng_next(rng),
                          .customer = at->customer->id,
                          .card = (uint8_t)at->card,
                          .city = at->here,
                          .steps = (uint8_t)n,
                          .pattern = FD_PATTERN_NONE,
                          .errand = (uint8_t)e};
        if (e == FD_ERRAND_BUSINESS) /* the few that do it do it often */
            plant.customer = plant.customer / BUSINESSES * BUSINESSES;
        plant.card = e == FD_ERRAND_BUSINESS ? 0 : plant.card;
        int64_t time_ns = at->time_ns;
        for (uint32_t i = 0; i < n; i++) {
            time_ns += fd_rng_range(rng, TABLE[e].least_s, TABLE[e].most_s) * NS_PER_S;
            plant.time_ns = time_ns + fd_rng_below(rng, 1000) * (NS_PER_S / 1000);
            plant.random = fd_rng_next(rng);
            plant.step = (uint8_t)i;
            if (e == FD_ERRAND_SALE) {
                plant.customer = fd_rng_below(rng, w->customers);
                plant.card = 0;
            }
            fd_plants_push(s, plant);
        }
        return;
    }
}

/* ---- what they look like ---- */

typedef struct errand {
    const fd_world *w;
    const fd_plant *plant;
    fd_customer c;
    fd_rng rng, actor;
    fd_merchant shop;
    int64_t cents;
    uint32_t declined_ppm;
} errand;

static void at_web_shop(errand *e, fd_payment *p, fd_category_id kind, uint64_t random,
                        fd_entry_mode entry)
{
    e->shop = fd_world_web_shop(e->w, kind, random);
    fd_payment_set_shop(p, &e->shop);
    p->entry_mode = entry;
    fd_payment_set_home(e->w, p, &e->c);
}

/* From shop to shop on a Saturday, many of them for the first time. */
static void tour(errand *e, fd_payment *p)
{
    static const fd_category_id KINDS[] = {FD_CATEGORY_CLOTHES, FD_CATEGORY_CLOTHES,
                                           FD_CATEGORY_PHARMACY, FD_CATEGORY_RESTAURANT,
                                           FD_CATEGORY_FAST_FOOD};
    fd_category_id kind = KINDS[fd_rng_below(&e->rng, 5)];
    e->shop = fd_world_shop(e->w, e->plant->city, kind, fd_rng_next(&e->rng));
    e->cents = fd_rng_range(&e->rng, 800, 9000);
    fd_payment_set_shop(p, &e->shop);
    p->entry_mode = e->cents < 5000 ? FD_ENTRY_CONTACTLESS : FD_ENTRY_CHIP;
}

/* An office orders what it needs, or tickets for all who travel. */
static void business(errand *e, fd_payment *p)
{
    static const fd_category_id KINDS[] = {FD_CATEGORY_ONLINE_SHOP, FD_CATEGORY_AIRLINE,
                                           FD_CATEGORY_ELECTRONICS};
    fd_category_id kind = KINDS[fd_rng_below(&e->actor, 3)];
    uint64_t shop = fd_world_habit(e->w, &e->c, kind, fd_rng_below(&e->rng, 4));
    at_web_shop(e, p, kind, shop, FD_ENTRY_STORED);
    e->cents = fd_rng_range(&e->rng, 2000, 60000);
}

/* One more life, and one more. */
static void player(errand *e, fd_payment *p)
{
    uint64_t game = fd_world_habit(e->w, &e->c, FD_CATEGORY_DIGITAL_GOODS, 7);
    at_web_shop(e, p, FD_CATEGORY_DIGITAL_GOODS, game, FD_ENTRY_STORED);
    e->cents = 99 + 100 * fd_rng_range(&e->rng, 0, 9);
}

/* Tickets, shoes or a console, at ten o'clock: everybody at one shop within minutes. */
static void sale(errand *e, fd_payment *p)
{
    bool stored = fd_rng_chance(&e->rng, 400000);
    at_web_shop(e, p, FD_CATEGORY_ONLINE_SHOP, fd_rng_next(&e->actor),
                stored ? FD_ENTRY_STORED : FD_ENTRY_MANUAL);
    e->cents = fd_rng_range(&e->actor, 4000, 16000);
    e->declined_ppm = 130000;
}

/* A new home wants a bed, a stove and a television. */
static void removal(errand *e, fd_payment *p)
{
    fd_category_id kind = fd_rng_chance(&e->rng, 500000) ? FD_CATEGORY_ELECTRONICS
                                                         : FD_CATEGORY_ONLINE_SHOP;
    bool stored = fd_rng_chance(&e->rng, 500000);
    at_web_shop(e, p, kind, fd_rng_next(&e->rng), stored ? FD_ENTRY_STORED : FD_ENTRY_MANUAL);
    e->cents = fd_rng_range(&e->rng, 12000, 90000);
    e->declined_ppm = 60000;
}

/* To the family, as every month: sometimes just below what one may send. */
static void remittance(errand *e, fd_payment *p)
{
    uint64_t shop = fd_world_habit(e->w, &e->c, FD_CATEGORY_MONEY_TRANSFER, 3);
    at_web_shop(e, p, FD_CATEGORY_MONEY_TRANSFER, shop, FD_ENTRY_STORED);
    e->cents = fd_rng_range(&e->rng, 2, 20) * 5000;
}

void fd_errand_write(const fd_world *w, const fd_plant *plant, fd_payment *out)
{
    static void (*const WRITERS[FD_N_ERRANDS])(errand *, fd_payment *) = {
        [FD_ERRAND_TOUR] = tour,       [FD_ERRAND_BUSINESS] = business,
        [FD_ERRAND_PLAYER] = player,   [FD_ERRAND_SALE] = sale,
        [FD_ERRAND_REMOVAL] = removal, [FD_ERRAND_REMITTANCE] = remittance,
    };
    FD_ASSERT(plant->errand < FD_N_ERRANDS);
    errand e = {.w = w,
                .plant = plant,
                .c = fd_world_customer(w, plant->customer),
                .rng = fd_rng_from(plant->random),
                .actor = fd_rng_from(plant->actor),
                .declined_ppm = 35000};
    fd_payment_set_card(out, &e.c, plant->card);
    WRITERS[plant->errand](&e, out);
    fd_payment_set_amount(out, &e.c, &e.shop, e.cents);
    out->status = fd_rng_chance(&e.rng, e.declined_ppm) ? FD_STATUS_DECLINED : FD_STATUS_APPROVED;
}
