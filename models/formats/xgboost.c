/*
 * XGBoost's files: which of its boosters a document holds, and the handle around trees. See
 * xgboost.h. Loading allocates; scoring any thread.
 */
#include "formats/xgboost.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "formats/xgboost_int.h"
#include "score/transform.h"

bool xgb_refuse(const xgb_model *m, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fd_diags_error(m->diags, "%s: %s", m->file, text);
    return false;
}

const fd_doc *xgb_member(const xgb_model *m, const fd_doc *object, const char *name,
                         fd_doc_kind kind)
{
    static const char *const kinds[] = {
        "null", "a boolean", "a number", "a text", "a list of numbers", "a list", "an object"};
    const fd_doc *d = fd_doc_get(object, name);
    if (d == NULL)
        xgb_refuse(m, "'%s' is missing; is this a model that XGBoost saved?", name);
    else if (d->kind != kind && !(d->kind == FD_DOC_NUMBERS && d->n == 0 && kind == FD_DOC_ARRAY))
        xgb_refuse(m, "'%s' is %s, not %s", name, kinds[d->kind], kinds[kind]);
    else
        return d;
    return NULL;
}

bool xgb_count(const xgb_model *m, const fd_doc *object, const char *name, uint32_t *out)
{
    const fd_doc *d = fd_doc_get(object, name);
    float text;
    double v = -1;
    if (d != NULL && d->kind == FD_DOC_NUMBER)
        v = d->number;
    else if (d != NULL && d->kind == FD_DOC_TEXT && d->text.n < 9 && fd_doc_float(d->text, &text))
        v = text;
    if (!(v >= 0 && v <= 16777216 && v == (double)(uint32_t)v))
        return xgb_refuse(m, "'%s' is missing, or no count", name);
    *out = (uint32_t)v;
    return true;
}

static void softmax(double *const *out, uint32_t n_outputs, uint32_t n)
{
    float x[FD_MODEL_MAX_OUTPUTS];
    for (uint32_t row = 0; row < n; row++) {
        for (uint32_t o = 0; o < n_outputs; o++)
            x[o] = (float)out[o][row];
        fd_softmax_float(x, n_outputs);
        for (uint32_t o = 0; o < n_outputs; o++)
            out[o][row] = x[o];
    }
}

static double transformed(xgb_transform t, double x)
{
    switch (t) {
    case XGB_SIGMOID:
        return fd_sigmoid_float((float)x);
    case XGB_EXP:
        return fd_exp_float((float)x);
    case XGB_STEP:
        return x > 0;
    case XGB_NONE:
    case XGB_SOFTMAX:
        break;
    }
    return x;
}

void xgb_apply(xgb_transform t, double *const *out, uint32_t n_outputs, uint32_t n)
{
    if (t == XGB_NONE)
        return;
    if (t == XGB_SOFTMAX) {
        softmax(out, n_outputs, n);
        return;
    }
    for (uint32_t o = 0; o < n_outputs; o++) {
        for (uint32_t row = 0; row < n; row++)
            out[o][row] = transformed(t, out[o][row]);
    }
}

static fd_model *load_booster(xgb_model *m, const fd_doc *root)
{
    if (!xgb_read_learner(m, root))
        return NULL;
    const fd_doc *booster = xgb_member(m, m->learner, "gradient_booster", FD_DOC_OBJECT);
    const fd_doc *name = booster == NULL ? NULL : xgb_member(m, booster, "name", FD_DOC_TEXT);
    if (name == NULL)
        return NULL;
    if (fd_str_eq_c(name->text, "gbtree"))
        return xgb_load_trees(m, booster, false);
    if (fd_str_eq_c(name->text, "dart"))
        return xgb_load_trees(m, booster, true);
    if (fd_str_eq_c(name->text, "gblinear"))
        return xgb_load_linear(m, booster);
    xgb_refuse(m, "booster '" FD_STR_FMT "' is not known; there are gbtree, dart and gblinear",
               FD_STR_ARG(name->text));
    return NULL;
}

typedef const fd_doc *(*reader)(fd_arena *, const char *, fd_str, fd_diags *);

static fd_model *load(reader read, const char *file, fd_str bytes, fd_diags *diags)
{
    enum { BLOCK = 1024 * 1024 };
    fd_arena *arena = fd_arena_new(BLOCK, 0);
    FD_ALLOCATED(arena);
    xgb_model m = {.file = file, .diags = diags, .arena = arena};
    const fd_doc *root = read(arena, file, bytes, diags);
    fd_model *model = root == NULL ? NULL : load_booster(&m, root);
    fd_arena_free(arena);
    return model;
}

fd_model *fd_xgboost_json(const char *file, fd_str bytes, fd_diags *diags)
{
    return load(fd_doc_json, file, bytes, diags);
}

fd_model *fd_xgboost_ubj(const char *file, fd_str bytes, fd_diags *diags)
{
    return load(fd_doc_ubjson, file, bytes, diags);
}
