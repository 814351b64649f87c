/*
 * `fraudd models`: a directory of manifests, before it decides anything: is it whole, what does it
 * say of rows, why, and how fast. Main thread.
 */
#include <string.h>

#include "app/commands.h"
#include "app/models/models.h"

typedef struct action {
    const char *name;
    int (*run)(const fd_models_options *o, const fd_models *all, fd_diags *diags);
    bool needs_file;
} action;

static const action actions[] = {
    {"check", NULL, false},
    {"score", fd_models_score, true},
    {"explain", fd_models_explain, true},
    {"bench", fd_models_bench, false},
};
enum { N_ACTIONS = sizeof actions / sizeof *actions };

static const action *find(const char *name)
{
    for (int i = 0; i < N_ACTIONS; i++) {
        if (strcmp(actions[i].name, name) == 0)
            return &actions[i];
    }
    return NULL;
}

static int run(const action *a, const fd_models_options *o)
{
    fd_diags diags;
    fd_diags_init(&diags);
    int code = FD_EXIT_CONFIG;
    if (a->run == NULL) {
        code = fd_models_check(o, &diags);
    } else {
        fd_models *all = fd_models_load(o->dir, &diags);
        if (all != NULL)
            code = a->run(o, all, &diags);
        if (diags.n != 0)
            fd_cli_fail_diags(&diags);
        fd_models_free(all);
    }
    fd_diags_free(&diags);
    return code;
}

static const char EXAMPLES[] =
    "  fraudd models check --rules rules/ -s schemas/payment.avsc models/\n"
    "  fraudd models score models/ rows.csv --model card_gbdt > scores.csv\n"
    "  fraudd models explain models/ rows.csv --top 5 -o json\n"
    "  fraudd models bench models/\n"
    "  fraudd replay -c fraudd.yaml --scores --output csv payments.avro    # of events\n";

static const char SUMMARY[] =
    "Looks at a directory of models. check: do files, hashes, inputs and self-tests fit together,\n"
    "and what do they take? score and explain: what do they say of the rows of a CSV file that "
    "has\n"
    "a column for each input, and why? bench: how long does a row take?";

int fd_cmd_models(int argc, char **argv)
{
    static const char *const outputs[] = {"text", "csv", "json", NULL};
    fd_models_options o = {.top = 3};
    int output = 0;
    const fd_opt opts[] = {
        {'m', "model", FD_OPT_TEXT, &o.id, "ID", "which one, where there are several", 0, 0, NULL},
        {0, "rules", FD_OPT_TEXT, &o.rules, "DIR",
         "check: rules that have the features of the inputs", 0, 0, NULL},
        {'s', "schema", FD_OPT_TEXT, &o.schema, "FILE",
         "check: event schema (default: the sample payment)", 0, 0, NULL},
        {0, "source", FD_OPT_TEXT, &o.source, "TOPIC",
         "check: topic whose events are decided, for features that name it", 0, 0, NULL},
        {0, "top", FD_OPT_INT, &o.top, "N", "explain: reasons per row (3)", 0, 100, NULL},
        {'o', "output", FD_OPT_CHOICE, &output, NULL,
         "text for people; csv is what score and explain write; or a JSON object or line", 0, 0,
         outputs},
    };
    const fd_cli cli = {
        .name = "models",
        .synopsis = "check|score|explain|bench [options] DIRECTORY [FILE.csv|-]",
        .summary = SUMMARY,
        .examples = EXAMPLES,
        .opts = opts,
        .n_opts = sizeof opts / sizeof opts[0],
        .min_args = 2,
        .max_args = 3,
    };
    char **args;
    int n_args;
    int code = fd_cli_parse(&cli, argc, argv, &args, &n_args);
    if (code != FD_CLI_GO_ON)
        return code;
    const action *a = find(args[0]);
    if (a == NULL)
        return fd_cli_usage_error(
            &cli, "'%s' is not something models can do: check, score, explain, bench", args[0]);
    if (a->needs_file && n_args < 3)
        return fd_cli_usage_error(&cli, "%s needs a CSV file of inputs ('-': standard input)",
                                  a->name);
    if (a->run == NULL && n_args > 2)
        return fd_cli_usage_error(&cli, "check takes a directory alone");
    o.dir = args[1];
    o.file = n_args > 2 ? args[2] : NULL;
    o.json = output == 2;
    return run(a, &o);
}
