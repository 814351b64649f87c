/*
 * Hostile CEL: any text is refused with places inside it, or compiled to a program that gives the
 * same answer for a row whatever it is asked with, and whichever evaluator is asked. Then the same
 * text without a type check, so that every function meets values of every type.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "../unit/lang/sample.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 3 };

static fd_cel_value in_list(const void *owner, const fd_cel_value *v)
{
    (void)owner;
    return fd_cel_bool(v->kind == FD_CEL_STRING && v->n == 1);
}
static const fd_cel_set the_list = {
    .elem = FD_CEL_STRING, .name = "l", .n_entries = 1, .contains = in_list};

static const fd_cel_program *variables[1];

static const fd_cel_set *find_list(void *ctx, fd_str name)
{
    (void)ctx;
    return fd_str_eq_c(name, "l") ? &the_list : NULL;
}

static fd_cel_lookup find_variable(void *ctx, fd_str name, const fd_cel_type **type, uint32_t *slot)
{
    (void)ctx;
    *slot = 0;
    if (variables[0] == NULL || !fd_str_eq_c(name, "v"))
        return FD_CEL_UNKNOWN;
    *type = fd_cel_program_type(variables[0]);
    return FD_CEL_FOUND;
}

static const fd_cel_scope scope = {.event = &sample_event,
                                   .list = find_list,
                                   .variable = find_variable,
                                   .feature = sample_find_feature};

static void check_places(const fd_diags *d, fd_str text)
{
    fd_strbuf out = {0};
    int lines = 1;
    for (uint32_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    for (size_t i = 0; i < d->n; i++) {
        FD_ASSERT(d->items[i].line >= 1 && d->items[i].line <= lines);
        FD_ASSERT(d->items[i].col >= 1 && (uint32_t)d->items[i].col <= text.n + 1);
        FD_ASSERT(d->items[i].width >= 1 && (uint32_t)d->items[i].width <= text.n + 1);
    }
    fd_diags_render(d, &out);
    fd_strbuf_free(&out);
}

static void check_answers(const fd_cel_program *p, const fd_batch *b, const fd_batch *features)
{
    static const uint32_t rows[] = {2, 0, 1, 0};
    enum { N = sizeof rows / sizeof *rows };
    fd_cel_run *r = fd_cel_run_new(variables, 1, 8);
    fd_cel_value v[N];
    uint8_t bytes[N];
    fd_strbuf first[N] = {0};
    bool condition = fd_cel_program_type(p)->kind == FD_CEL_BOOL;
    fd_cel_run_begin(r, b, features);
    fd_cel_eval(r, p, rows, N, v);
    fd_cel_test(r, p, rows, N, bytes);
    for (uint32_t i = 0; i < N; i++) {
        sample_show(&v[i], &first[i]);
        uint8_t want = v[i].kind != FD_CEL_BOOL ? FD_CEL_FAILED
                       : v[i].v.b               ? FD_CEL_TRUE
                                                : FD_CEL_FALSE;
        FD_ASSERT(!condition || v[i].kind == FD_CEL_BOOL || v[i].kind == FD_CEL_ERROR);
        FD_ASSERT(bytes[i] == want);
    }
    for (uint32_t i = 0; i < N; i++) {
        fd_strbuf again = {0};
        fd_cel_run_begin(r, b, features);
        fd_cel_eval(r, p, &rows[i], 1, &v[0]);
        sample_show(&v[0], &again);
        FD_ASSERT(strcmp(again.p, first[i].p) == 0);
        fd_strbuf_free(&again);
    }
    for (uint32_t i = 0; i < N; i++)
        fd_strbuf_free(&first[i]);
    fd_cel_run_free(r);
}

/* The canonical text is its own canonical text, and still means something. */
static void check_spelling(const fd_cel_source *src, fd_arena *a)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_cel_source once = {.text = fd_cel_canonical(src, a)};
    if (once.text.n < 32 * 1024 && fd_cel_compile(&scope, &once, a, &d) != NULL)
        FD_ASSERT(fd_str_eq(fd_cel_canonical(&once, a), once.text));
    fd_diags_free(&d);
}

static fd_cel_lookup no_variable(void *ctx, fd_str path, bool rooted, const fd_cel_type **type,
                                 uint32_t *slot)
{
    (void)ctx, (void)path, (void)rooted, (void)type, (void)slot;
    return FD_CEL_UNKNOWN;
}

/* Nothing is known of any type until it runs. */
static void run_unchecked(fd_cel_source src)
{
    static const fd_cel_environment unchecked = {.variable = no_variable, .unchecked = true};
    static const fd_cel_scope scope_of_it = {.environment = &unchecked};
    fd_diags d;
    fd_diags_init(&d);
    fd_arena *a = fd_arena_new(4096, 0);
    const fd_cel_program *p = fd_cel_compile(&scope_of_it, &src, a, &d);
    FD_ASSERT((p == NULL) == (d.errors > 0));
    if (p != NULL) {
        const uint32_t row = 0;
        fd_cel_value v;
        fd_strbuf text = {0};
        fd_cel_run *r = fd_cel_run_new(NULL, 0, 1);
        fd_cel_run_begin(r, NULL, NULL);
        fd_cel_eval(r, p, &row, 1, &v);
        FD_ASSERT(v.kind < FD_CEL_DYN);
        sample_show(&v, &text);
        fd_strbuf_free(&text);
        fd_cel_run_free(r);
    }
    fd_arena_free(a);
    fd_diags_free(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fd_batch *batch, *features;
    static fd_arena *forever;
    fd_diags d;
    fd_diags_init(&d);
    if (batch == NULL) {
        batch = sample_batch();
        features = sample_features_batch();
        forever = fd_arena_new(4096, 0);
        fd_cel_source src = {.text = FD_STR("100 / (event.amount - 100)")};
        variables[0] = fd_cel_compile(&scope, &src, forever, &d);
        FD_ASSERT(variables[0] != NULL);
    }
    fd_arena *a = fd_arena_new(4096, 0);
    fd_cel_source src = {.text = {(const char *)data, (uint32_t)size}};
    const fd_cel_program *p = fd_cel_compile(&scope, &src, a, &d);
    FD_ASSERT(p != NULL || d.errors > 0 || memmem(data, size, "broken", 6) != NULL);
    FD_ASSERT(p == NULL || d.errors == 0);
    check_places(&d, src.text);
    if (p != NULL) {
        fd_cel_value v;
        if (fd_cel_program_constant(p, &v))
            FD_ASSERT(v.kind < FD_CEL_DYN);
        check_answers(p, batch, features);
        check_spelling(&src, a);
    }
    fd_arena_free(a);
    fd_diags_free(&d);
    run_unchecked(src);
    return 0;
}
