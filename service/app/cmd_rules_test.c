/* `fraudd rules test`: the tests beside rule files, run. Main thread. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "app/tools/models.h"
#include "app/tools/schemas.h"
#include "testing/testing.h"

/* A report that CI reads must be there as a whole, or be said not to be. */
static int write_junit(const char *path, const fd_strbuf *xml, int code)
{
    FILE *f = fopen(path, "we");
    bool ok = f != NULL && fwrite(xml->p, 1, xml->n, f) == xml->n;
    ok = f != NULL && fclose(f) == 0 && ok;
    if (ok)
        return code;
    fd_err err = {.exit_code = FD_EXIT_CHECK};
    snprintf(err.text, sizeof err.text, "--junit %s: %s", path, strerror(errno));
    return fd_cli_fail(&err);
}

static int run(fd_rules_test_options *o, const char *schema, const char *models, const char *junit)
{
    fd_diags diags;
    fd_diags_init(&diags);
    fd_schema *s = fd_tool_schema(schema, &diags);
    fd_tool_models loaded = {0};
    int code;
    if (s == NULL || !fd_tool_models_load(models, &loaded, &diags)) {
        code = fd_cli_fail_diags(&diags);
    } else {
        fd_strbuf out = {0}, xml = {0};
        fd_rules_test_result result;
        fd_tool_models_lend(&loaded, o);
        o->schema = s;
        code = fd_rules_test_run(o, &result, &out, junit == NULL ? NULL : &xml);
        fwrite(out.p, 1, out.n, result.refused && !o->json ? stderr : stdout);
        if (!result.refused && result.n_files == 0) {
            fd_cli_notice("%s has no *.test.yaml file: nothing was tested", o->dir);
            code = FD_EXIT_CHECK;
        }
        if (junit != NULL)
            code = write_junit(junit, &xml, code);
        fd_strbuf_free(&out);
        fd_strbuf_free(&xml);
    }
    fd_tool_models_free(&loaded);
    fd_schema_free(s);
    fd_diags_free(&diags);
    return code;
}

int fd_cmd_rules_test(int argc, char **argv)
{
    static const char *const outputs[] = {"text", "json", NULL};
    const char *schema = "payment", *junit = NULL, *models = NULL;
    int output = 0;
    fd_rules_test_options o = {0};
    const fd_opt opts[] = {
        {'s', "schema", FD_OPT_TEXT, &schema, "FILE", "event schema (default: the sample payment)",
         0, 0, NULL},
        {0, "source", FD_OPT_TEXT, &o.topic, "TOPIC",
         "topic whose events are decided, for features that name it", 0, 0, NULL},
        {0, "models", FD_OPT_TEXT, &models, "DIR", "manifests of the models that the rules name", 0,
         0, NULL},
        {0, "id", FD_OPT_TEXT, &o.id, "FIELD", "the event's id (tx_id, id or event_id)", 0, 0,
         NULL},
        {0, "time", FD_OPT_TEXT, &o.time, "FIELD",
         "the event's time (event_time, or the only timestamp)", 0, 0, NULL},
        {0, "coverage", FD_OPT_FLAG, &o.coverage, NULL,
         "name the rules that never, or always, fired", 0, 0, NULL},
        {0, "junit", FD_OPT_TEXT, &junit, "FILE", "write a report as JUnit does", 0, 0, NULL},
        {'o', "output", FD_OPT_CHOICE, &output, NULL, "how the answer is written", 0, 0, outputs},
    };
    const fd_cli cli = {
        .name = "rules test",
        .synopsis = "[options] DIRECTORY [FILE ...]",
        .summary = "Runs the tests of a rule directory: its *.test.yaml, or the files given. Each "
                   "test gives timed\nevents to the rules, with empty windows at first, and says "
                   "what is to be decided. Exits with 0,\nwith 1 when a test failed or there is "
                   "none, with 78 when rules or tests cannot be loaded.",
        .examples = "  fraudd rules test rules/packs/starter\n"
                    "  fraudd rules test -s schemas/payment.avsc --coverage rules/\n"
                    "  fraudd rules test --junit build/rules.xml rules/ rules/cards.test.yaml\n",
        .opts = opts,
        .n_opts = sizeof opts / sizeof opts[0],
        .min_args = 1,
        .max_args = FD_RULES_TEST_MAX_FILES + 1,
    };
    char **args;
    int n_args;
    int code = fd_cli_parse(&cli, argc, argv, &args, &n_args);
    if (code != FD_CLI_GO_ON)
        return code;
    o.dir = args[0];
    o.files = (const char *const *)args + 1;
    o.n_files = (uint32_t)n_args - 1;
    o.json = output == 1;
    return run(&o, schema, models, junit);
}
