/* What a run of tests says, for people and for programs. One owner. */
#include <inttypes.h>

#include "testing/testing_int.h"

/* ---- text ---- */

/* Lines, each indented. */
static void write_lines(fd_str text, int indent, fd_strbuf *out)
{
    for (uint32_t at = 0; at < text.n;) {
        const char *nl = memchr(text.p + at, '\n', text.n - at);
        uint32_t n = nl == NULL ? text.n - at : (uint32_t)(nl - text.p) - at;
        fd_strbuf_printf(out, "%*s%.*s\n", indent, "", (int)n, text.p + at);
        at += n + 1;
    }
}

void fd_testing_write_failure(const fd_test_failure *f, int indent, fd_strbuf *out)
{
    fd_strbuf_printf(out, "%*sevent %u (line %d) at ", indent, "", f->number, f->line);
    fd_testing_write_time(f->at_us, out);
    fd_strbuf_puts(out, ":\n");
    for (uint32_t i = 0; i < f->n; i++) {
        const fd_test_mismatch *m = &f->mismatches[i];
        fd_strbuf_printf(out, "%*s" FD_STR_FMT ": expected " FD_STR_FMT ", got " FD_STR_FMT "\n",
                         indent + 2, "", FD_STR_ARG(m->what), FD_STR_ARG(m->expected),
                         FD_STR_ARG(m->got));
    }
    write_lines(f->why, indent + 2, out);
}

static void write_test(const fd_test *test, fd_strbuf *out)
{
    bool ok = test->n_failures == 0;
    fd_strbuf_printf(out, "  %-7s" FD_STR_FMT, ok ? "ok" : "FAILED", FD_STR_ARG(test->name));
    if (ok) {
        fd_strbuf_putc(out, '\n');
        return;
    }
    fd_strbuf_printf(out, " (line %d)\n", test->line);
    for (const fd_test_failure *f = test->failures; f != NULL; f = f->next)
        fd_testing_write_failure(f, 4, out);
    if (test->n_failures > FD_TEST_SHOWN)
        fd_strbuf_printf(out, "    ... and %u more events\n", test->n_failures - FD_TEST_SHOWN);
}

typedef enum rule_part { NEVER_FIRED, ALWAYS_FIRED } rule_part;

static bool belongs(const fd_test_world *w, uint32_t rule, rule_part part)
{
    if (fd_ruleset_rule(w->set, rule)->mode == FD_MODE_OFF)
        return false;
    uint64_t hits = fd_ruleset_run_hits(w->run, rule);
    if (part == NEVER_FIRED)
        return hits == 0;
    return hits != 0 && fd_ruleset_run_evaluations(w->run, rule) == hits;
}

static void write_part(const fd_test_world *w, rule_part part, const char *title, fd_strbuf *out)
{
    bool any = false;
    for (uint32_t i = 0; i < fd_ruleset_n_rules(w->set); i++) {
        if (!belongs(w, i, part))
            continue;
        const fd_rule_info *info = fd_ruleset_rule(w->set, i);
        if (!any)
            fd_strbuf_printf(out, "%s\n", title);
        any = true;
        fd_strbuf_printf(out, "  %s (%s:%d)\n", info->id, info->file, info->line);
    }
}

static void write_text(const fd_testing *t, fd_strbuf *out)
{
    const fd_rules_test_result *r = t->result;
    const fd_yaml *file = NULL;
    for (uint32_t i = 0; i < t->n_tests; i++) {
        if (t->tests[i].y != file)
            fd_strbuf_printf(out, "%s\n", t->tests[i].y->name);
        file = t->tests[i].y;
        write_test(&t->tests[i], out);
    }
    if (t->options->coverage) {
        write_part(&t->world, NEVER_FIRED, "never fired:", out);
        write_part(&t->world, ALWAYS_FIRED, "always fired:", out);
    }
    fd_strbuf_printf(
        out, "%s: %u passed, %u failed; of %u rules %u fired, %u were seen not to fire\n",
        t->options->dir, r->n_tests - r->n_failed, r->n_failed, r->n_rules, r->n_fired, r->n_quiet);
}

/* ---- JSON ---- */

