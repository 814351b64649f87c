/* Merge, engine, sink; see flow.h. Main thread. */
#include "app/replay/flow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "pipeline/merge.h"

enum { AHEAD = 64, ARENA_BLOCK = 1 << 16, BAR = 24 };
static const int64_t SHOW_NS = 200000000;
static const int64_t ASK_SLICE_US = 200000;
static const int64_t ASK_LIMIT_US = 10000000;

typedef struct run {
    const fd_replay_flow *flow;
    fd_parts parts; /* parts.items[i] is the input's i-th */
    bool *ended;
    fd_merge merge;
    fd_event *events;
    fd_outcome *outcomes;
    uint32_t n; /* events in the batch */
    fd_arena *arena;
    fd_replay_stats *stats;
    int64_t began_ns, shown_ns;
} run;

/* ---- events of a partition, scanned ahead ---- */

static bool has_more(void *ctx, const fd_part *part)
{
    const run *r = ctx;
    return !r->ended[part - r->parts.items];
}

static fd_class ask(fd_registry *registry, uint32_t id, fd_str *json, fd_err *err)
{
    fd_schemas port = fd_registry_port(registry);
    for (int64_t waited = 0; waited < ASK_LIMIT_US; waited += ASK_SLICE_US) {
        fd_schema_answer answer = port.ops->lookup(port.self, id, json, err);
        if (answer == FD_SCHEMA_UNKNOWN)
            return FD_FATAL;
        if (answer != FD_SCHEMA_KNOWN)
            answer = fd_registry_wait(registry, id, ASK_SLICE_US, json, err);
        if (answer == FD_SCHEMA_KNOWN)
            return FD_OK;
        if (fd_cli_stop_signal() != 0)
            return FD_OK;
    }
    err->exit_code = FD_EXIT_UNAVAILABLE;
    return FD_FATAL;
}

/* Live, a partition waits at such an event; here nobody can register the schema meanwhile. */
static fd_class find_schema(run *r, fd_event *ev, fd_err *err)
{
    const char *topic = r->flow->topics[ev->msg.tp.source];
    fd_str json = {0};
    fd_err why = {.exit_code = FD_EXIT_CONFIG};
    FD_ASSERT(r->flow->registry != NULL); /* files bring theirs; the configuration is checked */
    if (ask(r->flow->registry, ev->schema_id, &json, &why) != FD_OK)
        return fd_fail(err, FD_FATAL, why.exit_code,
                       "%s/%d at offset %" PRId64 " is written with schema %u: %s", topic,
                       ev->msg.tp.partition, ev->msg.offset, ev->schema_id, why.text);
    if (json.p == NULL)
        return FD_OK; /* asked to stop */
    if (fd_engine_add_schema(r->flow->engine, ev->msg.tp.source, ev->schema_id, json, &why) !=
        FD_OK)
        fd_cli_notice("%s", why.text); /* its events are invalid, as live */
    fd_engine_rescan(r->flow->engine, ev);
    return FD_OK;
}

/* Fills the queue of a partition that is empty: waits for the first one only. */
static fd_class fetch(run *r, uint32_t i, fd_err *err)
{
    fd_part *part = &r->parts.items[i];
    const fd_replay_input *in = r->flow->input;
    while (part->n < part->cap) {
        fd_msg msg;
        switch (in->ops->next(in->self, i, part->n == 0, &msg, err)) {
        case FD_REPLAY_NONE:
            return FD_OK;
        case FD_REPLAY_END:
            r->ended[i] = true;
            return FD_OK;
        case FD_REPLAY_ERROR:
            return FD_FATAL;
        case FD_REPLAY_MSG:
            break;
        }
        fd_event ev;
        fd_engine_scan(r->flow->engine, &msg, &ev);
        if (ev.needs_schema && find_schema(r, &ev, err) != FD_OK) {
            in->ops->release(in->self, &msg);
            return FD_FATAL;
        }
        fd_part_push(part, &ev);
    }
    return FD_OK;
}

static fd_class fetch_empty(run *r, bool *any, fd_err *err)
{
    *any = false;
    for (uint32_t i = 0; i < r->parts.n; i++) {
        if (r->parts.items[i].n > 0 || r->ended[i])
            continue;
        fd_class rc = fetch(r, i, err);
        if (rc != FD_OK)
            return rc;
        *any = true;
    }
    return FD_OK;
}

