/*
 * The measuring ends of tests/bench.sh: one process that writes events on a schedule and reads the
 * committed decisions, so that one monotonic clock sees both.
 *
 *   e2e latency BOOTSTRAP IN OUT PARTITIONS RATE SECONDS WARMUP_S PAYLOADS
 *   e2e drain BOOTSTRAP OUT PARTITIONS COUNT
 *
 * Latency = when a read_committed consumer of this process got the decision - when its event was
 * due (not when it was sent: a stalled sender must not hide waiting). Decisions are matched to
 * events by fd.src and the delivery reports. Resolution: nanoseconds of CLOCK_MONOTONIC, both
 * client libraries' queues included. Results: one JSON object on stdout.
 * PAYLOADS: records of u32 key size, key, u32 value size, value (host order), used in turn.
 * Threads: main sends and serves reports; one reads. The tables are written by one thread each and
 * evaluated after both have ended. It starts no servers and judges nothing.
 */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_PARTITIONS = 64, DRAIN_WAIT_S = 30 };

struct payload {
    const char *key;
    const char *value;
    uint32_t key_size;
    uint32_t value_size;
};

struct payloads {
    struct payload *items;
    uint32_t n;
};

struct bench {
    const char *bootstrap;
    const char *in;
    const char *out;
    int32_t partitions;
    int64_t count;                     /* events in all */
    int64_t *due_ns;                   /* by event number */
    int64_t *event_at[MAX_PARTITIONS]; /* input offset - base -> event number, -1 = none */
    int64_t *seen_ns[MAX_PARTITIONS];  /* input offset - base -> when the decision was seen */
    int64_t base[MAX_PARTITIONS];
    atomic_llong seen;
    atomic_llong duplicates;
    atomic_llong failed;
    int64_t first_ns, last_ns;
    atomic_bool halt;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void die(const char *what, const char *why)
{
    fprintf(stderr, "e2e: %s: %s\n", what, why);
    exit(1);
}

static int64_t number_arg(const char *text)
{
    char *end;
    long long value = strtoll(text, &end, 10);
    if (*end != '\0' || value <= 0)
        die(text, "not a positive number");
    return value;
}

static void *table(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (p == NULL)
        die("memory", "none left");
    return p;
}

static uint32_t size_at(const char *p)
{
    uint32_t size;
    memcpy(&size, p, sizeof size);
    return size;
}

static struct payloads read_payloads(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        die(path, "cannot be read");
    size_t size = (size_t)ftell(f);
    char *data = table(1, size + 1);
    rewind(f);
    if (size == 0 || fread(data, 1, size, f) != size)
        die(path, "cannot be read, or is empty");
    fclose(f);
    struct payloads out = {.items = table(size / 8 + 1, sizeof *out.items)};
    for (size_t at = 0; at < size;) {
        struct payload *p = &out.items[out.n++];
        p->key_size = size_at(data + at);
        p->key = data + at + 4;
        at += 4 + p->key_size;
        p->value_size = size_at(data + at);
        p->value = data + at + 4;
        at += 4 + p->value_size;
    }
    return out;
}

static void set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
    char err[256];
    if (rd_kafka_conf_set(conf, key, value, err, sizeof err) != RD_KAFKA_CONF_OK)
        die(key, err);
}

static rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char err[256];
    rd_kafka_t *rk = rd_kafka_new(type, conf, err, sizeof err);
    if (rk == NULL)
        die("client", err);
    return rk;
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    struct bench *b = opaque;
    if (m->err != 0) {
        atomic_fetch_add(&b->failed, 1);
    } else if (b->due_ns != NULL) {
        int64_t slot = m->offset - b->base[m->partition];
        if (slot >= 0 && slot < b->count)
            b->event_at[m->partition][slot] = (int64_t)(intptr_t)m->_private;
    }
}

static rd_kafka_t *producer(struct bench *b, const char *linger_ms)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", b->bootstrap);
    set(conf, "linger.ms", linger_ms);
    set(conf, "socket.nagle.disable", "true");
    set(conf, "queue.buffering.max.messages", "1000000");
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, b);
    return client(RD_KAFKA_PRODUCER, conf);
}

static uint32_t hash_of(const struct payload *p)
{
    uint32_t h = 2166136261U;
    for (uint32_t i = 0; i < p->key_size; i++)
        h = (h ^ (uint8_t)p->key[i]) * 16777619U;
    return h;
}

