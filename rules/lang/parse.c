/*
 * A Pratt parser for the whole CEL grammar; see ast.h.
 *
 * Depth is counted while descending and in the finished nodes, so neither "((((" nor
 * "1+1+1+..." can exhaust the stack of this or any later pass. It stops at the first error:
 * later ones are rarely true. One owner at a time.
 */
#include "lang/ast.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "lang/lex_int.h"

typedef struct parser {
    const fd_cel_source *src;
    fd_arena *arena;
    fd_diags *diags;
    fd_lexer lx;
    fd_token tok; /* the one looked at */
    uint32_t end; /* of the token before it */
    uint32_t depth;
    uint32_t nodes;
    bool failed;
} parser;

typedef struct args {
    fd_ast **items;
    uint32_t n, cap;
} args;

const char *fd_cel_operator_name(fd_cel_operator op)
{
    static const char *const names[] = {
#define X(name, text) text,
        FD_CEL_OPERATORS(X)
#undef X
    };
    FD_ASSERT((size_t)op < sizeof names / sizeof *names);
    return names[op];
}

static fd_ast *expr(parser *p);

__attribute__((format(printf, 5, 6))) static fd_ast *fail(parser *p, uint32_t at, uint32_t width,
                                                          const char *hint, const char *fmt, ...)
{
    if (p->failed)
        return NULL;
    p->failed = true;
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fd_cel_report(p->src, p->diags, FD_ERROR, at, width, hint, "%s", text);
    return NULL;
}

static void advance(parser *p)
{
    p->end = p->tok.at + p->tok.n;
    p->tok = fd_lex_next(&p->lx);
    if (p->tok.kind == FD_TOK_ERROR)
        fail(p, p->tok.at, p->tok.n, p->tok.hint, FD_STR_FMT, FD_STR_ARG(p->tok.v.s));
}

static bool accept(parser *p, fd_tok kind)
{
    if (p->failed || p->tok.kind != kind)
        return false;
    advance(p);
    return true;
}

static fd_ast *unexpected(parser *p, const char *wanted, const char *hint)
{
    return fail(p, p->tok.at, p->tok.n, hint, "expected %s, found %s", wanted,
                fd_tok_name(p->tok.kind));
}

static bool expect(parser *p, fd_tok kind, const char *hint)
{
    if (accept(p, kind))
        return true;
    unexpected(p, fd_tok_name(kind), hint);
    return false;
}

/* The same where `other` would have ended it: the message names both. */
static bool expect_or(parser *p, fd_tok kind, fd_tok other)
{
    if (accept(p, kind))
        return true;
    fail(p, p->tok.at, p->tok.n, NULL, "expected %s or %s, found %s", fd_tok_name(kind),
         fd_tok_name(other), fd_tok_name(p->tok.kind));
    return false;
}

static fd_ast *node(parser *p, fd_ast_kind kind, uint32_t from)
{
    if (++p->nodes > FD_CEL_MAX_NODES)
        return fail(p, from, 1, "put long lists under `lists:`", "the expression is too long");
    fd_ast *a = fd_arena_zalloc(p->arena, sizeof *a);
    FD_ALLOCATED(a);
    a->kind = kind;
    a->from = from;
    a->at = from;
    a->to = p->end;
    a->width = p->end > from ? p->end - from : 1;
    a->depth = 1;
    return a;
}

/* Gives a node its children and checks the depth that makes. */
static fd_ast *adopt(parser *p, fd_ast *a, const args *children)
{
    if (a == NULL || p->failed)
        return NULL;
    a->args = children->items;
    a->n_args = children->n;
    for (uint32_t i = 0; i < children->n; i++) {
        if (children->items[i]->depth >= a->depth)
            a->depth = children->items[i]->depth + 1;
    }
    if (a->depth > FD_CEL_MAX_DEPTH)
        return fail(p, a->at, a->width, "move a part of it into `variables:`",
                    "the expression nests deeper than %d", FD_CEL_MAX_DEPTH);
    return a;
}

