/*
 * Plans, from a writer's and a reader's schema: Avro's resolution, done once.
 *
 * The walk goes down both schemas and the catalogue at the same time; `t` and `col` say where a
 * value of the reader's goes. What cannot be resolved is an error with the field's path; inside a
 * union of the writer's it only makes that branch FAIL, as the specification asks, unless no
 * branch with a value is left.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "codec/plan_compile_int.h"

/* --- emitting --- */

fd_op *fd_compile_emit(fd_compiler *c, fd_op_code code, uint32_t col)
{
    if (c->n_ops == c->cap_ops) {
        c->cap_ops = c->cap_ops == 0 ? 64 : c->cap_ops * 2;
        c->ops = realloc(c->ops, c->cap_ops * sizeof *c->ops);
        FD_ALLOCATED(c->ops);
    }
    fd_op *op = &c->ops[c->n_ops];
    *op = (fd_op){.code = (uint8_t)code, .col = col};
    /* at the bound the last op is written over again, and the plan is refused in the end */
    if (c->n_ops < FD_PLAN_MAX_OPS)
        c->n_ops++;
    else
        c->too_large = true;
    return op;
}

static uint32_t add_jumps(fd_compiler *c, uint32_t n)
{
    uint32_t first = c->n_jumps;
    c->n_jumps += n;
    c->jumps = realloc(c->jumps, c->n_jumps * sizeof *c->jumps);
    FD_ALLOCATED(c->jumps);
    return first;
}

static uint32_t add_strs(fd_compiler *c, uint32_t n)
{
    uint32_t first = c->n_strs;
    c->n_strs += n;
    c->strs = realloc(c->strs, c->n_strs * sizeof *c->strs);
    FD_ALLOCATED(c->strs);
    memset(c->strs + first, 0, n * sizeof *c->strs);
    return first;
}

bool fd_compile_fail(fd_compiler *c, const char *hint, const char *fmt, ...)
{
    if (c->quiet > 0)
        return false;
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fd_strbuf full = {0};
    fd_strbuf_printf(&full, "%s: %s", c->path.n == 0 ? "the record" : c->path.p, text);
    fd_diags_add(c->diags,
                 &(fd_diag){.severity = FD_ERROR, .text = full.p, .hint = hint, .width = 1});
    fd_strbuf_free(&full);
    return false;
}

static size_t enter(fd_compiler *c, const char *step)
{
    size_t was = c->path.n;
    fd_strbuf_printf(&c->path, "%s%s", was == 0 || step[0] == '[' ? "" : ".", step);
    return was;
}

static void leave(fd_compiler *c, size_t was)
{
    c->path.n = was;
    c->path.p[was] = '\0';
}

/* --- over the writer's values --- */

static uint32_t subroutine(fd_compiler *c, const fd_node *w)
{
    uint32_t i = 0;
    while (i < c->n_subs && c->subs[i].node != w)
        i++;
    if (i == c->n_subs) {
        c->subs = realloc(c->subs, (c->n_subs + 1) * sizeof *c->subs);
        FD_ALLOCATED(c->subs);
        c->subs[c->n_subs++] = (fd_sub){.node = w};
    }
    return i;
}

static void skip_value(fd_compiler *c, const fd_node *w);

static void skip_fields(fd_compiler *c, const fd_node *w)
{
    for (uint32_t i = 0; i < w->n; i++)
        skip_value(c, w->fields[i].node);
}

static void skip_union(fd_compiler *c, const fd_node *w)
{
    uint32_t table = add_jumps(c, w->n);
    fd_op *op = fd_compile_emit(c, FD_OP_BRANCH, FD_NO_COL);
    op->a = table;
    op->b = w->n;
    uint32_t *ends = calloc(w->n, sizeof *ends);
    FD_ALLOCATED(ends);
    for (uint32_t i = 0; i < w->n; i++) {
        c->jumps[table + i] = c->n_ops;
        skip_value(c, w->branches[i]);
        ends[i] = c->n_ops;
        fd_compile_emit(c, FD_OP_JUMP, FD_NO_COL);
    }
    for (uint32_t i = 0; i < w->n; i++)
        c->ops[ends[i]].a = c->n_ops;
    free(ends);
}

