/*
 * The walk over a payload: one loop, compiled without stores (scan) and with (decode).
 *
 * Each op is a function of the walk's state, always inlined, so that the state lives in
 * registers; nothing here may let its address escape. A switch, because computed jumps measured
 * slower (bench_avro: 77 against 68 ns per payment). Memory: lists reserve a block's rows ahead,
 * all else was reserved by the batch, so that ops never check for room.
 * Bounds: FD_DECODE_MAX_ELEMS counts list elements of the event, FD_DECODE_MAX_DEPTH open lists
 * and calls; a payload byte or an element is used up on every turn of every loop.
 */
#include "base/assert.h"
#include "codec/json_int.h"
#include "codec/plan_int.h"
#include "codec/wire.h"

/* Years 1 to 9999, in microseconds since 1970. */
#define TIME_MIN_US (-62135596800LL * 1000000)
#define TIME_MAX_US (253402300800LL * 1000000 - 1)

/* An open list, or a call to come back from (block_end NULL). */
typedef struct frame {
    uint32_t pc;    /* first op of an element; where to return to */
    uint32_t after; /* op after the list */
    uint32_t col;
    uint32_t left; /* elements of this block */
    fd_bytes block_end;
} frame;

typedef struct walk {
    fd_bytes p, end;
    const fd_op *pc;
    const fd_plan *plan;
    fd_col *const *cols;
    fd_arena *arena;
    uint32_t depth;
    uint32_t elems_left;
    fd_bytes resume, resume_end; /* the payload, during CONST */
    int64_t i;                   /* the value just read, for identity */
    fd_str s;
    bool null;
    bool has_id, has_time;
    fd_str id;
    int64_t time_us;
} walk;

/* --- storing --- */

FD_INLINE fd_poison put_int(walk *w, const fd_op *op, int64_t v, const bool store)
{
    w->i = v;
    w->null = false;
    if (store) {
        fd_col *c = w->cols[op->col];
        int64_t *to = c->v.i;
        uint32_t row = c->n++;
        c->valid[row] = 1;
        to[row] = v;
    }
    return FD_POISON_NONE;
}

FD_INLINE fd_poison put_double(walk *w, const fd_op *op, double v, const bool store)
{
    if (store) {
        fd_col *c = w->cols[op->col];
        double *to = c->v.d;
        uint32_t row = c->n++;
        c->valid[row] = 1;
        to[row] = v;
    }
    return FD_POISON_NONE;
}

FD_INLINE fd_poison put_str(walk *w, const fd_op *op, fd_str v, const bool store)
{
    w->s = v;
    w->null = false;
    if (store) {
        fd_col *c = w->cols[op->col];
        fd_str *to = c->v.s;
        uint32_t row = c->n++;
        c->valid[row] = 1;
        to[row] = v;
    }
    return FD_POISON_NONE;
}

/* --- values --- */

#define READ(reader, ...)                                          \
    do {                                                           \
        fd_poison why_ = FD_POISON_NONE;                           \
        fd_bytes next_ = reader(w->p, w->end, __VA_ARGS__, &why_); \
        if (__builtin_expect(next_ == NULL, 0))                    \
            return why_;                                           \
        w->p = next_;                                              \
    } while (0)

FD_INLINE fd_poison read_bool(walk *w, unsigned char *v)
{
    if (w->p == w->end)
        return FD_POISON_TRUNCATED;
    *v = *w->p++;
    return *v > 1 ? FD_POISON_BAD_VALUE : FD_POISON_NONE;
}

FD_INLINE fd_poison op_bool(walk *w, const fd_op *op, const bool store)
{
    unsigned char v = 0;
    fd_poison why = read_bool(w, &v);
    if (why == FD_POISON_NONE && store) {
        fd_col *c = w->cols[op->col];
        uint8_t *to = c->v.b;
        uint32_t row = c->n++;
        c->valid[row] = 1;
        to[row] = v;
    }
    return why;
}

FD_INLINE fd_poison op_int(walk *w, const fd_op *op, const bool store)
{
    int64_t v = 0;
    READ(fd_wire_int, &v);
    return put_int(w, op, v, store);
}

FD_INLINE fd_poison op_long(walk *w, const fd_op *op, const bool store)
{
    int64_t v = 0;
    READ(fd_wire_long, &v);
    return put_int(w, op, v, store);
}

