/* Pipeline reports as metrics and log lines; see observer.h for the threads. */
#include "telemetry/observer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "telemetry/figures.h"
#include "telemetry/models.h"

enum { MAGIC = 0x7E1E3E77, PARTITION_MAX = 100000, ANOMALIES_SHOWN = 100 };

typedef struct part {
    bool owned;
    fd_pause pause;
    fd_metric *lag, *committed, *watermark, *queued; /* NULL until there is a value */
} part;

typedef struct topic {
    char *name;
    part *parts;
    uint32_t n;
} topic;

typedef struct rule_series {
    char *id;
    fd_metric *evaluations, *hits, *errors; /* NULL: it is off */
    fd_metric *worse, *milder;              /* NULL: it is no shadow */
} rule_series;

struct fd_telemetry {
    uint32_t magic;
    fd_metrics *metrics;
    fd_log *log;
    topic *topics;
    uint32_t n_topics;
    rule_series *rules;
    fd_figures *figures;
    fd_model_metrics *models;
    uint32_t n_rules;
    fd_state_report state; /* its counters as last told */
};

static fd_telemetry *self_of(void *self)
{
    fd_telemetry *t = self;
    FD_CHECK_MAGIC(t, MAGIC);
    return t;
}

fd_telemetry *fd_telemetry_new(fd_metrics *metrics, fd_log *log, const char *const *topics,
                               uint32_t n_topics)
{
    FD_ASSERT(metrics != NULL);
    fd_telemetry *t = calloc(1, sizeof *t);
    FD_ALLOCATED(t);
    *t = (fd_telemetry){.magic = MAGIC, .metrics = metrics, .log = log, .n_topics = n_topics};
    t->figures = fd_figures_new();
    t->models = fd_model_metrics_new(metrics);
    t->topics = calloc(n_topics + 1, sizeof *t->topics);
    FD_ALLOCATED(t->topics);
    for (uint32_t i = 0; i < n_topics; i++) {
        t->topics[i].name = strdup(topics[i]);
        FD_ALLOCATED(t->topics[i].name);
    }
    return t;
}

static void free_rules(fd_telemetry *t)
{
    for (uint32_t i = 0; i < t->n_rules; i++)
        free(t->rules[i].id);
    free(t->rules);
}

void fd_telemetry_free(fd_telemetry *t)
{
    if (t == NULL)
        return;
    for (uint32_t i = 0; i < t->n_topics; i++) {
        free(t->topics[i].name);
        free(t->topics[i].parts);
    }
    fd_model_metrics_free(t->models);
    free(t->topics);
    free_rules(t);
    fd_figures_free(t->figures);
    t->magic = 0;
    free(t);
}

static void on_stage(void *self, fd_stage stage, uint32_t events, int64_t ns)
{
    fd_telemetry *t = self_of(self);
    fd_metric_observe(fd_metrics_at(t->metrics, FD_M_STAGE, stage), ns, 1);
    if (events != 0)
        fd_metric_add(fd_metrics_at(t->metrics, FD_M_STAGE_EVENTS, stage), events);
}

static void on_txn(void *self, fd_txn_result result, int64_t ns)
{
    fd_telemetry *t = self_of(self);
    fd_metric_add(fd_metrics_at(t->metrics, FD_M_TXNS, result), 1);
    fd_metric_observe(fd_metrics_at(t->metrics, FD_M_TXN_TIME, result), ns, 1);
}

/* The event time of a batch's events mostly comes in runs of one millisecond. */
static void record_latency(fd_metrics *m, const fd_batch_report *r)
{
    fd_metric *latency = fd_metrics_get(m, FD_M_LATENCY);
    for (uint32_t i = 0; i < r->events;) {
        uint32_t run = 1;
        while (i + run < r->events && r->kafka_ms[i + run] == r->kafka_ms[i])
            run++;
        if (r->kafka_ms[i] >= 0) {
            int64_t ms = r->committed_wall_ms - r->kafka_ms[i];
            int64_t most = FD_HIST_MAX / 1000000;
            fd_metric_observe(latency, (ms < 0 ? 0 : ms > most ? most : ms) * 1000000, run);
        }
        i += run;
    }
}