static void push(parser *p, args *list, fd_ast *child)
{
    if (child == NULL)
        return;
    if (list->n == list->cap) {
        uint32_t cap = list->cap == 0 ? 2 : list->cap * 2;
        fd_ast **items = fd_arena_alloc(p->arena, cap * sizeof(fd_ast *));
        FD_ALLOCATED(items);
        if (list->n != 0)
            memcpy(items, list->items, list->n * sizeof(fd_ast *));
        list->items = items;
        list->cap = cap;
    }
    list->items[list->n++] = child;
}

static fd_ast *literal(parser *p, uint32_t from, fd_cel_value v)
{
    fd_ast *a = node(p, FD_AST_LITERAL, from);
    if (a != NULL)
        a->literal = v;
    return a;
}

/* LITERAL of a number, the minus in front belonging to it: -9223372036854775808 is one. */
static fd_ast *number(parser *p, uint32_t from, bool negative)
{
    fd_token t = p->tok;
    advance(p);
    if (t.kind == FD_TOK_DOUBLE)
        return literal(p, from, fd_cel_double(negative ? -t.v.d : t.v.d));
    if (t.kind == FD_TOK_UINT)
        return literal(p, from, fd_cel_uint(t.v.u));
    FD_ASSERT(t.kind == FD_TOK_INT);
    uint64_t max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    if (t.v.u > max)
        return fail(p, t.at, t.n,
                    "an int is between -9223372036854775808 and "
                    "9223372036854775807; a uint is written with u",
                    "the number does not fit into an int");
    int64_t i = negative ? (int64_t)(0 - t.v.u) : (int64_t)t.v.u;
    return literal(p, from, fd_cel_int(i));
}

/* ExprList ::= Expr {"," Expr} [","] up to `close`; the trailing comma only where allowed. */
static void list_until(parser *p, args *list, fd_tok close, bool trailing_comma)
{
    while (!p->failed && p->tok.kind != close) {
        /* Only elements of a list may be optional; an argument that starts so is no expression. */
        bool optional = close == FD_TOK_RBRACKET && accept(p, FD_TOK_QUESTION);
        fd_ast *e = expr(p);
        if (e != NULL)
            e->entry_optional = optional;
        push(p, list, e);
        if (p->failed || p->tok.kind == close)
            break;
        if (!expect_or(p, FD_TOK_COMMA, close))
            return;
        if (p->tok.kind == close && !trailing_comma) {
            unexpected(p, "another argument", NULL);
            return;
        }
    }
    expect(p, close, NULL);
}

static fd_ast *list_literal(parser *p)
{
    uint32_t from = p->tok.at;
    advance(p);
    args items = {0};
    list_until(p, &items, FD_TOK_RBRACKET, true);
    return adopt(p, node(p, FD_AST_LIST, from), &items);
}

/* MapInits ::= Expr ":" Expr {"," Expr ":" Expr} [","] */
static fd_ast *map_literal(parser *p)
{
    uint32_t from = p->tok.at;
    advance(p);
    args items = {0};
    while (!p->failed && p->tok.kind != FD_TOK_RBRACE) {
        bool optional = accept(p, FD_TOK_QUESTION);
        fd_ast *key = expr(p);
        if (key != NULL)
            key->entry_optional = optional;
        push(p, &items, key);
        if (!expect(p, FD_TOK_COLON, NULL))
            return NULL;
        push(p, &items, expr(p));
        if (p->tok.kind != FD_TOK_RBRACE && !expect_or(p, FD_TOK_COMMA, FD_TOK_RBRACE))
            return NULL;
    }
    if (!expect(p, FD_TOK_RBRACE, NULL))
        return NULL;
    FD_ASSERT(items.n % 2 == 0);
    return adopt(p, node(p, FD_AST_MAP, from), &items);
}

