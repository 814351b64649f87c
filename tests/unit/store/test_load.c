/*
 * Loading a rule directory: what is read and what is passed over, every message word for word,
 * warnings and strict, content hashes, bounds. Cases of one file are in cases_*.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "cases.h"
#include "store/ruleset.h"
#include "support.h"

#define RULE "rules:\n  - {id: a, condition: event.ok, action: block}\n"

/* Loads "." and gives what was said; *set may be NULL. Free both. */
static char *load(bool strict, fd_ruleset **set)
{
    fd_diags d;
    fd_strbuf out = {0};
    fd_diags_init(&d);
    fd_ruleset *loaded = fd_ruleset_load(".", &decided, &payment, strict, &d);
    assert_int_equal(loaded == NULL, d.errors != 0);
    fd_diags_render(&d, &out);
    fd_diags_free(&d);
    if (set != NULL)
        *set = loaded;
    else
        fd_ruleset_free(loaded);
    if (out.p == NULL)
        fd_strbuf_puts(&out, "");
    return out.p;
}

static void expect(const char *about, const char *want)
{
    char *got = load(false, NULL);
    if (strcmp(got, want) != 0)
        fail_msg("%s\n--- want\n%s--- got\n%s", about, want, got);
    free(got);
}

static void write_rules(const char *name, const char *text)
{
    fd_strbuf b = {0};
    fd_strbuf_printf(&b, "version: 1\n%s", text);
    write_text(name, b.p);
    fd_strbuf_free(&b);
}

static void rules_word_for_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_rule_cases; i++) {
        write_rules("r.yaml", rule_cases[i].text);
        expect(rule_cases[i].text, rule_cases[i].want);
    }
}

static void sections_word_for_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_section_cases; i++) {
        write_rules("r.yaml", section_cases[i].text);
        expect(section_cases[i].text, section_cases[i].want);
    }
}

static void features_word_for_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_feature_cases; i++) {
        write_rules("r.yaml", feature_cases[i].text);
        expect(feature_cases[i].text, feature_cases[i].want);
    }
}

/* The same words, as errors, where warnings refuse a set. */
static void warnings_and_strict(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_warning_cases; i++) {
        write_rules("r.yaml", warning_cases[i].text);
        fd_ruleset *set;
        char *mild = load(false, &set);
        assert_non_null(set);
        fd_ruleset_free(set);
        assert_string_equal(mild, warning_cases[i].want);
        char *strict = load(true, &set);
        assert_null(set);
        char *s = strict;
        for (const char *m = mild; *m != '\0';) {
            bool here = strncmp(m, "warning:", 8) == 0 && strncmp(s, "error:", 6) == 0;
            assert_int_equal(here ? 0 : *m, here ? 0 : *s);
            m += here ? 8 : 1;
            s += here ? 6 : 1;
        }
        assert_int_equal(*s, '\0');
        free(mild);
        free(strict);
    }
}

static void a_warning_free_set_is_strict(void **state)
{
    (void)state;
    write_rules("r.yaml", RULE);
    fd_ruleset *set;
    char *said = load(true, &set);
    assert_non_null(set);
    assert_string_equal(said, "");
    free(said);
    fd_ruleset_free(set);
}

