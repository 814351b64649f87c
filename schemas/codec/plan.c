/* Decoders and the life of plans; see decode.h. The compiler is in plan_compile.c. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/plan_compile_int.h"

/* --- plans --- */

static fd_plan *plan_from(fd_compiler *c)
{
    fd_plan *p = calloc(1, sizeof *p);
    FD_ALLOCATED(p);
    p->magic = FD_PLAN_MAGIC;
    p->ops = c->ops;
    p->n_ops = c->n_ops;
    p->jumps = c->jumps;
    p->strs = c->strs;
    p->consts = (unsigned char *)c->consts.p;
    p->arena = c->arena;
    fd_strbuf_free(&c->path);
    free(c->subs);
    return p;
}

static fd_plan *finish(fd_compiler *c, bool ok)
{
    if (c->too_large) {
        fd_diags_error(c->diags, "the schemas resolve to more than %d operations", FD_PLAN_MAX_OPS);
        ok = false;
    }
    fd_plan *p = plan_from(c);
    if (ok)
        return p;
    fd_plan_free(p);
    return NULL;
}

fd_plan *fd_plan_new(const fd_decoder *d, const fd_schema *writer, fd_diags *diags)
{
    FD_CHECK_MAGIC(d, FD_DECODER_MAGIC);
    if (writer == NULL)
        writer = d->reader;
    fd_compiler c = {.arena = fd_arena_new(1024, 0), .diags = diags, .decoder = d};
    bool ok = fd_compile_value(&c, writer->node, d->reader->node, d->type, 0);
    fd_compile_skips(&c, NULL);
    fd_plan *p = finish(&c, ok);
    if (p == NULL)
        return NULL;
    p->type = d->type;
    p->n_cols = d->n_cols;
    p->identity = d->identity;
    return p;
}

fd_plan *fd_plan_skipper(fd_node *record, fd_diags *diags)
{
    fd_compiler c = {.arena = fd_arena_new(1024, 0), .diags = diags};
    fd_compile_skips(&c, record);
    return finish(&c, true);
}

void fd_plan_free(fd_plan *p)
{
    if (p == NULL)
        return;
    FD_CHECK_MAGIC(p, FD_PLAN_MAGIC);
    free(p->ops);
    free(p->jumps);
    free(p->strs);
    free(p->consts);
    fd_arena_free(p->arena);
    p->magic = 0;
    free(p);
}

void fd_plan_dump(const fd_plan *p, fd_strbuf *out)
{
    static const char *const names[] = {
#define X(name, function) #name,
        FD_OPS(X)
#undef X
            "END"};
    FD_CHECK_MAGIC(p, FD_PLAN_MAGIC);
    for (uint32_t i = 0; i < p->n_ops; i++) {
        const fd_op *op = &p->ops[i];
        fd_strbuf_printf(out, "%4u %-11s", i, names[op->code]);
        if (op->col != FD_NO_COL)
            fd_strbuf_printf(out, " col=%u", op->col);
        if (op->a != 0 || op->b != 0 || op->x != 0)
            fd_strbuf_printf(out, " a=%u b=%u x=%u", op->a, op->b, op->x);
        fd_strbuf_putc(out, '\n');
    }
}

/* --- decoders --- */

static bool find_path(const fd_schema *s, fd_str path, const char *what, const fd_type **type,
                      uint32_t *col, fd_diags *diags)
{
    const fd_type *t = fd_schema_type(s);
    *col = 0;
    fd_str rest = path;
    while (t->kind == FD_RECORD) {
        const char *dot = rest.n == 0 ? NULL : memchr(rest.p, '.', rest.n);
        fd_str step = {rest.p, dot == NULL ? rest.n : (uint32_t)(dot - rest.p)};
        uint32_t index = 0;
        const fd_field *f = fd_type_field(t, step, &index);
        if (f == NULL)
            break;
        *col += fd_type_ext_of(t)->first_col[index];
        t = f->type;
        if (dot == NULL) {
            *type = t;
            return true;
        }
        rest = (fd_str){dot + 1, rest.n - step.n - 1};
    }
    const char *near = NULL;
    if (t->kind == FD_RECORD && t->n_fields > 0) {
        const char *names[64];
        size_t n = 0;
        for (; n < t->n_fields && n < 64; n++)
            names[n] = t->fields[n].name;
        char word[128];
        snprintf(word, sizeof word, FD_STR_FMT, FD_STR_ARG(rest));
        near = fd_did_you_mean(word, names, n);
    }
    fd_diags_error(diags, "%s has no field '" FD_STR_FMT "' for the %s%s%s%s", fd_schema_name(s),
                   FD_STR_ARG(path), what, near == NULL ? "" : ", did you mean '",
                   near == NULL ? "" : near, near == NULL ? "" : "'?");
    return false;
}

