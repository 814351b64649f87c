/*
 * The evaluator: each node over a selection of rows at once, column temporaries in between.
 *
 * Walking the tree is paid once per chunk of rows, not per row. && || ?: narrow the selection,
 * which is both their speed and CEL's rule that what does not matter cannot fail.
 * Invariants: at most FD_CEL_CHUNK rows per call; every output is written; temporaries are a
 * stack that is level again on return. One run = one thread.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "lang/list.h"
#include "lang/program_int.h"

fd_cel_run *fd_cel_run_new(const fd_cel_program *const *variables, uint32_t n_variables,
                           uint32_t max_rows)
{
    FD_ASSERT(max_rows > 0);
    fd_cel_run *r = calloc(1, sizeof *r);
    FD_ALLOCATED(r);
    r->variables = variables;
    r->n_variables = n_variables;
    r->max_rows = max_rows;
    r->kept = fd_arena_new(16 * 1024, 0);
    r->temporary = fd_arena_new(16 * 1024, 0);
    r->arena = r->kept;
    r->all = malloc(max_rows * sizeof *r->all);
    FD_ALLOCATED(r->all);
    for (uint32_t i = 0; i < max_rows; i++)
        r->all[i] = i;
    r->memo = calloc(n_variables + 1, sizeof(fd_cel_value *));
    r->memo_batch = calloc(n_variables + 1, sizeof(uint32_t *));
    r->tested = calloc(n_variables + 1, sizeof(uint8_t *));
    r->tested_batch = calloc(n_variables + 1, sizeof(uint32_t *));
    FD_ALLOCATED(r->memo);
    FD_ALLOCATED(r->memo_batch);
    FD_ALLOCATED(r->tested);
    FD_ALLOCATED(r->tested_batch);
    return r;
}

void fd_cel_run_free(fd_cel_run *r)
{
    if (r == NULL)
        return;
    for (uint32_t i = 0; i < r->n_variables; i++) {
        free(r->memo[i]);
        free(r->memo_batch[i]);
        free(r->tested[i]);
        free(r->tested_batch[i]);
    }
    for (uint32_t i = 0; i < r->n_vectors; i++)
        free(r->vectors[i]);
    for (uint32_t i = 0; i < r->n_selections; i++)
        free(r->selections[i]);
    free(r->all);
    free(r->vectors);
    free(r->selections);
    free(r->memo);
    free(r->memo_batch);
    free(r->tested);
    free(r->tested_batch);
    fd_run_regexes_free(r->regexes);
    free(r->slots);
    fd_arena_free(r->kept);
    fd_arena_free(r->temporary);
    free(r);
}

void fd_cel_run_begin(fd_cel_run *r, const fd_batch *batch, const fd_batch *features)
{
    FD_ASSERT(batch == NULL || batch->root.n <= r->max_rows);
    FD_ASSERT(features == NULL || (batch != NULL && features->root.n == batch->root.n));
    FD_ASSERT(r->used_vectors == 0 && r->used_selections == 0);
    r->batches[FD_CEL_EVENTS] = batch;
    r->batches[FD_CEL_FEATURES] = features;
    FD_ASSERT(r->arena == r->kept && !r->in_row);
    fd_arena_reset(r->kept);
    fd_arena_reset(r->temporary);
    /* 0 marks rows never computed; on wrap-around the marks start over. */
    if (++r->batch_no == 0) {
        r->batch_no = 1;
        for (uint32_t i = 0; i < r->n_variables; i++) {
            if (r->memo_batch[i] != NULL)
                memset(r->memo_batch[i], 0, r->max_rows * sizeof(uint32_t));
            if (r->tested_batch[i] != NULL)
                memset(r->tested_batch[i], 0, r->max_rows * sizeof(uint32_t));
        }
    }
}

uint32_t fd_run_unmarked(const fd_cel_run *r, uint32_t *marks, const uint32_t *rows, uint32_t n,
                         uint32_t *out)
{
    uint32_t m = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = rows[i];
        FD_ASSERT(row < r->max_rows);
        out[m] = row;
        m += marks[row] != r->batch_no;
        marks[row] = r->batch_no;
    }
    return m;
}