FD_INLINE fd_poison op_int_d(walk *w, const fd_op *op, const bool store)
{
    int64_t v = 0;
    READ(fd_wire_int, &v);
    return put_double(w, op, op->x ? (double)(float)v : (double)v, store);
}

FD_INLINE fd_poison op_long_d(walk *w, const fd_op *op, const bool store)
{
    int64_t v = 0;
    READ(fd_wire_long, &v);
    return put_double(w, op, op->x ? (double)(float)v : (double)v, store);
}

FD_INLINE fd_poison op_float(walk *w, const fd_op *op, const bool store)
{
    double v = 0;
    READ(fd_wire_float, &v);
    return put_double(w, op, v, store);
}

FD_INLINE fd_poison op_double(walk *w, const fd_op *op, const bool store)
{
    double v = 0;
    READ(fd_wire_double, &v);
    return put_double(w, op, v, store);
}

FD_INLINE fd_poison op_string(walk *w, const fd_op *op, const bool store)
{
    fd_str v = {0};
    READ(fd_wire_string, &v);
    return put_str(w, op, v, store);
}

FD_INLINE fd_poison op_bytes(walk *w, const fd_op *op, const bool store)
{
    fd_str v = {0};
    READ(fd_wire_bytes, &v);
    return put_str(w, op, v, store);
}

FD_INLINE fd_poison op_fixed(walk *w, const fd_op *op, const bool store)
{
    fd_str v = {0};
    READ(fd_wire_fixed, op->a, &v);
    return put_str(w, op, v, store);
}

FD_INLINE fd_poison op_enum(walk *w, const fd_op *op, const bool store)
{
    int64_t v = 0;
    READ(fd_wire_long, &v);
    if ((uint64_t)v >= op->a)
        return FD_POISON_BAD_VALUE;
    fd_str text = w->plan->strs[op->b + (uint32_t)v];
    if (text.p == NULL)
        return FD_POISON_BAD_VALUE;
    return put_str(w, op, text, store);
}

/* Its text is as long whatever it says: a scan needs no more. */
FD_INLINE fd_poison op_uuid(walk *w, const fd_op *op, const bool store)
{
    static const char any[FD_UUID_TEXT + 1] = "00000000-0000-0000-0000-000000000000";
    fd_str raw = {0};
    READ(fd_wire_fixed, FD_UUID_BYTES, &raw);
    char *text = NULL;
    if (store) {
        text = fd_arena_alloc(w->arena, FD_UUID_TEXT);
        if (text == NULL)
            return FD_POISON_TOO_LARGE;
        fd_uuid_format((fd_bytes)raw.p, text);
    }
    return put_str(w, op, (fd_str){store ? text : any, FD_UUID_TEXT}, store);
}

FD_INLINE fd_poison put_decimal(walk *w, const fd_op *op, fd_str raw, const bool store)
{
    int64_t v = 0;
    fd_poison why = fd_wire_decimal(raw, &v);
    return why != FD_POISON_NONE ? why : put_int(w, op, v, store);
}

FD_INLINE fd_poison op_dec_bytes(walk *w, const fd_op *op, const bool store)
{
    fd_str raw = {0};
    READ(fd_wire_bytes, &raw);
    return put_decimal(w, op, raw, store);
}

FD_INLINE fd_poison op_dec_fixed(walk *w, const fd_op *op, const bool store)
{
    fd_str raw = {0};
    READ(fd_wire_fixed, op->a, &raw);
    return put_decimal(w, op, raw, store);
}

