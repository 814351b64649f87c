/*
 * The documented default file and docs/configuration.md, from the table alone. Any thread.
 */
#include "config/config_int.h"

enum { WIDTH = 96 };

/* A comment, wrapped. */
static void put_comment(fd_strbuf *out, const char *indent, const char *text)
{
    while (*text != '\0') {
        size_t room = WIDTH - strlen(indent) - 2;
        size_t n = strlen(text);
        if (n > room) {
            n = room;
            while (n > 0 && text[n] != ' ')
                n--;
            if (n == 0)
                n = room;
        }
        fd_strbuf_printf(out, "%s# %.*s\n", indent, (int)n, text);
        text += n;
        while (*text == ' ')
            text++;
    }
}

static void put_choices(const fd_ckey *k, const char *between, fd_strbuf *out)
{
    for (size_t i = 0; k->choices[i] != NULL; i++)
        fd_strbuf_printf(out, "%s%s", i == 0 ? "" : between, k->choices[i]);
}

/* "1 to 65536 events", "one of json, text", "" */
static void put_range(const fd_ckey *k, fd_strbuf *out)
{
    if (k->choices != NULL) {
        put_choices(k, ", ", out);
    } else if (k->min != NULL) {
        fd_strbuf_printf(out, "%s to %s", k->min, k->max);
        if (k->type == FD_C_INT)
            fd_strbuf_printf(out, " %s", k->unit);
    }
}

static void put_key_comment(const fd_ckey *k, const char *indent, fd_strbuf *out)
{
    fd_strbuf text = {0};
    fd_strbuf_puts(&text, k->doc);
    fd_strbuf range = {0};
    put_range(k, &range);
    if (range.n != 0)
        fd_strbuf_printf(&text, " [%s]", range.p);
    if ((k->flags & FD_C_SECRET) != 0)
        fd_strbuf_printf(&text, " Secret: %s_file reads it from a file.",
                         strrchr(k->name, '.') + 1);
    put_comment(out, indent, text.p);
    fd_strbuf_free(&text);
    fd_strbuf_free(&range);
}

/* Every default is either empty or safe as plain YAML, but for what holds a "$" or a ":". */
static void put_default(const char *text, fd_strbuf *out)
{
    if (text[0] == '\0' || strpbrk(text, "$:%") != NULL)
        fd_strbuf_json(out, fd_str_from(text));
    else
        fd_strbuf_puts(out, text);
    fd_strbuf_putc(out, '\n');
}

static void put_sources(fd_strbuf *out)
{
    put_comment(out, "",
                "The topics that events come from: at least one. This one is an example, the only "
                "part of this file without defaults.");
    fd_strbuf_puts(out, "sources:\n");
    for (size_t i = 0; i < FD_N_SKEYS; i++) {
        if (i == 0)
            fd_strbuf_puts(out, "  -\n");
        put_key_comment(&fd_skeys[i], "    ", out);
        fd_strbuf_printf(out, "    %s: %s\n", fd_skeys[i].name, fd_skeys[i].example);
    }
    fd_strbuf_putc(out, '\n');
}

void fd_config_reference(fd_strbuf *out)
{
    put_comment(out, "", "fraudd: every key of the configuration with its default.");
    put_comment(out, "",
                "A key can also be given as the environment variable FRAUDD_SECTION_KEY "
                "(FRAUDD_BATCH_MAX_EVENTS) or as --set section.key=value; the last of file, "
                "environment and --set wins. ${NAME} and ${NAME:-default} stand for environment "
                "variables.");
    fd_strbuf_putc(out, '\n');
    put_comment(out, "",
                "Handed to librdkafka as they are: for all clients, for the consumer only, for the "
                "producers only. <property>_file reads a value from a file. "
                "FRAUDD_KAFKA_BOOTSTRAP_SERVERS is bootstrap.servers: \"_\" stands for \".\", "
                "\"__\" for \"_\".");
    fd_strbuf_puts(out,
                   "kafka:\n  bootstrap.servers: localhost:9092\nconsumer: {}\nproducer: {}\n\n");
    size_t section = 0;
    for (size_t i = 0; i < FD_N_CKEYS; i++) {
        const fd_ckey *k = &fd_ckeys[i];
        const char *dot = strchr(k->name, '.');
        if (dot == NULL) {
            put_key_comment(k, "", out);
            fd_strbuf_printf(out, "%s: ", k->name);
            put_default(k->preset, out);
            fd_strbuf_putc(out, '\n');
            if (strcmp(k->name, "instance") == 0)
                put_sources(out);
            continue;
        }
        const char *name = fd_csections[section].name;
        bool first = i == 0 || strncmp(fd_ckeys[i - 1].name, k->name, strlen(name) + 1) != 0;
        if (first)
            put_comment(out, "", fd_csections[section].doc);
        if (first)
            fd_strbuf_printf(out, "%s:\n", name);
        put_key_comment(k, "  ", out);
        fd_strbuf_printf(out, "  %s: ", dot + 1);
        put_default(k->preset, out);
        bool last = i + 1 == FD_N_CKEYS ||
                    strncmp(fd_ckeys[i + 1].name, k->name, strlen(name) + 1) != 0;
        section += last;
        if (last && i + 1 < FD_N_CKEYS)
            fd_strbuf_putc(out, '\n');
    }
}

