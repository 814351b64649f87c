/*
 * One Kafka in memory, as its clients see it: input logs, a consumer group, transactional
 * producers, output logs, and the network between.
 *
 * Why: the pipeline's promises rest on rules of the broker and of librdkafka that a mock per call
 * does not have. So requests are modelled, not calls: each takes its time, may be lost before or
 * after its effect, and a copy of it may arrive once more, much later (DESIGN §4). The client side
 * behaves as librdkafka does: it repeats a request by itself after a transport error and only
 * marks the lane dirty.
 *
 * Rules of the broker that are kept (each one is compared with a real broker by tests/sim/agree):
 *   - a transactional id has a producer id and an epoch; InitProducerId raises the epoch and ends
 *     what was open; requests of an older epoch are refused for good;
 *   - EndTxn is answered once the decision is in the coordinator's log; markers reach the
 *     partitions later, and until then a new transaction is put off (CONCURRENT_TRANSACTIONS);
 *   - records are visible to read_committed readers up to the last stable offset;
 *   - a transaction's offsets are pending until its marker, and the stable committed offset waits
 *     for them; of several commits the one *appended* last counts, whenever its marker comes;
 *   - an offset commit is checked for member and generation, never for ownership; one with neither
 *     is taken unfenced, as by a classic group (noted here as a violation);
 *   - a transaction that stays open too long is aborted and its producer fenced;
 *   - Produce and TxnOffsetCommit outside a transaction are refused (verification, Kafka >= 3.6);
 *   - a static member that returns replaces its old self without a rebalance.
 * What is not modelled: docs/testing.md.
 *
 * What the caller of a port must not do, and the real broker would let pass, is collected in
 * model_violations(); tests assert that it is empty. Deterministic; one thread.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "ports/history.h"
#include "ports/source.h"
#include "ports/txn.h"
#include "world.h"

enum {
    MODEL_TOPICS_MAX = 4,      /* inputs */
    MODEL_PARTITIONS_MAX = 16, /* of one topic */
    MODEL_TPS_MAX = MODEL_TOPICS_MAX * MODEL_PARTITIONS_MAX,
    MODEL_CLIENTS_MAX = 64, /* processes, dead ones included */
    MODEL_TXNIDS_MAX = 2 * MODEL_CLIENTS_MAX,
    MODEL_RULES_MAX = 32,
};

typedef struct model model;

/* X(name, Kafka's number of it) */
#define MODEL_APIS(X)            \
    X(PRODUCE, 0)                \
    X(LIST_OFFSETS, 2)           \
    X(OFFSET_FETCH, 9)           \
    X(JOIN_GROUP, 11)            \
    X(HEARTBEAT, 12)             \
    X(LEAVE_GROUP, 13)           \
    X(INIT_PRODUCER_ID, 22)      \
    X(ADD_PARTITIONS_TO_TXN, 24) \
    X(ADD_OFFSETS_TO_TXN, 25)    \
    X(END_TXN, 26)               \
    X(TXN_OFFSET_COMMIT, 28)

typedef enum model_api {
#define X(name, number) MODEL_##name,
    MODEL_APIS(X)
#undef X
        MODEL_N_APIS
} model_api;

/* The client cannot know what became of the request after TRANSPORT. */
#define MODEL_ERRORS(X)        \
    X(NONE)                    \
    X(TRANSPORT)               \
    X(CONCURRENT_TRANSACTIONS) \
    X(NOT_COORDINATOR)         \
    X(COORDINATOR_LOADING)     \
    X(PRODUCER_FENCED)         \
    X(INVALID_TXN_STATE)       \
    X(OUT_OF_ORDER_SEQUENCE)   \
    X(MESSAGE_TOO_LARGE)       \
    X(ILLEGAL_GENERATION)      \
    X(UNKNOWN_MEMBER_ID)       \
    X(FENCED_INSTANCE_ID)      \
    X(REBALANCE_IN_PROGRESS)   \
    X(UNSTABLE_OFFSET_COMMIT)  \
    X(UNKNOWN_TOPIC)

typedef enum model_error {
#define X(name) MODEL_E_##name,
    MODEL_ERRORS(X)
#undef X
        MODEL_N_ERRORS
} model_error;

const char *model_api_name(model_api api);
const char *model_error_name(model_error e);

