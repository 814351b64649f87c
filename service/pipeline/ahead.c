/*
 * Another program while events are decided: offers are taken at a batch boundary. Where the windows
 * that are kept serve it, it decides from there on. Else windows of its own are filled first, by
 * shadows in w->ahead that fold the log once more from its beginning, within a share of the engine
 * thread's time, until they are where the live partitions are.
 *
 * Invariants: what is in next_fold of a partition is its fold up to its shadow's `decide`; the
 * exchange happens when every partition is live and its shadow stands at the same offset, so the
 * first decision of the new program sees what a process that started with it would see. A partition
 * that begins anew takes its shadow with it. Engine thread, but for offer and sweep.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/mutant.h"
#include "pipeline/worker_int.h"

enum { BOUNDS_MS = 500 };
static const int64_t CREDIT_NS = INT64_C(20) * 1000 * 1000; /* unused share that is kept */
static const int64_t HOLD_NS = INT64_C(50) * 1000 * 1000;   /* a batch waits at most so long */
static const int64_t HOLD_AGAIN_NS = INT64_C(1000) * 1000 * 1000;
static const int64_t OPEN_AGAIN_NS = INT64_C(50) * 1000 * 1000; /* after an error */

/* ---- offers ---- */

void fd_worker_offer(fd_worker *w, fd_program *next, int64_t from_us)
{
    pthread_mutex_lock(&w->offer_lock);
    fd_program *former = w->offered;
    w->offered = next;
    w->offered_from_us = from_us;
    pthread_mutex_unlock(&w->offer_lock);
    fd_program_free(former);
    w->config.source.ops->wake(w->config.source.self);
}

void fd_worker_sweep(fd_worker *w)
{
    fd_retired swept[FD_RETIRED_MAX];
    pthread_mutex_lock(&w->offer_lock);
    uint32_t n = w->n_retired;
    for (uint32_t i = 0; i < n; i++)
        swept[i] = w->retired[i];
    w->n_retired = 0;
    pthread_mutex_unlock(&w->offer_lock);
    for (uint32_t i = 0; i < n; i++)
        fd_engine_free_retired(&swept[i]);
}

/* Offers are taken only while there is room for what they replace. */
static void put_away(fd_worker *w, const fd_retired *retired)
{
    if (retired->fold == NULL && retired->programs[0] == NULL)
        return;
    pthread_mutex_lock(&w->offer_lock);
    FD_ASSERT(w->n_retired < FD_RETIRED_MAX);
    w->retired[w->n_retired++] = *retired;
    pthread_mutex_unlock(&w->offer_lock);
}

/* Of one offer: itself when it is given up, one that waits for its time, what it replaces, and what
 * decided before that. */
enum { RETIRES = 4 };

static fd_program *take_offer(fd_worker *w, int64_t *from_us)
{
    pthread_mutex_lock(&w->offer_lock);
    bool room = w->n_retired + RETIRES <= FD_RETIRED_MAX;
    fd_program *offered = room ? w->offered : NULL;
    *from_us = w->offered_from_us;
    if (room)
        w->offered = NULL;
    pthread_mutex_unlock(&w->offer_lock);
    return offered;
}

/* ---- telling ---- */

static void tell(fd_worker *w, fd_program_stage stage, const fd_program *p, const char *why)
{
    fd_program_report r = {.stage = stage,
                           .ruleset = fd_program_ruleset_hash(p),
                           .lists = fd_program_lists_hash(p),
                           .models = fd_program_models_hash(p),
                           .why = why,
                           .from_us = INT64_MIN};
    w->config.observer.ops->program(w->config.observer.self, &r);
}

static void tell_decides(fd_worker *w)
{
    const fd_engine *e = w->config.engine;
    uint32_t n = fd_engine_n_rules(e);
    fd_rule_label *labels = calloc(n + 1U, sizeof *labels);
    FD_ALLOCATED(labels);
    for (uint32_t i = 0; i < n; i++)
        labels[i] = (fd_rule_label){.id = fd_str_from(fd_engine_rule_id(e, i)),
                                    .mode = fd_engine_rule_mode(e, i)};
    for (uint32_t i = 0; i < w->parts.n; i++)
        w->tpos[i] = (fd_tpo){
            .tp = w->parts.items[i].tp, .offset = w->parts.items[i].decide, .leader_epoch = -1};
    const fd_program *p = fd_engine_program(e);
    fd_program_report r = {.stage = FD_PROGRAM_DECIDES,
                           .ruleset = fd_program_ruleset_hash(p),
                           .lists = fd_program_lists_hash(p),
                           .models = fd_program_models_hash(p),
                           .from_us = fd_engine_switches_at(e),
                           .n = w->parts.n,
                           .first = w->tpos,
                           .n_rules = n,
                           .rules = labels};
    w->config.observer.ops->program(w->config.observer.self, &r);
    free(labels);
}

