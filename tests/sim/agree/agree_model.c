/* Histories against the model: virtual time, no broker. */
#include "agree.h"
#include "base/assert.h"
#include "model/model.h"

static model_clock clock_;
static model *m;
static int clients[AGREE_PROCESSES];
static int hands[AGREE_HANDS];
static int16_t epochs[AGREE_HANDS];

static void begin(const char *history, int txn_timeout_ms)
{
    (void)history;
    model_clock_init(&clock_);
    model_config config = {.clock = &clock_,
                           .seed = 7,
                           .n_topics = 1,
                           .partitions = {AGREE_PARTITIONS},
                           .out_partitions = {AGREE_PARTITIONS, 1},
                           .txn_timeout_ns = MODEL_MS(txn_timeout_ms),
                           .session_ns = MODEL_SEC(6),
                           .burst = 4};
    m = model_new(&config);
    for (int32_t p = 0; p < AGREE_PARTITIONS; p++) {
        for (int i = 0; i < 10; i++)
            model_append(m, (fd_tp){0, p}, &(model_input){.value = FD_STR("in"), .kafka_ms = i});
    }
    for (int i = 0; i < AGREE_HANDS; i++)
        hands[i] = -1;
}

static void end(void)
{
    model_free(m);
    m = NULL;
}

static void start(int process, const char *instance)
{
    clients[process] = model_start(m, *instance == '\0' ? -1 : instance[0]);
}

static fd_source source(int process)
{
    return model_source(m, clients[process]);
}

static fd_txn txn(int process)
{
    return model_txn(m, clients[process]);
}

static void pass(int ms)
{
    model_run(m, MODEL_MS(ms));
}

static int64_t now_ms(void)
{
    return model_now(m) / 1000000;
}

static int64_t visible(int32_t partition, fd_strbuf *values)
{
    const model_output *items;
    model_outputs(m, FD_OUT_DECISION, partition, &items);
    int64_t stable = model_stable_end(m, FD_OUT_DECISION, partition);
    for (int64_t i = 0; i < stable; i++) {
        if (items[i].fate != MODEL_COMMITTED)
            continue;
        fd_strbuf_add(values, items[i].record.value.p, items[i].record.value.n);
        fd_strbuf_putc(values, ' ');
    }
    return stable;
}

static agree_error error_of(model_error e)
{
    switch (e) {
    case MODEL_E_NONE:
        return AGREE_ok;
    case MODEL_E_CONCURRENT_TRANSACTIONS:
        return AGREE_concurrent;
    case MODEL_E_PRODUCER_FENCED:
        return AGREE_fenced;
    case MODEL_E_INVALID_TXN_STATE:
        return AGREE_invalid_txn_state;
    case MODEL_E_OUT_OF_ORDER_SEQUENCE:
        return AGREE_out_of_order;
    case MODEL_E_ILLEGAL_GENERATION:
        return AGREE_illegal_generation;
    case MODEL_E_UNKNOWN_MEMBER_ID:
        return AGREE_unknown_member;
    default:
        return AGREE_other;
    }
}

static agree_error by_hand(const agree_hand *h)
{
    static const model_api apis[] = {
        [AGREE_INIT] = MODEL_INIT_PRODUCER_ID,          [AGREE_ADD] = MODEL_ADD_PARTITIONS_TO_TXN,
        [AGREE_ADD_OFFSETS] = MODEL_ADD_OFFSETS_TO_TXN, [AGREE_PRODUCE] = MODEL_PRODUCE,
        [AGREE_OFFSETS] = MODEL_TXN_OFFSET_COMMIT,      [AGREE_END] = MODEL_END_TXN,
    };
    if (hands[h->who] < 0)
        hands[h->who] = model_hand_id(m);
    model_hand r = {.api = apis[h->api],
                    .txnid = hands[h->who],
                    .epoch = (int16_t)(epochs[h->who] + h->epoch_delta),
                    .commit = h->commit,
                    .partition = h->api == AGREE_OFFSETS ? 0 : h->partition,
                    .seq = h->seq,
                    .value = h->value,
                    .tp = {0, h->partition},
                    .offset = h->offset};
    int16_t epoch = 0;
    model_error e = model_hand_send(m, &r, &epoch);
    if (h->api == AGREE_INIT && e == MODEL_E_NONE)
        epochs[h->who] = epoch;
    return error_of(e);
}

int main(int argc, char **argv)
{
    static const agree_backend b = {.begin = begin,
                                    .end = end,
                                    .start = start,
                                    .source = source,
                                    .txn = txn,
                                    .pass = pass,
                                    .now_ms = now_ms,
                                    .visible = visible,
                                    .by_hand = by_hand};
    return agree_main(&b, argc, argv);
}