/* What the network and the broker do by chance, in 1000 of requests. */
typedef struct model_weather {
    int64_t delay_ns; /* one way, on average */
    uint32_t slow;    /* take up to slow_ns more */
    int64_t slow_ns;
    uint32_t cut_before;  /* lost on the way there */
    uint32_t cut_after;   /* its answer is lost */
    uint32_t late;        /* the client hears of a broken connection, the request arrives later */
    int64_t late_ns;      /* at most so much later */
    uint32_t silent;      /* of the three above: noticed only after the socket timeout */
    uint32_t refused;     /* answered with an error that the client repeats, or that aborts */
    uint32_t slow_marker; /* markers that take up to slow_ns */
    uint32_t hasty;       /* of a blocking call: gives up with RETRY before its time */
} model_weather;

/* What the simulator wants to hear at once. Any may be NULL. */
typedef struct model_watch {
    /* The coordinator decided to commit: these records will be visible, whatever comes. */
    void (*decided)(void *self, const fd_out_record *record);
    /* The group's offset changed. */
    void (*offset)(void *self, fd_tp tp, int64_t from, int64_t to);
    /* One line of the trace. NULL: no line is made. */
    void (*line)(void *self, const char *text);
    void *self;
} model_watch;

typedef struct model_config {
    model_clock *clock;
    uint64_t seed;
    uint32_t n_topics;
    int32_t partitions[MODEL_TOPICS_MAX];
    int32_t out_partitions[FD_N_OUT_TOPICS]; /* 0: as many as topic 0 has */
    int64_t txn_timeout_ns;                  /* each 0: a default */
    int64_t session_ns, heartbeat_ns, rebalance_ns;
    int64_t socket_timeout_ns;
    uint32_t max_record_bytes; /* 0: no bound */
    uint32_t burst;            /* records in a row from one partition; 0: 1 */
    bool cooperative;
    /* A blocking call waits: let something else happen, or time pass, at most until then. NULL:
     * model_advance. */
    void (*idle)(void *self, int64_t until_ns);
    void *idle_self;
    model_watch watch;
} model_config;

model *model_new(const model_config *config);
void model_free(model *m);

int64_t model_now(const model *m);
/* Lets what is due before `until_ns` happen: the next of it if there is any, else the clock goes
 * to `until_ns`. True when something happened. */
bool model_advance(model *m, int64_t until_ns);
/* When the next thing is due; INT64_MAX: nothing is. */
int64_t model_next_ns(const model *m);
void model_run(model *m, int64_t ns); /* advances so far, doing all that is due */

/* ---- input logs ---- */

typedef struct model_input {
    int64_t offset;
    int64_t kafka_ms;
    fd_str key, value;
    bool null_key, null_value;
    uint32_t n_headers;
    const fd_header *headers;
} model_input;

/* Copies the record to the log's end; returns its offset. */
int64_t model_append(model *m, fd_tp tp, const model_input *record);
/* The log ends with something that is no record: a marker, or what was aborted. */
void model_append_gap(model *m, fd_tp tp, int64_t offsets);
/* From here on records are not stable: a transaction of their producer is open. `on` false ends it.
 */
void model_hold_stable(model *m, fd_tp tp, bool on);
void model_truncate(model *m, fd_tp tp, int64_t first); /* retention */
uint32_t model_inputs(const model *m, fd_tp tp, const model_input **out);
int64_t model_end(const model *m, fd_tp tp);
uint32_t model_all_partitions(const model *m, fd_tp *out);
int64_t model_committed(const model *m, fd_tp tp); /* -1: none */
/* The same, with what nothing can stop any more though its marker is not there yet. */
int64_t model_promised(const model *m, fd_tp tp);
bool model_pending(const model *m, fd_tp tp); /* an open transaction moves it */
void model_set_committed(model *m, fd_tp tp, int64_t offset);

/* ---- output logs ---- */

typedef enum model_fate { MODEL_OPEN, MODEL_COMMITTED, MODEL_ABORTED, MODEL_MARKER } model_fate;

typedef struct model_output {
    fd_out_record record; /* copied */
    model_fate fate;
    int64_t producer;
    int16_t epoch;
    bool decided; /* commit is certain; the marker may be under way */
} model_output;

/* All of a partition's log, markers too: the index is the offset. */
uint32_t model_outputs(const model *m, fd_out_topic topic, int32_t partition,
                       const model_output **out);
int64_t model_stable_end(const model *m, fd_out_topic topic, int32_t partition);
int32_t model_out_partitions(const model *m, fd_out_topic topic);
const fd_header *model_header(const fd_out_record *r, const char *name); /* NULL: none */
uint32_t model_open_txns(const model *m);