/* ---- progress ---- */

/* 950, 12.3K, 1.25M */
static void put_count(char out[16], double n)
{
    if (n < 999.5)
        snprintf(out, 16, "%.0f", n);
    else if (n < 999500)
        snprintf(out, 16, n < 99950 ? "%.1fK" : "%.0fK", n / 1e3);
    else
        snprintf(out, 16, "%.2fM", n / 1e6);
}

static void put_bar(const run *r, double seconds)
{
    uint64_t done, all;
    if (!r->flow->input->ops->progress(r->flow->input->self, &done, &all))
        return;
    double share = (double)done / (double)all;
    char bar[BAR + 1];
    for (int i = 0; i < BAR; i++)
        bar[i] = (double)i < share * BAR ? '=' : ' ';
    bar[BAR] = '\0';
    fprintf(stderr, "[%s] %3.0f%%", bar, share * 100);
    if (share > 0 && share < 1) {
        int64_t left = (int64_t)(seconds / share - seconds + 0.5);
        fprintf(stderr, "  %" PRId64 ":%02" PRId64 " left", left / 60, left % 60);
    }
    fputs("  ", stderr);
}

static void show(run *r, bool last)
{
    int64_t now = fd_cli_mono_ns();
    if (!r->flow->show || (!last && now - r->shown_ns < SHOW_NS))
        return;
    r->shown_ns = now;
    double seconds = (double)(now - r->began_ns) / 1e9;
    char events[16], rate[16];
    put_count(events, (double)r->stats->events);
    put_count(rate, seconds > 0 ? (double)r->stats->events / seconds : 0);
    fputs("\r% ", stderr);
    put_bar(r, seconds);
    fprintf(stderr, "%s events, %s/s\x1b[K", events, rate);
    if (last)
        fputc('\n', stderr);
    fflush(stderr);
}

/* ---- batches ---- */

static void count(fd_replay_stats *stats, const fd_outcome *o)
{
    stats->events++;
    stats->by_action[o->action]++;
    for (int f = 0; o->flags != 0 && f < FD_N_FLAGS; f++)
        stats->by_flag[f] += (o->flags & FD_FLAG_BIT(f)) != 0;
}

static int64_t amount_of(const fd_replay_flow *flow, const fd_event *events, uint32_t i)
{
    uint32_t row;
    const fd_batch *columns = fd_engine_row(flow->engine, events, i, &row);
    if (flow->amount == NULL || columns == NULL)
        return 0;
    const fd_col *col = fd_batch_path(columns, fd_str_from(flow->amount));
    FD_ASSERT(col != NULL && col->type->kind == FD_INT);
    return col->valid[row] ? col->v.i[row] : 0;
}

static void evaluate(const run *r, const fd_event *events, uint32_t i)
{
    const fd_replay_flow *flow = r->flow;
    const fd_verdict *v = fd_engine_verdict(flow->engine, events, i);
    if (v == NULL || events[i].time_us < flow->since_us)
        return;
    fd_evaluated event = {.id = r->outcomes[i].event_id,
                          .action = r->outcomes[i].action,
                          .amount = amount_of(flow, events, i),
                          .n_hits = v->n_hits,
                          .hits = v->hits};
    fd_evaluation_add(flow->evaluation, &event);
}

static fd_class decide_some(run *r, fd_event *events, uint32_t n, fd_err *err)
{
    fd_engine *e = r->flow->engine;
    fd_engine_decode(e, events, n);
    fd_engine_fold(e, events, n);
    fd_engine_decide(e, events, n);
    fd_engine_encode(e, events, n, r->arena, r->outcomes);
    fd_class rc = FD_OK;
    if (r->flow->sink != NULL)
        rc = fd_replay_sink_put(r->flow->sink, events, r->outcomes, n, err);
    for (uint32_t i = 0; i < n; i++) {
        count(r->stats, &r->outcomes[i]);
        if (r->flow->evaluation != NULL)
            evaluate(r, events, i);
    }
    fd_arena_reset(r->arena);
    return rc;
}

