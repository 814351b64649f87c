/*
 * The network extension: IP addresses and networks as values. Strict, as its documentation has
 * it: no zones, no leading zeros, no IPv4 written inside IPv6. An IPv6 address that maps an IPv4
 * one, written in hexadecimal, is that IPv4 address. Pure functions; see function.h, value.h.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "base/assert.h"
#include "lang/function.h"

enum { BYTES = 16, TEXT_MAX = 64, V4 = 4, V6 = 6, MAPPED = 12 };

static const uint8_t mapped_prefix[MAPPED] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

typedef struct address {
    uint8_t bytes[BYTES];
    uint32_t family;
} address;

static bool parse_address(fd_str s, address *out)
{
    char text[TEXT_MAX];
    if (s.n == 0 || s.n >= sizeof text || memchr(s.p, '\0', s.n) != NULL)
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    memcpy(out->bytes, mapped_prefix, MAPPED);
    out->family = V4;
    if (inet_pton(AF_INET, text, out->bytes + MAPPED) == 1)
        return true;
    out->family = V6;
    if (inet_pton(AF_INET6, text, out->bytes) != 1)
        return false;
    if (memcmp(out->bytes, mapped_prefix, MAPPED) != 0)
        return true;
    out->family = V4;
    return strchr(text, '.') == NULL;
}

/* ADDRESS "/" LENGTH */
static bool parse_network(fd_str s, address *out, uint32_t *prefix)
{
    const char *slash = s.n == 0 ? NULL : memchr(s.p, '/', s.n);
    if (slash == NULL)
        return false;
    uint32_t n = (uint32_t)(slash - s.p);
    fd_str digits = {slash + 1, s.n - n - 1};
    if (digits.n == 0 || digits.n > 3 || (digits.n > 1 && digits.p[0] == '0'))
        return false;
    *prefix = 0;
    for (uint32_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
        *prefix = *prefix * 10 + (uint32_t)(digits.p[i] - '0');
    }
    bool colon = memchr(s.p, ':', n) != NULL;
    if (!parse_address((fd_str){s.p, n}, out) || (out->family == V4 && colon))
        return false;
    return *prefix <= (out->family == V4 ? 32 : 128);
}

static fd_cel_value make(fd_arena *arena, fd_cel_kind kind, const address *a, uint32_t prefix)
{
    uint8_t *bytes = fd_arena_alloc(arena, BYTES);
    FD_ALLOCATED(bytes);
    memcpy(bytes, a->bytes, BYTES);
    return (fd_cel_value){.kind = (uint8_t)kind, .n = a->family | prefix << 8, .v.address = bytes};
}

static uint32_t family_of(const fd_cel_value *v)
{
    return v->n & 0xFF;
}

static uint32_t prefix_of(const fd_cel_value *v)
{
    return v->n >> 8;
}

static fd_cel_value bad_ip(void)
{
    return fd_cel_error_text(FD_CEL_E_BAD_IP, "not an IP address");
}

static fd_cel_value bad_cidr(void)
{
    return fd_cel_error_text(FD_CEL_E_BAD_IP, "not a network like 10.0.0.0/8");
}

FD_CEL_FN(ip)
{
    address a;
    return parse_address(fd_cel_text(&args[0]), &a) ? make(arena, FD_CEL_IP, &a, 0) : bad_ip();
}

FD_CEL_FN(is_ip)
{
    (void)arena;
    address a;
    return fd_cel_bool(parse_address(fd_cel_text(&args[0]), &a));
}

FD_CEL_FN(cidr)
{
    address a;
    uint32_t prefix;
    if (!parse_network(fd_cel_text(&args[0]), &a, &prefix))
        return bad_cidr();
    return make(arena, FD_CEL_CIDR, &a, prefix);
}

FD_CEL_FN(is_cidr)
{
    (void)arena;
    address a;
    uint32_t prefix;
    return fd_cel_bool(parse_network(fd_cel_text(&args[0]), &a, &prefix));
}

/* The longest run of zero groups, at least two, the first of equals: RFC 5952. */
static int longest_zeros(const uint8_t *b, int *length)
{
    int best = -1;
    *length = 1;
    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && b[2 * (i + n)] == 0 && b[2 * (i + n) + 1] == 0)
            n++;
        if (n > *length) {
            best = i;
            *length = n;
        }
    }
    return best;
}

