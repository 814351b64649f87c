/*
 * JUnit's XML, as CI servers read it: a suite per file, a case per test. There are no times in it,
 * so that the same run writes the same bytes. One owner.
 */
#include "testing/testing_int.h"

/* XML 1.0 has no control characters but these three, not even as references. */
static void write_xml(fd_str s, fd_strbuf *out)
{
    for (uint32_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '<')
            fd_strbuf_puts(out, "&lt;");
        else if (c == '>')
            fd_strbuf_puts(out, "&gt;");
        else if (c == '&')
            fd_strbuf_puts(out, "&amp;");
        else if (c == '"')
            fd_strbuf_puts(out, "&quot;");
        else if (c < 0x20 && c != '\n' && c != '\t')
            fd_strbuf_putc(out, '?');
        else
            fd_strbuf_putc(out, (char)c);
    }
}

static void attribute(fd_strbuf *out, const char *name, fd_str value)
{
    fd_strbuf_printf(out, " %s=\"", name);
    write_xml(value, out);
    fd_strbuf_putc(out, '"');
}

static void write_case(const fd_test *test, fd_strbuf *out)
{
    fd_strbuf_puts(out, "    <testcase");
    attribute(out, "classname", fd_str_from(test->y->name));
    attribute(out, "name", test->name);
    attribute(out, "file", fd_str_from(test->y->name));
    fd_strbuf_printf(out, " line=\"%d\"", test->line);
    if (test->failures == NULL) {
        fd_strbuf_puts(out, "/>\n");
        return;
    }
    const fd_test_mismatch *m = &test->failures->mismatches[0];
    fd_strbuf message = {0}, text = {0};
    fd_strbuf_printf(&message, FD_STR_FMT ": expected " FD_STR_FMT ", got " FD_STR_FMT,
                     FD_STR_ARG(m->what), FD_STR_ARG(m->expected), FD_STR_ARG(m->got));
    for (const fd_test_failure *f = test->failures; f != NULL; f = f->next)
        fd_testing_write_failure(f, 0, &text);
    fd_strbuf_puts(out, ">\n      <failure");
    attribute(out, "message", (fd_str){message.p, (uint32_t)message.n});
    fd_strbuf_putc(out, '>');
    write_xml((fd_str){text.p, (uint32_t)text.n}, out);
    fd_strbuf_puts(out, "</failure>\n    </testcase>\n");
    fd_strbuf_free(&message);
    fd_strbuf_free(&text);
}

static void write_suite(const fd_testing *t, uint32_t from, uint32_t to, fd_strbuf *out)
{
    uint32_t failed = 0;
    for (uint32_t i = from; i < to; i++)
        failed += t->tests[i].n_failures != 0;
    fd_strbuf_puts(out, "  <testsuite");
    attribute(out, "name", fd_str_from(t->tests[from].y->name));
    fd_strbuf_printf(out, " tests=\"%u\" failures=\"%u\" errors=\"0\">\n", to - from, failed);
    for (uint32_t i = from; i < to; i++)
        write_case(&t->tests[i], out);
    fd_strbuf_puts(out, "  </testsuite>\n");
}

/* What cannot be loaded is an error of a case, or CI would see no case at all and be content. */
static void write_refused(const fd_testing *t, fd_strbuf *out)
{
    fd_strbuf text = {0};
    fd_diags_render(t->diags, &text);
    fd_strbuf_puts(out, "  <testsuite");
    attribute(out, "name", fd_str_from(t->options->dir));
    fd_strbuf_puts(out, " tests=\"1\" failures=\"0\" errors=\"1\">\n    <testcase");
    attribute(out, "classname", fd_str_from(t->options->dir));
    fd_strbuf_puts(out, " name=\"rules and tests load\">\n      <error");
    attribute(out, "message", fd_str_from(t->diags->n == 0 ? "" : t->diags->items[0].text));
    fd_strbuf_putc(out, '>');
    write_xml((fd_str){text.p, (uint32_t)text.n}, out);
    fd_strbuf_puts(out, "</error>\n    </testcase>\n  </testsuite>\n");
    fd_strbuf_free(&text);
}

void fd_testing_junit(const fd_testing *t, fd_strbuf *out)
{
    const fd_rules_test_result *r = t->result;
    fd_strbuf_puts(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    attribute(out, "name", fd_str_from(t->options->dir));
    fd_strbuf_printf(out, " tests=\"%u\" failures=\"%u\" errors=\"%u\">\n",
                     r->refused ? 1 : r->n_tests, r->n_failed, r->refused ? 1 : 0);
    if (r->refused)
        write_refused(t, out);
    for (uint32_t from = 0; from < t->n_tests && !r->refused;) {
        uint32_t to = from + 1;
        while (to < t->n_tests && t->tests[to].y == t->tests[from].y)
            to++;
        write_suite(t, from, to, out);
        from = to;
    }
    fd_strbuf_puts(out, "</testsuites>\n");
}
