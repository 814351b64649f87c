/* Runs of rule tests; see rig.h. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../store/support.h"

outcome run_with(const char *schema, const fd_rules_test_options *options)
{
    outcome o = {0};
    fd_diags d;
    fd_diags_init(&d);
    size_t n = schema == NULL ? 0 : strlen(schema);
    const char *json = schema == NULL ? fd_embedded_payment_schema(&n) : schema;
    fd_schema *s = fd_schema_parse(json, n, "test.avsc", &d);
    assert_non_null(s);
    fd_rules_test_options all = *options;
    all.schema = s;
    o.code = fd_rules_test_run(&all, &o.result, &o.out, &o.junit);
    fd_schema_free(s);
    fd_diags_free(&d);
    return o;
}

void release_outcome(outcome *o)
{
    fd_strbuf_free(&o->out);
    fd_strbuf_free(&o->junit);
}

outcome run_texts(const char *schema, const char *rules, const char *tests)
{
    if (rules != NULL)
        write_text("r.yaml", rules);
    if (tests != NULL)
        write_text("r.test.yaml", tests);
    const fd_rules_test_options options = {.dir = "."};
    return run_with(schema, &options);
}

void expect_out(outcome *o, int code, const char *out)
{
    if (o->code != code || strcmp(o->out.p, out) != 0)
        fail_msg("%d\n--- got\n%s--- expected %d\n%s", o->code, o->out.p, code, out);
    release_outcome(o);
}
