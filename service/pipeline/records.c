/* Records of a job; see records.h. Thread: whoever owns the job. */
#include "pipeline/records.h"

#include "base/assert.h"
#include "base/hash.h"

enum { ERROR_HEADERS = 9, DECISION_HEADERS = 4 };

/* The input's partition when the counts match, else by key as the Java client does. */
static int32_t out_partition(const fd_records_config *c, fd_out_topic topic, const fd_msg *msg)
{
    int32_t n = c->txn.ops->partitions(c->txn.self, topic);
    FD_ASSERT(n > 0);
    if (n == c->topic_partitions[msg->tp.source])
        return msg->tp.partition;
    if (msg->null_key)
        return msg->tp.partition % n;
    return fd_partition_of_key(msg->key.p, msg->key.n, n);
}

/* A key that would fill the record by itself is left out, and its size said. */
static bool key_fits(const fd_job *job, const fd_msg *msg)
{
    return msg->key.n <= job->dead_letter_max / 2;
}

static fd_str number_text(fd_arena *arena, long long value)
{
    return fd_str_from(fd_arena_printf(arena, "%lld", value));
}

static void put_header(fd_header *headers, uint32_t *n, const char *name, fd_str value)
{
    headers[(*n)++] = (fd_header){.name = fd_str_from(name), .value = value};
}

static bool find_header(const fd_header *headers, uint32_t n, const char *name, fd_header *out)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!fd_str_eq_c(headers[i].name, name))
            continue;
        *out = headers[i];
        return true;
    }
    return false;
}

static void decision_record(fd_job *job, const fd_records_config *c, uint32_t i,
                            const fd_header *in_headers, uint32_t n_in, fd_header *headers)
{
    const fd_msg *msg = &job->events[i].msg;
    const fd_outcome *outcome = &job->outcomes[i];
    uint32_t n = 0;
    put_header(headers, &n, "fd.src", outcome->id);
    put_header(headers, &n, "fd.event_id", outcome->event_id);
    fd_header trace;
    if (find_header(in_headers, n_in, "traceparent", &trace))
        headers[n++] = trace;
    if (!key_fits(job, msg))
        put_header(headers, &n, "fd.key_size", number_text(job->arena, msg->key.n));
    FD_ASSERT(n <= DECISION_HEADERS);
    job->records[job->n_records++] = (fd_out_record){
        .topic = FD_OUT_DECISION,
        .partition = out_partition(c, FD_OUT_DECISION, msg),
        .key = msg->key,
        .null_key = msg->null_key || !key_fits(job, msg),
        .value = outcome->value,
        .n_headers = n,
        .headers = headers,
    };
}

/* Original headers first, as many as fit beside the value; then what went wrong, and where. */
static uint32_t dead_letter_headers(fd_job *job, const fd_records_config *c, const fd_event *ev,
                                    const fd_header *in, uint32_t n_in, fd_header *out)
{
    uint32_t n = 0;
    uint32_t bytes = 0;
    uint32_t held = n_in < FD_HEADERS_MAX ? n_in : FD_HEADERS_MAX;
    for (uint32_t i = 0; i < held && bytes < job->dead_letter_max / 4; i++) {
        bytes += in[i].name.n + in[i].value.n;
        if (bytes < job->dead_letter_max / 4)
            out[n++] = in[i];
    }
    uint32_t dropped = n_in - n;
    fd_arena *a = job->arena;
    const fd_msg *msg = &ev->msg;
    put_header(out, &n, "__fd.errors.topic", fd_str_from(c->topics[msg->tp.source]));
    put_header(out, &n, "__fd.errors.partition", number_text(a, msg->tp.partition));
    put_header(out, &n, "__fd.errors.offset", number_text(a, msg->offset));
    put_header(out, &n, "__fd.errors.stage", fd_str_from(fd_poison_stage(ev->poison)));
    put_header(out, &n, "__fd.errors.code", fd_str_from(fd_poison_name(ev->poison)));
    put_header(out, &n, "__fd.errors.message", fd_str_from(fd_poison_text(ev->poison)));
    if (msg->value.n > job->dead_letter_max)
        put_header(out, &n, "__fd.errors.truncated_from", number_text(a, msg->value.n));
    if (!key_fits(job, msg))
        put_header(out, &n, "__fd.errors.key_size", number_text(a, msg->key.n));
    if (dropped > 0)
        put_header(out, &n, "__fd.errors.headers_dropped", number_text(a, dropped));
    return n;
}

static bool dead_letter_record(fd_job *job, const fd_records_config *c, uint32_t i,
                               const fd_header *in_headers, uint32_t n_in)
{
    const fd_event *ev = &job->events[i];
    const fd_msg *msg = &ev->msg;
    fd_header *headers = fd_arena_alloc(job->arena,
                                        (FD_HEADERS_MAX + ERROR_HEADERS) * sizeof *headers);
    if (headers == NULL)
        return false;
    uint32_t n = dead_letter_headers(job, c, ev, in_headers, n_in, headers);
    fd_str value = msg->value;
    if (value.n > job->dead_letter_max)
        value.n = job->dead_letter_max;
    job->records[job->n_records++] = (fd_out_record){
        .topic = FD_OUT_DEAD_LETTER,
        .partition = out_partition(c, FD_OUT_DEAD_LETTER, msg),
        .key = msg->key,
        .null_key = msg->null_key || !key_fits(job, msg),
        .value = value,
        .null_value = msg->null_value,
        .n_headers = n,
        .headers = headers,
    };
    return true;
}

bool fd_records_build(fd_job *job, const fd_records_config *config)
{
    job->build = config;
    job->n_records = 0;
    fd_header *headers = fd_arena_alloc(job->arena,
                                        (size_t)job->n * DECISION_HEADERS * sizeof *headers);
    if (headers == NULL)
        return false;
    for (uint32_t i = 0; i < job->n; i++) {
        fd_header in[FD_HEADERS_MAX];
        uint32_t n_in = config->source.ops->headers(config->source.self, &job->events[i].msg, in,
                                                    FD_HEADERS_MAX);
        uint32_t held = n_in < FD_HEADERS_MAX ? n_in : FD_HEADERS_MAX;
        FD_ASSERT(job->n_records + 2 <= job->cap_records);
        decision_record(job, config, i, in, held, headers + (size_t)i * DECISION_HEADERS);
        if (job->events[i].poison != FD_POISON_NONE &&
            !dead_letter_record(job, config, i, in, n_in))
            return false;
    }
    return true;
}

void fd_records_shorten(fd_job *job)
{
    FD_ASSERT(job->build != NULL);
    if (job->dead_letter_max / 2 < FD_DEAD_LETTER_MIN_BYTES)
        return;
    job->dead_letter_max /= 2;
    bool ok = fd_records_build(job, job->build);
    FD_ASSERT(ok);
}

fd_tpo *fd_records_next_offsets(fd_job *job)
{
    for (uint32_t i = 0; i < job->n_spans; i++) {
        FD_ASSERT(job->spans[i].end > job->spans[i].begin);
        FD_ASSERT(job->spans[i].end >= 0);
        job->next[i] = (fd_tpo){.tp = job->spans[i].tp,
                                .offset = job->spans[i].end,
                                .leader_epoch = job->spans[i].leader_epoch};
    }
    return job->next;
}
