/* Finds the subcommand and runs it. Main thread. */
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "app/failpoints.h"
#include "base/diag.h"
#include "base/status.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *text;
};

static const struct command commands[] = {
#define X(name, fn, text) {name, fd_cmd_##fn, text},
    FD_COMMANDS(X)
#undef X
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static void print_help(FILE *to)
{
    fputs("fraudd: real-time fraud decisions on Kafka, exactly once\n\n"
          "usage: fraudd COMMAND [OPTIONS]\n\n",
          to);
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].text);
    fputs("\nfraudd COMMAND -h tells a command's options, with examples.\n"
          "exit codes: 0 ok, 1 check failed, 2 usage, 69 server unreachable, 78 configuration\n",
          to);
}

static int unknown(const char *name)
{
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++)
        names[i] = commands[i].name;
    const char *near = fd_did_you_mean(name, names, N_COMMANDS);
    fprintf(stderr, "fraudd: unknown command '%s'%s%s%s; see fraudd --help\n", name,
            near == NULL ? "" : ", did you mean '", near == NULL ? "" : near,
            near == NULL ? "" : "'?");
    return FD_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    fd_failpoints_arm();
    if (argc < 2) {
        print_help(stderr);
        return FD_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("fraudd %s\n", FD_VERSION);
        return FD_EXIT_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return FD_EXIT_OK;
    }
    for (int i = 0; i < N_COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    return unknown(argv[1]);
}
