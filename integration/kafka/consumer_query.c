/*
 * Questions to the broker about offsets.
 *
 * Any thread but for cached_end: librdkafka's calls are, and of the adapter only what never
 * changes after start (topics, handles) is read here.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "kafka/consumer_int.h"

static const char *topic_of(const fd_kafka_source *s, fd_tp tp)
{
    FD_ASSERT(tp.source < s->n_topics && tp.partition >= 0);
    return s->topics[tp.source].name;
}

static rd_kafka_topic_partition_list_t *list_of(const fd_kafka_source *s, const fd_tpo *parts,
                                                uint32_t n)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (uint32_t i = 0; i < n; i++)
        rd_kafka_topic_partition_list_add(list, topic_of(s, parts[i].tp), parts[i].tp.partition);
    return list;
}

fd_class fd_source_committed(void *self, fd_tpo *parts, uint32_t n, int timeout_ms, fd_err *err)
{
    fd_kafka_source *s = fd_source_of(self);
    rd_kafka_topic_partition_list_t *list = list_of(s, parts, n);
    rd_kafka_resp_err_t code = rd_kafka_committed(s->rk, list, timeout_ms);
    for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && i < list->cnt; i++)
        code = list->elems[i].err;
    fd_class cls = FD_OK;
    const char *text = NULL;
    if (code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        text = "no stable answer yet: a transaction is open there, or the broker is away (if it "
               "lasts, kafka-transactions.sh find-hanging)";
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        cls = fd_kafka_fail_query(err, code, "committed offsets of the group", text);
    FD_ASSERT(list->cnt == (int)n);
    for (uint32_t i = 0; cls == FD_OK && i < n; i++) {
        parts[i].offset = list->elems[i].offset >= 0 ? list->elems[i].offset : -1;
        parts[i].leader_epoch = fd_kafka_get_leader_epoch(&list->elems[i]);
    }
    rd_kafka_topic_partition_list_destroy(list);
    return cls;
}

fd_class fd_source_bounds(void *self, fd_tp tp, int64_t *first, int64_t *next, int timeout_ms,
                          fd_err *err)
{
    fd_kafka_source *s = fd_source_of(self);
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        s->rk, topic_of(s, tp), tp.partition, first, next, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return FD_OK;
    return fd_kafka_fail_query(err, code, "first and last offset of a source partition", NULL);
}

fd_class fd_source_at_time(void *self, fd_tp tp, int64_t time_ms, int64_t *offset, int timeout_ms,
                           fd_err *err)
{
    fd_kafka_source *s = fd_source_of(self);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(list, topic_of(s, tp),
                                                                      tp.partition);
    p->offset = time_ms;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(s->rk, list, timeout_ms);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = p->err;
    int64_t found = p->offset;
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fd_kafka_fail_query(err, code, "offset at a time", NULL);
    if (found >= 0) {
        *offset = found;
        return FD_OK;
    }
    int64_t first;
    return fd_source_bounds(self, tp, &first, offset, timeout_ms, err);
}

/* librdkafka tells the high watermark only; EOF is what it says at the last stable offset. While
 * that stands, records up to the watermark belong to open transactions. Engine thread. */
int64_t fd_source_cached_end(void *self, fd_tp tp)
{
    fd_kafka_source *s = fd_source_of(self);
    const fd_part *part = fd_source_part(s, tp);
    if (part != NULL && part->assigned && part->at_end)
        return part->next;
    int64_t low, high;
    if (rd_kafka_get_watermark_offsets(s->rk, topic_of(s, tp), tp.partition, &low, &high) !=
        RD_KAFKA_RESP_ERR_NO_ERROR)
        return -1;
    return high >= 0 ? high : -1;
}

fd_class fd_source_membership(void *self, fd_membership *out, fd_err *err)
{
    fd_kafka_source *s = fd_source_of(self);
    *out = (fd_membership){.generation = -1};
    rd_kafka_consumer_group_metadata_t *meta = rd_kafka_consumer_group_metadata(s->rk);
    if (meta == NULL)
        return FD_OK; /* closed: a member no more */
    fd_class cls = fd_kafka_membership_of(meta, &out->generation, &out->has_member_id, err);
    if (cls != FD_OK) {
        rd_kafka_consumer_group_metadata_destroy(meta);
        return cls;
    }
    fd_kafka_member *member = calloc(1, sizeof *member);
    FD_ALLOCATED(member);
    *member = (fd_kafka_member){
        .magic = FD_MEMBER_MAGIC, .meta = meta, .topics = s->topics, .n_topics = s->n_topics};
    out->handle = member;
    return FD_OK;
}

void fd_source_membership_free(void *self, fd_membership *m)
{
    (void)fd_source_of(self);
    fd_kafka_member *member = m->handle;
    *m = (fd_membership){.generation = -1};
    if (member == NULL)
        return;
    FD_CHECK_MAGIC(member, FD_MEMBER_MAGIC);
    rd_kafka_consumer_group_metadata_destroy(member->meta);
    member->magic = 0;
    free(member);
}
