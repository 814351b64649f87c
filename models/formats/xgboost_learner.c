/*
 * What an XGBoost file says about its learner: version, objective, counts, names and base scores,
 * in all forms that they have had. One load at a time.
 */
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/strbuf.h"
#include "formats/xgboost_int.h"

enum { NEWEST_MAJOR = 3 };

static const xgb_objective objectives[] = {
#define X(name, link, transform) {name, XGB_##link, XGB_##transform},
    XGB_OBJECTIVES(X)
#undef X
};
enum { N_OBJECTIVES = sizeof objectives / sizeof *objectives };

static bool read_version(const xgb_model *m, const fd_doc *root)
{
    const fd_doc *version = xgb_member(m, root, "version", FD_DOC_NUMBERS);
    if (version == NULL)
        return false;
    if (version->n < 1 || !(version->numbers[0] >= 1 && version->numbers[0] <= NEWEST_MAJOR))
        return xgb_refuse(m, "saved by XGBoost %g, versions 1 to %d are known",
                          version->n < 1 ? 0 : version->numbers[0], NEWEST_MAJOR);
    return true;
}

static bool read_objective(xgb_model *m)
{
    const fd_doc *objective = xgb_member(m, m->learner, "objective", FD_DOC_OBJECT);
    const fd_doc *name = objective == NULL ? NULL : xgb_member(m, objective, "name", FD_DOC_TEXT);
    if (name == NULL)
        return false;
    fd_strbuf known = {0};
    for (int i = 0; i < N_OBJECTIVES; i++) {
        if (fd_str_eq_c(name->text, objectives[i].name))
            m->objective = &objectives[i];
        fd_strbuf_printf(&known, "%s%s", i == 0 ? "" : ", ", objectives[i].name);
    }
    if (m->objective == NULL)
        fd_diags_error(m->diags, "%s: objective '" FD_STR_FMT "' is not supported; there are %s",
                       m->file, FD_STR_ARG(name->text), known.p);
    fd_strbuf_free(&known);
    return m->objective != NULL;
}

static bool read_shape(xgb_model *m, const fd_doc *param)
{
    uint32_t classes = 0, targets = 1;
    if (!xgb_count(m, param, "num_feature", &m->n_inputs) ||
        !xgb_count(m, param, "num_class", &classes))
        return false;
    if (fd_doc_get(param, "num_target") != NULL && !xgb_count(m, param, "num_target", &targets))
        return false;
    m->n_outputs = classes > 1 ? classes : targets > 1 ? targets : 1;
    if (m->n_inputs == 0)
        return xgb_refuse(m, "%s", "the model has no inputs");
    if (m->n_inputs > FD_MODEL_MAX_INPUTS)
        return xgb_refuse(m, "%u inputs, at most %d are possible", m->n_inputs,
                          FD_MODEL_MAX_INPUTS);
    if (m->n_outputs > FD_MODEL_MAX_OUTPUTS)
        return xgb_refuse(m, "%u outputs, at most %d are possible", m->n_outputs,
                          FD_MODEL_MAX_OUTPUTS);
    return true;
}

static bool read_names(xgb_model *m)
{
    const fd_doc *names = fd_doc_get(m->learner, "feature_names");
    if (names == NULL || names->n == 0)
        return true;
    if (names->kind != FD_DOC_ARRAY || names->n != m->n_inputs)
        return xgb_refuse(m, "'feature_names' are not %u texts", m->n_inputs);
    m->names = fd_arena_zalloc(m->arena, (m->n_inputs + 1U) * sizeof *m->names);
    FD_ALLOCATED(m->names);
    uint32_t i = 0;
    for (const fd_doc *d = names->first; d != NULL; d = d->next) {
        if (d->kind != FD_DOC_TEXT)
            return xgb_refuse(m, "'feature_names' are not %u texts", m->n_inputs);
        m->names[i++] = fd_arena_str(m->arena, d->text).p;
    }
    return true;
}

static bool to_margin(const xgb_model *m, float base, double *out)
{
    float margin = base;
    if (m->objective->link == XGB_LOGIT)
        margin = -logf(1.0F / base - 1.0F);
    else if (m->objective->link == XGB_LOG)
        margin = logf(base);
    *out = margin;
    return isfinite(margin) ||
           xgb_refuse(m, "base_score %g is not possible with %s", (double)base, m->objective->name);
}

/* "5E-1", "[5E-1]" and "[1E-1,2E-1]". */
static bool parse_bases(const xgb_model *m, fd_str text, float *bases, uint32_t *n)
{
    if (text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        text = (fd_str){text.p + 1, text.n - 2};
    for (*n = 0; *n < m->n_outputs; text.p++, text.n--) {
        const char *comma = memchr(text.p, ',', text.n);
        uint32_t length = comma == NULL ? text.n : (uint32_t)(comma - text.p);
        if (!fd_doc_float((fd_str){text.p, length}, &bases[(*n)++]))
            return false;
        text.p += length;
        text.n -= length;
        if (text.n == 0)
            return true;
    }
    return false;
}

static bool read_bases(xgb_model *m, const fd_doc *param)
{
    const fd_doc *d = fd_doc_get(param, "base_score");
    float *bases = fd_arena_zalloc(m->arena, m->n_outputs * sizeof *bases);
    m->base = fd_arena_zalloc(m->arena, m->n_outputs * sizeof *m->base);
    FD_ALLOCATED(bases);
    FD_ALLOCATED(m->base);
    uint32_t n = 0;
    if (d != NULL && d->kind == FD_DOC_NUMBER)
        bases[n++] = (float)d->number;
    else if (d != NULL && d->kind == FD_DOC_NUMBERS && d->n <= m->n_outputs)
        for (; n < d->n; n++)
            bases[n] = (float)d->numbers[n];
    else if (d == NULL || d->kind != FD_DOC_TEXT || !parse_bases(m, d->text, bases, &n))
        n = 0;
    if (n != 1 && n != m->n_outputs)
        return xgb_refuse(m, "'base_score' is missing, or neither 1 nor %u numbers", m->n_outputs);
    for (uint32_t o = 0; o < m->n_outputs; o++) {
        if (!to_margin(m, bases[n == 1 ? 0 : o], &m->base[o]))
            return false;
    }
    return true;
}

bool xgb_read_learner(xgb_model *m, const fd_doc *root)
{
    if (!read_version(m, root) ||
        (m->learner = xgb_member(m, root, "learner", FD_DOC_OBJECT)) == NULL)
        return false;
    const fd_doc *param = xgb_member(m, m->learner, "learner_model_param", FD_DOC_OBJECT);
    return param != NULL && read_objective(m) && read_shape(m, param) && read_names(m) &&
           read_bases(m, param);
}
