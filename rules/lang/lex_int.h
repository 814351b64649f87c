/* The two halves of the lexer to each other: lex.c and lex_string.c only. */
#ifndef FD_LANG_LEX_INT_H
#define FD_LANG_LEX_INT_H

#include "base/strbuf.h"
#include "lang/lex.h"

/* An error token from `from` to the lexer's place; the texts must be literals. */
fd_token fd_lex_error(const fd_lexer *lx, uint32_t from, const char *text, const char *hint);

/* At a string's prefix of `prefix` bytes before its quote. */
fd_token fd_lex_string(fd_lexer *lx, uint32_t prefix, bool raw, bool bytes);

/* Whether the language keeps this name for itself. */
bool fd_lex_reserved(fd_str name);

#endif
