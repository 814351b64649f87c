/*
 * The observer that `fraudd run` gives the worker: telemetry's, and of what decides where the
 * archive and the reloader are told too. Threads: as each report (ports/observer.h).
 */
#include "app/run.h"

static const fd_observer *inner_of(void *self)
{
    const fd_run *r = self;
    return &r->inner_observer;
}

static void on_stage(void *self, fd_stage stage, uint32_t events, int64_t ns)
{
    const fd_observer *o = inner_of(self);
    o->ops->stage(o->self, stage, events, ns);
}

static void on_txn(void *self, fd_txn_result result, int64_t ns)
{
    const fd_observer *o = inner_of(self);
    o->ops->txn(o->self, result, ns);
}

static void on_note(void *self, fd_note note, const fd_tp *tp, int64_t offset, const char *detail)
{
    const fd_run *r = self;
    const fd_observer *o = inner_of(self);
    o->ops->note(o->self, note, tp, offset, detail);
    if (note == FD_NOTE_LIVE && offset >= 0 && r->archive != NULL)
        fd_archive_live(r->archive, *tp, offset);
}

static void on_batch(void *self, const fd_batch_report *report)
{
    const fd_observer *o = inner_of(self);
    o->ops->batch(o->self, report);
}

static void on_partition(void *self, const fd_partition_report *report)
{
    const fd_observer *o = inner_of(self);
    o->ops->partition(o->self, report);
}

static void on_state(void *self, const fd_state_report *report)
{
    const fd_observer *o = inner_of(self);
    o->ops->state(o->self, report);
}

static void on_program(void *self, const fd_program_report *report)
{
    const fd_run *r = self;
    const fd_observer *o = inner_of(self);
    o->ops->program(o->self, report);
    if (r->archive != NULL)
        fd_archive_told(r->archive, report);
    fd_reloader_told(r->reloader, report);
}

static void on_rule(void *self, uint32_t rule, const fd_rule_counts *more)
{
    const fd_observer *o = inner_of(self);
    o->ops->rule(o->self, rule, more);
}

static void on_model(void *self, uint32_t model, const fd_model_report *report)
{
    const fd_observer *o = inner_of(self);
    o->ops->model(o->self, model, report);
}

fd_observer fd_run_observer(fd_run *r)
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
    r->inner_observer = fd_telemetry_observer(r->telemetry);
    return (fd_observer){.ops = &ops, .self = r};
}