static void put_row(const fd_ckey *k, fd_strbuf *out)
{
    fd_strbuf_printf(out, "| `%s` | ", k->name);
    if (k->choices != NULL) {
        fd_strbuf_putc(out, '`');
        put_choices(k, "`, `", out);
        fd_strbuf_putc(out, '`');
    } else {
        fd_strbuf_puts(out, fd_ctype_name(k->type));
        if (k->min != NULL)
            fd_strbuf_puts(out, ", ");
        put_range(k, out);
    }
    if (k->preset == NULL)
        fd_strbuf_puts(out, " | required | ");
    else
        fd_strbuf_printf(out, " | `%s` | ", k->preset[0] == '\0' ? "\"\"" : k->preset);
    fd_strbuf_puts(out, k->doc);
    if ((k->flags & FD_C_SECRET) != 0)
        fd_strbuf_puts(out, " *Secret.*");
    if ((k->flags & FD_C_DECIDES) != 0)
        fd_strbuf_puts(out, " *In `config_hash`.*");
    fd_strbuf_puts(out, " |\n");
}

static const char manual_head[] =
    "# Configuration\n\n"
    "Generated from the table in `service/config/config_table.h`; do not edit.\n\n"
    "Values come from the built-in defaults, the YAML file, the environment and `--set` on the\n"
    "command line; the last one wins. `fraudd config` prints the result and where each value came\n"
    "from, `fraudd config --reference` a documented file with every default\n"
    "([fraudd.reference.yaml](fraudd.reference.yaml)). Unknown keys are errors. A change takes\n"
    "effect at the next start.\n\n"
    "| | `batch.max_events` | `bootstrap.servers` of librdkafka |\n|---|---|---|\n"
    "| file | `batch: {max_events: 512}` | `kafka: {bootstrap.servers: \"kafka:9092\"}` |\n"
    "| environment | `FRAUDD_BATCH_MAX_EVENTS=512` | `FRAUDD_KAFKA_BOOTSTRAP_SERVERS=kafka:9092` "
    "|\n"
    "| flag | `--set batch.max_events=512` | `--set kafka.bootstrap.servers=kafka:9092` |\n\n"
    "- **Durations** are a number and `us`, `ms`, `s`, `m`, `h` or `d`; **sizes** a number and "
    "`B`,\n"
    "  `KiB`, `MiB`, `GiB`, `kB`, `MB` or `GB`; **percentages** end in `%`.\n"
    "- **`${NAME}`** in the file is that environment variable, `${NAME:-text}` with a default, "
    "`$${`\n"
    "  a literal `${`. `${HOSTNAME}` is the host's name where the environment has none.\n"
    "- **Secrets** are masked wherever they are printed. `<key>_file` "
    "(`registry.basic_auth_file`,\n"
    "  `FRAUDD_REGISTRY_BASIC_AUTH_FILE`, `kafka: {sasl.password_file: ...}`) reads the value from "
    "a\n"
    "  file, without its last newline.\n"
    "- Paths are relative to the working directory.\n"
    "- A `FRAUDD_` variable that no key has is an error where its name is near to a key's, else a\n"
    "  warning; those that Kubernetes makes for services named `fraudd...` are passed over.\n\n";

static const char manual_kafka[] =
    "## kafka, consumer, producer\n\n"
    "Maps of librdkafka properties: for all clients, for the consumer only, for the producers "
    "only.\n"
    "In variables `_` stands for `.` and `__` for `_`; a name that ends in `_FILE` is the\n"
    "property's `_file`. These are fraudd's own and cannot be set:\n\n"
    "| property | why |\n|---|---|\n";

void fd_config_manual(fd_strbuf *out)
{
    static const fd_kv owned[] = {
#define X(key, why) {key, why},
        FD_KAFKA_OWNED(X)
#undef X
    };
    fd_strbuf_puts(out, manual_head);
    fd_strbuf_puts(out, "## Keys\n\n| key | type, range | default | |\n|---|---|---|---|\n");
    for (size_t i = 0; i < FD_N_CKEYS; i++)
        put_row(&fd_ckeys[i], out);
    fd_strbuf_puts(out, "\n## sources\n\nA list, only in the file; at least one item.\n\n"
                        "| key | type, range | default | |\n|---|---|---|---|\n");
    for (size_t i = 0; i < FD_N_SKEYS; i++)
        put_row(&fd_skeys[i], out);
    fd_strbuf_putc(out, '\n');
    fd_strbuf_puts(out, manual_kafka);
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        fd_strbuf_printf(out, "| `%s` | %s |\n", owned[i].key, owned[i].value);
}