static void whole_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        const char *want;
    } cases[] = {
#define TEXT(s) s, sizeof s - 1
        {TEXT(RULE), "./r.yaml:1:1: error: the file does not say its version\n"
                     "  rules:\n"
                     "  ^\n"
                     "  hint: add version: 1 as the first line\n"},
        {TEXT("version: 2\n" RULE),
         "./r.yaml:1:10: error: version: expected a whole number from 1 to 1\n"
         "  version: 2\n"
         "           ^\n"},
        {TEXT("version: one\n" RULE),
         "./r.yaml:1:10: error: version: expected a whole number from 1 to 1\n"
         "  version: one\n"
         "           ^~~\n"},
        {TEXT(""), "error: rule directory . has no rules and no features\n"},
        {TEXT("# nothing yet\n"), "error: rule directory . has no rules and no features\n"},
        {TEXT("just text"), "./r.yaml:1:1: error: a rule file: expected a mapping (key: value), "
                            "not a value\n"
                            "  just text\n"
                            "  ^~~~~~~~~\n"},
        {TEXT("- a\n- b\n"), "./r.yaml:1:1: error: a rule file: expected a mapping (key: value), "
                             "not a list\n"
                             "  - a\n"
                             "  ^\n"},
        {TEXT("\xEF\xBB\xBFversion: 1\n" RULE), ""},
        {TEXT("version: 1\r\nrules:\r\n  - {id: a, condition: event.ok, action: block}\r\n"), ""},
        {TEXT("version: 1\r\nrules:\r\n  - {id: a, condition: event.oh, action: block}\r\n"),
         "./r.yaml:3:30: error: event has no field 'oh'\n"
         "    - {id: a, condition: event.oh, action: block}\n"
         "                               ^~\n"
         "  hint: did you mean ok?\n"},
        {TEXT("version: 1\nrules: \xff\n"), "./r.yaml:2:8: error: a byte that is not UTF-8 text\n"
                                            "  rules: \xff\n"
                                            "         ^\n"
                                            "  hint: save the file as UTF-8\n"},
        {TEXT("version: 1\nru\0les: []\n"), "./r.yaml:2:3: error: a byte that is not UTF-8 text\n"
                                            "  ru\n"
                                            "    ^\n"
                                            "  hint: save the file as UTF-8\n"},
        {TEXT("\xFF\xFE"
              "v\0e\0"),
         "./r.yaml:1:1: error: a byte that is not UTF-8 text\n"
         "  \xFF\xFE"
         "v\n"
         "  ^\n"
         "  hint: save the file as UTF-8\n"},
#undef TEXT
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_bytes("r.yaml", cases[i].text, cases[i].n);
        expect(cases[i].text, cases[i].want);
    }
}

static void only_rule_files_are_read(void **state)
{
    (void)state;
    expect("an empty directory", "error: rule directory . has no *.yaml file\n");
    write_text("README.md", "no rules");
    write_text(".hidden.yaml", "nonsense: [");
    write_text("a.test.yaml", "tests: []");
    write_text("b.test.yml", "tests: []");
    write_text("lists/c.yaml", "nonsense: [");
    expect("what is passed over", "error: rule directory . has no *.yaml file\n");
    write_rules("one.yml", RULE);
    expect("yml", "");
    fd_diags d;
    fd_diags_init(&d);
    assert_null(fd_ruleset_load("nowhere", &decided, &payment, false, &d));
    assert_string_equal(d.items[0].text, "rule directory nowhere: No such file or directory");
    assert_null(fd_ruleset_load("one.yml", &decided, &payment, false, &d));
    assert_string_equal(d.items[1].text, "rule directory one.yml: Not a directory");
    fd_diags_free(&d);
    assert_int_equal(mkdir("dir.yaml", 0700), 0);
    expect("a folder with a file's name", "error: ./dir.yaml: not a file\n");
    assert_int_equal(rmdir("dir.yaml"), 0);
    assert_int_equal(mkfifo("pipe.yaml", 0600), 0);
    expect("a pipe, which nobody writes to", "error: ./pipe.yaml: not a file\n");
    remove_file("pipe.yaml");
    assert_int_equal(symlink("nowhere", "gone.yaml"), 0);
    expect("a dangling link", "error: ./gone.yaml: No such file or directory\n");
}

/* As Kubernetes mounts a ConfigMap: names are links through a hidden folder. */
static void a_config_map(void **state)
{
    (void)state;
    write_rules("..data/r.yaml",
                "lists: {l: {type: string, file: cards.txt}}\n"
                "rules:\n"
                "  - {id: a, condition: event.card_id in lists.l, action: block}\n");
    write_text("..data/cards.txt", "C1\n");
    assert_int_equal(symlink("..data/r.yaml", "r.yaml"), 0);
    assert_int_equal(symlink("..data/cards.txt", "cards.txt"), 0);
    expect("links", "");
}