static void send_one(struct bench *b, rd_kafka_t *rk, const struct payload *p, int64_t number)
{
    for (;;) {
        rd_kafka_resp_err_t err = rd_kafka_producev(
            rk, RD_KAFKA_V_TOPIC(b->in),
            RD_KAFKA_V_PARTITION((int32_t)(hash_of(p) % (uint32_t)b->partitions)),
            RD_KAFKA_V_KEY(p->key, p->key_size),
            RD_KAFKA_V_VALUE((void *)(uintptr_t)p->value, p->value_size),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE((void *)(intptr_t)number),
            RD_KAFKA_V_END);
        if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
            return;
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            die("produce", rd_kafka_err2str(err));
        rd_kafka_poll(rk, 5);
    }
}

/* fd.src is topic/partition/offset. */
static bool source_of(const rd_kafka_message_t *m, int32_t *partition, int64_t *offset)
{
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    char text[300];
    if (rd_kafka_message_headers(m, &headers) != 0 ||
        rd_kafka_header_get_last(headers, "fd.src", &value, &size) != 0 || size >= sizeof text)
        return false;
    memcpy(text, value, size);
    text[size] = '\0';
    char *last = strrchr(text, '/');
    if (last == NULL)
        return false;
    *last = '\0';
    char *before = strrchr(text, '/');
    if (before == NULL)
        return false;
    *partition = (int32_t)strtol(before + 1, NULL, 10);
    *offset = strtoll(last + 1, NULL, 10);
    return true;
}

static void saw(struct bench *b, const rd_kafka_message_t *m)
{
    int64_t at = now_ns();
    int32_t partition;
    int64_t offset;
    if (b->first_ns == 0)
        b->first_ns = at;
    b->last_ns = at;
    if (b->due_ns != NULL) {
        if (!source_of(m, &partition, &offset) || partition >= b->partitions)
            die("decision", "no fd.src header");
        int64_t slot = offset - b->base[partition];
        if (slot < 0 || slot >= b->count)
            return; /* of before this measurement */
        if (b->seen_ns[partition][slot] != 0)
            atomic_fetch_add(&b->duplicates, 1);
        b->seen_ns[partition][slot] = at;
    }
    atomic_fetch_add(&b->seen, 1);
}

static rd_kafka_t *consumer(struct bench *b, int64_t from)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", b->bootstrap);
    set(conf, "group.id", "fraudd-bench-reader");
    set(conf, "isolation.level", "read_committed");
    set(conf, "enable.auto.commit", "false");
    set(conf, "fetch.wait.max.ms", "500");
    set(conf, "fetch.min.bytes", "1");
    set(conf, "socket.nagle.disable", "true");
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(b->partitions);
    for (int32_t p = 0; p < b->partitions; p++)
        rd_kafka_topic_partition_list_add(parts, b->out, p)->offset = from;
    if (rd_kafka_assign(rk, parts) != 0)
        die(b->out, "cannot be read");
    rd_kafka_topic_partition_list_destroy(parts);
    return rk;
}

static void *read_decisions(void *arg)
{
    struct bench *b = arg;
    rd_kafka_t *rk = consumer(b,
                              b->due_ns != NULL ? RD_KAFKA_OFFSET_END : RD_KAFKA_OFFSET_BEGINNING);
    while (!atomic_load(&b->halt)) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        if (m == NULL)
            continue;
        if (m->err == 0)
            saw(b, m);
        rd_kafka_message_destroy(m);
    }
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return NULL;
}

static void prepare_latency(struct bench *b, rd_kafka_t *rk)
{
    b->due_ns = table((size_t)b->count, sizeof *b->due_ns);
    for (int32_t p = 0; p < b->partitions; p++) {
        int64_t low;
        if (rd_kafka_query_watermark_offsets(rk, b->in, p, &low, &b->base[p], 10000) != 0)
            die(b->in, "its end cannot be asked");
        b->event_at[p] = table((size_t)b->count, sizeof **b->event_at);
        b->seen_ns[p] = table((size_t)b->count, sizeof **b->seen_ns);
        for (int64_t i = 0; i < b->count; i++)
            b->event_at[p][i] = -1;
    }
}

