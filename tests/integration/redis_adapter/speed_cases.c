/* How long things take, printed; no verdict but that they work. */
#include <stdlib.h>

#include "support.h"

enum { TIMES = 200, VALUES = 500, SIZE = 200 };

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print(const char *way, const char *what, int64_t *us)
{
    qsort(us, TIMES, sizeof *us, by_size);
    printf("       %-5s %-28s median %6.2f ms, p99 %6.2f ms\n", way, what,
           (double)us[TIMES / 2] / 1000, (double)us[TIMES * 99 / 100] / 1000);
}

static void time_over(const char *way, const char *url)
{
    static int64_t us[TIMES];
    static fd_state_value v[VALUES];
    static char keys[VALUES][32];
    owner o;
    fd_state_mark m;
    uint64_t seq = 1;
    owner_to(&o, url);
    CHECK(owner_reset(&o, 7, 0) == FD_STATE_OK, "reset");
    for (int i = 0; i < TIMES; i++, seq++) {
        int64_t began = now_us();
        CHECK(owner_flush(&o, 7, seq, "k", VALUES, SIZE, (int64_t)seq) == FD_STATE_OK, "flush");
        us[i] = now_us() - began;
    }
    print(way, "flush of 500 values, 200 B", us);
    for (int i = 0; i < TIMES; i++) {
        for (int k = 0; k < VALUES; k++) {
            snprintf(keys[k], sizeof keys[k], "k%d", k);
            v[k] = (fd_state_value){.key_kind = 1, .key = fd_str_from(keys[k])};
        }
        fd_state_request rq = {
            .kind = FD_STATE_READ, .nonce = 7, .seq = seq, .n = VALUES, .values = v};
        int64_t began = now_us();
        CHECK(owner_ask(&o, &rq).result == FD_STATE_OK && v[7].bytes.n == SIZE, "read");
        us[i] = now_us() - began;
    }
    print(way, "read of 500 keys", us);
    for (int i = 0; i < TIMES; i++) {
        int64_t began = now_us();
        CHECK(owner_lsn(&o, 7, seq, "k1") >= 0, "read");
        us[i] = now_us() - began;
    }
    print(way, "read of one key", us);
    for (int i = 0; i < TIMES; i++) {
        int64_t began = now_us();
        CHECK(owner_take(&o, 7, 7, &m) == FD_STATE_OK && m.found, "take");
        us[i] = now_us() - began;
    }
    print(way, "take", us);
    for (int i = 0; i < TIMES; i++, seq++) {
        fd_state_request rq = {
            .kind = FD_STATE_SWEEP, .nonce = 7, .seq = seq, .older_us = 0, .max = 100};
        int64_t began = now_us();
        CHECK(owner_ask(&o, &rq).result == FD_STATE_OK, "sweep");
        us[i] = now_us() - began;
    }
    print(way, "sweep over 100 values", us);
    owner_end(&o);
}

static void timings(void)
{
    server *s = server_new(NULL);
    char url[320];
    time_over("TCP", s->url);
    hand(s, "FLUSHALL");
    snprintf(url, sizeof url, "unix://%s", s->socket);
    time_over("Unix", url);
}

/* A takeover must not depend on how much there is; what a value costs. */
static void with_much_in_it(void)
{
    enum { FLUSHES = 300, EACH = 1000 };
    server *s = server_new(NULL);
    owner o;
    fd_state_mark m;
    char stem[16];
    owner_new(&o, &(fd_redis_config){.url = s->url, .timeout_us = 20 * SECOND_US});
    CHECK(owner_wait_up(&o, 5000), "not up");
    CHECK(owner_reset(&o, 7, 0) == FD_STATE_OK, "reset");
    long long before = used_memory(s);
    int64_t began = now_us();
    for (uint64_t i = 1; i <= FLUSHES; i++) {
        snprintf(stem, sizeof stem, "key-%llu-", (unsigned long long)i);
        CHECK(owner_flush(&o, 7, i, stem, EACH, SIZE, (int64_t)i) == FD_STATE_OK, "flush");
    }
    printf("       %d values of %d B: %.0f B each in Redis, %.2f s to put\n", FLUSHES * EACH, SIZE,
           (double)(used_memory(s) - before) / (FLUSHES * EACH), (double)(now_us() - began) / 1e6);
    began = now_us();
    CHECK(owner_take(&o, 8, 7, &m) == FD_STATE_OK && m.found, "take");
    int64_t take = now_us() - began;
    began = now_us();
    CHECK(owner_lsn(&o, 8, m.seq, "key-7-7") == 7, "read");
    int64_t read = now_us() - began;
    began = now_us();
    CHECK(owner_reset(&o, 8, m.seq) == FD_STATE_OK, "reset");
    printf("       then a take %.2f ms, a read of one key %.2f ms, a reset %.2f ms\n",
           (double)take / 1000, (double)read / 1000, (double)(now_us() - began) / 1000);
    owner_end(&o);
}

const test_case speed_cases[] = {
    {"timings", timings},
    {"timings with 300,000 values in it", with_much_in_it},
    {NULL, NULL},
};
