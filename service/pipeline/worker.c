/* The worker's life and its step; see worker.h. Engine thread where not said otherwise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "pipeline/worker_int.h"

static const int64_t REPORT_EVERY_NS = 1000 * 1000 * 1000;

int64_t fd_worker_now(const fd_worker *w)
{
    return fd_clock_mono_ns(&w->config.clock);
}

void fd_worker_note(fd_worker *w, fd_note note, const fd_tp *tp, int64_t offset, const char *detail)
{
    w->config.observer.ops->note(w->config.observer.self, note, tp, offset, detail);
}

void fd_worker_fail(fd_worker *w, const fd_err *err)
{
    if (w->failed)
        return;
    w->failed = true;
    w->failure = *err;
}

/* Known to have records that are not queued: neither read to its end nor known to end here. */
static bool has_more(void *ctx, const fd_part *part)
{
    fd_worker *w = ctx;
    if (part->eof >= part->fetch)
        return false;
    int64_t end = w->config.source.ops->cached_end(w->config.source.self, part->tp);
    return end < 0 || part->fetch < end;
}

static void init_committer(fd_worker *w)
{
    const fd_worker_config *c = &w->config;
    fd_committer_config config = {
        .txn = c->txn,
        .source = c->source,
        .clock = c->clock,
        .observer = c->observer,
        .wake = c->wake,
        .wake_self = c->wake_self,
        .txn_timeout_ns = c->txn_timeout_ns,
        .call_timeout_ms = c->call_timeout_ms,
    };
    w->committer = fd_committer_new(&config);
}

static void init_keeper(fd_worker *w)
{
    const fd_worker_config *c = &w->config;
    fd_keeper_config config = {
        .store = c->store,
        .engine = c->engine,
        .clock = c->clock,
        .n_sources = c->n_sources,
        .topic_ids = w->topic_ids,
        .partitions = w->topic_partitions,
        .seed = c->store_seed,
        .flush_interval_ns = c->flush_interval_ns,
        .call_timeout_ms = FD_STORE_CALL_MS,
        .copy_values = c->copy_values,
        .flush_values = c->flush_values,
    };
    w->keeper = fd_keeper_new(&config);
}

void fd_worker_count_rules(fd_worker *w)
{
    uint32_t n_rules = fd_engine_n_rules(w->config.engine);
    free(w->rule_counts);
    w->rule_counts = calloc(n_rules + 1, sizeof *w->rule_counts);
    FD_ALLOCATED(w->rule_counts);
}

static void init_scratch(fd_worker *w)
{
    w->taking = calloc(FD_PARTS_MAX, sizeof *w->taking);
    FD_ALLOCATED(w->taking);
    w->chunk = calloc(FD_INTAKE_CHUNK, sizeof *w->chunk);
    FD_ALLOCATED(w->chunk);
    w->tps = calloc(FD_PARTS_MAX, sizeof *w->tps);
    FD_ALLOCATED(w->tps);
    w->tpos = calloc(FD_PARTS_MAX, sizeof *w->tpos);
    FD_ALLOCATED(w->tpos);
    w->redo_batch = calloc(w->config.max_events, sizeof *w->redo_batch);
    FD_ALLOCATED(w->redo_batch);
    fd_worker_count_rules(w);
    for (uint32_t i = 0; i < FD_LANES + 1; i++)
        w->spare[w->n_spare++] = fd_job_new(w->config.max_events);
}

fd_worker *fd_worker_new(const fd_worker_config *config)
{
    FD_ASSERT(config->n_sources > 0 && config->n_sources <= FD_ENGINE_MAX_SOURCES);
    FD_ASSERT(config->max_in_flight >= 1 && config->max_in_flight <= FD_LANES);
    fd_worker *w = calloc(1, sizeof *w);
    FD_ALLOCATED(w);
    w->config = *config;
    w->n_sources = config->n_sources;
    for (uint32_t i = 0; i < config->n_sources; i++) {
        w->topics[i] = config->sources[i].topic;
        w->topic_partitions[i] = config->sources[i].partitions;
        w->starts[i] = config->sources[i].start;
        w->topic_ids[i] = config->sources[i].topic_id == NULL ? "" : config->sources[i].topic_id;
    }
    w->config.sources = NULL; /* the caller's, and may be gone */
    w->records = (fd_records_config){.source = config->source,
                                     .txn = config->txn,
                                     .topics = w->topics,
                                     .topic_partitions = w->topic_partitions,
                                     .dead_letter_max_bytes = config->dead_letter_max_bytes};
    w->merge = (fd_merge){.has_more = has_more,
                          .ctx = w,
                          .max_idle_ns = config->max_idle_ns,
                          .max_skew_us = config->max_skew_us};
    fd_parts_init(&w->parts, config->queue_events + FD_INTAKE_CHUNK);
    fd_parts_init(&w->behind, config->queue_events + FD_INTAKE_CHUNK);
    fd_parts_init(&w->ahead, config->queue_events + FD_INTAKE_CHUNK);
    fd_breaker_init(&w->breaker, config->poison_window, config->poison_max_rate);
    fd_consents_init(&w->consents);
    pthread_mutex_init(&w->status_lock, NULL);
    pthread_mutex_init(&w->offer_lock, NULL);
    w->batch_limit = config->max_events;
    init_scratch(w);
    init_committer(w);
    init_keeper(w);
    return w;
}