/* ---- the exchange ---- */

static void give_up(fd_worker *w, fd_program *p, const char *why)
{
    tell(w, FD_PROGRAM_GIVEN_UP, p, why);
    put_away(w, &(fd_retired){.programs = {p}});
}

static void stop_filling(fd_worker *w)
{
    while (w->ahead.n > 0)
        fd_worker_drop_ahead(w, w->ahead.items[0].tp);
    w->next = NULL;
    w->next_fold = NULL;
    w->hold_ns = 0;
}

static void give_up_next(fd_worker *w, const char *why)
{
    fd_program *next = w->next;
    fd_fold *fold = w->next_fold;
    stop_filling(w);
    fd_engine_fold_unbind(fold);
    tell(w, FD_PROGRAM_GIVEN_UP, next, why);
    put_away(w, &(fd_retired){.fold = fold, .programs = {next}});
}

static void switch_to(fd_worker *w, fd_program *next, fd_fold *fold, int64_t from_us)
{
    fd_retired retired;
    fd_worker_report_rules(w);
    fd_engine_switch(w->config.engine, next, fold, from_us, &retired);
    fd_worker_count_rules(w);
    put_away(w, &retired);
    tell_decides(w);
}

/* One that waits for its time has decided something. */
static bool has_begun(const fd_worker *w)
{
    int64_t from_us = fd_engine_switches_at(w->config.engine);
    for (uint32_t i = 0; i < w->parts.n; i++) {
        if (w->parts.items[i].merge_us >= from_us)
            return true;
    }
    return false;
}

/* A program that waits for its time gives way to a newer one. */
static void end_switch(fd_worker *w)
{
    fd_retired retired;
    if (fd_engine_switches_at(w->config.engine) == INT64_MIN)
        return;
    if (has_begun(w)) {
        fd_engine_settle(w->config.engine, &retired);
        put_away(w, &retired);
        return;
    }
    tell(w, FD_PROGRAM_GIVEN_UP, fd_engine_program(w->config.engine),
         "another set was loaded before its activate_at");
    fd_worker_report_rules(w);
    fd_engine_unswitch(w->config.engine, &retired);
    fd_worker_count_rules(w);
    put_away(w, &retired);
    tell_decides(w);
}

static void begin_filling(fd_worker *w, fd_program *next, int64_t from_us)
{
    fd_err err = {0};
    if (w->config.history.ops == NULL) {
        give_up(w, next,
                "it needs windows that are not kept, and there is no second look at the "
                "log: restart to use it");
        return;
    }
    if (from_us != INT64_MIN && !fd_program_covers(next, fd_engine_program(w->config.engine))) {
        give_up(w, next,
                "activate_at: its windows do not serve the set that decides until then; load its "
                "features without activate_at first");
        return;
    }
    fd_fold *fold = fd_engine_fold_new(w->config.engine, next, &err);
    if (fold == NULL) {
        give_up(w, next, err.text);
        return;
    }
    w->next = next;
    w->next_from_us = from_us;
    w->next_fold = fold;
    w->ahead_events = w->ahead_left = 0;
    w->ahead_began_ns = fd_worker_now(w);
    w->ahead_spent_ns = 0;
    w->hold_ns = w->next_hold_ns = 0;
    tell(w, FD_PROGRAM_REBUILDING, next, NULL);
}

static void take(fd_worker *w)
{
    int64_t from_us;
    fd_program *next = take_offer(w, &from_us);
    if (next == NULL)
        return;
    if (w->next != NULL)
        give_up_next(w, "another set was loaded before its windows were full");
    end_switch(w);
    if (fd_engine_covers(w->config.engine, next))
        switch_to(w, next, NULL, from_us);
    else
        begin_filling(w, next, from_us);
}

