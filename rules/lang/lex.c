/* The lexer; see lex.h. The lexical rules are those of the CEL language definition. */
#include "lang/lex.h"

#include <stdlib.h>

#include "base/assert.h"
#include "lang/lex_int.h"

const char *fd_tok_name(fd_tok kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        FD_CEL_TOKENS(X)
#undef X
    };
    FD_ASSERT((size_t)kind < sizeof names / sizeof *names);
    return names[kind];
}

static int peek(const fd_lexer *lx, uint32_t ahead)
{
    return lx->at + ahead < lx->src.n ? (unsigned char)lx->src.p[lx->at + ahead] : -1;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_ident_start(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_ident(int c)
{
    return is_ident_start(c) || is_digit(c);
}

/* WHITESPACE ::= [\t\n\f\r ]+ ; COMMENT ::= '//' to the end of the line */
static void skip_blank(fd_lexer *lx)
{
    for (;;) {
        int c = peek(lx, 0);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
            lx->at++;
        } else if (c == '/' && peek(lx, 1) == '/') {
            while (peek(lx, 0) != -1 && peek(lx, 0) != '\n')
                lx->at++;
        } else {
            return;
        }
    }
}

static fd_token token(const fd_lexer *lx, fd_tok kind, uint32_t from)
{
    FD_ASSERT(lx->at >= from);
    return (fd_token){.kind = kind, .at = from, .n = lx->at - from};
}

fd_token fd_lex_error(const fd_lexer *lx, uint32_t from, const char *text, const char *hint)
{
    fd_token t = token(lx, FD_TOK_ERROR, from);
    if (t.n == 0)
        t.n = 1;
    t.v.s = fd_str_from(text);
    t.hint = hint;
    return t;
}

/* What follows a number must not be a letter: 12abc is not 12 and abc. */
static fd_token number_end(fd_lexer *lx, fd_token t)
{
    if (t.kind == FD_TOK_ERROR || !is_ident(peek(lx, 0)))
        return t;
    while (is_ident(peek(lx, 0)))
        lx->at++;
    return fd_lex_error(lx, t.at, "a number runs into letters", NULL);
}

/* The digits between `from` and here in the given base, with an optional u suffix. */
static fd_token integer(fd_lexer *lx, uint32_t from, uint32_t digits, unsigned base)
{
    uint64_t value = 0;
    bool overflow = false;
    for (uint32_t i = digits; i < lx->at; i++) {
        unsigned c = (unsigned char)lx->src.p[i];
        unsigned digit = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
        overflow |= __builtin_mul_overflow(value, (uint64_t)base, &value);
        overflow |= __builtin_add_overflow(value, (uint64_t)digit, &value);
    }
    bool is_unsigned = peek(lx, 0) == 'u' || peek(lx, 0) == 'U';
    if (is_unsigned)
        lx->at++;
    if (overflow)
        return fd_lex_error(lx, from, "the number does not fit into 64 bits", NULL);
    fd_token t = token(lx, is_unsigned ? FD_TOK_UINT : FD_TOK_INT, from);
    t.v.u = value;
    return t;
}

static fd_token floating(fd_lexer *lx, uint32_t from)
{
    uint32_t n = lx->at - from;
    fd_str text = fd_arena_str(lx->arena, (fd_str){lx->src.p + from, n});
    FD_ALLOCATED(text.p);
    fd_token t = token(lx, FD_TOK_DOUBLE, from);
    t.v.d = strtod(text.p, NULL);
    return t;
}

/* EXPONENT ::= [eE] [+-]? DIGIT+ ; consumed only when complete. */
static bool exponent(fd_lexer *lx)
{
    uint32_t ahead = 1;
    if (peek(lx, 0) != 'e' && peek(lx, 0) != 'E')
        return false;
    if (peek(lx, 1) == '+' || peek(lx, 1) == '-')
        ahead = 2;
    if (!is_digit(peek(lx, ahead)))
        return false;
    lx->at += ahead;
    while (is_digit(peek(lx, 0)))
        lx->at++;
    return true;
}

/* INT_LIT ::= DIGIT+ | '0x' HEXDIGIT+ ; UINT_LIT ::= INT_LIT [uU]
 * FLOAT_LIT ::= DIGIT* '.' DIGIT+ EXPONENT? | DIGIT+ EXPONENT */
static fd_token number(fd_lexer *lx)
{
    uint32_t from = lx->at;
    if (peek(lx, 0) == '0' && (peek(lx, 1) == 'x' || peek(lx, 1) == 'X') && is_hex(peek(lx, 2))) {
        lx->at += 2;
        while (is_hex(peek(lx, 0)))
            lx->at++;
        return number_end(lx, integer(lx, from, from + 2, 16));
    }
    while (is_digit(peek(lx, 0)))
        lx->at++;
    bool is_float = false;
    if (peek(lx, 0) == '.' && is_digit(peek(lx, 1))) {
        is_float = true;
        lx->at++;
        while (is_digit(peek(lx, 0)))
            lx->at++;
    }
    is_float |= exponent(lx);
    if (is_float)
        return number_end(lx, floating(lx, from));
    return number_end(lx, integer(lx, from, from, 10));
}

static const char *const reserved[] = {
    "as",  "break", "const",   "continue",  "else",   "for", "function", "if",    "import",
    "let", "loop",  "package", "namespace", "return", "var", "void",     "while",
};

static fd_token word(fd_lexer *lx)
{
    uint32_t from = lx->at;
    while (is_ident(peek(lx, 0)))
        lx->at++;
    fd_token t = token(lx, FD_TOK_IDENT, from);
    t.v.s = (fd_str){lx->src.p + from, t.n};
    if (fd_str_eq_c(t.v.s, "true"))
        t.kind = FD_TOK_TRUE;
    else if (fd_str_eq_c(t.v.s, "false"))
        t.kind = FD_TOK_FALSE;
    else if (fd_str_eq_c(t.v.s, "null"))
        t.kind = FD_TOK_NULL;
    else if (fd_str_eq_c(t.v.s, "in"))
        t.kind = FD_TOK_IN;
    return t;
}

bool fd_lex_reserved(fd_str name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (fd_str_eq_c(name, reserved[i]))
            return true;
    }
    return false;
}

