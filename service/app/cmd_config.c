/* `fraudd config`: what is configured, and where each value comes from. Main thread. */
#include <stdio.h>
#include <string.h>

#include "app/cli.h"
#include "app/commands.h"
#include "app/configure.h"

static int print(fd_strbuf *text)
{
    bool ok = fwrite(text->p, 1, text->n, stdout) == text->n && fflush(stdout) == 0;
    fd_strbuf_free(text);
    return ok ? FD_EXIT_OK : FD_EXIT_CHECK;
}

int fd_cmd_config(int argc, char **argv)
{
    fd_strbuf text = {0};
    if (argc == 2 && strcmp(argv[1], "--reference") == 0) {
        fd_config_reference(&text);
        return print(&text);
    }
    if (argc == 2 && strcmp(argv[1], "--manual") == 0) {
        fd_config_manual(&text);
        return print(&text);
    }
    fd_config *config = NULL;
    int code = fd_configure("config",
                            "Prints the effective configuration with the origin of each value. "
                            "With --reference alone: the documented default file; with --manual "
                            "alone: the same as a page.",
                            argc, argv, &config);
    if (code != FD_CLI_GO_ON)
        return code;
    fd_config_print(config, &text);
    fd_config_free(config);
    return print(&text);
}
