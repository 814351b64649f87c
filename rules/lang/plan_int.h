/*
 * The inside of a plan, shared by plan*.c.
 *
 * Invariants: a node's args, values and columns come before it in `steps`. Bits live in slots of a
 * run's one array; 0 and 1 are the slots of no row and of all rows. A node owns slot `slot` (true),
 * the next (true or failed) and, when it is lazy, one more (rows that are done); where its answer
 * is to be found at the moment is the run's `at`, which may name other slots. True implies open.
 */
#ifndef FD_LANG_PLAN_INT_H
#define FD_LANG_PLAN_INT_H

#include "lang/plan.h"
#include "lang/program_int.h"

enum { FD_PLAN_NONE = UINT32_MAX };
enum { FD_SLOT_NO_ROW, FD_SLOT_ALL_ROWS, FD_SLOT_FIRST };

typedef enum fd_plan_kind {
    FD_PLAN_CONST,   /* a: FD_CEL_FALSE, TRUE or FAILED */
    FD_PLAN_HAS,     /* a: column */
    FD_PLAN_BOOL,    /* a: column */
    FD_PLAN_CUT,     /* value a is at least `key`, or below it */
    FD_PLAN_MEMBER,  /* args: the constants of set a that are meant */
    FD_PLAN_GREATER, /* value a > value b */
    FD_PLAN_EQUAL,   /* value a == value b */
    FD_PLAN_TEXTS,   /* text column a == text column b */
    FD_PLAN_AND,     /* args */
    FD_PLAN_OR,
    FD_PLAN_NOT,
    FD_PLAN_COND,
    FD_PLAN_ROW, /* source, by the row evaluator */
} fd_plan_kind;

typedef struct fd_plan_node {
    uint8_t kind;
    bool below; /* CUT */
    bool lazy;
    uint32_t a, b;
    uint32_t first, n_args; /* in the plan's args */
    int64_t key;
    const fd_node *source;
    uint32_t n_locals; /* ROW: slots for names */
    uint32_t cost;     /* of what the row evaluator has to do, as fd_node_cost() */
    uint32_t slot;
    uint32_t uses;  /* places it stands in, conditions included */
    uint32_t depth; /* of lazy nodes below and including it */
    double ns;      /* per row, without its args */
} fd_plan_node;

/* A column of a batch, its null test and, of texts, its constants. */
typedef struct fd_plan_column {
    uint8_t batch;
    bool text;
    bool used;
    uint32_t index;
    uint32_t slot; /* valid; the next one: not valid */
    uint32_t set;  /* FD_PLAN_NONE: none */
} fd_plan_column;

typedef enum fd_plan_value_kind {
    FD_VALUE_COLUMN,
    FD_VALUE_CALL,
    FD_VALUE_COND
} fd_plan_value_kind;

/* A number's source: a value, or a constant. */
typedef struct fd_plan_operand {
    uint32_t value; /* FD_PLAN_NONE: the constant */
    int64_t bits;   /* of an int or a double */
} fd_plan_operand;

/* Numbers of one type, int or double, computed for all rows; or a column of timestamps or
 * durations, as ticks, between `least` and `most`, beyond which there is no value. */
typedef struct fd_plan_value {
    uint8_t kind;
    uint8_t type; /* FD_CEL_INT, DOUBLE, TIMESTAMP, DURATION */
    bool used;
    bool keyed; /* comparisons need it as ordered integers */
    uint32_t a; /* COLUMN: the column; COND: the node */
    uint32_t n; /* operands */
    fd_plan_operand operands[2];
    uint8_t types[2]; /* of the operands */
    const fd_cel_overload *call;
    int64_t least, most;
    uint32_t slot;              /* there is a value; next: there is none; next: and it is no NaN */
    uint32_t first_cut, n_cuts; /* in the plan's cuts */
    uint32_t set;
    double ns;
} fd_plan_value;

/* Constants that a column or value is looked up in: found, a row has a code. */
typedef struct fd_plan_set {
    bool text;
    uint32_t of; /* column or value */
    uint32_t n, cap;
    fd_str *texts;
    int64_t *keys;
    uint32_t slot;                    /* of the first constant's rows */
    uint32_t first_member, n_members; /* nodes, in the plan's members */
    uint32_t mask;                    /* of the table, which holds codes + 1 */
    uint32_t *table;
    uint64_t lengths; /* bit min(n, 63): there is a text of this length */
} fd_plan_set;