/* ["."] IDENT ["(" [ExprList] ")"] */
static fd_ast *name_or_call(parser *p)
{
    uint32_t from = p->tok.at;
    bool rooted = accept(p, FD_TOK_DOT);
    if (p->failed)
        return NULL;
    if (p->tok.kind != FD_TOK_IDENT)
        return unexpected(p, "a name", NULL);
    fd_token name = p->tok;
    if (fd_lex_reserved(name.v.s))
        return fail(p, name.at, name.n, NULL, "'" FD_STR_FMT "' is a reserved word",
                    FD_STR_ARG(name.v.s));
    advance(p);
    bool call = accept(p, FD_TOK_LPAREN);
    args list = {0};
    if (call)
        list_until(p, &list, FD_TOK_RPAREN, false);
    fd_ast *a = adopt(p, node(p, call ? FD_AST_CALL : FD_AST_IDENT, from), &list);
    if (a == NULL)
        return NULL;
    a->name = name.v.s;
    a->rooted = rooted;
    a->at = name.at;
    a->width = name.n;
    return a;
}

/* Primary ::= ["."] IDENT ["(" [ExprList] ")"] | "(" Expr ")" | "[" [ExprList] "]"
 *           | "{" [MapInits] "}" | LITERAL */
static fd_ast *primary(parser *p)
{
    uint32_t from = p->tok.at;
    fd_token t = p->tok;
    switch (t.kind) {
    case FD_TOK_INT:
    case FD_TOK_UINT:
    case FD_TOK_DOUBLE:
        return number(p, from, false);
    case FD_TOK_STRING:
        advance(p);
        return literal(p, from, fd_cel_string(t.v.s));
    case FD_TOK_BYTES:
        advance(p);
        return literal(p, from, fd_cel_bytes(t.v.s));
    case FD_TOK_TRUE:
    case FD_TOK_FALSE:
        advance(p);
        return literal(p, from, fd_cel_bool(t.kind == FD_TOK_TRUE));
    case FD_TOK_NULL:
        advance(p);
        return literal(p, from, (fd_cel_value){.kind = FD_CEL_NULL});
    case FD_TOK_LPAREN: {
        advance(p);
        fd_ast *inner = expr(p);
        if (inner == NULL || !expect(p, FD_TOK_RPAREN, NULL))
            return NULL;
        inner->from = from;
        inner->to = p->end;
        return inner;
    }
    case FD_TOK_LBRACKET:
        return list_literal(p);
    case FD_TOK_LBRACE:
        return map_literal(p);
    case FD_TOK_IDENT:
    case FD_TOK_DOT:
        return name_or_call(p);
    default:
        return unexpected(p, "a value", NULL);
    }
}

/* Member ::= Member "." IDENT ["(" [ExprList] ")"] | Member ".?" IDENT ; the dot is already read */
static fd_ast *selection(parser *p, fd_ast *of)
{
    bool optional = accept(p, FD_TOK_QUESTION);
    fd_token name = p->tok;
    if (name.kind != FD_TOK_IDENT && name.kind != FD_TOK_QUOTED_IDENT && name.kind != FD_TOK_IN &&
        name.kind != FD_TOK_TRUE && name.kind != FD_TOK_FALSE && name.kind != FD_TOK_NULL)
        return unexpected(p, "a field name", NULL);
    if (name.kind == FD_TOK_IN || name.kind == FD_TOK_TRUE || name.kind == FD_TOK_FALSE ||
        name.kind == FD_TOK_NULL)
        return fail(p, name.at, name.n,
                    fd_arena_printf(p->arena, "quote it: `" FD_STR_FMT "`", FD_STR_ARG(name.v.s)),
                    "'" FD_STR_FMT "' is a word of the language", FD_STR_ARG(name.v.s));
    advance(p);
    bool call = name.kind == FD_TOK_IDENT && !optional && accept(p, FD_TOK_LPAREN);
    args list = {0};
    push(p, &list, of);
    if (call)
        list_until(p, &list, FD_TOK_RPAREN, false);
    fd_ast *a = adopt(p, node(p, call ? FD_AST_METHOD : FD_AST_SELECT, of->from), &list);
    if (a == NULL)
        return NULL;
    a->name = name.v.s;
    a->optional = optional;
    a->at = name.at;
    a->width = name.n;
    return a;
}

