/* Genuine payments and the order of all of them; see stream.h. One owner. */
#include <stdlib.h>

#include "app/generate/stream_int.h"
#include "base/assert.h"

static const int64_t NS_PER_MS = 1000000;
static const int64_t NS_PER_HOUR = 3600000000000;
static const int64_t NS_PER_DAY = 86400000000000;

struct fd_stream {
    fd_world *world;
    fd_rng rng;
    uint64_t seed;
    uint64_t n; /* payments so far */
    int64_t mean_gap_ns;
    bool steady;
    int64_t next_ns;    /* of the next genuine payment */
    uint32_t begin_ppm; /* chance that a genuine payment begins a fraud */
    uint64_t n_planned; /* ever */
    uint32_t n_plants;  /* in the heap */
    fd_plant *plants;   /* a binary heap, the earliest first */
};

/* ---- planned payments ---- */

static bool earlier(const fd_plant *a, const fd_plant *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->order < b->order;
}

bool fd_stream_has_room(const fd_stream *s, uint32_t plants)
{
    return s->n_plants + plants <= FD_PLANTS_MAX;
}

void fd_plants_push(fd_stream *s, fd_plant plant)
{
    FD_ASSERT(s->n_plants < FD_PLANTS_MAX);
    plant.order = s->n_planned++;
    uint32_t i = s->n_plants++;
    for (; i > 0 && earlier(&plant, &s->plants[(i - 1) / 2]); i = (i - 1) / 2)
        s->plants[i] = s->plants[(i - 1) / 2];
    s->plants[i] = plant;
}

static fd_plant pop(fd_stream *s)
{
    FD_ASSERT(s->n_plants > 0);
    fd_plant top = s->plants[0], last = s->plants[--s->n_plants];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= s->n_plants)
            break;
        if (child + 1 < s->n_plants && earlier(&s->plants[child + 1], &s->plants[child]))
            child++;
        if (!earlier(&s->plants[child], &last))
            break;
        s->plants[i] = s->plants[child];
        i = child;
    }
    s->plants[i] = last;
    return top;
}

/* ---- parts of a payment ---- */

void fd_payment_set_card(fd_payment *p, const fd_customer *c, uint32_t card)
{
    const fd_country *country = &FD_COUNTRIES[FD_CITIES[c->home].country];
    fd_text_printf(&p->customer_id, "U%07u", c->id);
    fd_world_card(&p->card_id, &p->bin, c, card);
    fd_text_set(&p->currency, country->currency);
    fd_text_set(&p->card_country, country->code);
}

void fd_payment_set_shop(fd_payment *p, const fd_merchant *m)
{
    const fd_category *kind = &FD_CATEGORY_TABLE[m->category];
    fd_text_printf(&p->merchant_id, "M%06u", m->id);
    fd_text_set(&p->merchant_country, FD_COUNTRIES[m->country].code);
    p->mcc = kind->mcc;
    p->channel = kind->channel;
    bool has_place = kind->channel == FD_CHANNEL_POS || kind->channel == FD_CHANNEL_ATM;
    p->lat = (fd_degrees){has_place, has_place ? m->lat_micro : 0};
    p->lon = (fd_degrees){has_place, has_place ? m->lon_micro : 0};
}

/* Cash comes in notes of ten; of other prices a third end in 99 and a sixth in 00. */
void fd_payment_set_amount(fd_payment *p, const fd_customer *c, const fd_merchant *m, int64_t cents)
{
    const fd_country *country = &FD_COUNTRIES[FD_CITIES[c->home].country];
    int64_t minor = cents * country->minor_per_euro / 100;
    if (FD_CATEGORY_TABLE[m->category].channel == FD_CHANNEL_ATM) {
        int64_t note = country->minor_per_euro * 10LL;
        minor = minor < note ? note : minor / note * note;
    } else if (minor >= 500) {
        uint64_t ending = fd_mix((uint64_t)minor) % 6;
        if (ending < 2)
            minor = minor / 100 * 100 + 99;
        else if (ending == 2)
            minor = minor / 100 * 100;
    }
    p->amount_minor = minor < 1 ? 1 : minor;
}

void fd_payment_set_address(fd_payment *p, uint8_t city, uint64_t who)
{
    const fd_city *place = &FD_CITIES[city];
    uint64_t h = fd_mix(who);
    fd_world_ip(&p->ip, place->country, who);
    fd_text_set(&p->ip_country, FD_COUNTRIES[place->country].code);
    p->lat = (fd_degrees){true, place->lat_micro + (int32_t)(h % 200000) - 100000};
    p->lon = (fd_degrees){true, place->lon_micro + (int32_t)(h >> 32) % 260000 - 130000};
}

