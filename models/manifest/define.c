/* A manifest's YAML into its definition; what it names is looked at later (bind.c). Loading. */
#include <math.h>

#include "base/assert.h"
#include "formats/formats.h"
#include "manifest/manifest_int.h"

#define MANIFEST_KEYS(X) \
    X(id)                \
    X(file)              \
    X(format)            \
    X(sha256)            \
    X(inputs)            \
    X(where)             \
    X(output)            \
    X(score)             \
    X(transform)         \
    X(self_test)         \
    X(tolerance)         \
    X(mode)              \
    X(reasons)
enum {
#define X(name) KEY_##name,
    MANIFEST_KEYS(X)
#undef X
        N_KEYS
};
static const char *const manifest_keys[] = {
#define X(name) #name,
    MANIFEST_KEYS(X)
#undef X
};

enum { INPUT_NAME, INPUT_EXPRESSION, INPUT_MISSING, N_INPUT_KEYS };
static const char *const input_keys[] = {"name", "expression", "missing"};
enum { REASONS_TOP, REASONS_CODES, N_REASONS_KEYS };
static const char *const reasons_keys[] = {"top", "codes"};
enum { TRANSFORM_PLATT, N_TRANSFORM_KEYS };
static const char *const transform_keys[] = {"platt"};
enum { PLATT_A, PLATT_B, N_PLATT_KEYS };
static const char *const platt_keys[] = {"a", "b"};

enum { TOP_MAX = 100 };

typedef struct parts {
    fd_models *all;
    const char *dir;
    fd_manifest_def *d;
    fd_yaml_node *at[N_KEYS];
} parts;

static void keep_node(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node, fd_yaml_node *value)
{
    (void)y;
    (void)key_node;
    parts *p = ctx;
    p->at[key] = value;
}

/* Which of some words it is; -1 after an error. */
static int choice(fd_yaml *y, const fd_yaml_node *n, const char *what, const char *const *words,
                  int n_words, const char *hint)
{
    fd_str text;
    if (!fd_yaml_text(y, n, what, &text))
        return -1;
    for (int i = 0; i < n_words; i++) {
        if (fd_str_eq_c(text, words[i]))
            return i;
    }
    fd_yaml_report(y, n, FD_ERROR, hint, "%s: \"%.64s\" is not one of them", what, text.p);
    return -1;
}

/* ---- inputs ---- */

typedef struct input_parts {
    fd_manifest_input in;
    fd_yaml_node *name;
} input_parts;

static void read_input_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                           fd_yaml_node *value)
{
    (void)key_node;
    input_parts *p = ctx;
    switch (key) {
    case INPUT_NAME:
        p->name = value;
        fd_yaml_text(y, value, "name", &p->in.name);
        break;
    case INPUT_EXPRESSION:
        fd_yaml_cel(y, value, "expression", &p->in.expression);
        break;
    default:
        fd_yaml_double(y, value, "missing", -1e300, 1e300, &p->in.missing);
    }
}

static void read_input(parts *p, fd_yaml_node *n, fd_manifest_input *inputs)
{
    fd_manifest_def *d = p->d;
    fd_yaml *y = d->y;
    input_parts in = {.in.missing = NAN, .name = n};
    uint64_t keys = fd_yaml_map(y, n, "an input", input_keys, N_INPUT_KEYS, read_input_key, &in);
    if ((keys >> INPUT_NAME & 1) == 0 || (keys >> INPUT_EXPRESSION & 1) == 0)
        fd_yaml_report(y, n, FD_ERROR,
                       "write {name: amount, expression: double(event.amount_minor)}",
                       "an input needs name and expression");
    for (uint32_t i = 0; i < d->m.n_inputs && in.in.name.p != NULL; i++) {
        if (fd_str_eq(inputs[i].name, in.in.name))
            fd_yaml_report(y, in.name, FD_ERROR, NULL, "input \"%s\" is given twice", in.in.name.p);
    }
    d->input_nodes[d->m.n_inputs] = in.name;
    inputs[d->m.n_inputs++] = in.in;
}

