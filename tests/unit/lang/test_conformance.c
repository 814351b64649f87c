/*
 * The conformance cases of the CEL specification (tests/simple/testdata in its repository): each
 * one is answered rightly, or refused because it needs something that this language does not have.
 *
 * Refusals that count as "not covered" are listed below by their message; any other refusal of a
 * case that has a value, and any wrong value, is a failure. The files are read from the folder in
 * FRAUDD_CEL_CONFORMANCE, else from ../shared/data/cel; without them the test is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>

#include "base/assert.h"
#include "lang/cel.h"
#include "sample.h"
#include "textproto.h"

enum { EXIT_SKIPPED = 77, FEATURES_MAX = 200, FILES_MAX = 100 };

/* Fewer right answers than this mean that something was lost. */
enum { RIGHT_AT_LEAST = 660 };

/* How a refusal begins or what it contains, and what the case would have needed. */
static const struct {
    const char *text, *needs; /* needs NULL: the quoted name in the message */
} gaps[] = {
    {"() is not in this version", NULL},
    {"there is no function '", NULL},
    {"there is no method '", NULL},
    {"unknown name '", "names of an environment (bindings, messages, enums, types)"},
    {"message literals are not supported", "message literals"},
    {"optional selection", "optional values"},
    {"optional index", "optional values"},
    {"optional elements", "optional values"},
    {"optional entries", "optional values"},
    {"time zones with rules", "time zones by name"},
};

typedef struct counts {
    int right, wrong, gaps;
} counts;

static counts all;
static struct feature {
    char *name;
    int n;
} features[FEATURES_MAX];
static int n_features;

static void count_gap(const char *feature)
{
    int i = 0;
    while (i < n_features && strcmp(features[i].name, feature) != 0)
        i++;
    assert_true(i < FEATURES_MAX);
    if (i == n_features) {
        features[n_features++].name = strdup(feature);
        features[i].n = 0;
    }
    features[i].n++;
    all.gaps++;
}

/* The name in quotes, or before "()". */
static void named_in(const char *message, char *out, size_t cap)
{
    const char *quote = strchr(message, '\'');
    const char *from = quote == NULL ? message : quote + 1;
    snprintf(out, cap, "%.*s()", (int)strcspn(from, "'("), from);
}

static bool is_gap(const char *message, char *feature, size_t cap)
{
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        if (strstr(message, gaps[i].text) == NULL)
            continue;
        if (gaps[i].needs != NULL)
            snprintf(feature, cap, "%s", gaps[i].needs);
        else
            named_in(message, feature, cap);
        return true;
    }
    return false;
}

/* ---- values ---- */

static bool matches(const fd_cel_value *v, const textproto *want);

static double number(fd_str text)
{
    char buf[64];
    snprintf(buf, sizeof buf, FD_STR_FMT, FD_STR_ARG(text));
    return strtod(buf, NULL);
}

static int64_t integer(const textproto *scalar)
{
    char buf[64];
    snprintf(buf, sizeof buf, FD_STR_FMT, scalar == NULL ? 1 : (int)scalar->text.n,
             scalar == NULL ? "0" : scalar->text.p);
    return strtoll(buf, NULL, 0);
}

static uint64_t whole(fd_str text)
{
    char buf[64];
    snprintf(buf, sizeof buf, FD_STR_FMT, FD_STR_ARG(text));
    return strtoull(buf, NULL, 0);
}

