/*
 * String and bytes literals of CEL: raw, triple-quoted, escapes.
 * A string's result is always valid UTF-8 as far as its source is; bytes are what they are.
 */
#include "base/assert.h"
#include "lang/lex_int.h"

typedef struct scan {
    fd_lexer *lx;
    uint32_t from; /* of the token */
    bool raw, bytes;
    char *out; /* no escape makes more bytes than it takes: the source's size is enough */
    uint32_t n;
    fd_token error; /* kind ERROR once something was wrong */
} scan;

static int peek(const scan *s, uint32_t ahead)
{
    const fd_lexer *lx = s->lx;
    return lx->at + ahead < lx->src.n ? (unsigned char)lx->src.p[lx->at + ahead] : -1;
}

static void fail(scan *s, uint32_t from, const char *text, const char *hint)
{
    if (s->error.kind != FD_TOK_ERROR)
        s->error = fd_lex_error(s->lx, from, text, hint);
}

static void put(scan *s, unsigned c)
{
    s->out[s->n++] = (char)(unsigned char)c;
}

static void put_utf8(scan *s, uint32_t cp)
{
    if (cp < 0x80) {
        put(s, cp);
    } else if (cp < 0x800) {
        put(s, 0xC0 | cp >> 6);
        put(s, 0x80 | (cp & 0x3F));
    } else if (cp < 0x10000) {
        put(s, 0xE0 | cp >> 12);
        put(s, 0x80 | (cp >> 6 & 0x3F));
        put(s, 0x80 | (cp & 0x3F));
    } else {
        put(s, 0xF0 | cp >> 18);
        put(s, 0x80 | (cp >> 12 & 0x3F));
        put(s, 0x80 | (cp >> 6 & 0x3F));
        put(s, 0x80 | (cp & 0x3F));
    }
}

static int digit_of(int c, int base)
{
    int d = -1;
    if (c >= '0' && c <= '9')
        d = c - '0';
    else if (c >= 'a' && c <= 'f')
        d = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
        d = c - 'A' + 10;
    return d < base ? d : -1;
}

/* Exactly `count` digits; false when there are fewer. */
static bool digits(scan *s, int count, int base, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < count; i++) {
        int d = digit_of(peek(s, 0), base);
        if (d < 0)
            return false;
        *value = *value * (uint32_t)base + (uint32_t)d;
        s->lx->at++;
    }
    return true;
}

/* '\x' HH | '\u' HHHH | '\U' HHHHHHHH | '\' [0-3] OO */
static void numeric_escape(scan *s, uint32_t from, int c)
{
    uint32_t value;
    bool ok;
    if (c == 'x' || c == 'X')
        ok = digits(s, 2, 16, &value);
    else if (c == 'u')
        ok = digits(s, 4, 16, &value);
    else if (c == 'U')
        ok = digits(s, 8, 16, &value);
    else
        ok = digits(s, 3, 8, &value) && value <= 255;
    if (!ok) {
        fail(s, from, "an escape has too few digits or is out of range",
             "\\xHH, \\uHHHH, \\UHHHHHHHH with hex digits, \\OOO with octal ones up to \\377");
    } else if (s->bytes && (c == 'u' || c == 'U')) {
        fail(s, from, "\\u and \\U stand for characters, not for bytes", "write \\xHH in bytes");
    } else if (s->bytes) {
        put(s, value);
    } else if (value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
        fail(s, from, "the escape is not a Unicode character", NULL);
    } else {
        put_utf8(s, value);
    }
}

