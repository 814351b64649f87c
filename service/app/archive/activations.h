/*
 * The activation log: who let which set decide, why, and from which offsets on. One JSON object a
 * line. An intent is written before a program is offered to the worker; what became of it follows:
 * `decides` with the first offset of each partition (one line more for partitions that are assigned
 * later), `rebuilding`, or `given_up`. Plain text; one owner at a time.
 */
#ifndef FD_APP_ARCHIVE_ACTIVATIONS_H
#define FD_APP_ARCHIVE_ACTIVATIONS_H

#include "app/archive/set.h"
#include "ports/observer.h"

/* X(id, as the log has it) */
#define FD_ACTIVATION_KINDS(X)  \
    X(INTENT, "intent")         \
    X(DECIDES, "decides")       \
    X(REBUILDING, "rebuilding") \
    X(GIVEN_UP, "given_up")

typedef enum fd_activation_kind {
#define X(id, text) FD_ACTIVATION_##id,
    FD_ACTIVATION_KINDS(X)
#undef X
        FD_N_ACTIVATION_KINDS
} fd_activation_kind;

const char *fd_activation_kind_name(fd_activation_kind kind);

typedef struct fd_first {
    const char *topic;
    int32_t partition;
    int64_t offset; /* the first event that the set decides there */
} fd_first;

typedef struct fd_activation {
    fd_activation_kind kind;
    const char *time; /* ISO 8601, when the line was written */
    const char *who;
    const char *trigger; /* of an intent: start, watch, ...; NULL */
    fd_archive_hashes hashes;
    const char *engine; /* of an intent; NULL */
    const char *why;    /* given_up; NULL */
    const char *from;   /* decides: events from this event time on only, ISO 8601; NULL: all */
    uint32_t n_first;
    const fd_first *first;
} fd_activation;

/* With the newline. */
void fd_activation_line(const fd_activation *a, fd_strbuf *out);

/* A whole log, read. Strings live in it. */
typedef struct fd_activations {
    fd_arena *arena;
    fd_activation *items;
    uint32_t n, cap;
    uint32_t broken;       /* lines that are none, but for a last one without its end: a crash */
    uint32_t first_broken; /* its line, from 1 */
    bool torn;             /* that last one */
} fd_activations;

void fd_activations_parse(const fd_strbuf *log, fd_activations *out);
void fd_activations_free(fd_activations *a);
/* Which line says who decided this offset: the last one that begins at or before it. NULL: none. */
const fd_activation *fd_activations_at(const fd_activations *a, const char *topic,
                                       int32_t partition, int64_t offset);

#endif
