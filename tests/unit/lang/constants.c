/* See constants.h. */
#include "constants.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const fd_cel_program *compile(const char *text, fd_arena *a)
{
    fd_diags d;
    fd_diags_init(&d);
    fd_cel_source src = {.text = fd_str_from(text)};
    const fd_cel_program *p = fd_cel_compile(&(fd_cel_scope){0}, &src, a, &d);
    if (p == NULL) {
        fd_strbuf out = {0};
        fd_diags_render(&d, &out);
        print_error("%s\n%s", text, out.p);
        fd_strbuf_free(&out);
    }
    fd_diags_free(&d);
    assert_non_null(p);
    return p;
}

void check_constants(const constant_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fd_arena *a = fd_arena_new(4096, 0);
        const fd_cel_program *p = compile(cases[i].text, a);
        fd_cel_value v;
        fd_strbuf out = {0};
        if (!fd_cel_program_constant(p, &v))
            fail_msg("%s is not folded", cases[i].text);
        sample_show(&v, &out);
        if (strcmp(out.p, cases[i].want) != 0)
            fail_msg("%s\n  want %s\n  got  %s", cases[i].text, cases[i].want, out.p);
        fd_strbuf_free(&out);
        fd_arena_free(a);
    }
}
