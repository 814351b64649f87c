/*
 * `fraudd rules check`: rule files against the event schema, before they meet events.
 * `fraudd rules explain`: what a set keeps, shares and costs. Tests are in cmd_rules_test.c. Main
 * thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/cmd_rules_archive.h"
#include "app/commands.h"
#include "app/tools/models.h"
#include "app/tools/schemas.h"
#include "base/assert.h"
#include "codec/schema.h"
#include "features/windows.h"
#include "store/check.h"
#include "store/explain.h"

typedef struct options {
    const char *dir, *schema, *source, *models;
    bool strict, json;
} options;

/* What a set is checked against. */
typedef struct context {
    fd_schema *schema;
    fd_tool_models models;
    fd_ruleset_source source;
} context;

static bool open_context(const options *o, context *c, fd_diags *diags)
{
    *c = (context){.schema = fd_tool_schema(o->schema, diags)};
    if (c->schema == NULL || !fd_tool_models_load(o->models, &c->models, diags))
        return false;
    c->source = (fd_ruleset_source){.topic = o->source,
                                    .n_models = fd_models_n(c->models.models),
                                    .models = c->models.declared};
    return true;
}

static void close_context(context *c)
{
    fd_tool_models_free(&c->models);
    fd_schema_free(c->schema);
}

static int check(const options *o)
{
    fd_diags diags;
    fd_diags_init(&diags);
    context c;
    int code;
    if (!open_context(o, &c, &diags)) {
        code = fd_cli_fail_diags(&diags);
    } else {
        fd_strbuf out = {0};
        code = fd_rules_check(o->dir, &c.source, fd_schema_type(c.schema), o->strict, o->json,
                              &out);
        /* Diagnostics of a refused set are notices; what was asked for is the JSON. */
        fwrite(out.p, 1, out.n, o->json || code == FD_EXIT_OK ? stdout : stderr);
        fd_strbuf_free(&out);
    }
    close_context(&c);
    fd_diags_free(&diags);
    return code;
}

static void explain_set(const fd_ruleset *set, bool json)
{
    const fd_window_layout *layout = fd_ruleset_layout(set);
    fd_key_size *sizes = calloc(layout->n_keys + 1U, sizeof *sizes);
    FD_ALLOCATED(sizes);
    for (uint16_t k = 0; k < layout->n_keys; k++) {
        fd_window_size s = fd_windows_size(&layout->keys[k]);
        sizes[k] = (fd_key_size){.entity = s.entity, .event = s.event};
    }
    fd_strbuf out = {0};
    fd_rules_explain(set, sizes, json, &out);
    fwrite(out.p, 1, out.n, stdout);
    fd_strbuf_free(&out);
    free(sizes);
}

static int explain(const options *o)
{
    fd_diags diags;
    fd_diags_init(&diags);
    context c;
    fd_ruleset *set = NULL;
    if (open_context(o, &c, &diags))
        set = fd_ruleset_load(o->dir, &c.source, fd_schema_type(c.schema), o->strict, &diags);
    int code = FD_EXIT_OK;
    if (set == NULL)
        code = fd_cli_fail_diags(&diags);
    else
        explain_set(set, o->json);
    fd_ruleset_free(set);
    close_context(&c);
    fd_diags_free(&diags);
    return code;
}

int fd_cmd_rules(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "show") == 0)
        return fd_rules_show(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "history") == 0)
        return fd_rules_history(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "test") == 0)
        return fd_cmd_rules_test(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "diff") == 0)
        return fd_cmd_rules_diff(argc - 1, argv + 1);
    static const char *const outputs[] = {"text", "json", NULL};
    options o = {.schema = "payment"};
    int output = 0;
    const fd_opt opts[] = {
        {'s', "schema", FD_OPT_TEXT, &o.schema, "FILE",
         "event schema (default: the sample payment)", 0, 0, NULL},
        {0, "source", FD_OPT_TEXT, &o.source, "TOPIC",
         "topic whose events are decided, for features that name it", 0, 0, NULL},
        {0, "models", FD_OPT_TEXT, &o.models, "DIR", "manifests of the models that the rules name",
         0, 0, NULL},
        {0, "strict", FD_OPT_FLAG, &o.strict, NULL, "warnings refuse the set too", 0, 0, NULL},
        {'o', "output", FD_OPT_CHOICE, &output, NULL, "how the answer is written", 0, 0, outputs},
    };
    const fd_cli cli = {
        .name = "rules",
        .synopsis =
            "check|explain [-s SCHEMA] [--source TOPIC] [--models DIR] [--strict] [-o text|json] "
            "DIRECTORY\n"
            "       fraudd rules test|diff|show|history -h",
        .summary = "Loads a directory of rule files. check says everything that is wrong with it, "
                   "explain what its\nfeatures keep, what its rules share and cost, and which run "
                   "row by row, and why.",
        .examples = "  fraudd rules check rules/packs/starter\n"
                    "  fraudd rules check -s schemas/payment.avsc --strict -o json rules/\n"
                    "  fraudd rules explain rules/packs/starter\n",
        .opts = opts,
        .n_opts = sizeof opts / sizeof opts[0],
        .min_args = 2,
        .max_args = 2,
    };
    char **args;
    int n_args;
    int code = fd_cli_parse(&cli, argc, argv, &args, &n_args);
    if (code != FD_CLI_GO_ON)
        return code;
    o.dir = args[1];
    o.json = output == 1;
    if (strcmp(args[0], "explain") == 0)
        return explain(&o);
    if (strcmp(args[0], "check") != 0)
        return fd_cli_usage_error(
            &cli, "'%s' is not something rules can do: check, explain, test, diff, show, history",
            args[0]);
    return check(&o);
}
