/* Between the files of the XGBoost loader; see xgboost.h. One load at a time. */
#ifndef FD_FORMATS_XGBOOST_INT_H
#define FD_FORMATS_XGBOOST_INT_H

#include "formats/doc.h"
#include "formats/formats.h"
#include "score/forest.h"

/* How a user's base_score becomes a margin. */
typedef enum xgb_link { XGB_IDENTITY, XGB_LOGIT, XGB_LOG } xgb_link;
/* How a margin becomes a prediction. */
typedef enum xgb_transform {
    XGB_NONE,
    XGB_SIGMOID,
    XGB_EXP,
    XGB_SOFTMAX,
    XGB_STEP /* 1 above 0, else 0 */
} xgb_transform;

/* X(name in files, link, transform) */
#define XGB_OBJECTIVES(X)                     \
    X("reg:squarederror", IDENTITY, NONE)     \
    X("reg:linear", IDENTITY, NONE)           \
    X("reg:squaredlogerror", IDENTITY, NONE)  \
    X("reg:pseudohubererror", IDENTITY, NONE) \
    X("reg:absoluteerror", IDENTITY, NONE)    \
    X("reg:quantileerror", IDENTITY, NONE)    \
    X("reg:logistic", LOGIT, SIGMOID)         \
    X("reg:gamma", LOG, EXP)                  \
    X("reg:tweedie", LOG, EXP)                \
    X("count:poisson", LOG, EXP)              \
    X("binary:logistic", LOGIT, SIGMOID)      \
    X("binary:logitraw", IDENTITY, NONE)      \
    X("binary:hinge", IDENTITY, STEP)         \
    X("multi:softprob", IDENTITY, SOFTMAX)    \
    X("multi:softmax", IDENTITY, SOFTMAX)     \
    X("rank:pairwise", IDENTITY, NONE)        \
    X("rank:ndcg", IDENTITY, NONE)            \
    X("rank:map", IDENTITY, NONE)             \
    X("survival:cox", LOG, EXP)               \
    X("survival:aft", LOG, EXP)

typedef struct xgb_objective {
    const char *name;
    xgb_link link;
    xgb_transform transform;
} xgb_objective;

/* What a file says, apart from its trees or weights. */
typedef struct xgb_model {
    const char *file;
    fd_diags *diags;
    fd_arena *arena; /* of the load */
    const fd_doc *learner;
    const xgb_objective *objective;
    uint32_t n_inputs, n_outputs;
    double *base;       /* margins, per output */
    const char **names; /* NULL: the file has none */
} xgb_model;

/* What becomes of the margins; columns [output][row], in place. */
void xgb_apply(xgb_transform t, double *const *out, uint32_t n_outputs, uint32_t n);

/* Errors begin with the file; they return false. */
bool xgb_refuse(const xgb_model *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A member that has to be there and to be of that kind. NULL after an error. */
const fd_doc *xgb_member(const xgb_model *m, const fd_doc *object, const char *name,
                         fd_doc_kind kind);
/* A whole number, as a number or a text; false after an error. */
bool xgb_count(const xgb_model *m, const fd_doc *object, const char *name, uint32_t *out);

/* The objective, the shape and the base scores. */
bool xgb_read_learner(xgb_model *m, const fd_doc *root);
/* NULL after errors. */
fd_model *xgb_load_trees(xgb_model *m, const fd_doc *booster, bool dart);
fd_model *xgb_load_linear(xgb_model *m, const fd_doc *booster);

#endif
