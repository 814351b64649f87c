/*
 * `fraudd schema check|print`: whether Avro schemas can be read, and what rules see of them. Main
 * thread.
 */
#include <errno.h>
#include <stdio.h>

#include "app/commands.h"
#include "app/tools/schemas.h"
#include "base/assert.h"
#include "codec/decode.h"

typedef struct options {
    const char *id, *time, *partitioned_by, *writer;
    int output;
    bool plan;
} options;

/* ---- print ---- */

/* "timestamp (ms)", "long?", "enum of pos, ecom": a type as people speak of it. */
static void describe(const fd_type *t, fd_strbuf *out)
{
    fd_strbuf_puts(out, t->is_enum ? "enum" : fd_kind_name(t->kind));
    if (t->kind == FD_TIMESTAMP || t->kind == FD_DURATION) {
        const char *unit = t->per_second == 0            ? "days"
                           : t->per_second == 1000       ? "ms"
                           : t->per_second == 1000000    ? "us"
                           : t->per_second == 1000000000 ? "ns"
                                                         : "s";
        fd_strbuf_printf(out, " (%s)", unit);
    }
    if (t->kind == FD_INT && t->scale > 0)
        fd_strbuf_printf(out, " (%u decimals)", t->scale);
    if (t->kind == FD_LIST || t->kind == FD_MAP) {
        fd_strbuf_puts(out, " of ");
        describe(t->elem, out);
    }
    for (uint32_t i = 0; i < t->n_symbols; i++)
        fd_strbuf_printf(out, "%s" FD_STR_FMT, i == 0 ? ": " : ", ", FD_STR_ARG(t->symbols[i]));
}

typedef struct printer {
    fd_strbuf *out;
    bool json, first;
} printer;

static void add_row(printer *p, const char *path, const fd_type *t)
{
    fd_strbuf type = {0};
    describe(t, &type);
    if (p->json) {
        fd_strbuf_puts(p->out, p->first ? "\n  {\"path\":" : ",\n  {\"path\":");
        fd_strbuf_json(p->out, fd_str_from(path));
        fd_strbuf_puts(p->out, ",\"type\":");
        fd_strbuf_json(p->out, fd_str_from(type.p));
        fd_strbuf_printf(p->out, ",\"nullable\":%s}", t->nullable ? "true" : "false");
    } else {
        fd_strbuf_printf(p->out, "%-32s %-9s %s\n", path, t->nullable ? "optional" : "always",
                         type.p);
    }
    p->first = false;
    fd_strbuf_free(&type);
}

/* Depth is bounded by the schema's own bound. */
static void add_fields(printer *p, const char *prefix, const fd_type *record)
{
    for (uint32_t i = 0; i < record->n_fields; i++) {
        fd_strbuf path = {0};
        fd_strbuf_printf(&path, "%s%s%s", prefix, prefix[0] == '\0' ? "" : ".",
                         record->fields[i].name);
        add_row(p, path.p, record->fields[i].type);
        if (record->fields[i].type->kind == FD_RECORD)
            add_fields(p, path.p, record->fields[i].type);
        fd_strbuf_free(&path);
    }
}

static void print(const fd_schema *s, bool json, fd_strbuf *out)
{
    printer p = {.out = out, .json = json, .first = true};
    if (json) {
        fd_strbuf_puts(out, "{\"name\":");
        fd_strbuf_json(out, fd_str_from(fd_schema_name(s)));
        fd_strbuf_printf(out, ",\"hash\":\"%s\",\"fingerprint\":\"%016llx\",\"fields\":[",
                         fd_schema_hash(s).hex, (unsigned long long)fd_schema_fingerprint(s));
    } else {
        fd_strbuf_printf(out, "# %s, hash %s, fingerprint %016llx\n", fd_schema_name(s),
                         fd_schema_hash(s).hex, (unsigned long long)fd_schema_fingerprint(s));
        fd_strbuf_printf(out, "%-32s %-9s %s\n", "FIELD", "PRESENT", "TYPE");
    }
    add_fields(&p, "", fd_schema_type(s));
    if (json)
        fd_strbuf_puts(out, "\n]}\n");
}

/* ---- check ---- */

static bool has_field(const fd_schema *s, const char *option, const char *path, fd_diags *diags)
{
    const fd_type *type = fd_schema_type(s);
    if (path == NULL || fd_type_path(type, fd_str_from(path)) != NULL)
        return true;
    const char *names[256];
    size_t n = 0;
    for (; n < type->n_fields && n < sizeof names / sizeof names[0]; n++)
        names[n] = type->fields[n].name;
    const char *near = fd_did_you_mean(path, names, n);
    fd_diags_error(diags, "%s: %s has no field '%s'%s%s%s", option, fd_schema_name(s), path,
                   near == NULL ? "" : ", did you mean '", near == NULL ? "" : near,
                   near == NULL ? "" : "'?");
    return false;
}