static void on_batch(void *self, const fd_batch_report *r)
{
    fd_telemetry *t = self_of(self);
    fd_metrics *m = t->metrics;
    fd_metric_add(fd_metrics_get(m, FD_M_EVENTS), r->events);
    fd_metric_observe(fd_metrics_get(m, FD_M_BATCH_EVENTS), r->events, 1);
    for (uint32_t a = 0; a < FD_N_ACTIONS; a++)
        fd_metric_add(fd_metrics_at(m, FD_M_DECISIONS, a), r->by_action[a]);
    for (uint32_t f = 0; f < FD_N_FLAGS; f++)
        fd_metric_add(fd_metrics_at(m, FD_M_FLAGS, f), r->by_flag[f]);
    for (uint32_t p = FD_POISON_NONE + 1; p < FD_N_POISONS; p++)
        fd_metric_add(fd_metrics_at(m, FD_M_DEAD_LETTERS, p - 1), r->by_poison[p]);
    if (r->kafka_ms != NULL)
        record_latency(m, r);
}

static part *part_of(fd_telemetry *t, fd_tp tp)
{
    FD_ASSERT(tp.source < t->n_topics);
    FD_ASSERT(tp.partition >= 0 && tp.partition < PARTITION_MAX);
    topic *top = &t->topics[tp.source];
    uint32_t need = (uint32_t)tp.partition + 1;
    if (need > top->n) {
        top->parts = realloc(top->parts, need * sizeof *top->parts);
        FD_ALLOCATED(top->parts);
        memset(top->parts + top->n, 0, (need - top->n) * sizeof *top->parts);
        top->n = need;
    }
    return &top->parts[tp.partition];
}

/* Shows a value once it is known; a series that was never needed does not exist. */
static void set_known(fd_telemetry *t, fd_metric **x, fd_metric_id id, fd_tp tp, bool known,
                      int64_t value)
{
    if (!known) {
        if (*x != NULL)
            fd_metric_retire(*x);
        *x = NULL;
        return;
    }
    if (*x == NULL) {
        char number[16];
        snprintf(number, sizeof number, "%" PRId32, tp.partition);
        *x = fd_metrics_series(t->metrics, id,
                               (const char *const[]){t->topics[tp.source].name, number});
    }
    fd_metric_set(*x, value);
}

static void count_partitions(fd_telemetry *t)
{
    int64_t owned = 0, paused[FD_PAUSE_BREAKER + 1] = {0};
    for (uint32_t i = 0; i < t->n_topics; i++) {
        for (uint32_t p = 0; p < t->topics[i].n; p++) {
            owned += t->topics[i].parts[p].owned;
            paused[t->topics[i].parts[p].pause]++;
        }
    }
    fd_metric_set(fd_metrics_get(t->metrics, FD_M_ASSIGNED), owned);
    for (uint32_t r = FD_PAUSE_NONE + 1; r <= FD_PAUSE_BREAKER; r++)
        fd_metric_set(fd_metrics_at(t->metrics, FD_M_PAUSED, r - 1), paused[r]);
    fd_metric_set(fd_metrics_get(t->metrics, FD_M_BREAKER), paused[FD_PAUSE_BREAKER] > 0);
}

static void on_partition(void *self, const fd_partition_report *r)
{
    fd_telemetry *t = self_of(self);
    FD_ASSERT(r->pause <= FD_PAUSE_BREAKER);
    part *p = part_of(t, r->tp);
    bool committed = r->owned && r->committed >= 0;
    int64_t lag = r->end > r->committed ? r->end - r->committed : 0;
    set_known(t, &p->committed, FD_M_COMMITTED, r->tp, committed, r->committed);
    set_known(t, &p->lag, FD_M_LAG, r->tp, committed && r->end >= 0, lag);
    set_known(t, &p->watermark, FD_M_WATERMARK, r->tp, r->owned && r->watermark_ms != INT64_MIN,
              r->watermark_ms);
    set_known(t, &p->queued, FD_M_QUEUED, r->tp, r->owned, r->queued);
    fd_pause pause = r->owned ? r->pause : FD_PAUSE_NONE;
    bool changed = p->owned != r->owned || p->pause != pause;
    p->owned = r->owned;
    p->pause = pause;
    if (changed)
        count_partitions(t);
}

/* Counters arrive as totals. */
static void raise_to(fd_metric *m, uint64_t *seen, uint64_t total)
{
    if (total > *seen)
        fd_metric_add(m, total - *seen);
    *seen = total;
}

