/*
 * A manifest's model: the file and its hash, the loader, the inputs in the model's own order.
 * Loading.
 */
#include <ctype.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/file.h"
#include "formats/formats.h"
#include "manifest/manifest_int.h"

static bool is_hex(fd_str s)
{
    for (uint32_t i = 0; i < s.n; i++) {
        if (!isxdigit((unsigned char)s.p[i]))
            return false;
    }
    return s.n == FD_SHA256_CHARS;
}

static bool same_hex(fd_str said, const char *hex)
{
    for (uint32_t i = 0; i < said.n; i++) {
        if (tolower((unsigned char)said.p[i]) != hex[i])
            return false;
    }
    return true;
}

static bool check_hash(fd_manifest_def *d)
{
    fd_yaml *y = d->y;
    fd_manifest *m = &d->m;
    const char *hint = fd_arena_printf(y->arena, "write sha256: %s", m->sha256.hex);
    if (d->sha_node == NULL)
        fd_yaml_report(y, d->root, FD_ERROR, hint, "a manifest needs the file's sha256");
    else if (!is_hex(d->sha256))
        fd_yaml_report(y, d->sha_node, FD_ERROR, hint, "sha256: expected %d hex digits",
                       FD_SHA256_CHARS);
    else if (!same_hex(d->sha256, m->sha256.hex))
        fd_yaml_report(y, d->sha_node, FD_ERROR,
                       "the file is not the one that this manifest was written for",
                       "%s has the "
                       "sha256 %s, not %s",
                       m->path, m->sha256.hex, d->sha256.p);
    else
        return true;
    return false;
}

static bool choose_format(fd_manifest_def *d, fd_str bytes, fd_model_format *out)
{
    fd_yaml *y = d->y;
    fd_strbuf all = {0};
    for (int f = 0; f < FD_N_FORMATS; f++)
        fd_strbuf_printf(&all, "%s%s", f == 0 ? "formats are " : ", ",
                         fd_model_format_name((fd_model_format)f));
    bool ok;
    if (d->format_node != NULL) {
        ok = fd_model_format_parse(d->format, out);
        if (!ok)
            fd_yaml_report(y, d->format_node, FD_ERROR, all.p, "\"%.64s\" is not a format",
                           d->format.p);
    } else {
        ok = fd_model_format_guess(d->m.path, bytes, out);
        if (!ok)
            fd_yaml_report(y, d->file_node, FD_ERROR, all.p,
                           "the file's format cannot be told from its name: say format");
    }
    fd_strbuf_free(&all);
    return ok;
}

static bool read_model(fd_manifest_def *d, fd_diags *diags)
{
    fd_manifest *m = &d->m;
    fd_strbuf bytes = {0};
    const char *why;
    fd_model_format format;
    bool ok = fd_file_read(m->path, FD_MODEL_MAX_BYTES, &bytes, &why);
    if (!ok)
        fd_yaml_report(d->y, d->file_node, FD_ERROR,
                       "files are found from the manifest's directory", "%s: %s", m->path, why);
    fd_str text = {bytes.p, (uint32_t)bytes.n};
    if (ok) {
        m->sha256 = fd_sha256_of(bytes.p, bytes.n);
        m->version = fd_arena_str(d->y->arena, (fd_str){m->sha256.hex, FD_MODELS_VERSION_CHARS});
        ok = check_hash(d) && choose_format(d, text, &format);
    }
    if (ok) {
        size_t errors = diags->errors;
        d->model = fd_model_load(format, m->path, text, diags);
        m->model = d->model;
        ok = d->model != NULL;
        FD_ASSERT(ok || diags->errors > errors);
    }
    fd_strbuf_free(&bytes);
    return ok;
}

/* ---- inputs ---- */