/* What would not have room as a whole goes in parts: room is asked for the worst case. */
static fd_class decide(run *r, fd_err *err)
{
    const fd_replay_flow *flow = r->flow;
    fd_class rc = FD_OK;
    for (uint32_t at = 0, n; at < r->n && rc == FD_OK; at += n) {
        n = r->n - at;
        while (n > 1 && !fd_engine_room(flow->engine, n))
            n /= 2;
        if (fd_engine_room(flow->engine, n))
            rc = decide_some(r, r->events + at, n, err);
        else
            rc = fd_fail(err, FD_FATAL, FD_EXIT_CHECK,
                         "the windows do not fit into state.memory after %" PRIu64
                         " events: give it more with --memory",
                         r->stats->events);
    }
    for (uint32_t i = 0; i < r->n; i++)
        flow->input->ops->release(flow->input->self, &r->events[i].msg);
    r->n = 0;
    show(r, false);
    return rc;
}

static bool enough(const run *r)
{
    uint64_t count = r->flow->count;
    return fd_cli_stop_signal() != 0 || (count != 0 && r->stats->events + r->n >= count);
}

/* Takes what may be taken of the partition that comes next. */
static fd_class take(run *r, const fd_merge_pick *pick, fd_err *err)
{
    fd_part *part = pick->part;
    fd_class rc = FD_OK;
    do {
        part->merge_us = fd_merge_key(part, fd_part_head(part));
        fd_event *ev = &r->events[r->n++];
        *ev = fd_part_pop(part);
        fd_engine_place(r->flow->engine, ev, part->merge_us);
        if (r->n == r->flow->batch)
            rc = decide(r, err);
    } while (rc == FD_OK && !enough(r) && part->n > 0 &&
             fd_merge_key(part, fd_part_head(part)) < pick->limit_us);
    return rc;
}

static fd_class merge_all(run *r, fd_err *err)
{
    fd_class rc = FD_OK;
    while (rc == FD_OK && !enough(r)) {
        fd_merge_pick pick = fd_merge_next(&r->merge, &r->parts, false, 1);
        bool any = true;
        if (pick.part != NULL)
            rc = take(r, &pick, err);
        else
            rc = fetch_empty(r, &any, err);
        if (!any)
            break;
    }
    return rc == FD_OK && r->n > 0 && fd_cli_stop_signal() == 0 ? decide(r, err) : rc;
}

static void open_run(run *r)
{
    const fd_replay_flow *flow = r->flow;
    FD_ASSERT(flow->input->n <= FD_PARTS_MAX);
    fd_parts_init(&r->parts, AHEAD);
    for (uint32_t i = 0; i < flow->input->n; i++)
        fd_parts_add(&r->parts, flow->input->tps[i])->state = FD_PART_LIVE;
    r->ended = calloc(flow->input->n + 1, sizeof *r->ended);
    FD_ALLOCATED(r->ended);
    r->events = calloc(flow->batch, sizeof *r->events);
    FD_ALLOCATED(r->events);
    r->outcomes = calloc(flow->batch, sizeof *r->outcomes);
    FD_ALLOCATED(r->outcomes);
    r->arena = fd_arena_new(ARENA_BLOCK, 0);
    r->merge = (fd_merge){.has_more = has_more, .ctx = r, .max_idle_ns = INT64_MAX};
    r->began_ns = fd_cli_mono_ns();
}

static void close_run(run *r)
{
    const fd_replay_input *in = r->flow->input;
    for (uint32_t i = 0; i < r->n; i++)
        in->ops->release(in->self, &r->events[i].msg);
    for (uint32_t i = 0; i < r->parts.n; i++) {
        while (r->parts.items[i].n > 0) {
            fd_event ev = fd_part_pop(&r->parts.items[i]);
            in->ops->release(in->self, &ev.msg);
        }
    }
    fd_parts_free(&r->parts);
    fd_arena_free(r->arena);
    free(r->outcomes);
    free(r->events);
    free(r->ended);
}

fd_class fd_replay_run(const fd_replay_flow *flow, fd_replay_stats *stats, fd_err *err)
{
    run r = {.flow = flow, .stats = stats};
    open_run(&r);
    fd_class rc = merge_all(&r, err);
    show(&r, true);
    stats->took_ns = fd_cli_mono_ns() - r.began_ns;
    close_run(&r);
    return rc;
}
