/* `fraudd models explain`: what each input of a row added to its score. Main thread. */
#include <stdio.h>
#include <stdlib.h>

#include "app/models/models.h"
#include "base/assert.h"

typedef struct explaining {
    const fd_models_options *o;
    const fd_manifest *m;
    const fd_models_rows *rows;
    double *row;
    fd_arena *arena;
} explaining;

static void add_number(double x, bool json, fd_strbuf *out)
{
    bool odd = json && !(x - x == 0);
    fd_strbuf_puts(out, odd ? "\"" : "");
    fd_strbuf_double(out, x);
    fd_strbuf_puts(out, odd ? "\"" : "");
}

static void add_json(const explaining *e, uint32_t row, const fd_manifest_reasons *why,
                     fd_strbuf *out)
{
    const fd_manifest *m = e->m;
    fd_strbuf_printf(out, "{\"row\": %u, \"bias\": ", row + 1);
    add_number(why->contributions[m->n_inputs], true, out);
    fd_strbuf_puts(out, ", \"contributions\": {");
    for (uint32_t i = 0; i < m->n_inputs; i++) {
        fd_strbuf_puts(out, i == 0 ? "" : ", ");
        fd_strbuf_json(out, m->inputs[i].name);
        fd_strbuf_puts(out, ": ");
        add_number(why->contributions[i], true, out);
    }
    fd_strbuf_puts(out, "}, \"reasons\": [");
    for (uint32_t i = 0; i < why->n; i++) {
        fd_strbuf_puts(out, i == 0 ? "" : ", ");
        fd_strbuf_json(out, m->inputs[why->inputs[i]].code);
    }
    fd_strbuf_puts(out, "]}\n");
}

static void add_csv(const explaining *e, uint32_t row, const fd_manifest_reasons *why,
                    fd_strbuf *out)
{
    fd_strbuf_printf(out, "%u", row + 1);
    for (uint32_t i = 0; i <= e->m->n_inputs; i++) {
        fd_strbuf_putc(out, ',');
        add_number(why->contributions[i], false, out);
    }
    fd_strbuf_putc(out, ',');
    for (uint32_t i = 0; i < why->n; i++)
        fd_strbuf_printf(out, "%s%s", i == 0 ? "" : " ", e->m->inputs[why->inputs[i]].code.p);
    fd_strbuf_putc(out, '\n');
}

static void add_head(const explaining *e, fd_strbuf *out)
{
    if (e->o->json)
        return;
    fd_strbuf_puts(out, "row");
    for (uint32_t i = 0; i < e->m->n_inputs; i++)
        fd_strbuf_printf(out, ",%s", e->m->inputs[i].name.p);
    fd_strbuf_puts(out, ",bias,reasons\n");
}

static int explain_rows(const explaining *e, fd_diags *diags)
{
    fd_strbuf out = {0};
    bool ok = true;
    add_head(e, &out);
    for (uint32_t row = 0; row < e->rows->n && ok; row++) {
        fd_manifest_reasons why;
        for (uint32_t i = 0; i < e->m->n_inputs; i++)
            e->row[i] = e->rows->inputs[i][row];
        if (!fd_manifest_explain(e->m, e->row, (uint32_t)e->o->top, e->arena, &why)) {
            fd_diags_error(diags, "a model of this kind cannot say what its inputs contributed");
            fd_strbuf_free(&out);
            return FD_EXIT_CHECK;
        }
        if (e->o->json)
            add_json(e, row, &why, &out);
        else
            add_csv(e, row, &why, &out);
        ok = fd_models_print(&out);
        fd_arena_reset(e->arena);
    }
    fd_strbuf_free(&out);
    return ok ? FD_EXIT_OK : FD_EXIT_CHECK;
}

int fd_models_explain(const fd_models_options *o, const fd_models *all, fd_diags *diags)
{
    const fd_manifest *m = fd_models_pick(o, all, diags);
    if (m == NULL)
        return FD_EXIT_USAGE;
    fd_models_rows rows;
    int code = FD_EXIT_CHECK;
    if (fd_models_rows_read(o->file, m, &rows, diags)) {
        explaining e = {.o = o, .m = m, .rows = &rows, .arena = fd_arena_new(1 << 16, 0)};
        e.row = calloc(m->n_inputs + 1U, sizeof *e.row);
        FD_ALLOCATED(e.row);
        code = explain_rows(&e, diags);
        free(e.row);
        fd_arena_free(e.arena);
    }
    fd_models_rows_free(&rows);
    return code;
}
