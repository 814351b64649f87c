/*
 * What becomes known of payments afterwards, as schemas/label.avsc has it, in the order in which it
 * becomes known.
 *
 * Delays are as in life: analysts see an alert within minutes to an hour, customers read their
 * statements within hours to days, chargebacks take weeks; and some frauds nobody ever reports.
 * Only frauds that took money are charged back. Analysts also look at good payments and find
 * nothing: some of these get a label, too. A function of the seed and of the payments. Bounded: of
 * more than FD_LABELS_MAX labels to come the surplus is lost, and counted. One owner.
 */
#ifndef FD_APP_GENERATE_LABEL_H
#define FD_APP_GENERATE_LABEL_H

#include "app/generate/stream.h"

#define FD_LABEL_SOURCES(X)               \
    X(ANALYST, "analyst")                 \
    X(CUSTOMER_REPORT, "customer_report") \
    X(CHARGEBACK, "chargeback")

typedef enum fd_label_source {
#define X(name, text) FD_LABEL_##name,
    FD_LABEL_SOURCES(X)
#undef X
        FD_N_LABEL_SOURCES
} fd_label_source;

/* X(name, kind, C type, symbols of an enum or NONE) in the schema's order. */
#define FD_LABEL_FIELDS(X)                    \
    X(tx_id, TEXT, fd_text, NONE)             \
    X(tx_time, TIME, int64_t, NONE)           \
    X(card_id, TEXT, fd_text, NONE)           \
    X(customer_id, TEXT, fd_text, NONE)       \
    X(merchant_id, TEXT, fd_text, NONE)       \
    X(fraud, BOOL, bool, NONE)                \
    X(pattern, OPT_TEXT, fd_text, NONE)       \
    X(case_id, OPT_TEXT, fd_text, NONE)       \
    X(source, ENUM, fd_label_source, SOURCES) \
    X(known_at, TIME, int64_t, NONE)

typedef struct fd_label {
#define X(name, kind, type, symbols) type name;
    FD_LABEL_FIELDS(X)
#undef X
} fd_label;

extern const fd_record_shape FD_LABEL_SHAPE;

enum { FD_LABELS_MAX = 1 << 19, FD_UNREPORTED_PPM = 50000 };

typedef struct fd_labels fd_labels;

/* unreported_ppm: of fraudulent payments that never get a label. */
fd_labels *fd_labels_new(uint64_t seed, uint32_t unreported_ppm);
void fd_labels_free(fd_labels *l); /* NULL is fine */

/* A payment of the stream. */
void fd_labels_see(fd_labels *l, const fd_payment *p, fd_pattern pattern, uint64_t case_no);
/* The next label that is known at `until_ms` or before; false: none is left. */
bool fd_labels_next(fd_labels *l, int64_t until_ms, fd_label *out);
uint64_t fd_labels_lost(const fd_labels *l);

#endif
