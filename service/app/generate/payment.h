/*
 * A payment as schemas/payment.avsc has it. The field table is the schema's, in its order; see
 * record.h for its bytes.
 */
#ifndef FD_APP_GENERATE_PAYMENT_H
#define FD_APP_GENERATE_PAYMENT_H

#include "app/generate/record.h"

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

/* X(name, kind, C type, symbols of an enum or NONE) in the schema's order. */
#define FD_PAYMENT_FIELDS(X)                     \
    X(tx_id, TEXT, fd_text, NONE)                \
    X(event_time, TIME, int64_t, NONE)           \
    X(card_id, TEXT, fd_text, NONE)              \
    X(customer_id, TEXT, fd_text, NONE)          \
    X(merchant_id, TEXT, fd_text, NONE)          \
    X(device_id, OPT_TEXT, fd_text, NONE)        \
    X(ip, OPT_TEXT, fd_text, NONE)               \
    X(amount_minor, LONG, int64_t, NONE)         \
    X(currency, TEXT, fd_text, NONE)             \
    X(card_country, TEXT, fd_text, NONE)         \
    X(ip_country, OPT_TEXT, fd_text, NONE)       \
    X(merchant_country, TEXT, fd_text, NONE)     \
    X(mcc, LONG, int64_t, NONE)                  \
    X(channel, ENUM, fd_channel, CHANNELS)       \
    X(entry_mode, ENUM, fd_entry_mode, ENTRIES)  \
    X(status, ENUM, fd_payment_status, STATUSES) \
    X(bin, TEXT, fd_text, NONE)                  \
    X(is_recurring, BOOL, bool, NONE)            \
    X(lat, OPT_DEGREES, fd_degrees, NONE)        \
    X(lon, OPT_DEGREES, fd_degrees, NONE)

typedef struct fd_payment {
#define X(name, kind, type, symbols) type name;
    FD_PAYMENT_FIELDS(X)
#undef X
} fd_payment;

extern const fd_record_shape FD_PAYMENT_SHAPE;

#endif
