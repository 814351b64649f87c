/*
 * Transactions: begin, produce, send_offsets, commit, and the class of every error.
 *
 * Classes follow librdkafka's three questions (fatal? must abort? retriable?); an error that
 * answers none of them is FATAL, because nobody can say what became of the transaction.
 * Thread: per lane, one at a time.
 */
#include "kafka/producer.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "kafka/consumer_int.h"
#include "kafka/producer_int.h"

/* How long produce() waits for room before it says RETRY. */
enum { QUEUE_FULL_WAIT_MS = 10 };

/* FENCED_INSTANCE_ID in a transaction does not say that another process has this name: after a
 * session timeout this one has joined again, and offsets sent as the former member are refused so.
 * Whether there is another process, the consumer learns and tells by itself. */
static fd_class fail(fd_lane *lane, fd_class cls, rd_kafka_resp_err_t code, const char *what,
                     const char *text, fd_err *err)
{
    bool hopeful = cls == FD_RETRY || code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
    const char *hint = hopeful ? NULL : fd_kafka_hint(code);
    return fd_fail(err, cls, hint != NULL ? FD_EXIT_CONFIG : 0, "%s (%s): %s%s%s", what, lane->id,
                   text, hint != NULL ? ": " : "", hint != NULL ? hint : "");
}

/* Takes error; NULL = OK. */
static fd_class class_of(fd_lane *lane, rd_kafka_error_t *error, const char *what, fd_err *err)
{
    if (error == NULL)
        return FD_OK;
    fd_class cls = FD_FATAL;
    if (rd_kafka_error_is_fatal(error))
        cls = FD_FATAL;
    else if (rd_kafka_error_txn_requires_abort(error))
        cls = FD_ABORT;
    else if (rd_kafka_error_is_retriable(error))
        cls = FD_RETRY;
    cls = fail(lane, cls, rd_kafka_error_code(error), what, rd_kafka_error_string(error), err);
    rd_kafka_error_destroy(error);
    return cls;
}

static fd_class txn_begin(void *self, int lane_no, fd_err *err)
{
    fd_lane *lane = fd_lane_of(self, lane_no);
    FD_ASSERT(lane->open);
    lane->produced = lane->delivered = lane->failed = 0;
    lane->too_large = false;
    return class_of(lane, rd_kafka_begin_transaction(lane->rk), "begin", err);
}

static rd_kafka_headers_t *headers_of(const fd_out_record *r)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(r->n_headers);
    for (uint32_t i = 0; i < r->n_headers; i++) {
        const fd_header *h = &r->headers[i];
        rd_kafka_resp_err_t code = rd_kafka_header_add(headers, h->name.p, (ssize_t)h->name.n,
                                                       h->null_value     ? NULL
                                                       : h->value.n == 0 ? ""
                                                                         : h->value.p,
                                                       h->null_value ? 0 : (ssize_t)h->value.n);
        FD_ASSERT(code == RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    return headers;
}

/* The key is copied by librdkafka, the value is not. */
static rd_kafka_resp_err_t enqueue(fd_lane *lane, const fd_out_record *r, rd_kafka_error_t **error)
{
    FD_ASSERT(r->topic < FD_N_OUT_TOPICS && r->partition >= 0);
    rd_kafka_headers_t *headers = r->n_headers > 0 ? headers_of(r) : NULL;
    const void *key = r->null_key ? NULL : r->key.n == 0 ? "" : r->key.p;
    const void *value = r->null_value ? NULL : r->value.n == 0 ? "" : r->value.p;
    rd_kafka_vu_t vus[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = lane->topics[r->topic]},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = r->partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = 0},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {.ptr = (void *)(uintptr_t)key, .size = r->key.n}},
        {.vtype = RD_KAFKA_VTYPE_VALUE,
         .u.mem = {.ptr = (void *)(uintptr_t)value, .size = r->value.n}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    size_t n = sizeof vus / sizeof *vus - (headers == NULL ? 1 : 0);
    *error = rd_kafka_produceva(lane->rk, vus, n);
    if (*error == NULL)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    if (headers != NULL)
        rd_kafka_headers_destroy(headers);
    return rd_kafka_error_code(*error);
}

