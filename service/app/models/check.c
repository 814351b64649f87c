/* `fraudd models check`: what a load of the service would find, and what it costs. Main thread. */
#include <stdio.h>

#include "app/models/models.h"
#include "app/tools/schemas.h"
#include "base/assert.h"

typedef struct checked {
    fd_tool_models models;
    fd_schema *schema;
    fd_ruleset *rules;
    bool ok;
} checked;

/* Without rules there are no features that inputs could name: then they are not looked at. */
static void check(const fd_models_options *o, checked *c, fd_diags *diags)
{
    c->ok = fd_tool_models_load(o->dir, &c->models, diags);
    if (!c->ok || o->rules == NULL)
        return;
    c->schema = fd_tool_schema(o->schema == NULL ? "payment" : o->schema, diags);
    if (c->schema != NULL) {
        fd_ruleset_source from = {.topic = o->source,
                                  .n_models = fd_models_n(c->models.models),
                                  .models = c->models.declared};
        c->rules = fd_ruleset_load(o->rules, &from, fd_schema_type(c->schema), false, diags);
    }
    c->ok = c->rules != NULL;
}

static const char *mode_name(fd_rule_mode mode)
{
    return mode == FD_MODE_OFF ? "off" : mode == FD_MODE_SHADOW ? "shadow" : "live";
}

static void add_json(const fd_manifest *m, bool first, fd_strbuf *out)
{
    const fd_model_shape *s = fd_model_shape_of(m->model);
    fd_strbuf_puts(out, first ? "{\"id\": " : ", {\"id\": ");
    fd_strbuf_json(out, m->id);
    fd_strbuf_puts(out, ", \"file\": ");
    fd_strbuf_json(out, fd_str_from(m->path));
    fd_strbuf_printf(out,
                     ", \"sha256\": \"%s\", \"version\": \"%s\", \"format\": \"%s\", "
                     "\"mode\": \"%s\", \"inputs\": %u, \"outputs\": %u, \"trees\": %u, "
                     "\"bytes\": %zu, \"self_test_rows\": %u}",
                     m->sha256.hex, m->version.p, s->format, mode_name(m->mode), m->n_inputs,
                     s->n_outputs, s->n_trees, s->bytes, m->n_self_test);
}

static void add_text(const fd_manifest *m, fd_strbuf *out)
{
    const fd_model_shape *s = fd_model_shape_of(m->model);
    fd_strbuf_printf(out, "%-24s %-16s %-13s %-7s %7u %7u %7u %10zu %10u\n", m->id.p, m->version.p,
                     s->format, mode_name(m->mode), m->n_inputs, s->n_outputs, s->n_trees, s->bytes,
                     m->n_self_test);
}

static void add_diags(const fd_diags *d, fd_strbuf *out)
{
    fd_strbuf text = {0};
    for (size_t i = 0; i < d->n; i++) {
        fd_diag_render(&d->items[i], &text);
        fd_strbuf_puts(out, i == 0 ? "" : ", ");
        fd_strbuf_json(out, (fd_str){text.p, (uint32_t)text.n});
        fd_strbuf_reset(&text);
    }
    fd_strbuf_free(&text);
}

static void write_json(const checked *c, const fd_diags *diags, fd_strbuf *out)
{
    uint32_t n = c->ok ? fd_models_n(c->models.models) : 0;
    fd_strbuf_printf(out, "{\"ok\": %s, \"models\": [", c->ok ? "true" : "false");
    for (uint32_t i = 0; i < n; i++)
        add_json(fd_models_at(c->models.models, i), i == 0, out);
    fd_strbuf_printf(out, "], \"models_hash\": \"%s\", \"inputs_checked\": %s, \"diagnostics\": [",
                     c->ok ? fd_models_hash(c->models.models) : "",
                     c->rules != NULL ? "true" : "false");
    add_diags(diags, out);
    fd_strbuf_puts(out, "]}\n");
}

static void write_text(const fd_models_options *o, const checked *c, fd_strbuf *out)
{
    uint32_t n = fd_models_n(c->models.models);
    fd_strbuf_printf(out, "%-24s %-16s %-13s %-7s %7s %7s %7s %10s %10s\n", "model", "version",
                     "format", "mode", "inputs", "outputs", "trees", "bytes", "self-test");
    for (uint32_t i = 0; i < n; i++)
        add_text(fd_models_at(c->models.models, i), out);
    fd_strbuf_printf(out, "%s: ok, %u model%s, models %s\n", o->dir, n, n == 1 ? "" : "s",
                     fd_models_hash(c->models.models));
}

int fd_models_check(const fd_models_options *o, fd_diags *diags)
{
    checked c = {.ok = false};
    check(o, &c, diags);
    fd_strbuf out = {0};
    if (o->json)
        write_json(&c, diags, &out);
    else if (c.ok)
        write_text(o, &c, &out);
    if (!o->json && diags->n != 0)
        fd_cli_fail_diags(diags);
    if (c.ok && o->rules == NULL)
        fd_cli_notice(
            "inputs are not checked: give the rules that they are used with, --rules DIR");
    bool printed = out.n == 0 || fd_models_print(&out);
    fd_strbuf_free(&out);
    fd_ruleset_free(c.rules);
    fd_schema_free(c.schema);
    fd_tool_models_free(&c.models);
    return !c.ok ? FD_EXIT_CONFIG : printed ? FD_EXIT_OK : FD_EXIT_CHECK;
}
