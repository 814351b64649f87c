/* Bytes of simulated events and the engine for them; see events.h. */
#include "events.h"

#include <stdio.h>

#include "base/assert.h"
#include "engine/program.h"

const char *const sim_topics[2] = {"payments", "transfers"};

#define FIELDS                                                        \
    "{\"name\":\"id\",\"type\":\"string\"},"                          \
    "{\"name\":\"time\",\"type\":{\"type\":\"long\",\"logicalType\":" \
    "\"timestamp-millis\"}},"                                         \
    "{\"name\":\"card\",\"type\":\"string\"},"                        \
    "{\"name\":\"amount\",\"type\":\"long\"}"
#define RECORD "{\"type\":\"record\",\"name\":\"Payment\",\"fields\":["

static const char own_json[] = RECORD FIELDS "]}";
static const char wide_json[] = RECORD "{\"name\":\"extra\",\"type\":\"string\"}," FIELDS "]}";
static const char late_json[] = RECORD FIELDS ",{\"name\":\"note\",\"type\":\"string\"}]}";
static const char bad_json[] = RECORD "{\"name\":\"id\",\"type\":\"double\"}]}";

const char *sim_schema_json(uint32_t id)
{
    switch (id) {
    case SIM_SCHEMA_OWN:
        return own_json;
    case SIM_SCHEMA_WIDE:
        return wide_json;
    case SIM_SCHEMA_LATE:
        return late_json;
    case SIM_SCHEMA_BAD:
        return bad_json;
    default:
        return NULL;
    }
}

static unsigned char *put_long(unsigned char *p, int64_t value)
{
    uint64_t z = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (; z >= 0x80; z >>= 7)
        *p++ = (unsigned char)(z | 0x80);
    *p++ = (unsigned char)z;
    return p;
}

static unsigned char *put_string(unsigned char *p, const char *s)
{
    size_t n = strlen(s);
    p = put_long(p, (int64_t)n);
    memcpy(p, s, n);
    return p + n;
}

static unsigned char *put_payment(unsigned char *p, const sim_event *e)
{
    p = put_string(p, e->kind == SIM_EMPTY_ID ? "" : e->id);
    p = put_long(p, e->time_ms);
    p = put_string(p, e->card);
    return put_long(p, e->amount);
}

static uint32_t schema_of(sim_kind kind)
{
    switch (kind) {
    case SIM_WIDE_SCHEMA:
        return SIM_SCHEMA_WIDE;
    case SIM_LATE_SCHEMA:
        return SIM_SCHEMA_LATE;
    case SIM_BAD_SCHEMA:
        return SIM_SCHEMA_BAD;
    case SIM_UNKNOWN_SCHEMA:
        return SIM_SCHEMA_UNKNOWN;
    default:
        return SIM_SCHEMA_OWN;
    }
}

uint32_t sim_event_bytes(const sim_event *e, bool confluent, unsigned char buf[SIM_EVENT_MAX])
{
    if (e->kind == SIM_NULL_VALUE || e->kind == SIM_EMPTY)
        return 0;
    unsigned char *p = buf;
    if (confluent)
        p += fd_frame_write(FD_FRAMING_CONFLUENT, schema_of(e->kind), 0, buf);
    if (e->kind == SIM_BAD_FRAME)
        buf[0] = 7;
    if (e->kind == SIM_WIDE_SCHEMA)
        p = put_string(p, "wide");
    p = put_payment(p, e);
    if (e->kind == SIM_LATE_SCHEMA)
        p = put_string(p, "late");
    if (e->kind == SIM_TRUNCATED)
        p--;
    if (e->kind == SIM_TRAILING)
        *p++ = 0;
    if (e->kind == SIM_HUGE) {
        memset(p, 'x', SIM_HUGE_BYTES);
        p += SIM_HUGE_BYTES;
    }
    FD_ASSERT(p - buf <= SIM_EVENT_MAX);
    return (uint32_t)(p - buf);
}

static void die_of(const fd_diags *diags)
{
    fd_strbuf text = {0};
    fd_diags_render(diags, &text);
    fd_panic(__FILE__, __LINE__, text.p == NULL ? "the engine cannot be made" : text.p);
}

static const char *rules_dir(sim_set set)
{
    static const char *const dirs[] = {
#define X(name, folder) SIM_RULES_DIR "/" folder,
        SIM_SETS(X)
#undef X
    };
    return dirs[set];
}

static fd_engine_config config_of(const sim_engine *e, uint32_t n_topics, uint32_t max_events,
                                  const sim_state *state, fd_engine_source sources[2])
{
    for (uint32_t i = 0; i < n_topics; i++)
        sources[i] = (fd_engine_source){.topic = sim_topics[i],
                                        .schema = e->reader,
                                        .framing = i == 0 ? FD_FRAMING_RAW : FD_FRAMING_CONFLUENT,
                                        .id_path = "id",
                                        .time_path = "time",
                                        .key_path = "card"};
    return (fd_engine_config){.n_sources = n_topics,
                              .sources = sources,
                              .decision_schema = e->decision,
                              .rules_dir = rules_dir(state->set),
                              .future_us = 300 * INT64_C(1000000),
                              .invalid_action = FD_ACTION_REVIEW,
                              .max_events = max_events,
                              .evidence = FD_EVIDENCE_ALL,
                              .state_lazy = true,
                              .state_memory = state->memory == 0 ? SIM_STATE_BYTES : state->memory,
                              .lateness_us = 60 * INT64_C(1000),
                              .max_skew_us = 1000 * INT64_C(1000),
                              .max_events_per_key = 8,
                              .evict = state->evict,
                              .version = "sim",
                              .config_hash = fd_content_hash_of("sim", 3)};
}

void sim_engine_new(sim_engine *e, uint32_t n_topics, uint32_t max_events, const sim_state *state)
{
    static const sim_state usual = {.memory = 0};
    FD_ASSERT(n_topics >= 1 && n_topics <= 2);
    fd_diags diags;
    fd_diags_init(&diags);
    size_t n;
    const char *json = fd_embedded_decision_schema(&n);
    e->decision = fd_schema_parse(json, n, NULL, &diags);
    e->reader = fd_schema_parse(own_json, sizeof own_json - 1, NULL, &diags);
    if (e->decision == NULL || e->reader == NULL)
        die_of(&diags);
    fd_engine_source sources[2];
    fd_engine_config config = config_of(e, n_topics, max_events, state == NULL ? &usual : state,
                                        sources);
    e->engine = fd_engine_new(&config, &diags);
    if (e->engine == NULL)
        die_of(&diags);
    fd_diags_free(&diags);
}

fd_program *sim_program(const sim_engine *e, uint32_t n_topics, uint32_t max_events, sim_set set)
{
    fd_diags diags;
    fd_diags_init(&diags);
    fd_engine_source sources[2];
    fd_engine_config config = config_of(e, n_topics, max_events, &(sim_state){.set = set}, sources);
    fd_program *program = fd_program_load(&config, &diags);
    if (program == NULL)
        die_of(&diags);
    fd_diags_free(&diags);
    return program;
}

void sim_engine_free(sim_engine *e)
{
    fd_engine_free(e->engine);
    fd_schema_free(e->reader);
    fd_schema_free(e->decision);
}
