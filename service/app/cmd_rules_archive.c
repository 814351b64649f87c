/*
 * `fraudd rules show HASH`: the rule set that a decision names, from the archive.
 * `fraudd rules history`: the activation log, who decided when and where. Main thread.
 */
#include "app/cmd_rules_archive.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/archive/find.h"
#include "app/kafka_options.h"

enum { SHOWN = 12 };

typedef struct options {
    fd_kafka_options kafka;
    fd_kafka_settings settings;
    const char *archive, *file, *out, *decision, *at;
    fd_archive_wanted wanted;
    int output;
} options;

/* What its record of a topic says, for fd_archive_wanted. */
typedef struct decision {
    json_t *root;
} decision;

static fd_class open_place(options *o, fd_archive_finder *out, fd_err *err)
{
    fd_place place;
    fd_class cls;
    if (o->kafka.topic != NULL) {
        o->settings = fd_kafka_options_settings(&o->kafka);
        cls = fd_place_topic(&o->settings, o->kafka.topic, false, FD_TOOL_CONNECT_MS, &place, err);
    } else {
        cls = fd_place_dir(o->archive == NULL ? "archive" : o->archive, false, &place, err);
    }
    return cls == FD_OK ? fd_archive_finder_open(place, out, err) : cls;
}

static void say_what_is_broken(const fd_archive_finder *f)
{
    if (f->broken_sets > 0)
        fd_cli_notice("%zu records of sets cannot be read, and are passed over", f->broken_sets);
    if (f->log.torn)
        fd_cli_notice("the last line of the activation log was cut short by a crash: passed over");
    if (f->log.broken > 0)
        fd_cli_notice("%u lines of the activation log cannot be read, the first is line %u: passed "
                      "over",
                      f->log.broken, f->log.first_broken);
}

/* ---- show ---- */

static const char *text_of(const json_t *in, const char *key)
{
    const char *s = json_string_value(json_object_get(in, key));
    return s == NULL || s[0] == '\0' ? NULL : s;
}

/* A decision as `fraudd tap` prints it: the first line of the file. */
static fd_class read_decision(const char *path, decision *d, fd_archive_wanted *w, fd_err *err)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (f == NULL)
        return fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "%s cannot be read", path);
    json_error_t why;
    d->root = json_loadf(f, JSON_DISABLE_EOF_CHECK, &why);
    if (f != stdin)
        fclose(f);
    const json_t *value = json_object_get(d->root, "value");
    value = json_is_object(value) ? value : d->root;
    *w = (fd_archive_wanted){.ruleset = text_of(value, "ruleset"),
                             .lists = text_of(value, "lists_hash"),
                             .models = text_of(value, "models_hash"),
                             .config = text_of(value, "config_hash")};
    if (w->ruleset != NULL)
        return FD_OK;
    return fd_fail(err, FD_FATAL, FD_EXIT_CHECK,
                   "%s: no decision: a line of `fraudd tap -t decisions` is expected", path);
}

static void print_set(const fd_archive_set *set, const fd_files *files)
{
    const fd_archive_hashes *h = &set->hashes;
    printf("ruleset      %s\nlists_hash   %s\nmodels_hash  %s\nconfig_hash  %s\n", h->ruleset,
           h->lists, h->models, h->config);
    printf("stored       %s by %s\n", set->stored, set->engine);
    for (uint32_t i = 0; i < files->n; i++)
        printf("%12zu %s\n", files->items[i].bytes.n, files->items[i].name);
}

static void print_set_json(const fd_archive_set *set, const fd_files *files)
{
    json_t *root = json_object();
    const fd_archive_hashes *h = &set->hashes;
    json_object_set_new(root, "ruleset", json_string(h->ruleset));
    json_object_set_new(root, "lists_hash", json_string(h->lists));
    json_object_set_new(root, "models_hash", json_string(h->models));
    json_object_set_new(root, "config_hash", json_string(h->config));
    json_object_set_new(root, "stored", json_string(set->stored));
    json_object_set_new(root, "engine", json_string(set->engine));
    json_t *list = json_array();
    for (uint32_t i = 0; i < files->n; i++)
        json_array_append_new(list, json_pack("{s:s, s:I}", "name", files->items[i].name, "bytes",
                                              (json_int_t)files->items[i].bytes.n));
    json_object_set_new(root, "files", list);
    json_dumpf(root, stdout, 0);
    putchar('\n');
    json_decref(root);
}

static fd_class print_file(const fd_files *files, const char *name, fd_err *err)
{
    const fd_file *file = fd_files_find(files, name);
    if (file == NULL) {
        fd_strbuf with = {0};
        fd_strbuf_printf(&with, "rules/%s", name);
        file = fd_files_find(files, with.p);
        fd_strbuf_free(&with);
    }
    if (file == NULL)
        return fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "the set has no file %s", name);
    fwrite(file->bytes.p, 1, file->bytes.n, stdout);
    return FD_OK;
}

