/* `fraudd rules diff`: two rule directories, by what they mean. Main thread. */
#include <stdio.h>
#include <stdlib.h>

#include "app/commands.h"
#include "app/tools/models.h"
#include "app/tools/schemas.h"
#include "base/assert.h"
#include "features/windows.h"
#include "store/diff.h"

/* What it is warned of is the business of `rules check`. */
static fd_ruleset *load(const char *dir, const fd_ruleset_source *from, const fd_schema *schema)
{
    fd_diags diags;
    fd_diags_init(&diags);
    fd_ruleset *set = fd_ruleset_load(dir, from, fd_schema_type(schema), false, &diags);
    if (set == NULL)
        fd_cli_fail_diags(&diags);
    fd_diags_free(&diags);
    return set;
}

static int compare(char **dirs, const fd_ruleset *a, const fd_ruleset *b, bool json)
{
    const fd_window_layout *narrow = fd_ruleset_layout(b);
    uint16_t *from = calloc(narrow->n_features + 1U, sizeof *from);
    FD_ALLOCATED(from);
    const fd_rules_diff_input in = {
        .a = a,
        .b = b,
        .name_a = dirs[0],
        .name_b = dirs[1],
        .covered = fd_windows_cover(fd_ruleset_layout(a), narrow, from)};
    fd_strbuf out = {0};
    bool differs = fd_rules_diff(&in, json, &out);
    fwrite(out.p, 1, out.n, stdout);
    fd_strbuf_free(&out);
    free(from);
    return differs ? FD_EXIT_CHECK : FD_EXIT_OK;
}

int fd_cmd_rules_diff(int argc, char **argv)
{
    static const char *const outputs[] = {"text", "json", NULL};
    const char *schema_name = "payment", *source = NULL, *models = NULL;
    int output = 0;
    const fd_opt opts[] = {
        {'s', "schema", FD_OPT_TEXT, &schema_name, "FILE",
         "event schema (default: the sample payment)", 0, 0, NULL},
        {0, "source", FD_OPT_TEXT, &source, "TOPIC",
         "topic whose events are decided, for features that name it", 0, 0, NULL},
        {0, "models", FD_OPT_TEXT, &models, "DIR", "manifests of the models that the rules name", 0,
         0, NULL},
        {'o', "output", FD_OPT_CHOICE, &output, NULL, "how the answer is written", 0, 0, outputs},
    };
    const fd_cli cli = {
        .name = "rules diff",
        .synopsis = "[options] BEFORE AFTER",
        .summary = "Compares two rule directories by what they mean: blanks, comments, files and "
                   "order aside. Says\nwhether windows must be built anew for the second. Exits "
                   "with 0 when they mean the same, with 1\nwhen they differ, with 78 when one "
                   "cannot be loaded.",
        .examples = "  fraudd rules diff rules/ rules-new/\n"
                    "  fraudd rules show 7978425 -o /tmp/then && fraudd rules diff /tmp/then/rules "
                    "rules/\n",
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
    fd_diags diags;
    fd_diags_init(&diags);
    fd_schema *schema = fd_tool_schema(schema_name, &diags);
    fd_tool_models loaded = {0};
    fd_ruleset *a = NULL, *b = NULL;
    if (schema == NULL || !fd_tool_models_load(models, &loaded, &diags)) {
        code = fd_cli_fail_diags(&diags);
    } else {
        const fd_ruleset_source from = {
            .topic = source, .n_models = fd_models_n(loaded.models), .models = loaded.declared};
        a = load(args[0], &from, schema);
        b = load(args[1], &from, schema);
        code = a == NULL || b == NULL ? FD_EXIT_CONFIG : compare(args, a, b, output == 1);
    }
    fd_ruleset_free(a);
    fd_ruleset_free(b);
    fd_tool_models_free(&loaded);
    fd_schema_free(schema);
    fd_diags_free(&diags);
    return code;
}