/* The index behind the bracket that opened at `at`. */
static fd_ast *subscript(parser *p, fd_ast *of, uint32_t at)
{
    bool optional = accept(p, FD_TOK_QUESTION);
    args list = {0};
    push(p, &list, of);
    push(p, &list, expr(p));
    if (!expect(p, FD_TOK_RBRACKET, NULL))
        return NULL;
    fd_ast *a = adopt(p, node(p, FD_AST_OP, of->from), &list);
    if (a == NULL)
        return NULL;
    a->op = FD_OP_INDEX;
    a->optional = optional;
    a->at = at;
    a->width = p->end - at;
    return a;
}

/* Member ::= Primary | Member "." ... | Member "[" ["?"] Expr "]" | Member "{" ... "}" */
static fd_ast *member(parser *p)
{
    fd_ast *a = primary(p);
    while (a != NULL && !p->failed) {
        uint32_t at = p->tok.at;
        if (accept(p, FD_TOK_DOT)) {
            a = selection(p, a);
        } else if (accept(p, FD_TOK_LBRACKET)) {
            a = subscript(p, a, at);
        } else if (p->tok.kind == FD_TOK_LBRACE) {
            return fail(p, p->tok.at, 1, NULL, "message literals are not supported");
        } else {
            return a;
        }
    }
    return p->failed ? NULL : a;
}

static fd_ast *operation(parser *p, fd_cel_operator op, fd_token at, const args *list,
                         uint32_t from)
{
    fd_ast *a = adopt(p, node(p, FD_AST_OP, from), list);
    if (a == NULL)
        return NULL;
    a->op = op;
    a->at = at.at;
    a->width = at.n;
    return a;
}

/* Unary ::= Member | "!" {"!"} Member | "-" {"-"} Member
 * Every second one is not dropped: -(-x) may overflow, !(!x) demands a bool. */
static fd_ast *unary(parser *p)
{
    fd_token first = p->tok;
    if (first.kind != FD_TOK_NOT && first.kind != FD_TOK_MINUS)
        return member(p);
    enum { RUN_MAX = 32 };
    fd_token ops[RUN_MAX];
    uint32_t n = 0;
    while (p->tok.kind == first.kind && !p->failed) {
        if (n == RUN_MAX)
            return fail(p, p->tok.at, 1, NULL, "too many operators in a row");
        ops[n++] = p->tok;
        advance(p);
    }
    fd_ast *a;
    bool is_number = p->tok.kind == FD_TOK_INT || p->tok.kind == FD_TOK_DOUBLE;
    if (first.kind == FD_TOK_MINUS && is_number && ops[n - 1].at + 1 == p->tok.at) {
        n--;
        fd_ast *value = number(p, ops[n].at, true);
        a = value;
    } else {
        a = member(p);
    }
    while (a != NULL && n-- > 0) {
        args list = {0};
        push(p, &list, a);
        a = operation(p, first.kind == FD_TOK_NOT ? FD_OP_NOT : FD_OP_NEG, ops[n], &list,
                      ops[n].at);
    }
    return a;
}

/* Binding strength of the binary operators; 0 = not one. */
static int strength(fd_tok kind, fd_cel_operator *op)
{
    static const struct {
        fd_tok kind;
        fd_cel_operator op;
        int strength;
    } table[] = {
        {FD_TOK_LT, FD_OP_LT, 3},    {FD_TOK_LE, FD_OP_LE, 3},     {FD_TOK_GT, FD_OP_GT, 3},
        {FD_TOK_GE, FD_OP_GE, 3},    {FD_TOK_EQ, FD_OP_EQ, 3},     {FD_TOK_NE, FD_OP_NE, 3},
        {FD_TOK_IN, FD_OP_IN, 3},    {FD_TOK_PLUS, FD_OP_ADD, 4},  {FD_TOK_MINUS, FD_OP_SUB, 4},
        {FD_TOK_STAR, FD_OP_MUL, 5}, {FD_TOK_SLASH, FD_OP_DIV, 5}, {FD_TOK_PERCENT, FD_OP_MOD, 5},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].kind == kind) {
            *op = table[i].op;
            return table[i].strength;
        }
    }
    return 0;
}

