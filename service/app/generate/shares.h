/* How much of a stream is fraud, as a person says it. Pure. */
#ifndef FD_APP_GENERATE_SHARES_H
#define FD_APP_GENERATE_SHARES_H

#include "app/generate/stream.h"
#include "base/strbuf.h"

/* "none"; "0.5" or "0.5%": so much of all payments, in the usual mix; "velocity=0.2,bust_out=1":
 * these patterns only, each so much of all payments. False: `why` says what is wrong. */
bool fd_fraud_shares(const char *text, uint32_t out[FD_N_PATTERNS], fd_strbuf *why);

#endif
