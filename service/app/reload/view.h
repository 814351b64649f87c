/*
 * A rule set as those see it who ask (/api/v1/rules): hashes, and what its files say of each rule,
 * copied from the program, which belongs to the engine once it is offered.
 * Immutable but for `since_ms`; one owner at a time.
 */
#ifndef FD_APP_RELOAD_VIEW_H
#define FD_APP_RELOAD_VIEW_H

#include "app/archive/archive.h"
#include "engine/program.h"
#include "telemetry/metrics.h"

typedef struct fd_set_rule {
    char *id;
    fd_rule_mode mode;
    char *json; /* the members of its object that do not change */
} fd_set_rule;

typedef struct fd_set_view {
    uint64_t serial; /* of the offer; 0: the set of the start */
    char ruleset[FD_CONTENT_HASH_CHARS + 1], lists[FD_CONTENT_HASH_CHARS + 1];
    char models[FD_CONTENT_HASH_CHARS + 1]; /* "": there are none */
    char config[FD_CONTENT_HASH_CHARS + 1];
    fd_trigger trigger;
    int64_t loaded_ms; /* wall clock */
    int64_t since_ms;  /* when it began to decide; 0: not yet */
    int64_t from_us;   /* merge time; INT64_MIN: it has no activate_at */
    bool rebuilding;   /* it waits for its windows */
    uint32_t n_files, n_features, n_lists;
    uint32_t n_rules;
    fd_set_rule *rules;
} fd_set_view;

/* Of a program that nobody evaluates with meanwhile, or one that is immutable already. */
fd_set_view *fd_set_view_new(const fd_program *p, fd_trigger trigger, int64_t loaded_ms);
void fd_set_view_free(fd_set_view *v); /* NULL is fine */

/* Same rules, same lists, same models? */
bool fd_set_view_is(const fd_set_view *v, const char *ruleset, const char *lists,
                    const char *models);

/* Appends members of a JSON object, without braces: what it is, without its rules. */
void fd_set_view_json(const fd_set_view *v, fd_strbuf *out);
/* A JSON list of its rules, with their hits and errors as the metrics have them. */
void fd_set_view_rules_json(const fd_set_view *v, fd_metrics *metrics, fd_strbuf *out);

#endif