static void release_job(fd_worker *w, fd_job *job)
{
    for (uint32_t i = 0; i < job->n; i++)
        w->config.source.ops->release(w->config.source.self, &job->events[i].msg);
    fd_job_free(job);
}

void fd_worker_free(fd_worker *w)
{
    if (w == NULL)
        return;
    fd_committer_abandon(w->committer);
    for (fd_job *job = fd_committer_reap(w->committer); job != NULL;
         job = fd_committer_reap(w->committer))
        release_job(w, job);
    for (uint32_t i = 0; i < w->parts.n; i++)
        fd_worker_discard(w, &w->parts.items[i]);
    for (uint32_t i = 0; i < w->parts.n; i++)
        fd_worker_see(w, &w->parts.items[i]);
    fd_worker_free_offers(w);
    for (uint32_t i = 0; i < w->n_spare; i++)
        fd_job_free(w->spare[i]);
    fd_committer_free(w->committer);
    fd_keeper_free(w->keeper);
    fd_parts_free(&w->parts);
    fd_parts_free(&w->behind);
    fd_parts_free(&w->ahead);
    fd_breaker_free(&w->breaker);
    fd_consents_free(&w->consents);
    pthread_mutex_destroy(&w->status_lock);
    pthread_mutex_destroy(&w->offer_lock);
    free(w->chunk);
    free(w->redo_batch);
    free(w->rule_counts);
    free(w->taking);
    free(w->tps);
    free(w->tpos);
    free(w);
}

void fd_worker_discard(fd_worker *w, fd_part *part)
{
    while (part->n > 0) {
        fd_event ev = fd_part_pop(part);
        w->config.source.ops->release(w->config.source.self, &ev.msg);
        w->queued--;
        w->redo_queued -= part->state == FD_PART_REDO;
    }
}

static void report_part(fd_worker *w, const fd_part *p)
{
    int64_t end = w->config.source.ops->cached_end(w->config.source.self, p->tp);
    if (end < p->eof)
        end = p->eof;
    fd_pause pause = p->pause;
    if (p->blocked_ns != 0)
        pause = FD_PAUSE_SCHEMA;
    else if (w->breaker.tripped)
        pause = FD_PAUSE_BREAKER;
    fd_partition_report report = {
        .tp = p->tp,
        .owned = true,
        .committed = p->committed,
        .end = end,
        .watermark_ms = p->merge_us == INT64_MIN ? INT64_MIN : p->merge_us / 1000,
        .queued = p->n,
        .pause = pause,
    };
    w->config.observer.ops->partition(w->config.observer.self, &report);
}

void fd_worker_report_rules(fd_worker *w)
{
    const fd_engine *e = w->config.engine;
    for (uint32_t r = 0; r < fd_engine_n_rules(e); r++) {
        fd_rule_counts now, *was = &w->rule_counts[r];
        fd_engine_rule_counts(e, r, &now);
        if (now.evaluations == was->evaluations && now.errors == was->errors)
            continue;
        fd_rule_counts more = {.evaluations = now.evaluations - was->evaluations,
                               .hits = now.hits - was->hits,
                               .errors = now.errors - was->errors,
                               .worse = now.worse - was->worse,
                               .milder = now.milder - was->milder};
        w->config.observer.ops->rule(w->config.observer.self, r, &more);
        *was = now;
    }
}

static void report_models(fd_worker *w)
{
    const fd_observer *o = &w->config.observer;
    fd_model_report r;
    for (uint32_t m = 0; o->ops->model != NULL && m < fd_engine_n_models(w->config.engine); m++) {
        if (fd_engine_model_report(w->config.engine, m, &r))
            o->ops->model(o->self, m, &r);
    }
}

static void report_state(fd_worker *w)
{
    if (!fd_engine_keeps_state(w->config.engine))
        return;
    fd_windows_stats s;
    fd_windows_stats_get(fd_engine_windows(w->config.engine), &s);
    fd_keeper_stats store;
    fd_keeper_stats_get(w->keeper, &store);
    fd_state_report r = {
        .entries = s.entries,
        .events = s.events,
        .dirty = s.dirty,
        .bytes = s.bytes,
        .limit = s.limit,
        .hits = s.hits,
        .misses = s.misses,
        .evictions = s.evictions,
        .redo_events = w->redo_total,
        .redo_left = w->redo_left,
        .store_up = store.up,
        .store_reads = store.reads,
        .store_writes = store.writes,
        .store_refused = store.refused,
        .store_failed = store.down,
        .values_read = store.values_read,
        .values_written = store.values_written,
        .flush_ns = (uint64_t)store.flush_ns,
    };
    w->config.observer.ops->state(w->config.observer.self, &r);
}

