/* Regular expressions: what matches, what is refused and where, and how much work is done at most.
 * tests/integration/test_regex.py asks RE2 the same of random patterns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/strbuf.h"
#include "lang/regex.h"

static const fd_regex *compile(const char *pattern, fd_arena *arena)
{
    fd_regex_error error;
    const fd_regex *re = fd_regex_compile(fd_str_from(pattern), FD_REGEX_PROGRAM_MAX, arena,
                                          &error);
    if (re == NULL)
        fail_msg("%s: refused at %u: %s", pattern, error.at, error.text);
    return re;
}

/* With room for the automaton, with hardly any, with none. */
static bool matches(const char *pattern, fd_str text)
{
    static const size_t room[] = {FD_REGEX_CACHE_BYTES, 2500, 0};
    fd_arena *arena = fd_arena_new(4096, 0);
    const fd_regex *re = compile(pattern, arena);
    int matched = 0;
    for (size_t k = 0; k < 3; k++) {
        fd_regex_run *run = fd_regex_run_new(re, room[k]);
        bool first = fd_regex_match(run, text);
        assert_int_equal(first, fd_regex_match(run, text));
        matched += first;
        fd_regex_run_free(run);
    }
    fd_arena_free(arena);
    if (matched % 3 != 0)
        fail_msg("%s: %d of 3 ways match " FD_STR_FMT, pattern, matched, FD_STR_ARG(text));
    return matched != 0;
}

typedef struct match_case {
    const char *pattern;
    const char *yes[6], *no[6]; /* texts */
} match_case;

