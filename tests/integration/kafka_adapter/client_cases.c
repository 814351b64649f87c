/*
 * The command-line tools' writer and reader, and the start-up check, against a real broker.
 */
#include <string.h>

#include "kafka/check.h"
#include "support.h"

static fd_class reader_new(settings *set, const char *topic, int32_t partition, const char *from,
                           fd_kafka_reader **out, fd_err *err)
{
    return fd_kafka_reader_new(&(fd_kafka_reader_config){.settings = set->of,
                                                         .topic = topic,
                                                         .partition = partition,
                                                         .from = from,
                                                         .now_ms = INT64_C(4000000000000),
                                                         .timeout_ms = 10000},
                               out, err);
}

/* Reads to the end; the number of messages, the first offset and the sum of lengths. */
typedef struct reading {
    int64_t n, first, bytes;
} reading;

static reading read_all(const char *topic, int32_t partition, const char *from)
{
    settings set;
    fd_err err;
    fd_kafka_reader *r;
    reading got = {.first = -1};
    settings_make(&set, NULL);
    CHECK(reader_new(&set, topic, partition, from, &r, &err) == FD_OK, "%s", err.text);
    int64_t until = now_us() + 20 * (int64_t)SECOND_US;
    for (;;) {
        fd_msg msg;
        CHECK(now_us() < until, "no end");
        fd_kafka_read kind = fd_kafka_reader_poll(r, 200, &msg, &err);
        if (kind == FD_KAFKA_READ_END)
            break;
        CHECK(kind != FD_KAFKA_READ_ERROR, "%s", err.text);
        if (kind != FD_KAFKA_READ_MSG)
            continue;
        if (got.n++ == 0)
            got.first = msg.offset;
        got.bytes += msg.value.n;
        fd_kafka_reader_release(&msg);
    }
    fd_kafka_reader_free(r);
    return got;
}

static void write_and_read(void)
{
    enum { N = 30000 };
    const char *topic = topic_new(3);
    settings set;
    fd_err err;
    fd_kafka_writer *w;
    settings_make(&set, "queue.buffering.max.messages", "5000", NULL); /* back-pressure */
    CHECK(fd_kafka_writer_new(&set.of, topic, 10000, &w, &err) == FD_OK, "%s", err.text);
    CHECK(fd_kafka_writer_partitions(w) == 3, "partitions");
    fd_header headers[] = {{.name = FD_STR("a"), .value = FD_STR("1")},
                           {.name = FD_STR("none"), .null_value = true},
                           {.name = FD_STR("empty"), .value = FD_STR("")}};
    for (int i = 0; i < N; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "%d", i);
        fd_kafka_record rec = {.partition = i % 3,
                               .timestamp_ms = INT64_C(1700000000000) + i,
                               .value = {text, (uint32_t)n},
                               .null_key = true,
                               .n_headers = 3,
                               .headers = headers};
        CHECK(fd_kafka_writer_put(w, &rec, 10000, &err) == FD_OK, "%s", err.text);
    }
    CHECK(fd_kafka_writer_flush(w, 20000, &err) == FD_OK, "%s", err.text);
    CHECK(fd_kafka_writer_delivered(w) == N && fd_kafka_writer_failed(w) == 0, "counts");
    fd_kafka_record bad = {.partition = 3, .null_key = true, .null_value = true};
    CHECK(fd_kafka_writer_put(w, &bad, 1000, &err) == FD_FATAL, "partition 3 of 3");
    fd_kafka_writer_free(w);

    CHECK(read_all(topic, -1, NULL).n == N, "all");
    CHECK(read_all(topic, 1, "beginning").n == N / 3, "one partition");
    CHECK(read_all(topic, 1, "end").n == 0, "end");
    CHECK(read_all(topic, -1, "-5").n == 15, "tail");
    reading at = read_all(topic, 2, "9000");
    CHECK(at.n == 1000 && at.first == 9000, "offset");
    at = read_all(topic, 0, "@1700000015000");
    CHECK(at.first == 5000, "time: %lld", (long long)at.first);
    CHECK(read_all(topic, 0, "@2023-11-14T22:13:35Z").first == 5000, "calendar time");
    CHECK(read_all(topic, 0, "@-1h").n == 0, "an hour before the year 2096");

    fd_kafka_reader *r;
    fd_msg msg;
    CHECK(reader_new(&set, topic, 0, "0", &r, &err) == FD_OK, "%s", err.text);
    while (fd_kafka_reader_poll(r, 1000, &msg, &err) != FD_KAFKA_READ_MSG)
        ;
    fd_header got[2];
    CHECK(fd_kafka_reader_headers(&msg, got, 2) == 3, "number of headers");
    CHECK(fd_str_eq_c(got[0].name, "a") && fd_str_eq_c(got[0].value, "1"), "header");
    CHECK(got[1].null_value, "null header");
    CHECK(msg.null_key && !msg.null_value && msg.kafka_ms == INT64_C(1700000000000), "message");
    fd_kafka_reader_release(&msg);
    fd_kafka_reader_free(r);
}

