/* Loads the configuration for a command, and says what is wrong with it. Main thread. */
#include "app/configure.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/cli.h"
#include "base/arena.h"

extern char **environ;

int fd_configure_from(const char *path, const char *const *set, size_t n_set, fd_config **out)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    fd_config_inputs inputs = {
        .path = path,
        .env = (const char *const *)environ,
        .hostname = host,
        .n_set = n_set,
        .set = set,
    };
    fd_diags diags;
    fd_diags_init(&diags);
    *out = fd_config_load(&inputs, &diags);
    int code = FD_CLI_GO_ON;
    if (*out == NULL) {
        code = fd_cli_fail_diags(&diags);
    } else if (diags.n > 0) {
        fd_strbuf text = {0};
        fd_diags_render(&diags, &text);
        fputs(text.p, stderr);
        fd_strbuf_free(&text);
    }
    fd_diags_free(&diags);
    return code;
}

static int load(const char *path, const fd_cli_kvs *set, fd_config **out)
{
    fd_arena *arena = fd_arena_new(1024, 0);
    const char *texts[FD_CLI_MAX_KVS];
    for (size_t i = 0; i < set->n; i++)
        texts[i] = fd_arena_printf(arena, "%s=%s", set->items[i].key, set->items[i].value);
    int code = fd_configure_from(path, texts, set->n, out);
    fd_arena_free(arena);
    return code;
}

int fd_configure(const char *command, const char *summary, int argc, char **argv, fd_config **out)
{
    const char *path = NULL;
    fd_cli_kvs set = {0};
    const fd_opt opts[] = {
        {'c', "config", FD_OPT_TEXT, &path, "FILE", "YAML file (default: none)", 0, 0, NULL},
        {'s', "set", FD_OPT_KV, &set, "SECTION.KEY=VALUE", "override a key; may be repeated", 0, 0,
         NULL},
    };
    const fd_cli cli = {
        .name = command,
        .synopsis = "[-c FILE] [--set section.key=value ...]",
        .summary = summary,
        .examples =
            "  fraudd run -c fraudd.yaml\n"
            "  FRAUDD_GROUP=blue fraudd run -c fraudd.yaml --set http.listen=0.0.0.0:9464\n",
        .opts = opts,
        .n_opts = sizeof opts / sizeof opts[0],
    };
    char **args;
    int n_args;
    int code = fd_cli_parse(&cli, argc, argv, &args, &n_args);
    if (code != FD_CLI_GO_ON)
        return code;
    return load(path, &set, out);
}