static const match_case cases[] = {
    {"", {"", "x"}, {NULL}},
    {"ubb", {"hubba", "ubb"}, {"hub ba", ""}},
    {"foo|bar", {"foo", "a bar"}, {"", "fo", "ba"}},
    {"ba(na)*", {"banana", "ba"}, {"b"}},
    {"a+ñ+a+",
     {"mañana"},
     {"manana", "ma\xb1"
                "ana"}},
    {"(a|😀){2}", {"🐱😀😀", "a😀"}, {"😀b😀"}},
    {"^abc$", {"abc"}, {"abcd", "xabc", "abc\n"}},
    {"(?m)^abc$", {"x\nabc\ny", "abc"}, {"x abc"}},
    {"\\Aab\\z", {"ab"}, {"xab", "ab\n", "abx"}},
    {"(?m)\\Aab\\z", {"ab"}, {"x\nab"}},
    {"a.c",
     {"abc", "aéc", "a😀c"},
     {"a\nc", "ac",
      "a\xff"
      "c"}},
    {"(?s)a.c", {"a\nc", "abc"}, {"ac"}},
    {"a\\Cc",
     {"abc", "a\nc",
      "a\xff"
      "c"},
     {"aéc", "ac"}},
    {"\\d\\D\\s\\S\\w\\W", {"1a 1a-"}, {"aa 1a-", "1a 1aa"}},
    {"\\bcat\\b", {"a cat.", "cat", "écat"}, {"concat", "cat_", "cats"}},
    {"\\Bcat", {"concat"}, {"a cat", "cat"}},
    {"(?i)straSSe", {"STRASSE", "strasse", "ſtraſſe"}, {"straße"}},
    {"(?i)k", {"K", "k", "\u212a"}, {"c"}},
    {"(?i)[^k]", {"x"}, {"K", "k", "\u212a"}},
    {"(?i)ς", {"Σ", "σ", "ς"}, {"s"}},
    {"(?i:a)b", {"Ab", "ab"}, {"aB"}},
    {"(?i)a(?-i)b", {"Ab"}, {"AB"}},
    {"a(?i)b|c", {"aB", "C"}, {"AB"}},
    {"(?U)a+?b", {"aab"}, {"b"}},
    {"a{2}", {"aa", "baac"}, {"a"}},
    {"^a{2,}$", {"aa", "aaaa"}, {"a", "aab"}},
    {"^a{2,3}$", {"aa", "aaa"}, {"a", "aaaa"}},
    {"^(ab){0}c", {"c"}, {"abc"}},
    {"^a{0,2}b", {"b", "ab", "aab"}, {"aaab"}},
    {"x{,2}", {"x{,2}"}, {"xx"}},
    {"x{01}", {"x{01}"}, {"x"}},
    {"a{", {"a{"}, {"a"}},
    {"^(a*)*$", {"", "aaa"}, {"ab"}},
    {"^(a|b*)+c", {"abbc", "c"}, {"ad"}},
    {"a*?b+?c??$", {"abc", "b"}, {"a"}},
    {"\\Qa.b*\\E+$", {"a.b*", "a.b***"}, {"aXb*"}},
    {"\\x41\\x{1F600}\\101\\07", {"A😀A\a"}, {"A"}},
    {"\\a\\f\\t\\n\\r\\v", {"\a\f\t\n\r\v"}, {"a"}},
    {"[]a]", {"]", "a"}, {"b"}},
    {"[^]a]", {"b"}, {"]", "a", "]a"}},
    {"[a-]", {"-", "a"}, {"b"}},
    {"[\\d-x]", {"-", "5", "x"}, {"w"}},
    {"[[:alpha:]_]", {"a", "_"}, {"1"}},
    {"[[:^alpha:]]", {"1", "é"}, {"a"}},
    {"[^\\x00-\\x{10FFFF}]|b", {"b"}, {"a"}},
    {"\\pL\\p{Lu}\\PN", {"éÉx", "中AB"}, {"éé1", "1Ax"}},
    {"^\\p{Greek}+$", {"αβγ", "Ω"}, {"abc", "α b"}},
    {"^\\P{^Nd}$", {"7", "٣"}, {"x"}},
    {"^[\\p{Han}\\p{Hiragana}]{2}$", {"漢字", "ひら"}, {"漢", "漢a"}},
    {"\\p{Any}", {"x", "\n"}, {""}},
    {"(?P<user>\\w+)@(?<host>\\w+)\\.com", {"me@x.com"}, {"me@x,com"}},
    {".*@example\\.com", {"me@example.com"}, {"me@example,com"}},
    {"^(?:card|cash|cat)s?$", {"card", "cards", "cats", "cash"}, {"ca", "car", "cashes"}},
    {"(|a)+$", {"", "aa"}, {NULL}},
    {"^*a", {"a", "ba"}, {"b"}},
    {"\\B", {"aéa", "ab", ""}, {"a"}},
};

static void hand_made_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const match_case *c = &cases[i];
        for (int k = 0; k < 6 && c->yes[k] != NULL; k++) {
            if (!matches(c->pattern, fd_str_from(c->yes[k])))
                fail_msg("%s does not match '%s'", c->pattern, c->yes[k]);
        }
        for (int k = 0; k < 6 && c->no[k] != NULL; k++) {
            if (matches(c->pattern, fd_str_from(c->no[k])))
                fail_msg("%s matches '%s'", c->pattern, c->no[k]);
        }
    }
}

static void bytes_that_are_no_text(void **state)
{
    (void)state;
    assert_true(matches("a\\x00b", FD_STR("xa\0b")));
    assert_false(matches("a.b", FD_STR("a\xed\xa0\x80"
                                       "b"))); /* a surrogate */
    assert_false(matches("a.b", FD_STR("a\xc0\x80"
                                       "b"))); /* overlong */
    assert_false(matches("[^x]", FD_STR("\xff\x80")));
    assert_true(matches("^$", (fd_str){NULL, 0}));
    assert_false(matches("a", (fd_str){NULL, 0}));
}

typedef struct refusal {
    const char *pattern;
    uint32_t at, width;
    const char *text;
} refusal;

