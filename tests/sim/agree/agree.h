/*
 * Histories that two Kafkas must agree on: the model, and a real broker through the adapter.
 *
 * A history is a text file; each line is one thing to do and, after "=>", what must come of it.
 * The same interpreter runs it against either backend, through the ports and (for requests that
 * librdkafka would never send) by hand. Time: the real one; the model's passes as it is waited
 * for. Thread: the main one.
 */
#ifndef SIM_AGREE_H
#define SIM_AGREE_H

#include "base/strbuf.h"
#include "ports/source.h"
#include "ports/txn.h"

enum { AGREE_PROCESSES = 4, AGREE_HANDS = 4, AGREE_PARTITIONS = 2 };

/* X(name as histories write it) */
#define AGREE_ERRORS(X)   \
    X(ok)                 \
    X(concurrent)         \
    X(fenced)             \
    X(invalid_txn_state)  \
    X(out_of_order)       \
    X(illegal_generation) \
    X(unknown_member)     \
    X(other)

typedef enum agree_error {
#define X(name) AGREE_##name,
    AGREE_ERRORS(X)
#undef X
} agree_error;

/* A request by hand. */
typedef enum agree_api {
    AGREE_INIT,
    AGREE_ADD,
    AGREE_ADD_OFFSETS,
    AGREE_PRODUCE,
    AGREE_OFFSETS,
    AGREE_END
} agree_api;

typedef struct agree_hand {
    agree_api api;
    int who;
    int epoch_delta; /* 0: the one it was given; -1: the one before */
    int32_t partition;
    uint32_t seq;
    const char *value;
    int64_t offset;
    bool commit;
} agree_hand;

/* Two input partitions with ten records each, two output partitions, one of dead letters, one
 * group; all of them new for each history. */
typedef struct agree_backend {
    void (*begin)(const char *history, int txn_timeout_ms);
    void (*end)(void);
    /* A process; instance "": dynamic. */
    void (*start)(int process, const char *instance);
    fd_source (*source)(int process);
    fd_txn (*txn)(int process);
    /* Lets so long pass; whoever waits may do something meanwhile. */
    void (*pass)(int ms);
    int64_t (*now_ms)(void);
    /* Values that a read_committed reader sees, each with a space behind; the stable end. */
    int64_t (*visible)(int32_t partition, fd_strbuf *values);
    agree_error (*by_hand)(const agree_hand *h);
} agree_backend;

/* Runs the histories named in argv. The exit code. */
int agree_main(const agree_backend *b, int argc, char **argv);

#endif