static void skip_list(fd_compiler *c, const fd_node *w)
{
    uint32_t list = c->n_ops;
    fd_compile_emit(c, FD_OP_LIST, FD_NO_COL);
    if (w->kind == FD_AVRO_MAP)
        fd_compile_emit(c, FD_OP_SKIP_STRING, FD_NO_COL);
    skip_value(c, w->item);
    fd_compile_emit(c, FD_OP_NEXT, FD_NO_COL);
    c->ops[list].a = c->n_ops;
}

static void skip_value(fd_compiler *c, const fd_node *w)
{
    static const uint8_t plain[FD_N_AVROS] = {
        [FD_AVRO_BOOLEAN] = FD_OP_SKIP_BOOL,  [FD_AVRO_INT] = FD_OP_SKIP_INT,
        [FD_AVRO_LONG] = FD_OP_SKIP_LONG,     [FD_AVRO_FLOAT] = FD_OP_SKIP_FIXED,
        [FD_AVRO_DOUBLE] = FD_OP_SKIP_FIXED,  [FD_AVRO_BYTES] = FD_OP_SKIP_BYTES,
        [FD_AVRO_STRING] = FD_OP_SKIP_STRING, [FD_AVRO_ENUM] = FD_OP_SKIP_ENUM,
        [FD_AVRO_FIXED] = FD_OP_SKIP_FIXED,
    };
    if (c->too_large)
        return;
    switch (w->kind) {
    case FD_AVRO_NULL:
        break;
    case FD_AVRO_RECORD:
        if (w->recursive)
            fd_compile_emit(c, FD_OP_CALL, FD_NO_COL)->a = subroutine(c, w);
        else
            skip_fields(c, w);
        break;
    case FD_AVRO_UNION:
        skip_union(c, w);
        break;
    case FD_AVRO_ARRAY:
    case FD_AVRO_MAP:
        skip_list(c, w);
        break;
    default: {
        uint32_t size = w->kind == FD_AVRO_ENUM ? w->n : w->size;
        if (w->kind == FD_AVRO_FLOAT || w->kind == FD_AVRO_DOUBLE)
            size = w->kind == FD_AVRO_FLOAT ? 4 : 8;
        fd_compile_emit(c, (fd_op_code)plain[w->kind], FD_NO_COL)->a = size;
    }
    }
}

/* --- values of one type to another --- */

static void emit_enum(fd_compiler *c, const fd_node *w, const fd_node *r, uint32_t col)
{
    uint32_t first = add_strs(c, w->n);
    for (uint32_t i = 0; i < w->n; i++) {
        uint32_t k = 0;
        while (k < r->n && !fd_str_eq(r->symbols[k], w->symbols[i]))
            k++;
        if (k == r->n && r->enum_default >= 0)
            k = (uint32_t)r->enum_default;
        if (k < r->n)
            c->strs[first + i] = fd_arena_str(c->arena, r->symbols[k]);
    }
    fd_op *op = fd_compile_emit(c, FD_OP_ENUM, col);
    op->a = w->n;
    op->b = first;
}

static bool is_ticking(const fd_node *n)
{
    return n->logical != FD_LOGICAL_NONE && n->logical != FD_LOGICAL_DATE &&
           fd_logical_per_second(n->logical) != 0;
}