const uint32_t *fd_cel_run_all(const fd_cel_run *r)
{
    return r->all;
}

fd_arena *fd_cel_run_arena(fd_cel_run *r)
{
    return r->kept;
}

fd_cel_value *fd_run_push_vector(fd_cel_run *r)
{
    if (r->used_vectors == r->n_vectors) {
        r->vectors = realloc(r->vectors, (r->n_vectors + 1) * sizeof(fd_cel_value *));
        FD_ALLOCATED(r->vectors);
        r->vectors[r->n_vectors] = malloc(FD_CEL_CHUNK * sizeof(fd_cel_value));
        FD_ALLOCATED(r->vectors[r->n_vectors]);
        r->n_vectors++;
    }
    return r->vectors[r->used_vectors++];
}

void fd_run_pop_vector(fd_cel_run *r)
{
    FD_ASSERT(r->used_vectors > 0);
    r->used_vectors--;
}

uint32_t *fd_run_push_selection(fd_cel_run *r)
{
    if (r->used_selections == r->n_selections) {
        r->selections = realloc(r->selections, (r->n_selections + 1) * sizeof(uint32_t *));
        FD_ALLOCATED(r->selections);
        r->selections[r->n_selections] = malloc(2 * FD_CEL_CHUNK * sizeof(uint32_t));
        FD_ALLOCATED(r->selections[r->n_selections]);
        r->n_selections++;
    }
    return r->selections[r->used_selections++];
}

void fd_run_pop_selection(fd_cel_run *r)
{
    FD_ASSERT(r->used_selections > 0);
    r->used_selections--;
}

/* An argument's values: a constant is one value for all rows, anything else a vector. */
typedef struct operand {
    const fd_cel_value *v;
    uint32_t stride; /* 0 for a constant */
} operand;

static operand eval_operand(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n)
{
    fd_cel_value *v = fd_run_push_vector(r);
    if (x->kind == FD_NODE_CONST)
        return (operand){&x->value, 0};
    fd_node_eval(r, x, rows, n, v);
    return (operand){v, 1};
}

const fd_col *fd_node_column(const fd_cel_run *r, const fd_node *x)
{
    FD_ASSERT(x->kind == FD_NODE_COLUMN || x->kind == FD_NODE_HAS_COLUMN);
    const fd_batch *batch = r->batches[x->batch];
    FD_ASSERT(batch != NULL && x->index < batch->n_cols);
    return batch->cols[x->index];
}

/* An optional of a value; nothing for what is absent. */
static fd_cel_value some(fd_arena *arena, const fd_cel_value *v)
{
    if (v->kind == FD_CEL_ERROR) {
        bool absent = v->n == FD_CEL_E_ABSENT || v->n == FD_CEL_E_NO_KEY ||
                      v->n == FD_CEL_E_OUT_OF_RANGE;
        return absent ? fd_cel_optional(NULL) : *v;
    }
    return fd_cel_optional_of(arena, v);
}

static void eval_column(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                        fd_cel_value *out)
{
    const fd_col *col = fd_node_column(r, x);
    for (uint32_t i = 0; i < n; i++)
        out[i] = fd_cel_from_column(col, rows[i], x->absent);
    for (uint32_t i = 0; i < n && x->optional; i++)
        out[i] = some(r->arena, &out[i]);
}

static void eval_has_column(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                            fd_cel_value *out)
{
    const fd_col *col = fd_node_column(r, x);
    for (uint32_t i = 0; i < n; i++)
        out[i] = fd_cel_bool(col->valid[rows[i]] != 0);
}

static void make_memo(fd_cel_run *r, uint32_t slot)
{
    r->memo[slot] = malloc(r->max_rows * sizeof(fd_cel_value));
    r->memo_batch[slot] = calloc(r->max_rows, sizeof(uint32_t));
    FD_ALLOCATED(r->memo[slot]);
    FD_ALLOCATED(r->memo_batch[slot]);
}

