/*
 * A scorecard input's bins: intervals, single values, what is missing and the rest. Every number
 * has exactly one bin, which is checked here. One owner while a card loads.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/scorecard_int.h"

#define BIN_KEYS(X) X(below) X(from) X(to) X(values) X(points) X(reason)

static const char *const bin_keys[] = {
#define X(key) #key,
    BIN_KEYS(X)
#undef X
};
enum bin_key {
#define X(key) BIN_##key,
    BIN_KEYS(X)
#undef X
        N_BIN_KEYS
};

typedef struct bin {
    double below, from, to;
    fd_yaml_node *values;
    fd_card_points what;
} bin;

static bool has(uint64_t keys, int key)
{
    return (keys >> key & 1) != 0;
}

static void read_reason(fd_yaml *y, const fd_yaml_node *n, fd_card_points *out)
{
    fd_str text;
    if (!fd_yaml_text(y, n, "reason", &text))
        return;
    if (text.n == 0)
        fd_yaml_report(y, n, FD_ERROR, NULL, "reason is empty");
    out->reason = text.p; /* in the file's arena; kept by keep_reason() */
}

static void read_bin_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                         fd_yaml_node *value)
{
    bin *b = ctx;
    (void)key_node;
    switch ((enum bin_key)key) {
    case BIN_below:
        fd_yaml_double(y, value, "below", -DBL_MAX, DBL_MAX, &b->below);
        break;
    case BIN_from:
        fd_yaml_double(y, value, "from", -DBL_MAX, DBL_MAX, &b->from);
        break;
    case BIN_to:
        fd_yaml_double(y, value, "to", -DBL_MAX, DBL_MAX, &b->to);
        break;
    case BIN_values:
        b->values = value;
        break;
    case BIN_points:
        fd_yaml_double(y, value, "points", -DBL_MAX, DBL_MAX, &b->what.points);
        break;
    case BIN_reason:
        read_reason(y, value, &b->what);
        break;
    case N_BIN_KEYS:
        break;
    }
}

static void read_points_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                            fd_yaml_node *value)
{
    bin b = {.what = *(fd_card_points *)ctx};
    read_bin_key(&b, y, key == 0 ? BIN_points : BIN_reason, key_node, value);
    *(fd_card_points *)ctx = b.what;
}

void fd_card_read_points(fd_yaml *y, fd_yaml_node *node, const char *what, fd_card_points *out)
{
    static const char *const keys[] = {"points", "reason"};
    out->given = true;
    out->line = fd_yaml_line(node);
    if (node->type == YAML_SCALAR_NODE) {
        fd_yaml_double(y, node, what, -DBL_MAX, DBL_MAX, &out->points);
        return;
    }
    uint64_t seen = fd_yaml_map(y, node, what, keys, 2, read_points_key, out);
    if (!has(seen, 0))
        fd_yaml_report(y, node, FD_ERROR, "add points: ...", "%s has no points", what);
}

/* ---- bins ---- */

static void add_values(fd_yaml *y, fd_yaml_node *node, const bin *b, fd_card_input *in)
{
    if (!fd_yaml_is_list(y, b->values, "values"))
        return;
    yaml_node_item_t *end = b->values->data.sequence.items.top;
    if (b->values->data.sequence.items.start == end)
        fd_yaml_report(y, b->values, FD_ERROR, NULL, "values is empty");
    for (yaml_node_item_t *i = b->values->data.sequence.items.start; i < end; i++) {
        fd_card_value *v = &in->values[in->n_values];
        fd_yaml_node *item = fd_yaml_get(y, *i);
        if (in->n_values == FD_CARD_MAX_BINS) {
            fd_yaml_report(y, node, FD_ERROR, NULL, "more than %d values", FD_CARD_MAX_BINS);
            return;
        }
        *v = (fd_card_value){.what = b->what, .node = item};
        in->n_values += fd_yaml_double(y, item, "a value", -DBL_MAX, DBL_MAX, &v->value);
    }
}

static void add_interval(fd_yaml *y, fd_yaml_node *node, const bin *b, uint64_t keys,
                         fd_card_input *in)
{
    bool below = has(keys, BIN_below), from = has(keys, BIN_from), to = has(keys, BIN_to);
    if (!below && !from && !to) {
        fd_yaml_report(y, node, FD_ERROR, "a bin has below, or from and to, or values",
                       "the bin does not say which values it is for");
        return;
    }
    if (below && (from || to)) {
        fd_yaml_report(y, node, FD_ERROR, "write from and to", "below together with from or to");
        return;
    }
    fd_card_interval i = {.from = from ? b->from : -INFINITY,
                          .to = below ? b->below
                                : to  ? b->to
                                      : INFINITY,
                          .what = b->what,
                          .node = node};
    if (!(i.from < i.to)) {
        fd_yaml_report(y, node, FD_ERROR, NULL, "the bin is empty: %g is not below %g", i.from,
                       i.to);
        return;
    }
    in->intervals[in->n_intervals++] = i;
}

static void read_bin(fd_yaml *y, fd_yaml_node *node, fd_card_input *in)
{
    bin b = {0};
    uint64_t keys = fd_yaml_map(y, node, "a bin", bin_keys, N_BIN_KEYS, read_bin_key, &b);
    if (keys == UINT64_MAX)
        return;
    b.what.given = true;
    b.what.line = fd_yaml_line(node);
    if (!has(keys, BIN_points))
        fd_yaml_report(y, node, FD_ERROR, "add points: ...", "the bin has no points");
    if (b.values == NULL)
        add_interval(y, node, &b, keys, in);
    else if (has(keys, BIN_below) || has(keys, BIN_from) || has(keys, BIN_to))
        fd_yaml_report(y, node, FD_ERROR, "make two bins of it", "values together with limits");
    else
        add_values(y, node, &b, in);
}