static bool emit_number(fd_compiler *c, const fd_node *w, const fd_node *r, uint32_t col)
{
    bool from_int = w->kind == FD_AVRO_INT;
    if (r->kind == FD_AVRO_FLOAT || r->kind == FD_AVRO_DOUBLE) {
        fd_op *op = fd_compile_emit(c, from_int ? FD_OP_INT_D : FD_OP_LONG_D, col);
        op->x = r->kind == FD_AVRO_FLOAT;
        return true;
    }
    int64_t wt = fd_logical_per_second(w->logical);
    int64_t rt = fd_logical_per_second(r->logical);
    bool w_date = w->logical == FD_LOGICAL_DATE;
    bool r_date = r->logical == FD_LOGICAL_DATE;
    if (w->logical != FD_LOGICAL_NONE && r->logical != FD_LOGICAL_NONE && w_date != r_date)
        return fd_compile_fail(c, NULL, "the writer's %s cannot be read as %s",
                               fd_logical_name(w->logical), fd_logical_name(r->logical));
    if (!is_ticking(w) || !is_ticking(r) || wt == rt) {
        fd_compile_emit(c, from_int ? FD_OP_INT : FD_OP_LONG, col);
        return true;
    }
    fd_op *op = fd_compile_emit(c, FD_OP_TICKS, col);
    op->x = from_int;
    op->a = (uint32_t)(rt > wt ? rt / wt : 1);
    op->b = (uint32_t)(wt > rt ? wt / rt : 1);
    return true;
}

static bool emit_binary(fd_compiler *c, const fd_node *w, const fd_node *r, uint32_t col)
{
    bool decimal = r->logical == FD_LOGICAL_DECIMAL;
    if (decimal && w->logical == FD_LOGICAL_DECIMAL && w->scale != r->scale)
        return fd_compile_fail(c, "use the writer's scale in the reader schema",
                               "the writer's decimal has scale %u, the reader's %u", w->scale,
                               r->scale);
    if (r->kind == FD_AVRO_FIXED && r->logical == FD_LOGICAL_UUID) {
        fd_compile_emit(c, FD_OP_UUID, col);
        return true;
    }
    if (r->kind == FD_AVRO_FIXED) {
        fd_compile_emit(c, decimal ? FD_OP_DEC_FIXED : FD_OP_FIXED, col)->a = w->size;
        return true;
    }
    if (decimal)
        fd_compile_emit(c, FD_OP_DEC_BYTES, col);
    else
        fd_compile_emit(c, r->kind == FD_AVRO_STRING ? FD_OP_STRING : FD_OP_BYTES, col);
    return true;
}

static bool emit_list(fd_compiler *c, const fd_node *w, const fd_node *r, const fd_type *t,
                      uint32_t col)
{
    uint32_t list = c->n_ops;
    fd_compile_emit(c, FD_OP_LIST, col);
    if (w->kind == FD_AVRO_MAP)
        fd_compile_emit(c, FD_OP_STRING, col + 1);
    size_t was = enter(c, "[]");
    if (!fd_compile_value(c, w->item, r->item, t->elem, col + fd_type_ext_of(t)->first_col[0]))
        return false;
    leave(c, was);
    fd_compile_emit(c, FD_OP_NEXT, FD_NO_COL);
    c->ops[list].a = c->n_ops;
    return true;
}

/* --- records --- */

/* Which of the writer's fields each of the reader's takes: by name, else by alias; -1: none. */
static int *pair_fields(const fd_node *w, const fd_node *r)
{
    int *from = calloc(r->n + 1, sizeof *from);
    bool *taken = calloc(w->n + 1, sizeof *taken);
    FD_ALLOCATED(from);
    FD_ALLOCATED(taken);
    for (uint32_t i = 0; i < r->n; i++) {
        from[i] = -1;
        for (uint32_t k = 0; k < w->n && from[i] < 0; k++) {
            if (strcmp(w->fields[k].name, r->fields[i].name) == 0)
                from[i] = (int)k;
        }
        if (from[i] >= 0)
            taken[from[i]] = true;
    }
    for (uint32_t i = 0; i < r->n; i++) {
        for (uint32_t a = 0; a < r->fields[i].n_aliases && from[i] < 0; a++) {
            for (uint32_t k = 0; k < w->n && from[i] < 0; k++) {
                if (!taken[k] && strcmp(w->fields[k].name, r->fields[i].aliases[a]) == 0)
                    from[i] = (int)k;
            }
        }
        if (from[i] >= 0)
            taken[from[i]] = true;
    }
    free(taken);
    return from;
}

