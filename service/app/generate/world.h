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
    int32_t note_minor;     /* what cash machines give multiples of */
} fd_country;

typedef struct fd_city {
    uint8_t country;
    int8_t utc_hours; /* its winter time; the world has no summer time */
    int32_t lat_micro, lon_micro;
    uint16_t customers; /* weight of those who live here */
    uint16_t merchants; /* weight of its shops */
} fd_city;

/* How amounts look: sums of many prices end anyhow, tags in 99, bills and stakes are often round.
 */
typedef enum fd_price { FD_PRICE_SUM, FD_PRICE_TAG, FD_PRICE_BILL, FD_PRICE_NOTES } fd_price;

/* X(name, mcc, channel, weight, median in euro cents, spread in thousandths, percent of
 * subscriptions, price) */
#define FD_CATEGORIES(X)                                  \
    X(GROCERY, 5411, POS, 240, 2800, 700, 0, SUM)         \
    X(RESTAURANT, 5812, POS, 120, 2600, 600, 0, BILL)     \
    X(FAST_FOOD, 5814, POS, 110, 900, 400, 0, SUM)        \
    X(TRANSIT, 4111, POS, 60, 420, 600, 0, SUM)           \
    X(FUEL, 5541, POS, 65, 5500, 400, 0, BILL)            \
    X(PHARMACY, 5912, POS, 45, 1800, 700, 0, SUM)         \
    X(CLOTHES, 5651, POS, 45, 5500, 800, 0, TAG)          \
    X(HOTEL, 7011, POS, 8, 18000, 700, 0, BILL)           \
    X(CASH, 6011, ATM, 45, 10000, 600, 0, NOTES)          \
    X(ONLINE_SHOP, 5999, ECOM, 90, 3500, 900, 6, TAG)     \
    X(ELECTRONICS, 5732, ECOM, 14, 18000, 900, 0, TAG)    \
    X(DIGITAL_GOODS, 5818, ECOM, 40, 900, 800, 8, TAG)    \
    X(STREAMING, 4899, ECOM, 6, 1299, 300, 50, TAG)       \
    X(TELEPHONE, 4814, ECOM, 8, 2999, 400, 30, TAG)       \
    X(AIRLINE, 4511, ECOM, 8, 24000, 800, 0, SUM)         \
    X(TRAVEL_AGENCY, 4722, ECOM, 6, 30000, 800, 0, BILL)  \
    X(GIFT_CARDS, 5947, ECOM, 6, 4000, 600, 0, BILL)      \
    X(GAMBLING, 7995, ECOM, 8, 3500, 1000, 0, BILL)       \
    X(CRYPTO, 6051, ECOM, 3, 12000, 1000, 0, BILL)        \
    X(MONEY_TRANSFER, 4829, ECOM, 4, 15000, 900, 2, BILL) \
    X(CATALOGUE, 5964, MOTO, 8, 6000, 800, 0, TAG)        \
    X(CHARITY, 8398, MOTO, 4, 3000, 700, 4, BILL)

typedef enum fd_category_id {
#define X(name, mcc, channel, weight, median, spread, subscriptions, price) FD_CATEGORY_##name,
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
    uint8_t subscriptions;
    fd_price price;
} fd_category;

enum { FD_N_CITIES = 40, FD_N_COUNTRIES = 25, FD_PICK_SLOTS = 4096, FD_HOURS_OF_WEEK = 168 };

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
    uint32_t busy[FD_HOURS_OF_WEEK]; /* of all customers together, UTC */
} fd_world;

typedef struct fd_customer {
    uint32_t id; /* 0 .. customers-1 */
    uint8_t home;
    uint8_t n_cards;   /* 1 .. 3 */
    uint8_t n_devices; /* 1 .. 3 */
    bool household;    /* lives together with the customer whose number differs in the last bit */
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
/* Where the customer is: mostly at home; on a day trip in the same country; for some days of few
 * weeks anywhere, with a day of travel before and after. It changes at four in the morning. */
enum { FD_ON_THE_WAY = UINT8_MAX };
uint8_t fd_world_whereabouts(const fd_world *w, const fd_customer *c, int64_t time_ms);

fd_merchant fd_world_shop(const fd_world *w, uint8_t city, fd_category_id kind, uint64_t random);
fd_merchant fd_world_web_shop(const fd_world *w, fd_category_id kind, uint64_t random);
/* A seed of something that this customer does again and again, number k of its kind. */
uint64_t fd_world_habit(const fd_world *w, const fd_customer *c, fd_category_id kind, uint32_t k);

/* Payments per hour relative to the mean of a week, in 1/1024: of all customers, and of those who
 * are in a city, by its clock. */
uint32_t fd_world_busy(const fd_world *w, int64_t time_ms);
uint32_t fd_world_busy_in(uint8_t city, int64_t time_ms);
enum { FD_BUSY_MAX = 2400 };

/* Days since 1970 by the clock of a city. */
int64_t fd_world_day_in(uint8_t city, int64_t time_ms);

/* The address that a mobile network shows for this customer today: few for many. */
uint64_t fd_world_gateway(const fd_world *w, const fd_customer *c, uint8_t city, int64_t time_ms);

/* Names. An address is stable for (who, country); those of version 4 are from 240/4 and those of
 * version 6 from 2001:db8::/32, which are nobody's. */
void fd_world_ip(fd_text *out, uint8_t country, uint64_t who);
void fd_world_device(fd_text *out, uint64_t who);
/* The customer's device number k; each is replaced by another after some 500 days. */
uint64_t fd_world_own_device(const fd_world *w, const fd_customer *c, uint32_t k, int64_t time_ms);
/* What a household has together: a tablet, and the address at home (others have one alone). */
uint64_t fd_world_shared_device(const fd_world *w, const fd_customer *c);
uint64_t fd_world_home_address(const fd_world *w, const fd_customer *c);
/* The BIN as a number: equal for cards of one issuer and product. */
uint32_t fd_world_bin(const fd_customer *c, uint32_t card);
void fd_world_card(fd_text *id, fd_text *bin, const fd_customer *c, uint32_t card);

#endif
