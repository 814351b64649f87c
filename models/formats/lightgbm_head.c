/* The head of a LightGBM file, and its objective; see lightgbm_int.h. */
#include "base/assert.h"
#include "formats/lightgbm_int.h"

/* X(name, needed): the lines of the head. */
#define HEAD_FIELDS(X)              \
    X(version, true)                \
    X(num_class, true)              \
    X(num_tree_per_iteration, true) \
    X(label_index, false)           \
    X(max_feature_idx, true)        \
    X(objective, false)             \
    X(average_output, false)        \
    X(feature_names, true)          \
    X(monotone_constraints, false)  \
    X(feature_infos, false)         \
    X(tree_sizes, true)

enum {
#define X(name, needed) HEAD_##name,
    HEAD_FIELDS(X)
#undef X
        N_HEAD
};

static const char *const head_keys[N_HEAD] = {
#define X(name, needed) #name,
    HEAD_FIELDS(X)
#undef X
};

static const bool head_needed[N_HEAD] = {
#define X(name, needed) needed,
    HEAD_FIELDS(X)
#undef X
};

static bool starts_with(fd_str s, const char *beginning)
{
    size_t n = strlen(beginning);
    return s.n >= n && memcmp(s.p, beginning, n) == 0;
}

static bool read_fields(fd_lgbm_reader *r, fd_lgbm_field *fields)
{
    if (!fd_lgbm_next_line(r) || !fd_str_eq_c(r->line, "tree"))
        return fd_lgbm_fail(r, 1, "not a LightGBM model: its first line is \"tree\"");
    bool trees = false;
    while (!trees && fd_lgbm_next_line(r)) {
        trees = starts_with(r->line, "Tree=") || fd_str_eq_c(r->line, "end of trees");
        if (!trees && r->line.n > 0 && !fd_lgbm_take_field(r, "head", head_keys, N_HEAD, fields))
            return false;
    }
    for (int i = 0; i < N_HEAD; i++) {
        if (head_needed[i] && fields[i].line == 0)
            return fd_lgbm_fail(r, r->line_no, "head: %s is missing", head_keys[i]);
    }
    return trees || fd_lgbm_fail(r, r->line_no, "ends before its first tree: it is truncated");
}

static bool read_count(fd_lgbm_reader *r, const fd_lgbm_field *fields, int key, int64_t min,
                       int64_t max, uint32_t *out)
{
    const int64_t *v = fd_lgbm_ints(r, head_keys[key], fields[key], 1, min, max);
    *out = v == NULL ? 0 : (uint32_t)*v;
    return v != NULL;
}

/* Names have no blanks in them: LightGBM replaces these. */
static bool read_names(fd_lgbm_reader *r, fd_lgbm_field f, fd_lgbm_head *h)
{
    uint32_t n = fd_lgbm_count_words(f.value);
    if (n != h->n_inputs)
        return fd_lgbm_fail(r, f.line, "feature_names has %u names, max_feature_idx is %u", n,
                            h->n_inputs - 1);
    char *text = fd_arena_alloc(r->arena, f.value.n + 1U);
    h->names = fd_arena_alloc(r->arena, n * sizeof *h->names);
    FD_ALLOCATED(text);
    FD_ALLOCATED(h->names);
    memcpy(text, f.value.p, f.value.n);
    text[f.value.n] = '\0';
    char *state = NULL;
    for (uint32_t i = 0; i < n; i++)
        h->names[i] = strtok_r(i == 0 ? text : NULL, " ", &state);
    return true;
}

bool fd_lgbm_read_head(fd_lgbm_reader *r, fd_lgbm_head *h)
{
    fd_lgbm_field f[N_HEAD] = {0};
    *h = (fd_lgbm_head){0};
    if (!read_fields(r, f))
        return false;
    fd_str version = f[HEAD_version].value;
    if (!fd_str_eq_c(version, "v3") && !fd_str_eq_c(version, "v4"))
        return fd_lgbm_fail(
            r, f[HEAD_version].line,
            "version \"%.20s\" is not v3 or v4: load and save it with LightGBM 3 or 4",
            fd_arena_str(r->arena, version).p);
    uint32_t n_classes = 0, max_input = 0;
    if (!read_count(r, f, HEAD_num_class, 1, FD_MODEL_MAX_OUTPUTS, &n_classes) ||
        !read_count(r, f, HEAD_num_tree_per_iteration, 1, FD_MODEL_MAX_OUTPUTS, &h->n_outputs) ||
        !read_count(r, f, HEAD_max_feature_idx, 0, FD_MODEL_MAX_INPUTS - 1, &max_input))
        return false;
    if (n_classes != h->n_outputs)
        return fd_lgbm_fail(r, f[HEAD_num_class].line,
                            "num_class is %u, num_tree_per_iteration is %u", n_classes,
                            h->n_outputs);
    h->n_inputs = max_input + 1;
    h->average = f[HEAD_average_output].line != 0;
    h->n_trees = fd_lgbm_count_words(f[HEAD_tree_sizes].value);
    if (h->n_trees == 0 || h->n_trees > FD_MODEL_MAX_TREES || h->n_trees % h->n_outputs != 0)
        return fd_lgbm_fail(r, f[HEAD_tree_sizes].line,
                            "tree_sizes: %u trees are not 1 to %d, a multiple of "
                            "num_tree_per_iteration (%u)",
                            h->n_trees, FD_MODEL_MAX_TREES, h->n_outputs);
    h->objective = f[HEAD_objective].value;
    h->objective_line = f[HEAD_objective].line;
    return read_names(r, f[HEAD_feature_names], h);
}