static bool can_be_null(const fd_node *n)
{
    if (n->kind != FD_AVRO_UNION)
        return n->kind == FD_AVRO_NULL;
    for (uint32_t i = 0; i < n->n; i++) {
        if (n->branches[i]->kind == FD_AVRO_NULL)
            return true;
    }
    return false;
}

/* The reader's default, as Avro bytes in the plan that the walk turns aside to. */
static bool emit_default(fd_compiler *c, const fd_node_field *f, const fd_type *t, uint32_t col)
{
    if (f->def == NULL)
        return fd_compile_fail(c, "give it a default in the reader schema, or an alias",
                               "the writer has no such field, and it has no default");
    if (json_is_null(f->def) && can_be_null(f->node)) {
        fd_compile_emit(c, FD_OP_ABSENT, col);
        return true;
    }
    if (c->in_const) /* never: a default's bytes have every field */
        FD_UNREACHABLE();
    size_t at = c->consts.n;
    fd_strbuf why = {0};
    bool ok = fd_node_encode_json(f->node, f->def, true, &c->consts, &why);
    if (!ok)
        fd_compile_fail(c, NULL, "its default does not fit: %s", why.p);
    fd_strbuf_free(&why);
    if (!ok)
        return false;
    fd_op *op = fd_compile_emit(c, FD_OP_CONST, FD_NO_COL);
    op->a = (uint32_t)at;
    op->b = (uint32_t)(c->consts.n - at);
    c->in_const = true;
    ok = fd_compile_value(c, f->node, f->node, t, col);
    c->in_const = false;
    fd_compile_emit(c, FD_OP_BACK, FD_NO_COL);
    return ok;
}

static const fd_type *child_of(const fd_type *t, const char *name, uint32_t *col)
{
    uint32_t index = 0;
    const fd_field *f = fd_type_field(t, fd_str_from(name), &index);
    FD_ASSERT(f != NULL);
    *col += fd_type_ext_of(t)->first_col[index];
    return f->type;
}

static bool emit_pair(fd_compiler *c, const fd_node *w, const fd_node_field *f, const fd_type *t,
                      uint32_t col)
{
    size_t was = enter(c, f->name);
    const fd_type *child = child_of(t, f->name, &col);
    bool ok = w == NULL ? emit_default(c, f, child, col)
                        : fd_compile_value(c, w, f->node, child, col);
    leave(c, was);
    return ok;
}

/* A union of records: the other branches' fields are absent. */
static void emit_absentees(fd_compiler *c, const fd_node *r, const fd_type *t, uint32_t col)
{
    for (uint32_t i = 0; i < t->n_fields; i++) {
        uint32_t k = 0;
        while (k < r->n && strcmp(r->fields[k].name, t->fields[i].name) != 0)
            k++;
        if (k == r->n)
            fd_compile_emit(c, FD_OP_ABSENT, col + fd_type_ext_of(t)->first_col[i]);
    }
}

static bool emit_record(fd_compiler *c, const fd_node *w, const fd_node *r, const fd_type *t,
                        uint32_t col)
{
    fd_compile_emit(c, FD_OP_VALID, col);
    int *from = pair_fields(w, r);
    bool ok = true;
    for (uint32_t k = 0; k < w->n; k++) {
        uint32_t i = 0;
        while (i < r->n && from[i] != (int)k)
            i++;
        if (i == r->n)
            skip_value(c, w->fields[k].node);
        else
            ok &= emit_pair(c, w->fields[k].node, &r->fields[i], t, col);
    }
    for (uint32_t i = 0; i < r->n; i++) {
        if (from[i] < 0)
            ok &= emit_pair(c, NULL, &r->fields[i], t, col);
    }
    free(from);
    emit_absentees(c, r, t, col);
    return ok;
}

/* --- choice --- */