static void read_inputs(parts *p)
{
    fd_manifest_def *d = p->d;
    fd_yaml_node *n = d->inputs_node = p->at[KEY_inputs];
    if (n == NULL || !fd_yaml_is_list(d->y, n, "inputs"))
        return;
    size_t count = (size_t)(n->data.sequence.items.top - n->data.sequence.items.start);
    if (count == 0 || count > FD_MODEL_MAX_INPUTS) {
        fd_yaml_report(d->y, n, FD_ERROR, NULL, "a model has 1 to %d inputs", FD_MODEL_MAX_INPUTS);
        return;
    }
    fd_manifest_input *inputs = fd_arena_zalloc(p->all->arena, count * sizeof *inputs);
    d->input_nodes = fd_arena_zalloc(p->all->arena, count * sizeof *d->input_nodes);
    FD_ALLOCATED(inputs);
    FD_ALLOCATED(d->input_nodes);
    for (size_t i = 0; i < count; i++)
        read_input(p, fd_yaml_get(d->y, n->data.sequence.items.start[i]), inputs);
    d->m.inputs = inputs;
}

/* ---- what becomes of the output ---- */

static void read_platt_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                           fd_yaml_node *value)
{
    (void)key_node;
    fd_manifest *m = ctx;
    fd_yaml_double(y, value, platt_keys[key], -1e6, 1e6, key == PLATT_A ? &m->a : &m->b);
}

static void read_transform_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                               fd_yaml_node *value)
{
    (void)key_node;
    (void)key;
    fd_manifest *m = ctx;
    uint64_t keys = fd_yaml_map(y, value, "platt", platt_keys, N_PLATT_KEYS, read_platt_key, m);
    m->platt = true;
    if ((keys & 3) != 3)
        fd_yaml_report(y, value, FD_ERROR, "write transform: {platt: {a: -1.2, b: 0.1}}",
                       "platt needs a and b: 1 / (1 + exp(a x + b))");
}

static void read_transform(parts *p)
{
    static const char *const names[] = {"identity"};
    fd_manifest_def *d = p->d;
    fd_yaml_node *n = d->transform_node = p->at[KEY_transform];
    if (n == NULL)
        return;
    if (n->type == YAML_MAPPING_NODE)
        fd_yaml_map(d->y, n, "transform", transform_keys, N_TRANSFORM_KEYS, read_transform_key,
                    &d->m);
    else
        choice(d->y, n, "transform", names, 1, "transform is identity or {platt: {a: .., b: ..}}");
}

static void read_output(parts *p)
{
    static const char *const outputs[] = {"raw", "probability"};
    fd_manifest_def *d = p->d;
    d->m.output = FD_MODEL_TRANSFORMED;
    if (p->at[KEY_output] != NULL &&
        choice(d->y, p->at[KEY_output], "output", outputs, 2, "output is probability or raw") == 0)
        d->m.output = FD_MODEL_RAW;
    int64_t score = 0;
    d->score_node = p->at[KEY_score];
    d->has_score = d->score_node != NULL &&
                   fd_yaml_int(d->y, d->score_node, "score", 0, FD_MODEL_MAX_OUTPUTS - 1, &score);
    d->m.score = (uint32_t)score;
    read_transform(p);
}

/* ---- reasons ---- */

static void read_reasons_key(void *ctx, fd_yaml *y, int key, fd_yaml_node *key_node,
                             fd_yaml_node *value)
{
    (void)key_node;
    fd_manifest_def *d = ctx;
    int64_t top = 0;
    if (key == REASONS_TOP && fd_yaml_int(y, value, "top", 1, TOP_MAX, &top))
        d->m.top_reasons = (uint32_t)top;
    if (key != REASONS_CODES)
        return;
    d->has_codes = value->type == YAML_MAPPING_NODE;
    d->reasons_node = value;
    if (!d->has_codes)
        fd_yaml_report(y, value, FD_ERROR, "write codes: {amount: HIGH_AMOUNT}",
                       "codes: expected a mapping of inputs to reasons");
}

/* Codes are by the inputs' names, which are known by now. */
static void read_codes(fd_manifest_def *d)
{
    fd_yaml *y = d->y;
    uint32_t n = d->m.n_inputs;
    const char **names = fd_arena_alloc(y->arena, (n + 1U) * sizeof *names);
    FD_ALLOCATED(names);
    for (uint32_t i = 0; i < n; i++)
        names[i] = d->m.inputs[i].name.p == NULL ? "" : d->m.inputs[i].name.p;
    yaml_node_pair_t *end = d->reasons_node->data.mapping.pairs.top;
    for (yaml_node_pair_t *pair = d->reasons_node->data.mapping.pairs.start; pair < end; pair++) {
        fd_yaml_node *key = fd_yaml_get(y, pair->key);
        fd_str name, code;
        if (!fd_yaml_text(y, key, "an input's name", &name) ||
            !fd_yaml_text(y, fd_yaml_get(y, pair->value), "a reason", &code))
            continue;
        uint32_t i = 0;
        while (i < n && !fd_str_eq_c(name, names[i]))
            i++;
        const char *near = i < n ? NULL : fd_did_you_mean(name.p, names, n);
        if (i == n)
            fd_yaml_report(y, key, FD_ERROR,
                           near == NULL ? NULL
                                        : fd_arena_printf(y->arena, "did you mean %s?", near),
                           "codes: there is no input \"%.64s\"", name.p);
        else
            ((fd_manifest_input *)(uintptr_t)&d->m.inputs[i])->code = code;
    }
}