/* Lazy and at most once per row: only the selected rows without a value are computed. */
static void eval_variable(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                          fd_cel_value *out)
{
    uint32_t slot = x->index;
    FD_ASSERT(slot < r->n_variables && r->variables[slot] != NULL);
    if (r->memo[slot] == NULL)
        make_memo(r, slot);
    uint32_t *missing = fd_run_push_selection(r);
    uint32_t m = fd_run_unmarked(r, r->memo_batch[slot], rows, n, missing);
    if (m != 0) {
        fd_cel_value *fresh = fd_run_push_vector(r);
        fd_frame frame = fd_run_enter(r, r->variables[slot]);
        fd_node_eval(r, r->variables[slot]->root, missing, m, fresh);
        fd_run_leave(r, &frame);
        for (uint32_t i = 0; i < m; i++)
            r->memo[slot][missing[i]] = fresh[i];
        fd_run_pop_vector(r);
    }
    fd_run_pop_selection(r);
    for (uint32_t i = 0; i < n; i++)
        out[i] = r->memo[slot][rows[i]];
}

/* The field of a value that is no error. */
static fd_cel_value field_of(const fd_node *x, const fd_cel_value *of)
{
    if (of->kind == FD_CEL_RECORD) {
        uint32_t index;
        if (fd_type_field(of->v.col->type, x->name, &index) == NULL)
            return fd_cel_error_text(FD_CEL_E_ABSENT, x->absent);
        return fd_cel_from_column(&of->v.col->children[index], of->n, x->absent);
    }
    if (of->kind != FD_CEL_MAP)
        return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    fd_cel_value key = fd_cel_string(x->name);
    fd_cel_value v;
    if (!fd_cel_map_find(of, &key, &v))
        return fd_cel_error_text(FD_CEL_E_NO_KEY, x->absent);
    return v;
}

static fd_cel_value has_field(const fd_node *x, const fd_cel_value *of)
{
    if (of->kind == FD_CEL_RECORD) {
        uint32_t index;
        if (fd_type_field(of->v.col->type, x->name, &index) == NULL)
            return fd_cel_error(FD_CEL_E_ABSENT);
        return fd_cel_bool(of->v.col->children[index].valid[of->n] != 0);
    }
    if (of->kind != FD_CEL_MAP)
        return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    fd_cel_value key = fd_cel_string(x->name);
    fd_cel_value v;
    return fd_cel_bool(fd_cel_map_find(of, &key, &v));
}

static void eval_field(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                       fd_cel_value *out)
{
    operand of = eval_operand(r, x->args[0], rows, n);
    bool has = x->kind == FD_NODE_HAS_FIELD;
    for (uint32_t i = 0; i < n; i++) {
        const fd_cel_value *v = &of.v[i * of.stride];
        bool viral = v->kind == FD_CEL_OPTIONAL;
        if (v->kind == FD_CEL_ERROR) {
            out[i] = *v;
            continue;
        }
        if (viral && v->n == 0) {
            out[i] = has ? fd_cel_bool(false) : *v;
            continue;
        }
        const fd_cel_value *in = viral ? v->v.list : v;
        if (r->in_row && in->kind == FD_CEL_MAP && !fd_run_spend(r, fd_cel_length(in) / 4)) {
            out[i] = fd_cel_error((fd_cel_errcode)r->exhausted);
            continue;
        }
        out[i] = has ? has_field(x, in) : field_of(x, in);
        if (!has && (viral || x->optional))
            out[i] = some(r->arena, &out[i]);
    }
    fd_run_pop_vector(r);
}

/* Strict: the leftmost error wins. The overload that fitted the last row is tried first. */
static fd_cel_value call(fd_cel_run *r, const fd_node *x, const fd_cel_value *args,
                         const fd_cel_overload **last)
{
    uint8_t kinds[FD_CEL_MAX_ARGS];
    bool same = *last != NULL;
    for (uint32_t a = 0; a < x->n_args; a++) {
        if (args[a].kind == FD_CEL_ERROR)
            return args[a];
        kinds[a] = args[a].kind;
        same = same && (*last)->args[a] == kinds[a];
    }
    if (!same)
        *last = fd_cel_match(x->overloads, kinds, x->n_args);
    if (*last == NULL)
        return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    if (r->in_row && !fd_run_spend(r, fd_run_work(args, x->n_args, (*last)->builds)))
        return fd_cel_error((fd_cel_errcode)r->exhausted);
    return (*last)->fn(r->arena, args);
}