typedef struct fd_plan_step {
    bool is_value;
    uint32_t id;
} fd_plan_step;

struct fd_cel_plan {
    fd_cel_plan_scope scope;
    uint32_t n_roots;
    uint32_t *roots; /* nodes; FD_PLAN_NONE: not asked for */
    uint8_t *root_lazy;
    uint32_t n_nodes, cap_nodes;
    fd_plan_node *nodes;
    uint32_t n_args, cap_args;
    uint32_t *args;
    uint32_t n_columns, cap_columns;
    fd_plan_column *columns;
    uint32_t n_values, cap_values;
    fd_plan_value *values;
    uint32_t n_sets, cap_sets;
    fd_plan_set *sets;
    uint32_t n_steps, cap_steps;
    fd_plan_step *steps;
    uint32_t n_cuts;
    uint32_t *cuts; /* nodes of each value, by key */
    int64_t *cut_keys;
    uint8_t *cut_below;
    uint32_t most_cuts; /* of one value */
    uint32_t n_members;
    uint32_t *members; /* nodes of each set */
    uint32_t most_codes;
    uint32_t n_slots;
    uint32_t depth; /* of lazy nodes */
};

/* Where a node's answer is: slots. */
typedef struct fd_plan_at {
    uint32_t hit, open;
} fd_plan_at;

/* Which rows of a column or value have one: slots. `ordered` is those whose value is no NaN. */
typedef struct fd_plan_there {
    uint32_t there, missing, ordered;
} fd_plan_there;

struct fd_cel_plan_run {
    const fd_cel_plan *plan;
    const fd_kernels *wide;    /* for batches of some rows */
    const fd_kernels *kernels; /* for the batch at hand */
    fd_cel_run *cel;
    uint32_t max_rows;
    uint32_t n, words; /* of the batch at hand */
    uint64_t *bits;    /* slot s: bits[s * words] */
    fd_plan_at *at;    /* per node */
    fd_plan_there *columns, *values;
    const int64_t **data; /* per value: ints, or doubles' bits */
    const int64_t **keys; /* per double that is keyed; NULL: not made yet */
    int64_t **own_data, **own_keys;
    uint32_t batch_no;
    uint32_t *opened; /* per node: the batch in which a lazy one's slots were emptied */
    uint32_t *ranks, *by_rank, *starts;
    uint64_t *masks;      /* per rank: its rows, in batches of one word; zero in between */
    uint64_t *reach;      /* rows that reach the key at hand */
    uint32_t *codes_seen; /* of the set at hand */
    uint8_t *code_there;  /* per code of the set at hand */
    uint64_t *scratch;    /* of lazy nodes: plan->depth levels */
    uint32_t *rows;
    uint8_t *outcomes;
};

enum { FD_PLAN_SCRATCH = 3 }; /* vectors of bits per level */

static inline uint64_t *fd_plan_bits(const fd_cel_plan_run *r, uint32_t slot)
{
    return r->bits + (size_t)slot * r->words;
}

static inline const double *fd_plan_doubles(const fd_cel_plan_run *r, uint32_t value)
{
    return (const double *)(const void *)r->data[value];
}

static inline const fd_col *fd_plan_column_at(const fd_cel_plan_run *r, const fd_plan_column *c)
{
    const fd_batch *batch = r->cel->batches[c->batch];
    return batch->cols[c->index];
}

/* ---- building ---- */

typedef struct fd_plan_builder {
    fd_cel_plan *plan;
    const fd_cel_program *program; /* whose tree it is */
    uint32_t mask;                 /* of the table of nodes, which holds numbers + 1 */
    uint32_t *table;
    uint32_t value_mask; /* the same of values */
    uint32_t *value_table;
    uint32_t n_pending, cap_pending; /* args of nodes that are being put together */
    uint32_t *pending;
    uint32_t *variable_nodes, *variable_values; /* per variable; FD_PLAN_NONE: not yet */
    uint8_t *variable_tried;                    /* whether its value was asked for */
} fd_plan_builder;