static const refusal refusals[] = {
    {"a(b", 1, 1, "')' is missing"},
    {"ab)c", 2, 1, "')' without '('"},
    {"x[a-c", 1, 4, "']' is missing"},
    {"a**", 1, 2, "two repetitions in a row"},
    {"a{2}{3}", 1, 6, "two repetitions in a row"},
    {"|*", 1, 1, "nothing to repeat"},
    {"(+)", 1, 1, "nothing to repeat"},
    {"a{3,2}", 1, 5, "a bad number of repetitions"},
    {"a{1001}", 1, 6, "a bad number of repetitions"},
    {"((a{100}){10}){2}", 14, 3, "too many repetitions"},
    {"[z-a]", 1, 3, "a range that ends before it begins"},
    {"[[:foo:]]", 1, 7, "unknown class"},
    {"x\\p{Klingon}", 1, 11, "unknown Unicode class"},
    {"\\pX", 0, 3, "unknown Unicode class"},
    {"\\p{Lu", 0, 5, "'}' is missing"},
    {"(a)\\1", 3, 2, "back-references are not supported"},
    {"a\\Z", 1, 2, "\\Z is not supported"},
    {"a\\e", 1, 2, "unknown escape"},
    {"\\x{110000}", 0, 2, "no character with this number"},
    {"a\\", 1, 1, "a backslash at the end"},
    {"a(?=b)", 1, 3, "look-around is not supported"},
    {"(?<!b)a", 0, 4, "look-around is not supported"},
    {"(?x)a", 0, 3, "unknown kind of group"},
    {"(?i-)a", 0, 5, "unknown kind of group"},
    {"(?P<n", 0, 5, "'>' is missing behind the name of a group"},
    {"(?P<a-b>x)", 0, 8, "a bad name of a group"},
    {"a\xff", 1, 1, "the pattern is not UTF-8 here"},
    {"\\pL{1000}", 0, 9, "the pattern is too large"},
};

static void refusals_have_a_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refusal *r = &refusals[i];
        fd_arena *arena = fd_arena_new(4096, 0);
        fd_regex_error e;
        if (fd_regex_compile(fd_str_from(r->pattern), FD_REGEX_PROGRAM_MAX, arena, &e) != NULL)
            fail_msg("%s is not refused", r->pattern);
        if (e.at != r->at || e.width != r->width || strcmp(e.text, r->text) != 0)
            fail_msg("%s: at %u, width %u: %s", r->pattern, e.at, e.width, e.text);
        fd_arena_free(arena);
    }
}

/* head, n times part, tail; to be freed. */
static fd_str repeated(const char *head, const char *part, uint32_t n, const char *tail)
{
    fd_strbuf b = {0};
    fd_strbuf_printf(&b, "%s", head);
    for (uint32_t i = 0; i < n; i++)
        fd_strbuf_printf(&b, "%s", part);
    fd_strbuf_printf(&b, "%s", tail);
    return (fd_str){b.p, (uint32_t)b.n};
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    fd_arena *arena = fd_arena_new(4096, 0);
    fd_regex_error e;
    fd_str deep = repeated("", "(", 1200, "a"), wide = repeated("", "word ", 12000, "");
    assert_null(fd_regex_compile(deep, FD_REGEX_PROGRAM_MAX, arena, &e));
    assert_string_equal(e.text, "nested too deeply");
    assert_null(fd_regex_compile(wide, FD_REGEX_PROGRAM_MAX, arena, &e));
    assert_string_equal(e.text, "the pattern is too large");
    assert_null(fd_regex_compile(FD_STR("a{100}"), 100, arena, &e));
    assert_non_null(fd_regex_compile(FD_STR("a{90}"), 100, arena, &e));
    assert_true(fd_arena_used(arena) < 4096);
    free((void *)(uintptr_t)deep.p);
    free((void *)(uintptr_t)wide.p);
    fd_arena_free(arena);
}

typedef struct hard_case {
    const char *pattern;
    const char *part; /* of the text, again and again */
    const char *tail;
    bool matched;
} hard_case;

