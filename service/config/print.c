/*
 * The effective configuration as YAML that loads again (secrets apart), each line with the place
 * its value came from. Any thread.
 */
#include <ctype.h>

#include "config/config_int.h"

enum { COMMENT_COLUMN = 44 };

static const char mask[] = "\"********\"";

/* Plain where no YAML reader could take it for anything but this text. */
static void put_scalar(fd_strbuf *out, const fd_ckey *k, const char *text)
{
    bool typed = k != NULL && k->type != FD_C_STRING && k->type != FD_C_PATH;
    bool plain = text[0] != '\0' && (typed || isalpha((unsigned char)text[0]));
    for (const char *p = text; plain && *p != '\0'; p++)
        plain = isalnum((unsigned char)*p) || strchr("._/-%", *p) != NULL ||
                (*p == ':' && p[1] != '\0' && p != text && typed);
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "y", "n"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        plain = plain && strcmp(text, words[i]) != 0;
    if (plain)
        fd_strbuf_puts(out, text);
    else
        fd_strbuf_json(out, fd_str_from(text));
}

static void put_origin(fd_strbuf *out, size_t line_start, const fd_place *at)
{
    do
        fd_strbuf_putc(out, ' ');
    while (out->n - line_start < COMMENT_COLUMN);
    switch (at->from) {
    case FD_FROM_DEFAULT:
        fd_strbuf_puts(out, "# default\n");
        break;
    case FD_FROM_FILE:
        fd_strbuf_printf(out, "# %s:%d\n", at->name, at->line);
        break;
    case FD_FROM_ENV:
        fd_strbuf_printf(out, "# %s\n", at->name);
        break;
    case FD_FROM_SET:
        fd_strbuf_printf(out, "# --set %s\n", at->name);
        break;
    }
}

static void put_map(const fd_config *c, fd_cmap map, const fd_kvs *kvs, fd_strbuf *out)
{
    fd_strbuf_printf(out, "%s:%s\n", fd_config_map_name(map), kvs->n == 0 ? " {}" : "");
    for (size_t i = 0; i < kvs->n; i++) {
        size_t start = out->n;
        fd_strbuf_puts(out, "  ");
        put_scalar(out, NULL, kvs->items[i].key);
        fd_strbuf_puts(out, ": ");
        if (fd_config_property_is_secret(kvs->items[i].key))
            fd_strbuf_puts(out, mask);
        else
            put_scalar(out, NULL, kvs->items[i].value);
        put_origin(out, start, &c->own->map_place[map][i]);
    }
}

static void put_sources(const fd_config *c, fd_strbuf *out)
{
    fd_strbuf_puts(out, "sources:\n");
    for (size_t s = 0; s < c->n_sources; s++) {
        for (size_t i = 0; i < FD_N_SKEYS; i++) {
            const fd_given *given = &c->own->source[s][i];
            size_t start = out->n;
            fd_strbuf_printf(out, "  %s %s: ", i == 0 ? "-" : " ", fd_skeys[i].name);
            put_scalar(out, &fd_skeys[i], given->text);
            put_origin(out, start, &given->place);
        }
    }
}

static bool is_schema(const fd_ckey *k)
{
    return strcmp(k->name, "schema") == 0;
}

/* Keys of one section stand together in the table. Where the line begins. */
static size_t put_section(const fd_ckey *k, fd_str *section, fd_strbuf *out)
{
    const char *dot = strchr(k->name, '.');
    fd_str own = {k->name, dot == NULL ? 0 : (uint32_t)(dot - k->name)};
    if (own.n != 0 && !fd_str_eq(own, *section))
        fd_strbuf_printf(out, FD_STR_FMT ":\n", FD_STR_ARG(own));
    *section = own;
    size_t line = out->n;
    fd_strbuf_printf(out, "%s%s: ", own.n == 0 ? "" : "  ", dot == NULL ? k->name : dot + 1);
    return line;
}

void fd_config_print_deciding(const fd_config *c, const char *rules, const char *models,
                              const char *const *schemas, fd_strbuf *out)
{
    fd_strbuf_puts(out, "rules: ");
    put_scalar(out, NULL, rules);
    fd_strbuf_puts(out, "\nmodels: ");
    put_scalar(out, NULL, c->models[0] == '\0' ? "" : models);
    fd_strbuf_puts(out, "\nsources:\n");
    for (size_t s = 0; s < c->n_sources; s++) {
        for (size_t i = 0; i < FD_N_SKEYS; i++) {
            const fd_ckey *k = &fd_skeys[i];
            fd_strbuf_printf(out, "  %s %s: ", i == 0 ? "-" : " ", k->name);
            put_scalar(out, k, is_schema(k) ? schemas[s] : c->own->source[s][i].text);
            fd_strbuf_putc(out, '\n');
        }
    }
    fd_str section = {0};
    for (size_t i = 0; i < FD_N_CKEYS; i++) {
        bool needed = strcmp(fd_ckeys[i].name, "registry.url") == 0; /* to read what it names */
        if ((fd_ckeys[i].flags & FD_C_DECIDES) == 0 && !needed)
            continue;
        put_section(&fd_ckeys[i], &section, out);
        put_scalar(out, &fd_ckeys[i], c->own->key[i].text);
        fd_strbuf_putc(out, '\n');
    }
}

void fd_config_print(const fd_config *c, fd_strbuf *out)
{
    put_map(c, FD_MAP_KAFKA, &c->kafka, out);
    put_map(c, FD_MAP_CONSUMER, &c->consumer, out);
    put_map(c, FD_MAP_PRODUCER, &c->producer, out);
    fd_str section = {0};
    for (size_t i = 0; i < FD_N_CKEYS; i++) {
        const fd_ckey *k = &fd_ckeys[i];
        const fd_given *given = &c->own->key[i];
        size_t start = put_section(k, &section, out);
        if ((k->flags & FD_C_SECRET) != 0 && given->text[0] != '\0')
            fd_strbuf_puts(out, mask);
        else
            put_scalar(out, k, given->text);
        put_origin(out, start, &given->place);
        if (strcmp(k->name, "instance") == 0)
            put_sources(c, out);
    }
}
