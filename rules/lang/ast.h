/*
 * The syntax tree of one CEL expression, and the parser that makes it.
 *
 * Invariants: nodes live in the caller's arena; `depth` is bounded by FD_CEL_MAX_DEPTH and the
 * number of nodes by FD_CEL_MAX_NODES, so everything that walks the tree may recurse; chains of
 * && and || are one flat node. Operators are kept apart from calls because their errors read
 * differently. Positions are byte offsets into the source text.
 */
#ifndef FD_LANG_AST_H
#define FD_LANG_AST_H

#include "lang/cel.h"
#include "lang/function.h"
#include "lang/regex.h"

enum { FD_CEL_MAX_DEPTH = 160, FD_CEL_MAX_NODES = 20000, FD_CEL_MAX_TEXT = 64 * 1024 };

/* Operators with their spelling. */
#define FD_CEL_OPERATORS(X) \
    X(NEG, "-")             \
    X(NOT, "!")             \
    X(MUL, "*")             \
    X(DIV, "/")             \
    X(MOD, "%")             \
    X(ADD, "+")             \
    X(SUB, "-")             \
    X(LT, "<")              \
    X(LE, "<=")             \
    X(GT, ">")              \
    X(GE, ">=")             \
    X(EQ, "==")             \
    X(NE, "!=")             \
    X(IN, "in")             \
    X(INDEX, "[]")

typedef enum fd_cel_operator {
#define X(name, text) FD_OP_##name,
    FD_CEL_OPERATORS(X)
#undef X
} fd_cel_operator;

typedef enum fd_ast_kind {
    FD_AST_LITERAL,
    FD_AST_IDENT,  /* name */
    FD_AST_SELECT, /* args[0].name */
    FD_AST_CALL,   /* name(args) */
    FD_AST_METHOD, /* args[0].name(args[1..]) */
    FD_AST_OP,     /* op over args */
    FD_AST_AND,    /* args, at least two */
    FD_AST_OR,
    FD_AST_COND, /* args[0] ? args[1] : args[2] */
    FD_AST_LIST, /* [args] */
    FD_AST_MAP,  /* {args[0]: args[1], ...} */
} fd_ast_kind;

/* What the checker found a name or call to mean. */
typedef enum fd_ref {
    FD_REF_NONE,
    FD_REF_NAMESPACE,    /* event, features, variables, lists, models: no value of its own */
    FD_REF_MODEL,        /* models.x: none either */
    FD_REF_MODEL_VALUES, /* models.x.value: none before it is indexed */
    FD_REF_COLUMN,       /* index: the column, of `batch` */
    FD_REF_VARIABLE,     /* index: the slot */
    FD_REF_SET,
    FD_REF_FIELD,      /* of a value known at run time */
    FD_REF_HAS,        /* of args[0], a SELECT */
    FD_REF_CALL,       /* overloads */
    FD_REF_LOCAL,      /* index: the slot */
    FD_REF_CONST,      /* literal: a type's name, optional.none() */
    FD_REF_MACRO,      /* macro over args as fd_macro says; its names' slots start at index */
    FD_REF_OR_ELSE,    /* args[0] unless it is empty, else args[1] */
    FD_REF_UNDECLARED, /* only where types are not checked: fails when it runs */
} fd_ref;

/* What a macro's args become. Its names are `n_locals` slots from `index` on. */
typedef enum fd_macro {
    FD_MACRO_ALL, /* range, condition */
    FD_MACRO_EXISTS,
    FD_MACRO_EXISTS_ONE,
    FD_MACRO_FILTER,
    FD_MACRO_MAP,                 /* range, element, condition where there is one */
    FD_MACRO_TRANSFORM_MAP,       /* the same with the entry's value */
    FD_MACRO_TRANSFORM_MAP_ENTRY, /* the same with a map of entries */
    FD_MACRO_SORT_BY,             /* list, key */
    FD_MACRO_OPT_MAP,             /* optional, value */
    FD_MACRO_OPT_FLAT_MAP,        /* optional, optional */
    FD_MACRO_LET,                 /* values ..., result: cel.bind, cel.block */
} fd_macro;

/* The batches whose columns expressions name. */
enum { FD_CEL_EVENTS, FD_CEL_FEATURES, FD_CEL_N_BATCHES };

typedef struct fd_ast {
    fd_ast_kind kind;
    fd_cel_operator op;
    uint32_t from, to;  /* the text it covers, [from, to) */
    uint32_t at, width; /* what a message points at: the operator, the field's name */
    uint32_t depth;     /* 1 for a leaf */
    fd_str name;
    bool rooted;         /* IDENT, CALL with a leading dot */
    bool optional;       /* SELECT, INDEX: a.?b, a[?b] */
    bool entry_optional; /* as an element of LIST, a key of MAP: ?e */
    fd_cel_value literal;
    uint32_t n_args;
    struct fd_ast **args;
    /* Filled by the checker. */
    const fd_cel_type *type;
    fd_ref ref;
    uint8_t batch;
    fd_macro macro;
    uint32_t index;
    uint32_t n_locals;
    const fd_cel_set *set;
    fd_cel_overloads overloads;
    const fd_regex *regex; /* of matches() with a literal */
} fd_ast;

const char *fd_cel_operator_name(fd_cel_operator op);

/* Types every node against the scope; false after errors, which are in diags. */
bool fd_cel_check(const fd_cel_scope *scope, const fd_cel_source *src, fd_ast *root,
                  fd_arena *arena, fd_diags *diags);

/* NULL after an error, which is in diags. */
fd_ast *fd_cel_parse(const fd_cel_source *src, fd_arena *arena, fd_diags *diags);

#endif