FD_INLINE fd_poison convert(int64_t v, uint32_t mul, uint32_t div, int64_t *out)
{
    if (__builtin_mul_overflow(v, (int64_t)mul, &v))
        return FD_POISON_TOO_LARGE;
    if (__builtin_expect(div == 1, 1)) {
        *out = v;
        return FD_POISON_NONE;
    }
    int64_t q = v / (int64_t)div;
    *out = q - (v % (int64_t)div < 0);
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_ticks(walk *w, const fd_op *op, const bool store)
{
    int64_t v = 0;
    if (op->x)
        READ(fd_wire_int, &v);
    else
        READ(fd_wire_long, &v);
    fd_poison why = convert(v, op->a, op->b, &v);
    return why != FD_POISON_NONE ? why : put_int(w, op, v, store);
}

/* --- null or a value --- */

FD_INLINE fd_poison op_absent(walk *w, const fd_op *op, const bool store)
{
    w->null = true;
    if (store)
        fd_col_push_null(w->cols[op->col]);
    return FD_POISON_NONE;
}

/* Which branch of a union of two; true: the value's. */
FD_INLINE fd_poison read_branch2(walk *w, const fd_op *op, bool *some)
{
    uint64_t zigzag = 0;
    READ(fd_wire_varint, &zigzag);
    if (zigzag != 0 && zigzag != 2)
        return FD_POISON_BAD_VALUE;
    *some = zigzag >> 1 != op->null_at;
    return FD_POISON_NONE;
}

#define OR_NULL(name, width, member)                                            \
    FD_INLINE fd_poison op_n_##name(walk *w, const fd_op *op, const bool store) \
    {                                                                           \
        bool some = false;                                                      \
        fd_poison why = read_branch2(w, op, &some);                             \
        if (why != FD_POISON_NONE)                                              \
            return why;                                                         \
        if (some)                                                               \
            return op_##name(w, op, store);                                     \
        w->null = true;                                                         \
        if (store) {                                                            \
            fd_col *c = w->cols[op->col];                                       \
            uint32_t row = c->n++;                                              \
            memset(&c->v.member[row], 0, sizeof c->v.member[row]);              \
            c->valid[row] = 0;                                                  \
        }                                                                       \
        return FD_POISON_NONE;                                                  \
    }

OR_NULL(bool, 1, b)
OR_NULL(int, 8, i)
OR_NULL(long, 8, i)
OR_NULL(double, 8, d)
OR_NULL(string, 16, s)
OR_NULL(enum, 16, s)

/* --- structure --- */

FD_INLINE fd_poison op_valid(walk *w, const fd_op *op, const bool store)
{
    if (store) {
        fd_col *c = w->cols[op->col];
        c->valid[c->n++] = 1;
    }
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_tag(walk *w, const fd_op *op, const bool store)
{
    if (store) {
        fd_col *c = w->cols[op->col];
        uint8_t *to = c->v.tag;
        uint32_t row = c->n++;
        c->valid[row] = 1;
        to[row] = (uint8_t)op->x;
    }
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_jump(walk *w, const fd_op *op, const bool store)
{
    (void)store;
    w->pc = w->plan->ops + op->a;
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_branch(walk *w, const fd_op *op, const bool store)
{
    (void)store;
    int64_t v = 0;
    READ(fd_wire_long, &v);
    if ((uint64_t)v >= op->b)
        return FD_POISON_BAD_VALUE;
    w->pc = w->plan->ops + w->plan->jumps[op->a + (uint32_t)v];
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_fail(walk *w, const fd_op *op, const bool store)
{
    (void)w;
    (void)op;
    (void)store;
    return FD_POISON_BAD_VALUE;
}

FD_INLINE fd_poison op_const(walk *w, const fd_op *op, const bool store)
{
    (void)store;
    FD_ASSERT(w->resume == NULL);
    w->resume = w->p;
    w->resume_end = w->end;
    w->p = w->plan->consts + op->a;
    w->end = w->p + op->b;
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_back(walk *w, const fd_op *op, const bool store)
{
    (void)op;
    (void)store;
    FD_ASSERT(w->p == w->end);
    w->p = w->resume;
    w->end = w->resume_end;
    w->resume = NULL;
    return FD_POISON_NONE;
}

/* --- lists and calls --- */

static bool reserve_rows(const fd_col *c, uint32_t rows)
{
    for (uint32_t i = 0; i < c->n_children; i++) {
        if (!fd_col_reserve(&c->children[i], rows, UINT32_MAX / 4))
            return false;
    }
    return true;
}

/* The next block's elements, or the list's end. */
FD_INLINE fd_poison next_block(walk *w, frame *f, const bool store)
{
    int64_t count = 0;
    READ(fd_wire_long, &count);
    f->block_end = NULL;
    if (count == 0) {
        w->pc = w->plan->ops + f->after;
        w->depth--;
        if (store && f->col != FD_NO_COL) {
            fd_col *c = w->cols[f->col];
            c->valid[c->n] = 1;
            c->v.off[c->n + 1] = c->children[0].n;
            c->n++;
        }
        return FD_POISON_NONE;
    }
    if (count < 0) {
        int64_t bytes = 0;
        READ(fd_wire_long, &bytes);
        if (bytes < 0)
            return FD_POISON_BAD_VALUE;
        if (bytes > w->end - w->p)
            return FD_POISON_TRUNCATED;
        f->block_end = w->p + bytes;
    }
    uint64_t elems = count < 0 ? -(uint64_t)count : (uint64_t)count;
    if (elems > w->elems_left)
        return FD_POISON_TOO_LARGE;
    w->elems_left -= (uint32_t)elems;
    f->left = (uint32_t)elems;
    if (store && f->col != FD_NO_COL && !reserve_rows(w->cols[f->col], (uint32_t)elems))
        return FD_POISON_TOO_LARGE;
    w->pc = w->plan->ops + f->pc;
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_list(walk *w, const fd_op *op, frame *frames, const bool store)
{
    if (w->depth == FD_DECODE_MAX_DEPTH)
        return FD_POISON_TOO_LARGE;
    frame *f = &frames[w->depth++];
    f->pc = (uint32_t)(w->pc - w->plan->ops);
    f->after = op->a;
    f->col = op->col;
    return next_block(w, f, store);
}

FD_INLINE fd_poison op_next(walk *w, frame *frames, const bool store)
{
    FD_ASSERT(w->depth > 0);
    frame *f = &frames[w->depth - 1];
    if (--f->left > 0) {
        w->pc = w->plan->ops + f->pc;
        return FD_POISON_NONE;
    }
    if (f->block_end != NULL && f->block_end != w->p)
        return FD_POISON_BAD_VALUE;
    return next_block(w, f, store);
}

FD_INLINE fd_poison op_call(walk *w, const fd_op *op, frame *frames)
{
    if (w->depth == FD_DECODE_MAX_DEPTH)
        return FD_POISON_TOO_LARGE;
    frames[w->depth++].pc = (uint32_t)(w->pc - w->plan->ops);
    w->pc = w->plan->ops + op->a;
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_return(walk *w, frame *frames)
{
    FD_ASSERT(w->depth > 0);
    w->pc = w->plan->ops + frames[--w->depth].pc;
    return FD_POISON_NONE;
}

/* --- over unread values --- */

FD_INLINE fd_poison op_skip_bool(walk *w, const fd_op *op, const bool store)
{
    (void)op;
    (void)store;
    unsigned char v = 0;
    return read_bool(w, &v);
}

FD_INLINE fd_poison op_skip_int(walk *w, const fd_op *op, const bool store)
{
    (void)op;
    (void)store;
    int64_t v = 0;
    READ(fd_wire_int, &v);
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_skip_long(walk *w, const fd_op *op, const bool store)
{
    (void)op;
    (void)store;
    int64_t v = 0;
    READ(fd_wire_long, &v);
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_skip_bytes(walk *w, const fd_op *op, const bool store)
{
    (void)op;
    (void)store;
    fd_str v = {0};
    READ(fd_wire_bytes, &v);
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_skip_string(walk *w, const fd_op *op, const bool store)
{
    (void)op;
    (void)store;
    fd_str v = {0};
    READ(fd_wire_string, &v);
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_skip_fixed(walk *w, const fd_op *op, const bool store)
{
    (void)store;
    fd_str v = {0};
    READ(fd_wire_fixed, op->a, &v);
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_skip_enum(walk *w, const fd_op *op, const bool store)
{
    (void)store;
    int64_t v = 0;
    READ(fd_wire_long, &v);
    return (uint64_t)v >= op->a ? FD_POISON_BAD_VALUE : FD_POISON_NONE;
}

/* --- identity --- */

FD_INLINE fd_poison op_id_text(walk *w, const fd_op *op, const bool store)
{
    (void)op;
    (void)store;
    w->has_id = !w->null;
    w->id = w->s;
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_id_int(walk *w, const fd_op *op, const bool store)
{
    (void)op;
    (void)store;
    w->has_id = !w->null;
    w->id = FD_STR("0"); /* the digits do not matter here: never empty, never too long */
    return FD_POISON_NONE;
}

FD_INLINE fd_poison op_time(walk *w, const fd_op *op, const bool store)
{
    (void)store;
    if (w->null)
        return FD_POISON_NONE;
    int64_t us = 0;
    fd_poison why = convert(w->i, op->a, op->b, &us);
    if (why != FD_POISON_NONE)
        return why;
    if (us < TIME_MIN_US || us > TIME_MAX_US)
        return FD_POISON_TOO_LARGE;
    w->has_time = true;
    w->time_us = us;
    return FD_POISON_NONE;
}

/* --- the loop --- */

/* Signatures differ only here: lists and calls see the frames, which live in memory anyway. */
#define op_list(w, op, store)   op_list(w, op, frames, store)
#define op_next(w, op, store)   op_next(w, frames, store)
#define op_call(w, op, store)   op_call(w, op, frames)
#define op_return(w, op, store) op_return(w, frames)

FD_INLINE fd_poison run(walk *w, const bool store)
{
    frame frames[FD_DECODE_MAX_DEPTH];
    for (;;) {
        const fd_op *op = w->pc++;
        fd_poison why;
        switch (op->code) {
#define X(name, function)             \
    case FD_OP_##name:                \
        why = function(w, op, store); \
        break;
            FD_OPS(X)
#undef X
        case FD_OP_END:
            return FD_POISON_NONE;
        default:
            __builtin_unreachable(); /* the compiler of plans writes nothing else */
        }
        if (__builtin_expect(why != FD_POISON_NONE, 0))
            return why;
    }
}

FD_INLINE walk begin(const fd_plan *p, fd_str payload)
{
    fd_bytes at = (fd_bytes)payload.p;
    if (at == NULL)
        at = (fd_bytes) "";
    return (walk){
        .p = at,
        .end = at + payload.n,
        .pc = p->ops,
        .plan = p,
        .elems_left = FD_DECODE_MAX_ELEMS,
    };
}

/* What holds of the event as a whole, once every field is good. */
FD_INLINE fd_poison verdict(const walk *w, bool identity)
{
    if (w->p != w->end)
        return FD_POISON_TRAILING_BYTES;
    if (!identity)
        return FD_POISON_NONE;
    if (!w->has_id)
        return FD_POISON_NULL_ID;
    if (!w->has_time)
        return FD_POISON_NULL_TIME;
    if (w->id.n == 0 || w->id.n > FD_EVENT_ID_MAX)
        return FD_POISON_BAD_ID;
    return FD_POISON_NONE;
}

fd_poison fd_plan_scan(const fd_plan *p, fd_str payload, fd_scan *out)
{
    FD_CHECK_MAGIC(p, FD_PLAN_MAGIC);
    walk w = begin(p, payload);
    *out = (fd_scan){.null_id = true, .null_time = true};
    fd_poison why = run(&w, false);
    if (why != FD_POISON_NONE)
        return why;
    why = verdict(&w, p->identity);
    if (why == FD_POISON_TRAILING_BYTES)
        return why;
    out->null_id = !w.has_id;
    out->null_time = !w.has_time;
    out->time_us = w.time_us;
    out->bad_id = w.has_id && (w.id.n == 0 || w.id.n > FD_EVENT_ID_MAX);
    return why;
}

fd_poison fd_plan_decode(const fd_plan *p, fd_str payload, fd_batch *into)
{
    FD_CHECK_MAGIC(p, FD_PLAN_MAGIC);
    FD_ASSERT(into->root.type == p->type);
    FD_ASSERT(into->n_cols == p->n_cols);
    uint32_t row = into->root.n;
    FD_ASSERT(row < into->cap);
    walk w = begin(p, payload);
    w.cols = into->cols;
    w.arena = into->arena;
    fd_poison why = run(&w, true);
    if (why == FD_POISON_NONE)
        why = verdict(&w, p->identity);
    if (why != FD_POISON_NONE)
        fd_batch_truncate(into, row);
    else
        FD_ASSERT(into->root.n == row + 1);
    return why;
}

fd_poison fd_plan_skip(const fd_plan *p, fd_str bytes, size_t *used)
{
    FD_CHECK_MAGIC(p, FD_PLAN_MAGIC);
    walk w = begin(p, bytes);
    fd_poison why = run(&w, false);
    *used = (size_t)(w.p - (fd_bytes)bytes.p);
    return why;
}
