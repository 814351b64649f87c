/*
 * The key and the time of Avro records, without decoding them to text: for loading files fast.
 * One owner.
 */
#ifndef FD_APP_TOOLS_PLUCK_H
#define FD_APP_TOOLS_PLUCK_H

#include "codec/decode.h"

typedef struct fd_pluck fd_pluck;

typedef struct fd_plucked {
    bool null_key;
    fd_str key; /* until the next call */
    bool null_time;
    int64_t time_ms;
} fd_plucked;

/* Paths may be NULL: not wanted. NULL when these fields are not of kinds that this can do (keys:
 * text and whole numbers; times: timestamps, and whole numbers as ms): ask another way. */
fd_pluck *fd_pluck_new(const fd_schema *schema, const char *key, const char *time);
void fd_pluck_free(fd_pluck *p); /* NULL is fine */

fd_poison fd_pluck_record(fd_pluck *p, fd_str record, fd_plucked *out);

#endif