/* Each partition from its own queue, one after the other, in [from, until). */
static void by_partition(void)
{
    enum { N = 3000 };
    const char *topic = topic_new(3);
    settings set;
    fd_err err;
    fd_kafka_writer *w;
    settings_make(&set, NULL);
    CHECK(fd_kafka_writer_new(&set.of, topic, 10000, &w, &err) == FD_OK, "%s", err.text);
    for (int i = 0; i < N; i++) {
        fd_kafka_record rec = {.partition = i % 2, .null_key = true, .value = FD_STR("x")};
        CHECK(fd_kafka_writer_put(w, &rec, 10000, &err) == FD_OK, "%s", err.text);
    }
    CHECK(fd_kafka_writer_flush(w, 20000, &err) == FD_OK, "%s", err.text);
    fd_kafka_writer_free(w);
    fd_kafka_reader_config config = {.settings = set.of,
                                     .topic = topic,
                                     .partition = -1,
                                     .from = "100",
                                     .until = "-200",
                                     .by_partition = true,
                                     .timeout_ms = 10000};
    fd_kafka_reader *r;
    CHECK(fd_kafka_reader_new(&config, &r, &err) == FD_OK, "%s", err.text);
    int64_t begin, end;
    CHECK(!fd_kafka_reader_range(r, 2, &begin, &end), "an empty partition");
    for (int32_t p = 2; p >= 0; p--) {
        bool some = fd_kafka_reader_range(r, p, &begin, &end);
        CHECK(!some || (begin == 100 && end == N / 2 - 200), "range");
        int64_t next = begin, until = now_us() + 20 * (int64_t)SECOND_US;
        fd_msg msg;
        fd_kafka_read kind = FD_KAFKA_READ_NONE;
        while (kind != FD_KAFKA_READ_END && now_us() < until) {
            kind = fd_kafka_reader_poll_partition(r, p, 200, &msg, &err);
            CHECK(kind != FD_KAFKA_READ_ERROR, "%s", err.text);
            if (kind != FD_KAFKA_READ_MSG)
                continue;
            CHECK(msg.tp.partition == p && msg.offset == next++, "in order");
            fd_kafka_reader_release(&msg);
        }
        CHECK(kind == FD_KAFKA_READ_END && next == end, "to the end of partition %d", (int)p);
    }
    fd_kafka_reader_free(r);
}

static void by_key_as_java(void)
{
    const char *topic = topic_new(7);
    settings set;
    fd_err err;
    fd_kafka_writer *w;
    settings_make(&set, NULL);
    CHECK(fd_kafka_writer_new(&set.of, topic, 10000, &w, &err) == FD_OK, "%s", err.text);
    /* murmur2("21") mod 7, as the Java client's tests have it: -973932308. */
    fd_kafka_record rec = {
        .partition = -1, .timestamp_ms = -1, .key = FD_STR("21"), .value = FD_STR("x")};
    CHECK(fd_kafka_writer_put(w, &rec, 1000, &err) == FD_OK, "%s", err.text);
    CHECK(fd_kafka_writer_flush(w, 10000, &err) == FD_OK, "%s", err.text);
    fd_kafka_writer_free(w);
    int32_t expected = (int32_t)((-973932308 & 0x7fffffff) % 7);
    CHECK(read_all(topic, expected, NULL).n == 1, "not in partition %d", expected);
}