/* Relation ::= [Relation Relop] Addition ; Addition ::= [Addition ("+" | "-")] Multiplication
 * Multiplication ::= [Multiplication ("*" | "/" | "%")] Unary ; all to the left */
static fd_ast *binary(parser *p, int at_least)
{
    fd_ast *left = unary(p);
    while (left != NULL && !p->failed) {
        fd_cel_operator op = FD_OP_ADD;
        fd_token t = p->tok;
        int s = strength(t.kind, &op);
        if (s == 0 || s < at_least)
            return left;
        advance(p);
        args list = {0};
        push(p, &list, left);
        push(p, &list, binary(p, s + 1));
        if (p->failed)
            return NULL;
        left = operation(p, op, t, &list, left->from);
    }
    return left;
}

/* ConditionalAnd ::= Relation {"&&" Relation} ; ConditionalOr ::= ConditionalAnd {"||" ...} */
static fd_ast *logic(parser *p, bool is_or)
{
    fd_tok op = is_or ? FD_TOK_OR : FD_TOK_AND;
    fd_ast *first = is_or ? logic(p, false) : binary(p, 3);
    if (first == NULL || p->failed || p->tok.kind != op)
        return p->failed ? NULL : first;
    fd_token at = p->tok;
    args list = {0};
    push(p, &list, first);
    while (accept(p, op))
        push(p, &list, is_or ? logic(p, false) : binary(p, 3));
    fd_ast *a = adopt(p, node(p, is_or ? FD_AST_OR : FD_AST_AND, first->from), &list);
    if (a != NULL) {
        a->at = at.at;
        a->width = at.n;
    }
    return a;
}

/* Expr ::= ConditionalOr ["?" ConditionalOr ":" Expr] */
static fd_ast *expr(parser *p)
{
    if (p->failed)
        return NULL;
    if (++p->depth > FD_CEL_MAX_DEPTH)
        return fail(p, p->tok.at, p->tok.n, "move a part of it into `variables:`",
                    "the expression nests deeper than %d", FD_CEL_MAX_DEPTH);
    fd_ast *a = logic(p, true);
    fd_token at = p->tok;
    if (a != NULL && accept(p, FD_TOK_QUESTION)) {
        args list = {0};
        push(p, &list, a);
        push(p, &list, logic(p, true));
        if (expect(p, FD_TOK_COLON, "a condition is written a ? b : c"))
            push(p, &list, expr(p));
        uint32_t from = a->from;
        a = p->failed ? NULL : adopt(p, node(p, FD_AST_COND, from), &list);
        if (a != NULL) {
            a->at = at.at;
            a->width = at.n;
        }
    }
    p->depth--;
    return p->failed ? NULL : a;
}

fd_ast *fd_cel_parse(const fd_cel_source *src, fd_arena *arena, fd_diags *diags)
{
    parser p = {.src = src, .arena = arena, .diags = diags};
    if (src->text.n > FD_CEL_MAX_TEXT)
        return fail(&p, 0, 1, "put long lists under `lists:`",
                    "the expression is longer than %d bytes", FD_CEL_MAX_TEXT);
    p.lx = (fd_lexer){.src = src->text, .arena = arena};
    advance(&p);
    if (!p.failed && p.tok.kind == FD_TOK_END)
        return fail(&p, 0, 1, NULL, "the expression is empty");
    fd_ast *a = expr(&p);
    if (p.failed)
        return NULL;
    if (p.tok.kind != FD_TOK_END) {
        const char *hint = NULL;
        if (p.tok.kind == FD_TOK_IDENT && fd_str_eq_c(p.tok.v.s, "and"))
            hint = "write && for \"and\"";
        else if (p.tok.kind == FD_TOK_IDENT && fd_str_eq_c(p.tok.v.s, "or"))
            hint = "write || for \"or\"";
        return unexpected(&p, "an operator or the end", hint);
    }
    FD_ASSERT(a != NULL);
    return a;
}