/* ESC_IDENT ::= '`' [a-zA-Z0-9_.\-/ ]+ '`' : a field whose name is not an identifier. */
static fd_token quoted_word(fd_lexer *lx)
{
    uint32_t from = lx->at++;
    int c;
    while (is_ident(c = peek(lx, 0)) || c == '.' || c == '-' || c == '/' || c == ' ')
        lx->at++;
    if (c != '`' || lx->at == from + 1)
        return fd_lex_error(lx, from, "a quoted name is not closed by '`'", NULL);
    lx->at++;
    fd_token t = token(lx, FD_TOK_QUOTED_IDENT, from);
    t.v.s = (fd_str){lx->src.p + from + 1, t.n - 2};
    return t;
}

/* How many bytes of a string prefix (r, b, br in any case) stand before a quote; -1: no string */
static int string_prefix(const fd_lexer *lx, bool *raw, bool *bytes)
{
    uint32_t i = 0;
    *raw = *bytes = false;
    if (peek(lx, i) == 'b' || peek(lx, i) == 'B') {
        *bytes = true;
        i++;
    }
    if (peek(lx, i) == 'r' || peek(lx, i) == 'R') {
        *raw = true;
        i++;
    }
    int c = peek(lx, i);
    return c == '"' || c == '\'' ? (int)i : -1;
}

static fd_tok punctuation(int c, int next, uint32_t *n)
{
    *n = 2;
    if (next == '=') {
        if (c == '<')
            return FD_TOK_LE;
        if (c == '>')
            return FD_TOK_GE;
        if (c == '=')
            return FD_TOK_EQ;
        if (c == '!')
            return FD_TOK_NE;
    }
    if (c == '&' && next == '&')
        return FD_TOK_AND;
    if (c == '|' && next == '|')
        return FD_TOK_OR;
    *n = 1;
    static const struct {
        char c;
        fd_tok kind;
    } single[] = {
        {'(', FD_TOK_LPAREN},   {')', FD_TOK_RPAREN}, {'[', FD_TOK_LBRACKET},
        {']', FD_TOK_RBRACKET}, {'{', FD_TOK_LBRACE}, {'}', FD_TOK_RBRACE},
        {'.', FD_TOK_DOT},      {',', FD_TOK_COMMA},  {':', FD_TOK_COLON},
        {'?', FD_TOK_QUESTION}, {'+', FD_TOK_PLUS},   {'-', FD_TOK_MINUS},
        {'*', FD_TOK_STAR},     {'/', FD_TOK_SLASH},  {'%', FD_TOK_PERCENT},
        {'!', FD_TOK_NOT},      {'<', FD_TOK_LT},     {'>', FD_TOK_GT},
    };
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        if (c == single[i].c)
            return single[i].kind;
    }
    return FD_TOK_ERROR;
}

/* Writing out what people bring from other languages is the most useful hint there is. */
static fd_token unexpected(fd_lexer *lx, int c)
{
    uint32_t from = lx->at;
    size_t n = fd_utf8_len((const unsigned char *)lx->src.p + from, lx->src.n - from);
    lx->at += n == 0 ? 1 : (uint32_t)n;
    if (c == '=')
        return fd_lex_error(lx, from, "'=' does not assign or compare", "write == to compare");
    if (c == '&')
        return fd_lex_error(lx, from, "'&' is not an operator", "write && for \"and\"");
    if (c == '|')
        return fd_lex_error(lx, from, "'|' is not an operator", "write || for \"or\"");
    return fd_lex_error(lx, from, "a character that has no meaning here", NULL);
}

fd_token fd_lex_next(fd_lexer *lx)
{
    skip_blank(lx);
    int c = peek(lx, 0);
    if (c == -1)
        return token(lx, FD_TOK_END, lx->at);
    bool raw, bytes;
    int prefix = string_prefix(lx, &raw, &bytes);
    if (prefix >= 0)
        return fd_lex_string(lx, (uint32_t)prefix, raw, bytes);
    if (is_digit(c) || (c == '.' && is_digit(peek(lx, 1))))
        return number(lx);
    if (is_ident_start(c))
        return word(lx);
    if (c == '`')
        return quoted_word(lx);
    uint32_t n;
    fd_tok kind = punctuation(c, peek(lx, 1), &n);
    if (kind == FD_TOK_ERROR)
        return unexpected(lx, c);
    uint32_t from = lx->at;
    lx->at += n;
    return token(lx, kind, from);
}