static void read_reasons(parts *p)
{
    fd_manifest_def *d = p->d;
    fd_yaml_node *n = p->at[KEY_reasons];
    if (n == NULL)
        return;
    uint64_t keys = fd_yaml_map(d->y, n, "reasons", reasons_keys, N_REASONS_KEYS, read_reasons_key,
                                d);
    if ((keys >> REASONS_TOP & 1) == 0)
        fd_yaml_report(d->y, n, FD_ERROR, "write reasons: {top: 3}",
                       "reasons needs how many there are at most (top)");
    if (d->has_codes)
        read_codes(d);
}

/* ---- the rest ---- */

static void read_text(parts *p, int key, fd_yaml_node **node, fd_str *out)
{
    *node = p->at[key];
    if (*node != NULL)
        fd_yaml_text(p->d->y, *node, manifest_keys[key], out);
}

static const char *beside(const parts *p, fd_str name)
{
    return name.p == NULL || name.p[0] == '/'
               ? name.p
               : fd_arena_printf(p->all->arena, "%s/%s", p->dir, name.p);
}

static void read_mode(parts *p)
{
    static const char *const modes[] = {"live", "shadow", "off"};
    fd_yaml_node *n = p->at[KEY_mode];
    int mode = n == NULL ? FD_MODE_LIVE
                         : choice(p->d->y, n, "mode", modes, 3, "modes are live, shadow and off");
    p->d->m.mode = mode < 0 ? FD_MODE_LIVE : (fd_rule_mode)mode;
}

static void require(parts *p)
{
    static const struct {
        int key;
        const char *hint;
    } needed[] = {{KEY_id, "write id: card_gbdt"},
                  {KEY_file, "write file: card_gbdt.ubj"},
                  {KEY_inputs, "write inputs: [{name: amount, expression: ...}]"}};
    fd_manifest_def *d = p->d;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (p->at[needed[i].key] == NULL)
            fd_yaml_report(d->y, d->root, FD_ERROR, needed[i].hint, "a manifest needs %s",
                           manifest_keys[needed[i].key]);
    }
}

bool fd_manifest_define(fd_models *all, const char *dir, fd_yaml *y, fd_manifest_def *d)
{
    size_t errors = y->diags->errors;
    parts p = {.all = all, .dir = dir, .d = d};
    *d = (fd_manifest_def){.y = y, .root = fd_yaml_root(y), .m.yaml = y->name, .m.tolerance = 1e-6};
    uint64_t keys = fd_yaml_map(y, d->root, "a manifest", manifest_keys, N_KEYS, keep_node, &p);
    fd_str file = {NULL, 0}, test = {NULL, 0};
    read_text(&p, KEY_id, &d->id_node, &d->m.id);
    read_text(&p, KEY_file, &d->file_node, &file);
    read_text(&p, KEY_format, &d->format_node, &d->format);
    read_text(&p, KEY_sha256, &d->sha_node, &d->sha256);
    read_text(&p, KEY_self_test, &d->test_node, &test);
    if (d->m.id.p != NULL)
        fd_yaml_check_name(y, d->id_node, d->m.id, "model");
    d->m.path = beside(&p, file);
    d->m.self_test = beside(&p, test);
    read_mode(&p);
    read_inputs(&p);
    read_output(&p);
    read_reasons(&p);
    if (p.at[KEY_where] != NULL)
        fd_yaml_cel(y, p.at[KEY_where], "where", &d->m.where);
    if (p.at[KEY_tolerance] != NULL)
        fd_yaml_double(y, p.at[KEY_tolerance], "tolerance", 0, 1, &d->m.tolerance);
    if (keys != UINT64_MAX)
        require(&p);
    return y->diags->errors == errors;
}
