/* What `fraudd rules explain` says; see explain.h. Any thread. */
#include "store/explain.h"

#include <stdlib.h>

#include "base/assert.h"
#include "store/ruleset_int.h"

typedef struct explained {
    const fd_ruleset *set;
    const fd_key_size *sizes;
    fd_cel_plan_stats all;
    fd_cel_root_stats *rules;
    fd_strbuf *whys;
} explained;

static const char *mode_name(fd_rule_mode mode)
{
    return mode == FD_MODE_OFF ? "off" : mode == FD_MODE_SHADOW ? "shadow" : "live";
}

/* ---- JSON ---- */

static void write_rule_json(const explained *e, uint32_t rule, fd_strbuf *out)
{
    const fd_rule_def *r = &e->set->rules[rule];
    const fd_cel_root_stats *s = &e->rules[rule];
    fd_strbuf_puts(out, rule == 0 ? "{\"id\": " : ", {\"id\": ");
    fd_strbuf_json(out, r->id);
    fd_strbuf_printf(out, ", \"mode\": \"%s\"", mode_name(r->info.mode));
    if (r->info.mode != FD_MODE_OFF) {
        fd_strbuf_printf(out,
                         ", \"nodes\": %u, \"shared\": %u, \"ns\": %.2f, \"share_ns\": %.2f, "
                         "\"row_nodes\": %u, \"row_ns\": %.0f, \"why\": ",
                         s->n_nodes, s->n_shared, s->ns, s->share_ns, s->n_row_nodes, s->row_ns);
        if (s->n_row_nodes == 0)
            fd_strbuf_puts(out, "null");
        else
            fd_strbuf_json(out, (fd_str){e->whys[rule].p, (uint32_t)e->whys[rule].n});
    }
    fd_strbuf_putc(out, '}');
}

static void write_key_json(const explained *e, uint16_t key, fd_strbuf *out)
{
    const fd_window_key *k = &e->set->layout.keys[key];
    fd_key_state s = fd_store_state_of(&e->set->layout, key);
    fd_strbuf_puts(out, key == 0 ? "{\"name\": " : ", {\"name\": ");
    fd_strbuf_json(out, k->name);
    fd_strbuf_printf(out,
                     ", \"features\": %u, \"values\": %u, \"conditions\": %u, \"reach_s\": %.6g, "
                     "\"bytes_per_entity\": %u, \"bytes_per_event\": %u}",
                     s.features, k->n_tracks, k->n_conditions, (double)s.reach_us / 1e6,
                     e->sizes[key].entity, e->sizes[key].event);
}

static void write_json(const explained *e, fd_strbuf *out)
{
    const fd_window_layout *layout = &e->set->layout;
    const fd_cel_plan_stats *a = &e->all;
    fd_strbuf_puts(out, "{\"rules\": [");
    for (uint32_t i = 0; i < e->set->n_rules; i++)
        write_rule_json(e, i, out);
    fd_strbuf_printf(out,
                     "], \"plan\": {\"nodes\": %u, \"parts\": %llu, \"shared\": %u, "
                     "\"predicates\": %u, \"values\": %u, \"row_nodes\": %u, \"ns\": %.2f}, "
                     "\"state\": {\"features\": %u, \"reach_s\": %.6g, \"keys\": [",
                     a->n_nodes, (unsigned long long)a->n_parts, a->n_shared, a->n_predicates,
                     a->n_values, a->n_row_nodes, a->ns, layout->n_features,
                     (double)layout->reach_us / 1e6);
    for (uint16_t k = 0; k < layout->n_keys; k++)
        write_key_json(e, k, out);
    fd_strbuf_puts(out, "]}}\n");
}

/* ---- text ---- */

static void write_state(const explained *e, fd_strbuf *out)
{
    const fd_window_layout *layout = &e->set->layout;
    if (layout->n_keys == 0) {
        fd_strbuf_puts(out, "state: none\n");
        return;
    }
    fd_strbuf_printf(out, "state: %u different features, events are kept for ", layout->n_features);
    fd_store_write_duration(layout->reach_us, out);
    fd_strbuf_printf(out, "\n  %-32s %8s %12s %12s  %s\n", "key", "features", "bytes/entity",
                     "bytes/event", "ring of");
    for (uint16_t k = 0; k < layout->n_keys; k++) {
        fd_key_state s = fd_store_state_of(layout, k);
        fd_strbuf_printf(out, "  %-32.*s %8u %12u %12u  ", FD_STR_ARG(layout->keys[k].name),
                         s.features, e->sizes[k].entity, e->sizes[k].event);
        fd_store_write_duration(s.reach_us, out);
        fd_strbuf_putc(out, '\n');
    }
}

static void write_rule(const explained *e, uint32_t rule, fd_strbuf *out)
{
    const fd_rule_def *r = &e->set->rules[rule];
    const fd_cel_root_stats *s = &e->rules[rule];
    fd_strbuf_printf(out, "  %-32.*s %-6s", FD_STR_ARG(r->id), mode_name(r->info.mode));
    if (r->info.mode != FD_MODE_OFF)
        fd_strbuf_printf(out, " %6u %6u %8.2f %8.2f", s->n_nodes, s->n_shared, s->ns, s->share_ns);
    if (s->n_row_nodes != 0)
        fd_strbuf_printf(out, "  %u on rows, %.0f ns each: %s", s->n_row_nodes, s->row_ns,
                         e->whys[rule].p);
    fd_strbuf_putc(out, '\n');
}

static void write_text(const explained *e, fd_strbuf *out)
{
    const fd_cel_plan_stats *a = &e->all;
    write_state(e, out);
    fd_strbuf_printf(
        out,
        "plan: %u different parts of %llu, %u of them in several rules; %u comparisons "
        "with constants, %u numbers by columns, %u parts on rows; about %.1f ns for an "
        "event, without what runs on rows\n",
        a->n_nodes, (unsigned long long)a->n_parts, a->n_shared, a->n_predicates, a->n_values,
        a->n_row_nodes, a->ns);
    fd_strbuf_printf(out, "  %-32s %-6s %6s %6s %8s %8s\n", "rule", "mode", "parts", "shared", "ns",
                     "share ns");
    for (uint32_t i = 0; i < e->set->n_rules; i++)
        write_rule(e, i, out);
}

void fd_rules_explain(const fd_ruleset *set, const fd_key_size *sizes, bool json, fd_strbuf *out)
{
    explained e = {.set = set, .sizes = sizes};
    e.rules = calloc((size_t)set->n_rules + 1, sizeof *e.rules);
    e.whys = calloc((size_t)set->n_rules + 1, sizeof *e.whys);
    FD_ALLOCATED(e.rules);
    FD_ALLOCATED(e.whys);
    e.all = fd_cel_plan_describe(set->plan, e.rules, e.whys);
    if (json)
        write_json(&e, out);
    else
        write_text(&e, out);
    for (uint32_t i = 0; i < set->n_rules; i++)
        fd_strbuf_free(&e.whys[i]);
    free(e.rules);
    free(e.whys);
}