static void json_text(fd_strbuf *out, const char *name, fd_str text)
{
    fd_strbuf_printf(out, "\"%s\": ", name);
    fd_strbuf_json(out, text);
}

static void write_failure_json(const fd_test_failure *f, fd_strbuf *out)
{
    fd_strbuf_printf(out, "{\"event\": %u, \"line\": %d, \"at\": \"", f->number, f->line);
    fd_testing_write_time(f->at_us, out);
    fd_strbuf_puts(out, "\", \"differences\": [");
    for (uint32_t i = 0; i < f->n; i++) {
        fd_strbuf_puts(out, i == 0 ? "{" : ", {");
        json_text(out, "what", f->mismatches[i].what);
        fd_strbuf_puts(out, ", ");
        json_text(out, "expected", f->mismatches[i].expected);
        fd_strbuf_puts(out, ", ");
        json_text(out, "got", f->mismatches[i].got);
        fd_strbuf_putc(out, '}');
    }
    fd_strbuf_puts(out, "], ");
    json_text(out, "why", f->why);
    fd_strbuf_putc(out, '}');
}

static void write_test_json(const fd_test *test, fd_strbuf *out)
{
    fd_strbuf_putc(out, '{');
    json_text(out, "file", fd_str_from(test->y->name));
    fd_strbuf_printf(out, ", \"line\": %d, ", test->line);
    json_text(out, "name", test->name);
    fd_strbuf_printf(out, ", \"ok\": %s, \"events\": %u, \"failed_events\": %u, \"failures\": [",
                     test->n_failures == 0 ? "true" : "false", test->n_given, test->n_failures);
    for (const fd_test_failure *f = test->failures; f != NULL; f = f->next) {
        write_failure_json(f, out);
        fd_strbuf_puts(out, f->next == NULL ? "" : ", ");
    }
    fd_strbuf_puts(out, "]}");
}

static void write_coverage_json(const fd_test_world *w, fd_strbuf *out)
{
    bool first = true;
    fd_strbuf_puts(out, ", \"coverage\": [");
    for (uint32_t i = 0; i < fd_ruleset_n_rules(w->set); i++) {
        const fd_rule_info *info = fd_ruleset_rule(w->set, i);
        if (info->mode == FD_MODE_OFF)
            continue;
        fd_strbuf_puts(out, first ? "{" : ", {");
        first = false;
        json_text(out, "rule", fd_str_from(info->id));
        fd_strbuf_printf(
            out, ", \"evaluated\": %" PRIu64 ", \"fired\": %" PRIu64 ", \"errors\": %" PRIu64 "}",
            fd_ruleset_run_evaluations(w->run, i), fd_ruleset_run_hits(w->run, i),
            fd_ruleset_run_errors(w->run, i));
    }
    fd_strbuf_puts(out, "]");
}

static void write_json(const fd_testing *t, fd_strbuf *out)
{
    const fd_rules_test_result *r = t->result;
    fd_strbuf_printf(out, "{\"ok\": %s, \"refused\": %s, \"passed\": %u, \"failed\": %u",
                     !r->refused && r->n_failed == 0 ? "true" : "false",
                     r->refused ? "true" : "false", r->refused ? 0 : r->n_tests - r->n_failed,
                     r->n_failed);
    fd_strbuf_puts(out, ", \"tests\": [");
    for (uint32_t i = 0; i < t->n_tests && !r->refused; i++) {
        fd_strbuf_puts(out, i == 0 ? "" : ", ");
        write_test_json(&t->tests[i], out);
    }
    fd_strbuf_putc(out, ']');
    if (!r->refused)
        write_coverage_json(&t->world, out);
    fd_strbuf_puts(out, ", \"diagnostics\": ");
    fd_diags_json(t->diags, out);
    fd_strbuf_puts(out, "}\n");
}

static void write_refusal(const fd_testing *t, fd_strbuf *out)
{
    fd_diags_render(t->diags, out);
    fd_strbuf_printf(out, "%s: not tested, %zu error(s)\n", t->options->dir, t->diags->errors);
}

void fd_testing_report(const fd_testing *t, fd_strbuf *out)
{
    if (t->options->json)
        write_json(t, out);
    else if (t->result->refused)
        write_refusal(t, out);
    else
        write_text(t, out);
}