static int by_name(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

static bool names_differ(fd_manifest_def *d, const fd_model_shape *shape)
{
    const char **sorted = calloc(shape->n_inputs + 1U, sizeof *sorted);
    FD_ALLOCATED(sorted);
    memcpy(sorted, shape->input_names, shape->n_inputs * sizeof *sorted);
    qsort(sorted, shape->n_inputs, sizeof *sorted, by_name);
    const char *twice = NULL;
    for (uint32_t i = 1; i < shape->n_inputs && twice == NULL; i++)
        twice = strcmp(sorted[i - 1], sorted[i]) == 0 ? sorted[i] : NULL;
    if (twice != NULL)
        fd_yaml_report(d->y, d->file_node, FD_ERROR, NULL,
                       "%s: two of the model's inputs are called \"%.64s\"", d->m.path, twice);
    free(sorted);
    return twice == NULL;
}

static void report_unknown(fd_manifest_def *d, const fd_model_shape *shape, uint32_t i)
{
    fd_yaml *y = d->y;
    const char *near = fd_did_you_mean(d->m.inputs[i].name.p, shape->input_names, shape->n_inputs);
    const char *hint;
    if (near != NULL)
        hint = fd_arena_printf(y->arena, "did you mean %s?", near);
    else
        hint = fd_arena_printf(y->arena, "the model has %u inputs; the first is %s",
                               shape->n_inputs, shape->n_inputs == 0 ? "" : shape->input_names[0]);
    fd_yaml_report(y, d->input_nodes[i], FD_ERROR, hint, "the model has no input \"%.64s\"",
                   d->m.inputs[i].name.p);
}

/* Brings the manifest's inputs into the model's order. Neither has a name twice. */
static bool order_by_name(fd_models *all, fd_manifest_def *d, const fd_model_shape *shape)
{
    fd_manifest *m = &d->m;
    size_t errors = d->y->diags->errors;
    fd_manifest_input *in = fd_arena_zalloc(all->arena, (shape->n_inputs + 1U) * sizeof *in);
    FD_ALLOCATED(in);
    for (uint32_t i = 0; i < m->n_inputs; i++) {
        uint32_t at = 0;
        while (at < shape->n_inputs && !fd_str_eq_c(m->inputs[i].name, shape->input_names[at]))
            at++;
        if (at == shape->n_inputs)
            report_unknown(d, shape, i);
        else
            in[at] = m->inputs[i];
    }
    for (uint32_t at = 0; at < shape->n_inputs; at++) {
        if (in[at].name.p == NULL)
            fd_yaml_report(d->y, d->inputs_node, FD_ERROR,
                           fd_arena_printf(d->y->arena, "add {name: %s, expression: ...}",
                                           shape->input_names[at]),
                           "the model's input \"%.64s\" is not given", shape->input_names[at]);
    }
    m->inputs = in;
    m->n_inputs = shape->n_inputs;
    return d->y->diags->errors == errors;
}

static bool bind_inputs(fd_models *all, fd_manifest_def *d)
{
    const fd_model_shape *shape = fd_model_shape_of(d->m.model);
    if (shape->input_names != NULL)
        return names_differ(d, shape) && order_by_name(all, d, shape);
    if (shape->n_inputs == d->m.n_inputs)
        return true;
    fd_yaml_report(d->y, d->inputs_node, FD_ERROR,
                   "the file names no inputs: they are given in its order",
                   "the model has %u inputs, the manifest %u", shape->n_inputs, d->m.n_inputs);
    return false;
}

/* Of two outputs the second is the probability of what is looked for. */
static bool bind_output(fd_manifest_def *d)
{
    uint32_t n = fd_model_shape_of(d->m.model)->n_outputs;
    if (!d->has_score)
        d->m.score = n == 2 ? 1 : 0;
    if (d->has_score ? d->m.score < n : n <= 2)
        return true;
    fd_yaml_report(d->y, d->has_score ? d->score_node : d->root, FD_ERROR,
                   "write score: 0 for the first; rules see the others as .value[i]",
                   "the model has %u outputs%s", n,
                   d->has_score ? "" : ": say which one is the score");
    return false;
}

/* Without codes a reason is the input's name; with some, inputs without one give none. */
static void name_reasons(fd_manifest_def *d)
{
    for (uint32_t i = 0; i < d->m.n_inputs && !d->has_codes; i++)
        ((fd_manifest_input *)(uintptr_t)&d->m.inputs[i])->code = d->m.inputs[i].name;
}

static bool bind_reasons(fd_manifest_def *d)
{
    if (d->m.top_reasons == 0)
        return true;
    const fd_model_shape *shape = fd_model_shape_of(d->m.model);
    double *row = calloc(shape->n_inputs + 1U, sizeof *row);
    double *parts = calloc(shape->n_inputs + 1U, sizeof *parts);
    FD_ALLOCATED(row);
    FD_ALLOCATED(parts);
    bool can = fd_model_contribute(d->m.model, row, d->m.score, parts);
    if (!can)
        fd_yaml_report(d->y, d->root, FD_ERROR, "leave reasons out",
                       "a model of this kind cannot say what its inputs contributed");
    free(row);
    free(parts);
    return can;
}

bool fd_manifest_bind(fd_models *all, fd_manifest_def *d, fd_diags *diags)
{
    if (!read_model(d, diags))
        return false;
    bool ok = bind_inputs(all, d);
    ok = bind_output(d) && ok;
    if (!ok)
        return false;
    name_reasons(d);
    return bind_reasons(d);
}