/* All partitions are past the switch: the former program has nothing to decide any more. */
static void settle(fd_worker *w)
{
    int64_t from_us = fd_engine_switches_at(w->config.engine);
    if (from_us == INT64_MIN || w->parts.n == 0)
        return;
    for (uint32_t i = 0; i < w->parts.n; i++) {
        const fd_part *part = &w->parts.items[i];
        if (part->state != FD_PART_LIVE || part->merge_us < from_us)
            return;
    }
    fd_retired retired;
    fd_engine_settle(w->config.engine, &retired);
    put_away(w, &retired);
}

/* ---- filling its windows ---- */

void fd_worker_restart_ahead(fd_worker *w, fd_tp tp)
{
    if (w->next == NULL)
        return;
    fd_worker_drop_ahead(w, tp);
    fd_windows_drop(fd_engine_fold_windows(w->next_fold), tp);
}

static bool ready_for_shadow(const fd_part *part, int64_t now)
{
    return part->state == FD_PART_LIVE && !part->blind && part->ahead_ns <= now;
}

static fd_class open_shadow(fd_worker *w, fd_part *part, fd_err *err)
{
    const fd_source *s = &w->config.source;
    const fd_history *h = &w->config.history;
    int64_t first, next;
    fd_class cls = s->ops->bounds(s->self, part->tp, &first, &next, BOUNDS_MS, err);
    if (cls == FD_OK)
        cls = h->ops->open(h->self, part->tp, first < part->decide ? first : part->decide, err);
    if (cls != FD_OK)
        return cls;
    fd_part *shadow = fd_parts_add(&w->ahead, part->tp);
    FD_ASSERT(shadow != NULL); /* as many as there are partitions */
    fd_part_start(shadow, first < part->decide ? first : part->decide, -1);
    shadow->state = FD_PART_REDO;
    shadow->log_first = first;
    return FD_OK;
}

/* One in a step: asking where a log begins takes its time. */
static void open_shadows(fd_worker *w, int64_t now)
{
    for (uint32_t i = 0; i < w->parts.n; i++) {
        fd_part *part = &w->parts.items[i];
        if (!ready_for_shadow(part, now) || fd_parts_find(&w->ahead, part->tp) != NULL)
            continue;
        fd_err err = {0};
        fd_class cls = open_shadow(w, part, &err);
        part->ahead_ns = now + OPEN_AGAIN_NS;
        if (cls == FD_FATAL)
            give_up_next(w, err.text);
        else if (cls != FD_OK)
            fd_worker_note(w, FD_NOTE_SOURCE_ERROR, &part->tp, part->decide, err.text);
        return;
    }
}

/* Offsets that the shadows still have to fold; each is to be where its partition is. */
static uint64_t aim(fd_worker *w)
{
    uint64_t left = 0;
    for (uint32_t i = 0; i < w->ahead.n; i++) {
        fd_part *shadow = &w->ahead.items[i];
        shadow->committed = fd_parts_find(&w->parts, shadow->tp)->decide;
        if (shadow->decide < shadow->committed && !fd_worker_redone(shadow))
            left += (uint64_t)(shadow->committed - shadow->decide);
    }
    return left;
}

static bool may_spend(fd_worker *w, int64_t now)
{
    double allowed = w->config.rebuild_share * (double)(now - w->ahead_began_ns);
    if (allowed - (double)w->ahead_spent_ns > (double)CREDIT_NS)
        w->ahead_spent_ns = (int64_t)allowed - CREDIT_NS;
    return w->hold_ns != 0 || w->queued == 0 || (double)w->ahead_spent_ns < allowed;
}

/* Everything is here, and every shadow is where its partition is. */
static bool is_full(fd_worker *w)
{
    for (uint32_t i = 0; i < w->parts.n; i++) {
        const fd_part *part = &w->parts.items[i];
        fd_part *shadow = fd_parts_find(&w->ahead, part->tp);
        if (part->state != FD_PART_LIVE || part->blind || shadow == NULL)
            return false;
        if (!fd_worker_redone(shadow) && !FD_MUTANT(SWITCHES_EARLY))
            return false;
    }
    return fd_keeper_up(w->keeper);
}

