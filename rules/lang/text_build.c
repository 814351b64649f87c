/*
 * Strings made of strings: join, replace, split, quote. Results are at most 1 MiB or 65,536
 * elements; the size is known before anything is written. Pure functions; see function.h.
 */
#include "base/assert.h"
#include "base/strbuf.h"
#include "lang/chars.h"
#include "lang/function.h"

static fd_cel_value too_long(void)
{
    return fd_cel_error(FD_CEL_E_TOO_LONG);
}

static char *room(fd_arena *arena, uint64_t n)
{
    char *p = fd_arena_alloc(arena, (size_t)n + 1);
    FD_ALLOCATED(p);
    return p;
}

static char *put(char *at, fd_str s)
{
    if (s.n != 0)
        memcpy(at, s.p, s.n);
    return at + s.n;
}

FD_CEL_FN(join_texts)
{
    uint32_t n = fd_cel_length(&args[0]);
    fd_str between = args[1].kind == FD_CEL_STRING ? fd_cel_text(&args[1]) : (fd_str){NULL, 0};
    uint64_t total = n == 0 ? 0 : (uint64_t)(n - 1) * between.n;
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value e = fd_cel_element(&args[0], i);
        if (e.kind != FD_CEL_STRING)
            return fd_cel_error(FD_CEL_E_NO_OVERLOAD);
        total += e.n;
    }
    if (total > FD_CEL_STRING_MAX)
        return too_long();
    char *p = room(arena, total), *at = p;
    for (uint32_t i = 0; i < n; i++) {
        fd_cel_value e = fd_cel_element(&args[0], i);
        if (i != 0)
            at = put(at, between);
        at = put(at, fd_cel_text(&e));
    }
    return fd_cel_string((fd_str){p, (uint32_t)total});
}

/* Where `part` occurs next from byte `from` on, none overlapping; an empty one stands before
 * every character and at the end. -1 when there is none. */
static int64_t next_match(fd_str s, fd_str part, uint32_t from, bool first)
{
    if (part.n != 0)
        return fd_cel_find(s, part, from);
    if (first)
        return from;
    return from == s.n ? -1 : (int64_t)from + fd_cel_char_bytes(s, from);
}

static uint32_t count_matches(fd_str s, fd_str part, int64_t limit)
{
    uint32_t n = 0;
    uint32_t from = 0;
    while (limit < 0 || n < limit) {
        int64_t hit = next_match(s, part, from, n == 0);
        if (hit < 0)
            break;
        from = (uint32_t)hit + part.n;
        n++;
    }
    return n;
}

FD_CEL_FN(replace)
{
    fd_str s = fd_cel_text(&args[0]), part = fd_cel_text(&args[1]), by = fd_cel_text(&args[2]);
    int64_t limit = args[3].kind == FD_CEL_INT ? args[3].v.i : -1;
    uint32_t n = count_matches(s, part, limit);
    uint64_t total = s.n - (uint64_t)n * part.n + (uint64_t)n * by.n;
    if (n == 0)
        return args[0];
    if (total > FD_CEL_STRING_MAX)
        return too_long();
    char *p = room(arena, total), *at = p;
    uint32_t done = 0;
    for (uint32_t i = 0; i < n; i++) {
        int64_t hit = next_match(s, part, done, i == 0);
        FD_ASSERT(hit >= done);
        at = put(at, (fd_str){s.p + done, (uint32_t)hit - done});
        at = put(at, by);
        done = (uint32_t)hit + part.n;
    }
    at = put(at, (fd_str){s.p + done, s.n - done});
    FD_ASSERT((uint64_t)(at - p) == total);
    return fd_cel_string((fd_str){p, (uint32_t)total});
}

/* How many pieces, the last one being what is left. */
static uint64_t count_pieces(fd_str s, fd_str by, int64_t limit)
{
    if (limit == 0)
        return 0;
    uint64_t n = by.n == 0 ? fd_cel_char_count(s)
                           : (uint64_t)count_matches(s, by, limit < 0 ? -1 : limit - 1) + 1;
    return limit > 0 && n > (uint64_t)limit ? (uint64_t)limit : n;
}

FD_CEL_FN(split)
{
    fd_str s = fd_cel_text(&args[0]), by = fd_cel_text(&args[1]);
    uint64_t n = count_pieces(s, by, args[2].kind == FD_CEL_INT ? args[2].v.i : -1);
    if (n > FD_CEL_LIST_MAX)
        return fd_cel_error_text(FD_CEL_E_TOO_LONG, "list longer than 65536");
    fd_cel_value *items = fd_arena_alloc(arena, (n + 1) * sizeof *items);
    FD_ALLOCATED(items);
    uint32_t from = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t end = s.n;
        if (i + 1 < n && by.n == 0)
            end = from + fd_cel_char_bytes(s, from);
        else if (i + 1 < n)
            end = (uint32_t)fd_cel_find(s, by, from);
        items[i] = fd_cel_string((fd_str){s.p + from, end - from});
        from = end + by.n;
    }
    return fd_cel_list(items, (uint32_t)n);
}

/* The letter of an escape, or 0. */
static char escape_of(char c)
{
    static const char from[] = "\a\b\f\n\r\t\v\\\"";
    static const char to[] = "abfnrtv\\\"";
    const char *hit = c == '\0' ? NULL : strchr(from, c);
    return hit == NULL ? '\0' : to[hit - from];
}

/* In double quotes, with escapes; what is not UTF-8 becomes U+FFFD. */
FD_CEL_FN(quote)
{
    fd_str s = fd_cel_text(&args[0]);
    if (s.n > FD_CEL_STRING_MAX / 3 - 2)
        return too_long();
    char *p = room(arena, (uint64_t)s.n * 3 + 2), *at = p;
    *at++ = '"';
    for (uint32_t i = 0; i < s.n;) {
        char letter = escape_of(s.p[i]);
        size_t n = fd_utf8_len((const unsigned char *)s.p + i, s.n - i);
        if (letter != '\0') {
            *at++ = '\\';
            *at++ = letter;
        } else {
            at = put(at, n == 0 ? FD_STR("\xEF\xBF\xBD") : (fd_str){s.p + i, (uint32_t)n});
        }
        i += n == 0 ? 1 : (uint32_t)n;
    }
    *at++ = '"';
    return fd_cel_string((fd_str){p, (uint32_t)(at - p)});
}