static bool emit_plain(fd_compiler *c, const fd_node *w, const fd_node *r, const fd_type *t,
                       uint32_t col)
{
    if (fd_match(w, r) == FD_MATCH_NONE)
        return fd_compile_mismatch(c, w, r);
    if (t->kind == FD_OPAQUE && r->kind != FD_AVRO_NULL) {
        skip_value(c, w);
        fd_compile_emit(c, FD_OP_VALID, col);
        return true;
    }
    switch (r->kind) {
    case FD_AVRO_NULL:
        fd_compile_emit(c, FD_OP_ABSENT, col);
        return true;
    case FD_AVRO_BOOLEAN:
        fd_compile_emit(c, FD_OP_BOOL, col);
        return true;
    case FD_AVRO_INT:
    case FD_AVRO_LONG:
        return emit_number(c, w, r, col);
    case FD_AVRO_FLOAT:
    case FD_AVRO_DOUBLE:
        if (w->kind != FD_AVRO_FLOAT && w->kind != FD_AVRO_DOUBLE)
            return emit_number(c, w, r, col);
        fd_compile_emit(c, w->kind == FD_AVRO_FLOAT ? FD_OP_FLOAT : FD_OP_DOUBLE, col);
        return true;
    case FD_AVRO_STRING:
    case FD_AVRO_BYTES:
    case FD_AVRO_FIXED:
        return emit_binary(c, w, r, col);
    case FD_AVRO_ENUM:
        emit_enum(c, w, r, col);
        return true;
    case FD_AVRO_RECORD:
        return emit_record(c, w, r, t, col);
    case FD_AVRO_ARRAY:
    case FD_AVRO_MAP:
        return emit_list(c, w, r, t, col);
    default:
        FD_UNREACHABLE();
    }
}

/* A value that is no union into the branch of the reader's union that fits. */
static bool emit_into_union(fd_compiler *c, const fd_node *w, const fd_node *r, const fd_type *t,
                            uint32_t col)
{
    int k = fd_match_branch(w, r);
    if (k < 0)
        return fd_compile_mismatch(c, w, r);
    const fd_node *b = r->branches[k];
    if (b->kind == FD_AVRO_NULL) {
        fd_compile_emit(c, FD_OP_ABSENT, col);
        return true;
    }
    if (t->kind != FD_UNION)
        return emit_plain(c, w, b, t, col);
    const fd_type_ext *ext = fd_type_ext_of(t);
    uint32_t child = ext->branch_to[k];
    fd_compile_emit(c, FD_OP_TAG, col)->x = (uint16_t)child;
    if (!emit_plain(c, w, b, t->fields[child].type, col + ext->first_col[child]))
        return false;
    for (uint32_t i = 0; i < t->n_fields; i++) {
        if (i != child)
            fd_compile_emit(c, FD_OP_ABSENT, col + ext->first_col[i]);
    }
    return true;
}

static bool emit_not_union(fd_compiler *c, const fd_node *w, const fd_node *r, const fd_type *t,
                           uint32_t col)
{
    return r->kind == FD_AVRO_UNION ? emit_into_union(c, w, r, t, col)
                                    : emit_plain(c, w, r, t, col);
}

/* True when the union of null and a simple value became one op. */
static bool emit_fused(fd_compiler *c, const fd_node *w, const fd_node *r, const fd_type *t,
                       uint32_t col)
{
    static const uint8_t twins[FD_N_OPS] = {
        [FD_OP_BOOL] = FD_OP_N_BOOL,     [FD_OP_INT] = FD_OP_N_INT,
        [FD_OP_LONG] = FD_OP_N_LONG,     [FD_OP_DOUBLE] = FD_OP_N_DOUBLE,
        [FD_OP_STRING] = FD_OP_N_STRING, [FD_OP_ENUM] = FD_OP_N_ENUM,
    };
    if (w->n != 2 || !can_be_null(w) || !can_be_null(r) || t->kind == FD_UNION)
        return false;
    uint8_t null_at = w->branches[0]->kind == FD_AVRO_NULL ? 0 : 1;
    const fd_node *some = w->branches[1 - null_at];
    /* never compiled twice are types that may hold such unions: each level would double the work */
    if (some->kind >= FD_AVRO_RECORD && some->kind != FD_AVRO_ENUM)
        return false;
    uint32_t at = c->n_ops;
    c->quiet++;
    bool ok = emit_not_union(c, some, r, t, col);
    c->quiet--;
    fd_op *op = &c->ops[at];
    if (ok && c->n_ops == at + 1 && op->col == col && twins[op->code] != 0) {
        op->code = twins[op->code];
        op->null_at = null_at;
        return true;
    }
    c->n_ops = at; /* jumps and texts it added stay behind unused */
    return false;
}

