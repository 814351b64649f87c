/*
 * A payment as schemas/payment.avsc has it, and its bytes as Avro, JSON and CSV.
 *
 * The field table below is the schema's, in its order; fd_payment_fields lets a caller check that
 * against the schema at hand. Written by hand rather than through the codec because a generator
 * must outrun what it feeds. Pure functions, any thread.
 */
#ifndef FD_APP_GENERATE_PAYMENT_H
#define FD_APP_GENERATE_PAYMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

#define FD_CHANNELS(X) X(POS, "pos") X(ECOM, "ecom") X(ATM, "atm") X(MOTO, "moto")
#define FD_ENTRY_MODES(X)         \
    X(UNKNOWN, "unknown")         \
    X(CHIP, "chip")               \
    X(CONTACTLESS, "contactless") \
    X(SWIPE, "swipe")             \
    X(MANUAL, "manual")           \
    X(STORED, "stored")
#define FD_STATUSES(X) X(APPROVED, "approved") X(DECLINED, "declined")

typedef enum fd_channel {
#define X(name, text) FD_CHANNEL_##name,
    FD_CHANNELS(X)
#undef X
        FD_N_CHANNELS
} fd_channel;

typedef enum fd_entry_mode {
#define X(name, text) FD_ENTRY_##name,
    FD_ENTRY_MODES(X)
#undef X
        FD_N_ENTRY_MODES
} fd_entry_mode;

typedef enum fd_payment_status {
#define X(name, text) FD_STATUS_##name,
    FD_STATUSES(X)
#undef X
        FD_N_STATUSES
} fd_payment_status;

/* n == 0 in an optional field: null. */
typedef struct fd_text {
    uint8_t n;
    char p[31];
} fd_text;

typedef struct fd_degrees {
    bool known; /* false: null */
    int32_t micro;
} fd_degrees;

typedef enum fd_payment_kind {
    FD_PAYMENT_TEXT,
    FD_PAYMENT_OPT_TEXT,
    FD_PAYMENT_TIME,
    FD_PAYMENT_LONG,
    FD_PAYMENT_CHANNEL,
    FD_PAYMENT_ENTRY,
    FD_PAYMENT_STATUS,
    FD_PAYMENT_BOOL,
    FD_PAYMENT_OPT_DEGREES,
} fd_payment_kind;

/* X(name, kind, C type) in the schema's order. */
#define FD_PAYMENT_FIELDS(X)             \
    X(tx_id, TEXT, fd_text)              \
    X(event_time, TIME, int64_t)         \
    X(card_id, TEXT, fd_text)            \
    X(customer_id, TEXT, fd_text)        \
    X(merchant_id, TEXT, fd_text)        \
    X(device_id, OPT_TEXT, fd_text)      \
    X(ip, OPT_TEXT, fd_text)             \
    X(amount_minor, LONG, int64_t)       \
    X(currency, TEXT, fd_text)           \
    X(card_country, TEXT, fd_text)       \
    X(ip_country, OPT_TEXT, fd_text)     \
    X(merchant_country, TEXT, fd_text)   \
    X(mcc, LONG, int64_t)                \
    X(channel, CHANNEL, fd_channel)      \
    X(entry_mode, ENTRY, fd_entry_mode)  \
    X(status, STATUS, fd_payment_status) \
    X(bin, TEXT, fd_text)                \
    X(is_recurring, BOOL, bool)          \
    X(lat, OPT_DEGREES, fd_degrees)      \
    X(lon, OPT_DEGREES, fd_degrees)

typedef struct fd_payment {
#define X(name, kind, type) type name;
    FD_PAYMENT_FIELDS(X)
#undef X
} fd_payment;

typedef struct fd_payment_field {
    const char *name;
    fd_payment_kind kind;
} fd_payment_field;

const fd_payment_field *fd_payment_fields(size_t *n);
/* The symbols of an enum field's kind; 0 for the others. */
size_t fd_payment_symbols(fd_payment_kind kind, const char *const **symbols);

enum { FD_PAYMENT_MAX_BYTES = 2048 }; /* no form of a payment is longer */

/* Each appends: one Avro record; one line of JSON with its line end; one CSV line, or the heading.
 * Degrees have six decimals. */
void fd_payment_avro(const fd_payment *p, fd_strbuf *out);
void fd_payment_json(const fd_payment *p, fd_strbuf *out);
void fd_payment_csv(const fd_payment *p, fd_strbuf *out);
void fd_payment_csv_heading(fd_strbuf *out);

void fd_text_set(fd_text *t, const char *s);
void fd_text_printf(fd_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
