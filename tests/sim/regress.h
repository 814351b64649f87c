/*
 * Bugs that the simulator found, each with a seed that finds it again when the mistake is brought
 * back (FD_MUTANT). When the drawing of plans changes, seeds change what they do: then take a new
 * one from `fraudd-sim-mutants --mutation NAME`. Plain data.
 */
#ifndef SIM_REGRESS_H
#define SIM_REGRESS_H

/* X(name, mutation, seed) */
#define SIM_REGRESSIONS(X)                                                                      \
    X("a broker that does not answer during recovery ends the process", RETRY_IS_END, 11)       \
    X("a late TxnOffsetCommit of a dirty lane overtakes the other lane's", GATE_DIRTY, 1423)    \
    X("a consent makes events invalid that the registry has not been asked for", CONSENT_FIRST, \
      1488)

#endif
