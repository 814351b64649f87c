/* The text format of Protocol Buffers; see textproto.h. One test at a time. */
#include "textproto.h"

#include <stdlib.h>

#include "base/assert.h"

typedef struct reader {
    fd_str src;
    uint32_t at;
    int line;
    fd_arena *arena;
    char *scratch; /* as large as the source */
    bool bad;
} reader;

static int peek(const reader *r)
{
    return r->at < r->src.n ? (unsigned char)r->src.p[r->at] : -1;
}

static void skip_blank(reader *r)
{
    for (int c; (c = peek(r)) != -1; r->at++) {
        if (c == '#') {
            while (peek(r) != -1 && peek(r) != '\n')
                r->at++;
        }
        if (peek(r) == '\n')
            r->line++;
        else if (c != ' ' && c != '\t' && c != '\r' && c != ',' && c != ';')
            return;
    }
}

static bool accept(reader *r, char c)
{
    skip_blank(r);
    if (peek(r) != c)
        return false;
    r->at++;
    return true;
}

static bool is_word(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == '+';
}

static fd_str word(reader *r)
{
    skip_blank(r);
    uint32_t from = r->at;
    if (peek(r) == '[') {
        while (peek(r) != -1 && peek(r) != ']')
            r->at++;
        r->bad = r->bad || peek(r) == -1;
        r->at++;
    } else {
        while (is_word(peek(r)))
            r->at++;
    }
    r->bad = r->bad || r->at == from;
    return (fd_str){r->src.p + from, r->at - from};
}

static uint32_t digits(reader *r, int base, int max)
{
    uint32_t value = 0;
    for (int i = 0; i < max; i++) {
        int c = peek(r);
        int d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' ? (c | 32) - 'a' + 10 : base;
        if (d >= base)
            return value;
        value = value * (uint32_t)base + (uint32_t)d;
        r->at++;
    }
    return value;
}

static uint32_t put_utf8(char *out, uint32_t cp)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    uint32_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (uint32_t i = n - 1; i > 0; i--, cp >>= 6)
        out[i] = (char)(0x80 | (cp & 0x3F));
    out[0] = (char)(cp | (n == 2 ? 0xC0U : n == 3 ? 0xE0U : 0xF0U));
    return n;
}

/* The escape at the reader's place, behind its backslash. */
static uint32_t escape(reader *r, char *out)
{
    static const char letters[] = "abfnrtv\\'\"?";
    static const char values[] = "\a\b\f\n\r\t\v\\'\"?";
    int c = peek(r);
    const char *hit = c > 0 ? strchr(letters, c) : NULL;
    if (hit != NULL) {
        r->at++;
        out[0] = values[hit - letters];
        return 1;
    }
    if (c >= '0' && c <= '7') {
        out[0] = (char)digits(r, 8, 3);
        return 1;
    }
    r->at++;
    if (c == 'x' || c == 'X') {
        out[0] = (char)digits(r, 16, 2);
        return 1;
    }
    if (c == 'u' || c == 'U')
        return put_utf8(out, digits(r, 16, c == 'u' ? 4 : 8));
    r->bad = true;
    return 0;
}

/* "..." '...' "...": pieces of one string; no escape is longer decoded than written. */
static fd_str quoted(reader *r)
{
    char *out = r->scratch;
    uint32_t n = 0;
    for (skip_blank(r); peek(r) == '"' || peek(r) == '\''; skip_blank(r)) {
        int quote = peek(r);
        r->at++;
        while (!r->bad && peek(r) != quote) {
            r->bad = peek(r) == -1 || peek(r) == '\n';
            if (peek(r) == '\\') {
                r->at++;
                n += escape(r, out + n);
            } else {
                out[n++] = r->src.p[r->at++];
            }
        }
        r->at++;
    }
    return fd_arena_str(r->arena, (fd_str){out, n});
}

static textproto *fields(reader *r, char close, int depth);

/* What stands behind a field's name: a message, a string or a word. */
static void value(reader *r, textproto *f, int depth)
{
    skip_blank(r);
    bool angle = peek(r) == '<';
    if (accept(r, '{') || accept(r, '<')) {
        f->is_message = true;
        f->first = fields(r, angle ? '>' : '}', depth + 1);
    } else if (peek(r) == '"' || peek(r) == '\'') {
        f->text = quoted(r);
    } else {
        f->text = word(r);
    }
}

static textproto *new_field(reader *r, textproto ***last)
{
    textproto *f = fd_arena_zalloc(r->arena, sizeof *f);
    FD_ALLOCATED(f);
    **last = f;
    *last = &f->next;
    return f;
}

/* NAME ":" "[" value value ... "]": as many fields of that name; the bracket is read. */
static void list(reader *r, fd_str name, textproto ***last, int depth)
{
    while (!r->bad && !accept(r, ']')) {
        textproto *f = new_field(r, last);
        f->name = name;
        value(r, f, depth);
    }
}

static textproto *fields(reader *r, char close, int depth)
{
    textproto *first = NULL, **last = &first;
    for (;;) {
        skip_blank(r);
        if (close == '\0' ? peek(r) == -1 : accept(r, close))
            return first;
        fd_str name = word(r);
        bool colon = accept(r, ':');
        if (colon && accept(r, '[')) {
            list(r, name, &last, depth);
        } else {
            textproto *f = new_field(r, &last);
            f->name = name;
            value(r, f, depth);
            r->bad = r->bad || (!colon && !f->is_message);
        }
        r->bad = r->bad || depth > 60;
        if (r->bad)
            return NULL;
    }
}

textproto *textproto_parse(fd_str text, fd_arena *arena, int *bad_line)
{
    reader r = {.src = text, .line = 1, .arena = arena};
    textproto *file = fd_arena_zalloc(arena, sizeof *file);
    FD_ALLOCATED(file);
    r.scratch = malloc(text.n + 1);
    FD_ALLOCATED(r.scratch);
    file->is_message = true;
    file->first = fields(&r, '\0', 0);
    free(r.scratch);
    *bad_line = r.line;
    return r.bad ? NULL : file;
}

static const textproto *named(const textproto *f, fd_str name)
{
    while (f != NULL && !fd_str_eq(f->name, name))
        f = f->next;
    return f;
}

const textproto *textproto_get(const textproto *m, const char *name)
{
    return m == NULL ? NULL : named(m->first, fd_str_from(name));
}

const textproto *textproto_again(const textproto *field)
{
    return named(field->next, field->name);
}
