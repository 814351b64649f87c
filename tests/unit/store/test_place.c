/*
 * Places of CEL inside YAML: whichever way a scalar is written (plain, quoted, literal, folded,
 * over several lines, with escapes), a message points at the very word that is wrong. Random
 * expressions with one unknown name in them, written in every style.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/ruleset.h"
#include "support.h"

static uint64_t seed;

static uint32_t below(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % n;
}

/* Between blanks; what folding may break a line at is exactly these blanks. */
static const char *const words[] = {
    "event.ok",
    "!event.ok",
    "event.card_id == \"it's\"",
    "'\xc3\xa4' == 'b'",
    "\"q\" == \"q\"",
    "(event.amount > 5)",
    "event.ip == 'a\\n'",
    "'#' == '#'",
    "event.tags[0] == r'\\'",
    "'\xf0\x9f\x90\xb1' == event.card_id",
};

typedef enum style { PLAIN, SINGLE, DOUBLE, LITERAL, FOLDED, INDENTED, N_STYLES } style;

/* What the style has to write for a character. */
static void put(fd_strbuf *b, style s, char c)
{
    if (s == SINGLE && c == '\'')
        fd_strbuf_puts(b, "''");
    else if (s == DOUBLE && (c == '"' || c == '\\'))
        fd_strbuf_printf(b, "\\%c", c);
    else if (s == DOUBLE && c == 'o' && below(4) == 0)
        fd_strbuf_puts(b, below(2) ? "\\x6f" : "\\u006F");
    else
        fd_strbuf_putc(b, c);
}

static void put_word(fd_strbuf *b, style s, const char *word)
{
    for (; *word != '\0'; word++)
        put(b, s, *word);
}

/* A blank, or a line break that the style reads as one (or keeps as one). */
static void put_blank(fd_strbuf *b, style s)
{
    uint32_t way = below(4);
    if (way == 0) {
        fd_strbuf_puts(b, "\n      ");
        for (uint32_t i = below(3); i > 0 && s != PLAIN; i--)
            fd_strbuf_putc(b, ' ');
    } else if (way == 1 && s == DOUBLE) {
        fd_strbuf_puts(b, below(2) ? " \\\n      " : "\\t");
    } else if (way == 2 && s != PLAIN) {
        fd_strbuf_puts(b, "\n\n      ");
    } else {
        fd_strbuf_puts(b, way == 3 ? "  " : " ");
    }
}

static void write_lines(const fd_strbuf *text, bool crlf)
{
    fd_strbuf b = {0};
    for (size_t i = 0; i < text->n; i++) {
        if (crlf && text->p[i] == '\n')
            fd_strbuf_putc(&b, '\r');
        fd_strbuf_putc(&b, text->p[i]);
    }
    write_bytes("r.yaml", b.p, b.n);
    fd_strbuf_free(&b);
}

static void write_rule(style s)
{
    static const char *const opening[] = {[PLAIN] = "",
                                          [SINGLE] = "'",
                                          [DOUBLE] = "\"",
                                          [LITERAL] = "|\n      ",
                                          [FOLDED] = ">-\n      ",
                                          [INDENTED] = ">2 # why\n      "};
    fd_strbuf b = {0};
    fd_strbuf_printf(&b, "version: 1\nrules:\n  - id: a\n    action: block\n    condition: %s",
                     opening[s]);
    uint32_t n = 1 + below(6), bad = below(n);
    for (uint32_t i = 0; i < n; i++) {
        if (i != 0) {
            put_blank(&b, s);
            put_word(&b, s, below(2) ? "&&" : "||");
            put_blank(&b, s);
        }
        if (i == bad)
            fd_strbuf_puts(&b, "zzzzz");
        else if (s == PLAIN)
            put_word(&b, s, i == 0 ? "event.ok" : words[below(6)]);
        else
            put_word(&b, s, words[below(sizeof words / sizeof *words)]);
    }
    fd_strbuf_puts(&b, s == SINGLE ? "'\n" : s == DOUBLE ? "\"\n" : "\n");
    write_lines(&b, below(3) == 0);
    fd_strbuf_free(&b);
}

static void the_caret_finds_the_word(void **state)
{
    (void)state;
    for (seed = 1; seed <= 6000;) {
        uint64_t start = seed;
        style s = below(N_STYLES);
        write_rule(s);
        fd_diags d;
        fd_diags_init(&d);
        fd_ruleset *set = fd_ruleset_load(".", &decided, &payment, false, &d);
        assert_null(set);
        const fd_diag *first = &d.items[0];
        bool found = d.errors == 1 && strcmp(first->text, "unknown name 'zzzzz'") == 0 &&
                     first->source != NULL && (size_t)first->col <= strlen(first->source) &&
                     strncmp(first->source + first->col - 1, "zzzzz", 5) == 0;
        if (!found) {
            fd_strbuf out = {0};
            fd_diags_render(&d, &out);
            int ignored = system("cat r.yaml");
            fail_msg("style %d, seed %llu (%d):\n%s", s, (unsigned long long)start, ignored, out.p);
        }
        fd_diags_free(&d);
        seed = start + 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(
        the_caret_finds_the_word, enter_directory, leave_directory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