static fd_class take_out(const fd_archive_set *set, const fd_files *files, const char *dir,
                         fd_err *err)
{
    fd_class cls = fd_archive_extract(files, dir, err);
    if (cls == FD_OK)
        cls = fd_archive_verify(set, files, dir, err);
    if (cls != FD_OK)
        return cls;
    fd_cli_notice("%u files in %s; decide again with it: cd %s && fraudd replay -c fraudd.yaml ...",
                  files->n, dir, dir);
    for (uint32_t i = 0; i < files->n; i++) {
        if (strncmp(files->items[i].name, "outside/", 8) == 0)
            fd_cli_notice("%s/%s: the rules look for it outside of their directory; put it there",
                          dir, files->items[i].name);
    }
    return FD_OK;
}

static fd_class show_set(const options *o, const fd_archive_finder *f, fd_err *err)
{
    const fd_archive_set *set;
    size_t others;
    fd_class cls = fd_archive_find(f, &o->wanted, &set, &others, err);
    if (cls != FD_OK)
        return cls;
    if (others > 0)
        fd_cli_notice("this rule set decided with other lists, models or settings too (%zu): this "
                      "is what was stored last; choose with --lists, --models, --config or "
                      "--decision",
                      others);
    fd_files files = {0};
    cls = fd_archive_files(f, set, &files, err);
    if (cls == FD_OK && o->file != NULL)
        cls = print_file(&files, o->file, err);
    else if (cls == FD_OK && o->out != NULL)
        cls = take_out(set, &files, o->out, err);
    else if (cls == FD_OK && o->output == 1)
        print_set_json(set, &files);
    else if (cls == FD_OK)
        print_set(set, &files);
    fd_files_free(&files);
    return cls;
}

static int show(options *o)
{
    fd_err err = {0};
    decision d = {0};
    fd_archive_finder f = {0};
    fd_class cls = o->decision == NULL ? FD_OK : read_decision(o->decision, &d, &o->wanted, &err);
    if (cls == FD_OK)
        cls = open_place(o, &f, &err);
    if (cls == FD_OK) {
        say_what_is_broken(&f);
        cls = show_set(o, &f, &err);
        fd_archive_finder_close(&f);
    }
    json_decref(d.root);
    return cls == FD_OK ? FD_EXIT_OK : fd_cli_fail(&err);
}

#define PLACE_OPTIONS(o)                                                                           \
    {0, "archive", FD_OPT_TEXT, &(o).archive, "DIR", "the archive (archive.dir; default archive)", \
     0, 0,         NULL},                                                                          \
        FD_KAFKA_OPTIONS((o).kafka)

int fd_rules_show(int argc, char **argv)
{
    static const char *const outputs[] = {"text", "json", NULL};
    options o = {0};
    const fd_opt opts[] = {
        PLACE_OPTIONS(o),
        {'o', "out", FD_OPT_TEXT, &o.out, "DIR", "take all files out into a new directory", 0, 0,
         NULL},
        {0, "file", FD_OPT_TEXT, &o.file, "NAME", "print this file of the set", 0, 0, NULL},
        {0, "decision", FD_OPT_TEXT, &o.decision, "FILE",
         "the set of this decision, a line of `fraudd tap` (- for standard input)", 0, 0, NULL},
        {0, "lists", FD_OPT_TEXT, &o.wanted.lists, "HASH", "with these lists", 0, 0, NULL},
        {0, "models", FD_OPT_TEXT, &o.wanted.models, "HASH", "with these models", 0, 0, NULL},
        {0, "config", FD_OPT_TEXT, &o.wanted.config, "HASH", "with these settings", 0, 0, NULL},
        {0, "output", FD_OPT_CHOICE, &o.output, NULL, "how the answer is written", 0, 0, outputs},
    };
    const fd_cli cli = {
        .name = "rules show",
        .synopsis = "[--archive DIR | -b BROKERS -t TOPIC] [-o DIR | --file NAME] "
                    "HASH | --decision FILE",
        .summary = "Finds the rule set that a decision names (its field ruleset) in the archive, "
                   "with the lists, the\nschemas and the settings it decided with. The beginning "
                   "of a hash will do.",
        .examples = "  fraudd rules show 7978425\n"
                    "  fraudd rules show --archive /var/lib/fraudd 7978425 -o /tmp/then\n"
                    "  fraudd tap -t decisions -o -1 -e | fraudd rules show -t fraudd-archive "
                    "--decision -\n",
        .opts = opts,
        .n_opts = sizeof opts / sizeof opts[0],
        .max_args = 1,
    };
    char **args;
    int n_args;
    int code = fd_cli_parse(&cli, argc, argv, &args, &n_args);
    if (code != FD_CLI_GO_ON)
        return code;
    if ((n_args == 1) == (o.decision != NULL))
        return fd_cli_usage_error(&cli, "a hash is needed, or --decision FILE");
    if (n_args == 1)
        o.wanted.ruleset = args[0];
    return show(&o);
}

/* ---- history ---- */

static void print_short(const char *hash)
{
    printf("  %-*.*s", SHOWN, SHOWN, hash);
}

