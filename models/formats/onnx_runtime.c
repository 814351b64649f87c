/*
 * ONNX models that fraudd does not run itself, through ONNX Runtime's C API; no other file knows
 * it. The file is read by fraudd first: which inputs there are and which output has the scores is
 * told as for all other ONNX models.
 *
 * Determinism: rows are given to the runtime one by one, because its matrix products add in another
 * order for a single row than for several, and a score must not depend on the batch. One thread,
 * nodes in order. What the processor's instructions change in the last digits is the runtime's own.
 *
 * Errors: at load the runtime's words become an error, and a row of zeros is scored to see what
 * comes out. A call that fails later makes that row's scores NaN, and nothing else happens.
 *
 * Threads: loading has one owner; a session may be run by any number of threads, each with its own
 * scratch memory. Memory that the runtime takes for a row is its own and is given back.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <onnxruntime_c_api.h>

#include "formats/onnx_int.h"

/* An input of the graph: some of the model's columns. */
typedef struct part {
    ONNXTensorElementDataType type;
    uint32_t first, width; /* columns */
    size_t offset, bytes;  /* in scratch memory */
} part;

typedef struct runtime_model {
    fd_arena *arena;
    const OrtApi *api;
    OrtEnv *env;
    OrtSession *session;
    OrtMemoryInfo *memory;
    OrtAllocator *allocator; /* the runtime's, never released */
    part *parts;
    const char **names; /* of parts */
    uint32_t n_parts, n_inputs;
    const char *output;
    bool is_map;          /* the output is ZipMap's list of maps */
    bool classes;         /* of two values the second is the score */
    uint32_t n_values;    /* that the runtime says of a row, */
    uint32_t first_value; /* and the first of them that is a score */
    size_t scratch_bytes;
} runtime_model;

/* One use of the API, and why it failed. */
typedef struct use {
    const runtime_model *m;
    char why[400];
} use;

static bool good(use *u, OrtStatus *status)
{
    if (status == NULL)
        return true;
    snprintf(u->why, sizeof u->why, "%s", u->m->api->GetErrorMessage(status));
    u->m->api->ReleaseStatus(status);
    return false;
}

static bool bad(use *u, const char *why)
{
    snprintf(u->why, sizeof u->why, "%s", why);
    return false;
}

/* ---- a row ---- */

static int64_t whole(double x)
{
    return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN;
}

static int32_t whole32(double x)
{
    return x > -0x1p31 - 1 && x < 0x1p31 ? (int32_t)x : INT32_MIN;
}

static void put(const part *p, char *at, const double *const *columns, uint32_t row)
{
    for (uint32_t i = 0; i < p->width; i++) {
        double x = columns[p->first + i][row];
        if (p->type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT)
            ((float *)(void *)at)[i] = (float)x;
        else if (p->type == ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE)
            ((double *)(void *)at)[i] = x;
        else if (p->type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64)
            ((int64_t *)(void *)at)[i] = whole(x);
        else if (p->type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32)
            ((int32_t *)(void *)at)[i] = whole32(x);
        else
            ((bool *)(void *)at)[i] = whole(x) != 0;
    }
}

/* Tensors over the scratch memory, for all rows of a call. */
static bool begin(use *u, char *scratch)
{
    const runtime_model *m = u->m;
    OrtValue **inputs = (OrtValue **)(void *)scratch;
    memset(inputs, 0, m->n_parts * sizeof(OrtValue *));
    for (uint32_t i = 0; i < m->n_parts; i++) {
        const part *p = &m->parts[i];
        const int64_t dims[] = {1, p->width};
        if (!good(u, m->api->CreateTensorWithDataAsOrtValue(
                         m->memory, scratch + p->offset, p->bytes, dims, 2, p->type, &inputs[i])))
            return false;
    }
    return true;
}

