/*
 * Mistakes that a test build can make on purpose, to prove that the simulator would find them.
 *
 * FD_MUTANT(name) is true where the build has -DFD_MUTANTS and that mistake was chosen; the release
 * build compiles it away. Each name stands once in the table and once or more in the code.
 * Chosen before threads start; any thread reads.
 */
#ifndef FD_BASE_MUTANT_H
#define FD_BASE_MUTANT_H

/* X(name, what is wrong) */
#define FD_MUTATIONS(X)                                                                     \
    X(NONE, "nothing")                                                                      \
    X(GENERATION, "offsets are sent without generation or member id")                       \
    X(DIRTY, "a dirty lane begins again")                                                   \
    X(GATE_ORDER, "a lane sends its offsets before its predecessor has committed")          \
    X(GATE_DIRTY, "a lane sends its offsets while a dirty lane is not renewed")             \
    X(BEGINS_EARLY, "a lane produces before its predecessor has")                           \
    X(UNKNOWN_IS_YES, "an unknown outcome of a commit counts as success")                   \
    X(UNKNOWN_IS_NO, "recovery produces again what was committed")                          \
    X(FORGETS_BATCH, "recovery forgets the kept batch: it counts as committed")             \
    X(KEEPS_COUNT, "a batch that is produced again begins where it had stopped")            \
    X(HALF_BATCH, "a full queue loses the rest of the batch")                               \
    X(DROP_GOES_ON, "behind a dropped batch the partition goes on, not where it committed") \
    X(RETRY_IS_END, "a question that nobody answers during recovery ends the process")      \
    X(REVOKED, "a revoke does not wait for what is in flight")                              \
    X(LOST, "a batch of lost partitions is committed all the same")                         \
    X(STARTS_EARLY, "a partition starts while a batch of it is in flight")                  \
    X(PINS_NOTHING, "a new partition's start is not committed")                             \
    X(SKIPS_SCHEMA, "an event whose schema cannot be had now is passed over")               \
    X(CONSENT_FIRST, "a consent counts before the registry is asked")                       \
    X(NEVER_RESUMED, "a partition that was paused is not resumed")                          \
    X(NEVER_PAUSED, "a partition whose queue is full is not paused")                        \
    X(KEEPS_STATE, "after a dropped batch the state that it left is kept")                  \
    X(REDOES_NOTHING, "a partition goes live without redoing its state")                    \
    X(LIVE_EARLY, "a partition goes live before its state is redone")                       \
    X(NO_NONCE, "every owner of a partition has the same nonce")                            \
    X(MARKS_EARLY, "the redo point moves before all values are written")                    \
    X(BEYOND_COMMITTED, "values are written that are not committed")                        \
    X(SEES_EARLY, "a blind partition sees before its windows are rebuilt")                  \
    X(SWITCHES_EARLY, "a program decides before its windows are filled")                    \
    X(WATERMARK_NOW, "the marker has the watermark of now, not of its redo point")          \
    X(CLEAN_EARLY, "windows are forgotten before the store has them")                       \
    X(NO_WATERMARK, "the watermark of the redo point is not kept")

typedef enum fd_mutation {
#define X(name, text) FD_MUTATION_##name,
    FD_MUTATIONS(X)
#undef X
        FD_N_MUTATIONS
} fd_mutation;

#ifdef FD_MUTANTS
extern fd_mutation fd_mutant;
#define FD_MUTANT(name) (fd_mutant == FD_MUTATION_##name)
#else
#define FD_MUTANT(name) 0
#endif

#endif
