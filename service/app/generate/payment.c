/* The shape of a payment; see payment.h. */
#include "app/generate/payment.h"

static const char *const CHANNELS[] = {
#define X(name, text) text,
    FD_CHANNELS(X)
#undef X
};
static const char *const ENTRIES[] = {
#define X(name, text) text,
    FD_ENTRY_MODES(X)
#undef X
};
static const char *const STATUSES[] = {
#define X(name, text) text,
    FD_STATUSES(X)
#undef X
};

enum {
    N_NONE = 0,
    N_CHANNELS = FD_N_CHANNELS,
    N_ENTRIES = FD_N_ENTRY_MODES,
    N_STATUSES = FD_N_STATUSES
};
#define NONE NULL

static const fd_record_field FIELDS[] = {
#define X(name, kind, type, symbols) \
    {#name, FD_RECORD_##kind, offsetof(fd_payment, name), N_##symbols, symbols},
    FD_PAYMENT_FIELDS(X)
#undef X
};

const fd_record_shape FD_PAYMENT_SHAPE = {
    .schema = "payment.avsc",
    .n_fields = sizeof FIELDS / sizeof FIELDS[0],
    .fields = FIELDS,
    .key = offsetof(fd_payment, card_id),
    .time = offsetof(fd_payment, event_time),
};
