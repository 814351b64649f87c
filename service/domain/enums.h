/*
 * The closed families of names that decisions, dead letters and metrics use: one table each.
 * Order is part of the output contract (schemas/decision.avsc): append, never reorder.
 */
#ifndef FD_DOMAIN_ENUMS_H
#define FD_DOMAIN_ENUMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Severity order, lowest first. */
#define FD_ACTIONS(X)         \
    X(ALLOW, "allow")         \
    X(REVIEW, "review")       \
    X(CHALLENGE, "challenge") \
    X(BLOCK, "block")

/* Flags of a decision, INTERFACE §2; bit i of fd_flags is the i-th. */
#define FD_FLAGS(X) \
    X(LATE)         \
    X(FUTURE)       \
    X(INCOMPLETE)   \
    X(APPROXIMATE)  \
    X(INVALID)      \
    X(DEADLINE)     \
    X(RULE_ERROR)

/* Why an event is invalid: `__fd.errors.code` of its dead letter, with stage and text. */
#define FD_POISONS(X)                                                                              \
    X(NULL_PAYLOAD, "frame", "the record has no value (a tombstone)")                              \
    X(EMPTY_PAYLOAD, "frame", "the record's value is empty")                                       \
    X(BAD_FRAME, "frame", "the value does not start with the configured framing")                  \
    X(UNKNOWN_SCHEMA, "schema", "the writer schema is unknown and an operator consented to go on") \
    X(BAD_SCHEMA, "schema", "the writer schema cannot be read with the configured reader schema")  \
    X(TRUNCATED, "decode", "the value ends inside a field")                                        \
    X(TRAILING_BYTES, "decode", "bytes are left over after the last field")                        \
    X(BAD_VALUE, "decode", "a field holds what its type does not allow")                           \
    X(TOO_LARGE, "decode", "a list, map or number is larger than the bounds")                      \
    X(NULL_ID, "identity", "the id field is null")                                                 \
    X(NULL_TIME, "identity", "the time field is null")                                             \
    X(BAD_ID, "identity", "the id is empty or longer than 256 bytes")

/* How much of the features a decision records: nothing, what the rules that fired refer to, all. */
#define FD_EVIDENCES(X) \
    X(NONE, "none")     \
    X(FIRED, "fired")   \
    X(ALL, "all")

typedef enum fd_action {
#define X(name, text) FD_ACTION_##name,
    FD_ACTIONS(X)
#undef X
        FD_N_ACTIONS
} fd_action;

typedef enum fd_flag {
#define X(name) FD_FLAG_##name,
    FD_FLAGS(X)
#undef X
        FD_N_FLAGS
} fd_flag;

typedef uint32_t fd_flags;
#define FD_FLAG_BIT(flag) (1U << (flag))

typedef enum fd_poison {
    FD_POISON_NONE,
#define X(name, stage, text) FD_POISON_##name,
    FD_POISONS(X)
#undef X
        FD_N_POISONS
} fd_poison;

typedef enum fd_evidence {
#define X(name, text) FD_EVIDENCE_##name,
    FD_EVIDENCES(X)
#undef X
} fd_evidence;

enum { FD_EVENT_ID_MAX = 256 }; /* bytes */

const char *fd_action_name(fd_action a);   /* "allow", as rule files write it */
const char *fd_action_symbol(fd_action a); /* "ALLOW", as decisions write it */
bool fd_action_parse(fd_str text, fd_action *out);
const char *fd_flag_name(fd_flag f);
const char *fd_poison_name(fd_poison p);
const char *fd_poison_stage(fd_poison p);
const char *fd_poison_text(fd_poison p);

#endif
