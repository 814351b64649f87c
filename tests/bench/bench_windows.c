/*
 * What windows cost per (event, key), and what a key takes: count and sum of one integer over
 * eight windows, at several numbers of keys, with what a batch needs fetched ahead or not.
 *
 * bench_windows [--json] [--keys n,n,...] [--events n]: keys get events at random, eight within
 * the longest window on average, until old ones go as new ones come; then batches of 1024 are
 * timed, the best of several rounds. One thread.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "features/windows.h"

enum { BATCH = 1024, WINDOWS = 8, PER_KEY = 8, KEY_BYTES = 12, ROUNDS = 5, SAVED = 1000 };

static const int64_t windows_s[WINDOWS] = {60,    300,    3600,   6 * 3600,
                                           86400, 259200, 604800, 30 * 86400};

typedef struct bench {
    fd_windows *table;
    fd_window_track track;
    fd_window_key key;
    fd_window_feature features[2 * WINDOWS];
    fd_type types[2 * WINDOWS];
    fd_field fields[2 * WINDOWS];
    fd_type type;
    fd_window_layout layout;
    fd_batch *out;
    fd_window_event events[BATCH];
    char keys[BATCH][KEY_BYTES + 1];
    fd_str key_column[BATCH];
    uint32_t bits[BATCH], valid[BATCH];
    uint64_t amounts[BATCH];
    uint64_t *values[1];
    fd_str *texts[1];
    fd_window_input_key input_key;
    fd_window_input input;
    uint64_t n_keys, seed;
    int64_t offset, now_us, step_us;
} bench;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t dice(bench *b, uint64_t below)
{
    b->seed += 0x9e3779b97f4a7c15U;
    uint64_t z = b->seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
    z = (z ^ z >> 27) * 0x94d049bb133111ebU;
    return (z ^ z >> 31) % below;
}

static void make_layout(bench *b)
{
    b->track = (fd_window_track){.kind = FD_INT};
    b->key = (fd_window_key){.name = FD_STR("card"), .n_tracks = 1, .tracks = &b->track};
    for (uint16_t i = 0; i < 2 * WINDOWS; i++) {
        b->features[i] = (fd_window_feature){.op = i % 2 == 0 ? FD_OP_COUNT : FD_OP_SUM,
                                             .result = FD_INT,
                                             .where = FD_WINDOW_NONE,
                                             .of = FD_WINDOW_NONE,
                                             .value = i % 2 == 0 ? FD_WINDOW_NONE : 0,
                                             .include_current = true,
                                             .window_us = windows_s[i / 2] * 1000000};
        b->types[i] = (fd_type){.kind = FD_INT, .nullable = true};
        b->fields[i] = (fd_field){"f", &b->types[i]};
    }
    b->type = (fd_type){.kind = FD_RECORD, .n_fields = 2 * WINDOWS, .fields = b->fields};
    b->layout = (fd_window_layout){.n_keys = 1,
                                   .n_features = 2 * WINDOWS,
                                   .keys = &b->key,
                                   .features = b->features,
                                   .type = &b->type,
                                   .reach_us = windows_s[WINDOWS - 1] * 1000000,
                                   .descriptor = FD_STR("bench")};
}

static bench *bench_new(uint64_t n_keys)
{
    bench *b = calloc(1, sizeof *b);
    FD_ALLOCATED(b);
    make_layout(b);
    const fd_window_layout *layouts[] = {&b->layout};
    fd_windows_config config = {.n_layouts = 1,
                                .layouts = layouts,
                                .memory = n_keys * 300 + (4 << 20),
                                .lateness_us = 600000000,
                                .max_skew_us = 3600000000,
                                .max_events_per_key = 10000};
    b->table = fd_windows_new(&config);
    FD_ALLOCATED(b->table);
    b->out = fd_batch_new(&b->type, BATCH, 0);
    b->values[0] = b->amounts;
    b->input_key = (fd_window_input_key){b->key_column, b->bits, b->valid, b->values, b->texts};
    b->input = (fd_window_input){BATCH, &b->input_key};
    b->n_keys = n_keys;
    b->now_us = 1767225600000000;
    b->step_us = windows_s[WINDOWS - 1] * 1000000 / (int64_t)(n_keys * PER_KEY);
    return b;
}

static void bench_free(bench *b)
{
    fd_windows_free(b->table);
    fd_batch_free(b->out);
    free(b);
}

static void make_batch(bench *b)
{
    for (uint32_t i = 0; i < BATCH; i++) {
        b->now_us += b->step_us;
        b->events[i] = (fd_window_event){.row = i,
                                         .offset = b->offset++,
                                         .time_us = b->now_us,
                                         .merge_us = b->now_us,
                                         .folded = true};
        int n = snprintf(b->keys[i], sizeof b->keys[i], "C%08llu",
                         (unsigned long long)dice(b, b->n_keys));
        b->key_column[i] = (fd_str){b->keys[i], (uint32_t)n};
        b->valid[i] = 1;
        b->amounts[i] = dice(b, 100000);
    }
    fd_batch_reset(b->out);
}

/* Nanoseconds per event over n of them. */
static double run(bench *b, uint64_t n)
{
    double ns = 0;
    uint64_t done = 0;
    for (; done < n; done += BATCH) {
        make_batch(b);
        double t0 = now_ns();
        bool fine = fd_windows_run(b->table, b->events, BATCH, &b->input, &b->out, NULL);
        ns += now_ns() - t0;
        FD_ASSERT(fine);
    }
    return ns / (double)done;
}