/* What makes a matcher that goes back take time exponential, or quadratic, in the text. */
static const hard_case hard[] = {
    {"^(a+)+$", "a", "!", false},
    {"^(a|aa)+$", "a", "!", false},
    {"^(a|a?)+$", "a", "!", false},
    {"(x+x+)+y", "x", "", false},
    {"^(.*)*=(.*)*;$", "x", "=", false},
    {"(a?){30}a{30}b", "a", "", false},
    {"^(([a-z])+.)+[A-Z]([a-z])+$", "a", "", false},
    {"(.*)(.*)(.*)(.*)(.*)[^x]y", "x", "y", false},
    {"a.{300}b$", "ab", "a", false},
    {"[01]*1[01]{12}x", "0110100110010110100", "", false}, /* 8,192 states */
    {"(?i)(\\pL|\\pN)*\\p{Greek}[^a-z]{20}!", "aΩ1я", "", false},
    {"\\b(\\w+ )+\\w*$", "ab ", "-", false},
    {"abcabd", "abcabc", "", false},
    {"(foo|.)*bar.*needle$", "foo", "bar needle", true},
};

static uint64_t steps_of(const hard_case *c, uint32_t n, size_t room, size_t *program)
{
    fd_arena *arena = fd_arena_new(4096, 0);
    const fd_regex *re = compile(c->pattern, arena);
    fd_str text = repeated("", c->part, n / (uint32_t)strlen(c->part), c->tail);
    fd_regex_run *run = fd_regex_run_new(re, room);
    uint64_t before = fd_regex_run_steps(run);
    assert_int_equal(fd_regex_match(run, text), c->matched);
    uint64_t steps = fd_regex_run_steps(run) - before;
    *program = fd_regex_bytes(re) / 8;
    /* a byte may cost a look at every instruction, a few times; never more */
    assert_true(steps <= ((uint64_t)text.n + 1) * 6 * *program);
    assert_true(fd_regex_run_bytes(run) <= room + 12 * *program + 1024);
    fd_regex_run_free(run);
    fd_arena_free(arena);
    free((void *)(uintptr_t)text.p);
    return steps;
}

/* Ten times the text is ten times the work, whatever the pattern and however little room. */
static void work_is_linear(void **state)
{
    (void)state;
    static const size_t room[] = {FD_REGEX_CACHE_BYTES, 4000, 0};
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) {
        for (size_t k = 0; k < 3; k++) {
            size_t program;
            uint64_t small = steps_of(&hard[i], 4000, room[k], &program);
            uint64_t large = steps_of(&hard[i], 40000, room[k], &program);
            if (large > 12 * small + 40000)
                fail_msg("%s: %llu steps, for ten times the text %llu", hard[i].pattern,
                         (unsigned long long)small, (unsigned long long)large);
        }
    }
}

/* Once the states are known, a byte costs one step. */
static void automaton_is_remembered(void **state)
{
    (void)state;
    fd_arena *arena = fd_arena_new(4096, 0);
    const fd_regex *re = compile("(\\w+)@(\\w+\\.)+(com|net|org)$", arena);
    fd_regex_run *run = fd_regex_run_new(re, FD_REGEX_CACHE_BYTES);
    fd_str text = FD_STR("somebody.else@mail.example.org");
    assert_true(fd_regex_match(run, text));
    uint64_t before = fd_regex_run_steps(run);
    size_t held = fd_regex_run_bytes(run);
    for (int i = 0; i < 1000; i++)
        assert_true(fd_regex_match(run, text));
    assert_int_equal(fd_regex_run_steps(run) - before, 1000 * (text.n + 1));
    assert_int_equal(fd_regex_run_bytes(run), held);
    fd_regex_run_free(run);
    fd_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_made_cases),       cmocka_unit_test(bytes_that_are_no_text),
        cmocka_unit_test(refusals_have_a_place), cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(work_is_linear),        cmocka_unit_test(automaton_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
