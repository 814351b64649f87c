/*
 * The Lua scripts that requests are, one per kind.
 *
 * All take the marker as KEYS[1] and buckets as KEYS[2..]; ARGV as wire.c writes it. They answer
 * {1, ...} when done, {0, text} when refused, and write only after the last check. Numbers that may
 * pass 2^53 stay texts or bytes and are compared in two halves; texts are compared for equality
 * only, since Lua orders them by Redis's locale. Constants, any thread.
 */
#ifndef FD_REDIS_SCRIPT_H
#define FD_REDIS_SCRIPT_H

#include "ports/state_store.h"

/* The number of what is written here; a marker of another one counts as not there. */
#define FD_REDIS_FORMAT "1"

/* What is sent: the flags of Redis 7 (a script that may run while memory is full, or on a
 * read-only server) where it has them. Freed by the caller. */
char *fd_redis_script(fd_state_request_kind kind, bool with_flags);

#endif