static void reader_errors(void)
{
    settings set;
    fd_err err;
    fd_kafka_reader *r;
    fd_kafka_writer *w;
    settings_make(&set, NULL);
    CHECK(reader_new(&set, "ka-no-such-topic", -1, NULL, &r, &err) == FD_FATAL &&
              err.exit_code == FD_EXIT_CONFIG && strstr(err.text, "ka-no-such-topic") != NULL,
          "%s", err.text);
    CHECK(reader_new(&set, "ka-no-such-topic", -1, "yesterday", &r, &err) == FD_FATAL &&
              err.exit_code == FD_EXIT_USAGE,
          "%s", err.text);
    CHECK(fd_kafka_writer_new(&set.of, "ka-no-such-topic", 5000, &w, &err) == FD_FATAL &&
              err.exit_code == FD_EXIT_CONFIG,
          "%s", err.text);
    set.items[0].value = "127.0.0.1:1";
    CHECK(fd_kafka_writer_new(&set.of, "t", 500, &w, &err) == FD_RETRY &&
              err.exit_code == FD_EXIT_UNAVAILABLE && strstr(err.text, "127.0.0.1:1") != NULL,
          "%s", err.text);
}

static void check(void)
{
    settings set;
    fd_err err;
    fd_strbuf warnings = {0};
    settings_make(&set, NULL);
    fd_kafka_topic topics[] = {{.name = topic_new(3), .what = "source", .like = -1},
                               {.name = topic_new(2), .what = "output", .like = 0}};
    CHECK(fd_kafka_check(&set.of, topics, 2, 10000, &warnings, &err) == FD_OK, "%s", err.text);
    CHECK(topics[0].partitions == 3 && topics[1].partitions == 2, "partitions");
    CHECK(fd_kafka_library() >= 0x020a01ff || strstr(warnings.p, "2.10.1") != NULL, "no warning");
    fd_strbuf_free(&warnings);
    topics[1].name = "ka-missing";
    CHECK(fd_kafka_check(&set.of, topics, 2, 10000, NULL, &err) == FD_FATAL &&
              err.exit_code == FD_EXIT_CONFIG,
          "%s", err.text);
    CHECK(strstr(err.text, "output topic 'ka-missing'") && strstr(err.text, "--partitions 3"), "%s",
          err.text);
    set.items[0].value = "127.0.0.1:1";
    int64_t began = now_us();
    CHECK(fd_kafka_check(&set.of, topics, 1, 1500, NULL, &err) == FD_RETRY &&
              err.exit_code == FD_EXIT_UNAVAILABLE,
          "%s", err.text);
    CHECK(strstr(err.text, "127.0.0.1:1") && strstr(err.text, "refused"), "%s", err.text);
    CHECK(now_us() - began < 3 * SECOND_US, "took long");
    set.items[1] = (fd_kv){.key = "no.such.setting", .value = "1"};
    set.map.n = 2;
    CHECK(fd_kafka_check(&set.of, topics, 1, 1500, NULL, &err) == FD_FATAL &&
              err.exit_code == FD_EXIT_CONFIG && strstr(err.text, "no.such.setting") != NULL,
          "%s", err.text);
}

const test_case client_cases[] = {
    {"write, and read from everywhere", write_and_read, false},
    {"read by partition", by_partition, false},
    {"keys go where the Java client puts them", by_key_as_java, false},
    {"reader and writer errors", reader_errors, false},
    {"start-up check", check, false},
    {NULL, NULL, false},
};
