/*
 * Partitions whose next event was written with a schema that is not known yet: ask the registry
 * (which never blocks), go on when it answers, or pass over with an operator's consent. Nothing
 * is lost meanwhile; other partitions go on. Engine thread.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/mutant.h"
#include "pipeline/worker_int.h"

static uint32_t at(const fd_part *part, uint32_t i)
{
    uint32_t k = part->head + i;
    return k >= part->cap ? k - part->cap : k;
}

static void rescan_in(fd_worker *w, fd_parts *table, uint16_t source)
{
    for (uint32_t p = 0; p < table->n; p++) {
        fd_part *part = &table->items[p];
        if (part->tp.source != source)
            continue;
        for (uint32_t i = 0; i < part->n; i++) {
            fd_event *ev = &part->queue[at(part, i)];
            if (ev->needs_schema)
                fd_engine_rescan(w->config.engine, ev);
        }
    }
}

/* The answer may concern more of the queue than its head, and other partitions of the source. */
static void rescan(fd_worker *w, uint16_t source)
{
    rescan_in(w, &w->parts, source);
    rescan_in(w, &w->behind, source);
    rescan_in(w, &w->ahead, source);
}

static void known(fd_worker *w, fd_part *part, fd_str json)
{
    const fd_event *head = fd_part_head(part);
    fd_err err = {0};
    char detail[32];
    snprintf(detail, sizeof detail, "id %u", head->schema_id);
    if (fd_engine_add_schema(w->config.engine, part->tp.source, head->schema_id, json, &err) ==
        FD_OK)
        fd_worker_note(w, FD_NOTE_SCHEMA_FOUND, &part->tp, head->msg.offset, detail);
    else
        fd_worker_note(w, FD_NOTE_SCHEMA_WAIT, &part->tp, head->msg.offset, err.text);
    rescan(w, part->tp.source);
}

static void blocked(fd_worker *w, fd_part *part, const char *why)
{
    const fd_event *head = fd_part_head(part);
    bool ahead = part >= w->ahead.items && part < w->ahead.items + w->ahead.n;
    char *text = ahead ? w->ahead_text : w->schema_text;
    snprintf(text, sizeof w->schema_text, "%s/%d at offset %lld waits for schema %u: %s",
             w->topics[part->tp.source], part->tp.partition, (long long)head->msg.offset,
             head->schema_id, why);
    if (part->blocked_ns == 0)
        fd_worker_note(w, FD_NOTE_SCHEMA_WAIT, &part->tp, head->msg.offset, text);
    part->blocked_ns = fd_worker_now(w);
}

/* Nobody has the schema. A consent counts only now: one that is merely not known yet (a restart, a
 * registry that is down) must not turn events invalid that were, or will be, decided as valid. */
static void unknown(fd_worker *w, fd_part *part, const char *why)
{
    fd_event *head = fd_part_head(part);
    if (fd_consents_cover(&w->consents, part->tp, head->msg.offset))
        fd_engine_consent(w->config.engine, head);
    else
        blocked(w, part, why);
}

static void look_up(fd_worker *w, fd_part *part)
{
    fd_event *head = fd_part_head(part);
    const fd_schemas *s = &w->config.schemas;
    if (FD_MUTANT(CONSENT_FIRST) && fd_consents_cover(&w->consents, part->tp, head->msg.offset)) {
        fd_engine_consent(w->config.engine, head);
        return;
    }
    if (s->ops == NULL) {
        unknown(w, part, "no registry is configured (registry.url)");
        return;
    }
    fd_str json;
    fd_err err = {0};
    switch (s->ops->lookup(s->self, head->schema_id, &json, &err)) {
    case FD_SCHEMA_KNOWN:
        known(w, part, json);
        break;
    case FD_SCHEMA_PENDING:
        break;
    case FD_SCHEMA_UNKNOWN:
        unknown(w, part, err.text);
        break;
    case FD_SCHEMA_UNAVAILABLE:
        if (FD_MUTANT(SKIPS_SCHEMA))
            fd_engine_consent(w->config.engine, head);
        else
            blocked(w, part, err.text);
        break;
    }
}

static void look_through(fd_worker *w, fd_parts *table)
{
    for (uint32_t i = 0; i < table->n; i++) {
        fd_part *part = &table->items[i];
        fd_event *head = fd_part_head(part);
        if (head == NULL || !head->needs_schema) {
            part->blocked_ns = 0;
            continue;
        }
        look_up(w, part);
    }
}

void fd_worker_schemas(fd_worker *w)
{
    look_through(w, &w->parts);
    look_through(w, &w->behind);
    look_through(w, &w->ahead);
}
