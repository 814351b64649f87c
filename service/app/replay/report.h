/*
 * How the decisions of a replay compare with labels: reads the labels, knows the rules, prints.
 * Main thread.
 */
#ifndef FD_APP_REPLAY_REPORT_H
#define FD_APP_REPLAY_REPORT_H

#include <stdio.h>

#include "app/replay/evaluation.h"
#include "app/replay/labels.h"
#include "engine/engine.h"

#define FD_REPORT_FORMS(X) \
    X(TABLE, "table")      \
    X(JSON, "json")

typedef enum fd_report_form {
#define X(name, text) FD_REPORT_##name,
    FD_REPORT_FORMS(X)
#undef X
} fd_report_form;

typedef struct fd_replay_report_config {
    const char *files; /* "a.avro,b.csv" */
    const char *as_of; /* a time; NULL: whatever the files have */
    const char *since; /* a time; NULL: all events count */
    bool amounts;      /* events have them */
    fd_action flagged; /* from which action on */
    fd_report_form form;
    const fd_engine *engine;
} fd_replay_report_config;

typedef struct fd_replay_report {
    fd_report_form form;
    fd_replay_labels labels;
    int64_t since_ms; /* INT64_MIN: all events count */
    fd_evaluation *evaluation;
} fd_replay_report;

fd_class fd_replay_report_open(const fd_replay_report_config *config, fd_replay_report *out,
                               fd_err *err);
fd_class fd_replay_report_print(const fd_replay_report *r, FILE *to, fd_err *err);
void fd_replay_report_close(fd_replay_report *r); /* an empty one is fine */

#endif
