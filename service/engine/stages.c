/*
 * The stages of a batch: decode into columns per source, rules over columns, decisions to bytes;
 * fold.c and decide.c have what comes between: windows and programs.
 *
 * Invariant: the outcome of an event depends on that event and on window state, never on where a
 * batch begins or ends. Engine thread.
 */
#include "base/assert.h"
#include "engine/engine_int.h"

void fd_engine_columns(fd_engine *e, fd_event *events, uint32_t n)
{
    FD_ASSERT(n <= e->max_events);
    for (uint32_t s = 0; s < e->n_sources; s++)
        fd_batch_reset(e->sources[s].batch);
    for (uint32_t i = 0; i < n; i++) {
        fd_event *ev = &events[i];
        FD_ASSERT(!ev->needs_schema);
        e->rows[i] = FD_NO_ROW;
        if (ev->poison != FD_POISON_NONE)
            continue;
        fd_engine_input *in = &e->sources[ev->msg.tp.source];
        uint32_t row = in->batch->root.n;
        fd_poison p = fd_plan_decode(ev->plan, ev->payload, in->batch);
        FD_ASSERT(p == FD_POISON_NONE); /* scan and decode are one walk */
        e->rows[i] = row;
        in->times_us[row] = ev->time_us;
    }
}

void fd_engine_decode(fd_engine *e, fd_event *events, uint32_t n)
{
    fd_engine_columns(e, events, n);
    if (e->fold != NULL)
        fd_fold_extract(e, e->fold, events, n);
}

/* "topic/partition/offset" */
static fd_str event_address(const fd_engine_input *in, const fd_msg *msg, fd_arena *arena)
{
    char digits[48];
    char *end = digits + sizeof digits;
    char *p = end;
    uint64_t offset = (uint64_t)msg->offset;
    do {
        *--p = (char)('0' + offset % 10);
        offset /= 10;
    } while (offset != 0);
    *--p = '/';
    uint32_t partition = (uint32_t)msg->tp.partition;
    do {
        *--p = (char)('0' + partition % 10);
        partition /= 10;
    } while (partition != 0);
    *--p = '/';
    size_t topic = strlen(in->config.topic);
    size_t tail = (size_t)(end - p);
    char *out = fd_arena_alloc(arena, topic + tail);
    if (out == NULL)
        return (fd_str){NULL, 0};
    memcpy(out, in->config.topic, topic);
    memcpy(out + topic, p, tail);
    return (fd_str){out, (uint32_t)(topic + tail)};
}

static int64_t floor_ms(int64_t us)
{
    return us >= 0 ? us / 1000 : -((-us + 999) / 1000);
}

const fd_verdict *fd_engine_verdict(const fd_engine *e, const fd_event *events, uint32_t i)
{
    const fd_event *ev = &events[i];
    if (e->rows[i] == FD_NO_ROW)
        return NULL;
    return &fd_decider_of(e, ev)->verdicts[ev->msg.tp.source][e->rows[i]];
}

/* Fills verdict, id and flags by what became of the event. */
static void judge(const fd_engine *e, const fd_event *ev, uint32_t row, fd_decision *d,
                  fd_scored_model *models, fd_str *invalid_reason)
{
    const fd_engine_input *in = &e->sources[ev->msg.tp.source];
    d->flags = ev->flags;
    d->n_features = 0;
    d->n_models = 0;
    if (row == FD_NO_ROW) {
        *invalid_reason = fd_str_from(fd_poison_name(ev->poison));
        d->event_id = FD_STR("");
        d->flags |= FD_FLAG_BIT(FD_FLAG_INVALID);
        d->verdict = (fd_verdict){
            .action = e->invalid_action, .n_reasons = 1, .reasons = invalid_reason};
        return;
    }
    d->event_id = fd_decoder_id(in->decoder, in->batch, row);
    if (ev->flags & FD_FLAG_BIT(FD_FLAG_DEADLINE)) {
        d->verdict = (fd_verdict){.action = e->deadline_action};
        return;
    }
    const fd_decider *by = fd_decider_of(e, ev);
    d->verdict = by->verdicts[ev->msg.tp.source][row];
    d->n_models = fd_scores_of(e, by->program, &by->scores[ev->msg.tp.source], row, models);
    d->n_features = d->verdict.n_features;
    d->features = d->verdict.features;
    d->flags |= d->verdict.flags;
}

void fd_engine_encode(fd_engine *e, const fd_event *events, uint32_t n, fd_arena *arena,
                      fd_outcome *outcomes)
{
    FD_ASSERT(n <= e->max_events);
    fd_scored_model models[FD_MODELS_MAX];
    fd_decision d = {
        .models = models,
        .config_hash = {e->config_hash.hex, FD_CONTENT_HASH_CHARS},
        .engine = e->version,
    };
    for (uint32_t i = 0; i < n; i++) {
        const fd_event *ev = &events[i];
        const fd_engine_input *in = &e->sources[ev->msg.tp.source];
        const fd_program *program = fd_decider_of(e, ev)->program;
        fd_str invalid_reason;
        d.ruleset = fd_str_from(fd_program_ruleset_hash(program));
        d.lists_hash = fd_str_from(fd_program_lists_hash(program));
        d.models_hash = fd_str_from(fd_program_models_hash(program));
        d.id = event_address(in, &ev->msg, arena);
        d.event_time_ms = floor_ms(ev->time_us);
        judge(e, ev, e->rows[i], &d, models, &invalid_reason);
        outcomes[i] = (fd_outcome){
            .value = fd_encode_decision(e->encoder, &d, arena),
            .id = d.id,
            .event_id = fd_arena_str(arena, d.event_id),
            .action = d.verdict.action,
            .flags = d.flags,
        };
    }
}

bool fd_engine_key_matches(const fd_engine *e, const fd_event *events, uint32_t i)
{
    const fd_event *ev = &events[i];
    const fd_engine_input *in = &e->sources[ev->msg.tp.source];
    uint32_t row = e->rows[i];
    if (in->key_col == NULL || row == FD_NO_ROW || !in->key_col->valid[row])
        return true;
    if (in->key_col->type->kind != FD_STRING && in->key_col->type->kind != FD_BYTES)
        return true;
    return !ev->msg.null_key && fd_str_eq(ev->msg.key, in->key_col->v.s[row]);
}
