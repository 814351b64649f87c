/* Rows of features; see rows.h. Main thread. */
#include "app/replay/rows.h"

#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "base/assert.h"
#include "engine/program.h"

static const char *const PLACE[] = {"event_id", "topic",      "partition",
                                    "offset",   "event_time", "flags"};
enum { N_PLACE = sizeof PLACE / sizeof PLACE[0] };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* ---- values ---- */

static void put_double(fd_strbuf *out, double d, bool csv)
{
    bool odd = !csv && (isnan(d) || isinf(d)); /* JSON has no such numbers */
    fd_strbuf_puts(out, odd ? "\"" : "");
    fd_strbuf_double(out, d);
    fd_strbuf_puts(out, odd ? "\"" : "");
}

static void put_text(fd_strbuf *out, fd_str s, bool csv)
{
    bool plain = true;
    for (uint32_t i = 0; i < s.n; i++)
        plain = plain && strchr(",\"\r\n", s.p[i]) == NULL && s.p[i] != '\0';
    if (!csv) {
        fd_strbuf_json(out, s);
    } else if (plain && s.n > 0) {
        fd_strbuf_add(out, s.p, s.n);
    } else { /* an empty text is not an absent one */
        fd_strbuf_putc(out, '"');
        for (uint32_t i = 0; i < s.n; i++) {
            if (s.p[i] == '"')
                fd_strbuf_putc(out, '"');
            fd_strbuf_putc(out, s.p[i]);
        }
        fd_strbuf_putc(out, '"');
    }
}

static void put_hex(fd_strbuf *out, fd_str s)
{
    static const char digits[] = "0123456789abcdef";
    fd_strbuf_putc(out, '"');
    for (uint32_t i = 0; i < s.n; i++) {
        fd_strbuf_putc(out, digits[(unsigned char)s.p[i] >> 4]);
        fd_strbuf_putc(out, digits[(unsigned char)s.p[i] & 15]);
    }
    fd_strbuf_putc(out, '"');
}

static void put_value(fd_strbuf *out, const fd_col *col, uint32_t row, bool csv)
{
    if (!col->valid[row]) {
        fd_strbuf_puts(out, csv ? "" : "null");
        return;
    }
    switch (col->type->kind) {
    case FD_INT:
        fd_strbuf_int(out, col->v.i[row]);
        return;
    case FD_TIMESTAMP:
        fd_strbuf_int(out, floor_div(col->v.i[row], 1000));
        return;
    case FD_DURATION:
        put_double(out, (double)col->v.i[row] / 1e6, csv);
        return;
    case FD_DOUBLE:
        put_double(out, col->v.d[row], csv);
        return;
    case FD_BOOL:
        fd_strbuf_puts(out, col->v.b[row] ? "true" : "false");
        return;
    case FD_STRING:
        put_text(out, col->v.s[row], csv);
        return;
    case FD_BYTES:
        put_hex(out, col->v.s[row]);
        return;
    default:
        FD_UNREACHABLE(); /* layouts have no other kinds */
    }
}

/* 2026-01-31T10:00:00Z, with as many decimals as it takes. */
static void put_time(fd_strbuf *out, int64_t us)
{
    int64_t second = floor_div(us, 1000000);
    int64_t rest = us - second * 1000000;
    time_t t = (time_t)second;
    struct tm tm;
    char text[64] = "";
    if (gmtime_r(&t, &tm) != NULL)
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    fd_strbuf_puts(out, text);
    if (rest % 1000 != 0)
        fd_strbuf_printf(out, ".%06" PRId64, rest);
    else if (rest != 0)
        fd_strbuf_printf(out, ".%03" PRId64, rest / 1000);
    fd_strbuf_putc(out, 'Z');
}

static void put_flags(fd_strbuf *out, fd_flags flags, bool csv)
{
    bool first = true;
    for (int f = 0; f < FD_N_FLAGS; f++) {
        if (!(flags & FD_FLAG_BIT(f)))
            continue;
        if (!first)
            fd_strbuf_putc(out, csv ? ' ' : ',');
        fd_strbuf_printf(out, csv ? "%s" : "\"%s\"", fd_flag_name((fd_flag)f));
        first = false;
    }
}

/* ---- rows ---- */

