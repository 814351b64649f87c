/* The model of the state store, as histories want it. One thread. */
#include "base/assert.h"
#include "model/store.h"
#include "store_histories.h"

static model_clock clock;
static model_store *store;
static int clients[STORE_OWNERS];
static uint32_t effects; /* at `save` */

static fd_state_store port(int owner)
{
    return model_store_port(store, clients[owner]);
}

static bool wait_up(int owner)
{
    fd_state_reply none;
    fd_state_store p = port(owner);
    bool answered = p.ops->poll(p.self, 10000000, &none);
    return !answered && p.ops->up(p.self, NULL);
}

static void end(void)
{
    model_store_free(store);
    store = NULL;
}

static void begin(void)
{
    end();
    model_clock_init(&clock);
    store = model_store_new(&(model_store_config){.clock = &clock, .seed = 1});
    for (int i = 0; i < STORE_OWNERS; i++) {
        clients[i] = model_store_client(store);
        for (uint16_t source = 0; source < STORE_SOURCES; source++)
            port(i).ops->set_lineage(port(i).self, source, "l1");
        FD_ASSERT(wait_up(i));
    }
}

static bool answer(int owner, fd_state_reply *out)
{
    fd_state_store p = port(owner);
    return p.ops->poll(p.self, 10000000, out);
}

static void hold(int owner, bool on)
{
    model_store_hold(store, clients[owner], on);
}

static void cut(int owner, store_cut how)
{
    static const model_store_cut as[] = {
        [STORE_LOST] = MODEL_STORE_LOST,
        [STORE_DONE] = MODEL_STORE_DONE,
        [STORE_LATE] = MODEL_STORE_LATE,
    };
    model_store_break(store, clients[owner], as[how]);
}

static void arrive(void)
{
    model_store_arrive(store);
}

/* The one of this lineage; the number of parts: there is none. */
static uint32_t part_of(fd_tp tp)
{
    uint32_t i = 0;
    for (; i < model_store_parts(store); i++) {
        model_store_look at = model_store_look_at(store, i);
        if (at.tp.source == tp.source && at.tp.partition == tp.partition &&
            strcmp(at.lineage, "l1") == 0)
            break;
    }
    return i;
}

static bool lose_marker(fd_tp tp)
{
    return model_store_lose_marker(store, part_of(tp));
}

static bool find(fd_tp tp, const fd_state_value *v, uint32_t *out)
{
    if (part_of(tp) == model_store_parts(store))
        return false;
    model_store_look at = model_store_look_at(store, part_of(tp));
    for (*out = 0; *out < at.n; (*out)++) {
        const fd_state_value *have = &at.values[*out];
        if (have->key_kind == v->key_kind && fd_str_eq(have->key, v->key))
            return true;
    }
    return false;
}

static bool lose_bucket(fd_tp tp, const fd_state_value *of)
{
    uint32_t i;
    return find(tp, of, &i) && model_store_lose_bucket(store, part_of(tp), model_store_bucket(of));
}

static bool lose_value(fd_tp tp, const fd_state_value *v)
{
    uint32_t i;
    return find(tp, v, &i) && model_store_lose_value(store, part_of(tp), i);
}

static void lose_all(void)
{
    model_store_flush_all(store);
}

static void full(bool on)
{
    model_store_full(store, on);
}

static void down(bool on)
{
    model_store_down(store, on);
}

static void save(void)
{
    effects = model_store_counted(store)->done;
}

/* In the one history that does this, each request that is done has an effect. */
static void promote(void)
{
    model_store_rollback(store, model_store_counted(store)->done - effects);
    for (int i = 0; i < STORE_OWNERS; i++)
        model_store_break(store, clients[i], MODEL_STORE_LOST);
}

const store_bench store_model_bench = {
    .begin = begin,
    .end = end,
    .port = port,
    .answer = answer,
    .wait_up = wait_up,
    .hold = hold,
    .cut = cut,
    .arrive = arrive,
    .lose_marker = lose_marker,
    .lose_bucket = lose_bucket,
    .lose_value = lose_value,
    .lose_all = lose_all,
    .full = full,
    .down = down,
    .save = save,
    .promote = promote,
    .bucket = model_store_bucket,
};