static int write_address(const fd_cel_value *v, char *out, size_t cap)
{
    const uint8_t *b = v->v.address;
    if (family_of(v) == V4)
        return snprintf(out, cap, "%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
    int length, at = 0;
    int zeros = longest_zeros(b, &length);
    for (int i = 0; i < 8; i++) {
        if (i == zeros) {
            at += snprintf(out + at, cap - (size_t)at, "::");
            i += length - 1;
            continue;
        }
        bool colon = i != 0 && out[at - 1] != ':';
        at += snprintf(out + at, cap - (size_t)at, "%s%x", colon ? ":" : "",
                       (unsigned)b[2 * i] << 8 | b[2 * i + 1]);
    }
    return at;
}

static fd_cel_value text_of(fd_arena *arena, const char *p)
{
    fd_str s = fd_arena_str(arena, fd_str_from(p));
    FD_ALLOCATED(s.p);
    return fd_cel_string(s);
}

FD_CEL_FN(string_from_ip)
{
    char text[TEXT_MAX];
    write_address(&args[0], text, sizeof text);
    return text_of(arena, text);
}

FD_CEL_FN(string_from_cidr)
{
    char text[TEXT_MAX];
    int n = write_address(&args[0], text, sizeof text);
    snprintf(text + n, sizeof text - (size_t)n, "/%u", prefix_of(&args[0]));
    return text_of(arena, text);
}

FD_CEL_FN(ip_is_canonical)
{
    (void)arena;
    address a;
    char text[TEXT_MAX];
    if (!parse_address(fd_cel_text(&args[0]), &a))
        return bad_ip();
    fd_cel_value v = {.kind = FD_CEL_IP, .n = a.family, .v.address = a.bytes};
    write_address(&v, text, sizeof text);
    return fd_cel_bool(fd_str_eq_c(fd_cel_text(&args[0]), text));
}

FD_CEL_FN(ip_family)
{
    (void)arena;
    return fd_cel_int(family_of(&args[0]));
}

static bool in_v4(const fd_cel_value *v, uint8_t a, uint8_t mask)
{
    return family_of(v) == V4 && (v->v.address[12] & mask) == a;
}

static bool is_unspecified(const fd_cel_value *v)
{
    static const uint8_t zero[BYTES];
    if (family_of(v) == V4)
        return memcmp(v->v.address + MAPPED, zero, 4) == 0;
    return memcmp(v->v.address, zero, BYTES) == 0;
}

static bool is_loopback(const fd_cel_value *v)
{
    static const uint8_t one[BYTES] = {[15] = 1};
    return in_v4(v, 127, 0xFF) || (family_of(v) == V6 && memcmp(v->v.address, one, BYTES) == 0);
}

static bool is_multicast(const fd_cel_value *v)
{
    return in_v4(v, 0xE0, 0xF0) || (family_of(v) == V6 && v->v.address[0] == 0xFF);
}

static bool is_link_local_multicast(const fd_cel_value *v)
{
    const uint8_t *b = v->v.address;
    if (family_of(v) == V4)
        return b[12] == 224 && b[13] == 0 && b[14] == 0;
    return b[0] == 0xFF && (b[1] & 0x0F) == 2;
}

static bool is_link_local_unicast(const fd_cel_value *v)
{
    const uint8_t *b = v->v.address;
    if (family_of(v) == V4)
        return b[12] == 169 && b[13] == 254;
    return b[0] == 0xFE && (b[1] & 0xC0) == 0x80;
}

static bool is_broadcast(const fd_cel_value *v)
{
    static const uint8_t ones[4] = {0xFF, 0xFF, 0xFF, 0xFF};
    return family_of(v) == V4 && memcmp(v->v.address + MAPPED, ones, 4) == 0;
}

static bool is_global_unicast(const fd_cel_value *v)
{
    return !is_unspecified(v) && !is_loopback(v) && !is_multicast(v) && !is_broadcast(v) &&
           !is_link_local_unicast(v);
}

#define QUESTION(name)                      \
    FD_CEL_FN(ip_##name)                    \
    {                                       \
        (void)arena;                        \
        return fd_cel_bool(name(&args[0])); \
    }

QUESTION(is_unspecified)
QUESTION(is_loopback)
QUESTION(is_global_unicast)
QUESTION(is_link_local_multicast)
QUESTION(is_link_local_unicast)

/* Keeps the first bits of an address. */
static void mask(uint8_t *bytes, uint32_t family, uint32_t prefix)
{
    uint32_t keep = family == V4 ? prefix + 8 * MAPPED : prefix;
    for (uint32_t i = 0; i < BYTES; i++) {
        uint32_t bits = keep >= 8 * (i + 1) ? 8 : keep <= 8 * i ? 0 : keep - 8 * i;
        bytes[i] &= (uint8_t)(0xFF00 >> bits);
    }
}

static bool within(const fd_cel_value *network, const uint8_t *bytes, uint32_t family)
{
    uint8_t a[BYTES], b[BYTES];
    if (family != family_of(network))
        return false;
    memcpy(a, network->v.address, BYTES);
    memcpy(b, bytes, BYTES);
    mask(a, family, prefix_of(network));
    mask(b, family, prefix_of(network));
    return memcmp(a, b, BYTES) == 0;
}

FD_CEL_FN(cidr_contains_ip)
{
    (void)arena;
    address a;
    if (args[1].kind == FD_CEL_IP)
        return fd_cel_bool(within(&args[0], args[1].v.address, family_of(&args[1])));
    if (!parse_address(fd_cel_text(&args[1]), &a))
        return bad_ip();
    return fd_cel_bool(within(&args[0], a.bytes, a.family));
}

FD_CEL_FN(cidr_contains_cidr)
{
    (void)arena;
    address a;
    uint32_t prefix;
    if (args[1].kind == FD_CEL_CIDR) {
        memcpy(a.bytes, args[1].v.address, BYTES);
        a.family = family_of(&args[1]);
        prefix = prefix_of(&args[1]);
    } else if (!parse_network(fd_cel_text(&args[1]), &a, &prefix)) {
        return bad_cidr();
    }
    return fd_cel_bool(prefix >= prefix_of(&args[0]) && within(&args[0], a.bytes, a.family));
}

FD_CEL_FN(cidr_ip)
{
    (void)arena;
    return (fd_cel_value){
        .kind = FD_CEL_IP, .n = family_of(&args[0]), .v.address = args[0].v.address};
}

FD_CEL_FN(cidr_masked)
{
    address a = {.family = family_of(&args[0])};
    memcpy(a.bytes, args[0].v.address, BYTES);
    mask(a.bytes, a.family, prefix_of(&args[0]));
    return make(arena, FD_CEL_CIDR, &a, prefix_of(&args[0]));
}

FD_CEL_FN(cidr_prefix_length)
{
    (void)arena;
    return fd_cel_int(prefix_of(&args[0]));
}