/* One set from several files: what one names the other may use, and nothing is there twice. */
static void several_files(void **state)
{
    (void)state;
    write_rules("b.yaml", "variables:\n  - {name: big, expression: event.amount > 5}\n"
                          "lists: {l: {type: int, items: [1]}}\n");
    write_rules("a.yaml", "decision: {score_thresholds: {block: 5}}\n"
                          "rules:\n"
                          "  - {id: x, condition: variables.big, score: 5}\n"
                          "  - {id: y, condition: event.amount in lists.l, action: review}\n");
    fd_ruleset *set;
    char *said = load(false, &set);
    assert_string_equal(said, "");
    free(said);
    assert_int_equal(fd_ruleset_n_rules(set), 2);
    assert_int_equal(fd_ruleset_n_lists(set), 1);
    assert_int_equal(fd_ruleset_n_variables(set), 1);
    fd_ruleset_free(set);
    write_rules("c.yaml", "decision: {}\n"
                          "lists: {l: {type: int, items: [2]}}\n"
                          "variables:\n  - {name: big, expression: event.ok}\n"
                          "rules:\n  - {id: y, condition: event.ok, action: block}\n");
    expect("doubles", "./c.yaml:2:1: error: decision is already given in ./a.yaml:2\n"
                      "  decision: {}\n"
                      "  ^~~~~~~~\n"
                      "  hint: one file of a rule set says how it decides\n"
                      "./c.yaml:3:9: error: list \"l\" is defined twice\n"
                      "  lists: {l: {type: int, items: [2]}}\n"
                      "          ^\n"
                      "./c.yaml:5:12: error: variable \"big\" is defined twice\n"
                      "    - {name: big, expression: event.ok}\n"
                      "             ^~~\n"
                      "./c.yaml:7:5: error: rule \"y\" is already defined in ./a.yaml:5\n"
                      "    - {id: y, condition: event.ok, action: block}\n"
                      "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
                      "  hint: ids name rules in decisions\n");
}

static void a_rule_as_it_was_written(void **state)
{
    (void)state;
    write_rules("r.yaml", "rules:\n"
                          "  - id: first\n"
                          "    condition: event.ok\n"
                          "    score: -2.5\n"
                          "  - id: second\n"
                          "    condition: 'event.card_id == ''x'''\n"
                          "    action: challenge\n"
                          "    score: 40\n"
                          "    reason: VELOCITY\n"
                          "    explain: '\"a\" + \"b\"'\n"
                          "    mode: shadow\n"
                          "    rollout: {percent: 12.5, key: card.bin}\n"
                          "    snooze: {from: 2026-11-01T00:00:00Z, until: "
                          "2026-11-01T01:00:00.000001+01:00, keys: [C17]}\n"
                          "    tags: [velocity, \"no\"]\n"
                          "    owner: fraud-ops\n");
    fd_ruleset *set;
    free(load(false, &set));
    assert_non_null(set);
    const fd_rule_info *r = fd_ruleset_rule(set, 0);
    assert_string_equal(r->id, "first");
    assert_false(r->has_action);
    assert_true(r->score == -2.5);
    assert_int_equal(r->mode, FD_MODE_LIVE);
    assert_true(r->rollout_percent == 100);
    assert_null(r->reason);
    assert_null(r->explain);
    assert_null(r->snooze_key);
    assert_int_equal(r->snooze_until_us, 0);
    r = fd_ruleset_rule(set, 1);
    assert_string_equal(r->condition, "event.card_id == 'x'");
    assert_true(r->has_action && r->action == FD_ACTION_CHALLENGE && r->score == 40);
    assert_string_equal(r->reason, "VELOCITY");
    assert_string_equal(r->explain, "\"a\" + \"b\"");
    assert_int_equal(r->mode, FD_MODE_SHADOW);
    assert_true(r->rollout_percent == 12.5);
    assert_string_equal(r->rollout_key, "card.bin");
    assert_string_equal(r->snooze_key, "card.bin");
    assert_int_equal(r->snooze_from_us, 1793491200000000);
    assert_int_equal(r->snooze_until_us, 1793491200000001);
    assert_int_equal(r->n_tags, 2);
    assert_string_equal(r->tags[1], "no");
    assert_string_equal(r->owner, "fraud-ops");
    assert_string_equal(r->file, "./r.yaml");
    assert_int_equal(r->line, 6);
    fd_ruleset_free(set);
}

typedef struct hashes {
    char rules[FD_CONTENT_HASH_CHARS + 1], lists[FD_CONTENT_HASH_CHARS + 1];
} hashes;

static hashes hashes_now(void)
{
    hashes h;
    fd_ruleset *set;
    char *said = load(false, &set);
    if (set == NULL)
        fail_msg("%s", said);
    free(said);
    snprintf(h.rules, sizeof h.rules, "%s", fd_ruleset_hash(set));
    snprintf(h.lists, sizeof h.lists, "%s", fd_ruleset_lists_hash(set));
    fd_ruleset_free(set);
    return h;
}

