/*
 * Scores matrices for the Python tests, which compare with the libraries that made the models: what
 * it prints are bits.
 *
 * Standard input has one job a line: FORMAT MODEL ROWS OUT CONTRIBUTIONS, separated by tabs. ROWS
 * is a file with two 64-bit numbers, rows and inputs, then the inputs' columns as doubles. OUT gets
 * rows and outputs, all outputs' raw scores, all outputs' transformed ones. CONTRIBUTIONS ("-":
 * none) gets rows and inputs + 1, then, per output and row, what each input contributed and the
 * bias. Standard output has one line per job: "ok INPUTS OUTPUTS TREES BYTES", or "error" and the
 * text.
 *
 * score_driver [--batch n]: rows at once.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "formats/formats.h"

static uint32_t batch = 256;

static fd_str read_file(const char *name)
{
    FILE *f = fopen(name, "rb");
    if (f == NULL) {
        fprintf(stderr, "score_driver: cannot read %s\n", name);
        exit(2);
    }
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *bytes = malloc(n + 1);
    FD_ALLOCATED(bytes);
    FD_ASSERT(fread(bytes, 1, n, f) == n);
    fclose(f);
    return (fd_str){bytes, (uint32_t)n};
}

typedef struct matrix {
    fd_str file;
    uint64_t rows, columns;
    const double *values; /* column after column */
} matrix;

static matrix read_matrix(const char *name)
{
    matrix m = {.file = read_file(name)};
    uint64_t head[2];
    FD_ASSERT(m.file.n >= sizeof head);
    memcpy(head, m.file.p, sizeof head);
    m.rows = head[0];
    m.columns = head[1];
    FD_ASSERT(m.file.n == sizeof head + m.rows * m.columns * sizeof(double));
    m.values = (const double *)(const void *)(m.file.p + sizeof head);
    return m;
}

static FILE *begin(const char *name, uint64_t rows, uint64_t columns)
{
    FILE *f = fopen(name, "wb");
    FD_ASSERT(f != NULL);
    uint64_t head[2] = {rows, columns};
    fwrite(head, sizeof head, 1, f);
    return f;
}

static void score(const fd_model *model, const matrix *x, fd_model_output which, FILE *to)
{
    const fd_model_shape *shape = fd_model_shape_of(model);
    const double **columns = calloc(x->columns + 1, sizeof *columns);
    double **out = calloc(shape->n_outputs, sizeof *out);
    double *scores = calloc(x->rows * shape->n_outputs + 1, sizeof *scores);
    fd_model_run *run = fd_model_run_new(model, batch);
    for (uint64_t from = 0; from < x->rows; from += batch) {
        uint64_t n = x->rows - from < batch ? x->rows - from : batch;
        for (uint64_t i = 0; i < x->columns; i++)
            columns[i] = x->values + i * x->rows + from;
        for (uint32_t o = 0; o < shape->n_outputs; o++)
            out[o] = scores + o * x->rows + from;
        fd_model_score(run, columns, (uint32_t)n, which, out);
    }
    fwrite(scores, sizeof *scores, x->rows * shape->n_outputs, to);
    fd_model_run_free(run);
    free(scores);
    free(out);
    free(columns);
}

/* False: this kind of model has none. */
static bool contribute(const fd_model *model, const matrix *x, FILE *to)
{
    const fd_model_shape *shape = fd_model_shape_of(model);
    double *row = calloc(x->columns + 1, sizeof *row), *parts = calloc(x->columns + 1, sizeof *row);
    bool ok = true;
    for (uint32_t o = 0; o < shape->n_outputs; o++) {
        for (uint64_t r = 0; r < x->rows && ok; r++) {
            for (uint64_t i = 0; i < x->columns; i++)
                row[i] = x->values[i * x->rows + r];
            ok = fd_model_contribute(model, row, o, parts);
            fwrite(parts, sizeof *parts, x->columns + 1, to);
        }
    }
    free(row);
    free(parts);
    return ok;
}

static void print_errors(const fd_diags *diags)
{
    fd_strbuf text = {0};
    fd_diags_render(diags, &text);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n' || text.p[i] == '\t')
            text.p[i] = ' ';
    }
    printf("error\t%s\n", text.p);
    fd_strbuf_free(&text);
}

static void score_all(const fd_model *model, char *const *job)
{
    const fd_model_shape *shape = fd_model_shape_of(model);
    matrix x = read_matrix(job[2]);
    if (x.columns != shape->n_inputs) {
        printf("error\tthe model has %u inputs, the rows %" PRIu64 "\n", shape->n_inputs,
               x.columns);
    } else {
        bool ok = true;
        FILE *f = begin(job[3], x.rows, shape->n_outputs);
        score(model, &x, FD_MODEL_RAW, f);
        score(model, &x, FD_MODEL_TRANSFORMED, f);
        fclose(f);
        if (strcmp(job[4], "-") != 0) {
            f = begin(job[4], x.rows, x.columns + 1);
            ok = contribute(model, &x, f);
            fclose(f);
        }
        if (ok)
            printf("ok\t%u\t%u\t%u\t%zu\n", shape->n_inputs, shape->n_outputs, shape->n_trees,
                   shape->bytes);
        else
            printf("error\tthis model has no contributions\n");
    }
    free((void *)(uintptr_t)x.file.p);
}

static void run_job(char *const *job)
{
    fd_diags diags;
    fd_model_format format;
    FD_ASSERT(fd_model_format_parse(fd_str_from(job[0]), &format));
    fd_diags_init(&diags);
    fd_str bytes = read_file(job[1]);
    fd_model *model = fd_model_load(format, job[1], bytes, &diags);
    if (model == NULL)
        print_errors(&diags);
    else
        score_all(model, job);
    fd_model_free(model);
    free((void *)(uintptr_t)bytes.p);
    fd_diags_free(&diags);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"batch", required_argument, NULL, 'b'}, {0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c != 'b')
            return 2;
        batch = (uint32_t)strtoul(optarg, NULL, 10);
    }
    char line[4096];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *job[5], *rest = line;
        line[strcspn(line, "\n")] = 0;
        for (int i = 0; i < 5; i++)
            job[i] = strsep(&rest, "\t");
        FD_ASSERT(job[4] != NULL && rest == NULL);
        run_job(job);
        fflush(stdout);
    }
    return 0;
}