static void print_line(const fd_activation *a)
{
    printf("%s  %-10s %-7s", a->time, fd_activation_kind_name(a->kind),
           a->trigger == NULL ? "" : a->trigger);
    print_short(a->hashes.ruleset);
    print_short(a->hashes.lists);
    print_short(a->hashes.config);
    printf("  %s", a->who);
    if (a->why != NULL)
        printf("  %s", a->why);
    if (a->from != NULL)
        printf("  from %s on", a->from);
    for (uint32_t i = 0; i < a->n_first; i++)
        printf("%s%s/%" PRId32 "/%" PRId64, i == 0 ? "  " : " ", a->first[i].topic,
               a->first[i].partition, a->first[i].offset);
    putchar('\n');
}

static void print_history(const options *o, const fd_activation *items, uint32_t n)
{
    bool json = o->output == 1;
    if (!json)
        printf("%-24s  %-10s %-7s  %-*s  %-*s  %-*s  who, where\n", "time", "what", "trigger",
               SHOWN, "ruleset", SHOWN, "lists", SHOWN, "config");
    for (uint32_t i = 0; i < n; i++) {
        const char *hash = o->wanted.ruleset;
        if (hash != NULL && strncmp(items[i].hashes.ruleset, hash, strlen(hash)) != 0)
            continue;
        if (json) {
            fd_strbuf line = {0};
            fd_activation_line(&items[i], &line);
            fputs(line.p, stdout);
            fd_strbuf_free(&line);
        } else {
            print_line(&items[i]);
        }
    }
}

/* "payments/3/1234": the topic may hold anything but '/'. */
static bool parse_at(const char *text, char topic[256], int32_t *partition, int64_t *offset)
{
    size_t n = strcspn(text, "/");
    char *end;
    if (text[n] == '\0' || n == 0 || n > 255)
        return false;
    snprintf(topic, 256, "%.*s", (int)n, text);
    long long p = strtoll(text + n + 1, &end, 10);
    if (*end != '/' || end == text + n + 1 || p < 0 || p > INT32_MAX)
        return false;
    const char *from = end + 1;
    long long at = strtoll(from, &end, 10);
    *partition = (int32_t)p;
    *offset = at;
    return end != from && *end == '\0' && at >= 0;
}

static fd_class print_at(const options *o, const fd_archive_finder *f, fd_err *err)
{
    char topic[256];
    int32_t partition;
    int64_t offset;
    if (!parse_at(o->at, topic, &partition, &offset))
        return fd_fail(err, FD_FATAL, FD_EXIT_USAGE,
                       "--at %s: TOPIC/PARTITION/OFFSET is expected, as a decision's id has it",
                       o->at);
    const fd_activation *a = fd_activations_at(&f->log, topic, partition, offset);
    if (a == NULL)
        return fd_fail(err, FD_FATAL, FD_EXIT_CHECK, "the activation log says nothing of %s",
                       o->at);
    print_history(o, a, 1);
    return FD_OK;
}

int fd_rules_history(int argc, char **argv)
{
    static const char *const outputs[] = {"table", "json", NULL};
    options o = {0};
    const fd_opt opts[] = {
        PLACE_OPTIONS(o),
        {0, "at", FD_OPT_TEXT, &o.at, "TOPIC/PARTITION/OFFSET",
         "only the line that says which set decided this event", 0, 0, NULL},
        {0, "output", FD_OPT_CHOICE, &o.output, NULL, "how the lines are written", 0, 0, outputs},
    };
    const fd_cli cli = {
        .name = "rules history",
        .synopsis = "[--archive DIR | -b BROKERS -t TOPIC] [--at TOPIC/PARTITION/OFFSET] [HASH]",
        .summary = "Prints the activation log of the archive: which set was let decide, by whom "
                   "and why, and from which\noffset of each partition on it did. With the "
                   "beginning of a hash: only that rule set.",
        .examples = "  fraudd rules history\n"
                    "  fraudd rules history --archive /var/lib/fraudd 7978425\n"
                    "  fraudd rules history -t fraudd-archive --at payments/3/1234 --output json\n",
        .opts = opts,
        .n_opts = sizeof opts / sizeof opts[0],
        .max_args = 1,
    };
    char **args;
    int n_args;
    int code = fd_cli_parse(&cli, argc, argv, &args, &n_args);
    if (code != FD_CLI_GO_ON)
        return code;
    o.wanted.ruleset = n_args == 1 ? args[0] : NULL;
    fd_err err = {0};
    fd_archive_finder f = {0};
    fd_class cls = open_place(&o, &f, &err);
    if (cls != FD_OK)
        return fd_cli_fail(&err);
    say_what_is_broken(&f);
    if (o.at != NULL)
        cls = print_at(&o, &f, &err);
    else
        print_history(&o, f.log.items, f.log.n);
    fd_archive_finder_close(&f);
    return cls == FD_OK ? FD_EXIT_OK : fd_cli_fail(&err);
}