/* NaN is NaN, and the zeros differ. */
static bool same_double(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static bool list_matches(const fd_cel_value *v, const textproto *want)
{
    const textproto *e = textproto_get(want, "values");
    uint32_t n = v->kind == FD_CEL_LIST ? fd_cel_length(v) : 0;
    for (uint32_t i = 0; i < n; i++, e = textproto_again(e)) {
        fd_cel_value item = fd_cel_element(v, i);
        if (e == NULL || !matches(&item, e))
            return false;
    }
    return v->kind == FD_CEL_LIST && e == NULL;
}

static bool has_entry(const fd_cel_value *map, const textproto *entry)
{
    for (uint32_t i = 0; i < fd_cel_length(map); i++) {
        fd_cel_value key = fd_cel_map_key(map, i), value = fd_cel_map_value(map, i);
        if (matches(&key, textproto_get(entry, "key")))
            return matches(&value, textproto_get(entry, "value"));
    }
    return false;
}

static bool map_matches(const fd_cel_value *v, const textproto *want)
{
    uint32_t n = 0;
    if (v->kind != FD_CEL_MAP)
        return false;
    for (const textproto *e = textproto_get(want, "entries"); e != NULL; e = textproto_again(e)) {
        if (!has_entry(v, e))
            return false;
        n++;
    }
    return n == fd_cel_length(v);
}

static bool object_matches(const fd_cel_value *v, const textproto *object)
{
    const textproto *m = object->first;
    FD_ASSERT(m != NULL);
    fd_cel_kind kind = FD_CEL_ERROR;
    if (memmem(m->name.p, m->name.n, "protobuf.Timestamp]", 19) != NULL)
        kind = FD_CEL_TIMESTAMP;
    else if (memmem(m->name.p, m->name.n, "protobuf.Duration]", 18) != NULL)
        kind = FD_CEL_DURATION;
    return kind != FD_CEL_ERROR && v->kind == kind &&
           v->v.i == integer(textproto_get(m, "seconds")) &&
           fd_cel_nanos(v) == integer(textproto_get(m, "nanos"));
}

static bool matches(const fd_cel_value *v, const textproto *want)
{
    const textproto *f = want->first;
    FD_ASSERT(f != NULL);
    if (fd_str_eq_c(f->name, "null_value"))
        return v->kind == FD_CEL_NULL;
    if (fd_str_eq_c(f->name, "bool_value"))
        return v->kind == FD_CEL_BOOL && v->v.b == fd_str_eq_c(f->text, "true");
    if (fd_str_eq_c(f->name, "int64_value"))
        return v->kind == FD_CEL_INT && v->v.i == integer(f);
    if (fd_str_eq_c(f->name, "uint64_value"))
        return v->kind == FD_CEL_UINT && v->v.u == whole(f->text);
    if (fd_str_eq_c(f->name, "double_value"))
        return v->kind == FD_CEL_DOUBLE && same_double(v->v.d, number(f->text));
    if (fd_str_eq_c(f->name, "string_value"))
        return v->kind == FD_CEL_STRING && fd_str_eq(fd_cel_text(v), f->text);
    if (fd_str_eq_c(f->name, "bytes_value"))
        return v->kind == FD_CEL_BYTES && fd_str_eq(fd_cel_text(v), f->text);
    if (fd_str_eq_c(f->name, "list_value"))
        return list_matches(v, f);
    if (fd_str_eq_c(f->name, "map_value"))
        return map_matches(v, f);
    return fd_str_eq_c(f->name, "object_value") && object_matches(v, f);
}

/* ---- types ---- */

static bool type_matches(const fd_cel_type *t, const textproto *want)
{
    static const struct {
        const char *name;
        fd_cel_kind kind;
    } simple[] = {
        {"BOOL", FD_CEL_BOOL},           {"INT64", FD_CEL_INT},         {"UINT64", FD_CEL_UINT},
        {"DOUBLE", FD_CEL_DOUBLE},       {"STRING", FD_CEL_STRING},     {"BYTES", FD_CEL_BYTES},
        {"TIMESTAMP", FD_CEL_TIMESTAMP}, {"DURATION", FD_CEL_DURATION},
    };
    const textproto *f = want->first;
    if (f == NULL)
        return false;
    if (fd_str_eq_c(f->name, "null"))
        return t->kind == FD_CEL_NULL;
    if (fd_str_eq_c(f->name, "dyn"))
        return t->kind == FD_CEL_DYN;
    if (fd_str_eq_c(f->name, "list_type"))
        return t->kind == FD_CEL_LIST && type_matches(t->elem, textproto_get(f, "elem_type"));
    if (fd_str_eq_c(f->name, "map_type"))
        return t->kind == FD_CEL_MAP && type_matches(t->key, textproto_get(f, "key_type")) &&
               type_matches(t->elem, textproto_get(f, "value_type"));
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++) {
        if (fd_str_eq_c(f->text, simple[i].name))
            return t->kind == simple[i].kind;
    }
    return false;
}

/* ---- cases ---- */

static void wrong(const char *file, const textproto *test, const char *what)
{
    const textproto *name = textproto_get(test, "name"), *expr = textproto_get(test, "expr");
    print_error("%s: " FD_STR_FMT ": %s\n  " FD_STR_FMT "\n", file, FD_STR_ARG(name->text), what,
                FD_STR_ARG(expr->text));
    all.wrong++;
}

/* Refused: as the case has it, for want of a feature, or wrongly. */
static void refused(const char *file, const textproto *test, const fd_diags *d)
{
    char feature[200];
    const char *message = d->items[0].text;
    const textproto *off = textproto_get(test, "disable_check");
    if (is_gap(message, feature, sizeof feature))
        count_gap(feature);
    else if (textproto_get(test, "eval_error") != NULL)
        all.right++; /* before the first event instead of at each */
    else if (off != NULL && fd_str_eq_c(off->text, "true"))
        count_gap("mixed types without dyn() (the type check cannot be switched off)");
    else
        wrong(file, test, message);
}

