/*
 * librdkafka's messages as domain messages; leader epochs where the library has them.
 *
 * Nothing is copied: the fd_msg lends the rd_kafka_message_t that its handle holds.
 */
#include "base/assert.h"
#include "kafka/consumer_int.h"

static const int first_with_leader_epoch = 0x020100ff;

int32_t fd_kafka_leader_epoch(const rd_kafka_message_t *rkm)
{
#if RD_KAFKA_VERSION >= 0x020100ff
    if (rd_kafka_version() >= first_with_leader_epoch)
        return rd_kafka_message_leader_epoch(rkm);
#endif
    (void)first_with_leader_epoch;
    (void)rkm;
    return -1;
}

void fd_kafka_set_leader_epoch(rd_kafka_topic_partition_t *p, int32_t epoch)
{
#if RD_KAFKA_VERSION >= 0x020100ff
    if (rd_kafka_version() >= first_with_leader_epoch)
        rd_kafka_topic_partition_set_leader_epoch(p, epoch);
#endif
    (void)p;
    (void)epoch;
}

int32_t fd_kafka_get_leader_epoch(const rd_kafka_topic_partition_t *p)
{
#if RD_KAFKA_VERSION >= 0x020100ff
    if (rd_kafka_version() >= first_with_leader_epoch)
        return rd_kafka_topic_partition_get_leader_epoch(p);
#endif
    (void)p;
    return -1;
}

static fd_ts_type ts_type_of(rd_kafka_timestamp_type_t type)
{
    switch (type) {
    case RD_KAFKA_TIMESTAMP_CREATE_TIME:
        return FD_TS_CREATE;
    case RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME:
        return FD_TS_LOG_APPEND;
    case RD_KAFKA_TIMESTAMP_NOT_AVAILABLE:
    default:
        return FD_TS_NONE;
    }
}

void fd_kafka_msg_from(const rd_kafka_message_t *rkm, uint16_t source, fd_msg *out)
{
    rd_kafka_timestamp_type_t type;
    int64_t ms = rd_kafka_message_timestamp(rkm, &type);
    *out = (fd_msg){
        .tp = {.source = source, .partition = rkm->partition},
        .offset = rkm->offset,
        .leader_epoch = fd_kafka_leader_epoch(rkm),
        .kafka_ms = ms,
        .ts_type = ms < 0 ? FD_TS_NONE : ts_type_of(type),
        .key = {.p = rkm->key, .n = (uint32_t)rkm->key_len},
        .value = {.p = rkm->payload, .n = (uint32_t)rkm->len},
        .null_key = rkm->key == NULL,
        .null_value = rkm->payload == NULL,
    };
}

uint32_t fd_kafka_msg_headers(const fd_msg *msg, fd_header *out, uint32_t max)
{
    FD_ASSERT(msg->handle != NULL);
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(msg->handle, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    uint32_t n = (uint32_t)rd_kafka_header_cnt(headers);
    for (uint32_t i = 0; i < n && i < max; i++) {
        const char *name;
        const void *value;
        size_t size;
        if (rd_kafka_header_get_all(headers, i, &name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
            return i;
        out[i] = (fd_header){.name = fd_str_from(name),
                             .value = {.p = value, .n = (uint32_t)size},
                             .null_value = value == NULL};
    }
    return n;
}
