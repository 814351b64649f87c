/*
 * LightGBM's text models, versions v3 and v4: a forest whose leaves are summed in double, tree by
 * tree in the order of the file, as Booster.predict does (src/boosting/gbdt_prediction.cpp,
 * include/LightGBM/tree.h of LightGBM 4.7). All trees of the file are used. A random forest's
 * (average_output) raw score is their sum, and its output their mean, as there.
 *
 * A model is immutable; any thread.
 */
#include "formats/formats.h"
#include "formats/lightgbm_int.h"
#include "score/forest_model.h"

/* Behind the trees Python notes which values its categories stand for; the trees know only their
 * numbers, and a value in place of a number would be another category. */
static void look_for_codes(fd_lgbm_reader *r)
{
    static const char key[] = "pandas_categorical:[[";
    while (fd_lgbm_next_line(r)) {
        if (r->line.n >= sizeof key - 1 && memcmp(r->line.p, key, sizeof key - 1) == 0)
            fd_diags_add(r->diags, &(fd_diag){.severity = FD_WARNING,
                                              .file = r->file,
                                              .line = r->line_no,
                                              .text = "trained on pandas categories: such an input "
                                                      "is the number of its value in this line's "
                                                      "list, from 0, not the value"});
    }
}

static fd_model *make(fd_lgbm_reader *r)
{
    fd_lgbm_head h;
    fd_lgbm_objective objective;
    fd_forest_spec spec = {.sum = FD_SUM_DOUBLE_FROM_ZERO};
    if (!fd_lgbm_read_head(r, &h) || !fd_lgbm_read_objective(r, &h, &objective) ||
        !fd_lgbm_read_trees(r, &h, &spec))
        return NULL;
    look_for_codes(r);
    objective.divisor = h.average ? spec.n_trees / h.n_outputs : 0;
    fd_forest *forest = fd_forest_new(&spec, r->file, r->diags);
    if (forest == NULL)
        return NULL;
    const fd_model_shape shape = {
        .format = "lightgbm",
        .n_inputs = h.n_inputs,
        .input_names = h.names,
        .n_outputs = h.n_outputs,
        .n_trees = spec.n_trees,
    };
    return fd_forest_model(forest, shape, fd_lgbm_transform, &objective, sizeof objective);
}

fd_model *fd_lightgbm(const char *file, fd_str bytes, fd_diags *diags)
{
    fd_lgbm_reader r = {.file = file,
                        .diags = diags,
                        .arena = fd_arena_new(1 << 16, 0),
                        .scratch = fd_arena_new(1 << 14, 0),
                        .p = bytes.p,
                        .end = bytes.p + bytes.n};
    fd_model *m = make(&r);
    fd_arena_free(r.arena);
    fd_arena_free(r.scratch);
    return m;
}