static void eval_call(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                      fd_cel_value *out)
{
    operand ops[FD_CEL_MAX_ARGS];
    FD_ASSERT(x->n_args >= 1 && x->n_args <= FD_CEL_MAX_ARGS);
    for (uint32_t a = 0; a < x->n_args; a++)
        ops[a] = eval_operand(r, x->args[a], rows, n);
    const fd_cel_overload *last = NULL;
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value args[FD_CEL_MAX_ARGS] = {0};
        for (uint32_t a = 0; a < x->n_args; a++)
            args[a] = ops[a].v[i * ops[a].stride];
        out[i] = call(r, x, args, &last);
    }
    for (uint32_t a = 0; a < x->n_args; a++)
        fd_run_pop_vector(r);
}

fd_cel_value fd_node_compare(fd_cel_operator op, const fd_cel_value *a, const fd_cel_value *b)
{
    if (op == FD_OP_EQ || op == FD_OP_NE)
        return fd_cel_bool(fd_cel_equal(a, b) == (op == FD_OP_EQ));
    int order = fd_cel_compare(a, b);
    if (order == FD_CEL_INCOMPARABLE)
        return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    if (order == FD_CEL_UNORDERED)
        return fd_cel_bool(false);
    switch (op) {
    case FD_OP_LT:
        return fd_cel_bool(order < 0);
    case FD_OP_LE:
        return fd_cel_bool(order <= 0);
    case FD_OP_GT:
        return fd_cel_bool(order > 0);
    case FD_OP_GE:
        return fd_cel_bool(order >= 0);
    default:
        FD_UNREACHABLE();
    }
}

fd_cel_value fd_node_in(const fd_cel_value *x, const fd_cel_value *where)
{
    if (where->kind == FD_CEL_SET)
        return where->v.set->contains(where->v.set->owner, x);
    if (where->kind == FD_CEL_MAP) {
        fd_cel_value v;
        return fd_cel_bool(fd_cel_map_find(where, x, &v));
    }
    if (where->kind != FD_CEL_LIST)
        return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    uint32_t n = fd_cel_length(where);
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value e = fd_cel_element(where, i);
        if (fd_cel_equal(x, &e))
            return fd_cel_bool(true);
    }
    return fd_cel_bool(false);
}

/* A number as a list index: doubles only when whole. */
static bool index_number(const fd_cel_value *at, int64_t *out)
{
    if (at->kind == FD_CEL_INT) {
        *out = at->v.i;
        return true;
    }
    if (at->kind == FD_CEL_UINT) {
        *out = at->v.u > INT64_MAX ? -1 : (int64_t)at->v.u;
        return true;
    }
    if (at->kind != FD_CEL_DOUBLE || !(at->v.d >= -1e15 && at->v.d <= 1e15))
        return false;
    *out = (int64_t)at->v.d;
    return (double)*out == at->v.d;
}

fd_cel_value fd_node_index(const fd_cel_value *of, const fd_cel_value *at)
{
    if (of->kind == FD_CEL_MAP) {
        fd_cel_value v;
        return fd_cel_map_find(of, at, &v) ? v : fd_cel_error(FD_CEL_E_NO_KEY);
    }
    int64_t i;
    if (of->kind != FD_CEL_LIST || !index_number(at, &i))
        return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    if (i < 0 || i >= (int64_t)fd_cel_length(of))
        return fd_cel_error(FD_CEL_E_OUT_OF_RANGE);
    return fd_cel_element(of, (uint32_t)i);
}

