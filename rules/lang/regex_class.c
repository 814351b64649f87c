/*
 * Parsing of what stands for one character: escapes and [classes]. See regex_int.h.
 */
#include "lang/regex_int.h"

static const char bad_utf8[] = "the pattern is not UTF-8 here";

/* Strict UTF-8: no surrogates, nothing overlong. 0 when it is none. */
static uint32_t decode(const unsigned char *p, uint32_t n, uint32_t *rune)
{
    if (n >= 1 && p[0] < 0x80) {
        *rune = p[0];
        return 1;
    }
    uint32_t len = n == 0 ? 0 : p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (len == 0 || p[0] < 0xC2 || p[0] > 0xF4 || n < len)
        return 0;
    uint32_t c = p[0] & (0xFFu >> (len + 1));
    for (uint32_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    bool overlong = (len == 3 && c < 0x800) || (len == 4 && c < 0x10000);
    if (overlong || c > FD_REGEX_RUNE_MAX || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    *rune = c;
    return len;
}

bool fd_regex_looking_at(const fd_regex_parser *p, const char *text)
{
    size_t n = strlen(text);
    return p->src.n - p->at >= n && memcmp(p->src.p + p->at, text, n) == 0;
}

bool fd_regex_take_rune(fd_regex_parser *p, uint32_t *rune)
{
    uint32_t len = decode((const unsigned char *)p->src.p + p->at, p->src.n - p->at, rune);
    if (len == 0)
        return fd_regex_refuse(p, p->at, p->at + 1, bad_utf8, NULL);
    p->at += len;
    return true;
}

static int hex_digit(uint32_t c)
{
    if (c >= '0' && c <= '9')
        return (int)c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (int)c - 'a' + 10 : -1;
}

/* Behind \x: two digits, or any number in braces. */
static bool take_hex(fd_regex_parser *p, uint32_t *rune)
{
    const char *s = p->src.p;
    uint32_t left = p->src.n - p->at;
    if (left >= 2 && hex_digit((unsigned char)s[p->at]) >= 0 &&
        hex_digit((unsigned char)s[p->at + 1]) >= 0) {
        *rune = (uint32_t)(hex_digit((unsigned char)s[p->at]) * 16 +
                           hex_digit((unsigned char)s[p->at + 1]));
        p->at += 2;
        return true;
    }
    if (left == 0 || s[p->at] != '{')
        return false;
    uint32_t i = p->at + 1, c = 0;
    for (; i < p->src.n && hex_digit((unsigned char)s[i]) >= 0; i++) {
        c = c * 16 + (uint32_t)hex_digit((unsigned char)s[i]);
        if (c > FD_REGEX_RUNE_MAX)
            return false;
    }
    if (i == p->at + 1 || i == p->src.n || s[i] != '}')
        return false;
    *rune = c;
    p->at = i + 1;
    return true;
}

static bool is_octal(const fd_regex_parser *p)
{
    return p->at < p->src.n && p->src.p[p->at] >= '0' && p->src.p[p->at] <= '7';
}

/* Behind the backslash and its first digit. A lone 1 to 7 would be a back-reference. */
static bool take_octal(fd_regex_parser *p, uint32_t first, uint32_t *rune)
{
    if (first != '0' && !is_octal(p))
        return false;
    *rune = first - '0';
    for (int i = 0; i < 2 && is_octal(p); i++)
        *rune = *rune * 8 + (uint32_t)(p->src.p[p->at++] - '0');
    return true;
}

static bool refuse_escape(fd_regex_parser *p, uint32_t from, uint32_t c)
{
    if (c >= '1' && c <= '9')
        return fd_regex_refuse(p, from, p->at, "back-references are not supported",
                               "they cannot be matched in linear time");
    if (c == 'Z')
        return fd_regex_refuse(p, from, p->at, "\\Z is not supported",
                               "\\z is the end of the text");
    if (c == 'x')
        return fd_regex_refuse(p, from, p->at, "no character with this number",
                               "write \\x7F or \\x{10FFFF}");
    return fd_regex_refuse(p, from, p->at, "unknown escape",
                           "a backslash itself is written \\\\, inside a quoted string of a rule "
                           "\\\\\\\\; r'...' takes it as it is");
}

bool fd_regex_take_escape(fd_regex_parser *p, uint32_t *rune)
{
    static const char letters[] = "abfnrtv";
    static const char meant[] = "\a\0\f\n\r\t\v";
    uint32_t from = p->at++, c = 0;
    if (p->at == p->src.n)
        return fd_regex_refuse(p, from, p->at, "a backslash at the end", NULL);
    if (!fd_regex_take_rune(p, &c))
        return false;
    if (c >= '0' && c <= '7')
        return take_octal(p, c, rune) || refuse_escape(p, from, c);
    if (c == 'x')
        return take_hex(p, rune) || refuse_escape(p, from, c);
    bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (c < 0x80 && !word) {
        *rune = c;
        return true;
    }
    const char *known = c < 0x80 && c != 'b' ? strchr(letters, (int)c) : NULL;
    if (known == NULL)
        return refuse_escape(p, from, c);
    *rune = (unsigned char)meant[known - letters];
    return true;
}

/* A named class as the flags have it, negated or not, into the set. */
static void add_named(const fd_regex_parser *p, fd_regex_set *set, fd_regex_set *named,
                      bool negated)
{
    if ((p->flags & FD_REGEX_FOLD) != 0)
        fd_regex_set_fold(named);
    if (negated)
        fd_regex_set_negate(named);
    fd_regex_set_add_all(set, named);
}

/* \pL \p{Greek} \P{^L}; the place is at the backslash. */
static bool take_property(fd_regex_parser *p, fd_regex_set *set)
{
    uint32_t from = p->at, c;
    bool negated = p->src.p[p->at + 1] == 'P';
    p->at += 2;
    if (p->at == p->src.n)
        return fd_regex_refuse(p, from, p->at, "a class name is missing",
                               "write \\pL or \\p{Greek}");
    fd_str name = {p->src.p + p->at, 0};
    if (!fd_regex_take_rune(p, &c))
        return false;
    if (c == '{') {
        name.p++;
        const char *end = memchr(name.p, '}', p->src.n - p->at);
        if (end == NULL)
            return fd_regex_refuse(p, from, p->src.n, "'}' is missing", NULL);
        name.n = (uint32_t)(end - name.p);
        p->at += name.n + 1;
    } else {
        name.n = p->at - from - 2;
    }
    if (name.n != 0 && name.p[0] == '^') {
        negated = !negated;
        name.p++;
        name.n--;
    }
    fd_regex_set named = {.arena = p->arena};
    if (!fd_regex_set_add_unicode(&named, name))
        return fd_regex_refuse(p, from, p->at, "unknown Unicode class",
                               "categories are L, Lu, Nd, ..., scripts Greek, Latin, ...");
    add_named(p, set, &named, negated);
    return !set->failed || fd_regex_too_large(p);
}

bool fd_regex_take_class_escape(fd_regex_parser *p, fd_regex_set *set)
{
    if (p->src.n - p->at < 2 || p->src.p[p->at] != '\\')
        return false;
    char c = p->src.p[p->at + 1];
    if (c == 'p' || c == 'P')
        return take_property(p, set);
    bool negated = c == 'D' || c == 'S' || c == 'W';
    fd_regex_set named = {.arena = p->arena};
    if (!fd_regex_set_add_perl(&named, negated ? (char)(c | 0x20) : c))
        return false;
    p->at += 2;
    add_named(p, set, &named, negated);
    return !set->failed || fd_regex_too_large(p);
}

/* [:alpha:] inside brackets; false without an error when it is none. */
static bool take_posix(fd_regex_parser *p, fd_regex_set *set)
{
    if (!fd_regex_looking_at(p, "[:"))
        return false;
    const char *text = p->src.p + p->at;
    const char *end = memmem(text + 2, p->src.n - p->at - 2, ":]", 2);
    if (end == NULL)
        return false;
    fd_str name = {text + 2, (uint32_t)(end - text - 2)};
    uint32_t from = p->at;
    p->at += name.n + 4;
    bool negated = name.n != 0 && name.p[0] == '^';
    if (negated) {
        name.p++;
        name.n--;
    }
    fd_regex_set named = {.arena = p->arena};
    if (!fd_regex_set_add_posix(&named, name))
        return fd_regex_refuse(p, from, p->at, "unknown class",
                               "there are alnum, alpha, ascii, blank, cntrl, digit, graph, lower, "
                               "print, punct, space, upper, word and xdigit");
    add_named(p, set, &named, negated);
    return true;
}

static bool take_single(fd_regex_parser *p, uint32_t *rune)
{
    return p->src.p[p->at] == '\\' ? fd_regex_take_escape(p, rune) : fd_regex_take_rune(p, rune);
}

static bool missing_bracket(fd_regex_parser *p, uint32_t from)
{
    return fd_regex_refuse(p, from, p->src.n, "']' is missing", NULL);
}

/* a or a-z */
static bool take_range(fd_regex_parser *p, uint32_t open, fd_regex_set *set)
{
    uint32_t lo, hi, from = p->at;
    if (!take_single(p, &lo))
        return false;
    hi = lo;
    if (p->src.n - p->at >= 2 && p->src.p[p->at] == '-' && p->src.p[p->at + 1] != ']') {
        p->at++;
        if (!take_single(p, &hi))
            return false;
        if (hi < lo)
            return fd_regex_refuse(p, from, p->at, "a range that ends before it begins", NULL);
    }
    if (p->at == p->src.n)
        return missing_bracket(p, open);
    fd_regex_set one = {.arena = p->arena};
    fd_regex_set_add(&one, lo, hi);
    add_named(p, set, &one, false);
    return true;
}

bool fd_regex_take_class(fd_regex_parser *p, fd_regex_set *set)
{
    uint32_t open = p->at++;
    bool negated = p->at < p->src.n && p->src.p[p->at] == '^';
    if (negated)
        p->at++;
    for (bool first = true; first || p->at == p->src.n || p->src.p[p->at] != ']'; first = false) {
        if (p->at == p->src.n)
            return missing_bracket(p, open);
        if (take_posix(p, set) || (!p->failed && fd_regex_take_class_escape(p, set)))
            continue;
        if (p->failed || !take_range(p, open, set))
            return false;
        if (set->failed)
            return fd_regex_too_large(p);
    }
    p->at++;
    if (negated)
        fd_regex_set_negate(set);
    return !set->failed || fd_regex_too_large(p);
}
