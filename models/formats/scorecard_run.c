/* What a loaded scorecard or logistic regression does with rows; see docs/models.md. Pure; any
 * thread. */
#include <math.h>
#include <stdlib.h>

#include "formats/scorecard_int.h"
#include "score/transform.h"

/* What the input gives for this value. */
static const fd_card_points *points_of(const fd_card_input *in, double x)
{
    if (isnan(x))
        return &in->missing;
    uint32_t low = 0, high = in->n_intervals; /* the last that begins at or before x */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (in->intervals[middle].from <= x)
            low = middle + 1;
        else
            high = middle;
    }
    /* Infinity is in the bin without an end. */
    if (low > 0 && (x < in->intervals[low - 1].to || isinf(in->intervals[low - 1].to)))
        return &in->intervals[low - 1].what;
    low = 0;
    high = in->n_values;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (in->values[middle].value < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low < in->n_values && in->values[low].value == x ? &in->values[low].what
                                                            : &in->otherwise;
}

static double weighed(const fd_card_input *in, double x)
{
    if (isnan(x) && in->has_missing)
        x = in->missing_value;
    return in->weight * ((x - in->mean) / in->scale);
}

static double added(const fd_card *card, uint32_t i, double x)
{
    const fd_card_input *in = &card->inputs[i];
    return card->logistic ? weighed(in, x) : points_of(in, x)->points;
}

static double probability(double raw)
{
    if (raw >= 0)
        return 1 / (1 + fd_exp(-raw));
    double e = fd_exp(raw);
    return e / (1 + e);
}

static void score(const void *impl, void *scratch, const double *const *columns, uint32_t n,
                  fd_model_output which, double *const *out)
{
    const fd_card *card = impl;
    (void)scratch;
    for (uint32_t r = 0; r < n; r++)
        out[0][r] = card->base;
    for (uint32_t i = 0; i < card->n_inputs; i++) {
        for (uint32_t r = 0; r < n; r++)
            out[0][r] += added(card, i, columns[i][r]);
    }
    for (uint32_t r = 0; which == FD_MODEL_TRANSFORMED && card->logit && r < n; r++)
        out[0][r] = probability(out[0][r]);
}

static size_t scratch_bytes(const void *impl, uint32_t max_rows)
{
    (void)impl;
    (void)max_rows;
    return 0;
}

static void contribute(const void *impl, const double *row, uint32_t output, double *contributions)
{
    const fd_card *card = impl;
    (void)output;
    for (uint32_t i = 0; i < card->n_inputs; i++)
        contributions[i] = added(card, i, row[i]) - (card->logistic ? 0 : card->inputs[i].least);
    contributions[card->n_inputs] = card->logistic ? card->base : card->least;
}

static const char *reason(const void *impl, uint32_t input, double value)
{
    const fd_card *card = impl;
    const fd_card_input *in = &card->inputs[input];
    const char *own = card->logistic ? NULL : points_of(in, value)->reason;
    return own != NULL ? own : in->reason;
}

static void free_card(void *impl)
{
    fd_card *card = impl;
    fd_arena_free(card->arena);
    free(card);
}

const fd_model_ops fd_card_ops = {.score = score,
                                  .scratch_bytes = scratch_bytes,
                                  .contribute = contribute,
                                  .reason = reason,
                                  .free = free_card};