static double best_of(bench *b, uint64_t n)
{
    double best = 1e18;
    for (int i = 0; i < ROUNDS; i++) {
        double ns = run(b, n);
        best = ns < best ? ns : best;
    }
    return best;
}

/* Bytes of a saved key on average, and what saving it takes. */
static double saved(bench *b, double *ns)
{
    fd_window_ref refs[SAVED];
    uint64_t cursor = 0;
    uint32_t n = fd_windows_dirty(b->table, (fd_tp){0, 0}, &cursor, refs, SAVED);
    fd_strbuf out = {0};
    double t0 = now_ns();
    for (uint32_t i = 0; i < n; i++) {
        int64_t lsn, last;
        fd_windows_save(b->table, &refs[i], &out, &lsn, &last);
    }
    *ns = (now_ns() - t0) / n;
    double bytes = (double)out.n / n;
    fd_strbuf_free(&out);
    return bytes;
}

static void one(uint64_t n_keys, uint64_t events, bool json)
{
    bench *b = bench_new(n_keys);
    double t0 = now_ns();
    run(b, n_keys * PER_KEY * 5 / 4);
    double filled = now_ns() - t0;
    double on = best_of(b, events);
    fd_windows_set_prefetch(b->table, false);
    double off = best_of(b, events);
    double save_ns;
    double bytes = saved(b, &save_ns);
    fd_windows_stats s;
    fd_windows_stats_get(b->table, &s);
    double per_key = (double)s.bytes / (double)s.entries;
    double events_per_key = (double)s.events / (double)s.entries;
    unsigned long long n = n_keys;
    if (json)
        printf("{\"bench\":\"windows\",\"unit\":\"ns/(event,key)\",\"keys\":%llu,"
               "\"prefetch\":%.1f,\"no_prefetch\":%.1f,\"bytes_per_key\":%.1f,"
               "\"events_per_key\":%.2f,\"saved_bytes\":%.1f,\"save_ns\":%.0f}\n",
               n, on, off, per_key, events_per_key, bytes, save_ns);
    else
        printf("%9llu keys %7.1f ns per (event, key), %7.1f without prefetch; %.1f bytes per key "
               "with %.2f events, saved %.1f bytes in %.0f ns\n",
               n, on, off, per_key, events_per_key, bytes, save_ns);
    fprintf(stderr, "  filled in %.1f s\n", filled / 1e9);
    bench_free(b);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"keys", required_argument, NULL, 'k'},
                                            {"events", required_argument, NULL, 'n'},
                                            {0}};
    bool json = false;
    uint64_t events = 200000;
    const char *keys = "10000,1000000";
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'j')
            json = true;
        else if (c == 'k')
            keys = optarg;
        else if (c == 'n')
            events = strtoull(optarg, NULL, 10);
        else
            return 2;
    }
    while (*keys != '\0') {
        char *end;
        uint64_t n = strtoull(keys, &end, 10);
        if (n == 0 || end == keys)
            return 2;
        one(n, events, json);
        keys = *end == ',' ? end + 1 : end;
    }
    return 0;
}
