/* What comes when: genuine payments, subscriptions, second tries, planned ones; see stream.h. One
 * owner. */
#include <stdlib.h>
#include <string.h>

#include "app/generate/stream_int.h"
#include "base/assert.h"

static const int64_t NS_PER_MS = 1000000;
static const int64_t NS_PER_HOUR = 3600000000000;
static const int64_t NS_PER_DAY = 86400000000000;

enum {
    MAX_RETRIES = 1024,
    SUBSCRIPTIONS = 9, /* at most, of a customer */
    SUBSCRIPTIONS_HABIT = 1000,
    DUE_PERCENT = 6,   /* of payments are of subscriptions */
    AGAIN_PERCENT = 2, /* are second tries */
};
static const uint64_t PERMUTES = 2654435761; /* prime */

/* A declined payment that is tried again. */
typedef struct retry {
    int64_t time_ns;
    fd_payment payment;
    uint8_t tries; /* so far */
} retry;

struct fd_stream {
    fd_world *world;
    fd_rng rng;
    uint64_t seed;
    uint64_t n; /* payments so far */
    int64_t mean_gap_ns;
    bool steady;
    int64_t next_ns; /* of the next genuine payment */
    uint64_t n_due;  /* subscriptions so far, with those that nobody has */
    int64_t due_ns, due_gap_ns;
    uint32_t begin_ppb[FD_N_PATTERNS]; /* chance that a genuine payment begins a fraud */
    uint32_t owed[FD_N_PATTERNS];      /* frauds that wait for an occasion */
    uint64_t n_cases;                  /* frauds so far */
    uint64_t case_no;                  /* of the latest payment; 0: none */
    uint64_t n_planned;                /* ever */
    uint32_t n_plants;                 /* in the heap */
    fd_plant *plants;                  /* a binary heap, the earliest first */
    uint32_t n_retries;
    retry retries[MAX_RETRIES]; /* the earliest last */
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

/* ---- subscriptions ---- */

/* The n-th subscriptions of all customers are due one after the other in the n-th part of a month,
 * in an order that is a permutation of the customers: so each comes again after the same time, from
 * the same merchant and to the cent, and nothing is remembered of any. */
static fd_customer due_customer(const fd_stream *s, uint32_t *which)
{
    uint64_t customers = s->world->customers;
    uint64_t part = s->n_due / customers;
    *which = (uint32_t)(part % SUBSCRIPTIONS);
    /* multiplied by a prime beyond all numbers of customers: no two of them meet */
    uint64_t at = s->n_due % customers * PERMUTES + (uint32_t)fd_mix2(s->seed, *which);
    return fd_world_customer(s->world, (uint32_t)(at % customers));
}

static void advance_due(fd_stream *s)
{
    for (;;) {
        uint32_t which;
        s->n_due++;
        s->due_ns += s->due_gap_ns;
        fd_customer c = due_customer(s, &which);
        if (which < 2 + fd_world_habit(s->world, &c, 0, SUBSCRIPTIONS_HABIT) % 8)
            return;
    }
}

static void write_due(fd_stream *s, fd_payment *p)
{
    uint32_t which;
    fd_customer c = due_customer(s, &which);
    uint64_t habit = fd_world_habit(s->world, &c, 0, SUBSCRIPTIONS_HABIT + 1 + which);
    uint32_t percent = (uint32_t)(habit % 100);
    fd_category_id kind = 0;
    while (percent >= FD_CATEGORY_TABLE[kind].subscriptions)
        percent -= FD_CATEGORY_TABLE[kind++].subscriptions;
    fd_merchant m = fd_genuine_web_shop(s->world, &c, kind, fd_mix(habit));
    fd_payment_set_card(p, &c, 0);
    fd_payment_set_shop(p, &m);
    fd_payment_set_amount(p, &c, &m, fd_genuine_cents(&c, &FD_CATEGORY_TABLE[kind], &m, habit));
    p->is_recurring = true;
    p->entry_mode = FD_ENTRY_STORED;
    p->status = fd_rng_chance(&s->rng, 35000) ? FD_STATUS_DECLINED : FD_STATUS_APPROVED;
}

/* ---- a second try ---- */

/* Whoever is declined at the till or on a page tries again, once or twice, within minutes. */
static void plan_retry(fd_stream *s, const fd_payment *p, uint8_t tries, int64_t time_ns)
{
    bool again = p->status == FD_STATUS_DECLINED && !p->is_recurring && tries < 2 &&
                 s->n_retries < MAX_RETRIES && fd_rng_chance(&s->rng, 650000);
    if (!again)
        return;
    retry r = {.time_ns = time_ns + fd_rng_range(&s->rng, 15000, 150000) * NS_PER_MS,
               .payment = *p,
               .tries = (uint8_t)(tries + 1)};
    uint32_t i = s->n_retries++;
    for (; i > 0 && s->retries[i - 1].time_ns <= r.time_ns; i--)
        s->retries[i] = s->retries[i - 1]; /* the next one is the last */
    s->retries[i] = r;
}

static void write_retry(fd_stream *s, fd_payment *out)
{
    retry r = s->retries[--s->n_retries];
    *out = r.payment;
    out->event_time = r.time_ns / NS_PER_MS;
    out->status = fd_rng_chance(&s->rng, 450000) ? FD_STATUS_APPROVED : FD_STATUS_DECLINED;
    plan_retry(s, out, r.tries, r.time_ns);
}

/* ---- the stream ---- */

/* The rate is constant within an hour, and waiting has no memory: a wait that crosses the hour is
 * drawn again from its end. */
static void advance(fd_stream *s)
{
    for (;;) {
        int64_t wait_q16 = fd_exponential_q16(fd_rng_next(&s->rng));
        uint32_t busy = s->steady ? 1024 : fd_world_busy(s->world, s->next_ns / NS_PER_MS);
        int64_t end = (s->next_ns / NS_PER_HOUR + 1) * NS_PER_HOUR;
        __int128 wait = (__int128)s->mean_gap_ns * wait_q16 / FD_Q16 * 1024 / busy;
        if (wait < end - s->next_ns) {
            s->next_ns += (int64_t)wait;
            return;
        }
        s->next_ns = end;
    }
}

/* Of F frauds of m payments each among g genuine ones: F m / (F m + g) = fraud; so for each
 * pattern, g being what all patterns leave. */
static void set_fraud(fd_stream *s, const uint32_t fraud_ppm[FD_N_PATTERNS])
{
    uint64_t sum = 0;
    for (fd_pattern i = 0; i < FD_N_PATTERNS; i++)
        sum += fraud_ppm[i];
    FD_ASSERT(sum <= FD_FRAUD_MAX_PPM);
    /* Frauds begin at payments that follow the hours only: neither due nor errands nor again. */
    uint64_t share = 1000000 + fd_errand_ppm();
    uint64_t genuine_ppm = (1000000 - sum) * (100 - DUE_PERCENT - AGAIN_PERCENT) / 100;
    genuine_ppm = genuine_ppm * 1000000 / share;
    for (fd_pattern i = 0; i < FD_N_PATTERNS; i++)
        s->begin_ppb[i] = (uint32_t)(fraud_ppm[i] * 1000000000000ull / genuine_ppm /
                                     fd_fraud_mean_milli(i));
}

fd_stream *fd_stream_new(const fd_stream_config *config)
{
    FD_ASSERT(config->customers > 0 && config->customers <= FD_CUSTOMERS_MAX);
    FD_ASSERT(config->mean_gap_ns >= 0 && config->start_ms >= 0);
    fd_stream *s = calloc(1, sizeof *s);
    FD_ALLOCATED(s);
    s->world = fd_world_new(config->seed, config->customers);
    s->rng = fd_rng_from(config->seed);
    s->seed = config->seed;
    s->mean_gap_ns = config->mean_gap_ns;
    s->steady = config->steady;
    if (s->mean_gap_ns == 0)
        s->mean_gap_ns = NS_PER_DAY / FD_PAYMENTS_PER_DAY / config->customers;
    s->next_ns = s->due_ns = config->start_ms * NS_PER_MS;
    /* Customers have 5.5 of 9 on average. */
    s->due_gap_ns = s->mean_gap_ns * 100 / DUE_PERCENT * 55 / 90 + 1;
    s->mean_gap_ns = s->mean_gap_ns * 100 / (100 - DUE_PERCENT - AGAIN_PERCENT);
    s->mean_gap_ns += s->mean_gap_ns * fd_errand_ppm() / 1000000;
    set_fraud(s, config->fraud_ppm);
    s->plants = calloc(FD_PLANTS_MAX, sizeof *s->plants);
    FD_ALLOCATED(s->plants);
    advance(s);
    advance_due(s);
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

uint64_t fd_stream_case(const fd_stream *s)
{
    return s->case_no;
}

/* Which frauds begin is drawn at every genuine payment; they begin at the next one that suits. */
static void begin_frauds(fd_stream *s, const fd_occasion *at)
{
    uint32_t r = fd_rng_below(&s->rng, 1000000000);
    for (fd_pattern i = 0; i < FD_N_PATTERNS; i++) {
        s->owed[i] += r < s->begin_ppb[i];
        r = r < s->begin_ppb[i] ? UINT32_MAX : r - s->begin_ppb[i];
        if (s->owed[i] == 0 || !fd_fraud_begin(s, &s->rng, i, s->n_cases + 1, at))
            continue;
        s->owed[i]--;
        s->n_cases++;
    }
}

/* Written as it happens; and perhaps frauds, an errand or a second try follow from it. */
static void next_genuine(fd_stream *s, fd_payment *out)
{
    fd_customer c;
    fd_occasion at = {.payment = out, .customer = &c, .time_ns = s->next_ns};
    out->event_time = s->next_ns / NS_PER_MS;
    fd_genuine_write(s->world, &s->rng, out, &c, &at);
    begin_frauds(s, &at);
    fd_errand_begin(s, &s->rng, &at);
    plan_retry(s, out, 0, at.time_ns);
    advance(s);
}

static fd_pattern next_planned(fd_stream *s, fd_payment *out)
{
    fd_plant plant = pop(s);
    out->event_time = plant.time_ns / NS_PER_MS;
    s->case_no = plant.case_no;
    if (plant.pattern != FD_PATTERN_NONE) {
        fd_fraud_write(s->world, &plant, out);
    } else {
        fd_errand_write(s->world, &plant, out);
        plan_retry(s, out, 0, plant.time_ns);
    }
    return plant.pattern;
}

fd_pattern fd_stream_next(fd_stream *s, fd_payment *out)
{
    *out = (fd_payment){0};
    fd_pattern pattern = FD_PATTERN_NONE;
    s->case_no = 0;
    int64_t retry_ns = s->n_retries == 0 ? INT64_MAX : s->retries[s->n_retries - 1].time_ns;
    int64_t plant_ns = s->n_plants == 0 ? INT64_MAX : s->plants[0].time_ns;
    int64_t genuine_ns = s->next_ns < s->due_ns ? s->next_ns : s->due_ns;
    if (plant_ns <= genuine_ns && plant_ns <= retry_ns) {
        pattern = next_planned(s, out);
    } else if (retry_ns <= genuine_ns) {
        write_retry(s, out);
    } else if (s->due_ns < s->next_ns) {
        out->event_time = s->due_ns / NS_PER_MS;
        write_due(s, out);
        advance_due(s);
    } else {
        next_genuine(s, out);
    }
    fd_text_printf(&out->tx_id, "t%llu-%llu", (unsigned long long)s->seed,
                   (unsigned long long)s->n++);
    return pattern;
}
