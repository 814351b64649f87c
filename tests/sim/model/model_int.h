/* The model's inside, shared by its files only. One thread. */
#ifndef MODEL_MODEL_INT_H
#define MODEL_MODEL_INT_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/strbuf.h"
#include "model.h"

enum {
    MODEL_OUTS_MAX = FD_N_OUT_TOPICS * MODEL_PARTITIONS_MAX, /* output partitions: bits of a word */
    MODEL_SEATS_MAX = 32,
    MODEL_BATCH_MAX = 16, /* records of one Produce request */
};

/* Sets of partitions: bit i is the i-th of model_all_partitions, or of the output partitions. */
typedef uint64_t model_bits;
#define MODEL_BIT(i) ((model_bits)1 << (i))

/* ---- requests ---- */

typedef struct model_request model_request;

typedef struct model_answer {
    model_error err;
    int64_t producer;
    int16_t epoch;
    int32_t generation;
    uint32_t member_id;
    model_bits tps;
    fd_tpo *offsets; /* OFFSET_FETCH: as asked, filled */
    int64_t first, next;
} model_answer;

struct model_request {
    model_api api;
    int client, lane; /* lane -1: the consumer's */
    uint64_t ticket;  /* who waits: a call's, a join's or a producer handle's number */
    /* On the client's side; a = TRANSPORT when the client hears nothing. */
    void (*answered)(model *m, const model_request *r, const model_answer *a);
    bool unheard; /* nobody waits for the answer of this copy */
    bool late;
    int txnid;
    int64_t producer;
    int16_t epoch;
    bool commit;
    model_bits outs;
    int out;
    uint32_t base_seq, n_records;
    const fd_out_record *records; /* copies */
    uint32_t n_offsets;
    fd_tpo *offsets;
    uint32_t member_id; /* 0 = none yet */
    int instance;
    int32_t generation;
    bool member_known; /* an offset commit names a member at all */
    model_bits owned;
    fd_tp tp;
    int64_t time_ms;
};

/* ---- time ---- */

typedef void (*model_fire)(model *m, void *arg);

typedef struct model_event {
    int64_t at_ns;
    uint64_t seq;
    model_fire fire;
    void *arg;
} model_event;

/* ---- the broker ---- */

typedef struct model_log {
    model_input *items;
    uint32_t n, cap;
    int64_t first, next;
    int64_t held; /* stable up to here; -1: up to its end */
} model_log;

/* What a partition knows of a producer. */
typedef struct model_known {
    int16_t epoch; /* -1: nothing */
    uint32_t next_seq;
    int64_t ongoing;     /* first offset of its open transaction, -1 = none */
    int16_t asked_epoch; /* whose verification is under way, -1 = none */
    uint32_t asked_seq;  /* the lowest that came with it */
} model_known;

typedef struct model_outlog {
    model_output *items;
    uint32_t n, cap;
    model_known known[MODEL_TXNIDS_MAX];
} model_outlog;

typedef enum model_txn_state {
    MODEL_TXN_EMPTY,
    MODEL_TXN_ONGOING,
    MODEL_TXN_PREPARED,
    MODEL_TXN_COMPLETE
} model_txn_state;

/* A transactional id as its coordinator has it. Its number is the producer id. */
typedef struct model_txnid {
    bool used;
    int16_t epoch;
    model_txn_state state;
    bool commit; /* PREPARED and COMPLETE: how it ended */
    model_bits outs;
    bool offsets; /* the group's offsets take part */
    int64_t began_ns;
    uint32_t markers_left;
    uint64_t turn; /* counts transactions: a timer knows its own */
} model_txnid;

typedef struct model_stored {
    int64_t offset;
    int32_t leader_epoch;
    uint64_t appended; /* when the one that counts was appended */
} model_stored;

typedef struct model_unstable {
    int64_t producer;
    uint32_t tp;
    fd_tpo to;
    uint64_t appended;
} model_unstable;

typedef struct model_seat {
    bool used;
    uint32_t id;
    int instance, client;
    int64_t deadline_ns;
    const model_request *waiting; /* its JoinGroup, unanswered */
    model_bits owned;             /* as it said when it joined */
    model_bits assigned;
} model_seat;

