/*
 * Decisions against what is known of their events: how much of the fraud they caught, and how often
 * they were wrong; in all, by pattern and by rule.
 *
 * An event is *flagged* when its action is at least `flagged`. Without a label it counts as good:
 * most of life has none. A case is caught when one of its events is flagged. Rules "of" a pattern
 * are those that have its name as a tag. A rule caught an event alone when no other live rule
 * fired on it. Amounts are added up as they are, whatever their currency. Counts are exact, shares
 * are of them; one owner.
 */
#ifndef FD_APP_REPLAY_EVALUATION_H
#define FD_APP_REPLAY_EVALUATION_H

#include "app/replay/truth.h"
#include "base/strbuf.h"
#include "domain/decision.h"

typedef struct fd_evaluation fd_evaluation;

typedef struct fd_evaluated_rule {
    const char *id; /* outlives the evaluation, as tags do */
    fd_rule_mode mode;
    uint32_t n_tags;
    const char *const *tags;
} fd_evaluated_rule;

typedef struct fd_evaluated {
    fd_str id;
    fd_action action;
    int64_t amount;
    uint32_t n_hits;
    const fd_rule_hit *hits;
} fd_evaluated;

/* `truth` is complete and outlives the evaluation; rules in the order of the rule set. `amounts`:
 * they are known, and told. */
fd_evaluation *fd_evaluation_new(const fd_truth *truth, const fd_evaluated_rule *rules,
                                 uint32_t n_rules, fd_action flagged, bool amounts);
void fd_evaluation_free(fd_evaluation *e); /* NULL is fine */

void fd_evaluation_add(fd_evaluation *e, const fd_evaluated *event);

/* For people; and one JSON object. */
void fd_evaluation_text(const fd_evaluation *e, fd_strbuf *out);
void fd_evaluation_json(const fd_evaluation *e, fd_strbuf *out);

#endif
