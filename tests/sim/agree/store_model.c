/*
 * The histories of store_histories.c against the model. The last line is "N passed, N failed".
 */
#include <setjmp.h>
#include <stdio.h>

#include "base/assert.h"
#include "model/store.h"
#include "store_histories.h"

static model_clock clock;
static model_store *store;
static int clients[STORE_OWNERS];
static uint32_t effects; /* at `save` */
static jmp_buf out_of_history;

_Noreturn void store_history_failed(const char *file, int line, const char *what)
{
    printf("  %s:%d: %s\n", file, line, what);
    longjmp(out_of_history, 1);
}

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

static uint32_t part_of(fd_tp tp)
{
    for (uint32_t i = 0; i < model_store_parts(store); i++) {
        model_store_look at = model_store_look_at(store, i);
        if (at.tp.source == tp.source && at.tp.partition == tp.partition)
            return i;
    }
    FD_UNREACHABLE();
}

static void lose_marker(fd_tp tp)
{
    FD_ASSERT(model_store_lose_marker(store, part_of(tp)));
}

static void lose_bucket(fd_tp tp, const fd_state_value *of)
{
    FD_ASSERT(model_store_lose_bucket(store, part_of(tp), model_store_bucket(of)));
}

static void lose_value(fd_tp tp, const fd_state_value *v)
{
    model_store_look at = model_store_look_at(store, part_of(tp));
    uint32_t i = 0;
    while (!fd_str_eq(at.values[i].key, v->key))
        i++;
    FD_ASSERT(model_store_lose_value(store, part_of(tp), i));
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

static bool run_one(const store_history *h, const store_bench *b)
{
    if (setjmp(out_of_history) != 0)
        return false;
    h->run(b);
    return true;
}

int main(void)
{
    static const store_bench bench = {
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
    int passed = 0, failed = 0;
    for (const store_history *h = store_histories; h->name != NULL; h++) {
        bool good = run_one(h, &bench);
        printf("%s %s\n", good ? "ok    " : "FAILED", h->name);
        passed += good;
        failed += !good;
    }
    end();
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
