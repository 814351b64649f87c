/*
 * Bugs that the simulator found, each with the seed that showed it.
 *
 * A seed stands for a history only as long as nothing draws otherwise before it: the pipeline's
 * looks at the clock, plans, the model. So each bug has a scripted test of its own too (named
 * here), and a mutation, which the table must find; `--regressions` says whether the seed still
 * does. Plain data.
 */
#ifndef SIM_REGRESS_H
#define SIM_REGRESS_H

/* X(name, mutation, seed) */
#define SIM_REGRESSIONS(X)                                                                   \
    /* test_worker.c: test_the_broker_is_away_during_recovery */                             \
    X("a broker that does not answer during recovery ends the process", RETRY_IS_END, 9)     \
    /* test_committer.c: test_late_offsets_and_slow_markers */                               \
    X("a late TxnOffsetCommit of a dirty lane overtakes the other lane's", GATE_DIRTY, 1407) \
    /* test_worker.c: test_a_consent_waits_for_the_registry */                               \
    X("a consent covers events that the registry was not asked for", CONSENT_FIRST, 2644)    \
    /* test_worker.c: test_start_latest_is_pinned; commits outside a transaction are gone */ \
    X("a late copy of a start offset takes the group back", NONE, 896)                       \
    /* test_committer.c: test_no_membership */                                               \
    X("a recovery that fails at once does not wait", NONE, 23)                               \
    /* the bound of jobs in flight, looked at in every run */                                \
    X("a start offset takes a place that is not there", NONE, 1795651318814)                 \
    /* taken over, the store stands still, taken away: too rare to be planted */             \
    X("a partition that goes before it was redone counts as stored", NONE, 1219)             \
    /* what came from the store took the room of what the batch adds */                      \
    X("memory that was promised to a batch is gone after the fetch", NONE, 18505)            \
    /* nobody who could consent heard of it: no invariant but progress */                    \
    X("windows that are filled wait for a schema, unheard", NONE, 13251)

#endif
