/* Differences of rule sets as text and JSON; see diff.h. Any thread. */
#include "store/diff_int.h"

static const char *const signs[] = {"+", "-", "~"};
static const char *const words[] = {"added", "removed", "changed"};

/* Folded conditions hold line breaks. */
static void one_line(fd_str s, fd_strbuf *out)
{
    if (s.n == 0)
        fd_strbuf_puts(out, "(nothing)");
    while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == ' '))
        s.n--;
    for (uint32_t i = 0; i < s.n; i++)
        fd_strbuf_putc(out, s.p[i] == '\n' ? ' ' : s.p[i]);
}

static void write_detail(const fd_change_detail *d, fd_strbuf *out)
{
    fd_strbuf_printf(out, "    %s: ", d->of);
    bool counts = d->from.n == 0 || d->to.n == 0;
    if (counts && strncmp(d->of, "entries", 7) == 0) {
        one_line(d->from.n == 0 ? d->to : d->from, out);
    } else {
        one_line(d->from, out);
        fd_strbuf_puts(out, d->from.n + d->to.n > 60 ? "\n      -> " : " -> ");
        one_line(d->to, out);
    }
    fd_strbuf_putc(out, '\n');
}

static void write_change(const fd_change *c, fd_strbuf *out)
{
    fd_strbuf_printf(out, "%s %s", signs[c->kind], c->what);
    if (!fd_str_eq_c(c->name, c->what))
        fd_strbuf_printf(out, " " FD_STR_FMT, FD_STR_ARG(c->name));
    if (c->text.n != 0) {
        fd_strbuf_puts(out, ": ");
        one_line(c->text, out);
    }
    fd_strbuf_putc(out, '\n');
    for (const fd_change_detail *d = c->details; d != NULL; d = d->next)
        write_detail(d, out);
}

static bool is_kept(const fd_window_layout *l, fd_str line)
{
    for (uint16_t f = 0; f < l->n_features; f++) {
        if (fd_str_eq(l->lines[f], line))
            return true;
    }
    return false;
}

/* The features that the windows of `a` do not give, by the names they have in `b`. */
static void write_missing(const fd_rules_diff_input *in, fd_strbuf *out)
{
    const fd_window_layout *is = &in->b->layout;
    bool first = true;
    for (uint16_t f = 0; f < is->n_features; f++) {
        if (is_kept(&in->a->layout, is->lines[f]))
            continue;
        fd_strbuf_printf(out, "%s%s", first ? " for " : ", ", is->type->fields[f].name);
        first = false;
    }
}

static void write_text(const fd_rules_diff_input *in, const fd_changes *all, fd_strbuf *out)
{
    uint32_t counts[] = {0, 0, 0};
    for (const fd_change *c = all->first; c != NULL; c = c->next) {
        write_change(c, out);
        counts[c->kind]++;
    }
    if (all->first == NULL)
        fd_strbuf_printf(out, "%s and %s mean the same\n", in->name_a, in->name_b);
    else
        fd_strbuf_printf(out, "%s -> %s: %u added, %u removed, %u changed\n", in->name_a,
                         in->name_b, counts[FD_ADDED], counts[FD_REMOVED], counts[FD_CHANGED]);
    const fd_window_layout *layout = &in->b->layout;
    if (layout->n_features == 0) {
        fd_strbuf_puts(out, "state: none is needed\n");
    } else if (in->covered) {
        fd_strbuf_puts(out, "state: what is kept serves both\n");
    } else {
        fd_strbuf_puts(out, "state: windows are built anew");
        write_missing(in, out);
        fd_strbuf_puts(out, ", from ");
        fd_store_write_duration(layout->reach_us, out);
        fd_strbuf_puts(out, " of history, before the set decides\n");
    }
}

static void json_text(fd_strbuf *out, const char *name, fd_str text)
{
    fd_strbuf_printf(out, "\"%s\": ", name);
    if (text.n == 0)
        fd_strbuf_puts(out, "null");
    else
        fd_strbuf_json(out, text);
}

static void write_side(const char *side, const char *name, const fd_ruleset *set, fd_strbuf *out)
{
    fd_strbuf_printf(out, ", \"%s\": {", side);
    json_text(out, "name", fd_str_from(name));
    fd_strbuf_printf(out, ", \"ruleset\": \"%s\", \"lists_hash\": \"%s\"}", fd_ruleset_hash(set),
                     fd_ruleset_lists_hash(set));
}

static void write_change_json(const fd_change *c, fd_strbuf *out)
{
    fd_strbuf_printf(out, "{\"what\": \"%s\", ", c->what);
    json_text(out, "name", c->name);
    fd_strbuf_printf(out, ", \"change\": \"%s\", ", words[c->kind]);
    json_text(out, "text", c->text);
    fd_strbuf_puts(out, ", \"details\": [");
    for (const fd_change_detail *d = c->details; d != NULL; d = d->next) {
        fd_strbuf_printf(out, "{\"of\": \"%s\", ", d->of);
        json_text(out, "from", d->from);
        fd_strbuf_puts(out, ", ");
        json_text(out, "to", d->to);
        fd_strbuf_puts(out, d->next == NULL ? "}" : "}, ");
    }
    fd_strbuf_puts(out, "]}");
}

static void write_json(const fd_rules_diff_input *in, const fd_changes *all, fd_strbuf *out)
{
    bool rebuild = in->b->layout.n_features != 0 && !in->covered;
    fd_strbuf_printf(out, "{\"differ\": %s", all->first != NULL ? "true" : "false");
    write_side("a", in->name_a, in->a, out);
    write_side("b", in->name_b, in->b, out);
    fd_strbuf_puts(out, ", \"changes\": [");
    for (const fd_change *c = all->first; c != NULL; c = c->next) {
        write_change_json(c, out);
        fd_strbuf_puts(out, c->next == NULL ? "" : ", ");
    }
    fd_strbuf_printf(out, "], \"state\": {\"rebuild\": %s, \"reach_s\": %.6g}}\n",
                     rebuild ? "true" : "false",
                     rebuild ? (double)in->b->layout.reach_us / 1e6 : 0.0);
}

void fd_store_write_changes(const fd_rules_diff_input *in, const fd_changes *all, bool json,
                            fd_strbuf *out)
{
    if (json)
        write_json(in, all, out);
    else
        write_text(in, all, out);
}
