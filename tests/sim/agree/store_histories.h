/*
 * Histories that every state store must agree on: the model, and a real Redis through the adapter.
 *
 * A history is a function; it asks through the port, makes trouble through the bench, and checks
 * what comes of it. It knows nothing of how either store works. Two owners (processes) exist, with
 * one connection each; requests wait for answers in real or virtual time. Thread: the main one.
 */
#ifndef SIM_STORE_HISTORIES_H
#define SIM_STORE_HISTORIES_H

#include "base/strbuf.h"
#include "ports/state_store.h"

enum { STORE_OWNERS = 2, STORE_SOURCES = 2 };

/* What becomes of requests under way when a connection breaks: LOST; DONE, unheard; LATE: under way
 * until `arrive`. */
typedef enum store_cut { STORE_LOST, STORE_DONE, STORE_LATE } store_cut;

typedef struct store_bench {
    void (*begin)(void); /* an empty store; both owners connected, lineage "l1" everywhere */
    void (*end)(void);
    fd_state_store (*port)(int owner);
    /* The owner's next answer within 10 s; false: none. */
    bool (*answer)(int owner, fd_state_reply *out);
    bool (*wait_up)(int owner);
    void (*hold)(int owner, bool on); /* what it sends from now on does not arrive */
    void (*cut)(int owner, store_cut how);
    void (*arrive)(void);
    /* False: it is not there. */
    bool (*lose_marker)(fd_tp tp);
    bool (*lose_bucket)(fd_tp tp, const fd_state_value *of); /* the one that has this value */
    bool (*lose_value)(fd_tp tp, const fd_state_value *v);
    void (*lose_all)(void);
    void (*full)(bool on);
    void (*down)(bool on);
    void (*save)(void);    /* a replica has all until here */
    void (*promote)(void); /* and takes over: what came later is gone */
    uint32_t (*bucket)(const fd_state_value *v);
} store_bench;

typedef struct store_history {
    const char *name;
    void (*run)(const store_bench *b);
} store_history;

extern const store_history store_histories[]; /* ends with a NULL name */

/* A history that is drawn from a seed; what came of everything, a line each. Equal stores say equal
 * things. */
void store_random(const store_bench *b, uint64_t seed, fd_strbuf *said);

/* Ends the history; given by the program. */
_Noreturn void store_history_failed(const char *file, int line, const char *what);

extern const store_bench store_model_bench;

#endif
