/* `fraudd models score`: rows of inputs in, scores out, as the service computes them. */
#include <stdio.h>
#include <stdlib.h>

#include "app/models/models.h"
#include "base/assert.h"

enum { BLOCK = 1024, FLUSH_BYTES = 1 << 20 };

typedef struct scoring {
    const fd_models_options *o;
    const fd_manifest *m;
    uint32_t n_outputs;
    double **out;
} scoring;

static void add_number(const scoring *s, double x, fd_strbuf *out)
{
    bool odd = s->o->json && !(x - x == 0); /* JSON has no NaN */
    fd_strbuf_puts(out, odd ? "\"" : "");
    fd_strbuf_double(out, x);
    fd_strbuf_puts(out, odd ? "\"" : "");
}

static void add_row(const scoring *s, uint32_t row, fd_strbuf *out)
{
    fd_strbuf_puts(out, s->o->json ? "{\"score\": " : "");
    add_number(s, s->out[s->m->score][row], out);
    for (uint32_t o = 0; o < s->n_outputs && s->n_outputs > 1; o++) {
        fd_strbuf_puts(out, !s->o->json ? "," : o == 0 ? ", \"value\": [" : ", ");
        add_number(s, s->out[o][row], out);
    }
    fd_strbuf_puts(out, !s->o->json ? "\n" : s->n_outputs > 1 ? "]}\n" : "}\n");
}

static void add_head(const scoring *s, fd_strbuf *out)
{
    if (s->o->json)
        return;
    fd_strbuf_puts(out, "score");
    for (uint32_t o = 0; o < s->n_outputs && s->n_outputs > 1; o++)
        fd_strbuf_printf(out, ",value_%u", o);
    fd_strbuf_putc(out, '\n');
}

static bool score_all(const scoring *s, const fd_models_rows *rows)
{
    fd_manifest_run *run = fd_manifest_run_new(s->m, BLOCK);
    const double **columns = calloc(s->m->n_inputs + 1U, sizeof *columns);
    FD_ALLOCATED(columns);
    fd_strbuf out = {0};
    bool ok = true;
    add_head(s, &out);
    for (uint32_t from = 0; from < rows->n && ok; from += BLOCK) {
        uint32_t n = rows->n - from < BLOCK ? rows->n - from : BLOCK;
        for (uint32_t i = 0; i < s->m->n_inputs; i++)
            columns[i] = rows->inputs[i] + from;
        fd_manifest_score(run, columns, n, s->out);
        for (uint32_t r = 0; r < n; r++)
            add_row(s, r, &out);
        if (out.n >= FLUSH_BYTES)
            ok = fd_models_print(&out);
    }
    ok = ok && fd_models_print(&out);
    fd_strbuf_free(&out);
    free(columns);
    fd_manifest_run_free(run);
    return ok;
}

int fd_models_score(const fd_models_options *o, const fd_models *all, fd_diags *diags)
{
    const fd_manifest *m = fd_models_pick(o, all, diags);
    if (m == NULL)
        return FD_EXIT_USAGE;
    fd_models_rows rows;
    scoring s = {.o = o, .m = m, .n_outputs = fd_model_shape_of(m->model)->n_outputs};
    int code = FD_EXIT_CHECK;
    if (fd_models_rows_read(o->file, m, &rows, diags)) {
        s.out = calloc(s.n_outputs, sizeof *s.out);
        FD_ALLOCATED(s.out);
        for (uint32_t i = 0; i < s.n_outputs; i++) {
            s.out[i] = calloc(BLOCK, sizeof **s.out);
            FD_ALLOCATED(s.out[i]);
        }
        code = score_all(&s, &rows) ? FD_EXIT_OK : FD_EXIT_CHECK;
        for (uint32_t i = 0; i < s.n_outputs; i++)
            free(s.out[i]);
        free(s.out);
    }
    fd_models_rows_free(&rows);
    return code;
}