static void on_state(void *self, const fd_state_report *r)
{
    fd_telemetry *t = self_of(self);
    fd_metrics *m = t->metrics;
    fd_metric_set(fd_metrics_get(m, FD_M_STATE_KEYS), (int64_t)r->entries);
    fd_metric_set(fd_metrics_get(m, FD_M_STATE_EVENTS), (int64_t)r->events);
    fd_metric_set(fd_metrics_get(m, FD_M_STATE_DIRTY), (int64_t)r->dirty);
    fd_metric_set(fd_metrics_get(m, FD_M_STATE_BYTES), (int64_t)r->bytes);
    fd_metric_set(fd_metrics_get(m, FD_M_STATE_LIMIT), (int64_t)r->limit);
    fd_metric_set(fd_metrics_get(m, FD_M_REDO_LEFT), (int64_t)r->redo_left);
    raise_to(fd_metrics_get(m, FD_M_STATE_HITS), &t->state.hits, r->hits);
    raise_to(fd_metrics_get(m, FD_M_STATE_MISSES), &t->state.misses, r->misses);
    raise_to(fd_metrics_get(m, FD_M_STATE_EVICTIONS), &t->state.evictions, r->evictions);
    raise_to(fd_metrics_get(m, FD_M_REDO_EVENTS), &t->state.redo_events, r->redo_events);
    fd_metric_set(fd_metrics_get(m, FD_M_STORE_UP), r->store_up);
    raise_to(fd_metrics_get(m, FD_M_STORE_READS), &t->state.store_reads, r->store_reads);
    raise_to(fd_metrics_get(m, FD_M_STORE_WRITES), &t->state.store_writes, r->store_writes);
    raise_to(fd_metrics_get(m, FD_M_STORE_REFUSED), &t->state.store_refused, r->store_refused);
    raise_to(fd_metrics_get(m, FD_M_STORE_FAILED), &t->state.store_failed, r->store_failed);
    raise_to(fd_metrics_get(m, FD_M_VALUES_READ), &t->state.values_read, r->values_read);
    raise_to(fd_metrics_get(m, FD_M_VALUES_WRITTEN), &t->state.values_written, r->values_written);
    raise_to(fd_metrics_get(m, FD_M_FLUSH_TIME), &t->state.flush_ns, r->flush_ns);
}

static void on_note(void *self, fd_note note, const fd_tp *tp, int64_t offset, const char *detail)
{
    static const struct {
        fd_log_level level;
        const char *text;
    } notes[] = {
#define X(name, level, text) {FD_LOG_##level, text},
        FD_NOTES(X)
#undef X
    };
    fd_telemetry *t = self_of(self);
    FD_ASSERT(note < FD_N_NOTES);
    fd_log_field more = fd_log_str("detail", detail != NULL && *detail != '\0' ? detail : NULL);
    if (note == FD_NOTE_ASSIGNED || note == FD_NOTE_REVOKED || note == FD_NOTE_LOST)
        fd_metric_add(fd_metrics_get(t->metrics, FD_M_REBALANCES), 1);
    if (tp == NULL) {
        FD_LOG(t->log, notes[note].level, notes[note].text, more);
        return;
    }
    FD_ASSERT(tp->source < t->n_topics);
    fd_log_field at = fd_log_int("offset", offset);
    if (offset < 0)
        at.name = NULL;
    FD_LOG(t->log, notes[note].level, notes[note].text,
           fd_log_key(fd_log_str("topic", t->topics[tp->source].name)),
           fd_log_key(fd_log_int("partition", tp->partition)), at, more);
}

static void on_program(void *self, const fd_program_report *r)
{
    fd_telemetry *t = self_of(self);
    if (r->stage != FD_PROGRAM_DECIDES)
        return;
    fd_telemetry_set_rules(t, r->rules, r->n_rules);
    fd_model_metrics_restart(t->models);
}

static void set_anomaly(fd_telemetry *t, uint32_t rule, const fd_figures_change *c)
{
    rule_series *r = &t->rules[rule];
    if (c->before != FD_ANOMALY_NONE)
        fd_metric_retire(fd_metrics_series(t->metrics, FD_M_RULE_ANOMALY,
                                           (const char *[]){r->id, fd_anomaly_name(c->before)}));
    if (c->now != FD_ANOMALY_NONE)
        fd_metric_set(fd_metrics_series(t->metrics, FD_M_RULE_ANOMALY,
                                        (const char *[]){r->id, fd_anomaly_name(c->now)}),
                      1);
    static const char *const events[] = {
        [FD_ANOMALY_NONE] = "rule fires as before",
        [FD_ANOMALY_SILENT] = "rule fell silent",
        [FD_ANOMALY_EXPLODED] = "rule fires far more often",
    };
    FD_LOG(t->log, c->now == FD_ANOMALY_NONE ? FD_LOG_INFO : FD_LOG_WARN, events[c->now],
           fd_log_key(fd_log_str("rule", r->id)), fd_log_dbl("hit_rate", c->rate),
           fd_log_dbl("expected", c->expected));
}

