/*
 * One spelling of an expression: its tree written out again, every operator in parentheses. It is
 * what equal expressions are found by and part of what window state is named by: a change here
 * makes state be built anew. Pure but for the arena; recursion follows the tree's bounded depth.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/assert.h"
#include "lang/ast.h"

static void write_node(const fd_ast *a, fd_strbuf *out);

static void write_quoted(fd_str s, bool ascii, fd_strbuf *out)
{
    fd_strbuf_putc(out, '"');
    for (uint32_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            fd_strbuf_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f || (c > 0x7f && ascii))
            fd_strbuf_printf(out, "\\x%02x", c);
        else
            fd_strbuf_putc(out, (char)c);
    }
    fd_strbuf_putc(out, '"');
}

static void write_double(double d, fd_strbuf *out)
{
    char text[40];
    snprintf(text, sizeof text, "%.17g", d);
    fd_strbuf_puts(out, text);
    if (isfinite(d) && strpbrk(text, ".e") == NULL)
        fd_strbuf_puts(out, ".0");
}

static void write_literal(const fd_cel_value *v, fd_strbuf *out)
{
    switch (v->kind) {
    case FD_CEL_BOOL:
        fd_strbuf_puts(out, v->v.b ? "true" : "false");
        return;
    case FD_CEL_INT:
        fd_strbuf_printf(out, "%" PRId64, v->v.i);
        return;
    case FD_CEL_UINT:
        fd_strbuf_printf(out, "%" PRIu64 "u", v->v.u);
        return;
    case FD_CEL_DOUBLE:
        write_double(v->v.d, out);
        return;
    case FD_CEL_BYTES:
        fd_strbuf_putc(out, 'b');
        write_quoted(fd_cel_text(v), true, out);
        return;
    case FD_CEL_STRING:
        write_quoted(fd_cel_text(v), false, out);
        return;
    default:
        FD_ASSERT(v->kind == FD_CEL_NULL);
        fd_strbuf_puts(out, "null");
    }
}

static void write_list(const fd_ast *a, uint32_t from, const char *between, fd_strbuf *out)
{
    for (uint32_t i = from; i < a->n_args; i++) {
        if (i != from)
            fd_strbuf_puts(out, between);
        if (a->args[i]->entry_optional)
            fd_strbuf_putc(out, '?');
        write_node(a->args[i], out);
    }
}

static void write_name(fd_str name, fd_strbuf *out)
{
    bool plain = true;
    for (uint32_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        plain = plain && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                          (c >= '0' && c <= '9' && i > 0));
    }
    fd_strbuf_printf(out, plain ? FD_STR_FMT : "`" FD_STR_FMT "`", FD_STR_ARG(name));
}

/* A minus right before a number would be read as a part of it. */
static void write_unary(const fd_ast *a, fd_strbuf *out)
{
    bool literal = a->args[0]->kind == FD_AST_LITERAL;
    fd_strbuf_puts(out, fd_cel_operator_name(a->op));
    fd_strbuf_puts(out, literal ? "(" : "");
    write_node(a->args[0], out);
    fd_strbuf_puts(out, literal ? ")" : "");
}

static void write_operator(const fd_ast *a, fd_strbuf *out)
{
    if (a->op == FD_OP_INDEX) {
        write_node(a->args[0], out);
        fd_strbuf_puts(out, a->optional ? "[?" : "[");
        write_node(a->args[1], out);
        fd_strbuf_putc(out, ']');
        return;
    }
    fd_strbuf_putc(out, '(');
    if (a->n_args == 1) {
        write_unary(a, out);
    } else {
        write_node(a->args[0], out);
        fd_strbuf_printf(out, " %s ", fd_cel_operator_name(a->op));
        write_node(a->args[1], out);
    }
    fd_strbuf_putc(out, ')');
}

static void write_cond(const fd_ast *a, fd_strbuf *out)
{
    fd_strbuf_putc(out, '(');
    write_node(a->args[0], out);
    fd_strbuf_puts(out, " ? ");
    write_node(a->args[1], out);
    fd_strbuf_puts(out, " : ");
    write_node(a->args[2], out);
    fd_strbuf_putc(out, ')');
}

static void write_map(const fd_ast *a, fd_strbuf *out)
{
    fd_strbuf_putc(out, '{');
    for (uint32_t i = 0; i < a->n_args; i += 2) {
        if (i != 0)
            fd_strbuf_puts(out, ", ");
        if (a->args[i]->entry_optional)
            fd_strbuf_putc(out, '?');
        write_node(a->args[i], out);
        fd_strbuf_puts(out, ": ");
        write_node(a->args[i + 1], out);
    }
    fd_strbuf_putc(out, '}');
}

static void write_enclosed(const fd_ast *a, uint32_t from, const char *between, const char *ends,
                           fd_strbuf *out)
{
    fd_strbuf_putc(out, ends[0]);
    write_list(a, from, between, out);
    fd_strbuf_putc(out, ends[1]);
}

static void write_node(const fd_ast *a, fd_strbuf *out)
{
    switch (a->kind) {
    case FD_AST_LITERAL:
        write_literal(&a->literal, out);
        return;
    case FD_AST_IDENT:
        if (a->rooted)
            fd_strbuf_putc(out, '.');
        write_name(a->name, out);
        return;
    case FD_AST_SELECT:
        write_node(a->args[0], out);
        fd_strbuf_puts(out, a->optional ? ".?" : ".");
        write_name(a->name, out);
        return;
    case FD_AST_CALL:
        if (a->rooted)
            fd_strbuf_putc(out, '.');
        write_name(a->name, out);
        write_enclosed(a, 0, ", ", "()", out);
        return;
    case FD_AST_METHOD:
        write_node(a->args[0], out);
        fd_strbuf_putc(out, '.');
        write_name(a->name, out);
        write_enclosed(a, 1, ", ", "()", out);
        return;
    case FD_AST_OP:
        write_operator(a, out);
        return;
    case FD_AST_AND:
        write_enclosed(a, 0, " && ", "()", out);
        return;
    case FD_AST_OR:
        write_enclosed(a, 0, " || ", "()", out);
        return;
    case FD_AST_COND:
        write_cond(a, out);
        return;
    case FD_AST_LIST:
        write_enclosed(a, 0, ", ", "[]", out);
        return;
    case FD_AST_MAP:
        write_map(a, out);
        return;
    }
    FD_UNREACHABLE();
}

fd_str fd_cel_canonical(const fd_cel_source *src, fd_arena *arena)
{
    fd_arena *temporary = fd_arena_new(8 * 1024, 0);
    fd_diags none;
    fd_diags_init(&none);
    const fd_ast *root = fd_cel_parse(src, temporary, &none);
    FD_ASSERT(root != NULL);
    fd_strbuf out = {0};
    write_node(root, &out);
    fd_str text = fd_arena_str(arena, (fd_str){out.p, (uint32_t)out.n});
    FD_ALLOCATED(text.p);
    fd_strbuf_free(&out);
    fd_diags_free(&none);
    fd_arena_free(temporary);
    return text;
}