static void same(const hashes *x, bool rules, bool lists)
{
    hashes now = hashes_now();
    assert_int_equal(strcmp(now.rules, x->rules) == 0, rules);
    assert_int_equal(strcmp(now.lists, x->lists) == 0, lists);
}

/* The rules' hash: names and bytes of the files. The lists': names, types, entries in order. */
static void content_hashes(void **state)
{
    (void)state;
    static const char first[] = "lists: {l: {type: string, file: l.txt}}\n"
                                "rules:\n"
                                "  - {id: a, condition: event.card_id in lists.l, action: block}\n";
    static const char second[] = "rules:\n  - {id: b, condition: event.ok, action: block}\n";
    write_rules("a.yaml", first);
    write_rules("b.yaml", second);
    write_text("l.txt", "C1\nC2\n");
    hashes x = hashes_now();
    assert_int_equal(strlen(x.rules), FD_CONTENT_HASH_CHARS);
    assert_string_not_equal(x.rules, x.lists);
    remove_file("a.yaml"); /* made anew, behind b: the directory's order is another */
    write_rules("a.yaml", first);
    write_text("l.txt", "# a comment, blanks and CRs are no entries\r\n\n C1 \r\nC2");
    same(&x, true, true);
    write_text("l.txt", "C1\nC3\n");
    same(&x, true, false);
    write_text("l.txt", "C1C2\n");
    same(&x, true, false);
    write_text("l.txt", "C1\nC2\n");
    write_rules("b.yaml", "rules: # said\n  - {id: b, condition: event.ok, action: block}\n");
    same(&x, false, true); /* the bytes count: an auditor gets the very file */
    remove_file("b.yaml");
    write_rules("c.yaml", second);
    same(&x, false, true);
    write_text("..data/b.yaml", "elsewhere");
    remove_file("c.yaml");
    write_rules("b.yaml", second);
    same(&x, true, true);
}

static void list_files(void **state)
{
    (void)state;
    write_rules("r.yaml", "lists:\n"
                          "  s: {type: string, file: s.txt}\n"
                          "  i: {type: int, file: sub/i.txt}\n"
                          "  d: {type: double, file: d.txt}\n"
                          "  c: {type: cidr, file: c.txt}\n"
                          "rules:\n"
                          "  - id: a\n"
                          "    condition: event.card_id in lists.s && event.amount in lists.i &&\n"
                          "      event.price in lists.d && event.ip in lists.c\n"
                          "    action: block\n");
    write_text("s.txt", "\xEF\xBB\xBF# cards\nC1 # kept\n  C2\t\n\n#C3\n");
    write_text("sub/i.txt", "5 # five\n -7\n");
    write_text("d.txt", "0.5\n1e3#\n");
    write_text("c.txt", "10.0.0.0/8 # ours\n2001:db8::/32\n");
    expect("good lists", "");
    write_text("sub/i.txt", "5\n\nsix\n7 8\n");
    write_text("d.txt", "0,5\n");
    write_text("c.txt", "10.0.0.256\n");
    expect("bad entries", "./sub/i.txt:3:1: error: not a whole number\n"
                          "  six\n"
                          "  ^~~\n"
                          "  hint: one entry per line; # begins a comment\n"
                          "./sub/i.txt:4:1: error: not a whole number\n"
                          "  7 8\n"
                          "  ^~~\n"
                          "  hint: one entry per line; # begins a comment\n"
                          "./d.txt:1:1: error: not a number\n"
                          "  0,5\n"
                          "  ^~~\n"
                          "  hint: one entry per line; # begins a comment\n"
                          "./c.txt:1:1: error: not an address or a network like 10.0.0.0/8 or "
                          "2001:db8::/32\n"
                          "  10.0.0.256\n"
                          "  ^~~~~~~~~~\n"
                          "  hint: one entry per line; # begins a comment\n");
    write_bytes("sub/i.txt", "5\0 6\n", 5);
    write_text("d.txt", "");
    write_text("c.txt", "# none\n");
    expect("a NUL in a number", "./sub/i.txt:1:1: error: not a whole number\n"
                                "  5\n"
                                "  ^~~~\n"
                                "  hint: one entry per line; # begins a comment\n");
}

