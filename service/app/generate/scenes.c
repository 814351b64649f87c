/*
 * What the payments of each kind of fraud look like. Each leaves traces that a rule or model can
 * find (bursts, new devices, countries, distances, amounts) and none that only a generator would
 * leave. See stream.h; one owner.
 */
#include "app/generate/stream_int.h"
#include "base/assert.h"

typedef struct scene {
    const fd_world *w;
    const fd_plant *plant;
    fd_customer victim;
    fd_rng rng;   /* this payment's */
    fd_rng actor; /* the same for all payments of a fraud */
    fd_merchant shop;
    int64_t cents;
} scene;

#define PICK(rng, array) ((array)[fd_rng_below((rng), sizeof(array) / sizeof((array)[0]))])

/* Number `which` of an attacker's devices or addresses. */
static uint64_t belonging(const scene *s, uint64_t which)
{
    return which == 0 ? s->plant->actor : fd_mix2(s->plant->actor, which);
}

static void from(scene *s, fd_payment *p, uint64_t device, uint64_t address)
{
    fd_world_device(&p->device_id, device);
    fd_payment_set_address(p, s->plant->city, address);
}

static void at_web_shop(scene *s, fd_payment *p, fd_category_id kind, uint64_t random)
{
    s->shop = fd_world_web_shop(s->w, kind, random);
    fd_payment_set_shop(p, &s->shop);
    p->entry_mode = FD_ENTRY_MANUAL;
}

/* Many cards, a device for some of them each, one shop, hardly any money: do these numbers work? */
static void card_testing(scene *s, fd_payment *p)
{
    enum { CARDS_PER_DEVICE = 8 };
    at_web_shop(s, p, FD_CATEGORY_DIGITAL_GOODS, fd_rng_next(&s->actor));
    s->cents = fd_rng_range(&s->rng, 50, 300);
    uint64_t which = s->plant->step / CARDS_PER_DEVICE;
    from(s, p, belonging(s, which), belonging(s, which));
}

/* As many numbers of one issuer as there are, from as many machines, for the same small sum. */
static void bin_attack(scene *s, fd_payment *p)
{
    static const fd_category_id KINDS[] = {FD_CATEGORY_DIGITAL_GOODS, FD_CATEGORY_ONLINE_SHOP,
                                           FD_CATEGORY_STREAMING};
    fd_category_id kind = PICK(&s->actor, KINDS);
    at_web_shop(s, p, kind, fd_rng_next(&s->actor));
    s->cents = fd_rng_range(&s->actor, 1, 6) * 50;
    uint64_t machine = fd_rng_next(&s->rng);
    from(s, p, machine, machine);
}

/* One card as often as it goes, before somebody notices. */
static void velocity(scene *s, fd_payment *p)
{
    static const fd_category_id KINDS[] = {FD_CATEGORY_DIGITAL_GOODS, FD_CATEGORY_GAMBLING,
                                           FD_CATEGORY_ONLINE_SHOP, FD_CATEGORY_GIFT_CARDS};
    fd_category_id kind = PICK(&s->actor, KINDS);
    uint64_t first = fd_rng_next(&s->actor);
    uint64_t second = fd_rng_next(&s->actor);
    at_web_shop(s, p, kind, fd_rng_below(&s->rng, 2) == 0 ? first : second);
    s->cents = fd_rng_range(&s->rng, 1500, 9000);
    from(s, p, belonging(s, 0), belonging(s, 0));
}

/* The customer's own account from another's device: stored card, growing amounts. */
static void account_takeover(scene *s, fd_payment *p)
{
    static const fd_category_id KINDS[] = {FD_CATEGORY_ELECTRONICS, FD_CATEGORY_GIFT_CARDS,
                                           FD_CATEGORY_ONLINE_SHOP};
    uint64_t which = fd_rng_next(&s->rng);
    at_web_shop(s, p, PICK(&s->rng, KINDS), which);
    s->cents = fd_rng_range(&s->rng, 6000, 25000) * (2 + s->plant->step) / 2;
    p->entry_mode = FD_ENTRY_STORED;
    from(s, p, belonging(s, 0), belonging(s, 0));
}

/* One card, and a fresh device for every payment, so that no device stands out. */
static void device_cycling(scene *s, fd_payment *p)
{
    static const fd_category_id KINDS[] = {FD_CATEGORY_ONLINE_SHOP, FD_CATEGORY_ELECTRONICS,
                                           FD_CATEGORY_GIFT_CARDS, FD_CATEGORY_DIGITAL_GOODS};
    uint64_t which = fd_rng_next(&s->rng);
    at_web_shop(s, p, PICK(&s->rng, KINDS), which);
    s->cents = fd_rng_range(&s->rng, 2000, 15000);
    from(s, p, fd_rng_next(&s->rng), belonging(s, s->plant->step / 2u));
}

/* A copy of the magnetic stripe in a far country, minutes after the genuine card at home. */
static void impossible_travel(scene *s, fd_payment *p)
{
    static const fd_category_id KINDS[] = {FD_CATEGORY_CLOTHES, FD_CATEGORY_FUEL, FD_CATEGORY_CASH,
                                           FD_CATEGORY_GROCERY};
    uint64_t which = fd_rng_next(&s->rng);
    s->shop = fd_world_shop(s->w, s->plant->city, PICK(&s->rng, KINDS), which);
    s->cents = fd_rng_range(&s->rng, 6000, 45000);
    fd_payment_set_shop(p, &s->shop);
    p->entry_mode = FD_ENTRY_SWIPE;
}

