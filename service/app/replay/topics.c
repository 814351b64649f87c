/*
 * Partitions of topics; see input.h. A reader per topic, outside any group, each partition with a
 * queue of its own: the merge takes from whichever it needs. Main thread.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "app/replay/input.h"
#include "base/assert.h"
#include "kafka/client.h"

enum { SLICE_MS = 200 };
static const int64_t GIVE_UP_NS = INT64_C(60) * 1000 * 1000 * 1000;

typedef struct part {
    fd_kafka_reader *reader;
    int64_t begin, end, at; /* at: next offset */
} part;

typedef struct topics {
    fd_kafka_reader *readers[FD_ENGINE_MAX_SOURCES];
    uint32_t n_readers;
    part *parts;
    fd_tp *tps;
    uint32_t n;
} topics;

/* A broker that is away for a moment is ordinary; one that stays away ends the replay. */
static fd_replay_got give_up(const topics *t, uint32_t i, const fd_err *last, fd_err *err)
{
    fd_fail(err, FD_FATAL, FD_EXIT_UNAVAILABLE,
            "nothing more came of partition %d from offset %" PRId64 " on%s%s", t->tps[i].partition,
            t->parts[i].at, last->text[0] == '\0' ? "" : ": ", last->text);
    return FD_REPLAY_ERROR;
}

static fd_replay_got next(void *self, uint32_t i, bool wait, fd_msg *msg, fd_err *err)
{
    topics *t = self;
    part *p = &t->parts[i];
    int64_t deadline = wait ? fd_cli_mono_ns() + GIVE_UP_NS : 0;
    fd_err last = {0};
    do {
        switch (fd_kafka_reader_poll_partition(p->reader, t->tps[i].partition, wait ? SLICE_MS : 0,
                                               msg, err)) {
        case FD_KAFKA_READ_MSG:
            msg->tp = t->tps[i];
            p->at = msg->offset + 1;
            return FD_REPLAY_MSG;
        case FD_KAFKA_READ_END:
            p->at = p->end;
            return FD_REPLAY_END;
        case FD_KAFKA_READ_ERROR:
            if (err->cls != FD_RETRY)
                return FD_REPLAY_ERROR;
            if (strcmp(last.text, err->text) != 0)
                fd_cli_notice("%s", err->text);
            last = *err;
            break;
        case FD_KAFKA_READ_NONE:
            break;
        }
        if (wait && fd_cli_mono_ns() > deadline)
            return give_up(t, i, &last, err);
    } while (wait && fd_cli_stop_signal() == 0);
    return FD_REPLAY_NONE;
}

static void release(void *self, fd_msg *msg)
{
    (void)self;
    fd_kafka_reader_release(msg);
}

static bool progress(void *self, uint64_t *done, uint64_t *all)
{
    const topics *t = self;
    *done = *all = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        *done += (uint64_t)(t->parts[i].at - t->parts[i].begin);
        *all += (uint64_t)(t->parts[i].end - t->parts[i].begin);
    }
    return *all > 0;
}

static void destroy(void *self)
{
    topics *t = self;
    for (uint32_t i = 0; i < t->n_readers; i++)
        fd_kafka_reader_free(t->readers[i]);
    free(t->parts);
    free(t->tps);
    free(t);
}

static void add_parts(topics *t, fd_kafka_reader *reader, uint16_t source)
{
    int32_t partitions = fd_kafka_reader_partitions(reader);
    size_t room = t->n + (size_t)partitions;
    t->parts = realloc(t->parts, room * sizeof *t->parts);
    FD_ALLOCATED(t->parts);
    t->tps = realloc(t->tps, room * sizeof *t->tps);
    FD_ALLOCATED(t->tps);
    for (int32_t p = 0; p < partitions; p++) {
        part *it = &t->parts[t->n];
        *it = (part){.reader = reader};
        if (!fd_kafka_reader_range(reader, p, &it->begin, &it->end))
            continue;
        it->at = it->begin;
        t->tps[t->n++] = (fd_tp){.source = source, .partition = p};
    }
}

static const fd_replay_input_ops ops = {
    .next = next, .release = release, .progress = progress, .free = destroy};

fd_class fd_replay_topics_new(const fd_replay_topics_config *config, fd_replay_input *out,
                              fd_err *err)
{
    FD_ASSERT(config->n <= FD_ENGINE_MAX_SOURCES);
    topics *t = calloc(1, sizeof *t);
    FD_ALLOCATED(t);
    int64_t now_ms = fd_cli_wall_ms();
    fd_class rc = FD_OK;
    for (uint32_t i = 0; i < config->n && rc == FD_OK; i++) {
        fd_kafka_reader_config reader = {.settings = config->settings,
                                         .topic = config->topics[i].name,
                                         .partition = config->partition,
                                         .from = config->from,
                                         .until = config->until,
                                         .by_partition = true,
                                         .now_ms = now_ms,
                                         .timeout_ms = 10000};
        rc = fd_kafka_reader_new(&reader, &t->readers[i], err);
        if (rc != FD_OK)
            break;
        t->n_readers = i + 1;
        add_parts(t, t->readers[i], config->topics[i].source);
    }
    if (rc != FD_OK) {
        destroy(t);
        return rc;
    }
    *out = (fd_replay_input){.ops = &ops, .self = t, .n = t->n, .tps = t->tps};
    return FD_OK;
}
