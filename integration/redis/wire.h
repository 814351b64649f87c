/*
 * Requests as Redis's protocol has them, and what the scripts answer. Pure functions; any thread.
 */
#ifndef FD_REDIS_WIRE_H
#define FD_REDIS_WIRE_H

#include <hiredis/hiredis.h>

#include "base/strbuf.h"
#include "ports/state_store.h"
#include "redis/redis.h"

enum { FD_REDIS_HEAD_MAX = 640 }; /* of a key name, up to its last part */

/* A command of so many words; then the words. */
void fd_wire_begin(fd_strbuf *out, uint32_t words);
void fd_wire_word(fd_strbuf *out, const void *bytes, size_t n);
void fd_wire_text(fd_strbuf *out, const char *text);

/* EVALSHA (or EVAL) with everything behind it. head: the key names' beginning, up to and with the
 * lineage's colon; script: the hash of the script, or its text. */
void fd_wire_request(fd_strbuf *out, const fd_state_request *rq, const char *head, const char *verb,
                     const char *script);

/* A reply that is no error. False: no script of ours answers so. The values that a READ fills
 * point into `from`. */
bool fd_wire_reply(const redisReply *from, fd_state_reply *out);

#endif
