/*
 * Runs conformance cases of the CEL specification: the *.textproto files of the given folders.
 *
 *     cel_conformance [FOLDER ...]      (without: FRAUDD_CEL_CONFORMANCE, or ../shared/data/cel)
 *
 * Every case is passed, failed, or skipped for a reason that is told; the reasons are those of
 * `skips` and of environment_of(): what needs a protobuf message, which events here are not. The
 * last line is the total. Exit: 0, 1 when a case failed, 2 for wrong use, 77 for no default folder.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/lang/sample.h"
#include "base/assert.h"
#include "conformance.h"

enum { EXIT_SKIPPED = 77, REASONS_MAX = 32 };

/* Cases that are not run, by what their expression or the refusal of it says. */
static const struct {
    bool in_message; /* else in the expression */
    const char *text, *reason;
} skips[] = {
    {true, "message literals are not supported", "makes a protobuf message"},
    {false, "TestAllTypes", "names a protobuf message type"},
    {false, "GlobalEnum", "names a protobuf enum"},
    {false, "NestedEnum", "names a protobuf enum"},
    {false, "google.protobuf.NullValue", "names a protobuf enum"},
    {false, "proto.getExt", "reads an extension of a protobuf message"},
    {false, "proto.hasExt", "reads an extension of a protobuf message"},
};

typedef struct counts {
    int passed, failed, skipped;
} counts;

static counts all;
static struct {
    const char *reason;
    int n;
} reasons[REASONS_MAX];

static void skip(const char *reason)
{
    int i = 0;
    while (reasons[i].reason != NULL && strcmp(reasons[i].reason, reason) != 0)
        i++;
    FD_ASSERT(i < REASONS_MAX - 1);
    reasons[i].reason = reason;
    reasons[i].n++;
    all.skipped++;
}

static const char *skip_reason(fd_str text, bool in_message)
{
    for (size_t i = 0; i < sizeof skips / sizeof *skips; i++) {
        if (skips[i].in_message == in_message && text.n != 0 &&
            memmem(text.p, text.n, skips[i].text, strlen(skips[i].text)) != NULL)
            return skips[i].reason;
    }
    return NULL;
}

static void fail(const char *file, const textproto *test, const char *got)
{
    const textproto *name = textproto_get(test, "name"), *expr = textproto_get(test, "expr");
    printf("FAILED %s: " FD_STR_FMT "\n  " FD_STR_FMT "\n  got: %s\n", file, FD_STR_ARG(name->text),
           FD_STR_ARG(expr->text), got);
    all.failed++;
}

/* Why the case cannot be run whatever the language does; NULL when it can. */
static const char *needs_message(const textproto *test, environment *e, fd_arena *arena)
{
    const textproto *typed = textproto_get(test, "typed_result");
    const char *reason = skip_reason(textproto_get(test, "expr")->text, false);
    if (reason == NULL)
        reason = environment_of(e, test, arena);
    if (reason == NULL && (is_message_value(textproto_get(test, "value")) ||
                           is_message_value(textproto_get(typed, "result"))))
        reason = "expects a protobuf message";
    if (reason == NULL && is_message_type(textproto_get(typed, "deduced_type")))
        reason = "expects a protobuf type";
    if (reason == NULL &&
        (textproto_get(test, "unknown") != NULL || textproto_get(test, "any_unknowns") != NULL))
        reason = "leaves parts of its input unknown, which an event never is";
    return reason;
}

static bool expects_error(const textproto *test)
{
    return textproto_get(test, "eval_error") != NULL ||
           textproto_get(test, "any_eval_errors") != NULL;
}

static void refused(const char *file, const textproto *test, const fd_diags *d)
{
    const char *message = d->items[0].text;
    const char *reason = skip_reason(fd_str_from(message), true);
    if (reason != NULL)
        skip(reason);
    else if (expects_error(test)) /* before the first event instead of at each */
        all.passed++;
    else
        fail(file, test, message);
}

static bool answer_matches(const textproto *test, const fd_cel_value *v)
{
    const textproto *typed = textproto_get(test, "typed_result");
    const textproto *want = textproto_get(typed == NULL ? test : typed,
                                          typed == NULL ? "value" : "result");
    if (expects_error(test))
        return v->kind == FD_CEL_ERROR;
    if (want == NULL) /* what a case has that says nothing */
        return v->kind == FD_CEL_BOOL && v->v.b;
    return value_matches(v, want);
}