static void send_on_schedule(struct bench *b, rd_kafka_t *rk, struct payloads load, int64_t rate)
{
    int64_t began = now_ns() + 1000000;
    for (int64_t i = 0; i < b->count; i++) {
        int64_t due = began + i * 1000000000 / rate;
        int64_t left;
        while ((left = due - now_ns()) > 0) {
            rd_kafka_poll(rk, 0);
            if (left > 100000) {
                struct timespec nap = {.tv_nsec = left < 1000000 ? left - 60000 : 900000};
                nanosleep(&nap, NULL);
            }
        }
        b->due_ns[i] = due;
        send_one(b, rk, &load.items[i % load.n], i);
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double quantile_ms(const int64_t *sorted, int64_t n, double q)
{
    if (n == 0)
        return -1;
    int64_t rank = (int64_t)(q * (double)n + 0.999999);
    return (double)sorted[rank < 1 ? 0 : rank > n ? n - 1 : rank - 1] / 1e6;
}

static void print_latency(struct bench *b, int64_t skip)
{
    int64_t *all = table((size_t)b->count, sizeof *all);
    int64_t n = 0, missing = 0;
    for (int32_t p = 0; p < b->partitions; p++) {
        for (int64_t i = 0; i < b->count; i++) {
            int64_t event = b->event_at[p][i];
            if (event < 0)
                continue;
            if (b->seen_ns[p][i] == 0)
                missing++;
            else if (event >= skip)
                all[n++] = b->seen_ns[p][i] - b->due_ns[event];
        }
    }
    qsort(all, (size_t)n, sizeof *all, by_value);
    printf("{\"sent\": %" PRId64 ", \"measured\": %" PRId64 ", \"missing\": %" PRId64
           ", \"duplicates\": %lld, \"failed\": %lld, \"p50_ms\": %.3f, \"p90_ms\": %.3f, "
           "\"p99_ms\": %.3f, \"p999_ms\": %.3f, \"max_ms\": %.3f}\n",
           b->count, n, missing, (long long)atomic_load(&b->duplicates),
           (long long)atomic_load(&b->failed), quantile_ms(all, n, 0.5), quantile_ms(all, n, 0.9),
           quantile_ms(all, n, 0.99), quantile_ms(all, n, 0.999), quantile_ms(all, n, 1.0));
    free(all);
}

static void wait_for_all(struct bench *b, int64_t wait_s)
{
    int64_t end = now_ns() + wait_s * 1000000000;
    struct timespec nap = {.tv_nsec = 10000000};
    while (atomic_load(&b->seen) < b->count && now_ns() < end)
        nanosleep(&nap, NULL);
}

static int command_latency(struct bench *b, int64_t rate, int64_t seconds, int64_t warmup_s,
                           struct payloads load)
{
    b->count = rate * (seconds + warmup_s);
    rd_kafka_t *rk = producer(b, "2");
    prepare_latency(b, rk);
    pthread_t reader;
    if (pthread_create(&reader, NULL, read_decisions, b) != 0)
        die("thread", "cannot be made");
    struct timespec settle = {.tv_sec = 2};
    nanosleep(&settle, NULL); /* until the reader has its first fetch open */
    send_on_schedule(b, rk, load, rate);
    rd_kafka_flush(rk, 30000);
    wait_for_all(b, DRAIN_WAIT_S);
    atomic_store(&b->halt, true);
    pthread_join(reader, NULL);
    rd_kafka_destroy(rk);
    print_latency(b, rate * warmup_s);
    return 0;
}

static int command_drain(struct bench *b)
{
    int64_t began = now_ns();
    pthread_t reader;
    if (pthread_create(&reader, NULL, read_decisions, b) != 0)
        die("thread", "cannot be made");
    wait_for_all(b, 600);
    atomic_store(&b->halt, true);
    pthread_join(reader, NULL);
    printf("{\"seen\": %lld, \"first_s\": %.4f, \"last_s\": %.4f}\n",
           (long long)atomic_load(&b->seen), (double)(b->first_ns - began) / 1e9,
           (double)(b->last_ns - began) / 1e9);
    return atomic_load(&b->seen) != b->count;
}

int main(int argc, char **argv)
{
    static struct bench b;
    const char *command = argc > 1 ? argv[1] : "";
    const int wanted = strcmp(command, "latency") == 0 ? 10 : 6;
    if (argc != wanted)
        die("usage", "see the head of tests/bench/e2e.c");
    b.bootstrap = argv[2];
    b.in = b.out = argv[3];
    int at = 4;
    if (wanted == 10)
        b.out = argv[at++];
    int64_t partitions = number_arg(argv[at++]);
    if (partitions > MAX_PARTITIONS)
        die("partitions", "too many");
    b.partitions = (int32_t)partitions;
    if (wanted == 10)
        return command_latency(&b, number_arg(argv[6]), number_arg(argv[7]), number_arg(argv[8]),
                               read_payloads(argv[9]));
    b.count = number_arg(argv[at]);
    return command_drain(&b);
}
