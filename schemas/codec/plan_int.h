/*
 * Plans from the inside: what the compiler (plan_compile.c, plan_resolve.c) writes and the walk
 * (plan_run.c) obeys. Ops refer to columns by their number in fd_batch.cols, to other ops by
 * index. A plan without a decoder only skips: it finds where a record ends.
 */
#ifndef FD_CODEC_PLAN_INT_H
#define FD_CODEC_PLAN_INT_H

#include "codec/decode.h"
#include "codec/schema_int.h"

/*
 * X(name, function): read from the wire and appended to column `col`.
 *   N_*       a union of null (branch `null_at`) and what * says
 *   *_D       a number stored as double; `x` 1: rounded to float first
 *   TICKS     an int (x 1) or long times `a` by `b`: units of time
 *   ENUM      `a` symbols, their texts from strs[b]; one without text is BAD_VALUE
 *   FIXED     `a` bytes        DEC_*   decimals        UUID   16 bytes to text in the batch's arena
 * Structure:
 *   VALID     a value is there (record, opaque)       TAG   branch `x` of a union is there
 *   ABSENT    null, in all below too                  NONE  a null, which has no bytes
 *   LIST      a list or map; `a`: the op after it     NEXT  end of an element
 *   BRANCH    a union of `b` branches, their ops at jumps[a]
 *   CONST     goes on in consts[a], `b` bytes         BACK  returns to the payload
 *   FAIL      a branch that the reader has no place for
 * Identity: ID_TEXT, ID_INT, TIME (times `a`, by `b`, to microseconds): of the value just read.
 */
#define FD_OPS(X)                  \
    X(BOOL, op_bool)               \
    X(INT, op_int)                 \
    X(LONG, op_long)               \
    X(INT_D, op_int_d)             \
    X(LONG_D, op_long_d)           \
    X(FLOAT, op_float)             \
    X(DOUBLE, op_double)           \
    X(STRING, op_string)           \
    X(BYTES, op_bytes)             \
    X(FIXED, op_fixed)             \
    X(ENUM, op_enum)               \
    X(UUID, op_uuid)               \
    X(DEC_BYTES, op_dec_bytes)     \
    X(DEC_FIXED, op_dec_fixed)     \
    X(TICKS, op_ticks)             \
    X(N_BOOL, op_n_bool)           \
    X(N_INT, op_n_int)             \
    X(N_LONG, op_n_long)           \
    X(N_DOUBLE, op_n_double)       \
    X(N_STRING, op_n_string)       \
    X(N_ENUM, op_n_enum)           \
    X(VALID, op_valid)             \
    X(TAG, op_tag)                 \
    X(ABSENT, op_absent)           \
    X(LIST, op_list)               \
    X(NEXT, op_next)               \
    X(BRANCH, op_branch)           \
    X(JUMP, op_jump)               \
    X(CALL, op_call)               \
    X(RETURN, op_return)           \
    X(CONST, op_const)             \
    X(BACK, op_back)               \
    X(FAIL, op_fail)               \
    X(SKIP_BOOL, op_skip_bool)     \
    X(SKIP_INT, op_skip_int)       \
    X(SKIP_LONG, op_skip_long)     \
    X(SKIP_BYTES, op_skip_bytes)   \
    X(SKIP_STRING, op_skip_string) \
    X(SKIP_FIXED, op_skip_fixed)   \
    X(SKIP_ENUM, op_skip_enum)     \
    X(ID_TEXT, op_id_text)         \
    X(ID_INT, op_id_int)           \
    X(TIME, op_time)

typedef enum fd_op_code {
#define X(name, function) FD_OP_##name,
    FD_OPS(X)
#undef X
        FD_OP_END,
    FD_N_OPS
} fd_op_code;

typedef struct fd_op {
    uint8_t code;
    uint8_t null_at;
    uint16_t x;
    uint32_t col;
    uint32_t a, b;
} fd_op;

_Static_assert(sizeof(fd_op) == 16, "four ops to a cache line");

enum {
    FD_PLAN_MAX_OPS = 1 << 17,
    FD_PLAN_MAGIC = 0x5c4e3a02,
    FD_DECODER_MAGIC = 0x5c4e3a03,
};

#define FD_NO_COL UINT32_MAX

struct fd_plan {
    uint32_t magic;
    const fd_type *type; /* NULL: skips only */
    bool identity;       /* id and time are asked for */
    uint32_t n_cols;
    fd_op *ops;
    uint32_t n_ops;
    uint32_t *jumps;
    fd_str *strs;
    unsigned char *consts;
    fd_arena *arena; /* texts of strs */
};

struct fd_decoder {
    uint32_t magic;
    const fd_schema *reader;
    const fd_type *type;
    uint32_t n_cols;
    bool identity;             /* the rest means something */
    uint32_t id_col, time_col; /* FD_NO_COL without */
    bool id_int;
    uint32_t time_mul, time_div;
};

/* A plan that reads records of `record` and stores nothing. */
fd_plan *fd_plan_skipper(fd_node *record, fd_diags *diags);
/* Where one record at the begin of `bytes` ends. */
fd_poison fd_plan_skip(const fd_plan *p, fd_str bytes, size_t *used);

#endif