static fd_cel_value index_maybe(fd_cel_run *r, const fd_node *x, const fd_cel_value *of,
                                const fd_cel_value *at)
{
    bool viral = of->kind == FD_CEL_OPTIONAL;
    if (viral && of->n == 0)
        return *of;
    fd_cel_value v = fd_node_index(viral ? of->v.list : of, at);
    return viral || x->optional ? some(r->arena, &v) : v;
}

/* Steps of an operator. Finding by key or in a list compares with every one in the worst case. */
static uint64_t work_of(const fd_node *x, const fd_cel_value *a, const fd_cel_value *b)
{
    if (x->kind == FD_NODE_COMPARE)
        return fd_run_work(a, 1, true) + fd_run_work(b, 1, true);
    const fd_cel_value *in = x->kind == FD_NODE_IN ? b : a;
    const fd_cel_value *what = x->kind == FD_NODE_IN ? a : b;
    if (in->kind == FD_CEL_LIST && what->kind >= FD_CEL_LIST)
        return fd_run_work(in, 1, true);
    bool searched = in->kind == FD_CEL_MAP || (in->kind == FD_CEL_LIST && x->kind == FD_NODE_IN);
    return searched ? 1 + fd_cel_length(in) * fd_run_work(what, 1, false) / 4 : 1;
}

static fd_cel_value binary(fd_cel_run *r, const fd_node *x, const fd_cel_value *a,
                           const fd_cel_value *b)
{
    if (a->kind == FD_CEL_ERROR)
        return *a;
    if (b->kind == FD_CEL_ERROR)
        return *b;
    if (r->in_row && !fd_run_spend(r, work_of(x, a, b)))
        return fd_cel_error((fd_cel_errcode)r->exhausted);
    if (x->kind == FD_NODE_COMPARE)
        return fd_node_compare((fd_cel_operator)x->op, a, b);
    return x->kind == FD_NODE_IN ? fd_node_in(a, b) : index_maybe(r, x, a, b);
}

/* COMPARE, IN, INDEX: strict in both sides. */
static void eval_binary(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                        fd_cel_value *out)
{
    operand l = eval_operand(r, x->args[0], rows, n);
    operand m = eval_operand(r, x->args[1], rows, n);
    for (uint32_t i = 0; i < n; i++)
        out[i] = binary(r, x, &l.v[i * l.stride], &m.v[i * m.stride]);
    fd_run_pop_vector(r);
    fd_run_pop_vector(r);
}

static void eval_not(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                     fd_cel_value *out)
{
    fd_node_eval(r, x->args[0], rows, n, out);
    for (uint32_t i = 0; i < n; i++) {
        if (out[i].kind == FD_CEL_BOOL)
            out[i].v.b = !out[i].v.b;
        else if (out[i].kind != FD_CEL_ERROR)
            out[i] = fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    }
}

/* Rows leave the selection once an operand decides them; among errors the leftmost stays. */
static void eval_logic(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                       fd_cel_value *out)
{
    bool decides = x->kind == FD_NODE_OR;
    uint32_t *sel = fd_run_push_selection(r);
    uint32_t *pos = sel + FD_CEL_CHUNK;
    fd_cel_value *v = fd_run_push_vector(r);
    for (uint32_t i = 0; i < n; i++) {
        sel[i] = rows[i];
        pos[i] = i;
        out[i] = fd_cel_bool(!decides);
    }
    uint32_t m = n;
    for (uint32_t a = 0; a < x->n_args && m != 0; a++) {
        fd_node_eval(r, x->args[a], sel, m, v);
        uint32_t left = 0;
        for (uint32_t i = 0; i < m; i++) {
            fd_cel_value *o = &out[pos[i]];
            if (v[i].kind == FD_CEL_BOOL && v[i].v.b == decides) {
                *o = v[i];
                continue;
            }
            if (v[i].kind != FD_CEL_BOOL && o->kind != FD_CEL_ERROR)
                *o = v[i].kind == FD_CEL_ERROR ? v[i] : fd_cel_error(FD_CEL_E_NO_OVERLOAD);
            sel[left] = sel[i];
            pos[left++] = pos[i];
        }
        m = left;
    }
    fd_run_pop_vector(r);
    fd_run_pop_selection(r);
}

