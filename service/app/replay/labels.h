/*
 * Files of labels: Avro containers, JSON lines or CSV, as schemas/label.avsc has them (an Avro file
 * may have more or other fields, as long as there are tx_id and fraud). Main thread.
 */
#ifndef FD_APP_REPLAY_LABELS_H
#define FD_APP_REPLAY_LABELS_H

#include "app/replay/truth.h"
#include "base/status.h"

typedef struct fd_replay_labels {
    fd_truth *truth;
    int64_t as_of_ms; /* what was known later is left out; INT64_MAX: nothing */
    uint64_t later;   /* so many */
} fd_replay_labels;

/* Adds what a file has. The error names the file and the record. */
fd_class fd_replay_labels_read(fd_replay_labels *l, const char *path, fd_err *err);

#endif