/* ESCAPE ::= '\' [abfnrtv\\?"'`] | a numeric one */
static void escape(scan *s)
{
    uint32_t from = s->lx->at++;
    int c = peek(s, 0);
    static const char letters[] = "abfnrtv\\?\"'`";
    static const char values[] = "\a\b\f\n\r\t\v\\?\"'`";
    const char *hit = c > 0 ? memchr(letters, c, sizeof letters - 1) : NULL;
    if (hit != NULL) {
        s->lx->at++;
        put(s, (unsigned char)values[hit - letters]);
        return;
    }
    if (c == 'x' || c == 'X' || c == 'u' || c == 'U') {
        s->lx->at++;
        numeric_escape(s, from, c);
        return;
    }
    if (c >= '0' && c <= '3') {
        numeric_escape(s, from, c);
        return;
    }
    if (c == -1)
        return; /* not closed: body() says so */
    s->lx->at++;
    fail(s, from, "an unknown escape in a string", "write \\\\ for one backslash, or r\"...\"");
}

static bool at_close(const scan *s, int quote, bool triple)
{
    if (peek(s, 0) != quote)
        return false;
    return !triple || (peek(s, 1) == quote && peek(s, 2) == quote);
}

static void body(scan *s, int quote, bool triple)
{
    for (;;) {
        int c = peek(s, 0);
        if (c == -1 || (!triple && (c == '\n' || c == '\r'))) {
            fail(s, s->from, "a string is not closed",
                 triple ? NULL : "use \"\"\"...\"\"\" for text over several lines");
            return;
        }
        if (at_close(s, quote, triple)) {
            s->lx->at += triple ? 3 : 1;
            return;
        }
        if (c == '\\' && !s->raw) {
            escape(s);
        } else {
            put(s, (unsigned)c);
            s->lx->at++;
        }
    }
}

uint32_t fd_lex_string_place(fd_str literal, uint32_t n)
{
    fd_arena *arena = fd_arena_new(1024, 0);
    fd_lexer lx = {.src = literal, .arena = arena};
    scan s = {.lx = &lx, .out = fd_arena_alloc(arena, (size_t)literal.n + 1)};
    FD_ALLOCATED(s.out);
    for (; peek(&s, 0) != '"' && peek(&s, 0) != '\''; lx.at++)
        s.raw |= peek(&s, 0) == 'r' || peek(&s, 0) == 'R';
    int quote = peek(&s, 0);
    bool triple = peek(&s, 1) == quote && peek(&s, 2) == quote && literal.n >= lx.at + 6;
    lx.at += triple ? 3 : 1;
    uint32_t place = lx.at;
    while (!at_close(&s, quote, triple) && peek(&s, 0) != -1) {
        place = lx.at;
        if (peek(&s, 0) == '\\' && !s.raw)
            escape(&s);
        else
            put(&s, (unsigned char)literal.p[lx.at++]);
        if (s.n > n)
            break;
        place = lx.at;
    }
    fd_arena_free(arena);
    return place;
}

/* STRING_LIT ::= [rR]? ( "..." | '...' | """...""" | '''...''' ) ; BYTES_LIT ::= [bB] STRING_LIT */
fd_token fd_lex_string(fd_lexer *lx, uint32_t prefix, bool raw, bool bytes)
{
    scan s = {.lx = lx, .from = lx->at, .raw = raw, .bytes = bytes};
    lx->at += prefix;
    int quote = peek(&s, 0);
    FD_ASSERT(quote == '"' || quote == '\'');
    bool triple = peek(&s, 1) == quote && peek(&s, 2) == quote;
    lx->at += triple ? 3 : 1;
    if (lx->scratch == NULL)
        lx->scratch = fd_arena_alloc(lx->arena, lx->src.n);
    FD_ALLOCATED(lx->scratch);
    s.out = lx->scratch;
    body(&s, quote, triple);
    if (s.error.kind == FD_TOK_ERROR)
        return s.error;
    FD_ASSERT(s.n <= lx->src.n);
    return (fd_token){.kind = bytes ? FD_TOK_BYTES : FD_TOK_STRING,
                      .at = s.from,
                      .n = lx->at - s.from,
                      .v.s = fd_arena_str(lx->arena, (fd_str){s.out, s.n})};
}
