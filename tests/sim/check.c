/* Invariants of a history; see check.h. One thread. */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "pipeline/records.h"

enum { ARENA_BYTES = 16 * 1024, FOUND_MAX = 4096, KEPT_MAX = 64, ORACLE_STATE_BYTES = 4 << 20 };

typedef struct seen {
    uint8_t *decisions, *letters; /* per offset */
    uint32_t cap;
} seen;

/* What the oracle says of an input. */
typedef struct expected {
    fd_str value, event_id; /* in the check's arena */
    fd_str blind[2];        /* the value where windows are being rebuilt, LATE or not */
    fd_poison poison;
} expected;

/* Its answers for a partition, in offset order: it folds each event once. */
typedef struct history {
    expected *items; /* by place among the inputs */
    uint32_t n, cap;
    int64_t merge_us;
} history;

struct sim_check {
    model *m;
    uint32_t n_topics;
    fd_arena *arena;  /* answers of the oracles */
    uint32_t allowed; /* sets that may have decided, as bits */
    sim_set last;     /* what decided the last event */
    struct oracle {
        sim_engine engine;
        history histories[MODEL_TPS_MAX];
    } oracles[SIM_N_SETS];
    fd_strbuf found;
    fd_strbuf verdict;
    fd_tp tps[MODEL_TPS_MAX];
    uint32_t n_tps;
    seen seen[MODEL_TPS_MAX];
    int64_t start[MODEL_TPS_MAX]; /* where the group begins; -1: not known yet */
    uint32_t n_decisions;
    uint32_t by_set[SIM_N_SETS];
    bool may_be_blind;
    uint32_t n_blind;
};

static void know_schemas(const sim_check *c, fd_engine *e)
{
    for (uint32_t id = SIM_SCHEMA_OWN; c->n_topics > 1 && id < SIM_SCHEMA_UNKNOWN; id++) {
        fd_err err;
        fd_engine_add_schema(e, 1, id, fd_str_from(sim_schema_json(id)), &err);
    }
}

sim_check *sim_check_new(uint32_t n_topics)
{
    sim_check *c = calloc(1, sizeof *c);
    FD_ALLOCATED(c);
    c->n_topics = n_topics;
    c->arena = fd_arena_new(ARENA_BYTES, 0);
    sim_check_allow_set(c, SIM_SET_FIRST);
    return c;
}

void sim_check_allow_set(sim_check *c, sim_set set)
{
    if (c->allowed >> set & 1)
        return;
    c->allowed |= 1U << set;
    struct oracle *o = &c->oracles[set];
    sim_engine_new(&o->engine, c->n_topics, 1,
                   &(sim_state){.memory = ORACLE_STATE_BYTES, .set = set});
    know_schemas(c, o->engine.engine);
    for (uint32_t i = 0; i < MODEL_TPS_MAX; i++)
        o->histories[i].merge_us = INT64_MIN;
}

void sim_check_attach(sim_check *c, model *m)
{
    c->m = m;
    c->n_tps = model_all_partitions(m, c->tps);
    for (uint32_t i = 0; i < c->n_tps; i++)
        c->start[i] = -1;
}

void sim_check_free(sim_check *c)
{
    for (uint32_t i = 0; i < c->n_tps; i++) {
        free(c->seen[i].decisions);
        free(c->seen[i].letters);
    }
    for (uint32_t set = 0; set < SIM_N_SETS; set++) {
        for (uint32_t i = 0; i < c->n_tps; i++)
            free(c->oracles[set].histories[i].items);
        if (c->allowed >> set & 1)
            sim_engine_free(&c->oracles[set].engine);
    }
    fd_arena_free(c->arena);
    fd_strbuf_free(&c->found);
    fd_strbuf_free(&c->verdict);
    free(c);
}

