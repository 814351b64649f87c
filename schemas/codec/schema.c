/* Schemas from text and files, and what they say of themselves; see schema.h. Any thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <avro.h>

#include "base/assert.h"
#include "codec/schema_parse_int.h"

const char *fd_avro_name(fd_avro a)
{
    static const char *const names[] = {
#define X(name, text) text,
        FD_AVROS(X)
#undef X
    };
    FD_ASSERT(a < FD_N_AVROS);
    return names[a];
}

const char *fd_logical_name(fd_logical l)
{
    static const char *const names[] = {"none",
#define X(name, text, base, per_second) text,
                                        FD_LOGICALS(X)
#undef X
    };
    FD_ASSERT(l < FD_N_LOGICALS);
    return names[l];
}

int64_t fd_logical_per_second(fd_logical l)
{
    static const int64_t ticks[] = {0,
#define X(name, text, base, per_second) per_second,
                                    FD_LOGICALS(X)
#undef X
    };
    FD_ASSERT(l < FD_N_LOGICALS);
    return ticks[l];
}

const char *fd_short_name(const char *full)
{
    const char *dot = strrchr(full, '.');
    return dot == NULL ? full : dot + 1;
}

/* A second opinion, on the canonical form: what Avro C refuses, other tools may refuse too. */
static void ask_avro_c(fd_parser *p, const fd_node *record, const char *canonical, size_t n)
{
    avro_schema_t avro = NULL;
    if (avro_schema_from_json_length(canonical, n, &avro) == 0) {
        avro_schema_decref(avro);
        return;
    }
    const char *text = fd_arena_printf(p->arena, "%s: Avro C would refuse this schema (%s)",
                                       record->name, avro_strerror());
    fd_diags_add(p->diags,
                 &(fd_diag){.severity = FD_WARNING, .file = p->file, .text = text, .width = 1});
}

static void name_it(fd_parser *p, fd_schema *s)
{
    fd_strbuf b = {0};
    fd_schema_canonical(s->node, true, &b);
    s->hash = fd_content_hash_of(b.p, b.n);
    fd_strbuf_reset(&b);
    fd_schema_canonical(s->node, false, &b);
    s->fingerprint = fd_crc64_avro(b.p, b.n);
    ask_avro_c(p, s->node, b.p, b.n);
    fd_strbuf_free(&b);
}

/* A default may hold the character NUL: "\\u0000" is the decimal 0. */
enum { SCHEMA_JSON = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL };

static bool parse_json(fd_parser *p, fd_schema *s)
{
    json_error_t err;
    s->root = json_loadb(s->text, s->text_n, SCHEMA_JSON, &err);
    if (s->root != NULL)
        return true;
    const char *text = fd_arena_printf(p->arena, "not JSON: %s", err.text);
    fd_diag d = {.severity = FD_ERROR, .file = p->file, .text = text, .width = 1};
    size_t at = err.position <= 0 ? 0 : (size_t)err.position - 1;
    fd_parser_place(p, at < s->text_n ? at : s->text_n, &d);
    fd_diags_add(p->diags, &d);
    return false;
}

static bool build(fd_parser *p, fd_schema *s)
{
    if (s->text_n > FD_SCHEMA_MAX_BYTES)
        return fd_parser_fail(p, NULL, NULL, "a schema of more than %d bytes",
                              FD_SCHEMA_MAX_BYTES) != NULL;
    if (!parse_json(p, s))
        return false;
    s->node = fd_parser_type(p, s->root, "", 0);
    if (s->node == NULL)
        return false;
    if (s->node->kind != FD_AVRO_RECORD)
        return fd_parser_fail(p, NULL, "events and decisions are records",
                              "the schema is of type %s, it must be a record",
                              fd_avro_name(s->node->kind)) != NULL;
    const char *why = NULL;
    s->type = fd_schema_build_type(s->arena, s->node, &why);
    if (s->type == NULL)
        return fd_parser_fail(p, NULL, NULL, "%s: %s", s->node->name, why) != NULL;
    fd_parser_check_defaults(p);
    name_it(p, s);
    return true;
}

fd_schema *fd_schema_parse(const char *json, size_t n, const char *file, fd_diags *diags)
{
    fd_schema *s = calloc(1, sizeof *s);
    FD_ALLOCATED(s);
    s->magic = FD_SCHEMA_MAGIC;
    s->arena = fd_arena_new(8192, 0);
    s->text = malloc(n + 1);
    FD_ALLOCATED(s->text);
    memcpy(s->text, json, n);
    s->text[n] = '\0';
    s->text_n = n;

    fd_parser *p = calloc(1, sizeof *p);
    FD_ALLOCATED(p);
    *p = (fd_parser){.arena = s->arena, .diags = diags, .file = file, .text = s->text, .text_n = n};
    bool ok = build(p, s);
    fd_strbuf_free(&p->path);
    free(p);
    if (ok)
        return s;
    fd_schema_free(s);
    return NULL;
}

static fd_schema *load_failed(const char *path, const char *why, fd_diags *diags)
{
    char text[256];
    snprintf(text, sizeof text, "cannot read the schema: %s", why);
    fd_diags_add(diags, &(fd_diag){.severity = FD_ERROR, .file = path, .text = text, .width = 1});
    return NULL;
}

fd_schema *fd_schema_load(const char *path, fd_diags *diags)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return load_failed(path, strerror(errno), diags);
    /* one byte more than allowed, so that the parser can say that it is too much */
    char *text = malloc(FD_SCHEMA_MAX_BYTES + 1);
    FD_ALLOCATED(text);
    size_t n = fread(text, 1, FD_SCHEMA_MAX_BYTES + 1, f);
    bool failed = ferror(f) != 0;
    int why = errno;
    fclose(f);
    fd_schema *s = failed ? load_failed(path, strerror(why), diags)
                          : fd_schema_parse(text, n, path, diags);
    free(text);
    return s;
}

void fd_schema_free(fd_schema *s)
{
    if (s == NULL)
        return;
    FD_CHECK_MAGIC(s, FD_SCHEMA_MAGIC);
    json_decref(s->root);
    fd_arena_free(s->arena);
    free(s->text);
    s->magic = 0;
    free(s);
}

const fd_type *fd_schema_type(const fd_schema *s)
{
    FD_CHECK_MAGIC(s, FD_SCHEMA_MAGIC);
    return s->type;
}

const char *fd_schema_name(const fd_schema *s)
{
    FD_CHECK_MAGIC(s, FD_SCHEMA_MAGIC);
    return s->node->name;
}

const char *fd_schema_json(const fd_schema *s, size_t *n)
{
    FD_CHECK_MAGIC(s, FD_SCHEMA_MAGIC);
    *n = s->text_n;
    return s->text;
}

fd_content_hash fd_schema_hash(const fd_schema *s)
{
    FD_CHECK_MAGIC(s, FD_SCHEMA_MAGIC);
    return s->hash;
}

uint64_t fd_schema_fingerprint(const fd_schema *s)
{
    FD_CHECK_MAGIC(s, FD_SCHEMA_MAGIC);
    return s->fingerprint;
}
