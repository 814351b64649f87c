/*
 * A place where the archive is kept: a directory (dir.c) or a compacted topic (topic.c).
 *
 * Three kinds of thing: files, by their content hash; sets, which say what belonged together; lines
 * of the activation log. What is put is durable when the call returns. Errors: RETRY = the same
 * call may succeed later; FATAL = what is there is not what it should be.
 * Thread: one owner at a time.
 */
#ifndef FD_APP_ARCHIVE_PLACE_H
#define FD_APP_ARCHIVE_PLACE_H

#include "app/archive/files.h"
#include "base/kv.h"
#include "kafka/settings.h"

/* What one place knows, but for files. */
typedef struct fd_archive_index {
    fd_kv *sets; /* name, JSON */
    size_t n_sets;
    fd_strbuf log; /* activation lines, in the order they were written */
} fd_archive_index;

void fd_archive_index_add(fd_archive_index *index, fd_str name, fd_str json);
void fd_archive_index_free(fd_archive_index *index);

typedef struct fd_place_ops {
    /* Says what place it is, for messages. */
    const char *(*name)(void *self);
    /* Files may be there already. `id` is their hash. */
    fd_class (*put_files)(void *self, const char *id, fd_files *files, fd_err *err);
    fd_class (*put_set)(void *self, const char *name, fd_str json, fd_err *err);
    /* One line with its newline; `key` differs from line to line. */
    fd_class (*put_line)(void *self, const char *key, fd_str line, fd_err *err);
    fd_class (*read_index)(void *self, fd_archive_index *out, fd_err *err);
    /* Checked against their hash. FATAL: not there, or not what was stored. */
    fd_class (*read_files)(void *self, const char *id, fd_files *out, fd_err *err);
    void (*close)(void *self);
} fd_place_ops;

typedef struct fd_place {
    const fd_place_ops *ops;
    void *self;
} fd_place;

/* A directory; `write`: made when it is missing, and what a crash left half done is cleared. */
fd_class fd_place_dir(const char *path, bool write, fd_place *out, fd_err *err);
/* With all that is below it, as far as it can be. */
void fd_place_remove_tree(const char *path);
/* A topic, with the `common` settings. `write`: it must be compacted. RETRY: no broker answers
 * within timeout_ms. */
fd_class fd_place_topic(const fd_kafka_settings *settings, const char *topic, bool write,
                        int timeout_ms, fd_place *out, fd_err *err);

#endif
