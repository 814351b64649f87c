/*
 * What the cases of the adapter test share: checks, topics, a group member that is pumped, and
 * ways to look at the broker that do not go through the code under test.
 */
#ifndef KAFKA_ADAPTER_SUPPORT_H
#define KAFKA_ADAPTER_SUPPORT_H

#include <stdio.h>

#include "kafka/client.h"
#include "kafka/consumer.h"
#include "kafka/producer.h"

/* Ends the running case (not the program) when it does not hold. */
#define CHECK(cond, ...)                                                 \
    do {                                                                 \
        if (!(cond)) {                                                   \
            fprintf(stderr, "  %s:%d: %s: ", __FILE__, __LINE__, #cond); \
            fprintf(stderr, __VA_ARGS__);                                \
            fputc('\n', stderr);                                         \
            case_failed();                                               \
        }                                                                \
    } while (0)

_Noreturn void case_failed(void);

typedef struct test_case {
    const char *name;
    void (*run)(void);
    bool by_name; /* runs only when an argument picks it: it needs servers of its own */
} test_case;

extern const test_case source_cases[], txn_cases[], client_cases[];

enum { MAX_PARTS = 8, MAX_SETTINGS = 16, SECOND_US = 1000000 };

const char *bootstrap(void);
int64_t now_us(void);
void sleep_ms(int ms);
const char *unique(const char *stem); /* a name that no earlier run used; kept until exit */

/* Made with librdkafka's admin client. */
const char *topic_new(int partitions);
/* Values "<offset as it should be>" = from..from+n-1. */
void fill(const char *topic, int32_t partition, int from, int n);

/* Settings for the adapters: the broker, then the pairs given, NULL-terminated. */
typedef struct settings {
    fd_kv items[MAX_SETTINGS];
    fd_kvs map;
    fd_kafka_settings of;
} settings;
void settings_make(settings *s, ...);
extern int log_lines_at_error;

/* Counts records a read_committed reader sees in a partition, and the sum of their values. */
typedef struct seen {
    int64_t n, sum;
    int64_t end; /* last stable offset */
} seen;
seen look(const char *topic, int32_t partition);
int64_t committed_of(const char *group, const char *topic, int32_t partition);

/* ---- a member ---- */

typedef struct member {
    settings set;
    fd_kafka_source *source;
    fd_source port;
    int64_t start[MAX_PARTS]; /* where assign() begins */
    bool owned[MAX_PARTS];
    int64_t next[MAX_PARTS]; /* expected next offset; -1 = any */
    int64_t eof[MAX_PARTS];
    int64_t got[MAX_PARTS]; /* messages in all */
    bool hold_answers;      /* leave rebalances open */
    fd_source_kind open;    /* NONE, or the kind that is open */
    fd_tp open_parts[MAX_PARTS];
    uint32_t n_open;
    int assigns, revokes, losts, gones;
    fd_err err; /* the last error told */
    int errors;
} member;

void member_new(member *m, const char *group, const char *instance, const char *strategy,
                const char *topic, ...);                   /* more settings, NULL-terminated */
fd_source_kind member_step(member *m, int64_t timeout_us); /* one event, handled */
void member_answer(member *m);                             /* of what was held */
int member_owned(const member *m);
/* Pumps until the condition holds; false after limit_ms. */
#define PUMP(m, cond, limit_ms)                               \
    ({                                                        \
        int64_t until_ = now_us() + (int64_t)(limit_ms)*1000; \
        while (!(cond) && now_us() < until_)                  \
            member_step((m), 20000);                          \
        (cond);                                               \
    })
void member_end(member *m);

/* ---- a transactional adapter ---- */

typedef struct sink {
    settings set;
    fd_kafka_txn *txn;
    fd_txn port;
    char stem[128];
} sink;

void sink_new(sink *s, const char *stem, const char *out, const char *dlq, ...);
void sink_open(sink *s, int lane); /* repeats RETRY; CHECKs the rest */
/* One record "value" to a partition of the decision topic. */
fd_class sink_produce(sink *s, int lane, int32_t partition, const char *value, fd_err *err);
void sink_end(sink *s);

/* Shuts down every TCP connection of this process to the broker. Returns how many. */
int cut_connections(void);

#endif