static void report(fd_worker *w, int64_t now)
{
    if (now - w->reported_ns < REPORT_EVERY_NS)
        return;
    w->reported_ns = now;
    for (uint32_t i = 0; i < w->parts.n; i++) {
        if (w->parts.items[i].state == FD_PART_LIVE)
            report_part(w, &w->parts.items[i]);
    }
    fd_worker_report_rules(w);
    report_models(w);
    report_state(w);
}

/* Partitions that wait for a writer schema. */
static uint32_t blocked(const fd_parts *parts)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < parts->n; i++)
        n += parts->items[i].blocked_ns != 0;
    return n;
}

static void publish_rebuild(const fd_worker *w, int64_t now, fd_worker_rebuild *out)
{
    if (w->next == NULL)
        return;
    *out = (fd_worker_rebuild){.on = true,
                               .events = w->ahead_events,
                               .left = w->ahead_left,
                               .ns = now - w->ahead_began_ns};
    snprintf(out->ruleset, sizeof out->ruleset, "%s", fd_program_ruleset_hash(w->next));
    if (blocked(&w->ahead) > 0)
        memcpy(out->waits, w->ahead_text, sizeof out->waits);
}

static void publish_status(fd_worker *w, int64_t now, fd_committer_mode mode)
{
    fd_worker_status s = {
        .stepped_ns = now,
        .assigned = w->parts.n,
        .in_flight = fd_committer_in_flight(w->committer),
        .queued = w->queued,
        .joined = w->joined,
        .opened = fd_committer_opened(w->committer),
        .recovering = mode == FD_COMMITTER_RECOVERING,
        .breaker = w->breaker.tripped,
        .memory_full = w->memory_full,
        .store_down = w->store_down,
        .redo_left = w->redo_left,
        .redo_events = w->redo_events,
        .redo_ns = w->redo_began_ns == 0 ? 0 : now - w->redo_began_ns,
        .switches_at_us = fd_engine_switches_at(w->config.engine),
    };
    for (uint32_t i = 0; i < w->parts.n; i++) {
        s.live += w->parts.items[i].state == FD_PART_LIVE;
        s.blind += w->parts.items[i].blind;
    }
    s.waiting_schema = blocked(&w->parts) + blocked(&w->behind);
    publish_rebuild(w, now, &s.rebuild);
    fd_keeper_stats store;
    fd_keeper_stats_get(w->keeper, &store);
    s.store_down = s.store_down || !store.up;
    memcpy(s.store_text, store.text, sizeof s.store_text);
    if (s.waiting_schema > 0)
        memcpy(s.schema_text, w->schema_text, sizeof s.schema_text);
    pthread_mutex_lock(&w->status_lock);
    w->status = s;
    pthread_mutex_unlock(&w->status_lock);
}

fd_worker_state fd_worker_step(fd_worker *w, int64_t max_wait_us)
{
    fd_err err;
    fd_committer_mode mode = fd_committer_mode_now(w->committer, &err);
    if (mode == FD_COMMITTER_FAILED)
        fd_worker_fail(w, &err);
    fd_worker_reap(w);
    if (w->failed)
        return FD_WORKER_FAILED;
    int64_t now = fd_worker_now(w);
    publish_status(w, now, mode);
    if (atomic_load(&w->stopping) && fd_committer_in_flight(w->committer) == 0 &&
        fd_worker_settle_state(w)) {
        w->reported_ns = 0;
        report(w, now);
        return FD_WORKER_DRAINED;
    }
    if (atomic_exchange(&w->resume_breaker, false))
        fd_breaker_resume(&w->breaker);
    fd_worker_upkeep(w);
    fd_worker_rebalance(w);
    fd_worker_schemas(w);
    fd_worker_redo(w);
    fd_worker_behind(w);
    fd_worker_exchange(w);
    if (!atomic_load(&w->stopping)) {
        fd_worker_dispatch(w);
        fd_worker_resume_drained(w);
    }
    report(w, now);
    fd_worker_intake(w, fd_worker_patience_us(w, max_wait_us));
    return w->failed ? FD_WORKER_FAILED : FD_WORKER_RUNNING;
}

void fd_worker_stop(fd_worker *w)
{
    atomic_store(&w->stopping, true);
    w->config.source.ops->wake(w->config.source.self);
}

const fd_err *fd_worker_failure(const fd_worker *w)
{
    return &w->failure;
}

fd_committer *fd_worker_committer(fd_worker *w)
{
    return w->committer;
}

void fd_worker_status_get(fd_worker *w, fd_worker_status *out)
{
    pthread_mutex_lock(&w->status_lock);
    *out = w->status;
    pthread_mutex_unlock(&w->status_lock);
}

void fd_worker_resume(fd_worker *w)
{
    atomic_store(&w->resume_breaker, true);
    w->config.source.ops->wake(w->config.source.self);
}

bool fd_worker_consent(fd_worker *w, fd_consent consent)
{
    bool ok = fd_consents_add(&w->consents, consent);
    w->config.source.ops->wake(w->config.source.self);
    return ok;
}