static void end(const runtime_model *m, char *scratch)
{
    OrtValue **inputs = (OrtValue **)(void *)scratch;
    for (uint32_t i = 0; i < m->n_parts; i++)
        m->api->ReleaseValue(inputs[i]);
}

static bool read_tensor(use *u, OrtValue *v, double *values, size_t *n)
{
    const OrtApi *api = u->m->api;
    OrtTensorTypeAndShapeInfo *info = NULL;
    ONNXTensorElementDataType type = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    void *data = NULL;
    bool ok = good(u, api->GetTensorTypeAndShape(v, &info)) &&
              good(u, api->GetTensorElementType(info, &type)) &&
              good(u, api->GetTensorShapeElementCount(info, n)) &&
              good(u, api->GetTensorMutableData(v, &data));
    api->ReleaseTensorTypeAndShapeInfo(info);
    if (!ok)
        return false;
    if (*n == 0 || *n > FD_MODEL_MAX_OUTPUTS)
        return bad(u, "a row has no score, or too many of them");
    if (type != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT && type != ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE)
        return bad(u, "the output of scores holds no floats");
    for (size_t i = 0; i < *n; i++)
        values[i] = type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ? (double)((const float *)data)[i]
                                                                : ((const double *)data)[i];
    return true;
}

/* The values of the only map in a list; they are in the order of their keys. */
static bool read_map(use *u, const OrtValue *list, double *values, size_t *n)
{
    const OrtApi *api = u->m->api;
    OrtAllocator *a = u->m->allocator;
    OrtValue *map = NULL, *tensor = NULL;
    bool ok = good(u, api->GetValue(list, 0, a, &map)) &&
              good(u, api->GetValue(map, 1, a, &tensor)) && read_tensor(u, tensor, values, n);
    api->ReleaseValue(tensor);
    api->ReleaseValue(map);
    return ok;
}

/* All values of one row, at most FD_MODEL_MAX_OUTPUTS of them. */
static bool run_row(use *u, char *scratch, const double *const *columns, uint32_t row,
                    double *values, size_t *n)
{
    const runtime_model *m = u->m;
    const OrtValue *const *inputs = (const OrtValue *const *)(void *)scratch;
    OrtValue *made = NULL;
    for (uint32_t i = 0; i < m->n_parts; i++)
        put(&m->parts[i], scratch + m->parts[i].offset, columns, row);
    bool ok = good(u, m->api->Run(m->session, NULL, m->names, inputs, m->n_parts, &m->output, 1,
                                  &made)) &&
              (m->is_map ? read_map(u, made, values, n) : read_tensor(u, made, values, n));
    m->api->ReleaseValue(made);
    return ok;
}

static void score(const void *impl, void *scratch, const double *const *columns, uint32_t n,
                  fd_model_output which, double *const *out)
{
    (void)which;
    const runtime_model *m = impl;
    use u = {.m = m};
    double values[FD_MODEL_MAX_OUTPUTS];
    bool ready = begin(&u, scratch);
    for (uint32_t row = 0; row < n; row++) {
        size_t got = 0;
        bool ok = ready && run_row(&u, scratch, columns, row, values, &got) && got == m->n_values;
        for (uint32_t i = m->first_value; i < m->n_values; i++)
            out[i - m->first_value][row] = ok ? values[i] : NAN;
    }
    end(m, scratch);
}

static size_t scratch_bytes(const void *impl, uint32_t max_rows)
{
    (void)max_rows;
    const runtime_model *m = impl;
    return m->scratch_bytes;
}

/* ---- loading ---- */

static void free_model(void *impl)
{
    runtime_model *m = impl;
    if (m->api != NULL) {
        m->api->ReleaseMemoryInfo(m->memory);
        m->api->ReleaseSession(m->session);
        m->api->ReleaseEnv(m->env);
    }
    fd_arena_free(m->arena);
    free(m);
}

static const fd_model_ops ops = {
    .score = score, .scratch_bytes = scratch_bytes, .free = free_model};

