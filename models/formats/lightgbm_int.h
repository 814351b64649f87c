/*
 * LightGBM's text files, within the module: lines with their numbers, lists of numbers, the head of
 * a file, its trees, and what its objective makes of raw scores.
 *
 * A reader stops at its first error: what follows it in a damaged file says little. One owner.
 */
#ifndef FD_FORMATS_LIGHTGBM_INT_H
#define FD_FORMATS_LIGHTGBM_INT_H

#include "score/forest.h"

/* X(text, shape): as files write it; the shape says what its output is. */
#define FD_LGBM_OBJECTIVES(X)               \
    X("regression", SQUARE)                 \
    X("regression_l1", SQUARE)              \
    X("huber", IDENTITY)                    \
    X("fair", SQUARE)                       \
    X("quantile", SQUARE)                   \
    X("mape", SQUARE)                       \
    X("poisson", EXP)                       \
    X("gamma", EXP)                         \
    X("tweedie", EXP)                       \
    X("binary", SIGMOID)                    \
    X("cross_entropy", LOGISTIC)            \
    X("cross_entropy_lambda", LOG_ONE_PLUS) \
    X("multiclass", SOFTMAX)                \
    X("multiclassova", SIGMOIDS)            \
    X("lambdarank", IDENTITY)               \
    X("rank_xendcg", IDENTITY)              \
    X("custom", ANY)

typedef enum fd_lgbm_shape {
    FD_LGBM_ANY,      /* the raw scores, any number of them */
    FD_LGBM_IDENTITY, /* from here on one output ... */
    FD_LGBM_SQUARE, /* the raw score, or with its own sign squared where it was trained on roots */
    FD_LGBM_EXP,
    FD_LGBM_SIGMOID,
    FD_LGBM_LOGISTIC,
    FD_LGBM_LOG_ONE_PLUS, /* log(1 + e^x) */
    FD_LGBM_SOFTMAX,      /* ... and from here on one per class */
    FD_LGBM_SIGMOIDS,
} fd_lgbm_shape;

typedef struct fd_lgbm_objective {
    fd_lgbm_shape shape;
    bool roots;       /* SQUARE: trained on roots of labels */
    double sigmoid;   /* SIGMOID, SIGMOIDS: what the raw score is multiplied by */
    uint32_t divisor; /* raw scores are sums over so many trees and outputs their mean; 0: sums */
} fd_lgbm_objective;

typedef struct fd_lgbm_reader {
    const char *file;
    fd_diags *diags;
    fd_arena *arena;   /* what the file says, until the forest is made */
    fd_arena *scratch; /* of one tree */
    const char *p, *end;
    int line_no; /* of `line`, from 1 */
    fd_str line;
} fd_lgbm_reader;

/* key[=value], with the line that it is in; line 0: it is not in the file. */
typedef struct fd_lgbm_field {
    fd_str value;
    int line;
} fd_lgbm_field;

typedef struct fd_lgbm_head {
    uint32_t n_inputs, n_outputs;
    const char **names;
    bool average;
    uint32_t n_trees;
    fd_str objective;
    int objective_line; /* 0: there is none, the raw scores are the output */
} fd_lgbm_head;

/* False at the end. */
bool fd_lgbm_next_line(fd_lgbm_reader *r);
/* Returns false, having reported. line 0: about the whole file. */
bool fd_lgbm_fail(fd_lgbm_reader *r, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* `key[=value]` of the current line into fields[index of key in keys]. `where` begins messages. */
bool fd_lgbm_take_field(fd_lgbm_reader *r, const char *where, const char *const *keys,
                        uint32_t n_keys, fd_lgbm_field *fields);
/* n numbers with blanks between them, in scratch; NULL, having reported, when there are others.
 * Doubles may be infinite. */
const int64_t *fd_lgbm_ints(fd_lgbm_reader *r, const char *what, fd_lgbm_field f, uint32_t n,
                            int64_t min, int64_t max);
const double *fd_lgbm_doubles(fd_lgbm_reader *r, const char *what, fd_lgbm_field f, uint32_t n);
/* The next word of *rest, which moves behind it; empty at its end. */
fd_str fd_lgbm_word(fd_str *rest, char separator);
/* How many words are in it, between blanks. */
uint32_t fd_lgbm_count_words(fd_str text);

bool fd_lgbm_read_head(fd_lgbm_reader *r, fd_lgbm_head *h);
/* From the line "Tree=0", which is the current one, to "end of trees". */
bool fd_lgbm_read_trees(fd_lgbm_reader *r, const fd_lgbm_head *h, fd_forest_spec *spec);

bool fd_lgbm_read_objective(fd_lgbm_reader *r, const fd_lgbm_head *h, fd_lgbm_objective *out);
/* What an fd_lgbm_objective makes of raw scores; see score/forest_model.h. */
void fd_lgbm_transform(const void *objective, double *const *out, uint32_t n_outputs, uint32_t n);

#endif