/* ---- a genuine payment ---- */

/* By how often they pay: a uniform one is taken with the chance of its activity. */
static fd_customer pick_customer(fd_stream *s)
{
    for (;;) {
        uint64_t r = fd_rng_next(&s->rng);
        uint32_t id = fd_below(r, s->world->customers);
        if ((r & 1023) < fd_world_activity(s->world, id))
            return fd_world_customer(s->world, id);
    }
}

static fd_category_id pick_category(fd_stream *s, const fd_customer *c)
{
    fd_category_id kind = s->world->category[fd_rng_below(&s->rng, FD_PICK_SLOTS)];
    bool web = FD_CATEGORY_TABLE[kind].channel == FD_CHANNEL_ECOM;
    bool disliked = (web && c->web_taste == 0) || (!web && c->web_taste == 2);
    if (disliked && fd_rng_chance(&s->rng, 600000))
        kind = s->world->category[fd_rng_below(&s->rng, FD_PICK_SLOTS)];
    return kind;
}

/* Mostly where the customer is; now and then in another city of the same country. */
static uint8_t pick_city(fd_stream *s, uint8_t here)
{
    if (!fd_rng_chance(&s->rng, 50000))
        return here;
    uint8_t city = s->world->any_city[fd_rng_below(&s->rng, FD_PICK_SLOTS)];
    return FD_CITIES[city].country == FD_CITIES[here].country ? city : here;
}

/* People look at home first. */
static fd_merchant pick_web_shop(fd_stream *s, const fd_customer *c, fd_category_id kind)
{
    enum { LOOKS = 5 };
    fd_merchant m = fd_world_web_shop(s->world, kind, fd_rng_next(&s->rng));
    for (int i = 1; i < LOOKS && m.country != FD_CITIES[c->home].country; i++)
        m = fd_world_web_shop(s->world, kind, fd_rng_next(&s->rng));
    return m;
}

static void set_presence(fd_stream *s, fd_payment *p)
{
    uint32_t r = fd_rng_below(&s->rng, 1000);
    if (p->channel == FD_CHANNEL_ATM)
        p->entry_mode = FD_ENTRY_CHIP;
    else if (r < 640)
        p->entry_mode = FD_ENTRY_CONTACTLESS;
    else if (r < 965)
        p->entry_mode = FD_ENTRY_CHIP;
    else
        p->entry_mode = r < 990 ? FD_ENTRY_SWIPE : FD_ENTRY_MANUAL;
}

/* One of the customer's devices, rarely a new one; at home, on the move, or behind a proxy. */
static void set_web(fd_stream *s, fd_payment *p, const fd_customer *c, uint8_t here,
                    uint32_t recurring_ppm)
{
    p->is_recurring = fd_rng_chance(&s->rng, recurring_ppm);
    p->entry_mode = p->is_recurring || fd_rng_chance(&s->rng, 550000) ? FD_ENTRY_STORED
                                                                      : FD_ENTRY_MANUAL;
    if (p->is_recurring)
        return;
    uint32_t k = fd_rng_chance(&s->rng, 800000) ? 0 : fd_rng_below(&s->rng, c->n_devices);
    uint64_t device = fd_world_own_device(s->world, c, k);
    if (fd_rng_chance(&s->rng, 4000))
        device = fd_rng_next(&s->rng);
    fd_world_device(&p->device_id, device);
    uint64_t address = c->id;
    uint8_t city = here;
    if (here != c->home || fd_rng_chance(&s->rng, 350000))
        address = fd_mix2(c->id, (uint64_t)(p->event_time / 86400000));
    if (fd_rng_chance(&s->rng, 5000))
        city = s->world->any_city[fd_rng_below(&s->rng, FD_PICK_SLOTS)];
    fd_payment_set_address(p, city, fd_mix2(s->seed, address));
}

/* Issuers decline about 3 %, more on the web and for large amounts. */
static void set_status(fd_stream *s, fd_payment *p, int64_t cents)
{
    uint32_t ppm = 14000;
    if (p->channel == FD_CHANNEL_ECOM)
        ppm += 20000;
    if (cents > 30000)
        ppm += 60000;
    p->status = fd_rng_chance(&s->rng, ppm) ? FD_STATUS_DECLINED : FD_STATUS_APPROVED;
}