/* produceva's errors carry a code only: the state of the producer says the class. */
static fd_class produce_failed(fd_lane *lane, rd_kafka_resp_err_t code, rd_kafka_error_t *error,
                               fd_err *err)
{
    fd_class cls = FD_ABORT;
    if (rd_kafka_fatal_error(lane->rk, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR)
        cls = FD_FATAL;
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        lane->too_large = true;
    cls = fail(lane, cls, code, "produce", rd_kafka_error_string(error), err);
    rd_kafka_error_destroy(error);
    return cls;
}

static fd_class txn_produce(void *self, int lane_no, const fd_out_record *records, uint32_t n,
                            uint32_t *done, fd_err *err)
{
    fd_lane *lane = fd_lane_of(self, lane_no);
    FD_ASSERT(lane->open && *done <= n);
    bool waited = false;
    while (*done < n) {
        rd_kafka_error_t *error;
        rd_kafka_resp_err_t code = enqueue(lane, &records[*done], &error);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            ++*done;
            lane->produced++;
            waited = false;
            continue;
        }
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            return produce_failed(lane, code, error, err);
        rd_kafka_error_destroy(error);
        if (waited)
            return fd_fail(err, FD_RETRY, 0, "produce (%s): the queue is full", lane->id);
        rd_kafka_poll(lane->rk, QUEUE_FULL_WAIT_MS);
        waited = true;
    }
    return FD_OK;
}

static rd_kafka_topic_partition_list_t *offsets_of(const fd_kafka_member *member,
                                                   const fd_tpo *next, uint32_t n)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
    for (uint32_t i = 0; i < n; i++) {
        /* librdkafka passes over offsets that are none, and says OK. */
        FD_ASSERT(next[i].offset >= 0 && next[i].tp.partition >= 0);
        FD_ASSERT(next[i].tp.source < member->n_topics);
        rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_add(
            list, member->topics[next[i].tp.source].name, next[i].tp.partition);
        p->offset = next[i].offset;
        fd_kafka_set_leader_epoch(p, next[i].leader_epoch);
    }
    return list;
}

