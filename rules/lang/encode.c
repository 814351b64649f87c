/* The encoders extension: base64 (RFC 4648). Pure functions; see function.h. */
#include "base/assert.h"
#include "lang/function.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

FD_CEL_FN(base64_encode)
{
    fd_str s = fd_cel_text(&args[0]);
    uint64_t n = ((uint64_t)s.n + 2) / 3 * 4;
    if (n > FD_CEL_STRING_MAX)
        return fd_cel_error(FD_CEL_E_TOO_LONG);
    char *p = fd_arena_alloc(arena, n + 1);
    FD_ALLOCATED(p);
    char *at = p;
    for (uint32_t i = 0; i < s.n; i += 3) {
        uint32_t left = s.n - i;
        uint32_t bits = (uint32_t)(unsigned char)s.p[i] << 16;
        bits |= left > 1 ? (uint32_t)(unsigned char)s.p[i + 1] << 8 : 0;
        bits |= left > 2 ? (unsigned char)s.p[i + 2] : 0;
        *at++ = alphabet[bits >> 18];
        *at++ = alphabet[bits >> 12 & 63];
        *at++ = '=';
        *at++ = '=';
        if (left > 1)
            at[-2] = alphabet[bits >> 6 & 63];
        if (left > 2)
            at[-1] = alphabet[bits & 63];
    }
    return fd_cel_string((fd_str){p, (uint32_t)n});
}

static int digit_of(char c)
{
    const char *hit = c == '\0' ? NULL : strchr(alphabet, c);
    return hit == NULL ? -1 : (int)(hit - alphabet);
}

/* Padding may be left out, as the specification's cases have it. */
FD_CEL_FN(base64_decode)
{
    fd_str s = fd_cel_text(&args[0]);
    for (int i = 0; i < 2 && s.n % 4 == (i == 0 ? 0 : 3) && s.n != 0 && s.p[s.n - 1] == '='; i++)
        s.n--;
    char *p = fd_arena_alloc(arena, (size_t)s.n + 1);
    FD_ALLOCATED(p);
    uint32_t bits = 0, n = 0;
    bool good = s.n % 4 != 1;
    for (uint32_t i = 0; i < s.n && good; i++) {
        int d = digit_of(s.p[i]);
        good = d >= 0;
        bits = bits << 6 | (uint32_t)(d & 63);
        if (i % 4 != 0)
            p[n++] = (char)(unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    if (!good)
        return fd_cel_error_text(FD_CEL_E_CONVERSION, "the string is not base64");
    return fd_cel_bytes((fd_str){p, n});
}
