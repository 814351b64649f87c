/* Options, help and errors of the subcommands; see cli.h. Thread: main. */
#include "app/cli.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/strbuf.h"

enum { OPT_HELP = 1000, OPT_VERSION, OPT_FIRST };

void fd_cli_notice(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    flockfile(stderr);
    fputs("% ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    funlockfile(stderr);
    va_end(ap);
}

int fd_cli_usage_error(const fd_cli *cli, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "fraudd %s: ", cli->name);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "; see fraudd %s -h\n", cli->name);
    va_end(ap);
    return FD_EXIT_USAGE;
}

int fd_cli_fail(const fd_err *err)
{
    fprintf(stderr, "fraudd: error: %s\n", err->text);
    return err->exit_code != 0 ? err->exit_code : FD_EXIT_CHECK;
}

int fd_cli_fail_diags(const fd_diags *diags)
{
    fd_strbuf text = {0};
    fd_diags_render(diags, &text);
    if (text.n > 0)
        fwrite(text.p, 1, text.n, stderr);
    fd_strbuf_free(&text);
    return FD_EXIT_CONFIG;
}

void fd_cli_first_error(fd_diags *diags, fd_err *err)
{
    static const fd_diag unsaid = {.text = "it cannot be read"};
    const fd_diag *d = diags->n > 0 ? &diags->items[0] : &unsaid;
    char line[16] = "";
    if (d->line > 0)
        snprintf(line, sizeof line, ":%d", d->line);
    fd_fail(err, FD_RETRY, FD_EXIT_CHECK, "%s%s%s%s%s%s", d->file == NULL ? "" : d->file, line,
            d->file == NULL ? "" : ": ", d->text, d->hint == NULL ? "" : "; ",
            d->hint == NULL ? "" : d->hint);
    fd_diags_free(diags);
    fd_diags_init(diags);
}

/* ---- help ---- */

static const char *value_name(const fd_opt *o)
{
    return o->value != NULL ? o->value : o->kind == FD_OPT_KV ? "KEY=VALUE" : "VALUE";
}

static void print_option(const fd_opt *o)
{
    enum { COLUMN = 30 };
    fd_strbuf left = {0};
    if (o->letter != 0)
        fd_strbuf_printf(&left, "  -%c%s", o->letter, o->name != NULL ? ", " : "");
    else
        fd_strbuf_puts(&left, "      ");
    if (o->name != NULL)
        fd_strbuf_printf(&left, "--%s", o->name);
    if (o->kind == FD_OPT_CHOICE) {
        for (size_t i = 0; o->choices[i] != NULL; i++)
            fd_strbuf_printf(&left, "%c%s", i == 0 ? ' ' : '|', o->choices[i]);
    } else if (o->kind != FD_OPT_FLAG) {
        fd_strbuf_printf(&left, " %s", value_name(o));
    }
    printf("%-*s", COLUMN, left.p);
    if (left.n >= COLUMN)
        printf("\n%*s", COLUMN, "");
    printf("%s\n", o->help);
    fd_strbuf_free(&left);
}

static void print_help(const fd_cli *cli)
{
    printf("Usage: fraudd %s %s\n\n%s\n\nOptions:\n", cli->name, cli->synopsis, cli->summary);
    for (size_t i = 0; i < cli->n_opts; i++)
        print_option(&cli->opts[i]);
    printf("%-30sthis text\n%-30sthe version\n\nExamples:\n%s", "  -h, --help", "      --version",
           cli->examples);
}

/* ---- values ---- */

static bool parse_int(const char *text, int64_t *out)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        return false;
    *out = v;
    return true;
}

