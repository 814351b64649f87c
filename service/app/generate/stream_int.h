/*
 * Between stream.c (order), genuine.c (ordinary payments), fraud.c and scenes.c (planted frauds:
 * when, and what they look like), errands.c (genuine payments that look like frauds) and parts.c
 * (what all have in common). Private to them.
 */
#ifndef FD_APP_GENERATE_STREAM_INT_H
#define FD_APP_GENERATE_STREAM_INT_H

#include "app/generate/stream.h"

/* X(name, of a million genuine payments that begin one, fewest, most payments, least, greatest
 * seconds between them) */
#define FD_ERRANDS(X)                  \
    X(TOUR, 2500, 3, 7, 300, 2400)     \
    X(BUSINESS, 900, 6, 14, 30, 600)   \
    X(PLAYER, 900, 5, 12, 40, 400)     \
    X(SALE, 60, 15, 40, 2, 40)         \
    X(REMOVAL, 250, 4, 8, 1800, 14400) \
    X(REMITTANCE, 350, 2, 3, 3600, 43200)

typedef enum fd_errand {
#define X(name, ppm, fewest, most, least_s, most_s) FD_ERRAND_##name,
    FD_ERRANDS(X)
#undef X
        FD_N_ERRANDS
} fd_errand;

/* A payment that is still to come: all that is needed to write it. */
typedef struct fd_plant {
    int64_t time_ns;
    uint64_t order;    /* of planning; breaks ties of time */
    uint64_t actor;    /* seeds whatever all payments have in common: device, address, shop */
    uint64_t random;   /* this payment's own */
    uint64_t case_no;  /* of a fraud */
    uint32_t customer; /* whose card it is */
    uint8_t card;
    uint8_t city; /* where it comes from */
    uint8_t step; /* 0 .. */
    uint8_t steps;
    uint8_t pattern; /* FD_PATTERN_NONE: an errand */
    uint8_t errand;
} fd_plant;

/* The planned ones by (time, order). */
void fd_plants_push(fd_stream *s, fd_plant plant);

/* A genuine payment, and whose it was. */
typedef struct fd_occasion {
    const fd_payment *payment;
    const fd_customer *customer;
    uint32_t card;
    uint8_t here; /* the customer's city */
    int64_t time_ns;
} fd_occasion;

/* An ordinary payment at p->event_time; everything but tx_id. Fills the customer, and of the
 * occasion the card and the place. */
void fd_genuine_write(const fd_world *w, fd_rng *rng, fd_payment *p, fd_customer *customer,
                      fd_occasion *at);
/* People look at home first, and mostly where they bought before. */
fd_merchant fd_genuine_web_shop(const fd_world *w, const fd_customer *c, fd_category_id kind,
                                uint64_t random);
/* What this customer pays there, in euro cents. */
int64_t fd_genuine_cents(const fd_customer *c, const fd_category *k, const fd_merchant *m,
                         uint64_t random);

/* Begins a fraud at a genuine payment. False: this one is no occasion for it. */
bool fd_fraud_begin(fd_stream *s, fd_rng *rng, fd_pattern pattern, uint64_t case_no,
                    const fd_occasion *at);
/* Writes a planned one; everything but tx_id and event_time. */
void fd_fraud_write(const fd_world *w, const fd_plant *plant, fd_payment *out);
/* Payments of this pattern per fraud on average, in thousandths. */
uint32_t fd_fraud_mean_milli(fd_pattern pattern);
/* Of a payment that is planned: is it declined? */
bool fd_fraud_declined(const fd_plant *plant, fd_rng *rng);

/* The same for errands. */
void fd_errand_begin(fd_stream *s, fd_rng *rng, const fd_occasion *at);
void fd_errand_write(const fd_world *w, const fd_plant *plant, fd_payment *out);
/* Payments of errands per genuine payment, in millionths. */
uint32_t fd_errand_ppm(void);

const fd_world *fd_stream_world(const fd_stream *s);
bool fd_stream_has_room(const fd_stream *s, uint32_t plants);

/* What all payments have in common. */
void fd_payment_set_card(fd_payment *p, const fd_customer *c, uint32_t card);
void fd_payment_set_shop(fd_payment *p, const fd_merchant *m);
/* cents: in euro; rounded as such prices are, at least one minor unit. */
void fd_payment_set_amount(fd_payment *p, const fd_customer *c, const fd_merchant *m,
                           int64_t cents);
/* Address, its country and place, for payments on the web. */
void fd_payment_set_address(fd_payment *p, uint8_t city, uint64_t who);
/* The customer's usual device, and the address at home. */
void fd_payment_set_home(const fd_world *w, fd_payment *p, const fd_customer *c);

#endif