void sim_check_broken(sim_check *c, const char *fmt, ...)
{
    char line[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    if (c->found.n > FOUND_MAX)
        return;
    fd_strbuf_puts(&c->found, line);
    fd_strbuf_putc(&c->found, '\n');
}

const char *sim_check_verdict(sim_check *c)
{
    fd_strbuf_reset(&c->verdict);
    fd_strbuf_puts(&c->verdict, model_violations(c->m));
    fd_strbuf_add(&c->verdict, c->found.p, c->found.n);
    return c->verdict.n == 0 ? "" : c->verdict.p;
}

uint32_t sim_check_decisions(const sim_check *c)
{
    return c->n_decisions;
}

uint32_t sim_check_by_set(const sim_check *c, sim_set set)
{
    return c->by_set[set];
}

void sim_check_allow_blind(sim_check *c)
{
    c->may_be_blind = true;
}

uint32_t sim_check_blind(const sim_check *c)
{
    return c->n_blind;
}

void sim_check_pardon(sim_check *c)
{
    fd_strbuf_reset(&c->found);
}

/* ---- finding the input ---- */

static seen *seen_of(sim_check *c, uint32_t tp, int64_t offset)
{
    seen *s = &c->seen[tp];
    if (offset < (int64_t)s->cap)
        return s;
    uint32_t cap = s->cap == 0 ? 64 : s->cap;
    while (cap <= (uint32_t)offset)
        cap *= 2;
    s->decisions = realloc(s->decisions, cap);
    s->letters = realloc(s->letters, cap);
    FD_ALLOCATED(s->decisions);
    FD_ALLOCATED(s->letters);
    memset(s->decisions + s->cap, 0, cap - s->cap);
    memset(s->letters + s->cap, 0, cap - s->cap);
    s->cap = cap;
    return s;
}

static const model_input *find_input(sim_check *c, fd_tp tp, int64_t offset)
{
    const model_input *items;
    uint32_t n = model_inputs(c->m, tp, &items), lo = 0, hi = n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (items[mid].offset < offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && items[lo].offset == offset ? &items[lo] : NULL;
}

static uint32_t index_of(const sim_check *c, fd_tp tp)
{
    for (uint32_t i = 0; i < c->n_tps; i++) {
        if (c->tps[i].source == tp.source && c->tps[i].partition == tp.partition)
            return i;
    }
    return UINT32_MAX;
}

static bool header_text(const fd_out_record *r, const char *name, char *text, size_t n)
{
    const fd_header *h = model_header(r, name);
    if (h == NULL || h->value.n >= n)
        return false;
    memcpy(text, h->value.p, h->value.n);
    text[h->value.n] = '\0';
    return true;
}

/* Where the record says it comes from; false = nowhere that exists. */
static bool origin(const sim_check *c, const fd_out_record *r, uint32_t *tp, int64_t *offset)
{
    char topic[KEPT_MAX], partition[KEPT_MAX], at[KEPT_MAX];
    if (r->topic == FD_OUT_DECISION) {
        char src[3 * KEPT_MAX];
        if (!header_text(r, "fd.src", src, sizeof src) ||
            sscanf(src, "%63[^/]/%63[^/]/%63s", topic, partition, at) != 3)
            return false;
    } else if (!header_text(r, "__fd.errors.topic", topic, sizeof topic) ||
               !header_text(r, "__fd.errors.partition", partition, sizeof partition) ||
               !header_text(r, "__fd.errors.offset", at, sizeof at)) {
        return false;
    }
    for (uint16_t i = 0; i < c->n_topics; i++) {
        if (strcmp(topic, sim_topics[i]) != 0)
            continue;
        fd_tp wanted = {.source = i, .partition = (int32_t)strtol(partition, NULL, 10)};
        *tp = index_of(c, wanted);
        *offset = strtoll(at, NULL, 10);
        return *tp != UINT32_MAX;
    }
    return false;
}

/* ---- the oracle ---- */

static fd_outcome decide_one(sim_check *c, fd_engine *e, fd_event ev)
{
    fd_outcome outcome;
    FD_ASSERT(fd_engine_room(e, 1));
    fd_engine_decode(e, &ev, 1);
    fd_engine_fold(e, &ev, 1);
    fd_engine_decide(e, &ev, 1);
    fd_engine_encode(e, &ev, 1, c->arena, &outcome);
    return outcome;
}

/* What one says who has no windows (yet), and does not know how late it is. */
static void decide_blind(sim_check *c, fd_engine *e, fd_event ev, expected *x)
{
    ev.blind = true;
    ev.flags |= FD_FLAG_BIT(FD_FLAG_INCOMPLETE);
    ev.flags &= ~FD_FLAG_BIT(FD_FLAG_LATE);
    x->blind[0] = decide_one(c, e, ev).value;
    ev.flags |= FD_FLAG_BIT(FD_FLAG_LATE);
    x->blind[1] = decide_one(c, e, ev).value;
}

/* One event more of the partition. */
static expected decide_next(sim_check *c, fd_engine *e, fd_tp tp, const model_input *in,
                            int64_t *merge_us)
{
    fd_msg msg = {.tp = tp,
                  .offset = in->offset,
                  .kafka_ms = in->kafka_ms,
                  .ts_type = FD_TS_CREATE,
                  .key = in->key,
                  .value = in->value,
                  .null_key = in->null_key,
                  .null_value = in->null_value};
    fd_event ev;
    fd_engine_scan(e, &msg, &ev);
    if (ev.needs_schema)
        fd_engine_consent(e, &ev);
    if (ev.poison == FD_POISON_NONE && !(ev.flags & FD_FLAG_BIT(FD_FLAG_FUTURE)) &&
        ev.time_us > *merge_us)
        *merge_us = ev.time_us;
    fd_engine_place(e, &ev, *merge_us);
    expected x = {.poison = ev.poison};
    if (c->may_be_blind)
        decide_blind(c, e, ev, &x);
    fd_outcome outcome = decide_one(c, e, ev);
    x.value = outcome.value;
    x.event_id = fd_arena_str(c->arena, outcome.event_id);
    return x;
}

static const expected *ask_oracle(sim_check *c, sim_set set, uint32_t tp, const model_input *in)
{
    fd_engine *e = c->oracles[set].engine.engine;
    const model_input *items;
    uint32_t n = model_inputs(c->m, c->tps[tp], &items);
    uint32_t place = (uint32_t)(in - items);
    FD_ASSERT(place < n);
    history *h = &c->oracles[set].histories[tp];
    if (place >= h->cap) {
        h->cap = n + n / 2;
        h->items = realloc(h->items, h->cap * sizeof *h->items);
        FD_ALLOCATED(h->items);
    }
    for (; h->n <= place; h->n++)
        h->items[h->n] = decide_next(c, e, c->tps[tp], &items[h->n], &h->merge_us);
    return &h->items[place];
}

/* Which output partition it belongs to. */
static int32_t home(const sim_check *c, fd_out_topic topic, fd_tp tp, const model_input *in)
{
    int32_t n = model_out_partitions(c->m, topic);
    int32_t same = 0;
    for (uint32_t i = 0; i < c->n_tps; i++)
        same += c->tps[i].source == tp.source;
    if (n == same)
        return tp.partition;
    return in->null_key ? tp.partition % n : fd_partition_of_key(in->key.p, in->key.n, n);
}

/* What came with the event and is passed on. */
static bool same_trace(const fd_out_record *r, const model_input *in)
{
    const fd_header *got = model_header(r, "traceparent");
    for (uint32_t i = 0; i < in->n_headers; i++) {
        if (fd_str_eq_c(in->headers[i].name, "traceparent"))
            return got != NULL && fd_str_eq(got->value, in->headers[i].value);
    }
    return got == NULL;
}

static bool is_blind(const sim_check *c, const fd_out_record *r, const expected *x)
{
    return c->may_be_blind && !fd_str_eq(r->value, x->value) &&
           (fd_str_eq(r->value, x->blind[0]) || fd_str_eq(r->value, x->blind[1]));
}

/* What the set that decided it says; where none of them did, the one that decided last. */
static const expected *find_expected(sim_check *c, const fd_out_record *r, uint32_t tp,
                                     const model_input *in)
{
    for (uint32_t k = 0; k < SIM_N_SETS; k++) {
        sim_set set = (sim_set)((c->last + k) % SIM_N_SETS);
        if (!(c->allowed >> set & 1))
            continue;
        const expected *x = ask_oracle(c, set, tp, in);
        if (!fd_str_eq(r->value, x->value) && !is_blind(c, r, x))
            continue;
        c->last = set;
        c->by_set[set]++;
        return x;
    }
    return ask_oracle(c, c->last, tp, in);
}

static void check_decision(sim_check *c, const fd_out_record *r, fd_tp tp, const model_input *in,
                           const expected *x)
{
    const fd_header *id = model_header(r, "fd.event_id");
    bool blind = is_blind(c, r, x);
    c->n_blind += blind;
    if (!blind && !fd_str_eq(r->value, x->value))
        sim_check_broken(c, "%u/%d@%lld: the decision is not the oracle's", tp.source, tp.partition,
                         (long long)in->offset);
    if (id == NULL || !fd_str_eq(id->value, x->event_id))
        sim_check_broken(c, "%u/%d@%lld: a wrong fd.event_id", tp.source, tp.partition,
                         (long long)in->offset);
    if (!same_trace(r, in))
        sim_check_broken(c, "%u/%d@%lld: a wrong traceparent", tp.source, tp.partition,
                         (long long)in->offset);
    if (!fd_str_eq(r->key, in->key) || r->null_key != in->null_key)
        sim_check_broken(c, "%u/%d@%lld: a wrong key", tp.source, tp.partition,
                         (long long)in->offset);
}

static void check_letter(sim_check *c, const fd_out_record *r, fd_tp tp, const model_input *in,
                         const expected *x)
{
    const fd_header *code = model_header(r, "__fd.errors.code");
    bool cut = model_header(r, "__fd.errors.truncated_from") != NULL;
    fd_str value = in->value;
    if (cut && r->value.n < value.n && r->value.n >= FD_DEAD_LETTER_MIN_BYTES)
        value.n = r->value.n;
    if (x->poison == FD_POISON_NONE || code == NULL ||
        !fd_str_eq_c(code->value, fd_poison_name(x->poison)))
        sim_check_broken(c, "%u/%d@%lld: a dead letter with a wrong code", tp.source, tp.partition,
                         (long long)in->offset);
    if (!fd_str_eq(r->value, value) || r->null_value != in->null_value ||
        !fd_str_eq(r->key, in->key))
        sim_check_broken(c, "%u/%d@%lld: the dead letter is not the original", tp.source,
                         tp.partition, (long long)in->offset);
    for (uint32_t i = 0; i < in->n_headers; i++) {
        char name[KEPT_MAX];
        snprintf(name, sizeof name, FD_STR_FMT, FD_STR_ARG(in->headers[i].name));
        const fd_header *h = model_header(r, name);
        if (h == NULL || !fd_str_eq(h->value, in->headers[i].value))
            sim_check_broken(c, "%u/%d@%lld: the dead letter lost header %s", tp.source,
                             tp.partition, (long long)in->offset, name);
    }
}

void sim_check_decided(void *self, const fd_out_record *r)
{
    sim_check *c = self;
    uint32_t tp;
    int64_t offset;
    const model_input *in = origin(c, r, &tp, &offset) ? find_input(c, c->tps[tp], offset) : NULL;
    if (in == NULL) {
        sim_check_broken(c, "a committed record of no input");
        return;
    }
    seen *s = seen_of(c, tp, offset);
    uint8_t *count = r->topic == FD_OUT_DECISION ? &s->decisions[offset] : &s->letters[offset];
    if (++*count > 1)
        sim_check_broken(c, "%u/%d@%lld: %s committed %d times", c->tps[tp].source,
                         c->tps[tp].partition, (long long)offset,
                         r->topic == FD_OUT_DECISION ? "a decision" : "a dead letter", *count);
    if (r->partition != home(c, r->topic, c->tps[tp], in))
        sim_check_broken(c, "%u/%d@%lld: in partition %d", c->tps[tp].source, c->tps[tp].partition,
                         (long long)offset, r->partition);
    if (r->topic == FD_OUT_DECISION) {
        c->n_decisions++;
        check_decision(c, r, c->tps[tp], in, find_expected(c, r, tp, in));
    } else {
        check_letter(c, r, c->tps[tp], in, ask_oracle(c, c->last, tp, in));
    }
}

void sim_check_offset(void *self, fd_tp tp, int64_t from, int64_t to)
{
    sim_check *c = self;
    uint32_t i = index_of(c, tp);
    FD_ASSERT(i != UINT32_MAX);
    if (to < from)
        sim_check_broken(c, "%u/%d: the group's offset moved back from %lld to %lld", tp.source,
                         tp.partition, (long long)from, (long long)to);
    if (from < 0)
        c->start[i] = to; /* where the group begins: said before anything is decided */
    const model_input *items;
    uint32_t n = model_inputs(c->m, tp, &items);
    for (uint32_t k = 0; k < n && items[k].offset < to; k++) {
        bool wanted = items[k].offset >= c->start[i];
        if (items[k].offset < from ||
            (seen_of(c, i, items[k].offset)->decisions[items[k].offset] != 0) == wanted)
            continue;
        sim_check_broken(c, "%u/%d: offset %lld committed, %lld is %sdecided", tp.source,
                         tp.partition, (long long)to, (long long)items[k].offset,
                         wanted ? "not " : "");
        return;
    }
}

/* ---- the end ---- */

static int64_t last_of(sim_check *c, uint32_t tp)
{
    const model_input *items;
    uint32_t n = model_inputs(c->m, c->tps[tp], &items);
    return n == 0 ? -1 : items[n - 1].offset;
}

bool sim_check_done(sim_check *c)
{
    for (uint32_t i = 0; i < c->n_tps; i++) {
        int64_t last = last_of(c, i);
        if (last >= 0 && model_committed(c->m, c->tps[i]) <= last)
            return false;
    }
    return model_open_txns(c->m) == 0;
}

void sim_check_missing(sim_check *c)
{
    for (uint32_t i = 0; i < c->n_tps; i++)
        sim_check_broken(c, "no progress: %u/%d committed %lld, its last event is %lld%s",
                         c->tps[i].source, c->tps[i].partition,
                         (long long)model_committed(c->m, c->tps[i]), (long long)last_of(c, i),
                         model_pending(c->m, c->tps[i]) ? ", unstable" : "");
    if (model_open_txns(c->m) > 0)
        sim_check_broken(c, "%u transactions hang", model_open_txns(c->m));
}

static void check_order(sim_check *c, fd_out_topic topic, int32_t partition)
{
    int64_t last[MODEL_TPS_MAX];
    for (uint32_t i = 0; i < c->n_tps; i++)
        last[i] = -1;
    const model_output *items;
    uint32_t n = model_outputs(c->m, topic, partition, &items);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t tp;
        int64_t offset;
        if (items[k].fate != MODEL_COMMITTED || !origin(c, &items[k].record, &tp, &offset))
            continue;
        if (offset <= last[tp])
            sim_check_broken(c, "%u/%d: %lld stands after %lld in output %d/%d", c->tps[tp].source,
                             c->tps[tp].partition, (long long)offset, (long long)last[tp], topic,
                             partition);
        last[tp] = offset;
    }
}

static void check_counts(sim_check *c, uint32_t tp)
{
    const model_input *items;
    uint32_t n = model_inputs(c->m, c->tps[tp], &items);
    for (uint32_t k = 0; k < n; k++) {
        const seen *s = seen_of(c, tp, items[k].offset);
        bool wanted = items[k].offset >= c->start[tp];
        bool poison = ask_oracle(c, c->last, tp, &items[k])->poison != FD_POISON_NONE;
        if (s->decisions[items[k].offset] != wanted ||
            s->letters[items[k].offset] != (wanted && poison))
            sim_check_broken(c, "%u/%d@%lld: %d decisions, %d dead letters", c->tps[tp].source,
                             c->tps[tp].partition, (long long)items[k].offset,
                             s->decisions[items[k].offset], s->letters[items[k].offset]);
    }
}

void sim_check_final(sim_check *c)
{
    for (uint32_t i = 0; i < c->n_tps; i++)
        check_counts(c, i);
    for (int t = 0; t < FD_N_OUT_TOPICS; t++) {
        int32_t n = model_out_partitions(c->m, (fd_out_topic)t);
        for (int32_t p = 0; p < n; p++) {
            const model_output *items;
            uint32_t end = model_outputs(c->m, (fd_out_topic)t, p, &items);
            check_order(c, (fd_out_topic)t, p);
            if (model_stable_end(c->m, (fd_out_topic)t, p) != end)
                sim_check_broken(c, "output %d/%d: records hang in a transaction", t, p);
        }
    }
}
