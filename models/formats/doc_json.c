/* JSON, as models are written in it: with NaN and Infinity; see doc.h. Any thread. */
#include <math.h>
#include <stdlib.h>

#include "base/assert.h"
#include "formats/doc_int.h"

static void skip_space(fd_doc_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
}

/* The next character that is no space, without taking it; 0 at the end. */
static char peek(fd_doc_reader *r)
{
    skip_space(r);
    return r->at < r->end ? *r->at : 0;
}

static bool take(fd_doc_reader *r, char c)
{
    if (peek(r) != c)
        return false;
    r->at++;
    return true;
}

static bool word(fd_doc_reader *r, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, text, n) != 0)
        return false;
    r->at += n;
    return true;
}

static int hex4(const char *p)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
    *to++ = (char)(lead[more] | c >> (6 * more));
    while (more-- > 0)
        *to++ = (char)(0x80 | (c >> (6 * more) & 0x3f));
    return to;
}

/* Behind "\u". Halves of a pair that stand alone become U+FFFD. */
static bool unicode(fd_doc_reader *r, char **to)
{
    int first = r->end - r->at >= 4 ? hex4(r->at) : -1;
    if (first < 0)
        return fd_doc_fail(r, "four hexadecimal digits are expected behind \\u");
    r->at += 4;
    uint32_t c = (uint32_t)first;
    if (c >= 0xd800 && c < 0xdc00 && r->end - r->at >= 6 && r->at[0] == '\\' && r->at[1] == 'u') {
        int second = hex4(r->at + 2);
        if (second >= 0xdc00 && second < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)second - 0xdc00);
            r->at += 6;
        }
    }
    *to = put_utf8(*to, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
    return true;
}

static bool escape(fd_doc_reader *r, char **to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    if (r->at == r->end)
        return fd_doc_fail(r, "a text does not end");
    char c = *r->at++;
    if (c == 'u')
        return unicode(r, to);
    const char *known = c == 0 ? NULL : strchr(from, c);
    if (known == NULL)
        return fd_doc_fail(r, "a backslash is followed by none of \"\\/bfnrtu");
    *(*to)++ = into[known - from];
    return true;
}

static bool text(fd_doc_reader *r, fd_str *out)
{
    const char *from = ++r->at, *p = from;
    while (p < r->end && *p != '"')
        p += *p == '\\' && p + 1 < r->end ? 2 : 1;
    if (p == r->end)
        return fd_doc_fail(r, "a text does not end");
    char *copy = fd_arena_alloc(r->arena, (size_t)(p - from) + 1), *to = copy;
    FD_ALLOCATED(copy);
    while (*r->at != '"') {
        if (*r->at != '\\')
            *to++ = *r->at++;
        else if (r->at++, !escape(r, &to))
            return false;
    }
    r->at++;
    *out = (fd_str){copy, (uint32_t)(to - copy)};
    return true;
}

static bool number(fd_doc_reader *r, double *out)
{
    if (word(r, "NaN") || word(r, "nan")) {
        *out = NAN;
        return true;
    }
    bool minus = r->at < r->end && *r->at == '-';
    if (r->end - r->at > 1 && r->at[minus] == 'I') {
        r->at += minus;
        *out = minus ? -INFINITY : INFINITY;
        return word(r, "Infinity") || fd_doc_fail(r, "Infinity is misspelt");
    }
    const char *from = r->at;
    while (r->at < r->end && *r->at != 0 && strchr("+-.eE0123456789", *r->at) != NULL)
        r->at++;
    return fd_doc_parse_number(from, (size_t)(r->at - from), out) ||
           (r->at = from, fd_doc_fail(r, "this is not a number"));
}

static bool is_numeric(char c)
{
    return c == '-' || (c >= '0' && c <= '9') || c == 'N' || c == 'I' || c == 't' || c == 'f';
}

static bool number_or_bool(fd_doc_reader *r, double *out)
{
    *out = 0;
    if (word(r, "false"))
        return true;
    *out = 1;
    return word(r, "true") || number(r, out);
}

