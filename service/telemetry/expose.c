/*
 * Prometheus text exposition, 0.0.4. Numbers are taken one by one while others record: a
 * histogram's count is the sum of the buckets as read, so that it always fits them.
 */
#include <inttypes.h>

#include "base/assert.h"
#include "telemetry/metrics_int.h"

static int decimals(fd_metric_unit unit)
{
    switch (unit) {
    case FD_UNIT_ONE:
    case FD_UNIT_BYTES:
        return 0;
    case FD_UNIT_NS:
        return 9;
    case FD_UNIT_US:
    case FD_UNIT_PPM:
        return 6;
    case FD_UNIT_MS:
        return 3;
    }
    FD_UNREACHABLE();
}

/* A whole number of raw units, exactly, in base units without trailing zeros. */
static void put_number(fd_strbuf *out, int64_t value, fd_metric_unit unit)
{
    int digits = decimals(unit);
    uint64_t scale = 1;
    for (int i = 0; i < digits; i++)
        scale *= 10;
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    fd_strbuf_printf(out, "%s%" PRIu64, value < 0 ? "-" : "", size / scale);
    uint64_t rest = size % scale;
    if (rest == 0)
        return;
    fd_strbuf_printf(out, ".%0*" PRIu64, digits, rest);
    while (out->p[out->n - 1] == '0')
        out->p[--out->n] = '\0';
}

/* Label values: backslash, quote and end of line are escaped; other bytes must be UTF-8. */
static void put_label(fd_strbuf *out, const char *value)
{
    size_t n = strlen(value);
    for (size_t i = 0; i < n;) {
        size_t len = fd_utf8_len((const unsigned char *)value + i, n - i);
        if (len == 0)
            fd_strbuf_puts(out, "\xEF\xBF\xBD");
        else if (value[i] == '\n')
            fd_strbuf_puts(out, "\\n");
        else if (value[i] == '"' || value[i] == '\\')
            fd_strbuf_printf(out, "\\%c", value[i]);
        else
            fd_strbuf_add(out, value + i, len);
        i += len == 0 ? 1 : len;
    }
}

/* a="x",b="y" */
static void put_pairs(fd_strbuf *out, const fd_label_set *set, const fd_metric *x)
{
    for (uint32_t i = 0; i < set->n_labels; i++) {
        fd_strbuf_printf(out, "%s%s=\"", i == 0 ? "" : ",", set->names[i]);
        put_label(out, x->values[i]);
        fd_strbuf_putc(out, '"');
    }
}

static void put_labels(fd_strbuf *out, const fd_label_set *set, const fd_metric *x)
{
    if (set->n_labels == 0)
        return;
    fd_strbuf_putc(out, '{');
    put_pairs(out, set, x);
    fd_strbuf_putc(out, '}');
}

static void put_bucket(fd_strbuf *out, const fd_metric_row *row, const fd_metric *x, uint32_t b,
                       uint64_t so_far)
{
    const fd_label_set *set = &fd_label_sets[row->labels];
    fd_strbuf_printf(out, "%s_bucket{", row->name);
    put_pairs(out, set, x);
    fd_strbuf_puts(out, set->n_labels == 0 ? "le=\"" : ",le=\"");
    if (b < x->n_bounds)
        put_number(out, x->bounds[b], row->unit);
    else
        fd_strbuf_puts(out, "+Inf");
    fd_strbuf_printf(out, "\"} %" PRIu64 "\n", so_far);
}

static void put_histogram(fd_strbuf *out, const fd_metric_row *row, const fd_metric *x)
{
    const fd_label_set *set = &fd_label_sets[row->labels];
    uint64_t so_far = 0;
    for (uint32_t b = 0; b <= x->n_bounds; b++) {
        so_far += atomic_load_explicit(&x->bucket[b], memory_order_relaxed);
        put_bucket(out, row, x, b, so_far);
    }
    fd_strbuf_printf(out, "%s_sum", row->name);
    put_labels(out, set, x);
    fd_strbuf_putc(out, ' ');
    put_number(out, (int64_t)atomic_load_explicit(&x->hist->sum, memory_order_relaxed), row->unit);
    fd_strbuf_printf(out, "\n%s_count", row->name);
    put_labels(out, set, x);
    fd_strbuf_printf(out, " %" PRIu64 "\n", so_far);
}

static void put_family(fd_strbuf *out, const fd_metric_row *row, const fd_family *f)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    bool any = false;
    for (uint32_t i = 0; i < f->n; i++) {
        const fd_metric *x = f->series[i];
        if (!atomic_load_explicit(&x->shown, memory_order_relaxed))
            continue;
        if (!any)
            fd_strbuf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
                             kinds[row->kind]);
        any = true;
        if (row->kind == FD_METRIC_HISTOGRAM) {
            put_histogram(out, row, x);
            continue;
        }
        fd_strbuf_puts(out, row->name);
        put_labels(out, &fd_label_sets[row->labels], x);
        fd_strbuf_putc(out, ' ');
        put_number(out, fd_metric_value(x), row->unit);
        fd_strbuf_putc(out, '\n');
    }
}

void fd_metrics_render(fd_metrics *m, fd_strbuf *out)
{
    pthread_mutex_lock(&m->lock);
    for (int id = 0; id < FD_N_METRICS; id++)
        put_family(out, &fd_metric_rows[id], &m->families[id]);
    pthread_mutex_unlock(&m->lock);
}
