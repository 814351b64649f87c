/*
 * The scorecard reader's inside, shared by the files scorecard*.c only.
 *
 * A card is a list of inputs; each turns its value into a number of points, and points are added in
 * the order of the file, in double, beginning with the base. Loading has one owner; a loaded card
 * is immutable.
 */
#ifndef FD_FORMATS_SCORECARD_INT_H
#define FD_FORMATS_SCORECARD_INT_H

#include "base/assert.h"
#include "formats/formats.h"
#include "text/yaml_file.h"

enum { FD_CARD_MAX_BINS = 1000 /* of an input */ };

typedef struct fd_card_points {
    double points;
    const char *reason; /* NULL: none */
    bool given;
    int line;
} fd_card_points;

/* [from, to) */
typedef struct fd_card_interval {
    double from, to;
    fd_card_points what;
    const fd_yaml_node *node; /* while it loads */
} fd_card_interval;

typedef struct fd_card_value {
    double value;
    fd_card_points what;
    const fd_yaml_node *node; /* while it loads */
} fd_card_value;

typedef struct fd_card_input {
    const char *name;
    const char *reason; /* of bins that have none of their own; NULL: none */
    /* a scorecard's */
    uint32_t n_intervals, n_values;
    fd_card_interval *intervals; /* ascending, apart from each other */
    fd_card_value *values;       /* ascending */
    fd_card_points otherwise, missing;
    double least; /* points of the bin that has fewest */
    /* a logistic regression's: weight * ((x - mean) / scale) */
    double weight, mean, scale, missing_value;
    bool has_weight, has_missing;
} fd_card_input;

typedef struct fd_card {
    fd_arena *arena;
    bool logistic; /* type */
    bool logit;    /* link */
    double base;
    double least; /* base and what every input gives at least */
    uint32_t n_inputs;
    fd_card_input *inputs;
} fd_card;

/* scorecard_bins.c: `bins` of an input. */
void fd_card_read_bins(fd_yaml *y, fd_yaml_node *list, fd_card_input *in);
/* A number, or {points, reason}. */
void fd_card_read_points(fd_yaml *y, fd_yaml_node *node, const char *what, fd_card_points *out);
/* Sorts; overlaps, gaps and what nothing is said about are reported at `node`. */
void fd_card_check_bins(fd_yaml *y, const fd_yaml_node *node, fd_card_input *in);
/* Copies bins from the file's arena to the card's, and finds the least of their points. */
void fd_card_keep_bins(fd_card *card, fd_card_input *in);
void *fd_card_alloc(fd_arena *arena, size_t n, size_t size);

/* scorecard_run.c: what an implementation is made of. */
extern const fd_model_ops fd_card_ops;

#endif
