/*
 * Which rule set stands where: one decides, one may wait for its activate_at, some were offered and
 * are not heard of yet, the last one was refused.
 *
 * Fed with offers and with what the worker reports (fd_program_report), in their order. Reports
 * name a set by its hashes; an offer that was replaced before the worker saw it is never heard of,
 * so a report about one settles all offers before it. Bounded. One owner at a time.
 */
#ifndef FD_APP_RELOAD_STANDING_H
#define FD_APP_RELOAD_STANDING_H

#include "app/reload/view.h"
#include "pipeline/worker.h"

/* The worker holds three sets at most beside the one that decides; older offers are replaced ones.
 */
enum { FD_STANDING_OFFERS = 4 };

/* Why a set does not decide though it was asked to. */
typedef struct fd_refusal {
    bool stands;   /* nothing was found good since */
    int64_t at_ms; /* wall clock; 0: there was none */
    fd_trigger trigger;
    const char *stage;                       /* "load", "tests", "archive", "worker" */
    char ruleset[FD_CONTENT_HASH_CHARS + 1]; /* "": it could not be loaded */
    fd_strbuf why;                           /* a JSON value: diagnostics, a report, a text */
} fd_refusal;

typedef struct fd_standing {
    fd_set_view *deciding;
    fd_set_view *scheduled; /* decides from its activate_at on; NULL: none */
    uint32_t n_offered;
    fd_set_view *offered[FD_STANDING_OFFERS]; /* the newest last */
    fd_refusal refusal;
} fd_standing;

typedef enum fd_place_of_set {
    FD_SET_GONE, /* given up or replaced */
    FD_SET_OFFERED,
    FD_SET_REBUILDING,
    FD_SET_SCHEDULED,
    FD_SET_DECIDES,
} fd_place_of_set;

/* The set of the start decides. Takes it. */
void fd_standing_init(fd_standing *s, fd_set_view *start);
void fd_standing_free(fd_standing *s);

void fd_standing_offer(fd_standing *s, fd_set_view *v); /* takes it */
/* False: it is about a set that is not known (any more). */
bool fd_standing_told(fd_standing *s, const fd_program_report *report, int64_t wall_ms);
/* The worker's former program has nothing to decide any more: the scheduled one is alone. */
void fd_standing_settle(fd_standing *s);
/* Takes `why`. False: the same stands already. */
bool fd_standing_refuse(fd_standing *s, const fd_refusal *refusal);
void fd_standing_accept(fd_standing *s); /* what was read now is good */

/* The one that was last accepted and not given up. */
const fd_set_view *fd_standing_newest(const fd_standing *s);
fd_place_of_set fd_standing_place(const fd_standing *s, uint64_t serial);
const char *fd_place_of_set_name(fd_place_of_set p);

/* /api/v1/rules; `rebuild` is what the worker says of the windows being filled. */
void fd_standing_json(const fd_standing *s, const fd_worker_rebuild *rebuild, fd_metrics *metrics,
                      fd_strbuf *out);

#endif
