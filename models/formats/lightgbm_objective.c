/*
 * What an objective makes of raw scores: LightGBM's formulas, in double as there. The exponential
 * is ours (score/transform.h), so that outputs may differ from LightGBM's in the last bits.
 */
#include <math.h>

#include "base/assert.h"
#include "base/strbuf.h"
#include "formats/lightgbm_int.h"
#include "score/transform.h"

typedef struct objective_name {
    const char *text;
    fd_lgbm_shape shape;
} objective_name;

static const objective_name objectives[] = {
#define X(text, shape) {text, FD_LGBM_##shape},
    FD_LGBM_OBJECTIVES(X)
#undef X
};

enum { N_OBJECTIVES = sizeof objectives / sizeof *objectives };

static const objective_name *find(fd_str name)
{
    for (int i = 0; i < N_OBJECTIVES; i++) {
        if (fd_str_eq_c(name, objectives[i].text))
            return &objectives[i];
    }
    return NULL;
}

static bool unknown(fd_lgbm_reader *r, int line, fd_str name)
{
    fd_strbuf known = {0};
    for (int i = 0; i < N_OBJECTIVES; i++)
        fd_strbuf_printf(&known, "%s%s", i == 0 ? "" : ", ", objectives[i].text);
    fd_lgbm_fail(r, line, "objective \"%.40s\" is not one of %s", fd_arena_str(r->arena, name).p,
                 known.p);
    fd_strbuf_free(&known);
    return false;
}

typedef struct settings {
    int64_t n_classes;
    double sigmoid;
    bool roots;
} settings;

/* Behind the name: "sqrt", "key:value"; what only training needs is passed over. */
static bool read_settings(fd_lgbm_reader *r, int line, fd_str rest, settings *s)
{
    while (rest.n > 0) {
        fd_str value = fd_lgbm_word(&rest, ' ');
        fd_str key = fd_lgbm_word(&value, ':');
        const fd_lgbm_field f = {fd_lgbm_word(&value, ':'), line};
        if (fd_str_eq_c(key, "sqrt")) {
            s->roots = true;
        } else if (fd_str_eq_c(key, "num_class")) {
            const int64_t *n = fd_lgbm_ints(r, "objective: num_class", f, 1, 1,
                                            FD_MODEL_MAX_OUTPUTS);
            if (n == NULL)
                return false;
            s->n_classes = *n;
        } else if (fd_str_eq_c(key, "sigmoid")) {
            const double *sigmoid = fd_lgbm_doubles(r, "objective: sigmoid", f, 1);
            if (sigmoid == NULL)
                return false;
            s->sigmoid = *sigmoid;
        }
    }
    return true;
}

bool fd_lgbm_read_objective(fd_lgbm_reader *r, const fd_lgbm_head *h, fd_lgbm_objective *out)
{
    *out = (fd_lgbm_objective){.shape = FD_LGBM_ANY};
    if (h->objective_line == 0)
        return true;
    fd_str rest = h->objective;
    fd_str name = fd_lgbm_word(&rest, ' ');
    const objective_name *o = find(name);
    settings s = {0};
    if (o == NULL)
        return unknown(r, h->objective_line, name);
    if (!read_settings(r, h->objective_line, rest, &s))
        return false;
    bool several = o->shape >= FD_LGBM_SOFTMAX;
    if (several && s.n_classes != h->n_outputs)
        return fd_lgbm_fail(r, h->objective_line,
                            "objective: num_class is %d, that of the head is %u", (int)s.n_classes,
                            h->n_outputs);
    if (!several && o->shape != FD_LGBM_ANY && h->n_outputs != 1)
        return fd_lgbm_fail(r, h->objective_line, "objective %s has one output, num_class is %u",
                            o->text, h->n_outputs);
    if ((o->shape == FD_LGBM_SIGMOID || o->shape == FD_LGBM_SIGMOIDS) &&
        !(s.sigmoid > 0 && isfinite(s.sigmoid)))
        return fd_lgbm_fail(r, h->objective_line, "objective %s needs a sigmoid above 0", o->text);
    *out = (fd_lgbm_objective){.shape = o->shape, .roots = s.roots, .sigmoid = s.sigmoid};
    return true;
}

static void softmax(uint32_t n_outputs, uint32_t row, double *const *out)
{
    double max = out[0][row], sum = 0;
    for (uint32_t k = 1; k < n_outputs; k++)
        max = out[k][row] > max ? out[k][row] : max;
    for (uint32_t k = 0; k < n_outputs; k++) {
        out[k][row] = fd_exp(out[k][row] - max);
        sum += out[k][row];
    }
    for (uint32_t k = 0; k < n_outputs; k++)
        out[k][row] /= sum;
}

static double square(const fd_lgbm_objective *o, double x)
{
    return !o->roots ? x : x < 0 ? -x * x : x * x;
}

static void transform_output(const fd_lgbm_objective *o, uint32_t n, double *v)
{
#define EACH(expression)             \
    for (uint32_t i = 0; i < n; i++) \
    v[i] = (expression)
    switch (o->shape) {
    case FD_LGBM_ANY:
    case FD_LGBM_IDENTITY:
    case FD_LGBM_SOFTMAX:
        break;
    case FD_LGBM_SQUARE:
        EACH(square(o, v[i]));
        break;
    case FD_LGBM_EXP:
        EACH(fd_exp(v[i]));
        break;
    case FD_LGBM_SIGMOID:
    case FD_LGBM_SIGMOIDS:
        EACH(1 / (1 + fd_exp(-o->sigmoid * v[i])));
        break;
    case FD_LGBM_LOGISTIC:
        EACH(1 / (1 + fd_exp(-v[i])));
        break;
    case FD_LGBM_LOG_ONE_PLUS:
        EACH(fd_log_one_plus_exp(v[i]));
        break;
    }
#undef EACH
}

void fd_lgbm_transform(const void *objective, double *const *out, uint32_t n_outputs, uint32_t n)
{
    const fd_lgbm_objective *o = objective;
    for (uint32_t k = 0; k < n_outputs; k++) {
        for (uint32_t i = 0; i < n && o->divisor != 0; i++)
            out[k][i] /= o->divisor;
        transform_output(o, n, out[k]);
    }
    for (uint32_t i = 0; i < n && o->shape == FD_LGBM_SOFTMAX; i++)
        softmax(n_outputs, i, out);
}