/* ---- client processes ---- */

/* A new process. `instance` >= 0: group.instance.id, static, and the stem of its transactional
 * ids; -1: dynamic, with ids of its own. It joins the group at once. Returns its number. */
int model_start(model *m, int instance);
fd_source model_source(model *m, int client);
fd_history model_history(model *m, int client);
fd_txn model_txn(model *m, int client);
/* kill -9: nothing of it has an effect any more but what is under way; its calls fail. */
void model_kill(model *m, int client);
/* SIGSTOP: its background threads stand still. */
void model_pause(model *m, int client, bool on);
/* Ends its membership in good order; a static member keeps its place. */
void model_leave(model *m, int client);
bool model_alive(const model *m, int client);
bool model_paused(const model *m, int client);
/* Has poll() something to tell? */
bool model_has_news(model *m, int client);
/* Until when the latest poll() would have waited; in the past when it had something. */
int64_t model_poll_until_ns(const model *m, int client);
/* wake() since the last look; looking clears it. */
bool model_woken(model *m, int client);
uint32_t model_outstanding(const model *m, int client); /* messages and memberships given out */
bool model_fetch_paused(const model *m, int client, fd_tp tp);

/* ---- the group ---- */

int32_t model_generation(const model *m);
int model_owner(const model *m, fd_tp tp); /* client, as the coordinator sees it; -1 none */
bool model_rebalancing(const model *m);
uint32_t model_members(const model *m);
void model_kick(model *m, int client); /* as if its session had timed out */
/* Partitions are dealt anew: every member has to join again. */
void model_rebalance(model *m);
/* owner[i] of the i-th partition (a client) from the next rebalance on; NULL: by itself. */
void model_deal(model *m, const int *owner);
/* What membership() says from now on; INT32_MIN: the truth. */
void model_force_membership(model *m, int client, int32_t generation, bool has_member_id);

/* ---- trouble ---- */

void model_weather_set(model *m, const model_weather *w);
extern const model_weather model_calm;

/* What happens to one request. */
typedef enum model_fault {
    MODEL_CUT_BEFORE,
    MODEL_CUT_AFTER,
    MODEL_LATE,         /* lost for now, the copy arrives after `late_ns` */
    MODEL_REFUSE,       /* answered with `error`, no effect */
    MODEL_REFUSE_AFTER, /* the same, with its effect */
    MODEL_HOLD,         /* takes `late_ns` longer, nobody notices */
} model_fault;

typedef struct model_rule {
    model_api api;
    int client; /* -1: any */
    int lane;   /* -1: any */
    model_fault fault;
    model_error error;
    int64_t late_ns;
    uint32_t skip;  /* so many pass first */
    uint32_t times; /* 0: 1 */
} model_rule;

void model_rule_add(model *m, const model_rule *r);
uint32_t model_rules_left(const model *m);

void model_broker_down(model *m, int64_t ns); /* nobody answers for so long */
/* Another broker takes over: refused, then loading, for so long in all. */
void model_move_txn_coordinator(model *m, int64_t ns);
void model_move_group_coordinator(model *m, int64_t ns);

typedef struct model_counts {
    uint32_t requests[MODEL_N_APIS]; /* that reached the broker */
    uint32_t faults[MODEL_HOLD + 1];
    uint32_t timeouts;   /* transactions ended by the coordinator */
    uint32_t late_hits;  /* late copies that had an effect */
    uint32_t rebalances; /* completed */
} model_counts;
const model_counts *model_counted(const model *m);

/* ---- requests by hand: at the broker at once, whoever would send such a thing ---- */

typedef struct model_hand {
    model_api api;
    int txnid;
    int16_t epoch;
    bool commit;       /* END_TXN */
    int32_t partition; /* of the decisions' topic: PRODUCE, ADD_PARTITIONS_TO_TXN */
    uint32_t seq;      /* PRODUCE: of its one record */
    const char *value;
    fd_tp tp; /* TXN_OFFSET_COMMIT, without a member */
    int64_t offset;
} model_hand;

int model_hand_id(model *m); /* a transactional id */
/* *epoch: INIT_PRODUCER_ID's answer. */
model_error model_hand_send(model *m, const model_hand *h, int16_t *epoch);

/* ---- verdict ---- */

const char *model_violations(const model *m); /* one line each; "" = none */
void model_violation(model *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