void fd_replay_rows_head(const fd_replay_rows *r, fd_strbuf *out)
{
    if (!r->csv)
        return;
    const fd_ruleset *set = fd_engine_ruleset(r->engine, 0);
    for (int i = 0; i < N_PLACE; i++)
        fd_strbuf_printf(out, "%s%s", i == 0 ? "" : ",", PLACE[i]);
    for (uint32_t i = 0; r->features && i < fd_ruleset_n_features(set); i++)
        fd_strbuf_printf(out, ",%s", fd_ruleset_feature(set, i)->name);
    const fd_models *models = fd_program_models(fd_engine_program(r->engine));
    for (uint32_t i = 0; r->scores && i < fd_models_n(models); i++)
        fd_strbuf_printf(out, ",models.%s", fd_models_at(models, i)->id.p);
    fd_strbuf_putc(out, '\n');
}

static void add_place(const fd_replay_rows *r, const fd_event *events, uint32_t i, fd_flags flags,
                      fd_strbuf *out)
{
    const fd_msg *msg = &events[i].msg;
    fd_str id = fd_engine_event_id(r->engine, events, i);
    fd_str topic = fd_str_from(r->topics[msg->tp.source]);
    bool csv = r->csv;
    fd_strbuf_puts(out, csv ? "" : "{\"event_id\":");
    put_text(out, id, csv);
    fd_strbuf_puts(out, csv ? "," : ",\"topic\":");
    put_text(out, topic, csv);
    fd_strbuf_printf(out, csv ? ",%d,%" PRId64 "," : ",\"partition\":%d,\"offset\":%" PRId64,
                     msg->tp.partition, msg->offset);
    fd_strbuf_puts(out, csv ? "" : ",\"event_time\":\"");
    put_time(out, events[i].time_us);
    fd_strbuf_puts(out, csv ? "," : "\",\"flags\":[");
    put_flags(out, flags, csv);
    fd_strbuf_puts(out, csv ? "" : "]");
}

static void add_features(const fd_replay_rows *r, const fd_event *events, uint32_t i,
                         fd_strbuf *out)
{
    const fd_ruleset *set = fd_engine_ruleset(r->engine, events[i].msg.tp.source);
    uint32_t row;
    const fd_batch *features = fd_engine_features(r->engine, events, i, &row);
    fd_strbuf_puts(out, r->csv ? "" : ",\"features\":{");
    for (uint32_t f = 0; f < fd_ruleset_n_features(set); f++) {
        const fd_feature_info *info = fd_ruleset_feature(set, f);
        fd_strbuf_puts(out, r->csv || f > 0 ? "," : "");
        if (!r->csv) {
            fd_strbuf_json(out, fd_str_from(info->name));
            fd_strbuf_putc(out, ':');
        }
        if (features != NULL)
            put_value(out, &features->root.children[info->column], row, r->csv);
        else
            fd_strbuf_puts(out, r->csv ? "" : "null");
    }
    fd_strbuf_puts(out, r->csv ? "" : "}");
}

/* In the order of all models; one that did not score the event has an empty cell, or null. */
static void add_scores(const fd_replay_rows *r, const fd_event *events, uint32_t i, fd_strbuf *out)
{
    const fd_models *models = fd_program_models(fd_engine_program(r->engine));
    fd_scored_model said[FD_ENGINE_MAX_MODELS];
    uint32_t n = fd_engine_scores(r->engine, events, i, said), at = 0;
    fd_strbuf_puts(out, r->csv ? "" : ",\"models\":{");
    for (uint32_t m = 0; m < fd_models_n(models); m++) {
        fd_str id = fd_models_at(models, m)->id;
        fd_strbuf_puts(out, r->csv || m > 0 ? "," : "");
        if (!r->csv) {
            fd_strbuf_json(out, id);
            fd_strbuf_putc(out, ':');
        }
        if (at < n && fd_str_eq(said[at].id, id))
            put_double(out, said[at++].score, r->csv);
        else
            fd_strbuf_puts(out, r->csv ? "" : "null");
    }
    fd_strbuf_puts(out, r->csv ? "" : "}");
}

void fd_replay_rows_add(const fd_replay_rows *r, const fd_event *events, uint32_t i, fd_flags flags,
                        fd_strbuf *out)
{
    add_place(r, events, i, flags, out);
    if (r->features)
        add_features(r, events, i, out);
    if (r->scores)
        add_scores(r, events, i, out);
    fd_strbuf_puts(out, r->csv ? "\n" : "}\n");
}