static void answered(const char *file, const textproto *test, const fd_cel_program *p,
                     const fd_cel_value *v)
{
    const textproto *typed = textproto_get(test, "typed_result");
    const textproto *want = textproto_get(test, "value"), *type = NULL;
    fd_strbuf got = {0};
    if (typed != NULL) {
        want = textproto_get(typed, "result");
        type = textproto_get(typed, "deduced_type");
    }
    sample_show(v, &got);
    if (type != NULL && !type_matches(fd_cel_program_type(p), type))
        fd_strbuf_printf(&got, ", of type %s", fd_cel_kind_name(fd_cel_program_type(p)->kind));
    else if (textproto_get(test, "eval_error") != NULL)
        want = v->kind == FD_CEL_ERROR ? NULL : test;
    else if (want == NULL && type == NULL) /* what a case has that says nothing */
        want = v->kind == FD_CEL_BOOL && v->v.b ? NULL : test;
    else if (want != NULL && matches(v, want))
        want = NULL;
    if (want == NULL)
        all.right++;
    else
        wrong(file, test, got.p);
    fd_strbuf_free(&got);
}

static void run_case(const char *file, const textproto *test)
{
    static const fd_type event = {.kind = FD_RECORD, .name = "None"};
    const textproto *expr = textproto_get(test, "expr");
    assert_non_null(expr);
    fd_diags d;
    fd_diags_init(&d);
    fd_arena *a = fd_arena_new(4096, 0);
    fd_cel_scope scope = {.event = &event};
    fd_cel_source src = {.text = expr->text};
    const fd_cel_program *p = fd_cel_compile(&scope, &src, a, &d);
    if (p == NULL) {
        refused(file, test, &d);
    } else {
        fd_batch *b = fd_batch_new(&event, 1, 0);
        b->root.valid[0] = 1;
        b->root.n = 1;
        fd_cel_run *r = fd_cel_run_new(NULL, 0, 1);
        const uint32_t row = 0;
        fd_cel_value v;
        fd_cel_run_begin(r, b, NULL);
        fd_cel_eval(r, p, &row, 1, &v);
        answered(file, test, p, &v);
        fd_cel_run_free(r);
        fd_batch_free(b);
    }
    fd_arena_free(a);
    fd_diags_free(&d);
}

/* ---- files ---- */

static const char *folder(void)
{
    const char *given = getenv("FRAUDD_CEL_CONFORMANCE");
    return given == NULL ? "../shared/data/cel" : given;
}

static int is_cases(const struct dirent *e)
{
    const char *dot = strrchr(e->d_name, '.');
    return dot != NULL && strcmp(dot, ".textproto") == 0;
}

static void run_file(const char *name)
{
    fd_arena *a = fd_arena_new(64 * 1024, 0);
    char *path = fd_arena_printf(a, "%s/%s", folder(), name);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    fd_strbuf text = {0};
    char buf[4096];
    for (size_t n; (n = fread(buf, 1, sizeof buf, f)) > 0;)
        fd_strbuf_add(&text, buf, n);
    fclose(f);
    int line;
    const textproto *file = textproto_parse((fd_str){text.p, (uint32_t)text.n}, a, &line);
    if (file == NULL)
        fail_msg("%s:%d: not a text proto", path, line);
    counts before = all;
    const textproto *s = textproto_get(file, "section");
    for (; s != NULL; s = textproto_again(s)) {
        for (const textproto *t = textproto_get(s, "test"); t != NULL; t = textproto_again(t))
            run_case(name, t);
    }
    print_message("%-28s %4d right, %4d not covered, %d wrong\n", name, all.right - before.right,
                  all.gaps - before.gaps, all.wrong - before.wrong);
    fd_strbuf_free(&text);
    fd_arena_free(a);
}

static int by_count(const void *x, const void *y)
{
    const struct feature *a = x, *b = y;
    return (a->n < b->n) - (a->n > b->n);
}

static void conformance(void **state)
{
    (void)state;
    struct dirent **names;
    int n = scandir(folder(), &names, is_cases, alphasort);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        run_file(names[i]->d_name);
        free(names[i]);
    }
    free(names);
    print_message("in all %d right, %d not covered, %d wrong; not covered:\n", all.right, all.gaps,
                  all.wrong);
    qsort(features, (size_t)n_features, sizeof *features, by_count);
    for (int i = 0; i < n_features; i++) {
        print_message("%4d  %s\n", features[i].n, features[i].name);
        free(features[i].name);
    }
    assert_int_equal(all.wrong, 0);
    assert_true(all.right >= RIGHT_AT_LEAST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(conformance)};
    DIR *there = opendir(folder());
    if (there == NULL) {
        print_message("SKIP: no conformance cases in %s; set FRAUDD_CEL_CONFORMANCE\n", folder());
        return EXIT_SKIPPED;
    }
    closedir(there);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