/* One branch over the rows whose condition chose it. */
static void eval_branch(fd_cel_run *r, const fd_node *branch, bool when, const uint32_t *rows,
                        uint32_t n, const fd_cel_value *cond, fd_cel_value *out)
{
    uint32_t *sel = fd_run_push_selection(r);
    uint32_t *pos = sel + FD_CEL_CHUNK;
    uint32_t m = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (cond[i].kind == FD_CEL_BOOL && cond[i].v.b == when) {
            sel[m] = rows[i];
            pos[m++] = i;
        }
    }
    if (m != 0) {
        fd_cel_value *v = fd_run_push_vector(r);
        fd_node_eval(r, branch, sel, m, v);
        for (uint32_t i = 0; i < m; i++)
            out[pos[i]] = v[i];
        fd_run_pop_vector(r);
    }
    fd_run_pop_selection(r);
}

static void eval_cond(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                      fd_cel_value *out)
{
    fd_cel_value *cond = fd_run_push_vector(r);
    fd_node_eval(r, x->args[0], rows, n, cond);
    for (uint32_t i = 0; i < n; i++) {
        if (cond[i].kind == FD_CEL_ERROR)
            out[i] = cond[i];
        else if (cond[i].kind != FD_CEL_BOOL)
            out[i] = fd_cel_error(FD_CEL_E_NO_OVERLOAD);
    }
    eval_branch(r, x->args[1], true, rows, n, cond, out);
    eval_branch(r, x->args[2], false, rows, n, cond, out);
    fd_run_pop_vector(r);
}

fd_cel_value fd_node_checked_map(fd_cel_run *r, fd_cel_value map)
{
    enum { FEW = 8 };
    fd_cel_table keys;
    if (map.n > FEW)
        fd_cel_table_init(&keys, r->arena, map.n);
    for (uint32_t i = 0; i < map.n; i++) {
        fd_cel_value key = fd_cel_map_key(&map, i);
        if (key.kind != FD_CEL_STRING && key.kind != FD_CEL_INT && key.kind != FD_CEL_UINT &&
            key.kind != FD_CEL_BOOL)
            return fd_cel_error(FD_CEL_E_BAD_KEY);
        if (map.n > FEW && !fd_cel_table_add(&keys, &key))
            return fd_cel_error(FD_CEL_E_DUPLICATE_KEY);
        for (uint32_t j = 0; j < i && map.n <= FEW; j++) {
            fd_cel_value other = fd_cel_map_key(&map, j);
            if (fd_cel_equal(&key, &other))
                return fd_cel_error(FD_CEL_E_DUPLICATE_KEY);
        }
    }
    return map;
}

/* Behind '?': what the optional holds stays, an empty one goes with its key. Errors are told. */
static fd_cel_value without_empty(const fd_node *x, fd_cel_value v, fd_cel_value *items)
{
    bool map = v.kind == FD_CEL_MAP;
    uint32_t kept = 0;
    for (uint32_t a = 0; a < x->n_args; a += map ? 2 : 1) {
        fd_cel_value *e = &items[map ? a + 1 : a];
        if (x->optional_args[a]) {
            if (e->kind != FD_CEL_OPTIONAL)
                return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
            if (e->n == 0)
                continue;
            *e = *e->v.list;
        }
        if (map)
            items[kept++] = items[a];
        items[kept++] = *e;
    }
    v.n = map ? kept / 2 : kept;
    return v;
}

static fd_cel_value aggregate(fd_cel_run *r, const fd_node *x, fd_cel_value v, fd_cel_value *items)
{
    if (v.kind != FD_CEL_ERROR && x->optional_args != NULL)
        v = without_empty(x, v, items);
    if (v.kind != FD_CEL_ERROR)
        v = fd_run_bounded(r, v);
    return v.kind == FD_CEL_MAP ? fd_node_checked_map(r, v) : v;
}