/* The log does not reach back as far as the new windows: as at a start, that needs consent. */
static const char *lacks_history(fd_worker *w)
{
    if (w->config.allow_short_history)
        return NULL;
    for (uint32_t i = 0; i < w->ahead.n; i++) {
        const fd_part *shadow = &w->ahead.items[i];
        int64_t horizon = fd_engine_fold_horizon_us(w->config.engine, w->next_fold,
                                                    shadow->tp.source);
        if (shadow->log_first > 0 && shadow->oldest_us != INT64_MAX &&
            shadow->oldest_us > shadow->merge_us - horizon)
            return "the log begins later than its windows reach back: keep the topic for longer "
                   "(retention.ms), or accept it with state.on_short_history: flag";
    }
    return NULL;
}

/* Their windows are the process's own now; where the store does not take them over, they are redone
 * like any other. */
static void adopt(fd_worker *w)
{
    uint32_t n = w->parts.n;
    for (uint32_t i = 0; i < n; i++) {
        fd_part *part = &w->parts.items[i];
        const fd_part *shadow = fd_parts_find(&w->ahead, part->tp);
        part->log_first = shadow->log_first;
        part->short_us = fd_worker_short_until(w, shadow);
        w->taking[i] = (fd_keeper_start){
            .tp = part->tp, .committed = part->committed, .log_first = shadow->redo_from};
    }
    fd_keeper_adopt(w->keeper, w->taking, n);
}

static void fill_ends(fd_worker *w)
{
    const char *why = lacks_history(w);
    if (why != NULL) {
        give_up_next(w, why);
        return;
    }
    fd_program *next = w->next;
    fd_fold *fold = w->next_fold;
    switch_to(w, next, fold, w->next_from_us);
    adopt(w);
    stop_filling(w);
}

/* While batches go on the shadows follow at a distance of what history takes to arrive. When they
 * are near, one batch waits for them. */
bool fd_worker_holds(fd_worker *w)
{
    if (w->hold_ns == 0)
        return false;
    int64_t now = fd_worker_now(w);
    if (now - w->hold_ns < HOLD_NS)
        return true;
    w->hold_ns = 0;
    w->next_hold_ns = now + HOLD_AGAIN_NS;
    return false;
}

static void hold(fd_worker *w, int64_t now)
{
    bool all = w->ahead.n == w->parts.n;
    if (all && w->hold_ns == 0 && now >= w->next_hold_ns && w->ahead_left > 0 &&
        w->ahead_left <= 2 * w->config.max_events)
        w->hold_ns = now;
}

/* A batch that does not fit is made smaller, until one event does not fit. */
static bool fold_some(fd_worker *w, int64_t now)
{
    bool full = false;
    uint32_t n = 0;
    uint32_t most = w->config.max_events < FD_AHEAD_EVENTS ? w->config.max_events : FD_AHEAD_EVENTS;
    for (uint32_t limit = most; n == 0 && limit > 0; limit /= 2) {
        n = fd_worker_ahead_batch(w, limit, &full);
        if (!full)
            break;
    }
    w->ahead_events += n;
    w->ahead_spent_ns += fd_worker_now(w) - now;
    w->behind_moved = w->behind_moved || n > 0;
    return n > 0 || !full;
}

static void fill(fd_worker *w)
{
    int64_t now = fd_worker_now(w);
    open_shadows(w, now);
    if (w->next == NULL)
        return;
    w->ahead_left = aim(w);
    if (may_spend(w, now) && !fold_some(w, now)) {
        give_up_next(w, "its windows do not fit into state.memory while nothing of them may be "
                        "forgotten: give it more, run more workers, or restart to use it");
        return;
    }
    w->ahead_left = aim(w);
    if (is_full(w))
        fill_ends(w);
    else
        hold(w, now);
}

void fd_worker_exchange(fd_worker *w)
{
    if (atomic_load(&w->stopping))
        return;
    settle(w);
    take(w);
    if (w->next != NULL)
        fill(w);
}

void fd_worker_free_offers(fd_worker *w)
{
    if (w->next != NULL) {
        fd_fold *fold = w->next_fold;
        fd_program *next = w->next;
        stop_filling(w);
        fd_engine_fold_free(fold);
        fd_program_free(next);
    }
    fd_worker_sweep(w);
    fd_program_free(w->offered);
}
