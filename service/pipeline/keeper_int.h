/* The keeper's inside, shared by keeper.c, keeper_take.c and keeper_flush.c. Engine thread. */
#ifndef FD_PIPELINE_KEEPER_INT_H
#define FD_PIPELINE_KEEPER_INT_H

#include "pipeline/keeper.h"

enum {
    FD_KEEPER_SLOTS = 64,             /* requests under way at once */
    FD_KEEPER_READ_KEYS = 500,        /* of one READ */
    FD_KEEPER_FLUSH_VALUES = 500,     /* of one FLUSH */
    FD_KEEPER_FLUSH_BYTES = 262144,   /* of one FLUSH, unless one value is larger */
    FD_KEEPER_COPY_VALUES = 32768,    /* of one partition in one go */
    FD_KEEPER_REFS = 8192,            /* missing partials asked for at once */
    FD_KEEPER_NOTE_KIND = UINT16_MAX, /* of the value that is no partial: short_us */
    FD_KEEPER_SWEEP = 200,            /* values removed by one SWEEP at most */
};

/* A partition that this process owns in the store. */
typedef struct fd_kept {
    fd_tp tp;
    uint32_t generation; /* answers to requests of an earlier one are nobody's */
    bool broken;         /* the store contradicts us */
    bool distrust;       /* what it holds is not to be used: rebuild */
    bool doubt;          /* a write got no answer: done or not done? */
    bool asked;          /* doubt: the question is under way */
    uint64_t next_nonce; /* doubt: what is asked with, again and again; 0 = none yet */
    int64_t ask_ns;      /* doubt: not before */
    uint64_t nonce;
    uint64_t seq;      /* of the next write, if all under way are done */
    uint64_t acked;    /* of the last write that was answered OK */
    int64_t stored;    /* the store's redo point */
    int64_t short_us;  /* as the store has it; INT64_MIN = it has none */
    uint64_t cursor;   /* of the walk over dirty partials */
    int64_t walk_redo; /* redo point once the walk at hand is over; -1 = none has begun */
    int64_t walk_merge_us;
    bool flushing;          /* the copy below is being written, */
    int64_t flush_began_ns; /* since then */
    bool last;              /* the copy ends the walk: its last request moves the redo point */
    fd_arena *arena;
    fd_strbuf bytes; /* scratch of a copy */
    fd_state_value *values;
    uint32_t n, sent, done;
} fd_kept;

typedef struct fd_keeper_slot {
    fd_state_request rq;
    bool used;
    bool start;    /* TAKE, RESET: of a partition that starts; else to end a doubt */
    uint32_t kept; /* whose; an index */
    uint32_t generation;
    uint32_t count;         /* FLUSH: values */
    fd_arena *arena;        /* READ: keys, which outlive the batch if the answer is late */
    fd_state_value *values; /* READ: FD_KEEPER_READ_KEYS */
} fd_keeper_slot;

struct fd_keeper {
    fd_keeper_config config;
    fd_windows *windows;
    fd_kept *kept; /* FD_KEEPER_PARTS */
    uint32_t n_kept, cap_kept;
    fd_keeper_slot slots[FD_KEEPER_SLOTS];
    bool full; /* a value that was read did not fit into memory */
    uint32_t reads_open;
    uint32_t takes_open;
    fd_state_reply take_reply; /* of the last TAKE or RESET of a start */
    fd_window_ref *refs;       /* FD_KEEPER_REFS */
    uint64_t nonces;
    int64_t next_flush_ns;
    bool hurry;
    fd_keeper_stats stats;
};

/* To the engine's windows and their lineage, as they are now. */
void fd_keeper_bind(fd_keeper *k);
fd_kept *fd_kept_find(const fd_keeper *k, fd_tp tp);
uint64_t fd_keeper_nonce(fd_keeper *k);
/* A free slot, or NULL. */
fd_keeper_slot *fd_keeper_slot_take(fd_keeper *k, fd_kept *part, fd_state_request_kind kind);
bool fd_keeper_submit(fd_keeper *k, fd_keeper_slot *slot);
/* Requests of this place are under way, of whatever generation. */
bool fd_keeper_busy(const fd_keeper *k, const fd_kept *part);
/* One answer, if there is one within timeout_us. */
bool fd_keeper_poll(fd_keeper *k, int64_t timeout_us);

/* Asks for refs[0 .. n) of one partition; false: no more can be asked for now. */
bool fd_keeper_ask_for(fd_keeper *k, fd_kept *part, const fd_window_ref *refs, uint32_t n);
int64_t fd_keeper_deadline_ns(const fd_keeper *k); /* of a call that begins now */
void fd_keeper_wait_for_reads(fd_keeper *k, int64_t deadline_ns);
/* Where the value that is no partial is kept. */
static inline fd_window_ref fd_keeper_note(fd_tp tp)
{
    return (fd_window_ref){.tp = tp, .key_kind = FD_KEEPER_NOTE_KIND, .key = FD_STR("short")};
}

/* keeper_flush.c */
void fd_keeper_flush_answer(fd_keeper *k, fd_kept *part, fd_keeper_slot *slot,
                            const fd_state_reply *reply);
void fd_keeper_send(fd_keeper *k, fd_kept *part);
void fd_keeper_ask(fd_keeper *k, fd_kept *part);
void fd_keeper_asked(fd_keeper *k, fd_kept *part, const fd_state_reply *reply);

#endif
