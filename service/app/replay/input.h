/*
 * Where replay's events come from: partitions of topics, or files that stand for partitions.
 *
 * A record belongs to the input until it is released. Errors end the replay (err->exit_code) but
 * for FD_RETRY, which is worth telling. One owner: the main thread.
 */
#ifndef FD_APP_REPLAY_INPUT_H
#define FD_APP_REPLAY_INPUT_H

#include "app/tools/schemas.h"
#include "codec/container.h"
#include "engine/engine.h"
#include "kafka/settings.h"

typedef enum fd_replay_got {
    FD_REPLAY_MSG,
    FD_REPLAY_NONE, /* not yet; or a signal asks to stop */
    FD_REPLAY_END,
    FD_REPLAY_ERROR,
} fd_replay_got;

typedef struct fd_replay_input_ops {
    /* The next record of a partition, in offset order; `wait`: until there is one. */
    fd_replay_got (*next)(void *self, uint32_t part, bool wait, fd_msg *msg, fd_err *err);
    void (*release)(void *self, fd_msg *msg);
    /* How much of it is read, in whatever unit. False: that is not known. */
    bool (*progress)(void *self, uint64_t *done, uint64_t *all);
    void (*free)(void *self);
} fd_replay_input_ops;

typedef struct fd_replay_input {
    const fd_replay_input_ops *ops;
    void *self;
    uint32_t n;       /* partitions */
    const fd_tp *tps; /* the input's own */
} fd_replay_input;

/* ---- files: the first of a source is its partition 0, and so on ---- */

typedef struct fd_replay_file {
    const char *path; /* "-": standard input */
    uint16_t source;
} fd_replay_file;

typedef struct fd_replay_files_config {
    const fd_replay_file *files;
    uint32_t n;
    const char *const *topics;       /* by source */
    const fd_schema *const *readers; /* by source: what JSON lines and CSV are read with */
    fd_rows_format format;           /* AUTO: by each file's name */
    const char *timestamp;           /* field of the record's Kafka timestamp; NULL: it has none */
    bool skip_bad;
    fd_engine *engine; /* gets the files' schemas: its sources must have confluent framing */
} fd_replay_files_config;

fd_class fd_replay_files_new(const fd_replay_files_config *config, fd_replay_input *out,
                             fd_err *err);
uint64_t fd_replay_files_skipped(const fd_replay_input *in);

/* ---- topics ---- */

typedef struct fd_replay_topic {
    const char *name;
    uint16_t source;
} fd_replay_topic;

typedef struct fd_replay_topics_config {
    fd_kafka_settings settings;
    const fd_replay_topic *topics;
    uint32_t n;
    int32_t partition;        /* -1: all */
    const char *from, *until; /* as fd_kafka_reader_config has them */
} fd_replay_topics_config;

fd_class fd_replay_topics_new(const fd_replay_topics_config *config, fd_replay_input *out,
                              fd_err *err);

#endif
