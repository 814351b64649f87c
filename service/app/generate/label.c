/* When and from whom it becomes known what payments were; see label.h. One owner. */
#include "app/generate/label.h"

#include <stdlib.h>

#include "base/assert.h"

static const char *const SOURCES[] = {
#define X(name, text) text,
    FD_LABEL_SOURCES(X)
#undef X
};

enum { N_NONE = 0, N_SOURCES = FD_N_LABEL_SOURCES };
#define NONE NULL

static const fd_record_field FIELDS[] = {
#define X(name, kind, type, symbols) \
    {#name, FD_RECORD_##kind, offsetof(fd_label, name), N_##symbols, symbols},
    FD_LABEL_FIELDS(X)
#undef X
};

const fd_record_shape FD_LABEL_SHAPE = {
    .schema = "label.avsc",
    .n_fields = sizeof FIELDS / sizeof FIELDS[0],
    .fields = FIELDS,
    .key = offsetof(fd_label, card_id),
    .time = offsetof(fd_label, known_at),
};

static const int64_t MINUTE_MS = 60000;
static const int64_t DAY_MS = 86400000;
enum {
    CLEARED_PPM = 1500,           /* good payments that an analyst looked at */
    CLEARED_DECLINED_PPM = 20000, /* of declined ones */
    ANALYST_PPM = 250000,
    ANALYST_DECLINED_PPM = 700000,
    CUSTOMER_PPM = 600000, /* of what analysts did not find and took money */
    CAPACITY = 256,
};

typedef struct pending {
    uint64_t order; /* breaks ties of time */
    fd_label label;
} pending;

struct fd_labels {
    fd_rng rng;
    uint64_t seed;
    uint32_t unreported_ppm;
    uint64_t n_ever, lost;
    uint32_t n, cap;
    pending *heap; /* the earliest first */
};

fd_labels *fd_labels_new(uint64_t seed, uint32_t unreported_ppm)
{
    fd_labels *l = calloc(1, sizeof *l);
    FD_ALLOCATED(l);
    l->rng = fd_rng_from(fd_mix2(seed, 1));
    l->seed = seed;
    l->unreported_ppm = unreported_ppm;
    return l;
}

void fd_labels_free(fd_labels *l)
{
    if (l == NULL)
        return;
    free(l->heap);
    free(l);
}

/* ---- what is to come, by (known_at, order) ---- */

static bool earlier(const pending *a, const pending *b)
{
    return a->label.known_at != b->label.known_at ? a->label.known_at < b->label.known_at
                                                  : a->order < b->order;
}

static void push(fd_labels *l, const fd_label *label)
{
    if (l->n == FD_LABELS_MAX) {
        l->lost++;
        return;
    }
    if (l->n == l->cap) {
        l->cap = l->cap == 0 ? CAPACITY : l->cap * 2;
        l->heap = realloc(l->heap, l->cap * sizeof *l->heap);
        FD_ALLOCATED(l->heap);
    }
    pending it = {l->n_ever++, *label};
    uint32_t i = l->n++;
    for (; i > 0 && earlier(&it, &l->heap[(i - 1) / 2]); i = (i - 1) / 2)
        l->heap[i] = l->heap[(i - 1) / 2];
    l->heap[i] = it;
}

bool fd_labels_next(fd_labels *l, int64_t until_ms, fd_label *out)
{
    if (l->n == 0 || l->heap[0].label.known_at > until_ms)
        return false;
    *out = l->heap[0].label;
    pending last = l->heap[--l->n];
    uint32_t i = 0;
    for (uint32_t child; (child = 2 * i + 1) < l->n; i = child) {
        if (child + 1 < l->n && earlier(&l->heap[child + 1], &l->heap[child]))
            child++;
        if (!earlier(&l->heap[child], &last))
            break;
        l->heap[i] = l->heap[child];
    }
    l->heap[i] = last;
    return true;
}

uint64_t fd_labels_lost(const fd_labels *l)
{
    return l->lost;
}

/* ---- who finds out, and when ---- */

/* Log-normal around the median, within limits. */
static int64_t delay(fd_labels *l, int64_t median_ms, int32_t sigma_milli, int64_t least_ms,
                     int64_t most_ms)
{
    int64_t ms = median_ms / 1000 * fd_lognormal_q16(fd_rng_next(&l->rng), sigma_milli) / FD_Q16;
    ms = ms * 1000 + fd_rng_below(&l->rng, 1000);
    return ms < least_ms ? least_ms : ms > most_ms ? most_ms : ms;
}

static int64_t delay_of(fd_labels *l, fd_label_source source)
{
    switch (source) {
    case FD_LABEL_ANALYST:
        return delay(l, 15 * MINUTE_MS, 700, 2 * MINUTE_MS, 480 * MINUTE_MS);
    case FD_LABEL_CUSTOMER_REPORT:
        return delay(l, DAY_MS, 1000, 20 * MINUTE_MS, 30 * DAY_MS);
    case FD_LABEL_CHARGEBACK:
        return delay(l, 25 * DAY_MS, 500, 5 * DAY_MS, 120 * DAY_MS);
    case FD_N_LABEL_SOURCES:
        break;
    }
    FD_UNREACHABLE();
}

/* What the customer did takes a look at the whole account. */
static bool is_own(fd_pattern pattern)
{
    return pattern == FD_PATTERN_STRUCTURING || pattern == FD_PATTERN_BUST_OUT;
}

/* Volleys of declined payments raise an alarm; what took money is disputed. Nobody but an analyst
 * finds what the customer did. */
static fd_label_source source_of(fd_labels *l, const fd_payment *p, fd_pattern pattern)
{
    bool declined = p->status == FD_STATUS_DECLINED;
    uint32_t analyst = declined ? ANALYST_DECLINED_PPM : ANALYST_PPM;
    if (is_own(pattern) || fd_rng_chance(&l->rng, analyst))
        return FD_LABEL_ANALYST;
    return declined || fd_rng_chance(&l->rng, CUSTOMER_PPM) ? FD_LABEL_CUSTOMER_REPORT
                                                            : FD_LABEL_CHARGEBACK;
}

void fd_labels_see(fd_labels *l, const fd_payment *p, fd_pattern pattern, uint64_t case_no)
{
    bool fraud = pattern != FD_PATTERN_NONE;
    bool declined = p->status == FD_STATUS_DECLINED;
    uint32_t labelled = fraud      ? 1000000 - l->unreported_ppm
                        : declined ? CLEARED_DECLINED_PPM
                                   : CLEARED_PPM;
    if (!fd_rng_chance(&l->rng, labelled))
        return;
    fd_label label = {.tx_id = p->tx_id,
                      .tx_time = p->event_time,
                      .card_id = p->card_id,
                      .customer_id = p->customer_id,
                      .merchant_id = p->merchant_id,
                      .fraud = fraud,
                      .source = fraud ? source_of(l, p, pattern) : FD_LABEL_ANALYST};
    if (fraud) {
        fd_text_set(&label.pattern, fd_pattern_name(pattern));
        fd_text_printf(&label.case_id, "f%llu", (unsigned long long)case_no);
    }
    label.known_at = p->event_time + (is_own(pattern)
                                          ? delay(l, 10 * DAY_MS, 600, DAY_MS, 90 * DAY_MS)
                                          : delay_of(l, label.source));
    push(l, &label);
}
