/* What all payments have in common: card, shop, sum, address; see stream_int.h. Pure. */
#include <string.h>

#include "app/generate/stream_int.h"
#include "base/assert.h"

enum { MOST_CASH_CENTS = 100000 };

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

/* A price as it stands on the bill, in the merchant's currency. */
static int64_t price_of(int64_t minor, fd_price how, int32_t note)
{
    uint64_t luck = fd_mix((uint64_t)minor) % 10;
    int64_t whole = minor / 100 * 100;
    switch (how) {
    case FD_PRICE_NOTES:
        return minor < note ? note : minor / note * note;
    case FD_PRICE_TAG:
        return minor < 500 || luck > 6 ? minor : luck > 5 ? whole : whole + (luck > 4 ? 95 : 99);
    case FD_PRICE_BILL:
        if (minor >= 500 && luck < 4)
            return luck == 0 && minor >= 2000 ? minor / 500 * 500 : whole + (luck == 1 ? 50 : 0);
        return minor;
    case FD_PRICE_SUM:
        break;
    }
    return minor;
}

/* What the issuer books: converted where merchant and card have different currencies. */
void fd_payment_set_amount(fd_payment *p, const fd_customer *c, const fd_merchant *m, int64_t cents)
{
    const fd_country *there = &FD_COUNTRIES[m->country];
    const fd_country *home = &FD_COUNTRIES[FD_CITIES[c->home].country];
    fd_price how = FD_CATEGORY_TABLE[m->category].price;
    if (how == FD_PRICE_NOTES && cents > MOST_CASH_CENTS)
        cents = MOST_CASH_CENTS;
    int64_t minor = price_of(cents * there->minor_per_euro / 100, how, there->note_minor);
    if (there->minor_per_euro != home->minor_per_euro)
        minor = minor * home->minor_per_euro / there->minor_per_euro;
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

void fd_payment_set_home(const fd_world *w, fd_payment *p, const fd_customer *c)
{
    fd_world_device(&p->device_id, fd_world_own_device(w, c, 0, p->event_time));
    fd_payment_set_address(p, c->home, fd_world_home_address(w, c));
}
