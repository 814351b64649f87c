/* What `fraudd rules check` says; see check.h. Any thread. */
#include "store/check.h"

#include "base/status.h"
#include "store/ruleset.h"

static void json_text(fd_strbuf *out, const char *name, const char *text)
{
    fd_strbuf_printf(out, ", \"%s\": ", name);
    if (text == NULL)
        fd_strbuf_puts(out, "null");
    else
        fd_strbuf_json(out, fd_str_from(text));
}

static void write_json(const fd_ruleset *set, const fd_diags *d, fd_strbuf *out)
{
    fd_strbuf_printf(out,
                     "{\"ok\": %s, \"rules\": %u, \"lists\": %u, \"variables\": %u, "
                     "\"errors\": %zu, \"warnings\": %zu",
                     set != NULL ? "true" : "false", set == NULL ? 0 : fd_ruleset_n_rules(set),
                     set == NULL ? 0 : fd_ruleset_n_lists(set),
                     set == NULL ? 0 : fd_ruleset_n_variables(set), d->errors, d->warnings);
    json_text(out, "ruleset", set == NULL ? NULL : fd_ruleset_hash(set));
    json_text(out, "lists_hash", set == NULL ? NULL : fd_ruleset_lists_hash(set));
    fd_strbuf_puts(out, ", \"diagnostics\": [");
    for (size_t i = 0; i < d->n; i++) {
        const fd_diag *item = &d->items[i];
        fd_strbuf_printf(out, "%s{\"severity\": \"%s\", \"line\": %d, \"col\": %d",
                         i == 0 ? "" : ", ", item->severity == FD_ERROR ? "error" : "warning",
                         item->line, item->col);
        json_text(out, "file", item->file);
        json_text(out, "text", item->text);
        json_text(out, "hint", item->hint);
        fd_strbuf_puts(out, "}");
    }
    fd_strbuf_puts(out, "]}\n");
}

static void write_text(const char *dir, const fd_ruleset *set, const fd_diags *d, fd_strbuf *out)
{
    fd_diags_render(d, out);
    if (set == NULL)
        fd_strbuf_printf(out, "%s: refused, %zu error(s), %zu warning(s)\n", dir, d->errors,
                         d->warnings);
    else
        fd_strbuf_printf(
            out, "%s: ok, %u rules, %u lists, %u variables, %zu warning(s), ruleset %s, lists %s\n",
            dir, fd_ruleset_n_rules(set), fd_ruleset_n_lists(set), fd_ruleset_n_variables(set),
            d->warnings, fd_ruleset_hash(set), fd_ruleset_lists_hash(set));
}

int fd_rules_check(const char *dir, const fd_type *event_type, bool strict, bool json,
                   fd_strbuf *out)
{
    fd_diags diags;
    fd_diags_init(&diags);
    fd_ruleset *set = fd_ruleset_load(dir, event_type, strict, &diags);
    if (json)
        write_json(set, &diags, out);
    else
        write_text(dir, set, &diags, out);
    int code = set == NULL ? FD_EXIT_CONFIG : FD_EXIT_OK;
    fd_ruleset_free(set);
    fd_diags_free(&diags);
    return code;
}
