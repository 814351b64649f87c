/*
 * Genuine payments: who pays, where, how much and with what. See stream_int.h; one owner.
 */
#include <string.h>

#include "app/generate/stream_int.h"
#include "base/assert.h"

typedef struct genuine {
    const fd_world *w;
    fd_rng *rng; /* the stream's */
} genuine;

/* By how often they pay, and whether they are awake: a uniform one is taken with these chances. If
 * nobody will, as may be with few customers, the last one does from home. */
static fd_customer pick_customer(genuine *s, int64_t time_ms, uint8_t *here)
{
    enum { TRIES = 20000 };
    fd_customer c;
    for (int i = 0; i < TRIES; i++) {
        uint64_t r = fd_rng_next(s->rng);
        uint32_t id = fd_below(r, s->w->customers);
        if ((r & 1023) >= fd_world_activity(s->w, id))
            continue;
        c = fd_world_customer(s->w, id);
        *here = fd_world_whereabouts(s->w, &c, time_ms);
        if (*here != FD_ON_THE_WAY &&
            (r >> 10 & 0xffff) * FD_BUSY_MAX >> 16 < fd_world_busy_in(*here, time_ms))
            return c;
    }
    c = fd_world_customer(s->w, fd_rng_below(s->rng, s->w->customers));
    *here = c.home;
    return c;
}

static fd_category_id pick_category(genuine *s, const fd_customer *c)
{
    fd_category_id kind = s->w->category[fd_rng_below(s->rng, FD_PICK_SLOTS)];
    bool web = FD_CATEGORY_TABLE[kind].channel == FD_CHANNEL_ECOM;
    bool disliked = (web && c->web_taste == 0) || (!web && c->web_taste == 2);
    if (disliked && fd_rng_chance(s->rng, 600000))
        kind = s->w->category[fd_rng_below(s->rng, FD_PICK_SLOTS)];
    return kind;
}

/* Most shopping is done where it was done before. */
static fd_merchant pick_shop(genuine *s, const fd_customer *c, uint8_t here, fd_category_id kind)
{
    uint64_t random = fd_rng_next(s->rng);
    if (fd_rng_chance(s->rng, 650000))
        random = fd_mix2(fd_world_habit(s->w, c, kind, (uint32_t)(random & 1)), here);
    return fd_world_shop(s->w, here, kind, random);
}

/* People look at home first, and mostly where they bought before. */
fd_merchant fd_genuine_web_shop(const fd_world *w, const fd_customer *c, fd_category_id kind,
                                uint64_t random)
{
    enum { LOOKS = 12 };
    fd_merchant m = fd_world_web_shop(w, kind, random);
    for (int i = 1; i < LOOKS && m.country != FD_CITIES[c->home].country; i++) {
        random = fd_mix(random);
        m = fd_world_web_shop(w, kind, random);
    }
    return m;
}

static fd_merchant pick_web_shop(genuine *s, const fd_customer *c, fd_category_id kind)
{
    uint64_t random = fd_rng_next(s->rng);
    if (fd_rng_chance(s->rng, 550000))
        random = fd_world_habit(s->w, c, kind, (uint32_t)(random & 3));
    return fd_genuine_web_shop(s->w, c, kind, random);
}

/* Magnetic stripes are rare where chips have been for long. */
static void set_presence(genuine *s, fd_payment *p, const fd_merchant *m)
{
    uint32_t r = fd_rng_below(s->rng, 1000);
    bool old = strcmp(FD_COUNTRIES[m->country].code, "US") == 0;
    if (p->channel == FD_CHANNEL_ATM)
        p->entry_mode = FD_ENTRY_CHIP;
    else if (r < (old ? 480u : 680u))
        p->entry_mode = FD_ENTRY_CONTACTLESS;
    else if (r < (old ? 870u : 985u))
        p->entry_mode = FD_ENTRY_CHIP;
    else
        p->entry_mode = r < 994 ? FD_ENTRY_SWIPE : FD_ENTRY_MANUAL;
}

static uint64_t pick_device(genuine *s, const fd_customer *c, int64_t time_ms)
{
    uint32_t k = fd_rng_chance(s->rng, 800000) ? 0 : fd_rng_below(s->rng, c->n_devices);
    uint64_t own = fd_world_own_device(s->w, c, k, time_ms);
    if (fd_rng_chance(s->rng, 4000))
        return fd_rng_next(s->rng); /* anybody's */
    bool shared = c->household && fd_rng_chance(s->rng, 300000);
    return shared ? fd_world_shared_device(s->w, c) : own;
}

/* One of the customer's devices, rarely a new one; at home, on the move, or behind a proxy. */
static void set_web(genuine *s, fd_payment *p, const fd_customer *c, uint8_t here)
{
    p->entry_mode = fd_rng_chance(s->rng, 550000) ? FD_ENTRY_STORED : FD_ENTRY_MANUAL;
    fd_world_device(&p->device_id, pick_device(s, c, p->event_time));
    uint64_t address = fd_world_home_address(s->w, c);
    uint8_t city = here;
    if (here != c->home || fd_rng_chance(s->rng, 350000))
        address = fd_world_gateway(s->w, c, here, p->event_time);
    if (fd_rng_chance(s->rng, 5000)) {
        city = s->w->any_city[fd_rng_below(s->rng, FD_PICK_SLOTS)];
        address = fd_rng_next(s->rng);
    }
    fd_payment_set_address(p, city, address);
}

/* Issuers decline about 3 %, more on the web and for large amounts. */
static void set_status(genuine *s, fd_payment *p, int64_t cents)
{
    uint32_t ppm = 14000;
    if (p->channel == FD_CHANNEL_ECOM)
        ppm += 55000;
    if (cents > 30000)
        ppm += 60000;
    p->status = fd_rng_chance(s->rng, ppm) ? FD_STATUS_DECLINED : FD_STATUS_APPROVED;
}

int64_t fd_genuine_cents(const fd_customer *c, const fd_category *k, const fd_merchant *m,
                         uint64_t random)
{
    int64_t factor = fd_lognormal_q16(random, k->spread_milli);
    return k->median_cents * factor / FD_Q16 * m->price_q16 / FD_Q16 * c->spend_q16 / FD_Q16;
}

void fd_genuine_write(const fd_world *w, fd_rng *rng, fd_payment *p, fd_customer *customer,
                      fd_occasion *at)
{
    genuine *s = &(genuine){w, rng};
    fd_customer c = pick_customer(s, p->event_time, &at->here);
    fd_category_id kind = pick_category(s, &c);
    const fd_category *k = &FD_CATEGORY_TABLE[kind];
    bool present = k->channel == FD_CHANNEL_POS || k->channel == FD_CHANNEL_ATM;
    fd_merchant m = present ? pick_shop(s, &c, at->here, kind) : pick_web_shop(s, &c, kind);
    at->card = fd_rng_chance(rng, 750000) ? 0 : fd_rng_below(rng, c.n_cards);
    int64_t cents = fd_genuine_cents(&c, k, &m, fd_rng_next(rng));
    fd_payment_set_card(p, &c, at->card);
    fd_payment_set_shop(p, &m);
    fd_payment_set_amount(p, &c, &m, cents);
    if (present)
        set_presence(s, p, &m);
    else if (k->channel == FD_CHANNEL_ECOM)
        set_web(s, p, &c, at->here);
    else
        p->entry_mode = FD_ENTRY_MANUAL;
    set_status(s, p, cents);
    *customer = c;
}