static bool check(const options *o, const fd_schema *s, const fd_schema *writer, fd_strbuf *out,
                  fd_diags *diags)
{
    bool ok = has_field(s, "--id", o->id, diags);
    ok &= has_field(s, "--time", o->time, diags);
    ok &= has_field(s, "--partitioned-by", o->partitioned_by, diags);
    if (!ok || o->id == NULL)
        return ok;
    fd_decoder *d = fd_decoder_new(s, fd_str_from(o->id), fd_str_from(o->time), diags);
    fd_plan *plan = d == NULL ? NULL : fd_plan_new(d, writer, diags);
    if (plan != NULL && o->plan)
        fd_plan_dump(plan, out);
    ok = plan != NULL;
    fd_plan_free(plan);
    fd_decoder_free(d);
    return ok;
}

/* ---- the command ---- */

/* The JSON Schemas of rule files and rule tests, as editors want them. False: it is none of them.
 */
static bool print_for_editors(const char *name)
{
    size_t n;
    const char *text = strcmp(name, "rules") == 0        ? fd_embedded_rules_schema(&n)
                       : strcmp(name, "rules-test") == 0 ? fd_embedded_rules_test_schema(&n)
                                                         : NULL;
    if (text != NULL)
        fwrite(text, 1, n, stdout);
    return text != NULL;
}

static int run(const options *o, bool checking, const char *name)
{
    fd_diags diags;
    fd_diags_init(&diags);
    fd_strbuf out = {0};
    fd_schema *s = fd_tool_schema(name, &diags);
    fd_schema *writer = o->writer == NULL || s == NULL ? NULL : fd_tool_schema(o->writer, &diags);
    bool ok = s != NULL && (o->writer == NULL || writer != NULL);
    if (ok && checking)
        ok = check(o, s, writer, &out, &diags);
    else if (ok)
        print(s, o->output == 1, &out);
    int code = FD_EXIT_OK;
    if (!ok || diags.n > 0)
        fd_cli_fail_diags(&diags);
    if (!ok)
        code = FD_EXIT_CHECK;
    else if (out.n > 0 && fwrite(out.p, 1, out.n, stdout) != out.n)
        code = errno == EPIPE ? FD_EXIT_OK : FD_EXIT_CHECK;
    if (ok && checking)
        fd_cli_notice("%s: ok, %s with %u fields", name, fd_schema_name(s),
                      fd_schema_type(s)->n_fields);
    fd_schema_free(writer);
    fd_schema_free(s);
    fd_strbuf_free(&out);
    fd_diags_free(&diags);
    return code;
}

static const char EXAMPLES[] =
    "  fraudd schema print payment                       the sample event, as rules see it\n"
    "  fraudd schema print -o json my-event.avsc\n"
    "  fraudd schema print rules > rules.schema.json     rule files, for editors; rules-test\n"
    "  fraudd schema check my-event.avsc --id tx_id --time event_time --partitioned-by card_id\n"
    "  fraudd schema check v2.avsc --id tx_id --time event_time --writer v1.avsc\n";

int fd_cmd_schema(int argc, char **argv)
{
    static const char *const OUTPUTS[] = {"table", "json", NULL};
    options o = {0};
    const fd_opt opts[] = {
        {0, "id", FD_OPT_TEXT, &o.id, "FIELD", "check: it can be the event's id", 0, 0, NULL},
        {0, "time", FD_OPT_TEXT, &o.time, "FIELD", "check: it can be the event's time", 0, 0, NULL},
        {0, "partitioned-by", FD_OPT_TEXT, &o.partitioned_by, "FIELD", "check: it is there", 0, 0,
         NULL},
        {'w', "writer", FD_OPT_TEXT, &o.writer, "FILE",
         "check: what was written with it can be read", 0, 0, NULL},
        {0, "plan", FD_OPT_FLAG, &o.plan, NULL, "check: print the decoding plan", 0, 0, NULL},
        {'o', "output", FD_OPT_CHOICE, &o.output, NULL, "print: as", 0, 0, OUTPUTS},
    };
    const fd_cli cli = {
        .name = "schema",
        .synopsis = "check|print [options] SCHEMA",
        .summary =
            "Checks an Avro schema (.avsc, or the built-in 'payment', 'label' and 'decision'), or "
            "prints the fields\nthat rules reach as event.<field>. Exits with 1 when "
            "something is wrong.",
        .examples = EXAMPLES,
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
    bool checking = strcmp(args[0], "check") == 0;
    if (!checking && strcmp(args[0], "print") != 0)
        return fd_cli_usage_error(&cli, "'%s' is neither check nor print", args[0]);
    if ((o.id == NULL) != (o.time == NULL) || ((o.writer != NULL || o.plan) && o.id == NULL))
        return fd_cli_usage_error(&cli, "--id and --time go together; --writer and --plan need "
                                        "both");
    if (!checking && print_for_editors(args[1]))
        return FD_EXIT_OK;
    return run(&o, checking, args[1]);
}