typedef struct model_group {
    model_seat seats[MODEL_SEATS_MAX];
    int32_t generation;
    bool preparing;
    int64_t rebalance_deadline_ns;
    uint64_t round; /* counts rebalances: a timer knows its own */
    uint64_t salt;  /* of the dealing: changes with the members only, or it would never end */
    uint32_t next_id;
    bool dealt;
    int deal[MODEL_TPS_MAX];
} model_group;

/* ---- clients ---- */

typedef struct model_queued {
    fd_out_record record; /* key and headers copied; the value is the caller's */
    uint64_t hash;        /* of the value */
    int out;
    bool sent, acked;
} model_queued;

typedef enum model_op { MODEL_OP_NONE, MODEL_OP_INIT, MODEL_OP_OFFSETS, MODEL_OP_END } model_op;

/* A producer handle. */
typedef struct model_lane {
    bool exists;
    uint64_t handle;
    bool initialised, open, in_txn, dirty, too_large, fatal, abort;
    model_error why;
    int64_t producer;
    int16_t epoch;
    model_queued *records;
    uint32_t n_records, cap_records, n_acked;
    model_bits registered; /* the coordinator knows them */
    bool adding;
    model_bits producing; /* a Produce is under way */
    uint32_t seq[MODEL_OUTS_MAX];
    model_op op;
    bool op_sent, op_done;
    model_request *op_request; /* as first sent: repeated as it is */
} model_lane;

typedef struct model_fetch {
    bool active, paused;
    int64_t position;   /* delivered next */
    int64_t fetched_to; /* in the client's queue */
    int64_t cached_end; /* -1 unknown */
    int64_t eof_told;
} model_fetch;

/* A blocking call that waits for an answer. Lives on its caller's stack. */
typedef struct model_call {
    uint64_t ticket;
    bool done;
    model_answer answer;
    struct model_call *outer;
} model_call;

typedef struct model_deferred {
    model_fire fire;
    void *arg;
} model_deferred;

/* A second look at a log. */
typedef struct model_look {
    bool open;
    int64_t position, eof_told;
} model_look;

typedef struct model_client {
    model *m;
    int index;
    bool alive, paused, left, fatal;
    atomic_bool woken; /* by any thread */
    int instance;
    int txnids[FD_LANES];
    uint32_t member_id;
    int32_t generation;
    uint64_t join_ticket; /* 0: none under way */
    bool join_pending;    /* again, in a moment */
    bool rejoin;          /* once nothing is open */
    model_bits owned;
    model_bits due_assign, due_revoke, due_lost;
    bool assign_due, revoke_due, lost_due;
    model_bits assigning, revoking; /* told, not answered */
    bool assign_open, revoke_open;
    model_bits later_assign; /* cooperative: after the revoke of the same answer */
    bool later_assign_due;
    bool fatal_due;
    fd_err fatal_err;
    int32_t forced_generation;
    bool forced_id;
    model_fetch fetch[MODEL_TPS_MAX];
    model_look history[MODEL_TPS_MAX];
    int64_t poll_until_ns;
    uint32_t turn, burst_left;
    fd_tp told[MODEL_TPS_MAX];
    model_lane lanes[FD_LANES];
    model_call *calls;
    model_deferred *deferred;
    uint32_t n_deferred, cap_deferred;
    uint32_t outstanding;
} model_client;

struct model {
    model_config config;
    fd_arena *arena;
    model_rng rng;
    model_weather weather;
    model_rule rules[MODEL_RULES_MAX];
    uint32_t n_rules;
    model_event *events; /* a heap, earliest first */
    uint32_t n_events, cap_events;
    uint64_t next_seq, next_ticket;
    model_log logs[MODEL_TPS_MAX];
    fd_tp tps[MODEL_TPS_MAX];
    uint32_t n_logs;
    model_outlog *outlogs; /* MODEL_OUTS_MAX */
    model_txnid txnids[MODEL_TXNIDS_MAX];
    int n_txnids;
    model_stored stored[MODEL_TPS_MAX];
    model_unstable *unstable;
    uint32_t n_unstable, cap_unstable;
    int16_t offsets_epoch[MODEL_TXNIDS_MAX]; /* what the offsets topic knows of a producer */
    uint64_t appends;
    model_group group;
    int64_t down_until_ns;
    int64_t txn_moves_ns[2], group_moves_ns[2]; /* refuses until [0], loads until [1] */
    model_client *clients;
    int n_clients;
    model_counts counts;
    fd_strbuf violations;
};