void fd_card_read_bins(fd_yaml *y, fd_yaml_node *list, fd_card_input *in)
{
    if (!fd_yaml_is_list(y, list, "bins"))
        return;
    yaml_node_item_t *items = list->data.sequence.items.start;
    ptrdiff_t n = list->data.sequence.items.top - items;
    if (n > FD_CARD_MAX_BINS) {
        fd_yaml_report(y, list, FD_ERROR, NULL, "more than %d bins", FD_CARD_MAX_BINS);
        return;
    }
    in->intervals = fd_card_alloc(y->arena, (size_t)n, sizeof *in->intervals);
    in->values = fd_card_alloc(y->arena, FD_CARD_MAX_BINS, sizeof *in->values);
    for (ptrdiff_t i = 0; i < n; i++)
        read_bin(y, fd_yaml_get(y, items[i]), in);
}

/* ---- every number has one bin ---- */

static int by_from(const void *a, const void *b)
{
    double x = ((const fd_card_interval *)a)->from, y = ((const fd_card_interval *)b)->from;
    return (x > y) - (x < y);
}

static int by_value(const void *a, const void *b)
{
    double x = ((const fd_card_value *)a)->value, y = ((const fd_card_value *)b)->value;
    return (x > y) - (x < y);
}

static void check_overlaps(fd_yaml *y, const fd_card_input *in)
{
    for (uint32_t i = 1; i < in->n_intervals; i++) {
        const fd_card_interval *a = &in->intervals[i - 1], *b = &in->intervals[i];
        if (a->to > b->from)
            fd_yaml_report(y, b->node, FD_ERROR, "a bin ends before its \"to\"",
                           "bins overlap from %g to %g: see line %d", b->from,
                           a->to < b->to ? a->to : b->to, a->what.line);
    }
    for (uint32_t i = 0, k = 0; i < in->n_values; i++) {
        const fd_card_value *v = &in->values[i];
        if (i > 0 && v->value == v[-1].value)
            fd_yaml_report(y, v->node, FD_ERROR, NULL, "the value %g is in two bins: see line %d",
                           v->value, v[-1].what.line);
        while (k < in->n_intervals && in->intervals[k].to <= v->value)
            k++;
        if (k < in->n_intervals && in->intervals[k].from <= v->value)
            fd_yaml_report(y, v->node, FD_ERROR, NULL,
                           "the value %g is in the bin of line %d already", v->value,
                           in->intervals[k].what.line);
    }
}

static void check_gaps(fd_yaml *y, const fd_yaml_node *node, const fd_card_input *in)
{
    static const char hint[] = "add a bin, or otherwise: ... for the rest";
    double reached = -INFINITY;
    if (in->otherwise.given)
        return;
    if (in->n_intervals == 0) {
        fd_yaml_report(y, node, FD_ERROR, hint, "nothing is said about other values");
        return;
    }
    for (uint32_t i = 0; i <= in->n_intervals; i++) {
        double from = i == in->n_intervals ? INFINITY : in->intervals[i].from;
        if (reached < from)
            fd_yaml_report(y, i == in->n_intervals ? node : in->intervals[i].node, FD_ERROR, hint,
                           "nothing is said about values from %g to %g", reached, from);
        if (i < in->n_intervals && in->intervals[i].to > reached)
            reached = in->intervals[i].to;
    }
}

void fd_card_check_bins(fd_yaml *y, const fd_yaml_node *node, fd_card_input *in)
{
    qsort(in->intervals, in->n_intervals, sizeof *in->intervals, by_from);
    qsort(in->values, in->n_values, sizeof *in->values, by_value);
    check_overlaps(y, in);
    check_gaps(y, node, in);
    if (!in->missing.given && !in->otherwise.given)
        fd_yaml_report(y, node, FD_ERROR, "add missing: ... (points)",
                       "nothing is said about missing values");
    else if (!in->missing.given)
        in->missing = in->otherwise;
}

/* ---- what stays ---- */

static void keep_points(fd_card *card, fd_card_points *p, double *least)
{
    if (!p->given)
        return;
    *least = p->points < *least ? p->points : *least;
    if (p->reason == NULL)
        return;
    p->reason = fd_arena_cstr(card->arena, p->reason);
    FD_ALLOCATED(p->reason);
}

void fd_card_keep_bins(fd_card *card, fd_card_input *in)
{
    fd_card_interval *intervals = fd_card_alloc(card->arena, in->n_intervals, sizeof *intervals);
    fd_card_value *values = fd_card_alloc(card->arena, in->n_values, sizeof *values);
    in->least = INFINITY;
    for (uint32_t i = 0; i < in->n_intervals; i++) {
        intervals[i] = in->intervals[i];
        keep_points(card, &intervals[i].what, &in->least);
    }
    for (uint32_t i = 0; i < in->n_values; i++) {
        values[i] = in->values[i];
        keep_points(card, &values[i].what, &in->least);
    }
    in->intervals = intervals;
    in->values = values;
    keep_points(card, &in->otherwise, &in->least);
    keep_points(card, &in->missing, &in->least);
}
