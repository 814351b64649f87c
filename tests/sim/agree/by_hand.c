/* Requests by hand on one socket; see by_hand.h. Numbers are big-endian, strings have a length. */
#include "by_hand.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"

enum { BUF = 4096 };

/* X(Kafka's number, what histories call it) */
#define ERRORS(X)             \
    X(0, ok)                  \
    X(51, concurrent)         \
    X(90, fenced)             \
    X(47, fenced)             \
    X(48, invalid_txn_state)  \
    X(45, out_of_order)       \
    X(22, illegal_generation) \
    X(25, unknown_member)

static struct {
    int fd;
    char group[64], in[64], out[64];
    int timeout_ms;
    int32_t correlation;
    bool known[AGREE_HANDS];
    int64_t producer[AGREE_HANDS];
    int16_t epoch[AGREE_HANDS];
} s = {.fd = -1};

typedef struct bytes {
    unsigned char p[BUF];
    size_t n, at;
} bytes;

static void put(bytes *b, const void *p, size_t n)
{
    FD_ASSERT(b->n + n <= BUF);
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void put_int(bytes *b, int64_t value, int size)
{
    for (int i = size - 1; i >= 0; i--)
        put(b, &(unsigned char){(unsigned char)((uint64_t)value >> (8 * i))}, 1);
}

static void put_text(bytes *b, const char *text)
{
    put_int(b, (int64_t)strlen(text), 2);
    put(b, text, strlen(text));
}

static void put_varint(bytes *b, int64_t value)
{
    uint64_t z = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (; z >= 0x80; z >>= 7)
        put_int(b, (int64_t)(z | 0x80) & 0xff, 1);
    put_int(b, (int64_t)z, 1);
}

static int64_t get_int(bytes *b, int size)
{
    FD_ASSERT(b->at + (size_t)size <= b->n);
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value = value << 8 | b->p[b->at++];
    return size == 2 ? (int16_t)value : size == 4 ? (int32_t)value : (int64_t)value;
}

static void skip_text(bytes *b)
{
    int64_t n = get_int(b, 2);
    b->at += n > 0 ? (size_t)n : 0;
}

/* ---- the socket ---- */

void by_hand_open(const char *bootstrap, const char *group, const char *in, const char *out,
                  int txn_timeout_ms)
{
    char host[128];
    snprintf(host, sizeof host, "%s", bootstrap);
    char *port = strrchr(host, ':');
    FD_ASSERT(port != NULL);
    *port++ = '\0';
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    FD_ASSERT(getaddrinfo(host, port, &hints, &found) == 0);
    s.fd = socket(found->ai_family, SOCK_STREAM, 0);
    FD_ASSERT(s.fd >= 0 && connect(s.fd, found->ai_addr, found->ai_addrlen) == 0);
    freeaddrinfo(found);
    snprintf(s.group, sizeof s.group, "%s", group);
    snprintf(s.in, sizeof s.in, "%s", in);
    snprintf(s.out, sizeof s.out, "%s", out);
    s.timeout_ms = txn_timeout_ms;
    memset(s.known, 0, sizeof s.known);
}

void by_hand_close(void)
{
    close(s.fd);
    s.fd = -1;
}

static void read_all(void *p, size_t n)
{
    for (size_t got = 0; got < n;) {
        ssize_t more = read(s.fd, (char *)p + got, n - got);
        FD_ASSERT(more > 0);
        got += (size_t)more;
    }
}

static void ask(int16_t api, int16_t version, const bytes *body, bytes *answer)
{
    bytes b = {.n = 0};
    put_int(&b, 0, 4);
    put_int(&b, api, 2);
    put_int(&b, version, 2);
    put_int(&b, ++s.correlation, 4);
    put_text(&b, "by-hand");
    put(&b, body->p, body->n);
    uint32_t size = htonl((uint32_t)(b.n - 4));
    memcpy(b.p, &size, 4);
    FD_ASSERT(write(s.fd, b.p, b.n) == (ssize_t)b.n);
    read_all(&size, 4);
    *answer = (bytes){.n = ntohl(size)};
    FD_ASSERT(answer->n <= BUF);
    read_all(answer->p, answer->n);
    FD_ASSERT(get_int(answer, 4) == s.correlation);
}

/* ---- requests ---- */

static const char *name_of(int who)
{
    static char name[80];
    snprintf(name, sizeof name, "%s-hand-%d", s.group, who);
    return name;
}

static void put_producer(bytes *b, const agree_hand *h)
{
    put_text(b, name_of(h->who));
    put_int(b, s.producer[h->who], 8);
    put_int(b, s.epoch[h->who] + h->epoch_delta, 2);
}

static int64_t init(const agree_hand *h)
{
    bytes b = {.n = 0}, a;
    put_text(&b, name_of(h->who));
    put_int(&b, s.timeout_ms, 4);
    ask(22, 1, &b, &a);
    get_int(&a, 4);
    int64_t err = get_int(&a, 2);
    if (err == 0) {
        s.producer[h->who] = get_int(&a, 8);
        s.epoch[h->who] = (int16_t)get_int(&a, 2);
    }
    return err;
}

/* One topic with one partition in the answer: its error. */
static int64_t error_of_partition(bytes *a)
{
    FD_ASSERT(get_int(a, 4) == 1);
    skip_text(a);
    FD_ASSERT(get_int(a, 4) == 1);
    get_int(a, 4);
    return get_int(a, 2);
}

static int64_t add(const agree_hand *h)
{
    bytes b = {.n = 0}, a;
    put_producer(&b, h);
    put_int(&b, 1, 4);
    put_text(&b, s.out);
    put_int(&b, 1, 4);
    put_int(&b, h->partition, 4);
    ask(24, 0, &b, &a);
    get_int(&a, 4);
    return error_of_partition(&a);
}

static int64_t add_offsets(const agree_hand *h)
{
    bytes b = {.n = 0}, a;
    put_producer(&b, h);
    put_text(&b, s.group);
    ask(25, 0, &b, &a);
    get_int(&a, 4);
    return get_int(&a, 2);
}

static int64_t offsets(const agree_hand *h)
{
    bytes b = {.n = 0}, a;
    put_text(&b, name_of(h->who));
    put_text(&b, s.group);
    put_int(&b, s.producer[h->who], 8);
    put_int(&b, s.epoch[h->who] + h->epoch_delta, 2);
    put_int(&b, 1, 4);
    put_text(&b, s.in);
    put_int(&b, 1, 4);
    put_int(&b, h->partition, 4);
    put_int(&b, h->offset, 8);
    put_int(&b, -1, 4);
    put_text(&b, "");
    ask(28, 2, &b, &a);
    get_int(&a, 4);
    return error_of_partition(&a);
}

static int64_t end(const agree_hand *h)
{
    bytes b = {.n = 0}, a;
    put_producer(&b, h);
    put_int(&b, h->commit, 1);
    ask(26, 1, &b, &a);
    get_int(&a, 4);
    return get_int(&a, 2);
}

static uint32_t crc32c(const unsigned char *p, size_t n)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

/* A record batch of one record (magic 2, transactional). */
static void put_batch(bytes *b, const agree_hand *h)
{
    bytes record = {.n = 0}, rest = {.n = 0};
    put_int(&record, 0, 1);
    put_varint(&record, 0);
    put_varint(&record, 0);
    put_varint(&record, -1);
    put_varint(&record, (int64_t)strlen(h->value));
    put(&record, h->value, strlen(h->value));
    put_varint(&record, 0);
    put_int(&rest, 0x10, 2);
    put_int(&rest, 0, 4);
    put_int(&rest, 1767225600000, 8);
    put_int(&rest, 1767225600000, 8);
    put_int(&rest, s.producer[h->who], 8);
    put_int(&rest, s.epoch[h->who] + h->epoch_delta, 2);
    put_int(&rest, h->seq, 4);
    put_int(&rest, 1, 4);
    put_varint(&rest, (int64_t)record.n);
    put(&rest, record.p, record.n);
    put_int(b, 8 + 4 + 4 + 1 + 4 + (int64_t)rest.n, 4);
    put_int(b, 0, 8);
    put_int(b, 4 + 1 + 4 + (int64_t)rest.n, 4);
    put_int(b, -1, 4);
    put_int(b, 2, 1);
    put_int(b, crc32c(rest.p, rest.n), 4);
    put(b, rest.p, rest.n);
}

static int64_t produce(const agree_hand *h)
{
    bytes b = {.n = 0}, a;
    put_text(&b, name_of(h->who));
    put_int(&b, -1, 2);
    put_int(&b, 5000, 4);
    put_int(&b, 1, 4);
    put_text(&b, s.out);
    put_int(&b, 1, 4);
    put_int(&b, h->partition, 4);
    put_batch(&b, h);
    ask(0, 7, &b, &a);
    return error_of_partition(&a);
}

agree_error by_hand_send(const agree_hand *h)
{
    static int64_t (*const requests[])(const agree_hand *) = {
        [AGREE_INIT] = init,       [AGREE_ADD] = add,         [AGREE_ADD_OFFSETS] = add_offsets,
        [AGREE_PRODUCE] = produce, [AGREE_OFFSETS] = offsets, [AGREE_END] = end,
    };
    int64_t code = requests[h->api](h);
    switch (code) {
#define X(number, name) \
    case number:        \
        return AGREE_##name;
        ERRORS(X)
#undef X
    case 14: /* COORDINATOR_LOAD_IN_PROGRESS, and others who know better soon */
    case 15:
    case 16:
    case 3:
        return AGREE_concurrent;
    default:
        fprintf(stderr, "error code %lld of Kafka\n", (long long)code);
        return AGREE_other;
    }
}
