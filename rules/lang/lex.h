/*
 * CEL text to tokens: the whole lexis of the language definition.
 *
 * Tokens carry byte offsets into the source, so that every later message can point at them.
 * Literal values are decoded here: strings into the arena, integers as a magnitude (the parser
 * knows about a minus in front). A lexical error is a token of kind FD_TOK_ERROR with its text.
 * One owner at a time; the source must outlive the tokens.
 */
#ifndef FD_LANG_LEX_H
#define FD_LANG_LEX_H

#include "base/arena.h"

#define FD_CEL_TOKENS(X)                \
    X(END, "the end of the expression") \
    X(ERROR, "an error")                \
    X(IDENT, "a name")                  \
    X(QUOTED_IDENT, "a quoted name")    \
    X(INT, "an int")                    \
    X(UINT, "a uint")                   \
    X(DOUBLE, "a double")               \
    X(STRING, "a string")               \
    X(BYTES, "bytes")                   \
    X(TRUE, "true")                     \
    X(FALSE, "false")                   \
    X(NULL, "null")                     \
    X(IN, "'in'")                       \
    X(LPAREN, "'('")                    \
    X(RPAREN, "')'")                    \
    X(LBRACKET, "'['")                  \
    X(RBRACKET, "']'")                  \
    X(LBRACE, "'{'")                    \
    X(RBRACE, "'}'")                    \
    X(DOT, "'.'")                       \
    X(COMMA, "','")                     \
    X(COLON, "':'")                     \
    X(QUESTION, "'?'")                  \
    X(PLUS, "'+'")                      \
    X(MINUS, "'-'")                     \
    X(STAR, "'*'")                      \
    X(SLASH, "'/'")                     \
    X(PERCENT, "'%'")                   \
    X(NOT, "'!'")                       \
    X(LT, "'<'")                        \
    X(LE, "'<='")                       \
    X(GT, "'>'")                        \
    X(GE, "'>='")                       \
    X(EQ, "'=='")                       \
    X(NE, "'!='")                       \
    X(AND, "'&&'")                      \
    X(OR, "'||'")

typedef enum fd_tok {
#define X(name, text) FD_TOK_##name,
    FD_CEL_TOKENS(X)
#undef X
} fd_tok;

typedef struct fd_token {
    fd_tok kind;
    uint32_t at; /* bytes from the start of the source */
    uint32_t n;  /* bytes it covers */
    union {
        fd_str s;   /* IDENT, STRING, BYTES; ERROR: the message */
        uint64_t u; /* INT (magnitude), UINT */
        double d;   /* DOUBLE */
    } v;
    const char *hint; /* ERROR: how to mend it, or NULL */
} fd_token;

typedef struct fd_lexer {
    fd_str src;
    uint32_t at;
    fd_arena *arena; /* for decoded strings */
    char *scratch;   /* as large as the source, made with the first string literal */
} fd_lexer;

/* Past the end it gives FD_TOK_END for ever; after an error it goes on behind the bad text. */
fd_token fd_lex_next(fd_lexer *lx);

const char *fd_tok_name(fd_tok kind);

/* Where in the text of a string literal (quotes and all, without errors) what became byte n of its
 * value is written; the closing quote for an n behind them. */
uint32_t fd_lex_string_place(fd_str literal, uint32_t n);

#endif
