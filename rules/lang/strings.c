/* String functions of CEL, and size() of everything; see function.h. Pure functions. */
#include "base/assert.h"
#include "base/strbuf.h"
#include "lang/function.h"

/* In characters, as CEL counts: a byte that is not UTF-8 counts as one. */
FD_CEL_FN(size_string)
{
    (void)arena;
    fd_str s = fd_cel_text(&args[0]);
    int64_t n = 0;
    for (uint32_t i = 0; i < s.n; n++) {
        size_t len = (unsigned char)s.p[i] < 0x80
                         ? 1
                         : fd_utf8_len((const unsigned char *)s.p + i, s.n - i);
        i += len == 0 ? 1 : (uint32_t)len;
    }
    return fd_cel_int(n);
}

FD_CEL_FN(size_bytes)
{
    (void)arena;
    return fd_cel_int(args[0].n);
}

FD_CEL_FN(size_container)
{
    (void)arena;
    return fd_cel_int(fd_cel_length(&args[0]));
}

FD_CEL_FN(size_set)
{
    (void)arena;
    return fd_cel_int((int64_t)args[0].v.set->n_entries);
}

FD_CEL_FN(contains)
{
    (void)arena;
    fd_str s = fd_cel_text(&args[0]);
    fd_str part = fd_cel_text(&args[1]);
    return fd_cel_bool(part.n == 0 || (s.n != 0 && memmem(s.p, s.n, part.p, part.n) != NULL));
}

FD_CEL_FN(starts_with)
{
    (void)arena;
    fd_str s = fd_cel_text(&args[0]);
    fd_str part = fd_cel_text(&args[1]);
    return fd_cel_bool(part.n == 0 || (part.n <= s.n && memcmp(s.p, part.p, part.n) == 0));
}

FD_CEL_FN(ends_with)
{
    (void)arena;
    fd_str s = fd_cel_text(&args[0]);
    fd_str part = fd_cel_text(&args[1]);
    return fd_cel_bool(part.n == 0 ||
                       (part.n <= s.n && memcmp(s.p + s.n - part.n, part.p, part.n) == 0));
}

static fd_cel_value change_case(fd_arena *arena, const fd_cel_value *v, char from, char to)
{
    fd_str s = fd_cel_text(v);
    char *p = fd_arena_alloc(arena, (size_t)s.n + 1);
    FD_ALLOCATED(p);
    for (uint32_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        p[i] = c >= from && c <= from + 25 ? (char)(c - from + to) : c;
    }
    return fd_cel_string((fd_str){p, s.n});
}

FD_CEL_FN(lower_ascii)
{
    return change_case(arena, &args[0], 'A', 'a');
}

FD_CEL_FN(upper_ascii)
{
    return change_case(arena, &args[0], 'a', 'A');
}

/* Length of a Unicode White_Space character at the start of s, 0 when it is none. */
static uint32_t space_at(fd_str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    if (s.n >= 1 && (p[0] == ' ' || (p[0] >= '\t' && p[0] <= '\r')))
        return 1;
    if (s.n >= 2 && p[0] == 0xC2 && (p[1] == 0x85 || p[1] == 0xA0))
        return 2;
    if (s.n < 3)
        return 0;
    uint32_t cp = (uint32_t)(p[0] << 16 | p[1] << 8 | p[2]);
    bool space = cp == 0xE19A80 || (cp >= 0xE28080 && cp <= 0xE2808A) || cp == 0xE280A8 ||
                 cp == 0xE280A9 || cp == 0xE280AF || cp == 0xE2819F || cp == 0xE38080;
    return space ? 3 : 0;
}

FD_CEL_FN(trim)
{
    (void)arena;
    fd_str s = fd_cel_text(&args[0]);
    uint32_t n;
    while ((n = space_at(s)) != 0)
        s = (fd_str){s.p + n, s.n - n};
    for (bool more = true; more && s.n != 0;) {
        more = false;
        for (uint32_t len = 1; len <= 3 && len <= s.n; len++) {
            if (space_at((fd_str){s.p + s.n - len, len}) == len) {
                s.n -= len;
                more = true;
                break;
            }
        }
    }
    return fd_cel_string(s);
}