static const char *keep(runtime_model *m, fd_str s)
{
    const char *kept = fd_arena_printf(m->arena, FD_STR_FMT, FD_STR_ARG(s));
    FD_ALLOCATED(kept);
    return kept;
}

static bool has_classifier(const fd_onnx_graph *g)
{
    static const char word[] = "Classifier";
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        fd_str op = g->nodes[i].op;
        if (op.n >= sizeof word - 1 &&
            memcmp(op.p + op.n - (sizeof word - 1), word, sizeof word - 1) == 0)
            return true;
    }
    return false;
}

static size_t element_size(ONNXTensorElementDataType type)
{
    return type == ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL ? sizeof(bool)
           : type == ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT ||
                   type == ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32
               ? 4
               : 8;
}

static bool add_part(fd_onnx_builder *b, runtime_model *m, const fd_onnx_io *io, const char **names)
{
    enum { ALIGN = 64 };
    if (io->dims[0] > 1)
        return fd_onnx_error(b, "input \"" FD_STR_FMT "\" is %lld rows, no more and no less",
                             FD_STR_ARG(io->name), (long long)io->dims[0]);
    part *last = m->n_parts == 0 ? NULL : &m->parts[m->n_parts - 1];
    part *p = &m->parts[m->n_parts];
    m->names[m->n_parts++] = keep(m, io->name);
    p->type = (ONNXTensorElementDataType)io->type; /* the numbers are ONNX's */
    p->first = last == NULL ? 0 : last->first + last->width;
    p->width = (uint32_t)io->dims[1];
    p->bytes = p->width * element_size(p->type);
    p->offset = m->scratch_bytes;
    m->scratch_bytes += (p->bytes + ALIGN - 1) / ALIGN * ALIGN;
    fd_onnx_input_names(b, io, names + p->first);
    return true;
}

static bool describe(fd_onnx_builder *b, runtime_model *m, const char ***names)
{
    fd_onnx_value constant = {0};
    const fd_onnx_io *output = fd_onnx_choose_output(&b->g, &m->classes);
    if (output == NULL)
        return fd_onnx_error(b, "the graph has no output of floats");
    m->output = keep(m, output->name);
    m->is_map = !output->is_tensor;
    m->classes = m->classes || has_classifier(&b->g);
    fd_onnx_make_names(b);
    for (uint32_t i = 0; i < b->g.n_consts; i++)
        fd_onnx_find(b, fd_onnx_tensor_name(b->g.consts[i]))->value = &constant;
    if (!fd_onnx_count_inputs(b, &m->n_inputs))
        return false;
    *names = fd_onnx_alloc(b->scratch, m->n_inputs, sizeof **names);
    m->parts = fd_onnx_alloc(m->arena, b->g.n_inputs, sizeof *m->parts);
    m->names = fd_onnx_alloc(m->arena, b->g.n_inputs, sizeof *m->names);
    m->scratch_bytes = (b->g.n_inputs * sizeof(OrtValue *) + 63) / 64 * 64;
    for (uint32_t i = 0; i < b->g.n_inputs; i++) {
        const fd_onnx_io *io = &b->g.inputs[i];
        if (fd_onnx_find(b, io->name)->value == NULL && !add_part(b, m, io, *names))
            return false;
    }
    return true;
}

/* What goes wrong is in the statuses; the service's log is not the runtime's to write. */
static void ORT_API_CALL log_nothing(void *param, OrtLoggingLevel severity, const char *category,
                                     const char *id, const char *place, const char *message)
{
    (void)param, (void)severity, (void)category, (void)id, (void)place, (void)message;
}

static bool configure(use *u, OrtSessionOptions *o)
{
    const OrtApi *api = u->m->api;
    return good(u, api->SetIntraOpNumThreads(o, 1)) && good(u, api->SetInterOpNumThreads(o, 1)) &&
           good(u, api->SetSessionExecutionMode(o, ORT_SEQUENTIAL)) &&
           good(u, api->SetDeterministicCompute(o, true)) &&
           good(u, api->SetSessionGraphOptimizationLevel(o, ORT_ENABLE_BASIC)) &&
           good(u, api->AddSessionConfigEntry(o, "session.load_model_format", "ONNX"));
}

