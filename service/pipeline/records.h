/*
 * From outcomes to records: one decision per event, and a dead letter for each invalid one, in
 * the job's arena. Thread: whoever owns the job.
 */
#ifndef FD_PIPELINE_RECORDS_H
#define FD_PIPELINE_RECORDS_H

#include "pipeline/job.h"

enum {
    FD_HEADERS_MAX = 64,            /* of a dead letter's original headers; more are counted */
    FD_DEAD_LETTER_MIN_BYTES = 512, /* not shortened below */
};

typedef struct fd_records_config {
    fd_source source;
    fd_txn txn;
    const char *const *topics;       /* by source */
    const int32_t *topic_partitions; /* by source */
    uint32_t dead_letter_max_bytes;
} fd_records_config;

/* Fills job->records from events and outcomes; may be called again after fd_records_shorten.
 * False when the arena has no memory. */
bool fd_records_build(fd_job *job, const fd_records_config *config);

/* The broker refused a record as too large: builds the records again with shorter dead letters. */
void fd_records_shorten(fd_job *job);

/* The offsets the job moves its partitions to, in job->next. */
fd_tpo *fd_records_next_offsets(fd_job *job);

#endif