/* Decimal digits only, no floating point: "12.5" is 125000 ppm of 100. */
bool fd_cli_parse_ppm(const char *text, int64_t *out)
{
    int64_t v = 0;
    int digits = 0, decimals = -1;
    const char *p = text;
    for (; (*p >= '0' && *p <= '9') || (*p == '.' && decimals < 0); p++) {
        if (*p == '.') {
            decimals = 0;
            continue;
        }
        if (++digits > 9 || decimals == 4)
            return false;
        v = v * 10 + (*p - '0');
        decimals += decimals >= 0;
    }
    if (*p == '%')
        p++;
    for (int d = decimals < 0 ? 0 : decimals; d < 4; d++)
        v *= 10;
    *out = v;
    return digits > 0 && *p == '\0' && v <= 1000000;
}

static void name_of(const fd_opt *o, char *out, size_t max)
{
    if (o->name != NULL)
        snprintf(out, max, "--%s", o->name);
    else
        snprintf(out, max, "-%c", o->letter);
}

static int set_choice(const fd_cli *cli, const fd_opt *o, const char *name, const char *text)
{
    fd_strbuf all = {0};
    for (size_t i = 0; o->choices[i] != NULL; i++) {
        if (strcmp(o->choices[i], text) == 0) {
            *(int *)o->target = (int)i;
            fd_strbuf_free(&all);
            return FD_CLI_GO_ON;
        }
        fd_strbuf_printf(&all, "%s%s", i == 0 ? "" : ", ", o->choices[i]);
    }
    int rc = fd_cli_usage_error(cli, "%s: '%s' is not one of %s", name, text, all.p);
    fd_strbuf_free(&all);
    return rc;
}

static int set_kv(const fd_cli *cli, const fd_opt *o, const char *name, char *text)
{
    fd_cli_kvs *kvs = o->target;
    char *eq = strchr(text, '=');
    if (eq == NULL || eq == text)
        return fd_cli_usage_error(cli, "%s: '%s' is not KEY=VALUE", name, text);
    *eq = '\0';
    for (size_t i = 0; i < kvs->n; i++) {
        if (strcmp(kvs->items[i].key, text) == 0) {
            kvs->items[i].value = eq + 1;
            return FD_CLI_GO_ON;
        }
    }
    if (kvs->n == FD_CLI_MAX_KVS)
        return fd_cli_usage_error(cli, "%s: more than %d of them", name, FD_CLI_MAX_KVS);
    kvs->items[kvs->n++] = (fd_kv){text, eq + 1};
    return FD_CLI_GO_ON;
}

static int set_value(const fd_cli *cli, const fd_opt *o, char *text)
{
    char name[64];
    name_of(o, name, sizeof name);
    int64_t v;
    switch (o->kind) {
    case FD_OPT_FLAG:
        *(bool *)o->target = true;
        return FD_CLI_GO_ON;
    case FD_OPT_TEXT:
        *(const char **)o->target = text;
        return FD_CLI_GO_ON;
    case FD_OPT_INT: {
        int64_t max = o->min == 0 && o->max == 0 ? INT64_MAX : o->max;
        if (!parse_int(text, &v) || v < o->min || v > max)
            return fd_cli_usage_error(cli,
                                      "%s: '%s' is not a whole number from %" PRId64 " to %" PRId64,
                                      name, text, o->min, max);
        *(int64_t *)o->target = v;
        return FD_CLI_GO_ON;
    }
    case FD_OPT_PPM:
        if (!fd_cli_parse_ppm(text, &v))
            return fd_cli_usage_error(cli,
                                      "%s: '%s' is not a percentage from 0 to 100, with at "
                                      "most 4 decimals",
                                      name, text);
        *(int64_t *)o->target = v;
        return FD_CLI_GO_ON;
    case FD_OPT_CHOICE:
        return set_choice(cli, o, name, text);
    case FD_OPT_KV:
        return set_kv(cli, o, name, text);
    }
    FD_UNREACHABLE();
}

/* ---- parsing ---- */

static int unknown_option(const fd_cli *cli, const char *word)
{
    const char *names[FD_CLI_MAX_OPTS + 2];
    size_t n = 0;
    for (size_t i = 0; i < cli->n_opts; i++) {
        if (cli->opts[i].name != NULL)
            names[n++] = cli->opts[i].name;
    }
    names[n++] = "help";
    names[n++] = "version";
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const char *meant = fd_did_you_mean(name, names, n);
    if (meant != NULL)
        return fd_cli_usage_error(cli, "unknown option --%s, did you mean --%s?", name, meant);
    return fd_cli_usage_error(cli, "unknown option --%s", name);
}

