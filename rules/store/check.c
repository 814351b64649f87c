/* What `fraudd rules check` says; see check.h. Any thread. */
#include "store/check.h"

#include <inttypes.h>

#include "base/status.h"
#include "store/ruleset_int.h"

fd_key_state fd_store_state_of(const fd_window_layout *layout, uint16_t key)
{
    fd_key_state s = {0};
    for (uint16_t i = 0; i < layout->n_features; i++) {
        const fd_window_feature *f = &layout->features[i];
        if (f->key != key)
            continue;
        s.features++;
        if (f->window_us + f->delay_us > s.reach_us)
            s.reach_us = f->window_us + f->delay_us;
    }
    return s;
}

static void json_text(fd_strbuf *out, const char *name, const char *text)
{
    fd_strbuf_printf(out, ", \"%s\": ", name);
    if (text == NULL)
        fd_strbuf_puts(out, "null");
    else
        fd_strbuf_json(out, fd_str_from(text));
}

static void write_state_json(const fd_window_layout *layout, fd_strbuf *out)
{
    fd_strbuf_printf(out, ", \"state\": {\"features\": %u, \"reach_s\": %.6g, \"keys\": [",
                     layout->n_features, (double)layout->reach_us / 1e6);
    for (uint16_t k = 0; k < layout->n_keys; k++) {
        const fd_window_key *key = &layout->keys[k];
        fd_key_state s = fd_store_state_of(layout, k);
        fd_strbuf_puts(out, k == 0 ? "{\"name\": " : ", {\"name\": ");
        fd_strbuf_json(out, key->name);
        fd_strbuf_printf(out,
                         ", \"features\": %u, \"values\": %u, \"conditions\": %u, "
                         "\"reach_s\": %.6g}",
                         s.features, key->n_tracks, key->n_conditions, (double)s.reach_us / 1e6);
    }
    fd_strbuf_puts(out, "]}");
}

static void write_json(const fd_ruleset *set, const fd_diags *d, fd_strbuf *out)
{
    fd_strbuf_printf(out,
                     "{\"ok\": %s, \"rules\": %u, \"features\": %u, \"lists\": %u, "
                     "\"variables\": %u, \"errors\": %zu, \"warnings\": %zu",
                     set != NULL ? "true" : "false", set == NULL ? 0 : fd_ruleset_n_rules(set),
                     set == NULL ? 0 : fd_ruleset_n_features(set),
                     set == NULL ? 0 : fd_ruleset_n_lists(set),
                     set == NULL ? 0 : fd_ruleset_n_variables(set), d->errors, d->warnings);
    json_text(out, "ruleset", set == NULL ? NULL : fd_ruleset_hash(set));
    json_text(out, "lists_hash", set == NULL ? NULL : fd_ruleset_lists_hash(set));
    fd_strbuf_puts(out, ", \"diagnostics\": ");
    fd_diags_json(d, out);
    if (set != NULL && fd_ruleset_n_features(set) != 0)
        write_state_json(fd_ruleset_layout(set), out);
    fd_strbuf_puts(out, "}\n");
}

void fd_store_write_duration(int64_t us, fd_strbuf *out)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {{"d", INT64_C(86400000000)},
                 {"h", INT64_C(3600000000)},
                 {"m", 60000000},
                 {"s", 1000000},
                 {"ms", 1000},
                 {"us", 1}};
    size_t i = 0;
    while (us % units[i].us != 0)
        i++;
    fd_strbuf_printf(out, "%" PRId64 "%s", us / units[i].us, units[i].name);
}

static void write_state(const fd_window_layout *layout, fd_strbuf *out)
{
    fd_strbuf_printf(out, "state: %u different features, %u keys, events are kept for ",
                     layout->n_features, layout->n_keys);
    fd_store_write_duration(layout->reach_us, out);
    fd_strbuf_putc(out, '\n');
    for (uint16_t k = 0; k < layout->n_keys; k++) {
        const fd_window_key *key = &layout->keys[k];
        fd_key_state s = fd_store_state_of(layout, k);
        fd_strbuf_printf(
            out, "  " FD_STR_FMT ": %u features, %u values and %u conditions of each event, for ",
            FD_STR_ARG(key->name), s.features, key->n_tracks, key->n_conditions);
        fd_store_write_duration(s.reach_us, out);
        fd_strbuf_putc(out, '\n');
    }
}

static void write_text(const char *dir, const fd_ruleset *set, const fd_diags *d, fd_strbuf *out)
{
    fd_diags_render(d, out);
    if (set == NULL) {
        fd_strbuf_printf(out, "%s: refused, %zu error(s), %zu warning(s)\n", dir, d->errors,
                         d->warnings);
        return;
    }
    fd_strbuf_printf(out,
                     "%s: ok, %u rules, %u features, %u lists, %u variables, %zu warning(s), "
                     "ruleset %s, lists %s\n",
                     dir, fd_ruleset_n_rules(set), fd_ruleset_n_features(set),
                     fd_ruleset_n_lists(set), fd_ruleset_n_variables(set), d->warnings,
                     fd_ruleset_hash(set), fd_ruleset_lists_hash(set));
    if (fd_ruleset_n_features(set) != 0)
        write_state(fd_ruleset_layout(set), out);
}

int fd_rules_check(const char *dir, const fd_ruleset_source *source, const fd_type *event_type,
                   bool strict, bool json, fd_strbuf *out)
{
    fd_diags diags;
    fd_diags_init(&diags);
    fd_ruleset *set = fd_ruleset_load(dir, source, event_type, strict, &diags);
    if (json)
        write_json(set, &diags, out);
    else
        write_text(dir, set, &diags, out);
    int code = set == NULL ? FD_EXIT_CONFIG : FD_EXIT_OK;
    fd_ruleset_free(set);
    fd_diags_free(&diags);
    return code;
}
