/*
 * The transactional sink port, in the shape of librdkafka's API (its error classes and its limits
 * are what a model of it must have).
 *
 * A lane is one transactional producer; there are FD_LANES of them, used in turn (DESIGN §4). Per
 * lane, calls come from one thread at a time, in the order open, (begin, produce*, send_offsets,
 * commit)*, destroy; different lanes may be called concurrently.
 *
 * Classes: OK; RETRY = the same call with the same arguments may be repeated and resumes; ABORT =
 * this transaction did not and will not commit; FATAL = the producer is unusable, and after
 * commit() the outcome is unknown. ABORT and FATAL both lead to destroy and open (one recovery
 * path); err->exit_code != 0 says that not even that helps (no authorisation, no such topic).
 */
#ifndef FD_PORTS_TXN_H
#define FD_PORTS_TXN_H

#include "base/status.h"
#include "domain/msg.h"
#include "ports/source.h"

enum { FD_LANES = 2 };

typedef enum fd_out_topic { FD_OUT_DECISION, FD_OUT_DEAD_LETTER, FD_N_OUT_TOPICS } fd_out_topic;

/* Bytes belong to the caller and stay until the transaction's outcome is known or the lane is
 * destroyed: nothing is copied. */
typedef struct fd_out_record {
    fd_out_topic topic;
    int32_t partition;
    fd_str key;
    fd_str value;
    bool null_key;
    bool null_value;
    uint32_t n_headers;
    const fd_header *headers;
} fd_out_record;

typedef struct fd_txn_ops {
    /* Creates the producer, fences its predecessor (which aborts a transaction left open), and
     * learns the output topics. Blocks up to timeout_ms; RETRY = not yet, call again. */
    fd_class (*open)(void *self, int lane, int timeout_ms, fd_err *err);
    /* Forgets the producer, whatever its state. */
    void (*destroy)(void *self, int lane);
    /* Partitions of an output topic; lane must be open. */
    int32_t (*partitions)(void *self, fd_out_topic topic);

    fd_class (*begin)(void *self, int lane, fd_err *err);
    /* Enqueues records[*done..n), advancing *done; RETRY = the queue is full for now. */
    fd_class (*produce)(void *self, int lane, const fd_out_record *records, uint32_t n,
                        uint32_t *done, fd_err *err);
    /* OK: the records produced so far are in the log too (or failed, which commit says): another
     * lane that produces after this cannot overtake them within a partition. */
    fd_class (*send_offsets)(void *self, int lane, const fd_tpo *next, uint32_t n,
                             const fd_membership *member, int timeout_ms, fd_err *err);
    fd_class (*commit)(void *self, int lane, int timeout_ms, fd_err *err);

    /* A transport error or a re-send was seen on a transactional request since open: the lane
     * must be destroyed and opened before its next begin (a delayed EndTxn could otherwise
     * complete a later transaction). */
    bool (*dirty)(void *self, int lane);
    /* The last failure was a record too large for the broker: the caller shortens dead letters. */
    bool (*record_too_large)(void *self, int lane);
} fd_txn_ops;

typedef struct fd_txn {
    const fd_txn_ops *ops;
    void *self;
} fd_txn;

#endif