/* What getopt_long complains about; it has told which by optopt. */
static int complain(const fd_cli *cli, int code, char **argv)
{
    const char *word = argv[optind - 1];
    bool long_form = optopt == 0 || optopt >= OPT_HELP;
    if (code == ':')
        return long_form ? fd_cli_usage_error(cli, "%s needs a value", word)
                         : fd_cli_usage_error(cli, "-%c needs a value", optopt);
    if (!long_form)
        return fd_cli_usage_error(cli, "unknown option -%c", optopt);
    if (optopt >= OPT_HELP)
        return fd_cli_usage_error(cli, "%.*s takes no value", (int)strcspn(word, "="), word);
    return unknown_option(cli, word);
}

typedef struct tables {
    struct option longs[FD_CLI_MAX_OPTS + 3];
    char shorts[3 + 2 * FD_CLI_MAX_OPTS + 1];
} tables;

/* Long options return OPT_FIRST + index, so that a letter is never needed. */
static void fill_tables(const fd_cli *cli, tables *t)
{
    FD_ASSERT(cli->n_opts <= FD_CLI_MAX_OPTS);
    size_t n = 0, s = 0;
    t->shorts[s++] = ':';
    t->shorts[s++] = 'h';
    for (size_t i = 0; i < cli->n_opts; i++) {
        const fd_opt *o = &cli->opts[i];
        FD_ASSERT(o->letter != 0 || o->name != NULL);
        FD_ASSERT((o->kind == FD_OPT_CHOICE) == (o->choices != NULL));
        int has = o->kind == FD_OPT_FLAG ? no_argument : required_argument;
        if (o->name != NULL)
            t->longs[n++] = (struct option){o->name, has, NULL, OPT_FIRST + (int)i};
        if (o->letter != 0) {
            t->shorts[s++] = o->letter;
            if (has == required_argument)
                t->shorts[s++] = ':';
        }
    }
    t->longs[n++] = (struct option){"help", no_argument, NULL, OPT_HELP};
    t->longs[n++] = (struct option){"version", no_argument, NULL, OPT_VERSION};
    t->longs[n] = (struct option){0};
    t->shorts[s] = '\0';
}

static const fd_opt *option_of(const fd_cli *cli, int code)
{
    if (code >= OPT_FIRST)
        return &cli->opts[code - OPT_FIRST];
    for (size_t i = 0; i < cli->n_opts; i++) {
        if (cli->opts[i].letter == code)
            return &cli->opts[i];
    }
    FD_UNREACHABLE();
}

int fd_cli_parse(const fd_cli *cli, int argc, char **argv, char ***args, int *n_args)
{
    tables t;
    fill_tables(cli, &t);
    optind = 0; /* glibc: forget what an earlier command line left */
    opterr = 0;
    int code;
    while (optopt = 0, (code = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
        if (code == 'h' || code == OPT_HELP) {
            print_help(cli);
            return FD_EXIT_OK;
        }
        if (code == OPT_VERSION) {
            printf("fraudd %s\n", FD_VERSION);
            return FD_EXIT_OK;
        }
        int rc = code == '?' || code == ':' ? complain(cli, code, argv)
                                            : set_value(cli, option_of(cli, code), optarg);
        if (rc != FD_CLI_GO_ON)
            return rc;
    }
    int n = argc - optind;
    if (n < cli->min_args)
        return fd_cli_usage_error(cli, "something is missing: fraudd %s %s", cli->name,
                                  cli->synopsis);
    if (n > cli->max_args)
        return fd_cli_usage_error(cli, "unexpected '%s'", argv[optind + cli->max_args]);
    *args = argv + optind;
    *n_args = n;
    return FD_CLI_GO_ON;
}
