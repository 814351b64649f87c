/*
 * Address ranges: parsed, sorted, joined and searched. IPv4 lives in IPv6's mapped range
 * (::ffff:0:0/96, RFC 4291 §2.5.5.2), so one order serves both. Pure functions.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "store/lists.h"

enum { IP_TEXT_MAX = 64 };

static bool parse_ip(const char *text, unsigned char ip[16], bool *v4)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    *v4 = inet_pton(AF_INET, text, ip + 12) == 1;
    if (*v4) {
        memcpy(ip, mapped, sizeof mapped);
        return true;
    }
    return inet_pton(AF_INET6, text, ip) == 1;
}

static bool parse_prefix(const char *text, int max, int *bits)
{
    char *end;
    long v = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || v > max)
        return false;
    *bits = (int)v;
    return true;
}

bool fd_cidr_parse(fd_str text, fd_ip_range *out)
{
    char buf[IP_TEXT_MAX];
    if (text.n == 0 || text.n >= sizeof buf || memchr(text.p, '\0', text.n) != NULL)
        return false;
    memcpy(buf, text.p, text.n);
    buf[text.n] = '\0';
    char *slash = strchr(buf, '/');
    if (slash != NULL)
        *slash = '\0';
    bool v4;
    if (!parse_ip(buf, out->from, &v4))
        return false;
    int bits = 128;
    if (slash != NULL) {
        if (!parse_prefix(slash + 1, v4 ? 32 : 128, &bits))
            return false;
        bits += v4 ? 96 : 0;
    }
    memcpy(out->to, out->from, sizeof out->to);
    for (int i = bits; i < 128; i++) {
        unsigned char bit = (unsigned char)(0x80 >> (i % 8));
        out->from[i / 8] = (unsigned char)(out->from[i / 8] & ~bit);
        out->to[i / 8] |= bit;
    }
    return true;
}

static int by_start(const void *a, const void *b)
{
    const fd_ip_range *x = a, *y = b;
    return memcmp(x->from, y->from, 16);
}

size_t fd_cidr_normalise(fd_ip_range *ranges, size_t n)
{
    if (n == 0)
        return 0;
    qsort(ranges, n, sizeof *ranges, by_start);
    size_t kept = 0;
    for (size_t i = 1; i < n; i++) {
        if (memcmp(ranges[i].from, ranges[kept].to, 16) > 0)
            ranges[++kept] = ranges[i];
        else if (memcmp(ranges[i].to, ranges[kept].to, 16) > 0)
            memcpy(ranges[kept].to, ranges[i].to, 16);
    }
    return kept + 1;
}

bool fd_cidr_contains(const fd_ip_range *ranges, size_t n, const unsigned char ip[16])
{
    size_t low = 0, high = n; /* the first range that begins after ip is in [low, high] */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (memcmp(ranges[mid].from, ip, 16) <= 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low > 0 && memcmp(ranges[low - 1].to, ip, 16) >= 0;
}