static bool start(use *u, runtime_model *m, fd_str bytes)
{
    m->api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    if (m->api == NULL)
        return bad(u, "the library is older than the one this program was built with");
    OrtSessionOptions *options = NULL;
    bool ok =
        good(u, m->api->CreateEnvWithCustomLogger(log_nothing, NULL, ORT_LOGGING_LEVEL_FATAL,
                                                  "fraudd", &m->env)) &&
        good(u, m->api->CreateSessionOptions(&options)) && configure(u, options) &&
        good(u, m->api->CreateSessionFromArray(m->env, bytes.p, bytes.n, options, &m->session)) &&
        good(u, m->api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &m->memory)) &&
        good(u, m->api->GetAllocatorWithDefaultOptions(&m->allocator));
    m->api->ReleaseSessionOptions(options);
    return ok;
}

/* One row of zeros: how many values there are, and that the model runs at all. */
static bool try_out(use *u, runtime_model *m)
{
    static const double zero = 0;
    double values[FD_MODEL_MAX_OUTPUTS];
    size_t n = 0;
    const double **columns = calloc(m->n_inputs, sizeof *columns);
    char *scratch = aligned_alloc(64, m->scratch_bytes);
    FD_ALLOCATED(columns);
    FD_ALLOCATED(scratch);
    for (uint32_t i = 0; i < m->n_inputs; i++)
        columns[i] = &zero;
    bool ok = begin(u, scratch) && run_row(u, scratch, columns, 0, values, &n);
    end(m, scratch);
    free(scratch);
    free(columns);
    m->n_values = (uint32_t)n;
    m->first_value = n == 2 && m->classes ? 1 : 0;
    return ok;
}

static bool load(fd_onnx_builder *b, runtime_model *m, fd_str bytes, const char ***names)
{
    if (!fd_onnx_read(b, bytes) || !fd_onnx_self_contained(b, bytes) || !describe(b, m, names))
        return false;
    use u = {.m = m};
    return (start(&u, m, bytes) && try_out(&u, m)) || fd_onnx_error(b, "ONNX Runtime: %s", u.why);
}

fd_model *fd_onnx_runtime(const char *file, fd_str bytes, fd_diags *diags)
{
    fd_onnx_builder b = {.file = file, .diags = diags};
    const char **names = NULL;
    fd_model *model = NULL;
    runtime_model *m = calloc(1, sizeof *m);
    FD_ALLOCATED(m);
    m->arena = fd_arena_new(1 << 12, 0);
    b.scratch = fd_arena_new(1 << 16, 0);
    if (load(&b, m, bytes, &names)) {
        fd_model_shape shape = {.format = fd_model_format_name(FD_FORMAT_ONNX_RUNTIME),
                                .n_inputs = m->n_inputs,
                                .input_names = m->n_parts > 1 || m->n_inputs == 1 ? names : NULL,
                                .n_outputs = m->n_values - m->first_value,
                                .bytes = sizeof *m + fd_arena_held(m->arena) + bytes.n};
        model = fd_model_new(&shape, &ops, m);
    } else {
        free_model(m);
    }
    fd_arena_free(b.scratch);
    return model;
}

fd_model *fd_onnx_hand_over(const char *file, fd_str bytes, const fd_diags *refusal,
                            fd_diags *diags)
{
    fd_model *model = fd_onnx_runtime(file, bytes, diags);
    if (model != NULL)
        fd_onnx_tell(refusal, FD_WARNING,
                     "ONNX Runtime runs this model; with `format: onnx-runtime` it is meant to",
                     diags);
    else
        fd_onnx_tell(refusal, FD_ERROR, NULL, diags);
    return model;
}