static fd_class txn_send_offsets(void *self, int lane_no, const fd_tpo *next, uint32_t n,
                                 const fd_membership *membership, int timeout_ms, fd_err *err)
{
    fd_lane *lane = fd_lane_of(self, lane_no);
    FD_ASSERT(lane->open && n > 0);
    if (membership->generation < 0 || !membership->has_member_id)
        return fd_fail(err, FD_ABORT, 0,
                       "send offsets (%s): not a member of the group at the moment: nothing may "
                       "be committed",
                       lane->id);
    const fd_kafka_member *member = membership->handle;
    FD_CHECK_MAGIC(member, FD_MEMBER_MAGIC);
    rd_kafka_topic_partition_list_t *list = offsets_of(member, next, n);
    rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(lane->rk, list, member->meta,
                                                                   timeout_ms);
    rd_kafka_topic_partition_list_destroy(list);
    fd_class cls = class_of(lane, error, "send offsets", err);
    /* What the next lane produces must not overtake this lane's records in the log: it begins
     * when this returned. They have been under way as long as the offsets: the wait is short. */
    if (cls == FD_OK && rd_kafka_flush(lane->rk, timeout_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fd_fail(err, FD_RETRY, 0, "send offsets (%s): records are still under way",
                       lane->id);
    return cls;
}

static fd_class txn_commit(void *self, int lane_no, int timeout_ms, fd_err *err)
{
    fd_lane *lane = fd_lane_of(self, lane_no);
    FD_ASSERT(lane->open);
    rd_kafka_error_t *error = rd_kafka_commit_transaction(lane->rk, timeout_ms);
    fd_class cls = class_of(lane, error, "commit", err);
    /* A commit flushes first: every record must have been acknowledged by now. */
    FD_ASSERT(cls != FD_OK || (lane->failed == 0 && lane->delivered == lane->produced));
    return cls;
}

static int32_t txn_partitions(void *self, fd_out_topic topic)
{
    FD_ASSERT(topic < FD_N_OUT_TOPICS);
    return atomic_load(&fd_txn_of(self)->partitions[topic]);
}

static bool txn_dirty(void *self, int lane_no)
{
    return atomic_load(&fd_lane_of(self, lane_no)->watch.dirty);
}

static bool txn_record_too_large(void *self, int lane_no)
{
    return fd_lane_of(self, lane_no)->too_large;
}

static const fd_txn_ops ops = {
    .open = fd_txn_open,
    .destroy = fd_txn_destroy,
    .partitions = txn_partitions,
    .begin = txn_begin,
    .produce = txn_produce,
    .send_offsets = txn_send_offsets,
    .commit = txn_commit,
    .dirty = txn_dirty,
    .record_too_large = txn_record_too_large,
};

/* ---- life ---- */

static char *copy(const char *s)
{
    char *c = strdup(s);
    FD_ALLOCATED(c);
    return c;
}

static const fd_kvs *copy_map(const fd_kvs *map)
{
    if (map == NULL)
        return NULL;
    fd_kvs *m = calloc(1, sizeof *m);
    fd_kv *items = calloc(map->n > 0 ? map->n : 1, sizeof *items);
    FD_ALLOCATED(m);
    FD_ALLOCATED(items);
    for (size_t i = 0; i < map->n; i++)
        items[i] = (fd_kv){.key = copy(map->items[i].key), .value = copy(map->items[i].value)};
    *m = (fd_kvs){.items = items, .n = map->n};
    return m;
}

static void free_map(const fd_kvs *map)
{
    if (map == NULL)
        return;
    for (size_t i = 0; i < map->n; i++) {
        free((void *)(uintptr_t)map->items[i].key);
        free((void *)(uintptr_t)map->items[i].value);
    }
    free((void *)(uintptr_t)map->items);
    free((void *)(uintptr_t)map);
}

static fd_class check_names(const fd_kafka_txn_config *config, fd_err *err)
{
    for (int i = 0; i < FD_N_OUT_TOPICS; i++) {
        if (!fd_kafka_topic_name_ok(config->topics[i]))
            return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                           "output topic '%s': Kafka allows 1 to 249 letters, digits, '.', '_' "
                           "and '-'",
                           config->topics[i]);
    }
    size_t n = config->stem == NULL ? 0 : strlen(config->stem);
    if (n == 0 || n > FD_TRANSACTIONAL_ID_MAX - 3)
        return fd_fail(err, FD_FATAL, FD_EXIT_CONFIG,
                       "the instance name must have 1 to %d characters: it is the stem of the "
                       "transactional ids",
                       FD_TRANSACTIONAL_ID_MAX - 3);
    return FD_OK;
}

fd_class fd_kafka_txn_new(const fd_kafka_txn_config *config, fd_kafka_txn **out, fd_err *err)
{
    *out = NULL;
    fd_class cls = check_names(config, err);
    if (cls != FD_OK)
        return cls;
    fd_kafka_txn *t = calloc(1, sizeof *t);
    FD_ALLOCATED(t);
    t->magic = FD_TXN_MAGIC;
    t->settings = config->settings;
    t->settings.common = copy_map(config->settings.common);
    t->settings.own = copy_map(config->settings.own);
    for (int i = 0; i < FD_N_OUT_TOPICS; i++)
        t->topics[i] = copy(config->topics[i]);
    for (int i = 0; i < FD_LANES; i++) {
        fd_lane *lane = &t->lanes[i];
        lane->txn = t;
        size_t n = strlen(config->stem);
        memcpy(lane->id, config->stem, n);
        memcpy(lane->id + n, (char[]){'-', (char)('a' + i), '\0'}, 3);
    }
    /* Wrong settings are found here, not when the first transaction is due. */
    rd_kafka_conf_t *conf = fd_lane_conf(t, &t->lanes[0], err);
    if (conf == NULL) {
        fd_kafka_txn_free(t);
        return FD_FATAL;
    }
    rd_kafka_conf_destroy(conf);
    *out = t;
    return FD_OK;
}

fd_txn fd_kafka_txn_port(fd_kafka_txn *txn)
{
    FD_CHECK_MAGIC(txn, FD_TXN_MAGIC);
    return (fd_txn){.ops = &ops, .self = txn};
}

void fd_kafka_txn_free(fd_kafka_txn *txn)
{
    if (txn == NULL)
        return;
    for (int i = 0; i < FD_LANES; i++)
        fd_txn_destroy(txn, i);
    free_map(txn->settings.common);
    free_map(txn->settings.own);
    for (int i = 0; i < FD_N_OUT_TOPICS; i++)
        free(txn->topics[i]);
    txn->magic = 0;
    free(txn);
}