/* Out of a pocket: contactless below the limit that asks for the PIN, shop after shop. */
static void in_the_street(scene *s, fd_payment *p)
{
    static const fd_category_id KINDS[] = {FD_CATEGORY_CLOTHES, FD_CATEGORY_PHARMACY,
                                           FD_CATEGORY_GROCERY, FD_CATEGORY_FUEL};
    uint64_t which = fd_rng_next(&s->rng);
    s->shop = fd_world_shop(s->w, s->victim.home, PICK(&s->rng, KINDS), which);
    s->cents = fd_rng_range(&s->rng, 2500, 4990);
    fd_payment_set_shop(p, &s->shop);
    p->entry_mode = FD_ENTRY_CONTACTLESS;
}

/* The card itself, or its number typed in at foreign web shops from where the thief is. */
static void stolen_card(scene *s, fd_payment *p)
{
    static const fd_category_id KINDS[] = {FD_CATEGORY_ONLINE_SHOP, FD_CATEGORY_ELECTRONICS,
                                           FD_CATEGORY_AIRLINE, FD_CATEGORY_TRAVEL_AGENCY};
    enum { TRIES = 20, STREET_PPM = 350000 };
    if (fd_rng_chance(&s->actor, STREET_PPM)) {
        in_the_street(s, p);
        return;
    }
    fd_category_id kind = PICK(&s->rng, KINDS);
    for (int i = 0; i < TRIES; i++) {
        at_web_shop(s, p, kind, fd_rng_next(&s->rng));
        if (s->shop.country != FD_CITIES[s->victim.home].country)
            break;
    }
    s->cents = fd_rng_range(&s->rng, 5000, 40000);
    from(s, p, belonging(s, 0), belonging(s, 0));
}

/* The customer takes all that the card gives, without meaning to pay it back. */
static void bust_out(scene *s, fd_payment *p)
{
    static const fd_category_id KINDS[] = {FD_CATEGORY_ELECTRONICS,    FD_CATEGORY_GIFT_CARDS,
                                           FD_CATEGORY_MONEY_TRANSFER, FD_CATEGORY_CRYPTO,
                                           FD_CATEGORY_ELECTRONICS,    FD_CATEGORY_CASH};
    fd_category_id kind = PICK(&s->rng, KINDS);
    s->cents = fd_rng_range(&s->rng, 40000, 150000);
    if (kind == FD_CATEGORY_CASH) {
        s->shop = fd_world_shop(s->w, s->victim.home, kind, fd_rng_next(&s->rng));
        fd_payment_set_shop(p, &s->shop);
        p->entry_mode = FD_ENTRY_CHIP;
        return;
    }
    at_web_shop(s, p, kind, fd_rng_next(&s->rng));
    if (fd_rng_chance(&s->rng, 300000))
        p->entry_mode = FD_ENTRY_STORED;
    fd_payment_set_home(s->w, p, &s->victim);
}

/* Above a thousand somebody asks for papers: each transfer stays a little below. */
static void structuring(scene *s, fd_payment *p)
{
    fd_category_id kind = fd_rng_chance(&s->actor, 650000) ? FD_CATEGORY_MONEY_TRANSFER
                                                           : FD_CATEGORY_CRYPTO;
    uint64_t first = fd_rng_next(&s->actor);
    uint64_t second = fd_rng_next(&s->actor);
    at_web_shop(s, p, kind, fd_rng_below(&s->rng, 2) == 0 ? first : second);
    if (fd_rng_chance(&s->rng, 500000))
        p->entry_mode = FD_ENTRY_STORED;
    fd_payment_set_home(s->w, p, &s->victim);
}

/* 90 to 99.90 % of a thousand, half of the time a round sum. */
static int64_t below_the_limit(scene *s)
{
    int64_t minor = fd_rng_range(&s->rng, 90000, 99900);
    return fd_rng_chance(&s->rng, 500000) ? minor / 1000 * 1000 : minor;
}

void fd_fraud_write(const fd_world *w, const fd_plant *plant, fd_payment *out)
{
    static void (*const WRITERS[FD_N_PATTERNS])(scene *, fd_payment *) = {
        [FD_PATTERN_CARD_TESTING] = card_testing,
        [FD_PATTERN_VELOCITY] = velocity,
        [FD_PATTERN_STOLEN_CARD] = stolen_card,
        [FD_PATTERN_ACCOUNT_TAKEOVER] = account_takeover,
        [FD_PATTERN_DEVICE_CYCLING] = device_cycling,
        [FD_PATTERN_BIN_ATTACK] = bin_attack,
        [FD_PATTERN_IMPOSSIBLE_TRAVEL] = impossible_travel,
        [FD_PATTERN_BUST_OUT] = bust_out,
        [FD_PATTERN_STRUCTURING] = structuring,
    };
    FD_ASSERT(plant->pattern < FD_N_PATTERNS);
    scene s = {.w = w,
               .plant = plant,
               .victim = fd_world_customer(w, plant->customer),
               .rng = fd_rng_from(plant->random),
               .actor = fd_rng_from(plant->actor)};
    fd_payment_set_card(out, &s.victim, plant->card);
    WRITERS[plant->pattern](&s, out);
    if (plant->pattern == FD_PATTERN_STRUCTURING)
        out->amount_minor = below_the_limit(&s);
    else
        fd_payment_set_amount(out, &s.victim, &s.shop, s.cents);
    out->status = fd_fraud_declined(plant, &s.rng) ? FD_STATUS_DECLINED : FD_STATUS_APPROVED;
}