static bool value(fd_doc_reader *r, fd_doc *to);

static bool numbers(fd_doc_reader *r, fd_doc *to)
{
    double d = 0;
    do {
        if (!is_numeric(peek(r)))
            return fd_doc_fail(r, "a number is expected, as before in this array");
        if (!number_or_bool(r, &d))
            return false;
        fd_doc_push_number(r, d);
    } while (take(r, ','));
    fd_doc_take_numbers(r, to);
    return true;
}

static bool items(fd_doc_reader *r, fd_doc *to)
{
    fd_doc *last = NULL;
    to->kind = FD_DOC_ARRAY;
    do {
        fd_doc *item = fd_doc_new(r);
        if (item == NULL)
            return false;
        fd_doc_append(to, &last, item);
        if (!value(r, item))
            return false;
    } while (take(r, ','));
    return true;
}

static bool array(fd_doc_reader *r, fd_doc *to)
{
    r->at++;
    if (peek(r) == ']')
        fd_doc_take_numbers(r, to);
    else if (!(is_numeric(peek(r)) ? numbers(r, to) : items(r, to)))
        return false;
    return take(r, ']') || fd_doc_fail(r, "',' or ']' is expected");
}

static bool object(fd_doc_reader *r, fd_doc *to)
{
    fd_doc *last = NULL;
    to->kind = FD_DOC_OBJECT;
    r->at++;
    if (take(r, '}'))
        return true;
    do {
        fd_doc *member = fd_doc_new(r);
        if (member == NULL || peek(r) != '"')
            return fd_doc_fail(r, "a name in double quotes is expected");
        if (!text(r, &member->name))
            return false;
        if (!take(r, ':'))
            return fd_doc_fail(r, "':' is expected");
        fd_doc_append(to, &last, member);
        if (!value(r, member))
            return false;
    } while (take(r, ','));
    return take(r, '}') || fd_doc_fail(r, "',' or '}' is expected");
}

static bool value(fd_doc_reader *r, fd_doc *to)
{
    char c = peek(r);
    bool ok = true;
    if (++r->depth > FD_DOC_MAX_DEPTH)
        return fd_doc_fail(r, "arrays and objects are nested too deeply");
    if (c == '{') {
        ok = object(r, to);
    } else if (c == '[') {
        ok = array(r, to);
    } else if (c == '"') {
        to->kind = FD_DOC_TEXT;
        ok = text(r, &to->text);
    } else if (is_numeric(c)) {
        to->kind = c == 't' || c == 'f' ? FD_DOC_BOOL : FD_DOC_NUMBER;
        ok = number_or_bool(r, &to->number);
    } else if (c == 0) {
        ok = fd_doc_fail(r, "the file ends too early");
    } else if (!word(r, "null")) {
        ok = fd_doc_fail(r, "a value is expected");
    }
    r->depth--;
    return ok;
}

static void complain(const fd_doc_reader *r, const char *file, fd_diags *diags)
{
    fd_diag d = {
        .severity = FD_ERROR, .file = file, .line = 1, .col = 1, .width = 1, .text = r->wrong};
    for (const char *p = r->begin; p < r->at; p++) {
        d.line += *p == '\n';
        d.col = *p == '\n' ? 1 : d.col + 1;
    }
    fd_diags_add(diags, &d);
}

const fd_doc *fd_doc_json(fd_arena *arena, const char *file, fd_str bytes, fd_diags *diags)
{
    fd_doc_reader r = {.arena = arena, .at = bytes.p, .begin = bytes.p, .end = bytes.p + bytes.n};
    fd_doc *root = fd_doc_new(&r);
    if (value(&r, root) && peek(&r) != 0)
        fd_doc_fail(&r, "there is something behind the end of the document");
    free(r.numbers);
    if (r.wrong == NULL)
        return root;
    complain(&r, file, diags);
    return NULL;
}
