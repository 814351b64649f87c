/*
 * What the pipeline tells the world about itself: metrics, logs, traces of a simulation hang here.
 *
 * Calls are cheap, never block and never fail. Threads: as each says.
 */
#ifndef FD_PORTS_OBSERVER_H
#define FD_PORTS_OBSERVER_H

#include "domain/decision.h"
#include "domain/msg.h"

/* Stages of the path of an event, in order; one latency histogram each. */
#define FD_STAGES(X)      \
    X(POLL, "poll")       \
    X(SCAN, "scan")       \
    X(MERGE, "merge")     \
    X(DECODE, "decode")   \
    X(FETCH, "fetch")     \
    X(FOLD, "fold")       \
    X(REDO, "redo")       \
    X(RULES, "rules")     \
    X(ENCODE, "encode")   \
    X(PRODUCE, "produce") \
    X(GATE, "gate")       \
    X(OFFSETS, "offsets") \
    X(COMMIT, "commit")

typedef enum fd_stage {
#define X(name, text) FD_STAGE_##name,
    FD_STAGES(X)
#undef X
        FD_N_STAGES
} fd_stage;

/* Things worth a log line; `level` is theirs. */
#define FD_NOTES(X)                                                                 \
    X(ASSIGNED, INFO, "partitions assigned")                                        \
    X(LIVE, INFO, "partition live")                                                 \
    X(REVOKED, INFO, "partitions revoked")                                          \
    X(LOST, WARN, "partitions lost")                                                \
    X(RECOVERY_BEGIN, WARN, "transaction lost, recovering")                         \
    X(RECOVERY_END, WARN, "recovered")                                              \
    X(RECOVERY_RETRY, WARN, "recovery waits for the broker")                        \
    X(DROPPED, WARN, "batch dropped, partitions restart from the committed offset") \
    X(LANE_RENEWED, INFO, "producer renewed after a transport error")               \
    X(POISON, WARN, "invalid event sent to dead letters")                           \
    X(BREAKER, ERROR, "too many invalid events: paused")                            \
    X(SCHEMA_WAIT, WARN, "partition paused for its writer schema")                  \
    X(SCHEMA_FOUND, INFO, "writer schema found")                                    \
    X(SOURCE_ERROR, WARN, "event source")                                           \
    X(KEY_MISMATCH, ERROR, "events are not partitioned as the configuration says")  \
    X(RESET, ERROR, "the log has no record at the committed offset")                \
    X(DRAINED, INFO, "drained")                                                     \
    X(REDO_BEGIN, INFO, "redoing window state")                                     \
    X(REDO_PROGRESS, INFO, "redoing window state, progress")                        \
    X(REDO_END, INFO, "window state redone")                                        \
    X(SHORT_HISTORY, WARN, "the log does not reach back as far as the windows")     \
    X(SEES, INFO, "window state is rebuilt, decisions are complete again")          \
    X(REBUILD, WARN, "window state is rebuilt from the log")                        \
    X(STORE_LOST, WARN, "the state store is not as this process left it")           \
    X(STATE_FULL, ERROR, "the memory for window state is full")

typedef enum fd_note {
#define X(name, level, text) FD_NOTE_##name,
    FD_NOTES(X)
#undef X
        FD_N_NOTES
} fd_note;

typedef enum fd_txn_result { FD_TXN_COMMITTED, FD_TXN_ABORTED, FD_TXN_RECOVERED } fd_txn_result;

/* One committed batch. */
typedef struct fd_batch_report {
    uint32_t events;
    uint32_t by_action[FD_N_ACTIONS];
    uint32_t by_flag[FD_N_FLAGS];
    uint32_t by_poison[FD_N_POISONS];
    const int64_t *kafka_ms; /* per event, -1 = none: for end-to-end latency */
    int64_t committed_wall_ms;
} fd_batch_report;

typedef enum fd_pause { FD_PAUSE_NONE, FD_PAUSE_QUEUE, FD_PAUSE_SCHEMA, FD_PAUSE_BREAKER } fd_pause;

typedef struct fd_partition_report {
    fd_tp tp;
    bool owned;           /* false: it is no longer ours, forget it */
    int64_t committed;    /* next offset, -1 = none yet */
    int64_t end;          /* of the log, -1 = unknown */
    int64_t watermark_ms; /* event time; INT64_MIN = none */
    uint32_t queued;
    fd_pause pause;
} fd_partition_report;

/* Window state, when it is kept; counts since the start where not said otherwise. */
typedef struct fd_state_report {
    uint64_t entries, events, dirty; /* held now */
    uint64_t bytes, limit;
    uint64_t hits, misses, evictions;
    uint64_t redo_events;
    uint64_t redo_left;                 /* offsets still to redo, now */
    bool store_up;                      /* usable now, or none is used */
    uint64_t store_reads, store_writes; /* requests to the store */
    uint64_t store_refused;             /* it was not as this process had left it */
    uint64_t store_failed;              /* no answer, or an error */
    uint64_t values_read, values_written;
    uint64_t flush_ns; /* partitions' writes, from the first request to the last answer */
} fd_state_report;

/* A rule as counters name it. */
typedef struct fd_rule_label {
    fd_str id;
    fd_rule_mode mode;
} fd_rule_label;

/* What became of a program that was offered to the worker. */
typedef enum fd_program_stage {
    FD_PROGRAM_DECIDES,    /* from first[] on; numbers of rules are this program's from now on */
    FD_PROGRAM_REBUILDING, /* its windows are being filled, the former program decides */
    FD_PROGRAM_GIVEN_UP,   /* `why`; the former program stays */
} fd_program_stage;

typedef struct fd_program_report {
    fd_program_stage stage;
    const char *ruleset, *lists, *models; /* content hashes */
    const char *why;                      /* GIVEN_UP */
    int64_t from_us; /* DECIDES: events from this merge time on; INT64_MIN: all */
    uint32_t n;
    const fd_tpo *first; /* DECIDES: next event of each partition; one assigned later: its own */
    uint32_t n_rules;
    const fd_rule_label *rules;
} fd_program_report;

typedef struct fd_observer_ops {
    /* Any thread. */
    void (*stage)(void *self, fd_stage stage, uint32_t events, int64_t ns);
    void (*txn)(void *self, fd_txn_result result, int64_t ns);
    /* detail: one line of text without event contents; tp may be NULL. */
    void (*note)(void *self, fd_note note, const fd_tp *tp, int64_t offset, const char *detail);
    /* Engine thread. */
    void (*batch)(void *self, const fd_batch_report *report);
    void (*partition)(void *self, const fd_partition_report *report);
    void (*state)(void *self, const fd_state_report *report);
    void (*program)(void *self, const fd_program_report *report);
    /* Since the previous call for this rule. */
    void (*rule)(void *self, uint32_t rule, const fd_rule_counts *more);
    /* NULL: nobody asks. Everything lives until the call returns. */
    void (*model)(void *self, uint32_t model, const fd_model_report *report);
} fd_observer_ops;

typedef struct fd_observer {
    const fd_observer_ops *ops;
    void *self;
} fd_observer;

#endif
