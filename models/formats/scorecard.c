/*
 * Scorecards and logistic regressions in YAML: the file as a whole and its inputs. The format is
 * described in docs/models.md. Any thread; one owner while it loads.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/scorecard_int.h"

#define FILE_KEYS(X)  X(version) X(type) X(base) X(intercept) X(link) X(inputs)
#define INPUT_KEYS(X) X(name) X(reason) X(bins) X(otherwise) X(missing) X(weight) X(mean) X(scale)

#define AS_TEXT(key) #key,
static const char *const file_keys[] = {FILE_KEYS(AS_TEXT)};
static const char *const input_keys[] = {INPUT_KEYS(AS_TEXT)};
#undef AS_TEXT

enum file_key {
#define X(key) FILE_##key,
    FILE_KEYS(X)
#undef X
        N_FILE_KEYS
};
enum input_key {
#define X(key) INPUT_##key,
    INPUT_KEYS(X)
#undef X
        N_INPUT_KEYS
};

typedef struct loading {
    fd_card *card;
    fd_yaml_node *inputs;
    uint64_t seen; /* of the input that is read, by key */
    fd_card_input *in;
} loading;

void *fd_card_alloc(fd_arena *arena, size_t n, size_t size)
{
    void *p = fd_arena_zalloc(arena, (n + 1) * size);
    FD_ALLOCATED(p);
    return p;
}

static bool has(uint64_t keys, int key)
{
    return (keys >> key & 1) != 0;
}

static void read_number(fd_yaml *y, const fd_yaml_node *n, const char *what, double *out)
{
    double v;
    if (fd_yaml_double(y, n, what, -DBL_MAX, DBL_MAX, &v))
        *out = v;
}

/* One of two words. */
static void read_choice(fd_yaml *y, const fd_yaml_node *n, const char *what,
                        const char *const *words, bool *second)
{
    fd_str text;
    if (!fd_yaml_text(y, n, what, &text))
        return;
    *second = fd_str_eq_c(text, words[1]);
    if (*second || fd_str_eq_c(text, words[0]))
        return;
    const char *near = fd_did_you_mean(text.p, words, 2);
    char *hint = near == NULL ? NULL : fd_arena_printf(y->arena, "did you mean \"%s\"?", near);
    fd_yaml_report(y, n, FD_ERROR, hint, "%s is %s or %s, not \"%s\"", what, words[0], words[1],
                   text.p);
}

static const char *read_name(fd_yaml *y, const fd_yaml_node *n, const char *what, fd_arena *arena)
{
    fd_str text;
    if (!fd_yaml_text(y, n, what, &text))
        return NULL;
    if (text.n == 0) {
        fd_yaml_report(y, n, FD_ERROR, NULL, "%s is empty", what);
        return NULL;
    }
    text = fd_arena_str(arena, text);
    FD_ALLOCATED(text.p);
    return text.p;
}

/* ---- an input ---- */

static void read_scale(fd_yaml *y, const fd_yaml_node *n, double *out)
{
    read_number(y, n, "scale", out);
    if (*out == 0)
        fd_yaml_report(y, n, FD_ERROR, "values are divided by it", "scale is 0");
}

static void read_missing(fd_yaml *y, fd_yaml_node *value, loading *l)
{
    if (!l->card->logistic) {
        fd_card_read_points(y, value, "missing", &l->in->missing);
        return;
    }
    l->in->has_missing = true;
    read_number(y, value, "missing", &l->in->missing_value);
}

static void read_input_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                           fd_yaml_node *value)
{
    loading *l = ctx;
    fd_card_input *in = l->in;
    bool of_logistic = key == INPUT_weight || key == INPUT_mean || key == INPUT_scale;
    bool of_card = key == INPUT_bins || key == INPUT_otherwise;
    if (l->card->logistic ? of_card : of_logistic) {
        fd_yaml_report(y, key_node, FD_ERROR, NULL, "%s belongs to type: %s", input_keys[key],
                       of_card ? "scorecard" : "logistic");
        return;
    }
    switch ((enum input_key)key) {
    case INPUT_name:
        in->name = read_name(y, value, "name", l->card->arena);
        break;
    case INPUT_reason:
        in->reason = read_name(y, value, "reason", l->card->arena);
        break;
    case INPUT_bins:
        fd_card_read_bins(y, value, in);
        break;
    case INPUT_otherwise:
        fd_card_read_points(y, value, "otherwise", &in->otherwise);
        break;
    case INPUT_missing:
        read_missing(y, value, l);
        break;
    case INPUT_weight:
        read_number(y, value, "weight", &in->weight);
        break;
    case INPUT_mean:
        read_number(y, value, "mean", &in->mean);
        break;
    case INPUT_scale:
        read_scale(y, value, &in->scale);
        break;
    case N_INPUT_KEYS:
        break;
    }
}

static void check_input(fd_yaml *y, fd_yaml_node *node, loading *l)
{
    const fd_card_input *in = l->in;
    for (const fd_card_input *other = l->card->inputs; in->name != NULL && other < in; other++) {
        if (other->name != NULL && strcmp(other->name, in->name) == 0)
            fd_yaml_report(y, node, FD_ERROR, NULL, "there are two inputs \"%s\"", in->name);
    }
    if (!has(l->seen, INPUT_name))
        fd_yaml_report(y, node, FD_ERROR, "add name: ...", "an input has no name");
    if (l->card->logistic) {
        if (!has(l->seen, INPUT_weight))
            fd_yaml_report(y, node, FD_ERROR, "add weight: ...", "the input has no weight");
        return;
    }
    if (!has(l->seen, INPUT_bins))
        fd_yaml_report(y, node, FD_ERROR, "add bins: [{below: 10, points: 1}, ...]",
                       "the input has no bins");
    else
        fd_card_check_bins(y, node, l->in);
}