/* Variables stand on one another up to a bound, in any order of the file. */
static void a_pile_of_variables(void **state)
{
    (void)state;
    for (int height = 24; height <= 25; height++) {
        fd_strbuf b = {0};
        fd_strbuf_puts(&b, "variables:\n");
        for (int i = height - 1; i > 0; i--)
            fd_strbuf_printf(&b, "  - {name: v%d, expression: variables.v%d + 1}\n", i, i - 1);
        fd_strbuf_printf(&b,
                         "  - {name: v0, expression: event.amount}\nrules:\n"
                         "  - {id: a, condition: variables.v%d > 30, action: block}\n",
                         height - 1);
        write_rules("r.yaml", b.p);
        fd_ruleset *set;
        char *said = load(false, &set);
        assert_int_equal(set != NULL, height == 24);
        if (height > 24)
            assert_non_null(strstr(said, "variables are built on one another too deeply"));
        free(said);
        fd_ruleset_free(set);
        fd_strbuf_free(&b);
    }
}

static void bounds(void **state)
{
    (void)state;
    fd_strbuf b = {0};
    fd_strbuf_puts(&b, "rules:\n");
    for (int i = 0; i <= FD_RULES_MAX_RULES; i++)
        fd_strbuf_printf(&b, "  - {id: r%d, condition: event.ok, score: 1}\n", i);
    write_rules("r.yaml", b.p);
    expect("rules", "./r.yaml:20003:5: error: more than 20000 rules\n"
                    "    - {id: r20000, condition: event.ok, score: 1}\n"
                    "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n");
    fd_strbuf_reset(&b);
    fd_strbuf_puts(&b, "lists:\n");
    for (int i = 0; i <= FD_RULES_MAX_LISTS; i++)
        fd_strbuf_printf(&b, "  l%d: {type: int, items: []}\n", i);
    fd_strbuf_puts(&b, "variables:\n");
    for (int i = 0; i <= FD_RULES_MAX_VARIABLES; i++)
        fd_strbuf_printf(&b, "  - {name: v%d, expression: event.ok}\n", i);
    write_rules("r.yaml", b.p);
    expect("lists and variables", "./r.yaml:1027:3: error: more than 1024 lists\n"
                                  "    l1024: {type: int, items: []}\n"
                                  "    ^~~~~\n"
                                  "./r.yaml:5125:5: error: more than 4096 variables\n"
                                  "    - {name: v4096, expression: event.ok}\n"
                                  "      ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n");
    fd_strbuf_reset(&b);
    for (size_t i = 0; i < FD_RULES_MAX_YAML_BYTES; i++)
        fd_strbuf_putc(&b, i % 80 == 79 ? '\n' : '#');
    write_rules("r.yaml", b.p);
    expect("a file's bytes", "error: ./r.yaml: larger than the bound\n");
    remove_file("r.yaml");
    for (int i = 0; i <= FD_RULES_MAX_FILES; i++) {
        char name[32];
        snprintf(name, sizeof name, "r%d.yaml", i);
        write_text(name, "");
    }
    expect("files", "error: rule directory . has more than 1000 files\n");
    fd_strbuf_free(&b);
}

static void many_errors_are_counted(void **state)
{
    (void)state;
    fd_strbuf b = {0};
    fd_strbuf_puts(&b, "rules:\n");
    for (int i = 0; i < 300; i++)
        fd_strbuf_printf(&b, "  - {id: r%d, condition: event.oh, score: 1}\n", i);
    write_rules("r.yaml", b.p);
    char *said = load(false, NULL);
    assert_non_null(strstr(said, "... and 100 more\n"));
    free(said);
    fd_strbuf_free(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_directory, leave_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rules_word_for_word),
        TEST(sections_word_for_word),
        TEST(features_word_for_word),
        TEST(warnings_and_strict),
        TEST(a_warning_free_set_is_strict),
        TEST(whole_files),
        TEST(only_rule_files_are_read),
        TEST(a_config_map),
        TEST(several_files),
        TEST(a_rule_as_it_was_written),
        TEST(content_hashes),
        TEST(list_files),
        TEST(a_pile_of_variables),
        TEST(bounds),
        TEST(many_errors_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