/* Makes an array longer by one item, which is not initialised. */
void *fd_plan_push(void *items, uint32_t *n, uint32_t *cap, size_t size);
#define FD_PLAN_PUSH(array, n, cap) \
    ((array) = fd_plan_push((array), &(n), &(cap), sizeof *(array)), &(array)[(n)-1])
/* What is computed for all rows, in this order. */
void fd_plan_add_step(fd_cel_plan *p, bool is_value, uint32_t id);
void fd_plan_pend(fd_plan_builder *b, uint32_t arg);

static inline uint64_t fd_plan_mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 29;
}

/* plan_build.c: the node of a condition. */
uint32_t fd_plan_condition(fd_plan_builder *b, const fd_node *x);
/* The node like this one, with these args; a new one if there is none. */
uint32_t fd_plan_intern(fd_plan_builder *b, fd_plan_node like, const uint32_t *args,
                        uint32_t n_args);
uint32_t fd_plan_not(fd_plan_builder *b, uint32_t node);
uint32_t fd_plan_column_of(fd_plan_builder *b, const fd_node *x);

/* plan_value.c: FD_PLAN_NONE when it is not to be had by columns. */
uint32_t fd_plan_value_of(fd_plan_builder *b, const fd_node *x);
/* Comparisons and memberships; FD_PLAN_NONE likewise. */
uint32_t fd_plan_compare(fd_plan_builder *b, const fd_node *x);
uint32_t fd_plan_in(fd_plan_builder *b, const fd_node *x);

/* plan_time.c: comparison of a column of times with a constant; FD_PLAN_NONE likewise. */
uint32_t fd_plan_compare_time(fd_plan_builder *b, const fd_node *x, fd_cel_operator op,
                              const fd_cel_value *k);
/* A value's comparison with keys, and equality with one; a key beyond 64 bits is above or below
 * all that there are. */
uint32_t fd_plan_cut(fd_plan_builder *b, uint32_t value, __int128 key, bool below);
uint32_t fd_plan_intern_value(fd_plan_builder *b, fd_plan_value like);
/* The rows whose value has the key; `key` NULL: none. */
uint32_t fd_plan_equals(fd_plan_builder *b, uint32_t value, const int64_t *key);
const fd_node *fd_plan_followed(const fd_plan_builder *b, const fd_node *x);

/* plan_tree.c: whether two trees say the same for every row, and a hash that equal ones share. */
bool fd_node_same(const fd_node *a, const fd_node *b);
uint64_t fd_node_hash(const fd_node *x);
uint32_t fd_node_cost(const fd_node *x);

/* plan_layout.c: numbers of slots, order of steps, tables. */
void fd_plan_lay_out(fd_cel_plan *plan);

/* ---- evaluating ---- */

/* A column's or value's rows, out of the bits in its slot; full ones are told from the others. */
void fd_plan_note_there(fd_cel_plan_run *r, uint32_t slot, fd_plan_there *out);
/* plan_number.c: a value's numbers, keys and bits, and all that compares it with constants. */
void fd_plan_run_value(fd_cel_plan_run *r, uint32_t value);
/* The value's numbers as integers in their order, made when first asked for. */
const int64_t *fd_plan_keys(fd_cel_plan_run *r, uint32_t value);
/* plan_set.c: constants, and in a batch the rows of each and the nodes that ask for them. */
uint32_t fd_plan_add_text(fd_plan_set *s, fd_str text);
uint32_t fd_plan_add_key(fd_plan_set *s, int64_t key);
void fd_plan_run_set(fd_cel_plan_run *r, uint32_t set);
/* plan_cut.c: all comparisons of one value with constants. */
void fd_plan_run_cuts(fd_cel_plan_run *r, uint32_t value);
/* plan_join.c: any other node that is not lazy. */
void fd_plan_run_node(fd_cel_plan_run *r, uint32_t node);
/* plan_lazy.c: makes the node's answers right for these rows. */
void fd_plan_run_lazy(fd_cel_plan_run *r, uint32_t node, const uint64_t *rows, uint32_t level);

#endif
