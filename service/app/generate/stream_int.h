/*
 * Between stream.c (genuine payments, order) and fraud.c (planted ones). Private to them.
 */
#ifndef FD_APP_GENERATE_STREAM_INT_H
#define FD_APP_GENERATE_STREAM_INT_H

#include "app/generate/stream.h"

/* A fraudulent payment that is still to come: all that is needed to write it. */
typedef struct fd_plant {
    int64_t time_ns;
    uint64_t order;    /* of planning; breaks ties of time */
    uint64_t attacker; /* seeds whatever the attacker is the same in: device, address, shop */
    uint64_t random;   /* this payment's own */
    uint32_t customer; /* the victim */
    uint8_t card;
    uint8_t city; /* where the attack comes from */
    uint8_t step; /* 0 .. */
    uint8_t scenario;
} fd_plant;

/* The planned ones by (time, order). */
void fd_plants_push(fd_stream *s, fd_plant plant);

/* Begins a fraud at a genuine payment of this customer's card. */
void fd_fraud_begin(fd_stream *s, fd_rng *rng, const fd_customer *c, uint32_t card,
                    const fd_payment *genuine, int64_t time_ns);
/* Writes a planned one; everything but tx_id and event_time. */
void fd_fraud_write(const fd_world *w, const fd_plant *plant, fd_payment *out);
/* Payments per fraud on average, in thousandths. */
uint32_t fd_fraud_mean_milli(void);

const fd_world *fd_stream_world(const fd_stream *s);
bool fd_stream_has_room(const fd_stream *s, uint32_t plants);

/* What genuine and fraudulent payments have in common. */
void fd_payment_set_card(fd_payment *p, const fd_customer *c, uint32_t card);
void fd_payment_set_shop(fd_payment *p, const fd_merchant *m);
/* cents: in euro; rounded as such prices are, at least one minor unit. */
void fd_payment_set_amount(fd_payment *p, const fd_customer *c, const fd_merchant *m,
                           int64_t cents);
/* Address, its country and place, for payments on the web. */
void fd_payment_set_address(fd_payment *p, uint8_t city, uint64_t who);

#endif