#define MODEL_TRACE(m, ...)                     \
    do {                                        \
        if ((m)->config.watch.line != NULL)     \
            model_trace_line((m), __VA_ARGS__); \
    } while (0)

/* model.c */
void *model_grow(void *items, uint32_t *cap, uint32_t need, size_t size);
void model_trace_line(model *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
uint32_t model_tp_index(const model *m, fd_tp tp);
int64_t model_log_stable(const model_log *log);
int model_out_index(const model *m, fd_out_topic topic, int32_t partition);
model_client *model_client_of(const model *m, int client);

/* time.c */
void model_at(model *m, int64_t at_ns, model_fire fire, void *arg);
/* On the client's side: not while it is paused, never when it is dead. */
void model_at_client(model *m, int client, int64_t at_ns, model_fire fire, void *arg);
void model_resume_client(model *m, model_client *c);
/* A blocking call: waits until over(arg); false: its time is up, or the process died. */
bool model_await(model_client *c, bool (*over)(const void *arg), const void *arg,
                 int64_t timeout_ns);

/* net.c */
model_request *model_request_new(model *m, model_client *c, int lane, model_api api);
model_request *model_request_copy(model *m, const model_request *r);
void model_send(model *m, model_request *r);
void model_resend(model *m, const model_request *r, int64_t after_ns); /* a copy */
/* From the broker's side. */
void model_reply(model *m, const model_request *r, const model_answer *a);
/* A question of a blocking call: sends, repeats after transport errors, waits. */
model_error model_ask(model_client *c, model_request *r, int timeout_ms, model_answer *out);

/* Each takes a request that arrived; true: *a is its answer, false: it comes later. */
bool model_coordinator_take(model *m, const model_request *r, model_answer *a);
bool model_partition_take(model *m, const model_request *r, model_answer *a);
bool model_offsets_take(model *m, const model_request *r, model_answer *a);
bool model_group_take(model *m, const model_request *r, model_answer *a);

/* coordinator.c */
int model_txnid_new(model *m);
/* Is this producer's transaction open, with this output partition (or, with -1, the offsets)? */
model_error model_verify(const model *m, int64_t producer, int16_t epoch, int out);

/* logs.c */
void model_decide(model *m, int out, int64_t producer);
void model_mark(model *m, int out, int64_t producer, int16_t epoch, bool commit);

/* source.c, for a second look */
model_input *model_input_at(const model_log *log, int64_t offset); /* the first from there on */
void model_deliver(model_client *c, uint32_t tp, const model_input *in, fd_source_event *out);
void model_release(void *self, fd_msg *msg);

/* offsets.c */
void model_mark_offsets(model *m, int64_t producer, int16_t epoch, bool commit);

/* group.c */
model_error model_check_member(model *m, const model_request *r);
void model_group_loaded(model *m); /* a coordinator that just took over: sessions begin anew */

/* consumer.c */
void model_join(model *m, model_client *c);
void model_heartbeats(model *m, model_client *c);
void model_given_up(model *m, model_client *c);
void model_assign_answered(model *m, model_client *c);
void model_lost(model *m, model_client *c);
void model_client_fatal(model_client *c, const char *why);

/* producer.c */
void model_producer_pump(model *m, model_client *c, int lane);
void model_producer_init(model *m, model_client *c, int lane);
void model_producer_op(model *m, model_client *c, int lane, model_op op, model_request *r);
void model_check_bytes(model *m, const model_lane *l);
void model_queue_record(model *m, model_client *c, int lane, const fd_out_record *r);

extern const fd_source_ops model_source_ops;
extern const fd_txn_ops model_txn_ops;

#endif