static void write_genuine(fd_stream *s, fd_payment *p, fd_customer *customer, uint32_t *card)
{
    fd_customer c = pick_customer(s);
    fd_category_id kind = pick_category(s, &c);
    const fd_category *k = &FD_CATEGORY_TABLE[kind];
    uint8_t here = fd_world_whereabouts(s->world, &c, p->event_time);
    bool present = k->channel == FD_CHANNEL_POS || k->channel == FD_CHANNEL_ATM;
    uint8_t city = present ? pick_city(s, here) : here;
    fd_merchant m = present ? fd_world_shop(s->world, city, kind, fd_rng_next(&s->rng))
                            : pick_web_shop(s, &c, kind);
    *card = fd_rng_chance(&s->rng, 750000) ? 0 : fd_rng_below(&s->rng, c.n_cards);
    fd_payment_set_card(p, &c, *card);
    fd_payment_set_shop(p, &m);
    int64_t factor = fd_lognormal_q16(fd_rng_next(&s->rng), k->spread_milli);
    int64_t cents = k->median_cents * factor / FD_Q16 * m.price_q16 / FD_Q16;
    cents = cents * c.spend_q16 / FD_Q16;
    fd_payment_set_amount(p, &c, &m, cents);
    if (present)
        set_presence(s, p);
    else if (k->channel == FD_CHANNEL_ECOM)
        set_web(s, p, &c, here, k->recurring_ppm);
    else {
        p->entry_mode = FD_ENTRY_MANUAL;
        p->is_recurring = fd_rng_chance(&s->rng, k->recurring_ppm);
    }
    set_status(s, p, cents);
    *customer = c;
}

/* ---- the stream ---- */

/* The rate is constant within an hour, and waiting has no memory: a wait that crosses the hour is
 * drawn again from its end. */
static void advance(fd_stream *s)
{
    for (;;) {
        int64_t wait_q16 = fd_exponential_q16(fd_rng_next(&s->rng));
        uint32_t busy = s->steady ? 1024 : fd_world_busy(s->next_ns / NS_PER_MS);
        int64_t end = (s->next_ns / NS_PER_HOUR + 1) * NS_PER_HOUR;
        __int128 wait = (__int128)s->mean_gap_ns * wait_q16 / FD_Q16 * 1024 / busy;
        if (wait < end - s->next_ns) {
            s->next_ns += (int64_t)wait;
            return;
        }
        s->next_ns = end;
    }
}

fd_stream *fd_stream_new(const fd_stream_config *config)
{
    FD_ASSERT(config->customers > 0 && config->customers <= FD_CUSTOMERS_MAX);
    FD_ASSERT(config->mean_gap_ns >= 0 && config->fraud_ppm <= 500000 && config->start_ms >= 0);
    fd_stream *s = calloc(1, sizeof *s);
    FD_ALLOCATED(s);
    s->world = fd_world_new(config->seed, config->customers);
    s->rng = fd_rng_from(config->seed);
    s->seed = config->seed;
    s->mean_gap_ns = config->mean_gap_ns;
    s->steady = config->steady;
    if (s->mean_gap_ns == 0)
        s->mean_gap_ns = NS_PER_DAY / FD_PAYMENTS_PER_DAY / config->customers;
    s->next_ns = config->start_ms * NS_PER_MS;
    /* Of F frauds of m payments each among g genuine ones: F m / (F m + g) = fraud. */
    uint64_t genuine_ppm = 1000000 - config->fraud_ppm;
    s->begin_ppm = (uint32_t)(config->fraud_ppm * 1000000000ull /
                              (genuine_ppm * fd_fraud_mean_milli()));
    s->plants = calloc(FD_PLANTS_MAX, sizeof *s->plants);
    FD_ALLOCATED(s->plants);
    advance(s);
    return s;
}

void fd_stream_free(fd_stream *s)
{
    if (s == NULL)
        return;
    fd_world_free(s->world);
    free(s->plants);
    free(s);
}

const fd_world *fd_stream_world(const fd_stream *s)
{
    return s->world;
}

fd_scenario fd_stream_next(fd_stream *s, fd_payment *out)
{
    *out = (fd_payment){0};
    fd_scenario scenario = FD_SCENARIO_NONE;
    if (s->n_plants > 0 && s->plants[0].time_ns <= s->next_ns) {
        fd_plant plant = pop(s);
        out->event_time = plant.time_ns / NS_PER_MS;
        fd_fraud_write(s->world, &plant, out);
        scenario = plant.scenario;
    } else {
        int64_t time_ns = s->next_ns;
        out->event_time = time_ns / NS_PER_MS;
        fd_customer c;
        uint32_t card;
        write_genuine(s, out, &c, &card);
        if (fd_rng_chance(&s->rng, s->begin_ppm))
            fd_fraud_begin(s, &s->rng, &c, card, out, time_ns);
        advance(s);
    }
    fd_text_printf(&out->tx_id, "t%llu-%llu", (unsigned long long)s->seed,
                   (unsigned long long)s->n++);
    return scenario;
}