static void eval_aggregate(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                           fd_cel_value *out)
{
    bool is_map = x->kind == FD_NODE_MAP;
    size_t bytes = (size_t)n * (x->n_args + 1) * sizeof(fd_cel_value);
    fd_cel_value *items = fd_arena_alloc(r->arena, bytes);
    FD_ALLOCATED(items);
    fd_cel_value *v = fd_run_push_vector(r);
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value *own = items + (size_t)i * x->n_args;
        out[i] = is_map ? fd_cel_map(own, x->n_args / 2) : fd_cel_list(own, x->n_args);
    }
    for (uint32_t a = 0; a < x->n_args; a++) {
        fd_node_eval(r, x->args[a], rows, n, v);
        for (uint32_t i = 0; i < n; i++) {
            items[(size_t)i * x->n_args + a] = v[i];
            if (v[i].kind == FD_CEL_ERROR && out[i].kind != FD_CEL_ERROR)
                out[i] = v[i];
        }
    }
    fd_run_pop_vector(r);
    for (uint32_t i = 0; i < n; i++)
        out[i] = aggregate(r, x, out[i], items + (size_t)i * x->n_args);
}

/* Whether the rows that such a node works on can be told apart inside it. */
static bool passes_on(uint8_t kind)
{
    return kind == FD_NODE_AND || kind == FD_NODE_OR || kind == FD_NODE_NOT || kind == FD_NODE_COND;
}

void fd_node_eval(fd_cel_run *r, const fd_node *x, const uint32_t *rows, uint32_t n,
                  fd_cel_value *out)
{
    FD_ASSERT(n <= FD_CEL_CHUNK);
    if (x->heavy && !r->in_row && !passes_on(x->kind)) {
        fd_eval_by_rows(r, x, rows, n, out);
        return;
    }
    switch ((fd_node_kind)x->kind) {
    case FD_NODE_CONST:
        for (uint32_t i = 0; i < n; i++)
            out[i] = x->value;
        return;
    case FD_NODE_COLUMN:
        eval_column(r, x, rows, n, out);
        return;
    case FD_NODE_HAS_COLUMN:
        eval_has_column(r, x, rows, n, out);
        return;
    case FD_NODE_VARIABLE:
        eval_variable(r, x, rows, n, out);
        return;
    case FD_NODE_FIELD:
    case FD_NODE_HAS_FIELD:
        eval_field(r, x, rows, n, out);
        return;
    case FD_NODE_CALL:
        eval_call(r, x, rows, n, out);
        return;
    case FD_NODE_MATCHES:
        fd_node_matches(r, x, rows, n, out);
        return;
    case FD_NODE_COMPARE:
    case FD_NODE_IN:
    case FD_NODE_INDEX:
        eval_binary(r, x, rows, n, out);
        return;
    case FD_NODE_NOT:
        eval_not(r, x, rows, n, out);
        return;
    case FD_NODE_AND:
    case FD_NODE_OR:
        eval_logic(r, x, rows, n, out);
        return;
    case FD_NODE_COND:
        eval_cond(r, x, rows, n, out);
        return;
    case FD_NODE_LIST:
    case FD_NODE_MAP:
        eval_aggregate(r, x, rows, n, out);
        return;
    case FD_NODE_LOCAL:
    case FD_NODE_LOOP:
    case FD_NODE_LET:
    case FD_NODE_OR_ELSE:
        FD_ASSERT(n == 1);
        out[0] = fd_eval_in_row(r, x, rows);
        return;
    }
    FD_UNREACHABLE();
}

void fd_cel_eval(fd_cel_run *r, const fd_cel_program *p, const uint32_t *rows, uint32_t n,
                 fd_cel_value *out)
{
    fd_frame frame = fd_run_enter(r, p);
    for (uint32_t i = 0; i < n; i += FD_CEL_CHUNK) {
        uint32_t m = n - i < FD_CEL_CHUNK ? n - i : FD_CEL_CHUNK;
        fd_node_eval(r, p->root, rows + i, m, out + i);
    }
    fd_run_leave(r, &frame);
    FD_ASSERT(r->used_vectors == 0 && r->used_selections == 0);
}
