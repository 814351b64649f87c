/*
 * What is known of events: labels by event id, with the pattern and the case that a fraud belongs
 * to. A later label of the same event takes the place of the earlier one. Bounded: FD_TRUTH_MAX
 * labels, FD_TRUTH_PATTERNS patterns (further ones are "other"). One owner.
 */
#ifndef FD_APP_REPLAY_TRUTH_H
#define FD_APP_REPLAY_TRUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { FD_TRUTH_MAX = 50000000, FD_TRUTH_PATTERNS = 64, FD_NO_CASE = UINT32_MAX };

typedef struct fd_truth fd_truth;

typedef struct fd_known {
    bool fraud;
    uint8_t pattern;  /* of a fraud: number of its name */
    uint32_t case_no; /* FD_NO_CASE: not known, or no fraud */
} fd_known;

fd_truth *fd_truth_new(void);
void fd_truth_free(fd_truth *t); /* NULL is fine */

/* An empty pattern is "unknown", an empty case none. False: there are FD_TRUTH_MAX labels. */
bool fd_truth_add(fd_truth *t, fd_str event_id, bool fraud, fd_str pattern, fd_str case_id);
/* Number of the label; UINT32_MAX: nothing is known of the event. */
uint32_t fd_truth_find(const fd_truth *t, fd_str event_id);
const fd_known *fd_truth_known(const fd_truth *t, uint32_t label);

uint32_t fd_truth_n(const fd_truth *t);
uint32_t fd_truth_n_cases(const fd_truth *t);
/* In the order in which labels named them. */
uint32_t fd_truth_n_patterns(const fd_truth *t);
fd_str fd_truth_pattern(const fd_truth *t, uint32_t pattern);

#endif
