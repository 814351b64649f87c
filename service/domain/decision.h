/*
 * A decision before it is encoded, as schemas/decision.avsc has it (INTERFACE §2).
 *
 * Strings point into the event, the rule set or the batch's arena and live until the batch is
 * encoded. No wall-clock value occurs in it: it is a function of the log and of what it records.
 */
#ifndef FD_DOMAIN_DECISION_H
#define FD_DOMAIN_DECISION_H

#include "domain/enums.h"

typedef enum fd_rule_mode { FD_MODE_LIVE, FD_MODE_SHADOW, FD_MODE_OFF } fd_rule_mode;

typedef struct fd_rule_hit {
    fd_str id;
    fd_action action;
    bool has_action; /* a rule may only score */
    double score;
    fd_rule_mode mode;
    fd_str message; /* the explain text; p == NULL: none */
    uint32_t rule;  /* its place in the rule set, for counters */
} fd_rule_hit;

/* What a rule did. */
typedef struct fd_rule_counts {
    uint64_t evaluations;   /* not off, in rollout, not snoozed */
    uint64_t hits;          /* live or shadow */
    uint64_t errors;        /* of condition or explain text */
    uint64_t worse, milder; /* shadow: decisions that it alone, had it been live, had made so */
} fd_rule_counts;

/* A model, and what it has said since its program decides. Scores by twentieths: buckets[i] are
 * those above i / 20 and not above (i + 1) / 20, but for the first, which has all below it too, and
 * the last, of what is above 1 and of NaN. */
enum { FD_SCORE_BUCKETS = 20 };
typedef struct fd_model_report {
    fd_str id, version;
    fd_rule_mode mode; /* not OFF */
    uint32_t n_inputs;
    const fd_str *inputs; /* names */
    uint64_t scored;
    uint64_t buckets[FD_SCORE_BUCKETS + 1];
    int64_t sum_ppm;         /* of the scores, those beyond 10^6 cut to it */
    const uint64_t *missing; /* by input: how often there was no value */
    double psi;              /* against the self-test (manifest/drift.h); NaN: not known */
} fd_model_report;

/* A recorded feature value. Durations are seconds (DOUBLE), timestamps milliseconds since the
 * epoch (LONG), bytes their hex digits (STRING); an absent value is NULL. */
typedef enum fd_value_kind {
    FD_V_NULL,
    FD_V_LONG,
    FD_V_DOUBLE,
    FD_V_BOOL,
    FD_V_STRING
} fd_value_kind;

typedef struct fd_feature_value {
    fd_str name;
    fd_value_kind kind;
    union {
        int64_t i;
        double d;
        bool b;
        fd_str s;
    } v;
} fd_feature_value;

typedef struct fd_scored_model {
    fd_str id;
    fd_str version;
    double score;
    fd_rule_mode mode;
} fd_scored_model;

/* What rules (and models) say of one event. */
typedef struct fd_verdict {
    fd_action action;
    double score;
    uint32_t n_reasons;
    const fd_str *reasons; /* most severe first, no repeats */
    uint32_t n_hits;
    const fd_rule_hit *hits; /* in rule order */
    uint32_t n_features;
    const fd_feature_value *features; /* as much as the evidence setting asks, sorted by name */
    fd_flags flags;                   /* RULE_ERROR */
} fd_verdict;

typedef struct fd_decision {
    fd_str id; /* topic/partition/offset */
    fd_str event_id;
    int64_t event_time_ms;
    fd_verdict verdict;
    uint32_t n_models;
    const fd_scored_model *models;
    uint32_t n_features; /* of all sources of values, sorted by name */
    const fd_feature_value *features;
    fd_flags flags;
    fd_str ruleset, models_hash, lists_hash, config_hash, engine;
} fd_decision;

#endif