static bool set_id(fd_decoder *d, fd_str path, fd_diags *diags)
{
    const fd_type *t = NULL;
    if (!find_path(d->reader, path, "id", &t, &d->id_col, diags))
        return false;
    if (t->kind != FD_STRING && (t->kind != FD_INT || t->scale != 0)) {
        fd_diags_error(diags,
                       "the id '" FD_STR_FMT "' is of type %s, it must be string, int or long",
                       FD_STR_ARG(path), fd_kind_name(t->kind));
        return false;
    }
    d->id_int = t->kind == FD_INT;
    return true;
}

static bool set_time(fd_decoder *d, fd_str path, fd_diags *diags)
{
    const fd_type *t = NULL;
    if (!find_path(d->reader, path, "time", &t, &d->time_col, diags))
        return false;
    bool stamp = t->kind == FD_TIMESTAMP && t->per_second != 0;
    bool number = t->kind == FD_INT && t->scale == 0;
    if (!stamp && !number) {
        fd_diags_error(diags,
                       "the time '" FD_STR_FMT "' is of type %s, it must be timestamp-millis, "
                       "-micros or -nanos, or a long of milliseconds",
                       FD_STR_ARG(path), t->kind == FD_TIMESTAMP ? "date" : fd_kind_name(t->kind));
        return false;
    }
    int64_t per_second = stamp ? t->per_second : 1000;
    d->time_mul = per_second < 1000000 ? (uint32_t)(1000000 / per_second) : 1;
    d->time_div = per_second > 1000000 ? (uint32_t)(per_second / 1000000) : 1;
    return true;
}

fd_decoder *fd_decoder_new(const fd_schema *reader, fd_str id_path, fd_str time_path,
                           fd_diags *diags)
{
    FD_CHECK_MAGIC(reader, FD_SCHEMA_MAGIC);
    fd_decoder *d = calloc(1, sizeof *d);
    FD_ALLOCATED(d);
    d->magic = FD_DECODER_MAGIC;
    d->reader = reader;
    d->type = fd_schema_type(reader);
    d->n_cols = fd_type_ext_of(d->type)->n_cols;
    d->id_col = d->time_col = FD_NO_COL;
    d->identity = id_path.p != NULL || time_path.p != NULL;
    bool id = !d->identity || set_id(d, id_path, diags);
    bool time = !d->identity || set_time(d, time_path, diags);
    if (id && time)
        return d;
    fd_decoder_free(d);
    return NULL;
}

void fd_decoder_free(fd_decoder *d)
{
    if (d == NULL)
        return;
    FD_CHECK_MAGIC(d, FD_DECODER_MAGIC);
    d->magic = 0;
    free(d);
}

const fd_schema *fd_decoder_schema(const fd_decoder *d)
{
    FD_CHECK_MAGIC(d, FD_DECODER_MAGIC);
    return d->reader;
}

fd_str fd_decoder_id(const fd_decoder *d, const fd_batch *b, uint32_t row)
{
    FD_CHECK_MAGIC(d, FD_DECODER_MAGIC);
    FD_ASSERT(d->identity);
    const fd_col *c = b->cols[d->id_col];
    FD_ASSERT(row < c->n && c->valid[row] == 1);
    if (!d->id_int)
        return c->v.s[row];
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRId64, c->v.i[row]);
    return fd_arena_str(b->arena, (fd_str){text, (uint32_t)n});
}

int64_t fd_decoder_time_us(const fd_decoder *d, const fd_batch *b, uint32_t row)
{
    FD_CHECK_MAGIC(d, FD_DECODER_MAGIC);
    FD_ASSERT(d->identity);
    const fd_col *c = b->cols[d->time_col];
    FD_ASSERT(row < c->n && c->valid[row] == 1);
    /* decode refused what would overflow here */
    int64_t ticks = c->v.i[row] * d->time_mul;
    return ticks / d->time_div - (ticks % d->time_div < 0);
}