static void run(const char *file, const textproto *test, environment *e, const fd_cel_program *p)
{
    const uint32_t row = 0;
    fd_cel_value v;
    fd_cel_run *r = fd_cel_run_new(e->programs, e->n_names, 1);
    fd_cel_run_begin(r, NULL, NULL);
    fd_cel_eval(r, p, &row, 1, &v);
    if (answer_matches(test, &v)) {
        all.passed++;
    } else {
        fd_strbuf got = {0};
        sample_show(&v, &got);
        fail(file, test, got.p);
        fd_strbuf_free(&got);
    }
    fd_cel_run_free(r);
}

static void run_case(const char *file, const textproto *test)
{
    fd_arena *a = fd_arena_new(4096, 0);
    environment e;
    const char *reason = needs_message(test, &e, a);
    if (reason != NULL) {
        skip(reason);
        fd_arena_free(a);
        return;
    }
    fd_diags d;
    fd_diags_init(&d);
    fd_cel_scope scope = {.environment = &e.lang};
    fd_cel_source src = {.text = textproto_get(test, "expr")->text};
    const fd_cel_program *p = fd_cel_compile(&scope, &src, a, &d);
    const textproto *deduced = textproto_get(textproto_get(test, "typed_result"), "deduced_type");
    char type[128];
    if (p == NULL)
        refused(file, test, &d);
    else if (deduced != NULL && !type_matches(fd_cel_program_type(p), deduced))
        fail(file, test, fd_cel_type_name(fd_cel_program_type(p), type, sizeof type));
    else if (textproto_is_true(test, "check_only"))
        all.passed++;
    else
        run(file, test, &e, p);
    fd_diags_free(&d);
    fd_arena_free(a);
}

/* ---- files ---- */

static int is_cases(const struct dirent *e)
{
    const char *dot = strrchr(e->d_name, '.');
    return dot != NULL && strcmp(dot, ".textproto") == 0;
}

static bool read_file(const char *path, fd_strbuf *text)
{
    char buf[4096];
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    for (size_t n; (n = fread(buf, 1, sizeof buf, f)) > 0;)
        fd_strbuf_add(text, buf, n);
    fclose(f);
    return true;
}

static void run_file(const char *folder, const char *name)
{
    fd_arena *a = fd_arena_new(64 * 1024, 0);
    const char *path = fd_arena_printf(a, "%s/%s", folder, name);
    fd_strbuf text = {0};
    int line = 0;
    counts before = all;
    const textproto *file = NULL;
    if (read_file(path, &text))
        file = textproto_parse((fd_str){text.p, (uint32_t)text.n}, a, &line);
    if (file == NULL) {
        printf("FAILED %s:%d: not a text proto\n", path, line);
        all.failed++;
    }
    const textproto *s = textproto_get(file, "section");
    for (; s != NULL; s = textproto_again(s)) {
        for (const textproto *t = textproto_get(s, "test"); t != NULL; t = textproto_again(t))
            run_case(name, t);
    }
    printf("%-28s %4d passed, %d failed, %d skipped\n", name, all.passed - before.passed,
           all.failed - before.failed, all.skipped - before.skipped);
    fd_strbuf_free(&text);
    fd_arena_free(a);
}

static bool run_folder(const char *folder)
{
    struct dirent **names;
    int n = scandir(folder, &names, is_cases, alphasort);
    if (n <= 0) {
        fprintf(stderr, "cel_conformance: no *.textproto in %s\n", folder);
        return false;
    }
    for (int i = 0; i < n; i++) {
        run_file(folder, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return true;
}

static int report(void)
{
    for (int i = 0; reasons[i].reason != NULL; i++)
        printf("skipped %4d: %s\n", reasons[i].n, reasons[i].reason);
    printf("%d passed, %d failed, %d skipped\n", all.passed, all.failed, all.skipped);
    return all.failed != 0;
}

int main(int argc, char **argv)
{
    const char *folder = getenv("FRAUDD_CEL_CONFORMANCE");
    if (folder == NULL)
        folder = "../shared/data/cel";
    if (argc > 1 && argv[1][0] == '-') {
        fprintf(stderr, "Usage: cel_conformance [FOLDER ...]\n");
        return 2;
    }
    if (argc == 1) {
        DIR *there = opendir(folder);
        if (there == NULL) {
            printf("SKIP: no cases in %s; set FRAUDD_CEL_CONFORMANCE\n", folder);
            return EXIT_SKIPPED;
        }
        closedir(there);
        return run_folder(folder) ? report() : 2;
    }
    for (int i = 1; i < argc; i++) {
        if (!run_folder(argv[i]))
            return 2;
    }
    return report();
}
