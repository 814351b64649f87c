/*
 * The world that payments happen in: countries, cities, kinds of merchants, hours. All of it is a
 * function of the seed; nothing is stored per customer or merchant, so a million customers cost
 * no memory. Money is in minor units, places in millionths of a degree, time in ms.
 * Immutable once made, any thread.
 */
#ifndef FD_APP_GENERATE_WORLD_H
#define FD_APP_GENERATE_WORLD_H

#include "app/generate/payment.h"
#include "app/generate/rng.h"

typedef struct fd_country {
    char code[3];
    char currency[4];
    int32_t minor_per_euro; /* a fixed rate: 100 for the euro itself */
} fd_country;

typedef struct fd_city {
    uint8_t country;
    int32_t lat_micro, lon_micro;
    uint16_t customers; /* weight of those who live here */
    uint16_t merchants; /* weight of its shops */
} fd_city;

/* X(name, mcc, channel, weight, median in euro cents, spread in thousandths, recurring ppm) */
#define FD_CATEGORIES(X)                                 \
    X(GROCERY, 5411, POS, 240, 2800, 700, 0)             \
    X(RESTAURANT, 5812, POS, 120, 2600, 600, 0)          \
    X(FAST_FOOD, 5814, POS, 110, 900, 400, 0)            \
    X(TRANSIT, 4111, POS, 60, 420, 600, 0)               \
    X(FUEL, 5541, POS, 65, 5500, 400, 0)                 \
    X(PHARMACY, 5912, POS, 45, 1800, 700, 0)             \
    X(CLOTHES, 5651, POS, 45, 5500, 800, 0)              \
    X(HOTEL, 7011, POS, 8, 18000, 700, 0)                \
    X(CASH, 6011, ATM, 45, 10000, 600, 0)                \
    X(ONLINE_SHOP, 5999, ECOM, 90, 3500, 900, 30000)     \
    X(ELECTRONICS, 5732, ECOM, 14, 18000, 900, 0)        \
    X(DIGITAL_GOODS, 5818, ECOM, 40, 900, 800, 50000)    \
    X(STREAMING, 4899, ECOM, 40, 1299, 300, 900000)      \
    X(TELEPHONE, 4814, ECOM, 25, 2999, 400, 800000)      \
    X(AIRLINE, 4511, ECOM, 8, 24000, 800, 0)             \
    X(TRAVEL_AGENCY, 4722, ECOM, 6, 30000, 800, 0)       \
    X(GIFT_CARDS, 5947, ECOM, 6, 4000, 600, 0)           \
    X(GAMBLING, 7995, ECOM, 8, 3500, 1000, 0)            \
    X(CRYPTO, 6051, ECOM, 3, 12000, 1000, 0)             \
    X(MONEY_TRANSFER, 4829, ECOM, 4, 15000, 900, 100000) \
    X(CATALOGUE, 5964, MOTO, 8, 6000, 800, 0)            \
    X(CHARITY, 8398, MOTO, 4, 3000, 700, 200000)

typedef enum fd_category_id {
#define X(name, mcc, channel, weight, median, spread, recurring) FD_CATEGORY_##name,
    FD_CATEGORIES(X)
#undef X
        FD_N_CATEGORIES
} fd_category_id;

typedef struct fd_category {
    uint16_t mcc;
    fd_channel channel;
    uint16_t weight;
    int32_t median_cents;
    int32_t spread_milli;
    uint32_t recurring_ppm;
} fd_category;

enum { FD_N_CITIES = 40, FD_N_COUNTRIES = 25, FD_PICK_SLOTS = 4096 };

typedef struct fd_world {
    uint64_t seed;
    uint32_t customers;
    uint32_t n_merchants;
    /* Merchants of a kind in a city are numbered from here; those of the web have no city. */
    uint32_t shops[FD_N_CITIES][FD_N_CATEGORIES];
    uint32_t n_shops[FD_N_CITIES][FD_N_CATEGORIES];
    uint32_t web_shops[FD_N_CATEGORIES];
    uint32_t n_web_shops[FD_N_CATEGORIES];
    uint8_t home_city[FD_PICK_SLOTS]; /* pick by weight: a uniform slot */
    uint8_t any_city[FD_PICK_SLOTS];
    uint8_t category[FD_PICK_SLOTS];
} fd_world;

typedef struct fd_customer {
    uint32_t id; /* 0 .. customers-1 */
    uint8_t home;
    uint8_t n_cards;   /* 1 .. 3 */
    uint8_t n_devices; /* 1 .. 3 */
    uint8_t web_taste; /* 0 = hardly buys on the web .. 2 = mostly */
    int64_t spend_q16; /* how this customer's amounts compare with others' */
} fd_customer;

typedef struct fd_merchant {
    uint32_t id;
    uint8_t country;
    fd_category_id category;
    int32_t lat_micro, lon_micro; /* shops and cash machines */
    int64_t price_q16;
} fd_merchant;

extern const fd_country FD_COUNTRIES[FD_N_COUNTRIES];
extern const fd_city FD_CITIES[FD_N_CITIES];
extern const fd_category FD_CATEGORY_TABLE[FD_N_CATEGORIES];

fd_world *fd_world_new(uint64_t seed, uint32_t customers);
void fd_world_free(fd_world *w);

fd_customer fd_world_customer(const fd_world *w, uint32_t id);
/* How many payments this customer makes, relative to others: 1 .. 1024, mean about 300. */
uint32_t fd_world_activity(const fd_world *w, uint32_t id);
/* Where the customer is: at home, or for some days of few weeks somewhere else. */
uint8_t fd_world_whereabouts(const fd_world *w, const fd_customer *c, int64_t time_ms);

fd_merchant fd_world_shop(const fd_world *w, uint8_t city, fd_category_id kind, uint64_t random);
fd_merchant fd_world_web_shop(const fd_world *w, fd_category_id kind, uint64_t random);

/* Payments per hour relative to the mean of a week, in 1/1024; UTC. */
uint32_t fd_world_busy(int64_t time_ms);

/* Names. An address is stable for (who, country); those of version 4 are from 240/4 and those of
 * version 6 from 2001:db8::/32, which are nobody's. */
void fd_world_ip(fd_text *out, uint8_t country, uint64_t who);
void fd_world_device(fd_text *out, uint64_t who);
uint64_t fd_world_own_device(const fd_world *w, const fd_customer *c, uint32_t k);
void fd_world_card(fd_text *id, fd_text *bin, const fd_customer *c, uint32_t card);

#endif