static void read_inputs(fd_yaml *y, loading *l)
{
    fd_card *card = l->card;
    if (!fd_yaml_is_list(y, l->inputs, "inputs"))
        return;
    yaml_node_item_t *items = l->inputs->data.sequence.items.start;
    ptrdiff_t n = l->inputs->data.sequence.items.top - items;
    if (n == 0 || n > FD_MODEL_MAX_INPUTS) {
        fd_yaml_report(y, l->inputs, FD_ERROR, NULL, "%td inputs, not 1 to %d", n,
                       FD_MODEL_MAX_INPUTS);
        return;
    }
    card->inputs = fd_card_alloc(card->arena, (size_t)n, sizeof *card->inputs);
    for (ptrdiff_t i = 0; i < n; i++) {
        fd_yaml_node *node = fd_yaml_get(y, items[i]);
        l->in = &card->inputs[card->n_inputs++];
        l->in->scale = 1;
        size_t before = y->diags->errors;
        l->seen = fd_yaml_map(y, node, "an input", input_keys, N_INPUT_KEYS, read_input_key, l);
        if (y->diags->errors == before)
            check_input(y, node, l);
    }
}

/* ---- the file ---- */

/* First of all: what other keys mean depends on it. */
static void read_type(fd_yaml *y, fd_yaml_node *root, fd_card *card)
{
    static const char *const types[] = {"scorecard", "logistic"};
    yaml_node_pair_t *end = root->data.mapping.pairs.top;
    for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < end; p++) {
        const fd_yaml_node *key = fd_yaml_get(y, p->key);
        if (key->type == YAML_SCALAR_NODE &&
            strcmp((const char *)key->data.scalar.value, "type") == 0)
            read_choice(y, fd_yaml_get(y, p->value), "type", types, &card->logistic);
    }
    card->logit = card->logistic;
}

static void read_file_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                          fd_yaml_node *value)
{
    static const char *const links[] = {"none", "logit"};
    loading *l = ctx;
    int64_t version;
    switch ((enum file_key)key) {
    case FILE_version:
        fd_yaml_int(y, value, "version", 1, 1, &version);
        break;
    case FILE_base:
    case FILE_intercept:
        if (l->card->logistic != (key == FILE_intercept))
            fd_yaml_report(y, key_node, FD_ERROR, NULL, "%s belongs to type: %s", file_keys[key],
                           key == FILE_base ? "scorecard" : "logistic");
        read_number(y, value, file_keys[key], &l->card->base);
        break;
    case FILE_link:
        read_choice(y, value, "link", links, &l->card->logit);
        break;
    case FILE_inputs:
        l->inputs = value;
        break;
    case FILE_type:
    case N_FILE_KEYS:
        break;
    }
}

static void require(fd_yaml *y, fd_yaml_node *root, uint64_t keys, int key, const char *hint)
{
    if (!has(keys, key))
        fd_yaml_report(y, root, FD_ERROR, hint, "the file has no %s", file_keys[key]);
}

static void read_file(fd_yaml *y, loading *l)
{
    fd_yaml_node *root = fd_yaml_root(y);
    if (root == NULL) {
        fd_diags_error(y->diags, "%s: the file is empty", y->name);
        return;
    }
    if (root->type == YAML_MAPPING_NODE)
        read_type(y, root, l->card);
    uint64_t keys = fd_yaml_map(y, root, "a scorecard", file_keys, N_FILE_KEYS, read_file_key, l);
    require(y, root, keys, FILE_version, "add version: 1 as the first line");
    require(y, root, keys, FILE_type, "add type: scorecard, or type: logistic");
    if (l->card->logistic)
        require(y, root, keys, FILE_intercept, "add intercept: ... (0, when it has none)");
    else
        require(y, root, keys, FILE_base, "add base: ... (0, when it has none)");
    require(y, root, keys, FILE_inputs, "add inputs: with one \"- name: ...\" for each");
    if (l->inputs != NULL)
        read_inputs(y, l);
}

static fd_model *finish(fd_card *card)
{
    const char **names = fd_card_alloc(card->arena, card->n_inputs, sizeof *names);
    card->least = card->base;
    for (uint32_t i = 0; i < card->n_inputs; i++) {
        names[i] = card->inputs[i].name;
        if (!card->logistic)
            fd_card_keep_bins(card, &card->inputs[i]);
        card->least += card->inputs[i].least;
    }
    const fd_model_shape shape = {.format = fd_model_format_name(FD_FORMAT_SCORECARD),
                                  .n_inputs = card->n_inputs,
                                  .input_names = names,
                                  .n_outputs = 1,
                                  .bytes = sizeof *card + fd_arena_held(card->arena)};
    return fd_model_new(&shape, &fd_card_ops, card);
}

fd_model *fd_scorecard(const char *file, fd_str bytes, fd_diags *diags)
{
    size_t before = diags->errors;
    fd_yaml y;
    fd_arena *arena = fd_arena_new(1 << 14, 0);
    fd_card *card = calloc(1, sizeof *card);
    FD_ALLOCATED(card);
    card->arena = fd_arena_new(1 << 12, 0);
    loading l = {.card = card};
    if (fd_yaml_load(&y, file, bytes, arena, diags))
        read_file(&y, &l);
    fd_model *model = diags->errors == before ? finish(card) : NULL;
    fd_yaml_free(&y);
    fd_arena_free(arena);
    if (model == NULL)
        fd_card_ops.free(card);
    return model;
}
