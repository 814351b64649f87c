/*
 * A Kafka client of one socket for requests that librdkafka would not send: of a past epoch, a
 * second time, out of order. Versions as librdkafka speaks them. One thread; dies of what it does
 * not understand.
 */
#ifndef SIM_AGREE_BY_HAND_H
#define SIM_AGREE_BY_HAND_H

#include "agree.h"

/* bootstrap: host:port of a single broker, which coordinates everything. */
void by_hand_open(const char *bootstrap, const char *group, const char *in, const char *out,
                  int txn_timeout_ms);
void by_hand_close(void);
agree_error by_hand_send(const agree_hand *h);

#endif