static bool emit_writer_union(fd_compiler *c, const fd_node *w, const fd_node *r, const fd_type *t,
                              uint32_t col)
{
    if (emit_fused(c, w, r, t, col))
        return true;
    uint32_t table = add_jumps(c, w->n);
    fd_op *op = fd_compile_emit(c, FD_OP_BRANCH, FD_NO_COL);
    op->a = table;
    op->b = w->n;
    uint32_t *ends = calloc(w->n, sizeof *ends);
    FD_ALLOCATED(ends);
    const fd_node *lost = NULL;
    uint32_t good = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        const fd_node *b = w->branches[i];
        uint32_t at = c->n_ops;
        c->jumps[table + i] = at;
        size_t was = c->path.n;
        c->quiet++;
        bool ok = emit_not_union(c, b, r, t, col);
        c->quiet--;
        if (!ok) {
            leave(c, was);
            c->n_ops = at;
            fd_compile_emit(c, FD_OP_FAIL, FD_NO_COL);
        }
        if (!ok && (lost == NULL || lost->kind == FD_AVRO_NULL))
            lost = b;
        good += ok && (b->kind != FD_AVRO_NULL || w->n == 1);
        ends[i] = c->n_ops;
        fd_compile_emit(c, FD_OP_JUMP, FD_NO_COL);
    }
    for (uint32_t i = 0; i < w->n; i++)
        c->ops[ends[i]].a = c->n_ops;
    free(ends);
    if (good > 0 || lost == NULL)
        return true;
    /* again, aloud, for the reason; not while nobody listens, or each level would double the work
     */
    return c->quiet == 0 && emit_not_union(c, lost, r, t, col);
}

static void emit_identity(fd_compiler *c, uint32_t col)
{
    const fd_decoder *d = c->decoder;
    if (d == NULL)
        return;
    if (col == d->id_col)
        fd_compile_emit(c, d->id_int ? FD_OP_ID_INT : FD_OP_ID_TEXT, FD_NO_COL);
    if (col == d->time_col) {
        fd_op *op = fd_compile_emit(c, FD_OP_TIME, FD_NO_COL);
        op->a = d->time_mul;
        op->b = d->time_div;
    }
}

bool fd_compile_value(fd_compiler *c, const fd_node *w, const fd_node *r, const fd_type *t,
                      uint32_t col)
{
    if (c->too_large)
        return true;
    bool ok = w->kind == FD_AVRO_UNION ? emit_writer_union(c, w, r, t, col)
                                       : emit_not_union(c, w, r, t, col);
    if (ok)
        emit_identity(c, col);
    return ok;
}

void fd_compile_skips(fd_compiler *c, const fd_node *record)
{
    if (record != NULL)
        skip_value(c, record);
    fd_compile_emit(c, FD_OP_END, FD_NO_COL);
    /* a subroutine may ask for more of them */
    for (uint32_t i = 0; i < c->n_subs; i++) {
        c->subs[i].pc = c->n_ops;
        skip_fields(c, c->subs[i].node);
        fd_compile_emit(c, FD_OP_RETURN, FD_NO_COL);
    }
    for (uint32_t i = 0; i < c->n_ops; i++) {
        if (c->ops[i].code == FD_OP_CALL)
            c->ops[i].a = c->subs[c->ops[i].a].pc;
    }
}