/* Of rules that are gone nothing is out of the ordinary any more. */
static void show_anomalies(fd_telemetry *t)
{
    fd_metrics_retire_all(t->metrics, FD_M_RULE_ANOMALY);
    for (uint32_t i = 0; i < t->n_rules; i++) {
        fd_anomaly a = fd_figures_anomaly(t->figures, i);
        if (a == FD_ANOMALY_NONE || t->rules[i].hits == NULL)
            continue;
        const char *values[] = {t->rules[i].id, fd_anomaly_name(a)};
        fd_metric_set(fd_metrics_series(t->metrics, FD_M_RULE_ANOMALY, values), 1);
    }
}

static void add(fd_metric *m, uint64_t n)
{
    if (n != 0)
        fd_metric_add(m, n);
}

static void on_rule(void *self, uint32_t rule, const fd_rule_counts *more)
{
    fd_telemetry *t = self_of(self);
    FD_ASSERT(rule < t->n_rules);
    const rule_series *r = &t->rules[rule];
    if (r->hits == NULL)
        return;
    add(r->evaluations, more->evaluations);
    add(r->hits, more->hits);
    add(r->errors, more->errors);
    if (r->worse != NULL) {
        add(r->worse, more->worse);
        add(r->milder, more->milder);
    }
    fd_figures_change change;
    if (fd_figures_count(t->figures, rule, more->evaluations, more->hits, &change))
        set_anomaly(t, rule, &change);
}

static void on_model(void *self, uint32_t model, const fd_model_report *report)
{
    fd_model_metrics_count(self_of(self)->models, model, report);
}

fd_observer fd_telemetry_observer(fd_telemetry *t)
{
    static const fd_observer_ops ops = {
        .stage = on_stage,
        .txn = on_txn,
        .note = on_note,
        .batch = on_batch,
        .partition = on_partition,
        .state = on_state,
        .program = on_program,
        .rule = on_rule,
        .model = on_model,
    };
    return (fd_observer){.ops = &ops, .self = t};
}

static void open_series(fd_telemetry *t, rule_series *r, fd_rule_mode mode)
{
    static const char *const modes[] = {"live", "shadow", "off"};
    fd_metrics *m = t->metrics;
    const char *values[] = {r->id, modes[mode]};
    r->evaluations = fd_metrics_series(m, FD_M_RULE_EVALUATIONS, values);
    r->hits = fd_metrics_series(m, FD_M_RULE_HITS, values);
    r->errors = fd_metrics_series(m, FD_M_RULE_ERRORS, values);
    if (mode != FD_MODE_SHADOW)
        return;
    r->worse = fd_metrics_series(m, FD_M_SHADOW_CHANGES, (const char *[]){r->id, "worse"});
    r->milder = fd_metrics_series(m, FD_M_SHADOW_CHANGES, (const char *[]){r->id, "milder"});
}

void fd_telemetry_set_rules(fd_telemetry *t, const fd_rule_label *rules, uint32_t n)
{
    static const fd_metric_id families[] = {FD_M_RULE_EVALUATIONS, FD_M_RULE_HITS, FD_M_RULE_ERRORS,
                                            FD_M_SHADOW_CHANGES};
    int64_t in_force = 0;
    free_rules(t);
    t->rules = calloc(n + 1, sizeof *t->rules);
    FD_ALLOCATED(t->rules);
    t->n_rules = n;
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        fd_metrics_retire_all(t->metrics, families[i]);
    for (uint32_t i = 0; i < n; i++) {
        rule_series *r = &t->rules[i];
        r->id = strndup(rules[i].id.p, rules[i].id.n);
        FD_ALLOCATED(r->id);
        if (rules[i].mode == FD_MODE_OFF)
            continue;
        open_series(t, r, rules[i].mode);
        in_force++;
    }
    fd_figures_set_rules(t->figures, rules, n);
    show_anomalies(t);
    fd_metric_set(fd_metrics_get(t->metrics, FD_M_RULES), in_force);
}

void fd_telemetry_anomalies_json(fd_telemetry *t, fd_strbuf *out)
{
    fd_figures_json(t->figures, ANOMALIES_SHOWN, out);
}

void fd_telemetry_set_ruleset(fd_telemetry *t, const char *ruleset, const char *lists,
                              const char *config)
{
    fd_metrics_retire_all(t->metrics, FD_M_RULESET);
    const char *values[] = {ruleset, lists, config};
    fd_metric_set(fd_metrics_series(t->metrics, FD_M_RULESET, values), 1);
}
