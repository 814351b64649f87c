/*
 * String functions by characters: charAt, indexOf, lastIndexOf, substring, reverse.
 * Positions count characters; searching is linear in the lengths. Pure functions; see function.h.
 */
#include "base/assert.h"
#include "base/strbuf.h"
#include "lang/chars.h"
#include "lang/function.h"

uint32_t fd_cel_char_bytes(fd_str s, uint32_t at)
{
    if ((unsigned char)s.p[at] < 0x80)
        return 1;
    size_t n = fd_utf8_len((const unsigned char *)s.p + at, s.n - at);
    return n == 0 ? 1 : (uint32_t)n;
}

uint32_t fd_cel_char_count(fd_str s)
{
    uint32_t n = 0;
    for (uint32_t at = 0; at < s.n; at += fd_cel_char_bytes(s, at))
        n++;
    return n;
}

bool fd_cel_char_offset(fd_str s, int64_t index, uint32_t *at)
{
    *at = 0;
    if (index < 0 || index > s.n)
        return false;
    for (; index > 0; index--) {
        if (*at == s.n)
            return false;
        *at += fd_cel_char_bytes(s, *at);
    }
    return true;
}

int64_t fd_cel_find(fd_str s, fd_str part, uint32_t from)
{
    FD_ASSERT(part.n != 0 && from <= s.n);
    if (s.n - from < part.n)
        return -1;
    const char *hit = memmem(s.p + from, s.n - from, part.p, part.n);
    return hit == NULL ? -1 : hit - s.p;
}

static fd_cel_value out_of_range(void)
{
    return fd_cel_error_text(FD_CEL_E_OUT_OF_RANGE, "position outside the string");
}

FD_CEL_FN(char_at)
{
    (void)arena;
    fd_str s = fd_cel_text(&args[0]);
    uint32_t at;
    if (!fd_cel_char_offset(s, args[1].v.i, &at))
        return out_of_range();
    uint32_t n = at == s.n ? 0 : fd_cel_char_bytes(s, at);
    return fd_cel_string((fd_str){s.p + at, n});
}

FD_CEL_FN(index_of)
{
    (void)arena;
    fd_str s = fd_cel_text(&args[0]);
    fd_str part = fd_cel_text(&args[1]);
    int64_t start = args[2].kind == FD_CEL_INT ? args[2].v.i : 0;
    uint32_t from;
    if (!fd_cel_char_offset(s, start, &from))
        return out_of_range();
    if (part.n == 0)
        return fd_cel_int(start);
    int64_t hit = fd_cel_find(s, part, from);
    if (hit < 0)
        return fd_cel_int(-1);
    return fd_cel_int(start + fd_cel_char_count((fd_str){s.p + from, (uint32_t)hit - from}));
}

static char *reversed_bytes(fd_arena *arena, fd_str s)
{
    char *p = fd_arena_alloc(arena, (size_t)s.n + 1);
    FD_ALLOCATED(p);
    for (uint32_t i = 0; i < s.n; i++)
        p[i] = s.p[s.n - 1 - i];
    return p;
}

/* The last match is the first one of the bytes read backwards: linear, whatever the texts are. */
FD_CEL_FN(last_index_of)
{
    fd_str s = fd_cel_text(&args[0]);
    fd_str part = fd_cel_text(&args[1]);
    uint32_t last = s.n;
    if (args[2].kind == FD_CEL_INT && !fd_cel_char_offset(s, args[2].v.i, &last))
        return out_of_range();
    if (part.n == 0)
        return fd_cel_int(fd_cel_char_count((fd_str){s.p, last}));
    if (part.n > s.n)
        return fd_cel_int(-1);
    uint32_t end = s.n - part.n < last ? s.n : last + part.n;
    fd_str back = {reversed_bytes(arena, (fd_str){s.p, end}), end};
    fd_str part_back = {reversed_bytes(arena, part), part.n};
    int64_t hit = fd_cel_find(back, part_back, 0);
    if (hit < 0)
        return fd_cel_int(-1);
    return fd_cel_int(fd_cel_char_count((fd_str){s.p, end - (uint32_t)hit - part.n}));
}

FD_CEL_FN(substring)
{
    (void)arena;
    fd_str s = fd_cel_text(&args[0]);
    uint32_t from, to = s.n;
    if (!fd_cel_char_offset(s, args[1].v.i, &from))
        return out_of_range();
    if (args[2].kind == FD_CEL_INT && !fd_cel_char_offset(s, args[2].v.i, &to))
        return out_of_range();
    if (to < from)
        return fd_cel_error_text(FD_CEL_E_OUT_OF_RANGE, "a substring ends before it starts");
    return fd_cel_string((fd_str){s.p + from, to - from});
}

FD_CEL_FN(reverse_text)
{
    fd_str s = fd_cel_text(&args[0]);
    char *p = fd_arena_alloc(arena, (size_t)s.n + 1);
    FD_ALLOCATED(p);
    for (uint32_t at = 0; at < s.n;) {
        uint32_t n = fd_cel_char_bytes(s, at);
        memcpy(p + s.n - at - n, s.p + at, n);
        at += n;
    }
    return fd_cel_string((fd_str){p, s.n});
}
